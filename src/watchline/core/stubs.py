"""What stays of an entry's body once it has gone: enough for the line to work on, and nothing of what was said.

A stub is a body (`entries.Body`). It keeps what clocks, numbers and reports need: of a notice the form, version, precedence,
exercise and language, of a holding reply the promised time too, of an acknowledgement or a decline everything but the reason,
and where the entry was issued first. The release keeps its nonce, which counts once for good, and how many people stood behind
it; not who, nor their assertions. The blinding goes as well, so the leaf's commitment tells nothing of the body any more.
"""

from __future__ import annotations

from dataclasses import replace

from watchline.core.entries import HOLDING_REPLY, Body, EntryType, Leaf, Notice, Place, Response, first_place
from watchline.core.records import EntryRecord
from watchline.core.reply_clocks import PROMISED_FIELD
from watchline.errors import Malformed

ARCHIVED, ERASED = "archived", "erased"  # what an entry says whose body went here: a copy was written first, or none
WITHHELD = "withheld"  # and one that the peer gave back without its body
REMOVABLE = frozenset(
    {EntryType.NOTICE, EntryType.ACKNOWLEDGE, EntryType.DECLINE, EntryType.CANCEL, EntryType.FILE, EntryType.COMPLETE}
)  # the others are small, and what was said is judged by them
UNKNOWN = Body(b"").encode()  # of an entry whose body we never had, or have no more


def stub(record: EntryRecord) -> bytes:
    """What stands in place of the body of an entry that goes; the type is in REMOVABLE, and the body still there."""
    body = Body.decode(record.body)
    return Body(_content(record.type, body.content), body.nonce, (None,) * len(body.assertions), body.again).encode()


def is_copy_of(body: Body, first: EntryRecord | None) -> bool:
    """Whether an entry that is issued again says what the one with its nonce said before (rule 30).

    Of one whose body has gone, only the place can be compared.
    """
    if first is None or body.again is None:
        return False
    said = Body.decode(first.body)
    if first.gone is None:
        return said.content == body.content
    return Place(*body.again[:3]) == first_place(Leaf.decode(first.leaf).direction, first.index, said)


def _content(kind: int, content: bytes) -> bytes:
    try:
        if kind == EntryType.NOTICE:
            notice = Notice.decode(content)
            kept = {PROMISED_FIELD: notice.fields[PROMISED_FIELD]} if _promises(notice) else {}
            return replace(notice, fields=kept).encode()
        if kind in (EntryType.ACKNOWLEDGE, EntryType.DECLINE):
            return replace(Response.decode(content), reason=None).encode()
    except Malformed:
        pass
    return b""


def _promises(notice: Notice) -> bool:
    return notice.form == HOLDING_REPLY and type(notice.fields.get(PROMISED_FIELD)) is int
