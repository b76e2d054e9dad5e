from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchline.core.limits import FRAME_BYTES_MAX
from watchline.errors import Malformed
from watchline.routes.framing import FrameParser, format_frames

FRAMES = [b"a", b"bc" * 700, b"\x00\x00\x00\x01"]


def test_frames_come_out_of_one_piece_as_they_went_in() -> None:
    assert FrameParser().feed(format_frames(FRAMES)) == FRAMES


def test_frames_come_out_of_single_bytes_as_they_went_in() -> None:
    parser = FrameParser()
    assert [frame for byte in format_frames(FRAMES) for frame in parser.feed(bytes([byte]))] == FRAMES


def test_cut_stream_gives_only_whole_frames() -> None:
    stream = format_frames(FRAMES)
    ends = [len(format_frames(FRAMES[:count])) for count in range(1, len(FRAMES) + 1)]
    for cut in range(len(stream)):
        assert FrameParser().feed(stream[:cut]) == FRAMES[: sum(end <= cut for end in ends)]


def test_bytes_left_over_begin_the_next_frame() -> None:
    parser = FrameParser()
    assert parser.feed(format_frames(FRAMES) + b"\x00\x00") == FRAMES
    assert parser.feed(b"\x00\x02xy") == [b"xy"]


@given(st.lists(st.binary(min_size=1, max_size=300)), st.lists(st.integers(1, 400)))
def test_frames_do_not_depend_on_the_pieces(frames: list[bytes], sizes: list[int]) -> None:
    stream, parser, out = format_frames(frames), FrameParser(), list[bytes]()
    for size in sizes:
        out += parser.feed(stream[:size])
        stream = stream[size:]
    assert out + parser.feed(stream) == frames


def test_largest_frame_passes() -> None:
    frame = bytes(FRAME_BYTES_MAX)
    assert FrameParser().feed(format_frames([frame])) == [frame]


@pytest.mark.parametrize("length", [0, FRAME_BYTES_MAX + 1, 2**32 - 1])
def test_length_out_of_bounds_is_refused_before_the_frame_comes(length: int) -> None:
    parser = FrameParser()
    head = length.to_bytes(4, "big")
    assert parser.feed(head[:3]) == []
    with pytest.raises(Malformed) as refused:
        parser.feed(head[3:])
    assert refused.value.facts["length"] == length


@pytest.mark.parametrize("length", [0, FRAME_BYTES_MAX + 1])
def test_frame_out_of_bounds_is_not_written(length: int) -> None:
    with pytest.raises(ValueError, match="a frame has 1 to 131072 bytes"):
        format_frames([b"good", bytes(length)])
