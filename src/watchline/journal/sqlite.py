"""The journal in one SQLite file: how records become rows and rows become records.

An entry's key is its log's number << 40 | its index, so a log's entries stand together and in order. `disk` keeps what is
written, `sealing` hides it, `tree` hashes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchline.core.merkle import root_at
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
    PrekeyRecord,
    ReceiptRecord,
    Record,
    ReleaseRecord,
    RemovalRecord,
    StatementRecord,
    StateRecord,
)
from watchline.errors import JournalError, UsageError
from watchline.journal import LineRecord
from watchline.journal.alarms import Alarms
from watchline.journal.attempts import Attempts
from watchline.journal.bodies import Bodies
from watchline.journal.disk import DAMAGED_HINT, WAL_BYTES, Disk
from watchline.journal.resealing import is_of_one_key, sealed_anew
from watchline.journal.sealing import SALT_BYTES, Seal, place_of
from watchline.journal.secrets import Secrets
from watchline.journal.statements import Statements
from watchline.journal.tree import INDEX_BITS, Tree
from watchline.journal.witnessed import Cosignatures

ROOM_BYTES = 64 * 1024 * 1024  # reserved unless told otherwise: some minutes of full frames, time to call people
_CHUNK_ROWS = 2048  # rows read at once by what iterates
_CHUNK_ENTRIES = 64  # entries carry bodies of up to 64 KiB

_ENTRY = "key, type, leaf, secret, sealed, epoch, time, re, number, nonce, once, released, gone"


def open_journal(
    path: str | Path, node_key: bytes, create: bool, *, vfs: str | None = None, wal_bytes: int = WAL_BYTES
) -> SqliteJournal:
    """Open the journal, or create it; the file's folder must exist.

    node_key: 32 bytes, the key of everything sealed at rest. vfs: an SQLite VFS by name, None for the default one.
    wal_bytes: how long the write-ahead log is kept.

    Raises SecretError for a wrong node key; UsageError if it is to be created and is there; JournalError with the fact
    `reason`: missing, foreign (another program's file), newer (schema), damaged, in-use, io, disk-full.
    """
    if create:
        salt = os.urandom(SALT_BYTES)
        seal = Seal(node_key, salt)
        proof = seal.proof()
        keep_proof = "INSERT INTO node_key VALUES (?, ?)"
        disk = Disk(Path(path), lambda new: new.execute(keep_proof, (salt, proof)), vfs=vfs, wal_bytes=wal_bytes)
        return SqliteJournal(disk, seal)
    disk = Disk(Path(path), None, vfs=vfs, wal_bytes=wal_bytes)
    try:
        salt, proof = disk.rows("SELECT salt, proof FROM node_key")[0]
        seal = Seal(node_key, salt)
        seal.check(proof)
        if is_of_one_key(disk):
            seal = sealed_anew(disk, node_key, seal)
    except BaseException:
        disk.close()
        raise
    return SqliteJournal(disk, seal)


@dataclass(slots=True)
class _LogRow:
    """A log as it stands: the number its keys begin with, its size, and what its bodies are bound to."""

    number: int
    size: int
    place: bytes


class SqliteJournal:
    """A `Journal` in one file; the verbs are described there."""

    def __init__(self, disk: Disk, seal: Seal) -> None:
        self._disk = disk
        self._seal = seal
        self._tree = Tree(disk)
        self._secrets = Secrets(disk, seal)
        self._bodies = Bodies(disk, self._secrets)
        self._alarms = Alarms(disk, seal)
        self._attempts = Attempts(disk)
        self._cosignatures = Cosignatures(disk)
        self._statements = Statements(disk)
        self._room_bytes = ROOM_BYTES
        self._logs: dict[Log, _LogRow] = {}
        self._line_numbers: dict[bytes, int] = {}
        self._lines: list[LineRecord] | None = None  # a pairing is long to open, and every question names its line
        self._state_slots: dict[tuple[bytes, str], int] = {}
        self._store: dict[type, Callable[[Any], None]] = {
            EntryRecord: self._store_entry,
            RemovalRecord: self._remove_bodies,
            ReleaseRecord: lambda record: self._bodies.release(self._known_log(record.log).number << INDEX_BITS | record.index),
            CheckpointRecord: self._store_checkpoint,
            ReceiptRecord: self._store_receipt,
            CosignatureRecord: lambda record: self._cosignatures.store(self._known_log(record.log).number, record),
            NonceRecord: lambda record: self._cosignatures.store_nonce(self._known_line(record.line), record),
            StateRecord: self._store_state,
            PrekeyRecord: self._store_prekey,
            StatementRecord: lambda record: self._statements.store(self._known_line(record.line), record),
            CertificateRecord: self._store_certificate,
            AlarmRecord: lambda record: self._alarms.store(self._known_line(record.line), record),
            AttemptRecord: lambda record: self._attempts.store(self._known_line(record.line), record),
        }

    def commit(self, records: Iterable[Record]) -> None:
        with self._transaction():
            for record in records:
                self._store[type(record)](record)

    # One log.

    def size(self, log: Log) -> int:
        row = self._find_log(log)
        return row.size if row else 0

    def entry(self, log: Log, index: int) -> EntryRecord | None:
        return next(self.entries(log, index, index + 1), None)

    def entries(self, log: Log, start: int, stop: int) -> Iterator[EntryRecord]:
        for row in self._scan(log, start, stop, f"SELECT {_ENTRY} FROM leaves JOIN bodies USING (key)", _CHUNK_ENTRIES):
            yield self._read_entry(log, row)

    def leaves(self, log: Log, start: int, stop: int) -> Iterator[tuple[bytes, int, int | None]]:
        for _, leaf, kind, re in self._scan(log, start, stop, "SELECT key, leaf, type, re FROM leaves", _CHUNK_ROWS):
            yield leaf, kind, re

    def kept_before(self, log: Log, time: int) -> Iterator[tuple[int, int, int | None]]:
        for key, kind, re in self._bodies.kept_before(self._log_number(log), time):
            yield _index(key), kind, re

    def newest(self, log: Log, limit: int, before: tuple[int, int] | None = None) -> list[tuple[int, int]]:
        return self._bodies.newest(self._log_number(log), limit, before)

    def subtree(self, log: Log, start: int, stop: int) -> bytes:
        width = stop - start
        if start < 0 or width < 1 or width & (width - 1) or start % width or stop > self.size(log):
            raise RuntimeError("not a perfect subtree of what is stored")
        return self._tree.subtree(self._known_log(log).number, start, stop)

    def root_at(self, log: Log, size: int) -> bytes:
        if size > self.size(log):
            raise RuntimeError("more entries than are stored")
        return root_at(size, lambda start, stop: self.subtree(log, start, stop))

    def verify(self, log: Log) -> int:
        row = self._find_log(log)
        if row is None:
            return 0
        self._tree.verify(row.number, (leaf for leaf, _, _ in self.leaves(log, 0, row.size)))
        latest = self.latest_checkpoint(log)
        if latest is not None and (latest.size > row.size or self.root_at(log, latest.size) != latest.root):
            raise JournalError(
                "a log's leaves do not give the root of its latest checkpoint", hint=DAMAGED_HINT, reason="damaged"
            )
        return row.size

    def checkpoint_at(self, log: Log, size: int) -> CheckpointRecord | None:
        found = self.first_checkpoint_covering(log, size)
        return found if found is not None and found.size == size else None

    def latest_checkpoint(self, log: Log) -> CheckpointRecord | None:
        row = self._at_size(log, 0, "SELECT key, root, signature FROM checkpoints", "DESC")
        return CheckpointRecord(log, *row) if row else None

    def first_checkpoint_covering(self, log: Log, size: int) -> CheckpointRecord | None:
        row = self._at_size(log, size, "SELECT key, root, signature FROM checkpoints", "ASC")
        return CheckpointRecord(log, *row) if row else None

    def latest_receipt(self, log: Log) -> ReceiptRecord | None:
        row = self._at_size(log, 0, "SELECT key, root, time, signature FROM receipts", "DESC")
        return ReceiptRecord(log, *row) if row else None

    def first_receipt_covering(self, log: Log, size: int) -> ReceiptRecord | None:
        row = self._at_size(log, size, "SELECT key, root, time, signature FROM receipts", "ASC")
        return ReceiptRecord(log, *row) if row else None

    def cosignatures(self, log: Log, size: int) -> list[CosignatureRecord]:
        return self._cosignatures.at(log, self._log_number(log), size)

    def latest_cosignatures(self, log: Log, count: int) -> list[CosignatureRecord]:
        return self._cosignatures.latest(log, self._log_number(log), count)

    def first_cosignature_covering(self, log: Log, size: int, witness: str) -> CosignatureRecord | None:
        return self._cosignatures.first_covering(log, self._log_number(log), size, witness)

    def first_full_status_covering(self, log: Log, size: int) -> StatementRecord | None:
        return self._statements.first_full_covering(log, self._find_line(log.line), size)

    # One line.

    def logs(self, line: bytes) -> list[Log]:
        found = self._disk.rows(
            "SELECT ours, theirs, outgoing FROM logs WHERE line = ? ORDER BY number", (self._find_line(line),)
        )
        return [Log(line, Pair(ours, theirs), bool(outgoing)) for ours, theirs, outgoing in found]

    def by_nonce(self, line: bytes, nonce: bytes, outgoing: bool) -> tuple[tuple[Log, int], tuple[Log, int]] | None:
        own = f"nonce = ? AND outgoing = {outgoing:d}"
        first, last = self._place_of(line, own, nonce), self._place_of(line, own, nonce, order="DESC")
        return None if first is None or last is None else (first, last)

    def by_once(self, line: bytes, once: str) -> tuple[Log, int] | None:
        return self._place_of(line, "once = ?", once)

    def by_number(self, line: bytes, outgoing: bool, number: int, incarnation: int | None = None) -> tuple[Log, int] | None:
        for log in reversed(self.logs(line)):
            author = log.pair.ours if log.outgoing else log.pair.theirs
            if log.outgoing != outgoing or incarnation not in (None, author):
                continue
            found = self._disk.rows(
                "SELECT max(key) FROM bodies WHERE key >> 40 = ? AND number = ?", (self._known_log(log).number, number)
            )
            if found[0][0] is not None:
                return log, _index(found[0][0])
        return None

    def referring(self, log: Log, re: int) -> list[int]:
        number = self._log_number(log)
        found = self._disk.rows("SELECT key FROM leaves WHERE key >> 40 = ? AND re = ? ORDER BY key", (number, re))
        return [_index(key) for (key,) in found]

    def state(self, line: bytes, part: str) -> bytes | None:
        return self.states(line).get(part)

    def states(self, line: bytes) -> dict[str, bytes]:
        found = self._disk.rows(
            "SELECT part, blob FROM states JOIN secrets USING (slot) WHERE line = ? ORDER BY part", (self._find_line(line),)
        )
        return {part: self._secrets.open(place_of("state", line, part), blob) for part, blob in found}

    def prekeys(self, line: bytes, pair: Pair, ours: bool) -> dict[int, bytes]:
        found = self._disk.rows(
            "SELECT pre_id, blob FROM prekeys JOIN secrets USING (slot)"
            " WHERE line = ? AND ours = ? AND theirs = ? AND own = ? ORDER BY pre_id",
            (self._find_line(line), *pair, ours),
        )
        return {pre_id: self._secrets.open(place_of("prekey", line, *pair, ours, pre_id), blob) for pre_id, blob in found}

    def statement(self, line: bytes, ours: bool, type: int) -> StatementRecord | None:
        return self._statements.latest(line, self._find_line(line), ours, type)

    def statements(self, line: bytes, ours: bool, type: int, pair: Pair) -> Iterator[StatementRecord]:
        return self._statements.kept(line, self._find_line(line), ours, type, pair)

    def nonce(self, line: bytes, nonce: bytes) -> NonceRecord | None:
        return self._cosignatures.nonce(line, self._find_line(line), nonce)

    def certificates(self, line: bytes, ours: bool) -> list[CertificateRecord]:
        found = self._disk.rows(
            "SELECT serial, encoded FROM certificates WHERE line = ? AND own = ? ORDER BY serial", (self._find_line(line), ours)
        )
        return [CertificateRecord(line, ours, serial, encoded) for serial, encoded in found]

    def alarms(self, line: bytes) -> list[AlarmRecord]:
        return self._alarms.of(line, self._find_line(line))

    def attempts(self, line: bytes, since: int) -> list[AttemptRecord]:
        return self._attempts.since(line, self._find_line(line), since)

    def first_attempt(self, line: bytes, pair: Pair, size: int) -> AttemptRecord | None:
        return self._attempts.first_sent(line, self._find_line(line), pair, size)

    # The home.

    def put_line(self, row: LineRecord, records: Iterable[Record] = ()) -> None:
        with self._transaction() as execute:
            if self._disk.rows("SELECT 1 FROM lines WHERE name = ? AND line <> ?", (row.name, row.line)):
                raise UsageError("another line has this name", hint="choose another name", name=row.name)
            old = self._disk.rows("SELECT pairing FROM lines WHERE line = ?", (row.line,))
            slot = self._secrets.put(place_of("line", row.line), row.pairing, old[0][0] if old else None)
            execute(
                "INSERT INTO lines (line, name, created, confirmed, pairing) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (line) DO UPDATE SET name = excluded.name, created = excluded.created,"
                " confirmed = excluded.confirmed, pairing = excluded.pairing",
                (row.line, row.name, row.created, row.confirmed, slot),
            )
            for record in records:
                self._store[type(record)](record)
        self._lines = None

    def lines(self) -> list[LineRecord]:
        if self._lines is None:
            self._lines = self._read_lines()
        return list(self._lines)

    def line(self, name: str | bytes) -> LineRecord | None:
        return next((row for row in self.lines() if name in (row.name, row.line)), None)

    def drop_line(self, line: bytes) -> None:
        found = self.line(line)
        if found is None:
            return
        if found.confirmed:
            raise RuntimeError("a confirmed line is for good")
        with self._transaction() as execute:
            for log in self.logs(line):
                first = self._known_log(log).number << INDEX_BITS
                self._bodies.drop_keys(self._known_log(log).number)
                for table in ("leaves", "bodies", "checkpoints", "receipts", "cosignatures"):
                    execute(f"DELETE FROM {table} WHERE key BETWEEN ? AND ?", (first, first | (1 << INDEX_BITS) - 1))
            number = self._known_line(line)
            for (slot,) in self._disk.rows(
                "SELECT slot FROM states WHERE line = ?1 UNION ALL SELECT slot FROM prekeys WHERE line = ?1"
                " UNION ALL SELECT pairing FROM lines WHERE number = ?1",
                (number,),
            ):
                self._secrets.clear(slot)
            execute("DELETE FROM lines WHERE number = ?", (number,))
        self._forget()

    def put_document(self, kind: str, key: str, value: bytes | None, sealed: bool) -> None:
        with self._transaction() as execute:
            old = self._disk.rows("SELECT slot FROM documents WHERE kind = ? AND key = ?", (kind, key))
            slot = old[0][0] if old else None
            if value is not None and sealed:
                slot = self._secrets.put(place_of("document", kind, key), value, slot)
                execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, NULL)", (kind, key, slot))
                return
            if slot is not None:
                self._secrets.clear(slot)
            execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key))
            if value is not None:
                execute("INSERT INTO documents VALUES (?, ?, NULL, ?)", (kind, key, value))

    def document(self, kind: str, key: str) -> bytes | None:
        return self._read_documents(kind, "AND key = ?", key).get(key)

    def documents(self, kind: str) -> dict[str, bytes]:
        return self._read_documents(kind, "ORDER BY key")

    # The disk.

    def reserve(self, room_bytes: int) -> None:
        self._room_bytes = room_bytes

    def has_room(self) -> bool:
        return self._disk.free_bytes() >= self._room_bytes

    def compact(self) -> None:
        self._disk.compact()

    def copy(self, path: Path) -> Iterator[None]:
        return self._disk.copy(path, self._room_bytes)

    def close(self) -> None:
        self._disk.close()

    # Storing, inside a transaction.

    @contextmanager
    def _transaction(self) -> Iterator[Callable[..., Any]]:
        try:
            with self._disk.transaction() as cursor:
                yield cursor.execute
        except BaseException:
            self._forget()
            raise

    def _forget(self) -> None:
        """After a rollback, what is remembered may be ahead of the file: it is read again."""
        self._logs.clear()
        self._line_numbers.clear()
        self._lines = None
        self._state_slots.clear()
        self._bodies.forget()
        self._tree.forget()

    def _store_entry(self, record: EntryRecord) -> None:
        row = self._known_log(record.log)
        index = record.index
        if index != row.size:
            raise RuntimeError(f"entry {index} offered to a log of {row.size} entries")
        key = row.number << INDEX_BITS | index
        self._disk.cursor.execute("INSERT INTO leaves VALUES (?, ?, ?, ?)", (key, record.leaf, record.type, record.re))
        self._bodies.store(key, row.place, record)
        row.size = index + 1
        self._tree.grow(row.number, row.size)

    def _remove_bodies(self, record: RemovalRecord) -> None:
        row = self._known_log(record.log)
        if any(not 0 <= index < row.size for index, _ in record.stubs):
            raise RuntimeError("a body is to go of an entry that is not stored")
        self._bodies.remove(row.number, row.place, record)

    def _store_checkpoint(self, record: CheckpointRecord) -> None:
        self._disk.cursor.execute(
            "INSERT INTO checkpoints VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING",
            (self._head(record, record.log.outgoing), record.root, record.signature),
        )

    def _store_receipt(self, record: ReceiptRecord) -> None:
        self._disk.cursor.execute(
            "INSERT INTO receipts VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
            (self._head(record, not record.log.outgoing), record.root, record.time, record.signature),
        )

    def _head(self, record: CheckpointRecord | ReceiptRecord, ours: bool) -> int:
        """The key of a signed head. ours: this desk signed it, so it must be that of what is stored."""
        row = self._known_log(record.log)
        if ours and record.size <= row.size:
            self._tree.check(row.number, record.size, record.root)
        return row.number << INDEX_BITS | record.size

    def _store_state(self, record: StateRecord) -> None:
        line, part = record.line, record.part
        key = self._known_line(line), part
        slot = self._state_slots.get((line, part))
        if slot is None:
            found = self._disk.rows("SELECT slot FROM states WHERE line = ? AND part = ?", key)
            slot = found[0][0] if found else None
        kept = self._secrets.put(place_of("state", line, part), record.blob, slot)
        if kept != slot:
            self._disk.cursor.execute("INSERT OR REPLACE INTO states VALUES (?, ?, ?)", (*key, kept))
        self._state_slots[line, part] = kept

    def _store_prekey(self, record: PrekeyRecord) -> None:
        key = (self._known_line(record.line), *record.pair, record.ours, record.pre_id)
        same = "line = ? AND ours = ? AND theirs = ? AND own = ? AND pre_id = ?"
        found = self._disk.rows(f"SELECT slot FROM prekeys WHERE {same}", key)
        slot = found[0][0] if found else None
        execute = self._disk.cursor.execute
        if record.value is not None:
            place = place_of("prekey", record.line, *record.pair, record.ours, record.pre_id)
            slot = self._secrets.put(place, record.value, slot)
            execute("INSERT OR REPLACE INTO prekeys VALUES (?, ?, ?, ?, ?, ?)", (*key, slot))
        elif slot is not None:
            self._secrets.clear(slot)
            execute(f"DELETE FROM prekeys WHERE {same}", key)

    def _store_certificate(self, record: CertificateRecord) -> None:
        self._disk.cursor.execute(
            "INSERT OR REPLACE INTO certificates VALUES (?, ?, ?, ?)",
            (self._known_line(record.line), record.ours, record.serial, record.encoded),
        )

    # Finding rows.

    def _find_line(self, line: bytes) -> int | None:
        number = self._line_numbers.get(line)
        if number is None:
            found = self._disk.rows("SELECT number FROM lines WHERE line = ?", (line,))
            if not found:
                return None
            number = self._line_numbers[line] = found[0][0]
        return number

    def _known_line(self, line: bytes) -> int:
        number = self._find_line(line)
        if number is None:
            raise RuntimeError("a record of a line that the journal does not know")
        return number

    def _find_log(self, log: Log) -> _LogRow | None:
        row = self._logs.get(log)
        if row is None:
            found = self._disk.rows(
                "SELECT number FROM logs WHERE line = ? AND ours = ? AND theirs = ? AND outgoing = ?",
                (self._find_line(log.line), *log.pair, log.outgoing),
            )
            if not found:
                return None
            place = place_of("entry", log.line, *log.pair, log.outgoing)
            row = self._logs[log] = _LogRow(found[0][0], self._stored_size(found[0][0]), place)
        return row

    def _known_log(self, log: Log) -> _LogRow:
        """The log's row; made if there is none yet, which only a transaction may ask for."""
        row = self._find_log(log)
        if row is None:
            self._disk.cursor.execute(
                "INSERT INTO logs (line, ours, theirs, outgoing) VALUES (?, ?, ?, ?)",
                (self._known_line(log.line), *log.pair, log.outgoing),
            )
            row = self._find_log(log)
            assert row is not None
        return row

    def _log_number(self, log: Log) -> int | None:
        return row.number if (row := self._find_log(log)) else None

    def _stored_size(self, log_number: int) -> int:
        first = log_number << INDEX_BITS
        found = self._disk.rows(
            "SELECT key FROM leaves WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT 1", (first, first | (1 << INDEX_BITS) - 1)
        )
        return _index(found[0][0]) + 1 if found else 0

    def _scan(self, log: Log, start: int, stop: int, select: str, chunk: int) -> Iterator[tuple[Any, ...]]:
        """The rows of a range of a log, `chunk` at a time; each begins with its key."""
        row = self._find_log(log)
        if row is None:
            return
        key, end = row.number << INDEX_BITS | max(start, 0), row.number << INDEX_BITS | max(min(stop, row.size), 0)
        while key < end:
            found = self._disk.rows(f"{select} WHERE key >= ? AND key < ? ORDER BY key LIMIT {chunk}", (key, end))
            if not found or found[0][0] != key or found[-1][0] - key + 1 != len(found):
                raise JournalError("entries are missing from a log", hint=DAMAGED_HINT, reason="damaged")
            key = found[-1][0] + 1
            yield from found

    def _at_size(self, log: Log, size: int, select: str, order: str) -> tuple[Any, ...] | None:
        """The first row in this order of a table keyed by log and size, from `size` up; its key is made the size."""
        row = self._find_log(log)
        if row is None:
            return None
        first = row.number << INDEX_BITS
        found = self._disk.rows(
            f"{select} WHERE key BETWEEN ? AND ? ORDER BY key {order} LIMIT 1", (first | size, first | (1 << INDEX_BITS) - 1)
        )
        return (_index(found[0][0]), *found[0][1:]) if found else None

    def _place_of(self, line: bytes, condition: str, value: bytes | str, order: str = "ASC") -> tuple[Log, int] | None:
        """Where the first entry of the line that meets the condition stands; DESC: the last one."""
        found = self._disk.rows(
            "SELECT ours, theirs, outgoing, key FROM bodies JOIN logs ON logs.number = key >> 40"
            f" WHERE {condition} AND line = ? ORDER BY key {order} LIMIT 1",
            (value, self._find_line(line)),
        )
        if not found:
            return None
        ours, theirs, outgoing, key = found[0]
        return Log(line, Pair(ours, theirs), bool(outgoing)), _index(key)

    # Reading rows.

    def _read_entry(self, log: Log, row: tuple[Any, ...]) -> EntryRecord:
        key, kind, leaf, secret, sealed, epoch, time, re, number, nonce, once, released, gone = row
        place = self._known_log(log).place
        blinding, body = self._bodies.open(key, place, secret, leaf, sealed, is_gone=gone is not None)
        kept = leaf, body, blinding, sealed, epoch, time, re, number, nonce, once, bool(released), gone
        return EntryRecord(log, _index(key), kind, *kept)

    def _read_lines(self) -> list[LineRecord]:
        rows = "SELECT line, name, created, confirmed, blob FROM lines JOIN secrets ON slot = pairing ORDER BY number"
        return [
            LineRecord(line, name, created, bool(confirmed), self._secrets.open(place_of("line", line), blob))
            for line, name, created, confirmed, blob in self._disk.rows(rows)
        ]

    def _read_documents(self, kind: str, condition: str, *bindings: str) -> dict[str, bytes]:
        found = self._disk.rows(
            f"SELECT key, value, blob FROM documents LEFT JOIN secrets USING (slot) WHERE kind = ? {condition}",
            (kind, *bindings),
        )
        return {
            key: self._secrets.open(place_of("document", kind, key), blob) if value is None else value
            for key, value, blob in found
        }


def _index(key: int) -> int:
    return key & (1 << INDEX_BITS) - 1  # the index, or the size, in a key
