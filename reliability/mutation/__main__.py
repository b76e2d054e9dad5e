"""`make mutate`: try every mutant that has no outcome yet, print those that survive, and keep the score."""

from __future__ import annotations

import argparse
import sys
import time

from reliability.mutation import score
from reliability.mutation.modules import TESTS, source_of
from reliability.mutation.operators import changes
from reliability.mutation.sample import sample
from reliability.mutation.session import FOLDER, Session
from reliability.mutation.trial import load_libraries, try_all

SCORE_MIN = 90.0  # percent
_COMPILED = FOLDER / "compiled"


def main() -> int:
    """Mutate the modules that were asked for. Exit code 1 for a score below 90 %, or a survivor that nobody explained."""
    options = _options()
    modules = options.module or list(TESTS)
    if options.sample:
        right = [_sample(module, options.seed, options.sample, explained=options.explained) for module in modules]
        return 0 if all(right) else 1
    load_libraries(_COMPILED)
    good = [_mutate(module, options) for module in modules]
    record = score.read_record()
    score.write_table(record)
    print(score.table(record))
    if changed := score.changed_since(record):
        print(f"changed since they were mutated: {', '.join(changed)}")
    return 0 if all(good) else 1


def _mutate(module: str, options: argparse.Namespace) -> bool:
    """Try what was not tried; whether the module's score is good enough and survivors and explanations agree."""
    faults = {change.mutant.key: change for change in changes(module, source_of(module))}
    mutants = [change.mutant for change in faults.values()]
    session = Session(module, mutants, afresh=options.afresh)
    untried = session.untried() if options.at_most is None else session.chosen(options.at_most, options.seed)
    print(f"{module}: {len(mutants):,} mutants, {len(untried):,} to try", flush=True)
    if untried:
        started = time.monotonic()
        wanted = [faults[each.key] for each in untried]
        try_all(module, TESTS[module], wanted, lambda change, outcome: session.note(change.mutant, outcome), jobs=options.jobs)
        print(f"{module}: {len(untried):,} tried in {time.monotonic() - started:.0f} s", flush=True)
    if not session.outcomes:
        return True
    counted = score.count(module, len(mutants), session.outcomes)
    score.write_record(score.read_record() | {module: counted})
    left = score.unexplained(module, mutants, session.outcomes)
    wrong = score.wrongly_explained(module, mutants, session.outcomes)
    for mutant in left:
        print(f"survived, unexplained: {mutant}", flush=True)
    for mutant in wrong:
        print(f"explained, but killed: {mutant}", flush=True)
    return not left and not wrong and counted.score >= SCORE_MIN


def _sample(module: str, seed: int, count: int, *, explained: bool) -> bool:
    """Whether each of a few mutants ended as it should."""
    found = sample(module, seed, count, _COMPILED, explained=explained)
    for mutant, outcome in found:
        print(f"{outcome.result}: {mutant} ({outcome.by or 'no test'})", flush=True)
    return all(outcome.is_killed != explained for _, outcome in found)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="reliability.mutation", description="Mutation testing of core.")
    parser.add_argument("module", nargs="*", help=f"one or more of {', '.join(TESTS)}; all without one")
    parser.add_argument("--jobs", type=int, default=1, help="trials at once")
    parser.add_argument("--afresh", action="store_true", help="believe no outcome of an earlier run")
    parser.add_argument("--at-most", type=int, metavar="N", help="try N more by chance and count what was tried; go on later")
    parser.add_argument("--sample", type=int, metavar="N", help="try only N mutants, keep nothing; all must be killed")
    parser.add_argument("--seed", type=int, default=0, help="which ones")
    parser.add_argument("--explained", action="store_true", help="N of the explained ones; all must survive")
    options = parser.parse_args()
    if unknown := set(options.module) - set(TESTS):
        parser.error(f"no tests are named for {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main())
