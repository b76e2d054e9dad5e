"""Archives of bodies, as whoever has seen the desk's public archive key can make one: the seal holds, the content is theirs."""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from reliability.fuzz.target import Check, Target, need
from tests.core.sample_desks import identity_key
from watchline.core.encoding import Value, decode, encode
from watchline.core.entries import Body, Direction, EntryType, Leaf, commitment, verify_commitment
from watchline.core.keys import KemKey
from watchline.core.records import EntryRecord
from watchline.desk.body_archive import KIND, About, open_archive
from watchline.desk.sealed_files import sealed, with_length
from watchline.errors import Malformed, UsageError

_KEY = KemKey(b"a" * 32)
_BLINDING = bytes(range(32))


@cache
def _file() -> Path:
    """A file in memory, where the system has one, that goes with the process."""
    stack = ExitStack()
    atexit.register(stack.close)
    memory = Path("/dev/shm")
    return Path(stack.enter_context(tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None))) / "archive"


def _check_body_archive() -> Check:
    """The content of an archive under a seal that holds. An input is the array of its pieces, or the content as it stands."""

    def check(data: bytes) -> None:
        content = _content(data)
        _file().write_bytes(b"".join(sealed(KIND, _KEY.public, [content])))
        with open_archive(_file(), _KEY) as opened:
            entries = list(opened.entries())
            again = [opened.about.encode(), *map(_encoded, entries)]
        for record in entries:
            verify_commitment(Leaf.decode(record.leaf), record.blinding, record.body)
        need(b"".join(map(with_length, again)) == content, "an archive is written as other bytes")

    return check


def _content(data: bytes) -> bytes:
    try:
        pieces = decode(data)
    except Malformed:
        return data
    if type(pieces) is not list:
        return data
    return b"".join(with_length(piece) for piece in pieces if type(piece) is bytes)


def _encoded(record: EntryRecord) -> bytes:
    proof: list[Value] = [record.leaf, record.blinding, record.body]
    return encode([*record.log.pair, record.log.outgoing, *proof, record.time, record.number])


def entry(index: int, content: bytes, *, outgoing: bool = True) -> bytes:
    """One entry of an archive."""
    body = Body(content).encode()
    ends = [identity_key(desk).identity.id for desk in ("AB" if outgoing else "BA")]
    direction = Direction(bytes(32), ends[0], ends[1], 1, 1)
    leaf = Leaf(direction, index, int(EntryType.NOTICE), 9, commitment(_BLINDING, body), 0, bytes(32), None)
    proof: list[Value] = [leaf.encode(), _BLINDING, body]
    return encode([1, 1, outgoing, *proof, 10 + index, None if index else 1])


def about() -> About:
    """What an archive of A says of itself."""
    return About("Tokyo", identity_key("A").identity.id, "Beijing", bytes(32), "beijing", "ja", "Asia/Tokyo", 99)


def _genuine_archives() -> Mapping[str, bytes]:
    entries = [entry(0, b"one"), entry(1, "気球".encode()), entry(0, b"theirs", outgoing=False)]
    whole: list[Value] = [about().encode(), *entries]
    return {
        "whole": encode(whole),
        "empty": encode([about().encode()]),
        "content": b"".join(with_length(piece) for piece in (about().encode(), entries[0])),
    }


TARGETS = (Target("body-archive", _check_body_archive, _genuine_archives, refusals=(UsageError,), inputs=500),)
