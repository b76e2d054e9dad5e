from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.desk.open_homes import unlocked
from tests.desk.sample_homes import NOW
from watchline.core.encoding import encode
from watchline.core.keys import KemKey
from watchline.desk import backup
from watchline.desk.backup import MAGIC, Contents, Written, make_backup, open_backup
from watchline.desk.ceremony import own_desk
from watchline.desk.home import NODE_KEY_VARIABLE, Home
from watchline.desk.local import connect
from watchline.errors import Malformed, UsageError


def backed_up(home: Path, out: Path) -> Written:
    opened = Home.open(home)
    with connect(opened) as caller:
        return make_backup(caller, opened, own_desk(caller), out, NOW)


def archive_of(home: Path) -> KemKey:
    return unlocked(home / "identity").medium.archive


@contextmanager
def extracted(file: Path, archive: KemKey, folder: Path) -> Iterator[Path]:
    (folder / "officers").mkdir(parents=True)
    with open_backup(file, archive) as opened:
        opened.extract(folder)
    yield folder


def test_backup_holds_the_home_and_not_the_medium(desks: Path) -> None:
    written = backed_up(desks / "tokyo", desks / "backup")

    with extracted(desks / "backup", archive_of(desks / "tokyo"), desks / "out") as out:
        for name in ("watchline.toml", "node.key", "officers/duty.key"):
            assert (out / name).read_bytes() == (desks / "tokyo" / name).read_bytes()
        assert sorted(path.name for path in out.rglob("*")) == [
            "duty.key",
            "journal.db",
            "node.key",
            "officers",
            "watchline.toml",
        ]
    contents = written.contents
    assert (contents.desk, contents.inc, contents.serial, contents.made) == ("Tokyo", 1, 1, NOW)
    assert written.size == (desks / "backup").stat().st_size


def test_backup_takes_the_node_key_from_where_it_is(desks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (desks / "tokyo" / "node.key").rename(desks / "elsewhere")
    monkeypatch.setenv(NODE_KEY_VARIABLE, str(desks / "elsewhere"))
    backed_up(desks / "tokyo", desks / "backup")

    with extracted(desks / "backup", archive_of(desks / "tokyo"), desks / "out") as out:
        assert (out / "node.key").read_bytes() == (desks / "elsewhere").read_bytes()


def test_backup_shows_nothing_without_the_medium(desks: Path) -> None:
    backed_up(desks / "tokyo", desks / "backup")

    data = (desks / "backup").read_bytes()
    for secret in (b"Tokyo", b"beijing", (desks / "tokyo" / "node.key").read_bytes().strip(), b"SQLite format 3"):
        assert secret not in data
    assert (desks / "backup").stat().st_mode & 0o077 == 0


def test_copy_of_the_journal_is_gone_afterwards(desks: Path) -> None:
    before = {path.name for path in (desks / "tokyo").iterdir()}
    backed_up(desks / "tokyo", desks / "backup")

    assert {path.name for path in (desks / "tokyo").iterdir()} - before == {"backup.lock"}


def test_copy_that_an_interrupted_backup_left_is_overwritten(desks: Path) -> None:
    left = desks / "tokyo" / backup.COPY
    left.write_bytes(b"secret" * 50_000)
    other_name = desks / "inode"
    other_name.hardlink_to(left)

    backed_up(desks / "tokyo", desks / "backup")

    assert not left.exists()
    assert other_name.read_bytes() == bytes(300_000)


def test_medium_of_another_desk_does_not_open_it(desks: Path) -> None:
    backed_up(desks / "tokyo", desks / "backup")

    with pytest.raises(UsageError, match="another identity"), open_backup(desks / "backup", archive_of(desks / "beijing")):
        pass


def test_every_part_that_was_changed_is_refused(desks: Path) -> None:
    size = backed_up(desks / "tokyo", desks / "backup").size
    whole, archive = (desks / "backup").read_bytes(), archive_of(desks / "tokyo")

    for at in (0, 18, 19, 22, 23, 40, 60, 200, 1_200, 1_300, 70_000, size // 2, size - 1):
        (desks / "changed").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(UsageError), extracted(desks / "changed", archive, desks / f"out-{at}"):
            pass


def test_backup_cut_short_or_longer_is_refused(desks: Path) -> None:
    size = backed_up(desks / "tokyo", desks / "backup").size
    whole, archive = (desks / "backup").read_bytes(), archive_of(desks / "tokyo")

    cuts = [0, 5, 19, 21, 23, 100, 1_214, 1_300, size // 2, size - 65_552, size - 1]
    for number, data in enumerate([*(whole[:cut] for cut in cuts), whole + b"\0", whole + whole[-100:]]):
        (desks / "changed").write_bytes(data)
        with pytest.raises(UsageError), extracted(desks / "changed", archive, desks / f"out-{number}"):
            pass


def test_backup_of_a_newer_version_is_known_as_such(desks: Path) -> None:
    (desks / "newer").write_bytes(MAGIC.replace(b"1", b"2") + bytes(100))
    (desks / "other").write_bytes(b"photo")

    for name, what in (("newer", "newer version"), ("other", "no backup"), ("gone", "cannot be read")):
        with pytest.raises(UsageError, match=what), open_backup(desks / name, archive_of(desks / "tokyo")):
            pass


def test_file_that_is_there_is_not_replaced(desks: Path) -> None:
    (desks / "backup").write_text("mine")

    with pytest.raises(UsageError, match="there already"):
        backed_up(desks / "tokyo", desks / "backup")

    assert (desks / "backup").read_text() == "mine"


def test_folder_that_is_not_there_leaves_nothing(desks: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        backed_up(desks / "tokyo", desks / "gone" / "backup")

    assert not (desks / "tokyo" / backup.COPY).exists()


def test_second_backup_at_the_same_time_is_refused(desks: Path) -> None:
    descriptor = os.open(desks / "tokyo" / "backup.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(UsageError, match="under way"):
            backed_up(desks / "tokyo", desks / "backup")
    finally:
        os.close(descriptor)
    backed_up(desks / "tokyo", desks / "backup")


CONTENTS = Contents("Tokyo", b"i" * 32, 2, 3, NOW, (("watchline.toml", 5), ("officers/sato.key", 0), ("journal.db", 2**40)))


def test_list_comes_back_and_no_shorter_or_longer_one() -> None:
    encoded = CONTENTS.encode()

    assert Contents.decode(encoded) == CONTENTS
    for damaged in [*(encoded[:length] for length in range(len(encoded))), encoded + b"\0"]:
        with pytest.raises(Malformed):
            Contents.decode(damaged)


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/etc/passwd",
        "officers/../node.key",
        "officers/a/b.key",
        "officers/.key",
        "officers/a",
        "journal.db-wal",
        "",
        "\0",
    ],
)
def test_name_that_no_home_has_is_refused(name: str) -> None:
    with pytest.raises(Malformed, match="no home has"):
        Contents.decode(encode(["Tokyo", b"i" * 32, 1, 1, NOW, [[name, 1]]]))
