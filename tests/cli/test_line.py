"""Two nodes as people run them: everything that is said goes through the command line, both sockets and the network."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

import watchline
from tests.cli.commands import Done, Shell, shell_in
from watchline.catalogue import load_catalogue

SOURCE = Path(watchline.__file__).parents[1]
WAIT = ("--wait", "received", "--timeout", "60")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Node:
    """A `watchline serve` of its own, running since it said so."""

    def __init__(self, home: Path) -> None:
        command = [sys.executable, "-m", "watchline", "--home", str(home), "serve"]
        environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("Serving")

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desks")


@pytest.fixture(scope="module")
def nodes(folder: Path) -> Iterator[ExitStack]:
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
            for name in ("tokyo", "beijing"):
                nodes.callback(Node(folder / name).stop)
        yield shell


def sent(shell: Shell, *words: str) -> str:
    done = shell.at("tokyo", "send", "beijing", *words, *WAIT, "--json")
    assert done.code == 0, done
    identifier = done.document["id"]
    assert isinstance(identifier, str)
    return identifier


def theirs(identifier: str) -> str:
    return identifier.replace("ours", "theirs")


def shown(shell: Shell, home: str, line: str, identifier: str) -> dict[str, object]:
    (entry,) = shell.at(home, "show", line, identifier, "--json").document["entries"]
    assert isinstance(entry, dict)
    return entry


def rungs(shell: Shell, identifier: str) -> dict[str, str]:
    """The ladder of a notice of Tokyo's, as Tokyo sees it."""
    found = shown(shell, "tokyo", "beijing", identifier)["rungs"]
    assert isinstance(found, dict)
    return found


@pytest.mark.slow
def test_notice_is_received_held_and_answered(desks: Shell) -> None:
    fields = ["object=balloon", "seen=2023-02-15T01:00:00Z", "ours=asking", "pos=25.75,123.45"]
    identifier = sent(desks, "airspace-object", *fields, "--precedence", "FLASH")

    entry = shown(desks, "beijing", "tokyo", theirs(identifier))
    assert (entry["form"], entry["precedence"], entry["released"]) == ("airspace-object", "FLASH", True)
    assert "气球" in str(entry["text"])
    acknowledged = desks.at("beijing", "acknowledge", "tokyo", theirs(identifier), *WAIT, "--json")
    assert acknowledged.code == 0
    reply = ["reply", "tokyo", theirs(identifier), "holding-reply", "answer_by=2030-01-01T00:00:00Z"]
    answered = desks.at("beijing", *reply, *WAIT, "--json")
    assert answered.code == 0

    assert list(rungs(desks, identifier)) == ["composed", "attempted", "received", "acknowledged"]
    said = ["speaker_role=duty officer", "text=It is ours.", "language=en"]
    assert desks.at("beijing", "reply", "tokyo", theirs(identifier), "statement", *said, *WAIT, "--json").code == 0
    assert list(rungs(desks, identifier)) == ["composed", "attempted", "received", "acknowledged", "answered"]
    written = shown(desks, "beijing", "tokyo", answered.document["id"])["fields"]
    assert isinstance(written, dict)
    assert written["of"] == theirs(identifier)
    answer = shown(desks, "tokyo", "beijing", theirs(answered.document["id"]))
    assert (answer["re"], answer["precedence"], answer["fields"]) == (
        identifier,
        "FLASH",
        {"of": identifier, "answer_by": "2030-01-01T00:00:00Z"},
    )


@pytest.mark.slow
def test_people_read_it_in_their_language_with_english_beside_it(desks: Shell) -> None:
    identifier = sent(desks, "statement", "text=沈黙は答えではない", "speaker_role=外務省")

    out = desks.at("beijing", "show", "tokyo", theirs(identifier)).out

    assert "声明 (Statement)" in out
    assert "正文 (Text): 沈黙は答えではない" in out
    assert "Asia/Shanghai" in out


def test_decline_says_that_there_will_be_no_answer(desks: Shell) -> None:
    identifier = sent(desks, "request-clarification", 'question=["Why?"]')

    assert desks.at("beijing", "reply", "tokyo", theirs(identifier), "decline", "reason=no", *WAIT).code == 0

    rungs = shown(desks, "tokyo", "beijing", identifier)["rungs"]
    assert isinstance(rungs, dict)
    assert "declined" in rungs


def test_same_once_key_is_the_same_entry(desks: Shell) -> None:
    first = sent(desks, "--text", "once", "--once", "key")

    assert sent(desks, "--text", "once", "--once", "key") == first


def test_what_is_not_acknowledged_in_time_is_a_no_with_the_entry_in_its_facts(desks: Shell) -> None:
    sent(desks, "--text", "wait", "--once", "waiting")

    words = ["--text", "wait", "--once", "waiting", "--wait", "acknowledged", "--timeout", "0.1", "--json"]
    done = desks.at("tokyo", "send", "beijing", *words)

    assert (done.code, done.error["kind"]) == (1, "negative")
    assert done.error["facts"]["rung"] == "received"


def test_answer_to_an_exercise_is_an_exercise_and_to_a_real_notice_never(desks: Shell) -> None:
    drill, real = sent(desks, "--text", "drill", "--exercise"), sent(desks, "--text", "real")

    answer = desks.at("beijing", "reply", "tokyo", theirs(drill), "--text", "yes", *WAIT, "--json").document["id"]
    refused = desks.at("beijing", "reply", "tokyo", theirs(real), "--text", "yes", "--exercise", "--json")

    assert shown(desks, "tokyo", "beijing", theirs(answer))["exercise"] is True
    assert (refused.code, refused.error["kind"]) == (2, "usage")


def test_line_test_gives_the_round_trip(desks: Shell) -> None:
    done = desks.at("tokyo", "test", "beijing", "--wait", "--json")

    assert (done.code, done.document["ok"]) == (0, True)
    assert done.document["round_trip_seconds"] > 0
    status = desks.at("tokyo", "status", "beijing", "--json")
    assert status.code == 0
    (row,) = status.document["lines"]
    assert (row["state"], row["last_test"]["ok"]) == ("up", True)
    assert {"unreceipted", "unacknowledged", "routes", "peer", "name"} <= row.keys()


def test_evidence_verifies_for_whoever_knows_the_identities(desks: Shell) -> None:
    identifier = sent(desks, "--text", "proof")
    for name in ("tokyo", "beijing"):
        desks.at(name, "identity", "--out", f"{name}.identity")

    exported = desks.at("tokyo", "export", "beijing", identifier, "--out", "evidence", "--json")
    trusted = desks("verify", "evidence", "--identity", "tokyo.identity", "--identity", "beijing.identity", "--json")
    stranger = desks("verify", "evidence", "--json")
    Path("cut").write_bytes(Path("evidence").read_bytes()[:-100])

    assert exported.document.keys() == {"file", "sha256", "complete", "cover"}
    assert (trusted.code, trusted.document["verified"]) == (0, True)
    assert all(identity["trusted"] for identity in trusted.document["identities"])
    assert not any(identity["trusted"] for identity in stranger.document["identities"])
    assert all(fact.startswith("if these fingerprints are theirs") for fact in stranger.document["facts"])
    assert desks("verify", "cut").code == 1


@pytest.mark.slow
def test_running_node_exports_a_period_and_packs_its_year(desks: Shell) -> None:
    sent(desks, "--text", "proof")
    year = datetime.now(UTC).year
    period = ("--from", f"{year}-01-01", "--to", f"{year + 1}-01-01")

    exported = desks.at("tokyo", "export", "beijing", *period, "--out", "period", "--cover", "period.html", "--json")
    packed = desks.at("tokyo", "audit", "beijing", "--year", str(year), "--out", "pack", "--json")

    assert (exported.code, packed.code) == (0, 0)
    for file in ("period", "pack/year.evidence"):
        done = desks("verify", file, "--json")
        assert "proof" in [entry.get("fields", {}).get("1") for entry in done.document["entries"]]
    assert exported.document["sha256"] in Path("period.html").read_text(encoding="utf-8")


def test_identity_that_is_not_in_the_evidence_is_a_no(desks: Shell) -> None:
    sent(desks, "--text", "proof")
    desks.make("seoul")
    desks.at("seoul", "identity", "--out", "seoul.identity")
    desks.at("tokyo", "export", "beijing", "--out", "all")

    done = desks("verify", "all", "--identity", "seoul.identity", "--json")

    assert (done.code, done.document["verified"]) == (1, True)
    assert "Warning" in done.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["weather", "wind=1"], "usage"),
        (["airspace-object", "objekt=balloon"], "field"),
        (["airspace-object", "object=balloon"], "field"),
        (["airspace-object", "object=ballon", "seen=2023-02-15T01:00:00Z", "ours=asking"], "field"),
        (["airspace-object", "object=balloon", "seen=2023-02-15T01:00:00Z", "ours=asking", "alt=300 ft"], "field"),
        (["airspace-object", "object=balloon", "object=uas"], "field"),
        (["airspace-object", "balloon"], "field"),
        (["statement", "--text", "both"], "usage"),
        ([], "usage"),
        (["--text", "x", "--as", "nobody"], "usage"),
        (["--text", "x", "--as", "../duty"], "usage"),
        (["--text", "x", "--as", "duty", "--as", "duty"], "usage"),
    ],
    ids=" ".join,
)
def test_notice_with_a_mistake_is_refused_and_nothing_is_sent(desks: Shell, words: list[str], kind: str) -> None:
    before = len(desks.at("tokyo", "log", "beijing", "--json").document["entries"])

    done = desks.at("tokyo", "send", "beijing", *words, "--json")

    assert (done.code, done.error["kind"]) == (2, kind)
    assert len(desks.at("tokyo", "log", "beijing", "--json").document["entries"]) == before


def test_wrong_officer_passphrase_sends_nothing(desks: Shell) -> None:
    right = Path("officer.passphrase").read_text()
    Path("officer.passphrase").write_text("wrong")
    try:
        done = desks.at("tokyo", "send", "beijing", "--text", "x", "--json")
    finally:
        Path("officer.passphrase").write_text(right)

    assert (done.code, done.error["kind"]) == (2, "secret")


def test_unknown_line_is_refused_with_those_there_are(desks: Shell) -> None:
    done = desks.at("tokyo", "send", "pyongyang", "--text", "x", "--json")

    assert done.code == 2
    assert done.error["facts"]["lines"] == ["beijing"]


def test_readout_is_read_in_the_other_language_and_its_references_from_the_other_place(desks: Shell) -> None:
    dates = '["2023-03-01/2023-05-31 en=around spring; ja=春頃; zh-Hans=春季前后"]'
    proposal = sent(desks, "talks-proposal", "topic=Security", "level=vice_minister", "mode=visit", f"dates={dates}")
    counter = ("reply", "tokyo", theirs(proposal), "counter-proposal", "mode=video", *WAIT, "--json")
    answer = desks.at("beijing", *counter).document["id"]
    points = f'[{{"text": "The talks were agreed.", "about": ["{proposal}", "{theirs(answer)}"]}}]'
    readout = sent(desks, "readout", f"event={proposal}", "publication=published", f"points={points}")

    read = shown(desks, "beijing", "tokyo", theirs(readout))
    assert read["finding"] is None
    assert read["fields"] == {
        "event": theirs(proposal),
        "points": [{"text": "The talks were agreed.", "about": [theirs(proposal), answer]}],
        "publication": "published",
    }
    assert f"所涉事项: {theirs(proposal)}, {answer}" in desks.at("beijing", "show", "tokyo", theirs(readout)).out
    assert "“春季前后”" in desks.at("beijing", "show", "tokyo", theirs(proposal)).out


def own_id(shell: Shell) -> list[str]:
    return ["acknowledge", "beijing", sent(shell, "--text", "mine")]


def wrong_answer(shell: Shell) -> list[str]:
    reply = shell.at("beijing", "send", "tokyo", "--text", "hello", *WAIT, "--json").document["id"]
    return ["reply", "beijing", theirs(reply), "live-fire-closure"]


@pytest.mark.parametrize("make", [own_id, wrong_answer, lambda _: ["acknowledge", "beijing", "theirs:99999"]])
def test_response_that_cannot_be_is_refused(desks: Shell, make: Callable[[Shell], list[str]]) -> None:
    done: Done = desks.at("tokyo", *make(desks), "--json")

    assert (done.code, done.error["kind"]) == (2, "usage")


@pytest.mark.slow
def test_second_node_on_one_home_is_refused(desks: Shell) -> None:
    done = desks.at("tokyo", "serve", "--json")

    assert done.code == 2
    assert int(done.error["facts"]["pid"]) != os.getpid()


def test_address_whose_port_is_in_use_is_refused_and_not_told(desks: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        before = desks.at("tokyo", "route", "list", "--json").document

        done = desks.at("tokyo", "route", "add", f"127.0.0.1:{port}", "--json")

        assert (done.code, done.error["kind"]) == (3, "unreachable")
        assert desks.at("tokyo", "route", "list", "--json").document == before


@pytest.mark.slow
@pytest.mark.parametrize("form", [code for code, form in load_catalogue().forms.items() if form.machine])
def test_form_of_machines_answers_no_notice_of_people(desks: Shell, form: str) -> None:
    identifier = sent(desks, "--text", "hello")

    assert desks.at("beijing", "reply", "tokyo", theirs(identifier), form, "--json").code == 2


@pytest.mark.slow
def test_without_a_node_nothing_is_sent_and_the_state_is_unknown(shell: Shell) -> None:
    shell.pair()

    done = shell.at("tokyo", "send", "beijing", "--text", "x", "--json")

    assert (done.code, done.error["kind"]) == (3, "unreachable")
    assert "serve" in done.error["hint"]
    assert shell.at("tokyo", "status").code == 3
    assert shell.at("tokyo", "test", "beijing", "--json").code == 3
    assert shell.at("tokyo", "inbox", "--json").document == {"entries": [], "earlier": []}
