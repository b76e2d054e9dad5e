r"""A backup: one file with all that a home holds, which only the identity's medium opens.

    content = u32 length of list || list || the files of the list, one after the other
    list    = dCBOR[desk, id, inc, serial, made, [[name, size], ...]]

`sealed_files` says how it is sealed, under "watchline backup 1\n". A journal's copy is the state of one moment, taken while the
node runs.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from watchline.core import shapes
from watchline.core.encoding import Value, decode, encode
from watchline.core.keys import KemKey
from watchline.desk.home import CONFIG, JOURNAL, NODE_KEY, OFFICERS, Home, read_node_key
from watchline.desk.local import Caller
from watchline.desk.own import OwnDesk
from watchline.desk.sealed_files import Content, Kind, damaged, opened, sealed, with_length, write_file
from watchline.desk.secrets import SEALED_BYTES_MAX, read_secret_file
from watchline.desk.segments import SEGMENT_BYTES
from watchline.errors import Malformed, UsageError

MAGIC = b"watchline backup 1\n"
KIND = Kind(MAGIC, b"watchline/1 backup", "backup", "backup")
COPY = "journal.copy"
FILES_MAX = 1_024
_LOCK = "backup.lock"
_LIST_BYTES_MAX = 262_144
_COPY_SECONDS = 3_600.0
_NAME = re.compile(rf"{re.escape(CONFIG)}|{re.escape(NODE_KEY)}|{re.escape(JOURNAL)}|{OFFICERS}/[^/\0]{{1,64}}\.key")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup says of itself. made: seconds since 1970. files: (name, bytes), in the order in which they stand in it."""

    desk: str
    id: bytes
    inc: int
    serial: int
    made: int
    files: tuple[tuple[str, int], ...]

    def encode(self) -> bytes:
        """Give the list's bytes."""
        files: list[Value] = [list(file) for file in self.files]
        return encode([self.desk, self.id, self.inc, self.serial, self.made, files])

    @classmethod
    def decode(cls, data: bytes) -> Contents:
        """Read what `encode` gave. Raises Malformed; no name leads out of a home."""
        desk, identity, inc, serial, made, files = shapes.array(decode(data), "list", length=6)
        return cls(
            shapes.text(desk, "desk", at_least=1, at_most=128),
            shapes.octets(identity, "id", length=32),
            shapes.integer(inc, "inc", at_least=1),
            shapes.integer(serial, "serial", at_least=1),
            shapes.integer(made, "made"),
            tuple(_read_file(file) for file in shapes.array(files, "files", at_most=FILES_MAX)),
        )


@dataclass(frozen=True, slots=True)
class Written:
    """A backup that was made. sha256: of the file, as hex. size: in bytes."""

    contents: Contents
    sha256: str
    size: int


def make_backup(caller: Caller, home: Home, own: OwnDesk, out: Path, now: int) -> Written:
    """Write a backup to a new file; durable on return.

    Raises UsageError for a file that is there, a folder that cannot be written, too little room, or a backup under way.
    """
    if out.exists():
        raise UsageError("this file is there already", hint="choose another --out", path=str(out))
    certificate = own.certificate.certificate
    small = _small_files(home)
    with _journal_copy(caller, home) as journal:
        size = os.fstat(journal.fileno()).st_size
        files = (*((name, len(data)) for name, data in small), (JOURNAL, size))
        contents = Contents(own.name, own.identity.id, certificate.inc, certificate.serial, now, files)
        _check_room(out, size)
        digest, written = write_file(KIND, out, sealed(KIND, own.archive, _content(contents, small, journal)))
    return Written(contents, digest, written)


def _content(contents: Contents, small: list[tuple[str, bytes]], journal: BinaryIO) -> Iterator[bytes]:
    yield with_length(contents.encode())
    for _, data in small:
        yield data
    while piece := journal.read(SEGMENT_BYTES):
        yield piece


def _small_files(home: Home) -> list[tuple[str, bytes]]:
    """Everything but the journal; the node key also where it is kept outside the home."""
    named = [(CONFIG, home.path / CONFIG), *((f"{OFFICERS}/{path.name}", path) for path in sorted(home.officers.glob("*.key")))]
    if len(named) > FILES_MAX - 2:
        raise UsageError(f"a backup takes at most {FILES_MAX - 2} officers", hint="move away the keys of those who left")
    found = [(name, read_secret_file(path, what=name)) for name, path in named]
    return [*found, (NODE_KEY, read_node_key(home.path).hex().encode("ascii") + b"\n")]


@contextmanager
def _journal_copy(caller: Caller, home: Home) -> Iterator[BinaryIO]:
    """A copy of the journal, open for reading. It holds keys that the journal will delete: so zeros replace it afterwards."""
    copy = home.path / COPY
    with _only_one(home):
        _destroy(copy)  # of a backup that was interrupted
        try:
            caller.call("copy_journal", _COPY_SECONDS, path=str(copy))
            with copy.open("rb") as journal:
                yield journal
        finally:
            _destroy(copy)


@contextmanager
def _only_one(home: Home) -> Iterator[None]:
    try:
        descriptor = os.open(home.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(f"the home cannot be written: {error.strerror}", hint="check its rights and its disk") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UsageError("a backup of this home is under way", hint="wait until it has ended") from None
    finally:
        os.close(descriptor)


def _destroy(path: Path) -> None:
    """Overwrite a file with zeros, then delete it; nothing happens where there is none."""
    with suppress(FileNotFoundError):
        with path.open("r+b") as file:
            left = os.fstat(file.fileno()).st_size
            while left > 0:
                left -= file.write(bytes(min(left, SEGMENT_BYTES)))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()


def _check_room(out: Path, size: int) -> None:
    try:
        free = shutil.disk_usage(out.absolute().parent).free
    except OSError as error:
        raise UsageError(f"there is no such folder: {error.strerror}", hint="make it first", path=str(out)) from error
    if free < size + size // SEGMENT_BYTES * 16 + SEALED_BYTES_MAX:
        raise UsageError(
            f"there is no room for the backup: {size} bytes are needed, {free} are free",
            hint="free some space, or choose another --out",
            path=str(out),
        )


@contextmanager
def open_backup(path: Path, archive: KemKey) -> Iterator[OpenBackup]:
    """Open a backup with the archive key of the identity's medium.

    Raises UsageError for what is no backup, is damaged, cut short, of a newer version or sealed to another identity.
    """
    with opened(KIND, path, archive) as content:
        yield OpenBackup(content)


class OpenBackup:
    """A backup that is being read, once, from its beginning. contents: what it says of itself."""

    def __init__(self, content: Content) -> None:
        self._content = content
        try:
            self.contents = Contents.decode(content.take_counted(_LIST_BYTES_MAX))
        except Malformed:
            raise damaged(KIND) from None

    def extract(self, folder: Path) -> None:
        """Write every file into a folder that has none of them. Raises UsageError, and then nothing of it may be used."""
        for name, size in self.contents.files:
            with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                for piece in self._pieces(size):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
        if not self._content.is_at_end():
            raise damaged(KIND)

    def _pieces(self, size: int) -> Iterator[bytes]:
        while size > 0:
            piece = self._content.take(min(size, SEGMENT_BYTES))
            size -= len(piece)
            yield piece


def _read_file(value: Value) -> tuple[str, int]:
    name, size = shapes.array(value, "file", length=2)
    name = shapes.text(name, "file name", at_most=256)
    if not _NAME.fullmatch(name):
        raise Malformed("a file that no home has", rule=39)
    return name, shapes.integer(size, "file size", at_most=2**50)
