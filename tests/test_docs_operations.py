"""docs/operations.md and docs/architecture.md keep up: each kind of error, event of the log and dependency is there."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from watchline import errors
from watchline.routes import Outcome

ROOT = Path(__file__).parents[1]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
LEVELS = {"debug", "info", "warning", "error", "critical"}


def column(text: str, head: str) -> list[str]:
    """The first cells of the table whose header begins with `head`, without code marks."""
    lines = text[text.index(head) :].splitlines()[2:]
    table = lines[: next((at for at, line in enumerate(lines) if not line.startswith("|")), len(lines))]
    return re.findall(r"^\| `?([^`|]+?)`?[ ,|]", "\n".join(table), re.MULTILINE)


def events() -> Iterator[str]:
    """Every event that the node may write to its log."""
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level), args=[event, *_]) if level in LEVELS:
                    yield from constants(event)


def constants(node: ast.expr) -> Iterator[str]:
    """The texts that an argument may be: itself, or either side of a choice."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def kinds(error: type[errors.WatchlineError]) -> Iterator[tuple[str, int]]:
    yield error.kind, error.exit_code
    for below in error.__subclasses__():
        yield from kinds(below)


def test_every_kind_of_error_has_its_exit_code_and_what_to_do() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (\d+) \| [^|]+ \| [^|]+ \|$", OPERATIONS, re.MULTILINE))
    for kind, code in kinds(errors.WatchlineError):
        if kind != errors.WatchlineError.kind:
            assert rows.get(kind) == str(code), kind


def test_every_event_of_the_log_is_described_and_no_other() -> None:
    assert sorted(column(OPERATIONS, "| event | level |")) == sorted(set(events()))


def test_every_outcome_of_an_attempt_is_described_and_no_other() -> None:
    assert sorted(column(OPERATIONS, "| outcome | means |")) == sorted(get_args(Outcome))


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert sorted(column(ARCHITECTURE, "| package | what for |")) == sorted(project["dependencies"])


def test_every_decision_is_linked_from_the_architecture() -> None:
    linked = set(re.findall(r"\(decisions/([\w.-]+)\)", ARCHITECTURE))
    assert linked == {path.name for path in (ROOT / "docs" / "decisions").glob("*.md")}
