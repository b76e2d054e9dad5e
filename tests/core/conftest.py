"""The pair of lines that tests of a line turn by turn begin with; a file that needs another one has its own.

Nothing of ours is loaded before a fixture is asked for: trials of mutants fork after this file and before those of tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.line_pair import LinePair


@pytest.fixture(scope="module")
def quiet() -> Iterator[LinePair]:
    """Two lines that have opened each other, exchanged keys, and have nothing more to say; their next status is due in 50 s."""
    from tests.line_pair import joined

    with joined("turn by turn") as made:
        yield made


@pytest.fixture
def pair(quiet: LinePair) -> Iterator[LinePair]:
    from tests.turns import copy_of

    with copy_of(quiet) as made:
        yield made
