"""Who stands behind an entry: whether the people that the terms ask for released, acknowledged or declined it (rules 3, 8, 24).

A release that is missing or wrong never makes an entry malformed: it is kept, receipted, and shown as NOT RELEASED, because
what was said was said. But such an entry closes no clock.
"""

from __future__ import annotations

from watchline.core import shapes
from watchline.core.encoding import decode
from watchline.core.entries import Body, EntryType, Leaf, Notice
from watchline.core.keys import Identity
from watchline.core.persons import (
    ROSTER_BYTES_MAX,
    Assertion,
    Roster,
    Signer,
    read_roster_change,
    verify_people,
    verify_roster_change,
)
from watchline.core.setting import LineSetup
from watchline.core.terms import Terms
from watchline.errors import PeerError, WrongParty

PURPOSE_OF: dict[int, str] = {
    EntryType.NOTICE: "release",
    EntryType.CANCEL: "release",
    EntryType.ACKNOWLEDGE: "acknowledge",
    EntryType.DECLINE: "decline",
    EntryType.ROSTER: "roster",
    EntryType.TERMS: "terms",
}


def verify_roster_entry(
    body: Body, current: Roster, identity: Identity, line: bytes, now: int
) -> tuple[Roster, tuple[Signer, ...]]:
    """The roster that a ROSTER entry puts in the place of `current`, and who asserted it; identity: its author's (rule 3).

    Its content is dCBOR[roster, ed, ml]: signed by the identity, or with nulls and the assertions of two administrators.
    Where the identity signed, nobody else needs to. Raises PeerError if neither did, or it is not the next version.
    """
    roster, ed, ml = shapes.array(decode(body.content), "roster change", length=3)
    if ed is not None or ml is not None:
        return read_roster_change(body.content, current, identity, line), ()
    proposed = Roster.decode(shapes.octets(roster, "roster", at_most=ROSTER_BYTES_MAX))
    assertions = [Assertion.from_value(value) for value in body.assertions]
    signers = verify_roster_change(current, proposed, assertions, line=line, sender_id=identity.id, nonce=body.nonce, now=now)
    return proposed, signers


def is_released(leaf: Leaf, body: Body, setup: LineSetup, roster: Roster, now: int) -> bool:
    """Whether an entry of the peer carries all the assertions it needs, and they hold; entries that need none are released.

    roster: the peer's, as it stands before this entry.
    """
    try:
        verify_release(leaf.type, body, leaf.direction.line, leaf.direction.sender, roster, setup.terms, now)
    except PeerError:
        return False
    return True


def verify_release(
    kind: int, body: Body, line: bytes, sender: bytes, roster: Roster, terms: Terms, now: int
) -> tuple[Signer, ...]:
    """Give the officers who stand behind an entry. roster: the sender's; now: seconds since 1970, for remarks on validity.

    Raises PeerError (rule 3 or 8) if too few, or others than may, or an assertion does not hold. Entries of a kind that a
    machine makes give an empty tuple.
    """
    purpose = PURPOSE_OF.get(kind)
    if purpose is None:
        return ()
    return verify_signers(purpose, people_needed(kind, body, terms), body, line, sender, roster, now)


def verify_signers(
    purpose: str, needed: int, body: Body, line: bytes, sender: bytes, roster: Roster, now: int
) -> tuple[Signer, ...]:
    """As `verify_release`, where the caller knows the purpose and how many people are needed."""
    if needed == 0 and not body.assertions:
        return ()
    if body.nonce is None:
        raise WrongParty("a release carries a nonce", rule=8)
    return verify_people(
        [Assertion.from_value(value) for value in body.assertions],
        roster,
        purpose=purpose,
        line=line,
        sender_id=sender,
        nonce=body.nonce,
        what=body.digest,
        now=now,
        needed=needed,
    )


def people_needed(kind: int, body: Body, terms: Terms) -> int:
    """How many people must stand behind an entry: by the terms for a notice, two for terms and rosters, else one."""
    if kind == EntryType.NOTICE:
        notice = Notice.decode(body.content)
        return terms.people_needed(notice.form, notice.precedence)
    return 2 if kind in (EntryType.TERMS, EntryType.ROSTER) else 1
