"""Alarms: what a person must see. A cause that stays is written down once an hour, not once a frame."""

from __future__ import annotations

from watchline.core.records import AlarmRecord
from watchline.core.setting import AlarmRaised, Moment
from watchline.errors import Contradiction, PeerError

AGAIN_SECONDS = 3600.0


class Alarms:
    """The alarms of one line since its process started. Messages are ours, and so few; what a peer chose stands in evidence."""

    def __init__(self, line: bytes) -> None:
        self._line = line
        self._raised_at: dict[tuple[str, str], float] = {}

    def sound(self, error: PeerError, moment: Moment) -> tuple[AlarmRecord | None, AlarmRaised | None]:
        """Give (what to keep, what to tell): both for a new alarm. A contradiction is told each time that the peer signs it."""
        name = (error.kind, error.message)
        last = self._raised_at.get(name)
        told = AlarmRaised(error.kind, error.message)
        if last is not None and moment.running - last < AGAIN_SECONDS:
            return None, told if isinstance(error, Contradiction) else None
        self._raised_at[name] = moment.running
        return AlarmRecord(self._line, moment.wall, error.kind, error.rule, error.message, error.evidence), told
