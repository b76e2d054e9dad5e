"""What two sides settle once and then amend: the texts of commitments and of standing arrangements, version by version.

A first text names none before it. Every further text names in `replaces` the one it is to stand instead of:

- the text on the table, its author's own or the other side's: then it is one more text for the same version;
- the text that stands: then it is an amendment, a text for the next version.

Which of both it is follows from what its author had seen: a text that was made after the acceptance of a version is no text for
that version any more. So an amendment of a text that no longer stands, as its author knew, does not count; two amendments that
cross are two texts for one version, and `agreement.settle` says which of them stands.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

from watchline.talks.agreement import Refused, Replies, Slot, Why, settle
from watchline.talks.moves import Move, Name, Record

STEP = 16  # texts that are settled at first, and how many times as many then


@dataclass(frozen=True, slots=True)
class History:
    """One thing with all that was said to settle it.

    first: the text that it began with, whose name is its name. slots: one for each version, oldest first: those that are agreed
    for certain, then at most one that is agreed and not yet certain, then at most one that is not agreed. refused: texts that
    count for no version, and why.
    """

    first: Move
    slots: tuple[Slot, ...]
    refused: tuple[Refused, ...] = ()

    @property
    def agreed(self) -> tuple[Slot, ...]:
        """The versions that were agreed for certain, oldest first: the last of them stands."""
        return tuple(slot for slot in self.slots if slot.stands is not None)

    @property
    def standing(self) -> Move | None:
        """The text that stands; None before the first was agreed for certain."""
        agreed = self.agreed
        return agreed[-1].agreed if agreed else None

    @property
    def accepted(self) -> Move | None:
        """The text of the newest version that is accepted, certain or not yet; None if none is."""
        return next((slot.agreed for slot in reversed(self.slots) if slot.agreed is not None), None)

    @property
    def text(self) -> Move:
        """What is to be shown: the text that stands, else the one that is accepted, else the newest on the table, else the
        newest there was.
        """
        last = self.slots[-1]
        return self.standing or self.accepted or (last.on_table[-1] if last.on_table else last.texts[-1].move)

    @property
    def certain(self) -> bool:
        """Whether nothing is accepted that may still turn out otherwise."""
        return all(slot.certain for slot in self.slots if slot.agreed is not None)

    @property
    def end(self) -> Literal["withdrawn", "declined"] | None:
        """How the first version came to nothing: as the newest text did. None if it was accepted or is open."""
        last = self.slots[-1]
        if self.accepted is not None or last.on_table:
            return None
        return "withdrawn" if last.texts[-1].withdrawn is not None else "declined"


@dataclass(frozen=True, slots=True)
class Versioned:
    """What is agreed on in versions. history: every one of them."""

    history: History

    @property
    def name(self) -> Name:
        """The name of its first text."""
        return self.history.first.name

    @property
    def versions(self) -> tuple[Slot, ...]:
        """The slot of each version, oldest first; the last may be open."""
        return self.history.slots

    @property
    def standing(self) -> Move | None:
        """The text that stands; None before one does."""
        return self.history.standing

    @property
    def text(self) -> Move:
        """The text that stands, else what there is of one: see `History.text`."""
        return self.history.text


def histories(record: Record, said: Replies, kind: str, replaces: int) -> tuple[History, ...]:
    """Everything of this kind, in the order of the first texts. replaces: the number of that field in its form.

    A text that answers another of its kind and leaves the field empty replaces what it answers. One that names nothing its
    author had belongs to none of them.
    """
    firsts: dict[Name, Move] = {}  # of each text that counts, the first of its chain
    texts: defaultdict[Name, list[Move]] = defaultdict(list)
    refused: defaultdict[Name, list[Refused]] = defaultdict(list)
    for move in record.of_kind(kind):
        before = _replaced(record, move, replaces)
        if before is None:
            first = move
        elif before in firsts and move.saw(record.moves[before]):
            first = firsts[before]
        else:
            continue
        if move.exercise != first.exercise:
            refused[first.name].append(Refused(move, Why.EXERCISE))
            continue
        firsts[move.name] = first
        texts[first.name].append(move)
    return tuple(_history(record, said, members, replaces, refused[name]) for name, members in texts.items())


def _replaced(record: Record, move: Move, replaces: int) -> Name | None:
    """The text that a text is to stand instead of; None for a first text."""
    named = record.named(move, replaces)
    answered = record.get(move.of)
    if named is None and answered is not None and answered.kind == move.kind:
        return answered.name
    return named


def _history(record: Record, said: Replies, texts: list[Move], replaces: int, refused: list[Refused]) -> History:
    """One version after the other: what was said after the acceptance of one is for the next, or for none."""
    slots: list[Slot] = []
    left = texts
    while left:
        slot, later = _version(record, said, left)
        slots.append(slot)
        reached, left = {slot.agreed.name if slot.agreed else None}, []
        for move in later:
            if _replaced(record, move, replaces) in reached:
                reached.add(move.name)
                left.append(move)
            else:
                refused.append(Refused(move, Why.SETTLED))
    return History(texts[0], tuple(slots), tuple(refused))


def _version(record: Record, said: Replies, left: list[Move]) -> tuple[Slot, list[Move]]:
    """The slot of the next version, and the texts that were made after its acceptance.

    These cannot change what it settled: who accepts one of them has seen that the version is settled, and who had accepted
    before had not seen them. So it is enough to settle the first texts, as soon as all others come after: a long history costs
    little more than its texts, and a long quarrel over one version a few times as much.
    """
    count = STEP
    while True:
        slot = settle(record, left[:count], said)
        acceptance = slot.acceptance
        if acceptance is not None and all(move.saw(acceptance) for move in left[count:]):
            inside = [move for move in left[:count] if not move.saw(acceptance)]
            later = [move for move in left if move.saw(acceptance)]
            return slot if len(inside) == len(left[:count]) else settle(record, inside, said), later
        if count >= len(left):
            return slot, []
        count *= STEP
