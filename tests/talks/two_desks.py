"""Two desks that say moves to each other over a line that delivers when it likes, and begins new pairs of incarnations."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from watchline.core.encoding import Value, encode
from watchline.talks.moves import ACCEPTANCE, DECLINE, WITHDRAWAL, Move, Name, Record

SOME_DAY = 1_677_024_000  # 22 February 2023
HOUR = 3600

Stamp = tuple[int, int, int]  # pair, index, seen


def refer(author: int, name: Name) -> list[Value]:
    """A reference to an entry, as a desk of this side writes it."""
    return [name.inc, name.peer_inc, name.at, *([1] if name.side == author else [])]


def digest_of(fields: Mapping[int, Value]) -> bytes:
    return hashlib.sha256(encode(dict(fields))).digest()


class TwoDesks:
    """What each side said, and how much of it the other one has. Delivery keeps the order, as the line does."""

    def __init__(self) -> None:
        self.said: tuple[list[Move], list[Move]] = ([], [])
        self.aliases: dict[Name, Name] = {}
        self.pair = 1
        self.time = SOME_DAY
        # Of the present pair: each side's log, as moves or words of no interest; and how much of it the other side has.
        self._log: tuple[list[tuple[Move | None, Stamp]], list[tuple[Move | None, Stamp]]] = ([], [])
        self._given = [0, 0]
        self._moves_given = [0, 0]  # of all that was said ever
        self._newest: list[list[Stamp | None]] = [[None, None], [None, None]]  # by desk and side

    def say(self, side: int, kind: str, fields: Mapping[int, Value], of: Name | None = None, *, exercise: bool = False) -> Move:
        index, seen = len(self._log[side]), self._given[1 - side]
        self.time += HOUR
        name = Name(side, self.pair, self.pair, index)
        move = Move(name, kind, fields, self.pair, index, seen, self.time, digest_of(fields), exercise, "en", of)
        self.said[side].append(move)
        self._append(side, move, seen)
        return move

    def word(self, side: int) -> None:
        """Something that is no move: an acknowledgement, say."""
        self._append(side, None, self._given[1 - side])

    def accept(self, side: int, text: Move, date: Value = None, *, exercise: bool | None = None) -> Move:
        fields = {1: refer(side, text.name), 2: text.digest, **({} if date is None else {3: date})}
        return self.say(side, ACCEPTANCE, fields, text.name, exercise=text.exercise if exercise is None else exercise)

    def decline(self, side: int, text: Move) -> Move:
        return self.say(side, DECLINE, {1: "no"}, text.name)

    def withdraw(self, side: int, text: Move) -> Move:
        return self.say(side, WITHDRAWAL, {1: refer(side, text.name), 2: "an error"}, text.name)

    def deliver(self, side: int, count: int | None = None) -> None:
        """The other side gets the next entries of this side's log; all of them without a count."""
        log, given = self._log[side], self._given[side]
        arriving = log[given:] if count is None else log[given : given + count]
        self._given[side] += len(arriving)
        for move, stamp in arriving:
            self._newest[1 - side][side] = stamp
            self._moves_given[side] += move is not None

    def deliver_all(self) -> None:
        self.deliver(0)
        self.deliver(1)

    def begin_pair(self, copied: int = 0) -> None:
        """New incarnations: what did not arrive is issued again, behind `copied` copies of what did."""
        self.pair += 1
        self._log, self._given = ([], []), [0, 0]
        for side in (0, 1):
            arrived, lost = self._moves_given[side], self.said[side][self._moves_given[side] :]
            for move in self.said[side][max(arrived - copied, 0) : arrived]:
                self._issue_again(side, move, None)
            for offset, move in enumerate(lost):
                again = replace(move, arrived=(self.pair, len(self._log[side])))
                self.said[side][arrived + offset] = again
                self._issue_again(side, again, again)

    def record(self, desk: int) -> Record:
        """What this desk holds."""
        held = [*self.said[desk], *self.said[1 - desk][: self._moves_given[1 - desk]]]
        newest = self._newest[desk]
        return Record({move.name: move for move in held}, dict(self.aliases), (newest[0], newest[1]))

    def _issue_again(self, side: int, move: Move, shown: Move | None) -> None:
        self.aliases[Name(side, self.pair, self.pair, len(self._log[side]))] = move.name
        self._append(side, shown, 0)

    def _append(self, side: int, move: Move | None, seen: int) -> None:
        stamp = (self.pair, len(self._log[side]), seen)
        self._log[side].append((move, stamp))
        self._newest[side][side] = stamp
