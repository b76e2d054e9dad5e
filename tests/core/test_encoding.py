"""The one encoding: its vectors, and that any bytes are refused or are what encoding their value gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors import make
from watchline.core.encoding import Value, decode, encode
from watchline.core.limits import ARRAY_MAX, INTEGER_MAX
from watchline.errors import Malformed

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/encoding.json").read_text("utf-8"))
GOOD, BAD = VECTORS["good"], VECTORS["bad"]

integers = st.integers(-INTEGER_MAX, INTEGER_MAX)
scalars = st.none() | st.booleans() | integers | st.binary(max_size=40) | st.text(max_size=40)


def _values(keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Value]:
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(keys, inner, max_size=6), max_leaves=20
    ).filter(lambda value: _depth(value) <= 8)


def _depth(value: Value) -> int:
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 0


values = _values(integers | st.text(max_size=10))


def _from_notation(noted: Any) -> Value:
    if isinstance(noted, list):
        return [_from_notation(item) for item in noted]
    if isinstance(noted, dict) and "bytes" in noted:
        return bytes.fromhex(noted["bytes"])
    if isinstance(noted, dict):
        return {key: _from_notation(item) for key, item in noted["map"]}
    return noted


def _refused_or_canonical(data: bytes) -> None:
    try:
        value = decode(data)
    except Malformed:
        return
    assert encode(value) == data


@pytest.mark.parametrize("vector", GOOD, ids=lambda vector: vector["hex"][:40])
def test_value_of_good_vector_has_its_encoding_and_comes_back(vector: dict[str, Any]) -> None:
    value, data = _from_notation(vector["value"]), bytes.fromhex(vector["hex"])
    assert encode(value) == data
    assert decode(data) == value


@pytest.mark.parametrize("vector", BAD, ids=lambda vector: vector["name"])
def test_bad_vector_is_refused_for_its_reason(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["hex"])
    with pytest.raises(Malformed) as caught:
        decode(data)
    assert vector["why"] in caught.value.message
    assert caught.value.rule == 39
    offset = caught.value.facts["offset"]
    assert isinstance(offset, int)
    assert 0 <= offset <= len(data)


@pytest.mark.parametrize(
    ("data", "offset", "why"),
    [
        ("", 0, make.SHORT),
        ("18", 1, make.SHORT),
        ("1901", 2, make.SHORT),
        ("4200", 2, make.SHORT),
        ("8200", 2, make.SHORT),
        ("8258", 2, make.SHORT),
        ("8141", 2, make.SHORT),
        ("815818" + 23 * "00", 26, make.SHORT),
        ("a100", 2, make.SHORT),
        ("0000", 1, make.REST),
        ("1c", 0, make.RESERVED),
        ("815f", 1, make.RESERVED),
        ("1817", 0, make.LONG),
        ("811817", 1, make.LONG),
        ("815817" + 23 * "00", 1, make.LONG),
        ("1b0020000000000000", 0, make.RANGE),
        ("813b001fffffffffffff", 1, make.RANGE),
        ("c0", 0, make.SIMPLE),
        ("81f90000", 1, make.SIMPLE),
        ("6261ff", 2, make.UTF8),
        ("816261ff", 3, make.UTF8),
        (9 * "81", 8, make.DEPTH),
        (8 * "81" + "a0", 8, make.DEPTH),
        ("991001", 0, make.ELEMENTS),
        ("81991001", 1, make.ELEMENTS),
        ("a14000", 1, make.KEY),
        ("a20100f600", 3, make.KEY),
        ("a201000000", 3, make.ORDER),
        ("a200000000", 3, make.ORDER),
    ],
)
def test_refusal_names_the_first_byte_that_breaks_a_rule(data: str, offset: int, why: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode(bytes.fromhex(data))
    assert why in caught.value.message
    assert caught.value.facts["offset"] == offset


def test_bad_vectors_break_every_rule_of_the_encoding() -> None:
    rules = (
        make.LONG, make.RESERVED, make.SHORT, make.RANGE, make.SIMPLE, make.UTF8, make.ORDER, make.KEY, make.DEPTH,
        make.ELEMENTS, make.REST,
    )  # fmt: skip
    assert {vector["why"] for vector in BAD} == set(rules)
    assert len(BAD) >= 60


@pytest.mark.parametrize("vector", GOOD, ids=lambda vector: vector["hex"][:40])
def test_good_vector_cut_short_at_any_byte_or_with_a_byte_left_over_is_refused(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["hex"])
    for end in range(len(data)):
        with pytest.raises(Malformed, match="input cut short"):
            decode(data[:end])
    with pytest.raises(Malformed, match="bytes left over"):
        decode(data + b"\x00")


@pytest.mark.parametrize("vector", GOOD, ids=lambda vector: vector["hex"][:40])
def test_good_vector_is_canonical_cbor_to_another_implementation(vector: dict[str, Any]) -> None:
    assert cbor2.loads(bytes.fromhex(vector["hex"])) == _from_notation(vector["value"])


@pytest.mark.slow
@given(values)
def test_decoding_gives_back_what_was_encoded(value: Value) -> None:
    data = encode(value)
    assert decode(data) == value
    assert cbor2.loads(data) == value


# cbor2 sorts keys by length first, as RFC 7049 had it: the same order among text alone and among integers from 0 alone.
@pytest.mark.slow
@given(_values(st.text(max_size=30)) | _values(st.integers(0, INTEGER_MAX)))
def test_encoding_agrees_with_canonical_cbor2_where_both_sort_alike(value: Value) -> None:
    assert encode(value) == cbor2.dumps(value, canonical=True)


@given(st.binary(max_size=64))
def test_any_bytes_are_refused_or_the_encoding_of_their_value(data: bytes) -> None:
    _refused_or_canonical(data)


@pytest.mark.slow
@given(values, st.data())
def test_damaged_encoding_is_refused_or_the_encoding_of_its_value(value: Value, data: st.DataObject) -> None:
    encoded = encode(value)
    place = data.draw(st.integers(0, len(encoded)))
    removed = data.draw(st.integers(0, 2))
    put = data.draw(st.binary(max_size=3))
    _refused_or_canonical(encoded[:place] + put + encoded[place + removed :])


@pytest.mark.slow
@given(values, values)
def test_different_values_have_different_encodings(one: Value, other: Value) -> None:
    same = encode(one) == encode(other)
    assert same == (cbor2.dumps(one, canonical=True) == cbor2.dumps(other, canonical=True))


def test_tuple_is_encoded_as_array() -> None:
    assert encode((1, (2, b""))) == encode([1, [2, b""]])


def test_map_is_encoded_alike_whatever_the_order_of_its_keys() -> None:
    assert encode({"b": 1, -1: 2, 3: 4, "aa": 5}) == encode({"aa": 5, 3: 4, "b": 1, -1: 2})


class _Number(IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    "value",
    [1.0, 2**53, -(2**53), {1}, bytearray(b"a"), memoryview(b"a"), object(), _Number.ONE, "\ud800", {None: 0}, {True: 0},
     {b"a": 0}, {1.5: 0}, [[2**53]], [0] * (ARRAY_MAX + 1), dict.fromkeys(range(ARRAY_MAX + 1))],
    ids=lambda value: ascii(value)[:30] if type(value) in (int, float, str, dict, set) else type(value).__name__,
)  # fmt: skip
def test_value_that_the_encoding_does_not_have_is_our_bug(value: Value) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message differs, the family does not
        encode(value)


def test_nesting_beyond_the_limit_is_our_bug_when_encoding() -> None:
    value: Value = []
    for _ in range(7):
        value = [value]
    assert decode(encode(value)) == value
    with pytest.raises(ValueError, match="nesting beyond 8"):
        encode([value])


def test_largest_array_and_map_are_allowed() -> None:
    for value in (list(range(ARRAY_MAX)), dict.fromkeys(range(ARRAY_MAX))):
        assert decode(encode(value)) == value


@pytest.mark.slow
@pytest.mark.parametrize("length", [0, 1, 22, 23, 24, 25, 254, 255, 256, 257])
@pytest.mark.parametrize("number", [0, 23, 24, 255, -1])
def test_byte_strings_and_numbers_of_any_length_stand_in_an_array_as_alone(length: int, number: int) -> None:
    one, other = bytes(range(256))[:length] + b"\x07" * max(0, length - 256), b"\x18" * length
    for value in ([one], [one, other], [number, one, number], [other, [one, number], b"", other], [None, other, "a", one]):
        data = encode(value)
        assert data == cbor2.dumps(value)
        assert decode(data) == value
        for end in range(len(data)):
            with pytest.raises(Malformed, match="input cut short"):
                decode(data[:end])


@pytest.mark.parametrize(("nest", "head"), [(lambda inner: {0: inner}, "a100"), (lambda inner: [inner], "81")])
def test_maps_and_arrays_are_nested_eight_deep_and_not_deeper(nest: Callable[[Value], Value], head: str) -> None:
    value: Value = 0
    for _ in range(8):
        value = nest(value)
    assert encode(value).hex() == 8 * head + "00"
    assert decode(encode(value)) == value
    with pytest.raises(ValueError, match="nesting beyond 8"):
        encode(nest(value))
    with pytest.raises(Malformed, match="nesting beyond 8"):
        decode(bytes.fromhex(9 * head + "00"))


def test_container_as_a_key_counts_as_one_level_more() -> None:
    with pytest.raises(Malformed, match="neither integer nor text"):
        decode(bytes.fromhex(6 * "81" + "a18000"))
    with pytest.raises(Malformed, match="nesting beyond 8"):
        decode(bytes.fromhex(7 * "81" + "a18000"))
