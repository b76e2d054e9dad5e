from __future__ import annotations

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchline.cli.output import COLUMNS, Output, columns, padded, table, wrapped

PRINTABLE = st.characters(codec="utf-8", exclude_categories=["Cc"])


def test_wide_characters_take_two_columns() -> None:
    assert columns("気球 balloon") == 4 + 8
    assert padded("気球", 6) == "気球  "


@pytest.mark.slow
@given(st.text(PRINTABLE | st.sampled_from(" \n気球あ"), max_size=400))
def test_wrapped_text_fits_the_screen_and_loses_nothing(text: str) -> None:
    lines = list(wrapped(text))

    assert all(columns(line) <= COLUMNS for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_what_follows_a_break_is_indented_as_its_start() -> None:
    assert list(wrapped("  one two three", width=9)) == ["  one two", "  three"]


def test_japanese_is_broken_between_any_two_characters() -> None:
    assert list(wrapped("空域内の物体", width=6)) == ["空域内", "の物体"]


def test_table_aligns_wide_characters() -> None:
    assert list(table([["東京", "a"], ["x", "b"]])) == ["東京  a", "x     b"]


def test_nothing_that_a_terminal_obeys_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    Output().result({}, ["\x1b[31mred\x07 \u202edlrow \u2028end\x9b"])

    assert capsys.readouterr().out == "\\u001b[31mred\\u0007 \\u202edlrow \\u2028end\\u009b\n"


def test_terminal_that_cannot_show_a_character_gets_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)

    Output().result({}, ["気球 balloon"])

    stream.seek(0)
    assert stream.read() == "\\u6c17\\u7403 balloon\n"


def test_json_keeps_every_character_whatever_the_terminal_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    document = {"text": "気球 \U0001f388 \x1b \u202e \u2028"}
    for encoding in ("ascii", "utf-8", "iso-8859-1"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        output = Output()
        output.json = True

        output.result(document, [])

        stream.seek(0)
        assert json.loads(stream.read()) == document
