"""Pairing (rule 5): three files carried by hand make one line, or none.

1. `make_invitation`: A's identity, a fresh X-Wing key, certificate, roster, terms and routes.
2. `accept_invitation`: the same of B, without terms: it accepts file 1's; and B's secret, sealed to A.
3. `complete_invitation`: A's secret, sealed to B; A has the line. `complete_acceptance`: so has B.

Each file is signed by its identity with both algorithms and names the files before it by hash (`pairing_files`). The identity
is needed only for the call that makes a file; in between, the pending state waits, sealed, in the node. Afterwards two people
compare the digits. `pairing_shown` has what a third party sees of it. Lines of earlier versions were paired by other files
(`pairing_form1`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from watchline.core import pairing_form1, shapes
from watchline.core.certificate import CERTIFICATE_BYTES_MAX, SignedCertificate, parse_certificate
from watchline.core.encoding import Value, decode, encode
from watchline.core.keys import SEED_BYTES, Identity, IdentityKey, KemKey, hkdf_extract, seal_to
from watchline.core.limits import TERMS_BYTES_MAX
from watchline.core.line_secrets import LineSecrets
from watchline.core.pairing_files import (
    MAGIC,
    PAIRING_BYTES_MAX,
    PURPOSE,
    ROUTES_MAX,
    SECRET_BYTES,
    Offer,
    PairingFile,
    RouteAddress,
    check_answers,
    check_inviter,
    digest_of,
    line_of,
    offer_values,
    parse_offer,
    parse_routes,
    parse_sealed,
    parse_undisclosed,
    read_file,
    refuse_own,
    sign_file,
    signer,
    undisclosed_values,
)
from watchline.core.persons import ROSTER_BYTES_MAX, Roster
from watchline.core.terms import Terms
from watchline.errors import BadSignature, Malformed, UsageError, WrongParty

__all__ = [
    "MAGIC",
    "PAIRING_BYTES_MAX",
    "PURPOSE",
    "ROUTES_MAX",
    "Invitation",
    "Offer",
    "Pairing",
    "PendingAcceptance",
    "PendingInvitation",
    "RouteAddress",
    "accept_invitation",
    "complete_acceptance",
    "complete_invitation",
    "line_digits",
    "make_invitation",
    "own_offer",
    "read_invitation",
    "verify_digits",
]

_IDENTITY_BYTES_MAX = 4_096
_NOTHING_BROUGHT = bytes(32)
_LABEL = "watchline/1 pairing"  # of a stored pairing; its files may be of either form
_PENDING_INVITATION = "watchline/2 pending invitation"
_PENDING_ACCEPTANCE = "watchline/2 pending acceptance"


@dataclass(frozen=True, slots=True)
class Invitation:
    """File 1, verified: show it to people before it is accepted. digest: SHA-256 of its body, by which file 2 names it."""

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
        return encode([_PENDING_INVITATION, self.file1, self.kem_seed])

    @classmethod
    def decode(cls, data: bytes) -> PendingInvitation:
        """Read what `encode` gave. Raises Malformed (rule 39), WrongParty (rule 5) for the state of an earlier version."""
        file1, kem_seed = _pending(data, _PENDING_INVITATION, length=2)
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
        return encode([_PENDING_ACCEPTANCE, self.file1, self.file2, self.kem_seed, self.secret])

    @classmethod
    def decode(cls, data: bytes) -> PendingAcceptance:
        """Read what `encode` gave. Raises Malformed (rule 39), WrongParty (rule 5) for the state of an earlier version."""
        file1, file2, kem_seed, secret = _pending(data, _PENDING_ACCEPTANCE, length=4)
        return cls(
            _file_bytes(file1),
            _file_bytes(file2),
            shapes.octets(kem_seed, "kem seed", length=SEED_BYTES),
            shapes.octets(secret, "secret", length=SECRET_BYTES),
        )


@dataclass(frozen=True, slots=True)
class Pairing:
    """A line that exists. line: LINE. ps: PS, secret. inviter: whether we made file 1. files: all three, for evidence.

    renewed: what became of PS since; `ps` is then what we speak under now. None for a line that was never renewed.
    """

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
    renewed: LineSecrets | None = None

    @property
    def secrets(self) -> LineSecrets:
        """The secrets of the line, with those of a renewal that is not through yet."""
        return self.renewed or LineSecrets(self.ps)

    def with_secrets(self, secrets: LineSecrets) -> Pairing:
        """The same line after a step of a renewal."""
        return replace(self, ps=secrets.spoken, renewed=secrets)

    @property
    def digits(self) -> str:
        """What two people compare: see `line_digits`."""
        return line_digits(self.line)

    def encode(self) -> bytes:
        """Give the pairing with its secret as bytes, to be sealed at rest and on the identity's medium."""
        return encode([
            _LABEL,
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
            *([] if self.renewed is None else [self.renewed.encode()]),
        ])  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> Pairing:
        """Read what `encode` gave; the certificate is verified again. Raises PeerError."""
        values = _labelled(data, _LABEL)
        renewed = values.pop() if len(values) == 11 else None  # a line that was renewed has one value more
        line, ps, own_id, peer, certificate, roster, routes, terms, inviter, files = shapes.array(values, "pairing", length=10)
        identity = Identity.decode(shapes.octets(peer, "peer", at_most=_IDENTITY_BYTES_MAX))
        first, second, third = (_file_bytes(item) for item in shapes.array(files, "files", length=3))
        return cls(
            _digest(line),
            _digest(ps),
            _digest(own_id),
            identity,
            parse_certificate(shapes.octets(certificate, "certificate", at_most=CERTIFICATE_BYTES_MAX), identity),
            Roster.decode(shapes.octets(roster, "roster", at_most=ROSTER_BYTES_MAX)),
            parse_routes(routes),
            Terms.decode(shapes.octets(terms, "terms", at_most=TERMS_BYTES_MAX)),
            shapes.boolean(inviter, "inviter"),
            (first, second, third),
            None if renewed is None else LineSecrets.decode(_digest(ps), shapes.octets(renewed, "secrets")),
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
    undisclosed = encode(undisclosed_values(kem.public, certificate, routes))
    offered = offer_values(key, certificate, roster)
    file1 = sign_file(key, [1, *offered, digest_of(undisclosed), terms.encode()], undisclosed)
    return file1, PendingInvitation(file1, kem.seed)


def read_invitation(file1: bytes) -> Invitation:
    """Read and verify file 1, for people to see and for `accept_invitation`. Raises PeerError (rule 5)."""
    first = read_file(file1, 1)
    identity = signer(first.values)
    first.verify(identity)
    offer = parse_offer(identity, first.values, parse_undisclosed(first.undisclosed, 4))
    return Invitation(offer, Terms.decode(shapes.octets(first.values[5], "terms", at_most=TERMS_BYTES_MAX)), first.digest)


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
    refuse_own(own.id, peer.id)
    kem, secret = KemKey(random(SEED_BYTES)), random(SECRET_BYTES)
    sealed = seal_to(invitation.offer.kem, secret, _info(own.id, peer.id))
    undisclosed = encode([*undisclosed_values(kem.public, certificate, routes), sealed])
    offered = offer_values(key, certificate, roster)
    file2 = sign_file(key, [2, *offered, digest_of(undisclosed), invitation.digest], undisclosed)
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
    second, peer, sealed = _open_acceptance(file2)
    refuse_own(own.id, peer.identity.id)
    check_answers(second.values[5], invitation.digest)
    theirs = _open_secret(pending.kem_seed, sealed, sender=peer.identity.id, receiver=own.id)
    ours = random(SECRET_BYTES)
    undisclosed = encode([seal_to(peer.kem, ours, _info(own.id, peer.identity.id))])
    file3 = sign_file(key, [3, own.id, digest_of(undisclosed), invitation.digest, second.digest], undisclosed)
    files = (pending.file1, file2, file3)
    return file3, _pair(own.id, peer, invitation.terms, files, ours, theirs, inviter=True, brought=brought)


def complete_acceptance(
    pending: PendingAcceptance, file3: bytes, *, brought: tuple[bytes, bytes] = (_NOTHING_BROUGHT, _NOTHING_BROUGHT)
) -> Pairing:
    """Take file 3: the line. The same call gives the same line again. `brought`: as in `complete_invitation`.

    Raises PeerError (rule 5).
    """
    invitation = read_invitation(pending.file1)
    inviter = invitation.offer.identity
    second, own, _ = _open_acceptance(pending.file2)
    third = read_file(file3, 3)
    check_inviter(third.values[1], inviter)
    third.verify(inviter)
    check_answers(third.values[3], invitation.digest)
    check_answers(third.values[4], second.digest)
    (sealed,) = parse_undisclosed(third.undisclosed, 1)
    theirs = _open_secret(pending.kem_seed, sealed, sender=inviter.id, receiver=own.identity.id)
    files = (pending.file1, pending.file2, file3)
    return _pair(
        own.identity.id, invitation.offer, invitation.terms, files, pending.secret, theirs, inviter=False, brought=brought
    )


def own_offer(pairing: Pairing) -> Offer:
    """What this desk said of itself when the line was paired, by either form. Raises PeerError if its file does not verify."""
    if pairing.files[0].startswith(pairing_form1.MAGIC):
        return pairing_form1.read_files(pairing.files).offers[0 if pairing.inviter else 1]
    return read_invitation(pairing.files[0]).offer if pairing.inviter else _open_acceptance(pairing.files[1])[1]


def line_digits(line: bytes) -> str:
    """Sixty decimal digits of LINE in twelve groups of five, for two people to compare by voice.

    SHA-256("watchline/1 digits" || LINE) as a big-endian integer, modulo 10**60: of 256 bits the remainder is even to one part
    in 2**56, and whoever wants two lines with equal digits has 2**99 files to make.
    """
    number = int.from_bytes(digest_of(b"watchline/1 digits" + line), "big") % 10**60
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


def _open_acceptance(file2: bytes) -> tuple[PairingFile, Offer, Value]:
    """File 2, verified: the file taken apart, its offer, and the secret sealed in it, still closed."""
    second = read_file(file2, 2)
    identity = signer(second.values)
    second.verify(identity)
    *offered, sealed = parse_undisclosed(second.undisclosed, 5)
    return second, parse_offer(identity, second.values, offered), sealed


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
    first, second, third = (read_file(file, step).digest for step, file in enumerate(files, 1))
    line = line_of(own_id, peer_id, (first, second, third))
    if any(len(secret) != SECRET_BYTES for secret in brought):
        raise UsageError(f"a secret that is brought has {SECRET_BYTES} bytes")
    ps = hkdf_extract(line, secrets + b"".join(brought))
    return Pairing(line, ps, own_id, peer.identity, peer.certificate, peer.roster, peer.routes, terms, inviter, files)


def _open_secret(kem_seed: bytes, sealed: Value, *, sender: bytes, receiver: bytes) -> bytes:
    try:
        return KemKey(kem_seed).open(parse_sealed(sealed), _info(sender, receiver))
    except BadSignature:
        raise WrongParty(
            "the secret in this file is sealed to another pairing", rule=5, hint="give the file made for this pairing"
        ) from None


def _info(sender: bytes, receiver: bytes) -> bytes:
    return b"watchline/1 pairing secret" + sender + receiver


def _pending(data: bytes, label: str, *, length: int) -> list[Value]:
    """The values of a state between two files; one of form 1 cannot be answered any more."""
    found = shapes.array(decode(data), "pending state")
    if found and found[0] == label.replace("/2", "/1"):
        raise WrongParty(
            "this pairing was begun with an earlier version of watchline",
            rule=5,
            hint="update both desks' watchline, and begin the pairing anew: watchline invite",
        )
    return _labelled(data, label, length=length)


def _labelled(data: bytes, label: str, *, length: int | None = None) -> list[Value]:
    values = shapes.array(decode(data), label.partition(" ")[2], length=None if length is None else length + 1)
    found, *values = values or [None]
    if found != label:
        raise Malformed(f"this is no {label.partition(' ')[2]}", rule=39)
    return values


def _file_bytes(value: Value) -> bytes:
    return shapes.octets(value, "pairing file", at_most=PAIRING_BYTES_MAX)


def _digest(value: Value) -> bytes:
    return shapes.octets(value, "digest", length=32)
