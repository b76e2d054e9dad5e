"""What a silence certificate shows, in sentences that each name who says it, and as JSON (rule 33).

The words are part of the format of evidence, as those of `evidence_words` are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from watchline.core.encoding import Value
from watchline.core.evidence_silences import SilenceReading
from watchline.core.plain_text import plain
from watchline.core.silence import CLAIMED, SilenceKind
from watchline.core.statements import Status
from watchline.core.time_text import time_text

_CLAIMS = {
    SilenceKind.LINE_DOWN: "no route to {peer} carried anything",
    SilenceKind.TERMINAL_DOWN: "nothing more came from {peer}'s node, though something on the way to it answered or refused",
    SilenceKind.DARK: "no status of {peer} came after its receipt, though the terms ask for one each {interval} s",
}


@dataclass(frozen=True, slots=True)
class SilenceWords:
    """Tells one certificate. author, peer: the names of the desk that wrote it and of the one that is silent.

    notice: the notice as sentences call it. interval_seconds: between two statuses, by the terms.
    """

    reading: SilenceReading
    author: str
    peer: str
    notice: str
    interval_seconds: int

    def sentences(self) -> Iterator[str]:
        """What follows, each sentence with who says it."""
        shown, judged = self.reading.shown, self.reading.judgement
        if judged.kind in CLAIMED:
            yield from self._claims()
        else:
            assert shown.status is not None
            yield from self._proofs(shown.status)
        notice = self.reading.notice.notice
        if notice is None:
            yield f"the content of {self.notice} is not shown: only {self.author} says that it was no exercise"
        elif notice.exercise:
            yield f"{self.notice} is marked EXERCISE"

    def _signed(self, status: Status) -> str:
        halves = "Ed25519 alone (provisional)" if self.reading.judgement.provisional else "both signatures"
        return f"{self.peer}'s own status, signed with {halves} at {time_text(status.time)} by its own clock,"

    def _proofs(self, status: Status) -> Iterator[str]:
        judged, size = self.reading.judgement, status.size
        waited = f"{judged.allowed} s to {self.reading.shown.silence.clock_word} it"
        if judged.kind is not SilenceKind.CONTRADICTED:
            terms = "the terms allow" if self.reading.notice.notice is not None else "it says that the terms allow"
            yield (
                f"silence, {judged.kind}: {self._signed(status)} lists {self.notice} as open for {judged.seconds} s where "
                f"{terms} {waited}; it speaks of its own log below size {size}, where no entry closes this clock, "
                "and what came later is no part of this"
            )
        elif judged.said_allowed is None:
            yield (
                f"silence, contradicted: {self._signed(status)} holds {self.notice} and does not list it as open, though the "
                f"terms allow {waited} and neither {self.peer}'s log below size {size} nor {self.author}'s log below size "
                f"{status.held_size} has an entry that closes this clock"
            )
        else:
            yield (
                f"silence, contradicted: {self._signed(status)} lists {self.notice} as open for {judged.seconds} s and says "
                f"that {judged.said_allowed} s are allowed, where the terms allow {waited}"
            )
        if judged.kind is SilenceKind.UNMANNED:
            people, armed, alone = status.watch
            yield (
                f"the same status of {self.peer} says that for {alone} s there had not been both a person signed in and an "
                f"armed console, and that {people} people were signed in and {armed} consoles armed then"
            )
        stored = self.reading.shown.leaf.peer_size
        if stored > size:
            yield (
                f"{self.author} had stored {stored} entries of {self.peer}'s log when it wrote this certificate; those from "
                f"@{size} on are later than that status, and may close the clock"
            )

    def _claims(self) -> Iterator[str]:
        shown, judged = self.reading.shown, self.reading.judgement
        silence, claim = shown.silence, shown.silence.claim
        assert claim is not None
        claimed = _CLAIMS[judged.kind].format(peer=self.peer, interval=self.interval_seconds)
        allowed = "" if judged.allowed is None else f" where the terms allow {judged.allowed} s to {silence.clock_word} it"
        yield (
            f"silence, {judged.kind}: {self.author} alone says that nobody closed the clock of {self.notice} for "
            f"{judged.seconds} s by its own clock{allowed}, and that {claimed}"
        )
        if silence.attempts:
            last = silence.attempts[-1]
            yield (
                f"{self.author} alone says that its last {len(silence.attempts)} attempts ended with {plain(last.outcome)} at "
                f"{time_text(last.time)}"
            )
        if claim.received is None:
            yield f"{self.author} alone says that no receipt for {self.notice} had come"
        if shown.status is not None:
            held = shown.status.held_size > silence.index
            yield (
                f"the last status of {self.peer} that {self.author} shows was signed at {time_text(shown.status.time)} by "
                f"{self.peer}'s own clock, and {'holds' if held else 'does not hold'} {self.notice}"
            )

    def as_json(self) -> dict[str, Value]:
        """The same as JSON values."""
        shown, judged, notice = self.reading.shown, self.reading.judgement, self.reading.notice
        status = shown.status
        return {
            "kind": judged.kind.value,
            "clock": shown.silence.clock_word,
            "log": str(shown.name),
            "index": shown.leaf.index,
            "author": self.author,
            "peer": self.peer,
            "notice": {"log": str(notice.name), "index": notice.leaf.index, "number": notice.number},
            "exercise": None if notice.notice is None else notice.notice.exercise,
            "seconds": judged.seconds,
            "allowed": judged.allowed,
            "stated_allowed": judged.said_allowed,
            "said_by": judged.said_by,
            "provisional": judged.provisional,
            "time": None if status is None else time_text(status.time),
            "size": None if status is None else status.size,
            "held_size": None if status is None else status.held_size,
            "watch": None if status is None else list(status.watch),
        }
