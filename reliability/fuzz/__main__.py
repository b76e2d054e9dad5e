"""`python -m reliability.fuzz`: long runs guided by coverage, replays, and the corpus itself. See `make fuzz`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from reliability.fuzz.corpus import keep_regression, write_genuine
from reliability.fuzz.slice import Tally, replay, try_seeds
from reliability.fuzz.targets import TARGETS


def main() -> int:
    """Do what the arguments say; exit code 1 where an input broke a target."""
    options = _options()
    targets = [TARGETS[name] for name in options.targets or TARGETS]
    failed = False
    if options.do == "cover":
        from reliability.fuzz.covered import cover

        return cover(targets, options.seconds, options.record)
    for target in targets:
        started = time.process_time()
        if options.do == "corpus":
            print(f"{target.name}: {write_genuine(target)} genuine inputs")
            continue
        tally = replay(target) if options.do == "replay" else try_seeds([target], options.seeds)
        failed |= bool(tally.found)
        print(_line(target.name, tally, time.process_time() - started), flush=True)
        for found in tally.found.values():
            print(f"  FAILED {found.text()}")
            if options.keep:
                print(f"  kept as {keep_regression(target.name, found.data).relative_to(Path(__file__).parent)}")
    return 1 if failed else 0


def _line(name: str, tally: Tally, seconds: float) -> str:
    tried = tally.tried[name]
    return f"{name:20} {tried:9,} inputs, {tally.taken[name]:8,} taken, {tried / max(seconds, 1e-9):9,.0f} a second"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="reliability.fuzz", description="Fuzz the parsers that meet foreign bytes.")
    parser.add_argument("do", choices=["cover", "seeds", "replay", "corpus"], help="cover: with atheris")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="default: all")
    parser.add_argument("--seconds", type=int, default=60, help="of each target, guided by coverage")
    parser.add_argument("--seeds", type=_seeds, default=range(1), metavar="A:B")
    parser.add_argument("--keep", action="store_true", help="keep what breaks a target as a regression")
    parser.add_argument("--record", action="store_true", help="add the inputs of `cover` to reliability/record.json")
    options = parser.parse_intermixed_args()
    if strange := set(options.targets) - set(TARGETS):
        parser.error(f"no target is called {min(strange)}; there are {', '.join(TARGETS)}")
    return options


def _seeds(text: str) -> range:
    from reliability.__main__ import seed_range

    return seed_range(text)


if __name__ == "__main__":
    sys.exit(main())
