"""Parsers as they are behind a signature that holds.

No mutation keeps a signature, so without this a fuzzer would see little of what stands behind one. Within `unchecked` every
signature of an identity or a statement key holds; everything else is as it is. What was taken so must be refused again by the
same code outside of it, unless it is genuine: see `reliability.fuzz.target.need`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from watchline.core.keys import Identity, StatementPublic


def _holds(*_: object) -> None:
    """Any signature."""


_KEPT = [(kind, kind.verify) for kind in (Identity, StatementPublic)]


@contextmanager
def unchecked() -> Iterator[None]:
    """Let every hybrid signature hold."""
    for kind, _ in _KEPT:
        kind.verify = _holds  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        for kind, verify in _KEPT:
            kind.verify = verify  # type: ignore[method-assign]
