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


@given(data=st.data(), code=st.sampled_from(CODES))
def test_any_fields_come_back_from_json_and_from_the_wire(data: st.DataObject, code: str) -> None:
    form = load_catalogue().form(code)
    fields = data.draw(filled(form))
    sent = decode(encode(fields))
    assert form.check(sent) == fields
    as_json = json.loads(json.dumps(form.as_json(sent)))
    assert form.parse(as_json, resolve) == fields


@given(data=st.data(), code=st.sampled_from(CODES))
def test_any_fields_come_back_when_typed_on_a_command_line(data: st.DataObject, code: str) -> None:
    form = load_catalogue().form(code)
    fields = data.draw(filled(form))
    typed = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in form.as_json(fields).items()
    }
    assert form.parse(typed, resolve) == fields


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
