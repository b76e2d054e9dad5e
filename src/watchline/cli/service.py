"""`serve`, `lines`, `status`, `test`, `demo`: a desk's node, and how its lines are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from watchline.cli.fallback import card_shown
from watchline.cli.output import table
from watchline.cli.session import Session, command
from watchline.errors import NegativeAnswer, WatchlineError

UP, DEGRADED, WORSE, UNKNOWN = 0, 1, 2, 3  # as monitoring checks have it
_CODES = {"up": UP, "degraded": DEGRADED, "pairing": UNKNOWN}


@command(name="serve", example="watchline --home tokyo serve")
@click.option("--dial-only", is_flag=True, help="Open no port, only dial; as dial_only in watchline.toml.")
def serve(session: Session, dial_only: bool) -> int:
    """Run this desk's node until it is told to stop.

    It keeps every confirmed line open, and tests it. It ends with Ctrl-C or SIGTERM, and loses nothing. If another node still
    holds the home, it waits ten seconds for it to end, and says so.
    """
    from dataclasses import replace

    from watchline.console.service import console
    from watchline.desk.node import LOCK_SECONDS
    from watchline.desk.node import serve as run_node

    home = session.home()
    if dial_only:
        home.config = replace(home.config, dial_only=True)
    log_to_standard_error(home.config.log_level)

    def ready() -> None:
        import os

        session.output.result({"home": str(home.path), "pid": os.getpid()}, [f"Serving {home.path}; stop with Ctrl-C."])

    def waits(pid: int | None) -> None:
        session.output.say(f"Process {pid or '(unknown)'} holds this home; waiting up to {LOCK_SECONDS:g} s for it to end.")

    return run_node(home, ready=ready, on_wait=waits, companions=[console])


@command(name="lines", example="watchline --home tokyo lines --json")
def lines(session: Session) -> None:
    """List the lines of this desk with their states.

    A line that is not confirmed yet has its digits beside it. A line that is not up has what proves it.
    """
    with session.desk() as (_, caller):
        document = caller.call("lines")
    session.output.result(document, _lines_shown(document["lines"]))


@command(name="status", example="watchline --home tokyo status beijing")
@click.argument("line", required=False)
def status(session: Session, line: str | None) -> int:
    """Say how each line, or LINE, is.

    Exit code, for monitoring: 0 up, 1 degraded, 2 anything worse, 3 unknown.
    """
    try:
        with session.desk() as (_, caller):
            document = caller.call("status", line=line)
            zone = caller.call("desk")["zone"]
            running = caller.running
    except WatchlineError as error:
        session.output.refuse(error)
        return UNKNOWN
    session.output.result(document, _status_shown(document["lines"], zone))
    if not running:
        session.output.say(f"No node serves this home, so nothing is known of now: watchline --home {session.path()} serve")
        return UNKNOWN
    codes = {_CODES.get(row["state"], WORSE) for row in document["lines"]}
    return next((code for code in (WORSE, UNKNOWN, DEGRADED, UP) if code in codes), UNKNOWN)


@command(name="test", example="watchline --home tokyo test beijing --wait")
@click.argument("line")
@click.option("--wait", is_flag=True, help="Wait for the other side's answer; exit code 1 if there is none in time.")
@click.option("--timeout", default=30.0, show_default=True, type=click.FloatRange(0.1, 3600), help="Seconds to wait.")
def test(session: Session, line: str, wait: bool, timeout: float) -> int:
    """Test LINE now.

    A neutral text is sent, which the other side's node answers by itself.
    """
    with session.desk() as (_, caller):
        try:
            answer = caller.call("test", timeout + 15, line=line, wait=wait, wait_seconds=timeout)
        except WatchlineError as error:
            if error.kind != NegativeAnswer.kind:
                raise
            answer = {"ok": False, "round_trip_seconds": None}
            session.output.result(answer, [f"No answer on {line} within {timeout:g} s."])
            return NegativeAnswer.exit_code
    document = {"ok": answer["ok"], "round_trip_seconds": answer["round_trip_seconds"]}
    said = "The test is under way." if answer["ok"] is None else f"Answered after {answer['round_trip_seconds']:.3f} s."
    session.output.result(document, [said])
    return 0


@command(name="demo", example="watchline demo")
@click.option("--open", "opens", is_flag=True, help="Open both consoles in this machine's browser, where it has a screen.")
def demo(session: Session, opens: bool) -> int:
    """Play a day on a line between two desks on this machine.

    From pairing to evidence, with throwaway homes; it ends by itself and leaves nothing behind.
    """
    from watchline.cli.console import open_page
    from watchline.demo import run

    return run(json=session.output.json, open_page=open_page if opens else None)


def log_to_standard_error(level: str) -> None:
    """One JSON object for each event, from this level on."""
    import sys

    import structlog

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(
            sys.stderr
        ),  # asked for each time: standard error may be another by then
    )


def _lines_shown(rows: list[dict[str, Any]]) -> Iterable[str]:
    if not rows:
        yield "No line yet. Pair with another desk: watchline invite, or watchline accept"
        return
    yield from table([["LINE", "STATE", "PEER"], *([row["name"], row["state"], row["peer"]] for row in rows)])
    for row in rows:
        if row["state"] not in ("up", "pairing"):
            yield f"{row['name']}: {_proof_shown(row)}"
    for row in rows:
        if "digits" in row:
            yield f'{row["name"]}: compare, then watchline confirm {row["name"]} --digits "..."'
            yield f"  {row['digits']}"


def _proof_shown(row: dict[str, Any]) -> str:
    """What proves the state, on whose side it is, and how strong the proof is."""
    words = row["words"]
    return ", ".join(part for part in (words["proof"], words["side"], words["strength"]) if part is not None)


def _status_shown(rows: list[dict[str, Any]], zone: str) -> Iterable[str]:
    from watchline.cli.reading import shown_time

    if not rows:
        yield "No line yet."
    for row in rows:
        yield f"{row['name']} to {row['peer']}: {row['state']}"
        yield f"  {row['words']['state']}: {_proof_shown(row)}"
        if row["since"] is not None:
            yield f"  since           {shown_time(row['since'], zone)}"
        for name, lamp in row["lamps"].items():
            yield f"  {name.upper():<8}{lamp['colour']:<8}{lamp['word']}: {lamp['text']}"
        test = row["last_test"]
        if test is None:
            yield "  last test       none yet"
        else:
            seconds = test["round_trip_seconds"]
            result = f"ok, {seconds:.3f} s" if test["ok"] and seconds is not None else "ok" if test["ok"] else "FAILED"
            yield f"  last test       {result}, {shown_time(test['at'], zone)}"
        yield f"  last drill      {_drill_shown(row['last_drill'], zone)}"
        yield f"  unreceipted     {row['unreceipted']}"
        yield f"  unacknowledged  {row['unacknowledged']}"
        if row["due"]:
            yield f"  due             {row['due']}: watchline talks due {row['name']}"
        if row["bodies_due"]:
            yield f"  bodies due      {row['bodies_due']}: watchline archive {row['name']} --to DIR, or watchline erase"
        for route in row["routes"]:
            yield f"  route           {route['kind']} {route['address']}: {route['state']}"
        for alarm in row.get("alarms", []):
            yield f"  alarm           {alarm['message']}, {shown_time(alarm['at'], zone)}"
        if row["fallback"] is not None:
            yield "  A clock of yours has run out. The fallback card of this line:"
            yield from card_shown(row["fallback"], "    ")


def _drill_shown(drill: dict[str, Any] | None, zone: str) -> str:
    from watchline.cli.reading import shown_time

    if drill is None:
        return "none yet"
    late = "" if drill["seconds"] is None else f", acknowledged after {drill['seconds']} s"
    result = "waits for a person" if drill["ok"] is None else "ok" if drill["ok"] else "NOT ACKNOWLEDGED IN TIME"
    return f"{result}{late}, {shown_time(drill['at'], zone)}"
