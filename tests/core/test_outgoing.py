"""Our own log on a line, one rule at a time: repeats, epochs, prekeys, full forms, receipts, and our own heads shown back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.dishonest import only, sign_head
from tests.line_pair import LinePair, joined
from watchline.core import outgoing
from watchline.core.checkpoint import Checkpoint, cosignature_message
from watchline.core.encoding import decode
from watchline.core.entries import EntryType
from watchline.core.frames import Entries, FullEntry, Receipt, ShownCheckpoint, Stated
from watchline.core.limits import EPOCH_LEAVES, EPOCH_SECONDS, PREKEYS_MAX
from watchline.core.outgoing import PUMP_FRAMES, Draft, Outgoing
from watchline.core.setting import Moment
from watchline.errors import BadSignature


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        yield made


def now(pair: LinePair) -> Moment:
    return pair.a.clock.moment()


def receipt(pair: LinePair, size: int, time: int = 77) -> Receipt:
    """What Beijing's custody key says of our log at this size."""
    out = pair.a.line.outgoing
    text = Checkpoint(out.origin, size, out.root_at(size)).text()
    return Receipt(1, 1, size, time, pair.b.party.keys.custody.sign(cosignature_message(time, text)))


def spoken(pair: LinePair, count: int) -> Outgoing:
    """Our log with so many more entries under way, each under a checkpoint of its own."""
    for number in range(count):
        pair.a.say(f"{number}")
        pair.a.turn()
    return pair.a.line.outgoing


# --- composing


def test_entries_are_numbered_and_named_as_they_were_drafted(pair: LinePair) -> None:
    first, last = pair.a.say("one", once="key"), pair.a.line.outgoing.last_number
    acknowledged = pair.a.line.compose(Draft(EntryType.CONTINUES, b"", re=first.index), now(pair))
    second = pair.a.say("two", released=False)
    assert [first.number, acknowledged.number, second.number] == [last, None, last + 1]
    assert [first.once, acknowledged.once] == ["key", None]
    assert [first.re, acknowledged.re] == [None, first.index]
    assert [first.released, second.released] == [True, False]
    assert (first.nonce is None, second.nonce) == (False, None)
    assert (first.time, first.epoch) == (pair.clock.wall, pair.a.line.outgoing.chain.epoch)
    assert [first.index, acknowledged.index, second.index] == [first.index, first.index + 1, first.index + 2]


def test_entry_goes_out_in_its_own_turn_under_a_signature_over_the_whole_log(pair: LinePair) -> None:
    pair.a.say("now")
    pair.a.turn()
    out, item = pair.a.line.outgoing, only(Entries, pair.a.sent())
    assert (item.inc, item.peer_inc, item.epoch, item.start) == (1, 1, out.chain.epoch, out.committed - 1)
    assert item.signature == sign_head(pair.a, out.edge.size, out.edge.root())
    assert (len(item.entries), out.sent) == (1, out.committed)


def test_turn_in_which_nothing_happened_writes_nothing(pair: LinePair) -> None:
    out = pair.a.line.outgoing
    pair.a.say("something")
    records, _, changed = out.turn(now(pair))
    assert (bool(records), changed) == (True, True)
    assert out.turn(now(pair)) == ([], [], False)


# --- sending again


def test_what_has_no_receipt_is_sent_again_after_2_4_8_and_at_last_every_60_seconds(pair: LinePair) -> None:
    out = spoken(pair, 1)
    waits = []
    for _ in range(7):
        assert out.resend_at is not None
        wait = out.resend_at - pair.clock.running
        waits.append(wait)
        pair.clock.advance(wait - 0.5)
        out.resend_if_due(now(pair))
        assert out.sent == out.committed
        pair.clock.advance(0.5)
        out.resend_if_due(now(pair))
        assert out.sent == out.received == out.committed - 1
        pair.a.turn()
        assert out.sent == out.committed
    assert waits == [2, 4, 8, 16, 32, 60, 60]


def test_log_that_is_receipted_whole_is_not_looked_at_again(pair: LinePair) -> None:
    out = spoken(pair, 1)
    out.accept_receipt(receipt(pair, out.committed), now(pair))
    waits = [out.resend_at]
    out.restart_sending(0, now(pair))
    waits.append(out.resend_at)
    pair.clock.advance(2)
    out.resend_if_due(now(pair))
    waits.append(out.resend_at)
    assert waits == [None, pair.clock.running, None]
    assert out.sent == out.committed


@pytest.mark.slow
@pytest.mark.parametrize(("start", "sent"), [(0, 2), (1, 2), (3, 3), (99, 5)])
def test_sending_goes_on_from_what_the_peer_holds_and_never_before_its_receipt(pair: LinePair, start: int, sent: int) -> None:
    out = pair.a.line.outgoing
    base = out.committed - 2
    spoken(pair, 3)
    out.accept_receipt(receipt(pair, base + 2), now(pair))
    out.restart_sending(base + start, now(pair))
    assert out.sent == base + sent
    assert out.resend_at == pair.clock.running + 2


def test_entries_beyond_the_window_wait_for_receipts(pair: LinePair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "WINDOW_ENTRIES", 4)
    out = pair.a.line.outgoing
    base = out.committed
    spoken(pair, 6)
    assert (out.sent, out.has_more) == (base + 4, False)
    assert out.accept_receipt(receipt(pair, base + 3), now(pair)) is not None
    assert out.has_more
    pair.a.turn()
    assert (out.sent, out.has_more) == (base + 6, False)


def test_entries_that_wait_go_a_few_frames_a_turn(pair: LinePair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "FRAME_ENTRIES_MAX", 2)
    out = pair.a.line.outgoing
    base = out.committed
    spoken(pair, 20)
    out.restart_sending(base, now(pair))
    pair.a.out.clear()
    pair.a.turn()
    items = [item for item in pair.a.sent() if isinstance(item, Entries)]
    assert [item.start - base for item in items] == list(range(0, 2 * PUMP_FRAMES, 2))
    assert all(len(item.entries) == 2 for item in items)
    assert out.sent == base + 2 * PUMP_FRAMES
    pair.deliver_one(pair.a, pair.b)
    assert pair.b.line.incoming.edge.size == base + 16


# --- epochs and prekeys


def test_epoch_is_due_after_fifty_leaves_or_a_day_either_way_and_not_before(pair: LinePair) -> None:
    pair.a.say("into the second epoch")
    pair.settle()
    out = pair.a.line.outgoing
    assert (out.chain.epoch > 1, out.next_chain, bool(out.prekeys)) == (True, None, True)
    opened = out.epoch_opened_wall
    for seconds, due in ((0, False), (EPOCH_SECONDS - 1, False), (EPOCH_SECONDS, True), (-EPOCH_SECONDS, True)):
        assert out.epoch_due(replace(now(pair), wall=opened + seconds)) is due
    at_once = replace(now(pair), wall=opened)
    for _ in range(EPOCH_LEAVES - 1 - out.epoch_leaves):
        pair.a.say("x")
    assert not out.epoch_due(at_once)
    pair.a.say("x")
    assert out.epoch_due(at_once)
    out.prepare_epoch(at_once)
    assert not out.epoch_due(at_once)


def test_no_epoch_is_due_without_a_prekey(pair: LinePair) -> None:
    out = pair.a.line.outgoing
    out.prekeys.clear()
    assert not out.epoch_due(replace(now(pair), wall=out.epoch_opened_wall + EPOCH_SECONDS))


def test_epoch_is_opened_under_the_oldest_prekey_and_entered_once_the_peer_holds_it(pair: LinePair) -> None:
    out = pair.a.line.outgoing
    oldest, epoch = min(out.prekeys), out.chain.epoch
    out.prepare_epoch(now(pair))
    assert oldest not in out.prekeys
    said = []
    for held in (epoch, epoch + 1):
        out.epoch_held(held)
        said.append((out.next_held, pair.a.say("in which epoch?").epoch - epoch))
    assert said == [(False, 0), (True, 1)]
    assert (out.epoch_leaves, out.epoch_opened_wall, out.next_chain) == (1, pair.clock.wall, None)


def test_prekeys_are_stocked_lowest_first_up_to_twice_what_a_peer_leaves_and_no_number_twice(pair: LinePair) -> None:
    out = pair.a.line.outgoing
    highest, room = out.highest_prekey, 2 * PREKEYS_MAX - len(out.prekeys)
    assert not out.keep_prekeys({highest: b"k" * 32, 1: b"k" * 32})
    offered = dict.fromkeys(range(highest + room + 5, highest - 2, -1), b"k" * 32)
    assert out.keep_prekeys(offered)
    assert len(out.prekeys) == 2 * PREKEYS_MAX == 64
    assert out.highest_prekey == max(out.prekeys) == highest + room
    assert out.keep_prekeys({highest + room + 1: b"k" * 32})
    assert (len(out.prekeys), out.highest_prekey) == (64, highest + room)


# --- full forms


def test_full_form_of_a_durable_entry_is_shown_twice_a_second_at_most(pair: LinePair) -> None:
    out = spoken(pair, 2)
    index = out.committed - 1
    shown = []
    for seconds, asked in ((0, index + 1), (0, index), (0.25, index - 1), (0.25, index - 1)):
        pair.clock.advance(seconds)
        pair.a.out.clear()
        out.show_full(asked, now(pair))
        pair.a.turn()
        shown.append([item for item in pair.a.sent() if isinstance(item, FullEntry)])
    assert [len(items) for items in shown] == [0, 1, 0, 1]
    record = pair.a.journal.entry(pair.a.setup.outgoing_log, index)
    assert record is not None
    head = out.root_at(index + 1)
    full = FullEntry(record.epoch, record.leaf, record.sealed or b"", head, sign_head(pair.a, index + 1, head))
    assert shown[1] == [full]


# --- receipts


def test_receipt_is_kept_with_its_head_and_time_and_says_how_far_the_peer_holds_us(pair: LinePair) -> None:
    out = spoken(pair, 3)
    size = out.committed - 1
    given = receipt(pair, size)
    pair.clock.advance(1)
    record = out.accept_receipt(given, now(pair))
    assert record is not None
    assert (record.log, record.size, record.root) == (pair.a.setup.outgoing_log, size, out.root_at(size))
    assert (record.time, record.signature) == (77, given.signature)
    assert (out.received, out.sent, out.resend_at) == (size, size + 1, pair.clock.running + 2)
    assert out.accept_receipt(given, now(pair)) is None
    assert out.accept_receipt(receipt(pair, size - 1), now(pair)) is None
    assert out.received == size


def test_receipt_begins_the_waits_for_repeats_anew(pair: LinePair) -> None:
    out = spoken(pair, 2)
    for _ in range(3):
        assert out.resend_at is not None
        pair.clock.advance(out.resend_at - pair.clock.running)
        out.resend_if_due(now(pair))
    out.accept_receipt(receipt(pair, out.committed - 1), now(pair))
    assert out.resend_at == pair.clock.running + 2


def test_receipt_that_is_not_the_peers_for_this_root_changes_nothing(pair: LinePair) -> None:
    out = spoken(pair, 2)
    good, before = receipt(pair, out.committed), out.received
    for bad in (
        replace(good, time=78),
        replace(good, size=good.size - 1),
        replace(good, signature=bytes(64)),
        replace(good, size=good.size + 1),
    ):
        with pytest.raises(BadSignature):
            out.accept_receipt(bad, now(pair))
    assert out.received == before
    assert out.accept_receipt(good, now(pair)) is not None


# --- our own heads, shown back


def shown(pair: LinePair, size: int, root: bytes) -> ShownCheckpoint:
    return ShownCheckpoint(1, 1, size, root, sign_head(pair.a, size, root))


def test_head_of_ours_that_our_log_holds_proves_nothing(pair: LinePair) -> None:
    out = spoken(pair, 2)
    for size in (0, 1, out.committed):
        assert out.rollback_shown_by(shown(pair, size, out.root_at(size))) is None


@pytest.mark.slow
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_head_of_ours_that_our_log_does_not_hold_proves_our_rollback_with_both_heads(pair: LinePair, more: int) -> None:
    out = spoken(pair, 2)
    head = shown(pair, out.committed + more, b"?" * 32)
    rollback = out.rollback_shown_by(head)
    assert rollback is not None
    assert (rollback.rule, rollback.facts["our_size"], rollback.facts["shown_size"]) == (26, out.committed, head.size)
    assert decode(rollback.evidence) == [
        [head.size, head.root, head.signature], out.committed, out.root_at(out.committed)
    ]  # fmt: skip


def test_head_that_our_key_did_not_sign_is_refused(pair: LinePair) -> None:
    out = spoken(pair, 1)
    with pytest.raises(BadSignature):
        out.rollback_shown_by(ShownCheckpoint(1, 1, 9, b"?" * 32, sign_head(pair.b, 9, b"?" * 32)))


def test_epoch_that_is_not_held_is_told_again_with_every_repeat(pair: LinePair) -> None:
    out = pair.a.line.outgoing
    pair.a.say("into the second epoch")
    pair.settle()
    out.prepare_epoch(now(pair))
    pair.a.turn()
    statement = out.next_statement
    assert statement is not None
    for is_due in (False, True):
        pair.a.out.clear()
        pair.clock.advance(2)
        if is_due:
            out.resend_if_due(now(pair))
        else:
            out.restart_sending(0, now(pair))
        pair.a.turn()
        assert only(Stated, pair.a.sent()) == statement.stated()
    assert out.resend_at is not None
