"""The Merkle tree over a log's leaves: roots, the compact right edge, and paths that prove inclusion and consistency.

The tree is the one of RFC 6962 and RFC 9162 with SHA-256, so that any transparency-log software can check it. Sizes count
leaves, an index counts from 0, and every hash has 32 bytes. A node needs no more than an `Edge` to append and to sign; paths
are built from whatever store gives the hashes of perfect subtrees.

    edge = Edge.EMPTY.append(leaf_hash(b"first")).append(leaf_hash(b"second"))
    edge.root()
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

from watchline.core.limits import PROOF_HASHES_MAX
from watchline.errors import BadProof, Malformed

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Subtree = Callable[[int, int], bytes]
"""Gives the hash over the leaves from `start` to before `end`: always a power of two of them, `start` a multiple of it."""


def leaf_hash(leaf: bytes) -> bytes:
    """Hash one leaf (RFC 9162, section 2.1.1)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two hashes into that of their parent (RFC 9162, section 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree of `size` leaves: all that appending needs.

    hashes: of the perfect subtrees that the size's binary digits name, largest (leftmost) first.
    """

    EMPTY: ClassVar[Edge]

    size: int
    hashes: tuple[bytes, ...]

    def append(self, leaf_hash: bytes) -> Edge:
        """The edge after one more leaf."""
        merged = leaf_hash
        kept = len(self.hashes)
        carry = self.size
        while carry & 1:
            kept -= 1
            merged = sha256(b"\x01" + self.hashes[kept] + merged).digest()
            carry >>= 1
        return Edge(self.size + 1, (*self.hashes[:kept], merged))

    def root(self) -> bytes:
        """The root of the whole tree."""
        return _fold(self.hashes) if self.hashes else EMPTY_ROOT

    def to_bytes(self) -> bytes:
        """The hashes, one after the other; the size says how many there are."""
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, blob: bytes) -> Edge:
        """Read what `to_bytes` wrote for a tree of `size` leaves.

        Raises Malformed (rule 7) for a negative size and for a length that the size does not have.
        """
        if size < 0:
            raise Malformed("a tree size cannot be negative", rule=7)
        if len(blob) != HASH_BYTES * size.bit_count():
            wanted = HASH_BYTES * size.bit_count()
            raise Malformed(f"the edge of a tree of {size} leaves has {wanted} bytes, not {len(blob)}", rule=7)
        return cls(size, tuple(blob[start : start + HASH_BYTES] for start in range(0, len(blob), HASH_BYTES)))


Edge.EMPTY = Edge(0, ())


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over leaf hashes given in order; of none, EMPTY_ROOT."""
    edge = Edge.EMPTY
    for each in leaf_hashes:
        edge = edge.append(each)
    return edge.root()


def root_at(size: int, subtree: Subtree) -> bytes:
    """The root of the first `size` leaves."""
    return _span(0, size, subtree) if size else EMPTY_ROOT


def inclusion_path(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """The hashes that lead from the leaf at `index` to the root at `size`, the leaf's sibling first.

    Raises ValueError if there is no such leaf. Source: RFC 9162, section 2.1.3.1.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    path = []
    start, end = 0, size
    while end - start > 1:
        split = _split(start, end)
        if index < split:
            path.append(_span(split, end, subtree))
            end = split
        else:
            path.append(_span(start, split, subtree))
            start = split
    return path[::-1]


def consistency_path(old_size: int, new_size: int, subtree: Subtree) -> list[bytes]:
    """The hashes that show the tree at `new_size` to begin with the one at `old_size`; none if `old_size` is 0.

    Raises ValueError if the old tree is larger. Source: RFC 9162, section 2.1.4.1.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError(f"a tree of {new_size} cannot begin with one of {old_size}")
    if old_size == 0:
        return []
    return [_span(start, end, subtree) for start, end in _consistency_spans(old_size, new_size)]


def earlier_path(old_size: int, known_size: int, new_size: int, path: Sequence[bytes], subtree: Subtree) -> list[bytes]:
    """The consistency path from `old_size` to `new_size`, for whoever holds only the leaves below `known_size` between them.

    path: the consistency path from `known_size` to `new_size`, verified. Raises ValueError if it has another length, or if the
    old tree is larger than what is known.
    """
    if not 0 <= old_size <= known_size:
        raise ValueError(f"a tree of which {known_size} leaves are known cannot show {old_size}")
    if old_size == 0:
        return []
    known = dict(zip(_consistency_spans(known_size, new_size), path, strict=True))

    def span(start: int, end: int) -> bytes:
        if (start, end) in known:
            return known[start, end]
        if end <= known_size:
            return _span(start, end, subtree)
        split = _split(start, end)
        return node_hash(span(start, split), span(split, end))

    return [span(start, end) for start, end in _consistency_spans(old_size, new_size)]


def _consistency_spans(old_size: int, new_size: int) -> list[tuple[int, int]]:
    """Of which leaves, from where to before where, a consistency path has the hashes, in its order (RFC 9162, 2.1.4.1)."""
    spans = []
    start, end = 0, new_size
    while end != old_size:
        split = _split(start, end)
        if old_size <= split:
            spans.append((split, end))
            end = split
        else:
            spans.append((start, split))
            start = split
    if start:  # else the old tree is one perfect subtree, and its root is what the verifier has
        spans.append((start, end))
    return spans[::-1]


def verify_inclusion(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf with this hash is at `index` in the tree of `size` leaves with this root.

    path: the leaf's sibling first, at most 63 hashes. Raises BadProof (rule 7); fact `step` is how many hashes of the path
    were used up. Source: RFC 9162, section 2.1.3.2.
    """
    _check_hashes((leaf_hash, root), path)
    if not 0 <= index < size:
        raise _bad(f"there is no leaf {index} in a tree of {size}", 0)
    node, last = index, size - 1
    computed = leaf_hash
    for step, sibling in enumerate(path):
        if last == 0:
            raise _bad("the path goes on above the root", step)
        if node & 1 or node == last:
            computed = node_hash(sibling, computed)
            while not node & 1:  # a last node without a sibling rises unchanged; it is above 0, as `last` is
                node >>= 1
                last >>= 1
        else:
            computed = node_hash(computed, sibling)
        node >>= 1
        last >>= 1
    if last:
        raise _bad("the path ends below the root", len(path))
    if computed != root:
        raise _bad("the path leads to another root", len(path))


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]) -> None:
    """Check that the tree with the new root begins with all leaves of the tree with the old root.

    path: at most 63 hashes; none where the sizes are equal or the old tree is empty. Raises BadProof (rule 7); fact `step` is
    how many hashes of the path were used up. Source: RFC 9162, section 2.1.4.2.
    """
    _check_hashes((old_root, new_root), path)
    if not 0 <= old_size <= new_size:
        raise _bad(f"a tree of {new_size} cannot begin with one of {old_size}", 0)
    if (old_size == 0 and old_root != EMPTY_ROOT) or (new_size == 0 and new_root != EMPTY_ROOT):
        raise _bad("an empty tree has another root", 0)
    if old_size in (0, new_size):
        if path:
            raise _bad("the path must be empty for these sizes", 0)
        if old_size and old_root != new_root:
            raise _bad("two trees of the same size have different roots", 0)
        return
    _climb_both(old_size, old_root, new_size, new_root, path)


def _climb_both(old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]) -> None:
    node, last = old_size - 1, new_size - 1
    while node & 1:  # up to the root of the last perfect subtree of the old tree: there the path begins
        node >>= 1
        last >>= 1
    if node == 0:
        begin, rest = old_root, path
    elif path:
        begin, rest = path[0], path[1:]
    else:
        raise _bad("the path ends below the root", 0)
    old = new = begin
    for step, sibling in enumerate(rest, start=len(path) - len(rest)):
        if last == 0:
            raise _bad("the path goes on above the root", step)
        if node & 1 or node == last:
            old = node_hash(sibling, old)
            new = node_hash(sibling, new)
            while not node & 1:
                node >>= 1
                last >>= 1
        else:
            new = node_hash(new, sibling)
        node >>= 1
        last >>= 1
    if last:
        raise _bad("the path ends below the root", len(path))
    if old != old_root:
        raise _bad("the path does not begin with the old root", len(path))
    if new != new_root:
        raise _bad("the path leads to another new root", len(path))


def _fold(hashes: Sequence[bytes]) -> bytes:
    """Join the perfect subtrees of a right edge, largest first, from the right."""
    joined = hashes[-1]
    for left in hashes[-2::-1]:
        joined = sha256(b"\x01" + left + joined).digest()
    return joined


def _split(start: int, end: int) -> int:
    """Where RFC 9162 splits the leaves from `start` to before `end`: the left part is the largest power of two below all."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def _span(start: int, end: int, subtree: Subtree) -> bytes:
    hashes = []
    while start < end:
        width = 1 << ((end - start).bit_length() - 1)
        hashes.append(subtree(start, start + width))
        start += width
    return _fold(hashes)


def _check_hashes(ends: tuple[bytes, bytes], path: Sequence[bytes]) -> None:
    if len(path) > PROOF_HASHES_MAX:
        raise _bad(f"a path has at most {PROOF_HASHES_MAX} hashes", 0)
    if any(len(each) != HASH_BYTES for each in ends):
        raise _bad(f"a leaf hash or root has {HASH_BYTES} bytes", 0)
    for step, each in enumerate(path):
        if len(each) != HASH_BYTES:
            raise _bad(f"each hash of a path has {HASH_BYTES} bytes", step)


def _bad(what: str, step: int) -> BadProof:
    return BadProof(f"the Merkle proof does not hold: {what} (step {step})", rule=7, step=step)
