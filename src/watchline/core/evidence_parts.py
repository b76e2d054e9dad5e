"""The parts of an evidence file: the values that are shown, and the one form in which each is written.

docs/evidence.md lists the parts. Which hashes of a log are written follows from the entries that are shown and from the sizes
that somebody signed: `hidden_spans` names the largest subtrees that hold neither a shown leaf nor the end of a signed size.
With them, the root of every signed size is computed from the shown leaves, be it one of a million or all.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from watchline.core import shapes
from watchline.core.checkpoint import COSIGNATURE, ED25519, Checkpoint, VerifierKey, custody_name, format_note, origin
from watchline.core.encoding import decode, encode
from watchline.core.entries import Direction
from watchline.core.limits import BODY_BYTES_MAX, LEAF_BYTES_MAX
from watchline.core.merkle import node_hash, root_at
from watchline.core.witnessing import Cosignature
from watchline.errors import BadProof, Malformed

INVITER, ACCEPTER = "a", "b"  # the desk that made pairing file 1, and the one that made file 2
PAIRING_NAMES = ("pairing/1.bin", "pairing/2.bin", "pairing/3.bin")
README_NAME, SUMMARY_NAME = "readme.txt", "summary.json"
CHUNK_ENTRIES = 1_024  # entries in one part

_RULE = 41
_PLACE = "{:016d}"  # wide enough for 2**53, so that names sort as numbers do

Span = tuple[int, int]
"""The leaves from the first number to before the second: a power of two of them, the first a multiple of it."""


class LogName(NamedTuple):
    """One log as evidence names it: its author, INVITER or ACCEPTER, and the incarnations of author and recipient."""

    author: str
    inc: int
    peer_inc: int

    @property
    def folder(self) -> str:
        """Where its parts lie."""
        return f"logs/{self}"

    @property
    def recipient(self) -> str:
        """The desk that the author speaks to."""
        return ACCEPTER if self.author == INVITER else INVITER

    @property
    def reverse(self) -> LogName:
        """The log of the other direction, in the same pair of incarnations."""
        return LogName(self.recipient, self.peer_inc, self.inc)

    def __str__(self) -> str:
        return f"{self.author}-{self.inc}-{self.peer_inc}"


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """A leaf; blinding (32 bytes) and body where the content is shown, both None where it stays hidden."""

    index: int
    leaf: bytes
    blinding: bytes | None
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Head:
    """A tree head with at least one signature: the author's (64 bytes), and the recipient's receipt as (time, 64 bytes).

    cosignatures: of witnesses that the terms name, each once; beside the author's signature only.
    """

    size: int
    root: bytes
    signature: bytes | None
    receipt: tuple[int, bytes] | None
    cosignatures: tuple[Cosignature, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownLog:
    """What is shown of one log. entries, heads: in ascending order. hidden: (start, end, hash) for each of `hidden_spans`."""

    name: LogName
    entries: tuple[ShownEntry, ...]
    heads: tuple[Head, ...]
    hidden: tuple[tuple[int, int, bytes], ...]


@dataclass(frozen=True, slots=True)
class ShownStatus:
    """A status as it was signed; `speaker` names the log of the desk that made it. Both halves: evidence has no other."""

    speaker: LogName
    payload: bytes
    ed: bytes
    ml: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """All that evidence is built from. pairing: see `shown_parts`. certificates: (desk, serial, encoded) of all but the first
    ones, which stand in what is shown of the pairing. Logs and certificates in ascending order.
    """

    pairing: tuple[bytes, bytes, bytes]
    certificates: tuple[tuple[str, int, bytes], ...]
    logs: tuple[ShownLog, ...]
    statuses: tuple[ShownStatus, ...]


class LogKeys(NamedTuple):
    """The keys with which heads of one log are signed: the author's log key and the recipient's custody key."""

    log: VerifierKey
    custody: VerifierKey


def log_keys(direction: Direction, log: bytes, custody: bytes) -> LogKeys:
    """The verifier keys of a log, named after its origin (rules 9 and 23)."""
    name = origin(direction.line, direction.sender, direction.inc, direction.peer_inc)
    return LogKeys(VerifierKey(name, ED25519, log), VerifierKey(custody_name(name), COSIGNATURE, custody))


def certificate_part(desk: str, serial: int) -> str:
    """The name of a later certificate's part."""
    return f"certificates/{desk}/{_PLACE.format(serial)}.bin"


def head_part(name: LogName, size: int) -> str:
    """The name of a tree head's part."""
    return f"{name.folder}/heads/{_PLACE.format(size)}.txt"


def entries_part(name: LogName, first: int) -> str:
    """The name of the part that begins with the entry at this index."""
    return f"{name.folder}/entries/{_PLACE.format(first)}.bin"


def status_part(speaker: LogName, number: int) -> str:
    """The name of a status' part; they are numbered from 0."""
    return f"statuses/{speaker}/{_PLACE.format(number)}.bin"


def write_parts(bundle: Bundle, keys: Callable[[LogName], LogKeys]) -> dict[str, bytes]:
    """All parts except those that are told from the others, README_NAME and SUMMARY_NAME."""
    parts = dict(zip(PAIRING_NAMES, bundle.pairing, strict=True))
    for desk, serial, encoded in bundle.certificates:
        parts[certificate_part(desk, serial)] = encoded
    for log in bundle.logs:
        parts |= _write_log(log, keys(log.name))
    counts: dict[LogName, int] = {}
    for status in bundle.statuses:
        number = counts[status.speaker] = counts.get(status.speaker, -1) + 1
        parts[status_part(status.speaker, number)] = encode([status.payload, status.ed, status.ml])
    return parts


def _write_log(log: ShownLog, keys: LogKeys) -> dict[str, bytes]:
    folder = log.name.folder
    parts = {
        f"{folder}/log.vkey": keys.log.to_text().encode() + b"\n",
        f"{folder}/custody.vkey": keys.custody.to_text().encode() + b"\n",
        f"{folder}/tree.txt": b"".join(b"%d %d %b\n" % (start, end, b64encode(each)) for start, end, each in log.hidden),
    }
    for head in log.heads:
        parts[head_part(log.name, head.size)] = write_head(head, keys)
    for at in range(0, len(log.entries), CHUNK_ENTRIES):
        chunk = log.entries[at : at + CHUNK_ENTRIES]
        encoded = encode([[entry.leaf, entry.blinding, entry.body] for entry in chunk])
        parts[entries_part(log.name, chunk[0].index)] = encoded
    return parts


def write_head(head: Head, keys: LogKeys) -> bytes:
    """The C2SP note of a tree head: the author's signature first, then the receipt, then witnesses by name and key."""
    signatures = [] if head.signature is None else [(keys.log, head.signature)]
    if head.receipt is not None:
        time, signature = head.receipt
        signatures.append((keys.custody, time.to_bytes(8, "big") + signature))
    by_name = sorted(head.cosignatures, key=lambda each: (each.witness.name, each.witness.key_id))
    signatures += [(each.witness, each.blob) for each in by_name]
    return format_note(Checkpoint(keys.log.name, head.size, head.root).text(), signatures)


def read_chunk(data: bytes) -> list[tuple[bytes, bytes | None, bytes | None]]:
    """(leaf, blinding, body) of each entry of a part. Raises Malformed."""
    return [_read_entry(entry) for entry in shapes.array(decode(data), "entries", at_most=CHUNK_ENTRIES)]


def _read_entry(entry: object) -> tuple[bytes, bytes | None, bytes | None]:
    leaf, blinding, body = shapes.array(entry, "entry", length=3)
    leaf = shapes.octets(leaf, "leaf", at_most=LEAF_BYTES_MAX)
    if blinding is None and body is None:
        return leaf, None, None
    return leaf, shapes.octets(blinding, "blinding", length=32), shapes.octets(body, "body", at_most=BODY_BYTES_MAX)


def read_hidden(data: bytes) -> list[tuple[int, int, bytes]]:
    """The lines of a tree part. Raises Malformed for what is no line of it; other forms of a line are seen when it is
    written again.
    """
    try:
        lines = [line.split(b" ") for line in data.splitlines()]
        return [(_number(start), _number(end), b64decode(each, validate=True)) for start, end, each in lines]
    except ValueError:
        raise Malformed("a line of a tree is two numbers and a hash in base64", rule=_RULE) from None


def _number(digits: bytes) -> int:
    if len(digits) > 16:
        raise ValueError("too long")
    return int(digits)


def hidden_spans(indexes: Sequence[int], sizes: Sequence[int]) -> list[Span]:
    """The subtrees whose hashes must be written, from left to right. indexes: of the shown leaves; sizes: signed ones.

    Both in ascending order; the last size is above the last index.
    """
    spans: list[Span] = []

    def note(start: int, end: int) -> bytes:
        spans.append((start, end))
        return b""

    _Tree(indexes, sizes, leaf=lambda _: b"", hidden=note).climb()
    return spans


def roots_of(hashes: dict[int, bytes], sizes: Sequence[int], hidden: Sequence[tuple[int, int, bytes]]) -> dict[int, bytes]:
    """The root at each of the signed sizes. hashes: of the shown leaves, by ascending index.

    Raises BadProof (rule 7) where `hidden` are not just the hashes that are wanted. The time is in proportion to what is given.
    """
    given = iter(hidden)

    def next_hidden(start: int, end: int) -> bytes:
        found = next(given, None)
        if found is None or found[:2] != (start, end) or len(found[2]) != 32:
            raise BadProof(f"the tree lacks the hash over the leaves from {start} to before {end}", rule=7)
        return found[2]

    tree = _Tree(tuple(hashes), sizes, leaf=hashes.__getitem__, hidden=next_hidden)
    tree.climb()
    if next(given, None) is not None:
        raise BadProof("the tree has a hash that leads nowhere", rule=7)
    return {size: root_at(size, lambda start, end: tree.kept[start, end]) for size in sizes}


class _Tree:
    """Walks a tree from left to right and keeps the subtrees of which the roots of the signed sizes are made."""

    def __init__(
        self,
        indexes: Sequence[int],
        sizes: Sequence[int],
        *,
        leaf: Callable[[int], bytes],
        hidden: Callable[[int, int], bytes],
    ) -> None:
        self._indexes, self._sizes = indexes, sizes
        self._leaf, self._hidden = leaf, hidden
        self.kept: dict[Span, bytes] = {span: b"" for size in sizes for span in _perfect_spans(size)}

    def climb(self) -> None:
        """Compute every subtree that the largest size is made of."""
        for start, end in _perfect_spans(self._sizes[-1] if self._sizes else 0):
            self._hash(start, end)

    def _hash(self, start: int, end: int) -> bytes:
        first = bisect_left(self._indexes, start)
        shown = first < len(self._indexes) and self._indexes[first] < end
        cut = bisect_left(self._sizes, start + 1)
        if end - start == 1:
            found = self._leaf(start) if shown else self._hidden(start, end)
        elif shown or (cut < len(self._sizes) and self._sizes[cut] < end):
            middle = (start + end) // 2
            left = self._hash(start, middle)
            found = node_hash(left, self._hash(middle, end))
        else:
            found = self._hidden(start, end)
        if (start, end) in self.kept:
            self.kept[start, end] = found
        return found


def _perfect_spans(size: int) -> Iterator[Span]:
    """The perfect subtrees that the first `size` leaves consist of, the largest first."""
    start = 0
    while start < size:
        width = 1 << ((size - start).bit_length() - 1)
        yield start, start + width
        start += width
