"""What a line keeps of the addresses that both desks sign, and how any signed statement is kept and shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.line_pair import LINE, START, party, seeded, setup_of
from watchline.core.announced import AnnouncedRoutes
from watchline.core.encoding import decode
from watchline.core.frames import Item, Stated
from watchline.core.kept_statements import rollback_evidence, statement_evidence, statement_record, stored_statement
from watchline.core.records import CheckpointRecord, ReceiptRecord
from watchline.core.setting import LineSetup, Moment, RoutesArrived
from watchline.core.statements import Statement, StatementType, read_routes, sign_statement, verify_statement
from watchline.errors import BadSignature
from watchline.journal import LineRecord
from watchline.journal.sqlite import SqliteJournal, open_journal

TOKYO, BEIJING = setup_of(party("Tokyo"), party("Beijing")), setup_of(party("Beijing"), party("Tokyo"))
ROUTES = (("direct", "192.0.2.1:4300"), ("nats", "relay.example"))
LATER_PAIR = replace(TOKYO, own_keys=party("Tokyo", 2).keys, own_certificate=party("Tokyo", 2).certificate)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    made = open_journal(tmp_path / "journal.db", bytes(32), create=True)
    made.put_line(LineRecord(LINE, "line", START, True, b""))
    yield made
    made.close()


def at(wall: int) -> Moment:
    return Moment(wall, 0.0, seeded(wall).randbytes)


def restored(journal: SqliteJournal, setup: LineSetup = TOKYO) -> AnnouncedRoutes:
    announced = AnnouncedRoutes()
    announced.restore(journal, setup)
    return announced


def heard(items: list[Item]) -> list[tuple[int, tuple[tuple[str, str], ...]]]:
    """What Beijing reads in what Tokyo says."""
    key = TOKYO.own_certificate.certificate.public.statement
    stated = [item for item in items if isinstance(item, Stated)]
    assert len(stated) == len(items)
    return [read_routes(verify_statement(item, BEIJING.incoming, key)) for item in stated]


def by_beijing(time: int, kind: StatementType = StatementType.ROUTES) -> Statement:
    values = (time, [list(route) for route in ROUTES])
    return sign_statement(kind, BEIJING.outgoing, values, BEIJING.own_keys.statement)


def test_desk_that_announced_nothing_says_nothing(journal: SqliteJournal) -> None:
    assert restored(journal).said() == []
    assert restored(journal).peer_time == 0


def test_addresses_are_said_again_after_a_restart_as_they_were_signed(journal: SqliteJournal) -> None:
    announced = restored(journal)
    journal.commit([announced.announce(ROUTES, TOKYO, at(START))])
    said = announced.said()
    assert heard(said) == [(START, ROUTES)]
    assert restored(journal).said() == said


def test_newer_addresses_replace_older_ones_though_the_clock_was_set_back(journal: SqliteJournal) -> None:
    announced = restored(journal)
    times = []
    for wall in (START, START - 1000, START, START + 1000):
        journal.commit([announced.announce(ROUTES[:1], TOKYO, at(wall))])
        times += [time for time, _ in heard(announced.said())]
        announced = restored(journal)
    assert times == [START, START + 1, START + 2, START + 1000]
    kept = journal.statement(LINE, True, StatementType.ROUTES)
    assert kept is not None
    assert kept.time == START + 1000


def test_first_addresses_have_a_time_though_the_clock_has_none(journal: SqliteJournal) -> None:
    announced = restored(journal)
    announced.announce(ROUTES, TOKYO, at(0))
    assert heard(announced.said()) == [(1, ROUTES)]


def test_addresses_of_the_peer_are_told_and_their_time_is_kept(journal: SqliteJournal) -> None:
    announced = restored(journal)
    record, told = announced.hear(by_beijing(START + 7), TOKYO)
    assert told == RoutesArrived(START + 7, ROUTES)
    assert (announced.peer_time, record.time, record.ours, record.pair) == (START + 7, START + 7, False, TOKYO.pair)
    journal.commit([record])
    assert restored(journal).peer_time == START + 7
    assert restored(journal).said() == []


def test_new_pair_of_incarnations_has_announced_and_heard_nothing(journal: SqliteJournal) -> None:
    announced = restored(journal)
    journal.commit([announced.announce(ROUTES, TOKYO, at(START)), announced.hear(by_beijing(START), TOKYO)[0]])
    later = restored(journal, LATER_PAIR)
    assert (later.said(), later.peer_time) == ([], 0)


# --- statements as records and as evidence


def test_record_of_a_statement_holds_all_that_was_signed(journal: SqliteJournal) -> None:
    statement = by_beijing(START)
    record = statement_record(TOKYO, statement, 8, ours=False, our_size=5, their_size=6, keep=True)
    assert (record.line, record.pair, record.ours, record.type) == (LINE, TOKYO.pair, False, StatementType.ROUTES)
    assert (record.time, record.our_size, record.their_size, record.keep) == (8, 5, 6, True)
    assert (record.payload, record.ed, record.ml) == (statement.payload, statement.ed, statement.ml)
    plain = statement_record(TOKYO, statement, 8, ours=True)
    assert (plain.ours, plain.our_size, plain.their_size, plain.keep) == (True, 0, 0, False)


def test_kept_statement_is_verified_once_more_by_the_key_of_its_side(journal: SqliteJournal) -> None:
    theirs = by_beijing(START)
    ours = sign_statement(StatementType.ROUTES, TOKYO.outgoing, (START, []), TOKYO.own_keys.statement)
    journal.commit([statement_record(TOKYO, theirs, START, ours=False), statement_record(TOKYO, ours, START, ours=True)])
    found = [stored_statement(journal, TOKYO, StatementType.ROUTES, ours=side) for side in (False, True)]
    assert [each.payload for each in found if each] == [theirs.payload, ours.payload]
    assert stored_statement(journal, TOKYO, StatementType.STATUS, ours=True) is None
    journal.commit([statement_record(TOKYO, theirs, START + 1, ours=True)])
    with pytest.raises(BadSignature):
        stored_statement(journal, TOKYO, StatementType.ROUTES, ours=True)


def test_evidence_of_a_rollback_holds_the_status_and_what_the_peer_had_signed_before(journal: SqliteJournal) -> None:
    statement = by_beijing(START)
    parts = [statement.payload, statement.ed, statement.ml]
    assert decode(statement_evidence(statement)) == parts
    status, *before = decode(rollback_evidence(journal, TOKYO, statement))
    assert decode(status) == parts
    assert before == [None, None]
    journal.commit([
        CheckpointRecord(TOKYO.incoming_log, 0, bytes(32), b"head"),
        ReceiptRecord(TOKYO.outgoing_log, 0, b"r" * 32, 9, b"receipt"),
    ])  # fmt: skip
    assert decode(rollback_evidence(journal, TOKYO, statement))[1:] == [
        [0, bytes(32), b"head"], [0, b"r" * 32, 9, b"receipt"],
    ]  # fmt: skip
