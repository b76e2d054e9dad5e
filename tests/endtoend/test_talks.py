"""The talks of 22 February 2023, on a real line between two real nodes, with the commands that officials type.

What was raised is the table that tests/catalogue/test_scenario.py fills in: every row of it is an item of the round, with its
notices and statements.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.catalogue.test_scenario import RAISED, Said
from tests.cli.commands import Shell
from tests.desk.talking import swapped, theirs
from tests.endtoend.homes import OFFICER, NodeProcess, paired, select_wait
from watchline.cli.session import OFFICER_VARIABLE
from watchline.core.encoding import encode
from watchline.core.pairing import Pairing, RouteAddress
from watchline.demo.relay import Wire

pytestmark = pytest.mark.slow

Json = dict[str, Any]
PATIENCE_SECONDS = 60.0
QUICK = "\nreconnect_first_seconds = 0.1\nreconnect_last_seconds = 0.4\nhandshake_seconds = 2\n"
DATE = "2023-02-22T10:00:00+09:00"
RAISED_BY_CHINA = {
    "Japan's plan to double defence spending",
    "Taiwan and the one-China principle; learning from history",
    "release of water from the Fukushima plant",
    "unblocking of industrial supply chains",
    "dealing with differences appropriately; a Cold War mentality",
}
SAID_BY_CHINA = {"live-fire-closure", "exercise-notice", "supply-notice"}
ANSWERS = {"live-fire-closure", "exercise-notice"}  # to the query before them in their row
REFERENCES = {"about", "earlier", "under", "replies_to"}  # of the sample to itself; the line has its own
IN_THE_READERS_WORDS = {"words", "title", "answers", "rung", "possible", "now", "line", "peer"}


class Official:
    """Who types the commands at one desk. other: whoever does so at the other one, and what this desk calls the line."""

    other: Official

    def __init__(self, shell: Shell, node: NodeProcess, line: str) -> None:
        self.node = node
        self.line = line
        self._shell = shell

    def types(self, *words: str | Path) -> Json:
        done = self._shell.at(self.node.home.path.name, *words, "--json")
        assert done.code == 0, (words, done.out, done.err)
        return done.document

    def says(self, *words: str | Path, wait: bool = True) -> str:
        """Say something, which the other side receives if that is waited for; what it is called here."""
        name = self.types(*words, *(("--wait", "received", "--timeout", "60") if wait else ()))["id"]
        assert isinstance(name, str)
        return name

    def takes(self, verb: str, *words: str | Path, wait: bool = True) -> str:
        """One step of talks."""
        return self.says("talks", verb, self.line, *words, wait=wait)

    def shows(self) -> Json:
        found: Json = self.types("talks", "show", self.line)["round"]
        return found


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as made:
        yield made


@pytest.fixture
def officials(
    tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[tuple[Official, Official]]:
    """Tokyo's, who reads Japanese, and Beijing's, who reads Chinese; all bytes between their nodes run over the wire."""
    nodes = paired(tmp_path, ("ja", "zh-Hans"), status_interval_seconds=1)
    ways = [RouteAddress("direct", f"127.0.0.1:{through(wire, node)}") for node in nodes]
    for node, own, peers in zip(nodes, ways, reversed(ways), strict=True):
        lead(node, own, peers)
    (tmp_path / "officer.passphrase").write_text(OFFICER + "\n")
    monkeypatch.setenv(OFFICER_VARIABLE, str(tmp_path / "officer.passphrase"))
    shell = Shell(tmp_path, capsys)
    tokyo, beijing = Official(shell, nodes[0], "beijing"), Official(shell, nodes[1], "tokyo")
    tokyo.other, beijing.other = beijing, tokyo
    for node in nodes:
        node.start()
    tokyo.node.wait_until_it_works("beijing")
    yield tokyo, beijing
    for node in nodes:
        node.kill()


def through(wire: Wire, node: NodeProcess) -> int:
    """The port of the wire that leads to a node."""
    relay = wire.relay()
    relay.node_port = node.port
    return relay.port


def lead(node: NodeProcess, own: RouteAddress, peers: RouteAddress) -> None:
    """Have a node listen on its own port, and both desks know only the wire's."""
    config = node.home.path / "watchline.toml"
    config.write_text(f'{config.read_text()}\nlisten = ["127.0.0.1:{node.port}"]{QUICK}')
    journal = node.journal()
    journal.put_document("own-routes", "self", encode([[own.kind, own.address]]), False)
    (row,) = journal.lines()
    pairing = replace(Pairing.decode(row.pairing), peer_routes=(peers,))
    journal.put_line(replace(row, pairing=pairing.encode()))
    journal.close()


def typed(said: Said) -> list[str]:
    """A form as it is typed: FIELD=VALUE."""
    given = {name: value for name, value in said.fields.items() if name not in REFERENCES}
    return [said.code, *(f"{name}={typed_value(value)}" for name, value in given.items())]


def typed_value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def common(value: Any) -> Any:
    """All that both desks must show alike: everything but words of the reader's language and what the reader may do next."""
    if isinstance(value, dict):
        return {name: common(each) for name, each in value.items() if name not in IN_THE_READERS_WORDS}
    if isinstance(value, list):
        every = [common(each) for each in value]
        return sorted(every) if all(each in ("ours", "theirs") for each in every) else every
    return value


def shown_alike(tokyo: Official, phase: str) -> Json:
    """The round as Tokyo shows it, once both desks show the same of it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        ours, other = tokyo.shows(), swapped(tokyo.other.shows())
        if ours["phase"] == phase and common(ours) == common(other):
            return ours
        assert time.monotonic() < deadline, (common(ours), common(other))
        select_wait(0.1)


def raise_row(tokyo: Official, round_id: str, subject: str) -> str:
    """One row of the table: its notices, the item that carries them, the statements under it. Gives the item, as at Tokyo."""
    raiser = tokyo.other if subject in RAISED_BY_CHINA else tokyo
    notices: list[str] = []  # as Tokyo calls them
    for said in RAISED[subject]:
        if said.code in ("agenda-item", "statement"):
            continue
        asks_china = said.code == "request-clarification" and subject in RAISED_BY_CHINA
        author = tokyo.other if said.code in SAID_BY_CHINA or asks_china else tokyo
        answered = [at(author, tokyo, notices[-1])] if said.code in ANSWERS and notices[-1].startswith("ours") else []
        verb = "reply" if answered else "send"
        notices.append(at(author, tokyo, author.says(verb, author.line, *answered, *typed(said))))
    carried = [word for name in notices for word in ("--notice", at(raiser, tokyo, name))]
    item = raiser.takes("item", at(raiser, tokyo, round_id), "--subject", subject, *carried)
    item = at(raiser, tokyo, item)
    before: str | None = None  # the statement before, as Tokyo calls it
    for said in RAISED[subject]:
        if said.code == "statement":
            author = tokyo if said.fields["language"] == "ja" else tokyo.other
            words = ["--role", said.fields["speaker_role"], "--text", said.fields["text"]]
            if before is not None:
                words += ["--replies-to", at(author, tokyo, before)]
            before = at(author, tokyo, author.takes("say", at(author, tokyo, item), *words))
    return item


def at(official: Official, tokyo: Official, name: str) -> str:
    """What an official calls what Tokyo calls so, and the other way round."""
    return name if official is tokyo else theirs(name)


def test_talks_of_february_2023_from_the_proposal_to_the_hotline_that_was_opened(
    officials: tuple[Official, Official], wire: Wire, tmp_path: Path
) -> None:
    tokyo, beijing = officials

    # The round is arranged.
    offered = ("--date", DATE, "--date", "2023-03-01/2023-03-31 en=in March; ja=3月中; zh-Hans=三月内")
    whose = ("--topic", "安全保障", "--level", "vice_minister", "--mode", "visit", "--place", "東京")
    round_id = tokyo.takes("propose", *whose, *offered)
    assert beijing.shows()["waits_for"] == ["ours"]
    beijing.takes("accept", theirs(round_id), "--date", "1")
    assert shown_alike(tokyo, "arranged")["arrangement"]["date"] == {"exact": "2023-02-22T01:00:00Z"}

    # Every row of the table is raised.
    items = {subject: raise_row(tokyo, round_id, subject) for subject in RAISED}
    shown = shown_alike(tokyo, "open")
    assert [(item["id"], item["subject"]) for item in shown["items"]] == [(name, subject) for subject, name in items.items()]
    assert {item["subject"] for item in shown["items"] if item["side"] == "theirs"} == RAISED_BY_CHINA
    said = sorted(each.code for row in RAISED.values() for each in row if each.code not in ("agenda-item", "statement"))
    assert sorted(notice["form"] for item in shown["items"] for notice in item["notices"]) == said
    assert sum(len(item["statements"]) for item in shown["items"]) == 5

    # The items are answered while the line is cut.
    wire.cut()
    tokyo.node.wait_for_state(("line_down", "terminal_down"), "beijing")
    for number, (subject, name) in enumerate(items.items()):
        answering = tokyo if subject in RAISED_BY_CHINA else beijing
        verb = ("note", at(answering, tokyo, name)) if number % 2 else ("accept", at(answering, tokyo, name))
        answering.takes(*verb, wait=False)
    ours = {item["id"]: item["state"] for item in tokyo.shows()["items"]}
    assert {ours[name] for subject, name in items.items() if subject not in RAISED_BY_CHINA} == {"raised"}
    wire.heal()
    states = [item["state"] for item in shown_alike(tokyo, "open")["items"]]
    assert states == [("noted" if number % 2 else "agreed") for number in range(len(items))]

    # Two commitments: one in the other side's wording, one with no date.
    hotline = ("--strength", "agreed_to_try", "--due", "2023-03-01/2023-05-31 en=around spring; ja=春頃; zh-Hans=春季前后")
    first = tokyo.takes("commit", "--round", round_id, "--terms", "ホットラインの設置に努める。", *hotline)
    spoken = ("--translation", "ja=直通のホットラインの設置に努める。")
    stands = theirs(beijing.takes("commit", "--replaces", theirs(first), "--terms", "努力建立直通热线。", *hotline, *spoken))
    accepted = tokyo.takes("accept", stands)
    beijing.says("acknowledge", "tokyo", theirs(accepted))
    dialogue = theirs(beijing.takes("commit", "--round", theirs(round_id), "--terms", "加强高级安全官员之间的对话。"))
    tokyo.takes("accept", dialogue)
    shown = shown_alike(tokyo, "open")
    assert [(each["text_id"], each["state"], each["certain"]) for each in shown["commitments"]] == [
        (stands, "standing", True),
        (dialogue, "standing", True),
    ]
    assert [shown["commitments"][0]["due"]["words"], beijing.shows()["commitments"][0]["due"]["words"]] == ["春頃", "春季前后"]
    assert shown["commitments"][1]["due"] is None

    # Both read out and conclude.
    strait, principle = items["peace and stability in the Taiwan Strait"], items[next(s for s in items if "one-China" in s)]
    points = ("--point", f"{strait}=台湾海峡の平和と安定", "--point", stands, "--point", dialogue)
    readout = tokyo.takes("readout", round_id, "--text", "率直に意見を交換した。", *points)
    points = ("--point", f"{theirs(strait)}=一个中国原则", "--point", theirs(principle), "--point", theirs(dialogue))
    beijing.takes("readout", theirs(round_id), "--text", "双方坦诚交换了意见。", *points)
    tokyo.takes("close", round_id, "--outcome", "concluded")
    beijing.takes("close", theirs(round_id), "--outcome", "concluded")
    shown = shown_alike(tokyo, "concluded")
    assert all(move["counts"] for move in shown["timeline"])
    compared = {each["about"]: each["verdict"] for each in tokyo.types("talks", "compare", "beijing")["comparison"]}
    assert {name: compared[name] for name in (strait, first, dialogue, principle)} == {
        strait: "differently",
        first: "only_ours",
        dialogue: "both",
        principle: "only_theirs",
    }
    assert "neither" in compared.values()  # what was agreed under the other items
    assert [item["id"] for item in tokyo.types("talks", "open", "beijing")["items"]] == [
        theirs(item["id"]) for item in beijing.types("talks", "open", "tokyo")["items"]
    ]

    # The hotline was opened in spring.
    assert [each["kind"] for each in beijing.types("talks", "due")["reminders"]] == ["overdue"]
    tested = tokyo.types("test", "beijing", "--wait")
    assert tested["ok"], tested
    entries = tokyo.types("log", "beijing")["entries"]
    test = next(entry["id"] for entry in entries if entry["form"] == "test" and entry["id"].startswith("ours"))
    facts = ("--kept", "--at", "2023-03-31T00:00:00+09:00", "--facts", "3月31日に開設")
    tokyo.takes("report", stands, *facts, "--evidence", "ours:@0", "--evidence", test)
    assert shown_alike(tokyo, "concluded")["commitments"][0]["state"] == "said_kept"
    beijing.takes("report", theirs(stands), "--kept")
    kept = shown_alike(tokyo, "concluded")["commitments"][0]
    assert kept["state"] == "kept"
    assert kept["reports"][0]["evidence"] == [tokyo.types("show", "beijing", "ours:@0")["entries"][0]["id"], test]
    assert beijing.types("talks", "due")["reminders"] == []

    # The readout leaves the desk, and a stranger verifies it.
    tokyo.types("talks", "export", "beijing", readout, "--to", tmp_path / "readout")
    identities: list[str | Path] = []
    for official in (tokyo, beijing):
        published = tmp_path / f"{official.node.home.path.name}.identity"
        official.types("identity", "--out", published)
        identities += ["--identity", published]
    verified = tokyo.types("verify", tmp_path / "readout" / "readout.evidence", *identities)
    assert verified["verified"]
    assert "率直に意見を交換した。" in (tmp_path / "readout" / "readout.txt").read_text()
