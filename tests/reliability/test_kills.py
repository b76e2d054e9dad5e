"""Killed nodes: a short slice holds, and a node that tells of what is not durable is found out."""

from __future__ import annotations

import pytest

from reliability.kills import run
from tests.reliability.planted import serve_hastily

pytestmark = pytest.mark.slow


def test_short_slice_of_kills_loses_nothing() -> None:
    found = run(range(7, 8), kills=6)
    assert found.failures == ()
    assert found.counts["kills"] >= 6
    assert found.counts["entries"] > 0


def test_node_that_acknowledges_before_it_commits_is_found_out() -> None:
    failures = run(range(3, 5), kills=6, serve=serve_hastily).failures
    assert failures
    assert "python -m reliability kills --seeds " in failures[0]
