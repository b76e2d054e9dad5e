from __future__ import annotations

import os
import stat
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.desk.sample_homes import CHEAP, IDENTITY, NOW, OFFICER, make_home
from watchline.desk.home import (
    CLOCK_FIRST_SECONDS,
    CLOCK_LAST_SECONDS,
    NODE_KEY_VARIABLE,
    Home,
    Passphrases,
    check_clock,
    read_node_key,
)
from watchline.desk.medium import open_medium
from watchline.desk.officers import open_officer_key
from watchline.desk.own import DOCUMENT, OwnDesk
from watchline.errors import SecretError, UsageError, WatchlineError


@pytest.fixture(autouse=True)
def no_node_key_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NODE_KEY_VARIABLE, raising=False)


def own(home: Home) -> OwnDesk:
    with home.lock():
        journal = home.open_journal()
        try:
            document = journal.document(*DOCUMENT)
        finally:
            journal.close()
    assert document is not None
    return OwnDesk.decode(document)


def test_new_home_opens_with_all_that_a_desk_needs(tmp_path: Path) -> None:
    make_home(tmp_path, "tokyo")

    home = Home.open(tmp_path / "tokyo")
    desk = own(home)
    medium = open_medium(home.identity_dir(desk.identity_dir), IDENTITY)
    officer = open_officer_key(home.officers, "duty", OFFICER)

    assert (desk.name, desk.language, desk.zone, desk.created) == ("Tokyo", "ja", "Asia/Tokyo", NOW)
    assert medium.key.identity == desk.identity
    assert medium.archive.public == desk.archive
    assert (medium.inc, medium.serial) == (desk.certificate.certificate.inc, desk.certificate.certificate.serial) == (1, 1)
    known = desk.roster.officer(officer.number)
    assert known is not None
    assert (known.key, known.role, known.name) == (officer.key.public, "duty", "duty")


def test_everything_in_a_new_home_is_for_its_owner_alone(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        home = make_home(tmp_path, "tokyo")
    finally:
        os.umask(previous)

    open_to_others = [path for path in [home.path, *home.path.rglob("*")] if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert open_to_others == []


def test_node_never_has_the_identity(tmp_path: Path) -> None:
    home = make_home(tmp_path, "tokyo", tmp_path / "medium")
    medium = open_medium(tmp_path / "medium", IDENTITY)

    stored = own(home).encode()
    assert medium.key.ed_seed not in stored
    assert medium.key.ml_seed not in stored
    assert not any(medium.key.ed_seed in path.read_bytes() for path in home.path.rglob("*") if path.is_file())


def test_home_that_was_moved_still_opens(tmp_path: Path) -> None:
    home = make_home(tmp_path, "tokyo")
    home.path.rename(tmp_path / "moved")

    moved = Home.open(tmp_path / "moved")
    assert open_medium(moved.identity_dir(own(moved).identity_dir), IDENTITY).key.desk == "Tokyo"


@pytest.mark.parametrize(
    "change",
    [
        {"desk": ""},
        {"desk": "x" * 129},
        {"desk": "To\x1bkyo"},
        {"language": "japanese"},
        {"zone": "Asia/Nowhere"},
        {"zone": "../../etc/passwd"},
        {"officer": "../duty"},
        {"officer": ""},
        {"officer": ".hidden"},
        {"passphrases": Passphrases("", OFFICER)},
        {"passphrases": Passphrases(IDENTITY, "")},
        {"now": NOW - 50 * 365 * 24 * 3600},
        {"now": NOW + 50 * 365 * 24 * 3600},
    ],
    ids=str,
)
def test_home_that_cannot_be_made_leaves_nothing(tmp_path: Path, change: dict[str, object]) -> None:
    arguments: dict[str, object] = {
        "desk": "Tokyo",
        "language": "ja",
        "zone": "Asia/Tokyo",
        "officer": "duty",
        "passphrases": Passphrases(IDENTITY, OFFICER),
        "now": NOW,
        "identity_dir": tmp_path / "medium",
        "cost": CHEAP,
    }

    with pytest.raises(WatchlineError) as caught:
        Home.create(tmp_path / "tokyo", **{**arguments, **change})  # type: ignore[arg-type]

    assert caught.value.exit_code == 2
    assert caught.value.hint
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert not (tmp_path / "tokyo").exists()


def test_home_is_not_made_over_another(tmp_path: Path) -> None:
    home = make_home(tmp_path, "tokyo")
    before = {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file()}

    with pytest.raises(UsageError, match="there already"):
        make_home(tmp_path, "tokyo")

    assert {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["tokyo"]


def test_identity_is_not_written_over_another(tmp_path: Path) -> None:
    make_home(tmp_path, "tokyo", tmp_path / "medium")
    before = (tmp_path / "medium" / "identity.key").read_bytes()

    with pytest.raises(UsageError, match="identity already"):
        make_home(tmp_path, "beijing", tmp_path / "medium")

    assert (tmp_path / "medium" / "identity.key").read_bytes() == before
    assert not (tmp_path / "beijing").exists()


def test_empty_folder_becomes_a_home(tmp_path: Path) -> None:
    (tmp_path / "tokyo").mkdir()

    make_home(tmp_path, "tokyo")

    assert own(Home.open(tmp_path / "tokyo")).name == "Tokyo"


@pytest.mark.parametrize("missing", ["watchline.toml", "journal.db"])
def test_folder_that_is_no_home_is_refused_with_what_to_do(tmp_path: Path, missing: str) -> None:
    home = make_home(tmp_path, "tokyo")
    (home.path / missing).unlink()

    with pytest.raises(UsageError, match=missing) as caught:
        Home.open(home.path)

    assert "init" in caught.value.hint


def test_home_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no home at"):
        Home.open(tmp_path / "nowhere")


def test_second_node_on_one_home_is_refused(tmp_path: Path) -> None:
    home = make_home(tmp_path, "tokyo")

    with home.lock(), pytest.raises(UsageError, match="another node") as caught, home.lock():
        pass

    assert caught.value.facts["pid"] == os.getpid()
    with home.lock():
        pass  # the first has let go


def test_node_that_starts_while_the_last_one_ends_waits_says_for_whom_and_takes_over(tmp_path: Path) -> None:
    home, told = make_home(tmp_path, "tokyo"), list[int | None]()
    ending = ExitStack()
    ending.enter_context(home.lock())

    def end(pid: int | None) -> None:
        told.append(pid)
        ending.close()

    with home.lock(30.0, end):
        assert told == [os.getpid()]


def test_node_waits_no_longer_than_it_was_told_for_one_that_does_not_end(tmp_path: Path) -> None:
    home, told = make_home(tmp_path, "tokyo"), list[int | None]()
    with home.lock(), pytest.raises(UsageError, match="another node"), home.lock(0.05, told.append):
        pass
    assert told == [os.getpid()]


def test_node_key_comes_from_the_file_that_the_variable_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NODE_KEY_VARIABLE, str(tmp_path / "elsewhere.key"))
    home = make_home(tmp_path, "tokyo")

    assert not (home.path / "node.key").exists()
    assert own(home).name == "Tokyo"
    monkeypatch.delenv(NODE_KEY_VARIABLE)
    with pytest.raises(SecretError, match="node key file"):
        home.open_journal()


def test_wrong_node_key_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    home = make_home(tmp_path, "tokyo")
    right = (home.path / "node.key").read_bytes()
    (home.path / "node.key").write_text("00" * 32)

    with pytest.raises(SecretError, match="does not open this journal"):
        home.open_journal()

    (home.path / "node.key").write_bytes(right)
    assert own(home).name == "Tokyo"


@pytest.mark.parametrize("content", ["", "zz", "00" * 31, "00" * 33, "00" * 500])
def test_node_key_file_that_holds_no_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "node.key").write_text(content)

    with pytest.raises(SecretError):
        read_node_key(tmp_path)


def test_clock_that_can_be_right_is_accepted() -> None:
    check_clock(CLOCK_FIRST_SECONDS)
    check_clock(CLOCK_LAST_SECONDS)


@pytest.mark.parametrize("now", [0, CLOCK_FIRST_SECONDS - 1, CLOCK_LAST_SECONDS + 1])
def test_clock_that_cannot_be_right_is_refused(now: int) -> None:
    with pytest.raises(UsageError, match="clock"):
        check_clock(now)
