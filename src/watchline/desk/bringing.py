"""What a witness is shown of one log of ours, and what its answers mean: no network and no clock of its own.

A checkpoint that covers a FLASH or IMMEDIATE notice is brought at once, others within an hour, and only the newest of a log: it
covers those before it. A cosignature counts once it verifies under the key of the terms, on our root, near our own time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from watchline.core.amendments import journal_history
from watchline.core.checkpoint import ED25519, Checkpoint, VerifierKey, format_note, origin
from watchline.core.encoding import encode
from watchline.core.entries import Precedence
from watchline.core.merkle import consistency_path
from watchline.core.records import CheckpointRecord, CosignatureRecord, EntryRecord, Log, Record
from watchline.core.setting import LineSetup, Moment
from watchline.core.witnessing import (
    ANSWER_BYTES_MAX,
    AddCheckpoint,
    judge_time,
    read_cosignatures,
    read_known_size,
    witness_keys,
)
from watchline.desk.desk import Desk
from watchline.desk.rungs import read_notice
from watchline.errors import Malformed, PeerError
from watchline.journal import Journal

ROUTINE_SECONDS = 3_600.0
RETRY_FIRST_SECONDS, RETRY_LAST_SECONDS = 1.0, 600.0


@dataclass(frozen=True, slots=True)
class Request:
    """What to send now. path: below the witness's URL."""

    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an answer means: what to keep, what people must be told, and one word for the log."""

    word: str
    cosignature: CosignatureRecord | None = None
    alarm: PeerError | None = None


def log_key(setup: LineSetup) -> VerifierKey:
    """The verifier key of our log on a line, named after its origin: what a witness has to know of it."""
    name = origin(setup.line, setup.own_id, *setup.pair)
    return VerifierKey(name, ED25519, setup.own_keys.log.public)


class Bringing:
    """What one witness has seen of one log of ours, and what it is shown next."""

    def __init__(
        self, journal: Journal, setup: LineSetup, key: VerifierKey, uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        self.log: Log = setup.outgoing_log
        self._journal, self._setup, self._key, self._uniform = journal, setup, key, uniform
        self._vkey = key.to_text()
        self._newest = journal.latest_checkpoint(self.log)
        last = next((each for each in journal.latest_cosignatures(self.log, 64) if each.witness == self._vkey), None)
        self._known = self._done = 0 if last is None else last.size
        self._urgent = 0
        self._routine_at = -1.0  # what a start finds unseen is shown at once
        self._not_before = -1.0
        self._failures = 0
        self._corrected = False
        self._offering = self._offered = False
        self._sent: Checkpoint | None = None

    def note(self, records: Iterable[Record]) -> None:
        """These records are durable: heads of our log, and what they cover."""
        for record in records:
            if isinstance(record, CheckpointRecord) and record.log == self.log:
                self._newest = record
            elif isinstance(record, EntryRecord) and record.log == self.log and _is_pressing(record):
                self._urgent = record.index + 1

    @property
    def is_urgent(self) -> bool:
        """Whether a pressing notice stands above what the witness saw."""
        return self._urgent > self._done

    def due_at(self) -> float | None:
        """When to bring something, in seconds of the running clock; None for nothing to bring."""
        if self._newest is None or self._newest.size <= self._done:
            return None
        return self._not_before if self.is_urgent else max(self._not_before, self._routine_at)

    def request(self) -> Request:
        """What to send now, the newest head of all: call it only where something is due."""
        if self._offering:
            return Request("/add-log", log_key(self._setup).to_text().encode() + b"\n")
        newest = self._newest
        assert newest is not None
        key = log_key(self._setup)
        self._sent = head = Checkpoint(key.name, newest.size, newest.root)
        old = self._known = min(self._known, newest.size)
        proof = consistency_path(old, newest.size, lambda start, stop: self._journal.subtree(self.log, start, stop))
        return Request(
            "/add-checkpoint", AddCheckpoint(old, tuple(proof), format_note(head.text(), [(key, newest.signature)])).to_bytes()
        )

    def failed(self, word: str, moment: Moment) -> Outcome:
        """No answer, or one that helps nothing: the wait grows up to ten minutes, each desk's in its own rhythm."""
        wait = min(RETRY_LAST_SECONDS, RETRY_FIRST_SECONDS * 2.0 ** min(self._failures, 16))
        self._failures += 1
        self._not_before = moment.running + self._uniform(wait / 2, wait)
        return Outcome(word)

    def answered(self, status: int, body: bytes, moment: Moment) -> Outcome:
        """Take the answer to the last request."""
        if self._offering:
            self._offering = False
            if status == 200:
                self._not_before = moment.running
                return Outcome("offered")
            return self.failed("unlisted", moment)
        assert self._sent is not None
        if status == 200:
            return self._cosigned(self._sent, body, moment)
        if status == 404 and not self._offered:
            self._offering = self._offered = True
            self._not_before = moment.running
            return Outcome("unknown")
        if status == 409:
            return self._conflict(self._sent.size, body, moment)
        if status == 422:
            said = "a witness holds another log under our origin, or says so: it refused the proof that ours goes on from it"
            return self._alarmed(said, status, body, moment)
        return self.failed("unlisted" if status == 404 else f"refused {status}", moment)

    def _cosigned(self, head: Checkpoint, body: bytes, moment: Moment) -> Outcome:
        try:
            found = read_cosignatures(body, head, [self._key])[0]
        except PeerError as error:
            return self._alarmed(f"a witness gave a cosignature that does not hold: {error.message}", 200, body, moment)
        wrong = judge_time(found.time, moment.wall)
        if wrong is not None:
            return self._alarmed(wrong.message, 200, body, moment)
        self._known = self._done = head.size
        self._routine_at, self._not_before = moment.running + ROUTINE_SECONDS, moment.running
        self._failures, self._corrected, self._offered = 0, False, False
        record = CosignatureRecord(self.log, head.size, head.root, self._vkey, found.time, found.signature)
        return Outcome("cosigned", record)

    def _conflict(self, sent: int, body: bytes, moment: Moment) -> Outcome:
        try:
            known = read_known_size(body)
        except Malformed:
            return self.failed("refused 409", moment)
        if known > sent:
            said = "a witness says that it saw more of our log than there is: this home may be an old copy"
            return self._alarmed(said, 409, body, moment)
        if known == self._known:
            return self._alarmed("a witness says that it saw another root of our log at this size", 409, body, moment)
        self._known = known
        if self._corrected:
            return self.failed("conflict", moment)
        self._corrected, self._not_before = True, moment.running
        return Outcome("corrected")

    def _alarmed(self, said: str, status: int, body: bytes, moment: Moment) -> Outcome:
        alarm = PeerError(said, rule=27, hint="call the operator of the witness, and the other desk")
        alarm.evidence = encode([self._vkey, status, body[:ANSWER_BYTES_MAX]])
        return Outcome(self.failed("alarmed", moment).word, alarm=alarm)


def _is_pressing(record: EntryRecord) -> bool:
    notice = read_notice(record)
    return notice is not None and notice.precedence >= Precedence.IMMEDIATE


def own_logs(desk: Desk) -> list[dict[str, object]]:
    """Each line's log of ours as witnesses know it, and what each witness of its terms said last."""
    found: list[dict[str, object]] = []
    for row in desk.journal.lines():
        if not row.confirmed:
            continue
        setup, _ = desk.setup_of(row)
        terms = journal_history(setup, desk.journal).latest
        known = witness_keys(terms)
        latest = {each.witness: each for each in reversed(desk.journal.latest_cosignatures(setup.outgoing_log, 256))}
        witnesses = [
            {
                "name": witness.name,
                "vkey": witness.vkey,
                "usable": witness.vkey in known,
                "size": latest[witness.vkey].size if witness.vkey in latest else None,
                "time": latest[witness.vkey].time if witness.vkey in latest else None,
            }
            for witness in terms.witnesses
        ]
        size = desk.journal.size(setup.outgoing_log)
        found.append({"line": row.name, "vkey": log_key(setup).to_text(), "size": size, "witnesses": witnesses})
    return found
