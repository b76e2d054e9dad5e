"""What the journal holds for and against a silence certificate, ours or the peer's (rule 33)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from watchline.core.amendments import journal_history
from watchline.core.certificate import Certificate
from watchline.core.entries import Body, Direction, EntryType, Leaf
from watchline.core.keys import StatementPublic
from watchline.core.records import EntryRecord, Log
from watchline.core.setting import LineSetup
from watchline.core.silence import Grounds, Judgement, Silence, SilenceKind, judge_silence
from watchline.core.silence_logs import Ends, Later, Leaves, LeavesAtHand, LogAtHand, later, read_notice
from watchline.core.statements import Status
from watchline.core.terms import Terms
from watchline.errors import BadProof, PeerError, WrongParty
from watchline.journal import Journal

TermsAt = Callable[[EntryRecord], Terms]
"""The terms by which an entry of a pair is judged."""


@dataclass(frozen=True, slots=True)
class Written:
    """Where a certificate stands, or will stand: its log and index there, and how much of the other log its leaf names."""

    log: Log
    index: int
    peer_size: int


def read_silence(record: EntryRecord) -> Silence | None:
    """What a SILENCE entry says; None for other entries, and for content that is no certificate."""
    if record.type != EntryType.SILENCE:
        return None
    try:
        return Silence.decode(Body.decode(record.body).content)
    except PeerError:
        return None


def certificates_about(journal: Journal, log: Log, index: int) -> list[EntryRecord]:
    """The silence certificates about an entry: they stand in its own log, after it."""
    return CertificatesOf(journal, log).about(index)


class CertificatesOf:
    """The silence certificates of one log, by the notices that they are about; each is read once, however often it is asked."""

    def __init__(self, journal: Journal, log: Log) -> None:
        self._journal = journal
        self._log = log
        self._read = 0
        self._about: dict[int, list[int]] = {}

    def about(self, index: int) -> list[EntryRecord]:
        """Those about one notice, in order."""
        start, self._read = self._read, self._journal.size(self._log)
        for at, (_, kind, _) in enumerate(self._journal.leaves(self._log, start, self._read), start):
            silence = self._silence(at) if kind == EntryType.SILENCE else None
            if silence is not None and silence.index < at:
                self._about.setdefault(silence.index, []).append(at)
        records = (self._journal.entry(self._log, at) for at in self._about.get(index, ()))
        return [record for record in records if record is not None]

    def _silence(self, index: int) -> Silence | None:
        record = self._journal.entry(self._log, index)
        return None if record is None else read_silence(record)


def judge_record(journal: Journal, setup: LineSetup, record: EntryRecord, terms_at: TermsAt | None = None) -> Judgement:
    """What a certificate of the journal shows, by all that this desk holds; terms_at: as in `judge_written`.

    Raises PeerError if its claim does not follow.
    """
    silence = Silence.decode(Body.decode(record.body).content)
    written = Written(record.log, record.index, Leaf.decode(record.leaf).peer_size)
    return judge_written(journal, setup, silence, written, terms_at)


def judge_written(
    journal: Journal,
    setup: LineSetup,
    silence: Silence,
    written: Written,
    terms_at: TermsAt | None = None,
) -> Judgement:
    """The same of a certificate that need not be written yet. terms_at: of its pair, where that is in memory; None to read it
    from the journal. Raises PeerError.
    """
    log, other = written.log, reverse(written.log)
    status = _verified(setup, silence, other)
    if status is not None:
        if status.held_size > journal.size(log) or journal.root_at(log, status.held_size) != status.held_root:
            raise BadProof("its status names another log as held", rule=33)
        is_whole = status.size <= journal.size(other) and journal.root_at(other, status.size) == status.root
        if silence.kind is SilenceKind.CONTRADICTED and not is_whole:
            raise BadProof("its status names a log of the peer that is not at hand", rule=33)
    notice = journal.entry(log, silence.index)
    if notice is None:
        raise WrongParty("there is no entry where the certificate says", rule=33)
    leaf, body = Leaf.decode(notice.leaf), Body.decode(notice.body)
    receipt = journal.first_receipt_covering(log, notice.index + 1)
    terms_at = terms_at or journal_history(setup.at(log.pair), journal).of
    shows_all = silence.kind is SilenceKind.CONTRADICTED
    return judge_silence(
        silence,
        Grounds(
            setup.direction(log),
            written.index,
            written.peer_size,
            leaf,
            read_notice(body) if notice.type == EntryType.NOTICE else None,
            notice.released,
            terms_at(notice),
            status,
            None if receipt is None else receipt.time,
            _at_hand(journal, log, leaf, body, shows_all=shows_all),
            _at_hand(journal, other, leaf, body, shows_all=shows_all),
        ),
    )


def leaves_needed(journal: Journal, silence: Silence, status: Status | None, log: Log) -> tuple[list[int], list[int]]:
    """Which entries of its own log and of the other one a certificate is judged by, beside the notice.

    Those that refer to the notice; and for a status that leaves it out, every leaf that might close its clock unseen.
    """
    other = reverse(log)
    own, theirs = set(journal.referring(log, silence.index)), set(journal.referring(other, silence.index))
    if status is not None and silence.kind is SilenceKind.CONTRADICTED:
        own |= set(range(silence.index + 1, min(status.held_size, journal.size(log))))
        size = min(status.size, journal.size(other))
        theirs |= set(range(_start(journal, other, silence.index, size), size))
    return sorted(own - {silence.index}), sorted(theirs)


def _start(journal: Journal, other: Log, index: int, size: int) -> int:
    """The newest entry of the other log whose author had not stored the notice, found by halving: peer sizes never fall."""
    low, high = 0, size
    while low + 1 < high:
        middle = (low + high) // 2
        encoded = next(journal.leaves(other, middle, middle + 1))[0]
        low, high = (middle, high) if Leaf.decode(encoded).peer_size <= index else (low, middle)
    return low


class EveryLeaf(Leaves):
    """A log of the journal, of which none is hidden. It is read where it is asked for: a line with hundreds of open notices
    judges as many certificates.
    """

    def __init__(self, journal: Journal, log: Log) -> None:
        self._journal = journal
        self._log = log

    def last_without(self, index: int, size: int) -> int:
        return _start(self._journal, self._log, index, size)

    def first_hidden(self, needed: range) -> int | None:
        size = self._journal.size(self._log)
        return None if needed.stop <= size else max(needed.start, size)


def _at_hand(journal: Journal, log: Log, meant: Leaf, meant_body: Body, *, shows_all: bool) -> LogAtHand:
    """What a certificate about the notice `meant` is judged by. shows_all: what does not refer to the notice, too."""
    leaves = [Leaf.decode(next(journal.leaves(log, index, index + 1))[0]) for index in journal.referring(log, meant.index)]
    ends = Ends(_later(journal, log, leaf, meant, meant_body) for leaf in leaves)
    return LogAtHand(EveryLeaf(journal, log) if shows_all else LeavesAtHand(leaves), ends)


def _later(journal: Journal, log: Log, leaf: Leaf, meant: Leaf, meant_body: Body) -> Later:
    record = journal.entry(log, leaf.index)
    body = None if record is None else Body.decode(record.body)
    return later(leaf, body, record is not None and record.released, meant, meant_body)


def _verified(setup: LineSetup, silence: Silence, speaker: Log) -> Status | None:
    if silence.status is None:
        return None
    return silence.status.verify(setup.direction(speaker), _statement_key(setup, setup.direction(speaker)))


def _statement_key(setup: LineSetup, speaker: Direction) -> StatementPublic:
    """The key with which the author of a log signed statements then. Raises WrongParty (2) if it is not known."""
    for signed in _certificates(setup):
        if (signed.desk, signed.inc) == (speaker.sender, speaker.inc):
            return signed.public.statement
    raise WrongParty("the keys of this incarnation are not known here", rule=2, inc=speaker.inc)


def _certificates(setup: LineSetup) -> Iterator[Certificate]:
    for signed in (setup.own_certificate, setup.peer_certificate, *setup.past):
        yield signed.certificate


def reverse(log: Log) -> Log:
    """The other desk's log of the same pair."""
    return log._replace(outgoing=not log.outgoing)
