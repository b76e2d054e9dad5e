"""The pair of lines that tests of a line turn by turn begin with; a file that needs another one has its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.line_pair import LinePair, joined
from tests.turns import copy_of


@pytest.fixture(scope="module")
def quiet() -> Iterator[LinePair]:
    """Two lines that have opened each other, exchanged keys, and have nothing more to say; their next status is due in 50 s."""
    with joined("turn by turn") as made:
        yield made


@pytest.fixture
def pair(quiet: LinePair) -> Iterator[LinePair]:
    with copy_of(quiet) as made:
        yield made
