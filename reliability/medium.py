"""A disk in memory under SQLite: it knows what an fsync has put on the medium and what not, and it fails when told to.

Programs see each write at once, as they do under a real system. The medium has it with the file's next fsync; a power cut
before that leaves any part of it, in sectors of 512 bytes, and takes the rest away. A file that was made or deleted has been
so for good once a file made after it, or the deletion itself, was synced; before that a power cut may bring it back.

    disk = MediumVFS("tokyo", seed=7)
    journal = open_journal(path, key, create=True, vfs="tokyo")
    disk.strike("power", at=20)     # the 20th operation from now does not come back, and nothing does after it
    ...
    disk.boot()                     # the next process finds what the power cut left

The journal asks the real file system whether its file is there, so an empty file must lie at its path; it stays empty.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import apsw

SECTOR_BYTES = 512
PAGE_BYTES = 4096

Fault = Literal["power", "kill", "io", "full", "short", "fsync", "read"]
Operation = Literal["read", "write", "grow", "truncate", "sync", "delete"]

# Which operations each fault counts, and so can strike.
STRUCK: dict[Fault, frozenset[Operation]] = {
    "power": frozenset({"write", "grow", "truncate", "sync", "delete"}),
    "kill": frozenset({"write", "grow", "truncate", "sync", "delete"}),
    "io": frozenset({"write", "grow", "truncate"}),
    "full": frozenset({"grow"}),
    "short": frozenset({"write", "grow"}),
    "fsync": frozenset({"sync"}),
    "read": frozenset({"read"}),
}

Image = Mapping[str, bytes]
"""A whole disk as a copy would have it: the content of each file by its path."""


@dataclass(slots=True)
class MediumFile:
    """One file. seen: what programs read. content: what is on the medium for certain. pending: what was written since the last
    fsync, in order; data None cuts the file to that length.
    """

    seen: bytearray = field(default_factory=bytearray)
    content: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def write(self, offset: int, data: bytes) -> None:
        self.pending.append((offset, data))
        _apply(self.seen, offset, data)

    def truncate(self, length: int) -> None:
        self.pending.append((length, None))
        _apply(self.seen, length, None)

    def settle(self) -> None:
        """An fsync: the medium has all of it."""
        for offset, data in self.pending:
            _apply(self.content, offset, data)
        self.pending.clear()

    def tear(self, chance: random.Random) -> None:
        """A power cut: any part of what no fsync had covered is there, and becomes all there is."""
        for offset, data in self.pending:
            if data is None:
                if chance.random() < 0.5:
                    _apply(self.content, offset, None)
                continue
            edges = [0, *range(SECTOR_BYTES - offset % SECTOR_BYTES, len(data), SECTOR_BYTES), len(data)]
            for start, stop in _surviving(chance, list(pairwise(edges))):
                _apply(self.content, offset + start, data[start:stop])
        self.pending.clear()
        self.seen[:] = self.content


class MediumVFS(apsw.VFS):
    """The disk of one machine, registered with SQLite under `name` until `unregister`.

    chance: what a power cut leaves is drawn from it. dead: the machine or its process is gone: every operation fails until
    `boot`. operations: how many there were that a fault could strike. struck_by: the last fault that struck, None if none did.
    """

    def __init__(self, name: str, seed: int = 0) -> None:
        super().__init__(name, "")
        self.name = name
        self.chance = random.Random(seed)
        self.dead = False
        self.operations = 0
        self.struck_by: Fault | None = None
        self._files: dict[str, MediumFile] = {}
        self._named: dict[str, MediumFile] = {}  # the names that the medium has for certain
        self._life = 0
        self._fault: Fault | None = None
        self._left = 0

    # --- what a test does to it

    def strike(self, fault: Fault, at: int = 1) -> None:
        """Fail at the `at`-th operation from now that this fault can strike, once; `full` and `read` go on until `heal`."""
        self._fault, self._left = fault, at

    def heal(self) -> None:
        """No fault is to come, and one that lasted is over."""
        self._fault = None

    def forgive(self) -> None:
        """Forget which fault struck last."""
        self.struck_by = None

    def kill(self) -> None:
        """The process is gone; what it wrote is with the system and will be seen by the next one."""
        self.dead = True

    def cut_power(self) -> None:
        """The machine is gone, and with it what no fsync had covered, or any part of it."""
        self.dead = True
        if self._files != self._named:
            self._files = self._surviving_names()
        for file in self._files.values():
            file.tear(self.chance)
        self._named = dict(self._files)

    def boot(self, *, heal: bool = True) -> None:
        """The next process begins: files can be opened again, and those that are open from before stay dead.

        heal: False leaves the fault that is to come, or that lasts.
        """
        self.dead = False
        self._life += 1
        if heal:
            self.heal()

    def snapshot(self) -> Image:
        """Copy the disk as programs see it: what a backup of a stopped node takes."""
        return {path: bytes(file.seen) for path, file in self._files.items()}

    def restore(self, image: Image) -> None:
        """Put a copy in the place of everything; all of it is on the medium. Ends the process that was running."""
        self._files = {path: MediumFile(bytearray(content), bytearray(content)) for path, content in image.items()}
        self._named = dict(self._files)
        self.boot()

    # --- what SQLite does with it

    def struck(self, operation: Operation, life: int) -> Fault | None:
        """Count the operation; the fault that strikes it, if one does. Raises for those that are only an error."""
        if self.dead or life != self._life:
            raise io_error(apsw.SQLITE_IOERR)
        self.operations += operation != "read"
        fault = self._fault
        if fault is None or operation not in STRUCK[fault]:
            return None
        self._left -= 1
        if self._left > 0:
            return None
        if fault not in ("full", "read"):
            self.heal()
        self.struck_by = fault
        if fault == "io":
            raise io_error(apsw.SQLITE_IOERR_WRITE)
        if fault == "read":
            raise io_error(apsw.SQLITE_IOERR_READ)
        if fault == "full":
            raise apsw.FullError("no space left")
        return fault

    def end(self, fault: Fault | None) -> None:
        """Let the process or the machine end if that is the fault, in the middle of the operation that it struck."""
        if fault == "power":
            self.cut_power()
        elif fault == "kill":
            self.kill()
        else:
            return
        raise io_error(apsw.SQLITE_IOERR)

    def settle(self, file: MediumFile) -> None:
        """An fsync of one file; the first one of a new file also makes the names durable, as SQLite's own VFS does."""
        file.settle()
        if self._files != self._named and not any(file is named for named in self._named.values()):
            self._named = dict(self._files)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> OpenFile:  # noqa: N802
        if self.dead:
            raise io_error(apsw.SQLITE_CANTOPEN)
        assert name is not None, "nothing may live on in a temporary file"
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        flags[1] = flags[0]
        file = self._files.get(path)
        if file is None:
            if (
                flags[0] & apsw.SQLITE_OPEN_WAL and not flags[0] & apsw.SQLITE_OPEN_CREATE
            ):  # a journal's own file is made before
                raise apsw.CantOpenError("there is no such file")
            file = self._files[path] = MediumFile()
        return OpenFile(self, file, self._life)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        fault = self.struck("delete", self._life)
        self._files.pop(filename, None)
        self.end(fault)
        if syncdir:
            self._named = dict(self._files)

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802
        return pathname in self._files

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return name

    def _surviving_names(self) -> dict[str, MediumFile]:
        """A name that was made or deleted since the last sync may stand as it did before, or as it was last."""
        survived = {}
        for path in {**self._named, **self._files}:
            before, last = self._named.get(path), self._files.get(path)
            file = last if before is last else self.chance.choice((before, last))
            if file is not None:
                survived[path] = file
        return survived


class OpenFile(apsw.VFSFile):
    """A file as one process has it open."""

    def __init__(self, disk: MediumVFS, file: MediumFile, life: int) -> None:
        # There is no file of another VFS below this one, so the base class is left as it is: every operation is here.
        self._disk = disk
        self._file = file
        self._life = life

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        self._disk.struck("read", self._life)
        return bytes(self._file.seen[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        grows = offset + len(data) > len(self._file.seen)
        fault = self._disk.struck("grow" if grows else "write", self._life)
        kept = bytes(data)[: len(data) // 2] if fault == "short" else bytes(data)
        self._file.write(offset, kept)
        self._disk.end(fault)
        if fault == "short":
            raise apsw.FullError("a short write")

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        fault = self._disk.struck("truncate", self._life)
        self._file.truncate(newsize)
        self._disk.end(fault)

    def xSync(self, flags: int) -> None:  # noqa: N802
        fault = self._disk.struck("sync", self._life)
        self._disk.end(fault)
        if fault == "fsync":
            # As Linux does it: what could not be written counts as clean, and a later fsync says that all is well.
            self._file.pending.clear()
            raise io_error(apsw.SQLITE_IOERR_FSYNC)
        self._disk.settle(self._file)

    def xFileSize(self) -> int:  # noqa: N802
        return len(self._file.seen)

    def xLock(self, level: int) -> None:  # noqa: N802
        """Nobody else has this disk."""

    def xUnlock(self, level: int) -> None:  # noqa: N802
        """Nobody else has this disk."""

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:  # noqa: N802
        return False

    def xSectorSize(self) -> int:  # noqa: N802
        return PAGE_BYTES  # as SQLite's own VFS says on Linux, and so is the next

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE

    def xClose(self) -> None:  # noqa: N802
        """What was written stays as it is."""


def io_error(code: int) -> apsw.IOError:
    """SQLite's error of this extended code, as a failing device gives it."""
    error = apsw.IOError(f"injected: {code}")
    error.extendedresult = code  # type: ignore[attr-defined]
    return error


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    if offset > len(content):
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _surviving(chance: random.Random, sectors: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Which sectors of one write a power cut leaves: all, none, the first, the last, or some."""
    middle = chance.randrange(len(sectors) + 1)
    some = [sector for sector in sectors if chance.random() < 0.5]
    return chance.choice([sectors, [], sectors[:middle], sectors[middle:], some])
