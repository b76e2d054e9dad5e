"""The contents that the line itself reads: what a response names, entry 0, and the confirmation of an incarnation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.line_pair import LINE, START
from watchline.core.encoding import decode, encode
from watchline.core.entries import (
    ESCALATION_REPORT,
    HOLDING_REPLY,
    Confirmation,
    Continues,
    Direction,
    EntryType,
    Leaf,
    Response,
)
from watchline.errors import Malformed

LEAF = Leaf(Direction(LINE, b"a" * 32, b"b" * 32, 3, 5), 7, EntryType.NOTICE, START, b"c" * 32, 0, bytes(32), None)
NAMES = Response(EntryType.ACKNOWLEDGE, 3, 5, 7, b"c" * 32, "en")
LATER = Continues((2, 1), 4, b"o" * 32, 6, b"p" * 32, 9)
CONFIRMED = Confirmation(b"d" * 32, 2, b"e" * 32)


def test_forms_that_the_line_knows_have_these_names() -> None:
    assert (HOLDING_REPLY, ESCALATION_REPORT) == ("holding-reply", "escalation-report")


def test_response_names_an_entry_by_type_pair_index_and_commitment() -> None:
    assert NAMES.names(EntryType.ACKNOWLEDGE, LEAF)
    assert not NAMES.names(EntryType.DECLINE, LEAF)
    for other in (
        replace(NAMES, inc=5),
        replace(NAMES, peer_inc=3),
        replace(NAMES, index=8),
        replace(NAMES, commitment=bytes(32)),
    ):
        assert not other.names(EntryType.ACKNOWLEDGE, LEAF)


@pytest.mark.parametrize("content", [Continues(), LATER, replace(LATER, own_size=0, peer_size=0, last_number=0)], ids=str)
def test_entry_0_is_read_as_it_was_written(content: Continues) -> None:
    assert Continues.decode(content.encode()) == content


@pytest.mark.parametrize(
    "content",
    [
        replace(LATER, old_pair=None),
        replace(LATER, own_root=None),
        replace(LATER, peer_root=None),
        Continues(own_size=1),
        Continues(peer_size=1),
        Continues(last_number=1),
        Continues(own_root=bytes(32)),
        Continues(own_root=bytes(32), peer_root=bytes(32)),
    ],
    ids=str,
)
def test_entry_0_with_sizes_and_roots_without_a_pair_or_a_pair_without_roots_is_refused(content: Continues) -> None:
    with pytest.raises(Malformed) as refused:
        Continues.decode(content.encode())
    assert refused.value.rule == 28


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, [2]), (0, [2, 1, 1]), (0, [0, 1]), (0, [1, 0]), (1, -1), (2, bytes(31)), (3, -1), (4, bytes(31)), (5, -1)],
)
def test_entry_0_with_a_value_of_another_shape_is_refused(place: int, value: object) -> None:
    parts = decode(LATER.encode())
    parts[place] = value
    with pytest.raises(Malformed) as refused:
        Continues.decode(encode(parts))
    assert refused.value.rule == 39


def test_confirmation_is_read_as_it_was_written() -> None:
    assert Confirmation.decode(CONFIRMED.encode()) == CONFIRMED
    assert decode(CONFIRMED.encode()) == [b"d" * 32, 2, b"e" * 32]


@pytest.mark.parametrize(("place", "value"), [(0, bytes(31)), (1, 0), (2, bytes(31))])
def test_confirmation_with_a_value_of_another_shape_is_refused(place: int, value: object) -> None:
    parts = decode(CONFIRMED.encode())
    parts[place] = value
    with pytest.raises(Malformed):
        Confirmation.decode(encode(parts))


@pytest.mark.parametrize("content", [LATER.encode(), CONFIRMED.encode()], ids=["entry 0", "confirmation"])
def test_content_with_fewer_or_more_values_is_refused(content: bytes) -> None:
    read = Continues.decode if content == LATER.encode() else Confirmation.decode
    for parts in (decode(content)[:-1], [*decode(content), None]):
        with pytest.raises(Malformed):
            read(encode(parts))
