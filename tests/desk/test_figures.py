"""Figures over many durations and times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchline.desk.figures import Span, Spread, covered_seconds, spread

TIMES = st.integers(0, 60)


def test_spread_is_by_nearest_rank() -> None:
    assert spread([5, 1, 3]) == Spread(3, 3, 5)
    assert spread(range(1, 101)) == Spread(100, 50, 95)
    assert spread([]) == Spread(0, None, None)


@given(st.lists(st.tuples(TIMES, TIMES).map(lambda ends: Span(min(ends), max(ends)))), TIMES, TIMES)
def test_covered_seconds_count_each_second_once(spans: list[Span], one: int, other: int) -> None:
    within = Span(min(one, other), max(one, other))
    counted = {second for span in spans for second in range(span.start, span.end)} & set(range(*within))
    assert covered_seconds(spans, within) == len(counted)
