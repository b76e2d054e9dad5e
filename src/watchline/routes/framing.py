"""Frames on a byte stream: four bytes of length, big-endian, then that many bytes, from 1 to FRAME_BYTES_MAX."""

from __future__ import annotations

from collections.abc import Sequence

from watchline.core.limits import FRAME_BYTES_MAX
from watchline.errors import Malformed

_HEAD = 4


def format_frames(frames: Sequence[bytes]) -> bytes:
    """The frames as one run of bytes. Raises ValueError for a frame out of bounds, which is the caller's bug."""
    parts: list[bytes] = []
    for frame in frames:
        if not 1 <= len(frame) <= FRAME_BYTES_MAX:
            raise ValueError(f"a frame has 1 to {FRAME_BYTES_MAX} bytes, not {len(frame)}")
        parts.append(len(frame).to_bytes(_HEAD, "big"))
        parts.append(frame)
    return b"".join(parts)


class FrameParser:
    """Takes a stream in pieces of any size and gives the frames that are whole; holds at most one unfinished frame."""

    def __init__(self) -> None:
        self._unread = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Add bytes; return the frames they complete, perhaps none.

        Raises Malformed (rule 39) as soon as a length is 0 or too large, without waiting for that many bytes. The stream has
        lost its meaning then, and the frames that came in the same piece are dropped with it.
        """
        unread = self._unread
        unread += data
        frames: list[bytes] = []
        start = 0
        while len(unread) - start >= _HEAD:
            length = int.from_bytes(unread[start : start + _HEAD], "big")
            if not 1 <= length <= FRAME_BYTES_MAX:
                raise Malformed(f"a frame has 1 to {FRAME_BYTES_MAX} bytes, not {length}", rule=39, length=length)
            end = start + _HEAD + length
            if end > len(unread):
                break
            with memoryview(unread) as view:
                frames.append(bytes(view[start + _HEAD : end]))
            start = end
        del unread[:start]
        return frames
