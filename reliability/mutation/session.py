"""What was tried already: one file for each module, a line of JSON for each mutant, so that a run goes on where one ended.

What survived is tried again as soon as the module or its tests have changed. What was killed stays killed while the function it
stands in is the same, because tests are added and not taken away; `make mutate AFRESH=1` believes nothing.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reliability.mutation.modules import ROOT, source_hash, tests_hash
from reliability.mutation.operators import Mutant
from reliability.mutation.trial import Outcome

FOLDER = ROOT / "build" / "mutation"

Key = tuple[str, str, str, str, int]


class Session:
    """The outcomes of one module's mutants, which are given. folder: where the file is kept. afresh: believe no earlier run."""

    def __init__(self, module: str, mutants: Iterable[Mutant], folder: Path = FOLDER, *, afresh: bool = False) -> None:
        self._path = folder / f"{module}.jsonl"
        self._mutants = {mutant.key: mutant for mutant in mutants}
        self.outcomes: dict[Key, Outcome] = {}
        self._survived: set[Key] = set()  # under other tests, or in another text of the module
        state = {"source": source_hash(module), "tests": tests_hash(module)}
        kept = [] if afresh else self._kept(state)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(state) + "\n", encoding="utf-8")
        for mutant, outcome in kept:
            self.note(mutant, outcome)

    def note(self, mutant: Mutant, outcome: Outcome) -> None:
        """Remember an outcome, at once and on the disk."""
        self.outcomes[mutant.key] = outcome
        with self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(mutant) | asdict(outcome), ensure_ascii=False) + "\n")

    def untried(self) -> list[Mutant]:
        """The mutants without an outcome."""
        return [mutant for key, mutant in self._mutants.items() if key not in self.outcomes]

    def chosen(self, count: int, seed: int) -> list[Mutant]:
        """So many of the untried mutants by chance, and all that survived before: what is tried stays a fair sample."""
        again = [mutant for mutant in self.untried() if mutant.key in self._survived]
        others = [mutant for mutant in self.untried() if mutant.key not in self._survived]
        return again + random.Random(seed).sample(others, min(count, len(others)))

    def _kept(self, state: Mapping[str, str]) -> list[tuple[Mutant, Outcome]]:
        """What the file says and still holds; a last line that was cut short says nothing."""
        if not self._path.exists():
            return []
        before, *lines = filter(None, map(_read, self._path.read_text(encoding="utf-8").splitlines()))
        kept = []
        for line in lines:
            mutant = self._mutants.get(_key(line))
            outcome = Outcome(line["result"], line["by"], line["seconds"])
            if mutant and mutant.around == line["around"] and (outcome.is_killed or before == state):
                kept.append((mutant, outcome))
            elif mutant and not outcome.is_killed:
                self._survived.add(mutant.key)
        return kept


def _read(line: str) -> dict[str, Any] | None:
    try:
        read: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return read


def _key(line: Mapping[str, Any]) -> Key:
    return line["where"], line["operator"], line["before"], line["after"], line["nth"]
