"""The pages of the talks: all lines, one line, one round. They show and change nothing.

A page comes in two: its frame, which holds no word of any line, and its part, which only the page that signed in can ask for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from watchline.catalogue.texts import visible
from watchline.console.screen import Stamp, Words, stamp, templates
from watchline.console.talks_steps import steps
from watchline.errors import UsageError

Json = dict[str, Any]
COUNT_SECONDS = 30  # how old the number of reminders on the first screen may be
TIMELINE_CHARACTERS_MAX = 160  # of a text in the timeline; the whole text stands at its place in the round
# What stands on a page a thousand times is put together here: a macro of a template takes four times as long. Markup escapes.
MOMENT = Markup('<time datetime="%s"><span class="day">%s</span> <span class="z">%s</span>%s</time>')
LOCAL = Markup(' <span class="local">%s %s</span>')
PARTY = Markup('<span class="side" data-side="%s"><span class="shape" aria-hidden="true"></span>%s</span>')
SIDES = ("ours", "theirs")


class Text(NamedTuple):
    """What somebody wrote, in one language; `language` is for `lang`, empty where it is not known."""

    language: str
    text: str


class Dated(NamedTuple):
    """A date for people: one moment, as RFC 3339, or a window of days with the words as agreed, the reader's first."""

    exact: str
    texts: tuple[Text, ...]
    first: str
    last: str


class Talks:
    """Asks the desk and renders. ask: the desk's api. count: the same, with {} for what the desk has no method for."""

    def __init__(self, ask: Callable[..., Awaitable[Json]], count: Callable[..., Awaitable[Json]]) -> None:
        self._ask = ask
        self._count = count
        self._counted = (0, float("-inf"))

    def routes(self) -> list[Route]:
        """The frames, under /talks, and their parts, under /parts/talks."""
        pages = [("", self._all), ("/{line}", self._line), ("/{line}/{round}", self._round)]
        frames = [Route(f"/talks{path}", self._frame) for path, _ in pages]
        return [*frames, *(Route(f"/parts/talks{path}", part) for path, part in pages)]

    async def due(self, now: int) -> int:
        """How many reminders are due on all lines; at most COUNT_SECONDS old. now: of the desk's clock."""
        count, at = self._counted
        if not 0 <= now - at < COUNT_SECONDS:
            answer = await self._count("talks_due", line=None)
            count = len(answer.get("reminders", ()))
            self._counted = (count, now)
        return count

    async def _frame(self, request: Request) -> Response:
        return await self._rendered("talks-frame.html", on_paper="print" in request.query_params)

    async def _all(self, _: Request) -> Response:
        return await self._lines((await self._ask("lines"))["lines"])

    async def _line(self, request: Request) -> Response:
        name = request.path_params["line"]
        lines = [line for line in (await self._ask("lines"))["lines"] if line["name"] == name]
        return await self._lines(lines) if lines else await self._none()

    async def _lines(self, lines: list[Json]) -> Response:
        found = [shown(await self._talks_of(line["name"], line["peer"])) for line in lines]
        return await self._rendered("talks.html", lines=found)

    async def _talks_of(self, name: str, peer: str) -> Json:
        talks: Json = {"name": name, "peer": peer}
        for method in ("talks_list", "talks_commitments", "talks_open", "talks_due", "talks_arrangements"):
            talks |= await self._ask(method, line=name)
        talks["named"] = {each["id"]: each for each in talks["commitments"]}
        return talks

    async def _round(self, request: Request) -> Response:
        line, name = request.path_params["line"], request.path_params["round"]
        try:
            talks = shown(await self._ask("talks_show", line=line, round=name))
        except UsageError:
            return await self._none()
        return await self._rendered("talks-round.html", talks=talks, round=talks["round"], steps=steps(line, talks["round"]))

    async def _none(self) -> Response:
        return await self._rendered("talks-none.html", status=404)

    async def _rendered(self, template: str, *, status: int = 200, **more: Any) -> Response:
        desk = await self._ask("desk")
        more |= reading(desk["language"], desk["zone"])
        return HTMLResponse(templates().get_template(template).render(desk=desk, **more), status)


def reading(language: str, zone: str) -> Json:
    """What the templates of the talks say words and times with, for a reader of this language at a desk of this zone."""
    words = Words(language)

    @cache
    def word(key: str, topic: str = "talks") -> str:
        return words(key, topic)

    @cache
    def of(group: str, value: str) -> str:
        """The word for a value of a group, such as a phase; one that is not known here stands for itself."""
        key = f"{group}_{value}"
        return value if word(key) == key else word(key)

    @cache
    def party(name: str) -> Markup:
        """One side, with its shape."""
        return PARTY % (name, words(name, "sides"))

    return {
        "w": words,
        "t": word,
        "of": of,
        "party": party,
        "parties": lambda names: Markup(", ").join(map(party, names)),
        "moment": cache(lambda at: moment(stamp(at, zone))),
        "dated": lambda when: dated(when, words.language),
        "terms": lambda each: texts(each["terms"], each.get("language") or "", each.get("translations") or {}, words.language),
        "both": SIDES,
        "cut": TIMELINE_CHARACTERS_MAX,
    }


def shown(value: Any) -> Any:
    """An answer of the desk with all text in it fit for a screen: nothing that would turn the order in which it is read."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {name: shown(each) for name, each in value.items()}
    return [shown(each) for each in value] if isinstance(value, list) else value


def moment(at: Stamp) -> Markup:
    """A time, UTC first and then the desk's own."""
    return MOMENT % (at.at, at.date, at.utc, LOCAL % (at.local, at.zone) if at.local else "")


def dated(when: Json | None, language: str) -> Dated | None:
    """A date of the desk's answer for a reader; None for no date."""
    if when is None:
        return None
    if "exact" in when:
        return Dated(when["exact"], (), "", "")
    every = when["all_words"]
    own = language if every.get(language) == when["words"] else next((tag for tag in every if every[tag] == when["words"]), "")
    others = (Text(tag, text) for tag, text in every.items() if tag != own)
    return Dated("", (Text(own, when["words"]), *others), when["from"], when["to"])


def texts(text: str, written_in: str, translations: Mapping[str, str], language: str) -> list[Text]:
    """The author's text, and before it the translation into the reader's language where there is one."""
    read = [tag for tag in translations if tag == language or tag.startswith(f"{language}-")]
    written = Text(written_in, text)
    return [Text(read[0], translations[read[0]]), written] if read and translations[read[0]] != text else [written]
