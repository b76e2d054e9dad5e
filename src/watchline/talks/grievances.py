"""What remains open between two desks: the items that somebody raised in talks, over all rounds, oldest first.

What was asked and not answered stays on the list, however many rounds end meanwhile, until the answer came or until who asked
says that it is settled, by withdrawing the item: that is possible at any time, though in its round it may change nothing any
more. A decline is an answer that settles nothing: the item stays, marked so.

The answer came when the other side agreed to the item or made a statement under it, be it after the round, and each notice that
the item carries is answered too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from watchline.talks.agreement import Replies, replies
from watchline.talks.moves import DECLINE, ITEM, NOTED, STATEMENT, Move, Name, Record, in_order
from watchline.talks.readouts import is_withdrawn
from watchline.talks.rounds import FIELDS, Item, Round, rounds

_UNDER, _REPLIES_TO = FIELDS[STATEMENT]["under"], FIELDS[STATEMENT]["replies_to"]


class Remains(StrEnum):
    """Why an item is still open.

    UNANSWERED: the other side neither agreed to it nor said anything under it; that it noted the item is no answer.
    DECLINED: the other side declined it, and did neither since. NOTICE_OPEN: nobody has answered a notice that it carries.
    NOTICE_DECLINED: one was declined.
    """

    UNANSWERED = "unanswered"
    DECLINED = "declined"
    NOTICE_OPEN = "notice_open"
    NOTICE_DECLINED = "notice_declined"


@dataclass(frozen=True, slots=True)
class Carried:
    """A notice that an item carries, as both desks find it.

    time: seconds since 1970 by its author's clock. answers: the entries that answer it, a decline too. open: it asks for an
    answer, has none, and was not withdrawn by its author. declined: it was declined, and nothing else answers it; it is not
    open then.
    """

    name: Name
    form: str
    time: int
    side: int
    answers: tuple[Name, ...]
    open: bool
    declined: bool


@dataclass(frozen=True, slots=True)
class OpenItem:
    """One item on the list. carried: its notices. unknown: what it names as notices, and is none. remains: never empty."""

    move: Move
    round: Name
    carried: tuple[Carried, ...]
    unknown: tuple[Name, ...]
    remains: tuple[Remains, ...]

    @property
    def declined(self) -> bool:
        """Whether nothing else is open of it than what was declined."""
        return not {Remains.UNANSWERED, Remains.NOTICE_OPEN} & set(self.remains)

    def age_seconds(self, now: int) -> int:
        """How long ago it was raised, by its author's clock; 0 for a time that is still to come."""
        return max(0, now - self.move.time)


Lookup = Callable[[Name], Carried | None]


def open_items(
    record: Record, notice: Lookup, *, found: Sequence[Round] | None = None, exercise: bool = False
) -> tuple[OpenItem, ...]:
    """All items between the two desks that are open, those raised first at the top. The same at both desks for the same record.

    notice: what a name that an item carries is; None for what is no notice. found: `rounds(record)`, if the caller has it.
    exercise: the list of what was raised in exercises, which never mixes with the other one.
    """
    said = replies(record)
    spoken = _spoken_to(record, said)
    raised = {
        item.move.name: (round_, item)
        for round_ in (rounds(record) if found is None else found)
        for item in round_.items
        if item.move.exercise == exercise and not is_withdrawn(item.move, said)
    }
    judged = []
    for move in in_order(item.move for _, item in raised.values()):
        round_, item = raised[move.name]
        answered = item.state == "agreed" or move.name in spoken
        judged.append(_judge(item, round_.name, notice, answered=answered, declined=_is_declined(move, said)))
    return tuple(item for item in judged if item is not None)


def _judge(item: Item, round_: Name, notice: Lookup, *, answered: bool, declined: bool) -> OpenItem | None:
    """The item as it stands on the list; None if it does not."""
    known = {name: notice(name) for name in dict.fromkeys(item.notices)}
    carried = tuple(each for each in known.values() if each is not None)
    remains = {
        Remains.UNANSWERED: not answered and not declined,
        Remains.DECLINED: not answered and declined,
        Remains.NOTICE_OPEN: any(each.open for each in carried),
        Remains.NOTICE_DECLINED: any(each.declined for each in carried),
    }
    if not any(remains.values()):
        return None
    unknown = tuple(name for name, each in known.items() if each is None)
    return OpenItem(item.move, round_, carried, unknown, tuple(why for why, holds in remains.items() if holds))


def _spoken_to(record: Record, said: Replies) -> frozenset[Name]:
    """The items under which the other side made a statement that it did not withdraw, though it be after the round was over."""
    about: dict[Name, Name] = {}  # of each statement under an item, or in reply to one that was, the item
    spoken = set()
    for move in record.of_kind(STATEMENT):
        target = record.get(record.named(move, _UNDER) or record.named(move, _REPLIES_TO))
        if target is None or not move.saw(target):
            continue
        name = target.name if target.kind == ITEM else about.get(target.name)
        if name is None:
            continue
        about[move.name] = name
        item = record.moves[name]
        if move.side != item.side and move.exercise == item.exercise and not is_withdrawn(move, said):
            spoken.add(name)
    return frozenset(spoken)


def _is_declined(item: Move, said: Replies) -> bool:
    """Whether the other side's last word on an item itself is a decline, and no note. A decline does not wait for a round."""
    notes = [move for move in said.get(item.name, ()) if move.kind in {NOTED, DECLINE} and move.side != item.side]
    return bool(notes) and notes[-1].kind == DECLINE
