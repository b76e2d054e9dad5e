"""The journal's rows of what witnesses said: cosignatures on heads, and what nonces were made of."""

from __future__ import annotations

from typing import Any

from watchline.core.records import CosignatureRecord, Log, NonceRecord
from watchline.journal.disk import Disk
from watchline.journal.tree import INDEX_BITS

_SIZES = (1 << INDEX_BITS) - 1
_COLUMNS = "key, root, witness, time, signature"


class Cosignatures:
    """The rows of all logs; a log is named by its number, which is None for one that was never written."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def store(self, number: int, record: CosignatureRecord) -> None:
        """Inside a transaction; of two by one witness on one head the first stays."""
        self._disk.cursor.execute(
            "INSERT INTO cosignatures VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (number << INDEX_BITS | record.size, record.witness, record.root, record.time, record.signature),
        )

    def at(self, log: Log, number: int | None, size: int) -> list[CosignatureRecord]:
        """Those on the head of this size, by witness."""
        return self._read(log, number, "key = ?1 | ?2 ORDER BY witness", size)

    def latest(self, log: Log, number: int | None, count: int) -> list[CosignatureRecord]:
        """So many at most, the largest sizes first."""
        return self._read(log, number, f"key BETWEEN ?1 AND ?1 | {_SIZES} ORDER BY key DESC, witness LIMIT ?2", count)

    def first_covering(self, log: Log, number: int | None, size: int, witness: str) -> CosignatureRecord | None:
        """The one of the smallest size from `size` on."""
        wanted = f"witness = ?3 AND key BETWEEN ?1 | ?2 AND ?1 | {_SIZES} ORDER BY key LIMIT 1"
        return next(iter(self._read(log, number, wanted, size, witness)), None)

    def store_nonce(self, line: int, record: NonceRecord) -> None:
        """Inside a transaction."""
        self._disk.cursor.execute(
            "INSERT INTO nonces VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (line, record.nonce, record.chance, record.cosignature),
        )

    def nonce(self, line: bytes, number: int | None, nonce: bytes) -> NonceRecord | None:
        """What this nonce was made of."""
        found = self._disk.rows("SELECT chance, cosignature FROM nonces WHERE line = ? AND nonce = ?", (number, nonce))
        return NonceRecord(line, nonce, *found[0]) if found else None

    def _read(self, log: Log, number: int | None, wanted: str, *bindings: Any) -> list[CosignatureRecord]:
        if number is None:
            return []
        found = self._disk.rows(f"SELECT {_COLUMNS} FROM cosignatures WHERE {wanted}", (number << INDEX_BITS, *bindings))
        return [CosignatureRecord(log, key & _SIZES, *row) for key, *row in found]
