"""What the trials say together: score.json, the record of each module, and survivors.toml, which explains the survivors."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from reliability.mutation.modules import ROOT, source_hash
from reliability.mutation.operators import Mutant
from reliability.mutation.session import Key
from reliability.mutation.trial import Outcome

RECORD = Path(__file__).with_name("score.json")
EXPLAINED = Path(__file__).with_name("survivors.toml")
DOCS = ROOT / "docs" / "reliability.md"
_TABLE_BEGINS, _TABLE_ENDS = "<!-- mutants -->", "<!-- end of the mutants -->"


@dataclass(frozen=True, slots=True)
class Score:
    """One module's record. made: mutants that there are; mutants: those that were tried, all of them or a sample by chance.

    killed counts those that ran too long too; explained: the survivors in survivors.toml. score: percent of what was tried that
    was killed, to a tenth; an explanation does not raise it. source: SHA-256 of the module as it was mutated, in hex.
    """

    source: str
    made: int
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


def count(module: str, made: int, outcomes: Mapping[Key, Outcome]) -> Score:
    """The module's record, from the outcomes of the mutants that were tried, one at least. made: how many there are."""
    killed = sum(outcome.is_killed for outcome in outcomes.values())
    survivors = {key for key, outcome in outcomes.items() if not outcome.is_killed}
    explained = len(survivors & explained_keys(module))
    percent = round(100 * killed / len(outcomes), 1)
    return Score(source_hash(module), made, len(outcomes), killed, len(survivors), explained, percent)


def unexplained(module: str, mutants: list[Mutant], outcomes: Mapping[Key, Outcome]) -> list[Mutant]:
    """The survivors of which survivors.toml does not speak."""
    known = explained_keys(module)
    survivors = [mutant for mutant in mutants if mutant.key in outcomes and not outcomes[mutant.key].is_killed]
    return [mutant for mutant in survivors if mutant.key not in known]


def wrongly_explained(module: str, mutants: list[Mutant], outcomes: Mapping[Key, Outcome]) -> list[Mutant]:
    """The mutants that survivors.toml explains and a test kills."""
    known = explained_keys(module)
    explained = [mutant for mutant in mutants if mutant.key in known and mutant.key in outcomes]
    return [mutant for mutant in explained if outcomes[mutant.key].is_killed]


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
    """The record as the table of docs/reliability.md."""
    rows = ["| module | mutants | tried | killed | explained | score |", "| --- | --- | --- | --- | --- | --- |"]
    rows += [
        f"| {module} | {score.made:,} | {score.mutants:,} | {score.killed:,} | {score.explained:,} | {score.score:.1f} % |"
        for module, score in sorted(record.items())
    ]
    return "\n".join(rows)


def write_table(record: Mapping[str, Score], path: Path = DOCS) -> None:
    """Put the record's table into the docs, in the place of the one that stands there."""
    before, _, rest = path.read_text(encoding="utf-8").partition(_TABLE_BEGINS)
    _, _, after = rest.partition(_TABLE_ENDS)
    path.write_text(f"{before}{_TABLE_BEGINS}\n\n{table(record)}\n\n{_TABLE_ENDS}{after}", encoding="utf-8")


def changed_since(record: Mapping[str, Score]) -> list[str]:
    """The modules that were changed after they were mutated: their scores are of what they were."""
    return [module for module, score in sorted(record.items()) if score.source != source_hash(module)]
