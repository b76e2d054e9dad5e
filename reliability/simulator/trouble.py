"""What goes wrong besides frames: machines, disks, clocks and cables, one thing after the other, as the seed says."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, cast

from reliability.simulator.swarm import FIFTY_YEARS, draw_weather

if TYPE_CHECKING:
    from reliability.medium import Image
    from reliability.simulator.machine import Fate, Machine
    from reliability.simulator.network import Cable
    from reliability.simulator.world import World

LASTS_SECONDS = (0.5, 8.0)
OPERATIONS = 60  # a disk is struck within so many operations


class Trouble:
    """Draws the next trouble when the last one has come; ends when the world heals."""

    def __init__(self, world: World, source: random.Random) -> None:
        self._world = world
        self._source = source
        self._copy: tuple[Machine, Image] | None = None

    def begin(self) -> None:
        """Let the first trouble come, the weather change, and a copy be made that somebody will put back."""
        for cable in self._world.cables.values():
            cable.weather = draw_weather(self._world.swarm, self._source)
        self._later(self._source.expovariate(1 / self._world.swarm.trouble_seconds), self._strike)
        if self._world.swarm.rollback:
            moment = self._source.uniform(0.0, 0.6 * self._world.swarm.compose_seconds)
            self._later(moment, self._copy_disk)

    def _later(self, seconds: float, action: object) -> None:
        clock = self._world.clock
        clock.call_at(clock.now_seconds + seconds, action)  # type: ignore[arg-type]

    def _strike(self) -> None:
        world, source = self._world, self._source
        if world.healing:
            return
        self._later(source.expovariate(1 / world.swarm.trouble_seconds), self._strike)
        if not world.swarm.troubles:
            return
        kind = source.choice(world.swarm.troubles)
        machine = source.choice(list(world.machines.values()))
        cable = source.choice(list(world.cables.values()))
        if kind in ("partition", "one way", "reconnect", "second link", "weather"):
            self._strike_cable(kind, cable)
        elif machine.is_up:
            self._strike_machine(kind, machine)

    def _strike_cable(self, kind: str, cable: Cable) -> None:
        world, source = self._world, self._source
        world.trace.note(world.clock.now_seconds, "-", kind)
        if kind == "weather":
            cable.weather = draw_weather(world.swarm, source)
            return
        world.faulted(kind, None)
        if kind == "second link":
            if cable.links and all(end.is_up for end in cable.ends):
                cable.join()
            return
        world.watch.shaken(line=cable.line)
        if kind == "reconnect":
            if cable.links:
                cable.cut(source.choice(cable.links))
            return
        names = [end.name for end in cable.ends]
        cable.blocked.update(names if kind == "partition" else [source.choice(names)])
        self._later(source.uniform(*LASTS_SECONDS), cable.blocked.clear)
        if cable.links and source.random() < 0.3:
            cable.cut(cable.links[0])

    def _strike_machine(self, kind: str, machine: Machine) -> None:
        world, source = self._world, self._source
        machine.note("trouble", kind)
        if kind in ("before commit", "after commit", "half sent"):
            machine.fate = cast("Fate", kind)
            return
        world.faulted(kind, None)
        if kind in ("kill", "power cut"):
            machine.die(power=kind == "power cut")
        elif kind in ("disk operation", "power operation"):
            machine.strike("kill" if kind == "disk operation" else "power", source.randint(1, OPERATIONS))
        elif kind == "disk error":
            machine.strike(source.choice(("io", "fsync", "short", "read")), source.randint(1, OPERATIONS))
            self._later(source.uniform(*LASTS_SECONDS), machine.disk.heal)
        elif kind == "disk full":
            machine.strike("full", source.randint(1, 4))
            self._later(source.uniform(*LASTS_SECONDS), machine.disk.heal)
        elif kind == "no room":
            machine.take_room()
            self._later(source.uniform(*LASTS_SECONDS), machine.give_room)
        elif kind == "clock":
            machine.wall_jump = source.choice((0, FIFTY_YEARS, -FIFTY_YEARS, source.randint(-90_000, 90_000)))

    # --- an old copy of a disk

    def _copy_disk(self) -> None:
        world = self._world
        honest = [machine for machine in world.machines.values() if machine.liar is None]
        machine = self._source.choice(honest)
        self._copy = machine, machine.disk.snapshot()
        machine.note("copied")
        self._later(self._source.uniform(0.5, 0.4 * world.swarm.compose_seconds), self._put_back)

    def _put_back(self) -> None:
        assert self._copy is not None
        machine, image = self._copy
        if not machine.is_up:
            return self._later(1.0, self._put_back)
        self._world.faulted("old copy", None)
        machine.put_back(image)
        return None
