"""What stays of bodies that went: lines work on after a restart, and nothing of what was said is left."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.dishonest import status_of
from tests.line_pair import LinePair, Side, joined
from watchline.core.entries import Again, Body, EntryType, Notice, Place, Precedence, Response
from watchline.core.records import EntryRecord, RemovalRecord
from watchline.core.reply_clocks import PROMISED_FIELD
from watchline.core.setting import Moment
from watchline.core.stubs import ARCHIVED, ERASED, REMOVABLE, UNKNOWN, WITHHELD, is_copy_of, stub
from watchline.core.terms import PRECEDENCES

SECRET = "three balloons over the bay"


def record_of(pair: LinePair, kind: EntryType, content: bytes, again: Again | None = None) -> EntryRecord:
    record = pair.a.say(SECRET)
    record.type = kind
    record.body = Body(content, b"n" * 16, ({1: SECRET}, {1: SECRET}), again).encode()
    return record


def remove(side: Side, records: Iterable[EntryRecord], gone: str = ERASED) -> None:
    for record in records:
        side.journal.commit([RemovalRecord(record.log, gone, ((record.index, stub(record)),))])


def removable(side: Side) -> list[EntryRecord]:
    journal = side.journal
    logs = journal.logs(side.setup.line)
    return [each for log in logs for each in journal.entries(log, 0, journal.size(log)) if each.type in REMOVABLE]


def test_stub_of_a_notice_keeps_its_form_and_nothing_that_was_said() -> None:
    again = Again(1, 1, 4, 2, Place(1, 1, 3))
    with joined() as pair:
        notice = Notice("statement", 3, Precedence.FLASH, True, "ja", {1: SECRET, 2: 7})
        body = Body.decode(stub(record_of(pair, EntryType.NOTICE, notice.encode(), again)))
    assert Notice.decode(body.content) == Notice("statement", 3, Precedence.FLASH, True, "ja", {})
    assert (body.nonce, body.again) == (b"n" * 16, again)
    assert body.assertions == (None, None)
    assert SECRET.encode() not in body.encode()


def test_stub_of_a_holding_reply_keeps_the_promised_time_alone() -> None:
    with joined() as pair:
        notice = Notice("holding-reply", 1, Precedence.ROUTINE, False, "en", {1: [1, 1, 1], PROMISED_FIELD: 99, 3: SECRET})
        body = Body.decode(stub(record_of(pair, EntryType.NOTICE, notice.encode())))
    assert Notice.decode(body.content).fields == {PROMISED_FIELD: 99}


@pytest.mark.slow
@pytest.mark.parametrize("promised", [{}, {PROMISED_FIELD: SECRET}, {PROMISED_FIELD: True}])
def test_stub_of_a_holding_reply_that_promises_no_time_keeps_no_field(promised: dict[int, object]) -> None:
    with joined() as pair:
        notice = Notice("holding-reply", 1, Precedence.ROUTINE, False, "en", {1: [1, 1, 1], **promised})
        body = Body.decode(stub(record_of(pair, EntryType.NOTICE, notice.encode())))
    assert Notice.decode(body.content).fields == {}


@pytest.mark.parametrize("kind", [EntryType.DECLINE, EntryType.ACKNOWLEDGE])
def test_stub_of_a_response_loses_the_reason_alone(kind: EntryType) -> None:
    with joined() as pair:
        said = Response(kind, 1, 1, 5, bytes(32), "en", SECRET if kind == EntryType.DECLINE else None)
        body = Body.decode(stub(record_of(pair, kind, said.encode())))
    assert Response.decode(body.content) == Response(kind, 1, 1, 5, bytes(32), "en")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [EntryType.CANCEL, EntryType.FILE, EntryType.COMPLETE])
def test_stub_of_any_other_entry_keeps_nothing_though_its_content_reads_as_a_response(kind: EntryType) -> None:
    with joined() as pair:
        said = Response(EntryType.DECLINE, 1, 1, 5, bytes(32), "en", SECRET)
        body = Body.decode(stub(record_of(pair, kind, said.encode())))
    assert body.content == b""


def test_words_and_the_body_that_journals_keep_for_what_went_stay_what_they_are() -> None:
    assert (ARCHIVED, ERASED, WITHHELD) == ("archived", "erased", "withheld")
    assert Body.decode(UNKNOWN) == Body(b"")


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(REMOVABLE))
def test_stub_of_what_nobody_can_read_is_empty(kind: EntryType) -> None:
    with joined() as pair:
        body = Body.decode(stub(record_of(pair, kind, b"\xff" + SECRET.encode())))
    assert body.content == b""


def test_what_is_needed_to_judge_keeps_its_body() -> None:
    kept = {EntryType.CONTINUES, EntryType.TERMS, EntryType.ROSTER, EntryType.CONFIRM, EntryType.SILENCE}
    assert kept | REMOVABLE == set(EntryType)
    assert not kept & REMOVABLE


def clocks_of(side: Side, moment: Moment) -> tuple[object, ...]:
    line = side.line
    sizes = line.outgoing.edge.size, line.incoming.edge.size
    running = [
        [(each.index, each.kind, each.allowed) for each in line.clocks.running(own, *sizes, moment)] for own in (True, False)
    ]
    return running, line.clocks.declined, line.unacknowledged, line.incoming.last_number


def test_line_restarts_with_the_same_clocks_numbers_and_statuses_once_closed_bodies_went() -> None:
    with joined("clocks") as pair:
        closed, declined, cancelled, held, open_ = (
            pair.a.notice(Notice("statement", 1, Precedence(rank % len(PRECEDENCES)), False, "en", {1: SECRET}))
            for rank in range(5)
        )
        pair.settle(2)
        theirs = [pair.b.journal.entry(pair.b.setup.incoming_log, each.index) for each in (closed, declined, held)]
        assert theirs[0] is not None
        assert theirs[1] is not None
        pair.b.acknowledge(theirs[0])
        pair.b.say("an answer", re=closed.index)
        pair.b.acknowledge(theirs[1], kind=EntryType.DECLINE)
        pair.b.notice(Notice("holding-reply", 1, Precedence.ROUTINE, False, "en", {1: [1, 1, held.index]}), re=held.index)
        pair.a.cancel(cancelled.index)
        pair.settle(3)
        sides = pair.a, pair.b
        for side in sides:
            side.restart(connected=True)
        pair.settle(2)
        before = [clocks_of(side, side.clock.moment()) for side in sides]
        listed = [status_of(pair, side).open for side in sides]
        still_open = {held.index, open_.index}
        for side in sides:
            gone = [each for each in removable(side) if each.log.outgoing != (side is pair.a) or each.index not in still_open]
            remove(side, [each for each in gone if each.re not in still_open])
            side.restart(connected=True)
        pair.settle(2)
        assert [clocks_of(side, side.clock.moment()) for side in sides] == before
        after = [status_of(pair, side).open for side in sides]
        assert [[(each.index, each.kind) for each in items] for items in after] == [
            [(each.index, each.kind) for each in items] for items in listed
        ]
        assert [each.index for each in listed[1]] == [open_.index]
        pair.a.say("and on")
        pair.settle(2)
        assert pair.b.texts()[-1] == "and on"
        assert not pair.a.alarms()
        assert not pair.b.alarms()


def test_new_pair_issues_nothing_again_that_went() -> None:
    with joined("again") as pair:
        first, second = pair.a.say("goes"), pair.a.say("stays")
        pair.settle(2)
        pair.cut()
        pair.a.turn()
        waiting = pair.a.say("nobody has it")
        pair.a.turn()
        pair.a.out.clear()
        remove(pair.a, [first], ARCHIVED)
        pair.a.restart()
        pair.a.reincarnate()
        pair.connect()
        pair.settle(5)
        assert "nobody has it" in pair.b.texts()
        assert "goes" not in pair.b.texts()
        assert [second.number, waiting.number] == [2, 3]
        again = pair.a.say("next")
        assert again.number == 4


def test_release_counts_again_for_a_copy_of_an_entry_that_went_only_if_it_names_its_place() -> None:
    """A new pair may bring what was received and went: the peer did not know that its clock was closed."""
    with joined("copy") as pair:
        record = pair.a.say(SECRET)
        pair.settle(2)
        kept = pair.b.journal.entry(pair.b.setup.incoming_log, record.index)
        assert kept is not None
        body = Body.decode(kept.body)
        right = Body(body.content, body.nonce, body.assertions, Again(1, 1, record.index, record.number, None))
        wrong = Body(body.content, body.nonce, body.assertions, Again(1, 1, record.index + 1, record.number, None))
        other = Body(b"other words", body.nonce, body.assertions, right.again)
        assert [is_copy_of(each, kept) for each in (right, wrong, other)] == [True, True, False]
        remove(pair.b, [kept])
        gone = pair.b.journal.entry(pair.b.setup.incoming_log, record.index)
        assert [is_copy_of(each, gone) for each in (right, wrong, body)] == [True, False, False]
        assert not is_copy_of(right, None)
