"""What evidence shows of a pairing (rules 5 and 41): who the two desks are, and LINE, but nothing that only they need.

Of files of form 2 the parts are body 1; dCBOR[body 2, ed, ml]; dCBOR[body 3, ed, ml]. What a third party relies on, and what
that rests on:

- A's identity: itself; its id is its hash, and people compare that. Body 3, under A's signature, names body 1 by its hash: so A
  signed its certificate, its roster and the terms, without its signature under body 1 being shown. Another body 1 has another
  hash; with another identity in it, the signature under body 3 does not hold.
- B's identity, certificate and roster: B's signature under body 2. That body names body 1 too, so B signed the terms.
- The certificates: they stand in what their own identity signed for a pairing. Their own two signatures are for the desks, who
  check them before they sign; an identity that signed a pairing with another certificate has only itself to name.
- LINE: SHA-256 over both ids and the hashes of all three bodies, and the bodies name their undisclosed parts by hash. So one
  LINE has one pairing, though most of it is not shown.
- Body 2 never passes for body 3 or body 1, nor a file of form 1 for one of form 2: the step stands in what is signed, and the
  two forms are signed for different purposes and hashed with different labels.
- A desk that is on both sides of the line is refused, since it could answer for its peer.

Identities and steps are read first, then the signatures and names are checked, and only then is anything else parsed.
"""

from __future__ import annotations

from dataclasses import dataclass

from watchline.core import pairing_form1, shapes
from watchline.core.certificate import CERTIFICATE_BYTES_MAX, parse_unsigned_certificate
from watchline.core.encoding import Value, decode, encode
from watchline.core.keys import HybridSignature, Identity
from watchline.core.limits import TERMS_BYTES_MAX
from watchline.core.pairing_files import (
    PAIRING_BYTES_MAX,
    PURPOSE,
    ShownOffer,
    check_answers,
    check_every_line,
    check_inviter,
    digest_of,
    line_of,
    parse_signature,
    read_body,
    read_file,
    refuse_own,
    signer,
    told_of_a_file,
)
from watchline.core.persons import ROSTER_BYTES_MAX, Roster
from watchline.core.terms import Terms
from watchline.errors import Malformed

Parts = tuple[bytes, bytes, bytes]


@dataclass(frozen=True, slots=True)
class PairedDesks:
    """What a pairing shows to anybody: the line, both desks and their terms, but no secret."""

    line: bytes
    inviter: ShownOffer
    accepter: ShownOffer
    terms: Terms


def shown_parts(files: Parts) -> Parts:
    """The parts of evidence for three pairing files; those of form 1 are shown as they are. Raises PeerError (rule 5)."""
    if files[0].startswith(pairing_form1.MAGIC):
        return files
    one, two, three = (read_file(file, step) for step, file in enumerate(files, 1))
    return (
        one.body,
        encode([two.body, two.signature.ed, two.signature.ml]),
        encode([three.body, three.signature.ed, three.signature.ml]),
    )


def read_shown_parts(parts: Parts) -> PairedDesks:
    """Read and verify what evidence shows of a pairing. Raises PeerError, by rule 5 for all but what stands in an offer."""
    if parts[0].startswith(pairing_form1.MAGIC):
        return _read_form_1(parts)
    first = read_body(_bounded(parts[0]), 1)
    inviter = signer(first)
    body, signature = _signed(parts[1])
    second = read_body(body, 2)
    accepter = signer(second)
    _verify(accepter, body, signature)
    refuse_own(accepter.id, inviter.id)
    check_answers(second[5], digest_of(parts[0]))
    last, signature = _signed(parts[2])
    third = read_body(last, 3)
    check_inviter(third[1], inviter)
    _verify(inviter, last, signature)
    check_answers(third[3], digest_of(parts[0]))
    check_answers(third[4], digest_of(body))
    ours = _parse_shown(inviter, first)
    terms = Terms.decode(shapes.octets(first[5], "terms", at_most=TERMS_BYTES_MAX))
    line = line_of(inviter.id, accepter.id, (digest_of(parts[0]), digest_of(body), digest_of(last)))
    return PairedDesks(line, ours, _parse_shown(accepter, second), terms)


def _read_form_1(files: Parts) -> PairedDesks:
    paired = pairing_form1.read_files(files)
    inviter, accepter = (ShownOffer(each.identity, each.certificate.certificate, each.roster) for each in paired.offers)
    return PairedDesks(paired.line, inviter, accepter, paired.terms)


def _bounded(part: bytes) -> bytes:
    if len(part) > PAIRING_BYTES_MAX:
        raise Malformed(f"what is shown of a pairing has at most {PAIRING_BYTES_MAX} bytes in a part", rule=5, length=len(part))
    return part


def _signed(part: bytes) -> tuple[bytes, HybridSignature]:
    with told_of_a_file():
        body, ed, ml = shapes.array(decode(_bounded(part)), "signed body", length=3)
        return shapes.octets(body, "body", at_most=PAIRING_BYTES_MAX), parse_signature(ed, ml)


def _verify(identity: Identity, body: bytes, signature: HybridSignature) -> None:
    with told_of_a_file():
        identity.verify(PURPOSE, body, signature)


def _parse_shown(identity: Identity, values: list[Value]) -> ShownOffer:
    encoded = shapes.octets(values[2], "certificate", at_most=CERTIFICATE_BYTES_MAX)
    certificate = parse_unsigned_certificate(encoded, identity)
    check_every_line(certificate)
    return ShownOffer(identity, certificate, Roster.decode(shapes.octets(values[3], "roster", at_most=ROSTER_BYTES_MAX)))
