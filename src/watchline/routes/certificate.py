"""The certificate of a desk's TLS key, and the fingerprint a peer is known by."""

from __future__ import annotations

import datetime as dt
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

FINGERPRINT_BYTES = 32


def self_signed_certificate(seed: bytes) -> x509.Certificate:
    """The certificate of a desk's TLS key; the same seed (32 bytes, Ed25519) always gives the same bytes.

    It says nothing but the key: a fixed name, no extensions, valid always (RFC 5280, section 4.1.2.5).
    """
    key = Ed25519PrivateKey.from_private_bytes(seed)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "watchline")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC))
        .sign(key, None)
    )


def key_fingerprint(certificate: x509.Certificate) -> bytes:
    """SHA-256 of the certificate's SubjectPublicKeyInfo in DER, 32 bytes."""
    return hashlib.sha256(certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
