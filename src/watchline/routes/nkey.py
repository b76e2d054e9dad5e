"""The NKey of a user at a NATS server: an Ed25519 key that signs what the server asks, so that the server holds no secret.

A seed is base32 of two bytes that say what it is, 32 bytes, and a checksum; `nk -gen user` makes one. The encoding is that of
https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth and the nkeys library of NATS.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from watchline.core.keys import Ed25519Key

_SEED, _USER = 18 << 3, 20 << 3  # what makes the text begin with S and with U
_SEED_CHARACTERS = 58


@dataclass(frozen=True, slots=True)
class UserKey:
    """A user's key. public: as the server's configuration has it, U and 55 characters."""

    public: str
    key: Ed25519Key = field(repr=False)

    @classmethod
    def read(cls, seed: str) -> UserKey:
        """The key of a seed, SU and 56 characters. Raises ValueError, which does not repeat it, for anything else."""
        try:
            raw = base64.b32decode(seed + "=" * (-len(seed) % 8)) if len(seed) == _SEED_CHARACTERS else b""
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != 36 or raw[:2] != _head() or raw[-2:] != _checksum(raw[:-2]):
            raise ValueError("it is no seed of a user's NKey")
        key = Ed25519Key(raw[2:-2])
        public = bytes([_USER]) + key.public
        return cls(base64.b32encode(public + _checksum(public)).decode().rstrip("="), key)

    def sign(self, nonce: str) -> bytes:
        """The answer to what the server asks, in base64."""
        return base64.b64encode(self.key.sign(nonce.encode()))


def _head() -> bytes:
    """A seed's first ten bits: that it is a seed, and of whom."""
    return bytes([_SEED | _USER >> 5, (_USER & 31) << 3])


def _checksum(data: bytes) -> bytes:
    return binascii.crc_hqx(data, 0).to_bytes(2, "little")
