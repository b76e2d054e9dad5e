"""Who stands behind an entry: whether the people that the terms ask for released, acknowledged or declined it (rules 3, 8, 24).

Each release is for one thing. That of a notice says what is said; that of an answer or a cancel also says to what, so that a
node cannot turn one into the other, nor point it at another entry.

A release that is missing or wrong never makes an entry malformed: it is kept, receipted, and shown as NOT RELEASED, because
what was said was said. But such an entry closes no clock.
"""

from __future__ import annotations

from hashlib import sha256

from watchline.core import shapes
from watchline.core.encoding import decode, encode
from watchline.core.entries import Body, Direction, EntryType, Leaf, Notice, Place, first_place
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
from watchline.core.terms import Terms
from watchline.errors import PeerError, WrongParty

PURPOSE_OF: dict[int, str] = {
    EntryType.NOTICE: "release",
    EntryType.CANCEL: "cancel",
    EntryType.ACKNOWLEDGE: "acknowledge",
    EntryType.DECLINE: "decline",
    EntryType.ROSTER: "roster",
    EntryType.TERMS: "terms",
    EntryType.CONFIRM: "incarnation",
}
REFERRING = frozenset({EntryType.NOTICE, EntryType.CANCEL})  # whose release names what they refer to


def asserted(kind: int, body: Body, meant: Place | None) -> tuple[str, bytes]:
    """What people sign for an entry of a type in PURPOSE_OF: (purpose, `what` of the challenge).

    meant: of an answer or a cancel, where the entry that it refers to stood first (`reference`); None for a notice that is no
    answer, and of no account for other types. Raises WrongParty (rule 8) for a cancel of nothing.
    """
    if kind not in REFERRING or (kind == EntryType.NOTICE and meant is None):
        return PURPOSE_OF[kind], body.digest
    if meant is None:
        raise WrongParty("a cancel names the entry that it cancels", rule=8)
    purpose = "answer" if kind == EntryType.NOTICE else PURPOSE_OF[kind]
    return purpose, sha256(encode([*meant, body.content])).digest()


def reference(kind: int, re: int | None, direction: Direction, body: Body, target: Body | None) -> Place | None:
    """Where the entry that an answer or a cancel refers to stood first; None for what refers to none, and for other types.

    direction: of the log that the entry is in. target: the body of the entry at `re`; None where it is not at hand, or cannot
    have been issued again. What was itself issued again says what it refers to. Raises WrongParty (rule 30) if that is
    another entry than the one at `re`.
    """
    place = None
    if re is not None and kind in REFERRING:
        line, sender, recipient, inc, peer_inc = direction
        of = direction if kind == EntryType.CANCEL else Direction(line, recipient, sender, peer_inc, inc)
        place = first_place(of, re, target)
    if body.again is None:
        return place
    if place is not None and place != body.again.meant:
        raise WrongParty("an entry that is issued again refers to another than before", rule=30)
    return body.again.meant


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


def is_released(leaf: Leaf, body: Body, target: Body | None, roster: Roster, terms: Terms, now: int) -> bool:
    """Whether an entry carries all the assertions it needs, and they hold; entries that need none are released.

    target: as `reference` takes it. roster: of the entry's author, as it stands before this entry. terms: in force there.
    """
    try:
        meant = reference(leaf.type, leaf.re, leaf.direction, body, target)
        verify_release(leaf.type, body, meant, leaf.direction, roster, terms, now)
    except PeerError:
        return False
    return True


def verify_release(
    kind: int, body: Body, meant: Place | None, direction: Direction, roster: Roster, terms: Terms, now: int
) -> tuple[Signer, ...]:
    """Give the officers who stand behind an entry of this type.

    meant: as `reference` gives it. direction: of the log that the entry is in. roster: its author's. now: seconds since 1970,
    for remarks on validity. Raises PeerError (rule 3 or 8) if too few, or others than may, or an assertion does not hold.
    Entries of a type that a machine makes give an empty tuple.
    """
    if kind not in PURPOSE_OF:
        return ()
    return verify_signers(kind, people_needed(kind, body, terms), body, meant, direction, roster, now)


def verify_signers(
    kind: int, needed: int, body: Body, meant: Place | None, direction: Direction, roster: Roster, now: int
) -> tuple[Signer, ...]:
    """As `verify_release`, where the caller knows how many people are needed, and the type is in PURPOSE_OF."""
    if needed == 0 and not body.assertions:
        return ()
    if body.nonce is None:
        raise WrongParty("a release carries a nonce", rule=8)
    purpose, what = asserted(kind, body, meant)
    return verify_people(
        [Assertion.from_value(value) for value in body.assertions],
        roster,
        purpose=purpose,
        line=direction.line,
        sender_id=direction.sender,
        nonce=body.nonce,
        what=what,
        now=now,
        needed=needed,
    )


def people_needed(kind: int, body: Body, terms: Terms) -> int:
    """How many people must stand behind an entry: by the terms for a notice; two where keys or terms change; else one."""
    if kind == EntryType.NOTICE:
        notice = Notice.decode(body.content)
        return terms.people_needed(notice.form, notice.precedence)
    return 2 if kind in (EntryType.TERMS, EntryType.ROSTER, EntryType.CONFIRM) else 1
