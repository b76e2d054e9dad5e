"""A line over a change of incarnations, turn by turn: what is said again, what comes back, what is late."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.test_changeover import begun_with
from tests.dishonest import forge, notice_body, only, state, status_of
from tests.line_pair import SECRET, START, LinePair, joined, party
from tests.turns import Turn, cross, hear_status, in_words, take, turn, wait
from watchline.core.entries import Continues, EntryType, Notice, Precedence
from watchline.core.frames import Entries, LostRequest, OfferedCertificate, Receipt, Recovered
from watchline.core.line import Phase
from watchline.core.line_secrets import LineSecrets
from watchline.core.outgoing import Draft
from watchline.core.records import CosignatureRecord
from watchline.core.statements import StatementType
from watchline.errors import UsageError, WrongParty

QUESTION = Notice("airspace-object", 1, Precedence.FLASH, False, "en", {1: "what is it?"})


# --- another incarnation


def test_peer_of_a_new_incarnation_is_told_of_and_met_in_a_new_pair_of_logs(pair: LinePair) -> None:
    pair.a.notice(QUESTION)
    pair.settle(2)
    pair.cut()
    pair.b.say("no receipt yet")
    turn(pair.b)
    pair.b.out.clear()
    pair.a.reincarnate()
    pair.b.line.connected(pair.b.clock.moment())
    turn(pair.b)
    assert [in_words(item) for item in pair.a.sent()] == ["certificate", "status 0:0"]
    pair.b.line.receive(pair.a.out[0], pair.b.clock.moment())
    effects = pair.b.line.turn(pair.b.clock.moment())
    assert [in_words(each) for each in (*effects.records, *effects.events)] == ["certificate 2 of theirs", "incarnation 2"]
    assert not effects.lazy


def settled_in_the_second_pair(pair: LinePair) -> None:
    """Tokyo is new; a notice of each desk was open, one of them without a receipt."""
    pair.a.notice(QUESTION)
    pair.settle(2)
    pair.cut()
    pair.b.notice(QUESTION)
    turn(pair.b)
    pair.a.reincarnate()
    pair.connect()
    pair.settle(2)


def test_past_is_said_again_by_a_new_desk_at_once_and_by_the_other_when_its_people_have_confirmed(pair: LinePair) -> None:
    settled_in_the_second_pair(pair)
    assert pair.a.line.unconfirmed == ("ours",)
    pair.connect()
    assert [in_words(item) for item in pair.a.sent()] == ["status 2:1"]
    pair.settle(2)
    assert pair.b.line.unconfirmed == ("theirs",)
    size = pair.b.line.outgoing.edge.size
    assert (pair.a.line.outgoing.edge.size, size) == (2, 1)
    pair.b.confirm()
    assert turn(pair.b) == Turn(
        keeps=(
            "entry 1 of ours, entry 2 of ours, head 3 of ours, state outgoing 1.2, state confirmed, state again 1.2, "
            "said status"
        ),
        sends="entries 1-2 | status 3:2",
        lazy=False,
    )
    cross(pair)
    assert turn(pair.a) == Turn(
        keeps=(
            "entry 1 of theirs, entry 2 of theirs, head 3 of theirs, receipt 3 on theirs, state incoming 2.1, "
            "heard status for good, said status"
        ),
        sends="receipt 3 | status 2:3",
        tells="arrived 1, arrived 2, fresh status",
        lazy=False,
    )
    pair.b.say("and no more")
    assert turn(pair.b) == Turn(
        keeps="entry 3 of ours, head 4 of ours, state outgoing 1.2",
        sends="entries 3-3",
        lazy=False,
    )


def test_line_that_stopped_says_nothing_again_whatever_people_confirm(pair: LinePair) -> None:
    settled_in_the_second_pair(pair)
    hear_status(pair.b, pair, root=bytes(32))
    with pytest.raises(UsageError):
        pair.b.confirm()
    assert turn(pair.b) == Turn(
        keeps="alarm fork 26, state phase 1.2, said status",
        sends="status 1:2",
        tells="alarm fork, stopped",
        lazy=False,
        next=54.0,
    )


def test_confirmation_of_another_incarnation_is_refused_before_it_is_composed(pair: LinePair) -> None:
    settled_in_the_second_pair(pair)
    pair.b.setup = replace(pair.b.setup, peer_certificate=party("Tokyo", 3).certificate)
    with pytest.raises(WrongParty):
        pair.b.confirm()
    assert turn(pair.b) == Turn(next=1.5)


def test_clocks_of_a_later_pair_are_settled_when_the_peers_first_entry_came_and_after_a_restart(pair: LinePair) -> None:
    def are_settled() -> bool:
        return pair.a.line.clocks.settled

    assert are_settled()
    pair.a.restart()
    assert are_settled()
    pair.cut()
    pair.a.reincarnate()
    assert not are_settled()
    pair.a.restart()
    take(pair.a, replace(forge(pair.b, notice_body("early")).entries(), inc=1, peer_inc=2, start=5), by=pair.b)
    assert turn(pair.a) == Turn(next=60.0)
    assert not are_settled()
    pair.connect()
    pair.settle(2)
    assert pair.a.line.incoming.edge.size == 1
    assert are_settled()
    pair.a.restart()
    assert are_settled()


def test_clocks_of_the_first_pair_are_settled_before_the_peer_has_said_anything() -> None:
    with joined("turn by turn", connect=False) as pair:
        pair.a.restart()
        assert pair.a.line.incoming.edge.size == 0
        assert pair.a.line.clocks.settled


def test_receipt_and_certificate_of_the_pair_before_change_nothing(pair: LinePair) -> None:
    settled_in_the_second_pair(pair)
    junk = pair.a.line.junk
    take(pair.a, Receipt(1, 1, 1, START, bytes(64)), by=pair.b)
    assert pair.a.line.junk == junk + 1
    take(pair.a, OfferedCertificate(party("Tokyo", 1).certificate.encoded), by=pair.b)
    assert pair.a.line.junk == junk + 1
    assert turn(pair.a) == Turn(next=1.5)


def test_line_that_is_opening_takes_no_request_for_what_was_lost(pair: LinePair) -> None:
    settled_in_the_second_pair(pair)
    pair.b.restart(connected=True)
    turn(pair.b)
    take(pair.b, LostRequest(True, 1, 1, 0), by=pair.a)
    hear_status(pair.b, pair)
    assert turn(pair.b).sends == "epoch"


def test_what_was_lost_is_given_when_nothing_else_is_left_to_say(pair: LinePair, monkeypatch: pytest.MonkeyPatch) -> None:
    settled_in_the_second_pair(pair)
    monkeypatch.setattr("watchline.core.outgoing.PUMP_FRAMES", 1)
    pair.b.line.disconnected()
    for _ in range(3):
        pair.b.line.compose(Draft(EntryType.COMPLETE, bytes(60_000)), pair.b.clock.moment())
    turn(pair.b)
    pair.b.line.connected(pair.b.clock.moment())
    take(pair.b, LostRequest(True, 1, 1, 0), by=pair.a)
    assert turn(pair.b).sends == "entries 1-2 | status 4:2"
    assert turn(pair.b).sends == "entries 3-3 | recovered yours 1.1 0-1"


def test_first_leaf_that_names_another_root_than_ours_is_alarmed_and_the_line_goes_on(pair: LinePair) -> None:
    theirs, log, new = pair.b.setup, pair.a.setup.outgoing_log, party("Tokyo", 2)
    own_size = pair.a.journal.size(log)
    pair.cut()
    pair.a.party, pair.a.setup = new, replace(pair.a.setup, own_keys=new.keys, own_certificate=new.certificate)
    pair.b.succeed(replace(theirs, peer_certificate=new.certificate, past=(theirs.peer_certificate,)))
    held = pair.b.journal.root_at(log._replace(outgoing=True), 1)
    take(pair.b, *begun_with(pair, Continues((1, 1), own_size, bytes(32), 1, held, 1)), by=pair.a)
    told = turn(pair.b)
    assert "alarm contradiction 28" in told.keeps
    assert told.tells == "arrived 0, alarm contradiction"
    assert pair.b.line.phase is Phase.OPENING


def test_what_speaks_of_the_pair_before_is_answered_with_the_certificate_and_counted(pair: LinePair) -> None:
    old = state(StatementType.STATUS, pair.a, *status_of(pair, pair.a).values())
    pair.a.reincarnate()
    pair.settle(2)
    pair.b.out.clear()
    take(pair.b, old, by=pair.a)
    assert turn(pair.b) == Turn(sends="certificate", next=1.5)
    assert pair.b.line.junk == 1


def test_entries_of_the_pair_before_are_shown_as_late_and_nothing_is_kept_of_them(pair: LinePair, tmp_path: Path) -> None:
    pair.a.backup(tmp_path / "backup.db")
    pair.connect()
    pair.settle(2)
    pair.a.say("late words")
    turn(pair.a)
    late = only(Entries, pair.a.sent())
    pair.a.restart_from(tmp_path / "backup.db")
    pair.a.reincarnate()
    pair.connect()
    pair.settle(2)
    take(pair.b, late, by=pair.a)
    assert turn(pair.b) == Turn(tells="late 1", next=1.5)
    assert pair.b.line.junk == 0
    take(pair.b, late, by=pair.a)
    assert turn(pair.b) == Turn(next=1.5)
    assert pair.b.line.junk == 1


def set_back(pair: LinePair, folder: Path) -> None:
    """Tokyo has lost an entry of each desk, and is in its second incarnation; the new logs are not there yet."""
    pair.a.backup(folder / "backup.db")
    pair.connect()
    for side in (pair.a, pair.b):
        side.say("lost")
    pair.settle(2)
    pair.a.restart_from(folder / "backup.db")
    pair.a.reincarnate()
    pair.connect()
    cross(pair)
    turn(pair.a)
    turn(pair.b)


def test_what_was_lost_is_asked_for_and_given_below_everything_else(pair: LinePair, tmp_path: Path) -> None:
    set_back(pair, tmp_path)
    for _ in range(9):
        if pair.a.line.phase is Phase.OPEN:
            break
        turn(pair.a)
        turn(pair.b)
        wait(pair, 0.5)
        cross(pair)
    turn(pair.a)
    wait(pair, 0)
    assert turn(pair.a) == Turn(sends="lost yours 1.1 from 1", next=2.0)
    turn(pair.b)
    cross(pair)
    assert turn(pair.b) == Turn(
        keeps=(
            "32 x prekey of theirs, receipt 1 on ours, state outgoing 1.2, entry 0 of theirs, head 1 of theirs, "
            "receipt 1 on theirs, state incoming 1.2, heard status for good, said status"
        ),
        sends="receipt 1 | recovered ours 1.1 1-1 | status 1:1",
        tells="arrived 0, received 1, fresh status",
        lazy=False,
    )
    piece = only(Recovered, pair.b.sent())
    cross(pair)
    assert turn(pair.a) == Turn(
        keeps="receipt 1 on ours, entry 1 of theirs, head 2 of theirs, heard status for good",
        sends="lost ours 1.1 from 1",
        tells="received 1, recovered 1, fresh status",
        lazy=False,
    )
    take(pair.a, piece, by=pair.b)
    assert turn(pair.a) == Turn()
    cross(pair)
    pair.b.line.disconnected()
    assert turn(pair.b) == Turn(next=60.0)
    pair.b.line.connected(pair.b.clock.moment())
    assert turn(pair.b) == Turn(keeps="said status", sends="recovered yours 1.1 1-1 | status 1:1")
    cross(pair)
    assert turn(pair.a) == Turn(
        keeps="entry 1 of ours, head 2 of ours, heard status",
        tells="recovered 1, fresh status",
        lazy=False,
    )
    wait(pair, 1)
    assert turn(pair.a) == Turn(
        keeps="said epoch, prekey of theirs used, state outgoing 2.1",
        sends="epoch",
        lazy=False,
        next=2.0,
    )


# --- secrets, and what witnesses say


def test_frames_are_sealed_under_the_secret_that_was_taken_last_and_opened_under_both(pair: LinePair) -> None:
    renewed_secrets = LineSecrets(SECRET).taken(bytes(32 * [9])).changed()
    pair.b.setup = pair.b.setup.with_secrets(renewed_secrets)
    pair.b.line.take_setup(pair.b.setup)
    pair.a.say("under the first")
    turn(pair.a)
    cross(pair)
    assert turn(pair.b) == Turn(
        keeps="entry 1 of theirs, head 2 of theirs, receipt 2 on theirs, state incoming, heard status for good, said status",
        sends="receipt 2 | status 1:2",
        tells="arrived 1, fresh status",
        lazy=False,
        next=54.0,
    )
    pair.a.line.receive(pair.b.out[0], pair.a.clock.moment())
    assert pair.a.line.junk == 1
    pair.a.setup = pair.a.setup.with_secrets(renewed_secrets)
    pair.a.line.take_setup(pair.a.setup)
    cross(pair)
    assert turn(pair.a) == Turn(
        keeps="receipt 2 on ours, heard status for good",
        tells="secret heard, received 2, secret heard, fresh status",
        next=54.0,
    )
    wait(pair, 60)
    turn(pair.a)
    cross(pair)
    assert turn(pair.b) == Turn(
        keeps="heard status, said status",
        sends="status 1:2",
        tells="secret heard, fresh status",
        next=54.0,
    )


def test_what_a_witness_says_is_kept_at_once_and_told_when_the_peer_has_what_it_covers(pair: LinePair) -> None:
    pair.a.line.take_cosignatures([CosignatureRecord(pair.a.setup.outgoing_log, 1, bytes(32), "w", START, bytes(64))])
    assert turn(pair.a) == Turn(keeps="cosigned 1 of ours", lazy=False, next=49.5)
