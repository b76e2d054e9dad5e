from __future__ import annotations

from tests.cli.commands import Shell


def test_silence_needs_a_node(shell: Shell) -> None:
    shell.pair()

    done = shell.at("tokyo", "silence", "beijing", "ours:1", "--json")

    assert done.code == 3
    assert done.error["kind"] == "unreachable"


def test_export_of_a_silence_that_there_is_not_is_refused(shell: Shell) -> None:
    shell.pair()

    done = shell.at("tokyo", "export", "beijing", "--silence", "ours:1", "--out", "evidence", "--json")

    assert done.code == 2
    assert "no entry" in done.error["message"]


def test_silence_shows_an_example(shell: Shell) -> None:
    assert "watchline --home tokyo silence beijing ours:1" in shell("silence", "--help").out
