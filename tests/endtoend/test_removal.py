"""Bodies that are old go from a running node's home, and the line goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endtoend.homes import NodeProcess
from tests.upgrades.earlier import BEIJING, EARLIEST, TOKYO, nodes, unpack

OLD = 1_577_836_800  # 2020-01-01


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    """Two nodes of homes in which everything was said in 2020, as far as their own clocks tell."""
    unpack(EARLIEST, tmp_path)
    both = nodes(tmp_path)
    for node in both:
        journal = node.journal()
        journal._disk.cursor.execute("UPDATE bodies SET time = ?", (OLD,))
        journal.close()
        node.start()
    for node, line in zip(both, (BEIJING, TOKYO), strict=True):
        node.wait_until_it_works(line)
    yield both
    for node in both:
        node.kill()


def shown(node: NodeProcess, line: str) -> list[tuple[str, str | None, str | None]]:
    return [(entry["id"], entry["gone"], entry["text"]) for entry in node.command("log", line)["entries"]]


@pytest.mark.slow
def test_running_nodes_archive_and_erase_what_is_old_and_talk_on_after_a_restart(
    running: tuple[NodeProcess, NodeProcess], tmp_path: Path
) -> None:
    tokyo, beijing = running
    (tmp_path / "archives").mkdir()
    done = tokyo.command("archive", BEIJING, "--to", str(tmp_path / "archives"))
    assert done["entries"] > 5
    assert Path(done["file"]).exists()
    assert beijing.command("erase", TOKYO, "--yes")["entries"] > 5
    for node, line, gone in ((tokyo, BEIJING, "archived"), (beijing, TOKYO, "erased")):
        listed = shown(node, line)
        assert {entry[1] for entry in listed} == {gone, None}
        node.stop()
        node.start()
        assert shown(node, line)[: len(listed)] == listed
    for node, line in ((tokyo, BEIJING), (beijing, TOKYO)):
        node.wait_until_it_works(line)
        assert node.command("send", line, "--text", "and on", "--as", "duty", "--wait", "received")["rung"] == "received"
        assert node.command("test", line, "--wait")["ok"]
