"""What one line is made of, and what a turn gathers: its parts, its phase, and the records, items and events on their way.

`line.Line` has what is done with them: what each side hears and says, and when time passes.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from watchline.core.alarms import Alarms
from watchline.core.announced import AnnouncedRoutes
from watchline.core.changeover import Changeover
from watchline.core.frames import Item, Refusal
from watchline.core.gate import StatementGate
from watchline.core.incoming import Incoming
from watchline.core.leaves import Leaves
from watchline.core.limits import FRAME_ENTRIES_MAX
from watchline.core.line_keys import LineKeys
from watchline.core.line_notices import LineNotices
from watchline.core.outgoing import Outgoing
from watchline.core.phases import TRANSITIONS, Cause, Phase
from watchline.core.probes import Probes
from watchline.core.records import EntryRecord, Record, StateRecord
from watchline.core.reply_clocks import ReplyClocks
from watchline.core.setting import Event, LineSetup, Moment, PhaseChanged, Reader
from watchline.core.spoken import Spoken
from watchline.core.status_exchange import StatusExchange
from watchline.core.terms import Terms
from watchline.core.witnessed import Witnessed
from watchline.errors import PeerError, Rollback

PHASE_PART = "phase"
BATCH = FRAME_ENTRIES_MAX  # entries under one checkpoint signature, unless told otherwise
EPOCH_SPACING_SECONDS = 1.0
REFUSAL_SECONDS = 1.0  # one refusal a second and line (rule 39)


class LineParts:
    """One line's parts, and its turn so far. Whatever changes the phase, alarms people or refuses goes through here."""

    def __init__(self, setup: LineSetup, reader: Reader, *, entries_per_checkpoint: int = BATCH, padded: bool = True) -> None:
        self.setup = setup
        self._reader = reader
        self._padded = padded
        self._keys = LineKeys(setup)
        self.outgoing = Outgoing(setup, reader, entries_per_checkpoint=entries_per_checkpoint)
        self.incoming = Incoming(setup, reader)
        self.changeover = Changeover(setup, reader)
        self.phase = Phase.OPENING
        self.reachable = False
        self.junk = 0
        leaves = Leaves(reader, self.incoming)
        self.clocks = ReplyClocks(setup, leaves.at, leaves.first_of, self.terms_at)
        self.witnessed = Witnessed(self.outgoing, self.incoming, reader)
        self.line_notices = LineNotices()
        self.statuses = StatusExchange(self.outgoing, self.incoming, self.clocks, reader, self.witnessed)
        self._freshness = self.statuses.freshness
        self._announced = AnnouncedRoutes()
        self._gate = StatementGate(self.incoming, self.outgoing, self._freshness, self._announced)
        self._spoken = Spoken()
        self._taking_early = False
        self._next_epoch_at = 0.0
        self._prekeys_issued = 0
        self._probes = Probes()
        self._alarms = Alarms(setup.line)
        self._refused_at = -math.inf
        self._records: list[Record] = []
        self._items: list[Item] = []
        self._events: deque[Event] = deque()
        self._urgent = False

    @property
    def terms(self) -> Terms:
        """The terms in force now (rule 6)."""
        return self.incoming.history.latest

    def terms_at(self, record: EntryRecord) -> Terms:
        """The terms by which an entry of the present pair is judged."""
        return self.incoming.history.of(record)

    # --- phases, alarms, refusals

    def _move(self, cause: Cause) -> None:
        self.phase = TRANSITIONS[self.phase, cause]
        if self.phase is Phase.OPEN:
            self._keep_now(self._spoken.opened(self.setup))
        self._records.append(StateRecord(self.setup.line, self.setup.part(PHASE_PART), self.phase.value.encode()))
        self._events.append(PhaseChanged(self.phase.value))

    def _keep_now(self, record: StateRecord | None) -> None:
        if record is not None:
            self._urgent = True
            self._records.append(record)

    def _stop(self, cause: Cause, error: PeerError, moment: Moment) -> None:
        if self.phase is Phase.STOPPED:
            return
        self._alarm(error, moment)
        self._move(cause)
        self.statuses.at_once(moment)
        self._urgent = True

    def halt(self, rollback: Rollback, moment: Moment) -> None:
        """Stop before the first word: something beside the journal proves that this home is an old copy (rule 32)."""
        self._stop(Cause.OWN_ROLLBACK, rollback, moment)

    def report(self, error: PeerError, moment: Moment) -> None:
        """Alarm people of what a third party showed; the line goes on."""
        self._alarm(error, moment)

    def _alarm(self, error: PeerError, moment: Moment) -> None:
        record, told = self._alarms.sound(error, moment)
        if record is not None:
            self._urgent = True
            self._records.append(record)
        if told is not None:
            self._events.append(told)

    def _refuse(self, rule: int, moment: Moment) -> None:
        if moment.running - self._refused_at >= REFUSAL_SECONDS:
            self._refused_at = moment.running
            self._items.append(Refusal(rule, self.setup.pair.theirs, self.incoming.edge.size))

    def _seal(self, items: Sequence[Item], moment: Moment) -> bytes:
        return self._keys.seal(items, moment.random(12), padded=self._padded)
