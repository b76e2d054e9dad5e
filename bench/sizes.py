"""Bytes on the wire: frames without padding from two lines in this process, padded socket bytes from two real nodes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.bench import Bench
from bench.homes import OFFICER, OFFICER_PASSPHRASE, content_of, make_pair
from bench.processes import nodes
from bench.proxy import CountingProxy
from bench.report import Figure, Target
from watchline.core.entries import EntryType
from watchline.core.line import Line
from watchline.core.outgoing import Draft
from watchline.core.persons import PASSKEY_ES256, Assertion, PasskeyProof
from watchline.desk.clock import system_moment
from watchline.desk.config import read_config
from watchline.desk.desk import Desk
from watchline.desk.home import Home
from watchline.desk.officers import open_officer_key

CONTENTS = (120, 1024)
SAMPLES = 9
PASSKEY_FLAGS, PASSKEY_COUNTER = 0x05, 1_000
# Chrome now and then appends this member to a passkey's clientDataJSON, so that nobody compares it whole.
GREASE = b',"other_keys_can_be_added_here":"do not compare clientDataJSON against a template. See https://goo.gl/yabPex"}'


def measure(bench: Bench) -> Iterator[Figure]:
    """Frames first, then sockets."""
    yield from _frames(bench)
    for size in CONTENTS:
        yield from _sockets(bench, size)


@dataclass(slots=True)
class _Side:
    """One desk's line without a node: its frames wait in `out`."""

    desk: Desk
    line: Line
    out: list[bytes] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path) -> _Side:
        home = Home.open(path)
        desk = Desk(home.open_journal(), home.config)
        setup, _ = desk.setup_of(desk.journal.lines()[0])
        return cls(desk, Line.begin(setup, desk.journal, system_moment(), padded=False))

    def turn(self) -> None:
        effects = self.line.turn(system_moment())
        self.desk.journal.commit(effects.records)
        self.out += effects.frames

    def hear(self, other: _Side) -> None:
        """Take what the other has said, and close the turn."""
        frames, other.out = other.out, []
        for frame in frames:
            self.line.receive(frame, system_moment())
        self.turn()


def _frames(bench: Bench) -> Iterator[Figure]:
    homes = make_pair(bench.new_folder())
    near, far = map(_Side.open, homes)
    for side in (near, far):
        side.line.connected(system_moment())
        side.turn()
    while near.out or far.out:
        far.hear(near)
        near.hear(far)
    entries: dict[int, int] = {}
    for size in CONTENTS:
        entry, receipt = _exchange(near, far, Draft(EntryType.NOTICE, content_of(size), released=True))
        entries[size] = entry
        yield Figure(f"frame of an entry, {size} bytes of content", entry, "bytes", note=f"{entry - size} not the form's own")
        yield Figure("frame of its receipt", receipt, "bytes")
        yield Figure(
            f"not the form's own: entry and receipt, {size} bytes of content",
            entry + receipt - size,
            "bytes",
            target=Target(310),
        )
    for name, draft, limit in _signed(homes[0], near.line):
        entry, _ = _exchange(near, far, draft)
        yield Figure(f"{name}: more than without", entry - entries[CONTENTS[0]], "bytes", target=Target(limit))
    for side in (near, far):
        side.desk.journal.close()


def _exchange(near: _Side, far: _Side, draft: Draft) -> tuple[int, int]:
    """The sizes of the frame with one entry and of the frame with its receipt."""
    near.line.compose(draft, system_moment())
    near.turn()
    entry = min(len(frame) for frame in near.out if len(frame) > len(draft.content))
    far.hear(near)
    receipt = min(map(len, far.out))
    near.hear(far)
    assert near.line.outgoing.received == near.line.outgoing.edge.size
    return entry, receipt


def _signed(home: Path, line: Line) -> Iterator[tuple[str, Draft, int]]:
    """The smaller content, signed in each way. A passkey's signature is not made: random bytes have its size."""
    setup, content, nonce = line.setup, content_of(CONTENTS[0]), os.urandom(16)
    officer = open_officer_key(home / "officers", OFFICER, OFFICER_PASSPHRASE)
    signed = officer.sign(EntryType.NOTICE, setup.line, setup.own_id, nonce, content)
    yield "an officer's signature", Draft(EntryType.NOTICE, content, nonce, (signed,), released=True), 90
    for name, appended in (("a passkey's signature", None), ("a passkey's signature and what its browser appends", GREASE)):
        proof = PasskeyProof(PASSKEY_FLAGS, PASSKEY_COUNTER, appended)
        assertion = Assertion(1, PASSKEY_ES256, os.urandom(64), proof).to_value()
        yield name, Draft(EntryType.NOTICE, content, nonce, (assertion,), released=True), 280


def _sockets(bench: Bench, size: int) -> Iterator[Figure]:
    proxies = CountingProxy(), CountingProxy()
    homes = make_pair(bench.new_folder(), shown=(proxies[0].port, proxies[1].port))
    for proxy, home in zip(proxies, homes, strict=True):
        proxy.start(int(read_config(home / "watchline.toml").listen[0].rpartition(":")[2]))
    to_far: list[int] = []
    to_near: list[int] = []
    with nodes(homes, size=size) as (near, _):
        for _ in range(SAMPLES):
            before = _counted(proxies)
            near.do("latency", way="desk", count=1)
            after = _counted(proxies)
            to_far.append(after[0] - before[0])
            to_near.append(after[1] - before[1])
    for proxy in proxies:
        proxy.close()
    entry, receipt = _usual(to_far), _usual(to_near)
    yield Figure(f"socket bytes of an entry, {size} bytes of content", entry, "bytes", note="padded, length, TLS records")
    yield Figure("socket bytes of its receipt", receipt, "bytes")


def _counted(proxies: tuple[CountingProxy, CountingProxy]) -> tuple[int, int]:
    """Bytes (to the far node, to the near node) over whichever of the two connections carries."""
    near, far = proxies
    return far.toward + near.back, near.toward + far.back


def _usual(samples: list[int]) -> int:
    """The commonest: now and then a status travels beside a notice."""
    return Counter(samples).most_common(1)[0][0]
