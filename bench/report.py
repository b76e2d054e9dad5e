"""What a run found: figures with their unit, their ratio to the floor, and the target beside them."""

from __future__ import annotations

import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any


class Skipped(Exception):
    """A part of the run cannot be measured here; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the project wants of a figure. of: "value", or "floors" for the ratio to the floor."""

    limit: float
    of: str = "value"
    at_least: bool = False

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:g}{'x' if self.of == 'floors' else ''}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. floors: how many times the floor's median; None where that means nothing. note: how to read it."""

    name: str
    value: float
    unit: str
    floors: float | None = None
    target: Target | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        found = self.value if self.target.of == "value" else self.floors
        assert found is not None
        return found >= self.target.limit if self.target.at_least else found <= self.target.limit

    def row(self) -> tuple[str, ...]:
        """The figure as a row of the table."""
        floors = "" if self.floors is None else f"{self.floors:.2f}x"
        met = {None: "", True: "met", False: "NOT MET"}[self.met]
        return self.name, _number(self.value), self.unit, floors, str(self.target or ""), met, self.note

    def as_json(self) -> dict[str, Any]:
        """The figure as JSON values."""
        return {**asdict(self), "target": None if self.target is None else str(self.target), "met": self.met}


HEAD = ("what", "found", "unit", "floors", "target", "", "")
WIDTHS = (70, 9, 10, 8, 8, 8, 0)


def table_row(cells: Sequence[str]) -> str:
    """One row of the table that `make bench` prints."""
    name, value, unit, floors, target, met, note = (
        cell.ljust(width) if place in (0, 2, 5) else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    )
    return f"{name}{value} {unit}{floors}  {target}  {met} {note}".rstrip()


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def machine() -> dict[str, Any]:
    """On what, and how busy it was."""
    model = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    return {
        "cores": os.cpu_count(),
        "processor": model[0] if model else platform.machine(),
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "packages": {name: version(name) for name in ("watchline", "cryptography", "pyopenssl", "apsw", "uvloop", "pynacl")},
        "load": os.getloadavg(),
    }


def _number(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
