"""When a route tries again to reach its peer: jittered, longer after each failure, and at once when someone needs the line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait between attempts: a random time, each time from a range twice as long ("full jitter").

    first_seconds: the range after the first failure. most_seconds: the longest range. settled_seconds: a link that lived this
    long sets the range back to the first.
    """

    first_seconds: float = 0.5
    most_seconds: float = 60.0
    settled_seconds: float = 30.0

    def range_seconds(self, failures: int) -> float:
        """The upper end of the range before the next attempt; `failures` counts from 1."""
        return min(self.most_seconds, self.first_seconds * 2.0 ** min(failures - 1, 64))


class Retries:
    """The pauses between one side's attempts. uniform: draws from a range, as `random.uniform`."""

    def __init__(self, backoff: Backoff, uniform: Callable[[float, float], float]) -> None:
        self._backoff = backoff
        self._uniform = uniform
        self._failures = 0
        self._hurried = asyncio.Event()

    def hurry(self) -> None:
        """Skip the present pause, or the next one, and start again from the shortest: someone needs the line now."""
        self._hurried.set()

    async def pause(self, lived_seconds: float | None) -> None:
        """Wait until it is time for the next attempt. lived_seconds: of the link of the last one; None if there was none."""
        if lived_seconds is not None and lived_seconds >= self._backoff.settled_seconds:
            self._failures = 0
        self._failures += 1
        try:
            async with asyncio.timeout(self._uniform(0.0, self._backoff.range_seconds(self._failures))):
                await self._hurried.wait()
        except TimeoutError:
            return
        self._hurried.clear()
        self._failures = 0
