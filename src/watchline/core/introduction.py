"""The introduction: how a desk whose node has new keys is known again on a route that pins keys (rule 28).

    introduction = nonce(12) || AES-256-GCM-SIV(key, nonce, no aad, certificate)
    key          = HKDF-Expand(PS, "watchline introduction" || from || to, 32)

It is the newest certificate of the desk, sealed so that a stranger who is shown it learns not even whose it is. It proves
nothing of whoever shows it: the certificate names a TLS key, and the connection must prove that one.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from watchline.core.certificate import CERTIFICATE_BYTES_MAX, SignedCertificate, parse_certificate
from watchline.core.keys import Identity, hkdf_expand
from watchline.errors import BadSignature, Malformed

NONCE_BYTES = 12
_OVERHEAD_BYTES = NONCE_BYTES + 16


def seal_introduction(secret: bytes, sender: bytes, recipient: bytes, certificate: SignedCertificate, nonce: bytes) -> bytes:
    """Seal our certificate for the peer. secret: PS; sender, recipient: ids, 32 bytes each; nonce: 12 random bytes."""
    return nonce + _cipher(secret, sender, recipient).encrypt(nonce, certificate.encoded, None)


def open_introduction(secret: bytes, sender: Identity, recipient: bytes, introduction: bytes) -> SignedCertificate:
    """The peer's certificate, verified. Raises Malformed or BadSignature (rule 28), or as `parse_certificate`.

    What is not sealed under the line's key costs one AEAD and no signature check.
    """
    if not _OVERHEAD_BYTES < len(introduction) <= _OVERHEAD_BYTES + CERTIFICATE_BYTES_MAX:
        raise Malformed("an introduction holds one certificate", rule=28, size=len(introduction))
    try:
        encoded = _cipher(secret, sender.id, recipient).decrypt(introduction[:NONCE_BYTES], introduction[NONCE_BYTES:], None)
    except InvalidTag:
        raise BadSignature("the introduction is not sealed under this line's key", rule=28) from None
    return parse_certificate(encoded, sender)


def _cipher(secret: bytes, sender: bytes, recipient: bytes) -> AESGCMSIV:
    return AESGCMSIV(hkdf_expand(secret, b"watchline introduction" + sender + recipient, 32))
