"""The cables between desks: what a network does to frames, and what it does to connections.

A link keeps the contract of `watchline.routes.Link` as far as a desk can see it. A direct route loses frames only with the
connection; these lose, repeat, reorder, damage and replay them as a relay may, because a line has to bear that.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from reliability.simulator.swarm import CALM
from reliability.simulator.watch import Span
from watchline.core.limits import FRAME_BYTES_MAX
from watchline.routes import CONGESTED_BYTES, WAITING_BYTES_MAX
from watchline.routes.framing import format_frames
from watchline.routes.memory import MemoryClock

HAUNTING = 24
REPLAYED_FROM = 64  # frames of a direction that somebody on the way has kept
DIAL_SECONDS = (0.05, 2.0)
RELAYED = 0.2  # connections that ask nobody for a key
INTRODUCED = 0.7  # those that show a certificate which the other end may not know yet
LATE_SECONDS = (0.5, 20.0)

Frame = tuple[bytes, Span | None]
"""A frame and the entries that it is about."""


class End(Protocol):
    """A desk's machine, as a cable sees it."""

    name: str
    is_up: bool

    def admits(self, line: bytes, other: Any, *, introduced: bool) -> bool:
        """Whether it lets in the key of this other machine, perhaps because it is shown that machine's certificate."""
        ...

    def link_opened(self, link: SimulatedLink) -> None: ...

    def frames_arrived(self, link: SimulatedLink, frames: list[bytes]) -> None: ...

    def link_drained(self, link: SimulatedLink) -> None: ...

    def link_closed(self, link: SimulatedLink) -> None: ...

    def speaks(self, link: SimulatedLink, frames: Sequence[bytes]) -> list[Frame]:
        """What really leaves when its desk sends these; ends the machine if its time has come."""


class Cable:
    """What joins the two ends of one line.

    weather: what happens to frames now. blocked: the names of those whose frames vanish. fault: told of each thing that went
    wrong, with the entries that it hit. overheard: told of each frame that an end sends.
    """

    def __init__(
        self,
        clock: MemoryClock,
        source: random.Random,
        line: bytes,
        ends: tuple[End, End],
        fault: Callable[[str, Span | None], None],
    ) -> None:
        self.clock = clock
        self.source = source
        self.line = line
        self.ends = ends
        self.fault = fault
        self.weather = CALM
        self.blocked: set[str] = set()
        self.links: list[SimulatedLink] = []
        self.kept: dict[str, list[Frame]] = {end.name: [] for end in ends}
        self.overheard: Callable[[End, bytes], None] = lambda _, __: None
        self._dialling = False

    def other(self, end: End) -> End:
        """Who is at the other end."""
        return self.ends[1] if end is self.ends[0] else self.ends[0]

    def dial(self, after_seconds: float | None = None) -> None:
        """Connect soon, unless a connection is there then; tried again while one machine is down."""
        if self._dialling:
            return
        self._dialling = True
        wait = self.source.uniform(*DIAL_SECONDS) if after_seconds is None else after_seconds
        self.clock.call_at(self.clock.now_seconds + wait, self._dialled)

    def _dialled(self) -> None:
        self._dialling = False
        if self.links:
            return
        if all(end.is_up for end in self.ends) and not self.blocked and self._is_let_in():
            self.join()
        else:
            self.dial()

    def _is_let_in(self) -> bool:
        """A direct route lets in the keys that both ends know, or that they are shown now; a relay asks nobody."""
        if self.source.random() < RELAYED:
            return True
        introduced = self.source.random() < INTRODUCED
        one, other = self.ends
        return one.admits(self.line, other, introduced=introduced) and other.admits(self.line, one, introduced=introduced)

    @property
    def backlog_seconds(self) -> float:
        """How long a link that was slow still has what it took, however fast the network is now."""
        return max((link.backlog_seconds for link in self.links), default=0.0)

    def join(self) -> None:
        """Open a connection, also beside another: both desks may have dialled."""
        first, second = self.ends
        near, far = SimulatedLink(self, first, outbound=True), SimulatedLink(self, second, outbound=False)
        near.other, far.other = far, near
        self.links += [near, far]
        for link in (near, far):
            self.clock.call_at(self.clock.now_seconds, link.open)

    def cut(self, link: SimulatedLink) -> None:
        """Break a connection; what is under way is lost."""
        for end in (link, link.other):
            if end in self.links:
                self.links.remove(end)
            end.end()
        if not self.links:
            self.dial()

    def haunt(self, end: End) -> None:
        """What this end has said comes once more, over whatever connection is there by then."""
        for frame in self.kept[end.name][-HAUNTING:]:
            later = self.clock.now_seconds + self.source.uniform(*LATE_SECONDS)
            self.clock.call_at(later, lambda frame=frame: self.slip_in(end, *frame))  # type: ignore[misc]

    def slip_in(self, end: End, data: bytes, span: Span | None) -> None:
        """A frame reaches the other end as if this one had said it now."""
        for link in self.links:
            if link.owner is end:
                self.fault("late", span)
                return link.put_under_way(data, span)
        return None

    def lose(self, end: End) -> None:
        """A machine is gone; its peer finds out at once or a while later, as TCP does."""
        for link in [link for link in self.links if link.owner is end]:
            self.links.remove(link)
            link.is_closed = True
            later = self.source.choice((0.0, 0.3, 5.0))
            self.clock.call_at(self.clock.now_seconds + later, lambda gone=link.other: self.cut(gone))  # type: ignore[misc]


class SimulatedLink:
    """One end of a connection."""

    other: SimulatedLink
    kind = "direct"

    def __init__(self, cable: Cable, owner: End, *, outbound: bool) -> None:
        self.cable = cable
        self.owner = owner
        self.outbound = outbound
        self.peer = cable.line
        self.address = f"{cable.other(owner).name.lower()}.example:7400"
        self.congested = False
        self.is_closed = False
        self._told_open = False
        self._arriving: list[tuple[float, int, bytes]] = []
        self._sent = 0
        self._waiting_bytes = 0
        self._last_arrival_seconds = 0.0  # at the other end
        self._free_at_seconds = 0.0  # when a slow link has room for the next frame

    # --- what the desk does

    def send(self, frames: Sequence[bytes]) -> None:
        format_frames(frames)  # refuses what no route carries
        if self.is_closed:
            return
        for frame in self.owner.speaks(self, frames):
            self.carry(frame)
        if self._waiting_bytes > WAITING_BYTES_MAX:
            self.cable.cut(self)

    def close(self) -> None:
        if not self.is_closed:
            self.cable.cut(self)

    # --- what the network does

    @property
    def backlog_seconds(self) -> float:
        """How long this link has no room for another frame."""
        return max(0.0, self._free_at_seconds - self.cable.clock.now_seconds)

    def open(self) -> None:
        if not self.is_closed:
            self._told_open = True
            self.owner.link_opened(self)

    def end(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            if self._told_open:
                self.cable.clock.call_at(self.cable.clock.now_seconds, lambda: self.owner.link_closed(self))

    def carry(self, frame: Frame) -> None:
        cable, source, weather = self.cable, self.cable.source, self.cable.weather
        data, span = frame
        cable.overheard(self.owner, data)
        kept = cable.kept[self.owner.name]
        kept.append(frame)
        if len(kept) > REPLAYED_FROM:
            del kept[source.randrange(len(kept))]
        if self.owner.name in cable.blocked:
            return cable.fault("partition", span)
        if source.random() < weather.loss:
            return cable.fault("loss", span)
        times = 1
        if source.random() < weather.repetition:
            cable.fault("repetition", span)
            times = 2
        for _ in range(times):
            if source.random() < weather.corruption:
                cable.fault("corruption", span)
                self.put_under_way(_damaged(data, source), span)
            else:
                self.put_under_way(data, span)
        if source.random() < weather.replay:
            old, about = source.choice(kept)
            cable.fault("replay", about)
            self.put_under_way(old, about)
        return None

    def put_under_way(self, data: bytes, span: Span | None) -> None:
        """Let a frame travel to the other end, however long it takes."""
        cable, source, weather = self.cable, self.cable.source, self.cable.weather
        now = cable.clock.now_seconds
        if weather.bytes_per_second is not None:
            cable.fault("slow", span)
            self._free_at_seconds = max(now, self._free_at_seconds) + len(data) / weather.bytes_per_second
        delay = source.uniform(*weather.delay_seconds)
        if delay > 1.0:
            cable.fault("delay", span)
        arrival = max(now, self._free_at_seconds) + delay
        if source.random() < weather.reordering:
            cable.fault("reordering", span)
            arrival += source.uniform(0.01, 2.0)
        else:
            self._last_arrival_seconds = arrival = max(arrival, self._last_arrival_seconds)
        self._sent += 1
        self._waiting_bytes += len(data)
        self.congested = self.congested or self._waiting_bytes > CONGESTED_BYTES
        heapq.heappush(self.other._arriving, (arrival, self._sent, data))
        cable.clock.call_at(arrival, self.other._arrive)

    def _arrive(self) -> None:
        """Take everything that is due at once, as one read does."""
        frames: list[bytes] = []
        while self._arriving and self._arriving[0][0] <= self.cable.clock.now_seconds:
            frames.append(heapq.heappop(self._arriving)[2])
        if not frames or self.is_closed:
            return
        self.other._left(sum(map(len, frames)))
        self.owner.frames_arrived(self, frames)

    def _left(self, count: int) -> None:
        self._waiting_bytes -= count
        if self.congested and self._waiting_bytes <= CONGESTED_BYTES // 4:
            self.congested = False
            if not self.is_closed:
                self.cable.clock.call_at(self.cable.clock.now_seconds, lambda: self.owner.link_drained(self))


def _damaged(data: bytes, source: random.Random) -> bytes:
    """A frame that is not what was sent: a bit turned, cut short, made longer, or nothing but junk."""
    how = source.randrange(4)
    if how == 0:
        at = source.randrange(len(data))
        return data[:at] + bytes((data[at] ^ (1 << source.randrange(8)),)) + data[at + 1 :]
    if how == 1:
        return data[: source.randrange(1, len(data))] if len(data) > 1 else b"x"
    if how == 2:
        return (data + source.randbytes(source.randrange(1, 64)))[:FRAME_BYTES_MAX]
    return source.randbytes(len(data))
