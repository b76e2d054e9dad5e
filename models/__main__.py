"""`make models`: check every model, print a table, and exit 1 if one is not as expected."""

from __future__ import annotations

import argparse
import os
import sys

from models.check import complaint, missing_programs, read_expected, search


def main() -> int:
    """Run what was asked for; give the exit status."""
    parser = argparse.ArgumentParser(prog="models", description="Check the Spin models against models/expected.toml.")
    parser.add_argument("words", nargs="*", help="only runs whose name or model has one of these words in it")
    parser.add_argument("--full", action="store_true", help="larger bounds, minutes and gigabytes; as FULL=1")
    options = parser.parse_args()
    full = options.full or os.environ.get("FULL") == "1"
    if missing := missing_programs():
        print(f"models: missing {', '.join(missing)}: run scripts/system-packages.sh", file=sys.stderr)
        return 1
    failed = 0
    print(f"{'run':<50} {'violated':<24} {'states':>12} {'depth':>6} {'seconds':>8}")
    for run in read_expected():
        if options.words and not any(word in f"{run.name} {run.model}" for word in options.words):
            continue
        if full and run.breaks is not None:
            continue
        verdict = search(run, full=full)
        wrong = complaint(run, verdict)
        failed += wrong is not None
        found = verdict.violated or "-"
        print(f"{run.name:<50} {found:<24} {verdict.states:>12,} {verdict.depth:>6,} {verdict.seconds:>8.1f}", flush=True)
        if wrong is not None:
            print(f"    NOT AS EXPECTED: {wrong}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
