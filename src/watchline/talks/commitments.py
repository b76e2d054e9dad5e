"""Commitments: what the two sides undertook, watched until it is kept, changed or lapsed.

A commitment stands once both signed the same text (`agreement`), and is amended the same way (`versions`). What became of it is
what the two sides say in their reports, each about the text that stood as its author saw it:

- what both say is so: kept, not_kept or lapsed;
- what one says alone is said, and no more: said_kept, said_not_kept, said_lapsed. Silence is no consent, and nobody can end by
  one word what two have signed;
- where they differ it is disputed, and both are shown.

The last report of each side counts, if it was not withdrawn. An amendment begins afresh: reports are about the text they name.
Nobody has to report that time is over: a commitment whose `ends` is past, and of which nobody said anything, has lapsed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple, cast

from watchline.core.encoding import Value
from watchline.talks.agreement import Replies, Why, replies
from watchline.talks.approximate import DAY_SECONDS, Approximate, DueState, due_state
from watchline.talks.moves import COMMITMENT, REPORT, WITHDRAWAL, Move, Name, Record
from watchline.talks.versions import History, Versioned, histories

# Field numbers of the forms that are read here.
FIELDS = {
    COMMITMENT: {
        "terms": 1, "strength": 2, "due": 3, "ends": 4, "meeting": 5, "item": 6, "replaces": 7, "translations": 8,
    },
    REPORT: {"of": 1, "digest": 2, "judged": 3, "at": 4, "facts": 5, "evidence": 6, "files": 7},
}  # fmt: skip

_TEXT, _REPORT = FIELDS[COMMITMENT], FIELDS[REPORT]
SOON_SECONDS = 7 * DAY_SECONDS

Strength = Literal["agreed", "agreed_to_try", "intended"]
Judged = Literal["kept", "not_kept", "lapsed"]


class State(StrEnum):
    """Where a commitment is. PROPOSED too while it is accepted and not yet certain."""

    PROPOSED = "proposed"
    STANDING = "standing"
    KEPT = "kept"
    NOT_KEPT = "not_kept"
    LAPSED = "lapsed"
    SAID_KEPT = "said_kept"
    SAID_NOT_KEPT = "said_not_kept"
    SAID_LAPSED = "said_lapsed"
    DISPUTED = "disputed"
    WITHDRAWN = "withdrawn"
    DECLINED = "declined"


# The states in which something is still to be done or to be said.
WATCHED = frozenset({State.STANDING, State.SAID_KEPT, State.SAID_NOT_KEPT, State.SAID_LAPSED, State.DISPUTED})


@dataclass(frozen=True, slots=True)
class Report:
    """What one side says became of a text.

    of: the text it names. withdrawn: its author's withdrawal of it, else None. refused: why it does not count, else None: the
    text did not stand where its author was, or has another digest.
    """

    move: Move
    of: Name
    withdrawn: Move | None = None
    refused: Why | None = None

    @property
    def counts(self) -> bool:
        """Whether it is its author's word on the text it names."""
        return self.withdrawn is None and self.refused is None

    @property
    def judged(self) -> Judged:
        """What it says."""
        return cast("Judged", self.move.fields[_REPORT["judged"]])

    @property
    def at(self) -> Approximate | None:
        """When that was, as it says; None if it does not say."""
        return _when(self.move, _REPORT["at"])


@dataclass(frozen=True, slots=True)
class Commitment(Versioned):
    """One commitment, and what became of it.

    history: every version of it. state: by the record alone; `at` says what it is at a time. reports: on any of its texts, in
    the order of `in_order`. meeting, item: the round it was made in and the agenda item it belongs to, as its first text says;
    None where it says none.
    """

    state: State
    reports: tuple[Report, ...] = ()
    meeting: Name | None = None
    item: Name | None = None

    @property
    def terms(self) -> str:
        """What was undertaken, in the language of the text."""
        return str(self.text.fields[_TEXT["terms"]])

    @property
    def translations(self) -> Mapping[str, str]:
        """The same in other languages, by BCP 47 tag: part of what both signed."""
        return dict(self.text.fields.get(_TEXT["translations"]) or ())

    @property
    def strength(self) -> Strength:
        """How firmly: agreed, agreed to try, or only intended."""
        return cast("Strength", self.text.fields[_TEXT["strength"]])

    @property
    def due(self) -> Approximate | None:
        """When it is to be done; None if that was not agreed."""
        return _when(self.text, _TEXT["due"])

    @property
    def ends(self) -> Approximate | None:
        """Until when it binds; None if without end."""
        return _when(self.text, _TEXT["ends"])

    @property
    def words(self) -> tuple[Report | None, Report | None]:
        """The report of each side that counts on the text that stands; None for a side that has said nothing."""
        return last_words(self.reports, self.standing)

    def at(self, now_seconds: int) -> State:
        """The state at this time: what stands, and of which nobody said anything, lapses when its end is over."""
        ends = self.ends
        over = ends is not None and ends.due(now_seconds) == "overdue"
        return State.LAPSED if over and self.state is State.STANDING else self.state

    def due_state(self, now_seconds: int) -> DueState:
        """How it is with its date: "none" if it has none, or nothing is awaited of it."""
        return due_state(self.due if self.at(now_seconds) in WATCHED else None, now_seconds)


class Reminder(NamedTuple):
    """What a desk is to be reminded of.

    kind: "begins", its window has begun; "ends_soon", what was agreed is due, or without a date ends, within seven days;
    "overdue", it is past everywhere. at: since when, in seconds since 1970; not later than now.
    """

    name: Name
    kind: Literal["begins", "ends_soon", "overdue"]
    at: int


def commitments(record: Record, said: Replies | None = None) -> tuple[Commitment, ...]:
    """All commitments of a line, in the order in which they were first proposed. said: `replies(record)`, if the caller has
    it. The same at both desks for the same record.
    """
    said = replies(record) if said is None else said
    found = histories(record, said, COMMITMENT, _TEXT["replaces"])
    places = {
        text.move.name: (history, place) for history in found for place, slot in enumerate(history.slots) for text in slot.texts
    }
    reports: defaultdict[Name, list[Report]] = defaultdict(list)
    for move in record.of_kind(REPORT):
        of = record.named(move, _REPORT["of"])
        if of is not None and of in places:
            history, place = places[of]
            report = Report(move, of, _withdrawal(move, said), _refusal(move, of, history, place))
            reports[history.first.name].append(report)
    return tuple(_commitment(record, history, tuple(reports[history.first.name])) for history in found)


def last_words(reports: Iterable[Report], text: Move | None) -> tuple[Report | None, Report | None]:
    """The newest report of each side on this text that counts; None for a side that has none."""
    words: list[Report | None] = [None, None]
    for report in reports:
        if text is not None and report.counts and report.of == text.name:
            words[report.move.side] = report
    return words[0], words[1]


def reminders(found: Iterable[Commitment], now_seconds: int) -> tuple[Reminder, ...]:
    """Of every commitment that is watched the latest reminder that is due now, if any; the longest due first.

    One that somebody says was kept reminds as well: until the other side says so too, or something else.
    """
    due = (_reminder(commitment, now_seconds) for commitment in found)
    return tuple(sorted((each for each in due if each is not None), key=lambda each: (each.at, each.name)))


def _reminder(commitment: Commitment, now_seconds: int) -> Reminder | None:
    if commitment.at(now_seconds) not in WATCHED:
        return None
    due, ends = commitment.due, commitment.ends
    when = due or ends
    if when is None:
        return None
    if due is not None and now_seconds > due.last:
        return Reminder(commitment.name, "overdue", due.last + 1)
    if when.last - SOON_SECONDS <= now_seconds:
        return Reminder(commitment.name, "ends_soon", when.last - SOON_SECONDS)
    if due is not None and now_seconds >= due.first:
        return Reminder(commitment.name, "begins", due.first)
    return None


def _withdrawal(report: Move, said: Replies) -> Move | None:
    """The first withdrawal of a report by its author, after it."""
    own = (each for each in said.get(report.name, ()) if each.kind == WITHDRAWAL and each.side == report.side)
    return next((each for each in own if each.saw(report)), None)


def _refusal(report: Move, of: Name, history: History, place: int) -> Why | None:
    """Why a report is nobody's word on the text it names: it did not stand where its author was, or the digest is another."""
    slot = history.slots[place]
    if slot.agreed is None or slot.acceptance is None or slot.agreed.name != of or not report.saw(slot.acceptance):
        return Why.UNKNOWN
    if report.exercise != history.first.exercise:
        return Why.EXERCISE
    if report.fields[_REPORT["digest"]] != slot.agreed.digest:
        return Why.WRONG_DIGEST
    after = history.slots[place + 1].acceptance if place + 1 < len(history.slots) else None
    return Why.SETTLED if after is not None and report.saw(after) else None


def _commitment(record: Record, history: History, reports: tuple[Report, ...]) -> Commitment:
    first = history.first
    meeting, item = record.named(first, _TEXT["meeting"]), record.named(first, _TEXT["item"])
    return Commitment(history, _state(history, reports), reports, meeting, item)


def _state(history: History, reports: tuple[Report, ...]) -> State:
    if history.standing is None:
        return State(history.end or State.PROPOSED)
    judged = [report.judged for report in last_words(reports, history.standing) if report is not None]
    if not judged:
        return State.STANDING
    if len(judged) == 1:
        return State(f"said_{judged[0]}")
    return State(judged[0]) if judged[0] == judged[1] else State.DISPUTED


def _when(move: Move, number: int) -> Approximate | None:
    value: Value = move.fields.get(number)
    return None if value is None else Approximate.read(value)
