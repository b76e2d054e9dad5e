"""One line as the running desk has it: its machine, its links, what is waited for, and in which state people see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from watchline.core.clocks import RunningClock
from watchline.core.lamps import Lamps, LastTest, judge_lamps
from watchline.core.line import Line, Phase
from watchline.core.line_state import LineFacts, OverdueClock, RouteFacts, Standing, judge
from watchline.core.pairing import Pairing
from watchline.core.setting import Moment
from watchline.desk.references import Names
from watchline.journal import LineRecord
from watchline.routes import DIRECT, Link

FROM_PEER = "direct, dialled by the peer"  # the route in our record of a link whose address changes with every connection


@dataclass(slots=True)
class RouteState:
    """How one way to the peer stands.

    outcome: of the last attempt, None before the first. seconds: the round trip of the last probe, None if none came back.
    relay: whether somebody stands in the middle. carries: whether that relay is reached and takes our frames; None for a direct
    route, and while it is not known. peer_seen_at: when a frame of the peer last came through the relay, running clock.
    """

    kind: str
    address: str
    outcome: str | None = None
    linked: bool = False
    seconds: float | None = None
    relay: bool = False
    carries: bool | None = None
    peer_seen_at: float | None = None


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
    """A confirmed line in a running desk.

    opened_at: when this process took it up, in seconds of the running clock. others_carry: another line of the desk has a
    link. contradicted_at: when the peer's status was last found to contradict both logs, in seconds since 1970; None if its
    last fresh one does not. standby: links to boxes of another secret of the line than the one that we speak under.
    """

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
    contradicted_at: int | None = None
    opened_at: float = 0.0
    others_carry: bool = False
    relayed: int = 0
    hurried_at: float = 0.0
    linked_since: float | None = None
    standby: list[Link] = field(default_factory=list)
    on_verified: Callable[[int], None] | None = None

    @property
    def names(self) -> Names:
        """What references on this line are read against."""
        setup = self.line.setup
        peer = setup.peer_identity.desk
        return Names(setup.line, self.own_name, peer, setup.outgoing_log, setup.incoming_log)

    @property
    def link(self) -> Link | None:
        """The link that carries: the oldest direct one that lives, else the oldest to a relay. One is enough."""
        direct = (link for link in self.links if link.kind == DIRECT)
        relayed = (link for link in self.links if link not in self.standby)
        return next(direct, None) or next(relayed, None) or next(iter(self.links), None)

    @property
    def is_stopped(self) -> bool:
        """Whether people must look first: see `core.phases`."""
        return self.line.phase is Phase.STOPPED

    def succeed(self, line: Line) -> None:
        """Go on with a new pair of incarnations; whoever waits for an entry of the pair before looks what became of it."""
        self.line = line
        self.attempted = self.relayed = line.outgoing.received
        self.test, self.contradicted_at = None, None
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            if not waiter.done.done():
                waiter.done.set_result(None)

    def state(self, moment: Moment) -> str:
        """One word for the line as it stands now, of those in docs/concepts.md."""
        return self.standing(moment).state.value

    def standing(self, moment: Moment) -> Standing:
        """How the line stands now, and what proves it."""
        return judge(self.facts(moment))

    def lamps(self, moment: Moment) -> Lamps:
        """The four lamps of the line as it stands now."""
        facts, test = self.facts(moment), self.last_test
        interval = self.line.terms.test_interval_seconds
        last = None if test is None else LastTest(bool(test.ok), max(0, moment.wall - test.at), interval)
        return judge_lamps(facts, judge(facts), last)

    def facts(self, moment: Moment) -> LineFacts:
        """Everything that the state and the lamps are judged from."""
        line, status = self.line, self.line.statuses.peer_status
        heard_at = line.statuses.peer_status_at
        received, declined = line.outgoing.received, line.clocks.declined
        gave_receipt_since = status is not None and status.held_size < received and line.clocks.all_received(received)
        return LineFacts(
            wall=moment.wall,
            interval_seconds=line.terms.status_interval_seconds,
            silent_seconds=moment.running - (self.opened_at if heard_at is None else heard_at),
            stopped=self.is_stopped,
            opening=line.phase is Phase.OPENING,
            unconfirmed=bool(line.unconfirmed),
            linked_seconds=None if self.linked_since is None else moment.running - self.linked_since,
            routes=self._route_facts(moment),
            others_carry=self.others_carry,
            received_since=gave_receipt_since,
            contradicted_at=self.contradicted_at,
            suspension=line.line_notices.suspension(moment.wall),
            maintenance=line.line_notices.is_in_maintenance(moment.wall),
            declined_at=None if declined is None else declined[1],
            overdue=self._overdue(),
            watch=None if status is None or heard_at is None else status.watch,
        )

    def _route_facts(self, moment: Moment) -> tuple[RouteFacts, ...]:
        """The routes to the peer, and beside them each link that does not stand over one of them: the peer opened it."""

        def seen(route: RouteState) -> float | None:
            return None if route.peer_seen_at is None else moment.running - route.peer_seen_at

        routes = [
            RouteFacts(route.relay, route.outcome, route.linked, route.carries, seen(route)) for route in self.routes.values()
        ]
        known = {address for address, route in self.routes.items() if route.linked or route.relay}
        return (*routes, *(RouteFacts(linked=True) for link in self.links if link.address not in known))

    def _overdue(self) -> tuple[OverdueClock, ...]:
        """The clocks of our notices that the peer's last status lists as run out, and that nothing has closed since."""
        line, status = self.line, self.line.statuses.peer_status
        if status is None:
            return ()
        sizes = line.outgoing.edge.size, line.incoming.edge.size
        return tuple(
            OverdueClock(item.seconds, item.allowed)
            for item in status.open
            if item.seconds >= item.allowed and line.clocks.is_running(True, item.index, item.kind, *sizes)
        )

    def running_clocks(self, own: bool, moment: Moment) -> list[RunningClock]:
        """The reply clocks that run now, of our notices (own) or of the peer's."""
        line = self.line
        return line.clocks.running(own, line.outgoing.edge.size, line.incoming.edge.size, moment)

    def due_times(self, own: bool, index: int, moment: Moment) -> list[int]:
        """When the open clocks of one notice run out, or did, in seconds since 1970: by the peer's clock where it is a notice
        of ours that the peer's last status lists, else by ours.
        """
        line, status = self.line, self.line.statuses.peer_status
        listed = {(item.kind, item.allowed): item for item in status.open if item.index == index} if own and status else {}
        due = []
        for clock in line.clocks.of_notice(own, index, line.outgoing.edge.size, line.incoming.edge.size, moment):
            item = listed.get((clock.kind, clock.allowed))
            if status is not None and item is not None:
                due.append(status.time - item.seconds + item.allowed)
            else:
                due.append(moment.wall - clock.seconds + clock.allowed)
        return due

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
