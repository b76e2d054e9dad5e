"""What the page shows, rendered here: parts of HTML in the desk's language, and which notices have to sound.

Everything that people wrote goes through the templates, which escape it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from watchline.catalogue import load_catalogue
from watchline.catalogue.times import parse_time, show_time

Json = dict[str, Any]
PRECEDENCES = ("ROUTINE", "PRIORITY", "IMMEDIATE", "FLASH")
CLOSED_BY = frozenset({"acknowledged", "answered", "declined"})
JITTER_SECONDS = 2
_REACHED_BY_THEIRS = ("composed", "received")
_REACHED_BY_OURS = ("composed", "attempted", "received", "rung")
_OF_PEOPLE = ("acknowledged", "answered", "declined", "overdue")


class Stamp(NamedTuple):
    """A moment as a watch reads it: UTC first, then the desk's own clock; local is empty where the desk keeps UTC."""

    at: str
    date: str
    utc: str
    local: str
    zone: str


class Words:
    """The product's words for one reader. language: that of the words, for `lang`."""

    def __init__(self, language: str) -> None:
        self._catalogue = load_catalogue()
        self.language = self._catalogue.language_for(language)

    def __call__(self, key: str, topic: str = "console") -> str:
        """A word; a key that no topic has, such as a newer state, stands for itself."""
        try:
            return self._catalogue.word(topic, key, self.language).text
        except KeyError:
            return key

    def title(self, form: str | None) -> str:
        """A form's title; of a form that is not known here its code."""
        known = self._catalogue.forms.get(form or "")
        return (form or "") if known is None else self._catalogue.title(known, self.language).text


class Screen:
    """Renders the screen. ask: the desk's api. due: how many reminders of the talks there are, at the desk's time."""

    def __init__(
        self,
        ask: Callable[..., Awaitable[Json]],
        watch: Callable[[], Awaitable[Json]],
        due: Callable[[int], Awaitable[int]],
    ) -> None:
        self._ask = ask
        self._watch = watch
        self._due = due
        self._ends: dict[tuple[object, ...], int] = {}

    async def page(self, template: str, **more: Any) -> str:
        """A whole page, which holds no word of any line."""
        desk = await self._ask("desk")
        return templates().get_template(template).render(w=Words(desk["language"]), desk=desk, **more)

    async def snapshot(self) -> str:
        """The screen now, as JSON in one line: `parts` of HTML by the id of where they go, and `sounds`."""
        seen, watch = await self._ask("screen"), await self._watch()
        words, zone = Words(seen["language"]), seen["zone"]
        lines = seen["lines"]
        for line in lines:
            line["lamps"] = line.get("lamps") or lamps(line, words)
        entries = [entry for line in lines for entry in (*line["theirs"], *line["ours"])]
        self._settle_clocks(entries, seen["now"])
        common = {"w": words, "stamp": lambda at: stamp(at, zone), "steps": steps, "precedences": PRECEDENCES}
        theirs, ours = ordered(line["theirs"] for line in lines), ordered(line["ours"] for line in lines)
        parts = {
            "lines": self._render("lines.html", common, lines=lines),
            "watch": self._render("watch.html", common, watch=watch),
            "received": self._render("notices.html", common, notices=theirs, further=further(lines, "theirs_further")),
            "sent": self._render("notices.html", common, notices=ours, further=further(lines, "ours_further")),
            "talks-due": self._render("talks-due.html", common, due=await self._due(seen["now"])),
            "flash": self._render("flash.html", common, notices=[each for each in theirs if is_flash(each)]),
        }
        return json.dumps({"parts": parts, "sounds": sounds(theirs)}, separators=(",", ":"))

    def _render(self, template: str, common: Json, **more: Any) -> str:
        return templates().get_template(template).render(**common, **more)

    def _settle_clocks(self, entries: Iterable[Json], now: int) -> None:
        """Say of each reply clock when it ends by the wall clock: the same second each time, though two clocks make it."""
        ends: dict[tuple[object, ...], int] = {}
        for entry in entries:
            for clock in entry["clocks"]:
                key = (entry["line"], entry["id"], *entry["incarnations"], clock["kind"], clock["allowed"])
                found = now + clock["allowed"] - clock["seconds"]
                before = self._ends.get(key, found)
                clock["ends"] = ends[key] = before if abs(before - found) <= JITTER_SECONDS else found
        self._ends = ends


@lru_cache(maxsize=1)
def templates() -> Environment:
    """The templates, which escape everything that is put into them. They stay as they were when the node began."""
    loader = PackageLoader("watchline.console", "templates")
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, auto_reload=False, trim_blocks=True, lstrip_blocks=True
    )


def ordered(sides: Iterable[list[Json]]) -> list[Json]:
    """What waits for somebody first, by precedence and then by age; below it the rest, newest first."""
    entries = [entry for side in sides for entry in side]
    waiting = [entry for entry in entries if entry["clocks"]]
    rest = [entry for entry in entries if not entry["clocks"]]
    waiting.sort(key=lambda entry: (-rank(entry), entry["time"]))
    return waiting + sorted(rest, key=lambda entry: str(entry["time"]), reverse=True)


def rank(entry: Json) -> int:
    """0 to 3; what has no precedence, such as a decline, is as a routine notice."""
    return PRECEDENCES.index(entry["precedence"]) if entry["precedence"] in PRECEDENCES else 0


def is_flash(entry: Json) -> bool:
    """Whether it has to be read out at once."""
    return rank(entry) == PRECEDENCES.index("FLASH") and waits_for_a_person(entry)


def waits_for_a_person(entry: Json) -> bool:
    """Whether nobody here has acknowledged a notice that asks for it."""
    return any(clock["kind"] == "acknowledge" for clock in entry["clocks"])


def sounds(theirs: Iterable[Json]) -> list[Json]:
    """What has to sound: again and again until somebody acknowledges, or once if nobody has to."""
    return [
        {
            "line": entry["line"],
            "id": entry["id"],
            "index": entry["index"],
            "precedence": rank(entry),
            "repeat": waits_for_a_person(entry),
        }
        for entry in theirs
        if waits_for_a_person(entry) or not (entry["sounded"] or CLOSED_BY & entry["rungs"].keys())
    ]


def further(lines: Iterable[Json], name: str) -> int:
    """How many open notices there are beyond those shown."""
    return sum(line[name] for line in lines)


def steps(entry: Json) -> list[tuple[str, str | None]]:
    """The ladder of a notice: each rung with its time, None for one that it has still to reach."""
    rungs, clocks = entry["rungs"], {clock["kind"] for clock in entry["clocks"]}
    machines = _REACHED_BY_OURS if entry["id"].startswith("ours:") else _REACHED_BY_THEIRS
    awaited = {"acknowledged": "acknowledge" in clocks, "answered": "answer" in clocks}
    order = dict.fromkeys((*machines, *rungs, *_OF_PEOPLE))
    shown = [rung for rung in order if rung in rungs or rung in machines or awaited.get(rung, False)]
    shown.sort(key=lambda rung: _OF_PEOPLE.index(rung) if rung in _OF_PEOPLE else -1)
    return [(rung, rungs.get(rung)) for rung in shown]


def stamp(at: str, zone: str) -> Stamp:
    """A time of the api (RFC 3339, UTC) for people."""
    seconds = parse_time(at)
    utc, _, local = (at if seconds is None else show_time(seconds, zone or None)).partition(" (")
    return Stamp(at, utc[:10], utc[11:], local[11:19], zone if local else "")


def lamps(line: Json, words: Words) -> Json:
    """The four lamps as far as the state and the last test tell, where the desk does not say more."""
    state, test = line["state"], line["last_test"]
    cut = state in ("line_down", "stopped")
    machine = {"up": ("green", "answers"), "degraded": ("amber", "weak"), "terminal_down": ("red", "silent")}
    tested = ("grey", "none_yet") if test is None else ("green", "ok") if test["ok"] else ("red", "failed")
    found = {
        "line": ("grey", "not_known") if state == "pairing" else ("red", "cut") if cut else ("green", "carries"),
        "machine": machine.get(state, ("grey", "not_known")),
        "human": ("red", "absent") if state == "unmanned" else ("grey", "not_known"),
        "test": tested,
    }
    return {name: {"colour": colour, "word": words(word), "text": ""} for name, (colour, word) in found.items()}
