"""Drills: once a shift, one at a time, answered by a person or kept as failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.desk.desk_pair import DeskEnd, DeskPair
from tests.desk.watch_samples import AGREED, acknowledge, ask
from tests.line_pair import START
from watchline.core.terms import Clocks
from watchline.desk.drills import Drill
from watchline.desk.rungs import read_notice

HOUR = 3600
DUE = 20  # seconds after which the first drill of a test is due
# Shifts of an hour, in which a person has five minutes: hours of the simulated clock take seconds of the real one.
QUICK = replace(AGREED, form_clocks={**AGREED.form_clocks, "drill": Clocks(300, None)}, test_interval_seconds=86_400)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    joined = with_shifts(tmp_path, 1)
    yield joined
    joined.close()


def with_shifts(folder: Path, hours: int, agreed: object = QUICK) -> DeskPair:
    """Two desks, of which Tokyo drills every so many hours and Beijing not at all."""
    pair = DeskPair(folder, agreed=agreed)  # type: ignore[arg-type]
    for end, drill_hours in ((pair.a, hours), (pair.b, 0)):
        end.config = end.desk.config = replace(end.config, drill_hours=drill_hours)
    pair.a.line.record = replace(pair.a.line.record, created=START - hours * HOUR + DUE)
    pair.join()
    pair.advance(3)
    return pair


def last(end: DeskEnd) -> Drill:
    drill = end.desk.drills.last(end.line)
    assert drill is not None
    return drill


def drills(end: DeskEnd) -> list[int]:
    """The indexes of the drills that this end has received."""
    log = end.line.line.setup.incoming_log
    found = []
    for record in end.journal.entries(log, 0, end.journal.size(log)):
        notice = read_notice(record)
        if notice is not None and notice.form == "drill":
            assert notice.exercise
            found.append(record.index)
    return found


def test_drill_is_due_one_shift_after_the_line_was_made(pair: DeskPair) -> None:
    pair.advance(DUE - 8)
    assert drills(pair.b) == []
    pair.advance(10)
    assert len(drills(pair.b)) == 1
    assert drills(pair.a) == []
    assert last(pair.a).ok is None


def test_drill_that_a_person_acknowledges_is_kept_with_its_time(pair: DeskPair) -> None:
    pair.advance(DUE + 60)
    acknowledge(pair.b, "Beijing", drills(pair.b)[0])
    pair.advance(3)

    assert last(pair.a).ok is True
    assert 55 <= (last(pair.a).seconds or 0) <= 70
    (line,) = ask(pair.a, "status", line="beijing")["lines"]
    assert (line["last_drill"]["ok"], line["last_drill"]["seconds"]) == (True, last(pair.a).seconds)


@pytest.mark.slow
def test_drill_that_nobody_acknowledges_in_time_has_failed_and_no_other_is_sent_meanwhile(pair: DeskPair) -> None:
    pair.advance(DUE + 290)
    assert last(pair.a).ok is None
    pair.advance(20)
    assert last(pair.a).ok is False
    pair.advance(HOUR)
    assert len(drills(pair.b)) == 1

    acknowledge(pair.b, "Beijing", drills(pair.b)[0])
    pair.advance(5)
    assert len(drills(pair.b)) == 2
    assert last(pair.a).ok is None


@pytest.mark.slow
def test_drill_that_was_acknowledged_late_stays_failed(pair: DeskPair) -> None:
    pair.advance(DUE + 400)
    acknowledge(pair.b, "Beijing", drills(pair.b)[0])
    pair.advance(3)
    assert (last(pair.a).ok, (last(pair.a).seconds or 0) > 300) == (False, True)


@pytest.mark.slow
def test_last_drill_survives_a_restart_and_is_still_judged(pair: DeskPair) -> None:
    pair.advance(DUE + 5)
    before = last(pair.a)
    pair.cut()
    pair.a.restart()
    assert last(pair.a) == before
    pair.join()
    pair.advance(3)
    acknowledge(pair.b, "Beijing", drills(pair.b)[0])
    pair.advance(3)
    assert last(pair.a).ok is True
    assert len(drills(pair.b)) == 1


def test_desk_whose_shifts_have_no_hours_never_drills(tmp_path: Path) -> None:
    pair = with_shifts(tmp_path, 0)
    pair.advance(DUE + 60)
    assert drills(pair.b) == []
    pair.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "agreed",
    [
        replace(QUICK, unreleased_forms=("test",)),
        replace(QUICK, form_clocks={**QUICK.form_clocks, "drill": Clocks(None, None)}),
    ],
    ids=["no machine may send it", "nobody has to acknowledge it"],
)
def test_terms_without_drills_are_kept(tmp_path: Path, agreed: object) -> None:
    pair = with_shifts(tmp_path, 1, agreed)
    pair.advance(DUE + 60)
    assert drills(pair.b) == []
    pair.close()


def test_no_drill_is_sent_to_an_incarnation_that_nobody_confirmed(pair: DeskPair) -> None:
    known = pair.a.line.line.changeover
    known.confirmed = replace(known.confirmed, theirs=frozenset())
    pair.advance(DUE + 60)
    assert drills(pair.b) == []


def test_drill_while_the_line_is_down_waits_for_it(pair: DeskPair) -> None:
    pair.cut()
    pair.advance(DUE + 60)
    pair.join()
    pair.advance(5)
    assert len(drills(pair.b)) == 1
