"""The secret of a line is renewed while two real nodes talk, and every way of coming back afterwards still finds the line."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endtoend.homes import NodeProcess, paired
from tests.endtoend.test_incarnations import confirm_on_both_sides, heard, is_unconfirmed, medium, say, wait_until
from tests.endtoend.test_relay import give_routes
from tests.routes.nats_server import NatsServer
from watchline.desk.home import Home

pytestmark = pytest.mark.slow

Nodes = tuple[NodeProcess, NodeProcess]


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Tokyo and Beijing, paired, each with two officers and its identity's medium outside of its home; both serve."""
    both = paired(tmp_path, status_interval_seconds=1)
    serve(both)
    yield both
    for node in both:
        node.kill()


def serve(both: Nodes) -> None:
    for node in both:
        node.start()
        node.command("officer", "add", "second")
        node.command("keys", "custodian", "--to", medium(node))
    for node, line in zip(both, ("beijing", "tokyo"), strict=True):
        node.wait_until_it_works(line)


def offer(tokyo: NodeProcess, beijing: NodeProcess, folder: Path, label: str = "r") -> Path:
    """The first two files were carried, and file 3 is made."""
    files = [folder / f"{label}{number}" for number in (1, 2, 3)]
    tokyo.command("renew", "beijing", "--out", files[0])
    beijing.command("renew", "tokyo", files[0], "--out", files[1])
    tokyo.command("renew", "beijing", files[1], "--out", files[2])
    return files[2]


def renewals(node: NodeProcess, line: str) -> tuple[str, int]:
    shown = node.command("renew", line)
    return shown["state"], shown["renewals"]


def wait_until_changed(tokyo: NodeProcess, beijing: NodeProcess, number: int = 1) -> None:
    both = (tokyo, "beijing"), (beijing, "tokyo")
    wait_until(lambda: all(renewals(node, line) == ("none", number) for node, line in both))


def test_renewal_while_notices_flow_loses_none_and_survives_a_power_cut(nodes: Nodes, tmp_path: Path) -> None:
    tokyo, beijing = nodes
    said = [f"notice {number}" for number in range(6)]
    say(tokyo, "beijing", said[0])
    file3 = offer(tokyo, beijing, tmp_path)
    say(tokyo, "beijing", said[1])
    say(beijing, "tokyo", "and back")
    taken = beijing.command("renew", "tokyo", file3)
    say(tokyo, "beijing", said[2])
    wait_until_changed(tokyo, beijing)
    say(tokyo, "beijing", said[3])

    for node in nodes:
        node.kill()
        node.start()
    say(tokyo, "beijing", said[4])
    beijing.kill()
    beijing.start()
    say(tokyo, "beijing", said[5])

    assert heard(beijing, "tokyo") == said
    assert heard(tokyo, "beijing") == ["and back"]
    assert len(taken["digits"].split()) == 12
    wait_until_changed(tokyo, beijing, 1)
    beijing.command("renew", "tokyo", offer(tokyo, beijing, tmp_path, "second"))
    wait_until_changed(tokyo, beijing, 2)


def test_node_that_does_not_run_while_its_people_take_file_3_goes_on_when_it_starts(nodes: Nodes, tmp_path: Path) -> None:
    tokyo, beijing = nodes
    file3 = offer(tokyo, beijing, tmp_path)
    for node in nodes:
        assert node.stop() == 0
    beijing.command("renew", "tokyo", file3)
    for node in nodes:
        node.start()
    wait_until_changed(tokyo, beijing)
    assert say(tokyo, "beijing", "after the night")["rung"] == "received"


def test_rotated_and_renewed_home_is_the_desk_again_after_its_machine_was_stolen(nodes: Nodes, tmp_path: Path) -> None:
    tokyo, beijing = nodes
    tokyo.stop()
    tokyo.command("keys", "rotate", "--identity-dir", medium(tokyo))
    tokyo.start()
    wait_until(lambda: is_unconfirmed(beijing, "theirs"))
    confirm_on_both_sides(tokyo, beijing)
    beijing.command("renew", "tokyo", offer(tokyo, beijing, tmp_path))
    wait_until_changed(tokyo, beijing)
    assert say(tokyo, "beijing", "under other keys and another secret")["rung"] == "received"

    beijing.stop()
    beijing.command("keys", "rotate", "--identity-dir", medium(beijing))
    beijing.start()
    wait_until(lambda: is_unconfirmed(tokyo, "theirs"))
    confirm_on_both_sides(tokyo, beijing)
    assert say(beijing, "tokyo", "so are we")["rung"] == "received"


def test_backup_from_before_the_renewal_is_restored_with_the_secret_that_the_medium_keeps(nodes: Nodes, tmp_path: Path) -> None:
    tokyo, beijing = nodes
    tokyo.command("backup", "--out", tmp_path / "monday")
    beijing.command("renew", "tokyo", offer(tokyo, beijing, tmp_path))
    wait_until_changed(tokyo, beijing)
    tokyo.kill()
    shutil.rmtree(tokyo.home.path)

    tokyo.command("restore", tmp_path / "monday", "--identity-dir", medium(tokyo))
    tokyo.home = Home.open(tokyo.home.path)
    tokyo.start()

    wait_until(lambda: is_unconfirmed(beijing, "theirs") and is_unconfirmed(tokyo, "ours"))
    assert say(tokyo, "beijing", "from the restored home")["rung"] == "received"
    wait_until_changed(tokyo, beijing)


def test_desk_is_reinstalled_from_the_medium_after_a_renewal(nodes: Nodes, tmp_path: Path) -> None:
    tokyo, beijing = nodes
    beijing.command("renew", "tokyo", offer(tokyo, beijing, tmp_path))
    wait_until_changed(tokyo, beijing)
    keys = shutil.copytree(beijing.home.path / "officers", tmp_path / "officers")
    port = (beijing.home.path / "watchline.toml").read_text()
    beijing.kill()
    shutil.rmtree(beijing.home.path)

    words = [word for key in sorted(keys.glob("*.key")) for word in ("--officer-key", str(key))]
    beijing.command("restore", "--from-identity", "--identity-dir", medium(beijing), *words)
    beijing.home = Home.open(beijing.home.path)
    (beijing.home.path / "watchline.toml").write_text(port)
    beijing.start()

    wait_until(lambda: is_unconfirmed(tokyo, "theirs") and is_unconfirmed(beijing, "ours"))
    assert say(beijing, "tokyo", "from nothing but the medium")["rung"] == "received"


def test_spare_that_was_made_before_the_renewal_is_outdated_and_one_made_after_it_speaks(nodes: Nodes, tmp_path: Path) -> None:
    tokyo, beijing = nodes
    tokyo.command("keys", "spare", "--out", tmp_path / "old", "--identity-dir", medium(tokyo))
    assert [each["state"] for each in tokyo.command("keys", "show")["spares"]] == ["ready", "ready"]
    beijing.command("renew", "tokyo", offer(tokyo, beijing, tmp_path))
    wait_until_changed(tokyo, beijing)
    assert [each["state"] for each in tokyo.command("keys", "show")["spares"]] == ["outdated", "outdated"]
    tokyo.command("keys", "spare", "--out", tmp_path / "new", "--identity-dir", medium(tokyo))
    tokyo.kill()

    spare = NodeProcess(Home(tmp_path / "spare", tokyo.home.config), tokyo.port)
    spare.command("spare", tmp_path / "new" / "spare-1")
    spare.home = Home.open(spare.home.path)
    spare.start()
    try:
        wait_until(lambda: is_unconfirmed(beijing, "theirs"))
        assert say(spare, "beijing", "from the spare")["rung"] == "received"
    finally:
        spare.kill()


def test_renewal_by_way_of_a_relay_changes_the_boxes_and_loses_nothing(tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "relay")
    server.start()
    tokyo, beijing = both = paired(tmp_path, status_interval_seconds=1)
    try:
        for node in both:
            give_routes(node, [["nats", server.address]], [])
        serve(both)
        before = tokyo.command("route", "relay")["lines"]
        say(tokyo, "beijing", "in the old box")
        beijing.command("renew", "tokyo", offer(tokyo, beijing, tmp_path))
        say(tokyo, "beijing", "on the way")
        wait_until_changed(tokyo, beijing)
        say(tokyo, "beijing", "in the new box")
        say(beijing, "tokyo", "and back")
        after = tokyo.command("route", "relay")["lines"]

        assert len(before) == len(after) == 1
        assert before != after
        assert heard(beijing, "tokyo") == ["in the old box", "on the way", "in the new box"]
        tokyo.wait_until_it_works("beijing")
    finally:
        for node in both:
            node.kill()
        server.kill()
