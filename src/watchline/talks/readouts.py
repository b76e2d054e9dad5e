"""Readouts side by side: what both sides say of a round, what only one says, what they say differently, what neither mentions.

A readout has points. A point is about things of the record (items, statements, commitments ...) and says them in its author's
own words, or, without words, as they stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from watchline.talks.agreement import Replies, replies
from watchline.talks.moves import READOUT, WITHDRAWAL, Move, Name, Record, in_order, reference
from watchline.talks.rounds import Round
from watchline.talks.versions import History

# Field numbers of the form `readout`; a point is a record [text, about].
EVENT = 1
TITLE = 2
OWN_TEXT = 3
POINTS = 4
AGREED_TEXT = 5
DIFFERENCES = 6
PUBLICATION = 7
PUBLISHED = "published"
FIELDS = {
    READOUT: {
        "event": EVENT,
        "title": TITLE,
        "own_text": OWN_TEXT,
        "points": POINTS,
        "agreed_text": AGREED_TEXT,
        "differences": DIFFERENCES,
        "publication": PUBLICATION,
    }
}


class Verdict(StrEnum):
    """What the two readouts do with one thing."""

    BOTH = "both"
    ONLY_0 = "only_0"
    ONLY_1 = "only_1"
    DIFFERENTLY = "differently"
    NEITHER = "neither"


class Subject(StrEnum):
    """What a point can be about. OTHER: an entry that is none of the round's items, statements, commitments and
    standing arrangements.
    """

    ITEM = "item"
    STATEMENT = "statement"
    COMMITMENT = "commitment"
    ARRANGEMENT = "arrangement"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a readout. text: in its author's own words; None for a point that says the thing as it stands."""

    text: str | None
    about: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Readout:
    """One side's readout of a round. published: whether it may leave the two desks."""

    move: Move
    points: tuple[Point, ...]
    published: bool

    @classmethod
    def read(cls, move: Move, record: Record) -> Readout:
        """The readout that a move is. record: tells by which one name an entry goes that was issued again."""
        points = tuple(
            Point(text if text and text.strip() else None, tuple(record.canonical(reference(move, value)) for value in about))
            for text, about, *_ in move.fields.get(POINTS) or ()
        )
        return cls(move, points, move.fields.get(PUBLICATION) == PUBLISHED)


@dataclass(frozen=True, slots=True)
class Thing:
    """What stands on a round's agenda, to be mentioned or not.

    agreed: whether both sides agreed on it. also: further entries that mean it: the later texts of a commitment, the notices
    that an item carries.
    """

    name: Name
    kind: Subject
    agreed: bool = False
    also: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing in both readouts. points: what side 0 and side 1 say of it, all in one point; None for one that does not."""

    about: Name
    kind: Subject
    verdict: Verdict
    points: tuple[Point | None, Point | None]


def agenda(round_: Round, histories: Iterable[History] = ()) -> tuple[Thing, ...]:
    """What readouts of a round can mention: each item with what belongs under it, then the rest.

    histories: the line's commitments and standing arrangements, also those of other rounds. Agreed is an item that both sides
    agreed to, and what once stood as agreed.
    """
    texts = {history.first.name: history for history in histories}
    things: dict[Name, Thing] = {}

    def add(thing: Thing) -> None:
        things.setdefault(thing.name, thing)

    for item in round_.items:
        add(Thing(item.move.name, Subject.ITEM, item.state == "agreed", item.notices))
        for statement in item.statements:
            add(Thing(statement.name, Subject.STATEMENT))
        for name in item.commitments:
            add(_settled(name, Subject.COMMITMENT, texts.get(name)))
    for statement in round_.statements:
        add(Thing(statement.name, Subject.STATEMENT))
    for name in round_.commitments:
        add(_settled(name, Subject.COMMITMENT, texts.get(name)))
    for name in round_.arrangements:
        add(_settled(name, Subject.ARRANGEMENT, texts.get(name)))
    return tuple(things.values())


def _settled(name: Name, kind: Subject, history: History | None) -> Thing:
    if history is None:
        return Thing(name, kind)
    also = tuple(text.move.name for slot in history.slots for text in slot.texts if text.move.name != name)
    return Thing(name, kind, history.standing is not None, also)


def counted(record: Record, moves: Iterable[Move], said: Replies | None = None) -> tuple[Readout | None, Readout | None]:
    """Of the readouts of one round those that are compared, one of each side; None for a side that has none.

    A newer one replaces the one before that was published, or kept confidential, likewise: what was replaced does not come
    back. A published one counts before a confidential one, and a withdrawn one not at all. said: `replies(record)`, if the
    caller has it.
    """
    said = replies(record) if said is None else said
    newest: dict[tuple[int, bool], Readout] = {}
    for move in in_order(moves):
        readout = Readout.read(move, record)
        newest[move.side, readout.published] = readout
    return _of_side(0, newest, said), _of_side(1, newest, said)


def _of_side(side: int, newest: Mapping[tuple[int, bool], Readout], said: Replies) -> Readout | None:
    for published in (True, False):
        readout = newest.get((side, published))
        if readout is not None and not is_withdrawn(readout.move, said):
            return readout
    return None


def is_withdrawn(move: Move, said: Replies) -> bool:
    """Whether its own author withdrew an entry. said: `replies` of the record."""
    return any(reply.kind == WITHDRAWAL and reply.side == move.side for reply in said.get(move.name, ()))


def compare(things: Sequence[Thing], readouts: tuple[Readout | None, Readout | None]) -> tuple[Compared, ...]:
    """The readouts of side 0 and side 1, thing by thing, in the order of the things.

    Each thing that was mentioned or agreed stands in it exactly once; what was mentioned and is none of the things comes last.
    A point about two things counts for each.
    """
    kinds = {thing.name: thing.kind for thing in things}
    meant = _meant(things)
    said = tuple(_said(readout, meant) for readout in readouts)
    others = sorted((said[0].keys() | said[1].keys()) - kinds.keys())
    agreed = {thing.name for thing in things if thing.agreed}
    return tuple(
        _compared(name, kinds.get(name, Subject.OTHER), (said[0].get(name), said[1].get(name)))
        for name in (*kinds, *others)
        if name in agreed or name in said[0] or name in said[1]
    )


def _meant(things: Sequence[Thing]) -> Mapping[Name, Sequence[Name]]:
    """Which things an entry means. What is a thing itself means only itself."""
    own = {thing.name for thing in things}
    meant: dict[Name, list[Name]] = {name: [name] for name in own}
    for thing in things:
        for name in dict.fromkeys(thing.also):
            if name not in own:
                meant.setdefault(name, []).append(thing.name)
    return meant


def _said(readout: Readout | None, meant: Mapping[Name, Sequence[Name]]) -> Mapping[Name, Point]:
    """What a readout says of each thing: the words of all points about it, each once, in their order."""
    texts: dict[Name, dict[str, None]] = {}
    for point in () if readout is None else readout.points:
        for name in {thing for about in point.about for thing in meant.get(about, (about,))}:
            words = texts.setdefault(name, {})
            if point.text is not None:
                words[point.text] = None
    return {name: Point("\n".join(words) or None, (name,)) for name, words in texts.items()}


def _compared(name: Name, kind: Subject, points: tuple[Point | None, Point | None]) -> Compared:
    low, high = points
    if low is None or high is None:
        verdict = Verdict.NEITHER if low is high else Verdict.ONLY_1 if low is None else Verdict.ONLY_0
    else:
        same = (low.text or "").split() == (high.text or "").split()  # other spacing is no other wording
        verdict = Verdict.BOTH if same else Verdict.DIFFERENTLY
    return Compared(name, kind, verdict, points)
