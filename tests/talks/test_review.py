from __future__ import annotations

from tests.talks.test_arrangements import agreed as arranged
from tests.talks.test_arrangements import arrange
from tests.talks.test_commitments import SPRING, SPRING_TIME, promise, report
from tests.talks.test_commitments import agreed as promised
from tests.talks.two_logs import DAY, START, TwoLogs
from watchline.talks.approximate import Approximate
from watchline.talks.arrangements import arrangements
from watchline.talks.commitments import State, commitments
from watchline.talks.moves import PROPOSAL, STATEMENT, Move, Name, Record
from watchline.talks.review import Meeting, Review, meeting, review
from watchline.talks.rounds import rounds

YEAR = 365 * DAY
STOP = START + YEAR


def of_record(record: Record, start: int, stop: int, meetings: tuple[Meeting, ...]) -> Review[str]:
    return review(start, stop, commitments=commitments(record), arrangements=arrangements(record), rounds=meetings)


def made(talk: TwoLogs, start: int = START, stop: int = STOP, meetings: tuple[Meeting, ...] = ()) -> Review[str]:
    """The review, which is the same at both desks."""
    talk.meet()
    ours, theirs = (of_record(record, start, stop, meetings) for record in talk.records())
    assert ours == theirs
    return ours


def test_review_of_a_year_in_which_nothing_was_agreed_is_empty() -> None:
    talk = TwoLogs()
    promise(talk)
    found = made(talk)
    assert (found.agreed, found.changed, found.outcomes, found.due, found.sittings, found.rounds) == ((),) * 6


def test_what_was_agreed_and_what_was_changed_in_the_period_stand_apart() -> None:
    talk = TwoLogs(START - YEAR)
    old = promised(talk)
    talk.clock = START
    new = promised(talk, 1)
    amendment = promise(talk, replaces=old)
    talk.meet()
    talk.accept(1, amendment)
    found = made(talk)
    assert [change.text for change in found.agreed] == [new]
    assert [(change.text, change.before) for change in found.changed] == [(amendment, old)]
    assert [change.text for change in made(talk, START - YEAR, START).agreed] == [old]
    assert made(talk, STOP, STOP + YEAR).changed == ()


def test_outcome_belongs_to_the_period_of_the_last_report() -> None:
    talk = TwoLogs()
    text = promised(talk)
    report(talk, 0, text, "kept")
    assert [(each.state, each.at) for each in made(talk).outcomes] == [(State.SAID_KEPT, talk.clock)]
    talk.clock = STOP
    report(talk, 1, text, "not_kept")
    assert made(talk).outcomes == ()
    assert [each.state for each in made(talk, STOP, STOP + YEAR).outcomes] == [State.DISPUTED]


def test_what_lapsed_by_time_is_an_outcome_of_the_period_in_which_its_end_was_over() -> None:
    talk = TwoLogs()
    promised(talk, fields={4: SPRING})
    over = SPRING_TIME.last + 1
    assert [(each.state, each.at) for each in made(talk).outcomes] == [(State.LAPSED, over)]
    assert made(talk, START, over).outcomes == ()
    assert made(talk, over + 1, STOP).outcomes == ()


def test_what_is_still_to_be_done_is_listed_by_its_date() -> None:
    talk = TwoLogs()
    without = promised(talk)
    later = promised(talk, fields={3: STOP + DAY})
    past = promised(talk, fields={3: SPRING})
    done = promised(talk, fields={3: SPRING})
    report(talk, 0, done)
    report(talk, 1, done)
    assert [(each.commitment.name, each.state) for each in made(talk).due] == [
        (past.name, "overdue"),
        (later.name, "not_yet"),
        (without.name, "none"),
    ]


def test_open_items_are_listed_oldest_first_and_figures_as_they_were_handed_in() -> None:
    found = review(START, STOP, commitments=(), open_items=[(9, "water"), (3, "balloons")], figures={"days": []})
    assert found.open_items == ((3, "balloons"), (9, "water"))
    assert found.figures == {"days": []}


def test_meeting_of_an_arrangement_is_held_if_a_round_was_held_nearest_to_it() -> None:
    talk = TwoLogs()
    text = arranged(talk, "quarter", START + 10 * DAY)
    other = arranged(talk, "month", START + 10 * DAY, fields={8: START + 11 * DAY})
    window = Approximate.read([(START + 98 * DAY) // DAY, (START + 108 * DAY) // DAY, "in early June"])
    meetings = (
        Meeting(Name(0, 1, 1, 7), Approximate.exactly(START + 11 * DAY), text.name, held=True),
        Meeting(Name(0, 1, 1, 8), window, text.name, held=True),
        Meeting(Name(0, 1, 1, 9), Approximate.exactly(START + 190 * DAY), text.name, held=False),
        Meeting(Name(0, 1, 1, 10), None, text.name, held=True),
        Meeting(Name(0, 1, 1, 11), Approximate.exactly(STOP + DAY), None, held=True),
    )
    found = made(talk, meetings=meetings)
    assert [(each.occurrence.arrangement, each.held) for each in found.sittings] == [
        (text.name, meetings[0].round),
        (other.name, None),
        (text.name, meetings[1].round),
        (text.name, None),
        (text.name, None),
    ]
    assert len(found.missed) == 3
    assert found.rounds == meetings[:3]


def test_exercises_are_in_no_review() -> None:
    talk = TwoLogs()
    text = promise(talk, exercise=True)
    talk.meet()
    talk.accept(1, text, exercise=True)
    yearly = arrange(talk, 0, "year", START + DAY, exercise=True)
    talk.meet()
    talk.accept(1, yearly, exercise=True)
    found = made(talk)
    assert commitments(talk.record())[0].state == State.STANDING
    assert arrangements(talk.record())[0].standing == yearly
    assert (found.agreed, found.due, found.sittings) == ((), (), ())


def test_meetings_of_an_exercise_arrangement_are_neither_held_nor_missed_and_those_beside_it_are() -> None:
    talk = TwoLogs()
    real = arranged(talk, "quarter", START + 10 * DAY)
    exercise = arrange(talk, 0, "month", START + 10 * DAY, exercise=True)
    talk.meet()
    talk.accept(1, exercise, exercise=True)
    rounds_held = (Meeting(Name(0, 1, 1, 9), Approximate.exactly(START + 10 * DAY), exercise.name, held=True),)
    found = made(talk, meetings=rounds_held)
    assert len(arrangements(talk.record())) == 2
    assert {each.occurrence.arrangement for each in found.sittings} == {real.name}
    assert [each.held for each in found.sittings] == [None] * 4


def propose(talk: TwoLogs, date: int, arrangement: Move) -> Move:
    return talk.say(0, PROPOSAL, {1: "Security dialogue", 2: "director", 3: [date], 4: "visit", 7: arrangement})


def test_round_was_held_if_somebody_spoke_in_it() -> None:
    talk = TwoLogs()
    text = arranged(talk, "year", START + 10 * DAY)
    first, second = (propose(talk, START + days * DAY, text) for days in (10, 20))
    talk.meet()
    for each in (first, second):
        talk.accept(1, each, date=each.fields[3][0])
    talk.clock = START + 10 * DAY
    talk.say(1, STATEMENT, {1: "minister", 2: "Peace and stability.", 4: first})
    talk.meet()
    record = talk.record()
    found = [meeting(record, round_) for round_ in rounds(record)]
    assert found == [
        Meeting(first.name, Approximate.exactly(START + 10 * DAY), text.name, held=True),
        Meeting(second.name, Approximate.exactly(START + 20 * DAY), text.name, held=False),
    ]
