"""What the line asks the journal to keep: values only. One list of records is one durable transaction, all or nothing.

The journal stores them and gives them back; it decides nothing. `Log` names one append-only log: a line, a pair of
incarnations, and which of the two desks is its author.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from watchline.core.entries import Body


class Pair(NamedTuple):
    """Our incarnation and the peer's: every log belongs to one such pair (rule 28)."""

    ours: int
    theirs: int


FIRST_PAIR = Pair(1, 1)  # nothing was before it


class Log(NamedTuple):
    """One append-only log: `outgoing` means that our desk is its author."""

    line: bytes
    pair: Pair
    outgoing: bool


@dataclass(slots=True)  # made for every entry, and frozen would take thrice as long; nothing changes one
class EntryRecord:
    """One entry, appended to its log for good. `index` counts from 0 without gaps; the journal refuses any other.

    body, blinding: kept sealed at rest. sealed: the ciphertext as it travelled; None for what was recovered, and for a
    short entry of the peer that a journal gives back.
    epoch: the epoch it is sealed under. time: seconds since 1970 by our clock, when composed (ours) or in custody (theirs).
    number: what people call it, counted per direction over the life of the line; None for entries without one.
    nonce: the release nonce, None if there is none. once: the caller's key that makes a retried `send` the same entry.
    released: our own judgement at append: the assertions the terms ask for are there and hold.
    gone: None while the body is here. Else body is a stub (`core.stubs`), blinding is empty, sealed is None, and this says what
    became of it: `archived` or `erased` here, or `withheld` by the peer when it was recovered.
    message_key: opens `sealed` under the leaf, so that a journal may keep it in place of the body. said: the body as it was
    read or made. Both are there only where they were at hand: a journal gives neither back.
    """

    log: Log
    index: int
    type: int
    leaf: bytes
    body: bytes
    blinding: bytes
    sealed: bytes | None
    epoch: int
    time: int
    re: int | None = None
    number: int | None = None
    nonce: bytes | None = None
    once: str | None = None
    released: bool = False
    gone: str | None = None
    message_key: bytes | None = field(default=None, repr=False, compare=False)
    said: Body | None = field(default=None, repr=False, compare=False)

    def read(self) -> Body:
        """The body, read; raises Malformed (rule 39)."""
        return Body.decode(self.body) if self.said is None else self.said


@dataclass(frozen=True, slots=True)
class RemovalRecord:
    """Bodies of a log that go for good; leaves and all that proves the entries stay.

    gone: what the entries say of it from then on. stubs: the index of each, and the bytes that stand in place of its body. One
    whose body is gone already stays as it is.
    """

    log: Log
    gone: str
    stubs: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """An entry of an earlier pair that is released after all: what it refers to came back only after it (rule 31)."""

    log: Log
    index: int


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """The author's signed tree head of a log; its note is rebuilt from log, size, root and signature."""

    log: Log
    size: int
    root: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class ReceiptRecord:
    """A custody cosignature: by the peer on our log, or by us on theirs. `time` is the cosigner's clock."""

    log: Log
    size: int
    root: bytes
    time: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class CosignatureRecord:
    """A witness's cosignature on a head of a log. witness: its C2SP verifier key as text; `time` is its clock."""

    log: Log
    size: int
    root: bytes
    witness: str
    time: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class NonceRecord:
    """What the nonce of a status of ours was made of, kept because the peer's kept status echoes it (rule 27).

    chance: 16 random bytes. cosignature: a witness's time and signature, 72 bytes.
    """

    line: bytes
    nonce: bytes
    chance: bytes
    cosignature: bytes


@dataclass(frozen=True, slots=True)
class StateRecord:
    """A small part of a line's changing state (keys of the chain, tree edge ...), sealed at rest; replaces the one before."""

    line: bytes
    part: str
    blob: bytes


@dataclass(frozen=True, slots=True)
class PrekeyRecord:
    """A single-use prekey: ours (the private seed) or the peer's (the public key). `value` None deletes it."""

    line: bytes
    pair: Pair
    ours: bool
    pre_id: int
    value: bytes | None


@dataclass(frozen=True, slots=True)
class StatementRecord:
    """A signed statement as it was received or made: `payload` is the whole signed text, `ml` None for one half only.

    our_size, their_size: for a status, how far it speaks of our log and of theirs. keep: for good; else the next one of the
    same line, side and type replaces it.
    """

    line: bytes
    pair: Pair
    ours: bool
    type: int
    time: int
    our_size: int
    their_size: int
    payload: bytes
    ed: bytes
    ml: bytes | None
    keep: bool


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """A desk certificate of ours or of the peer's, as signed; the highest serial wins."""

    line: bytes
    ours: bool
    serial: int
    encoded: bytes


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """Something that a person must see, kept with its proof: a fork, a rollback, a contradiction, a refused entry.

    kind: the error's `kind`. evidence: deterministic CBOR of what proves it, as docs/protocol.md lists.
    """

    line: bytes
    time: int
    kind: str
    rule: int
    message: str
    evidence: bytes


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt to reach the peer on a route: what was offered and how it went.

    size: of our log of this pair of incarnations, as offered; 0 for none.
    """

    line: bytes
    time: int
    route: str
    outcome: str
    size: int
    pair: Pair


Record = (
    EntryRecord
    | RemovalRecord
    | ReleaseRecord
    | CheckpointRecord
    | ReceiptRecord
    | CosignatureRecord
    | NonceRecord
    | StateRecord
    | PrekeyRecord
    | StatementRecord
    | CertificateRecord
    | AlarmRecord
    | AttemptRecord
)
