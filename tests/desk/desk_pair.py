"""Two real desks with real journals, joined in one process under a clock that the test advances."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.line_pair import SECRET, START, Party, party, terms
from watchline.core.encoding import encode
from watchline.core.pairing import Pairing, RouteAddress
from watchline.core.setting import Moment
from watchline.core.terms import Terms
from watchline.desk.config import Config
from watchline.desk.desk import Desk
from watchline.desk.lines import OpenLine
from watchline.desk.own import DOCUMENT, OwnDesk
from watchline.journal import LineRecord
from watchline.journal.sqlite import SqliteJournal, open_journal
from watchline.routes import Link
from watchline.routes.memory import Faults, MemoryClock, MemoryLink, MemoryRoute

LINE = bytes(range(32))


@dataclass
class Handle:
    """A timer of the test's clock."""

    action: Callable[[], None] | None

    def cancel(self) -> None:
        self.action = None

    def fire(self) -> None:
        if self.action is not None:
            self.action()


class Scheduler:
    """The desk's clock and timers, on the time of a MemoryClock."""

    def __init__(self, clock: MemoryClock, wall: int, source: random.Random | None = None) -> None:
        self.clock = clock
        self.wall = wall
        self.random = source or random.Random(5)
        self.alive = True

    def reborn(self) -> Scheduler:
        """The scheduler of the next process; timers of this one never fire."""
        self.alive = False
        return Scheduler(self.clock, self.wall, self.random)

    def call_soon(self, action: Callable[[], None]) -> object:
        return self.call_later(0.0, action)

    def call_later(self, delay_seconds: float, action: Callable[[], None]) -> Handle:
        handle = Handle(lambda: action() if self.alive else None)
        self.clock.call_at(self.clock.now_seconds + delay_seconds, handle.fire)
        return handle

    def moment(self) -> Moment:
        now = self.clock.now_seconds
        return Moment(self.wall + int(now), 1000.0 + now, self.random.randbytes)


class DeskEnd:
    """One desk and the owner of its links."""

    def __init__(
        self, folder: Path, own: Party, peer: Party, agreed: Terms, scheduler: Scheduler, address: str, vfs: str | None = None
    ) -> None:
        self.path = folder / f"{own.identity.desk}.db"
        self.scheduler = scheduler
        self.peer = peer
        journal = open_journal(self.path, bytes(32), create=True, vfs=vfs)
        document = OwnDesk(
            "en", "UTC", own.identity.identity, "identity", bytes(1216), own.keys, own.certificate, own.roster, START
        )
        journal.put_document(*DOCUMENT, document.encode(), sealed=True)
        route = RouteAddress("direct", address)
        pairing = Pairing(
            LINE, SECRET, own.identity.identity.id, peer.identity.identity, peer.certificate, peer.roster, (route,), agreed,
            True, (bytes(32), bytes(32), bytes(32)),
        )  # fmt: skip
        journal.put_line(LineRecord(LINE, peer.identity.desk.lower(), START, True, pairing.encode()))
        journal.put_document("own-routes", "self", encode([["direct", address]]), False)
        self.links: list[Link] = []
        self.config = Config()
        self._take_up(journal)

    def _take_up(self, journal: SqliteJournal) -> None:
        self.journal = journal
        self.desk = Desk(journal, self.config, clock=self.scheduler.moment)
        self.desk.run(self.scheduler)

    @property
    def line(self) -> OpenLine:
        return self.desk.lines[LINE]

    def restart(self) -> None:
        """Kill the process: what was not committed is gone; then start it again."""
        self.scheduler = self.scheduler.reborn()
        self.links.clear()
        self.journal.close()
        self._take_up(open_journal(self.path, bytes(32), create=False))

    def backup(self, path: Path) -> None:
        """Copy the journal while the process is down; then it starts again."""
        self.desk.stop()
        self.journal.close()
        shutil.copy(self.path, path)
        self.restart()

    def restart_from(self, path: Path) -> None:
        """Start from another copy of the journal; the one at hand is gone."""
        self.journal.close()
        for old in self.path.parent.glob(self.path.name + "*"):
            old.unlink()
        shutil.copy(path, self.path)
        self.restart()

    def opened(self, link: Link) -> None:
        self.links.append(link)
        self.desk.link_opened(self.line, link)

    def received(self, link: Link, frames: list[bytes]) -> None:
        if link in self.links:
            self.desk.frames_received(self.line, frames)

    def drained(self, link: Link) -> None:
        self.desk.link_drained(self.line, link)

    def introduced(self, door: str, fingerprint: bytes, introduction: bytes) -> bool:
        return False

    def closed(self, link: Link, reason: str) -> None:
        if link in self.links:
            self.links.remove(link)
            self.desk.link_closed(self.line, link)


class DeskPair:
    """Tokyo and Beijing as desks; `advance` lets time pass for both, `cut` and `join` hold the cable."""

    def __init__(
        self, folder: Path, *, agreed: Terms | None = None, faults: Faults | None = None, vfs: str | None = None
    ) -> None:
        self.clock = MemoryClock()
        self.scheduler = Scheduler(self.clock, START)
        self.route = MemoryRoute(self.clock, random.Random(3), faults)
        agreed = agreed or terms()
        tokyo, beijing = party("Tokyo"), party("Beijing")
        self.a = DeskEnd(folder, tokyo, beijing, agreed, Scheduler(self.clock, START), "192.0.2.2:7400", vfs)
        self.b = DeskEnd(folder, beijing, tokyo, agreed, Scheduler(self.clock, START), "192.0.2.1:7400")
        self.joined: tuple[MemoryLink, MemoryLink] | None = None

    def join(self) -> None:
        fingerprints = [end.peer.certificate.certificate.public.tls_fingerprint for end in (self.a, self.b)]
        self.joined = self.route.join(self.a, fingerprints[0], self.b, fingerprints[1])

    def cut(self) -> None:
        if self.joined is not None:
            self.joined[0].cut()
            self.joined = None
        self.clock.advance(0.01)

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def close(self) -> None:
        self.a.journal.close()
        self.b.journal.close()
