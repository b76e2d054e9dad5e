"""Two real lines over two real journals, joined by a wire that a test holds in its hands."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

from watchline.core.certificate import Certificate, SignedCertificate, issue
from watchline.core.entries import Body, Confirmation, EntryType, Leaf, Notice, Place, Precedence, Response, first_place
from watchline.core.frames import FrameKey, Item
from watchline.core.keys import DeskKeys, Ed25519Key, IdentityKey
from watchline.core.line import Line
from watchline.core.outgoing import Draft
from watchline.core.persons import Officer, Roster, assertion_challenge, sign_assertion
from watchline.core.records import AlarmRecord, EntryRecord, Log
from watchline.core.release import asserted
from watchline.core.setting import Effects, EntryArrived, Event, IncarnationArrived, LineSetup, Moment
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
        line, SECRET, own.identity.identity, own.keys, own.certificate, own.roster,
        peer.identity.identity, peer.certificate, peer.roster, terms(),
    )  # fmt: skip


Death = Literal["before commit", "after commit", "half sent"]


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
    peer: Side | None = None
    fate: Callable[[Effects], Death | None] = lambda _: None

    def turn(self) -> None:
        """What a desk does: commit, then send. `fate` may end the process on the way; then it starts again and goes on."""
        effects = self.line.turn(self.clock.moment())
        death = self.fate(effects)
        if death == "before commit":
            return self.revive([])
        if effects.records:
            self.journal.commit(effects.records)
        if death == "after commit":
            return self.revive([])
        if death == "half sent":
            return self.revive(effects.frames[: (len(effects.frames) + 1) // 2])
        self.out += effects.frames
        self.events += effects.events
        self.arrived += [event.record for event in effects.events if isinstance(event, EntryArrived)]
        for event in effects.events:
            if isinstance(event, IncarnationArrived):
                known = self.setup.peer_certificate
                self.succeed(replace(self.setup, peer_certificate=event.certificate, past=(*self.setup.past, known)))
        return None

    def succeed(self, setup: LineSetup) -> None:
        """Begin a new pair of incarnations over the journal at hand, and say so."""
        self.setup = setup
        self.line = Line.begin(setup, self.journal, self.clock.moment())
        self.line.connected(self.clock.moment())
        self.turn()

    def reincarnate(self) -> None:
        """A new incarnation of this desk: other keys, the next certificate, the journal as it is now on the disk."""
        known = self.setup.own_certificate
        self.party = party(self.party.identity.identity.desk, known.certificate.inc + 1)
        self.out.clear()
        setup = replace(self.setup, own_keys=self.party.keys, own_certificate=self.party.certificate)
        self.succeed(replace(setup, past=(*setup.past, known)))

    def confirm(self, side: str = "theirs") -> EntryRecord:
        """Two people of this desk stand for an incarnation."""
        signed = self.setup.own_certificate if side == "ours" else self.setup.peer_certificate
        inc, desk = signed.certificate.inc, signed.certificate.desk
        content = Confirmation(desk, inc, sha256(signed.encoded).digest()).encode()
        nonce = self.clock.random.randbytes(16)
        challenge = assertion_challenge("incarnation", self.setup.line, self.setup.own_id, nonce, Body(content).digest)
        signed_by = [sign_assertion(n, key, challenge).to_value() for n, key in enumerate(self.party.officers, start=1)]
        draft = Draft(EntryType.CONFIRM, content, nonce, tuple(signed_by), released=True)
        return self.line.compose(draft, self.clock.moment())

    def revive(self, sent: list[bytes]) -> None:
        """Die and start again; what is under way stays so, and the peer finds that its link broke and comes again."""
        under_way = [*self.out, *sent]
        self.restart(connected=True)
        self.out += under_way
        self.turn()
        if self.peer is not None:
            self.peer.line.connected(self.peer.clock.moment())

    def restart(self, *, connected: bool = False) -> None:
        """The process dies and starts again from its journal: what was not committed is gone."""
        self.journal.close()
        self.out.clear()
        self.open(connected=connected)

    def open(self, *, connected: bool = False) -> None:
        """Start from the journal as it is on the disk."""
        self.journal = open_journal(self.path, bytes(32), create=False)
        self.line = Line.restore(self.setup, self.journal, self.clock.moment())
        if connected:
            self.line.connected(self.clock.moment())

    def backup(self, path: Path) -> None:
        """Copy the journal, as a backup of a stopped node would."""
        self.journal.close()
        shutil.copy(self.path, path)
        self.restart_from(self.path)

    def restart_from(self, path: Path) -> None:
        """Start from another copy of the journal, such as a backup; the files at hand are gone."""
        if path != self.path:
            self.journal.close()
            for old in self.path.parent.glob(self.path.name + "*"):
                old.unlink()
            shutil.copy(path, self.path)
        self.out.clear()
        self.open()

    def seal(self, *items: Item) -> bytes:
        """A frame of ours to the peer, with these items: what whoever has the pairing secret can make."""
        return FrameKey(self.setup.outer_keys()[0]).seal(items, self.clock.random.randbytes(12))

    def sent(self) -> list[Item]:
        """The items in the frames that wait to be carried."""
        key = FrameKey(self.setup.outer_keys()[0])
        return [item for frame in self.out for item in key.open(frame)]

    def hear(self, *items: Item, by: Side) -> None:
        """Take items that `by`, or a thief of the pairing secret, put into a frame; and close the turn."""
        self.line.receive(by.seal(*items), self.clock.moment())
        self.turn()

    def say(self, text: str, *, released: bool = True, once: str | None = None, re: int | None = None) -> EntryRecord:
        notice = Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: text})
        return self.notice(notice, released=released, once=once, re=re)

    def notice(self, notice: Notice, *, released: bool = True, once: str | None = None, re: int | None = None) -> EntryRecord:
        content = notice.encode()
        meant = None if re is None else self.place(self.setup.incoming_log, re)
        nonce, assertions = self.sign(EntryType.NOTICE, content, meant) if released else (None, ())
        draft = Draft(EntryType.NOTICE, content, nonce, assertions, re, once, released)
        return self.line.compose(draft, self.clock.moment())

    def acknowledge(
        self, record: EntryRecord, *, kind: EntryType = EntryType.ACKNOWLEDGE, once: str | None = None
    ) -> EntryRecord:
        leaf = Leaf.decode(record.leaf)
        content = Response(kind, leaf.direction.inc, leaf.direction.peer_inc, leaf.index, leaf.commitment, "en").encode()
        nonce, assertions = self.sign(kind, content)
        return self.line.compose(Draft(kind, content, nonce, assertions, leaf.index, once, True), self.clock.moment())

    def cancel(self, index: int) -> EntryRecord:
        """Cancel our own entry; the form of the content is a notice's."""
        content = Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: "cancelled"}).encode()
        nonce, assertions = self.sign(EntryType.CANCEL, content, self.place(self.setup.outgoing_log, index))
        return self.line.compose(Draft(EntryType.CANCEL, content, nonce, assertions, index, None, True), self.clock.moment())

    def place(self, log: Log, index: int) -> Place:
        """Where the entry at this index stood first; one that there is not yet would stand there."""
        record = self.journal.entry(log, index)
        body = None if record is None else Body.decode(record.body)
        return first_place(self.setup.direction(log), index, body)

    def sign(self, kind: EntryType, content: bytes, meant: Place | None = None) -> tuple[bytes, tuple[object, ...]]:
        """The first officer stands for an entry of this type. meant: what an answer or a cancel names."""
        nonce = self.clock.random.randbytes(16)
        purpose, what = asserted(kind, Body(content), meant)
        challenge = assertion_challenge(purpose, self.setup.line, self.setup.own_id, nonce, what)
        return nonce, (sign_assertion(1, self.party.officers[0], challenge).to_value(),)

    def texts(self) -> list[str]:
        """What the peer said here, in order, from the journal."""
        log = self.setup.incoming_log
        entries = self.journal.entries(log, 0, self.journal.size(log))
        notices = (Notice.decode(Body.decode(entry.body).content) for entry in entries if entry.type == EntryType.NOTICE)
        return [str(notice.fields.get(1)) for notice in notices]

    def alarms(self) -> list[AlarmRecord]:
        return self.journal.alarms(self.setup.line)


class Clock:
    """A clock that only a test moves, and randomness that only a seed decides. jump: by how much the wall clock is wrong."""

    def __init__(self, seed: object = 0, base: Clock | None = None) -> None:
        self._base = base
        self._running = 1000.0
        self.jump = 0
        self.random = seeded(seed)

    @property
    def running(self) -> float:
        return self._running if self._base is None else self._base.running

    @property
    def wall(self) -> int:
        return START + int(self.running - 1000) + self.jump

    def advance(self, seconds: float) -> None:
        self._running += seconds

    def moment(self) -> Moment:
        return Moment(self.wall, self.running, self.random.randbytes)


class LinePair:
    """Tokyo and Beijing, joined. Frames wait in `a.out` and `b.out` until the test delivers, drops or keeps them."""

    def __init__(
        self, folder: Path, seed: object = 0, *, connect: bool = True, line: bytes = LINE, padded: bool = True
    ) -> None:
        self.clock = Clock()
        self.padded = padded
        tokyo, beijing = party("Tokyo"), party("Beijing")
        self.a = self._side(folder / "a.db", setup_of(tokyo, beijing, line), tokyo, (seed, "a"))
        self.b = self._side(folder / "b.db", setup_of(beijing, tokyo, line), beijing, (seed, "b"))
        self.a.peer, self.b.peer = self.b, self.a
        if connect:
            self.connect()
            self.settle()

    def _side(self, path: Path, setup: LineSetup, own: Party, seed: object) -> Side:
        clock = Clock(seed, self.clock)
        journal = open_journal(path, bytes(32), create=True)
        journal.put_line(LineRecord(setup.line, "line", clock.wall, True, b""))
        line = Line.begin(setup, journal, clock.moment(), padded=self.padded)
        side = Side(setup, own, path, journal, line, clock)
        side.turn()
        return side

    def connect(self) -> None:
        for side in (self.a, self.b):
            side.line.connected(side.clock.moment())
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
            self.b.line.receive(frame, self.b.clock.moment())
        for frame in from_b:
            self.a.line.receive(frame, self.a.clock.moment())
        for side in (self.a, self.b):
            side.turn()
        return len(from_a) + len(from_b)

    def deliver_one(self, sender: Side, hearer: Side) -> None:
        """Carry over what one side has sent, and let the other close its turn; nothing goes back yet."""
        frames, sender.out[:] = list(sender.out), []
        for frame in frames:
            hearer.line.receive(frame, hearer.clock.moment())
        hearer.turn()

    def settle(self, seconds: float = 5.0) -> None:
        """Let the wire carry everything and time pass, until both have nothing more to say."""
        steps = max(1, int(seconds / 0.5))
        for _ in range(steps):
            for side in (self.a, self.b):
                side.line.tick(side.clock.moment())
                side.turn()
            while self.deliver():
                pass
            self.clock.advance(0.5)

    def close(self) -> None:
        self.a.journal.close()
        self.b.journal.close()


@contextmanager
def joined(seed: object = 0, *, connect: bool = True, line: bytes = LINE, padded: bool = True) -> Iterator[LinePair]:
    """A pair whose journals lie in memory if the system can do that, so that a test may make many."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        pair = LinePair(Path(folder), seed, connect=connect, line=line, padded=padded)
        try:
            yield pair
        finally:
            pair.close()
