"""A live line that hears what its peer, or a thief of the pairing secret, puts into a frame.

An input is a plan: dCBOR[signed, version, item, ...], the items as rule 19 has them. Where `signed` is 1 the peer's own keys
stand behind the content: statements and certificates are signed as they are, entries are sealed under the peer's chain and
its log key signs the head that follows, receipts are made by its custody key. PLACES in an item stand for values that only the
two logs of this process have. With any other `signed`, or an input that is no plan, the bytes go into the frame as they are.
"""

from __future__ import annotations

import atexit
import copy
import random
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from reliability.fuzz.target import Check, Target, need
from tests.dishonest import status_of
from tests.line_pair import LinePair, Side, joined
from watchline.core.checkpoint import Checkpoint, cosignature_message
from watchline.core.encoding import decode, encode
from watchline.core.entries import Body, EntryType, Leaf, Notice, Precedence, Response
from watchline.core.epochs import open_epoch
from watchline.core.frames import ITEMS_MAX, Entries, WireEntry
from watchline.core.keys import Ed25519Key, KemKey
from watchline.core.limits import FRAME_BYTES_MAX
from watchline.core.line import Line, Phase
from watchline.core.merkle import leaf_hash
from watchline.core.setting import Effects, Moment, ReceiptArrived
from watchline.core.statements import SIGNED_PREFIX
from watchline.core.terms import Witness
from watchline.core.witnessing import WitnessKey
from watchline.errors import Malformed, PeerError
from watchline.journal.sqlite import SqliteJournal

PEER_ROOT, OUR_ROOT = b"the root of the peer's log......", b"the root of our own log........."
COMMITMENT = b"what the body is committed to..."
ECHO = b"our latest nonce"
WITNESS = WitnessKey("witness.example/w1", Ed25519Key(bytes(range(7, 39))))
OPENING = b"hash and seed of the next epoch."
_ROOM = 12 + 16 + 1


@dataclass(frozen=True, slots=True)
class _Made:
    """What a plan is made with: the ends of a line that has talked for a while."""

    pair: LinePair
    hearer: Side
    speaker: Side


def _talked() -> _Made:
    """A line with some notices, acknowledgements and prekeys, and a request for a full form under way."""
    stack = ExitStack()
    pair = stack.enter_context(joined("fuzz"))
    atexit.register(stack.close)
    hearer, speaker = pair.a, pair.b
    for side in (speaker, hearer):
        first = side.say("a balloon")
        side.turn()
        pair.settle(2)
        (hearer if side is speaker else speaker).acknowledge(first)
        pair.settle(4)
    speaker.say("not released", released=False)
    pair.settle(4)
    hearer.say("not received yet")
    hearer.turn()
    broken = WireEntry(1, 0, bytes(32), 0, None, bytes(40))
    size = hearer.line.incoming.edge.size
    hearer.line.receive(speaker.seal(Entries(1, 1, hearer.line.incoming.epoch, size, (broken,), bytes(64))), _moment(pair, 0))
    hearer.turn()
    pair.clock.advance(2)
    history = hearer.line.incoming.history
    agreed = replace(history.base, witnesses=(Witness("the witness", WITNESS.verifier.to_text()),))
    hearer.line.incoming.history = history.with_base(agreed)
    return _Made(pair, hearer, speaker)


def _root(line: Line, size: int) -> bytes:
    """The root of so much of a line's own log; zeros for more than there is: a peer can sign that as well."""
    own = line.outgoing
    return own.root_at(size) if 0 <= size <= own.edge.size else bytes(32)


def _moment(pair: LinePair, seconds: float) -> Moment:
    """The time of one call; what a line draws is the same for each input."""
    now = pair.a.clock.moment()
    return Moment(now.wall + int(seconds), now.running + seconds, random.Random(7).randbytes)


class _Plan:
    """Turns plans into payloads."""

    def __init__(self, made: _Made) -> None:
        self._speaker, self._hearer = made.speaker, made.hearer
        self._line = made.speaker.line
        self._keys = made.speaker.party.keys
        self._signers: dict[int, Callable[[list[Any]], list[Any]]] = {
            1: self._entries,
            2: self._receipt,
            3: self._statement,
            4: self._full,
            7: self._cosigned,
            8: self._shown,
            9: self._certificate,
        }

    def payload(self, data: bytes) -> tuple[bytes, bool]:
        """The payload that a plan asks for, and whether the peer's keys stand behind it."""
        try:
            plan = decode(data)
        except Malformed:
            return data, False
        if type(plan) is not list or len(plan) < 2:
            return data, False
        if plan[0] != 1 or len(plan) > ITEMS_MAX + 2:  # more items are refused together, whoever signed them
            return encode(plan[1:]), False
        return encode([plan[1], *(self._signed(item) for item in plan[2:])]), True

    def _signed(self, item: Any) -> Any:
        signer = self._signers.get(item[0]) if type(item) is list and item and type(item[0]) is int else None
        if signer is None:
            return item
        try:
            signed = signer(item)
            encode(signed)
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, PeerError):
            return item  # of a shape that nobody could sign
        return signed

    def _statement(self, item: list[Any]) -> list[Any]:
        kind, inc, peer_inc, *values = decode(item[1])
        if kind == 3:
            values = self._filled(values)
        if kind == 1 and values[2] == OPENING:
            values = self._opened(values[0], values[1])
        payload = encode([kind, *self._speaker.setup.outgoing[:3], inc, peer_inc, *values])
        signature = self._keys.statement.sign(SIGNED_PREFIX + payload)
        return [3, encode([kind, inc, peer_inc, *values]), signature.ed, None if item[3] is None else signature.ml]

    def _filled(self, values: list[Any]) -> list[Any]:
        if values[2] == PEER_ROOT:
            values[2] = _root(self._line, values[1])
        if values[4] == OUR_ROOT:
            values[4] = _root(self._hearer.line, values[3])
        if values[-1] == ECHO:
            values[-1] = list(self._hearer.line._freshness._made)[-1]
        return values

    def _opened(self, epoch: int, pre_id: int) -> list[Any]:
        own = self._line.outgoing
        prekey = own.prekeys[pre_id] if pre_id else KemKey(bytes(32)).public
        setup = self._speaker.setup
        opening, _ = open_epoch(setup.outgoing, epoch, pre_id, prekey, b"s" * 32, setup.secret, own.chain.root_key)
        return [epoch, pre_id, opening.prekey_hash, opening.sealed_seed]

    def _entries(self, item: list[Any]) -> list[Any]:
        _, inc, peer_inc, epoch, start, entries, _ = item
        edge, chain = self._line.outgoing.edge, self._line.outgoing.chain
        sealed: list[Any] = []
        for index, (kind, time, committed, peer_size, re, body) in enumerate(entries, start=start):
            commitment = chain.commit(body)[1] if committed == COMMITMENT else committed
            root = _root(self._hearer.line, peer_size)
            leaf = Leaf(self._speaker.setup.outgoing, index, kind, time, commitment, peer_size, root, re).encode()
            sealed.append([kind, time, commitment, peer_size, re, chain.seal(leaf, body)])
            edge, chain = edge.append(leaf_hash(leaf)), chain.next()
        return [1, inc, peer_inc, epoch, start, sealed, self._head(edge.size, edge.root())]

    def _full(self, item: list[Any]) -> list[Any]:
        _, epoch, leaf, body, root, _ = item
        parts = decode(leaf)
        if parts[9] == COMMITMENT:
            parts[9] = self._line.outgoing.chain.commit(body)[1]
        if parts[11] == OUR_ROOT:
            parts[11] = _root(self._hearer.line, parts[10])
        leaf = encode([parts[0], *self._speaker.setup.outgoing[:3], *parts[4:]])
        edge = self._line.outgoing.edge.append(leaf_hash(leaf))
        root = edge.root() if root == PEER_ROOT else root
        return [4, epoch, leaf, self._line.outgoing.chain.seal(leaf, body), root, self._head(parts[6] + 1, root)]

    def _receipt(self, item: list[Any]) -> list[Any]:
        _, inc, peer_inc, size, time, _ = item
        own = self._hearer.line.outgoing
        text = Checkpoint(own.origin, size, _root(self._hearer.line, size)).text()
        return [2, inc, peer_inc, size, time, self._keys.custody.sign(cosignature_message(time, text))]

    def _cosigned(self, item: list[Any]) -> list[Any]:
        _, inc, peer_inc, size, root, _, said = item
        root = _root(self._line, size) if root == PEER_ROOT else root
        text = Checkpoint(self._line.outgoing.origin, size, root).text()
        signed = [[key_id, time, WITNESS.key.sign(cosignature_message(time, text))] for key_id, time, _ in said]
        return [7, inc, peer_inc, size, root, self._head(size, root), signed]

    def _shown(self, item: list[Any]) -> list[Any]:
        _, inc, peer_inc, size, root, _ = item
        own = self._hearer.line.outgoing
        root = _root(self._hearer.line, size) if root == OUR_ROOT else root
        text = Checkpoint(own.origin, size, root).text()
        return [8, inc, peer_inc, size, root, self._hearer.party.keys.log.sign(text)]

    def _certificate(self, item: list[Any]) -> list[Any]:
        body = decode(item[1])[0]
        signature = self._speaker.party.identity.sign("watchline/1 certificate", body)
        return [9, encode([body, signature.ed, signature.ml])]

    def _head(self, size: int, root: bytes) -> bytes:
        return self._keys.log.sign(Checkpoint(self._line.outgoing.origin, size, root).text())


def _check_line() -> Check:
    """The line must stand whatever it hears; and what no key of the peer signed must change nothing that counts."""
    made = _talked()
    payload_of = lru_cache(1)(_Plan(made).payload)  # tried again, an input costs what the line costs, and no signatures
    original = made.hearer.line
    kept = [original.setup, original._reader, original._keys, original.incoming.setup]
    cipher = original._keys.opening[0][1]._cipher
    nonce = bytes(12)

    def check(data: bytes) -> None:
        payload, signed = payload_of(data)
        if len(payload) + _ROOM > FRAME_BYTES_MAX:
            return
        line: Line = copy.deepcopy(original, {id(each): each for each in kept})
        line.receive(nonce + cipher.encrypt(nonce, payload + b"\x80", None), _moment(made.pair, 0))
        effects = line.turn(_moment(made.pair, 0))
        if not signed:
            _look(line, effects)
        _store(made.hearer.journal, effects)
        need(all(len(frame) <= FRAME_BYTES_MAX for frame in effects.frames), "a frame goes out that is too long")
        need(len(effects.frames) <= 80, "one frame is answered with more than one for each of its items")
        line.tick(_moment(made.pair, 70))
        line.turn(_moment(made.pair, 70))

    return check


class _Undone(Exception):
    """Takes back what was stored."""


def _store(journal: SqliteJournal, effects: Effects) -> None:
    """The journal must take what the line wants kept."""
    if effects.records:
        with suppress(_Undone), journal._transaction():
            for record in effects.records:
                journal._store[type(record)](record)
            raise _Undone


def _look(line: Line, effects: Effects) -> None:
    """Nobody signed what the line has heard."""
    need(line.phase is Phase.OPEN, "a line is stopped by what nobody signed")
    kinds = {type(event).__name__ for event in effects.events}
    need(kinds <= {"AlarmRaised", "ProbeAnswered"}, f"nobody signed what is told: {kinds}")
    need(not any(isinstance(event, ReceiptArrived) for event in effects.events), "a receipt that nobody made")


def _genuine_plans() -> Mapping[str, bytes]:
    made = _talked()
    speaker, hearer = made.speaker, made.hearer
    line, size, held = speaker.line, speaker.line.outgoing.edge.size, speaker.line.incoming.edge.size
    epoch, wall, blank = line.outgoing.chain.epoch, speaker.clock.wall, bytes(64)
    notice = Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: "気球"}).encode()
    nonce, assertions = speaker.sign(EntryType.NOTICE, notice)
    body = Body(notice, nonce, assertions).encode()
    answered = next(hearer.journal.entries(hearer.setup.outgoing_log, 1, 2))
    leaf = Leaf.decode(answered.leaf)
    response = Response(EntryType.ACKNOWLEDGE, 1, 1, leaf.index, leaf.commitment, "en").encode()
    acknowledged = Body(response, *speaker.sign(EntryType.ACKNOWLEDGE, response)).encode()
    entry, second = [1, wall, COMMITMENT, held, None, body], [2, wall, COMMITMENT, held, 1, acknowledged]
    status = list(status_of(made.pair, speaker).values())
    status[2], status[4], status[-1] = PEER_ROOT, OUR_ROOT, ECHO
    full = encode([1, bytes(32), bytes(32), bytes(32), 1, 1, size, 1, wall, COMMITMENT, held, OUR_ROOT, None])
    pre_id = min(line.outgoing.prekeys)
    keys = [KemKey(bytes([number]) * 32).public for number in (1, 2)]
    highest = hearer.line.outgoing.highest_prekey
    plans: dict[str, list[Any]] = {
        "entries": [[1, 1, 1, epoch, size, [entry, second], blank]],
        "early": [[1, 1, 1, epoch, size + 1, [entry], blank], [1, 1, 1, epoch, size, [entry], blank]],
        "known": [[1, 1, 1, epoch, 0, [entry], blank]],
        "receipt": [[2, 1, 1, hearer.line.outgoing.edge.size, wall, blank]],
        "status": [[3, encode([3, 1, 1, *status]), blank, bytes(1)]],
        "status-alone": [[3, encode([3, 1, 1, *status]), blank, None]],
        "epoch": [[3, encode([1, 1, 1, epoch + 1, pre_id, OPENING, b""]), blank, bytes(1)]],
        "prekeys": [[3, encode([2, 1, 1, highest + 1, keys]), blank, bytes(1)]],
        "routes": [[3, encode([4, 1, 1, wall, [["direct", "192.0.2.1:7700"]]]), blank, bytes(1)]],
        "full": [[4, epoch, full, body, PEER_ROOT, blank]],
        "refusals": [[6, 22, 1, 1], [6, 26, 1, 1], [6, 39, 1, 0]],
        "shown": [[8, 1, 1, 2, OUR_ROOT, blank], [8, 1, 1, 2, bytes(32), blank]],
        "certificate": [[9, speaker.setup.own_certificate.encoded]],
        "cosigned": [[7, 1, 1, size, PEER_ROOT, blank, [[WITNESS.verifier.key_id, wall, blank]]]],
        "probes": [[0, 1, None, 0], [0, None, 1, 5], [77, 1]],
    }
    signed = {name: encode([1, 1, *items]) for name, items in plans.items()}
    return {**signed, "unsigned": encode([0, 1, *(item for items in plans.values() for item in items)]), "junk": b"\x81\x02"}


TARGETS = (Target("line", _check_line, _genuine_plans, refusals=(), inputs=100),)
