"""Two desks from fixed seeds, Aozora (A) and Haidu (B), and all that pairing wants of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import shake_256

from watchline.core.certificate import Certificate, SignedCertificate, issue
from watchline.core.keys import DeskKeys, Ed25519Key, IdentityKey
from watchline.core.pairing import (
    Pairing,
    PendingAcceptance,
    PendingInvitation,
    RouteAddress,
    accept_invitation,
    complete_acceptance,
    complete_invitation,
    make_invitation,
)
from watchline.core.persons import ED25519, Officer, Roster
from watchline.core.terms import Terms, default_terms

NAMES = {"A": "Aozora Coast Guard", "B": "Haidu 海渡"}
BEGIN, END = 1_760_000_000, 1_790_000_000
ROUTES = {
    "A": (RouteAddress("direct", "192.0.2.1:7700"), RouteAddress("direct", "[2001:db8::1]:7700")),
    "B": (RouteAddress("direct", "desk-b.example:7700"),),
}


def seeded(label: str) -> Callable[[int], bytes]:
    """A source of bytes that gives the same bytes each time: SHAKE-256 of label and count."""
    count = 0

    def random(length: int) -> bytes:
        nonlocal count
        count += 1
        return shake_256(f"{label} {count}".encode()).digest(length)

    return random


@cache
def identity_key(desk: str) -> IdentityKey:
    return IdentityKey.generate(NAMES.get(desk, desk), seeded(f"identity {desk}"))


@cache
def desk_keys(desk: str, inc: int = 1) -> DeskKeys:
    return DeskKeys.generate(seeded(f"desk {desk} {inc}"))


def certificate(desk: str, *, serial: int = 1, inc: int = 1, line: bytes | None = None, not_after: int = END) -> Certificate:
    return Certificate(identity_key(desk).identity.id, line, serial, inc, desk_keys(desk, inc).public, BEGIN, not_after)


@cache
def signed_certificate(desk: str) -> SignedCertificate:
    return issue(identity_key(desk), certificate(desk))


@cache
def officer_key(desk: str, number: int) -> Ed25519Key:
    return Ed25519Key(seeded(f"officer {desk} {number}")(32))


def officer(desk: str, number: int, role: str = "duty", name: str | None = None) -> Officer:
    return Officer(number, ED25519, officer_key(desk, number).public, role, name, BEGIN, END)


def roster(desk: str) -> Roster:
    return Roster(1, (officer(desk, 1, "duty", "Sato"), officer(desk, 2, "admin"), officer(desk, 3, "admin")))


def terms() -> Terms:
    return default_terms(("ja", "zh-Hans"), bytes(range(32)), {"statement": "acknowledgement", "test": "none"})


@cache
def invite(desk: str = "A", label: str = "1") -> tuple[bytes, PendingInvitation]:
    random = seeded(f"invite {desk} {label}")
    return make_invitation(identity_key(desk), signed_certificate(desk), roster(desk), terms(), ROUTES["A"], random)


@cache
def accept(file1: bytes, desk: str = "B", label: str = "1") -> tuple[bytes, PendingAcceptance]:
    random = seeded(f"accept {desk} {label}")
    return accept_invitation(file1, identity_key(desk), signed_certificate(desk), roster(desk), ROUTES["B"], random)


@cache
def paired() -> tuple[tuple[bytes, bytes, bytes], Pairing, Pairing]:
    """The three files, and the line as each desk has it."""
    file1, invitation = invite()
    file2, acceptance = accept(file1)
    file3, ours = complete_invitation(invitation, file2, identity_key("A"), seeded("complete"))
    return (file1, file2, file3), ours, complete_acceptance(acceptance, file3)
