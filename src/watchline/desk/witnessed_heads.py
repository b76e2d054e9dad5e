"""What witnesses saw of the entries that evidence shows: their cosignatures, beside the heads that the author signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from watchline.core.checkpoint import VerifierKey
from watchline.core.evidence_parts import Head
from watchline.core.limits import NOTE_SIGNATURES_MAX
from watchline.core.records import CosignatureRecord, Log
from watchline.core.witnessing import Cosignature
from watchline.journal import Journal

HEADS_MAX = 1_024  # of one log and witness; beyond, some entries are dated by a later head than the first that was seen
BESIDE_DESKS = NOTE_SIGNATURES_MAX - 2  # a note also has the author's signature and the receipt


def with_cosignatures(
    journal: Journal, log: Log, indexes: Sequence[int], heads: Sequence[Head], witnesses: Mapping[str, VerifierKey]
) -> list[Head]:
    """The heads, and for each index the first head that each of these witnesses cosigned, in ascending order.

    witnesses: their keys by the text that the journal has. indexes: ascending.
    """
    by_size = {head.size: head for head in heads}
    for vkey, key in witnesses.items():
        for record in _first_covering(journal, log, indexes, vkey):
            head = by_size.get(record.size) or Head(record.size, record.root, None, None)
            signed = journal.checkpoint_at(log, record.size)
            if signed is None or len(head.cosignatures) >= BESIDE_DESKS:
                continue
            said = Cosignature(key, record.time, record.signature)
            by_size[record.size] = replace(head, signature=signed.signature, cosignatures=(*head.cosignatures, said))
    return [by_size[size] for size in sorted(by_size)]


def _first_covering(journal: Journal, log: Log, indexes: Sequence[int], vkey: str) -> list[CosignatureRecord]:
    found: list[CosignatureRecord] = []
    for index in indexes:
        if found and index < found[-1].size:
            continue
        record = journal.first_cosignature_covering(log, index + 1, vkey)
        if record is None:
            break
        found.append(record)
    return found[:: -max(-(-len(found) // HEADS_MAX), 1)]  # evenly, and the last one always
