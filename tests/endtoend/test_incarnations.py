"""The procedures of docs/operations.md for homes that were lost, set back, stolen or reinstalled: real nodes, real commands."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.endtoend.homes import NodeProcess, paired, select_wait
from watchline.core.encoding import decode
from watchline.desk.home import Home

pytestmark = pytest.mark.slow

PATIENCE_STEPS = 600


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    """Tokyo and Beijing, paired, each with two officers and its identity's medium outside of its home; both serve."""
    both = paired(tmp_path)
    for node in both:
        node.start()
        node.command("officer", "add", "second")
        node.command("keys", "custodian", "--to", medium(node))
    for node, line in zip(both, ("beijing", "tokyo"), strict=True):
        node.wait_for_state("up", line)
    yield both
    for node in both:
        node.kill()


def medium(node: NodeProcess) -> Path:
    return node.home.path.parent / f"medium-{node.home.path.name}"


def say(node: NodeProcess, line: str, text: str, *, signer: str = "duty") -> dict[str, Any]:
    return node.command("send", line, "--text", text, "--as", signer, "--wait", "received", "--once", text)


def heard(node: NodeProcess, line: str) -> list[str]:
    entries = node.command("inbox", line)["entries"]
    return [entry["fields"]["text"] for entry in entries if entry["form"] == "free-text"]


def wait_until(found: Callable[[], bool]) -> None:
    for _ in range(PATIENCE_STEPS):
        if found():
            return
        select_wait(0.05)
    raise AssertionError("it did not come so far in time")


def is_unconfirmed(node: NodeProcess, side: str) -> bool:
    incarnations = node.ask("status")["lines"][0]["incarnations"]
    return any(each["side"] == side and not each["confirmed"] for each in incarnations)


def confirm_on_both_sides(tokyo: NodeProcess, beijing: NodeProcess) -> None:
    """Two officers of each desk compared the fingerprint by voice."""
    shown = [node.command("keys", "show")["lines"][0]["incarnations"] for node in (tokyo, beijing)]
    own = next(each for each in shown[0] if each["side"] == "ours")
    seen = next(each for each in shown[1] if each["side"] == "theirs")
    assert own["fingerprint"] == seen["fingerprint"]
    tokyo.command("keys", "confirm", "beijing", "--as", "duty", "--as", "second")
    beijing.command("keys", "confirm", "tokyo", "--as", "duty", "--as", "second")
    tokyo.wait_for_state("up", "beijing")
    beijing.wait_for_state("up", "tokyo")


def test_lost_disk_and_a_restored_backup_the_line_goes_on_and_what_was_lost_comes_back(
    nodes: tuple[NodeProcess, NodeProcess], tmp_path: Path
) -> None:
    tokyo, beijing = nodes
    say(tokyo, "beijing", "before the backup")
    tokyo.command("backup", "--out", tmp_path / "monday")
    say(tokyo, "beijing", "after the backup")
    say(beijing, "tokyo", "theirs, after the backup")
    tokyo.kill()
    shutil.rmtree(tokyo.home.path)

    tokyo.command("restore", tmp_path / "monday", "--identity-dir", medium(tokyo))
    tokyo.home = Home.open(tokyo.home.path)
    tokyo.start()

    wait_until(lambda: is_unconfirmed(beijing, "theirs") and is_unconfirmed(tokyo, "ours"))
    assert say(tokyo, "beijing", "from the restored home")["rung"] == "received"
    wait_until(lambda: heard(tokyo, "beijing") == ["theirs, after the backup"])
    assert heard(beijing, "tokyo") == ["before the backup", "after the backup", "from the restored home"]
    refused = beijing.command("send", "tokyo", "--text", "to whom?", "--as", "duty", code=2)["error"]
    assert "keys confirm" in refused["hint"]
    confirm_on_both_sides(tokyo, beijing)
    say(beijing, "tokyo", "now we know")
    log = [entry for entry in tokyo.command("log", "beijing")["entries"] if entry["form"] == "free-text"]
    assert [entry["author"] for entry in log].count("Tokyo") == 3


def test_evidence_of_all_incarnations_of_a_line_holds(nodes: tuple[NodeProcess, NodeProcess], tmp_path: Path) -> None:
    tokyo, beijing = nodes
    say(tokyo, "beijing", "first life")
    tokyo.stop()
    tokyo.command("keys", "rotate", "--identity-dir", medium(tokyo))
    tokyo.start()
    wait_until(lambda: is_unconfirmed(beijing, "theirs"))
    say(tokyo, "beijing", "second life")
    for node, line in ((tokyo, "beijing"), (beijing, "tokyo")):
        out = tmp_path / f"{line}.evidence"
        node.command("export", line, "--out", out)
        verdict = node.command("verify", out)
        assert verdict["verified"], verdict


def test_spare_machine_speaks_at_once_and_the_old_machine_is_never_heard_again(
    nodes: tuple[NodeProcess, NodeProcess], tmp_path: Path
) -> None:
    tokyo, beijing = nodes
    tokyo.command("keys", "spare", "--out", tmp_path / "safe", "--identity-dir", medium(tokyo))
    say(tokyo, "beijing", "before the fire")
    tokyo.stop()

    spare = NodeProcess(Home(tmp_path / "spare", tokyo.home.config), tokyo.port)
    spare.command("spare", tmp_path / "safe" / "spare-1")
    spare.home = Home.open(spare.home.path)
    spare.start()
    try:
        assert say(spare, "beijing", "from the spare")["rung"] == "received"
        assert is_unconfirmed(beijing, "theirs")
        entries = beijing.command("inbox", "tokyo")["entries"]
        assert [entry["unconfirmed"] for entry in entries if entry["form"] == "free-text"] == [False, True]
        confirm_on_both_sides(spare, beijing)
        wait_until(lambda: "before the fire" in str(spare.command("log", "beijing")))

        tokyo.start()
        wait_until(lambda: tokyo.ask("status")["lines"][0]["state"] in ("terminal_down", "line_down"))
        late = tokyo.command("send", "beijing", "--text", "I am still here", "--as", "duty", "--wait", "received",
                             "--timeout", "2", code=3)  # fmt: skip
        assert late["error"]["kind"] == "unreachable"
        assert "I am still here" not in str(beijing.command("log", "tokyo"))
    finally:
        spare.kill()


def test_machine_that_was_set_back_stops_and_goes_on_with_new_keys(
    nodes: tuple[NodeProcess, NodeProcess], tmp_path: Path
) -> None:
    tokyo, beijing = nodes
    tokyo.stop()
    shutil.copytree(tokyo.home.path, tmp_path / "snapshot", ignore=shutil.ignore_patterns("node.sock", "node.lock"))
    tokyo.start()
    say(tokyo, "beijing", "after the snapshot")
    tokyo.stop()
    shutil.rmtree(tokyo.home.path)
    shutil.copytree(tmp_path / "snapshot", tokyo.home.path)
    tokyo.start()
    tokyo.wait_for_state("stopped", "beijing")
    tokyo.stop()

    tokyo.command("keys", "rotate", "--identity-dir", medium(tokyo))
    tokyo.start()

    wait_until(lambda: is_unconfirmed(beijing, "theirs"))
    confirm_on_both_sides(tokyo, beijing)
    log = [entry for entry in tokyo.command("log", "beijing")["entries"] if entry["form"] == "free-text"]
    assert [entry["fields"]["text"] for entry in log] == ["after the snapshot"]


def test_clone_with_stolen_keys_is_shut_out_once_they_are_revoked(
    nodes: tuple[NodeProcess, NodeProcess], tmp_path: Path
) -> None:
    tokyo, beijing = nodes
    tokyo.stop()
    shutil.copytree(tokyo.home.path, tmp_path / "stolen", ignore=shutil.ignore_patterns("node.sock", "node.lock"))
    revoked = tokyo.command("keys", "revoke", "--since", "2026-01-02T03:04:05Z", "--identity-dir", medium(tokyo))
    assert revoked["incarnation"] == 2
    tokyo.start()
    wait_until(lambda: is_unconfirmed(beijing, "theirs"))
    confirm_on_both_sides(tokyo, beijing)

    thief = NodeProcess(Home.open(tmp_path / "stolen"), tokyo.port)
    tokyo.stop()
    thief.start()
    try:
        wait_until(lambda: thief.ask("status")["lines"][0]["state"] in ("terminal_down", "line_down"))
        thief.command("send", "beijing", "--text", "believe me", "--as", "duty", "--wait", "received", "--timeout", "2", code=3)
        assert "believe me" not in str(beijing.command("log", "tokyo"))
        assert beijing.ask("status")["lines"][0]["state"] in ("terminal_down", "line_down")
    finally:
        thief.kill()


def test_receiver_reinstalled_without_a_backup_gets_all_of_it_back(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    tokyo, beijing = nodes
    say(tokyo, "beijing", "kept by one of us")
    say(beijing, "tokyo", "said by the one who forgot")
    beijing.kill()
    shutil.rmtree(beijing.home.path)

    beijing.command("restore", "--from-identity", "--identity-dir", medium(beijing), "--zone", "UTC", "--lang", "en")
    beijing.home = Home.open(beijing.home.path)
    beijing.start()

    wait_until(lambda: "kept by one of us" in str(beijing.command("inbox", "tokyo")))
    wait_until(lambda: "said by the one who forgot" in str(beijing.command("log", "tokyo")))
    assert is_unconfirmed(tokyo, "theirs")


def test_receiver_that_lost_what_it_receipted_gets_it_back_and_the_sender_keeps_the_receipt(
    nodes: tuple[NodeProcess, NodeProcess], tmp_path: Path
) -> None:
    tokyo, beijing = nodes
    beijing.command("backup", "--out", tmp_path / "monday")
    say(tokyo, "beijing", "receipted, then lost")
    beijing.kill()
    shutil.rmtree(beijing.home.path)

    beijing.command("restore", tmp_path / "monday", "--identity-dir", medium(beijing))
    beijing.home = Home.open(beijing.home.path)
    beijing.start()

    wait_until(lambda: heard(beijing, "tokyo") == ["receipted, then lost"])
    (sent,) = (entry for entry in tokyo.command("log", "beijing")["entries"] if entry["form"] == "free-text")
    assert "received" in sent["rungs"]


def test_copy_that_lags_behind_its_anchor_stops_before_the_first_word(
    nodes: tuple[NodeProcess, NodeProcess], tmp_path: Path
) -> None:
    tokyo, beijing = nodes
    tokyo.stop()
    (tmp_path / "stick").mkdir()
    settings = tokyo.home.path / "watchline.toml"
    settings.write_text(settings.read_text() + f'anchor = "{tmp_path / "stick" / "tokyo"}"\n')
    tokyo.start()
    tokyo.wait_for_state("up", "beijing")
    tokyo.stop()
    shutil.copytree(tokyo.home.path, tmp_path / "standby", ignore=shutil.ignore_patterns("node.sock", "node.lock"))
    tokyo.start()
    say(tokyo, "beijing", "after the standby was copied")
    tokyo.stop()
    beijing.stop()  # nobody can tell the copy but its anchor

    standby = NodeProcess(Home.open(tmp_path / "standby"), tokyo.port)
    standby.start()
    try:
        standby.wait_for_state("stopped", "beijing")
        (alarm,) = standby.ask("status")["lines"][0]["alarms"]
        assert "anchor" in alarm["message"]
        refused = standby.command("send", "beijing", "--text", "a word", "--as", "duty", code=2)["error"]
        assert "stopped" in refused["message"]
    finally:
        standby.kill()


def test_officer_whose_key_was_lost_gets_a_new_one_and_the_old_one_releases_nothing(
    nodes: tuple[NodeProcess, NodeProcess],
) -> None:
    tokyo, beijing = nodes
    lost = tokyo.home.officers / "second.key"
    kept = lost.read_bytes()
    tokyo.command("officer", "revoke", "second", "--identity-dir", medium(tokyo))
    lost.unlink(missing_ok=True)
    tokyo.command("officer", "add", "third", "--identity-dir", medium(tokyo))
    assert say(tokyo, "beijing", "by the third", signer="third")["rung"] == "received"
    (entry,) = (entry for entry in beijing.command("inbox", "tokyo")["entries"] if entry["form"] == "free-text")
    assert entry["released"]
    lost.write_bytes(kept)
    refused = tokyo.command("send", "beijing", "--text", "by the finder", "--as", "second", code=2)["error"]
    assert refused["hint"]


def test_renewed_certificate_is_taken_by_the_peer_and_nothing_else_changes(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    tokyo, beijing = nodes
    renewed = tokyo.command("keys", "renew", "--identity-dir", medium(tokyo))
    assert (renewed["incarnation"], renewed["serial"]) == (1, 2)

    def taken() -> bool:
        tokyo.command("test", "beijing", "--wait")
        return known_serial(beijing) == 2

    wait_until(taken)
    assert not is_unconfirmed(beijing, "theirs")


def known_serial(node: NodeProcess) -> int:
    """The highest serial of a certificate of the peer that a node holds beyond its pairing; 0 for none."""
    (peer,) = node.ask("peers")["peers"]
    theirs = [bytes.fromhex(encoded) for own, encoded in peer["certificates"] if not own]
    return max((int(decode(decode(encoded)[0])[2]) for encoded in theirs), default=0)
