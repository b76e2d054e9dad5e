"""What a line's machine is made of: the facts of the line, the moment of a call, what it may read, and what it wants done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from watchline.core.certificate import SignedCertificate
from watchline.core.entries import Direction
from watchline.core.epochs import outer_key
from watchline.core.keys import DeskKeys, Identity
from watchline.core.line_secrets import LineSecrets
from watchline.core.persons import Roster
from watchline.core.records import (
    CheckpointRecord,
    CosignatureRecord,
    EntryRecord,
    Log,
    Pair,
    ReceiptRecord,
    Record,
    StatementRecord,
)
from watchline.core.terms import Terms
from watchline.errors import JournalError


@dataclass(frozen=True, slots=True)
class Moment:
    """The time and the randomness of one call. wall: seconds since 1970. running: a clock that never jumps, in seconds.

    random: gives that many fresh random bytes.
    """

    wall: int
    running: float
    random: Callable[[int], bytes]


@dataclass(frozen=True)
class LineSetup:
    """What both desks settled when they paired, and our own keys. secret: PS. Certificates say which incarnations are met.

    past: the certificates of earlier incarnations of either desk, as far as they are known. meeting: the pair of incarnations
    whose logs are meant, None for the one that the certificates name. renewed: what became of PS, where the line was renewed;
    `secret` is then what we speak under.
    """

    line: bytes
    secret: bytes = field(repr=False)
    own_identity: Identity
    own_keys: DeskKeys = field(repr=False)
    own_certificate: SignedCertificate
    own_roster: Roster
    peer_identity: Identity
    peer_certificate: SignedCertificate
    peer_roster: Roster
    terms: Terms
    past: tuple[SignedCertificate, ...] = ()
    meeting: Pair | None = None
    renewed: LineSecrets | None = None

    @cached_property
    def own_id(self) -> bytes:
        """The id of our identity, 32 bytes."""
        return self.own_identity.id

    @cached_property
    def pair(self) -> Pair:
        """Our incarnation and the peer's."""
        return self.meeting or Pair(self.own_certificate.certificate.inc, self.peer_certificate.certificate.inc)

    @cached_property
    def outgoing(self) -> Direction:
        """Our log, as we write it."""
        return Direction(self.line, self.own_id, self.peer_identity.id, self.pair.ours, self.pair.theirs)

    @cached_property
    def incoming(self) -> Direction:
        """The peer's log, as it writes it."""
        return Direction(self.line, self.peer_identity.id, self.own_id, self.pair.theirs, self.pair.ours)

    @cached_property
    def outgoing_log(self) -> Log:
        """The name under which the journal keeps our log."""
        return Log(self.line, self.pair, True)

    @cached_property
    def incoming_log(self) -> Log:
        """The name under which the journal keeps the peer's log."""
        return Log(self.line, self.pair, False)

    def at(self, pair: Pair) -> LineSetup:
        """The same line in an earlier pair of incarnations: for its logs and parts of state; its own keys are gone."""
        return replace(self, meeting=pair)

    def part(self, name: str) -> str:
        """The name under which this pair of incarnations keeps one part of its state; the first pair's is the bare name."""
        return name if self.pair == (1, 1) else f"{name} {self.pair.ours}.{self.pair.theirs}"

    def log_key(self, log: Log) -> bytes | None:
        """The public key that signs the heads of this log, of this pair or of an earlier one; None if it is not known."""
        desk, inc = (self.own_id, log.pair.ours) if log.outgoing else (self.peer_identity.id, log.pair.theirs)
        for signed in (self.own_certificate, self.peer_certificate, *self.past):
            if (signed.certificate.desk, signed.certificate.inc) == (desk, inc):
                return signed.certificate.public.log
        return None

    def direction(self, log: Log) -> Direction:
        """A log of this line as its author sees it."""
        own, peer = self.own_id, self.peer_identity.id
        if log.outgoing:
            return Direction(self.line, own, peer, *log.pair)
        return Direction(self.line, peer, own, *log.pair[::-1])

    @cached_property
    def secrets(self) -> LineSecrets:
        """The secrets of the line, the one that we speak under first."""
        return self.renewed or LineSecrets(self.secret)

    def with_secrets(self, secrets: LineSecrets) -> LineSetup:
        """The same line after a step of a renewal."""
        return replace(self, secret=secrets.spoken, renewed=secrets)

    def outer_keys(self) -> tuple[bytes, bytes]:
        """The frame keys that we speak under: (ours to the peer, the peer's to us)."""
        own, peer = self.own_id, self.peer_identity.id
        return outer_key(self.secret, own, peer), outer_key(self.secret, peer, own)


class Reader(Protocol):
    """What the machine may look up: only what is durable. The journal is one; docs in `watchline.journal`."""

    def size(self, log: Log) -> int: ...

    def entry(self, log: Log, index: int) -> EntryRecord | None: ...

    def entries(self, log: Log, start: int, stop: int) -> Iterator[EntryRecord]: ...

    def leaves(self, log: Log, start: int, stop: int) -> Iterator[tuple[bytes, int, int | None]]: ...

    def subtree(self, log: Log, start: int, stop: int) -> bytes: ...

    def root_at(self, log: Log, size: int) -> bytes: ...

    def checkpoint_at(self, log: Log, size: int) -> CheckpointRecord | None: ...

    def latest_checkpoint(self, log: Log) -> CheckpointRecord | None: ...

    def latest_receipt(self, log: Log) -> ReceiptRecord | None: ...

    def cosignatures(self, log: Log, size: int) -> list[CosignatureRecord]: ...

    def latest_cosignatures(self, log: Log, count: int) -> list[CosignatureRecord]: ...
    def first_receipt_covering(self, log: Log, size: int) -> ReceiptRecord | None: ...

    def referring(self, log: Log, re: int) -> list[int]: ...

    def state(self, line: bytes, part: str) -> bytes | None: ...

    def statement(self, line: bytes, ours: bool, type: int) -> StatementRecord | None: ...

    def prekeys(self, line: bytes, pair: Pair, ours: bool) -> dict[int, bytes]: ...

    def logs(self, line: bytes) -> list[Log]: ...

    def by_nonce(self, line: bytes, nonce: bytes, outgoing: bool) -> tuple[tuple[Log, int], tuple[Log, int]] | None: ...


def damaged(what: str) -> JournalError:
    """The error for a journal that no longer gives back what was committed: the process must end (rule 23)."""
    return JournalError(
        f"the journal is damaged: {what}",
        hint="keep the file as it is and check the disk; the other desk holds what it gave receipts for",
        reason="damaged",
    )


@dataclass(frozen=True, slots=True)
class EntryArrived:
    """An entry of the peer is in custody."""

    record: EntryRecord


@dataclass(frozen=True, slots=True)
class EntriesRecovered:
    """Entries of an earlier pair that were lost here, given back by the peer; their records are in the same turn (rule 31)."""

    records: tuple[EntryRecord, ...]


@dataclass(frozen=True, slots=True)
class ReceiptArrived:
    """The peer's receipt covers every entry of ours below `size`; `time` is its clock."""

    size: int
    time: int


@dataclass(frozen=True, slots=True)
class StatusArrived:
    """A status of the peer held; `fresh`: it was signed after one of ours that it echoes."""

    record: StatementRecord
    fresh: bool


@dataclass(frozen=True, slots=True)
class RoutesArrived:
    """The peer signed new addresses of its own; the latest `time` holds."""

    time: int
    routes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ProbeAnswered:
    """A probe came back after this many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class AlarmRaised:
    """A person must look; the record holds the proof."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class SecretHeard:
    """While two secrets of the line are held: a frame of the peer opened under this one."""

    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    """The line's machine is in another phase."""

    phase: str


@dataclass(frozen=True, slots=True)
class IncarnationArrived:
    """The peer's identity certified a new incarnation; its record is in the same turn. Begin the new pair (rule 29)."""

    certificate: SignedCertificate


@dataclass(frozen=True, slots=True)
class LateEntry:
    """An entry of a pair of incarnations that is over: to be shown in quarantine, never appended, never receipted (rule 29)."""

    record: EntryRecord


@dataclass(frozen=True, slots=True)
class ClockRanOut:
    """A reply clock ran out; told once for each run of each clock, and once more after a restart if nobody has closed it.

    own: of a notice of ours, which the peer did not answer; else of one of the peer's. index: of the notice in its author's
    log. kind: `clocks.ACKNOWLEDGE` or `ANSWER`. seconds: how long it has run, by the peer's fresh status where that lists it.
    """

    own: bool
    index: int
    precedence: int
    kind: int
    seconds: int
    allowed: int


Event = (
    EntryArrived
    | EntriesRecovered
    | ReceiptArrived
    | StatusArrived
    | RoutesArrived
    | ProbeAnswered
    | AlarmRaised
    | SecretHeard
    | PhaseChanged
    | IncarnationArrived
    | LateEntry
    | ClockRanOut
)


@dataclass(slots=True)
class Effects:
    """What one turn of the machine wants done, in this order: commit `records`, all in one; send `frames`; tell `events`.

    frames: sealed, the same on every route. lazy: they tell of nothing that is not durable yet (a record may hold, say, a
    receipt that can be asked for again), so the commit may wait for the next one.
    """

    records: list[Record] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    lazy: bool = True
