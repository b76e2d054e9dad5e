"""What was agreed about time, as a file that calendars read (iCalendar, RFC 5545).

Deterministic: the same agreements give the same bytes at both desks, so that an event that is read again replaces itself. Its
UID is made from the name of the entry it came from, its stamp is that entry's time, and its sequence the number of amendments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from watchline.talks.approximate import SECONDS_MAX, Approximate
from watchline.talks.arrangements import MONTHS, Arrangement, Every
from watchline.talks.commitments import Commitment
from watchline.talks.moves import Name
from watchline.talks.rounds import Offer, Phase, Round

if TYPE_CHECKING:
    from icalendar import Event

PRODUCT = "-//Watchline//Talks//EN"
SUMMARY_CHARACTERS_MAX = 120
LAST_SAFE_DAY = 28  # every month has it, so a rule may name it alone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """One event.

    uid: the same for ever, see `event_uid`. stamp: when it was agreed, in seconds since 1970. summary: one line; the words of
    an approximate time are added to it. when: an exact time is a moment of the day, a window is its whole days. minutes: how
    long it takes; None if that was not said, or for whole days. every, until: how often an exact time comes back, and the
    second after which it does not; None for once, and for ever. sequence: how often it was amended.
    """

    uid: str
    stamp: int
    summary: str
    when: Approximate
    minutes: int | None = None
    every: Every | None = None
    until: int | None = None
    description: str = ""
    place: str | None = None
    sequence: int = 0


def event_uid(line: str, name: Name) -> str:
    """The UID of what an entry agreed. line: what both desks call the line, as a name is only known on it."""
    return f"{line}-{name.side}-{name.inc}-{name.peer_inc}-{name.at}@watchline"


def arrangement_event(line: str, arrangement: Arrangement) -> CalendarEvent | None:
    """The meetings of a standing arrangement, as one event that comes back; None for one that does not stand."""
    slot = next(reversed(arrangement.history.agreed), None)
    if slot is None or slot.since is None:
        return None
    return CalendarEvent(
        uid=event_uid(line, arrangement.name),
        stamp=slot.since,
        summary=arrangement.title,
        when=Approximate.exactly(arrangement.first),
        minutes=arrangement.duration_minutes,
        every=arrangement.every,
        until=arrangement.until,
        place=arrangement.place,
        sequence=len(arrangement.history.agreed) - 1,
    )


def commitment_event(line: str, commitment: Commitment, language: str) -> CalendarEvent | None:
    """When a commitment is due: the moment, or the days of the window. None for one that does not stand or has no date."""
    slot = next(reversed(commitment.history.agreed), None)
    due = commitment.due
    if slot is None or slot.since is None or due is None:
        return None
    terms = commitment.translations.get(language, commitment.terms)
    return CalendarEvent(
        uid=event_uid(line, commitment.name),
        stamp=slot.since,
        summary=_first_line(terms),
        when=due,
        description=terms,
        sequence=len(commitment.history.agreed) - 1,
    )


def round_events(line: str, round_: Round, offer: Offer) -> list[CalendarEvent]:
    """The date that was agreed for a round, and when an adjourned one is to go on: each once it is agreed for certain. A round
    that was abandoned has none. offer: what the round's agreed text offers.
    """
    if round_.phase is Phase.ABANDONED:
        return []
    dates = ((round_.arrangement, round_.proposal.name, round_.date), (round_.closing, None, round_.next))
    return [
        CalendarEvent(
            uid=event_uid(line, name or slot.agreed.name),
            stamp=slot.since,
            summary=_first_line(offer.topic),
            when=Approximate.read(when),
            place=offer.place,
        )
        for slot, name, when in dates
        if when is not None and slot.agreed is not None and slot.since is not None
    ]


def calendar(events: Sequence[CalendarEvent], language: str = "en") -> str:
    """The events as one iCalendar file, lines ending in CRLF. language: BCP 47, of the words of approximate times."""
    from icalendar import Calendar

    found = Calendar()
    found.add("prodid", PRODUCT)
    found.add("version", "2.0")
    for event in events:
        found.add_component(_component(event, language))
    return str(found.to_ical(), "utf-8")


def _component(event: CalendarEvent, language: str) -> Event:
    from icalendar import Event

    words = event.when.words(language)
    component = Event()
    component.add("uid", event.uid)
    component.add("dtstamp", _time(event.stamp))
    component.add("sequence", event.sequence)
    component.add("summary", _plain(event.summary if words is None else f"{event.summary} ({words})"))
    if event.description:
        component.add("description", _plain(event.description))
    if event.place is not None:
        component.add("location", _plain(event.place))
    days = event.when.days
    if days is not None:
        component.add("dtstart", _EPOCH_DAY + timedelta(days=days[0]))
        component.add("dtend", _day_after(days[1]))  # which the event does not include
        component.add("transp", "TRANSPARENT")  # nobody is busy all spring
        return component
    component.add("dtstart", _time(event.when.first))
    if event.minutes is not None:
        component.add("dtend", _time(min(event.when.first + 60 * event.minutes, SECONDS_MAX)))
    if event.every is not None:
        component.add("rrule", _rule(event.when.first, event.every, event.until))
    return component


def _rule(first: int, every: Every, until: int | None) -> dict[str, Any]:
    """How a meeting comes back, as `arrangements.meetings` has it: where a month has no such day, on its last.

    A rule that names a day that a month does not have would skip the month, so it names the days from the 28th, and of these
    the last one.
    """
    rule: dict[str, Any] = {"freq": "monthly", "interval": MONTHS[every]}
    day = _time(first).day
    if day > LAST_SAFE_DAY:
        rule |= {"bymonthday": list(range(LAST_SAFE_DAY, day + 1)), "bysetpos": -1}
    if until is not None:
        rule["until"] = _time(until)
    return rule


def _time(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def _day_after(days: int) -> date:
    last = _EPOCH_DAY + timedelta(days=days)
    return last if last == date.max else last + timedelta(days=1)


def _plain(text: str) -> str:
    """A text whose line ends are all newlines, which the library escapes: a lone CR would end a line for some readers."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _first_line(text: str) -> str:
    line = text.strip().split("\n", 1)[0]
    return line if len(line) <= SUMMARY_CHARACTERS_MAX else f"{line[: SUMMARY_CHARACTERS_MAX - 1]}…"
