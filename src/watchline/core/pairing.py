"""Pairing (rule 5): three files carried by hand make one line, or none.

1. `make_invitation`: A's identity, a fresh X-Wing key, certificate, roster, terms and routes.
2. `accept_invitation`: the same of B, without terms: it accepts file 1's; and B's secret, sealed to A.
3. `complete_invitation`: A's secret, sealed to B; A has the line. `complete_acceptance`: so has B.

Each file is signed by its identity with both algorithms and names the files before it by hash. The identity is needed only for
the call that makes a file; in between, the pending state waits, sealed, in the node. Afterwards two people compare the digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from watchline.core import shapes
from watchline.core.certificate import CERTIFICATE_BYTES_MAX, SignedCertificate, parse_certificate
from watchline.core.encoding import Value, decode, encode
from watchline.core.keys import (
    ED25519_SIGNATURE_BYTES,
    KEM_OVERHEAD_BYTES,
    KEM_PUBLIC_BYTES,
    MLDSA87_SIGNATURE_BYTES,
    SEED_BYTES,
    HybridSignature,
    Identity,
    IdentityKey,
    KemKey,
    hkdf_extract,
    seal_to,
)
from watchline.core.limits import TERMS_BYTES_MAX
from watchline.core.persons import ROSTER_BYTES_MAX, Roster
from watchline.core.terms import Terms
from watchline.errors import BadSignature, Malformed, UsageError, WrongParty

MAGIC = b"watchline pairing 1\n"
PURPOSE = "watchline/1 pairing"
PAIRING_BYTES_MAX = 65_536
ROUTES_MAX = 16

_SECRET_BYTES = 32
_IDENTITY_BYTES_MAX = 4_096
_NOTHING_BROUGHT = bytes(32)
_ROUTE_KIND = re.compile(r"[a-z][a-z0-9-]{0,15}")
_ROUTE_ADDRESS = re.compile(r"[!-~]{1,256}")
_SEND_AGAIN = "ask for the file again and compare its SHA-256"


class RouteAddress(NamedTuple):
    """One way to reach a desk: the transport's kind, such as `direct`, and an address in its own notation."""

    kind: str
    address: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What a desk says of itself in its pairing file, verified. kem: its fresh X-Wing key, for this pairing only."""

    identity: Identity
    kem: bytes = field(repr=False)
    certificate: SignedCertificate
    roster: Roster
    routes: tuple[RouteAddress, ...]


@dataclass(frozen=True, slots=True)
class Invitation:
    """File 1, verified: show it to people before it is accepted. digest: SHA-256 of the file."""

    offer: Offer
    terms: Terms
    digest: bytes


@dataclass(frozen=True, slots=True)
class PendingInvitation:
    """What the inviter's node keeps, sealed, until file 2 comes; it serves one pairing and is then deleted."""

    file1: bytes = field(repr=False)
    kem_seed: bytes = field(repr=False)

    def encode(self) -> bytes:
        """Give the state as bytes, to be sealed at rest."""
        return encode(["watchline/1 pending invitation", self.file1, self.kem_seed])

    @classmethod
    def decode(cls, data: bytes) -> PendingInvitation:
        """Read what `encode` gave. Raises Malformed (rule 39)."""
        file1, kem_seed = _labelled(data, "watchline/1 pending invitation", length=2)
        return cls(_file_bytes(file1), shapes.octets(kem_seed, "kem seed", length=SEED_BYTES))


@dataclass(frozen=True, slots=True)
class PendingAcceptance:
    """What the accepting desk's node keeps, sealed, until file 3 comes. secret: its own 32 bytes, sealed in file 2."""

    file1: bytes = field(repr=False)
    file2: bytes = field(repr=False)
    kem_seed: bytes = field(repr=False)
    secret: bytes = field(repr=False)

    def encode(self) -> bytes:
        """Give the state as bytes, to be sealed at rest."""
        return encode(["watchline/1 pending acceptance", self.file1, self.file2, self.kem_seed, self.secret])

    @classmethod
    def decode(cls, data: bytes) -> PendingAcceptance:
        """Read what `encode` gave. Raises Malformed (rule 39)."""
        file1, file2, kem_seed, secret = _labelled(data, "watchline/1 pending acceptance", length=4)
        return cls(
            _file_bytes(file1),
            _file_bytes(file2),
            shapes.octets(kem_seed, "kem seed", length=SEED_BYTES),
            shapes.octets(secret, "secret", length=_SECRET_BYTES),
        )


@dataclass(frozen=True, slots=True)
class Pairing:
    """A line that exists. line: LINE. ps: PS, secret. inviter: whether we made file 1. files: all three, for evidence."""

    line: bytes
    ps: bytes = field(repr=False)
    own_id: bytes
    peer: Identity
    peer_certificate: SignedCertificate
    peer_roster: Roster
    peer_routes: tuple[RouteAddress, ...]
    terms: Terms
    inviter: bool
    files: tuple[bytes, bytes, bytes] = field(repr=False)

    @property
    def digits(self) -> str:
        """What two people compare: see `line_digits`."""
        return line_digits(self.line)

    def encode(self) -> bytes:
        """Give the pairing with its secret as bytes, to be sealed at rest and on the identity's medium."""
        return encode([
            "watchline/1 pairing",
            self.line,
            self.ps,
            self.own_id,
            self.peer.encode(),
            self.peer_certificate.encoded,
            self.peer_roster.encode(),
            [list(route) for route in self.peer_routes],
            self.terms.encode(),
            self.inviter,
            self.files,
        ])  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> Pairing:
        """Read what `encode` gave; the certificate is verified again. Raises PeerError."""
        line, ps, own_id, peer, certificate, roster, routes, terms, inviter, files = _labelled(data, PURPOSE, length=10)
        identity = Identity.decode(shapes.octets(peer, "peer", at_most=_IDENTITY_BYTES_MAX))
        first, second, third = (_file_bytes(item) for item in shapes.array(files, "files", length=3))
        return cls(
            _digest(line),
            _digest(ps),
            _digest(own_id),
            identity,
            parse_certificate(shapes.octets(certificate, "certificate", at_most=CERTIFICATE_BYTES_MAX), identity),
            Roster.decode(shapes.octets(roster, "roster", at_most=ROSTER_BYTES_MAX)),
            _parse_routes(routes),
            Terms.decode(shapes.octets(terms, "terms", at_most=TERMS_BYTES_MAX)),
            shapes.boolean(inviter, "inviter"),
            (first, second, third),
        )


def make_invitation(
    key: IdentityKey,
    certificate: SignedCertificate,
    roster: Roster,
    terms: Terms,
    routes: tuple[RouteAddress, ...],
    random: Callable[[int], bytes],
) -> tuple[bytes, PendingInvitation]:
    """Make file 1. random(n) gives n fresh random bytes. Raises UsageError for what cannot stand in the file."""
    if terms.version != 1:
        raise UsageError("the terms of a new line are version 1", given=terms.version)
    kem = KemKey(random(SEED_BYTES))
    file1 = _sign(key, [1, *_offer_values(key, kem, certificate, roster, routes), terms.encode()])
    return file1, PendingInvitation(file1, kem.seed)


def read_invitation(file1: bytes) -> Invitation:
    """Read and verify file 1, for people to see and for `accept_invitation`. Raises PeerError (rule 5)."""
    identity, values = _read_signed(file1, step=1, length=6)
    *offer, terms = values
    terms = shapes.octets(terms, "terms", at_most=TERMS_BYTES_MAX)
    return Invitation(_parse_offer(identity, offer), Terms.decode(terms), _hash(file1))


def accept_invitation(
    file1: bytes,
    key: IdentityKey,
    certificate: SignedCertificate,
    roster: Roster,
    routes: tuple[RouteAddress, ...],
    random: Callable[[int], bytes],
) -> tuple[bytes, PendingAcceptance]:
    """Accept file 1 with its terms: make file 2. Raises PeerError (rule 5) for file 1, UsageError for our own part."""
    invitation = read_invitation(file1)
    own, peer = key.identity, invitation.offer.identity
    _refuse_own(own.id, peer.id)
    kem, secret = KemKey(random(SEED_BYTES)), random(_SECRET_BYTES)
    sealed = seal_to(invitation.offer.kem, secret, _info(own.id, peer.id))
    file2 = _sign(key, [2, *_offer_values(key, kem, certificate, roster, routes), invitation.digest, sealed])
    return file2, PendingAcceptance(file1, file2, kem.seed, secret)


def complete_invitation(
    pending: PendingInvitation,
    file2: bytes,
    key: IdentityKey,
    random: Callable[[int], bytes],
    *,
    brought: tuple[bytes, bytes] = (_NOTHING_BROUGHT, _NOTHING_BROUGHT),
) -> tuple[bytes, Pairing]:
    """Take file 2: make file 3 and the line. Each call makes another line, so keep what the first one gave.

    brought: two secrets of 32 bytes that people carried by other means, Q of the lower id first; zeros for none.
    Raises PeerError (rule 5) for file 2, UsageError if `key` did not make the invitation.
    """
    invitation = read_invitation(pending.file1)
    own = key.identity
    if own.id != invitation.offer.identity.id:
        raise UsageError("another identity made this invitation", hint="use the identity that signed file 1")
    identity, values = _read_signed(file2, step=2, length=7)
    _refuse_own(own.id, identity.id)
    *offer, digest, sealed = values
    _check_answers(digest, pending.file1)
    peer = _parse_offer(identity, offer)
    theirs = _open_secret(pending.kem_seed, sealed, sender=peer.identity.id, receiver=own.id)
    ours = random(_SECRET_BYTES)
    sealed_ours = seal_to(peer.kem, ours, _info(own.id, peer.identity.id))
    file3 = _sign(key, [3, own.encode(), _hash(pending.file1), _hash(file2), sealed_ours])
    files = (pending.file1, file2, file3)
    return file3, _pair(own.id, peer, invitation.terms, files, ours, theirs, inviter=True, brought=brought)


def complete_acceptance(
    pending: PendingAcceptance, file3: bytes, *, brought: tuple[bytes, bytes] = (_NOTHING_BROUGHT, _NOTHING_BROUGHT)
) -> Pairing:
    """Take file 3: the line. The same call gives the same line again. `brought`: as in `complete_invitation`.

    Raises PeerError (rule 5).
    """
    invitation = read_invitation(pending.file1)
    own, _ = _read_signed(pending.file2, step=2, length=7)
    inviter, values = _read_signed(file3, step=3, length=4)
    _, digest1, digest2, sealed = values
    if inviter != invitation.offer.identity:
        raise WrongParty("this file is from another desk than the invitation", rule=5, hint="give file 3 of this pairing")
    _check_answers(digest1, pending.file1)
    _check_answers(digest2, pending.file2)
    theirs = _open_secret(pending.kem_seed, sealed, sender=inviter.id, receiver=own.id)
    files = (pending.file1, pending.file2, file3)
    return _pair(own.id, invitation.offer, invitation.terms, files, pending.secret, theirs, inviter=False, brought=brought)


@dataclass(frozen=True, slots=True)
class PairedDesks:
    """What three pairing files show to anybody: the line, both desks and their terms, but no secret."""

    line: bytes
    inviter: Offer
    accepter: Offer
    terms: Terms


def read_pairing_files(files: tuple[bytes, bytes, bytes]) -> PairedDesks:
    """Read and verify all three files of one pairing, as evidence shows them. Raises PeerError (rule 5)."""
    invitation = read_invitation(files[0])
    identity, values = _read_signed(files[1], step=2, length=7)
    _refuse_own(identity.id, invitation.offer.identity.id)
    *offer, digest, _ = values
    _check_answers(digest, files[0])
    inviter, values = _read_signed(files[2], step=3, length=4)
    if inviter != invitation.offer.identity:
        raise WrongParty("file 3 is from another desk than the invitation", rule=5)
    _check_answers(values[1], files[0])
    _check_answers(values[2], files[1])
    line = _line(inviter.id, identity.id, files)
    return PairedDesks(line, invitation.offer, _parse_offer(identity, offer), invitation.terms)


def line_digits(line: bytes) -> str:
    """Sixty decimal digits of LINE in twelve groups of five, for two people to compare by voice.

    SHA-256("watchline/1 digits" || LINE) as a big-endian integer, modulo 10**60: of 256 bits the remainder is even to one part
    in 2**56, and whoever wants two lines with equal digits has 2**99 files to make.
    """
    number = int.from_bytes(_hash(b"watchline/1 digits" + line), "big") % 10**60
    digits = f"{number:060d}"
    return " ".join(digits[start : start + 5] for start in range(0, 60, 5))


def verify_digits(line: bytes, given: str) -> None:
    """Check the digits that the peer's person read out; spaces, line breaks and hyphens do not matter.

    Raises UsageError unless sixty digits were given, WrongParty (rule 5) if they are not this line's.
    """
    plain = re.sub(r"[\s-]", "", given)
    if not re.fullmatch(r"[0-9]{60}", plain):
        raise UsageError("sixty digits are wanted", hint="type all twelve groups of five digits that the peer's person reads")
    if plain != line_digits(line).replace(" ", ""):
        raise WrongParty(
            "these are not the digits of this line",
            rule=5,
            hint="compare again; if they differ, end this pairing",
        )


def _pair(
    own_id: bytes,
    peer: Offer,
    terms: Terms,
    files: tuple[bytes, bytes, bytes],
    ours: bytes,
    theirs: bytes,
    *,
    inviter: bool,
    brought: tuple[bytes, bytes],
) -> Pairing:
    peer_id = peer.identity.id
    secrets = ours + theirs if own_id < peer_id else theirs + ours
    line = _line(own_id, peer_id, files)
    if any(len(secret) != _SECRET_BYTES for secret in brought):
        raise UsageError(f"a secret that is brought has {_SECRET_BYTES} bytes")
    ps = hkdf_extract(line, secrets + b"".join(brought))
    return Pairing(line, ps, own_id, peer.identity, peer.certificate, peer.roster, peer.routes, terms, inviter, files)


def _line(one: bytes, other: bytes, files: tuple[bytes, bytes, bytes]) -> bytes:
    hashes = b"".join(_hash(file) for file in files)
    return _hash(b"watchline/1 line" + min(one, other) + max(one, other) + hashes)


def _sign(key: IdentityKey, values: list[Value]) -> bytes:
    body = encode(values)
    signature = key.sign(PURPOSE, body)
    file = MAGIC + encode([body, signature.ed, signature.ml])
    if len(file) > PAIRING_BYTES_MAX:
        raise UsageError(
            f"a pairing file has at most {PAIRING_BYTES_MAX} bytes",
            hint="invite with fewer officers and shorter terms, and add the rest when the line works",
            length=len(file),
        )
    return file


def _offer_values(
    key: IdentityKey, kem: KemKey, certificate: SignedCertificate, roster: Roster, routes: tuple[RouteAddress, ...]
) -> list[Value]:
    if certificate.certificate.desk != key.identity.id or certificate.certificate.line is not None:
        raise UsageError("pairing wants the desk's own certificate for every line")
    values = [list(route) for route in routes]
    try:
        _parse_routes(values)
    except Malformed as error:
        raise UsageError(error.message) from None
    return [key.identity.encode(), kem.public, certificate.encoded, roster.encode(), values]


def _read_signed(file: bytes, *, step: int, length: int) -> tuple[Identity, list[Value]]:
    """Give the verified signer of a file and the `length` values of its body behind the step, the signer's identity first.

    Raises Malformed or BadSignature (rule 5) for a file that is none, or was changed, WrongParty for another step's file.
    """
    if not file.startswith(MAGIC):
        raise Malformed("this is not a pairing file", rule=5, hint="give the file that the other desk's watchline wrote")
    if len(file) > PAIRING_BYTES_MAX:
        raise Malformed(f"a pairing file has at most {PAIRING_BYTES_MAX} bytes", rule=5, hint=_SEND_AGAIN, length=len(file))
    try:
        body, signature = _parse_envelope(decode(file[len(MAGIC) :]))
        found, values = _parse_body(body)
        if found != step:
            raise WrongParty(
                f"this is file {found}; file {step} is wanted here", rule=5, hint=f"give file {step} of this pairing"
            )
        shapes.array(values, "body", length=length)
        identity = Identity.decode(shapes.octets(values[0], "identity", at_most=_IDENTITY_BYTES_MAX))
        identity.verify(PURPOSE, body, signature)
    except Malformed as error:
        raise Malformed(f"this pairing file is damaged: {error.message}", rule=5, hint=_SEND_AGAIN) from None
    except BadSignature as error:
        raise BadSignature(f"this pairing file was changed on its way: {error.message}", rule=5, hint=_SEND_AGAIN) from None
    return identity, values


def _parse_envelope(value: Value) -> tuple[bytes, HybridSignature]:
    body, ed, ml = shapes.array(value, "pairing file", length=3)
    signature = HybridSignature(
        shapes.octets(ed, "ed", length=ED25519_SIGNATURE_BYTES), shapes.octets(ml, "ml", length=MLDSA87_SIGNATURE_BYTES)
    )
    return shapes.octets(body, "body", at_most=PAIRING_BYTES_MAX), signature


def _parse_body(body: bytes) -> tuple[int, list[Value]]:
    values = shapes.array(decode(body), "body")
    step = shapes.integer(values[0] if values else None, "step", at_least=1, at_most=3)
    return step, values[1:]


def _parse_offer(identity: Identity, values: list[Value]) -> Offer:
    _, kem, certificate, roster, routes = values
    signed = parse_certificate(shapes.octets(certificate, "certificate", at_most=CERTIFICATE_BYTES_MAX), identity)
    if signed.certificate.line is not None:
        raise WrongParty("the certificate in a pairing file is for every line, not for one", rule=5)
    return Offer(
        identity,
        shapes.octets(kem, "X-Wing key", length=KEM_PUBLIC_BYTES),
        signed,
        Roster.decode(shapes.octets(roster, "roster", at_most=ROSTER_BYTES_MAX)),
        _parse_routes(routes),
    )


def _parse_routes(value: Value) -> tuple[RouteAddress, ...]:
    routes = []
    for item in shapes.array(value, "routes", at_most=ROUTES_MAX):
        kind, address = shapes.array(item, "route", length=2)
        route = RouteAddress(shapes.text(kind, "route kind", at_most=16), shapes.text(address, "route address", at_most=256))
        if not _ROUTE_KIND.fullmatch(route.kind) or not _ROUTE_ADDRESS.fullmatch(route.address):
            raise Malformed("a route is a kind in lower case and an address in printable ASCII without spaces", rule=5)
        routes.append(route)
    return tuple(routes)


def _check_answers(digest: Value, file: bytes) -> None:
    if digest != _hash(file):
        raise WrongParty(
            "this file belongs to another pairing", rule=5, hint="give the file that answers the one you sent, or begin anew"
        )


def _open_secret(kem_seed: bytes, sealed: Value, *, sender: bytes, receiver: bytes) -> bytes:
    sealed = shapes.octets(sealed, "sealed secret", length=KEM_OVERHEAD_BYTES + _SECRET_BYTES)
    try:
        return KemKey(kem_seed).open(sealed, _info(sender, receiver))
    except BadSignature:
        raise WrongParty(
            "the secret in this file is sealed to another pairing", rule=5, hint="give the file made for this pairing"
        ) from None


def _refuse_own(own_id: bytes, peer_id: bytes) -> None:
    if own_id == peer_id:
        raise WrongParty("this file is your own desk's", rule=5, hint="give the file that the other desk made")


def _info(sender: bytes, receiver: bytes) -> bytes:
    return b"watchline/1 pairing secret" + sender + receiver


def _labelled(data: bytes, label: str, *, length: int) -> list[Value]:
    found, *values = shapes.array(decode(data), label.removeprefix("watchline/1 "), length=length + 1)
    if found != label:
        raise Malformed(f"this is no {label.removeprefix('watchline/1 ')}", rule=39)
    return values


def _file_bytes(value: Value) -> bytes:
    return shapes.octets(value, "pairing file", at_most=PAIRING_BYTES_MAX)


def _digest(value: Value) -> bytes:
    return shapes.octets(value, "digest", length=32)


def _hash(data: bytes) -> bytes:
    return sha256(data).digest()
