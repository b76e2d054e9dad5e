"""Which notice an entry holds, and which rung of the ladder an entry lifts another one to."""

from __future__ import annotations

from watchline.core.entries import ESCALATION_REPORT, HOLDING_REPLY, TEST, Body, EntryType, Leaf, Notice, Response
from watchline.core.records import EntryRecord
from watchline.errors import Malformed
from watchline.journal import Journal


def read_notice(record: EntryRecord) -> Notice | None:
    """The notice that an entry holds; None for other entries, and for content that is no notice."""
    if record.type != EntryType.NOTICE:
        return None
    try:
        return Notice.decode(Body.decode(record.body).content)
    except Malformed:
        return None


def read_withdrawal(record: EntryRecord) -> Notice | None:
    """The notice inside a cancel, which says why; None for other entries, and for a cancel that holds none."""
    if record.type != EntryType.CANCEL:
        return None
    try:
        return Notice.decode(Body.decode(record.body).content)
    except Malformed:
        return None


def withdrawn_by(journal: Journal, record: EntryRecord) -> EntryRecord | None:
    """The cancel by which people of its author withdrew an entry; None if nobody did."""
    entries = (journal.entry(record.log, index) for index in journal.referring(record.log, record.index))
    return next((each for each in entries if each is not None and _is_cancel(each)), None)


def _is_cancel(entry: EntryRecord) -> bool:
    return entry.type == EntryType.CANCEL and entry.released and bool(Body.decode(entry.body).assertions)


def rung_from(entry: EntryRecord, meant: EntryRecord, first: Leaf | None = None) -> str | None:
    """Which rung an entry lifts `meant` to, which its leaf refers to. None if nobody stands behind it, or if what people
    signed is about another entry (rule 24). What no people signed answers a test of the line, and nothing else. first: the leaf
    of what `meant` was issued again of, if it was.
    """
    if not entry.released:
        return None
    if entry.type in (EntryType.ACKNOWLEDGE, EntryType.DECLINE):
        rung = "acknowledged" if entry.type == EntryType.ACKNOWLEDGE else "declined"
        return rung if _is_about(entry, meant, first) else None
    notice = read_notice(entry)
    if notice is None or notice.form == ESCALATION_REPORT or not (Body.decode(entry.body).assertions or _is_test(meant)):
        return None
    return "acknowledged" if notice.form == HOLDING_REPLY else "answered"


def _is_test(entry: EntryRecord) -> bool:
    notice = read_notice(entry)
    return notice is not None and notice.form == TEST


def _is_about(entry: EntryRecord, meant: EntryRecord, first: Leaf | None) -> bool:
    try:
        response = Response.decode(Body.decode(entry.body).content)
    except Malformed:
        return False
    return response.names(entry.type, Leaf.decode(meant.leaf)) or (first is not None and response.names(entry.type, first))
