from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.desk.open_homes import journal_of, own_of, unlocked
from tests.desk.sample_homes import NOW, Side
from tests.desk.test_backup import backed_up
from tests.desk.test_incarnation import rotated
from watchline.core.pairing import Pairing
from watchline.core.persons import Roster
from watchline.desk.ceremony import own_routes, waiting_for_digits
from watchline.desk.home import NODE_KEY_VARIABLE, Home
from watchline.desk.local import connect
from watchline.desk.medium import DESK_FILE, keep_desk
from watchline.desk.restore import Restored, restore_backup, restore_identity
from watchline.errors import SecretError, UsageError, WatchlineError
from watchline.journal import LineRecord

LATER = NOW + 3_600


@pytest.fixture
def backup(desks: Path) -> Path:
    """A folder with a backup of tokyo, and its medium apart from any home."""
    backed_up(desks / "tokyo", desks / "backup")
    (desks / "tokyo" / "identity").rename(desks / "medium")
    return desks


def restored(folder: Path, home: str = "new", file: str = "backup", officer_keys: tuple[Path, ...] = ()) -> Restored:
    return restore_backup(folder / home, folder / file, unlocked(folder / "medium"), officer_keys, LATER)


def from_identity(folder: Path, language: str | None = None, officer_keys: tuple[Path, ...] = ()) -> Restored:
    return restore_identity(folder / "new", unlocked(folder / "medium"), language, None, officer_keys, LATER)


def test_restored_home_is_the_desk_with_new_keys(backup: Path) -> None:
    before = own_of(backup / "tokyo")

    own = restored(backup).own

    assert own_of(backup / "new") == own
    assert (own.identity, own.roster, own.language, own.zone) == (before.identity, before.roster, "ja", "Asia/Tokyo")
    assert own.keys != before.keys
    assert (own.certificate.certificate.inc, own.certificate.certificate.serial) == (2, 2)
    assert own.identity_dir == str(backup / "medium")
    for name in ("watchline.toml", "officers/duty.key", "node.key"):
        assert (backup / "new" / name).read_bytes() == (backup / "tokyo" / name).read_bytes()


def test_restored_home_has_every_line_and_all_that_was_known(backup: Path) -> None:
    lines = restored(backup).lines

    with journal_of(backup / "tokyo") as old, journal_of(backup / "new") as new:
        assert new.lines() == old.lines() == lines
        assert new.document("own-routes", "self") == old.document("own-routes", "self")


def test_each_restore_of_one_backup_has_numbers_and_keys_of_its_own(backup: Path) -> None:
    first, second = restored(backup).own, restored(backup, "newer").own

    assert [own.certificate.certificate.inc for own in (first, second)] == [2, 3]
    assert first.keys != second.keys


def test_certificates_of_incarnations_after_the_backup_are_taken_from_the_medium(backup: Path) -> None:
    """What those incarnations said and the peer holds is verified with their keys when it comes back."""
    restored(backup)
    restored(backup, "newer")

    with journal_of(backup / "newer") as journal:
        (row,) = journal.lines()
        assert [record.serial for record in journal.certificates(row.line, True)] == [1, 2, 3]


def test_officers_that_changed_after_the_backup_are_taken_from_the_medium(backup: Path) -> None:
    own = own_of(backup / "tokyo")
    newer = Roster(2, own.roster.officers)
    keep_desk(backup / "medium", replace(own, roster=newer), (), ())

    assert restored(backup).own.roster == newer


def test_line_that_was_paired_after_the_backup_is_taken_from_the_medium(backup: Path) -> None:
    row = without_the_line(backup / "tokyo")
    backed_up(backup / "tokyo", backup / "earlier")
    keep_desk(backup / "medium", own_of(backup / "tokyo"), (), [replace(row, name="peking")])

    (line,) = restored(backup, file="earlier").lines

    assert line == replace(row, name="peking", created=LATER)


def without_the_line(home: Path) -> LineRecord:
    with journal_of(home) as journal:
        (row,) = journal.lines()
        journal.put_line(replace(row, confirmed=False))
        journal.drop_line(row.line)
    return row


def test_line_that_nobody_is_known_to_have_confirmed_waits_for_its_digits(backup: Path) -> None:
    row = without_the_line(backup / "tokyo")
    backed_up(backup / "tokyo", backup / "earlier")
    keep_desk(backup / "medium", own_of(backup / "tokyo"), (), [])

    (line,) = restored(backup, file="earlier").lines

    assert line == replace(row, confirmed=False, created=LATER)
    with connect(Home.open(backup / "new")) as caller:
        side = Side(Home.open(backup / "new"), caller)
        with pytest.raises(WatchlineError, match="not the digits") as caught:
            side.confirm("beijing", "0" * 60)
        assert caught.value.facts["entries_left"] == 2
        side.confirm("beijing", Pairing.decode(row.pairing).digits)
        assert caller.call("line_rows")["lines"][0]["confirmed"]


def test_line_that_was_confirmed_after_the_backup_is_confirmed(backup: Path) -> None:
    with journal_of(backup / "tokyo") as journal:
        (row,) = journal.lines()
        journal.put_line(replace(row, confirmed=False))
        kind, key, value = waiting_for_digits(row.line)
        journal.put_document(kind, key, value, True)
    backed_up(backup / "tokyo", backup / "earlier")

    assert restored(backup, file="earlier").lines == [row]
    with journal_of(backup / "new") as journal:
        assert journal.document(kind, key) is None


def test_line_that_only_the_backup_knows_stays(backup: Path) -> None:
    (kept,) = backup.joinpath("medium").glob("line-*")
    kept.unlink()

    assert [row.confirmed for row in restored(backup).lines] == [True]


@pytest.mark.parametrize("length", [64, 32])
def test_backup_with_another_secret_for_a_line_is_refused(backup: Path, length: int) -> None:
    (kept,) = backup.joinpath("medium").glob("line-*")
    kept.rename(kept.with_name(f"{kept.name[: 5 + length]}.pairing"))
    with journal_of(backup / "tokyo") as journal:
        (row,) = journal.lines()
        journal.put_line(replace(row, pairing=replace(Pairing.decode(row.pairing), ps=b"x" * 32).encode()))
    backed_up(backup / "tokyo", backup / "forged")

    with pytest.raises(UsageError, match="not the one that the identity's medium keeps"):
        restored(backup, file="forged")

    nothing_was_made(backup)


def test_backup_of_another_desk_is_refused(backup: Path) -> None:
    backed_up(backup / "beijing", backup / "beijings")

    with pytest.raises(UsageError, match="another identity"):
        restored(backup, file="beijings")

    nothing_was_made(backup)


def test_backup_that_was_cut_leaves_nothing(backup: Path) -> None:
    whole = (backup / "backup").read_bytes()
    (backup / "cut").write_bytes(whole[:-1])

    with pytest.raises(UsageError, match="cut short"):
        restored(backup, file="cut")

    nothing_was_made(backup)


def test_medium_that_is_an_old_copy_is_refused(backup: Path) -> None:
    shutil.copytree(backup / "medium", backup / "old-medium")
    (backup / "medium").rename(backup / "tokyo" / "identity")
    rotated(backup / "tokyo")
    backed_up(backup / "tokyo", backup / "later")
    (backup / "old-medium").rename(backup / "medium")

    with pytest.raises(SecretError, match="old copy"):
        restored(backup, file="later")

    nothing_was_made(backup)


def nothing_was_made(folder: Path) -> None:
    assert not (folder / "new").exists()
    assert not list(folder.glob(".new*"))
    assert unlocked(folder / "medium").medium.inc == 1


@pytest.mark.parametrize("name", ["tokyo", "backup"])
def test_home_that_is_there_is_not_touched(backup: Path, name: str) -> None:
    before = (backup / "backup").read_bytes()

    with pytest.raises(UsageError, match="there already"):
        restored(backup, name)

    assert (backup / "backup").read_bytes() == before


def test_node_key_goes_where_the_variable_says(backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NODE_KEY_VARIABLE, str(backup / "node.key"))
    restored(backup)

    assert (backup / "node.key").read_bytes() == (backup / "tokyo" / "node.key").read_bytes()
    assert not (backup / "new" / "node.key").exists()
    assert own_of(backup / "new").name == "Tokyo"


def test_node_key_of_another_home_is_not_replaced(backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NODE_KEY_VARIABLE, str(backup / "beijing" / "node.key"))

    with pytest.raises(SecretError, match="another node key"):
        restored(backup)

    nothing_was_made(backup)


def test_officer_key_that_is_brought_replaces_the_one_in_the_backup(backup: Path) -> None:
    brought = backup / "duty.key"
    shutil.copy(backup / "beijing" / "officers" / "duty.key", brought)

    restored(backup, officer_keys=(brought,))

    assert (backup / "new" / "officers" / "duty.key").read_bytes() == brought.read_bytes()


@pytest.mark.parametrize("name", ["duty.key", "duty.txt", ".key"])
def test_file_that_is_no_officer_key_is_refused(backup: Path, name: str) -> None:
    (backup / name).write_text("no key")

    with pytest.raises(UsageError):
        restored(backup, officer_keys=(backup / name,))

    nothing_was_made(backup)


def test_medium_alone_gives_the_desk_its_lines_and_an_empty_journal(backup: Path) -> None:
    with journal_of(backup / "tokyo") as journal:
        (row,) = journal.lines()
    before = own_of(backup / "tokyo")

    found = from_identity(backup)

    own = own_of(backup / "new")
    assert own == found.own
    assert (own.identity, own.roster, own.language, own.zone) == (before.identity, before.roster, "ja", "Asia/Tokyo")
    assert (own.certificate.certificate.inc, own.certificate.certificate.serial) == (2, 2)
    assert found.lines == [replace(row, created=LATER)]
    with journal_of(backup / "new") as journal:
        assert journal.logs(row.line) == []
        assert [record.serial for record in journal.certificates(row.line, True)] == [1, 2]
    with connect(Home.open(backup / "new")) as caller:
        assert [route.address for route in own_routes(caller)] == ["127.0.0.1:7411"]


def test_medium_that_keeps_pairings_only_needs_the_language_and_the_digits(backup: Path) -> None:
    (backup / "medium" / DESK_FILE).unlink()
    before = own_of(backup / "tokyo")

    with pytest.raises(UsageError, match="in which language"):
        from_identity(backup)
    found = from_identity(backup, "ja")

    assert (found.own.roster, found.own.language, found.own.zone) == (before.roster, "ja", "UTC")
    assert [(row.name, row.confirmed) for row in found.lines] == [("beijing", False)]
    with connect(Home.open(backup / "new")) as caller:
        assert [route.address for route in own_routes(caller)] == ["127.0.0.1:7411"]


def test_accepting_desk_finds_its_own_officers_in_its_own_pairing_file(backup: Path) -> None:
    before = own_of(backup / "beijing")
    shutil.rmtree(backup / "medium")
    (backup / "beijing" / "identity").rename(backup / "medium")
    (backup / "medium" / DESK_FILE).unlink()

    assert from_identity(backup, "zh-Hans").own.roster == before.roster


def test_medium_without_a_line_restores_nothing(backup: Path) -> None:
    for path in backup.joinpath("medium").iterdir():
        if path.name != "identity.key":
            path.unlink()

    with pytest.raises(UsageError, match="neither a line nor the officers"):
        from_identity(backup, "ja")

    nothing_was_made(backup)


def test_medium_whose_pairing_was_changed_names_the_file(backup: Path) -> None:
    (kept,) = backup.joinpath("medium").glob("line-*")
    kept.write_bytes(kept.read_bytes()[:-1])

    with pytest.raises(SecretError, match="damaged") as caught:
        from_identity(backup)

    assert caught.value.facts["path"] == str(kept)
    nothing_was_made(backup)


def test_revoked_incarnation_stays_revoked_without_a_backup(backup: Path) -> None:
    (backup / "medium").rename(backup / "tokyo" / "identity")
    rotated(backup / "tokyo", since=NOW - 5)
    (backup / "tokyo" / "identity").rename(backup / "medium")

    assert from_identity(backup).own.certificate.certificate.revoked == (1, NOW - 5)


def test_certificates_of_earlier_incarnations_come_back_from_the_medium(backup: Path) -> None:
    (backup / "medium").rename(backup / "tokyo" / "identity")
    certificates = [*(own.certificate for own in rotated(backup / "tokyo")), rotated(backup / "tokyo")[1].certificate]
    (backup / "tokyo" / "identity").rename(backup / "medium")

    found = from_identity(backup)

    with journal_of(backup / "new") as journal:
        kept = [record.encoded for record in journal.certificates(found.lines[0].line, True)]
    assert kept == [each.encoded for each in (*certificates, found.own.certificate)]
