"""What the trials say together: score.json, the record of each module, and survivors.toml, which explains the survivors."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from reliability.mutation.modules import source_hash
from reliability.mutation.operators import Mutant
from reliability.mutation.session import Key
from reliability.mutation.trial import Outcome

RECORD = Path(__file__).with_name("score.json")
EXPLAINED = Path(__file__).with_name("survivors.toml")


@dataclass(frozen=True, slots=True)
class Score:
    """One module's record. killed counts those that ran too long too; explained: the survivors in survivors.toml.

    score: percent of all mutants that were killed, to a tenth; an explanation does not raise it. source: SHA-256 of the
    module as it was mutated, in hex.
    """

    source: str
    mutants: int
    killed: int
    survived: int
    explained: int
    score: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why no test can see a mutant. mutant: as `Mutant.key`, of that module."""

    module: str
    mutant: Key
    why: str


def explanations(path: Path = EXPLAINED) -> list[Explanation]:
    """All of survivors.toml, whose tables are modules; each has a list of `survivor`."""
    read = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Explanation(
            module,
            (entry["where"], entry["operator"], entry["before"], entry["after"], entry.get("nth", 0)),
            entry["why"],
        )
        for module, entries in read.items()
        for entry in entries
    ]


def explained_keys(module: str) -> set[Key]:
    """The mutants of a module that are explained."""
    return {explanation.mutant for explanation in explanations() if explanation.module == module}


def count(module: str, outcomes: Mapping[Key, Outcome]) -> Score:
    """The module's record, from the outcomes of all its mutants."""
    killed = sum(outcome.is_killed for outcome in outcomes.values())
    survivors = {key for key, outcome in outcomes.items() if not outcome.is_killed}
    explained = len(survivors & explained_keys(module))
    percent = round(100 * killed / len(outcomes), 1)
    return Score(source_hash(module), len(outcomes), killed, len(survivors), explained, percent)


def unexplained(module: str, mutants: list[Mutant], outcomes: Mapping[Key, Outcome]) -> list[Mutant]:
    """The survivors of which survivors.toml does not speak."""
    known = explained_keys(module)
    survivors = [mutant for mutant in mutants if not outcomes[mutant.key].is_killed]
    return [mutant for mutant in survivors if mutant.key not in known]


def wrongly_explained(module: str, mutants: list[Mutant], outcomes: Mapping[Key, Outcome]) -> list[Mutant]:
    """The mutants that survivors.toml explains and a test kills."""
    known = explained_keys(module)
    return [mutant for mutant in mutants if mutant.key in known and outcomes[mutant.key].is_killed]


def read_record(path: Path = RECORD) -> dict[str, Score]:
    """score.json, by module."""
    if not path.exists():
        return {}
    return {module: Score(**fields) for module, fields in json.loads(path.read_text(encoding="utf-8")).items()}


def write_record(record: Mapping[str, Score], path: Path = RECORD) -> None:
    """Write score.json."""
    fields = {module: asdict(score) for module, score in sorted(record.items())}
    path.write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")


def table(record: Mapping[str, Score]) -> str:
    """The record for people; a module that was changed since has a star."""
    head = f"{'module':18}{'mutants':>9}{'killed':>9}{'survived':>10}{'explained':>11}{'score':>9}"
    rows = [
        f"{module + ('' if score.source == source_hash(module) else ' *'):18}{score.mutants:>9,}{score.killed:>9,}"
        f"{score.survived:>10,}{score.explained:>11,}{score.score:>8.1f}%"
        for module, score in sorted(record.items())
    ]
    stale = ["* changed since"] if any(score.source != source_hash(module) for module, score in record.items()) else []
    return "\n".join([head, *rows, *stale])
