"""A line's course turn by turn: all that it keeps, sends and tells, whether that may wait, and when it wakes next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.dishonest import forge, only, state
from tests.line_pair import LINE, START, LinePair, Side, joined
from tests.turns import Turn, cross, hear_status, take, turn, wait, with_payload
from watchline.core import line, phases
from watchline.core.entries import EntryType, Notice, Precedence
from watchline.core.frames import Entries, Receipt, Stated
from watchline.core.line import Line, Phase
from watchline.core.line_notices import LineNotice
from watchline.core.outgoing import Draft
from watchline.core.statements import KEM_PUBLIC_BYTES, StatementType
from watchline.journal import LineRecord
from watchline.journal.sqlite import open_journal

QUESTION = Notice("airspace-object", 1, Precedence.FLASH, False, "en", {1: "what is it?"})


def open_both(pair: LinePair) -> None:
    """Connect two lines that have just begun; Tokyo's turn in which it hears what opens it is left open."""
    for side in (pair.a, pair.b):
        side.line.connected(side.clock.moment())
    for _ in range(2):
        turn(pair.a)
        turn(pair.b)
        cross(pair)


# --- a line begins


def test_two_new_lines_open_each_other_and_change_to_single_use_keys() -> None:
    with joined("turn by turn", connect=False) as pair:
        for side in (pair.a, pair.b):
            side.line.connected(side.clock.moment())
        assert [turn(side) for side in (pair.a, pair.b)] == 2 * [Turn(keeps="said status", sends="status 0:0", next=5.0)]
        cross(pair)
        turn(pair.b)
        assert turn(pair.a) == Turn(
            keeps="heard status for good, said status",
            sends="status 0:0",
            tells="status",
            next=5.0,
        )
        cross(pair)
        turn(pair.b)
        assert turn(pair.a) == Turn(
            keeps="32 x prekey of ours, state incoming, state spoken, state phase, heard status",
            sends="epoch | epoch | entries 0-0 | prekeys",
            tells="open, fresh status",
            lazy=False,
            next=1.0,
        )
        cross(pair)
        turn(pair.b)
        assert turn(pair.a) == Turn(
            keeps=(
                "32 x prekey of theirs, state outgoing, entry 0 of theirs, head 1 of theirs, receipt 1 on theirs, "
                "state incoming, said status"
            ),
            sends="receipt 1 | status 1:1",
            tells="arrived 0",
            lazy=False,
            next=2.0,
        )
        cross(pair)
        turn(pair.b)
        assert turn(pair.a) == Turn(keeps="receipt 1 on ours, heard status for good", tells="received 1, fresh status")
        pair.clock.advance(0.5)
        assert pair.a.line.next_tick_at(pair.a.clock.moment()) < pair.clock.running
        wait(pair, 0)
        turn(pair.b)
        assert turn(pair.a) == Turn(
            keeps="said epoch, prekey of theirs used, state outgoing",
            sends="epoch",
            lazy=False,
            next=2.0,
        )
        cross(pair)
        turn(pair.b)
        assert turn(pair.a) == Turn(
            keeps="prekey of ours used, state incoming, said status",
            sends="status 1:1",
            lazy=False,
            next=2.0,
        )
        cross(pair)
        turn(pair.b)
        assert turn(pair.a) == Turn(keeps="heard status", tells="fresh status", next=2.0)
        wait(pair, 2)
        assert turn(pair.a) == Turn(next=52.0)
        wait(pair, 51.5)
        assert turn(pair.a) == Turn(next=0.5)


def test_epochs_are_prepared_no_closer_than_a_second() -> None:
    with joined("turn by turn", connect=False) as pair:
        pair.connect()
        for _ in range(5):
            pair.deliver()
        wait(pair, 0.5)
        assert turn(pair.a).sends == "epoch"
        pair.deliver_one(pair.a, pair.b)
        pair.deliver_one(pair.b, pair.a)
        assert pair.a.line.outgoing.next_held
        for _ in range(50):
            pair.a.say("x", released=False)
        assert turn(pair.a).next == 1.0
        wait(pair, 0.5)
        assert turn(pair.a) == Turn(next=0.5)
        wait(pair, 0.5)
        assert turn(pair.a) == Turn(
            keeps="said epoch, prekey of theirs used, state outgoing, said status",
            sends="epoch | status 51:1",
            lazy=False,
            next=1.0,
        )


def test_entries_that_came_before_their_epoch_are_taken_with_it() -> None:
    with joined("turn by turn", connect=False) as pair:
        open_both(pair)
        turn(pair.a)
        pair.a.out.reverse()
        cross(pair)
        assert turn(pair.b) == Turn(
            keeps=(
                "32 x prekey of theirs, state outgoing, 32 x prekey of ours, entry 0 of theirs, head 1 of theirs, "
                "receipt 1 on theirs, state incoming, state spoken, state phase, heard status, said status"
            ),
            sends="epoch | epoch | entries 0-0 | prekeys | receipt 1 | status 1:1",
            tells="open, fresh status, arrived 0",
            lazy=False,
            next=2.0,
        )


# --- how it is begun and taken up


def test_names_that_the_module_gives_to_others_are_there() -> None:
    assert [getattr(line, name) for name in line.__all__] == [phases.TRANSITIONS, phases.Cause, Line, Phase]


def empty(side: Side, folder: Path) -> Side:
    """The same desk over an empty journal."""
    journal = open_journal(folder / "empty.db", bytes(32), create=True)
    journal.put_line(LineRecord(LINE, "line", START, True, b""))
    return replace(side, journal=journal)


def signed_heads(side: Side) -> int:
    """How many heads a turn signs over three entries."""
    for _ in range(3):
        side.say("x", released=False)
    return turn(side).keeps.count("head")


def frame_bytes(side: Side) -> int:
    return len(side.line.probe(side.clock.moment()))


def test_line_begins_with_what_it_continues_and_says_nothing_of_it_before_it_is_open(pair: LinePair, tmp_path: Path) -> None:
    side = empty(pair.a, tmp_path)
    side.line = Line.begin(side.setup, side.journal, side.clock.moment())
    assert turn(side) == Turn(
        keeps="said epoch, entry 0 of ours, head 1 of ours, state outgoing, state spoken",
        lazy=False,
        next=60.0,
    )
    side.line.connected(side.clock.moment())
    assert turn(side) == Turn(keeps="said status", sends="status 0:0", next=5.0)
    assert signed_heads(side) == 1
    assert frame_bytes(side) == 512
    assert frame_bytes(replace(side, line=Line(side.setup, side.journal))) == 512
    side.line = Line.restore(side.setup, side.journal, side.clock.moment())
    assert signed_heads(side) == 1
    assert frame_bytes(side) == 512
    side.journal.close()


def test_line_signs_as_often_and_fills_its_frames_as_it_is_told(pair: LinePair, tmp_path: Path) -> None:
    side = empty(pair.a, tmp_path)
    moment = side.clock.moment()
    side.line = Line.begin(side.setup, side.journal, moment, entries_per_checkpoint=2, padded=False)
    turn(side)
    assert signed_heads(side) == 2
    assert frame_bytes(side) < 100
    side.line = Line.restore(side.setup, side.journal, moment, entries_per_checkpoint=1, padded=False)
    assert signed_heads(side) == 3
    assert frame_bytes(side) < 100
    side.journal.close()


def test_suspension_that_either_desk_declared_holds_after_a_restart_and_in_a_new_incarnation(pair: LinePair) -> None:
    for side in (pair.a, pair.b):
        side.notice(Notice("line-status", 1, Precedence.ROUTINE, False, "en", {1: "suspended", 2: START}))
        assert turn(side) == Turn(
            keeps="entry 1 of ours, head 2 of ours, state outgoing, state line-notices, said status",
            sends="entries 1-1 | status 2:1",
            lazy=False,
            next=2.0,
        )
    cross(pair)
    assert turn(pair.a) == Turn(
        keeps=(
            "entry 1 of theirs, head 2 of theirs, receipt 2 on theirs, state incoming, state line-notices, "
            "heard status for good"
        ),
        sends="receipt 2",
        tells="arrived 1, fresh status",
        lazy=False,
        next=1.0,
    )
    for begin in (pair.a.restart, pair.a.reincarnate):
        begin()
        assert pair.a.line.line_notices.ours == LineNotice("suspended", START, None)
        assert pair.a.line.line_notices.theirs == LineNotice("suspended", START, None)


def test_more_than_a_few_frames_wait_for_the_next_turn_which_is_due_at_once(
    pair: LinePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchline.core.outgoing.PUMP_FRAMES", 1)
    pair.a.line.disconnected()
    for _ in range(3):
        pair.a.line.compose(Draft(EntryType.COMPLETE, bytes(60_000)), pair.a.clock.moment())
    turn(pair.a)
    pair.a.line.connected(pair.a.clock.moment())
    assert turn(pair.a) == Turn(keeps="said status", sends="entries 1-2 | status 4:1")
    assert turn(pair.a) == Turn(sends="entries 3-3", next=2.0)


# --- an entry and its receipt


def test_first_entry_goes_again_at_the_next_connection_as_long_as_it_has_no_receipt() -> None:
    with joined("turn by turn", connect=False) as pair:
        open_both(pair)
        turn(pair.a)
        pair.a.line.connected(pair.a.clock.moment())
        assert turn(pair.a) == Turn(keeps="said status", sends="epoch | entries 0-0 | status 1:0", next=2.0)


def test_entry_goes_and_its_receipt_and_both_statuses_come(pair: LinePair) -> None:
    pair.a.say("one")
    assert turn(pair.a) == Turn(
        keeps="entry 1 of ours, head 2 of ours, state outgoing, said status",
        sends="entries 1-1 | status 2:1",
        lazy=False,
        next=2.0,
    )
    cross(pair)
    assert turn(pair.b) == Turn(
        keeps="entry 1 of theirs, head 2 of theirs, receipt 2 on theirs, state incoming, heard status for good, said status",
        sends="receipt 2 | status 1:2",
        tells="arrived 1, fresh status",
        lazy=False,
        next=54.0,
    )
    cross(pair)
    assert turn(pair.a) == Turn(
        keeps="receipt 2 on ours, heard status for good",
        tells="received 2, fresh status",
        next=54.0,
    )
    cross(pair)
    assert turn(pair.b) == Turn(next=54.0)
    wait(pair, 0.5)
    assert turn(pair.a) == Turn(next=53.5)
    assert turn(pair.b) == Turn(next=53.5)
    wait(pair, 0.5)
    assert turn(pair.a) == Turn(next=53.0)
    assert turn(pair.b) == Turn(next=53.0)
    cross(pair)
    assert turn(pair.a) == Turn(next=53.0)
    assert turn(pair.b) == Turn(next=53.0)
    wait(pair, 1)
    assert turn(pair.a) == Turn(next=52.0)
    assert turn(pair.b) == Turn(next=52.0)


def test_entry_without_a_receipt_goes_again_after_two_seconds_and_after_a_connection(pair: LinePair) -> None:
    pair.a.say("one")
    assert turn(pair.a) == Turn(
        keeps="entry 1 of ours, head 2 of ours, state outgoing, said status",
        sends="entries 1-1 | status 2:1",
        lazy=False,
        next=2.0,
    )
    pair.a.out.clear()
    wait(pair, 1.5)
    assert turn(pair.a) == Turn(next=0.5)
    wait(pair, 0.5)
    assert turn(pair.a) == Turn(sends="entries 1-1", next=4.0)
    pair.a.line.connected(pair.a.clock.moment())
    assert turn(pair.a) == Turn(keeps="said status", sends="entries 1-1 | status 2:1", next=2.0)


def test_fresh_status_that_shows_the_peer_behind_makes_it_go_again(pair: LinePair) -> None:
    pair.a.say("one")
    turn(pair.a)
    take(pair.b, only(Stated, pair.a.sent()), by=pair.a)
    pair.a.out.clear()
    assert turn(pair.b) == Turn(keeps="heard status for good", tells="fresh status", next=49.5)
    cross(pair)
    assert turn(pair.a) == Turn(next=2.0)


def test_line_without_a_route_keeps_and_sends_nothing_and_runs_its_clocks(pair: LinePair) -> None:
    asked = pair.a.notice(QUESTION)
    turn(pair.a)
    pair.settle(2)
    assert pair.a.line.unacknowledged == 0
    assert pair.b.line.unacknowledged == 1
    pair.cut()
    pair.b.say("while nothing carries")
    assert turn(pair.b) == Turn(keeps="entry 1 of ours, head 2 of ours, state outgoing", lazy=False, next=598.0)
    wait(pair, 60)
    assert turn(pair.b) == Turn(next=538.0)
    assert turn(pair.a) == Turn(next=538.0)
    pair.b.acknowledge(asked)
    assert pair.b.line.unacknowledged == 0
    assert turn(pair.b) == Turn(keeps="entry 2 of ours, head 3 of ours, state outgoing", lazy=False, next=538.0)
    wait(pair, 600)
    assert turn(pair.b) == Turn(next=2938.0)
    assert turn(pair.a) == Turn(tells="ran out 1 of ours after 662", next=2938.0)


def test_line_without_a_route_begins_no_epoch(pair: LinePair) -> None:
    pair.a.line.disconnected()
    for _ in range(50):
        pair.a.say("x", released=False)
    turn(pair.a)
    wait(pair, 2)
    assert turn(pair.a) == Turn(next=60.0)


def test_entry_is_released_as_its_draft_says(pair: LinePair) -> None:
    drafts = [Draft(EntryType.NOTICE, QUESTION.encode(), released=released) for released in (True, False)]
    assert [pair.a.line.compose(draft, pair.a.clock.moment()).released for draft in drafts] == [True, False]


def test_fresh_status_alone_says_when_the_peer_was_last_heard(pair: LinePair) -> None:
    before = pair.a.line.statuses.peer_status_at
    pair.clock.advance(10)
    hear_status(pair.a, pair, echo=None, time=pair.b.clock.wall)
    assert turn(pair.a).tells == "status"
    assert pair.a.line.statuses.peer_status_at == before
    hear_status(pair.a, pair, nonce=bytes(16))
    assert turn(pair.a).tells == "fresh status"
    assert pair.a.line.statuses.peer_status_at == pair.clock.running


def test_notice_that_was_declined_is_remembered(pair: LinePair) -> None:
    asked = pair.a.notice(QUESTION)
    pair.settle(2)
    pair.b.acknowledge(asked, kind=EntryType.DECLINE)
    turn(pair.b)
    cross(pair)
    assert turn(pair.a).keeps.endswith("said status, state clocks")


def test_single_use_keys_that_find_no_room_are_not_waited_for(pair: LinePair) -> None:
    turns = []
    for first in (33, 65, 97):
        keys = [bytes(KEM_PUBLIC_BYTES) for _ in range(32)]
        take(pair.a, state(StatementType.PREKEYS, pair.b, first, keys), by=pair.b)
        turns.append(turn(pair.a))
    assert [(each.keeps, each.lazy) for each in turns] == [
        ("32 x prekey of theirs, state outgoing", False),
        ("prekey of theirs, state outgoing", False),
        ("", False),
    ]


def test_statuses_go_with_the_interval_and_are_answered_once(pair: LinePair) -> None:
    wait(pair, 50)
    assert turn(pair.a) == Turn(keeps="said status", sends="status 1:1", next=54.0)
    cross(pair)
    assert turn(pair.b) == Turn(keeps="heard status, said status", sends="status 1:1", tells="fresh status", next=54.0)
    cross(pair)
    assert turn(pair.a) == Turn(keeps="heard status", tells="fresh status", next=54.0)


# --- restarts


def test_line_that_starts_again_opens_and_goes_on_where_it_was(pair: LinePair) -> None:
    pair.a.line.announce_routes([("direct", "192.0.2.1:4300")], pair.a.clock.moment())
    assert turn(pair.a) == Turn(keeps="said routes", sends="routes", lazy=False, next=49.5)
    cross(pair)
    assert turn(pair.b) == Turn(keeps="heard routes", tells="routes 1", next=49.5)
    pair.a.say("under way")
    turn(pair.a)
    heard = pair.a.line.statuses.peer_status
    pair.a.restart()
    assert pair.a.line.phase is Phase.OPENING
    assert pair.a.line.statuses.peer_status == heard
    pair.b.line.connected(pair.b.clock.moment())
    turn(pair.b)
    pair.b.out.clear()
    assert turn(pair.a) == Turn(next=60.0)
    pair.a.say("said while opening")
    assert turn(pair.a) == Turn(
        keeps="entry 2 of ours, head 3 of ours, state outgoing, state spoken",
        lazy=False,
        next=60.0,
    )
    pair.a.line.connected(pair.a.clock.moment())
    assert turn(pair.a) == Turn(keeps="said status", sends="routes | status 2:1", next=5.0)
    wait(pair, 4.5)
    assert turn(pair.a) == Turn(next=0.5)
    wait(pair, 0.5)
    assert turn(pair.a) == Turn(keeps="said status", sends="status 2:1", next=5.0)
    cross(pair)
    assert turn(pair.b) == Turn(
        keeps="heard status for good, heard status, said status",
        sends="status 1:1",
        tells="2 x status",
        next=54.0,
    )
    cross(pair)
    assert turn(pair.a) == Turn(
        keeps="state spoken, state phase, heard status for good",
        sends="entries 1-2",
        tells="open, fresh status",
        lazy=False,
        next=1.0,
    )
    cross(pair)
    assert turn(pair.b) == Turn(
        keeps="entry 1 of theirs, entry 2 of theirs, head 3 of theirs, receipt 3 on theirs, state incoming",
        sends="receipt 3",
        tells="arrived 1, arrived 2",
        lazy=False,
        next=1.0,
    )


# --- entries out of their order


def test_entries_before_their_turn_wait_and_follow_one_by_one(pair: LinePair) -> None:
    for number in range(3):
        pair.a.say(f"number {number}")
        turn(pair.a)
    items = [item for item in pair.a.sent() if isinstance(item, Entries)]
    pair.a.out.clear()
    take(pair.b, items[2], items[1], by=pair.a)
    assert turn(pair.b) == Turn(next=49.5)
    take(pair.b, items[0], by=pair.a)
    assert turn(pair.b) == Turn(
        keeps=(
            "entry 1 of theirs, head 2 of theirs, entry 2 of theirs, head 3 of theirs, entry 3 of theirs, head 4 of theirs, "
            "receipt 4 on theirs, state incoming, said status"
        ),
        sends="receipt 4 | status 1:4",
        tells="arrived 1, arrived 2, arrived 3",
        lazy=False,
        next=54.0,
    )
    for number in range(2):
        pair.a.say(f"later {number}")
        turn(pair.a)
    for item in reversed([item for item in pair.a.sent() if isinstance(item, Entries)]):
        take(pair.b, item, by=pair.a)
    assert turn(pair.b) == Turn(
        keeps="entry 4 of theirs, head 5 of theirs, entry 5 of theirs, head 6 of theirs, receipt 6 on theirs, state incoming",
        sends="receipt 6",
        tells="arrived 4, arrived 5",
        lazy=False,
        next=1.0,
    )
    assert pair.b.line.junk == 0


def test_256_entries_that_wait_follow_at_once(pair: LinePair) -> None:
    pair.a.line = Line.restore(pair.a.setup, pair.a.journal, pair.a.clock.moment(), entries_per_checkpoint=1)
    pair.connect()
    pair.settle(2)
    for _ in range(257):
        pair.a.line.compose(Draft(EntryType.COMPLETE, b"x"), pair.a.clock.moment())
    turn(pair.a)
    first, *early = [item for item in pair.a.sent() if isinstance(item, Entries)]
    assert len(early) == 256
    for item in early:
        pair.clock.advance(1)
        take(pair.b, item, by=pair.a)
    turn(pair.b)
    take(pair.b, first, by=pair.a)
    assert turn(pair.b).tells.count("arrived") == 257


def test_entry_in_full_form_brings_those_that_wait_behind_it(pair: LinePair) -> None:
    for text in ("damaged on its way", "behind it"):
        pair.a.say(text)
        turn(pair.a)
    first, second = (item for item in pair.a.sent() if isinstance(item, Entries))
    pair.a.out.clear()
    damaged = replace(first.entries[0], sealed=bytes(len(first.entries[0].sealed)))
    take(pair.b, second, replace(first, entries=(damaged,)), by=pair.a)
    assert turn(pair.b) == Turn(sends="refusal 22 at 1 of 1", next=49.5)
    cross(pair)
    assert turn(pair.a) == Turn(sends="full entry 1", next=1.0)
    cross(pair)
    assert turn(pair.b) == Turn(
        keeps=(
            "entry 1 of theirs, head 2 of theirs, entry 2 of theirs, head 3 of theirs, receipt 3 on theirs, state incoming, "
            "said status"
        ),
        sends="receipt 3 | status 1:3",
        tells="arrived 1, arrived 2",
        lazy=False,
        next=54.0,
    )


def test_broken_entry_that_waited_takes_none_of_the_others_along(pair: LinePair) -> None:
    pair.a.say("good")
    turn(pair.a)
    good = only(Entries, pair.a.sent())
    broken = forge(pair.a, b"no body").entries()
    take(pair.b, broken, by=pair.a)
    take(pair.b, good, by=pair.a)
    assert turn(pair.b) == Turn(
        keeps="entry 1 of theirs, head 2 of theirs, state incoming, alarm malformed 39, state phase, said status",
        sends="refusal 39 at 2 of 1 | status 1:2",
        tells="arrived 1, alarm malformed, stopped",
        lazy=False,
        next=54.0,
    )
    assert pair.b.line.phase is Phase.STOPPED


def test_receipt_that_is_not_the_peers_is_counted_and_the_next_true_one_taken(pair: LinePair) -> None:
    pair.a.say("one")
    turn(pair.a)
    cross(pair)
    turn(pair.b)
    receipt = only(Receipt, pair.b.sent())
    pair.b.out.clear()
    take(pair.a, replace(receipt, signature=bytes(64)), by=pair.b)
    assert pair.a.line.junk == 1
    assert turn(pair.a) == Turn(next=2.0)
    take(pair.a, receipt, receipt, by=pair.b)
    assert pair.a.line.junk == 1
    assert turn(pair.a) == Turn(keeps="receipt 2 on ours", tells="received 2", next=54.0)


def test_frame_of_another_version_is_refused_and_alarmed(pair: LinePair) -> None:
    pair.b.line.receive(with_payload(pair.a, [2]), pair.b.clock.moment())
    assert turn(pair.b) == Turn(
        keeps="alarm malformed 37",
        sends="refusal 37 at 1 of 1",
        tells="alarm malformed",
        lazy=False,
        next=49.5,
    )
    assert pair.b.line.junk == 1
