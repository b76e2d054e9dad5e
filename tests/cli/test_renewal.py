from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Done, Shell


def renew(shell: Shell, home: str, *words: str | Path) -> Done:
    line = {"tokyo": "beijing", "beijing": "tokyo"}[home]
    return shell.at(home, "renew", line, *words, "--json")


def carried(shell: Shell, label: str = "r") -> tuple[dict[str, Any], dict[str, Any]]:
    """A whole renewal; what the last step said at each desk."""
    assert renew(shell, "tokyo", "--out", f"{label}1").code == 0
    assert renew(shell, "beijing", f"{label}1", "--out", f"{label}2").code == 0
    made = renew(shell, "tokyo", f"{label}2", "--out", f"{label}3")
    taken = renew(shell, "beijing", f"{label}3")
    assert (made.code, taken.code) == (0, 0), (made.out, taken.out)
    return made.document, taken.document


def state(shell: Shell, home: str) -> str:
    found = renew(shell, home).document["state"]
    assert isinstance(found, str)
    return found


@pytest.mark.slow
def test_two_desks_renew_by_three_files_and_have_the_same_digits(shell: Shell) -> None:
    shell.pair()
    before = shell.at("tokyo", "lines", "--json").document

    made, taken = carried(shell)

    assert made["digits"] == taken["digits"]
    assert [len(group) for group in made["digits"].split(" ")] == [5] * 12
    assert (made["renewal"], made["step"], made["file"]) == (1, 3, "r3")
    assert (taken["renewal"], taken["step"], "file" in taken) == (1, 3, False)
    assert shell.at("tokyo", "lines", "--json").document == before


@pytest.mark.slow
def test_each_desk_says_how_far_the_renewal_is(shell: Shell) -> None:
    shell.pair()
    assert (state(shell, "tokyo"), state(shell, "beijing")) == ("none", "none")
    renew(shell, "tokyo", "--out", "1a")
    renew(shell, "beijing", "1a", "--out", "2a")
    assert (state(shell, "tokyo"), state(shell, "beijing")) == ("asked", "answered")
    renew(shell, "tokyo", "2a", "--out", "3a")
    assert (state(shell, "tokyo"), state(shell, "beijing")) == ("offered", "answered")
    renew(shell, "beijing", "3a")
    assert (state(shell, "tokyo"), state(shell, "beijing")) == ("offered", "changing")
    assert "0; both desks have the new secret" in shell.at("beijing", "renew", "tokyo").out


@pytest.mark.slow
def test_people_are_told_what_to_do_next(shell: Shell) -> None:
    shell.pair()
    assert "watchline renew beijing FILE2 --out FILE3" in shell.at("tokyo", "renew", "beijing", "--out", "1a").out
    assert "watchline renew tokyo FILE3" in shell.at("beijing", "renew", "tokyo", "1a", "--out", "2a").out
    made = shell.at("tokyo", "renew", "beijing", "2a", "--out", "3a").out
    assert "by voice" in made
    assert "keys spare" in made
    assert "changes by itself" in shell.at("beijing", "renew", "tokyo", "3a").out


@pytest.mark.slow
def test_file_2_given_again_gives_the_same_file_3(shell: Shell) -> None:
    shell.pair()
    renew(shell, "tokyo", "--out", "1a")
    renew(shell, "beijing", "1a", "--out", "2a")
    renew(shell, "tokyo", "2a", "--out", "3a")

    assert renew(shell, "tokyo", "2a", "--out", "3b").code == 0
    assert renew(shell, "tokyo", "--again", "--out", "3c").code == 0
    assert Path("3a").read_bytes() == Path("3b").read_bytes() == Path("3c").read_bytes()


@pytest.mark.slow
def test_file_3_cannot_be_written_again_where_there_is_none(shell: Shell) -> None:
    shell.pair()
    assert renew(shell, "tokyo", "--again", "--out", "3a").code == 2
    assert renew(shell, "tokyo", "--again").code == 2


@pytest.mark.slow
def test_file_3_that_was_lost_is_replaced_by_another_renewal(shell: Shell) -> None:
    shell.pair()
    renew(shell, "tokyo", "--out", "1a")
    renew(shell, "beijing", "1a", "--out", "2a")
    renew(shell, "tokyo", "2a", "--out", "3a")

    carried(shell, "other")

    refused = renew(shell, "beijing", "3a")
    assert refused.code == 4
    assert refused.error["facts"]["rule"] == 5


@pytest.mark.slow
def test_where_both_desks_began_one_of_the_two_goes_on(shell: Shell) -> None:
    shell.pair()
    renew(shell, "tokyo", "--out", "t1")
    renew(shell, "beijing", "--out", "b1")

    answers = renew(shell, "beijing", "t1", "--out", "b2"), renew(shell, "tokyo", "b1", "--out", "t2")

    assert sorted(done.code for done in answers) == [0, 2]
    home, given = ("tokyo", "b2") if answers[0].code == 0 else ("beijing", "t2")
    other = "beijing" if home == "tokyo" else "tokyo"
    assert renew(shell, home, given, "--out", "f3").code == 0
    assert renew(shell, other, "f3").code == 0


@pytest.mark.slow
def test_no_renewal_begins_before_the_last_one_is_through(shell: Shell) -> None:
    shell.pair()
    carried(shell)

    refused = renew(shell, "beijing", "--out", "n1")

    assert refused.code == 2
    assert "not through" in refused.error["message"]
    assert not Path("n1").exists()


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"hello", b"watchline pairing 1\n", b"watchline renewal 1\n\x83\x00\x00\x00"])
def test_file_that_is_no_renewal_file_is_refused(shell: Shell, content: bytes) -> None:
    shell.pair()
    Path("F").write_bytes(content)

    refused = renew(shell, "tokyo", "F", "--out", "out")

    assert refused.code == 4
    assert refused.error["facts"]["rule"] == 5
    assert not Path("out").exists()


def test_renewal_wants_a_confirmed_line_and_a_name_for_its_file(shell: Shell) -> None:
    shell.make("tokyo", "beijing")
    shell.at("tokyo", "invite", "--address", "127.0.0.1:7411", "--out", "1")
    shell.at("beijing", "accept", "1", "--dial-only", "--out", "2")
    shell.at("tokyo", "complete", "2", "--out", "3")
    assert "not confirmed" in renew(shell, "tokyo", "--out", "1a").error["message"]
    assert shell.at("tokyo", "renew", "nowhere", "--out", "1a", "--json").code == 2


@pytest.mark.slow
def test_file_1_and_file_2_want_a_name_for_what_comes_of_them(shell: Shell) -> None:
    shell.pair()
    renew(shell, "tokyo", "--out", "1a")
    assert renew(shell, "beijing", "1a").code == 2
    assert state(shell, "beijing") == "none"


@pytest.mark.slow
def test_renewal_wants_the_identity_s_medium_at_every_step(shell: Shell) -> None:
    shell.pair()
    renew(shell, "tokyo", "--out", "1a")
    renew(shell, "beijing", "1a", "--out", "2a")
    renew(shell, "tokyo", "2a", "--out", "3a")
    medium = shell.folder / "beijing" / "identity"
    medium.rename(shell.folder / "away")

    refused = renew(shell, "beijing", "3a")

    assert refused.code != 0
    assert state(shell, "beijing") == "answered"
    assert renew(shell, "beijing", "3a", "--identity-dir", shell.folder / "away").code == 0


@pytest.mark.slow
def test_relay_is_to_permit_the_boxes_of_both_secrets_until_the_line_has_changed(shell: Shell) -> None:
    shell.pair()
    before = shell.at("tokyo", "route", "relay", "--json").document["lines"]
    carried(shell)
    ours, theirs = (shell.at(home, "route", "relay", "--json").document["lines"] for home in ("tokyo", "beijing"))

    assert len(before) == 1
    assert before[0] in ours
    assert len(ours) == len(theirs) == 2
    assert {(each["sends"], each["takes"]) for each in ours} == {(each["takes"], each["sends"]) for each in theirs}
