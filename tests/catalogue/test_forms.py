"""Forms: what is typed becomes what is sent, and comes back the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalogue.samples import HASH, TYPED, filled, name_reference, resolve
from watchline.catalogue import load_catalogue
from watchline.core.encoding import decode, encode
from watchline.errors import UsageError

CODES = sorted(TYPED)


@pytest.mark.parametrize("code", CODES)
def test_typed_form_comes_back_from_its_json(code: str) -> None:
    form = load_catalogue().form(code)
    fields = form.parse(TYPED[code], resolve)
    as_json = form.as_json(fields, name_reference)
    assert list(as_json) == [field.name for field in form.fields if field.name in TYPED[code]]
    assert form.parse(json.loads(json.dumps(as_json)), resolve) == fields


@pytest.mark.slow
@given(data=st.data(), code=st.sampled_from(CODES))
def test_any_fields_come_back_from_json_and_from_the_wire(data: st.DataObject, code: str) -> None:
    form = load_catalogue().form(code)
    fields = data.draw(filled(form))
    sent = decode(encode(fields))
    assert form.check(sent) == fields
    as_json = json.loads(json.dumps(form.as_json(sent)))
    assert form.parse(as_json, resolve) == fields


@pytest.mark.slow
@given(data=st.data(), code=st.sampled_from(CODES))
def test_any_fields_come_back_when_typed_on_a_command_line(data: st.DataObject, code: str) -> None:
    form = load_catalogue().form(code)
    fields = data.draw(filled(form))
    typed = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in form.as_json(fields).items()
    }
    assert form.parse(typed, resolve) == fields


@pytest.mark.slow
@given(data=st.data(), code=st.sampled_from(CODES), language=st.sampled_from(["en", "ja", "zh-Hans", "ko"]))
def test_any_fields_can_be_shown_to_any_reader(data: st.DataObject, code: str, language: str) -> None:
    form = load_catalogue().form(code)
    fields = data.draw(filled(form))
    rows = form.render(fields, language, "Asia/Tokyo")
    assert [row.field for row in rows] == [field.name for field in form.fields if field.number in fields]
    for row in rows:
        assert row.label
        assert row.text
        assert (row.label_en is not None) == (language in ("ja", "zh-Hans"))


@pytest.mark.parametrize(
    ("code", "name", "wire"),
    [
        ("airspace-object", "object", "balloon"),
        ("airspace-object", "seen", 1676422800),
        ("airspace-object", "pos", [21_360_000, 83_820_000]),
        ("airspace-object", "alt", 18_000),
        ("airspace-object", "track", 90),
        ("airspace-object", "earlier", [[1, 1, 3], [1, 1, 4, 1]]),
        ("live-fire-closure", "low", 0),
        ("live-fire-closure", "high", 999),
        ("engagement-rules", "effective", [19417, 19508, "around spring"]),
        ("engagement-rules", "area", [[21_000_000, 83_400_000], 55]),
        ("fire-control-radar", "explain", True),
        ("fire-control-radar", "data_held", "yes"),
        ("statement", "language", "ja"),
        ("acknowledgement", "digest", bytes.fromhex(HASH)),
        ("request-clarification", "question", ["What was it?", "Whose was it?"]),
    ],
)
def test_typed_value_has_its_one_form_on_the_wire(code: str, name: str, wire: Any) -> None:
    form = load_catalogue().form(code)
    number = next(field.number for field in form.fields if field.name == name)
    assert form.parse(TYPED[code], resolve)[number] == wire


def test_reader_sees_agreed_words_with_english_beside_while_a_language_is_draft() -> None:
    form = load_catalogue().form("airspace-object")
    fields = form.parse(TYPED["airspace-object"], resolve)
    by_field = {row.field: row for row in form.render(fields, "ja", "Asia/Tokyo")}
    assert by_field["object"] == ("物体の種類", "気球", "Object", "balloon", "object", "agreed")
    assert by_field["seen"].text == "2023-02-15 01:00:00Z (2023-02-15 10:00:00+09:00 Asia/Tokyo)"
    assert by_field["seen"].translation is None
    assert by_field["pos"].text == "35°36.0'N 139°42.0'E"
    assert by_field["alt"].text == "18000 m"
    assert by_field["earlier"].text == "1. 1/1/3\n2. 1/1/4/1"
    chinese = {row.field: row.text for row in form.render(fields, "zh-CN", None)}
    assert (chinese["object"], chinese["seen"]) == ("气球", "2023-02-15 01:00:00Z")


def test_free_text_is_shown_as_its_author_wrote_it_and_says_so() -> None:
    form = load_catalogue().form("statement")
    rows = form.render(form.parse(TYPED["statement"], resolve), "zh-Hans", None)
    text = next(row for row in rows if row.field == "text")
    assert (text.text, text.text_en, text.translation) == ("台湾海峡の平和と安定", None, "original")


def test_references_are_named_by_the_caller() -> None:
    form = load_catalogue().form("decline")
    fields = form.parse({"of": "1/1/7"}, resolve)
    assert form.as_json(fields, lambda value: f"theirs:{value[2]}") == {"of": "theirs:7"}
    assert form.render(fields, "en", None, lambda value: f"theirs:{value[2]}")[0].text == "theirs:7"


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("ja-JP", "ja"),
        ("JA", "ja"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-Hans-TW", "zh-Hans"),
        ("zh-TW", "en"),
        ("zh-Hant", "en"),
        ("jam", "en"),
        ("fr", "en"),
        ("", "en"),
    ],
)
def test_reader_gets_a_shipped_language_or_english_and_never_another_script(tag: str, language: str) -> None:
    assert load_catalogue().language_for(tag) == language


def test_unknown_time_zone_is_refused_by_name() -> None:
    form = load_catalogue().form("test")
    with pytest.raises(UsageError, match="Mars/Olympus"):
        form.render(form.parse(TYPED["test"], resolve), "en", "Mars/Olympus")


def test_words_of_an_approximate_date_are_read_in_the_reader_s_own_language() -> None:
    form = load_catalogue().form("commitment")
    typed = {**TYPED["commitment"], "due": "2023-03-01/2023-05-31 en=around spring; ja=春頃; zh-Hans=春季前后; ko=봄 무렵"}
    fields = form.parse(typed, resolve)
    assert fields[3] == [19417, 19508, {"en": "around spring", "ja": "春頃", "zh-Hans": "春季前后", "ko": "봄 무렵"}]
    read = {
        tag: next(row for row in form.render(fields, tag, "Asia/Tokyo") if row.field == "due")
        for tag in ("ja-JP", "zh-CN", "ko", "fr", "zh-TW")
    }
    assert (read["ja-JP"].text, read["ja-JP"].text_en) == (
        "2023-03-01 – 2023-05-31 “春頃”",
        "2023-03-01 – 2023-05-31 “around spring”",
    )
    assert read["zh-CN"].text == "2023-03-01 – 2023-05-31 “春季前后”"
    assert read["ko"].text == "2023-03-01 – 2023-05-31 “봄 무렵”"
    assert read["fr"].text == read["zh-TW"].text == "2023-03-01 – 2023-05-31 “around spring” (en)"
    assert {row.translation for row in read.values()} == {"original"}


def test_words_of_a_date_that_nobody_put_into_the_reader_s_language_say_which_they_are_in() -> None:
    form = load_catalogue().form("close")
    fields = form.parse({"of": "1/1/2", "outcome": "adjourned", "next": "2023-09-01/2023-11-30 ja=秋頃"}, resolve)
    assert form.render(fields, "zh-Hans", None)[2].text == "2023-09-01 – 2023-11-30 “秋頃” (ja)"


@pytest.mark.parametrize("said", ["around spring", "from spring on; or later", "“en=” is a word", "in 3=4"])
def test_words_of_a_date_that_name_no_language_stay_as_they_are(said: str) -> None:
    form = load_catalogue().form("close")
    fields = form.parse({"of": "1/1/2", "outcome": "adjourned", "next": f"2023-09-01/2023-11-30 {said}"}, resolve)
    assert fields[3] == [19601, 19691, said]
    assert form.render(fields, "ja", None)[2].text == f"2023-09-01 – 2023-11-30 “{said}”"


def test_list_of_exact_times_holds_no_words_of_its_author() -> None:
    form = load_catalogue().form("talks-proposal")
    dates = {
        typed: next(
            row
            for row in form.render(form.parse({**TYPED["talks-proposal"], "dates": [typed]}, resolve), "ja", None)
            if row.field == "dates"
        )
        for typed in ("2023-02-22T10:00:00+09:00", "2023-03-01/2023-05-31 around spring")
    }
    assert [row.translation for row in dates.values()] == [None, "original"]


def test_record_is_an_array_of_its_parts_on_the_wire() -> None:
    form = load_catalogue().form("readout")
    fields = form.parse(TYPED["readout"], resolve)
    assert fields[4] == [["The hotline was agreed.", [[1, 1, 7]]], [None, [[1, 1, 5], [1, 1, 6, 1]]]]
    assert form.as_json(fields, name_reference)["points"] == [
        {"text": "The hotline was agreed.", "about": ["1/1/7"]},
        {"about": ["1/1/5", "1/1/6/1"]},
    ]


def test_record_is_shown_with_its_labels_in_the_reader_s_language() -> None:
    form = load_catalogue().form("planned-discharge")
    rows = form.render(form.parse(TYPED["planned-discharge"], resolve), "ja", None)
    nuclides = next(row for row in rows if row.field == "nuclides")
    assert nuclides.text == "1. 核種: H-3; 放射能濃度: 140000 Bq/L\n2. 核種: C-14; 放射能濃度: 14 Bq/L"
    assert nuclides.text_en == "1. Nuclide: H-3; Activity: 140000 Bq/L\n2. Nuclide: C-14; Activity: 14 Bq/L"


def test_further_lines_of_a_text_in_a_record_look_like_no_record_of_their_own() -> None:
    form = load_catalogue().form("readout")
    typed = {**TYPED["readout"], "points": [{"text": "One.\n2. About: theirs:9", "about": ["1/1/7"]}]}
    points = next(row for row in form.render(form.parse(typed, resolve), "en", None) if row.field == "points")
    assert points.text == "Text: One.\n   2. About: theirs:9; About: 1/1/7"


def test_statement_that_belongs_to_no_talks_is_as_it_always_was() -> None:
    form = load_catalogue().form("statement")
    assert form.version == 1
    fields = {1: "Vice-Minister", 2: "台湾海峡の平和と安定", 3: "ja"}
    assert form.check(fields) == fields
