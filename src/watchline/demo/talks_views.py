"""What a desk sees of a round of talks, as lines of a terminal, each word in the desk's language with the English beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from watchline.catalogue import load_catalogue
from watchline.demo.actors import DeskActor
from watchline.demo.page import COLUMNS, columns, wrapped
from watchline.demo.views import both

Json = dict[str, Any]
_IN_THE_READERS_WORDS = frozenset({"words", "title", "answers", "rung", "possible"})
_DIGEST_CHARACTERS = 16


def common(value: Any) -> Any:
    """All of a round that must be the same at both desks: what is no word of the reader's language and no choice of theirs."""
    if isinstance(value, dict):
        return {name: common(each) for name, each in value.items() if name not in _IN_THE_READERS_WORDS}
    if isinstance(value, list):
        every = [common(each) for each in value]
        return sorted(every) if all(each in ("ours", "theirs") for each in every) else every
    return value


def heading(actor: DeskActor, shown: Json) -> tuple[list[str], Json]:
    """Where the round stands, and whose move it is."""
    date = shown["arrangement"]["date"]
    agreed = [] if date is None else [f"    {_word(actor, 'date')}: {date.get('exact') or date['words']}"]
    return [*_head(actor, shown), *wrapped(f"{shown['id']}  {shown['topic']}", indent="    "), *agreed], _seen(actor, shown)


def agenda(actor: DeskActor, shown: Json, *, full: bool = True) -> tuple[list[str], Json]:
    """The items and what became of each. full: with the notices that it carries."""
    lines = _head(actor, shown)
    for item in shown["items"]:
        lines += _hanging(f"    {item['number']:>2}. ", item["subject"])
        marks = [_word(actor, f"item_{item['state']}"), *([_word(actor, "open")] if item["open"] else [])]
        lines += wrapped("; ".join(marks), indent=" " * 8)
        if full:
            lines += _carried(actor, item["notices"])
    return lines, _seen(actor, shown)


def _carried(actor: DeskActor, notices: list[Json]) -> Iterator[str]:
    """The notices by their forms, each form once."""
    references: dict[str, list[str]] = {}
    for notice in notices:
        references.setdefault(notice["form"], []).append(notice["id"])
    for code, ids in references.items():
        title = both(load_catalogue().title(load_catalogue().form(code), actor.actor.language))
        yield from _hanging(" " * 8 + "- ", f"{title}: {', '.join(ids)}")


def commitments(actor: DeskActor, shown: Json, *, only: str | None = None) -> tuple[list[str], Json]:
    """The commitments of the round, or only one: its text, its date, its state, and what each side reports."""
    lines = _head(actor, shown)
    for each in shown["commitments"]:
        if only not in (None, each["id"]):
            continue
        lines += _hanging(f"    {each['text_id']}  ", each["terms"])
        due = each["due"]
        date = _word(actor, "no_date") if due is None else f"“{due['words']}” ({due['from']} / {due['to']})"
        lines += wrapped(f"{_word(actor, 'strength_' + each['strength'])}; {date}", indent=" " * 8)
        lines += wrapped(_word(actor, f"commitment_{each['state']}"), indent=" " * 8)
        lines += _reports(actor, each) or [f"        SHA-256 {each['digest'][:_DIGEST_CHARACTERS]}..."]
    return lines, _seen(actor, shown)


def _reports(actor: DeskActor, commitment: Json) -> list[str]:
    lines: list[str] = []
    for report in commitment["reports"]:
        judged = _word(actor, f"judged_{report['judged']}")
        shows = f" [{', '.join(report['evidence'])}]" if report["evidence"] else ""
        lines += _hanging(f"        {report['id']}  ", f"{judged}: {report['facts']}{shows}")
    return lines


def comparison(actor: DeskActor, shown: Json) -> tuple[list[str], Json]:
    """Both readouts, point by point."""
    lines = _head(actor, shown)
    for readout in shown["readouts"]:
        lines += _hanging(f"    {readout['id']}  ", readout["own_text"])
    lines.append("")
    for each in shown["comparison"]:
        lines += _hanging("    - ", f"{_word(actor, 'verdict_' + each['verdict'])}: {each['title']}")
        lines += (line for side in ("ours", "theirs") if each[side] for line in wrapped(each[side], indent=" " * 8))
    return lines, _seen(actor, shown)


def _head(actor: DeskActor, shown: Json) -> list[str]:
    left = f"  {actor.desk} sees ({actor.actor.language}) "
    right = f" {_word(actor, 'phase')}: {_word(actor, 'phase_' + shown['phase'])}"
    return [left + "-" * max(2, COLUMNS - columns(left + right)) + right]


def _hanging(first: str, text: str) -> Iterator[str]:
    """The text behind its first words, and what does not fit there under it."""
    lines = list(wrapped(text, indent=" " * columns(first)))
    yield first + lines[0].lstrip(" ")
    yield from lines[1:]


def _word(actor: DeskActor, key: str) -> str:
    return both(load_catalogue().word("talks", key, actor.actor.language))


def _seen(actor: DeskActor, shown: Json) -> Json:
    return {"desk": actor.desk, "language": actor.actor.language, "round": shown}
