"""reliability/record.json: what was run so far, by kind, with the commits and the seeds. It is a table in docs/reliability.md.

`python -m reliability.record` writes that table anew.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reliability.slices import Slice

RECORD = Path(__file__).parent / "record.json"
DOCS = Path(__file__).parents[1] / "docs" / "reliability.md"
TABLE_BEGINS, TABLE_ENDS = "<!-- record -->", "<!-- end of the record -->"


@dataclass(frozen=True, slots=True)
class Goal:
    """How much of one count the record is to show. `count` names it in a slice's counts; "seeds" are the seeds themselves."""

    count: str
    wanted: int


# A simulated entry counts if it met two faults or more.
GOALS: dict[str, tuple[Goal, ...]] = {
    "simulator": (Goal("entries", 5_000_000), Goal("seeds", 20_000)),
    "power": (Goal("cuts", 200_000),),
    "kills": (Goal("kills", 5_000),),
    "parties": (Goal("attempts", 100_000),),
    "fuzz": (Goal("inputs", 20_000_000),),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring seeds of one kind that were run at one commit; without counts, seeds whose run did not come to its end."""

    commit: str
    seeds: range
    counts: dict[str, int]
    seconds: float


@dataclass(slots=True)
class KindRecord:
    """What one kind has behind it. A failure stays with the commit at which it was found, also when it is mended."""

    stretches: list[Stretch] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)  # (commit, text)

    def totals(self) -> dict[str, int]:
        """The counts of all stretches added up, and the seeds whose run came to its end."""
        found = Counter(seeds=sum(len(stretch.seeds) for stretch in self.stretches if stretch.counts))
        for stretch in self.stretches:
            found.update(stretch.counts)
        return dict(found)

    def seconds(self) -> float:
        """How long all of it took."""
        return sum(stretch.seconds for stretch in self.stretches)

    def next_seed(self) -> int:
        """The first seed above all that were used."""
        return max((stretch.seeds.stop for stretch in self.stretches), default=0)

    def add(self, found: Slice, commit: str, seconds: float) -> None:
        """Add a finished slice. ValueError if one of its seeds has been counted before."""
        if any(found.seeds.start < old.seeds.stop and old.seeds.start < found.seeds.stop for old in self.stretches):
            raise ValueError(f"seeds of {found.seeds.start}:{found.seeds.stop} have been counted before")
        self.failures += [(commit, failure) for failure in found.failures]
        self.stretches.append(Stretch(commit, found.seeds, dict(found.counts), seconds))
        self.stretches = _joined(self.stretches)


class Record:
    """The whole record, by kind."""

    def __init__(self, kinds: dict[str, KindRecord] | None = None) -> None:
        self.kinds = {kind: KindRecord() for kind in GOALS} | (kinds or {})

    def progress(self, kind: str) -> float:
        """The share of its goal that a kind has reached, of its least advanced goal; 1.0 is all of it."""
        totals = self.kinds[kind].totals()
        return min(totals.get(goal.count, 0) / goal.wanted for goal in GOALS[kind])

    def lines(self) -> list[str]:
        """One line of text for each kind: how far it is."""
        return [self.line(kind) for kind in GOALS]

    def line(self, kind: str) -> str:
        totals = self.kinds[kind].totals()
        shown = [f"{totals.get(goal.count, 0):,} of {goal.wanted:,} {goal.count}" for goal in GOALS[kind]]
        failed = len(self.kinds[kind].failures)
        return f"{kind:10} {', '.join(shown)}" + (f"; {failed} failures" if failed else "")

    def save(self, path: Path = RECORD) -> None:
        """Write the record whole or not at all."""
        text = (
            json.dumps(
                {kind: _written(found) for kind, found in self.kinds.items() if found.stretches or found.failures}, indent=1
            )
            + "\n"
        )
        beside = path.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)


def load(path: Path = RECORD) -> Record:
    """The record as it stands; ValueError where its totals are not the sum of its stretches."""
    return Record({kind: _read(kind, found) for kind, found in json.loads(path.read_text(encoding="utf-8")).items()})


def write_table(record: Record, path: Path = DOCS) -> None:
    """Put the record's table into the docs, in the place of the one that stands there."""
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(TABLE_BEGINS)
    _, _, after = rest.partition(TABLE_ENDS)
    path.write_text(f"{before}{TABLE_BEGINS}\n\n{table(record)}\n\n{TABLE_ENDS}{after}", encoding="utf-8")


def table(record: Record) -> str:
    """The record as the table of docs/reliability.md."""
    rows = ["| kind | done | wanted | hours | failures found |", "| --- | --- | --- | --- | --- |"]
    for kind, goals in GOALS.items():
        found = record.kinds[kind]
        totals = found.totals()
        done = ", ".join(f"{totals.get(goal.count, 0):,} {goal.count}" for goal in goals)
        wanted = ", ".join(f"{goal.wanted:,}" for goal in goals)
        rows.append(f"| {kind} | {done} | {wanted} | {found.seconds() / 3600:.1f} | {len(found.failures)} |")
    return "\n".join(rows)


def _joined(stretches: list[Stretch]) -> list[Stretch]:
    """The stretches by seed, neighbours of one commit made one."""
    joined: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda stretch: stretch.seeds.start):
        last = joined[-1] if joined else None
        if last is None or not _continues(last, stretch):
            joined.append(stretch)
            continue
        counts = Counter(last.counts)
        counts.update(stretch.counts)
        seeds = range(last.seeds.start, stretch.seeds.stop)
        joined[-1] = replace(last, seeds=seeds, counts=dict(counts), seconds=last.seconds + stretch.seconds)
    return joined


def _continues(last: Stretch, stretch: Stretch) -> bool:
    whole = bool(last.counts) == bool(stretch.counts)
    return whole and (last.commit, last.seeds.stop) == (stretch.commit, stretch.seeds.start)


def _written(found: KindRecord) -> dict[str, Any]:
    return {
        "totals": found.totals(),
        "slices": [
            {
                "commit": stretch.commit,
                "seeds": [stretch.seeds.start, stretch.seeds.stop],
                "counts": stretch.counts,
                "seconds": round(stretch.seconds, 1),
            }
            for stretch in found.stretches
        ],
        "failures": [{"commit": commit, "failure": text} for commit, text in found.failures],
    }


def _read(kind: str, written: dict[str, Any]) -> KindRecord:
    stretches = [Stretch(each["commit"], range(*each["seeds"]), each["counts"], each["seconds"]) for each in written["slices"]]
    found = KindRecord(stretches, [(each["commit"], each["failure"]) for each in written["failures"]])
    if found.totals() != written["totals"]:
        raise ValueError(f"the totals of {kind} are not the sum of its slices")
    return found


if __name__ == "__main__":
    write_table(load())
