"""`watch`, `escalation`, `fallback` and `bell` on the command line, with real keys, real nodes and a stub for a player."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.commands import Shell
from tests.cli.test_line import SOURCE, Node, free_port
from watchline.cli.session import OFFICER_VARIABLE
from watchline.desk.socket import call
from watchline.desk.tones import wav


@pytest.fixture
def tokyo(shell: Shell) -> Shell:
    """A home with two officers who may be on watch, and an auditor."""
    shell.make("tokyo")
    shell.at("tokyo", "officer", "add", "sato", "--role", "releaser")
    shell.at("tokyo", "officer", "add", "mori", "--role", "auditor")
    return shell


@pytest.fixture
def node(tokyo: Shell) -> Iterator[Node]:
    running = Node(tokyo.folder / "tokyo")
    yield running
    assert running.stop() == 0


def on_watch(shell: Shell) -> list[tuple[str, str]]:
    people = shell.at("tokyo", "watch", "who", "--json").document["people"]
    return [(person["name"], person["role"]) for person in people]


@pytest.mark.slow
def test_officers_sign_in_and_out_with_their_own_keys(tokyo: Shell) -> None:
    assert tokyo.at("tokyo", "watch", "on", "--as", "duty").code == 0
    done = tokyo.at("tokyo", "watch", "on", "--as", "sato", "--role", "supervisor", "--hours", "2", "--json")
    assert [person["role"] for person in done.document["people"]] == ["duty", "supervisor"]
    assert on_watch(tokyo) == [("duty", "duty"), ("sato", "supervisor")]

    assert tokyo.at("tokyo", "watch", "off", "duty", "--as", "sato").code == 0
    assert on_watch(tokyo) == [("sato", "supervisor")]
    assert tokyo.at("tokyo", "watch", "off", "--as", "sato").code == 0
    assert "Nobody is on watch" in tokyo.at("tokyo", "watch", "who").out


@pytest.mark.slow
def test_auditor_is_never_on_watch(tokyo: Shell) -> None:
    done = tokyo.at("tokyo", "watch", "on", "--as", "mori", "--json")
    assert done.code == 2
    assert "may not watch" in done.error["message"]


@pytest.mark.slow
def test_wrong_passphrase_signs_nobody_in(tokyo: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    (tokyo.folder / "wrong").write_text("a wrong one\n")
    monkeypatch.setenv(OFFICER_VARIABLE, str(tokyo.folder / "wrong"))
    assert tokyo.at("tokyo", "watch", "on", "--as", "duty", "--json").error["kind"] == "secret"
    assert on_watch(tokyo) == []


@pytest.mark.slow
def test_nobody_signs_out_whoever_is_not_on_watch(tokyo: Shell) -> None:
    assert tokyo.at("tokyo", "watch", "off", "sato", "--as", "duty", "--json").code == 2
    assert tokyo.at("tokyo", "watch", "off", "--as", "duty", "--json").code == 2


@pytest.mark.slow
def test_handover_is_signed_by_both_kept_and_listed_and_warns_of_untested_steps(tokyo: Shell) -> None:
    tokyo.at("tokyo", "watch", "on", "--as", "duty")
    done = tokyo.at("tokyo", "watch", "handover", "--as", "duty", "--to", "sato", "--json")

    assert done.code == 0
    handover = done.document["handover"]
    assert (handover["leaving"]["name"], handover["relief"]["name"]) == ("duty", "sato")
    assert "Nobody has tested: sound-again" in done.err
    assert on_watch(tokyo) == [("sato", "duty")]
    (listed,) = tokyo.at("tokyo", "watch", "handover", "--json").document["handovers"]
    assert {name: value for name, value in listed.items() if name != "signed"} == handover
    (last,) = tokyo.at("tokyo", "watch", "who", "--json").document["handovers"]
    assert last == listed
    assert "Handover from duty to sato" in tokyo.at("tokyo", "watch", "handover").out


@pytest.mark.slow
@pytest.mark.parametrize("words", [("--to", "sato"), ("--as", "duty"), ("--as", "duty", "--to", "duty"), ("--role", "x")])
def test_handover_says_who_and_to_whom(tokyo: Shell, words: tuple[str, ...]) -> None:
    tokyo.at("tokyo", "watch", "on", "--as", "duty")
    assert tokyo.at("tokyo", "watch", "handover", *words, "--json").code == 2
    assert on_watch(tokyo) == [("duty", "duty")]


# --- escalation


@pytest.mark.slow
def test_steps_are_shown_untested_until_a_node_has_taken_them(tokyo: Shell) -> None:
    home = tokyo.folder / "tokyo"
    ran = tokyo.folder / "ran"
    settings = (home / "watchline.toml").read_text()
    tables = (
        f'[[escalation]]\nname = "page"\nat = 0.3\ncommand = ["/bin/touch", "{ran}"]\n'
        '[[escalation]]\nname = "broken"\nat = 0.6\ncommand = ["/nowhere/page"]\n'
    )
    (home / "watchline.toml").write_text(settings + tables)
    shown = tokyo.at("tokyo", "escalation", "show", "--json").document
    assert [(step["name"], step["state"]) for step in shown["steps"]] == [("page", "untested"), ("broken", "untested")]
    assert tokyo.at("tokyo", "escalation", "test", "--json").code == 3

    node = Node(home)
    try:
        assert tokyo.at("tokyo", "escalation", "test", "page").code == 0
        assert ran.exists()
        tested = tokyo.at("tokyo", "escalation", "test", "--json")
        assert tested.code == 1
        assert [step["state"] for step in tested.document["steps"]] == ["tested", "failed"]
        assert "FAILED" in tokyo.at("tokyo", "escalation", "show").out
        assert tokyo.at("tokyo", "escalation", "test", "gone", "--json").code == 2
    finally:
        assert node.stop() == 0


@pytest.mark.slow
def test_home_with_a_wrong_step_does_not_open(tokyo: Shell) -> None:
    home = tokyo.folder / "tokyo"
    with (home / "watchline.toml").open("a") as file:
        file.write('[[escalation]]\nname = "page"\nat = 0.3\n')
    done = tokyo.at("tokyo", "escalation", "show", "--json")
    assert (done.code, done.error["facts"]["setting"]) == (2, "escalation")


# --- the fallback card


@pytest.mark.slow
def test_fallback_card_is_set_and_shown(shell: Shell) -> None:
    shell.pair(free_port(), free_port())
    assert "No card is set" in shell.at("tokyo", "fallback", "show", "beijing").out
    (shell.folder / "card.toml").write_text('[[telephone]]\nnumber = "+86 10"\nname = "Duty"\nlanguages = ["zh-Hans"]\n')
    done = shell.at("tokyo", "fallback", "set", "beijing", "--file", shell.folder / "card.toml", "--json")
    assert done.document["card"]["telephone"][0]["number"] == "+86 10"
    assert "+86 10  Duty (zh-Hans)" in shell.at("tokyo", "fallback", "show", "beijing").out
    assert shell.at("tokyo", "status", "beijing", "--json").document["lines"][0]["fallback"] is None
    assert shell.at("tokyo", "fallback", "show", "nobody", "--json").code == 2


# --- the bell


def player(folder: Path, code: str = "0") -> Path:
    """A player that keeps the last sound it was given and ends with what stands in its file `code`."""
    (folder / "code").write_text(code)
    path = folder / "player"
    path.write_text(
        f'#!/bin/sh\ncp "$1" "{folder}/played.new" && mv "{folder}/played.new" "{folder}/played"\nexit $(cat "{folder}/code")\n'
    )
    path.chmod(0o700)
    return path


@pytest.mark.slow
def test_bell_test_plays_three_tones(tokyo: Shell) -> None:
    done = tokyo.at("tokyo", "bell", "--test", "--player", player(tokyo.folder), "--json")
    assert (done.code, done.document["played"]) == (0, ["ROUTINE", "IMMEDIATE", "FLASH"])
    with wave.open(io.BytesIO((tokyo.folder / "played").read_bytes())) as played:
        assert played.getnframes() > 0


@pytest.mark.slow
def test_bell_whose_player_fails_says_sound_off_and_does_not_arm(tokyo: Shell, node: Node) -> None:
    broken = player(tokyo.folder, "1")
    done = tokyo.at("tokyo", "bell", "--test", "--player", broken)
    assert done.code == 1
    assert "SOUND OFF" in done.out
    done = tokyo.at("tokyo", "bell", "--player", broken)
    assert done.code == 1
    assert "SOUND OFF" in done.err
    assert tokyo.at("tokyo", "watch", "who", "--json").document["armed"] == 0
    assert tokyo.at("tokyo", "bell", "--player", "/nowhere/player", "--json").code == 2


@pytest.mark.slow
def test_bell_without_any_player_says_sound_off(tokyo: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tokyo.folder))
    assert "SOUND OFF" in tokyo.at("tokyo", "bell").err


@contextmanager
def ringing(home: Path, program: Path) -> Iterator[subprocess.Popen[str]]:
    """A `watchline bell` of its own, since it said that it is armed."""
    command = [sys.executable, "-m", "watchline", "--home", str(home), "bell", "--player", str(program)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        assert process.stdout.readline().startswith("The bell is armed")
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        process.stdout.close()
        process.stderr.close()


def armed_is(home: Path, count: int) -> bool:
    """Whether so many consoles come to be armed within some time; the bell is another process."""
    for _ in range(400):
        if call(home / "node.sock", "watch_who", {})["armed"] == count:
            return True
        select.select([], [], [], 0.05)
    return False


def has_sounded(home: Path) -> bool:
    """Whether an armed console comes to sound for the one notice that waits, within some time."""
    for _ in range(400):
        (alarm,) = call(home / "node.sock", "alarms", {})["alarms"]
        if alarm["sounded"]:
            return True
        select.select([], [], [], 0.05)
    return False


@pytest.mark.slow
def test_bell_is_armed_while_it_runs_and_silent_once_it_ends(tokyo: Shell, node: Node) -> None:
    home = tokyo.folder / "tokyo"
    with ringing(home, player(tokyo.folder)):
        assert armed_is(home, 1)
    assert armed_is(home, 0)


@pytest.mark.slow
def test_bell_sounds_for_a_notice_and_its_author_sees_it_rung(shell: Shell) -> None:
    shell.pair(free_port(), free_port())
    nodes = [Node(shell.folder / name) for name in ("tokyo", "beijing")]
    try:
        with ringing(shell.folder / "beijing", player(shell.folder)) as bell:
            fields = ["object=balloon", "seen=2023-02-15T01:00:00Z", "ours=asking"]
            wait = ("--wait", "received", "--timeout", "60")
            sent = shell.at("tokyo", "send", "beijing", "airspace-object", *fields, "--precedence", "FLASH", *wait, "--json")
            assert sent.code == 0
            assert bell.stderr is not None
            assert bell.stderr.readline().startswith("FLASH tokyo theirs:")
            assert has_sounded(shell.folder / "beijing")
            assert (shell.folder / "played").read_bytes() == wav("FLASH")
    finally:
        for node in nodes:
            assert node.stop() == 0
