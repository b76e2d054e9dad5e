"""The kept inputs of every fuzz target, some new ones from a fixed seed, and proof that the harness sees what it looks for."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from reliability.fuzz import run
from reliability.fuzz.bounds import MEMORY_BYTES_MAX, Judge
from reliability.fuzz.corpus import CORPUS, FILES_MAX, REGRESSIONS, files, inputs
from reliability.fuzz.covered import Reached, as_slice
from reliability.fuzz.parsers import ELSEWHERE, parsers, reached
from reliability.fuzz.question_targets import methods_of_parts
from reliability.fuzz.slice import replay, try_seeds
from reliability.fuzz.target import Broken, Check, Target
from reliability.fuzz.targets import TARGETS
from watchline.core.encoding import decode, encode
from watchline.errors import PeerError

SEED = 20_261_121
names = pytest.mark.parametrize("name", TARGETS)


def planted(check: Check, *, inputs: int = 20) -> Target:
    """A target with a fault of the test's choice."""
    return Target("planted", lambda: check, dict, inputs=inputs)


def place_of(check: Check, data: bytes = b"\x80") -> str | None:
    finding = Judge(planted(check)).try_input(data)
    return None if finding is None else finding.place.partition(" ")[0]


@pytest.mark.slow
@names
def test_kept_inputs_are_few_break_nothing_and_stay_in_their_bounds(name: str) -> None:
    tally = replay(TARGETS[name])
    assert [found.text() for found in tally.found.values()] == []
    assert tally.tried[name] == len(files(name))
    assert tally.taken[name]
    assert 1 <= len(list((CORPUS / name).iterdir())) <= FILES_MAX


@pytest.mark.slow
@names
def test_new_inputs_of_a_fixed_seed_break_nothing(name: str) -> None:
    target = TARGETS[name]
    fewer = replace(target, inputs=max(10, target.inputs // 20))
    assert [found.text() for found in try_seeds([fewer], range(SEED, SEED + 1)).found.values()] == []


@pytest.mark.slow
def test_every_parser_of_foreign_bytes_is_reached_by_a_target_or_named_with_the_reason() -> None:
    found = parsers()
    assert len(found) > 60
    assert found - reached(TARGETS.values()) == set(ELSEWHERE)


@pytest.mark.slow
def test_every_method_that_a_part_of_the_desk_answers_is_asked() -> None:
    asked = {json.loads(data)["method"] for data in inputs("api") if data.startswith(b'{"method"')}
    assert methods_of_parts() <= asked


def test_folders_of_inputs_belong_to_targets() -> None:
    assert {folder.name for kept in (CORPUS, REGRESSIONS) for folder in kept.iterdir()} <= set(TARGETS)


@pytest.mark.slow
def test_one_seed_gives_the_same_inputs_each_time() -> None:
    seen: list[list[bytes]] = [[], []]
    for times in seen:
        try_seeds([planted(times.append, inputs=50)], range(7, 8))
    assert seen[0] == seen[1]
    assert len(set(seen[0])) > 10


@names
def test_mutations_of_one_seed_are_the_same_each_time(name: str) -> None:
    kept = inputs(name)
    mutate = TARGETS[name].mutate
    once, again = ([mutate(kept[0], random.Random(seed), kept) for seed in range(20)] for _ in range(2))
    assert once == again
    assert len(set(once)) > 5


@pytest.mark.slow
def test_slice_counts_each_input_once_and_by_target(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: replace(TARGETS[name], inputs=number) for name, number in (("leaf", 30), ("verifier-key", 20))}
    monkeypatch.setattr("reliability.fuzz.targets.TARGETS", few)
    found = run(range(3, 5))
    assert {name: found.counts[name] for name in (*few, "inputs")} == {"leaf": 60, "verifier-key": 40, "inputs": 100}
    assert found.failures == ()


def test_run_under_coverage_is_a_slice_with_a_seed_of_its_own() -> None:
    found = as_slice({"leaf": 7, "note": 5}, ["leaf: broken"], 12)
    assert (found.kind, found.seeds, found.failures) == ("fuzz", range(12, 13), ("leaf: broken",))
    assert found.counts == {"inputs": 12, "leaf": 7, "note": 5}


def test_input_that_takes_no_new_step_is_not_worth_keeping() -> None:
    judge, reached = Judge(TARGETS["leaf"]), Reached()
    leaf = inputs("leaf")[0]
    assert [reached.adds(judge, data) for data in (leaf, leaf, leaf[:-1])] == [True, False, True]


@pytest.mark.slow
def test_failure_names_its_seed_and_the_command_that_repeats_it() -> None:
    def check(data: bytes) -> None:
        raise KeyError("planted")

    (failure,) = try_seeds([planted(check)], range(4, 5)).as_slice(range(4, 5)).failures
    assert "KeyError" in failure
    assert "20 times" in failure
    assert "python -m reliability fuzz --seeds 4:5" in failure


def wrong_kind(data: bytes) -> None:
    raise IndexError(data)


def broken_promise(data: bytes) -> None:
    raise Broken("planted")


def endless(data: bytes) -> None:
    for _ in range(4_000_000):
        pass


def deep(data: bytes) -> None:
    deep(data)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("check", "place"),
    [(wrong_kind, "IndexError"), (broken_promise, "Broken"), (endless, "slow"), (deep, "RecursionError")],
)
def test_planted_fault_is_found(check: Check, place: str) -> None:
    assert place_of(check) == place


@pytest.mark.slow
def test_making_the_world_of_an_input_may_take_long_and_what_is_tried_in_it_may_not() -> None:
    def long_before(data: bytes) -> Callable[[], None]:
        endless(data)
        return lambda: None

    assert place_of(long_before) is None
    assert place_of(lambda data: lambda: endless(data)) == "slow"
    assert place_of(lambda data: lambda: broken_promise(data)) == "Broken"


@pytest.mark.slow
def test_greed_for_memory_is_found() -> None:
    def check(data: bytes) -> None:
        assert b"x" * (2 * MEMORY_BYTES_MAX)

    patient = Judge(planted(check), cpu_seconds_max=10.0)
    finding = patient.try_input(b"")
    assert finding is not None
    assert finding.place == "memory"


@pytest.mark.slow
def test_greed_for_memory_that_is_never_touched_is_found() -> None:
    def check(data: bytes) -> None:
        bytes(1 << 40)

    assert place_of(check) == "MemoryError"


def test_refusal_is_no_finding() -> None:
    def check(data: bytes) -> None:
        raise PeerError("planted", rule=39)

    assert place_of(check) is None


@pytest.mark.parametrize("fault", [lambda value: [*value, 0] if type(value) is list else value, lambda value: not value])
def test_encoding_that_reads_another_value_is_found(monkeypatch: pytest.MonkeyPatch, fault: Callable[[object], object]) -> None:
    monkeypatch.setattr("reliability.fuzz.core_targets.decode", lambda data: fault(decode(data)))
    assert place_of(TARGETS["encoding"].make(), encode([1, 2])) == "Broken"
