"""A desk changes its officers by an entry of its log: from the next entry on the peer judges releases by the new roster."""

from __future__ import annotations

from dataclasses import replace

from tests.line_pair import LINE, START, LinePair, Side, joined, party
from watchline.core.encoding import encode
from watchline.core.entries import EntryType
from watchline.core.incoming import ROSTER_PART
from watchline.core.keys import IdentityKey
from watchline.core.line import Phase
from watchline.core.outgoing import Draft
from watchline.core.persons import Officer, Roster, sign_roster
from watchline.errors import Rollback


def without_the_first(side: Side) -> Roster:
    """The next version of the desk's roster, in which its first officer has become an auditor."""
    first, *others = side.party.roster.officers
    dismissed = Officer(first.number, 0, first.key, "auditor", None, START - 9, START + 86_400)
    return Roster(2, (dismissed, *others))


def change(side: Side, identity: IdentityKey) -> None:
    """The roster of this desk is changed, signed by an identity."""
    roster = without_the_first(side)
    signature = sign_roster(identity, LINE, roster)
    content = encode([roster.encode(), signature.ed, signature.ml])
    side.line.compose(Draft(EntryType.ROSTER, content, released=True), side.clock.moment())


def heard(pair: LinePair) -> list[tuple[int, bool]]:
    return [(record.type, bool(record.released)) for record in pair.b.arrived]


def test_roster_that_the_identity_signed_holds_from_the_next_entry_on_and_after_a_restart() -> None:
    with joined("roster") as pair:
        pair.a.say("released by the first officer")
        change(pair.a, pair.a.party.identity)
        pair.a.say("by one who may not any more")
        pair.settle(2)
        assert heard(pair)[-3:] == [(EntryType.NOTICE, True), (EntryType.ROSTER, True), (EntryType.NOTICE, False)]
        assert pair.b.journal.state(LINE, ROSTER_PART) == without_the_first(pair.a).encode()
        pair.b.setup = replace(pair.b.setup, peer_roster=pair.b.line.setup.peer_roster)
        assert pair.b.setup.peer_roster == without_the_first(pair.a)
        pair.b.restart(connected=True)
        pair.a.say("nor later")
        pair.settle(2)
        assert heard(pair)[-1] == (EntryType.NOTICE, False)
        assert pair.a.alarms() == pair.b.alarms() == []


def test_roster_that_another_identity_signed_is_kept_as_said_and_changes_nothing() -> None:
    with joined("strange roster") as pair:
        change(pair.a, party("Seoul").identity)
        pair.a.say("released by the first officer")
        pair.settle(2)
        assert heard(pair)[-2:] == [(EntryType.ROSTER, False), (EntryType.NOTICE, True)]
        assert pair.b.journal.state(LINE, ROSTER_PART) is None
        assert pair.b.line.setup.peer_roster == pair.a.party.roster


def test_line_that_is_halted_from_outside_stops_before_its_first_word() -> None:
    """Something beside the journal, such as an anchor, proves that this home is an old copy (rule 32)."""
    with joined("halted", connect=False) as pair:
        for _ in range(2):
            pair.a.line.halt(Rollback("an old copy", rule=32), pair.a.clock.moment())
            pair.a.turn()
        pair.connect()
        pair.settle(2)
        assert pair.a.line.phase is Phase.STOPPED
        assert [(alarm.kind, alarm.rule) for alarm in pair.a.alarms()] == [("rollback", 32)]
        pair.b.say("not taken into custody")
        pair.settle(2)
        assert pair.a.arrived == []
