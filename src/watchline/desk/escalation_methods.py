"""What people ask about escalation: which steps there are, whether each was tested, and what was taken."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from watchline.core.terms import PRECEDENCES
from watchline.desk.actions import Outcome
from watchline.desk.clock import rfc3339
from watchline.desk.escalation import Escalation, outcome_json, run_value
from watchline.desk.lines import OpenLine
from watchline.desk.references import reference_to
from watchline.desk.steps import Step

if TYPE_CHECKING:
    from watchline.desk.api import Api, Method

Json = dict[str, Any]
RUNS_SHOWN_MAX = 20  # of each line


def methods(api: Api) -> dict[str, Method]:
    """The methods about escalation, by name."""
    escalation = api.desk.escalation

    async def escalation_show() -> Json:
        """Every step with its last test, and the newest that were taken on each line."""
        lines = [
            {"line": opened.record.name, "taken": [_run(api, opened, run) for run in escalation.runs(opened)[-RUNS_SHOWN_MAX:]]}
            for opened in api.desk.lines.values()
        ]
        return {"steps": [step_value(escalation, step) for step in escalation.steps], "lines": lines}

    async def escalation_test(step: str) -> Json:
        """Take one step now, marked as an exercise."""
        api.need_node()
        tested = escalation.step(step)
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        escalation.test(tested, lambda outcome: None if done.done() else done.set_result(outcome))
        await done
        return step_value(escalation, tested)

    return {"escalation_show": escalation_show, "escalation_test": escalation_test}


def step_value(escalation: Escalation, step: Step) -> Json:
    """A step as JSON. state: tested, untested or failed."""
    test = escalation.last_test(step)
    return {
        "name": step.name,
        "action": step.kind,
        "at": step.at,
        "precedence": [PRECEDENCES[each] for each in step.precedences],
        "exercises": step.exercises,
        "state": escalation.state(step),
        "last_test": None if test is None else {"at": rfc3339(test.at), **outcome_json(test.outcome)},
    }


def _run(api: Api, opened: OpenLine, run: Any) -> Json:
    record = api.desk.journal.entry(opened.line.setup.incoming_log, run.index)
    return {"id": f"theirs:@{run.index}" if record is None else reference_to(record), **run_value(run)}
