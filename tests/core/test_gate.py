"""What is dropped before it costs a signature check: what is known, and what came too often in a period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tests.line_pair import LinePair, joined
from watchline.core.announced import AnnouncedRoutes
from watchline.core.encoding import encode
from watchline.core.frames import Entries, FullEntry, Item, Receipt, Stated, WireEntry
from watchline.core.freshness import Freshness
from watchline.core.gate import StatementGate
from watchline.core.setting import Moment
from watchline.core.statements import StatementType
from watchline.errors import BadSignature, Malformed

NONCE, OTHER, OURS = b"n" * 16, b"o" * 16, b"u" * 16
PERIOD = 0.1


@pytest.fixture(scope="module")
def pair() -> Iterator[LinePair]:
    with joined() as made:
        made.b.say("one")
        made.settle(2)
        yield made


@pytest.fixture
def freshness() -> Freshness:
    return Freshness()


@pytest.fixture
def announced() -> AnnouncedRoutes:
    return AnnouncedRoutes()


@pytest.fixture
def gate(pair: LinePair, freshness: Freshness, announced: AnnouncedRoutes) -> StatementGate:
    return StatementGate(pair.a.line.incoming, pair.a.line.outgoing, freshness, announced)


def at(running: float) -> Moment:
    return Moment(0, running, bytes)


def stated(kind: int, *values: object) -> Stated:
    return Stated(encode([int(kind), 1, 1, *values]), b"", None)


def status(nonce: bytes = NONCE, echo: bytes | None = None) -> Stated:
    return stated(StatementType.STATUS, 0, nonce, echo)


def admitted(gate: StatementGate, what: Stated, count: int, running: float = 0.0) -> int:
    return sum(gate.admits(what, at(running)) for _ in range(count))


# --- statements


@pytest.mark.parametrize("kind", [0, 5])
def test_statement_of_an_unknown_type_is_refused(gate: StatementGate, kind: int) -> None:
    with pytest.raises(Malformed) as refused:
        gate.admits(stated(kind), at(0))
    assert refused.value.rule == 4


def test_four_statements_of_a_kind_are_looked_at_in_a_period(gate: StatementGate, pair: LinePair) -> None:
    epoch = stated(StatementType.EPOCH, pair.a.line.incoming.epoch + 1)
    assert admitted(gate, epoch, 6) == 4
    assert admitted(gate, status(), 6) == 4
    assert admitted(gate, epoch, 6, PERIOD - 0.01) == 0
    assert admitted(gate, epoch, 6, PERIOD) == 4


def test_status_that_answers_a_nonce_of_ours_is_not_crowded_out_by_others(gate: StatementGate, freshness: Freshness) -> None:
    freshness.make(OURS, 0, asked=False)
    assert admitted(gate, status(echo=OTHER), 6) == 4
    assert admitted(gate, stated(StatementType.STATUS), 1) == 0  # one that says nothing answers nothing
    assert admitted(gate, status(echo=OURS), 6) == 4


def test_status_that_was_heard_is_not_looked_at_again(gate: StatementGate, freshness: Freshness) -> None:
    freshness._heard[NONCE] = None
    assert admitted(gate, status(NONCE), 1) == 0
    assert admitted(gate, stated(StatementType.STATUS, NONCE, None), 1) == 0
    assert admitted(gate, status(OTHER, NONCE), 1) == 1
    assert admitted(gate, stated(StatementType.STATUS, NONCE), 1) == 1  # no status: whoever verifies it refuses it


def test_epoch_that_is_held_is_not_looked_at_again(gate: StatementGate, pair: LinePair) -> None:
    epoch = pair.a.line.incoming.epoch
    assert epoch >= 1
    assert [admitted(gate, stated(StatementType.EPOCH, number), 1) for number in (epoch - 1, epoch, epoch + 1)] == [0, 0, 1]
    assert admitted(gate, stated(StatementType.EPOCH, "junk"), 1) == 0
    assert admitted(gate, stated(StatementType.EPOCH), 1) == 0


def test_prekeys_of_which_none_is_new_are_not_looked_at_again(gate: StatementGate, pair: LinePair) -> None:
    highest = pair.a.line.outgoing.highest_prekey
    assert highest >= 2
    cases: Sequence[tuple[tuple[object, ...], int]] = [
        ((highest, [b"key"]), 0),
        ((highest, [b"key", b"key"]), 1),
        ((highest - 1, [b"key", b"key"]), 0),
        ((highest + 1, [b"key"]), 1),
        ((highest + 1,), 0),
        ((highest + 2,), 1),
        ((highest + 1, b"junk"), 0),
    ]
    assert [admitted(gate, stated(StatementType.PREKEYS, *values), 1) for values, _ in cases] == [new for _, new in cases]


def test_addresses_that_are_not_newer_are_not_looked_at_again(gate: StatementGate, announced: AnnouncedRoutes) -> None:
    assert admitted(gate, stated(StatementType.ROUTES, "junk", []), 1) == 0
    announced.peer_time = 7
    assert [admitted(gate, stated(StatementType.ROUTES, time, []), 1) for time in (6, 7, 8)] == [0, 0, 1]


# --- certificates and shown checkpoints


def test_one_certificate_and_four_shown_checkpoints_are_looked_at_in_a_period(gate: StatementGate) -> None:
    assert [gate.admits_certificate(at(0)) for _ in range(3)] == [True, False, False]
    assert gate.admits_certificate(at(PERIOD))
    assert not gate.is_crowded(at(0))
    assert [gate.admits_shown(at(0)) for _ in range(5)] == [True] * 4 + [False]
    assert gate.is_crowded(at(0))
    assert not gate.is_crowded(at(PERIOD))


# --- what brings the line on


def failing(gate: StatementGate, kind: type[Item], running: float = 0.0) -> None:
    with gate.bounded(kind, at(running)):
        raise Malformed("this does not hold", rule=39)


def test_four_items_of_a_kind_may_fail_in_a_period_and_then_none_is_looked_at(gate: StatementGate) -> None:
    for _ in range(10):  # what holds costs nothing
        with gate.bounded(Receipt, at(0)):
            pass
    for _ in range(4):
        with pytest.raises(Malformed):
            failing(gate, Receipt)
    with pytest.raises(BadSignature) as refused, gate.bounded(Receipt, at(0)):
        pytest.fail("it was looked at")
    assert refused.value.rule == 20
    with pytest.raises(Malformed):
        failing(gate, FullEntry)
    with gate.bounded(Receipt, at(PERIOD)):
        pass


WIRE = WireEntry(1, 0, bytes(32), 0, None, b"")


def spent(gate: StatementGate, start: int, count: int, running: float = 0.0) -> int:
    """How many items of so many entries may bring nothing before they are no longer looked at."""
    item = Entries(1, 1, 1, start, (WIRE,) * count, b"")
    for taken in range(1000):
        try:
            with gate.entries(item, at(running)):
                pass
        except BadSignature as refused:
            assert refused.rule == 20
            return taken
    return 1000


def test_entries_that_bring_nothing_cost_as_many_as_they_are_and_64_more(gate: StatementGate, pair: LinePair) -> None:
    size = pair.a.line.incoming.edge.size
    assert size >= 1
    assert spent(gate, size, 256) == 2
    assert spent(gate, size, 1, PERIOD) == 10
    assert spent(gate, size, 0, 2 * PERIOD) == 10
    assert [spent(gate, size, count, (3 + count) * PERIOD) for count in (7, 8, 64)] == [10, 9, 5]


def test_known_and_early_entries_have_allowances_of_their_own(gate: StatementGate, pair: LinePair) -> None:
    size = pair.a.line.incoming.edge.size
    assert spent(gate, size, 256) == 2
    assert spent(gate, size - 1, 256) == 16
    assert spent(gate, size + 1, 256) == 16


def test_entries_that_are_refused_cost_too_and_those_that_bring_the_line_on_do_not(pair: LinePair) -> None:
    line = pair.a.line
    gate = StatementGate(line.incoming, line.outgoing, Freshness(), AnnouncedRoutes())
    item = Entries(1, 1, 1, line.incoming.edge.size, (WIRE,) * 256, b"")
    for _ in range(2):
        with pytest.raises(Malformed), gate.entries(item, at(0)):
            raise Malformed("these do not hold", rule=22)
    with pytest.raises(BadSignature), gate.entries(item, at(0)):
        pytest.fail("they were looked at")
    for number in range(4):
        following = Entries(1, 1, 1, line.incoming.edge.size, (WIRE,) * 256, b"")
        with gate.entries(following, at(PERIOD)):
            pair.b.say(f"and on {number}")
            pair.settle(1)
        assert line.incoming.edge.size == following.start + 1
