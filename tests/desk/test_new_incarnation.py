"""Two running desks when one becomes a new incarnation: what people see, what the nodes do alone, and what waits for people."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.desk.desk_pair import LINE, DeskEnd, DeskPair
from tests.line_pair import party
from watchline.core.encoding import encode
from watchline.core.entries import Body, Confirmation, EntryType, Notice, Precedence
from watchline.core.introduction import open_introduction, seal_introduction
from watchline.core.line import Phase
from watchline.core.persons import assertion_challenge, sign_assertion
from watchline.core.records import CertificateRecord, Pair
from watchline.desk.api import Api
from watchline.desk.own import DOCUMENT
from watchline.desk.past import late_entries
from watchline.errors import PeerError, UsageError

chance = random.Random(11)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    desks = DeskPair(tmp_path)
    desks.join()
    desks.advance(5)
    yield desks
    desks.close()


def reincarnate(end: DeskEnd) -> None:
    """What `keys rotate` does to a home while no node runs; then the node starts again."""
    before = end.desk.facts
    inc = before.certificate.certificate.inc + 1
    new = party(before.name, inc)
    after = replace(before, keys=new.keys, certificate=new.certificate)
    for signed in (before.certificate, after.certificate):
        end.journal.commit([CertificateRecord(LINE, True, signed.certificate.serial, signed.encoded)])
    end.journal.put_document(*DOCUMENT, after.encode(), sealed=True)
    end.restart()


def introduce(end: DeskEnd, peer: DeskEnd) -> bool:
    """What a direct route does before there is a link: `peer` judges the certificate that `end` shows."""
    setup = end.line.line.setup
    sealed = seal_introduction(setup.secret, setup.own_id, setup.peer_identity.id, setup.own_certificate, bytes(12))
    other = peer.line.line.setup
    certificate = open_introduction(other.secret, other.peer_identity, other.own_id, sealed)
    return peer.desk.introduce_peer(peer.line, certificate)


def call(end: DeskEnd, method: str, **params: Any) -> dict[str, Any]:
    return asyncio.run(Api(end.desk, live=True).call(method, params))


def say(end: DeskEnd, text: str, **more: Any) -> dict[str, Any]:
    setup = end.line.line.setup
    content = Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: text}).encode()
    nonce = chance.randbytes(16)
    challenge = assertion_challenge("release", LINE, setup.own_id, nonce, Body(content).digest)
    signed = sign_assertion(1, party(end.desk.facts.name).officers[0], challenge).to_value()
    return call(
        end, "compose", line=end.line.record.name, type=int(EntryType.NOTICE), content=content.hex(), nonce=nonce.hex(),
        assertions=encode([signed]).hex(), **more,
    )  # fmt: skip


def confirm(end: DeskEnd, side: str) -> None:
    (shown,) = (each for each in call(end, "line_facts", line=end.line.record.name)["incarnations"] if each["side"] == side)
    certificate = bytes.fromhex(shown["fingerprint_of_certificate"])
    content = Confirmation(bytes.fromhex(shown["id"]), shown["inc"], certificate).encode()
    nonce = chance.randbytes(16)
    challenge = assertion_challenge("incarnation", LINE, end.line.line.setup.own_id, nonce, Body(content).digest)
    keys = party(end.desk.facts.name).officers
    signed = [sign_assertion(number, key, challenge).to_value() for number, key in enumerate(keys, start=1)]
    call(
        end, "compose", line=end.line.record.name, type=int(EntryType.CONFIRM), content=content.hex(), nonce=nonce.hex(),
        assertions=encode(signed).hex(),
    )  # fmt: skip


def texts(end: DeskEnd) -> list[tuple[str, str]]:
    entries = call(end, "entries", line=end.line.record.name, direction="in")["entries"]
    return [(entry["id"], entry["text"].split(": ", 1)[1]) for entry in entries if entry["form"] == "free-text"]


def test_new_incarnation_is_let_in_by_its_introduction_and_both_begin_the_new_pair(pair: DeskPair) -> None:
    say(pair.a, "before")
    pair.advance(2)
    pair.cut()
    reincarnate(pair.a)
    assert introduce(pair.a, pair.b)
    pair.join()
    pair.advance(5)
    assert pair.b.line.line.setup.pair == Pair(1, 2)
    assert pair.a.line.line.phase is pair.b.line.line.phase is Phase.OPEN
    (alarm,) = pair.b.journal.alarms(LINE)
    assert (alarm.kind, alarm.rule) == ("incarnation", 28)
    say(pair.a, "after")
    pair.advance(2)
    assert texts(pair.b) == [("theirs:1", "before"), ("theirs:2", "after")]


def test_introduction_of_another_desk_or_of_an_older_certificate_changes_nothing(pair: DeskPair) -> None:
    setup = pair.b.line.line.setup
    foreign = seal_introduction(setup.secret, setup.peer_identity.id, setup.own_id, party("Seoul", 2).certificate, bytes(12))
    with pytest.raises(PeerError):
        open_introduction(setup.secret, setup.peer_identity, setup.own_id, foreign)
    assert pair.b.desk.introduce_peer(pair.b.line, setup.peer_certificate)
    assert pair.b.line.line.setup.pair == Pair(1, 1)
    pair.cut()
    reincarnate(pair.a)
    introduce(pair.a, pair.b)
    assert not pair.b.desk.introduce_peer(pair.b.line, party("Tokyo", 1).certificate)
    assert pair.b.line.line.setup.pair == Pair(1, 2)


@pytest.mark.slow
def test_nobody_speaks_to_an_unconfirmed_peer_by_accident_and_the_node_not_alone(pair: DeskPair) -> None:
    pair.cut()
    reincarnate(pair.a)
    introduce(pair.a, pair.b)
    pair.join()
    pair.advance(5)
    with pytest.raises(UsageError, match="nobody here has confirmed incarnation 2 of Tokyo"):
        say(pair.b, "unaware")
    say(pair.b, "aware", unconfirmed=True)
    pair.a.desk.tests.start(pair.a.line)
    pair.advance(5)
    assert pair.a.line.test is not None  # nobody answered it
    assert call(pair.b, "status")["lines"][0]["state"] == "degraded"
    confirm(pair.b, "theirs")
    confirm(pair.a, "ours")
    pair.a.desk.tests.start(pair.a.line)
    pair.advance(5)
    assert pair.a.line.last_test is not None
    assert pair.a.line.last_test.ok
    assert [line["state"] for end in (pair.a, pair.b) for line in call(end, "status")["lines"]] == ["up", "up"]
    assert ("theirs:1", "aware") in texts(pair.a)


@pytest.mark.slow
def test_entry_that_is_issued_again_stands_in_the_inbox_once_and_keeps_its_name_and_its_rungs(pair: DeskPair) -> None:
    pair.cut()
    outcome = say(pair.a, "kept", once="key")
    reincarnate(pair.a)
    introduce(pair.a, pair.b)
    pair.join()
    pair.advance(5)
    assert texts(pair.b) == [("theirs:1", "kept")]
    again = say(pair.a, "kept", once="key")
    assert (again["id"], again["rung"]) == (outcome["id"], "received")
    shown = call(pair.b, "entries", entry="theirs:1")["entries"][0]
    assert (shown["again"], shown["unconfirmed"], shown["released"]) == ("Tokyo/1/1", True, True)
    confirm(pair.b, "theirs")
    assert call(pair.b, "entries", entry="theirs:1")["entries"][0]["unconfirmed"] is False


@pytest.mark.slow
def test_late_entry_is_kept_apart_and_survives_a_restart(pair: DeskPair, tmp_path: Path) -> None:
    say(pair.a, "in time")
    pair.advance(2)
    pair.cut()
    pair.a.backup(tmp_path / "old.db")
    pair.join()
    pair.advance(3)
    link = pair.a.line.link
    assert link is not None
    kept: list[bytes] = []
    link.send = kept.extend  # type: ignore[method-assign,assignment]
    say(pair.a, "late")
    pair.a.desk.turn()
    pair.cut()
    pair.a.restart_from(tmp_path / "old.db")
    reincarnate(pair.a)
    introduce(pair.a, pair.b)
    pair.join()
    pair.advance(5)
    pair.b.desk.frames_received(pair.b.line, kept)
    pair.b.restart()
    assert [record.index for record in late_entries(pair.b.journal, LINE)] == [2]
    (shown,) = call(pair.b, "late", line=pair.b.line.record.name)["entries"]
    assert shown["text"].endswith("late")


@pytest.mark.slow
def test_home_that_is_behind_its_anchor_stops_before_the_first_word(tmp_path: Path) -> None:
    from watchline.desk.config import Config

    pair = DeskPair(tmp_path)
    pair.a.config = Config(anchor=str(tmp_path / "stick" / "anchor"))
    (tmp_path / "stick").mkdir()
    pair.a.restart()
    pair.join()
    pair.advance(3)
    pair.a.backup(tmp_path / "old.db")
    pair.join()
    say(pair.a, "after the backup")
    pair.advance(3)
    pair.cut()
    pair.a.restart_from(tmp_path / "old.db")
    assert pair.a.line.line.phase is Phase.STOPPED
    pair.a.desk.flush()
    assert [alarm.rule for alarm in pair.a.journal.alarms(LINE)] == [32]
    pair.close()
