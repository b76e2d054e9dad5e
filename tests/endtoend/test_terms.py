"""Two real nodes amend the terms of their line through the command line, are held to them, and prove it to a third party."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.endtoend.homes import NodeProcess, paired, select_wait

SIGNED = ("--as", "kato", "--as", "sato")
PATIENCE_SECONDS = 20.0

pytestmark = pytest.mark.slow


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    both = paired(tmp_path)
    for node in both:
        node.start()
    for node in both:
        for name in ("kato", "sato"):
            node.command("officer", "add", name, "--role", "releaser")
    yield both
    for node in both:
        node.kill()


def terms(node: NodeProcess, line: str) -> dict[str, Any]:
    return node.command("terms", "show", line)


def wait_until(node: NodeProcess, line: str, version: int, proposed: int) -> dict[str, Any]:
    """The terms once this version is in force here and so many proposals wait."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        shown = terms(node, line)
        waiting = [each for each in shown["entries"] if each["state"] == "proposed"]
        if (shown["in_force"]["version"], len(waiting)) == (version, proposed):
            return shown
        assert time.monotonic() < deadline, shown
        select_wait(0.1)


def test_line_is_amended_enforced_restarted_and_proved(nodes: tuple[NodeProcess, NodeProcess], tmp_path: Path) -> None:
    tokyo, beijing = nodes
    changes = ("--set", "release_people.PRIORITY=2", "--set", "body_days=7")
    unfit = tokyo.command("terms", "propose", "beijing", *changes, "--as", "duty", "--as", "sato", code=2)
    assert "has the role duty, which may not amend the terms" in unfit["error"]["message"]
    proposed = tokyo.command("terms", "propose", "beijing", *changes, *SIGNED)
    assert (proposed["version"], proposed["in_force"]) == (2, False)
    assert proposed["differs"] == [
        {"setting": "release_people.PRIORITY", "before": 1, "after": 2},
        {"setting": "body_days", "before": 90, "after": 7},
    ]
    twice = tokyo.command("terms", "propose", "beijing", *changes, *SIGNED, code=2)
    assert "proposes just this" in twice["error"]["message"]

    (waiting,) = [each for each in wait_until(beijing, "tokyo", 1, 1)["entries"] if each["state"] == "proposed"]
    assert (waiting["by"], waiting["waits_for"], waiting["differs"]) == ("Tokyo", "ours", proposed["differs"])
    assert [officer["name"] for officer in waiting["officers"]] == ["kato", "sato"]
    wrong = beijing.command("terms", "accept", "tokyo", waiting["id"], "--digest", "00" * 32, *SIGNED, code=2)
    assert "another digest" in wrong["error"]["message"]
    own = tokyo.command("terms", "accept", "beijing", proposed["id"], *SIGNED, code=2)
    assert "waits for Beijing" in own["error"]["message"]
    accepted = beijing.command("terms", "accept", "tokyo", waiting["id"], "--digest", proposed["digest"], *SIGNED)
    assert (accepted["in_force"], accepted["digest"]) == (True, proposed["digest"])

    shown = wait_until(tokyo, "beijing", 2, 0)
    assert [each["state"] for each in shown["entries"]] == ["accepted", "accepted"]
    assert len(shown["in_force"]["since"]["entries"]) == 2
    fields = ("object=balloon", "seen=2023-02-15T01:00:00Z", "ours=asking", "pos=25.75,123.45")
    said = ("send", "beijing", "airspace-object", *fields, "--precedence", "PRIORITY", "--wait", "received")
    alone = tokyo.command(*said, "--as", "duty", code=2)
    assert "2 people" in alone["error"]["message"]
    notice = tokyo.command(*said, *SIGNED)

    for node in nodes:
        assert node.stop() == 0
    assert terms(tokyo, "beijing") == {**shown, "entries": shown["entries"]}
    file = tmp_path / "evidence.zip"
    tokyo.command("export", "beijing", notice["id"], "--out", file)
    report = tokyo.command("verify", file)
    assert report["verified"]
    assert any("version 2 of the terms came into force" in fact for fact in report["facts"])
    assert [entry["type"] for entry in report["entries"] if entry["released"]].count("terms") == 2
