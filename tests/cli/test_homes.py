from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.commands import Shell
from watchline.cli.session import IDENTITY_VARIABLE, OFFICER_VARIABLE


@pytest.mark.slow
def test_init_makes_a_desk_and_warns_of_an_identity_in_the_home(shell: Shell) -> None:
    done = shell.at("tokyo", "init", "--desk", "Tokyo", "--lang", "ja", "--zone", "Asia/Tokyo", "--json")

    assert done.code == 0
    assert done.document["desk"] == "Tokyo"
    assert "Warning" in done.err
    assert shell.at("tokyo", "lines", "--json").document == {"lines": []}
    shown = shell.at("tokyo", "identity", "--json").document
    assert (shown["desk"], shown["fingerprint"]) == ("Tokyo", done.document["fingerprint"])


@pytest.mark.slow
def test_init_with_a_medium_does_not_warn(shell: Shell) -> None:
    done = shell.at("tokyo", "init", "--desk", "Tokyo", "--lang", "ja", "--identity-dir", shell.folder / "medium")

    assert (done.code, done.err) == (0, "")
    assert (shell.folder / "medium" / "identity.key").exists()
    assert not (shell.folder / "tokyo" / "identity").exists()


@pytest.mark.parametrize("variable", [IDENTITY_VARIABLE, OFFICER_VARIABLE])
def test_missing_passphrase_without_a_terminal_names_the_variable(
    shell: Shell, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable)

    done = shell.at("tokyo", "init", "--desk", "Tokyo", "--lang", "ja", "--json")

    assert (done.code, done.error["kind"]) == (2, "secret")
    assert variable in done.error["hint"]
    assert not (shell.folder / "tokyo").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["--desk", "", "--lang", "ja"],
        ["--desk", "Tokyo", "--lang", "nihongo!"],
        ["--desk", "Tokyo", "--lang", "ja", "--zone", "Tokyo"],
        ["--desk", "Tokyo", "--lang", "ja", "--officer", "a/b"],
        ["--desk", "Tokyo", "--lang", "ja", "--identity-dir", "/proc/nowhere"],
    ],
    ids=" ".join,
)
def test_init_with_a_mistake_leaves_nothing(shell: Shell, words: list[str]) -> None:
    before = set(shell.folder.iterdir())

    done = shell.at("tokyo", "init", *words, "--json")

    assert (done.code, done.error["kind"]) == (2, "usage")
    assert set(shell.folder.iterdir()) == before


def test_init_in_a_folder_that_cannot_be_written_leaves_nothing(shell: Shell) -> None:
    done = shell("--home", "/proc/tokyo", "init", "--desk", "Tokyo", "--lang", "ja", "--json")

    assert (done.code, done.error["kind"]) == (2, "usage")
    assert "cannot be made" in done.error["message"]


def test_init_twice_is_refused(shell: Shell) -> None:
    shell.make("tokyo")

    done = shell.at("tokyo", "init", "--desk", "Tokyo", "--lang", "ja", "--json")

    assert done.code == 2
    assert "there already" in done.error["message"]


def test_clock_50_years_off_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 200_000_000.0)

    done = shell.at("tokyo", "init", "--desk", "Tokyo", "--lang", "ja", "--json")

    assert done.code == 2
    assert "1976" in done.error["message"]
    assert not (shell.folder / "tokyo").exists()


def test_published_identity_is_written_once_and_readable_by_all(shell: Shell) -> None:
    shell.make("tokyo")

    assert shell.at("tokyo", "identity", "--out", "tokyo.identity").code == 0

    assert Path("tokyo.identity").stat().st_mode & 0o777 == 0o644
    assert shell.at("tokyo", "identity", "--out", "tokyo.identity", "--json").code == 2


def test_home_from_a_newer_version_is_refused_and_left_alone(shell: Shell) -> None:
    import apsw

    shell.make("tokyo")
    path = shell.folder / "tokyo" / "journal.db"
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", 999)
    connection.close()

    done = shell.at("tokyo", "lines", "--json")

    assert (done.code, done.error["kind"]) == (4, "journal")
    assert done.error["facts"]["reason"] == "newer"


def test_settings_with_a_mistake_are_named(shell: Shell) -> None:
    shell.make("tokyo")
    (shell.folder / "tokyo" / "watchline.toml").write_text("dail_only = true\n")

    done = shell.at("tokyo", "lines", "--json")

    assert done.code == 2
    assert "dial_only" in done.error["hint"]


def test_damaged_journal_is_an_error_in_one_shape(shell: Shell) -> None:
    shell.make("tokyo")
    path = shell.folder / "tokyo" / "journal.db"
    path.write_bytes(b"\0" * path.stat().st_size)

    done = shell.at("tokyo", "lines", "--json")

    assert (done.code, done.error["kind"]) == (4, "journal")
