"""What somebody gets who is not let in, and what it costs the listener."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.routes.conftest import Play
from tests.routes.ends import DOOR, LOOPBACK, Owner, dial, paired_routes
from tests.routes.strangers import client_hello, stranger
from watchline.routes.listener import PENDING_MAX
from watchline.routes.tls import TlsListener, TlsRoute


@asynccontextmanager
async def listening(*, handshake_seconds: float = 5.0) -> AsyncIterator[tuple[TlsRoute, TlsRoute, TlsListener, Owner]]:
    owner = Owner()
    near, far = paired_routes(owner, owner, handshake_seconds=handshake_seconds)
    try:
        yield near, far, await far.listen(LOOPBACK), owner
    finally:
        await near.close()
        await far.close()


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        bytes(1000),
        b"\x16\x03\x01\xff\xff",
        client_hello("unknown"),
        client_hello(DOOR) + b"\x16\x03\x03",
    ],
    ids=["http", "zeros", "long record", "unknown door", "bytes left over"],
)
def test_stranger_without_a_door_hears_nothing(play: Play, said: bytes) -> None:
    async def scene() -> None:
        async with listening() as (_, _, listener, owner), stranger(listener.address) as someone:
            someone.say(said)
            assert await someone.hear_all() == b""
            assert (listener.strangers.without_door, listener.pending) == (1, 0)
            assert owner.links == []

    play(scene())


def test_stranger_that_hangs_up_in_its_hello_is_forgotten(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (_, _, listener, _), stranger(listener.address) as someone:
            someone.say(client_hello(DOOR)[:500])
            someone.writer.write_eof()
            assert await someone.hear_all() == b""
            assert (listener.strangers.without_door, listener.pending) == (1, 0)

    play(scene())


def test_half_a_hello_is_dropped_at_the_deadline_and_hears_nothing(play: Play) -> None:
    async def scene() -> None:
        async with listening(handshake_seconds=0.05) as (_, _, listener, _), stranger(listener.address) as someone:
            someone.say(client_hello(DOOR)[:500])
            assert await someone.hear_all() == b""
            assert (listener.strangers.late, listener.pending) == (1, 0)

    play(scene())


def test_known_door_and_then_silence_is_dropped_at_the_deadline(play: Play) -> None:
    async def scene() -> None:
        async with listening(handshake_seconds=0.05) as (_, _, listener, owner), stranger(listener.address) as someone:
            someone.say(client_hello(DOOR))
            assert (await someone.hear_all())[:1] == b"\x16"
            assert (listener.strangers.late, listener.pending) == (1, 0)
            assert owner.links == []

    play(scene())


def test_known_door_and_then_garbage_is_refused(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (_, _, listener, _), stranger(listener.address) as someone:
            someone.say(client_hello(DOOR))
            await someone.hear_something()
            someone.say(b"\x17\x03\x03\x00\x20" + bytes(32))
            await someone.hear_all()
            assert (listener.strangers.failed, listener.pending) == (1, 0)

    play(scene())


def test_known_door_and_then_more_than_16_kib_is_refused(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (_, _, listener, _), stranger(listener.address) as someone:
            someone.say(client_hello(DOOR))
            await someone.hear_something()
            someone.say((b"\x17\x03\x03\x40\x00" + bytes(16_384))[:16_384])  # one record that never becomes whole
            await someone.hear_all()
            assert (listener.strangers.failed, listener.pending) == (1, 0)

    play(scene())


def test_seventeenth_handshake_takes_the_place_of_the_oldest_without_a_door(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (_, _, listener, _), AsyncExitStack() as stack:
            waiting = [await stack.enter_async_context(stranger(listener.address)) for _ in range(PENDING_MAX + 1)]
            assert await waiting[0].hear_all() == b""
            assert not any(someone.is_cut_off for someone in waiting[1:])
            assert (listener.pending, listener.strangers.crowded) == (PENDING_MAX, 1)

    play(scene())


def test_seventeenth_handshake_is_closed_at_once_where_all_have_named_a_door(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (_, _, listener, _), AsyncExitStack() as stack:
            waiting = [await stack.enter_async_context(stranger(listener.address)) for _ in range(PENDING_MAX)]
            for someone in waiting:
                someone.say(client_hello(DOOR))
                await someone.hear_something()
            async with stranger(listener.address) as one_more:
                assert await one_more.hear_all() == b""
            assert not any(someone.is_cut_off for someone in waiting)
            assert (listener.pending, listener.strangers.crowded) == (PENDING_MAX, 1)

    play(scene())


def test_peer_gets_in_while_idle_strangers_hold_every_place(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (near, far, listener, owner), AsyncExitStack() as stack:
            for _ in range(3 * PENDING_MAX):
                await stack.enter_async_context(stranger(listener.address))
            dial(near, far, listener, owner.attempt)
            await owner.until(lambda: owner.outcomes == ["connected"])

    play(scene())


def test_links_do_not_count_as_handshakes(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (near, far, listener, owner):
            for count in range(1, PENDING_MAX + 5):
                dial(near, far, listener, owner.attempt)
                await owner.until(lambda count=count: len(owner.links) == 2 * count)  # type: ignore[misc]
            assert listener.pending == 0

    play(scene())


def test_closed_listener_drops_handshakes_under_way(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (_, _, listener, _), stranger(listener.address) as someone:
            someone.say(client_hello(DOOR))
            await someone.hear_something()
            listener.close()
            await someone.hear_all()
            assert listener.pending == 0

    play(scene())
