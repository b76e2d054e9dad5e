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


HOLDS = st.lists(st.tuples(SMALL, SMALL, st.integers(-5, 9000)), max_size=6)


@given(st.lists(CLOCKS, max_size=5), DEEDS, HOLDS, SMALL, SMALL)
def test_only_the_first_promise_of_a_time_restarts_the_answer_clock_and_never_beyond_the_terms(
    clocks: list[tuple[int | None, int | None]],
    deeds: list[tuple[str, int, int]],
    holds: list[tuple[int, int, int]],
    author_size: int,
    closer_size: int,
) -> None:
    kept, without = notices(clocks), notices(clocks)
    for deed, index, by in deeds:
        getattr(kept, deed)(index, by)
        getattr(without, deed)(index, by)
    first: dict[int, tuple[int, int]] = {}
    for index, by, promised in holds:
        kept.hold(index, by, 50.0, promised)
        if promised > 0:
            first.setdefault(index, (by, promised))
    assert running(kept, author_size, closer_size) == running(without, author_size, closer_size)
    for notice, kind, allowed in kept.open_at(author_size, closer_size):
        by, promised = first.get(notice.index, (99, 0))
        restarted = kind == ANSWER and by < closer_size
        assert allowed == (min(promised, 3600) if restarted else clocks[notice.index][kind])
        assert notice.begun(kind, closer_size) == (50.0 if restarted else 0.0)


@given(st.lists(CLOCKS, max_size=5), DEEDS, HOLDS, SMALL, SMALL)
def test_counting_what_runs_gives_as_many_as_there_are(
    clocks: list[tuple[int | None, int | None]],
    deeds: list[tuple[str, int, int]],
    holds: list[tuple[int, int, int]],
    author_size: int,
    closer_size: int,
) -> None:
    kept = notices(clocks)
    for deed, index, by in deeds:
        getattr(kept, deed)(index, by)
    for held in holds:
        kept.hold(held[0], held[1], 0.0, held[2])
    for _ in range(2):
        kinds = [kind for _, kind, _ in kept.open_at(author_size, closer_size)]
        for kind in (ACKNOWLEDGE, ANSWER):
            assert kept.count_at(kind, author_size, closer_size) == kinds.count(kind)
        kept.forget_closed(author_size, closer_size)


STEPS = st.lists(
    st.tuples(st.sampled_from(["pass", "acknowledge", "answer", "cancel", "hold"]), st.integers(0, 4), st.integers(1, 900)),
    max_size=12,
)


@given(st.lists(CLOCKS, min_size=1, max_size=5), STEPS)
def test_clock_that_runs_out_is_found_once_for_each_of_its_runs_and_one_that_is_closed_never(
    clocks: list[tuple[int | None, int | None]], steps: list[tuple[str, int, int]]
) -> None:
    kept, now = notices(clocks), 0.0
    told: list[tuple[int, int, int]] = []
    for step, (deed, index, seconds) in enumerate([*steps, ("pass", 0, 10**6)]):
        if deed == "pass":
            now += seconds
        elif deed == "hold":
            kept.hold(index, step, now, seconds)
        else:
            getattr(kept, deed)(index, step)
        for notice, kind, allowed in kept.ran_out(99, 99, now):
            begun = notice.begun(kind, 99)
            assert begun is not None
            assert now - begun >= allowed
            assert notice.allowed_at(kind, 99, 99) == allowed
            kept.tell(notice, kind)
            told.append((notice.index, kind, int(notice.restart is not None and kind == ANSWER)))
        kept.forget_closed(99, 99)
    assert len(told) == len(set(told))
    for notice, kind, _ in kept.open_at(99, 99):
        assert (notice.index, kind, int(notice.restart is not None and kind == ANSWER)) in told


def test_notice_that_was_not_received_is_under_no_clock_and_begins_with_its_receipt() -> None:
    kept = OpenNotices()
    for index in range(4):
        kept.add(OpenNotice(index, 3, (600, None), None))
    kept.receive(2, 100.0)
    kept.receive(3, 200.0)
    assert [notice.begun(ACKNOWLEDGE, 0) for notice, _, _ in kept.open_at(4, 0)] == [100.0, 100.0, 200.0, None]
    assert [notice.index for notice, _, _ in kept.ran_out(4, 0, 10_000.0)] == [0, 1, 2]
    assert kept.next_deadline is None


def test_what_one_status_asks_looks_at_no_more_notices_when_thousands_are_open() -> None:
    looked: list[int] = []

    class Counted(OpenNotice):
        def allowed_at(self, kind: int, author_size: int, closer_size: int) -> int | None:
            looked.append(self.index)
            return super().allowed_at(kind, author_size, closer_size)

    def looks(count: int) -> int:
        kept = OpenNotices()
        for index in range(count):
            kept.add(Counted(index, index % 4, (600, 3600), 0.0))
        for index in range(0, count, 2):
            kept.acknowledge(index, index)
        kept.forget_closed(count, count)
        kept.answer(3, count)
        looked.clear()
        next(kept.open_at(count, count + 1))
        assert kept.count_at(ACKNOWLEDGE, count, count + 1) == count // 2 - 1
        kept.forget_closed(count, count + 1)
        return len(looked)

    assert looks(20_000) == looks(200)


def test_deadlines_of_closed_notices_do_not_pile_up() -> None:
    kept = OpenNotices()
    for index in range(5_000):
        kept.add(OpenNotice(index, 0, (600, 3600), 0.0))
        kept.answer(index, index)
        kept.forget_closed(index + 1, index + 1)
    assert len(kept._deadlines) < 100
