"""Finding leaves of one line: of the present pair's logs, this turn's included, and of what was issued again."""

from __future__ import annotations

from watchline.core.entries import Body, Leaf
from watchline.core.incoming import Incoming
from watchline.core.records import Log, Pair
from watchline.core.setting import Reader


class Leaves:
    """Looks up leaves by side and index; `outgoing` means our own log."""

    def __init__(self, reader: Reader, incoming: Incoming) -> None:
        self._reader = reader
        self._incoming = incoming

    def at(self, outgoing: bool, index: int) -> Leaf | None:
        """The leaf of an entry of the present pair; None if there is none."""
        return self._stored(self._incoming.setup.outgoing_log, index) if outgoing else self._incoming.leaf_at(index)

    def first_of(self, outgoing: bool, index: int) -> Leaf | None:
        """The leaf of the entry that this one was issued again of (rule 30); None if it was not, or we do not hold that one."""
        setup = self._incoming.setup
        record = self._reader.entry(setup.outgoing_log, index) if outgoing else self._incoming.record_at(index)
        again = None if record is None else Body.decode(record.body).again
        if again is None:
            return None
        pair = Pair(again.inc, again.peer_inc) if outgoing else Pair(again.peer_inc, again.inc)
        return self._stored(Log(setup.line, pair, outgoing), again.place)

    def _stored(self, log: Log, index: int) -> Leaf | None:
        stored = next(self._reader.leaves(log, index, index + 1), None)
        return None if stored is None else Leaf.decode(stored[0])
