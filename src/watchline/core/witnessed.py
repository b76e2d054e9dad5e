"""The cosignatures of witnesses on one line: ours are told to the peer once it holds what they cover; the peer's are judged
against our copy of its log and kept (rules 19, 27). A witness's time says that a head existed no later, and nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from watchline.core.checkpoint import Checkpoint, VerifierKey
from watchline.core.encoding import encode
from watchline.core.frames import Cosigned, Item
from watchline.core.incoming import Incoming
from watchline.core.keys import verify_ed25519
from watchline.core.limits import NOTE_SIGNATURES_MAX
from watchline.core.outgoing import Outgoing
from watchline.core.records import CheckpointRecord, CosignatureRecord, NonceRecord, Record
from watchline.core.setting import LineSetup, Moment, Reader
from watchline.core.terms import Terms
from watchline.core.witnessing import CLOCK_SLACK_SECONDS, Cosignature, bound_nonce, verify_cosignature, witness_keys
from watchline.errors import Contradiction, Malformed, WrongParty

REPEATED = 2 * NOTE_SIGNATURES_MAX  # the newest cosignatures are told again at each connection: a frame may have been lost
MADE_KEPT = 64  # as many nonces as an answer may still echo


class Witnessed:
    """The cosignatures of one line. Nothing is durable by itself: `Line` gathers the records of one turn."""

    def __init__(self, outgoing: Outgoing, incoming: Incoming, reader: Reader) -> None:
        self._outgoing = outgoing
        self._incoming = incoming
        self._reader = reader
        self._last: CosignatureRecord | None = None
        self._untold: list[CosignatureRecord] = []
        self._made: dict[bytes, NonceRecord] = {}
        self._keys: tuple[Terms | None, dict[str, VerifierKey]] = (None, {})

    def restore(self, setup: LineSetup) -> None:
        """Take up the newest cosignature that is kept: the nonces of our statuses are made of it."""
        for log in (setup.outgoing_log, setup.incoming_log):
            self._note(self._reader.latest_cosignatures(log, 1))

    def keys(self, terms: Terms) -> dict[str, VerifierKey]:
        """The keys of the witnesses of these terms, by their text."""
        if self._keys[0] is not terms:
            self._keys = terms, witness_keys(terms)
        return self._keys[1]

    # --- ours

    def take(self, records: Sequence[CosignatureRecord]) -> list[Record]:
        """Keep what witnesses said of our log, which the desk has verified, and tell the peer when it holds as much."""
        self._note(records)
        self._untold += records
        return list(records)

    def tell_again(self, setup: LineSetup) -> None:
        """At a new connection: what was told last may have been lost."""
        if self.keys(self._incoming.history.latest):
            self._untold = self._reader.latest_cosignatures(setup.outgoing_log, REPEATED)[::-1]

    def told(self, setup: LineSetup) -> list[Item]:
        """What the peer can judge now: cosignatures on heads below its last receipt, one item for each head."""
        ready: dict[int, list[CosignatureRecord]] = {}
        for record in self._untold:
            if record.size <= self._outgoing.received:
                ready.setdefault(record.size, []).append(record)
        self._untold = [record for record in self._untold if record.size > self._outgoing.received]
        return [item for size, records in ready.items() for item in self._item(size, records, setup)]

    def _item(self, size: int, records: Sequence[CosignatureRecord], setup: LineSetup) -> list[Item]:
        keys = self.keys(self._incoming.history.latest)
        said = tuple((keys[each.witness].key_id, each.time, each.signature) for each in records if each.witness in keys)
        head = self._reader.checkpoint_at(setup.outgoing_log, size)
        if head is None or not said:
            return []  # other terms name other witnesses
        return [Cosigned(*setup.pair, size, head.root, head.signature, said[:NOTE_SIGNATURES_MAX])]

    # --- the peer's

    def hear(self, item: Cosigned, setup: LineSetup, moment: Moment) -> list[Record]:
        """Judge what the peer says witnesses saw of its log; give what is to be kept, nothing if all of it is known.

        Raises WrongParty, Malformed or BadSignature for what proves nothing, Fork (rule 22) where the peer signed another head
        of that size than the one that we hold, and Contradiction (rule 27) for a time that lies ahead of our clock.
        """
        if (item.inc, item.peer_inc) != setup.pair[::-1]:
            raise WrongParty("cosignatures of another pair of incarnations", rule=27)
        log, keys = setup.incoming_log, self.keys(self._incoming.history.latest).items()
        held = {(record.witness, record.size) for record in self._reader.cosignatures(log, item.size)}
        new = [
            (vkey, Cosignature(key, time, signature))
            for key_id, time, signature in item.cosignatures
            for vkey, key in keys
            if key.key_id == key_id and (vkey, item.size) not in held
        ]
        if not new:
            return []
        if item.size > self._incoming.edge.size:
            raise Malformed("cosignatures on a head that has not arrived", rule=27, size=item.size)
        head = Checkpoint(self._incoming.origin, item.size, item.root)
        verify_ed25519(setup.peer_certificate.certificate.public.log, item.signature, head.text())
        self._incoming.compare_head(item.size, item.root, item.signature)
        for _, cosignature in new:
            verify_cosignature(cosignature, head)
            _refuse_future(cosignature, item, moment)
        kept = [CosignatureRecord(log, item.size, item.root, vkey, said.time, said.signature) for vkey, said in new]
        self._note(kept)
        return [CheckpointRecord(log, item.size, item.root, item.signature), *kept]

    # --- nonces

    def nonce(self, line: bytes, chance: bytes) -> bytes:
        """The nonce of a status of ours. chance: 16 random bytes, which are the nonce where no witness has said anything."""
        if self._last is None:
            return chance
        cosignature = self._last.time.to_bytes(8, "big") + self._last.signature
        nonce = bound_nonce(chance, cosignature)
        self._made[nonce] = NonceRecord(line, nonce, chance, cosignature)
        if len(self._made) > MADE_KEPT:
            del self._made[next(iter(self._made))]
        return nonce

    def made_of(self, nonce: bytes | None) -> list[Record]:
        """What a nonce of ours was made of, to be kept with the status that echoes it."""
        made = None if nonce is None else self._made.pop(nonce, None)
        return [] if made is None else [made]

    def _note(self, records: Iterable[CosignatureRecord]) -> None:
        self._last = max(filter(None, (self._last, *records)), key=lambda record: record.time, default=None)


def _refuse_future(cosignature: Cosignature, item: Cosigned, moment: Moment) -> None:
    """A head cannot have been seen at a time that is still to come; one of the two clocks is wrong."""
    if cosignature.time <= moment.wall + CLOCK_SLACK_SECONDS:
        return
    contradiction = Contradiction(
        "the peer shows a witness's cosignature from a time that is still to come", rule=27, size=item.size
    )
    head = [item.size, item.root, item.signature]
    contradiction.evidence = encode([head, cosignature.witness.to_text(), cosignature.time, cosignature.signature])
    raise contradiction
