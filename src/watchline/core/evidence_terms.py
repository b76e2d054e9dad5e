"""The terms by which the entries of an evidence file are judged, as far as the file shows how they were amended (rule 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from watchline.core.amendments import Amendment, Entered, Source, TermsHistory, history_of
from watchline.core.entries import Continues, Leaf
from watchline.core.evidence_parts import INVITER, LogName
from watchline.core.pairing_shown import PairedDesks
from watchline.core.records import Pair
from watchline.core.terms import Terms


class LogWithTerms(Protocol):
    """What is shown of one log."""

    @property
    def name(self) -> LogName: ...

    def continues(self) -> Continues | None: ...

    def entered(self) -> tuple[Entered, ...]: ...


class ShownTerms(Source):
    """The terms in force at each place, by the TERMS entries that are shown (rule 6). In pairs desk A stands first."""

    def __init__(self, paired: PairedDesks, readers: Sequence[LogWithTerms]) -> None:
        self._first = paired.terms
        self._lower = paired.inviter.identity.id < paired.accepter.identity.id
        self._readers = {reader.name: reader for reader in readers}
        self._entered = {name: reader.entered() for name, reader in self._readers.items()}
        self._histories: dict[Pair, TermsHistory] = {}
        self._amended = any(self._entered.values())
        self._unamended = TermsHistory(self._first, self._lower)

    def continues(self, pair: Pair) -> tuple[Continues | None, Continues | None]:
        first, second = (self._readers.get(name) for name in _both(pair))
        return first.continues() if first else None, second.continues() if second else None

    def entered(self, pair: Pair) -> tuple[tuple[Entered, ...], tuple[Entered, ...]]:
        first, second = (self._entered.get(name, ()) for name in _both(pair))
        return first, second

    def at(self, name: LogName, leaf: Leaf) -> Terms:
        """The terms by which an entry of this log is judged."""
        return self._history(_pair(name)).at(name.author == INVITER, leaf.index, leaf.peer_size)

    def versions(self, name: LogName) -> tuple[Terms, ...]:
        """The terms under which the pair of this log began, and those that came into force in it, in their order."""
        history = self._history(_pair(name))
        return history.base, *(amendment.terms for amendment in history.amendments)

    def _history(self, pair: Pair) -> TermsHistory:
        if not self._amended:
            return self._unamended  # as what is read would give: most lines never amend their terms
        if pair not in self._histories:
            self._histories[pair] = history_of(pair, self, self._first, self._lower)
        return self._histories[pair]

    def _pairs(self) -> list[Pair]:
        return sorted({_pair(name) for name in self._readers})

    @property
    def newest(self) -> Terms:
        """The terms in force at the end of the newest pair."""
        pairs = self._pairs()
        return self._history(pairs[-1]).latest if pairs else self._first

    @property
    def amendments(self) -> tuple[tuple[LogName, Amendment], ...]:
        """What came into force, with desk A's log of that pair."""
        return tuple((_both(pair)[0], each) for pair in self._pairs() for each in self._history(pair).amendments)


def _pair(name: LogName) -> Pair:
    return Pair(name.inc, name.peer_inc) if name.author == INVITER else Pair(name.peer_inc, name.inc)


def _both(pair: Pair) -> tuple[LogName, LogName]:
    first = LogName(INVITER, *pair)
    return first, first.reverse
