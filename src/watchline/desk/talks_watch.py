"""The talks at a running desk: the record of each line, and the reminders of what was promised.

Talks are entries like all others: nothing is stored for them but what people were reminded of, and both desks find the same in
the same logs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import structlog

from watchline.core.encoding import Value, decode, encode
from watchline.core.records import Log
from watchline.core.setting import Moment
from watchline.desk.clock import rfc3339
from watchline.desk.talks_record import LineTalks
from watchline.journal import LineRecord
from watchline.talks.commitments import Commitment, Reminder, reminders

if TYPE_CHECKING:
    from watchline.desk.desk import Desk

Json = dict[str, Any]
DOCUMENT = "talks-reminded"
LOOK_SECONDS = 60.0
ENTRIES_A_LOOK = 100  # of a long line no more are read at once, while its frames wait

log = structlog.get_logger()


class Talks:
    """The records of a desk's lines."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lines: dict[bytes, LineTalks] = {}
        self._next_look = 0.0

    def of(self, row: LineRecord) -> LineTalks:
        """The talks of a line, with all that the journal holds; of a long log not seen yet that takes a while."""
        talks = self.begun(row)
        talks.read()
        return talks

    async def read(self, row: LineRecord) -> LineTalks:
        """The same, piece by piece: other work of the process goes on meanwhile."""
        talks = self.begun(row)
        while not talks.read(ENTRIES_A_LOOK):  # noqa: ASYNC110 - nothing is waited for: others get their turn
            await asyncio.sleep(0)
        return talks

    def begun(self, row: LineRecord) -> LineTalks:
        """The talks of a line as far as they were read."""
        if row.line not in self._lines:
            setup = self._desk.setup_of(row)[0]
            own_side = int(setup.own_id > setup.peer_identity.id)
            self._lines[row.line] = LineTalks(self._desk.journal, self._desk.catalogue, row.line, own_side)
        return self._lines[row.line]

    def reading(self, row: LineRecord) -> Iterator[None]:
        """Read all of a line, a piece at each step."""
        talks = self.begun(row)
        while not talks.read(ENTRIES_A_LOOK):
            yield

    def places(self, row: LineRecord) -> set[tuple[Log, int]] | None:
        """Where the entries of a line stand that talks are made of; None while a running desk still reads a long log."""
        talks = self.begun(row)
        return talks.places() if talks.read(ENTRIES_A_LOOK if row.line in self._desk.lines else None) else None

    def due(self, row: LineRecord) -> list[tuple[Reminder, Commitment]]:
        """What people of this desk are to be reminded of now; exercises remind nobody. A running desk that still reads a long
        log knows of nothing yet.
        """
        talks = self.begun(row)
        talks.read(ENTRIES_A_LOOK if row.line in self._desk.lines else None)
        return self._due(talks, self._desk.moment().wall)

    def due_json(self, row: LineRecord) -> list[Json]:
        """The same as `talks_due` lists it."""
        talks = self.begun(row)
        return [
            {
                "line": row.name,
                "id": talks.id_of(reminder.name),
                "kind": reminder.kind,
                "at": rfc3339(reminder.at),
                "terms": commitment.terms,
            }
            for reminder, commitment in self.due(row)
        ]

    def _due(self, talks: LineTalks, now_seconds: int) -> list[tuple[Reminder, Commitment]]:
        real = {each.name: each for each in talks.judged.commitments if not each.text.exercise}
        return [(reminder, real[reminder.name]) for reminder in reminders(real.values(), now_seconds)]

    # --- telling each once

    def on_time(self, moment: Moment) -> None:
        """Read on, and tell what has become due, once a minute; each reminder once in the life of the home."""
        if moment.running < self._next_look:
            return
        rows = [opened.record for opened in self._desk.lines.values()]
        read = [self.begun(row).read(ENTRIES_A_LOOK) for row in rows]
        self._next_look = moment.running + (LOOK_SECONDS if all(read) else 0.0)
        for row, whole in zip(rows, read, strict=True):
            if whole:
                self._tell(row, moment)

    def _tell(self, row: LineRecord, moment: Moment) -> None:
        found = self._due(self.begun(row), moment.wall)
        if not found:
            return
        told = self._told(row)
        fresh = [(reminder, each) for reminder, each in found if _key(reminder, each) not in told]
        for reminder, _ in fresh:
            name = self.begun(row).id_of(reminder.name)
            log.warning("talks.due", line=row.name, id=name, kind=reminder.kind, at=rfc3339(reminder.at))
        if fresh:
            # What is no longer due is forgotten: of each commitment one reminder is due at a time, and they only go on.
            keys: list[Value] = [_key(reminder, commitment) for reminder, commitment in found]
            self._desk.keep_document(DOCUMENT, row.line.hex(), encode(keys))

    def _told(self, row: LineRecord) -> list[bytes]:
        document = self._desk.journal.document(DOCUMENT, row.line.hex())
        return [] if document is None else list(decode(document))


def _key(reminder: Reminder, commitment: Commitment) -> bytes:
    """What a reminder is told by: an amended commitment reminds again."""
    return encode([list(reminder.name), reminder.kind, commitment.text.digest])
