"""Checkpoints and receipts in the formats of public transparency logs: notes that other people's tools can check too.

A checkpoint is the text of a signed note: origin, tree size and root of one log. Its author signs it with the log key
(Ed25519, type 0x01); the peer cosigns it with its custody key (type 0x04, with a time), and that cosignature is the receipt.
Witnesses cosign the same way. Sources: C2SP signed-note v1.0.0, tlog-checkpoint v1.0.0 and tlog-cosignature v1.0.1.

Every text has one form only: `parse` of any bytes raises `Malformed`, or formatting what it gave writes the same bytes again.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from watchline.core.encoding import encode
from watchline.core.keys import verify_ed25519
from watchline.core.limits import INTEGER_MAX, NOTE_SIGNATURES_MAX
from watchline.core.merkle import HASH_BYTES
from watchline.errors import BadSignature, Malformed

ED25519 = 0x01
COSIGNATURE = 0x04
NOTE_BYTES_MAX = 65_536  # C2SP: post-quantum signatures may have nearly 5 kB; sixteen of 4,000 bytes still fit

_RULE = 9
_PUBLIC_BYTES = 32
_SIGNATURE_BYTES = {ED25519: 64, COSIGNATURE: 8 + 64}
_KEY_ID_BYTES = 4


def origin(line: bytes, author: bytes, inc: int, peer_inc: int) -> str:
    """The name of the log that `author` (its id) writes on a line in this pair of incarnations; also its log key's name.

    inc: the author's incarnation, peer_inc: the other desk's. It tells a witness neither line nor desk (rule 9).
    """
    return "watchline/1/" + sha256(encode(["origin", line, author, inc, peer_inc])).hexdigest()[:32]


def custody_name(origin: str) -> str:
    """The name of the key with which the peer gives receipts on the log with this origin (rule 23)."""
    return f"{origin}/custody"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: `size` leaves of the log named `origin` have this root of 32 bytes."""

    origin: str
    size: int
    root: bytes

    def text(self) -> bytes:
        """The three lines that are signed. Raises ValueError for an origin, size or root that no checkpoint has."""
        if _fault_in_origin(self.origin) or not 0 <= self.size <= INTEGER_MAX or len(self.root) != HASH_BYTES:
            raise ValueError("not the origin, size and root of a checkpoint")
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n".encode()

    @classmethod
    def parse(cls, text: bytes) -> Checkpoint:
        """Read the text of a note. Raises Malformed (rule 9); extension lines are refused too."""
        if len(text) > NOTE_BYTES_MAX:
            raise _malformed(f"a checkpoint has at most {NOTE_BYTES_MAX} bytes")
        lines = _decode(text).split("\n")
        if len(lines) < 4 or lines[-1]:
            raise _malformed("a checkpoint is three lines that each end in a newline")
        if len(lines) > 4:
            raise _malformed("a checkpoint has no extension lines")
        origin, size, root = lines[:3]
        if fault := _fault_in_origin(origin):
            raise _malformed(fault)
        root_bytes = _decode_base64(root, "the root")
        if len(root_bytes) != HASH_BYTES:
            raise _malformed(f"the root has {HASH_BYTES} bytes")
        return cls(origin, _decode_decimal(size), root_bytes)


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name and the type of signature that it makes: ED25519 or COSIGNATURE.

    public: 32 bytes. Name and key id together say which lines of a note are the key's.
    """

    name: str
    algorithm: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name, newline, algorithm, public key)."""
        return sha256(self.name.encode() + b"\n" + bytes((self.algorithm,)) + self.public).digest()[:_KEY_ID_BYTES]

    def to_text(self) -> str:
        """The key as people publish it: `name+hex of the key id+base64 of algorithm and public key`.

        Raises ValueError for a name, algorithm or length that `parse` would refuse.
        """
        if _fault_in_name(self.name) or self.algorithm not in _SIGNATURE_BYTES or len(self.public) != _PUBLIC_BYTES:
            raise ValueError("not the name, algorithm and public key of a verifier key")
        key = b64encode(bytes((self.algorithm,)) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read what `to_text` writes. Raises Malformed (rule 9), also where the key id is not that of name and key."""
        parts = text.split("+", 2)  # the base64 may hold more of them
        if len(parts) != 3:
            raise _malformed("a verifier key is name+key id+key")
        name, key_id, encoded = parts
        if fault := _fault_in_name(name):
            raise _malformed(fault)
        key = _decode_base64(encoded, "the verifier key")
        if len(key) != 1 + _PUBLIC_BYTES or key[0] not in _SIGNATURE_BYTES:
            raise _malformed("a verifier key is one byte of algorithm, 1 or 4, and 32 bytes of Ed25519 key")
        parsed = cls(name, key[0], key[1:])
        if parsed.key_id.hex() != key_id:
            raise _malformed("the key id is not that of this name and key")
        return parsed


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note; nothing in it is verified yet.

    text: what is signed, with its last newline. signatures: (key name, key id of 4 bytes, what follows the key id) each.
    """

    text: bytes
    signatures: list[tuple[str, bytes, bytes]]

    def verify(self, keys: Iterable[VerifierKey]) -> list[tuple[VerifierKey, int | None]]:
        """Verify every signature that is by one of `keys`, and ignore the others, as C2SP asks.

        Gives (key, time) for each signature that holds, in the note's order; time is seconds since 1970 by the cosigner's
        clock, None for ED25519. So one of the keys wanted may be missing: the caller must look for it.

        Raises BadSignature if one of the keys' signatures does not hold, or if there is none by them at all; Malformed if
        two of the keys cannot be told apart.
        """
        known: dict[tuple[str, bytes], VerifierKey] = {}
        for key in keys:
            if known.setdefault((key.name, key.key_id), key) != key:
                raise Malformed("two verifier keys have the same name and key id", rule=_RULE)
        verified: list[tuple[VerifierKey, int | None]] = []
        for name, key_id, blob in self.signatures:
            if signer := known.get((name, key_id)):
                verified.append((signer, _verify(signer, self.text, blob)))
        if not verified:
            raise BadSignature("the note has no signature by a known key", rule=_RULE)
        return verified


def cosignature_message(time: int, checkpoint_text: bytes) -> bytes:
    """What a COSIGNATURE key signs: the cosigner's time, seconds since 1970, and the checkpoint's whole text."""
    return b"cosignature/v1\ntime %d\n%b" % (time, checkpoint_text)


def format_note(text: bytes, signatures: Sequence[tuple[VerifierKey, bytes]]) -> bytes:
    """Write a note: the text, an empty line and one line for each signature, in the order given.

    Signatures as made: 64 bytes for ED25519; for COSIGNATURE the time in 8 bytes, big-endian, and then 64 bytes.
    Raises ValueError for what `parse_note` would refuse, and for a signature of another length.
    """
    for key, signature in signatures:
        if len(signature) != _SIGNATURE_BYTES[key.algorithm]:
            raise ValueError(f"a signature of type {key.algorithm} has {_SIGNATURE_BYTES[key.algorithm]} bytes")
    lines = (f"— {key.name} {b64encode(key.key_id + signature).decode()}\n" for key, signature in signatures)
    note = text + b"\n" + "".join(lines).encode()
    try:
        if parse_note(note).text != text:
            raise ValueError("the text of a note ends in a newline")
    except Malformed as error:
        raise ValueError(error.message) from None
    return note


def parse_note(data: bytes) -> Note:
    """Read a note without verifying it. Raises Malformed (rule 9).

    The last empty line parts the text from its signatures. Signatures of unknown types are kept as they are.
    """
    if len(data) > NOTE_BYTES_MAX:
        raise _malformed(f"a note has at most {NOTE_BYTES_MAX} bytes")
    whole = _decode(data)
    if not whole.endswith("\n"):
        raise _malformed("a note ends in a newline")
    text, parted, signed = whole[:-1].rpartition("\n\n")
    if not parted:
        raise _malformed("a note has an empty line before its signatures")
    if not signed:
        raise _malformed("a note has at least one signature")
    lines = signed.split("\n")
    if len(lines) > NOTE_SIGNATURES_MAX:
        raise _malformed(f"a note has at most {NOTE_SIGNATURES_MAX} signatures")
    return Note((text + "\n").encode(), [_parse_signature(line) for line in lines])


def _parse_signature(line: str) -> tuple[str, bytes, bytes]:
    dash, _, rest = line.partition(" ")
    name, parted, encoded = rest.partition(" ")
    if dash != "—" or not parted:
        raise _malformed("a signature line is an em dash, a key name and a signature, with one space between them")
    if fault := _fault_in_name(name):
        raise _malformed(fault)
    signature = _decode_base64(encoded, "a signature")
    if len(signature) <= _KEY_ID_BYTES:
        raise _malformed("a signature has more bytes than its key id")
    return name, signature[:_KEY_ID_BYTES], signature[_KEY_ID_BYTES:]


def _verify(key: VerifierKey, text: bytes, blob: bytes) -> int | None:
    if len(blob) != _SIGNATURE_BYTES.get(key.algorithm):
        raise BadSignature("the signature has a length that its type does not have", rule=_RULE, key=key.name)
    if key.algorithm == ED25519:
        verify_ed25519(key.public, blob, text)
        return None
    time = int.from_bytes(blob[:8], "big")
    if time > INTEGER_MAX:
        raise BadSignature("the time of the cosignature is 2**53 or more", rule=_RULE, key=key.name)
    verify_ed25519(key.public, blob[8:], cosignature_message(time, text))
    return time


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed(f"not UTF-8 at byte {error.start}") from None
    if any(character < " " and character != "\n" for character in text):
        raise _malformed("control characters other than newline are not allowed")
    return text


def _decode_base64(text: str, name: str) -> bytes:
    try:
        decoded = b64decode(text, validate=True)
    except ValueError:  # also for text that is not ASCII
        raise _malformed(f"{name} is not base64") from None
    if b64encode(decoded).decode() != text:  # some bits of the last character carry nothing, and must be zero
        raise _malformed(f"{name} is not in the one form of base64")
    return decoded


def _decode_decimal(text: str) -> int:
    digits = len(str(INTEGER_MAX))
    if not (text.isascii() and text.isdigit()) or len(text) > digits or (text[0] == "0" and text != "0"):
        raise _malformed("the size is not a decimal number in its shortest form")
    size = int(text)
    if size > INTEGER_MAX:
        raise _malformed("the size is 2**53 or more")
    return size


@lru_cache(256)  # a line checks its own two origins with every signature
def _fault_in_origin(origin: str) -> str:
    if not origin:
        return "the origin is empty"
    if any(character < " " for character in origin):
        return "the origin has a control character"
    return ""


def _fault_in_name(name: str) -> str:
    if not name:
        return "a key name is empty"
    if "+" in name or any(character.isspace() or character < " " for character in name):
        return "a key name has a space, a plus or a control character"
    return ""


def _malformed(what: str) -> Malformed:
    return Malformed(f"not a note of the allowed form: {what}", rule=_RULE)
