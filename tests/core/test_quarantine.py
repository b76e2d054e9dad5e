"""Late entries of an incarnation that is over: which are shown, and which are dropped (rule 29).

Tokyo's last words are on their way when it is replaced; Beijing is already in the new pair when they come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import pytest

from tests.dishonest import carry, forge, notice_body, only
from tests.line_pair import START, LinePair, joined, party
from watchline.core.encoding import decode
from watchline.core.entries import Body, EntryType, Notice
from watchline.core.frames import Entries, Stated
from watchline.core.incoming import STATE_PART
from watchline.core.quarantine import KEPT_SECONDS, SHOWN_MAX, Quarantine
from watchline.core.records import EntryRecord, Pair, StateRecord
from watchline.core.recovery import Recovery
from watchline.core.setting import LineSetup, Moment
from watchline.core.succession import Succession

OLD = Pair(1, 1)


class Late(NamedTuple):
    """Two entries in one item that is still under way, as Tokyo sealed them; and Beijing, which has begun the next pair."""

    pair: LinePair
    item: Entries
    setup: LineSetup

    def quarantine(self) -> Quarantine:
        return Quarantine(self.setup, self.pair.b.journal, [OLD])

    @property
    def moment(self) -> Moment:
        return self.pair.b.clock.moment()


def replaced(pair: LinePair) -> LineSetup:
    """How Beijing's line stands once Tokyo is in its second incarnation."""
    setup = pair.b.setup
    return replace(setup, peer_certificate=party("Tokyo", 2).certificate, past=(setup.peer_certificate,))


def renewed(pair: LinePair) -> LineSetup:
    """How Tokyo's own line stands then."""
    setup, new = pair.a.setup, party("Tokyo", 2)
    return replace(setup, own_keys=new.keys, own_certificate=new.certificate, past=(setup.own_certificate,))


@pytest.fixture(scope="module")
def late() -> Iterator[Late]:
    """Tests take from it and write nothing."""
    with joined() as pair:
        pair.a.say("in time")
        pair.settle(1)
        for text in ("late", "too late"):
            pair.a.say(text)
        pair.a.turn()
        yield Late(pair, only(Entries, pair.a.sent()), replaced(pair))


def texts(records: list[EntryRecord]) -> list[str]:
    return [str(Notice.decode(Body.decode(record.body).content).fields[1]) for record in records]


def test_late_entries_are_shown_as_what_they_are_and_nothing_is_kept_of_them(late: Late) -> None:
    records = late.quarantine().take(late.item, late.moment)
    assert texts(records) == ["late", "too late"]
    log = late.pair.b.setup.incoming_log
    assert [(record.log, record.index, record.released, record.number) for record in records] == [
        (log, 2, False, None),
        (log, 3, False, None),
    ]
    assert all(record.nonce is not None for record in records)
    assert late.pair.b.journal.size(log) == 2


def test_late_entries_that_came_before_are_not_shown_twice(late: Late) -> None:
    quarantine = late.quarantine()
    assert len(quarantine.take(late.item, late.moment)) == 2
    assert quarantine.take(late.item, late.moment) == []


def test_late_entries_that_begin_with_known_ones_show_only_the_new_ones(late: Late) -> None:
    """A sender that had no receipt sends what it said before once more, under a later head."""
    log = late.pair.a.setup.outgoing_log
    record = late.pair.a.journal.entry(log, 1)
    assert record is not None
    assert record.sealed is not None
    known = replace(late.item.entries[0], sealed=record.sealed)
    whole = replace(late.item, start=1, entries=(known, *late.item.entries))
    assert texts(late.quarantine().take(whole, late.moment)) == ["late", "too late"]


def with_first(item: Entries, **changes: object) -> Entries:
    first, *rest = item.entries
    return replace(item, entries=(replace(first, **changes), *rest))  # type: ignore[arg-type]


def damaged_seal(item: Entries) -> Entries:
    sealed = item.entries[0].sealed
    return with_first(item, sealed=sealed[:-1] + bytes([sealed[-1] ^ 1]))


DROPPED: dict[str, Callable[[Entries], Entries]] = {
    "of an unknown epoch": lambda item: replace(item, epoch=item.epoch + 1),
    "of the present pair": lambda item: replace(item, inc=2),
    "of a pair that never was": lambda item: replace(item, peer_inc=7),
    "after a gap": lambda item: replace(item, start=item.start + 1),
    "of which the first is missing": lambda item: replace(item, start=item.start + 1, entries=item.entries[1:]),
    "of which the last is missing": lambda item: replace(item, entries=item.entries[:1]),
    "none at all": lambda item: replace(item, entries=()),
    "that know more of our log than it held": partial(with_first, peer_size=99),
    "that know less of our log": partial(with_first, peer_size=0),
    "at another time": partial(with_first, time=START - 1),
    "of another type": partial(with_first, type=int(EntryType.CANCEL)),
    "that do not open": damaged_seal,
    "that nobody signed": lambda item: replace(item, signature=bytes(64)),
}


@pytest.mark.parametrize("damage", DROPPED.values(), ids=DROPPED)
def test_late_entries_are_dropped_if_they_are(late: Late, damage: Callable[[Entries], Entries]) -> None:
    quarantine = late.quarantine()
    assert quarantine.take(damage(late.item), late.moment) == []
    assert len(quarantine.take(late.item, late.moment)) == 2


def test_late_entry_that_commits_to_other_words_than_it_carries_is_dropped() -> None:
    """Its author, when it was alive, could deny what people were shown."""
    with joined() as pair:
        body = notice_body("late")
        true, deniable = forge(pair.a, body), forge(pair.a, body, commitment=bytes(32))
        quarantine = Quarantine(replaced(pair), pair.b.journal, [OLD])
        assert quarantine.take(deniable.entries(), pair.b.clock.moment()) == []
        assert texts(quarantine.take(true.entries(), pair.b.clock.moment())) == ["late"]


def test_late_entries_that_another_key_than_the_dead_ones_signed_are_dropped(late: Late) -> None:
    """Not even the next incarnation of their author can speak for it."""
    assert late.setup.past[0].certificate.inc == 1
    stranger = replace(late.setup, past=(party("Tokyo", 3).certificate,), peer_certificate=party("Tokyo", 2).certificate)
    for setup in (replace(late.setup, past=()), stranger):
        assert Quarantine(setup, late.pair.b.journal, [OLD]).take(late.item, late.moment) == []


def test_late_entries_of_a_pair_that_never_got_its_first_entry_are_dropped() -> None:
    """Neither where nothing was heard, nor where the first epoch was announced and its entries never came."""
    with joined(connect=False) as pair, joined(connect=False) as silent:
        pair.connect()
        item = only(Entries, carry(pair, (Stated,)))
        assert (item.start, pair.b.line.incoming.epoch, silent.b.line.incoming.epoch) == (0, 2, 0)
        for side in (pair.b, silent.b):
            quarantine = Quarantine(replaced(pair), side.journal, [OLD])
            assert quarantine.take(item, side.clock.moment()) == []


def test_late_entries_of_an_epoch_that_was_announced_are_shown_and_those_of_the_one_before_no_more() -> None:
    with joined() as pair:
        before = pair.b.line.incoming.chain
        assert before is not None
        pair.a.say("late")
        pair.a.turn()
        item = only(Entries, pair.a.sent())
        assert item.epoch > before.epoch
        quarantine = Quarantine(replaced(pair), pair.b.journal, [OLD])
        assert quarantine.take(replace(item, epoch=before.epoch), pair.b.clock.moment()) == []
        assert texts(quarantine.take(item, pair.b.clock.moment())) == ["late"]


def test_no_more_than_256_late_entries_of_a_line_are_shown() -> None:
    with joined() as pair:
        sizes = SHOWN_MAX // 2, SHOWN_MAX // 2 - 1, 2, 1
        for size in sizes:
            for _ in range(size):
                pair.a.say("late", released=False)
            pair.a.turn()
        items = [item for item in pair.a.sent() if isinstance(item, Entries)]
        assert [len(item.entries) for item in items] == list(sizes)
        quarantine = Quarantine(replaced(pair), pair.b.journal, [OLD])
        shown = [len(quarantine.take(item, pair.b.clock.moment())) for item in items]
        assert shown == [sizes[0], sizes[1], 0, 0]


def test_late_entries_that_came_back_with_what_was_lost_are_not_shown() -> None:
    with joined() as pair:
        pair.b.restart(connected=True)  # what arrives from here on is recovered below
        for text in ("late", "too late"):
            pair.a.say(text)
        pair.a.turn()
        item = only(Entries, pair.a.sent())
        asks, gives = Recovery(replaced(pair), pair.b.journal), Recovery(renewed(pair), pair.a.journal)
        asks.compare(Succession(renewed(pair), pair.a.journal).continues().encode())
        request = asks.ask(pair.b.clock.moment())
        assert request is not None
        gives.hear(request)
        piece = gives.answer()
        assert piece is not None
        quarantine = Quarantine(replaced(pair), pair.b.journal, [OLD])
        pair.b.journal.commit(asks.take(piece, pair.b.clock.moment()))
        assert pair.b.journal.size(pair.b.setup.incoming_log) == item.start + 2
        assert quarantine.take(item, pair.b.clock.moment()) == []


def test_chains_of_the_pairs_before_are_deleted_after_thirty_days_and_not_a_second_before() -> None:
    with joined() as pair:
        pair.a.say("late")
        pair.a.turn()
        item, journal = only(Entries, pair.a.sent()), pair.b.journal
        quarantine = Quarantine(replaced(pair), journal, [OLD, Pair(1, 7)])
        moment = pair.b.clock.moment()
        assert len(quarantine.take(item, moment)) == 1
        begun = moment.wall - KEPT_SECONDS
        assert list(quarantine.expired(begun + 1, moment)) == []
        records = list(quarantine.expired(begun, moment))
        assert [(type(record), record.part) for record in records] == [(StateRecord, STATE_PART)]
        kept = decode(journal.state(pair.b.setup.line, STATE_PART) or b"")
        assert decode(records[0].blob) == [None, [], *kept[2:]]
        journal.commit(records)
        assert list(quarantine.expired(begun, moment)) == []
        for each in (quarantine, Quarantine(replaced(pair), journal, [OLD])):
            assert each.take(item, moment) == []
