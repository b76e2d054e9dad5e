"""The journal's rows of attempts to reach the peer; a line is named by its number, which is None for one that is unknown."""

from __future__ import annotations

from watchline.core.records import AttemptRecord, Pair
from watchline.journal.disk import Disk

_COLUMNS = "time, route, outcome, size, ours, theirs"


class Attempts:
    """The attempts of all lines."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def store(self, number: int, record: AttemptRecord) -> None:
        """Inside a transaction."""
        self._disk.cursor.execute(
            f"INSERT INTO attempts (line, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (number, record.time, record.route, record.outcome, record.size, *record.pair),
        )

    def since(self, line: bytes, number: int | None, time: int) -> list[AttemptRecord]:
        """Those of this time, in seconds since 1970, and later, oldest first."""
        found = self._disk.rows(
            f"SELECT {_COLUMNS} FROM attempts WHERE line = ? AND time >= ? ORDER BY time, number", (number, time)
        )
        return [AttemptRecord(line, at, route, outcome, size, Pair(*pair)) for at, route, outcome, size, *pair in found]

    def first_sent(self, line: bytes, number: int | None, pair: Pair, size: int) -> AttemptRecord | None:
        """The first that offered at least `size` entries of our log of this pair."""
        found = self._disk.rows(
            f"SELECT {_COLUMNS} FROM attempts"
            " WHERE line = ? AND ours = ? AND theirs = ? AND outcome = 'sent' AND size >= ? ORDER BY size, number LIMIT 1",
            (number, *pair, size),
        )
        return next((AttemptRecord(line, at, way, outcome, offered, pair) for at, way, outcome, offered, *_ in found), None)
