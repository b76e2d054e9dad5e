"""Which entries evidence must show so that whoever reads it judges by the terms that were in force (rule 6), and whom these
terms name as witnesses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet

from watchline.core.amendments import Entered, JournalSource, end_before, history_of, is_lower
from watchline.core.checkpoint import VerifierKey, origin
from watchline.core.entries import Continues, Leaf
from watchline.core.evidence_witnesses import LogWitnesses
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


def witnesses_shown(
    journal: Journal, setup: LineSetup, log: Log, shown: Mapping[Log, AbstractSet[int]], closed: Collection[Reference]
) -> Mapping[str, VerifierKey]:
    """The witnesses of a log, by their text: those of the terms that came into force in its pair by what is shown, and not
    closed. Evidence takes nobody else's cosignatures.
    """
    history = history_of(log.pair, _ShownSource(setup, journal, shown, closed), setup.terms, is_lower(setup))
    versions = history.base, *(amendment.terms for amendment in history.amendments)
    line, sender, _, inc, peer_inc = setup.direction(log)
    return LogWitnesses(versions, origin(line, sender, inc, peer_inc)).keys


class _ShownSource(JournalSource):
    """Reads of a line's journal what is shown with its content."""

    def __init__(
        self, setup: LineSetup, journal: Journal, shown: Mapping[Log, AbstractSet[int]], closed: Collection[Reference]
    ) -> None:
        super().__init__(setup, journal)
        self._line, self._shown, self._closed = setup.line, shown, closed

    def continues(self, pair: Pair) -> tuple[Continues | None, Continues | None]:
        first, second = super().continues(pair)
        return first if self._shows(pair, 0, outgoing=True) else None, second if self._shows(pair, 0, outgoing=False) else None

    def entered(self, pair: Pair) -> tuple[tuple[Entered, ...], tuple[Entered, ...]]:
        first, second = super().entered(pair)
        return (
            tuple(each for each in first if self._shows(pair, each.index, outgoing=True)),
            tuple(each for each in second if self._shows(pair, each.index, outgoing=False)),
        )

    def _shows(self, pair: Pair, index: int, *, outgoing: bool) -> bool:
        log = Log(self._line, pair, outgoing=outgoing)
        return index in self._shown.get(log, ()) and (log, index) not in self._closed


def _seen(journal: Journal, log: Log, shown: dict[Log, set[int]]) -> int:
    """How many entries of a log something shown stands above, in it or in the other one."""
    own, other = shown.get(log), shown.get(reverse(log))
    sizes = [max(own)] if own else []
    if other:  # peer_size never falls
        last = journal.entry(reverse(log), max(other))
        sizes += [] if last is None else [Leaf.decode(last.leaf).peer_size]
    return max(sizes, default=0)
