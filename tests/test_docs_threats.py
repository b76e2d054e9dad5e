"""docs/threat-model.md keeps its word: everything that an adversary is said not to be able to do names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "threat-model.md").read_text()
HEAD = "| cannot | rule | test |"
ROWS = [
    line.strip("|").split("|")
    for table in TEXT.split(HEAD)[1:]
    for line in table.lstrip("\n").split("\n\n")[0].splitlines()[1:]
]


def existing_tests() -> set[str]:
    """The name of every test in the tests tree: functions, and the state machines that a module calls test_..."""
    return {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in names_defined(node)
        if name.startswith("test_")
    }


def names_defined(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


def test_tables_are_found() -> None:
    assert len(ROWS) > 40


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip())
def test_everything_an_adversary_cannot_do_names_a_rule_and_a_test(row: list[str]) -> None:
    _, rules, tests = (cell.strip() for cell in row)
    assert rules == "-" or all(1 <= int(rule) <= 41 for rule in rules.split(", "))
    assert re.fullmatch(r"`test_\w+`(, `test_\w+`)*", tests)


@pytest.mark.slow
def test_every_named_test_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    assert sorted(named - existing_tests()) == []


def test_every_adversary_has_what_it_can_do_and_what_it_cannot() -> None:
    sections = {part.partition("\n")[0]: part for part in TEXT.split("\n## ")[1:]}
    adversaries = {title: part for title, part in sections.items() if HEAD in part}
    assert len(adversaries) >= 10
    assert [title for title, part in adversaries.items() if "\nCan:\n\n- " not in part and title != "A power cut"] == []
