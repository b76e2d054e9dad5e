r"""The renewal of a line's secret PS (rule 5): three files carried by hand, for a line whose PS was stolen or may have been.

    file N   = "watchline renewal 1\n" || dCBOR[body, ed, ml], signed by the desk's identity for "watchline/1 renewal"
    body 1   = dCBOR[1, LINE, id of A, number, mark, X-Wing key of A]
    body 2   = dCBOR[2, LINE, id of B, number, mark, SHA-256(file 1), X-Wing key of B, secret of B sealed to A]
    body 3   = dCBOR[3, LINE, id of A, number, mark, SHA-256(file 1), SHA-256(file 2), secret of A sealed to B]
    run      = SHA-256("watchline/1 renewal" || LINE || SHA-256(file 1) || SHA-256(file 2) || SHA-256(file 3))
    PS'      = HKDF-Extract(run, PS || secret of the lower id || secret of the higher id)

`number` counts the renewals of the line from 1, `mark` says which PS is renewed: a file of another line, desk, number, run or
direction fits nowhere, and two desks that hold different secrets find out before anything changes. The salt is the whole run,
so whoever saw another file has another PS'; its digits may be compared by voice.

A desk has one renewal of a line under way, or none: asking, answering and completing each end what was under way before. That
is what keeps the desks together: file 3 is taken only by a desk whose last step was the answer that it names; who asks anew, or
answers, makes every file 3 for an earlier answer of its own worthless. `line_secrets` has what follows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from watchline.core import shapes
from watchline.core.encoding import Value, decode, encode
from watchline.core.keys import (
    ED25519_SIGNATURE_BYTES,
    KEM_OVERHEAD_BYTES,
    KEM_PUBLIC_BYTES,
    MLDSA87_SIGNATURE_BYTES,
    SEED_BYTES,
    HybridSignature,
    Identity,
    IdentityKey,
    KemKey,
    hkdf_extract,
    seal_to,
)
from watchline.core.line_secrets import FILE_BYTES_MAX, RENEWALS_MAX, LineSecrets
from watchline.core.pairing import line_digits
from watchline.errors import BadSignature, Malformed, UsageError, WrongParty

MAGIC = b"watchline renewal 1\n"
PURPOSE = "watchline/1 renewal"
_STATE = "watchline/1 begun renewal"
_SECRET_BYTES = 32
_SIGNED_AND_SEALED = {1: 1, 2: 3, 3: 3}  # values of a body behind the five that all have
_SEND_AGAIN = "ask for the file again and compare its SHA-256"
_GIVE_FILE_3 = "bring the other desk this one's file 3: watchline renew LINE --again --out FILE"
_BEGIN_ANEW = "give the file that answers the one you sent, or begin anew with watchline renew LINE --out FILE"


class RenewalLine(NamedTuple):
    """The line that is renewed, as one desk sees it. line: LINE. own: our identity. secrets: those that we hold."""

    line: bytes
    own: Identity
    peer: Identity
    secrets: LineSecrets


@dataclass(frozen=True, slots=True)
class BegunRenewal:
    """What a desk keeps, sealed, until the next file comes. file2, secret: ours, where we answered; None where we asked."""

    file1: bytes = field(repr=False)
    kem_seed: bytes = field(repr=False)
    file2: bytes | None = field(default=None, repr=False)
    secret: bytes | None = field(default=None, repr=False)

    def encode(self) -> bytes:
        """Give the state as bytes, to be sealed at rest."""
        return encode([_STATE, self.file1, self.kem_seed, self.file2, self.secret])

    def is_of(self, at: RenewalLine) -> bool:
        """Whether this renews the secret that the desk holds now, and no file 3 of ours ended it."""
        values, made = _parse(self.file2 or self.file1)[2], at.secrets.file3
        is_ended = made is not None and _parse(made)[2][5] == _hash(self.file1)
        return not is_ended and values[1:5] == [at.line, at.own.id, at.secrets.renewals + 1, at.secrets.mark]

    @classmethod
    def decode(cls, data: bytes) -> BegunRenewal:
        """Read what `encode` gave. Raises Malformed (rule 39)."""
        label, file1, kem_seed, file2, secret = shapes.array(decode(data), "begun renewal", length=5)
        if label != _STATE or (file2 is None) != (secret is None):
            raise Malformed("this is no begun renewal", rule=39)
        return cls(
            shapes.octets(file1, "file 1", at_most=FILE_BYTES_MAX),
            shapes.octets(kem_seed, "kem seed", length=SEED_BYTES),
            None if file2 is None else shapes.octets(file2, "file 2", at_most=FILE_BYTES_MAX),
            None if secret is None else shapes.octets(secret, "secret", length=_SECRET_BYTES),
        )


@dataclass(frozen=True, slots=True)
class RenewedSecret:
    """What a renewal gave. secret: PS'. run: the hash of the three files."""

    secret: bytes = field(repr=False)
    run: bytes

    @property
    def digits(self) -> str:
        """Sixty digits that two people may compare by voice, as those of a pairing."""
        return line_digits(self.run)


def ask_renewal(at: RenewalLine, key: IdentityKey, random: Callable[[int], bytes]) -> tuple[bytes, BegunRenewal]:
    """Make file 1. random(n) gives n fresh random bytes. Raises UsageError while the last renewal is not through."""
    _check_ready(at)
    kem = KemKey(random(SEED_BYTES))
    file1 = _sign(at, key, 1, [kem.public])
    return file1, BegunRenewal(file1, kem.seed)


def answer_renewal(
    at: RenewalLine, begun: BegunRenewal | None, file1: bytes, key: IdentityKey, random: Callable[[int], bytes]
) -> tuple[bytes, BegunRenewal]:
    """Take file 1 and make file 2. begun: what is under way here; it ends by this.

    Where both desks asked, the request of the lower id goes on. Raises PeerError (rule 5) for file 1, UsageError otherwise.
    """
    (peer_key,) = _read(at, file1, 1)
    _check_ready(at)
    if begun is not None and begun.file2 is None and at.own.id < at.peer.id:
        raise UsageError(
            "both desks began a renewal of this line: it is yours that goes on",
            hint="bring your file 1 to the other desk, and have it answer; or begin anew with watchline renew LINE --out FILE",
        )
    kem, secret = KemKey(random(SEED_BYTES)), random(_SECRET_BYTES)
    sealed = seal_to(shapes.octets(peer_key, "X-Wing key", length=KEM_PUBLIC_BYTES), secret, _info(at.own, at.peer, file1))
    file2 = _sign(at, key, 2, [_hash(file1), kem.public, sealed])
    return file2, BegunRenewal(file1, kem.seed, file2, secret)


def complete_renewal(
    at: RenewalLine, begun: BegunRenewal, file2: bytes, key: IdentityKey, random: Callable[[int], bytes]
) -> tuple[bytes, RenewedSecret]:
    """Take file 2 and make file 3. Each call makes another secret, so keep what the first one gave.

    Raises PeerError (rule 5) for file 2, UsageError otherwise.
    """
    digest, peer_key, sealed = _read(at, file2, 2)
    if begun.file2 is not None:
        raise WrongParty("this desk answered, and waits for file 3", rule=5, hint=_BEGIN_ANEW)
    _check_under_way(at, begun)
    _check_answers(digest, begun.file1)
    theirs = _open(begun.kem_seed, sealed, _info(at.peer, at.own, begun.file1))
    ours = random(_SECRET_BYTES)
    peer_key = shapes.octets(peer_key, "X-Wing key", length=KEM_PUBLIC_BYTES)
    sealed_ours = seal_to(peer_key, ours, _info(at.own, at.peer, begun.file1))
    file3 = _sign(at, key, 3, [_hash(begun.file1), _hash(file2), sealed_ours])
    return file3, _renewed(at, ours, theirs, (begun.file1, file2, file3))


def take_renewal(at: RenewalLine, begun: BegunRenewal, file3: bytes) -> RenewedSecret:
    """Take file 3. The same call gives the same secret. Raises PeerError (rule 5) for file 3, UsageError otherwise."""
    digest1, digest2, sealed = _read(at, file3, 3)
    if begun.file2 is None or begun.secret is None:
        raise WrongParty("this desk asked, and waits for file 2", rule=5, hint=_BEGIN_ANEW)
    _check_under_way(at, begun)
    _check_answers(digest1, begun.file1)
    _check_answers(digest2, begun.file2)
    theirs = _open(begun.kem_seed, sealed, _info(at.peer, at.own, begun.file1))
    return _renewed(at, begun.secret, theirs, (begun.file1, begun.file2, file3))


def renewal_step(file: bytes) -> int:
    """Which of the three files this is: unverified, only to choose who reads it. Raises Malformed (rule 5) for another file."""
    return _parse(file)[0]


def is_answer_to(file3: bytes, file2: bytes) -> bool:
    """Whether this file 3, which we made, answers that file 2. Raises Malformed (rule 5) if it is none."""
    return bool(_parse(file3)[2][6] == _hash(file2))


def _renewed(at: RenewalLine, ours: bytes, theirs: bytes, files: tuple[bytes, bytes, bytes]) -> RenewedSecret:
    run = _hash(PURPOSE.encode() + at.line + b"".join(_hash(file) for file in files))
    secrets = ours + theirs if at.own.id < at.peer.id else theirs + ours
    return RenewedSecret(hkdf_extract(run, at.secrets.spoken + secrets), run)


def _check_ready(at: RenewalLine) -> None:
    if at.secrets.is_changing:
        raise UsageError(
            "the last renewal of this line is not through: the other desk was not heard under the new secret yet",
            hint="let the two nodes reach each other, then begin; watchline renew LINE says how it stands"
            if at.secrets.file3 is None
            else _GIVE_FILE_3,
        )
    if at.secrets.renewals >= RENEWALS_MAX:
        raise UsageError(f"a line is renewed at most {RENEWALS_MAX} times", hint="pair the two desks anew: watchline invite")


# --- files


def _sign(at: RenewalLine, key: IdentityKey, step: int, values: list[Value]) -> bytes:
    if key.identity.id != at.own.id:
        raise UsageError("this identity is another desk's", hint="bring the medium of this desk, or give --identity-dir")
    body = encode([step, at.line, at.own.id, at.secrets.renewals + 1, at.secrets.mark, *values])
    signature = key.sign(PURPOSE, body)
    return MAGIC + encode([body, signature.ed, signature.ml])


def _read(at: RenewalLine, file: bytes, step: int) -> list[Value]:
    """Check that the peer signed this as file `step` of a renewal of this line that fits; give what stands behind the mark."""
    found, (body, signature), values = _parse(file)
    if found != step:
        raise WrongParty(f"this is file {found}; file {step} is wanted here", rule=5, hint=_BEGIN_ANEW)
    _, line, sender, number, mark = values[:5]
    if line != at.line:
        raise WrongParty("this file renews another line", rule=5, hint="name the line that this file is for")
    if sender == at.own.id:
        raise WrongParty("this file is your own desk's", rule=5, hint="give the file that the other desk made")
    if sender != at.peer.id:
        raise WrongParty("this file is another desk's than the line's", rule=5, hint="give the file that the other desk made")
    try:
        at.peer.verify(PURPOSE, body, signature)
    except BadSignature as error:
        raise BadSignature(f"this file was changed on its way: {error.message}", rule=5, hint=_SEND_AGAIN) from None
    if (number, mark) != (at.secrets.renewals + 1, at.secrets.mark):
        raise WrongParty(
            "this file does not renew the secret that this desk holds: it is an old file, or one of the desks was brought back "
            "from before a renewal",
            rule=5,
            hint="begin anew; if that is refused too, restore that desk with the newest copy of its identity's medium"
            if at.secrets.previous is None or at.secrets.file3 is None
            else f"this desk was restored while its file 3 was under way. {_GIVE_FILE_3}; if it takes that no more, pair anew",
            number=number if isinstance(number, int) else None,
            wanted=at.secrets.renewals + 1,
        )
    return values[5:]


def _check_under_way(at: RenewalLine, begun: BegunRenewal) -> None:
    if not begun.is_of(at):
        raise WrongParty("the renewal that this desk began is over", rule=5, hint=_BEGIN_ANEW)
    _check_ready(at)


def _parse(file: bytes) -> tuple[int, tuple[bytes, HybridSignature], list[Value]]:
    """The step, what is signed, and all values of the body; the first five have their shapes. Raises Malformed (rule 5)."""
    if not file.startswith(MAGIC):
        raise Malformed("this is not a renewal file", rule=5, hint="give the file that the other desk's watchline wrote")
    if len(file) > FILE_BYTES_MAX:
        raise Malformed(f"a renewal file has at most {FILE_BYTES_MAX} bytes", rule=5, hint=_SEND_AGAIN, length=len(file))
    try:
        body, ed, ml = shapes.array(decode(file[len(MAGIC) :]), "renewal file", length=3)
        signed = shapes.octets(body, "body", at_most=FILE_BYTES_MAX)
        signature = HybridSignature(
            shapes.octets(ed, "ed", length=ED25519_SIGNATURE_BYTES), shapes.octets(ml, "ml", length=MLDSA87_SIGNATURE_BYTES)
        )
        values = shapes.array(decode(signed), "body")
        step = shapes.integer(values[0] if values else None, "step", at_least=1, at_most=3)
        shapes.array(values, "body", length=5 + _SIGNED_AND_SEALED[step])
        shapes.octets(values[1], "line", length=32)
        shapes.octets(values[2], "desk", length=32)
        shapes.integer(values[3], "number", at_least=1)
        shapes.octets(values[4], "mark", length=32)
    except Malformed as error:
        raise Malformed(f"this renewal file is damaged: {error.message}", rule=5, hint=_SEND_AGAIN) from None
    return step, (signed, signature), values


def _check_answers(digest: Value, file: bytes) -> None:
    if digest != _hash(file):
        raise WrongParty("this file belongs to another renewal", rule=5, hint=_BEGIN_ANEW)


def _open(kem_seed: bytes, sealed: Value, info: bytes) -> bytes:
    sealed = shapes.octets(sealed, "sealed secret", length=KEM_OVERHEAD_BYTES + _SECRET_BYTES)
    try:
        return KemKey(kem_seed).open(sealed, info)
    except BadSignature:
        raise WrongParty("the secret in this file is sealed to another renewal", rule=5, hint=_BEGIN_ANEW) from None


def _info(sender: Identity, receiver: Identity, file1: bytes) -> bytes:
    return b"watchline/1 renewal secret" + sender.id + receiver.id + _hash(file1)


def _hash(data: bytes) -> bytes:
    return sha256(data).digest()
