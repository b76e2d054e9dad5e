"""A third organisation that both desks know: it passes on, as its own or as another's, what somebody else signed or gave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dishonest import goes_on, only, state
from tests.line_pair import Clock, LinePair, joined, party, setup_of
from watchline.core.encoding import decode
from watchline.core.epochs import accept_epoch, open_epoch
from watchline.core.frames import Receipt, Stated
from watchline.core.keys import KemKey
from watchline.core.line import Phase
from watchline.core.statements import StatementType, epoch_values
from watchline.errors import BadSignature

LINE_WITH_X = bytes(range(1, 33))


class PairWithX(LinePair):
    """Tokyo and the third desk X, joined by a line of their own."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.padded = True
        tokyo, third = party("Tokyo"), party("X")
        self.a = self._side(folder / "tokyo.db", setup_of(tokyo, third, LINE_WITH_X), tokyo, "tokyo")
        self.b = self._side(folder / "x.db", setup_of(third, tokyo, LINE_WITH_X), third, "x")
        self.connect()
        begin(self)


def begin(made: LinePair) -> None:
    """Say one thing, so that the second epoch has begun; both lines then stand at the same sizes."""
    made.settle()
    made.a.say("first")
    made.settle()


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        begin(made)
        yield made


@pytest.fixture
def with_x(tmp_path: Path) -> Iterator[PairWithX]:
    made = PairWithX(tmp_path)
    yield made
    made.close()


def beijings_prekey(pair: LinePair) -> tuple[int, bytes]:
    """A single-use key that Beijing left with Tokyo; X has come to know it."""
    number = min(pair.a.line.outgoing.prekeys)
    return number, pair.a.line.outgoing.prekeys[number]


@pytest.mark.slow
def test_prekey_of_one_desk_that_a_third_publishes_as_its_own_gives_it_nothing(pair: LinePair, with_x: PairWithX) -> None:
    """Tokyo takes it: it cannot know whose it is. What Tokyo then seals, neither X nor Beijing can open."""
    number, prekey = beijings_prekey(pair)
    first = with_x.a.line.outgoing.highest_prekey + 1
    with_x.a.hear(state(StatementType.PREKEYS, with_x.b, first, [prekey]), by=with_x.b)
    assert with_x.a.line.outgoing.prekeys[first] == prekey
    tokyo = with_x.a.setup
    chain = with_x.a.line.outgoing.chain
    opening, sealed_under = open_epoch(tokyo.outgoing, chain.epoch + 1, first, prekey, bytes(32), tokyo.secret, chain.root_key)
    beijing = KemKey(pair.b.line.incoming.prekeys[number])
    others = [*with_x.b.line.incoming.prekeys.values(), with_x.b.setup.own_keys.kem.seed]
    for seed in others:
        with pytest.raises(BadSignature):
            accept_epoch(tokyo.outgoing, opening, KemKey(seed), tokyo.secret, chain.root_key)
    said = state(StatementType.EPOCH, with_x.a, *epoch_values(opening))
    before = pair.b.line.incoming.epoch, dict(pair.b.line.incoming.prekeys)
    pair.b.hear(said, by=pair.a)  # passed on to Beijing, which is the only one that has the key
    assert (pair.b.line.incoming.epoch, pair.b.line.incoming.prekeys) == before
    assert pair.b.line.junk == 1
    renamed = opening.__class__(opening.epoch, number, opening.prekey_hash, opening.sealed_seed)
    with pytest.raises(BadSignature):
        accept_epoch(pair.b.setup.incoming, renamed, beijing, pair.b.setup.secret, chain.root_key)
    assert sealed_under.epoch == opening.epoch
    assert goes_on(pair)


@pytest.mark.slow
def test_epoch_under_a_prekey_that_the_third_desk_never_had_is_refused_by_it(pair: LinePair, with_x: PairWithX) -> None:
    _, prekey = beijings_prekey(pair)
    tokyo, chain = with_x.a.setup, with_x.a.line.outgoing.chain
    number = min(with_x.b.line.incoming.prekeys)
    opening, _ = open_epoch(tokyo.outgoing, chain.epoch + 1, number, prekey, bytes(32), tokyo.secret, chain.root_key)
    before = with_x.b.line.incoming.epoch
    with_x.b.hear(state(StatementType.EPOCH, with_x.a, *epoch_values(opening)), by=with_x.a)
    assert with_x.b.line.incoming.epoch == before
    assert with_x.b.line.junk == 1


@pytest.mark.slow
def test_receipt_of_another_line_that_a_third_desk_passes_on_counts_for_nothing(pair: LinePair, with_x: PairWithX) -> None:
    """Both lines of Tokyo stand at the same size; X gives its own receipt where Beijing gave none."""
    for each in (pair, with_x):
        each.a.say("the same words")
        each.a.turn()
    with_x.deliver_one(with_x.a, with_x.b)
    theirs = only(Receipt, with_x.b.sent())
    pair.a.out.clear()
    assert theirs.size == pair.a.line.outgoing.edge.size
    before = pair.a.line.outgoing.received
    pair.a.hear(theirs, by=pair.b)
    assert pair.a.line.outgoing.received == before
    assert pair.a.line.phase is Phase.OPEN
    with_x.a.hear(theirs, by=with_x.b)  # on its own line it is a receipt
    assert with_x.a.line.outgoing.received == theirs.size
    assert goes_on(pair)


@pytest.mark.slow
def test_status_and_epoch_of_another_line_are_not_passed_on(pair: LinePair, with_x: PairWithX) -> None:
    """What Tokyo signed for X, X offers to Beijing as Tokyo's word, under the frame key of that line."""
    with_x.clock.advance(86_401)
    with_x.a.line.tick(with_x.a.clock.moment())
    with_x.a.turn()
    said = [item for item in with_x.a.sent() if isinstance(item, Stated)]
    kinds = {decode(item.spoken)[0] for item in said}
    assert kinds >= {StatementType.STATUS, StatementType.EPOCH}
    for item in said:
        before = pair.b.line.statuses.peer_status, pair.b.line.incoming.epoch
        pair.b.hear(item, by=pair.a)
        assert (pair.b.line.statuses.peer_status, pair.b.line.incoming.epoch) == before
    assert pair.b.line.junk == len(said)
    with_x.b.hear(*said, by=with_x.a)  # on their own line they hold
    assert with_x.b.line.junk == 0
    assert goes_on(pair)
