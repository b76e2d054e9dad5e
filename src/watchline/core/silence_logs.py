"""What the entries at hand of both logs do to the clocks of one notice, for whoever judges a silence certificate (rules 7, 33).

Evidence may hold a thousand certificates over a million entries, and a stranger wrote it. So each log is read once: which of
its leaves are at hand (`LeavesAtHand`), and of the entries that refer to a notice how each of its clocks ended (`Ends`). What a
certificate asks then costs no walk over the log.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from watchline.core.clocks import ACKNOWLEDGE, ANSWER
from watchline.core.entries import ESCALATION_REPORT, HOLDING_REPLY, Body, EntryType, Leaf, Notice, Response
from watchline.core.reply_clocks import promised_seconds
from watchline.errors import Malformed

_CLOSED_BY: Mapping[str, tuple[int, ...]] = {HOLDING_REPLY: (ACKNOWLEDGE,), ESCALATION_REPORT: ()}  # others are answers


class Leaves(Protocol):
    """Which leaves of a log are at hand."""

    def last_without(self, index: int, size: int) -> int:
        """The last leaf below `size` that stands before every one whose author had stored entry `index` of the other log; 0 for
        none: what stands before it cannot refer to that entry, as `peer_size` never falls.
        """

    def first_hidden(self, needed: range) -> int | None:
        """The first of these leaves that is not at hand; None if all are."""


class LeavesAtHand(Leaves):
    """Those that were shown. leaves: these, in order of their indexes."""

    def __init__(self, leaves: Iterable[Leaf] = ()) -> None:
        self._indexes: list[int] = []
        self._most: list[int] = []  # of the other log that any leaf up to there says to have stored
        for leaf in leaves:
            self._indexes.append(leaf.index)
            self._most.append(max(leaf.peer_size, self._most[-1] if self._most else 0))

    def last_without(self, index: int, size: int) -> int:
        count = min(bisect_right(self._most, index), bisect_left(self._indexes, size))
        return self._indexes[count - 1] if count else 0

    def first_hidden(self, needed: range) -> int | None:
        start = bisect_left(self._indexes, needed.start)
        gap = bisect_left(range(len(self._indexes) - start), True, key=lambda at: self._indexes[start + at] > needed.start + at)
        return needed.start + gap if needed.start + gap < needed.stop else None


class Ends:
    """How each clock of a notice ended, by the entries of one log that refer to it, in order of their indexes."""

    def __init__(self, referring: Iterable[Later] = ()) -> None:
        self._surely: dict[int, int] = {}  # by clock the first entry that closes it
        self._perhaps: dict[int, int] = {}  # the same, also where the content that would tell it is not at hand
        self._promised: tuple[int, int] | None = None
        for each in referring:
            for clock in (ACKNOWLEDGE, ANSWER) if each.closes is None else each.closes:
                self._perhaps.setdefault(clock, each.leaf.index)
            for clock in each.closes or ():
                self._surely.setdefault(clock, each.leaf.index)
            if self._promised is None and each.promised is not None:
                self._promised = each.leaf.index, each.promised

    def closed(self, clock: int, size: int, *, surely: bool) -> int | None:
        """The first entry below `size` that closes this clock. surely: one of which the content is not at hand counts not."""
        found = (self._surely if surely else self._perhaps).get(clock)
        return found if found is not None and found < size else None

    def promised(self, size: int) -> int | None:
        """The seconds that the first promise below `size` gives; None for none."""
        return self._promised[1] if self._promised is not None and self._promised[0] < size else None


@dataclass(frozen=True, slots=True)
class LogAtHand:
    """What is at hand of one log about one notice. ends: by the entries that refer to it."""

    leaves: Leaves
    ends: Ends


@dataclass(frozen=True, slots=True)
class Later:
    """An entry that may close a clock of the notice, or restart it. closes: which ones it does; None where its content is not
    at hand. promised: the seconds within which it promises an answer (rule 24); None if it promises nothing.
    """

    leaf: Leaf
    closes: tuple[int, ...] | None
    promised: int | None = None


def later(leaf: Leaf, body: Body | None, released: bool | None, meant: Leaf, meant_body: Body | None) -> Later:
    """What an entry of either log does to the clocks of the notice `meant`. body, meant_body: None where they are not shown."""
    closed = _closes(leaf, body, released, meant, meant_body)
    notice = read_notice(body) if body is not None and closed and leaf.type == EntryType.NOTICE else None
    return Later(leaf, closed, None if notice is None else promised_seconds(leaf, notice))


def _closes(
    leaf: Leaf, body: Body | None, released: bool | None, meant: Leaf, meant_body: Body | None
) -> tuple[int, ...] | None:
    """Which clocks of the notice `meant` an entry closes (rule 7); None where what is at hand does not tell it.

    body: None where it is not shown; meant_body: of the notice, None likewise.
    """
    own = leaf.direction == meant.direction
    if leaf.re != meant.index or own != (leaf.type == EntryType.CANCEL):
        return ()
    if leaf.re >= (leaf.index if own else leaf.peer_size):
        return ()
    if body is None:
        return None
    if not released or not body.assertions:
        return ()
    if leaf.type == EntryType.NOTICE:
        notice = read_notice(body)
        return _CLOSED_BY.get("" if notice is None else notice.form, (ACKNOWLEDGE, ANSWER))
    if leaf.type in (EntryType.ACKNOWLEDGE, EntryType.DECLINE):
        return _closes_by_response(leaf, body, meant, meant_body)
    return (ACKNOWLEDGE, ANSWER) if leaf.type == EntryType.CANCEL else ()


def _closes_by_response(leaf: Leaf, body: Body, meant: Leaf, meant_body: Body | None) -> tuple[int, ...] | None:
    try:
        response = Response.decode(body.content)
    except Malformed:
        return ()
    if not response.names(leaf.type, meant):  # it may name where the notice stood first
        return None if meant_body is None or meant_body.again is not None else ()
    return (ACKNOWLEDGE,) if leaf.type == EntryType.ACKNOWLEDGE else (ACKNOWLEDGE, ANSWER)


def read_notice(body: Body) -> Notice | None:
    """The notice that a body holds; None for content that is none."""
    try:
        return Notice.decode(body.content)
    except Malformed:
        return None
