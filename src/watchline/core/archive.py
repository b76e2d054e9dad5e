"""The file in which evidence travels: a zip archive in one form only, so that no byte of it is anybody's to choose.

Any unzip reads it. Parts are stored as they are, sorted by name, dated 1980-01-01, without extra fields, comments or data
descriptors. `unpack` builds every header again from name and content and compares, so for any bytes `b`: `unpack(b)` raises
`Malformed` (rule 41), or `pack(unpack(b)) == b`. Source: PKWARE's APPNOTE, version 6.3.10, sections 4.3 and 4.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from struct import Struct
from zlib import crc32

from watchline.core.limits import EVIDENCE_BYTES_MAX
from watchline.errors import Malformed

PARTS_MAX = 65_534  # with more, or beyond 4 GiB, zip has a second form of every number (zip64)
NAME_BYTES_MAX = 200  # below what file systems take for one name, with room for a folder before it

# A word begins with no dot, so a name leads neither out of the folder it is unpacked in (..) nor into a hidden file.
_NAME = re.compile(r"[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*){0,7}", re.ASCII)

_BAD_NAME = f"a part's name has characters or words that are not allowed, or more than {NAME_BYTES_MAX} bytes"
_BELOW_PART = "a part has the name of another one's folder"

_LOCAL = Struct("<4sHHHHHIIIHH")
_DIRECTORY_TAIL = Struct("<HHHII")
_END = Struct("<4sHHHHIIH")
_LOCAL_MARK, _DIRECTORY_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION, _FLAGS, _STORED, _TIME, _DATE = 10, 0, 0, 0, 0x0021  # zip 1.0; midnight of 1980-01-01

_Header = tuple[int, bytes]
"""Where a part begins, and its local header with the name."""


def pack(parts: Mapping[str, bytes]) -> bytes:
    """Write the archive that holds these parts, by name.

    Names are one to eight words of a-z, 0-9, `.`, `_` and `-`, joined by `/`; no word begins with a dot, and no part has the
    name of another one's folder. Raises ValueError for other names, and for more than PARTS_MAX parts or EVIDENCE_BYTES_MAX.
    """
    if len(parts) > PARTS_MAX:
        raise ValueError(f"more than {PARTS_MAX} parts")
    chunks: list[bytes] = []
    headers: list[_Header] = []
    offset = 0
    for name in sorted(parts):
        if not _is_name(name):
            raise ValueError(_BAD_NAME)
        if _is_below_part(name, parts):
            raise ValueError(_BELOW_PART)
        if len(parts[name]) > EVIDENCE_BYTES_MAX:
            raise ValueError(f"more than {EVIDENCE_BYTES_MAX} bytes")
        header = _local_header(name, parts[name])
        headers.append((offset, header))
        chunks += (header, parts[name])
        offset += len(header) + len(parts[name])
    chunks.append(_directory(headers, offset))
    if offset + len(chunks[-1]) > EVIDENCE_BYTES_MAX:
        raise ValueError(f"more than {EVIDENCE_BYTES_MAX} bytes")
    return b"".join(chunks)


def unpack(data: bytes) -> dict[str, bytes]:
    """Read the parts of an archive, in order of their names.

    Raises Malformed (rule 41) for every byte that `pack` would not have written; fact `offset` says where, and `part` in
    which part, where it is one.
    """
    if len(data) > EVIDENCE_BYTES_MAX:
        raise _malformed(f"more than {EVIDENCE_BYTES_MAX} bytes", EVIDENCE_BYTES_MAX)
    parts: dict[str, bytes] = {}
    headers: list[_Header] = []
    previous = ""
    offset = 0
    while data.startswith(_LOCAL_MARK, offset):
        if len(parts) == PARTS_MAX:
            raise _malformed(f"more than {PARTS_MAX} parts", offset)
        name, content, end = _read_part(data, offset)
        if name <= previous:
            raise _malformed("a part is not in order of name, or stands twice", offset, name)
        parts[name] = content
        headers.append((offset, data[offset : end - len(content)]))
        previous = name
        offset = end
    for (start, _), name in zip(headers, parts, strict=True):
        if _is_below_part(name, parts):
            raise _malformed(_BELOW_PART, start, name)
    _compare(data[offset:], _directory(headers, offset), offset, "the directory is not that of the parts")
    return parts


def _read_part(data: bytes, offset: int) -> tuple[str, bytes, int]:
    """The name and content of the part at `offset`, and the offset after it."""
    if len(data) - offset < _LOCAL.size:
        raise _malformed("cut short in the header of a part", len(data))
    *_, size, _, name_length, _ = _LOCAL.unpack_from(data, offset)
    start = offset + _LOCAL.size + name_length
    if start > len(data):
        raise _malformed("cut short in the name of a part", len(data))
    name = data[offset + _LOCAL.size : start].decode("latin-1")
    if not _is_name(name):
        raise _malformed(_BAD_NAME, offset)
    end = start + size
    if end > len(data):
        raise _malformed("cut short in the content of a part", len(data), name)
    content = data[start:end]
    _compare(data[offset:start], _local_header(name, content), offset, "the header and content of a part disagree", name)
    return name, content, end


def _local_header(name: str, content: bytes) -> bytes:
    size = len(content)
    fixed = _LOCAL.pack(_LOCAL_MARK, _VERSION, _FLAGS, _STORED, _TIME, _DATE, crc32(content), size, size, len(name), 0)
    return fixed + name.encode("ascii")


def _directory(headers: Sequence[_Header], offset: int) -> bytes:
    """The central directory, which begins at `offset`, and the record that ends the file.

    An entry repeats the local header from the version to the lengths. The writer is given as MS-DOS: then an unzip keeps the
    default permissions instead of looking for Unix ones.
    """
    entries = b"".join(
        _DIRECTORY_MARK
        + _VERSION.to_bytes(2, "little")
        + header[4 : _LOCAL.size]
        + _DIRECTORY_TAIL.pack(0, 0, 0, 0, start)
        + header[_LOCAL.size :]
        for start, header in headers
    )
    return entries + _END.pack(_END_MARK, 0, 0, len(headers), len(headers), len(entries), offset, 0)


def _is_name(name: str) -> bool:
    return len(name) <= NAME_BYTES_MAX and _NAME.fullmatch(name) is not None


def _is_below_part(name: str, parts: Mapping[str, bytes]) -> bool:
    words = name.split("/")
    return any("/".join(words[:count]) in parts for count in range(1, len(words)))


def _compare(found: bytes, expected: bytes, offset: int, what: str, part: str | None = None) -> None:
    """Raise at the first byte where the two differ; `offset` is where `found` begins in the file."""
    if found == expected:
        return
    if expected.startswith(found):
        raise _malformed("cut short", offset + len(found), part)
    if found.startswith(expected):
        raise _malformed("bytes left over", offset + len(expected), part)
    differs = next(place for place, (one, other) in enumerate(zip(found, expected, strict=False)) if one != other)
    raise _malformed(what, offset + differs, part)


def _malformed(what: str, offset: int, part: str | None = None) -> Malformed:
    where = f"at byte {offset}" if part is None else f"at byte {offset}, part {part}"
    return Malformed(f"not an evidence archive as it must be written: {what}, {where}", rule=41, offset=offset, part=part)
