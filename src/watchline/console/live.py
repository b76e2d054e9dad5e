"""The stream of the console: one snapshot of the screen, made when something changed, for every browser that listens.

A heartbeat says that the screen is true now. So none goes out while the snapshot cannot be made: the browsers then say
themselves that they are not live.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog

from watchline.core.setting import Moment
from watchline.errors import WatchlineError

HEARTBEAT_SECONDS = 5.0
LOOK_SECONDS = 1.0  # some things change by time alone
PAUSE_SECONDS = 0.25  # at most four snapshots a second
SHARE_MAX = 0.1  # and at most this part of the node's time
STREAMS_MAX = 8
ARMED_SECONDS = 30.0

log = structlog.get_logger()


class Stream:
    """One browser that listens. name: the console's, new with each connection. session: the name of whose it is."""

    def __init__(self, name: str, session: str) -> None:
        self.name = name
        self.session = session
        self.armed_until = 0.0
        self.news = asyncio.Event()
        self.is_over = False


class Live:
    """Makes the snapshots and hands them out. take: makes one, as JSON in one line. moment: the node's clocks and chance."""

    def __init__(self, take: Callable[[], Awaitable[str]], moment: Callable[[], Moment]) -> None:
        self.streams: dict[str, Stream] = {}
        self._take = take
        self._moment = moment
        self._changed = asyncio.Event()
        self._snapshot = ""
        self._true_at = float("-inf")

    def stop(self) -> None:
        """Let every stream end."""
        for stream in self.streams.values():
            stream.is_over = True
            stream.news.set()

    def touch(self) -> None:
        """Something changed."""
        self._changed.set()

    @property
    def has_room(self) -> bool:
        """Whether one more browser may listen."""
        return len(self.streams) < STREAMS_MAX

    def open(self, session: str) -> Stream:
        """One more browser listens; the caller saw that there is room."""
        stream = Stream(self._moment().random(8).hex(), session)
        self.streams[stream.name] = stream
        self._snapshot = ""  # the next one is news for everybody
        self.touch()
        return stream

    def close(self, stream: Stream) -> None:
        """A browser listens no more."""
        self.streams.pop(stream.name, None)

    def arm(self, stream: Stream, armed: bool) -> None:
        """Whether this console can make noise; it has to say so again within ARMED_SECONDS."""
        stream.armed_until = self._moment().running + ARMED_SECONDS if armed else 0.0

    def is_armed(self, stream: Stream) -> bool:
        """Whether this console can make noise now."""
        return self._moment().running < stream.armed_until

    @property
    def armed(self) -> int:
        """How many consoles can make noise now."""
        return sum(map(self.is_armed, self.streams.values()))

    async def run(self) -> None:
        """Make snapshots while anybody listens, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS if self.streams else None):
                    await self._changed.wait()
            self._changed.clear()
            if not self.streams:
                continue
            began = self._moment().running
            await self._look()
            await asyncio.sleep(max(PAUSE_SECONDS, (self._moment().running - began) / SHARE_MAX))

    async def _look(self) -> None:
        try:
            snapshot = await self._take()
        except WatchlineError as error:
            log.warning("console.snapshot", message=error.message)
            return
        self._true_at = self._moment().running
        if snapshot != self._snapshot:
            self._snapshot = snapshot
            for stream in self.streams.values():
                stream.news.set()

    async def events(self, stream: Stream, lives: Callable[[], bool]) -> AsyncIterator[str]:
        """What one browser hears, as text/event-stream, until its session has ended. lives: whether it goes on."""
        yield _event("hello", {"console": stream.name, "now": self._moment().wall})
        while lives():
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await stream.news.wait()
            if stream.is_over:
                return
            if stream.news.is_set():
                stream.news.clear()
                yield f"event: snapshot\ndata: {self._snapshot}\n\n"
            elif self._moment().running - self._true_at < HEARTBEAT_SECONDS:
                yield _event("heartbeat", {"now": self._moment().wall})


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
