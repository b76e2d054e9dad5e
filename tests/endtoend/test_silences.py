"""Real nodes, and nobody who answers: which silence it was is certified by itself, and is the state that the line shows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.endtoend.homes import NodeProcess, own_desk, paired, select_wait
from tests.endtoend.test_relay import give_routes, until
from tests.routes.nats_server import NatsServer
from watchline.core.archive import pack, unpack
from watchline.core.entries import EntryType, Notice, Precedence
from watchline.core.evidence import verify_evidence
from watchline.core.pairing import RouteAddress
from watchline.core.terms import Clocks
from watchline.demo.relay import Wire
from watchline.desk.socket import RemoteError

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 60.0
ALLOWED_SECONDS = 5
CLOCKS = (Clocks(86_400, None), Clocks(3_600, None), Clocks(1_800, None), Clocks(ALLOWED_SECONDS, None))
CHANGED_BYTES = 6  # of each part of a file of evidence

Nodes = tuple[NodeProcess, NodeProcess]


def agreed(folder: Path) -> Nodes:
    return paired(folder, clocks=CLOCKS, form_clocks={}, status_interval_seconds=1)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Two desks with a direct way to each other."""
    both = agreed(tmp_path)
    yield both
    for node in both:
        node.kill()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    started = NatsServer(tmp_path / "relay")
    started.start()
    yield started
    started.kill()


@pytest.fixture
def relayed(nodes: Nodes, server: NatsServer) -> Nodes:
    """The same two with no way to each other but a relay."""
    for node in nodes:
        give_routes(node, [["nats", server.address]], [])
    return nodes


def begin(nodes: Nodes) -> None:
    for node in nodes:
        node.start()
    nodes[0].wait_until_it_works("beijing")


def send(node: NodeProcess) -> str:
    content = Notice("free-text", 1, Precedence.FLASH, False, "en", {1: "radar is locked on"}).encode().hex()
    return str(node.ask_until("compose", line="beijing", type=int(EntryType.NOTICE), content=content)["id"])


def send_and_be_heard(node: NodeProcess) -> str:
    """A FLASH that a status of the peer names as held: its clock runs by the peer's own word."""
    notice = send(node)
    shown = node.ask("entries", line="beijing", entry=notice)["entries"][0]
    while "received" not in shown["rungs"]:
        select_wait(0.05)
        shown = node.ask("entries", line="beijing", entry=notice)["entries"][0]
    select_wait(2.0)  # two statuses
    return notice


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


def assert_silence(node: NodeProcess, notice: str, kind: str, said_by: str) -> None:
    """There is one certificate, of this kind, anybody verifies it, and the line shows the same state."""
    (certificate,) = certified(node, notice)
    assert (certificate["kind"], certificate["said_by"], certificate["allowed"]) == (kind, said_by, ALLOWED_SECONDS)
    [line] = node.command("status", code=2)["lines"]
    assert line["state"] == certificate["kind"]
    file = node.home.path.parent / f"{kind}-{notice.replace(':', '-')}.evidence"
    node.command("export", "beijing", "--silence", notice, "--out", file)
    report = node.command("verify", file)
    assert report["verified"] is True
    assert [(each["kind"], each["said_by"]) for each in report["silences"]] == [(kind, said_by)]


def test_officer_who_hears_it_and_does_not_answer_is_unanswered_and_every_byte_of_the_proof_counts(
    nodes: Nodes, tmp_path: Path
) -> None:
    tokyo, beijing = nodes
    begin(nodes)
    beijing.command("watch", "on", "--as", "duty")
    beijing.ask("console_arm", console="desk")
    notice = send(tokyo)
    early = tokyo.command("silence", "beijing", notice, code=1)["error"]
    assert early["kind"] == "negative"
    assert_silence(tokyo, notice, "unanswered", "peer")
    shown = [entry for entry in beijing.command("inbox")["entries"] if entry["type"] == "silence"]
    assert [entry["silence"]["follows"] for entry in shown] == [True]
    for options in ((), ("--hide-body",)):
        file = tmp_path / f"silence{len(options)}.evidence"
        tokyo.command("export", "beijing", "--silence", notice, *options, "--out", file)
        changed = bytearray(file.read_bytes())
        changed[len(changed) // 2] ^= 1
        (tmp_path / "changed").write_bytes(changed)
        assert tokyo.command("verify", tmp_path / "changed", code=1)["verified"] is False
    for node in nodes:
        node.stop()
    for file in tmp_path.glob("silence*.evidence"):
        assert_every_byte_counts(file.read_bytes(), nodes)


def assert_every_byte_counts(data: bytes, nodes: Nodes) -> None:
    """No part verifies with one of its bytes changed, wherever it stands, and neither does the file as it lies on a disk."""
    trusted = []
    for node in nodes:
        journal = node.journal()
        trusted.append(own_desk(journal).identity)
        journal.close()
    assert verify_evidence(data, trusted).verified
    parts = unpack(data)
    for name, content in parts.items():
        for place in range(0, len(content), max(1, len(content) // CHANGED_BYTES)):
            changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
            assert not verify_evidence(pack({**parts, name: changed}), trusted).verified, (name, place)
    for place in range(0, len(data), max(1, len(data) // (4 * CHANGED_BYTES))):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        assert not verify_evidence(changed, trusted).verified, place


def test_desk_where_nobody_is_signed_in_is_unmanned(nodes: Nodes) -> None:
    tokyo, beijing = nodes
    begin(nodes)
    beijing.ask("console_arm", console="desk")  # a console that sounds in an empty room changes nothing
    assert_silence(tokyo, send(tokyo), "unmanned", "peer")


def test_desk_whose_officer_is_there_and_whose_console_is_mute_is_unanswered(nodes: Nodes) -> None:
    tokyo, beijing = nodes
    begin(nodes)
    beijing.command("watch", "on", "--as", "duty")
    assert_silence(tokyo, send(tokyo), "unanswered", "peer")


def test_peer_whose_node_was_killed_is_terminal_down_for_what_it_had_and_what_never_came(nodes: Nodes) -> None:
    tokyo, beijing = nodes
    begin(nodes)
    notice = send_and_be_heard(tokyo)
    beijing.kill()
    tokyo.wait_for_state("terminal_down", "beijing")
    never_came = send(tokyo)
    for each in (notice, never_came):
        assert_silence(tokyo, each, "terminal_down", "author")


def test_cable_that_was_cut_is_line_down(tmp_path: Path) -> None:
    nodes = agreed(tmp_path)
    tokyo, beijing = nodes
    with Wire() as wire:
        way = wire.relay()
        way.node_port = beijing.port
        give_routes(tokyo, [], [RouteAddress("direct", f"127.0.0.1:{way.port}")])
        give_routes(beijing, [["direct", f"127.0.0.1:{way.port}"]], [])  # the wire is the only way
        config = beijing.home.path / "watchline.toml"
        config.write_text(config.read_text() + f'\nlisten = ["127.0.0.1:{beijing.port}"]\n')
        try:
            begin(nodes)
            notice = send_and_be_heard(tokyo)
            wire.cut()
            tokyo.wait_for_state("line_down", "beijing")
            assert_silence(tokyo, notice, "line_down", "author")
        finally:
            for node in nodes:
                node.kill()


def test_peer_killed_behind_a_relay_that_lives_is_terminal_down(relayed: Nodes) -> None:
    tokyo, beijing = relayed
    begin(relayed)
    notice = send_and_be_heard(tokyo)
    beijing.kill()
    until(tokyo, lambda route: route["line"] == "terminal_down")
    never_came = send(tokyo)
    for each in (notice, never_came):
        assert_silence(tokyo, each, "terminal_down", "author")


def test_relay_that_was_killed_is_line_down_though_its_host_refuses(relayed: Nodes, server: NatsServer) -> None:
    tokyo, _ = relayed
    begin(relayed)
    notice = send_and_be_heard(tokyo)
    server.kill()
    until(tokyo, lambda route: route["line"] == "line_down" and route["state"] == "refused")
    assert_silence(tokyo, notice, "line_down", "author")
