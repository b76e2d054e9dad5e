"""Which leaf a line finds for a place: in either log of its pair, and of what was issued again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.line_pair import LinePair, Side, joined
from watchline.core.entries import Body, Leaf
from watchline.core.leaves import Leaves
from watchline.core.records import Log


@pytest.fixture(scope="module")
def pair() -> Iterator[LinePair]:
    """Twice, each desk had said something that the other had no receipt for when Tokyo began a new incarnation."""
    with joined("leaves") as made:
        for _ in range(2):
            made.cut()
            for side, count in ((made.a, 2), (made.b, 3)):
                for number in range(count):
                    side.say(f"number {number}")
                    side.turn()
                side.out.clear()
            made.a.reincarnate()
            made.connect()
            made.settle(2)
            made.b.confirm("theirs")
            made.settle(2)
        yield made


def leaves(side: Side) -> Leaves:
    return Leaves(side.journal, side.line.incoming)


def log_of(side: Side, *, outgoing: bool) -> Log:
    return side.setup.outgoing_log if outgoing else side.setup.incoming_log


def stored(side: Side, log: Log, index: int) -> Leaf:
    record = side.journal.entry(log, index)
    assert record is not None
    return Leaf.decode(record.leaf)


@pytest.mark.slow
@pytest.mark.parametrize("outgoing", [True, False])
def test_leaf_is_found_in_either_log_of_the_present_pair(pair: LinePair, outgoing: bool) -> None:
    log = log_of(pair.a, outgoing=outgoing)
    size = pair.a.journal.size(log)
    found = [leaves(pair.a).at(outgoing, index) for index in range(size + 1)]
    assert found == [*(stored(pair.a, log, index) for index in range(size)), None]
    assert size >= 3


@pytest.mark.parametrize("outgoing", [True, False])
@pytest.mark.parametrize("desk", ["a", "b"])
def test_entry_that_was_issued_again_is_found_where_it_stood_first(pair: LinePair, desk: str, outgoing: bool) -> None:
    side = pair.a if desk == "a" else pair.b
    log = log_of(side, outgoing=outgoing)
    records = list(side.journal.entries(log, 0, side.journal.size(log)))
    marks = [Body.decode(record.body).again for record in records]
    firsts = [leaves(side).first_of(outgoing, record.index) for record in records]
    found = [leaf and (leaf.direction.inc, leaf.direction.peer_inc, leaf.index) for leaf in firsts]
    assert found == [mark and (mark.inc, mark.peer_inc, mark.place) for mark in marks]
    by_tokyo = (desk == "a") == outgoing
    assert ((2, 1) if by_tokyo else (1, 2)) in {place[:2] for place in found if place}
    assert leaves(side).first_of(outgoing, len(records)) is None
