from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Shell
from watchline.cli import session as sessions
from watchline.desk.spare import MAGIC

MEDIUM = ("--identity-dir", "tokyo-medium")


def done(shell: Shell, home: str, *words: str) -> dict[str, Any]:
    ended = shell.at(home, *words, "--json")
    assert ended.code == 0, ended
    return ended.document


def refusal(shell: Shell, home: str, *words: str) -> dict[str, Any]:
    ended = shell.at(home, *words, "--json")
    assert ended.code == 2, ended
    return ended.error


@pytest.mark.slow
def test_backup_needs_no_passphrase_and_says_what_it_wrote(paired: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(sessions.IDENTITY_VARIABLE)

    written = done(paired, "tokyo", "backup", "--out", "monday")

    assert (written["desk"], written["incarnation"], written["bytes"]) == ("Tokyo", 1, Path("monday").stat().st_size)
    assert paired.at("tokyo", "backup", "--out", "tuesday").err == ""


def test_backup_warns_of_an_identity_that_would_be_lost_with_the_home(paired: Shell) -> None:
    paired.make("osaka")

    ended = paired.at("osaka", "backup", "--out", "monday")

    assert ended.code == 0
    assert "keys custodian" in ended.err


def test_restored_desk_has_its_lines_and_says_what_comes_next(paired: Shell) -> None:
    done(paired, "tokyo", "backup", "--out", "monday")

    ended = paired.at("new", "restore", "monday", *MEDIUM)

    assert ended.code == 0
    assert "must not run again" in ended.err
    for said in ("incarnation 2", "beijing", "serve", "keys confirm LINE", "keys spare", "officer add NAME"):
        assert said in ended.out
    assert [row["name"] for row in done(paired, "new", "lines")["lines"]] == ["beijing"]
    assert done(paired, "new", "officer", "list")["officers"] == done(paired, "tokyo", "officer", "list")["officers"]
    assert done(paired, "new", "keys", "show")["incarnation"] == 2


def test_restored_desk_renews_with_the_medium_where_it_was_put(paired: Shell) -> None:
    done(paired, "tokyo", "backup", "--out", "monday")
    done(paired, "new", "restore", "monday", *MEDIUM)

    assert done(paired, "new", "keys", "renew")["serial"] == 3
    assert "another home is incarnation 2" in refusal(paired, "tokyo", "keys", "renew", *MEDIUM)["message"]


def test_medium_alone_brings_the_lines_back(paired: Shell) -> None:
    shutil.copy("tokyo/officers/duty.key", "duty.key")
    shutil.rmtree("tokyo")

    restored = done(paired, "new", "restore", "--from-identity", *MEDIUM, "--officer-key", "duty.key")

    assert (restored["desk"], restored["incarnation"], restored["officers"]) == ("Tokyo", 2, ["duty"])
    assert [(line["line"], line["confirmed"]) for line in restored["lines"]] == [("beijing", True)]
    assert done(paired, "new", "identity")["desk"] == "Tokyo"


def test_line_that_waits_for_its_digits_is_shown_with_them(paired: Shell) -> None:
    Path("tokyo-medium/desk.kept").unlink()

    ended = paired.at("new", "restore", "--from-identity", *MEDIUM, "--lang", "ja", "--zone", "Asia/Tokyo")

    assert ended.code == 0
    digits = done(paired, "tokyo", "keys", "show")["lines"][0]["digits"]
    assert digits in ended.out
    assert paired.at("new", "confirm", "beijing", "--digits", digits).code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["restore", *MEDIUM], "either a backup FILE or --from-identity"),
        (["restore", "monday", "--from-identity", *MEDIUM], "either a backup FILE or --from-identity"),
        (["restore", "monday", *MEDIUM, "--lang", "ja"], "the backup says the language"),
        (["restore", "gone", *MEDIUM], "cannot be read"),
        (["restore", "cut", *MEDIUM], "cut short"),
        (["restore", "newer", *MEDIUM], "newer version"),
        (["restore", "duty.key", *MEDIUM], "no backup"),
        (["restore", "monday", "--identity-dir", "beijing-medium"], "another identity"),
        (["restore", "monday", "--identity-dir", "gone"], "medium is not there"),
        (["restore", "monday", *MEDIUM, "--officer-key", "monday"], "officer"),
        (["restore", "--from-identity", *MEDIUM, "--zone", "Asia/Nowhere"], "Asia/Nowhere"),
        (["spare", "monday"], "no spare"),
        (["spare", "newer-spare"], "newer version"),
        (["spare", "spares/spare-1", "--listen", "nowhere"], "HOST:PORT"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistake_is_told_and_makes_no_home(paired: Shell, words: list[str], said: str) -> None:
    done(paired, "tokyo", "backup", "--out", "monday")
    done(paired, "tokyo", "keys", "spare", "--out", "spares", *MEDIUM)
    Path("cut").write_bytes(Path("monday").read_bytes()[:-100])
    Path("newer").write_bytes(Path("monday").read_bytes().replace(b"backup 1", b"backup 7", 1))
    Path("newer-spare").write_bytes(MAGIC.replace(b"1", b"7"))
    shutil.copy("tokyo/officers/duty.key", "duty.key")

    error = refusal(paired, "new", *words)

    assert said in error["message"] + error["hint"]
    assert not Path("new").exists()
    assert not list(paired.folder.glob(".new*"))


@pytest.mark.slow
@pytest.mark.parametrize("words", [["restore", "monday", *MEDIUM], ["spare", "spares/spare-1"]], ids=lambda words: words[0])
def test_wrong_passphrase_or_a_home_that_is_there_makes_no_home(paired: Shell, words: list[str]) -> None:
    done(paired, "tokyo", "backup", "--out", "monday")
    done(paired, "tokyo", "keys", "spare", "--out", "spares", *MEDIUM)

    assert "there already" in refusal(paired, "beijing", *words)["message"]
    for name in ("identity", "spare"):
        Path(f"{name}.passphrase").write_text("wrong")
    assert "does not open" in refusal(paired, "new", *words)["message"]
    assert not Path("new").exists()


def test_restore_with_a_clock_that_cannot_be_right_is_refused(paired: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    done(paired, "tokyo", "backup", "--out", "monday")
    monkeypatch.setattr(time, "time", lambda: 86_400)

    assert "clock" in refusal(paired, "new", "restore", "monday", *MEDIUM)["message"]
    assert not Path("new").exists()


@pytest.mark.slow
def test_spare_starts_with_one_passphrase_and_no_identity(paired: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    done(paired, "tokyo", "keys", "spare", "--out", "spares", *MEDIUM)
    shutil.rmtree("tokyo")
    shutil.rmtree("tokyo-medium")
    for variable in (sessions.IDENTITY_VARIABLE, sessions.OFFICER_VARIABLE):
        monkeypatch.delenv(variable)

    started = done(paired, "new", "spare", "spares/spare-1", "--listen", "127.0.0.1:7499")

    assert (started["desk"], started["incarnation"], started["lines"]) == ("Tokyo", 2, ["beijing"])
    assert (started["officers"], started["listen"]) == (["duty"], ["127.0.0.1:7499"])
    assert done(paired, "new", "route", "list")["routes"][0]["address"] == "127.0.0.1:7499"
    assert done(paired, "newer", "spare", "spares/spare-2")["incarnation"] == 3


@pytest.mark.slow
def test_spare_starts_even_where_the_clock_is_wrong(paired: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    done(paired, "tokyo", "keys", "spare", "--out", "spares", *MEDIUM)
    monkeypatch.setattr(time, "time", lambda: 86_400)

    ended = paired.at("new", "spare", "spares/spare-1", "--json")

    assert ended.code == 0
    assert "clock" in ended.err


def test_backup_without_a_folder_or_room_for_it_leaves_nothing(paired: Shell) -> None:
    assert "no such folder" in refusal(paired, "tokyo", "backup", "--out", "gone/monday")["message"]
    assert "no room" in refusal(paired, "tokyo", "backup", "--out", "/proc/monday")["message"]
    assert not Path("tokyo/journal.copy").exists()
