"""What a desk says of the line itself with the form `line-status`: which notice counts, for how long, and after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.line_pair import LINE, START, party, setup_of
from watchline.core.encoding import encode
from watchline.core.entries import Body, EntryType, Notice, Precedence
from watchline.core.line_notices import STATE_PART, LineNotices
from watchline.core.line_state import Suspension
from watchline.core.records import EntryRecord, StateRecord
from watchline.errors import Malformed
from watchline.journal import LineRecord
from watchline.journal.sqlite import SqliteJournal, open_journal

SETUP = setup_of(party("Tokyo"), party("Beijing"))
LATER, END = START + 100, START + 200


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    made = open_journal(tmp_path / "journal.db", bytes(32), create=True)
    made.put_line(LineRecord(LINE, "line", START, True, b""))
    yield made
    made.close()


def said(
    state: object = "suspended", since: object = LATER, until: object = END, *, own: bool = False, form: str = "line-status"
) -> EntryRecord:
    fields = {number: value for number, value in ((1, state), (2, since), (3, until)) if value is not None}
    content = Notice(form, 1, Precedence.ROUTINE, False, "en", fields).encode()
    log = SETUP.outgoing_log if own else SETUP.incoming_log
    return EntryRecord(log, 1, EntryType.NOTICE, b"", Body(content).encode(), bytes(32), None, 1, START, None, released=True)


def in_force(notices: LineNotices, *times: int) -> list[Suspension | None]:
    return [notices.suspension(time) for time in times]


@pytest.mark.parametrize("own", [True, False])
def test_suspension_holds_from_its_first_second_to_before_its_last(own: bool) -> None:
    notices = LineNotices()
    assert notices.note(said(own=own), SETUP) is not None
    found = Suspension("ours" if own else "theirs", LATER)
    assert in_force(notices, LATER - 1, LATER, END - 1, END) == [None, found, found, None]


def test_suspension_without_an_end_holds_on() -> None:
    notices = LineNotices()
    notices.note(said(until=None), SETUP)
    assert in_force(notices, LATER - 1, 2 * END) == [None, Suspension("theirs", LATER)]


def test_peers_suspension_is_told_before_our_own_and_the_newest_of_each_desk_counts() -> None:
    notices = LineNotices()
    notices.note(said(own=True, since=START), SETUP)
    notices.note(said(), SETUP)
    assert in_force(notices, LATER) == [Suspension("theirs", LATER)]
    notices.note(said("in service", until=None), SETUP)
    assert in_force(notices, LATER) == [Suspension("ours", START)]
    notices.note(said("in service", own=True, until=None), SETUP)
    assert in_force(notices, LATER) == [None]


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(("state", "counts"), [("maintenance", True), ("degraded", True), ("suspended", False)])
def test_maintenance_of_either_desk_counts_while_it_is_meant(state: str, counts: bool, own: bool) -> None:
    notices = LineNotices()
    notices.note(said(state, own=own), SETUP)
    assert [notices.is_in_maintenance(time) for time in (LATER - 1, LATER, END)] == [False, counts, False]
    assert bool(notices.suspension(LATER)) is not counts


def test_what_is_no_released_line_status_says_nothing() -> None:
    record = said()
    exercise = Notice("line-status", 1, Precedence.ROUTINE, True, "en", {1: "suspended", 2: LATER})
    for other in (
        replace(record, released=False),
        replace(record, type=EntryType.CANCEL),
        replace(record, body=Body(exercise.encode()).encode()),
        replace(record, body=Body(b"junk").encode()),
        replace(record, body=b"junk"),
        said(form="statement"),
        said(state=None),
        said(state="s" * 33),
        said(since=None),
        said(since="now"),
        said(until="never"),
    ):
        notices = LineNotices()
        assert notices.note(other, SETUP) is None
        assert (notices.ours, notices.theirs) == (None, None)


@pytest.mark.parametrize("until", [None, END])
def test_what_either_desk_said_is_known_after_a_restart(journal: SqliteJournal, until: int | None) -> None:
    notices = LineNotices()
    notices.restore(journal, SETUP)
    assert (notices.ours, notices.theirs) == (None, None)
    for own in (True, False):
        kept = notices.note(said("maintenance", until=until, own=own), SETUP)
        assert kept is not None
        journal.commit([kept])
        again = LineNotices()
        again.restore(journal, SETUP)
        assert (again.ours, again.theirs) == (notices.ours, notices.theirs)


@pytest.mark.parametrize("kept", [[None], [None, None, None], [["suspended", 1], None], [None, ["suspended", 1, None, 0]]])
def test_what_was_kept_in_another_shape_is_refused(journal: SqliteJournal, kept: list[object]) -> None:
    journal.commit([StateRecord(LINE, STATE_PART, encode(kept))])
    with pytest.raises(Malformed):
        LineNotices().restore(journal, SETUP)
