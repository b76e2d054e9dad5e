"""Bodies that go while faults go on: somebody waits until their time is over, then archives or erases them, a step at a time.

Whatever stops the machine between two steps, each body is here or in an archive that opens, or was erased on purpose; rungs,
numbers and clocks of the line stay as they were.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reliability.simulator.pool import DAY, archive_key
from reliability.simulator.violation import Violation
from reliability.simulator.watch import Watch
from watchline.core.entries import EntryType
from watchline.core.records import EntryRecord, Log, Record, RemovalRecord
from watchline.core.stubs import ARCHIVED, REMOVABLE
from watchline.desk.body_archive import open_archive
from watchline.desk.removal import Removed
from watchline.desk.views import LineView
from watchline.errors import UsageError

if TYPE_CHECKING:
    from reliability.simulator.machine import Machine
    from reliability.simulator.world import World

STEP_SECONDS = 0.05
COMPARED_MAX = 24  # of the entries of one log in one transaction: to see all their rungs takes long
ARCHIVING = 0.7  # of all removals; the others erase
BUSY = "removed already"
# Of what a desk shows of an entry, and of a notice: what stays when its body goes.
COUNTED = (
    "id", "type", "number", "author", "time", "incarnations", "unconfirmed", "again", "released", "re", "withdrawn", "silence",
    "rungs",
)  # fmt: skip
DESCRIBED = "form", "version", "precedence", "exercise", "language"


class Removals:
    """Lets people of any desk remove bodies now and then, as the run's plan says."""

    def __init__(self, world: World, source: random.Random) -> None:
        self._world = world
        self._source = source
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def begin(self) -> None:
        """Let the first removal come."""
        if self._world.swarm.removing is not None:
            self._folder = tempfile.TemporaryDirectory(prefix="watchline-archives-")
            self._later()

    def close(self) -> None:
        """Delete the archives."""
        if self._folder is not None:
            self._folder.cleanup()

    def _later(self) -> None:
        assert self._world.swarm.removing is not None
        clock = self._world.clock
        clock.call_at(clock.now_seconds + self._source.expovariate(1 / self._world.swarm.removing), self._strike)

    def _strike(self) -> None:
        world, source = self._world, self._source
        if world.healing:
            return
        self._later()
        machine = source.choice(list(world.machines.values()))
        machine.run(lambda: self._begin(machine))

    def _begin(self, machine: Machine) -> None:
        """Months have gone by at this desk, and somebody asks for what is due on one of its lines."""
        opened = self._source.choice(list(machine.desk.lines.values()))
        machine.wall_jump += (opened.line.terms.body_days + 1) * DAY
        machine.desk.flush()
        folder = self._folder_of(machine) if self._source.random() < ARCHIVING else None
        machine.note("removal", folder is not None)
        machine.removal_wall = machine.moment().wall
        self._world.faulted("removal", None)
        self._step(machine, machine.life, machine.desk.removal.steps(opened.record, folder))

    def _folder_of(self, machine: Machine) -> Path:
        """A disk of its own, which no fault of the machine's reaches."""
        assert self._folder is not None
        folder = Path(self._folder.name) / machine.name
        folder.mkdir(exist_ok=True)
        return folder

    def _step(self, machine: Machine, life: int, steps: Generator[None, None, Removed]) -> None:
        if machine.life != life or not machine.is_up:
            return  # what a process had begun ends with it
        machine.removal_wall = max(machine.removal_wall, machine.moment().wall)
        try:
            next(steps)
        except StopIteration as end:
            machine.note("removed", end.value.entries)
            return
        except UsageError as error:
            if BUSY not in error.message:
                raise
            return
        clock = self._world.clock
        wait = self._source.uniform(0.0, STEP_SECONDS)
        clock.call_at(clock.now_seconds + wait, lambda: machine.run(lambda: self._step(machine, life, steps)))

    # --- the end

    def judge(self) -> None:
        """Raise Violation for a body that was archived and is in no archive as its author wrote it."""
        if self._folder is None:
            return
        watch = self._world.watch
        for machine in self._world.machines.values():
            kept = self._archived(machine)
            for log in (log for line in machine.desk.lines for log in machine.journal.logs(line)):
                if log.line in watch.suspect:
                    continue
                for record in machine.journal.entries(log, 0, machine.journal.size(log)):
                    if record.gone == ARCHIVED:
                        _check_kept(watch, machine.name, record, kept.get((log, record.index), set()))
                        self._world.counts["archived"] += 1

    def _archived(self, machine: Machine) -> dict[tuple[Log, int], set[tuple[bytes, bytes]]]:
        """(leaf, body) of what the archives of a desk hold, by place; one that was put back may archive a place twice."""
        kept: dict[tuple[Log, int], set[tuple[bytes, bytes]]] = {}
        for path in sorted(self._folder_of(machine).iterdir()):
            try:
                with open_archive(path, archive_key(machine.name)) as opened:
                    for record in opened.entries():
                        kept.setdefault((record.log, record.index), set()).add((record.leaf, record.body))
            except UsageError as error:
                raise Violation("removed", f"an archive of {machine.name} does not open: {error.message}") from error
        return kept


def _check_kept(watch: Watch, desk: str, record: EntryRecord, kept: set[tuple[bytes, bytes]]) -> None:
    written = watch.log(watch.direction(desk, record.log)).written.get(record.index, set())
    if not {(leaf, body) for leaf, body in kept if leaf == record.leaf} & written:
        raise Violation("removed", f"entry {record.index} of {record.log.pair} has gone at {desk}, and is in no archive")


class Untouched:
    """What a commit that removes bodies may not change. Taken before it; `check` compares."""

    def __init__(self, machine: Machine, records: Sequence[Record]) -> None:
        self._machine = machine
        self._moment = machine.moment()
        self._removals = [record for record in records if isinstance(record, RemovalRecord)]
        self._before = list(self._seen())
        for record in self._found():
            self._check_due(record)

    def check(self) -> None:
        """Raise Violation if what was removed looks otherwise now, but for its content."""
        for before, now in zip(self._before, self._seen(), strict=True):
            if before != now:
                raise Violation("removed", f"{self._machine.name} shows {now} where it showed {before}")

    def _found(self) -> Iterator[EntryRecord]:
        for removal in self._removals:
            for index, _ in islice(removal.stubs, COMPARED_MAX):
                record = self._machine.journal.entry(removal.log, index)
                assert record is not None
                yield record

    def _seen(self) -> Iterator[Any]:
        """Rungs, numbers and what else counts of the entries that go, as the desk shows them; and all clocks of their lines."""
        desk = self._machine.desk
        for record in self._found():
            shown = LineView(desk, desk.lines[record.log.line].record).entry(record)
            names = (*COUNTED, *DESCRIBED) if record.type == EntryType.NOTICE else COUNTED
            yield {name: shown[name] for name in names}, record.nonce, record.once, record.epoch, record.time
        for line in sorted({removal.log.line for removal in self._removals}):
            yield [desk.lines[line].running_clocks(own, self._moment) for own in (True, False)]

    def _check_due(self, record: EntryRecord) -> None:
        opened = self._machine.desk.lines[record.log.line]
        chosen = max(self._moment.wall, self._machine.removal_wall)  # a clock may be set back between the choice and the end
        is_old = record.time < chosen - opened.line.terms.body_days * DAY
        waits = record.log.pair == opened.line.setup.pair and record.index in self._running(record.log)
        if record.type not in REMOVABLE or record.gone is not None or not is_old or waits:
            raise Violation(
                "removed", f"{self._machine.name} removed entry {record.index} of {record.log.pair} before its time"
            )

    def _running(self, log: Log) -> set[int]:
        opened = self._machine.desk.lines[log.line]
        return {clock.index for clock in opened.running_clocks(log.outgoing, self._moment)}
