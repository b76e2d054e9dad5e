"""Latency of genuine notices while the peer's node sends 10,000 junk frames a second on its own, authenticated line.

Three nodes: `near` floods its line to `far` and sends genuine notices on it, over the same connection; `third` sends genuine
notices to `far` on a line of its own. All junk frames have the smallest size, 512 bytes.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from itertools import cycle

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from bench.bench import Bench
from bench.homes import make_three
from bench.processes import NodeProcess, nodes
from bench.report import Figure, Target, median
from watchline.core.encoding import encode
from watchline.core.entries import Leaf
from watchline.core.frames import (
    Entries,
    FrameKey,
    FullEntry,
    Item,
    OfferedCertificate,
    Probe,
    Receipt,
    ShownCheckpoint,
    Stated,
    WireEntry,
)
from watchline.core.line import Line
from watchline.core.setting import Reader
from watchline.core.statements import StatementType
from watchline.routes import Link

RATE = 10_000
EVERY_SECONDS = 0.001  # a write of some frames, and so mostly a read of as many
FRAMES_KEPT = 256  # made beforehand and sent in turn: the receiver remembers no frame, so they cost it what new ones would
FRAME_BYTES = 512
WARM_SECONDS = 0.5

Making = Callable[[Line, Reader], list[bytes]]  # of FRAMES_KEPT frames


def measure(bench: Bench) -> Iterator[Figure]:
    """For each kind of junk, the same line and another line of the same desk, without and with it in turn."""
    rounds, count = max(3, bench.scale.rounds // 4), bench.scale.notices_a_round
    with nodes(make_three(bench.new_folder())) as (near, far, third):
        _seconds(near, count), _seconds(third, count)
        for kind in KINDS:
            sides = {"the same line": near, "another line": third}
            alone: dict[str, list[float]] = {side: [] for side in sides}
            beside: dict[str, list[float]] = {side: [] for side in sides}
            rates: list[float] = []
            shares: list[float] = []
            for _ in range(rounds):
                for side, node in sides.items():
                    alone[side] += _seconds(node, count)
                near.do("flood", kind=kind)
                before = far.cpu(), time.perf_counter()
                time.sleep(WARM_SECONDS)
                shares.append((far.cpu() - before[0]) / (time.perf_counter() - before[1]))
                for side, node in sides.items():
                    beside[side] += _seconds(node, count)
                rates.append(near.do("calm"))
            share = median(shares) * 100
            yield Figure(
                f"processor time of the receiver under {kind}", share, "%", note=f"{median(rates):,.0f} frames a second"
            )
            for side in sides:
                ratio = median(beside[side]) / median(alone[side])
                note = f"{median(alone[side]) * 1e6:.0f} us without it"
                yield Figure(f"  p50 on {side}", median(beside[side]) * 1e6, "us", note=note)
                yield Figure(f"  times that without it, {side}", ratio, "", target=Target(2.0))


def _seconds(node: NodeProcess, count: int) -> list[float]:
    return [times[1] for times in node.do("latency", way="desk", count=count)]


class Flood:
    """Junk of one kind on one link, at RATE, until it is stopped. Where the link is congested nothing is added."""

    def __init__(self, line: Line, journal: Reader, link: Link, kind: str) -> None:
        self._frames = KINDS[kind](line, journal)
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._started = self._at = self._loop.time()
        self._sent = 0
        self._timer = self._loop.call_later(EVERY_SECONDS, self._send)

    def stop(self) -> float:
        """Send no more; give how many a second were sent."""
        self._timer.cancel()
        return self._sent / (self._loop.time() - self._started)

    def _send(self) -> None:
        now = self._loop.time()
        due = min(int((now - self._at) * RATE), FRAMES_KEPT)
        self._at = now if due == FRAMES_KEPT else self._at + due / RATE
        if due and not self._link.congested:
            first = self._sent % FRAMES_KEPT
            self._link.send((self._frames + self._frames)[first : first + due])
            self._sent += due
        self._timer = self._loop.call_later(EVERY_SECONDS, self._send)


def _unsealed(*_: object) -> list[bytes]:
    return [os.urandom(FRAME_BYTES) for _ in range(FRAMES_KEPT)]


def _sealed(payload: Callable[[], bytes]) -> Making:
    """Payloads that no Watchline makes, under the line's own key."""

    def frames(line: Line, _: Reader) -> list[bytes]:
        cipher = AESGCMSIV(line.setup.outer_keys()[0])
        nonces = [os.urandom(12) for _ in range(FRAMES_KEPT)]
        return [nonce + cipher.encrypt(nonce, payload(), None) for nonce in nonces]

    return frames


def _items(make: Callable[[Line, int], Item]) -> Making:
    """One well-formed item in each frame."""

    def frames(line: Line, _: Reader) -> list[bytes]:
        key = FrameKey(line.setup.outer_keys()[0])
        return [key.seal([make(line, number)], os.urandom(12)) for number in range(FRAMES_KEPT)]

    return frames


def _status(line: Line, number: int) -> Item:
    pair, head = line.setup.pair, os.urandom(32)
    said = [1, head, 1, head, 0, number, 0, [], 0, 0, 0, os.urandom(16), os.urandom(16)]
    return Stated(encode([int(StatementType.STATUS), pair.ours, pair.theirs, *said]), os.urandom(64), None)


def _unknown_statement(line: Line, number: int) -> Item:
    pair = line.setup.pair
    return Stated(encode([1_000 + number, pair.ours, pair.theirs, os.urandom(16)]), os.urandom(64), None)


def _other_entry(line: Line, number: int) -> Item:
    """An entry for an index that the receiver holds, and not the one that it holds."""
    entry = WireEntry(1, number, os.urandom(32), 0, None, os.urandom(128))
    return Entries(*line.setup.pair, 1, number % line.outgoing.received, (entry,), os.urandom(64))


def _same_entries(line: Line, journal: Reader) -> list[bytes]:
    """Entries that the receiver holds, one a frame: it receipts them once more."""
    key, last = FrameKey(line.setup.outer_keys()[0]), line.outgoing.received
    frames = []
    for encoded, _, _ in journal.leaves(line.setup.outgoing_log, max(0, last - FRAMES_KEPT), last):
        leaf = Leaf.decode(encoded)
        entry = WireEntry(leaf.type, leaf.time, leaf.commitment, leaf.peer_size, leaf.re, os.urandom(128))
        frames.append(key.seal([Entries(*line.setup.pair, 1, leaf.index, (entry,), os.urandom(64))], os.urandom(12)))
    return [frame for _, frame in zip(range(FRAMES_KEPT), cycle(frames), strict=False)]


def _receipt(line: Line, _: int) -> Item:
    return Receipt(*line.setup.pair, line.incoming.edge.size, 1, os.urandom(64))


def _full_entry(*_: object) -> Item:
    return FullEntry(1, os.urandom(150), os.urandom(64), os.urandom(32), os.urandom(64))


def _shown(line: Line, _: int) -> Item:
    return ShownCheckpoint(line.setup.pair.theirs, line.setup.pair.ours, 1, os.urandom(32), os.urandom(64))


def _certificate(*_: object) -> Item:
    return OfferedCertificate(os.urandom(300))


KINDS: dict[str, Making] = {
    "frames not sealed for the line": _unsealed,
    "wrong padding": _sealed(lambda: bytes(FRAME_BYTES - 28)),
    "sealed garbage": _sealed(lambda: os.urandom(FRAME_BYTES - 29) + b"\x80"),
    "statuses that nobody signed": _items(_status),
    "statements of unknown types": _items(_unknown_statement),
    "other entries for known indexes": _items(_other_entry),
    "known entries again": _same_entries,
    "receipts that nobody signed": _items(_receipt),
    "full forms that nobody asked for": _items(_full_entry),
    "checkpoints that nobody signed": _items(_shown),
    "certificates that are none": _items(_certificate),
    "probes": _items(lambda _, number: Probe(number, None, 0)),
}
