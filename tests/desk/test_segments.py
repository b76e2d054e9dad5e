from __future__ import annotations

from io import BytesIO

import pytest

from watchline.desk.segments import SEGMENT_BYTES, open_segments, seal_segments
from watchline.errors import UsageError

KEY = b"k" * 32
SEALED_BYTES = SEGMENT_BYTES + 16
CONTENT = bytes(range(256)) * 640  # two segments and a half


def sealed(content: bytes, piece_bytes: int = 1_000) -> bytes:
    pieces = (content[start : start + piece_bytes] for start in range(0, len(content), piece_bytes))
    return b"".join(seal_segments(KEY, pieces))


def opened(data: bytes, key: bytes = KEY) -> bytes:
    return b"".join(open_segments(key, BytesIO(data), what="the file"))


@pytest.mark.parametrize("length", [0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 2 * SEGMENT_BYTES, len(CONTENT)])
@pytest.mark.parametrize("piece_bytes", [1_000, SEGMENT_BYTES, 1_000_000])
def test_content_comes_back_whatever_its_length_and_pieces(length: int, piece_bytes: int) -> None:
    assert opened(sealed(CONTENT[:length], piece_bytes)) == CONTENT[:length]


def test_no_segment_is_longer_than_the_bound() -> None:
    assert max(map(len, seal_segments(KEY, [CONTENT]))) == SEALED_BYTES


@pytest.mark.parametrize("left", [0, 1, SEALED_BYTES - 1, SEALED_BYTES + 1, 2 * SEALED_BYTES + 5])
def test_content_that_was_cut_is_refused(left: int) -> None:
    with pytest.raises(UsageError, match="the file is damaged or cut short"):
        opened(sealed(CONTENT)[:left])


@pytest.mark.parametrize("left", [SEALED_BYTES, 2 * SEALED_BYTES])
def test_content_that_was_cut_between_segments_is_known_as_cut(left: int) -> None:
    with pytest.raises(UsageError, match="the file is cut short"):
        opened(sealed(CONTENT)[:left])


@pytest.mark.parametrize("at", [0, SEALED_BYTES - 1, SEALED_BYTES, 2 * SEALED_BYTES + 1, -1])
def test_changed_byte_is_refused(at: int) -> None:
    data = bytearray(sealed(CONTENT))
    data[at] ^= 1

    with pytest.raises(UsageError, match="damaged"):
        opened(bytes(data))


def test_segments_that_were_swapped_repeated_or_added_are_refused() -> None:
    first, second, last = seal_segments(KEY, [CONTENT])

    for data in (second + first + last, first + first + second + last, first + last, first + second + last + last):
        with pytest.raises(UsageError, match="damaged"):
            opened(data)


def test_other_key_opens_nothing() -> None:
    with pytest.raises(UsageError, match="damaged"):
        opened(sealed(CONTENT), b"K" * 32)
