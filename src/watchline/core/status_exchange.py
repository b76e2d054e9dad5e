"""The statuses of one line: how each side says where it stands, and what the other side's word binds it to (rules 25, 26)."""

from __future__ import annotations

from watchline.core.frames import Item, Refusal
from watchline.core.freshness import Freshness, Made
from watchline.core.incoming import Incoming
from watchline.core.kept_statements import rollback_evidence, statement_record, stored_statement
from watchline.core.merkle import Edge
from watchline.core.outgoing import Outgoing
from watchline.core.records import StatementRecord
from watchline.core.reply_clocks import ReplyClocks
from watchline.core.setting import LineSetup, Moment, Reader
from watchline.core.statements import Statement, StatementType, Status, read_status, sign_statement
from watchline.core.witnessed import Witnessed


class StatusExchange:
    """What both desks said last of the line. peer_status: the peer's last word, None before the first; peer_status_at: when a
    fresh one came, in seconds of the running clock. rung, watch: what our own statuses say of consoles and people.

    asked: the size at which the peer was asked to show our own checkpoint, showing: the one at which it asked us; None if not.
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
        self._kept_sizes = (-1, -1)

    def restore(self, setup: LineSetup, *, stopped: bool) -> None:
        """Take up the peer's last status, which binds it for good. A line that a fork stopped may have kept the very status
        that forks: there is nothing more to hold the peer to.
        """
        heard = stored_statement(self._reader, setup, StatementType.STATUS, ours=False)
        if heard is not None:
            self.peer_status = read_status(heard)
            if not stopped:
                self.bind(heard, self.peer_status)
            self.freshness.restore(self.peer_status)

    # --- the peer's

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

    def keep(self, statement: Statement, status: Status, setup: LineSetup, moment: Moment, *, fresh: bool) -> StatementRecord:
        """Take it as the peer's last word. Full ones that say something new of the logs are kept for good."""
        self.peer_status = status
        if fresh:
            self.peer_status_at = moment.running
        sizes = (status.size, status.held_size)
        keep = statement.ml is not None and sizes != self._kept_sizes
        if keep:
            self._kept_sizes = sizes
        return statement_record(
            setup, statement, status.time, ours=False, our_size=status.held_size, their_size=status.size, keep=keep
        )

    # --- ours

    def speak(self, head: Edge, setup: LineSetup, moment: Moment) -> tuple[list[Item], StatementRecord]:
        """Sign a status; give what leaves with it, and its record. head: our log, as far as it may be named.

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
        record = statement_record(setup, statement, moment.wall, ours=True, our_size=head.size, their_size=theirs.edge.size)
        return items, record
