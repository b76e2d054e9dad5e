"""Silence certificates between two real lines, as honest and as lying desks make them, and the files that show them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.desk.test_exporting import row_of
from tests.dishonest import status_of
from tests.line_pair import LinePair, Side, party
from watchline.core.archive import pack
from watchline.core.entries import EntryType, Leaf, Notice, Precedence
from watchline.core.evidence import Report, verify_evidence
from watchline.core.evidence_parts import README_NAME, SUMMARY_NAME, Bundle, write_parts
from watchline.core.evidence_reading import Faults, read_desks
from watchline.core.keys import StatementKey
from watchline.core.outgoing import Draft
from watchline.core.pairing import Pairing
from watchline.core.pairing_shown import shown_parts
from watchline.core.records import EntryRecord
from watchline.core.silence import Attempt, Claim, SignedStatus, Silence, SilenceKind
from watchline.core.statements import Statement, StatementType, Status, sign_statement
from watchline.desk import exporting
from watchline.desk.exporting import export_evidence

ACKNOWLEDGE_SECONDS = 600
TRUSTED = (party("Tokyo").identity.identity, party("Beijing").identity.identity)
LATE = 812


def say(pair: LinePair, form: str = "statement", *, exercise: bool = False, released: bool = True) -> EntryRecord:
    """A FLASH of Tokyo, in custody at Beijing."""
    record = pair.a.notice(Notice(form, 1, Precedence.FLASH, exercise, "en", {1: "a balloon"}), released=released)
    pair.settle(3)
    return record


def held_by(side: Side, record: EntryRecord) -> EntryRecord:
    """An entry of the other desk as this one has it."""
    found = side.journal.entry(side.setup.incoming_log, record.index)
    assert found is not None
    return found


def waited(pair: LinePair, seconds: int = LATE) -> Status:
    """What Beijing's honest node would say once so much time has passed."""
    pair.clock.advance(seconds)
    pair.settle(3)
    return status_of(pair, pair.b)


def signed(
    status: Status, pair: LinePair, *, both: bool = True, by: Side | None = None, key: StatementKey | None = None
) -> SignedStatus:
    """A status under Beijing's statement key, or under that of whom a test says."""
    speaker = by or pair.b
    values = status.values()
    made = sign_statement(StatementType.STATUS, speaker.setup.outgoing, values, key or speaker.party.keys.statement, both=both)
    return of(made)


def of(made: Statement) -> SignedStatus:
    return SignedStatus(made.payload, made.ed, made.ml)


def silence(
    notice: EntryRecord,
    status: SignedStatus | None,
    kind: SilenceKind = SilenceKind.UNANSWERED,
    *,
    clock: int = 0,
    claim: Claim | None = None,
    attempts: tuple[Attempt, ...] = (),
) -> Silence:
    leaf = Leaf.decode(notice.leaf)
    inc, peer_inc = leaf.direction.inc, leaf.direction.peer_inc
    return Silence(kind, clock, inc, peer_inc, leaf.index, leaf.commitment, status, attempts, claim)


def certify(pair: LinePair, said: Silence, *, by: Side | None = None) -> EntryRecord:
    """Put a certificate into a desk's log, whatever it says, and let the peer receipt it."""
    author = by or pair.a
    record = author.line.compose(Draft(EntryType.SILENCE, said.encode()), author.clock.moment())
    pair.settle(3)
    return record


def export(pair: LinePair, *records: EntryRecord, by: Side | None = None, hide_body: bool = False) -> bytes:
    """The file that an honest desk writes."""
    side = by or pair.a
    references = [(record.log, record.index) for record in records]
    return export_evidence(side.journal, row_of(side), side.setup, references, hide_body=hide_body)[0]


def lie(
    pair: LinePair, certificate: EntryRecord, said: Silence, *, hide: tuple[int, ...] = (), leave_out: tuple[int, ...] = ()
) -> bytes:
    """The file that Tokyo would write if it did not look whether a certificate follows.

    hide: entries of Beijing of which only the leaf is shown; leave_out: those that are not shown at all.
    """
    side, log = pair.a, certificate.log
    chosen = exporting._Chosen({log: {certificate.index, said.index}})
    exporting._rest(side.journal, chosen, certificate)
    other = log._replace(outgoing=False)
    chosen.closed |= {(other, index) for index in hide}
    chosen.shown[other] = chosen.shown.get(other, set()) - set(leave_out)
    chosen.shown = {each: indexes for each, indexes in chosen.shown.items() if indexes}
    pairing = Pairing.decode(row_of(side).pairing)
    statuses = exporting._choose_statuses(side.journal, side.setup.line, chosen.shown)
    logs = [exporting._gather_log(side.journal, pairing, each, chosen, statuses, {}) for each in chosen.shown]
    spoken = [exporting._show_status(pairing, record) for record in statuses]
    return written(Bundle(shown_parts(pairing.files), (), tuple(sorted(logs, key=lambda each: each.name)), tuple(spoken)))


def written(bundle: Bundle) -> bytes:
    """The parts of a bundle as they are, with nothing told: a fault in what is signed is found before that."""
    names = ("pairing/1.bin", "pairing/2.bin", "pairing/3.bin")
    desks = read_desks(dict(zip(names, bundle.pairing, strict=True)), Faults())
    assert desks is not None
    return pack(write_parts(bundle, desks.keys) | {README_NAME: b"", SUMMARY_NAME: b""})


def verify(data: bytes) -> Report:
    return verify_evidence(data, TRUSTED)


def refuse(data: bytes, words: str, rule: int = 33, part: str = "logs/a-1-1/entries/") -> Report:
    """The file must be refused for this reason, which names the part and the rule."""
    report = verify(data)
    assert not report.verified
    assert (report.facts, report.silences) == ((), ())
    faults = [(fault.part, fault.rule, fault.message) for fault in report.faults]
    assert any(where.startswith(part) and by == rule and words in why for where, by, why in faults), faults
    return report


def only_silence(report: Report) -> dict[str, Any]:
    assert report.faults == ()
    assert report.verified
    (found,) = report.silences
    return found


def listing(status: Status, notice: EntryRecord, **changes: int) -> Status:
    """The status with some numbers of the first thing that it lists changed, as its own desk may do."""
    assert status.open[0].index == notice.index
    return replace(status, open=(replace(status.open[0], **changes), *status.open[1:]))
