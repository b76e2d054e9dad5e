"""The reply clocks of one line, in both directions: which entries start them, which close them, and whether the peer's word
about them is true (rules 7, 24, 25).

An entry closes a clock only if people signed it, and only if its author had the notice when it wrote: nothing is
answered in advance. So both desks find the same from the same leaves, at any two sizes and after any restart.

How long a clock has run is each desk's own count: of the peer's notices since they are in custody here, of ours since the
peer's receipt for them came. A clock that has run out is told once (`ClockRanOut`), and once more after a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Literal

from watchline.core import shapes
from watchline.core.clocks import ACKNOWLEDGE, KINDS, OpenNotice, OpenNotices, RunningClock
from watchline.core.encoding import Value, decode, encode
from watchline.core.entries import ESCALATION_REPORT, HOLDING_REPLY, EntryType, Leaf, Notice, Response
from watchline.core.limits import OPEN_LISTED_MAX
from watchline.core.records import EntryRecord, StateRecord
from watchline.core.setting import ClockRanOut, LineSetup, Moment, Reader, damaged
from watchline.core.statements import OpenItem, Status
from watchline.core.terms import Terms
from watchline.errors import Contradiction, Malformed

LeafAt = Callable[[bool, int], Leaf | None]
"""Gives the leaf at an index of our log (True) or the peer's (False); None if there is none."""

TermsAt = Callable[[EntryRecord], Terms]
"""Gives the terms in force at the place of an entry."""

STATE_PART = "clocks"
FLOOR_STEP = 256  # entries; a restart opens at most about so many notices that are long closed
DECLINE_FORM = "decline"
PROMISED_FIELD = 2  # of a holding reply: the time by which an answer is promised
PATIENCE_INTERVALS = 2  # so long after a clock ran out here, a status that says otherwise no longer counts
ASK_AGAIN_SECONDS = 1.0

_Closing = Literal["acknowledge", "answer", "cancel"]
# What a notice closes of the one that it refers to, by its form, where that is not an answer.
_CLOSED_BY: Mapping[str, _Closing | None] = {HOLDING_REPLY: "acknowledge", ESCALATION_REPORT: None}


class ReplyClocks:
    """Which notices of both desks wait for a person, as both logs show it.

    declined: (index, time of custody here) of our newest notice under a clock, if the peer's people declined it; else None.
    """

    def __init__(self, setup: LineSetup, leaf_at: LeafAt, first_of: LeafAt, terms_at: TermsAt) -> None:
        """first_of: the leaf of the entry that the one at this place was issued again of (rule 30); None if it is not, or if
        that leaf is not held. `settled`: whether the terms that the pair begins with are known, as they are once the peer's
        entry 0 is here.
        """
        self._setup = setup
        self._leaf_at = leaf_at
        self._first_of = first_of
        self._terms_at = terms_at
        self.settled = True
        self._unsettled: list[Callable[[], None]] = []
        self._ours = OpenNotices()
        self._theirs = OpenNotices()
        self._seen = {True: 0, False: 0}  # entries taken into account, of our log and of the peer's
        self._saved = {True: 0, False: 0}
        self._listed: dict[tuple[int, int], OpenItem] = {}
        self.interval_seconds = setup.terms.status_interval_seconds  # of the terms in force, as the line keeps it
        self._listed_until = 0.0
        self._is_news = False
        self.declined: tuple[int, int] | None = None
        self._saved_declined: tuple[int, int] | None = None
        self._newest = -1  # of our notices under a clock
        self._judged = (0, 0)  # sizes of our log and theirs; what was closed there is forgotten, so less is not judged again

    def note(self, record: EntryRecord, moment: Moment) -> None:
        """Take an entry of either log into account: a notice starts its clocks, and what refers to one may close them."""
        own = record.log.outgoing
        self._seen[own] = record.index + 1
        if record.type == EntryType.NOTICE:
            self._start(record, None if own else _since(record.time, moment))
        self._close(record, moment)

    def received(self, size: int, moment: Moment) -> None:
        """A receipt of the peer came for every entry of ours below this size: the clocks of its notices begin."""
        if not self.settled:
            self._unsettled.append(partial(self.received, size, moment))
        self._ours.receive(size, moment.running)

    def settle(self) -> None:
        """The terms that the pair begins with are known now: judge by them what was said before, all of it ours."""
        if self.settled:
            return
        self.settled, self._ours = True, OpenNotices()
        for judge_again in self._unsettled:
            judge_again()
        self._unsettled.clear()

    def _close(self, record: EntryRecord, moment: Moment) -> None:
        if not self.settled:
            self._unsettled.append(partial(self._close, record, moment))
        closing = self._closing(record)
        if closing is None or record.re is None:
            return
        own = record.log.outgoing
        notices = self._notices(own if closing == "cancel" else not own)
        close = {"acknowledge": notices.acknowledge, "answer": notices.answer, "cancel": notices.cancel}[closing]
        close(record.re, record.index)
        if closing == "answer" and not own and record.re == self._newest and _declines(record):
            self.declined = record.re, record.time
        notice = _read_notice(record) if record.type == EntryType.NOTICE else None
        promised = None if notice is None else promised_seconds(Leaf.decode(record.leaf), notice)
        if promised is not None:
            notices.hold(record.re, record.index, _since(record.time, moment), promised)

    def _notices(self, own: bool) -> OpenNotices:
        return self._ours if own else self._theirs

    def _start(self, record: EntryRecord, custody: float | None) -> None:
        if not self.settled:
            self._unsettled.append(partial(self._start, record, custody))
        notice = _read_notice(record)
        if notice is None:
            return
        acknowledge, answer = self._terms_at(record).clocks_for(notice.form, notice.precedence)
        if acknowledge is None and answer is None:
            return
        if record.log.outgoing:
            self._newest = record.index
            self.declined = None if self.declined is None or self.declined[0] < record.index else self.declined
        self._notices(record.log.outgoing).add(OpenNotice(record.index, notice.precedence, (acknowledge, answer), custody))

    def _closing(self, record: EntryRecord) -> _Closing | None:
        """What an entry does to the notice it refers to; None if nothing, or if no people with the right signed it: what a
        machine may send alone closes nothing.
        """
        if record.re is None or not record.released or not record.read().assertions:
            return None
        if record.type == EntryType.CANCEL:
            return "cancel" if record.re < record.index else None
        if record.re >= Leaf.decode(record.leaf).peer_size:
            return None
        if record.type == EntryType.NOTICE:
            notice = _read_notice(record)
            return "answer" if notice is None else _CLOSED_BY.get(notice.form, "answer")
        if record.type in (EntryType.ACKNOWLEDGE, EntryType.DECLINE) and self._names_its_entry(record, record.re):
            return "acknowledge" if record.type == EntryType.ACKNOWLEDGE else "answer"
        return None

    def _names_its_entry(self, record: EntryRecord, re: int) -> bool:
        """Whether a signed acknowledgement or decline is about the very entry that its leaf refers to."""
        try:
            response = Response.decode(record.read().content)
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
        still open there, and must be listed. Clocks go on by the wall clock; those of our notices from the time in the peer's
        receipt, but never from before they were composed.
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
            notice = stored(*place)
            self._start(notice, self._custody(reader, notice, moment))
            for record in referring:
                self._close(record, moment)  # not `note`: a notice itself, it would be started anew, and stand open again
        self._seen = {own: reader.size(log) for own, log in logs.items()}
        self._judged = self._seen[True], self._seen[False]

    def _custody(self, reader: Reader, notice: EntryRecord, moment: Moment) -> float | None:
        if not notice.log.outgoing:
            return _since(notice.time, moment)
        receipt = reader.first_receipt_covering(notice.log, notice.index + 1)
        return None if receipt is None else _since(max(receipt.time, notice.time), moment)

    def _restore_floors(self, reader: Reader) -> None:
        blob = reader.state(self._setup.line, self._setup.part(STATE_PART))
        if blob is not None:
            ours, theirs, *declined = shapes.array(decode(blob), "clocks", at_most=3)
            self._saved = {True: ours, False: theirs}
            self.declined = self._saved_declined = (declined[0][0], declined[0][1]) if declined else None

    def progress(self) -> StateRecord | None:
        """Where a restart has to begin looking for open notices, whenever that has moved on by some, and what was declined
        last; None while nothing has changed.
        """
        grown = any(seen >= self._saved[own] + FLOOR_STEP for own, seen in self._seen.items())
        if not grown and self.declined == self._saved_declined:
            return None  # no floor is above what was seen
        floors = {own: self._notices(own).lowest(self._seen[own]) for own in (True, False)}
        moved = any(floor >= self._saved[own] + FLOOR_STEP for own, floor in floors.items())
        if not moved and self.declined == self._saved_declined:
            return None
        self._saved, self._saved_declined = floors, self.declined
        values: list[Value] = [floors[True], floors[False]]
        if self.declined is not None:
            values.append(list(self.declined))
        return StateRecord(self._setup.line, self._setup.part(STATE_PART), encode(values))

    # --- statuses

    def listed(self, our_size: int, their_size: int, moment: Moment) -> tuple[tuple[OpenItem, ...], int]:
        """(open, left out) for a status of ours at these sizes; later ones speak of no smaller sizes."""
        running = islice(self._running(False, our_size, their_size, moment), OPEN_LISTED_MAX)
        items = tuple(OpenItem(clock.index, clock.kind, clock.seconds, clock.allowed) for clock in running)
        left_out = sum(self._theirs.count_at(kind, their_size, our_size) for kind in KINDS) - len(items)
        self._theirs.forget_closed(their_size, our_size)
        return items, left_out

    def running(self, own: bool, our_size: int, their_size: int, moment: Moment) -> list[RunningClock]:
        """The clocks that run at these sizes, of our notices (own) or the peer's: highest precedence first, then oldest.

        A notice of ours that the peer has no receipt for is under no clock yet.
        """
        return list(self._running(own, our_size, their_size, moment))

    def _running(self, own: bool, our_size: int, their_size: int, moment: Moment) -> Iterator[RunningClock]:
        author_size, closer_size = (our_size, their_size) if own else (their_size, our_size)
        for notice, kind, allowed in self._notices(own).open_at(author_size, closer_size):
            begun = notice.begun(kind, closer_size)
            if begun is not None:
                yield _clock(notice, kind, allowed, begun, moment)

    def unreceived(self, our_size: int, their_size: int) -> Iterator[tuple[OpenNotice, int, int]]:
        """(notice, kind, allowed) of our notices, open at these sizes, that are under no clock as no receipt came for them."""
        return (each for each in self._ours.open_at(our_size, their_size) if each[0].custody is None)

    def of_notice(self, own: bool, index: int, our_size: int, their_size: int, moment: Moment) -> list[RunningClock]:
        """The clocks of one notice that run at these sizes."""
        author_size, closer_size = (our_size, their_size) if own else (their_size, our_size)
        notice = self._notices(own).get(index)
        if notice is None:
            return []
        running = (
            (kind, allowed, notice.begun(kind, closer_size))
            for kind, allowed in notice.clocks_open_at(author_size, closer_size)
        )
        return [_clock(notice, kind, allowed, begun, moment) for kind, allowed, begun in running if begun is not None]

    def is_running(self, own: bool, index: int, kind: int, our_size: int, their_size: int) -> bool:
        """Whether nobody has closed this clock, as both logs show it at these sizes."""
        author_size, closer_size = (our_size, their_size) if own else (their_size, our_size)
        return self._notices(own).allowed_at(index, kind, author_size, closer_size) is not None

    def all_received(self, size: int) -> bool:
        """Whether each notice of ours under a clock is below this size."""
        newest = self._ours.newest
        return newest is None or newest < size

    def open_of_ours(self, our_size: int, their_size: int) -> list[int]:
        """The indexes of our own notices that have an open clock at these sizes, ascending."""
        return sorted({notice.index for notice, _, _ in self._ours.open_at(our_size, their_size)})

    def open_of_theirs(self, our_size: int, their_size: int) -> list[int]:
        """The same of the peer's notices."""
        return sorted({notice.index for notice, _, _ in self._theirs.open_at(their_size, our_size)})

    def unacknowledged(self, our_size: int, their_size: int) -> int:
        """How many notices of the peer wait for a person at this desk."""
        return self._theirs.count_at(ACKNOWLEDGE, their_size, our_size)

    def judge(self, status: Status, our_size: int, their_size: int) -> Contradiction | None:
        """Recompute which of our notices the peer must list as open; give what is wrong with its list, None if nothing is.

        our_size, their_size: of the logs as we hold them. A status about more, or about less than was judged before, waits
        for a later one: what closed its notices is not known yet, or is forgotten. So does one by terms that are not known yet.
        """
        if not self.settled:
            return None
        if not self._judged[0] <= status.held_size <= our_size or not self._judged[1] <= status.size <= their_size:
            return None
        sizes = status.held_size, status.size
        expected = sum(self._ours.count_at(kind, *sizes) for kind in KINDS)
        named = {(item.index, item.kind): item.allowed for item in status.open}
        whole = len(named) == len(status.open) == min(expected, OPEN_LISTED_MAX)
        counted = len(named) + status.left_out == expected
        if not whole or not counted or any(self._ours.allowed_at(*key, *sizes) != named[key] for key in named):
            return Contradiction(
                "the peer's list of open notices is not what both logs show", rule=25, hint="call the other desk"
            )
        self._judged = status.held_size, status.size
        self._ours.forget_closed(status.held_size, status.size)
        return None

    # --- clocks that have run out

    @property
    def next_deadline(self) -> float | None:
        """When the next clock may run out, in seconds of the running clock; None if none can."""
        found = [at for at in (self._ours.next_deadline, self._theirs.next_deadline) if at is not None]
        return min(found, default=None)

    def hear(self, status: Status, moment: Moment) -> None:
        """Take what a fresh status of the peer says of our notices: it is the peer who says how long it has had them."""
        self._listed = {(item.index, item.kind): item for item in status.open}
        self._listed_until = moment.running + PATIENCE_INTERVALS * self.interval_seconds
        self._is_news = True

    def ran_out(self, our_size: int, their_size: int, moment: Moment) -> list[ClockRanOut]:
        """The clocks that have run out since this was asked last: each run of each clock once.

        Those of our notices by the peer's last fresh status, if it lists them and is no older than two intervals; else, and
        when the peer goes on saying otherwise, by our own clock. Those of the peer's notices by our own clock.
        """
        told = []
        for notice, kind, allowed in self._theirs.ran_out(their_size, our_size, moment.running):
            seconds = self._seconds(notice, kind, our_size, moment)
            self._theirs.tell(notice, kind)
            told.append(ClockRanOut(False, notice.index, notice.precedence, kind, max(seconds, allowed), allowed))
        for notice, kind, allowed in self._ours.ran_out(our_size, their_size, moment.running):
            seconds = self._seconds(notice, kind, their_size, moment)
            if self._says_otherwise(notice.index, kind, seconds - allowed, moment):
                self._ours.ask_again(notice, kind, moment.running + ASK_AGAIN_SECONDS)
            else:
                self._ours.tell(notice, kind)
                told.append(ClockRanOut(True, notice.index, notice.precedence, kind, max(seconds, allowed), allowed))
        return [*told, *self._said_by_peer(our_size, their_size)]

    def _said_by_peer(self, our_size: int, their_size: int) -> Iterator[ClockRanOut]:
        items, self._is_news = (self._listed.values() if self._is_news else ()), False
        for item in items:
            notice = self._ours.get(item.index)
            if notice is None or notice.told[item.kind] or item.seconds < item.allowed:
                continue
            if notice.allowed_at(item.kind, our_size, their_size) == item.allowed:
                self._ours.tell(notice, item.kind)
                yield ClockRanOut(True, item.index, notice.precedence, item.kind, item.seconds, item.allowed)

    def _says_otherwise(self, index: int, kind: int, over: int, moment: Moment) -> bool:
        """Whether the peer's word counts, and says that this clock of ours runs on. over: seconds since it ran out here."""
        item = self._listed.get((index, kind))
        patient = over < PATIENCE_INTERVALS * self.interval_seconds
        return item is not None and item.seconds < item.allowed and moment.running <= self._listed_until and patient

    def _seconds(self, notice: OpenNotice, kind: int, closer_size: int, moment: Moment) -> int:
        begun = notice.begun(kind, closer_size)
        return 0 if begun is None else int(moment.running - begun)


def _clock(notice: OpenNotice, kind: int, allowed: int, begun: float, moment: Moment) -> RunningClock:
    return RunningClock(notice.index, notice.precedence, kind, max(0, int(moment.running - begun)), allowed)


def _since(time: int, moment: Moment) -> float:
    """A time of our wall clock as one of the running clock."""
    return moment.running - max(0, moment.wall - time)


def _declines(record: EntryRecord) -> bool:
    """Whether an entry that closes both clocks says that there will be no answer."""
    notice = _read_notice(record) if record.type == EntryType.NOTICE else None
    return record.type == EntryType.DECLINE or (notice is not None and notice.form == DECLINE_FORM)


def promised_seconds(leaf: Leaf, notice: Notice) -> int | None:
    """Within how many seconds of its own time a holding reply promises an answer (rule 24); None for a form or a time that
    promises nothing. The answer clock then allows the lesser of these and the terms' seconds.
    """
    promised = notice.fields.get(PROMISED_FIELD) if notice.form == HOLDING_REPLY else None
    return promised - leaf.time if type(promised) is int and promised > leaf.time else None


def _read_notice(record: EntryRecord) -> Notice | None:
    try:
        return Notice.decode(record.read().content)
    except Malformed:
        return None
