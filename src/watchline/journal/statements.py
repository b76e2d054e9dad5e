"""The journal's rows of statements; a line is named by its number, None for one that is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from watchline.core.records import Log, Pair, StatementRecord
from watchline.journal.disk import Disk

_COLUMNS = "ours, theirs, own, type, time, our_size, their_size, payload, ed, ml, keep"
_CHUNK_ROWS = 64  # a status for good carries signatures of some kilobytes


class Statements:
    """The statements of all lines: of each kind the newest, and all that are kept for good."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def store(self, number: int, record: StatementRecord) -> None:
        """Inside a transaction; what is not kept for good of the same kind goes."""
        execute = self._disk.cursor.execute
        execute(
            "DELETE FROM statements WHERE line = ? AND own = ? AND type = ? AND keep = 0", (number, record.ours, record.type)
        )
        parties = (number, *record.pair, record.ours, record.type)
        said = (record.time, record.our_size, record.their_size, record.payload, record.ed, record.ml, record.keep)
        execute(f"INSERT INTO statements (line, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", parties + said)

    def latest(self, line: bytes, number: int | None, ours: bool, type: int) -> StatementRecord | None:
        """The newest of a kind."""
        found = self._disk.rows(
            f"SELECT {_COLUMNS} FROM statements WHERE line = ? AND own = ? AND type = ? ORDER BY number DESC LIMIT 1",
            (number, ours, type),
        )
        return _read(line, found[0]) if found else None

    def kept(self, line: bytes, number: int | None, ours: bool, type: int, pair: Pair) -> Iterator[StatementRecord]:
        """Those of a kind and pair that are kept for good, oldest first."""
        last = 0
        while found := self._disk.rows(
            f"SELECT number, {_COLUMNS} FROM statements WHERE line = ? AND own = ? AND type = ? AND number > ?"
            f" AND ours = ? AND theirs = ? AND keep = 1 ORDER BY number LIMIT {_CHUNK_ROWS}",
            (number, ours, type, last, *pair),
        ):
            last = found[-1][0]
            for _, *row in found:
                yield _read(line, row)

    def first_full_covering(self, log: Log, number: int | None, size: int) -> StatementRecord | None:
        """The first with both signatures that speaks of at least `size` entries of a log, by its reader."""
        # Only a status has sizes above 0, so the type needs no asking.
        own, covered = (0, "our_size") if log.outgoing else (1, "their_size")
        found = self._disk.rows(
            f"SELECT {_COLUMNS} FROM statements WHERE line = ? AND ours = ? AND theirs = ? AND {covered} >= ?"
            f" AND own = {own} AND keep = 1 AND ml IS NOT NULL ORDER BY {covered}, number LIMIT 1",
            (number, *log.pair, max(size, 1)),
        )
        return _read(log.line, found[0]) if found else None


def _read(line: bytes, row: Iterable[Any]) -> StatementRecord:
    ours, theirs, own, kind, time, our_size, their_size, payload, ed, ml, keep = row
    return StatementRecord(line, Pair(ours, theirs), bool(own), kind, time, our_size, their_size, payload, ed, ml, bool(keep))
