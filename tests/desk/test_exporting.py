"""Evidence from the journals of two real lines."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.amending import agree, ask, let_amend
from tests.line_pair import LinePair, Side, party, seeded, terms
from watchline.core.archive import unpack
from watchline.core.entries import EntryType, Leaf
from watchline.core.evidence import Report, verify_evidence
from watchline.core.outgoing import Draft
from watchline.core.pairing import (
    Pairing,
    accept_invitation,
    complete_acceptance,
    complete_invitation,
    make_invitation,
)
from watchline.core.persons import Roster
from watchline.core.records import CertificateRecord, EntryRecord
from watchline.desk import exporting
from watchline.desk.exporting import export_evidence
from watchline.desk.officers import sign_roster_change
from watchline.desk.shown_terms import Reference
from watchline.errors import JournalError, UsageError
from watchline.journal import LineRecord


@cache
def paired() -> tuple[Pairing, Pairing]:
    """The line's pairing as each desk keeps it."""
    tokyo, beijing = party("Tokyo"), party("Beijing")
    file1, invited = make_invitation(tokyo.identity, tokyo.certificate, tokyo.roster, terms(), (), seeded(1).randbytes)
    file2, accepted = accept_invitation(file1, beijing.identity, beijing.certificate, beijing.roster, (), seeded(2).randbytes)
    file3, ours = complete_invitation(invited, file2, tokyo.identity, seeded(3).randbytes)
    return ours, complete_acceptance(accepted, file3)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[LinePair]:
    joined = LinePair(tmp_path, line=paired()[0].line)
    yield joined
    joined.close()


def row_of(side: Side) -> LineRecord:
    ours, theirs = paired()
    pairing = ours if side.setup.own_id == ours.own_id else theirs
    return LineRecord(pairing.line, "line", 0, True, pairing.encode())


def export(side: Side, *named: Reference) -> Report:
    data, complete = export_evidence(side.journal, row_of(side), side.setup, named)
    report = verify_evidence(data, (party("Tokyo").identity.identity, party("Beijing").identity.identity))
    assert report.faults == ()
    assert report.verified
    assert report.complete is complete
    assert all(each.trusted for each in report.identities)
    return report


def place(record: EntryRecord) -> Reference:
    return record.log, record.index


def talk(pair: LinePair) -> list[EntryRecord]:
    """Three notices of A, all receipted; B acknowledges the second and answers it."""
    notices = []
    for text in ("one", "two", "three"):
        notices.append(pair.a.say(text))
        pair.settle(2)
    arrived = pair.b.journal.entry(pair.b.setup.incoming_log, notices[1].index)
    assert arrived is not None
    pair.b.acknowledge(arrived)
    pair.b.say("answer", re=notices[1].index)
    pair.settle()
    return notices


def shown(report: Report) -> list[tuple[str, int]]:
    return [(entry["log"], entry["index"]) for entry in report.entries]


def test_named_notice_is_exported_with_its_acknowledgement_and_answer_only(pair: LinePair) -> None:
    notices = talk(pair)
    report = export(pair.a, place(notices[1]))
    assert shown(report) == [("a-1-1", notices[1].index), ("b-1-1", 1), ("b-1-1", 2)]
    notice, acknowledgement, answer = report.entries
    assert (notice["form"], notice["fields"], notice["released"]) == ("free-text", {"1": "two"}, True)
    assert notice["acknowledged_by"] == [{"log": "b-1-1", "index": 1, "counts": True}]
    assert notice["answered_by"] == [{"log": "b-1-1", "index": 2, "counts": True}]
    assert (acknowledgement["type"], answer["type"]) == ("acknowledge", "notice")
    assert report.complete


def test_both_desks_export_evidence_of_the_same_entries(pair: LinePair) -> None:
    notices = talk(pair)
    ours = export(pair.a, place(notices[1]))
    theirs = export(pair.b, (pair.b.setup.incoming_log, notices[1].index))
    assert shown(ours) == shown(theirs)
    assert [entry["received"] for entry in ours.entries[:1]] == [entry["received"] for entry in theirs.entries[:1]]
    assert ours.entries[0]["received"] is not None


def test_acknowledgement_is_exported_with_the_notice_it_is_about(pair: LinePair) -> None:
    notices = talk(pair)
    report = export(pair.a, (pair.a.setup.incoming_log, 1))
    assert shown(report) == [("a-1-1", notices[1].index), ("b-1-1", 1)]


def test_all_entries_are_exported_where_none_is_named(pair: LinePair) -> None:
    talk(pair)
    report = export(pair.a)
    sizes = [pair.a.journal.size(log) for log in (pair.a.setup.outgoing_log, pair.a.setup.incoming_log)]
    assert shown(report) == [("a-1-1", index) for index in range(sizes[0])] + [("b-1-1", index) for index in range(sizes[1])]
    assert report.complete


def test_content_of_other_entries_does_not_leave_the_desk(pair: LinePair) -> None:
    notices = talk(pair)
    data, _ = export_evidence(pair.a.journal, row_of(pair.a), pair.a.setup, [place(notices[1])])
    assert b"two" in data
    for record in (notices[0], notices[2]):
        assert Leaf.decode(record.leaf).commitment not in data
        assert record.blinding not in data
    assert b"three" not in b"".join(content for name, content in unpack(data).items() if "entries" in name)


def test_notice_that_never_left_is_exported_as_provisional_and_without_receipt(pair: LinePair) -> None:
    talk(pair)
    pair.cut()
    record = pair.a.say("into the dark")
    pair.a.turn()
    report = export(pair.a, place(record))
    assert not report.complete
    assert report.entries[0]["received"] is None


def test_entry_that_does_not_exist_is_refused(pair: LinePair) -> None:
    with pytest.raises(UsageError, match="no such entry"):
        export(pair.a, (pair.a.setup.outgoing_log, 99))


def test_receipts_beyond_the_bound_are_thinned_and_the_last_one_stays(pair: LinePair, monkeypatch: pytest.MonkeyPatch) -> None:
    talk(pair)
    every = [entry["received"] for entry in export(pair.a).entries if entry["log"] == "a-1-1"]
    monkeypatch.setattr(exporting, "RECEIPTS_SHOWN_MAX", 2)
    fewer = [entry["received"] for entry in export(pair.a).entries if entry["log"] == "a-1-1"]
    assert len(set(every)) > 2
    assert len(set(fewer)) <= 2
    assert every[-1] == fewer[-1]
    assert all(late >= first for late, first in zip(fewer, every, strict=True))


def test_journal_that_does_not_verify_gives_no_file(pair: LinePair) -> None:
    talk(pair)
    with pytest.raises(JournalError) as refused:
        export_evidence(pair.a.journal, row_of(pair.b), pair.a.setup)  # as if the peer had written our log
    assert refused.value.facts["reason"] == "damaged"


def test_unreleased_notice_is_exported_as_not_released(pair: LinePair) -> None:
    record = pair.a.say("no officer", released=False)
    pair.settle()
    report = export(pair.a, place(record))
    assert report.entries[0]["released"] is False
    assert any("NOT RELEASED" in fact for fact in report.facts)


def test_declined_notice_is_exported_with_the_decline(pair: LinePair) -> None:
    record = pair.a.say("please")
    pair.settle()
    arrived = pair.b.journal.entry(pair.b.setup.incoming_log, record.index)
    assert arrived is not None
    pair.b.acknowledge(arrived, kind=EntryType.DECLINE)
    pair.settle()
    report = export(pair.a, place(record))
    assert report.entries[0]["declined_by"] == [{"log": "b-1-1", "index": 1, "counts": True}]


def test_change_of_the_roster_is_exported_with_every_later_entry(pair: LinePair) -> None:
    tokyo, moment = party("Tokyo"), pair.a.clock.moment()
    changed = Roster(2, tokyo.roster.officers)
    content = sign_roster_change(tokyo.identity, pair.a.setup.line, changed)
    change = pair.a.line.compose(Draft(EntryType.ROSTER, content, released=True), moment)
    record = pair.a.say("later")
    pair.settle()
    report = export(pair.a, place(record))
    assert shown(report) == [("a-1-1", change.index), ("a-1-1", record.index)]
    assert [entry["released"] for entry in report.entries] == [True, True]


@pytest.mark.slow
def test_named_entry_brings_the_amendments_that_it_was_judged_by(pair: LinePair) -> None:
    for side in (pair.a, pair.b):
        let_amend(side)
    before = ask(pair.a)
    agree(pair, release_people=(1, 1, 1, 2))
    after = ask(pair.a, 2)
    agree(pair, body_days=7)
    pair.settle(1)
    log = pair.a.setup.outgoing_log
    for record, versions in ((before, 0), (after, 1)):
        data, _ = export_evidence(pair.a.journal, row_of(pair.a), pair.a.setup, [(log, record.index)])
        entries = verify_evidence(data).entries
        assert [entry["type"] for entry in entries].count("terms") == 2 * versions
    everything, _ = export_evidence(pair.a.journal, row_of(pair.a), pair.a.setup)
    assert [entry["type"] for entry in verify_evidence(everything).entries].count("terms") == 4


@pytest.mark.slow
def test_amendments_of_an_earlier_incarnation_are_shown_with_what_ties_it(pair: LinePair) -> None:
    for side in (pair.a, pair.b):
        let_amend(side)
    agree(pair, release_people=(1, 1, 1, 2))
    pair.a.reincarnate()
    pair.settle(2)
    pair.b.confirm()
    pair.settle(1)
    record = ask(pair.b, 2)
    pair.settle(2)
    for each in (pair.a.setup, pair.b.setup):
        for signed in (each.own_certificate, each.peer_certificate):
            own = signed.certificate.desk == pair.b.setup.own_id
            certificate = CertificateRecord(each.line, own, signed.certificate.serial, signed.encoded)
            pair.b.journal.commit([certificate])
    data, _ = export_evidence(pair.b.journal, row_of(pair.b), pair.b.setup, [(record.log, record.index)])
    report = verify_evidence(data)
    assert report.verified
    kinds = sorted((entry["log"], entry["type"]) for entry in report.entries)
    assert kinds == [
        ("a-1-1", "terms"), ("a-2-1", "continues"), ("b-1-1", "terms"), ("b-1-2", "continues"), ("b-1-2", "notice"),
    ]  # fmt: skip
