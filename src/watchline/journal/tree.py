"""The Merkle tree of each log, kept so that no root needs more than a few hundred hashes, however long the log.

Leaf hashes are computed from the stored leaves, never taken from a caller. The root of each complete block of 256 leaves is
stored (level 1), and of each 256 such blocks (level 2), and so on.

What this desk signs is held against what is stored: a leaf that memory or a program changed on its way is found before its
signature is kept or seen. Other logs have been lost to one flipped bit under a good signature.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from watchline.core.merkle import Edge, leaf_hash, node_hash
from watchline.errors import JournalError
from watchline.journal.disk import DAMAGED_HINT, Disk

INDEX_BITS = 40  # an entry's key is its log's number << 40 | its index
BLOCK_BITS = 8
BLOCK = 1 << BLOCK_BITS
MEMORY_HINT = "stop this desk, and check the memory and the disk of its machine before it speaks again"


class Tree:
    """The stored trees of all logs; a log is named by its number."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._edges: dict[int, Edge] = {}  # of each log, from leaves that were read back

    def forget(self) -> None:
        """After a rollback: what was read back may not be there any more."""
        self._edges.clear()

    def check(self, log: int, size: int, root: bytes) -> None:
        """JournalError unless the stored leaves below `size` have this root; all of them are there. Inside a transaction."""
        edge = self._edges.get(log)
        if edge is None or edge.size > size:
            edge = self._edge(log, size)
        for each in self._leaf_hashes(log, edge.size, size):
            edge = edge.append(each)
        if edge.root() != root:
            raise JournalError("what is to be signed is not what was stored", hint=MEMORY_HINT, reason="damaged", size=size)
        self._edges[log] = edge

    def _edge(self, log: int, size: int) -> Edge:
        hashes, start = [], 0
        for width in (1 << digit for digit in reversed(range(size.bit_length())) if size >> digit & 1):
            hashes.append(self.subtree(log, start, start + width))
            start += width
        return Edge(size, tuple(hashes))

    def grow(self, log: int, size: int) -> None:
        """Store the root of each block that the leaf below `size` completes; inside a transaction."""
        level = 1
        while size and size % BLOCK == 0:
            size >>= BLOCK_BITS
            start, stop = (size - 1) << BLOCK_BITS, size << BLOCK_BITS
            parts = self._leaf_hashes(log, start, stop) if level == 1 else self._roots(log, level - 1, start, stop)
            self._disk.cursor.execute("INSERT INTO blocks VALUES (?, ?, ?, ?)", (log, level, size - 1, perfect_root(parts)))
            level += 1

    def subtree(self, log: int, start: int, stop: int) -> bytes:
        """The root over [start, stop), a power of two wide and aligned to its width."""
        width = stop - start
        if width < BLOCK:
            return perfect_root(self._leaf_hashes(log, start, stop))
        level = (width.bit_length() - 1) // BLOCK_BITS
        shift = level * BLOCK_BITS
        return perfect_root(self._roots(log, level, start >> shift, stop >> shift))

    def verify(self, log: int, leaves: Iterable[bytes]) -> None:
        """JournalError if the stored blocks are not those that all of the log's leaves give."""
        stored = self._disk.rows("SELECT level, number, root FROM blocks WHERE log = ? ORDER BY level, number", (log,))
        if stored != list(_blocks_of(leaves)):
            raise JournalError("a log's leaves do not give its stored tree", hint=DAMAGED_HINT, reason="damaged")

    def _leaf_hashes(self, log: int, start: int, stop: int) -> list[bytes]:
        first = log << INDEX_BITS
        found = self._disk.rows(
            "SELECT leaf FROM leaves WHERE key >= ? AND key < ? ORDER BY key", (first | start, first | stop)
        )
        if len(found) != stop - start:
            raise JournalError("leaves are missing from a log", hint=DAMAGED_HINT, reason="damaged")
        return [leaf_hash(leaf) for (leaf,) in found]

    def _roots(self, log: int, level: int, start: int, stop: int) -> list[bytes]:
        found = self._disk.rows(
            "SELECT root FROM blocks WHERE log = ? AND level = ? AND number >= ? AND number < ? ORDER BY number",
            (log, level, start, stop),
        )
        if len(found) != stop - start:
            raise JournalError("blocks are missing from a log's stored tree", hint=DAMAGED_HINT, reason="damaged")
        return [root for (root,) in found]


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over the roots of neighbours of equal size; their count is a power of two."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def _blocks_of(leaves: Iterable[bytes]) -> Iterable[tuple[int, int, bytes]]:
    """(level, number, root) of every complete block, in this order."""
    roots = []
    hashes = []
    for leaf in leaves:
        hashes.append(leaf_hash(leaf))
        if len(hashes) == BLOCK:
            roots.append(perfect_root(hashes))
            hashes = []
    level = 1
    while roots:
        yield from ((level, number, root) for number, root in enumerate(roots))
        roots = [perfect_root(roots[stop - BLOCK : stop]) for stop in range(BLOCK, len(roots) + 1, BLOCK)]
        level += 1
