from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.talks.two_logs import DAY, START, TwoLogs, steps
from watchline.talks.agreement import Why
from watchline.talks.approximate import Approximate
from watchline.talks.commitments import SOON_SECONDS, Commitment, State, commitments, reminders
from watchline.talks.moves import COMMITMENT, ITEM, NOTED, PROPOSAL, REPORT, WITHDRAWAL, Move, Name, Record
from watchline.talks.versions import STEP

SPRING = [19_417, 19_508, "around spring"]  # 2023-03-01 to 2023-05-31
SPRING_TIME = Approximate.read(SPRING)


def promise(talk: TwoLogs, side: int = 0, *, replaces: Move | None = None, of: Move | None = None, **more: Any) -> Move:
    fields = {1: more.pop("terms", "a direct hotline"), 2: "agreed_to_try", **more.pop("fields", {})}
    return talk.say(side, COMMITMENT, fields if replaces is None else {**fields, 7: replaces}, of, **more)


def agreed(talk: TwoLogs, side: int = 0, **more: Any) -> Move:
    text = promise(talk, side, **more)
    talk.meet()
    talk.accept(1 - side, text)
    talk.meet()
    return text


def report(talk: TwoLogs, side: int, text: Move, judged: str = "kept", **more: Any) -> Move:
    return talk.say(side, REPORT, {1: text, 2: more.pop("digest", text.digest), 3: judged}, text, **more)


def only(talk: TwoLogs) -> Commitment:
    """The one commitment, which both desks see alike once all has arrived."""
    talk.meet()
    (ours,), (theirs,) = (commitments(record) for record in talk.records())
    assert ours == theirs
    return ours


def state(talk: TwoLogs) -> str:
    return only(talk).state.value


def test_text_stands_once_the_other_side_accepted_it() -> None:
    talk = TwoLogs()
    text = promise(talk, fields={3: SPRING, 4: START + 999 * DAY, 8: [["ja", "直通電話"]]})
    assert state(talk) == "proposed"
    assert only(talk).history.end is None
    talk.accept(1, text)
    found = only(talk)
    assert (found.name, found.standing, found.state) == (text.name, text, State.STANDING)
    assert (found.terms, found.strength, found.translations) == ("a direct hotline", "agreed_to_try", {"ja": "直通電話"})
    assert (found.due, found.ends) == (SPRING_TIME, Approximate.exactly(START + 999 * DAY))


def test_commitment_knows_the_round_and_the_item_it_was_made_under() -> None:
    talk = TwoLogs()
    meeting = talk.say(1, PROPOSAL, {})
    talk.meet()
    item = talk.say(0, ITEM, {1: meeting, 2: "the hotline"})
    text = promise(talk, fields={5: meeting, 6: item})
    assert (only(talk).meeting, only(talk).item) == (meeting.name, item.name)
    assert only(talk).name == text.name


def test_what_nobody_accepted_is_withdrawn_or_declined_as_its_newest_text_is() -> None:
    talk = TwoLogs()
    first = promise(talk)
    talk.withdraw(0, first)
    assert state(talk) == "withdrawn"
    second = promise(talk, replaces=first)
    assert state(talk) == "proposed"
    talk.decline(1, second)
    assert state(talk) == "declined"
    talk.meet()
    third = promise(talk, replaces=second)
    talk.meet()
    talk.accept(1, third)
    assert only(talk).standing == third
    assert only(talk).name == first.name
    assert len(only(talk).versions) == 1


@pytest.mark.parametrize("named", [True, False], ids=["replaces", "answers"])
def test_text_of_the_other_side_against_one_on_the_table_is_a_text_for_the_same_version(named: bool) -> None:
    talk = TwoLogs()
    first = promise(talk)
    talk.meet()
    counter = promise(talk, 1, **({"replaces": first} if named else {"of": first}))
    talk.meet()
    assert only(talk).versions[0].on_table == (first, counter)
    talk.accept(0, counter)
    assert (only(talk).standing, only(talk).state) == (None, State.PROPOSED)  # side 1 may have accepted the other text
    assert not only(talk).history.certain
    talk.say(1, NOTED, {1: counter})  # it had not
    assert (only(talk).standing, len(only(talk).versions)) == (counter, 1)


def test_amendment_stands_instead_of_what_it_amends_once_it_is_accepted() -> None:
    talk = TwoLogs()
    first = agreed(talk, fields={3: START})
    amendment = promise(talk, 1, replaces=first, fields={3: SPRING})
    found = only(talk)
    assert (found.standing, found.due, len(found.versions)) == (first, Approximate.exactly(START), 2)
    talk.accept(0, amendment)
    found = only(talk)
    assert (found.standing, found.due) == (amendment, SPRING_TIME)
    assert found.name == first.name


def test_amendment_that_is_declined_leaves_what_stands() -> None:
    talk = TwoLogs()
    first = agreed(talk)
    amendment = promise(talk, 1, replaces=first)
    talk.meet()
    talk.decline(0, amendment)
    assert (only(talk).standing, only(talk).state) == (first, State.STANDING)


@pytest.mark.parametrize("accepting", [0, 1])
def test_of_two_amendments_that_cross_the_accepted_one_stands_and_the_other_comes_too_late(accepting: int) -> None:
    talk = TwoLogs()
    first = agreed(talk)
    amendments = promise(talk, 0, replaces=first), promise(talk, 1, replaces=first)
    talk.meet()
    talk.accept(accepting, amendments[1 - accepting])
    talk.meet()
    talk.accept(1 - accepting, amendments[accepting])
    assert only(talk).standing == amendments[1 - accepting]


def test_of_two_amendments_that_both_sides_accept_at_once_that_of_side_0_stands_at_both_desks() -> None:
    talk = TwoLogs()
    first = agreed(talk)
    amendments = promise(talk, 0, replaces=first), promise(talk, 1, replaces=first)
    talk.meet()
    talk.accept(0, amendments[1])
    talk.accept(1, amendments[0])
    assert [commitments(record)[0].standing for record in talk.records()] == [first, amendments[0]]
    assert not commitments(talk.record(0))[0].history.certain
    assert only(talk).standing == amendments[0]


def test_acceptance_of_a_text_that_was_superseded_before_does_not_count() -> None:
    talk = TwoLogs()
    first = promise(talk)
    second = promise(talk, replaces=first)
    talk.meet()
    talk.accept(1, first)
    assert state(talk) == "proposed"
    talk.accept(1, second)
    assert only(talk).standing == second


def test_text_that_crosses_with_the_acceptance_of_the_one_before_comes_too_late() -> None:
    talk = TwoLogs()
    first = promise(talk)
    talk.meet()
    promise(talk, replaces=first)
    talk.accept(1, first)
    assert only(talk).standing == first
    assert len(only(talk).versions) == 1


def test_amendment_of_a_text_that_no_longer_stands_does_not_count() -> None:
    talk = TwoLogs()
    first = agreed(talk)
    second = promise(talk, replaces=first)
    talk.meet()
    talk.accept(1, second)
    talk.meet()
    late = promise(talk, 1, replaces=first)
    talk.meet()
    talk.accept(0, late)
    found = only(talk)
    assert (found.standing, found.history.refused[0].why) == (second, Why.SETTLED)
    assert found.history.refused[0].move == late


def test_amendment_of_what_is_not_yet_certain_waits_for_it_and_falls_with_it() -> None:
    talk = TwoLogs()
    counter = promise(talk, 1)
    talk.meet()
    own = promise(talk, 0, replaces=counter)
    talk.meet()
    talk.accept(0, counter)
    amendment = promise(talk, 0, replaces=counter)
    found = commitments(talk.record(0))[0]
    assert (found.state, found.text, found.history.certain) == (State.PROPOSED, counter, False)
    assert [slot.on_table for slot in found.versions] == [(), (amendment,)]
    talk.accept(1, own)
    talk.meet()
    found = commitments(talk.record(0))[0]
    assert (found.standing, len(found.versions)) == (own, 1)
    assert amendment in [refused.move for refused in found.versions[0].refused]
    assert found == commitments(talk.record(1))[0]


def test_long_quarrel_and_a_long_history_come_to_the_last_text() -> None:
    talk = TwoLogs()
    text = first = promise(talk)
    for _ in range(STEP + 2):
        talk.meet()
        text = promise(talk, replaces=text)
    for _ in range(STEP + 2):
        talk.meet()
        talk.accept(1, text)
        talk.meet()
        text = promise(talk, replaces=text)
    found = only(talk)
    assert (found.name, found.versions[-1].on_table) == (first.name, (text,))
    assert [len(slot.texts) for slot in found.versions] == [STEP + 3, *[1] * (STEP + 2)]


def test_text_that_names_what_its_author_did_not_have_belongs_nowhere() -> None:
    talk = TwoLogs()
    first = promise(talk)
    ahead = promise(talk, 1, replaces=first)  # not arrived there yet
    stray = promise(talk, 1, fields={7: [1, 1, 99]})
    assert only(talk).name == first.name
    assert {ahead.name, stray.name}.isdisjoint(text.move.name for text in only(talk).versions[0].texts)


def test_exercise_changes_nothing_that_is_real() -> None:
    talk = TwoLogs()
    first = agreed(talk)
    promise(talk, 1, replaces=first, exercise=True)
    talk.meet()
    talk.decline(0, report(talk, 1, first, exercise=True))
    found = only(talk)
    assert (found.state, [each.why for each in found.history.refused]) == (State.STANDING, [Why.EXERCISE])
    assert [each.refused for each in found.reports] == [Why.EXERCISE]


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (None, None, "standing"),
        ("kept", None, "said_kept"),
        (None, "not_kept", "said_not_kept"),
        ("lapsed", None, "said_lapsed"),
        ("kept", "kept", "kept"),
        ("not_kept", "not_kept", "not_kept"),
        ("lapsed", "lapsed", "lapsed"),
        ("kept", "not_kept", "disputed"),
        ("lapsed", "kept", "disputed"),
    ],
)
def test_what_both_say_is_so_and_what_one_says_alone_is_only_said(ours: str | None, theirs: str | None, expected: str) -> None:
    talk = TwoLogs()
    text = agreed(talk)
    for side, judged in enumerate((ours, theirs)):
        if judged is not None:
            report(talk, side, text, judged)
    assert state(talk) == expected
    assert [word.judged if word else None for word in only(talk).words] == [ours, theirs]


def test_last_report_of_each_side_counts_and_one_that_was_withdrawn_does_not() -> None:
    talk = TwoLogs()
    text = agreed(talk)
    report(talk, 0, text, "not_kept")
    report(talk, 1, text, "kept")
    assert state(talk) == "disputed"
    mistaken = report(talk, 1, text, "not_kept")
    assert state(talk) == "not_kept"
    talk.withdraw(1, mistaken)
    assert state(talk) == "disputed"
    report(talk, 0, text, "kept")
    assert state(talk) == "kept"
    assert only(talk).reports[2].withdrawn is not None


def test_report_is_withdrawn_by_its_author_alone_and_not_before_it_was_made() -> None:
    talk = TwoLogs()
    text = agreed(talk)
    ahead = {1: [1, 1, len(talk.logs[0]) + 1, 1], 2: "in advance"}
    talk.say(0, WITHDRAWAL, ahead)
    said = report(talk, 0, text)
    talk.meet()
    talk.withdraw(1, said)
    assert state(talk) == "said_kept"
    talk.withdraw(0, said)
    assert state(talk) == "standing"


def test_report_carries_when_it_was() -> None:
    talk = TwoLogs()
    text = agreed(talk)
    talk.say(1, REPORT, {1: text, 2: text.digest, 3: "kept", 4: START + 37 * DAY, 5: "the line was paired"}, text)
    assert only(talk).reports[0].at == Approximate.exactly(START + 37 * DAY)


def test_report_before_the_acceptance_was_seen_or_with_another_digest_does_not_count() -> None:
    talk = TwoLogs()
    text = promise(talk)
    talk.meet()
    talk.accept(1, text)
    early, wrong = report(talk, 0, text), report(talk, 1, text, digest=bytes(32))
    talk.meet()
    assert state(talk) == "standing"
    assert {each.move.name: each.refused for each in only(talk).reports} == {
        early.name: Why.UNKNOWN,
        wrong.name: Why.WRONG_DIGEST,
    }


def test_reports_on_a_text_that_was_amended_are_kept_and_begin_afresh() -> None:
    talk = TwoLogs()
    first = agreed(talk)
    report(talk, 0, first, "not_kept")
    talk.meet()
    second = promise(talk, 1, replaces=first)
    talk.meet()
    talk.accept(0, second)
    talk.meet()
    late = report(talk, 1, first, "kept")
    assert state(talk) == "standing"
    assert [each.refused for each in only(talk).reports if each.move == late] == [Why.SETTLED]
    assert sum(each.counts for each in only(talk).reports) == 1


def test_commitment_lapses_by_time_only_if_nobody_said_anything() -> None:
    talk = TwoLogs()
    text = agreed(talk, fields={4: SPRING})
    found = only(talk)
    assert [found.at(now) for now in (SPRING_TIME.last, SPRING_TIME.last + 1)] == [State.STANDING, State.LAPSED]
    report(talk, 1, text)
    assert only(talk).at(SPRING_TIME.last + 1) == State.SAID_KEPT


def test_reminders_come_when_the_window_begins_shortly_before_it_ends_and_when_it_is_over() -> None:
    talk = TwoLogs()
    text = agreed(talk, fields={3: SPRING})
    found = [only(talk)]
    soon = SPRING_TIME.last - SOON_SECONDS
    assert reminders(found, SPRING_TIME.first - 1) == ()
    assert reminders(found, SPRING_TIME.first) == ((text.name, "begins", SPRING_TIME.first),)
    assert reminders(found, soon) == ((text.name, "ends_soon", soon),)
    assert reminders(found, SPRING_TIME.last) == ((text.name, "ends_soon", soon),)
    assert reminders(found, SPRING_TIME.last + 9) == ((text.name, "overdue", SPRING_TIME.last + 1),)
    assert found[0].due_state(SPRING_TIME.last + 1) == "overdue"


def test_end_without_a_date_reminds_before_it_and_is_never_overdue() -> None:
    talk = TwoLogs()
    text = agreed(talk, fields={4: SPRING})
    found = [only(talk)]
    assert reminders(found, SPRING_TIME.first) == ()
    assert reminders(found, SPRING_TIME.last) == ((text.name, "ends_soon", SPRING_TIME.last - SOON_SECONDS),)
    assert reminders(found, SPRING_TIME.last + 1) == ()
    assert found[0].due_state(SPRING_TIME.last + 1) == "none"


def test_nobody_is_reminded_of_what_is_done_or_was_never_agreed() -> None:
    talk = TwoLogs()
    promise(talk, fields={3: SPRING})
    agreed(talk)  # without any date
    done = agreed(talk, fields={3: SPRING})
    report(talk, 0, done)
    talk.meet()
    (reminder,) = reminders(commitments(talk.record()), SPRING_TIME.last)
    assert reminder.name == done.name  # one side says so: the other has still to say
    report(talk, 1, done)
    assert reminders(commitments(talk.record(1)), SPRING_TIME.last) == ()


def play(talk: TwoLogs, side: int, what: int, which: int, number: int, count: int) -> None:
    """One step of a random talk: often sensible, sometimes stale, sometimes wrong."""
    known = talk.known(side)
    texts = [move for move in known if move.kind == COMMITMENT]
    text = texts[-1 - which % min(len(texts), 3)] if texts else None
    if what <= 3:
        talk.deliver(1 - side, count + 1)
    elif text is None or (what == 4 and number % 3 == 0):
        promise(talk, side)
    elif what <= 6:
        promise(talk, side, replaces=text, exercise=number == 0)
    elif what <= 8:
        talk.accept(side, text)
    elif what == 9:
        talk.decline(side, text) if number % 2 else talk.withdraw(side, known[number % len(known)])
    else:
        report(talk, side, text, ("kept", "not_kept", "lapsed")[number % 3])


@pytest.mark.slow
@given(steps, st.booleans(), st.randoms(use_true_random=False))
def test_what_stands_at_one_desk_never_stands_otherwise_at_either(
    talked: list[tuple[int, int, int, int, int]], begun: bool, chance: random.Random
) -> None:
    talk = TwoLogs()
    if begun:
        agreed(talk)
    stood: dict[tuple[Name, int], Name] = {}
    for side, *step in talked:
        play(talk, side, *step)
        for record in talk.records():
            for found in commitments(record):
                for version, slot in enumerate(found.history.agreed):
                    assert slot.agreed is not None
                    assert stood.setdefault((found.name, version), slot.agreed.name) == slot.agreed.name
    talk.meet()
    left, right = talk.records()
    shuffled = Record.of(chance.sample(talk.known(0), len(talk.known(0))))
    assert commitments(left) == commitments(right) == commitments(shuffled)
    final = {found.name: len(found.history.agreed) for found in commitments(left)}
    assert all(version < final[name] for name, version in stood)  # what once stood was not forgotten


@pytest.mark.slow
@given(steps)
def test_versions_are_certain_then_accepted_then_open_and_every_text_has_one_place(
    talked: list[tuple[int, int, int, int, int]],
) -> None:
    talk = TwoLogs()
    for side, *step in talked:
        play(talk, side, *step)
    for record in talk.records():
        found = commitments(record)
        placed = [text.move.name for each in found for slot in each.versions for text in slot.texts]
        assert len(placed) == len(set(placed))
        for each in found:
            states = [(slot.agreed is not None) + slot.certain for slot in each.versions]
            assert states == sorted(states, reverse=True)
            assert states.count(1) <= 1
            assert states.count(0) <= 1
            assert all(slot.texts for slot in each.versions)
            assert each.text.name in placed
            assert (each.standing is None) == (each.state in {State.PROPOSED, State.WITHDRAWN, State.DECLINED})
