"""Forward secrecy: what was recorded is opened by nothing that is kept after it, and never by the pairing secret alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Self

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tests.line_pair import SECRET, LinePair, Side, joined
from watchline.core.encoding import encode
from watchline.core.epochs import NO_ROOT_KEY, Chain, EpochOpening, _context, _derive, accept_epoch, outer_key
from watchline.core.frames import FrameKey, Item, Stated, _to_wire
from watchline.core.keys import KemKey
from watchline.core.records import EntryRecord
from watchline.core.statements import StatementType, read_epoch, verify_statement
from watchline.errors import BadSignature


class Tap(list[bytes]):
    """A side's outbox that remembers every frame that ever stood in it."""

    def __init__(self, frames: list[bytes]) -> None:
        super().__init__(frames)
        self.recorded = list(frames)

    def __iadd__(self, frames: Iterable[bytes]) -> Self:  # type: ignore[misc,override]
        more = list(frames)
        self.recorded += more
        self.extend(more)
        return self


@contextmanager
def recorded_pair() -> Iterator[tuple[LinePair, Tap]]:
    """A pair, and all that A sends from its first frame on."""
    with joined(connect=False) as pair:
        pair.a.out = tap = Tap(pair.a.out)
        pair.connect()
        yield pair, tap


def keys_kept(side: Side) -> list[bytes]:
    """All that the journal keeps of a line's changing state: the state blobs and the secret halves of the prekeys."""
    line, journal = side.setup.line, side.journal
    return [*journal.states(line).values(), *journal.prekeys(line, side.setup.pair, ours=True).values()]


def opens(kept: list[bytes], record: EntryRecord) -> bool:
    """Whether any 32 bytes of what is kept are the chain key or the message key of an entry."""
    assert record.sealed is not None
    return any(
        opens_under(blob[at : at + 32], record.leaf, record.sealed) for blob in kept for at in range(max(0, len(blob) - 31))
    )


def opens_under(key: bytes, leaf: bytes, sealed: bytes) -> bool:
    try:
        Chain(1, bytes(32), key).open(leaf, sealed)
    except BadSignature:
        try:
            ChaCha20Poly1305(key).decrypt(bytes(12), sealed, leaf)
        except InvalidTag:
            return False
    return True


def heard(frames: list[bytes], side: Side) -> list[Item]:
    """What a thief of the pairing secret finds in recorded frames of a side."""
    key = FrameKey(outer_key(SECRET, side.setup.own_id, side.setup.peer_identity.id))
    return [item for frame in frames for item in key.open(frame)]


def openings(items: list[Item], side: Side) -> dict[int, EpochOpening]:
    """The epochs that a side opened, as everybody who sees the statements can read them."""
    public = side.setup.own_keys.public.statement
    statements = [verify_statement(item, side.setup.outgoing, public) for item in items if isinstance(item, Stated)]
    read = [read_epoch(statement) for statement in statements if statement.type == StatementType.EPOCH]
    return {opening.epoch: opening for opening in read}


def entries_of(side: Side) -> list[EntryRecord]:
    log = side.setup.outgoing_log
    return list(side.journal.entries(log, 0, side.journal.size(log)))


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        yield made


@pytest.mark.slow
def test_nothing_kept_after_an_entry_opens_it(pair: LinePair) -> None:
    before = [keys_kept(side) for side in (pair.a, pair.b)]
    key = pair.a.line.outgoing.chain.chain_key
    record = pair.a.say("burn after reading")
    pair.a.turn()
    pair.settle()
    assert pair.b.texts() == ["burn after reading"]
    for side, kept in zip((pair.a, pair.b), before, strict=True):
        assert opens(kept, record), "before the entry each side has its key"
        after = keys_kept(side)
        assert not [blob for blob in after if key in blob]
        assert not opens(after, record)
        side.restart()
        assert not opens(keys_kept(side), record)


def test_nothing_kept_after_an_epoch_was_followed_opens_its_seed() -> None:
    with recorded_pair() as (pair, tap):
        stock: dict[int, bytes] = {}
        for _ in range(20):
            stock |= pair.b.journal.prekeys(pair.b.setup.line, pair.b.setup.pair, ours=True)
            pair.settle(seconds=0.5)
        pair.a.say("in the second epoch")
        pair.a.turn()
        pair.settle()
        epochs = openings(heard(tap.recorded, pair.a), pair.a)
        second, direction = epochs[2], pair.a.setup.outgoing
        used = KemKey(stock[second.pre_id])
        accept_epoch(direction, second, used, SECRET, NO_ROOT_KEY)  # so it was sealed to that prekey
        kept = keys_kept(pair.b)
        assert not [blob for blob in kept if used.seed in blob]
        left = pair.b.journal.prekeys(pair.b.setup.line, pair.b.setup.pair, ours=True).values()
        for seed in (*left, pair.b.setup.own_keys.kem.seed):
            with pytest.raises(BadSignature):
                accept_epoch(direction, second, KemKey(seed), SECRET, NO_ROOT_KEY)


@pytest.mark.slow
def test_pairing_secret_alone_reads_no_body() -> None:
    with recorded_pair() as (pair, tap):
        pair.a.say("nothing for thieves", released=False)
        pair.a.turn()
        pair.settle()
        assert pair.b.texts() == ["nothing for thieves"]
        items = heard(tap.recorded, pair.a)
        found = [encode(_to_wire(item)) for item in items]
        entries = entries_of(pair.a)
        for entry in entries:
            assert entry.sealed is not None
            assert any(entry.sealed in part for part in found), "the thief has every ciphertext"
        assert not [part for part in found if b"nothing for thieves" in part]
        near, far = pair.a.setup.outgoing[1:3]
        known = [SECRET, outer_key(SECRET, near, far), outer_key(SECRET, far, near), *found]
        assert not opens(known, entries[-1])
        for opening in openings(items, pair.a).values():
            context = _context(pair.a.setup.outgoing, opening.epoch, opening.pre_id, opening.prekey_hash, b"")
            chain = _derive(opening.epoch, bytes(32), SECRET, NO_ROOT_KEY, context, opening.sealed_seed)  # all but the seed
            for entry in entries:
                assert not opens([chain.chain_key], entry)
                chain = chain.next()


def test_pairing_secret_and_the_certificates_key_open_nothing_after_the_first_epoch() -> None:
    with recorded_pair() as (pair, tap):
        pair.a.say("in the first epoch")
        pair.a.turn()
        pair.settle(seconds=10)
        pair.a.say("in the second epoch")
        pair.a.turn()
        pair.settle()
        epochs = openings(heard(tap.recorded, pair.a), pair.a)
        kem, direction = pair.b.setup.own_keys.kem, pair.a.setup.outgoing
        chain = accept_epoch(direction, epochs[1], kem, SECRET, NO_ROOT_KEY)
        opened: list[EntryRecord] = []
        closed: list[EntryRecord] = []
        for entry in entries_of(pair.a):
            assert entry.sealed is not None
            (opened if opens_under(chain.chain_key, entry.leaf, entry.sealed) else closed).append(entry)
            chain = chain.next()
        assert {entry.epoch for entry in opened} == {1}
        assert b"in the first epoch" in opened[-1].body
        assert 1 not in {entry.epoch for entry in closed}
        assert b"in the second epoch" in closed[-1].body
        for later in set(epochs) - {1}:
            with pytest.raises(BadSignature):
                accept_epoch(direction, epochs[later], kem, SECRET, chain.root_key)
