from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Shell
from watchline.cli.session import NEW_IDENTITY_VARIABLE, SPARE_VARIABLE
from watchline.desk import incarnation
from watchline.desk.home import Home

TOKYO = ("--identity-dir", "tokyo-medium")


def keys(shell: Shell, *words: str, home: str = "tokyo") -> dict[str, Any]:
    done = shell.at(home, "keys", *words, "--json")
    assert done.code == 0, done
    return done.document


def refusal(shell: Shell, *words: str, home: str = "tokyo") -> dict[str, Any]:
    done = shell.at(home, "keys", *words, "--json")
    assert done.code == 2
    return done.error


def numbers(document: dict[str, Any]) -> tuple[int, int]:
    return document["incarnation"], document["serial"]


def test_new_desk_shows_its_first_incarnation_and_its_lines(paired: Shell) -> None:
    shown = keys(paired, "show")

    assert (shown["desk"], numbers(shown), shown["revoked"], shown["spares"]) == ("Tokyo", (1, 1), None, [])
    (line,) = shown["lines"]
    assert (line["line"], line["confirmed"], len(line["digits"])) == ("beijing", True, 71)
    assert [(each["side"], each["incarnation"], each["confirmed"]) for each in line["incarnations"]] == [
        ("ours", 1, True),
        ("theirs", 1, True),
    ]


def test_both_desks_show_the_same_fingerprint_of_one_incarnation(paired: Shell) -> None:
    ours = keys(paired, "show")
    theirs = keys(paired, "show", home="beijing")["lines"][0]["incarnations"][1]

    assert theirs["fingerprint"] == ours["fingerprint"]
    assert ours["fingerprint"] in paired.at("tokyo", "keys", "show").out


def test_renewed_certificate_has_a_later_end_and_the_next_serial(paired: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys(paired, "show")
    assert before["remark"]["state"] == "early"  # this home was made in 2027

    monkeypatch.setattr(time, "time", lambda: 1_830_000_000)
    expired = keys(paired, "show")
    renewed = keys(paired, "renew", *TOKYO)

    assert expired["remark"] == {"state": "soon", "seconds": 1_800_000_000 + 365 * 86_400 - 1_830_000_000}
    assert (numbers(renewed), renewed["remark"]) == ((1, 2), None)
    assert renewed["not_after"] > before["not_after"]
    assert numbers(keys(paired, "show")) == (1, 2)


def test_expired_certificate_is_told_with_what_to_do(paired: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_840_000_000)

    done = paired.at("tokyo", "keys", "show")

    assert done.code == 0
    assert "WARNING      expired 97 days ago; watchline keys renew" in done.out


def test_rotated_home_is_the_next_incarnation_and_says_what_comes_next(paired: Shell) -> None:
    done = paired.at("tokyo", "keys", "rotate", *TOKYO)

    assert done.code == 0
    assert "unconfirmed" in done.err
    assert "keys confirm LINE" in done.out
    shown = keys(paired, "show")
    assert numbers(shown) == (2, 2)
    assert [each["confirmed"] for each in shown["lines"][0]["incarnations"]] == [False, True]


def test_revoked_keys_are_named_with_the_time(paired: Shell) -> None:
    done = keys(paired, "revoke", "--since", "2026-07-01T02:00:00+02:00", *TOKYO)

    assert (done["before"], numbers(done)) == (1, (2, 2))
    assert done["revoked"] == {"incarnation": 1, "since": "2026-07-01T00:00:00Z"}


@pytest.mark.parametrize("since", ["yesterday", "2026-07-01", "2026-07-01T00:00:00", "2099-01-01T00:00:00Z"])
def test_time_that_is_none_or_to_come_revokes_nothing(paired: Shell, since: str) -> None:
    assert "past time" in refusal(paired, "revoke", "--since", since, *TOKYO)["message"]
    assert numbers(keys(paired, "show")) == (1, 1)


@pytest.mark.slow
@pytest.mark.parametrize("words", [["rotate"], ["renew"], ["spare", "--out", "spares"], ["custodian"]], ids=" ".join)
def test_wrong_passphrase_medium_or_folder_changes_nothing(paired: Shell, words: list[str]) -> None:
    assert "medium is not there" in refusal(paired, *words)["message"]
    assert "another desk's: Beijing" in refusal(paired, *words, "--identity-dir", "beijing-medium")["message"]
    Path("identity.passphrase").write_text("wrong")
    assert "does not open the identity" in refusal(paired, *words, *TOKYO)["message"]

    assert numbers(keys(paired, "show")) == (1, 1)
    assert not list(paired.folder.glob("spares/*"))


def test_home_in_use_is_not_rotated(paired: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incarnation, "LOCK_SECONDS", 0.0)

    with Home.open(paired.folder / "tokyo").lock():
        error = refusal(paired, "rotate", *TOKYO)

    assert "another node runs" in error["message"]


@pytest.mark.parametrize("words", [["rotate"], ["renew"], ["spare", "--out", "spares"]], ids=" ".join)
def test_clock_that_cannot_be_right_signs_nothing(paired: Shell, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000 + 50 * 365 * 86_400)

    assert "clock" in refusal(paired, *words, *TOKYO)["message"]


@pytest.mark.slow
def test_identity_with_a_new_custodian_opens_with_the_new_passphrase_where_it_is_now(paired: Shell) -> None:
    done = keys(paired, "custodian", "--to", "other-medium", *TOKYO)

    assert done == {"identity": str(paired.folder / "other-medium" / "identity.key"), "moved": True}
    assert list((paired.folder / "tokyo-medium").iterdir()) == []
    assert "does not open" in refusal(paired, "renew")["message"]
    shutil.copy("new.passphrase", "identity.passphrase")
    assert numbers(keys(paired, "renew")) == (1, 2)


@pytest.mark.slow
def test_new_passphrase_in_place_keeps_the_medium(paired: Shell) -> None:
    assert keys(paired, "custodian", *TOKYO)["moved"] is False
    shutil.copy("new.passphrase", "identity.passphrase")

    assert numbers(keys(paired, "renew", *TOKYO)) == (1, 2)


@pytest.mark.parametrize(
    ("variable", "words"), [(NEW_IDENTITY_VARIABLE, ["custodian"]), (SPARE_VARIABLE, ["spare", "--out", "spares"])]
)
def test_missing_passphrase_without_a_terminal_names_its_variable(
    paired: Shell, variable: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable)

    assert variable in refusal(paired, *words, *TOKYO)["hint"]
    assert numbers(keys(paired, "renew", *TOKYO)) == (1, 2)  # nothing was counted, the old passphrase opens


@pytest.mark.slow
def test_spares_are_counted_and_shown_until_something_changes(paired: Shell) -> None:
    made = keys(paired, "spare", "--out", "spares", *TOKYO)

    assert [numbers(each) for each in made["spares"]] == [(2, 2), (3, 3)]
    assert (made["lines"], made["officers"]) == (1, ["duty"])
    assert [(numbers(each), each["state"]) for each in keys(paired, "show")["spares"]] == [((2, 2), "ready"), ((3, 3), "ready")]
    keys(paired, "rotate", *TOKYO)
    shown = keys(paired, "show")
    assert numbers(shown) == (4, 4)
    assert [each["state"] for each in shown["spares"]] == ["void", "void"]


@pytest.mark.slow
def test_spare_made_before_an_officer_came_is_outdated(shell: Shell, paired: Shell) -> None:
    shell.make("osaka")
    assert shell.at("osaka", "keys", "spare", "--out", "spares", "--json").code == 0
    shell.at("osaka", "officer", "add", "sato")

    assert [each["state"] for each in keys(shell, "show", home="osaka")["spares"]] == ["outdated", "outdated"]


@pytest.mark.slow
def test_spares_that_are_there_are_not_replaced_and_nothing_is_counted(paired: Shell) -> None:
    keys(paired, "spare", "--out", "spares", *TOKYO)
    before = Path("spares/spare-2").read_bytes()
    Path("spares/spare-1").unlink()

    assert "there is a spare already" in refusal(paired, "spare", "--out", "spares", *TOKYO)["message"]
    assert Path("spares/spare-2").read_bytes() == before
    assert numbers(keys(paired, "renew", *TOKYO)) == (1, 4)


def test_one_person_alone_confirms_nothing(paired: Shell) -> None:
    assert "two people" in refusal(paired, "confirm", "beijing", "--as", "duty")["message"]
    assert "two people" in refusal(paired, "confirm", "beijing", "--as", "duty", "--as", "duty")["message"]


def test_nothing_to_confirm_is_said_and_nobody_types(paired: Shell) -> None:
    done = paired.at("tokyo", "keys", "confirm", "beijing", "--as", "duty", "--as", "sato", "--json")

    assert (done.code, done.document) == (0, {"line": "beijing", "confirmed": []})
