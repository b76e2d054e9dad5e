"""Gather from the journal what evidence shows: the entries that people named, and all that proves them.

Shown with the named entries are those that refer to them (acknowledgements, answers ...), those that they refer to, and the
changes of the rosters before, and nothing else of the line: every other entry stays a hash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from watchline.core.amendments import JournalSource, end_before
from watchline.core.checkpoint import VerifierKey
from watchline.core.entries import EntryType, Leaf
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
from watchline.core.pairing import Pairing, read_pairing_files
from watchline.core.records import CheckpointRecord, Log, Pair, ReceiptRecord, StatementRecord
from watchline.core.setting import LineSetup
from watchline.core.statements import StatementType
from watchline.core.witnessing import witness_keys
from watchline.desk.witnessed_heads import with_cosignatures
from watchline.errors import JournalError, PeerError, UsageError
from watchline.journal import Journal, LineRecord

RECEIPTS_SHOWN_MAX = 1_024  # of one log; beyond, some entries are dated by a later receipt than their first


Reference = tuple[Log, int]
"""One entry of the journal: its log and index."""


def export_evidence(
    journal: Journal, row: LineRecord, setup: LineSetup, references: Sequence[Reference] | None = None
) -> tuple[bytes, bool]:
    """The file of evidence for these entries of a line, or for all where none is named, and whether it is complete.

    Raises UsageError for an entry that there is not, and JournalError if what the journal holds does not verify.
    """
    try:
        return build_and_judge(gather(journal, row, setup, references))
    except PeerError as error:
        hint = "keep the journal as it is and call for help: it holds what does not verify"
        raise JournalError(error.message, hint=hint, reason="damaged") from error


def gather(journal: Journal, row: LineRecord, setup: LineSetup, references: Sequence[Reference] | None = None) -> Bundle:
    """All that evidence for these entries is built from, or for all entries where none is named.

    Raises UsageError for an entry that there is not, and PeerError if the stored pairing does not verify.
    """
    pairing = Pairing.decode(row.pairing)
    shown = _with_related(journal, setup, references) if references else _all(journal, row.line)
    if not shown:
        raise UsageError("there is nothing on this line to export", hint="export once an entry was sent or received")
    statuses = _choose_statuses(journal, row.line, shown)
    witnesses = witness_keys(pairing.terms)
    logs = [_gather_log(journal, pairing, log, sorted(indexes), statuses, witnesses) for log, indexes in shown.items()]
    spoken = [_show_status(pairing, record) for record in statuses]
    return Bundle(
        pairing.files,
        tuple(sorted(_later_certificates(journal, pairing, setup))),
        tuple(sorted(logs, key=lambda shown_log: shown_log.name)),
        tuple(sorted(spoken, key=lambda status: status.speaker)),
    )


def _later_certificates(journal: Journal, pairing: Pairing, setup: LineSetup) -> Iterator[tuple[str, int, bytes]]:
    """What both desks' identities certified since the pairing files, which hold the first certificates."""
    paired = read_pairing_files(pairing.files)
    for own, current in ((True, setup.own_certificate), (False, setup.peer_certificate)):
        first = paired.inviter if own == pairing.inviter else paired.accepter
        known = {record.serial: record.encoded for record in journal.certificates(pairing.line, own)}
        known.setdefault(current.certificate.serial, current.encoded)
        for serial, encoded in known.items():
            if serial > first.certificate.certificate.serial:
                yield _side(pairing, own), serial, encoded


def _side(pairing: Pairing, own: bool) -> str:
    return INVITER if own == pairing.inviter else ACCEPTER


def _name(pairing: Pairing, log: Log) -> LogName:
    ours, theirs = log.pair
    return LogName(_side(pairing, log.outgoing), *((ours, theirs) if log.outgoing else (theirs, ours)))


def _all(journal: Journal, line: bytes) -> dict[Log, set[int]]:
    sizes = {log: journal.size(log) for log in journal.logs(line)}
    return {log: set(range(size)) for log, size in sizes.items() if size}


def _with_related(journal: Journal, setup: LineSetup, references: Sequence[Reference]) -> dict[Log, set[int]]:
    """The named entries, what they refer to, what refers to them, and by which rosters and terms all of them are judged."""
    named = set(references)
    shown: dict[Log, set[int]] = {}
    for log, index in named:
        if not 0 <= index < journal.size(log):
            raise UsageError("there is no such entry", hint="`watchline log LINE` lists them", index=index)
        shown.setdefault(log, set()).add(index)
    for log in {side for named_log in shown for side in (named_log, _reverse(named_log))}:
        for index, (_, kind, re) in enumerate(journal.leaves(log, 0, journal.size(log))):
            if re is None:
                continue
            target = log if kind == EntryType.CANCEL else _reverse(log)
            if (target, re) in named:
                shown.setdefault(log, set()).add(index)
            if (log, index) in named and re < journal.size(target):
                shown.setdefault(target, set()).add(re)
    for log, index in [place for pair in {log.pair for log in shown} for place in _terms_below(journal, setup, pair, shown)]:
        shown.setdefault(log, set()).add(index)
    for log, indexes in shown.items():  # who may release is judged by the changes of the roster below an entry
        leaves = enumerate(journal.leaves(log, 0, max(indexes)))
        indexes.update(index for index, (_, kind, _) in leaves if kind == EntryType.ROSTER)
    return shown


def _terms_below(journal: Journal, setup: LineSetup, pair: Pair, shown: dict[Log, set[int]]) -> Iterator[Reference]:
    """The entries by which both desks amended the terms, as far as what is shown of this pair saw them, and where pairs of
    incarnations lie between, the entries 0 that tie them.
    """
    source, held = JournalSource(setup, journal), None
    logs = Log(setup.line, pair, outgoing=True), Log(setup.line, pair, outgoing=False)
    seen = [_seen(journal, log, shown) for log in logs]
    ties: list[Reference] = []
    while True:
        texts = [
            (log, entered.index)
            for log, found, size in zip(logs, source.entered(pair), seen, strict=True)
            for entered in found
            if entered.index < size
        ]
        if texts:
            yield from (*texts, *ties)
            ties = []
        end = end_before(pair, source, held)
        if end is None:
            return
        ties += [(log, 0) for log in logs if journal.size(log)]
        pair, held, seen = end.pair, end, [end.ours, end.theirs]
        logs = Log(setup.line, pair, outgoing=True), Log(setup.line, pair, outgoing=False)


def _seen(journal: Journal, log: Log, shown: dict[Log, set[int]]) -> int:
    """How many entries of a log something shown stands above, in it or in the other one."""
    own, other = shown.get(log), shown.get(_reverse(log))
    sizes = [max(own)] if own else []
    if other:  # peer_size never falls
        last = journal.entry(_reverse(log), max(other))
        sizes += [] if last is None else [Leaf.decode(last.leaf).peer_size]
    return max(sizes, default=0)


def _reverse(log: Log) -> Log:
    return log._replace(outgoing=not log.outgoing)


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
    indexes: list[int],
    statuses: list[StatementRecord],
    witnesses: Mapping[str, VerifierKey],
) -> ShownLog:
    heads = with_cosignatures(journal, log, indexes, _gather_heads(journal, log, indexes), witnesses)
    said = {record.our_size if log.outgoing else record.their_size for record in statuses if record.pair == log.pair}
    spans = hidden_spans(indexes, sorted(said | {head.size for head in heads}))
    return ShownLog(
        _name(pairing, log),
        tuple(_read_entries(journal, log, indexes)),
        tuple(heads),
        tuple((start, end, journal.subtree(log, start, end)) for start, end in spans),
    )


def _read_entries(journal: Journal, log: Log, indexes: Sequence[int]) -> Iterator[ShownEntry]:
    for start, stop in _runs(indexes):
        for record in journal.entries(log, start, stop):
            yield ShownEntry(record.index, record.leaf, record.blinding, record.body)


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
