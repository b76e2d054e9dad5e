"""Which notices of one log are open: whose first clock (acknowledge) or second clock (answer) nobody has closed (rules 7, 25).

An acknowledgement closes the first clock of a notice; an answer or a decline by the other desk, or a cancel by the author,
closes both. The first holding reply that promises a time restarts the second one, once. All of it follows from leaves and
bodies, so each desk can compute what the other one must find, at any two sizes.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

ACKNOWLEDGE, ANSWER = 0, 1
KINDS = (ACKNOWLEDGE, ANSWER)
_STALE_DEADLINES_MAX = 64  # of closed notices, beyond as many as there are live ones


@dataclass(frozen=True, slots=True)
class Restart:
    """What a holding reply does to the answer clock of its notice.

    index: of the reply, in the closer's log. custody: when the clock began anew, in seconds of the running clock. allowed: from
    then on, in seconds.
    """

    index: int
    custody: float
    allowed: int


@dataclass(slots=True)
class OpenNotice:
    """A notice under a clock. allowed: seconds by the terms per clock, None for a clock that this form has not.

    custody: when its clocks began, in seconds of the running clock; None for a notice that the closer has not received yet.
    acknowledged, answered: the index, in the closer's log, of the first entry that closed it. cancelled: the index, in the
    author's log, of its cancel. restart: the holding reply. None: not so far. told: whether it was said that a clock ran out.
    """

    index: int
    precedence: int
    allowed: tuple[int | None, int | None]
    custody: float | None
    acknowledged: int | None = None
    answered: int | None = None
    cancelled: int | None = None
    restart: Restart | None = None
    told: tuple[bool, bool] = (False, False)

    def allowed_at(self, kind: int, author_size: int, closer_size: int) -> int | None:
        """The seconds of one clock that runs when the logs have these sizes; None if it does not."""
        if self.index >= author_size or _below(self.cancelled, author_size) or _below(self.answered, closer_size):
            return None
        if kind == ACKNOWLEDGE and _below(self.acknowledged, closer_size):
            return None
        if kind == ANSWER and self.restart is not None and self.restart.index < closer_size:
            return self.restart.allowed
        return self.allowed[kind]

    def clocks_open_at(self, author_size: int, closer_size: int) -> Iterator[tuple[int, int]]:
        """The clocks (kind, allowed) that run when the logs have these sizes."""
        for kind in KINDS:
            allowed = self.allowed_at(kind, author_size, closer_size)
            if allowed is not None:
                yield kind, allowed

    def begun(self, kind: int, closer_size: int) -> float | None:
        """When a clock began, in seconds of the running clock; None while it has not."""
        if kind == ANSWER and self.restart is not None and self.restart.index < closer_size:
            return self.restart.custody
        return self.custody

    def settle(self, closer_size: int) -> None:
        """Make final what entries below this size did to it; nobody asks about less any more."""
        if _below(self.acknowledged, closer_size):
            self.allowed = (None, self.allowed[ANSWER])

    @property
    def is_marked(self) -> bool:
        """Whether an entry has closed a clock of it and that is not final: what runs depends on the sizes."""
        closed = self.acknowledged is not None and self.allowed[ACKNOWLEDGE] is not None
        return closed or self.answered is not None or self.cancelled is not None


@dataclass(frozen=True, slots=True)
class RunningClock:
    """One clock that nobody has closed. kind: ACKNOWLEDGE or ANSWER. seconds: since it began, as this desk counts them.

    index: of the notice in its author's log. allowed: by the terms; the clock has run out when seconds >= allowed.
    """

    index: int
    precedence: int
    kind: int
    seconds: int
    allowed: int


class OpenNotices:
    """The notices of one author that a clock was set for, until both desks know them closed.

    Thousands may be open: what is asked at every status costs no more for them. Only notices that an entry has touched, and
    whose state therefore depends on the sizes, are looked at one by one, and those above the sizes that are asked about.
    """

    def __init__(self) -> None:
        self._notices: dict[int, OpenNotice] = {}
        self._by_precedence: dict[int, dict[int, OpenNotice]] = {}
        self._marked: dict[int, OpenNotice] = {}
        self._clocks = [0, 0]  # of each kind, as if none were closed
        self._deadlines: list[tuple[float, int, int]] = []

    def __len__(self) -> int:
        return len(self._notices)

    def add(self, notice: OpenNotice) -> None:
        """Start the clocks of a notice; one whose form has neither clock is not kept. Notices come in the order of the log."""
        if notice.allowed == (None, None):
            return
        self._notices[notice.index] = notice
        self._by_precedence.setdefault(notice.precedence, {})[notice.index] = notice
        self._count(notice, 1)
        self._set_deadlines(notice)

    @property
    def newest(self) -> int | None:
        """The index of the newest notice that is not forgotten; None if there is none."""
        return next(reversed(self._notices), None)

    def get(self, index: int) -> OpenNotice | None:
        """The notice at this index; None if it is under no clock, or closed for good."""
        return self._notices.get(index)

    def receive(self, size: int, custody: float) -> None:
        """The closer has received every notice below this size, now: their clocks begin."""
        for notice in reversed(self._notices.values()):
            if notice.custody is not None and notice.index < size:
                return  # they are received in their order
            if notice.index < size:
                notice.custody = custody
                self._set_deadlines(notice)

    def acknowledge(self, index: int, closer: int) -> None:
        """The other desk's entry `closer` acknowledges the notice; the first one counts."""
        notice = self._notices.get(index)
        if notice is not None and notice.acknowledged is None:
            notice.acknowledged = closer
            self._mark(notice)

    def answer(self, index: int, closer: int) -> None:
        """The other desk's entry `closer` answers or declines the notice."""
        notice = self._notices.get(index)
        if notice is not None and notice.answered is None:
            notice.answered = closer
            self._mark(notice)

    def cancel(self, index: int, canceller: int) -> None:
        """The author's own entry `canceller` cancels the notice."""
        notice = self._notices.get(index)
        if notice is not None and notice.cancelled is None:
            notice.cancelled = canceller
            self._mark(notice)

    def hold(self, index: int, closer: int, custody: float, promised: int) -> None:
        """The other desk's entry `closer` promises an answer within `promised` seconds: the answer clock restarts, once.

        It never allows more than the terms do for an answer, counted anew. A promise of no time is none.
        """
        notice = self._notices.get(index)
        answer = None if notice is None else notice.allowed[ANSWER]
        if notice is None or answer is None or notice.restart is not None or promised <= 0:
            return
        notice.restart = Restart(closer, custody, min(promised, answer))
        notice.told = (notice.told[ACKNOWLEDGE], False)
        self._set_deadlines(notice)

    # --- what runs

    def open_at(self, author_size: int, closer_size: int) -> Iterator[tuple[OpenNotice, int, int]]:
        """(notice, kind, allowed) for each clock that runs at these sizes: highest precedence first, then oldest."""
        for precedence in sorted(self._by_precedence, reverse=True):
            for notice in self._by_precedence[precedence].values():
                for kind, allowed in notice.clocks_open_at(author_size, closer_size):
                    yield notice, kind, allowed

    def count_at(self, kind: int, author_size: int, closer_size: int) -> int:
        """How many clocks of a kind run at these sizes."""
        count = self._clocks[kind]
        for notice in reversed(self._notices.values()):
            if notice.index < author_size:
                break
            count -= notice.allowed[kind] is not None
        for notice in self._marked.values():
            if notice.index < author_size and notice.allowed[kind] is not None:
                count -= notice.allowed_at(kind, author_size, closer_size) is None
        return count

    def allowed_at(self, index: int, kind: int, author_size: int, closer_size: int) -> int | None:
        """The seconds of one clock that runs at these sizes; None if there is none."""
        notice = self._notices.get(index)
        return None if notice is None else notice.allowed_at(kind, author_size, closer_size)

    def lowest(self, otherwise: int) -> int:
        """The index of the oldest notice that is not forgotten; `otherwise` if there is none. They were added in order."""
        return next(iter(self._notices), otherwise)

    def forget_closed(self, author_size: int, closer_size: int) -> None:
        """Drop what is closed for good at these sizes; nobody will ask about smaller ones again."""
        for notice in list(self._marked.values()):
            if notice.index >= author_size:
                continue
            self._count(notice, -1)
            notice.settle(closer_size)
            if any(notice.clocks_open_at(author_size, closer_size)):
                self._count(notice, 1)
                if not notice.is_marked:
                    del self._marked[notice.index]
                continue
            del self._marked[notice.index], self._notices[notice.index], self._by_precedence[notice.precedence][notice.index]

    # --- when they run out

    @property
    def next_deadline(self) -> float | None:
        """When the next clock may run out, in seconds of the running clock; None if none can."""
        return self._deadlines[0][0] if self._deadlines else None

    def ran_out(self, author_size: int, closer_size: int, now: float) -> list[tuple[OpenNotice, int, int]]:
        """(notice, kind, allowed) of the clocks that have run out by now at these sizes, in that order, each once.

        Whoever is not content with one sets it again with `ask_again`.
        """
        found: dict[tuple[int, int], tuple[OpenNotice, int, int]] = {}  # a clock that was restarted has two deadlines
        while self._deadlines and self._deadlines[0][0] <= now:
            _, index, kind = heapq.heappop(self._deadlines)
            notice = self._notices.get(index)
            if notice is None or notice.told[kind]:
                continue
            allowed, begun = notice.allowed_at(kind, author_size, closer_size), notice.begun(kind, closer_size)
            if allowed is not None and begun is not None and begun + allowed <= now:
                found[index, kind] = (notice, kind, allowed)
        return list(found.values())

    def ask_again(self, notice: OpenNotice, kind: int, at: float) -> None:
        """Look at a clock that has run out once more at this time."""
        heapq.heappush(self._deadlines, (at, notice.index, kind))

    def tell(self, notice: OpenNotice, kind: int) -> None:
        """It is said now that this clock ran out; it is not said twice."""
        notice.told = (kind == ACKNOWLEDGE or notice.told[0], kind == ANSWER or notice.told[1])

    def _set_deadlines(self, notice: OpenNotice) -> None:
        if len(self._deadlines) > len(KINDS) * len(self._notices) + _STALE_DEADLINES_MAX:
            self._deadlines = [deadline for each in self._notices.values() for deadline in _deadlines(each)]
            heapq.heapify(self._deadlines)
            return
        for deadline in _deadlines(notice):
            heapq.heappush(self._deadlines, deadline)

    def _mark(self, notice: OpenNotice) -> None:
        self._marked[notice.index] = notice

    def _count(self, notice: OpenNotice, change: int) -> None:
        for kind in KINDS:
            if notice.allowed[kind] is not None:
                self._clocks[kind] += change


def _deadlines(notice: OpenNotice) -> Iterator[tuple[float, int, int]]:
    """When the clocks of a notice run out, if nothing happens: (time, index, kind)."""
    for kind in KINDS:
        allowed = notice.allowed[kind]
        begun = notice.custody
        if kind == ANSWER and notice.restart is not None:
            allowed, begun = notice.restart.allowed, notice.restart.custody
        if allowed is not None and begun is not None and not notice.told[kind]:
            yield begun + allowed, notice.index, kind


def _below(index: int | None, size: int) -> bool:
    return index is not None and index < size
