"""The journal: a desk's durable memory, and the source of truth after a restart.

It stores core's values and gives them back; it decides nothing and knows nothing of networks. Every write is durable when the
verb returns: it survives a power cut. Everything it gives back is as it was stored, or the verb raises `JournalError`.

One caller at a time: the desk decides in which thread a commit runs, and reads nothing meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from watchline.core.records import (
    AlarmRecord,
    AttemptRecord,
    CertificateRecord,
    CheckpointRecord,
    CosignatureRecord,
    EntryRecord,
    Log,
    NonceRecord,
    Pair,
    ReceiptRecord,
    Record,
    StatementRecord,
)


@dataclass(frozen=True, slots=True)
class LineRecord:
    """A line as the home knows it. `name` is local and unique; `created` in seconds since 1970.

    confirmed: two people compared the digits. pairing: what the desk keeps of the pairing, opaque here, sealed at rest.
    """

    line: bytes
    name: str
    created: int
    confirmed: bool
    pairing: bytes


class Journal(Protocol):
    """What every journal does; one contract suite holds each implementation to it.

    Writing verbs are durable on return. They raise JournalError when that cannot be promised, with the fact `reason`:
    `disk-full` (nothing of this call was stored, what was stored before is safe, a later call may succeed), `io` (a write or an
    fsync failed: whether this call was stored shows only at the next start), `damaged`, or `stopped` (refused, because an
    earlier call failed with `io` or `damaged`: the process must end). What only a bug of ours can ask for is a RuntimeError.
    """

    def commit(self, records: Iterable[Record]) -> None:
        """Store all of the records or none, in their order; durable on return.

        An entry must stand at the end of its log, and every line must be known (`put_line`): else RuntimeError, nothing stored.
        Of two checkpoints, two receipts, or two cosignatures of one witness, of one log and size the first is kept: it is the
        earlier evidence. A head that this desk signed, of its own log or as a receipt, must be that of what is stored: else
        JournalError with the reason `damaged`, nothing stored (rule 23).

        A body that a RemovalRecord takes away cannot be opened again by whoever has the files and the node key, once `compact`
        has returned. It must be of an entry that is stored: else RuntimeError.
        """

    # One log.

    def size(self, log: Log) -> int:
        """The number of entries; 0 for a log that was never written."""

    def entry(self, log: Log, index: int) -> EntryRecord | None:
        """One entry with its body opened; None if there is none. JournalError if it was changed or moved."""

    def entries(self, log: Log, start: int, stop: int) -> Iterator[EntryRecord]:
        """Entries from `start` up to `stop`, without it, as far as there are any."""

    def leaves(self, log: Log, start: int, stop: int) -> Iterator[tuple[bytes, int, int | None]]:
        """(leaf, type, re) of the same range, without opening a body: a million take about a second."""

    def kept_before(self, log: Log, time: int) -> Iterator[tuple[int, int, int | None]]:
        """(index, type, re) of the entries whose bodies are there and were stored before this time, the oldest first.

        No body is opened. Bodies may go while this is read.
        """

    def newest(self, log: Log, limit: int, before: tuple[int, int] | None = None) -> list[tuple[int, int]]:
        """(time, index) of at most `limit` entries, the newest by that first; before: only those below this time and index.

        Times are those of our clock when an entry was stored, so a clock that was set back makes their order another than the
        log's. No body is opened.
        """

    def subtree(self, log: Log, start: int, stop: int) -> bytes:
        """The root over [start, stop), a power of two wide and aligned to its width, all of it stored; else RuntimeError."""

    def root_at(self, log: Log, size: int) -> bytes:
        """The root of the first `size` entries (RFC 6962, 2.1); RuntimeError for more than are stored."""

    def verify(self, log: Log) -> int:
        """Recompute the log from its leaves; return its size.

        Raises JournalError where leaves are missing, or do not give the stored blocks or the latest checkpoint's root.
        """

    def checkpoint_at(self, log: Log, size: int) -> CheckpointRecord | None:
        """The checkpoint of exactly this size."""

    def latest_checkpoint(self, log: Log) -> CheckpointRecord | None:
        """The checkpoint of the largest size."""

    def first_checkpoint_covering(self, log: Log, size: int) -> CheckpointRecord | None:
        """The checkpoint of the smallest size that is at least `size`."""

    def latest_receipt(self, log: Log) -> ReceiptRecord | None:
        """The receipt of the largest size: the peer's for our log, ours for theirs."""

    def first_receipt_covering(self, log: Log, size: int) -> ReceiptRecord | None:
        """The receipt of the smallest size that is at least `size`."""

    def cosignatures(self, log: Log, size: int) -> list[CosignatureRecord]:
        """The cosignatures on the head of exactly this size, in the order of the witnesses' keys."""

    def latest_cosignatures(self, log: Log, count: int) -> list[CosignatureRecord]:
        """At most so many cosignatures, those of the largest sizes first."""

    def first_cosignature_covering(self, log: Log, size: int, witness: str) -> CosignatureRecord | None:
        """A witness's cosignature of the smallest size that is at least `size`."""

    def first_full_status_covering(self, log: Log, size: int) -> StatementRecord | None:
        """The first kept status, with both signature halves, by the other side of the log's author, that covers `size` > 0."""

    def referring(self, log: Log, re: int) -> list[int]:
        """The indexes of this log's entries with this `re`, ascending: it is of the other log, and of the same for a cancel."""

    # One line.

    def logs(self, line: bytes) -> list[Log]:
        """The logs of a line, oldest first."""

    def by_nonce(self, line: bytes, nonce: bytes, outgoing: bool) -> tuple[tuple[Log, int], tuple[Log, int]] | None:
        """Where entries of one author with this release nonce stand, over all pairs: the first and the last; None for none."""

    def by_once(self, line: bytes, once: str) -> tuple[Log, int] | None:
        """Where the entry with this caller's key stands; the first, if a bug stored two."""

    def by_number(self, line: bytes, outgoing: bool, number: int, incarnation: int | None = None) -> tuple[Log, int] | None:
        """Where the entry that people call by this number stands.

        incarnation: the author's; None for any. An entry that was issued again stands twice under one number: the newest place.
        """

    def state(self, line: bytes, part: str) -> bytes | None:
        """One part of the line's changing state, as last committed."""

    def states(self, line: bytes) -> dict[str, bytes]:
        """All parts of it."""

    def prekeys(self, line: bytes, pair: Pair, ours: bool) -> dict[int, bytes]:
        """The unused prekeys of a pair by number, in ascending order."""

    def statement(self, line: bytes, ours: bool, type: int) -> StatementRecord | None:
        """The statement of this side and type that was stored last."""

    def statements(self, line: bytes, ours: bool, type: int, pair: Pair) -> Iterator[StatementRecord]:
        """The kept statements of this side, type and pair, in the order in which they were stored."""

    def nonce(self, line: bytes, nonce: bytes) -> NonceRecord | None:
        """What a nonce of ours was made of, if a kept status of the peer echoes it and a witness had spoken before."""

    def certificates(self, line: bytes, ours: bool) -> list[CertificateRecord]:
        """The certificates of one side by ascending serial; a later one of the same serial has replaced the earlier."""

    def alarms(self, line: bytes) -> list[AlarmRecord]:
        """All alarms, oldest first."""

    def attempts(self, line: bytes, since: int) -> list[AttemptRecord]:
        """The attempts of `since` (seconds since 1970) and later, oldest first."""

    def first_attempt(self, line: bytes, pair: Pair, size: int) -> AttemptRecord | None:
        """The first attempt with outcome `sent` that offered at least `size` entries of our log of this pair."""

    # The home.

    def put_line(self, row: LineRecord, records: Iterable[Record] = ()) -> None:
        """Store a line, or replace what is known of it, together with `records`; durable on return.

        Raises UsageError if another line has its name.
        """

    def lines(self) -> list[LineRecord]:
        """All lines, oldest first."""

    def line(self, name: str | bytes) -> LineRecord | None:
        """The line with this name (text) or id (bytes)."""

    def drop_line(self, line: bytes) -> None:
        """Delete an abandoned pairing and all that was stored for it; durable on return, gone from the files after `compact`.

        Nothing happens if there is none. RuntimeError for a confirmed line: that is for good.
        """

    def put_document(self, kind: str, key: str, value: bytes | None, sealed: bool) -> None:
        """Store a small value of the home, or delete it (None); durable on return."""

    def document(self, kind: str, key: str) -> bytes | None:
        """One such value."""

    def documents(self, kind: str) -> dict[str, bytes]:
        """All of one kind by key, in the order of the keys."""

    # The disk.

    def reserve(self, room_bytes: int) -> None:
        """Set how much free space `has_room` asks for."""

    def has_room(self) -> bool:
        """Whether the reserved space is free: no room, no receipt (rule 36)."""

    def compact(self) -> None:
        """On return nothing that was deleted or replaced stands in the files any more (rule 41)."""

    def copy(self, path: Path) -> Iterator[None]:
        """Write a copy of the whole journal, as of one moment, to a new file: complete when the iterator ends, not yet durable.

        Each step takes about a millisecond; between two steps the journal may be used, and the copy has that too. It opens
        under the same node key. Raises UsageError for a file that is there or cannot be written, and for too little room.
        """

    def close(self) -> None:
        """Give the files back; the journal is of no use afterwards."""
