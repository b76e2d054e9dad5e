"""What a status proves, and which nonces are remembered: enough to know an answer and a repetition, and never more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.line_pair import START
from watchline.core.freshness import Freshness, Made
from watchline.core.statements import Status


def nonce(number: int) -> bytes:
    return number.to_bytes(16, "big")


def status(number: int) -> Status:
    return Status(START, 1, bytes(32), 1, bytes(32), 1, 30, 1, 1, (), 0, 0, (0, 0, 0), nonce(number), None)


def test_nonce_of_ours_is_known_until_64_newer_ones_were_made() -> None:
    freshness = Freshness()
    for number in range(65):
        freshness.make(nonce(number), number, asked=False)
    assert freshness.made_for(nonce(0)) is None
    oldest = freshness.made_for(nonce(1))
    assert oldest is not None
    assert (oldest.number, oldest.sent) == (2, 1)


def test_nonce_of_the_peer_is_known_until_256_newer_ones_were_heard() -> None:
    freshness = Freshness()
    for number in range(256):
        freshness.hear(status(number), None)
    assert freshness.was_heard(nonce(0))
    freshness.hear(status(256), None)
    assert not freshness.was_heard(nonce(0))
    assert all(freshness.was_heard(nonce(number)) for number in range(1, 257))


def test_what_is_no_nonce_was_neither_made_nor_heard() -> None:
    freshness = Freshness()
    for other in (None, 7, "x", [bytes(16)]):
        assert freshness.made_for(other) is None
        assert not freshness.was_heard(other)


SIGNED = Status(START, 10, bytes(32), 7, bytes(32), 1, 30, 1, 1, (), 0, 5, (0, 0, 0), nonce(1), None)


def made(number: int, *, peer_size: int = 10, held: int = 7) -> Made:
    return Made(number, peer_size, held, 0, False)


@pytest.mark.parametrize(
    ("size", "held", "proven"), [(10, 7, False), (11, 8, False), (9, 7, True), (10, 6, True), (9, 8, True)]
)
def test_fresh_status_that_shows_less_than_was_signed_before_proves_a_rollback(size: int, held: int, proven: bool) -> None:
    found = made(1).rollback(replace(SIGNED, size=size, held_size=held))
    assert (found is not None) is proven
    if found is not None:
        assert (found.rule, found.facts["peer_size"], found.facts["peer_size_signed_before"]) == (26, size, 10)
        assert (found.facts["held_of_ours"], found.facts["held_signed_before"]) == (held, 7)


def test_status_of_ours_is_made_for_all_that_the_peer_had_signed_by_then() -> None:
    freshness = Freshness()
    freshness.bind(10, 7)
    freshness.bind(9, 8)
    freshness.bind(11, 3)
    freshness.make(nonce(1), 5, asked=True)
    freshness.bind(12, 9)
    freshness.make(nonce(2), 6, asked=False)
    assert freshness.made_for(nonce(1)) == Made(1, 11, 8, 5, True)
    assert freshness.made_for(nonce(2)) == Made(2, 12, 9, 6, False)
    assert (freshness.made, freshness.signed_size, freshness.signed_held) == (2, 12, 9)


def hearing(*statuses: tuple[Status, Made | None]) -> tuple[list[bool], bytes | None]:
    """What each status heard is taken for, and which nonce of the peer ours echoes at the end."""
    freshness = Freshness()
    return [freshness.hear(*each) for each in statuses], freshness.peer_nonce


FIRST = replace(SIGNED, nonce=nonce(1), echo=nonce(99))


@pytest.mark.parametrize(
    ("change", "newer"),
    [
        ({}, True),
        ({"time": START + 1}, True),
        ({"time": START - 1}, False),
        ({"size": 9}, False),
        ({"held_size": 6}, False),
        ({"rung": 4}, False),
        ({"size": 11, "held_size": 8, "rung": 6}, True),
    ],
)
def test_status_that_answers_none_of_ours_is_newer_if_nothing_in_it_falls(change: dict[str, Any], newer: bool) -> None:
    second = replace(FIRST, nonce=nonce(2), **change)
    assert hearing((FIRST, None), (second, None)) == ([True, newer], nonce(2 if newer else 1))


def test_status_that_answers_a_later_one_of_ours_is_newer_whatever_it_shows() -> None:
    less = replace(FIRST, nonce=nonce(2), size=0, held_size=0, rung=0, time=0)
    assert hearing((FIRST, made(3)), (less, made(4))) == ([True, True], nonce(2))
    assert hearing((FIRST, made(3)), (less, made(2))) == ([True, False], nonce(1))


def test_of_two_that_answer_the_same_status_the_clock_decides_nothing() -> None:
    earlier = replace(FIRST, nonce=nonce(2), time=0)
    assert hearing((FIRST, made(3)), (earlier, made(3))) == ([True, True], nonce(2))
    less = replace(earlier, size=9)
    assert hearing((FIRST, made(3)), (less, made(3))) == ([True, False], nonce(2))


def test_status_that_answers_our_first_is_newer_than_one_that_answers_none() -> None:
    less = replace(FIRST, nonce=nonce(2), size=0)
    assert hearing((FIRST, None), (less, made(1))) == ([True, True], nonce(2))


def test_status_that_is_not_newer_is_compared_with_no_more() -> None:
    less = replace(FIRST, nonce=nonce(2), size=9)
    assert hearing((FIRST, None), (less, None), (replace(less, nonce=nonce(3)), None)) == ([True, False, False], nonce(1))


def test_status_of_ours_before_the_peer_signed_anything_binds_it_to_nothing() -> None:
    freshness = Freshness()
    freshness.make(nonce(1), 0, asked=False)
    assert freshness.made_for(nonce(1)) == Made(1, 0, 0, 0, False)


def test_late_status_keeps_which_of_ours_was_answered_last() -> None:
    """One that answers none of ours may be newer; what was answered before stays answered."""
    grown = replace(FIRST, nonce=nonce(2), size=11)
    old = replace(FIRST, nonce=nonce(3), size=12)
    assert hearing((FIRST, made(3)), (grown, None), (old, made(2))) == ([True, True, False], nonce(2))


def test_status_that_echoes_nothing_is_echoed_though_it_is_old() -> None:
    """The peer has just started, or was set back: it must learn how things stand."""
    started = replace(FIRST, nonce=nonce(2), echo=None, size=0, time=0)
    assert hearing((FIRST, made(3)), (started, None)) == ([True, False], nonce(2))


def test_status_from_before_the_start_is_compared_with_and_never_echoed() -> None:
    freshness = Freshness()
    freshness.restore(FIRST)
    assert freshness.peer_nonce is None
    assert not freshness.was_heard(FIRST.nonce)
    assert not freshness.hear(replace(FIRST, nonce=nonce(2), size=9), None)
    assert freshness.peer_nonce is None
    assert freshness.hear(replace(FIRST, nonce=nonce(3)), None)
