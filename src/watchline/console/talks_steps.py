"""What the desk can do next in a round, each as the command that does it: the console itself only reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

Json = dict[str, Any]
Target = tuple[str, str]  # the id that a command names, with what it needs besides, and the words that say what it is

# The commands for each kind of move, with the options that it cannot do without; in capitals what a person has to put in.
COMMANDS: dict[str, tuple[str, ...]] = {
    "talks-proposal": ("propose {line} --topic TOPIC --level LEVEL --mode MODE --date DATE --resumes {id}",),
    "counter-proposal": ("counter {line} {id} --date DATE",),
    "acceptance": ("accept {line} {id}",),
    "noted": ("note {line} {id}",),
    "decline": ("decline {line} {id}",),
    "agenda-item": ("item {line} {id} --subject SUBJECT",),
    "statement": ("say {line} {id} --role ROLE --text TEXT",),
    "commitment": ("commit {line} --round {id} --terms TERMS",),
    "commitment-report": tuple(f"report {{line}} {{id}} --{judged}" for judged in ("kept", "not-kept", "lapsed")),
    "arrangement": ("arrange {line} --round {id} --name NAME --level LEVEL --every INTERVAL --first TIME --mode MODE",),
    "readout": ("readout {line} {id} --text TEXT --point POINT",),
    "close": ("close {line} {id} --outcome OUTCOME",),
    "correction": ("withdraw {line} {id} --reason REASON",),
}


class Step(NamedTuple):
    """One command line, ready to be copied. about: what it is about, in its author's words; empty for the round itself."""

    command: str
    about: str


def steps(line: str, talks: Json) -> list[tuple[str, list[Step]]]:
    """The kinds of moves that are possible now, each with its commands; a kind that is not known here has none."""
    found = [(kind, list(_steps(line, kind, talks))) for kind in talks["possible"]]
    return [(kind, commands) for kind, commands in found if commands or kind not in COMMANDS]


def _steps(line: str, kind: str, talks: Json) -> Iterator[Step]:
    for name, about in _targets(kind, talks):
        for command in COMMANDS[kind]:
            yield Step(f"watchline talks {command.format(line=line, id=name)}", about)


def _targets(kind: str, talks: Json) -> list[Target]:
    """What a move of this kind can be about."""
    if kind not in COMMANDS:
        return []
    match kind:
        case "acceptance":
            return [*_choices(talks), *_items(talks, "theirs"), *_texts(talks, "theirs"), *_closings(talks)]
        case "decline":
            return [*_proposals(talks, "theirs"), *_items(talks, "theirs"), *_texts(talks, "theirs"), *_closings(talks)]
        case "noted":
            return _items(talks, "theirs")
        case "counter-proposal":
            return _proposals(talks, "theirs") or [(talks["id"], "")]
        case "correction":
            return [*_proposals(talks, "ours"), *_items(talks, "ours"), *_texts(talks, "ours")]
        case "commitment-report":
            return [(each["text_id"], each["terms"]) for each in talks["commitments"] if each["accepted"]]
        case _:
            return [(talks["id"], "")]


def _proposals(talks: Json, side: str) -> list[Target]:
    return [(each["id"], each["topic"] or "") for each in _of(side, talks["arrangement"]["on_table"])]


def _choices(talks: Json) -> list[Target]:
    """Their proposals to accept: of several dates one has to be chosen."""
    offers = _of("theirs", talks["arrangement"]["on_table"])
    return [(f"{each['id']} --date NUMBER" if len(each["dates"]) > 1 else each["id"], each["topic"] or "") for each in offers]


def _items(talks: Json, side: str) -> list[Target]:
    return [(each["id"], each["subject"]) for each in _of(side, talks["items"]) if each["state"] == "raised"]


def _texts(talks: Json, side: str) -> list[Target]:
    """Texts of commitments that still wait for the other side, a first text or an amendment of one that stands."""
    return [
        (version["id"], version["terms"])
        for each in talks["commitments"]
        for version in _of(side, each["versions"])
        if version["state"] == "proposed" and version["accepted"] is None
    ]


def _closings(talks: Json) -> list[Target]:
    """Their close, as long as we have not agreed to it."""
    closing = talks["closing"]
    if closing is None or closing["agreed"] is not None or "theirs" not in closing["by"]:
        return []
    said = [each for each in _of("theirs", talks["timeline"]) if each["kind"] == "close" and each["counts"]]
    return [(each["id"], each["title"]) for each in said[-1:]]


def _of(side: str, entries: Iterable[Json]) -> Iterator[Json]:
    return (each for each in entries if each["side"] == side)
