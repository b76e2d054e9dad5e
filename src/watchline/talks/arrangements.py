"""Standing arrangements: meetings that come back, agreed once and amended like a commitment.

They come back on the calendar: the same day of the month at the same time, in UTC, every month, quarter, half year or year from
the first; where a month has no such day, on its last. So both desks find the same seconds for ever. Local clocks move against
them where there is summer time: a meeting that has to keep a local time is amended, or its time is said for each.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal, NamedTuple, cast

from watchline.talks.agreement import Replies, replies
from watchline.talks.approximate import SECONDS_MAX
from watchline.talks.moves import ARRANGEMENT, Move, Name, Record
from watchline.talks.versions import Versioned, histories

# Field numbers of the form that is read here.
FIELDS = {
    ARRANGEMENT: {
        "name": 1, "level": 2, "every": 3, "first": 4, "duration": 5, "mode": 6, "place": 7, "until": 8, "meeting": 9,
        "replaces": 10, "review": 11,
    },
}  # fmt: skip

_FIELD = FIELDS[ARRANGEMENT]

Every = Literal["month", "quarter", "half_year", "year"]
MONTHS: dict[Every, int] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_MAX = 9_999


class State(StrEnum):
    """Where an arrangement is. PROPOSED too while it is accepted and not yet certain."""

    PROPOSED = "proposed"
    STANDING = "standing"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"
    DECLINED = "declined"


class Occurrence(NamedTuple):
    """One of the meetings: the arrangement, the text it follows from, and when it begins, in seconds since 1970."""

    arrangement: Name
    text: Name
    begins: int


@dataclass(frozen=True, slots=True)
class Arrangement(Versioned):
    """One standing arrangement. Its terms are those of the text that stands, else of what there is: see `History.text`.

    meeting: the round it was made in, as its first text says; None for none.
    """

    meeting: Name | None = None

    @property
    def title(self) -> str:
        """What people call it."""
        return str(self.text.fields[_FIELD["name"]])

    @property
    def level(self) -> str:
        """Who meets, a word of the form."""
        return str(self.text.fields[_FIELD["level"]])

    @property
    def every(self) -> Every:
        """How often."""
        return cast("Every", self.text.fields[_FIELD["every"]])

    @property
    def first(self) -> int:
        """When the first meeting begins, in seconds since 1970."""
        return int(self.text.fields[_FIELD["first"]])

    @property
    def duration_minutes(self) -> int | None:
        """How long a meeting takes; None if that was not said."""
        return cast("int | None", self.text.fields.get(_FIELD["duration"]))

    @property
    def mode(self) -> str:
        """How they meet, a word of the form."""
        return str(self.text.fields[_FIELD["mode"]])

    @property
    def place(self) -> str | None:
        """Where; None if that was not said."""
        return cast("str | None", self.text.fields.get(_FIELD["place"]))

    @property
    def until(self) -> int | None:
        """No meeting begins after this second; None if they go on."""
        return cast("int | None", self.text.fields.get(_FIELD["until"]))

    @property
    def review(self) -> bool:
        """Whether the yearly review is on its agenda."""
        return self.text.fields.get(_FIELD["review"]) is True

    def at(self, now_seconds: int) -> State:
        """The state at this time: what stands has ended after its last day."""
        if self.standing is None:
            return State(self.history.end or State.PROPOSED)
        return State.ENDED if self.until is not None and now_seconds > self.until else State.STANDING


def arrangements(record: Record, said: Replies | None = None) -> tuple[Arrangement, ...]:
    """All arrangements of a line, in the order in which they were first proposed. said: `replies(record)`, if the caller has
    it. The same at both desks for the same record.
    """
    found = histories(record, replies(record) if said is None else said, ARRANGEMENT, _FIELD["replaces"])
    return tuple(Arrangement(history, record.named(history.first, _FIELD["meeting"])) for history in found)


def occurrences(arrangement: Arrangement, start: int, stop: int) -> Iterator[Occurrence]:
    """The meetings that begin in [start, stop), in order, those of the past as they were agreed then.

    A text holds from its acceptance, by its author's clock, until the acceptance of the next. Nothing that was never agreed
    has any. Finding the first takes constant time.
    """
    agreed = [slot for slot in arrangement.history.agreed if slot.agreed is not None and slot.acceptance is not None]
    for place, slot in enumerate(agreed):
        assert slot.agreed is not None
        assert slot.acceptance is not None
        after = agreed[place + 1].acceptance if place + 1 < len(agreed) else None
        begin = max(start, slot.acceptance.time)
        end = stop if after is None else min(stop, after.time)
        for second in meetings(slot.agreed, begin, end):
            yield Occurrence(arrangement.name, slot.agreed.name, second)


def meetings(text: Move, start: int, stop: int) -> Iterator[int]:
    """When the meetings of this text begin in [start, stop), in seconds since 1970."""
    first, every = text.fields[_FIELD["first"]], MONTHS[text.fields[_FIELD["every"]]]
    until = text.fields.get(_FIELD["until"])
    last = min(stop - 1, SECONDS_MAX if until is None else until)
    begin = max(start, first)
    if begin > last:
        return
    number = (_months(begin) - _months(first)) // every  # in the month of `begin` or before it
    while (second := _after_months(first, number * every)) is not None and second <= last:
        if second >= begin:
            yield second
        number += 1


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _months(seconds: int) -> int:
    time = _time(seconds)
    return time.year * 12 + time.month - 1


def _after_months(seconds: int, count: int) -> int | None:
    """The same day and time so many months later, or the last day of that month; None after the year 9999."""
    time = _time(seconds)
    year, month = divmod(time.year * 12 + time.month - 1 + count, 12)
    if year > _YEAR_MAX:
        return None
    day = min(time.day, monthrange(year, month + 1)[1])
    return int((time.replace(year=year, month=month + 1, day=day) - _EPOCH).total_seconds())
