"""Figures over many durations and times: spreads, and for how much of a period something held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """How durations are spread, in seconds. median, percentile_95: by nearest rank, so each is one that occurred.

    number: of durations; of none there is no median, and both are None.
    """

    number: int
    median: float | None
    percentile_95: float | None


def spread(durations: Iterable[float]) -> Spread:
    """Give the spread of durations in seconds, in any order."""
    ordered = sorted(durations)
    return Spread(len(ordered), _nearest_rank(ordered, 50), _nearest_rank(ordered, 95))


def _nearest_rank(ordered: Sequence[float], percent: int) -> float | None:
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None


class Span(NamedTuple):
    """From `start` to before `end`, in seconds since 1970."""

    start: int
    end: int


def covered_seconds(spans: Iterable[Span], within: Span) -> int:
    """For how many seconds of a period at least one of the spans held; spans may overlap and stand in any order."""
    seconds, reached = 0, within.start
    for span in sorted(spans):
        start, end = max(span.start, reached), min(span.end, within.end)
        if end > start:
            seconds += end - start
            reached = end
    return seconds
