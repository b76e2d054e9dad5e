"""What a fuzz target is: one parser that meets foreign bytes, with what it may answer and where its inputs come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reliability.fuzz.mutation import Mutate, mutate_cbor
from watchline.errors import PeerError

Check = Callable[[bytes], Callable[[], None] | None]
"""Gives one input to the parser. Returns if it was taken, raises one of the target's `refusals` if it was refused.

Where a world has to be made of the input first, which costs more than what is tried, the check makes it and returns the rest to
be called: only the rest is held against the bound of time.
"""


class Broken(AssertionError):
    """The parser neither crashed nor refused, and yet what it gave breaks a promise."""


@dataclass(frozen=True, slots=True)
class Target:
    """One parser.

    make: builds what it needs, once, and gives the check. genuine: good and nearly good inputs by name, from which the corpus
    is written. mutate: how an input is changed. refusals: the errors that it may raise; every other one is a failure.
    inputs: how many one seed tries: about a second's work.
    """

    name: str
    make: Callable[[], Check]
    genuine: Callable[[], Mapping[str, bytes]]
    mutate: Mutate = mutate_cbor
    refusals: tuple[type[Exception], ...] = (PeerError,)
    inputs: int = 1_000


def need(holds: bool, promise: str) -> None:
    """Raise Broken unless a promise holds."""
    if not holds:
        raise Broken(promise)
