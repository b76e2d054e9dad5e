"""What a long log costs: a notice by itself at one size and at another, a start, and evidence of the whole log."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
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
    """Fill one log, and measure a notice whenever it has reached a size: in turn with one on a log that stays small."""
    small_homes, homes = make_pair(bench.new_folder()), make_pair(bench.new_folder())
    first, *others = bench.scale.log_sizes
    with nodes(small_homes, size=CONTENT_BYTES) as small, nodes(homes, size=CONTENT_BYTES) as large:
        _fill(small[0], first)
        for size in others:
            _fill(large[0], size)
            before, after = _measure_in_turn(bench, small, large)
            name, times = f"at {size:,} entries", f"times that at {first:,}"
            yield Figure(f"append and receipt, p50 {name}", after.seconds * 1e6, "us")
            yield Figure(f"  {times}", after.seconds / before.seconds, "", target=Target(1.2))
            yield Figure(f"append and receipt, processor time {name}", after.cpu * 1e6, "us", note="both nodes together")
            yield Figure(f"  {times}", after.cpu / before.cpu, "", target=Target(1.2))
    started = time.perf_counter()
    with running(["bench.node", str(homes[0])]) as process:
        NodeProcess(process).cpu()
        seconds = time.perf_counter() - started
    yield Figure(f"start of a node with a log of {others[-1]:,}, its tree recomputed", seconds, "s")


@dataclass(frozen=True, slots=True)
class _Cost:
    """Of one notice by itself: the median of seconds, and the mean of processor seconds of both nodes."""

    seconds: float
    cpu: float


def _fill(node: NodeProcess, size: int) -> None:
    node.do("flow", count=max(1, size - node.do("facts")["size"]))


def _measure_in_turn(bench: Bench, *pairs: Sequence[NodeProcess]) -> list[_Cost]:
    count = bench.scale.notices_a_round
    seconds: list[list[float]] = [[] for _ in pairs]
    cpu = [0.0 for _ in pairs]
    for _ in range(bench.scale.rounds):
        for place, (near, far) in enumerate(pairs):
            before = near.cpu() + far.cpu()
            seconds[place] += [times[1] for times in near.do("latency", way="desk", count=count)]
            cpu[place] += near.cpu() + far.cpu() - before
    return [_Cost(median(found), spent / len(found)) for found, spent in zip(seconds, cpu, strict=True)]


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
