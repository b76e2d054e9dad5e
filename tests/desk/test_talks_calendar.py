from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from tests.talks.test_arrangements import agreed as arranged
from tests.talks.test_arrangements import arrange, text_of
from tests.talks.test_commitments import SPRING, promise
from tests.talks.test_commitments import agreed as promised
from tests.talks.two_logs import DAY, START, TwoLogs
from watchline.desk.talks_calendar import CalendarEvent, arrangement_event, calendar, commitment_event, event_uid
from watchline.talks.approximate import DAYS_MAX, SECONDS_MAX, Approximate
from watchline.talks.arrangements import MONTHS, Every, arrangements, meetings
from watchline.talks.commitments import commitments
from watchline.talks.moves import Name

NOON = START + DAY // 2


def read(text: str) -> list[Any]:
    """The events as another library reads them."""
    return list(vobject.readOne(text).contents.get("vevent", []))


def event(**changes: Any) -> CalendarEvent:
    fields = {"uid": "one@watchline", "stamp": START, "summary": "Round", "when": Approximate.exactly(NOON)}
    return CalendarEvent(**{**fields, **changes})


def time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_exact_time_is_an_event_at_that_time_in_utc() -> None:
    (found,) = read(calendar([event(minutes=90, place="Tokyo", description="First formal talks", sequence=2)]))
    assert (found.uid.value, found.dtstamp.value, found.sequence.value) == ("one@watchline", time(START), "2")
    assert (found.dtstart.value, found.dtend.value) == (time(NOON), time(NOON + 90 * 60))
    assert (found.summary.value, found.location.value, found.description.value) == ("Round", "Tokyo", "First formal talks")


def test_event_without_a_length_has_no_end() -> None:
    (found,) = read(calendar([event()]))
    assert "dtend" not in found.contents


def test_approximate_time_is_whole_days_with_the_words_in_the_readers_language() -> None:
    when = Approximate.read([SPRING[0], SPRING[1], {"en": "around spring", "ja": "春頃"}])
    (found,) = read(calendar([event(when=when)], "ja"))
    assert (found.dtstart.value, found.dtend.value) == (date(2023, 3, 1), date(2023, 6, 1))
    assert found.summary.value == "Round (春頃)"
    assert read(calendar([event(when=when)]))[0].summary.value == "Round (around spring)"


def test_same_events_give_the_same_bytes_with_line_ends_as_the_format_has_them() -> None:
    events = [event(), event(uid="two@watchline", when=Approximate.read(SPRING), description="x" * 300)]
    text = calendar(events)
    assert text == calendar(events)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")


@pytest.mark.parametrize(
    "hostile",
    [
        "talks\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:forged",
        "talks\nEND:VCALENDAR",
        "talks\rATTENDEE:mailto:x@example.org",
        'a;b,c:d\\n\\;"quoted" ^n',
        "会談" * 200,
    ],
)
def test_text_that_people_wrote_stays_text(hostile: str) -> None:
    hostile_event = event(summary=hostile, description=hostile, place=hostile)
    first, second = read(calendar([hostile_event, event(uid="two@watchline")]))
    for written in (first.summary.value, first.description.value, first.location.value):
        assert written == hostile.replace("\r\n", "\n").replace("\r", "\n")
    assert set(first.contents) == {"uid", "dtstamp", "sequence", "summary", "description", "location", "dtstart"}
    assert second.uid.value == "two@watchline"


def test_last_day_and_last_second_that_can_be_said_are_written() -> None:
    events = [
        event(when=Approximate.read([DAYS_MAX, DAYS_MAX, "in the end"])),
        event(when=Approximate.exactly(SECONDS_MAX), minutes=60),
    ]
    assert [found.dtend.value for found in read(calendar(events))] == [date.max, time(SECONDS_MAX)]


def test_nothing_agreed_is_an_empty_calendar() -> None:
    assert read(calendar([])) == []


def test_same_entry_has_the_same_uid_and_another_line_another() -> None:
    assert event_uid("aa", Name(1, 2, 3, 4)) == "aa-1-2-3-4@watchline"
    assert event_uid("bb", Name(1, 2, 3, 4)) != event_uid("aa", Name(1, 2, 3, 4))


def test_amended_arrangement_keeps_its_uid_and_goes_up_in_sequence() -> None:
    talk = TwoLogs()
    first = arranged(talk, "year", NOON, fields={5: 120, 7: "Tokyo", 8: NOON + 3 * 366 * DAY})
    (before,) = arrangements(talk.record())
    arranged(talk, "month", NOON, first)
    (after,) = arrangements(talk.record())
    made = [arrangement_event("aa", found) for found in (before, after)]
    assert [(each.uid, each.sequence, each.every) for each in made if each] == [
        (event_uid("aa", first.name), 0, "year"),
        (event_uid("aa", first.name), 1, "month"),
    ]
    assert made[0] is not None
    assert (made[0].minutes, made[0].place, made[0].until) == (120, "Tokyo", NOON + 3 * 366 * DAY)
    (found,) = read(calendar([made[0]]))
    assert list(found.getrruleset()) == [time(each) for each in meetings(first, 0, SECONDS_MAX)]
    assert found.rruleset


def test_arrangement_that_only_one_side_wants_is_in_no_calendar() -> None:
    talk = TwoLogs()
    arrange(talk, 0, "year", NOON)
    assert [arrangement_event("aa", found) for found in arrangements(talk.record())] == [None]


@pytest.mark.slow
@given(st.sampled_from(list(MONTHS)), st.integers(0, 4_000_000_000), st.none() | st.integers(0, 20 * 366 * DAY))
def test_rule_gives_another_library_the_meetings_that_we_have(every: Every, first: int, length: int | None) -> None:
    until = None if length is None else first + length
    (found,) = read(calendar([event(when=Approximate.exactly(first), every=every, until=until)]))
    ours = [time(each) for each in islice(meetings(text_of(every, first, until), 0, SECONDS_MAX), 60)]
    assert list(islice(found.getrruleset(), 60)) == ours


def test_commitment_is_in_the_calendar_when_it_stands_and_has_a_date() -> None:
    talk = TwoLogs()
    terms = "Try to establish a direct hotline\nbetween the two ministries"
    text = promised(talk, terms=terms, fields={3: SPRING, 8: [["ja", "直通電話を試みる"]]})
    promised(talk)  # no date
    promise(talk, fields={3: SPRING})  # not agreed
    made = [commitment_event("aa", found, "en") for found in commitments(talk.record())]
    assert [each is None for each in made] == [False, True, True]
    (found,) = read(calendar([each for each in made if each]))
    assert (found.uid.value, found.description.value) == (event_uid("aa", text.name), terms)
    assert found.summary.value == "Try to establish a direct hotline (around spring)"
    japanese = commitment_event("aa", commitments(talk.record())[0], "ja")
    assert japanese is not None
    assert japanese.summary == "直通電話を試みる"


def test_long_terms_are_cut_in_the_summary_alone() -> None:
    talk = TwoLogs()
    promised(talk, terms="x" * 500, fields={3: NOON})
    made = commitment_event("aa", commitments(talk.record())[0], "en")
    assert made is not None
    assert (len(made.summary), made.summary[-1], len(made.description)) == (120, "…", 500)
