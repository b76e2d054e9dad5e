"""A disk that fails when told to: an SQLite VFS over real files that knows what an fsync has put on the medium and what not.

Programs see each write at once, as they do under a real system. The medium gets it with the file's next fsync; a power cut
before that leaves any part of it, in sectors of 512 bytes, and takes the rest away.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

import apsw

SECTOR = 512

Fault = Literal["power", "io", "full", "short", "fsync"]
Operation = Literal["write", "grow", "truncate", "sync", "delete"]

# Which operations each fault counts, and so can strike.
STRUCK: dict[Fault, set[Operation]] = {
    "power": {"write", "grow", "truncate", "sync", "delete"},
    "io": {"write", "grow", "truncate"},
    "full": {"grow"},
    "short": {"write", "grow"},
    "fsync": {"sync"},
}


@dataclass
class Medium:
    """One file: what is on the medium for certain, and what was written since, in order (data None: cut to that length)."""

    path: Path
    content: bytearray
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def apply(self, offset: int, data: bytes | None) -> None:
        if data is None:
            del self.content[offset:]
            return
        self.content.extend(bytes(max(0, offset + len(data) - len(self.content))))
        self.content[offset : offset + len(data)] = data

    def settle(self) -> None:
        for offset, data in self.pending:
            self.apply(offset, data)
        self.pending.clear()

    def tear(self, chance: random.Random) -> None:
        """Any part of what no fsync had covered is there, and becomes all there is."""
        for offset, data in self.pending:
            if data is None:
                if chance.random() < 0.5:
                    self.apply(offset, None)
                continue
            edges = [0, *range(SECTOR - offset % SECTOR, len(data), SECTOR), len(data)]
            for start, stop in surviving(chance, list(pairwise(edges))):
                self.apply(offset + start, data[start:stop])
        self.pending.clear()
        self.path.write_bytes(self.content)


def surviving(chance: random.Random, sectors: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Which sectors of one write a power cut leaves: all, none, the first, the last, or some."""
    middle = chance.randrange(len(sectors) + 1)
    some = [sector for sector in sectors if chance.random() < 0.5]
    return chance.choice([sectors, [], sectors[:middle], sectors[middle:], some])


class FaultyDisk(apsw.VFS):
    """Register under `name`, then `strike` it. After a power cut every operation fails; open the files by another VFS."""

    def __init__(self, name: str, seed: int = 0) -> None:
        super().__init__(name, "")
        self.chance = random.Random(seed)
        self.dead = False
        self.operations = 0
        self._media: dict[str, Medium] = {}
        self._fault: Fault | None = None
        self._left = 0

    def strike(self, fault: Fault, at: int = 1) -> None:
        """Fail at the `at`-th operation from now that this fault can strike; `full` goes on until `heal`."""
        self._fault, self._left = fault, at

    def heal(self) -> None:
        self._fault = None

    def struck(self, operation: Operation) -> Fault | None:
        """Count the operation; the fault that strikes it, if one does."""
        if self.dead:
            raise io_error(apsw.SQLITE_IOERR)
        self.operations += 1
        fault = self._fault
        if fault is None or operation not in STRUCK[fault]:
            return None
        self._left -= 1
        if self._left > 0:
            return None
        if fault != "full":
            self.heal()
        if fault == "io":
            raise io_error(apsw.SQLITE_IOERR_WRITE)
        if fault == "full":
            raise apsw.FullError("no space left")
        return fault

    def cut_power(self) -> None:
        self.dead = True
        for medium in self._media.values():
            medium.tear(self.chance)
        raise io_error(apsw.SQLITE_IOERR)

    def medium(self, path: str) -> Medium:
        if path not in self._media:
            file = Path(path)
            self._media[path] = Medium(file, bytearray(file.read_bytes() if file.exists() else b""))
        return self._media[path]

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> FaultyFile:  # noqa: N802
        assert name is not None
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        return FaultyFile(self, self.medium(path), name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        if self.struck("delete") == "power":
            self.cut_power()
        self._media.pop(filename, None)
        super().xDelete(filename, syncdir)


class FaultyFile(apsw.VFSFile):
    def __init__(self, disk: FaultyDisk, medium: Medium, name: str | apsw.URIFilename, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        self._medium = medium

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        if self._disk.dead:
            raise io_error(apsw.SQLITE_IOERR_READ)
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        fault = self._disk.struck("grow" if offset + len(data) > self.xFileSize() else "write")
        kept = bytes(data)[: len(data) // 2] if fault == "short" else bytes(data)
        self._medium.pending.append((offset, kept))
        if fault == "power":
            self._disk.cut_power()
        if kept:
            super().xWrite(kept, offset)
        if fault == "short":
            raise apsw.FullError("a short write")

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        fault = self._disk.struck("truncate")
        self._medium.pending.append((newsize, None))
        if fault == "power":
            self._disk.cut_power()
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        fault = self._disk.struck("sync")
        if fault == "power":
            self._disk.cut_power()
        if fault == "fsync":
            # As Linux does it: what could not be written counts as clean, and a later fsync says that all is well.
            self._medium.pending.clear()
            raise io_error(apsw.SQLITE_IOERR_FSYNC)
        self._medium.settle()


def io_error(code: int) -> apsw.IOError:
    error = apsw.IOError(f"injected: {code}")
    error.extendedresult = code  # type: ignore[attr-defined]
    return error
