"""What a peer sent, shown: known or unknown, whole or wrong, it is always displayed and never obeyed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalogue.samples import TYPED, resolve
from tests.catalogue.test_bad_input import wire_values
from watchline.catalogue import load_catalogue, raw_rows


def test_known_form_that_holds_is_read_in_the_reader_s_language() -> None:
    form = load_catalogue().form("free-text")
    reading = load_catalogue().read("free-text", 1, form.parse(TYPED["free-text"], resolve), language="ja")
    assert reading.form is form
    assert reading.title == ("自由文", "Free text")
    assert reading.fields == {"text": "Good morning.", "language": "en", "subject": "greeting"}
    assert reading.finding is None
    assert reading.fault is None


@pytest.mark.parametrize(
    ("code", "version", "words"), [("ship-encounter", 1, "does not know this form"), ("test", 2, "another")]
)
def test_form_that_this_desk_does_not_know_is_shown_as_it_is_and_says_so(code: str, version: int, words: str) -> None:
    fields: dict[int | str, Any] = {1: "Kiel", 2: b"\x01\xff", "x": [1, {2: "y"}]}
    reading = load_catalogue().read(code, version, fields, language="en")
    assert reading.form is None
    assert reading.title == (code, None)
    assert reading.fields == {"1": "Kiel", "2": "01ff", "x": [1, {"2": "y"}]}
    assert [(row.label, row.text) for row in reading.rows] == [("1", "Kiel"), ("2", "01ff"), ("x", "[1, {'2': 'y'}]")]
    assert reading.finding is not None
    assert words in reading.finding.text


def test_known_form_that_does_not_hold_is_shown_as_it_is_with_its_fault() -> None:
    reading = load_catalogue().read("decline", 1, {1: "theirs:7"}, language="zh-CN")
    assert reading.fault is not None
    assert reading.fault.facts["field"] == "of"
    assert reading.finding is not None
    assert reading.finding.english == "This form is not filled in as agreed; its fields are shown as they are."
    assert [(row.label, row.text) for row in reading.rows] == [("1", "theirs:7")]


def test_flash_notice_of_too_many_words_is_shown_in_full_and_says_so() -> None:
    fields = {1: "word " * 200 + "word", 2: "en"}
    priority = load_catalogue().read("free-text", 1, fields, language="ja", precedence=1)
    flash = load_catalogue().read("free-text", 1, fields, language="ja", precedence=3)
    assert priority.finding is None
    assert flash.finding is not None
    assert flash.fault is not None
    assert flash.fault.facts["given"] == "201 words in all"
    assert (flash.rows, flash.fields) == (priority.rows, priority.fields)


def test_raw_rows_never_hold_what_a_terminal_or_a_screen_obeys() -> None:
    fields: dict[int | str, Any] = {1: "\x1b]0;owned\x07\n\u202etxt", "\x1b[2J": "a"}
    rows = raw_rows(fields)
    assert [(row.label, row.text) for row in rows] == [("1", "\\u001b]0;owned\\u0007\\u000a\\u202etxt"), ("\\u001b[2J", "a")]


def test_raw_rows_are_bounded_however_much_a_peer_sends() -> None:
    rows = raw_rows(dict.fromkeys(range(200), "x" * 60000))
    assert len(rows) == 128
    assert all(len(row.text) == 2_000 for row in rows)


@pytest.mark.slow
@given(
    code=st.sampled_from([*sorted(TYPED), "ship-encounter", "\x1b[31m"]),
    version=st.integers(0, 3),
    fields=st.dictionaries(st.integers(0, 12) | st.text(max_size=4), wire_values, max_size=6),
)
def test_reading_never_fails_whatever_a_peer_sends(code: str, version: int, fields: dict[Any, Any]) -> None:
    reading = load_catalogue().read(code, version, fields, language="ja", zone="Asia/Tokyo", precedence=3)
    assert reading.title.text.isprintable()
    assert json.dumps(reading.fields)
    assert (reading.finding is None) == (reading.form is not None and reading.fault is None)
