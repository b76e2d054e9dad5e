"""The report as one page: print-ready, no script, nothing loaded from anywhere; pictures are SVG within it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

PAGES = Path(__file__).parent / "pages"
DAY_WIDTH, DAYS_WIDTH_MAX, DAYS_HEIGHT = 22.0, 660.0, 90.0
SPREAD_WIDTH = 420.0
SPREAD_SECONDS_MAX = 7 * 86_400  # where the picture of durations ends; its scale is logarithmic
RUNGS_SHOWN = ("received", "rung", "acknowledged", "answered")


class DayBar(NamedTuple):
    """One day of the timeline: where it stands, and how high what was kept is beside what was due."""

    day: str
    x: float
    width: float
    due: float
    kept: float
    tests_due: int
    tests_kept: int
    overdue: int


class SpreadBar(NamedTuple):
    """One rung of one precedence: from the median to the 95th percentile."""

    desk: str
    precedence: str
    rung: str
    number: int
    median: float
    percentile_95: float
    start: float
    width: float


def render(report: dict[str, Any], language: str) -> str:
    """The page in this language, or in English where there are no words of it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    words = json.loads((PAGES / "report.json").read_text(encoding="utf-8"))
    chosen = language if language in words["title"] else "en"
    environment = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("report.html").render(
        report=report,
        language=chosen,
        words={key: texts[chosen] for key, texts in words.items()},
        days=day_bars(report["days"]),
        days_height=DAYS_HEIGHT,
        spreads=spread_bars(report),
        spread_width=SPREAD_WIDTH,
        ticks=[(label, at_seconds(seconds)) for label, seconds in (("1 s", 1), ("1 min", 60), ("1 h", 3_600), ("1 d", 86_400))],
    )


def day_bars(days: list[dict[str, Any]]) -> list[DayBar]:
    """The bars of the timeline, as high as the day with the most tests."""
    most = max((day["tests_due"] for day in days), default=0) or 1
    width = min(DAY_WIDTH, DAYS_WIDTH_MAX / max(len(days), 1))
    return [
        DayBar(
            day["day"],
            round(place * width, 2),
            round(width * 0.8, 2),
            round(DAYS_HEIGHT * day["tests_due"] / most, 2),
            round(DAYS_HEIGHT * min(day["tests_kept"], day["tests_due"]) / most, 2),
            day["tests_due"],
            day["tests_kept"],
            day["overdue"],
        )
        for place, day in enumerate(days)
    ]


def spread_bars(report: dict[str, Any]) -> list[SpreadBar]:
    """How long each rung took, for every desk and precedence that sent notices."""
    bars = []
    for side, desk in report["desks"].items():
        for precedence, figures in report["notices"][side].items():
            for rung in RUNGS_SHOWN:
                spread = figures["rungs"].get(rung)
                if spread is not None:
                    start, end = at_seconds(spread["median"]), at_seconds(spread["percentile_95"])
                    bars.append(
                        SpreadBar(
                            desk,
                            precedence,
                            rung,
                            spread["number"],
                            spread["median"],
                            spread["percentile_95"],
                            start,
                            round(max(end - start, 3.0), 2),
                        )
                    )
    return bars


def at_seconds(seconds: float) -> float:
    """Where a duration stands in the picture."""
    bounded = min(max(seconds, 0.0), SPREAD_SECONDS_MAX)
    return round(SPREAD_WIDTH * math.log1p(bounded) / math.log1p(SPREAD_SECONDS_MAX), 2)
