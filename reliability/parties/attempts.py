"""What one attempt is: something genuine in a wrong place, or changed; the place that it is offered to; and how it must end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from watchline.core.encoding import Value
from watchline.errors import PeerError, WatchlineError

TAKEN = "taken"
CHANGED = "changed"


class Slot(Protocol):
    """A place where foreign bytes are accepted."""

    def offer(self, value: Value) -> str:
        """Offer a value, and say how it ended: `kind rule` for a refusal, which has left everything as it was.

        `TAKEN` at the beginning: it was accepted. `CHANGED`: it was refused, and yet something is not as it was before.
        """
        ...

    def renew(self) -> None:
        """Begin anew after something was accepted."""
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. expected: the outcomes of `Slot.offer` that the protocol has for it.

    origin: the genuine value that was changed into this one, None where it is another's and not a changed one.
    """

    name: str
    slot: Slot
    value: Value
    expected: frozenset[str]
    origin: Value = None


def named(error: WatchlineError) -> str:
    """A refusal by its kind and its rule; errors outside of the protocol have their reason, or a dash, in its place."""
    rule = error.rule if isinstance(error, PeerError) else error.facts.get("reason", "-")
    return f"{error.kind} {rule}"


def of(*outcomes: str) -> frozenset[str]:
    """The outcomes that are expected."""
    return frozenset(outcomes)


@dataclass(frozen=True, slots=True)
class ReaderSlot:
    """A place that is one function: it reads bytes, and raises what it refuses. It keeps nothing, so nothing can change."""

    read: Callable[[Value], object]

    def offer(self, value: Value) -> str:
        try:
            self.read(value)
        except WatchlineError as error:
            return named(error)
        return TAKEN

    def renew(self) -> None:
        pass
