"""One slice of one kind of attack: which seeds were run, what was counted, and what failed."""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass

KINDS = ("simulator", "power", "kills", "parties", "fuzz")


@dataclass(frozen=True, slots=True)
class Slice:
    """What running `seeds` of one kind gave.

    counts: by name, how much was done; the record adds them up. failures: a text for each, with the seed and the command
    that repeats it.
    """

    kind: str
    seeds: range
    counts: dict[str, int]
    failures: tuple[str, ...]


Run = Callable[[range], Slice]


def is_there(kind: str) -> bool:
    """Whether this checkout has the kind's module."""
    return importlib.util.find_spec(f"reliability.{kind}") is not None


def runner(kind: str) -> Run:
    """The kind's own `run`; ModuleNotFoundError where this checkout has none."""
    run: Run = importlib.import_module(f"reliability.{kind}").run
    return run


def command(kind: str, seeds: range) -> str:
    """What to type to run these seeds again."""
    return f"python -m reliability {kind} --seeds {seeds.start}:{seeds.stop}"


def to_json(found: Slice) -> str:
    """The slice on one line."""
    return json.dumps(
        {
            "kind": found.kind,
            "seeds": [found.seeds.start, found.seeds.stop],
            "counts": found.counts,
            "failures": found.failures,
        }
    )


def from_json(text: str) -> Slice:
    """What `to_json` wrote; ValueError, KeyError or TypeError for anything else."""
    read = json.loads(text)
    return Slice(read["kind"], range(*read["seeds"]), read["counts"], tuple(read["failures"]))
