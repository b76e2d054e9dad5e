"""One line across incarnations: which certificate counts, who confirmed it, and what is owed to the pairs before (rules 28-31).

`succession` says what the new pair takes over, `recovery` brings back what one side lost, `quarantine` shows what comes late,
`confirmations` keeps what people stand for. This file is where a line meets them.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256

from watchline.core.certificate import SignedCertificate, choose_certificate, parse_certificate
from watchline.core.confirmations import STATE_PART as CONFIRMED_PART
from watchline.core.confirmations import Confirmed, Side
from watchline.core.encoding import decode
from watchline.core.entries import Body, Confirmation, Continues, EntryType, Leaf
from watchline.core.frames import Entries, Item, LostRequest, OfferedCertificate, Recovered, Stated
from watchline.core.outgoing import Draft
from watchline.core.quarantine import Quarantine
from watchline.core.records import EntryRecord, Record, StateRecord
from watchline.core.recovery import Recovery
from watchline.core.setting import LateEntry, LineSetup, Moment, Reader
from watchline.core.succession import Succession
from watchline.errors import Contradiction, PeerError, Rollback, WrongParty

AGAIN_PART = "again"
REMIND_SECONDS = 1.0  # between two certificates for a peer that still speaks, or is spoken to, as an earlier incarnation


class Changeover:
    """The past and the people's word of one line's present pair. Build it with the line; it keeps no setup of its own keys."""

    def __init__(self, setup: LineSetup, reader: Reader) -> None:
        self._reader = reader
        self._line = setup.line
        self._succession = Succession(setup, reader)
        self._recovery = Recovery(setup, reader)
        self._quarantine = Quarantine(setup, reader, self._succession.pairs)
        self.confirmed = Confirmed.decode(reader.state(setup.line, CONFIRMED_PART))
        self._again_part = setup.part(AGAIN_PART)
        self._issued = not self._succession.pairs or reader.state(setup.line, self._again_part) is not None
        self._reminded_at: float | None = None

    # --- a pair begins, or is taken up

    def begin(self, setup: LineSetup) -> tuple[Continues, list[Record]]:
        """What leaf 0 says, and what is deleted with the pair before; what was still lost then is asked for in the new pair."""
        self._recall(setup)
        return self._succession.continues(), list(self._succession.void_prekeys())

    def restore(self, setup: LineSetup, moment: Moment) -> list[Record]:
        """Take up what a restart left of the past: what is still lost, and chains whose thirty days are over."""
        self._recall(setup)
        own = next(self._reader.leaves(setup.outgoing_log, 0, 1), None)
        return [] if own is None else list(self._quarantine.expired(Leaf.decode(own[0]).time, moment))

    def _recall(self, setup: LineSetup) -> None:
        """Find what is lost from every first leaf that is held."""
        logs = [log for log in self._reader.logs(setup.line) if log != setup.outgoing_log]
        for log in sorted(logs, key=lambda log: log.pair, reverse=True):
            first = self._reader.entry(log, 0)
            if first is not None:
                with suppress(PeerError):  # a contradiction was told when the entry came
                    self._recovery.compare(Body.decode(first.body).content, own=log.outgoing)

    # --- what people stand for

    def unconfirmed(self, setup: LineSetup) -> tuple[Side, ...]:
        """Whose present incarnation nobody of this desk has confirmed."""
        return self.confirmed.lacking(setup.pair)

    def note_own(self, record: EntryRecord, setup: LineSetup) -> list[Record]:
        """Take an entry of ours into account: a CONFIRM that names a present incarnation as it is.

        Raises WrongParty (rule 29) if it names another, before anything is said.
        """
        if record.type != EntryType.CONFIRM or not record.released:
            return []
        side, inc = named_incarnation(Body.decode(record.body).content, setup)
        self.confirmed = self.confirmed.with_one(side, inc)
        return [self.confirmed.record(self._line)]

    def may_issue_again(self, setup: LineSetup) -> bool:
        """Whether the past is still to be issued again: not before people have confirmed the peer's incarnation (rule 29)."""
        return not self._issued and "theirs" not in self.unconfirmed(setup)

    def issue_again(self, next_index: int, moment: Moment) -> tuple[list[Draft], Record]:
        """What to issue again, and the record that it was; both belong into one transaction."""
        self._issued = True
        return self._succession.drafts(next_index, moment), StateRecord(self._line, self._again_part, b"issued")

    # --- certificates

    def is_known(self, encoded: bytes, setup: LineSetup) -> bool:
        """Whether a certificate is one of the two that the line is in: it says nothing new, however often it comes."""
        return encoded in (setup.peer_certificate.encoded, setup.own_certificate.encoded)

    def certificate(self, encoded: bytes, setup: LineSetup) -> SignedCertificate | None:
        """The peer's certificate, if it counts from now on; None if it is older.

        Raises PeerError (rules 2 and 39); Rollback (rule 28) for a newer one of our own identity: this node was replaced.
        """
        try:
            offered = parse_certificate(encoded, setup.peer_identity)
        except WrongParty:
            self._judge_own(parse_certificate(encoded, setup.own_identity), setup)
            return None
        chosen = choose_certificate(setup.peer_certificate, offered, setup.line)
        return None if chosen is setup.peer_certificate else chosen

    def _judge_own(self, shown: SignedCertificate, setup: LineSetup) -> None:
        ours, theirs = setup.own_certificate.certificate, shown.certificate
        if (theirs.inc, theirs.serial) <= (ours.inc, ours.serial) or theirs.line not in (None, setup.line):
            return
        replaced = Rollback(
            "this node was replaced: the peer holds a newer certificate of our own identity",
            rule=28,
            hint="stop this node: another machine of this desk serves, or this home is an old copy",
            our_inc=ours.inc,
            shown_inc=theirs.inc,
        )
        replaced.evidence = shown.encoded
        raise replaced

    def introductions(self, setup: LineSetup) -> list[Item]:
        """What a desk in a new incarnation says first on each connection, until the peer has spoken in this pair."""
        return [OfferedCertificate(setup.own_certificate.encoded)] if self._succession.pairs or setup.pair.ours > 1 else []

    def remind(self, stated: Stated, setup: LineSetup, moment: Moment) -> list[Item]:
        """What to tell whoever made a statement of another pair: the certificate that it cannot know yet, its own or ours.

        stated: refused for its incarnations (rule 20), and read so far. Not verified: it opened under the line's key, and what
        it brings is one certificate a second that is no secret to it.
        """
        _, inc, peer_inc, *_ = decode(stated.spoken)
        ours, theirs = setup.pair
        soon = self._reminded_at is not None and moment.running - self._reminded_at < REMIND_SECONDS
        if soon or (inc >= theirs and peer_inc >= ours):
            return []
        self._reminded_at = moment.running
        newer = setup.peer_certificate if inc < theirs else setup.own_certificate
        return [OfferedCertificate(newer.encoded)]

    # --- the past on the wire

    def heard(self, record: EntryRecord) -> Contradiction | None:
        """Take an entry of the peer, or a recovered one of ours, into account; give what its CONTINUES contradicts."""
        if record.type != EntryType.CONTINUES:
            return None
        try:
            self._recovery.compare(Body.decode(record.body).content, own=record.log.outgoing)
        except Contradiction as contradiction:
            return contradiction
        return None

    def late(self, item: Entries, moment: Moment) -> list[LateEntry]:
        """What late entries of an earlier pair are to be shown."""
        return [LateEntry(record) for record in self._quarantine.take(item, moment)]

    def ask(self, moment: Moment) -> list[Item]:
        """What to ask for of what was lost, if it is time."""
        request = self._recovery.ask(moment)
        return [] if request is None else [request]

    @property
    def ask_at(self) -> float | None:
        """When `ask` has something, in seconds of the running clock; None if nothing is lost."""
        return self._recovery.due_at

    def asked(self, item: LostRequest) -> None:
        """The peer asks for what it lost."""
        self._recovery.hear(item)

    def answer(self) -> list[Item]:
        """One piece of what the peer asked for, for a turn that has nothing else to say."""
        piece = self._recovery.answer()
        return [] if piece is None else [piece]

    def recovered(self, item: Recovered, moment: Moment) -> list[Record]:
        """A piece of what we lost, to commit. Raises PeerError for one that proves nothing."""
        return self._recovery.take(item, moment)


def named_incarnation(content: bytes, setup: LineSetup) -> tuple[Side, int]:
    """Which present incarnation a CONFIRM speaks of. Raises Malformed (rule 39), WrongParty (rule 29) for any other."""
    said = Confirmation.decode(content)
    sides: tuple[tuple[Side, SignedCertificate], ...] = (("ours", setup.own_certificate), ("theirs", setup.peer_certificate))
    for side, signed in sides:
        certificate = signed.certificate
        if (said.desk, said.inc, said.certificate) == (certificate.desk, certificate.inc, sha256(signed.encoded).digest()):
            return side, said.inc
    raise WrongParty("this confirms no incarnation that the line is in", rule=29, inc=said.inc)
