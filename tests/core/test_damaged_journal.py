"""A journal that no longer gives back what was committed: a line does not start from it (rule 23)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.line_pair import LINE, Clock, joined, party, setup_of
from watchline.core.line import Line
from watchline.core.records import Record, StatementRecord, StateRecord
from watchline.errors import JournalError
from watchline.journal import LineRecord
from watchline.journal.sqlite import SqliteJournal, open_journal

SETUP = setup_of(party("Tokyo"), party("Beijing"))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    made = open_journal(tmp_path / "journal.db", bytes(32), create=True)
    made.put_line(LineRecord(LINE, "line", Clock().wall, True, b""))
    yield made
    made.close()


def restored(journal: SqliteJournal) -> Line:
    return Line.restore(SETUP, journal, Clock().moment())


@pytest.mark.parametrize(
    ("is_lost", "said"),
    [
        (lambda record: isinstance(record, StateRecord) and record.part == "outgoing", "a line has entries and no state"),
        (lambda record: isinstance(record, StatementRecord), "an epoch was prepared, and its statement is gone"),
    ],
    ids=["its state", "its epoch"],
)
def test_line_that_lost_a_record_of_its_first_turn_does_not_start(
    journal: SqliteJournal, is_lost: Callable[[Record], bool], said: str
) -> None:
    moment = Clock().moment()
    records = Line.begin(SETUP, journal, moment).turn(moment).records
    lost = [record for record in records if is_lost(record)]
    assert len(lost) == 1
    journal.commit([record for record in records if record not in lost])
    with pytest.raises(JournalError, match=said) as refused:
        restored(journal)
    assert refused.value.facts == {"reason": "damaged"}
    journal.commit(lost)
    assert restored(journal).outgoing.edge.size == 1


def test_line_whose_copy_of_the_peers_log_is_not_what_was_committed_does_not_start() -> None:
    with joined() as pair, joined("other words") as other:
        for each, text in ((pair, "these words"), (other, "other words")):
            each.a.say(text)
            each.settle(1)
        other.b.journal.commit([pair.b.line.incoming._state()])
        with pytest.raises(JournalError, match="the peer's log does not lead to the root") as refused:
            Line.restore(other.b.setup, other.b.journal, other.b.clock.moment())
        assert refused.value.facts == {"reason": "damaged"}
        undamaged = Line.restore(pair.b.setup, pair.b.journal, pair.b.clock.moment())
        assert undamaged.incoming.edge == pair.b.line.incoming.edge
