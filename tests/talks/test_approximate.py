from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchline.catalogue import load_catalogue, times
from watchline.talks import approximate
from watchline.talks.approximate import Approximate, due_state

SPRING = [19_417, 19_508, {"en": "around spring", "ja": "春頃", "zh-Hans": "春季前后"}]  # 2023-03-01 to 2023-05-31


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp())


days = st.integers(0, approximate.DAYS_MAX)
texts = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)
tags = st.sampled_from(["en", "ja", "zh", "zh-Hans", "zh-Hant", "fr", "de-CH"])
windows = st.tuples(days, days, st.one_of(texts, st.dictionaries(tags, texts, min_size=1))).map(
    lambda value: [min(value[:2]), max(value[:2]), value[2]]
)
exact = st.integers(0, approximate.SECONDS_MAX)
wire = st.one_of(exact, windows)


def test_spring_begins_in_kiribati_and_is_over_on_baker_island() -> None:
    spring = Approximate.read(SPRING)
    assert spring.first == at("2023-03-01T00:00:00+14:00")
    assert spring.last == at("2023-05-31T23:59:59-12:00")
    assert spring.days == (19_417, 19_508)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        ("2023-03-01T00:00:00+14:00", "due"),
        ("2023-02-28T23:59:59+14:00", "not_yet"),
        ("2023-05-31T23:59:59-12:00", "due"),
        ("2023-06-01T00:00:00-12:00", "overdue"),
        ("2023-06-01T20:00:00+09:00", "due"),  # May is over in Tokyo, but not everywhere
    ],
)
def test_nobody_is_late_before_the_last_day_is_over_everywhere(now: str, state: str) -> None:
    assert Approximate.read(SPRING).due(at(now)) == state


def test_exact_time_is_due_in_its_second_and_overdue_after_it() -> None:
    due = Approximate.read(1_000)
    assert [due.due(now) for now in (999, 1_000, 1_001)] == ["not_yet", "due", "overdue"]
    assert due.days is None
    assert due.words("en") is None


def test_what_has_no_time_is_never_due() -> None:
    assert due_state(None, 1_000) == "none"
    assert due_state(Approximate.exactly(5), 6) == "overdue"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ja", "春頃"),
        ("JA", "春頃"),
        ("ja-JP", "春頃"),
        ("zh-Hans-CN", "春季前后"),
        ("zh", "春季前后"),
        ("zh-Hant", "春季前后"),
        ("fr", "around spring"),
        ("", "around spring"),
    ],
)
def test_reader_gets_the_words_in_the_nearest_language(language: str, words: str) -> None:
    assert Approximate.read(SPRING).words(language) == words


def test_words_of_no_language_are_for_everyone_but_those_who_have_their_own() -> None:
    assert Approximate.read([0, 1, "soon"]).words("ja") == "soon"
    assert Approximate.read([0, 1, {"ja": "近く", "zh": "不久"}]).words("fr") == "近く"


@pytest.mark.parametrize(
    "value",
    [
        None, True, -1, 1.0, "soon", b"", [], [1, 2], [1, 2, "a", "b"], [2, 1, "a"], [-1, 1, "a"], [True, 1, "a"],
        [0, "1", "a"], [0, 1, ""], [0, 1, None], [0, 1, {}], [0, 1, {"en": ""}], [0, 1, {1: "a"}], [0, 1, {"en": 2}],
        [0, 1, ["a"]],
        approximate.SECONDS_MAX + 1, [0, approximate.DAYS_MAX + 1, "a"],
    ],
)  # fmt: skip
def test_value_that_is_no_time_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"no window|no words|neither"):
        Approximate.read(value)


def test_bounds_are_those_of_the_catalogue() -> None:
    assert (approximate.SECONDS_MAX, approximate.DAYS_MAX) == (times.SECONDS_MAX, times.DAYS_MAX)


@pytest.mark.slow
@given(st.one_of(wire, st.tuples(days, days, texts), st.integers()))
def test_every_value_that_the_catalogue_passes_is_read(value: Any) -> None:
    (seen,) = (field for field in load_catalogue().form("airspace-object").fields if field.name == "seen")
    try:
        seen.kind.check(value)
    except ValueError:
        return
    Approximate.read(value)


@given(wire)
def test_what_is_read_has_the_days_that_were_sent_and_lasts_as_long_as_they_do_anywhere(value: Any) -> None:
    read = Approximate.read(value)
    if isinstance(value, int):
        assert read.first == read.last == value
    else:
        assert read.days == (value[0], value[1])
        assert read.last - read.first + 1 == (value[1] - value[0] + 1) * 86_400 + 26 * 3_600


@pytest.mark.slow
@given(wire, wire)
def test_order_is_total_and_what_is_over_first_comes_first(one: Any, other: Any) -> None:
    left, right = Approximate.read(one), Approximate.read(other)
    assert (left < right) + (left == right) + (left > right) == 1
    assert (left == right) == (one == other)
    if left < right:
        assert (left.last, left.first) <= (right.last, right.first)


@given(wire, st.integers(0, approximate.SECONDS_MAX), st.integers(0, 10**9))
def test_state_only_goes_forward(value: Any, now: int, later: int) -> None:
    read, order = Approximate.read(value), ["not_yet", "due", "overdue"]
    assert order.index(read.due(now)) <= order.index(read.due(now + later))


@pytest.mark.slow
@given(windows, tags)
def test_window_has_words_for_every_reader_and_their_own_if_there_are_any(value: Any, language: str) -> None:
    words = Approximate.read(value).words(language)
    assert words in (value[2].values() if isinstance(value[2], dict) else [value[2]])
    if isinstance(value[2], dict) and language in value[2]:
        assert words == value[2][language]
