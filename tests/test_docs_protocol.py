"""docs/protocol.md keeps up with core: phases, limits, items, statements, types, rules and vectors are those of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from scripts.state_diagram import state_diagram
from watchline.core import frames, limits
from watchline.core.entries import EntryType
from watchline.core.line_state import LineFacts, RouteFacts, judge
from watchline.core.silence import CARRIES, Attempt, claimed_kind
from watchline.core.statements import StatementType
from watchline.desk.report import PASSED_ON
from watchline.routes import DIRECT, Outcome
from watchline.routes.nats import KIND

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "protocol.md").read_text()
SOURCES = sorted((ROOT / "src").rglob("*.py"))
BEGIN, END = "<!-- phases: begin -->\n", "<!-- phases: end -->"
RULES = 41


def rows(head: str) -> list[list[str]]:
    """The cells of the table whose first line is `head`."""
    lines = TEXT[TEXT.index(head) :].splitlines()[2:]
    table = lines[: next((at for at, line in enumerate(lines) if not line.startswith("|")), len(lines))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def rules_named(source: str) -> Iterator[int]:
    """The rule numbers that the errors of a module carry."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.keyword(arg="rule", value=ast.Constant(value=int(rule))):
                yield rule


def test_phases_are_exactly_those_of_the_transition_table() -> None:
    assert TEXT[TEXT.index(BEGIN) + len(BEGIN) : TEXT.index(END)] == state_diagram()


def test_limits_are_exactly_those_of_the_code() -> None:
    documented = {name.strip("`"): int(value.replace(",", "")) for name, value, _ in rows("| name | value |")}
    assert documented == {name: value for name, value in vars(limits).items() if name.isupper()}


def test_version_is_that_of_every_payload() -> None:
    assert f"Version: `watchline/{frames.VERSION}`" in TEXT


def test_items_are_those_that_frames_carry() -> None:
    documented = {int(kind): layout for kind, _, layout in rows("| kind | item |")}
    assert set(documented) == set(frames._READERS)
    for kind, (parts, _) in frames._READERS.items():
        assert top_level_parts(documented[kind].strip("`")) == parts, f"item {kind}"


def top_level_parts(layout: str) -> int:
    """How many elements an array in the notation of the document has."""
    depth = parts = 0
    for character in layout:
        depth += {"[": 1, "]": -1}.get(character, 0)
        parts += (character == "," and depth == 1) or (character == "[" and depth == 1)
    return parts


def test_elements_of_a_layout_are_counted() -> None:
    assert top_level_parts("[1, [[a, b], ...], dCBOR[x, y], z]") == 4


def test_statements_are_those_that_nodes_sign() -> None:
    documented = {int(kind): name for kind, name, _ in rows("| TYPE | statement |")}
    assert documented == {kind.value: kind.name for kind in StatementType}


def test_entry_types_are_those_of_the_code_or_reserved() -> None:
    documented = {int(kind): name for kind, name, _ in rows("| type | name |")}
    reserved = {int(number) for number in re.findall(r"\d+", TEXT[TEXT.index("Types 7") :].split(".")[0])}
    assert documented == {kind.value: kind.name.lower() for kind in EntryType if kind not in reserved}
    assert set(documented) | reserved == set(map(int, EntryType))


def test_rules_are_numbered_1_to_41_in_order() -> None:
    assert [int(number) for number in re.findall(r"^\*\*(\d+)\.", TEXT, re.MULTILINE)] == list(range(1, RULES + 1))


@pytest.mark.slow
def test_every_rule_that_an_error_names_is_in_the_text() -> None:
    named = {rule for path in SOURCES for rule in rules_named(path.read_text())}
    assert named
    assert named <= set(range(1, RULES + 1))


OUTCOMES = rows("| outcome | on |")
ENDED = "closed"  # a link that stood


def test_outcomes_of_attempts_are_those_that_the_code_keeps_each_on_every_kind_of_route() -> None:
    documented = {(word.strip("`"), on) for word, on, *_ in OUTCOMES}
    attempts = get_args(Outcome)
    assert documented == {(word, on) for word in (*attempts, *PASSED_ON, ENDED) for on in ("direct", "relay")} - {
        ("relayed", "direct")  # nobody stands in the middle who could say so
    }
    assert len(OUTCOMES) == len(documented)


@pytest.mark.parametrize("row", OUTCOMES, ids=lambda row: " ".join(row[:2]))
def test_outcome_of_an_attempt_leads_to_the_state_and_to_the_kind_of_certificate_in_the_text(row: list[str]) -> None:
    outcome, on, _, _, state, kind = (cell.strip("`") for cell in row)
    address = f"{DIRECT if on == 'direct' else KIND} relay.example.org:4222"
    assert claimed_kind((Attempt(address, 1, outcome),), None, stated=False) == kind
    if state == "-":
        assert outcome in CARRIES or outcome == ENDED
    else:
        routes = (RouteFacts(relay=on == "relay", outcome=outcome, carries=False if on == "relay" else None),)
        facts = LineFacts(wall=1_000_000, interval_seconds=60, silent_seconds=600.0, routes=routes)
        assert judge(facts).state == state


def test_vectors_are_all_described() -> None:
    documented = {name.strip("`") for name, _ in rows("| file | what it holds |")}
    assert documented == {path.name for path in (ROOT / "tests" / "vectors").glob("*.json")}
