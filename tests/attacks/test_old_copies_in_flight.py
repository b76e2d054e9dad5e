"""A backup that was restored while old frames are still under way: what the lost machine had sent comes later than the new one.

Today the line stops, with proof at both desks, and nothing is lost, doubled or spoken by the copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

from tests.dishonest import only
from tests.line_pair import LinePair, joined
from watchline.core.entries import Leaf
from watchline.core.frames import Entries, FrameKey, FullEntry, Item, Stated
from watchline.core.line import Phase
from watchline.core.merkle import Edge, leaf_hash


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        yield made


def restored_with_copies_in_flight(pair: LinePair, folder: Path) -> list[bytes]:
    """A says three things that nobody has heard yet, and is put back to its backup of before; give their frames under way."""
    pair.a.backup(folder / "backup.db")
    pair.connect()
    pair.settle()
    for n in range(3):
        pair.a.say(f"said before, {n}")
        pair.a.turn()
    under_way = [frame for frame in pair.a.out if holds(pair, frame, Entries)]
    assert len(under_way) == 3
    pair.a.restart_from(folder / "backup.db")
    return under_way


def holds(pair: LinePair, frame: bytes, kind: type[Item]) -> bool:
    """Whether a frame of A holds an item of this kind."""
    return any(isinstance(item, kind) for item in items_of(pair, [frame]))


def items_of(pair: LinePair, frames: list[bytes]) -> list[Item]:
    key = FrameKey(pair.a.setup.outer_keys()[0])
    return [item for frame in frames for item in key.open(frame)]


@pytest.mark.slow
@pytest.mark.parametrize("heard", range(4))
def test_old_entries_that_come_before_the_copy_speaks_stop_it_before_its_first_word(
    pair: LinePair, tmp_path: Path, heard: int
) -> None:
    under_way = restored_with_copies_in_flight(pair, tmp_path)
    for frame in under_way[:heard]:
        pair.b.line.receive(frame, pair.b.clock.moment())
        pair.b.turn()
    pair.b.out.clear()
    pair.a.say("said after")
    pair.connect()
    pair.settle(seconds=20)
    old = [f"said before, {n}" for n in range(heard)]
    if heard:
        assert (pair.a.line.phase, pair.b.line.phase) == (Phase.STOPPED, Phase.STOPPED)
        assert pair.b.texts() == old
    else:
        assert pair.b.texts() == ["said after"]


@pytest.mark.slow
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_old_entries_that_come_after_the_copy_has_spoken_are_never_taken_beside_what_it_said(
    pair: LinePair, tmp_path: Path, order: tuple[int, ...]
) -> None:
    """B has heard nothing of them when the copy asks, so it opens; then they come, and the same index holds another entry."""
    under_way = restored_with_copies_in_flight(pair, tmp_path)
    pair.a.say("said after")
    pair.connect()
    pair.settle()
    assert pair.b.texts() == ["said after"]
    size = pair.b.line.incoming.edge.size
    for place in order:
        pair.clock.advance(2)
        pair.b.line.receive(under_way[place], pair.b.clock.moment())
        pair.b.turn()
        pair.settle(seconds=3)
    assert pair.b.line.incoming.edge.size == size
    assert pair.b.texts() == ["said after"]
    pair.a.say("goes on")
    pair.settle(seconds=10)
    assert pair.b.texts() == ["said after", "goes on"]


def test_old_status_that_comes_after_the_copy_has_spoken_is_the_fork_that_it_is(pair: LinePair, tmp_path: Path) -> None:
    """The lost machine signed a root of its log; what the copy said at that size has another."""
    pair.a.backup(tmp_path / "backup.db")
    pair.connect()
    pair.settle()
    pair.a.say("said before")
    pair.clock.advance(2)
    pair.a.turn()
    statuses = [frame for frame in pair.a.out if holds(pair, frame, Stated)]
    pair.a.restart_from(tmp_path / "backup.db")
    pair.a.say("said after")
    pair.connect()
    pair.settle()
    for frame in statuses:
        pair.b.line.receive(frame, pair.b.clock.moment())
    pair.b.turn()
    assert pair.b.line.phase is Phase.STOPPED
    assert [(alarm.kind, alarm.rule) for alarm in pair.b.alarms()] == [("fork", 26)]
    assert pair.b.texts() == ["said after"]


def test_old_entry_in_its_full_form_is_the_fork_that_it_is(pair: LinePair, tmp_path: Path) -> None:
    """The old machine, or whoever kept its frames, can prove that there were two: then people are called."""
    under_way = restored_with_copies_in_flight(pair, tmp_path)
    pair.a.say("said after")
    pair.connect()
    pair.settle()
    pair.clock.advance(2)
    pair.b.line.receive(under_way[0], pair.b.clock.moment())
    pair.b.turn()
    pair.a.out.clear()
    old = only(Entries, items_of(pair, under_way))
    leaf = lost_leaf(pair, old)
    pair.b.hear(FullEntry(old.epoch, leaf, old.entries[0].sealed, root_of_lost(pair, leaf), old.signature), by=pair.a)
    assert pair.b.line.phase is Phase.STOPPED
    assert [(alarm.kind, alarm.rule) for alarm in pair.b.alarms()] == [("fork", 22)]
    assert pair.b.texts() == ["said after"]


def test_receipts_for_what_the_copy_has_lost_count_for_nothing(pair: LinePair, tmp_path: Path) -> None:
    under_way = restored_with_copies_in_flight(pair, tmp_path)
    for frame in under_way:
        pair.b.line.receive(frame, pair.b.clock.moment())
    pair.b.turn()
    before = pair.a.line.outgoing.received
    pair.a.events.clear()
    for frame in pair.b.out:
        pair.a.line.receive(frame, pair.a.clock.moment())
    pair.a.turn()
    assert pair.a.line.outgoing.received == before
    assert [event for event in pair.a.events if type(event).__name__ == "ReceiptArrived"] == []


def lost_leaf(pair: LinePair, old: Entries) -> bytes:
    """The leaf that the lost machine signed first, rebuilt as its receiver would."""
    wire = old.entries[0]
    root = pair.b.line.outgoing.root_at(wire.peer_size)
    leaf = Leaf(pair.b.setup.incoming, old.start, wire.type, wire.time, wire.commitment, wire.peer_size, root, wire.re)
    return leaf.encode()


def root_of_lost(pair: LinePair, leaf: bytes) -> bytes:
    edge = Edge.EMPTY
    index = 0
    while (known := pair.b.line.incoming.leaf_at(index)) is not None and known.index < 1:
        edge = edge.append(leaf_hash(known.encode()))
        index += 1
    return edge.append(leaf_hash(leaf)).root()
