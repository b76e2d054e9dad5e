"""What may not be sent: each refusal names the field, what was given and what is allowed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalogue.samples import TYPED, resolve
from watchline.catalogue import load_catalogue
from watchline.errors import FieldError, UsageError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=8), parts, max_size=4),
    max_leaves=8,
)
wire_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20) | st.binary(max_size=40),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.integers(0, 9) | st.text(max_size=4), parts, max_size=4),
    max_leaves=8,
)
# Nearly a record list, and nearly an approximate date.
near_values = st.lists(st.lists(wire_values, min_size=2, max_size=2), min_size=1, max_size=3) | wire_values.map(
    lambda words: [19417, 19508, words]
)


def refusal(code: str, **changes: Any) -> FieldError:
    """What the form says to its usual assignment with these changes; None takes a field away."""
    typed = {**TYPED[code], **changes}
    with pytest.raises(FieldError) as caught:
        load_catalogue().form(code).parse({name: value for name, value in typed.items() if value is not None}, resolve)
    return caught.value


@pytest.mark.parametrize(
    ("code", "name", "given", "allowed"),
    [
        ("airspace-object", "object", "ballon", "balloon"),
        ("airspace-object", "object", "BALLOON", "balloon"),
        ("airspace-object", "seen", "2023-02-15T10:00:00", "offset"),
        ("airspace-object", "seen", "2023-02-15", "offset"),
        ("airspace-object", "seen", "2023-02-30T10:00:00Z", "RFC 3339"),
        ("airspace-object", "seen", "2023-02-15T10:00:00.5Z", "whole seconds"),
        ("airspace-object", "seen", "1969-12-31T23:59:59Z", "RFC 3339"),
        ("airspace-object", "seen", "2023-05-31/2023-03-01 around spring", "first date not after"),
        ("airspace-object", "seen", "2023-03-01/2023-05-31", "words"),
        ("airspace-object", "seen", "around spring", "two dates"),
        ("airspace-object", "seen", '{"from": "2023-03-01"}', "from, to and words"),
        ("airspace-object", "pos", "91.0,139.7", "LAT,LON"),
        ("airspace-object", "pos", "35.6,180.1", "LAT,LON"),
        ("airspace-object", "pos", "35°60.0'N 139°42.0'E", "LAT,LON"),
        ("airspace-object", "pos", "139°42.0'E 35°36.0'N", "LAT,LON"),
        ("airspace-object", "pos", "somewhere", "LAT,LON"),
        ("airspace-object", "pos", '{"lat": 1e400, "lon": 0}', "LAT,LON"),
        ("airspace-object", "pos", '{"lat": NaN, "lon": 0}', "LAT,LON"),
        ("airspace-object", "alt", "18000 ft", "in m"),
        ("airspace-object", "alt", "18 km", "in m"),
        ("airspace-object", "alt", "18000.5 m", "whole number"),
        ("airspace-object", "alt", "١٨٠٠٠", "whole number"),
        ("airspace-object", "alt", "100001", "to 100000"),
        ("airspace-object", "track", "360", "to 359"),
        ("airspace-object", "speed", "10 km/h", "in kt"),
        ("airspace-object", "earlier", "1/1/3", "JSON list"),
        ("airspace-object", "earlier", "[]", "JSON list"),
        ("airspace-object", "earlier", '["1/1/3"', "JSON list"),
        ("live-fire-closure", "area", "25.0,122.0; 26.0,123.0; 25.0,122.0", "twice"),
        ("live-fire-closure", "area", "0.0,0.0; 1.0,1.0; 0.0,1.0; 1.0,0.0", "cross"),
        ("live-fire-closure", "area", "0.0,0.0; 1.0,1.0; 2.0,2.0", "one line"),
        ("live-fire-closure", "area", "0.0,-100.0; 1.0,0.0; 0.0,100.0", "half the world"),
        ("live-fire-closure", "area", "25.0,122.0; 5 km", "NM"),
        ("live-fire-closure", "area", "25.0,122.0; 0 NM", "0.1"),
        ("live-fire-closure", "area", "25.0,122.0", "polygon"),
        ("live-fire-closure", "area", json.dumps(["0.0,0.0"] * 65), "64"),
        ("live-fire-closure", "area", '{"centre": "25.0,122.0"}', "radius_nm"),
        ("live-fire-closure", "high", "FL 1000", "to 999"),
        ("live-fire-closure", "high", "30000 ft", "in FL"),
        ("live-fire-closure", "to", "2022-08-04T11:59:59+08:00", "not below that of from"),
        ("fire-control-radar", "episodes", "2 times", "whole number"),
        ("fire-control-radar", "explain", "perhaps", "yes"),
        ("fire-control-radar", "data_held", "maybe", "unknown"),
        ("statement", "language", "Japanese", "BCP 47"),
        ("statement", "language", "x-secret", "BCP 47"),
        ("statement", "text", "", "1 to 20000"),
        ("statement", "text", " \n ", "1 to 20000"),
        ("statement", "text", "a" * 20_001, "1 to 20000"),
        ("statement", "text", "bell\x07", "control"),
        ("statement", "text", "\x1b[2J", "control"),
        ("statement", "text", "left \u202e right", "direction"),
        ("statement", "text", "\udcff", "control"),
        ("statement", "speaker_role", "minister\nTranslation: AGREED", "on one line"),
        ("acknowledgement", "digest", "00", "64 hex digits"),
        ("test", "sequence", "-1", "from 0"),
        ("commitment", "due", "2023-03-01/2023-05-31 en=around spring; 春頃", "LANGUAGE=WORDS"),
        ("military-spending", "currency", "usd", "[A-Z]{3}"),
        ("military-spending", "currency", "ＵＳＤ", "[A-Z]{3}"),
        ("military-spending", "total", "1e400", "decimal"),
        ("military-spending", "period", "0", "from 1"),
        ("planned-discharge", "end", "2023-08-24T12:59:59+09:00", "not below that of start"),
        ("arrangement", "until", "2023-08-30T00:00:00Z", "not below that of first"),
        ("commitment", "ends", "2023-02-27T09:59:59Z", "not below that of due"),
        ("commitment", "ends", "2022-12-01/2023-02-26 winter", "not below that of due"),
        ("talks-proposal", "level", "vice-minister", "vice_minister"),
    ],
)
def test_value_that_is_not_allowed_is_refused_by_field_given_and_allowed(
    code: str, name: str, given: str, allowed: str
) -> None:
    error = refusal(code, **{name: given})
    assert error.facts["field"] == name
    assert isinstance(error.facts["given"], str)
    assert len(error.facts["given"]) <= 80
    assert error.facts["given"].isprintable()
    assert allowed in " ".join([str(error.facts["allowed"])])
    assert error.message.startswith(f"{code}: field {name} was given ")
    assert allowed in error.message
    assert error.hint


@pytest.mark.parametrize(
    "ends", ["2023-02-28T10:00:00Z", "2023-02-27/2023-02-27 at once", "2023-04-01T00:00:00Z", "2023-03-01/2023-03-02 soon"]
)
def test_commitment_may_end_in_the_window_in_which_it_is_due(ends: str) -> None:
    form = load_catalogue().form("commitment")
    fields = form.parse({**TYPED["commitment"], "ends": ends}, resolve)
    assert form.check(fields) == fields


@pytest.mark.parametrize(
    ("code", "name"),
    [(code, field.name) for code in sorted(TYPED) for field in load_catalogue().form(code).fields if field.required],
)
def test_missing_required_field_is_refused_by_name(code: str, name: str) -> None:
    error = refusal(code, **{name: None})
    assert (error.facts["field"], error.facts["given"]) == (name, "nothing")
    assert error.facts["allowed"]


def test_wrong_item_of_a_list_is_named_by_its_place() -> None:
    error = refusal("request-clarification", question=["What was it?", ""])
    assert (error.facts["field"], error.facts["given"]) == ("question[1]", "")


WINDOW = {"from": "2023-03-01", "to": "2023-05-31"}


@pytest.mark.parametrize(
    ("words", "at"),
    [
        ({}, ""),
        ({"": "x"}, "[language]"),
        ({"spring": "x"}, "[language]"),
        ({"x-klingon": "x"}, "[language]"),
        ({"en\n": ""}, "[en]"),
        ({"en": ""}, "[en]"),
        ({"en": "a" * 201}, "[en]"),
        ({"en": "two\nlines"}, "[en]"),
        ({"en": None}, "[en]"),
        ({"en": {"en": "x"}}, "[en]"),
        ({"en": "x", "EN": "y"}, "[language]"),
        ({f"{chr(97 + i)}a": "x" for i in range(17)}, ""),
        ([], ""),
        ([["en", "x"]], ""),
        ([7], ""),
        (7, ""),
        (None, ""),
    ],
)
def test_words_of_a_date_that_are_not_in_languages_each_once_are_refused(words: Any, at: str) -> None:
    error = refusal("commitment", due={**WINDOW, "words": words})
    assert error.facts["field"] == f"due{at}"


@pytest.mark.parametrize(
    "typed",
    [
        "2023-03-01/2023-05-31 en=around spring; EN=in spring",
        '{"from": "2023-03-01", "to": "2023-05-31", "words": {"en": "around spring", "en": "in autumn"}}',
        '{"from": "2023-03-01", "from": "2023-04-01", "to": "2023-05-31", "words": "around spring"}',
    ],
)
def test_anything_that_is_said_twice_of_a_date_is_refused(typed: str) -> None:
    assert str(refusal("commitment", due=typed).facts["field"]).split("[")[0] == "due"


@pytest.mark.parametrize(
    "words",
    [{}, {1: "x"}, {"EN": "x"}, {"zh-hans": "x"}, {"en": 1}, {"en": ["x"]}, {"en": "\u202e"}, [["en", "x"]], None, {"en": {}}],
)
def test_words_of_a_date_in_another_shape_from_a_peer_are_refused(words: Any) -> None:
    form = load_catalogue().form("commitment")
    fields = form.parse(TYPED["commitment"], resolve)
    with pytest.raises(FieldError) as caught:
        form.check({**fields, 3: [19417, 19508, words]})
    assert str(caught.value.facts["field"]).startswith("due")


@pytest.mark.parametrize(
    ("points", "field"),
    [
        ("The hotline was agreed.", "points"),
        ({"text": "x", "about": ["1/1/7"]}, "points"),
        ([], "points"),
        ([["x", ["1/1/7"]]], "points[0]"),
        ([None], "points[0]"),
        ([{}], "points[0].about"),
        ([{"about": None}], "points[0].about"),
        ([{"about": []}], "points[0].about"),
        ([{"about": "1/1/7"}], "points[0].about"),
        ([{"about": ["1/1/7"]}, {"text": "x"}], "points[1].about"),
        ([{"about": ["1/1/7"], "text": None}], "points[0].text"),
        ([{"about": ["1/1/7"], "text": "bell\x07"}], "points[0].text"),
        ([{"about": ["1/1/7"], "text": "a" * 2_001}], "points[0].text"),
        ([{"about": ["1/1/7", [1, 1, 7]]}], "points[0].about[1]"),
        ([{"about": ["1/1/7"], "colour": "red"}], "points[0]"),
        ([{"about": ["1/1/7"]}] * 65, "points"),
        ([{"about": ["1/1/7"] * 65}], "points[0].about"),
        ([{"about": [{"about": ["1/1/7"]}]}], "points[0].about[0]"),
        ("[" * 100_000, "points"),
        ('[{"about": ["1/1/7"], "about": ["1/1/8"]}]', "points"),
    ],
)
def test_wrong_part_of_a_record_is_named_by_its_place(points: Any, field: str) -> None:
    assert refusal("readout", points=points).facts["field"] == field


@pytest.mark.parametrize(
    "record",
    [[], ["x"], ["x", [[1, 1, 7]], None], [None, None], [1, [[1, 1, 7]]], ["x", [1, 1, 7]], {"about": [[1, 1, 7]]}, "ab", None],
)
def test_record_of_another_shape_from_a_peer_is_refused(record: Any) -> None:
    form = load_catalogue().form("readout")
    fields = form.parse(TYPED["readout"], resolve)
    with pytest.raises(FieldError) as caught:
        form.check({**fields, 4: [record]})
    assert str(caught.value.facts["field"]).startswith("points[0]")


@pytest.mark.parametrize(
    ("code", "name", "given", "field"),
    [
        (
            "commitment",
            "translations",
            [{"language": "ja", "text": "x"}, {"language": "JA", "text": "y"}],
            "translations[1].language",
        ),
        (
            "planned-discharge",
            "nuclides",
            [{"name": "H-3", "activity": "1"}, {"name": "H-3", "activity": "2"}],
            "nuclides[1].name",
        ),
    ],
)
def test_record_that_says_the_same_thing_twice_is_refused(code: str, name: str, given: Any, field: str) -> None:
    assert refusal(code, **{name: given}).facts["field"] == field


@pytest.mark.parametrize("goods", [["8"], ["85423100000"], ["8542.31"], ["٨٥٤٢"], ["semiconductors"], [8542], ["8542\n"]])
def test_goods_that_are_no_code_of_the_harmonized_system_are_refused(goods: Any) -> None:
    if goods == ["8542\n"]:  # typed white space goes; a peer's does not
        form = load_catalogue().form("supply-notice")
        with pytest.raises(FieldError):
            form.check({**form.parse(TYPED["supply-notice"], resolve), 1: goods})
    else:
        assert refusal("supply-notice", goods=goods).facts["field"] == "goods[0]"


def test_notice_that_would_not_fit_an_entry_is_refused_by_its_longest_field() -> None:
    error = refusal("readout", points=[{"text": "合" * 2_000, "about": ["1/1/7"]}] * 11)
    assert error.facts["field"] == "points"
    assert "61440 bytes" in str(error.facts["allowed"])


@pytest.mark.parametrize(
    ("code", "changes", "words"),
    [
        ("readout", {"points": [{"text": "word " * 201, "about": ["1/1/7"]}]}, "points"),
        ("commitment", {"translations": [{"language": "ja", "text": "一二" * 201}]}, "translations"),
        (
            "talks-proposal",
            {"dates": [{**WINDOW, "words": {"en": "a " * 99 + "a", "ja": "一" * 199}} for _ in range(2)]},
            "dates",
        ),
    ],
)
def test_words_inside_records_and_dates_count_in_an_urgent_notice(code: str, changes: Any, words: str) -> None:
    form = load_catalogue().form(code)
    form.parse({**TYPED[code], **changes}, resolve, precedence=1)
    with pytest.raises(FieldError, match="words in all") as caught:
        form.parse({**TYPED[code], **changes}, resolve, precedence=3)
    assert caught.value.facts["field"] == words


@pytest.mark.parametrize(
    ("area", "field", "given"),
    [
        ("25.0,122.0; 26.0,123.0; nowhere", "area[2]", "nowhere"),
        ("nowhere; 5 NM", "area[centre]", "nowhere"),
        ('[{"lat": 25}, "26.0,123.0", "27.0,123.0"]', "area[0]", "{'lat': 25}"),
    ],
)
def test_wrong_position_of_an_area_is_named_by_its_place(area: str, field: str, given: str) -> None:
    error = refusal("live-fire-closure", area=area)
    assert (error.facts["field"], error.facts["given"]) == (field, given)


def test_unknown_field_is_refused_with_the_near_one_as_hint() -> None:
    error = refusal("airspace-object", objekt="balloon")
    assert error.facts["field"] == "objekt"
    assert error.facts["given"] == "balloon"
    assert error.facts["allowed"] == [field.name for field in load_catalogue().form("airspace-object").fields]
    assert error.hint == "Did you mean object?"


def test_word_near_an_allowed_one_is_hinted() -> None:
    assert refusal("airspace-object", object="ballon").hint == "Did you mean balloon?"


@pytest.mark.parametrize(
    ("code", "near"), [("airspace", "airspace-object"), ("Free-Text", "free-text"), ("zzz", "Give one of")]
)
def test_unknown_form_is_refused_with_near_ones_as_hint(code: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_catalogue().form(code)
    assert near in caught.value.hint
    assert caught.value.facts["given"] == code
    assert "free-text" in (caught.value.facts["allowed"] or [])  # type: ignore[operator]


def test_reference_that_nobody_can_resolve_keeps_the_resolver_s_own_words() -> None:
    def unknown(text: str) -> list[int]:
        raise UsageError(f"no message {text}")

    with pytest.raises(UsageError, match="no message ours:99"):
        load_catalogue().form("decline").parse({"of": "ours:99"}, unknown)


@pytest.mark.parametrize("wrong", [[1, 1], [1, 1, 7, 0], [1, 1, 7, 2], [1, 1, -1], [1, 1, True], [1, 1, 2**53], "1/1/7", None])
def test_reference_of_another_shape_from_a_peer_is_refused(wrong: Any) -> None:
    with pytest.raises(FieldError):
        load_catalogue().form("decline").check({1: wrong})


@pytest.mark.parametrize("key", [99, "of", "1", -1, True])
def test_field_number_that_the_form_has_not_is_refused(key: Any) -> None:
    # True equals 1, the number of the one required field, and stands in its place.
    fields: dict[Any, Any] = {True: [1, 1, 7]} if key is True else {1: [1, 1, 7], key: "x"}
    with pytest.raises(FieldError, match="has no field"):
        load_catalogue().form("decline").check(fields)


@pytest.mark.parametrize(
    "position",
    [[54_000_001, 0], [-54_000_001, 0], [0, 108_000_001], [0, -108_000_000], [0], [0, 0, 0], [0, True], [0, None], "0,0", None],
)
def test_position_of_another_shape_or_range_from_a_peer_is_refused(position: Any) -> None:
    form = load_catalogue().form("airspace-object")
    fields = form.parse(TYPED["airspace-object"], resolve)
    with pytest.raises(FieldError) as caught:
        form.check({**fields, 3: position})
    assert caught.value.facts["field"] == "pos"


def test_polygon_from_a_peer_in_another_order_is_refused() -> None:
    form = load_catalogue().form("live-fire-closure")
    fields = form.parse(TYPED["live-fire-closure"], resolve)
    area = fields[2]
    for wrong in (area[1:] + area[:1], area[::-1]):
        with pytest.raises(FieldError, match="clockwise"):
            form.check({**fields, 2: wrong})


@pytest.mark.parametrize("precedence", [0, 1])
def test_long_text_is_allowed_below_immediate(precedence: int) -> None:
    form = load_catalogue().form("free-text")
    assert form.parse({"text": "word " * 201, "language": "en"}, resolve, precedence=precedence)


@pytest.mark.parametrize("precedence", [2, 3])
@pytest.mark.parametrize(
    ("longest_allowed", "too_long"), [("word " * 199 + "word", "word " * 201), ("一二" * 200, "一二" * 200 + "三")]
)
def test_flash_and_immediate_hold_200_words_and_no_more(precedence: int, longest_allowed: str, too_long: str) -> None:
    form = load_catalogue().form("free-text")
    assert form.parse({"text": longest_allowed, "language": "en"}, resolve, precedence=precedence)
    with pytest.raises(FieldError) as caught:
        form.parse({"text": too_long, "language": "en"}, resolve, precedence=precedence)
    assert caught.value.facts["field"] == "text"
    assert caught.value.facts["given"] == "201 words in all"
    assert "at most 200 words" in str(caught.value.facts["allowed"])


def test_words_of_all_fields_of_a_flash_notice_count_together() -> None:
    form = load_catalogue().form("request-clarification")
    questions = ["word " * 100, "word " * 100]
    form.parse({"question": questions}, resolve, precedence=3)
    with pytest.raises(FieldError, match="201 words"):
        form.parse({"question": questions, "remarks": "more"}, resolve, precedence=3)


@pytest.mark.slow
@given(code=st.sampled_from(sorted(TYPED)), data=st.data())
def test_anything_given_is_parsed_or_refused_by_field(code: str, data: st.DataObject) -> None:
    form = load_catalogue().form(code)
    field = data.draw(st.sampled_from(form.fields))
    value = data.draw(json_values | json_values.map(json.dumps))
    try:
        fields = form.parse({**TYPED[code], field.name: value}, lambda text: [1, 1, 7])
    except FieldError as error:
        assert str(error.facts["field"]).split("[")[0] == field.name or field.name in error.message
    else:
        assert form.check(fields) == fields


@pytest.mark.slow
@given(code=st.sampled_from(sorted(TYPED)), data=st.data())
def test_anything_a_peer_sends_holds_or_is_refused_by_field(code: str, data: st.DataObject) -> None:
    form = load_catalogue().form(code)
    field = data.draw(st.sampled_from(form.fields))
    fields = {**form.parse(TYPED[code], resolve), field.number: data.draw(wire_values | near_values)}
    try:
        form.render(form.check(fields), "ja", "Asia/Shanghai")
    except FieldError as error:
        assert str(error.facts["field"]).split("[")[0] == field.name or field.name in error.message
