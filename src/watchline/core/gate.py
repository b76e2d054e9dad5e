"""Which statements are worth a signature check: what is repeated, by a relay or by a peer that cannot know better, costs none,
and what is new costs a bounded number a turn. Nothing here is verified; it only decides what is dropped before it is.
"""

from __future__ import annotations

from collections import Counter

from watchline.core.encoding import Value
from watchline.core.frames import Stated
from watchline.core.freshness import Freshness
from watchline.core.incoming import Incoming
from watchline.core.outgoing import Outgoing
from watchline.core.statements import StatementType, preview

CHECKS_PER_TURN = 4  # of each kind; a status that answers our own nonces is a kind of its own, so old ones do not crowd it out
CERTIFICATES_PER_TURN = 1


class StatementGate:
    """The gate of one line. peer_routes_time: of the newest routes that the peer signed."""

    def __init__(self, incoming: Incoming, outgoing: Outgoing, freshness: Freshness) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._freshness = freshness
        self._checks: Counter[tuple[int, bool]] = Counter()
        self._certificates = 0
        self.peer_routes_time = 0

    def turn(self) -> None:
        """A new turn begins."""
        self._checks.clear()
        self._certificates = 0

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

    def _is_known(self, kind: int, values: list[Value]) -> bool:
        first = values[0] if values and type(values[0]) is int else 0
        if kind == StatementType.EPOCH:
            return first <= self._incoming.epoch
        if kind == StatementType.PREKEYS:
            count = len(values[1]) if len(values) > 1 and type(values[1]) is list else 0
            return first + count - 1 <= self._outgoing.highest_prekey
        if kind == StatementType.ROUTES:
            return first <= self.peer_routes_time
        return kind == StatementType.STATUS and len(values) > 1 and self._freshness.was_heard(values[-2])
