"""In which state a line is, judged from plain facts: what is wrong, on whose side, since when, and what proves it.

One table, read from the top: the first row whose condition holds says the state. docs/concepts.md explains the order. Red
needs a proof; where there is none yet, the line is degraded. What a status of the peer says counts only while the statuses
come: a silent line says that it is silent, not what the peer said last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from watchline.core.silence import is_unmanned
from watchline.core.status_exchange import AHEAD

GRACE = 0.15  # of the interval: a status is missed when it is so late
GRACE_SECONDS_MIN = 2.0  # but never before, however short the interval
AMBER_MISSED, RED_MISSED = 1, 2
DECLINED_SECONDS = 8 * 3600  # one shift: so long the line shows that our newest notice was declined

Side = Literal["ours", "theirs", "unknown"]
Strength = Literal["strong", "weak"]


class State(StrEnum):
    """One word for a line, as docs/concepts.md has them."""

    UP = "up"
    DEGRADED = "degraded"
    LINE_DOWN = "line_down"
    TERMINAL_DOWN = "terminal_down"
    DARK = "dark"
    UNMANNED = "unmanned"
    UNANSWERED = "unanswered"
    CONTRADICTED = "contradicted"
    DECLINED = "declined"
    SUSPENDED = "suspended"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """One way to the peer, or a link that the peer opened. linked: a link stands over it.

    outcome: of the last attempt since then, None before one ended. carries: of a relay, whether it is reached and takes our
    frames; None for a direct route. peer_seen_seconds: since a frame of the peer last came over it, None if none did.
    """

    relay: bool = False
    outcome: str | None = None
    linked: bool = False
    carries: bool | None = None
    peer_seen_seconds: float | None = None

    @property
    def is_carrying(self) -> bool:
        """Whether our frames leave over it."""
        return bool(self.carries) if self.relay else self.linked


@dataclass(frozen=True, slots=True)
class OverdueClock:
    """A clock of a notice of ours that the peer's own status lists as run out. Seconds by the peer's clock."""

    seconds: int
    allowed: int


@dataclass(frozen=True, slots=True)
class Suspension:
    """A signed notice that the line is suspended, by whose people, and from when, in seconds since 1970."""

    side: Side
    since: int


@dataclass(frozen=True, slots=True)
class LineFacts:
    """All that is known of a line at one moment. Times are seconds since 1970 by our wall clock; None for what is not so.

    interval_seconds: the status interval of the terms. silent_seconds: since the peer's last fresh status, or since this
    process took the line up. linked_seconds: since a link stands. others_carry: another line of this desk has a link, so that
    our own network works. received_since: the peer gave a receipt after its last status, and for every notice that waits.
    overdue: from the peer's last status. watch: of the same, [people, armed consoles, seconds since there was one of each].
    maintenance: people announced that the line works less well or not for a while.
    """

    wall: int
    interval_seconds: int
    silent_seconds: float
    stopped: bool = False
    opening: bool = False
    unconfirmed: bool = False
    linked_seconds: float | None = None
    routes: tuple[RouteFacts, ...] = ()
    others_carry: bool = False
    received_since: bool = False
    contradicted_at: int | None = None
    suspension: Suspension | None = None
    maintenance: bool = False
    declined_at: int | None = None
    overdue: tuple[OverdueClock, ...] = ()
    watch: tuple[int, int, int] | None = None

    @property
    def missed(self) -> int:
        """How many statuses should have come since the last and did not."""
        grace = max(GRACE * self.interval_seconds, GRACE_SECONDS_MIN)
        return max(0, int((self.silent_seconds - grace) / ((1 - AHEAD) * self.interval_seconds)))

    @property
    def is_silent(self) -> bool:
        """Whether so many statuses are missing that the line is not up. A link that has just come has a moment to bring one."""
        new_link = self.linked_seconds is not None and self.linked_seconds < GRACE_SECONDS_MIN
        return self.missed >= RED_MISSED and not new_link

    @property
    def is_carrying(self) -> bool:
        """Whether our frames leave on some way: a relay takes them, or a link to the peer stands."""
        return any(route.is_carrying for route in self.routes)

    @property
    def is_unheard(self) -> bool:
        """Whether nothing that the peer's machine said of late can be relied on."""
        return self.is_silent or (not self.is_carrying and self.all_failed)

    @property
    def all_failed(self) -> bool:
        """Whether an attempt on every route failed."""
        return bool(self.routes) and all(route.outcome not in (None, "connected") for route in self.routes)

    @property
    def silent_since(self) -> int:
        """When the peer's last fresh status came."""
        return self.wall - int(self.silent_seconds)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a line stands. side: whose doing, None where that does not arise. since: None if it is not known or does not matter.

    proof: one code, whose words are in the catalogue. strength: weak where another cause would look the same from here.
    missed: how many statuses of the peer are missing.
    """

    state: State
    side: Side | None
    since: int | None
    proof: str
    strength: Strength
    missed: int


@dataclass(frozen=True, slots=True)
class _Row:
    holds: Callable[[LineFacts], bool]
    state: State
    proof: str
    strength: Strength
    side: Callable[[LineFacts], Side | None]
    since: Callable[[LineFacts], int | None]


def judge(facts: LineFacts) -> Standing:
    """Give the state of the first row that holds; the last one always does."""
    row = next(row for row in _TABLE if row.holds(facts))
    return Standing(row.state, row.side(facts), row.since(facts), row.proof, row.strength, facts.missed)


# --- conditions


def _has_failed(*outcomes: str) -> Callable[[LineFacts], bool]:
    """No link stands, and the host at a direct address of the peer answered an attempt so."""

    def holds(facts: LineFacts) -> bool:
        answered = any(not route.relay and route.outcome in outcomes for route in facts.routes)
        return answered and not facts.is_carrying

    return holds


def _cut_off(facts: LineFacts) -> bool:
    unreachable = facts.all_failed and all(route.outcome == "unreachable" for route in facts.routes)
    return unreachable and not facts.is_carrying and not facts.others_carry


def _went_dark(facts: LineFacts) -> bool:
    return facts.is_silent and facts.received_since


def _silent_through_relay(facts: LineFacts) -> bool:
    """A relay goes on taking our frames, and for an interval nothing at all came from the peer."""
    seen = [route.peer_seen_seconds for route in facts.routes if route.peer_seen_seconds is not None]
    unseen = min(seen, default=facts.silent_seconds) >= facts.interval_seconds
    return facts.is_silent and unseen and any(route.relay and route.carries for route in facts.routes)


def _silent_on_a_link(facts: LineFacts) -> bool:
    return facts.is_silent and facts.is_carrying


def _relay_lost(facts: LineFacts) -> bool:
    return any(route.relay for route in facts.routes) and _no_way(facts)


def _no_way(facts: LineFacts) -> bool:
    return not facts.is_carrying and facts.all_failed


def _no_link(facts: LineFacts) -> bool:
    return facts.is_silent and not facts.is_carrying


def _nobody_there(facts: LineFacts) -> bool:
    """Whether by the peer's own word nobody was there since before an overdue notice came: what a certificate says, too."""
    watch = facts.watch
    return watch is not None and any(is_unmanned(watch, clock.seconds) for clock in facts.overdue)


def _muted(facts: LineFacts) -> bool:
    """Whether people are there, and no console could sound since before an overdue notice came."""
    if facts.watch is None:
        return False
    people, armed, alone = facts.watch
    return people > 0 and armed == 0 and any(alone >= clock.seconds for clock in facts.overdue)


def _declined(facts: LineFacts) -> bool:
    return facts.declined_at is not None and facts.wall - facts.declined_at < DECLINED_SECONDS


# --- sides and times


def _theirs(_: LineFacts) -> Side | None:
    return "theirs"


def _ours(_: LineFacts) -> Side | None:
    return "ours"


def _nobody(_: LineFacts) -> Side | None:
    return None


def _beyond_us(facts: LineFacts) -> Side | None:
    return "theirs" if facts.others_carry else "unknown"


def _never(_: LineFacts) -> int | None:
    return None


def _silent_since(facts: LineFacts) -> int | None:
    return facts.silent_since


def _overdue_since(facts: LineFacts) -> int | None:
    over = max((clock.seconds - clock.allowed for clock in facts.overdue), default=0)
    return facts.silent_since - over


_TABLE = (
    _Row(lambda facts: facts.stopped, State.STOPPED, "kept_alarm", "strong", _nobody, _never),
    _Row(
        lambda facts: facts.suspension is not None,
        State.SUSPENDED,
        "suspension",
        "strong",
        lambda facts: None if facts.suspension is None else facts.suspension.side,
        lambda facts: None if facts.suspension is None else facts.suspension.since,
    ),
    _Row(_cut_off, State.LINE_DOWN, "unreachable", "strong", _ours, _silent_since),
    _Row(_went_dark, State.DARK, "receipt_then_nothing", "weak", _theirs, _silent_since),
    _Row(_silent_through_relay, State.TERMINAL_DOWN, "relay_took", "strong", _theirs, _silent_since),
    _Row(_has_failed("refused"), State.TERMINAL_DOWN, "refused", "weak", _theirs, _silent_since),
    _Row(_has_failed("tls"), State.TERMINAL_DOWN, "other_key", "weak", _theirs, _silent_since),
    _Row(_silent_on_a_link, State.TERMINAL_DOWN, "no_status", "weak", _theirs, _silent_since),
    _Row(_relay_lost, State.LINE_DOWN, "relay_unreachable", "weak", _beyond_us, _silent_since),
    _Row(_no_way, State.LINE_DOWN, "no_answer", "weak", _beyond_us, _silent_since),
    _Row(_no_link, State.LINE_DOWN, "no_link", "weak", _beyond_us, _silent_since),
    _Row(
        lambda facts: facts.contradicted_at is not None,
        State.CONTRADICTED,
        "contradiction",
        "strong",
        _theirs,
        lambda facts: facts.contradicted_at,
    ),
    _Row(_nobody_there, State.UNMANNED, "nobody_there", "strong", _theirs, _overdue_since),
    _Row(_muted, State.UNANSWERED, "listed_open_muted", "strong", _theirs, _overdue_since),
    _Row(lambda facts: bool(facts.overdue), State.UNANSWERED, "listed_open", "strong", _theirs, _overdue_since),
    _Row(_declined, State.DECLINED, "decline", "strong", _theirs, lambda facts: facts.declined_at),
    _Row(lambda facts: not facts.is_carrying, State.DEGRADED, "link_lost", "weak", _nobody, _silent_since),
    _Row(lambda facts: facts.opening, State.DEGRADED, "opening", "weak", _nobody, _never),
    _Row(lambda facts: facts.missed >= AMBER_MISSED, State.DEGRADED, "status_late", "weak", _nobody, _silent_since),
    _Row(lambda facts: facts.unconfirmed, State.DEGRADED, "unconfirmed", "weak", _nobody, _never),
    _Row(lambda facts: facts.maintenance, State.DEGRADED, "announced", "strong", _nobody, _never),
    _Row(lambda _: True, State.UP, "status", "strong", _nobody, _never),
)
