"""Epochs and the chain: who can read what, and until when (rules 10-17).

The sender opens an epoch alone: it seals a fresh seed to one of the receiver's keys. From the seed, the pairing secret PS and
the root key before come a new root key and the first chain key. Each entry takes one message key from the chain and moves it
on; a deleted chain key brings nothing back.

    T   = SHA-256(ctx || ct), ctx with the mark of PS behind it once PS is not that of the pairing any more
    prk = HKDF-Extract(rk_prev, seed || PS);  rk, ck = HKDF-Expand(prk, "watchline/1 " || {"rk", "ck"} || T, 32)
    mk  = HMAC(ck, 0x01 || SHA-256(leaf));    ck' = HMAC(ck, 0x02);    blinding = HMAC(ck, 0x03 || SHA-256(body))
    C   = ChaCha20-Poly1305(mk, nonce 0, aad = leaf, body)

The message key depends on the leaf, and the leaf on the body: other content, other key. So even a virtual machine that was
set back and writes something else under the same index never uses a key for two contents. The blinding comes from the chain
too, so it need not travel: who can open the body can recompute it.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from watchline.core.encoding import encode
from watchline.core.entries import Direction, commitment
from watchline.core.keys import KemKey, hkdf_expand, hkdf_extract, hmac256, seal_to
from watchline.errors import BadSignature, Malformed

NO_ROOT_KEY = bytes(32)
_NONCE = bytes(12)  # one key seals one entry, so the nonce need not change


@dataclass(frozen=True, slots=True, repr=False)
class Chain:
    """The secrets of one direction in one epoch, as they stand before the next entry. Never shown, never logged."""

    epoch: int
    root_key: bytes
    chain_key: bytes

    def next(self) -> Chain:
        """The chain after one entry; the key before cannot be computed from it."""
        return Chain(self.epoch, self.root_key, hmac256(self.chain_key, b"\x02"))

    def blinding(self, body: bytes) -> bytes:
        """The 32 bytes that hide this body in its leaf."""
        return hmac.digest(self.chain_key, b"\x03" + hashlib.sha256(body).digest(), "sha256")

    def commit(self, body: bytes) -> tuple[bytes, bytes]:
        """The blinding of a body and the commitment for its leaf."""
        blinding = self.blinding(body)
        return blinding, commitment(blinding, body)

    def seal(self, leaf: bytes, body: bytes) -> bytes:
        """Seal a body under its leaf, as `seal_body` does."""
        return seal_body(self.message_key(leaf), leaf, body)

    def open(self, leaf: bytes, sealed: bytes) -> bytes:
        """Open an entry's body; raises BadSignature (rule 17) if leaf, ciphertext or chain do not belong together."""
        return open_body(self.message_key(leaf), leaf, sealed)

    def message_key(self, leaf: bytes) -> bytes:
        """The key that seals the body under this leaf, and nothing else."""
        return hmac.digest(self.chain_key, b"\x01" + hashlib.sha256(leaf).digest(), "sha256")


def seal_body(message_key: bytes, leaf: bytes, body: bytes) -> bytes:
    """Seal a body under its leaf; the result is opened once more by its maker before anyone relies on it (rule 18).

    Raises RuntimeError if it does not open: then the machine computes wrongly, and the process must end.
    """
    cipher = ChaCha20Poly1305(message_key)
    sealed = cipher.encrypt(_NONCE, body, leaf)
    try:
        opened = cipher.decrypt(_NONCE, sealed, leaf)
    except InvalidTag:
        opened = None
    if opened != body:
        raise RuntimeError("a sealed entry does not open: the machine computes wrongly")
    return sealed


def open_body(message_key: bytes, leaf: bytes, sealed: bytes) -> bytes:
    """Open what `seal_body` made; raises BadSignature (rule 17) if key, leaf and ciphertext do not belong together."""
    if len(sealed) < 16:
        raise Malformed("a sealed entry is at least 16 bytes", rule=17)
    try:
        return ChaCha20Poly1305(message_key).decrypt(_NONCE, sealed, leaf)
    except InvalidTag:
        raise BadSignature("the entry does not open under its leaf and chain", rule=17) from None


@dataclass(frozen=True, slots=True)
class EpochOpening:
    """What the EPOCH statement carries: the epoch's number, the prekey it is sealed to, and the sealed seed."""

    epoch: int
    pre_id: int
    prekey_hash: bytes
    sealed_seed: bytes


def hedged_seed(hedge_key: bytes, random: bytes, direction: Direction, epoch: int, size: int, root: bytes) -> bytes:
    """A seed that stays unknown if the random source fails or the hedge key leaks, and differs if state was set back (rule 11).

    random: 32 bytes. size, root: the sender's log as it stands.
    """
    line, sender, _, inc, peer_inc = direction
    where = encode([line, sender, inc, peer_inc, epoch, size, root])
    return hmac256(hedge_key, b"\x01" + random + hashlib.sha256(where).digest())


def open_epoch(
    direction: Direction,
    epoch: int,
    pre_id: int,
    prekey: bytes,
    seed: bytes,
    secret: bytes,
    root_key: bytes,
    *,
    mark: bytes = b"",
) -> tuple[EpochOpening, Chain]:
    """Open an epoch as its sender. prekey: the receiver's public key. secret: PS. root_key: rk_prev, zeros for epoch 1.

    mark: that of a renewed PS, by which the receiver knows which one it is; none for the PS of the pairing.
    """
    prekey_hash = hashlib.sha256(prekey).digest()
    context = _context(direction, epoch, pre_id, prekey_hash, mark)
    sealed_seed = seal_to(prekey, seed, context)
    opening = EpochOpening(epoch, pre_id, prekey_hash, sealed_seed)
    return opening, _derive(epoch, seed, secret, root_key, context, sealed_seed)


def accept_epoch(
    direction: Direction, opening: EpochOpening, prekey: KemKey, secret: bytes, root_key: bytes, *, mark: bytes = b""
) -> Chain:
    """Follow the sender into an epoch. direction: the sender's. prekey: our private half of `opening.pre_id`.

    Raises BadSignature (rule 12) if the seed was not sealed to that key, for this direction, epoch and PS.
    """
    if hashlib.sha256(prekey.public).digest() != opening.prekey_hash:
        raise BadSignature("the epoch is sealed to another key than its number says", rule=12)
    context = _context(direction, opening.epoch, opening.pre_id, opening.prekey_hash, mark)
    seed = prekey.open(opening.sealed_seed, context)
    if len(seed) != 32:
        raise Malformed("an epoch's seed is 32 bytes", rule=11)
    return _derive(opening.epoch, seed, secret, root_key, context, opening.sealed_seed)


def _context(direction: Direction, epoch: int, pre_id: int, prekey_hash: bytes, mark: bytes) -> bytes:
    return encode(["EPOCH", *direction, epoch, pre_id, prekey_hash, *([mark] if mark else [])])


def _derive(epoch: int, seed: bytes, secret: bytes, root_key: bytes, context: bytes, sealed_seed: bytes) -> Chain:
    transcript = hashlib.sha256(context + sealed_seed).digest()
    extracted = hkdf_extract(root_key, seed + secret)
    return Chain(
        epoch,
        hkdf_expand(extracted, b"watchline/1 rk" + transcript, 32),
        hkdf_expand(extracted, b"watchline/1 ck" + transcript, 32),
    )


def outer_key(secret: bytes, sender: bytes, recipient: bytes) -> bytes:
    """The frame key of one direction, the same until PS is renewed (rule 13)."""
    return hkdf_expand(secret, b"watchline outer" + sender + recipient, 32)


def box_name(secret: bytes, sender: bytes, recipient: bytes) -> str:
    """The opaque name under which a shared medium keeps one direction's frames: 32 hex digits (rule 19)."""
    return hkdf_expand(secret, b"watchline box" + sender + recipient, 16).hex()
