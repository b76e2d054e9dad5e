"""Which incarnations of both desks this desk's people stand for (rule 29).

Those whose certificates stood in the pairing files are confirmed by the digits that two people compared; each later one by a
CONFIRM entry of our log with two people's assertions. Until then it works, and is shown as unconfirmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from watchline.core import shapes
from watchline.core.encoding import decode, encode
from watchline.core.records import Pair, StateRecord

STATE_PART = "confirmed"

Side = Literal["ours", "theirs"]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The confirmed incarnations of each desk; a line that keeps none was paired when both desks were in their first."""

    ours: frozenset[int] = frozenset({1})
    theirs: frozenset[int] = frozenset({1})

    @classmethod
    def paired(cls, pair: Pair) -> Confirmed:
        """What comparing the digits confirms: the incarnations that the pairing files name."""
        return cls(frozenset({pair.ours}), frozenset({pair.theirs}))

    @classmethod
    def decode(cls, blob: bytes | None) -> Confirmed:
        """Read what `record` kept; None where nothing was."""
        if blob is None:
            return cls()
        sides = [
            frozenset(shapes.integer(inc, "inc", at_least=1) for inc in shapes.array(side, "incarnations"))
            for side in shapes.array(decode(blob), "confirmed", length=2)
        ]
        return cls(*sides)

    def record(self, line: bytes) -> StateRecord:
        """The record that keeps it."""
        return StateRecord(line, STATE_PART, encode([sorted(self.ours), sorted(self.theirs)]))

    def with_one(self, side: Side, inc: int) -> Confirmed:
        """The same, and one more."""
        return Confirmed(
            self.ours | {inc} if side == "ours" else self.ours, self.theirs | {inc} if side == "theirs" else self.theirs
        )

    def lacking(self, pair: Pair) -> tuple[Side, ...]:
        """Whose incarnation of this pair nobody here has confirmed yet."""
        found: list[Side] = []
        if pair.ours not in self.ours:
            found.append("ours")
        if pair.theirs not in self.theirs:
            found.append("theirs")
        return tuple(found)
