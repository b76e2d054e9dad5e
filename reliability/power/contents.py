"""Everything that a journal gives back, as one value that can be compared, and what has to be true of any of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reliability.power.scenarios import DOCUMENTS, LOGS, STUB, sample
from watchline.core.merkle import leaf_hash, root_of
from watchline.core.records import EntryRecord, Log, Pair
from watchline.journal.sqlite import SqliteJournal

STATEMENT_TYPE = 3
COSIGNATURES_READ = 8
NONCE_BYTES = 12  # a sealed value begins with its nonce, and no two have the same

Contents = dict[Any, Any]
Rows = dict[str, list[tuple[Any, ...]]]


class Broken(Exception):
    """What was found is not what was promised."""


def contents(journal: SqliteJournal) -> Contents:
    """Everything, through the journal's own verbs: so every sealed value in it opens."""
    found: Contents = {("documents", kind): journal.documents(kind) for kind in DOCUMENTS}
    for row in journal.lines():
        line = row.line
        found["line", line] = row
        found["states", line] = journal.states(line)
        found["certificates", line] = [journal.certificates(line, ours) for ours in (True, False)]
        found["alarms", line] = journal.alarms(line)
        found["attempts", line] = journal.attempts(line, 0)
        for ours in (True, False):
            found["prekeys", line, ours] = journal.prekeys(line, Pair(1, 1), ours)
            found["statement", line, ours] = journal.statement(line, ours, STATEMENT_TYPE)
        found["kept", line] = list(journal.statements(line, False, STATEMENT_TYPE, Pair(1, 1)))
        for log in journal.logs(line):
            found["gone", log] = [record.index for record in journal.entries(log, 0, journal.size(log)) if record.gone]
            size = journal.size(log)
            latest = journal.latest_receipt(log)
            found[log] = size, journal.latest_checkpoint(log), latest, journal.first_receipt_covering(log, 1)
            found["cosignatures", log] = journal.latest_cosignatures(log, COSIGNATURES_READ)
    return found


def rows(journal: SqliteJournal) -> Rows:
    """All rows of all tables as they stand in the file, with the sealed values."""
    tables = journal._disk.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    return {name: journal._disk.rows(f"SELECT * FROM {name}") for (name,) in tables}


def check(journal: SqliteJournal) -> None:
    """Broken unless every log holds the entries that were given to it, in order, and their tree."""
    for log in LOGS:
        check_log(journal, log)


def check_file(journal: SqliteJournal) -> None:
    """Broken if SQLite finds a fault in the file, such as an index that does not fit its table."""
    found = journal._disk.rows("PRAGMA integrity_check")
    if found != [("ok",)]:
        raise Broken(f"SQLite says {found}")


def check_log(journal: SqliteJournal, log: Log) -> None:
    size = journal.verify(log)
    entries = list(journal.entries(log, 0, size))
    if entries != [_stored(sample(log, index), entries[index].gone) for index in range(size)]:
        raise Broken("an entry is not the one that was stored there")
    if journal.root_at(log, size) != root_of([leaf_hash(record.leaf) for record in entries]):
        raise Broken("the root is not that of the entries")


def _stored(record: EntryRecord, gone: str | None) -> EntryRecord:
    """A sample as it reads once its body went; which went, the states of a run say."""
    return record if gone is None else replace(record, body=STUB, blinding=b"", sealed=None, gone=gone)


def secrets(journal: SqliteJournal) -> frozenset[bytes]:
    """The nonces of all secrets that are kept in slots now."""
    return frozenset(blob[:NONCE_BYTES] for (blob,) in journal._disk.rows("SELECT blob FROM secrets WHERE free = 0"))
