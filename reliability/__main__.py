"""`python -m reliability KIND --seeds A:B`, or `--new N`: run one slice and say what it found.

Exit code 1 for failures, 2 for wrong use.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Callable

from reliability.slices import KINDS, Run, Slice, runner, to_json

SOAKED = 10**9  # no soak comes to seeds as high as this


def main(arguments: list[str] | None = None, find: Callable[[str], Run] = runner) -> int:
    """Run the slice that the arguments name; give the exit code. find: gives a kind's `run`."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        run = find(options.kind)
    except ModuleNotFoundError as error:
        if error.name != f"reliability.{options.kind}":
            raise
        parser.error(f"this checkout has no {error.name}")
    started = time.monotonic()
    found = run(options.seeds)
    if options.json:
        print(to_json(found))
    else:
        print(_summary(found, time.monotonic() - started))
    return 1 if found.failures else 0


def seed_range(text: str) -> range:
    """A:B, from seed A up to B without it."""
    start, colon, stop = text.partition(":")
    if not (colon and start.isascii() and start.isdigit() and stop.isascii() and stop.isdigit() and int(start) < int(stop)):
        raise argparse.ArgumentTypeError(f"{text!r} is not A:B with A below B")
    return range(int(start), int(stop))


def new_seeds(text: str) -> range:
    """So many seeds from a place by chance, far above those that a soak goes through."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= SOAKED):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seeds")
    start = SOAKED + secrets.randbelow(SOAKED)
    return range(start, start + int(text))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reliability", description="Run one slice of one kind of attack.")
    parser.add_argument("kind", choices=KINDS)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seeds", type=seed_range, metavar="A:B", help="from seed A up to B without it")
    which.add_argument("--new", type=new_seeds, dest="seeds", metavar="N", help="N seeds that nobody has tried, and say which")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of text")
    return parser


def _summary(found: Slice, seconds: float) -> str:
    counts = ", ".join(f"{count:,} {name}" for name, count in found.counts.items())
    head = f"{found.kind} {found.seeds.start}:{found.seeds.stop}: {counts} in {seconds:.1f} s"
    return "\n".join([head, *(f"FAILED {failure}" for failure in found.failures)])


if __name__ == "__main__":
    sys.exit(main())
