"""Cosignatures of witnesses on a line: kept here, told to the peer, judged there; and nonces that come after them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.dishonest import only
from tests.line_pair import LinePair, Side, joined, terms
from watchline.core.checkpoint import Checkpoint, cosignature_message
from watchline.core.encoding import decode
from watchline.core.frames import Cosigned
from watchline.core.keys import Ed25519Key
from watchline.core.line import Phase
from watchline.core.records import CosignatureRecord
from watchline.core.statements import StatementType
from watchline.core.terms import Witness
from watchline.core.witnessed import MADE_KEPT
from watchline.core.witnessing import CLOCK_SLACK_SECONDS, WitnessKey, bound_nonce
from watchline.errors import PeerError

FIRST, SECOND, STRANGER = (WitnessKey(f"witness.example.org/{name}", Ed25519Key(name.encode() * 32)) for name in "123")
AGREED = replace(terms(), witnesses=tuple(Witness(f"w{n}", key.verifier.to_text()) for n, key in enumerate((FIRST, SECOND))))


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[LinePair]:
    monkeypatch.setattr("tests.line_pair.terms", lambda: AGREED)
    with joined() as both:
        yield both


def cosigned(side: Side, key: WitnessKey = FIRST, *, time: int | None = None) -> CosignatureRecord:
    """What a witness says of a desk's newest head."""
    log = side.setup.outgoing_log
    head = side.journal.latest_checkpoint(log)
    assert head is not None
    when = side.clock.wall if time is None else time
    text = Checkpoint(side.line.outgoing.origin, head.size, head.root).text()
    signature = key.key.sign(cosignature_message(when, text))
    return CosignatureRecord(log, head.size, head.root, key.verifier.to_text(), when, signature)


def item(side: Side, record: CosignatureRecord, key: WitnessKey = FIRST) -> Cosigned:
    head = side.journal.checkpoint_at(record.log, record.size)
    assert head is not None
    said = ((key.verifier.key_id, record.time, record.signature),)
    return Cosigned(*record.log.pair, record.size, head.root, head.signature, said)


def held_by(side: Side) -> list[tuple[int, str, int]]:
    log = side.setup.incoming_log
    return [(each.size, each.witness, each.time) for each in side.journal.latest_cosignatures(log, 99)]


def take(side: Side, *records: CosignatureRecord) -> None:
    side.line.take_cosignatures(records)
    side.turn()


def test_peer_holds_what_witnesses_said_with_the_head_that_they_saw(pair: LinePair) -> None:
    pair.a.say("first")
    pair.settle()
    both = cosigned(pair.a), cosigned(pair.a, SECOND)

    take(pair.a, *both)
    pair.settle()

    assert held_by(pair.b) == sorted((each.size, each.witness, each.time) for each in both)
    head = pair.b.journal.checkpoint_at(pair.b.setup.incoming_log, both[0].size)
    assert head is not None
    assert head.root == both[0].root
    assert pair.a.journal.cosignatures(pair.a.setup.outgoing_log, both[0].size) == sorted(both, key=lambda each: each.witness)


def test_cosignature_waits_until_the_peer_has_receipted_what_it_covers(pair: LinePair) -> None:
    pair.cut()
    pair.a.say("while no route carries")
    pair.a.turn()
    take(pair.a, cosigned(pair.a))
    pair.connect()
    assert not any(isinstance(each, Cosigned) for each in pair.a.sent())

    pair.settle()

    assert len(held_by(pair.b)) == 1


def test_cosignature_that_was_lost_on_the_way_is_told_again_after_a_restart(pair: LinePair) -> None:
    pair.a.say("first")
    pair.settle()
    take(pair.a, cosigned(pair.a))
    pair.cut()
    pair.settle()
    assert held_by(pair.b) == []
    pair.a.restart()

    pair.connect()
    pair.settle()

    assert len(held_by(pair.b)) == 1


def test_cosignature_that_is_known_is_not_judged_again(pair: LinePair) -> None:
    pair.a.say("first")
    pair.settle()
    told = item(pair.a, cosigned(pair.a))
    pair.b.hear(told, by=pair.a)
    broken = replace(told, signature=bytes(64), cosignatures=((FIRST.verifier.key_id, 5, bytes(64)),))

    junk = pair.b.line.junk
    pair.b.hear(broken, by=pair.a)

    assert pair.b.line.junk == junk
    assert len(held_by(pair.b)) == 1


def test_cosignature_by_a_witness_that_the_terms_do_not_name_is_ignored(pair: LinePair) -> None:
    pair.a.say("first")
    pair.settle()
    record = cosigned(pair.a, STRANGER)

    pair.b.hear(item(pair.a, record, STRANGER), by=pair.a)
    take(pair.a, record)
    pair.settle()

    assert held_by(pair.b) == []
    assert not any(isinstance(each, Cosigned) for each in pair.a.sent())


def test_cosignature_that_does_not_hold_is_dropped_and_counted(pair: LinePair) -> None:
    pair.a.say("first")
    pair.settle()
    good = item(pair.a, cosigned(pair.a))
    (key_id, time, signature), *_ = good.cosignatures
    bad = [
        replace(good, cosignatures=((key_id, time + 1, signature),)),
        replace(good, cosignatures=((SECOND.verifier.key_id, time, signature),)),
        replace(good, signature=bytes(64)),
        replace(good, size=good.size - 1),
        replace(good, size=good.size + 1),
        replace(good, inc=2),
    ]

    for each in bad:
        junk = pair.b.line.junk
        pair.b.hear(each, by=pair.a)
        assert pair.b.line.junk == junk + 1
        pair.clock.advance(1)

    assert held_by(pair.b) == []
    assert pair.b.line.phase is Phase.OPEN
    pair.b.hear(good, by=pair.a)
    assert len(held_by(pair.b)) == 1


def test_cosigned_head_that_is_not_the_one_held_here_is_a_fork_with_its_proof(pair: LinePair) -> None:
    pair.a.say("first")
    pair.settle()
    size = pair.a.line.outgoing.edge.size
    text = Checkpoint(pair.a.line.outgoing.origin, size, b"r" * 32).text()
    signature = pair.a.setup.own_keys.log.sign(text)
    said = FIRST.key.sign(cosignature_message(pair.a.clock.wall, text))
    shown = ((FIRST.verifier.key_id, pair.a.clock.wall, said),)

    pair.b.hear(Cosigned(1, 1, size, b"r" * 32, signature, shown), by=pair.a)

    assert pair.b.line.phase is Phase.STOPPED
    (alarm,) = pair.b.alarms()
    assert (alarm.kind, alarm.rule) == ("fork", 22)
    other, _, held, *_ = decode(alarm.evidence)
    assert other == [size, b"r" * 32, signature]
    assert held[0] == size


def test_time_that_is_still_to_come_is_alarmed_and_not_kept(pair: LinePair) -> None:
    pair.a.say("first")
    pair.settle()
    record = cosigned(pair.a, time=pair.b.clock.wall + CLOCK_SLACK_SECONDS + 1)

    pair.b.hear(item(pair.a, record), by=pair.a)

    assert held_by(pair.b) == []
    (alarm,) = pair.b.alarms()
    assert (alarm.kind, alarm.rule) == ("contradiction", 27)
    head, vkey, time, signature = decode(alarm.evidence)
    assert (head[0], vkey, time, signature) == (record.size, FIRST.verifier.to_text(), record.time, record.signature)
    assert pair.b.line.phase is Phase.OPEN


def test_junk_cosignatures_cost_a_bounded_number_of_checks(pair: LinePair) -> None:
    pair.a.say("first")
    pair.settle()
    good = item(pair.a, cosigned(pair.a))
    for _ in range(8):
        pair.b.line.receive(pair.a.seal(replace(good, signature=bytes(64))), pair.b.clock.moment())

    pair.b.hear(good, by=pair.a)
    assert held_by(pair.b) == []  # the period's allowance is spent

    pair.clock.advance(1)
    pair.b.hear(good, by=pair.a)
    assert len(held_by(pair.b)) == 1


def test_what_a_witness_did_not_sign_leaves_the_line_as_it_was(pair: LinePair) -> None:
    pair.a.line.report(PeerError("a witness says otherwise", rule=27), pair.a.clock.moment())
    pair.a.turn()

    assert [alarm.kind for alarm in pair.a.alarms()] == ["refused"]
    assert pair.a.line.phase is Phase.OPEN


# -- nonces


def own_nonce(side: Side) -> bytes:
    record = side.journal.statement(side.setup.line, True, StatementType.STATUS)
    assert record is not None
    return bytes(decode(record.payload)[-2])


def test_status_that_echoes_shows_that_it_was_signed_after_the_cosignature(pair: LinePair) -> None:
    pair.a.say("first")
    pair.settle()
    record = cosigned(pair.a)
    take(pair.a, record)
    pair.settle(130)
    pair.a.say("second")
    pair.settle(130)

    log = pair.a.setup.outgoing_log
    kept = pair.a.journal.statements(log.line, False, StatementType.STATUS, log.pair)
    echoes = [decode(status.payload)[-1] for status in kept]
    made = [found for echo in echoes if echo is not None and (found := pair.a.journal.nonce(log.line, echo)) is not None]

    assert made
    for each in made:
        assert bound_nonce(each.chance, each.cosignature) == each.nonce
        assert each.cosignature == record.time.to_bytes(8, "big") + record.signature


def test_nonces_are_random_where_no_witness_has_spoken(pair: LinePair) -> None:
    pair.settle(130)
    assert pair.a.line.witnessed.nonce(pair.a.setup.line, b"c" * 16) == b"c" * 16
    assert pair.a.journal.nonce(pair.a.setup.line, own_nonce(pair.a)) is None


def test_nonces_after_a_restart_come_after_the_newest_cosignature_of_either_log(pair: LinePair) -> None:
    pair.a.say("first")
    pair.settle()
    record = cosigned(pair.a)
    take(pair.a, record)
    pair.settle()
    blob = record.time.to_bytes(8, "big") + record.signature

    for side in (pair.a, pair.b):
        side.restart()
        side.line.take_setup(side.setup)
        assert side.line.witnessed.nonce(side.setup.line, b"c" * 16) == bound_nonce(b"c" * 16, blob)


def test_what_nonces_were_made_of_is_kept_in_memory_for_the_last_ones_only(pair: LinePair) -> None:
    pair.a.say("first")
    pair.settle()
    take(pair.a, cosigned(pair.a))
    witnessed = pair.a.line.witnessed
    nonces = [witnessed.nonce(pair.a.setup.line, b"%16d" % number) for number in range(MADE_KEPT + 2)]

    assert [bool(witnessed.made_of(nonce)) for nonce in nonces] == [False, False, *[True] * MADE_KEPT]
    assert witnessed.made_of(None) == []


def test_one_item_is_told_for_one_head(pair: LinePair) -> None:
    pair.a.say("first")
    pair.settle()
    take(pair.a, cosigned(pair.a))

    told = only(Cosigned, pair.a.sent())

    assert (told.inc, told.peer_inc, len(told.cosignatures)) == (1, 1, 1)
