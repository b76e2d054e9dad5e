"""What remains open: an item stays on the list until the answer came, or until who raised it says that it is settled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.talks.said import BEGAN, DAY_SECONDS, Said
from watchline.talks.grievances import Carried, OpenItem, Remains, open_items
from watchline.talks.moves import Move, Name, Record
from watchline.talks.rounds import rounds

SIGHTINGS = tuple(Name(0, 1, 1, at) for at in range(101, 104))
ANSWER = Name(1, 1, 1, 130)
Step = Callable[[Said, Move, Move], object]  # what is said of an item that side 0 raised


def sighting(name: Name, *, is_open: bool = False, declined: bool = False) -> Carried:
    return Carried(name, "airspace-object", BEGAN - 100, name.side, () if is_open else (ANSWER,), is_open, declined)


def listed(said: Said, *carried: Carried) -> tuple[OpenItem, ...]:
    return open_items(said.record, {each.name: each for each in carried}.get)


def why(said: Said, *carried: Carried) -> set[Remains]:
    found = listed(said, *carried)
    assert len(found) <= 1
    return set(found[0].remains) if found else set()


def raised(*notices: Name) -> tuple[Said, Move, Move]:
    said = Said()
    proposal = said.arranged()
    return said, proposal, said.item(0, proposal, *notices)


def agree(said: Said, _: Move, item: Move) -> None:
    said.accept(1, item)


def note(said: Said, _: Move, item: Move) -> None:
    said.note(1, item)


def decline(said: Said, _: Move, item: Move) -> None:
    said.decline(1, item)


def speak(said: Said, _: Move, item: Move) -> None:
    said.state(1, item)


def insist(said: Said, _: Move, item: Move) -> None:
    said.state(0, item)


def reply(said: Said, _: Move, item: Move) -> None:
    said.state(1, item, replies_to=said.state(0, item))


def speak_and_take_back(said: Said, _: Move, item: Move) -> None:
    said.withdraw(said.state(1, item))


def speak_of_something_else(said: Said, proposal: Move, _: Move) -> None:
    said.state(1, proposal)


def settle(said: Said, _: Move, item: Move) -> None:
    said.withdraw(item)


def settle_for_the_other(said: Said, _: Move, item: Move) -> None:
    said.withdraw(item, by=1)


def close(said: Said, proposal: Move, _: Move) -> None:
    said.conclude(proposal)


@pytest.mark.parametrize(
    ("steps", "remains"),
    [
        ([], {Remains.UNANSWERED}),
        ([note], {Remains.UNANSWERED}),
        ([insist], {Remains.UNANSWERED}),
        ([speak_of_something_else], {Remains.UNANSWERED}),
        ([close], {Remains.UNANSWERED}),
        ([speak_and_take_back], {Remains.UNANSWERED}),
        ([settle_for_the_other], {Remains.UNANSWERED}),
        ([agree], set()),
        ([speak], set()),
        ([reply], set()),
        ([note, speak], set()),
        ([close, speak], set()),
        ([decline], {Remains.DECLINED}),
        ([decline, close], {Remains.DECLINED}),
        ([close, decline], {Remains.DECLINED}),
        ([decline, note], {Remains.UNANSWERED}),
        ([decline, speak], set()),
        ([decline, agree], set()),
        ([settle], set()),
        ([decline, settle], set()),
        ([close, settle], set()),
    ],
    ids=lambda value: "-".join(step.__name__ for step in value) if isinstance(value, list) else "",
)
def test_item_is_open_until_the_other_side_agrees_or_speaks_or_its_author_settles_it(
    steps: list[Step], remains: set[Remains]
) -> None:
    said, proposal, item = raised()
    for step in steps:
        step(said, proposal, item)
    assert why(said) == remains


def test_agreed_item_stays_open_while_one_of_its_notices_has_no_answer() -> None:
    first, second, third = SIGHTINGS
    said, _, item = raised(*SIGHTINGS)
    said.accept(1, item)
    assert why(said, sighting(first), sighting(second, is_open=True), sighting(third)) == {Remains.NOTICE_OPEN}
    assert why(said, *map(sighting, SIGHTINGS)) == set()


def test_answers_to_its_notices_alone_do_not_answer_an_item() -> None:
    assert why(raised(*SIGHTINGS)[0], *map(sighting, SIGHTINGS)) == {Remains.UNANSWERED}


def test_declined_notice_keeps_the_item_on_the_list_marked_so() -> None:
    first, second, third = SIGHTINGS
    said, _, item = raised(*SIGHTINGS)
    said.accept(1, item)
    (found,) = listed(said, sighting(first), sighting(second, declined=True), sighting(third))
    assert found.remains == (Remains.NOTICE_DECLINED,)
    assert found.declined
    assert [each.declined for each in found.carried] == [False, True, False]


def test_item_with_a_notice_still_open_is_not_called_declined() -> None:
    first, second, third = SIGHTINGS
    said, _, item = raised(*SIGHTINGS)
    said.accept(1, item)
    (found,) = listed(said, sighting(first, is_open=True), sighting(second, declined=True), sighting(third))
    assert not found.declined


def test_agreed_item_that_its_author_settles_is_off_the_list_whatever_is_unanswered() -> None:
    said, _, item = raised(*SIGHTINGS)
    said.accept(1, item)
    unanswered = [sighting(name, is_open=True) for name in SIGHTINGS]
    assert why(said, *unanswered) == {Remains.NOTICE_OPEN}
    said.withdraw(item)
    assert why(said, *unanswered) == set()


def test_what_an_item_names_and_is_no_notice_is_told_and_keeps_nothing_open() -> None:
    said, _, item = raised(*SIGHTINGS)
    (found,) = listed(said, sighting(SIGHTINGS[0]))
    assert found.unknown == SIGHTINGS[1:]
    said.accept(1, item)
    assert why(said) == set()


def test_list_goes_over_all_rounds_and_begins_with_what_was_raised_first() -> None:
    said, first, balloons = raised()
    water = said.item(1, first)
    said.conclude(first)
    second = said.arranged()
    drills = said.item(0, second)
    assert [(item.move, item.round) for item in listed(said)] == [
        (balloons, first.name),
        (water, first.name),
        (drills, second.name),
    ]


def test_age_is_since_it_was_raised_and_never_negative() -> None:
    said, _, item = raised()
    (found,) = listed(said)
    assert found.age_seconds(item.time + 3 * DAY_SECONDS) == 3 * DAY_SECONDS
    assert found.age_seconds(item.time - 1) == 0


def test_list_of_exercises_is_apart() -> None:
    said = Said(exercise=True)
    said.item(0, said.arranged())
    assert open_items(said.record, lambda _: None) == ()
    assert len(open_items(said.record, lambda _: None, exercise=True)) == 1


STEPS: list[Step] = [agree, note, decline, speak, insist, reply, speak_and_take_back, settle, settle_for_the_other]


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(STEPS)), max_size=12), st.integers(0, 3), st.randoms())
def test_both_desks_with_equal_records_list_the_same(steps: list[tuple[int, Step]], closed_after: int, order: Random) -> None:
    said = Said()
    proposal = said.arranged()
    items = [said.item(0, proposal, name) for name in (*SIGHTINGS, ANSWER)]
    for place, (which, step) in enumerate(steps):
        if place == closed_after:
            said.conclude(proposal)
        step(said, proposal, items[which])
    notices = {name: sighting(name, declined=True) for name in SIGHTINGS}
    shuffled = list(said.moves)
    order.shuffle(shuffled)
    here, there = said.record, Record({move.name: move for move in shuffled}, {}, said.record.horizon)
    assert open_items(here, notices.get) == open_items(there, notices.get)
    assert open_items(here, notices.get, found=rounds(there)) == open_items(here, notices.get)


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(STEPS)), max_size=8), st.integers(0, 3))
def test_item_leaves_the_list_for_good_once_its_author_has_settled_it(steps: list[tuple[int, Step]], which: int) -> None:
    said = Said()
    proposal = said.arranged()
    items = [said.item(0, proposal, name) for name in (*SIGHTINGS, ANSWER)]
    said.withdraw(items[which])
    for at, step in steps:
        step(said, proposal, items[at])
    unanswered = {name: sighting(name, is_open=True) for name in (*SIGHTINGS, ANSWER)}
    assert items[which] not in [item.move for item in open_items(said.record, unanswered.get)]


def test_item_that_names_a_later_copy_of_a_notice_carries_the_notice() -> None:
    again = Name(0, 2, 1, 3)
    said, _, _ = raised(again)
    record = replace(said.record, aliases={again: SIGHTINGS[0]})
    (found,) = open_items(record, {SIGHTINGS[0]: sighting(SIGHTINGS[0])}.get)
    assert [each.name for each in found.carried] == [SIGHTINGS[0]]


def test_grievances_of_february_2023_stand_until_they_are_answered() -> None:
    said = Said()
    proposal = said.arranged()
    balloons = said.item(0, proposal, *SIGHTINGS)
    closure = Name(0, 1, 1, 104)  # the query about a live-fire closure that was missing
    rockets = said.item(0, proposal, closure)
    water = said.item(1, proposal)
    chains = said.item(1, proposal)
    said.accept(0, chains)
    said.note(1, balloons)
    said.decline(1, rockets)
    said.state(0, water)
    said.conclude(proposal)
    query = Carried(closure, "unusual-activity-query", BEGAN - 200, 0, (), open=True, declined=False)
    carried = [sighting(SIGHTINGS[0]), sighting(SIGHTINGS[1], declined=True), sighting(SIGHTINGS[2], is_open=True), query]

    assert [(item.move, item.remains) for item in listed(said, *carried)] == [
        (balloons, (Remains.UNANSWERED, Remains.NOTICE_OPEN, Remains.NOTICE_DECLINED)),
        (rockets, (Remains.DECLINED, Remains.NOTICE_OPEN)),
    ]

    said.state(1, balloons)
    said.withdraw(rockets)
    assert [item.move for item in listed(said, *map(sighting, SIGHTINGS))] == []
