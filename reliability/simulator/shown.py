"""What the people of a line with more than one pair of incarnations see in the end: each thing once, and nothing is missing."""

from __future__ import annotations

from collections import Counter

from reliability.simulator.violation import Violation
from reliability.simulator.watch import Watch
from watchline.core.records import FIRST_PAIR, EntryRecord, Log, Pair
from watchline.core.stubs import WITHHELD
from watchline.core.succession import ISSUED_AGAIN
from watchline.desk.past import late_entries, without_earlier_copies
from watchline.journal import Journal


def _number_is_lost(journal: Journal, record: EntryRecord) -> bool:
    """Whether an entry of a later pair came back behind one whose body was withheld: its number is not known then (rule 31)."""
    if record.number is not None or record.log.pair == FIRST_PAIR:
        return False
    return any(before.gone == WITHHELD for before in journal.entries(record.log, 0, record.index))


def shown_once(watch: Watch, author: str, line: bytes, journal: Journal, peer: Journal, *, confirmed: bool) -> None:
    """What people released at `author` and did not lose is shown to the peer's people once, released and under its number.

    confirmed: people at `author` stand for the peer; until then it issues nothing again.

    Of a line with more than one pair only: in one pair the logs are the same, and that says as much.
    """
    ours = {record.nonce: record for record in entries_of(journal, line, outgoing=True) if record.nonce is not None}
    theirs = without_earlier_copies(entries_of(peer, line, outgoing=False))
    shown = Counter(record.nonce for record in theirs)
    found = {record.nonce: record for record in theirs}
    for nonce in sorted(watch.released.get((author, line), set())):
        if shown[nonce] == 0 and (not confirmed or _went_in_time(ours[nonce], journal, peer)):
            continue
        if shown[nonce] != 1:
            place = ours[nonce].log.pair, ours[nonce].index
            raise Violation("lost", f"an entry of {author} {place} is shown to its peer {shown[nonce]} times")
        record = found[nonce]
        if not record.released or (record.number != ours[nonce].number and not _number_is_lost(peer, record)):
            raise Violation("lost", f"entry {record.index} of {author} {record.log.pair} is not shown as it was released")
    for record in late_entries(peer, line):
        log = watch.log(watch.direction(watch.peers[author, line], record.log))
        if (record.leaf, record.body) not in log.written.get(record.index, ()):
            raise Violation("custody", f"a late entry of {author} was shown that it did not write")


def _went_in_time(ours: EntryRecord, journal: Journal, peer: Journal) -> bool:
    """Whether the peer had this entry and lost it, after its author had removed the body of what it knew to be there."""
    receipt = journal.latest_receipt(ours.log)
    pair = Pair(ours.log.pair.theirs, ours.log.pair.ours)
    record = peer.entry(Log(ours.log.line, pair, False), ours.index)
    return receipt is not None and ours.index < receipt.size and record is not None and record.gone == WITHHELD


def said_again(watch: Watch, author: str, line: bytes, journal: Journal) -> None:
    """What had no receipt in an earlier pair stands in a later one. For a desk whose people confirmed the peer."""
    newest: dict[bytes, Pair] = {}
    records = [record for record in entries_of(journal, line, outgoing=True) if record.nonce is not None]
    for record in records:
        assert record.nonce is not None
        newest[record.nonce] = max(record.log.pair, newest.get(record.nonce, Pair(0, 0)))
    present = watch.present[author, line]
    for record in records:
        assert record.nonce is not None
        if record.log.pair == present or record.type not in ISSUED_AGAIN or record.epoch == 0:
            continue
        receipt = journal.latest_receipt(record.log)
        if record.index >= (0 if receipt is None else receipt.size) and newest[record.nonce] == record.log.pair:
            raise Violation("again", f"{author} did not issue entry {record.index} of {record.log.pair} again")


def entries_of(journal: Journal, line: bytes, *, outgoing: bool) -> list[EntryRecord]:
    """Everything that one desk said on a line, over all pairs, as this journal holds it."""
    logs = [log for log in journal.logs(line) if log.outgoing is outgoing]
    return [record for log in logs for record in journal.entries(log, 0, journal.size(log))]
