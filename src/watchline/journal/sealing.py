"""Sealing at rest: a stolen disk without the node key shows how much was said and when, not what.

Each value is sealed with AES-256-GCM-SIV (RFC 8452) under a random nonce, and bound to its place: a value that was moved to
another row does not open. The key is derived from the node key and the journal's own salt, so that no two journals share one.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from watchline.core.encoding import encode
from watchline.errors import JournalError, SecretError
from watchline.journal.disk import DAMAGED_HINT

NODE_KEY_BYTES = 32
SALT_BYTES = 16
_NONCE_BYTES = 12
SEAL_BYTES = _NONCE_BYTES + 16  # what sealing adds to a value
_PROOF_PLACE = b"node key"


class Seal:
    """Seals and opens values under one node key. `place` says where a value belongs, unambiguously."""

    __slots__ = ("_cipher",)

    def __init__(self, node_key: bytes, salt: bytes) -> None:
        if len(node_key) != NODE_KEY_BYTES:
            raise SecretError(
                f"the node key must be {NODE_KEY_BYTES} bytes", hint="check the node key file", given=len(node_key)
            )
        key = HKDF(SHA256(), length=32, salt=salt, info=b"watchline journal").derive(node_key)
        self._cipher = AESGCMSIV(key)

    def seal(self, place: bytes, value: bytes) -> bytes:
        """The nonce, then the ciphertext: SEAL_BYTES longer than the value."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value, place)

    def open(self, place: bytes, sealed: bytes) -> bytes:
        """The value. JournalError if it was changed, or sealed for another place."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
        except (InvalidTag, ValueError) as error:
            raise JournalError(
                "a sealed value in the journal was changed or moved",
                hint=DAMAGED_HINT,
                reason="damaged",
            ) from error

    def proof(self) -> bytes:
        """A value that only this key opens."""
        return self.seal(_PROOF_PLACE, b"")

    def check(self, proof: bytes) -> None:
        """SecretError if the proof was made under another key."""
        try:
            self.open(_PROOF_PLACE, proof)
        except JournalError as error:
            raise SecretError(
                "the node key does not open this journal",
                hint="give the node key that the journal was made with (WATCHLINE_NODE_KEY_FILE)",
            ) from error


def place_of(*parts: bytes | int | bool | str) -> bytes:
    """What a sealed value is bound to: its table, and what names its row there. One encoding, so no two places look alike."""
    return encode(list(parts))
