"""A route within one process, with faults and under a clock that a test advances: for tests and for simulation.

It keeps the contract of routes.Link. With `Faults()` it behaves as the direct route does; with others it loses, repeats and
reorders frames, as a relay may. The same random source and the same calls give the same run, always.

    clock = MemoryClock()
    route = MemoryRoute(clock, random.Random(7), Faults(loss=0.1, delay_seconds=(0.01, 2.0)))
    near, far = route.join(near_owner, b"B" * 32, far_owner, b"A" * 32)
    near.send([b"hello"])
    clock.advance(5.0)
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watchline.routes import CONGESTED_BYTES, DIRECT, WAITING_BYTES_MAX, LinkOwner
from watchline.routes.framing import format_frames


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong with frames. Each probability is from 0 to 1 and is drawn for every frame by itself.

    delay_seconds: how long a frame is under way, drawn between the two. A reordered frame is held back so long again, up to
    four times, and those behind it do not wait for it. A repeated frame comes twice.
    """

    loss: float = 0.0
    repetition: float = 0.0
    reordering: float = 0.0
    delay_seconds: tuple[float, float] = (0.001, 0.001)


class MemoryClock:
    """Time that passes only when told to; it begins at 0."""

    def __init__(self) -> None:
        self.now_seconds = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._asked = 0

    def call_at(self, when_seconds: float, action: Callable[[], None]) -> None:
        """Run something when that time comes, at the earliest in the next step; of the same time, the first asked for first."""
        self._asked += 1
        heapq.heappush(self._due, (max(when_seconds, self.now_seconds), self._asked, action))

    def step(self) -> bool:
        """Go to the next thing that is due and run it; False if nothing is."""
        if not self._due:
            return False
        self.now_seconds, _, action = heapq.heappop(self._due)
        action()
        return True

    def advance(self, seconds: float) -> None:
        """Let so much time pass, and run all that comes due, in order."""
        until = self.now_seconds + seconds
        while self._due and self._due[0][0] <= until:
            self.step()
        self.now_seconds = until


class MemoryRoute:
    """Joins two owners by pairs of links with the same faults both ways."""

    def __init__(self, clock: MemoryClock, source: random.Random, faults: Faults | None = None) -> None:
        self.clock = clock
        self.source = source
        self.faults = faults or Faults()
        self._joined = 0

    def join(
        self,
        near: LinkOwner,
        near_peer: bytes,
        far: LinkOwner,
        far_peer: bytes,
        *,
        door: str = "memory",
        kind: str = DIRECT,
        near_introduction: bytes | None = None,
        far_introduction: bytes | None = None,
    ) -> tuple[MemoryLink, MemoryLink]:
        """Open a link between two owners; both are told before it returns. The near one is the one that dialled.

        near_peer: whom the near owner sees at the other end, a fingerprint of 32 bytes. far_peer: the same for the far one.
        door: what the two owners know their line by here. kind: another than DIRECT makes links as of a relay that never fails.

        near_introduction: what the near end shows because its key is new; then the far owner is asked `introduced`, with no
        limit per second. far_introduction: the same the other way; that is asked first. If either says False the links that
        are returned are closed ones, and no owner is told of them.
        """
        self._joined += 1
        links = (
            MemoryLink(self, near, near_peer, f"memory:{self._joined}", outbound=True, kind=kind),
            MemoryLink(self, far, far_peer, f"memory:{self._joined}", outbound=False, kind=kind),
        )
        links[0].other, links[1].other = links[1], links[0]
        if not (
            (far_introduction is None or near.introduced(door, near_peer, far_introduction))
            and (near_introduction is None or far.introduced(door, far_peer, near_introduction))
        ):
            for link in links:
                link.is_closed = True
            return links
        near.opened(links[0])
        far.opened(links[1])
        return links


class MemoryLink:
    """One end of a pair."""

    other: MemoryLink
    is_live = True

    def __init__(
        self, route: MemoryRoute, owner: LinkOwner, peer: bytes, address: str, *, outbound: bool, kind: str = DIRECT
    ) -> None:
        self.kind = kind
        self.peer = peer
        self.address = address
        self.outbound = outbound
        self.congested = False
        self._route = route
        self._owner = owner
        self.is_closed = False
        self.arriving: list[tuple[float, int, bytes]] = []  # to this end: when, in which order, what
        self._sent = 0
        self._waiting_bytes = 0
        self._last_arrival_seconds = 0.0  # at the other end

    def send(self, frames: Sequence[bytes]) -> None:
        format_frames(frames)  # refuses what no route carries
        if self.is_closed:
            return
        for frame in frames:
            self._send_one(frame)
        if self._waiting_bytes > WAITING_BYTES_MAX:
            self.cut("the peer takes nothing")

    def close(self) -> None:
        if self.is_closed:
            return
        clock = self._route.clock
        after_what_was_sent = max(self._last_arrival_seconds, clock.now_seconds + self._route.faults.delay_seconds[0])
        clock.call_at(after_what_was_sent, lambda: self.other.end("closed by the peer"))
        self.end("closed here")

    def when_taken(self, action: Callable[[], None]) -> None:
        """What is sent is taken at once (see routes.RelayLink)."""
        self._route.clock.call_at(self._route.clock.now_seconds, lambda: None if self.is_closed else action())

    def cut(self, reason: str = "the connection was lost") -> None:
        """Break both ends at once; what is under way is lost."""
        self.end(reason)
        self.other.end(reason)

    def _send_one(self, frame: bytes) -> None:
        source, faults = self._route.source, self._route.faults
        if source.random() < faults.loss:
            return
        for _ in range(2 if source.random() < faults.repetition else 1):
            arrival = self._route.clock.now_seconds + source.uniform(*faults.delay_seconds)
            if source.random() < faults.reordering:
                arrival += source.uniform(*faults.delay_seconds) * source.uniform(1.0, 4.0)
            else:
                self._last_arrival_seconds = arrival = max(arrival, self._last_arrival_seconds)
            self._sent += 1
            self._waiting_bytes += len(frame)
            heapq.heappush(self.other.arriving, (arrival, self._sent, frame))
            self._route.clock.call_at(arrival, self.other.arrive)
        if self._waiting_bytes > CONGESTED_BYTES:
            self.congested = True

    def arrive(self) -> None:
        """Take everything that is due at once, as one read does."""
        frames: list[bytes] = []
        while self.arriving and self.arriving[0][0] <= self._route.clock.now_seconds:
            frames.append(heapq.heappop(self.arriving)[2])
        if not frames or self.is_closed:
            return
        self._owner.received(self, frames)
        self.other.left(sum(map(len, frames)))

    def left(self, count: int) -> None:
        self._waiting_bytes -= count
        if self.congested and self._waiting_bytes <= CONGESTED_BYTES // 4:
            self.congested = False
            if not self.is_closed:
                self._owner.drained(self)

    def end(self, reason: str) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._route.clock.call_at(self._route.clock.now_seconds, lambda: self._owner.closed(self, reason))
