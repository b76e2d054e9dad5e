"""Genuine words of the peer that come again later, when a newer one holds: a relay repeats them, and they change nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dishonest import goes_on, state
from tests.line_pair import LinePair, joined
from watchline.core.setting import RoutesArrived
from watchline.core.statements import StatementType

OLD, NEW = [["direct", "192.0.2.1:4300"]], [["direct", "192.0.2.2:4300"]]


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("restarted", [False, True])
def test_older_addresses_that_the_peer_signed_do_not_come_back(pair: LinePair, restarted: bool) -> None:
    old, new = (state(StatementType.ROUTES, pair.a, time, routes) for time, routes in ((100, OLD), (101, NEW)))
    pair.b.hear(old, by=pair.a)
    pair.b.hear(new, by=pair.a)
    assert arrived(pair) == [100, 101]
    if restarted:
        pair.b.restart(connected=True)
    pair.b.events.clear()
    pair.b.hear(old, by=pair.a)
    pair.b.hear(new, by=pair.a)
    assert arrived(pair) == []
    kept = pair.b.journal.statement(pair.b.setup.line, False, StatementType.ROUTES)
    assert kept is not None
    assert kept.time == 101
    pair.connect()
    assert goes_on(pair)


def arrived(pair: LinePair) -> list[int]:
    return [event.time for event in pair.b.events if isinstance(event, RoutesArrived)]
