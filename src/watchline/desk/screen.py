"""What a screen in the watch room shows of the desk, in one answer: every line, and the notices of both sides that matter now.

Those that a clock runs for come all, whatever their age, and the newest besides; the machines' own entries stay away.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

from watchline.core.clocks import ACKNOWLEDGE, RunningClock
from watchline.core.entries import EntryType, Notice
from watchline.core.records import EntryRecord
from watchline.desk.lines import OpenLine
from watchline.desk.rungs import read_notice
from watchline.desk.views import LineView, line_status

if TYPE_CHECKING:
    from watchline.catalogue import Reading
    from watchline.desk.api import Api

Json = dict[str, Any]
LOOKED_THROUGH_MAX, NEWEST_MAX, OPEN_MAX = 200, 20, 100


def methods(api: Api) -> dict[str, Callable[..., Awaitable[Json]]]:
    """`screen`: `{desk, language, zone, now, lines[]}`; a line is as in `status`, with `theirs` and `ours`."""

    async def screen() -> Json:
        desk = api.desk
        desk.flush()
        facts = desk.facts
        return {
            "desk": facts.name,
            "language": facts.language,
            "zone": facts.zone,
            "now": desk.moment().wall,
            "lines": [_line(LineView(desk, row)) for row in desk.journal.lines()],
        }

    return {"screen": screen}


def _line(view: LineView) -> Json:
    shown = line_status(view.desk, view.row)
    shown["theirs"], shown["theirs_further"] = _side(view, own=False)
    shown["ours"], shown["ours_further"] = _side(view, own=True)
    return shown


def _side(view: LineView, *, own: bool) -> tuple[list[Json], int]:
    """The notices of one desk, those with a running clock first, and how many open ones are left out."""
    if not view.row.confirmed:
        return [], 0
    opened = view.opened
    clocks: dict[int, list[RunningClock]] = {}
    for clock in [] if opened is None else opened.running_clocks(own, view.desk.moment()):
        clocks.setdefault(clock.index, []).append(clock)
    log = view.current_logs()[0 if own else 1]
    waiting = [(view.journal.entry(log, index), clocks[index]) for index in list(clocks)[:OPEN_MAX]]
    newest = [record for record in _newest(view, own=own) if record.log != log or record.index not in clocks]
    shown = [_notice(view, record, running) for record, running in waiting if record is not None]
    return shown + [_notice(view, record, []) for record in newest], max(0, len(clocks) - OPEN_MAX)


def _newest(view: LineView, *, own: bool) -> list[EntryRecord]:
    records = (record for record in reversed(view.listed(LOOKED_THROUGH_MAX)) if record.log.outgoing == own)
    return [record for record, _ in zip(_for_people(records), range(NEWEST_MAX), strict=False)]


def _for_people(records: Iterator[EntryRecord]) -> Iterator[EntryRecord]:
    for record in records:
        notice = read_notice(record)
        if record.type == EntryType.DECLINE or (notice is not None and notice.form != "test"):
            yield record


def _notice(view: LineView, record: EntryRecord, clocks: list[RunningClock]) -> Json:
    """An entry as `entries` gives it, with what only a screen asks for.

    index: in its author's log. sounded: whether our statuses say that a console sounded for it. clocks: those that run.
    readings: the words in the reader's language, then in the author's or, where that is the same, in English for a draft.
    """
    notice = read_notice(record)
    shown = view.entry(record)
    shown["index"] = record.index
    shown["sounded"] = record.log.outgoing or _sounded(view.opened, record)
    shown["clocks"] = [
        {
            "kind": "acknowledge" if clock.kind == ACKNOWLEDGE else "answer",
            "seconds": clock.seconds,
            "allowed": clock.allowed,
        }
        for clock in clocks
    ]
    shown["readings"] = [] if notice is None else _readings(view, record, notice)
    shown["answers"] = [] if notice is None or record.log.outgoing else _answers(view, notice)
    return shown


def _sounded(opened: OpenLine | None, record: EntryRecord) -> bool:
    """An earlier incarnation's entries have had their time."""
    return opened is None or record.log.pair != opened.line.setup.pair or record.index < opened.line.statuses.rung


def _readings(view: LineView, record: EntryRecord, notice: Notice) -> list[Json]:
    catalogue, reader = view.desk.catalogue, view.desk.facts.language
    languages = [catalogue.language_for(reader), catalogue.language_for(notice.language)]
    if languages[0] == languages[1] and catalogue.reviews[languages[0]] == "draft":
        languages[1] = "en"
    return [
        {"language": language, "title": reading.title.text, "rows": _rows(reading, language, notice.language)}
        for language in dict.fromkeys(languages)
        for reading in [
            catalogue.read(
                notice.form,
                notice.version,
                {} if record.gone else notice.fields,
                language=language,
                zone=view.desk.facts.zone or None,
                precedence=notice.precedence,
                name_reference=view.name_reference(record),
            )
        ]
    ]


def _rows(reading: Reading, language: str, author_language: str) -> list[Json]:
    """label, text, and the language of the text: what the author wrote stays in the author's."""
    return [
        {
            "label": row.label,
            "text": row.text,
            "language": author_language if row.translation == "original" or reading.form is None else language,
            "original": row.translation == "original",
        }
        for row in reading.rows
    ]


def _answers(view: LineView, notice: Notice) -> list[str]:
    """The forms that may answer it; none where the form is unknown here."""
    form = view.desk.catalogue.forms.get(notice.form)
    return [] if form is None else list(form.answers)
