"""Notices a second while the window is kept full, each node on one core."""

from __future__ import annotations

import os
from collections.abc import Iterator

from bench.bench import Bench
from bench.homes import make_pair
from bench.processes import nodes
from bench.report import Figure, Skipped, Target

MODES = {
    "one checkpoint signature a batch": ("", 8_000),
    "one checkpoint signature a notice": ("signature_per_notice = true", 3_000),
}
WARM_SECONDS = 1.0
NOTE = "a node a core; floors: notices in the time of one exchange"


def measure(bench: Bench) -> Iterator[Figure]:
    """Each mode with new homes."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise Skipped("two cores are needed, one for each node")
    for name, (settings, wanted) in MODES.items():
        with nodes(make_pair(bench.new_folder(), settings=settings)) as (near, far):
            near.do("pin", core=cores[0])
            far.do("pin", core=cores[1])
            near.do("flow", seconds=WARM_SECONDS)
            before = far.cpu()
            flow = near.do("flow", seconds=bench.scale.flow_seconds)
            cpu = {"sender": flow["cpu"] / flow["count"], "receiver": (far.cpu() - before) / flow["count"]}
            rate = flow["count"] / flow["seconds"]
            floor = bench.floor_median()
            yield Figure(f"throughput, {name}", rate, "notices/s", rate * floor, Target(wanted, at_least=True), NOTE)
            for side, seconds in cpu.items():
                yield Figure(f"  processor time of a notice, {side}", seconds * 1e6, "us", seconds / floor)
            busier = 1 / max(cpu.values())
            yield Figure(
                "  notices a second of the busier node's processor time", busier, "notices/s", note="machine to itself"
            )
            yield Figure("  memory of the sender afterwards", near.rss_bytes() / 1e6, "MB", target=Target(90))
            yield Figure("  memory of the receiver afterwards", far.rss_bytes() / 1e6, "MB", target=Target(90))
