"""The tests of a line: each desk's node tests in its own slots of the day, and answers the other's at once.

A test is an ordinary entry that nobody releases, with a neutral text; its answer proves that the whole way works, both ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchline.core.encoding import decode, encode
from watchline.core.entries import EntryType, Notice, Precedence
from watchline.core.line import Phase
from watchline.core.outgoing import Draft
from watchline.core.records import EntryRecord
from watchline.core.setting import Moment
from watchline.desk.lines import LineTest, OpenLine
from watchline.journal import Journal

if TYPE_CHECKING:
    from watchline.desk.desk import Desk

CLOCK_SLOTS = 2  # a clock that is set back by more than so many slots begins counting anew
ANSWER_SECONDS = 5.0  # for each answer to a test; so many may come at once, and a peer that tests on gets receipts alone
ANSWERS_AT_ONCE = 4
PATIENCE_SECONDS = 60.0  # a test without an answer after this long has failed
DOCUMENT_KIND = "last-test"
_BODY = "The quick brown fox jumps over the lazy dog 0123456789"


class LineTests:
    """Starts, answers and judges the tests of one desk's lines."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def begin(self, opened: OpenLine) -> None:
        """Wait for the next slot of this line, not for the one that runs."""
        opened.next_test_slot = self._slot(opened, self._desk.moment()) + 1

    def start(self, opened: OpenLine) -> LineTest:
        """Send a test that the peer's node answers; the last one, if it is still awaited, has failed."""
        moment = self._desk.moment()
        self._end(opened, ok=False)
        record = self._desk.compose(opened, Draft(EntryType.NOTICE, self._content(opened, moment), released=True))
        opened.test = LineTest(moment.wall, moment.running, record.index)
        return opened.test

    def on_time(self, opened: OpenLine, moment: Moment) -> None:
        """Test when a slot of ours begins: even slots of the day are one desk's, odd ones the other's."""
        if opened.test is not None and moment.running - opened.test.started > PATIENCE_SECONDS:
            self._end(opened, ok=False)
        slot = self._slot(opened, moment)
        # A clock that was far ahead when the next slot was set must not silence the tests until it is reached again.
        if opened.next_test_slot - CLOCK_SLOTS < slot < opened.next_test_slot:
            return
        opened.next_test_slot = slot + 1
        setup = opened.line.setup
        lower = setup.own_id < setup.peer_identity.id
        ours_even = lower == opened.line.terms.lower_id_tests_even_hours
        if (slot % 2 == 0) == ours_even and opened.line.phase is Phase.OPEN and self._may_speak_alone(opened):
            self.start(opened)

    def arrived(self, opened: OpenLine, record: EntryRecord) -> None:
        """The peer's node tests the line, or answers our test."""
        if record.re is None:
            moment = self._desk.moment()
            if self._may_speak_alone(opened) and self._may_answer(opened, moment):
                content = self._content(opened, moment)
                self._desk.compose(opened, Draft(EntryType.NOTICE, content, re=record.index, released=True))
        elif opened.test is not None and opened.test.index == record.re:
            self._end(opened, ok=True)

    def _may_speak_alone(self, opened: OpenLine) -> bool:
        """Whether the node may say something that nobody released: not to an incarnation that no people stand for (rule 29)."""
        return self._desk.has_room and not opened.is_stopped and "theirs" not in opened.line.unconfirmed

    def _may_answer(self, opened: OpenLine, moment: Moment) -> bool:
        """Whether another answer is due now; if so, it is counted. Without a bound a peer that tests on fills both logs."""
        spent_until = max(opened.answers_spent_until, moment.running)
        if spent_until > moment.running + (ANSWERS_AT_ONCE - 1) * ANSWER_SECONDS:
            return False
        opened.answers_spent_until = spent_until + ANSWER_SECONDS
        return True

    def _content(self, opened: OpenLine, moment: Moment) -> bytes:
        form = self._desk.catalogue.form("test")
        route = opened.link.address if opened.link is not None else "none"
        fields = {1: moment.wall, 2: opened.line.outgoing.edge.size, 3: _BODY, 4: route}
        return Notice(form.code, form.version, Precedence.ROUTINE, False, "en", fields).encode()

    def _slot(self, opened: OpenLine, moment: Moment) -> int:
        return moment.wall // opened.line.terms.test_interval_seconds

    def _end(self, opened: OpenLine, *, ok: bool) -> None:
        test = opened.test
        if test is None:
            return
        opened.test, opened.last_test = None, test
        test.ok = ok
        if ok:
            test.round_trip_seconds = round(self._desk.moment().running - test.started, 6)
        micros = None if test.round_trip_seconds is None else int(test.round_trip_seconds * 1_000_000)
        value = encode([test.at, test.index, ok, micros])
        self._desk.keep_document(DOCUMENT_KIND, opened.record.line.hex(), value)


def stored_test(journal: Journal, line: bytes) -> LineTest | None:
    """The last test of a line that ended, as it was kept; None if there was none."""
    document = journal.document(DOCUMENT_KIND, line.hex())
    if document is None:
        return None
    at, index, ok, micros = decode(document)
    return LineTest(at, 0.0, index, ok, None if micros is None else micros / 1_000_000)
