"""What every test shares: the `needs` marker, and the rule that CI skips nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

# How long an example takes depends on the machine, so no example has a deadline; CI draws the same examples each time.
hypothesis.settings.register_profile("watchline", deadline=None, derandomize=os.environ.get("CI") == "true")
hypothesis.settings.load_profile("watchline")


def is_there(thing: str) -> bool:
    """Whether a program is on the PATH, or, for an absolute path, whether it exists."""
    return Path(thing).exists() if thing.startswith("/") else shutil.which(thing) is not None


def pytest_runtest_setup(item: pytest.Item) -> None:
    needed = [str(thing) for marker in item.iter_markers("needs") for thing in marker.args]
    missing = [thing for thing in needed if not is_there(thing)]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: run scripts/system-packages.sh")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skip(report)
    return report


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """With CI=true a skip is a failure: there, everything a test needs is installed. An expected failure is no skip."""
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"a skip is a failure in CI: {reason}"
