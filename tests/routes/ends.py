"""Two ends of a route, joined for a test, and owners that write down what they are told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Protocol

from watchline.routes import Address, Attempt, Link, Outcome
from watchline.routes.memory import MemoryClock, MemoryRoute
from watchline.routes.tls import TlsDialer, TlsListener, TlsRoute

DOOR = "k3v9q2"
NEAR_SEED, FAR_SEED, OTHER_SEED = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32
LOOPBACK = Address("127.0.0.1", 0)
PATIENCE_SECONDS = 10.0


class Owner:
    """Remembers every call, and checks the order that the contract promises."""

    def __init__(self, changed: asyncio.Event | None = None) -> None:
        self.links: list[Link] = []
        self.reads: list[list[bytes]] = []
        self.drained_links: list[Link] = []
        self.ends: list[tuple[Link, str]] = []
        self.attempts: list[tuple[Address, Outcome]] = []
        self.changed = changed or asyncio.Event()

    @property
    def frames(self) -> list[bytes]:
        return [frame for read in self.reads for frame in read]

    @property
    def reasons(self) -> list[str]:
        return [reason for _, reason in self.ends]

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for _, outcome in self.attempts]

    async def until(self, condition: Callable[[], bool]) -> None:
        await until(self.changed, condition)

    def opened(self, link: Link) -> None:
        assert link not in self.links
        self.links.append(link)
        self.changed.set()

    def received(self, link: Link, frames: list[bytes]) -> None:
        self._is_living(link)
        assert frames
        self.reads.append(frames)
        self.changed.set()

    def drained(self, link: Link) -> None:
        self._is_living(link)
        assert not link.congested
        self.drained_links.append(link)
        self.changed.set()

    def closed(self, link: Link, reason: str) -> None:
        self._is_living(link)
        self.ends.append((link, reason))
        self.changed.set()

    def attempt(self, address: Address, outcome: Outcome) -> None:
        self.attempts.append((address, outcome))
        self.changed.set()

    def _is_living(self, link: Link) -> None:
        assert link in self.links
        assert link not in [gone for gone, _ in self.ends]


class Ends(Protocol):
    """Two joined links and their owners; `until` lets the route work until something holds."""

    near: Owner
    far: Owner
    near_link: Link
    far_link: Link

    async def until(self, condition: Callable[[], bool]) -> None: ...


class MemoryEnds:
    def __init__(self) -> None:
        self.near, self.far, self.clock = Owner(), Owner(), MemoryClock()
        route = MemoryRoute(self.clock, random.Random(1))
        near_link, far_link = route.join(self.near, b"F" * 32, self.far, b"N" * 32)
        self.near_link: Link = near_link
        self.far_link: Link = far_link

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            assert self.clock.step(), "nothing more will happen"


class TlsEnds:
    """`near` dials, `far` listens."""

    near_link: Link
    far_link: Link

    def __init__(self) -> None:
        changed = asyncio.Event()
        self.near, self.far, self._changed = Owner(changed), Owner(changed), changed
        self.near_route, self.far_route = paired_routes(self.near, self.far)

    async def open(self) -> None:
        listener = await self.far_route.listen(LOOPBACK)
        self.dialer = dial(self.near_route, self.far_route, listener, self.near.attempt)
        await self.until(lambda: bool(self.near.links and self.far.links))
        self.near_link, self.far_link = self.near.links[0], self.far.links[0]

    async def until(self, condition: Callable[[], bool]) -> None:
        await until(self._changed, condition)

    async def close(self) -> None:
        await self.near_route.close()
        await self.far_route.close()


async def until(changed: asyncio.Event, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            changed.clear()
            await changed.wait()


def paired_routes(near: Owner, far: Owner, *, handshake_seconds: float = 5.0) -> tuple[TlsRoute, TlsRoute]:
    near_route = TlsRoute(NEAR_SEED, near, handshake_seconds=handshake_seconds)
    far_route = TlsRoute(FAR_SEED, far, handshake_seconds=handshake_seconds)
    near_route.admit(far_route.fingerprint, DOOR)
    far_route.admit(near_route.fingerprint, DOOR)
    return near_route, far_route


def never_again(low: float, high: float) -> float:
    """A wait that outlasts the test, so that a dialer tries once."""
    return 3600.0


def at_once(low: float, high: float) -> float:
    return 0.0


def dial(
    route: TlsRoute,
    to: TlsRoute,
    listener: TlsListener,
    attempt: Attempt,
    uniform: Callable[[float, float], float] = never_again,
) -> TlsDialer:
    return route.dial(to.fingerprint, DOOR, listener.address, attempt=attempt, uniform=uniform)
