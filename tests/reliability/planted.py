"""Faults that the harnesses have to find out, where more than one of them does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from watchline.journal.disk import Disk


class HastyDisk(Disk):
    """Shows what transactions did, and makes them durable only so many together."""

    TOGETHER = 1

    @contextmanager
    def transaction(self) -> Iterator[apsw.Cursor]:
        waiting = getattr(self, "_waiting", 0)
        if self._connection.in_transaction and waiting >= self.TOGETHER:
            self.cursor.execute("COMMIT")
            waiting = 0
        if not self._connection.in_transaction:
            self.cursor.execute("BEGIN IMMEDIATE")
        yield self.cursor
        self._waiting = waiting + 1


def serve_hastily(home: Path) -> int:
    """A node that tells of what is not durable yet. For a process of its own: it changes the program."""
    from reliability.kills.nodes import serve_home

    HastyDisk.TOGETHER = 20
    Disk.transaction = HastyDisk.transaction  # type: ignore[method-assign, assignment]
    Disk.TOGETHER = HastyDisk.TOGETHER  # type: ignore[attr-defined]
    return serve_home(home)
