"""Which clocks run when the two logs have given sizes: compared with the rule, stated as simply as it can be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchline.core.clocks import ACKNOWLEDGE, ANSWER, OpenNotice, OpenNotices

SMALL = st.integers(0, 6)
DEEDS = st.lists(st.tuples(st.sampled_from(["acknowledge", "answer", "cancel"]), SMALL, SMALL), max_size=8)
CLOCKS = st.tuples(st.none() | st.just(600), st.none() | st.just(3600))


def notices(clocks: list[tuple[int | None, int | None]]) -> OpenNotices:
    made = OpenNotices()
    for index, allowed in enumerate(clocks):
        made.add(OpenNotice(index, index % 4, allowed, 0.0))
    return made


def running(notices: OpenNotices, author_size: int, closer_size: int) -> set[tuple[int, int]]:
    return {(notice.index, kind) for notice, kind, _ in notices.open_at(author_size, closer_size)}


@given(st.lists(CLOCKS, max_size=5), DEEDS, SMALL, SMALL)
def test_clock_runs_until_something_below_the_sizes_closes_it(
    clocks: list[tuple[int | None, int | None]], deeds: list[tuple[str, int, int]], author_size: int, closer_size: int
) -> None:
    kept = notices(clocks)
    first: dict[tuple[str, int], int] = {}
    for deed, index, by in deeds:
        getattr(kept, deed)(index, by)
        first.setdefault((deed, index), by)
    expected = set()
    for index, allowed in enumerate(clocks):
        over = first.get(("answer", index), 99) < closer_size or first.get(("cancel", index), 99) < author_size
        if index >= author_size or over:
            continue
        if allowed[ACKNOWLEDGE] is not None and first.get(("acknowledge", index), 99) >= closer_size:
            expected.add((index, ACKNOWLEDGE))
        if allowed[ANSWER] is not None:
            expected.add((index, ANSWER))
    assert running(kept, author_size, closer_size) == expected


@given(st.lists(CLOCKS, max_size=5), DEEDS, SMALL, SMALL, SMALL, SMALL)
def test_forgetting_what_is_closed_changes_nothing_at_the_same_or_larger_sizes(
    clocks: list[tuple[int | None, int | None]],
    deeds: list[tuple[str, int, int]],
    author_size: int,
    closer_size: int,
    author_more: int,
    closer_more: int,
) -> None:
    kept, forgot = notices(clocks), notices(clocks)
    for deed, index, by in deeds:
        getattr(kept, deed)(index, by)
        getattr(forgot, deed)(index, by)
    forgot.forget_closed(author_size, closer_size)
    later = (author_size + author_more, closer_size + closer_more)
    assert running(forgot, *later) == running(kept, *later)
    assert len(forgot) <= len(kept)


def test_most_urgent_and_then_oldest_come_first() -> None:
    kept = notices([(600, 3600)] * 6)
    order = [(notice.precedence, notice.index, kind) for notice, kind, _ in kept.open_at(6, 0)]
    assert order == sorted(order, key=lambda entry: (-entry[0], entry[1], entry[2]))
    assert order[0] == (3, 3, ACKNOWLEDGE)
