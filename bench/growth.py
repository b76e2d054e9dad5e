"""What a long log costs: a notice by itself at one size and at another, a start, and evidence of the whole log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.bench import Bench
from bench.homes import make_pair
from bench.processes import NodeProcess, nodes, running
from bench.report import Figure, Target, median
from watchline.core.evidence import verify_evidence
from watchline.desk.desk import Desk
from watchline.desk.exporting import export_evidence
from watchline.desk.home import Home

CONTENT_BYTES = 120


def measure(bench: Bench) -> Iterator[Figure]:
    """Fill one log, and measure a notice whenever it has reached one of the sizes."""
    homes = make_pair(bench.new_folder())
    points: list[_Point] = []
    with nodes(homes, size=CONTENT_BYTES) as (near, far):
        for size in bench.scale.log_sizes:
            near.do("flow", count=max(1, size - near.do("facts")["size"]))
            points.append(_measure_point(bench, size, near, far))
    first = points[0]
    for point in points:
        name = f"at {point.size:,} entries"
        yield Figure(f"append and receipt, processor time {name}", point.cpu * 1e6, "us", note="both nodes together")
        yield Figure(f"append and receipt, p50 {name}", point.seconds * 1e6, "us", point.floors)
        if point is not first:
            times = f"times that at {first.size:,}"
            yield Figure(f"  processor time, {times}", point.cpu / first.cpu, "", target=Target(1.2))
            yield Figure(f"  p50 as a ratio to the floor, {times}", point.floors / first.floors, "", target=Target(1.2))
    started = time.perf_counter()
    with running(["bench.node", str(homes[0])]) as process:
        NodeProcess(process).cpu()
        seconds = time.perf_counter() - started
    yield Figure(f"start of a node with a log of {points[-1].size:,}, its tree recomputed", seconds, "s")


@dataclass(frozen=True, slots=True)
class _Point:
    """One notice by itself. cpu, seconds: of one notice; floors: its p50 in medians of the floor."""

    size: int
    cpu: float
    seconds: float
    floors: float


def _measure_point(bench: Bench, size: int, near: NodeProcess, far: NodeProcess) -> _Point:
    count = bench.scale.notices_a_round
    floor: list[float] = []
    found: list[float] = []
    cpu = 0.0
    for _ in range(bench.scale.rounds):
        floor += bench.floor.seconds(count)
        before = near.cpu() + far.cpu()
        found += [times[1] for times in near.do("latency", way="desk", count=count)]
        cpu += near.cpu() + far.cpu() - before
    return _Point(size, cpu / len(found), median(found), median(found) / median(floor))


def measure_evidence(bench: Bench) -> Iterator[Figure]:
    """Export a whole line and verify the file."""
    size = bench.scale.evidence_entries
    near, far = make_pair(bench.new_folder())
    with nodes((near, far), size=CONTENT_BYTES) as (sender, _):
        sender.do("flow", count=size)
    home = Home.open(near)
    desk = Desk(home.open_journal(), home.config)
    row = desk.journal.lines()[0]
    started = time.perf_counter()
    data, _ = export_evidence(desk.journal, row, desk.setup_of(row)[0])
    exported = time.perf_counter()
    report = verify_evidence(data)
    verified = time.perf_counter()
    desk.journal.close()
    if not report.verified:
        raise RuntimeError(f"the evidence does not verify: {report.faults[:3]}")
    yield Figure(f"export of {size:,} entries", exported - started, "s", note=f"{len(data) / 1e6:.1f} MB of evidence")
    yield Figure(f"verification of {size:,} entries", verified - exported, "s")
    yield Figure("  for each entry", (verified - exported) / size * 1e6, "us")
