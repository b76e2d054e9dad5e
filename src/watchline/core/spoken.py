"""How far our log goes in what a line that is opening says of it: what was composed since the line was last open is not named,
so that a home that was put back says nothing that another copy of it might contradict. docs/protocol.md, Phases.
"""

from __future__ import annotations

from watchline.core.encoding import decode, encode
from watchline.core.merkle import Edge
from watchline.core.records import StateRecord
from watchline.core.setting import LineSetup, Reader

SPOKEN_PART = "spoken"


class Spoken:
    """after: how far our log went when the line was last open; None while it is open, and all of it may be said."""

    def __init__(self) -> None:
        self.after: Edge | None = None
        self._kept = False

    def begin(self) -> None:
        """A new pair of incarnations: nothing has been said."""
        self.after = Edge.EMPTY

    def restore(self, reader: Reader, setup: LineSetup, edge: Edge) -> int:
        """Take up what an earlier start kept, else all that the log holds now; give that size."""
        kept = reader.state(setup.line, setup.part(SPOKEN_PART))
        self._kept = bool(kept)
        self.after = Edge.from_bytes(*decode(kept)) if kept else edge
        return self.after.size

    def opened(self, setup: LineSetup) -> StateRecord | None:
        """The line is open; give the record that says so, None if nothing was kept."""
        self.after = None
        return self._keep(b"", setup)

    def grown(self, edge: Edge, setup: LineSetup) -> StateRecord | None:
        """Our log goes further than may be said: give the record of how far, None if it is kept.

        It must be durable before more is said, else less is said after it: a later start must not say more either.
        """
        if self.after is None or edge.size <= self.after.size:
            return None
        return self._keep(encode([self.after.size, self.after.to_bytes()]), setup)

    def _keep(self, spoken: bytes, setup: LineSetup) -> StateRecord | None:
        if self._kept == bool(spoken):
            return None
        self._kept = bool(spoken)
        return StateRecord(setup.line, setup.part(SPOKEN_PART), spoken)
