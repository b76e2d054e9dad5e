"""The clocks and the randomness of a running node; everything below takes them as values."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

from watchline.core.setting import Moment

Clock = Callable[[], Moment]


def system_moment() -> Moment:
    """Now, by this machine: a clock that goes on while the machine sleeps, so that a slept hour counts as an hour."""
    return Moment(int(time.time()), time.clock_gettime(time.CLOCK_BOOTTIME), os.urandom)


def rfc3339(seconds: int) -> str:
    """Seconds since 1970 as RFC 3339 in UTC, to the second; times out of the calendar's range are given as its ends."""
    bounded = min(max(seconds, 0), 253_402_300_799)
    return datetime.fromtimestamp(bounded, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
