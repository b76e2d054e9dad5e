"""Entries: what is said on a line, and the leaf that commits to it in the author's log (rules 7, 8, 24, 38).

    leaf       = dCBOR[1, LINE, from, to, inc, peer_inc, i, type, t_claim, commitment, peer_size, peer_root, re]
    body       = dCBOR[content, nonce (16 bytes) or null, assertions], and where issued again a fourth part (`Again`)
    commitment = HMAC(blinding, body), blinding = HMAC(ck, 0x03 || SHA-256(body)), exactly 32 bytes (`epochs`)

The leaf is public among all who see the log; without the blinding it tells nothing of the body. So one entry can be shown to
a third party, with blinding and body, and the others stay hidden.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from watchline.core import shapes
from watchline.core.encoding import Value, decode, encode
from watchline.core.limits import BODY_BYTES_MAX, LEAF_BYTES_MAX
from watchline.errors import BadProof, Malformed, WrongParty

LEAF_VERSION = 1
NONCE_BYTES = 16
READ_ONCE_ENTRIES, READ_ONCE_BYTES = 512, 4_096  # recent bodies kept read: two frames of them, and at most 4 MiB
ASSERTIONS_MAX = 16


class EntryType(IntEnum):
    """What an entry is (rule 38). Answers and tests are notices; an unknown number is kept and shown as it is."""

    CONTINUES = 0
    NOTICE = 1
    ACKNOWLEDGE = 2
    DECLINE = 3
    CANCEL = 4
    TERMS = 5
    ROSTER = 6
    FILE = 7
    COMPLETE = 8
    SILENCE = 9
    CONFIRM = 10


# The forms whose meaning the line knows: one promises an answer, and so is none; one says that there is none yet; and one asks
# and answers without people.
HOLDING_REPLY = "holding-reply"
ESCALATION_REPORT = "escalation-report"
TEST = "test"

NUMBERED = frozenset({EntryType.NOTICE, EntryType.DECLINE, EntryType.CANCEL})


class Precedence(IntEnum):
    """How urgent a notice is; higher is more urgent."""

    ROUTINE = 0
    PRIORITY = 1
    IMMEDIATE = 2
    FLASH = 3


class Direction(NamedTuple):
    """One log as its author sees it: who speaks to whom on which line, in which pair of incarnations."""

    line: bytes
    sender: bytes
    recipient: bytes
    inc: int
    peer_inc: int

    def prefix(self) -> bytes:
        """The encoding that every leaf of this log begins with."""
        return _LEAF_HEAD + b"".join(map(encode, (LEAF_VERSION, *self)))


# An array of 13 elements; the seven that change follow the six that do not.
_LEAF_HEAD = encode([0] * 13)[:1]


@dataclass(slots=True)  # made for every entry, and frozen would take thrice as long; nothing changes one
class Leaf:
    """One leaf. `time` is the author's claim, order never depends on it. peer_size, peer_root: what of the other log its author
    had stored. `re`: the other log's entry that this one answers, acknowledges or declines; for a cancel, the own entry.
    """

    direction: Direction
    index: int
    type: int
    time: int
    commitment: bytes
    peer_size: int
    peer_root: bytes
    re: int | None

    def encode(self, prefix: bytes | None = None) -> bytes:
        """The bytes that the tree hashes. `prefix`: the direction's, when the caller has it at hand."""
        changing = (self.index, self.type, self.time, self.commitment, self.peer_size, self.peer_root, self.re)
        return (prefix or self.direction.prefix()) + encode(changing)[1:]

    @classmethod
    def decode(cls, data: bytes) -> Leaf:
        """Read a leaf; raises Malformed (rule 39) for anything but the one encoding of a leaf."""
        if len(data) > LEAF_BYTES_MAX:
            raise Malformed(f"a leaf is at most {LEAF_BYTES_MAX} bytes", rule=39, size=len(data))
        parts = shapes.array(decode(data), "leaf", length=13)
        shapes.integer(parts[0], "leaf version", at_least=LEAF_VERSION, at_most=LEAF_VERSION)
        return cls(
            Direction(
                shapes.octets(parts[1], "LINE", length=32),
                shapes.octets(parts[2], "from", length=32),
                shapes.octets(parts[3], "to", length=32),
                shapes.integer(parts[4], "inc"),
                shapes.integer(parts[5], "peer_inc"),
            ),
            shapes.integer(parts[6], "i"),
            shapes.integer(parts[7], "type"),
            shapes.integer(parts[8], "t_claim"),
            shapes.octets(parts[9], "commitment", length=32),
            shapes.integer(parts[10], "peer_size"),
            shapes.octets(parts[11], "peer_root", length=32),
            None if parts[12] is None else shapes.integer(parts[12], "re"),
        )

    def verify_direction(self, direction: Direction) -> None:
        """Raise WrongParty (rule 7) unless the leaf belongs to this log."""
        if self.direction != direction:
            raise WrongParty("the leaf belongs to another line, direction or incarnation", rule=7)


class Place(NamedTuple):
    """Where an entry stood first, as its author names it: the incarnations of its log, and `at` which index."""

    inc: int
    peer_inc: int
    at: int


class Again(NamedTuple):
    """Marks an entry as one that was issued before, in the log of an earlier pair of incarnations (rule 30).

    inc, peer_inc, place: the log and index where it stood first, as its author names them. number: what people
    call it; None for one without. meant: what the release of an answer or a cancel names, None for other entries: `re` may
    be None, where that entry was not issued again.
    """

    inc: int
    peer_inc: int
    place: int
    number: int | None
    meant: Place | None

    def to_value(self) -> Value:
        """Give the value that stands in a body."""
        return [*self[:4], None if self.meant is None else list(self.meant)]


@dataclass(frozen=True, slots=True)
class Body:
    """What an entry says. `nonce` is there if and only if people released it; `assertions` as they travel, not yet verified.

    again: where it was issued first; None for what is said for the first time.
    """

    content: bytes
    nonce: bytes | None = None
    assertions: tuple[Value, ...] = ()
    again: Again | None = None

    def encode(self) -> bytes:
        """The bytes the commitment covers; raises ValueError beyond 65,536 bytes (the caller checks what people may send)."""
        parts: list[Value] = [self.content, self.nonce, list(self.assertions)]
        encoded = encode(parts if self.again is None else [*parts, self.again.to_value()])
        if len(encoded) > BODY_BYTES_MAX:
            raise ValueError("body too large")
        return encoded

    @classmethod
    def decode(cls, data: bytes) -> Body:
        """Read a body; assertions are kept as values, because a bad one makes an entry unreleased, not malformed."""
        return _read_body_once(data) if len(data) <= READ_ONCE_BYTES else _read_body(data)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the content."""
        return hashlib.sha256(self.content).digest()


def first_place(direction: Direction, index: int, body: Body | None) -> Place:
    """Where the entry at `index` of a log stood first: as its mark says if it was issued again, else there (rule 30).

    body: None where it is not at hand; then the mark, if there is one, is not known.
    """
    if body is not None and body.again is not None:
        return Place(*body.again[:3])
    return Place(direction.inc, direction.peer_inc, index)


def commitment(blinding: bytes, body: bytes) -> bytes:
    """HMAC-SHA-256 under a key of exactly 32 bytes: it binds (no two bodies) and hides (without the blinding)."""
    return hmac.digest(blinding, body, "sha256")


def verify_commitment(leaf: Leaf, blinding: bytes, body: bytes) -> None:
    """Raise BadProof (rule 8) unless this is the body that the leaf commits to."""
    if len(blinding) != 32 or not hmac.compare_digest(commitment(blinding, body), leaf.commitment):
        raise BadProof("the body is not the one the leaf commits to", rule=8)


@dataclass(frozen=True, slots=True)
class Notice:
    """The content of a notice: a form, filled in. `fields`: values by the form's field numbers, which the catalogue knows."""

    form: str
    version: int
    precedence: Precedence
    exercise: bool
    language: str
    fields: dict[int, Value]

    def encode(self) -> bytes:
        """The content bytes that a person releases."""
        return encode([self.form, self.version, int(self.precedence), self.exercise, self.language, dict(self.fields)])

    @classmethod
    def decode(cls, content: bytes) -> Notice:
        """Read the content of a notice; the fields are checked by the catalogue, not here."""
        return _read_notice_once(content) if len(content) <= READ_ONCE_BYTES else _read_notice(content)


@dataclass(frozen=True, slots=True)
class Response:
    """The content of an acknowledgement or a decline: which entry, and in which language the person had it shown.

    inc, peer_inc: of the log that holds the entry, as its author names them. reason: only a decline's, None for none given.
    """

    type: EntryType
    inc: int
    peer_inc: int
    index: int
    commitment: bytes
    language: str
    reason: str | None = None

    def encode(self) -> bytes:
        """The content bytes that a person signs."""
        return encode([int(self.type), self.inc, self.peer_inc, self.index, self.commitment, self.language, self.reason])

    def names(self, kind: int, leaf: Leaf) -> bool:
        """Whether an entry of this type and content is about the entry with this leaf (rule 24)."""
        meant = (leaf.direction.inc, leaf.direction.peer_inc, leaf.index, leaf.commitment)
        return self.type == kind and (self.inc, self.peer_inc, self.index, self.commitment) == meant

    @classmethod
    def decode(cls, content: bytes) -> Response:
        """Read the content of an acknowledgement or a decline."""
        parts = shapes.array(decode(content), "response", length=7)
        kind = shapes.integer(parts[0], "kind", at_least=EntryType.ACKNOWLEDGE, at_most=EntryType.DECLINE)
        return cls(
            EntryType(kind),
            shapes.integer(parts[1], "inc"),
            shapes.integer(parts[2], "peer_inc"),
            shapes.integer(parts[3], "i"),
            shapes.octets(parts[4], "commitment", length=32),
            shapes.text(parts[5], "language", at_least=2, at_most=35),
            None if parts[6] is None else shapes.text(parts[6], "reason", at_most=4_096),
        )


@dataclass(frozen=True, slots=True)
class Continues:
    """Leaf 0 of every log: what its author knows of the pair before (rule 28); all None and 0 for the first pair of a line.

    old_pair: the author's incarnation and its peer's. own_size, own_root: of the author's log then. peer_size, peer_root: how
    much of the other one it holds. last_number: the highest that it gave to an entry of its own.
    """

    old_pair: tuple[int, int] | None = None
    own_size: int = 0
    own_root: bytes | None = None
    peer_size: int = 0
    peer_root: bytes | None = None
    last_number: int = 0

    def encode(self) -> bytes:
        """The content bytes."""
        pair = None if self.old_pair is None else list(self.old_pair)
        return encode([pair, self.own_size, self.own_root, self.peer_size, self.peer_root, self.last_number])

    @classmethod
    def decode(cls, content: bytes) -> Continues:
        """Read the content of leaf 0. Raises Malformed (rule 39); rule 28 for sizes and roots without a pair."""
        pair, own_size, own_root, peer_size, peer_root, number = shapes.array(decode(content), "continues", length=6)
        read = cls(
            None if pair is None else _read_pair(pair),
            shapes.integer(own_size, "own size"),
            None if own_root is None else shapes.octets(own_root, "own root", length=32),
            shapes.integer(peer_size, "peer size"),
            None if peer_root is None else shapes.octets(peer_root, "peer root", length=32),
            shapes.integer(number, "last number"),
        )
        is_first = read.old_pair is None
        if (read.own_root is None, read.peer_root is None) != (is_first, is_first) or (is_first and read != cls()):
            raise Malformed("a log continues a pair with both its sizes and roots, or none at all", rule=28)
        return read


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The content of a CONFIRM entry: two people of its author stand for one incarnation of either desk (rule 29).

    desk: whose, 32 bytes. inc: which. certificate: SHA-256 of that incarnation's certificate as they saw it, encoded.
    """

    desk: bytes
    inc: int
    certificate: bytes

    def encode(self) -> bytes:
        """The content bytes that two people sign."""
        return encode([self.desk, self.inc, self.certificate])

    @classmethod
    def decode(cls, content: bytes) -> Confirmation:
        """Read the content of a CONFIRM entry. Raises Malformed (rule 39)."""
        desk, inc, certificate = shapes.array(decode(content), "confirmation", length=3)
        return cls(
            shapes.octets(desk, "desk", length=32),
            shapes.integer(inc, "inc", at_least=1),
            shapes.octets(certificate, "certificate", length=32),
        )


def _read_pair(value: Value) -> tuple[int, int]:
    inc, peer_inc = shapes.array(value, "old pair", length=2)
    return shapes.integer(inc, "inc", at_least=1), shapes.integer(peer_inc, "peer_inc", at_least=1)


def _read_body(data: bytes) -> Body:
    if len(data) > BODY_BYTES_MAX:
        raise Malformed(f"a body is at most {BODY_BYTES_MAX} bytes", rule=39, size=len(data))
    parts = shapes.array(decode(data), "body", at_most=4)
    if len(parts) < 3:
        raise Malformed("a body has three parts, or four", rule=39)
    content, nonce, assertions, *again = parts
    return Body(
        shapes.octets(content, "content", at_most=BODY_BYTES_MAX),
        None if nonce is None else shapes.octets(nonce, "nonce", length=NONCE_BYTES),
        tuple(shapes.array(assertions, "assertions", at_most=ASSERTIONS_MAX)),
        _read_again(again[0]) if again else None,
    )


def _read_again(value: Value) -> Again:
    inc, peer_inc, index, number, meant = shapes.array(value, "again", length=5)
    return Again(
        shapes.integer(inc, "inc", at_least=1),
        shapes.integer(peer_inc, "peer_inc", at_least=1),
        shapes.integer(index, "i"),
        None if number is None else shapes.integer(number, "number", at_least=1),
        None if meant is None else _read_place(meant),
    )


def _read_place(value: Value) -> Place:
    inc, peer_inc, index = shapes.array(value, "reference", length=3)
    return Place(
        shapes.integer(inc, "inc", at_least=1), shapes.integer(peer_inc, "peer_inc", at_least=1), shapes.integer(index, "i")
    )


def _read_notice(content: bytes) -> Notice:
    form, version, precedence, exercise, language, fields = shapes.array(decode(content), "notice", length=6)
    numbered = shapes.mapping(fields, "fields")
    return Notice(
        shapes.text(form, "form", at_least=1, at_most=64),
        shapes.integer(version, "version", at_least=1),
        Precedence(shapes.integer(precedence, "precedence", at_most=Precedence.FLASH)),
        shapes.boolean(exercise, "exercise"),
        shapes.text(language, "language", at_least=2, at_most=35),
        {shapes.integer(number, "field number"): value for number, value in numbered.items()},
    )


# One entry is read for its release, for its clocks and for its reader, in a row: reading it once is a third of all the work.
_read_body_once = lru_cache(READ_ONCE_ENTRIES)(_read_body)
_read_notice_once = lru_cache(READ_ONCE_ENTRIES)(_read_notice)
