"""What the core is told of a line: what both desks settled, with the newest certificates and rosters that the journal holds."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from watchline.core.certificate import SignedCertificate, parse_certificate
from watchline.core.incoming import ROSTER_PART
from watchline.core.keys import Identity
from watchline.core.pairing import Pairing, own_offer
from watchline.core.persons import Roster
from watchline.core.setting import LineSetup
from watchline.desk.own import OwnDesk
from watchline.errors import PeerError
from watchline.journal import Journal, LineRecord


def read_setup(journal: Journal, facts: OwnDesk, row: LineRecord) -> tuple[LineSetup, Pairing]:
    """One line's setup, and the pairing that it rests on."""
    pairing = Pairing.decode(row.pairing)
    theirs = _newest_first([pairing.peer_certificate, *_stored(journal, row.line, pairing.peer, own=False)])
    roster = journal.state(row.line, ROSTER_PART)
    setup = LineSetup(
        row.line,
        pairing.ps,
        facts.identity,
        facts.keys,
        facts.certificate,
        facts.roster,
        pairing.peer,
        theirs[0],
        pairing.peer_roster if roster is None else Roster.decode(roster),
        pairing.terms,
        (*theirs[1:], *_own_past(journal, facts, pairing)),
        renewed=pairing.renewed,
    )
    return setup, pairing


def _own_past(journal: Journal, facts: OwnDesk, pairing: Pairing) -> list[SignedCertificate]:
    """Our certificates of earlier incarnations. The first is in the pairing files, which are long to read, so only then."""
    if facts.certificate.certificate.inc == 1:
        return []
    known = _stored(journal, pairing.line, facts.identity, own=True)
    with suppress(PeerError):  # without it what was lost in the first incarnation is not taken, as nobody answers for it
        known.append(own_offer(pairing).certificate)
    return [signed for signed in _newest_first(known) if signed.certificate.inc != facts.certificate.certificate.inc]


def _stored(journal: Journal, line: bytes, identity: Identity, *, own: bool) -> list[SignedCertificate]:
    return [parse_certificate(record.encoded, identity) for record in journal.certificates(line, own)]


def _newest_first(known: Iterable[SignedCertificate]) -> list[SignedCertificate]:
    return sorted(known, key=lambda signed: (signed.certificate.inc, signed.certificate.serial), reverse=True)
