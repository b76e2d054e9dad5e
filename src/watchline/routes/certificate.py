"""The certificate of a desk's TLS key, the fingerprint a peer is known by, and the introduction of a key that is new.

An introduction is bytes for the peer, in the certificate, by which it can learn that this key is now its peer's. Here it is
opaque. Whoever makes it seals it, since a listener shows its certificate to everybody who knows the door word.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Annotated

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from watchline.errors import Malformed

FINGERPRINT_BYTES = 32
INTRODUCTION_BYTES_MAX = 12_288

# The random UUID 2c574107-05b7-495d-8243-5880b156098b as a number: an arc that anybody may take (ITU-T X.667, section 6.3).
INTRODUCTION = x509.ObjectIdentifier("2.25.58939080554219208301660677738927098251")


def self_signed_certificate(seed: bytes, introduction: bytes | None = None) -> x509.Certificate:
    """The certificate of a desk's TLS key (seed: 32 bytes, Ed25519); the same arguments always give the same bytes.

    It says nothing but the key: a fixed name, valid always (RFC 5280, section 4.1.2.5), no extensions - but one, not critical,
    if there is an introduction: its bytes as they are. Raises ValueError if that has not 1 to INTRODUCTION_BYTES_MAX bytes.
    """
    key = Ed25519PrivateKey.from_private_bytes(seed)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "watchline")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC))
    )
    if introduction is not None:
        if not 1 <= len(introduction) <= INTRODUCTION_BYTES_MAX:
            raise ValueError(f"an introduction has 1 to {INTRODUCTION_BYTES_MAX} bytes, not {len(introduction)}")
        builder = builder.add_extension(x509.UnrecognizedExtension(INTRODUCTION, introduction), critical=False)
    return builder.sign(key, None)


def key_fingerprint(certificate: x509.Certificate) -> bytes:
    """SHA-256 of the certificate's SubjectPublicKeyInfo in DER, 32 bytes."""
    return hashlib.sha256(certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def read_introduction(certificate: x509.Certificate) -> bytes | None:
    """The introduction in a certificate that somebody shows, 1 to INTRODUCTION_BYTES_MAX bytes; None if there is none.

    Raises Malformed (rule 39) for another length, an introduction that stands there twice, and a certificate of another
    version or with fields that ours do not have. What other extensions say is left alone: `certificate.extensions` would
    parse them, which takes a tenth of a second where a stranger has filled them with names.
    """
    try:
        extensions = asn1.decode_der(_Signed, certificate.tbs_certificate_bytes).extensions or []
    except ValueError as error:
        raise Malformed("the certificate does not parse", rule=39) from error
    found = [extension.content for extension in extensions if extension.place == INTRODUCTION]
    if not found:
        return None
    if len(found) > 1 or not 1 <= len(found[0]) <= INTRODUCTION_BYTES_MAX:
        raise Malformed(f"a certificate holds one introduction of 1 to {INTRODUCTION_BYTES_MAX} bytes", rule=39)
    return found[0]


@asn1.sequence
class _Extension:
    """RFC 5280, section 4.1: Extension."""

    place: x509.ObjectIdentifier
    critical: Annotated[bool, asn1.Default(False)]
    content: bytes


@asn1.sequence
class _Signed:
    """RFC 5280, section 4.1: TBSCertificate, as far as ours have it."""

    version: asn1.TLV
    serial_number: asn1.TLV
    signature: asn1.TLV
    issuer: asn1.TLV
    validity: asn1.TLV
    subject: asn1.TLV
    key: asn1.TLV
    extensions: Annotated[list[_Extension] | None, asn1.Explicit(3)]
