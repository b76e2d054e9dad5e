"""What closes a reply clock in hard cases, and what a restart looks at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.line_pair import LinePair, joined
from watchline.core.entries import EntryType, Notice, Precedence
from watchline.core.outgoing import Draft
from watchline.core.records import EntryRecord, Log
from watchline.core.reply_clocks import FLOOR_STEP, STATE_PART, ReplyClocks
from watchline.core.setting import Reader
from watchline.errors import JournalError

QUESTION = Notice("statement", 1, Precedence.FLASH, False, "en", {1: "?"})


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        yield made


def test_acknowledgement_whose_signed_content_is_no_response_closes_nothing(pair: LinePair) -> None:
    asked = pair.a.notice(QUESTION)
    pair.settle()
    nonce, assertions = pair.b.sign(EntryType.ACKNOWLEDGE, b"\xff no response")
    draft = Draft(EntryType.ACKNOWLEDGE, b"\xff no response", nonce, assertions, asked.index, None, True)
    pair.b.line.compose(draft, pair.b.clock.moment())
    pair.settle()
    assert pair.b.line.unacknowledged == 1
    assert pair.a.alarms() == pair.b.alarms() == []


def test_notice_left_open_is_still_open_after_hundreds_of_closed_ones_and_a_restart(pair: LinePair) -> None:
    for number in range(FLOOR_STEP + 8):
        pair.a.say(f"{number}")
    pair.a.notice(QUESTION)
    pair.settle()
    assert pair.b.journal.state(pair.b.setup.line, STATE_PART) is not None
    pair.b.restart(connected=True)
    assert pair.b.line.unacknowledged == 1
    pair.settle()
    assert pair.a.alarms() == pair.b.alarms() == []


class LosingReader:
    """A journal that lists its leaves and no longer finds one entry. It has only what a restart reads."""

    def __init__(self, journal: Reader, lost: tuple[Log, int]) -> None:
        self._lost = lost
        self.size, self.leaves, self.state = journal.size, journal.leaves, journal.state
        self._entry = journal.entry

    def entry(self, log: Log, index: int) -> EntryRecord | None:
        return None if (log, index) == self._lost else self._entry(log, index)


def test_entry_that_the_journal_lost_ends_the_restart(pair: LinePair) -> None:
    asked = pair.a.notice(QUESTION)
    pair.settle()
    log = pair.a.setup.outgoing_log
    reader = LosingReader(pair.a.journal, (log, asked.index))
    with pytest.raises(JournalError, match="an entry is missing"):
        ReplyClocks(pair.a.setup, lambda *_: None, lambda *_: None).restore(reader, pair.a.clock.moment())  # type: ignore[arg-type]
