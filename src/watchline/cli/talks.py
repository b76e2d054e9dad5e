"""`talks`: a round of talks from the proposal to the readouts, what was agreed in it, and what is still to be done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from watchline.cli import talks_moves
from watchline.cli.output import table, wrapped
from watchline.cli.period import seconds_of
from watchline.cli.saying import line_argument
from watchline.cli.session import Session, command
from watchline.errors import UsageError

Json = dict[str, Any]
YEAR_SECONDS = 365 * 86_400

_round = click.argument("round_id", metavar="[ROUND]", required=False, default="")


@click.group(epilog="\b\nExample:\n  watchline --home tokyo talks show beijing")
def talks() -> None:
    """Hold talks on a line: rounds, commitments, readouts."""


@command(talks, name="list", example="watchline --home tokyo talks list beijing")
@line_argument
def list_rounds(session: Session, line: str) -> None:
    """List the rounds of talks on LINE."""
    document, _ = _asked(session, "talks_list", line=line)
    session.output.result(document, _rounds_shown(document))


@command(talks, name="show", example="watchline --home tokyo talks show beijing ours:3")
@line_argument
@_round
def show(session: Session, line: str, round_id: str) -> None:
    """Show a round of talks on LINE.

    ROUND is the ID of its proposal, or of anything that was said in it; without one, the newest round is shown.
    """
    document, zone = _asked(session, "talks_show", line=line, round=round_id)
    session.output.result(document, _round_shown(document["round"], zone))


for _step in (
    talks_moves.propose,
    talks_moves.counter,
    talks_moves.accept,
    talks_moves.decline,
    talks_moves.item,
    talks_moves.note,
    talks_moves.say_under,
    talks_moves.commit,
    talks_moves.report,
    talks_moves.readout,
    talks_moves.close,
    talks_moves.withdraw,
    talks_moves.arrange,
):
    talks.add_command(_step)


@command(talks, name="commitments", example="watchline --home tokyo talks commitments beijing")
@line_argument
def commitments(session: Session, line: str) -> None:
    """List what was undertaken on LINE, and what became of it."""
    document, zone = _asked(session, "talks_commitments", line=line)
    shown = (text for each in document["commitments"] for text in _commitment_shown(each, zone))
    session.output.result(document, shown if document["commitments"] else ["Nothing yet."])


@command(talks, name="open", example="watchline --home tokyo talks open beijing")
@line_argument
def open_items(session: Session, line: str) -> None:
    """List the items of all rounds on LINE that are open.

    The oldest stand first.
    """
    document, _ = _asked(session, "talks_open", line=line)
    rows = [[each["id"], f"{each['age_days']} days", each["subject"], ", ".join(each["remains"])] for each in document["items"]]
    session.output.result(document, table(rows) if rows else ["Nothing is open."])


@command(talks, name="due", example="watchline --home tokyo talks due")
@click.argument("line", required=False)
def due(session: Session, line: str | None) -> None:
    """List the commitments that are due, on LINE or on all.

    They are those whose time begins, ends soon, or is over and of which not both sides have said what became of them.
    """
    document, zone = _asked(session, "talks_due", line=line)
    rows = [
        [each["line"], each["id"], each["kind"].replace("_", " "), _time(each["at"], zone), _gist(each["terms"])]
        for each in document["reminders"]
    ]
    session.output.result(document, table(rows) if rows else ["Nothing is due."])


@command(talks, name="arrangements", example="watchline --home tokyo talks arrangements beijing")
@line_argument
def arrangements(session: Session, line: str) -> None:
    """List the standing arrangements on LINE.

    Each with its next meetings.
    """
    document, zone = _asked(session, "talks_arrangements", line=line)
    shown = (text for each in document["arrangements"] for text in _arrangement_shown(each, zone))
    session.output.result(document, shown if document["arrangements"] else ["None yet."])


@command(talks, name="review", example="watchline --home tokyo talks review beijing --from 2023-01-01 --to 2024-01-01")
@line_argument
@click.option("--from", "start", metavar="TIME", help="Where it begins: a date or a time of RFC 3339. [365 days before --to]")
@click.option("--to", "end", metavar="TIME", help="Where it ends. [now]")
def review(session: Session, line: str, start: str | None, end: str | None) -> None:
    """Show what the yearly review of LINE has before it.

    What was agreed in a period, what became of it, what is due, which meetings were held, and what stays open.
    """
    until = session.now() if end is None else seconds_of(end, "--to")
    since = until - YEAR_SECONDS if start is None else seconds_of(start, "--from")
    document, zone = _asked(session, "talks_review", line=line, start=since, end=until)
    session.output.result(document, _review_shown(document, zone))


@command(talks, name="calendar", example="watchline --home tokyo talks calendar beijing --out beijing.ics")
@line_argument
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to write.")
def calendar(session: Session, line: str, out: Path) -> None:
    """Write the dates agreed on LINE as a calendar file.

    It is one that calendars read (iCalendar): what is due, the dates of rounds, and the meetings of standing arrangements.
    """
    with session.desk() as (_, caller):
        text: str = caller.call("talks_calendar", line=line)["ics"]
    try:
        out.write_bytes(text.encode())
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}", hint="choose another --out", path=str(out)) from None
    session.output.result({"file": str(out)}, [f"Written to {out}"])


@command(talks, name="compare", example="watchline --home tokyo talks compare beijing ours:3")
@line_argument
@_round
def compare(session: Session, line: str, round_id: str) -> None:
    """Show both readouts of a round on LINE side by side.

    Of the newest round, unless ROUND names another. What both say, what only one says, what they say differently, and what was
    agreed and neither mentions.
    """
    document, _ = _asked(session, "talks_show", line=line, round=round_id)
    shown = document["round"]
    compared = {
        "line": document["line"],
        "peer": document["peer"],
        "round": shown["id"],
        "comparison": shown["comparison"],
        "readouts": shown["readouts"],
    }
    session.output.result(compared, _comparison_shown(shown["comparison"], document["peer"]))


@command(talks, name="export", example="watchline --home tokyo talks export beijing ours:9 --to readout")
@line_argument
@click.argument("id")
@click.option("--to", "directory", required=True, type=click.Path(path_type=Path), help="A folder that is not there yet.")
def export(session: Session, line: str, id: str, directory: Path) -> None:  # noqa: A002 - what the entry is called everywhere
    """Write a published readout ID on LINE to a folder.

    As a page and as text, with the evidence that its side signed it.
    """
    from watchline.cli.talks_export import export_readout

    export_readout(session, line, id, directory)


def _asked(session: Session, method: str, **params: Any) -> tuple[Json, str | None]:
    """What the desk answers, and its time zone."""
    with session.desk() as (_, caller):
        return caller.call(method, **params), caller.call("desk")["zone"] or None


# --- for people


def _time(at: str, zone: str | None) -> str:
    from watchline.cli.reading import shown_time

    return shown_time(at, zone)


def _when(when: Json | None, zone: str | None) -> str:
    if when is None:
        return "no date"
    return _time(when["exact"], zone) if "exact" in when else f"{when['words']} ({when['from']} to {when['to']})"


def _gist(text: str) -> str:
    first, _, more = text.partition("\n")
    return f"{first[:70]}…" if more or len(first) > 70 else first


def _waits(sides: list[str]) -> str:
    return {0: "nobody is waited for", 1: f"waits for {'you' if sides == ['ours'] else 'the other side'}"}.get(
        len(sides), "waits for either side"
    )


def _rounds_shown(document: Json) -> Iterator[str]:
    if not document["rounds"]:
        yield f"No talks on {document['line']} yet."
    yield from table(
        [each["id"], each["phase"], _waits(each["waits_for"]), f"{'EXERCISE ' * each['exercise']}{_gist(each['topic'])}"]
        for each in document["rounds"]
    )


def _round_shown(shown: Json, zone: str | None) -> Iterator[str]:
    from watchline.desk.talks_check import STEPS

    mark = "EXERCISE  " if shown["exercise"] else ""
    yield from wrapped(f"{mark}{shown['id']}  {shown['topic']}: {shown['phase']}, {_waits(shown['waits_for'])}")
    agreed = shown["arrangement"]
    place = f", {agreed['place']}" if agreed["place"] else ""
    if agreed["agreed"]:
        certain = "" if agreed["certain"] else " (accepted, not yet certain)"
        yield from wrapped(f"  {_when(agreed['date'], zone)}: {agreed['level']}, {agreed['mode']}{place}{certain}")
    for offer in agreed["on_table"]:
        dates = "; ".join(_when(date, zone) for date in offer["dates"])
        yield from wrapped(f"  offered {offer['id']}: {offer['level']}, {offer['mode']}: {dates}")
    for each in shown["items"]:
        mark = "open" if each["open"] else "not open"
        yield from wrapped(f"  {each['number']}. {each['id']} {each['subject']}: {each['state']}, {mark}")
        for notice in each["notices"]:
            yield from wrapped(f"{notice['id']} {notice['title']}: {notice['rung']}", indent="     ")
        yield from _statements_shown(each["statements"], "     ")
    yield from _statements_shown(shown["statements"], "  ")
    for each in shown["commitments"]:
        yield from (f"  {text}" for text in _commitment_shown(each, zone))
    for each in shown["readouts"]:
        yield from wrapped(f"  readout {each['id']}, {each['publication']}: {_gist(each['own_text'])}")
    if shown["closing"] is not None:
        by = " and ".join(shown["closing"]["by"])
        yield from wrapped(f"  {shown['closing']['outcome']}, said by {by}")
    for each in shown["timeline"]:
        if not each["counts"]:
            yield from wrapped(f"  does not count: {each['id']} {each['title']} ({each['why']})")
    if shown["possible"]:
        yield from wrapped(f"  possible now: {', '.join(STEPS[kind] for kind in shown['possible'])}")


def _statements_shown(statements: list[Json], indent: str) -> Iterator[str]:
    for each in statements:
        yield from wrapped(f"{each['id']} {each['speaker_role']}: {each['text']}", indent=indent)


def _commitment_shown(each: Json, zone: str | None) -> Iterator[str]:
    certain = "" if each["certain"] else ", not yet certain"
    due = "" if each["due_state"] == "none" else f", {each['due_state'].replace('_', ' ')}"
    yield from wrapped(f"{each['text_id']} {each['strength'].replace('_', ' ')}: {_gist(each['terms'])}")
    yield from wrapped(f"  {each['state'].replace('_', ' ')}{certain}; due: {_when(each['due'], zone)}{due}")
    for report in each["reports"]:
        facts = f": {_gist(report['facts'])}" if report["facts"] else ""
        yield from wrapped(f"  {report['id']} says {report['judged'].replace('_', ' ')}{facts}")


def _arrangement_shown(each: Json, zone: str | None) -> Iterator[str]:
    yield from wrapped(f"{each['text_id']} {each['name']}: every {each['every'].replace('_', ' ')}, {each['state']}")
    yield from wrapped(f"  {each['level']}, {each['mode']}{', ' + each['place'] if each['place'] else ''}")
    for at in each["next"]:
        yield f"  {_time(at, zone)}"


def _comparison_shown(comparison: list[Json], peer: str) -> Iterator[str]:
    words = {
        "both": "both say it",
        "only_ours": "only you say it",
        "only_theirs": f"only {peer} says it",
        "differently": "both say it, differently",
        "neither": "agreed, and in neither readout",
    }
    if not comparison:
        yield "Nothing to compare yet."
    for each in comparison:
        yield from wrapped(f"{each['about']} {each['title']}: {words[each['verdict']]}")
        for side, name in (("ours", "you"), ("theirs", peer)):
            if each[side]:
                yield from wrapped(f"  {name}: {each[side]}")


def _review_shown(document: Json, zone: str | None) -> Iterator[str]:
    yield f"{document['line']}: {_time(document['from'], zone)} to {_time(document['to'], zone)}"
    for name, heading in (("agreed", "Agreed"), ("changed", "Changed"), ("outcomes", "What became of it"), ("due", "Due")):
        if document[name]:
            yield heading
        for each in document[name]:
            state = f" ({each['state'].replace('_', ' ')})" if "state" in each else ""
            yield from wrapped(f"  {each['id']} {_gist(each['terms'])}{state}")
    if document["meetings"]:
        yield "Meetings"
    for each in document["meetings"]:
        held = f"held, {each['held']}" if each["held"] else "NOT HELD"
        yield from wrapped(f"  {_time(each['begins'], zone)} {each['name']}: {held}")
    if document["open_items"]:
        yield "Open items"
    for each in document["open_items"]:
        yield from wrapped(f"  {each['id']} {each['subject']}: {each['age_days']} days")
