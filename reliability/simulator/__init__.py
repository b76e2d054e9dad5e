"""Desks in a simulated world: the real core, the real journal and the real desk under one clock, one network and disks that
fail, all of it from one seed (`world`). What must always hold stands in `watch`, what goes wrong in `swarm` and `trouble`.

    python -m reliability simulator --seeds 0:100
    python -m reliability.simulator 15              # one run, event by event
"""

from __future__ import annotations

from collections import Counter

from reliability.simulator.world import Outcome, simulate
from reliability.slices import Slice, command

__all__ = ["KIND", "Outcome", "run", "simulate"]

KIND = "simulator"


def run(seeds: range) -> Slice:
    """Run each seed. counts: `entries` were delivered and receipted and met two faults or more, `delivered` with any number of
    faults; `faults` are those that delivered entries met, `injected` those that were made, by kind as `fault: ...`.
    """
    counts: Counter[str] = Counter()
    failures = []
    for seed in seeds:
        outcome = simulate(seed)
        counts += outcome.counts
        if outcome.violation is not None:
            failures.append(f"seed {seed}: {outcome.violation}; {command(KIND, range(seed, seed + 1))}")
    return Slice(KIND, seeds, dict(sorted(counts.items())), tuple(failures))
