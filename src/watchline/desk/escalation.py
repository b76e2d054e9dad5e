"""What this desk does when a notice of a peer stays without an acknowledgement: steps, at parts of its clock.

A step is taken once for each notice. Its outcome is durable; one that a kill cut short is taken again by the next process: an
alarm that comes twice is better than one that does not come. The peer is told of each step that was taken, in a notice that no
person releases and that refers to theirs in a field alone: so it closes no clock, and has none itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import structlog

from watchline.core import shapes
from watchline.core.clocks import ACKNOWLEDGE, RunningClock
from watchline.core.encoding import decode, encode
from watchline.core.entries import ESCALATION_REPORT, Body, EntryType, Leaf, Notice, Precedence
from watchline.core.line import Phase
from watchline.core.outgoing import Draft
from watchline.core.records import EntryRecord
from watchline.core.setting import Moment
from watchline.core.terms import PRECEDENCES
from watchline.desk.actions import TEST_ALARM, Alarm, Outcome
from watchline.desk.clock import rfc3339
from watchline.desk.lines import OpenLine
from watchline.desk.references import reference_to
from watchline.desk.steps import DEFAULT_STEPS, Bell, Officer, Step
from watchline.errors import Malformed, UsageError, WatchlineError

if TYPE_CHECKING:
    from watchline.desk.desk import Desk

RUNS_DOCUMENT_KIND, TESTS_DOCUMENT_KIND = "escalation", "escalation-test"
REPORT_FORM = ESCALATION_REPORT
LOOK_SECONDS = 1.0
BUDGET_STEPS, BUDGET_SECONDS = 32, 600.0  # of one line: a peer that sends without end cannot make us page without end
KEPT_MAX = 200  # outcomes of notices that are closed, of one line

Perform = Callable[[Step, Alarm, Callable[[Outcome], None]], None]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class StepRun:
    """One step that was taken for the notice `index` of the peer. at: seconds since 1970."""

    index: int
    step: str
    at: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class StepTest:
    """The last test of a step. digest: of the step as it was then."""

    at: int
    outcome: Outcome
    digest: bytes


class Escalation:
    """Takes the steps of one desk. `perform`: takes those that reach outside this process; a node sets it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.steps: tuple[Step, ...] = desk.config.escalation or DEFAULT_STEPS
        self.perform: Perform = _needs_node
        self._runs: dict[OpenLine, _Runs] = {}
        self._next_look = 0.0

    # --- steps that are due

    def on_time(self, moment: Moment) -> None:
        """Take the steps that are due now on every line."""
        if moment.running < self._next_look:
            return
        self._next_look = moment.running + LOOK_SECONDS
        for opened in list(self._desk.lines.values()):
            for clock in opened.running_clocks(False, moment):  # the most urgent first, then the oldest
                if clock.kind == ACKNOWLEDGE:
                    self._take_due(opened, clock, moment)

    def _take_due(self, opened: OpenLine, clock: RunningClock, moment: Moment) -> None:
        runs = self._runs_of(opened)
        due = [
            step
            for step in self.steps
            if clock.precedence in step.precedences
            and clock.seconds >= step.at * clock.allowed
            and (clock.index, step.name) not in runs.taken
            and (step.exercises or clock.index not in runs.exercises)
        ]
        if not due or not runs.may_spend(moment.running):
            return
        record = self._desk.journal.entry(opened.line.setup.incoming_log, clock.index)
        notice = None if record is None else _notice(record)
        if record is None or notice is None:
            return
        alarm = Alarm(
            opened.record.name, reference_to(record), notice.form, PRECEDENCES[clock.precedence],
            clock.seconds, clock.allowed, notice.exercise,
        )  # fmt: skip
        if notice.exercise:
            runs.exercises.add(clock.index)
        for step in due:
            if (step.exercises or not notice.exercise) and runs.may_spend(moment.running):
                runs.spent.append(moment.running)
                runs.taken.add((clock.index, step.name))
                log.warning("escalation.step", line=alarm.line, id=alarm.id, step=step.name, seconds=alarm.seconds)
                self._take(step, alarm, self._ended(opened, runs, record, step, clock))

    def _ended(
        self, opened: OpenLine, runs: _Runs, record: EntryRecord, step: Step, clock: RunningClock
    ) -> Callable[[Outcome], None]:
        def ended(outcome: Outcome) -> None:
            moment = self._desk.moment()
            running = {each.index for each in opened.running_clocks(False, moment)}
            runs.add(StepRun(clock.index, step.name, moment.wall, outcome), running)
            self._desk.keep_document(RUNS_DOCUMENT_KIND, runs.key, runs.encode())
            if not outcome.ok:
                log.error("escalation.failed", line=opened.record.name, step=step.name, detail=outcome.detail)
            self._report(opened, record, step, outcome, clock, moment)

        return ended

    def _take(self, step: Step, alarm: Alarm, done: Callable[[Outcome], None]) -> None:
        match step.action:
            case Bell():
                armed = self._desk.watch.armed
                done(Outcome(armed > 0, f"armed consoles: {armed}"))
            case Officer(who):
                names = [
                    officer.name or f"officer {officer.number}"
                    for officer in self._desk.facts.roster.officers
                    if who in (officer.role, officer.number) and officer.not_after > self._desk.moment().wall
                ]
                said = f"call {', '.join(names[:8])}" if names else f"the roster has no {who}"
                done(Outcome(bool(names), said))
            case _:
                self.perform(step, alarm, done)

    # --- what the peer is told

    def _report(
        self, opened: OpenLine, record: EntryRecord, step: Step, outcome: Outcome, clock: RunningClock, moment: Moment
    ) -> None:
        """Tell the peer, where the terms let a machine say it and it asks nothing of anybody."""
        notice, terms = _notice(record), opened.line.setup.terms
        machine = terms.people_needed(REPORT_FORM, Precedence.ROUTINE) == 0
        silent = terms.clocks_for(REPORT_FORM, Precedence.ROUTINE) == (None, None)
        if notice is None or notice.exercise or not machine or not silent or not may_speak_alone(self._desk, opened):
            return
        direction = Leaf.decode(record.leaf).direction
        form = self._desk.catalogue.form(REPORT_FORM)
        percent = min(10_000, clock.seconds * 100 // max(1, clock.allowed))
        fields: dict[int, Any] = {
            1: [direction.inc, direction.peer_inc, record.index],
            2: step.kind,
            3: outcome.ok,
            4: moment.wall,
            5: percent,
        }
        content = Notice(form.code, form.version, Precedence.ROUTINE, False, "en", fields).encode()
        try:
            self._desk.compose(opened, Draft(EntryType.NOTICE, content, released=True))
        except WatchlineError as error:
            log.warning("escalation.unreported", line=opened.record.name, message=error.message)

    # --- what was taken, and what was tested

    def _runs_of(self, opened: OpenLine) -> _Runs:
        pair = opened.line.setup.pair
        key = f"{opened.record.line.hex()}-{pair.ours}-{pair.theirs}"
        runs = self._runs.get(opened)
        if runs is None or runs.key != key:  # another pair of incarnations begins anew
            runs = self._runs[opened] = _Runs(key, self._desk.journal.document(RUNS_DOCUMENT_KIND, key))
        return runs

    def runs(self, opened: OpenLine) -> list[StepRun]:
        """The steps that were taken on this line, the newest last."""
        return list(self._runs_of(opened).kept)

    def steps_run(self, opened: OpenLine, index: int) -> list[dict[str, Any]]:
        """The steps that were taken for one notice of the peer, as JSON."""
        return [run_value(run) for run in self._runs_of(opened).kept if run.index == index]

    def step(self, name: str) -> Step:
        """The step of this name. Raises UsageError."""
        for step in self.steps:
            if step.name == name:
                return step
        names = [step.name for step in self.steps]
        raise UsageError(f"there is no step {name[:64]!r}", hint=f"there are {', '.join(names)}", allowed=names)

    def test(self, step: Step, done: Callable[[Outcome], None]) -> None:
        """Take a step for a notice that there is not, marked as an exercise; its outcome is durable before `done` is called."""

        def ended(outcome: Outcome) -> None:
            value = encode([self._desk.moment().wall, *_outcome_value(outcome), _digest(step)])
            self._desk.keep_document(TESTS_DOCUMENT_KIND, step.name, value)
            done(outcome)

        self._take(step, TEST_ALARM, ended)

    def last_test(self, step: Step) -> StepTest | None:
        """The last test of a step as it is set now; None if there was none."""
        document = self._desk.journal.document(TESTS_DOCUMENT_KIND, step.name)
        if document is None:
            return None
        at, ok, detail, attempts, digest = shapes.array(decode(document), "test of a step", length=5)
        return StepTest(at, Outcome(ok, detail, attempts), digest) if digest == _digest(step) else None

    def state(self, step: Step) -> str:
        """`tested`, `untested`, or `failed` if its last test failed."""
        test = self.last_test(step)
        if test is None:
            return "untested"
        return "tested" if test.outcome.ok else "failed"

    def untested(self) -> list[str]:
        """The names of the steps that nobody has seen work as they are set now."""
        return [step.name for step in self.steps if self.state(step) != "tested"]


class _Runs:
    """The steps that were taken on one pair of incarnations.

    taken: (index, step), those under way among them. exercises: the open notices that are known to be exercises. spent: when
    each of the last steps was begun, in seconds of the running clock.
    """

    def __init__(self, key: str, document: bytes | None) -> None:
        self.key = key
        self.kept: list[StepRun] = []
        self.exercises: set[int] = set()
        self.spent: list[float] = []
        for value in [] if document is None else shapes.array(decode(document), "steps taken"):
            index, step, at, ok, detail, attempts = shapes.array(value, "step taken", length=6)
            self.kept.append(StepRun(index, step, at, Outcome(ok, detail, attempts)))
        self.taken = {(run.index, run.step) for run in self.kept}

    def may_spend(self, running: float) -> bool:
        """Whether another step may be taken now."""
        self.spent = [at for at in self.spent if running < at + BUDGET_SECONDS]
        return len(self.spent) < BUDGET_STEPS

    def add(self, run: StepRun, running: set[int]) -> None:
        """Keep an outcome; of notices that are closed only the newest are kept."""
        self.kept.append(run)
        self.exercises &= running
        closed = [each for each in self.kept if each.index not in running]
        for each in closed[: max(0, len(closed) - KEPT_MAX)]:
            self.kept.remove(each)
            self.taken.discard((each.index, each.step))

    def encode(self) -> bytes:
        return encode([[run.index, run.step, run.at, *_outcome_value(run.outcome)] for run in self.kept])


def run_value(run: StepRun) -> dict[str, Any]:
    """A step that was taken, as JSON."""
    return {"step": run.step, "at": rfc3339(run.at), **outcome_json(run.outcome)}


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON."""
    return {"ok": outcome.ok, "detail": outcome.detail, "attempts": outcome.attempts}


def may_speak_alone(desk: Desk, opened: OpenLine) -> bool:
    """Whether the node may say something that nobody released: not to an incarnation that no people stand for (rule 29)."""
    return desk.has_room and opened.line.phase is Phase.OPEN and "theirs" not in opened.line.unconfirmed


def _notice(record: EntryRecord) -> Notice | None:
    try:
        return Notice.decode(Body.decode(record.body).content)
    except Malformed:
        return None


def _outcome_value(outcome: Outcome) -> list[Any]:
    return [outcome.ok, outcome.detail, outcome.attempts]


def _digest(step: Step) -> bytes:
    return sha256(repr(step).encode("utf-8", "surrogatepass")).digest()


def _needs_node(_step: Step, _alarm: Alarm, done: Callable[[Outcome], None]) -> None:
    done(Outcome(False, "no node runs that could take this step", 0))
