"""Fuzzing of every parser that meets foreign bytes. `run` needs nothing but the tests' packages; `covered` wants atheris.

make fuzz TARGET=payload SECONDS=600     # guided by coverage, as long as wanted
python -m reliability fuzz --seeds 0:10  # mutations that the seeds decide: the same inputs each time
"""

from __future__ import annotations

from reliability.slices import Slice

KIND = "fuzz"


def run(seeds: range) -> Slice:
    """Try the inputs of these seeds on every target."""
    # Loaded here: what is loaded with the package is not instrumented in `guided`.
    from reliability.fuzz.slice import try_seeds
    from reliability.fuzz.targets import TARGETS

    return try_seeds(TARGETS.values(), seeds).as_slice(seeds)
