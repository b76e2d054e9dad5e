"""Whether people stand behind an entry: how many, what they named, and what leaves it unreleased (rules 3, 8, 24, 30)."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from tests.line_pair import LINE, START, party, terms
from watchline.core.encoding import encode
from watchline.core.entries import Again, Body, Direction, EntryType, Leaf, Notice, Place, Precedence
from watchline.core.persons import Officer, Roster, assertion_challenge, sign_assertion
from watchline.core.release import (
    PURPOSE_OF,
    asserted,
    is_released,
    people_needed,
    reference,
    verify_release,
    verify_roster_entry,
    verify_signers,
)
from watchline.errors import Malformed, PeerError, WrongParty

TOKYO, BEIJING = party("Tokyo"), party("Beijing")
SENDER, RECIPIENT = TOKYO.identity.identity.id, BEIJING.identity.identity.id
OURS, THEIRS = Direction(LINE, SENDER, RECIPIENT, 3, 5), Direction(LINE, RECIPIENT, SENDER, 5, 3)
NONCE = b"a nonce, 16 byte"
TERMS = replace(terms(), release_people=(1, 1, 2, 2))
BOTH = frozenset({EntryType.ROSTER, EntryType.TERMS, EntryType.CONFIRM})  # where keys or terms change, two stand for it


def roster(role: str) -> Roster:
    officers = enumerate(TOKYO.officers, start=1)
    return Roster(1, tuple(Officer(n, 0, key.public, role, None, START - 9, START + 86_400) for n, key in officers))


ROSTER, ADMINISTRATORS = roster("releaser"), roster("admin")


def notice(form: str = "free-text", precedence: Precedence = Precedence.ROUTINE) -> bytes:
    return Notice(form, 1, precedence, False, "en", {1: "words"}).encode()


def signed(kind: int, content: bytes, *officers: int, meant: Place | None = None, again: Again | None = None) -> Body:
    """A body that these officers stand for."""
    purpose, what = asserted(kind, Body(content), meant)
    challenge = assertion_challenge(purpose, LINE, SENDER, NONCE, what)
    given = tuple(sign_assertion(number, TOKYO.officers[number - 1], challenge).to_value() for number in officers)
    return Body(content, NONCE, given, again)


def leaf(kind: int, re: int | None = None) -> Leaf:
    return Leaf(OURS, 9, int(kind), START, bytes(32), 0, bytes(32), re)


def judged(kind: int, body: Body, re: int | None = None, target: Body | None = None) -> bool:
    people = ADMINISTRATORS if kind == EntryType.ROSTER else ROSTER
    return is_released(leaf(kind, re), body, target, people, TERMS, START)


# --- what is signed


@pytest.mark.parametrize(
    ("kind", "meant", "purpose"),
    [
        (EntryType.NOTICE, None, "release"),
        (EntryType.NOTICE, Place(5, 3, 7), "answer"),
        (EntryType.CANCEL, Place(3, 5, 7), "cancel"),
        (EntryType.ACKNOWLEDGE, None, "acknowledge"),
        (EntryType.ACKNOWLEDGE, Place(5, 3, 7), "acknowledge"),
        (EntryType.DECLINE, None, "decline"),
        (EntryType.ROSTER, None, "roster"),
        (EntryType.TERMS, None, "terms"),
        (EntryType.CONFIRM, None, "incarnation"),
    ],
)
def test_release_is_for_one_purpose_and_names_what_it_refers_to(kind: EntryType, meant: Place | None, purpose: str) -> None:
    named = meant is not None and kind in {EntryType.NOTICE, EntryType.CANCEL}
    what = sha256(encode([*(meant or ()), b"words"]) if named else b"words").digest()
    assert asserted(kind, Body(b"words"), meant) == (purpose, what)


def test_cancel_of_nothing_is_refused() -> None:
    with pytest.raises(WrongParty) as refused:
        asserted(EntryType.CANCEL, Body(b""), None)
    assert refused.value.rule == 8


# --- what is meant


def test_answer_means_a_place_in_the_log_of_the_other_desk_and_a_cancel_one_in_its_own() -> None:
    body = Body(b"words")
    assert reference(EntryType.NOTICE, 7, OURS, body, None) == Place(5, 3, 7)
    assert reference(EntryType.CANCEL, 7, OURS, body, None) == Place(3, 5, 7)
    assert reference(EntryType.NOTICE, None, OURS, body, None) is None
    assert reference(EntryType.ACKNOWLEDGE, 7, OURS, body, None) is None


def test_what_is_meant_stood_first_where_the_mark_of_the_target_says() -> None:
    target = Body(b"asked", again=Again(2, 1, 4, 1, None))
    assert reference(EntryType.NOTICE, 7, OURS, Body(b"words"), target) == Place(2, 1, 4)


def test_what_is_issued_again_means_what_it_meant_before() -> None:
    meant = Place(5, 3, 7)
    body = Body(b"words", again=Again(3, 4, 1, 1, meant))
    assert reference(EntryType.NOTICE, 7, OURS, body, None) == meant
    assert reference(EntryType.NOTICE, None, OURS, body, None) == meant
    assert reference(EntryType.NOTICE, None, OURS, Body(b"words", again=Again(3, 4, 1, 1, None)), None) is None
    with pytest.raises(WrongParty) as refused:
        reference(EntryType.NOTICE, 8, OURS, body, None)
    assert refused.value.rule == 30


# --- how many


@pytest.mark.parametrize(
    ("kind", "content", "people"),
    [
        (EntryType.NOTICE, notice(), 1),
        (EntryType.NOTICE, notice(precedence=Precedence.FLASH), 2),
        (EntryType.NOTICE, notice("test", Precedence.FLASH), 0),
        (EntryType.CANCEL, notice(precedence=Precedence.FLASH), 1),
        (EntryType.ACKNOWLEDGE, b"", 1),
        (EntryType.DECLINE, b"", 1),
        (EntryType.ROSTER, b"", 2),
        (EntryType.TERMS, b"", 2),
        (EntryType.CONFIRM, b"", 2),
    ],
)
def test_so_many_people_stand_for_an_entry(kind: EntryType, content: bytes, people: int) -> None:
    assert people_needed(kind, Body(content), TERMS) == people


@pytest.mark.parametrize("kind", PURPOSE_OF)
def test_entry_is_released_by_the_people_it_needs_and_by_no_fewer(kind: int) -> None:
    re = 7 if kind == EntryType.CANCEL else None
    meant = Place(3, 5, 7) if kind == EntryType.CANCEL else None
    needed = 2 if kind in BOTH else 1
    for count in range(3):
        body = signed(kind, notice(), *range(1, count + 1), meant=meant)
        assert judged(kind, body, re) is (count >= needed)


def test_answer_is_released_for_the_entry_that_its_people_named_alone() -> None:
    body = signed(EntryType.NOTICE, notice(), 1, meant=Place(5, 3, 7))
    asked_first = Body(b"asked", again=Again(5, 3, 7, 1, None))
    assert judged(EntryType.NOTICE, body, 7)
    assert judged(EntryType.NOTICE, body, 2, asked_first)
    assert not judged(EntryType.NOTICE, body, 8)
    assert not judged(EntryType.NOTICE, body, 7, Body(b"asked", again=Again(4, 3, 7, 1, None)))
    assert not judged(EntryType.NOTICE, body)


def test_what_a_machine_sends_alone_needs_nobody_but_people_who_stand_for_it_do() -> None:
    alone = Body(notice("test"))
    assert judged(EntryType.NOTICE, alone)
    by_people = signed(EntryType.NOTICE, notice("test"), 1)
    assert judged(EntryType.NOTICE, by_people)
    assert not judged(EntryType.NOTICE, replace(by_people, content=notice("test", Precedence.FLASH)))
    given = verify_release(EntryType.NOTICE, by_people, None, OURS, ROSTER, TERMS, START)
    assert [signer.officer.number for signer in given] == [1]
    assert verify_release(EntryType.NOTICE, alone, None, OURS, ROSTER, TERMS, START) == ()


def test_entry_of_a_type_that_machines_make_needs_nobody() -> None:
    assert judged(EntryType.SILENCE, Body(b"anything", None, ()))
    assert verify_release(EntryType.SILENCE, Body(b"anything"), None, OURS, ROSTER, TERMS, START) == ()


def test_release_without_a_nonce_is_refused_by_rule_8() -> None:
    body = replace(signed(EntryType.NOTICE, notice(), 1), nonce=None)
    with pytest.raises(WrongParty) as refused:
        verify_signers(EntryType.NOTICE, 1, body, None, OURS, ROSTER, START)
    assert refused.value.rule == 8
    with pytest.raises(WrongParty):
        verify_signers(EntryType.NOTICE, 0, body, None, OURS, ROSTER, START)


def test_release_holds_on_its_own_line_by_its_own_desk_alone() -> None:
    body = signed(EntryType.NOTICE, notice(), 1)
    for other in (OURS._replace(line=bytes(32)), OURS._replace(sender=RECIPIENT)):
        with pytest.raises(PeerError):
            verify_release(EntryType.NOTICE, body, None, other, ROSTER, TERMS, START)
    assert verify_release(EntryType.NOTICE, body, None, OURS._replace(recipient=bytes(32)), ROSTER, TERMS, START)


def test_officer_out_of_dates_is_remarked_and_still_stands() -> None:
    body = signed(EntryType.NOTICE, notice(), 1)
    late = verify_release(EntryType.NOTICE, body, None, OURS, ROSTER, TERMS, START + 90_000)
    assert [signer.remark.state for signer in late if signer.remark] == ["expired"]


# --- rosters


@pytest.mark.parametrize("content", [[ROSTER.encode(), None], [ROSTER.encode(), None, None, None], [None, None, None]], ids=str)
def test_roster_change_of_another_shape_is_refused(content: list[object]) -> None:
    with pytest.raises(Malformed) as refused:
        verify_roster_entry(Body(encode(content), NONCE), ROSTER, TOKYO.identity.identity, LINE, START)
    assert refused.value.rule == 39
