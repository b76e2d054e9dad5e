"""What people of either desk said last of the line itself: the newest released notice of the form `line-status` of each.

A desk's word holds until its next one; only that desk can take it back. It survives restarts and new incarnations. Silence is
never taken for suspension.
"""

from __future__ import annotations

from dataclasses import dataclass

from watchline.core import shapes
from watchline.core.encoding import Value, decode, encode
from watchline.core.entries import EntryType, Notice
from watchline.core.line_state import Suspension
from watchline.core.records import EntryRecord, StateRecord
from watchline.core.setting import LineSetup, Reader
from watchline.errors import Malformed

LINE_STATUS = "line-status"  # the second form whose meaning the line knows
STATE_PART = "line-notices"
STATE_FIELD, FROM_FIELD, UNTIL_FIELD = 1, 2, 3


@dataclass(frozen=True, slots=True)
class LineNotice:
    """What one desk said of the line. since, until: seconds since 1970, by its author; until None for no end."""

    state: str
    since: int
    until: int | None

    def holds(self, wall: int) -> bool:
        """Whether it is meant for this time."""
        return self.since <= wall and (self.until is None or wall < self.until)


class LineNotices:
    """The newest of each desk; None where it said nothing yet."""

    def __init__(self) -> None:
        self.ours: LineNotice | None = None
        self.theirs: LineNotice | None = None

    def restore(self, reader: Reader, setup: LineSetup) -> None:
        """Take up what was kept."""
        kept = reader.state(setup.line, STATE_PART)
        if kept is not None:
            ours, theirs = shapes.array(decode(kept), "line notices", length=2)
            self.ours, self.theirs = _read(ours), _read(theirs)

    def note(self, record: EntryRecord, setup: LineSetup) -> StateRecord | None:
        """Take an entry of either log into account; give what is to be kept. None if it is no such notice, or not released."""
        notice = _line_notice(record)
        if notice is None:
            return None
        if record.log.outgoing:
            self.ours = notice
        else:
            self.theirs = notice
        return StateRecord(setup.line, STATE_PART, encode([_value(self.ours), _value(self.theirs)]))

    def suspension(self, wall: int) -> Suspension | None:
        """The suspension that is in force, the peer's before our own; None if there is none."""
        if self.theirs is not None and self.theirs.state == "suspended" and self.theirs.holds(wall):
            return Suspension("theirs", self.theirs.since)
        if self.ours is not None and self.ours.state == "suspended" and self.ours.holds(wall):
            return Suspension("ours", self.ours.since)
        return None

    def is_in_maintenance(self, wall: int) -> bool:
        """Whether either desk said that the line works less well, or not, for a while."""
        said = [notice for notice in (self.ours, self.theirs) if notice is not None and notice.holds(wall)]
        return any(notice.state in ("maintenance", "degraded") for notice in said)


def _line_notice(record: EntryRecord) -> LineNotice | None:
    if record.type != EntryType.NOTICE or not record.released:
        return None
    try:
        notice = Notice.decode(record.read().content)
        if notice.form != LINE_STATUS or notice.exercise:
            return None
        until = notice.fields.get(UNTIL_FIELD)
        return LineNotice(
            shapes.text(notice.fields.get(STATE_FIELD), "state", at_most=32),
            shapes.integer(notice.fields.get(FROM_FIELD), "from"),
            None if until is None else shapes.integer(until, "until"),
        )
    except Malformed:
        return None


def _value(notice: LineNotice | None) -> Value:
    return None if notice is None else [notice.state, notice.since, notice.until]


def _read(value: Value) -> LineNotice | None:
    if value is None:
        return None
    state, since, until = shapes.array(value, "line notice", length=3)
    return LineNotice(
        shapes.text(state, "state"), shapes.integer(since, "from"), None if until is None else shapes.integer(until, "until")
    )
