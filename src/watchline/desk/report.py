"""The statistics of a line over a period, without a word of what was said on it: what the two desks' records show of how well
the line worked and how fast people answered.

Times of rungs and of tests come from entries and receipts, which both desks hold and have signed; the report names the sizes
and roots of the logs it was computed from, so that the other desk, or whoever is shown the evidence, can compute it again.
How routes carried is this desk's own record, and is marked so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from watchline.core.entries import EntryType, Notice
from watchline.core.records import AttemptRecord, EntryRecord, Log
from watchline.core.statements import StatementType
from watchline.core.terms import PRECEDENCES
from watchline.desk.clock import rfc3339
from watchline.desk.figures import Span, covered_seconds, spread
from watchline.desk.line_tests import PATIENCE_SECONDS
from watchline.desk.past import without_earlier_copies
from watchline.desk.rungs import read_notice
from watchline.desk.slots import Slots
from watchline.desk.views import LineView
from watchline.journal import Journal

Json = dict[str, Any]

CARRIES = "connected"  # the outcome of an attempt from which on a route carried, until the next one or `closed`
PASSED_ON = ("sent", "relayed")  # what became of entries on a route that carries: no attempts to reach anybody
CLIMBED = ("attempted", "received", "rung", "acknowledged", "answered", "declined")
TEST, DRILL = "test", "drill"
DAY_SECONDS = 86_400


def make_report(view: LineView, period: Span) -> Json:
    """The report of one line over a period, as JSON values; durations are in seconds, None where there is nothing to tell."""
    entries = list(_entries_of(view, period))
    notices = [(record, notice) for record, notice in entries if notice.form not in (TEST, DRILL)]
    return {
        "line": view.row.name,
        "desks": {"ours": view.desk.facts.name, "theirs": view.setup.peer_identity.desk},
        "from": rfc3339(period.start),
        "to": rfc3339(period.end),
        "logs": [_head(view, log, period) for log in view.journal.logs(view.row.line)],
        "tests": {
            "ours": _tests(view, period, [each for each in entries if each[1].form == TEST], outgoing=True),
            "theirs": _tests(view, period, [each for each in entries if each[1].form == TEST], outgoing=False),
        },
        "drills": {
            side: _drills(view, [record for record, notice in entries if notice.form == DRILL and record.log.outgoing is own])
            for side, own in (("ours", True), ("theirs", False))
        },
        "notices": {
            side: _notices(view, [each for each in notices if each[0].log.outgoing is own])
            for side, own in (("ours", True), ("theirs", False))
        },
        "routes": _routes(view, period),
        "days": _days(view, period, entries),
    }


def _entries_of(view: LineView, period: Span) -> Iterator[tuple[EntryRecord, Notice]]:
    """What began in the period, in both directions, each notice at its newest place; answers belong to what they answer."""
    records: list[EntryRecord] = []
    for log in view.journal.logs(view.row.line):
        found = view.journal.entries(log, size_at(view.journal, log, period.start), size_at(view.journal, log, period.end))
        records += [record for record in found if record.type == EntryType.NOTICE and record.re is None]
    for record in without_earlier_copies(records):
        notice = read_notice(record)
        if notice is not None:
            yield record, notice


def size_at(journal: Journal, log: Log, time: int) -> int:
    """How many entries a log had at this time, by this desk's clock; where that was set back, about so many."""
    low, high = 0, journal.size(log)
    while low < high:
        middle = (low + high) // 2
        record = journal.entry(log, middle)
        assert record is not None
        low, high = (middle + 1, high) if record.time < time else (low, middle)
    return low


def _head(view: LineView, log: Log, period: Span) -> Json:
    """How far a log had come at the end of the period."""
    ours, theirs = log.pair
    size = size_at(view.journal, log, period.end)
    return {
        "author": view.desk.facts.name if log.outgoing else view.setup.peer_identity.desk,
        "inc": ours if log.outgoing else theirs,
        "peer_inc": theirs if log.outgoing else ours,
        "size": size,
        "root": view.journal.root_at(log, size).hex(),
    }


def _tests(view: LineView, period: Span, tests: Iterable[tuple[EntryRecord, Notice]], *, outgoing: bool) -> Json:
    """How many tests of one desk fell due by the terms, how many were sent, and how many were answered."""
    sent = [record for record, _ in tests if record.log.outgoing is outgoing]
    answered = [seconds for seconds in (_answered_after(view, record) for record in sent) if seconds is not None]
    slots = Slots(view)
    due = slots.due(period, outgoing=outgoing)
    in_slots = len({slots.of(record.time) for record in sent if _is_kept(view, record)} & due)
    return {
        "due": len(due),
        "kept": in_slots,
        "missed": len(due) - in_slots,
        "sent": len(sent),
        "answered": len(answered),
        "round_trip_seconds": spread(answered)._asdict(),
    }


def _answered_after(view: LineView, record: EntryRecord) -> int | None:
    """How long an entry took to be answered, in seconds between its rungs; None for one without an answer."""
    times = view.times(record)
    return max(0, times["answered"] - times["composed"]) if "answered" in times else None


def _is_kept(view: LineView, record: EntryRecord) -> bool:
    """Whether a test was answered in time: a line that comes back after hours answers too, and was down."""
    seconds = _answered_after(view, record)
    return seconds is not None and seconds <= PATIENCE_SECONDS


def _drills(view: LineView, drills: Iterable[EntryRecord]) -> Json:
    """Drills of one desk: a person at the other one must acknowledge each in its time."""
    times = [view.times(record) for record in drills]
    taken = [each["acknowledged"] - each.get("received", each["composed"]) for each in times if "acknowledged" in each]
    overdue = sum("overdue" in each for each in times)
    return {
        "sent": len(times),
        "acknowledged": len(taken),
        "overdue": overdue,
        "acknowledged_after_seconds": spread(max(0, seconds) for seconds in taken)._asdict(),
    }


def _notices(view: LineView, notices: Iterable[tuple[EntryRecord, Notice]]) -> Json:
    """How the notices of one desk climbed, per precedence: how many reached each rung, how long after they were composed, and
    how many clocks ran out.
    """
    climbed: dict[str, dict[str, list[int]]] = {name: defaultdict(list) for name in PRECEDENCES}
    counts: Counter[str] = Counter()
    overdue: Counter[str] = Counter()
    for record, notice in notices:
        name = PRECEDENCES[notice.precedence]
        times = view.times(record)
        counts[name] += 1
        overdue[name] += "overdue" in times
        for rung in CLIMBED:
            if rung in times:
                climbed[name][rung].append(max(0, times[rung] - times["composed"]))
    return {
        name: {
            "sent": counts[name],
            "overdue": overdue[name],
            "rungs": {rung: spread(climbed[name][rung])._asdict() for rung in CLIMBED if climbed[name][rung]},
        }
        for name in reversed(PRECEDENCES)
        if counts[name]
    }


def _routes(view: LineView, period: Span) -> list[Json]:
    """Each route as this desk recorded it: for how much of the period it carried, and how its attempts went."""
    by_route: dict[str, list[AttemptRecord]] = defaultdict(list)
    for attempt in view.journal.attempts(view.row.line, 0):
        if attempt.outcome not in PASSED_ON and attempt.time < period.end:
            by_route[attempt.route].append(attempt)
    heard_until = _heard_until(view, period)
    return [
        {
            "route": route,
            "carried_seconds": covered_seconds(_carried(attempts, heard_until), period),
            "period_seconds": period.end - period.start,
            "attempts": dict(sorted(Counter(each.outcome for each in attempts if each.time >= period.start).items())),
        }
        for route, attempts in sorted(by_route.items())
    ]


def _carried(attempts: Iterable[AttemptRecord], heard_until: int) -> Iterator[Span]:
    """From each connection to its end. One whose end is not recorded, because the node died, ended at the next attempt at the
    latest, or with the last word of the peer.
    """
    since: int | None = None
    for attempt in attempts:
        if since is not None:
            yield Span(since, attempt.time)
        since = attempt.time if attempt.outcome == CARRIES else None
    if since is not None:
        yield Span(since, heard_until)


def _heard_until(view: LineView, period: Span) -> int:
    """Until when a connection that was not closed is known to have carried: to the peer's last status."""
    if view.opened is not None and view.opened.link is not None:
        return min(period.end, view.desk.moment().wall)
    status = view.journal.statement(view.row.line, False, StatementType.STATUS)
    return 0 if status is None else status.time


def _days(view: LineView, period: Span, entries: Iterable[tuple[EntryRecord, Notice]]) -> list[Json]:
    """Per day (UTC) what fell due and was kept, for a picture over time."""
    days: dict[int, Counter[str]] = defaultdict(Counter)
    slots = Slots(view)
    for outgoing in (True, False):
        for slot in slots.due(period, outgoing=outgoing):
            days[slot // DAY_SECONDS]["tests_due"] += 1
    kept: set[int] = set()
    for record, notice in entries:
        day = record.time // DAY_SECONDS
        if notice.form == TEST:
            if slots.of(record.time) not in kept and _is_kept(view, record):
                kept.add(slots.of(record.time))
                days[day]["tests_kept"] += 1
        elif notice.form != DRILL:
            days[day]["notices"] += 1
            days[day]["overdue"] += "overdue" in view.times(record)
    return [
        {
            "day": rfc3339(day * DAY_SECONDS)[:10],
            **{name: days[day][name] for name in ("tests_due", "tests_kept", "notices", "overdue")},
        }
        for day in sorted(days)
    ]
