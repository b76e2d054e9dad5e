"""Evidence and the yearly pack from the command line, on homes in which two desks have talked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Shell
from tests.endtoend.homes import SOURCE
from tests.upgrades.earlier import EARLIEST, unpack
from watchline.core.evidence import verify_evidence

HELD = {"SHA256SUMS", "cover.html", "report.html", "report.json", "year.evidence"}


@pytest.fixture
def talked(shell: Shell) -> Shell:
    """tokyo, whose line with beijing has entries."""
    unpack(EARLIEST, shell.folder)
    return shell


def entries(shell: Shell) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shell.at("tokyo", "log", "beijing", "--json").document["entries"]
    assert found
    return found


def year_of(entry: dict[str, Any]) -> int:
    return int(entry["time"][:4])


@pytest.mark.slow
def test_period_is_exported_with_a_cover_in_the_desks_language(talked: Shell) -> None:
    year = year_of(entries(talked)[0])
    done = talked.at(
        "tokyo", "export", "beijing", "--from", f"{year}-01-01", "--to", f"{year + 1}-01-01", "--out", "year.evidence",
        "--cover", "year.html", "--json",
    )  # fmt: skip
    assert done.code == 0
    data = Path("year.evidence").read_bytes()
    report = verify_evidence(data)
    assert report.verified
    told = {"file": "year.evidence", "sha256": sha256(data).hexdigest(), "complete": report.complete, "cover": "year.html"}
    assert done.document == told
    assert sha256(data).hexdigest() in Path("year.html").read_text(encoding="utf-8")


def test_export_refuses_periods_and_covers_that_cannot_be_before_it_writes_anything(talked: Shell) -> None:
    Path("mine.html").write_text("mine")
    for words in (
        ("--to", "2024-01-01"),
        ("--from", "soon"),
        ("--from", "2024-01-02", "--to", "2024-01-01"),
        ("--from", "1999-01-01", "--to", "1999-01-02"),
        ("--cover", "mine.html"),
        ("--cover", "gone/cover.html"),
    ):
        done = talked.at("tokyo", "export", "beijing", "--out", "new.evidence", *words, "--json")
        assert done.error["kind"] == "usage", words
        assert not Path("new.evidence").exists()
    assert Path("mine.html").read_text() == "mine"


@pytest.mark.slow
def test_evidence_has_the_same_bytes_in_processes_that_hash_differently(talked: Shell) -> None:
    found = set()
    for seed in ("1", "2", "3"):
        out = talked.folder / f"{seed}.evidence"
        command = [sys.executable, "-m", "watchline", "--home", str(talked.folder / "tokyo"), "export", "beijing"]
        environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": seed}
        subprocess.run([*command, "--out", str(out)], env=environment, check=True, capture_output=True)
        found.add(out.read_bytes())
    assert len(found) == 1


@pytest.mark.slow
def test_audit_holds_report_evidence_cover_and_the_sums_of_all(talked: Shell) -> None:
    year = year_of(entries(talked)[0])
    done = talked.at("tokyo", "audit", "beijing", "--year", str(year), "--out", "pack", "--json")
    assert done.code == 0
    assert {path.name for path in Path("pack").iterdir()} == HELD
    lines = [line.split("  ") for line in Path("pack/SHA256SUMS").read_text().splitlines()]
    sums = {name: digest for digest, name in lines}
    assert sums == done.document["files"]
    assert sums == {name: sha256(Path("pack", name).read_bytes()).hexdigest() for name in HELD - {"SHA256SUMS"}}
    evidence = Path("pack/year.evidence").read_bytes()
    assert verify_evidence(evidence).verified
    assert sums["year.evidence"] in Path("pack/cover.html").read_text(encoding="utf-8")
    report = json.loads(Path("pack/report.json").read_text(encoding="utf-8"))
    assert report["from"] == f"{year}-01-01T00:00:00Z"
    assert done.document["year"] == year
    assert done.document["ended"] is (datetime.now(UTC).year > year)
    assert not list(Path().glob(".pack.*"))


@pytest.mark.slow
def test_audit_without_bodies_shows_no_content(talked: Shell) -> None:
    listed = entries(talked)
    pack = ("audit", "beijing", "--year", str(year_of(listed[0])), "--hide-body", "--out", "pack")
    assert talked.at("tokyo", *pack).code == 0
    report = verify_evidence(Path("pack/year.evidence").read_bytes())
    assert report.verified
    assert not any(entry["shown"] for entry in report.entries)


@pytest.mark.slow
@pytest.mark.parametrize("year", ["2009", "9000", "0", "99999", "next"])
def test_audit_of_a_year_in_which_nothing_was_said_makes_no_folder(talked: Shell, year: str) -> None:
    done = talked.at("tokyo", "audit", "beijing", "--year", year, "--out", "pack", "--json")
    assert done.error["kind"] == "usage"
    assert not Path("pack").exists()
    assert not list(Path().glob(".pack.*"))


def test_audit_writes_over_nothing(talked: Shell) -> None:
    Path("pack").mkdir()
    Path("pack/mine").write_text("mine")
    done = talked.at("tokyo", "audit", "beijing", "--year", str(year_of(entries(talked)[0])), "--out", "pack", "--json")
    assert done.error["kind"] == "usage"
    assert Path("pack/mine").read_text() == "mine"
