"""Signed statements outside the log: epochs, prekeys, status, routes (rules 4, 10, 12, 25).

    signed  = "watchline/1 statement" || 0x00 || dCBOR[TYPE, LINE, from, to, inc, peer_inc, ...]
    on wire = dCBOR[TYPE, inc, peer_inc, ...]: the receiver puts in the parties it knows, so no statement fits another line,
              another direction, or the desk that made it

Both halves (Ed25519 and ML-DSA-44) must hold; only a status may travel with Ed25519 alone, and is then provisional.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from watchline.core import shapes
from watchline.core.encoding import Value, decode, encode
from watchline.core.entries import Direction
from watchline.core.epochs import EpochOpening
from watchline.core.frames import Stated
from watchline.core.keys import StatementKey, StatementPublic
from watchline.core.limits import OPEN_LISTED_MAX, PREKEYS_MAX, STATEMENT_BYTES_MAX
from watchline.errors import BadSignature, Malformed, WrongParty

SIGNED_PREFIX = b"watchline/1 statement\0"
ROUTES_MAX = 16
KEM_PUBLIC_BYTES = 1216
SEALED_SEED_BYTES = 1120 + 32 + 16


class StatementType(IntEnum):
    """What a statement says."""

    EPOCH = 1
    PREKEYS = 2
    STATUS = 3
    ROUTES = 4


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that was signed or verified: `payload` is the whole dCBOR, `values` what follows the incarnations."""

    type: StatementType
    direction: Direction
    values: tuple[Value, ...]
    payload: bytes
    ed: bytes
    ml: bytes | None

    def stated(self) -> Stated:
        """The statement as it travels, without the parties."""
        return Stated(_spoken(self.type, self.direction, self.values), self.ed, self.ml)


def _payload(kind: int, direction: Direction, values: tuple[Value, ...]) -> bytes:
    return encode([int(kind), *direction, *values])


def _spoken(kind: int, direction: Direction, values: tuple[Value, ...]) -> bytes:
    return encode([int(kind), direction.inc, direction.peer_inc, *values])


def sign_statement(
    kind: StatementType, direction: Direction, values: tuple[Value, ...], key: StatementKey, *, both: bool = True
) -> Statement:
    """Make a statement. direction: ours, outgoing. both: False leaves ML-DSA out, which only a status may."""
    payload = _payload(kind, direction, values)
    if len(payload) > STATEMENT_BYTES_MAX:
        raise ValueError("statement too large")
    if both:
        signature = key.sign(SIGNED_PREFIX + payload)
        return Statement(kind, direction, values, payload, signature.ed, signature.ml)
    return Statement(kind, direction, values, payload, key.sign_ed(SIGNED_PREFIX + payload), None)


def verify_statement(stated: Stated, direction: Direction, key: StatementPublic) -> Statement:
    """Read and verify a statement. direction: the sender's, incoming for us; key: its certificate's.

    Raises Malformed (39), WrongParty (20) for other incarnations, BadSignature (4).
    """
    parts = shapes.array(decode(stated.spoken), "statement")
    if len(parts) < 3:
        raise Malformed("a statement names its type and incarnations", rule=4)
    number = shapes.integer(parts[0], "TYPE")
    if number not in StatementType.__members__.values():
        raise Malformed("a statement of a type that this version does not know", rule=4, type=number)
    kind = StatementType(number)
    inc, peer_inc = shapes.integer(parts[1], "inc"), shapes.integer(parts[2], "peer_inc")
    if (inc, peer_inc) != (direction.inc, direction.peer_inc):
        raise WrongParty("the statement belongs to other incarnations", rule=20, inc=inc, peer_inc=peer_inc)
    if stated.ml is None and kind != StatementType.STATUS:
        raise BadSignature("only a status may carry one signature alone", rule=4)
    payload = _payload(kind, direction, tuple(parts[3:]))
    key.verify(SIGNED_PREFIX + payload, stated.ed, stated.ml)
    return Statement(kind, direction, tuple(parts[3:]), payload, stated.ed, stated.ml)


def preview(stated: Stated) -> tuple[int, list[Value]]:
    """The type and values that a statement claims, not verified: good for nothing but to drop it before its signatures cost.

    Raises Malformed (rules 4 and 39).
    """
    parts = shapes.array(decode(stated.spoken), "statement")
    if len(parts) < 3:
        raise Malformed("a statement names its type and incarnations", rule=4)
    return shapes.integer(parts[0], "TYPE"), parts[3:]


def read_statement(payload: bytes, ed: bytes, ml: bytes | None, key: StatementPublic) -> Statement:
    """Read and verify a statement in its whole form, as kept or shown in evidence: the parties are what it says they are.

    Raises Malformed (39) or BadSignature (4). The caller compares `direction` with the one it expects.
    """
    if len(payload) > STATEMENT_BYTES_MAX:
        raise Malformed(f"a statement is at most {STATEMENT_BYTES_MAX} bytes", rule=39)
    parts = shapes.array(decode(payload), "statement")
    if len(parts) < 6:
        raise Malformed("a statement names its type, line, parties and incarnations", rule=4)
    direction = Direction(
        shapes.octets(parts[1], "LINE", length=32),
        shapes.octets(parts[2], "from", length=32),
        shapes.octets(parts[3], "to", length=32),
        shapes.integer(parts[4], "inc"),
        shapes.integer(parts[5], "peer_inc"),
    )
    number = shapes.integer(parts[0], "TYPE", at_least=min(StatementType), at_most=max(StatementType))
    return verify_statement(Stated(_spoken(number, direction, tuple(parts[6:])), ed, ml), direction, key)


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A notice of the hearer whose clock nobody at the speaker's desk has closed.

    kind: 0 acknowledge, 1 answer. seconds: since custody, by the speaker's running clock. allowed: by the terms.
    """

    index: int
    kind: int
    seconds: int
    allowed: int


@dataclass(frozen=True, slots=True)
class Status:
    """What one node says of the line, all of it one committed state (rule 25). held_*: of the hearer's log.

    rung: every notice below this index sounded on an armed console. watch: people signed in, armed consoles, seconds since
    there was one of each. nonce: new in each status; echo: the hearer's last nonce, None if none was heard.
    """

    time: int
    size: int
    root: bytes
    held_size: int
    held_root: bytes
    epoch_held: int
    prekeys_held: int
    serial: int
    peer_serial: int
    open: tuple[OpenItem, ...]
    left_out: int
    rung: int
    watch: tuple[int, int, int]
    nonce: bytes
    echo: bytes | None

    def values(self) -> tuple[Value, ...]:
        """What follows the incarnations in the statement."""
        return (
            self.time,
            self.size,
            self.root,
            self.held_size,
            self.held_root,
            self.epoch_held,
            self.prekeys_held,
            self.serial,
            self.peer_serial,
            [[item.index, item.kind, item.seconds, item.allowed] for item in self.open],
            self.left_out,
            self.rung,
            list(self.watch),
            self.nonce,
            self.echo,
        )


def read_status(statement: Statement) -> Status:
    """Give the status that a verified statement holds; raises Malformed (25)."""
    return _read_status(list(statement.values))


def _read_status(values: list[Value]) -> Status:
    parts = shapes.array(values, "status", length=15)
    counts = [shapes.integer(parts[at], "status count") for at in (0, 1, 3, 5, 6, 7, 8, 10, 11)]
    time, size, held_size, epoch_held, prekeys_held, serial, peer_serial, left_out, rung = counts
    people, armed, alone = (shapes.integer(part, "watch") for part in shapes.array(parts[12], "watch", length=3))
    return Status(
        time,
        size,
        shapes.octets(parts[2], "my root", length=32),
        held_size,
        shapes.octets(parts[4], "the root that I hold", length=32),
        epoch_held,
        prekeys_held,
        serial,
        peer_serial,
        tuple(map(_read_open_item, shapes.array(parts[9], "open", at_most=OPEN_LISTED_MAX))),
        left_out,
        rung,
        (people, armed, alone),
        shapes.octets(parts[13], "nonce", length=16),
        None if parts[14] is None else shapes.octets(parts[14], "echo", length=16),
    )


def kept_rung(payload: bytes) -> int:
    """The rung in a status as it was verified and kept: nothing is verified here."""
    return shapes.integer(shapes.array(decode(payload), "status", length=21)[17], "rung")


def status_in(payload: bytes) -> Status:
    """What a whole status says, as it was signed; nothing is verified. Raises Malformed (4, 25)."""
    parts = shapes.array(decode(payload), "statement")
    if len(parts) < 6 or parts[0] != StatementType.STATUS:
        raise Malformed("this statement is no status", rule=4)
    return _read_status(parts[6:])


def _read_open_item(value: Value) -> OpenItem:
    index, kind, seconds, allowed = shapes.array(value, "open item", length=4)
    return OpenItem(
        shapes.integer(index, "i"),
        shapes.integer(kind, "kind of clock", at_most=1),
        shapes.integer(seconds, "seconds"),
        shapes.integer(allowed, "allowed"),
    )


def epoch_values(opening: EpochOpening) -> tuple[Value, ...]:
    """What an EPOCH statement says."""
    return (opening.epoch, opening.pre_id, opening.prekey_hash, opening.sealed_seed)


def read_epoch(statement: Statement) -> EpochOpening:
    """Give the opening that a verified EPOCH statement holds; raises Malformed (12)."""
    epoch, pre_id, prekey_hash, sealed_seed = shapes.array(list(statement.values), "epoch", length=4)
    return EpochOpening(
        shapes.integer(epoch, "e", at_least=1),
        shapes.integer(pre_id, "pre_id"),
        shapes.octets(prekey_hash, "hash of the prekey", length=32),
        shapes.octets(sealed_seed, "ct", length=SEALED_SEED_BYTES),
    )


def read_prekeys(statement: Statement) -> dict[int, bytes]:
    """Give the public keys of a verified PREKEYS statement by their numbers; raises Malformed (10)."""
    first, keys = shapes.array(list(statement.values), "prekeys", length=2)
    start = shapes.integer(first, "first pre_id", at_least=1)
    listed = shapes.array(keys, "prekeys", at_most=PREKEYS_MAX)
    return {start + n: shapes.octets(key, "prekey", length=KEM_PUBLIC_BYTES) for n, key in enumerate(listed)}


def read_routes(statement: Statement) -> tuple[int, tuple[tuple[str, str], ...]]:
    """Give (time, routes) of a verified ROUTES statement: the latest time holds; each route is (kind, address)."""
    time, routes = shapes.array(list(statement.values), "routes", length=2)
    listed = [shapes.array(route, "route", length=2) for route in shapes.array(routes, "routes", at_most=ROUTES_MAX)]
    return shapes.integer(time, "time"), tuple(
        (shapes.text(kind, "kind", at_most=32), shapes.text(address, "address", at_most=512)) for kind, address in listed
    )
