"""Silence certificates of this desk: made when a reply clock of ours runs out at the peer, and by command (rule 33).

Each is made once for a notice, a clock and a kind. A stronger one may follow: what this desk could only claim while the line
was down, the peer's own status may prove later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import structlog

from watchline.core.amendments import possible_bases
from watchline.core.clocks import RunningClock
from watchline.core.entries import EntryType, Leaf
from watchline.core.outgoing import Draft
from watchline.core.records import EntryRecord, Log, Pair, StatementRecord
from watchline.core.setting import LineSetup, Moment
from watchline.core.silence import (
    ATTEMPTS_MAX,
    CARRIES,
    CLOCK_WORDS,
    DIRECT,
    REFUSES,
    Attempt,
    Claim,
    Judgement,
    SignedStatus,
    Silence,
    SilenceKind,
    claimed_kind,
    is_unmanned,
    lists_no_more,
)
from watchline.core.statements import StatementType, Status, status_in
from watchline.desk.lines import FROM_PEER, OpenLine
from watchline.desk.references import reference_to
from watchline.desk.silence_grounds import CertificatesOf, Written, certificates_about, judge_record, judge_written
from watchline.errors import NegativeAnswer, PeerError, UsageError
from watchline.journal import Journal

if TYPE_CHECKING:
    from watchline.desk.api import Api
    from watchline.desk.desk import Desk

ATTEMPTS_SECONDS = 24 * 3_600  # how far back attempts are looked for
LOOK_SECONDS = 5.0  # between two looks at what may be claimed of a silent line
CLAIMED_MAX = 64  # clocks of one line that one such look takes up
STATUSES_JUDGED_MAX = 8  # of those that list the clock as run out, for one command
STRENGTH = {
    SilenceKind.CONTRADICTED: 4,
    SilenceKind.UNANSWERED: 6,
    SilenceKind.UNMANNED: 8,
    SilenceKind.DARK: 2,
    SilenceKind.TERMINAL_DOWN: 2,
    SilenceKind.LINE_DOWN: 2,
}

Json = dict[str, Any]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A certificate that holds, and that is not written yet."""

    silence: Silence
    judged: Judgement

    @property
    def strength(self) -> int:
        """How much it proves: of two for one clock the stronger counts."""
        return strength_of(self.judged)


def strength_of(judged: Judgement) -> int:
    """How much a certificate proves; one half of a signature proves less."""
    return STRENGTH[judged.kind] - judged.provisional


class Silences:
    """Makes the certificates of one desk's lines."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._made: dict[tuple[bytes, Pair, int, int], int] = {}
        self._stored: dict[Log, CertificatesOf] = {}
        self._next_look = 0.0

    def on_clock_ran_out(self, opened: OpenLine, clock: RunningClock) -> EntryRecord | None:
        """A clock of our notice ran out: certify the strongest silence that can be shown; None if nothing new can."""
        last = self._last_status(opened)
        return self.certify(opened, clock.index, clock.kind, clock, [] if last is None else [last])

    def heard(self, opened: OpenLine, heard: StatementRecord) -> None:
        """The peer's status may prove what was not provable before: a clock of ours that ran out, or one that it leaves out."""
        status = opened.line.statuses.peer_status
        if status is None or heard.pair != opened.line.setup.pair or not self._may_speak(opened):
            return
        for index, kind in _telling(opened, status, self._desk.moment()):
            self.certify(opened, index, kind, None, [heard])

    def on_time(self, moment: Moment) -> None:
        """Claim on silent lines what could not be claimed when its clock ran out, as the line was not silent yet, and notices
        that never came to the peer.
        """
        if moment.running < self._next_look:
            return
        self._next_look = moment.running + LOOK_SECONDS
        for opened in list(self._desk.lines.values()):
            if self._may_speak(opened) and opened.facts(moment).is_unheard:
                late = (clock for clock in self.clocks(opened, moment) if clock.seconds >= clock.allowed)
                new = (clock for clock in late if not self._strength_before(opened, clock.index, clock.kind))
                for clock in list(islice(new, CLAIMED_MAX)):
                    self.on_clock_ran_out(opened, clock)

    def clocks(self, opened: OpenLine, moment: Moment) -> Iterator[RunningClock]:
        """What nobody has closed of our notices: the clocks that run, and those that never began, as no receipt came. The
        seconds of these are since the notice was written.
        """
        yield from opened.running_clocks(True, moment)
        line = opened.line
        for notice, kind, allowed in line.clocks.unreceived(line.outgoing.edge.size, line.incoming.edge.size):
            record = self._desk.journal.entry(line.setup.outgoing_log, notice.index)
            if record is not None:
                seconds = max(0, moment.wall - record.time)
                yield RunningClock(notice.index, notice.precedence, kind, seconds, allowed)

    def certify(
        self, opened: OpenLine, index: int, kind: int, claim: RunningClock | None, statuses: Sequence[StatementRecord]
    ) -> EntryRecord | None:
        """Append a certificate about one clock of our notice `index`, if one stronger than all before follows now.

        claim: the clock as this desk counts it, where it may be claimed that it ran out; None where only proof will do.
        statuses: those of the peer that it may rest on.
        """
        if not self._may_speak(opened):
            return None
        before = self._strength_before(opened, index, kind)
        proposal = self._propose(opened, index, kind, claim, statuses, before)
        return None if proposal is None or proposal.strength <= before else self._append(opened, proposal)

    def _propose(
        self,
        opened: OpenLine,
        index: int,
        kind: int,
        claim: RunningClock | None,
        statuses: Sequence[StatementRecord],
        before: int,
    ) -> Proposal | None:
        """The strongest certificate that follows for one clock of our notice; None if none can be stronger than `before`."""
        leaf = self._leaf(opened, index)
        if leaf is None:
            return None
        found = [proposal for record in statuses if (proposal := self._proven(opened, leaf, kind, record, before)) is not None]
        if found:
            return max(found, key=lambda proposal: proposal.strength)
        if before or claim is None or claim.seconds < claim.allowed:
            return None
        claimed = self._claimed(opened, leaf, claim)
        return None if claimed is None else self._judged(opened, claimed)

    def _proven(self, opened: OpenLine, leaf: Leaf, kind: int, record: StatementRecord, before: int) -> Proposal | None:
        """What one status proves, if that is stronger than `before`; a status proves one kind of silence at most."""
        kinds = (proven for proven in _kinds_proven(record, leaf.index, kind) if STRENGTH[proven] > before)
        judged = (self._judged(opened, _silence(proven, kind, leaf, record)) for proven in kinds)
        return next(filter(None, judged), None)

    def kept_statuses(self, opened: OpenLine) -> Iterator[StatementRecord]:
        """Every status of the peer that the journal has of this pair, the last one first."""
        last = self._last_status(opened)
        if last is not None:
            yield last
        line, pair = opened.record.line, opened.line.setup.pair
        yield from self._desk.journal.statements(line, False, StatementType.STATUS, pair)

    def _append(self, opened: OpenLine, proposal: Proposal) -> EntryRecord:
        silence = proposal.silence
        record = self._desk.compose(opened, Draft(EntryType.SILENCE, silence.encode()))
        key = (opened.record.line, opened.line.setup.pair, silence.index, silence.clock)
        self._made[key] = proposal.strength
        log.warning("line.silence", line=opened.record.name, kind=silence.kind.value, clock=silence.clock_word)
        return record

    def _strength_before(self, opened: OpenLine, index: int, kind: int) -> int:
        """How strong the certificates about this clock are that were made before, by this process or one before it."""
        key = (opened.record.line, opened.line.setup.pair, index, kind)
        if key not in self._made:
            setup = opened.line.setup
            self._made[key] = 0
            fresh = CertificatesOf(self._desk.journal, setup.outgoing_log)
            for record in self._stored.setdefault(setup.outgoing_log, fresh).about(index):
                judged = holds(self._desk.journal, setup, record)
                if judged is not None and judged.clock == kind:
                    self._made[key] = max(self._made[key], strength_of(judged))
        return self._made[key]

    def _may_speak(self, opened: OpenLine) -> bool:
        """Whether the node may add something that nobody released (rules 29, 36)."""
        return self._desk.has_room and not opened.is_stopped and "theirs" not in opened.line.unconfirmed

    def _last_status(self, opened: OpenLine) -> StatementRecord | None:
        record = self._desk.journal.statement(opened.record.line, False, StatementType.STATUS)
        return record if record is not None and record.pair == opened.line.setup.pair else None

    def _leaf(self, opened: OpenLine, index: int) -> Leaf | None:
        record = self._desk.journal.entry(opened.line.setup.outgoing_log, index)
        return None if record is None or record.type != EntryType.NOTICE else Leaf.decode(record.leaf)

    def _claimed(self, opened: OpenLine, leaf: Leaf, clock: RunningClock) -> Silence | None:
        """What may be claimed; None while the state of the line does not bear it out: the peer's own word is waited for."""
        facts = opened.facts(self._desk.moment())
        if not facts.is_unheard:
            return None
        journal, setup = self._desk.journal, opened.line.setup
        receipt = journal.first_receipt_covering(setup.outgoing_log, leaf.index + 1)
        received = None if receipt is None else receipt.time
        attempts = self._attempts(opened, is_carrying=facts.is_carrying)
        last = self._last_status(opened)
        stated = last is not None and last.our_size > leaf.index
        kind = claimed_kind(attempts, received, stated=stated)
        if kind is SilenceKind.DARK and not facts.is_silent:
            return None
        silence = _silence(kind, clock.kind, leaf, last)
        return replace(silence, attempts=attempts, claim=Claim(clock.seconds, received))

    def _attempts(self, opened: OpenLine, *, is_carrying: bool) -> tuple[Attempt, ...]:
        """Our newest attempts on the line's routes. One that carried once counts only while it does, and a refusal only while
        nothing came after it.
        """
        wall = self._desk.moment().wall
        records = self._desk.journal.attempts(opened.record.line, wall - ATTEMPTS_SECONDS)
        tried = {f"{DIRECT}{route.address}": route.outcome for route in opened.routes.values()}
        attempts = [
            Attempt(record.route[:300], record.time, record.outcome[:32])
            for record in records
            if record.route != FROM_PEER
            and record.outcome not in CARRIES
            and not (record.outcome in REFUSES and tried.get(record.route, record.outcome) not in REFUSES)
        ]
        if is_carrying and opened.link is not None:
            attempts.append(Attempt(f"{opened.link.kind} {opened.link.address}"[:300], wall, "connected"))
        return tuple(attempts[-ATTEMPTS_MAX:])

    def _judged(self, opened: OpenLine, silence: Silence) -> Proposal | None:
        """The certificate, if it would hold where it would stand, whatever terms the pair turns out to begin with."""
        line, journal = opened.line, self._desk.journal
        written = Written(line.setup.outgoing_log, line.outgoing.edge.size, line.incoming.edge.size)
        terms = [line.terms_at]
        if not line.clocks.settled:
            terms += [line.incoming.history.with_base(base).of for base in possible_bases(line.setup, journal)]
        try:
            judged = [judge_written(journal, line.setup, silence, written, terms_at) for terms_at in terms]
        except PeerError:
            return None
        return Proposal(silence, judged[0])


def _silence(kind: SilenceKind, clock: int, leaf: Leaf, record: StatementRecord | None) -> Silence:
    status = None if record is None else SignedStatus(record.payload, record.ed, record.ml)
    direction = leaf.direction
    return Silence(kind, clock, direction.inc, direction.peer_inc, leaf.index, leaf.commitment, status)


def _kinds_proven(record: StatementRecord, index: int, kind: int) -> tuple[SilenceKind, ...]:
    """Which kinds a status may prove of a clock, before anything is verified."""
    if record.our_size <= index:
        return ()
    try:
        status = status_in(record.payload)
    except PeerError:
        return ()
    item = next((item for item in status.open if (item.index, item.kind) == (index, kind)), None)
    if item is None and lists_no_more(status):
        return ()
    if item is None or item.seconds < item.allowed:
        return (SilenceKind.CONTRADICTED,)
    admitted = SilenceKind.UNMANNED if is_unmanned(status.watch, item.seconds) else SilenceKind.UNANSWERED
    return admitted, SilenceKind.CONTRADICTED


def _telling(opened: OpenLine, status: Status, moment: Moment) -> Iterator[tuple[int, int]]:
    """The clocks (index, kind) that run at the sizes of this status, and of which it may prove a silence.

    A status that names more than we hold waits for the next one.
    """
    line = opened.line
    if status.size > line.incoming.edge.size or status.held_size > line.outgoing.committed:
        return
    listed = {(item.index, item.kind): item for item in status.open}
    for clock in line.clocks.running(True, status.held_size, status.size, moment):
        item = listed.get((clock.index, clock.kind))
        missing = item is None and not lists_no_more(status)
        if missing or (item is not None and (item.allowed != clock.allowed or item.seconds >= item.allowed)):
            yield clock.index, clock.kind


# --- asked for by people


def methods(api: Api) -> dict[str, Callable[..., Awaitable[Json]]]:
    """What the node answers about silences."""

    async def silence(line: str, id: str) -> Json:  # noqa: A002 - what the entry is called everywhere
        return certify_now(api, line, id)

    return {"silence": silence}


def certify_now(api: Api, line: str, entry: str) -> Json:
    """Make what certificates can be made about a notice of ours, and give all that there are.

    Raises UsageError for another entry, and NegativeAnswer if no clock of it has run out, or nothing can be shown yet.
    """
    opened, desk = api.open(line), api.desk
    desk.flush()
    notice = api.view(line).find(entry)
    setup = opened.line.setup
    if notice.log != setup.outgoing_log or notice.type != EntryType.NOTICE:
        raise UsageError(
            "a silence certificate is about a notice of this desk, in the present pair of incarnations",
            hint="`watchline log LINE` lists them",
        )
    clocks = [clock for clock in desk.silences.clocks(opened, desk.moment()) if clock.index == notice.index]
    statuses = list(desk.silences.kept_statuses(opened))
    made = {record.index for clock in clocks if (record := _certify_best(desk, opened, clock, statuses)) is not None}
    desk.flush()
    found = certificates_about(desk.journal, setup.outgoing_log, notice.index)
    if not found:
        raise _nothing_to_show(reference_to(notice), clocks)
    told = [
        {"id": reference_to(record), **judgement_json(judged), "new": record.index in made}
        for record in found
        if (judged := holds(desk.journal, setup, record)) is not None
    ]
    return {"line": opened.record.name, "notice": reference_to(notice), "certificates": told}


def _certify_best(desk: Desk, opened: OpenLine, clock: RunningClock, statuses: list[StatementRecord]) -> EntryRecord | None:
    telling = [record for record in statuses if len(_kinds_proven(record, clock.index, clock.kind)) > 1]
    chosen = [*telling[:STATUSES_JUDGED_MAX], *statuses[:1]]
    return desk.silences.certify(opened, clock.index, clock.kind, clock, chosen)


def holds(journal: Journal, setup: LineSetup, record: EntryRecord) -> Judgement | None:
    """What a certificate of the journal shows; None if its claim does not follow."""
    try:
        return judge_record(journal, setup, record)
    except PeerError:
        return None


def judgement_json(judged: Judgement) -> Json:
    """What follows from a certificate."""
    return {
        "kind": judged.kind.value,
        "clock": CLOCK_WORDS[judged.clock],
        "seconds": judged.seconds,
        "allowed": judged.allowed,
        "said_by": judged.said_by,
        "provisional": judged.provisional,
    }


def _nothing_to_show(notice: str, clocks: list[RunningClock]) -> NegativeAnswer:
    running = [clock for clock in clocks if clock.seconds < clock.allowed]
    if running:
        first = min(running, key=lambda clock: clock.allowed - clock.seconds)
        remaining, word = first.allowed - first.seconds, CLOCK_WORDS[first.kind]
        return NegativeAnswer(
            f"no clock of {notice} has run out: {remaining} s remain to {word} it",
            hint="ask again then",
            remaining_seconds=remaining,
            clock=word,
        )
    if not clocks:
        return NegativeAnswer(
            f"no clock of {notice} runs: it was closed, or the terms set none",
            hint="`watchline show LINE ID` says how far it came",
            remaining_seconds=None,
            clock=None,
        )
    return NegativeAnswer(
        f"the clock of {notice} has run out here, and the peer's own word does not show it yet",
        hint="ask again after its next status, within a minute",
        remaining_seconds=0,
        clock=CLOCK_WORDS[clocks[0].kind],
    )
