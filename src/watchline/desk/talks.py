"""What people and programs ask of a desk's talks, for the command line and the console."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from watchline.core.entries import Place
from watchline.core.records import EntryRecord
from watchline.desk.clock import rfc3339
from watchline.desk.talks_check import check
from watchline.desk.talks_review import calendar_text, review_json
from watchline.desk.talks_shown import Teller
from watchline.desk.views import LineView
from watchline.errors import UsageError
from watchline.talks.rounds import Round

if TYPE_CHECKING:
    from watchline.desk.api import Api

Json = dict[str, Any]
DAY_SECONDS = 86_400


class _Answers:
    """The questions about talks that an api answers, each by the name of its method."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def _teller(self, line: str) -> Teller:
        self._api.desk.flush()
        view = self._api.view(line)
        return Teller(view, await self._api.desk.talks.read(view.row), self._api.desk.moment().wall)

    async def talks_list(self, line: str) -> Json:
        told = await self._teller(line)
        return {**_line(told), "rounds": [told.summary(each) for each in told.judged.rounds]}

    async def talks_show(self, line: str, round: str = "") -> Json:  # noqa: A002 - as the question calls it
        told = await self._teller(line)
        return {**_line(told), "now": rfc3339(told.now), "round": told.round(_round(told, round))}

    async def talks_commitments(self, line: str) -> Json:
        told = await self._teller(line)
        return {**_line(told), "commitments": [told.commitment(each) for each in told.judged.commitments]}

    async def talks_open(self, line: str) -> Json:
        told = await self._teller(line)
        numbered = {item.move.name: (item, at) for each in told.judged.rounds for at, item in enumerate(each.items, start=1)}
        items = [
            {
                **told.item(*numbered[each.move.name]),
                "round": told.id(each.round),
                "age_days": each.age_seconds(told.now) // DAY_SECONDS,
                "remains": [str(why) for why in each.remains],
            }
            for each in told.open
        ]
        return {**_line(told), "items": items}

    async def talks_arrangements(self, line: str) -> Json:
        told = await self._teller(line)
        return {**_line(told), "arrangements": [told.arrangement(each) for each in told.judged.arrangements]}

    async def talks_readout(self, line: str, id: str) -> Json:  # noqa: A002 - what the entry is called everywhere
        told = await self._teller(line)
        name = told.talks.name_of(told.view.find(id))
        for each in told.judged.rounds:
            if name in {move.name for move in each.readouts}:
                shown = told.round(each)
                return {"readout": next(it for it in shown["readouts"] if it["id"] == told.id(name)), "round": shown}
        raise UsageError(f"{id} is no readout", hint=f"watchline talks show {line} lists them", id=id)

    async def talks_due(self, line: str | None = None) -> Json:
        self._api.desk.flush()
        rows = [row for row in self._api.desk.journal.lines() if row.confirmed] if line is None else [self._api.row(line)]
        for row in rows:
            await self._api.desk.talks.read(row)
        return {"reminders": [each for row in rows for each in self._api.desk.talks.due_json(row)]}

    async def talks_review(self, line: str, start: int, end: int) -> Json:
        """start, end: of the period, in seconds since 1970."""
        told = await self._teller(line)
        return {**_line(told), **review_json(told, start, end)}

    async def talks_calendar(self, line: str) -> Json:
        return {"ics": calendar_text(await self._teller(line))}

    async def talks_check(self, line: str, kind: str, fields: dict[str, Any], exercise: bool = False) -> Json:
        told = await self._teller(line)
        check(told, kind, fields, _resolver(told.view), exercise=exercise)
        return {"counts": True}


def methods(api: Api) -> dict[str, Callable[..., Awaitable[Json]]]:
    """`talks_list`, `talks_show`, `talks_commitments`, `talks_open`, `talks_arrangements`, `talks_readout`, `talks_due`,
    `talks_review`, `talks_calendar`, and `talks_check`, which raises UsageError for a step that would not count.
    """
    answers = _Answers(api)
    return {name: getattr(answers, name) for name in vars(_Answers) if name.startswith("talks_")}


def _line(told: Teller) -> Json:
    return {"line": told.view.row.name, "peer": told.view.setup.peer_identity.desk}


def _round(told: Teller, name: str) -> Round:
    """The round that people mean by any entry of it; the newest for "". Raises UsageError if there is none."""
    found = {each.name: each for each in told.judged.rounds}
    line = told.view.row.name
    if not found:
        raise UsageError(f"there are no talks on {line} yet", hint=f"propose some: watchline talks propose {line}")
    if not name:
        return told.judged.rounds[-1]
    meant = told.judged.round_of.get(told.talks.name_of(told.view.find(name)))
    if meant is None or meant not in found:
        raise UsageError(f"{name} belongs to no round of talks", hint=f"watchline talks list {line}", id=name)
    return found[meant]


def _resolver(view: LineView) -> Callable[[str], Sequence[int]]:
    """How a reference that was typed becomes the integers of the wire, as for `resolve`."""

    def resolve(text: str) -> Sequence[int]:
        record = view.find(text)
        place = _place(record)
        return (*place, 1) if record.log.outgoing else place

    return resolve


def _place(record: EntryRecord) -> Place:
    ours, theirs = record.log.pair
    return Place(ours, theirs, record.index) if record.log.outgoing else Place(theirs, ours, record.index)
