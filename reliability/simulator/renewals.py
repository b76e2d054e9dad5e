"""People who renew the secrets of lines by files that they carry, with the real ceremony, while everything else goes wrong.

Files are slow, are lost, come twice, late, out of order, to another desk or for another line; commands are killed half-way;
renewals are abandoned and begun anew, by either desk or by both. Who finds a line down afterwards does what docs/operations.md
says. One thing has no way back there: a desk was restored while its file 3 was under way, and went on under what that brings,
and the answer that this file belongs to has ended at the other desk. Such a line has to be paired anew; it is `stranded`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

from reliability.simulator.commands import Interrupted, NodeOfMachine
from reliability.simulator.identities import Identities
from reliability.simulator.pool import pairing
from reliability.simulator.violation import Violation
from watchline.core.frames import Item
from watchline.core.line_keys import LineKeys
from watchline.core.line_secrets import LineSecrets
from watchline.core.pairing import Pairing
from watchline.core.renewal import is_answer_to, renewal_step
from watchline.desk.ceremony import own_desk
from watchline.desk.kept_secrets import KIND, take_kept_secrets
from watchline.desk.renewal_ceremony import RenewalStep, Renewing
from watchline.desk.renewals import door_under, doors
from watchline.errors import BadSignature, PeerError, RouteError, WatchlineError

if TYPE_CHECKING:
    from reliability.simulator.machine import Machine
    from reliability.simulator.network import Cable
    from reliability.simulator.world import World
    from watchline.desk.home import Home
    from watchline.journal import Journal

CARRY_SECONDS = (0.2, 5.0)
SLOWLY = 0.1  # of all files: ten times as long
LOST, TWICE, ASTRAY = 0.12, 0.3, 0.15
PASSPHRASE_SECONDS = (0.2, 4.0)
ABANDONED = 0.15  # how likely people begin anew while one is under way
TRIES = 3  # of a command to which no node answers
MEND_SECONDS = 10.0
OLD_SPARES = 0.3
FRAME_RULE = 19  # what does not open under any secret of the line is refused by it


@dataclass(frozen=True, slots=True)
class Carried:
    """A file on its way. author: the desk that made it."""

    line: bytes
    author: str
    data: bytes


class State(NamedTuple):
    """Everything of a renewal that one desk keeps of a line: its secrets, what waits for a file, and what its medium has."""

    secrets: LineSecrets
    waiting: bytes | None
    medium: LineSecrets


class Renewals:
    """What people do about the secrets of lines, as the run's plan says. stranded: lines that have to be paired anew."""

    def __init__(self, world: World, source: random.Random) -> None:
        self._world = world
        self._source = source
        self._left = world.swarm.renewals
        self._files: list[Carried] = []
        self._on_the_way = 0
        self._answers: dict[tuple[str, bytes], bytes] = {}  # file 2 of the last step of a desk, where that was an answer
        self._behind: set[str] = set()  # desks whose home is an old copy, and that nobody made a new incarnation since
        self._was_set_back: set[str] = set()  # and those of which that was true when people did something there last
        self._deaf: Counter[bytes] = Counter()
        self._helped: Counter[tuple[str, bytes]] = Counter()
        self._identities: Identities | None = None
        self.stranded: set[bytes] = set()

    def begin(self) -> None:
        """Give each desk its medium, and let people begin."""
        swarm = self._world.swarm
        if swarm.renewing is None:
            return
        peers = {name: [ends[ends[0] == name] for ends in swarm.lines if name in ends] for name in swarm.desks}
        self._identities = Identities({name: [pairing(name, peer, swarm.pace) for peer in peers[name]] for name in swarm.desks})
        self._later(self._source.expovariate(1 / swarm.renewing), self._act)

    def close(self) -> None:
        """Delete the media."""
        if self._identities is not None:
            self._identities.close()

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        clock = self._world.clock
        clock.call_at(clock.now_seconds + seconds, action)

    @property
    def _media(self) -> Identities:
        assert self._identities is not None
        return self._identities

    # --- what people do

    def _act(self) -> None:
        world, source = self._world, self._source
        if world.healing:
            return
        assert world.swarm.renewing is not None
        self._later(source.expovariate(1 / world.swarm.renewing), self._act)
        line, ends = self._any_line()
        what = source.choices(("begin", "stray", "again", "thief"), (4, 2, 1, 2))[0]
        if what == "begin" and self._left > 0 and (self._is_at_rest(line) or source.random() < ABANDONED):
            for end in ends if source.random() < 0.2 else [source.choice(ends)]:
                self._left -= 1
                self._command(end, line, "begin", lambda renewing: renewing.begin(self._media.new_file()))
        elif what == "stray" and self._files:
            self._give(source.choice(self._files), *self._anywhere())
        elif what == "again":
            self._again(source.choice(ends), line)
        elif what == "thief":
            self._try_secrets(source.choice(ends), line)

    def _is_at_rest(self, line: bytes) -> bool:
        """Whether nobody waits for a file, as far as people can tell."""
        made = [file for file in self._files if file.line == line]
        return not made or (renewal_step(made[-1].data) == 3 and self._world.watch.secrecy.is_through(line))

    def _any_line(self) -> tuple[bytes, tuple[Machine, Machine]]:
        cable = self._source.choice(list(self._world.cables.values()))
        return cable.line, self._ends(cable)

    @staticmethod
    def _ends(cable: Cable) -> tuple[Machine, Machine]:
        one, other = cable.ends
        return cast("Machine", one), cast("Machine", other)

    def _anywhere(self) -> tuple[Machine, bytes]:
        line, ends = self._any_line()
        return self._source.choice(ends), line

    def _again(self, machine: Machine, line: bytes) -> None:
        if self._world.watch.secrecy.held[machine.name, line].file3 is not None:
            self._command(machine, line, "again", lambda renewing: renewing.again(self._media.new_file()))

    def _carry(self, file: Carried) -> None:
        """Somebody sets out with a file; it comes to the other desk once, twice or never, and perhaps to a wrong one."""
        source = self._source
        self._files.append(file)
        if source.random() < LOST and not self._world.healing:
            return
        target = self._world.machines[self._world.watch.peers[file.author, file.line]]
        for _ in range(2 if source.random() < TWICE else 1):
            wait = source.uniform(*CARRY_SECONDS) * (10 if source.random() < SLOWLY and not self._world.healing else 1)
            self._on_the_way += 1
            self._later(wait, lambda: self._arrive(file, target))
        if source.random() < ASTRAY:
            wrong = self._anywhere()
            self._later(source.uniform(*CARRY_SECONDS), lambda: self._give(file, *wrong))

    def _arrive(self, file: Carried, target: Machine) -> None:
        self._on_the_way -= 1
        self._give(file, target, file.line)

    def _give(self, file: Carried, machine: Machine, line: bytes) -> None:
        self._command(machine, line, "take", lambda renewing: renewing.go_on(file.data, self._media.new_file()), file)

    # --- one command

    def _command(
        self,
        machine: Machine,
        line: bytes,
        what: str,
        act: Callable[[Renewing], RenewalStep],
        given: Carried | None = None,
        tries: int = TRIES,
    ) -> None:
        """Somebody gives a command: it reads how the line stands, perhaps asks for a passphrase, and makes its step."""
        caller = NodeOfMachine(machine, self._source, interrupted=not self._world.healing)
        name = self._world.watch.peers[machine.name, line].lower()
        folder = self._media.folder(machine.name)
        no_home = cast("Home", None)  # the medium's folder is given, so nobody asks the home for it
        try:
            own = own_desk(caller)
            renewing = Renewing(caller, no_home, own, lambda _: self._media.medium(machine.name), name, folder)
        except (RouteError, WatchlineError, Interrupted):
            if tries > 1:
                again = self._source.uniform(*CARRY_SECONDS)
                self._later(again, lambda: self._command(machine, line, what, act, given, tries - 1))
            return
        if self._source.random() < 0.5:
            self._finish(machine, line, what, lambda: act(renewing), given)
        else:
            waits = self._source.uniform(*PASSPHRASE_SECONDS)
            self._later(waits, lambda: self._finish(machine, line, what, lambda: act(renewing), given))

    def _finish(self, machine: Machine, line: bytes, what: str, act: Callable[[], RenewalStep], given: Carried | None) -> None:
        place, life, before = (machine.name, line), machine.life, self._state(machine, line)
        try:
            made = act()
        except (RouteError, Interrupted):  # it may be stored all the same
            self._answers.pop(place, None)
            self._count(machine, what, "interrupted")
        except WatchlineError as refusal:
            whole = machine.is_up and machine.life == life and refusal.kind != "journal"
            self._count(machine, what, "refused")
            if not whole:
                self._answers.pop(place, None)
            elif before is not None and self._has_changed(machine, line, before):
                raise Violation(
                    "secret", f"{machine.name} refused a step, and it changed something: {refusal.message}"
                ) from None
        else:
            if what != "again":
                self._answers.pop(place, None)
                self._was_set_back.discard(machine.name)
            self._done(machine, line, made, given)
            self._count(machine, what, f"step {made.step}")
        self._check_medium(machine, line)

    def _count(self, machine: Machine, what: str, outcome: str) -> None:
        machine.note("renewal", what, outcome)
        self._world.counts[f"renewal: {outcome}"] += 1

    def _done(self, machine: Machine, line: bytes, made: RenewalStep, given: Carried | None) -> None:
        secrecy = self._world.watch.secrecy
        if given is not None and (given.line, given.author) != (line, self._world.watch.peers[machine.name, line]):
            raise Violation("secret", f"{machine.name} took a file that is not for it")
        if made.step == 2 and made.file is not None:
            self._answers[machine.name, line] = made.file
        if (
            given is not None
            and renewal_step(given.data) == 3
            and secrecy.held[machine.name, line].next != secrecy.offered.get(given.data)
        ):
            raise Violation("secret", f"{machine.name} took another secret from file 3 than its maker has")
        if made.file is not None:
            self._carry(Carried(line, machine.name, made.file))

    def _state(self, machine: Machine, line: bytes) -> State | None:
        """None where the disk does not say."""
        found: list[State] = []

        def read() -> None:
            (row,) = (row for row in machine.journal.lines() if row.line == line)
            waiting = machine.journal.document(KIND, line.hex())
            found.append(State(Pairing.decode(row.pairing).secrets, waiting, self._media.kept(machine.name)[line]))

        machine.run(read)
        return found[0] if found else None

    def _has_changed(self, machine: Machine, line: bytes, before: State) -> bool:
        """Whether a refused step left anything behind but a medium that knows what the journal has."""
        now = self._state(machine, line)
        return now is not None and now not in (before, before._replace(medium=before.secrets))

    def started(self, machine: Machine) -> None:
        """A process runs again, after whatever had stopped the one before."""
        if self._identities is not None and self._world.machines[machine.name] is machine:
            for line in machine.desk.lines:
                self._check_medium(machine, line)

    def _check_medium(self, machine: Machine, line: bytes) -> None:
        """What is lost with this home can be had from the medium again."""
        held = self._world.watch.secrecy.held[machine.name, line]
        if machine.name not in self._behind and (held.next or held.spoken) not in self._media.kept(machine.name)[line].all:
            raise Violation("medium", f"the medium of {machine.name} does not know the newest secret of a line")

    # --- other homes

    def set_back(self, machine: Machine) -> None:
        """An old copy was put in the place of the disk, and nobody noticed."""
        if self._identities is not None:
            self._behind.add(machine.name)
            self._was_set_back.add(machine.name)
            self._forget_answers(machine)

    def take_up(self, machine: Machine, journal: Journal, *, copied: bool, spare: bool) -> None:
        """The home becomes a new incarnation. What it knows of secrets is brought up to date from the medium, except where it
        is an old spare, which was made before anything was renewed.
        """
        if self._identities is None:
            return
        self._forget_answers(machine)
        self._behind.discard(machine.name)
        if spare and not self._world.healing and self._source.random() < OLD_SPARES:
            self._behind.add(machine.name)
            self._was_set_back.add(machine.name)
        else:
            take_kept_secrets(journal, self._media.unlocked(machine.name), from_backup=copied)
        self._world.watch.secrecy.replaced(machine.name, journal, guessed=copied)

    def _forget_answers(self, machine: Machine) -> None:
        for place in [place for place in self._answers if place[0] == machine.name]:
            del self._answers[place]

    # --- a thief

    def _try_secrets(self, machine: Machine, line: bytes) -> None:
        """Whoever has the secrets that were left behind says something under each."""
        for secret in self._world.watch.secrecy.retired(machine.name, line):
            if machine.is_up and machine.desk.has_room and machine.desk.failed is None:
                self._try_secret(machine, line, secret)

    def _try_secret(self, machine: Machine, line: bytes, secret: bytes) -> None:
        """What is sealed under it is junk, and no door opens by it."""
        watch, opened = self._world.watch, machine.desk.lines[line]
        peer, setup, junk = watch.peers[machine.name, line], opened.line.setup, opened.line.junk
        key = watch.secrecy.key(peer, line, secret)
        frame = key.seal(self._overheard(line, peer), self._source.randbytes(12))
        machine.run(lambda: machine.desk.frames_received(opened, [frame]))
        if opened.line.junk != junk + 1 or not _is_refused(LineKeys(setup), frame):
            raise Violation("secret", f"{machine.name} took a frame under a secret that it has left behind")
        if door_under(secret, setup.own_id, setup.peer_identity.id) in doors(opened):
            raise Violation("secret", f"{machine.name} keeps a door open that it has left behind")
        self._world.counts["frames of a thief"] += 1

    def _overheard(self, line: bytes, peer: str) -> list[Item]:
        """What the peer said once, under whatever secret."""
        kept = self._world.cables[line].kept[peer]
        if not kept:
            return []
        try:
            return self._world.watch.secrecy.open(peer, line, self._source.choice(kept)[0])
        except PeerError:
            return []

    # --- when the faults have ended

    def heal(self) -> None:
        """Let people look after lines that stay down."""
        if self._identities is not None:
            self._later(MEND_SECONDS, self._mend)

    def _mend(self) -> None:
        self._later(MEND_SECONDS, self._mend)
        secrecy = self._world.watch.secrecy
        for line, cable in self._world.cables.items():
            ends = self._ends(cable)
            if not self._world.is_live(line) or not secrecy.is_deaf(line) or not all(end.is_up for end in ends):
                continue
            self._deaf[line] += 1
            if self._deaf[line] % 3 == 1:
                for end in ends:
                    self._again(end, line)
            elif self._deaf[line] % 3 == 0:
                self._call_for_help(line, ends)

    def _call_for_help(self, line: bytes, ends: tuple[Machine, Machine]) -> None:
        """File 3 did not help. A home that was set back goes on with what its medium has; else the line is paired anew."""
        secrecy, rebirths = self._world.watch.secrecy, self._world.rebirths
        for end in ends:
            held = secrecy.held[end.name, line]
            if end.name in self._was_set_back and held.previous is None and self._helped[end.name, line] < 2:
                self._helped[end.name, line] += 1
                self._world.counts["homes brought back for a line"] += 1
                offers = held.file3 is not None
                rebirths.succeed(end, self._world.image(end.name) if offers else None, spare=offers)
                return
        if self._is_to_be_paired_anew(line, ends):
            self._world.counts["lines_to_pair_anew"] += 1
            self.stranded.add(line)

    def _is_to_be_paired_anew(self, line: bytes, ends: tuple[Machine, Machine]) -> bool:
        for one, other in (ends, ends[::-1]):
            ours, theirs = (self._world.watch.secrecy.held[end.name, line] for end in (one, other))
            answer = self._answers.get((other.name, line))
            is_guess = ours.file3 is not None and ours.previous is not None and ours.previous == theirs.spoken
            if (
                is_guess
                and ours.spoken not in theirs.all
                and (answer is None or not is_answer_to(cast("bytes", ours.file3), answer))
            ):
                return True
        return False

    # --- the end

    def unsettled(self) -> list[str]:
        """What people still carry, and renewals that are taken and not through."""
        if self._identities is None:
            return []
        secrecy = self._world.watch.secrecy
        carried = [f"{self._on_the_way} files are on their way"] if self._on_the_way else []
        return carried + [
            f"a renewal between {' and '.join(end.name for end in cable.ends)} is not through"
            for line, cable in self._world.cables.items()
            if self._world.is_live(line) and not secrecy.is_through(line)
        ]

    def judge(self) -> None:
        """Raise Violation for a desk that did not leave a secret behind, and for one that can be read off a disk."""
        if self._identities is None:
            return
        world, secrecy = self._world, self._world.watch.secrecy
        for (name, line), held in secrecy.held.items():
            machine = world.machines[name]
            if machine.desk.lines[line].line.setup.secrets != held:
                raise Violation("secret", f"{name} goes on with other secrets than its journal has")
            self._try_secrets(machine, line)
            if world.is_live(line):
                world.counts["renewals_through"] += held.renewals
        every = [secret for secrets in secrecy.ever.values() for secret in secrets[1:]]
        files = [content for machine in world.machines.values() for content in machine.disk.snapshot().values()]
        if any(secret in content for content in files for secret in every) or self._media.hold_in_clear(every):
            raise Violation("secret", "the secret of a line can be read off a disk")


def _is_refused(keys: LineKeys, frame: bytes) -> bool:
    try:
        keys.open(frame)
    except BadSignature as refusal:
        return refusal.rule == FRAME_RULE
    return False
