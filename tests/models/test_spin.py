"""The Spin models hold, and what is broken on purpose in them is found broken."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from models.check import HERE, Run, Verdict, complaint, read_expected, read_verdict, search

RUNS = read_expected()
MODELS = sorted(HERE.glob("*.pml"))
BOUNDS = {"ENTRIES", "BODIES", "RESTORES", "CRASHES", "BACKUPS", "NOTICES", "NONCES", "RESTARTS"}
ROW = re.compile(r"^\| ([^|]+) \| `([^`]*)` \| ([\d,]+) \|", re.MULTILINE)

with_spin = pytest.mark.needs("spin", "cc")


def switches(model: Path) -> set[str]:
    """What a -D can turn on in a model, beside bounds, the liveness formula and what the model defines for itself."""
    text = model.read_text("utf-8")
    asked = set(re.findall(r"#\s*if(?:def|ndef)\s+(\w+)", text)) | set(re.findall(r"defined\((\w+)\)", text))
    return asked - BOUNDS - {"LIVENESS"} - set(re.findall(r"#define (\w+)\n", text))


def named(name: str) -> Run:
    return next(run for run in RUNS if run.name == name)


@with_spin
@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_model_finds_what_is_expected(run: Run) -> None:
    assert complaint(run, search(run)) is None


@pytest.mark.slow
@with_spin
def test_broken_model_that_is_expected_to_hold_is_reported() -> None:
    run = replace(named("send before commit"), breaks=None)
    assert complaint(run, search(run)) == "expected nothing to be violated, found two_bodies_in_one_slot"


@pytest.mark.slow
@with_spin
def test_whole_model_that_is_expected_to_break_is_reported() -> None:
    run = replace(named("opening"), breaks="second_head", defines=("ENTRIES=1", "BODIES=1", "NONCES=2"))
    assert complaint(run, search(run)) == "expected second_head to be violated, found nothing"


@with_spin
def test_model_that_spin_refuses_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="spin -a"):
        search(replace(named("opening"), defines=("ENTRIES=)",)))


def test_search_that_did_not_end_is_reported() -> None:
    assert complaint(named("opening"), Verdict(None, complete=False, states=1 << 40, depth=1, seconds=1)) is not None


def test_model_that_has_lost_half_its_states_is_reported() -> None:
    run = named("opening")
    assert complaint(run, Verdict(None, complete=True, states=run.states, depth=1, seconds=1)) is None
    assert complaint(run, Verdict(None, complete=True, states=run.states // 3, depth=1, seconds=1)) is not None


def test_what_is_no_report_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        read_verdict("pan: out of memory")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_switch_of_a_model_has_a_run(model: Path) -> None:
    run = {define for run in RUNS if run.model == model.stem for define in run.defines if "=" not in define}
    assert run == switches(model)


def test_every_run_names_a_model_and_every_model_has_one_that_holds() -> None:
    assert {run.model for run in RUNS if run.breaks is None} == {model.stem for model in MODELS} == {run.model for run in RUNS}


def test_names_of_runs_differ() -> None:
    assert len({run.name for run in RUNS}) == len(RUNS)


def test_readme_has_the_recorded_number_of_states() -> None:
    rows = {
        name: (defines, int(states.replace(",", "")))
        for name, defines, states in ROW.findall((HERE / "README.md").read_text("utf-8"))
    }
    holds = {run.name: (" ".join(run.defines), run.states) for run in RUNS if run.breaks is None}
    assert rows == holds
