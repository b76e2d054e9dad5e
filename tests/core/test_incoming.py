"""What a line takes of the peer's log in hard cases: epochs, full forms, heads that were claimed, and what is kept at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from tests.dishonest import forge, goes_on, only, sign_head, state
from tests.line_pair import LinePair, joined
from watchline.core.encoding import encode
from watchline.core.entries import Again, Body, EntryType, Notice, Precedence, Response
from watchline.core.epochs import NO_ROOT_KEY, Chain, EpochOpening, open_epoch
from watchline.core.frames import Entries, FullEntry, Probe, Refusal, ShownCheckpoint, Stated
from watchline.core.incoming import EXPECTED_MAX, ROOTS_KEPT, UPCOMING_MAX, _number
from watchline.core.line import Line, Phase
from watchline.core.outgoing import Draft
from watchline.core.statements import Statement, StatementType, epoch_values, sign_statement
from watchline.errors import WrongParty


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        yield made


# --- epochs


def opened(pair: LinePair, epoch: int, pre_id: int, before: Chain) -> tuple[EpochOpening, Chain]:
    """An epoch that Tokyo opens in all honesty under one of Beijing's keys; 0 is the one of its certificate."""
    setup = pair.a.setup
    prekey = setup.peer_certificate.certificate.public.kem if pre_id == 0 else pair.a.line.outgoing.prekeys[pre_id]
    return open_epoch(setup.outgoing, epoch, pre_id, prekey, bytes(32), setup.secret, before.root_key)


def announced(pair: LinePair, opening: EpochOpening) -> Statement:
    values = epoch_values(opening)
    return sign_statement(StatementType.EPOCH, pair.a.setup.outgoing, values, pair.a.party.keys.statement)


@pytest.mark.parametrize(
    ("ahead", "pre_id", "said"),
    [
        (2, None, "does not follow the last one"),
        (1, 0, "only the first epoch is under the certificate's key"),
        (1, 10_000, "under a prekey that is not unused"),
    ],
    ids=["after a gap", "under the certificate's key", "under a key that never was"],
)
def test_epoch_that_breaks_a_rule_is_refused_and_the_next_one_is_followed(
    pair: LinePair, ahead: int, pre_id: int | None, said: str
) -> None:
    incoming, last = pair.b.line.incoming, pair.b.line.incoming.epoch
    known = (incoming.epoch, list(incoming.upcoming), dict(incoming.prekeys))
    first_free = min(pair.a.line.outgoing.prekeys)
    chain = incoming.upcoming[-1] if incoming.upcoming else incoming.chain
    assert chain is not None
    if pre_id == 10_000:
        opening = replace(opened(pair, last + ahead, first_free, chain)[0], pre_id=pre_id)
    else:
        opening, _ = opened(pair, last + ahead, first_free if pre_id is None else pre_id, chain)
    with pytest.raises(WrongParty, match=said) as refused:
        incoming.accept_epoch(announced(pair, opening))
    assert refused.value.rule == 14
    assert (incoming.epoch, incoming.upcoming, incoming.prekeys) == known
    pair.b.hear(announced(pair, opening).stated(), by=pair.a)
    assert pair.b.line.junk == 1
    assert incoming.accept_epoch(announced(pair, opened(pair, last + 1, first_free, chain)[0]))
    assert incoming.epoch == last + 1


def test_first_epoch_under_a_single_use_key_is_refused() -> None:
    with joined(connect=False) as pair, joined() as later:
        pair.a.line.outgoing.prekeys = dict(later.a.line.outgoing.prekeys)
        opening, _ = opened(pair, 1, min(later.a.line.outgoing.prekeys), Chain(0, NO_ROOT_KEY, bytes(32)))
        with pytest.raises(WrongParty, match="only the first epoch"):
            pair.b.line.incoming.accept_epoch(announced(pair, opening))
        assert pair.b.line.incoming.epoch == 0


def test_epoch_that_is_known_changes_nothing(pair: LinePair) -> None:
    incoming = pair.b.line.incoming
    chain = incoming.upcoming[-1] if incoming.upcoming else incoming.chain
    assert chain is not None
    before = incoming.epoch, list(incoming.upcoming), dict(incoming.prekeys)
    pre_id = min(pair.a.line.outgoing.prekeys)
    for epoch in range(1, incoming.epoch + 1):
        assert not incoming.accept_epoch(announced(pair, opened(pair, epoch, pre_id, chain)[0]))
    assert (incoming.epoch, incoming.upcoming, incoming.prekeys) == before


def test_epochs_are_announced_four_ahead_and_no_further(pair: LinePair) -> None:
    pair.a.say("so that the present epoch has begun")
    pair.settle(1)
    incoming = pair.b.line.incoming
    assert incoming.upcoming == []
    chain = incoming.chain
    assert chain is not None
    for pre_id in sorted(pair.a.line.outgoing.prekeys)[:UPCOMING_MAX]:
        opening, chain = opened(pair, incoming.epoch + 1, pre_id, chain)
        assert incoming.accept_epoch(announced(pair, opening))
    further, _ = opened(pair, incoming.epoch + 1, sorted(pair.a.line.outgoing.prekeys)[UPCOMING_MAX], chain)
    with pytest.raises(WrongParty, match="too many epochs") as refused:
        incoming.accept_epoch(announced(pair, further))
    assert refused.value.rule == 14
    assert len(incoming.upcoming) == UPCOMING_MAX


@pytest.mark.parametrize("kind", [StatementType.EPOCH, StatementType.PREKEYS])
def test_stopped_line_follows_no_epoch_and_stocks_no_keys(pair: LinePair, kind: StatementType) -> None:
    incoming, outgoing = pair.b.line.incoming, pair.b.line.outgoing
    chain = incoming.upcoming[-1] if incoming.upcoming else incoming.chain
    assert chain is not None
    opening, _ = opened(pair, incoming.epoch + 1, min(pair.a.line.outgoing.prekeys), chain)
    number = outgoing.highest_prekey + 1
    said = {
        StatementType.EPOCH: announced(pair, opening).stated(),
        StatementType.PREKEYS: state(StatementType.PREKEYS, pair.a, number, [bytes(1216)]),
    }[kind]
    pair.b.hear(forge(pair.a, b"\xff no body").entries(), by=pair.a)
    assert pair.b.line.phase is Phase.STOPPED
    before = incoming.epoch, outgoing.highest_prekey
    pair.b.hear(said, by=pair.a)
    assert (incoming.epoch, outgoing.highest_prekey) == before


# --- entries


def test_entries_that_begin_with_known_ones_bring_the_new_ones(pair: LinePair) -> None:
    """A sender that had no receipt sends what it said before once more, together with what it said since."""
    pair.a.say("known")
    pair.a.turn()
    first = only(Entries, pair.a.sent())
    pair.deliver_one(pair.a, pair.b)
    pair.b.out.clear()
    pair.a.say("new")
    pair.a.turn()
    second = only(Entries, pair.a.sent())
    assert (first.start, second.start, first.epoch) == (1, 2, second.epoch)
    pair.b.hear(replace(second, start=1, entries=(*first.entries, *second.entries)), by=pair.a)
    assert pair.b.texts() == ["known", "new"]
    assert pair.b.alarms() == []


def test_full_form_under_a_head_that_does_not_follow_from_it_is_refused(pair: LinePair) -> None:
    forged = forge(pair.a, Body(b"words").encode())
    root = bytes(32)
    broken = replace(forged.entries(), signature=bytes(64))
    pair.b.hear(broken, by=pair.a)
    assert [(item.rule, item.at) for item in pair.b.sent() if isinstance(item, Refusal)] == [(22, 1)]
    full: FullEntry = replace(forged.full(), root=root, signature=sign_head(pair.a, 2, root))
    pair.b.hear(full, by=pair.a)
    assert pair.b.line.junk == 1
    assert pair.b.line.incoming.edge.size == 1
    pair.b.hear(forged.full(), by=pair.a)
    assert pair.b.line.incoming.edge.size == 2


def test_of_more_heads_claimed_by_status_than_are_kept_the_lowest_bind_the_peer(pair: LinePair) -> None:
    """What is next is what an honest peer sends next, so the claims that are nearest stay."""
    incoming = pair.b.line.incoming
    claim = sign_statement(StatementType.STATUS, pair.a.setup.outgoing, (), pair.a.party.keys.statement)
    size = incoming.edge.size
    for ahead in range(EXPECTED_MAX, -1, -1):
        incoming.expect(size + 1 + ahead, bytes(32), claim)
    assert len(incoming._expected) == EXPECTED_MAX
    pair.a.say("leads to another root")
    pair.settle(1)
    assert pair.b.line.phase is Phase.STOPPED
    assert [(alarm.kind, alarm.rule) for alarm in pair.b.alarms()] == [("fork", 26)]


@pytest.mark.slow
def test_roots_that_are_no_longer_at_hand_come_from_the_journal() -> None:
    with joined() as pair:
        pair.a.line = Line.restore(pair.a.setup, pair.a.journal, pair.a.clock.moment(), entries_per_checkpoint=1)
        pair.a.line.connected(pair.a.clock.moment())
        pair.b.line.connected(pair.b.clock.moment())
        pair.settle(1)
        for _ in range(ROOTS_KEPT + 2):
            pair.a.line.compose(Draft(EntryType.NOTICE, b""), pair.a.clock.moment())
        pair.a.turn()
        pair.deliver_one(pair.a, pair.b)
        size = pair.b.line.incoming.edge.size
        assert size == ROOTS_KEPT + 3
        sides = (pair.a.line.outgoing, pair.b.line.incoming)
        assert all(len(side._roots) <= ROOTS_KEPT for side in sides)
        log = pair.b.setup.incoming_log
        for at in (0, 1, 2, ROOTS_KEPT // 2, size - 1, size):
            assert {side.root_at(at) for side in sides} == {pair.b.journal.root_at(log, at)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("again", "good"),
    [
        (Again(1, 1, 3, 5, None), True),
        (Again(1, 1, 3, 1, None), True),
        (Again(1, 1, 3, 6, None), False),
        (Again(1, 1, 3, None, None), False),
        (Again(2, 1, 3, 5, None), False),
        (Again(3, 1, 3, 5, None), False),
        (Again(1, 2, 3, 5, None), False),
    ],
)
def test_entry_that_is_issued_again_keeps_a_number_that_was_counted_in_an_earlier_pair(
    pair: LinePair, again: Again, good: bool
) -> None:
    incoming = pair.b.line.incoming
    leaf = incoming.leaf_at(0)
    assert leaf is not None
    assert incoming.chain is not None
    leaf = replace(leaf, direction=leaf.direction._replace(inc=2), index=1, type=EntryType.NOTICE)
    step = replace(incoming._step(incoming.chain), number=5)
    number, fault = _number(step, leaf, Body(b"said before", again=again))
    assert (number, fault is None, step.number) == (again.number if good else None, good, 5)
    assert fault is None or fault.rule == 30
    assert _number(step, leaf, Body(b"new")) == (6, None)


# --- what is asked for


@pytest.mark.slow
@pytest.mark.parametrize("at", [0, 1, 2])
def test_peer_that_asks_for_its_own_head_is_shown_it_if_we_hold_one_so_large(pair: LinePair, at: int) -> None:
    pair.b.hear(Refusal(26, 1, at), by=pair.a)
    items = pair.b.sent()
    assert any(isinstance(item, Stated) for item in items)
    assert [item.size for item in items if isinstance(item, ShownCheckpoint)] == ([1] if at <= 1 else [])


def test_request_for_a_head_of_another_incarnation_is_left_alone(pair: LinePair) -> None:
    pair.b.hear(Refusal(26, 2, 0), by=pair.a)
    pair.clock.advance(2)
    pair.b.turn()
    assert pair.b.sent() == []
    assert pair.b.line.statuses.showing is None


def test_item_of_a_kind_that_is_not_known_is_counted_and_the_others_of_its_frame_are_taken(pair: LinePair) -> None:
    payload = encode([1, [77, "news of a later version"], [0, 5, None, 0]]) + b"\x80"
    nonce = bytes(12)
    frame = nonce + AESGCMSIV(pair.a.setup.outer_keys()[0]).encrypt(nonce, payload, None)
    pair.b.line.receive(frame, pair.b.clock.moment())
    pair.b.turn()
    assert pair.b.line.junk == 1
    assert only(Probe, pair.b.sent()).echo == 5


# --- answers


def test_acknowledgement_that_names_an_incarnation_in_which_the_notice_never_stood_closes_no_clock(pair: LinePair) -> None:
    asked = pair.a.notice(Notice("statement", 1, Precedence.FLASH, False, "en", {1: "?"}))
    pair.settle(1)
    leaf = pair.b.line.incoming.leaf_at(asked.index)
    assert leaf is not None
    content = Response(EntryType.ACKNOWLEDGE, 7, 7, asked.index, leaf.commitment, "en").encode()
    nonce, assertions = pair.b.sign(EntryType.ACKNOWLEDGE, content)
    draft = Draft(EntryType.ACKNOWLEDGE, content, nonce, assertions, asked.index, None, True)
    pair.b.line.compose(draft, pair.b.clock.moment())
    pair.settle(1)
    assert pair.a.arrived[-1].released
    assert pair.b.line.unacknowledged == 1
    assert pair.a.alarms() == pair.b.alarms() == []
    assert goes_on(pair)
