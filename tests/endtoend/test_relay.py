"""Two real nodes and a real relay between them: what is said arrives, and it can be told which of the three is gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.endtoend.homes import NodeProcess, paired, select_wait
from tests.endtoend.test_nodes import send, texts
from tests.routes.nats_server import NatsServer
from watchline.core.encoding import encode
from watchline.core.pairing import Pairing, RouteAddress
from watchline.demo.relay import Wire

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 40.0

Nodes = tuple[NodeProcess, NodeProcess]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    started = NatsServer(tmp_path / "relay")
    started.start()
    yield started
    started.kill()


@pytest.fixture
def nodes(tmp_path: Path, server: NatsServer) -> Iterator[Nodes]:
    """Two desks with no way to each other but the relay."""
    both = paired(tmp_path, status_interval_seconds=1)
    for node in both:
        give_routes(node, [["nats", server.address]], [])
    yield both
    for node in both:
        node.kill()


def give_routes(node: NodeProcess, own: list[list[str]], peers: list[RouteAddress]) -> None:
    """What this desk tells its peer, and what it was told in the pairing file."""
    journal = node.journal()
    journal.put_document("own-routes", "self", encode(own), False)
    (row,) = journal.lines()
    pairing = replace(Pairing.decode(row.pairing), peer_routes=tuple(peers))
    journal.put_line(replace(row, pairing=pairing.encode()))
    journal.close()


def relay_of(node: NodeProcess) -> dict[str, Any]:
    """How the relay's route stands at a node."""
    (line,) = node.ask_until("status")["lines"]
    (route,) = [route for route in line["routes"] if route["kind"] == "nats"]
    return {**route, "line": line["state"]}


def until(node: NodeProcess, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition(found := relay_of(node)):
        assert time.monotonic() < deadline, (found, node.log.read_text()[-2000:])
        select_wait(0.05)
    return found


def is_direct(node: NodeProcess) -> bool:
    """Whether a direct link lives."""
    (line,) = node.ask("status")["lines"]
    return any(route["kind"] == "direct" and route["state"].startswith("up") for route in line["routes"])


def hear_the_peer(node: NodeProcess, frames: int = 3) -> None:
    """Come back after so many more frames of the peer: a status is among them that is newer than every receipt before it.

    A peer that is lost between its receipt and its next status is `dark`, whatever becomes of the relay.
    """
    until(node, lambda _: node.ask("status")["lines"][0]["unreceipted"] == 0)
    last = float("inf")
    for _ in range(frames):
        while (seen := relay_of(node)["peer_seen_seconds"]) is None or seen >= last:
            last = float("inf") if seen is None else seen
            select_wait(0.02)
        last = seen


def attempts(node: NodeProcess) -> set[tuple[str, str]]:
    """The ways and outcomes of every attempt that a node which does not run has kept."""
    journal = node.journal()
    try:
        return {(attempt.route.partition(" ")[0], attempt.outcome) for attempt in journal.attempts(journal.lines()[0].line, 0)}
    finally:
        journal.close()


def test_notice_receipt_and_acknowledgement_pass_the_relay_where_there_is_no_other_way(nodes: Nodes) -> None:
    tokyo, beijing = nodes
    for node in nodes:
        node.start()
    sent = tokyo.command("send", "beijing", "--text", "by way of a relay", "--as", "duty", "--wait", "received")
    assert sent["rung"] == "received"
    entries = beijing.command("inbox", "tokyo")["entries"]
    beijing.command("acknowledge", "tokyo", entries[0]["id"], "--as", "duty")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "acknowledged" not in tokyo.command("show", "beijing", sent["id"])["entries"][0]["rungs"]:
        assert time.monotonic() < deadline
    shown = until(tokyo, lambda route: bool(route["carries"]) and route["peer_seen_seconds"] is not None)
    assert (shown["line"], shown["state"]) == ("up", "up")
    assert [node.stop() for node in nodes] == [0, 0]
    assert ("nats", "relayed") in attempts(tokyo)


def test_what_was_sent_while_the_peer_was_killed_arrives_from_the_relay_though_its_sender_is_gone(nodes: Nodes) -> None:
    tokyo, beijing = nodes
    for node in nodes:
        node.start()
    send(tokyo, "beijing", "before", wait="received", wait_seconds=20)
    beijing.kill()
    for number in range(20):
        send(tokyo, "beijing", f"meanwhile {number}")
    asked = tokyo.ask("status")["lines"][0]
    assert asked["unreceipted"] >= 20
    tokyo.stop()  # what it had queued is the relay's now
    beijing.start()
    wanted = ["before", *(f"meanwhile {number}" for number in range(20))]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len([entry for entry in beijing.command("log", "tokyo")["entries"] if entry["id"].startswith("theirs")]) < len(
        wanted
    ):
        assert time.monotonic() < deadline, beijing.log.read_text()
    tokyo.start()
    send(tokyo, "beijing", "after", wait="received", wait_seconds=20)
    for node in nodes:
        node.stop()
    assert texts(beijing) == [*wanted, "after"]


def test_what_is_said_while_the_relay_is_killed_is_delivered_after_it_returns(nodes: Nodes, server: NatsServer) -> None:
    tokyo, beijing = nodes
    for node in nodes:
        node.start()
    send(tokyo, "beijing", "before", wait="received", wait_seconds=20)
    hear_the_peer(tokyo)
    server.kill()
    gone = until(tokyo, lambda route: route["carries"] is False and route["state"] == "refused")
    assert gone["line"] == "line_down"
    send(tokyo, "beijing", "meanwhile")
    server.start()
    send(tokyo, "beijing", "after", wait="received", wait_seconds=30)
    for node in nodes:
        node.stop()
    assert texts(beijing) == ["before", "meanwhile", "after"]


def test_peer_that_was_killed_is_told_from_a_relay_that_was(nodes: Nodes, server: NatsServer) -> None:
    tokyo, beijing = nodes
    for node in nodes:
        node.start()
    until(tokyo, lambda route: route["line"] == "up" and bool(route["carries"]))
    hear_the_peer(tokyo)
    beijing.kill()
    alone = until(tokyo, lambda route: route["line"] == "terminal_down")
    assert (alone["carries"], alone["state"]) == (True, "up")
    assert alone["peer_seen_seconds"] > 1
    server.kill()
    down = until(tokyo, lambda route: route["line"] == "line_down")
    assert down["carries"] is False


def test_relay_behind_a_cable_that_was_cut_carries_nothing(nodes: Nodes, server: NatsServer) -> None:
    tokyo, _ = nodes
    for node in nodes:
        node.start()
    until(tokyo, lambda route: route["line"] == "up" and bool(route["carries"]))
    hear_the_peer(tokyo)
    server.pause()
    cut = until(tokyo, lambda route: route["carries"] is False)
    assert cut["line"] == "line_down"
    server.go_on()
    until(tokyo, lambda route: route["line"] == "up" and bool(route["carries"]))


def test_direct_link_is_preferred_and_the_relay_takes_over_while_it_is_cut(tmp_path: Path, server: NatsServer) -> None:
    nodes = paired(tmp_path, status_interval_seconds=1)
    tokyo, beijing = nodes
    with Wire() as wire:
        way = wire.relay()
        way.node_port = beijing.port
        give_routes(tokyo, [["nats", server.address]], [RouteAddress("direct", f"127.0.0.1:{way.port}")])
        give_routes(beijing, [["direct", f"127.0.0.1:{way.port}"]], [])  # the wire is the only direct way
        config = beijing.home.path / "watchline.toml"
        config.write_text(config.read_text() + f'\nlisten = ["127.0.0.1:{beijing.port}"]\n')
        try:
            for node in nodes:
                node.start()
            beijing.command("route", "add", server.address)
            until(tokyo, lambda route: bool(route["carries"]))
            until(beijing, lambda route: bool(route["carries"]))
            until(tokyo, lambda _: is_direct(tokyo))
            for number in range(10):
                send(tokyo, "beijing", f"direct {number}", wait="received", wait_seconds=20)
            wire.cut()
            for number in range(10):
                send(tokyo, "beijing", f"relayed {number}", wait="received", wait_seconds=20)
            wire.heal()
            tokyo.wait_for_state("up", "beijing")
            send(tokyo, "beijing", "last", wait="received", wait_seconds=20)
            for node in nodes:
                node.stop()
        finally:
            for node in nodes:
                node.kill()
    assert texts(beijing) == [*(f"direct {n}" for n in range(10)), *(f"relayed {n}" for n in range(10)), "last"]
    assert {("direct", "sent"), ("nats", "sent"), ("nats", "relayed")} <= attempts(tokyo)


def test_relay_that_one_desk_adds_is_used_by_both_and_left_by_both(tmp_path: Path, server: NatsServer) -> None:
    nodes = paired(tmp_path)
    tokyo, _ = nodes
    try:
        for node in nodes:
            node.start()
        tokyo.wait_for_state("up", "beijing")
        tokyo.command("route", "add", server.address)
        for node in nodes:
            until(node, lambda route: route["state"] == "up")
        tokyo.command("route", "remove", server.address)
        for node in nodes:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while any(route["kind"] == "nats" for route in node.ask("status")["lines"][0]["routes"]):
                assert time.monotonic() < deadline
                select_wait(0.05)
    finally:
        for node in nodes:
            node.kill()
