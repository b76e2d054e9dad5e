"""Steps are taken in their time, once, durably, and told to the sender without closing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.desk.desk_pair import DeskEnd, DeskPair
from tests.desk.watch_samples import AGREED, acknowledge, ask, say
from watchline.core.clocks import ACKNOWLEDGE
from watchline.core.entries import Notice, Precedence
from watchline.desk.actions import Alarm, Outcome
from watchline.desk.escalation import BUDGET_SECONDS, BUDGET_STEPS, REPORT_FORM
from watchline.desk.rungs import read_notice
from watchline.desk.steps import Bell, Command, Officer, Step
from watchline.errors import RouteError, UsageError

EVERY = (0, 1, 2, 3)
PAGE = Step("page", 0.3, EVERY, False, Command(("/bin/true",)))


class Pager:
    """Stands where a node takes steps: keeps what it was given, and ends each as it is told to."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.outcome = outcome
        self.taken: list[tuple[str, Alarm]] = []

    def __call__(self, step: Step, alarm: Alarm, done: Callable[[Outcome], None]) -> None:
        self.taken.append((step.name, alarm))
        if self.outcome is not None:
            done(self.outcome)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    joined = DeskPair(tmp_path, agreed=AGREED)
    joined.join()
    joined.advance(3)
    yield joined
    joined.close()


def set_steps(end: DeskEnd, *steps: Step, pager: Pager | None = None) -> Pager:
    pager = pager or Pager(Outcome(True, "paged"))
    end.desk.escalation.steps, end.desk.escalation.perform = steps, pager
    return pager


def taken(end: DeskEnd) -> list[tuple[str, bool]]:
    return [(run.step, run.outcome.ok) for run in end.desk.escalation.runs(end.line)]


def reports(end: DeskEnd) -> list[Notice]:
    """The reports that this end has received."""
    log = end.line.line.setup.incoming_log
    notices = [read_notice(record) for record in end.journal.entries(log, 0, end.journal.size(log))]
    return [notice for notice in notices if notice is not None and notice.form == REPORT_FORM]


@pytest.mark.slow
def test_flash_that_nobody_acknowledges_is_escalated_after_3_6_and_10_minutes(pair: DeskPair) -> None:
    say(pair.a)
    for minutes, expected in ((2.9, 0), (3.1, 1), (5.9, 1), (6.1, 2), (9.9, 2), (10.1, 3), (11, 3)):
        pair.advance(minutes * 60 + 3 - pair.clock.now_seconds)
        assert len(taken(pair.b)) == expected, minutes
    assert [step for step, _ in taken(pair.b)] == ["sound-again", "next-officer", "last-call"]


@pytest.mark.slow
def test_step_is_given_what_waits_and_for_how_long(pair: DeskPair) -> None:
    pager = set_steps(pair.b, PAGE)
    record = say(pair.a)
    pair.advance(200)
    ((name, alarm),) = pager.taken
    assert name == "page"
    assert (alarm.line, alarm.id, alarm.form) == ("tokyo", f"theirs:{record.number}", "airspace-object")
    assert (alarm.precedence, alarm.allowed, alarm.exercise) == ("FLASH", 600, False)
    assert 180 <= alarm.seconds < 185


@pytest.mark.slow
def test_acknowledged_notice_is_not_escalated_further(pair: DeskPair) -> None:
    pager = set_steps(pair.b, PAGE, Step("later", 0.6, EVERY, False, Command(("/bin/true",))))
    record = say(pair.a)
    pair.advance(200)
    acknowledge(pair.b, "Beijing", record.index)
    pair.advance(300)
    assert [name for name, _ in pager.taken] == ["page"]


@pytest.mark.slow
def test_step_is_for_its_precedences_alone_and_for_exercises_only_where_asked(pair: DeskPair) -> None:
    for_flash = Step("flash", 0.1, (3,), False, Command(("/bin/true",)))
    for_exercises = Step("exercises", 0.1, (2,), True, Command(("/bin/true",)))
    pager = set_steps(pair.b, for_flash, for_exercises)
    say(pair.a, Precedence.IMMEDIATE, exercise=True)
    say(pair.a, Precedence.FLASH, exercise=True)
    pair.advance(200)
    assert [(name, alarm.precedence, alarm.exercise) for name, alarm in pager.taken] == [("exercises", "IMMEDIATE", True)]


@pytest.mark.slow
def test_step_that_was_taken_is_not_taken_again_after_a_restart_and_one_cut_short_is(pair: DeskPair) -> None:
    cut_short = Step("cut-short", 0.4, EVERY, False, Command(("/bin/true",)))
    say(pair.a)
    set_steps(pair.b, PAGE)
    pair.advance(200)
    set_steps(pair.b, PAGE, cut_short, pager=Pager(None))
    pair.advance(100)
    assert taken(pair.b) == [("page", True)]

    pair.cut()
    pair.b.config = replace(pair.b.config, escalation=(PAGE,))
    pair.b.restart()
    pager = set_steps(pair.b, PAGE, cut_short)
    pair.join()
    pair.advance(10)

    assert [name for name, _ in pager.taken] == ["cut-short"]
    assert taken(pair.b) == [("page", True), ("cut-short", True)]


@pytest.mark.slow
def test_outcome_that_failed_is_kept_and_shown(pair: DeskPair) -> None:
    set_steps(pair.b, PAGE, pager=Pager(Outcome(False, "answered 503", 3)))
    record = say(pair.a)
    pair.advance(200)
    (line,) = ask(pair.b, "escalation_show")["lines"]
    (run,) = line["taken"]
    assert (run["id"], run["step"], run["ok"], run["detail"]) == (f"theirs:{record.number}", "page", False, "answered 503")
    assert ask(pair.b, "alarms")["alarms"][0]["steps"][0]["ok"] is False


@pytest.mark.slow
def test_old_notices_that_nobody_acknowledges_keep_no_new_one_from_being_escalated(pair: DeskPair) -> None:
    pager = set_steps(pair.b, PAGE)
    for _ in range(20):
        say(pair.a)
    pair.advance(200)
    assert len(pager.taken) == 20
    say(pair.a)
    pair.advance(200)
    assert len(pager.taken) == 21


@pytest.mark.slow
def test_bell_step_fails_where_no_console_is_armed(pair: DeskPair) -> None:
    set_steps(pair.b, Step("ring", 0.3, EVERY, False, Bell()))
    say(pair.a)
    pair.advance(200)
    assert taken(pair.b) == [("ring", False)]


@pytest.mark.slow
def test_officer_step_names_whom_to_call_and_fails_where_the_roster_has_nobody(pair: DeskPair) -> None:
    steps = [Step(f"who-{who}", 0.3, EVERY, False, Officer(who)) for who in ("duty", 2, "admin", 9)]
    set_steps(pair.b, *steps)
    say(pair.a)
    pair.advance(200)
    assert [(run.outcome.ok, run.outcome.detail) for run in pair.b.desk.escalation.runs(pair.b.line)] == [
        (True, "call officer 1, officer 2"),
        (True, "call officer 2"),
        (False, "the roster has no admin"),
        (False, "the roster has no 9"),
    ]


@pytest.mark.slow
def test_peer_that_sends_without_end_is_escalated_within_a_budget(pair: DeskPair) -> None:
    pager = set_steps(pair.b, PAGE, Step("two", 0.3, EVERY, False, Command(("/bin/true",))))
    for _ in range(40):
        say(pair.a)
    pair.advance(300)
    assert len(pager.taken) == BUDGET_STEPS
    pair.advance(BUDGET_SECONDS)
    assert len(pager.taken) == 2 * BUDGET_STEPS


# --- what the sender hears


@pytest.mark.slow
def test_sender_is_told_of_each_step_and_its_clock_goes_on(pair: DeskPair) -> None:
    set_steps(pair.b, PAGE, pager=Pager(Outcome(False, "answered 503", 3)))
    notice = say(pair.a)
    pair.advance(205)

    (report,) = reports(pair.a)
    assert pair.a.desk.catalogue.form(REPORT_FORM).check(dict(report.fields)) == report.fields
    assert report.fields[1] == [1, 1, notice.index]
    assert (report.fields[2], report.fields[3]) == ("command", False)
    kinds = {(clock.index, clock.kind) for clock in pair.a.line.running_clocks(True, pair.a.scheduler.moment())}
    assert (notice.index, ACKNOWLEDGE) in kinds
    assert pair.a.journal.alarms(pair.a.line.record.line) == []


@pytest.mark.slow
def test_report_lifts_no_rung_and_waits_for_nobody(pair: DeskPair) -> None:
    set_steps(pair.b, PAGE)
    notice = say(pair.a)
    pair.advance(205)
    (entry,) = ask(pair.a, "entries", line="beijing", entry=f"ours:{notice.number}")["entries"]
    assert set(entry["rungs"]) == {"composed", "attempted", "received"}
    assert pair.a.line.running_clocks(False, pair.a.scheduler.moment()) == []


@pytest.mark.slow
def test_report_is_never_escalated_itself(pair: DeskPair) -> None:
    for end in (pair.a, pair.b):
        set_steps(end, PAGE)
    say(pair.a)
    pair.advance(1000)
    assert taken(pair.b) == [("page", True)]
    assert taken(pair.a) == []


@pytest.mark.slow
def test_exercise_is_escalated_where_asked_and_not_reported(pair: DeskPair) -> None:
    set_steps(pair.b, Step("page", 0.3, EVERY, True, Command(("/bin/true",))))
    say(pair.a, exercise=True)
    pair.advance(205)
    assert taken(pair.b) == [("page", True)]
    assert reports(pair.a) == []


@pytest.mark.slow
def test_terms_that_let_no_machine_report_are_kept(tmp_path: Path) -> None:
    pair = DeskPair(tmp_path, agreed=replace(AGREED, unreleased_forms=("airspace-object", "test")))
    pair.join()
    pair.advance(3)
    set_steps(pair.b, PAGE)
    say(pair.a)
    pair.advance(205)
    assert taken(pair.b) == [("page", True)]
    assert reports(pair.a) == []
    pair.close()


# --- tests of steps


def test_step_is_untested_until_its_test_succeeds_and_again_once_it_is_changed(pair: DeskPair) -> None:
    escalation = pair.b.desk.escalation
    set_steps(pair.b, PAGE, pager=Pager(Outcome(False, "answered 503")))
    assert [(each["name"], each["state"]) for each in ask(pair.b, "escalation_show")["steps"]] == [("page", "untested")]
    assert ask(pair.b, "escalation_test", step="page")["state"] == "failed"
    assert escalation.untested() == ["page"]

    pager = set_steps(pair.b, PAGE)
    tested = ask(pair.b, "escalation_test", step="page")
    assert (tested["state"], tested["last_test"]["detail"]) == ("tested", "paged")
    assert pager.taken[0][1].exercise
    assert escalation.untested() == []
    assert taken(pair.b) == []
    assert reports(pair.a) == []

    set_steps(pair.b, Step("page", 0.3, EVERY, False, Command(("/bin/false",))))
    assert escalation.untested() == ["page"]


def test_test_of_a_step_survives_a_restart(pair: DeskPair) -> None:
    set_steps(pair.b, PAGE)
    ask(pair.b, "escalation_test", step="page")
    pair.cut()
    pair.b.restart()
    set_steps(pair.b, PAGE)
    assert pair.b.desk.escalation.state(PAGE) == "tested"


def test_step_that_there_is_not_and_a_home_without_a_node_are_refused(pair: DeskPair) -> None:
    with pytest.raises(UsageError, match="no step 'gone'"):
        ask(pair.b, "escalation_test", step="gone")
    with pytest.raises(RouteError):
        ask(pair.b, "escalation_test", live=False, step="sound-again")
