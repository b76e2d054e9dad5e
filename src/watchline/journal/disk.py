"""One SQLite file that keeps its word: opening, transactions, deletion, and what to make of every error.

The rules kept here:

- A transaction is on the medium when it returns: WAL, synchronous=FULL.
- After a failed write or fsync nothing more is written. What the system then holds in memory may differ from the medium,
  and a second fsync that succeeds proves nothing; only a fresh start reads the truth. A full disk is different: SQLite is
  told before anything is lost, rolls back, and goes on when there is room.
- What was deleted is overwritten: secure_delete in the file (`secrets` says what that lacks), and a WAL that `compact` empties.
- The file is ours alone while it is open (locking_mode=EXCLUSIVE), and readable by its owner only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import apsw

from watchline.errors import JournalError, UsageError

APPLICATION_ID = 0x574C4A4C  # "WLJL", in the file's header: not every SQLite file is a journal
SCHEMA = Path(__file__).parent / "schema"

# The WAL is kept this long and full of zeros: overwriting takes about half as long as appending, because the file's
# length and blocks need no fsync of their own. SQLite takes zeros for an empty log.
WAL_BYTES = 4 * 1024 * 1024
_WAL_CHUNK_BYTES = 65_536  # SQLite's own VFS writes no more than 128 KiB at once
_WAL_FRAME_BYTES = 4096 + 24
_CACHE_KIBIBYTES = 8192
_COPY_PAGES = 64  # copied at once while other things wait: less than a millisecond

DAMAGED_HINT = "stop this desk, keep the file as it is, and check the disk; the other desk holds what it gave receipts for"

# Errors that only a bug in our statements or values can cause.
_BUGS = (
    apsw.SQLError,
    apsw.ConstraintError,
    apsw.MismatchError,
    apsw.RangeError,
    apsw.MisuseError,
    apsw.TooBigError,
    apsw.ConnectionClosedError,
)


class Disk:
    """The open file. Every apsw error ends here and leaves as JournalError, or as RuntimeError if it shows a bug of ours."""

    def __init__(
        self,
        path: Path,
        create: Callable[[apsw.Connection], object] | None,
        *,
        vfs: str | None = None,
        wal_bytes: int = WAL_BYTES,
    ) -> None:
        """Open or create the file and bring its schema up to date.

        create: None opens what is there. Else a new file is begun, or one whose creation was interrupted is finished, and
        `create` stores its first rows in the same transaction as the schema; UsageError if there is a journal already.
        vfs: the name of a registered SQLite VFS; None for the default one. wal_bytes: how long the WAL is kept.
        """
        self._path = path
        self._vfs = vfs or ""
        self._wal_bytes = wal_bytes
        self._wal_pages = 0
        self._stopped = False
        _prepare_file(path, create is not None)
        try:
            self._write_wal_again()
            self._connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs)
        except apsw.Error as error:
            raise self._judge(error) from error
        try:
            self._begin(create)
            self.cursor = self._connection.cursor()
        except apsw.Error as error:
            failure = self._judge(error)
            self.close()
            raise failure from error
        except BaseException:
            self.close()
            raise

    def rows(self, sql: str, bindings: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query. None of it stays open: an open query would hold back `compact`."""
        try:
            return self._connection.execute(sql, bindings).fetchall()
        except apsw.Error as error:
            raise self._judge(error) from error

    def changed(self) -> int:
        """How many rows the last statement changed."""
        return self._connection.changes()

    def last_number(self) -> int:
        """The key of the row that was inserted last."""
        return self._connection.last_insert_rowid()

    @contextmanager
    def transaction(self) -> Iterator[apsw.Cursor]:
        """All that is done with the cursor, or nothing; durable when the block is left. Reading with `rows` sees it too."""
        self._refuse_if_stopped()
        try:
            self.cursor.execute("BEGIN IMMEDIATE")
            yield self.cursor
            self.cursor.execute("COMMIT")
            if self._wal_pages * _WAL_FRAME_BYTES > self._wal_bytes:
                self._write_back()
        except BaseException as error:
            self._roll_back()
            if isinstance(error, apsw.Error):
                raise self._judge(error) from error
            raise

    def compact(self) -> None:
        """Move the WAL into the file, empty it, and fill it with zeros: what was deleted is gone from both."""
        self._refuse_if_stopped()
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self._wal_pages = 0
            self._extend_wal()
        except apsw.Error as error:
            raise self._judge(error) from error

    def copy(self, path: Path, room_bytes: int) -> Iterator[None]:
        """Copy the whole to a new file, some pages a step; what is committed between two steps goes into the copy, too.

        room_bytes: how much must be left free on our own disk. An abandoned or failed copy is for the caller to delete.
        """
        size = self._connection.pragma("page_count") * self._connection.pragma("page_size")
        try:
            ours = path.parent.stat().st_dev == self._path.parent.stat().st_dev
            if ours and self.free_bytes() < size + room_bytes:
                raise UsageError(
                    f"there is no room for a copy of the journal ({size} bytes)",
                    hint=f"free space in {path.parent}",
                    size=size,
                )
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            target = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
            try:
                target.pragma("journal_mode", "MEMORY")
                target.pragma("synchronous", "OFF")  # one fsync of all of it would hold up whoever steps through this
                with target.backup("main", self._connection, "main") as backup:
                    while not backup.done:
                        backup.step(_COPY_PAGES)
                        yield
            finally:
                target.close()
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise self._judge(error) from error
        except (apsw.Error, OSError) as error:  # it says nothing of our own disk
            raise UsageError(f"the journal's copy cannot be written: {error}", hint="check the folder and its space") from error

    def free_bytes(self) -> int:
        """Free space for us on the file system that holds the file."""
        try:
            found = os.statvfs(self._path.parent)
        except OSError as error:
            raise _io_error(error) from error
        return found.f_bavail * found.f_frsize

    def close(self) -> None:
        """Close. No error matters here: what was promised is durable, and what SQLite cannot tidy up the next start reads."""
        with suppress(apsw.Error):
            self._connection.close()

    def _begin(self, create: Callable[[apsw.Connection], object] | None) -> None:
        connection = self._connection
        connection.pragma("locking_mode", "EXCLUSIVE")
        blank = not connection.execute("SELECT count(*) FROM sqlite_schema").get
        if not blank and connection.pragma("application_id") != APPLICATION_ID:
            raise JournalError("the file is not a Watchline journal", hint="check the path", reason="foreign")
        if blank and create is None:
            raise JournalError("the journal is empty: its creation was interrupted", hint="create it again", reason="missing")
        if not blank and create is not None:
            raise UsageError("there is a journal already", hint="open it, or choose another home")
        if connection.readonly("main"):
            raise JournalError("the journal cannot be written", hint="check the owner and mode of the file", reason="io")
        if connection.pragma("journal_mode", "WAL") != "wal":
            raise JournalError("the file system cannot hold the journal's WAL", hint="use a local disk", reason="io")
        connection.pragma("synchronous", "FULL")
        connection.pragma("secure_delete", "ON")
        connection.pragma("foreign_keys", "ON")
        connection.pragma("temp_store", "MEMORY")  # nothing that is deleted here may live on in a temporary file
        connection.pragma("cache_size", -_CACHE_KIBIBYTES)
        connection.set_wal_hook(self._wal_grew)
        with _all_or_nothing(connection):
            apply_migrations(connection, read_migrations())
            if create is not None:
                create(connection)
        with suppress(apsw.FullError):  # A full disk must not keep people from reading what is there.
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self._extend_wal()

    def _wal_grew(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _write_back(self) -> None:
        """Copy the WAL into the file so that it starts over. It is durable as it is: a full disk does not matter yet."""
        with suppress(apsw.FullError):
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _write_wal_again(self) -> None:
        """Before SQLite reads the WAL, make sure that the medium has it.

        After a failed fsync the system may count as written what the medium never got, and show it to the next process. What
        SQLite then copied into the file would lie beside a WAL with holes, and a power cut would leave neither of them whole.
        """
        try:
            wal = apsw.VFSFile(self._vfs, f"{self._path}-wal", [apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_READWRITE, 0])
        except apsw.CantOpenError:
            return
        try:
            length = wal.xFileSize()
            for offset in range(0, length, _WAL_CHUNK_BYTES):
                wal.xWrite(wal.xRead(min(_WAL_CHUNK_BYTES, length - offset), offset), offset)
            wal.xSync(apsw.SQLITE_SYNC_NORMAL)
        finally:
            wal.xClose()

    def _extend_wal(self) -> None:
        """Fill the emptied WAL with zeros. Only a matter of speed: on a full disk it stays as long as it got."""
        flags = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        wal = apsw.VFSFile(self._vfs, f"{self._path}-wal", [flags, 0])
        try:
            # Without this fsync a power cut could leave the old WAL with zeros in its middle; SQLite would take the older
            # half of it for the truth.
            wal.xSync(apsw.SQLITE_SYNC_NORMAL)
            for offset in range(0, self._wal_bytes, _WAL_CHUNK_BYTES):
                wal.xWrite(bytes(_WAL_CHUNK_BYTES), offset)
            wal.xSync(apsw.SQLITE_SYNC_NORMAL)
        except apsw.FullError:
            pass
        finally:
            wal.xClose()

    def _roll_back(self) -> None:
        if not self._connection.in_transaction:
            return  # SQLite rolls back by itself after the worse errors.
        try:
            self._connection.execute("ROLLBACK")
        except apsw.Error:
            self._stop()

    def _refuse_if_stopped(self) -> None:
        if self._stopped:
            raise JournalError(
                "the journal takes nothing more after a failed write",
                hint="end this process and check the disk",
                reason="stopped",
            )

    def _stop(self) -> None:
        self._stopped = True
        # Closing must not copy into the file what may differ from the medium.
        self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)

    def _judge(self, error: apsw.Error) -> Exception:
        """What an SQLite error means for us; stops the journal where durability is in doubt."""
        code = apsw.mapping_extended_result_codes.get(getattr(error, "extendedresult", 0), type(error).__name__)
        if isinstance(error, _BUGS):
            return RuntimeError(f"a bug in the journal or in what it was given: {error}")
        if isinstance(error, apsw.FullError):
            return JournalError(
                "the disk is full: nothing of this was stored, nothing that was stored is lost",
                hint=f"free space in {self._path.parent}",
                reason="disk-full",
                sqlite=code,
            )
        if isinstance(error, apsw.BusyError):
            return JournalError("another process uses the journal", hint="end it first", reason="in-use", sqlite=code)
        if hasattr(self, "_connection"):
            self._stop()
        if isinstance(error, apsw.CorruptError | apsw.NotADBError):
            return JournalError(
                "the journal's file is damaged",
                hint=DAMAGED_HINT,
                reason="damaged",
                sqlite=code,
            )
        return JournalError(
            "the disk did not take or give the journal's data",
            hint="end this process and check the disk",
            reason="io",
            sqlite=code,
        )


def read_migrations(folder: Path = SCHEMA) -> list[str]:
    """The numbered scripts in order; number n is the n-th, counted from 1."""
    paths = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    if [int(path.name[:4]) for path in paths] != list(range(1, len(paths) + 1)):
        raise RuntimeError("the migrations are not numbered 1, 2, 3, ...")
    return [path.read_text(encoding="utf-8") for path in paths]


def apply_migrations(connection: apsw.Connection, migrations: Sequence[str]) -> None:
    """Apply those that the file has not had, all in one transaction that also records them (user_version).

    Raises JournalError for a file that has had more than we know of: it is left as it is.
    """
    version = connection.pragma("user_version")
    if version > len(migrations):
        raise JournalError(
            "the journal was written by a newer version of Watchline",
            hint="use that version, or a later one",
            reason="newer",
            found=version,
            known=len(migrations),
        )
    if version == len(migrations):
        return
    with _all_or_nothing(connection):
        for script in migrations[version:]:
            connection.execute(script)
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", len(migrations))


@contextmanager
def _all_or_nothing(connection: apsw.Connection) -> Iterator[None]:
    """One transaction, or a part of the one that is open.

    After the worse errors SQLite has rolled back by itself. apsw's own `with connection` would then fail at its rollback, and
    hide what had happened.
    """
    inside = connection.in_transaction
    if inside:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            with suppress(apsw.Error):  # the connection is given up after this
                connection.execute("ROLLBACK")
        raise


def _prepare_file(path: Path, create: bool) -> None:
    """Make the file before SQLite does, for its mode; the WAL takes the mode over."""
    if not create:
        if not path.exists():
            raise JournalError(
                "there is no journal here", hint="check the home, or create one", reason="missing", path=str(path)
            )
        return
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        pass  # Whether it is a journal, or a creation that was interrupted, shows once it is open.
    except OSError as error:
        raise _io_error(error) from error


def _io_error(error: OSError) -> JournalError:
    return JournalError(f"the journal's disk failed: {error.strerror}", hint="check the disk and the home's path", reason="io")
