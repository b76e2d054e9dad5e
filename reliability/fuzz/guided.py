"""The process of one target under libFuzzer, which `reliability.fuzz.covered` starts: TARGET FOLDER, then libFuzzer's options.

What breaks the target is written into FOLDER, once for each place. All of the project is loaded under instrumentation, so
nothing here may be imported before that.
"""

from __future__ import annotations

import random
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]  # installed for long runs only

with atheris.instrument_imports(include=["watchline"]):
    from reliability.fuzz.bounds import CPU_SECONDS_MAX, Judge
    from reliability.fuzz.corpus import inputs
    from reliability.fuzz.targets import TARGETS

_SLOWER = 20  # what counting branches may cost; without it, the time is judged again
_OWN_MUTATIONS = 0.7


def guide(name: str, found: Path, arguments: list[str]) -> None:
    """Run until libFuzzer ends the process."""
    target = TARGETS[name]
    judge = Judge(target, cpu_seconds_max=_SLOWER * CPU_SECONDS_MAX)
    places: set[str] = set()
    pieces = inputs(name)

    def try_one(data: bytes) -> None:
        finding = judge.try_input(data)
        if finding is not None and finding.place not in places:
            places.add(finding.place)
            (found / sha256(data).hexdigest()[:16]).write_bytes(data)

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < _OWN_MUTATIONS:
            return target.mutate(data, rng, pieces)[:max_size]
        mutated: Any = atheris.Mutate(data, max_size)
        return bytes(mutated)

    atheris.Setup([sys.argv[0], *arguments], try_one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    guide(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
