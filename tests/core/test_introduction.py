"""The sealed certificate that a desk shows on a route before its new TLS key is known: who can read it, and what is refused."""

from __future__ import annotations

import hmac
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from tests.line_pair import SECRET, party
from watchline.core.certificate import CERTIFICATE_BYTES_MAX
from watchline.core.introduction import NONCE_BYTES, open_introduction, seal_introduction
from watchline.core.keys import Identity
from watchline.errors import BadSignature, Malformed, WrongParty

TOKYO, BEIJING, SEOUL = party("Tokyo", 2), party("Beijing"), party("Seoul", 2)
FROM, TO = TOKYO.identity.identity, BEIJING.identity.identity
NONCE = bytes(range(NONCE_BYTES))
SMALLEST = NONCE_BYTES + 16  # a nonce and a tag around nothing


def introduction() -> bytes:
    return seal_introduction(SECRET, FROM.id, TO.id, TOKYO.certificate, NONCE)


def opened(data: bytes, *, secret: bytes = SECRET, sender: Identity = FROM, recipient: bytes = TO.id) -> bytes:
    return open_introduction(secret, sender, recipient, data).encoded


def test_introduction_gives_the_peer_the_certificate() -> None:
    assert opened(introduction()) == TOKYO.certificate.encoded


def test_introduction_is_sealed_as_the_protocol_has_it() -> None:
    """HKDF-Expand by hand: one block is what 32 bytes need (RFC 5869)."""
    key = hmac.digest(SECRET, b"watchline introduction" + FROM.id + TO.id + b"\x01", "sha256")
    assert introduction()[:NONCE_BYTES] == NONCE
    assert AESGCMSIV(key).decrypt(NONCE, introduction()[NONCE_BYTES:], None) == TOKYO.certificate.encoded


def test_introduction_shows_a_stranger_nothing_of_the_certificate() -> None:
    data, certificate = introduction(), TOKYO.certificate
    assert len(data) == SMALLEST + len(certificate.encoded)
    assert FROM.id not in data
    assert certificate.certificate.public.tls_fingerprint not in data
    assert seal_introduction(SECRET, FROM.id, TO.id, certificate, bytes(NONCE_BYTES))[NONCE_BYTES:] != data[NONCE_BYTES:]


@pytest.mark.parametrize("size", [0, SMALLEST, SMALLEST + CERTIFICATE_BYTES_MAX + 1])
def test_introduction_of_a_size_that_no_certificate_has_is_refused_unopened(size: int) -> None:
    with pytest.raises(Malformed) as refused:
        opened(bytes(size))
    assert refused.value.rule == 28


@pytest.mark.parametrize("size", [SMALLEST + 1, SMALLEST + CERTIFICATE_BYTES_MAX])
def test_introduction_of_any_other_size_is_tried(size: int) -> None:
    with pytest.raises(BadSignature):
        opened(bytes(size))


def flipped(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


DAMAGES = {
    "cut short": lambda data: data[:-1],
    "with a byte left over": lambda data: data + b"\0",
    "with another nonce": flipped(0),
    "with another certificate": flipped(NONCE_BYTES),
    "with another tag": flipped(-1 + SMALLEST + len(TOKYO.certificate.encoded)),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_introduction_is_refused(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BadSignature) as refused:
        opened(damage(introduction()))
    assert refused.value.rule == 28


def test_introduction_under_the_secret_of_another_line_is_refused() -> None:
    with pytest.raises(BadSignature) as refused:
        opened(introduction(), secret=bytes(32))
    assert refused.value.rule == 28


def test_introduction_that_is_shown_back_to_its_sender_is_refused() -> None:
    with pytest.raises(BadSignature) as refused:
        opened(introduction(), sender=TO, recipient=FROM.id)
    assert refused.value.rule == 28


def test_introduction_that_was_made_for_another_desk_is_refused() -> None:
    with pytest.raises(BadSignature) as refused:
        opened(introduction(), recipient=SEOUL.identity.identity.id)
    assert refused.value.rule == 28


def test_introduction_with_the_certificate_of_another_identity_is_refused() -> None:
    foreign = seal_introduction(SECRET, FROM.id, TO.id, SEOUL.certificate, NONCE)
    with pytest.raises(WrongParty) as refused:
        opened(foreign)
    assert refused.value.rule == 2
