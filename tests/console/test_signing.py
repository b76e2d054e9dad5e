"""An officer signs at the console: with their own key, by their own passphrase, and the other desk has it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.console.browsers import PASSPHRASE, Browser, Room, balloon
from watchline.console.signing import WRONG_MAX, WRONG_SECONDS
from watchline.core.entries import Precedence
from watchline.desk.api import Api

WRONG = "not the passphrase of anybody"


@pytest.fixture
def question(room: Room) -> dict[str, Any]:
    """What acknowledges a new notice of Beijing's that expects an answer."""
    room.peer_says("airspace-object", balloon(room), Precedence.IMMEDIATE)
    said = [entry["id"] for entry in peer_entries(room) if entry["form"] == "airspace-object"]
    return {"line": "beijing", "id": said[-1].replace("ours", "theirs"), "officer": "duty", "passphrase": PASSPHRASE}


def peer_entries(room: Room) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = asyncio.run(Api(room.pair.b.desk, live=True).call("entries", {}))["entries"]
    return entries


def rungs_at_the_peer(room: Room, identifier: str) -> dict[str, str]:
    room.pair.advance(1)
    ours = identifier.replace("theirs", "ours")
    (entry,) = [entry for entry in peer_entries(room) if entry["id"] == ours]
    rungs: dict[str, str] = entry["rungs"]
    return rungs


def test_officer_acknowledges_and_the_peer_has_it(room: Room, browser: Browser, question: dict[str, Any]) -> None:
    answer = browser.post("/acknowledge", question)
    assert answer.status_code == 200
    assert "acknowledged" in rungs_at_the_peer(room, question["id"])
    assert browser.post("/acknowledge", question).json()["id"] == answer.json()["id"]


def test_officer_holds_with_a_promised_time(room: Room, browser: Browser, question: dict[str, Any]) -> None:
    assert browser.post("/hold", {**question, "minutes": 30, "reason": "asking the ministry"}).status_code == 200
    rungs = rungs_at_the_peer(room, question["id"])
    assert "acknowledged" in rungs
    assert "answered" not in rungs


def test_officer_declines(room: Room, browser: Browser, question: dict[str, Any]) -> None:
    assert browser.post("/decline", {**question, "reason": ""}).status_code == 200
    assert "declined" in rungs_at_the_peer(room, question["id"])


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [0, -1, 10**9, "30", 1.5, None, True])
def test_promise_that_is_no_number_of_minutes_is_refused(
    room: Room, browser: Browser, question: dict[str, Any], minutes: object
) -> None:
    assert browser.post("/hold", {**question, "minutes": minutes}).status_code == 400
    assert "acknowledged" not in rungs_at_the_peer(room, question["id"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [{"officer": "nobody"}, {"officer": "../duty"}, {"officer": ""}, {"line": "osaka"}, {"id": "ours:1"}, {"id": "theirs:999"}],
)
def test_signature_for_what_is_not_there_is_refused(
    room: Room, browser: Browser, question: dict[str, Any], change: dict[str, Any]
) -> None:
    assert browser.post("/acknowledge", {**question, **change}).status_code == 400
    assert "acknowledged" not in rungs_at_the_peer(room, question["id"])


@pytest.mark.slow
def test_passphrase_stands_in_no_log_and_in_no_answer(room: Room, browser: Browser, question: dict[str, Any]) -> None:
    with capture_logs() as logs:
        answers = [browser.post("/acknowledge", {**question, "passphrase": WRONG}), browser.post("/acknowledge", question)]
        answers.append(browser.post("/acknowledge", {**question, "line": "osaka"}))
    assert [answer.status_code for answer in answers] == [400, 200, 400]
    said = repr(logs) + "".join(answer.text for answer in answers)
    assert WRONG not in said
    assert PASSPHRASE not in said


@pytest.mark.slow
def test_passphrases_cannot_be_tried_without_end(room: Room, browser: Browser, question: dict[str, Any]) -> None:
    for _ in range(WRONG_MAX):
        browser.post("/acknowledge", {**question, "passphrase": WRONG})
    refused = browser.post("/acknowledge", question)
    assert "too many" in refused.json()["error"]["message"]
    assert "acknowledged" not in rungs_at_the_peer(room, question["id"])
    room.pair.advance(WRONG_SECONDS)
    assert browser.post("/acknowledge", question).status_code == 200


def test_console_that_is_not_connected_or_not_armed_has_sounded_nothing(room: Room, browser: Browser) -> None:
    sounded = {"notices": [{"line": "beijing", "index": 0}]}
    assert browser.post("/sounded", {"console": "nobody", **sounded}).status_code == 400
    stream = room.console.live.open("another session")
    assert browser.post("/armed", {"console": stream.name, "armed": True}).status_code == 400
    assert not room.console.live.is_armed(stream)
    room.console.live.arm(stream, True)
    assert browser.post("/sounded", {"console": stream.name, **sounded}).status_code == 400


def test_what_sounded_is_told_to_the_desk_once_the_console_is_armed(room: Room, browser: Browser) -> None:
    told: list[tuple[str, dict[str, Any]]] = []

    def hears(name: str) -> Any:
        async def hear(console: str, line: str | None = None, id: str | None = None) -> dict[str, Any]:  # noqa: A002
            told.append((name, {"console": console} | ({} if line is None else {"line": line, "id": id})))
            return {}

        return hear

    room.api.offer({name: hears(name) for name in ("console_arm", "console_disarm", "console_sounded")})
    cookie = browser.cookies["watchline-8787"]
    session = room.console.sessions.find(cookie)
    assert session is not None
    stream = room.console.live.open(session.name)
    sounded = {"console": stream.name, "notices": [{"line": "beijing", "id": "theirs:4"}]}

    assert browser.post("/sounded", sounded).status_code == 400
    assert browser.post("/armed", {"console": stream.name, "armed": True}).status_code == 200
    assert browser.post("/sounded", sounded).status_code == 200
    assert browser.post("/sounded", {**sounded, "notices": [{"line": "beijing"}]}).status_code == 400
    assert browser.post("/armed", {"console": stream.name, "armed": False}).status_code == 200
    assert browser.post("/sounded", sounded).status_code == 400
    assert told == [
        ("console_arm", {"console": stream.name}),
        ("console_sounded", {"console": stream.name, "line": "beijing", "id": "theirs:4"}),
        ("console_disarm", {"console": stream.name}),
    ]
