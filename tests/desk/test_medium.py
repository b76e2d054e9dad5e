from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.sample_desks import identity_key
from tests.desk.open_homes import journal_of, own_of, unlocked
from tests.desk.sample_homes import CHEAP
from watchline.core.keys import KemKey
from watchline.desk import medium as media
from watchline.desk.medium import (
    DESK_FILE,
    KEY_FILE,
    KeptDesk,
    Medium,
    Unlocked,
    create_medium,
    drop_pairing,
    hand_over,
    keep_desk,
    keep_pairing,
    kept_desk,
    kept_pairings,
    note_newest,
    noted_newest,
    open_medium,
    read_pairing,
)
from watchline.errors import BadSignature, Malformed, SecretError, UsageError

MEDIUM = Medium(identity_key("A"), KemKey(bytes(range(32))), inc=3, serial=7)
LINE = b"l" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_medium(tmp_path / "medium", MEDIUM, "passphrase", CHEAP)
    return tmp_path / "medium"


def test_medium_opens_with_what_was_counted(folder: Path) -> None:
    assert open_medium(folder, "passphrase") == MEDIUM


def test_second_identity_on_one_medium_is_refused(folder: Path) -> None:
    before = (folder / KEY_FILE).read_bytes()

    with pytest.raises(UsageError, match="identity already"):
        create_medium(folder, MEDIUM, "passphrase", CHEAP)

    assert (folder / KEY_FILE).read_bytes() == before


def test_medium_that_is_not_there_is_refused_before_anybody_types(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="medium is not there") as caught:
        keep_pairing(tmp_path, MEDIUM.archive.public, LINE, b"pairing")

    assert "--identity-dir" in caught.value.hint


def test_pairing_is_kept_without_the_passphrase_and_read_with_it(folder: Path) -> None:
    keep_pairing(folder, MEDIUM.archive.public, LINE, b"old")
    keep_pairing(folder, MEDIUM.archive.public, LINE, b"pairing")

    assert read_pairing(folder, open_medium(folder, "passphrase"), LINE) == b"pairing"


def test_kept_pairing_of_another_line_or_changed_is_refused(folder: Path) -> None:
    keep_pairing(folder, MEDIUM.archive.public, LINE, b"pairing")
    (kept,) = folder.glob("*.pairing")
    sealed = kept.read_bytes()

    kept.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(BadSignature):
        read_pairing(folder, MEDIUM, LINE)
    kept.write_bytes(sealed)
    kept.rename(kept.with_name(f"line-{'6d' * 32}.pairing"))
    with pytest.raises(BadSignature):
        read_pairing(folder, MEDIUM, b"m" * 32)


def test_pairing_that_ended_is_forgotten(folder: Path) -> None:
    keep_pairing(folder, MEDIUM.archive.public, LINE, b"pairing")

    drop_pairing(folder, LINE)
    drop_pairing(folder, LINE)

    assert [path.name for path in folder.iterdir()] == [KEY_FILE]
    with pytest.raises(SecretError):
        read_pairing(folder, MEDIUM, LINE)


def test_medium_cut_short_or_longer_is_refused() -> None:
    encoded = MEDIUM.encode()

    for damaged in [*(encoded[:length] for length in range(len(encoded))), encoded + b"\0"]:
        with pytest.raises(Malformed):
            Medium.decode(damaged)


def test_what_is_counted_is_on_the_medium_before_anybody_uses_it(folder: Path) -> None:
    counted = Unlocked.open(folder, "passphrase").count(incarnations=2, serials=5)

    assert (counted.inc, counted.serial) == (5, 12)
    assert open_medium(folder, "passphrase") == counted


def test_medium_that_was_taken_out_gives_out_no_number(folder: Path) -> None:
    medium = Unlocked.open(folder, "passphrase")
    shutil.rmtree(folder)

    with pytest.raises(SecretError, match="medium is not there"):
        medium.count(incarnations=1, serials=1)


def test_identity_handed_over_in_place_opens_with_the_new_passphrase_alone(folder: Path) -> None:
    before = (folder / KEY_FILE).read_bytes()
    (folder / "inode").hardlink_to(folder / KEY_FILE)

    hand_over(folder, MEDIUM, folder, "another", CHEAP)

    assert open_medium(folder, "another") == MEDIUM
    with pytest.raises(SecretError, match="does not open"):
        open_medium(folder, "passphrase")
    assert (folder / "inode").read_bytes() == bytes(len(before))


def test_medium_on_which_a_mark_cannot_be_taken_back_is_refused(folder: Path) -> None:
    (folder / f"line-{LINE.hex()}.newest").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        note_newest(folder, LINE, None)
    assert noted_newest(folder, LINE) is None


def test_identity_handed_over_to_another_medium_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    keep_pairing(folder, MEDIUM.archive.public, LINE, b"pairing")
    note_newest(folder, LINE, b"mark")
    (folder / DESK_FILE).write_bytes(b"kept")
    (folder / "inode").hardlink_to(folder / KEY_FILE)

    hand_over(folder, MEDIUM, tmp_path / "new", "another", CHEAP)

    assert [path.name for path in folder.iterdir()] == ["inode"]
    assert not any((folder / "inode").read_bytes())
    assert open_medium(tmp_path / "new", "another") == MEDIUM
    assert read_pairing(tmp_path / "new", MEDIUM, LINE) == b"pairing"
    assert noted_newest(tmp_path / "new", LINE) == b"mark"
    assert (tmp_path / "new" / DESK_FILE).read_bytes() == b"kept"


def test_interrupted_hand_over_is_made_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_pairing(folder, MEDIUM.archive.public, LINE, b"pairing")
    monkeypatch.setattr(os, "pwrite", _power_cut)
    with pytest.raises(OSError, match="power"):
        hand_over(folder, MEDIUM, tmp_path / "new", "another", CHEAP)
    assert open_medium(folder, "passphrase") == MEDIUM
    monkeypatch.undo()

    hand_over(folder, MEDIUM, tmp_path / "new", "another", CHEAP)

    assert list(folder.iterdir()) == []
    assert open_medium(tmp_path / "new", "another") == MEDIUM


def _power_cut(*_: object) -> int:
    raise OSError("power cut")


def test_old_file_stays_if_the_new_one_does_not_hold_what_was_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing_disk(path: Path, data: bytes, *, replace: bool = False) -> None:
        path.write_bytes(data[:-1])

    monkeypatch.setattr(media, "write_private_file", failing_disk)
    with pytest.raises(SecretError):
        hand_over(folder, MEDIUM, tmp_path / "new", "another", CHEAP)

    assert open_medium(folder, "passphrase") == MEDIUM


@pytest.mark.parametrize(
    "other", [Medium(identity_key("B"), MEDIUM.archive, 1, 1), replace(MEDIUM, serial=8), replace(MEDIUM, inc=4)]
)
def test_other_or_later_identity_is_not_replaced(folder: Path, tmp_path: Path, other: Medium) -> None:
    create_medium(tmp_path / "new", other, "another", CHEAP)

    with pytest.raises(UsageError, match="holds another identity, or a later state"):
        hand_over(folder, MEDIUM, tmp_path / "new", "another", CHEAP)

    assert open_medium(tmp_path / "new", "another") == other
    assert open_medium(folder, "passphrase") == MEDIUM


def test_folder_that_cannot_be_made_leaves_the_medium_as_it_is(folder: Path) -> None:
    with pytest.raises(UsageError, match="cannot be made"):
        hand_over(folder, MEDIUM, Path("/proc/nowhere"), "another", CHEAP)

    assert open_medium(folder, "passphrase") == MEDIUM


def test_kept_desk_comes_back_and_changed_or_of_another_is_refused(desks: Path) -> None:
    folder = desks / "tokyo" / "identity"
    medium = unlocked(folder).medium
    kept = kept_desk(folder, medium)
    assert kept is not None
    assert list(kept.lines.values()) == ["beijing"]
    sealed = (folder / DESK_FILE).read_bytes()

    for damaged in (sealed[:-1], sealed + b"\0", b"", (desks / "beijing" / "identity" / DESK_FILE).read_bytes()):
        (folder / DESK_FILE).write_bytes(damaged)
        with pytest.raises(SecretError, match="kept desk is damaged, or another desk's"):
            kept_desk(folder, medium)
    (folder / DESK_FILE).unlink()
    assert kept_desk(folder, medium) is None


def test_kept_desk_cut_short_or_longer_is_refused(desks: Path) -> None:
    medium = unlocked(desks / "tokyo" / "identity").medium
    kept = kept_desk(desks / "tokyo" / "identity", medium)
    assert kept is not None
    encoded = kept.encode()

    assert KeptDesk.decode(encoded, medium.key.identity) == kept
    for damaged in [*(encoded[:length] for length in range(0, len(encoded), 7)), encoded + b"\0"]:
        with pytest.raises(Malformed):
            KeptDesk.decode(damaged, medium.key.identity)


def test_nothing_is_kept_where_the_medium_is_not(desks: Path) -> None:
    (desks / "empty").mkdir()

    keep_desk(desks / "empty", own_of(desks / "tokyo"), (), ())

    assert list((desks / "empty").iterdir()) == []


def test_pairing_under_the_name_of_an_older_version_is_read_and_renamed(desks: Path) -> None:
    folder = desks / "tokyo" / "identity"
    medium = unlocked(folder).medium
    with journal_of(desks / "tokyo") as journal:
        (row,) = journal.lines()
    older = folder / f"line-{row.line.hex()[:32]}.pairing"
    (folder / f"line-{row.line.hex()}.pairing").rename(older)
    assert read_pairing(folder, medium, row.line) == row.pairing
    assert kept_pairings(folder, medium) == []

    keep_desk(folder, own_of(desks / "tokyo"), (), [row])

    assert not older.exists()
    assert [pairing.encode() for pairing in kept_pairings(folder, medium)] == [row.pairing]
