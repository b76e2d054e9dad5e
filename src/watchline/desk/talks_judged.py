"""What follows from the record of a line's talks: its rounds, commitments and arrangements, each found once for one record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from watchline.catalogue import Catalogue
from watchline.core.encoding import Value
from watchline.talks.agreement import Replies, Why, replies
from watchline.talks.arrangements import Arrangement, arrangements
from watchline.talks.commitments import WATCHED, Commitment, commitments
from watchline.talks.moves import ACCEPTANCE, DECLINE, PROPOSAL, REPORT, WITHDRAWAL, Move, Name, Record, in_order, reference
from watchline.talks.readouts import Compared, Subject, Thing, compare, counted
from watchline.talks.rounds import Round, possible, rounds


class Judged:
    """The talks of one line as one record shows them."""

    def __init__(self, record: Record, catalogue: Catalogue) -> None:
        self.record = record
        self._catalogue = catalogue
        self._numbers: dict[tuple[str, str], int] = {}

    @cached_property
    def said(self) -> Replies:
        """What answers each entry."""
        return replies(self.record)

    @cached_property
    def rounds(self) -> tuple[Round, ...]:
        """All rounds, in the order of their proposals."""
        return rounds(self.record)

    @cached_property
    def commitments(self) -> tuple[Commitment, ...]:
        """All commitments, in the order in which they were proposed."""
        return commitments(self.record, self.said)

    @cached_property
    def arrangements(self) -> tuple[Arrangement, ...]:
        """All standing arrangements, in the order in which they were proposed."""
        return arrangements(self.record, self.said)

    @cached_property
    def round_of(self) -> Mapping[Name, Name]:
        """The round that each move belongs to: the first thing it refers to that belongs to one."""
        found: dict[Name, Name] = {}
        for move in in_order(self.record.moves.values()):
            names = [move.name] if move.kind == PROPOSAL else list(self.references(move))
            within = next((found[name] for name in names if name in found), None)
            if move.kind == PROPOSAL or within is not None:
                found[move.name] = within or move.name
        return found

    @cached_property
    def refused(self) -> Mapping[Name, Why]:
        """The moves that do not count, and why."""
        slots = [slot for each in self.commitments for slot in each.versions]
        slots += [slot for each in self.arrangements for slot in each.versions]
        refused = [refused for round_ in self.rounds for refused in round_.refused]
        for history in (*(each.history for each in self.commitments), *(each.history for each in self.arrangements)):
            refused += history.refused
        refused += [each for slot in slots for each in slot.refused]
        reports = [report for each in self.commitments for report in each.reports]
        return {each.move.name: each.why for each in refused} | {
            report.move.name: report.refused for report in reports if report.refused is not None
        }

    def references(self, move: Move) -> Iterator[Name]:
        """What a move refers to in its form, in the form's order, and then what it answers; lists of references apart."""
        form = self._catalogue.forms.get(move.kind)
        for field in () if form is None or move.kind == DECLINE else form.fields:
            if field.type == "reference" and field.name != "resumes" and (name := self.record.named(move, field.number)):
                yield name
        if move.of is not None:
            yield self.record.canonical(move.of)

    def reference_in(self, move: Move, field: str) -> Name | None:
        """What a move refers to in this field of its form; None where that is not filled in."""
        key = move.kind, field
        if key not in self._numbers:
            self._numbers[key] = next(each.number for each in self._catalogue.form(move.kind).fields if each.name == field)
        return self.record.named(move, self._numbers[key])

    def references_in(self, move: Move, values: list[Value]) -> list[Name]:
        """What a list of references in a form of this move names."""
        return [self.record.canonical(reference(move, value)) for value in values]

    def moves_of(self, round_: Round) -> list[Move]:
        """Everything that was said in a round and of what was agreed in it, in one order that is the same at both desks."""
        within = self._by_round.get(round_.name, ())
        return list(within)

    @cached_property
    def _by_round(self) -> Mapping[Name, list[Move]]:
        found: dict[Name, list[Move]] = {}
        for move in in_order(self.record.moves.values()):
            if move.name in self.round_of:
                found.setdefault(self.round_of[move.name], []).append(move)
        return found

    def commitments_of(self, round_: Round) -> list[Commitment]:
        """The commitments that were offered in a round."""
        names = set(round_.commitments)
        return [each for each in self.commitments if each.name in names]

    def compared(self, round_: Round) -> tuple[Compared, ...]:
        """The readouts of both sides on a round, thing by thing."""
        return compare(list(self._things(round_)), counted(self.record, round_.readouts, self.said))

    def _things(self, round_: Round) -> Iterator[Thing]:
        for item in round_.items:
            yield Thing(item.move.name, Subject.ITEM, item.state == "agreed", item.notices)
        for move in round_.statements:
            yield Thing(move.name, Subject.STATEMENT)
        for each in self.commitments_of(round_):
            texts = tuple(text.move.name for slot in each.versions for text in slot.texts)
            yield Thing(each.name, Subject.COMMITMENT, each.standing is not None, texts)

    def possible(self, round_: Round, side: int) -> frozenset[str]:
        """The kinds of moves that a side could make now in a round, and on what was offered in it."""
        kinds = set(possible(round_, side))
        for each in self.commitments_of(round_):
            kinds |= {REPORT} if each.state in WATCHED else set()
            for text in each.versions[-1].on_table:
                kinds |= {WITHDRAWAL} if text.side == side else {ACCEPTANCE, DECLINE}
        return frozenset(kinds)
