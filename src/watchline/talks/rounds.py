"""Rounds of talks, from the proposal to the closing, as both desks find them in the same entries.

A round is called by its proposal. A move belongs to it that names the proposal, or something that belongs to it; it counts if
`TABLE` (in `phases`) allows it in the phase that its author could see, and if what it answers may be answered so (`agreement`).
What does not count is kept, with the reason. So a move is judged once and for all by what its author had seen, and what the
two sides said at the same time is put together by these rules:

- Date, level and place are one slot of `agreement`: the proposal and all counter-proposals are its texts. What a
  counter-proposal leaves out is as in what it counters. An acceptance names one of the dates offered, unless there is only one.
- The closing is another slot: its texts are each side's words to conclude or adjourn. Who says "concluded" having seen that
  the other side would conclude accepts that. Two such words that crossed answer nobody: either side accepts the other's.
- A round that both closed is closed, although one side abandoned it unknowing; that side then sees "abandoned" become closed.
- What was raised, said or offered while the other side closed counts, and an item raised so stays open.
- An agenda item that the other side accepted stays agreed. A note or a decline of it may be followed by another answer; the
  last one counts. Its author may withdraw it until it was agreed.

Complexity: n moves of a round, of which k change its phase (few in any real round), take O(n log n + k² log k).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from watchline.core.encoding import Value
from watchline.talks import arrangements, commitments
from watchline.talks.agreement import Refused, Slot, Why, answered, replies, settle
from watchline.talks.approximate import Approximate
from watchline.talks.moves import (
    ACCEPTANCE,
    ARRANGEMENT,
    CLOSE,
    COMMITMENT,
    COUNTER,
    DECLINE,
    ITEM,
    NOTED,
    PROPOSAL,
    READOUT,
    STATEMENT,
    WITHDRAWAL,
    Move,
    Name,
    Record,
    in_order,
    reference,
)
from watchline.talks.phases import OVER, TABLE, Act, Phase, Whose
from watchline.talks.versions import histories

__all__ = [
    "OVER",
    "TABLE",
    "Act",
    "Item",
    "Offer",
    "Phase",
    "Refused",
    "Round",
    "Why",
    "offered",
    "possible",
    "rounds",
    "why_not",
]

REST_SECONDS = 90 * 86_400  # of silence, after which talks that are under way are interrupted

# Field numbers of the forms that are read here.
FIELDS = {
    PROPOSAL: {"topic": 1, "level": 2, "dates": 3, "mode": 4, "place": 5, "resumes": 6},
    COUNTER: {"of": 1, "dates": 2, "mode": 3, "place": 4, "level": 5, "topic": 6},
    ACCEPTANCE: {"date": 3},
    ITEM: {"meeting": 1, "notices": 4},
    STATEMENT: {"under": 4, "replies_to": 5},
    COMMITMENT: commitments.FIELDS[COMMITMENT],
    ARRANGEMENT: arrangements.FIELDS[ARRANGEMENT],
    READOUT: {"event": 1},
    CLOSE: {"of": 1, "outcome": 2, "next": 3},
}

# What in a round a move of this kind may name.
_TEXTS = frozenset({PROPOSAL, COUNTER})
_ANSWERED = _TEXTS | {ITEM, CLOSE}
_NAMED = {
    COUNTER: _TEXTS,
    ITEM: frozenset({PROPOSAL}),
    STATEMENT: frozenset({PROPOSAL, ITEM, STATEMENT}),
    COMMITMENT: frozenset({PROPOSAL, ITEM}),
    ARRANGEMENT: frozenset({PROPOSAL}),
    READOUT: frozenset({PROPOSAL}),
    CLOSE: frozenset({PROPOSAL}),
    ACCEPTANCE: _ANSWERED,
    NOTED: frozenset({ITEM}),
    DECLINE: _ANSWERED,
    WITHDRAWAL: _ANSWERED,
}

_SUBJECTS = ("under", "replies_to", "item", "of", "meeting", "event")  # where two are filled in, the first of them counts
_BEARING = frozenset({COUNTER, ITEM, STATEMENT, CLOSE})  # what names one of these belongs to its round
_OFFERS = (COMMITMENT, ARRANGEMENT)
_ENDS = {"concluded": Phase.CONCLUDED, "adjourned": Phase.ADJOURNED}
_ABANDONED = "abandoned"
_ACCEPTS = {"concluded": Act.ACCEPT_CONCLUSION, "adjourned": Act.ACCEPT_ADJOURNMENT}
_NEW = {ITEM: Act.RAISE_ITEM, STATEMENT: Act.SPEAK, COMMITMENT: Act.COMMIT, ARRANGEMENT: Act.COMMIT, READOUT: Act.READ_OUT}
_OPENS = frozenset({ITEM, STATEMENT, COMMITMENT, ARRANGEMENT, CLOSE})
_CHANGING = frozenset(Act) - {Act.AGREE_ITEM, Act.NOTE_ITEM, Act.WITHDRAW_ITEM, *_NEW.values()}

Asked = Mapping[Name, frozenset[int]]  # of the first text of a commitment, say: the sides that have a text of it to answer


@dataclass(frozen=True, slots=True)
class Offer:
    """What a proposal or a counter-proposal offers, with what it leaves out as in what it counters. dates: values of `when`."""

    topic: str
    level: str
    dates: tuple[Value, ...]
    mode: str
    place: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """One agenda item. answer: the other side's answer that counts: an acceptance, a note, or a decline with its reason.

    statements: made under it, or in reply to one that was. commitments: the names of first texts. notices: what it carries.
    """

    move: Move
    state: Literal["raised", "agreed", "noted", "withdrawn"]
    answer: Move | None
    statements: tuple[Move, ...]
    commitments: tuple[Name, ...]
    notices: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """One round of talks. Tuples are in the order of `in_order`, which is the same at both desks.

    phase: without regard to time, see `at`; `closing` until it is certain how it closed. statements: all, under items
    too. commitments, arrangements: the names of the first texts that were offered in it. refused: what does not count, and why.
    waits_for: the sides whose move it is. last: the newest move that counts. date: which of the dates offered was accepted, and
    next: when an adjourned round is to go on; of both, a value of `when`, None before it is certain. resumes: the round that
    this one takes up again; resumed_by: the first one that takes up this one and is arranged.
    """

    name: Name
    proposal: Move
    phase: Phase
    arrangement: Slot
    closing: Slot
    items: tuple[Item, ...]
    statements: tuple[Move, ...]
    commitments: tuple[Name, ...]
    arrangements: tuple[Name, ...]
    readouts: tuple[Move, ...]
    refused: tuple[Refused, ...]
    waits_for: frozenset[int]
    last: Move
    date: Value | None
    next: Value | None
    resumes: Name | None
    resumed_by: Name | None = None

    @property
    def rests_at(self) -> int | None:
        """From when on it is interrupted unless something is said, in seconds since 1970; None if it is over.

        An adjourned round: when the time agreed to go on is over. Before that, and where no time was agreed: `REST_SECONDS`
        after the newest move that counts, and not before so long after the date that was agreed.
        """
        if self.phase == Phase.ADJOURNED and self.next is not None:
            return Approximate.read(self.next).last + 1
        if self.phase in OVER and self.phase != Phase.ADJOURNED:
            return None
        agreed = self.last.time if self.date is None else Approximate.read(self.date).last
        return max(self.last.time, agreed) + REST_SECONDS

    def interrupted_since(self, now_seconds: int) -> int | None:
        """Since when the talks rest, in seconds since 1970; None if they do not. A later round that resumes them ends that."""
        since = self.rests_at
        return since if since is not None and since <= now_seconds and self.resumed_by is None else None

    def at(self, now_seconds: int) -> Phase:
        """The phase at that time: `interrupted` is derived from it, everything else from what was said."""
        return self.phase if self.interrupted_since(now_seconds) is None else Phase.INTERRUPTED


def rounds(record: Record) -> tuple[Round, ...]:
    """All rounds of talks of a line, in the order of their proposals."""
    courses, _ = _courses(record)
    said = replies(record)
    offers = [history for kind in _OFFERS for history in histories(record, said, kind, FIELDS[kind]["replaces"])]
    asked_for = {history.first.name: history.slots[-1].waits_for for history in offers}
    return _with_resumptions(tuple(course.round(asked_for) for course in courses))


def possible(round_: Round, side: int) -> frozenset[str]:
    """The kinds of moves that this side could make now and have them count, by what its record shows."""
    agreed = round_.closing.agreed
    phase = round_.phase if agreed is None else _ENDS[_outcome(agreed)]
    whose: Whose = "own" if round_.proposal.side == side else "other"
    kinds = {kind for kind, act in _NEW.items() if TABLE[phase, act, whose] is not None}
    kinds |= {kind for kind, act in ((COUNTER, Act.COUNTER), (CLOSE, Act.CLOSE)) if TABLE[phase, act, whose] is not None}
    for text in (*round_.arrangement.on_table, *round_.closing.on_table):
        kinds |= {WITHDRAWAL} if text.side == side else {ACCEPTANCE, DECLINE}
    if TABLE[phase, Act.NOTE_ITEM, "other"] is not None:
        for item in round_.items:
            if item.state in {"raised", "noted"}:
                kinds |= {WITHDRAWAL} if item.move.side == side else {ACCEPTANCE, NOTED, DECLINE}
    return frozenset(kinds)


def why_not(record: Record, move: Move) -> Why | None:
    """Why this move would not count in its round, if it was said now; None if it would, or if it belongs to no round."""
    courses, strays = _courses(Record({**record.moves, move.name: move}, record.aliases, record.horizon))
    refused = (refused for part in (strays, *(course.refused for course in courses)) for refused in part)
    return next((found.why for found in refused if found.move.name == move.name), None)


def offered(record: Record, text: Move) -> Offer:
    """What this proposal or counter-proposal offers."""
    found: dict[str, Value] = {}
    at: Move | None = text
    while at is not None:
        for part, number in FIELDS[at.kind].items():
            if at.fields.get(number) is not None:
                found.setdefault(part, at.fields[number])
        countered = record.get(record.named(at, FIELDS[COUNTER]["of"])) if at.kind == COUNTER else None
        at = countered if countered is not None and countered.kind in _TEXTS and at.saw(countered) else None
    dates = tuple(found.get("dates", ()))
    return Offer(found.get("topic", ""), found.get("level", ""), dates, found.get("mode", ""), found.get("place"))


def _courses(record: Record) -> tuple[list[_Course], list[Refused]]:
    """Every round with what belongs to it; and the moves that should belong to one and name none that their author had."""
    courses: dict[Name, _Course] = {}
    belongs: dict[Name, _Course] = {}
    strays: list[Refused] = []
    for move in in_order(record.moves.values()):
        if move.kind == PROPOSAL:
            courses[move.name] = belongs[move.name] = _Course(record, move)
            continue
        name = _subject(record, move)
        target = record.get(name)
        if name in belongs and target is not None and move.saw(target):
            belongs[name].take(move, target)
            if move.kind in _BEARING:
                belongs[move.name] = belongs[name]
        elif move.kind in {COUNTER, ITEM, CLOSE}:
            strays.append(Refused(move, Why.UNKNOWN_ROUND))
    return list(courses.values()), strays


def _subject(record: Record, move: Move) -> Name | None:
    """What a move names that may belong to a round; None for what is no business of rounds."""
    if move.kind in {ACCEPTANCE, NOTED, DECLINE, WITHDRAWAL}:
        return answered(record, move)
    parts = FIELDS.get(move.kind, {})
    if "replaces" in parts and (record.named(move, parts["replaces"]) or _answers_its_kind(record, move)):
        return None  # a later text of a commitment or an arrangement: it belongs to that
    named = (record.named(move, parts[part]) for part in _SUBJECTS if part in parts)
    return next((name for name in named if name is not None), None)


def _answers_its_kind(record: Record, move: Move) -> bool:
    answered_move = record.get(move.of)
    return answered_move is not None and answered_move.kind == move.kind


def _outcome(close: Move) -> str:
    return str(close.fields[FIELDS[CLOSE]["outcome"]])


def _both_conclude(new: Move, old: Move) -> bool:
    return _outcome(new) == _outcome(old) == "concluded"


@dataclass(frozen=True, slots=True)
class _Standing:
    """How a round stands after some of its moves: as the author of the next one saw it, or as the record shows it."""

    arrangement: Slot
    closing: Slot
    phase: Phase  # with what is accepted taken as agreed: nobody can take that back, whether or not it is certain yet


@dataclass(slots=True)
class _Agenda:
    """One agenda item, and what was said about it so far."""

    move: Move
    answers: list[Move] = field(default_factory=list)  # acceptances and withdrawals
    notes: list[Move] = field(default_factory=list)  # notes and declines
    statements: list[Move] = field(default_factory=list)
    commitments: list[Name] = field(default_factory=list)

    def slot(self, record: Record, move: Move | None = None) -> Slot:
        """The item as a slot of one text, with one more answer."""
        return settle(record, [self.move], {self.move.name: self.answers if move is None else [*self.answers, move]})

    def why_no_note(self, move: Move) -> Why | None:
        """Why the other side's note or decline does not count."""
        if move.side == self.move.side:
            return Why.OWN_TEXT
        seen = next((answer for answer in self.answers if move.saw(answer)), None)
        return None if seen is None else Why.SETTLED if seen.kind == ACCEPTANCE else Why.WITHDRAWN


class _Course:
    """One round, taken move by move: each after all that it had seen."""

    def __init__(self, record: Record, proposal: Move) -> None:
        self.proposal = proposal
        self.refused: list[Refused] = []
        self._record = record
        self._counted: dict[Name, Move] = {proposal.name: proposal}
        self._changes: tuple[list[Move], list[Move]] = ([], [])  # of each side, what the phase depends on
        self._stood: dict[tuple[int, int], _Standing] = {}  # by how many changes of each side there were
        self._agenda: dict[Name, _Agenda] = {}
        self._under: dict[Name, _Agenda] = {}  # of statements that belong under an item
        self._changes[proposal.side].append(proposal)

    def take(self, move: Move, target: Move) -> None:
        """target: what it names, which belongs to this round, and which its author had seen."""
        act = self._judge(move, target)
        if isinstance(act, Why):
            self.refused.append(Refused(move, act))
            return
        self._counted[move.name] = move
        if act in _CHANGING or (move.kind in _OPENS and not any(seen.kind in _OPENS for seen in self._changes[move.side])):
            self._changes[move.side].append(move)
        if move.kind == ITEM:
            self._agenda[move.name] = _Agenda(move)
        item = self._agenda.get(target.name) or self._under.get(target.name)
        if item is not None:
            self._take_under(item, move)

    def _take_under(self, item: _Agenda, move: Move) -> None:
        if move.kind == STATEMENT:
            item.statements.append(move)
            self._under[move.name] = item
        elif move.kind == COMMITMENT:
            item.commitments.append(move.name)
        else:
            (item.notes if move.kind in {NOTED, DECLINE} else item.answers).append(move)

    def _judge(self, move: Move, target: Move) -> Act | Why:
        """What a move does, or why it does not count."""
        if move.exercise != self.proposal.exercise and move.kind not in {DECLINE, WITHDRAWAL}:
            return Why.EXERCISE
        if target.name not in self._counted or target.kind not in _NAMED[move.kind]:
            return Why.UNKNOWN
        before = self.stood(move)
        act = self._act(move, target)
        if isinstance(act, Act) and TABLE[before.phase, act, "own" if target.side == move.side else "other"] is None:
            return Why.AFTER_THE_CLOSE if before.phase in OVER else Why.NOT_IN_THIS_PHASE
        return act

    def _act(self, move: Move, target: Move) -> Act | Why:
        if move.kind in _NEW:
            return _NEW[move.kind]
        if move.kind == CLOSE and _outcome(move) == _ABANDONED:
            return Act.ABANDON
        if target.kind == ITEM:
            return self._item_act(move, self._agenda[target.name])
        if target.kind == CLOSE and _outcome(target) == _ABANDONED:
            return Why.AFTER_THE_CLOSE
        after = self.stand([*self._seen_by(move), move])
        closing = CLOSE in {move.kind, target.kind}
        slot = after.closing if closing else after.arrangement
        why = next((refused.why for refused in slot.refused if refused.move.name == move.name), None)
        return why or _slot_act(move, target, slot, closing=closing)

    def _item_act(self, move: Move, item: _Agenda) -> Act | Why:
        if move.kind in {NOTED, DECLINE}:
            return item.why_no_note(move) or Act.NOTE_ITEM
        refused = item.slot(self._record, move).refused
        if refused:
            return refused[0].why
        return Act.AGREE_ITEM if move.kind == ACCEPTANCE else Act.WITHDRAW_ITEM

    def _seen_by(self, move: Move) -> list[Move]:
        """What the phase depends on, as the author of a new move saw it: all of its own side, a beginning of the other."""
        own, other = self._changes[move.side], self._changes[1 - move.side]
        return own + other[: self._seen_of_other(move)]

    def _seen_of_other(self, move: Move) -> int:
        return bisect_left(self._changes[1 - move.side], (move.pair, move.seen), key=lambda change: change.reached)

    def stood(self, move: Move) -> _Standing:
        """How the round stood when this move was made, if all that its author had seen was taken."""
        sizes = len(self._changes[move.side]), self._seen_of_other(move)
        key = sizes if move.side == 0 else sizes[::-1]
        if key not in self._stood:
            self._stood[key] = self.stand(self._seen_by(move))
        return self._stood[key]

    def stand(self, moves: Iterable[Move]) -> _Standing:
        """How the round stands when these of its moves, which change its phase, were made."""
        made = in_order(moves)
        record = Record({move.name: move for move in made}, self._record.aliases, self._record.horizon)
        said = replies(record)
        closes = [move for move in made if move.kind == CLOSE]
        ways_out = [close for close in closes if _outcome(close) != _ABANDONED]
        arrangement = settle(record, [move for move in made if move.kind in _TEXTS], said, fits=self._fits)
        closing = settle(record, ways_out, said, same=_both_conclude)
        if closing.agreed is not None:
            phase = _ENDS[_outcome(closing.agreed)]
        elif len(ways_out) < len(closes):
            phase = Phase.ABANDONED
        elif closing.on_table:
            phase = Phase.CLOSING
        elif any(move.kind in _OPENS for move in made):
            phase = Phase.OPEN
        elif arrangement.agreed is not None:
            phase = Phase.ARRANGED
        elif arrangement.on_table:
            phase = Phase.PROPOSED
        else:
            ends = [end for text in arrangement.texts for end in (text.withdrawn, text.declined) if end is not None]
            phase = Phase.DECLINED if in_order(ends)[-1].kind == DECLINE else Phase.WITHDRAWN
        return _Standing(arrangement, closing, phase)

    def _fits(self, acceptance: Move, text: Move) -> Why | None:
        """An acceptance names one of the dates offered, or there is but one."""
        dates = offered(self._record, text).dates
        date = acceptance.fields.get(FIELDS[ACCEPTANCE]["date"])
        return None if date in dates or (date is None and len(dates) < 2) else Why.NO_SUCH_DATE

    def round(self, asked_for: Asked) -> Round:
        """The round as the record shows it, after all its moves were taken."""
        standing = self.stand([*self._changes[0], *self._changes[1]])
        closing, phase = standing.closing, standing.phase
        if closing.agreed is not None and not closing.certain:
            phase = Phase.CLOSING
        items = tuple(self._item(item) for item in self._agenda.values())
        counted = list(self._counted.values())
        resumes = self._record.named(self.proposal, FIELDS[PROPOSAL]["resumes"])
        return Round(
            name=self.proposal.name,
            proposal=self.proposal,
            phase=phase,
            arrangement=standing.arrangement,
            closing=closing,
            items=items,
            statements=_of_kind(counted, STATEMENT),
            commitments=tuple(move.name for move in _of_kind(counted, COMMITMENT)),
            arrangements=tuple(move.name for move in _of_kind(counted, ARRANGEMENT)),
            readouts=_of_kind(counted, READOUT),
            refused=tuple(self.refused),
            waits_for=self._waits_for(phase, standing, items, asked_for),
            last=counted[-1],
            date=self._date(standing.arrangement),
            next=None if closing.stands is None else closing.stands.fields.get(FIELDS[CLOSE]["next"]),
            resumes=resumes,
        )

    def _item(self, item: _Agenda) -> Item:
        slot = item.slot(self._record)
        notices = tuple(
            self._record.canonical(reference(item.move, notice))
            for notice in item.move.fields.get(FIELDS[ITEM]["notices"]) or ()
        )
        told = tuple(item.statements), tuple(item.commitments), notices
        if slot.agreed is not None:
            return Item(item.move, "agreed", slot.acceptance, *told)
        note = item.notes[-1] if item.notes else None
        if not slot.on_table:
            return Item(item.move, "withdrawn", note, *told)
        return Item(item.move, "raised" if note is None else "noted", note, *told)

    def _date(self, arrangement: Slot) -> Value | None:
        if arrangement.stands is None or arrangement.acceptance is None:
            return None
        dates = offered(self._record, arrangement.stands).dates
        return arrangement.acceptance.fields.get(FIELDS[ACCEPTANCE]["date"], dates[0] if dates else None)

    def _waits_for(self, phase: Phase, standing: _Standing, items: Sequence[Item], asked_for: Asked) -> frozenset[int]:
        """Whose move it is. Who has something of the other side to answer; if nobody has, both, until the round is over."""
        if phase in OVER:
            return frozenset()
        if phase == Phase.PROPOSED:
            return standing.arrangement.waits_for
        if phase == Phase.CLOSING:
            return standing.closing.waits_for
        asked = {1 - item.move.side for item in items if item.state == "raised"}
        for name in self._counted:
            asked |= asked_for.get(name, frozenset())
        return frozenset(asked or {0, 1})


def _of_kind(moves: Iterable[Move], kind: str) -> tuple[Move, ...]:
    return tuple(move for move in moves if move.kind == kind)


def _with_resumptions(found: tuple[Round, ...]) -> tuple[Round, ...]:
    """The rounds, each with the first arranged round that takes it up again."""
    taken_up: dict[Name, Name] = {}
    earlier: dict[Name, Move] = {}
    for round_ in found:
        before = earlier.get(round_.resumes) if round_.resumes is not None else None
        resumed = before is not None and round_.proposal.saw(before) and before.exercise == round_.proposal.exercise
        if before is not None and resumed and round_.arrangement.stands is not None:
            taken_up.setdefault(before.name, round_.name)
        earlier[round_.name] = round_.proposal
    return tuple(replace(round_, resumed_by=taken_up.get(round_.name)) for round_ in found)


# What ends a text, of the arrangements or (True) of the closing: while another one stays on the table, and the last one.
_ENDINGS = {
    (DECLINE, False): (Act.DECLINE_TEXT, Act.DECLINE_LAST_TEXT),
    (DECLINE, True): (Act.DECLINE_CLOSE, Act.DECLINE_LAST_CLOSE),
    (WITHDRAWAL, False): (Act.WITHDRAW_TEXT, Act.WITHDRAW_LAST_TEXT),
    (WITHDRAWAL, True): (Act.WITHDRAW_CLOSE, Act.WITHDRAW_LAST_CLOSE),
}


def _slot_act(move: Move, target: Move, slot: Slot, *, closing: bool) -> Act:
    """What a move does to the arrangements or to the closing. slot: with it."""
    if move.kind in {DECLINE, WITHDRAWAL}:
        return _ENDINGS[move.kind, closing][not slot.on_table]
    if move.kind == CLOSE:
        return Act.CLOSE if slot.acceptance is None else Act.ECHO_CLOSE
    if move.kind == COUNTER:
        return Act.COUNTER
    return _ACCEPTS[_outcome(target)] if closing else Act.ACCEPT_TEXT
