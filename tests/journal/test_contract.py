"""What every journal promises, run on each implementation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.journal.sample_records import (
    LINE,
    NODE_KEY,
    OTHER_LINE,
    OURS,
    PAIR,
    THEIRS,
    checkpoint,
    entry,
    leaf,
    line_record,
    root,
    statement,
    turn,
)
from watchline.core.merkle import inclusion_path, leaf_hash, root_of, verify_inclusion
from watchline.core.records import (
    AlarmRecord,
    AttemptRecord,
    CertificateRecord,
    CheckpointRecord,
    CosignatureRecord,
    EntryRecord,
    Log,
    NonceRecord,
    Pair,
    PrekeyRecord,
    ReceiptRecord,
    Record,
    ReleaseRecord,
    StateRecord,
)
from watchline.errors import JournalError, UsageError
from watchline.journal import Journal
from watchline.journal.sqlite import open_journal

Reopen = Callable[[Journal], Journal]


def sqlite(folder: Path) -> tuple[Journal, Reopen]:
    def reopen(journal: Journal) -> Journal:
        journal.close()
        return open_journal(folder / "journal", NODE_KEY, False, wal_bytes=65_536)

    return open_journal(folder / "journal", NODE_KEY, True, wal_bytes=65_536), reopen


IMPLEMENTATIONS = [sqlite]


class Store:
    """A journal under test, with one line in it."""

    def __init__(self, journal: Journal, reopen: Reopen) -> None:
        self.journal = journal
        self._reopen = reopen
        journal.put_line(line_record())

    def again(self) -> Journal:
        """The same journal after a restart."""
        self.journal = self._reopen(self.journal)
        return self.journal

    def both(self) -> Iterator[Journal]:
        """The journal as it is, then after a restart."""
        yield self.journal
        yield self.again()


@pytest.fixture(params=IMPLEMENTATIONS, ids=lambda implementation: implementation.__name__)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store = Store(*request.param(tmp_path))
    yield store
    store.journal.close()


@pytest.fixture
def journal(store: Store) -> Journal:
    return store.journal


FULL_ENTRY = entry(0, re=7, number=3, nonce=b"n" * 16, once="key", released=True)

# Entries.


def test_entry_that_is_found_to_be_released_is_so_from_then_on_and_no_other_is(journal: Journal) -> None:
    kept = [entry(0, THEIRS), entry(1, THEIRS), entry(0)]
    journal.commit(kept)
    journal.commit([ReleaseRecord(THEIRS, 1)])
    found = [journal.entry(each.log, each.index) for each in kept]
    assert [each is not None and each.released for each in found] == [False, True, False]


@pytest.mark.parametrize("record", [FULL_ENTRY, entry(0), entry(0, THEIRS), entry(0, body=b""), entry(0, body=bytes(65_536))])
def test_entry_is_given_back_as_it_was_stored(store: Store, record: EntryRecord) -> None:
    store.journal.commit([record])
    for journal in store.both():
        assert journal.entry(record.log, 0) == record
        assert journal.size(record.log) == 1
        assert list(journal.leaves(record.log, 0, 1)) == [(record.leaf, record.type, record.re)]


@pytest.mark.parametrize("index", [0, 2, 3, 1 << 40])
def test_entry_that_is_not_at_the_end_of_its_log_is_a_bug_and_nothing_is_stored(store: Store, index: int) -> None:
    store.journal.commit(turn(0))
    with pytest.raises(RuntimeError):
        store.journal.commit([StateRecord(LINE, "chain", b"lost"), entry(0, THEIRS), entry(index), entry(index + 1)])
    for journal in store.both():
        assert (journal.size(OURS), journal.size(THEIRS)) == (1, 0)
        assert journal.state(LINE, "chain") == b"chain key 1"
    store.journal.commit(turn(1))
    assert store.journal.size(OURS) == 2


def test_record_of_an_unknown_line_is_a_bug_and_nothing_is_stored(journal: Journal) -> None:
    stray: list[Record] = [entry(0, OURS._replace(line=OTHER_LINE)), StateRecord(OTHER_LINE, "a", b"")]
    for record in stray:
        with pytest.raises(RuntimeError):
            journal.commit([entry(0), record])
        assert journal.size(OURS) == 0


def test_records_from_an_iterator_that_fails_are_not_stored(journal: Journal) -> None:
    def broken() -> Iterator[Record]:
        yield entry(0)
        raise ValueError("the caller's own")

    with pytest.raises(ValueError, match="own"):
        journal.commit(broken())
    assert journal.size(OURS) == 0
    journal.commit(turn(0))


def test_logs_are_kept_apart(journal: Journal) -> None:
    journal.put_line(line_record(OTHER_LINE, "south"))
    logs = [OURS, THEIRS, OURS._replace(pair=Pair(1, 2)), OURS._replace(line=OTHER_LINE)]
    for number, log in enumerate(logs):
        journal.commit(entry(index, log, body=b"of log %d" % number) for index in range(number + 1))
    for number, log in enumerate(logs):
        assert [record.body for record in journal.entries(log, 0, 10)] == [b"of log %d" % number] * (number + 1)
        assert journal.verify(log) == number + 1
    assert journal.logs(LINE) == logs[:3]
    assert journal.logs(OTHER_LINE) == logs[3:]


def test_what_is_not_there_is_none_or_empty(journal: Journal) -> None:
    for log in (OURS, Log(OTHER_LINE, PAIR, True)):
        assert journal.size(log) == journal.verify(log) == 0
        assert journal.root_at(log, 0) == root(0)
        assert not list(journal.entries(log, 0, 9))
        assert not list(journal.leaves(log, 0, 9))
        assert not journal.referring(log, 0)
        for found in (
            journal.entry(log, 0),
            journal.checkpoint_at(log, 1),
            journal.latest_checkpoint(log),
            journal.first_checkpoint_covering(log, 0),
            journal.latest_receipt(log),
            journal.first_receipt_covering(log, 0),
            journal.first_full_status_covering(log, 1),
        ):
            assert found is None
    for line in (LINE, OTHER_LINE):
        check_nothing_of(journal, line)
        assert not list(journal.statements(line, True, 3, PAIR))


def check_nothing_of(journal: Journal, line: bytes) -> None:
    """Nothing is known that sample records would have left."""
    assert not journal.logs(line)
    assert not journal.alarms(line)
    assert not journal.attempts(line, 0)
    assert not journal.certificates(line, ours=True)
    assert not journal.states(line)
    assert not journal.prekeys(line, PAIR, ours=True)
    assert journal.by_nonce(line, b"n" * 16, True) is None
    for found in (
        journal.state(line, "chain"),
        journal.statement(line, True, 3),
        journal.statement(line, False, 3),
        journal.first_attempt(line, PAIR, 0),
        journal.by_once(line, "key"),
        journal.by_number(line, True, 1),
    ):
        assert found is None


@given(start=st.integers(0, 220), stop=st.integers(0, 220))
@settings(max_examples=40)
def test_any_range_of_a_log_is_given_in_order(range_store: Store, start: int, stop: int) -> None:
    journal = range_store.journal
    wanted = list(range(start, min(stop, 200)))
    assert [record.index for record in journal.entries(OURS, start, stop)] == wanted
    assert [found for found, _, _ in journal.leaves(OURS, start, stop)] == [leaf(index) for index in wanted]


@pytest.fixture(scope="module", params=IMPLEMENTATIONS, ids=lambda implementation: implementation.__name__)
def range_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(*request.param(tmp_path_factory.mktemp("range")))
    store.journal.commit(entry(index) for index in range(200))
    yield store
    store.journal.close()


def test_reading_goes_on_while_more_is_committed(journal: Journal) -> None:
    journal.commit(entry(index) for index in range(100))
    reading = journal.entries(OURS, 0, 200)
    assert next(reading).index == 0
    journal.commit(entry(index) for index in range(100, 200))
    journal.compact()
    assert [record.index for record in reading][-1] == 99


# The tree.


@pytest.mark.slow
def test_roots_and_subtrees_are_those_of_the_leaves(store: Store) -> None:
    """Sizes on both sides of a block of 256 and of 256 blocks, appended in commits of all lengths."""
    sizes = [1, 2, 255, 256, 257, 511, 512, 1000, 65_535, 65_536, 65_537, 66_000]
    hashes = [leaf_hash(b"leaf %d" % index) for index in range(sizes[-1])]
    done = 0
    for size in sizes:
        store.journal.commit(entry(index, body=b"", sealed=None) for index in range(done, size))
        done = size
    for journal in store.both():
        for size in sizes:
            assert journal.root_at(OURS, size) == root_of(hashes[:size])
        for start, stop in [(0, 1), (255, 256), (256, 512), (512, 640), (0, 65_536), (32_768, 65_536), (65_536, 65_792)]:
            assert journal.subtree(OURS, start, stop) == root_of(hashes[start:stop])
        assert journal.verify(OURS) == sizes[-1]
    path = inclusion_path(40_000, sizes[-1], lambda start, stop: store.journal.subtree(OURS, start, stop))
    verify_inclusion(hashes[40_000], 40_000, sizes[-1], path, root_of(hashes))


@pytest.mark.slow
@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 3), (1, 3), (2, 6), (4, 8), (-1, 0), (3, 2)])
def test_subtree_that_is_not_perfect_or_not_stored_is_a_bug(journal: Journal, start: int, stop: int) -> None:
    journal.commit(entry(index) for index in range(7))
    with pytest.raises(RuntimeError):
        journal.subtree(OURS, start, stop)


def test_root_of_more_than_is_stored_is_a_bug(journal: Journal) -> None:
    journal.commit([entry(0)])
    with pytest.raises(RuntimeError):
        journal.root_at(OURS, 2)


def test_entries_that_refer_to_another_are_found_in_their_own_log(store: Store) -> None:
    store.journal.commit([entry(0), entry(1, re=0), entry(2, re=5), entry(3, re=0), entry(0, THEIRS, re=0)])
    for journal in store.both():
        assert journal.referring(OURS, 0) == [1, 3]
        assert journal.referring(THEIRS, 0) == [0]
        assert journal.referring(OURS, 1) == []


# Checkpoints, receipts, statements.


def receipt(size: int, time: int = 5) -> ReceiptRecord:
    return ReceiptRecord(OURS, size, root(size), time, b"r" * 64)


def test_checkpoints_and_receipts_are_found_by_what_they_cover(store: Store) -> None:
    store.journal.commit([entry(index) for index in range(5)])
    store.journal.commit([checkpoint(0), checkpoint(2), checkpoint(5), checkpoint(9, THEIRS), receipt(2), receipt(5)])
    for journal in store.both():
        assert journal.latest_checkpoint(OURS) == checkpoint(5)
        assert journal.checkpoint_at(OURS, 2) == checkpoint(2)
        assert journal.checkpoint_at(OURS, 3) is None
        found = [journal.first_checkpoint_covering(OURS, size) for size in range(7)]
        assert [each.size if each else None for each in found] == [0, 2, 2, 5, 5, 5, None]
        assert journal.latest_receipt(OURS) == receipt(5)
        assert journal.latest_receipt(THEIRS) is None
        assert journal.first_receipt_covering(OURS, 3) == receipt(5)
        assert journal.first_receipt_covering(OURS, 6) is None


def test_first_receipt_and_checkpoint_of_a_size_are_kept(journal: Journal) -> None:
    journal.commit([entry(0), entry(1), receipt(2, time=5), checkpoint(2)])
    journal.commit([receipt(2, time=9), CheckpointRecord(OURS, 2, root(2), b"y" * 64)])
    assert journal.latest_receipt(OURS) == receipt(2, time=5)
    assert journal.latest_checkpoint(OURS) == checkpoint(2)


@pytest.mark.slow
@pytest.mark.parametrize("before", [0, 1, 255, 256, 300])
@pytest.mark.parametrize("log", [OURS, THEIRS])
def test_rule_23_head_that_this_desk_signed_over_other_leaves_than_are_stored_is_refused(
    store: Store, log: Log, before: int
) -> None:
    def signed(size: int) -> Record:
        return checkpoint(size) if log.outgoing else ReceiptRecord(THEIRS, size, root(size), 5, b"r" * 64)

    store.journal.commit([*(entry(index, log) for index in range(before)), signed(before)])
    changed = bytearray(leaf(before))
    changed[0] ^= 1

    with pytest.raises(JournalError) as refused:
        store.journal.commit([entry(before, log, leaf=bytes(changed)), signed(before + 1)])

    assert refused.value.facts["reason"] == "damaged"
    assert store.journal.size(log) == before
    store.journal.commit([entry(before, log), entry(before + 1, log), signed(before + 1), signed(before + 2), signed(before)])
    for journal in store.both():
        assert journal.root_at(log, before + 2) == root(before + 2)


def test_head_of_a_peer_may_be_above_what_is_stored_and_one_of_a_lost_log_of_our_own_too(store: Store) -> None:
    store.journal.commit([entry(0), entry(0, THEIRS), checkpoint(9), checkpoint(9, THEIRS)])
    for journal in store.both():
        assert [journal.latest_checkpoint(log) for log in (OURS, THEIRS)] == [checkpoint(9), checkpoint(9, THEIRS)]


def test_statement_that_is_not_for_good_is_replaced_by_the_next(store: Store) -> None:
    first, second = statement(time=1), statement(time=2, ml=b"m" * 2420)
    kept, last = statement(time=3, keep=True), statement(time=4)
    others = [statement(ours=True), statement(type=4)]
    for record in [first, *others, second, kept, last]:
        store.journal.commit([record])
        assert store.journal.statement(LINE, record.ours, record.type) == record
    for journal in store.both():
        assert journal.statement(LINE, False, 3) == last
        assert journal.statement(LINE, True, 3) == others[0]
        assert list(journal.statements(LINE, False, 3, PAIR)) == [kept]
    store.journal.commit([replace(kept, time=5)])
    assert [record.time for record in store.journal.statements(LINE, False, 3, PAIR)] == [3, 5]


def test_kept_statements_are_given_in_their_order_by_pair(journal: Journal) -> None:
    records = [statement(time=time, keep=True, pair=Pair(1, 1 + time % 2)) for time in range(300)]
    journal.commit(records)
    assert list(journal.statements(LINE, False, 3, PAIR)) == records[::2]


def test_first_full_status_covering_is_the_other_sides_with_both_halves_and_kept(journal: Journal) -> None:
    full = {"ml": b"m" * 2420, "keep": True}
    theirs = [statement(time=size, our_size=size, their_size=100, **full) for size in (2, 5, 5, 8)]
    ours = statement(ours=True, our_size=100, their_size=4, **full)
    unfit = [
        statement(our_size=3, keep=True),
        statement(our_size=3, ml=b"m"),
        statement(our_size=3, pair=Pair(1, 2), **full),
        statement(type=2, **full),
    ]
    journal.commit([*unfit, *theirs, ours])
    assert journal.first_full_status_covering(OURS, 0) == theirs[0]
    assert journal.first_full_status_covering(OURS, 3) == theirs[1]
    assert journal.first_full_status_covering(OURS, 9) is None
    assert journal.first_full_status_covering(THEIRS, 4) == ours
    assert journal.first_full_status_covering(THEIRS, 5) is None


# The rest of a line.


def test_state_is_replaced_part_by_part(store: Store) -> None:
    store.journal.commit([StateRecord(LINE, "a", b"1"), StateRecord(LINE, "b", b""), StateRecord(LINE, "a", bytes(5000))])
    store.journal.commit([StateRecord(LINE, "b", b"\x80\x00")])
    for journal in store.both():
        assert journal.states(LINE) == {"a": bytes(5000), "b": b"\x80\x00"}
        assert journal.state(LINE, "a") == bytes(5000)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1200)), max_size=30))
@settings(max_examples=30)
def test_state_of_any_changing_size_is_the_last_that_was_stored(range_store: Store, changes: list[tuple[str, int]]) -> None:
    wanted = {part: bytes([length % 256]) * length for part, length in changes}
    range_store.journal.commit(StateRecord(LINE, part, bytes([length % 256]) * length) for part, length in changes)
    assert {part: range_store.journal.state(LINE, part) for part in wanted} == wanted


def test_prekeys_are_counted_by_pair_and_side_until_deleted(store: Store) -> None:
    keys = {number: b"seed %d" % number for number in (3, 1, 2)}
    store.journal.commit(PrekeyRecord(LINE, PAIR, True, number, value) for number, value in keys.items())
    store.journal.commit([PrekeyRecord(LINE, PAIR, False, 1, bytes(1216)), PrekeyRecord(LINE, Pair(1, 2), True, 1, b"other")])
    store.journal.commit([PrekeyRecord(LINE, PAIR, True, 1, None), PrekeyRecord(LINE, PAIR, True, 9, None)])
    for journal in store.both():
        assert list(journal.prekeys(LINE, PAIR, True).items()) == [(2, b"seed 2"), (3, b"seed 3")]
        assert journal.prekeys(LINE, PAIR, False) == {1: bytes(1216)}
        assert journal.prekeys(LINE, Pair(1, 2), True) == {1: b"other"}


def test_nonce_once_and_number_lead_to_the_entry(store: Store) -> None:
    store.journal.put_line(line_record(OTHER_LINE, "south"))
    foreign = entry(0, OURS._replace(line=OTHER_LINE), nonce=b"f" * 16, once="foreign", number=2)
    store.journal.commit([foreign, entry(0), entry(1, nonce=b"n" * 16, once="key", number=1), entry(0, THEIRS, number=1)])
    again = OURS._replace(pair=Pair(2, 1))
    store.journal.commit([entry(0, again, nonce=b"n" * 16, number=1), entry(1, again, number=2)])
    for journal in store.both():
        assert journal.by_nonce(LINE, b"n" * 16, True) == ((OURS, 1), (again, 0))
        assert journal.by_nonce(LINE, b"n" * 16, False) is None
        assert journal.by_nonce(LINE, b"f" * 16, True) is None
        assert journal.by_once(LINE, "key") == (OURS, 1)
        assert journal.by_once(LINE, "foreign") is None
        assert journal.by_number(LINE, True, 1) == (again, 0)
        assert journal.by_number(LINE, True, 1, 1) == (OURS, 1)
        assert journal.by_number(LINE, True, 1, 3) is None
        assert journal.by_number(LINE, False, 1) == (THEIRS, 0)
        assert journal.by_number(LINE, True, 3) is None


def test_certificates_are_given_by_serial_and_replaced_by_the_same(store: Store) -> None:
    records = [CertificateRecord(LINE, True, serial, b"certificate %d" % serial) for serial in (2, 10, 1)]
    store.journal.commit([*records, CertificateRecord(LINE, False, 1, b"theirs"), replace(records[1], encoded=b"anew")])
    assert store.again().certificates(LINE, True) == [records[2], records[0], replace(records[1], encoded=b"anew")]


def test_alarms_and_attempts_are_given_in_their_order(store: Store) -> None:
    alarms = [AlarmRecord(LINE, time, "fork", 22, "a fork", b"evidence %d" % time) for time in (2, 1)]
    attempts = [AttemptRecord(LINE, time, "tls", "refused" if time == 1 else "sent", time, PAIR) for time in range(1, 5)]
    store.journal.commit([*alarms, *attempts])
    journal = store.again()
    assert journal.alarms(LINE) == alarms
    assert journal.attempts(LINE, 0) == attempts
    assert journal.attempts(LINE, 3) == attempts[2:]
    assert journal.first_attempt(LINE, PAIR, 1) == attempts[1]
    assert journal.first_attempt(LINE, PAIR, 4) == attempts[3]
    assert journal.first_attempt(LINE, PAIR, 5) is None
    assert journal.first_attempt(LINE, Pair(2, 1), 1) is None


# Lines and documents.


def test_line_is_found_by_name_and_by_id_and_may_be_changed(store: Store) -> None:
    south = line_record(OTHER_LINE, "south")
    store.journal.put_line(south)
    changed = replace(line_record(), name="north east", confirmed=True, pairing=bytes(9000))
    store.journal.put_line(changed)
    for journal in store.both():
        assert journal.lines() == [changed, south]
        assert journal.line("north east") == journal.line(LINE) == changed
        assert journal.line("north") is None
        assert journal.line(b"x" * 32) is None


def test_line_is_stored_together_with_its_first_records_or_not_at_all(journal: Journal) -> None:
    with pytest.raises(RuntimeError):
        journal.put_line(line_record(OTHER_LINE, "south"), [StateRecord(OTHER_LINE, "a", b""), entry(5)])
    assert journal.line("south") is None
    journal.put_line(line_record(OTHER_LINE, "south"), [StateRecord(OTHER_LINE, "a", b"first")])
    assert journal.state(OTHER_LINE, "a") == b"first"


def test_name_of_another_line_is_refused(journal: Journal) -> None:
    with pytest.raises(UsageError, match="name"):
        journal.put_line(line_record(OTHER_LINE, "north"))
    assert journal.lines() == [line_record()]


def test_abandoned_pairing_takes_everything_of_the_line_with_it(store: Store) -> None:
    other = OURS._replace(line=OTHER_LINE)
    store.journal.put_line(line_record(OTHER_LINE, "south"))
    for line, log in ((LINE, OURS), (OTHER_LINE, other)):
        store.journal.commit(
            [
                entry(0, log, number=1, nonce=b"n" * 16, once="key"),
                checkpoint(1, log),
                ReceiptRecord(log, 1, root(1), 5, b"r" * 64),
                StateRecord(line, "chain", line),
                PrekeyRecord(line, PAIR, True, 1, line),
                statement(line=line, keep=True),
                AttemptRecord(line, 1, "tls", "sent", 1, PAIR),
                AlarmRecord(line, 1, "fork", 22, "a fork", b""),
                CertificateRecord(line, True, 1, b"c"),
            ]
        )
    store.journal.drop_line(OTHER_LINE)
    store.journal.drop_line(OTHER_LINE)
    for journal in store.both():
        assert journal.lines() == [line_record()]
        assert journal.size(OURS) == 1
        assert journal.state(LINE, "chain") == LINE
        assert journal.prekeys(LINE, PAIR, True) == {1: LINE}
    store.journal.put_line(line_record(OTHER_LINE, "south"))
    check_nothing_of(store.journal, OTHER_LINE)
    store.journal.commit([entry(0, other, body=b"anew")])
    assert store.journal.size(other) == 1
    assert store.journal.latest_checkpoint(other) is None
    assert store.journal.latest_receipt(other) is None


def test_confirmed_line_cannot_be_dropped(journal: Journal) -> None:
    journal.put_line(replace(line_record(), confirmed=True))
    with pytest.raises(RuntimeError):
        journal.drop_line(LINE)
    assert journal.line(LINE) is not None


@pytest.mark.parametrize("sealed", [True, False])
def test_document_is_stored_replaced_and_deleted(store: Store, sealed: bool) -> None:
    store.journal.put_document("route", "b", b"first", sealed)
    store.journal.put_document("route", "b", bytes(3000), not sealed)
    store.journal.put_document("route", "a", b"", sealed)
    store.journal.put_document("roster", "a", b"roster", sealed)
    for journal in store.both():
        assert list(journal.documents("route").items()) == [("a", b""), ("b", bytes(3000))]
        assert journal.document("route", "b") == bytes(3000)
        assert journal.document("route", "c") is None
    store.journal.put_document("route", "b", None, sealed)
    store.journal.put_document("route", "c", None, sealed)
    assert store.again().documents("route") == {"a": b""}
    assert store.journal.document("roster", "a") == b"roster"


# The disk.


def test_no_room_is_told_before_a_receipt_is_promised(journal: Journal) -> None:
    journal.reserve(1)
    assert journal.has_room()
    journal.reserve(1 << 62)
    assert not journal.has_room()


def test_everything_stands_after_compact(store: Store) -> None:
    for index in range(20):
        store.journal.commit(turn(index))
        store.journal.compact()
    for journal in store.both():
        assert list(journal.entries(OURS, 0, 20)) == [entry(index) for index in range(20)]
        assert journal.state(LINE, "chain") == b"chain key 20"


# Witnesses.


def cosignature(size: int, witness: str = "w1", *, time: int = 5, log: Log = OURS) -> CosignatureRecord:
    return CosignatureRecord(log, size, root(size), witness, time, bytes(64))


def test_cosignatures_are_found_by_size_by_newest_and_by_witness(store: Store) -> None:
    kept = [cosignature(3, "w2"), cosignature(3), cosignature(7, "w2"), cosignature(9, log=THEIRS)]
    store.journal.commit([*turn(0), *kept])

    for journal in store.both():
        assert journal.cosignatures(OURS, 3) == [kept[1], kept[0]]
        assert journal.cosignatures(OURS, 4) == []
        assert journal.latest_cosignatures(OURS, 2) == [kept[2], kept[1]]
        assert journal.latest_cosignatures(THEIRS, 9) == [kept[3]]
        assert journal.first_cosignature_covering(OURS, 2, "w2") == kept[0]
        assert journal.first_cosignature_covering(OURS, 4, "w2") == kept[2]
        assert journal.first_cosignature_covering(OURS, 4, "w1") is None
        assert journal.first_cosignature_covering(OURS, 8, "w2") is None


def test_first_cosignature_of_a_witness_on_a_head_stays(store: Store) -> None:
    store.journal.commit([cosignature(3)])
    store.journal.commit([cosignature(3, time=6)])

    assert store.journal.cosignatures(OURS, 3) == [cosignature(3)]


def test_log_that_was_never_written_has_no_cosignatures(journal: Journal) -> None:
    assert journal.cosignatures(OURS, 1) == journal.latest_cosignatures(OURS, 5) == []
    assert journal.first_cosignature_covering(OURS, 1, "w1") is None


def test_what_a_nonce_was_made_of_is_kept(store: Store) -> None:
    made = NonceRecord(LINE, b"n" * 16, b"c" * 16, b"s" * 72)
    store.journal.commit([made])

    for journal in store.both():
        assert journal.nonce(LINE, b"n" * 16) == made
        assert journal.nonce(LINE, b"m" * 16) is None
        assert journal.nonce(OTHER_LINE, b"n" * 16) is None


def test_abandoned_pairing_takes_its_cosignatures_and_nonces_along(store: Store) -> None:
    store.journal.commit([*turn(0), cosignature(1), NonceRecord(LINE, b"n" * 16, b"c" * 16, b"s" * 72)])
    store.journal.drop_line(LINE)
    store.journal.put_line(line_record())

    for journal in store.both():
        assert journal.cosignatures(OURS, 1) == []
        assert journal.nonce(LINE, b"n" * 16) is None


# Copies.


def test_copy_holds_what_was_committed_before_and_while_it_was_made(store: Store, tmp_path: Path) -> None:
    journal = store.journal
    journal.put_document("kind", "key", bytes(600_000), True)
    journal.put_document("kind", "gone", b"secret", True)
    size = copied = 0
    for _ in journal.copy(tmp_path / "copy"):
        copied = size
        journal.commit(turn(size))
        journal.put_document("kind", "gone", None, True)
        journal.compact()
        size += 1

    assert copied >= 2  # it took several steps, so that commits came between them
    journal.close()
    copy = open_journal(tmp_path / "copy", NODE_KEY, False)
    assert copy.size(OURS) == copied
    assert copy.verify(OURS) == copied
    assert copy.state(LINE, "edge") == b"edge %d" % copied
    assert copy.documents("kind") == {"key": bytes(600_000)}
    copy.close()
    assert store.again().size(OURS) == size


def test_copy_is_for_its_owner_alone_and_replaces_nothing(journal: Journal, tmp_path: Path) -> None:
    for _ in journal.copy(tmp_path / "copy"):
        pass
    before = (tmp_path / "copy").read_bytes()

    with pytest.raises(UsageError, match="cannot be written"):
        list(journal.copy(tmp_path / "copy"))

    assert (tmp_path / "copy").read_bytes() == before
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0


def test_copy_that_cannot_be_made_leaves_the_journal_in_use(journal: Journal, tmp_path: Path) -> None:
    journal.reserve(2**50)
    with pytest.raises(UsageError, match="no room"):
        list(journal.copy(tmp_path / "copy"))
    journal.reserve(0)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError):
        list(journal.copy(tmp_path / "file" / "copy"))

    journal.commit(turn(0))
    assert journal.size(OURS) == 1


def test_copy_that_was_given_up_leaves_the_journal_in_use(journal: Journal, tmp_path: Path) -> None:
    journal.put_document("kind", "key", bytes(600_000), True)
    steps = journal.copy(tmp_path / "copy")
    next(iter(steps))
    del steps

    journal.commit(turn(0))
    journal.compact()
    assert journal.size(OURS) == 1
