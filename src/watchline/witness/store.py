"""What a witness remembers: for each log the head that it cosigned last, on the medium before the cosignature leaves.

After a write that failed in any other way than for want of room nothing more is written: whether it is on the medium shows only
at the next start, and until then no signature may rest on it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import apsw

from watchline.core.checkpoint import VerifierKey
from watchline.core.witnessing import TreeHead
from watchline.errors import JournalError

APPLICATION_ID = 0x574C5749  # "WLWI": not every SQLite file is a witness's
SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE heads (
    origin TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE logs (
    origin TEXT PRIMARY KEY,
    vkey TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""


class Known(NamedTuple):
    """The head that was cosigned last, and the time that the cosignature says."""

    head: TreeHead
    time: int


class Store:
    """One open file; no other process may have it open."""

    def __init__(self, path: Path, *, create: bool = False, vfs: str | None = None) -> None:
        """Open the file. create: make it if it is not there, or if its making was interrupted.

        Raises JournalError with the fact `reason`: missing, foreign, newer, in-use, io.
        """
        self.failed: JournalError | None = None
        _prepare(path, create)
        try:
            self._connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs)
        except apsw.Error as error:
            raise _io_error(error) from error
        try:
            self._begin(create)
        except apsw.Error as error:
            self.close()
            raise _in_use() if isinstance(error, apsw.BusyError) else _io_error(error) from error
        except BaseException:
            self.close()
            raise

    def _begin(self, create: bool) -> None:
        connection = self._connection
        connection.pragma("locking_mode", "EXCLUSIVE")
        connection.pragma("journal_mode", "WAL")
        connection.pragma("synchronous", "FULL")
        connection.execute("BEGIN IMMEDIATE")  # takes the file for this process alone, until it is closed
        blank = not connection.execute("SELECT count(*) FROM sqlite_schema").get
        if blank and not create:
            raise _missing()
        if blank:
            connection.execute(_SCHEMA)
            connection.pragma("application_id", APPLICATION_ID)
            connection.pragma("user_version", SCHEMA_VERSION)
        elif connection.pragma("application_id") != APPLICATION_ID:
            raise JournalError("the file is no witness's memory", hint="check the folder", reason="foreign")
        elif connection.pragma("user_version") > SCHEMA_VERSION:
            raise JournalError("the witness's memory is of a newer version", hint="use that version", reason="newer")
        connection.execute("COMMIT")

    def known(self, origin: str) -> Known | None:
        """What was cosigned last of this log; None for nothing."""
        with self._guard():
            row = self._connection.execute("SELECT size, root, time FROM heads WHERE origin = ?", (origin,)).fetchone()
        return None if row is None else Known(TreeHead(row[0], row[1]), row[2])

    def advance(self, origin: str, head: TreeHead, time: int) -> None:
        """Remember that this head is cosigned; on return it is on the medium. Raises JournalError, and RuntimeError for a head
        below the one that is known: that is a bug, and must never be signed.
        """
        with self._transaction():
            self._connection.execute(
                "INSERT INTO heads VALUES (?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE"
                " SET size = excluded.size, root = excluded.root, time = excluded.time WHERE excluded.size >= size",
                (origin, head.size, head.root, time),
            )
            if not self._connection.changes():
                raise RuntimeError("a head below the one that was cosigned")

    def log_key(self, origin: str) -> VerifierKey | None:
        """The key that was given for this origin first."""
        with self._guard():
            row = self._connection.execute("SELECT vkey FROM logs WHERE origin = ?", (origin,)).fetchone()
        return None if row is None else VerifierKey.parse(row[0])

    def count_logs(self) -> int:
        """For how many origins there is a key."""
        with self._guard():
            return int(self._connection.execute("SELECT count(*) FROM logs").get)

    def add_log(self, key: VerifierKey) -> None:
        """Take this key for the origin that it is named after; durable on return. The first one stays."""
        with self._transaction():
            self._connection.execute("INSERT INTO logs VALUES (?, ?) ON CONFLICT DO NOTHING", (key.name, key.to_text()))

    def close(self) -> None:
        """Give the file back."""
        with suppress(apsw.Error):
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._guard():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _guard(self) -> Iterator[None]:
        if self.failed is not None:
            raise self.failed
        try:
            yield
        except apsw.FullError as error:
            raise JournalError("the witness's disk is full", hint="free some space", reason="disk-full") from error
        except apsw.Error as error:
            self.failed = _io_error(error)
            # Closing must not copy into the file what may differ from the medium.
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            raise self.failed from error


def _prepare(path: Path, create: bool) -> None:
    """Make the file before SQLite does, for its mode, and put its name on the medium."""
    if not create:
        if not path.exists():
            raise _missing()
        return
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        pass
    except OSError as error:
        raise JournalError(f"{path} cannot be made: {error.strerror}", hint="check the folder", reason="io") from error


def _missing() -> JournalError:
    return JournalError(
        "the witness's memory is missing: it would sign again what it signed before",
        hint="bring witness.db back, or make a new witness with a new key in another folder; desks then change their terms",
        reason="missing",
    )


def _in_use() -> JournalError:
    return JournalError("another process is this witness", hint="end it first", reason="in-use")


def _io_error(error: apsw.Error) -> JournalError:
    return JournalError(f"the witness's disk failed: {error}", hint="end this process and check the disk", reason="io")
