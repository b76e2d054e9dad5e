"""Gather from the journal what evidence shows: the entries that people named, and all that proves them.

Shown with the named entries are those that refer to them (acknowledgements, answers ...), those that they refer to, and the
changes of the rosters and of the terms before, and nothing else of the line: every other entry stays a hash. Of an entry whose
body has gone only the leaf is shown. With a notice go
the silence certificates about it, and with a certificate the notice. One that does not follow from this journal is shown
without its content: evidence in which somebody's false certificate stood would not verify.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from watchline.core.checkpoint import VerifierKey
from watchline.core.entries import Body, EntryType
from watchline.core.evidence import build_and_judge
from watchline.core.evidence_parts import (
    ACCEPTER,
    INVITER,
    Bundle,
    Head,
    LogName,
    ShownEntry,
    ShownLog,
    ShownStatus,
    hidden_spans,
)
from watchline.core.pairing import Pairing
from watchline.core.pairing_shown import read_shown_parts, shown_parts
from watchline.core.records import CheckpointRecord, EntryRecord, Log, ReceiptRecord, StatementRecord
from watchline.core.setting import LineSetup
from watchline.core.silence import Silence, SilenceKind
from watchline.core.statements import StatementType, status_in
from watchline.desk.figures import Span
from watchline.desk.report import size_at
from watchline.desk.shown_terms import Reference, terms_below, witnesses_shown
from watchline.desk.silence_grounds import certificates_about, judge_record, leaves_needed, read_silence, reverse
from watchline.desk.witnessed_heads import with_cosignatures
from watchline.errors import JournalError, PeerError, UsageError
from watchline.journal import Journal, LineRecord

RECEIPTS_SHOWN_MAX = 1_024  # of one log; beyond, some entries are dated by a later receipt than their first


def silences_named(journal: Journal, record: EntryRecord) -> list[Reference]:
    """The silence certificates that a person means by an entry: itself, or those about it. Raises UsageError for none."""
    if record.type == EntryType.SILENCE:
        return [(record.log, record.index)]
    found = certificates_about(journal, record.log, record.index)
    if not found:
        raise UsageError("there is no silence certificate about this entry", hint="make one with `watchline silence LINE ID`")
    return [(certificate.log, certificate.index) for certificate in found]


def entries_of_period(journal: Journal, line: bytes, period: Span) -> list[Reference]:
    """What either desk said in the period: our entries by when they were composed, the peer's by when they were received.

    Raises UsageError if it is no period, or if nothing was said in it.
    """
    if not 0 <= period.start < period.end:
        raise UsageError("the period ends before it begins", hint="give --from and --to", start=period.start, end=period.end)
    found = [
        (log, index)
        for log in journal.logs(line)
        for index in range(size_at(journal, log, period.start), size_at(journal, log, period.end))
    ]
    if not found:
        raise UsageError("nothing was said on this line in this period", hint="`watchline log LINE` shows when there was")
    return found


def export_evidence(
    journal: Journal,
    row: LineRecord,
    setup: LineSetup,
    references: Sequence[Reference] | None = None,
    *,
    beside: Sequence[Reference] = (),
    hide_body: bool = False,
) -> tuple[bytes, bool]:
    """The file of evidence for these entries of a line, or for all where none is named, and whether it is complete.

    What a journal holds gives the same bytes each time. beside: more entries, such as those of a period, which nobody named one
    by one: a certificate among them that shows nothing is no error. hide_body: of all entries but silence certificates only the
    leaves are shown.

    Raises UsageError for an entry that there is not, for a certificate that shows nothing, alone or without the content of the
    notice, and JournalError if what the journal holds does not verify.
    """
    try:
        return build_and_judge(gather(journal, row, setup, references, beside=beside, hide_body=hide_body))
    except PeerError as error:
        return build_and_judge(_gather_rest(error, journal, row, setup, references, beside=beside, hide_body=hide_body))


async def export_aside(
    journal: Journal,
    row: LineRecord,
    setup: LineSetup,
    references: Sequence[Reference] | None = None,
    *,
    beside: Sequence[Reference] = (),
    hide_body: bool = False,
) -> tuple[bytes, bool]:
    """The same while the lines go on: of a year, building takes half a minute, and reading the journal a few seconds."""
    try:
        bundle = gather(journal, row, setup, references, beside=beside, hide_body=hide_body)
        return await asyncio.to_thread(build_and_judge, bundle)
    except PeerError as error:
        bundle = _gather_rest(error, journal, row, setup, references, beside=beside, hide_body=hide_body)
        return await asyncio.to_thread(build_and_judge, bundle)


def _gather_rest(
    error: PeerError,
    journal: Journal,
    row: LineRecord,
    setup: LineSetup,
    named: Sequence[Reference] | None,
    *,
    beside: Sequence[Reference],
    hide_body: bool,
) -> Bundle:
    """What can be shown though this was wrong with all: a certificate that this journal bears out and the shown parts do not is
    shown as a leaf.

    Raises UsageError if people asked for that certificate, and JournalError for any other fault.
    """
    if error.rule != 33:
        hint = "keep the journal as it is and call for help: it holds what does not verify"
        raise JournalError(error.message, hint=hint, reason="damaged") from error
    if hide_body and not beside:
        message = f"without the content of the notice this shows no silence: {error.message}"
        raise UsageError(message, hint="export without --hide-body") from error
    for log, index in named or ():
        if _silences_in(journal, log, {index}):
            message = f"what can be shown bears out no silence: {error.message}"
            raise UsageError(message, hint="export the notice that it is about") from error
    return gather(journal, row, setup, named, beside=beside, hide_body=hide_body, show_silences=False)


def gather(
    journal: Journal,
    row: LineRecord,
    setup: LineSetup,
    references: Sequence[Reference] | None = None,
    *,
    beside: Sequence[Reference] = (),
    hide_body: bool = False,
    show_silences: bool = True,
) -> Bundle:
    """All that evidence for these entries is built from, or for all where none is named. beside, hide_body: as above.

    show_silences: False shows of every silence certificate the leaf alone.

    Raises UsageError for an entry that there is not, and PeerError if the stored pairing does not verify.
    """
    pairing = Pairing.decode(row.pairing)
    wanted = [*(references or ()), *beside]
    chosen = _Chosen(_with_related(journal, wanted) if wanted else _all(journal, row.line))
    shown = chosen.shown
    if not shown:
        raise UsageError("there is nothing on this line to export", hint="export once an entry was sent or received")
    if show_silences:
        _choose_silences(journal, setup, chosen, references or ())
    else:
        chosen.closed |= {(log, index) for log in shown for index in _silences_in(journal, log, shown[log])}
    _add_terms(journal, setup, shown)
    _add_rosters(journal, shown)
    if hide_body:
        chosen.closed |= {(log, index) for log in shown for index in shown[log]} - chosen.silences
    statuses = _choose_statuses(journal, row.line, shown)
    witnesses = {log: witnesses_shown(journal, setup, log, shown, chosen.closed) for log in shown}
    logs = [_gather_log(journal, pairing, log, chosen, statuses, witnesses[log]) for log in shown]
    spoken = [_show_status(pairing, record) for record in statuses]
    return Bundle(
        shown_parts(pairing.files),
        tuple(sorted(_later_certificates(journal, pairing, setup))),
        tuple(sorted(logs, key=lambda shown_log: shown_log.name)),
        tuple(sorted(spoken, key=lambda status: status.speaker)),
    )


@dataclass
class _Chosen:
    """What will be shown. closed: entries of which only the leaf is. silences: certificates whose content is shown; sizes: what
    the statuses in them name of each log.
    """

    shown: dict[Log, set[int]]
    closed: set[Reference] = field(default_factory=set)
    silences: set[Reference] = field(default_factory=set)
    sizes: dict[Log, set[int]] = field(default_factory=dict)


def _later_certificates(journal: Journal, pairing: Pairing, setup: LineSetup) -> Iterator[tuple[str, int, bytes]]:
    """What both desks' identities certified since the pairing, which has the first certificates."""
    paired = read_shown_parts(shown_parts(pairing.files))
    for own, current in ((True, setup.own_certificate), (False, setup.peer_certificate)):
        first = paired.inviter if own == pairing.inviter else paired.accepter
        known = {record.serial: record.encoded for record in journal.certificates(pairing.line, own)}
        known.setdefault(current.certificate.serial, current.encoded)
        for serial, encoded in known.items():
            if serial > first.certificate.serial:
                yield _side(pairing, own), serial, encoded


def _side(pairing: Pairing, own: bool) -> str:
    return INVITER if own == pairing.inviter else ACCEPTER


def _name(pairing: Pairing, log: Log) -> LogName:
    ours, theirs = log.pair
    return LogName(_side(pairing, log.outgoing), *((ours, theirs) if log.outgoing else (theirs, ours)))


def _all(journal: Journal, line: bytes) -> dict[Log, set[int]]:
    sizes = {log: journal.size(log) for log in journal.logs(line)}
    return {log: set(range(size)) for log, size in sizes.items() if size}


def _with_related(journal: Journal, references: Sequence[Reference]) -> dict[Log, set[int]]:
    """The named entries, what they refer to, what refers to them, and the silence certificates about them."""
    named = set(references)
    shown: dict[Log, set[int]] = {}
    for log, index in named:
        if not 0 <= index < journal.size(log):
            raise UsageError("there is no such entry", hint="`watchline log LINE` lists them", index=index)
        shown.setdefault(log, set()).add(index)
    for log in {side for named_log in shown for side in (named_log, reverse(named_log))}:
        for index, (_, kind, re) in enumerate(journal.leaves(log, 0, journal.size(log))):
            if re is None:
                continue
            target = log if kind == EntryType.CANCEL else reverse(log)
            if (target, re) in named:
                shown.setdefault(log, set()).add(index)
            if (log, index) in named and re < journal.size(target):
                shown.setdefault(target, set()).add(re)
    for log in {log for log, _ in named}:
        shown[log].update(_certificates_among(journal, log, {index for each, index in named if each == log}))
    return shown


def _certificates_among(journal: Journal, log: Log, indexes: set[int]) -> Iterator[int]:
    """Where the silence certificates about any of these entries stand, in one pass: a year has many entries."""
    for at, (_, kind, _) in enumerate(journal.leaves(log, min(indexes) + 1, journal.size(log)), min(indexes) + 1):
        if kind == EntryType.SILENCE and (record := journal.entry(log, at)) is not None:
            silence = read_silence(record)
            if silence is not None and silence.index in indexes:
                yield at


def _add_terms(journal: Journal, setup: LineSetup, shown: dict[Log, set[int]]) -> None:
    for log, index in [place for pair in {log.pair for log in shown} for place in terms_below(journal, setup, pair, shown)]:
        shown.setdefault(log, set()).add(index)


def _add_rosters(journal: Journal, shown: dict[Log, set[int]]) -> None:
    for log, indexes in shown.items():  # who may release is judged by the changes of the roster below an entry
        leaves = enumerate(journal.leaves(log, 0, max(indexes)))
        indexes.update(index for index, (_, kind, _) in leaves if kind == EntryType.ROSTER)


def _choose_silences(journal: Journal, setup: LineSetup, chosen: _Chosen, named: Sequence[Reference]) -> None:
    """Show each certificate that follows with all that it rests on, and of each other one the leaf alone."""
    holding: list[EntryRecord] = []
    for log, index in sorted(
        (each, index) for each in chosen.shown for index in _silences_in(journal, each, chosen.shown[each])
    ):
        record = journal.entry(log, index)
        assert record is not None
        try:
            judge_record(journal, setup, record)
        except PeerError as error:
            if (log, index) in named:
                hint = "it cannot be shown as a certificate; export its notice, and show what answers it"
                raise UsageError(f"this certificate shows no silence: {error.message}", hint=hint, rule=error.rule) from error
            chosen.closed.add((log, index))
        else:
            holding.append(record)
            chosen.silences.add((log, index))
            chosen.shown[log].add(Silence.decode(Body.decode(record.body).content).index)
    for record in holding:  # once all their notices are chosen: what one shows, another does not close
        _rest(journal, chosen, record)


def _silences_in(journal: Journal, log: Log, indexes: set[int]) -> list[int]:
    leaves = enumerate(journal.leaves(log, min(indexes), max(indexes) + 1), min(indexes))
    return [index for index, (_, kind, _) in leaves if kind == EntryType.SILENCE and index in indexes]


def _rest(journal: Journal, chosen: _Chosen, record: EntryRecord) -> None:
    """Show what a certificate that holds rests on beside its notice: what refers to that, and the leaves that might have."""
    log, other = record.log, reverse(record.log)
    silence = Silence.decode(Body.decode(record.body).content)
    status = None if silence.status is None else status_in(silence.status.payload)
    if status is not None:
        chosen.sizes.setdefault(log, set()).add(status.held_size)
        if silence.kind is SilenceKind.CONTRADICTED:
            chosen.sizes.setdefault(other, set()).add(status.size)
    for side, needed in zip((log, other), leaves_needed(journal, silence, status, log), strict=True):
        referring = set(journal.referring(side, silence.index))
        shown = chosen.shown.setdefault(side, set()) if needed else set()
        chosen.closed |= {(side, index) for index in needed if index not in shown and index not in referring}
        shown.update(needed)


def _choose_statuses(journal: Journal, line: bytes, shown: dict[Log, set[int]]) -> list[StatementRecord]:
    """For each side and pair, the first kept status with both halves that covers all that is shown, or else the last one."""
    chosen = []
    for pair in sorted({log.pair for log in shown}):
        logs = Log(line, pair, outgoing=True), Log(line, pair, outgoing=False)
        held = [journal.size(log) for log in logs]
        wanted = [max(shown.get(log, {-1})) + 1 for log in logs]
        for ours in (True, False):
            best: StatementRecord | None = None
            last = journal.statement(line, ours, StatementType.STATUS)
            kept = journal.statements(line, ours, StatementType.STATUS, pair)
            for record in (*kept, *([last] if last is not None and last.pair == pair else [])):
                sizes = (record.our_size, record.their_size)
                # What is still under way to us cannot be shown: its leaves are not here.
                if record.ml is not None and all(size <= most for size, most in zip(sizes, held, strict=True)):
                    best = record
                    if all(size >= least for size, least in zip(sizes, wanted, strict=True)):
                        break
            if best is not None:
                chosen.append(best)
    return chosen


def _show_status(pairing: Pairing, record: StatementRecord) -> ShownStatus:
    assert record.ml is not None
    speaker = _name(pairing, Log(record.line, record.pair, outgoing=record.ours))
    return ShownStatus(speaker, record.payload, record.ed, record.ml)


def _gather_log(
    journal: Journal,
    pairing: Pairing,
    log: Log,
    chosen: _Chosen,
    statuses: list[StatementRecord],
    witnesses: Mapping[str, VerifierKey],
) -> ShownLog:
    indexes = sorted(chosen.shown[log])
    heads = with_cosignatures(journal, log, indexes, _gather_heads(journal, log, indexes), witnesses)
    said = {record.our_size if log.outgoing else record.their_size for record in statuses if record.pair == log.pair}
    said |= chosen.sizes.get(log, set())
    spans = hidden_spans(indexes, sorted(said | {head.size for head in heads}))
    return ShownLog(
        _name(pairing, log),
        tuple(_read_entries(journal, log, indexes, chosen.closed)),
        tuple(heads),
        tuple((start, end, journal.subtree(log, start, end)) for start, end in spans),
    )


def _read_entries(journal: Journal, log: Log, indexes: Sequence[int], closed: set[Reference]) -> Iterator[ShownEntry]:
    for start, stop in _runs(indexes):
        for record in journal.entries(log, start, stop):
            is_closed = (log, record.index) in closed or record.gone is not None
            blinding, body = (None, None) if is_closed else (record.blinding, record.body)
            yield ShownEntry(record.index, record.leaf, blinding, body)


def _runs(indexes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The ranges without gaps that ascending indexes consist of."""
    start = previous = indexes[0]
    for index in indexes[1:]:
        if index != previous + 1:
            yield start, previous + 1
            start = index
        previous = index
    yield start, previous + 1


def _gather_heads(journal: Journal, log: Log, indexes: Sequence[int]) -> list[Head]:
    """The author's first tree head that covers all indexes, and for each index the recipient's first receipt."""
    receipts: dict[int, ReceiptRecord] = {}
    reached = 0
    for index in indexes:
        if index >= reached:
            receipt = journal.first_receipt_covering(log, index + 1)
            if receipt is None:
                break
            receipts[receipt.size] = receipt
            reached = receipt.size
    sizes = sorted(receipts)
    kept = {size: receipts[size] for size in _thinned(sizes)}
    checkpoint = journal.first_checkpoint_covering(log, indexes[-1] + 1)
    heads = {size: _head(journal.checkpoint_at(log, size), receipt) for size, receipt in kept.items()}
    if checkpoint is not None:
        heads[checkpoint.size] = _head(checkpoint, kept.get(checkpoint.size))
    return [heads[size] for size in sorted(heads)]


def _thinned(sizes: Sequence[int]) -> Sequence[int]:
    """At most RECEIPTS_SHOWN_MAX of the sizes, evenly, with the last one among them."""
    step = -(-len(sizes) // RECEIPTS_SHOWN_MAX)
    return sizes[::-1][:: max(step, 1)]


def _head(checkpoint: CheckpointRecord | None, receipt: ReceiptRecord | None) -> Head:
    found = checkpoint or receipt
    assert found is not None
    return Head(
        found.size,
        found.root,
        None if checkpoint is None else checkpoint.signature,
        None if receipt is None else (receipt.time, receipt.signature),
    )
