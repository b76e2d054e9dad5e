"""The desk certificate (rule 2): what an identity says about one incarnation of its desk, and which certificate counts.

The identity signs it with both algorithms. Dates are claims (rule 36): an expired certificate is a remark, never a cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from watchline.core import shapes
from watchline.core.encoding import Value, decode, encode
from watchline.core.keys import DeskPublic, HybridSignature, Identity, IdentityKey, StatementPublic
from watchline.errors import BadSignature, Contradiction, Malformed, UsageError, WrongParty

PURPOSE = "watchline/1 certificate"
CERTIFICATE_BYTES_MAX = 16_384
WARNING_SECONDS = 30 * 24 * 3600  # how long ahead an expiry is told


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the identity signs. Raises Malformed (rule 2) for values that no certificate can have.

    desk: the identity's id, 32 bytes. line: 32 bytes, or None for every line of the desk. serial, inc: from 1.
    not_before, not_after: seconds since 1970. revoked: the newest revoked incarnation, at most `inc`, and the time from which
    its signatures count only if somebody else dates them before; None if there is none.
    """

    desk: bytes
    line: bytes | None
    serial: int
    inc: int
    public: DeskPublic
    not_before: int
    not_after: int
    revoked: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        shapes.octets(self.desk, "desk", length=32)
        if self.line is not None:
            shapes.octets(self.line, "line", length=32)
        shapes.integer(self.serial, "serial", at_least=1)
        shapes.integer(self.inc, "inc", at_least=1)
        shapes.integer(self.not_before, "not before")
        shapes.integer(self.not_after, "not after")
        if self.not_after <= self.not_before:
            raise Malformed("a certificate must end after it begins", rule=2)
        if self.revoked is not None:
            shapes.integer(self.revoked[0], "revoked inc", at_least=1, at_most=self.inc)
            shapes.integer(self.revoked[1], "revoked time")

    def encode(self) -> bytes:
        """Give the bytes that are signed."""
        keys = self.public
        public = [keys.statement.ed, keys.statement.ml, keys.log, keys.custody, keys.kem, keys.tls_fingerprint]
        revoked = None if self.revoked is None else list(self.revoked)
        return encode([self.desk, self.line, self.serial, self.inc, *public, self.not_before, self.not_after, revoked])


@dataclass(frozen=True, slots=True)
class SignedCertificate:
    """A certificate whose two signatures hold; only `issue` and `parse_certificate` make one.

    encoded: dCBOR[certificate bytes, ed, ml], as it is sent and stored.
    """

    certificate: Certificate
    encoded: bytes = field(repr=False)


def issue(key: IdentityKey, certificate: Certificate) -> SignedCertificate:
    """Sign a certificate. Raises UsageError if it names another identity than the one that would sign."""
    if certificate.desk != key.identity.id:
        raise UsageError("the certificate names another desk than the identity that should sign it")
    body = certificate.encode()
    signature = key.sign(PURPOSE, body)
    return SignedCertificate(certificate, encode([body, signature.ed, signature.ml]))


def parse_certificate(encoded: bytes, identity: Identity) -> SignedCertificate:
    """Read and verify a certificate of the desk `identity`.

    Raises Malformed, BadSignature, or WrongParty if it names another desk; all with rule 2 (39 for the encoding).
    """
    if len(encoded) > CERTIFICATE_BYTES_MAX:
        raise Malformed(f"a certificate has at most {CERTIFICATE_BYTES_MAX} bytes", rule=2, length=len(encoded))
    body, ed, ml = shapes.array(decode(encoded), "signed certificate", length=3)
    body = shapes.octets(body, "certificate", at_most=CERTIFICATE_BYTES_MAX)
    signature = HybridSignature(shapes.octets(ed, "ed", length=64), shapes.octets(ml, "ml", at_most=CERTIFICATE_BYTES_MAX))
    certificate = parse_unsigned_certificate(body, identity)
    try:
        identity.verify(PURPOSE, body, signature)
    except BadSignature as error:
        raise BadSignature(f"the certificate is not the identity's: {error.message}", rule=2) from None
    return SignedCertificate(certificate, encoded)


def parse_unsigned_certificate(body: bytes, identity: Identity) -> Certificate:
    """Read a certificate of the desk `identity` without its signatures.

    For who has verified that the identity signed these bytes within something else, such as a pairing. Raises Malformed, or
    WrongParty if it names another desk; all with rule 2 (39 for the encoding).
    """
    certificate = _parse_body(body)
    if certificate.desk != identity.id:
        raise WrongParty("this certificate is another desk's", rule=2, hint="ask for the certificate of the paired desk")
    return certificate


def choose_certificate(current: SignedCertificate | None, offered: SignedCertificate, line: bytes) -> SignedCertificate:
    """Say which of two verified certificates of one desk counts on `line` from now on; None means none is known yet.

    The highest incarnation wins, and within it the highest serial: so a certificate that was signed ahead for a spare machine
    counts even where the incarnation that it replaces was renewed meanwhile. Other keys come only with a new incarnation, and
    a new incarnation has only new keys. Raises WrongParty (rule 2) for an offer that breaks this or is for another line or
    desk, and Contradiction (rule 2) for two certificates of one serial; `current` stays in force then.
    """
    counts = counts_after(None if current is None else current.certificate, offered.certificate, line)
    return offered if counts or current is None else current


def counts_after(old: Certificate | None, new: Certificate, line: bytes) -> bool:
    """Whether a certificate counts in place of `old`, None where none is known. Raises as `choose_certificate`."""
    if new.line is not None and new.line != line:
        raise WrongParty("this certificate is for another line", rule=2)
    if old is None:
        return True
    if new.desk != old.desk:
        raise WrongParty("this certificate is another desk's", rule=2)
    if new == old:
        return False
    if new.serial == old.serial:
        raise Contradiction("the identity signed two different certificates of one serial", rule=2, serial=new.serial)
    if (new.inc, new.serial) < (old.inc, old.serial):
        return False
    _check_succession(old, new)
    return True


def _check_succession(old: Certificate, new: Certificate) -> None:
    if new.inc == old.inc and new.public != old.public:
        raise WrongParty("the certificate has other keys without a new incarnation", rule=2, inc=new.inc)
    if new.inc > old.inc and not _keys(new.public).isdisjoint(_keys(old.public)):
        raise WrongParty("the certificate of a new incarnation keeps an old key", rule=2, inc=new.inc)


def _keys(public: DeskPublic) -> set[bytes]:
    return {public.statement.ed, public.statement.ml, public.log, public.custody, public.kem, public.tls_fingerprint}


@dataclass(frozen=True, slots=True)
class ExpiryRemark:
    """A warning about dates, for people; it cuts nothing (rule 36).

    state: "early" before the first second, "soon" within 30 days of the last, "expired" after it. seconds: the distance from
    now to that date, not negative.
    """

    state: Literal["early", "soon", "expired"]
    seconds: int


def expiry_remark(certificate: Certificate, now: int) -> ExpiryRemark | None:
    """Judge a certificate's dates by the receiver's own clock; None means there is nothing to remark."""
    return validity_remark(certificate.not_before, certificate.not_after, now)


def validity_remark(not_before: int, not_after: int, now: int) -> ExpiryRemark | None:
    """Judge any two dates by `now`, all in seconds since 1970; both dates still count as valid."""
    if now < not_before:
        return ExpiryRemark("early", not_before - now)
    if now > not_after:
        return ExpiryRemark("expired", now - not_after)
    if now > not_after - WARNING_SECONDS:
        return ExpiryRemark("soon", not_after - now)
    return None


def _parse_body(body: bytes) -> Certificate:
    values = shapes.array(decode(body), "certificate", length=13)
    desk, line, serial, inc, ed, ml, log, custody, kem, tls, not_before, not_after, revoked = values
    public = DeskPublic(
        StatementPublic(shapes.octets(ed, "statement ed", length=32), shapes.octets(ml, "statement ml", length=1_312)),
        shapes.octets(log, "log key", length=32),
        shapes.octets(custody, "custody key", length=32),
        shapes.octets(kem, "KEM key", length=1_216),
        shapes.octets(tls, "TLS fingerprint", length=32),
    )
    return Certificate(desk, line, serial, inc, public, not_before, not_after, shapes.optional(_parse_revoked, revoked))


def _parse_revoked(value: Value) -> tuple[int, int]:
    inc, time = shapes.array(value, "revoked", length=2)
    return shapes.integer(inc, "revoked inc", at_least=1), shapes.integer(time, "revoked time")
