"""A published readout leaves as a folder that is whole or not there, and whose evidence anyone checks."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.desk.sample_readouts import FIELDS, Json, evidence, readout, talks
from watchline.cli.talks_export import EVIDENCE_NAME, PAGE_NAME, TEXT_NAME, write_readout
from watchline.core.evidence import verify_evidence
from watchline.errors import JournalError, NegativeAnswer, UsageError


class Desk:
    """Answers for Tokyo's desk. data: the evidence that it exports; None if it cannot."""

    running = True

    def __init__(self, data: bytes | None) -> None:
        self.data = data
        self.asked: list[Json] = []

    def call(self, method: str, patience_seconds: float = 0.0, **params: Any) -> Json:
        if method == "desk":
            return {"language": "ja", "zone": "Asia/Tokyo"}
        assert method == "export"
        self.asked.append(params)
        if self.data is None:
            raise JournalError("the journal is damaged", hint="keep it")
        Path(params["out"]).write_bytes(self.data)
        return {"sha256": sha256(self.data).hexdigest(), "complete": True}


@pytest.fixture(scope="module")
def data() -> bytes:
    return evidence(FIELDS)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nothing may be left behind but what was asked for."""
    yield tmp_path
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def written(desk: Desk, told: Json, directory: Path) -> Json:
    return write_readout(desk, "beijing", told, talks(told), directory)


def test_folder_holds_page_text_and_the_evidence_that_both_name(data: bytes, folder: Path) -> None:
    desk, told = Desk(data), readout(FIELDS)
    document = written(desk, told, folder / "readout")

    assert sorted(path.name for path in (folder / "readout").iterdir()) == sorted([PAGE_NAME, TEXT_NAME, EVIDENCE_NAME])
    assert (folder / "readout" / EVIDENCE_NAME).read_bytes() == data
    assert verify_evidence((folder / "readout" / EVIDENCE_NAME).read_bytes()).verified
    for name in (PAGE_NAME, TEXT_NAME):
        shown = (folder / "readout" / name).read_text(encoding="utf-8")
        assert sha256(data).hexdigest() in shown
        assert f"watchline verify {EVIDENCE_NAME}" in shown
        assert "会談に関する発表" in shown
    assert document == {
        "id": "ours:1",
        "directory": str(folder / "readout"),
        "files": [PAGE_NAME, TEXT_NAME, EVIDENCE_NAME],
        "sha256": sha256(data).hexdigest(),
        "complete": True,
    }
    assert [(asked["line"], asked["ids"]) for asked in desk.asked] == [("beijing", ["ours:1"])]


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: path.symlink_to("nowhere")])
def test_nothing_is_written_over(make: Any, data: bytes, folder: Path) -> None:
    make(folder / "readout")
    desk = Desk(data)
    with pytest.raises(UsageError, match="there already"):
        written(desk, readout(FIELDS), folder / "readout")
    assert desk.asked == []


def test_folder_within_none_is_refused(data: bytes, folder: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        written(Desk(data), readout(FIELDS), folder / "gone" / "readout")


def test_confidential_readout_is_refused_before_anything_is_asked(data: bytes, folder: Path) -> None:
    desk = Desk(data)
    with pytest.raises(UsageError, match="confidential"):
        written(desk, {**readout(FIELDS), "publication": "confidential"}, folder / "readout")
    assert desk.asked == []
    assert list(folder.iterdir()) == []


def test_evidence_that_shows_another_readout_leaves_nothing_behind(data: bytes, folder: Path) -> None:
    with pytest.raises(NegativeAnswer):
        written(Desk(data), {**readout(FIELDS), "own_text": "Words that nobody signed."}, folder / "readout")
    assert list(folder.iterdir()) == []


def test_export_that_fails_leaves_nothing_behind(folder: Path) -> None:
    with pytest.raises(JournalError):
        written(Desk(None), readout(FIELDS), folder / "readout")
    assert list(folder.iterdir()) == []


def test_folder_that_somebody_makes_meanwhile_is_left_as_it_is(data: bytes, folder: Path) -> None:
    class Slow(Desk):
        def call(self, method: str, patience_seconds: float = 0.0, **params: Any) -> Json:
            if method == "export":
                (folder / "readout").mkdir()
            return super().call(method, patience_seconds, **params)

    with pytest.raises(UsageError, match="there already"):
        written(Slow(data), readout(FIELDS), folder / "readout")
    assert list((folder / "readout").iterdir()) == []
