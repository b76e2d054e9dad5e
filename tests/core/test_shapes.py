"""Checks on decoded values: each gives the value back or says what was wanted, and never repeats what a peer sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from watchline.core import shapes
from watchline.core.encoding import Value
from watchline.core.limits import ARRAY_MAX, INTEGER_MAX
from watchline.errors import Malformed

Check = Callable[[Value], Any]

INTEGER: Check = lambda value: shapes.integer(value, "size")  # noqa: E731 - a table of checks reads better
SMALL: Check = lambda value: shapes.integer(value, "kind", at_least=2, at_most=5)  # noqa: E731
HASH: Check = lambda value: shapes.octets(value, "root", length=32)  # noqa: E731
BLOB: Check = lambda value: shapes.octets(value, "body", at_most=3)  # noqa: E731
TEXT: Check = lambda value: shapes.text(value, "name", at_least=1, at_most=3)  # noqa: E731
ANY_TEXT: Check = lambda value: shapes.text(value, "outcome")  # noqa: E731
FLAG: Check = lambda value: shapes.boolean(value, "done")  # noqa: E731
PAIR: Check = lambda value: shapes.array(value, "pair", length=2)  # noqa: E731
FEW: Check = lambda value: shapes.array(value, "few", at_most=2)  # noqa: E731
ANY: Check = lambda value: shapes.array(value, "any")  # noqa: E731
MAP: Check = lambda value: shapes.mapping(value, "map")  # noqa: E731


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (INTEGER, 0), (INTEGER, INTEGER_MAX), (SMALL, 2), (SMALL, 5), (HASH, bytes(32)), (BLOB, b""), (BLOB, b"abc"),
        (TEXT, "a"), (TEXT, "abc"), (TEXT, "水"), (ANY_TEXT, ""), (ANY_TEXT, "a" * 65_536),
        (FLAG, True), (FLAG, False), (PAIR, [1, 2]), (FEW, []), (FEW, [1, 2]),
        (ANY, [0] * ARRAY_MAX), (MAP, {}), (MAP, {1: 2}),
    ],
)  # fmt: skip
def test_allowed_value_is_given_back(check: Check, value: Value) -> None:
    assert check(value) is value


@pytest.mark.parametrize(
    ("check", "value", "name", "wanted"),
    [
        (INTEGER, -1, "size", f"an integer from 0 to {INTEGER_MAX}"),
        (INTEGER, INTEGER_MAX + 1, "size", f"an integer from 0 to {INTEGER_MAX}"),
        (INTEGER, True, "size", f"an integer from 0 to {INTEGER_MAX}"),
        (INTEGER, None, "size", f"an integer from 0 to {INTEGER_MAX}"),
        (INTEGER, "7777", "size", f"an integer from 0 to {INTEGER_MAX}"),
        (SMALL, 1, "kind", "an integer from 2 to 5"),
        (SMALL, 6, "kind", "an integer from 2 to 5"),
        (HASH, bytes(31), "root", "32 bytes"),
        (HASH, bytes(33), "root", "32 bytes"),
        (HASH, "secret", "root", "32 bytes"),
        (BLOB, b"secret", "body", "at most 3 bytes"),
        (BLOB, None, "body", "at most 3 bytes"),
        (TEXT, "", "name", "text of 1 to 3 bytes"),
        (TEXT, "secret", "name", "text of 1 to 3 bytes"),
        (TEXT, "水水", "name", "text of 1 to 3 bytes"),
        (TEXT, b"a", "name", "text of 1 to 3 bytes"),
        (ANY_TEXT, "a" * 65_537, "outcome", "text of 0 to 65536 bytes"),
        (FLAG, 1, "done", "true or false"),
        (FLAG, None, "done", "true or false"),
        (PAIR, ["secret"], "pair", "an array of 2"),
        (PAIR, [1, 2, "secret"], "pair", "an array of 2"),
        (PAIR, {1: 2, 3: 4}, "pair", "an array of 2"),
        (FEW, [1, 2, 3], "few", "an array of at most 2"),
        (FEW, "ab", "few", "an array of at most 2"),
        (ANY, [0] * (ARRAY_MAX + 1), "any", f"an array of at most {ARRAY_MAX}"),
        (MAP, [], "map", "a map"),
        (MAP, None, "map", "a map"),
    ],
)
def test_other_value_is_refused_by_name_and_never_repeated(check: Check, value: Value, name: str, wanted: str) -> None:
    with pytest.raises(Malformed) as caught:
        check(value)
    assert caught.value.message == f"{name} must be {wanted}"
    assert caught.value.facts == {"field": name, "rule": 39}


def test_optional_takes_null_and_else_checks() -> None:
    assert shapes.optional(INTEGER, None) is None
    assert shapes.optional(INTEGER, 0) == 0
    with pytest.raises(Malformed, match="size must be"):
        shapes.optional(INTEGER, "")
