"""What a new pair of incarnations takes over from the pairs before it (rules 28 to 30).

Leaf 0 says how far the last pair came, as this desk knows it. What the peer gave no receipt for, and what is still open, is
issued again: the same content under its old nonce and number, marked with the place where it stood first. So nothing that
people released is lost, and whoever holds the first copy sees that it is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from watchline.core import shapes
from watchline.core.amendments import journal_history
from watchline.core.encoding import decode
from watchline.core.entries import Again, Body, Continues, EntryType, Leaf, Place, first_place
from watchline.core.outgoing import STATE_PART as OUTGOING_PART
from watchline.core.outgoing import Draft
from watchline.core.records import EntryRecord, Log, Pair, PrekeyRecord
from watchline.core.release import people_needed, reference
from watchline.core.reply_clocks import LeafAt, ReplyClocks
from watchline.core.setting import LineSetup, Moment, Reader
from watchline.core.terms import Terms
from watchline.errors import PeerError

ISSUED_AGAIN = frozenset(
    {EntryType.NOTICE, EntryType.ACKNOWLEDGE, EntryType.DECLINE, EntryType.CANCEL, EntryType.ROSTER, EntryType.TERMS}
)


class Succession:
    """The pairs of one line before the present one, oldest first, as the journal holds them."""

    def __init__(self, setup: LineSetup, reader: Reader) -> None:
        self._setup = setup
        self._reader = reader
        self.pairs = sorted({log.pair for log in reader.logs(setup.line) if log.pair != setup.pair})

    def continues(self) -> Continues:
        """What leaf 0 of our new log says."""
        if not self.pairs:
            return Continues()
        pair, reader = self.pairs[-1], self._reader
        ours, theirs = self._log(pair, outgoing=True), self._log(pair, outgoing=False)
        sizes = reader.size(ours), reader.size(theirs)
        roots = reader.root_at(ours, sizes[0]), reader.root_at(theirs, sizes[1])
        return Continues((pair.ours, pair.theirs), sizes[0], roots[0], sizes[1], roots[1], self._last_number(pair))

    def void_prekeys(self) -> Iterator[PrekeyRecord]:
        """Deletes the private single-use keys of the pairs that are over: nothing new may be opened with them (rule 10)."""
        for pair in self.pairs:
            for pre_id in self._reader.prekeys(self._setup.line, pair, ours=True):
                yield PrekeyRecord(self._setup.line, pair, True, pre_id, None)

    def drafts(self, next_index: int, moment: Moment) -> list[Draft]:
        """What to issue again, in the order in which it was said first. next_index: where the first of it will stand."""
        waiting = self._waiting(moment)
        ours = {place: next_index + offset for offset, place in enumerate(waiting)}
        theirs = self._issued_again_by_peer()
        return [self._draft(record, place, ours, theirs) for place, record in waiting.items()]

    def _waiting(self, moment: Moment) -> dict[Place, EntryRecord]:
        """Our entries without a receipt, or with an open clock, by where each stood first; what a later pair settled is out.

        In the first pair nothing was issued again, so of it only what is unsettled need be read.
        """
        found: dict[Place, EntryRecord] = {}
        for pair in self.pairs:
            log = self._log(pair, outgoing=True)
            still = set(self._unsettled(pair, log, moment))
            chosen = still if pair == self.pairs[0] else range(self._reader.size(log))
            for record in self._chosen(log, sorted(chosen)):
                place = _first_place(record)
                if record.index in still and record.epoch and record.gone is None and _is_of_people(record):
                    # What came back has epoch 0: the peer holds it.
                    found[place] = record
                else:
                    found.pop(place, None)
        return found

    def _chosen(self, log: Log, indexes: Sequence[int]) -> Iterator[EntryRecord]:
        for index in indexes:
            yield from self._reader.entries(log, index, index + 1)

    def _unsettled(self, pair: Pair, log: Log, moment: Moment) -> Iterator[int]:
        receipt = self._reader.latest_receipt(log)
        received = 0 if receipt is None else receipt.size
        terms_at = journal_history(self._setup.at(pair), self._reader).of
        clocks = ReplyClocks(self._setup.at(pair), self._leaf_of(pair), lambda _, __: None, terms_at)
        clocks.restore(self._reader, moment)
        yield from clocks.open_of_ours(received, self._reader.size(self._log(pair, outgoing=False)))
        yield from range(received, self._reader.size(log))

    def _draft(self, record: EntryRecord, place: Place, ours: dict[Place, int], theirs: dict[Place, int]) -> Draft:
        body = Body.decode(record.body)
        own = record.type == EntryType.CANCEL
        log = record.log if own else record.log._replace(outgoing=False)
        target = None if record.re is None else self._reader.entry(log, record.re)
        re = None if target is None else (ours if own else theirs).get(_first_place(target))
        again = Again(*place, record.number, self._meant(record, body, target))
        return Draft(EntryType(record.type), body.content, body.nonce, body.assertions, re, None, record.released, again)

    def _meant(self, record: EntryRecord, body: Body, target: EntryRecord | None) -> Place | None:
        """What the release of an entry of ours names."""
        if body.again is not None:
            return body.again.meant
        found = None if target is None else Body.decode(target.body)
        return reference(record.type, record.re, Leaf.decode(record.leaf).direction, body, found)

    def _issued_again_by_peer(self) -> dict[Place, int]:
        """Where the peer's entries of earlier pairs stand in its present log, as far as it has issued them again."""
        log = self._setup.incoming_log
        records = self._reader.entries(log, 0, self._reader.size(log))
        return {_first_place(record): record.index for record in records if Body.decode(record.body).again is not None}

    def _last_number(self, pair: Pair) -> int:
        blob = self._reader.state(self._setup.line, self._setup.at(pair).part(OUTGOING_PART))
        return 0 if blob is None else shapes.integer(shapes.array(decode(blob), "outgoing state", length=11)[6], "number")

    def _log(self, pair: Pair, *, outgoing: bool) -> Log:
        return Log(self._setup.line, pair, outgoing)

    def _leaf_of(self, pair: Pair) -> LeafAt:
        def leaf_at(outgoing: bool, index: int) -> Leaf | None:
            stored = next(self._reader.leaves(self._log(pair, outgoing=outgoing), index, index + 1), None)
            return None if stored is None else Leaf.decode(stored[0])

        return leaf_at


def judged_again(draft: Draft, terms: Terms) -> Draft:
    """What is issued again, under the terms where it stands now: they may ask for more people than released it."""
    try:
        enough = len(draft.assertions) >= people_needed(draft.type, Body(draft.content), terms)
    except PeerError:
        return draft
    return draft if enough or draft.type != EntryType.NOTICE else replace(draft, released=False)


def _first_place(record: EntryRecord) -> Place:
    return first_place(Leaf.decode(record.leaf).direction, record.index, Body.decode(record.body))


def _is_of_people(record: EntryRecord) -> bool:
    """Whether people said it: what a machine sent alone (a test and its answer) is not worth repeating."""
    body = Body.decode(record.body)
    return record.type in ISSUED_AGAIN and (bool(body.assertions) or record.type == EntryType.ROSTER)
