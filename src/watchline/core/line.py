"""One line's state machine: what each side of a line must do with what it hears, says, and when time passes.

The line is in one of three phases, and `TRANSITIONS` is the whole of how it moves between them:

    opening   the process has just started from its journal. The line says how far its logs go, gives receipts, and sends no
              entry before a status that answers its own nonce has shown that this is no restored backup
    open      entries flow both ways
    stopped   a fork or a rollback waits for people. Nothing but status is sent, nothing is taken into custody

The rules do not know which desk is ours: both run this file. A turn gathers everything that happened since the last one;
`turn` closes it and gives its `Effects`, which the desk commits in one transaction before it sends a frame. If that commit
fails, the process ends: memory is never ahead of the disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from watchline.core.certificate import choose_certificate, parse_certificate
from watchline.core.clocks import ACKNOWLEDGE, OpenNotice, OpenNotices
from watchline.core.encoding import encode
from watchline.core.entries import Body, EntryType, Leaf, Notice, Response
from watchline.core.frames import (
    Entries,
    FrameKey,
    FullEntry,
    Item,
    OfferedCertificate,
    Probe,
    Receipt,
    Refusal,
    ShownCheckpoint,
    Stated,
    UnknownItem,
)
from watchline.core.incoming import STATE_PART as INCOMING_PART
from watchline.core.incoming import Incoming
from watchline.core.limits import FRAME_ENTRIES_MAX, OPEN_LISTED_MAX, PREKEYS_LOW
from watchline.core.outgoing import STATE_PART as OUTGOING_PART
from watchline.core.outgoing import Draft, Outgoing
from watchline.core.records import AlarmRecord, CertificateRecord, EntryRecord, Record, StateRecord, StatementRecord
from watchline.core.setting import (
    AlarmRaised,
    Effects,
    EntryArrived,
    Event,
    LineSetup,
    Moment,
    PhaseChanged,
    ProbeAnswered,
    Reader,
    ReceiptArrived,
    RoutesArrived,
    StatusArrived,
)
from watchline.core.statements import (
    OpenItem,
    Statement,
    StatementType,
    Status,
    read_prekeys,
    read_routes,
    read_status,
    sign_statement,
    verify_statement,
)
from watchline.errors import BadSignature, Contradiction, Fork, Malformed, PeerError, Rollback, UsageError

PHASE_PART = "phase"
STATUS_SOON_SECONDS = 1.0  # a status follows a new entry or receipt within this time
NONCES_KEPT = 64  # statuses of ours that an answer may still echo
STATUSES_PER_TURN = 4  # an authenticated flood costs no more than this many signature checks a turn
EPOCH_SPACING_SECONDS = 1.0


class Phase(Enum):
    """Where the line's machine stands."""

    OPENING = "opening"
    OPEN = "open"
    STOPPED = "stopped"


class Cause(Enum):
    """What moves it."""

    BEGUN = "a new pair of incarnations begins: there is nothing that could have been restored"
    AGREED = "a fresh status of the peer shows no more of our log than we hold"
    UNPROVEN = "the peer said that it holds more of our log, and could not show our signature"
    OWN_ROLLBACK = "the peer showed our own signature on a log that ours is not"
    PEER_ROLLBACK = "a fresh status shows less than the peer had signed before"
    FORK = "the peer's log key signed two things that no one log can hold"
    BROKEN_ENTRY = "the peer signed an entry that breaks a rule"


TRANSITIONS: dict[tuple[Phase, Cause], Phase] = {
    (Phase.OPENING, Cause.BEGUN): Phase.OPEN,
    (Phase.OPENING, Cause.AGREED): Phase.OPEN,
    (Phase.OPENING, Cause.UNPROVEN): Phase.OPEN,
    (Phase.OPENING, Cause.OWN_ROLLBACK): Phase.STOPPED,
    (Phase.OPENING, Cause.PEER_ROLLBACK): Phase.STOPPED,
    (Phase.OPENING, Cause.FORK): Phase.STOPPED,
    (Phase.OPENING, Cause.BROKEN_ENTRY): Phase.STOPPED,
    (Phase.OPEN, Cause.OWN_ROLLBACK): Phase.STOPPED,
    (Phase.OPEN, Cause.PEER_ROLLBACK): Phase.STOPPED,
    (Phase.OPEN, Cause.FORK): Phase.STOPPED,
    (Phase.OPEN, Cause.BROKEN_ENTRY): Phase.STOPPED,
}
"""Every other pair leaves the phase as it is."""


@dataclass(frozen=True, slots=True)
class _Made:
    """What the peer had signed before we made the nonce of one of our statuses, and how far we had sent.

    number: counts our statuses from 1. asked: we had asked the peer to show our own signature.
    """

    number: int
    peer_size: int
    received: int
    sent: int
    asked: bool


class Line:
    """One line, seen from one desk. Build it with `Line.begin` or `Line.restore`; then feed it, and close each turn."""

    def __init__(
        self, setup: LineSetup, reader: Reader, *, entries_per_checkpoint: int = FRAME_ENTRIES_MAX, padded: bool = True
    ) -> None:
        self.setup = setup
        self._reader = reader
        self._padded = padded
        own, peer = setup.outer_keys()
        self._seal_key, self._open_key = FrameKey(own), FrameKey(peer)
        self.outgoing = Outgoing(setup, reader, entries_per_checkpoint=entries_per_checkpoint)
        self.incoming = Incoming(setup, reader)
        self.phase = Phase.OPENING
        self.reachable = False
        self.peer_status: Status | None = None
        self.peer_status_at: float | None = None
        self.rung = 0
        self.watch = (0, 0, 0)
        self.junk = 0
        self._ours_open = OpenNotices()
        self._theirs_open = OpenNotices()
        self._made: dict[bytes, _Made] = {}
        self._peer_nonce: bytes | None = None
        self._kept_sizes = (-1, -1)
        self._status_due: float | None = None
        self._status_at = 0.0
        self._next_epoch_at = 0.0
        self._statuses_made = 0
        self._freshest = 0
        self._prekeys_issued = 0
        self._prompted = False
        self._asked_show: int | None = None
        self._probes: dict[int, float] = {}
        self._last_alarm = ""
        self._statuses_left = STATUSES_PER_TURN
        self._records: list[Record] = []
        self._items: list[Item] = []
        self._events: deque[Event] = deque()
        self._urgent = False

    # --- life

    @classmethod
    def begin(
        cls,
        setup: LineSetup,
        reader: Reader,
        moment: Moment,
        *,
        entries_per_checkpoint: int = FRAME_ENTRIES_MAX,
        padded: bool = True,
    ) -> Line:
        """Begin a new pair of incarnations; its first records are in the first turn."""
        line = cls(setup, reader, entries_per_checkpoint=entries_per_checkpoint, padded=padded)
        line.outgoing.begin(moment, line.incoming.edge)
        line._move(Cause.BEGUN)
        line._status_due = moment.running
        return line

    @classmethod
    def restore(
        cls,
        setup: LineSetup,
        reader: Reader,
        moment: Moment,
        *,
        entries_per_checkpoint: int = FRAME_ENTRIES_MAX,
        padded: bool = True,
    ) -> Line:
        """Take up a line from its journal; both logs are recomputed whole and compared with what was committed.

        Raises RuntimeError on a mismatch: the journal's file was changed under us, and the process must end.
        """
        line = cls(setup, reader, entries_per_checkpoint=entries_per_checkpoint, padded=padded)
        outgoing, incoming = reader.state(setup.line, OUTGOING_PART), reader.state(setup.line, INCOMING_PART)
        if outgoing is None:
            raise RuntimeError("a line without state in the journal cannot be restored")
        line.outgoing.restore(outgoing, reader.leaves(setup.outgoing_log, 0, reader.size(setup.outgoing_log)))
        if incoming is not None:
            line.incoming.restore(incoming, reader.leaves(setup.incoming_log, 0, reader.size(setup.incoming_log)))
        if reader.state(setup.line, PHASE_PART) == Phase.STOPPED.value.encode():
            line.phase = Phase.STOPPED
        line._restore_clocks(moment)
        line._status_due = moment.running
        return line

    def _restore_clocks(self, moment: Moment) -> None:
        """Find the notices that are open. Leaves say which entries refer to which, so few bodies need to be opened."""
        logs = {True: self.setup.outgoing_log, False: self.setup.incoming_log}
        leaves = {own: list(self._reader.leaves(log, 0, self._reader.size(log))) for own, log in logs.items()}
        closers: dict[tuple[bool, int], list[tuple[bool, int]]] = {}
        for own, listed in leaves.items():
            for index, (_, kind, re) in enumerate(listed):
                if re is not None:
                    closers.setdefault((own if kind == EntryType.CANCEL else not own, re), []).append((own, index))
        for own, listed in leaves.items():
            for index, (_, kind, _) in enumerate(listed):
                if kind == EntryType.NOTICE:
                    self._restore_clock(own, index, closers.get((own, index), []), moment)

    def _restore_clock(self, own: bool, index: int, closers: list[tuple[bool, int]], moment: Moment) -> None:
        """Note one notice and what refers to it, unless both its clocks are closed for good."""
        referring = [(side, self._stored(side, at)) for side, at in closers]
        if any(record.released and record.type != EntryType.ACKNOWLEDGE for _, record in referring):
            return
        self._note_entry(self._stored(own, index), own=own, moment=moment)
        for side, record in referring:
            self._note_entry(record, own=side, moment=moment)

    def _stored(self, own: bool, index: int) -> EntryRecord:
        record = self._reader.entry(self.setup.outgoing_log if own else self.setup.incoming_log, index)
        if record is None:
            raise RuntimeError("an entry is missing from the journal")
        return record

    # --- what the desk says

    def compose(self, draft: Draft, moment: Moment) -> EntryRecord:
        """Append an entry to our log; it is durable, and may be shown, once this turn has been committed.

        Raises UsageError on a stopped line: nothing is added to a log that people must look at first.
        """
        if self.phase is Phase.STOPPED:
            raise UsageError("the line is stopped: a fork or a rollback waits for people", hint="see `watchline status`")
        record = self.outgoing.compose(draft, moment, self.incoming.edge)
        self._note_entry(record, own=True, moment=moment)
        self._status_soon(moment)
        return record

    def announce_routes(self, routes: Sequence[tuple[str, str]], moment: Moment) -> None:
        """Tell the peer, signed, under which addresses it reaches us from now on."""
        values = (moment.wall, [list(route) for route in routes])
        self._items.append(self._signed(StatementType.ROUTES, values).stated())

    def connected(self, moment: Moment) -> None:
        """A route carries again: say where we stand, and send again what has no receipt."""
        self.reachable = True
        self._prompted = False
        self._status_due = moment.running
        if self.phase is Phase.OPEN:
            self.outgoing.restart_sending(0, moment)

    def disconnected(self) -> None:
        """No route carries; what is composed waits in the journal."""
        self.reachable = False

    def probe(self, moment: Moment) -> bytes:
        """A frame that the peer answers at once: measures a route."""
        nonce = int.from_bytes(moment.random(6), "big")
        self._probes = {nonce: moment.running, **dict(list(self._probes.items())[:15])}
        return self._seal([Probe(nonce, None, 0)], moment)

    def tick(self, moment: Moment) -> None:
        """Let time pass: statuses, repeats and epochs that are due."""
        if self.phase is Phase.OPEN:
            if self.reachable:
                self.outgoing.resend_if_due(moment)
            if moment.running >= self._next_epoch_at and self.outgoing.epoch_due(moment):
                self.outgoing.prepare_epoch(moment)
                self._next_epoch_at = moment.running + EPOCH_SPACING_SECONDS
                self._urgent = True
        if self._status_due is None and moment.running >= self._status_at + self.setup.terms.status_interval_seconds:
            self._status_due = moment.running

    def next_tick_at(self, moment: Moment) -> float:
        """When `tick` has something to do, in seconds of the running clock."""
        due = [self._status_at + self.setup.terms.status_interval_seconds]
        if self._status_due is not None:
            due.append(self._status_due)
        if self.phase is Phase.OPEN and self.reachable and self.outgoing.resend_at is not None:
            due.append(self.outgoing.resend_at)
        if self.phase is Phase.OPEN and self.outgoing.epoch_due(moment):
            due.append(self._next_epoch_at)
        return min(due)

    @property
    def unacknowledged(self) -> int:
        """How many notices of the peer wait for a person at this desk."""
        running = self._theirs_open.open_at(self.incoming.edge.size, self.outgoing.edge.size)
        return sum(kind == ACKNOWLEDGE for _, kind, _ in running)

    # --- what the peer says

    def receive(self, frame: bytes, moment: Moment) -> None:
        """Take one frame from any route. Nothing it may hold raises: it is taken, dropped and counted, or stops the line."""
        try:
            items = self._open_key.open(frame)
        except PeerError as error:
            self.junk += 1
            if error.rule == 37:
                self._refuse(37)
            return
        for item in items:
            try:
                self._receive_item(item, moment)
            except Fork as fork:
                self._stop(Cause.FORK, fork, moment)
            except Rollback as rollback:
                self._stop(Cause.PEER_ROLLBACK, rollback, moment)
            except Contradiction as contradiction:
                self._alarm(contradiction, moment)
            except PeerError as error:
                if error.evidence:
                    self._stop(Cause.BROKEN_ENTRY, error, moment)
                    self._refuse(error.rule)
                else:
                    self.junk += 1

    def _receive_item(self, item: Item, moment: Moment) -> None:
        if self.phase is Phase.STOPPED and isinstance(item, Entries | FullEntry | Receipt):
            return
        if isinstance(item, Entries):
            self._receive_entries(item, moment)
        elif isinstance(item, Receipt):
            self._receive_receipt(item, moment)
        elif isinstance(item, Stated):
            self._receive_statement(item, moment)
        elif isinstance(item, FullEntry):
            taken, contradiction = self.incoming.receive_full(item, self.outgoing, moment)
            self._take(taken, moment)
            if contradiction is not None:
                self._ask_show(self.outgoing.edge.size + 1)
                self._alarm(Contradiction(contradiction, rule=26), moment)
        elif isinstance(item, Refusal):
            self._receive_request(item, moment)
        elif isinstance(item, ShownCheckpoint):
            self._receive_shown(item, moment)
        elif isinstance(item, OfferedCertificate):
            self._receive_certificate(item)
        elif isinstance(item, Probe):
            self._receive_probe(item, moment)
        elif isinstance(item, UnknownItem):
            self.junk += 1

    def _receive_entries(self, item: Entries, moment: Moment) -> None:
        if (item.inc, item.peer_inc) != (self.setup.pair.theirs, self.setup.pair.ours):
            self.junk += 1
            return
        self._take(self.incoming.receive(item, self.outgoing, moment), moment)

    def _take(self, taken: list[EntryRecord], moment: Moment) -> None:
        for record in taken:
            self._note_entry(record, own=False, moment=moment)
            self._events.append(EntryArrived(record))
        if taken:
            self._status_soon(moment)

    def _receive_receipt(self, item: Receipt, moment: Moment) -> None:
        if (item.inc, item.peer_inc) != (self.setup.pair.theirs, self.setup.pair.ours):
            self.junk += 1
            return
        record = self.outgoing.accept_receipt(item, moment)
        if record is not None:
            self._events.append(ReceiptArrived(record.size, record.time))

    def _receive_statement(self, item: Stated, moment: Moment) -> None:
        if self._statuses_left <= 0:
            self.junk += 1
            return
        self._statuses_left -= 1
        key = self.setup.peer_certificate.certificate.public.statement
        statement = verify_statement(item, self.setup.incoming, key)
        if statement.type is StatementType.STATUS:
            self._receive_status(statement, moment)
        elif statement.type is StatementType.ROUTES:
            time, routes = read_routes(statement)
            self._events.append(RoutesArrived(time, routes))
        elif self.phase is Phase.STOPPED:
            return
        elif statement.type is StatementType.EPOCH:
            if self.incoming.accept_epoch(statement):
                self._urgent = True
                self._status_due = moment.running
        elif statement.type is StatementType.PREKEYS:
            self._urgent = self.outgoing.keep_prekeys(read_prekeys(statement)) or self._urgent

    # --- status

    def _receive_status(self, statement: Statement, moment: Moment) -> None:
        status = read_status(statement)
        made = self._made.get(status.echo) if status.echo is not None else None
        self.incoming.expect(status.size, status.root)
        if made is not None:
            self._judge_fresh(statement, status, made)
        self._judge_our_log(status, made, moment)
        if made is None and not self._prompted:
            self._prompted = True
            self._status_due = moment.running
        if self._is_newer(status, made):
            self.peer_status, self._peer_nonce = status, status.nonce
            self._keep_status(statement, status, fresh=made is not None)
            if made is not None:
                self.peer_status_at, self._freshest = moment.running, made.number
            self._judge_open(status)
        if self.phase is Phase.STOPPED:
            return
        self.outgoing.epoch_held(status.epoch_held)
        if made is not None:
            self._answer_status(status, made, moment)

    def _is_newer(self, status: Status, made: _Made | None) -> bool:
        """Whether a status says more than the last one kept: relays may hold statuses back and repeat them."""
        last = self.peer_status
        if last is None:
            return True
        if made is not None:
            return made.number > self._freshest or (made.number == self._freshest and status.nonce != last.nonce)
        grown = status.size >= last.size and status.held_size >= last.held_size
        return grown and status.time >= last.time and status.nonce != last.nonce

    def _judge_fresh(self, statement: Statement, status: Status, made: _Made) -> None:
        """A status that echoes our nonce must show at least what the peer had signed before we made it (rule 26)."""
        if status.size >= made.peer_size and status.held_size >= made.received:
            return
        rollback = Rollback(
            "the peer's node was set back: its fresh status shows less than it had signed before",
            rule=26,
            hint="call the other desk; a restored node begins a new incarnation",
            peer_size=status.size,
            peer_size_signed_before=made.peer_size,
            held_of_ours=status.held_size,
            receipted_before=made.received,
        )
        rollback.evidence = encode([statement.payload, statement.ed, statement.ml, made.peer_size, made.received])
        raise rollback

    def _judge_our_log(self, status: Status, made: _Made | None, moment: Moment) -> None:
        """Compare what the peer says it holds of our log with our own (rule 26)."""
        own = self.outgoing
        agrees = status.held_size <= own.edge.size and own.root_at(status.held_size) == status.held_root
        if agrees:
            if made is not None:
                self._asked_show = None
                self._agreed(Cause.AGREED, moment)
            return
        if made is not None and made.asked and self._asked_show is not None:
            self._asked_show = None
            self._alarm(
                Contradiction("the peer claims a head of our log that it cannot show our signature on", rule=26), moment
            )
            self._agreed(Cause.UNPROVEN, moment)
        elif made is not None or self.phase is Phase.OPEN:
            self._ask_show(status.held_size)

    def _agreed(self, cause: Cause, moment: Moment) -> None:
        if self.phase is Phase.OPENING:
            self._move(cause)
            if self.reachable:
                self.outgoing.restart_sending(0, moment)

    def _ask_show(self, size: int) -> None:
        if self._asked_show is None:
            self._asked_show = size
            self._items.append(Refusal(26, self.setup.pair.ours, size))
            self._status_due = 0.0

    def _answer_status(self, status: Status, made: _Made, moment: Moment) -> None:
        """Give the peer what its fresh status shows it lacks: our certificate, entries, prekeys."""
        if status.peer_serial < self.setup.own_certificate.certificate.serial:
            self._items.append(OfferedCertificate(self.setup.own_certificate.encoded))
        if self.phase is not Phase.OPEN:
            return
        if status.held_size < min(made.sent, self.outgoing.committed):
            self.outgoing.restart_sending(status.held_size, moment)
        if status.prekeys_held <= PREKEYS_LOW and made.number > self._prekeys_issued:
            self.incoming.issue_prekeys(status.prekeys_held, moment)
            self._prekeys_issued = self._statuses_made
            self._urgent = True

    def _keep_status(self, statement: Statement, status: Status, *, fresh: bool) -> None:
        sizes = (status.size, status.held_size)
        keep = statement.ml is not None and sizes != self._kept_sizes
        if keep:
            self._kept_sizes = sizes
        record = StatementRecord(
            self.setup.line, self.setup.pair, False, StatementType.STATUS, status.time, status.held_size, status.size,
            statement.payload, statement.ed, statement.ml, keep,
        )  # fmt: skip
        self._records.append(record)
        self._events.append(StatusArrived(record, fresh))

    def _judge_open(self, status: Status) -> None:
        """Recompute from both logs which of our notices the peer must list as open (rule 25); raises Contradiction."""
        if status.size > self.incoming.edge.size or status.held_size > self.outgoing.edge.size:
            return
        expected = {
            (notice.index, kind): allowed for notice, kind, allowed in self._ours_open.open_at(status.held_size, status.size)
        }
        listed = {(item.index, item.kind): item.allowed for item in status.open}
        complete = len(listed) + status.left_out == len(expected) and (not status.left_out or len(listed) == OPEN_LISTED_MAX)
        if not complete or any(expected.get(key) != allowed for key, allowed in listed.items()):
            raise Contradiction("the peer's list of open notices is not what both logs show", rule=25, hint="call the peer")
        self._ours_open.forget_closed(status.held_size, status.size)

    def _make_status(self, moment: Moment) -> None:
        nonce = moment.random(16)
        open_items = [
            OpenItem(notice.index, kind, max(0, int(moment.running - notice.custody)), allowed)
            for notice, kind, allowed in self._theirs_open.open_at(self.incoming.edge.size, self.outgoing.edge.size)
        ]
        status = Status(
            moment.wall,
            self.outgoing.edge.size,
            self.outgoing.edge.root(),
            self.incoming.edge.size,
            self.incoming.edge.root(),
            self.incoming.epoch,
            len(self.outgoing.prekeys),
            self.setup.own_certificate.certificate.serial,
            self.setup.peer_certificate.certificate.serial,
            tuple(open_items[:OPEN_LISTED_MAX]),
            max(0, len(open_items) - OPEN_LISTED_MAX),
            self.rung,
            self.watch,
            nonce,
            self._peer_nonce,
        )
        statement = self._signed(StatementType.STATUS, status.values())
        self._statuses_made += 1
        self._made[nonce] = _Made(
            self._statuses_made,
            self.incoming.edge.size,
            self.outgoing.received,
            self.outgoing.sent,
            self._asked_show is not None,
        )
        while len(self._made) > NONCES_KEPT:
            del self._made[next(iter(self._made))]
        self._theirs_open.forget_closed(self.incoming.edge.size, self.outgoing.edge.size)
        self._status_due, self._status_at = None, moment.running
        self._items.append(statement.stated())

    def _signed(self, kind: StatementType, values: tuple[object, ...]) -> Statement:
        return sign_statement(kind, self.setup.outgoing, values, self.setup.own_keys.statement)

    def _status_soon(self, moment: Moment) -> None:
        if self._status_due is None:
            self._status_due = max(moment.running, self._status_at + STATUS_SOON_SECONDS)

    # --- requests, certificates, probes

    def _receive_request(self, item: Refusal, moment: Moment) -> None:
        if item.rule == 22 and item.inc == self.setup.pair.ours and self.phase is not Phase.STOPPED:
            full = self.outgoing.full_form(item.at)
            if full is not None:
                self._items.append(full)
        elif item.rule == 26 and item.inc == self.setup.pair.theirs:
            shown = self.incoming.shown(item.at)
            if shown is not None:
                self._items.append(shown)
        else:
            self._alarm(PeerError("the peer refused what this desk sent", rule=item.rule, hint="call the other desk"), moment)

    def _receive_shown(self, item: ShownCheckpoint, moment: Moment) -> None:
        """Our own checkpoint, shown back: either our log holds it, or this node was set back and must stop (rule 26)."""
        if (item.inc, item.peer_inc) != self.setup.pair:
            self.junk += 1
            return
        if not self.outgoing.was_rolled_back(item):
            return
        rollback = Rollback(
            "this node was set back: the peer holds a log under our own key that ours is not",
            rule=26,
            hint="this home is an old copy: begin a new incarnation before anything is sent",
            our_size=self.outgoing.edge.size,
            shown_size=item.size,
        )
        self._stop(Cause.OWN_ROLLBACK, rollback, moment)

    def _receive_certificate(self, item: OfferedCertificate) -> None:
        offered = parse_certificate(item.encoded, self.setup.peer_identity)
        chosen = choose_certificate(self.setup.peer_certificate, offered, self.setup.line)
        if chosen is self.setup.peer_certificate:
            return
        if chosen.certificate.inc != self.setup.pair.theirs:
            raise Contradiction("the peer offers a certificate of a new incarnation", rule=28, hint="call the other desk")
        self.setup = replace(self.setup, peer_certificate=chosen)
        self.outgoing.setup = self.incoming.setup = self.setup
        self._records.append(CertificateRecord(self.setup.line, False, chosen.certificate.serial, chosen.encoded))

    def _receive_probe(self, item: Probe, moment: Moment) -> None:
        if item.echo is not None:
            sent = self._probes.pop(item.echo, None)
            if sent is not None:
                self._events.append(ProbeAnswered(max(0.0, moment.running - sent - item.held_ms / 1000)))
        if item.nonce is not None:
            self._items.append(Probe(None, item.nonce, 0))

    # --- clocks

    def _note_entry(self, record: EntryRecord, *, own: bool, moment: Moment) -> None:
        """Keep the clocks: a notice starts them; what refers to one closes them if people stand behind it (rules 7, 24)."""
        author, other = (self._ours_open, self._theirs_open) if own else (self._theirs_open, self._ours_open)
        if record.type == EntryType.NOTICE:
            notice = _read_notice(record.body)
            if notice is not None:
                acknowledge, answer = self.setup.terms.clocks_for(notice.form, notice.precedence)
                custody = moment.running - max(0, moment.wall - record.time)
                author.add(OpenNotice(record.index, notice.precedence, (acknowledge, answer), custody))
        if record.re is None or not record.released:
            return
        if record.type == EntryType.NOTICE:
            other.answer(record.re, record.index)
        elif record.type == EntryType.CANCEL:
            author.cancel(record.re, record.index)
        elif record.type in (EntryType.ACKNOWLEDGE, EntryType.DECLINE) and self._names_its_entry(record, own=own):
            close = other.acknowledge if record.type == EntryType.ACKNOWLEDGE else other.answer
            close(record.re, record.index)

    def _names_its_entry(self, record: EntryRecord, *, own: bool) -> bool:
        """Whether a signed acknowledgement or decline is about the very entry that its leaf refers to."""
        log = self.setup.incoming_log if own else self.setup.outgoing_log
        direction = self.setup.incoming if own else self.setup.outgoing
        assert record.re is not None
        try:
            response = Response.decode(Body.decode(record.body).content)
        except Malformed:
            return False
        meant = self._reader.entry(log, record.re)
        if meant is None:
            return False
        named = (response.type, response.inc, response.peer_inc, response.index, response.commitment)
        return named == (record.type, direction.inc, direction.peer_inc, record.re, Leaf.decode(meant.leaf).commitment)

    # --- phases, alarms, the turn

    def _move(self, cause: Cause) -> None:
        phase = TRANSITIONS.get((self.phase, cause), self.phase)
        if phase is not self.phase:
            self.phase = phase
            self._records.append(StateRecord(self.setup.line, PHASE_PART, phase.value.encode()))
            self._events.append(PhaseChanged(phase.value))

    def _stop(self, cause: Cause, error: PeerError, moment: Moment) -> None:
        self._alarm(error, moment)
        self._move(cause)
        self._status_due = moment.running
        self._urgent = True

    def _alarm(self, error: PeerError, moment: Moment) -> None:
        if error.message == self._last_alarm:
            return
        self._last_alarm = error.message
        self._urgent = True
        self._records.append(AlarmRecord(self.setup.line, moment.wall, error.kind, error.rule, error.message, error.evidence))
        self._events.append(AlarmRaised(error.kind, error.message))

    def _refuse(self, rule: int) -> None:
        if not any(isinstance(item, Refusal) and item.rule == rule for item in self._items):
            self._items.append(Refusal(rule, self.setup.pair.theirs, self.incoming.edge.size))

    def turn(self, moment: Moment) -> Effects:
        """Close the turn: everything since the last one, as one transaction to commit and the frames to send after it."""
        effects = Effects()
        if self.phase is Phase.OPEN and self.reachable:
            self.outgoing.pump()
        out_records, out_items, out_changed = self.outgoing.turn(moment)
        in_records, in_items, in_changed = self.incoming.turn(moment, receipts=self.phase is not Phase.STOPPED)
        if self._status_due is not None and moment.running >= self._status_due and self.reachable:
            self._make_status(moment)
        if self.phase is not Phase.OPEN:
            out_items = []
        effects.records = [*out_records, *in_records, *self._records]
        effects.events = list(self._events)
        effects.lazy = not (out_changed or in_changed or self._urgent)
        items = [*out_items, *in_items, *self._items]
        self._records, self._items, self._urgent = [], [], False
        self._events.clear()
        self._statuses_left = STATUSES_PER_TURN
        if self.reachable:
            effects.frames = [self._seal([item], moment) for item in items]
        return effects

    def _seal(self, items: Sequence[Item], moment: Moment) -> bytes:
        return self._seal_key.seal(items, moment.random(12), padded=self._padded)


def _read_notice(body: bytes) -> Notice | None:
    try:
        return Notice.decode(Body.decode(body).content)
    except (Malformed, BadSignature):
        return None
