"""Silence certificates: the entry that says a reply clock ran out, and what follows from its parts alone (rule 33).

    content = dCBOR[kind, clock, inc, peer_inc, i, commitment, [payload, ed, ml or null] or null, attempts, claim or null]
    attempts = [[route, time, outcome], ...], the oldest first;  claim = [seconds, received or null]

A certificate rests on one status of the desk that was asked. What that status signs is the peer's own word: its own seconds, on
its own clock, at sizes of both logs that it names. So what came later contradicts nothing, and no clock of the author counts.
Where no status proves anything, the author may only claim; whoever reads it is told so.

`judge_silence` gives exactly one kind for the same parts. It refuses a certificate that says another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from watchline.core import shapes
from watchline.core.clocks import ANSWER
from watchline.core.encoding import Value, decode, encode
from watchline.core.entries import Direction, EntryType, Leaf, Notice
from watchline.core.keys import StatementPublic
from watchline.core.limits import OPEN_LISTED_MAX, STATEMENT_BYTES_MAX
from watchline.core.silence_logs import LogAtHand
from watchline.core.statements import OpenItem, StatementType, Status, read_statement, read_status
from watchline.core.terms import Terms
from watchline.errors import BadProof, Malformed, PeerError, WrongParty

ATTEMPTS_MAX = 16
CLOCK_WORDS = ("acknowledge", "answer")
CARRIES = frozenset({"connected", "sent", "relayed"})
REFUSES = frozenset({"refused", "tls"})
DIRECT = "direct "  # how a route begins on which the peer's own host answers; what refuses on another one is a relay
CUT_OFF = frozenset({"unreachable"})

_RULE = 33
_ROUTE_CHARACTERS_MAX, _OUTCOME_CHARACTERS_MAX = 300, 32


class SilenceKind(StrEnum):
    """Which silence it was: the words are those of the line's states."""

    UNANSWERED = "unanswered"
    UNMANNED = "unmanned"
    CONTRADICTED = "contradicted"
    DARK = "dark"
    TERMINAL_DOWN = "terminal_down"
    LINE_DOWN = "line_down"


CLAIMED = frozenset({SilenceKind.DARK, SilenceKind.TERMINAL_DOWN, SilenceKind.LINE_DOWN})


@dataclass(frozen=True, slots=True)
class SignedStatus:
    """A status of the peer as it was signed. ml: None where it travelled with Ed25519 alone."""

    payload: bytes
    ed: bytes
    ml: bytes | None

    def verify(self, direction: Direction, key: StatementPublic) -> Status:
        """Give what it says. direction: of the speaker's log; key: of its certificate.

        Raises BadSignature (4), WrongParty (4) for another line, direction or pair, or (25) for another statement.
        """
        parts = shapes.array(decode(self.payload), "statement")
        if encode(parts[1:6]) != encode([*direction]):  # values could be equal that are not the same, such as 1 and true
            raise WrongParty("the status belongs to another line, direction or incarnation", rule=4)
        statement = read_statement(self.payload, self.ed, self.ml, key)
        if statement.type != StatementType.STATUS:
            raise WrongParty("this statement is no status", rule=25)
        return read_status(statement)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of the author to reach the peer. time: seconds since 1970, its own clock."""

    route: str
    time: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What only the author says. seconds: since the notice was written, by its running clock; received: the time of the first
    receipt that covers the notice, by the peer's clock; None if none had come.
    """

    seconds: int
    received: int | None


@dataclass(frozen=True, slots=True)
class Silence:
    """The content of a SILENCE entry. clock: ACKNOWLEDGE or ANSWER. inc, peer_inc, index, commitment: of the notice, which
    stands in the same log. status: the one that it rests on, or the peer's last; None if none was heard. claim: for the kinds
    in CLAIMED, and only for these.
    """

    kind: SilenceKind
    clock: int
    inc: int
    peer_inc: int
    index: int
    commitment: bytes
    status: SignedStatus | None
    attempts: tuple[Attempt, ...] = ()
    claim: Claim | None = None

    def encode(self) -> bytes:
        """The content bytes."""
        signed, claim = self.status, self.claim
        return encode([
            self.kind.value, self.clock, self.inc, self.peer_inc, self.index, self.commitment,
            None if signed is None else [signed.payload, signed.ed, signed.ml],
            [[attempt.route, attempt.time, attempt.outcome] for attempt in self.attempts],
            None if claim is None else [claim.seconds, claim.received],
        ])  # fmt: skip

    @classmethod
    def decode(cls, content: bytes) -> Silence:
        """Read the content of a SILENCE entry. Raises Malformed (33, 39)."""
        kind, clock, inc, peer_inc, index, committed, status, attempts, claim = shapes.array(
            decode(content), "silence", length=9
        )
        word = shapes.text(kind, "kind of silence", at_most=32)
        if word not in SilenceKind.__members__.values():
            raise Malformed("a silence of a kind that this version does not know", rule=_RULE)
        read = cls(
            SilenceKind(word),
            shapes.integer(clock, "kind of clock", at_most=ANSWER),
            shapes.integer(inc, "inc", at_least=1),
            shapes.integer(peer_inc, "peer_inc", at_least=1),
            shapes.integer(index, "i"),
            shapes.octets(committed, "commitment", length=32),
            None if status is None else _read_signed(status),
            tuple(map(_read_attempt, shapes.array(attempts, "attempts", at_most=ATTEMPTS_MAX))),
            None if claim is None else _read_claim(claim),
        )
        if (read.claim is not None) != (read.kind in CLAIMED):
            raise Malformed("a silence that the author claims says so, and no other does", rule=_RULE)
        if read.kind not in CLAIMED and read.status is None:
            raise Malformed("this kind of silence rests on a status of the peer", rule=_RULE)
        return read

    @property
    def clock_word(self) -> str:
        """What was waited for: acknowledge or answer."""
        return CLOCK_WORDS[self.clock]


def _read_signed(value: Value) -> SignedStatus:
    payload, ed, ml = shapes.array(value, "status", length=3)
    return SignedStatus(
        shapes.octets(payload, "payload", at_most=STATEMENT_BYTES_MAX),
        shapes.octets(ed, "ed", at_most=64),
        None if ml is None else shapes.octets(ml, "ml", at_most=4_096),
    )


def _read_attempt(value: Value) -> Attempt:
    route, time, outcome = shapes.array(value, "attempt", length=3)
    return Attempt(
        shapes.text(route, "route", at_most=_ROUTE_CHARACTERS_MAX),
        shapes.integer(time, "time"),
        shapes.text(outcome, "outcome", at_most=_OUTCOME_CHARACTERS_MAX),
    )


def _read_claim(value: Value) -> Claim:
    seconds, received = shapes.array(value, "claim", length=2)
    return Claim(shapes.integer(seconds, "seconds"), None if received is None else shapes.integer(received, "receipt's time"))


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a certificate is judged by, beside its content. Whoever gives it has verified all of it before.

    direction, index: of the log that holds certificate and notice, and of the certificate in it; peer_size: how much of the
    peer's log its leaf names. leaf: the notice's; None where there is none at that place. notice, released: its content, and
    whether people stand behind it; None where it is not shown.
    status: what the certificate's status says; None where it has none. The author's log has the root that this status names as
    held, and the peer's log, where any of it is given, the root that it names as its own. received: the time of the first
    receipt that covers the notice, None for none. own, theirs: what is at hand of both logs.
    """

    direction: Direction
    index: int
    peer_size: int
    leaf: Leaf | None
    notice: Notice | None
    released: bool | None
    terms: Terms
    status: Status | None
    received: int | None
    own: LogAtHand
    theirs: LogAtHand


@dataclass(frozen=True, slots=True)
class Judgement:
    """What follows. seconds: by the peer's running clock, or by the author's where it claims; None where none is said.

    allowed: by the terms, or by the peer's word where the notice's content is not shown; None where nobody says it.
    said_allowed: what the peer says instead, where that contradicts. said_by: peer or author. provisional: the peer signed
    with one algorithm only.
    """

    kind: SilenceKind
    clock: int
    seconds: int | None
    allowed: int | None
    said_allowed: int | None
    said_by: str
    provisional: bool


def judge_silence(silence: Silence, grounds: Grounds) -> Judgement:
    """Give what follows from the parts of a certificate. Raises PeerError (mostly rule 33) if that is not what it says."""
    leaf, direction = grounds.leaf, grounds.direction
    if (silence.inc, silence.peer_inc) != (direction.inc, direction.peer_inc) or silence.index >= grounds.index:
        raise WrongParty("a silence certificate is about a notice before it in its own log", rule=_RULE)
    if leaf is None or leaf.type != EntryType.NOTICE or leaf.commitment != silence.commitment:
        raise WrongParty("the notice that the certificate names is not shown at that place", rule=_RULE)
    allowed = _allowed_by_terms(silence, grounds)
    proven: Judgement | None = None
    missing: PeerError = WrongParty("without a status of the peer nothing is proven", rule=_RULE)
    if grounds.status is not None:
        try:
            proven = _prove(silence, grounds, grounds.status, allowed)
        except PeerError as error:
            missing = error
    if proven is not None:
        if proven.kind is not silence.kind:
            raise WrongParty(f"what its status shows is {proven.kind}, not {silence.kind}", rule=_RULE)
        return proven
    if silence.kind not in CLAIMED:
        raise missing
    return _judge_claim(silence, grounds, allowed)


def _allowed_by_terms(silence: Silence, grounds: Grounds) -> int | None:
    """The seconds that the terms allow; None where the content that would tell it is not shown."""
    if grounds.notice is None:
        return None
    allowed = grounds.terms.clocks_for(grounds.notice.form, grounds.notice.precedence)[silence.clock]
    if allowed is None:
        raise WrongParty(f"the terms set no clock to {silence.clock_word} this form", rule=_RULE)
    return allowed


def _prove(silence: Silence, grounds: Grounds, status: Status, allowed: int | None) -> Judgement:
    """What the peer's status proves of this clock. Raises PeerError (33) if it proves no silence."""
    if status.held_size <= silence.index:
        raise WrongParty("its status does not hold the notice", rule=_RULE)
    item = _listed(silence, status)
    if item is None:
        return _prove_omission(silence, grounds, status, allowed)
    due = _allowed_at(silence, grounds.theirs, status.size, allowed)
    if allowed is not None and due is not None and item.allowed != due and grounds.released:
        if silence.clock == ANSWER and item.allowed <= allowed:  # a promise that is not shown may be what it is from
            _check_all_shown(silence, grounds, status)
        return _judgement(silence, SilenceKind.CONTRADICTED, item.seconds, due, item.allowed)
    if item.allowed not in ({due} if due is not None else _times_of(grounds.terms, silence.clock)):
        raise WrongParty("the time that its status allows is not that of the terms", rule=_RULE, allowed=item.allowed)
    if item.seconds < item.allowed:
        raise WrongParty(f"its status lists the notice as open for {item.seconds} s of {item.allowed} s", rule=_RULE)
    closed = grounds.theirs.ends.closed(silence.clock, status.size, surely=True)
    if closed is not None:
        raise WrongParty(f"entry @{closed} of the peer's log, below the size of its status, closed this clock", rule=_RULE)
    cancelled = grounds.own.ends.closed(silence.clock, status.held_size, surely=True)
    if cancelled is not None:
        raise WrongParty(f"the notice was cancelled by entry @{cancelled}, which its status holds", rule=_RULE)
    kind = SilenceKind.UNMANNED if is_unmanned(status.watch, item.seconds) else SilenceKind.UNANSWERED
    return _judgement(silence, kind, item.seconds, item.allowed, None)


def is_unmanned(watch: tuple[int, int, int], seconds: int) -> bool:
    """Whether the `watch` of a status says that nobody is signed in, and that no person was there with an armed console for at
    least so many seconds. People at a console that cannot sound are there.
    """
    people, _, alone = watch
    return people == 0 and alone >= seconds


def _judgement(silence: Silence, kind: SilenceKind, seconds: int | None, allowed: int, said_allowed: int | None) -> Judgement:
    provisional = silence.status is not None and silence.status.ml is None
    return Judgement(kind, silence.clock, seconds, allowed, said_allowed, "peer", provisional)


def lists_no_more(status: Status) -> bool:
    """Whether a status lists as many clocks as it may and says that there are others: what it leaves out proves nothing."""
    return status.left_out > 0 and len(status.open) >= OPEN_LISTED_MAX


def _prove_omission(silence: Silence, grounds: Grounds, status: Status, allowed: int | None) -> Judgement:
    """The status leaves out a clock that both logs show to be open: that is a contradiction, if both are shown far enough."""
    if lists_no_more(status):
        raise WrongParty("its status does not list the notice, and left some out", rule=_RULE)
    if allowed is None or not grounds.released:
        raise WrongParty("its status does not list the notice, and no released content of it is shown", rule=_RULE)
    _check_all_shown(silence, grounds, status)
    due = _allowed_at(silence, grounds.theirs, status.size, allowed)
    assert due is not None
    return _judgement(silence, SilenceKind.CONTRADICTED, None, due, None)


def _check_all_shown(silence: Silence, grounds: Grounds, status: Status) -> None:
    """Raise BadProof if an entry that may have ended or restarted the clock is not shown, WrongParty if one ended it."""
    start = grounds.theirs.leaves.last_without(silence.index, status.size)
    logs = (
        (grounds.own, range(silence.index + 1, status.held_size), ""),
        (grounds.theirs, range(start, status.size), " of the peer's log"),
    )
    for log, needed, whose in logs:
        closed = log.ends.closed(silence.clock, needed.stop, surely=False)
        if closed is not None:
            raise WrongParty(f"entry @{closed}{whose} closed this clock", rule=_RULE)
        hidden = log.leaves.first_hidden(needed)
        if hidden is not None:
            raise BadProof(f"leaf @{hidden}{whose}, which may have closed this clock, is not shown", rule=_RULE)


def _allowed_at(silence: Silence, theirs: LogAtHand, size: int, allowed: int | None) -> int | None:
    """The seconds of the clock once the peer's log has this size: those of the terms, until a holding reply restarts it."""
    if allowed is None or silence.clock != ANSWER:
        return allowed
    promised = theirs.ends.promised(size)
    return allowed if promised is None else min(allowed, promised)


def _listed(silence: Silence, status: Status) -> OpenItem | None:
    return next((item for item in status.open if (item.index, item.kind) == (silence.index, silence.clock)), None)


def _times_of(terms: Terms, clock: int) -> set[int | None]:
    """Every time that the terms know for this kind of clock: all that can be said where the form is not shown."""
    pairs = (*terms.clocks, *terms.form_clocks.values())
    return {pair[clock] for pair in pairs} - {None, 0}


def _judge_claim(silence: Silence, grounds: Grounds, allowed: int | None) -> Judgement:
    """What the author may claim where no status proves anything."""
    claim = silence.claim
    assert claim is not None
    status = grounds.status
    if status is not None and status.held_size > silence.index and _listed(silence, status) is None and status.left_out == 0:
        raise WrongParty("the peer's last status holds the notice, and does not list this clock as open", rule=_RULE)
    known = max(grounds.peer_size, 0 if status is None else status.size)
    closed = grounds.theirs.ends.closed(silence.clock, known, surely=True)
    if closed is None:
        closed = grounds.own.ends.closed(silence.clock, grounds.index, surely=True)
    if closed is not None:
        raise WrongParty(f"its author knew entry @{closed}, which closed this clock", rule=_RULE)
    if claim.received is not None and (grounds.received is None or grounds.received > claim.received):
        raise WrongParty("no receipt is shown from as early as the certificate says", rule=_RULE)
    allowed = _allowed_at(silence, grounds.theirs, known, allowed)
    if allowed is not None and claim.seconds < allowed:
        raise WrongParty(f"its author claims {claim.seconds} s of {allowed} s: the clock had not run out", rule=_RULE)
    stated = status is not None and status.held_size > silence.index
    follows = claimed_kind(silence.attempts, claim.received, stated=stated)
    if silence.kind is not follows:
        raise WrongParty(f"its attempts and receipt let its author claim {follows}, not {silence.kind}", rule=_RULE)
    return Judgement(silence.kind, silence.clock, claim.seconds, allowed, None, "author", False)


def claimed_kind(attempts: tuple[Attempt, ...], received: int | None, *, stated: bool) -> SilenceKind:
    """Which silence an author may claim, by the newest attempt on each route, and by what the peer gave since the notice.

    received: when its receipt came, None for none. stated: whether a status of it names the notice as held. With a receipt and
    no status it is dark, unless our own cable may be cut.
    """
    newest = {attempt.route: attempt.outcome for attempt in attempts}
    outcomes = set(newest.values())
    if outcomes <= CUT_OFF:
        return SilenceKind.LINE_DOWN
    if received is not None and not stated:
        return SilenceKind.DARK
    refused = any(route.startswith(DIRECT) and outcome in REFUSES for route, outcome in newest.items())
    return SilenceKind.TERMINAL_DOWN if refused or outcomes & CARRIES else SilenceKind.LINE_DOWN
