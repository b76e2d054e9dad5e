"""What an entry of either log does to the clocks of a notice, for whoever judges a silence certificate (rules 7, 24, 33)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.line_pair import LINE, START
from watchline.core.clocks import ACKNOWLEDGE, ANSWER
from watchline.core.entries import Again, Body, Direction, EntryType, Leaf, Notice, Precedence, Response
from watchline.core.reply_clocks import PROMISED_FIELD
from watchline.core.silence_logs import Later, later, read_notice

OURS, THEIRS = Direction(LINE, b"a" * 32, b"b" * 32, 1, 2), Direction(LINE, b"b" * 32, b"a" * 32, 2, 1)
MEANT = Leaf(OURS, 7, EntryType.NOTICE, START, b"c" * 32, 0, bytes(32), None)
ASKED = Body(b"asked")
BOTH = (ACKNOWLEDGE, ANSWER)
PEOPLE = ({1: "assertion"},)


def theirs(kind: int = EntryType.NOTICE, *, index: int = 3, heard: int = 8, re: int | None = 7) -> Leaf:
    """An entry of the peer's log, whose author had stored so much of ours."""
    return Leaf(THEIRS, index, int(kind), START + 60, b"d" * 32, heard, bytes(32), re)


def ours(kind: int = EntryType.CANCEL, *, index: int = 9, re: int | None = 7) -> Leaf:
    return Leaf(OURS, index, int(kind), START + 60, b"d" * 32, 0, bytes(32), re)


def notice(form: str = "airspace-object", **fields: object) -> Body:
    said = {int(name[1:]): value for name, value in fields.items()}
    return Body(Notice(form, 1, Precedence.FLASH, False, "en", said).encode(), b"n" * 16, PEOPLE)


def response(kind: EntryType, *, index: int = 7, inc: int = 1, peer_inc: int = 2, committed: bytes = b"c" * 32) -> Body:
    return Body(Response(kind, inc, peer_inc, index, committed, "en").encode(), b"n" * 16, PEOPLE)


def closes(leaf: Leaf, body: Body | None, *, released: bool | None = True, meant_body: Body | None = ASKED) -> object:
    found = later(leaf, body, released, MEANT, meant_body)
    assert found.leaf is leaf
    return found.closes


ANSWERS = [
    (theirs(), notice(), BOTH),
    (theirs(), notice("holding-reply"), (ACKNOWLEDGE,)),
    (theirs(), notice("escalation-report"), ()),
    (theirs(), Body(b"no notice", b"n" * 16, PEOPLE), BOTH),
    (theirs(EntryType.ACKNOWLEDGE), response(EntryType.ACKNOWLEDGE), (ACKNOWLEDGE,)),
    (theirs(EntryType.DECLINE), response(EntryType.DECLINE), BOTH),
    (ours(), notice(), BOTH),
]
NAMES = ["answer", "holding reply", "report", "what nobody can read", "acknowledgement", "decline", "cancel"]


@pytest.mark.parametrize(("leaf", "body", "closed"), ANSWERS, ids=NAMES)
def test_entry_closes_the_clocks_of_the_notice_that_it_refers_to(leaf: Leaf, body: Body, closed: tuple[int, ...]) -> None:
    assert closes(leaf, body) == closed
    assert closes(replace(leaf, re=6), body) == ()
    assert closes(replace(leaf, re=None), body) == ()


@pytest.mark.parametrize(("leaf", "body", "closed"), ANSWERS, ids=NAMES)
def test_entry_that_no_people_stand_for_closes_nothing(leaf: Leaf, body: Body, closed: tuple[int, ...]) -> None:
    assert closes(leaf, body, released=False) == ()
    assert closes(leaf, body, released=None) == ()
    assert closes(leaf, replace(body, assertions=())) == ()


@pytest.mark.parametrize("leaf", [leaf for leaf, _, _ in ANSWERS], ids=NAMES)
def test_entry_whose_content_is_hidden_may_have_closed_anything(leaf: Leaf) -> None:
    assert closes(leaf, None) is None
    assert later(leaf, None, None, MEANT, ASKED) == Later(leaf, None, None)


def test_only_the_other_desk_answers_and_only_the_author_cancels() -> None:
    assert closes(ours(EntryType.NOTICE), notice()) == ()
    assert closes(theirs(EntryType.CANCEL), notice()) == ()


def test_entry_of_another_type_closes_nothing() -> None:
    assert closes(theirs(EntryType.TERMS), notice()) == ()


def test_entry_closes_nothing_that_its_author_had_not_stored() -> None:
    assert closes(theirs(heard=8), notice()) == BOTH
    assert closes(theirs(heard=7), notice()) == ()
    assert closes(theirs(index=9, heard=7), notice()) == ()
    assert closes(ours(index=8), notice()) == BOTH
    assert closes(ours(index=7), notice()) == ()


@pytest.mark.parametrize(
    "wrong", [{"index": 6}, {"inc": 2}, {"peer_inc": 1}, {"committed": bytes(32)}, {"kind": EntryType.DECLINE}], ids=str
)
def test_response_that_names_another_entry_closes_nothing_unless_the_notice_may_have_stood_elsewhere_before(
    wrong: dict[str, object],
) -> None:
    body = response(**({"kind": EntryType.ACKNOWLEDGE} | wrong))  # type: ignore[arg-type]
    leaf = theirs(EntryType.ACKNOWLEDGE)
    assert closes(leaf, body) == ()
    assert closes(leaf, body, meant_body=None) is None
    assert closes(leaf, body, meant_body=replace(ASKED, again=Again(1, 1, 6, 1, None))) is None


def test_response_that_nobody_can_read_closes_nothing() -> None:
    assert closes(theirs(EntryType.ACKNOWLEDGE), Body(b"junk", b"n" * 16, PEOPLE)) == ()


def test_holding_reply_promises_the_seconds_from_its_own_time() -> None:
    promise = {f"f{PROMISED_FIELD}": START + 60 + 900}
    found = later(theirs(), notice("holding-reply", **promise), True, MEANT, ASKED)
    assert (found.closes, found.promised) == ((ACKNOWLEDGE,), 900)
    assert later(theirs(), notice("holding-reply", **promise), False, MEANT, ASKED).promised is None
    assert later(theirs(), notice("airspace-object", **promise), True, MEANT, ASKED).promised is None
    assert later(theirs(re=6), notice("holding-reply", **promise), True, MEANT, ASKED).promised is None
    assert later(ours(), notice("holding-reply", **promise), True, MEANT, ASKED).promised is None


def test_notice_is_read_from_its_body_or_is_none() -> None:
    found = read_notice(notice("statement"))
    assert found is not None
    assert found.form == "statement"
    assert read_notice(Body(b"junk")) is None
