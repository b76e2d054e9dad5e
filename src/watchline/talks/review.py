"""The yearly review, made from the record: what was agreed in a period, what became of it, what is due, and what stays open.

It judges nothing anew: it gathers what the commitments, the rounds and the line's own figures say, for people who meet to talk
about it. Both desks find the same sections from the same entries; the figures are the desk's that asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from watchline.core.encoding import Value
from watchline.talks.approximate import DAY_SECONDS, Approximate, DueState
from watchline.talks.arrangements import Arrangement, Occurrence, occurrences
from watchline.talks.commitments import WATCHED, Commitment, State
from watchline.talks.moves import PROPOSAL, Move, Name, Record
from watchline.talks.rounds import Phase, Round

OpenItem = TypeVar("OpenItem")

# Field numbers of the form that is read here.
FIELDS = {PROPOSAL: {"arrangement": 7}}

YEAR_SECONDS = 366 * DAY_SECONDS


class Change(NamedTuple):
    """A version of a commitment that was agreed in the period. before: the text that stood until then; None for the first."""

    commitment: Commitment
    text: Move
    before: Move | None
    at: int


class Outcome(NamedTuple):
    """What became of a commitment in the period. at: since when, in seconds since 1970."""

    commitment: Commitment
    state: State
    at: int


class Due(NamedTuple):
    """A commitment that is watched. due, state: its date and how it is with it at the end of the period."""

    commitment: Commitment
    due: Approximate | None
    state: DueState


class Meeting(NamedTuple):
    """A round, as far as the review asks.

    when: the time agreed. arrangement: the one it was to be a meeting of. Both None where there is none. held: whether the
    sides met, as the record shows it: somebody made a statement, or both closed it.
    """

    round: Name
    when: Approximate | None
    arrangement: Name | None
    held: bool


class Sitting(NamedTuple):
    """A meeting of a standing arrangement that was to be in the period, and the round in which the sides met for it; None if
    they did not.
    """

    occurrence: Occurrence
    held: Name | None


@dataclass(frozen=True, slots=True)
class Review(Generic[OpenItem]):
    """Everything that the yearly review has before it.

    start, stop: the period [start, stop), in seconds since 1970. agreed, changed: first texts and amendments, by when they were
    accepted. outcomes: commitments whose last report is of the period, or that lapsed by time in it: kept, not kept, lapsed,
    only said to be so, disputed; by time. due: what is still to be done, what is due first first, then what has no date.
    open_items: what remains open, oldest first, as handed in. sittings: meetings of arrangements, held and missed. rounds:
    those agreed for a time in the period, for an arrangement or not. figures: the line's report for the period, as handed in.
    """

    start: int
    stop: int
    agreed: tuple[Change, ...]
    changed: tuple[Change, ...]
    outcomes: tuple[Outcome, ...]
    due: tuple[Due, ...]
    open_items: tuple[tuple[int, OpenItem], ...]
    sittings: tuple[Sitting, ...]
    rounds: tuple[Meeting, ...]
    figures: Mapping[str, Value]

    @property
    def missed(self) -> tuple[Sitting, ...]:
        """The meetings of arrangements that nobody held."""
        return tuple(sitting for sitting in self.sittings if sitting.held is None)


def meeting(record: Record, round_: Round) -> Meeting:
    """What the review asks of a round."""
    when = None if round_.date is None else Approximate.read(round_.date)
    arrangement = record.named(round_.proposal, FIELDS[PROPOSAL]["arrangement"])
    held = bool(round_.statements) or round_.phase in {Phase.CONCLUDED, Phase.ADJOURNED}
    return Meeting(round_.name, when, arrangement, held)


def review(
    start: int,
    stop: int,
    *,
    commitments: Sequence[Commitment],
    arrangements: Iterable[Arrangement] = (),
    rounds: Sequence[Meeting] = (),
    open_items: Iterable[tuple[int, OpenItem]] = (),
    figures: Mapping[str, Value] | None = None,
) -> Review[OpenItem]:
    """The review of [start, stop), seconds since 1970, exercises left out. Times are those of the authors' clocks.

    stop: not later than now, as what is to come has not been missed. arrangements: those that stand or stood. rounds: without
    exercises. open_items: what remains open, each with the time since when, in seconds since 1970. figures: the line's report.
    """
    real = [commitment for commitment in commitments if not commitment.history.first.exercise]
    changes = sorted((change for each in real for change in _changes(each) if start <= change.at < stop), key=_at)
    sittings = [sitting for each in arrangements for sitting in _sittings(each, start, stop, rounds)]
    return Review(
        start,
        stop,
        agreed=tuple(change for change in changes if change.before is None),
        changed=tuple(change for change in changes if change.before is not None),
        outcomes=tuple(sorted((outcome for each in real for outcome in _outcomes(each, start, stop)), key=_at)),
        due=tuple(sorted(_due(real, stop), key=_due_first)),
        open_items=tuple(sorted(open_items, key=lambda item: item[0])),
        sittings=tuple(sorted(sittings, key=lambda sitting: sitting.occurrence.begins)),
        rounds=tuple(each for each in rounds if _lies_in(each.when, start, stop)),
        figures={} if figures is None else figures,
    )


def _changes(commitment: Commitment) -> Iterable[Change]:
    before: Move | None = None
    for slot in commitment.history.agreed:
        assert slot.agreed is not None
        assert slot.acceptance is not None
        yield Change(commitment, slot.agreed, before, slot.acceptance.time)
        before = slot.agreed


def _outcomes(commitment: Commitment, start: int, stop: int) -> Iterable[Outcome]:
    """What its last report, or its end, made of it in the period; nothing if neither is of the period."""
    words = [word.move.time for word in commitment.words if word is not None]
    state = commitment.at(stop)
    if words:
        at = max(words)
    elif state is State.LAPSED and commitment.ends is not None:
        at = commitment.ends.last + 1
    else:
        return
    if start <= at < stop:
        yield Outcome(commitment, state, at)


def _due(commitments: Iterable[Commitment], now_seconds: int) -> Iterable[Due]:
    for commitment in commitments:
        if commitment.at(now_seconds) in WATCHED:
            yield Due(commitment, commitment.due, commitment.due_state(now_seconds))


def _due_first(due: Due) -> tuple[bool, Approximate, Name]:
    return due.due is None, due.due or Approximate.exactly(0), due.commitment.name


def _at(found: Change | Outcome) -> tuple[int, Name]:
    return found.at, found.commitment.name


def _sittings(arrangement: Arrangement, start: int, stop: int, rounds: Iterable[Meeting]) -> Iterable[Sitting]:
    """Each meeting that was to be, with the first round that was held for it."""
    if arrangement.history.first.exercise:
        return
    held: dict[int, Name] = {}
    for each in rounds:
        if each.held and each.arrangement == arrangement.name and each.when is not None:
            held.setdefault(_nearest(arrangement, each.when.first + (each.when.last - each.when.first) // 2), each.round)
    for occurrence in occurrences(arrangement, start, stop):
        yield Sitting(occurrence, held.get(occurrence.begins))


def _nearest(arrangement: Arrangement, time: int) -> int:
    """When the meeting begins that a round at this time was held for: the nearest one, of two the earlier. Any other number
    where there is none within a year.
    """
    around = occurrences(arrangement, time - YEAR_SECONDS, time + YEAR_SECONDS)
    return min((each.begins for each in around), key=lambda begins: abs(begins - time), default=-1)


def _lies_in(when: Approximate | None, start: int, stop: int) -> bool:
    return when is not None and when.first < stop and when.last >= start
