"""Every way to change a signed value: each scalar in it by itself, also inside byte strings that are encodings."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from watchline.core.encoding import Value, decode, encode
from watchline.core.limits import INTEGER_MAX
from watchline.core.persons import ROLES
from watchline.errors import Malformed

INSIDE = "*"  # in a path: the byte string is the encoding of an array, and the path goes on in that
Path = tuple[int | str, ...]

KEEPS_FORM = frozenset({"more", "less", "first bit", "middle bit", "last bit", "not", "other text", "another word"})
"""Changes after which the value is still one that the field could hold, so that only what covers it can refuse it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a value: where, of which kind, and the whole value after it."""

    path: Path
    kind: str
    value: Value

    @property
    def name(self) -> str:
        return f"{path_name(self.path)}: {self.kind}"


def path_name(path: Path) -> str:
    """A path as people read it, `2.*.5`; `whole` for the value itself."""
    return ".".join(map(str, path)) or "whole"


def places(value: Value, path: Path = ()) -> Iterator[tuple[Path, Value]]:
    """Every scalar with its path, and every array too; those inside a byte string that encodes an array follow it."""
    yield path, value
    if isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from places(item, (*path, number))
    elif type(value) is bytes and (inside := encoded_array(value)) is not None:
        yield from places(inside, (*path, INSIDE))


def encoded_array(data: bytes) -> list[Value] | None:
    """The array that the bytes are the encoding of; None for any other bytes."""
    try:
        value = decode(data)
    except Malformed:
        return None
    return value if type(value) is list and value else None


def put(value: Value, path: Path, new: Value) -> Value:
    """The value with another one at this path."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if step == INSIDE:
        return encode(put(decode(value), rest, new))
    assert isinstance(step, int)
    items = list(value)
    items[step] = put(items[step], rest, new)
    return items


def at(value: Value, path: Path) -> Value:
    """What stands at this path."""
    for step in path:
        value = decode(value) if step == INSIDE else value[step]
    return value


def changes(value: Value) -> Iterator[Change]:
    """Each change of each scalar and array of the value, one at a time."""
    for path, old in places(value):
        if not path:
            continue
        for kind, new in other_values(old):
            yield Change(path, kind, put(value, path, new))


def other_values(old: Value) -> Iterator[tuple[str, Value]]:
    """What may be put in the place of a scalar or an array, by kind of change."""
    if type(old) is bool:
        yield "not", not old
    elif type(old) is int:
        if old < INTEGER_MAX:
            yield "more", old + 1
        if old > 0:
            yield "less", old - 1
        yield "null", None
    elif type(old) is bytes:
        yield from _other_bytes(old)
    elif type(old) is str:
        yield "other text", _other_text(old)
        if old in ROLES:
            yield "another word", ROLES[ROLES.index(old) - 1]
        yield "empty", ""
    elif old is None:
        yield "not null", 1
        yield "not null, bytes", bytes(16)
        yield "not null, a digest", bytes(32)
    elif isinstance(old, list | tuple):
        yield from _other_arrays(list(old))


def _other_bytes(old: bytes) -> Iterator[tuple[str, bytes | None]]:
    if old:
        yield "first bit", flipped(old, 0)
        yield "middle bit", flipped(old, 8 * (len(old) // 2) + 3)
        yield "last bit", flipped(old, 8 * len(old) - 1)
        yield "cut", old[:-1]
        yield "empty", b""
    yield "longer", old + b"\0"
    yield "null", None


def _other_text(old: str) -> str:
    """Another text of the same length, as near to the old one as can be."""
    return old[:-1] + ("b" if old[-1:] != "b" else "c")


def _other_arrays(old: list[Value]) -> Iterator[tuple[str, list[Value]]]:
    if old:
        yield "without its last", old[:-1]
        yield "last one twice", [*old, old[-1]]
    if old[::-1] != old:
        yield "reversed", old[::-1]


def flipped(data: bytes, bit: int) -> bytes:
    """The bytes with one bit turned, counted from the first byte's lowest."""
    turned = bytearray(data)
    turned[bit // 8] ^= 1 << bit % 8
    return bytes(turned)


def random_change(value: Value, rng: random.Random) -> Value:
    """The value with one random change: of bytes the bytes, or what they encode; of an array something in it."""
    if type(value) is bytes:
        start = value.find(b"\n") + 1 if value.startswith(b"watchline ") else 0
        inside = encoded_array(value[start:]) if rng.random() < 0.5 else None
        return _random_bytes(value, rng) if inside is None else value[:start] + encode(random_change(inside, rng))
    path, old = rng.choice([(path, old) for path, old in places(value) if path])
    if type(old) is bytes and old:
        return put(value, path, _random_bytes(old, rng))
    options = list(other_values(old))
    return put(value, path, rng.choice(options)[1]) if options else value


def _random_bytes(old: bytes, rng: random.Random) -> bytes:
    if not old:
        return rng.randbytes(1)
    place = rng.randrange(len(old))
    kind = rng.randrange(5)
    if kind == 0:
        return old[:place] + rng.randbytes(rng.randrange(1, 4)) + old[place:]
    if kind == 1:
        return old[:place] + old[place + rng.randrange(1, 4) :]
    if kind == 2:
        return old[:place] + rng.randbytes(1) + old[place + 1 :]
    return flipped(old, 8 * place + rng.randrange(8))
