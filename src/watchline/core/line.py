"""One line's state machine: what each side of a line must do with what it hears, says, and when time passes.

`phases` has the table of how it moves between opening, open and stopped. A turn gathers everything that happened since the
last one; `turn` closes it and gives its `Effects`, which the desk commits in one transaction before it sends a frame. If that
commit fails, the process ends: memory is never ahead of the disk.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from watchline.core.alarms import Alarms
from watchline.core.certificate import choose_certificate, parse_certificate
from watchline.core.encoding import Value, encode
from watchline.core.entries import Leaf
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
    bundled,
)
from watchline.core.freshness import Freshness, Made
from watchline.core.gate import StatementGate
from watchline.core.incoming import Incoming
from watchline.core.kept_statements import rollback_evidence, statement_evidence, statement_record, stored_statement
from watchline.core.limits import FRAME_ENTRIES_MAX, PREKEYS_LOW
from watchline.core.merkle import Edge
from watchline.core.outgoing import Draft, Outgoing
from watchline.core.phases import TRANSITIONS, Cause, Phase
from watchline.core.probes import Probes
from watchline.core.records import CertificateRecord, EntryRecord, Record, StateRecord
from watchline.core.reply_clocks import ReplyClocks
from watchline.core.setting import (
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
    Statement,
    StatementType,
    Status,
    read_prekeys,
    read_routes,
    read_status,
    sign_statement,
    verify_statement,
)
from watchline.errors import Contradiction, Fork, PeerError, Rollback, UsageError

__all__ = ["TRANSITIONS", "Cause", "Line", "Phase"]

PHASE_PART = "phase"
BATCH = FRAME_ENTRIES_MAX  # entries under one checkpoint signature, unless told otherwise
STATUS_SOON_SECONDS = 1.0  # a status follows a new entry or receipt within this time
OPENING_STATUS_SECONDS = 5.0  # while nothing can be sent before an answer, do not wait for the next regular one
EPOCH_SPACING_SECONDS = 1.0
REFUSAL_SECONDS = 1.0  # one refusal a second and line (rule 39)


class Line:
    """One line, seen from one desk. Build it with `Line.begin` or `Line.restore`; then feed it, and close each turn."""

    def __init__(self, setup: LineSetup, reader: Reader, *, entries_per_checkpoint: int = BATCH, padded: bool = True) -> None:
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
        self._clocks = ReplyClocks(setup, self._leaf_at)
        self._freshness = Freshness()
        self._gate = StatementGate(self.incoming, self.outgoing, self._freshness)
        self._kept_sizes = (-1, -1)
        self._unspoken_after: Edge | None = None  # while opening, what was composed since the start must not be said
        self._status_due: float | None = None
        self._status_at = -math.inf
        self._next_epoch_at = 0.0
        self._prekeys_issued = 0
        self._prompted = False
        self._asked_show: int | None = None
        self._showing: int | None = None
        self._routes: Statement | None = None
        self._probes = Probes()
        self._alarms = Alarms(setup.line)
        self._refused_at = -math.inf
        self._records: list[Record] = []
        self._items: list[Item] = []
        self._events: deque[Event] = deque()
        self._urgent = False

    # --- life

    @classmethod
    def begin(
        cls, setup: LineSetup, reader: Reader, moment: Moment, *, entries_per_checkpoint: int = BATCH, padded: bool = True
    ) -> Line:
        """Begin a new pair of incarnations; its first records are in the first turn.

        It opens as a restored line does: an empty log may also be a copy from before the first entry.
        """
        line = cls(setup, reader, entries_per_checkpoint=entries_per_checkpoint, padded=padded)
        line._unspoken_after = Edge.EMPTY
        line.outgoing.begin(moment, line.incoming.edge)
        line._status_due = moment.running
        return line

    @classmethod
    def restore(
        cls, setup: LineSetup, reader: Reader, moment: Moment, *, entries_per_checkpoint: int = BATCH, padded: bool = True
    ) -> Line:
        """Take up a line from its journal; both logs are recomputed whole and compared with what was committed.

        Raises JournalError on a mismatch: the journal's file was changed under us, and the process must end.
        """
        line = cls(setup, reader, entries_per_checkpoint=entries_per_checkpoint, padded=padded)
        line.outgoing.restore()
        line.incoming.restore()
        if reader.state(setup.line, PHASE_PART) == Phase.STOPPED.value.encode():
            line.phase = Phase.STOPPED
        line._unspoken_after = line.outgoing.edge
        line._clocks.restore(reader, moment)
        line._restore_statements()
        line._status_due = moment.running
        return line

    def _restore_statements(self) -> None:
        """Take up the peer's last status, which binds it for good, and both desks' last routes."""
        heard = stored_statement(self._reader, self.setup, StatementType.STATUS, ours=False)
        if heard is not None:
            self.peer_status = read_status(heard)
            self._bind(heard, self.peer_status)
            self._freshness.restore(self.peer_status)
        announced = stored_statement(self._reader, self.setup, StatementType.ROUTES, ours=False)
        if announced is not None:
            self._gate.peer_routes_time = read_routes(announced)[0]
        self._routes = stored_statement(self._reader, self.setup, StatementType.ROUTES, ours=True)

    def _leaf_at(self, outgoing: bool, index: int) -> Leaf | None:
        if not outgoing:
            return self.incoming.leaf_at(index)
        stored = next(self._reader.leaves(self.setup.outgoing_log, index, index + 1), None)
        return None if stored is None else Leaf.decode(stored[0])

    # --- what the desk says

    def compose(self, draft: Draft, moment: Moment) -> EntryRecord:
        """Append an entry to our log; it is durable, and may be shown, once this turn has been committed.

        Raises UsageError on a stopped line: nothing is added to a log that people must look at first.
        """
        if self.phase is Phase.STOPPED:
            raise UsageError("the line is stopped: a fork or a rollback waits for people", hint="see `watchline status`")
        record = self.outgoing.compose(draft, moment, self.incoming.edge)
        self._clocks.note(record, moment)
        self._status_soon(moment)
        return record

    def announce_routes(self, routes: Sequence[tuple[str, str]], moment: Moment) -> None:
        """Tell the peer, signed, under which addresses it reaches us from now on; told again at each connection.

        A clock that was set back does not make this older than the last one.
        """
        last = 0 if self._routes is None else read_routes(self._routes)[0]
        time = max(moment.wall, last + 1)
        self._routes = self._signed(StatementType.ROUTES, (time, [list(route) for route in routes]))
        self._records.append(statement_record(self.setup, self._routes, time, ours=True))
        self._urgent = True
        self._items.append(self._routes.stated())

    def take_setup(self, setup: LineSetup) -> None:
        """Go on with other certificates or rosters: the line, its pair of incarnations and its keys stay."""
        self.setup = self.outgoing.setup = self.incoming.setup = setup

    def connected(self, moment: Moment) -> None:
        """A route carries again: say where we stand, and send again what has no receipt."""
        self.reachable = True
        self._prompted = False
        self._status_due = moment.running
        if self._routes is not None:
            self._items.append(self._routes.stated())
        if self.phase is Phase.OPEN:
            self.outgoing.restart_sending(0, moment)

    def disconnected(self) -> None:
        """No route carries; what is composed waits in the journal."""
        self.reachable = False

    def probe(self, moment: Moment) -> bytes:
        """A frame that the peer answers at once: measures a route."""
        return self._seal([self._probes.ask(moment)], moment)

    def tick(self, moment: Moment) -> None:
        """Let time pass: statuses, repeats and epochs that are due. Without a route nothing is."""
        if not self.reachable:
            return
        if self.phase is Phase.OPEN:
            self.outgoing.resend_if_due(moment)
            if moment.running >= self._next_epoch_at and self.outgoing.epoch_due(moment):
                self.outgoing.prepare_epoch(moment)
                self._next_epoch_at = moment.running + EPOCH_SPACING_SECONDS
                self._urgent = True
        if self._status_due is None and moment.running >= self._next_status_at():
            self._status_due = moment.running
            self._prompted = False

    def next_tick_at(self, moment: Moment) -> float:
        """When `tick` and a turn after it have something to do, in seconds of the running clock."""
        if not self.reachable:
            return moment.running + self.setup.terms.status_interval_seconds
        due = [self._next_status_at() if self._status_due is None else self._status_due]
        if self.phase is Phase.OPEN:
            if self.outgoing.resend_at is not None:
                due.append(self.outgoing.resend_at)
            if self.outgoing.epoch_due(moment):
                due.append(self._next_epoch_at)
            if self.outgoing.has_more:
                due.append(moment.running)
        return min(due)

    def _next_status_at(self) -> float:
        interval = float(self.setup.terms.status_interval_seconds)
        return self._status_at + (min(interval, OPENING_STATUS_SECONDS) if self.phase is Phase.OPENING else interval)

    @property
    def unacknowledged(self) -> int:
        """How many notices of the peer wait for a person at this desk."""
        return self._clocks.unacknowledged(self.outgoing.edge.size, self.incoming.edge.size)

    # --- what the peer says

    def receive(self, frame: bytes, moment: Moment) -> None:
        """Take one frame from any route. Nothing it may hold raises: it is taken, dropped and counted, or stops the line."""
        try:
            items = self._open_key.open(frame)
        except PeerError as error:
            self.junk += 1
            if error.rule == 37:
                self._refuse(37, moment)
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
                    self._refuse(error.rule, moment)
                else:
                    self.junk += 1

    def _receive_item(self, item: Item, moment: Moment) -> None:
        if self.phase is Phase.STOPPED and isinstance(item, Entries | FullEntry | Receipt):
            return
        if isinstance(item, Entries | Receipt) and (item.inc, item.peer_inc) != self.setup.pair[::-1]:
            self.junk += 1
            return
        if isinstance(item, Entries):
            self._receive_entries(item, moment)
        elif isinstance(item, Receipt):
            self._receive_receipt(item, moment)
        elif isinstance(item, Stated):
            self._receive_statement(item, moment)
        elif isinstance(item, FullEntry):
            self._receive_full(item, moment)
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
        self._take(self.incoming.receive(item, self.outgoing, moment), moment)
        self._take_early(moment)

    def _receive_full(self, item: FullEntry, moment: Moment) -> None:
        taken, unknown_root_at = self.incoming.receive_full(item, self.outgoing, moment)
        self._take(taken, moment)
        if unknown_root_at is not None:
            self._ask_show(unknown_root_at, moment)
            contradiction = Contradiction("an entry of the peer names a head of our log that we do not have", rule=26)
            contradiction.evidence = encode([item.leaf, item.root, item.signature])
            self._alarm(contradiction, moment)
        self._take_early(moment)

    def _take_early(self, moment: Moment) -> None:
        """What arrived before its turn follows now, each item by itself: one that is broken takes none of the others along."""
        while (early := self.incoming.next_early()) is not None:
            self._take(self.incoming.receive(early, self.outgoing, moment), moment)

    def _take(self, taken: list[EntryRecord], moment: Moment) -> None:
        if self.incoming.setup is not self.setup:
            self.take_setup(self.incoming.setup)
        for record in taken:
            self._clocks.note(record, moment)
            self._events.append(EntryArrived(record))
        if taken:
            self._status_soon(moment)

    def _receive_receipt(self, item: Receipt, moment: Moment) -> None:
        record = self.outgoing.accept_receipt(item, moment)
        if record is not None:
            self._events.append(ReceiptArrived(record.size, record.time))

    def _receive_statement(self, item: Stated, moment: Moment) -> None:
        if not self._gate.admits(item):
            return
        statement = verify_statement(item, self.setup.incoming, self.setup.peer_certificate.certificate.public.statement)
        if statement.type is StatementType.STATUS:
            self._receive_status(statement, moment)
        elif statement.type is StatementType.ROUTES:
            self._receive_routes(statement)
        elif self.phase is Phase.STOPPED:
            return
        elif statement.type is StatementType.EPOCH:
            if self.incoming.accept_epoch(statement):
                self._urgent = True
                self._status_due = moment.running
                self._take_early(moment)
        elif statement.type is StatementType.PREKEYS:
            self._urgent = self.outgoing.keep_prekeys(read_prekeys(statement)) or self._urgent

    def _receive_routes(self, statement: Statement) -> None:
        time, routes = read_routes(statement)
        self._gate.peer_routes_time = time
        self._records.append(statement_record(self.setup, statement, time, ours=False))
        self._events.append(RoutesArrived(time, routes))

    # --- status

    def _receive_status(self, statement: Statement, moment: Moment) -> None:
        status = read_status(statement)
        made = self._freshness.made_for(status.echo)
        newer = self._freshness.hear(status, made)
        if self.phase is not Phase.STOPPED:
            self._bind(statement, status)
            if made is not None:
                self._judge_fresh(statement, status, made)
            self._judge_our_log(statement, status, made, moment)
        if made is None and not self._prompted:
            self._prompted = True
            self._status_due = moment.running
        if newer:
            self._keep_status(statement, status, made, moment)
        if self.phase is Phase.STOPPED:
            return
        self.outgoing.epoch_held(status.epoch_held)
        if made is not None:
            self._answer_status(status, made, moment)
        contradiction = self._clocks.judge(status, self.outgoing.committed, self.incoming.edge.size) if newer else None
        if contradiction is not None:
            contradiction.evidence = statement_evidence(statement)
            self._alarm(contradiction, moment)

    def _bind(self, statement: Statement, status: Status) -> None:
        """Hold the peer to what it signed of its own log, and of ours as far as that is true; raises Fork (rule 26)."""
        self.incoming.expect(status.size, status.root, statement)
        self._freshness.bind(status.size, status.held_size if self._holds_ours(status) else 0)

    def _holds_ours(self, status: Status) -> bool:
        own = self.outgoing
        return status.held_size <= own.committed and own.root_at(status.held_size) == status.held_root

    def _judge_fresh(self, statement: Statement, status: Status, made: Made) -> None:
        """A status that echoes our nonce must show at least what the peer had signed before we made it (rule 26)."""
        rollback = made.rollback(status)
        if rollback is not None:
            rollback.evidence = rollback_evidence(self._reader, self.setup, statement)
            raise rollback

    def _judge_our_log(self, statement: Statement, status: Status, made: Made | None, moment: Moment) -> None:
        """Compare what the peer says it holds of our log with our own (rule 26)."""
        if self._holds_ours(status):
            if made is not None:
                self._asked_show = None
                self._agreed(Cause.AGREED, moment)
            return
        if made is not None and made.asked and self._asked_show is not None:
            self._asked_show = None
            unproven = Contradiction("the peer claims a head of our log that it cannot show our signature on", rule=26)
            unproven.evidence = statement_evidence(statement)
            self._alarm(unproven, moment)
            self._agreed(Cause.UNPROVEN, moment)
        elif made is not None or self.phase is Phase.OPEN:
            self._ask_show(status.held_size, moment)

    def _agreed(self, cause: Cause, moment: Moment) -> None:
        if self.phase is Phase.OPENING:
            self._move(cause)
            self._status_soon(moment)
            if self.reachable:
                self.outgoing.restart_sending(0, moment)

    def _ask_show(self, size: int, moment: Moment) -> None:
        """Ask for our own checkpoint. The question goes with our statuses until it is answered: see `_make_status`."""
        if self._asked_show is None:
            self._asked_show = size
            self._status_due = moment.running

    def _answer_status(self, status: Status, made: Made, moment: Moment) -> None:
        """Give the peer what its fresh status shows it lacks: our certificate, entries, prekeys."""
        if status.peer_serial < self.setup.own_certificate.certificate.serial:
            self._items.append(OfferedCertificate(self.setup.own_certificate.encoded))
        if self.phase is not Phase.OPEN:
            return
        if status.held_size < min(made.sent, self.outgoing.committed):
            self.outgoing.restart_sending(status.held_size, moment)
        if status.prekeys_held <= PREKEYS_LOW and made.number > self._prekeys_issued:
            self.incoming.issue_prekeys(status.prekeys_held, moment)
            self._prekeys_issued = self._freshness.made
            self._urgent = True

    def _keep_status(self, statement: Statement, status: Status, made: Made | None, moment: Moment) -> None:
        """Take it as the peer's last word. Full ones that say something new of the logs are kept for good."""
        self.peer_status = status
        if made is not None:
            self.peer_status_at = moment.running
        sizes = (status.size, status.held_size)
        keep = statement.ml is not None and sizes != self._kept_sizes
        if keep:
            self._kept_sizes = sizes
        record = statement_record(
            self.setup, statement, status.time, ours=False, our_size=status.held_size, their_size=status.size, keep=keep
        )
        self._records.append(record)
        self._events.append(StatusArrived(record, made is not None))

    def _make_status(self, moment: Moment) -> list[Item]:
        """Sign a status. What it asks for, and the answer to what the peer asked with its own, share its frame: so whoever
        hears a status that echoes the question's nonce has the answer too, or knows that there is none.
        """
        own, theirs = self.outgoing, self.incoming
        head = self._unspoken_after or own.edge
        open_items, left_out = self._clocks.listed(head.size, theirs.edge.size, moment)
        nonce = moment.random(16)
        status = Status(
            moment.wall, head.size, head.root(), theirs.edge.size, theirs.edge.root(), theirs.epoch, len(own.prekeys),
            self.setup.own_certificate.certificate.serial, self.setup.peer_certificate.certificate.serial,
            open_items, left_out, self.rung, self.watch, nonce, self._freshness.peer_nonce,
        )  # fmt: skip
        self._freshness.bind(theirs.edge.size, own.received)
        self._freshness.make(nonce, own.sent, asked=self._asked_show is not None)
        self._status_due, self._status_at = None, moment.running
        statement = self._signed(StatementType.STATUS, status.values())
        self._records.append(
            statement_record(self.setup, statement, moment.wall, ours=True, our_size=head.size, their_size=theirs.edge.size)
        )
        items: list[Item] = [statement.stated()]
        shown = None if self._showing is None else theirs.shown(self._showing)
        if shown is not None:
            items.insert(0, shown)
        if self._asked_show is not None:
            items.append(Refusal(26, self.setup.pair.ours, self._asked_show))
        return items

    def _signed(self, kind: StatementType, values: tuple[Value, ...]) -> Statement:
        return sign_statement(kind, self.setup.outgoing, values, self.setup.own_keys.statement)

    def _status_soon(self, moment: Moment) -> None:
        if self._status_due is None:
            self._status_due = max(moment.running, self._status_at + STATUS_SOON_SECONDS)

    # --- requests, certificates, probes

    def _receive_request(self, item: Refusal, moment: Moment) -> None:
        if item.rule == 22:
            if item.inc == self.setup.pair.ours and self.phase is Phase.OPEN:
                self.outgoing.show_full(item.at, moment)
        elif item.rule == 26:
            if item.inc == self.setup.pair.theirs:
                self._showing = item.at
                self._status_soon(moment)
        else:
            self._alarm(PeerError("the peer refused what this desk sent", rule=item.rule, hint="call the other desk"), moment)

    def _receive_shown(self, item: ShownCheckpoint, moment: Moment) -> None:
        """Our own checkpoint, shown back: either our log holds it, or this node was set back and must stop (rule 26)."""
        if (item.inc, item.peer_inc) != self.setup.pair:
            self.junk += 1
            return
        rollback = self.outgoing.rollback_shown_by(item)
        if rollback is not None:
            self._stop(Cause.OWN_ROLLBACK, rollback, moment)

    def _receive_certificate(self, item: OfferedCertificate) -> None:
        if item.encoded == self.setup.peer_certificate.encoded or not self._gate.admits_certificate():
            return
        offered = parse_certificate(item.encoded, self.setup.peer_identity)
        chosen = choose_certificate(self.setup.peer_certificate, offered, self.setup.line)
        if chosen is self.setup.peer_certificate:
            return
        if chosen.certificate.inc != self.setup.pair.theirs:
            new = Contradiction("the peer offers a certificate of a new incarnation", rule=28, hint="call the other desk")
            new.evidence = item.encoded
            raise new
        self.take_setup(replace(self.setup, peer_certificate=chosen))
        self._records.append(CertificateRecord(self.setup.line, False, chosen.certificate.serial, chosen.encoded))
        self._urgent = True

    def _receive_probe(self, item: Probe, moment: Moment) -> None:
        seconds, answer = self._probes.receive(item, moment)
        if seconds is not None:
            self._events.append(ProbeAnswered(seconds))
        if answer is not None:
            self._items.append(answer)

    # --- phases, alarms, the turn

    def _move(self, cause: Cause) -> None:
        phase = TRANSITIONS.get((self.phase, cause), self.phase)
        if phase is not self.phase:
            self.phase = phase
            if phase is Phase.OPEN:
                self._unspoken_after = None
            self._records.append(StateRecord(self.setup.line, PHASE_PART, phase.value.encode()))
            self._events.append(PhaseChanged(phase.value))

    def _stop(self, cause: Cause, error: PeerError, moment: Moment) -> None:
        if self.phase is Phase.STOPPED:
            return
        self._alarm(error, moment)
        self._move(cause)
        self._status_due = moment.running
        self._urgent = True

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

    def turn(self, moment: Moment) -> Effects:
        """Close the turn: everything since the last one, as one transaction to commit and the frames to send after it."""
        if self.phase is Phase.OPEN and self.reachable:
            self.outgoing.pump()
        out_records, out_items, out_changed = self.outgoing.turn(moment)
        in_records, in_items, in_changed = self.incoming.turn(moment, receipts=self.phase is not Phase.STOPPED)
        said = self._status_due is not None and moment.running >= self._status_due and self.reachable
        status_items = self._make_status(moment) if said else []
        if self.phase is not Phase.OPEN:
            out_items = []
        if self.phase is Phase.STOPPED:
            in_items = []
        floors = self._clocks.progress()
        records = [*out_records, *in_records, *self._records, *([] if floors is None else [floors])]
        effects = Effects(records, [], list(self._events), lazy=not (out_changed or in_changed or self._urgent))
        if self.reachable:
            bundles = [*bundled((*out_items, *in_items, *self._items)), *([status_items] if said else [])]
            effects.frames = [self._seal(bundle, moment) for bundle in bundles]
        self._records, self._items, self._urgent = [], [], False
        self._events.clear()
        self._gate.turn()
        self._probes.turn()
        return effects

    def _seal(self, items: Sequence[Item], moment: Moment) -> bytes:
        return self._seal_key.seal(items, moment.random(12), padded=self._padded)
