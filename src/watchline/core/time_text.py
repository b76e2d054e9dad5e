"""Times in what is written to be read for decades: one form, whoever writes."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=1_024)
def time_text(seconds: int) -> str:
    """A time as RFC 3339 in UTC; beyond the year 9999 as plain seconds."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} seconds after 1970"
