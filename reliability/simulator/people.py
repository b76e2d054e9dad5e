"""The people of the desks: what they write, to whom, and what they look at."""

from __future__ import annotations

import random
from hashlib import sha256
from typing import TYPE_CHECKING

from reliability.simulator.shifts import amend, keep_watch
from watchline.core.entries import Body, Confirmation, EntryType, Leaf, Notice, Place, Precedence, Response, first_place
from watchline.core.line import Phase
from watchline.core.outgoing import Draft
from watchline.core.persons import assertion_challenge, sign_assertion
from watchline.core.records import EntryRecord
from watchline.core.release import asserted
from watchline.desk.lines import OpenLine

if TYPE_CHECKING:
    from reliability.simulator.machine import Machine
    from reliability.simulator.world import World

LOOK_SECONDS = 3.0
ANSWERED_FROM = 20  # the newest entries of the peer among which people find one to acknowledge, decline or answer


class People:
    """Composes what the run's plan asks for, in bursts, until its time is over; now and then somebody looks at a ladder."""

    def __init__(self, world: World, source: random.Random) -> None:
        self._world = world
        self._source = source
        self._left = world.swarm.entries
        self._written = 0
        self._eagerness = {"soon": 0.7, "late": 0.1, "never": 0.0}[world.swarm.confirming]

    def begin(self) -> None:
        """Begin to write and to look."""
        self._next_burst()
        self._next_look()

    def _next_burst(self) -> None:
        swarm, clock = self._world.swarm, self._world.clock
        bursts = max(1.0, swarm.entries / ((1 + swarm.burst) / 2))
        wait = self._source.expovariate(bursts / swarm.compose_seconds)
        clock.call_at(clock.now_seconds + wait, self._burst)

    def _burst(self) -> None:
        world, source = self._world, self._source
        if world.healing or self._left <= 0:
            return
        self._next_burst()
        names = source.choice(world.swarm.lines)
        machine = world.machines[source.choice(names)]
        count = min(self._left, source.randint(1, world.swarm.burst))
        peer = names[names[0] == machine.name].lower()
        machine.run(lambda: self.write(machine, machine.desk.line_named(peer), count))

    def write(self, machine: Machine, opened: OpenLine, count: int) -> None:
        """Somebody at this machine writes so many entries, if its line takes any."""
        if opened.line.phase is Phase.STOPPED or not machine.desk.has_room:
            return
        for _ in range(count):
            self._left -= 1
            machine.desk.compose(opened, self._draft(machine, opened))
        if self._source.random() < 0.3:
            machine.desk.flush()  # as the command does that waits until it is safe here

    def _draft(self, machine: Machine, opened: OpenLine) -> Draft:
        source = self._source
        meant = self._meant(machine, opened) if source.random() < 0.15 else None
        if meant is not None and source.random() < 0.7:
            return self._response(machine, opened, meant)
        self._written += 1
        length = (
            source.randrange(2_000, 40_000) if source.random() < self._world.swarm.long_bodies else source.randrange(1, 300)
        )
        text = f"{machine.name} {self._written} " + "x" * length
        form = source.choices(("free-text", "statement", "airspace-object"), (6, 2, 1))[0]
        content = Notice(form, 1, source.choice(list(Precedence)), False, "en", {1: text}).encode()
        once = f"{machine.name} {self._written}" if source.random() < 0.2 else None
        size = opened.line.outgoing.edge.size
        kind, re = EntryType.NOTICE, None if meant is None else meant.index
        if meant is None and size > 1 and source.random() < 0.03:
            kind, re = EntryType.CANCEL, source.randrange(1, size)
        if source.random() >= self._world.swarm.released:
            return Draft(kind, content, re=re, once=once)
        nonce, assertions = self._sign(machine, opened, kind, content, self._place(machine, opened, kind, re))
        return Draft(kind, content, nonce, assertions, re, once, released=True)

    def _meant(self, machine: Machine, opened: OpenLine) -> EntryRecord | None:
        log = opened.line.setup.incoming_log
        size = machine.journal.size(log)
        if size < 2:
            return None
        found = machine.journal.entry(log, self._source.randrange(max(1, size - ANSWERED_FROM), size))
        return found if found is not None and found.type == EntryType.NOTICE else None

    def _response(self, machine: Machine, opened: OpenLine, meant: EntryRecord) -> Draft:
        leaf = Leaf.decode(meant.leaf)
        kind = self._source.choice((EntryType.ACKNOWLEDGE, EntryType.ACKNOWLEDGE, EntryType.DECLINE))
        inc, peer_inc = leaf.direction.inc, leaf.direction.peer_inc
        content = Response(kind, inc, peer_inc, leaf.index, leaf.commitment, "en").encode()
        nonce, assertions = self._sign(machine, opened, kind, content, None)
        return Draft(kind, content, nonce, assertions, leaf.index, None, True)

    def _place(self, machine: Machine, opened: OpenLine, kind: EntryType, re: int | None) -> Place | None:
        """What the release of an answer or a cancel names: where the entry that is meant stood first."""
        if re is None:
            return None
        setup, own = opened.line.setup, kind == EntryType.CANCEL
        target = machine.journal.entry(setup.outgoing_log if own else setup.incoming_log, re)
        if own and target is None:
            machine.desk.flush()
            target = machine.journal.entry(setup.outgoing_log, re)
        body = None if target is None else Body.decode(target.body)
        return first_place(setup.outgoing if own else setup.incoming, re, body)

    def _sign(
        self, machine: Machine, opened: OpenLine, kind: EntryType, content: bytes, meant: Place | None
    ) -> tuple[bytes, tuple[object, ...]]:
        nonce = self._source.randbytes(16)
        setup = opened.line.setup
        purpose, what = asserted(kind, Body(content), meant)
        challenge = assertion_challenge(purpose, setup.line, setup.own_id, nonce, what)
        return nonce, (sign_assertion(1, machine.party.officers[0], challenge).to_value(),)

    def _confirm(self, machine: Machine, opened: OpenLine) -> None:
        """Two officers stand for the incarnations that nobody here has confirmed."""
        setup = opened.line.setup
        for side in opened.line.unconfirmed:
            if opened.line.phase is Phase.STOPPED or not machine.desk.has_room:
                return
            signed = setup.own_certificate if side == "ours" else setup.peer_certificate
            said = signed.certificate
            content = Confirmation(said.desk, said.inc, sha256(signed.encoded).digest()).encode()
            nonce, (one,) = self._sign(machine, opened, EntryType.CONFIRM, content, None)
            challenge = assertion_challenge("incarnation", setup.line, setup.own_id, nonce, Body(content).digest)
            other = sign_assertion(2, machine.party.officers[1], challenge).to_value()
            machine.desk.compose(opened, Draft(EntryType.CONFIRM, content, nonce, (one, other), released=True))
            self._world.counts["confirmations"] += 1

    # --- looking

    def _next_look(self) -> None:
        clock = self._world.clock
        clock.call_at(clock.now_seconds + self._source.uniform(0.5, LOOK_SECONDS), self._look)

    def _look(self) -> None:
        """Somebody asks how far things are: what is shown is made durable first, and is not taken back. Then perhaps a test."""
        self._next_look()
        machines = list(self._world.machines.values())
        for machine in machines if self._world.healing else [self._source.choice(machines)]:
            machine.run(lambda machine=machine: self._shown(machine))  # type: ignore[misc]

    def _shown(self, machine: Machine) -> None:
        desk, source = machine.desk, self._source
        desk.flush()
        if self._world.swarm.confirming != "never" and (self._world.healing or source.random() < self._eagerness):
            for opened in desk.lines.values():
                self._confirm(machine, opened)
        for opened in desk.lines.values():
            self._world.watch.looked(machine.name, machine.journal, opened.line.setup.outgoing_log)
        opened = source.choice(list(desk.lines.values()))
        self._shift(machine, opened)
        what = source.choice(("probe", "routes", "test", "nothing", "nothing"))
        if what == "probe" and opened.link is not None:
            opened.link.send([opened.line.probe(desk.moment())])
        elif what == "routes":
            desk.announce_routes()
        elif what == "test" and opened.line.phase is Phase.OPEN and desk.has_room:
            desk.tests.start(opened)

    def _shift(self, machine: Machine, opened: OpenLine) -> None:
        """Perhaps people amend the terms, or one of them comes or goes; once the faults have ended they only agree."""
        world, source = self._world, self._source
        eagerness = 0.0 if world.healing else world.swarm.amending
        if world.swarm.amending and amend(machine, opened, source, eagerness):
            world.counts["terms_signed"] += 1
        if world.swarm.manned and not world.healing:
            keep_watch(machine, opened, source)
