"""Bodies that go: what a journal still gives back of their entries, and that nothing in its files opens them any more."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.journal.sample_records import LINE, NODE_KEY, OTHER_LINE, OURS, THEIRS, checkpoint, entry, line_record, root
from watchline.core.records import EntryRecord, Log, RemovalRecord
from watchline.errors import JournalError
from watchline.journal.bodies import _key_place
from watchline.journal.sealing import Seal, place_of
from watchline.journal.sqlite import SqliteJournal, open_journal

STUB = b"a stub"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    journal = open_journal(path, NODE_KEY, True, wal_bytes=65_536)
    journal.put_line(line_record())
    yield journal
    journal.close()


def removal(*indexes: int, log: Log = OURS, gone: str = "archived") -> RemovalRecord:
    return RemovalRecord(log, gone, tuple((index, STUB) for index in indexes))


def without_body(record: EntryRecord, gone: str = "archived") -> EntryRecord:
    return replace(record, body=STUB, blinding=b"", sealed=None, gone=gone)


def in_files(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_entry_whose_body_went_keeps_everything_else(path: Path, journal: SqliteJournal) -> None:
    full = entry(0, re=7, number=3, nonce=b"n" * 16, once="key", released=True)
    journal.commit([full, entry(1), checkpoint(2)])
    journal.commit([removal(0)])
    for _ in range(2):
        assert journal.entry(OURS, 0) == without_body(full)
        assert journal.entry(OURS, 1) == entry(1)
        assert journal.by_nonce(LINE, b"n" * 16, True) == ((OURS, 0), (OURS, 0))
        assert journal.by_once(LINE, "key") == journal.by_number(LINE, True, 3) == (OURS, 0)
        assert journal.referring(OURS, 7) == [0]
        assert journal.verify(OURS) == 2
        assert journal.root_at(OURS, 2) == root(2)
        journal.close()
        journal = open_journal(path, NODE_KEY, False, wal_bytes=65_536)
    journal.commit([entry(2)])
    assert journal.entry(OURS, 2) == entry(2)
    journal.close()


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(st.sampled_from([OURS, THEIRS]), st.sets(st.integers(0, 199), max_size=40)), max_size=6))
def test_whatever_goes_the_other_bodies_stay_as_they_were(removals: list[tuple[Log, set[int]]]) -> None:
    with TemporaryDirectory() as folder:
        journal = open_journal(Path(folder) / "journal", NODE_KEY, True, wal_bytes=65_536)
        journal.put_line(line_record())
        journal.commit(entry(index, log) for log in (OURS, THEIRS) for index in range(200))
        for number, (log, indexes) in enumerate(removals):
            journal.commit([removal(*indexes, log=log, gone=f"in round {number}")])
        for log in (OURS, THEIRS):
            first = {index: number for number, (of, gone) in reversed(list(enumerate(removals))) if of == log for index in gone}
            expected = [
                without_body(entry(index, log), f"in round {first[index]}") if index in first else entry(index, log)
                for index in range(200)
            ]
            assert list(journal.entries(log, 0, 200)) == expected
        journal.close()


def test_entry_of_an_unknown_body_is_stored_with_a_stub(journal: SqliteJournal) -> None:
    record = without_body(entry(0, THEIRS), "withheld")
    journal.commit([record])
    assert journal.entry(THEIRS, 0) == record
    assert list(journal.kept_before(THEIRS, 2_000_000_000)) == []


@pytest.mark.parametrize("records", [[removal(0, 2)], [replace(entry(2), blinding=b"")], [replace(entry(2), gone="erased")]])
def test_removal_of_what_is_not_there_and_a_stub_with_a_blinding_are_bugs_and_nothing_is_stored(
    journal: SqliteJournal, records: list[RemovalRecord | EntryRecord]
) -> None:
    journal.commit([entry(0), entry(1)])
    with pytest.raises(RuntimeError):
        journal.commit(records)
    assert list(journal.entries(OURS, 0, 9)) == [entry(0), entry(1)]


def test_bodies_kept_are_listed_oldest_first_and_without_those_that_went(journal: SqliteJournal) -> None:
    journal.commit(entry(index, time=1_000 - index % 3, re=5 if index == 4 else None) for index in range(3_000))
    journal.commit([entry(0, THEIRS, time=1)])
    journal.commit([removal(2, 7)])
    listed = list(journal.kept_before(OURS, 1_000))
    wanted = [index for rest in (2, 1) for index in range(3_000) if index % 3 == rest and index not in (2, 7)]
    assert listed == [(index, index % 10, 5 if index == 4 else None) for index in wanted]
    assert list(journal.kept_before(OURS._replace(line=OTHER_LINE), 1_000)) == []


@pytest.mark.slow
def test_bodies_may_go_while_those_kept_are_listed(journal: SqliteJournal) -> None:
    journal.commit(entry(index) for index in range(5_000))
    seen = []
    for index, _, _ in journal.kept_before(OURS, 2_000_000_000):
        seen.append(index)
        if index % 100 == 99:
            journal.commit([removal(*range(index - 50, index + 1))])
    assert seen == list(range(5_000))


# That it is really gone (rule 41).


def test_removed_body_cannot_be_opened_with_the_files_and_the_node_key(path: Path, journal: SqliteJournal) -> None:
    """Whoever copied the rows before, and has the files, the node key and all that it opens, holds no key to the body."""
    chance = random.Random(3)
    gone, kept = list(range(0, 64, 2)), list(range(1, 64, 2))
    bodies = {index: chance.randbytes(chance.choice([40, 900, 6_000])) for index in range(64)}
    for index in range(64):  # both logs in turns, so that rows are moved between pages
        theirs = entry(index, THEIRS, body=bodies[index])
        journal.commit([entry(index, body=bodies[index], sealed=chance.randbytes(200)), theirs])
    block = journal._disk.rows("SELECT min(block) FROM body_keys")[0][0]
    (old_blob,) = journal._disk.rows("SELECT blob FROM body_keys JOIN secrets USING (slot) WHERE block = ?", (block,))[0]
    old_key = journal._secrets.open(_key_place(block), old_blob)
    rows = dict(journal._disk.rows("SELECT key & 0xffff, secret FROM bodies WHERE key >> 6 = ?", (block,)))
    place = place_of("entry", LINE, *OURS.pair, True)
    at = {index: place + index.to_bytes(8, "big") for index in rows}
    assert Seal(old_key, b"bodies").open(at[2], rows[2])[32:] == bodies[2]

    journal.commit([removal(*gone)])
    journal.compact()

    files = in_files(path)
    assert old_key not in files
    assert old_blob not in files
    assert old_blob[:20] not in files
    keys = [journal._secrets.open(_key_place(each), blob) for each, blob in journal._disk.rows(
        "SELECT block, blob FROM body_keys JOIN secrets USING (slot)"
    )]  # fmt: skip
    for index in gone:
        assert bodies[index] not in files
        for key in keys:
            with pytest.raises(JournalError):
                Seal(key, b"bodies").open(at[index], rows[index])
    assert [journal.entry(OURS, index) for index in gone] == [
        replace(entry(index), body=STUB, blinding=b"", sealed=None, gone="archived") for index in gone
    ]
    assert [record.body for index in kept if (record := journal.entry(OURS, index))] == [bodies[index] for index in kept]


def test_wire_ciphertext_goes_with_its_body(path: Path, journal: SqliteJournal) -> None:
    wire = random.Random(5).randbytes(300)
    journal.commit([entry(0, sealed=wire), entry(1)])
    assert wire in in_files(path)
    journal.commit([removal(0)])
    journal.compact()
    assert wire not in in_files(path)


def test_removal_that_fails_leaves_the_keys_as_they_are(path: Path, journal: SqliteJournal) -> None:
    journal.commit(entry(index) for index in range(4))
    with pytest.raises(RuntimeError):
        journal.commit([removal(0), removal(99)])
    assert list(journal.entries(OURS, 0, 4)) == [entry(index) for index in range(4)]
    journal.commit([entry(4)])
    journal.close()
    journal = open_journal(path, NODE_KEY, False, wal_bytes=65_536)
    assert list(journal.entries(OURS, 0, 5)) == [entry(index) for index in range(5)]
    journal.close()


def test_dropped_line_gives_the_keys_of_its_bodies_back(journal: SqliteJournal) -> None:
    journal.put_line(line_record(OTHER_LINE, "abandoned"))
    journal.commit(entry(index, OURS._replace(line=OTHER_LINE)) for index in range(130))
    journal.drop_line(OTHER_LINE)
    assert journal._disk.rows("SELECT count(*) FROM body_keys") == [(0,)]
    journal.put_line(line_record(OTHER_LINE, "again"))
    journal.commit([entry(0, OURS._replace(line=OTHER_LINE))])
    assert journal.entry(OURS._replace(line=OTHER_LINE), 0) == entry(0, OURS._replace(line=OTHER_LINE))


def test_body_whose_key_is_missing_is_damage(path: Path, journal: SqliteJournal) -> None:
    journal.commit(entry(index) for index in range(65))
    journal.close()
    connection = apsw.Connection(str(path))
    connection.execute("DELETE FROM body_keys WHERE block = (SELECT max(block) FROM body_keys)")
    connection.close()
    journal = open_journal(path, NODE_KEY, False)
    assert journal.entry(OURS, 0) == entry(0)
    with pytest.raises(JournalError) as refused:
        journal.entry(OURS, 64)
    assert refused.value.facts["reason"] == "damaged"
    journal.close()
