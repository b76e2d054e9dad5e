"""Attempts, their outcomes, and the waits between them."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from tests.routes.conftest import Play
from tests.routes.ends import DOOR, LOOPBACK, Owner, TlsEnds, at_once, dial, never_again, paired_routes
from watchline.routes import Address
from watchline.routes.retries import Backoff


async def closed_port(ends: TlsEnds) -> Address:
    listener = await ends.far_route.listen(LOOPBACK)
    listener.close()
    await asyncio.sleep(0)
    return listener.address


def test_closed_port_is_refused(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        address = await closed_port(ends)
        ends.near_route.dial(ends.far_route.fingerprint, DOOR, address, attempt=ends.near.attempt, uniform=never_again)
        await ends.until(lambda: ends.near.attempts == [(address, "refused")])
        await ends.close()

    play(scene())


def test_unknown_host_is_unreachable(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        address = Address("nowhere.invalid", 7400)
        ends.near_route.dial(ends.far_route.fingerprint, DOOR, address, attempt=ends.near.attempt, uniform=never_again)
        await ends.until(lambda: ends.near.attempts == [(address, "unreachable")])
        await ends.close()

    play(scene())


def test_host_that_accepts_and_says_nothing_is_a_timeout(play: Play) -> None:
    async def scene() -> None:
        owner = Owner()
        near, far = paired_routes(owner, owner, handshake_seconds=0.05)

        async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
        address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
        near.dial(far.fingerprint, DOOR, address, attempt=owner.attempt, uniform=never_again)
        await owner.until(lambda: owner.attempts == [(address, "timeout")])
        await near.close()
        server.close()

    play(scene())


def test_whole_attempt_has_a_limit_too(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        listener = await ends.far_route.listen(LOOPBACK)
        ends.near_route.dial(
            ends.far_route.fingerprint,
            DOOR,
            listener.address,
            attempt=ends.near.attempt,
            uniform=never_again,
            attempt_seconds=0.0,
        )
        await ends.until(lambda: ends.near.attempts == [(listener.address, "timeout")])
        assert ends.near.links == []
        await ends.close()

    play(scene())


def test_lost_link_is_dialled_again(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        listener = await ends.far_route.listen(LOOPBACK)
        dial(ends.near_route, ends.far_route, listener, ends.near.attempt, at_once)
        for count in (1, 2, 3):
            await ends.until(lambda count=count: len(ends.far.links) == len(ends.near.links) == count)  # type: ignore[misc]
            ends.far.links[-1].close()
        await ends.until(lambda: len(ends.near.ends) == 3)
        assert ends.near.outcomes[:3] == ["connected"] * 3
        await ends.close()

    play(scene())


def test_waits_are_drawn_from_ranges_that_double(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        ranges: list[tuple[float, float]] = []

        def draw(low: float, high: float) -> float:
            ranges.append((low, high))
            return 0.0

        address = await closed_port(ends)
        backoff = Backoff(first_seconds=1.0, most_seconds=5.0)
        ends.near_route.dial(
            ends.far_route.fingerprint, DOOR, address, attempt=ends.near.attempt, uniform=draw, backoff=backoff
        )
        await ends.until(lambda: len(ends.near.attempts) >= 6)
        assert ranges[:5] == [(0.0, 1.0), (0.0, 2.0), (0.0, 4.0), (0.0, 5.0), (0.0, 5.0)]
        await ends.close()

    play(scene())


def test_link_that_lived_long_enough_sets_the_waits_back(play: Play) -> None:
    async def ranges_of_three(settled_seconds: float) -> list[float]:
        ends = TlsEnds()
        ranges: list[float] = []

        def draw(low: float, high: float) -> float:
            ranges.append(high)
            return 0.0

        listener = await ends.far_route.listen(LOOPBACK)
        backoff = Backoff(first_seconds=1.0, most_seconds=5.0, settled_seconds=settled_seconds)
        ends.near_route.dial(
            ends.far_route.fingerprint, DOOR, listener.address, attempt=ends.near.attempt, uniform=draw, backoff=backoff
        )
        for count in (1, 2, 3):
            await ends.until(lambda count=count: len(ends.far.links) == len(ends.near.links) == count)  # type: ignore[misc]
            ends.far.links[-1].close()
        await ends.until(lambda: len(ranges) >= 3)
        await ends.close()
        return ranges[:3]

    async def scene() -> None:
        assert await ranges_of_three(settled_seconds=3600.0) == [1.0, 2.0, 4.0]
        assert await ranges_of_three(settled_seconds=0.0) == [1.0, 1.0, 1.0]

    play(scene())


@given(st.integers(1, 10_000))
def test_range_never_leaves_its_bounds(failures: int) -> None:
    assert 0.5 <= Backoff().range_seconds(failures) <= 60.0


def test_hurried_dialer_does_not_wait(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        address = await closed_port(ends)
        dialer = ends.near_route.dial(ends.far_route.fingerprint, DOOR, address, attempt=ends.near.attempt, uniform=never_again)
        await ends.until(lambda: ends.near.outcomes == ["refused"])
        await ends.far_route.listen(address)
        dialer.hurry()
        await ends.until(lambda: ends.near.outcomes == ["refused", "connected"])
        await ends.close()

    play(scene())


def test_closed_dialer_closes_its_link_and_dials_no_more(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        listener = await ends.far_route.listen(LOOPBACK)
        dialer = dial(ends.near_route, ends.far_route, listener, ends.near.attempt, at_once)
        await ends.until(lambda: ends.near.outcomes == ["connected"])
        dialer.close()
        await ends.until(lambda: bool(ends.near.ends and ends.far.ends))
        assert ends.near.reasons == ["closed here"]
        await asyncio.wait([dialer.task])
        assert ends.near.outcomes == ["connected"]
        await ends.close()

    play(scene())


def test_dialer_closed_in_the_middle_of_an_attempt_leaves_nothing(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        listener = await ends.far_route.listen(LOOPBACK)
        for turns in range(12):
            dialer = dial(ends.near_route, ends.far_route, listener, ends.near.attempt, at_once)
            for _ in range(turns):
                await asyncio.sleep(0)
            dialer.close()
            await asyncio.wait([dialer.task])
        await ends.close()
        assert len(ends.near.links) == len(ends.near.ends)
        assert len(ends.far.links) == len(ends.far.ends)

    play(scene())
