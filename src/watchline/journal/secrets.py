"""What must be gone when it is deleted: chain keys, prekeys, pairing secrets (rule 41).

SQLite's secure_delete alone does not keep that promise: when a table's pages split or join, rows are moved, and the places
where they stood are not overwritten. So no secret is ever moved here. Each has a slot: a row that is appended once, is
overwritten only by values of its own size, and is emptied and used again instead of deleted. Appending moves no other row.
"""

from __future__ import annotations

from watchline.journal.disk import Disk
from watchline.journal.sealing import Seal

_STEP_BYTES = 256  # sizes are rounded up to this, so that a value seldom needs another slot and a free one is soon used again


class Secrets:
    """Sealed values in slots. `place` says whose value it is; another's does not open there."""

    def __init__(self, disk: Disk, seal: Seal) -> None:
        self._disk = disk
        self._seal = seal

    def put(self, place: bytes, value: bytes, slot: int | None) -> int:
        """Store a value in the slot, or in another if there is none yet or the size differs; return where. In a transaction."""
        blob = self._seal.seal(place, _pad(value))
        execute = self._disk.cursor.execute
        if slot is not None:
            execute("UPDATE secrets SET blob = ? WHERE slot = ? AND size = ?", (blob, slot, len(blob)))
            if self._disk.changed():
                return slot
            self.clear(slot)
        free = self._disk.rows("SELECT slot FROM secrets WHERE free = 1 AND size = ? LIMIT 1", (len(blob),))
        if free:
            slot = int(free[0][0])
            execute("UPDATE secrets SET blob = ?, free = 0 WHERE slot = ?", (blob, slot))
            return slot
        execute("INSERT INTO secrets (size, free, blob) VALUES (?, 0, ?)", (len(blob), blob))
        return self._disk.last_number()

    def open(self, place: bytes, blob: bytes) -> bytes:
        """The value in a slot's blob. JournalError if it was changed, or belongs to another place."""
        return _unpad(self._seal.open(place, blob))

    def clear(self, slot: int) -> None:
        """Overwrite the value with zeros and give the slot back. In a transaction."""
        self._disk.cursor.execute("UPDATE secrets SET blob = zeroblob(size), free = 1 WHERE slot = ?", (slot,))


def _pad(value: bytes) -> bytes:
    return value + b"\x80" + bytes(-(len(value) + 1) % _STEP_BYTES)


def _unpad(padded: bytes) -> bytes:
    return padded[: padded.rindex(b"\x80")]
