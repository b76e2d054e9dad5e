"""The record adds up, forgets no failure, counts no seed twice; and the table in the docs is made from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reliability.record import DOCS, Record, load, table, write_table
from reliability.slices import KINDS, Slice


def part(start: int, stop: int, cuts: int = 1, failures: tuple[str, ...] = ()) -> Slice:
    return Slice("power", range(start, stop), {"cuts": cuts, "errors": 0}, failures)


def test_record_in_the_repository_adds_up() -> None:
    record = load()
    assert set(record.kinds) <= set(KINDS)


def test_table_in_the_docs_is_that_of_the_record() -> None:
    assert table(load()) in DOCS.read_text(), "run `python -m reliability.record`"


def test_table_is_written_in_the_place_of_the_one_before(tmp_path: Path) -> None:
    docs = tmp_path / "reliability.md"
    docs.write_text(DOCS.read_text())
    record = Record()
    record.kinds["power"].add(part(0, 5, cuts=1234), "one", 7200.0)
    write_table(record, docs)
    assert "| power | 1,234 cuts | 200,000 | 2.0 | 0 |" in docs.read_text()
    write_table(load(), docs)
    assert docs.read_text() == DOCS.read_text()


def test_neighbouring_seeds_of_one_commit_become_one_stretch() -> None:
    power = Record().kinds["power"]
    power.add(part(0, 5, cuts=2), "one", 1.0)
    power.add(part(10, 20), "one", 1.0)
    power.add(part(5, 10, cuts=3), "one", 2.0)
    power.add(part(20, 21), "two", 1.0)
    assert [(each.commit, each.seeds, each.counts, each.seconds) for each in power.stretches] == [
        ("one", range(20), {"cuts": 6, "errors": 0}, 4.0),
        ("two", range(20, 21), {"cuts": 1, "errors": 0}, 1.0),
    ]
    assert power.totals() == {"seeds": 21, "cuts": 7, "errors": 0}
    assert power.next_seed() == 21


@pytest.mark.parametrize("again", [part(0, 1), part(4, 6), part(0, 9), part(4, 5)])
def test_seed_is_never_counted_twice(again: Slice) -> None:
    power = Record().kinds["power"]
    power.add(part(0, 5), "one", 1.0)
    with pytest.raises(ValueError, match="counted before"):
        power.add(again, "two", 1.0)


def test_seeds_whose_run_did_not_end_are_used_and_not_counted() -> None:
    power = Record().kinds["power"]
    power.add(part(0, 5), "one", 1.0)
    power.add(Slice("power", range(5, 9), {}, ("not done",)), "one", 1.0)
    power.add(part(9, 10), "one", 1.0)
    assert power.totals()["seeds"] == 6
    assert power.next_seed() == 10
    assert [each.seeds for each in power.stretches] == [range(5), range(5, 9), range(9, 10)]


def test_record_is_read_as_it_was_written_with_its_failures(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    record = Record()
    record.kinds["power"].add(part(0, 5, failures=("seed 3: lost",)), "one", 1.5)
    record.save(path)
    assert [child.name for child in tmp_path.iterdir()] == ["record.json"]
    read = load(path)
    assert read.kinds == record.kinds
    assert read.kinds["power"].failures == [("one", "seed 3: lost")]
    read.kinds["power"].add(part(5, 6), "two", 1.0)
    assert read.kinds["power"].failures == [("one", "seed 3: lost")]
    assert "1 failures" in read.line("power")


def test_record_whose_totals_are_not_the_sum_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    record = Record()
    record.kinds["power"].add(part(0, 5), "one", 1.0)
    record.save(path)
    written = json.loads(path.read_text())
    written["power"]["totals"]["cuts"] += 1
    path.write_text(json.dumps(written))
    with pytest.raises(ValueError, match="not the sum"):
        load(path)


def test_progress_is_that_of_the_least_advanced_goal() -> None:
    record = Record()
    record.kinds["simulator"].add(Slice("simulator", range(10_000), {"entries": 5_000_000}, ()), "one", 1.0)
    assert record.progress("simulator") == 0.5
    assert record.progress("power") == 0.0
