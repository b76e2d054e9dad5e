"""Times as people give them to `report`, `export` and `audit`."""

from __future__ import annotations

from datetime import UTC, datetime

from watchline.errors import UsageError


def seconds_of(text: str, option: str) -> int:
    """A date (its first second, UTC) or a time of RFC 3339, in seconds since 1970. Raises UsageError for others."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} must be a date or a time, not {text[:80]!r}", hint="such as 2023-04-01 or 2023-04-01T09:00:00+09:00"
        ) from None
    if time.tzinfo is None:
        if len(text) > len("2023-04-01"):
            raise UsageError(f"{option}: a time needs its zone", hint=f"{text[:40]}Z, if it is UTC")
        time = time.replace(tzinfo=UTC)
    return int(time.timestamp())
