"""The door: which of our lines a connection asks for, read from its first TLS message before any cryptography is spent on it.

A dialler puts its line's door word into the server name (SNI) of its ClientHello. A listener that does not know the word
hangs up before OpenSSL has seen a byte, so that scanners and most floods cost one small parse each.

It is a filter and no more. The word crosses the network in the clear: whoever watches the path can read it, recognise the
line by it, and use it. Who may speak is decided by the pinned TLS keys alone.

Source: RFC 8446, sections 4.1.2 and 5.1; RFC 6066, section 3.
"""

from __future__ import annotations

import re

from watchline.errors import Malformed

HELLO_BYTES_MAX = 16_384  # the largest TLS record; a ClientHello with X25519MLKEM768 has about 1,500 bytes

_DOOR = re.compile(r"[a-z0-9]{1,63}")
_RECORD_HEAD = 5
_HANDSHAKE_RECORD, _CLIENT_HELLO, _SERVER_NAME, _HOST_NAME = 22, 1, 0, 0


def check_door(door: str) -> str:
    """Return a door word of 1 to 63 characters a-z and 0-9. Raises ValueError for another: that is the caller's bug."""
    if _DOOR.fullmatch(door) is None:
        raise ValueError("a door word has 1 to 63 characters a-z and 0-9")
    return door


def read_door(data: bytes) -> str | None:
    """The door word of a ClientHello that fills `data` exactly, in one TLS record; None while more bytes are needed.

    Raises Malformed (rule 39) as soon as the bytes cannot become that: another message, no server name or more than one, a
    length that does not add up, bytes left over.
    """
    if data[:1] != bytes((_HANDSHAKE_RECORD,))[: len(data)] or data[1:2] != b"\x03"[: len(data[1:2])]:
        raise _refuse("not a TLS handshake record", 0)
    if len(data) < _RECORD_HEAD:
        return None
    length = int.from_bytes(data[3:5], "big")
    if length > HELLO_BYTES_MAX - _RECORD_HEAD:
        raise _refuse("the record is too long", 3)
    if len(data) < _RECORD_HEAD + length:
        return None
    record = _Reader(data, _RECORD_HEAD, len(data))
    if record.number(1) != _CLIENT_HELLO:
        raise _refuse("not a ClientHello", _RECORD_HEAD)
    hello = record.vector(3)
    record.finish()
    hello.skip(2 + 32)  # legacy_version, random
    hello.vector(1)  # legacy_session_id
    hello.vector(2)  # cipher_suites
    hello.vector(1)  # legacy_compression_methods
    extensions = hello.vector(2)
    hello.finish()
    return _server_name(extensions)


def _server_name(extensions: _Reader) -> str:
    door: str | None = None
    while extensions.left:
        kind = extensions.number(2)
        body = extensions.vector(2)
        if kind != _SERVER_NAME:
            continue
        if door is not None:
            raise _refuse("two server names", body.at)
        names = body.vector(2)
        body.finish()
        if names.number(1) != _HOST_NAME:
            raise _refuse("not a host name", names.at)
        door = names.vector(2).text()
        names.finish()
    if door is None:
        raise _refuse("no server name", extensions.at)
    return door


class _Reader:
    """Reads forward between two offsets and never past the end."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self._data = data
        self.at = at
        self._end = end

    @property
    def left(self) -> int:
        return self._end - self.at

    def skip(self, count: int) -> int:
        """Go on by `count` bytes and return where they began."""
        if count > self.left:
            raise _refuse("a length that goes past the end", self.at)
        start = self.at
        self.at += count
        return start

    def number(self, size: int) -> int:
        start = self.skip(size)
        return int.from_bytes(self._data[start : self.at], "big")

    def vector(self, size: int) -> _Reader:
        """What stands behind a length of `size` bytes."""
        length = self.number(size)
        start = self.skip(length)
        return _Reader(self._data, start, self.at)

    def text(self) -> str:
        text = self._data[self.skip(self.left) : self.at].decode("latin-1")
        if _DOOR.fullmatch(text) is None:
            raise _refuse("the server name is not a door word", self.at)
        return text

    def finish(self) -> None:
        if self.left:
            raise _refuse("bytes left over", self.at)


def _refuse(problem: str, offset: int) -> Malformed:
    return Malformed(f"{problem}, at byte {offset}", rule=39, offset=offset)
