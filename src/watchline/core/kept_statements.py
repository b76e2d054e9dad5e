"""Statements as records of the journal, and as evidence: what a desk keeps of what it, or the peer, has signed."""

from __future__ import annotations

from watchline.core.encoding import encode
from watchline.core.records import StatementRecord
from watchline.core.setting import LineSetup, Reader
from watchline.core.statements import Statement, StatementType, read_statement


def statement_record(
    setup: LineSetup,
    statement: Statement,
    time: int,
    *,
    ours: bool,
    our_size: int = 0,
    their_size: int = 0,
    keep: bool = False,
) -> StatementRecord:
    """The record of a statement that we made or verified. Sizes: of both logs, where a status speaks of them."""
    return StatementRecord(
        setup.line, setup.pair, ours, statement.type, time, our_size, their_size,
        statement.payload, statement.ed, statement.ml, keep,
    )  # fmt: skip


def stored_statement(reader: Reader, setup: LineSetup, kind: StatementType, *, ours: bool) -> Statement | None:
    """The last statement of this kind by us or by the peer, verified once more; None if this pair of incarnations has none."""
    record = reader.statement(setup.line, ours, kind)
    if record is None or record.pair != setup.pair:
        return None
    certificate = setup.own_certificate if ours else setup.peer_certificate
    return read_statement(record.payload, record.ed, record.ml, certificate.certificate.public.statement)


def statement_evidence(statement: Statement) -> bytes:
    """A signed statement as evidence keeps it: dCBOR[payload, ed, ml]."""
    return encode([statement.payload, statement.ed, statement.ml])


def rollback_evidence(reader: Reader, setup: LineSetup, statement: Statement) -> bytes:
    """A status that shows less than before, beside the peer's last signed head and its last receipt; null for none."""
    head, receipt = reader.latest_checkpoint(setup.incoming_log), reader.latest_receipt(setup.outgoing_log)
    return encode([
        statement_evidence(statement),
        None if head is None else [head.size, head.root, head.signature],
        None if receipt is None else [receipt.size, receipt.root, receipt.time, receipt.signature],
    ])  # fmt: skip
