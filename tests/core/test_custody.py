"""The peer's log in our custody, one rule at a time: what is kept of an entry, receipts, early entries, and single-use keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.dishonest import only, sign_head, state
from tests.line_pair import LinePair, joined
from watchline.core.checkpoint import Checkpoint, cosignature_message
from watchline.core.entries import Leaf
from watchline.core.frames import Entries, FullEntry, Receipt, Refusal, ShownCheckpoint, Stated
from watchline.core.incoming import EXPECTED_MAX, FULL_FORMS_PER_TURN, Incoming
from watchline.core.keys import KemKey, verify_ed25519
from watchline.core.limits import PREKEYS_MAX
from watchline.core.records import ReceiptRecord, Record
from watchline.core.setting import Moment
from watchline.core.statements import StatementType, read_prekeys, verify_statement
from watchline.errors import BadProof, BadSignature, Fork


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        yield made


def now(pair: LinePair) -> Moment:
    return pair.b.clock.moment()


def custody(pair: LinePair) -> Incoming:
    return pair.b.line.incoming


def sent(pair: LinePair, *texts: str) -> Entries:
    """What Tokyo says, as it is under way."""
    for text in texts:
        pair.a.say(text)
    pair.a.turn()
    items = pair.a.sent()
    pair.a.out.clear()
    return only(Entries, items)


def taken(pair: LinePair, item: Entries) -> list[int]:
    """The indexes of what Beijing took of it."""
    return [record.index for record in custody(pair).receive(item, pair.b.line.outgoing, now(pair))]


def closed(pair: LinePair, *, receipts: bool = True) -> tuple[list[Record], list[Receipt]]:
    records, items, _ = custody(pair).turn(now(pair), receipts=receipts)
    return records, [item for item in items if isinstance(item, Receipt)]


# --- entries


def test_entry_is_kept_as_its_author_made_it_with_our_time_and_its_number(pair: LinePair) -> None:
    made = pair.a.say("as it was said")
    item = sent(pair)
    pair.clock.advance(9)
    (kept,) = custody(pair).receive(item, pair.b.line.outgoing, now(pair))
    same = ("index", "type", "leaf", "body", "blinding", "sealed", "epoch", "re", "number", "nonce", "released", "message_key")
    assert [getattr(kept, name) for name in same] == [getattr(made, name) for name in same]
    assert kept.released
    assert (kept.log, kept.time) == (pair.b.setup.incoming_log, pair.clock.wall)
    assert made.time == kept.time - 9
    assert custody(pair).record_at(kept.index) is kept
    assert custody(pair).leaf_at(kept.index) == Leaf.decode(kept.leaf)
    assert custody(pair).leaf_at(kept.index + 1) is None
    assert custody(pair).record_at(kept.index + 1) is None


def test_root_of_every_size_is_known_before_anything_is_durable(pair: LinePair) -> None:
    item = sent(pair, "one", "two", "three")
    assert len(taken(pair, item)) == 3
    sizes = range(custody(pair).edge.size + 1)
    assert [custody(pair).root_at(size) for size in sizes] == [pair.a.line.outgoing.root_at(size) for size in sizes]


def test_entries_that_are_known_bring_nothing_but_a_receipt(pair: LinePair) -> None:
    item = sent(pair, "once")
    assert len(taken(pair, item)) == 1
    records, receipts = closed(pair)
    pair.b.journal.commit(records)
    assert len(receipts) == 1
    assert closed(pair)[1] == []
    assert taken(pair, item) == []
    records, receipts = closed(pair)
    assert [receipt.size for receipt in receipts] == [custody(pair).edge.size]
    assert not [record for record in records if isinstance(record, ReceiptRecord)]


@pytest.mark.slow
@pytest.mark.parametrize("change", [{"type": 9}, {"time": 1}, {"commitment": bytes(32)}, {"peer_size": 0}, {"re": 1}], ids=str)
def test_other_words_at_a_known_index_are_asked_for_in_full_once_a_second(pair: LinePair, change: dict[str, object]) -> None:
    item = sent(pair, "said")
    taken(pair, item)
    pair.b.journal.commit(closed(pair)[0])
    other = replace(item, entries=(replace(item.entries[0], **change),))  # type: ignore[arg-type]
    asked = []
    for seconds in (0, 0, 0.5, 0.5):
        pair.clock.advance(seconds)
        assert taken(pair, other) == []
        _, items, _ = custody(pair).turn(now(pair), receipts=True)
        asked.append([(each.rule, each.inc, each.at) for each in items if isinstance(each, Refusal)])
    assert asked == [[(22, 1, item.start)], [], [], [(22, 1, item.start)]]


def test_entries_that_are_not_signed_as_they_are_change_nothing_and_are_asked_for(pair: LinePair) -> None:
    item = sent(pair, "one", "two")
    before = custody(pair).edge
    for bad in (
        replace(item, signature=bytes(64)),
        replace(item, entries=item.entries[:1]),
        replace(item, entries=item.entries[::-1]),
        replace(item, entries=(replace(item.entries[0], peer_size=pair.b.line.outgoing.committed + 1), item.entries[1])),
    ):
        assert taken(pair, bad) == []
        assert custody(pair).edge == before
    items = custody(pair).turn(now(pair), receipts=True)[1]
    assert only(Refusal, items).at == item.start
    assert not [each for each in items if isinstance(each, Receipt)]
    assert taken(pair, item) == [item.start, item.start + 1]


def test_entries_before_their_turn_wait_and_are_given_in_order(pair: LinePair) -> None:
    first, second, third = sent(pair, "1"), sent(pair, "2"), sent(pair, "3")
    assert taken(pair, third) == taken(pair, second) == []
    assert custody(pair).next_early() is None
    assert taken(pair, first) == [first.start]
    for item in (second, third):
        early = custody(pair).next_early()
        assert early == item
        assert taken(pair, early) == [item.start]
    assert custody(pair).next_early() is None
    assert custody(pair)._early_bytes == 0


# --- receipts


def test_receipt_is_the_custody_keys_word_on_the_peers_head_at_our_time(pair: LinePair) -> None:
    taken(pair, sent(pair, "to be receipted"))
    records, (receipt,) = closed(pair)
    edge = custody(pair).edge
    assert (receipt.inc, receipt.peer_inc, receipt.size, receipt.time) == (1, 1, edge.size, pair.clock.wall)
    text = Checkpoint(pair.a.line.outgoing.origin, edge.size, edge.root()).text()
    verify_ed25519(pair.b.party.keys.public.custody, receipt.signature, cosignature_message(receipt.time, text))
    (kept,) = [record for record in records if isinstance(record, ReceiptRecord)]
    assert kept == ReceiptRecord(pair.b.setup.incoming_log, edge.size, edge.root(), receipt.time, receipt.signature)


def test_stopped_line_gives_no_receipt_then_or_later(pair: LinePair) -> None:
    taken(pair, sent(pair, "taken"))
    assert closed(pair, receipts=False)[1] == []
    assert closed(pair)[1] == []


# --- the full form


def full(pair: LinePair, index: int) -> FullEntry:
    record = pair.a.journal.entry(pair.a.setup.outgoing_log, index)
    assert record is not None
    root = pair.a.line.outgoing.root_at(index + 1)
    return FullEntry(record.epoch, record.leaf, record.sealed or b"", root, sign_head(pair.a, index + 1, root))


def test_full_form_that_was_asked_for_is_taken_and_others_are_dropped(pair: LinePair) -> None:
    item = sent(pair, "one", "two")
    own = pair.b.line.outgoing
    assert custody(pair).receive_full(full(pair, item.start), own, now(pair)) == ([], None)
    assert custody(pair).dropped == 1
    taken(pair, replace(item, signature=bytes(64)))
    assert custody(pair).receive_full(full(pair, item.start + 1), own, now(pair)) == ([], None)
    assert custody(pair).dropped == 2
    records, unknown = custody(pair).receive_full(full(pair, item.start), own, now(pair))
    assert ([record.index for record in records], unknown) == ([item.start], None)
    assert custody(pair).receive_full(full(pair, item.start), own, now(pair)) == ([], None)
    assert custody(pair).dropped == 2
    assert taken(pair, item) == [item.start + 1]


def test_full_form_under_a_head_that_is_not_its_own_is_refused_and_four_are_looked_at_in_a_turn(pair: LinePair) -> None:
    item = sent(pair, "one")
    taken(pair, replace(item, signature=bytes(64)))
    good = full(pair, item.start)
    wrong_root = replace(good, root=bytes(32), signature=sign_head(pair.a, item.start + 1, bytes(32)))
    for bad, error in ((wrong_root, BadProof), (replace(good, signature=bytes(64)), BadSignature)):
        for _ in range(FULL_FORMS_PER_TURN // 2):
            with pytest.raises(error):
                custody(pair).receive_full(bad, pair.b.line.outgoing, now(pair))
    assert custody(pair).receive_full(good, pair.b.line.outgoing, now(pair)) == ([], None)
    assert custody(pair).dropped == 1
    closed(pair)
    records, _ = custody(pair).receive_full(good, pair.b.line.outgoing, now(pair))
    assert len(records) == 1


def test_other_head_of_a_size_that_we_hold_is_a_fork_with_both(pair: LinePair) -> None:
    size = custody(pair).edge.size
    custody(pair).compare_head(size, custody(pair).edge.root(), b"")
    with pytest.raises(Fork) as refused:
        custody(pair).compare_head(size, bytes(32), sign_head(pair.a, size, bytes(32)))
    assert refused.value.rule == 22
    assert refused.value.evidence


# --- heads that are claimed and shown


def test_claimed_heads_are_kept_up_to_64_and_forgotten_once_they_are_reached(pair: LinePair) -> None:
    item = sent(pair, "one")
    statement = verify_statement(state(StatementType.EPOCH, pair.a), pair.b.setup.incoming, pair.a.party.keys.public.statement)
    custody(pair).expect(item.start + 1, pair.a.line.outgoing.root_at(item.start + 1), statement)
    for more in range(EXPECTED_MAX + 5, 1, -1):
        custody(pair).expect(item.start + more, b"?" * 32, statement)
    assert sorted(custody(pair)._expected) == list(range(item.start + 1, item.start + 1 + EXPECTED_MAX))
    assert taken(pair, item) == [item.start]
    assert min(custody(pair)._expected) == item.start + 2
    with pytest.raises(Fork) as refused:
        custody(pair).expect(item.start + 1, b"?" * 32, statement)
    assert refused.value.rule == 26


def test_peers_head_is_shown_as_it_signed_it_at_the_size_or_at_the_latest_above(pair: LinePair) -> None:
    for text in ("one", "two"):
        taken(pair, sent(pair, text))
        pair.b.journal.commit(closed(pair)[0])
    end = custody(pair).edge.size

    def head(size: int) -> ShownCheckpoint:
        root = pair.a.line.outgoing.root_at(size)
        return ShownCheckpoint(1, 1, size, root, sign_head(pair.a, size, root))

    assert [custody(pair).shown(size) for size in (0, end - 1, end, end + 1)] == [head(end), head(end - 1), head(end), None]


# --- single-use keys


def offered(pair: LinePair, held_by_peer: int) -> dict[int, bytes]:
    """The public keys that Beijing offers to a peer that holds so many."""
    custody(pair).issue_prekeys(held_by_peer, now(pair))
    _, items, _ = custody(pair).turn(now(pair), receipts=True)
    said = only(Stated, items)
    return read_prekeys(verify_statement(said, pair.a.setup.incoming, pair.b.party.keys.public.statement))


def test_single_use_keys_are_topped_up_to_32_under_numbers_that_were_never_used(pair: LinePair) -> None:
    held = custody(pair).prekeys
    following = custody(pair).next_pre_id
    assert sorted(held) == list(range(following - len(held), following))
    for spent in sorted(held)[:5]:
        del held[spent]
    left = sorted(held)
    keys = offered(pair, 20)
    missing = PREKEYS_MAX - len(left)
    assert sorted(held) == [*left, *range(following, following + missing)]
    assert sorted(keys) == sorted(held)[-12:]
    assert keys == {number: KemKey(held[number]).public for number in keys}
    assert custody(pair).next_pre_id == following + missing


def test_keys_that_are_on_their_way_or_lost_are_offered_again_before_new_ones(pair: LinePair) -> None:
    first = offered(pair, 0)
    assert len(first) == PREKEYS_MAX
    assert offered(pair, 0) == first
    assert offered(pair, 31) == {max(first): first[max(first)]}
