"""One machine, copied while it ran: two copies with the same keys and the same random bytes to come, that say different things.

A cloud snapshot or a cloned virtual machine does this. No key and no nonce may serve two contents, and the peer must not take
both for one desk's word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.dishonest import only
from tests.line_pair import Clock, LinePair, Side, joined, seeded
from watchline.core.entries import Leaf
from watchline.core.epochs import hedged_seed
from watchline.core.frames import FRAME_NONCE_BYTES, Entries, FrameKey, FullEntry, Refusal
from watchline.core.line import Line, Phase
from watchline.core.records import EntryRecord
from watchline.journal.sqlite import open_journal


@dataclass
class Copy:
    """What one copy of the machine did after the snapshot."""

    side: Side
    record: EntryRecord
    frames: list[bytes]
    chain_key: bytes


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        yield made


def copies(pair: LinePair, folder: Path, *texts: str) -> list[Copy]:
    """A's machine is copied in memory and on disk; each copy says its own text, from equal random bytes."""
    pair.a.backup(folder / "snapshot.db")
    made = []
    for number, text in enumerate(texts):
        path = folder / f"copy{number}.db"
        path.write_bytes((folder / "snapshot.db").read_bytes())
        clock = Clock(base=pair.clock)
        clock.random = seeded("the same in each copy")
        journal = open_journal(path, bytes(32), create=False)
        side = Side(pair.a.setup, pair.a.party, path, journal, Line.restore(pair.a.setup, journal, clock.moment()), clock)
        side.line.phase, side.line.reachable = Phase.OPEN, True  # a machine that was copied while its line was open
        side.line._spoken.after = side.line.statuses.due_at = None
        chain_key = side.line.outgoing.chain.chain_key
        record = side.say(text)
        side.turn()
        made.append(Copy(side, record, list(side.out), chain_key))
    return made


def close(made: list[Copy]) -> None:
    for copy in made:
        copy.side.journal.close()


def test_copies_that_say_different_things_use_no_message_key_for_two_contents(pair: LinePair, tmp_path: Path) -> None:
    one, other = made = copies(pair, tmp_path, "to one", "to another")
    assert one.chain_key == other.chain_key
    assert one.record.index == other.record.index
    assert one.record.body != other.record.body
    assert one.record.leaf != other.record.leaf
    assert one.record.blinding != other.record.blinding
    chain = pair.a.line.outgoing.chain
    keys = {chain.message_key(copy.record.leaf) for copy in made}
    assert len(keys) == 2
    assert Leaf.decode(one.record.leaf).commitment != Leaf.decode(other.record.leaf).commitment
    close(made)


def test_copies_that_say_the_same_make_the_same_bytes(pair: LinePair, tmp_path: Path) -> None:
    """One key for one content is no reuse: the two cannot be told apart, and need not be."""
    one, other = made = copies(pair, tmp_path, "the same", "the same")
    assert (one.record.leaf, one.record.sealed) == (other.record.leaf, other.record.sealed)
    close(made)


def test_frames_of_copies_that_share_a_nonce_show_no_more_than_whether_they_are_equal(pair: LinePair, tmp_path: Path) -> None:
    """GCM-SIV makes each frame's tag its counter: with one nonce, different payloads have nothing in common."""
    one, other = made = copies(pair, tmp_path, "to one", "to another")
    shared = [
        (frame, twin)
        for frame, twin in zip(one.frames, other.frames, strict=False)
        if frame[:FRAME_NONCE_BYTES] == twin[:FRAME_NONCE_BYTES]
    ]
    assert shared
    key = FrameKey(pair.a.setup.outer_keys()[0])
    for frame, twin in shared:
        assert key.open(frame) != key.open(twin)
        overlap = sum(a == b for a, b in zip(frame[FRAME_NONCE_BYTES:], twin[FRAME_NONCE_BYTES:], strict=True))
        assert overlap < len(frame) // 20  # of random bytes one in 256 is equal; a stream reused would leave nearly all
    close(made)


def test_seeds_of_copies_with_equal_randomness_differ_as_soon_as_their_logs_do(pair: LinePair, tmp_path: Path) -> None:
    one, other = made = copies(pair, tmp_path, "to one", "to another")
    setup, random = pair.a.setup, bytes(32)
    seeds = {
        hedged_seed(setup.own_keys.hedge, random, setup.outgoing, 3, copy.side.line.outgoing.edge.size,
                    copy.side.line.outgoing.edge.root())
        for copy in (one, other)
    }  # fmt: skip
    assert len(seeds) == 2
    close(made)


@pytest.mark.slow
def test_peer_takes_one_copy_and_stops_with_proof_against_the_other(pair: LinePair, tmp_path: Path) -> None:
    one, other = made = copies(pair, tmp_path, "to one", "to another")
    pair.b.hear(only(Entries, one.side.sent()), by=one.side)
    assert pair.b.texts() == ["to one"]
    pair.b.out.clear()
    pair.b.hear(only(Entries, other.side.sent()), by=other.side)
    asked = only(Refusal, pair.b.sent())
    other.side.out.clear()
    other.side.hear(asked, by=pair.b)
    pair.b.hear(only(FullEntry, other.side.sent()), by=other.side)
    assert pair.b.line.phase is Phase.STOPPED
    assert [(alarm.kind, alarm.rule) for alarm in pair.b.alarms()] == [("fork", 22)]
    assert pair.b.texts() == ["to one"]
    close(made)
