"""New incarnations: copies of disks that come back, keys that are rotated, empty spares, and old machines that go on beside."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from reliability.simulator.liar import Liar
from reliability.simulator.machine import Machine
from reliability.simulator.network import Cable, End
from reliability.simulator.pool import incarnation
from reliability.simulator.violation import Violation
from reliability.simulator.watch import Span, wires
from watchline.core.frames import OfferedCertificate
from watchline.core.line import Line, Phase
from watchline.core.line_keys import LineKeys
from watchline.core.records import CheckpointRecord, EntryRecord, Record
from watchline.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reliability.medium import Image
    from reliability.simulator.swarm import Lie
    from reliability.simulator.watch import Watch
    from reliability.simulator.world import World
    from watchline.journal import LineRecord

COPY_SECONDS = 3.0
UNNOTICED_SECONDS = (1.0, 8.0)
OVERHEARD = 0.7


class Rebirths:
    """Lets desks become new incarnations as the run's plan says. clones: old machines that go on beside their successors."""

    def __init__(self, world: World, source: random.Random) -> None:
        self._world = world
        self._source = source
        self._copies: dict[str, list[Image]] = {}
        self.clones: list[Clone] = []

    def begin(self) -> None:
        """Let copies be made now and then, and each rebirth come at its time."""
        swarm = self._world.swarm
        if not swarm.rebirths:
            return
        self._copy()
        for kind in swarm.rebirths:
            moment = self._source.uniform(0.15, 0.95) * swarm.compose_seconds
            self._later(moment, kind)

    def _later(self, seconds: float, kind: str) -> None:
        clock = self._world.clock
        clock.call_at(clock.now_seconds + seconds, lambda: self._strike(kind))

    def _copy(self) -> None:
        world, clock = self._world, self._world.clock
        if world.healing:
            return
        machine = self._source.choice(list(world.machines.values()))
        if machine.is_up:  # else a power cut may still take from the disk what the copy has
            self._copies.setdefault(machine.name, []).append(machine.disk.snapshot())
        clock.call_at(clock.now_seconds + self._source.expovariate(1 / COPY_SECONDS), self._copy)

    def _strike(self, kind: str) -> None:
        world, source = self._world, self._source
        if kind == "both":
            for end in source.choice(list(world.cables.values())).ends:
                assert isinstance(end, Machine)
                self._reincarnate(end, source.choice(("restore", "rotate")))
        else:
            self._reincarnate(source.choice(list(world.machines.values())), kind)

    def _reincarnate(self, machine: Machine, kind: str) -> None:
        world = self._world
        world.faulted(f"new incarnation: {kind}", None)
        machine.note("rebirth", kind)
        if kind == "unnoticed" and machine.is_up:
            machine.put_back(self._image(machine))
            if self._source.random() < 0.8:
                self._later_for(machine)
            return
        image = None if kind == "rotate" else world.image(machine.name) if kind == "spare" else self._image(machine)
        old = machine.disk.snapshot() if kind == "clone" and machine.is_up else None
        self.succeed(machine, image, spare=kind == "spare")
        if old is not None:
            self.clones.append(Clone(world, machine, old, random.Random(self._source.randrange(1 << 62))))

    def _later_for(self, machine: Machine) -> None:
        clock = self._world.clock
        wait = self._source.uniform(*UNNOTICED_SECONDS)
        clock.call_at(clock.now_seconds + wait, lambda: self.succeed(machine, None))

    def succeed(self, machine: Machine, image: Image | None, *, spare: bool = False) -> None:
        """The machine becomes a new incarnation; what it and its peers had said before is still under way."""
        machine.reincarnate(image, spare=spare)
        for cable in self._world.cables.values():
            if machine in cable.ends:
                cable.dial()
                for end in cable.ends:
                    cable.haunt(end)

    def _image(self, machine: Machine) -> Image:
        """An old copy of its disk, of any age; its first state if nobody made one."""
        copies = self._copies.get(machine.name, [])
        return self._source.choice(copies) if copies else self._world.image(machine.name)

    def judge(self) -> None:
        """Raise Violation for an old machine that was told that it was replaced, and goes on."""
        for clone in self.clones:
            for told in clone.told.values():
                self._world.counts["clones_told"] += 1
                if told.phase is not Phase.STOPPED:
                    raise Violation("closed", f"an old machine of {clone.name} was told that it was replaced, and goes on")


class Clone(Machine):
    """An old machine that goes on beside its successor, on a relay that shows each what the peer says.

    told: what was each of its lines when it was shown a newer certificate of its own there; with a new incarnation of the peer
    a clone begins another, and has to be told again, also where one frame brings both.
    """

    def __init__(self, world: World, original: Machine, image: Image, source: random.Random) -> None:
        super().__init__(world, original.party, image, source)
        self.original = original
        self.told: dict[bytes, Line] = {}
        self.watch = Outsider(world.watch)
        if original.liar is not None and world.swarm.stolen:
            self.liar = Liar(world.swarm.lies, random.Random(source.randrange(1 << 62)), self._lied)
        self.boot(lambda _: None)
        if not self.is_up:
            return
        for cable in world.cables.values():
            if original in cable.ends:
                self._join(cable)
        self._write()

    def _lied(self, line: bytes, lie: Lie) -> None:
        self.world.lied(line, lie, in_force=False)

    def _join(self, cable: Cable) -> None:
        link = CloneLink(cable, self)
        before = cable.overheard

        def overheard(end: End, data: bytes) -> None:
            before(end, data)
            if end is not self.original and self.source.random() < OVERHEARD:
                later = self.clock.now_seconds + self.source.uniform(0.01, 1.0)
                self.clock.call_at(later, lambda: self._hear(link, data))

        cable.overheard = overheard
        self.link_opened(link)  # type: ignore[arg-type]

    def _hear(self, link: CloneLink, data: bytes) -> None:
        if not self.is_up:
            return
        line = self.desk.lines[link.cable.line].line
        self.frames_arrived(link, [data])  # type: ignore[arg-type]
        try:
            items = LineKeys(line.setup).open(data)[0]
        except PeerError:
            return
        own = line.setup.pair.ours
        newer = {incarnation(self.name, inc)[1].encoded for inc in range(own + 1, self.original.inc + 1)}
        shown = any(isinstance(item, OfferedCertificate) and item.encoded in newer for item in items)
        if (
            shown and self.desk.lines[link.cable.line].line is line
        ):  # else the frame began another pair, and was not for that one
            self.note("told")
            self.told[link.cable.line] = line

    def _write(self) -> None:
        """People who do not know yet still write at the old machine."""
        if self.world.healing or not self.is_up:
            return
        for opened in self.desk.lines.values():
            self.run(lambda opened=opened: self.world.people.write(self, opened, self.source.randrange(3)))  # type: ignore[misc]
        self.clock.call_at(self.clock.now_seconds + self.source.uniform(0.5, 4.0), self._write)


class CloneLink:
    """How a clone's frames reach the peer: as if its successor had said them."""

    kind = "direct"

    def __init__(self, cable: Cable, owner: Clone) -> None:
        self.cable = cable
        self.owner = owner
        self.outbound = True
        self.peer = cable.line
        self.address = "relay.example:7400"
        self.congested = False

    def send(self, frames: Sequence[bytes]) -> None:
        for data, span in self.owner.speaks(self, frames):  # type: ignore[arg-type]
            self.cable.slip_in(self.owner.original, data, span)

    def close(self) -> None:
        """A relay has nothing to close."""


class Outsider:
    """What the watch learns of a machine that is none of the desks any more: what it wrote, signed and said stays so."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._committing: list[Record] = []

    def storing(self, desk: str, row: LineRecord) -> None:
        """No renewal is made at it."""

    def stored(self, desk: str, row: LineRecord) -> None:
        """No renewal is made at it."""

    def committing(self, desk: str, records: list[Record]) -> None:
        self._committing = records

    def committed(self, desk: str) -> None:
        for record in self._committing:
            if isinstance(record, EntryRecord) and record.log.outgoing:
                self._watch.write(self._watch.direction(desk, record.log), record, for_good=False)
            elif isinstance(record, CheckpointRecord) and record.log.outgoing:
                self._watch.sign(self._watch.direction(desk, record.log), record.size)

    def spoken(self, desk: str, line: bytes, frame: bytes) -> Span | None:
        if desk == self._watch.liar:
            return None
        for item in self._watch.opened(desk, line, frame):
            for direction, index, wire in wires(desk, line, item):
                self._watch.say(direction, index, wire)
        return None

    def shaken(self, *, desk: str | None = None, line: bytes | None = None) -> None:
        """Nothing of a desk depends on it."""

    def alarmed(self, desk: str, line: bytes, kind: str, message: str) -> None:
        """It has been replaced, and may say so."""
