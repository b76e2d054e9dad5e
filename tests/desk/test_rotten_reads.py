"""A journal that rots while its desk runs: whoever reads it first, the desk ends as at a start with such a journal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.desk.desk_pair import DeskEnd, DeskPair
from tests.desk.watch_samples import AGREED, acknowledge, say
from tests.endtoend.homes import paired
from watchline.desk.node import Node, serve
from watchline.errors import JournalError


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    joined = DeskPair(tmp_path, agreed=AGREED)
    joined.join()
    joined.advance(3)
    yield joined
    joined.close()


def rot(end: DeskEnd) -> list[JournalError]:
    """Let all bodies of a journal rot; give what its desk ends with."""
    failed: list[JournalError] = []
    end.desk.on_failure = failed.append
    end.journal._disk.cursor.execute("UPDATE bodies SET secret = zeroblob(length(secret))")
    return failed


@pytest.mark.slow
def test_read_for_a_step_that_is_due_ends_the_desk_once_with_what_is_damaged(pair: DeskPair) -> None:
    say(pair.a)
    pair.advance(60)
    failed = rot(pair.b)
    pair.advance(200)
    assert [error.facts["reason"] for error in failed] == ["damaged"]
    assert pair.b.desk.failed is failed[0]
    assert pair.b.desk.failed.exit_code == 4


def test_read_for_an_entry_that_arrived_ends_the_desk_before_it_speaks_of_it(pair: DeskPair) -> None:
    notice = say(pair.a)
    pair.advance(5)
    failed = rot(pair.a)
    acknowledge(pair.b, "Beijing", notice.index)
    pair.advance(5)
    assert [error.facts["reason"] for error in failed] == ["damaged"]


def test_read_in_any_callback_of_the_event_loop_ends_the_node_as_a_rotten_start_does(tmp_path: Path) -> None:
    tokyo, _ = paired(tmp_path)

    @asynccontextmanager
    async def rotting(node: Node) -> AsyncIterator[None]:
        loop, journal = asyncio.get_running_loop(), node.desk.journal
        (opened,) = node.desk.lines.values()
        node.desk.flush()
        assert journal.entry(opened.line.setup.outgoing_log, 0) is not None
        journal._disk.cursor.execute("UPDATE bodies SET secret = zeroblob(length(secret))")  # type: ignore[attr-defined]
        loop.call_soon(journal.entry, opened.line.setup.outgoing_log, 0)
        loop.call_later(20.0, node.stopping.set)  # else a node that goes on would never end
        yield

    with pytest.raises(JournalError) as ended:
        serve(tokyo.home, companions=[rotting])
    assert (ended.value.facts["reason"], ended.value.exit_code) == ("damaged", 4)
