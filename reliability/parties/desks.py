"""Who is there: two desks that share two lines, a third desk X that has a line with each, and all of their keys.

No key serves two purposes, so each Ed25519 key of `ed25519_keys` must be refused wherever another one is wanted. The list is
made from the fields of `DeskKeys`, so that a new key joins it by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cache

from tests.line_pair import Party, party
from watchline.core.certificate import PURPOSE as CERTIFICATE_PURPOSE
from watchline.core.entries import Direction
from watchline.core.keys import DeskKeys, Ed25519Key, IdentityKey, KemKey, StatementKey
from watchline.core.witnessing import WitnessKey

AUTHOR, RECIPIENT, THIRD = "Tokyo", "Beijing", "Third"
LINE = bytes(range(32))
WITNESS = WitnessKey("witness.example/w1", Ed25519Key(bytes(range(7, 39))))  # it cosigns whatever is shown to it
OTHER_LINE = bytes(range(1, 33))  # of the same two desks
AUTHORS_LINE_WITH_X = bytes(range(2, 34))
LINE_WITH_X = bytes(range(3, 35))
INCARNATIONS = (1, 2)

Sign = Callable[[bytes], bytes]


@cache
def ed25519_keys() -> dict[str, Sign]:
    """Every key in this world that makes Ed25519 signatures, by desk, incarnation and purpose."""
    keys: dict[str, Sign] = {"nobody": lambda _: bytes(64), "a witness": WITNESS.key.sign}
    for name in (AUTHOR, RECIPIENT, THIRD):
        for inc in INCARNATIONS:
            for purpose, key in _ed25519_of(party(name, inc).keys):
                keys[f"{name} {inc} {purpose}"] = key.sign
        own = party(name)
        keys[f"{name} identity"] = own.identity._ed.sign
        for number, officer in enumerate(own.officers, start=1):
            keys[f"{name} officer {number}"] = officer.sign
    return keys


def _ed25519_of(keys: DeskKeys) -> list[tuple[str, Ed25519Key]]:
    found = []
    for each in fields(DeskKeys):
        key = getattr(keys, each.name)
        if isinstance(key, Ed25519Key):
            found.append((each.name, key))
        elif isinstance(key, StatementKey):
            found.append((each.name, Ed25519Key(key.ed_seed)))
        elif isinstance(key, bytes):  # the seeds of the TLS key, and of the hedge, which signs nothing and yet could
            found.append((each.name, Ed25519Key(key)))
        elif not isinstance(key, KemKey) and each.init:
            raise TypeError(f"the matrix does not know what the desk key {each.name} signs")
    return found


@cache
def statement_keys() -> dict[str, Sign]:
    """The ML-DSA-44 halves of all statement keys."""
    made: dict[str, Sign] = {"nobody": lambda _: bytes(2420)}
    for name in (AUTHOR, RECIPIENT, THIRD):
        for inc in INCARNATIONS:
            key = party(name, inc).keys.statement
            made[f"{name} {inc} statement"] = lambda message, key=key: key.sign(message).ml  # type: ignore[misc]
    return made


@cache
def identity_keys() -> dict[str, Callable[[str, bytes], tuple[bytes, bytes]]]:
    """What each identity signs: (Ed25519, ML-DSA-87) for a purpose and a message."""

    def signer(key: IdentityKey) -> Callable[[str, bytes], tuple[bytes, bytes]]:
        def sign(purpose: str, message: bytes) -> tuple[bytes, bytes]:
            signature = key.sign(purpose, message)
            return signature.ed, signature.ml

        return sign

    return {name: signer(party(name).identity) for name in (AUTHOR, RECIPIENT, THIRD)}


def desk_id(name: str) -> bytes:
    """The id of a desk."""
    return party(name).identity.identity.id


@dataclass(frozen=True)
class Spec:
    """Who makes an object, for which direction, and with which keys; by default all as it should be.

    inner: the direction that stands inside what is sealed or signed deeper down, a leaf or a context. declared: the
    incarnations that are named beside it. sign: by purpose of the key, "statement", "statement ml", "log", "custody",
    "peer log" and "witness". identity, purpose: who signs a certificate, and what for.
    """

    direction: Direction
    inner: Direction
    declared: tuple[int, int]
    sign: dict[str, Sign]
    identity: str = AUTHOR
    purpose: str = CERTIFICATE_PURPOSE

    def with_key(self, purpose: str, key: Sign) -> Spec:
        """The same with another key for one purpose."""
        return replace(self, sign={**self.sign, purpose: key})


def direction_of(line: bytes, sender: str, recipient: str, inc: int = 1, peer_inc: int = 1) -> Direction:
    """The direction from one named desk to another."""
    return Direction(line, desk_id(sender), desk_id(recipient), inc, peer_inc)


def signers_of(sender: Party, recipient: Party) -> dict[str, Sign]:
    """The keys with which a sender signs, and the log key of the desk it speaks to, for what is shown back."""
    keys = sender.keys
    return {
        "statement": keys.statement.sign_ed,
        "statement ml": lambda message: keys.statement.sign(message).ml,
        "log": keys.log.sign,
        "custody": keys.custody.sign,
        "peer log": recipient.keys.log.sign,
        "witness": WITNESS.key.sign,
    }


def right() -> Spec:
    """The author to the recipient on their line, everything as it should be."""
    direction = direction_of(LINE, AUTHOR, RECIPIENT)
    return Spec(direction, direction, (1, 1), signers_of(party(AUTHOR), party(RECIPIENT)))


def wrong_parties() -> dict[str, Spec]:
    """Other lines, the other direction and other incarnations: whoever makes them has the keys for what it signs."""
    made: dict[str, Spec] = {}
    for name, line, sender, recipient in (
        ("another line of the same desks", OTHER_LINE, AUTHOR, RECIPIENT),
        ("the author's line with X", AUTHORS_LINE_WITH_X, AUTHOR, THIRD),
        ("the line with X", LINE_WITH_X, THIRD, RECIPIENT),
        ("X as itself on this line", LINE, THIRD, RECIPIENT),
        ("the author to X on this line", LINE, AUTHOR, THIRD),
        ("back to its own sender", LINE, RECIPIENT, AUTHOR),
        ("the recipient's line with X, back", LINE_WITH_X, RECIPIENT, THIRD),
    ):
        direction = direction_of(line, sender, recipient)
        made[name] = Spec(direction, direction, (1, 1), signers_of(party(sender), party(recipient)), sender)
    for inc, peer_inc in ((0, 1), (1, 0), (2, 1), (1, 2), (2, 2)):
        direction = direction_of(LINE, AUTHOR, RECIPIENT, inc, peer_inc)
        for keys in {1, max(1, inc)}:
            signers = signers_of(party(AUTHOR, keys), party(RECIPIENT, max(1, peer_inc)))
            for declared in ((1, 1), (inc, peer_inc)):
                name = f"incarnations {inc}, {peer_inc} with the keys of {keys}, said to be {declared}"
                made[name] = Spec(direction, direction, declared, signers)
    return made
