"""What follows from the parts of a silence certificate, and what does not: values alone, no line and no file (rule 33)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.line_pair import LINE, START, party, terms
from watchline.core.clocks import ACKNOWLEDGE, ANSWER
from watchline.core.encoding import decode, encode
from watchline.core.entries import Direction, EntryType, Leaf, Notice, Precedence
from watchline.core.silence import (
    Attempt,
    Claim,
    Grounds,
    Judgement,
    SignedStatus,
    Silence,
    SilenceKind,
    is_unmanned,
    judge_silence,
)
from watchline.core.silence_logs import Ends, Later, LeavesAtHand, LogAtHand
from watchline.core.statements import OpenItem, StatementType, Status, sign_statement
from watchline.core.terms import Clocks
from watchline.errors import BadProof, BadSignature, Malformed, PeerError, WrongParty

TOKYO, BEIJING = party("Tokyo"), party("Beijing")
OURS = Direction(LINE, TOKYO.identity.identity.id, BEIJING.identity.identity.id, 1, 2)
THEIRS = Direction(LINE, OURS.recipient, OURS.sender, 2, 1)
PLACE, BEFORE = 7, 20  # where the notice stands, and the certificate
SIZE, HELD = 5, 9  # of the peer's log and of ours, in its status
ALLOWED, ANSWER_ALLOWED = 600, 3_600  # by the terms, for a FLASH
LEAF = Leaf(OURS, PLACE, EntryType.NOTICE, START, b"c" * 32, 0, bytes(32), None)
NOTICE = Notice("airspace-object", 1, Precedence.FLASH, False, "en", {1: "a balloon"})
SIGNED = SignedStatus(b"payload", bytes(64), bytes(2_420))


def open_for(seconds: int, allowed: int = ALLOWED, clock: int = ACKNOWLEDGE) -> tuple[OpenItem, ...]:
    return OpenItem(PLACE - 1, clock, 9_999, 1), OpenItem(PLACE, 1 - clock, 9_999, 2), OpenItem(PLACE, clock, seconds, allowed)


STATUS = Status(
    START, SIZE, bytes(32), HELD, bytes(32), 1, 30, 1, 1, open_for(ALLOWED), 0, 0, (1, 0, 0), bytes(16), None
)  # fmt: skip
NOTHING = LogAtHand(LeavesAtHand(), Ends())


def log(direction: Direction, indexes: Sequence[int], *later: Later, heard: int = 0) -> LogAtHand:
    """What is at hand of a log. heard: how much of the other log the author of these leaves had stored."""
    leaves = (replace(LEAF, direction=direction, index=index, peer_size=heard) for index in indexes)
    return LogAtHand(LeavesAtHand(leaves), Ends(later))


def closing(direction: Direction, index: int, closes: tuple[int, ...] | None, promised: int | None = None) -> Later:
    return Later(replace(LEAF, direction=direction, index=index, re=PLACE), closes, promised)


ALL_SHOWN: dict[str, Any] = {"own": log(OURS, range(BEFORE)), "theirs": log(THEIRS, range(SIZE + 5))}


def grounds(**changes: Any) -> Grounds:
    made = Grounds(OURS, BEFORE, 3, LEAF, NOTICE, True, terms(), STATUS, None, NOTHING, NOTHING)
    return replace(made, **changes)


def silence(kind: SilenceKind = SilenceKind.UNANSWERED, clock: int = ACKNOWLEDGE, **changes: Any) -> Silence:
    return replace(Silence(kind, clock, 1, 2, PLACE, b"c" * 32, SIGNED), **changes)


def claimed(kind: SilenceKind = SilenceKind.LINE_DOWN, seconds: int = ALLOWED, **changes: Any) -> Silence:
    received: int | None = changes.pop("received", None)
    return silence(kind, status=None, claim=Claim(seconds, received), **changes)


def refused(said: Silence, by: Grounds, match: str, error: type[PeerError] = WrongParty) -> None:
    with pytest.raises(error, match=match) as caught:
        judge_silence(said, by)
    assert caught.value.rule == 33


# --- what the certificate is about


def test_peers_own_status_proves_that_a_notice_was_open_for_as_long_as_the_terms_allow() -> None:
    assert judge_silence(silence(), grounds()) == Judgement(
        SilenceKind.UNANSWERED, ACKNOWLEDGE, ALLOWED, ALLOWED, None, "peer", False
    )
    assert judge_silence(silence(status=replace(SIGNED, ml=None)), grounds()).provisional


@pytest.mark.parametrize("change", [{"inc": 2}, {"peer_inc": 1}, {"index": BEFORE}])
def test_certificate_about_another_log_or_what_does_not_stand_before_it_is_refused(change: dict[str, Any]) -> None:
    refused(silence(**change), grounds(), "before it in its own log")


def test_certificate_stands_behind_its_notice() -> None:
    assert judge_silence(silence(), grounds(index=PLACE + 1)).kind is SilenceKind.UNANSWERED
    refused(silence(), grounds(index=PLACE), "before it in its own log")


@pytest.mark.parametrize("leaf", [None, replace(LEAF, type=EntryType.CANCEL), replace(LEAF, commitment=bytes(32))], ids=str)
def test_certificate_about_what_is_no_such_notice_is_refused(leaf: Leaf | None) -> None:
    refused(silence(), grounds(leaf=leaf), "not shown at that place")


def test_form_without_that_clock_has_no_silence() -> None:
    for form, clock in (("free-text", ACKNOWLEDGE), ("statement", ANSWER)):
        status = replace(STATUS, open=open_for(ANSWER_ALLOWED, ANSWER_ALLOWED, clock))
        refused(silence(clock=clock), grounds(notice=replace(NOTICE, form=form), status=status), "the terms set no clock")


# --- what the status proves


def test_without_a_status_nothing_is_proven() -> None:
    refused(silence(), grounds(status=None), "without a status")


def test_status_that_does_not_hold_the_notice_proves_nothing() -> None:
    assert judge_silence(silence(), grounds(status=replace(STATUS, held_size=PLACE + 1))).seconds == ALLOWED
    refused(silence(), grounds(status=replace(STATUS, held_size=PLACE)), "does not hold the notice")


def test_clock_that_had_not_run_out_is_no_silence() -> None:
    assert judge_silence(silence(), grounds(status=replace(STATUS, open=open_for(ALLOWED + 1)))).seconds == ALLOWED + 1
    refused(silence(), grounds(status=replace(STATUS, open=open_for(ALLOWED - 1))), "open for 599 s of 600 s")


@pytest.mark.parametrize(
    ("watch", "unmanned"),
    [((0, 0, ALLOWED), True), ((0, 5, ALLOWED + 1), True), ((0, 0, ALLOWED - 1), False), ((1, 0, ALLOWED), False)],
)
def test_desk_is_unmanned_if_nobody_was_there_for_as_long(watch: tuple[int, int, int], unmanned: bool) -> None:
    assert is_unmanned(watch, ALLOWED) is unmanned
    status = replace(STATUS, watch=watch)
    kinds = [SilenceKind.UNMANNED, SilenceKind.UNANSWERED]
    right, wrong = kinds if unmanned else reversed(kinds)
    assert judge_silence(silence(right), grounds(status=status)).kind is right
    refused(silence(wrong), grounds(status=status), f"what its status shows is {right.value}, not {wrong.value}")


def test_what_closed_the_clock_below_the_status_refutes_it_and_what_came_later_does_not() -> None:
    for clock, seconds in ((ACKNOWLEDGE, ALLOWED), (ANSWER, ANSWER_ALLOWED)):
        by = grounds(status=replace(STATUS, open=open_for(seconds, seconds, clock)))
        for place, closes, holds in (
            (SIZE - 1, (clock,), False), (SIZE, (clock,), True), (SIZE - 1, (1 - clock,), True), (SIZE - 1, None, True),
        ):  # fmt: skip
            theirs = replace(by, theirs=log(THEIRS, (), closing(THEIRS, place, closes)))
            if holds:
                assert judge_silence(silence(clock=clock), theirs).seconds == seconds
            else:
                refused(silence(clock=clock), theirs, f"entry @{place} of the peer's log")
    cancelled = grounds(own=log(OURS, (), closing(OURS, HELD - 1, (ACKNOWLEDGE, ANSWER))))
    refused(silence(), cancelled, f"cancelled by entry @{HELD - 1}")
    later = grounds(own=log(OURS, (), closing(OURS, HELD, (ACKNOWLEDGE, ANSWER))))
    assert judge_silence(silence(), later).seconds == ALLOWED


def test_promised_time_takes_the_place_of_that_of_the_terms_for_an_answer() -> None:
    for promised, due in ((900, 900), (9_000, ANSWER_ALLOWED)):
        theirs = log(THEIRS, (), closing(THEIRS, SIZE - 1, (), promised))
        status = replace(STATUS, open=open_for(due, due, ANSWER))
        found = judge_silence(silence(clock=ANSWER), grounds(status=status, theirs=theirs))
        assert (found.allowed, found.said_allowed) == (due, None)
    theirs = log(THEIRS, (), closing(THEIRS, SIZE, (), 900))
    status = replace(STATUS, open=open_for(ANSWER_ALLOWED, ANSWER_ALLOWED, ANSWER))
    assert judge_silence(silence(clock=ANSWER), grounds(status=status, theirs=theirs)).allowed == ANSWER_ALLOWED
    promise = log(THEIRS, (), closing(THEIRS, SIZE - 1, (), 100))
    assert judge_silence(silence(), grounds(theirs=promise)).allowed == ALLOWED
    hidden = judge_silence(silence(clock=ANSWER), grounds(status=status, theirs=promise, notice=None, released=None))
    assert (hidden.allowed, hidden.said_allowed) == (ANSWER_ALLOWED, None)


def test_peer_that_allows_itself_another_time_contradicts_the_terms() -> None:
    status = replace(STATUS, open=open_for(10, ALLOWED + 1))
    found = judge_silence(silence(SilenceKind.CONTRADICTED), grounds(status=status))
    assert found == Judgement(SilenceKind.CONTRADICTED, ACKNOWLEDGE, 10, ALLOWED, ALLOWED + 1, "peer", False)
    refused(silence(SilenceKind.CONTRADICTED), grounds(status=status, released=False), "not that of the terms")
    shorter = replace(STATUS, open=open_for(10, ALLOWED - 1))
    assert judge_silence(silence(SilenceKind.CONTRADICTED), grounds(status=shorter)).said_allowed == ALLOWED - 1


def test_shorter_time_for_an_answer_contradicts_only_if_no_promise_can_be_hidden() -> None:
    contradicted = silence(SilenceKind.CONTRADICTED, ANSWER)
    for said, needs_all in ((ANSWER_ALLOWED - 1, True), (ANSWER_ALLOWED + 1, False)):
        by = grounds(status=replace(STATUS, open=open_for(5, said, ANSWER)))
        found = judge_silence(contradicted, replace(by, **ALL_SHOWN))
        assert (found.seconds, found.allowed, found.said_allowed) == (5, ANSWER_ALLOWED, said)
        if needs_all:
            refused(contradicted, by, "is not shown", BadProof)
        else:
            assert judge_silence(contradicted, by) == found
    promise = log(THEIRS, range(SIZE), closing(THEIRS, SIZE - 1, (), 900))
    by = grounds(status=replace(STATUS, open=open_for(5, ANSWER_ALLOWED, ANSWER)), own=ALL_SHOWN["own"], theirs=promise)
    assert judge_silence(contradicted, by).allowed == 900
    refused(contradicted, replace(by, own=NOTHING), "is not shown", BadProof)


@pytest.mark.parametrize("allowed", [600, 1_800, 10_800, 86_400, 77])
def test_where_the_notice_is_hidden_any_time_that_the_terms_know_holds(allowed: int) -> None:
    known = replace(terms(), form_clocks={"false-alarm": Clocks(77, 88), "free-text": Clocks(0, None)})
    status = replace(STATUS, open=open_for(allowed, allowed))
    found = judge_silence(silence(), grounds(notice=None, released=None, terms=known, status=status))
    assert (found.kind, found.allowed, found.said_allowed) == (SilenceKind.UNANSWERED, allowed, None)


@pytest.mark.parametrize("allowed", [0, 88, 3_600, 601])
def test_where_the_notice_is_hidden_a_time_of_another_clock_or_of_none_is_refused(allowed: int) -> None:
    known = replace(terms(), form_clocks={"false-alarm": Clocks(77, 88), "free-text": Clocks(0, None)})
    status = replace(STATUS, open=open_for(allowed, allowed))
    refused(silence(), grounds(notice=None, released=None, terms=known, status=status), "not that of the terms")


# --- what the status leaves out

OMITS = replace(STATUS, open=open_for(ALLOWED)[:2])


def test_status_that_leaves_out_what_both_logs_show_to_be_open_contradicts_them() -> None:
    found = judge_silence(silence(SilenceKind.CONTRADICTED), grounds(status=OMITS, **ALL_SHOWN))
    assert found == Judgement(SilenceKind.CONTRADICTED, ACKNOWLEDGE, None, ALLOWED, None, "peer", False)


def test_status_that_leaves_out_the_clock_of_an_answer_contradicts_both_logs_too() -> None:
    omits = replace(STATUS, open=open_for(ANSWER_ALLOWED, ANSWER_ALLOWED, ANSWER)[:2])
    found = judge_silence(silence(SilenceKind.CONTRADICTED, ANSWER), grounds(status=omits, **ALL_SHOWN))
    assert (found.clock, found.allowed) == (ANSWER, ANSWER_ALLOWED)


def test_full_list_that_left_some_out_omits_nothing() -> None:
    others = tuple(OpenItem(100 + number, 0, 1, 600) for number in range(64))
    contradicted = silence(SilenceKind.CONTRADICTED)
    refused(contradicted, grounds(status=replace(OMITS, open=others, left_out=1), **ALL_SHOWN), "left some out")
    for open_, left_out in ((others, 0), (others[1:], 1)):
        by = grounds(status=replace(OMITS, open=open_, left_out=left_out), **ALL_SHOWN)
        assert judge_silence(contradicted, by).kind is SilenceKind.CONTRADICTED


def test_omission_needs_the_content_that_sets_the_clock_and_people_who_released_it() -> None:
    for change in ({"notice": None}, {"released": False}, {"released": None}):
        refused(silence(SilenceKind.CONTRADICTED), grounds(status=OMITS, **ALL_SHOWN, **change), "no released content")


def test_omission_needs_every_leaf_that_may_have_closed_the_clock() -> None:
    contradicted = silence(SilenceKind.CONTRADICTED)
    needed = {"own": range(PLACE + 1, HELD), "theirs": range(SIZE)}
    heard = {"own": 0, "theirs": PLACE + 1}  # every leaf of the peer stands behind the notice
    shown = {"own": log(OURS, needed["own"]), "theirs": log(THEIRS, needed["theirs"], heard=PLACE + 1)}
    assert judge_silence(contradicted, grounds(status=OMITS, **shown)).kind is SilenceKind.CONTRADICTED
    for side, direction, whose in (("own", OURS, ""), ("theirs", THEIRS, " of the peer's log")):
        for missing in needed[side]:
            rest = log(direction, [index for index in needed[side] if index != missing], heard=heard[side])
            by = grounds(status=OMITS, **{**shown, side: rest})
            refused(contradicted, by, f"leaf @{missing}{whose}, which", BadProof)


def test_leaves_from_before_the_peer_had_the_notice_need_not_be_shown() -> None:
    heard = [replace(LEAF, direction=THEIRS, index=index, peer_size=size) for index, size in ((2, PLACE), (3, PLACE + 1))]
    theirs = LogAtHand(LeavesAtHand([*heard, replace(heard[1], index=4)]), Ends())
    by = grounds(status=OMITS, own=ALL_SHOWN["own"], theirs=theirs)
    assert judge_silence(silence(SilenceKind.CONTRADICTED), by).kind is SilenceKind.CONTRADICTED


@pytest.mark.parametrize("closes", [None, (ACKNOWLEDGE,)])
def test_omission_of_what_was_or_may_have_been_closed_proves_nothing(closes: tuple[int, ...] | None) -> None:
    contradicted = silence(SilenceKind.CONTRADICTED)
    theirs = log(THEIRS, range(SIZE), closing(THEIRS, SIZE - 1, closes))
    refused(contradicted, grounds(status=OMITS, own=ALL_SHOWN["own"], theirs=theirs), "of the peer's log closed this clock")
    own = log(OURS, range(BEFORE), closing(OURS, HELD - 1, closes))
    refused(contradicted, grounds(status=OMITS, own=own, theirs=ALL_SHOWN["theirs"]), f"entry @{HELD - 1} closed this clock")
    later = log(THEIRS, range(SIZE), closing(THEIRS, SIZE, closes)), log(OURS, range(BEFORE), closing(OURS, HELD, closes))
    by = grounds(status=OMITS, theirs=later[0], own=later[1])
    assert judge_silence(contradicted, by).kind is SilenceKind.CONTRADICTED


# --- what the author may only claim


def test_author_may_claim_where_nothing_is_proven_and_it_is_told_as_a_claim() -> None:
    found = judge_silence(claimed(), grounds(status=None))
    assert found == Judgement(SilenceKind.LINE_DOWN, ACKNOWLEDGE, ALLOWED, ALLOWED, None, "author", False)


def test_author_may_not_claim_what_the_status_in_it_proves_otherwise() -> None:
    refused(replace(claimed(), status=SIGNED), grounds(), "what its status shows is unanswered, not line_down")


def test_claim_before_the_clock_ran_out_is_refused() -> None:
    refused(claimed(seconds=ALLOWED - 1), grounds(status=None), "claims 599 s of 600 s")
    assert judge_silence(claimed(seconds=1), grounds(status=None, notice=None)).allowed is None
    promise = log(THEIRS, (), closing(THEIRS, 2, (), 900))
    assert judge_silence(claimed(seconds=900, clock=ANSWER), grounds(status=None, theirs=promise)).allowed == 900
    refused(claimed(seconds=899, clock=ANSWER), grounds(status=None, theirs=promise), "899 s of 900 s")


def test_claim_beside_a_status_that_holds_the_notice_and_does_not_list_it_is_refused() -> None:
    refused(claimed(), grounds(status=OMITS), "does not list this clock")
    for status in (replace(OMITS, left_out=1), replace(OMITS, held_size=PLACE), replace(STATUS, open=open_for(ALLOWED - 1))):
        assert judge_silence(claimed(), grounds(status=status)).kind is SilenceKind.LINE_DOWN


def test_claim_of_an_author_that_knew_what_closed_the_clock_is_refused() -> None:
    """It knew what its leaf, or the status in its certificate, names of the peer's log."""
    unproven = replace(STATUS, open=open_for(ALLOWED - 1))
    for by, known in ((grounds(status=None, peer_size=3), 3), (grounds(status=unproven, peer_size=3), SIZE)):
        closed = replace(by, theirs=log(THEIRS, (), closing(THEIRS, known - 1, (ACKNOWLEDGE,))))
        refused(claimed(), closed, f"knew entry @{known - 1}")
        unknown = replace(by, theirs=log(THEIRS, (), closing(THEIRS, known, (ACKNOWLEDGE,))))
        assert judge_silence(claimed(), unknown).kind is SilenceKind.LINE_DOWN
        unread = replace(by, theirs=log(THEIRS, (), closing(THEIRS, known - 1, None)))
        assert judge_silence(claimed(), unread).kind is SilenceKind.LINE_DOWN
    nothing_known = grounds(status=None, peer_size=0, theirs=log(THEIRS, (), closing(THEIRS, 0, (ACKNOWLEDGE,))))
    assert judge_silence(claimed(), nothing_known).kind is SilenceKind.LINE_DOWN
    wide = grounds(status=unproven, peer_size=8, theirs=log(THEIRS, (), closing(THEIRS, 7, (ACKNOWLEDGE,))))
    refused(claimed(), wide, "knew entry @7")
    cancelled = grounds(status=None, own=log(OURS, (), closing(OURS, BEFORE - 1, (ACKNOWLEDGE,))))
    refused(claimed(), cancelled, f"knew entry @{BEFORE - 1}")
    later = grounds(status=None, own=log(OURS, (), closing(OURS, BEFORE, (ACKNOWLEDGE,))))
    assert judge_silence(claimed(), later).kind is SilenceKind.LINE_DOWN


REACHED = (Attempt("nats one", START, "relayed"),)


def test_claimed_receipt_is_shown_from_as_early() -> None:
    dark = claimed(SilenceKind.DARK, received=START + 5, attempts=REACHED)
    for early in (START + 4, START + 5):
        assert judge_silence(dark, grounds(status=None, received=early)).kind is SilenceKind.DARK
    for late in (None, START + 6):
        refused(dark, grounds(status=None, received=late), "no receipt is shown from as early")
    without = claimed(SilenceKind.TERMINAL_DOWN, attempts=REACHED)
    assert judge_silence(without, grounds(status=None, received=START)).kind is SilenceKind.TERMINAL_DOWN


def test_claimed_kind_is_the_one_that_attempts_receipt_and_status_let_follow() -> None:
    refused(claimed(SilenceKind.TERMINAL_DOWN), grounds(status=None), "claim line_down, not terminal_down")
    holding = replace(STATUS, open=open_for(ALLOWED - 1))
    for held, kind in ((PLACE, SilenceKind.DARK), (PLACE + 1, SilenceKind.TERMINAL_DOWN)):
        by = grounds(status=replace(holding, held_size=held), received=START)
        assert judge_silence(claimed(kind, received=START, attempts=REACHED), by).kind is kind


# --- the status itself


def statement(kind: StatementType = StatementType.STATUS, values: tuple[object, ...] | None = None) -> SignedStatus:
    made = sign_statement(kind, THEIRS, STATUS.values() if values is None else values, BEIJING.keys.statement)
    return SignedStatus(made.payload, made.ed, made.ml)


def test_status_in_a_certificate_is_verified_for_its_line_direction_and_pair() -> None:
    key = BEIJING.keys.public.statement
    assert statement().verify(THEIRS, key) == STATUS
    assert replace(statement(), ml=None).verify(THEIRS, key) == STATUS
    no_id = bytes(32)
    for other in (
        THEIRS._replace(line=no_id), THEIRS._replace(sender=no_id), THEIRS._replace(recipient=no_id), THEIRS._replace(inc=1),
        THEIRS._replace(peer_inc=2),
    ):  # fmt: skip
        with pytest.raises(WrongParty) as refused:
            statement().verify(other, key)
        assert refused.value.rule == 4
    with pytest.raises(BadSignature):
        replace(statement(), ed=bytes(64)).verify(THEIRS, key)


def test_statement_of_another_type_in_a_certificate_is_refused() -> None:
    routes = statement(StatementType.ROUTES, (START, []))
    with pytest.raises(WrongParty) as refused:
        routes.verify(THEIRS, BEIJING.keys.public.statement)
    assert refused.value.rule == 25


# --- its encoding


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, "k" * 33),
        (1, 2),
        (3, 0),
        (6, [bytes(65_537), b"", None]),
        (6, [b"", b"", bytes(4_097)]),
        (7, [["route", -1, "timeout"]]),
        (7, [["route", 1, "o" * 33]]),
        (7, [["route", 1, "timeout", 0]]),
        (8, [1]),
        (8, [1, None, 0]),
        (8, [-1, None]),
        (8, [1, -1]),
    ],
)
def test_encoded_value_beyond_its_bound_is_refused(place: int, value: object) -> None:
    parts = decode(claimed(SilenceKind.DARK, received=START, attempts=REACHED).encode())
    parts[place] = value
    with pytest.raises(Malformed) as refused:
        Silence.decode(encode(parts))
    assert refused.value.rule == 39


def test_silence_names_16_attempts_at_most() -> None:
    parts = decode(claimed().encode())
    for count, is_read in ((16, True), (17, False)):
        parts[7] = [["route", 1, "timeout"]] * count
        if is_read:
            assert len(Silence.decode(encode(parts)).attempts) == count
        else:
            with pytest.raises(Malformed):
                Silence.decode(encode(parts))


def test_encoded_silence_with_fewer_or_more_values_is_refused() -> None:
    parts = decode(silence().encode())
    for other in (parts[:-1], [*parts, None]):
        with pytest.raises(Malformed):
            Silence.decode(encode(other))


def test_silence_whose_parts_contradict_its_kind_is_refused_by_rule_33() -> None:
    proven, said = silence(), claimed()
    for wrong in (replace(said, claim=None), replace(proven, claim=Claim(1, None)), replace(proven, status=None)):
        with pytest.raises(Malformed) as refused:
            Silence.decode(wrong.encode())
        assert refused.value.rule == 33
    parts = decode(proven.encode())
    with pytest.raises(Malformed) as refused:
        Silence.decode(encode(["ignored", *parts[1:]]))
    assert refused.value.rule == 33


def test_silence_names_what_was_waited_for() -> None:
    assert [silence(clock=clock).clock_word for clock in (ACKNOWLEDGE, ANSWER)] == ["acknowledge", "answer"]
