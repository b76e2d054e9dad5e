"""`terms` at a prompt, on a home whose node does not run: what it shows, and what it refuses before anybody signs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Shell

SIGNED = ("--as", "duty", "--as", "sato")


def refusal(shell: Shell, *words: str) -> dict[str, Any]:
    done = shell.at("tokyo", "terms", *words, "--json")
    assert done.code in (2, 3), done
    return done.error


def test_new_line_shows_version_1_and_no_proposal(paired: Shell) -> None:
    shown = paired.at("tokyo", "terms", "show", "beijing", "--json").document
    assert (shown["line"], shown["peer"], shown["entries"]) == ("beijing", "Beijing", [])
    in_force = shown["in_force"]
    assert (in_force["version"], in_force["since"]["entries"]) == (1, [])
    assert in_force["clocks"]["FLASH"] == {"acknowledge_seconds": 600, "answer_seconds": 3600}
    assert in_force["digest"] == paired.at("beijing", "terms", "show", "tokyo", "--json").document["in_force"]["digest"]


def test_terms_are_readable_and_name_what_a_proposal_may_set(paired: Shell) -> None:
    out = paired.at("tokyo", "terms", "show", "beijing").out
    assert "Terms of beijing: version 1, in force since" in out
    for setting in ("clocks.FLASH.acknowledge_seconds", "release_people.FLASH", "status_interval_seconds", "body_days"):
        assert setting in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (["body_days"], "KEY=VALUE"),
        (["body days=3"], "KEY=VALUE"),
        (["colour=red"], "colour"),
        (["body_days=soon"], "body_days: a whole number is wanted"),
        (["body_days=0"], "body days"),
        (["clocks.FLASH.answer_seconds=-1"], "clocks.FLASH.answer_seconds must be whole seconds from 1, or one of none"),
        (["clocks.URGENT.answer_seconds=5"], "URGENT"),
        (["forms.balloon.answer_seconds=5"], "balloon"),
        (["release_people.FLASH=two"], "release_people.FLASH must be a whole number from 1 to 16"),
        (["release_people.FLASH=17"], "release_people.FLASH must be a whole number from 1 to 16"),
        (["show_third_parties=perhaps"], "true or false"),
        (["body_days=5", "body_days=6"], "do not go together"),
        (["body_days=90"], "changes nothing"),
        (["version=7"], "version"),
        (["status_interval_seconds=7200"], "status_interval_seconds at most 3600"),
        (["clocks.FLASH.acknowledge_seconds=none"], "clocks.FLASH.acknowledge_seconds at most 86400"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_setting_that_cannot_be_is_refused_by_its_name_before_anybody_signs(
    paired: Shell, settings: list[str], named: str
) -> None:
    words = [word for setting in settings for word in ("--set", setting)]
    error = refusal(paired, "propose", "beijing", *words, *SIGNED)
    assert named in error["message"] + error["hint"]


def test_file_of_changes_is_read_as_for_an_invitation(paired: Shell) -> None:
    Path("changes.toml").write_text('[forms.airspace-object]\nanswer_seconds = "soon"\n')
    error = refusal(paired, "propose", "beijing", "--file", "changes.toml", *SIGNED)
    assert "changes.toml: forms: forms.airspace-object.answer_seconds must be whole seconds" in error["message"]


def test_proposal_of_nothing_is_refused(paired: Shell) -> None:
    assert "what is to change" in refusal(paired, "propose", "beijing", *SIGNED)["message"]


def test_one_person_alone_proposes_nothing(paired: Shell) -> None:
    for signed in (["--as", "duty"], ["--as", "duty", "--as", "duty"]):
        assert "two people" in refusal(paired, "propose", "beijing", "--set", "body_days=7", *signed)["message"]


def test_nothing_is_signed_without_a_node(paired: Shell) -> None:
    assert "node" in refusal(paired, "propose", "beijing", "--set", "body_days=7", *SIGNED)["message"]


def test_nothing_to_accept_is_said(paired: Shell) -> None:
    assert "nothing on beijing waits" in refusal(paired, "accept", "beijing", *SIGNED)["message"]
    assert "as theirs:@4" in refusal(paired, "accept", "beijing", "theirs:@4", *SIGNED)["message"]
