"""What people call an entry: `ours:7`, `theirs:7`, `DESK/INC/7`, or a bare number where only one entry has it (rule 38).

The number counts the notices, declines and cancels of one desk over the whole life of the line. Entries without a number
(acknowledgements, terms ...) are called by their index, as `ours:@12`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from watchline.core.records import EntryRecord, Log
from watchline.errors import UsageError
from watchline.journal import Journal

_SIDED = re.compile(r"(ours|theirs):(@?)([0-9]{1,15})")
_NAMED = re.compile(r"(.{1,128})/([0-9]{1,9})/(@?)([0-9]{1,15})", re.DOTALL)
_BARE = re.compile(r"[0-9]{1,15}")
_HINT = "give ours:7, theirs:7 or DESK/INC/7; `watchline log LINE` lists them"


@dataclass(frozen=True, slots=True)
class Names:
    """The desk names of a line and its current logs: all that a reference is read against."""

    line: bytes
    own: str
    peer: str
    outgoing: Log
    incoming: Log


def reference_to(record: EntryRecord) -> str:
    """The short name of an entry, as a reader at this desk says it."""
    side = "ours" if record.log.outgoing else "theirs"
    return f"{side}:{record.number}" if record.number is not None else f"{side}:@{record.index}"


def find(journal: Journal, names: Names, text: str) -> EntryRecord:
    """The entry that a person means; raises UsageError if there is none, or more than one."""
    sided, named = _SIDED.fullmatch(text), _NAMED.fullmatch(text)
    if sided:
        return _one(journal, names, text, [(sided[1] == "ours", bool(sided[2]), int(sided[3]), None)])
    if named:
        if named[1] not in (names.own, names.peer):
            raise UsageError(f"no desk on this line is called {named[1][:80]!r}", hint=_HINT, desks=[names.own, names.peer])
        sides = [own for own, name in ((True, names.own), (False, names.peer)) if name == named[1]]
        return _one(journal, names, text, [(own, bool(named[3]), int(named[4]), int(named[2])) for own in sides])
    if _BARE.fullmatch(text):
        return _one(journal, names, text, [(own, False, int(text), None) for own in (True, False)])
    raise UsageError("this names no entry", hint=_HINT, given=text[:80])


def _one(journal: Journal, names: Names, text: str, candidates: list[tuple[bool, bool, int, int | None]]) -> EntryRecord:
    found = [record for each in candidates if (record := _look_up(journal, names, *each)) is not None]
    if not found:
        raise UsageError(f"there is no entry {text}", hint=_HINT, given=text)
    if len(found) > 1:
        raise UsageError(f"both desks have an entry {text}", hint="say ours:N or theirs:N", given=text)
    return found[0]


def _look_up(journal: Journal, names: Names, own: bool, by_index: bool, number: int, inc: int | None) -> EntryRecord | None:
    if by_index:
        log = names.outgoing if own else names.incoming
        author_inc = log.pair.ours if own else log.pair.theirs
        return journal.entry(log, number) if inc in (None, author_inc) else None
    place = journal.by_number(names.line, own, number, inc)
    return None if place is None else journal.entry(*place)
