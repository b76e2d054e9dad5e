"""Lines, logs and records to store."""

from __future__ import annotations

from typing import Any

from watchline.core.merkle import leaf_hash, root_of
from watchline.core.records import CheckpointRecord, EntryRecord, Log, Pair, Record, StatementRecord, StateRecord
from watchline.journal import LineRecord

NODE_KEY = b"k" * 32
LINE = b"L" * 32
OTHER_LINE = b"M" * 32
PAIR = Pair(1, 1)
OURS = Log(LINE, PAIR, True)
THEIRS = Log(LINE, PAIR, False)


def line_record(line: bytes = LINE, name: str = "north", *, confirmed: bool = False) -> LineRecord:
    return LineRecord(line, name, 1_700_000_000, confirmed, b"pairing of " + line)


def entry(index: int, log: Log = OURS, **changes: Any) -> EntryRecord:
    fields: dict[str, Any] = {
        "log": log,
        "index": index,
        "type": index % 10,
        "leaf": leaf(index),
        "body": b"the body of entry %d" % index,
        "blinding": index.to_bytes(32, "big"),
        "sealed": b"sealed %d" % index if log.outgoing else None,
        "epoch": index // 50,
        "time": 1_700_000_000 + index,
    }
    return EntryRecord(**(fields | changes))


def leaf(index: int) -> bytes:
    return b"leaf %d" % index


def root(size: int) -> bytes:
    return root_of(leaf_hash(leaf(index)) for index in range(size))


def checkpoint(size: int, log: Log = OURS) -> CheckpointRecord:
    return CheckpointRecord(log, size, root(size), b"s" * 64)


def turn(index: int, log: Log = OURS) -> list[Record]:
    """What one sent entry commits."""
    state = StateRecord(log.line, "chain", b"chain key %d" % (index + 1))
    edge = StateRecord(log.line, "edge", b"edge %d" % (index + 1))
    return [entry(index, log), checkpoint(index + 1, log), state, edge]


def statement(**changes: Any) -> StatementRecord:
    fields: dict[str, Any] = {
        "line": LINE,
        "pair": PAIR,
        "ours": False,
        "type": 3,
        "time": 1_700_000_000,
        "our_size": 0,
        "their_size": 0,
        "payload": b"payload",
        "ed": b"e" * 64,
        "ml": None,
        "keep": False,
    }
    return StatementRecord(**(fields | changes))
