"""What comes back from earlier incarnations, at a running desk: entries that were lost here, and frames that come too late."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from watchline.core.encoding import decode, encode
from watchline.core.entries import Body, EntryType, Leaf
from watchline.core.incoming import ROSTER_PART
from watchline.core.keys import Identity
from watchline.core.persons import Roster
from watchline.core.records import AlarmRecord, EntryRecord, Log, Pair, StateRecord
from watchline.core.release import verify_roster_entry
from watchline.core.setting import LineSetup, Moment
from watchline.desk.own import DOCUMENT, OwnDesk
from watchline.errors import PeerError
from watchline.journal import Journal

Place = tuple[bool, bytes | tuple[int, int, int]]

QUARANTINE = "quarantine"
QUARANTINE_MAX = 1_024  # late entries kept of a whole home; beyond, they are told in the node's log only


def new_incarnation_alarm(setup: LineSetup, moment: Moment) -> AlarmRecord:
    """What people see of a peer with new keys, with the certificate as proof; it stands until they confirm it (rule 29)."""
    message = "the peer is a new incarnation, with new keys: two people here must confirm it"
    return AlarmRecord(setup.line, moment.wall, "incarnation", 28, message, setup.peer_certificate.encoded)


def newest_rosters(records: Iterable[EntryRecord], setup: LineSetup, now: int) -> tuple[Roster, Roster]:
    """Both desks' rosters (ours, the peer's) once the changes among these recovered entries are made; each must follow on."""
    ours, theirs = setup.own_roster, setup.peer_roster
    for record in records:
        if record.type == EntryType.ROSTER and record.log.outgoing:
            ours = _changed(record, ours, setup.own_identity, setup.line, now)
        elif record.type == EntryType.ROSTER:
            theirs = _changed(record, theirs, setup.peer_identity, setup.line, now)
    return ours, theirs


def _changed(record: EntryRecord, current: Roster, identity: Identity, line: bytes, now: int) -> Roster:
    try:
        return verify_roster_entry(Body.decode(record.body), current, identity, line, now)[0]
    except PeerError:
        return current


def store_rosters(journal: Journal, facts: OwnDesk, setup: LineSetup, ours: Roster, theirs: Roster) -> OwnDesk:
    """Keep what has changed; give the desk's facts as they are now. Raises JournalError."""
    if theirs is not setup.peer_roster:
        journal.commit([StateRecord(setup.line, ROSTER_PART, theirs.encode())])
    if ours is setup.own_roster:
        return facts
    facts = replace(facts, roster=ours)
    journal.put_document(*DOCUMENT, facts.encode(), sealed=True)
    return facts


def first_copy(journal: Journal, record: EntryRecord) -> EntryRecord | None:
    """The entry that this one was issued again of (rule 30); None if it was not, or if that one is not held here."""
    again = Body.decode(record.body).again if record.log.pair != (1, 1) else None
    if again is None:
        return None
    pair = Pair(again.inc, again.peer_inc) if record.log.outgoing else Pair(again.peer_inc, again.inc)
    return journal.entry(record.log._replace(pair=pair), again.place)


def first_leaf(journal: Journal, record: EntryRecord) -> Leaf | None:
    """The leaf of that entry."""
    first = first_copy(journal, record)
    return None if first is None else Leaf.decode(first.leaf)


def without_earlier_copies(records: Iterable[EntryRecord]) -> list[EntryRecord]:
    """The entries, but each that was issued again only at its newest place."""
    listed = list(records)
    newest: dict[Place, EntryRecord] = {}
    for record in listed:
        place = _place(record)
        if place not in newest or newest[place].log.pair < record.log.pair:
            newest[place] = record
    return [record for record in listed if newest[_place(record)] is record]


def _place(record: EntryRecord) -> Place:
    """What all copies of an entry have in common: its release nonce; where it has none, where it stood first.

    Not the place alone: two machines started from one copy of a home may both have given it to another entry.
    """
    if record.nonce is not None:
        return record.log.outgoing, record.nonce
    again = Body.decode(record.body).again if record.log.pair != (1, 1) else None
    if again is None:
        ours, theirs = record.log.pair if record.log.outgoing else record.log.pair[::-1]
        return record.log.outgoing, (ours, theirs, record.index)
    return record.log.outgoing, again[:3]


def late_entries(journal: Journal, line: bytes) -> list[EntryRecord]:
    """What was kept in quarantine of a line, oldest first by pair and index."""
    found = []
    for key, value in journal.documents(QUARANTINE).items():
        named, pair, index = key.split("/")
        if named == line.hex():
            leaf, body, blinding, time = decode(value)
            log = Log(line, Pair(*map(int, pair.split("."))), False)
            read = Leaf.decode(leaf)
            found.append(EntryRecord(log, int(index), read.type, leaf, body, blinding, None, 0, time, read.re))
    return sorted(found, key=lambda record: (record.log.pair, record.index))


def quarantine(journal: Journal, record: EntryRecord) -> bool:
    """Keep a late entry for people to see, once; False if too many are kept already. Raises JournalError."""
    key = f"{record.log.line.hex()}/{record.log.pair.ours}.{record.log.pair.theirs}/{record.index}"
    known = journal.documents(QUARANTINE)
    if key in known:
        return True
    if len(known) >= QUARANTINE_MAX:
        return False
    value = encode([record.leaf, record.body, record.blinding, record.time])
    journal.put_document(QUARANTINE, key, value, sealed=True)
    return True
