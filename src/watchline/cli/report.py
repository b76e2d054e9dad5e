"""`report`: the statistics of a line, as text, as JSON, or as one page to print."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from watchline.cli.output import table, wrapped
from watchline.cli.period import seconds_of
from watchline.cli.session import Session, command
from watchline.errors import UsageError

DAYS = 30  # unless somebody says otherwise


@command(name="report", example="watchline --home tokyo report beijing --from 2023-04-01 --to 2023-05-01 --page april.html")
@click.argument("line")
@click.option("--from", "start", metavar="TIME", help="Where it begins: a date or a time of RFC 3339. [30 days before --to]")
@click.option("--to", "end", metavar="TIME", help="Where it ends. [now]")
@click.option("--page", type=click.Path(path_type=Path), help="Write a page with pictures to this file too.")
def report(session: Session, line: str, start: str | None, end: str | None, page: Path | None) -> None:
    """Show how well LINE worked, and how fast people answered.

    Nothing of what was said is in it.

    Whoever holds the same logs computes the same figures; the report names the logs by their sizes and roots.
    """
    if page is not None and page.exists():
        raise UsageError("this file is there already", hint="choose another name for --page", path=str(page))
    until = session.now() if end is None else seconds_of(end, "--to")
    since = until - int(timedelta(days=DAYS).total_seconds()) if start is None else seconds_of(start, "--from")
    with session.desk() as (_, caller):
        document = caller.call("report", 60.0, line=line, start=since, end=until)
        language = caller.call("desk")["language"]
    if page is not None:
        from watchline.cli.report_page import render

        try:
            page.write_text(render(document, language), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write {page}: {error.strerror}", hint="choose another --page") from None
    session.output.result(document, _shown(document))


def _shown(report: dict[str, Any]) -> Iterator[str]:
    desks = report["desks"]
    yield f"{report['line']}: {desks['ours']} and {desks['theirs']}, {report['from']} to {report['to']}"
    yield ""
    rows = [["", "due", "kept", "missed", "answered", "median", "95 %"]]
    for side, desk in desks.items():
        tests = report["tests"][side]
        spread = tests["round_trip_seconds"]
        rows.append([
            f"tests by {desk}",
            *(str(tests[name]) for name in ("due", "kept", "missed", "answered")),
            *(_duration(spread[name]) for name in ("median", "percentile_95")),
        ])  # fmt: skip
    yield from table(rows)
    for side, desk in desks.items():
        drills = report["drills"][side]
        if drills["sent"]:
            yield f"drills by {desk}: {drills['sent']}, acknowledged {drills['acknowledged']}, overdue {drills['overdue']}"
    for side, desk in desks.items():
        if report["notices"][side]:
            yield ""
            yield f"Notices of {desk}"
            yield from table(_notice_rows(report["notices"][side]))
    yield ""
    for route in report["routes"]:
        percent = 100 * route["carried_seconds"] / route["period_seconds"]
        outcomes = ", ".join(f"{name} {count}" for name, count in route["attempts"].items())
        yield from wrapped(f"{route['route']}: carried {percent:.2f} % (this desk's own record); {outcomes or 'no attempts'}")
    for log in report["logs"]:
        yield from wrapped(f"log of {log['author']} {log['inc']}-{log['peer_inc']}: {log['size']} entries, root {log['root']}")


def _notice_rows(notices: dict[str, Any]) -> Iterator[list[str]]:
    yield ["", "sent", "overdue", "received", "rung", "acknowledged", "answered"]
    for precedence, figures in notices.items():
        rungs = figures["rungs"]
        cells = [_spread_text(rungs.get(rung)) for rung in ("received", "rung", "acknowledged", "answered")]
        yield [precedence, str(figures["sent"]), str(figures["overdue"]), *cells]


def _spread_text(spread: dict[str, Any] | None) -> str:
    """Median and 95th percentile, and of how many."""
    if spread is None:
        return "-"
    return f"{_duration(spread['median'])} / {_duration(spread['percentile_95'])} ({spread['number']})"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"
