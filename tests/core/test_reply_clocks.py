"""What closes a reply clock in hard cases, and what a restart looks at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.line_pair import LinePair, Side, joined
from watchline.core.clocks import ACKNOWLEDGE, ANSWER
from watchline.core.entries import EntryType, Notice, Place, Precedence
from watchline.core.outgoing import Draft
from watchline.core.records import EntryRecord, Log
from watchline.core.reply_clocks import FLOOR_STEP, STATE_PART, ReplyClocks
from watchline.core.setting import ClockRanOut, Reader
from watchline.core.statements import OpenItem, Status
from watchline.errors import JournalError

QUESTION = Notice("statement", 1, Precedence.FLASH, False, "en", {1: "?"})


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        yield made


def test_acknowledgement_whose_signed_content_is_no_response_closes_nothing(pair: LinePair) -> None:
    asked = pair.a.notice(QUESTION)
    pair.settle()
    nonce, assertions = pair.b.sign(EntryType.ACKNOWLEDGE, b"\xff no response")
    draft = Draft(EntryType.ACKNOWLEDGE, b"\xff no response", nonce, assertions, asked.index, None, True)
    pair.b.line.compose(draft, pair.b.clock.moment())
    pair.settle()
    assert pair.b.line.unacknowledged == 1
    assert pair.a.alarms() == pair.b.alarms() == []


def test_escalation_report_closes_nothing_even_if_it_says_that_it_answers(pair: LinePair) -> None:
    asked = pair.a.notice(QUESTION)
    pair.settle()
    report = Notice("escalation-report", 1, Precedence.ROUTINE, False, "en", {1: [1, 1, asked.index]})
    body = report.encode()
    draft = Draft(
        EntryType.NOTICE, body, *pair.b.sign(EntryType.NOTICE, body, Place(1, 1, asked.index)), asked.index, None, True
    )
    pair.b.line.compose(draft, pair.b.clock.moment())
    pair.settle()
    assert pair.b.line.unacknowledged == 1
    assert pair.a.alarms() == pair.b.alarms() == []


@pytest.mark.slow
def test_notice_left_open_is_still_open_after_hundreds_of_closed_ones_and_a_restart(pair: LinePair) -> None:
    for number in range(FLOOR_STEP + 8):
        pair.a.say(f"{number}")
    pair.a.notice(QUESTION)
    pair.settle()
    assert pair.b.journal.state(pair.b.setup.line, STATE_PART) is not None
    pair.b.restart(connected=True)
    assert pair.b.line.unacknowledged == 1
    pair.settle()
    assert pair.a.alarms() == pair.b.alarms() == []


@pytest.mark.slow
def test_place_to_look_from_does_not_move_above_a_notice_that_stays_open(pair: LinePair) -> None:
    asked = pair.a.notice(QUESTION)
    for number in range(FLOOR_STEP + 8):
        pair.a.say(f"{number}")
    pair.settle()
    assert pair.b.journal.state(pair.b.setup.line, STATE_PART) is None
    pair.b.acknowledge(asked)
    pair.settle()
    for number in range(FLOOR_STEP + 8):
        pair.a.say(f"again {number}")
    pair.settle()
    assert pair.b.journal.state(pair.b.setup.line, STATE_PART) is not None


class LosingReader:
    """A journal that lists its leaves and no longer finds one entry. It has only what a restart reads."""

    def __init__(self, journal: Reader, lost: tuple[Log, int]) -> None:
        self._lost = lost
        self.size, self.leaves, self.state = journal.size, journal.leaves, journal.state
        self.first_receipt_covering = journal.first_receipt_covering
        self._entry = journal.entry

    def entry(self, log: Log, index: int) -> EntryRecord | None:
        return None if (log, index) == self._lost else self._entry(log, index)


def test_entry_that_the_journal_lost_ends_the_restart(pair: LinePair) -> None:
    asked = pair.a.notice(QUESTION)
    pair.settle()
    log = pair.a.setup.outgoing_log
    reader = LosingReader(pair.a.journal, (log, asked.index))
    clocks = ReplyClocks(pair.a.setup, lambda *_: None, lambda *_: None, lambda _: pair.a.setup.terms)
    with pytest.raises(JournalError, match="an entry is missing"):
        clocks.restore(reader, pair.a.clock.moment())  # type: ignore[arg-type]


ASKED = Notice("airspace-object", 1, Precedence.FLASH, False, "en", {1: "?"})
ANSWER_SECONDS = 3600


def hold(side: Side, index: int, promised: int, *, released: bool = True) -> EntryRecord:
    """Promise an answer to the other side's notice within so many seconds."""
    fields = {1: [1, 1, index], 2: side.clock.wall + promised}
    return side.notice(Notice("holding-reply", 1, Precedence.FLASH, False, "en", fields), re=index, released=released)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.just(0)),
        st.tuples(st.just("hold"), st.sampled_from([-60, 1, 900, 7200])),
        st.tuples(st.just("hold unreleased"), st.just(500)),
        st.tuples(st.just("acknowledge"), st.just(0)),
        st.tuples(st.just("pass"), st.sampled_from([1, 40, 700])),
        st.tuples(st.just("restart"), st.integers(0, 1)),
    ),
    min_size=3,
    max_size=10,
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(STEPS, st.integers(0, 999))
def test_holding_replies_give_both_desks_the_same_clocks_at_any_sizes_and_after_any_restart(
    steps: list[tuple[str, int]], seed: int
) -> None:
    with joined(seed) as pair:
        asked = [pair.a.notice(ASKED)]
        first: dict[int, int] = {}
        pair.settle(1)
        for step, value in steps:
            last = asked[-1]
            if step == "ask":
                asked.append(pair.a.notice(ASKED))
            elif step == "acknowledge":
                pair.b.acknowledge(last)
            elif step == "pass":
                pair.clock.advance(value)
            elif step == "restart":
                (pair.a, pair.b)[value].restart(connected=True)
            else:
                is_there = pair.b.line.incoming.edge.size > last.index  # not while its author is still opening
                hold(pair.b, last.index, value, released=step == "hold")
                if step == "hold" and value > 0 and is_there:
                    first.setdefault(last.index, min(value, ANSWER_SECONDS))
            pair.settle(1)
        pair.connect()
        pair.settle(10)
        assert pair.a.alarms() == pair.b.alarms() == []
        sizes = pair.a.line.outgoing.edge.size, pair.b.line.outgoing.edge.size
        ours, theirs = pair.a.line.clocks, pair.b.line.clocks
        for a_size in range(sizes[0] - 1, sizes[0] + 1):
            for b_size in range(sizes[1] - 1, sizes[1] + 1):
                open_at = [
                    [(each.index, kind, allowed) for each, kind, allowed in found]
                    for found in (ours._ours.open_at(a_size, b_size), theirs._theirs.open_at(a_size, b_size))
                ]
                assert open_at[0] == open_at[1]
        allowed = {each.index: seconds for each, kind, seconds in ours._ours.open_at(*sizes) if kind == ANSWER}
        assert allowed == {record.index: first.get(record.index, ANSWER_SECONDS) for record in asked}


def test_a_peer_that_lists_the_terms_clock_after_its_holding_reply_is_contradicted(pair: LinePair) -> None:
    asked = pair.a.notice(ASKED)
    pair.settle()
    hold(pair.b, asked.index, 900)
    pair.settle()
    status = pair.a.line.statuses.peer_status
    assert status is not None
    assert [(item.kind, item.allowed) for item in status.open] == [(ANSWER, 900)]
    sizes = pair.a.line.outgoing.edge.size, pair.a.line.incoming.edge.size
    assert pair.a.line.clocks.judge(status, *sizes) is None
    lying = replace(status, open=tuple(replace(item, allowed=ANSWER_SECONDS) for item in status.open))
    assert pair.a.line.clocks.judge(lying, *sizes) is not None


def ran_out(side: Side) -> list[tuple[bool, int, int]]:
    return [(event.own, event.index, event.kind) for event in side.events if isinstance(event, ClockRanOut)]


def test_peer_whose_clock_says_otherwise_is_believed_for_two_intervals_and_no_longer(pair: LinePair) -> None:
    asked = pair.a.notice(QUESTION)
    pair.settle()
    pair.clock.advance(590)

    def said(seconds: int) -> Status:
        heard = pair.a.line.statuses.peer_status
        assert heard is not None
        return replace(heard, open=(OpenItem(asked.index, 0, seconds, 600),))

    for _ in range(24):
        pair.a.line.clocks.hear(said(10), pair.a.clock.moment())
        pair.a.turn()
        if ran_out(pair.a):
            break
        pair.clock.advance(10)
    over = pair.clock.running - 1000 - 600
    assert ran_out(pair.a) == [(True, asked.index, 0)]
    assert 110 <= over <= 140


def test_peer_whose_clock_is_ahead_is_believed_at_once_and_only_once(pair: LinePair) -> None:
    asked = pair.a.notice(QUESTION)
    pair.settle()
    heard = pair.a.line.statuses.peer_status
    assert heard is not None
    for _ in range(3):
        pair.a.line.clocks.hear(replace(heard, open=(OpenItem(asked.index, 0, 600, 600),)), pair.a.clock.moment())
        pair.a.turn()
    pair.a.line.clocks.hear(replace(heard, open=(OpenItem(99, 0, 600, 600),)), pair.a.clock.moment())
    pair.clock.advance(700)
    pair.a.turn()
    assert ran_out(pair.a) == [(True, asked.index, 0)]


@pytest.mark.parametrize("allowed", [599, 601])
def test_peer_that_allows_itself_another_time_is_not_believed_that_the_clock_ran_out(pair: LinePair, allowed: int) -> None:
    asked = pair.a.notice(QUESTION)
    pair.settle()
    heard = pair.a.line.statuses.peer_status
    assert heard is not None
    pair.a.line.clocks.hear(replace(heard, open=(OpenItem(asked.index, 0, 700, allowed),)), pair.a.clock.moment())
    pair.a.turn()
    assert ran_out(pair.a) == []


def test_clocks_of_our_notices_go_on_over_a_restart_from_the_receipt_and_begin_with_none_without_it(pair: LinePair) -> None:
    received = pair.a.notice(QUESTION)
    pair.settle()
    pair.cut()
    pair.a.notice(QUESTION)
    pair.a.turn()
    pair.clock.advance(300)
    pair.a.restart()
    line = pair.a.line
    [clock] = line.clocks.running(True, line.outgoing.edge.size, line.incoming.edge.size, pair.a.clock.moment())
    assert clock.index == received.index
    assert 300 <= clock.seconds <= 310


def test_a_line_without_a_route_wakes_when_a_clock_runs_out(pair: LinePair) -> None:
    asked = pair.a.notice(QUESTION)
    pair.settle()
    pair.cut()
    for side in (pair.a, pair.b):
        at = side.line.next_tick_at(side.clock.moment())
        assert at <= pair.clock.running + 600
    pair.clock.advance(600)
    for side, own in ((pair.a, True), (pair.b, False)):
        assert side.line.next_tick_at(side.clock.moment()) <= pair.clock.running
        side.line.tick(side.clock.moment())
        side.turn()
        assert ran_out(side) == [(own, asked.index, 0)]


def test_clock_of_our_notice_begins_with_the_receipt_and_ends_with_what_closes_it(pair: LinePair) -> None:
    """Asked for one notice, at the sizes of both logs that a status names."""
    clocks = pair.a.line.clocks
    pair.cut()
    asked = pair.a.notice(QUESTION)
    pair.a.turn()
    sizes = (asked.index + 1, 1)
    moment = pair.a.clock.moment()
    assert [(each.index, kind, allowed) for each, kind, allowed in clocks.unreceived(*sizes)] == [
        (asked.index, ACKNOWLEDGE, 600)
    ]
    assert clocks.of_notice(True, asked.index, *sizes, moment) == []
    assert not clocks.all_received(asked.index)
    assert clocks.all_received(asked.index + 1)
    pair.connect()
    pair.settle(2)
    pair.clock.advance(30)
    sizes = pair.a.line.outgoing.edge.size, pair.a.line.incoming.edge.size
    (running,) = clocks.of_notice(True, asked.index, *sizes, pair.a.clock.moment())
    assert (running.index, running.kind, running.allowed) == (asked.index, ACKNOWLEDGE, 600)
    assert 30 <= running.seconds < 40
    assert list(clocks.unreceived(*sizes)) == []
    assert clocks.open_of_ours(*sizes) == [asked.index]
    heard = pair.b.journal.entry(pair.b.setup.incoming_log, asked.index)
    assert heard is not None
    theirs = pair.b.line.outgoing.edge.size, pair.b.line.incoming.edge.size
    assert pair.b.line.clocks.open_of_theirs(*theirs) == [asked.index]
    (at_peer,) = pair.b.line.clocks.of_notice(False, asked.index, *theirs, pair.b.clock.moment())
    assert (at_peer.kind, at_peer.allowed) == (ACKNOWLEDGE, 600)
    pair.b.acknowledge(heard)
    pair.settle(2)
    after = pair.a.line.outgoing.edge.size, pair.a.line.incoming.edge.size
    assert clocks.of_notice(True, asked.index, *after, pair.a.clock.moment()) == []
    assert clocks.open_of_ours(*after) == []
