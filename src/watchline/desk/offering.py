"""When our entries were first offered on a route, and when a relay first kept them: the rung `attempted`, and `relayed`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from watchline.core.line import Phase
from watchline.core.records import AttemptRecord
from watchline.core.setting import Moment
from watchline.desk.lines import OpenLine
from watchline.routes import is_relay

if TYPE_CHECKING:
    from watchline.desk.desk import Desk


class Offering:
    """Keeps those attempts of one desk; each rides with the next commit."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def note(self, opened: OpenLine, moment: Moment) -> None:
        """A turn has given frames to the line's link, where it has one."""
        sent, link = opened.line.outgoing.sent, opened.link
        if link is None or opened.line.phase is not Phase.OPEN:
            return
        attempt = AttemptRecord(
            opened.record.line, moment.wall, f"{link.kind} {link.address}", "sent", sent, opened.line.setup.pair
        )
        if sent > opened.attempted:
            opened.attempted = sent
            self._desk.note_attempts([attempt])
        if sent > opened.relayed and is_relay(link):
            link.when_taken(lambda: self._relayed(opened, attempt))

    def _relayed(self, opened: OpenLine, attempt: AttemptRecord) -> None:
        """A relay says that it keeps our entries for the peer; that is no delivery."""
        if attempt.size > opened.relayed and attempt.pair == opened.line.setup.pair:
            opened.relayed = attempt.size
            self._desk.note_attempts([replace(attempt, time=self._desk.moment().wall, outcome="relayed")])
