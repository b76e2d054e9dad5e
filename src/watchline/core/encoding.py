"""The one byte encoding of every signed or sealed value: deterministic CBOR (RFC 8949, section 4.2.1), and a strict subset.

Allowed: integers of magnitude below 2**53, byte strings, UTF-8 text, arrays, maps with integer or text keys, true, false,
null. Refused, each by name: long-form integers and lengths, indefinite lengths, floats, tags, other simple values, keys out
of order or twice, invalid UTF-8, nesting beyond 8, more than 4,096 elements, bytes left over, input cut short.

So for any bytes `b`: `decode(b)` raises `Malformed`, or `encode(decode(b)) == b`.
"""

from __future__ import annotations

from typing import Any

from watchline.core.limits import ARRAY_MAX, DEPTH_MAX, INTEGER_MAX
from watchline.errors import Malformed

Value = Any  # None | bool | int | bytes | str | list[Value] | tuple[Value, ...] | dict[int | str, Value]

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP = (major << 5 for major in range(6))
_FALSE, _TRUE, _NULL = 0xF4, 0xF5, 0xF6


def encode(value: Value) -> bytes:
    """Give the one encoding of a value; tuples are arrays.

    Raises ValueError for a value that the encoding does not have: that is a bug of the caller, never a peer's doing.
    """
    out = bytearray()
    _encode(value, out, 0)
    return bytes(out)


def decode(data: bytes) -> Value:
    """Read one value that fills `data` exactly; arrays become lists.

    Raises Malformed (rule 39) with the offset of the first byte that breaks a rule.
    """
    value, end = _decode(data, 0, 0)
    if end != len(data):
        raise _malformed("bytes left over after the value", end)
    return value


def _head(major: int, number: int, out: bytearray) -> None:
    if number < 24:
        out.append(major | number)
    elif number < 0x100:
        out += bytes((major | 24, number))
    elif number < 0x10000:
        out.append(major | 25)
        out += number.to_bytes(2, "big")
    elif number < 0x100000000:
        out.append(major | 26)
        out += number.to_bytes(4, "big")
    else:
        out.append(major | 27)
        out += number.to_bytes(8, "big")


def _encode(value: Value, out: bytearray, depth: int) -> None:
    kind = type(value)
    if kind is int:
        if not -INTEGER_MAX <= value <= INTEGER_MAX:
            raise ValueError("integer of magnitude 2**53 or more")
        _head(_UNSIGNED, value, out) if value >= 0 else _head(_NEGATIVE, -1 - value, out)
    elif kind is bytes:
        _head(_BYTES, len(value), out)
        out += value
    elif kind is str:
        encoded = value.encode("utf-8")
        _head(_TEXT, len(encoded), out)
        out += encoded
    elif kind is list or kind is tuple:
        _check_container(len(value), depth)
        _head(_ARRAY, len(value), out)
        _encode_items(value, out, depth + 1)
    elif value is None:
        out.append(_NULL)
    elif kind is bool:
        out.append(_TRUE if value else _FALSE)
    elif kind is dict:
        _check_container(len(value), depth)
        _head(_MAP, len(value), out)
        for key, item in sorted((_encode_key(key), item) for key, item in value.items()):
            out += key
            _encode(item, out, depth + 1)
    else:
        raise ValueError(f"a {kind.__name__} has no encoding")


def _encode_items(items: list[Value] | tuple[Value, ...], out: bytearray, depth: int) -> None:
    # Most elements are small numbers and byte strings of 24 to 255 bytes: those two are written here, without a call.
    for item in items:
        kind = type(item)
        if kind is int and 0 <= item < 24:
            out.append(item)
        elif kind is bytes and 24 <= len(item) < 0x100:
            out += bytes((_BYTES | 24, len(item)))
            out += item
        else:
            _encode(item, out, depth)


def _check_container(length: int, depth: int) -> None:
    if depth >= DEPTH_MAX:
        raise ValueError(f"nesting beyond {DEPTH_MAX}")
    if length > ARRAY_MAX:
        raise ValueError(f"more than {ARRAY_MAX} elements")


def _encode_key(key: Value) -> bytes:
    if type(key) is not int and type(key) is not str:
        raise ValueError("a map key must be an integer or text")
    return encode(key)


def _malformed(what: str, offset: int) -> Malformed:
    return Malformed(f"not in the one allowed encoding: {what} at byte {offset}", rule=39, offset=offset)


def _argument(data: bytes, offset: int) -> tuple[int, int]:
    """Read the number in an item's head; return it and the offset after the head."""
    info = data[offset] & 0x1F
    offset += 1
    if info < 24:
        return info, offset
    if info > 27:
        raise _malformed("an indefinite or reserved length", offset - 1)
    width = 1 << (info - 24)
    if len(data) - offset < width:
        raise _malformed("input cut short", len(data))
    number = int.from_bytes(data[offset : offset + width], "big")
    if number < (24 if width == 1 else 1 << (4 * width)):
        raise _malformed("a number longer than needed", offset - 1)
    return number, offset + width


def _decode(data: bytes, offset: int, depth: int) -> tuple[Value, int]:
    if offset >= len(data):
        raise _malformed("input cut short", len(data))
    first = data[offset]
    if first < 24:
        return first, offset + 1
    major = first & 0xE0
    if major <= _NEGATIVE:
        number, end = _argument(data, offset)
        value = number if major == _UNSIGNED else -1 - number
        if not -INTEGER_MAX <= value <= INTEGER_MAX:
            raise _malformed("an integer of magnitude 2**53 or more", offset)
        return value, end
    if major <= _TEXT:
        return _decode_string(data, offset, major)
    if major == _ARRAY:
        return _decode_array(data, offset, depth)
    if major == _MAP:
        return _decode_map(data, offset, depth)
    if first == _NULL:
        return None, offset + 1
    if first in (_FALSE, _TRUE):
        return first == _TRUE, offset + 1
    raise _malformed("a tag, a float or another simple value", offset)


def _decode_string(data: bytes, offset: int, major: int) -> tuple[bytes | str, int]:
    length, start = _argument(data, offset)
    end = start + length
    if end > len(data):
        raise _malformed("input cut short", len(data))
    if major == _BYTES:
        return data[start:end], end
    try:
        return data[start:end].decode("utf-8"), end
    except UnicodeDecodeError as error:
        raise _malformed("text that is not UTF-8", start + error.start) from None


def _decode_length(data: bytes, offset: int, depth: int) -> tuple[int, int]:
    if depth >= DEPTH_MAX:
        raise _malformed(f"nesting beyond {DEPTH_MAX}", offset)
    length, end = _argument(data, offset)
    if length > ARRAY_MAX:
        raise _malformed(f"more than {ARRAY_MAX} elements", offset)
    return length, end


def _decode_array(data: bytes, offset: int, depth: int) -> tuple[list[Value], int]:
    length, end = _decode_length(data, offset, depth)
    items: list[Value] = []
    size = len(data)
    for _ in range(length):
        # Most elements are small numbers and byte strings of 24 to 255 bytes: those two are read here, without a call.
        first = data[end] if end < size else 0xFF
        if first < 24:
            items.append(first)
            end += 1
            continue
        if first == _BYTES | 24 and end + 1 < size and data[end + 1] >= 24 and end + 2 + data[end + 1] <= size:
            start = end + 2
            end = start + data[end + 1]
            items.append(data[start:end])
            continue
        item, end = _decode(data, end, depth + 1)
        items.append(item)
    return items, end


def _decode_map(data: bytes, offset: int, depth: int) -> tuple[dict[int | str, Value], int]:
    length, end = _decode_length(data, offset, depth)
    items: dict[int | str, Value] = {}
    previous = b""
    for _ in range(length):
        start = end
        key, end = _decode(data, start, depth + 1)
        if type(key) is not int and type(key) is not str:
            raise _malformed("a map key that is neither integer nor text", start)
        if data[start:end] <= previous:
            raise _malformed("map keys out of order or twice", start)
        previous = data[start:end]
        items[key], end = _decode(data, end, depth + 1)
    return items, end
