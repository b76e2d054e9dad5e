"""The desk: what a node does with its lines, whatever carries their frames.

`Desk.turn` is the one place where what must be durable is committed and what may be visible is released, in this order. All
lines that were touched since the last turn share its transaction (group commit). If a commit fails, the process must end:
memory would be ahead of the disk. Nothing is lost by that; whoever starts it again starts from the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import structlog

from watchline.catalogue import Catalogue, load_catalogue
from watchline.core.certificate import SignedCertificate, choose_certificate
from watchline.core.clocks import RunningClock
from watchline.core.encoding import decode, encode
from watchline.core.line import Line
from watchline.core.outgoing import Draft
from watchline.core.pairing import Pairing
from watchline.core.records import AttemptRecord, CertificateRecord, EntryRecord, Record
from watchline.core.setting import (
    AlarmRaised,
    ClockRanOut,
    EntriesRecovered,
    EntryArrived,
    Event,
    IncarnationArrived,
    LateEntry,
    LineSetup,
    Moment,
    PhaseChanged,
    ProbeAnswered,
    ReceiptArrived,
    RoutesArrived,
    SecretHeard,
    StatusArrived,
)
from watchline.desk.anchor import Anchor
from watchline.desk.anchoring import Anchoring
from watchline.desk.clock import Clock, system_moment
from watchline.desk.config import Config
from watchline.desk.drills import Drills
from watchline.desk.escalation import Escalation
from watchline.desk.handover import WatchSignatures
from watchline.desk.line_tests import LineTests, stored_test
from watchline.desk.lines import OpenLine, RouteState
from watchline.desk.offering import Offering
from watchline.desk.own import DOCUMENT, OwnDesk
from watchline.desk.past import first_leaf, new_incarnation_alarm, newest_rosters, quarantine, store_rosters
from watchline.desk.removal import Removal
from watchline.desk.renewals import Renewals, door_under
from watchline.desk.rungs import read_notice, rung_from
from watchline.desk.setups import read_setup
from watchline.desk.silences import Silences
from watchline.desk.talks_watch import Talks
from watchline.desk.watch import Watch
from watchline.errors import JournalError, PeerError, UsageError
from watchline.journal import Journal, LineRecord
from watchline.routes import DIRECT, Link

TICK_SECONDS = 0.25
COMPACT_SECONDS, COMPACT_EPOCH_SECONDS = 60.0, 10.0
ROOM_SECONDS = 5.0
VERIFY_SECONDS = 24 * 3600.0

log = structlog.get_logger()


class Timer(Protocol):
    """Something that will be called later."""

    def cancel(self) -> None:
        """Call it no more."""


class Scheduler(Protocol):
    """Where a desk's time passes: an asyncio loop is one, a clock that a test advances another."""

    def call_soon(self, action: Callable[[], None], /) -> object:
        """Call `action` once, as soon as what runs now has ended."""

    def call_later(self, delay_seconds: float, action: Callable[[], None], /) -> Timer:
        """Call `action` once after so many seconds."""


class Desk:
    """One desk with its journal and its lines. Offline it answers questions; under an event loop it also runs the lines."""

    def __init__(self, journal: Journal, config: Config, *, clock: Clock = system_moment) -> None:
        self.journal = journal
        self.config = config
        self.moment = clock
        self.facts = _read_own(journal)
        self.lines: dict[bytes, OpenLine] = {}
        self.failed: JournalError | None = None
        self.on_failure: Callable[[JournalError], None] = _raise
        self.on_line_opened: Callable[[OpenLine], None] = lambda _: None
        self.on_routes_changed: Callable[[OpenLine], None] = lambda _: None
        self.on_peer_keys_changed: Callable[[OpenLine, bytes], None] = lambda _, __: None
        self.on_secrets_changed: Callable[[OpenLine], None] = lambda _: None
        self.on_wanted: Callable[[OpenLine], None] = lambda _: None
        self.on_committed: Callable[[OpenLine, Sequence[Record]], None] = lambda _, __: None
        self.listeners: list[Callable[[OpenLine, Event], None]] = []
        self._loop: Scheduler | None = None
        self._dirty: dict[OpenLine, None] = {}
        self._waiting: list[Record] = []
        self._turn_scheduled = False
        self._lazy_timer: Timer | None = None
        self._tick_timer: Timer | None = None
        self._compacted_at = 0.0
        self._next_room_check = 0.0
        self._next_verify = 0.0
        self._epochs: dict[bytes, tuple[int, int]] = {}
        self.has_room = True
        self.tests = LineTests(self)
        self.watch = Watch(self)
        self.watch_signatures = WatchSignatures(self)
        self.escalation = Escalation(self)
        self.drills = Drills(self)
        self.silences = Silences(self)
        self.talks = Talks(self)
        self.removal = Removal(self)
        self.renewals = Renewals(self)
        self.offering = Offering(self)
        self._heeding: dict[type[Event], Callable[[OpenLine, Any], None]] = {
            ReceiptArrived: self._receipt_arrived,
            EntryArrived: lambda opened, event: self._entry_arrived(opened, event.record),
            StatusArrived: self._status_arrived,
            ClockRanOut: self._clock_ran_out,
            AlarmRaised: self._alarm_raised,
            RoutesArrived: self._routes_arrived,
            SecretHeard: self.renewals.heard,
            PhaseChanged: lambda opened, event: log.info("line.phase", line=opened.record.name, phase=event.phase),
            ProbeAnswered: lambda opened, event: self._probe_answered(opened, event.seconds),
            IncarnationArrived: lambda opened, _: self.begin_pair(opened),
            EntriesRecovered: lambda opened, event: self._recovered(opened, event.records),
            LateEntry: lambda opened, event: self._late(opened, event.record),
        }
        self.anchoring = Anchoring(Anchor(Path(config.anchor)) if config.anchor else None, journal)

    @property
    def catalogue(self) -> Catalogue:
        """The forms this desk knows."""
        return load_catalogue()

    # --- lines

    def run(self, loop: Scheduler) -> None:
        """Take up every confirmed line and let its time pass on this loop."""
        self._loop = loop
        self._next_verify = self.moment().running + VERIFY_SECONDS
        for row in self.journal.lines():
            if row.confirmed:
                self.open_line(row)
        self._tick()

    def open_line(self, row: LineRecord) -> OpenLine:
        """Take up one line: a pair of incarnations that is new begins its logs, one with logs is restored and checked."""
        setup, pairing = self.setup_of(row)
        moment = self.moment()
        rollback = self.anchoring.judge(setup)
        line = self._make_line(setup, moment)
        if rollback is not None:
            line.halt(rollback, moment)
        opened = OpenLine(row, pairing, self.facts.name, line)
        opened.attempted = opened.relayed = line.outgoing.received
        opened.opened_at = moment.running
        self.tests.begin(opened)
        for kind, address in self.peer_routes(row, pairing):
            opened.routes[address] = RouteState(kind, address, relay=kind != DIRECT)
        self.lines[row.line] = opened
        opened.last_test = stored_test(self.journal, row.line)
        self.touch(opened)
        self.on_line_opened(opened)
        return opened

    def _make_line(self, setup: LineSetup, moment: Moment) -> Line:
        signed_together = 1 if self.config.signature_per_notice else self.config.entries_per_checkpoint
        make = Line.begin if self.journal.size(setup.outgoing_log) == 0 else Line.restore
        return make(setup, self.journal, moment, entries_per_checkpoint=signed_together)

    def setup_of(self, row: LineRecord) -> tuple[LineSetup, Pairing]:
        """What both desks settled on this line, with the newest certificates that are known."""
        return read_setup(self.journal, self.facts, row)

    def introduce_peer(self, opened: OpenLine, certificate: SignedCertificate) -> bool:
        """Take a verified certificate of the peer that a route brought; whether it counts. Durable on return."""
        known = opened.line.setup.peer_certificate
        try:
            counts = choose_certificate(known, certificate, opened.record.line) is certificate
        except PeerError as error:
            log.warning("line.certificate", line=opened.record.name, message=error.message)
            return False
        if not counts:
            return certificate.encoded == known.encoded
        self.turn()
        record = CertificateRecord(opened.record.line, False, certificate.certificate.serial, certificate.encoded)
        if not self._guard(lambda: self.journal.commit([record])):
            return False
        self.begin_pair(opened)
        return True

    def begin_pair(self, opened: OpenLine) -> None:
        """The journal holds a newer certificate of the peer: go on under it; a new incarnation begins both logs anew."""
        before, (setup, _) = opened.line.setup, self.setup_of(opened.record)
        if setup.pair == before.pair:
            opened.line.take_setup(setup)
            return
        moment = self.moment()
        log.warning("line.incarnation", line=opened.record.name, inc=setup.pair.theirs, before=before.pair.theirs)
        self._waiting.append(new_incarnation_alarm(setup, moment))
        opened.succeed(self._make_line(setup, moment))
        self.tests.begin(opened)
        if opened.link is not None:
            self.carry_over(opened, opened.link, moment)
        self.touch(opened)
        self.on_peer_keys_changed(opened, before.peer_certificate.certificate.public.tls_fingerprint)

    def peer_routes(self, row: LineRecord, pairing: Pairing) -> list[tuple[str, str]]:
        """Where the peer says it can be reached: what it signed last, else what stood in its pairing file."""
        document = self.journal.document("peer-routes", row.line.hex())
        if document is None:
            return [(route.kind, route.address) for route in pairing.peer_routes]
        return [(kind, address) for kind, address in decode(document)[1]]

    def own_routes(self) -> list[tuple[str, str]]:
        """The addresses we tell our peers."""
        document = self.journal.document("own-routes", "self")
        return [] if document is None else [(kind, address) for kind, address in decode(document)]

    def announce_routes(self) -> None:
        """Sign our addresses to every peer."""
        for opened in self.lines.values():
            opened.line.announce_routes(self.own_routes(), self.moment())
            self.touch(opened)

    def reload(self) -> None:
        """Take up what a command has changed in the desk's own record: its roster or its certificate."""
        self.facts = _read_own(self.journal)
        self._spread_facts()

    def _spread_facts(self) -> None:
        signed = self.facts.certificate
        for opened in self.lines.values():
            known = opened.line.setup.own_certificate
            if signed is not known:
                serial = signed.certificate.serial
                self._waiting.append(CertificateRecord(opened.record.line, True, serial, signed.encoded))
                self.touch(opened)
            setup = replace(opened.line.setup, own_roster=self.facts.roster, own_certificate=self.facts.certificate)
            opened.line.take_setup(setup)

    def line_named(self, name: str) -> OpenLine:
        """The running line of this local name."""
        for opened in self.lines.values():
            if opened.record.name == name:
                return opened
        raise UsageError(
            f"there is no line {name[:80]!r}",
            hint="`watchline lines` lists them",
            lines=[row.name for row in self.journal.lines()],
        )

    def door(self, opened: OpenLine) -> str:
        """The word that our diallers and the peer's say before any handshake: the same at both ends."""
        return door_under(opened.pairing.ps, opened.line.setup.own_id, opened.line.setup.peer_identity.id)

    # --- what people and programs do

    def compose(self, opened: OpenLine, draft: Draft) -> EntryRecord:
        """Append an entry to our log on this line; durable once the turn that follows has ended."""
        if not self.has_room:
            raise JournalError(
                "the disk is almost full: nothing more is accepted", hint="free some space; the node goes on by itself"
            )
        record = opened.line.compose(draft, self.moment())
        self.touch(opened)
        if opened.link is None:
            self.on_wanted(opened)
        return record

    # --- links

    def link_opened(self, opened: OpenLine, link: Link) -> None:
        """A route carries to this line's peer; a direct one takes over from a relay."""
        carried = opened.link
        opened.links.append(link)
        moment = self.moment()
        if opened.link is not carried:
            opened.linked_since = moment.running
            self.carry_over(opened, link, moment)
        self.touch(opened, now=True)

    def link_closed(self, opened: OpenLine, link: Link) -> None:
        """A link is gone; the next one takes over, or the line waits."""
        was_first = opened.link is link
        if link in opened.links:
            opened.links.remove(link)
        if opened.link is None:
            opened.linked_since = None
            for route in opened.routes.values():
                route.outcome = route.outcome if route.relay else None  # what the next attempt finds counts, not an old one
            opened.line.disconnected()
        elif was_first:
            self.carry_over(opened, opened.link, self.moment())
        self.touch(opened)

    def carry_over(self, opened: OpenLine, link: Link, moment: Moment) -> None:
        """From now on this link carries; whether another one was congested says nothing of it."""
        opened.line.outgoing.flowing = not link.congested
        opened.line.connected(moment)

    def link_drained(self, opened: OpenLine, link: Link) -> None:
        """A link has room again; it counts if it is the one that carries."""
        if link is opened.link:
            opened.line.outgoing.flowing = True
            self.touch(opened)

    def frames_received(self, opened: OpenLine, frames: Sequence[bytes]) -> None:
        """Every frame of one read; they share a commit. With no room on the disk nothing is taken: it will be sent again."""
        if not self.has_room:
            return
        if self._guard(lambda: self._receive(opened, frames)):
            self.touch(opened, now=True)

    def _receive(self, opened: OpenLine, frames: Sequence[bytes]) -> None:
        moment = self.moment()
        for frame in frames:
            opened.line.receive(frame, moment)

    # --- time

    def _tick(self) -> None:
        if self._guard(self._pass_time) and self._loop is not None:
            self._tick_timer = self._loop.call_later(TICK_SECONDS, self._tick)

    def _pass_time(self) -> None:
        moment = self.moment()
        linked = sum(opened.link is not None for opened in self.lines.values())
        for opened in list(self.lines.values()):
            opened.others_carry = linked > (opened.link is not None)
            if opened.line.next_tick_at(moment) <= moment.running:
                opened.line.tick(moment)
                self.touch(opened)
            self.tests.on_time(opened, moment)
        for part in (self.watch, self.escalation, self.drills, self.silences, self.talks, self.renewals):
            part.on_time(moment)
        self.removal.on_time(moment)
        if moment.running >= self._next_room_check:
            self._next_room_check = moment.running + ROOM_SECONDS
            self._check_room()
        if moment.running >= self._next_verify:
            self._next_verify = moment.running + VERIFY_SECONDS
            self._verify()
        self._compact_if_due(moment)
        self.anchoring.write_if_due(self.lines.values(), moment.running)

    def _verify(self) -> None:
        """Recompute every log from its leaves, as each start does: what rots on the disk is found within a day (rule 23)."""
        for opened in self.lines.values():
            for entries in (opened.line.setup.outgoing_log, opened.line.setup.incoming_log):
                self.journal.verify(entries)

    def _check_room(self) -> None:
        has_room = self.journal.has_room()
        if has_room != self.has_room:
            log.warning("disk.room" if has_room else "disk.full", accepting=has_room)
        self.has_room = has_room

    def _compact_if_due(self, moment: Moment) -> None:
        """Let deleted keys leave the files: each minute, and soon after an epoch has passed (rule 41).

        Not at once after each: on a busy line an epoch passes every second, and moving the log of writes takes milliseconds.
        """
        epochs = {line: (opened.line.outgoing.chain.epoch, opened.line.incoming.epoch) for line, opened in self.lines.items()}
        wait = COMPACT_SECONDS if epochs == self._epochs else COMPACT_EPOCH_SECONDS
        if moment.running < self._compacted_at + wait:
            return
        self._epochs, self._compacted_at = epochs, moment.running
        self.journal.compact()

    # --- the turn: commit, then speak

    def touch(self, opened: OpenLine, *, now: bool = False) -> None:
        """Say that a line has something for the next turn. now: take it at once, as after a read that brought all it had."""
        self._dirty[opened] = None
        if self._loop is None:
            return
        if now:
            self.turn()
        elif not self._turn_scheduled:
            self._turn_scheduled = True
            self._loop.call_soon(self.turn)

    def turn(self) -> None:
        """Commit what all touched lines have gathered, in one transaction; then release their frames; then tell."""
        self._turn_scheduled = False
        self._guard(self._take_turn)

    def _take_turn(self) -> None:
        moment = self.moment()
        touched, self._dirty = self._dirty, {}
        self.watch.speak([opened for opened in touched if opened.line.says_status(moment)], moment)
        effects = [(opened, opened.line.turn(moment)) for opened in touched]
        for _, effect in effects:
            self._waiting += effect.records
        if any(not effect.lazy for _, effect in effects):
            if not self._commit():
                return
        elif self._waiting:
            self._commit_later()
        for opened, effect in effects:
            if effect.frames and opened.link is not None:
                opened.link.send(effect.frames)
                self.offering.note(opened, moment)
                if opened.link.congested:
                    opened.line.outgoing.flowing = False
                elif opened.line.outgoing.has_more:
                    self.touch(opened)
        for opened, effect in effects:
            self.on_committed(opened, effect.records)
            for event in effect.events:
                self._tell(opened, event)

    def flush(self) -> None:
        """Make durable all that is known: what is shown to people afterwards survives a power cut. Raises JournalError."""
        if self._dirty:
            self.turn()
        self._commit()
        if self.failed is not None:
            raise self.failed

    def _commit(self) -> bool:
        """Make durable what waits; False if that cannot be promised: then nothing may be shown any more."""
        waiting, self._waiting = self._waiting, []
        if self._lazy_timer is not None:
            self._lazy_timer.cancel()
            self._lazy_timer = None
        return not waiting or self._guard(lambda: self.journal.commit(waiting))

    def _commit_waiting(self) -> None:
        self._commit()

    def _commit_later(self) -> None:
        if self._lazy_timer is None and self._loop is not None:
            self._lazy_timer = self._loop.call_later(self.config.commit_wait_seconds, self._commit_waiting)

    def _guard(self, act: Callable[[], None]) -> bool:
        """Do what reads or writes the journal; False if it cannot be relied on: then the desk is over."""
        try:
            if self.failed is None:
                act()
        except JournalError as error:
            if self.failed is not None:
                raise  # from a guard within this one, which has told
            self.fail(error)
        return self.failed is None

    def fail(self, error: JournalError) -> None:
        """End the desk, as its journal can no longer be relied on; it says so once."""
        if self.failed is None:
            self.failed = error
            log.critical("journal.failed", message=error.message, hint=error.hint, **error.facts)
            self.on_failure(error)

    def keep_document(self, kind: str, key: str, value: bytes) -> None:
        """Keep a small value of the home that is no secret; durable on return, or the desk is over."""
        self._guard(lambda: self.journal.put_document(kind, key, value, False))

    def keep_line(self, row: LineRecord) -> bool:
        """Keep what is known of a line; durable if True, else the desk is over."""
        return self._guard(lambda: self.journal.put_line(row))

    # --- events

    def _tell(self, opened: OpenLine, event: Event) -> None:
        self._heed(opened, event)
        for listener in self.listeners:
            listener(opened, event)

    def _heed(self, opened: OpenLine, event: Event) -> None:
        heed = self._heeding.get(type(event))
        if heed is not None:
            heed(opened, event)

    def _receipt_arrived(self, opened: OpenLine, event: ReceiptArrived) -> None:
        opened.resolve_waiters("received", lambda index: index < event.size)
        if opened.on_verified is not None:
            opened.on_verified(event.size)

    def _status_arrived(self, opened: OpenLine, event: StatusArrived) -> None:
        opened.contradicted_at = None if event.fresh else opened.contradicted_at
        self.silences.heard(opened, event.record)

    def _alarm_raised(self, opened: OpenLine, event: AlarmRaised) -> None:
        log.error("line.alarm", line=opened.record.name, kind=event.kind, message=event.message)
        opened.contradicted_at = self.moment().wall if event.kind == "contradiction" else opened.contradicted_at

    def _clock_ran_out(self, opened: OpenLine, event: ClockRanOut) -> None:
        """A clock of ours that ran out is certified, with the strongest silence that can be shown."""
        log.warning("line.clock", line=opened.record.name, own=event.own, index=event.index, allowed=event.allowed)
        if event.own:
            clock = RunningClock(event.index, event.precedence, event.kind, event.seconds, event.allowed)
            self.silences.on_clock_ran_out(opened, clock)

    def _entry_arrived(self, opened: OpenLine, record: EntryRecord) -> None:
        if record.log.pair != opened.line.setup.pair:
            return  # a new pair began with the same read
        self._note_rung(opened, record)
        notice = read_notice(record)
        if notice is not None and notice.form == "test":
            self.tests.arrived(opened, record)

    def _recovered(self, opened: OpenLine, records: Sequence[EntryRecord]) -> None:
        """Entries that were lost here are back: changes of the rosters among them hold again."""
        setup = opened.line.setup
        ours, theirs = newest_rosters(records, setup, self.moment().wall)
        log.info("line.recovered", line=opened.record.name, entries=len(records))
        if ours is setup.own_roster and theirs is setup.peer_roster:
            return
        if self._guard(lambda: setattr(self, "facts", store_rosters(self.journal, self.facts, setup, ours, theirs))):
            opened.line.take_setup(replace(setup, peer_roster=theirs))
            self._spread_facts()

    def _late(self, opened: OpenLine, record: EntryRecord) -> None:
        """An entry of an incarnation that is over: people see it, apart from the log."""
        log.warning("line.late", line=opened.record.name, inc=record.log.pair.theirs, index=record.index)
        self._guard(lambda: _keep_late(self.journal, record))

    def _note_rung(self, opened: OpenLine, record: EntryRecord) -> None:
        meant = None if record.re is None else self.journal.entry(opened.line.setup.outgoing_log, record.re)
        rung = None if meant is None else rung_from(record, meant, first_leaf(self.journal, meant))
        if meant is not None and rung is not None:
            opened.note_rung(meant.index, rung)

    def _routes_arrived(self, opened: OpenLine, event: RoutesArrived) -> None:
        """Keep the peer's newest addresses; an older statement that a relay repeats changes nothing."""
        key = opened.record.line.hex()
        known = self.journal.document("peer-routes", key)
        if known is not None and decode(known)[0] >= event.time:
            return
        value = encode([event.time, [list(route) for route in event.routes]])
        self.keep_document("peer-routes", key, value)
        opened.routes = {
            address: opened.routes.get(address) or RouteState(kind, address, relay=kind != DIRECT)
            for kind, address in event.routes
        }
        self.on_routes_changed(opened)

    def _probe_answered(self, opened: OpenLine, seconds: float) -> None:
        for route in opened.routes.values():
            if route.linked and opened.link is not None and route.kind == opened.link.kind:
                route.seconds = seconds

    # --- the end

    def note_attempts(self, records: Iterable[AttemptRecord]) -> None:
        """Keep attempts to reach the peer, with the next commit."""
        self._waiting += records
        self._commit_later()

    def stop(self) -> None:
        """Let no more time pass, and make durable what waits."""
        if self._tick_timer is not None:
            self._tick_timer.cancel()
        if self.failed is None:
            self.flush()
            self.anchoring.write_last(self.lines.values())
        self._loop = None


def _read_own(journal: Journal) -> OwnDesk:
    document = journal.document(*DOCUMENT)
    if document is None:
        raise UsageError("there is no desk in this home", hint="make one with `watchline init`")
    return OwnDesk.decode(document)


def _keep_late(journal: Journal, record: EntryRecord) -> None:
    if not quarantine(journal, record):
        log.error("line.quarantine-full", inc=record.log.pair.theirs, index=record.index)


def _raise(error: JournalError) -> None:
    raise error
