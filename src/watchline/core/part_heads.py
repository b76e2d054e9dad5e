"""The signed heads above lost logs of which only a part came back, so far or for good (rule 31).

A piece of a lost log proves itself by a head that its author signed while alive, and by the path that leads from the piece to
it. Whoever holds the rest may lose it before it is asked for: then this part is all there is, and what proved it to us proves
it to the desk that lost it. So the head and the path of the last piece are kept until the log is whole up to its head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchline.core import shapes
from watchline.core.encoding import Value, decode, encode
from watchline.core.frames import SIGNATURE_BYTES
from watchline.core.limits import PROOF_HASHES_MAX
from watchline.core.merkle import HASH_BYTES, Edge, Subtree, earlier_path
from watchline.core.records import CheckpointRecord, Log, Pair, StateRecord
from watchline.core.setting import Reader

STATE_PART = "part-heads"


@dataclass(frozen=True, slots=True)
class Given:
    """What a desk can prove of a log: its first `size` entries, under a head that is at least as large.

    path: from the tree at `size` to the head; none where the head is no larger.
    """

    size: int
    head: CheckpointRecord
    path: tuple[bytes, ...] = ()

    def path_from(self, end: int, subtree: Subtree) -> list[bytes]:
        """The consistency path from the first `end` entries, at most `size`, to the head."""
        return earlier_path(end, self.size, self.head.size, self.path, subtree)


class PartHeads:
    """The heads above the parts of lost logs that one line holds."""

    def __init__(self, line: bytes, reader: Reader) -> None:
        """Raises Malformed (rule 39) for a state that is not ours."""
        self._line = line
        self._reader = reader
        self._kept = dict[Log, Given]()
        blob = reader.state(line, STATE_PART)
        for row in [] if blob is None else shapes.array(decode(blob), "part heads"):
            log, given = _read(line, row)
            self._kept[log] = given

    def held(self, log: Log) -> Given | None:
        """What can be proved of a log: by its author's latest head that we hold whole, or by the one above a part."""
        size, kept, head = self._reader.size(log), self._kept.get(log), self._reader.latest_checkpoint(log)
        if kept is not None and kept.size == size:
            return kept
        return None if head is None or head.size > size else Given(head.size, head)

    def take(self, edge: Edge, head: CheckpointRecord, path: Sequence[bytes]) -> StateRecord | CheckpointRecord:
        """What to keep of the head of a piece that leads up to `edge`; the caller has verified it.

        A log that is whole up to its head needs nothing else from then on.
        """
        if edge.size == head.size:
            self._kept.pop(head.log, None)
            return head
        self._kept[head.log] = Given(edge.size, head, tuple(path))
        return StateRecord(self._line, STATE_PART, encode([_shown(log, given) for log, given in sorted(self._kept.items())]))


def _shown(log: Log, given: Given) -> list[Value]:
    head = given.head
    return [*log.pair, log.outgoing, given.size, [head.size, head.root, head.signature], list(given.path)]


def _read(line: bytes, row: Value) -> tuple[Log, Given]:
    ours, theirs, outgoing, size, head, path = shapes.array(row, "part head", length=6)
    pair = Pair(shapes.integer(ours, "inc", at_least=1), shapes.integer(theirs, "peer_inc", at_least=1))
    log = Log(line, pair, shapes.boolean(outgoing, "outgoing"))
    head_size, root, signature = shapes.array(head, "head", length=3)
    above = CheckpointRecord(
        log,
        shapes.integer(head_size, "head size"),
        shapes.octets(root, "root", length=HASH_BYTES),
        shapes.octets(signature, "signature", length=SIGNATURE_BYTES),
    )
    hashes = [shapes.octets(each, "hash", length=HASH_BYTES) for each in shapes.array(path, "path", at_most=PROOF_HASHES_MAX)]
    return log, Given(shapes.integer(size, "size", at_most=above.size), above, tuple(hashes))
