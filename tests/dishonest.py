"""What a dishonest desk, or a thief of the pairing secret, can put on the wire: genuine keys in wrong hands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.line_pair import LinePair, Side
from watchline.core.checkpoint import Checkpoint
from watchline.core.encoding import Value
from watchline.core.entries import Body, EntryType, Leaf, Notice, Precedence
from watchline.core.frames import Entries, FullEntry, Item, Stated, WireEntry
from watchline.core.line import Phase
from watchline.core.merkle import leaf_hash
from watchline.core.statements import StatementType, Status, sign_statement

AnyItem = TypeVar("AnyItem", bound=Item)


def only(kind: type[AnyItem], items: Sequence[Item]) -> AnyItem:
    """The first item of a kind."""
    return next(item for item in items if isinstance(item, kind))


@dataclass(frozen=True)
class Forged:
    """An entry of a desk's log with everything signed as it should be, but with a content of the forger's choice."""

    leaf: Leaf
    sealed: bytes
    root: bytes
    signature: bytes
    epoch: int

    def entries(self) -> Entries:
        leaf = self.leaf
        wire = WireEntry(leaf.type, leaf.time, leaf.commitment, leaf.peer_size, leaf.re, self.sealed)
        return Entries(leaf.direction.inc, leaf.direction.peer_inc, self.epoch, leaf.index, (wire,), self.signature)

    def full(self) -> FullEntry:
        return FullEntry(self.epoch, self.leaf.encode(), self.sealed, self.root, self.signature)


def notice_body(text: str) -> bytes:
    return Body(Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: text}).encode()).encode()


def forge(
    side: Side,
    body: bytes,
    *,
    type: int = EntryType.NOTICE,
    peer_size: int | None = None,
    peer_root: bytes | None = None,
    commitment: bytes | None = None,
    re: int | None = None,
) -> Forged:
    """The next entry of a desk's log, as its own keys allow; its node knows nothing of it."""
    line = side.line
    chain, held = line.outgoing.chain, line.incoming.edge
    leaf = Leaf(
        side.setup.outgoing,
        line.outgoing.edge.size,
        int(type),
        side.clock.wall,
        chain.commit(body)[1] if commitment is None else commitment,
        held.size if peer_size is None else peer_size,
        held.root() if peer_root is None else peer_root,
        re,
    )
    edge = line.outgoing.edge.append(leaf_hash(leaf.encode()))
    return Forged(leaf, chain.seal(leaf.encode(), body), edge.root(), sign_head(side, edge.size, edge.root()), chain.epoch)


def sign_head(side: Side, size: int, root: bytes) -> bytes:
    """A checkpoint of any size and root under a desk's log key."""
    return side.party.keys.log.sign(Checkpoint(side.line.outgoing.origin, size, root).text())


def state(kind: StatementType, side: Side, *values: Value) -> Stated:
    """A statement under a desk's statement key."""
    return sign_statement(kind, side.setup.outgoing, values, side.party.keys.statement).stated()


def status_of(pair: LinePair, speaker: Side) -> Status:
    """What an honest node would say now, echoing the last nonce that the other side made."""
    line = speaker.line
    hearer = pair.b if speaker is pair.a else pair.a
    made = list(hearer.line._freshness._made)
    open_items, left_out = line.clocks.listed(line.outgoing.edge.size, line.incoming.edge.size, speaker.clock.moment())
    return Status(
        speaker.clock.wall,
        line.outgoing.edge.size,
        line.outgoing.edge.root(),
        line.incoming.edge.size,
        line.incoming.edge.root(),
        line.incoming.epoch,
        len(line.outgoing.prekeys),
        1,
        1,
        open_items,
        left_out,
        0,
        (0, 0, 0),
        speaker.clock.random.randbytes(16),
        made[-1] if made else None,
    )


def carry(pair: LinePair, kinds: tuple[type[Item], ...], *, until: Callable[[], bool] = lambda: False) -> list[Item]:
    """Let a network that passes only some kinds of items carry everything; give the items that A sent."""
    spoken: list[Item] = []
    for _ in range(20):
        pair.clock.advance(1.5)
        for side, other in ((pair.a, pair.b), (pair.b, pair.a)):
            side.line.tick(side.clock.moment())
            side.turn()
            items = side.sent()
            side.out.clear()
            if side is pair.a:
                spoken += items
            passed = [item for item in items if isinstance(item, kinds)]
            if passed:
                other.hear(*passed, by=side)
        if until():
            break
    return spoken


def goes_on(pair: LinePair) -> bool:
    """Whether the line is open, nobody is accused, and a new notice gets through each way."""
    sizes = [side.line.incoming.edge.size for side in (pair.a, pair.b)]
    for side in (pair.a, pair.b):
        side.say("still here")
        side.turn()
    pair.settle(seconds=70)
    arrived = [side.texts()[-1:] == ["still here"] for side in (pair.a, pair.b)]
    grown = [side.line.incoming.edge.size > size for side, size in zip((pair.a, pair.b), sizes, strict=True)]
    unaccused = all(side.alarms() == [] and side.line.phase is Phase.OPEN for side in (pair.a, pair.b))
    return all(arrived) and all(grown) and unaccused
