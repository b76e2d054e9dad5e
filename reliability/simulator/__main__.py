"""`python -m reliability.simulator SEED`: one run with everything that happened in it, to find out why it failed."""

from __future__ import annotations

import argparse
import sys

from reliability.simulator.trace import Trace
from reliability.simulator.world import simulate


def main(arguments: list[str] | None = None) -> int:
    """Run the seed and print its plan, its events and its end; 1 if an invariant was broken."""
    parser = argparse.ArgumentParser(prog="reliability.simulator", description="Show one simulated run, event by event.")
    parser.add_argument("seed", type=int)
    trace = Trace(keep=True)
    outcome = simulate(parser.parse_args(arguments).seed, trace=trace)
    print(outcome.swarm)
    print(*trace.lines or (), sep="\n")
    print(*(f"{count:>8} {name}" for name, count in sorted(outcome.counts.items())), sep="\n")
    print(outcome.digest, outcome.violation or "all well")
    return 1 if outcome.violation else 0


if __name__ == "__main__":
    sys.exit(main())
