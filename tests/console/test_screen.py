"""What the screen shows: the reader's language with the author's beside it, every text as text, and what has to sound."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from tests.console.browsers import PASSPHRASE, Room, balloon
from watchline.catalogue import load_catalogue
from watchline.console.screen import Words, lamps, ordered, stamp
from watchline.core.entries import Precedence

HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(1)> &amp; {{ 7 * 7 }} \'"` ' + "長い" * 500


def snapshot(room: Room) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(asyncio.run(room.console.screen.snapshot()))
    return shown


@pytest.mark.slow
def test_hostile_text_is_shown_as_text(room: Room) -> None:
    room.peer_says("statement", {1: "duty officer", 2: HOSTILE, 3: "en"}, Precedence.ROUTINE)
    received = snapshot(room)["parts"]["received"]

    assert "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;" in received
    assert "{{ 7 * 7 }}" in received
    assert re.search(r"<(script|img)", received) is None


def test_text_that_turns_the_reading_order_is_shown_with_what_turns_it_made_visible(room: Room) -> None:
    room.peer_says("free-text", {1: "pay \u202eeht\u202c desk"}, Precedence.ROUTINE)
    received = snapshot(room)["parts"]["received"]

    assert "\\u202e" in received
    assert "\u202e" not in received


def test_notice_is_in_the_readers_language_with_the_authors_beside_it(room: Room) -> None:
    room.peer_says("airspace-object", balloon(room), Precedence.FLASH, exercise=True)
    shown = snapshot(room)
    received = shown["parts"]["received"]

    assert 'lang="en"' in received
    assert re.search(r'<small lang="ja">空域内の物体</small>', received)
    assert '<div class="reading" lang="ja">' in received
    assert 'data-exercise="True"' in received
    assert "FLASH: Object in airspace" in shown["parts"]["flash"]
    (flash,) = [sound for sound in shown["sounds"] if sound["precedence"] == 3]
    assert (flash["line"], flash["repeat"]) == ("beijing", True)
    assert re.search(r'data-ends="\d+" data-kind="acknowledge"', received)


def test_decline_stands_among_what_was_sent_with_its_reason(room: Room) -> None:
    room.peer_says("airspace-object", balloon(room), Precedence.IMMEDIATE)
    (line,) = asyncio.run(room.api.call("screen", {}))["lines"]
    asked = next(entry["id"] for entry in line["theirs"] if entry["clocks"])
    asyncio.run(room.console.signing.decline("beijing", asked, "duty", PASSPHRASE, "not ours <b>"))

    assert "not ours &lt;b&gt;" in snapshot(room)["parts"]["sent"]
    room.pair.advance(2)


def test_reminders_of_the_talks_are_counted_quietly(room: Room) -> None:
    async def ask(method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "talks_due":
            return {"reminders": [{}] * 3}
        return await room.api.call(method, params)

    room.console._call = ask
    shown = snapshot(room)
    assert re.sub("<[^>]*>", "", shown["parts"]["talks-due"]).strip() == "3 due"
    assert not any("talks" in sound for sound in shown["sounds"])


def test_snapshot_of_an_unchanged_desk_is_the_same(room: Room) -> None:
    first = snapshot(room)
    room.pair.advance(1.3)
    second = snapshot(room)
    assert {part: second["parts"][part] for part in ("received", "sent", "flash")} == {
        part: first["parts"][part] for part in ("received", "sent", "flash")
    }


def test_lamps_of_the_desk_are_shown_as_the_desk_says(room: Room) -> None:
    async def ask(method: str, params: dict[str, Any]) -> dict[str, Any]:
        answer = await room.api.call(method, params)
        if method == "screen":
            told = {"colour": "amber", "word": "slow <b>", "text": "for 3 minutes"}
            answer["lines"][0]["lamps"] = dict.fromkeys(("line", "machine", "human", "test"), told)
        return answer

    room.console._call = ask
    lines = snapshot(room)["parts"]["lines"]
    assert lines.count('data-colour="amber"') == 4
    assert "slow &lt;b&gt;" in lines
    assert "for 3 minutes" in lines


@pytest.mark.parametrize(
    ("state", "line", "machine", "human"),
    [
        ("up", "green", "green", "grey"),
        ("degraded", "green", "amber", "grey"),
        ("line_down", "red", "grey", "grey"),
        ("terminal_down", "green", "red", "grey"),
        ("unmanned", "green", "grey", "red"),
        ("stopped", "red", "grey", "grey"),
        ("pairing", "grey", "grey", "grey"),
        ("a state of next year", "green", "grey", "grey"),
    ],
)
def test_lamps_follow_from_the_state_where_the_desk_says_no_more(state: str, line: str, machine: str, human: str) -> None:
    found = lamps({"state": state, "last_test": None}, Words("en"))
    assert {name: lamp["colour"] for name, lamp in found.items()} == {
        "line": line, "machine": machine, "human": human, "test": "grey",
    }  # fmt: skip


def test_what_waits_comes_first_by_precedence_and_then_by_age() -> None:
    def entry(name: str, precedence: str | None, time: str, waits: bool) -> dict[str, Any]:
        return {"id": name, "precedence": precedence, "time": time, "clocks": [{}] if waits else []}

    mixed = [
        entry("old, done", "FLASH", "1", False), entry("new, done", None, "9", False), entry("late flash", "FLASH", "8", True),
        entry("routine", "ROUTINE", "2", True), entry("early flash", "FLASH", "7", True),
    ]  # fmt: skip
    assert [each["id"] for each in ordered([mixed])] == ["early flash", "late flash", "routine", "new, done", "old, done"]


def test_time_is_utc_first_and_then_the_desks_own() -> None:
    assert stamp("2023-02-15T01:00:00Z", "Asia/Tokyo")[1:] == ("2023-02-15", "01:00:00Z", "10:00:00", "Asia/Tokyo")
    assert stamp("2023-02-15T01:00:00Z", "UTC")[1:] == ("2023-02-15", "01:00:00Z", "", "")


@pytest.mark.parametrize("language", ["en", "ja", "zh-Hans"])
def test_page_is_in_the_desks_language(language: str) -> None:
    assert Words(language).language == language
    assert Words(language)("sound_off") == load_catalogue().word("console", "sound_off", language).text
    assert Words(language)("a word of next year") == "a word of next year"
