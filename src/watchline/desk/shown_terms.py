"""Which entries evidence must show so that whoever reads it judges by the terms that were in force (rule 6)."""

from __future__ import annotations

from collections.abc import Iterator

from watchline.core.amendments import JournalSource, end_before
from watchline.core.entries import Leaf
from watchline.core.records import Log, Pair
from watchline.core.setting import LineSetup
from watchline.desk.silence_grounds import reverse
from watchline.journal import Journal

Reference = tuple[Log, int]
"""One entry of the journal: its log and index."""


def terms_below(journal: Journal, setup: LineSetup, pair: Pair, shown: dict[Log, set[int]]) -> Iterator[Reference]:
    """The entries by which both desks amended the terms, as far as what is shown of this pair saw them, and where pairs of
    incarnations lie between, the entries 0 that tie them.
    """
    source, held = JournalSource(setup, journal), None
    logs = Log(setup.line, pair, outgoing=True), Log(setup.line, pair, outgoing=False)
    seen = [_seen(journal, log, shown) for log in logs]
    ties: list[Reference] = []
    while True:
        texts = [
            (log, entered.index)
            for log, found, size in zip(logs, source.entered(pair), seen, strict=True)
            for entered in found
            if entered.index < size
        ]
        if texts:
            yield from (*texts, *ties)
            ties = []
        end = end_before(pair, source, held)
        if end is None:
            return
        ties += [(log, 0) for log in logs if journal.size(log)]
        pair, held, seen = end.pair, end, [end.ours, end.theirs]
        logs = Log(setup.line, pair, outgoing=True), Log(setup.line, pair, outgoing=False)


def _seen(journal: Journal, log: Log, shown: dict[Log, set[int]]) -> int:
    """How many entries of a log something shown stands above, in it or in the other one."""
    own, other = shown.get(log), shown.get(reverse(log))
    sizes = [max(own)] if own else []
    if other:  # peer_size never falls
        last = journal.entry(reverse(log), max(other))
        sizes += [] if last is None else [Leaf.decode(last.leaf).peer_size]
    return max(sizes, default=0)
