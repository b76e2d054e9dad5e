"""The entries of a line for people, a page at a time: both directions and all pairs in one order, each entry on one page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from watchline.core.entries import EntryType
from watchline.core.records import EntryRecord, Log, Pair
from watchline.desk.past import without_earlier_copies
from watchline.journal import Journal

PAGE_ENTRIES_MAX = 1_000
_MARK = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.(ours|theirs)\.([0-9]{1,15})")


class Page(NamedTuple):
    """Entries, the oldest first. has_earlier: whether there are more before the first."""

    entries: list[EntryRecord]
    has_earlier: bool


class _Place(NamedTuple):
    """Where an entry stands among all of a line: by the time it was stored here, at one time ours first. number: its index."""

    time: int
    incoming: bool
    number: int
    log: Log

    def bound_in(self, log: Log) -> tuple[int, int]:
        """The time and the index below which the entries of this log stand before it."""
        if log.outgoing is self.incoming:  # the other direction: all of that second, or none of it
            return (self.time + 1, 0) if log.outgoing else (self.time, 0)
        return self.time, self.number + (log.pair < self.log.pair)


def newest_page(journal: Journal, line: bytes, direction: str, limit: int, before: EntryRecord | None = None) -> Page:
    """The newest `limit` entries, without the machine's own (CONTINUES), of those before that entry; direction: in or both.

    limit: at most PAGE_ENTRIES_MAX. What was issued again stands there once, at its newest place; of what nobody released, that
    is so within one page.
    """
    logs = [log for log in journal.logs(line) if direction == "both" or not log.outgoing]
    found: list[EntryRecord] = []
    at = None if before is None else _place_of(before)
    while len(found) <= limit:
        places = _places_before(journal, logs, limit + 1, at)
        if not places:
            break
        at = places[0]
        records = (journal.entry(place.log, place.number) for place in places)
        found = without_earlier_copies([each for each in records if each is not None and _is_shown(journal, each)] + found)
    return Page(found[-limit:], len(found) > limit)


def mark_of(record: EntryRecord) -> str:
    """What says where a page began, for the one before it: pair, author and index, which an ID does not say of every entry."""
    return f"{record.log.pair.ours}.{record.log.pair.theirs}.{'ours' if record.log.outgoing else 'theirs'}.{record.index}"


def marked(journal: Journal, line: bytes, text: str) -> EntryRecord | None:
    """The entry that a mark names; None for a text that is no mark, or names nothing."""
    found = _MARK.fullmatch(text)
    if found is None:
        return None
    return journal.entry(Log(line, Pair(int(found[1]), int(found[2])), found[3] == "ours"), int(found[4]))


def _places_before(journal: Journal, logs: Sequence[Log], count: int, at: _Place | None) -> list[_Place]:
    """The newest `count` places before that one, in order."""
    places = [
        _Place(time, not log.outgoing, index, log)
        for log in logs
        for time, index in journal.newest(log, count, None if at is None else at.bound_in(log))
    ]
    return sorted(places)[-count:]


def _place_of(record: EntryRecord) -> _Place:
    return _Place(record.time, not record.log.outgoing, record.index, record.log)


def _is_shown(journal: Journal, record: EntryRecord) -> bool:
    """Whether this is neither the machine's own nor an earlier copy of what its author issued again."""
    if record.type == EntryType.CONTINUES:
        return False
    copies = None if record.nonce is None else journal.by_nonce(record.log.line, record.nonce, record.log.outgoing)
    return copies is None or copies[1][0].pair <= record.log.pair
