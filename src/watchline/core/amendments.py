"""Which terms hold at which place of a line: version 1 of the pairing, and what both desks entered since (rule 6).

A text comes into force where both logs hold it, each entered by two people of its desk. What a place sees, its own log below
its index and the other below its peer_size, decides alone: so both desks judge an entry by the same terms, whatever crossed
on the way.

Both may enter texts of one version at a time. Two logs have no common order, so one of them gives it: the log of the desk
with the higher id. What counts there is the first entry of a text that the lower id has entered before it; the first text of
the lower id counts also where it came after. Whatever a place sees later changes nothing of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple, Protocol

from watchline.core.entries import Body, Continues, EntryType, Leaf
from watchline.core.records import EntryRecord, Pair
from watchline.core.setting import LineSetup, Reader, damaged
from watchline.core.terms import PRECEDENCES, Terms
from watchline.errors import Malformed, PeerError

STATUS_SECONDS_MAX = 3_600  # that an amendment may leave between two statuses: silence must be seen
TEST_SECONDS_MAX = 7 * 86_400  # and between two tests
FLASH_SECONDS_MAX = 86_400  # and to acknowledge a FLASH


@dataclass(frozen=True, slots=True)
class Entered:
    """A text that two people of a desk entered: the place of that entry, and what it says."""

    index: int
    peer_size: int
    terms: Terms


class Amendment(NamedTuple):
    """A version that came into force, for whoever sees `ours` entries of our log and `theirs` of the peer's."""

    terms: Terms
    ours: int
    theirs: int


class End(NamedTuple):
    """How far both desks hold the pair before: which it is, and the sizes of our log and the peer's."""

    pair: Pair
    ours: int
    theirs: int


@dataclass(frozen=True, slots=True)
class TermsHistory:
    """The terms of one pair of incarnations, as far as its logs are known. It never changes: `with_entry` gives another.

    base: in force where the pair begins. lower: whether our id is the lower one. ours, theirs: texts, in order of their
    indexes. amendments: in order of their versions.
    """

    base: Terms
    lower: bool
    ours: tuple[Entered, ...] = ()
    theirs: tuple[Entered, ...] = ()
    amendments: tuple[Amendment, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        low, high = (self.ours, self.theirs) if self.lower else (self.theirs, self.ours)
        found: list[Amendment] = []
        terms, low_size, high_size = self.base, 0, 0
        while (agreed := _agreed(terms, low, high, low_size, high_size)) is not None:
            terms, low_size, high_size = agreed
            found.append(Amendment(terms, *((low_size, high_size) if self.lower else (high_size, low_size))))
        object.__setattr__(self, "amendments", tuple(found))

    def with_base(self, base: Terms) -> TermsHistory:
        """The same, where the pair began under other terms."""
        return self if base == self.base else replace(self, base=base)

    def with_entry(self, own: bool, entered: Entered) -> TermsHistory:
        """The same, and the next text of our log (own) or the peer's."""
        return replace(self, ours=(*self.ours, entered)) if own else replace(self, theirs=(*self.theirs, entered))

    def with_all(self, ours: Iterable[Entered], theirs: Iterable[Entered]) -> TermsHistory:
        """The same, with all texts of both logs."""
        return replace(self, ours=tuple(ours), theirs=tuple(theirs))

    def at(self, own: bool, index: int, peer_size: int) -> Terms:
        """The terms by which the entry at this index of our log (own) or the peer's is judged; peer_size: of its leaf."""
        return self.at_sizes(index, peer_size) if own else self.at_sizes(peer_size, index)

    def of(self, record: EntryRecord) -> Terms:
        """The terms by which an entry of this pair is judged."""
        if not self.amendments:
            return self.base
        return self.at(record.log.outgoing, record.index, Leaf.decode(record.leaf).peer_size)

    def at_sizes(self, ours: int, theirs: int) -> Terms:
        """The terms in force for whoever sees so many entries of our log and of the peer's."""
        for amendment in reversed(self.amendments):
            if amendment.ours <= ours and amendment.theirs <= theirs:
                return amendment.terms
        return self.base

    @property
    def latest(self) -> Terms:
        """The terms in force for whoever sees all that is known."""
        return self.amendments[-1].terms if self.amendments else self.base


def _agreed(
    before: Terms, low: Sequence[Entered], high: Sequence[Entered], low_size: int, high_size: int
) -> tuple[Terms, int, int] | None:
    """The next version, and from which sizes of the lower id's log and of the other it holds; None if there is none yet."""
    proposed = [
        each for each in low if each.index >= low_size and each.peer_size >= high_size and is_amendment(before, each.terms)
    ]
    first_at: dict[bytes, int] = {}
    for each in proposed:
        first_at.setdefault(each.terms.digest, each.index)
    for entered in high:
        if entered.index < high_size or entered.peer_size < low_size:
            continue
        at = first_at.get(entered.terms.digest)
        if at is not None and (at == proposed[0].index or at < entered.peer_size):
            return entered.terms, at + 1, entered.index + 1
    return None


def is_amendment(before: Terms, text: Terms) -> bool:
    """Whether a text may follow these terms."""
    try:
        check_amendment(before, text)
    except PeerError:
        return False
    return True


def check_amendment(before: Terms, text: Terms) -> None:
    """Raise Malformed (rule 6) unless a text is the next version after these terms and keeps what no amendment may loosen.

    Bounds are for what a text changes: where the pairing agreed on more, that may stay.
    """
    if text.version != before.version + 1:
        raise Malformed(
            f"terms in force are version {before.version}, so the next text is version {before.version + 1}",
            rule=6,
            given=text.version,
        )
    _check_seconds("status_interval_seconds", before.status_interval_seconds, text.status_interval_seconds, STATUS_SECONDS_MAX)
    _check_seconds("test_interval_seconds", before.test_interval_seconds, text.test_interval_seconds, TEST_SECONDS_MAX)
    flash = PRECEDENCES.index("FLASH")
    _check_seconds(
        "clocks.FLASH.acknowledge_seconds",
        before.clocks[flash].acknowledge,
        text.clocks[flash].acknowledge,
        FLASH_SECONDS_MAX,
    )


def _check_seconds(name: str, before: int | None, seconds: int | None, most: int) -> None:
    if seconds != before and (seconds is None or seconds > most):
        raise Malformed(f"an amendment gives {name} at most {most} seconds", rule=6, setting=name, most=most)


def read_entered(leaf: Leaf, content: bytes, released: bool) -> Entered | None:
    """The text of a TERMS entry; None where nobody stands behind it, or it is no text: it is shown, and counts for nothing."""
    if not released:
        return None
    try:
        return Entered(leaf.index, leaf.peer_size, _read_once(content))
    except PeerError:
        return None


_read_once = lru_cache(16)(Terms.decode)  # the same text stands in both logs


# --- from pair to pair


def common_end(pair: Pair, ours: Continues | None, theirs: Continues | None) -> End | None:
    """How far both desks hold the pair before this one, as both entries 0 say (rule 28); None if that is nothing.

    Where one of them is not here yet, the other alone says it.
    """
    known = [
        End(Pair(*said.old_pair) if own else Pair(*said.old_pair[::-1]), *(sizes if own else sizes[::-1]))
        for own, said in ((True, ours), (False, theirs))
        if said is not None and said.old_pair is not None
        for sizes in ((said.own_size, said.peer_size),)
    ]
    if len(known) != sum(said is not None for said in (ours, theirs)) or len({end.pair for end in known}) != 1:
        return None
    before = known[0].pair
    if before == pair or before.ours > pair.ours or before.theirs > pair.theirs:
        return None
    return End(before, min(end.ours for end in known), min(end.theirs for end in known))


class Source(Protocol):
    """Where the entries of earlier pairs are read; the journal is one, the parts of a file of evidence another."""

    def continues(self, pair: Pair) -> tuple[Continues | None, Continues | None]:
        """What entry 0 of our log and of the peer's says; None for one that is not here."""

    def entered(self, pair: Pair) -> tuple[tuple[Entered, ...], tuple[Entered, ...]]:
        """The texts of our log and of the peer's."""


def history_of(pair: Pair, source: Source, first: Terms, lower: bool, held: End | None = None) -> TermsHistory:
    """The terms of a pair, with those in force at the common end of the pairs before it.

    first: of the pairing. held: how far both desks hold this pair, where it is over; None for the present one. What both hold
    is the same at both, now and after anything that was lost comes back, so both find the same terms.
    """
    ends: list[tuple[Pair, End]] = []  # from pair to pair backwards, without recursion: a line may have had many
    while (end := end_before(pair, source, held)) is not None:
        ends.append((pair, end))
        pair, held = end.pair, end
    history = TermsHistory(first, lower).with_all(*source.entered(pair))
    for later, end in reversed(ends):
        history = TermsHistory(history.at_sizes(end.ours, end.theirs), lower).with_all(*source.entered(later))
    return history


def base_of(pair: Pair, ours: Continues | None, theirs: Continues | None, source: Source, first: Terms, lower: bool) -> Terms:
    """The terms under which a pair begins, by what both entries 0 say; None: that one is not here yet."""
    end = common_end(pair, ours, theirs)
    if end is None:
        return first
    return history_of(end.pair, source, first, lower, end).at_sizes(end.ours, end.theirs)


def end_before(pair: Pair, source: Source, held: End | None) -> End | None:
    """How far both desks hold the pair before this one; held: as in `history_of`."""
    ours, theirs = source.continues(pair)
    if held is not None and (not held.ours or not held.theirs or ours is None or theirs is None):
        return None
    return common_end(pair, ours, theirs)


class JournalSource(Source):
    """Reads a line's journal."""

    def __init__(self, setup: LineSetup, reader: Reader) -> None:
        self._setup = setup
        self._reader = reader

    def continues(self, pair: Pair) -> tuple[Continues | None, Continues | None]:
        at, entry = self._setup.at(pair), self._reader.entry
        return read_continues(entry(at.outgoing_log, 0)), read_continues(entry(at.incoming_log, 0))

    def entered(self, pair: Pair) -> tuple[tuple[Entered, ...], tuple[Entered, ...]]:
        at = self._setup.at(pair)
        found = []
        for log in (at.outgoing_log, at.incoming_log):
            leaves = enumerate(self._reader.leaves(log, 0, self._reader.size(log)))
            records = (self._reader.entry(log, index) for index, (_, kind, _) in leaves if kind == EntryType.TERMS)
            found.append(entered_in(records))
        return found[0], found[1]


def journal_history(setup: LineSetup, reader: Reader) -> TermsHistory:
    """The terms of the pair that the setup means, from the journal alone."""
    return history_of(setup.pair, JournalSource(setup, reader), setup.terms, is_lower(setup))


def possible_bases(setup: LineSetup, reader: Reader) -> list[Terms]:
    """Every version under which the present pair may turn out to begin, as long as the peer's entry 0 is not here: the common
    end of the pair that our entry 0 names may be anywhere in it, or there may be none.
    """
    own = read_continues(reader.entry(setup.outgoing_log, 0))
    if own is None or own.old_pair is None:
        return [setup.terms]
    before = history_of(Pair(*own.old_pair), JournalSource(setup, reader), setup.terms, is_lower(setup))
    return [setup.terms, before.base, *(amendment.terms for amendment in before.amendments)]


def is_lower(setup: LineSetup) -> bool:
    """Whether our id is the lower one."""
    return setup.own_id < setup.peer_identity.id


def entered_in(records: Iterable[EntryRecord | None]) -> tuple[Entered, ...]:
    """The texts of these TERMS entries of a journal that count."""
    found: list[Entered] = []
    for record in records:
        if record is None:
            raise damaged("an entry is missing")
        entered = entered_of(record)
        if entered is not None:
            found.append(entered)
    return tuple(found)


def entered_of(record: EntryRecord) -> Entered | None:
    """The text of an entry of the journal; None for another type, and for a text that counts for nothing."""
    if record.type != EntryType.TERMS:
        return None
    try:
        content = Body.decode(record.body).content
    except Malformed:
        return None
    return read_entered(Leaf.decode(record.leaf), content, record.released)


def read_continues(record: EntryRecord | None) -> Continues | None:
    """What an entry 0 says; None for none, and for one that says nothing."""
    if record is None or record.type != EntryType.CONTINUES:
        return None
    try:
        return Continues.decode(Body.decode(record.body).content)
    except Malformed:
        return None
