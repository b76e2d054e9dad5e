"""Which head and path are kept above a part of a lost log: what a restart reads back of them, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.line_pair import LINE, START
from watchline.core.encoding import Value, decode, encode
from watchline.core.limits import PROOF_HASHES_MAX
from watchline.core.merkle import Edge, consistency_path, leaf_hash, root_of, verify_consistency
from watchline.core.part_heads import STATE_PART, Given, PartHeads
from watchline.core.records import CheckpointRecord, EntryRecord, Log, Pair, StateRecord
from watchline.errors import Malformed
from watchline.journal import LineRecord
from watchline.journal.sqlite import SqliteJournal, open_journal

LEAVES = [b"leaf %d" % index for index in range(7)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
OURS, THEIRS = Log(LINE, Pair(1, 2), True), Log(LINE, Pair(2, 1), False)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    made = open_journal(tmp_path / "journal.db", bytes(32), create=True)
    made.put_line(LineRecord(LINE, "line", START, True, b""))
    yield made
    made.close()


def subtree(start: int, end: int) -> bytes:
    return root_of(HASHES[start:end])


def head(log: Log, size: int) -> CheckpointRecord:
    return CheckpointRecord(log, size, root_of(HASHES[:size]), bytes([size]) * 64)


def edge(size: int) -> Edge:
    reached = Edge.EMPTY
    for each in HASHES[:size]:
        reached = reached.append(each)
    return reached


def path(size: int, head_size: int) -> tuple[bytes, ...]:
    return tuple(consistency_path(size, head_size, subtree))


def give_back(journal: SqliteJournal, log: Log, size: int) -> None:
    """So many entries of a log come back."""
    held = journal.size(log)
    leaves = enumerate(LEAVES[held:size], start=held)
    journal.commit([EntryRecord(log, index, 1, leaf, b"", bytes(32), None, 0, START) for index, leaf in leaves])


def keep_part(journal: SqliteJournal, log: Log, size: int, head_size: int) -> None:
    """So many entries come back under a larger head, and both are committed."""
    give_back(journal, log, size)
    state = PartHeads(LINE, journal).take(edge(size), head(log, head_size), path(size, head_size))
    journal.commit([state])


def rows(journal: SqliteJournal) -> Value:
    """What is kept at rest."""
    blob = journal.state(LINE, STATE_PART)
    return None if blob is None else decode(blob)


# --- kept and read back


def test_heads_above_parts_of_two_logs_are_read_back_after_a_restart(journal: SqliteJournal) -> None:
    keep_part(journal, OURS, 3, 7)
    keep_part(journal, THEIRS, 5, 6)
    heads = PartHeads(LINE, journal)
    assert heads.held(OURS) == Given(3, head(OURS, 7), path(3, 7))
    assert heads.held(THEIRS) == Given(5, head(THEIRS, 6), path(5, 6))


def test_head_above_a_part_is_held_at_once_when_the_part_is_there(journal: SqliteJournal) -> None:
    give_back(journal, OURS, 3)
    heads = PartHeads(LINE, journal)
    heads.take(edge(3), head(OURS, 7), list(path(3, 7)))
    assert heads.held(OURS) == Given(3, head(OURS, 7), path(3, 7))
    assert heads.held(OURS._replace(outgoing=False)) is None


def test_state_names_the_log_the_size_and_the_head_of_each_part_in_order(journal: SqliteJournal) -> None:
    for log in (THEIRS, OURS):
        keep_part(journal, log, 1, 2)
    assert rows(journal) == [
        [1, 2, True, 1, [2, root_of(HASHES[:2]), bytes([2]) * 64], [HASHES[1]]],
        [2, 1, False, 1, [2, root_of(HASHES[:2]), bytes([2]) * 64], [HASHES[1]]],
    ]


def test_next_piece_of_a_log_replaces_the_head_above_the_one_before(journal: SqliteJournal) -> None:
    for size in (2, 4):
        keep_part(journal, OURS, size, 7)
    assert PartHeads(LINE, journal).held(OURS) == Given(4, head(OURS, 7), path(4, 7))


def test_log_that_is_whole_up_to_its_head_forgets_its_row_and_needs_only_the_head(journal: SqliteJournal) -> None:
    for log in (OURS, THEIRS):
        keep_part(journal, log, 3, 7)
    give_back(journal, OURS, 7)
    heads = PartHeads(LINE, journal)
    whole = heads.take(edge(7), head(OURS, 7), ())
    assert whole == head(OURS, 7)
    journal.commit([whole])
    assert heads.held(OURS) == Given(7, head(OURS, 7))
    state = heads.take(edge(3), head(THEIRS, 6), path(3, 6))
    assert isinstance(state, StateRecord)
    assert decode(state.blob) == [[2, 1, False, 3, [6, root_of(HASHES[:6]), bytes([6]) * 64], list(path(3, 6))]]


def test_log_that_came_whole_at_once_needs_only_its_head(journal: SqliteJournal) -> None:
    give_back(journal, OURS, 2)
    assert PartHeads(LINE, journal).take(edge(2), head(OURS, 2), ()) == head(OURS, 2)


# --- which one is used


def test_row_of_another_size_than_the_log_has_is_not_used(journal: SqliteJournal) -> None:
    keep_part(journal, OURS, 3, 7)
    give_back(journal, OURS, 4)
    assert PartHeads(LINE, journal).held(OURS) is None
    journal.commit([head(OURS, 2)])
    assert PartHeads(LINE, journal).held(OURS) == Given(2, head(OURS, 2))


def test_row_is_used_before_a_smaller_head_that_is_held_whole(journal: SqliteJournal) -> None:
    journal.commit([head(OURS, 2)])
    keep_part(journal, OURS, 3, 7)
    assert PartHeads(LINE, journal).held(OURS) == Given(3, head(OURS, 7), path(3, 7))


@pytest.mark.parametrize(("head_size", "shown"), [(4, 4), (5, 5), (6, None)])
def test_without_a_row_the_latest_head_counts_if_all_below_it_is_here(
    journal: SqliteJournal, head_size: int, shown: int | None
) -> None:
    give_back(journal, OURS, 5)
    assert PartHeads(LINE, journal).held(OURS) is None
    journal.commit([head(OURS, head_size)])
    assert PartHeads(LINE, journal).held(OURS) == (None if shown is None else Given(shown, head(OURS, shown)))


@pytest.mark.parametrize("size", [4, 7])
def test_path_from_each_place_of_what_is_held_leads_to_the_head(size: int) -> None:
    given = Given(size, head(OURS, 7), path(size, 7))

    def held(start: int, end: int) -> bytes:
        assert end <= size
        return subtree(start, end)

    for end in range(1, size + 1):
        verify_consistency(end, root_of(HASHES[:end]), 7, given.head.root, given.path_from(end, held))


# --- what is refused


def _with(place: int, value: Value) -> Callable[[list[Value]], Value]:
    return lambda row: [*row[:place], value, *row[place + 1 :]]


def _with_head(place: int, value: Value) -> Callable[[list[Value]], Value]:
    def changed(row: list[Value]) -> Value:
        assert isinstance(row[4], list)
        return _with(4, _with(place, value)(row[4]))(row)

    return changed


DAMAGED: dict[str, Callable[[list[Value]], Value]] = {
    "no array": lambda _: b"row",
    "a part too few": lambda row: row[:-1],
    "a part too many": lambda row: [*row, 0],
    "our incarnation below 1": _with(0, 0),
    "the peer's incarnation below 1": _with(1, 0),
    "no side": _with(2, 1),
    "a size that is none": _with(3, None),
    "a size above its head": _with(3, 8),
    "no head": _with(4, None),
    "a head of two parts": _with(4, [7, bytes(32)]),
    "a head of four parts": _with(4, [7, bytes(32), bytes(64), 0]),
    "a head without a size": _with_head(0, None),
    "a root of 33 bytes": _with_head(1, bytes(33)),
    "a signature of 63 bytes": _with_head(2, bytes(63)),
    "no path": _with(5, None),
    "a path of 64 hashes": _with(5, [bytes(32)] * (PROOF_HASHES_MAX + 1)),
    "a hash of 31 bytes": _with(5, [bytes(31)]),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_state_with_a_damaged_row_is_refused(journal: SqliteJournal, name: str) -> None:
    keep_part(journal, OURS, 3, 7)
    read = rows(journal)
    assert isinstance(read, list)
    assert isinstance(read[0], list)
    journal.commit([StateRecord(LINE, STATE_PART, encode([DAMAGED[name](read[0])]))])
    with pytest.raises(Malformed) as refused:
        PartHeads(LINE, journal)
    assert refused.value.rule == 39


def test_state_that_is_no_array_of_rows_is_refused(journal: SqliteJournal) -> None:
    journal.commit([StateRecord(LINE, STATE_PART, encode(7))])
    with pytest.raises(Malformed):
        PartHeads(LINE, journal)


def test_row_with_the_largest_size_and_the_longest_path_is_read(journal: SqliteJournal) -> None:
    give_back(journal, OURS, 7)
    above = CheckpointRecord(OURS, 7, root_of(HASHES), bytes(64))
    longest = [bytes([step]) * 32 for step in range(PROOF_HASHES_MAX)]
    row: Value = [1, 2, True, 7, [7, above.root, above.signature], longest]
    journal.commit([StateRecord(LINE, STATE_PART, encode([row]))])
    assert PartHeads(LINE, journal).held(OURS) == Given(7, above, tuple(longest))
