"""The disk fails, fills up or loses its power: what was committed is there, nothing else is, and nobody is told otherwise."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import apsw
import pytest

from reliability.medium import Fault as MediumFault
from reliability.medium import MediumVFS
from tests.journal.faulty_disk import Fault, FaultyDisk
from tests.journal.sample_records import LINE, NODE_KEY, OURS, PAIR, entry, line_record, root, turn
from watchline.core.records import PrekeyRecord
from watchline.errors import JournalError
from watchline.journal.sqlite import SqliteJournal, open_journal

COMMITS = 6
WAL_BYTES = 65_536  # so short that commits also write it back


@pytest.fixture(autouse=True)
def sound_disk() -> Iterator[FaultyDisk]:
    """What a journal is read back from: without a single true fsync, for there are hundreds of readings."""
    disk = FaultyDisk("sound")
    yield disk
    disk.unregister()


@pytest.fixture
def disk() -> Iterator[FaultyDisk]:
    disk = FaultyDisk("faulty")
    yield disk
    disk.unregister()


def begun(path: Path, vfs: str = "faulty", wal_bytes: int = WAL_BYTES) -> SqliteJournal:
    journal = open_on(vfs, path, create=True, wal_bytes=wal_bytes)
    try:
        journal.put_line(line_record(), [PrekeyRecord(LINE, PAIR, True, number, b"p%d" % number) for number in range(COMMITS)])
    except JournalError:
        journal.close()
        raise
    return journal


def open_on(vfs: str, path: Path, *, create: bool = False, wal_bytes: int = WAL_BYTES) -> SqliteJournal:
    return open_journal(path, NODE_KEY, create, vfs=vfs, wal_bytes=wal_bytes)


def play(path: Path, done: list[int]) -> None:
    """A short life: commits that replace and delete, with two compactions between them. `done` counts what was promised."""
    journal = begun(path)
    try:
        done.append(0)
        for index in range(COMMITS):
            journal.commit([*turn(index), PrekeyRecord(LINE, PAIR, True, index, None)])
            done.append(index + 1)
            if index % 3 == 1:
                journal.compact()
    finally:
        journal.close()


def check_holds(path: Path, promised: int) -> None:
    """Everything promised is there, at most the commit under way besides, whole; and the journal goes on."""
    journal = open_on("sound", path)
    size = journal.size(OURS)
    assert size in (promised, promised + 1)
    assert journal.verify(OURS) == size
    assert journal.root_at(OURS, size) == root(size)
    assert list(journal.entries(OURS, 0, size)) == [entry(index) for index in range(size)]
    assert journal.states(LINE) == ({"chain": b"chain key %d" % size, "edge": b"edge %d" % size} if size else {})
    assert list(journal.prekeys(LINE, PAIR, True)) == list(range(size, COMMITS))
    latest = journal.latest_checkpoint(OURS)
    assert (latest.size if latest else 0) == size
    journal.commit(turn(size))
    journal.close()
    connection = apsw.Connection(str(path))
    assert connection.pragma("integrity_check") == "ok"
    connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_power_cut_at_any_operation_keeps_every_commit_and_nothing_else(tmp_path: Path, seed: int) -> None:
    operations = cut = 0
    while True:
        folder = tmp_path / str(cut)
        folder.mkdir()
        disk = FaultyDisk("faulty", seed * 1000 + cut)
        done: list[int] = []
        disk.strike("power", cut + 1)
        with suppress(JournalError):
            play(folder / "journal", done)
        survived = not disk.dead
        operations = disk.operations
        disk.unregister()
        if done:
            check_holds(folder / "journal", done[-1])
        else:
            check_can_be_finished(folder / "journal")
        if survived:
            break
        cut += 1
    assert cut == operations > 100


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_power_cut_while_the_emptied_log_is_filled_never_revives_a_part_of_it(
    tmp_path: Path, disk: FaultyDisk, sound_disk: FaultyDisk, seed: int
) -> None:
    """Whatever part of the zeros the medium took: SQLite must not find the first half of the old log and believe it."""
    counted = four_turns(tmp_path / "counted", "sound")
    before = sound_disk.operations
    counted.compact()
    last = sound_disk.operations - before  # the fsync of the zeros
    counted.close()
    disk.chance.seed(seed)
    journal = four_turns(tmp_path / "journal", "faulty")
    disk.strike("power", last)
    with pytest.raises(JournalError):
        journal.compact()
    journal.close()
    check_entries(tmp_path / "journal", {4})


def four_turns(path: Path, vfs: str) -> SqliteJournal:
    journal = begun(path, vfs, 4 * WAL_BYTES)  # room for all of it: several commits to choose from
    for index in range(4):
        journal.commit(turn(index))
    return journal


def check_can_be_finished(path: Path, vfs: str = "sound") -> None:
    """A creation that was interrupted is begun again, unless it was complete but for the promise."""
    try:
        journal = open_on(vfs, path)
    except JournalError as error:
        assert error.facts["reason"] == "missing"
        journal = open_on(vfs, path, create=True)
    journal.put_line(line_record())
    journal.commit(turn(0))
    journal.close()


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["read", "io", "full"])
def test_creation_that_the_disk_refuses_says_so_and_can_be_finished(tmp_path: Path, fault: MediumFault) -> None:
    """SQLite rolls back by itself then; what failed first must not be hidden by a rollback that finds nothing."""
    medium = MediumVFS("refusing")
    path = tmp_path / "journal"
    try:
        for nth in itertools.count(1):
            medium.restore({str(path): b""})
            medium.strike(fault, nth)
            try:
                open_on("refusing", path, create=True).close()
                break
            except JournalError as error:
                assert error.facts["reason"] == ("disk-full" if fault == "full" else "io")
                medium.boot()
                check_can_be_finished(path, "refusing")
        assert nth > 3
    finally:
        medium.unregister()


@pytest.mark.parametrize(("fault", "code"), [("fsync", "SQLITE_IOERR_FSYNC"), ("io", "SQLITE_IOERR_WRITE")])
def test_failed_write_or_fsync_refuses_further_commits(tmp_path: Path, disk: FaultyDisk, fault: Fault, code: str) -> None:
    journal = begun(tmp_path / "journal")
    journal.commit(turn(0))
    disk.strike(fault)
    with pytest.raises(JournalError) as refused:
        journal.commit(turn(1))
    assert refused.value.facts["reason"] == "io"
    assert refused.value.facts["sqlite"] == code
    writes: list[Callable[[], None]] = [
        lambda: journal.commit(turn(1)),
        lambda: journal.put_line(line_record()),
        lambda: journal.put_document("kind", "key", b"", sealed=False),
        journal.compact,
    ]
    for again in writes:
        with pytest.raises(JournalError) as refused:
            again()
        assert refused.value.facts["reason"] == "stopped"
    journal.close()
    check_entries(tmp_path / "journal", {1, 2})


def check_entries(path: Path, sizes: set[int]) -> None:
    journal = open_on("sound", path)
    size = journal.size(OURS)
    assert size in sizes
    assert journal.verify(OURS) == size
    assert journal.state(LINE, "chain") == b"chain key %d" % size
    journal.close()


def test_failed_fsync_while_compacting_refuses_further_commits(tmp_path: Path, disk: FaultyDisk) -> None:
    for nth in range(1, 5):  # of the WAL, of the file, of the emptied WAL, of its zeros
        path = tmp_path / str(nth)
        journal = begun(path)
        journal.commit(turn(0))
        disk.strike("fsync", nth)
        with pytest.raises(JournalError):
            journal.compact()
        with pytest.raises(JournalError, match="takes nothing more"):
            journal.commit(turn(1))
        journal.close()
        check_entries(path, {1})


def test_power_cut_after_failed_fsync_keeps_what_was_committed(tmp_path: Path, disk: FaultyDisk) -> None:
    journal = begun(tmp_path / "journal")
    journal.commit(turn(0))
    disk.strike("fsync")
    with pytest.raises(JournalError):
        journal.commit(turn(1))
    disk.strike("power")
    journal.close()
    with suppress(apsw.IOError):
        disk.cut_power()
    check_entries(tmp_path / "journal", {1})


@pytest.mark.parametrize("fault", ["full", "short"])
def test_full_disk_stores_nothing_of_the_commit_and_loses_nothing(tmp_path: Path, disk: FaultyDisk, fault: Fault) -> None:
    journal = begun(tmp_path / "journal")
    journal.commit(turn(0))
    disk.strike(fault)
    with pytest.raises(JournalError) as refused:
        journal.commit(
            [entry(1), entry(2, body=bytes(65_536), sealed=bytes(65_536))]
        )  # more than the WAL's zeros have room for
    assert refused.value.facts["reason"] == "disk-full"
    assert journal.size(OURS) == 1
    assert journal.verify(OURS) == 1
    disk.heal()
    journal.commit(turn(1))
    journal.compact()
    journal.close()
    check_entries(tmp_path / "journal", {2})


def test_disk_that_stays_full_never_breaks_a_promise(tmp_path: Path, disk: FaultyDisk) -> None:
    """Small commits go on in the WAL's own space, until one is refused; then there is room again."""
    journal = begun(tmp_path / "journal", wal_bytes=4 * WAL_BYTES)
    disk.strike("full")
    size = commit_until_refused(journal)
    assert size > 0
    assert journal.size(OURS) == size
    with pytest.raises(JournalError, match="the disk is full"):
        journal.compact()
    journal.close()
    disk.heal()
    check_entries(tmp_path / "journal", {size})


def commit_until_refused(journal: SqliteJournal) -> int:
    for size in range(1000):
        try:
            journal.commit([entry(size, body=bytes(2000)), turn(size)[2]])
        except JournalError as error:
            assert error.facts["reason"] == "disk-full"
            return size
    raise AssertionError("a full disk took everything")


def test_journal_opens_on_a_full_disk(tmp_path: Path, disk: FaultyDisk) -> None:
    journal = begun(tmp_path / "journal")
    journal.commit(turn(0))
    journal.close()
    disk.strike("full")
    journal = open_on("faulty", tmp_path / "journal")
    assert journal.entry(OURS, 0) == entry(0)
    journal.close()


def live_until_refused(path: Path) -> None:
    """Commits that replace much of what is there, with compactions between them, until the disk fails."""
    journal = begun(path, "medium")
    try:
        for index in range(4):
            keys = [PrekeyRecord(LINE, PAIR, False, key, bytes([index]) * 1_216) for key in range(60)]
            journal.commit([*turn(index), *keys])
            if index % 2:
                journal.compact()
    finally:
        journal.close()


@pytest.mark.slow
@pytest.mark.parametrize("fsync", [12, 19])
@pytest.mark.parametrize("power", [1, 2, 5])
def test_power_cut_while_the_next_process_starts_after_a_failed_fsync_damages_nothing(
    tmp_path: Path, fsync: int, power: int
) -> None:
    """The system still showed what the medium never got, and SQLite took it for durable (power seed 588)."""
    for seed in range(8):
        path = tmp_path / f"{seed}.db"
        medium = MediumVFS("medium", seed=seed)
        try:
            medium.restore({str(path): b""})
            medium.strike("fsync", fsync)
            with pytest.raises(JournalError):
                live_until_refused(path)
            medium.boot()
            medium.strike("power", power)
            with suppress(JournalError):
                open_on("medium", path).close()
            assert medium.dead
            medium.boot()
            journal = open_on("medium", path)
            journal.verify(OURS)
            journal.close()
        finally:
            medium.unregister()
