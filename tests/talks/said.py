"""Two sides that talk in a test: each move has seen all that was said before it, unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from watchline.core.encoding import Value
from watchline.talks.moves import (
    ACCEPTANCE,
    CLOSE,
    DECLINE,
    ITEM,
    NOTED,
    PROPOSAL,
    STATEMENT,
    WITHDRAWAL,
    Move,
    Name,
    Record,
)

BEGAN = 1_677_000_000
DAY_SECONDS = 86_400


class Said:
    """What was said so far. Moves are a day apart."""

    def __init__(self, exercise: bool = False) -> None:
        self.moves: list[Move] = []
        self.exercise = exercise

    @property
    def record(self) -> Record:
        return Record.of(self.moves)

    def say(
        self, side: int, kind: str, fields: Mapping[int, Value], of: Move | None = None, *, unseen: Sequence[Move] = ()
    ) -> Move:
        """unseen: the newest moves of the other side that this one crosses with."""
        at = sum(move.side == side for move in self.moves)
        seen = len(self.moves) - at - len(unseen)
        digest = sha256(repr((side, at)).encode()).digest()
        time = BEGAN + len(self.moves) * DAY_SECONDS
        about = None if of is None else of.name
        move = Move(Name(side, 1, 1, at), kind, fields, 1, at, seen, time, digest, self.exercise, of=about)
        self.moves.append(move)
        return move

    def arranged(self) -> Move:
        """A round that side 0 proposed and side 1 accepted; its proposal."""
        fields: dict[int, Value] = {1: "Security", 2: "vice_minister", 3: [BEGAN], 4: "visit", 5: "Tokyo"}
        proposal = self.say(0, PROPOSAL, fields)
        self.accept(1, proposal)
        return proposal

    def item(self, side: int, proposal: Move, *notices: Name) -> Move:
        fields: dict[int, Value] = {1: refer(side, proposal.name), 2: "Balloons"}
        if notices:
            fields[4] = [refer(side, name) for name in notices]
        return self.say(side, ITEM, fields)

    def accept(self, side: int, move: Move, *, unseen: Sequence[Move] = ()) -> Move:
        return self.say(side, ACCEPTANCE, {1: refer(side, move.name), 2: move.digest}, move, unseen=unseen)

    def note(self, side: int, move: Move) -> Move:
        return self.say(side, NOTED, {1: refer(side, move.name)}, move)

    def decline(self, side: int, move: Move) -> Move:
        return self.say(side, DECLINE, {1: "Not now."}, move)

    def state(self, side: int, under: Move, replies_to: Move | None = None) -> Move:
        place = {4: refer(side, under.name)} if replies_to is None else {5: refer(side, replies_to.name)}
        return self.say(side, STATEMENT, {1: "We hold ...", **place})

    def withdraw(self, move: Move, *, by: int | None = None) -> Move:
        side = move.side if by is None else by
        return self.say(side, WITHDRAWAL, {1: refer(side, move.name), 2: "Settled."}, move)

    def conclude(self, proposal: Move) -> None:
        for side in (0, 1):
            self.say(side, CLOSE, {1: refer(side, proposal.name), 2: "concluded"})


def refer(side: int, name: Name) -> Value:
    """How an author of this side refers to an entry in a form."""
    return [name.inc, name.peer_inc, name.at, *([1] if name.side == side else [])]
