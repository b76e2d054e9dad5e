"""A release taken for something else than it was made for: another type, another entry, another incarnation (rules 3, 8, 30).

The thief is A's own node, or has its keys: it can put any entry into A's log, and has releases that its officers signed and
that were not used yet. A must be refused by its own node's door, B must take the entry as not released, and so must whoever
reads the evidence; and no clock is closed by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.core.sample_desks import identity_key
from tests.core.sample_evidence import Talk
from tests.desk.desk_pair import DeskEnd, DeskPair
from tests.line_pair import LinePair, Side, joined, party
from watchline.core.encoding import encode
from watchline.core.entries import Again, Body, EntryType, Notice, Place, Precedence
from watchline.core.evidence import build_evidence, verify_evidence
from watchline.core.outgoing import Draft
from watchline.core.persons import assertion_challenge, sign_assertion
from watchline.core.records import EntryRecord
from watchline.core.release import asserted
from watchline.core.setting import EntriesRecovered
from watchline.desk.api import Api
from watchline.errors import UsageError

QUESTION = Notice("airspace-object", 1, Precedence.FLASH, False, "en", {1: "yours?"})
WORDS = Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: "we mean it"}).encode()
NOTICE, CANCEL = EntryType.NOTICE, EntryType.CANCEL
FIRST, SECOND = Place(1, 1, 1), Place(1, 1, 2)
"""Each desk has asked twice, so these are two questions of the other desk, and two of one's own."""


class Use(NamedTuple):
    """What a release was signed for (a type, and what it names), and the entry that it is put into."""

    kind: EntryType
    meant: Place | None
    used_as: EntryType
    re: int | None


GENUINE = {
    "a notice": Use(NOTICE, None, NOTICE, None),
    "an answer": Use(NOTICE, FIRST, NOTICE, 1),
    "a cancel": Use(CANCEL, FIRST, CANCEL, 1),
}
MISUSED = {
    "a notice's as an answer": Use(NOTICE, None, NOTICE, 1),
    "a notice's as a cancel": Use(NOTICE, None, CANCEL, 1),
    "a notice's as a cancel of nothing": Use(NOTICE, None, CANCEL, None),
    "an answer's as an answer to another notice": Use(NOTICE, FIRST, NOTICE, 2),
    "an answer's as a notice": Use(NOTICE, FIRST, NOTICE, None),
    "an answer's as a cancel": Use(NOTICE, FIRST, CANCEL, 1),
    "a cancel's of another entry": Use(CANCEL, FIRST, CANCEL, 2),
    "a cancel's as a notice": Use(CANCEL, FIRST, NOTICE, None),
    "a cancel's as an answer": Use(CANCEL, FIRST, NOTICE, 1),
}
ALL = [(use, name in GENUINE) for name, use in (GENUINE | MISUSED).items()]
NAMES = [*GENUINE, *MISUSED]


@pytest.fixture
def pair() -> Iterator[LinePair]:
    """Two lines on which each desk has asked the other twice."""
    with joined() as made:
        for side in (made.a, made.b):
            side.notice(QUESTION)
            side.notice(QUESTION)
        made.settle()
        yield made


def put(side: Side, use: Use, again: Again | None = None) -> EntryRecord:
    """The thief puts an entry into the desk's log, with an officer's release of something."""
    nonce, assertions = side.sign(use.kind, WORDS, use.meant)
    draft = Draft(use.used_as, WORDS, nonce, assertions, use.re, None, True, again)
    return side.line.compose(draft, side.clock.moment())


def open_at(side: Side) -> tuple[list[int], list[int]]:
    """Which questions are open as this desk has it: its own, and the peer's."""
    clocks = side.line.clocks
    found = [sorted({item[0].index for item in notices.open_at(99, 99)}) for notices in (clocks._ours, clocks._theirs)]
    return found[0], found[1]


# --- at the receiver


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_release_releases_what_it_was_signed_for_and_nothing_else(pair: LinePair, name: str) -> None:
    put(pair.a, {**GENUINE, **MISUSED}[name])
    pair.settle()
    assert pair.b.arrived[-1].released is (name in GENUINE)
    still_open = ([2] if name == "an answer" else [1, 2]), ([2] if name == "a cancel" else [1, 2])
    assert open_at(pair.b) == still_open
    pair.b.restart(connected=True)
    assert open_at(pair.b) == still_open


def test_desk_whose_node_takes_a_misused_release_as_an_answer_is_contradicted(pair: LinePair) -> None:
    """The node says in its status that the question is answered; the desk that asked knows better."""
    put(pair.a, MISUSED["a notice's as an answer"])
    pair.settle()
    assert {(alarm.kind, alarm.rule) for alarm in pair.b.alarms()} == {("contradiction", 25)}


# --- at the door of the sender's own node


def asked(end: DeskEnd, use: Use) -> dict[str, Any]:
    """What the API answers to whoever brings such a release."""
    setup, nonce = end.line.line.setup, b"nonce of 16 byte"
    purpose, what = asserted(use.kind, Body(WORDS), use.meant)
    challenge = assertion_challenge(purpose, setup.line, setup.own_id, nonce, what)
    signed = sign_assertion(1, party("Tokyo").officers[0], challenge).to_value()
    params = {"line": "beijing", "type": int(use.used_as), "re": use.re, "content": WORDS.hex(), "nonce": nonce.hex()}
    return asyncio.run(Api(end.desk, live=True).call("compose", {**params, "assertions": encode([signed]).hex()}))


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[DeskPair]:
    """Two desks that have asked each other twice."""
    made = DeskPair(tmp_path)
    made.join()
    made.advance(3)
    for end in (made.a, made.b):
        for _ in range(2):
            end.desk.compose(end.line, Draft(NOTICE, QUESTION.encode(), released=True))
    made.advance(3)
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.parametrize(("use", "genuine"), ALL, ids=NAMES)
def test_own_node_takes_a_release_for_what_it_was_signed_for_and_refuses_it_for_all_else(
    desks: DeskPair, use: Use, genuine: bool
) -> None:
    size = desks.a.line.line.outgoing.edge.size
    if genuine:
        asked(desks.a, use)
    else:
        with pytest.raises(UsageError, match="nobody who may has released this"):
            asked(desks.a, use)
    assert desks.a.line.line.outgoing.edge.size == size + genuine


def test_node_tells_the_signer_where_an_entry_stood_first(desks: DeskPair) -> None:
    for entry in ("theirs:2", "ours:2"):
        found = asyncio.run(Api(desks.a.desk).call("resolve", {"line": "beijing", "entry": entry}))
        assert found["first"] == list(SECOND)


# --- in evidence


@pytest.mark.parametrize(("use", "genuine"), ALL, ids=NAMES)
def test_evidence_tells_a_release_that_was_made_for_something_else_as_none(use: Use, genuine: bool) -> None:
    talk = Talk()
    for side in "aabb":
        talk.say(side, "airspace-object")
    index = talk.add("a", use.used_as, talk.release("a", WORDS, use.kind, use.meant), use.re)
    report = verify_evidence(build_evidence(talk.bundle()))
    assert report.verified
    entries = {(entry["log"], entry["index"]): entry for entry in report.entries}
    assert entries["a-1-1", index]["released"] is genuine
    relations = [each for entry in report.entries for key in ("answered_by", "cancelled_by") for each in entry.get(key, ())]
    assert [each["counts"] for each in relations] == ([] if use.re is None else [genuine])
    author = identity_key("A").identity.desk
    (sentence,) = [fact for fact in report.facts if f"{author}'s log key signed entry @{index} (number 3)" in fact]
    assert ("NOT RELEASED" in sentence) is not genuine


# --- over incarnations


def confirmed(pair: LinePair, side: Side) -> None:
    """A new incarnation of one desk; the other desk's people stand for it, and what was open is issued again."""
    side.reincarnate()
    pair.connect()
    pair.settle()
    (pair.b if side is pair.a else pair.a).confirm()
    pair.settle()


def last(side: Side, kind: EntryType = NOTICE) -> EntryRecord:
    return [record for record in side.arrived if record.type == kind][-1]


def test_answer_that_is_issued_again_after_a_new_incarnation_of_its_author_is_still_released(pair: LinePair) -> None:
    """The question was not issued again when the answer was: its mark alone says what it answers."""
    pair.cut()
    pair.a.say("ours", re=1)
    pair.a.turn()
    pair.a.reincarnate()
    pair.connect()
    pair.settle()
    said = last(pair.b)
    assert Body.decode(said.body).again == (1, 1, 3, 3, FIRST)
    assert (said.released, said.re) == (True, None)


def test_answer_that_is_issued_again_after_a_new_incarnation_of_who_asked_answers_the_question_anew(pair: LinePair) -> None:
    pair.cut()
    pair.a.say("ours", re=1)
    pair.a.turn()
    confirmed(pair, pair.b)
    said = last(pair.b)
    assert Body.decode(said.body).again == (1, 1, 3, 3, FIRST)
    assert said.released
    assert said.re is not None
    place = pair.b.place(pair.b.setup.outgoing_log, said.re)
    assert place == FIRST
    assert said.re not in open_at(pair.b)[0]
    assert len(open_at(pair.b)[0]) == 1
    assert pair.a.alarms() == pair.b.alarms() == []


def test_cancel_that_is_issued_again_is_still_released(pair: LinePair) -> None:
    pair.cut()
    pair.a.say("never mind")
    pair.a.cancel(3)
    pair.a.turn()
    pair.a.reincarnate()
    pair.connect()
    pair.settle()
    said = last(pair.b, CANCEL)
    assert Body.decode(said.body).again == (1, 1, 4, 4, (1, 1, 3))
    assert said.released
    assert said.re is not None
    assert pair.a.place(pair.a.setup.outgoing_log, said.re) == (1, 1, 3)


def test_answer_that_is_issued_again_twice_still_says_what_it_answers(pair: LinePair) -> None:
    pair.cut()
    pair.a.say("ours", re=1)
    pair.a.turn()
    for _ in range(2):
        pair.a.reincarnate()
        pair.a.out.clear()
    pair.connect()
    pair.settle()
    said = last(pair.b)
    assert pair.b.setup.pair == (1, 3)
    assert Body.decode(said.body).again == (1, 1, 3, 3, FIRST)
    assert said.released


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False], ids=["its first place", "its new place"])
def test_new_answer_to_a_question_that_was_issued_again_names_where_it_stood_first(pair: LinePair, first: bool) -> None:
    confirmed(pair, pair.b)
    asked_again = next(record for record in reversed(pair.a.arrived) if pair.a.place(record.log, record.index) == FIRST)
    new = Place(2, 1, asked_again.index)
    assert new != FIRST
    put(pair.a, Use(NOTICE, FIRST if first else new, NOTICE, asked_again.index))
    pair.settle()
    assert last(pair.b).released is first
    assert (asked_again.index in open_at(pair.b)[0]) is not first


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False], ids=["its first place", "its new place"])
def test_cancel_of_what_was_issued_again_names_where_it_stood_first(pair: LinePair, first: bool) -> None:
    confirmed(pair, pair.a)
    log = pair.b.setup.incoming_log
    index = next(n for n in range(pair.b.journal.size(log)) if pair.b.place(log, n) == FIRST)
    put(pair.a, Use(CANCEL, FIRST if first else Place(2, 1, index), CANCEL, index))
    pair.settle()
    assert last(pair.b, CANCEL).released is first
    assert (index in open_at(pair.b)[1]) is not first


def test_cancel_in_one_frame_with_what_is_issued_again_is_released(pair: LinePair) -> None:
    """The receiver judges it before the entry that it cancels is stored."""
    pair.a.reincarnate()
    log = pair.a.setup.outgoing_log
    index = next(n for n in range(pair.a.journal.size(log)) if pair.a.place(log, n) == FIRST)
    pair.a.cancel(index)
    pair.a.turn()
    pair.connect()
    pair.settle()
    assert last(pair.b, CANCEL).released


FORGED_MARKS = {
    "a notice's, marked as an answer": (Use(NOTICE, None, NOTICE, 1), FIRST),
    "a notice's, not marked so": (Use(NOTICE, None, NOTICE, 1), None),
    "a notice's, marked as an answer to what was not issued again": (Use(NOTICE, None, NOTICE, None), FIRST),
    "a notice's, as a cancel": (Use(NOTICE, None, CANCEL, 1), FIRST),
    "a notice's, as a cancel of nothing": (Use(NOTICE, None, CANCEL, None), None),
    "an answer's, marked so, to another notice": (Use(NOTICE, FIRST, NOTICE, 2), FIRST),
    "an answer's, marked for another notice": (Use(NOTICE, FIRST, NOTICE, 2), SECOND),
    "an answer's, not marked so": (Use(NOTICE, FIRST, NOTICE, 1), None),
    "a cancel's, marked so, of another entry": (Use(CANCEL, FIRST, CANCEL, 2), FIRST),
    "a cancel's, marked for another entry": (Use(CANCEL, FIRST, CANCEL, 2), SECOND),
}


@pytest.mark.slow
@pytest.mark.parametrize(("use", "meant"), FORGED_MARKS.values(), ids=FORGED_MARKS)
def test_mark_of_an_entry_that_is_issued_again_makes_no_release_of_another(
    pair: LinePair, use: Use, meant: Place | None
) -> None:
    """The mark is the node's word. It must fit the signature and what `re` refers to."""
    confirmed(pair, pair.b)
    own = use.used_as == CANCEL
    log = pair.a.setup.outgoing_log if own else pair.a.setup.incoming_log
    re = None
    if use.re is not None:
        re = next(n for n in range(pair.a.journal.size(log)) if pair.a.place(log, n)[2] == use.re and n > 0)
    before = open_at(pair.b)
    put(pair.a, use._replace(re=re), Again(1, 1, 9, 1, meant))
    pair.settle()
    assert last(pair.b, use.used_as).released is False
    assert open_at(pair.b) == before


def test_recovered_answer_to_what_was_issued_again_is_released(pair: LinePair, tmp_path: Path) -> None:
    confirmed(pair, pair.a)
    pair.a.backup(tmp_path / "backup.db")
    pair.connect()
    pair.settle()
    log = pair.b.setup.incoming_log
    index = next(n for n in range(pair.b.journal.size(log)) if pair.b.place(log, n) == FIRST)
    pair.b.say("ours", re=index)
    pair.settle()
    assert last(pair.a).released
    pair.a.restart_from(tmp_path / "backup.db")
    pair.a.reincarnate()
    pair.connect()
    pair.settle(30)
    recovered = [record for event in pair.a.events if isinstance(event, EntriesRecovered) for record in event.records]
    assert [(record.re, record.released) for record in recovered if record.type == NOTICE] == [(index, True)]
