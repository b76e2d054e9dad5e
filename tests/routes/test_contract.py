"""What routes.Link promises, run on every implementation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

import pytest

from tests.routes.conftest import Play
from tests.routes.ends import DOOR, FAR, INTRODUCTION, NEAR, NEW_FAR, NEW_NEAR, End, Ends, MemoryEnds, RelayEnds, TlsEnds
from tests.routes.nats_server import NatsServer
from watchline.core.limits import FRAME_BYTES_MAX
from watchline.routes import CONGESTED_BYTES, WAITING_BYTES_MAX

Scene: TypeAlias = Callable[[Ends], Awaitable[None]]


class Perform(Protocol):
    def __call__(self, scene: Scene, introducing: Sequence[End] = (), refusing: Sequence[End] = ()) -> None: ...


async def run(ends: MemoryEnds | TlsEnds | RelayEnds, scene: Scene) -> None:
    try:
        await ends.open()
        await scene(ends)
    finally:
        await ends.close()


@pytest.fixture(params=[MemoryEnds, TlsEnds], ids=["memory", "tls"])
def perform_joined(request: pytest.FixtureRequest, play: Play) -> Perform:
    """For what holds only where one connection joins both ends, and where keys are proved: not through a relay.

    By a relay neither end dials the other or learns that it closed, a read ends where the relay ends it, and nobody shows keys.
    """
    kind: type[MemoryEnds | TlsEnds] = request.param
    return lambda scene, introducing=(), refusing=(): play(run(kind(introducing, refusing), scene))


@pytest.fixture(params=[MemoryEnds, TlsEnds, RelayEnds], ids=["memory", "tls", "nats"])
def perform(request: pytest.FixtureRequest, play: Play) -> Perform:
    """For what every route promises."""
    if request.param is RelayEnds:
        relay: NatsServer = request.getfixturevalue("relay")
        return lambda scene, introducing=(), refusing=(): play(run(RelayEnds(relay.address), scene))
    kind: type[MemoryEnds | TlsEnds] = request.param
    return lambda scene, introducing=(), refusing=(): play(run(kind(introducing, refusing), scene))


def test_both_owners_are_told_of_the_link_and_who_dialled(perform_joined: Perform) -> None:
    async def scene(ends: Ends) -> None:
        assert (ends.near.links, ends.far.links) == ([ends.near_link], [ends.far_link])
        assert (ends.near_link.outbound, ends.far_link.outbound) == (True, False)
        assert len(ends.near_link.peer) == len(ends.far_link.peer) == 32
        assert ends.near_link.peer != ends.far_link.peer
        assert ends.near_link.address

    perform_joined(scene)


@pytest.mark.slow
def test_frames_arrive_in_order_whole_and_unchanged_both_ways(perform: Perform) -> None:
    async def scene(ends: Ends) -> None:
        there = [bytes([number]) * (number * 37 + 1) for number in range(200)]
        back = [frame[::-1] + b"!" for frame in there]
        for frame, answer in zip(there, back, strict=True):
            ends.near_link.send([frame])
            ends.far_link.send([answer])
        await ends.until(lambda: len(ends.far.frames) == len(ends.near.frames) == 200)
        assert (ends.far.frames, ends.near.frames) == (there, back)

    perform(scene)


def test_frames_of_one_read_are_told_at_once(perform_joined: Perform) -> None:
    async def scene(ends: Ends) -> None:
        frames = [bytes([number]) * 50 for number in range(100)]
        ends.near_link.send(frames)
        await ends.until(lambda: bool(ends.far.reads))
        assert ends.far.reads == [frames]

    perform_joined(scene)


def test_largest_frame_passes(perform: Perform) -> None:
    async def scene(ends: Ends) -> None:
        frame = bytes(range(256)) * (FRAME_BYTES_MAX // 256)
        ends.near_link.send([b"before", frame, b"after"])
        await ends.until(lambda: len(ends.far.frames) == 3)
        assert ends.far.frames == [b"before", frame, b"after"]

    perform(scene)


@pytest.mark.parametrize("size", [0, FRAME_BYTES_MAX + 1])
def test_frame_out_of_bounds_is_refused_and_nothing_of_it_sent(perform: Perform, size: int) -> None:
    async def scene(ends: Ends) -> None:
        with pytest.raises(ValueError, match="a frame has"):
            ends.near_link.send([b"first", bytes(size)])
        ends.near_link.send([b"second"])
        await ends.until(lambda: bool(ends.far.reads))
        assert ends.far.frames == [b"second"]

    perform(scene)


def test_sending_no_frames_sends_nothing(perform: Perform) -> None:
    async def scene(ends: Ends) -> None:
        ends.near_link.send([])
        ends.near_link.send([b"x"])
        await ends.until(lambda: bool(ends.far.reads))
        assert ends.far.reads == [[b"x"]]

    perform(scene)


def test_close_is_told_once_to_both_and_not_before_it_returns(perform_joined: Perform) -> None:
    async def scene(ends: Ends) -> None:
        ends.near_link.close()
        ends.near_link.close()
        assert ends.near.ends == []
        await ends.until(lambda: bool(ends.near.ends and ends.far.ends))
        ends.near_link.close()
        ends.far_link.close()
        assert ends.near.ends == [(ends.near_link, "closed here")]
        assert ends.far.ends == [(ends.far_link, "closed by the peer")]

    perform_joined(scene)


def test_frames_sent_just_before_close_arrive_before_it(perform_joined: Perform) -> None:
    async def scene(ends: Ends) -> None:
        ends.near_link.send([b"last words"])
        ends.near_link.close()
        await ends.until(lambda: bool(ends.far.ends))
        assert ends.far.frames == [b"last words"]

    perform_joined(scene)


def test_both_may_close_at_once(perform: Perform) -> None:
    async def scene(ends: Ends) -> None:
        ends.near_link.close()
        ends.far_link.close()
        await ends.until(lambda: bool(ends.near.ends and ends.far.ends))
        assert (ends.near.reasons, ends.far.reasons) == (["closed here"], ["closed here"])

    perform(scene)


def test_send_after_close_is_ignored(perform: Perform) -> None:
    async def scene(ends: Ends) -> None:
        ends.near_link.close()
        ends.near_link.send([b"too late"])
        await ends.until_closed()
        ends.near_link.send([b"later still"])
        ends.far_link.send([b"and back"])
        assert (ends.near.frames, ends.far.frames) == ([], [])

    perform(scene)


def test_nothing_is_received_after_close(perform: Perform) -> None:
    async def scene(ends: Ends) -> None:
        ends.far_link.send([b"on its way"])
        ends.near_link.close()
        await ends.until_closed()
        assert ends.near.frames == []

    perform(scene)


@pytest.mark.slow
def test_congested_link_drains_once_the_peer_has_read(perform: Perform) -> None:
    async def scene(ends: Ends) -> None:
        frames = [bytes([number]) * FRAME_BYTES_MAX for number in range(1, 100)]
        before = ends.near_link.congested
        ends.near_link.send(frames)
        after = ends.near_link.congested
        assert (before, after) == (False, True)
        await ends.until(lambda: bool(ends.near.drained_links))
        await ends.until(lambda: len(ends.far.frames) == len(frames))
        assert ends.far.frames == frames
        assert ends.near.drained_links == [ends.near_link]

    assert 99 * FRAME_BYTES_MAX > CONGESTED_BYTES
    perform(scene)


def test_link_whose_owner_sends_on_regardless_is_closed(perform: Perform) -> None:
    async def scene(ends: Ends) -> None:
        for _ in range(3 * WAITING_BYTES_MAX // (16 * FRAME_BYTES_MAX)):
            ends.near_link.send([bytes(FRAME_BYTES_MAX)] * 16)
        await ends.until_closed()
        assert ends.near.reasons in (["the peer takes nothing"], ["the relay takes nothing"])

    perform(scene)


# Introductions.


@pytest.mark.parametrize("introducing", [("near",), ("far",), ("near", "far")], ids=["near", "far", "both"])
def test_new_key_whose_introduction_is_accepted_is_let_in(perform_joined: Perform, introducing: Sequence[End]) -> None:
    near, far = NEW_NEAR if "near" in introducing else NEAR, NEW_FAR if "far" in introducing else FAR

    async def scene(ends: Ends) -> None:
        assert (ends.near_link.peer, ends.far_link.peer) == (far, near)
        assert ends.near.questions == ([(DOOR, far, INTRODUCTION)] if "far" in introducing else [])
        assert ends.far.questions == ([(DOOR, near, INTRODUCTION)] if "near" in introducing else [])
        ends.near_link.send([b"there"])
        ends.far_link.send([b"back"])
        await ends.until(lambda: ends.far.frames == [b"there"] and ends.near.frames == [b"back"])
        assert ends.near.ends == ends.far.ends == []

    perform_joined(scene, introducing)


@pytest.mark.parametrize(
    ("introducing", "refusing"),
    [(("near",), ("far",)), (("far",), ("near",)), (("near", "far"), ("far",)), (("near", "far"), ("near",))],
    ids=["listener refuses", "dialler refuses", "listener refuses, both new", "dialler refuses, both new"],
)
def test_no_owner_is_told_of_a_link_where_one_refuses_an_introduction(
    perform_joined: Perform, introducing: Sequence[End], refusing: Sequence[End]
) -> None:
    told: list[Ends] = []

    async def scene(ends: Ends) -> None:
        told.append(ends)
        # The dialler is asked first, and shows nothing of itself to whom it refuses.
        assert ends.near.questions == ([(DOOR, NEW_FAR, INTRODUCTION)] if "far" in introducing else [])
        assert ends.far.questions == ([(DOOR, NEW_NEAR, INTRODUCTION)] if refusing == ("far",) else [])

    perform_joined(scene, introducing, refusing)
    assert [(ends.near.links, ends.far.links) for ends in told] == [([], [])]
