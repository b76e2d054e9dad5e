"""One line as the running desk has it: its machine, its links, what is waited for, and in which state people see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from watchline.core.clocks import RunningClock
from watchline.core.line import Line, Phase
from watchline.core.pairing import Pairing
from watchline.core.setting import Moment
from watchline.desk.references import Names
from watchline.journal import LineRecord
from watchline.routes import Link

MISSED_STATUS_FACTOR = 1.5  # a status is missed when the next should have been here for half an interval
DOWN_STATUS_FACTOR = 2.5


@dataclass(slots=True)
class RouteState:
    """How one way to the peer stands.

    outcome: of the last attempt, None before the first. seconds: the round trip of the last probe, None if none came back.
    """

    kind: str
    address: str
    outcome: str | None = None
    linked: bool = False
    seconds: float | None = None


@dataclass(slots=True)
class LineTest:
    """One test of the line. round_trip_seconds: None until the answer came. ok: None while it is awaited."""

    at: int
    started: float
    index: int
    ok: bool | None = None
    round_trip_seconds: float | None = None


@dataclass(slots=True)
class Waiter:
    """Somebody waits for entry `index` of ours to reach a rung."""

    index: int
    rung: str
    done: asyncio.Future[None]


@dataclass(slots=True, eq=False)
class OpenLine:
    """A confirmed line in a running desk."""

    record: LineRecord
    pairing: Pairing
    own_name: str
    line: Line
    links: list[Link] = field(default_factory=list)
    routes: dict[str, RouteState] = field(default_factory=dict)
    waiters: list[Waiter] = field(default_factory=list)
    test: LineTest | None = None
    last_test: LineTest | None = None
    next_test_slot: int = 0
    answers_spent_until: float = 0.0
    attempted: int = 0
    contradicted: bool = False
    hurried_at: float = 0.0
    linked_since: float | None = None
    on_verified: Callable[[int], None] | None = None

    @property
    def names(self) -> Names:
        """What references on this line are read against."""
        setup = self.line.setup
        peer = setup.peer_identity.desk
        return Names(setup.line, self.own_name, peer, setup.outgoing_log, setup.incoming_log)

    @property
    def link(self) -> Link | None:
        """The link that carries: the oldest that lives. Both desks may have dialled; then two live, and one is enough."""
        return self.links[0] if self.links else None

    @property
    def is_stopped(self) -> bool:
        """Whether people must look first: see `core.phases`."""
        return self.line.phase is Phase.STOPPED

    def succeed(self, line: Line) -> None:
        """Go on with a new pair of incarnations; whoever waits for an entry of the pair before looks what became of it."""
        self.line = line
        self.attempted, self.test, self.contradicted = line.outgoing.received, None, False
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            if not waiter.done.done():
                waiter.done.set_result(None)

    def state(self, moment: Moment) -> str:
        """One word for the line as it stands now, of those in docs/concepts.md."""
        if self.is_stopped:
            return "stopped"
        if self.link is None:
            refused = any(route.outcome in ("refused", "tls") for route in self.routes.values())
            return "terminal_down" if refused else "line_down"
        if self.contradicted:
            return "contradicted"
        interval = self.line.setup.terms.status_interval_seconds
        heard = max(self.line.statuses.peer_status_at or 0.0, self.linked_since or 0.0)
        age = moment.running - heard
        if age > DOWN_STATUS_FACTOR * interval:
            return "terminal_down"
        if age > MISSED_STATUS_FACTOR * interval or self.line.phase is Phase.OPENING or self.line.unconfirmed:
            return "degraded"
        return "up"

    def running_clocks(self, own: bool, moment: Moment) -> list[RunningClock]:
        """The reply clocks that run now, of our notices (own) or of the peer's."""
        line = self.line
        return line.clocks.running(own, line.outgoing.edge.size, line.incoming.edge.size, moment)

    def resolve_waiters(self, rung: str, reached: Callable[[int], bool]) -> None:
        """Wake those who wait for a rung that their entry has reached."""
        left = []
        for waiter in self.waiters:
            if waiter.rung == rung and reached(waiter.index):
                if not waiter.done.done():
                    waiter.done.set_result(None)
            else:
                left.append(waiter)
        self.waiters = left

    def note_rung(self, index: int, rung: str) -> None:
        """The peer's people lifted our entry `index` to a rung; who waits for it, or for one below, need wait no longer."""
        reached = {"acknowledged": ("acknowledged",)}.get(rung, ("acknowledged", "answered"))
        for waited in reached:
            self.resolve_waiters(waited, lambda waiting: waiting == index)
