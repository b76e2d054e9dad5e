"""A few mutants by seed, for CI: what nobody explained must be killed, and what survivors.toml explains must survive."""

from __future__ import annotations

import random
from pathlib import Path

from reliability.mutation.modules import TESTS, source_of
from reliability.mutation.operators import Mutant, changes
from reliability.mutation.score import explained_keys
from reliability.mutation.trial import Outcome, load_libraries, try_all


def sample(module: str, seed: int, count: int, compiled: Path, *, explained: bool = False) -> list[tuple[Mutant, Outcome]]:
    """Try `count` mutants of a module: of the explained ones, or of all others. compiled: a folder for what Python compiles."""
    load_libraries(compiled)
    known = explained_keys(module)
    wanted = [change for change in changes(module, source_of(module)) if (change.mutant.key in known) == explained]
    chosen = random.Random(seed).sample(wanted, min(count, len(wanted)))
    found: list[tuple[Mutant, Outcome]] = []
    try_all(module, TESTS[module], chosen, lambda change, outcome: found.append((change.mutant, outcome)))
    return found
