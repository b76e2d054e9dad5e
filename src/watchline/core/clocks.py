"""Which notices of one log are open: whose first clock (acknowledge) or second clock (answer) nobody has closed (rules 7, 25).

An acknowledgement closes the first clock of a notice; an answer or a decline by the other desk, or a cancel by the author,
closes both. All of it follows from leaves, so each desk can compute what the other one must find, at any two sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

ACKNOWLEDGE, ANSWER = 0, 1


@dataclass(slots=True)
class OpenNotice:
    """A notice under a clock. allowed: seconds by the terms per clock, None for a clock that this form has not.

    custody: when it came into custody, in seconds of the running clock. acknowledged, answered: the index, in the closer's log,
    of the first entry that closed it. cancelled: the index, in the author's log, of its cancel. None: not so far.
    """

    index: int
    precedence: int
    allowed: tuple[int | None, int | None]
    custody: float
    acknowledged: int | None = None
    answered: int | None = None
    cancelled: int | None = None

    def clocks_open_at(self, author_size: int, closer_size: int) -> Iterator[tuple[int, int]]:
        """The clocks (kind, allowed) that run when the logs have these sizes."""
        if self.index >= author_size or _below(self.cancelled, author_size) or _below(self.answered, closer_size):
            return
        acknowledge, answer = self.allowed
        if acknowledge is not None and not _below(self.acknowledged, closer_size):
            yield ACKNOWLEDGE, acknowledge
        if answer is not None:
            yield ANSWER, answer


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
    """The notices of one author that a clock was set for, until both desks know them closed."""

    def __init__(self) -> None:
        self._notices: dict[int, OpenNotice] = {}

    def __len__(self) -> int:
        return len(self._notices)

    def add(self, notice: OpenNotice) -> None:
        """Start the clocks of a notice; one whose form has neither clock is not kept."""
        if notice.allowed != (None, None):
            self._notices[notice.index] = notice

    def acknowledge(self, index: int, closer: int) -> None:
        """The other desk's entry `closer` acknowledges the notice; the first one counts."""
        notice = self._notices.get(index)
        if notice is not None and notice.acknowledged is None:
            notice.acknowledged = closer

    def answer(self, index: int, closer: int) -> None:
        """The other desk's entry `closer` answers or declines the notice."""
        notice = self._notices.get(index)
        if notice is not None and notice.answered is None:
            notice.answered = closer

    def cancel(self, index: int, canceller: int) -> None:
        """The author's own entry `canceller` cancels the notice."""
        notice = self._notices.get(index)
        if notice is not None and notice.cancelled is None:
            notice.cancelled = canceller

    def open_at(self, author_size: int, closer_size: int) -> list[tuple[OpenNotice, int, int]]:
        """(notice, kind, allowed) for each clock that runs at these sizes: highest precedence first, then oldest."""
        found = [
            (notice, kind, allowed)
            for notice in self._notices.values()
            for kind, allowed in notice.clocks_open_at(author_size, closer_size)
        ]
        return sorted(found, key=lambda entry: (-entry[0].precedence, entry[0].index, entry[1]))

    def lowest(self, otherwise: int) -> int:
        """The index of the oldest notice that is not forgotten; `otherwise` if there is none. They were added in order."""
        return next(iter(self._notices), otherwise)

    def forget_closed(self, author_size: int, closer_size: int) -> None:
        """Drop what is closed for good at these sizes; nobody will ask about smaller ones again."""
        closed = [
            notice.index
            for notice in self._notices.values()
            if notice.index < author_size and not any(notice.clocks_open_at(author_size, closer_size))
        ]
        for index in closed:
            del self._notices[index]


def _below(index: int | None, size: int) -> bool:
    return index is not None and index < size
