"""A desk whose node is honest and whose wire is not: genuine keys in the hands of somebody who bends what they sign."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from reliability.simulator.pool import START
from reliability.simulator.swarm import Lie
from watchline.core.checkpoint import Checkpoint
from watchline.core.entries import Body, EntryType, Leaf, Notice, Precedence
from watchline.core.frames import Entries, FrameKey, FullEntry, Item, Receipt, Refusal, Stated, WireEntry
from watchline.core.merkle import leaf_hash
from watchline.core.statements import StatementType, Status, read_status, sign_statement, verify_statement
from watchline.desk.lines import OpenLine
from watchline.errors import PeerError

FLOOD_FRAMES = 200
KEPT_FRAMES = 200
CHANCE = 0.3  # how often a liar lies when it speaks


class Liar:
    """What one desk does to its own words. fault: told of each lie, and on which line. honest: it lies no more."""

    def __init__(self, lies: Sequence[Lie], source: random.Random, fault: Callable[[bytes, Lie], None]) -> None:
        self.lies = lies
        self.source = source
        self.fault = fault
        self.honest = False
        self._kept: list[bytes] = []

    def bend(self, opened: OpenLine, frames: Sequence[bytes]) -> list[bytes]:
        """What leaves instead of these frames."""
        self._kept = [*self._kept, *frames][-KEPT_FRAMES:]
        if self.honest:
            return list(frames)
        if "withhold receipts" in self.lies:
            frames = self._without(opened, frames, Receipt)
        if self.source.random() >= CHANCE:
            return list(frames)
        lie = self.source.choice(self.lies)
        told = _TELL[lie](self, opened, list(frames))
        if told is None:
            return list(frames)
        self.fault(opened.record.line, lie)
        return told

    # --- the lies

    def _withhold(self, opened: OpenLine, frames: list[bytes]) -> list[bytes] | None:
        return None  # done to every frame

    def _fork(self, opened: OpenLine, frames: list[bytes]) -> list[bytes] | None:
        """Send an entry that the node's own log does not have, signed as the next one; another will take its place."""
        line = opened.line
        chain, held = line.outgoing.chain, line.incoming.edge
        content = Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: "a lie"}).encode()
        body = Body(content).encode()
        if line.outgoing.edge.size > line.outgoing.committed:
            return None
        index, commitment = line.outgoing.edge.size, chain.commit(body)[1]
        leaf = Leaf(line.setup.outgoing, index, int(EntryType.NOTICE), START, commitment, held.size, held.root(), None)
        edge = line.outgoing.edge.append(leaf_hash(leaf.encode()))
        text = Checkpoint(line.outgoing.origin, edge.size, edge.root()).text()
        wire = WireEntry(leaf.type, leaf.time, leaf.commitment, leaf.peer_size, None, chain.seal(leaf.encode(), body))
        inc, peer_inc = line.setup.pair
        forged = Entries(inc, peer_inc, chain.epoch, leaf.index, (wire,), line.setup.own_keys.log.sign(text))
        return [*frames, self._seal(opened, forged)]

    def _two_heads(self, opened: OpenLine, frames: list[bytes]) -> list[bytes] | None:
        """Sign another root of its own log in a status."""
        return self._restate(opened, frames, lambda status: replace(status, root=self.source.randbytes(32)))

    def _deny(self, opened: OpenLine, frames: list[bytes]) -> list[bytes] | None:
        """Say, signed, that it holds less than it gave receipts for."""
        line = opened.line
        if line.incoming.edge.size < 2:
            return None
        less = self.source.randrange(line.incoming.edge.size)
        root = line.incoming.root_at(less)
        return self._restate(opened, frames, lambda status: replace(status, held_size=less, held_root=root))

    def _replay(self, opened: OpenLine, frames: list[bytes]) -> list[bytes] | None:
        """Say old things once more."""
        return [*frames, *self.source.choices(self._kept, k=self.source.randrange(1, 10))]

    def _old_incarnation(self, opened: OpenLine, frames: list[bytes]) -> list[bytes] | None:
        """Say things in the name of another incarnation, its own or the hearer's."""
        bent: list[Item] = []
        for item in self._items(opened, frames):
            if isinstance(item, Entries | Receipt):
                bent.append(replace(item, inc=item.inc + self.source.choice((-1, 0, 1)), peer_inc=self.source.randrange(3)))
            elif isinstance(item, Refusal):
                bent.append(replace(item, inc=self.source.randrange(3)))
        return [*frames, *(self._seal(opened, item) for item in bent)] if bent else None

    def _flood(self, opened: OpenLine, frames: list[bytes]) -> list[bytes] | None:
        """Much of what is sealed and means nothing, and much that is not even sealed."""
        random_bytes = self.source.randbytes
        line = opened.line
        inc, peer_inc = line.setup.pair
        junk: list[Item] = [
            Receipt(inc, peer_inc, self.source.randrange(1, 10_000), 1, random_bytes(64)),
            Refusal(22, peer_inc, self.source.randrange(10_000)),
            Refusal(26, peer_inc, self.source.randrange(10_000)),
            Stated(random_bytes(100), random_bytes(64), None),
            FullEntry(1, random_bytes(200), random_bytes(100), random_bytes(32), random_bytes(64)),
            Entries(inc, peer_inc, 1, 5, (WireEntry(1, 1, random_bytes(32), 0, None, random_bytes(80)),), random_bytes(64)),
        ]
        sealed = [self._seal(opened, self.source.choice(junk)) for _ in range(FLOOD_FRAMES // 4)]
        return [*(random_bytes(self.source.randrange(1, 600)) for _ in range(FLOOD_FRAMES)), *sealed, *frames]

    # --- how it is done

    def _restate(self, opened: OpenLine, frames: list[bytes], change: Callable[[Status], Status]) -> list[bytes] | None:
        """Sign the first status among these frames again, with something changed; None if there is none."""
        setup, key = opened.line.setup, self._key(opened)
        for at, frame in enumerate(frames):
            items = key.open(frame)
            for n, item in enumerate(items):
                try:
                    status = read_status(verify_statement(item, setup.outgoing, setup.own_keys.public.statement))  # type: ignore[arg-type]
                except (PeerError, AttributeError):
                    continue
                values = change(status).values()
                items[n] = sign_statement(StatementType.STATUS, setup.outgoing, values, setup.own_keys.statement).stated()
                return [*frames[:at], self._seal(opened, *items), *frames[at + 1 :]]
        return None

    def _without(self, opened: OpenLine, frames: Sequence[bytes], kind: type[Item]) -> list[bytes]:
        left = []
        for frame in frames:
            items = self._key(opened).open(frame)
            kept = [item for item in items if not isinstance(item, kind)]
            if len(kept) == len(items):
                left.append(frame)
            else:
                self.fault(opened.record.line, "withhold receipts")
                left += [self._seal(opened, *kept)] if kept else []
        return left

    def _items(self, opened: OpenLine, frames: Sequence[bytes]) -> list[Item]:
        key = self._key(opened)
        return [item for frame in frames for item in key.open(frame)]

    def _key(self, opened: OpenLine) -> FrameKey:
        return FrameKey(opened.line.setup.outer_keys()[0])

    def _seal(self, opened: OpenLine, *items: Item) -> bytes:
        return self._key(opened).seal(items, self.source.randbytes(12))


_TELL: dict[Lie, Callable[[Liar, OpenLine, list[bytes]], list[bytes] | None]] = {
    "withhold receipts": Liar._withhold,
    "fork": Liar._fork,
    "two heads": Liar._two_heads,
    "replay": Liar._replay,
    "old incarnation": Liar._old_incarnation,
    "flood": Liar._flood,
    "deny custody": Liar._deny,
}
