"""One run: desks, cables, people and trouble under one clock, all of it from one seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import structlog

from reliability.medium import Image
from reliability.simulator.liar import Liar
from reliability.simulator.machine import Machine
from reliability.simulator.network import Cable
from reliability.simulator.people import People
from reliability.simulator.pool import home, line_id, party, seeded_entropy
from reliability.simulator.promises import silences_made, wrong_promises
from reliability.simulator.rebirth import Rebirths
from reliability.simulator.removals import Removals
from reliability.simulator.renewals import Renewals
from reliability.simulator.shown import said_again, shown_once
from reliability.simulator.swarm import CALM, HARMFUL, Lie, Swarm, draw_life
from reliability.simulator.trace import Trace
from reliability.simulator.trouble import Trouble
from reliability.simulator.violation import Violation
from reliability.simulator.watch import Span, Watch
from watchline.core.line import Phase
from watchline.core.records import Log, Pair
from watchline.desk.config import Config
from watchline.desk.desk import Desk
from watchline.desk.lines import OpenLine
from watchline.journal.sqlite import SqliteJournal
from watchline.routes.memory import MemoryClock

HEALING_SECONDS = 240.0  # after the last fault, and what a slow link still brings: within so long everything must have arrived
SUSPECT_SECONDS = 90.0  # what a line that may stop gets of it
REBOOT_SECONDS = (0.2, 4.0)


@dataclass(frozen=True)
class Outcome:
    """What a run came to. violation: None if all went well. digest: of everything that happened, in order."""

    seed: int
    digest: str
    violation: str | None
    counts: Counter[str]
    swarm: Swarm
    last: tuple[str, ...]


class World:
    """Everything of one run. desk_type, journal_of: what a test puts in the place of the real ones, to see it caught."""

    def __init__(
        self,
        seed: int,
        *,
        desk_type: type[Desk] = Desk,
        journal_of: Callable[[SqliteJournal], SqliteJournal] = lambda journal: journal,
        swarm: Swarm | None = None,
        trace: Trace | None = None,
    ) -> None:
        source = random.Random(seed)
        self.seed = seed
        self.desk_type = desk_type
        self.journal_of = journal_of
        self.swarm = swarm or draw_life(seed, random.Random(source.randrange(1 << 62)))
        self.config = Config(entries_per_checkpoint=self.swarm.checkpoint)
        self.clock = MemoryClock()
        self.trace = trace or Trace()
        self.counts: Counter[str] = Counter()
        self.healing = False
        self.source = random.Random(source.randrange(1 << 62))
        parties = [party(name) for name in self.swarm.desks]
        self.watch = Watch(parties, self.swarm.lines, self.swarm.liar)
        self.machines = {
            own.name: Machine(self, own, self.image(own.name), random.Random(source.randrange(1 << 62))) for own in parties
        }
        self.cables = {line_id(*ends): self._cable(ends, random.Random(source.randrange(1 << 62))) for ends in self.swarm.lines}
        if self.swarm.liar is not None:
            self.machines[self.swarm.liar].liar = Liar(self.swarm.lies, random.Random(source.randrange(1 << 62)), self.lied)
        self.people = People(self, random.Random(source.randrange(1 << 62)))
        self.trouble = Trouble(self, random.Random(source.randrange(1 << 62)))
        self.rebirths = Rebirths(self, random.Random(source.randrange(1 << 62)))
        self.removals = Removals(self, random.Random(source.randrange(1 << 62)))
        self.renewals = Renewals(self, random.Random(source.randrange(1 << 62)))

    def image(self, name: str) -> Image:
        """The disk of a desk that has been paired, and has not said a word."""
        peers = tuple(sorted(ends[ends[0] == name] for ends in self.swarm.lines if name in ends))
        return home(name, peers, self.swarm.pace)

    def _cable(self, ends: tuple[str, str], source: random.Random) -> Cable:
        one, other = (self.machines[name] for name in ends)
        return Cable(self.clock, source, line_id(*ends), (one, other), self.faulted)

    # --- the run

    def run(self) -> None:
        """From the first start to the last receipt. Raises Violation."""
        for machine in self.machines.values():
            machine.boot(lambda _: None)
        for cable in self.cables.values():
            cable.dial()
        self.people.begin()
        self.trouble.begin()
        self.rebirths.begin()
        self.removals.begin()
        self.renewals.begin()
        self.clock.advance(self.swarm.compose_seconds)
        self._heal()
        self._settle()
        self._finish()

    def _heal(self) -> None:
        """No more faults: the network is calm, each disk is sound, each machine runs."""
        self.healing = True
        self.trace.note(self.clock.now_seconds, "-", "heal")
        for cable in self.cables.values():
            cable.weather = CALM
            cable.blocked.clear()
            cable.dial(0.0)
        for machine in self.machines.values():
            machine.fate = None
            machine.disk.heal()
            machine.give_room()
        for machine in (*self.machines.values(), *self.rebirths.clones):
            if machine.liar is not None:
                machine.liar.honest = True
        self.renewals.heal()

    def _settle(self) -> None:
        # What a slow link has taken comes at its own pace: after it everything has the time that it needs.
        seconds = HEALING_SECONDS * (1 if self.swarm.renewing is None else 2)  # in which people do what the manual says
        until = self.clock.now_seconds + max(cable.backlog_seconds for cable in self.cables.values()) + seconds
        while late := self._unsettled():
            if self.clock.now_seconds >= until:
                raise Violation(
                    "live", f"{seconds:.0f} s after the last fault and the last word of a slow link: {'; '.join(late)}"
                )
            self.clock.advance(1.0)
        self._settle_suspects(until)

    def _settle_suspects(self, until: float) -> None:
        """Let the lines that may stop do so, or recover; one that does neither is counted by `_judge_suspect`."""
        until = min(until, self.clock.now_seconds + SUSPECT_SECONDS)
        while self.clock.now_seconds < until and any(self._hangs(line) for line in self.watch.suspect):
            self.clock.advance(1.0)

    def _hangs(self, line: bytes) -> bool:
        return not self._has_stopped(line) and bool(self.watch.undelivered(lambda other: other == line))

    def _has_stopped(self, line: bytes) -> bool:
        ends = [end for end in self.cables[line].ends if isinstance(end, Machine) and end.is_up]
        return any(end.desk.lines[line].line.phase is Phase.STOPPED for end in ends)

    def _unsettled(self) -> list[str]:
        """What a sound world still waits for: machines that run, lines that are open and confirmed, entries that arrive."""
        down = [f"{machine.name} is down" for machine in self.machines.values() if not machine.is_up]
        closed = [
            f"a line of {machine.name} is {opened.line.phase.value}"
            for machine in self.machines.values()
            if machine.is_up
            for line, opened in machine.desk.lines.items()
            if self.is_live(line) and (opened.line.phase is not Phase.OPEN or self._waits_for_people(opened))
        ]
        return [*down, *closed, *self.renewals.unsettled(), *self.watch.undelivered(self.is_live, self.is_whole)]

    def _waits_for_people(self, opened: OpenLine) -> bool:
        return bool(opened.line.unconfirmed) and self.swarm.confirming != "never"

    def _finish(self) -> None:
        for line in self.watch.suspect:
            self._judge_suspect(line)
        self.counts["lines_mended"] += len(self.watch.mended)
        for machine in self.machines.values():
            machine.run(machine.desk.flush)
            self.watch.finished(machine.name, machine.journal)
            self._check_alarms(machine)
        self.rebirths.judge()
        self.removals.judge()
        self.renewals.judge()
        self._judge_promises()
        for line in self.watch.reborn:
            if not self.is_sound(line):
                continue
            if self.is_whole(line) or line not in self.watch.copied:
                self._judge_reborn(line)
            self.counts["lines_reborn" if self.is_whole(line) else "lines_with_unknown_certificates"] += 1

    def _judge_promises(self) -> None:
        """Of each line that has to work: its terms, and the silence certificates on it."""
        for line, cable in self.cables.items():
            if not self.is_sound(line) or not self.is_whole(line):
                continue
            one, other = (cast("Machine", end) for end in cable.ends)
            for machine in (one, other):
                self.counts += silences_made(machine, machine.desk.lines[line])
            self.counts["terms_amended"] += one.desk.lines[line].line.terms.version - 1
            wrong = wrong_promises(one, other, line)
            if wrong is not None:
                raise Violation(*wrong)

    def _judge_reborn(self, line: bytes) -> None:
        """What people said on a line with more than one pair is shown once, and was said again where it had to be."""
        for end in self.cables[line].ends:
            own, peer = cast("Machine", end), cast("Machine", self.cables[line].other(end))
            confirmed = "theirs" not in own.desk.lines[line].line.unconfirmed
            shown_once(self.watch, own.name, line, own.journal, peer.journal, confirmed=confirmed)
            if confirmed:
                said_again(self.watch, own.name, line, own.journal)

    def is_sound(self, line: bytes) -> bool:
        """Whether everything has to arrive on this line: no lie, no old copy that was put back, no secret that got lost."""
        return line not in self.watch.suspect and line not in self.renewals.stranded

    def is_whole(self, line: bytes) -> bool:
        """Whether both ends hold the other's certificate of each incarnation: else what was lost in one proves nothing."""
        for end in self.cables[line].ends:
            peer, setup = self.cables[line].other(end), cast("Machine", end).desk.lines[line].line.setup
            for inc in range(1, cast("Machine", peer).inc + 1):
                if setup.log_key(Log(line, Pair(setup.pair.ours, inc), False)) is None:
                    return False
        return True

    def is_live(self, line: bytes) -> bool:
        """Whether it has to work: it is sound, or what was wrong with it has been mended by a new incarnation."""
        return line not in self.renewals.stranded and (self.is_sound(line) or line in self.watch.mended)

    def _judge_suspect(self, line: bytes) -> None:
        """A line that was lied on, or whose end was put back, may have stopped; it may not differ in silence."""
        ends = [end for end in self.cables[line].ends if isinstance(end, Machine)]
        alarms = sum(len(end.journal.alarms(line)) for end in ends)
        stopped = self._has_stopped(line)
        if stopped and not alarms:
            raise Violation("silent", "a line has stopped, and there is no alarm")
        # Who went back to a secret that the other end has left behind hears nothing, and is not heard.
        if self.watch.differing(line) and not alarms and not self.watch.secrecy.is_deaf(line):
            raise Violation("silent", "two desks hold different logs, and nobody was alarmed")
        self.counts["lines_stopped" if stopped else "lines_hung" if self._hangs(line) else "lines_recovered"] += 1

    def _check_alarms(self, machine: Machine) -> None:
        for line in machine.desk.lines:
            kinds = {alarm.kind for alarm in machine.journal.alarms(line)}
            if self.is_sound(line) and kinds - ({"incarnation"} if line in self.watch.reborn else set()):
                raise Violation("accused", f"{machine.name} has an alarm at the end, and nobody lied")

    # --- what the others tell

    def faulted(self, kind: str, span: Span | None) -> None:
        """Count a fault, for the run and for the entries that it hit."""
        self.counts["injected"] += 1
        self.counts[f"fault: {kind}"] += 1
        self.watch.met(span)

    def lied(self, line: bytes, lie: Lie, *, in_force: bool = True) -> None:
        """A desk lied; after some lies its line may stop. in_force: in a pair that it has not left."""
        self.faulted(f"lie: {lie}", None)
        self.watch.shaken(line=line)
        if lie in HARMFUL:
            self.watch.lied(line, in_force=in_force)

    def machine_died(self, machine: Machine) -> None:
        """Its links break, and somebody starts it again."""
        for cable in self.cables.values():
            if machine in cable.ends:
                cable.lose(machine)
        wait = self.source.uniform(*REBOOT_SECONDS)
        self.clock.call_at(self.clock.now_seconds + wait, lambda: self.boot(machine))

    def boot(self, machine: Machine) -> None:
        """Start a machine that is down, and see that its disk kept its word."""
        if machine.is_up:
            return
        machine.boot(lambda journal: self.watch.started(machine.name, journal))
        for cable in self.cables.values():
            if machine in cable.ends:
                cable.dial()

    def close(self) -> None:
        """Give every journal and disk back."""
        for machine in self.machines.values():
            machine.halt()
        for clone in self.rebirths.clones:
            clone.halt()
        self.removals.close()
        self.renewals.close()


def simulate(
    seed: int,
    *,
    desk_type: type[Desk] = Desk,
    journal_of: Callable[[SqliteJournal], SqliteJournal] = lambda journal: journal,
    swarm: Swarm | None = None,
    trace: Trace | None = None,
) -> Outcome:
    """Run one seed from beginning to end. A violation, and any error of the product, is in the outcome."""
    with seeded_entropy(random.Random(~seed)), _silence():
        world = World(seed, desk_type=desk_type, journal_of=journal_of, swarm=swarm, trace=trace)
        violation = None
        try:
            world.run()
        except Violation as found:
            violation = str(found)
        except Exception as error:  # noqa: BLE001 - whatever a run can make the product raise is a finding
            violation = f"error: {type(error).__name__}: {error} {_place(error)}"
        finally:
            world.close()
    counts = world.counts + world.watch.totals()
    counts["runs"] = 1
    counts["simulated_seconds"] = int(world.clock.now_seconds)
    return Outcome(seed, world.trace.digest(), violation, counts, world.swarm, tuple(world.trace.last))


@contextmanager
def _silence() -> Iterator[None]:
    """The desks' log of what goes wrong is of no use where everything does."""

    def drop(*_: Any) -> NoReturn:
        raise structlog.DropEvent

    configured = structlog.get_config()
    structlog.configure(processors=[drop])
    try:
        yield
    finally:
        structlog.configure(**configured)


def _place(error: BaseException) -> str:
    found, frame = "", error.__traceback__
    while frame is not None:
        found = f"{frame.tb_frame.f_code.co_filename.rsplit('/', 2)[-1]}:{frame.tb_lineno}"
        frame = frame.tb_next
    return found
