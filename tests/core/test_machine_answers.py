"""What a machine may send alone closes no clock of people and answers none of their notices, wherever that is judged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.core.sample_desks import identity_key
from tests.core.sample_evidence import Talk
from tests.line_pair import LinePair, joined
from watchline.core.clocks import ACKNOWLEDGE, ANSWER
from watchline.core.entries import Body, EntryType, Leaf, Notice, Precedence
from watchline.core.evidence import build_evidence, verify_evidence
from watchline.core.outgoing import Draft
from watchline.core.records import EntryRecord
from watchline.desk import silence_grounds
from watchline.desk.rungs import rung_from

A, B = identity_key("A").identity, identity_key("B").identity
QUESTION = Notice("airspace-object", 1, Precedence.FLASH, False, "en", {1: "?"})
TEST = Notice("test", 1, Precedence.ROUTINE, False, "en", {})


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        yield made


def machine_says(pair: LinePair, asked: EntryRecord) -> EntryRecord:
    """Beijing's machine refers to Tokyo's entry with a form that it may send alone, as its own node and its peer hold it."""
    said = pair.b.line.compose(Draft(EntryType.NOTICE, TEST.encode(), re=asked.index, released=True), pair.b.clock.moment())
    pair.settle()
    heard = pair.a.journal.entry(pair.a.setup.incoming_log, said.index)
    assert heard is not None
    assert (heard.released, heard.re) == (True, asked.index)
    return heard


def shown_closing(pair: LinePair, answer: EntryRecord, asked: EntryRecord) -> tuple[int, ...] | None:
    """Which clocks the answer closes for a silence certificate."""
    meant = Leaf.decode(asked.leaf), Body.decode(asked.body)
    return silence_grounds._later(pair.a.journal, answer.log, Leaf.decode(answer.leaf), *meant).closes


def test_what_a_machine_sends_alone_closes_no_clock_of_people_at_either_desk_nor_after_a_restart(pair: LinePair) -> None:
    asked = pair.a.notice(QUESTION)
    pair.settle()
    heard = machine_says(pair, asked)
    for _ in range(2):
        sizes = pair.a.line.outgoing.edge.size, pair.b.line.outgoing.edge.size
        for kind in (ACKNOWLEDGE, ANSWER):
            assert pair.a.line.clocks.is_running(True, asked.index, kind, *sizes)
            assert pair.b.line.clocks.is_running(False, asked.index, kind, *reversed(sizes))
        for side in (pair.a, pair.b):
            side.restart(connected=True)
        pair.settle(10)
    assert pair.a.alarms() == pair.b.alarms() == []
    assert rung_from(heard, asked) is None
    assert shown_closing(pair, heard, asked) == ()


@pytest.mark.parametrize(("asked", "counts"), [("statement", False), ("test", True)])
def test_evidence_says_that_what_a_machine_answers_to_people_does_not_count(asked: str, counts: bool) -> None:
    talk = Talk()
    talk.say("b", "test", released=False, re=talk.say("a", asked, released=asked != "test"))
    report = verify_evidence(build_evidence(talk.bundle()), [A, B])
    assert report.entries[1]["answered_by"] == [{"log": "b-1-1", "index": 1, "counts": counts}]
    told = next(text for text in report.facts if text.startswith(f"{A.desk}'s log key signed entry @1"))
    assert ("but does not count: no people" in told) is not counts


def test_a_test_of_the_line_is_answered_by_a_machine(pair: LinePair) -> None:
    asked = pair.a.line.compose(Draft(EntryType.NOTICE, TEST.encode(), released=True), pair.a.clock.moment())
    pair.settle()
    heard = machine_says(pair, asked)
    assert rung_from(heard, asked) == "answered"


def test_people_who_sign_a_form_of_machines_close_the_clocks_with_it(pair: LinePair) -> None:
    asked = pair.a.notice(QUESTION)
    pair.settle()
    said = pair.b.notice(TEST, re=asked.index)
    pair.settle()
    heard = pair.a.journal.entry(pair.a.setup.incoming_log, said.index)
    assert heard is not None
    assert rung_from(heard, asked) == "answered"
    assert shown_closing(pair, heard, asked) == (ACKNOWLEDGE, ANSWER)
    assert pair.b.line.unacknowledged == 0
