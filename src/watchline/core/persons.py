"""People of a desk (rule 3): the roster of officers and their assertions, by a passkey or a command-line key.

An assertion says that one officer, for one purpose, stood for one thing on one line. Whether enough people of the right role
did so is judged by `verify_people`; who may join them by `verify_roster_change`. Dates are remarks, never cuts (rule 36).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from watchline.core import shapes
from watchline.core.certificate import ExpiryRemark, validity_remark
from watchline.core.encoding import Value, decode, encode
from watchline.core.keys import (
    ED25519_SIGNATURE_BYTES,
    MLDSA87_SIGNATURE_BYTES,
    Ed25519Key,
    HybridSignature,
    Identity,
    IdentityKey,
    check_name,
    verify_ed25519,
)
from watchline.core.limits import ROSTER_MAX
from watchline.errors import BadSignature, Malformed, WrongParty

ED25519, PASSKEY_ES256, PASSKEY_ED25519 = 0, 1, 2  # kinds of person keys
KIND_NAMES = ("ed25519", "passkey-es256", "passkey-ed25519")
ROLES = ("duty", "releaser", "admin", "auditor")
PURPOSES = ("release", "answer", "cancel", "acknowledge", "decline", "roster", "terms", "incarnation", "watch")
MAY = {  # which roles may assert for a purpose; an auditor only reads
    "release": ("duty", "releaser"),
    "answer": ("duty", "releaser"),
    "cancel": ("duty", "releaser"),
    "acknowledge": ("duty", "releaser"),
    "decline": ("duty", "releaser"),
    "roster": ("admin",),
    "terms": ("releaser", "admin"),
    "incarnation": ("duty", "releaser", "admin"),
    "watch": ("duty", "releaser"),  # within the desk: no entry carries it
}
OFFICER_NUMBER_MAX = 65_535
ASSERTIONS_MAX = 16  # on one entry
ROSTER_PEOPLE = 2  # administrators who change a roster together
ROSTER_BYTES_MAX = 61_440  # with its assertions it is one body
ROSTER_PURPOSE = "watchline/1 roster"

_KEY_BYTES = (32, 33, 32)  # by kind; ES256 keys are compressed points (SEC 1, section 2.3.3), so that a key has one form
_APPENDED_BYTES_MAX = 1_024
_USER_PRESENT, _USER_VERIFIED, _ATTESTED, _EXTENSIONS = 0x01, 0x04, 0x40, 0x80  # WebAuthn level 3, section 6.1
_ORIGIN = re.compile(r"https?://[!#-\[\]-~]{1,240}")  # printable ASCII that JSON writes as it is
_RP_ID = re.compile(r"[a-z0-9.-]{1,253}")


@dataclass(frozen=True, slots=True)
class Officer:
    """One person key of a desk. Raises Malformed (rule 3) for values that no officer can have.

    number: 1 to 65,535, never given to another key. kind: ED25519, PASSKEY_ES256 or PASSKEY_ED25519. key: 32 bytes, for ES256
    the 33 bytes of a compressed point. role: one of ROLES. name: None where the desk does not name its people.
    not_before, not_after: seconds since 1970. rp_id, origin: of a passkey, as the browser names them; None for ED25519.
    """

    number: int
    kind: int
    key: bytes
    role: str
    name: str | None
    not_before: int
    not_after: int
    rp_id: str | None = None
    origin: str | None = None

    def __post_init__(self) -> None:
        shapes.integer(self.number, "officer number", at_least=1, at_most=OFFICER_NUMBER_MAX)
        shapes.integer(self.kind, "officer kind", at_most=PASSKEY_ED25519)
        shapes.octets(self.key, "officer key", length=_KEY_BYTES[self.kind])
        shapes.integer(self.not_before, "not before")
        shapes.integer(self.not_after, "not after", at_least=self.not_before)
        if self.role not in ROLES:
            raise Malformed("an officer's role is one of " + ", ".join(ROLES), rule=3, officer=self.number)
        if self.name is not None:
            check_name(self.name, "an officer's name", rule=3)
        if self.kind == PASSKEY_ES256:
            _es256_key(self.key)
        self._check_passkey()

    def _check_passkey(self) -> None:
        if self.kind == ED25519:
            good = self.rp_id is None and self.origin is None
        else:
            good = bool(self.rp_id and self.origin and _RP_ID.fullmatch(self.rp_id) and _ORIGIN.fullmatch(self.origin))
        if not good:
            raise Malformed("a passkey, and only a passkey, has an rpId and an origin", rule=3, officer=self.number)


@dataclass(frozen=True, slots=True)
class Roster:
    """The officers of a desk, in order of their numbers. Raises Malformed (rule 3).

    version: from 1, one more with each change. Numbers and keys stand once each, so that nobody counts as two people.
    """

    version: int
    officers: tuple[Officer, ...]
    _by_number: dict[int, Officer] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        shapes.integer(self.version, "roster version", at_least=1)
        if len(self.officers) > ROSTER_MAX:
            raise Malformed(f"a roster has at most {ROSTER_MAX} officers", rule=3)
        numbers = [officer.number for officer in self.officers]
        if numbers != sorted(set(numbers)):
            raise Malformed("officers stand in order of their numbers, each once", rule=3)
        if len({officer.key for officer in self.officers}) != len(numbers):
            raise Malformed("one key stands for two officers", rule=3)
        object.__setattr__(self, "_by_number", dict(zip(numbers, self.officers, strict=True)))
        if len(self.encode()) > ROSTER_BYTES_MAX:
            raise Malformed(f"a roster has at most {ROSTER_BYTES_MAX} bytes", rule=3, hint="leave out names")

    def officer(self, number: int) -> Officer | None:
        """The officer with this number, or None."""
        return self._by_number.get(number)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the encoding: what administrators assert when they change the roster."""
        return sha256(self.encode()).digest()

    def encode(self) -> bytes:
        """Give dCBOR[version, [officer, ...]], each officer an array in the order of its fields."""
        return encode([self.version, [_officer_value(officer) for officer in self.officers]])

    @classmethod
    def decode(cls, data: bytes) -> Roster:
        """Read what `encode` gave. Raises Malformed (rules 3 and 39)."""
        if len(data) > ROSTER_BYTES_MAX:
            raise Malformed(f"a roster has at most {ROSTER_BYTES_MAX} bytes", rule=3, length=len(data))
        version, officers = shapes.array(decode(data), "roster", length=2)
        return cls(
            shapes.integer(version, "roster version"),
            tuple(_parse_officer(officer) for officer in shapes.array(officers, "officers", at_most=ROSTER_MAX)),
        )


@dataclass(frozen=True, slots=True)
class PasskeyProof:
    """What an authenticator signed besides the challenge (WebAuthn level 3, section 6.1).

    appended: what the browser wrote in its clientDataJSON behind the members that are rebuilt, from a comma to the last brace,
    at most 1,024 bytes; None where it wrote nothing more. Raises Malformed (rule 3) for anything else.
    """

    flags: int
    counter: int
    appended: bytes | None = None

    def __post_init__(self) -> None:
        if self.appended is None:
            return
        shapes.octets(self.appended, "appended members", at_most=_APPENDED_BYTES_MAX)
        if not (self.appended.startswith(b",") and self.appended.endswith(b"}")):
            raise Malformed("what a browser appends begins with a comma and ends with a brace", rule=3)


@dataclass(frozen=True, slots=True)
class Assertion:
    """One officer's signature on one challenge, not verified yet. passkey: None exactly for the kind ED25519.

    signature: 64 bytes, ES256 as r || s. On the wire it is `[number, 0, signature]` or `[number, kind, [flags, counter,
    signature]]` with what the browser appended as a fourth element where it did.
    """

    number: int
    kind: int
    signature: bytes
    passkey: PasskeyProof | None = None

    def to_value(self) -> Value:
        """Give the value that stands in a body."""
        if self.passkey is None:
            return [self.number, self.kind, self.signature]
        proof: list[Value] = [self.passkey.flags, self.passkey.counter, self.signature]
        if self.passkey.appended is not None:
            proof.append(self.passkey.appended)
        return [self.number, self.kind, proof]

    @classmethod
    def from_value(cls, value: Value) -> Assertion:
        """Read what `to_value` gave. Raises Malformed (rules 3 and 39)."""
        number, kind, proof = shapes.array(value, "assertion", length=3)
        number = shapes.integer(number, "officer number", at_least=1, at_most=OFFICER_NUMBER_MAX)
        if shapes.integer(kind, "officer kind", at_most=PASSKEY_ED25519) == ED25519:
            return cls(number, ED25519, shapes.octets(proof, "signature", length=64))
        flags, counter, signature, *rest = shapes.array(proof, "passkey proof", length=4 if _has_appended(proof) else 3)
        passkey = PasskeyProof(
            shapes.integer(flags, "flags", at_most=0xFF),
            shapes.integer(counter, "counter", at_most=0xFFFFFFFF),
            shapes.octets(rest[0], "appended members") if rest else None,
        )
        return cls(number, kind, shapes.octets(signature, "signature", length=64), passkey)


@dataclass(frozen=True, slots=True)
class Signer:
    """An officer whose assertion holds. remark: what is to be said about the key's dates, None for nothing."""

    officer: Officer
    remark: ExpiryRemark | None


def assertion_challenge(purpose: str, line: bytes, sender_id: bytes, nonce: bytes | None, what: bytes) -> bytes:
    """Give the 32 bytes that an officer signs.

    purpose: one of PURPOSES. line, sender_id: 32 bytes, `sender_id` is the desk whose officer signs. nonce: the entry's, or
    None if it has none. what: SHA-256 of what is stood for.
    """
    if purpose not in PURPOSES:
        raise ValueError("unknown purpose")
    return sha256(encode(["watchline/1 person", purpose, line, sender_id, nonce, what])).digest()


def sign_assertion(number: int, key: Ed25519Key, challenge: bytes) -> Assertion:
    """Sign a challenge with the command-line key of the officer `number`."""
    return Assertion(number, ED25519, key.sign(challenge))


def verify_assertion(assertion: Assertion, roster: Roster, challenge: bytes, now: int) -> Signer:
    """Check that an officer of the roster signed the challenge. The role is not judged: see `verify_people`.

    now: seconds since 1970 by the receiver's clock; a key out of its dates is only remarked on.
    Raises WrongParty for a number or kind that the roster does not have, BadSignature, or Malformed; all with rule 3.
    """
    officer = roster.officer(assertion.number)
    if officer is None or officer.kind != assertion.kind:
        raise WrongParty("no officer of the roster has this number and kind of key", rule=3, officer=assertion.number)
    signed = challenge if assertion.passkey is None else _signed_by_passkey(assertion.passkey, officer, challenge)
    try:
        if officer.kind == PASSKEY_ES256:
            _verify_es256(officer.key, assertion.signature, signed)
        else:
            verify_ed25519(officer.key, assertion.signature, signed)
    except BadSignature:
        raise BadSignature(f"the assertion of officer {officer.number} does not hold", rule=3) from None
    return Signer(officer, validity_remark(officer.not_before, officer.not_after, now))


def verify_people(
    assertions: Sequence[Assertion],
    roster: Roster,
    *,
    purpose: str,
    line: bytes,
    sender_id: bytes,
    nonce: bytes | None,
    what: bytes,
    now: int,
    needed: int,
) -> tuple[Signer, ...]:
    """Check that at least `needed` different officers, each of a role that may, asserted `what` for `purpose`.

    Every assertion must hold: one that does not spoils the rest. The other arguments are those of `assertion_challenge` and
    `verify_assertion`. Raises BadSignature, Malformed, or WrongParty (rule 3), which is also for too few people, one person
    twice, or another role.
    """
    if len(assertions) > ASSERTIONS_MAX:
        raise Malformed(f"an entry carries at most {ASSERTIONS_MAX} assertions", rule=3)
    if len({assertion.number for assertion in assertions}) != len(assertions):
        raise WrongParty("one officer asserts twice", rule=3)
    if len(assertions) < needed:
        raise WrongParty("too few officers stand for this", rule=3, needed=needed, given=len(assertions))
    challenge = assertion_challenge(purpose, line, sender_id, nonce, what)
    signers = tuple(verify_assertion(assertion, roster, challenge, now) for assertion in assertions)
    for signer in signers:
        if signer.officer.role not in MAY[purpose]:
            raise WrongParty(f"role {signer.officer.role} may not {purpose}", rule=3, officer=signer.officer.number)
    return signers


def verify_roster_change(
    current: Roster,
    proposed: Roster,
    assertions: Sequence[Assertion],
    *,
    line: bytes,
    sender_id: bytes,
    nonce: bytes | None,
    now: int,
) -> tuple[Signer, ...]:
    """Check that two administrators of the current roster put `proposed` in its place.

    They assert `proposed.digest` with purpose "roster". Raises as `verify_people`, and WrongParty (rule 3) for a version that
    is not the next, or a number that changes its key.
    """
    check_roster_follows(current, proposed)
    return verify_people(
        assertions,
        current,
        purpose="roster",
        line=line,
        sender_id=sender_id,
        nonce=nonce,
        what=proposed.digest,
        now=now,
        needed=ROSTER_PEOPLE,
    )


def sign_roster(key: IdentityKey, line: bytes, roster: Roster) -> HybridSignature:
    """Sign a changed roster with the identity, where there are no two administrators."""
    return key.sign(ROSTER_PURPOSE, encode([line, roster.encode()]))


def verify_signed_roster(
    current: Roster, proposed: Roster, identity: Identity, line: bytes, signature: HybridSignature
) -> None:
    """Check that the desk's identity put `proposed` in the place of `current` on this line.

    Raises BadSignature (rule 4), and WrongParty (rule 3) as `verify_roster_change` does.
    """
    check_roster_follows(current, proposed)
    identity.verify(ROSTER_PURPOSE, encode([line, proposed.encode()]), signature)


def read_roster_change(content: bytes, current: Roster, identity: Identity, line: bytes) -> Roster:
    """The roster that a desk's ROSTER entry puts in the place of `current`: dCBOR[roster, ed, ml], signed by its identity.

    Raises PeerError (rules 3, 4 and 39).
    """
    roster, ed, ml = shapes.array(decode(content), "roster change", length=3)
    proposed = Roster.decode(shapes.octets(roster, "roster", at_most=ROSTER_BYTES_MAX))
    signature = HybridSignature(
        shapes.octets(ed, "ed", length=ED25519_SIGNATURE_BYTES), shapes.octets(ml, "ml", length=MLDSA87_SIGNATURE_BYTES)
    )
    verify_signed_roster(current, proposed, identity, line, signature)
    return proposed


def check_roster_follows(current: Roster, proposed: Roster) -> None:
    """Check that a roster is the next version and gives no known number to another key. Raises WrongParty (rule 3)."""
    if proposed.version != current.version + 1:
        raise WrongParty("this roster is not the next version", rule=3, current=current.version, proposed=proposed.version)
    for officer in proposed.officers:
        before = current.officer(officer.number)
        if before is not None and (before.kind, before.key) != (officer.kind, officer.key):
            raise WrongParty("an officer's number was given to another key", rule=3, officer=officer.number)


def client_data_json(challenge: bytes, origin: str) -> bytes:
    """The clientDataJSON that a browser makes for a challenge (WebAuthn level 3, section 5.8.1.1)."""
    encoded = urlsafe_b64encode(challenge).rstrip(b"=").decode("ascii")
    return f'{{"type":"webauthn.get","challenge":"{encoded}","origin":"{origin}","crossOrigin":false}}'.encode("ascii")


def _signed_by_passkey(proof: PasskeyProof, officer: Officer, challenge: bytes) -> bytes:
    """Rebuild what the authenticator signed; checks its flags first."""
    if not (proof.flags & _USER_PRESENT and proof.flags & _USER_VERIFIED):
        raise BadSignature("the passkey was used without verifying its user", rule=3, officer=officer.number)
    if proof.flags & (_ATTESTED | _EXTENSIONS):
        raise Malformed("a passkey's proof carries neither attestation nor extensions", rule=3, officer=officer.number)
    if officer.rp_id is None or officer.origin is None:
        raise Malformed("a command-line key gives no passkey's proof", rule=3, officer=officer.number)
    client_data = client_data_json(challenge, officer.origin)
    if proof.appended is not None:
        # Browsers may add members, but only behind the four that are rebuilt: so the specification lets a verifier compare
        # the beginning and needs no JSON parser (WebAuthn level 3, section 5.8.1.2).
        client_data = client_data[:-1] + proof.appended
    relying_party = sha256(officer.rp_id.encode("ascii")).digest()
    return relying_party + bytes((proof.flags,)) + proof.counter.to_bytes(4, "big") + sha256(client_data).digest()


def _verify_es256(key: bytes, signature: bytes, message: bytes) -> None:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        _es256_key(key).verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise BadSignature("the ES256 signature does not hold", rule=3) from None


def _es256_key(key: bytes) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
    except ValueError:
        raise Malformed("an ES256 key must be a compressed point of P-256", rule=3) from None


def _has_appended(proof: Value) -> bool:
    return isinstance(proof, list) and len(proof) == 4


def _officer_value(officer: Officer) -> Value:
    return [
        officer.number,
        officer.kind,
        officer.key,
        officer.role,
        officer.name,
        officer.not_before,
        officer.not_after,
        officer.rp_id,
        officer.origin,
    ]


def _parse_officer(value: Value) -> Officer:
    number, kind, key, role, name, not_before, not_after, rp_id, origin = shapes.array(value, "officer", length=9)
    return Officer(
        number,
        kind,
        key,
        shapes.text(role, "role", at_most=16),
        shapes.optional(lambda text: shapes.text(text, "officer name", at_most=128), name),
        not_before,
        not_after,
        shapes.optional(lambda text: shapes.text(text, "rpId", at_most=253), rp_id),
        shapes.optional(lambda text: shapes.text(text, "origin", at_most=248), origin),
    )
