"""The line's state machine, played by two real lines over two real journals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.line_pair import LinePair
from watchline.core.line import Phase


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[LinePair]:
    joined = LinePair(tmp_path)
    yield joined
    joined.close()


def test_two_new_lines_exchange_prekeys_and_leave_the_first_epoch(pair: LinePair) -> None:
    pair.a.say("first")
    pair.a.turn()
    pair.settle()
    assert pair.b.texts() == ["first"]
    assert pair.a.line.phase is Phase.OPEN
    assert pair.b.line.phase is Phase.OPEN
    pair.a.say("second")
    pair.settle()
    assert pair.a.line.outgoing.chain.epoch == 2
    assert pair.b.line.incoming.chain is not None
    assert pair.b.line.incoming.chain.epoch == 2
    assert pair.a.line.outgoing.received == 3
    assert pair.a.alarms() == []
    assert pair.b.alarms() == []
    assert pair.a.line.junk == 0
    assert pair.b.line.junk == 0
