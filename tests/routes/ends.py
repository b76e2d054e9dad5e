"""Two ends of a route, joined for a test, and owners that write down what they are told."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeAlias

from watchline.routes import Address, Attempt, Link, Outcome
from watchline.routes.address import parse_relay_address
from watchline.routes.memory import MemoryClock, MemoryRoute
from watchline.routes.nats import NatsJoiner
from watchline.routes.relays import Boxes, RelayAccess
from watchline.routes.retries import Backoff
from watchline.routes.tls import TlsDialer, TlsListener, TlsRoute, key_fingerprint, self_signed_certificate

DOOR = "k3v9q2"
NEAR_SEED, FAR_SEED, OTHER_SEED = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32
NEW_NEAR_SEED, NEW_FAR_SEED = bytes([4]) * 32, bytes([5]) * 32  # known to the other end by no more than an introduction
NEAR, FAR, NEW_NEAR, NEW_FAR = (
    key_fingerprint(self_signed_certificate(seed)) for seed in (NEAR_SEED, FAR_SEED, NEW_NEAR_SEED, NEW_FAR_SEED)
)
INTRODUCTION = b"sealed for the peer"
LOOPBACK = Address("127.0.0.1", 0)
PATIENCE_SECONDS = 10.0

End: TypeAlias = Literal["near", "far"]


class Owner:
    """Remembers every call, and checks the order that the contract promises."""

    def __init__(self, changed: asyncio.Event | None = None) -> None:
        self.links: list[Link] = []
        self.reads: list[list[bytes]] = []
        self.drained_links: list[Link] = []
        self.ends: list[tuple[Link, str]] = []
        self.attempts: list[tuple[Address, Outcome]] = []
        self.questions: list[tuple[str, bytes, bytes]] = []
        self.lets_in: Callable[[str, bytes], bool] = lambda door, fingerprint: False
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

    def introduced(self, door: str, fingerprint: bytes, introduction: bytes) -> bool:
        self.questions.append((door, fingerprint, introduction))
        self.changed.set()
        return self.lets_in(door, fingerprint)

    def closed(self, link: Link, reason: str) -> None:
        self._is_living(link)
        self.ends.append((link, reason))
        self.changed.set()

    def attempt(self, address: Address, outcome: Outcome) -> None:
        self.attempts.append((address, outcome))
        self.changed.set()

    def joining(self, outcome: Outcome, reason: str) -> None:
        assert bool(reason) == (outcome != "connected")
        self.attempt(LOOPBACK, outcome)

    def _is_living(self, link: Link) -> None:
        assert link in self.links
        assert link not in [gone for gone, _ in self.ends]


class Ends(Protocol):
    """Two joined links and their owners; `until` lets the route work until something holds.

    `until_closed` waits for the end of the near link, and of the far one where that ends with it.
    """

    near: Owner
    far: Owner
    near_link: Link
    far_link: Link

    async def until(self, condition: Callable[[], bool]) -> None: ...

    async def until_closed(self) -> None: ...


class MemoryEnds:
    near_link: Link
    far_link: Link

    def __init__(self, introducing: Sequence[End] = (), refusing: Sequence[End] = ()) -> None:
        """introducing: ends with a new key and an introduction. refusing: ends that accept none."""
        self.near, self.far, self.clock = Owner(), Owner(), MemoryClock()
        self._introducing = introducing
        self.near.lets_in = lambda door, fingerprint: "near" not in refusing
        self.far.lets_in = lambda door, fingerprint: "far" not in refusing

    async def open(self) -> None:
        self.near_link, self.far_link = MemoryRoute(self.clock, random.Random(1)).join(
            self.near,
            NEW_FAR if "far" in self._introducing else FAR,
            self.far,
            NEW_NEAR if "near" in self._introducing else NEAR,
            door=DOOR,
            near_introduction=INTRODUCTION if "near" in self._introducing else None,
            far_introduction=INTRODUCTION if "far" in self._introducing else None,
        )

    async def close(self) -> None:
        self.clock.advance(1.0)

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            assert self.clock.step(), "nothing more will happen"

    async def until_closed(self) -> None:
        await self.until(lambda: bool(self.near.ends and self.far.ends))


class TlsEnds:
    """`near` dials, `far` listens."""

    near_link: Link
    far_link: Link

    def __init__(self, introducing: Sequence[End] = (), refusing: Sequence[End] = ()) -> None:
        """introducing: ends with a new key and an introduction. refusing: ends that accept none."""
        changed = asyncio.Event()
        self.near, self.far, self._changed = Owner(changed), Owner(changed), changed
        self.near_route = TlsRoute(NEW_NEAR_SEED if "near" in introducing else NEAR_SEED, self.near)
        self.far_route = TlsRoute(NEW_FAR_SEED if "far" in introducing else FAR_SEED, self.far)
        self.near_route.admit(FAR, DOOR)
        self.far_route.admit(NEAR, DOOR)
        if "near" in introducing:
            self.near_route.introduce(DOOR, INTRODUCTION)
        if "far" in introducing:
            self.far_route.introduce(DOOR, INTRODUCTION)
        if "near" not in refusing:
            self.near.lets_in = in_place_of(FAR, self.near_route)
        if "far" not in refusing:
            self.far.lets_in = in_place_of(NEAR, self.far_route)

    async def open(self) -> None:
        listener = await self.far_route.listen(LOOPBACK)
        self.dialer = self.near_route.dial(FAR, DOOR, listener.address, attempt=self.near.attempt, uniform=never_again)
        await self.until(lambda: bool(self.near.outcomes))
        if self.near.outcomes == ["connected"]:
            await self.until(lambda: bool(self.near.links and self.far.links))
            self.near_link, self.far_link = self.near.links[0], self.far.links[0]

    async def until(self, condition: Callable[[], bool]) -> None:
        await until(self._changed, condition)

    async def until_closed(self) -> None:
        await self.until(lambda: bool(self.near.ends and self.far.ends))

    async def close(self) -> None:
        await self.near_route.close()
        await self.far_route.close()


class RelayEnds:
    """Two desks' ends of one line at one relay, each joined to it by itself; the boxes are new ones."""

    near_link: Link
    far_link: Link

    def __init__(self, address: str) -> None:
        changed = asyncio.Event()
        self.near, self.far, self._changed = Owner(changed), Owner(changed), changed
        self.boxes = Boxes(os.urandom(16).hex(), os.urandom(16).hex())
        self._address = address

    async def open(self) -> None:
        self.near_joiner = self.join(self.near, FAR, self.boxes)
        self.far_joiner = self.join(self.far, NEAR, Boxes(self.boxes.takes, self.boxes.sends))
        await self.until(lambda: bool(self.near.outcomes and self.far.outcomes))
        assert (self.near.outcomes, self.far.outcomes) == (["connected"], ["connected"])
        self.near_link, self.far_link = self.near.links[0], self.far.links[0]

    def join(self, owner: Owner, peer: bytes, boxes: Boxes) -> NatsJoiner:
        return join(self._address, owner, peer, boxes)

    async def until(self, condition: Callable[[], bool]) -> None:
        await until(self._changed, condition)

    async def until_closed(self) -> None:
        await self.until(lambda: bool(self.near.ends))

    async def close(self) -> None:
        await self.near_joiner.close()
        await self.far_joiner.close()


def join(
    address: str,
    owner: Owner,
    peer: bytes,
    boxes: Boxes,
    *,
    access: RelayAccess | None = None,
    uniform: Callable[[float, float], float] | None = None,
    answer_seconds: float = 10.0,
) -> NatsJoiner:
    """Join an owner to a relay; without `uniform`, one attempt is all it makes."""
    return NatsJoiner(
        parse_relay_address(address),
        boxes,
        peer,
        owner,
        access=access or RelayAccess(),
        attempt=owner.joining,
        uniform=uniform or never_again,
        backoff=Backoff(),
        answer_seconds=answer_seconds,
    )


async def until(changed: asyncio.Event, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            changed.clear()
            await changed.wait()


def in_place_of(old: bytes, route: TlsRoute) -> Callable[[str, bytes], bool]:
    """What an owner does that accepts an introduction."""

    def lets_in(door: str, fingerprint: bytes) -> bool:
        route.admit(fingerprint, door)
        route.dismiss(old, door)
        return True

    return lets_in


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
