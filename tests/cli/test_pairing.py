from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.commands import Shell
from tests.desk.sample_homes import OFFICER


@pytest.mark.slow
def test_two_desks_pair_by_three_files_and_sixty_digits(shell: Shell) -> None:
    shell.pair()

    for home, line in (("tokyo", "beijing"), ("beijing", "tokyo")):
        (row,) = shell.at(home, "lines", "--json").document["lines"]
        assert row["name"] == line
        assert "digits" not in row
        assert shell.at(home, "route", "list", "--json").document["routes"]


def test_lines_show_the_digits_until_they_are_compared(shell: Shell) -> None:
    shell.make("tokyo", "beijing")
    shell.at("tokyo", "invite", "--address", "127.0.0.1:7411", "--out", "1")
    shell.at("beijing", "accept", "1", "--dial-only", "--out", "2")
    digits = shell.at("tokyo", "complete", "2", "--out", "3", "--json").document["digits"]

    (row,) = shell.at("tokyo", "lines", "--json").document["lines"]
    assert (row["state"], row["digits"]) == ("pairing", digits)
    assert digits in shell.at("tokyo", "lines").out
    assert [len(group) for group in digits.split(" ")] == [5] * 12


@pytest.mark.slow
def test_wrong_digits_say_how_many_entries_are_left_and_the_third_ends_it(shell: Shell) -> None:
    shell.make("tokyo", "beijing")
    shell.at("tokyo", "invite", "--address", "127.0.0.1:7411", "--out", "1")
    shell.at("beijing", "accept", "1", "--dial-only", "--out", "2")
    shell.at("tokyo", "complete", "2", "--out", "3")

    left = [
        shell.at("tokyo", "confirm", "beijing", "--digits", "0" * 60, "--json").error["facts"]["entries_left"] for _ in range(3)
    ]

    assert left == [2, 1, 0]
    assert shell.at("tokyo", "lines", "--json").document == {"lines": []}


def test_digits_that_differ_end_the_pairing(shell: Shell) -> None:
    shell.make("tokyo", "beijing")
    shell.at("tokyo", "invite", "--address", "127.0.0.1:7411", "--out", "1")
    shell.at("beijing", "accept", "1", "--dial-only", "--out", "2")
    shell.at("tokyo", "complete", "2", "--out", "3")

    assert shell.at("tokyo", "confirm", "beijing", "--differs", "--json").document["state"] == "ended"
    assert shell.at("tokyo", "lines", "--json").document == {"lines": []}


@pytest.mark.parametrize("words", [[], ["--digits", "1", "--differs"]])
def test_confirm_wants_digits_or_differs(shell: Shell, words: list[str]) -> None:
    shell.make("tokyo")

    assert shell.at("tokyo", "confirm", "beijing", *words, "--json").code == 2


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"hello", b"watchline pairing 1\n", b"watchline pairing 1\n\x83\x00\x00\x00"])
@pytest.mark.parametrize("command", [["accept", "F", "--dial-only", "--out", "out"], ["complete", "F", "--out", "out"]])
def test_file_that_is_no_pairing_file_is_refused(shell: Shell, content: bytes, command: list[str]) -> None:
    shell.make("tokyo")
    Path("F").write_bytes(content)

    done = shell.at("tokyo", *command, "--json")

    assert done.code == 4
    assert done.error["facts"]["rule"] in (5, 39)
    assert not Path("out").exists()


def test_own_invitation_is_refused(shell: Shell) -> None:
    shell.make("tokyo")
    shell.at("tokyo", "invite", "--address", "127.0.0.1:7411", "--out", "1")

    done = shell.at("tokyo", "accept", "1", "--dial-only", "--out", "2", "--json")

    assert (done.code, done.error["kind"]) == (4, "wrong-party")


def test_file_that_is_not_there_is_refused(shell: Shell) -> None:
    shell.make("tokyo")

    assert shell.at("tokyo", "accept", "gone", "--dial-only", "--out", "2", "--json").error["kind"] == "usage"


@pytest.mark.parametrize("address", ["desk", "desk:0", "desk:99999", "::1:7400", "0.0.0.0:7400", "[::]:7400", "a b:1"])
def test_address_that_nobody_can_dial_is_refused(shell: Shell, address: str) -> None:
    shell.make("tokyo")

    done = shell.at("tokyo", "invite", "--address", address, "--out", "1", "--json")

    assert (done.code, done.error["kind"]) == (2, "usage")
    assert not Path("1").exists()


def test_wrong_passphrase_is_refused_and_nothing_is_half_done(shell: Shell) -> None:
    shell.make("tokyo")
    Path("identity.passphrase").write_text(OFFICER)

    done = shell.at("tokyo", "invite", "--address", "127.0.0.1:7411", "--out", "1", "--json")

    assert (done.code, done.error["kind"]) == (2, "secret")
    assert not Path("1").exists()
    assert shell.at("tokyo", "route", "list", "--json").document == {"routes": []}


def test_terms_file_with_a_mistake_is_refused_before_anything(shell: Shell) -> None:
    shell.make("tokyo")
    Path("terms.toml").write_text("body_day = 3\n")

    done = shell.at("tokyo", "invite", "--dial-only", "--terms", "terms.toml", "--out", "1", "--json")

    assert done.code == 2
    assert "body_days" in done.error["hint"]
    assert not Path("1").exists()


def test_terms_that_were_proposed_are_shown_to_who_accepts(shell: Shell) -> None:
    shell.make("tokyo", "beijing")
    Path("terms.toml").write_text("[clocks.FLASH]\nacknowledge_seconds = 77\n")
    shell.at("tokyo", "invite", "--dial-only", "--terms", "terms.toml", "--out", "1")

    done = shell.at("beijing", "accept", "1", "--address", "127.0.0.1:7412", "--out", "2", "--json")

    assert done.document["terms"]["clocks"]["FLASH"]["acknowledge_seconds"] == 77


def test_two_desks_that_only_dial_are_warned(shell: Shell) -> None:
    shell.make("tokyo", "beijing")
    shell.at("tokyo", "invite", "--dial-only", "--out", "1")

    assert "neither desk gives an address" in shell.at("beijing", "accept", "1", "--dial-only", "--out", "2").err.replace(
        "\n", " "
    )


def test_addresses_are_added_and_taken_back(shell: Shell) -> None:
    shell.make("tokyo")

    shell.at("tokyo", "route", "add", "DESK.example.org:7400")
    assert shell.at("tokyo", "route", "list", "--json").document["routes"] == [
        {"kind": "direct", "address": "desk.example.org:7400"}
    ]
    assert shell.at("tokyo", "route", "remove", "other:1", "--json").code == 2
    assert shell.at("tokyo", "route", "remove", "desk.example.org:7400", "--json").document == {"routes": []}


def test_relay_is_an_address_of_its_own_kind(shell: Shell) -> None:
    shell.make("tokyo")
    before = shell.at("tokyo", "route", "list", "--json").document["routes"]
    shell.at("tokyo", "route", "add", "tls://Relay.example.org:4222")
    relay = {"kind": "nats", "address": "tls://relay.example.org:4222"}
    assert shell.at("tokyo", "route", "list", "--json").document["routes"] == [*before, relay]
    refused = shell.at("tokyo", "route", "add", "nats://tokyo:secret@relay.example.org:4222", "--json")
    assert (refused.code, "secret" in refused.out) == (2, False)
    assert shell.at("tokyo", "route", "remove", relay["address"]).code == 0
    assert shell.at("tokyo", "route", "list", "--json").document["routes"] == before


@pytest.mark.slow
def test_what_a_relay_is_to_permit_names_the_boxes_of_both_directions_alike_at_both_desks(shell: Shell) -> None:
    shell.pair()
    tokyo, beijing = (shell.at(home, "route", "relay", "--json").document for home in ("tokyo", "beijing"))
    (ours,), (theirs,) = tokyo["lines"], beijing["lines"]
    assert (ours["sends"], ours["takes"]) == (theirs["takes"], theirs["sends"])
    may = json.loads(shell.at("tokyo", "route", "relay").out)
    assert f"watchline.{ours['sends']}" in may["publish"]
    assert f"watchline.{ours['takes']}" not in may["publish"]
    assert may["subscribe"] == [f"_INBOX.{ours['sends']}.>"]
