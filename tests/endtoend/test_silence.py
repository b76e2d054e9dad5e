"""Two real nodes, and nobody who answers: the silence is certified by itself, exported, and verified by anybody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.endtoend.homes import NodeProcess, paired, select_wait
from watchline.core.entries import EntryType, Notice, Precedence
from watchline.core.terms import Clocks
from watchline.desk.socket import RemoteError

PATIENCE_SECONDS = 60.0
CLOCKS = (Clocks(86_400, None), Clocks(3_600, None), Clocks(1_800, None), Clocks(2, None))


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    both = paired(tmp_path, clocks=CLOCKS, form_clocks={}, status_interval_seconds=1)
    yield both
    for node in both:
        node.kill()


def send(node: NodeProcess) -> str:
    content = Notice("free-text", 1, Precedence.FLASH, False, "en", {1: "radar is locked on"}).encode().hex()
    return str(node.ask_until("compose", line="beijing", type=int(EntryType.NOTICE), content=content)["id"])


def certified(node: NodeProcess, notice: str) -> list[dict[str, Any]]:
    """Ask until there is a certificate: its clock runs in another process."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return list(node.ask("silence", line="beijing", id=notice)["certificates"])
        except RemoteError as refused:
            assert refused.kind == "negative"
            assert time.monotonic() < deadline, node.log.read_text()[-2000:]
            select_wait(0.2)


@pytest.mark.slow
def test_notice_that_nobody_answers_ends_in_a_certificate_that_anybody_verifies(
    nodes: tuple[NodeProcess, NodeProcess], tmp_path: Path
) -> None:
    tokyo, beijing = nodes
    for node in nodes:
        node.start()
    tokyo.wait_for_state("up", "beijing")
    notice = send(tokyo)
    early = tokyo.command("silence", "beijing", notice, code=1)["error"]
    assert early["kind"] == "negative"
    (certificate,) = certified(tokyo, notice)
    assert (certificate["kind"], certificate["said_by"], certificate["allowed"]) == ("unanswered", "peer", 2)
    shown = [entry for entry in beijing.command("inbox")["entries"] if entry["type"] == "silence"]
    assert [entry["silence"]["follows"] for entry in shown] == [True]
    for options in ((), ("--hide-body",)):
        file = tmp_path / f"silence{len(options)}.evidence"
        tokyo.command("export", "beijing", "--silence", notice, *options, "--out", file)
        report = tokyo.command("verify", file)
        assert [silence["kind"] for silence in report["silences"]] == ["unanswered"]
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        (tmp_path / "changed").write_bytes(data)
        assert tokyo.command("verify", tmp_path / "changed", code=1)["verified"] is False


@pytest.mark.slow
def test_peer_whose_node_was_killed_is_certified_as_terminal_down(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    tokyo, beijing = nodes
    for node in nodes:
        node.start()
    tokyo.wait_for_state("up", "beijing")
    beijing.kill()
    tokyo.wait_for_state("terminal_down", "beijing")
    (certificate,) = certified(tokyo, send(tokyo))
    assert (certificate["kind"], certificate["said_by"], certificate["new"]) == ("terminal_down", "author", True)
