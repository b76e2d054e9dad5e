"""Every key of a desk (rules 1, 2 and 4): what it signs or opens, and its public half.

Identity (offline): Ed25519 and ML-DSA-87, always both. Statements: Ed25519 and ML-DSA-44. Log, custody and TLS: Ed25519.
KEM: X-Wing, which is ML-KEM-768 and X25519. A key is made from its seeds and holds the library's key objects ready, so that
signing and verifying build nothing. No secret stands in a repr.
"""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256, shake_256

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA44PrivateKey,
    MLDSA44PublicKey,
    MLDSA87PrivateKey,
    MLDSA87PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import CryptoError

from watchline.core import shapes
from watchline.core.encoding import decode, encode
from watchline.errors import BadSignature, Malformed, UsageError

SEED_BYTES = 32
ED25519_PUBLIC_BYTES, ED25519_SIGNATURE_BYTES = 32, 64
MLDSA44_PUBLIC_BYTES, MLDSA44_SIGNATURE_BYTES = 1_312, 2_420
MLDSA87_PUBLIC_BYTES, MLDSA87_SIGNATURE_BYTES = 2_592, 4_627
KEM_PUBLIC_BYTES, KEM_ENCAPSULATION_BYTES = 1_216, 1_120
KEM_OVERHEAD_BYTES = KEM_ENCAPSULATION_BYTES + 16  # what sealing adds to a plaintext
NAME_BYTES_MAX = 128

_DESK_NAME = "a desk's name"
_MLDSA_CONTEXT = b"watchline/1"
_MLKEM768_PUBLIC_BYTES = 1_184
_ED25519_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")  # RFC 8410, section 4
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)


def hmac256(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104), 32 bytes."""
    return hmac.digest(key, message, "sha256")


def hkdf_extract(salt: bytes, ikm: bytes) -> bytes:
    """HKDF-Extract with SHA-256 (RFC 5869, section 2.2), 32 bytes; an empty salt stands for 32 zero bytes."""
    return hmac.digest(salt, ikm, "sha256")


def hkdf_expand(prk: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-256 (RFC 5869, section 2.3); `length` is from 0 to 8,160 bytes, else ValueError."""
    if not 0 <= length <= 255 * 32:
        raise ValueError("HKDF-Expand gives at most 8,160 bytes")
    out = block = b""
    counter = 1
    while len(out) < length:
        block = hmac.digest(prk, block + info + bytes((counter,)), "sha256")
        out += block
        counter += 1
    return out[:length]


def verify_ed25519(public: bytes, signature: bytes, message: bytes) -> None:
    """Check an Ed25519 signature (RFC 8032); return nothing if it holds.

    Raises BadSignature, also for a key or a signature of the wrong length, and for a key of small order, for which one
    signature could hold for many messages. libsodium is twice as quick as OpenSSL here and refuses such keys by itself.
    """
    if len(public) != ED25519_PUBLIC_BYTES or len(signature) != ED25519_SIGNATURE_BYTES:
        raise _bad_signature("Ed25519")
    try:
        crypto_sign_open(signature + message, public)
    except CryptoError:
        raise _bad_signature("Ed25519") from None


@dataclass(frozen=True, slots=True)
class HybridSignature:
    """One signature by each of two algorithms over the same bytes: both must hold, one alone counts for nothing."""

    ed: bytes
    ml: bytes


@dataclass(frozen=True, slots=True)
class Ed25519Key:
    """An Ed25519 key from its 32-byte seed; `public` is its 32-byte public key."""

    seed: bytes = field(repr=False)
    public: bytes = field(init=False, compare=False)
    _expanded: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        public, expanded = crypto_sign_seed_keypair(_seed(self.seed))
        object.__setattr__(self, "public", public)
        object.__setattr__(self, "_expanded", expanded)

    def sign(self, message: bytes) -> bytes:
        """Sign; 64 bytes, the same each time."""
        return crypto_sign(message, self._expanded)[:ED25519_SIGNATURE_BYTES]


@dataclass(frozen=True, slots=True)
class StatementPublic:
    """The key that verifies a desk's statements: Ed25519 (32 bytes) and ML-DSA-44 (1,312 bytes).

    Raises Malformed (rule 2) for another length.
    """

    ed: bytes
    ml: bytes = field(repr=False)
    _ml: MLDSA44PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_length(self.ed, ED25519_PUBLIC_BYTES, "the statement key's Ed25519 half", rule=2)
        _check_length(self.ml, MLDSA44_PUBLIC_BYTES, "the statement key's ML-DSA-44 half", rule=2)
        object.__setattr__(self, "_ml", MLDSA44PublicKey.from_public_bytes(self.ml))

    def verify(self, message: bytes, ed: bytes, ml: bytes | None) -> None:
        """Check both signatures over `message`; return nothing if they hold. Raises BadSignature.

        ml: None only where the caller has decided that Ed25519 alone is allowed, which is a status on a slow route.
        """
        verify_ed25519(self.ed, ed, message)
        if ml is not None:
            _verify_mldsa(self._ml, ml, message)


@dataclass(frozen=True, slots=True)
class StatementKey:
    """The key that signs a desk's statements, from the seeds of its two halves."""

    ed_seed: bytes = field(repr=False)
    ml_seed: bytes = field(repr=False)
    public: StatementPublic = field(init=False, compare=False)
    _ed: Ed25519Key = field(init=False, repr=False, compare=False)
    _ml: MLDSA44PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ed = Ed25519Key(self.ed_seed)
        ml = MLDSA44PrivateKey.from_seed_bytes(_seed(self.ml_seed))
        object.__setattr__(self, "_ed", ed)
        object.__setattr__(self, "_ml", ml)
        object.__setattr__(self, "public", StatementPublic(ed.public, ml.public_key().public_bytes_raw()))

    def sign(self, message: bytes) -> HybridSignature:
        """Sign with both algorithms; the ML-DSA half draws randomness of its own."""
        return HybridSignature(self._ed.sign(message), self._ml.sign(message, _MLDSA_CONTEXT))

    def sign_ed(self, message: bytes) -> bytes:
        """Sign with Ed25519 alone, for a status on a slow route."""
        return self._ed.sign(message)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a desk is, for ever: its name and the public keys of its identity (rule 1).

    desk: 1 to 128 bytes of text that shows as it is. ed: 32 bytes. ml: ML-DSA-87, 2,592 bytes.
    id: SHA-256(dCBOR[desk, ed, ml]). Raises Malformed (rule 1).
    """

    desk: str
    ed: bytes
    ml: bytes = field(repr=False)
    id: bytes = field(init=False, compare=False)
    _ml: MLDSA87PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_name(self.desk, _DESK_NAME, rule=1)
        _check_length(self.ed, ED25519_PUBLIC_BYTES, "the identity's Ed25519 key", rule=1)
        _check_length(self.ml, MLDSA87_PUBLIC_BYTES, "the identity's ML-DSA-87 key", rule=1)
        object.__setattr__(self, "_ml", MLDSA87PublicKey.from_public_bytes(self.ml))
        object.__setattr__(self, "id", sha256(self.encode()).digest())

    @property
    def fingerprint(self) -> str:
        """The id for people to compare: its first 160 bits as ten groups of four hex digits."""
        digits = self.id.hex()
        return " ".join(digits[4 * group : 4 * group + 4] for group in range(10))

    def encode(self) -> bytes:
        """Give dCBOR[desk, ed, ml], the bytes that are hashed and published."""
        return encode([self.desk, self.ed, self.ml])

    @classmethod
    def decode(cls, data: bytes) -> Identity:
        """Read what `encode` gave. Raises Malformed (rules 1 and 39)."""
        desk, ed, ml = shapes.array(decode(data), "identity", length=3)
        return cls(
            shapes.text(desk, "desk", at_least=1, at_most=NAME_BYTES_MAX),
            shapes.octets(ed, "identity ed", length=ED25519_PUBLIC_BYTES),
            shapes.octets(ml, "identity ml", length=MLDSA87_PUBLIC_BYTES),
        )

    def verify(self, purpose: str, message: bytes, signature: HybridSignature) -> None:
        """Check that the identity signed `message` for `purpose` with both algorithms. Raises BadSignature."""
        signed = _with_purpose(purpose, message)
        verify_ed25519(self.ed, signature.ed, signed)
        _verify_mldsa(self._ml, signature.ml, signed)


@dataclass(frozen=True, slots=True)
class IdentityKey:
    """The secret of an identity, from the seeds of its two halves. A running node never has it."""

    desk: str
    ed_seed: bytes = field(repr=False)
    ml_seed: bytes = field(repr=False)
    identity: Identity = field(init=False, compare=False)
    _ed: Ed25519Key = field(init=False, repr=False, compare=False)
    _ml: MLDSA87PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ed = Ed25519Key(self.ed_seed)
        ml = MLDSA87PrivateKey.from_seed_bytes(_seed(self.ml_seed))
        object.__setattr__(self, "_ed", ed)
        object.__setattr__(self, "_ml", ml)
        object.__setattr__(self, "identity", Identity(self.desk, ed.public, ml.public_key().public_bytes_raw()))

    @classmethod
    def generate(cls, desk: str, random: Callable[[int], bytes]) -> IdentityKey:
        """Make a new identity. Raises UsageError for a name that no desk can have."""
        try:
            check_name(desk, _DESK_NAME, rule=1)
        except Malformed as error:
            raise UsageError(error.message, hint=error.hint) from None
        return cls(desk, random(SEED_BYTES), random(SEED_BYTES))

    def sign(self, purpose: str, message: bytes) -> HybridSignature:
        """Sign purpose || 0x00 || message with both algorithms, so that no signature serves a second purpose."""
        signed = _with_purpose(purpose, message)
        return HybridSignature(self._ed.sign(signed), self._ml.sign(signed, _MLDSA_CONTEXT))

    def encode(self) -> bytes:
        """Give the secret as bytes, to be sealed by a passphrase."""
        return encode(["watchline/1 identity key", self.desk, self.ed_seed, self.ml_seed])

    @classmethod
    def decode(cls, data: bytes) -> IdentityKey:
        """Read what `encode` gave. Raises Malformed (rules 1 and 39)."""
        label, desk, ed_seed, ml_seed = shapes.array(decode(data), "identity key", length=4)
        _check_label(label, "watchline/1 identity key")
        return cls(
            shapes.text(desk, "desk", at_least=1, at_most=NAME_BYTES_MAX),
            shapes.octets(ed_seed, "identity Ed25519 seed", length=SEED_BYTES),
            shapes.octets(ml_seed, "identity ML-DSA-87 seed", length=SEED_BYTES),
        )


@dataclass(frozen=True, slots=True)
class KemKey:
    """An X-Wing key from its 32-byte seed; `public` is 1,216 bytes, ML-KEM-768 first.

    The seed is expanded with SHAKE-256 as in draft-connolly-cfrg-xwing-kem, section 5.2.
    """

    seed: bytes = field(repr=False)
    public: bytes = field(init=False, repr=False, compare=False)
    _private: hpke.MLKEM768X25519PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        expanded = shake_256(_seed(self.seed)).digest(96)
        ml = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        x = X25519PrivateKey.from_private_bytes(expanded[64:])
        public = ml.public_key().public_bytes_raw() + x.public_key().public_bytes_raw()
        object.__setattr__(self, "public", public)
        object.__setattr__(self, "_private", hpke.MLKEM768X25519PrivateKey(ml, x))

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """Open what `seal_to` made for this key with the same `info`.

        Raises Malformed (rule 12) if it is too short to be sealed, BadSignature (rule 12) if it does not open.
        """
        if len(sealed) < KEM_OVERHEAD_BYTES:
            raise Malformed(f"a sealed value has at least {KEM_OVERHEAD_BYTES} bytes", rule=12, length=len(sealed))
        try:
            return _SUITE.decrypt(sealed, self._private, info=info)
        except (InvalidTag, ValueError):
            raise BadSignature("it was not sealed to this key for this purpose, or it was changed", rule=12) from None


def seal_to(public: bytes, plaintext: bytes, info: bytes) -> bytes:
    """Seal to an X-Wing key: HPKE base mode, HKDF-SHA-256, ChaCha20-Poly1305 (RFC 9180, section 6.1), empty aad.

    Gives encapsulation || ciphertext, 1,136 bytes longer than the plaintext. The library draws the encapsulation's randomness.
    Raises Malformed (rule 12) for a public key of another length, or that is no key.
    """
    _check_length(public, KEM_PUBLIC_BYTES, "an X-Wing key", rule=12)
    try:
        ml = MLKEM768PublicKey.from_public_bytes(public[:_MLKEM768_PUBLIC_BYTES])
        x = X25519PublicKey.from_public_bytes(public[_MLKEM768_PUBLIC_BYTES:])
        return _SUITE.encrypt(plaintext, hpke.MLKEM768X25519PublicKey(ml, x), info=info)
    except ValueError:
        raise Malformed("these bytes are no X-Wing key", rule=12) from None


def tls_fingerprint(public: bytes) -> bytes:
    """SHA-256 of the SubjectPublicKeyInfo (DER) of a TLS key, given its raw Ed25519 public key."""
    return sha256(_ED25519_SPKI_PREFIX + public).digest()


@dataclass(frozen=True, slots=True)
class DeskPublic:
    """The public keys of one incarnation of a desk, as its certificate names them (rule 2).

    log, custody: Ed25519, 32 bytes. kem: X-Wing, 1,216 bytes. tls_fingerprint: SHA-256 of the TLS key's SubjectPublicKeyInfo.
    Raises Malformed (rule 2) for wrong lengths, and where one key stands for two purposes.
    """

    statement: StatementPublic
    log: bytes
    custody: bytes
    kem: bytes = field(repr=False)
    tls_fingerprint: bytes

    def __post_init__(self) -> None:
        _check_length(self.log, ED25519_PUBLIC_BYTES, "the log key", rule=2)
        _check_length(self.custody, ED25519_PUBLIC_BYTES, "the custody key", rule=2)
        _check_length(self.kem, KEM_PUBLIC_BYTES, "the KEM key", rule=2)
        _check_length(self.tls_fingerprint, 32, "the TLS fingerprint", rule=2)
        used = {tls_fingerprint(key) for key in (self.statement.ed, self.log, self.custody)}
        if len(used | {self.tls_fingerprint}) != 4:
            raise Malformed("one key serves two purposes", rule=2)


@dataclass(frozen=True, slots=True)
class DeskKeys:
    """The secret keys of one incarnation of a desk; they live in its node, sealed at rest.

    tls: the seed of the TLS key. hedge: 32 bytes that back up the node's randomness (rules 11 and 34).
    """

    statement: StatementKey
    log: Ed25519Key
    custody: Ed25519Key
    kem: KemKey
    tls: bytes = field(repr=False)
    hedge: bytes = field(repr=False)
    public: DeskPublic = field(init=False, compare=False)

    def __post_init__(self) -> None:
        tls = tls_fingerprint(Ed25519Key(self.tls).public)
        public = DeskPublic(self.statement.public, self.log.public, self.custody.public, self.kem.public, tls)
        object.__setattr__(self, "public", public)

    @classmethod
    def generate(cls, random: Callable[[int], bytes]) -> DeskKeys:
        """Make the keys of a new incarnation; `random(n)` gives n fresh random bytes."""
        return cls._from_seeds([random(SEED_BYTES) for _ in range(7)])

    @classmethod
    def _from_seeds(cls, seeds: list[bytes]) -> DeskKeys:
        statement_ed, statement_ml, log, custody, kem, tls, hedge = seeds
        statement = StatementKey(statement_ed, statement_ml)
        return cls(statement, Ed25519Key(log), Ed25519Key(custody), KemKey(kem), tls, hedge)

    def encode(self) -> bytes:
        """Give the secrets as bytes, to be sealed at rest."""
        statement = self.statement
        seeds = [statement.ed_seed, statement.ml_seed, self.log.seed, self.custody.seed, self.kem.seed, self.tls, self.hedge]
        return encode(["watchline/1 desk keys", *seeds])

    @classmethod
    def decode(cls, data: bytes) -> DeskKeys:
        """Read what `encode` gave. Raises Malformed (rule 39)."""
        label, *seeds = shapes.array(decode(data), "desk keys", length=8)
        _check_label(label, "watchline/1 desk keys")
        return cls._from_seeds([shapes.octets(seed, "seed", length=SEED_BYTES) for seed in seeds])


def check_name(name: str, what: str, *, rule: int) -> None:
    """Check that a name that people will read has 1 to 128 bytes and shows as it is: no control characters, nothing that
    turns the writing direction, no line breaks, no space at either end. `what` says whose name it is. Raises Malformed.
    """
    hidden = any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in _BIDI_CONTROLS for c in name)
    if hidden or name != name.strip() or not 1 <= len(name.encode("utf-8")) <= NAME_BYTES_MAX:
        raise Malformed(
            f"{what} has 1 to {NAME_BYTES_MAX} bytes of text, without control characters and without space at its ends",
            rule=rule,
            hint="choose a shorter or plainer name",
        )


def _verify_mldsa(key: MLDSA44PublicKey | MLDSA87PublicKey, signature: bytes, message: bytes) -> None:
    try:
        key.verify(signature, message, _MLDSA_CONTEXT)
    except (InvalidSignature, ValueError):
        raise _bad_signature("ML-DSA") from None


def _with_purpose(purpose: str, message: bytes) -> bytes:
    return purpose.encode("utf-8") + b"\x00" + message


def _seed(seed: bytes) -> bytes:
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a seed has {SEED_BYTES} bytes")
    return seed


def _check_length(value: bytes, length: int, name: str, *, rule: int) -> None:
    if len(value) != length:
        raise Malformed(f"{name} must have {length} bytes", rule=rule, length=len(value))


def _check_label(label: object, wanted: str) -> None:
    if label != wanted:
        raise Malformed(f"this is no {wanted.removeprefix('watchline/1 ')}", rule=39)


def _bad_signature(algorithm: str) -> BadSignature:
    return BadSignature(f"the {algorithm} signature does not hold", rule=4)
