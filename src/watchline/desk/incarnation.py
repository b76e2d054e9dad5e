"""New keys and new dates for a desk (rules 2 and 28): what the identity signs, and how a home takes it.

A new incarnation has new keys, and begins every log of the desk anew. Its number and its serial are counted on the identity's
medium, durably, before anything is signed: a copy of a home, however old, never gives out a number twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from watchline.core.certificate import Certificate, SignedCertificate, issue
from watchline.core.encoding import decode
from watchline.core.keys import DeskKeys
from watchline.core.records import CertificateRecord
from watchline.desk.home import CERTIFICATE_SECONDS
from watchline.desk.kept_secrets import take_kept_secrets
from watchline.desk.medium import KeptDesk, Medium, Unlocked, keep_desk, kept_desk
from watchline.desk.own import DOCUMENT, OwnDesk
from watchline.errors import SecretError, UsageError

if TYPE_CHECKING:
    from watchline.desk.home import Home
    from watchline.journal import Journal

LOCK_SECONDS = 10.0  # another command has the journal for a moment

Revoked = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Incarnation:
    """What the identity gave a machine: keys, and the certificate that names them."""

    keys: DeskKeys
    certificate: SignedCertificate


def check_medium(medium: Medium, known: SignedCertificate) -> None:
    """Raise SecretError if the medium is another desk's than this certificate, or an old copy that has counted less."""
    newest = known.certificate
    if medium.key.identity.id != newest.desk:
        raise SecretError(
            f"this medium is another desk's: {medium.key.desk}, fingerprint {medium.key.identity.fingerprint}",
            hint="bring the medium of this desk, or give its folder with --identity-dir",
        )
    if medium.inc < newest.inc or medium.serial < newest.serial:
        raise SecretError(
            "this medium is an old copy: the identity has counted further since",
            hint="bring the medium that was used last; a copy of it would give out numbers twice",
            counted=medium.serial,
            known=newest.serial,
        )


def give_incarnations(unlocked: Unlocked, number: int, now: int, revoked: Revoked) -> list[Incarnation]:
    """Count so many incarnations on the medium, and sign a certificate for each, of new keys.

    revoked: as the certificates shall say it; None if nothing is.
    """
    before = unlocked.medium
    signer = unlocked.count(incarnations=number, serials=number).key
    given = []
    for step in range(1, number + 1):
        keys = DeskKeys.generate(os.urandom)
        dates = (now, now + CERTIFICATE_SECONDS)
        certificate = Certificate(
            signer.identity.id, None, before.serial + step, before.inc + step, keys.public, *dates, revoked
        )
        given.append(Incarnation(keys, issue(signer, certificate)))
    return given


def begin_incarnation(unlocked: Unlocked, own: OwnDesk, now: int, since: int | None = None) -> OwnDesk:
    """The desk with new keys. since: what the keys until now signed counts from this time on only if others date it earlier.

    Raises SecretError for another medium.
    """
    check_medium(unlocked.medium, own.certificate)
    kept = kept_desk(unlocked.folder, unlocked.medium)
    revoked = (own.certificate.certificate.inc, since) if since is not None else _revoked(own, kept)
    (given,) = give_incarnations(unlocked, 1, now, revoked)
    return replace(own, keys=given.keys, certificate=given.certificate)


def renewed(unlocked: Unlocked, own: OwnDesk, now: int) -> OwnDesk:
    """The desk with a certificate of later dates, for the same keys.

    Raises SecretError for another medium, UsageError if the identity gave a newer incarnation to another home.
    """
    check_medium(unlocked.medium, own.certificate)
    kept = kept_desk(unlocked.folder, unlocked.medium)
    known = own.certificate.certificate
    if kept is not None and kept.certificate.certificate.inc > known.inc:
        raise UsageError(
            f"this home is incarnation {known.inc} of the desk, and another home is incarnation "
            f"{kept.certificate.certificate.inc}: peers do not listen to this one any more",
            hint="use the other home; or, if this one shall be the desk again, watchline keys rotate",
            inc=known.inc,
            newer=kept.certificate.certificate.inc,
        )
    counted = unlocked.count(incarnations=0, serials=1)
    later = replace(
        known, serial=counted.serial, not_before=now, not_after=now + CERTIFICATE_SECONDS, revoked=_revoked(own, kept)
    )
    return replace(own, certificate=issue(counted.key, later))


def rotate(home: Home, unlock: Callable[[OwnDesk], Unlocked], now: int, since: int | None = None) -> tuple[OwnDesk, OwnDesk]:
    """Make the home a new incarnation in place; give the desk before and after. No node may run meanwhile.

    unlock: opens the identity's medium of this desk. since: as in `begin_incarnation`. Raises UsageError while a node runs.
    """
    with home.lock(LOCK_SECONDS):
        journal = home.open_journal()
        try:
            before = read_own(journal)
            unlocked = unlock(before)
            own = begin_incarnation(unlocked, before, now, since)
            take_kept_secrets(journal, unlocked)
            put_incarnation(journal, own, [before.certificate])
            keep_from_journal(unlocked, journal, own)
        finally:
            journal.close()
    return before, own


def put_incarnation(journal: Journal, own: OwnDesk, before: Iterable[SignedCertificate]) -> None:
    """Make the journal this incarnation's: durable on return, and the old keys are gone from the files.

    before: certificates until now, which each line keeps beside the new one.
    """
    lines = [row.line for row in journal.lines()]
    journal.commit(_own_certificates(lines, before))
    journal.put_document(*DOCUMENT, own.encode(), sealed=True)
    journal.commit(_own_certificates(lines, [own.certificate]))
    journal.compact()


def _own_certificates(lines: list[bytes], known: Iterable[SignedCertificate]) -> list[CertificateRecord]:
    return [CertificateRecord(line, True, each.certificate.serial, each.encoded) for each in known for line in lines]


def keep_from_journal(unlocked: Unlocked, journal: Journal, own: OwnDesk) -> None:
    """Bring what the medium keeps of the desk up to date."""
    routes = journal.document("own-routes", "self")
    addresses = [] if routes is None else [(kind, address) for kind, address in decode(routes)]
    past = {record.encoded for row in journal.lines() for record in journal.certificates(row.line, True)}
    keep_desk(unlocked.folder, own, addresses, journal.lines(), past)


def read_own(journal: Journal) -> OwnDesk:
    """The desk's own record. Raises UsageError for a journal without one."""
    document = journal.document(*DOCUMENT)
    if document is None:
        raise UsageError("there is no desk in this home", hint="make one with watchline init")
    return OwnDesk.decode(document)


def _revoked(own: OwnDesk, kept: KeptDesk | None) -> Revoked:
    """What was revoked last, as this home or the medium knows it: no later certificate takes it back."""
    known = [own.certificate.certificate.revoked, None if kept is None else kept.certificate.certificate.revoked]
    return max((each for each in known if each is not None), default=None)
