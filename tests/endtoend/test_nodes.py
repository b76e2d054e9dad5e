"""Real node processes on real homes: what a supervisor, an operator and a careless restore do to them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.endtoend.homes import NodeProcess, paired, select_wait
from watchline.core.entries import EntryType, Notice, Precedence
from watchline.desk.rungs import read_notice

pytestmark = pytest.mark.slow


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    both = paired(tmp_path)
    yield both
    for node in both:
        node.kill()


def content(text: str) -> str:
    return Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: text}).encode().hex()


def send(node: NodeProcess, line: str, text: str, **more: Any) -> dict[str, Any]:
    return node.ask_until("compose", line=line, type=int(EntryType.NOTICE), content=content(text), once=text, **more)


def serve(node: NodeProcess, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `serve` to its end, as one does who expects it to be refused."""
    return subprocess.run(
        [sys.executable, "-m", "watchline", "--home", str(node.home.path), "serve", "--json", *options],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
        check=False,
    )


def texts(node: NodeProcess) -> list[str]:
    """What arrived in the home of a node that does not run."""
    journal = node.journal()
    try:
        line = journal.lines()[0].line
        incoming = next(log for log in journal.logs(line) if not log.outgoing)
        notices = [read_notice(record) for record in journal.entries(incoming, 0, journal.size(incoming))]
        return [str(notice.fields[1]) for notice in notices if notice is not None and notice.form == "free-text"]
    finally:
        journal.close()


def test_notice_is_received_and_a_supervisor_ends_both_nodes_with_exit_code_0(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    tokyo, beijing = nodes
    tokyo.start()
    beijing.start()
    answer = send(tokyo, "beijing", "through two real nodes", wait="received", wait_seconds=20)
    assert answer["rung"] == "received"
    assert list(answer["times"]) == ["composed", "attempted", "received"]
    assert (tokyo.stop(), beijing.stop()) == (0, 0)
    assert texts(beijing) == ["through two real nodes"]


def test_a_second_node_on_one_home_is_refused(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    nodes[0].start()
    refused = serve(nodes[0])
    assert refused.returncode == 2
    error = json.loads(refused.stdout)["error"]
    assert nodes[0].process is not None
    assert error["facts"]["pid"] == nodes[0].process.pid


def test_a_port_in_use_is_a_clear_error_and_leaves_the_home_free(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", nodes[0].port))
        taken.listen()
        refused = serve(nodes[0])
    assert refused.returncode == 3
    assert str(nodes[0].port) in json.loads(refused.stdout)["error"]["message"]
    nodes[0].start()


def test_a_desk_that_only_dials_has_a_line_both_ways(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    tokyo, beijing = nodes
    config = beijing.home.path / "watchline.toml"
    config.write_text(config.read_text() + "\ndial_only = true\n")
    tokyo.start()
    beijing.start()
    assert send(beijing, "tokyo", "out", wait="received", wait_seconds=20)["rung"] == "received"
    assert send(tokyo, "beijing", "back", wait="received", wait_seconds=20)["rung"] == "received"
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", beijing.port), timeout=2):
        pass


def test_node_that_is_started_while_the_last_one_still_runs_takes_over_when_that_ends(
    nodes: tuple[NodeProcess, NodeProcess],
) -> None:
    tokyo, _ = nodes
    tokyo.start()
    assert tokyo.process is not None
    following = NodeProcess(tokyo.home, tokyo.port)
    try:
        following.launch()
        while b"holds this home" not in tokyo.log.read_bytes():
            assert following.process is not None
            assert following.process.poll() is None
            select_wait(0.02)
        assert f"Process {tokyo.process.pid} holds".encode() in tokyo.log.read_bytes()
        assert tokyo.stop() == 0
        assert following.ask_until("desk")["desk"] == "Tokyo"
        assert following.stop() == 0
    finally:
        following.kill()


def test_what_is_sent_while_the_peer_is_away_waits_and_arrives_once(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    tokyo, beijing = nodes
    tokyo.start()
    for number in range(20):
        assert send(tokyo, "beijing", f"waiting {number}")["rung"] == "composed"
    tokyo.kill()
    beijing.start()
    tokyo.start()
    send(tokyo, "beijing", "last", wait="received", wait_seconds=20)
    tokyo.stop()
    beijing.stop()
    assert texts(beijing) == [*(f"waiting {number}" for number in range(20)), "last"]


def test_a_restored_backup_is_detected_before_the_first_word(nodes: tuple[NodeProcess, NodeProcess], tmp_path: Path) -> None:
    tokyo, beijing = nodes
    tokyo.start()
    beijing.start()
    send(beijing, "tokyo", "before the backup", wait="received", wait_seconds=20)
    beijing.stop()
    shutil.copytree(beijing.home.path, tmp_path / "backup", ignore=shutil.ignore_patterns("node.sock", "node.lock"))
    beijing.start()
    send(beijing, "tokyo", "after the backup", wait="received", wait_seconds=20)
    beijing.stop()
    shutil.rmtree(beijing.home.path)
    shutil.copytree(tmp_path / "backup", beijing.home.path)
    tokyo.stop()  # else the line may have stopped before anything could be said
    beijing.start()
    send(beijing, "tokyo", "from the restored copy")
    tokyo.start()
    beijing.wait_for_state("stopped", "tokyo")
    tokyo.wait_for_state("stopped", "beijing")
    alarms = [node.ask("status")["lines"][0]["alarms"][-1]["kind"] for node in nodes]
    assert alarms == ["rollback", "rollback"]
    tokyo.stop()
    beijing.stop()
    assert texts(tokyo) == ["before the backup", "after the backup"]


def test_a_stopped_line_stays_stopped_over_a_restart_and_takes_nothing_more(
    nodes: tuple[NodeProcess, NodeProcess], tmp_path: Path
) -> None:
    test_a_restored_backup_is_detected_before_the_first_word(nodes, tmp_path)
    nodes[0].start()
    assert nodes[0].ask("status")["lines"][0]["state"] == "stopped"
    select_wait(0.1)
    with pytest.raises(Exception, match="stopped"):
        send(nodes[0], "beijing", "too late")


def test_a_home_deeper_than_a_socket_address_works(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 20) / ("deeper" * 20)
    deep.mkdir(parents=True)
    node, _ = paired(deep)
    node.start()
    assert node.ask("desk")["desk"] == "Tokyo"
    assert node.stop() == 0


def test_a_home_of_a_newer_version_is_refused_and_untouched(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    import apsw

    path = nodes[0].home.path / "journal.db"
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", 9_999)
    connection.close()
    refused = serve(nodes[0])
    assert refused.returncode == 4
    assert json.loads(refused.stdout)["error"]["facts"]["reason"] == "newer"


def test_a_damaged_journal_ends_the_start_and_says_so(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    import apsw

    nodes[0].start()
    send(nodes[0], "beijing", "will rot")
    assert nodes[0].stop() == 0
    connection = apsw.Connection(str(nodes[0].home.path / "journal.db"))
    connection.execute("UPDATE leaves SET leaf = zeroblob(length(leaf))")
    connection.close()
    refused = serve(nodes[0])
    assert refused.returncode == 4
    assert json.loads(refused.stdout)["error"]["facts"]["reason"] == "damaged"


def test_a_node_key_that_is_gone_or_wrong_is_named_with_its_file(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    key = nodes[0].home.path / "node.key"
    key.write_text("00" * 32 + "\n")
    wrong = serve(nodes[0])
    assert (wrong.returncode, json.loads(wrong.stdout)["error"]["kind"]) == (2, "secret")
    key.unlink()
    gone = serve(nodes[0])
    assert gone.returncode == 2
    assert json.loads(gone.stdout)["error"]["facts"]["path"] == str(key)
