"""Times, decimals and words: the small rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalogue.samples import canonical_decimal, resolve
from watchline.catalogue.given import NotAllowed
from watchline.catalogue.kinds import Decimal
from watchline.catalogue.texts import is_clean, one_line, word_count
from watchline.catalogue.times import SECONDS_MAX, format_time, parse_day, parse_time, show_time

PERCENT = Decimal("%")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2025-12-06T16:32:00+09:00", 1765006320),
        ("2025-12-06T07:32:00Z", 1765006320),
        ("2025-12-06t07:32:00.000z", 1765006320),
        ("2025-12-06 07:32:00-00:00", 1765006320),
        ("9999-12-31T23:59:59Z", SECONDS_MAX),
    ],
)
def test_time_of_rfc_3339_is_read(text: str, seconds: int) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2025-12-06T07:32:00",
        "2025-12-06T07:32Z",
        "2025-12-06",
        "20251206T073200Z",
        "2025-W49-6T07:32:00Z",
        "2025-12-06T07:32:00+0900",
        "2025-12-06T07:32:00+25:00",
        "2025-12-06T24:00:00Z",
        "2025-12-06T07:32:60Z",
        "2025-13-06T07:32:00Z",
        "2025-12-06T07:32:00.1Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "２０25-12-06T07:32:00Z",
        "now",
    ],
)
def test_text_that_is_no_time_with_an_offset_is_none(text: str) -> None:
    assert parse_time(text) is None


@given(st.integers(0, SECONDS_MAX))
def test_time_comes_back_whole_and_cut_short_is_none(seconds: int) -> None:
    whole = format_time(seconds)
    assert parse_time(whole) == seconds
    assert all(parse_time(whole[:length]) is None for length in range(len(whole)))
    assert parse_time(whole + "Z") is None


def test_local_time_follows_utc_and_may_be_another_day() -> None:
    assert show_time(1765040000, "Asia/Tokyo") == "2025-12-06 16:53:20Z (2025-12-07 01:53:20+09:00 Asia/Tokyo)"
    assert show_time(1765040000, "UTC") == show_time(1765040000, None) == "2025-12-06 16:53:20Z"
    assert show_time(SECONDS_MAX, "Asia/Tokyo") == "9999-12-31 23:59:59Z"


@pytest.mark.parametrize(
    ("text", "day"), [("1970-01-02", 1), ("2023-03-01", 19417), ("2023-02-29", None), ("1969-12-31", None)]
)
def test_date_is_days_since_1970(text: str, day: int | None) -> None:
    assert parse_day(text) == day


@pytest.mark.parametrize(
    ("typed", "wire"),
    [
        ("7.1", [71, -1]),
        ("7.10 %", [71, -1]),
        ("-0.05", [-5, -2]),
        ("0.00", [0, 0]),
        ("320000", [32, 4]),
        (7, [7, 0]),
        (7.1, [71, -1]),
    ],
)
def test_decimal_has_one_form(typed: object, wire: list[int]) -> None:
    assert PERCENT.parse(typed, resolve) == wire


@pytest.mark.parametrize("typed", ["7,1", "7.1 kt", "1e3", "nan", ".5", "7.", "", True, None, float("inf"), "9" * 16])
def test_decimal_of_another_form_is_refused(typed: object) -> None:
    with pytest.raises(NotAllowed):
        PERCENT.parse(typed, resolve)


@pytest.mark.parametrize("wire", [[70, 0], [0, 1], [7, 31], [7], [7, 0, 0], [True, 0], "7", 7.1, [2**53, 0]])
def test_decimal_from_a_peer_in_another_form_is_refused(wire: object) -> None:
    with pytest.raises(NotAllowed):
        PERCENT.check(wire)


@given(st.integers(-(10**12), 10**12), st.integers(-12, 0))
def test_decimal_comes_back_from_its_digits(mantissa: int, exponent: int) -> None:
    wire = canonical_decimal(mantissa, exponent)
    PERCENT.check(wire)
    assert PERCENT.parse(PERCENT.to_json(wire, str), resolve) == wire


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("   ", 0),
        ("one", 1),
        ("one two\nthree", 3),
        ("one - two", 2),
        ("台湾海峡", 2),
        ("台湾海峡の", 3),
        ("F-15が二機", 3),
        ("a" * 30, 1),
        ("a" * 31, 2),
    ],
)
def test_words_are_counted_by_one_rule_for_all_scripts(text: str, words: int) -> None:
    assert word_count(text) == words


@given(st.text(alphabet=st.characters(), max_size=40), st.integers(1, 20))
def test_one_line_is_short_and_clean_whatever_it_is_given(text: str, characters: int) -> None:
    shown = one_line(text, characters)
    assert len(shown) <= characters
    assert is_clean(shown, lines=False)
    assert "\n" not in shown
    assert "\t" not in shown
