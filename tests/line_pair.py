"""Two real lines over two real journals, joined by a wire that a test holds in its hands."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from watchline.core.certificate import Certificate, SignedCertificate, issue
from watchline.core.entries import Body, EntryType, Notice, Precedence, Response
from watchline.core.keys import DeskKeys, Ed25519Key, IdentityKey
from watchline.core.line import Line
from watchline.core.outgoing import Draft
from watchline.core.persons import Officer, Roster, assertion_challenge, sign_assertion
from watchline.core.records import AlarmRecord, EntryRecord
from watchline.core.setting import Event, LineSetup, Moment
from watchline.core.terms import Terms, default_terms
from watchline.journal import LineRecord
from watchline.journal.sqlite import SqliteJournal, open_journal

START = 1_680_220_800  # 31 March 2023, 00:00 UTC
LINE = bytes(range(32))
SECRET = bytes(32 * [7])


def seeded(seed: object) -> random.Random:
    return random.Random(repr(seed))


@dataclass(frozen=True)
class Party:
    """One desk's keys: everything that its people and its node hold."""

    identity: IdentityKey
    keys: DeskKeys
    certificate: SignedCertificate
    officers: tuple[Ed25519Key, ...]
    roster: Roster


@lru_cache
def party(name: str, inc: int = 1) -> Party:
    rng = seeded(name)
    identity = IdentityKey.generate(name, rng.randbytes)
    keys = DeskKeys.generate(seeded((name, inc)).randbytes)
    certificate = issue(
        identity, Certificate(identity.identity.id, None, inc, inc, keys.public, START - 86400, START + 365 * 86400)
    )
    officers = tuple(Ed25519Key(rng.randbytes(32)) for _ in range(2))
    roster = Roster(
        1,
        tuple(
            Officer(n, 0, key.public, "duty", None, START - 86400, START + 365 * 86400)
            for n, key in enumerate(officers, start=1)
        ),
    )
    return Party(identity, keys, certificate, officers, roster)


def terms() -> Terms:
    return default_terms(
        ("en", "ja"),
        bytes(32),
        {"airspace-object": "answer", "statement": "acknowledgement", "free-text": "none", "test": "none"},
        ("test",),
    )


def setup_of(own: Party, peer: Party, line: bytes = LINE) -> LineSetup:
    return LineSetup(
        line, SECRET, own.identity.identity.id, own.keys, own.certificate, own.roster,
        peer.identity.identity, peer.certificate, peer.roster, terms(),
    )  # fmt: skip


@dataclass
class Side:
    """One desk's end: its line, its journal, and what it put on the wire and told its people."""

    setup: LineSetup
    party: Party
    path: Path
    journal: SqliteJournal
    line: Line
    clock: Clock
    out: list[bytes] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    arrived: list[EntryRecord] = field(default_factory=list)

    def turn(self) -> None:
        """What a desk does: commit, then send."""
        effects = self.line.turn(self.clock.moment())
        if effects.records:
            self.journal.commit(effects.records)
        self.out += effects.frames
        self.events += effects.events
        self.arrived += [event.record for event in effects.events if hasattr(event, "record") and type(event.record) is EntryRecord]

    def restart(self) -> None:
        """The process dies and starts again from its journal: what was not committed is gone."""
        self.journal.close()
        self.out.clear()
        self.journal = open_journal(self.path, bytes(32), create=False)
        self.line = Line.restore(self.setup, self.journal, self.clock.moment())

    def say(self, text: str, *, released: bool = True, once: str | None = None, re: int | None = None) -> EntryRecord:
        notice = Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: text})
        return self.notice(notice, released=released, once=once, re=re)

    def notice(self, notice: Notice, *, released: bool = True, once: str | None = None, re: int | None = None) -> EntryRecord:
        content = notice.encode()
        nonce, assertions = self.sign("release", content) if released else (None, ())
        draft = Draft(EntryType.NOTICE, content, nonce, assertions, re, once, released)
        return self.line.compose(draft, self.clock.moment())

    def acknowledge(self, record: EntryRecord, *, kind: EntryType = EntryType.ACKNOWLEDGE) -> EntryRecord:
        from watchline.core.entries import Leaf

        leaf = Leaf.decode(record.leaf)
        content = Response(kind, leaf.direction.inc, leaf.direction.peer_inc, leaf.index, leaf.commitment, "en").encode()
        purpose = "acknowledge" if kind == EntryType.ACKNOWLEDGE else "decline"
        nonce, assertions = self.sign(purpose, content)
        return self.line.compose(Draft(kind, content, nonce, assertions, leaf.index, None, True), self.clock.moment())

    def sign(self, purpose: str, content: bytes) -> tuple[bytes, tuple[object, ...]]:
        nonce = self.clock.random.randbytes(16)
        challenge = assertion_challenge(purpose, self.setup.line, self.setup.own_id, nonce, Body(content).digest)
        return nonce, (sign_assertion(1, self.party.officers[0], challenge).to_value(),)

    def texts(self) -> list[str]:
        """What the peer said here, in order, from the journal."""
        log = self.setup.incoming_log
        found = []
        for record in self.journal.entries(log, 0, self.journal.size(log)):
            if record.type == EntryType.NOTICE:
                found.append(str(Notice.decode(Body.decode(record.body).content).fields.get(1)))
        return found

    def alarms(self) -> list[AlarmRecord]:
        return self.journal.alarms(self.setup.line)


class Clock:
    """A clock that only a test moves, and randomness that only a seed decides."""

    def __init__(self, seed: object = 0) -> None:
        self.wall = START
        self.running = 1000.0
        self.random = seeded(seed)

    def advance(self, seconds: float) -> None:
        self.running += seconds
        self.wall = START + int(self.running - 1000)

    def moment(self) -> Moment:
        return Moment(self.wall, self.running, self.random.randbytes)


class LinePair:
    """Tokyo and Beijing, joined. Frames wait in `a.out` and `b.out` until the test delivers, drops or keeps them."""

    def __init__(self, folder: Path, seed: object = 0, *, connect: bool = True) -> None:
        self.clock = Clock(seed)
        tokyo, beijing = party("Tokyo"), party("Beijing")
        self.a = self._side(folder / "a.db", tokyo, beijing)
        self.b = self._side(folder / "b.db", beijing, tokyo)
        if connect:
            self.connect()
            self.settle()

    def _side(self, path: Path, own: Party, peer: Party) -> Side:
        setup = setup_of(own, peer)
        journal = open_journal(path, bytes(32), create=True)
        journal.put_line(LineRecord(setup.line, "line", self.clock.wall, True, b""))
        line = Line.begin(setup, journal, self.clock.moment())
        side = Side(setup, own, path, journal, line, self.clock)
        side.turn()
        return side

    def connect(self) -> None:
        for side in (self.a, self.b):
            side.line.connected(self.clock.moment())
            side.turn()

    def cut(self) -> None:
        for side in (self.a, self.b):
            side.line.disconnected()
            side.out.clear()

    def deliver(self) -> int:
        """Carry over what waits, whole and in order; give how many frames that were."""
        from_a, self.a.out[:] = list(self.a.out), []
        from_b, self.b.out[:] = list(self.b.out), []
        for frame in from_a:
            self.b.line.receive(frame, self.clock.moment())
        for frame in from_b:
            self.a.line.receive(frame, self.clock.moment())
        for side in (self.a, self.b):
            side.turn()
        return len(from_a) + len(from_b)

    def settle(self, seconds: float = 5.0) -> None:
        """Let the wire carry everything and time pass, until both have nothing more to say."""
        steps = max(1, int(seconds / 0.5))
        for _ in range(steps):
            for side in (self.a, self.b):
                side.line.tick(self.clock.moment())
                side.turn()
            while self.deliver():
                pass
            self.clock.advance(0.5)

    def close(self) -> None:
        self.a.journal.close()
        self.b.journal.close()
