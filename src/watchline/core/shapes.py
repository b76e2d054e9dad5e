"""Checks on decoded values: each returns the value with its type known, or raises `Malformed` naming what was wrong.

`name` is the value's name in docs/protocol.md. The value itself never stands in the message: a peer chose it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from watchline.core.encoding import Value
from watchline.core.limits import ARRAY_MAX, INTEGER_MAX
from watchline.errors import Malformed

T = TypeVar("T")


def integer(value: Value, name: str, *, at_least: int = 0, at_most: int = INTEGER_MAX) -> int:
    """An integer in [at_least, at_most]; true and false are not integers."""
    if type(value) is int and at_least <= value <= at_most:
        return value
    raise _refuse(name, f"an integer from {at_least} to {at_most}")


def octets(value: Value, name: str, *, length: int | None = None, at_most: int | None = None) -> bytes:
    """A byte string, of exactly `length` or of at most `at_most` bytes; None means no such bound."""
    if type(value) is bytes and (length is None or len(value) == length) and (at_most is None or len(value) <= at_most):
        return value
    raise _refuse(name, f"{length} bytes" if length is not None else f"at most {at_most} bytes")


def text(value: Value, name: str, *, at_least: int = 0, at_most: int = 65_536) -> str:
    """Text of `at_least` to `at_most` bytes in UTF-8."""
    if type(value) is str and at_least <= len(value.encode("utf-8")) <= at_most:
        return value
    raise _refuse(name, f"text of {at_least} to {at_most} bytes")


def boolean(value: Value, name: str) -> bool:
    """True or false."""
    if type(value) is bool:
        return value
    raise _refuse(name, "true or false")


def array(value: Value, name: str, *, length: int | None = None, at_most: int = ARRAY_MAX) -> list[Value]:
    """An array of exactly `length` elements, or of at most `at_most`."""
    if type(value) is list and len(value) <= at_most and (length is None or len(value) == length):
        return value
    raise _refuse(name, f"an array of {length}" if length is not None else f"an array of at most {at_most}")


def mapping(value: Value, name: str) -> dict[int | str, Value]:
    """A map with integer or text keys."""
    if type(value) is dict:
        return value
    raise _refuse(name, "a map")


def optional(check: Callable[[Value], T], value: Value) -> T | None:
    """None for null, else what `check` makes of the value."""
    return None if value is None else check(value)


def _refuse(name: str, wanted: str) -> Malformed:
    return Malformed(f"{name} must be {wanted}", rule=39, field=name)
