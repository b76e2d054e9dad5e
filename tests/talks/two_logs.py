"""Two desks that talk: each has its own log, and of the other one what has arrived so far."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from hypothesis import strategies as st

from watchline.core.encoding import Value, encode
from watchline.talks.moves import ACCEPTANCE, DECLINE, WITHDRAWAL, Move, Name, Record

DAY = 86_400
START = 1_677_024_000  # 22 February 2023


class TwoLogs:
    """`clock` is the time of the next move; it goes on by a minute each."""

    def __init__(self, clock: int = START) -> None:
        self.logs: tuple[list[Move], list[Move]] = ([], [])
        self.arrived = [0, 0]  # of side 0's log at side 1, and of side 1's at side 0
        self.clock = clock

    def say(self, side: int, kind: str, fields: Mapping[int, Value], of: Move | None = None, *, exercise: bool = False) -> Move:
        """Side says it, seeing what has arrived. Values that are moves become references."""
        log = self.logs[side]
        wire: dict[int, Value] = {
            key: [1, 1, value.name.at, *([1] if value.side == side else [])] if isinstance(value, Move) else value
            for key, value in fields.items()
        }
        digest = hashlib.sha256(encode([kind, side, len(log), dict(wire)])).digest()
        name = None if of is None else of.name
        self.clock += 60
        place = (0, len(log), self.arrived[1 - side])
        log.append(Move(Name(side, 1, 1, len(log)), kind, wire, *place, self.clock, digest, exercise, "en", name))
        return log[-1]

    def accept(self, side: int, text: Move, *, date: Value = None, exercise: bool = False) -> Move:
        fields = {1: text, 2: text.digest, **({} if date is None else {3: date})}
        return self.say(side, ACCEPTANCE, fields, text, exercise=exercise)

    def decline(self, side: int, text: Move) -> Move:
        return self.say(side, DECLINE, {}, text)

    def withdraw(self, side: int, text: Move) -> Move:
        return self.say(side, WITHDRAWAL, {1: text, 2: "a slip"}, text)

    def meet(self) -> None:
        """All that was said arrives on both sides."""
        self.arrived = [len(self.logs[0]), len(self.logs[1])]

    def deliver(self, side: int, count: int) -> None:
        """The next entries of this side's log arrive at the other."""
        self.arrived[side] = min(len(self.logs[side]), self.arrived[side] + count)

    def known(self, side: int) -> list[Move]:
        """The moves that this side has."""
        return [*self.logs[side], *self.logs[1 - side][: self.arrived[1 - side]]]

    def record(self, side: int = 0) -> Record:
        return Record.of(self.known(side))

    def records(self) -> Iterator[Record]:
        """What either desk has now."""
        return (self.record(side) for side in (0, 1))


# A step of a random talk: who, what, and three numbers that say which of the things there are.
steps = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 11), st.integers(0, 50), st.integers(0, 50), st.integers(0, 3)), max_size=40
)
