from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.commands import Shell
from tests.desk.open_homes import unlocked
from watchline.desk.medium import kept_desk


@pytest.mark.slow
def test_officer_is_added_with_the_next_number(shell: Shell) -> None:
    shell.make("tokyo")

    done = shell.at("tokyo", "officer", "add", "sato", "--role", "releaser", "--json")

    assert [(each["number"], each["name"], each["role"]) for each in done.document["officers"]] == [
        (1, "duty", "duty"),
        (2, "sato", "releaser"),
    ]
    assert (shell.folder / "tokyo" / "officers" / "sato.key").exists()


@pytest.mark.slow
def test_revoked_officer_stays_listed_and_is_no_longer_valid(shell: Shell) -> None:
    shell.make("tokyo")
    shell.at("tokyo", "officer", "add", "sato")

    done = shell.at("tokyo", "officer", "revoke", "sato", "--json")

    assert [(each["name"], each["valid"]) for each in done.document["officers"]][1] == ("sato", False)
    assert not (shell.folder / "tokyo" / "officers" / "sato.key").exists()
    assert shell.at("tokyo", "officer", "revoke", "sato", "--json").code == 2


@pytest.mark.slow
def test_number_of_a_revoked_officer_is_never_given_again(shell: Shell) -> None:
    shell.make("tokyo")
    shell.at("tokyo", "officer", "add", "sato")
    shell.at("tokyo", "officer", "revoke", "sato")

    done = shell.at("tokyo", "officer", "add", "suzuki", "--json")

    assert [each["number"] for each in done.document["officers"]] == [1, 2, 3]


def test_last_officer_who_may_release_cannot_be_revoked(shell: Shell) -> None:
    shell.make("tokyo")

    done = shell.at("tokyo", "officer", "revoke", "duty", "--json")

    assert (done.code, done.error["kind"]) == (2, "usage")
    assert (shell.folder / "tokyo" / "officers" / "duty.key").exists()


@pytest.mark.slow
@pytest.mark.parametrize("words", [["add", "duty"], ["add", "a/b"], ["add", "sato", "--role", "king"], ["revoke", "nobody"]])
def test_officer_that_cannot_be_is_refused(shell: Shell, words: list[str]) -> None:
    shell.make("tokyo")

    assert shell.at("tokyo", "officer", *words, "--json").code == 2
    assert [path.name for path in (shell.folder / "tokyo" / "officers").iterdir()] == ["duty.key"]


def test_wrong_identity_passphrase_adds_nobody(shell: Shell) -> None:
    shell.make("tokyo")
    Path("identity.passphrase").write_text("wrong")

    assert shell.at("tokyo", "officer", "add", "sato", "--json").error["kind"] == "secret"
    assert len(shell.at("tokyo", "officer", "list", "--json").document["officers"]) == 1


@pytest.mark.slow
def test_officers_change_only_while_peers_can_be_told(shell: Shell) -> None:
    shell.pair()

    done = shell.at("tokyo", "officer", "add", "sato", "--json")

    assert (done.code, done.error["kind"]) == (3, "unreachable")
    assert not (shell.folder / "tokyo" / "officers" / "sato.key").exists()


@pytest.mark.slow
def test_officer_whose_key_is_lost_gets_a_new_one_only_after_the_old_is_revoked(shell: Shell) -> None:
    shell.make("tokyo")
    shell.at("tokyo", "officer", "add", "sato")
    (shell.folder / "tokyo" / "officers" / "sato.key").unlink()

    refused = shell.at("tokyo", "officer", "add", "sato", "--json")
    assert (refused.code, "in force already" in refused.error["message"]) == (2, True)
    assert shell.at("tokyo", "officer", "revoke", "sato").code == 0
    listed = shell.at("tokyo", "officer", "add", "sato", "--json").document["officers"]

    assert [(each["number"], each["name"], each["valid"]) for each in listed][1:] == [(2, "sato", False), (3, "sato", True)]


@pytest.mark.slow
def test_medium_keeps_the_roster_as_it_is_after_each_change(shell: Shell) -> None:
    shell.make("tokyo")
    for words in (["add", "sato"], ["revoke", "sato"]):
        roster = shell.at("tokyo", "officer", *words, "--json").document
        medium = unlocked(shell.folder / "tokyo" / "identity")
        kept = kept_desk(medium.folder, medium.medium)
        assert kept is not None
        assert kept.roster.version == roster["version"]
