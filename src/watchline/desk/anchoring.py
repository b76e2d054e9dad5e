"""How a running desk uses its anchor (rule 32): compare before the first word, and keep it near what the journal holds.

The anchor's medium may be slow, so it is written at most once a second and, where the node can, beside the event loop. It is
always behind the journal or level with it; so a copy of the home that was made later than the anchor's last word passes here,
and is noticed by the peer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog

from watchline.core.setting import LineSetup
from watchline.desk.anchor import Anchor, Anchored, judge
from watchline.desk.lines import OpenLine
from watchline.errors import Rollback, UsageError
from watchline.journal import Journal

WRITE_SECONDS = 1.0

log = structlog.get_logger()

Written = dict[bytes, Anchored]


class Anchoring:
    """The anchor of one desk; without one it does nothing."""

    def __init__(self, anchor: Anchor | None, journal: Journal) -> None:
        self._anchor = anchor
        self._journal = journal
        self._known: Written = {}
        self._due_at = 0.0
        self.run: Callable[[Callable[[], None]], None] = lambda write: write()
        if anchor is not None:
            try:
                self._known = anchor.read()
            except UsageError as error:
                log.warning("anchor.unread", message=error.message, hint=error.hint, **error.facts)

    def judge(self, setup: LineSetup) -> Rollback | None:
        """What the anchor proves against this journal, for one line; None if nothing, or if it does not know the line."""
        anchored = self._known.get(setup.line)
        if anchored is None:
            return None
        journal, ours, theirs = self._journal, setup.outgoing_log, setup.incoming_log
        return judge(
            anchored,
            setup.pair,
            journal.size(ours),
            journal.size(theirs),
            lambda size: journal.root_at(ours, size),
            lambda size: journal.root_at(theirs, size),
        )

    def write_if_due(self, lines: Iterable[OpenLine], running: float) -> None:
        """Write how far the lines have come, if that changed and the last time is a second ago; stopped lines stay as known."""
        if self._anchor is None or running < self._due_at:
            return
        present = {**self._known, **{opened.record.line: _anchored(opened) for opened in lines if not opened.is_stopped}}
        if present == self._known:
            return
        self._known, self._due_at = present, running + WRITE_SECONDS
        anchor = self._anchor
        self.run(lambda: _write(anchor, present))

    def write_last(self, lines: Iterable[OpenLine]) -> None:
        """Write how far the lines have come, before the process ends."""
        self.run, self._due_at = lambda write: write(), 0.0
        self.write_if_due(lines, 0.0)


def _write(anchor: Anchor, lines: Written) -> None:
    try:
        anchor.write(lines)
    except UsageError as error:
        log.warning("anchor.unwritten", message=error.message, hint=error.hint, **error.facts)


def _anchored(opened: OpenLine) -> Anchored:
    line = opened.line
    own, peer = line.outgoing, line.incoming.edge
    return Anchored(line.setup.pair, own.committed, own.root_at(own.committed), peer.size, peer.root())
