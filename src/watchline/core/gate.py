"""Which items are worth a signature check or a look at the log: what is repeated, by a relay or by a peer that cannot know
better, costs none, and what is new and does not hold costs a bounded amount in a period. Nothing here is verified; it only
decides what is dropped before it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from watchline.core.allowance import Allowance
from watchline.core.announced import AnnouncedRoutes
from watchline.core.encoding import Value
from watchline.core.frames import Entries, Item, Stated
from watchline.core.freshness import Freshness
from watchline.core.incoming import Incoming
from watchline.core.limits import FRAME_ENTRIES_MAX
from watchline.core.outgoing import WINDOW_ENTRIES, Outgoing
from watchline.core.setting import Moment
from watchline.core.statements import StatementType, preview
from watchline.errors import BadSignature, Malformed, PeerError

CHECKS = 4  # of each kind in a period; a status that answers our own nonces is a kind of its own: old ones do not crowd it out
CERTIFICATES = 1
ITEM_COST = 64  # what an item of entries costs besides its entries, in entries
VAIN_NEXT = 2 * (FRAME_ENTRIES_MAX + ITEM_COST)  # entries that follow on and do not hold; an honest peer has none
VAIN_OTHER = WINDOW_ENTRIES // FRAME_ENTRIES_MAX * (FRAME_ENTRIES_MAX + ITEM_COST)  # known or early ones: a window sent again


class StatementGate:
    """The gate of one line."""

    def __init__(self, incoming: Incoming, outgoing: Outgoing, freshness: Freshness, announced: AnnouncedRoutes) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._freshness = freshness
        self._announced = announced
        self._checks: defaultdict[tuple[int, bool], Allowance] = defaultdict(lambda: Allowance(CHECKS))
        self._failures: defaultdict[type[Item], Allowance] = defaultdict(lambda: Allowance(CHECKS))
        self._certificates = Allowance(CERTIFICATES)
        self._shown = Allowance(CHECKS)
        self._next, self._known, self._early = Allowance(VAIN_NEXT), Allowance(VAIN_OTHER), Allowance(VAIN_OTHER)

    def admits(self, stated: Stated, moment: Moment) -> bool:
        """Whether to verify this statement now; raises Malformed if it is none, or of a type that is unknown here."""
        kind, values = preview(stated)
        if kind not in StatementType.__members__.values():
            raise Malformed("a statement of a type that this version does not know", rule=4, type=kind)
        if self._is_known(kind, values):
            return False
        fresh = bool(values) and self._freshness.made_for(values[-1]) is not None
        return self._checks[kind, fresh].take(moment)

    def admits_certificate(self, moment: Moment) -> bool:
        """Whether to verify another certificate in this period."""
        return self._certificates.take(moment)

    def admits_shown(self, moment: Moment) -> bool:
        """Whether to verify another shown checkpoint in this period."""
        return self._shown.take(moment)

    def is_crowded(self, moment: Moment) -> bool:
        """Whether shown checkpoints may have been dropped in this period: then that none proved anything means nothing."""
        return not self._shown.is_left(moment)

    @contextmanager
    def bounded(self, kind: type[Item], moment: Moment) -> Iterator[None]:
        """Around what verifies an item that brings the line on: so many may fail in a period, and then no more are looked at.

        Raises BadSignature (rule 20) for those.
        """
        allowance = self._failures[kind]
        if not allowance.is_left(moment):
            raise BadSignature("too many that did not hold in a short time", rule=20)
        try:
            yield
        except PeerError:
            allowance.spend()
            raise

    @contextmanager
    def entries(self, item: Entries, moment: Moment) -> Iterator[None]:
        """Around what takes entries: so many may bring nothing in a period, and then no more of that place are looked at.

        Raises BadSignature (rule 20) for those.
        """
        size = self._incoming.edge.size
        allowance = self._next if item.start == size else self._known if item.start < size else self._early
        if not allowance.is_left(moment):
            raise BadSignature("too many entries that brought nothing in a short time", rule=20)
        try:
            yield
        finally:
            if self._incoming.edge.size == size:
                allowance.spend(ITEM_COST + len(item.entries))

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
