"""Leaves, bodies and contents: one encoding each, and nothing else is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchline.core.entries import (
    Body,
    Continues,
    Direction,
    EntryType,
    Leaf,
    Notice,
    Precedence,
    Response,
    commitment,
    verify_commitment,
)
from watchline.core.limits import BODY_BYTES_MAX, INTEGER_MAX, LEAF_BYTES_MAX
from watchline.errors import BadProof, PeerError, WrongParty

DIRECTION = Direction(bytes(32), b"\1" * 32, b"\2" * 32, 1, 2)
LEAF = Leaf(DIRECTION, 7, EntryType.NOTICE.value, 1_680_220_800, bytes(32), 3, bytes(32), None)
BODY = Body(b"content", bytes(16), ([1, 0, bytes(64)],))
NOTICE = Notice("free-text", 1, Precedence.FLASH, True, "en", {1: "text", 2: [1, 2]})
RESPONSE = Response(EntryType.DECLINE, 1, 2, 7, bytes(32), "ja", "why")

DECODERS: list[tuple[Callable[[bytes], object], bytes, object]] = [
    (Leaf.decode, LEAF.encode(), LEAF),
    (Body.decode, BODY.encode(), BODY),
    (Notice.decode, NOTICE.encode(), NOTICE),
    (Response.decode, RESPONSE.encode(), RESPONSE),
]
WHICH = pytest.mark.parametrize(("decoder", "encoded", "value"), DECODERS, ids=["leaf", "body", "notice", "response"])


@WHICH
def test_value_is_read_back_whole_and_refused_when_cut_or_with_bytes_left_over(
    decoder: Callable[[bytes], object], encoded: bytes, value: object
) -> None:
    assert decoder(encoded) == value
    for length in range(len(encoded)):
        with pytest.raises(PeerError):
            decoder(encoded[:length])
    with pytest.raises(PeerError):
        decoder(encoded + b"\0")


@WHICH
@given(data=st.data())
def test_any_change_gives_another_value_or_a_refusal(
    decoder: Callable[[bytes], object], encoded: bytes, value: object, data: st.DataObject
) -> None:
    changed = bytearray(encoded)
    at = data.draw(st.integers(0, len(encoded) - 1))
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        assert decoder(bytes(changed)) != value
    except PeerError:
        return


@WHICH
@given(junk=st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_refusal(
    decoder: Callable[[bytes], object], encoded: bytes, value: object, junk: bytes
) -> None:
    try:
        decoder(junk)
    except PeerError:
        return


@given(st.integers(0, INTEGER_MAX), st.integers(0, INTEGER_MAX), st.none() | st.integers(0, INTEGER_MAX))
def test_leaf_with_its_prefix_at_hand_is_the_same_leaf_and_short_enough(index: int, size: int, re: int | None) -> None:
    largest = Direction(bytes(32), bytes(32), bytes(32), INTEGER_MAX, INTEGER_MAX)
    leaf = Leaf(largest, index, INTEGER_MAX, INTEGER_MAX, bytes(32), size, bytes(32), re)
    assert leaf.encode(largest.prefix()) == leaf.encode()
    assert Leaf.decode(leaf.encode()) == leaf
    assert len(leaf.encode()) <= LEAF_BYTES_MAX


@pytest.mark.parametrize("field", ["line", "sender", "recipient", "inc", "peer_inc"])
def test_leaf_of_another_log_is_refused(field: str) -> None:
    changed: dict[str, Any] = {field: 9 if "inc" in field else b"\7" * 32}
    LEAF.verify_direction(DIRECTION)
    with pytest.raises(WrongParty):
        LEAF.verify_direction(DIRECTION._replace(**changed))


def test_body_is_bound_by_its_commitment() -> None:
    blinding = b"\5" * 32
    leaf = replace(LEAF, commitment=commitment(blinding, b"one"))
    verify_commitment(leaf, blinding, b"one")
    for other, body in ((blinding, b"two"), (bytes(32), b"one"), (blinding[:31], b"one"), (blinding + b"\0", b"one")):
        with pytest.raises(BadProof):
            verify_commitment(leaf, other, body)


def test_body_beyond_the_limit_is_neither_made_nor_read() -> None:
    assert len(Body(bytes(BODY_BYTES_MAX - 6)).encode()) == BODY_BYTES_MAX
    with pytest.raises(ValueError, match="large"):
        Body(bytes(BODY_BYTES_MAX - 5)).encode()
    with pytest.raises(PeerError):
        Body.decode(bytes(BODY_BYTES_MAX + 1))


def test_first_continues_knows_of_nothing() -> None:
    assert Continues().encode().hex() == "86f600f600f600"


def test_unknown_entry_type_is_read_as_its_number() -> None:
    assert Leaf.decode(replace(LEAF, type=4_711).encode()).type == 4_711
