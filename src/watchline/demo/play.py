"""The play: the scenes in their order, each of which shows what it claims, and checks it."""

from __future__ import annotations

import json as json_text
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TextIO

from watchline.core.evidence import verify_evidence
from watchline.core.keys import Identity
from watchline.demo import scenario
from watchline.demo.actors import DeskActor
from watchline.demo.december import December
from watchline.demo.forgery import with_mended_checksums
from watchline.demo.page import Page
from watchline.demo.part import Part, comes_true, mirrored, theirs
from watchline.demo.stage import Stage, stage
from watchline.demo.talks import Talks
from watchline.demo.views import lamps
from watchline.desk import ceremony
from watchline.desk.agreement import proposed_terms
from watchline.desk.clock import rfc3339
from watchline.desk.local import connect

PACE_SECONDS = 0.6
OpenPage = Callable[[str], bool]
CUT_SECONDS = 1.5  # long enough for an attempt to reconnect, which fails


def run(
    *, json: bool = False, pace_seconds: float = PACE_SECONDS, out: TextIO | None = None, open_page: OpenPage | None = None
) -> int:
    """Play the demo; give the exit code, which is 0. Nothing remains of it, also when it is interrupted.

    json: print one object with the scenes and what was seen, instead of the play. pace_seconds: how long to rest between
    scenes. out: standard output by default. open_page: shows a link to a person, None for nobody. Raises NegativeAnswer for a
    claim that does not hold (exit code 1).
    """
    out = out or sys.stdout
    began = time.monotonic()
    page = Page(None if json else out, 0.0 if json else pace_seconds)
    with stage() as made:
        Play(made, page, open_page).play()
    seconds = round(time.monotonic() - began, 1)
    if json:
        print(json_text.dumps({"demo": page.scenes, "seconds": seconds}, ensure_ascii=False, indent=2), file=out)
    else:
        page.lines([f"    {seconds:.0f} seconds. Both nodes are ended and their folder is gone."])
    return 0


class Play(Part):
    """One performance, but for the talks and the silence, which are `watchline.demo.talks` and `watchline.demo.december`.

    raised: what was said before the talks, by a word for it, as Tokyo calls it.
    """

    digits: str

    def __init__(self, stage: Stage, page: Page, open_page: OpenPage | None = None) -> None:
        super().__init__(stage, page)
        self._open_page = open_page
        self.raised: dict[str, list[str]] = {}

    def play(self) -> None:
        """All scenes."""
        self.page.lines(
            [
                "WATCHLINE: a direct line between two duty desks that cannot be ignored unseen",
                "",
            ]
        )
        self.page.tell(
            "Two desks that have never met pair, keep a line, hold the talks of 22 February 2023 in Tokyo on it, keep what "
            "they agreed, lose the line and both machines, and prove to a stranger what was said, and on 6 December 2025 that "
            "nobody answered. Two real node processes, real keys and real signatures, on this machine. What each side raises "
            "is from press reports of those days; the answers, the officers and one exercise are the demo's own.",
            "Each desk reads its own language. Behind each bar | is the English of the same agreed words; texts that people "
            "wrote stay as written.",
        )
        for scene in (
            self._desks,
            self._pairing,
            self._line,
            self._watch,
            self._balloons,
            self._closure,
            self._engagement_rules,
            self._statements,
            self._water,
            self._talks,
            self._cut,
            self._kill,
            self._evidence,
            self._tampering,
            self._silence,
            self._summary,
        ):
            scene()

    # --- the line begins

    def _desks(self) -> None:
        self.page.scene(
            "Two desks",
            "Each desk makes its own identity, a certificate for its node, and the key of its first officer, who is on duty. "
            "The identity's fingerprint is published: newspapers will do.",
        )
        self.tokyo = DeskActor(self.stage, scenario.FIRST)
        self.beijing = DeskActor(self.stage, scenario.SECOND)
        for actor in (self.tokyo, self.beijing):
            self.page.lines([f"    {actor.desk:<8} {actor.actor.language:<8} {actor.identity.fingerprint}"])
        self.page.claim(
            self.tokyo.identity.id != self.beijing.identity.id,
            "the two desks have nothing in common yet",
            fingerprints=[actor.identity.fingerprint for actor in (self.tokyo, self.beijing)],
        )

    def _pairing(self) -> None:
        self.page.scene(
            "Pairing: three files, sixty digits",
            "Three files are carried by hand: an invitation with the terms of the line, its acceptance, and what completes it. "
            "Then two people read the digits to each other. If somebody exchanged a file on the way, they differ.",
        )
        folder = self.stage.folder
        files = [folder / name for name in ("invitation.1", "acceptance.2", "completion.3")]
        digits = self._carry(files)
        for path in files:
            data = path.read_bytes()
            self.page.lines([f"    {path.name:<14} {len(data):>6} bytes, SHA-256 {sha256(data).hexdigest()[:32]}..."])
        for actor, read in ((self.tokyo, digits[0]), (self.beijing, digits[1])):
            groups = read.split(" ")
            self.page.lines([f"    {actor.desk:<8} reads  {'  '.join(groups[:6])}", f"{' ' * 20}{'  '.join(groups[6:])}"])
        self.page.claim(digits[0] == digits[1], "both people read the same sixty digits", digits=list(digits))
        self.digits = digits[0]
        self._confirm()

    def _carry(self, files: list[Path]) -> tuple[str, str]:
        """Pass the three files; give the digits that each side has."""
        first, second, third = files
        now = int(time.time())
        tokyo, beijing = self.tokyo, self.beijing
        with connect(tokyo.home) as at_tokyo, connect(beijing.home) as at_beijing:
            own, other = ceremony.own_desk(at_tokyo), ceremony.own_desk(at_beijing)
            terms = proposed_terms(own.language, tokyo.home.config)
            ceremony.invite(at_tokyo, own, tokyo.unlock, terms, (tokyo.route,), first)
            ceremony.accept(at_beijing, other, beijing.unlock, first.read_bytes(), (beijing.route,), second)
            mine = ceremony.complete(at_tokyo, tokyo.home, own, tokyo.unlock, second.read_bytes(), now, name=None, out=third)
            theirs = ceremony.complete(
                at_beijing, beijing.home, other, beijing.unlock, third.read_bytes(), now, name=None, out=None
            )
        tokyo.line, beijing.line = mine.name, theirs.name
        return mine.pairing.digits, theirs.pairing.digits

    def _confirm(self) -> None:
        """Each side types what it heard from the other."""
        for actor in (self.tokyo, self.beijing):
            with connect(actor.home) as caller:
                ceremony.confirm(caller, actor.home, ceremony.own_desk(caller), actor.line, self.digits)
                state = next(row for row in caller.call("lines")["lines"] if row["name"] == actor.line)
            self.page.claim("digits" not in state, f"{actor.desk} confirmed the line {actor.line!r}", line=actor.line)

    def _line(self) -> None:
        self.page.scene(
            "The line opens",
            "Each desk starts its node. They find each other over TLS 1.3 with a key exchange that also a quantum computer "
            "does not break, and each accepts only the key that was paired. All bytes run through a wire of the demo's own, "
            "which it can cut.",
        )
        self._start_nodes()
        self.both("up")
        for actor in (self.tokyo, self.beijing):
            self.show(actor)
        for actor in (self.tokyo, self.beijing):
            carrying = [route["address"] for route in actor.status()["routes"] if route["state"].startswith("up")]
            self.page.lines([f"    {actor.desk:<8} process {actor.node.pid}, connected with {carrying[0]}"])
        self.page.claim(
            comes_true(lambda: self.states() == ("up", "up")),
            "the line is up at both desks",
            pids=[self.tokyo.node.pid, self.beijing.node.pid],
        )
        self._consoles()

    def _start_nodes(self) -> None:
        nodes = [actor.node for actor in (self.tokyo, self.beijing)]
        for node in nodes:
            node.start()
        for node in nodes:
            node.wait_until_it_serves()

    def _consoles(self) -> None:
        """Where each desk's screen is while the play lasts, for who wants to look."""
        self.page.tell("", "Each desk has a console in the browser. Each of these links works once, for a minute:")
        for actor in (self.tokyo, self.beijing):
            url: str = actor.node.caller.call("console_link")["url"]
            self.page.lines([f"    {actor.desk}", f"  {url}"])
            if self._open_page is not None:
                self._open_page(url)

    def _watch(self) -> None:
        self.page.scene(
            "The watch",
            "At each desk an officer signs in, with their own key, and a console shows that it can make noise. The other desk "
            "is told how many there are, not who. Each lamp says one thing, and is grey where nothing is known.",
        )
        actors = (self.tokyo, self.beijing)
        before = [actor.status()["lamps"]["human"]["colour"] for actor in actors]
        for actor in actors:
            actor.sign_in()
        self.until(lambda: self._human() == ["green", "green"], "each desk sees that somebody is at the other")
        for actor in actors:
            self.page.view(*lamps(actor))
        self.page.claim(
            "green" not in before and self._human() == ["green", "green"],
            "each desk sees that a person is at the other, which it did not say before",
            before=before,
            after=self._human(),
        )

    def _human(self) -> list[str]:
        return [actor.status()["lamps"]["human"]["colour"] for actor in (self.tokyo, self.beijing)]

    # --- what was said

    def _balloons(self) -> None:
        self.page.scene(
            "The balloons",
            "Tokyo reports what it suspects to be surveillance balloons: at least three since 2019, one notice for each, and "
            "then a question about them. The ladder under a notice says how far it has come, when, and on whose word: that "
            "their machine has it is one rung, that a person has read it is another.",
        )
        sighted = [self.tokyo.say(words)["id"] for words in scenario.SIGHTINGS]
        asked = self.tokyo.say(scenario.balloon_questions(sighted[0]))["id"]
        self.raised["balloons"] = [*sighted, asked]
        for reference in (*sighted, asked):
            self.received(self.tokyo, self.beijing, reference)
        self.show(self.tokyo, sighted[0], asked)
        self.show(self.beijing, theirs(sighted[0]), theirs(asked))
        self.page.claim(
            all(self.rungs(self.tokyo, reference)[-1] == "received" for reference in (*sighted, asked)),
            "Beijing's machine has all four, and no person there has been claimed to have read one",
            ids=[*sighted, asked],
        )
        self.page.tell("", "Beijing's duty officer reads the first sighting, and signs that with their own key.")
        self.beijing.acknowledge(theirs(sighted[0]))
        self.reached(self.tokyo, sighted[0], "acknowledged")
        self.show(self.tokyo, sighted[0], full=False)
        self.show(self.beijing, theirs(sighted[0]), full=False)
        self.page.claim(
            "acknowledged" not in self.rungs(self.tokyo, sighted[1]),
            "the first sighting is acknowledged by a person; the second is not, and still says so",
            acknowledged=sighted[0],
            not_acknowledged=sighted[1],
        )

    def _closure(self) -> None:
        self.page.scene(
            "The closure that was missing",
            "Rockets of the drills of 4 August 2022 fell where no notice had closed the sea. Tokyo asks for the notice; "
            "Beijing holds the question with a promised time.",
        )
        asked = self.exchange(self.tokyo, self.beijing, scenario.MISSING_CLOSURE)
        self.raised["closure"] = [asked]
        answer_by = rfc3339(int((datetime.now(UTC) + timedelta(days=1)).timestamp()))
        held = self.beijing.say(scenario.holding_reply(theirs(asked), answer_by), about=theirs(asked))["id"]
        self.received(self.beijing, self.tokyo, held)
        self.show(self.beijing, theirs(asked), held)
        self.show(self.tokyo, asked, theirs(held), full=False)
        self.page.claim(
            self.entry(self.tokyo, theirs(held))["re"] == asked,
            "the holding reply is tied to the question, by a signature",
            question=asked,
            reply=theirs(held),
            answer_by=answer_by,
        )

    def _engagement_rules(self) -> None:
        self.page.scene(
            "Rules of engagement", "Tokyo announces a plan, before it is in force. The form says so: planned, not decided."
        )
        told = self.exchange(self.tokyo, self.beijing, scenario.ENGAGEMENT_RULES)
        self.raised["rules"] = [told]
        self.beijing.acknowledge(theirs(told))
        self.reached(self.tokyo, told, "acknowledged")
        self.show(self.tokyo, told)
        self.show(self.beijing, theirs(told))
        stage = self.entry(self.beijing, theirs(told))["fields"]["stage"]
        self.page.claim(stage == "planned", "Beijing reads the change as planned, and a person acknowledged it", stage=stage)

    def _statements(self) -> None:
        self.page.scene("A statement from each side", "Each in its own words. Beijing's answers Tokyo's.")
        first = self.exchange(self.tokyo, self.beijing, scenario.FIRST_STATEMENT)
        second = self.beijing.say(scenario.SECOND_STATEMENT, about=theirs(first))["id"]
        self.raised |= {"strait": [first], "principle": [theirs(second)]}
        self.reached(self.tokyo, first, "answered")
        self.received(self.beijing, self.tokyo, second)
        self.show(self.tokyo, first, theirs(second))
        self.show(self.beijing, theirs(first), second)
        for reference, words in ((first, scenario.FIRST_STATEMENT), (theirs(second), scenario.SECOND_STATEMENT)):
            text = self.entry(self.tokyo, reference)["fields"]["text"]
            self.page.claim(
                text == words.fields["text"], f"{reference} reads as it was written, character for character", text=text
            )

    def _water(self) -> None:
        self.page.scene(
            "A question declined",
            "Beijing asks about the water of the Fukushima plant. Tokyo will not answer here, and says so: a decline is not "
            "silence, and nobody has to guess which of the two it was.",
        )
        asked = self.exchange(self.beijing, self.tokyo, scenario.WATER)
        self.raised["water"] = [theirs(asked)]
        self.tokyo.decline(theirs(asked), scenario.WATER_DECLINED)
        self.reached(self.beijing, asked, "declined")
        self.show(self.tokyo, theirs(asked), full=False)
        self.show(self.beijing, asked)
        decline = next(entry for entry in self.beijing.inbox() if entry["type"] == "decline")
        self.page.tell("", f"The reason Tokyo gives: {decline['text']}")
        self.page.claim(
            decline["text"] == scenario.WATER_DECLINED, "Beijing has the decline with its reason", reason=decline["text"]
        )

    def _talks(self) -> None:
        talks = Talks(self, self.raised)
        talks.play()
        self._test()
        talks.kept()

    def _test(self) -> None:
        self.page.scene(
            "A test of the line",
            "Nodes test the line by themselves, every hour, and it can be asked for: a neutral text that the other machine "
            "answers, along the whole way that a notice takes.",
        )
        answer = self.tokyo.test()
        milliseconds = answer["round_trip_seconds"] * 1000
        last = self.tokyo.status()["last_test"]
        for actor in (self.tokyo, self.beijing):
            self.show(actor)
        self.page.claim(
            bool(answer["ok"] and last["ok"]),
            f"the test came back after {milliseconds:.0f} ms, written to two disks on its way",
            **answer,
        )

    # --- when things break

    def _cut(self) -> None:
        self.page.scene(
            "The line is cut",
            "The demo cuts the wire. Then Tokyo has something urgent to say, in an exercise: an aircraft near the islands that "
            "have two names.",
        )
        before = len(self.beijing.inbox())
        self.stage.wire.cut()
        self.both("line_down")
        queued = self.tokyo.say(scenario.exercise_sighting(rfc3339(int(time.time()))))
        self.page.pause()
        time.sleep(CUT_SECONDS)
        for actor in (self.tokyo, self.beijing):
            self.show(actor, queued["id"])
        route = self.tokyo.status()["routes"][0]
        self.page.lines([f"    Tokyo's last attempt to reach {route['address']}: {route['state']}"])
        rungs, unreceipted = self.rungs(self.tokyo, queued["id"]), self.tokyo.status()["unreceipted"]
        self.page.claim(self.states() == ("line_down", "line_down"), "both desks say: line down", states=list(self.states()))
        self.page.claim(
            rungs == ["composed"] and len(self.beijing.inbox()) == before,
            "the notice is composed and queued, and nothing pretends that it was sent",
            id=queued["id"],
            rungs=rungs,
            unreceipted=unreceipted,
        )
        self.page.pause()
        self.page.tell("", "The wire is mended. Nobody has to send anything again.")
        self.stage.wire.heal()
        self.both("up")
        self.received(self.tokyo, self.beijing, queued["id"])
        self.show(self.tokyo, queued["id"], full=False)
        self.show(self.beijing, theirs(queued["id"]))
        copies = [entry for entry in self.beijing.inbox() if entry["exercise"]]
        self.page.claim(
            len(copies) == 1 and len(self.beijing.inbox()) == before + 1,
            f"it was delivered exactly once: Beijing's inbox had {before} entries and has {before + 1}",
            before=before,
            after=len(self.beijing.inbox()),
            copies=len(copies),
        )
        seen = {self.tokyo.desk: queued["id"], self.beijing.desk: theirs(queued["id"])}
        texts = [self.entry(actor, seen[actor.desk])["text"] for actor in (self.tokyo, self.beijing)]
        self.page.claim(
            all(_in_order(names, text) for names, text in zip(scenario.PLACE_NAMES, texts, strict=True)),
            "the place has both its names at both desks, the reader's own first",
            texts=texts,
        )

    def _kill(self) -> None:
        self.page.scene(
            "Both machines fail",
            "kill -9 ends Tokyo's node. The wire carries, but nobody answers there: another state than a line that is down. "
            "Beijing writes a statement; and as soon as its node has taken it, kill -9 ends that one too.",
        )
        self.tokyo.node.kill()
        told = comes_true(lambda: bool(self.beijing.status()["state"] == "terminal_down"))
        self.show(self.beijing)
        self.page.claim(told, "Beijing says: their terminal is down, the line is not", state=self.beijing.status()["state"])
        said = self.beijing.say(scenario.SUPPLY_CHAINS)
        stored = self.beijing.stored()
        self.beijing.node.kill()
        self.page.claim(said["rung"] == "composed", f"{said['id']} was taken by the node and nothing more", rung=said["rung"])
        self.page.tell("", "Both nodes are started again.")
        self._start_nodes()
        self.both("up")
        self.received(self.beijing, self.tokyo, said["id"])
        self.show(self.tokyo, theirs(said["id"]))
        self.show(self.beijing, said["id"], full=False)
        self.page.claim(self.beijing.stored() == stored, f"Beijing's {len(stored)} entries are all there", entries=len(stored))
        expected = sorted(mirrored(entry["id"]) for entry in stored)
        self.page.claim(
            sorted(entry["id"] for entry in self.tokyo.stored()) == expected,
            "Tokyo holds the same entries, each once, with the one that was written while it was dead",
            entries=len(expected),
        )

    # --- proof

    def _evidence(self) -> None:
        self.page.scene(
            "Evidence for a stranger",
            "Tokyo writes the whole line into one file. Whoever has it checks it without a network, without asking either "
            "desk, with nothing but the two published identities.",
        )
        self.evidence = self.stage.folder / "line.evidence"
        self.until(lambda: self.tokyo.export(self.evidence), "statuses with both signatures cover every entry")
        published = [actor.publish(self.stage.folder) for actor in (self.tokyo, self.beijing)]
        self.trusted = [Identity.decode(path.read_bytes()) for path in published]
        data = self.evidence.read_bytes()
        report = verify_evidence(data, self.trusted)
        for fact in report.facts[:1] + report.facts[-1:]:
            self.page.tell("", f"{fact}.")
        self.page.lines([""])
        self.page.claim(
            report.verified and report.complete and all(identity.trusted for identity in report.identities),
            f"{len(data):,} bytes, {len(report.entries)} entries: verified, complete, and signed by these two desks",
            bytes=len(data),
            entries=len(report.entries),
            facts=list(report.facts),
        )
        stranger = verify_evidence(data)
        self.page.claim(
            stranger.verified and not any(identity.trusted for identity in stranger.identities),
            "to whoever does not know the two identities it says: only if these fingerprints are theirs",
            fact=stranger.facts[0],
        )

    def _tampering(self) -> None:
        date, changed = scenario.DATE_AND_ITS_CHANGE
        self.page.scene(
            "Tampering",
            f"In a copy of that file one byte is changed: in Tokyo's question {date} becomes {changed}. A second copy is by a "
            "better forger, who also mends the archive's own checksum.",
        )
        genuine = self.evidence.read_bytes()
        simple = genuine.replace(date.encode(), changed.encode(), 1)
        differing = sum(one != other for one, other in zip(genuine, simple, strict=True))
        for name, data in (("simple", simple), ("better", with_mended_checksums(simple))):
            copy = self.stage.folder / f"{name}.evidence"
            copy.write_bytes(data)
            report = verify_evidence(copy.read_bytes(), self.trusted)
            faults = [{"part": fault.part, "rule": fault.rule, "message": fault.message} for fault in report.faults]
            for fault in report.faults[:1]:
                self.page.tell("", f"{fault.part}, rule {fault.rule}: {fault.message}", "")
            self.page.claim(
                differing == 1 and not report.verified and bool(faults) and not report.facts,
                f"the {name} forgery is not verified, and the fault is named",
                bytes_changed=differing,
                faults=faults,
            )
        self.page.claim(verify_evidence(genuine, self.trusted).verified, "the file itself still is")

    def _silence(self) -> None:
        December(self, self.trusted).play()

    def _summary(self) -> None:
        claims = sum(len(scene["claims"]) for scene in self.page.scenes)
        self.page.scene("What was shown")
        for line in (
            "two desks without a common secret paired by three files, and people compared sixty digits",
            "each read the other in its own language, with the same agreed words in English beside",
            "received, acknowledged, answered and declined are different rungs, each with its own signer",
            "a round of talks, two commitments and two readouts stand alike at both desks; what was agreed was kept",
            "a cut line and a dead machine are told apart, at once, and nothing claims to be sent that is not",
            "what a node has taken survives the cut and kill -9 of both, and arrives exactly once",
            "a stranger verified the whole line offline; one changed byte was found and named",
            "the terms were amended on the line, two officers of each desk signing",
            "that nobody answered, and that nobody was there, were told apart and certified, by the silent desk's own words",
        ):
            self.page.item(line)
        self.page.claim(claims > 0, f"{claims} claims, each checked before it was printed", claims=claims)


def _in_order(names: tuple[str, str], text: str) -> bool:
    """Whether both names stand in the text, the first one first."""
    return 0 <= text.find(names[0]) < text.find(names[1])
