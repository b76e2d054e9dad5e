"""The console's stream: news when there are any, a heartbeat only while the screen is true, and an end with the session."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from tests.console.browsers import heard
from watchline.console.live import ARMED_SECONDS, STREAMS_MAX, Live
from watchline.core.setting import Moment
from watchline.errors import UsageError


class Clock:
    running = 1_000.0

    def __call__(self) -> Moment:
        return Moment(1_700_000_000, self.running, random.Random(3).randbytes)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("HEARTBEAT_SECONDS", 0.02), ("LOOK_SECONDS", 0.01), ("PAUSE_SECONDS", 0.001)):
        monkeypatch.setattr(f"watchline.console.live.{name}", seconds)


def forever() -> bool:
    return True


async def listen(take: Callable[[], Awaitable[str]], count: int) -> list[str]:
    live = Live(take, Clock())
    task = asyncio.create_task(live.run())
    names = await heard(live.events(live.open("session"), forever), count)
    task.cancel()
    return names


def test_news_come_once_and_then_a_heartbeat() -> None:
    async def take() -> str:
        return "{}"

    assert asyncio.run(listen(take, 4)) == ["hello", "snapshot", "heartbeat", "heartbeat"]


def test_each_change_is_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchline.console.live.HEARTBEAT_SECONDS", 3_600.0)
    taken: list[str] = []

    async def take() -> str:
        taken.append(f"{len(taken)}")
        return taken[-1]

    assert asyncio.run(listen(take, 5)) == ["hello", *["snapshot"] * 4]


def test_screen_that_cannot_be_made_has_no_heartbeat() -> None:
    async def run() -> None:
        tried = [asyncio.Event(), asyncio.Event()]

        async def take() -> str:
            tried[tried[0].is_set()].set()
            raise UsageError("the journal is over")

        listening = asyncio.create_task(listen(take, 2))
        for each in tried:
            await each.wait()
        done, _ = await asyncio.wait([listening], timeout=0.1)  # five heartbeats long
        assert done == set()
        listening.cancel()

    asyncio.run(run())


def test_nothing_is_made_while_nobody_listens() -> None:
    tried: list[bool] = []

    async def take() -> str:
        tried.append(True)
        return "{}"

    async def run() -> None:
        live = Live(take, Clock())
        live.touch()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(live.run(), 0.05)

    asyncio.run(run())
    assert tried == []


def test_stream_ends_with_its_session_and_when_the_console_stops() -> None:
    async def take() -> str:
        return "{}"

    async def run() -> None:
        live = Live(take, Clock())
        assert len([event async for event in live.events(live.open("session"), lambda: False)]) == 1
        stream = live.open("session")
        live.stop()
        assert len([event async for event in live.events(stream, forever)]) == 1

    asyncio.run(run())


def test_streams_are_bounded_and_one_that_closed_makes_room() -> None:
    async def run() -> None:
        live = Live(lambda: asyncio.sleep(0, "{}"), random_clock())
        streams = [live.open("session") for _ in range(STREAMS_MAX)]
        assert not live.has_room
        live.close(streams[0])
        assert live.has_room

    asyncio.run(run())


def test_armed_console_has_to_say_so_again() -> None:
    async def run() -> None:
        clock = Clock()
        live = Live(lambda: asyncio.sleep(0, "{}"), clock)
        stream = live.open("session")
        assert live.armed == 0
        live.arm(stream, True)
        clock.running += ARMED_SECONDS - 0.1
        assert live.armed == 1
        clock.running += 0.1
        assert live.armed == 0
        live.arm(stream, True)
        live.arm(stream, False)
        assert live.armed == 0
        live.arm(stream, True)
        live.close(stream)
        assert live.armed == 0

    asyncio.run(run())


def random_clock() -> Callable[[], Moment]:
    source = random.Random(5)
    return lambda: Moment(1_700_000_000, 1_000.0, source.randbytes)
