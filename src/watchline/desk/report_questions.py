"""The question for a line's statistics: see `desk.report`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchline.desk.figures import Span
from watchline.desk.report import make_report
from watchline.errors import UsageError

if TYPE_CHECKING:
    from watchline.desk.api import Api, Method

PERIOD_SECONDS_MAX = 366 * 24 * 3600


def methods(api: Api) -> dict[str, Method]:
    """What an `Api` answers about statistics."""

    async def report(line: str, start: int, end: int) -> dict[str, Any]:
        """start, end: of the period, in seconds since 1970."""
        if not 0 <= start < end or end - start > PERIOD_SECONDS_MAX:
            raise UsageError(
                "a report is of a period of one second to a year", hint="give --from and --to", start=start, end=end
            )
        api.desk.flush()
        return make_report(api.view(line), Span(start, end))

    return {"report": report}
