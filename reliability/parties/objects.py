"""Everything signed that travels in a frame, made from the protocol's text: by whom and for whom says the `Spec`.

Each object is one that the hearer would take next, were it made by the right party: that is offered too, when a run ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from reliability.parties.desks import LINE, WITNESS, Spec, identity_keys
from reliability.parties.hearer import Hearer
from tests.dishonest import notice_body, status_of
from tests.line_pair import START, party
from watchline.core.checkpoint import Checkpoint, cosignature_message, origin
from watchline.core.encoding import Value, encode
from watchline.core.entries import Direction, EntryType, Leaf
from watchline.core.epochs import Chain, open_epoch
from watchline.core.keys import KemKey
from watchline.core.merkle import Edge, leaf_hash
from watchline.core.statements import SIGNED_PREFIX, StatementType, Status, epoch_values


@dataclass(frozen=True)
class Facts:
    """How the hearer's line stands: what an object must say to be the next one there.

    chain, edge: the author's, before its next entry. held: the hearer's log as the author holds it. own: the hearer's log.
    prekey: a single-use key of the hearer that is left, with its number. stock: the last number of the author's own prekeys.
    """

    chain: Chain
    edge: Edge
    held: Edge
    own: Edge
    prekey: tuple[int, bytes]
    stock: int
    status: Status
    secret: bytes


def facts_of(hearer: Hearer) -> Facts:
    """Read them from the author's side of the hearer's line."""
    author, own = hearer.pair.a, hearer.line
    number = min(author.line.outgoing.prekeys)
    return Facts(
        author.line.outgoing.chain,
        author.line.outgoing.edge,
        author.line.incoming.edge,
        own.outgoing.edge,
        (number, author.line.outgoing.prekeys[number]),
        own.outgoing.highest_prekey,
        status_of(hearer.pair, author),
        author.setup.secret,
    )


Maker = Callable[[Spec, Facts], Value]


def _entry(spec: Spec, facts: Facts) -> tuple[Leaf, bytes, bytes, bytes]:
    """The next entry: leaf, ciphertext, root and signature. The leaf goes to `inner`; the head is signed for `direction`."""
    body = notice_body("the next one")
    committed = facts.chain.commit(body)[1]
    size, root = facts.held.size, facts.held.root()
    leaf = Leaf(spec.inner, facts.edge.size, int(EntryType.NOTICE), START, committed, size, root, None)
    edge = facts.edge.append(leaf_hash(leaf.encode()))
    signature = spec.sign["log"](Checkpoint(log_origin(spec.direction), edge.size, edge.root()).text())
    return leaf, facts.chain.seal(leaf.encode(), body), edge.root(), signature


def log_origin(author: Direction) -> str:
    """The origin of the log that goes in this direction."""
    return origin(author.line, author.sender, author.inc, author.peer_inc)


def turned(direction: Direction) -> Direction:
    """The direction back."""
    line, sender, recipient, inc, peer_inc = direction
    return Direction(line, recipient, sender, peer_inc, inc)


def entries(spec: Spec, facts: Facts) -> Value:
    """Kind 1: one entry."""
    leaf, sealed, _, signature = _entry(spec, facts)
    wire = [leaf.type, leaf.time, leaf.commitment, leaf.peer_size, leaf.re, sealed]
    return [1, *spec.declared, facts.chain.epoch, leaf.index, [wire], signature]


def full_entry(spec: Spec, facts: Facts) -> Value:
    """Kind 4: the same entry in full. The incarnations that it declares stand in its leaf."""
    leaf, sealed, root, signature = _entry(spec, facts)
    return [4, facts.chain.epoch, leaf.encode(), sealed, root, signature]


def receipt(spec: Spec, facts: Facts) -> Value:
    """Kind 2: custody of the hearer's last entry."""
    time = START + 7
    text = Checkpoint(log_origin(turned(spec.direction)), facts.own.size, facts.own.root()).text()
    return [2, *spec.declared, facts.own.size, time, spec.sign["custody"](cosignature_message(time, text))]


def shown_checkpoint(spec: Spec, facts: Facts) -> Value:
    """Kind 8: a head of the hearer's own log that it does not hold, as if it had been set back."""
    size, root = facts.own.size + 40, sha256(b"what was lost").digest()
    text = Checkpoint(log_origin(turned(spec.direction)), size, root).text()
    return [8, *spec.declared[::-1], size, root, spec.sign["peer log"](text)]


def cosigned(spec: Spec, facts: Facts) -> Value:
    """Kind 7: what a witness said of the author's last head."""
    time = START + 8
    text = Checkpoint(log_origin(spec.direction), facts.edge.size, facts.edge.root()).text()
    said = [WITNESS.verifier.key_id, time, spec.sign["witness"](cosignature_message(time, text))]
    return [7, *spec.declared, facts.edge.size, facts.edge.root(), spec.sign["log"](text), [said]]


def certificate(spec: Spec, _: Facts) -> Value:
    """Kind 9: the author's certificate with the next serial; for another line it says so."""
    desk, line = spec.direction.sender, spec.direction.line
    keys = party(spec.identity, max(1, spec.direction.inc)).keys.public
    public = [keys.statement.ed, keys.statement.ml, keys.log, keys.custody, keys.kem, keys.tls_fingerprint]
    validity = [START - 86400, START + 365 * 86400]
    body = encode([desk, None if line == LINE else line, 2, spec.direction.inc, *public, *validity, None])
    return [9, encode([body, *identity_keys()[spec.identity](spec.purpose, body)])]


def _statement(kind: StatementType, values: Callable[[Spec, Facts], tuple[Value, ...]]) -> Maker:
    def make(spec: Spec, facts: Facts) -> Value:
        said = values(spec, facts)
        message = SIGNED_PREFIX + encode([int(kind), *spec.direction, *said])
        signed = spec.sign["statement"](message), spec.sign["statement ml"](message)
        return [3, encode([int(kind), *spec.declared, *said]), *signed]

    return make


def _epoch(spec: Spec, facts: Facts) -> tuple[Value, ...]:
    number, prekey = facts.prekey
    seed = sha256(b"seed").digest()
    opening, _ = open_epoch(spec.inner, facts.chain.epoch + 1, number, prekey, seed, facts.secret, facts.chain.root_key)
    return epoch_values(opening)


def _prekeys(_: Spec, facts: Facts) -> tuple[Value, ...]:
    return facts.stock + 1, [KemKey(bytes(32)).public, KemKey(bytes(31) + b"\1").public]


def _status(_: Spec, facts: Facts) -> tuple[Value, ...]:
    return facts.status.values()


def _routes(_: Spec, __: Facts) -> tuple[Value, ...]:
    return START + 9, [["direct", "192.0.2.9:4300"], ["direct", "[2001:db8::9]:4300"]]


MAKERS: dict[str, Maker] = {
    "entries": entries,
    "full entry": full_entry,
    "receipt": receipt,
    "cosigned": cosigned,
    "shown checkpoint": shown_checkpoint,
    "certificate": certificate,
    "EPOCH": _statement(StatementType.EPOCH, _epoch),
    "PREKEYS": _statement(StatementType.PREKEYS, _prekeys),
    "STATUS": _statement(StatementType.STATUS, _status),
    "ROUTES": _statement(StatementType.ROUTES, _routes),
}
"""By name: what is signed in a frame. `inventory` compares it with what core reads."""

SIGNED_BY: dict[str, tuple[str, ...]] = {
    "entries": ("log",),
    "full entry": ("log",),
    "receipt": ("custody",),
    "cosigned": ("log", "witness"),
    "shown checkpoint": ("peer log",),
    "certificate": (),
    **{kind.name: ("statement", "statement ml") for kind in StatementType},
}
"""Whose signatures each one carries, by the purpose of the key."""

UNSIGNED: dict[int, Value] = {
    0: [0, 7, None, 0],
    6: [6, 22, 1, 1],
    10: [10, False, 1, 1, 0],
    11: [11, False, 1, 1, 0, [[b"leaf", bytes(32), b"body"]], [1, bytes(32), bytes(64)], []],
}
"""Items that nobody signs, or that nobody asked for: a slot that other objects are offered in, too."""
