"""`inbox`, `log`, `show`: what was said, in the desk's language, with English beside it where no linguist has signed yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.output import wrapped
from watchline.cli.session import Session, command

if TYPE_CHECKING:
    from watchline.catalogue import Catalogue

LISTED_MAX = 1_000  # as many as one answer of the node holds
RAW_BYTES_SHOWN, RAW_BYTES_A_LINE = 512, 32
_limit = click.option(
    "--limit",
    default=LISTED_MAX,
    show_default=True,
    type=click.IntRange(1, LISTED_MAX),
    help="The newest so many of each line.",
)
_before = click.option("--before", metavar="ID", help="Only what stands before this entry, or before a page: see `earlier`.")


@command(name="inbox", example="watchline --home beijing inbox --json")
@click.argument("line", required=False)
@_limit
@_before
def inbox(session: Session, line: str | None, limit: int, before: str | None) -> None:
    """Show what came in, on LINE or on all, oldest first.

    Where more came in than is shown, it says how to show what stands before.
    """
    _list(session, line, limit, before, "in")


@command(name="log", example="watchline --home tokyo log beijing")
@click.argument("line")
@click.option("--late", is_flag=True, help="Show instead what came late of an incarnation that is over, apart from the log.")
@_limit
@_before
def log(session: Session, line: str, late: bool, limit: int, before: str | None) -> None:
    """Show both directions of LINE, oldest first.

    Where there is more than is shown, it says how to show what stands before.
    """
    if not late:
        _list(session, line, limit, before, "both")
        return
    with session.desk() as (_, caller):
        document, desk = caller.call("late", line=line), caller.call("desk")
    session.output.result(_public(document), _entries_shown(document["entries"], desk))


@command(name="show", example="watchline --home beijing show tokyo theirs:1")
@click.argument("line")
@click.argument("id")
def show(session: Session, line: str, id: str) -> None:  # noqa: A002 - what the entry is called everywhere
    """Show one entry of LINE.

    ID is ours:7, theirs:7 or DESK/INC/7; a bare number where only one entry has it.
    """
    with session.desk() as (_, caller):
        document = caller.call("entries", line=line, direction="both", entry=id)
        desk = caller.call("desk")
    session.output.result(_public(document), _entries_shown(document["entries"], desk))


def shown_time(at: str, zone: str | None) -> str:
    """A time of a document (RFC 3339) as people read it: UTC first, then the desk's own clock."""
    from watchline.catalogue.times import parse_time, show_time

    seconds = parse_time(at)
    return at if seconds is None else show_time(seconds, zone)


def rungs_shown(rungs: Mapping[str, str], language: str, zone: str | None) -> Iterable[str]:
    """The ladder of an entry: when each rung was reached, UTC and the desk's own clock, and the rung in words."""
    from watchline.catalogue import load_catalogue

    catalogue = load_catalogue()
    for rung, at in rungs.items():
        utc, _, local = shown_time(at, zone).partition(" (")
        clock = f" ({local[11:19]})" if local else ""
        word = catalogue.word("rungs", rung, language)
        label = word.text if word.english is None else f"{word.text} ({word.english})"
        yield from wrapped(f"  {utc}{clock}  {label}")


def _list(session: Session, line: str | None, limit: int, before: str | None, direction: str) -> None:
    with session.desk() as (_, caller):
        document = caller.call("entries", line=line, direction=direction, limit=limit, before=before)
        desk = caller.call("desk")
    session.output.result(_public(document), _entries_shown(document["entries"], desk))
    words = "inbox" if direction == "in" else "log"
    for each in document["earlier"]:
        more = f"watchline --home {session.path()} {words} {each['line']} --limit {limit} --before {each['before']}"
        session.output.say(f"There is more before that on {each['line']}: {more}")


def _public(document: dict[str, Any]) -> dict[str, Any]:
    """The documented object: rows are there for people's eyes, `fields` and `text` say the same."""
    entries = [{name: value for name, value in entry.items() if name != "rows"} for entry in document["entries"]]
    return {"entries": entries, "earlier": document.get("earlier", [])}


def _entries_shown(entries: list[dict[str, Any]], desk: dict[str, Any]) -> Iterable[str]:
    if not entries:
        yield "Nothing yet."
    for place, entry in enumerate(entries):
        if place:
            yield ""
        yield from _entry_shown(entry, desk["language"], desk["zone"])


def _entry_shown(entry: dict[str, Any], language: str, zone: str | None) -> Iterable[str]:
    from watchline.catalogue import load_catalogue

    catalogue = load_catalogue()

    def word(topic: str, key: str) -> str:
        shown = catalogue.word(topic, key, language)
        return shown.text if shown.english is None else f"{shown.text} ({shown.english})"

    marks = [word("marks", "exercise")] if entry["exercise"] else []
    if entry["released"] is False:
        marks.append(word("marks", "not_released"))
    if entry["unconfirmed"]:
        marks.append(word("marks", "unconfirmed"))
    if entry["withdrawn"]:
        marks.append(f"{word('marks', 'withdrawn')} ({entry['withdrawn']})")
    if entry["again"]:
        marks.append(word("marks", "again"))
    if entry["precedence"]:
        marks.insert(0, word("precedences", entry["precedence"]))
    yield from wrapped("  ".join([f"{entry['line']} {entry['id']}", _title(catalogue, entry, language), *marks]))
    people = ", ".join(officer["role"] for officer in entry.get("officers", []))
    about = f", about {entry['re']}" if entry.get("re") else ""
    yield from wrapped(f"  {entry['author']}{f' ({people})' if people else ''}{about}")
    yield from wrapped(f"  {shown_time(entry['time'], zone)}")
    if entry.get("finding"):
        yield from wrapped(f"  ! {entry['finding']}")
    yield from _content_shown(entry)
    yield from rungs_shown(entry["rungs"], language, zone)


def _title(catalogue: Catalogue, entry: dict[str, Any], language: str) -> str:
    title, english = entry.get("title"), entry.get("title_en")
    if title is None and entry["form"] in catalogue.forms:
        title, english = catalogue.title(catalogue.forms[entry["form"]], language)
    kind = f"type {entry['type']}" if entry["type"].isdigit() else entry["type"]  # a number is a type that nobody here knows
    return f"{title} ({english})" if english else str(title or entry["form"] or kind)


def _content_shown(entry: dict[str, Any]) -> Iterable[str]:
    rows = entry.get("rows")
    if rows is None:
        if entry["text"]:
            yield from wrapped(entry["text"], indent="  ")
        if entry["content"]:
            yield from _raw_shown(bytes.fromhex(entry["content"]))
        return
    for row in rows:
        label = f"{row['label']} ({row['label_en']})" if row["label_en"] else row["label"]
        text = f"{row['text']} ({row['text_en']})" if row["text_en"] else row["text"]
        first, *rest = text.split("\n")
        yield from wrapped(f"  {label}: {first}")
        for more in rest:
            yield from wrapped(more, indent="    ")


def _raw_shown(content: bytes) -> Iterable[str]:
    """The beginning of a content that nobody here can read, as hex."""
    for start in range(0, min(len(content), RAW_BYTES_SHOWN), RAW_BYTES_A_LINE):
        yield f"    {content[start : min(start + RAW_BYTES_A_LINE, RAW_BYTES_SHOWN)].hex()}"
    if len(content) > RAW_BYTES_SHOWN:
        yield f"    ... {len(content)} bytes; with --json all of them"
