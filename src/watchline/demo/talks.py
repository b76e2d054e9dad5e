"""22 February 2023: a round of talks on the line, from the proposal to both readouts, and the commitment that was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from watchline.demo import scenario_talks as scenario
from watchline.demo.actors import DeskActor
from watchline.demo.part import Part, mirrored
from watchline.demo.scenario import Words
from watchline.demo.scenario_talks import Item, Readout
from watchline.demo.talks_views import agenda, commitments, common, comparison, heading
from watchline.desk.socket import RemoteError

Json = dict[str, Any]


class Talks(Part):
    """The scenes of the talks. said: what was said before, by a word for it, as Tokyo calls it."""

    def __init__(self, part: Part, said: Mapping[str, Sequence[str]]) -> None:
        super().__init__(part.stage, part.page)
        self.tokyo, self.beijing = part.tokyo, part.beijing
        self._said = {key: list(references) for key, references in said.items()}
        self._round = ""  # as Tokyo calls it

    def play(self) -> None:
        """All scenes but that of the commitment that was kept, which comes once the line was tested."""
        self._arrange()
        self._agenda()
        self._statements()
        self._commit()
        self._read_out()

    # --- the round

    def _arrange(self) -> None:
        self.page.scene(
            "February 2023: a round of talks",
            "The first formal security talks in four years. Tokyo proposes them and offers two dates, one of them approximate; "
            "Beijing accepts one. From here on each step is one signed notice, and each desk works out by itself where the "
            "round stands. Dates and answers are the demo's own.",
        )
        self._round = self._step(self.tokyo, scenario.PROPOSAL)
        shown = self._alike("proposed")
        self.page.claim(
            shown["phase"] == "proposed" and shown["waits_for"] == ["theirs"],
            "both desks show the same: proposed, and it is Beijing's move",
            phase=shown["phase"],
            waits_for=shown["waits_for"],
        )
        self._accept(self.beijing, self._round, date=scenario.DATE)
        shown = self._alike("arranged")
        for actor in (self.tokyo, self.beijing):
            self.page.view(*heading(actor, self._shown(actor)))
        self.page.claim(
            shown["arrangement"]["certain"] and "exact" in shown["arrangement"]["date"],
            "both desks show the same: arranged, for 22 February",
            arrangement=shown["arrangement"],
        )

    def _agenda(self) -> None:
        self.page.scene(
            "The agenda",
            "Each side puts on it what it raised, and hangs the notices on it that were sent before or are sent now: joint "
            "drills, both defence budgets, the water, supply chains. The other side accepts an item, or only notes it.",
        )
        self._say_the_rest()
        for actor, items in ((self.tokyo, scenario.FIRST_ITEMS), (self.beijing, scenario.SECOND_ITEMS)):
            for item in items:
                self._raise(actor, item)
        for actor, items, remark in (
            (self.beijing, scenario.FIRST_ITEMS, scenario.NOTED[1]),
            (self.tokyo, scenario.SECOND_ITEMS, scenario.NOTED[0]),
        ):
            for item in items:
                self._answer(actor, item, remark)
        shown = self._alike("open")
        self.page.view(*agenda(self.tokyo, shown))
        self.page.view(*agenda(self.beijing, self._shown(self.beijing), full=False))
        states = [item["state"] for item in shown["items"]]
        self.page.claim(
            states.count("agreed") == 4 and states.count("noted") == 6,
            "both desks show the same ten items: four accepted, six only noted",
            states=states,
        )
        water = self._item(shown, "water")["notices"]
        self.page.claim(
            [notice["declined"] for notice in water] == [True, False],
            "the water carries the question that was declined, and the notice that came instead",
            notices=water,
        )

    def _say_the_rest(self) -> None:
        """The notices of the table that were not sent yet."""
        for actor, key, words in (
            (self.tokyo, "drills asked", scenario.DRILLS_ASKED),
            (self.beijing, "drills told", scenario.DRILLS_TOLD),
            (self.tokyo, "their spending", scenario.THEIR_SPENDING),
            (self.tokyo, "discharge", scenario.DISCHARGE),
            (self.beijing, "supply", scenario.SUPPLY),
        ):
            about = self._said["drills asked"][0] if key == "drills told" else None
            reference = actor.say(words, about=None if about is None else self._at(actor, about))["id"]
            self._note(actor, key, reference)
            self.received(actor, self._other(actor), reference)

    def _raise(self, actor: DeskActor, item: Item) -> None:
        notices = [self._at(actor, reference) for key in item.notices for reference in self._said[key]]
        fields = {"meeting": self._at(actor, self._round), "subject": item.subject, "notices": notices}
        self._note(actor, item.key, actor.step(Words("agenda-item", {name: each for name, each in fields.items() if each})))

    def _answer(self, actor: DeskActor, item: Item, remark: str) -> None:
        """Accept the other side's item, or note it."""
        reference = self._at(actor, self._said[item.key][-1])
        self.until(lambda: actor.entry(reference) is not None, f"{reference} arrives at {actor.desk}")
        if item.agreed:
            actor.accept(reference)
        else:
            actor.step(Words("noted", {"of": reference, "remark": remark}), about=reference)

    def _statements(self) -> None:
        self.page.scene(
            "Under the items",
            "Beijing is troubled by Japan's plan to double its defence spending. Tokyo answers with the figures, as a notice, "
            "and with a statement; both stand under the item. Beijing has something to say to the talks as a whole.",
        )
        item = self._said["spending"][-1]
        troubled = self._step(self.beijing, scenario.statement(scenario.TROUBLED, "zh-Hans", self._at(self.beijing, item)))
        spending = self.exchange(self.tokyo, self.beijing, scenario.OWN_SPENDING)
        answer = scenario.statement(scenario.TROUBLED_ANSWERED, "ja", item, troubled)
        answered = self._step(self.tokyo, answer, about=troubled)
        last = scenario.statement(scenario.DIFFERENCES, "zh-Hans", self._at(self.beijing, self._round))
        differences = self._step(self.beijing, last)
        shown = self._alike("open")
        self.show(self.beijing, self._at(self.beijing, spending))
        self.show(self.tokyo, troubled, answered)
        under = [each["id"] for each in self._item(shown, "spending")["statements"]]
        self.page.claim(
            under == [troubled, answered] and [each["id"] for each in shown["statements"]] == [differences],
            "both desks show the same: two statements under the item, one in the round",
            under=under,
        )

    # --- what is agreed

    def _commit(self) -> None:
        self.page.scene(
            "Two commitments",
            "A hotline, which both will try to establish around spring; and more dialogue, without a date. Tokyo writes the "
            "first with Japanese words for its date; Beijing puts a text against it that has the words in three languages. "
            "Tokyo accepts that text: its acceptance names the text's digest, so there is no doubt which one. An officer of "
            "Beijing's reads the acceptance, and after that nothing can cross with it any more.",
        )
        meeting = {"meeting": self._round}
        first = self._step(self.tokyo, _with(scenario.HOTLINE, meeting))
        replaced = {"meeting": mirrored(self._round), "replaces": mirrored(first)}
        hotline = self._step(self.beijing, _with(scenario.HOTLINE_COUNTERED, replaced), about=mirrored(first))
        dialogue = self._step(self.beijing, _with(scenario.DIALOGUE, {"meeting": mirrored(self._round)}))
        self._acknowledged(self.beijing, self._accept(self.tokyo, hotline))
        self._accept(self.tokyo, dialogue)
        self._said |= {"hotline": [first], "dialogue": [dialogue]}
        shown = self._alike("open")
        for actor in (self.tokyo, self.beijing):
            self.page.view(*commitments(actor, self._shown(actor)))
        standing = [(each["text_id"], each["state"], each["certain"]) for each in shown["commitments"]]
        self.page.claim(
            standing == [(hotline, "standing", True), (dialogue, "standing", True)],
            "both desks show the same two texts standing, with the same digests",
            digests=[each["digest"] for each in shown["commitments"]],
        )
        words = [self._shown(actor)["commitments"][0]["due"]["words"] for actor in (self.tokyo, self.beijing)]
        self.page.claim(
            tuple(words) == scenario.SPRING_WORDS, "each desk reads “around spring” in its own language, as agreed", words=words
        )
        self._refused(mirrored(first))

    def _refused(self, first: str) -> None:
        """first: the text that nobody accepted, as Beijing calls it."""
        try:
            self.beijing.accept(first)
        except RemoteError as refusal:
            why = refusal.facts.get("why")
            self.page.claim(
                why == "settled",
                "Beijing's officer who would accept the older text now is told before signing: this is agreed already",
                why=why,
            )
        else:
            self.page.claim(False, "a step that would not count is refused")

    def _read_out(self) -> None:
        self.page.scene(
            "Two readouts",
            "Each side publishes its own account and stresses other things, as the press reported them; that Beijing's names "
            "the dialogue and not the hotline is the demo's own. Both say that the talks are concluded.",
        )
        for actor, readout in ((self.tokyo, scenario.FIRST_READOUT), (self.beijing, scenario.SECOND_READOUT)):
            self._step(actor, self._readout(actor, readout))
        for actor in (self.tokyo, self.beijing):
            self._step(actor, Words("close", {"of": self._at(actor, self._round), "outcome": "concluded"}))
        shown = self._alike("concluded")
        self.page.view(*comparison(self.tokyo, shown))
        names = {self._said[key][-1]: key for key in scenario.COMPARED}
        found = {names.get(each["about"], each["about"]): each["verdict"] for each in shown["comparison"]}
        self.page.claim(
            found == scenario.COMPARED,
            "both desks show the same comparison: what both say, only one says, both say in other words, and what was "
            "agreed and neither mentions",
            comparison=found,
        )
        self.page.claim(
            shown["phase"] == "concluded" and all(each["counts"] for each in shown["timeline"]),
            f"concluded by both; all {len(shown['timeline'])} steps of the round count at both desks",
            steps=len(shown["timeline"]),
        )
        left = self._open(self.tokyo)
        self.page.claim(
            left == [mirrored(reference) for reference in self._open(self.beijing)] and self._said["rockets"][-1] in left,
            f"{len(left)} items stay on the list of what is open at both desks, the missing closure among them",
            open=left,
        )

    def _readout(self, actor: DeskActor, readout: Readout) -> Words:
        points = [
            {"about": [self._at(actor, self._said[key][-1])], **({} if text is None else {"text": text})}
            for key, text in readout.points
        ]
        fields = {"event": self._at(actor, self._round), "own_text": readout.text, "points": points}
        return Words("readout", {**fields, "publication": "published"})

    @staticmethod
    def _open(actor: DeskActor) -> list[str]:
        return [item["id"] for item in actor.open_items()]

    # --- what became of it

    def kept(self) -> None:
        """The hotline was opened in spring. To be played once the line was tested."""
        self.page.scene(
            "Spring 2023: a commitment is kept",
            "The hotline opened on 31 March 2023. By today's clock that spring is long over and nobody has reported, so both "
            "desks are reminded. Tokyo reports that it was kept, and shows it by this line's own first entry and its test; "
            "then Beijing says so, too.",
        )
        hotline = self._said["hotline"][0]
        reminded = self._reminded()
        self.page.claim(
            reminded == [["overdue"], ["overdue"]], "both desks are reminded: overdue, and no report", reminded=reminded
        )
        evidence = [self.tokyo.first_entry(), self.tokyo.first_entry("test")]
        self._report(self.tokyo, scenario.KEPT_FACTS[0], evidence)
        said = self._alike("concluded")["commitments"][0]
        self.page.claim(said["state"] == "said_kept", "both desks show: kept, says one side", state=said["state"])
        self._report(self.beijing, scenario.KEPT_FACTS[1], [])
        for actor in (self.tokyo, self.beijing):
            self.page.view(*commitments(actor, self._shown(actor), only=self._at(actor, hotline)))
        kept = self._alike("concluded")["commitments"][0]
        self.page.claim(
            kept["state"] == "kept" and kept["reports"][0]["evidence"] == evidence,
            "both desks show: kept, both sides say so; and what shows it",
            state=kept["state"],
            reports=kept["reports"],
        )
        reminded = self._reminded()
        self.page.claim(reminded == [[], []], "nobody is reminded of it any more", reminded=reminded)

    def _report(self, actor: DeskActor, facts: str, evidence: Sequence[str]) -> None:
        """Say that the text that stands was kept."""
        stands = self._shown(actor)["commitments"][0]
        fields: Json = {**scenario.KEPT, "of": stands["text_id"], "digest": stands["digest"], "facts": facts}
        if evidence:
            fields["evidence"] = list(evidence)
        about = stands["text_id"] if stands["side"] == "theirs" else None
        self._step(actor, Words("commitment-report", fields), about=about)

    def _reminded(self) -> list[list[str]]:
        return [[each["kind"] for each in actor.reminders()] for actor in (self.tokyo, self.beijing)]

    # --- both desks

    def _step(self, actor: DeskActor, words: Words, *, about: str | None = None) -> str:
        """Take a step and see it received; give its reference at Tokyo."""
        reference = actor.step(words, about=about)
        self.received(actor, self._other(actor), reference)
        return self._at(actor, reference)

    def _accept(self, actor: DeskActor, reference: str, **fields: Any) -> str:
        """Accept a text and see that received; of both, the reference at Tokyo."""
        accepted = actor.accept(self._at(actor, reference), **fields)
        self.received(actor, self._other(actor), accepted)
        return self._at(actor, accepted)

    def _acknowledged(self, actor: DeskActor, reference: str) -> None:
        """An officer reads it, and the other desk hears of that. reference: at Tokyo."""
        actor.acknowledge(self._at(actor, reference))
        self.reached(self._other(actor), self._at(self._other(actor), reference), "acknowledged")

    def _note(self, actor: DeskActor, key: str, reference: str) -> None:
        self._said[key] = [self._at(actor, reference)]

    def _at(self, actor: DeskActor, reference: str) -> str:
        """What this desk calls an entry that Tokyo calls so, and what Tokyo calls one that this desk calls so."""
        return reference if actor is self.tokyo else mirrored(reference)

    def _other(self, actor: DeskActor) -> DeskActor:
        return self.beijing if actor is self.tokyo else self.tokyo

    def _shown(self, actor: DeskActor) -> Json:
        return actor.talks(self._at(actor, self._round))

    def _alike(self, phase: str) -> Json:
        """The round as Tokyo shows it, once both desks show the same of it in this phase."""

        def same() -> bool:
            first, second = self._shown(self.tokyo), self._shown(self.beijing)
            return bool(first["phase"] == phase and common(first) == common(mirrored(second)))

        self.until(same, f"both desks show the same round, {phase}")
        return self._shown(self.tokyo)

    def _item(self, shown: Json, key: str) -> Json:
        found: Json = next(item for item in shown["items"] if item["id"] == self._said[key][-1])
        return found


def _with(words: Words, more: Mapping[str, Any]) -> Words:
    return Words(words.form, {**words.fields, **more})
