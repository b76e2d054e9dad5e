"""Reading pairing files of form 1, by which lines of earlier versions were paired; none is made any more (rule 5).

Each is MAGIC || dCBOR[body, ed, ml]; addresses, X-Wing keys and sealed secrets stand in the signed body, and LINE is over the
hashes of whole files. So evidence of such a line shows the files as they are.
"""

from __future__ import annotations

from typing import NamedTuple

from watchline.core import shapes
from watchline.core.certificate import CERTIFICATE_BYTES_MAX, parse_certificate
from watchline.core.encoding import Value, decode
from watchline.core.keys import KEM_PUBLIC_BYTES, Identity
from watchline.core.limits import TERMS_BYTES_MAX
from watchline.core.pairing_files import (
    PAIRING_BYTES_MAX,
    Offer,
    check_answers,
    digest_of,
    for_every_line,
    parse_routes,
    parse_signature,
    refuse_own,
    signer,
    told_of_a_file,
)
from watchline.core.persons import ROSTER_BYTES_MAX, Roster
from watchline.core.terms import Terms
from watchline.errors import Malformed, WrongParty

MAGIC = b"watchline pairing 1\n"
PURPOSE = "watchline/1 pairing"

_LENGTHS = {1: 7, 2: 8, 3: 5}


class Paired(NamedTuple):
    """What three files of form 1 say. offers: of who made file 1, and of who made file 2."""

    line: bytes
    offers: tuple[Offer, Offer]
    terms: Terms


def read_files(files: tuple[bytes, bytes, bytes]) -> Paired:
    """Read and verify all three files of one pairing. What is sealed in them is not looked at. Raises PeerError (rule 5)."""
    inviter, first = _read_signed(files[0], 1)
    ours = _parse_offer(inviter, first)
    terms = Terms.decode(shapes.octets(first[6], "terms", at_most=TERMS_BYTES_MAX))
    accepter, second = _read_signed(files[1], 2)
    refuse_own(accepter.id, inviter.id)
    digests = digest_of(files[0]), digest_of(files[1]), digest_of(files[2])
    check_answers(second[6], digests[0])
    completer, third = _read_signed(files[2], 3)
    if completer != inviter:
        raise WrongParty("file 3 is from another desk than the invitation", rule=5)
    check_answers(third[2], digests[0])
    check_answers(third[3], digests[1])
    ids = sorted((inviter.id, accepter.id))
    line = digest_of(b"watchline/1 line" + b"".join((*ids, *digests)))
    return Paired(line, (ours, _parse_offer(accepter, second)), terms)


def _read_signed(file: bytes, step: int) -> tuple[Identity, list[Value]]:
    """The verified signer of a file, and the values of its body, the step first."""
    if not file.startswith(MAGIC) or len(file) > PAIRING_BYTES_MAX:
        raise Malformed("this is not a pairing file of form 1", rule=5)
    with told_of_a_file():
        body, ed, ml = shapes.array(decode(file[len(MAGIC) :]), "pairing file", length=3)
        signature = parse_signature(ed, ml)
        body = shapes.octets(body, "body", at_most=PAIRING_BYTES_MAX)
        values = shapes.array(decode(body), "body")
        found = shapes.integer(values[0] if values else None, "step", at_least=1, at_most=3)
        if found != step:
            raise WrongParty(f"this is file {found}; file {step} is wanted here", rule=5)
        shapes.array(values, "body", length=_LENGTHS[step])
    identity = signer(values)
    with told_of_a_file():
        identity.verify(PURPOSE, body, signature)
    return identity, values


def _parse_offer(identity: Identity, values: list[Value]) -> Offer:
    _, _, kem, certificate, roster, routes, *_ = values
    encoded = shapes.octets(certificate, "certificate", at_most=CERTIFICATE_BYTES_MAX)
    signed = for_every_line(parse_certificate(encoded, identity))
    return Offer(
        identity,
        shapes.octets(kem, "X-Wing key", length=KEM_PUBLIC_BYTES),
        signed,
        Roster.decode(shapes.octets(roster, "roster", at_most=ROSTER_BYTES_MAX)),
        parse_routes(routes),
    )
