"""Which clocks run when the two logs have given sizes: compared with the rule, stated as simply as it can be."""

from __future__ import annotations

import pytest
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


# --- one thing at a time


def test_newest_and_oldest_notice_are_those_that_are_not_forgotten() -> None:
    kept = OpenNotices()
    assert (kept.newest, kept.lowest(7), len(kept), kept.next_deadline) == (None, 7, 0, None)
    for index in (2, 5, 9):
        kept.add(OpenNotice(index, 0, (600, None), 0.0))
    kept.add(OpenNotice(11, 0, (None, None), 0.0))
    assert (kept.newest, kept.lowest(99), len(kept)) == (9, 2, 3)
    assert kept.get(11) is None
    kept.acknowledge(2, 0)
    kept.acknowledge(9, 1)
    kept.forget_closed(99, 99)
    assert (kept.newest, kept.lowest(99), len(kept)) == (5, 5, 1)
    assert kept.get(2) is None
    left = kept.get(5)
    assert left is not None
    assert left.index == 5


@pytest.mark.parametrize(("deed", "clocks"), [("acknowledge", [ANSWER]), ("answer", []), ("cancel", [])])
def test_first_entry_that_closes_a_clock_counts_and_closes_it_only_where_it_is_below_the_size(
    deed: str, clocks: list[int]
) -> None:
    kept = notices([(600, 3600)])
    getattr(kept, deed)(0, 4)
    getattr(kept, deed)(0, 2)
    for size, kinds in ((4, [ACKNOWLEDGE, ANSWER]), (5, clocks)):
        sizes = (size, 9) if deed == "cancel" else (9, size)
        assert [kind for _, kind, _ in kept.open_at(*sizes)] == kinds
        assert [kind for kind in (ACKNOWLEDGE, ANSWER) if kept.allowed_at(0, kind, *sizes) is not None] == kinds
        assert [kept.count_at(kind, *sizes) for kind in (ACKNOWLEDGE, ANSWER)] == [int(kind in kinds) for kind in (0, 1)]
    assert kept.allowed_at(1, ACKNOWLEDGE, 9, 9) is None


def test_clock_of_a_notice_at_the_size_of_its_log_does_not_run_yet() -> None:
    kept = notices([(600, 3600)] * 3)
    assert [kept.allowed_at(index, ANSWER, 2, 0) for index in range(3)] == [3600, 3600, None]
    assert [kept.count_at(kind, 2, 0) for kind in (ACKNOWLEDGE, ANSWER)] == [2, 2]
    kept.cancel(2, 3)
    assert [kept.count_at(kind, 2, 0) for kind in (ACKNOWLEDGE, ANSWER)] == [2, 2]


def test_what_was_closed_above_the_sizes_is_not_forgotten() -> None:
    kept = notices([(600, 3600), (600, 3600)])
    kept.answer(0, 3)
    kept.cancel(1, 3)
    kept.forget_closed(3, 3)
    assert len(kept) == 2
    kept.forget_closed(1, 4)
    assert len(kept) == 1
    assert kept.get(1) is not None
    assert [kept.count_at(kind, 9, 9) for kind in (ACKNOWLEDGE, ANSWER)] == [0, 0]
    kept.forget_closed(4, 4)
    assert len(kept) == 0
    assert [kept.count_at(kind, 9, 9) for kind in (ACKNOWLEDGE, ANSWER)] == [0, 0]


def test_clock_has_run_out_at_its_deadline_and_not_a_moment_before() -> None:
    kept = OpenNotices()
    kept.add(OpenNotice(0, 0, (600, 3600), 100.0))
    assert kept.next_deadline == 700.0
    assert kept.ran_out(9, 9, 699.5) == []
    assert [(notice.index, kind, allowed) for notice, kind, allowed in kept.ran_out(9, 9, 700.0)] == [(0, ACKNOWLEDGE, 600)]
    assert kept.next_deadline == 3700.0
    assert kept.ran_out(0, 9, 3700.0) == []
    assert kept.next_deadline is None


def test_clock_that_has_run_out_is_looked_at_once_more_when_that_is_asked_for_and_never_once_it_is_told() -> None:
    kept = notices([(600, 3600)])
    (found,) = kept.ran_out(9, 9, 600.0)
    assert kept.ran_out(9, 9, 700.0) == []
    kept.ask_again(found[0], ACKNOWLEDGE, 800.0)
    assert kept.next_deadline == 800.0
    assert kept.ran_out(9, 9, 799.0) == []
    assert kept.ran_out(9, 9, 800.0) == [found]
    kept.ask_again(found[0], ACKNOWLEDGE, 900.0)
    kept.tell(found[0], ACKNOWLEDGE)
    assert kept.ran_out(9, 9, 900.0) == []
    assert [kind for _, kind, _ in kept.ran_out(9, 9, 3600.0)] == [ANSWER]
    kept.tell(found[0], ANSWER)
    assert found[0].told == (True, True)


def test_promise_of_a_time_is_told_anew_when_it_runs_out_and_the_first_clock_is_not() -> None:
    kept = notices([(600, 3600)])
    for notice, kind, _ in kept.ran_out(9, 9, 3600.0):
        kept.tell(notice, kind)
    kept.hold(0, 2, 4000.0, 50)
    kept.hold(0, 3, 4000.0, 70)
    assert kept.next_deadline == 4050.0
    assert [(kind, allowed) for _, kind, allowed in kept.ran_out(9, 9, 4050.0)] == [(ANSWER, 50)]
    assert kept.ran_out(9, 9, 10.0**6) == []


def test_holding_reply_above_the_size_restarts_nothing_yet() -> None:
    kept = notices([(600, 3600)])
    kept.hold(0, 2, 50.0, 1)
    held = kept.get(0)
    assert held is not None
    assert (held.allowed_at(ANSWER, 9, 2), held.begun(ANSWER, 2)) == (3600, 0.0)
    assert (held.allowed_at(ANSWER, 9, 3), held.begun(ANSWER, 3)) == (1, 50.0)
    assert (held.allowed_at(ACKNOWLEDGE, 9, 3), held.begun(ACKNOWLEDGE, 3)) == (600, 0.0)


@pytest.mark.parametrize("allowed", [(600, None), (None, None)])
def test_holding_reply_to_a_notice_that_wants_no_answer_changes_nothing(allowed: tuple[int | None, int | None]) -> None:
    kept = notices([allowed])
    deadline = kept.next_deadline
    kept.hold(0, 2, 50.0, 10)
    assert kept.next_deadline == deadline
    assert all(notice.restart is None for notice, _, _ in kept.open_at(9, 9))


def test_receipt_begins_only_clocks_below_its_size_and_begins_none_again() -> None:
    kept = OpenNotices()
    for index in range(3):
        kept.add(OpenNotice(index, 0, (600, None), None))
    kept.receive(0, 50.0)
    assert kept.next_deadline is None
    kept.receive(2, 100.0)
    kept.receive(2, 200.0)
    kept.receive(3, 300.0)
    assert [notice.custody for notice, _, _ in kept.open_at(9, 9)] == [100.0, 100.0, 300.0]
    assert kept.next_deadline == 700.0


def test_deadline_of_before_a_promise_is_not_taken_for_that_of_the_promise() -> None:
    kept = notices([(None, 3600)])
    kept.hold(0, 2, 3580.0, 50)
    assert kept.ran_out(9, 9, 3600.0) == []
    assert [(kind, allowed) for _, kind, allowed in kept.ran_out(9, 9, 3630.0)] == [(ANSWER, 50)]


def test_clock_that_is_looked_at_too_early_has_not_run_out() -> None:
    kept = OpenNotices()
    kept.add(OpenNotice(0, 0, (600, None), 1000.0))
    early = kept.get(0)
    assert early is not None
    kept.ask_again(early, ACKNOWLEDGE, 700.0)
    assert kept.ran_out(9, 9, 700.0) == []
    assert kept.next_deadline == 1600.0


def test_clocks_of_a_notice_are_told_in_any_order() -> None:
    kept = notices([(600, 3600)])
    notice = kept.get(0)
    assert notice is not None
    kept.tell(notice, ANSWER)
    assert notice.told == (False, True)
    kept.tell(notice, ACKNOWLEDGE)
    assert notice.told == (True, True)


def test_deadlines_that_are_made_anew_are_those_that_stood() -> None:
    kept = notices([(600, 3600)])
    kept.hold(0, 2, 50.0, 100)
    held = kept.get(0)
    assert held is not None
    for _ in range(100):
        kept.ask_again(held, ANSWER, 10.0**6)
    kept.add(OpenNotice(1, 0, (500, None), 0.0))
    assert len(kept._deadlines) == 3
    found = [(now, notice.index, kind) for now in (150.0, 200.0, 500.0, 600.0) for notice, kind, _ in kept.ran_out(9, 9, now)]
    assert found == [(150.0, 0, ANSWER), (500.0, 1, ACKNOWLEDGE), (600.0, 0, ACKNOWLEDGE)]
    assert kept.next_deadline is None


def test_what_is_acknowledged_above_the_sizes_is_counted_when_they_reach_it() -> None:
    kept = notices([(600, 3600)])
    kept.acknowledge(0, 5)
    kept.forget_closed(9, 3)
    assert [kept.count_at(ACKNOWLEDGE, 9, size) for size in (3, 5, 6)] == [1, 1, 0]
    kept.answer(0, 7)
    kept.forget_closed(9, 7)
    assert [kept.count_at(ANSWER, 9, size) for size in (7, 8)] == [1, 0]


def test_what_closes_a_clock_above_the_sizes_leaves_it_running() -> None:
    kept = notices([(600, 3600), (600, 3600)])
    kept.answer(0, 3)
    kept.cancel(1, 3)
    kept.forget_closed(3, 3)
    assert running(kept, 3, 3) == {(0, ACKNOWLEDGE), (0, ANSWER), (1, ACKNOWLEDGE), (1, ANSWER)}
