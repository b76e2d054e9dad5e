"""Latency of one 1 KiB notice, from `send` at the node's API to the verified receipt, between samples of the floor."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bench.bench import Bench
from bench.homes import content_of, make_pair
from bench.processes import nodes
from bench.report import Figure, Target, median, quantile
from watchline.core.entries import EntryType
from watchline.desk.home import Home
from watchline.desk.socket import call

WAYS = {
    "desk": "machine notice, composed in the node",
    "api": "machine notice, asked of the node's API",
    "officer": "officer-signed notice, asked of the node's API",
}


def measure(bench: Bench) -> Iterator[Figure]:
    """Rounds of the floor and of each way in turn."""
    homes = make_pair(bench.new_folder())
    floor: list[float] = []
    durable: dict[str, list[float]] = {way: [] for way in WAYS}
    verified: dict[str, list[float]] = {way: [] for way in WAYS}
    socket: list[float] = []
    cpu = [0.0, 0.0]
    count, notices = bench.scale.notices_a_round, bench.scale.rounds * bench.scale.notices_a_round
    with nodes(homes) as (near, far):
        near.do("latency", way="desk", count=count)
        for _ in range(bench.scale.rounds):
            floor += bench.floor.seconds(count)
            for way in WAYS:
                before = near.cpu(), far.cpu()
                found = near.do("latency", way=way, count=count)
                durable[way] += [times[0] for times in found]
                verified[way] += [times[1] for times in found]
                if way == "desk":
                    cpu = [cpu[0] + near.cpu() - before[0], cpu[1] + far.cpu() - before[1]]
            socket += _through_socket(homes[0], count)
    unit = median(floor)
    yield Figure("floor: two durable appends and one round trip, p50", unit * 1e6, "us", 1.0)
    yield Figure("floor, p99", quantile(floor, 0.99) * 1e6, "us", quantile(floor, 0.99) / unit)
    for way, name in WAYS.items():
        target = Target(2.5, "floors") if way == "desk" else None
        yield _figure(f"{name}, p50", median(verified[way]), unit, target)
        yield _figure(f"{name}, p99", quantile(verified[way], 0.99), unit)
    for way in ("api", "officer"):
        yield _figure(f"{WAYS[way]}: durable here, p50", median(durable[way]), unit)
    yield _figure("machine notice, asked through the local socket, p50", median(socket), unit)
    yield _figure("machine notice, asked through the local socket, p99", quantile(socket, 0.99), unit)
    for side, seconds in zip(("sender", "receiver"), cpu, strict=True):
        yield Figure(f"processor time of one notice by itself, {side}", seconds / notices * 1e6, "us", note="statuses included")


def _through_socket(home: Path, count: int) -> list[float]:
    """As a command does it: a connection for each, and the answer once the receipt is verified and durable."""
    socket, content = Home.open(home).socket, content_of(1024).hex()
    found = []
    for _ in range(count):
        started = time.perf_counter()
        call(socket, "compose", {"line": "peer", "type": int(EntryType.NOTICE), "content": content, "wait": "received"})
        found.append(time.perf_counter() - started)
    return found


def _figure(name: str, seconds: float, unit: float, target: Target | None = None) -> Figure:
    return Figure(name, seconds * 1e6, "us", seconds / unit, target)
