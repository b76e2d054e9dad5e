"""Long bodies: kept once, as the ciphertext that travels, with the key to it sealed; they open and go like all others."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journal.sample_records import LINE, NODE_KEY, OURS, THEIRS, entry, leaf, line_record
from watchline.core.epochs import seal_body
from watchline.core.records import EntryRecord, Log, RemovalRecord
from watchline.errors import JournalError
from watchline.journal.bodies import _BY_KEY_BYTES, LONG_BYTES, Bodies, _is_by_key, _key_place
from watchline.journal.sealing import SEAL_BYTES, Seal, place_of
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


def sealed_entry(index: int, body: bytes, log: Log = OURS) -> EntryRecord:
    """An entry as the line makes it: with its ciphertext and the key to that."""
    key = random.Random(index).randbytes(32)
    return entry(index, log, body=body, sealed=seal_body(key, leaf(index), body), message_key=key)


def body_of(index: int) -> bytes:
    return random.Random(1000 + index).randbytes(1024)


@pytest.mark.parametrize("log", [OURS, THEIRS])
def test_long_body_is_kept_once_and_comes_back_after_a_restart(path: Path, journal: SqliteJournal, log: Log) -> None:
    records = [sealed_entry(index, body_of(index), log) for index in range(70)]
    journal.commit(records)
    assert journal._disk.rows("SELECT DISTINCT length(secret), length(sealed) FROM bodies") == [(_BY_KEY_BYTES, 1024 + 16)]
    assert list(journal.entries(log, 0, 70)) == records
    journal.close()
    reopened = open_journal(path, NODE_KEY, False, wal_bytes=65_536)
    assert list(reopened.entries(log, 0, 70)) == records
    reopened.close()


@pytest.mark.parametrize("length", [0, 31, 32, 33, LONG_BYTES - 17, LONG_BYTES - 16, LONG_BYTES, 65_536])
def test_body_of_any_length_comes_back_whether_it_is_kept_by_key_or_whole(journal: SqliteJournal, length: int) -> None:
    ours, theirs = sealed_entry(0, bytes(length)), sealed_entry(0, bytes(length), THEIRS)
    whole = replace(sealed_entry(1, bytes(length)), message_key=None)  # as versions before kept every body
    journal.commit([ours, theirs, whole])
    assert list(journal.entries(OURS, 0, 2)) == [ours, whole]
    kept = journal.entry(THEIRS, 0)
    assert kept is not None
    assert kept.body == theirs.body
    assert kept.sealed == (theirs.sealed if length + 16 >= LONG_BYTES else None)


@given(st.integers(0, 65_536))
def test_secret_that_holds_a_body_is_never_taken_for_one_that_holds_a_key(length: int) -> None:
    assert not _is_by_key(bytes(SEAL_BYTES + 32 + length), length + 16)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE bodies SET sealed = zeroblob(length(sealed))",
        "UPDATE bodies SET sealed = (SELECT sealed FROM bodies ORDER BY key DESC LIMIT 1)",
        "UPDATE bodies SET secret = (SELECT secret FROM bodies ORDER BY key DESC LIMIT 1)",
        "UPDATE bodies SET sealed = NULL",
        "UPDATE bodies SET sealed = zeroblob(16)",
        "UPDATE leaves SET leaf = x'00'",
    ],
)
def test_long_body_whose_ciphertext_key_or_leaf_was_changed_is_refused(journal: SqliteJournal, change: str) -> None:
    journal.commit([sealed_entry(0, body_of(0)), sealed_entry(1, body_of(1))])
    journal._disk.cursor.execute(change)
    with pytest.raises(JournalError) as caught:
        journal.entry(OURS, 0)
    assert caught.value.facts["reason"] == "damaged"


def test_removed_long_body_cannot_be_opened_with_the_files_the_node_key_and_its_ciphertext(
    path: Path, journal: SqliteJournal
) -> None:
    """Whoever copied the rows before holds the ciphertext and its sealed key: no key that is left opens that."""
    records = [sealed_entry(index, body_of(index)) for index in range(64)]
    journal.commit(records)
    block = journal._disk.rows("SELECT min(block) FROM body_keys")[0][0]
    rows = dict(journal._disk.rows("SELECT key & 0xffff, secret FROM bodies WHERE key >> 6 = ?", (block,)))
    gone = sorted(rows)[::2]

    journal.commit([RemovalRecord(OURS, "erased", tuple((index, STUB) for index in gone))])
    journal.compact()

    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    keys = [journal._secrets.open(_key_place(each), blob) for each, blob in journal._disk.rows(
        "SELECT block, blob FROM body_keys JOIN secrets USING (slot)"
    )]  # fmt: skip
    place = place_of("entry", LINE, *OURS.pair, True)
    for index in gone:
        assert records[index].sealed not in files
        assert records[index].message_key not in files
        for key in keys:
            for form in (b"", b"by key"):
                with pytest.raises(JournalError):
                    Seal(key, b"bodies").open(Bodies.place_at(place, index) + form, rows[index])
    for index in range(64):
        kept = journal.entry(OURS, index)
        assert kept is not None
        assert kept.body == (STUB if index in gone else records[index].body)
