"""Which statements are worth a signature check: what is repeated, by a relay or by a peer that cannot know better, costs none,
and what is new costs a bounded number a turn. Nothing here is verified; it only decides what is dropped before it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from watchline.core.announced import AnnouncedRoutes
from watchline.core.encoding import Value
from watchline.core.frames import Item, Stated
from watchline.core.freshness import Freshness
from watchline.core.incoming import Incoming
from watchline.core.outgoing import Outgoing
from watchline.core.statements import StatementType, preview
from watchline.errors import BadSignature, PeerError

CHECKS_PER_TURN = 4  # of each kind; a status that answers our own nonces is a kind of its own, so old ones do not crowd it out
CERTIFICATES_PER_TURN = 1


class StatementGate:
    """The gate of one line."""

    def __init__(self, incoming: Incoming, outgoing: Outgoing, freshness: Freshness, announced: AnnouncedRoutes) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._freshness = freshness
        self._announced = announced
        self._checks: Counter[tuple[int, bool]] = Counter()
        self._certificates = 0
        self._shown = 0
        self._failures: Counter[type[Item]] = Counter()

    def turn(self) -> None:
        """A new turn begins."""
        self._checks.clear()
        self._certificates = 0
        self._shown = 0
        self._failures.clear()

    def admits(self, stated: Stated) -> bool:
        """Whether to verify this statement now; raises Malformed if it is none."""
        kind, values = preview(stated)
        if self._is_known(kind, values):
            return False
        fresh = bool(values) and self._freshness.made_for(values[-1]) is not None
        self._checks[kind, fresh] += 1
        return self._checks[kind, fresh] <= CHECKS_PER_TURN

    def admits_certificate(self) -> bool:
        """Whether to verify another certificate in this turn."""
        self._certificates += 1
        return self._certificates <= CERTIFICATES_PER_TURN

    def admits_shown(self) -> bool:
        """Whether to verify another shown checkpoint in this turn."""
        self._shown += 1
        return self._shown <= CHECKS_PER_TURN

    @contextmanager
    def bounded(self, kind: type[Item]) -> Iterator[None]:
        """Around what verifies an item that brings the line on: so many may fail in a turn, and then no more are looked at.

        Raises BadSignature (rule 20) for those.
        """
        if self._failures[kind] >= CHECKS_PER_TURN:
            raise BadSignature("too many that did not hold in one turn", rule=20)
        try:
            yield
        except PeerError:
            self._failures[kind] += 1
            raise

    def _is_known(self, kind: int, values: list[Value]) -> bool:
        first = values[0] if values and type(values[0]) is int else 0
        if kind == StatementType.EPOCH:
            return first <= self._incoming.epoch
        if kind == StatementType.PREKEYS:
            count = len(values[1]) if len(values) > 1 and type(values[1]) is list else 0
            return first + count - 1 <= self._outgoing.highest_prekey
        if kind == StatementType.ROUTES:
            return first <= self._announced.peer_time
        return kind == StatementType.STATUS and len(values) > 1 and self._freshness.was_heard(values[-2])
