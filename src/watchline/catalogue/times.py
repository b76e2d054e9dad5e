"""Times as typed, as sent and as shown.

`utc` is whole seconds since 1970. `when` is such a time, or an approximate one, `[first day, last day, words]`: days since
1970-01-01 as both sides' calendars have them, and the words as agreed ("around spring").
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from watchline.errors import UsageError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

SECONDS_MAX = 253_402_300_799  # the end of the year 9999, the last that RFC 3339 can write
DAYS_MAX = SECONDS_MAX // 86_400
_EPOCH_DAY = date(1970, 1, 1)

# RFC 3339, section 5.6; a fraction of a second may only be zero, as the wire has whole seconds.
_RFC3339 = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.0+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_time(text: str) -> int | None:
    """Seconds since 1970 of an RFC 3339 time with an offset; None for anything else, a time without an offset too."""
    match = _RFC3339.fullmatch(text.strip())
    if not match:
        return None
    day, clock, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in 'Zz' else offset}")
        seconds = int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    except ValueError:
        return None
    return seconds if 0 <= seconds <= SECONDS_MAX else None


def format_time(seconds: int) -> str:
    """RFC 3339 in UTC."""
    return _utc(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def show_time(seconds: int, zone: str | None) -> str:
    """UTC first, then the reader's own clock with its offset and the zone's name, if there is one that differs."""
    utc = _utc(seconds)
    shown = utc.strftime("%Y-%m-%d %H:%M:%SZ")
    if zone is None or zone == "UTC":
        return shown
    try:
        local = utc.astimezone(_zone(zone))
    except OverflowError:  # The last hours of the year 9999 have no local time east of Greenwich.
        return shown
    return f"{shown} ({local.isoformat(sep=' ')} {zone})"


def parse_day(text: str) -> int | None:
    """Days since 1970-01-01 of a date written YYYY-MM-DD; None for anything else."""
    if not _DATE.fullmatch(text.strip()):
        return None
    try:
        days = (date.fromisoformat(text.strip()) - _EPOCH_DAY).days
    except ValueError:
        return None
    return days if 0 <= days <= DAYS_MAX else None


def format_day(days: int) -> str:
    """YYYY-MM-DD."""
    return (_EPOCH_DAY + timedelta(days=days)).isoformat()


def _utc(seconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


@lru_cache(maxsize=16)
def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise UsageError(
            f"no time zone is called {name[:80]!r} on this machine", hint="Give a name of the IANA list, such as Asia/Tokyo."
        ) from None
