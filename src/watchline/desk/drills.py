"""Drills: once a shift each desk's node sends an exercise notice that a person at the peer must acknowledge.

A test proves that the machines work; a drill, that somebody is there. The next one waits until the last is acknowledged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from watchline.core import shapes
from watchline.core.clocks import ACKNOWLEDGE
from watchline.core.encoding import decode, encode
from watchline.core.entries import EntryType, Notice, Precedence
from watchline.core.outgoing import Draft
from watchline.core.records import Log, Pair
from watchline.core.setting import Moment
from watchline.desk.escalation import may_speak_alone
from watchline.desk.lines import OpenLine
from watchline.journal import Journal

if TYPE_CHECKING:
    from watchline.desk.desk import Desk

FORM = "drill"
PRECEDENCE = Precedence.PRIORITY  # a shift must be long enough for its clock
DOCUMENT_KIND = "last-drill"
LOOK_SECONDS = 1.0
_BODY = "Exercise: please acknowledge. Nothing has happened."


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill of ours. at: seconds since 1970. ok: None while it is awaited, False once its clock ran out.

    seconds: until a person acknowledged it, None so far. A drill that failed may still be acknowledged, and stays failed.
    """

    at: int
    pair: Pair
    index: int
    ok: bool | None = None
    seconds: int | None = None


class Drills:
    """Starts and judges the drills of one desk's lines. Every `drill_hours` of the settings; 0: none."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._last: dict[OpenLine, Drill | None] = {}
        self._next_look = 0.0

    def last(self, opened: OpenLine) -> Drill | None:
        """The last drill of ours on this line; None if there was none."""
        if opened not in self._last:
            self._last[opened] = stored_drill(self._desk.journal, opened.record.line)
        return self._last[opened]

    def on_time(self, moment: Moment) -> None:
        """Judge the drills that are awaited, and start those that are due."""
        if moment.running < self._next_look:
            return
        self._next_look = moment.running + LOOK_SECONDS
        for opened in list(self._desk.lines.values()):
            drill = self.last(opened)
            waits = drill is not None and drill.seconds is None and drill.pair == opened.line.setup.pair
            if waits and drill is not None and self._is_open(opened, drill, moment):
                continue
            if self._is_due(opened, moment):
                self.start(opened)

    def _is_open(self, opened: OpenLine, drill: Drill, moment: Moment) -> bool:
        """Whether it still waits for a person; what has become of it is kept."""
        clocks = {clock.index: clock for clock in opened.running_clocks(True, moment) if clock.kind == ACKNOWLEDGE}
        clock = clocks.get(drill.index)
        if clock is not None:
            if drill.ok is None and clock.seconds >= clock.allowed:
                self._keep(opened, replace(drill, ok=False))
            return True
        at = self._acknowledged_at(opened, drill)
        if at is not None:
            self._keep(opened, replace(drill, ok=drill.ok is not False, seconds=max(0, at - drill.at)))
        return False

    def _acknowledged_at(self, opened: OpenLine, drill: Drill) -> int | None:
        """When the acknowledgement came into custody here; None if something else ended the drill."""
        theirs: Log = opened.line.setup.incoming_log
        for index in self._desk.journal.referring(theirs, drill.index):
            entry = self._desk.journal.entry(theirs, index)
            if entry is not None and entry.type == EntryType.ACKNOWLEDGE and entry.released:
                return entry.time
        return None

    def _is_due(self, opened: OpenLine, moment: Moment) -> bool:
        hours, terms = self._desk.config.drill_hours, opened.line.setup.terms
        if hours == 0 or terms.people_needed(FORM, PRECEDENCE) > 0 or terms.clocks_for(FORM, PRECEDENCE).acknowledge is None:
            return False
        last = self.last(opened)
        since = opened.record.created if last is None else last.at
        # A clock that was set back by more than a shift must not put off the next drill until it is reached again.
        due = not -hours * 3600 < moment.wall - since < hours * 3600
        return due and may_speak_alone(self._desk, opened)

    def start(self, opened: OpenLine) -> Drill:
        """Send a drill now."""
        moment = self._desk.moment()
        form = self._desk.catalogue.form(FORM)
        content = Notice(form.code, form.version, PRECEDENCE, True, "en", {1: moment.wall, 2: _BODY}).encode()
        record = self._desk.compose(opened, Draft(EntryType.NOTICE, content, released=True))
        drill = Drill(moment.wall, opened.line.setup.pair, record.index)
        self._keep(opened, drill)
        return drill

    def _keep(self, opened: OpenLine, drill: Drill) -> None:
        self._last[opened] = drill
        value = encode([drill.at, list(drill.pair), drill.index, drill.ok, drill.seconds])
        self._desk.keep_document(DOCUMENT_KIND, opened.record.line.hex(), value)


def stored_drill(journal: Journal, line: bytes) -> Drill | None:
    """The last drill of a line as it was kept; None if there was none."""
    document = journal.document(DOCUMENT_KIND, line.hex())
    if document is None:
        return None
    at, pair, index, ok, seconds = shapes.array(decode(document), "drill", length=5)
    return Drill(at, Pair(*shapes.array(pair, "pair", length=2)), index, ok, seconds)
