"""Leaves, bodies and contents: one encoding each, and nothing else is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchline.core.encoding import decode, encode
from watchline.core.entries import (
    HOLDING_REPLY,
    NUMBERED,
    READ_ONCE_BYTES,
    READ_ONCE_ENTRIES,
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
from watchline.core.limits import BODY_BYTES_MAX, FRAME_ENTRIES_MAX, INTEGER_MAX, LEAF_BYTES_MAX
from watchline.errors import BadProof, Malformed, PeerError, WrongParty

DIRECTION = Direction(bytes(32), b"\1" * 32, b"\2" * 32, 1, 2)
LEAF = Leaf(DIRECTION, 7, EntryType.NOTICE.value, 1_680_220_800, bytes(32), 3, bytes(32), None)
BODY = Body(b"content", bytes(16), ([1, 0, bytes(64)],))
NOTICE = Notice("free-text", 1, Precedence.FLASH, True, "en", {1: "text", 2: [1, 2]})
RESPONSE = Response(EntryType.DECLINE, 1, 2, 7, bytes(32), "ja", "why")


def body_of(length: int) -> tuple[Callable[[bytes], object], bytes]:
    return Body.decode, Body(bytes(length - 6)).encode()


def notice_of(length: int) -> tuple[Callable[[bytes], object], bytes]:
    return Notice.decode, replace(
        NOTICE, fields={1: "x" * (length - len(replace(NOTICE, fields={1: ""}).encode()) - 2)}
    ).encode()


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


@pytest.mark.slow
@WHICH
@given(data=st.data())
def test_any_change_gives_another_value_or_a_refusal(
    decoder: Callable[[bytes], object], encoded: bytes, value: object, data: st.DataObject
) -> None:
    changed = bytearray(encoded)
    at = data.draw(st.integers(0, len(encoded) - 1))
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        assert repr(decoder(bytes(changed))) != repr(value)  # not by ==, for which 1 is True
    except PeerError:
        return


@pytest.mark.slow
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
        with pytest.raises(BadProof) as refused:
            verify_commitment(leaf, other, body)
        assert refused.value.rule == 8


def test_body_beyond_the_limit_is_neither_made_nor_read() -> None:
    assert len(Body(bytes(BODY_BYTES_MAX - 6)).encode()) == BODY_BYTES_MAX
    with pytest.raises(ValueError, match="large"):
        Body(bytes(BODY_BYTES_MAX - 5)).encode()
    longest = Body(bytes(BODY_BYTES_MAX - 6)).encode()
    assert Body.decode(longest).encode() == longest
    with pytest.raises(Malformed, match="at most 65536 bytes") as refused:
        Body.decode(bytes(BODY_BYTES_MAX + 1))
    assert refused.value.rule == 39


def test_leaf_beyond_the_limit_is_refused_unread() -> None:
    with pytest.raises(Malformed, match="at most 512 bytes") as refused:
        Leaf.decode(bytes(LEAF_BYTES_MAX + 1))
    assert refused.value.rule == 39
    with pytest.raises(Malformed, match="one allowed encoding"):
        Leaf.decode(bytes(LEAF_BYTES_MAX))


def test_first_continues_knows_of_nothing() -> None:
    assert Continues().encode().hex() == "86f600f600f600"


def test_continues_names_the_pair_before_it() -> None:
    said = Continues((3, 4), 5, bytes(32), 6, b"\1" * 32, 7)
    assert decode(said.encode()) == [[3, 4], 5, bytes(32), 6, b"\1" * 32, 7]


@pytest.mark.parametrize(
    "said",
    [
        Continues((1, 1)),
        Continues((1, 1), 5, bytes(32)),
        Continues((1, 1), 5, None, 6, bytes(32)),
        Continues(None, 5, bytes(32), 6, bytes(32)),
        Continues(None, 0, bytes(32)),
        Continues(None, 5),
        Continues(None, 0, None, 6),
        Continues(None, last_number=7),
    ],
)
def test_continues_with_a_pair_and_no_roots_or_with_anything_and_no_pair_is_refused(said: Continues) -> None:
    with pytest.raises(Malformed) as refused:
        Continues.decode(said.encode())
    assert refused.value.rule == 28


# What is written on the wire and in every signed leaf cannot change its meaning.


def test_entry_types_have_the_numbers_of_rule_38() -> None:
    assert {kind.name: int(kind) for kind in EntryType} == {
        "CONTINUES": 0, "NOTICE": 1, "ACKNOWLEDGE": 2, "DECLINE": 3, "CANCEL": 4,
        "TERMS": 5, "ROSTER": 6, "FILE": 7, "COMPLETE": 8, "SILENCE": 9, "CONFIRM": 10,
    }  # fmt: skip
    assert {kind.name for kind in EntryType if kind in NUMBERED} == {"NOTICE", "DECLINE", "CANCEL"}
    assert HOLDING_REPLY == "holding-reply"


def test_precedences_climb_from_routine_to_flash() -> None:
    assert {each.name: int(each) for each in Precedence} == {"ROUTINE": 0, "PRIORITY": 1, "IMMEDIATE": 2, "FLASH": 3}


PARTS: list[Any] = decode(LEAF.encode())


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        *((0, version) for version in (0, 2)),
        *((place, wrong) for place in (1, 2, 3, 9, 11) for wrong in (bytes(31), bytes(33), "x" * 32, None)),
        *((place, wrong) for place in (4, 5, 6, 7, 8, 10, 12) for wrong in (-1, b"\0", True)),
        *((place, None) for place in (4, 5, 6, 7, 8, 10)),
    ],
)
def test_leaf_with_a_part_of_another_kind_or_length_is_refused(place: int, wrong: object) -> None:
    with pytest.raises(Malformed) as refused:
        Leaf.decode(encode([*PARTS[:place], wrong, *PARTS[place + 1 :]]))
    assert refused.value.rule == 39


@pytest.mark.parametrize(
    ("value", "place", "right", "wrong"),
    [
        (NOTICE, 0, ["x", "x" * 64], ["", "x" * 65, 1]),
        (NOTICE, 1, [1, INTEGER_MAX], [0, -1, None]),
        (NOTICE, 2, [0, 3], [4, -1, None]),
        (NOTICE, 3, [True, False], [0, 1, None]),
        (NOTICE, 4, ["en", "x" * 35], ["e", "x" * 36, None]),
        (NOTICE, 5, [{}, {0: None}], [{-1: 1}, {"a": 1}, [], None]),
        (RESPONSE, 0, [2, 3], [1, 4, None]),
        (RESPONSE, 1, [0], [-1, None]),
        (RESPONSE, 2, [0], [-1, None]),
        (RESPONSE, 3, [0], [-1, None]),
        (RESPONSE, 4, [bytes(32)], [bytes(31), bytes(33), None]),
        (RESPONSE, 5, ["en", "x" * 35], ["e", "x" * 36, None]),
        (RESPONSE, 6, [None, "", "x" * 4_096], ["x" * 4_097, 1]),
    ],
)
def test_content_is_read_up_to_its_bounds_and_not_beyond(
    value: Notice | Response, place: int, right: list[object], wrong: list[object]
) -> None:
    parts: list[Any] = decode(value.encode())
    for good in right:
        content = encode([*parts[:place], good, *parts[place + 1 :]])
        assert type(value).decode(content).encode() == content
    for bad in wrong:
        with pytest.raises(Malformed):
            type(value).decode(encode([*parts[:place], bad, *parts[place + 1 :]]))


@pytest.mark.parametrize(
    ("place", "right", "wrong"),
    [(1, [None, bytes(16)], [bytes(15), bytes(17), 0]), (2, [[], [0] * 16], [[0] * 17, None])],
)
def test_body_is_read_up_to_its_bounds_and_not_beyond(place: int, right: list[object], wrong: list[object]) -> None:
    parts: list[Any] = [b"content", bytes(16), []]
    for good in right:
        data = encode([*parts[:place], good, *parts[place + 1 :]])
        assert Body.decode(data).encode() == data
    for bad in wrong:
        with pytest.raises(Malformed):
            Body.decode(encode([*parts[:place], bad, *parts[place + 1 :]]))


def test_prefix_at_hand_is_taken_as_it_is() -> None:
    assert LEAF.encode(b"prefix").startswith(b"prefix" + encode(7))


# What is kept read


def test_two_frames_of_small_bodies_are_kept_read_in_at_most_4_mib() -> None:
    assert READ_ONCE_ENTRIES == 2 * FRAME_ENTRIES_MAX
    assert 2 * READ_ONCE_ENTRIES * READ_ONCE_BYTES == 4 * 1024 * 1024


@pytest.mark.parametrize("make", [body_of, notice_of])
def test_only_what_is_small_is_kept_read(make: Callable[[int], tuple[Callable[[bytes], object], bytes]]) -> None:
    read, small = make(READ_ONCE_BYTES)
    assert len(small) == READ_ONCE_BYTES
    assert read(small) is read(small)
    read, large = make(READ_ONCE_BYTES + 1)
    assert read(large) == read(large)
    assert read(large) is not read(large)


def test_unknown_entry_type_is_read_as_its_number() -> None:
    assert Leaf.decode(replace(LEAF, type=4_711).encode()).type == 4_711
