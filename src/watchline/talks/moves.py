"""Moves: the entries of a line that talks are made of, and which of them had seen which.

Two logs have no common order, but each leaf says how much of the other log its author had (rule 7). So of any two moves both
desks find the same: one had seen the other, or they crossed. Everything in talks is judged from that, and never from when
something arrived here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from watchline.core.encoding import Value

# Kinds of moves: the codes of the forms they are made with, and the two kinds of entries that are no forms.
PROPOSAL = "talks-proposal"
COUNTER = "counter-proposal"
ACCEPTANCE = "acceptance"
NOTED = "noted"
ITEM = "agenda-item"
STATEMENT = "statement"
COMMITMENT = "commitment"
REPORT = "commitment-report"
READOUT = "readout"
CLOSE = "close"
ARRANGEMENT = "arrangement"
DECLINE = "decline"  # an entry of its own type (rule 38), not a form
WITHDRAWAL = "correction"  # the form inside a CANCEL entry of the same author

KINDS = frozenset(
    {
        PROPOSAL,
        COUNTER,
        ACCEPTANCE,
        NOTED,
        ITEM,
        STATEMENT,
        COMMITMENT,
        REPORT,
        READOUT,
        CLOSE,
        ARRANGEMENT,
        DECLINE,
        WITHDRAWAL,
    }
)

OWN_LOG = 1  # the fourth element of a reference to the writer's own log


class Name(NamedTuple):
    """One entry, called alike at both desks: its author's side, and where it stood first (rule 30).

    side: 0 for the desk with the lower id, 1 for the other. inc, peer_inc, at: the log and index as its author names them.
    """

    side: int
    inc: int
    peer_inc: int
    at: int


@dataclass(frozen=True, slots=True)
class Move:
    """One released entry that belongs to talks.

    kind: one of KINDS. fields: of its form, checked against the catalogue; of a decline, {1: reason} or {}. pair, index: where
    it stood first: `pair` counts the pairs of incarnations of the line upwards, the same at both desks. seen: how many entries
    of the other log of that pair its author had, there. time: seconds since 1970 by its author's clock; order never depends
    on it. digest: SHA-256 of its content, 32 bytes, as an acceptance names it. of: what its leaf answers or cancels, else None.
    arrived: None where the other desk got it in its first place. Else the place of the first copy that it got (rule 30: its
    entry 0 of the next pair says how far it had come), or of an entry said before that arrived later still. What was decided
    was decided in the first place: a copy has seen nothing anew.
    """

    name: Name
    kind: str
    fields: Mapping[int, Value] = field(hash=False)
    pair: int
    index: int
    seen: int
    time: int
    digest: bytes
    exercise: bool = False
    language: str = "en"
    of: Name | None = None
    arrived: tuple[int, int] | None = None

    @property
    def side(self) -> int:
        """Whose move it is: 0 for the desk with the lower id, 1 for the other."""
        return self.name.side

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands among the moves of its own side."""
        return self.pair, self.index

    @property
    def reached(self) -> tuple[int, int]:
        """From which place on the other desk had it. Of one side's moves, none reached it before an earlier one."""
        return self.arrived or self.place

    def saw(self, other: Move) -> bool:
        """Whether its author had the other move when it was made. An entry of an earlier pair that the other desk did not
        have is issued again (rule 30), so what reached it in an earlier pair was seen.
        """
        return other.place < self.place if self.side == other.side else other.reached < (self.pair, self.seen)


def crossed(one: Move, other: Move) -> bool:
    """Whether neither author had the other's move. Two moves of one side never crossed."""
    return one.side != other.side and not one.saw(other) and not other.saw(one)


@dataclass(frozen=True, slots=True)
class Record:
    """All moves of one line that a desk holds, by name. aliases: of a later copy of an entry, the name of the entry.

    With each move it has all that the move's author had; where an entry between is still missing (of a log that comes back
    after a loss, rule 31), the record ends before what rests on it, and so does the horizon.

    horizon: the newest entry of each side that is held here, a move or not, as (pair, index, seen): so a desk knows what the
    other side can no longer have left unseen. None for a side that has said nothing.
    """

    moves: Mapping[Name, Move]
    aliases: Mapping[Name, Name] = field(default_factory=dict)
    horizon: tuple[tuple[int, int, int] | None, tuple[int, int, int] | None] = (None, None)

    @classmethod
    def of(cls, moves: Iterable[Move]) -> Record:
        """A record of these moves, none of which was issued again, and of nothing else that was said."""
        found = {move.name: move for move in moves}
        newest: list[tuple[int, int, int] | None] = [None, None]
        for move in found.values():
            newest[move.side] = max(newest[move.side] or (-1, -1, -1), (move.pair, move.index, move.seen))
        return cls(found, {}, (newest[0], newest[1]))

    def get(self, name: Name | None) -> Move | None:
        """The move that is called so; None if there is none, or none that talks are made of."""
        return None if name is None else self.moves.get(self.aliases.get(name, name))

    def named(self, move: Move, number: int) -> Name | None:
        """What a move refers to in a field of its form; None where the field is not filled in."""
        value = move.fields.get(number)
        return None if value is None else self.canonical(reference(move, value))

    def canonical(self, name: Name) -> Name:
        """The one name of an entry that a reference may call by the place of a later copy."""
        return self.aliases.get(name, name)

    def of_kind(self, *kinds: str) -> Iterator[Move]:
        """The moves of these kinds, in the order of `in_order`."""
        return iter(in_order(move for move in self.moves.values() if move.kind in kinds))


def reference(move: Move, value: Value) -> Name:
    """What a reference of a form names, written by this move's author: [inc, peer_inc, i] in the other log, or with a fourth
    element in the author's own.
    """
    inc, peer_inc, at, *own = value
    return Name(move.side if own == [OWN_LOG] else 1 - move.side, inc, peer_inc, at)


def in_order(moves: Iterable[Move]) -> list[Move]:
    """All moves in one order that is the same at both desks: none stands before one that it had seen.

    A move of side 0 comes before one of side 1 unless it had seen it: so the order of some of the moves is that of all. Merging
    two logs takes linear time.
    """
    sides: tuple[list[Move], list[Move]] = ([], [])
    for move in moves:
        sides[move.side].append(move)
    low, high = (sorted(side, key=lambda move: move.place) for side in sides)
    ordered: list[Move] = []
    at = 0
    for move in high:
        while at < len(low) and not low[at].saw(move):
            ordered.append(low[at])
            at += 1
        ordered.append(move)
    return ordered + low[at:]
