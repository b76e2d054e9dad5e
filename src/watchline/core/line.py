"""One line's state machine: what each side of a line must do with what it hears, says, and when time passes.

`phases` has the table of how it moves between opening, open and stopped. A turn gathers everything that happened since the
last one; `turn` closes it and gives its `Effects`, which the desk commits in one transaction before it sends a frame. If that
commit fails, the process ends: memory is never ahead of the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from watchline.core.changeover import named_incarnation
from watchline.core.confirmations import Side
from watchline.core.encoding import encode
from watchline.core.entries import EntryType
from watchline.core.frames import (
    Cosigned,
    Entries,
    FullEntry,
    Item,
    LostRequest,
    OfferedCertificate,
    Probe,
    Receipt,
    Recovered,
    Refusal,
    ShownCheckpoint,
    Stated,
    UnknownItem,
    bundled,
)
from watchline.core.freshness import Made
from watchline.core.kept_statements import statement_evidence
from watchline.core.limits import PREKEYS_LOW
from watchline.core.line_keys import LineKeys
from watchline.core.line_parts import BATCH, EPOCH_SPACING_SECONDS, PHASE_PART, LineParts
from watchline.core.outgoing import Draft
from watchline.core.phases import TRANSITIONS, Cause, Phase
from watchline.core.records import FIRST_PAIR, CertificateRecord, CosignatureRecord, EntryRecord
from watchline.core.setting import (
    Effects,
    EntriesRecovered,
    EntryArrived,
    IncarnationArrived,
    LineSetup,
    Moment,
    ProbeAnswered,
    Reader,
    ReceiptArrived,
    SecretHeard,
    StatusArrived,
)
from watchline.core.statements import Statement, StatementType, Status, read_prekeys, verify_statement
from watchline.core.succession import judged_again
from watchline.errors import Contradiction, Fork, PeerError, Rollback, UsageError, WrongParty

__all__ = ["TRANSITIONS", "Cause", "Line", "Phase"]


class Line(LineParts):
    """One line, seen from one desk. Build it with `Line.begin` or `Line.restore`; then feed it, and close each turn."""

    def __init__(self, setup: LineSetup, reader: Reader, *, entries_per_checkpoint: int = BATCH, padded: bool = True) -> None:
        super().__init__(setup, reader, entries_per_checkpoint=entries_per_checkpoint, padded=padded)
        self._receivers: dict[type[Item], Callable[[Any, Moment], None]] = {
            Entries: self._receive_entries,
            FullEntry: self._receive_full,
            Receipt: self._receive_receipt,
            Stated: self._receive_statement,
            Refusal: self._receive_request,
            Cosigned: self._receive_cosigned,
            ShownCheckpoint: self._receive_shown,
            OfferedCertificate: self._receive_certificate,
            LostRequest: self._receive_past,
            Recovered: self._receive_past,
            Probe: self._receive_probe,
        }

    # --- life

    @classmethod
    def begin(
        cls, setup: LineSetup, reader: Reader, moment: Moment, *, entries_per_checkpoint: int = BATCH, padded: bool = True
    ) -> Line:
        """Begin a new pair of incarnations; its first records are in the first turn.

        It opens as a restored line does: an empty log may also be a copy from before the first entry.
        """
        line = cls(setup, reader, entries_per_checkpoint=entries_per_checkpoint, padded=padded)
        line.line_notices.restore(reader, setup)
        line._spoken.begin()
        continues, line._records = line.changeover.begin(setup)
        line.incoming.begin_terms(continues)
        line.clocks.settled = setup.pair == FIRST_PAIR
        line.outgoing.begin(moment, line.incoming.edge, continues)
        line._issue_again(moment)
        line.statuses.at_once(moment)
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
        line.incoming.restore_terms(line.outgoing.stored_terms)
        line.clocks.settled = setup.pair == FIRST_PAIR or line.incoming.edge.size > 0
        line._records = line.changeover.restore(setup, moment)
        if reader.state(setup.line, setup.part(PHASE_PART)) == Phase.STOPPED.value.encode():
            line.phase = Phase.STOPPED
        line.witnessed.restore(setup)
        line.clocks.restore(reader, moment, line._spoken.restore(reader, setup, line.outgoing.edge))
        line.line_notices.restore(reader, setup)
        line.statuses.restore(setup, stopped=line.phase is Phase.STOPPED)
        line._announced.restore(reader, setup)
        line.statuses.at_once(moment)
        return line

    # --- what the desk says

    def compose(self, draft: Draft, moment: Moment) -> EntryRecord:
        """Append an entry to our log; it is durable, and may be shown, once this turn has been committed.

        Raises UsageError on a stopped line: nothing is added to a log that people must look at first. Raises WrongParty
        (rule 29) for a confirmation of another incarnation than one of the two that the line is in.
        """
        if self.phase is Phase.STOPPED:
            raise UsageError("the line is stopped: a fork or a rollback waits for people", hint="see `watchline status`")
        if draft.type == EntryType.CONFIRM:
            named_incarnation(draft.content, self.setup)
        record = self._compose(draft, moment)
        self._records += self.changeover.note_own(record, self.setup)
        self._issue_again(moment)
        return record

    def _compose(self, draft: Draft, moment: Moment) -> EntryRecord:
        if draft.again is not None:
            draft = judged_again(draft, self.terms)
        record = self.outgoing.compose(draft, moment, self.incoming.edge)
        self.incoming.note_own(record)
        self._note(record, moment)
        self.statuses.soon(moment)
        return record

    def _note(self, record: EntryRecord, moment: Moment) -> None:
        self.clocks.note(record, moment)
        self._keep_now(self.line_notices.note(record, self.setup))

    def _issue_again(self, moment: Moment) -> None:
        """Say again what the pairs before left open, once, as soon as people stand for the peer's incarnation (rule 30)."""
        if self.phase is Phase.STOPPED or not self.changeover.may_issue_again(self.setup):
            return
        drafts, done = self.changeover.issue_again(self.outgoing.edge.size, moment)
        self._records.append(done)
        for draft in drafts:
            self._compose(draft, moment)

    @property
    def unconfirmed(self) -> tuple[Side, ...]:
        """Whose present incarnation nobody of this desk has confirmed (rule 29)."""
        return self.changeover.unconfirmed(self.setup)

    def announce_routes(self, routes: Sequence[tuple[str, str]], moment: Moment) -> None:
        """Tell the peer, signed, under which addresses it reaches us from now on; told again at each connection."""
        self._records.append(self._announced.announce(routes, self.setup, moment))
        self._urgent = True
        self._items += self._announced.said()

    def take_setup(self, setup: LineSetup) -> None:
        """Go on with other certificates, rosters or secrets of the line: its pair of incarnations and the desk's keys stay."""
        if setup.own_certificate is not self.setup.own_certificate:
            self._items.append(OfferedCertificate(setup.own_certificate.encoded))
        if setup.secrets != self._keys.secrets:
            self._keys = LineKeys(setup)
        self.setup = self.outgoing.setup = self.incoming.setup = setup

    def connected(self, moment: Moment) -> None:
        """A route carries again: say where we stand, and send again what has no receipt."""
        self.reachable = True
        self.statuses.connected(moment)
        if self.statuses.peer_status is None:
            self._items += self.changeover.introductions(self.setup)
        self._items += self._announced.said()
        self.witnessed.tell_again(self.setup)
        if self.phase is Phase.OPEN:
            self.outgoing.restart_sending(0, moment)

    def disconnected(self) -> None:
        """No route carries; what is composed waits in the journal."""
        self.reachable = False

    def probe(self, moment: Moment, *, asks: bool = True) -> bytes:
        """A frame that the peer answers at once: measures a route. If it does not ask, it only shows that we are there."""
        return self._seal([self._probes.ask(moment) if asks else Probe(None, None, 0)], moment)

    def tick(self, moment: Moment) -> None:
        """Let time pass: statuses, repeats and epochs that are due. Without a route only reply clocks run out, in `turn`."""
        if not self.reachable:
            return
        if self.phase is Phase.OPEN:
            self._items += self.changeover.ask(moment)
            self.outgoing.resend_if_due(moment)
            if moment.running >= self._next_epoch_at and self.outgoing.epoch_due(moment):
                self.outgoing.prepare_epoch(moment)
                self._next_epoch_at = moment.running + EPOCH_SPACING_SECONDS
                self._urgent = True
        self.statuses.tick(self.terms.status_interval_seconds, moment, opening=self.phase is Phase.OPENING)

    def next_tick_at(self, moment: Moment) -> float:
        """When `tick` and a turn after it have something to do, in seconds of the running clock."""
        clock = self.clocks.next_deadline
        due = [moment.running + self.terms.status_interval_seconds if clock is None else clock]
        if not self.reachable:
            return min(due)
        due.append(self.statuses.next_at(self.terms.status_interval_seconds, opening=self.phase is Phase.OPENING))
        if self.phase is Phase.OPEN:
            due += [at for at in (self.outgoing.resend_at, self.changeover.ask_at) if at is not None]
            if self.outgoing.epoch_due(moment):
                due.append(self._next_epoch_at)
            if self.outgoing.has_more:
                due.append(moment.running)
        return min(due)

    @property
    def unacknowledged(self) -> int:
        """How many notices of the peer wait for a person at this desk."""
        return self.clocks.unacknowledged(self.outgoing.edge.size, self.incoming.edge.size)

    # --- what the peer says

    def receive(self, frame: bytes, moment: Moment) -> None:
        """Take one frame from any route. Nothing it may hold raises: it is taken, dropped and counted, or stops the line."""
        try:
            items, secret = self._keys.open(frame)
        except PeerError as error:
            self.junk += 1
            if error.rule == 37:
                self._refuse(37, moment)
                self._alarm(error, moment)
            return
        if self.setup.secrets.is_told_by(secret):
            self._events.append(SecretHeard(secret))
        for item in items:
            self._heed(item, moment)

    def _heed(self, item: Item, moment: Moment) -> None:
        """Take one item; what it breaks stops the line, alarms people, or is counted, and takes nothing else along."""
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
            late = self.changeover.late(item, moment) if isinstance(item, Entries) else []
            self._events += late
            self.junk += not late
            return
        if isinstance(item, UnknownItem):
            self.junk += 1
        else:
            self._receivers[type(item)](item, moment)

    def _receive_entries(self, item: Entries, moment: Moment) -> None:
        with self._gate.entries(item, moment):
            self._take(self.incoming.receive(item, self.outgoing, moment), moment)
        if not self._taking_early:
            self._take_early(moment)

    def _receive_full(self, item: FullEntry, moment: Moment) -> None:
        with self._gate.bounded(FullEntry, moment):
            taken, unknown_root_at = self.incoming.receive_full(item, self.outgoing, moment)
        self._take(taken, moment)
        if unknown_root_at is not None:
            self.statuses.ask_show(unknown_root_at, moment)
            contradiction = Contradiction("an entry of the peer names a head of our log that we do not have", rule=26)
            contradiction.evidence = encode([item.leaf, item.root, item.signature])
            self._alarm(contradiction, moment)
        self._take_early(moment)

    def _take_early(self, moment: Moment) -> None:
        """What arrived before its turn follows now, each item by itself: one that is broken takes none of the others along."""
        self._taking_early = True
        while (early := self.incoming.next_early()) is not None:
            self._heed(early, moment)
        self._taking_early = False

    def _take(self, taken: list[EntryRecord], moment: Moment) -> None:
        if self.incoming.setup is not self.setup:
            self.take_setup(self.incoming.setup)
        if taken:
            self.clocks.settle()
        for record in taken:
            self._note(record, moment)
            self._events.append(EntryArrived(record))
            self._heard(record, moment)
        if taken:
            self.statuses.soon(moment)

    def _heard(self, record: EntryRecord, moment: Moment) -> None:
        contradiction = self.changeover.heard(record)
        if contradiction is not None:
            self._alarm(contradiction, moment)

    def _receive_receipt(self, item: Receipt, moment: Moment) -> None:
        with self._gate.bounded(Receipt, moment):
            record = self.outgoing.accept_receipt(item, moment)
        if record is not None:
            self.clocks.received(record.size, moment)
            self._events.append(ReceiptArrived(record.size, record.time))

    def _receive_statement(self, item: Stated, moment: Moment) -> None:
        if not self._gate.admits(item, moment):
            return
        try:
            statement = verify_statement(item, self.setup.incoming, self.setup.peer_certificate.certificate.public.statement)
        except WrongParty:
            self._items += self.changeover.remind(item, self.setup, moment)
            raise
        if statement.type is StatementType.STATUS:
            self._receive_status(statement, moment)
        elif statement.type is StatementType.ROUTES:
            record, told = self._announced.hear(statement, self.setup)
            self._records.append(record)
            self._events.append(told)
        elif self.phase is Phase.STOPPED:
            return
        elif statement.type is StatementType.EPOCH:
            if self.incoming.accept_epoch(statement):
                self._urgent = True
                self.statuses.at_once(moment)
                self._take_early(moment)
        else:
            self._urgent = self.outgoing.keep_prekeys(read_prekeys(statement)) or self._urgent

    def _receive_status(self, statement: Statement, moment: Moment) -> None:
        status, made, newer = self.statuses.hear(statement, self.setup, stopped=self.phase is Phase.STOPPED)
        if self.phase is not Phase.STOPPED:
            self._judge_our_log(statement, status, made, moment)
        if made is None:
            self.statuses.prompt(moment)
        if newer:
            record = self.statuses.keep(statement, status, self.setup, moment, fresh=made is not None)
            self._records += [record, *(self.witnessed.made_of(status.echo) if record.keep else ())]
            self._events.append(StatusArrived(record, made is not None))
        if self.phase is Phase.STOPPED:
            return
        self.outgoing.epoch_held(status.epoch_held)
        if made is not None:
            self._answer_status(status, made, moment)
        contradiction = self.clocks.judge(status, self.outgoing.committed, self.incoming.edge.size) if newer else None
        if contradiction is not None:
            contradiction.evidence = statement_evidence(statement)
            self._alarm(contradiction, moment)

    def _judge_our_log(self, statement: Statement, status: Status, made: Made | None, moment: Moment) -> None:
        is_crowded = self._gate.is_crowded(moment)
        cause, contradiction = self.statuses.compare_our_log(
            statement, status, made, moment, is_open=self.phase is Phase.OPEN, is_crowded=is_crowded
        )
        if contradiction is not None:
            self._alarm(contradiction, moment)
        if cause is not None and self.phase is Phase.OPENING:
            self._move(cause)
            self.statuses.soon(moment)
            if self.reachable:
                self.outgoing.restart_sending(0, moment)

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

    def _receive_request(self, item: Refusal, moment: Moment) -> None:
        if item.rule == 22:
            if item.inc == self.setup.pair.ours and self.phase is Phase.OPEN:
                self.outgoing.show_full(item.at, moment)
        elif item.rule == 26:
            if item.inc == self.setup.pair.theirs:
                self.statuses.showing = item.at
                self.statuses.soon(moment)
        else:
            self._alarm(PeerError("the peer refused what this desk sent", rule=item.rule, hint="call the other desk"), moment)

    def _receive_shown(self, item: ShownCheckpoint, moment: Moment) -> None:
        """Our own checkpoint, shown back: either our log holds it, or this node was set back and must stop (rule 26)."""
        if (item.inc, item.peer_inc) != self.setup.pair or not self._gate.admits_shown(moment):
            self.junk += 1
            return
        rollback = self.outgoing.rollback_shown_by(item)
        if rollback is not None:
            self._stop(Cause.OWN_ROLLBACK, rollback, moment)

    def _receive_cosigned(self, item: Cosigned, moment: Moment) -> None:
        with self._gate.bounded(Cosigned, moment):
            self._records += self.witnessed.hear(item, self.setup, moment)

    def take_cosignatures(self, records: Sequence[CosignatureRecord]) -> None:
        """Keep what witnesses said of our log, verified by the desk, and tell the peer once it is durable (rule 27)."""
        self._records += self.witnessed.take(records)
        self._urgent = True

    def _receive_past(self, item: LostRequest | Recovered, moment: Moment) -> None:
        if self.phase is not Phase.OPEN:
            return
        if isinstance(item, LostRequest):
            self.changeover.asked(item)
            return
        with self._gate.bounded(Recovered, moment):
            recovered = self.changeover.recovered(item, moment)
        if recovered:
            self._records += recovered
            self._urgent = True
            entries = tuple(record for record in recovered if isinstance(record, EntryRecord))
            self._events.append(EntriesRecovered(entries))
            for record in entries:
                self._heard(record, moment)
            self._items += self.changeover.ask(moment)

    def _receive_certificate(self, item: OfferedCertificate, moment: Moment) -> None:
        if self.changeover.is_known(item.encoded, self.setup) or not self._gate.admits_certificate(moment):
            return
        try:
            chosen = self.changeover.certificate(item.encoded, self.setup)
        except Rollback as replaced:
            self._stop(Cause.REPLACED, replaced, moment)
            return
        if chosen is None:
            return
        self._urgent = True
        self._records.append(CertificateRecord(self.setup.line, False, chosen.certificate.serial, chosen.encoded))
        if chosen.certificate.inc == self.setup.pair.theirs:
            self.take_setup(replace(self.setup, peer_certificate=chosen))
        else:
            self._events.append(IncarnationArrived(chosen))

    def _receive_probe(self, item: Probe, moment: Moment) -> None:
        seconds, answer = self._probes.receive(item, moment)
        if seconds is not None:
            self._events.append(ProbeAnswered(seconds))
        if answer is not None:
            self._items.append(answer)

    # --- the turn

    def says_status(self, moment: Moment) -> bool:
        """Whether a turn closed now says a status of ours."""
        due_at = self.statuses.due_at
        return due_at is not None and moment.running >= due_at and self.reachable

    def turn(self, moment: Moment) -> Effects:
        """Close the turn: everything since the last one, as one transaction to commit and the frames to send after it."""
        if self.phase is Phase.OPEN and self.reachable:
            self.outgoing.pump()
            if not self.outgoing.has_more:
                self._items += self.changeover.answer()
            self._items += self.witnessed.told(self.setup)
        self._keep_now(self._spoken.grown(self.outgoing.edge, self.setup))
        out_records, out_items, out_changed = self.outgoing.turn(moment)
        in_records, in_items, in_changed = self.incoming.turn(moment, receipts=self.phase is not Phase.STOPPED)
        said = self.says_status(moment)
        status_items = self._make_status(moment) if said else []
        self.clocks.interval_seconds = self.terms.status_interval_seconds
        self._events += self.clocks.ran_out(self.outgoing.edge.size, self.incoming.edge.size, moment)
        if self.phase is not Phase.OPEN:
            out_items = []
        if self.phase is Phase.STOPPED:
            in_items = []
        floors = self.clocks.progress()
        records = [*out_records, *in_records, *self._records, *([] if floors is None else [floors])]
        effects = Effects(records, [], list(self._events), lazy=not (out_changed or in_changed or self._urgent))
        if self.reachable:
            bundles = [*bundled((*out_items, *in_items, *self._items)), *([status_items] if said else [])]
            effects.frames = [self._seal(bundle, moment) for bundle in bundles]
        self._records, self._items, self._urgent = [], [], False
        self._events.clear()
        return effects

    def _make_status(self, moment: Moment) -> list[Item]:
        items, record = self.statuses.speak(self._spoken.after or self.outgoing.edge, self.setup, moment)
        self._records.append(record)
        return items
