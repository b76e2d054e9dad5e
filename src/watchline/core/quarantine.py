"""Frames of a pair of incarnations that is over, and that a relay delivers late (rule 29).

Their entries are opened under the chain that was kept, held against the head that their author signed when it was alive, and
shown to people; they are never appended and never receipted, for the old log is closed. After thirty days the chain is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from watchline.core import shapes
from watchline.core.checkpoint import Checkpoint, origin
from watchline.core.encoding import Value, decode, encode
from watchline.core.entries import Body, Leaf, verify_commitment
from watchline.core.epochs import Chain
from watchline.core.frames import Entries
from watchline.core.incoming import STATE_PART
from watchline.core.keys import verify_ed25519
from watchline.core.merkle import Edge, leaf_hash
from watchline.core.records import EntryRecord, Log, Pair, StateRecord
from watchline.core.setting import LineSetup, Moment, Reader
from watchline.errors import PeerError

KEPT_SECONDS = 30 * 24 * 3600
SHOWN_MAX = 256  # entries of one line since its process started


@dataclass(slots=True)
class _Tail:
    """How far the late entries of one old log have come, and under which chains the next one may be."""

    edge: Edge
    chains: list[Chain]


class Quarantine:
    """The late entries of one line."""

    def __init__(self, setup: LineSetup, reader: Reader, pairs: list[Pair]) -> None:
        self._setup = setup
        self._reader = reader
        self._pairs = pairs
        self._tails: dict[Pair, _Tail | None] = {}
        self._left = SHOWN_MAX

    def take(self, item: Entries, moment: Moment) -> list[EntryRecord]:
        """The entries that follow on what was in custody when their pair ended; none for what cannot be opened or proved.

        They are not records to commit: they belong to no log any more.
        """
        pair = Pair(item.peer_inc, item.inc)
        tail = self._tail(pair) if pair in self._pairs and self._left > 0 else None
        if tail is None or not 0 <= tail.edge.size - item.start < len(item.entries) <= self._left:
            return []
        log = Log(self._setup.line, pair, False)
        if self._reader.size(log) >= item.start + len(item.entries):
            return []  # it came back with what was lost
        try:
            return self._follow(log, tail, item, moment)
        except PeerError:
            return []

    def _follow(self, log: Log, tail: _Tail, item: Entries, moment: Moment) -> list[EntryRecord]:
        direction, own = self._setup.direction(log), log._replace(outgoing=True)
        chain = next((each for each in tail.chains if each.epoch == item.epoch), None)
        key = self._setup.log_key(log)
        if chain is None or key is None:
            return []
        edge, found = tail.edge, list[EntryRecord]()
        known = edge.size - item.start
        for index, entry in enumerate(item.entries[known:], start=edge.size):
            if entry.peer_size > self._reader.size(own):
                return []
            root = self._reader.root_at(own, entry.peer_size)
            leaf = Leaf(direction, index, entry.type, entry.time, entry.commitment, entry.peer_size, root, entry.re)
            encoded = leaf.encode()
            body = chain.open(encoded, entry.sealed)
            blinding = chain.blinding(body)
            verify_commitment(leaf, blinding, body)
            nonce = Body.decode(body).nonce
            found.append(
                EntryRecord(
                    log, index, leaf.type, encoded, body, blinding, None, chain.epoch, moment.wall, leaf.re, nonce=nonce
                )
            )
            edge, chain = edge.append(leaf_hash(encoded)), chain.next()
        name = origin(direction.line, direction.sender, direction.inc, direction.peer_inc)
        verify_ed25519(key, item.signature, Checkpoint(name, edge.size, edge.root()).text())
        later = [each for each in tail.chains if each.epoch > chain.epoch]
        self._tails[log.pair] = _Tail(edge, [chain, *later])
        self._left -= len(found)
        return found

    def _tail(self, pair: Pair) -> _Tail | None:
        if pair not in self._tails:
            self._tails[pair] = self._read_tail(pair)
        return self._tails[pair]

    def _read_tail(self, pair: Pair) -> _Tail | None:
        parts = self._state(pair)
        if parts is None or parts[0] is None:
            return None
        chains = [Chain(*parts[0]), *(Chain(*chain) for chain in parts[1])]
        return _Tail(Edge.from_bytes(parts[5], parts[6]), chains)

    def _state(self, pair: Pair) -> list[Value] | None:
        blob = self._reader.state(self._setup.line, self._setup.at(pair).part(STATE_PART))
        return None if blob is None else shapes.array(decode(blob), "incoming state", length=7)

    def expired(self, begun: int, moment: Moment) -> Iterator[StateRecord]:
        """Deletes the chains of the pairs before, once the present pair is thirty days old. begun: seconds since 1970."""
        if moment.wall - begun < KEPT_SECONDS:
            return
        for pair in self._pairs:
            parts = self._state(pair)
            if parts is not None and parts[0] is not None:
                self._tails.pop(pair, None)
                part = self._setup.at(pair).part(STATE_PART)
                yield StateRecord(self._setup.line, part, encode([None, [], *parts[2:]]))
