"""Evidence from the journals of two real lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.sample_desks import desk_keys, identity_key, officer_key, paired, roster, signed_certificate, terms
from tests.line_pair import LinePair, Party, Side
from watchline.core.archive import unpack
from watchline.core.entries import EntryType, Leaf
from watchline.core.evidence import Report, verify_evidence
from watchline.core.line import Line
from watchline.core.pairing import Pairing
from watchline.core.records import EntryRecord
from watchline.core.setting import LineSetup
from watchline.desk import exporting
from watchline.desk.exporting import Reference, export_evidence
from watchline.errors import JournalError, UsageError
from watchline.journal import LineRecord
from watchline.journal.sqlite import open_journal

TRUSTED = (identity_key("A").identity, identity_key("B").identity)


def party(desk: str) -> Party:
    officers = tuple(officer_key(desk, number) for number in (1, 2))
    return Party(identity_key(desk), desk_keys(desk), signed_certificate(desk), officers, roster(desk))


class PairedLines(LinePair):
    """As LinePair, on a line that came from three pairing files: `a` is the inviter."""

    def _side(self, path: Path, own: Party, peer: Party) -> Side:
        inviter = path.name == "a.db"
        own = party("A") if inviter else party("B")
        _, ours, theirs = paired()
        pairing = ours if inviter else theirs
        setup = LineSetup(
            pairing.line, pairing.ps, pairing.own_id, own.keys, own.certificate, own.roster,
            pairing.peer, pairing.peer_certificate, pairing.peer_roster, terms(),
        )  # fmt: skip
        journal = open_journal(path, bytes(32), create=True)
        journal.put_line(LineRecord(setup.line, "line", self.clock.wall, True, pairing.encode()))
        side = Side(setup, own, path, journal, Line.begin(setup, journal, self.clock.moment()), self.clock)
        side.turn()
        return side


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[PairedLines]:
    joined = PairedLines(tmp_path)
    yield joined
    joined.close()


def export(side: Side, *named: Reference) -> Report:
    row = side.journal.line(side.setup.line)
    assert row is not None
    data, complete = export_evidence(side.journal, row, side.setup, named)
    report = verify_evidence(data, TRUSTED)
    assert report.faults == ()
    assert report.verified
    assert report.complete is complete
    return report


def place(record: EntryRecord) -> Reference:
    return record.log, record.index


def talk(pair: PairedLines) -> list[EntryRecord]:
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


def test_named_notice_is_exported_with_its_acknowledgement_and_answer_only(pair: PairedLines) -> None:
    notices = talk(pair)
    report = export(pair.a, place(notices[1]))
    assert shown(report) == [("a-1-1", notices[1].index), ("b-1-1", 1), ("b-1-1", 2)]
    notice, acknowledgement, answer = report.entries
    assert (notice["form"], notice["fields"], notice["released"]) == ("free-text", {"1": "two"}, True)
    assert notice["acknowledged_by"] == [{"log": "b-1-1", "index": 1, "counts": True}]
    assert notice["answered_by"] == [{"log": "b-1-1", "index": 2, "counts": True}]
    assert (acknowledgement["type"], answer["type"]) == ("acknowledge", "notice")
    assert report.complete


def test_both_desks_export_evidence_of_the_same_entries(pair: PairedLines) -> None:
    notices = talk(pair)
    ours = export(pair.a, place(notices[1]))
    theirs = export(pair.b, (pair.b.setup.incoming_log, notices[1].index))
    assert shown(ours) == shown(theirs)
    assert [entry["received"] for entry in ours.entries[:1]] == [entry["received"] for entry in theirs.entries[:1]]
    assert ours.entries[0]["received"] is not None


def test_acknowledgement_is_exported_with_the_notice_it_is_about(pair: PairedLines) -> None:
    notices = talk(pair)
    report = export(pair.a, (pair.a.setup.incoming_log, 1))
    assert shown(report) == [("a-1-1", notices[1].index), ("b-1-1", 1)]


def test_all_entries_are_exported_where_none_is_named(pair: PairedLines) -> None:
    talk(pair)
    report = export(pair.a)
    sizes = [pair.a.journal.size(log) for log in (pair.a.setup.outgoing_log, pair.a.setup.incoming_log)]
    assert shown(report) == [("a-1-1", index) for index in range(sizes[0])] + [("b-1-1", index) for index in range(sizes[1])]
    assert report.complete


def test_content_of_other_entries_does_not_leave_the_desk(pair: PairedLines) -> None:
    notices = talk(pair)
    row = pair.a.journal.line(pair.a.setup.line)
    assert row is not None
    data, _ = export_evidence(pair.a.journal, row, pair.a.setup, [place(notices[1])])
    assert b"two" in data
    for record in (notices[0], notices[2]):
        assert Leaf.decode(record.leaf).commitment not in data
        assert record.blinding not in data
    assert b"three" not in b"".join(content for name, content in unpack(data).items() if "entries" in name)


def test_notice_that_never_left_is_exported_as_provisional_and_without_receipt(pair: PairedLines) -> None:
    talk(pair)
    pair.cut()
    record = pair.a.say("into the dark")
    pair.a.turn()
    report = export(pair.a, place(record))
    assert not report.complete
    assert report.entries[0]["received"] is None


def test_entry_that_does_not_exist_is_refused(pair: PairedLines) -> None:
    with pytest.raises(UsageError, match="no such entry"):
        export(pair.a, (pair.a.setup.outgoing_log, 99))


def test_receipts_beyond_the_bound_are_thinned_and_the_last_one_stays(
    pair: PairedLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk(pair)
    every = [entry["received"] for entry in export(pair.a).entries if entry["log"] == "a-1-1"]
    monkeypatch.setattr(exporting, "RECEIPTS_SHOWN_MAX", 2)
    fewer = [entry["received"] for entry in export(pair.a).entries if entry["log"] == "a-1-1"]
    assert len(set(every)) > 2
    assert len(set(fewer)) <= 2
    assert every[-1] == fewer[-1]
    assert all(late >= first for late, first in zip(fewer, every, strict=True))


def test_journal_that_does_not_verify_gives_no_file(pair: PairedLines) -> None:
    talk(pair)
    row = pair.a.journal.line(pair.a.setup.line)
    assert row is not None
    pairing = Pairing.decode(row.pairing)
    assert pairing.files[2].endswith(paired()[0][2][-8:])
    other_line = LineRecord(row.line, row.name, row.created, True, paired()[2].encode())  # the peer's half of the pairing
    with pytest.raises(JournalError) as refused:
        export_evidence(pair.a.journal, other_line, pair.a.setup)
    assert refused.value.facts["reason"] == "damaged"


def test_unreleased_notice_is_exported_as_not_released(pair: PairedLines) -> None:
    record = pair.a.say("no officer", released=False)
    pair.settle()
    report = export(pair.a, place(record))
    assert report.entries[0]["released"] is False
    assert any("NOT RELEASED" in fact for fact in report.facts)


def test_declined_notice_is_exported_with_the_decline(pair: PairedLines) -> None:
    record = pair.a.say("please")
    pair.settle()
    arrived = pair.b.journal.entry(pair.b.setup.incoming_log, record.index)
    assert arrived is not None
    pair.b.acknowledge(arrived, kind=EntryType.DECLINE)
    pair.settle()
    report = export(pair.a, place(record))
    assert report.entries[0]["declined_by"] == [{"log": "b-1-1", "index": 1, "counts": True}]
