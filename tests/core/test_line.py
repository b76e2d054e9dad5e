"""The line's state machine, played by two real lines over two real journals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.core.test_line_properties import FIFTY_YEARS, no_one_is_accused, verify_all_received
from tests.dishonest import carry, forge, goes_on, only, state, status_of
from tests.line_pair import LinePair, joined
from watchline.core.entries import Body, EntryType, Leaf, Notice, Precedence
from watchline.core.frames import Entries, Item, Receipt, Refusal, Stated
from watchline.core.limits import BODY_BYTES_MAX, FRAME_ENTRIES_MAX
from watchline.core.line import TRANSITIONS, Cause, Line, Phase
from watchline.core.outgoing import PUMP_FRAMES, Draft
from watchline.core.setting import ProbeAnswered, ReceiptArrived, RoutesArrived
from watchline.core.statements import StatementType
from watchline.errors import JournalError, UsageError

QUESTION = Notice("airspace-object", 1, Precedence.FLASH, False, "en", {1: "what is it?"})
MOST_BYTES = BODY_BYTES_MAX - 6


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        yield made


def kinds_of(items: list[Item]) -> set[StatementType]:
    return {StatementType(item.spoken[1]) for item in items if isinstance(item, Stated)}


# --- phases


def test_stopped_is_left_by_no_cause_and_every_cause_of_danger_leads_there() -> None:
    assert {source for source, _ in TRANSITIONS} == {Phase.OPENING, Phase.OPEN}
    good = {Cause.AGREED, Cause.UNPROVEN}
    for (_, cause), target in TRANSITIONS.items():
        assert target is (Phase.OPEN if cause in good else Phase.STOPPED)


def test_restarted_line_says_nothing_new_before_a_fresh_status(pair: LinePair) -> None:
    pair.a.restart(connected=True)
    pair.a.say("composed while opening")
    pair.a.turn()
    pair.clock.advance(10)
    pair.a.line.tick(pair.a.clock.moment())
    pair.a.turn()
    assert pair.a.line.phase is Phase.OPENING
    assert not any(isinstance(item, Entries) for item in pair.a.sent())
    pair.connect()
    pair.settle()
    assert pair.a.line.phase.value == "open"
    assert pair.b.texts() == ["composed while opening"]
    assert pair.b.line.statuses.peer_status is not None
    assert pair.b.line.statuses.peer_status.size == 2


def test_both_lines_restarted_open_each_other(pair: LinePair) -> None:
    for side in (pair.a, pair.b):
        side.restart(connected=True)
        side.turn()
    pair.settle(seconds=1)
    assert pair.a.line.phase is pair.b.line.phase is Phase.OPEN


def test_line_that_is_opening_asks_again_when_the_answer_was_lost(pair: LinePair) -> None:
    pair.a.restart(connected=True)
    pair.b.line.connected(pair.b.clock.moment())
    for side in (pair.a, pair.b):
        side.turn()
        side.out.clear()
    pair.settle(seconds=10)
    assert pair.a.line.phase is Phase.OPEN


def test_stopped_line_takes_nothing_more_and_stays_stopped(pair: LinePair) -> None:
    pair.b.hear(state(StatementType.STATUS, pair.a, *replace(status_of(pair, pair.a), root=bytes(32)).values()), by=pair.a)
    assert pair.b.line.phase is Phase.STOPPED
    with pytest.raises(UsageError):
        pair.b.say("no")
    size = pair.b.line.incoming.edge.size
    pair.b.out.clear()
    pair.a.say("nor this")
    pair.a.turn()
    pair.deliver_one(pair.a, pair.b)
    assert pair.b.line.incoming.edge.size == size
    assert not any(isinstance(item, Entries | Receipt) for item in pair.b.sent())
    pair.b.restart(connected=True)
    pair.settle()
    assert pair.b.line.phase.value == "stopped"
    assert len(pair.b.alarms()) == 1


def test_journal_that_does_not_lead_to_the_committed_root_is_refused(pair: LinePair) -> None:
    with joined(seed="another") as other:
        other.a.say("different")
        other.settle()
        other.a.journal.commit([pair.a.line.outgoing._state()])
        with pytest.raises(JournalError):
            Line.restore(other.a.setup, other.a.journal, other.a.clock.moment())


# --- first connection, epochs, prekeys


def test_two_new_lines_exchange_prekeys_and_leave_the_first_epoch(pair: LinePair) -> None:
    pair.a.say("first")
    pair.a.turn()
    pair.settle()
    pair.a.say("second")
    pair.settle()
    assert pair.a.line.outgoing.chain.epoch == 2
    assert pair.b.line.incoming.chain is not None
    assert pair.b.line.incoming.chain.epoch == 2
    assert pair.b.texts() == ["first", "second"]
    assert pair.a.line.outgoing.received == 3
    assert pair.a.line.junk == pair.b.line.junk == 0
    no_one_is_accused(pair)


def test_entries_may_come_before_the_epoch_that_opens_them() -> None:
    with joined(connect=False) as pair:
        pair.connect()
        waiting: list[Item] = []
        for _ in range(4):
            waiting += [item for item in pair.a.sent() if StatementType.STATUS not in kinds_of([item])]
            pair.b.hear(*[item for item in pair.a.sent() if item not in waiting], by=pair.a)
            pair.a.out.clear()
            pair.deliver_one(pair.b, pair.a)
            pair.clock.advance(1)
        assert StatementType.EPOCH in kinds_of(waiting)
        assert pair.b.line.incoming.edge.size == 0
        for item in sorted(waiting, key=lambda item: not isinstance(item, Entries)):
            pair.b.hear(item, by=pair.a)
        assert pair.b.line.incoming.edge.size == 1


def test_first_epoch_that_is_lost_again_and_again_is_not_overtaken_by_the_second() -> None:
    with joined(connect=False) as pair:
        pair.connect()
        for _ in range(30):
            pair.clock.advance(1.5)
            for side, other in ((pair.a, pair.b), (pair.b, pair.a)):
                side.line.tick(side.clock.moment())
                side.turn()
                passed = [item for item in side.sent() if kinds_of([item]) != {StatementType.EPOCH}]
                side.out.clear()
                if passed:
                    other.hear(*passed, by=side)
        assert pair.a.line.outgoing.prekeys
        pair.settle(seconds=70)
        assert pair.b.line.incoming.edge.size == 1
        assert goes_on(pair)


@pytest.mark.slow
def test_prekeys_that_are_lost_again_and_again_do_not_exhaust_the_stock() -> None:
    with joined(connect=False) as pair:
        pair.connect()
        for _ in range(20):
            pair.clock.advance(61)
            for side, other in ((pair.a, pair.b), (pair.b, pair.a)):
                side.line.tick(side.clock.moment())
                side.turn()
                passed = [item for item in side.sent() if kinds_of([item]) != {StatementType.PREKEYS}]
                side.out.clear()
                if passed:
                    other.hear(*passed, by=side)
        assert len(pair.b.line.incoming.prekeys) == 32
        pair.settle(seconds=130)
        for n in range(3):
            for _ in range(50):
                pair.a.say("x")
            pair.settle()
            assert pair.a.line.outgoing.chain.epoch == 2 + n
        assert goes_on(pair)


def test_epoch_is_repeated_until_held_and_then_no_more(pair: LinePair) -> None:
    for _ in range(50):
        pair.a.say("x")
    pair.settle()
    assert pair.a.line.outgoing.next_chain is not None
    assert pair.a.line.outgoing.next_held
    spoken = carry(pair, (Stated, Receipt))
    assert StatementType.EPOCH not in kinds_of(spoken)


def test_sender_that_crashes_with_an_epoch_prepared_goes_on_with_it(pair: LinePair) -> None:
    pair.settle(seconds=2)
    for _ in range(50):
        pair.a.say("x")
    pair.a.turn()
    pair.clock.advance(2)
    pair.a.line.tick(pair.a.clock.moment())
    pair.a.turn()
    prepared = pair.a.line.outgoing.next_chain
    assert prepared is not None
    pair.cut()
    pair.a.restart()
    assert pair.a.line.outgoing.next_chain == prepared
    pair.connect()
    pair.settle()
    pair.a.say("in the new epoch")
    pair.settle()
    assert pair.a.line.outgoing.chain.epoch == prepared.epoch
    assert goes_on(pair)


def test_out_of_prekeys_the_chain_goes_on(pair: LinePair) -> None:
    pair.a.line.outgoing.prekeys.clear()
    for _ in range(120):
        pair.a.say("x")
    pair.a.turn()
    assert pair.a.line.outgoing.chain.epoch == 2
    pair.settle()
    assert len(pair.b.texts()) == 120


# --- entries and receipts


def test_receipt_that_was_lost_is_given_again(pair: LinePair) -> None:
    pair.a.say("one")
    pair.a.turn()
    pair.deliver_one(pair.a, pair.b)
    pair.b.out.clear()
    pair.settle()
    assert [event.size for event in pair.a.events if isinstance(event, ReceiptArrived)][-1] == 2
    verify_all_received(pair.a, pair.b)


def test_bodies_near_the_largest_go_one_or_two_to_a_frame(pair: LinePair) -> None:
    contents = [bytes([n]) * size for n, size in enumerate((MOST_BYTES, MOST_BYTES, MOST_BYTES - 1000, 10, MOST_BYTES))]
    pair.cut()
    for content in contents:
        pair.a.line.compose(Draft(EntryType.COMPLETE, content), pair.a.clock.moment())
    pair.a.turn()
    pair.connect()
    pair.settle()
    log = pair.b.setup.incoming_log
    assert [Body.decode(entry.body).content for entry in pair.b.journal.entries(log, 1, 99)] == contents
    with pytest.raises(ValueError, match="large"):
        pair.a.line.compose(Draft(EntryType.COMPLETE, bytes(MOST_BYTES + 1)), pair.a.clock.moment())
    assert goes_on(pair)


@pytest.mark.slow
def test_thousands_of_entries_are_sent_a_few_frames_a_turn(pair: LinePair) -> None:
    pair.cut()
    for n in range((PUMP_FRAMES + 2) * FRAME_ENTRIES_MAX):
        pair.a.say(str(n), released=False)
    pair.a.turn()
    pair.a.line.connected(pair.a.clock.moment())
    pair.a.turn()
    assert sum(isinstance(item, Entries) for item in pair.a.sent()) == PUMP_FRAMES
    assert pair.a.line.next_tick_at(pair.a.clock.moment()) <= pair.clock.running
    pair.connect()
    pair.settle()
    assert pair.b.texts() == [str(n) for n in range((PUMP_FRAMES + 2) * FRAME_ENTRIES_MAX)]


def test_status_about_the_middle_of_a_frame_of_the_same_turn_is_no_fork(pair: LinePair) -> None:
    """Relays reorder: entries of a later frame may stand beside an older status that speaks of some of them."""
    pair.a.say("one")
    pair.a.turn()
    early = only(Stated, pair.a.sent())
    pair.a.out.clear()
    pair.a.say("two")
    pair.a.turn()
    pair.a.out.clear()
    pair.a.line.connected(pair.a.clock.moment())
    pair.a.turn()
    both = only(Entries, pair.a.sent())
    assert len(both.entries) == 2
    pair.b.hear(both, early, by=pair.a)
    assert pair.b.texts() == ["one", "two"]
    assert goes_on(pair)


def test_peer_that_names_what_is_not_durable_yet_is_not_believed(pair: LinePair) -> None:
    durable = pair.b.line.outgoing.edge.size
    for text in ("composed", "and not", "committed"):
        pair.b.say(text)
    forged = forge(pair.a, b"", peer_size=durable + 1)
    claimed = replace(status_of(pair, pair.a), held_size=durable + 2, held_root=bytes(32))
    pair.b.hear(forged.entries(), state(StatementType.STATUS, pair.a, *claimed.values()), by=pair.a)
    assert {item.rule for item in pair.b.sent() if isinstance(item, Refusal)} == {22, 26}
    assert goes_on(pair)


def test_unknown_entry_type_is_kept_receipted_and_shown_as_it_is(pair: LinePair) -> None:
    forged = forge(pair.a, Body(b"from the future").encode(), type=4_711)
    pair.b.hear(forged.entries(), by=pair.a)
    assert pair.b.arrived[-1].type == 4_711
    assert only(Receipt, pair.b.sent()).size == forged.leaf.index + 1
    assert pair.b.line.phase is Phase.OPEN
    assert pair.b.alarms() == []
    pair.b.restart()
    assert pair.b.line.incoming.edge.size == forged.leaf.index + 1


def test_leaf_names_what_its_author_held(pair: LinePair) -> None:
    pair.b.say("one")
    pair.settle()
    leaf = Leaf.decode(pair.a.say("two").leaf)
    assert (leaf.peer_size, leaf.peer_root) == (pair.b.line.outgoing.edge.size, pair.b.line.outgoing.edge.root())


# --- clocks


@pytest.mark.slow
def test_acknowledgement_answer_and_cancel_close_their_clocks_on_both_sides_and_after_a_restart(pair: LinePair) -> None:
    def open_now() -> int:
        for side in (pair.a, pair.b):
            side.restart(connected=True)
        pair.settle()
        no_one_is_accused(pair)
        status = pair.a.line.statuses.peer_status
        assert status is not None
        return len(status.open)

    first, second, third = (pair.a.notice(QUESTION) for _ in range(3))
    pair.settle()
    assert open_now() == 6
    pair.b.acknowledge(first)
    pair.settle()
    assert open_now() == 5
    pair.b.say("a balloon", re=first.index)
    pair.settle()
    assert open_now() == 4
    pair.b.acknowledge(second, kind=EntryType.DECLINE)
    pair.settle()
    assert open_now() == 2
    pair.a.cancel(third.index)
    pair.settle()
    assert open_now() == 0
    assert pair.b.line.unacknowledged == 0


def test_unreleased_answer_closes_no_clock(pair: LinePair) -> None:
    asked = pair.a.notice(QUESTION)
    pair.settle()
    pair.b.say("nobody stands behind this", released=False, re=asked.index)
    pair.settle()
    assert pair.b.line.unacknowledged == 1
    no_one_is_accused(pair)


def test_acknowledgement_in_the_turn_of_the_arrival_counts(pair: LinePair) -> None:
    asked = pair.a.notice(QUESTION)
    pair.a.turn()
    for frame in pair.a.out:
        pair.b.line.receive(frame, pair.b.clock.moment())
    pair.b.acknowledge(asked)
    assert pair.b.line.unacknowledged == 0
    pair.b.turn()
    pair.a.out.clear()
    pair.settle()
    no_one_is_accused(pair)


def test_more_open_notices_than_a_status_lists_are_counted(pair: LinePair) -> None:
    for _ in range(40):
        pair.a.notice(QUESTION)
    pair.settle()
    status = pair.a.line.statuses.peer_status
    assert status is not None
    assert (len(status.open), status.left_out) == (64, 16)
    no_one_is_accused(pair)


@pytest.mark.slow
@pytest.mark.parametrize("jump", [FIFTY_YEARS, -FIFTY_YEARS])
def test_clock_that_jumps_fifty_years_and_back_neither_stops_nor_confuses_the_line(pair: LinePair, jump: int) -> None:
    pair.a.notice(QUESTION)
    pair.settle()
    for moved in (jump, 0):
        pair.a.clock.jump = moved
        for _ in range(60):
            pair.a.say("x")
        pair.a.line.announce_routes([("direct", f"192.0.2.1:{4300 + bool(moved)}")], pair.a.clock.moment())
        epoch = pair.a.line.outgoing.chain.epoch
        pair.settle(seconds=70)
        assert goes_on(pair)
        assert pair.a.line.outgoing.chain.epoch > epoch
        pair.cut()
        pair.a.restart()
        pair.connect()
        pair.settle(seconds=2)
        assert pair.a.line.phase is Phase.OPEN
        assert goes_on(pair)
        assert pair.b.line.statuses.peer_status_at is not None
        assert pair.clock.running - pair.b.line.statuses.peer_status_at < 90
    routes = [event.routes for event in pair.b.events if isinstance(event, RoutesArrived)]
    assert routes == [(("direct", "192.0.2.1:4301"),), (("direct", "192.0.2.1:4300"),)]


@pytest.mark.slow
@pytest.mark.parametrize("jump", [FIFTY_YEARS, -FIFTY_YEARS])
def test_node_that_starts_with_a_wrong_clock_opens_at_once(pair: LinePair, jump: int) -> None:
    pair.cut()
    pair.a.clock.jump = jump
    pair.a.restart()
    pair.connect()
    pair.settle(seconds=1)
    assert pair.a.line.phase is Phase.OPEN
    assert goes_on(pair)


def test_clock_that_was_set_back_does_not_hold_the_next_epoch_up(pair: LinePair) -> None:
    pair.a.say("in the second epoch")
    pair.settle()
    pair.a.clock.jump = -FIFTY_YEARS
    pair.settle()
    pair.a.say("in the third")
    assert pair.a.line.outgoing.chain.epoch == 3


# --- routes, probes, time


def test_routes_announced_while_no_route_carries_are_told_at_the_next_connection(pair: LinePair) -> None:
    pair.cut()
    pair.a.line.announce_routes([("direct", "192.0.2.9:4300")], pair.a.clock.moment())
    pair.a.turn()
    pair.a.restart()
    pair.connect()
    pair.settle()
    assert [event.routes for event in pair.b.events if isinstance(event, RoutesArrived)] == [(("direct", "192.0.2.9:4300"),)]


def test_probe_measures_the_round_trip(pair: LinePair) -> None:
    pair.b.line.receive(pair.a.line.probe(pair.a.clock.moment()), pair.b.clock.moment())
    pair.b.turn()
    pair.clock.advance(0.25)
    pair.deliver_one(pair.b, pair.a)
    assert [event.seconds for event in pair.a.events if isinstance(event, ProbeAnswered)] == [0.25]


def test_line_without_a_route_has_nothing_to_do_at_once(pair: LinePair) -> None:
    pair.cut()
    pair.a.say("waits")
    pair.a.turn()
    pair.clock.advance(1000)
    moment = pair.a.clock.moment()
    pair.a.line.tick(moment)
    pair.a.turn()
    assert pair.a.line.next_tick_at(moment) > moment.running


def test_statuses_go_round_once_an_interval_when_nothing_happens(pair: LinePair) -> None:
    pair.settle(seconds=10)
    counts = []
    for _ in range(3):
        pair.clock.advance(60)
        before = pair.a.line._freshness.made
        pair.settle(seconds=1)
        counts.append(pair.a.line._freshness.made - before)
    assert counts == [1, 1, 1]
