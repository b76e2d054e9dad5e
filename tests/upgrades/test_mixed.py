"""One side is newer: an earlier version's own code at one end of the line, today's at the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endtoend.homes import SOURCE, NodeProcess
from tests.upgrades.earlier import BEIJING, EARLIEST, SAME_SCHEMA, TOKYO, VERSIONS, nodes, source_of, unpack
from tests.upgrades.test_homes import log_of, said, wait_until

pytestmark = pytest.mark.slow
Both = tuple[NodeProcess, NodeProcess]

LINKED = ("up", "declined", "unanswered", "unmanned")
"""What a line that carries may be: the newer version says what was declined, or never answered for as long as the home lay."""


@pytest.fixture(scope="module", params=VERSIONS)
def earlier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A version, and its code."""
    return request.param, source_of(request.param, tmp_path_factory.mktemp("source"))


def test_version_that_is_not_in_the_history_is_skipped_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match="needs commit 0123456"):
        source_of("0123456", tmp_path)


@pytest.fixture(params=["the inviter is newer", "the accepter is newer"])
def mixed(request: pytest.FixtureRequest, earlier: tuple[str, Path], tmp_path: Path) -> Iterator[Both]:
    """Tokyo, who invited, and Beijing, who accepted, both up; one of them runs today's code."""
    version, old = earlier
    unpack(version, tmp_path)
    sources = (SOURCE, old) if request.param == "the inviter is newer" else (old, SOURCE)
    both = nodes(tmp_path, *sources)
    for node in both:
        node.start()
    for node, line in zip(both, (BEIJING, TOKYO), strict=True):
        node.wait_for_state(LINKED, line)
    yield both
    for node in both:
        node.kill()


def test_notices_acknowledgements_declines_and_tests_go_both_ways(mixed: Both) -> None:
    tokyo, beijing = mixed
    wait_until(lambda: "Nobody has receipted this." in str(beijing.command("inbox", TOKYO)))
    for node, peer, there, back in ((tokyo, beijing, BEIJING, TOKYO), (beijing, tokyo, TOKYO, BEIJING)):
        number = said(node, there, "--text", "to the other version").rpartition(":")[2]
        peer.command("acknowledge", back, f"theirs:{number}", "--as", "duty", "--wait", "received")
        asked = said(node, there, "request-clarification", 'question=["what do you run?"]').rpartition(":")[2]
        peer.command("reply", back, f"theirs:{asked}", "decline", "--as", "duty", "--wait", "received")
        assert node.command("test", there, "--wait")["ok"]
        shown = {entry["id"]: entry["rungs"] for entry in log_of(node, there)}
        assert {"received", "acknowledged"} <= set(shown[f"ours:{number}"])
        assert {"received", "declined"} <= set(shown[f"ours:{asked}"])
        arrived = {entry["id"]: entry for entry in log_of(peer, back)}
        assert arrived[f"theirs:{number}"]["released"]
    for node in mixed:
        assert node.ask("status")["lines"][0]["state"] in LINKED


def test_answers_of_the_other_version_count_unless_it_is_the_earliest(earlier: tuple[str, Path], mixed: Both) -> None:
    """What the release of an answer says has changed since the earliest version: it arrives, and counts at neither."""
    tokyo, beijing = mixed
    for node, peer, there, back in ((tokyo, beijing, BEIJING, TOKYO), (beijing, tokyo, TOKYO, BEIJING)):
        asked = said(node, there, "request-clarification", 'question=["what do you run?"]').rpartition(":")[2]
        answer = peer.command("reply", back, f"theirs:{asked}", "--text", "this", "--as", "duty", "--wait", "received")
        assert answer["rung"] == "received"
        (shown,) = node.command("show", there, f"ours:{asked}")["entries"]
        assert ("answered" in shown["rungs"]) == (earlier[0] != EARLIEST)


def test_newer_side_that_rotates_early_waits_until_the_other_is_upgraded_and_loses_nothing(tmp_path: Path) -> None:
    version, old = EARLIEST, source_of(EARLIEST, tmp_path / "source")  # which knows of no incarnations but the first
    unpack(version, tmp_path)
    tokyo, beijing = nodes(tmp_path, SOURCE, old)
    try:
        beijing.start()
        tokyo.command("keys", "rotate")
        tokyo.start()
        wait_until(lambda: tokyo.ask("status")["lines"][0]["state"] in ("terminal_down", "line_down"))
        said = tokyo.command(
            "send", BEIJING, "--text", "too early", "--as", "duty", "--wait", "received", "--timeout", "3", code=3
        )
        assert said["error"]["kind"] == "unreachable"
        assert "too early" not in str(beijing.command("log", TOKYO))
        assert beijing.ask("status")["lines"][0]["state"] in ("terminal_down", "line_down")

        assert beijing.stop() == 0
        beijing.source = SOURCE
        beijing.start()

        wait_until(lambda: "too early" in str(beijing.command("log", TOKYO)))
        incarnations = {each["side"]: each["inc"] for each in beijing.ask("status")["lines"][0]["incarnations"]}
        assert incarnations == {"ours": 1, "theirs": 2}
        assert tokyo.process is not None
        assert tokyo.process.poll() is None
    finally:
        tokyo.kill()
        beijing.kill()


@pytest.mark.parametrize("version", [version for version in VERSIONS if version != EARLIEST])
def test_newer_side_that_rotates_is_heard_and_confirmed_by_the_other_version(version: str, tmp_path: Path) -> None:
    unpack(version, tmp_path)
    tokyo, beijing = both = nodes(tmp_path, SOURCE, source_of(version, tmp_path / "source"))
    try:
        beijing.start()
        if "second" not in [officer["name"] for officer in beijing.command("officer", "list")["officers"]]:
            beijing.command("officer", "add", "second")
        tokyo.command("keys", "rotate")
        tokyo.start()
        wait_until(lambda: any(not each["confirmed"] for each in beijing.ask("status")["lines"][0]["incarnations"]))
        tokyo.command("keys", "confirm", BEIJING, "--as", "duty", "--as", "second")
        beijing.command("keys", "confirm", TOKYO, "--as", "duty", "--as", "second")
        for node, line in ((tokyo, BEIJING), (beijing, TOKYO)):
            said(node, line, "--text", "new keys")
        assert "Nobody has receipted this." in str(log_of(beijing, TOKYO))
    finally:
        for node in both:
            node.kill()


def test_earlier_version_refuses_a_home_of_a_newer_schema_and_leaves_it_and_opens_one_of_its_own(
    earlier: tuple[str, Path], tmp_path: Path
) -> None:
    version, old = earlier
    unpack(version, tmp_path)
    tokyo, _ = nodes(tmp_path, SOURCE, old)
    shown = tokyo.command("log", BEIJING)["entries"]
    tokyo.source = old
    (tokyo.home.path / "node.lock").unlink()  # it names the process of the command above
    before = {path: path.read_bytes() for path in tokyo.home.path.rglob("*") if path.is_file()}
    if version in SAME_SCHEMA:
        assert [entry["id"] for entry in tokyo.command("log", BEIJING)["entries"]] == [entry["id"] for entry in shown]
        return

    refused = tokyo.command("log", BEIJING, code=4)["error"]

    assert refused["facts"]["reason"] == "newer"
    assert {path: path.read_bytes() for path in before} == before
