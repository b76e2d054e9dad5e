"""Witnesses: third parties that cosign a log's checkpoints with their own clock, and see origins, sizes and roots only.

The requests and answers are those of C2SP tlog-witness (`add-checkpoint`), the cosignatures those of tlog-cosignature (Ed25519,
`cosignature/v1`), so that a desk can ask a public witness, and this witness can serve other logs. What a witness decides is
`add`: one log only ever grows, and each checkpoint that it signs begins with the one that it signed before (rule 27).

Every request has one form only: `parse` of any bytes raises `Malformed`, or `to_bytes` of what it gave writes the same again.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from watchline.core.checkpoint import (
    COSIGNATURE,
    ED25519,
    NOTE_BYTES_MAX,
    Checkpoint,
    Note,
    VerifierKey,
    cosignature_message,
    format_note,
    parse_note,
)
from watchline.core.keys import Ed25519Key, verify_ed25519
from watchline.core.limits import INTEGER_MAX, PROOF_HASHES_MAX
from watchline.core.merkle import EMPTY_ROOT, HASH_BYTES, verify_consistency
from watchline.core.terms import Terms, Witness
from watchline.errors import BadProof, BadSignature, Malformed, PeerError

ANSWER_BYTES_MAX = 16_384  # some hundred cosignatures
REQUEST_BYTES_MAX = NOTE_BYTES_MAX + 32 + (PROOF_HASHES_MAX + 1) * 45  # a note, the old size, the hashes in base64
SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"
CLOCK_SLACK_SECONDS = 600  # how far a witness's clock may be from ours before people are told

_RULE = 27
_OLD_SIZE = re.compile(rb"old (0|[1-9][0-9]{0,15})")
_HASH_BYTES_BASE64 = 44


class TreeHead(NamedTuple):
    """How far a log has come: its size, and its root of 32 bytes."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """What a log asks a witness. old_size: the size that the witness cosigned last, as the log believes; 0 for none.

    proof: the consistency path from there (RFC 6962, 2.1.2), empty for 0. note: the signed checkpoint.
    """

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes

    def to_bytes(self) -> bytes:
        """The body of the request."""
        return b"old %d\n%b\n%b" % (self.old_size, b"".join(b64encode(each) + b"\n" for each in self.proof), self.note)

    @classmethod
    def parse(cls, body: bytes) -> AddCheckpoint:
        """Read a body. Raises Malformed (rule 27); the note in it is not looked at."""
        if len(body) > REQUEST_BYTES_MAX:
            raise _malformed(f"it has at most {REQUEST_BYTES_MAX} bytes")
        head, parted, note = body.partition(b"\n\n")
        if not parted:
            raise _malformed("an empty line parts the proof from the checkpoint")
        first, *lines = head.split(b"\n")
        old = _OLD_SIZE.fullmatch(first)
        if old is None or int(old[1]) > INTEGER_MAX:
            raise _malformed("the first line is `old` and a size")
        if len(lines) > PROOF_HASHES_MAX:
            raise _malformed(f"a proof has at most {PROOF_HASHES_MAX} hashes")
        return cls(int(old[1]), tuple(map(_read_hash, lines)), note)


@dataclass(frozen=True, slots=True)
class Accept:
    """The witness may sign `text` once `head` is durable, and never anything smaller after it."""

    head: TreeHead
    text: bytes


@dataclass(frozen=True, slots=True)
class Refuse:
    """What the witness answers instead. known_size: in a 409, what it cosigned last. suspect: the log's key signed a head that
    was not shown to go on from the one that is known; it may prove that the log was split, so the operator keeps it.
    """

    status: int
    message: str
    known_size: int | None = None
    suspect: bool = False

    @property
    def content_type(self) -> str:
        """The media type of the answer's body."""
        return TEXT_TYPE if self.known_size is None else SIZE_TYPE

    @property
    def body(self) -> bytes:
        """The answer's body: in a 409 the size that is known, and nothing else."""
        return f"{self.message}\n".encode() if self.known_size is None else b"%d\n" % self.known_size


def read_request(body: bytes) -> tuple[AddCheckpoint, Note, Checkpoint] | Refuse:
    """The request, its note and the checkpoint in it; a Refuse (400) for what is none. Nothing is verified yet."""
    try:
        request = AddCheckpoint.parse(body)
        note = parse_note(request.note)
        return request, note, Checkpoint.parse(note.text)
    except Malformed as error:
        return Refuse(400, error.message)


def add(
    known: TreeHead | None, key: VerifierKey | None, request: AddCheckpoint, note: Note, head: Checkpoint
) -> Accept | Refuse:
    """Decide on a request, as C2SP tlog-witness has it. known: what was cosigned last, None for nothing yet. key: the log's key
    for this origin, None for an origin that this witness does not serve.
    """
    if key is None:
        return Refuse(404, "this witness does not serve the log of this origin: its operator adds the log's verifier key")
    try:
        note.verify([key])
    except PeerError:
        return Refuse(403, "the checkpoint has no signature by the log's key that holds")
    old = known or TreeHead(0, EMPTY_ROOT)
    new = TreeHead(head.size, head.root)
    if request.old_size > new.size:
        return Refuse(400, "the old size is above the size of the checkpoint")
    if request.old_size != old.size:
        return Refuse(409, "another size was cosigned last", known_size=old.size)
    if new.size == old.size and new.root != old.root:
        return Refuse(409, "another root of this size was cosigned", known_size=old.size, suspect=known is not None)
    try:
        verify_consistency(*old, *new, request.proof)
    except BadProof as error:
        return Refuse(422, error.message, suspect=known is not None)
    return Accept(new, note.text)


# --- cosignatures


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """The secret of a witness and its name, which C2SP asks to be a URL without a scheme, such as witness.example/w1."""

    name: str
    key: Ed25519Key = field(repr=False)

    @property
    def verifier(self) -> VerifierKey:
        """The public half, as people publish it by `to_text`."""
        return VerifierKey(self.name, COSIGNATURE, self.key.public)

    def cosign(self, text: bytes, time: int) -> bytes:
        """The signature line on a checkpoint's text. time: seconds since 1970, by the witness's clock."""
        signature = self.key.sign(cosignature_message(time, text))
        return format_note(text, [(self.verifier, time.to_bytes(8, "big") + signature)])[len(text) + 1 :]


class Cosignature(NamedTuple):
    """What a witness said of one checkpoint. witness: its verifier key; time: its clock; signature: 64 bytes."""

    witness: VerifierKey
    time: int
    signature: bytes

    @property
    def blob(self) -> bytes:
        """Time and signature as they stand in a note, 72 bytes."""
        return self.time.to_bytes(8, "big") + self.signature


def witness_key(witness: Witness) -> VerifierKey | None:
    """The key of a witness that terms name; None if it is of a kind that this version cannot verify."""
    try:
        key = VerifierKey.parse(witness.vkey)
    except Malformed:
        return None
    return key if key.algorithm == COSIGNATURE else None


def witness_keys(terms: Terms) -> dict[str, VerifierKey]:
    """The keys of the line's witnesses by their text, in the order of the terms; those that cannot be verified are left out."""
    keys = ((witness.vkey, witness_key(witness)) for witness in terms.witnesses)
    return {vkey: key for vkey, key in keys if key is not None}


def verify_cosignature(cosignature: Cosignature, head: Checkpoint) -> None:
    """Check that the witness signed this head at that time; return nothing if so. Raises BadSignature."""
    message = cosignature_message(cosignature.time, head.text())
    verify_ed25519(cosignature.witness.public, cosignature.signature, message)


def read_cosignatures(body: bytes, head: Checkpoint, keys: Iterable[VerifierKey]) -> list[Cosignature]:
    """What a witness answered with 200: its cosignatures on this head by `keys`; others are ignored, as C2SP asks.

    Raises Malformed for what are no signature lines; BadSignature if none is by one of the keys, or one does not hold.
    """
    if len(body) > ANSWER_BYTES_MAX:
        raise _malformed(f"an answer has at most {ANSWER_BYTES_MAX} bytes")
    text, keys = head.text(), list(keys)
    note = parse_note(text + b"\n" + body)
    if note.text != text:
        raise _malformed("an answer is signature lines alone")
    asked = {(key.name, key.key_id) for key in keys}
    blobs = [blob for name, key_id, blob in note.signatures if (name, key_id) in asked]
    verified = note.verify(keys)
    return [Cosignature(key, time or 0, blob[8:]) for (key, time), blob in zip(verified, blobs, strict=True)]


def read_known_size(body: bytes) -> int:
    """The size in a 409. Raises Malformed."""
    number = body[:-1]
    if not body.endswith(b"\n") or not re.fullmatch(rb"0|[1-9][0-9]{0,15}", number) or int(number) > INTEGER_MAX:
        raise _malformed("a conflict's body is a size and a newline")
    return int(number)


def judge_time(time: int, now: int) -> BadSignature | None:
    """What is wrong with a time that a witness put on something that was signed just now; None if nothing is.

    now: our clock. One of the two clocks is wrong if they are far apart: people must look, and it is not kept until then.
    """
    if abs(time - now) <= CLOCK_SLACK_SECONDS:
        return None
    return BadSignature(
        f"a witness's clock is {'ahead of' if time > now else 'behind'} ours by more than {CLOCK_SLACK_SECONDS} seconds",
        rule=_RULE,
        hint="compare this machine's clock with the witness's",
        time=time,
        now=now,
    )


def parse_log_keys(text: str) -> dict[str, VerifierKey]:
    """A witness's list of the logs it serves: one verifier key a line, named by its origin. `#` begins a comment.

    Raises Malformed (rule 27) for a line that is no key of a log, and for an origin with two keys.
    """
    keys: dict[str, VerifierKey] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        said = line.partition("#")[0].strip()
        if not said:
            continue
        try:
            key = VerifierKey.parse(said)
        except Malformed as error:
            raise Malformed(f"line {number}: {error.message}", rule=_RULE, line=number) from None
        if key.algorithm != ED25519:
            raise Malformed(f"line {number}: this is no key that signs checkpoints", rule=_RULE, line=number)
        if keys.setdefault(key.name, key) != key:
            raise Malformed(f"line {number}: this origin has another key above", rule=_RULE, line=number)
    return keys


def bound_nonce(chance: bytes, cosignature: bytes) -> bytes:
    """A status's nonce that can only be known after a cosignature (rule 27): what echoes it was signed after it.

    chance: 16 random bytes; cosignature: time and signature, 72 bytes. Who shows both shows that the nonce was made of them.
    """
    return sha256(chance + cosignature).digest()[:16]


def _read_hash(line: bytes) -> bytes:
    try:
        found = b64decode(line, validate=True) if len(line) == _HASH_BYTES_BASE64 else b""
    except ValueError:
        found = b""
    if len(found) != HASH_BYTES or b64encode(found) != line:
        raise _malformed("each line of a proof is one hash in base64")
    return found


def _malformed(what: str) -> Malformed:
    return Malformed(f"not what log and witness say to each other: {what}", rule=_RULE)
