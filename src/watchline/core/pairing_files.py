"""Pairing files of form 2 (rule 5): what their desks sign, and what of it the two desks alone need.

A file is MAGIC || dCBOR[body, ed, ml, undisclosed]. The identity signs `body`, which names its *undisclosed part* by hash:
the X-Wing key, the addresses, the certificate's own signatures, the sealed secret. So a third party can be shown bodies alone
(`pairing_shown`). It learns nothing of an undisclosed part from its hash: each holds a fresh X-Wing key or a sealed secret,
which nobody guesses. LINE covers the three bodies, and through them all that the two desks hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from watchline.core import shapes
from watchline.core.certificate import CERTIFICATE_BYTES_MAX, Certificate, SignedCertificate, parse_certificate
from watchline.core.encoding import Value, decode, encode
from watchline.core.keys import (
    ED25519_SIGNATURE_BYTES,
    KEM_OVERHEAD_BYTES,
    KEM_PUBLIC_BYTES,
    MLDSA87_SIGNATURE_BYTES,
    HybridSignature,
    Identity,
    IdentityKey,
)
from watchline.core.persons import ROSTER_BYTES_MAX, Roster
from watchline.errors import BadSignature, Malformed, UsageError, WrongParty

MAGIC = b"watchline pairing 2\n"
PURPOSE = "watchline/2 pairing"
PAIRING_BYTES_MAX = 65_536
ROUTES_MAX = 16
SECRET_BYTES = 32

_FORM = re.compile(rb"watchline pairing ([0-9]{1,9})\n")
_IDENTITY_BYTES_MAX = 4_096
_BODY_LENGTHS = {1: 6, 2: 6, 3: 5}
_ROUTE_KIND = re.compile(r"[a-z][a-z0-9-]{0,15}")
_ROUTE_ADDRESS = re.compile(r"[!-~]{1,256}")
_SEND_AGAIN = "ask for the file again and compare its SHA-256"


class RouteAddress(NamedTuple):
    """One way to reach a desk: the transport's kind, such as `direct`, and an address in its own notation."""

    kind: str
    address: str


@dataclass(frozen=True, slots=True)
class ShownOffer:
    """What a desk says of itself to everybody; who reads it has verified that `identity` signed it."""

    identity: Identity
    certificate: Certificate
    roster: Roster


@dataclass(frozen=True, slots=True)
class Offer:
    """What a desk says of itself to the other one, verified. kem: its fresh X-Wing key, for this pairing only."""

    identity: Identity
    kem: bytes = field(repr=False)
    certificate: SignedCertificate
    roster: Roster
    routes: tuple[RouteAddress, ...]


@dataclass(frozen=True, slots=True)
class PairingFile:
    """One file, taken apart: nothing of it is verified yet. values: of the body, the step first."""

    body: bytes = field(repr=False)
    signature: HybridSignature = field(repr=False)
    undisclosed: bytes = field(repr=False)
    values: list[Value] = field(repr=False)

    @property
    def digest(self) -> bytes:
        """By what the files after it, and LINE, name this one: SHA-256 of its body."""
        return digest_of(self.body)

    def verify(self, identity: Identity) -> None:
        """Check that `identity` signed the body, and that it names the undisclosed part. Raises BadSignature (rule 5)."""
        with told_of_a_file():
            identity.verify(PURPOSE, self.body, self.signature)
            if digest_of(self.undisclosed) != undisclosed_digest(self.values):
                raise BadSignature("its undisclosed part is not the one that was signed", rule=5)


def sign_file(key: IdentityKey, values: list[Value], undisclosed: bytes) -> bytes:
    """Make a file. values: of its body, with the hash of the undisclosed part. Raises UsageError for one that is too long."""
    body = encode(values)
    signature = key.sign(PURPOSE, body)
    file = MAGIC + encode([body, signature.ed, signature.ml, undisclosed])
    if len(file) > PAIRING_BYTES_MAX:
        raise UsageError(
            f"a pairing file has at most {PAIRING_BYTES_MAX} bytes",
            hint="invite with fewer officers and shorter terms, and add the rest when the line works",
            length=len(file),
        )
    return file


def file_step(file: bytes) -> int:
    """Which of the three files this is: unverified, only to choose who reads it. Raises Malformed (rule 5) for another file."""
    return shapes.integer(_take_apart(file).values[0], "step")


def read_file(file: bytes, step: int) -> PairingFile:
    """Take file `step` apart. Raises Malformed (rule 5) for what is none, WrongParty (rule 5) for another step's."""
    read = _take_apart(file)
    _check_shape(read.values, step)
    return read


def read_body(body: bytes, step: int) -> list[Value]:
    """The values of body `step` alone, the step first. Raises as `read_file`."""
    with told_of_a_file():
        values = _parse_body(body)
    _check_shape(values, step)
    return values


def parse_signature(ed: Value, ml: Value) -> HybridSignature:
    """Both halves of an identity's signature. Raises Malformed."""
    return HybridSignature(
        shapes.octets(ed, "ed", length=ED25519_SIGNATURE_BYTES), shapes.octets(ml, "ml", length=MLDSA87_SIGNATURE_BYTES)
    )


def signer(values: list[Value]) -> Identity:
    """The identity in body 1 or 2. Raises Malformed (rule 5)."""
    with told_of_a_file():
        return Identity.decode(shapes.octets(values[1], "identity", at_most=_IDENTITY_BYTES_MAX))


def undisclosed_digest(values: list[Value]) -> bytes:
    """By what a body names its undisclosed part; `read_body` has seen that it is there."""
    return shapes.octets(values[2 if values[0] == 3 else 4], "SHA-256 of the undisclosed part", length=32)


def offer_values(key: IdentityKey, certificate: SignedCertificate, roster: Roster) -> list[Value]:
    """What everybody may see of an offer, as it stands in a body. Raises UsageError for a certificate of another kind."""
    if certificate.certificate.desk != key.identity.id or certificate.certificate.line is not None:
        raise UsageError("pairing wants the desk's own certificate for every line")
    return [key.identity.encode(), certificate.certificate.encode(), roster.encode()]


def undisclosed_values(kem: bytes, certificate: SignedCertificate, routes: tuple[RouteAddress, ...]) -> list[Value]:
    """What only the other desk needs of an offer. Raises UsageError for addresses that nobody could read."""
    values: list[Value] = [list(route) for route in routes]
    try:
        parse_routes(values)
    except Malformed as error:
        raise UsageError(error.message) from None
    _, ed, ml = shapes.array(decode(certificate.encoded), "signed certificate", length=3)
    return [kem, values, ed, ml]


def parse_offer(identity: Identity, values: list[Value], undisclosed: list[Value]) -> Offer:
    """Put an offer together again, from a body and an undisclosed part that were verified. Raises PeerError."""
    kem, routes, ed, ml = undisclosed
    encoded = encode([shapes.octets(values[2], "certificate", at_most=CERTIFICATE_BYTES_MAX), ed, ml])
    return Offer(
        identity,
        shapes.octets(kem, "X-Wing key", length=KEM_PUBLIC_BYTES),
        for_every_line(parse_certificate(encoded, identity)),
        Roster.decode(shapes.octets(values[3], "roster", at_most=ROSTER_BYTES_MAX)),
        parse_routes(routes),
    )


def for_every_line(signed: SignedCertificate) -> SignedCertificate:
    """Give the certificate back if it may stand in a pairing file. Raises WrongParty (rule 5)."""
    check_every_line(signed.certificate)
    return signed


def check_every_line(certificate: Certificate) -> None:
    """Refuse a certificate that names a line: none was there when it was signed. Raises WrongParty (rule 5)."""
    if certificate.line is not None:
        raise WrongParty("the certificate in a pairing file is for every line, not for one", rule=5)


def parse_undisclosed(data: bytes, length: int) -> list[Value]:
    """The values of an undisclosed part whose hash was compared. Raises Malformed."""
    return shapes.array(decode(data), "undisclosed part", length=length)


def parse_sealed(value: Value) -> bytes:
    """A sealed secret, still closed. Raises Malformed."""
    return shapes.octets(value, "sealed secret", length=KEM_OVERHEAD_BYTES + SECRET_BYTES)


def parse_routes(value: Value) -> tuple[RouteAddress, ...]:
    """A desk's addresses. Raises Malformed."""
    routes = []
    for item in shapes.array(value, "routes", at_most=ROUTES_MAX):
        kind, address = shapes.array(item, "route", length=2)
        route = RouteAddress(shapes.text(kind, "route kind", at_most=16), shapes.text(address, "route address", at_most=256))
        if not _ROUTE_KIND.fullmatch(route.kind) or not _ROUTE_ADDRESS.fullmatch(route.address):
            raise Malformed("a route is a kind in lower case and an address in printable ASCII without spaces", rule=5)
        routes.append(route)
    return tuple(routes)


def check_answers(named: Value, digest: bytes) -> None:
    """Refuse what names another file than the one before it. Raises WrongParty (rule 5)."""
    if named != digest:
        raise WrongParty(
            "this file belongs to another pairing", rule=5, hint="give the file that answers the one you sent, or begin anew"
        )


def refuse_own(own_id: bytes, peer_id: bytes) -> None:
    """A desk has no line with itself. Raises WrongParty (rule 5)."""
    if own_id == peer_id:
        raise WrongParty("this file is your own desk's", rule=5, hint="give the file that the other desk made")


def check_inviter(named: Value, inviter: Identity) -> None:
    """Refuse a file 3 that another desk made. Raises WrongParty (rule 5)."""
    if named != inviter.id:
        raise WrongParty("this file is from another desk than the invitation", rule=5, hint="give file 3 of this pairing")


def line_of(one: bytes, other: bytes, digests: tuple[bytes, bytes, bytes]) -> bytes:
    """LINE of two ids, from SHA-256 of each body in order."""
    return digest_of(b"watchline/2 line" + min(one, other) + max(one, other) + b"".join(digests))


def digest_of(data: bytes) -> bytes:
    """SHA-256."""
    return sha256(data).digest()


@contextmanager
def told_of_a_file() -> Iterator[None]:
    """Whatever is wrong within, Malformed or BadSignature, is told of a pairing file, by rule 5."""
    try:
        yield
    except Malformed as error:
        raise Malformed(f"this pairing file is damaged: {error.message}", rule=5, hint=_SEND_AGAIN) from None
    except BadSignature as error:
        raise BadSignature(f"this pairing file was changed on its way: {error.message}", rule=5, hint=_SEND_AGAIN) from None


def _take_apart(file: bytes) -> PairingFile:
    if not file.startswith(MAGIC):
        raise _another_kind(file)
    if len(file) > PAIRING_BYTES_MAX:
        raise Malformed(f"a pairing file has at most {PAIRING_BYTES_MAX} bytes", rule=5, hint=_SEND_AGAIN, length=len(file))
    with told_of_a_file():
        body, ed, ml, undisclosed = shapes.array(decode(file[len(MAGIC) :]), "pairing file", length=4)
        signature = parse_signature(ed, ml)
        body = shapes.octets(body, "body", at_most=PAIRING_BYTES_MAX)
        hidden = shapes.octets(undisclosed, "undisclosed part", at_most=PAIRING_BYTES_MAX)
        return PairingFile(body, signature, hidden, _parse_body(body))


def _another_kind(file: bytes) -> Malformed:
    form = _FORM.match(file)
    if form is None:
        return Malformed("this is not a pairing file", rule=5, hint="give the file that the other desk's watchline wrote")
    if int(form[1]) > 2:
        return Malformed(
            "this pairing file was made by a later version of watchline",
            rule=5,
            hint="update this desk's watchline, and try again",
        )
    return Malformed(
        "this pairing file was made by an earlier version of watchline",
        rule=5,
        hint="the other desk updates its watchline; then both begin the pairing anew: watchline invite",
    )


def _parse_body(body: bytes) -> list[Value]:
    """The values of a body, of which only the step is seen to be one."""
    values = shapes.array(decode(body), "body")
    shapes.integer(values[0] if values else None, "step", at_least=1, at_most=3)
    return values


def _check_shape(values: list[Value], step: int) -> None:
    if values[0] != step:
        raise WrongParty(
            f"this is file {values[0]}; file {step} is wanted here", rule=5, hint=f"give file {step} of this pairing"
        )
    with told_of_a_file():
        shapes.array(values, "body", length=_BODY_LENGTHS[step])
        undisclosed_digest(values)
