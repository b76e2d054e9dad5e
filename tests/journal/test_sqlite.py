"""What only the SQLite journal promises: its file, its schema, sealing at rest, and that what is deleted is gone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from tests.journal.sample_records import LINE, NODE_KEY, OTHER_LINE, OURS, PAIR, THEIRS, checkpoint, entry, line_record, turn
from watchline.core.records import AlarmRecord, PrekeyRecord, StateRecord
from watchline.errors import JournalError, SecretError, UsageError
from watchline.journal.disk import SCHEMA, apply_migrations, read_migrations
from watchline.journal.sqlite import SqliteJournal, open_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    journal = open_journal(path, NODE_KEY, True, wal_bytes=65_536)
    journal.put_line(line_record())
    yield journal
    journal.close()


def edit(path: Path, sql: str, *bindings: object) -> None:
    """Change the closed file behind the journal's back."""
    connection = apsw.Connection(str(path))
    connection.execute(sql, bindings)
    connection.close()


# The file.


def test_files_are_readable_by_their_owner_only(path: Path, journal: SqliteJournal) -> None:
    journal.commit(turn(0))
    assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
        "journal": 0o600,
        "journal-wal": 0o600,
    }


def test_creating_over_a_journal_is_refused(path: Path, journal: SqliteJournal) -> None:
    journal.close()
    with pytest.raises(UsageError, match="already"):
        open_journal(path, NODE_KEY, True)
    assert open_journal(path, NODE_KEY, False).line(LINE) == line_record()


@pytest.mark.parametrize(("content", "reason"), [(None, "missing"), (b"", "missing"), (b"not a database" * 100, "damaged")])
def test_file_that_is_no_journal_is_refused(path: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(JournalError) as refused:
        open_journal(path, NODE_KEY, False)
    assert refused.value.facts["reason"] == reason
    assert refused.value.hint


def test_another_programs_database_is_left_alone(path: Path) -> None:
    edit(path, "CREATE TABLE theirs (x)")
    before = path.read_bytes()
    for create in (False, True):
        with pytest.raises(JournalError) as refused:
            open_journal(path, NODE_KEY, create)
        assert refused.value.facts["reason"] == "foreign"
    assert path.read_bytes() == before


def test_folder_that_is_not_there_is_a_journal_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError) as refused:
        open_journal(tmp_path / "no" / "journal", NODE_KEY, True)
    assert refused.value.facts["reason"] == "io"


def test_second_opening_is_refused_while_the_first_lasts(path: Path, journal: SqliteJournal) -> None:
    with pytest.raises(JournalError) as refused:
        open_journal(path, NODE_KEY, False)
    assert refused.value.facts["reason"] == "in-use"
    journal.commit(turn(0))


def test_overwritten_page_is_told_as_damage(path: Path, journal: SqliteJournal) -> None:
    for index in range(50):
        journal.commit(turn(index))
    journal.close()
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(JournalError) as refused:
        open_journal(path, NODE_KEY, False)
    assert refused.value.facts["reason"] == "damaged"


# The node key.


def test_wrong_node_key_is_refused_with_what_to_do(path: Path, journal: SqliteJournal) -> None:
    journal.close()
    for key in (b"x" * 32, b"short"):
        with pytest.raises(SecretError) as refused:
            open_journal(path, key, False)
        assert refused.value.hint


def test_nothing_secret_stands_in_the_files(path: Path, journal: SqliteJournal) -> None:
    secrets = [b"secret %d of this test" % number for number in range(6)]
    journal.put_line(line_record())
    journal.commit(
        [
            entry(0, body=secrets[0], blinding=secrets[1].ljust(32)),
            StateRecord(LINE, "chain", secrets[2]),
            PrekeyRecord(LINE, PAIR, True, 1, secrets[3]),
            AlarmRecord(LINE, 1, "fork", 22, "a fork", secrets[4]),
        ]
    )
    journal.put_document("pending", "one", secrets[5], sealed=True)
    journal.put_document("route", "one", b"plain to see", sealed=False)
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"plain to see" in files
    assert not [secret for secret in [*secrets, b"pairing of"] if secret in files]


@pytest.mark.parametrize(
    ("swap", "read"),
    [
        ("UPDATE bodies SET secret = (SELECT secret FROM bodies ORDER BY key DESC LIMIT 1)", lambda j: j.entry(OURS, 0)),
        ("UPDATE states SET slot = (SELECT slot FROM states WHERE part = 'edge')", lambda j: j.state(LINE, "chain")),
        ("UPDATE logs SET outgoing = 1 - outgoing", lambda j: j.entry(THEIRS, 0)),
        ("UPDATE lines SET line = zeroblob(32)", lambda j: j.lines()),
        ("UPDATE prekeys SET pre_id = pre_id + 1", lambda j: j.prekeys(LINE, PAIR, True)),
        ("UPDATE documents SET key = 'two'", lambda j: j.document("pending", "two")),
        ("UPDATE alarms SET kind = 'rollback'", lambda j: j.alarms(LINE)),
        ("UPDATE secrets SET blob = x'00'", lambda j: j.states(LINE)),
    ],
)
def test_sealed_value_in_another_place_does_not_open(path: Path, journal: SqliteJournal, swap: str, read: object) -> None:
    journal.commit([*turn(0), *turn(1), PrekeyRecord(LINE, PAIR, True, 1, b"p"), AlarmRecord(LINE, 1, "fork", 22, "a", b"e")])
    journal.put_document("pending", "one", b"value", sealed=True)
    journal.close()
    edit(path, swap)
    journal = open_journal(path, NODE_KEY, False)
    with pytest.raises(JournalError, match="changed or moved"):
        read(journal)  # type: ignore[operator]
    journal.close()


# Verification.


@pytest.mark.slow
@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE leaves SET leaf = x'00' WHERE key & 0xffff = 300",
        "UPDATE leaves SET leaf = x'00' WHERE key & 0xffff = 599",
        "DELETE FROM leaves WHERE key & 0xffff = 300",
        "DELETE FROM leaves WHERE key & 0xffff = 599",
        "UPDATE blocks SET root = zeroblob(32) WHERE number = 1",
        "DELETE FROM blocks WHERE number = 0",
        "INSERT INTO blocks SELECT log, level, 2, root FROM blocks WHERE number = 0",
        "UPDATE checkpoints SET root = zeroblob(32)",
    ],
)
def test_log_that_was_changed_does_not_verify(path: Path, journal: SqliteJournal, tampering: str) -> None:
    journal.commit([*(entry(index) for index in range(600)), checkpoint(600)])
    assert journal.verify(OURS) == 600
    journal.close()
    edit(path, tampering)
    journal = open_journal(path, NODE_KEY, False)
    with pytest.raises(JournalError) as refused:
        journal.verify(OURS)
    assert refused.value.facts["reason"] == "damaged"
    journal.close()


# Deletion (rule 41).


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_deleted_keys_are_gone_from_the_files_after_compact(path: Path, journal: SqliteJournal, seed: int) -> None:
    """Many lines, values of many lengths, so that SQLite splits, joins and moves pages: no copy may stay behind."""
    chance = random.Random(seed)
    lines = [bytes([number]) * 32 for number in range(40)]
    for number, line in enumerate(lines):
        journal.put_line(line_record(line, f"line {number}"))
    gone: set[bytes] = set()
    for _ in range(12):
        before = sealed_values(journal)
        journal.commit(change for _ in range(60) for change in changes(chance, lines))
        gone |= before - sealed_values(journal)
        journal.compact()
    kept = sealed_values(journal)
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert len(gone) > 300
    assert kept
    assert all(value[:20] in files for value in kept if len(value) < 300)
    assert not [value for value in gone - kept if value[:20] in files or value[-20:] in files]


def changes(chance: random.Random, lines: list[bytes]) -> list[StateRecord | PrekeyRecord]:
    line = chance.choice(lines)
    value = chance.randbytes(chance.choice([32, 96, 200, 1216]))
    return [
        StateRecord(line, chance.choice(["chain", "edge", "epoch"]), chance.randbytes(chance.choice([64, 128, 640]))),
        PrekeyRecord(line, PAIR, True, chance.randrange(32), chance.choice([value, None])),
    ]


def sealed_values(journal: SqliteJournal) -> set[bytes]:
    return {value for (value,) in journal._disk.rows("SELECT blob FROM secrets WHERE free = 0")}


def test_dropped_line_is_gone_from_the_files_after_compact(path: Path, journal: SqliteJournal) -> None:
    journal.put_line(line_record(OTHER_LINE, "abandoned"))
    journal.commit([entry(0, OURS._replace(line=OTHER_LINE), leaf=b"a leaf of the abandoned line")])
    journal.drop_line(OTHER_LINE)
    journal.compact()
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"a leaf of the abandoned line" not in files
    assert OTHER_LINE not in files


def test_log_of_writes_is_written_back_before_it_outgrows_its_zeros(path: Path, journal: SqliteJournal) -> None:
    for index in range(100):
        journal.commit(turn(index))
    assert path.with_name("journal-wal").stat().st_size < 2 * 65_536 + 65_536


# The schema.


def schema_of(connection: apsw.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name").fetchall()


def test_current_schema_is_what_the_migrations_give() -> None:
    migrated, current = apsw.Connection(":memory:"), apsw.Connection(":memory:")
    apply_migrations(migrated, read_migrations())
    current.execute((SCHEMA / "current.sql").read_text())
    assert schema_of(migrated) == schema_of(current)


def test_migrations_are_applied_once_and_in_order() -> None:
    connection = apsw.Connection(":memory:")
    scripts = ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y"]
    apply_migrations(connection, scripts)
    apply_migrations(connection, scripts)
    apply_migrations(connection, [*scripts, "ALTER TABLE a ADD COLUMN z"])
    assert connection.pragma("user_version") == 3
    assert [row[1] for row in connection.execute("PRAGMA table_info(a)")] == ["x", "y", "z"]


def test_migration_that_fails_leaves_the_file_as_it_was() -> None:
    connection = apsw.Connection(":memory:")
    apply_migrations(connection, ["CREATE TABLE a (x)"])
    with pytest.raises(apsw.SQLError):
        apply_migrations(connection, ["CREATE TABLE a (x)", "CREATE TABLE b (x)", "CREATE TABLE b (x)"])
    assert connection.pragma("user_version") == 1
    assert [row[1] for row in schema_of(connection)] == ["a"]


def test_file_of_a_newer_version_is_refused_and_left_as_it_is(path: Path, journal: SqliteJournal) -> None:
    journal.close()
    edit(path, f"PRAGMA user_version = {len(read_migrations()) + 1}")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="newer version") as refused:
        open_journal(path, NODE_KEY, False)
    assert refused.value.facts["reason"] == "newer"
    assert path.read_bytes() == before
