"""What a desk's people see of the line and of one notice: their own language, the English beside it, and the ladder.

The words are the catalogue's, asked for the desk's language; the demo adds only who vouches for each rung.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from watchline.catalogue import Shown, load_catalogue
from watchline.demo.actors import DeskActor
from watchline.demo.page import COLUMNS, columns, padded, wrapped

Json = dict[str, Any]
_INDENT = "    "
_LABEL_COLUMNS = 30
_RUNG_COLUMNS = 42


def view(actor: DeskActor, *ids: str, full: bool = True) -> tuple[list[str], Json]:
    """One desk's view of the line and of these notices, as lines and as JSON values. full: with what the notices say."""
    status, entries = actor.status(), actor.entries()
    shown = sorted((entry for entry in entries if entry["id"] in ids), key=lambda entry: ids.index(entry["id"]))
    lines = [_heading(actor, status)]
    for entry in shown:
        lines += _notice(actor, entry, entries, status["peer"], full=full)
    return lines, {"desk": actor.desk, "language": actor.actor.language, "status": status, "entries": shown}


def lamps(actor: DeskActor) -> tuple[list[str], Json]:
    """One desk's view of the line alone: its state and the four lamps, as lines and as JSON values."""
    status = actor.status()
    lines = [_heading(actor, status)]
    for name, lamp in status["lamps"].items():
        head = f"{_INDENT}{name.upper():<9}{lamp['colour']:<7}"
        first, *rest = wrapped(f"{lamp['word']}: {lamp['text']}", indent=" " * len(head))
        lines += [head + first.lstrip(" "), *rest]
    return lines, {"desk": actor.desk, "language": actor.actor.language, "status": status, "entries": []}


def _heading(actor: DeskActor, status: Json) -> str:
    state = both(load_catalogue().word("states", status["state"], actor.actor.language))
    left = f"  {actor.desk} sees ({actor.actor.language}) "
    right = f" line {actor.line}: {state}"
    return left + "-" * max(2, COLUMNS - columns(left + right)) + right


def _notice(actor: DeskActor, entry: Json, entries: list[Json], peer: str, *, full: bool) -> Iterator[str]:
    language = actor.actor.language
    words = load_catalogue()
    marks = [both(words.word("precedences", entry["precedence"], language))]
    if entry["exercise"]:
        marks.append(both(words.word("marks", "exercise", language)))
    if not entry["released"]:
        marks.append(both(words.word("marks", "not_released", language)))
    title = both(Shown(entry["title"], entry["title_en"]))
    about = f" (to {entry['re']})" if entry["re"] else ""
    heading = f"  {padded(entry['id'], 9)} {title}{about}"
    right = "  ".join(marks)
    gap = COLUMNS - columns(heading + right)
    if gap < 2:
        yield heading
        heading, gap = "", COLUMNS - columns(right)
    yield heading + " " * gap + right
    if full:
        for row in entry["rows"]:
            yield from _row(row)
    recipient = peer if entry["author"] == actor.desk else actor.desk
    yield from _ladder(actor, entry, entries, recipient)


def _row(row: Json) -> Iterator[str]:
    """A field: what it is called, and what it says, in columns."""
    label = both(Shown(row["label"], row["label_en"]))
    indent = _INDENT + " " * (_LABEL_COLUMNS + 1)
    lines = [line for part in both(Shown(row["text"], row["text_en"])).split("\n") for line in wrapped(part, indent=indent)]
    if columns(label) > _LABEL_COLUMNS:
        yield _INDENT + label
    else:
        lines[0] = _INDENT + padded(label, _LABEL_COLUMNS + 1) + lines[0].removeprefix(indent)
    yield from lines


def _ladder(actor: DeskActor, entry: Json, entries: list[Json], recipient: str) -> Iterator[str]:
    for rung, at in entry["rungs"].items():
        word = both(load_catalogue().word("rungs", rung, actor.actor.language))
        yield f"{_INDENT}{padded(word, _RUNG_COLUMNS)}  {at[11:]} {_voucher(rung, entry, entries, recipient)}"


def _voucher(rung: str, entry: Json, entries: list[Json], recipient: str) -> str:
    """Who stands behind a rung, so that nobody takes a machine's word for a person's."""
    if rung in ("composed", "attempted"):
        return f"{entry['author']}'s own word"
    if rung == "overdue":
        return "the agreed clock"
    # A holding reply is a notice that acknowledges.
    types = {"acknowledged": ("acknowledge", "notice"), "answered": ("notice",), "declined": ("decline",)}
    for other in entries:
        if other["re"] == entry["id"] and other["type"] in types.get(rung, ()) and other["released"]:
            roles = " and ".join(officer["role"] for officer in other["officers"])
            return f"{other['author']}'s {roles} officer"
    return f"{recipient}'s signed clock"


def both(shown: Shown) -> str:
    """Words of a reader with the English beside them, where there is any."""
    return shown.text if shown.english in (None, shown.text) else f"{shown.text} | {shown.english}"
