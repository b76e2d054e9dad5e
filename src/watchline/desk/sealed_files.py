r"""Files that only the identity's medium opens: backups, and archives of bodies.

    file    = magic || u32 length of head || head || segments of content (`segments`)
    head    = dCBOR[SHA-256(archive key), sealed file key]

The file key is random and sealed to the archive key, whose secret half is on the identity's medium: making a file needs no
passphrase, and whoever steals one has nothing.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from watchline.core import shapes
from watchline.core.encoding import decode, encode
from watchline.core.keys import KEM_OVERHEAD_BYTES, KemKey, seal_to
from watchline.desk.secrets import sync_folder
from watchline.desk.segments import KEY_BYTES, open_segments, seal_segments
from watchline.errors import Malformed, PeerError, UsageError

_HEAD_BYTES_MAX = 4_096


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of such a file. noun: as people call it. command: what writes it. info: what the file key is sealed for."""

    magic: bytes
    info: bytes
    noun: str
    command: str

    @property
    def what(self) -> str:
        """The file, in the middle of a sentence."""
        return f"the {self.noun}"


def sealed(kind: Kind, archive: bytes, content: Iterable[bytes]) -> Iterator[bytes]:
    """Give the bytes of a file, a piece at a time, as they are taken from `content`. archive: the public archive key."""
    key = os.urandom(KEY_BYTES)
    yield kind.magic + with_length(encode([sha256(archive).digest(), seal_to(archive, key, kind.info)]))
    yield from seal_segments(key, content)


def write_file(kind: Kind, out: Path, pieces: Iterator[bytes]) -> tuple[str, int]:
    """Write a new file, whole or not at all, durable; give its SHA-256, as hex, and its size."""
    writing = write_pieces(kind, out, pieces)
    while True:
        try:
            next(writing)
        except StopIteration as end:
            digest, size = end.value
            return digest, size


def write_pieces(kind: Kind, out: Path, pieces: Iterator[bytes]) -> Generator[None, None, tuple[str, int]]:
    """The same, a piece a step, so that other things go on meanwhile."""
    digest, size = sha256(), 0
    temporary = out.with_name(f".{out.name}.{os.urandom(6).hex()}")
    try:
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                for piece in pieces:
                    digest.update(piece)
                    size += file.write(piece)
                    yield
                file.flush()
                os.fsync(file.fileno())
            # Not every medium for such files has links, which never replace a file; whoever makes two at once has two names.
            temporary.rename(out)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()
        sync_folder(out.absolute().parent)
    except OSError as error:
        raise UsageError(
            f"{kind.what} cannot be written: {error.strerror}", hint="check the folder, its space and its rights", path=str(out)
        ) from error
    return digest.hexdigest(), size


@contextmanager
def opened(kind: Kind, path: Path, archive: KemKey) -> Iterator[Content]:
    """Open a file with the archive key of the identity's medium.

    Raises UsageError for what is no such file, is damaged, cut short, of a newer version or sealed to another identity.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="check the path", path=str(path)) from error
    with file:
        key = _read_head(kind, file, archive)
        yield Content(kind, open_segments(key, file, what=kind.what))


class Content:
    """What is in a file, read once from its beginning. UsageError for what is damaged or cut short."""

    def __init__(self, kind: Kind, segments: Iterator[bytes]) -> None:
        self._kind = kind
        self._segments = segments
        self._buffer = bytearray()

    def take(self, length: int) -> bytes:
        """So many bytes."""
        while len(self._buffer) < length:
            segment = next(self._segments, None)
            if segment is None:
                raise damaged(self._kind)
            self._buffer += segment
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken

    def take_counted(self, length_max: int) -> bytes:
        """Bytes that stand behind their length (`with_length`)."""
        length = int.from_bytes(self.take(4), "big")
        if length > length_max:
            raise damaged(self._kind)
        return self.take(length)

    def is_at_end(self) -> bool:
        """Whether nothing is left; then all of the file was genuine."""
        while not self._buffer:
            segment = next(self._segments, None)
            if segment is None:
                return True
            self._buffer += segment
        return False


def with_length(data: bytes) -> bytes:
    """The bytes behind their length, a big-endian u32."""
    return len(data).to_bytes(4, "big") + data


def damaged(kind: Kind) -> UsageError:
    """The error for a file that is not what was written."""
    return UsageError(f"{kind.what} is damaged: nothing of it was used", hint="use another copy of the file, or an older one")


def _read_head(kind: Kind, file: BinaryIO, archive: KemKey) -> bytes:
    """The file key."""
    magic = file.read(len(kind.magic))
    if magic != kind.magic:
        newer = magic.startswith(kind.magic.rpartition(b" ")[0] + b" ")
        raise UsageError(
            f"a newer version of Watchline wrote this {kind.noun}" if newer else f"this is no {kind.noun}",
            hint="use that version, or a later one" if newer else f"give the file that watchline {kind.command} wrote",
        )
    length = int.from_bytes(file.read(4), "big")
    try:
        archive_id, key = shapes.array(decode(file.read(min(length, _HEAD_BYTES_MAX))), "head", length=2)
        shapes.octets(archive_id, "archive id", length=32)
        key = shapes.octets(key, "file key", length=KEM_OVERHEAD_BYTES + KEY_BYTES)
    except Malformed:
        raise damaged(kind) from None
    if archive_id != sha256(archive.public).digest():
        raise UsageError(
            f"this {kind.noun} is sealed to another identity than the one on this medium",
            hint=f"bring the medium of the desk whose {kind.noun} it is",
        )
    try:
        return archive.open(key, kind.info)
    except PeerError:
        raise damaged(kind) from None
