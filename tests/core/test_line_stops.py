"""What a line makes of each thing that the peer shows, turn by turn: what stops it, what alarms, what is counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.dishonest import forge, notice_body, sign_head, state, status_of
from tests.line_pair import START, LinePair, party
from tests.turns import Turn, cross, hear_status, take, turn, wait, with_payload
from watchline.core.certificate import Certificate, SignedCertificate, issue
from watchline.core.encoding import decode
from watchline.core.entries import Notice, Precedence
from watchline.core.frames import FrameKey, OfferedCertificate, Probe, Receipt, Refusal, ShownCheckpoint, Stated
from watchline.core.line import Phase
from watchline.core.merkle import EMPTY_ROOT
from watchline.core.statements import StatementType
from watchline.errors import UsageError

QUESTION = Notice("airspace-object", 1, Precedence.FLASH, False, "en", {1: "what is it?"})


# --- what stops a line, what alarms, what is counted


def test_fork_stops_the_line_at_once_with_its_proof(pair: LinePair) -> None:
    hear_status(pair.b, pair, root=bytes(32))
    assert turn(pair.b) == Turn(
        keeps="alarm fork 26, state phase, said status",
        sends="status 1:1",
        tells="alarm fork, stopped",
        lazy=False,
        next=54.0,
    )
    assert pair.b.line.phase is Phase.STOPPED
    assert pair.b.line.junk == 0
    with pytest.raises(UsageError, match="the line is stopped"):
        pair.b.say("no")
    pair.a.say("not taken")
    turn(pair.a)
    pair.b.out.clear()
    cross(pair)
    assert turn(pair.b) == Turn(keeps="heard status for good", tells="fresh status", next=54.0)
    assert pair.b.line.junk == 0
    held = pair.b.line.incoming.edge
    hear_status(pair.b, pair, size=held.size, root=held.root(), left_out=1, nonce=bytes(16), prekeys_held=0)
    hear_status(pair.b, pair, held_size=50, held_root=bytes(32))
    assert turn(pair.b) == Turn(keeps="2 x heard status for good", tells="2 x fresh status", next=54.0)
    wait(pair, 5)
    assert turn(pair.b) == Turn(next=49.0)
    wait(pair, 49)
    assert turn(pair.b) == Turn(keeps="said status", sends="status 1:1", next=54.0)
    hear_status(pair.b, pair, size=1, root=bytes(32))
    assert turn(pair.b) == Turn(keeps="heard status for good", tells="fresh status", next=54.0)
    pair.b.restart(connected=True)
    assert turn(pair.b) == Turn(keeps="said status", sends="status 1:1", next=54.0)
    assert pair.b.line.phase is Phase.STOPPED


def test_stopped_line_follows_no_epoch_and_begins_none(pair: LinePair) -> None:
    for side in (pair.a, pair.b):
        for _ in range(50):
            side.say("x", released=False)
        turn(side)
        side.out.clear()
    hear_status(pair.b, pair, size=1, root=bytes(32))
    turn(pair.b)
    wait(pair, 1)
    assert "epoch" in turn(pair.a).sends
    take(pair.b, *(item for item in pair.a.sent() if isinstance(item, Stated)), by=pair.a)
    told = turn(pair.b)
    assert (told.keeps, told.sends, told.lazy) == ("", "", True)


def test_line_that_stops_asks_for_nothing_more(pair: LinePair) -> None:
    entries = forge(pair.a, notice_body("x")).entries()
    take(pair.b, replace(entries, signature=bytes(64)), by=pair.a)
    hear_status(pair.b, pair, root=bytes(32))
    assert turn(pair.b) == Turn(
        keeps="alarm fork 26, state phase, said status",
        sends="status 1:1",
        tells="alarm fork, stopped",
        lazy=False,
        next=54.0,
    )


def test_rollback_of_the_peer_stops_the_line_at_once_with_its_proof(pair: LinePair) -> None:
    lower = replace(status_of(pair, pair.a), size=0, root=pair.b.line.incoming.root_at(0))
    take(pair.b, state(StatementType.STATUS, pair.a, *lower.values()), by=pair.a)
    assert turn(pair.b) == Turn(
        keeps="alarm rollback 26, state phase, said status",
        sends="status 1:1",
        tells="alarm rollback, stopped",
        lazy=False,
        next=54.0,
    )
    assert pair.b.line.phase is Phase.STOPPED


def test_entry_that_breaks_a_rule_stops_the_line_and_is_refused(pair: LinePair) -> None:
    take(pair.b, forge(pair.a, b"no body").entries(), by=pair.a)
    assert turn(pair.b) == Turn(
        keeps="alarm malformed 39, state phase, said status",
        sends="refusal 39 at 1 of 1 | status 1:1",
        tells="alarm malformed, stopped",
        lazy=False,
        next=54.0,
    )
    assert pair.b.line.phase is Phase.STOPPED
    assert pair.b.line.junk == 0


def test_wrong_list_of_open_notices_is_alarmed_each_time_and_kept_once(pair: LinePair) -> None:
    pair.b.say("so that one log is longer")
    turn(pair.b)
    cross(pair)
    turn(pair.a)
    pair.a.out.clear()
    for _ in range(2):
        wrong = replace(status_of(pair, pair.a), left_out=1, nonce=pair.a.clock.random.randbytes(16))
        take(pair.b, state(StatementType.STATUS, pair.a, *wrong.values()), by=pair.a)
    assert turn(pair.b) == Turn(
        keeps="heard status for good, alarm contradiction 25, heard status",
        tells="fresh status, alarm contradiction, fresh status, alarm contradiction",
        lazy=False,
        next=2.0,
    )
    assert pair.b.line.phase is Phase.OPEN
    assert pair.b.line.junk == 0


def test_what_proves_nothing_is_counted_one_by_one(pair: LinePair) -> None:
    line, moment = pair.b.line, pair.b.clock.moment()
    line.receive(bytes(600), moment)
    assert line.junk == 1
    unsigned = replace(state(StatementType.STATUS, pair.a, *status_of(pair, pair.a).values()), ed=bytes(64))
    take(pair.b, unsigned, by=pair.a)
    assert line.junk == 2
    line.receive(with_payload(pair.a, [1, [77, "news of a later version"]]), moment)
    assert line.junk == 3
    for inc, peer_inc in ((1, 2), (2, 1)):
        receipt = Receipt(inc, peer_inc, 1, 0, bytes(64))
        take(pair.b, receipt, by=pair.a)
    assert line.junk == 5
    take(pair.b, replace(forge(pair.a, notice_body("late")).entries(), inc=7), by=pair.a)
    assert line.junk == 6
    take(pair.b, ShownCheckpoint(2, 1, 9, bytes(32), bytes(64)), by=pair.a)
    take(pair.b, ShownCheckpoint(1, 2, 9, bytes(32), bytes(64)), by=pair.a)
    assert line.junk == 8
    assert turn(pair.b) == Turn(next=49.5)


# --- our own log, as the peer says it holds it


def test_line_that_is_opening_asks_for_a_head_that_it_does_not_have_and_opens_when_none_is_shown(pair: LinePair) -> None:
    pair.a.restart(connected=True)
    assert turn(pair.a) == Turn(keeps="said status", sends="status 1:1", next=5.0)
    hear_status(pair.a, pair, held_size=50, held_root=bytes(32), prekeys_held=0)
    assert turn(pair.a) == Turn(
        keeps="heard status for good, said status",
        sends="status 1:1, refusal 26 at 50 of 1",
        tells="fresh status",
        next=5.0,
    )
    hear_status(pair.a, pair, held_size=50, held_root=bytes(32))
    assert turn(pair.a) == Turn(
        keeps="alarm contradiction 26, state phase, heard status",
        tells="alarm contradiction, open, fresh status",
        lazy=False,
        next=1.0,
    )


def test_claim_that_is_not_fresh_is_asked_about_while_the_line_is_open_and_not_before(pair: LinePair) -> None:
    hear_status(pair.a, pair, held_size=50, held_root=bytes(32), echo=None)
    assert turn(pair.a) == Turn(
        keeps="heard status for good, said status",
        sends="status 1:1, refusal 26 at 50 of 1",
        tells="status",
        next=54.0,
    )
    pair.a.restart(connected=True)
    assert turn(pair.a) == Turn(keeps="said status", sends="status 1:1", next=5.0)
    hear_status(pair.a, pair, held_size=50, held_root=bytes(32), echo=None, nonce=bytes(16))
    assert turn(pair.a) == Turn(keeps="heard status for good, said status", sends="status 1:1", tells="status", next=5.0)


def test_entry_that_names_a_head_of_ours_that_never_was_is_taken_alarmed_and_asked_about(pair: LinePair) -> None:
    forged = forge(pair.a, notice_body("x"), peer_root=bytes(32))
    take(pair.b, forged.entries(), by=pair.a)
    assert turn(pair.b) == Turn(sends="refusal 22 at 1 of 1", next=49.5)
    take(pair.b, forged.full(), by=pair.a)
    assert turn(pair.b) == Turn(
        keeps=("entry 1 of theirs, head 2 of theirs, receipt 2 on theirs, state incoming, alarm contradiction 26, said status"),
        sends="receipt 2 | status 1:2, refusal 26 at 1 of 1",
        tells="arrived 1, alarm contradiction",
        lazy=False,
        next=54.0,
    )
    (alarm,) = pair.b.alarms()
    assert decode(alarm.evidence) == [forged.leaf.encode(), forged.root, forged.signature]


def test_crowded_heads_prove_nothing_against_the_peer(pair: LinePair) -> None:
    pair.a.restart(connected=True)
    turn(pair.a)
    take(pair.a, *[ShownCheckpoint(1, 1, 9, bytes(32), bytes(64))] * 5, by=pair.b)
    hear_status(pair.a, pair, held_size=50, held_root=bytes(32))
    turn(pair.a)
    hear_status(pair.a, pair, held_size=50, held_root=bytes(32))
    assert turn(pair.a) == Turn(keeps="heard status", tells="fresh status", next=5.0)
    assert pair.a.line.junk == 5


def test_status_that_is_not_fresh_is_answered_once_a_connection_and_asks_for_nothing(pair: LinePair) -> None:
    pair.a.line.connected(pair.a.clock.moment())
    turn(pair.a)
    hear_status(pair.a, pair, echo=None, prekeys_held=0, held_size=0, held_root=EMPTY_ROOT)
    assert turn(pair.a) == Turn(keeps="said status", sends="status 1:1", next=2.0)
    hear_status(pair.a, pair, echo=None, nonce=bytes(16), prekeys_held=0, held_size=0, held_root=EMPTY_ROOT)
    assert turn(pair.a) == Turn(next=2.0)


def test_older_word_of_the_peer_is_neither_kept_nor_judged(pair: LinePair) -> None:
    old = state(StatementType.STATUS, pair.b, *replace(status_of(pair, pair.b), left_out=1).values())
    wait(pair, 60)
    turn(pair.a)
    cross(pair)
    turn(pair.b)
    cross(pair)
    turn(pair.a)
    take(pair.a, old, by=pair.b)
    assert turn(pair.a) == Turn(next=54.0)
    assert pair.a.line.junk == 0


@pytest.mark.parametrize("left", [16, 17])
def test_single_use_keys_are_given_when_sixteen_are_left_and_not_again_before_the_next_word(pair: LinePair, left: int) -> None:
    hear_status(pair.a, pair, prekeys_held=left)
    first = turn(pair.a)
    assert (first.sends, first.lazy) == ("prekeys" if left == 16 else "", left == 17)
    hear_status(pair.a, pair, prekeys_held=left, nonce=bytes(16))
    assert turn(pair.a).sends == ""
    pair.a.line.statuses.at_once(pair.a.clock.moment())
    turn(pair.a)
    hear_status(pair.a, pair, prekeys_held=left)
    again = turn(pair.a)
    assert (again.sends, again.lazy) == ("prekeys" if left == 16 else "", left == 17)


# --- requests


def test_full_form_is_shown_to_whoever_asks_for_an_entry_of_this_incarnation(pair: LinePair) -> None:
    take(pair.a, Refusal(22, 2, 0), by=pair.b)
    assert turn(pair.a) == Turn(next=49.5)
    take(pair.a, Refusal(22, 1, 0), by=pair.b)
    assert turn(pair.a) == Turn(sends="full entry 0", next=49.5)
    pair.a.restart(connected=True)
    turn(pair.a)
    take(pair.a, Refusal(22, 1, 0), by=pair.b)
    assert turn(pair.a) == Turn(next=5.0)
    hear_status(pair.a, pair)
    take(pair.a, Refusal(22, 1, 0), by=pair.b)
    assert turn(pair.a).sends == "epoch | full entry 0"


def test_own_head_of_the_peer_is_shown_with_the_next_status(pair: LinePair) -> None:
    take(pair.a, Refusal(26, 2, 1), by=pair.b)
    assert turn(pair.a) == Turn(next=49.5)
    take(pair.a, Refusal(26, 1, 1), by=pair.b)
    assert turn(pair.a) == Turn(keeps="said status", sends="shown head 1, status 1:1", next=54.0)


def test_any_other_refusal_is_alarmed(pair: LinePair) -> None:
    for rule in (21, 23, 25, 27):
        pair.clock.advance(3600)
        take(pair.a, Refusal(rule, 1, 1), by=pair.b)
    assert turn(pair.a) == Turn(
        keeps="alarm refused 21, alarm refused 23, alarm refused 25, alarm refused 27",
        tells="4 x alarm refused",
        lazy=False,
    )
    (alarm,) = pair.a.alarms()[:1]
    assert (alarm.rule, alarm.message) == (21, "the peer refused what this desk sent")


def test_head_of_ours_that_our_log_does_not_hold_stops_the_line(pair: LinePair) -> None:
    size, root = pair.a.line.outgoing.edge.size + 1, bytes(32)
    shown = ShownCheckpoint(1, 1, size, root, sign_head(pair.a, size, root))
    held = pair.a.journal.latest_checkpoint(pair.a.setup.outgoing_log)
    assert held is not None
    take(pair.a, ShownCheckpoint(1, 1, held.size, held.root, held.signature), by=pair.b)
    for other in (replace(shown, inc=2), replace(shown, peer_inc=2)):
        take(pair.a, other, by=pair.b)
    assert turn(pair.a) == Turn(next=49.5)
    take(pair.a, shown, by=pair.b)
    assert turn(pair.a) == Turn(
        keeps="alarm rollback 26, state phase, said status",
        sends="status 1:1",
        tells="alarm rollback, stopped",
        lazy=False,
        next=54.0,
    )
    assert pair.a.line.junk == 2


# --- probes


def test_probe_is_answered_in_the_turn_and_its_answer_is_told(pair: LinePair) -> None:
    frame = pair.a.line.probe(pair.a.clock.moment())
    pair.clock.advance(0.25)
    pair.b.line.receive(frame, pair.b.clock.moment())
    assert turn(pair.b) == Turn(sends="answer", next=49.25)
    pair.clock.advance(0.25)
    cross(pair)
    assert turn(pair.a) == Turn(tells="answered after 0.5", next=49.0)
    pair.b.line.receive(pair.a.line.probe(pair.a.clock.moment(), asks=False), pair.b.clock.moment())
    assert turn(pair.b) == Turn(next=49.0)
    (sign,) = FrameKey(pair.a.setup.outer_keys()[0]).open(pair.a.line.probe(pair.a.clock.moment(), asks=False))
    assert sign == Probe(None, None, 0)


# --- certificates


def renewed(name: str, inc: int, serial: int) -> SignedCertificate:
    """Another certificate of the same incarnation, for the same keys."""
    desk = party(name, inc)
    end = START + 86_400
    return issue(desk.identity, Certificate(desk.identity.identity.id, None, serial, inc, desk.keys.public, START, end))


def test_renewed_certificate_is_told_kept_and_not_told_again(pair: LinePair) -> None:
    pair.a.setup = replace(pair.a.setup, own_certificate=renewed("Tokyo", 1, 2))
    pair.a.line.take_setup(pair.a.setup)
    assert turn(pair.a) == Turn(sends="certificate", next=49.5)
    pair.a.line.take_setup(pair.a.setup)
    assert turn(pair.a) == Turn(next=49.5)
    hear_status(pair.a, pair)
    assert turn(pair.a) == Turn(keeps="heard status", sends="certificate", tells="fresh status", next=49.5)
    pair.a.restart(connected=True)
    turn(pair.a)
    hear_status(pair.a, pair)
    assert turn(pair.a) == Turn(
        keeps="state phase, heard status for good",
        sends="epoch | certificate",
        tells="open, fresh status",
        next=1.0,
    )
    cross(pair)
    assert turn(pair.b) == Turn(keeps="heard status, certificate 2 of theirs", tells="status", lazy=False, next=49.5)
    assert pair.b.line.setup.peer_certificate == pair.a.setup.own_certificate
    take(pair.b, *[OfferedCertificate(pair.a.setup.own_certificate.encoded)] * 3, by=pair.a)
    assert turn(pair.b) == Turn(next=49.5)
    assert pair.b.line.junk == 0


def test_newer_certificate_of_our_own_identity_stops_the_line(pair: LinePair) -> None:
    take(pair.a, OfferedCertificate(renewed("Tokyo", 1, 2).encoded), by=pair.b)
    assert turn(pair.a) == Turn(
        keeps="alarm rollback 28, state phase, said status",
        sends="status 1:1",
        tells="alarm rollback, stopped",
        lazy=False,
        next=54.0,
    )
    assert pair.a.line.phase is Phase.STOPPED
    assert pair.a.line.junk == 0


def test_one_certificate_is_looked_at_in_a_period(pair: LinePair) -> None:
    take(pair.a, OfferedCertificate(party("Seoul", 2).certificate.encoded), by=pair.b)
    assert pair.a.line.junk == 1
    take(pair.a, OfferedCertificate(renewed("Beijing", 1, 2).encoded), by=pair.b)
    assert turn(pair.a) == Turn(next=49.5)
    assert pair.a.line.junk == 1


def test_known_certificate_costs_nothing_however_often_it_comes(pair: LinePair) -> None:
    known = [OfferedCertificate(side.setup.own_certificate.encoded) for side in (pair.a, pair.b)]
    take(pair.a, *known, *known, OfferedCertificate(renewed("Beijing", 1, 2).encoded), by=pair.b)
    assert turn(pair.a) == Turn(keeps="certificate 2 of theirs", lazy=False, next=49.5)
    assert pair.a.line.junk == 0


def test_other_certificate_under_the_same_serial_is_alarmed_and_the_line_goes_on(pair: LinePair) -> None:
    take(pair.a, OfferedCertificate(renewed("Beijing", 1, 1).encoded), by=pair.b)
    assert turn(pair.a) == Turn(keeps="alarm contradiction 2", tells="alarm contradiction", lazy=False, next=49.5)
    assert pair.a.line.phase is Phase.OPEN
    assert pair.a.line.junk == 0
