"""One desk's machine: its disk, its clocks, its process with the real journal and the real desk, and the ways it ends."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from reliability.medium import Fault, Image, MediumVFS
from reliability.simulator.liar import Liar
from reliability.simulator.network import Frame, SimulatedLink
from reliability.simulator.pool import NODE_KEY, START, WAL_BYTES, Party, journal_path, reincarnate
from reliability.simulator.removals import Untouched
from reliability.simulator.violation import Violation
from reliability.simulator.watch import Span
from watchline.core.certificate import SignedCertificate
from watchline.core.records import EntryRecord, Log, Record, RemovalRecord
from watchline.core.setting import AlarmRaised, Event, Moment, PhaseChanged
from watchline.desk.lines import OpenLine
from watchline.errors import JournalError
from watchline.journal import LineRecord
from watchline.journal.sqlite import SqliteJournal, open_journal
from watchline.routes.memory import MemoryClock

if TYPE_CHECKING:
    from reliability.simulator.world import World

Fate = Literal["before commit", "after commit", "half sent"]

ROOM_BYTES = 64 * 1024 * 1024
NO_ROOM_BYTES = 1 << 62  # more than any disk has free


class Killed(BaseException):
    """The process ends here, in the middle of what it does; nothing of the product may catch it."""


class Timer:
    """Something that will be called later."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class Scheduler:
    """The timers of one process on the simulated clock; those of a process that has ended never fire."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._life = machine.life

    def call_soon(self, action: Callable[[], None], /) -> Timer:
        return self.call_later(0.0, action)

    def call_later(self, delay_seconds: float, action: Callable[[], None], /) -> Timer:
        timer, clock = Timer(action), self._machine.clock
        clock.call_at(clock.now_seconds + delay_seconds, lambda: self._fire(timer))
        return timer

    def _fire(self, timer: Timer) -> None:
        action = timer.action
        if action is not None and self._machine.life == self._life and self._machine.is_up:
            self._machine.run(action)


class Watcher(Protocol):
    """Who is told of what a machine commits and says."""

    def storing(self, desk: str, row: LineRecord) -> None: ...

    def stored(self, desk: str, row: LineRecord) -> None: ...

    def committing(self, desk: str, records: list[Record]) -> None: ...

    def committed(self, desk: str) -> None: ...

    def spoken(self, desk: str, line: bytes, frame: bytes) -> Span | None: ...

    def shaken(self, *, desk: str | None = None, line: bytes | None = None) -> None: ...

    def alarmed(self, desk: str, line: bytes, kind: str, message: str) -> None: ...


class WatchedJournal:
    """The real journal, with the watch behind each commit, and the places before and after it at which a process may end."""

    def __init__(self, real: SqliteJournal, machine: Machine) -> None:
        self.real = real
        self._machine = machine

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def commit(self, records: Iterable[Record]) -> None:
        machine, listed = self._machine, list(records)
        machine.meet("before commit")
        untouched = Untouched(machine, listed) if any(isinstance(record, RemovalRecord) for record in listed) else None
        machine.watch.committing(machine.name, listed)
        self.real.commit(listed)
        machine.watch.committed(machine.name)
        if untouched is not None:
            untouched.check()
        machine.note("commit", len(listed), *_spans(listed))
        machine.meet("after commit")

    def put_line(self, row: LineRecord, records: Iterable[Record] = ()) -> None:
        machine = self._machine
        machine.meet("before commit")
        machine.watch.storing(machine.name, row)
        self.real.put_line(row, records)
        machine.watch.stored(machine.name, row)
        machine.note("line stored")
        machine.meet("after commit")


class Machine:
    """A desk's machine. It is built off; `boot` starts it.

    fate: where the process will end next, None for nowhere. life: counts its processes. wall_jump: by how many seconds its wall
    clock is wrong. removal_wall: the latest that it showed while a removal went on.
    """

    def __init__(self, world: World, party: Party, image: Image, source: random.Random) -> None:
        self.world = world
        self.party = party
        self.name = party.name
        self.clock: MemoryClock = world.clock
        self.source = source
        self.inc = 1
        self.watch: Watcher = world.watch
        self.disk = MediumVFS(f"simulated {party.name} {id(self)}", source.randrange(1 << 62))
        self.disk.restore(image)
        self.is_up = False
        self.life = 0
        self.fate: Fate | None = None
        self.wall_jump = 0
        self.removal_wall = 0
        self.without_room = False
        self.liar: Liar | None = None
        self._powered_at = world.clock.now_seconds - source.uniform(10.0, 1e6)
        self._links: list[SimulatedLink] = []
        self._broken = False  # the journal failed, and nobody ended the process for it: the next commit will
        self._random = random.Random(source.randrange(1 << 62)).randbytes

    # --- its process

    def boot(self, check: Callable[[SqliteJournal], None]) -> None:
        """Start a process from the disk. check: what has to hold of the journal before anything runs.

        If a fault of the disk is the reason, it fails and is tried again.
        """
        self.life += 1
        self._broken = False
        self.disk.forgive()
        try:
            self._open(check)
        except JournalError as error:
            if self.disk.struck_by is None:
                raise Violation("durable", f"{self.name} does not start: {error.message} {error.facts}") from error
            self.note("start failed", self.disk.struck_by)
            self.die(power=False)
        except Killed:
            self.die(power=False)

    def _open(self, check: Callable[[SqliteJournal], None]) -> None:
        self.journal = self.world.journal_of(
            open_journal(journal_path(), NODE_KEY, False, vfs=self.disk.name, wal_bytes=WAL_BYTES)
        )
        check(self.journal)
        self.journal.reserve(NO_ROOM_BYTES if self.without_room else ROOM_BYTES)
        self.is_up = True
        watched: Any = WatchedJournal(self.journal, self)
        self.desk = self.world.desk_type(watched, self.world.config, clock=self.moment)
        self.desk.on_failure = self._failed
        self.desk.listeners.append(self._event)
        self.desk.on_peer_keys_changed = self._peer_keys_changed
        self.desk.run(Scheduler(self))
        self.note("started")
        self.world.renewals.started(self)

    def run(self, action: Callable[[], None], link: SimulatedLink | None = None) -> None:
        """Let the process do something, at the call of this link if one is given; it may end on the way."""
        if not self.is_up:
            return
        try:
            action()
        except Killed:
            self.die(power=self.source.random() < 0.5)
        except JournalError as error:
            self._read_failed(error)
            if link is not None:
                link.close()

    def refuse(self, error: JournalError) -> None:
        """The journal failed while it answered a command: the command is told, unless the whole machine is gone."""
        self._read_failed(error)
        if self.disk.dead:
            raise Killed

    def _read_failed(self, error: JournalError) -> None:
        """Nothing of the desk caught it: an event loop writes it down, closes the connection and goes on, and so does `run`.

        The journal takes nothing more after it: the next commit ends the process.
        """
        if self.disk.struck_by is None and not self._broken:
            raise Violation("durable", f"the journal of {self.name} failed: {error.message} {error.facts}") from error
        self._broken = True
        self.note("read failed")

    def die(self, *, power: bool) -> None:
        """The process ends now, with its machine or without it; `boot` begins the next."""
        if not self.disk.dead:
            if power:
                self.disk.cut_power()
            else:
                self.disk.kill()
        if power:
            self._powered_at = self.clock.now_seconds - self.source.uniform(1.0, 60.0)
        self.is_up = False
        self.fate = None
        self.note("died", power)
        self.watch.shaken(desk=self.name)
        self._links.clear()
        if hasattr(self, "journal"):
            self.journal.close()
        self.disk.boot(heal=False)
        self.world.machine_died(self)

    def put_back(self, image: Image) -> None:
        """Somebody puts an old copy in the place of the disk, and starts the machine from it."""
        self.note("put back")
        self.die(power=False)
        self.disk.restore(image)
        self.world.renewals.set_back(self)
        self.boot(lambda journal: self.world.watch.put_back(self.name, journal))

    def reincarnate(self, image: Image | None, *, spare: bool = False) -> None:
        """Somebody makes the home a new incarnation, from another disk if one is given, and starts the machine from it.

        The number comes from the identity's medium, which no copy of a disk sets back. spare: a spare, or the medium alone.
        """
        self.inc += 1
        self.note("new incarnation", self.inc, image is not None)
        if self.liar is not None and self.world.swarm.stolen:
            self.liar.honest = True  # the thief has the keys of the one before
        watch = self.world.watch
        if self.is_up:
            self.die(power=False)
        if image is not None:
            self.disk.restore(image)
        self.disk.boot()
        journal = open_journal(journal_path(), NODE_KEY, False, vfs=self.disk.name, wal_bytes=WAL_BYTES)
        if image is None:
            watch.started(self.name, journal)
        else:
            watch.put_back(self.name, journal, reborn=True)
        self.world.renewals.take_up(self, journal, copied=image is not None, spare=spare)
        reincarnate(journal, self.name, self.inc)
        journal.close()
        watch.become(self.name)
        self.boot(lambda _: None)

    def take_room(self) -> None:
        """The disk's file system has no room to spare from now on."""
        self.without_room = True
        self.journal.reserve(NO_ROOM_BYTES)

    def give_room(self) -> None:
        """There is room again."""
        self.without_room = False
        self.journal.reserve(ROOM_BYTES)

    def halt(self) -> None:
        """Switch the machine off for good."""
        self.is_up = False
        if hasattr(self, "journal"):
            self.journal.close()
        self.disk.unregister()

    def meet(self, place: Fate) -> None:
        """The process passes a place at which it may have to end."""
        if self.fate == place:
            self.fate = None
            self.world.faulted(place, None)
            raise Killed

    def strike(self, fault: Fault, at: int) -> None:
        """Let the disk fail at an operation to come."""
        self.disk.forgive()
        self.disk.strike(fault, at)

    def _failed(self, error: JournalError) -> None:
        if self.disk.struck_by is None and not self._broken:
            raise Violation("durable", f"the journal of {self.name} failed: {error.message} {error.facts}")
        raise Killed

    # --- its time

    def moment(self) -> Moment:
        """Now, by this machine's clocks; its running clock begins with its power."""
        now = self.clock.now_seconds
        return Moment(START + int(now) + self.wall_jump, now - self._powered_at, self._random)

    # --- its links

    def line_of(self, link: SimulatedLink) -> OpenLine:
        """The line that a link carries."""
        return self.desk.lines[link.cable.line]

    def admits(self, line: bytes, other: Machine, *, introduced: bool) -> bool:
        """Whether a direct route lets in the other's key. introduced: the other shows its certificate."""
        if not self._have_a_door(line, other):
            return False
        opened, shown = self.desk.lines[line], other.desk.facts.certificate
        if shown.encoded != opened.line.setup.peer_certificate.encoded and introduced:
            self.run(lambda: self._learn(opened, shown))
        return self.is_up and shown.encoded == opened.line.setup.peer_certificate.encoded

    def _have_a_door(self, line: bytes, other: Machine) -> bool:
        """Whether one of both dials by a door that the other keeps open."""
        one, two = (end.desk.lines[line].line.setup.secrets for end in (self, other))
        return one.spoken in two.all or two.spoken in one.all

    def _learn(self, opened: OpenLine, shown: SignedCertificate) -> None:
        self.desk.introduce_peer(opened, shown)

    def _peer_keys_changed(self, opened: OpenLine, _: bytes) -> None:
        """A direct route closes the connections of the old key; a relay knows of none."""
        cable = self.world.cables[opened.record.line]
        if cable.links and self.source.random() < 0.5:
            link = cable.links[0]
            self.clock.call_at(self.clock.now_seconds, lambda: cable.cut(link))

    def link_opened(self, link: SimulatedLink) -> None:
        if self.is_up:
            self._links.append(link)
            self.run(lambda: self.desk.link_opened(self.line_of(link), link), link)

    def frames_arrived(self, link: SimulatedLink, frames: list[bytes]) -> None:
        if link in self._links:
            self.note("heard", *map(len, frames))
            self.run(lambda: self.desk.frames_received(self.line_of(link), frames), link)

    def link_drained(self, link: SimulatedLink) -> None:
        if link in self._links:
            self.run(lambda: self.desk.link_drained(self.line_of(link), link), link)

    def link_closed(self, link: SimulatedLink) -> None:
        if link in self._links:
            self._links.remove(link)
            self.run(lambda: self.desk.link_closed(self.line_of(link), link))

    def speaks(self, link: SimulatedLink, frames: Sequence[bytes]) -> list[Frame]:
        """What leaves when the desk sends these: a liar puts its own words among them."""
        watch, line = self.watch, link.cable.line
        if self.liar is not None:
            frames = self.liar.bend(self.line_of(link), frames)
        said = [(frame, watch.spoken(self.name, line, frame)) for frame in frames]
        spans = (f"{span.start}:{span.stop}" for _, span in said if span is not None)
        self.note("said", *map(len, frames), *spans)
        if self.fate == "half sent" and said:
            del said[len(said) // 2 :]
            for frame in said:
                link.carry(frame)
            self.meet("half sent")
        return said

    # --- what it tells

    def note(self, what: str, *numbers: object) -> None:
        """Put an event of this machine into the trace."""
        self.world.trace.note(self.clock.now_seconds, self.name, what, *numbers)

    def _event(self, opened: OpenLine, event: Event) -> None:
        if isinstance(event, AlarmRaised):
            self.note("alarm", event.kind)
            self.watch.alarmed(self.name, opened.record.line, event.kind, event.message)
        elif isinstance(event, PhaseChanged):
            self.note("phase", event.phase)


def _spans(records: list[Record]) -> Iterator[str]:
    """Which entries a commit holds: `+` for our own, `-` for a peer's."""
    indexes: dict[Log, list[int]] = {}
    for record in records:
        if isinstance(record, EntryRecord):
            indexes.setdefault(record.log, []).append(record.index)
    for log, found in indexes.items():
        yield f"{'+' if log.outgoing else '-'}{found[0]}:{found[-1] + 1}"
