"""Agreement: when a text stands between two sides whose words may cross.

A *slot* is one thing that two sides settle: the arrangements of a round, its closing, one version of a commitment. Either side
may put *texts* into it. The rules, for every slot alike (the mailbox rule; compare CISG, articles 16(1), 17 and 18):

1. A text is accepted by an acceptance of the **other** side that names it and its digest, whose author had seen it and, where
   it accepted, had **not** seen its withdrawal, a newer text of its author in this slot, or the slot settled, and had not
   declined it. A withdrawal or a newer text that crossed with the acceptance comes too late.
2. Who declines a text can no longer accept it: a rejection ends an offer. Who changes their mind offers the same text.
3. Two acceptances in one slot can both hold only if they crossed: each side accepted the other's text. Then that of side 1
   counts, and the text of side 0 stands; the other one is shown as crossed.
4. An acceptance by side 1 is *certain* at once. One by side 0 is certain once side 1 can no longer cross it: side 0 has put no
   text of its own into the slot that is still open to side 1, by what the newest entry of side 1 in the record had seen; at the
   latest when that entry had seen the acceptance itself.
5. An exercise and the real thing never accept each other. A decline or a withdrawal is what the text is that it names.

Why what is certain at one desk is never otherwise at either. A desk holds all of its own log and a beginning of the other one,
so with every move it holds all that the move's author had seen. Rule 1 asks only for that: whether an acceptance holds is
decided with its arrival, for good, and alike at both desks. Of those that hold, none had seen another, so there is at most one
a side, and more words can only ever replace an acceptance of side 0 by one of side 1, which had not seen it. Each later move of
side 1 had seen at least what its newest entry had. So it cannot accept a text that rule 4 calls no longer open to it, nor one
that side 0 said after its acceptance, as it would have to have missed that: an acceptance that is certain is never replaced.
And two desks that are certain both hold the last acceptance that there will be, which is one and the same.

Nobody can gain by claiming to have seen more or less than they had, beyond calling their own acceptance earlier than it was:
the proof asks only that what each side says it had seen never shrinks, and the line enforces that (rule 7).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from watchline.talks.moves import ACCEPTANCE, DECLINE, NOTED, WITHDRAWAL, Move, Name, Record, crossed, in_order

# Field numbers of the forms that are read here.
FIELDS = {ACCEPTANCE: {"of": 1, "digest": 2}, NOTED: {"of": 1}, WITHDRAWAL: {"of": 1}}


class Why(StrEnum):
    """Why a move does not count. All codes of agreements and of rounds are here."""

    UNKNOWN = "unknown"  # it names nothing that can be answered so, or nothing that its author had
    OWN_TEXT = "own_text"  # nobody accepts or declines their own word
    NOT_YOURS = "not_yours"  # nobody withdraws the other side's word
    WRONG_DIGEST = "wrong_digest"  # it accepts other words than those of the text
    EXERCISE = "exercise"  # an exercise in something real, or the other way round
    WITHDRAWN = "withdrawn"  # its author had seen that it was withdrawn
    SUPERSEDED = "superseded"  # its author had seen a newer text of the same side
    DECLINED = "declined"  # its author had declined it before
    SETTLED = "settled"  # its author had seen that this was agreed
    NO_SUCH_DATE = "no_such_date"  # it names none of the dates offered, or leaves open which of several
    CROSSED = "crossed"  # it crossed with the acceptance that counts, and came too late
    NOT_IN_THIS_PHASE = "not_in_this_phase"  # the table does not have it where its author stood
    AFTER_THE_CLOSE = "after_the_close"  # its author had seen the round end
    UNKNOWN_ROUND = "unknown_round"  # it names no proposal of talks that its author had


@dataclass(frozen=True, slots=True)
class Refused:
    """A move that does not count, and why."""

    move: Move
    why: Why


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a slot and what became of it; all None while it is open, and for the text that is agreed.

    withdrawn: its author's withdrawal. declined: the other side's decline. superseded_by: its author's next text here.
    """

    move: Move
    withdrawn: Move | None = None
    declined: Move | None = None
    superseded_by: Move | None = None

    @property
    def open(self) -> bool:
        """Whether nothing was said that ends it; it may still be over because the slot is settled."""
        return self.withdrawn is None and self.declined is None and self.superseded_by is None


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing that two sides settle, as a record shows it. The same at both desks for the same record.

    texts: in the order of `in_order`. agreed, acceptance: the text that is accepted and by what; `stands` only once `certain`.
    on_table: texts that may be accepted now, at most one a side; none once one is agreed. crossed: what crossed with the
    acceptance and lost its effect by it: another acceptance, a withdrawal, a decline, a newer text. waits_for: the sides that
    have a text of the other one to answer, and have not put a text against it. since: seconds since 1970 by the author's clock
    of the acceptance, else of the newest text on the table; None where there is neither. refused: what names a text of this
    slot and does not count, and why.
    """

    texts: tuple[Text, ...] = ()
    agreed: Move | None = None
    acceptance: Move | None = None
    certain: bool = False
    on_table: tuple[Move, ...] = ()
    crossed: tuple[Move, ...] = ()
    waits_for: frozenset[int] = frozenset()
    since: int | None = None
    refused: tuple[Refused, ...] = ()

    @property
    def stands(self) -> Move | None:
        """The text that both sides are held to; None while it is not certain."""
        return self.agreed if self.certain else None


Replies = Mapping[Name, Sequence[Move]]
Same = Callable[[Move, Move], bool]
Fits = Callable[[Move, Move], Why | None]


def replies(record: Record) -> Replies:
    """What answers, declines or withdraws each entry, in the order of `in_order`: what `settle` looks through.

    Linear in the record, but for sorting it. Who settles many slots of one record makes it once.
    """
    found: dict[Name, list[Move]] = {}
    for move in record.of_kind(ACCEPTANCE, NOTED, DECLINE, WITHDRAWAL):
        target = answered(record, move)
        if target is not None:
            found.setdefault(target, []).append(move)
    return found


def answered(record: Record, move: Move) -> Name | None:
    """What an acceptance, a note, a decline or a withdrawal is about; None if it names nothing.

    A decline says it by its leaf alone. A withdrawal says it twice; one that names two things withdraws neither.
    """
    by_leaf = None if move.of is None else record.canonical(move.of)
    if move.kind == DECLINE:
        return by_leaf
    by_form = record.named(move, FIELDS[move.kind]["of"])
    return by_form if move.kind != WITHDRAWAL or by_leaf in {None, by_form} else None


def settle(
    record: Record,
    texts: Sequence[Move],
    said: Replies | None = None,
    *,
    same: Same | None = None,
    fits: Fits | None = None,
) -> Slot:
    """The slot of these texts. Whether it is an exercise is as the first of them is; texts that differ in that are refused.

    said: `replies(record)`, if the caller has it. same(new, old): whether a text says just what a text of the other side says;
    then, where an acceptance of that one would hold, it is one. fits(acceptance, text): one more reason why an acceptance does
    not hold for a text, found in these two alone. Linear in what was said in the slot, but for sorting and `same`.
    """
    if not texts:
        return Slot()
    said = replies(record) if said is None else said
    told = _Told(texts[0].exercise, same, fits)
    names = {text.name for text in texts}
    for move in in_order([*texts, *(answer for name in names for answer in said.get(name, ()) if answer.kind != NOTED)]):
        if move.name in names:
            told.text(move)
        else:
            target = answered(record, move)
            told.answer(move, None if target is None else record.get(target))
    return told.slot(record.horizon[1])


class _Told:
    """What was said in one slot so far, move by move: each after all that it had seen."""

    def __init__(self, exercise: bool, same: Same | None, fits: Fits | None) -> None:
        self._exercise = exercise
        self._same = same
        self._fits = fits
        self._texts: dict[Name, Text] = {}
        self._newest: list[Name | None] = [None, None]  # of each side's texts
        self._held: list[tuple[Move, Move]] = []  # acceptances that hold, with their texts: at most one a side (rule 3)
        self._refused: list[Refused] = []

    def text(self, move: Move) -> None:
        if move.exercise != self._exercise:
            self._refuse(move, Why.EXERCISE)
        elif self._saw_settled(move):
            self._refuse(move, Why.SETTLED)
        elif (echoed := self._echoed(move)) is not None:
            self._held.append((move, echoed))
        else:
            before = self._newest[move.side]
            if before is not None and self._texts[before].withdrawn is None:
                self._texts[before] = replace(self._texts[before], superseded_by=move)
            self._texts[move.name] = Text(move)
            self._newest[move.side] = move.name

    def answer(self, move: Move, target: Move | None) -> None:
        """Take an acceptance, a decline or a withdrawal of a text of the slot."""
        assert target is not None
        why = self._why_not(move, target)
        if why is not None:
            self._refuse(move, why)
        elif move.kind == ACCEPTANCE:
            self._held.append((move, target))
        elif move.kind == DECLINE:
            self._texts[target.name] = replace(self._texts[target.name], declined=move)
        else:
            self._texts[target.name] = replace(self._texts[target.name], withdrawn=move)

    def _why_not(self, move: Move, target: Move) -> Why | None:
        """Why an answer has no effect; of several reasons, the first that its author should have minded."""
        own = move.side == target.side
        if own != (move.kind == WITHDRAWAL):
            return Why.OWN_TEXT if own else Why.NOT_YOURS
        if not move.saw(target):
            return Why.UNKNOWN
        if self._exercise != target.exercise or (move.kind == ACCEPTANCE and move.exercise != self._exercise):
            return Why.EXERCISE
        text = self._texts.get(target.name)
        if text is None or self._saw_settled(move):  # a text that is none here had seen the slot settled, or settled it
            return Why.SETTLED
        ended = self._ended(text, move)
        if ended is not None or move.kind != ACCEPTANCE:
            return ended
        if move.fields.get(FIELDS[ACCEPTANCE]["digest"]) != target.digest:
            return Why.WRONG_DIGEST
        return None if self._fits is None else self._fits(move, target)

    @staticmethod
    def _ended(text: Text, move: Move) -> Why | None:
        """What this move's author had seen that ended the text."""
        ends = ((text.withdrawn, Why.WITHDRAWN), (text.superseded_by, Why.SUPERSEDED), (text.declined, Why.DECLINED))
        return next((why for end, why in ends if end is not None and move.saw(end)), None)

    def _echoed(self, move: Move) -> Move | None:
        """The text of the other side that this one accepts by saying the same."""
        if self._same is None:
            return None
        seen = (text for text in self._texts.values() if text.move.side != move.side and move.saw(text.move))
        return next((text.move for text in seen if not self._ended(text, move) and self._same(move, text.move)), None)

    def _saw_settled(self, move: Move) -> bool:
        return any(move.saw(acceptance) for acceptance, _ in self._held)

    def _refuse(self, move: Move, why: Why) -> None:
        self._refused.append(Refused(move, why))

    def slot(self, horizon: tuple[int, int, int] | None) -> Slot:
        """horizon: of side 1, as in `Record`."""
        texts = tuple(self._texts.values())
        refused = tuple(self._refused)
        if not self._held:
            table = tuple(text.move for text in texts if text.open)
            since = table[-1].time if table else None
            return Slot(texts, on_table=table, waits_for=_waits_for(table), since=since, refused=refused)
        acceptance, agreed = max(self._held, key=lambda held: held[0].side)
        return Slot(
            tuple(Text(agreed) if text.move.name == agreed.name else text for text in texts),
            agreed,
            acceptance,
            acceptance.side == 1 or all(_closed(text, acceptance, horizon) for text in texts),
            crossed=tuple(move for move in self._moves() if crossed(move, acceptance)),
            since=acceptance.time,
            refused=refused,
        )

    def _moves(self) -> list[Move]:
        """Everything that took effect here or would have."""
        parts = ((text.move, text.withdrawn, text.declined) for text in self._texts.values())
        return in_order([*(move for part in parts for move in part if move is not None), *(held[0] for held in self._held)])


def _closed(text: Text, acceptance: Move, horizon: tuple[int, int, int] | None) -> bool:
    """Whether no acceptance of this text by side 1 can cross one by side 0 any more (rule 4).

    Either it is no text of side 0, or what side 1 will say next it says after it declined it, or having seen its end or the
    acceptance.
    """
    if text.move.side == 1 or text.declined is not None:
        return True
    ends = (text.withdrawn, text.superseded_by, acceptance)
    seen = (0, 0) if horizon is None else (horizon[0], horizon[2])
    return any(end is not None and end.reached < seen for end in ends)


def _waits_for(table: Sequence[Move]) -> frozenset[int]:
    """Who has a text of the other side to answer: a text of one's own that was made knowing it is an answer."""
    return frozenset(1 - text.side for text in table if not any(other.saw(text) for other in table))
