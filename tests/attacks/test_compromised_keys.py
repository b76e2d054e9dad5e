"""Keys in other hands: a desk's stolen keys turned on itself, a thief's clone beside the desk, a peer that denies a receipt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.dishonest import carry, forge, goes_on, notice_body, only, state, status_of
from tests.line_pair import LinePair, joined
from watchline.core.checkpoint import Checkpoint, cosignature_message
from watchline.core.encoding import decode
from watchline.core.entries import EntryType
from watchline.core.frames import Entries, FullEntry, OfferedCertificate, Receipt, Refusal, Stated
from watchline.core.keys import verify_ed25519
from watchline.core.line import Phase
from watchline.core.statements import StatementType, read_statement, sign_statement

QUESTIONS = (Entries, FullEntry, Refusal, Receipt)


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        yield made


# --- key-compromise impersonation: who has B's keys pretends to B that he is A


def test_stolen_keys_of_a_desk_make_no_entry_of_its_peer(pair: LinePair) -> None:
    """They open what comes, and so could seal an entry that opens; but B has no key that signs A's log."""
    pair.a.say("genuine")
    pair.settle()
    assert pair.b.line.incoming.chain == pair.a.line.outgoing.chain
    forged = forge(pair.a, notice_body("forged"))
    before = pair.b.line.incoming.edge
    keys = pair.b.party.keys
    text = Checkpoint(pair.b.line.incoming.origin, forged.leaf.index + 1, forged.root).text()
    for key in (keys.log, keys.custody):
        pair.clock.advance(2)
        pair.b.hear(replace(forged.entries(), signature=key.sign(text)), by=pair.a)
        assert only(Refusal, pair.b.sent()).rule == 22
        pair.b.hear(replace(forged.full(), signature=key.sign(text)), by=pair.a)
        pair.b.out.clear()
    assert pair.b.line.incoming.edge == before
    assert pair.b.texts() == ["genuine"]
    assert goes_on(pair)


def test_stolen_keys_of_a_desk_give_no_receipt_and_no_word_in_its_peers_name(pair: LinePair) -> None:
    entry = pair.b.say("who has it?")
    pair.b.turn()
    out, keys = pair.b.line.outgoing, pair.b.party.keys
    text = Checkpoint(out.origin, out.edge.size, out.edge.root()).text()
    pair.b.out.clear()
    for key in (keys.custody, keys.log):
        pair.b.hear(Receipt(1, 1, out.edge.size, 1, key.sign(cosignature_message(1, text))), by=pair.a)
    assert out.received <= entry.index
    status = status_of(pair, pair.a)
    heard = pair.b.line.statuses.peer_status
    for kind, values in ((StatementType.STATUS, status.values()), (StatementType.ROUTES, (9, [["direct", "192.0.2.6:1"]]))):
        forged = sign_statement(kind, pair.b.setup.incoming, values, keys.statement).stated()
        pair.b.hear(forged, by=pair.a)
        pair.b.hear(replace(forged, ml=None), by=pair.a)
    assert pair.b.line.statuses.peer_status == heard
    assert pair.b.line._announced.peer_time == 0
    pair.b.hear(OfferedCertificate(pair.b.setup.own_certificate.encoded), by=pair.a)
    assert pair.b.line.setup.peer_certificate == pair.a.setup.own_certificate
    assert goes_on(pair)


# --- a clone


def clone_of_a(pair: LinePair, folder: Path) -> None:
    """A thief copied A's home. What A says after it, B receipts; then the thief's clone speaks in A's place."""
    pair.a.backup(folder / "stolen.db")
    pair.connect()
    pair.settle()
    pair.a.say("the desk itself")
    pair.settle()
    pair.a.restart_from(folder / "stolen.db")


def test_thiefs_clone_that_runs_as_a_node_stops_before_its_first_entry(pair: LinePair, tmp_path: Path) -> None:
    clone_of_a(pair, tmp_path)
    pair.cut()
    pair.a.say("the thief")
    pair.connect()
    pair.settle(seconds=30)
    assert pair.a.line.phase is Phase.STOPPED
    assert pair.b.line.phase is Phase.STOPPED
    assert pair.b.texts() == ["the desk itself"]


def test_thiefs_clone_that_speaks_beside_the_desk_is_a_fork_at_its_first_word(pair: LinePair, tmp_path: Path) -> None:
    """The thief does not care for what his copy has lost, and hides its statuses."""
    clone_of_a(pair, tmp_path)
    pair.a.line.phase, pair.a.line.reachable = Phase.OPEN, True
    pair.a.say("the thief")
    carry(pair, QUESTIONS, until=lambda: pair.b.line.phase is Phase.STOPPED)
    assert [(alarm.kind, alarm.rule) for alarm in pair.b.alarms()] == [("fork", 22)]
    assert pair.b.texts() == ["the desk itself"]
    pair.b.restart(connected=True)
    assert pair.b.line.phase is Phase.STOPPED


def test_thiefs_entry_without_an_officer_is_shown_as_not_released(pair: LinePair) -> None:
    """Until he is noticed, a thief of node keys can say things; but nobody stands behind them."""
    pair.a.say("the thief", released=False)
    pair.settle()
    assert [record.released for record in pair.b.arrived if record.type == EntryType.NOTICE] == [False]


# --- a peer that denies or loses what it receipted


def test_peer_that_denies_what_it_receipted_stops_the_line_with_its_own_receipt_as_proof(pair: LinePair) -> None:
    """A fresh status, with both signatures, that holds less than a receipt of before: each alone is a word, together a lie."""
    pair.a.say("received")
    pair.settle()
    pair.clock.advance(100)
    pair.settle()
    honest = status_of(pair, pair.b)
    size = honest.held_size - 1
    denial = replace(honest, held_size=size, held_root=pair.a.line.outgoing.root_at(size))
    pair.a.hear(state(StatementType.STATUS, pair.b, *denial.values()), by=pair.b)
    assert pair.a.line.phase is Phase.STOPPED
    (alarm,) = pair.a.alarms()
    assert (alarm.kind, alarm.rule) == ("rollback", 26)
    statement, _, receipt = decode(alarm.evidence)
    payload, ed, ml = decode(statement)
    keys = pair.b.party.keys.public
    assert read_statement(payload, ed, ml, keys.statement).values[3] == size
    held, root, time, signature = receipt
    text = Checkpoint(pair.a.line.outgoing.origin, held, root).text()
    verify_ed25519(keys.custody, signature, cosignature_message(time, text))
    assert held > size


def test_old_status_from_before_the_receipt_is_no_denial(pair: LinePair) -> None:
    """A relay that held it back proves nothing against the peer."""
    before = status_of(pair, pair.b)
    pair.a.say("received")
    pair.settle()
    assert before.held_size < pair.a.line.outgoing.received
    pair.a.hear(state(StatementType.STATUS, pair.b, *before.values()), by=pair.b)
    assert goes_on(pair)


def test_entry_that_the_peer_took_and_never_receipted_is_not_shown_as_received_and_is_sent_again(pair: LinePair) -> None:
    """What a peer took, and gives neither receipt nor status of, stays under way and is sent again."""
    pair.a.say("swallowed")
    pair.a.turn()
    pair.deliver_one(pair.a, pair.b)
    swallowed = [item for item in pair.b.sent() if isinstance(item, Receipt | Stated)]
    pair.b.out.clear()
    assert swallowed
    assert pair.a.line.outgoing.received < pair.a.line.outgoing.edge.size
    pair.clock.advance(3)
    pair.a.line.tick(pair.a.clock.moment())
    pair.a.turn()
    assert isinstance(only(Entries, pair.a.sent()), Entries)
    assert goes_on(pair)
