"""Pairing files of form 1, as earlier versions made them: written from docs/protocol.md, as the program makes none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256

from tests.core.sample_desks import ROUTES, identity_key, roster, signed_certificate, terms
from watchline.core.certificate import SignedCertificate
from watchline.core.encoding import decode, encode
from watchline.core.keys import IdentityKey
from watchline.core.pairing import RouteAddress
from watchline.core.persons import Roster
from watchline.core.terms import Terms

MAGIC = b"watchline pairing 1\n"
Files = tuple[bytes, bytes, bytes]
Desk = tuple[IdentityKey, SignedCertificate, Roster, Sequence[RouteAddress]]


def sign(key: IdentityKey, values: list[object], *, purpose: str = "watchline/1 pairing") -> bytes:
    """A file with this body, signed."""
    body = encode(values)
    signature = key.sign(purpose, body)
    return MAGIC + encode([body, signature.ed, signature.ml])


def offer(desk: Desk) -> list[object]:
    """What a desk says of itself. A zero key stands for X-Wing's: whoever reads evidence does not use it."""
    key, certificate, officers, routes = desk
    return [key.identity.encode(), bytes(1_216), certificate.encoded, officers.encode(), [list(route) for route in routes]]


def pair(a: Desk, b: Desk, agreed: Terms) -> tuple[Files, bytes]:
    """Three files, and LINE. What is sealed in them is zeros."""
    file1 = sign(a[0], [1, *offer(a), agreed.encode()])
    file2 = sign(b[0], [2, *offer(b), sha256(file1).digest(), bytes(1_168)])
    hashes = [sha256(file1).digest(), sha256(file2).digest()]
    file3 = sign(a[0], [3, a[0].identity.encode(), *hashes, bytes(1_168)])
    files = file1, file2, file3
    return files, line_of(a[0], b[0], files)


def line_of(a: IdentityKey, b: IdentityKey, files: Files) -> bytes:
    """LINE of rule 5, form 1."""
    ids = sorted((a.identity.id, b.identity.id))
    return sha256(b"".join((b"watchline/1 line", *ids, *(sha256(file).digest() for file in files)))).digest()


def resigned(file: bytes, key: IdentityKey, change: Callable[[list[object]], object]) -> bytes:
    """Change a file's body and sign it again, as its dishonest author could."""
    body = decode(decode(file[len(MAGIC) :])[0])
    change(body)
    return sign(key, body)


def desk(name: str) -> Desk:
    """One of the sample desks."""
    return identity_key(name), signed_certificate(name), roster(name), ROUTES.get(name, ())


@cache
def paired_by_form_1(one: str = "A", other: str = "B") -> tuple[Files, bytes]:
    """A pairing of two sample desks by an earlier version, and LINE."""
    return pair(desk(one), desk(other), terms())
