"""Frames: the sealed, bucket-sized units that routes and relays carry, and the items inside them (rule 19).

    frame   = nonce(12) || AES-256-GCM-SIV(ok, nonce, no aad, payload || 0x80 || zeros)
    payload = dCBOR[1, item, ...]

A relay sees the size of a bucket and random bytes. Junk costs one AEAD: no public key is touched before the outer tag held.
GCM-SIV, because a nonce that repeats (a machine set back with its random source) must cost no more than equality.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from watchline.core import shapes
from watchline.core.encoding import Value, decode, encode
from watchline.core.limits import (
    BODY_BYTES_MAX,
    FRAME_BYTES_MAX,
    FRAME_ENTRIES_MAX,
    LEAF_BYTES_MAX,
    NOTE_SIGNATURES_MAX,
    PROOF_HASHES_MAX,
    STATEMENT_BYTES_MAX,
)
from watchline.errors import BadSignature, Malformed

VERSION = 1
FRAME_NONCE_BYTES = 12
FRAME_OVERHEAD_BYTES = FRAME_NONCE_BYTES + 16 + 1
PAYLOAD_BYTES_MAX = FRAME_BYTES_MAX - FRAME_OVERHEAD_BYTES
ITEMS_MAX = 64
SIGNATURE_BYTES = 64
_SMALLEST_BUCKET_BYTES = 512


@dataclass(frozen=True, slots=True)
class Probe:
    """Measures a route. nonce: the asker's, None in a pure answer; echo: the other's, with how long it was held."""

    nonce: int | None
    echo: int | None
    held_ms: int


@dataclass(slots=True)  # made for every entry, and frozen would take thrice as long; nothing changes one
class WireEntry:
    """One entry as it travels: the leaf's parts that the receiver cannot rebuild, and the sealed body."""

    type: int
    time: int
    commitment: bytes
    peer_size: int
    re: int | None
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of one epoch from index `start` on, and the author's checkpoint signature after the last."""

    inc: int
    peer_inc: int
    epoch: int
    start: int
    entries: tuple[WireEntry, ...]
    signature: bytes

    @property
    def weight_bytes(self) -> int:
        """About what they take in memory."""
        return sum(len(entry.sealed) + 128 for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The custody cosignature on the other's checkpoint of this size. inc: the receipt giver's; peer_inc: the log author's."""

    inc: int
    peer_inc: int
    size: int
    time: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Stated:
    """A signed statement without the parties, which both sides know: `spoken` = dCBOR[TYPE, inc, peer_inc, ...]."""

    spoken: bytes
    ed: bytes
    ml: bytes | None


@dataclass(frozen=True, slots=True)
class FullEntry:
    """One entry with its whole leaf and the checkpoint of size index + 1: tells a fork from damage."""

    epoch: int
    leaf: bytes
    sealed: bytes
    root: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal by rule number, or a request: rule 22 asks for the full form of an index, rule 26 for our own checkpoint."""

    rule: int
    inc: int
    at: int


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A head of the sender's own log that witnesses cosigned: its root, its author's checkpoint signature, and what they said.

    inc: the sender's, peer_inc: the hearer's. cosignatures: (the witness's key id of 4 bytes, its time, its signature) each.
    """

    inc: int
    peer_inc: int
    size: int
    root: bytes
    signature: bytes
    cosignatures: tuple[tuple[bytes, int, bytes], ...]


@dataclass(frozen=True, slots=True)
class ShownCheckpoint:
    """A checkpoint shown back to its author: inc, peer_inc as the author's log names them."""

    inc: int
    peer_inc: int
    size: int
    root: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class OfferedCertificate:
    """The sender's own desk certificate, or the hearer's newer one, as its identity signed it."""

    encoded: bytes


@dataclass(frozen=True, slots=True)
class LostRequest:
    """Asks for the entries of an earlier pair from `start` on, which the sender lost (rule 31).

    own: whether the log is the sender's own. inc, peer_inc: as the log's author names them.
    """

    own: bool
    inc: int
    peer_inc: int
    start: int


RecoveredEntry = tuple[bytes, bytes | None, bytes | None]
"""(leaf, r, body) of an entry of an earlier pair; r and body are None where whoever gives it holds its body no more."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """Entries of an earlier pair from `start` on, and the author's signed head above them (rule 31).

    own: whether the log is the sender's own. path: from the last of the entries to the head's size.
    """

    own: bool
    inc: int
    peer_inc: int
    start: int
    entries: tuple[RecoveredEntry, ...]
    size: int
    root: bytes
    signature: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class UnknownItem:
    """An item of a kind that this version does not know; it is counted and left alone."""

    kind: int


Item = (
    Probe
    | Entries
    | Receipt
    | Stated
    | FullEntry
    | Refusal
    | Cosigned
    | ShownCheckpoint
    | OfferedCertificate
    | LostRequest
    | Recovered
    | UnknownItem
)


class FrameKey:
    """Seals or opens the frames of one direction of one line."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCMSIV(key)

    def seal(self, items: Sequence[Item], nonce: bytes, *, padded: bool = True) -> bytes:
        """Seal items into one frame. nonce: 12 random bytes. padded: up to the next bucket of 512 B, 1 KiB ... 128 KiB.

        Raises ValueError if the items do not fit: whoever gathers them counts (`payload_room`).
        """
        payload = encode([VERSION, *map(_to_wire, items)]) + b"\x80"
        size = FRAME_NONCE_BYTES + len(payload) + 16
        if size > FRAME_BYTES_MAX:
            raise ValueError("the items do not fit into a frame")
        if padded:
            bucket = max(_SMALLEST_BUCKET_BYTES, 1 << (size - 1).bit_length())
            payload += bytes(bucket - size)
        return nonce + self._cipher.encrypt(nonce, payload, None)

    def open(self, frame: bytes) -> list[Item]:
        """Open a frame. Raises Malformed (19, 39), BadSignature (19) for a wrong tag, or Malformed (37) for another version."""
        if not FRAME_OVERHEAD_BYTES <= len(frame) <= FRAME_BYTES_MAX:
            raise Malformed("a frame is 29 to 131,072 bytes", rule=19, size=len(frame))
        try:
            padded = self._cipher.decrypt(frame[:FRAME_NONCE_BYTES], frame[FRAME_NONCE_BYTES:], None)
        except InvalidTag:
            raise BadSignature("the frame is not sealed under this line's key", rule=19) from None
        payload = padded.rstrip(b"\0")
        if not payload.endswith(b"\x80"):
            raise Malformed("the frame's padding is wrong", rule=19)
        parts = shapes.array(decode(payload[:-1]), "payload", at_most=1 + ITEMS_MAX)
        if not parts or parts[0] != VERSION or type(parts[0]) is not int:
            raise Malformed("the frame speaks another version of the protocol", rule=37, ours=VERSION)
        return [_from_wire(part) for part in parts[1:]]


def entry_room(entry: WireEntry) -> int:
    """An upper bound of the bytes one entry takes in an `Entries` item."""
    return len(entry.sealed) + 80


ENTRIES_ROOM = PAYLOAD_BYTES_MAX - 200  # what the entries of one item may take: the rest is the item's own head and signature


def bundled(items: Iterable[Item]) -> Iterator[list[Item]]:
    """What goes into one frame each: entries that follow each other share it as far as they fit, all else goes by itself."""
    bundle: list[Item] = []
    room = 0
    for item in items:
        needed = sum(map(entry_room, item.entries)) + 200 if isinstance(item, Entries) else PAYLOAD_BYTES_MAX
        if bundle and (room + needed > PAYLOAD_BYTES_MAX or len(bundle) >= ITEMS_MAX):
            yield bundle
            bundle, room = [], 0
        bundle.append(item)
        room += needed
    if bundle:
        yield bundle


def _to_wire(item: Item) -> Value:
    if isinstance(item, Entries):
        entries = [[e.type, e.time, e.commitment, e.peer_size, e.re, e.sealed] for e in item.entries]
        return [1, item.inc, item.peer_inc, item.epoch, item.start, entries, item.signature]
    if isinstance(item, Receipt):
        return [2, item.inc, item.peer_inc, item.size, item.time, item.signature]
    if isinstance(item, Stated):
        return [3, item.spoken, item.ed, item.ml]
    if isinstance(item, FullEntry):
        return [4, item.epoch, item.leaf, item.sealed, item.root, item.signature]
    if isinstance(item, Refusal):
        return [6, item.rule, item.inc, item.at]
    if isinstance(item, Cosigned):
        said = [list(cosignature) for cosignature in item.cosignatures]
        return [7, item.inc, item.peer_inc, item.size, item.root, item.signature, said]
    if isinstance(item, ShownCheckpoint):
        return [8, item.inc, item.peer_inc, item.size, item.root, item.signature]
    if isinstance(item, OfferedCertificate):
        return [9, item.encoded]
    if isinstance(item, LostRequest):
        return [10, item.own, item.inc, item.peer_inc, item.start]
    if isinstance(item, Recovered):
        entries = [list(entry) for entry in item.entries]
        head = [item.size, item.root, item.signature]
        return [11, item.own, item.inc, item.peer_inc, item.start, entries, head, list(item.path)]
    if isinstance(item, Probe):
        return [0, item.nonce, item.echo, item.held_ms]
    raise ValueError("an unknown item is never sent")


def _from_wire(value: Value) -> Item:
    parts = shapes.array(value, "item", at_most=16)
    if not parts:
        raise Malformed("an item has a kind", rule=19)
    kind = shapes.integer(parts[0], "item kind")
    reader = _READERS.get(kind)
    if reader is None:
        return UnknownItem(kind)
    count, read = reader
    if len(parts) != count:
        raise Malformed(f"an item of kind {kind} has {count} parts", rule=19, kind=kind)
    return read(parts)


def _read_probe(parts: list[Value]) -> Item:
    nonce, echo = (None if part is None else shapes.integer(part, "probe") for part in parts[1:3])
    return Probe(nonce, echo, shapes.integer(parts[3], "held ms"))


def _read_wire_entry(value: Value) -> WireEntry:
    parts = shapes.array(value, "entry", length=6)
    return WireEntry(
        shapes.integer(parts[0], "type"),
        shapes.integer(parts[1], "t_claim"),
        shapes.octets(parts[2], "commitment", length=32),
        shapes.integer(parts[3], "peer_size"),
        None if parts[4] is None else shapes.integer(parts[4], "re"),
        shapes.octets(parts[5], "C", at_most=BODY_BYTES_MAX + 16),
    )


def _read_entries(parts: list[Value]) -> Item:
    entries = shapes.array(parts[5], "entries", at_most=FRAME_ENTRIES_MAX)
    if not entries:
        raise Malformed("an item of entries has at least one", rule=19)
    return Entries(
        shapes.integer(parts[1], "inc"),
        shapes.integer(parts[2], "peer_inc"),
        shapes.integer(parts[3], "e", at_least=1),
        shapes.integer(parts[4], "i"),
        tuple(map(_read_wire_entry, entries)),
        shapes.octets(parts[6], "sig", length=SIGNATURE_BYTES),
    )


def _read_receipt(parts: list[Value]) -> Item:
    return Receipt(
        shapes.integer(parts[1], "inc"),
        shapes.integer(parts[2], "peer_inc"),
        shapes.integer(parts[3], "size", at_least=1),
        shapes.integer(parts[4], "time"),
        shapes.octets(parts[5], "sig", length=SIGNATURE_BYTES),
    )


def _read_stated(parts: list[Value]) -> Item:
    return Stated(
        shapes.octets(parts[1], "statement", at_most=STATEMENT_BYTES_MAX),
        shapes.octets(parts[2], "ed", length=SIGNATURE_BYTES),
        None if parts[3] is None else shapes.octets(parts[3], "ml", at_most=8_192),
    )


def _read_full_entry(parts: list[Value]) -> Item:
    return FullEntry(
        shapes.integer(parts[1], "e", at_least=1),
        shapes.octets(parts[2], "leaf", at_most=LEAF_BYTES_MAX),
        shapes.octets(parts[3], "C", at_most=BODY_BYTES_MAX + 16),
        shapes.octets(parts[4], "root", length=32),
        shapes.octets(parts[5], "sig", length=SIGNATURE_BYTES),
    )


def _read_refusal(parts: list[Value]) -> Item:
    return Refusal(*(shapes.integer(part, "refusal") for part in parts[1:]))


def _read_cosigned(parts: list[Value]) -> Item:
    said = shapes.array(parts[6], "cosignatures", at_most=NOTE_SIGNATURES_MAX)
    if not said:
        raise Malformed("an item of cosignatures has at least one", rule=19)
    return Cosigned(
        shapes.integer(parts[1], "inc"),
        shapes.integer(parts[2], "peer_inc"),
        shapes.integer(parts[3], "size", at_least=1),
        shapes.octets(parts[4], "root", length=32),
        shapes.octets(parts[5], "sig", length=SIGNATURE_BYTES),
        tuple(map(_read_cosignature, said)),
    )


def _read_cosignature(value: Value) -> tuple[bytes, int, bytes]:
    key_id, time, signature = shapes.array(value, "cosignature", length=3)
    return (
        shapes.octets(key_id, "key id", length=4),
        shapes.integer(time, "time"),
        shapes.octets(signature, "sig", length=SIGNATURE_BYTES),
    )


def _read_shown(parts: list[Value]) -> Item:
    return ShownCheckpoint(
        shapes.integer(parts[1], "inc"),
        shapes.integer(parts[2], "peer_inc"),
        shapes.integer(parts[3], "size"),
        shapes.octets(parts[4], "root", length=32),
        shapes.octets(parts[5], "sig", length=SIGNATURE_BYTES),
    )


def _read_certificate(parts: list[Value]) -> Item:
    return OfferedCertificate(shapes.octets(parts[1], "certificate", at_most=STATEMENT_BYTES_MAX))


def _read_lost(parts: list[Value]) -> Item:
    return LostRequest(
        shapes.boolean(parts[1], "own"),
        shapes.integer(parts[2], "inc", at_least=1),
        shapes.integer(parts[3], "peer_inc", at_least=1),
        shapes.integer(parts[4], "start"),
    )


def _read_recovered(parts: list[Value]) -> Item:
    entries = shapes.array(parts[5], "entries", at_most=FRAME_ENTRIES_MAX)
    if not entries:
        raise Malformed("an item of recovered entries has at least one", rule=19)
    size, root, signature = shapes.array(parts[6], "head", length=3)
    return Recovered(
        shapes.boolean(parts[1], "own"),
        shapes.integer(parts[2], "inc", at_least=1),
        shapes.integer(parts[3], "peer_inc", at_least=1),
        shapes.integer(parts[4], "start"),
        tuple(map(_read_recovered_entry, entries)),
        shapes.integer(size, "size", at_least=1),
        shapes.octets(root, "root", length=32),
        shapes.octets(signature, "sig", length=SIGNATURE_BYTES),
        tuple(shapes.octets(each, "path", length=32) for each in shapes.array(parts[7], "path", at_most=PROOF_HASHES_MAX)),
    )


def _read_recovered_entry(value: Value) -> RecoveredEntry:
    leaf, blinding, body = shapes.array(value, "recovered entry", length=3)
    leaf = shapes.octets(leaf, "leaf", at_most=LEAF_BYTES_MAX)
    if blinding is None and body is None:
        return leaf, None, None
    return leaf, shapes.octets(blinding, "r", length=32), shapes.octets(body, "body", at_most=BODY_BYTES_MAX)


_READERS = {
    0: (4, _read_probe),
    1: (7, _read_entries),
    2: (6, _read_receipt),
    3: (4, _read_stated),
    4: (6, _read_full_entry),
    6: (4, _read_refusal),
    7: (7, _read_cosigned),
    8: (6, _read_shown),
    9: (2, _read_certificate),
    10: (5, _read_lost),
    11: (8, _read_recovered),
}
