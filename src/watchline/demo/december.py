"""6 December 2025: a notice that nobody answers, what the line says of that, and the proof that the node writes by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from watchline.core.evidence import verify_evidence
from watchline.core.keys import Identity
from watchline.core.silence import SilenceKind
from watchline.demo import scenario
from watchline.demo.forgery import with_mended_checksums
from watchline.demo.page import wrapped
from watchline.demo.part import Part
from watchline.demo.views import lamps

FLIPPED = 24  # places, evenly over a file, at which one byte is changed


class December(Part):
    """The scenes of the silence. trusted: the identities that both desks have published."""

    def __init__(self, part: Part, trusted: Sequence[Identity]) -> None:
        super().__init__(part.stage, part.page)
        self.tokyo, self.beijing = part.tokyo, part.beijing
        self._trusted = trusted

    def play(self) -> None:
        """All scenes."""
        self._terms()
        notice = self._unanswered()
        self._unmanned()
        self._proof(notice)

    def _terms(self) -> None:
        seconds = scenario.FLASH_SECONDS
        self.page.scene(
            "Other terms",
            "The terms of a line are amended on the line. Two officers of Tokyo propose, two of Beijing accept, and both logs "
            f"have the text. Here a FLASH is to be acknowledged within {seconds} seconds, so that nobody has to wait long.",
        )
        before = self.tokyo.terms()["in_force"]
        self.tokyo.propose_terms(f"clocks.FLASH.acknowledge_seconds={seconds}")
        self.until(
            lambda: any(each["waits_for"] == "ours" for each in self.beijing.terms()["entries"]), "the proposal is at Beijing"
        )
        proposed = self.tokyo.terms()
        (difference,) = next(each["differs"] for each in proposed["entries"] if each["state"] == "proposed")
        self.page.lines([f"    {difference['setting']}: {difference['before']} -> {difference['after']}"])
        self.page.claim(
            proposed["in_force"]["version"] == before["version"], "a proposal binds nobody", version=before["version"]
        )
        self.beijing.accept_terms()
        self.until(lambda: self._versions() == [before["version"] + 1] * 2, "the amended terms are in force at both desks")
        digests = [actor.terms()["in_force"]["digest"] for actor in (self.tokyo, self.beijing)]
        self.page.claim(
            digests[0] == digests[1], "accepted, version 2 is in force at both desks, the same text", digests=digests
        )

    def _versions(self) -> list[int]:
        return [actor.terms()["in_force"]["version"] for actor in (self.tokyo, self.beijing)]

    def _unanswered(self) -> str:
        """The first notice, while somebody is there; give what Tokyo calls it."""
        self.page.scene(
            "6 December 2025, 16:32",
            "Tokyo reports a fire-control radar, as FLASH. At Beijing an officer is signed in, and an armed console sounds. "
            "Press reports say that on that day one side tried the line and nobody answered. Nobody does.",
        )
        self.tokyo.node.caller.call("fallback_set", line=self.tokyo.line, card=scenario.FALLBACK_CARD)
        self.beijing.arm()
        notice = self.exchange(self.tokyo, self.beijing, scenario.FIRST_RADAR)
        self.beijing.ring()
        self._certified(notice)
        self.reached(self.tokyo, notice, "rung")
        self.show(self.tokyo, notice)
        rungs = self.rungs(self.tokyo, notice)
        self.page.claim(
            "acknowledged" not in rungs and {"received", "rung", "overdue"} <= set(rungs),
            "it was received, it rang, and no person acknowledged it in time",
            id=notice,
            rungs=rungs,
        )
        state = self.tokyo.status()["state"]
        self.page.claim(state == "unanswered", "the line is not down: it is unanswered", state=state)
        self._claim_certificate(notice, SilenceKind.UNANSWERED, "somebody was there")
        self._card()
        return notice

    def _unmanned(self) -> None:
        self.page.scene(
            "18:37: nobody is there",
            "Beijing's officer has signed off. Tokyo reports the second radar. That nobody sits there is another silence than "
            "that nobody answers; Beijing's own node says which, in each status that it signs.",
        )
        self.beijing.sign_out()
        notice = self.exchange(self.tokyo, self.beijing, scenario.SECOND_RADAR)
        self._certified(notice)
        self.page.view(*lamps(self.tokyo))
        human = self.tokyo.status()["lamps"]["human"]
        self.page.claim(human["colour"] == "red", "at Tokyo the lamp HUMAN is red", lamp=human)
        self._claim_certificate(notice, SilenceKind.UNMANNED, "nobody was there")

    def _certified(self, notice: str) -> None:
        self.until(lambda: self.tokyo.silence(notice) is not None, f"the silence about {notice} is certified")

    def _claim_certificate(self, notice: str, kind: SilenceKind, why: str) -> None:
        certificate = self.tokyo.silence(notice)
        assert certificate is not None
        silence: dict[str, Any] = certificate["silence"]
        self.page.claim(
            (silence["kind"], silence["said_by"], silence["follows"]) == (kind.value, "peer", True),
            f"Tokyo's node has certified by itself: {silence['kind']} for {silence['seconds']} s of {silence['allowed']}, by "
            f"Beijing's own signature; {why}",
            id=certificate["id"],
            silence=silence,
        )

    def _card(self) -> None:
        card = self.tokyo.status()["fallback"]
        self.page.tell("", "With the clock run out, Tokyo's status shows whom to call instead:")
        for row in card["telephone"]:
            self.page.lines([f"    {row['number']}  {row['name']} ({', '.join(row['languages'])})"])
        for row in card["other"]:
            self.page.lines([f"    {row['name']}: {row['how']}"])
        self.page.claim(card == scenario.FALLBACK_CARD, "the fallback card is the one that was written before", card=card)

    def _proof(self, notice: str) -> None:
        self.page.scene(
            "Proof of a silence",
            "Tokyo exports the first silence: the notice, its receipt, the certificate, and every other entry as a hash alone. "
            "A stranger checks it offline.",
        )
        path = self.stage.folder / "silence.evidence"
        self.until(lambda: self.tokyo.export(path, silence=notice), "statuses with both signatures cover the certificate")
        genuine = path.read_bytes()
        report = verify_evidence(genuine, self._trusted)
        silences = report.as_json()["silences"]
        fact = next((fact for fact in report.facts if fact.startswith("silence,")), "")
        self.page.lines(["", *wrapped(f"{fact}.", indent="    "), ""])
        self.page.claim(
            report.verified and report.complete and [each["kind"] for each in silences] == ["unanswered"],
            f"{len(genuine):,} bytes: verified, complete, and one silence: unanswered",
            bytes=len(genuine),
            silences=silences,
        )
        said, changed = scenario.RADAR_AND_ITS_CHANGE
        forged = with_mended_checksums(genuine.replace(said.encode(), changed.encode(), 1))
        found = verify_evidence(forged, self._trusted)
        faults = [{"part": fault.part, "rule": fault.rule, "message": fault.message} for fault in found.faults]
        for fault in found.faults[:1]:
            self.page.tell("", f"{said} becomes {changed}. {fault.part}, rule {fault.rule}: {fault.message}", "")
        self.page.claim(
            not found.verified and bool(faults) and not found.as_json()["silences"],
            "one letter changed, and it falls apart; no silence is shown",
            faults=faults,
        )
        places = [len(genuine) * place // FLIPPED for place in range(FLIPPED)]
        verified = [place for place in places if verify_evidence(_flipped(genuine, place), self._trusted).verified]
        self.page.claim(
            not verified,
            f"one byte changed at any of {FLIPPED} places, evenly over the file: each time not verified",
            places=places,
        )


def _flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
