"""Desks that have been paired: made once for a process, because keys are costly, and copied onto the disks of each run."""

from __future__ import annotations

import atexit
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from reliability.medium import Image, MediumVFS
from watchline.core.certificate import Certificate, SignedCertificate, issue
from watchline.core.encoding import encode
from watchline.core.keys import DeskKeys, Ed25519Key, IdentityKey, KemKey
from watchline.core.pairing import Pairing, RouteAddress
from watchline.core.persons import Officer, Roster
from watchline.core.terms import Clocks, Terms, default_terms
from watchline.desk import renewal_ceremony
from watchline.desk.incarnation import put_incarnation, read_own
from watchline.desk.own import DOCUMENT, OwnDesk
from watchline.journal import Journal, LineRecord, sealing, sqlite
from watchline.journal.sqlite import open_journal

START = 1_680_220_800  # 31 March 2023, 00:00 UTC: the wall clock of every run begins here
DAY = 86_400
# So long that no jump of a clock makes a key expire: that is a remark, and another test's.
DATES = 1, START + 100 * 366 * DAY
NODE_KEY = b"n" * 32
NAMES = ("Tokyo", "Beijing", "Seoul", "Manila", "Hanoi")
URGENT = Clocks(40, 90), Clocks(20, 60), Clocks(8, 30), Clocks(3, 12)
WAL_BYTES = 65_536  # so short that a run writes it back more than once


@dataclass(frozen=True)
class Party:
    """One desk's keys: everything that its people and its node hold. keys, certificate: of its first incarnation."""

    name: str
    identity: IdentityKey
    keys: DeskKeys
    certificate: SignedCertificate
    officers: tuple[Ed25519Key, Ed25519Key]
    roster: Roster

    @property
    def id(self) -> bytes:
        """The desk's identity, 32 bytes."""
        return self.identity.identity.id


@cache
def party(name: str) -> Party:
    """The desk of this name; the same keys in every process."""
    source = random.Random(name)
    identity = IdentityKey.generate(name, source.randbytes)
    keys = DeskKeys.generate(source.randbytes)
    certificate = _certificate(identity, keys, 1)
    officers = Ed25519Key(source.randbytes(32)), Ed25519Key(source.randbytes(32))
    people = tuple(Officer(number, 0, key.public, "releaser", None, *DATES) for number, key in enumerate(officers, start=1))
    return Party(name, identity, keys, certificate, officers, Roster(1, people))


@cache
def archive_key(name: str) -> KemKey:
    """What opens the archives of a desk; on the medium of its identity."""
    return KemKey(random.Random(f"archive of {name}").randbytes(32))


@cache
def incarnation(name: str, inc: int) -> tuple[DeskKeys, SignedCertificate]:
    """What the identity of this desk gives to its machine number `inc`: new keys and the next certificate (rule 28)."""
    own = party(name)
    if inc == 1:
        return own.keys, own.certificate
    keys = DeskKeys.generate(random.Random(f"{name} {inc}").randbytes)
    return keys, _certificate(own.identity, keys, inc)


def _certificate(identity: IdentityKey, keys: DeskKeys, inc: int) -> SignedCertificate:
    return issue(identity, Certificate(identity.identity.id, None, inc, inc, keys.public, *DATES))


def reincarnate(journal: Journal, name: str, inc: int) -> None:
    """Make a journal that nobody runs this incarnation's, as `watchline restore` and `keys rotate` do."""
    keys, certificate = incarnation(name, inc)
    before = [incarnation(name, earlier)[1] for earlier in range(1, inc)]
    put_incarnation(journal, replace(read_own(journal), keys=keys, certificate=certificate), before)


def line_id(one: str, other: str) -> bytes:
    """The line between two desks."""
    return sha256("/".join(sorted((one, other))).encode()).digest()


def pairing_secret(line: bytes) -> bytes:
    """PS of a line."""
    return sha256(b"PS" + line).digest()


@cache
def terms(pace: str) -> Terms:
    """What two desks agreed: `calm` as by default, `busy` with statuses and tests every few seconds, `urgent` with clocks that
    run out in the course of a run.
    """
    forms = {"airspace-object": "answer", "statement": "acknowledgement", "free-text": "none", "test": "none"}
    agreed = default_terms(("en", "ja"), bytes(32), forms, ("test",))  # type: ignore[arg-type]
    if pace == "calm":
        return agreed
    busy = replace(agreed, status_interval_seconds=7, test_interval_seconds=11)
    return replace(busy, clocks=URGENT) if pace == "urgent" else busy


@cache
def journal_path() -> Path:
    """Where every journal's empty file lies; each machine has a disk of its own, so they share the path."""
    folder = tempfile.TemporaryDirectory(prefix="watchline-simulator-")
    atexit.register(folder.cleanup)
    return Path(folder.name) / "journal.db"


@cache
def home(name: str, peers: tuple[str, ...], pace: str) -> Image:
    """The disk of a desk that was paired with these peers and has not said a word."""
    disk = MediumVFS("pool")
    try:
        journal = open_journal(journal_path(), NODE_KEY, create=True, vfs="pool", wal_bytes=WAL_BYTES)
        own, archive = party(name), archive_key(name).public
        document = OwnDesk(
            "en", "UTC", own.identity.identity, "identity", archive, own.keys, own.certificate, own.roster, START
        )
        journal.put_document(*DOCUMENT, document.encode(), sealed=True)
        for peer in peers:
            line = line_id(name, peer)
            journal.put_line(LineRecord(line, peer.lower(), START, True, pairing(name, peer, pace).encode()))
        journal.put_document("own-routes", "self", encode([["direct", f"{name.lower()}.example:7400"]]), False)
        journal.close()
        return disk.snapshot()
    finally:
        disk.unregister()


def pairing(name: str, peer_name: str, pace: str) -> Pairing:
    """What a desk keeps of the line with this peer."""
    line, own, peer = line_id(name, peer_name), party(name), party(peer_name)
    route = RouteAddress("direct", f"{peer.name.lower()}.example:7400")
    return Pairing(
        line, pairing_secret(line), own.id, peer.identity.identity, peer.certificate, peer.roster, (route,), terms(pace),
        True, (bytes(32), bytes(32), bytes(32)),
    )  # fmt: skip


@contextmanager
def seeded_entropy(source: random.Random) -> Iterator[None]:
    """Let journals and ceremonies draw random bytes from a seed: the one place where a run reaches into the product.

    Everything else takes its randomness as an argument. ML-DSA and HPKE draw their own inside the library; what they make
    always has the same length, and nothing in a run depends on its bytes.
    """
    drawing: tuple[Any, ...] = (
        sealing,
        sqlite,
        renewal_ceremony,
    )  # the modules that ask the system for random bytes themselves
    real = [module.os for module in drawing]
    for module in drawing:
        module.os = SimpleNamespace(urandom=source.randbytes)
    try:
        yield
    finally:
        for module, was in zip(drawing, real, strict=True):
            module.os = was
