from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.talks.two_logs import DAY, START, TwoLogs
from watchline.talks.approximate import SECONDS_MAX
from watchline.talks.arrangements import MONTHS, Arrangement, Every, State, arrangements, meetings, occurrences
from watchline.talks.moves import ARRANGEMENT, PROPOSAL, Move

everies = st.sampled_from(list(MONTHS))
firsts = st.integers(0, SECONDS_MAX)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp())


def day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def arrange(talk: TwoLogs, side: int, every: Every, first: int, replaces: Move | None = None, **more: Any) -> Move:
    fields = {1: "Security dialogue", 2: "director", 3: every, 4: first, 6: "visit", **more.get("fields", {})}
    wire = fields if replaces is None else {**fields, 10: replaces}
    return talk.say(side, ARRANGEMENT, wire, exercise=more.get("exercise", False))


def agreed(talk: TwoLogs, every: Every, first: int, replaces: Move | None = None, **more: Any) -> Move:
    text = arrange(talk, 0, every, first, replaces, **more)
    talk.meet()
    talk.accept(1, text)
    talk.meet()
    return text


def only(talk: TwoLogs) -> Arrangement:
    (found,) = arrangements(talk.record())
    return found


def test_arrangement_stands_once_both_signed_it_and_ends_with_its_last_day() -> None:
    talk = TwoLogs()
    meeting = talk.say(1, PROPOSAL, {})
    talk.meet()
    fields = {5: 90, 7: "Tokyo and Beijing in turn", 8: START + 400 * DAY, 9: meeting, 11: True}
    text = arrange(talk, 0, "year", START + DAY, fields=fields)
    talk.meet()
    assert only(talk).at(START) == State.PROPOSED
    assert list(occurrences(only(talk), 0, SECONDS_MAX)) == []
    talk.accept(1, text)
    talk.meet()
    found = only(talk)
    assert (found.name, found.standing, found.meeting, found.review) == (text.name, text, meeting.name, True)
    assert (found.title, found.level, found.mode, found.place) == ("Security dialogue", "director", "visit", fields[7])
    assert (found.every, found.first, found.duration_minutes, found.until) == ("year", START + DAY, 90, START + 400 * DAY)
    assert [found.at(START + 400 * DAY + late) for late in (0, 1)] == [State.STANDING, State.ENDED]
    assert [day(each.begins) for each in occurrences(found, 0, SECONDS_MAX)] == ["2023-02-23", "2024-02-23"]


def test_arrangement_that_was_declined_has_no_meetings() -> None:
    talk = TwoLogs()
    text = arrange(talk, 0, "month", START)
    talk.meet()
    talk.decline(1, text)
    talk.meet()
    assert only(talk).at(START) == State.DECLINED
    assert not only(talk).review


def test_amendment_changes_what_comes_and_not_what_was() -> None:
    talk = TwoLogs()
    first = agreed(talk, "month", START + DAY)
    talk.clock = START + 40 * DAY
    second = agreed(talk, "quarter", START + 60 * DAY, first)
    found = only(talk)
    assert (found.name, found.standing) == (first.name, second)
    assert [(day(each.begins), each.text) for each in occurrences(found, 0, START + 200 * DAY)] == [
        ("2023-02-23", first.name),
        ("2023-03-23", first.name),
        ("2023-04-23", second.name),
        ("2023-07-23", second.name),
    ]


def text_of(every: Every, first: int, until: int | None = None) -> Move:
    return arrange(TwoLogs(), 0, every, first, fields={} if until is None else {8: until})


@pytest.mark.parametrize(
    ("every", "first", "days"),
    [
        ("month", "2023-01-31", ["2023-01-31", "2023-02-28", "2023-03-31", "2023-04-30", "2023-05-31"]),
        ("month", "2023-12-30", ["2023-12-30", "2024-01-30", "2024-02-29", "2024-03-30", "2024-04-30"]),
        ("quarter", "2022-11-30", ["2022-11-30", "2023-02-28", "2023-05-30", "2023-08-30", "2023-11-30"]),
        ("half_year", "2023-08-31", ["2023-08-31", "2024-02-29", "2024-08-31", "2025-02-28", "2025-08-31"]),
        ("year", "2024-02-29", ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
    ],
)
def test_meeting_comes_back_on_its_day_or_on_the_last_one_of_the_month(every: Every, first: str, days: list[str]) -> None:
    begins = at(f"{first}T09:30:00Z")
    found = list(meetings(text_of(every, begins), 0, begins + 6 * 366 * DAY))[:5]
    assert [day(each) for each in found] == days
    assert {each % DAY for each in found} == {begins % DAY}


def test_no_meeting_begins_after_the_last_second_agreed() -> None:
    until = at("2023-03-22T00:00:00Z")
    assert [len(list(meetings(text_of("month", START, end), 0, SECONDS_MAX))) for end in (until, until - 1)] == [2, 1]


def test_meetings_end_with_the_year_9999() -> None:
    assert len(list(meetings(text_of("month", SECONDS_MAX - 62 * DAY), 0, 2 * SECONDS_MAX))) == 3


@given(everies, firsts, firsts, st.integers(0, 40 * 366 * DAY))
def test_any_span_has_the_meetings_of_the_whole_that_lie_in_it(every: Every, first: int, start: int, length: int) -> None:
    text = text_of(every, first)
    found = list(meetings(text, start, start + length))
    assert all(max(first, start) <= each < start + length for each in found)
    split = start + length // 3
    assert found == [*meetings(text, start, split), *meetings(text, split, start + length)]
    assert all((27 * MONTHS[every]) * DAY < late - early < 32 * MONTHS[every] * DAY for early, late in pairwise(found))
    assert len(found) >= length // (32 * MONTHS[every] * DAY) or start < first or start + length > SECONDS_MAX - 400 * DAY
