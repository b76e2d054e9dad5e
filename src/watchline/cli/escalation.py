"""`escalation`: what this desk does when nobody acknowledges a notice, and whether anybody has seen it work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from watchline.cli.output import table
from watchline.cli.session import Session, command
from watchline.errors import NegativeAnswer

TEST_SECONDS = 120.0  # beyond the limits of every attempt and the waits between them


@click.group(name="escalation", epilog="\b\nExample:\n  watchline --home tokyo escalation test")
def escalation() -> None:
    """What is done when nobody acknowledges a notice."""


@command(escalation, name="show", example="watchline --home tokyo escalation show")
def show(session: Session) -> None:
    """List the steps of watchline.toml, and those that were taken.

    A step that was never tested as it is set now is shown as untested, one whose last test failed as FAILED.
    """
    with session.desk() as (_, caller):
        document = caller.call("escalation_show")
        zone = caller.call("desk")["zone"]
    session.output.result(document, [*_steps_shown(document["steps"]), *_taken_shown(document["lines"], zone)])


@command(escalation, name="test", example="watchline --home tokyo escalation test page-the-officer")
@click.argument("step", required=False)
def test(session: Session, step: str | None) -> int:
    """Take STEP now, or every step, as an exercise.

    It is taken for a notice that there is not. Exit code 1 if one fails.
    """
    with session.desk() as (_, caller):
        names = [each["name"] for each in caller.call("escalation_show")["steps"]] if step is None else [step]
        steps = [caller.call("escalation_test", TEST_SECONDS, step=name) for name in names]
    session.output.result({"steps": steps}, _steps_shown(steps))
    return 0 if all(each["state"] == "tested" for each in steps) else NegativeAnswer.exit_code


def _steps_shown(steps: list[dict[str, Any]]) -> Iterable[str]:
    rows = [["STEP", "AT", "ACTION", "FOR", "LAST TEST"]]
    for step in steps:
        last = step["last_test"]
        told = "untested" if last is None else f"{'ok' if last['ok'] else 'FAILED'}, {last['detail']}, {last['at']}"
        precedences = "all" if len(step["precedence"]) == 4 else ", ".join(step["precedence"])
        rows.append([step["name"], f"{step['at']:g}", step["action"], precedences, told])
    return table(rows)


def _taken_shown(lines: list[dict[str, Any]], zone: str) -> Iterable[str]:
    from watchline.cli.reading import shown_time

    for line in lines:
        for run in line["taken"]:
            result = "ok" if run["ok"] else "FAILED"
            yield f"{line['line']} {run['id']}: {run['step']} {result}, {run['detail']}, {shown_time(run['at'], zone)}"
