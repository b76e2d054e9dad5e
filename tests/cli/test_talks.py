"""`watchline talks` between two nodes, as people run them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Shell, shell_in
from tests.cli.test_line import WAIT, Node, free_port, theirs

SIDES = {"tokyo": "beijing", "beijing": "tokyo"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("talks")


@pytest.fixture(scope="module")
def nodes() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def desks(
    folder: Path, nodes: ExitStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    """Tokyo and Beijing, paired once for all tests of this file, with both nodes running."""
    with shell_in(folder, monkeypatch, capsys) as shell:
        if not (folder / "tokyo").exists():
            shell.pair(free_port(), free_port())
            for name in SIDES:
                nodes.callback(Node(folder / name).stop)
        yield shell


def step(shell: Shell, home: str, verb: str, *words: str | Path) -> str:
    """One step, received by the other side; what it is called."""
    done = shell.at(home, "talks", verb, SIDES[home], *words, *WAIT, "--json")
    assert done.code == 0, done
    name = done.document["id"]
    assert isinstance(name, str)
    return name


def asked(shell: Shell, home: str, verb: str, *words: str) -> dict[str, Any]:
    done = shell.at(home, "talks", verb, SIDES[home], *words, "--json")
    assert done.code == 0, done
    return done.document


def propose(shell: Shell) -> str:
    words = ("--topic", "Airspace", "--level", "director", "--mode", "video", "--place", "Tokyo")
    return step(shell, "tokyo", "propose", *words, "--date", "2023-04-22T01:00:00Z", "--date", "2023-04-23/2023-04-24 later")


@pytest.mark.slow
def test_round_is_held_with_one_command_for_each_step(desks: Shell, tmp_path: Path) -> None:
    round_ = propose(desks)
    refused = desks.at("beijing", "talks", "accept", "tokyo", theirs(round_), "--json")
    assert (refused.code, "which of the dates" in refused.error["message"]) == (2, True)
    counter = step(desks, "beijing", "counter", theirs(round_), "--place", "Beijing")
    step(desks, "tokyo", "accept", theirs(counter), "--date", "2")
    item = step(desks, "tokyo", "item", round_, "--subject", "Balloons")
    other = step(desks, "beijing", "item", theirs(round_), "--subject", "Supply chains")
    step(desks, "beijing", "accept", theirs(item))
    step(desks, "tokyo", "note", theirs(other), "--remark", "noted")
    said = step(desks, "tokyo", "say", item, "--role", "director", "--text", "We ask.")
    step(desks, "beijing", "say", theirs(item), "--role", "director", "--text", "We answer.", "--replies-to", theirs(said))
    words = ("--terms", "A hotline", "--due", "2023-03-01/2023-05-31 around spring", "--translation", "ja=直通回線")
    promise = step(desks, "tokyo", "commit", *words, "--strength", "agreed_to_try", "--round", round_, "--item", item)
    step(desks, "beijing", "accept", theirs(promise))
    step(desks, "beijing", "report", theirs(promise), "--kept", "--facts", "in service", "--evidence", theirs(said))
    points = tmp_path / "points.json"
    points.write_text(json.dumps([{"about": [item], "text": "Balloons were raised."}]))
    mine = step(desks, "tokyo", "readout", round_, "--text", "They met.", "--point", promise, "--points", points)
    step(desks, "beijing", "readout", theirs(round_), "--text", "They met.", "--point", theirs(promise), "--confidential")
    close = step(desks, "tokyo", "close", round_, "--outcome", "adjourned", "--next", "2126-01-01/2126-01-31 in January")
    step(desks, "beijing", "accept", theirs(close))

    shown = asked(desks, "beijing", "show", theirs(round_))["round"]
    assert (shown["phase"], shown["next"]["words"]) == ("adjourned", "in January")
    assert (shown["arrangement"]["place"], shown["arrangement"]["date"]["words"]) == ("Beijing", "later")
    assert {each["id"]: each["state"] for each in shown["items"]} == {theirs(item): "agreed", other: "noted"}
    assert all(each["counts"] for each in shown["timeline"])
    (held,) = asked(desks, "tokyo", "commitments")["commitments"]
    assert (held["state"], held["translations"], held["reports"][0]["evidence"]) == ("said_kept", {"ja": "直通回線"}, [said])
    compared = asked(desks, "tokyo", "compare")["comparison"]
    assert {each["about"]: each["verdict"] for each in compared} == {item: "only_ours", promise: "both"}
    exported = asked(desks, "tokyo", "export", mine, "--to", str(tmp_path / "readout"))
    assert (tmp_path / "readout" / exported["files"][0]).exists()
    for verb in ("list", "show", "commitments", "open", "due", "compare"):
        assert desks.at("tokyo", "talks", verb, "beijing").code == 0


@pytest.mark.slow
def test_step_that_would_not_count_is_refused_before_anybody_signs(desks: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    round_ = propose(desks)
    monkeypatch.delenv("WATCHLINE_OFFICER_FILE")

    refused = desks.at("tokyo", "talks", "item", "beijing", round_, "--subject", "too early", "--json")

    assert refused.code == 2
    assert refused.error["facts"]["why"] == "not_in_this_phase"
    assert "it is the move of Beijing" in refused.error["message"]
    assert "possible now: withdraw" in refused.error["hint"] or "withdraw" in refused.error["hint"]


@pytest.mark.slow
def test_withdrawn_notice_is_marked_at_both_desks(desks: Shell) -> None:
    done = desks.at("tokyo", "send", "beijing", "--text", "in error", *WAIT, "--json").document["id"]
    gone = desks.at("tokyo", "withdraw", "beijing", done, "--reason", "sent in error", *WAIT, "--json").document["id"]

    (shown,) = desks.at("beijing", "show", "tokyo", theirs(done), "--json").document["entries"]
    assert shown["withdrawn"] == theirs(gone)
    assert "WITHDRAWN" in desks.at("beijing", "show", "tokyo", theirs(done)).out
    assert "sent in error" in desks.at("beijing", "show", "tokyo", theirs(gone)).out
    refused = desks.at("beijing", "withdraw", "tokyo", theirs(done), "--reason", "not mine", "--json")
    assert (refused.code, "no notice of this desk" in refused.error["message"]) == (2, True)


@pytest.mark.slow
def test_arrangement_is_listed_and_withdrawn(desks: Shell) -> None:
    words = ("--name", "Yearly", "--level", "director", "--every", "year", "--first", "2023-11-01T01:00:00Z", "--mode", "video")
    made = step(desks, "tokyo", "arrange", *words, "--review")

    (shown,) = asked(desks, "beijing", "arrangements")["arrangements"]
    assert (shown["id"], shown["state"], shown["review"]) == (theirs(made), "proposed", True)
    assert desks.at("beijing", "talks", "arrangements", "tokyo").code == 0
    gone = desks.at("tokyo", "talks", "withdraw", "beijing", made, "--reason", "settled otherwise", *WAIT, "--json")
    assert gone.code == 0
    assert asked(desks, "beijing", "arrangements")["arrangements"][0]["state"] == "withdrawn"
    assert desks.at("tokyo", "talks", "review", "beijing").code == 0


@pytest.mark.slow
def test_talks_need_a_node_to_be_said_and_none_to_be_read(shell: Shell) -> None:
    shell.pair()

    assert shell.at("tokyo", "talks", "list", "beijing", "--json").document["rounds"] == []
    refused = shell.at(
        "tokyo", "talks", "propose", "beijing", "--topic", "Airspace", "--level", "director", "--mode", "text", "--date",
        "2023-04-22T01:00:00Z", "--json",
    )  # fmt: skip
    assert (refused.code, refused.error["kind"]) == (3, "unreachable")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", "beijing", "ours:1"), "was it kept?"),
        (("commit", "beijing", "--terms", "x", "--translation", "no language"), "LANG=TEXT"),
        (("show", "beijing"), "no talks"),
        (("report", "beijing", "ours:1", "--kept"), "no entry"),
    ],
)
def test_wrong_use_says_what_to_do(shell: Shell, words: tuple[str, ...], said: str) -> None:
    shell.pair()

    done = shell.at("tokyo", "talks", *words, "--json")

    assert done.code == 2
    assert said in done.error["message"]
