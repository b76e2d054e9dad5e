"""One slice: for each seed and target a number of inputs, each made from the corpus by mutations that the seed decides."""

from __future__ import annotations

import gc
import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from reliability.fuzz import KIND
from reliability.fuzz.bounds import Finding, Judge, bounded_memory
from reliability.fuzz.corpus import inputs
from reliability.fuzz.target import Target
from reliability.slices import Slice, command

POOL_MAX = 64  # inputs at hand besides the kept ones: those that a target took, and from which others are made
SHOWN_BYTES_MAX = 200


@dataclass(slots=True)
class Found:
    """The first input that broke a target in one way, and how often others did the same."""

    target: str
    seed: int
    number: int
    data: bytes
    finding: Finding
    times: int = field(default=1)

    def text(self) -> str:
        """A failure as the slice tells it."""
        shown = self.data[:SHOWN_BYTES_MAX].hex() + ("..." if len(self.data) > SHOWN_BYTES_MAX else "")
        seeds = range(self.seed, self.seed + 1)
        return (
            f"{self.target}: {self.finding.text}; seed {self.seed}, input {self.number} of {len(self.data)} bytes, "
            f"{self.times} times: {shown}; again: {command(KIND, seeds)}"
        )


@dataclass(slots=True)
class Tally:
    """What came of many inputs. tried: by target; taken: how many of them were not refused."""

    tried: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    found: dict[tuple[str, str], Found] = field(default_factory=dict)

    def note(self, target: str, seed: int, number: int, data: bytes, finding: Finding) -> None:
        """Keep what is new, count what is not."""
        known = self.found.get((target, finding.place))
        if known is None:
            self.found[target, finding.place] = Found(target, seed, number, data, finding)
        else:
            known.times += 1

    def as_slice(self, seeds: range) -> Slice:
        """The tally as a slice: `inputs` is the sum of the counts by target."""
        counts = {"inputs": sum(self.tried.values()), "taken": sum(self.taken.values()), **self.tried}
        return Slice(KIND, seeds, counts, tuple(found.text() for found in self.found.values()))


def try_seeds(targets: Iterable[Target], seeds: range) -> Tally:
    """Run the inputs of these seeds through each target."""
    tally = Tally()
    with bounded_memory():
        for target in targets:
            judge = Judge(target)
            kept = inputs(target.name)
            gc.collect()
            for seed in seeds:
                _try_seed(judge, kept, seed, tally)
            tally.tried[target.name] = len(seeds) * target.inputs
            tally.taken[target.name] = judge.taken
    return tally


def replay(target: Target) -> Tally:
    """Run every kept input of a target, in the bounds of time and, one by one, of memory."""
    tally = Tally()
    judge = Judge(target)
    kept = inputs(target.name)
    for number, data in enumerate(kept):
        finding = judge.try_input(data) or judge.measure_memory(data)
        if finding is not None:
            tally.note(target.name, 0, number, data, finding)
    tally.tried[target.name] = len(kept)
    tally.taken[target.name] = judge.taken
    return tally


def _try_seed(judge: Judge, kept: list[bytes], seed: int, tally: Tally) -> None:
    target = judge.target
    rng = random.Random(f"{target.name} {seed}")
    pool = list(kept) or [b""]
    limit, largest = len(pool) + POOL_MAX, 1_024 + 2 * max(map(len, pool))  # long ones cost time and lead nowhere new
    mutate = target.mutate
    for number in range(target.inputs):
        data = mutate(pool[int(rng.random() * len(pool))], rng, pool)
        taken = judge.taken
        finding = judge.try_input(data)
        if finding is not None:
            tally.note(target.name, seed, number, data, finding)
        elif judge.taken > taken and len(data) <= largest:
            # What was taken led further in than most: go on from there.
            if len(pool) < limit:
                pool.append(data)
            else:
                pool[len(kept) + int(rng.random() * (limit - len(kept)))] = data
