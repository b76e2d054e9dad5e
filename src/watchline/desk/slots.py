"""The slots in which the tests of a line fall due: even ones are one desk's, odd ones the other's, and how long they are is for
the terms to say that are in force when a slot begins.
"""

from __future__ import annotations

from collections.abc import Iterator

from watchline.core.records import Log, Pair
from watchline.core.terms import Terms
from watchline.desk.figures import Span
from watchline.desk.views import LineView


class Slots:
    """The slots of one line since it was made; each is named by the second at which it begins, since 1970."""

    def __init__(self, view: LineView) -> None:
        self._created = view.row.created
        self._own_is_lower = view.setup.own_id < view.setup.peer_identity.id
        self._terms = sorted(_in_force(view), key=lambda each: each[1].version)

    def of(self, time: int) -> int:
        """The slot in which a time lies."""
        found = [terms for since, terms in self._terms if since <= time] or [self._terms[0][1]]
        return time - time % found[-1].test_interval_seconds

    def due(self, period: Span, *, outgoing: bool) -> set[int]:
        """The slots of our desk (outgoing) or the peer's that lie whole in a period, since the line was made."""
        found: set[int] = set()
        ends = [since for since, _ in self._terms[1:]] + [period.end]
        for (since, terms), until in zip(self._terms, ends, strict=True):
            interval = terms.test_interval_seconds
            even = (self._own_is_lower == terms.lower_id_tests_even_hours) is outgoing
            first = -(-max(period.start, self._created, since) // interval)
            last = min(period.end // interval, -(-until // interval))
            found |= {slot * interval for slot in range(first, last) if (slot % 2 == 0) is even}
        return found


def _in_force(view: LineView) -> Iterator[tuple[int, Terms]]:
    """Each version of the terms, and since when this desk holds both entries that brought it into force."""
    pairs = sorted({log.pair for log in view.journal.logs(view.row.line)} | {view.setup.pair})
    yield view.row.created, view.terms_of(pairs[0]).base
    for pair in pairs:
        for amendment in view.terms_of(pair).amendments:
            yield _held_since(view, pair, amendment.ours, amendment.theirs), amendment.terms


def _held_since(view: LineView, pair: Pair, ours: int, theirs: int) -> int:
    places = (Log(view.row.line, pair, True), ours - 1), (Log(view.row.line, pair, False), theirs - 1)
    return max(record.time for log, index in places if (record := view.journal.entry(log, index)) is not None)
