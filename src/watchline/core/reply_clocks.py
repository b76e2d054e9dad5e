"""The reply clocks of one line, in both directions: which entries start them, which close them, and whether the peer's word
about them is true (rules 7, 24, 25).

An entry closes a clock only if people stand behind it, and only if its author had the notice when it wrote: nothing is
answered in advance. So both desks find the same from the same leaves, at any two sizes and after any restart.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

from watchline.core import shapes
from watchline.core.clocks import ACKNOWLEDGE, OpenNotice, OpenNotices, RunningClock
from watchline.core.encoding import decode, encode
from watchline.core.entries import HOLDING_REPLY, Body, EntryType, Leaf, Notice, Response
from watchline.core.limits import OPEN_LISTED_MAX
from watchline.core.records import EntryRecord, StateRecord
from watchline.core.setting import LineSetup, Moment, Reader, damaged
from watchline.core.statements import OpenItem, Status
from watchline.errors import Contradiction, Malformed

LeafAt = Callable[[bool, int], Leaf | None]
"""Gives the leaf at an index of our log (True) or the peer's (False); None if there is none."""

STATE_PART = "clocks"
FLOOR_STEP = 256  # entries; a restart opens at most about so many notices that are long closed

_Closing = Literal["acknowledge", "answer", "cancel"]


class ReplyClocks:
    """Which notices of both desks wait for a person, as both logs show it."""

    def __init__(self, setup: LineSetup, leaf_at: LeafAt, first_of: LeafAt) -> None:
        """first_of: the leaf of the entry that the one at this place was issued again of (rule 30); None if it is not, or if
        that leaf is not held.
        """
        self._setup = setup
        self._leaf_at = leaf_at
        self._first_of = first_of
        self._clocks_for = lru_cache(256)(setup.terms.clocks_for)
        self._ours = OpenNotices()
        self._theirs = OpenNotices()
        self._seen = {True: 0, False: 0}  # entries taken into account, of our log and of the peer's
        self._saved = {True: 0, False: 0}
        self._judged = (0, 0)  # sizes of our log and theirs; what was closed there is forgotten, so less is not judged again

    def note(self, record: EntryRecord, moment: Moment) -> None:
        """Take an entry of either log into account: a notice starts its clocks, and what refers to one may close them."""
        own = record.log.outgoing
        self._seen[own] = record.index + 1
        if record.type == EntryType.NOTICE:
            self._start(record, moment)
        self._close(record)

    def _close(self, record: EntryRecord) -> None:
        closing = self._closing(record)
        if closing is None or record.re is None:
            return
        own = record.log.outgoing
        notices = self._notices(own if closing == "cancel" else not own)
        close = {"acknowledge": notices.acknowledge, "answer": notices.answer, "cancel": notices.cancel}[closing]
        close(record.re, record.index)

    def _notices(self, own: bool) -> OpenNotices:
        return self._ours if own else self._theirs

    def _start(self, record: EntryRecord, moment: Moment) -> None:
        notice = _read_notice(record.body)
        if notice is None:
            return
        acknowledge, answer = self._clocks_for(notice.form, notice.precedence)
        if acknowledge is None and answer is None:
            return
        custody = moment.running - max(0, moment.wall - record.time)
        self._notices(record.log.outgoing).add(OpenNotice(record.index, notice.precedence, (acknowledge, answer), custody))

    def _closing(self, record: EntryRecord) -> _Closing | None:
        """What an entry does to the notice it refers to; None if nothing, or if nobody with the right stands behind it."""
        if record.re is None or not record.released:
            return None
        if record.type == EntryType.CANCEL:
            return "cancel" if record.re < record.index else None
        if record.re >= Leaf.decode(record.leaf).peer_size:
            return None
        if record.type == EntryType.NOTICE:
            notice = _read_notice(record.body)
            return "acknowledge" if notice is not None and notice.form == HOLDING_REPLY else "answer"
        if record.type in (EntryType.ACKNOWLEDGE, EntryType.DECLINE) and self._names_its_entry(record, record.re):
            return "acknowledge" if record.type == EntryType.ACKNOWLEDGE else "answer"
        return None

    def _names_its_entry(self, record: EntryRecord, re: int) -> bool:
        """Whether a signed acknowledgement or decline is about the very entry that its leaf refers to."""
        try:
            response = Response.decode(Body.decode(record.body).content)
        except Malformed:
            return False
        place = not record.log.outgoing, re
        meant = self._leaf_at(*place)
        if meant is not None and (response.inc, response.peer_inc) != (meant.direction.inc, meant.direction.peer_inc):
            meant = self._first_of(*place)
        return meant is not None and response.names(record.type, meant)

    # --- after a restart

    def restore(self, reader: Reader, moment: Moment, spoken: int | None = None) -> None:
        """Find what is open. Leaves say which entries refer to which, so few bodies need to be opened.

        spoken: the size of our log that our next status may name, None for all of it: what only later entries of ours close is
        still open there, and must be listed.
        """
        logs = {True: self._setup.outgoing_log, False: self._setup.incoming_log}
        self._restore_floors(reader)
        notices: list[tuple[bool, int]] = []
        closers: dict[tuple[bool, int], list[tuple[bool, int]]] = {}
        for own, log in logs.items():
            for index, (_, kind, re) in enumerate(reader.leaves(log, 0, reader.size(log))):
                if kind == EntryType.NOTICE and index >= self._saved[own]:
                    notices.append((own, index))
                if re is not None:
                    closers.setdefault((own if kind == EntryType.CANCEL else not own, re), []).append((own, index))

        def stored(own: bool, index: int) -> EntryRecord:
            record = reader.entry(logs[own], index)
            if record is None:
                raise damaged("an entry is missing")
            return record

        def is_unspoken(record: EntryRecord) -> bool:
            return spoken is not None and record.log.outgoing and record.index >= spoken

        for place in notices:
            referring = [stored(*closer) for closer in closers.get(place, [])]
            if any(self._closing(record) in ("answer", "cancel") and not is_unspoken(record) for record in referring):
                continue
            self.note(stored(*place), moment)
            for record in referring:
                self._close(record)  # not `note`: one that is a notice itself would be started anew, and stand open again
        self._seen = {own: reader.size(log) for own, log in logs.items()}
        self._judged = self._seen[True], self._seen[False]

    def _restore_floors(self, reader: Reader) -> None:
        blob = reader.state(self._setup.line, self._setup.part(STATE_PART))
        if blob is not None:
            ours, theirs = shapes.array(decode(blob), "clocks", length=2)
            self._saved = {True: ours, False: theirs}

    def progress(self) -> StateRecord | None:
        """Where a restart has to begin looking for open notices, whenever that has moved on by some; None while it has not."""
        floors = {own: self._notices(own).lowest(self._seen[own]) for own in (True, False)}
        if all(floor < self._saved[own] + FLOOR_STEP for own, floor in floors.items()):
            return None
        self._saved = floors
        return StateRecord(self._setup.line, self._setup.part(STATE_PART), encode([floors[True], floors[False]]))

    # --- statuses

    def listed(self, our_size: int, their_size: int, moment: Moment) -> tuple[tuple[OpenItem, ...], int]:
        """(open, left out) for a status of ours at these sizes; later ones speak of no smaller sizes."""
        running = self.running(False, our_size, their_size, moment)
        items = tuple(OpenItem(clock.index, clock.kind, clock.seconds, clock.allowed) for clock in running[:OPEN_LISTED_MAX])
        self._theirs.forget_closed(their_size, our_size)
        return items, len(running) - len(items)

    def running(self, own: bool, our_size: int, their_size: int, moment: Moment) -> list[RunningClock]:
        """The clocks that run at these sizes, of our notices (own) or the peer's: highest precedence first, then oldest."""
        author_size, closer_size = (our_size, their_size) if own else (their_size, our_size)
        return [
            RunningClock(notice.index, notice.precedence, kind, max(0, int(moment.running - notice.custody)), allowed)
            for notice, kind, allowed in self._notices(own).open_at(author_size, closer_size)
        ]

    def open_of_ours(self, our_size: int, their_size: int) -> list[int]:
        """The indexes of our own notices that have an open clock at these sizes, ascending."""
        return sorted({notice.index for notice, _, _ in self._ours.open_at(our_size, their_size)})

    def unacknowledged(self, our_size: int, their_size: int) -> int:
        """How many notices of the peer wait for a person at this desk."""
        return sum(kind == ACKNOWLEDGE for _, kind, _ in self._theirs.open_at(their_size, our_size))

    def judge(self, status: Status, our_size: int, their_size: int) -> Contradiction | None:
        """Recompute which of our notices the peer must list as open; give what is wrong with its list, None if nothing is.

        our_size, their_size: of the logs as we hold them. A status about more, or about less than was judged before, waits
        for a later one: what closed its notices is not known yet, or is forgotten.
        """
        if not self._judged[0] <= status.held_size <= our_size or not self._judged[1] <= status.size <= their_size:
            return None
        running = self._ours.open_at(status.held_size, status.size)
        expected = {(notice.index, kind): allowed for notice, kind, allowed in running}
        named = {(item.index, item.kind): item.allowed for item in status.open}
        whole = len(named) == len(status.open) == min(len(expected), OPEN_LISTED_MAX)
        counted = len(named) + status.left_out == len(expected)
        if not whole or not counted or any(expected.get(key) != allowed for key, allowed in named.items()):
            return Contradiction(
                "the peer's list of open notices is not what both logs show", rule=25, hint="call the other desk"
            )
        self._judged = status.held_size, status.size
        self._ours.forget_closed(status.held_size, status.size)
        return None


def _read_notice(body: bytes) -> Notice | None:
    try:
        return Notice.decode(Body.decode(body).content)
    except Malformed:
        return None
