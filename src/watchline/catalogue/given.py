"""What was given for a field, before it is a value: the shapes it may have, and how a refusal repeats it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from watchline.catalogue.texts import GIVEN_CHARACTERS_MAX, one_line
from watchline.core.encoding import Value

Json = Any  # what the json module reads and writes
Allowed = str | list[str]  # what a field allows: a description, or every allowed value


class NotAllowed(ValueError):
    """A value is not one of its kind. `allowed` says what is; `at` where in a list the wrong one stands."""

    def __init__(self, allowed: Allowed, at: str = "", given: Json = None) -> None:
        super().__init__(allowed)
        self.allowed = allowed
        self.at = at
        self.given = given


def described(value: Value) -> str:
    """A wrong value as an error may repeat it: one line, 80 characters, nothing a terminal obeys."""
    text = value if isinstance(value, str) else value.hex() if isinstance(value, bytes) else repr(value)
    return one_line(text, GIVEN_CHARACTERS_MAX)


def within(at: str, part: Json, step: Callable[[Json], Value]) -> Value:
    """What `step` makes of a part; a refusal says which part it was."""
    try:
        return step(part)
    except NotAllowed as error:
        raise NotAllowed(error.allowed, at + error.at, part if error.given is None else error.given) from None


def typed(given: Json, allowed: Allowed) -> str:
    """Text without the white space around it; NotAllowed for anything else."""
    if type(given) is not str:
        raise NotAllowed(allowed)
    return given.strip()


def structure(given: Json, allowed: Allowed) -> Json:
    """What JSON text holds; anything that does not begin as a JSON list or object comes back as it is.

    A key that stands twice is refused: which of the two was meant, nobody can tell.
    """
    if not isinstance(given, str) or not given.lstrip().startswith(("[", "{")):
        return given
    try:
        return json.loads(given, object_pairs_hook=_each_key_once)
    except (ValueError, RecursionError):
        raise NotAllowed(allowed) from None


def _each_key_once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def position_text(given: Json, allowed: Allowed) -> str:
    """A position as text, also from JSON with lat and lon; NotAllowed for anything else."""
    given = structure(given, allowed)
    if not isinstance(given, dict):
        return typed(given, allowed)
    if set(given) != {"lat", "lon"} or not all(type(a) in (int, float) and abs(a) <= 360 for a in given.values()):
        raise NotAllowed(f'{allowed}; as JSON, {{"lat": 35.6, "lon": 139.7}}')
    return ",".join(f"{given[key]:.9f}" for key in ("lat", "lon"))  # the unit of the wire is 0.0000017 degree


def integers(value: Value, length: int) -> list[int] | None:
    """So many integers as a list, or None for anything else."""
    if type(value) in (list, tuple) and len(value) == length and all(type(number) is int for number in value):
        return list(value)
    return None
