from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.console.browsers import Browser, Room
from tests.desk.desk_pair import DeskPair


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskPair]:
    """Tokyo and Beijing on a line that is open, for all tests of a module: opening it is most of a test's time."""
    joined = DeskPair(tmp_path_factory.mktemp("desks"))
    joined.join()
    joined.advance(5)
    yield joined
    joined.close()


@pytest.fixture
def room(pair: DeskPair, tmp_path_factory: pytest.TempPathFactory) -> Room:
    return Room(pair, tmp_path_factory.mktemp("home") / "officers")


@pytest.fixture
def browser(room: Room) -> Browser:
    signed_in = Browser(room.console)
    assert signed_in.sign_in().status_code == 200
    return signed_in
