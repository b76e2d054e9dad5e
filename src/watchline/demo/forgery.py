"""What a careful forger does with a changed archive: mend its checksums, so that only what is signed gives it away."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZipFile, ZipInfo
from zlib import crc32

_LOCAL_HEADER_BYTES, _LOCAL_CRC_AT = 30, 14  # APPNOTE.TXT of the zip format, section 4.3.7


def with_mended_checksums(archive: bytes) -> bytes:
    """The archive with every CRC-32 that its parts, uncompressed and whole, ask for, in both places where it stands."""
    mended = bytearray(archive)
    with ZipFile(BytesIO(archive)) as parts:
        for part in parts.infolist():
            crc = crc32(_content(archive, part)).to_bytes(4, "little")
            at = archive.index(part.CRC.to_bytes(4, "little"), parts.start_dir)
            mended[at : at + 4] = crc
            at = part.header_offset + _LOCAL_CRC_AT
            mended[at : at + 4] = crc
    return bytes(mended)


def _content(archive: bytes, part: ZipInfo) -> bytes:
    start = part.header_offset + _LOCAL_HEADER_BYTES + len(part.filename.encode())
    return archive[start : start + part.file_size]
