"""What people sign of a watch: that they are on it or leave it, and the record with which one officer hands it to another.

The node gives a nonce for each; an officer's signature for the purpose `watch` is over it and over what is said, so that it
counts once and for that alone (rule 3). It never leaves the desk. The line in its challenge is 32 zero bytes: a watch is of no
one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from watchline.core import shapes
from watchline.core.clocks import ACKNOWLEDGE, RunningClock
from watchline.core.encoding import Value, decode, encode
from watchline.core.persons import Assertion, assertion_challenge, sign_assertion, verify_people
from watchline.core.setting import Moment
from watchline.core.terms import PRECEDENCES
from watchline.desk.clock import rfc3339
from watchline.desk.lines import OpenLine
from watchline.desk.references import reference_to
from watchline.errors import PeerError, UsageError

if TYPE_CHECKING:
    from watchline.desk.desk import Desk
    from watchline.desk.officers import OfficerKey

NO_LINE = bytes(32)
DOCUMENT_KIND = "watch-handover"
NONCES_MAX, NONCE_SECONDS, NONCE_BYTES = 64, 600.0, 16
LISTED_MAX = 64  # open clocks of one line and direction in a record; the rest is counted
KEPT_MAX = 500  # handovers


def on_statement(number: int, role: str, until: int) -> bytes:
    """What an officer signs to be on watch."""
    return encode(["on", number, role, until])


def off_statement(number: int) -> bytes:
    """What an officer signs so that `number`, mostly the same, is on watch no longer."""
    return encode(["off", number])


def sign_watch(officer: OfficerKey, own_id: bytes, nonce: bytes, statement: bytes) -> Value:
    """One officer's assertion of a statement. own_id: of the desk; nonce: the node's."""
    challenge = assertion_challenge("watch", NO_LINE, own_id, nonce, sha256(statement).digest())
    return sign_assertion(officer.number, officer.key, challenge).to_value()


@dataclass(frozen=True, slots=True)
class _Asked:
    """A nonce that was given out. digest: of the one statement it is good for, None for any."""

    expires: float
    digest: bytes | None


class WatchSignatures:
    """Gives nonces, and judges what was signed over them by the desk's own roster."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._asked: dict[bytes, _Asked] = {}

    def ask(self, statement: bytes | None = None) -> bytes:
        """A nonce for one signature, good for ten minutes. statement: the only one that may be signed, None for any."""
        moment = self._desk.moment()
        nonce = moment.random(NONCE_BYTES)
        digest = None if statement is None else sha256(statement).digest()
        self._asked[nonce] = _Asked(moment.running + NONCE_SECONDS, digest)
        if len(self._asked) > NONCES_MAX:
            del self._asked[next(iter(self._asked))]
        return nonce

    def verify(self, nonce: bytes, statement: bytes, assertions: list[Value], needed: int) -> list[int]:
        """The numbers of the officers who stand for a statement. The nonce is spent, whatever they are.

        Raises UsageError for a nonce that this desk did not give, or gave for another statement, and for signatures that do not
        hold or are of people who may not.
        """
        moment, own = self._desk.moment(), self._desk.facts
        asked = self._asked.pop(nonce, None)
        what = sha256(statement).digest()
        if asked is None or moment.running > asked.expires or asked.digest not in (None, what):
            raise UsageError("this signature answers no question of this desk", hint="do it again: each counts once")
        try:
            signers = verify_people(
                [Assertion.from_value(value) for value in assertions], own.roster,
                purpose="watch", line=NO_LINE, sender_id=own.identity.id, nonce=nonce, what=what, now=moment.wall,
                needed=needed,
            )  # fmt: skip
        except PeerError as error:
            raise UsageError(
                f"nobody who may has signed this: {error.message}",
                hint="sign with --as an officer of this desk with the role duty or releaser",
                rule=error.rule,
            ) from None
        return [signer.officer.number for signer in signers]


# --- the record of a handover


def make_record(desk: Desk, leaving: int, relief: int, role: str, until: int, untested: list[str]) -> bytes:
    """What both officers sign: the open items of every line as they stand now, and the escalation steps that nobody tested."""
    moment = desk.moment()
    lines: list[Value] = [_line_items(desk, opened, moment) for opened in desk.lines.values()]
    return encode(["handover", moment.wall, leaving, relief, role, until, lines, list[Value](untested)])


def _line_items(desk: Desk, opened: OpenLine, moment: Moment) -> Value:
    test, drill = opened.last_test, desk.drills.last(opened)
    return [
        opened.record.name,
        _clocks(desk, opened, moment, own=True),
        _clocks(desk, opened, moment, own=False),
        None if test is None else [test.at, test.ok],
        None if drill is None else [drill.at, drill.ok],
        [[each["id"], each["kind"], each["at"]] for each in desk.talks.due_json(opened.record)[:LISTED_MAX]],
    ]


def _clocks(desk: Desk, opened: OpenLine, moment: Moment, *, own: bool) -> Value:
    """[listed, left out] of one direction."""
    running = opened.running_clocks(own, moment)
    listed: list[Value] = [_clock(desk, opened, clock, own) for clock in running[:LISTED_MAX]]
    return [listed, len(running) - len(listed)]


def _clock(desk: Desk, opened: OpenLine, clock: RunningClock, own: bool) -> Value:
    setup = opened.line.setup
    record = desk.journal.entry(setup.outgoing_log if own else setup.incoming_log, clock.index)
    name = f"{'ours' if own else 'theirs'}:@{clock.index}" if record is None else reference_to(record)
    return [name, int(clock.precedence), clock.kind, clock.seconds, clock.allowed]


def keep_handover(desk: Desk, record: bytes, nonce: bytes, assertions: list[Value]) -> None:
    """Keep a signed record; durable on return. The oldest beyond KEPT_MAX go."""
    time = shapes.array(decode(record), "handover")[1]
    kept = list(desk.journal.documents(DOCUMENT_KIND))
    desk.keep_document(DOCUMENT_KIND, f"{time:012d}-{nonce.hex()}", encode([record, nonce, assertions]))
    for key in kept[: max(0, len(kept) + 1 - KEPT_MAX)]:
        desk.journal.put_document(DOCUMENT_KIND, key, None, False)


def listed_handovers(desk: Desk, limit: int) -> list[dict[str, Any]]:
    """The newest handovers, oldest first, each with its record and signatures in hexadecimal for who checks them."""
    documents = list(desk.journal.documents(DOCUMENT_KIND).values())[-limit:]
    shown = []
    for document in documents:
        record, nonce, assertions = shapes.array(decode(document), "handover", length=3)
        signed = {"record": record.hex(), "nonce": nonce.hex(), "assertions": encode(assertions).hex()}
        shown.append({**record_value(desk, record), "signed": signed})
    return shown


def record_value(desk: Desk, record: bytes) -> dict[str, Any]:
    """A record as JSON."""
    _, time, leaving, relief, role, until, lines, untested = shapes.array(decode(record), "handover", length=8)
    return {
        "at": rfc3339(time),
        "leaving": officer_value(desk, leaving),
        "relief": officer_value(desk, relief),
        "role": role,
        "until": rfc3339(until),
        "lines": [_line_value(*line) for line in lines],
        "untested": untested,
    }


def officer_value(desk: Desk, number: int) -> dict[str, Any]:
    """An officer of this desk, by the roster as it is now."""
    officer = desk.facts.roster.officer(number)
    return {"number": number, "name": None if officer is None else officer.name}


def _line_value(name: str, ours: Any, theirs: Any, test: Any, drill: Any, due: Sequence[Any] = ()) -> dict[str, Any]:
    """due: what commitments remind of; records of earlier versions have none."""
    return {
        "line": name,
        "ours": [_clock_value(*clock) for clock in ours[0]],
        "ours_left_out": ours[1],
        "theirs": [_clock_value(*clock) for clock in theirs[0]],
        "theirs_left_out": theirs[1],
        "last_test": None if test is None else {"at": rfc3339(test[0]), "ok": test[1]},
        "last_drill": None if drill is None else {"at": rfc3339(drill[0]), "ok": drill[1]},
        "due": [{"id": id_, "kind": kind, "at": at} for id_, kind, at in due],
    }


def _clock_value(name: str, precedence: int, kind: int, seconds: int, allowed: int) -> dict[str, Any]:
    return {
        "id": name,
        "precedence": PRECEDENCES[precedence],
        "clock": "acknowledge" if kind == ACKNOWLEDGE else "answer",
        "seconds": seconds,
        "allowed": allowed,
    }
