"""`make bench`: measure everything in one run, print it beside its targets, and keep it as JSON."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import footprint, growth, junk, lamps, latency, nats_peer, silence, sizes, strangers, talks, throughput
from bench.bench import FULL, NORMAL, QUICK, Bench, begin
from bench.processes import ROOT
from bench.report import HEAD, Figure, Skipped, machine, table_row

PARTS: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "latency": latency.measure,
    "throughput": throughput.measure,
    "bytes": sizes.measure,
    "footprint": footprint.measure,
    "growth": growth.measure,
    "evidence": growth.measure_evidence,
    "silence": silence.measure,
    "lamps": lamps.measure,
    "talks": talks.measure,
    "strangers": strangers.measure,
    "junk": junk.measure,
    "nats": nats_peer.measure,
}


def main() -> None:
    """Run the parts that were asked for. A target that is not met is printed and fails nothing."""
    options = _options()
    scale = QUICK if options.quick else FULL if options.full or os.environ.get("FULL") == "1" else NORMAL
    result: dict[str, Any] = {"machine": machine(), "parts": {}, "skipped": {}}
    started = time.monotonic()
    print(table_row(HEAD))
    with begin(scale, options.disk) as bench:
        for name in options.only or PARTS:
            figures = result["parts"].setdefault(name, [])
            print(f"\n{name}", flush=True)
            try:
                for figure in PARTS[name](bench):
                    print(table_row(figure.row()), flush=True)
                    figures.append(figure.as_json())
            except Skipped as reason:
                result["skipped"][name] = str(reason)
                print(f"left out: {reason}", flush=True)
    result["seconds"] = round(time.monotonic() - started, 1)
    result["load_at_end"] = os.getloadavg()
    _summarise(result)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Measure against a floor of the same run.")
    parser.add_argument("--quick", action="store_true", help="about a minute; small logs")
    parser.add_argument("--full", action="store_true", help="logs of a million entries; as FULL=1")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part only; may be given again")
    parser.add_argument("--disk", type=Path, help="a folder on the disk to be measured")
    parser.add_argument("--json", type=Path, default=ROOT / "bench" / "results" / "latest.json", help="where the figures go")
    return parser.parse_args()


def _summarise(result: dict[str, Any]) -> None:
    judged = [figure for figures in result["parts"].values() for figure in figures if figure["met"] is not None]
    missed = [figure["name"].strip() for figure in judged if not figure["met"]]
    before, after = result["machine"]["load"][0], result["load_at_end"][0]
    print(f"\n{len(judged) - len(missed)} of {len(judged)} targets met, in {result['seconds']:g} s", end="; ")
    print(f"load of {result['machine']['cores']} cores {before:.1f} before, {after:.1f} after")
    for name in missed:
        print(f"not met: {name}")


if __name__ == "__main__":
    main()
