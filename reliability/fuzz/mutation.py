"""How an input is changed into another, by bytes, by the tree that it encodes, by its text or by its parts.

Everything is decided by the generator that is given, so a seed gives the same inputs on every machine.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from watchline.core.archive import pack, unpack
from watchline.core.encoding import decode, encode
from watchline.core.limits import INTEGER_MAX
from watchline.errors import Malformed

Mutate = Callable[[bytes, random.Random, Sequence[bytes]], bytes]
"""(input, randomness, other inputs to take pieces from) -> another input."""

INPUT_BYTES_MAX = 140_000  # a frame and a little more
_PIECES = (
    b"\0", b"\xff", b"\x80", b"\x7f", b"\xf6", b"\xa0", b"\x80", b"\x40", b"\x9f", b"\xfb", b"\xc0", b"\n", b"\n\n", b"+",
    b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff", b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff", b"\x9b\x00\x00\x00\xff\xff\xff\xff\xff",
    b"\xbb\x00\x00\x00\x00\xff\xff\xff\xff", b"\x5a\xff\xff\xff\xff", b"\x9a\x7f\xff\xff\xff", b"\x81" * 40, b"\xa1\x00" * 40,
    b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x00\x02\x00\x00", b"\x16\x03\x01\x3f\xfb", b"PK\x03\x04", b"PK\x01\x02",
)  # fmt: skip
_NUMBERS = (
    0, 1, 2, 3, 4, 5, 9, 16, 22, 23, 24, 26, 37, 63, 64, 65, 255, 256, 257, 4_095, 4_096, 4_097, 65_535, 65_536, 131_072,
    2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40 - 1, 2**40, 2**52, INTEGER_MAX - 1, INTEGER_MAX, -1, -2, -INTEGER_MAX,
    253_402_300_799, 253_402_300_800,
)  # fmt: skip
_LENGTHS = (0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 1_216, 1_312, 2_420, 4_097, 16_384, 65_536, 65_537)
_TEXTS = (
    "", " ", "a", "en", "zh-Hans", "\0", "\n", "\u202e", "\u2028", "é", "e\u0301", "気球", "\U0001f388", "a" * 129,
    "氣" * 2_000,
    "1", "-", "..", "/", "%s", "{}", "ours:1", "theirs:@0", "free-text", "test", "duty", "direct", "127.0.0.1:1", "[::]:0",
)  # fmt: skip
_SIGNS = (
    "-", "+", ".", ",", ";", ":", "/", " ", "\n", "\t", "\r\n", "0", "9", "00", "99999999999999999999", "1e999", "NaN", "null",
    "true", "[", "]", "{", "}", '"', "[" * 200, "\\", "\\ud800", "°", "'", "′", "N", "s", "W", "NM", "FL", "Z", "T", "%", "٣",
    "²", "\u2028", "\u202e", "\x1b[2J", "\x00", "\ufeff", "é", "気球", "a" * 300, "=", "'''", '"""', "#", "[[", "]]", "_", "0x",
)  # fmt: skip
_NEST_MAX = 9


def mutate_bytes(data: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """Change a few bytes or spans, without any thought of what they mean."""
    out = bytearray(data)
    for _ in range(1 + int(rng.random() ** 3 * 5)):
        _change_bytes(out, rng, others)
    return bytes(out[:INPUT_BYTES_MAX])


def mutate_cbor(data: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """Change the value that the bytes encode, mostly; what encodes none is changed as bytes."""
    chance = rng.random()
    if chance < 0.2:
        return mutate_bytes(data, rng, others)
    try:
        value = decode(data)
        for _ in range(1 + int(rng.random() ** 2 * 3)):
            value = _change(value, rng, others, 0)
        changed = encode(value)
    except (Malformed, ValueError):
        return mutate_bytes(data, rng, others)
    return mutate_bytes(changed, rng, others) if chance > 0.95 else changed[:INPUT_BYTES_MAX]


def behind(prefix: bytes, mutate: Mutate) -> Mutate:
    """Change what stands behind a prefix, and seldom the prefix too."""

    def change(data: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
        if rng.random() < 0.05 or not data.startswith(prefix):
            return mutate_bytes(data, rng, others)
        return prefix + mutate(data[len(prefix) :], rng, others)

    return change


def behind_bytes(count: int, mutate: Mutate) -> Mutate:
    """Change what stands behind so many bytes that choose something, and now and then the choice."""

    def change(data: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
        head = rng.randbytes(count) if rng.random() < 0.1 else data[:count]
        return head + mutate(data[count:], rng, [other[count:] for other in others[:8]])

    return change


def mutate_text(data: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """Change text by characters, words and pieces of other inputs; seldom into what is no UTF-8."""
    if rng.random() < 0.1:
        return mutate_bytes(data, rng, others)
    text = data.decode("utf-8", "replace")
    for _ in range(1 + int(rng.random() ** 2 * 4)):
        at, end = _span(len(text), rng)
        chance = rng.random()
        if chance < 0.35:
            piece = _SIGNS[int(rng.random() * len(_SIGNS))]
        elif chance < 0.55:
            piece = ""
        elif chance < 0.7:
            piece = text[at:end] * (2 if rng.random() < 0.9 else 50)
        elif chance < 0.85 and others:
            other = others[int(rng.random() * len(others))].decode("utf-8", "replace")
            start, stop = _span(len(other), rng)
            piece = other[start:stop]
        else:
            piece = str(_NUMBERS[int(rng.random() * len(_NUMBERS))])
        text = text[:at] + piece + text[at if rng.random() < 0.5 else end :]
    return text.encode("utf-8", "replace")[:INPUT_BYTES_MAX]


def mutate_json(data: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """Change the value that JSON text holds, mostly; what holds none is changed as text."""
    if rng.random() < 0.3:
        return mutate_text(data, rng, others)
    try:
        value = json.loads(data)
        for _ in range(1 + int(rng.random() ** 2 * 3)):
            value = _change(value, rng, (), 0)
        return json.dumps(value, default=bytes.hex).encode()[:INPUT_BYTES_MAX]
    except (ValueError, TypeError, RecursionError):
        return mutate_text(data, rng, others)


def mutate_archive(data: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """Change one part of an evidence archive, or which parts there are; and now and then the archive's own bytes."""
    if rng.random() < 0.15:
        return mutate_bytes(data, rng, others)
    try:
        parts = unpack(data)
        names = list(parts)
        name = names[int(rng.random() * len(names))]
        chance = rng.random()
        if chance < 0.1:
            del parts[name]
        elif chance < 0.2:
            parts[name] = parts[names[int(rng.random() * len(names))]]
        elif chance < 0.3:
            parts[mutate_bytes(name.encode(), rng, ()).decode("latin-1")] = parts.pop(name)
        else:
            mutate = mutate_cbor if name.endswith(".bin") else mutate_text
            parts[name] = mutate(parts[name], rng, [parts[names[int(rng.random() * len(names))]]])
        return pack(parts)
    except (Malformed, ValueError, IndexError):
        return mutate_bytes(data, rng, others)


def _span(length: int, rng: random.Random) -> tuple[int, int]:
    start = int(rng.random() * (length + 1))
    return start, min(length, start + 1 + int(rng.random() ** 4 * length))


def _change_bytes(out: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    start, end = _span(len(out), rng)
    chance = rng.random()
    if chance < 0.25 and start < len(out):
        out[start] ^= 1 << int(rng.random() * 8)
    elif chance < 0.4 and start < len(out):
        out[start] = int(rng.random() * 256)
    elif chance < 0.55:
        piece = _PIECES[int(rng.random() * len(_PIECES))]
        out[start : start + (len(piece) if rng.random() < 0.5 else 0)] = piece
    elif chance < 0.7:
        del out[start:end]
    elif chance < 0.8:
        out[start:start] = out[start:end]
    elif chance < 0.9 and others:
        other = others[int(rng.random() * len(others))]
        at, stop = _span(len(other), rng)
        out[start : end if rng.random() < 0.5 else start] = other[at:stop]
    elif chance < 0.95:
        del out[start:]
    else:
        out[start:end] = rng.randbytes(min(end - start, 64))


def _change(value: Any, rng: random.Random, others: Sequence[bytes], depth: int) -> Any:
    """The value with one change somewhere in it; what is inside an array is chosen more often than the array itself."""
    kind = type(value)
    if kind is list and value and rng.random() < 0.85:
        at = int(rng.random() * len(value))
        return [*value[:at], _change(value[at], rng, others, depth + 1), *value[at + 1 :]]
    if kind is dict and value and rng.random() < 0.7:
        key = list(value)[int(rng.random() * len(value))]
        return {**value, key: _change(value[key], rng, others, depth + 1)}
    if rng.random() < 0.25:
        return _other_value(rng, others, depth)
    if kind is int:
        return value + int(rng.random() * 7) - 3 if rng.random() < 0.5 else _NUMBERS[int(rng.random() * len(_NUMBERS))]
    if kind is bytes:
        return _change_octets(value, rng, others)
    if kind is str:
        return mutate_text(value.encode(), rng, ()).decode("utf-8", "replace")
    if kind is bool:
        return not value
    if kind is list:
        return _change_list(value, rng)
    if kind is dict:
        return _change_map(value, rng, others, depth)
    return _other_value(rng, others, depth)


def _change_octets(value: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    if len(value) > 2 and rng.random() < 0.6:  # a byte string may hold an encoded value
        try:
            return encode(_change(decode(value), rng, others, 0))
        except (Malformed, ValueError):
            pass
    if rng.random() < 0.3:
        return value[:1] * _LENGTHS[int(rng.random() * len(_LENGTHS))]
    return mutate_bytes(value, rng, others)


def _change_list(value: list[Any], rng: random.Random) -> list[Any]:
    at = int(rng.random() * (len(value) + 1))
    chance = rng.random()
    if chance < 0.3:
        return value[:at] + value[at + 1 :]
    if chance < 0.6:
        return value[:at] + value[at : at + 1] * 2 + value[at + 1 :]
    if chance < 0.75:
        return value[at:] + value[:at]
    if chance < 0.85:
        return value[:at]
    return value * (2 if rng.random() < 0.9 else 70)


def _change_map(value: dict[Any, Any], rng: random.Random, others: Sequence[bytes], depth: int) -> dict[Any, Any]:
    changed = dict(value)
    if changed and rng.random() < 0.5:
        item = changed.pop(list(changed)[int(rng.random() * len(changed))])
    else:
        item = _other_value(rng, others, depth + 1)
    changed[_TEXTS[int(rng.random() * len(_TEXTS))] if rng.random() < 0.3 else int(rng.random() * 120)] = item
    return changed


def _other_value(rng: random.Random, others: Sequence[bytes], depth: int) -> Any:
    chance = rng.random()
    if chance < 0.3:
        return _NUMBERS[int(rng.random() * len(_NUMBERS))]
    if chance < 0.45:
        return rng.randbytes(_LENGTHS[int(rng.random() * 13)])
    if chance < 0.6:
        return _TEXTS[int(rng.random() * len(_TEXTS))]
    if chance < 0.75:
        return (None, True, False, [], {}, b"", [None], [[]], {0: None}, {"": 0})[int(rng.random() * 10)]
    if chance < 0.85 and depth < _NEST_MAX:
        return [_other_value(rng, others, depth + 1) for _ in range(int(rng.random() * 4))]
    if others:
        try:
            return _within(decode(others[int(rng.random() * len(others))]), rng)
        except Malformed:
            pass
    return [[[[[[[[0]]]]]]]][: int(rng.random() * 2)]


def _within(value: Any, rng: random.Random) -> Any:
    """Some part of a value."""
    while type(value) is list and value and rng.random() < 0.7:
        value = value[int(rng.random() * len(value))]
    return value
