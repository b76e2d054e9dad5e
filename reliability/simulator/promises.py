"""What two desks owe each other beyond their logs: the same terms, silence certificates that hold, proof that stays."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from watchline.core.amendments import journal_history
from watchline.core.entries import Body, EntryType, Leaf
from watchline.core.records import EntryRecord, Log, Pair, StatementRecord
from watchline.core.silence import Silence, SilenceKind
from watchline.core.silence_logs import later
from watchline.core.statements import StatementType, status_in
from watchline.desk.lines import OpenLine
from watchline.desk.silence_grounds import judge_record
from watchline.errors import PeerError
from watchline.journal import Journal

if TYPE_CHECKING:
    from reliability.simulator.machine import Machine


class KeptStatuses:
    """Every status that a desk keeps as proof, and that must be there after every crash."""

    def __init__(self) -> None:
        self._kept: defaultdict[tuple[str, bytes, Pair, bool], set[bytes]] = defaultdict(set)

    def note(self, desk: str, record: StatementRecord) -> None:
        """It is durable."""
        if record.keep and record.type == StatementType.STATUS:
            self._kept[desk, record.line, record.pair, record.ours].add(record.payload)

    def missing(self, desk: str, journal: Journal) -> int:
        """How many of them the journal no longer has."""
        found = 0
        for (name, line, pair, ours), payloads in self._kept.items():
            if name == desk:
                stored = {record.payload for record in journal.statements(line, ours, StatementType.STATUS, pair)}
                found += len(payloads - stored)
        return found

    def put_back(self, desk: str) -> None:
        """Another disk was put in the place of this desk's."""
        for key in [key for key in self._kept if key[0] == desk]:
            del self._kept[key]


def wrong_promises(one: Machine, other: Machine, line: bytes) -> tuple[str, str] | None:
    """What is wrong between two honest desks that have healed: (rule, what), None for nothing."""
    ends = [(machine, machine.desk.lines[line]) for machine in (one, other)]
    if ends[0][1].line.setup.pair != ends[1][1].line.setup.pair[::-1]:
        return None
    digests = {opened.line.terms.digest for _, opened in ends}
    if len(digests) > 1:
        versions = [opened.line.terms.version for _, opened in ends]
        return "terms", f"{one.name} and {other.name} have other terms in force, versions {versions}"
    for (machine, opened), (peer, peers) in (ends, ends[::-1]):
        wrong = _wrong_silence(machine, opened, peer, peers)
        if wrong is not None:
            return wrong
    return None


def _wrong_silence(author: Machine, own: OpenLine, peer: Machine, peers: OpenLine) -> tuple[str, str] | None:
    """Each certificate in the author's log of the present pair: it follows at both desks, to the same, and accuses nobody."""
    setup, peers_setup = own.line.setup, peers.line.setup
    log, answers = setup.outgoing_log, _by_what_they_answer(peer.journal, peers_setup.outgoing_log)
    terms = journal_history(setup, author.journal).of, journal_history(peers_setup, peer.journal).of
    for record in author.journal.entries(log, 0, author.journal.size(log)):
        if record.type != EntryType.SILENCE:
            continue
        name = f"certificate {record.index} of {author.name}"
        copy = peer.journal.entry(peers_setup.incoming_log, record.index)
        assert copy is not None  # everything has arrived
        try:
            judged = (
                judge_record(author.journal, setup, record, terms[0]),
                judge_record(peer.journal, peers_setup, copy, terms[1]),
            )
        except PeerError as error:
            if _was_under_way(author.journal, log, record):
                continue
            return "silence", f"{name} does not follow: {error.message}"
        if judged[0] != judged[1]:
            return "silence", f"{name} is judged otherwise by {peer.name}"
        if judged[0].kind is SilenceKind.CONTRADICTED:
            return "accused", f"{name} says that {peer.name} contradicts itself, and nobody lied"
        silence = Silence.decode(Body.decode(record.body).content)
        closed = None if judged[0].said_by != "peer" else _closed(author.journal, log, answers, silence)
        if closed is not None:
            return "silence", f"{name} is about a notice that entry {closed} of {peer.name} had closed before its status"
    return None


def _by_what_they_answer(journal: Journal, log: Log) -> dict[int, list[EntryRecord]]:
    """The entries of a desk's own log, by the entry of the peer's log that they refer to; read from its own disk."""
    found: defaultdict[int, list[EntryRecord]] = defaultdict(list)
    for record in journal.entries(log, 0, journal.size(log)):
        re = Leaf.decode(record.leaf).re
        if re is not None:
            found[re].append(record)
    return found


def _was_under_way(own: Journal, log: Log, record: EntryRecord) -> bool:
    """Whether the peer had closed the clock of a claim by the status that it shows, in an entry that was still on its way: that
    refutes an honest claim. Were none made, nothing could be claimed of a peer that names entries and never sends them.
    """
    silence, written = Silence.decode(Body.decode(record.body).content), Leaf.decode(record.leaf)
    if silence.claim is None or silence.status is None:
        return False
    peers = own.entries(_other(log), written.peer_size, status_in(silence.status.payload).size)
    answers = {silence.index: [entry for entry in peers if Leaf.decode(entry.leaf).re == silence.index]}
    return _closed(own, log, answers, silence) is not None


def _other(log: Log) -> Log:
    return log._replace(outgoing=not log.outgoing)


def _closed(own: Journal, log: Log, answers: dict[int, list[EntryRecord]], silence: Silence) -> int | None:
    """The entry of the peer's own log, below the size that its status names, that closed this clock."""
    notice = own.entry(log, silence.index)
    assert notice is not None
    assert silence.status is not None
    meant, body, size = Leaf.decode(notice.leaf), Body.decode(notice.body), status_in(silence.status.payload).size
    for record in answers.get(silence.index, ()):
        closes = later(Leaf.decode(record.leaf), Body.decode(record.body), record.released, meant, body).closes
        if record.index < size and silence.clock in (closes or ()):
            return record.index
    return None


def silences_made(machine: Machine, opened: OpenLine) -> Counter[str]:
    """How many certificates of each kind stand in a desk's present log."""
    log = opened.line.setup.outgoing_log
    kinds: Counter[str] = Counter()
    for record in machine.journal.entries(log, 0, machine.journal.size(log)):
        if record.type == EntryType.SILENCE:
            kinds[f"silence: {Silence.decode(Body.decode(record.body).content).kind}"] += 1
    return kinds
