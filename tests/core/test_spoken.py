"""How far a line that is opening speaks of its log: what it keeps, when, and what an earlier start had kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.line_pair import LINE, START, party, setup_of
from watchline.core.merkle import Edge
from watchline.core.records import StateRecord
from watchline.core.spoken import SPOKEN_PART, Spoken
from watchline.journal import LineRecord
from watchline.journal.sqlite import SqliteJournal, open_journal

SETUP = setup_of(party("Tokyo"), party("Beijing"))
ONE = Edge.EMPTY.append(bytes([1]) * 32)
TWO, THREE = ONE.append(bytes([2]) * 32), ONE.append(bytes([2]) * 32).append(bytes([3]) * 32)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    made = open_journal(tmp_path / "journal.db", bytes(32), create=True)
    made.put_line(LineRecord(LINE, "line", START, True, b""))
    yield made
    made.close()


def restored(journal: SqliteJournal, edge: Edge) -> tuple[Spoken, int]:
    spoken = Spoken()
    return spoken, spoken.restore(journal, SETUP, edge)


def kept(record: StateRecord | None, journal: SqliteJournal) -> bool:
    """Whether anything is to be kept, which is then done."""
    if record is None:
        return False
    assert (record.line, record.part) == (LINE, SETUP.part(SPOKEN_PART))
    journal.commit([record])
    return True


def test_line_that_was_open_may_speak_of_all_that_its_log_held_at_the_start(journal: SqliteJournal) -> None:
    spoken, size = restored(journal, TWO)
    assert (spoken.after, size) == (TWO, 2)
    assert not kept(spoken.grown(TWO, SETUP), journal)
    assert journal.state(LINE, SPOKEN_PART) is None


def test_how_far_it_spoke_is_kept_once_as_soon_as_the_log_goes_further(journal: SqliteJournal) -> None:
    spoken, _ = restored(journal, ONE)
    assert kept(spoken.grown(TWO, SETUP), journal)
    assert not kept(spoken.grown(THREE, SETUP), journal)
    assert spoken.after == ONE
    for _ in range(2):
        again, size = restored(journal, THREE)
        assert (again.after, size) == (ONE, 1)
        assert not kept(again.grown(THREE, SETUP), journal)


def test_line_that_opens_forgets_it_and_may_say_all(journal: SqliteJournal) -> None:
    spoken, _ = restored(journal, ONE)
    assert kept(spoken.grown(TWO, SETUP), journal)
    assert kept(spoken.opened(SETUP), journal)
    assert spoken.after is None
    assert not kept(spoken.opened(SETUP), journal)
    assert not kept(spoken.grown(THREE, SETUP), journal)
    assert restored(journal, THREE)[0].after == THREE


def test_start_that_found_it_kept_forgets_it_when_the_line_opens(journal: SqliteJournal) -> None:
    kept(restored(journal, ONE)[0].grown(TWO, SETUP), journal)
    assert kept(restored(journal, TWO)[0].opened(SETUP), journal)
    assert restored(journal, TWO)[0].after == TWO


def test_line_that_opens_with_nothing_kept_keeps_nothing(journal: SqliteJournal) -> None:
    assert not kept(restored(journal, TWO)[0].opened(SETUP), journal)


def test_new_pair_has_said_nothing_yet(journal: SqliteJournal) -> None:
    spoken = Spoken()
    spoken.begin()
    assert spoken.after == Edge.EMPTY
    assert kept(spoken.grown(ONE, SETUP), journal)
    assert restored(journal, ONE)[0].after == Edge.EMPTY
