"""What evidence shows, read and checked: values only. `evidence_reading` makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watchline.core.amendments import Amendment
from watchline.core.certificate import Certificate, SignedCertificate
from watchline.core.entries import Body, Direction, Leaf, Notice, Response
from watchline.core.evidence_parts import Bundle, LogKeys, LogName, log_keys
from watchline.core.keys import DeskPublic
from watchline.core.pairing_files import ShownOffer
from watchline.core.pairing_shown import PairedDesks
from watchline.core.persons import Signer
from watchline.core.silence import Silence
from watchline.core.statements import Status
from watchline.core.terms import Terms
from watchline.errors import WrongParty


@dataclass(frozen=True, slots=True)
class Desk:
    """One desk as its identity signed it: what it said when the line was paired, and its later certificates."""

    offer: ShownOffer
    later: tuple[SignedCertificate, ...]

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """All of them, that of the pairing first."""
        return self.offer.certificate, *(signed.certificate for signed in self.later)

    @property
    def last_revoked(self) -> int:
        """The newest incarnation that the newest certificate revokes, and with it all before; 0 for none."""
        revoked = self.certificates[-1].revoked
        return 0 if revoked is None else revoked[0]

    def keys(self, inc: int) -> DeskPublic:
        """The public keys of an incarnation. Raises WrongParty (rule 2) if no certificate shown here names it."""
        for certificate in self.certificates:
            if certificate.inc == inc:
                return certificate.public
        raise WrongParty("no certificate that is shown names this incarnation", rule=2, inc=inc)


@dataclass(frozen=True, slots=True)
class Desks:
    """Both desks of a line, and what ties them."""

    paired: PairedDesks
    desks: Mapping[str, Desk]

    def direction(self, name: LogName) -> Direction:
        """The log of that name, as its leaves say it."""
        author, recipient = self.desks[name.author].offer.identity, self.desks[name.recipient].offer.identity
        return Direction(self.paired.line, author.id, recipient.id, name.inc, name.peer_inc)

    def keys(self, name: LogName) -> LogKeys:
        """The verifier keys of that log. Raises WrongParty (rule 2) where a certificate is missing."""
        author, recipient = self.desks[name.author].keys(name.inc), self.desks[name.recipient].keys(name.peer_inc)
        return log_keys(self.direction(name), author.log, recipient.custody)


@dataclass(frozen=True, slots=True)
class EntryReading:
    """One shown entry. body None: its content stays hidden, and so do the next four.

    notice, response: the content, where it is one. released: whether the people that the terms ask for stand behind it, None
    for types that need nobody; signers: the officers who do. number: as people call it, None where the shown leaves do not
    tell it. received: the time of the first receipt shown that covers it, None for none. covered: whose full statuses do.
    witnessed: (witness as the terms name it, its time) of the first head shown that covers it and that this witness cosigned.
    terms: those it is judged by, where they are not the first.
    """

    name: LogName
    leaf: Leaf
    number: int | None
    body: Body | None
    notice: Notice | None
    response: Response | None
    released: bool | None
    signers: tuple[Signer, ...]
    received: int | None
    covered: tuple[str, ...]
    witnessed: tuple[tuple[str, int], ...] = ()
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class ShownSilence:
    """A silence certificate whose content is shown, not yet judged. status: what the one in it says, verified, or None."""

    part: str
    name: LogName
    leaf: Leaf
    silence: Silence
    status: Status | None


@dataclass(frozen=True, slots=True)
class Reading:
    """All that the parts show, checked. statuses: as the desk of that log said them.

    terms: the newest in force by what is shown. amendments: what came into force, each with desk A's log, which is its `ours`.
    silences: still to be judged.
    """

    desks: Desks
    bundle: Bundle
    entries: tuple[EntryReading, ...]
    statuses: tuple[tuple[LogName, Status], ...]
    terms: Terms
    amendments: tuple[tuple[LogName, Amendment], ...]
    silences: tuple[ShownSilence, ...] = ()
