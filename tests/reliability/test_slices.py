"""One slice from the command line, and a soak's choice of the next one."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from reliability import soak
from reliability.__main__ import main
from reliability.record import GOALS, Record
from reliability.slices import KINDS, Run, Slice, command, from_json, is_there, to_json
from reliability.soak import choose, commit_of, known_pace, run_slice, slice_length

FOUND = Slice("power", range(3, 7), {"cuts": 5, "errors": 0}, ("seed 4: lost",))


def test_slice_comes_back_from_json_as_it_was() -> None:
    assert from_json(to_json(FOUND)) == FOUND


def test_every_kind_of_the_record_can_be_run() -> None:
    assert set(GOALS) == set(KINDS)
    assert command("power", range(3, 7)) == "python -m reliability power --seeds 3:7"


def test_kind_without_a_module_is_not_there() -> None:
    assert is_there("power")
    assert not is_there("weather")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["power"],
        ["weather", "--seeds", "0:1"],
        ["power", "--new", "0"],
        ["power", "--new", "1", "--seeds", "0:1"],
        *(["power", "--seeds", seeds] for seeds in ("1", "1:", "2:1", "1:1", "-1:2", "a:b")),
    ],
)
def test_wrong_use_is_told_with_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: reliability" in capsys.readouterr().err


def test_new_seeds_are_others_each_time_and_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    taken: list[range] = []

    def run(seeds: range) -> Slice:
        taken.append(seeds)
        return replace(FOUND, seeds=seeds, failures=())

    for _ in range(2):
        assert main(["power", "--new", "3"], lambda kind: run) == 0
        assert f"power {taken[-1].start}:{taken[-1].stop}: " in capsys.readouterr().out
    assert taken[0] != taken[1]
    assert [len(seeds) for seeds in taken] == [3, 3]
    assert all(seeds.start >= 10**9 for seeds in taken)


def missing(kind: str) -> Run:
    raise ModuleNotFoundError("there is none", name=f"reliability.{kind}")


def test_kind_that_this_checkout_lacks_is_told_with_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["power", "--seeds", "0:1"], missing)
    assert ended.value.code == 2
    assert "this checkout has no reliability.power" in capsys.readouterr().err


def test_slice_with_a_failure_ends_with_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["power", "--seeds", "3:7"], lambda kind: lambda seeds: FOUND) == 1
    assert "FAILED seed 4: lost" in capsys.readouterr().out
    assert main(["power", "--seeds", "3:7"], lambda kind: lambda seeds: replace(FOUND, failures=())) == 0
    assert main(["power", "--seeds", "3:7", "--json"], lambda kind: lambda seeds: FOUND) == 1


@pytest.mark.slow
def test_slice_runs_in_a_process_of_its_own_and_comes_back_with_its_commit() -> None:
    found, commit, seconds = run_slice("power", range(6, 7))
    assert found.counts["cuts"] > 100
    assert found.failures == ()
    assert seconds > 0
    assert len(commit.removesuffix("-dirty")) == 12


def test_slice_whose_process_ends_early_is_a_failure_that_counts_nothing() -> None:
    found, _, _ = run_slice("weather", range(2))
    assert (found.seeds, found.counts) == (range(2), {})
    assert "ended with 2" in found.failures[0]
    assert command("weather", range(2)) in found.failures[0]


def test_slice_that_takes_too_long_is_ended_and_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "LIMIT_SECONDS", 0.2)
    found, _, _ = run_slice("power", range(1000))
    assert "not done after" in found.failures[0]


@pytest.mark.needs("git")
def test_commit_is_dirty_once_anything_but_the_record_differs(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    record = tmp_path / "reliability" / "record.json"
    record.parent.mkdir()
    record.write_text("{}")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    clean = commit_of(tmp_path)
    assert len(clean) == 12
    record.write_text("{ }")
    assert commit_of(tmp_path) == clean
    (tmp_path / "new").touch()
    assert commit_of(tmp_path) == clean + "-dirty"


def recorded(**done: dict[str, int]) -> Record:
    record = Record()
    for kind, counts in done.items():
        record.kinds[kind].add(Slice(kind, range(100), counts, ()), "c", 50.0)
    return record


def test_kind_that_is_furthest_from_its_goal_is_next_and_begins_where_it_ended() -> None:
    record = recorded(power={"cuts": 150_000}, kills={"kills": 1_000})
    assert choose(record, ["power", "kills"], []) == ("kills", 100)


def test_kind_that_does_not_run_is_next_before_one_that_does() -> None:
    record = recorded(power={"cuts": 150_000}, kills={"kills": 1_000})
    assert choose(record, ["power", "kills"], [("kills", range(100, 120))]) == ("power", 100)
    assert choose(record, ["kills"], [("kills", range(100, 120))]) == ("kills", 120)


def test_length_of_a_slice_follows_what_the_last_one_took() -> None:
    assert slice_length(100, 30.0, 60.0) == 200
    assert slice_length(100, 30.0, 0.1) == 1
    assert slice_length(100, 0.0, 60.0) == 800
    assert known_pace(recorded(power={"cuts": 1}), "power") == (100, 50.0)
    assert slice_length(*known_pace(Record(), "power"), 60.0) == 1
