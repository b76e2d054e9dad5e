"""Mutation testing: which faults are made, that the tests notice them, and that the record speaks of what there is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from reliability.mutation import score
from reliability.mutation.calls import CallWatch
from reliability.mutation.modules import ROOT, TESTS, path_of, source_of
from reliability.mutation.operators import Mutant, changes
from reliability.mutation.preload import unaffected
from reliability.mutation.session import Session
from reliability.mutation.trial import Outcome
from watchline.core import merkle

pytestmark = pytest.mark.slow

SOURCE = '''
"""Docstring."""
from base64 import b64decode

LIMIT: int = 4

def check(data: bytes, *, strict: bool = True) -> bytes:
    """Docstring."""
    if len(data) > LIMIT and strict:
        raise ValueError(f"more than {LIMIT} bytes", "words")
    try:
        return b"label" + b64decode(data[1:], validate=True)
    except (KeyError, ValueError):
        return join([data, data], b"")
'''


def made() -> set[tuple[str, str, str]]:
    return {(each.mutant.operator, each.mutant.before, each.mutant.after) for each in changes("sample", SOURCE)}


@pytest.mark.parametrize(
    ("operator", "before", "after"),
    [
        ("constant", "4", "5"),
        ("constant", "4", "3"),
        ("constant", "True", "False"),
        ("constant", "b'label'", "b'labelx'"),
        ("comparison", "len(data) > LIMIT", "len(data) >= LIMIT"),
        ("and/or", "len(data) > LIMIT and strict", "len(data) > LIMIT or strict"),
        ("condition dropped", "len(data) > LIMIT and strict", "strict"),
        ("condition never holds", "len(data) > LIMIT and strict", "False"),
        ("part of a sum dropped", "b'label' + b64decode(data[1:], validate=True)", "b64decode(data[1:], validate=True)"),
        ("argument dropped", "b64decode(data[1:], validate=True)", "b64decode(data[1:])"),
        ("arguments swapped", "join([data, data], b'')", "join(b'', [data, data])"),
        ("element dropped", "[data, data]", "[data]"),
        ("slice bound dropped", "1:", ":"),
    ],
)
def test_fault_that_a_person_could_have_typed_is_made(operator: str, before: str, after: str) -> None:
    assert (operator, before, after) in made()


def test_exceptions_of_a_handler_are_each_left_out() -> None:
    heads = {after.partition(":")[0] for operator, _, after in made() if operator == "exception not caught"}
    assert heads == {"except (ValueError,)", "except (KeyError,)"}


def test_words_for_people_annotations_and_docstrings_are_left_alone() -> None:
    changed = {before for _, before, _ in made()}
    assert not any("words" in before or "Docstring" in before or before in {"int", "bytes"} for before in changed)


def test_each_fault_has_a_name_of_its_own_and_leaves_the_next_one_alone() -> None:
    found = changes("sample", SOURCE)
    assert len({each.mutant.key for each in found}) == len(found)
    limits = [each for each in found if each.mutant.before == "4"]
    values = []
    for each in limits:
        space: dict[str, object] = {}
        exec(each.compiled("sample"), space)  # noqa: S102 - the source above
        values.append(space["LIMIT"])
    assert values == [5, 3]


# The record


def test_score_and_explanations_speak_of_modules_that_there_are() -> None:
    named = {*score.read_record(), *(each.module for each in score.explanations())}
    assert named
    assert all(path_of(module).exists() for module in named)
    assert all((ROOT / test).exists() for tests in TESTS.values() for test in tests)


def test_table_in_the_docs_is_that_of_the_score() -> None:
    assert score.table(score.read_record()) in score.DOCS.read_text(), "run `make mutate`"


@pytest.mark.parametrize("module", score.read_record())
def test_score_adds_up_and_is_good_enough(module: str) -> None:
    found = score.read_record()[module]
    assert found.made >= found.mutants == found.killed + found.survived
    assert found.score == round(100 * found.killed / found.mutants, 1) >= 90
    assert found.explained <= found.survived
    assert re.fullmatch("[0-9a-f]{64}", found.source)


def test_explained_mutants_can_still_be_made_and_stand_once() -> None:
    explained = [(each.module, each.mutant) for each in score.explanations()]
    assert len(set(explained)) == len(explained)
    possible = {
        (module, change.mutant.key)
        for module in {module for module, _ in explained}
        for change in changes(module, source_of(module))
    }
    assert [each for each in explained if each not in possible] == []
    assert all(len(each.why) > 20 for each in score.explanations())


# A slice of it


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, as trials fork before anything of ours is loaded."""
    command = [sys.executable, "-m", "reliability.mutation", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("module", ["merkle", "epochs"])
def test_mutants_that_nobody_explained_are_killed(module: str) -> None:
    ended = run(module, "--sample", "6", "--seed", "11")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = ended.stdout.splitlines()
    assert len(lines) == 6
    assert all(line.startswith(("killed: ", "timeout: ")) for line in lines)


def test_mutant_that_no_test_can_see_survives_as_explained() -> None:
    ended = run("entries", "--sample", "2", "--seed", "11", "--explained")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert [line.partition(":")[0] for line in ended.stdout.splitlines()] == ["survived"] * 2


def test_trial_that_would_not_have_its_fault_is_refused(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import watchline.core.merkle\n")
    (tmp_path / "test_nothing.py").write_text("def test_nothing(): pass\n")
    trial = f"from reliability.mutation import trial; trial._try_with('merkle', {str(tmp_path)!r}, [None], None, 1)"
    ended = subprocess.run([sys.executable, "-c", trial], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert "RuntimeError: merkle was loaded before the trials began" in ended.stderr


# The session


MUTANT = Mutant("shapes", "integer", "constant", "0", "1", 0, 20, "as it was")
KILLED, SURVIVED = Outcome("killed", "tests/x.py::test_y", 0.1), Outcome("survived", "", 0.2)


def test_session_goes_on_where_it_ended_even_in_the_middle_of_a_line(tmp_path: Path) -> None:
    other = replace(MUTANT, nth=1)
    session = Session("shapes", [MUTANT, other], tmp_path)
    session.note(MUTANT, SURVIVED)
    with (tmp_path / "shapes.jsonl").open("a") as lines:
        lines.write(json.dumps({"module": "shapes"})[:-4])
    again = Session("shapes", [MUTANT, other], tmp_path)
    assert (again.outcomes, again.untried()) == ({MUTANT.key: SURVIVED}, [other])
    assert Session("shapes", [MUTANT, other], tmp_path, afresh=True).untried() == [MUTANT, other]


def test_killed_mutant_is_believed_while_its_function_is_the_same_and_a_survivor_while_all_is(tmp_path: Path) -> None:
    other = replace(MUTANT, nth=1)
    session = Session("shapes", [MUTANT, other], tmp_path)
    session.note(MUTANT, KILLED)
    session.note(other, SURVIVED)
    state, *lines = (tmp_path / "shapes.jsonl").read_text().splitlines()
    elsewhere = json.dumps(json.loads(state) | {"tests": "other tests"})
    (tmp_path / "shapes.jsonl").write_text("\n".join([elsewhere, *lines]))
    assert Session("shapes", [MUTANT, other], tmp_path).untried() == [other]
    assert Session("shapes", [replace(MUTANT, around="changed")], tmp_path).outcomes == {}


def test_survivor_is_among_what_is_tried_next_however_few_are_drawn(tmp_path: Path) -> None:
    mutants = [replace(MUTANT, nth=number) for number in range(9)]
    Session("shapes", mutants, tmp_path).note(mutants[4], SURVIVED)
    state, *lines = (tmp_path / "shapes.jsonl").read_text().splitlines()
    elsewhere = json.dumps(json.loads(state) | {"tests": "other tests"})
    (tmp_path / "shapes.jsonl").write_text("\n".join([elsewhere, *lines]))
    session = Session("shapes", mutants, tmp_path)
    assert session.chosen(0, 1) == [mutants[4]]
    assert len(set(session.chosen(3, 1))) == 4
    assert session.chosen(3, 1) == session.chosen(3, 1)


# What a test calls


@lru_cache
def made_once() -> bytes:
    """For several tests."""
    return merkle.leaf_hash(b"")


def test_fault_is_shown_to_the_tests_that_call_its_function_and_to_all_where_what_it_made_is_kept() -> None:
    watch = CallWatch(path_of("merkle"))
    with watch.during("one"):
        made_once()
        merkle.root_of([bytes(32), bytes(32)])
    with watch.during("two"):
        merkle.earlier_path(1, 1, 2, [bytes(32)], lambda *_: bytes(32))
        with watch.during(None):
            merkle.root_at(0, lambda *_: b"")
    calls = watch.end()
    names = ("Edge.append", "root_of", "earlier_path", "earlier_path.span", "root_at", "leaf_hash", "consistency_path")
    assert [calls.sees("one", name) for name in names] == [True, True, False, False, True, True, False]
    assert [calls.sees("two", name) for name in names] == [False, False, True, True, True, True, False]
    assert [calls.is_seen(name) for name in names] == [True] * 6 + [False]


# What is loaded before


def test_what_imports_a_mutated_module_by_any_way_is_loaded_by_each_trial() -> None:
    loaded = unaffected("freshness")
    assert {"watchline.core.encoding", "watchline.core.statements", "watchline.journal.sqlite"} <= loaded
    assert not loaded & {"watchline.core.freshness", "watchline.core.gate", "watchline.core.line"}
    assert "watchline.core.shapes" in loaded
    assert not unaffected("encoding") & {"watchline.core.shapes", "watchline.core.entries", "watchline.journal.sqlite"}
