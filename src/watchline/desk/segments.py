"""Long content sealed in segments, so that neither making nor opening a file needs more memory than one of them.

Each segment of 65,536 bytes is sealed with ChaCha20-Poly1305 under one key, which seals nothing else. Its nonce is its number
(11 bytes, from 0) and a byte that is 1 for the last: what was cut off, reordered, repeated or appended does not open. This is
STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, 2015).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from watchline.errors import UsageError

KEY_BYTES = 32
SEGMENT_BYTES = 65_536
_TAG_BYTES = 16


def seal_segments(key: bytes, content: Iterable[bytes]) -> Iterator[bytes]:
    """Give the sealed segments, in order. key: 32 random bytes that seal nothing else."""
    cipher = ChaCha20Poly1305(key)
    number, waiting = 0, bytearray()
    for piece in content:
        waiting += piece
        while len(waiting) > SEGMENT_BYTES:  # one may be the last until more has come
            yield cipher.encrypt(_nonce(number, last=False), bytes(waiting[:SEGMENT_BYTES]), None)
            del waiting[:SEGMENT_BYTES]
            number += 1
    yield cipher.encrypt(_nonce(number, last=True), bytes(waiting), None)


def open_segments(key: bytes, sealed: BinaryIO, *, what: str) -> Iterator[bytes]:
    """Give the content, segment by segment; only when the last has come was all of it genuine.

    what: the file for people, such as "the backup". Raises UsageError for what was changed or cut short.
    """
    cipher = ChaCha20Poly1305(key)
    number, segment = 0, _read(sealed)
    while following := _read(sealed):
        yield _open(cipher, _nonce(number, last=False), segment, what)
        number, segment = number + 1, following
    try:
        content = _open(cipher, _nonce(number, last=True), segment, what)
    except UsageError:
        # Distinguishes what was cut between two segments from what was changed; either way it is of no use.
        _open(cipher, _nonce(number, last=False), segment, what)
        raise _refuse(what, "is cut short") from None
    yield content


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _read(sealed: BinaryIO) -> bytes:
    return sealed.read(SEGMENT_BYTES + _TAG_BYTES)


def _open(cipher: ChaCha20Poly1305, nonce: bytes, segment: bytes, what: str) -> bytes:
    try:
        return cipher.decrypt(nonce, segment, None)
    except InvalidTag:
        raise _refuse(what, "is damaged or cut short") from None


def _refuse(what: str, how: str) -> UsageError:
    return UsageError(f"{what} {how}: nothing of it was used", hint="use another copy of the file, or an older one")
