"""The disk in memory does what a disk does: what an fsync covered stays, of the rest any part may be gone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from reliability.medium import Fault, MediumFile, MediumVFS
from tests.journal.sample_records import LINE, NODE_KEY, OURS, line_record, root, turn
from watchline.errors import JournalError
from watchline.journal.sqlite import SqliteJournal, open_journal

WAL_BYTES = 65_536


@pytest.fixture
def disk() -> Iterator[MediumVFS]:
    disk = MediumVFS("medium")
    yield disk
    disk.unregister()


def opened(path: Path, *, create: bool = False) -> SqliteJournal:
    return open_journal(path, NODE_KEY, create, vfs="medium", wal_bytes=WAL_BYTES)


def begun(path: Path) -> SqliteJournal:
    journal = opened(path, create=True)
    journal.put_line(line_record())
    return journal


def commit_until_refused(journal: SqliteJournal) -> int:
    for index in range(100):
        try:
            journal.commit(turn(index))
        except JournalError:
            return index
    return 100


def test_nothing_is_written_to_the_real_file(tmp_path: Path, disk: MediumVFS) -> None:
    journal = begun(tmp_path / "j")
    journal.commit(turn(0))
    journal.close()
    assert [(file.name, file.stat().st_size) for file in tmp_path.iterdir()] == [("j", 0)]
    again = opened(tmp_path / "j")
    assert again.size(OURS) == 1
    again.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_power_cut_at_any_operation_leaves_what_was_promised(tmp_path: Path, disk: MediumVFS, seed: int) -> None:
    path = tmp_path / "j"
    begun(path).close()
    blank, cut, survived = disk.snapshot(), 0, False
    while not survived:
        disk.restore(blank)
        disk.chance.seed(seed * 1000 + cut)
        journal, promised = opened(path), 0
        disk.strike("power", cut + 1)
        with suppress(JournalError):
            for index in range(3):
                journal.commit(turn(index))
                promised = index + 1
            journal.compact()
        survived = not disk.dead
        journal.close()
        disk.boot()
        journal = opened(path)
        size = journal.size(OURS)
        assert promised <= size <= promised + 1
        assert journal.verify(OURS) == size
        assert journal.root_at(OURS, size) == root(size)
        journal.close()
        cut += 1
    assert cut > 30


def test_power_cut_takes_what_no_fsync_covered_and_a_kill_does_not() -> None:
    for fault, kept in (("power", set()), ("kill", {b"synced, lost"})):
        found = set()
        for seed in range(20):
            disk = MediumVFS("medium", seed)
            flags = [0, 0]
            file = disk.xOpen("/f", flags)
            file.xWrite(b"synced, ", 0)
            file.xSync(0)
            file.xWrite(b"lost", 8)
            disk.cut_power() if fault == "power" else disk.kill()
            disk.boot()
            found.add(disk.snapshot()["/f"])
            disk.unregister()
        assert found == (kept or {b"synced, ", b"synced, lost"})


def test_deleted_file_may_come_back_until_the_folder_was_synced() -> None:
    found = set()
    for seed in range(20):
        disk = MediumVFS("medium", seed)
        disk.xOpen("/f", [0, 0]).xSync(0)
        disk.xDelete("/f", syncdir=seed >= 10)
        disk.cut_power()
        disk.boot()
        found.add((seed >= 10, disk.xAccess("/f", 0)))
        disk.unregister()
    assert found == {(False, True), (False, False), (True, False)}


def test_write_is_torn_between_sectors_only() -> None:
    found = set()
    for seed in range(300):
        file = MediumFile(bytearray(1536), bytearray(1536))
        file.write(256, b"x" * 1024)
        file.tear(random.Random(seed))
        found.add(bytes(file.seen))
    for content in found:
        assert all(len(set(content[start:stop])) == 1 for start, stop in pairwise([256, 512, 1024, 1280]))
    assert len(found) == 8  # three parts, each there or not


@pytest.mark.parametrize("fault", ["io", "fsync", "kill", "power"])
def test_journal_says_so_when_the_disk_fails(tmp_path: Path, disk: MediumVFS, fault: Fault) -> None:
    journal = begun(tmp_path / "j")
    disk.strike(fault)
    with pytest.raises(JournalError, match=r"the journal's data"):
        journal.commit(turn(0))
    assert disk.struck_by == fault
    journal.close()


def test_full_disk_takes_no_more_until_it_is_healed(tmp_path: Path, disk: MediumVFS) -> None:
    journal = begun(tmp_path / "j")
    disk.strike("full")
    taken = commit_until_refused(journal)
    with pytest.raises(JournalError, match="the disk is full"):
        journal.commit(turn(taken))
    disk.heal()
    journal.commit(turn(taken))
    assert journal.size(OURS) == taken + 1 > 1
    journal.close()


def test_process_from_before_a_boot_writes_nothing_more(tmp_path: Path, disk: MediumVFS) -> None:
    old = begun(tmp_path / "j")
    disk.kill()
    disk.boot()
    new = opened(tmp_path / "j")
    with pytest.raises(JournalError):
        old.commit(turn(0))
    new.commit(turn(0))
    assert new.size(OURS) == 1
    old.close()
    new.close()


def test_restored_image_is_the_disk_of_that_time(tmp_path: Path, disk: MediumVFS) -> None:
    journal = begun(tmp_path / "j")
    journal.commit(turn(0))
    image = disk.snapshot()
    journal.commit(turn(1))
    journal.close()
    disk.restore(image)
    again = opened(tmp_path / "j")
    assert (again.size(OURS), again.line(LINE)) == (1, line_record())
    again.close()
