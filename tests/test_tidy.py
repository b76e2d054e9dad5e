"""House rules that a reader would have to check by hand otherwise."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES_MAX = 600

# Files that may be longer, and why: a table or a grammar that would only be harder to find in two places.
LONGER: dict[str, str] = {}

UNFINISHED = re.compile(r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
VAGUE = {"util", "utils", "manager", "helper", "helpers", "handler", "handlers", "misc", "common"}

SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
WRITTEN = sorted(
    path
    for folder in ("src", "tests", "docs", "scripts", "bench", "models", "reliability", ".ci")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and path.suffix in {".py", ".md", ".sh", ".sql", ".go", ".toml", ""}
    if not {"corpus", "regressions"} & set(path.parts)  # made to be wrong
)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def sleeps(source: str) -> list[int]:
    """Lines on which a text calls or takes `time.sleep`."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Attribute) and node.attr == "sleep" and ast.unparse(node.value) == "time")
        or (isinstance(node, ast.ImportFrom) and node.module == "time" and any(alias.name == "sleep" for alias in node.names))
    ]


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_source_file_holds_one_subject(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LINES_MAX or relative(path) in LONGER


def test_list_of_longer_files_names_only_files_that_are_longer() -> None:
    assert all(len((ROOT / name).read_text().splitlines()) > LINES_MAX for name in LONGER)


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_module_has_a_name_that_says_something(path: Path) -> None:
    assert not VAGUE & set(path.stem.split("_"))


@pytest.mark.slow
@pytest.mark.parametrize("path", TESTS, ids=relative)
def test_no_test_sleeps(path: Path) -> None:
    assert sleeps(path.read_text()) == []


@pytest.mark.parametrize("source", ["import time\ntime.sleep(1)", "from time import sleep", "import time\nwait = time.sleep"])
def test_sleep_is_seen(source: str) -> None:
    assert sleeps(source)


@pytest.mark.parametrize("path", WRITTEN, ids=relative)
def test_nothing_is_left_for_later(path: Path) -> None:
    assert UNFINISHED.findall(path.read_text()) == []
