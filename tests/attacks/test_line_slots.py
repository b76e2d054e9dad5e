"""Each signed object in each wrong place: another slot, line, direction or incarnation, another purpose, its own sender."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.dishonest import goes_on, only, sign_head, state, status_of
from tests.line_pair import LinePair, Side, joined, party
from watchline.core.certificate import issue
from watchline.core.checkpoint import Checkpoint, cosignature_message
from watchline.core.encoding import decode, encode
from watchline.core.entries import Body, EntryType, Leaf, Notice, Precedence
from watchline.core.frames import (
    Entries,
    FullEntry,
    Item,
    OfferedCertificate,
    Receipt,
    Refusal,
    ShownCheckpoint,
    Stated,
)
from watchline.core.outgoing import Draft
from watchline.core.persons import assertion_challenge, sign_assertion
from watchline.core.statements import StatementType
from watchline.errors import BadSignature


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        yield made


# --- people


def test_release_nonce_replayed_without_its_people_is_not_released(pair: LinePair) -> None:
    first = pair.a.say("we mean it")
    pair.settle()
    body = Body.decode(first.body)
    replayed = Draft(EntryType.NOTICE, body.content, body.nonce, body.assertions, released=True)
    for restarted in (False, True):
        if restarted:
            pair.b.restart(connected=True)
        pair.a.line.compose(replayed, pair.a.clock.moment())
        pair.a.line.compose(replayed, pair.a.clock.moment())
        pair.settle(seconds=10)
    assert [record.released for record in pair.b.arrived if record.type == EntryType.NOTICE] == [True] + [False] * 4


def test_release_nonce_used_twice_in_one_turn_releases_once(pair: LinePair) -> None:
    first = Body.decode(pair.a.say("once").body)
    pair.a.turn()
    replayed = Draft(EntryType.NOTICE, first.content, first.nonce, first.assertions, released=True)
    for _ in range(2):
        pair.a.line.compose(replayed, pair.a.clock.moment())
    pair.a.turn()
    pair.deliver_one(pair.a, pair.b)
    assert [record.released for record in pair.b.arrived[1:]] == [True, False, False]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["purpose", "line", "desk", "nonce", "content", "officer", "none"])
def test_assertion_made_for_something_else_releases_nothing(pair: LinePair, what: str) -> None:
    content = Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: what}).encode()
    nonce, setup = bytes(range(16)), pair.a.setup
    challenge = assertion_challenge(
        "acknowledge" if what == "purpose" else "release",
        bytes(32) if what == "line" else setup.line,
        pair.b.setup.own_id if what == "desk" else setup.own_id,
        bytes(16) if what == "nonce" else nonce,
        Body(b"other" if what == "content" else content).digest,
    )
    officer = pair.b.party.officers[0] if what == "officer" else pair.a.party.officers[0]
    assertion = sign_assertion(1, officer, challenge).to_value()
    pair.a.line.compose(Draft(EntryType.NOTICE, content, nonce, (assertion,), released=True), pair.a.clock.moment())
    pair.settle()
    assert pair.b.arrived[-1].released is (what == "none")


def test_acknowledgement_of_an_entry_that_its_author_did_not_have_closes_no_clock(pair: LinePair) -> None:
    """An answer signed in advance would close a notice that nobody has read, and after a restart only."""
    index = pair.a.line.outgoing.edge.size
    pair.b.say("to whatever you will ask", re=index)
    pair.settle()
    pair.a.notice(Notice("airspace-object", 1, Precedence.FLASH, False, "en", {1: "?"}))
    for _ in range(2):
        pair.settle()
        assert pair.b.line.unacknowledged == 1
        assert pair.a.alarms() == pair.b.alarms() == []
        for side in (pair.a, pair.b):
            side.restart(connected=True)
    assert len(pair.a.line.clocks._ours) == 1


def test_decline_of_another_entry_than_its_leaf_names_closes_no_clock_even_after_a_restart(pair: LinePair) -> None:
    first, second = (pair.a.notice(Notice("statement", 1, Precedence.FLASH, False, "en", {1: n})) for n in range(2))
    pair.settle()
    declined = pair.b.acknowledge(second, kind=EntryType.DECLINE)
    body = Body.decode(declined.body)
    nonce, assertions = pair.b.sign(EntryType.DECLINE, body.content)
    draft = Draft(EntryType.DECLINE, body.content, nonce, assertions, first.index, None, True)
    pair.b.line.compose(draft, pair.b.clock.moment())
    for _ in range(2):
        pair.settle()
        assert [item[0].index for item in pair.a.line.clocks._ours.open_at(99, 99)] == [first.index]
        assert pair.a.alarms() == pair.b.alarms() == []
        pair.a.restart(connected=True)
        pair.b.restart(connected=True)


# --- each signed object in each wrong place


def genuine_items(pair: LinePair) -> dict[str, Item]:
    """One of each signed object, as A made it."""
    pair.a.say("one")
    pair.a.line.announce_routes([("direct", "192.0.2.1:4300")], pair.a.clock.moment())
    pair.a.turn()
    sent = pair.a.sent()
    pair.settle()
    pair.b.say("two")
    pair.b.turn()
    pair.deliver_one(pair.b, pair.a)
    receipt = only(Receipt, pair.a.sent())
    pair.settle()
    pair.a.hear(Refusal(22, 1, 1), by=pair.b)
    full = only(FullEntry, pair.a.sent())
    pair.a.out.clear()
    shown = pair.a.line.incoming.shown(1)
    assert shown is not None
    status = state(StatementType.STATUS, pair.a, *status_of(pair, pair.a).values())
    prekeys = state(StatementType.PREKEYS, pair.a, 100, [bytes(1216)])
    routes = next(item for item in sent if isinstance(item, Stated) and decode(item.spoken)[0] == StatementType.ROUTES)
    epoch = state(StatementType.EPOCH, pair.a, pair.a.line.outgoing.chain.epoch + 1, 9, bytes(32), bytes(1168))
    return {
        "entries": only(Entries, sent), "receipt": receipt, "full": full, "shown": shown, "status": status,
        "prekeys": prekeys, "routes": routes, "epoch": epoch,
        "certificate": OfferedCertificate(pair.a.setup.own_certificate.encoded),
    }  # fmt: skip


def snapshot(side: Side) -> tuple[object, ...]:
    """Everything of a side that an object from the wire could change."""
    line = side.line
    return (
        line.incoming.edge, line.incoming.epoch, line.outgoing.received, line.outgoing.next_held, dict(line.outgoing.prekeys),
        line.statuses.peer_status, line.phase, line.setup, line._announced.peer_time, dict(line.incoming._expected),
        side.alarms(),
    )  # fmt: skip


def test_signed_objects_change_nothing_at_their_own_sender_on_another_line_or_in_another_incarnation(pair: LinePair) -> None:
    with joined(line=bytes(31) + b"\7") as other:
        items = genuine_items(pair)
        for name, item in items.items():
            for side, by in ((pair.a, pair.b), (other.b, other.a), (other.a, other.b)):
                before = snapshot(side)
                side.hear(item, by=by)
                side.out.clear()
                assert snapshot(side) == before, name


def with_incarnations(item: Item, inc: int, peer_inc: int) -> Item:
    if isinstance(item, Entries | Receipt | ShownCheckpoint):
        return replace(item, inc=inc, peer_inc=peer_inc)
    if isinstance(item, Stated):
        kind, _, _, *values = decode(item.spoken)
        return replace(item, spoken=encode([kind, inc, peer_inc, *values]))
    if isinstance(item, FullEntry):
        leaf = Leaf.decode(item.leaf)
        return replace(item, leaf=replace(leaf, direction=leaf.direction._replace(inc=inc, peer_inc=peer_inc)).encode())
    return item


def new_items(pair: LinePair) -> dict[str, Item]:
    """One of each signed object that B has not heard yet and will take: A made it, and B waits for it."""
    pair.settle()
    pair.a.say("in the second epoch")
    pair.settle()
    pair.a.line.outgoing.prepare_epoch(pair.a.clock.moment())
    pair.a.turn()
    epoch = only(Stated, pair.a.sent())
    pair.a.out.clear()
    pair.b.say("to be receipted")
    pair.b.turn()
    pair.deliver_one(pair.b, pair.a)
    receipt = only(Receipt, pair.a.sent())
    pair.a.out.clear()
    status = state(StatementType.STATUS, pair.a, *status_of(pair, pair.a).values())
    pair.a.say("new")
    pair.a.turn()
    entries = only(Entries, pair.a.sent())
    pair.a.out.clear()
    return {
        "status": status,
        "prekeys": state(StatementType.PREKEYS, pair.a, 100, [bytes(1216)]),
        "routes": state(StatementType.ROUTES, pair.a, 10**10, [["direct", "192.0.2.1:4300"]]),
        "epoch": epoch, "receipt": receipt, "entries": entries,
        "shown": ShownCheckpoint(1, 1, 10_000, bytes(32), sign_head(pair.b, 10_000, bytes(32))),
    }  # fmt: skip


def test_signed_objects_of_other_incarnations_change_nothing(pair: LinePair) -> None:
    for name, item in new_items(pair).items():
        pair.clock.advance(1)
        before = snapshot(pair.b)
        for inc, peer_inc in ((1, 2), (2, 1), (2, 2)):
            pair.b.hear(with_incarnations(item, inc, peer_inc), by=pair.a)
            pair.b.out.clear()
            assert snapshot(pair.b) == before, name
        pair.b.hear(item, by=pair.a)
        pair.b.out.clear()
        assert snapshot(pair.b) != before, f"{name}: nothing else was wrong with it"


def test_certificate_of_the_same_incarnation_with_the_next_serial_is_taken_without_alarm(pair: LinePair) -> None:
    tokyo = party("Tokyo")
    renewed = issue(tokyo.identity, replace(tokyo.certificate.certificate, serial=2))
    pair.b.hear(OfferedCertificate(renewed.encoded), by=pair.a)
    assert pair.b.line.setup.peer_certificate == renewed
    assert pair.b.alarms() == []


SIGNED_SLOTS = ("entries", "receipt", "full", "shown", "status", "prekeys", "routes", "epoch")


@pytest.mark.slow
@pytest.mark.parametrize("slot", SIGNED_SLOTS)
def test_signature_of_one_object_holds_in_no_other_slot(pair: LinePair, slot: str) -> None:
    items = genuine_items(pair)
    pair.a.say("new")
    pair.a.turn()
    items["entries"] = only(Entries, pair.a.sent())
    pair.a.out.clear()
    target = items[slot]
    for name, item in items.items():
        if name in (slot, "certificate"):
            continue
        signature = item.ed if isinstance(item, Stated) else item.signature  # type: ignore[union-attr]
        ml = item.ml if isinstance(item, Stated) else None
        if isinstance(target, Stated):
            offered: Item = replace(target, ed=signature, ml=ml or target.ml)
        else:
            assert isinstance(target, Entries | Receipt | FullEntry | ShownCheckpoint)
            offered = replace(target, signature=signature)
        before = snapshot(pair.b)
        pair.b.hear(offered, by=pair.a)
        pair.b.out.clear()
        assert snapshot(pair.b) == before, name


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(StatementType))
def test_statement_of_one_type_is_no_statement_of_another(pair: LinePair, kind: StatementType) -> None:
    item = new_items(pair)[kind.name.lower()]
    assert isinstance(item, Stated)
    _, inc, peer_inc, *values = decode(item.spoken)
    before = snapshot(pair.b)
    for other in set(StatementType) - {kind}:
        pair.clock.advance(1)
        signed = state(other, pair.a, *values)  # what one type says, signed as another
        pair.b.hear(replace(signed, spoken=encode([int(kind), inc, peer_inc, *values])), by=pair.a)
        pair.b.out.clear()
        assert snapshot(pair.b) == before, other
    pair.b.hear(item, by=pair.a)
    assert snapshot(pair.b) != before


def test_statement_with_one_half_of_its_signatures_counts_for_nothing_except_a_status(pair: LinePair) -> None:
    for name, item in genuine_items(pair).items():
        if not isinstance(item, Stated):
            continue
        before = snapshot(pair.b)
        pair.b.hear(replace(item, ml=None), by=pair.a)
        assert (snapshot(pair.b) == before) is (name != "status")


def test_receipt_for_entries_that_were_never_sent_counts_for_nothing(pair: LinePair) -> None:
    out = pair.a.line.outgoing
    size, root = out.edge.size + 5, bytes(32)
    text = Checkpoint(out.origin, size, root).text()
    signature = pair.b.party.keys.custody.sign(cosignature_message(1, text))
    with pytest.raises(BadSignature):
        out.accept_receipt(Receipt(1, 1, size, 1, signature), pair.a.clock.moment())
    pair.a.hear(Receipt(1, 1, size, 1, signature), by=pair.b)
    assert out.received < size
    assert goes_on(pair)
