"""Pages of a line's entries: joined they are the whole list, whatever the clock did, and no page is longer than was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.desk.desk_pair import DeskPair
from tests.desk.watch_samples import AGREED, ask, say
from tests.journal.sample_records import LINE, NODE_KEY, entry, line_record
from watchline.core.entries import EntryType
from watchline.core.records import EntryRecord, Log, Pair
from watchline.desk.listing import PAGE_ENTRIES_MAX, mark_of, marked, newest_page
from watchline.errors import UsageError
from watchline.journal.sqlite import SqliteJournal, open_journal

LOGS = tuple(Log(LINE, pair, outgoing) for pair in (Pair(1, 1), Pair(1, 2)) for outgoing in (True, False))

Make = Callable[[], SqliteJournal]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes empty journals."""
    made: list[SqliteJournal] = []

    def new() -> SqliteJournal:
        journal = open_journal(tmp_path / f"{len(made)}.db", NODE_KEY, create=True)
        journal.put_line(line_record())
        made.append(journal)
        return journal

    yield new
    for journal in made:
        journal.close()


def stored(journal: SqliteJournal, *said: tuple[int, int]) -> list[EntryRecord]:
    """Store an entry for each (number of a log, time), each with a release nonce of its own."""
    records: list[EntryRecord] = []
    sizes = dict.fromkeys(LOGS, 0)
    for number, (which, time) in enumerate(said):
        log = LOGS[which]
        nonce = number.to_bytes(16, "big")
        records.append(entry(sizes[log], log, type=EntryType.NOTICE, time=time, nonce=nonce))
        sizes[log] += 1
    journal.commit(records)
    return records


def pages(journal: SqliteJournal, limit: int, direction: str = "both") -> list[list[EntryRecord]]:
    """All pages, the oldest first; each is asked for with the mark of the one after it."""
    found: list[list[EntryRecord]] = []
    before: EntryRecord | None = None
    while True:
        page = newest_page(journal, LINE, direction, limit, before)
        found.insert(0, page.entries)
        if not page.has_earlier:
            return found
        before = marked(journal, LINE, mark_of(page.entries[0]))
        assert before == page.entries[0]


@pytest.mark.slow
@given(
    said=st.lists(st.tuples(st.integers(0, len(LOGS) - 1), st.integers(1_000, 1_006)), max_size=24),
    limit=st.integers(1, 9),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_joined_are_every_entry_once_in_one_order_even_where_the_clock_was_set_back(
    make: Make, said: list[tuple[int, int]], limit: int
) -> None:
    journal = make()
    records = stored(journal, *said)
    order = sorted(records, key=lambda each: (each.time, not each.log.outgoing, each.index, each.log.pair))
    found = pages(journal, limit)
    assert [record for page in found for record in page] == order
    assert all(len(page) == limit for page in found[1:])
    assert len(found[0]) <= limit
    incoming = [record for page in pages(journal, limit, "in") for record in page]
    assert incoming == [record for record in order if not record.log.outgoing]


def test_what_was_issued_again_stands_on_the_page_of_its_newest_place_alone(make: Make) -> None:
    journal = make()
    first, second = Log(LINE, Pair(1, 1), True), Log(LINE, Pair(1, 2), True)
    nonce = bytes(16)
    journal.commit(
        [
            entry(0, first, type=EntryType.NOTICE, time=10, nonce=nonce),
            entry(1, first, type=EntryType.NOTICE, time=11, nonce=bytes([1] * 16)),
            entry(0, second, type=EntryType.CONTINUES, time=12, nonce=bytes([2] * 16)),
            entry(1, second, type=EntryType.NOTICE, time=13, nonce=nonce),
        ]
    )
    found = pages(journal, 1)
    assert [(record.log.pair, record.index) for page in found for record in page] == [((1, 1), 1), ((1, 2), 1)]


def test_line_without_entries_has_one_empty_page(make: Make) -> None:
    assert newest_page(make(), LINE, "both", PAGE_ENTRIES_MAX) == ([], False)


@pytest.mark.parametrize(
    "text", ["", "ours:1", "1.1.ours", "1.1.mine.0", "9.9.ours.0", "1.1.ours.99", "1.1.ours.0\n", "1.1.ours.-1"]
)
def test_mark_that_is_none_or_of_nothing_names_no_entry(make: Make, text: str) -> None:
    journal = make()
    stored(journal, (0, 1_000))
    assert marked(journal, LINE, text) is None


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    joined = DeskPair(tmp_path, agreed=AGREED)
    joined.join()
    joined.advance(3)
    yield joined
    joined.close()


def test_desk_says_how_to_ask_for_the_page_before_by_mark_or_by_id(pair: DeskPair) -> None:
    for _ in range(5):
        say(pair.a)
        pair.advance(2)
    last = ask(pair.b, "entries", line="tokyo", direction="in", limit=2)
    assert [each["id"] for each in last["entries"]] == ["theirs:4", "theirs:5"]
    ((earlier),) = last["earlier"]
    assert earlier["line"] == "tokyo"
    for before in (earlier["before"], "theirs:4"):
        page = ask(pair.b, "entries", line="tokyo", direction="in", limit=2, before=before)
        assert [each["id"] for each in page["entries"]] == ["theirs:2", "theirs:3"]
    rest = ask(pair.b, "entries", line="tokyo", direction="in", limit=9, before="theirs:2")
    assert (rest["entries"][-1]["id"], rest["earlier"]) == ("theirs:1", [])


def test_page_before_what_there_is_not_or_on_no_line_is_refused(pair: DeskPair) -> None:
    with pytest.raises(UsageError, match="no entry"):
        ask(pair.b, "entries", line="tokyo", before="1.1.theirs.999")
    with pytest.raises(UsageError, match="one of a line"):
        ask(pair.b, "entries", before="theirs:1")
