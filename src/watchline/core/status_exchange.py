"""The statuses of one line: when and how each side says where it stands, and what the other side's word binds it to (rules 25
and 26).
"""

from __future__ import annotations

import math

from watchline.core.frames import Item, Refusal
from watchline.core.freshness import Freshness, Made
from watchline.core.incoming import Incoming
from watchline.core.kept_statements import rollback_evidence, statement_evidence, statement_record, stored_statement
from watchline.core.merkle import Edge
from watchline.core.outgoing import Outgoing
from watchline.core.phases import Cause
from watchline.core.records import StatementRecord
from watchline.core.reply_clocks import ReplyClocks
from watchline.core.setting import LineSetup, Moment, Reader
from watchline.core.silence import is_unmanned
from watchline.core.statements import Statement, StatementType, Status, kept_rung, read_status, sign_statement
from watchline.core.witnessed import Witnessed
from watchline.errors import Contradiction

AHEAD = 0.1  # of the interval: so much sooner than the terms ask a status leaves, so that a late one is soon told from none
STATUS_SOON_SECONDS = 1.0  # a status follows a new entry or receipt within this time
OPENING_STATUS_SECONDS = 5.0  # while nothing can be sent before an answer, do not wait for the next regular one


class StatusExchange:
    """What both desks said last of the line. peer_status: the peer's last word, None before the first; peer_status_at: when a
    fresh one came, in seconds of the running clock. rung, watch: what our own statuses say of consoles and people.

    due_at: when our next one leaves, in seconds of the running clock; None until the interval has passed. asked: the size at
    which the peer was asked to show our own checkpoint, showing: the one at which it asked us; None if not.
    """

    def __init__(
        self, outgoing: Outgoing, incoming: Incoming, clocks: ReplyClocks, reader: Reader, witnessed: Witnessed
    ) -> None:
        self._outgoing = outgoing
        self._incoming = incoming
        self._clocks = clocks
        self._reader = reader
        self._witnessed = witnessed
        self.freshness = Freshness()
        self.peer_status: Status | None = None
        self.peer_status_at: float | None = None
        self.rung = 0
        self.watch = (0, 0, 0)
        self.asked: int | None = None
        self.showing: int | None = None
        self.due_at: float | None = None
        self._spoke_at = -math.inf
        self._prompted = False
        self._kept_sizes = (-1, -1)
        self._kept_rung = 0
        self._kept_own_rung = 0
        self._kept_silences: set[tuple[int, int, bool]] = set()

    def restore(self, setup: LineSetup, *, stopped: bool) -> None:
        """Take up the peer's last status, which binds it for good. A line that a fork stopped may have kept the very status
        that forks: there is nothing more to hold the peer to. What we said of our consoles we go on saying: it never falls.
        """
        said = self._reader.statement(setup.line, True, StatementType.STATUS)
        if said is not None and said.pair == setup.pair:
            self.rung = self._kept_own_rung = kept_rung(said.payload)
        heard = stored_statement(self._reader, setup, StatementType.STATUS, ours=False)
        if heard is not None:
            self.peer_status = read_status(heard)
            if not stopped:
                self.bind(heard, self.peer_status)
            self.freshness.restore(self.peer_status)

    # --- when

    def at_once(self, moment: Moment) -> None:
        """Say one at once."""
        self.due_at = moment.running

    def soon(self, moment: Moment) -> None:
        """Say one within a second of the last."""
        if self.due_at is None:
            self.due_at = max(moment.running, self._spoke_at + STATUS_SOON_SECONDS)

    def prompt(self, moment: Moment) -> None:
        """Answer a status that is not fresh with one, once a connection and interval."""
        if not self._prompted:
            self._prompted = True
            self.at_once(moment)

    def connected(self, moment: Moment) -> None:
        """A route carries again."""
        self._prompted = False
        self.at_once(moment)

    def tick(self, interval_seconds: int, moment: Moment, *, opening: bool) -> None:
        """Let time pass. interval_seconds: that of the terms in force."""
        if self.due_at is None and moment.running >= self.next_at(interval_seconds, opening=opening):
            self._prompted = False
            self.at_once(moment)

    def next_at(self, interval_seconds: int, *, opening: bool) -> float:
        """When the next one leaves, a little ahead of the interval of the terms."""
        if self.due_at is not None:
            return self.due_at
        interval = (1 - AHEAD) * interval_seconds
        return self._spoke_at + (min(interval, OPENING_STATUS_SECONDS) if opening else interval)

    # --- the peer's

    def hear(self, statement: Statement, setup: LineSetup, *, stopped: bool) -> tuple[Status, Made | None, bool]:
        """Read a verified status and hold the peer to it; raises Fork and Rollback (rule 26). A stopped line holds nobody.

        Give it, how things stood when we made the nonce that it echoes (None: it is not fresh), and whether it is the peer's
        last word.
        """
        status = read_status(statement)
        made = self.freshness.made_for(status.echo)
        newer = self.freshness.hear(status, made)
        if not stopped:
            self.bind(statement, status)
            if made is not None:
                self.judge_fresh(statement, status, made, setup)
        return status, made, newer

    def bind(self, statement: Statement, status: Status) -> None:
        """Hold the peer to what it signed of its own log, and of ours as far as that is true; raises Fork (rule 26)."""
        self._incoming.expect(status.size, status.root, statement)
        self.freshness.bind(status.size, status.held_size if self.holds_ours(status) else 0)

    def holds_ours(self, status: Status) -> bool:
        """Whether what the peer says it holds of our log is what our log has there."""
        own = self._outgoing
        return status.held_size <= own.committed and own.root_at(status.held_size) == status.held_root

    def judge_fresh(self, statement: Statement, status: Status, made: Made, setup: LineSetup) -> None:
        """A status that echoes our nonce must show at least what the peer had signed before we made it; raises Rollback."""
        rollback = made.rollback(status)
        if rollback is not None:
            rollback.evidence = rollback_evidence(self._reader, setup, statement)
            raise rollback

    def compare_our_log(
        self, statement: Statement, status: Status, made: Made | None, moment: Moment, *, is_open: bool, is_crowded: bool
    ) -> tuple[Cause | None, Contradiction | None]:
        """Compare what the peer says it holds of our log with our own (rule 26). Give what it means for an opening line, and
        what it breaks. is_crowded: what it had to show may have been dropped with other things.
        """
        if self.holds_ours(status):
            if made is None:
                return None, None
            self.asked = None
            return Cause.AGREED, None
        if made is not None and made.asked and self.asked is not None and not is_crowded:
            self.asked = None
            unproven = Contradiction("the peer claims a head of our log that it cannot show our signature on", rule=26)
            unproven.evidence = statement_evidence(statement)
            return Cause.UNPROVEN, unproven
        if made is not None or is_open:
            self.ask_show(status.held_size, moment)
        return None, None

    def ask_show(self, size: int, moment: Moment) -> None:
        """Ask for our own checkpoint. The question goes with our statuses until it is answered: see `speak`."""
        if self.asked is None:
            self.asked = size
            self.at_once(moment)

    def keep(self, statement: Statement, status: Status, setup: LineSetup, moment: Moment, *, fresh: bool) -> StatementRecord:
        """Take it as the peer's last word. Full ones that say something new of the logs, that more notices sounded at a
        console, or that admit a silence are kept for good.
        """
        self.peer_status = status
        if fresh:
            self.peer_status_at = moment.running
            self._clocks.hear(status, moment)
        sizes = (status.size, status.held_size)
        is_news = sizes != self._kept_sizes or status.rung > self._kept_rung
        keep = statement.ml is not None and (self._admits_silence(status) or is_news)
        if keep:
            self._kept_sizes, self._kept_rung = sizes, max(self._kept_rung, status.rung)
        return statement_record(
            setup, statement, status.time, ours=False, our_size=status.held_size, their_size=status.size, keep=keep
        )

    def _admits_silence(self, status: Status) -> bool:
        """Whether it is the first to list a notice of ours beyond what is allowed, or to show nobody there for as long."""
        shown = {
            (item.index, item.kind, is_unmanned(status.watch, item.seconds))
            for item in status.open
            if item.seconds >= item.allowed and item.index < min(status.held_size, self._outgoing.committed)
        }
        new = shown - self._kept_silences
        self._kept_silences |= new
        return bool(new)

    # --- ours

    def speak(self, head: Edge, setup: LineSetup, moment: Moment) -> tuple[list[Item], StatementRecord]:
        """Sign a status; give what leaves with it, and its record. head: our log, as far as it may be named. One that says that
        more notices sounded here is kept for good.

        What it asks for, and the answer to what the peer asked with its own, share its frame: so whoever hears a status that
        echoes the question's nonce has the answer too, or knows that there is none.
        """
        own, theirs = self._outgoing, self._incoming
        open_items, left_out = self._clocks.listed(head.size, theirs.edge.size, moment)
        nonce = self._witnessed.nonce(setup.line, moment.random(16))
        status = Status(
            moment.wall, head.size, head.root(), theirs.edge.size, theirs.edge.root(), theirs.epoch, len(own.prekeys),
            setup.own_certificate.certificate.serial, setup.peer_certificate.certificate.serial,
            open_items, left_out, self.rung, self.watch, nonce, self.freshness.peer_nonce,
        )  # fmt: skip
        self.freshness.bind(theirs.edge.size, own.received)
        self.freshness.make(nonce, own.sent, asked=self.asked is not None)
        statement = sign_statement(StatementType.STATUS, setup.outgoing, status.values(), setup.own_keys.statement)
        items: list[Item] = [statement.stated()]
        shown = None if self.showing is None else theirs.shown(self.showing)
        if shown is not None:
            items.insert(0, shown)
        if self.asked is not None:
            items.append(Refusal(26, setup.pair.ours, self.asked))
        keep = self.rung > self._kept_own_rung
        self._kept_own_rung = max(self._kept_own_rung, self.rung)
        self.due_at, self._spoke_at = None, moment.running
        record = statement_record(
            setup, statement, moment.wall, ours=True, our_size=head.size, their_size=theirs.edge.size, keep=keep
        )
        return items, record
