"""What tests of keys and backups do with homes on disk: look into one, and open its identity's medium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.desk.sample_homes import IDENTITY
from watchline.desk.home import Home
from watchline.desk.incarnation import read_own
from watchline.desk.medium import Unlocked
from watchline.desk.own import OwnDesk
from watchline.journal.sqlite import SqliteJournal


@contextmanager
def journal_of(path: Path) -> Iterator[SqliteJournal]:
    home = Home.open(path)
    with home.lock():
        journal = home.open_journal()
        try:
            yield journal
        finally:
            journal.close()


def own_of(path: Path) -> OwnDesk:
    with journal_of(path) as journal:
        return read_own(journal)


def unlocked(folder: Path, passphrase: str = IDENTITY) -> Unlocked:
    return Unlocked.open(folder, passphrase)
