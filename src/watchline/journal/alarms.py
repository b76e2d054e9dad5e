"""The journal's rows of alarms, each with its proof sealed; a line is named by its number, None for one that is unknown."""

from __future__ import annotations

from watchline.core.records import AlarmRecord
from watchline.journal.disk import Disk
from watchline.journal.sealing import Seal, place_of


class Alarms:
    """The alarms of all lines."""

    def __init__(self, disk: Disk, seal: Seal) -> None:
        self._disk = disk
        self._seal = seal

    def store(self, number: int, record: AlarmRecord) -> None:
        """Inside a transaction."""
        shown = (record.time, record.kind, record.rule, record.message)
        self._disk.cursor.execute(
            "INSERT INTO alarms (line, time, kind, rule, message, evidence) VALUES (?, ?, ?, ?, ?, ?)",
            (number, *shown, self._seal.seal(place_of("alarm", record.line, *shown), record.evidence)),
        )

    def of(self, line: bytes, number: int | None) -> list[AlarmRecord]:
        """All of a line, oldest first."""
        found = self._disk.rows(
            "SELECT time, kind, rule, message, evidence FROM alarms WHERE line = ? ORDER BY number", (number,)
        )
        alarms = []
        for time, kind, rule, message, sealed in found:
            evidence = self._seal.open(place_of("alarm", line, time, kind, rule, message), sealed)
            alarms.append(AlarmRecord(line, time, kind, rule, message, evidence))
        return alarms
