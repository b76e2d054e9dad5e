"""What a newer version wrote, as people and programs are shown it: the commands, on homes that hold such entries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from tests.endtoend.homes import SOURCE, NodeProcess, paired
from tests.line_pair import Clock, LinePair, Side, party
from watchline.core.encoding import encode
from watchline.core.entries import EntryType, Notice, Precedence
from watchline.core.line import Line
from watchline.core.outgoing import Draft
from watchline.desk.desk import Desk

pytestmark = pytest.mark.slow

LATER = encode(["what a later version says", {1: b"\x00"}])
LONG = bytes(range(256)) * 8
FINDING = "This desk cannot read this entry; its content is shown as it is."


class HomePair(LinePair):
    """The lines of two real homes, played in this process."""

    def __init__(self, *nodes: NodeProcess) -> None:
        self.clock = Clock()
        self.a, self.b = (self._side_of(node) for node in nodes)
        self.connect()
        self.settle()

    def _side_of(self, node: NodeProcess) -> Side:
        clock = Clock(node.port, self.clock)
        journal = node.journal()
        setup, _ = Desk(journal, node.home.config, clock=clock.moment).setup_of(journal.lines()[0])
        side = Side(
            setup, party(setup.own_identity.desk), node.home.path, journal, Line.begin(setup, journal, clock.moment()), clock
        )
        side.turn()
        return side


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> tuple[NodeProcess, NodeProcess]:
    """Tokyo, whose version is newer, has said four things that Beijing's does not know."""
    nodes = paired(tmp_path_factory.mktemp("homes"))
    pair = HomePair(*nodes)
    for kind, content in (
        (99, LATER),
        (99, LONG),
        (EntryType.NOTICE, Notice("deep-sea-cable", 1, Precedence.FLASH, False, "en", {1: "cut", 9: [b"\x01"]}).encode()),
        (EntryType.NOTICE, Notice("airspace-object", 77, Precedence.FLASH, False, "en", {1: "balloon"}).encode()),
        (EntryType.NOTICE, b"no notice"),
        (EntryType.ACKNOWLEDGE, b"no acknowledgement"),
    ):
        pair.a.line.compose(Draft(cast(EntryType, kind), content), pair.a.clock.moment())
    pair.settle()
    pair.close()
    return nodes


def printed(node: NodeProcess, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "watchline", "--home", str(node.home.path), *words],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(SOURCE)},
        check=True,
    )
    return done.stdout


def shown(node: NodeProcess, *words: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = node.command(*words)["entries"]
    return entries


@pytest.mark.parametrize(("desk", "words"), [(1, ("inbox", "tokyo")), (1, ("log", "tokyo")), (0, ("log", "beijing"))])
def test_entries_that_nobody_here_can_read_are_listed_with_type_and_content(
    desks: tuple[NodeProcess, NodeProcess], desk: int, words: tuple[str, ...]
) -> None:
    first, second, *_, no_notice, no_response = shown(desks[desk], *words)
    assert [(entry["type"], entry["content"]) for entry in (first, second)] == [("99", LATER.hex()), ("99", LONG.hex())]
    assert [(entry["type"], entry["content"]) for entry in (no_notice, no_response)] == [
        ("notice", b"no notice".hex()),
        ("acknowledge", b"no acknowledgement".hex()),
    ]
    for entry in (first, second, no_notice, no_response):
        assert (entry["finding"], entry["form"], entry["text"], entry["fields"]) == (FINDING, None, None, {})
        assert "received" in entry["rungs"]


def test_forms_and_versions_that_nobody_here_knows_are_shown_by_their_fields(desks: tuple[NodeProcess, NodeProcess]) -> None:
    form, version = (entry for entry in shown(desks[1], "inbox", "tokyo") if entry["form"])
    assert (form["form"], form["version"], form["content"]) == ("deep-sea-cable", 1, None)
    assert form["fields"] == {"1": "cut", "9": ["01"]}
    assert "does not know this form" in form["finding"]
    assert (version["form"], version["version"], version["fields"]) == ("airspace-object", 77, {"1": "balloon"})
    assert "another version of this form" in version["finding"]


def test_people_see_the_number_of_the_type_and_the_beginning_of_the_content(desks: tuple[NodeProcess, NodeProcess]) -> None:
    short, long = (printed(desks[1], "show", "tokyo", f"theirs:@{index}") for index in (1, 2))
    assert "tokyo theirs:@1  type 99" in short
    assert FINDING in short
    assert LATER.hex() in short.replace("\n    ", "")
    assert "..." not in short
    assert "with --json all of them" in long
    assert f"{len(LONG)} bytes" in long
    assert LONG[:512].hex() in long.replace("\n    ", "")
    assert LONG[:513].hex() not in long.replace("\n    ", "")


@pytest.mark.parametrize("words", [("acknowledge", "tokyo", "theirs:@1"), ("reply", "tokyo", "theirs:@1", "--text", "what?")])
def test_later_type_is_no_notice_that_one_acknowledges_or_answers(
    desks: tuple[NodeProcess, NodeProcess], words: tuple[str, ...]
) -> None:
    refused = desks[1].command(*words, "--as", "duty", code=2)["error"]
    assert "is no notice" in refused["message"]


def test_evidence_shows_later_types_as_they_are(desks: tuple[NodeProcess, NodeProcess], tmp_path: Path) -> None:
    desks[1].command("export", "tokyo", "--out", tmp_path / "later.evidence")
    report = desks[1].command("verify", tmp_path / "later.evidence")
    assert report["verified"]
    told = [entry for entry in report["entries"] if entry["type"] == "type 99"]
    assert [entry["content"] for entry in told] == [LATER.hex(), LONG.hex()]
    assert all(entry["received"] for entry in told)
