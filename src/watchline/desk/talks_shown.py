"""What people and programs are shown of talks: plain JSON values; entries and sides are called as this desk calls them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from typing import Any

from watchline.core.encoding import Value
from watchline.core.entries import Leaf
from watchline.core.records import EntryRecord
from watchline.desk.clock import rfc3339
from watchline.desk.past import first_copy, without_earlier_copies
from watchline.desk.rungs import read_notice, rung_from, withdrawn_by
from watchline.desk.talks_record import LineTalks
from watchline.desk.views import LineView, rung_of
from watchline.talks.agreement import Slot
from watchline.talks.approximate import DAY_SECONDS, Approximate
from watchline.talks.arrangements import Arrangement, occurrences
from watchline.talks.commitments import Commitment, Report
from watchline.talks.grievances import Carried, OpenItem, open_items
from watchline.talks.moves import CLOSE, DECLINE, Move, Name
from watchline.talks.readouts import Compared, Readout, Verdict
from watchline.talks.rounds import Item, Offer, Phase, Round, offered

Json = dict[str, Any]
TITLE_CHARACTERS_MAX = 120
NEXT_MAX, AHEAD_SECONDS = 4, 5 * 366 * DAY_SECONDS  # meetings of an arrangement that are listed
# What a move is known by: the first of these that its form has and that is filled in.
GISTS = ("topic", "subject", "terms", "text", "title", "name", "facts", "own_text", "remark", "reason", "outcome", "judged")


class Teller:
    """Tells what a line's talks are at one moment. now: seconds since 1970."""

    def __init__(self, view: LineView, talks: LineTalks, now: int) -> None:
        self.view = view
        self.talks = talks
        self.judged = talks.judged
        self.now = now
        self.language = view.desk.facts.language
        self._known: dict[str, list[tuple[str, int]]] = {}
        self._titles: dict[str, str] = {}

    # --- what everything is made of

    def id(self, name: Name | None) -> str | None:
        """What people here call an entry; None for none."""
        return None if name is None else self.talks.id_of(name)

    def side(self, side: int) -> str:
        """Whose it is, as this desk says it."""
        return "ours" if side == self.talks.own_side else "theirs"

    def sides(self, sides: Iterable[int]) -> list[str]:
        """The same of several, ours first."""
        return sorted(map(self.side, sides))

    def said(self, move: Move) -> Mapping[str, Value]:
        """The fields of a move by their names in its form."""
        return {name: move.fields[number] for name, number in self._fields(move.kind) if number in move.fields}

    def _fields(self, kind: str) -> list[tuple[str, int]]:
        if kind not in self._known:
            self._known[kind] = [(field.name, field.number) for field in self.view.desk.catalogue.form(kind).fields]
        return self._known[kind]

    def when(self, value: Value | Approximate | None) -> Json | None:
        """A time as agreed, for a reader here."""
        if value is None:
            return None
        when = value if isinstance(value, Approximate) else Approximate.read(value)
        if when.days is None:
            return {"exact": rfc3339(when.first)}
        first, last = (datetime.fromtimestamp(day * DAY_SECONDS, UTC).date().isoformat() for day in when.days)
        return {"from": first, "to": last, "words": when.words(self.language), "all_words": dict(when.all_words)}

    @cached_property
    def open(self) -> tuple[OpenItem, ...]:
        """The open items of all rounds that were no exercises, oldest first."""
        return open_items(self.judged.record, self.carried, found=self.judged.rounds)

    @cached_property
    def _open_names(self) -> frozenset[Name]:
        drills: tuple[OpenItem, ...] = ()
        if any(each.proposal.exercise for each in self.judged.rounds):
            drills = open_items(self.judged.record, self.carried, found=self.judged.rounds, exercise=True)
        return frozenset(each.move.name for each in (*self.open, *drills))

    # --- rounds

    def summary(self, round_: Round) -> Json:
        """A round as `talks_list` gives it."""
        return {
            "id": self.id(round_.name),
            "topic": self._offered(round_).topic,
            "phase": str(round_.at(self.now)),
            "since": rfc3339(round_.last.time),
            "waits_for": self.sides(round_.waits_for),
            "items": len(round_.items),
            "statements": len(round_.statements) + sum(len(item.statements) for item in round_.items),
            "commitments": len(round_.commitments),
            "exercise": round_.proposal.exercise,
        }

    def round(self, round_: Round) -> Json:
        """A round as `talks_show` gives it."""
        chosen = self._offered(round_)
        under = {move.name for item in round_.items for move in item.statements}
        return {
            **self.summary(round_),
            "topic": chosen.topic,
            "level": chosen.level,
            "mode": chosen.mode,
            "place": chosen.place,
            "resumes": self.id(round_.resumes),
            "next": self.when(round_.next),
            "arrangement": self._arrangement(round_),
            "items": [self.item(item, number) for number, item in enumerate(round_.items, start=1)],
            "statements": [self._statement(move) for move in round_.statements if move.name not in under],
            "commitments": [self.commitment(each) for each in self.judged.commitments_of(round_)],
            "readouts": [self._readout(move) for move in round_.readouts],
            "comparison": [self._compared(each) for each in self.judged.compared(round_)],
            "closing": self._closing(round_),
            "timeline": self._timeline(round_),
            "possible": sorted(self.judged.possible(round_, self.talks.own_side)),
        }

    def _offered(self, round_: Round) -> Offer:
        return offered(self.judged.record, round_.arrangement.agreed or round_.proposal)

    def _arrangement(self, round_: Round) -> Json:
        slot = round_.arrangement
        agreed = None if slot.agreed is None else offered(self.judged.record, slot.agreed)
        accepted = {} if slot.acceptance is None else self.said(slot.acceptance)
        dates = () if agreed is None else agreed.dates
        return {
            "agreed": None if slot.agreed is None else self.id(slot.agreed.name),
            "certain": slot.certain,
            "date": self.when(accepted.get("date") or (dates[0] if len(dates) == 1 else None)),
            "level": None if agreed is None else agreed.level,
            "mode": None if agreed is None else agreed.mode,
            "place": accepted.get("place") or (None if agreed is None else agreed.place),
            "on_table": [self._offer(move) for move in slot.on_table],
        }

    def _offer(self, move: Move) -> Json:
        offer = offered(self.judged.record, move)
        return {
            "id": self.id(move.name),
            "side": self.side(move.side),
            "dates": [self.when(each) for each in offer.dates],
            "level": offer.level,
            "mode": offer.mode,
            "place": offer.place,
            "topic": offer.topic,
            "reason": self.said(move).get("reason"),
            "time": rfc3339(move.time),
        }

    def item(self, item: Item, number: int) -> Json:
        """An item of a round. number: its place on the agenda, from 1."""
        said = self.said(item.move)
        answer = {} if item.answer is None else self.said(item.answer)
        notices = [shown for name in item.notices if (shown := self._notice(name)) is not None]
        return {
            "id": self.id(item.move.name),
            "number": number,
            "side": self.side(item.move.side),
            "subject": said["subject"],
            "detail": said.get("detail"),
            "state": str(item.state),
            "remark": answer.get("remark", answer.get("reason")),
            "time": rfc3339(item.move.time),
            "open": item.move.name in self._open_names,
            "notices": notices,
            "statements": [self._statement(move) for move in item.statements],
            "commitments": [self.id(name) for name in item.commitments],
        }

    def _statement(self, move: Move) -> Json:
        said = self.said(move)
        return {
            "id": self.id(move.name),
            "side": self.side(move.side),
            "speaker_role": said["speaker_role"],
            "text": said["text"],
            "language": said["language"],
            "time": rfc3339(move.time),
            "replies_to": self.id(self.judged.reference_in(move, "replies_to")),
        }

    def carried(self, name: Name) -> Carried | None:
        """A notice that an item carries, as both logs show it; None if there is no such notice here."""
        record = self.talks.entry(name)
        notice = None if record is None else read_notice(record)
        if record is None or notice is None:
            return None
        answers, rungs = self._answers(record)
        declined = "answered" not in rungs and "declined" in rungs
        form = self.view.desk.catalogue.forms.get(notice.form)
        asks = form is not None and form.expects == "answer"
        still = asks and not {"answered", "declined"} & rungs and withdrawn_by(self.view.journal, record) is None
        time = Leaf.decode(record.leaf).time
        return Carried(name, notice.form, time, name.side, tuple(map(self.talks.name_of, answers)), still, declined)

    def _answers(self, record: EntryRecord) -> tuple[list[EntryRecord], set[str]]:
        """The entries that answer or decline a notice, also an earlier copy of it, and the rungs that they lift it to."""
        answers: list[EntryRecord] = []
        rungs: set[str] = set()
        first = first_copy(self.view.journal, record)
        for copy in [record] if first is None else [first, record]:
            for entry in self.view.referring(copy):
                rung = rung_from(entry, copy, None if first is None else Leaf.decode(first.leaf))
                if rung is not None:
                    rungs.add(rung)
                if rung in ("answered", "declined"):
                    answers.append(entry)
        return without_earlier_copies(answers), rungs

    def _notice(self, name: Name) -> Json | None:
        """A notice that an item carries, with its answers."""
        carried, record = self.carried(name), self.talks.entry(name)
        if carried is None or record is None:
            return None
        shown = self.view.entry(record)
        return {
            "id": self.id(name),
            "form": carried.form,
            "title": shown["title"],
            "time": shown["time"],
            "side": self.side(name.side),
            "rung": rung_of({rung: at for rung, at in shown["rungs"].items() if rung != "overdue"}),
            "open": carried.open,
            "declined": carried.declined,
            "answers": [self._answer(answer) for answer in carried.answers],
        }

    def _answer(self, name: Name) -> Json:
        record = self.talks.entry(name)
        assert record is not None
        shown = self.view.entry(record)
        title = shown.get("title") or self._title(shown["form"])
        return {name: shown[name] for name in ("id", "form", "time", "text")} | {"title": title, "side": self.side(name.side)}

    # --- commitments and arrangements

    def commitment(self, each: Commitment) -> Json:
        """A commitment, with all its texts and reports."""
        text, said = each.text, self.said(each.text)
        accepted = next((slot.acceptance for slot in each.versions if slot.agreed is text and slot.certain), None)
        return {
            "id": self.id(each.name),
            "text_id": self.id(text.name),
            "side": self.side(text.side),
            "terms": said["terms"],
            "translations": dict(each.translations),
            "strength": said["strength"],
            "due": self.when(each.due),
            "ends": self.when(each.ends),
            "state": str(each.at(self.now)),
            "due_state": each.due_state(self.now),
            "certain": each.history.certain,
            "digest": text.digest.hex(),
            "proposed": rfc3339(each.history.first.time),
            "accepted": None if accepted is None else rfc3339(accepted.time),
            "reports": [self._report(report) for report in each.reports],
            "versions": [self._version(slot, text.move, each.standing) for slot in each.versions for text in slot.texts],
            "round": self.id(self.judged.round_of.get(each.name)),
            "item": self.id(each.item),
            "waits_for": self.sides(each.versions[-1].waits_for),
            "exercise": text.exercise,
        }

    def _version(self, slot: Slot, text: Move, standing: Move | None) -> Json:
        accepted = slot.acceptance if slot.agreed is not None and slot.agreed.name == text.name else None
        return {
            "id": self.id(text.name),
            "side": self.side(text.side),
            "digest": text.digest.hex(),
            "terms": self.said(text)["terms"],
            "state": _state_of(slot, text, standing),
            "time": rfc3339(text.time),
            "accepted": None if accepted is None else rfc3339(accepted.time),
        }

    def _report(self, report: Report) -> Json:
        said = self.said(report.move)
        evidence = self.judged.references_in(report.move, said.get("evidence", []))
        return {
            "id": self.id(report.move.name),
            "side": self.side(report.move.side),
            "judged": report.judged,
            "at": self.when(report.at),
            "facts": said.get("facts"),
            "evidence": [self.id(name) for name in evidence],
            "files": [file.hex() for file in said.get("files", [])],
            "time": rfc3339(report.move.time),
            "counts": report.counts,
        }

    def arrangement(self, each: Arrangement) -> Json:
        """A standing arrangement, with its next meetings."""
        ahead = occurrences(each, self.now, self.now + AHEAD_SECONDS)
        return {
            "id": self.id(each.name),
            "text_id": self.id(each.text.name),
            "name": each.title,
            "level": each.level,
            "every": each.every,
            "first": rfc3339(each.first),
            "duration_minutes": each.duration_minutes,
            "mode": each.mode,
            "place": each.place,
            "until": None if each.until is None else rfc3339(each.until),
            "state": str(each.at(self.now)),
            "side": self.side(each.text.side),
            "next": [rfc3339(meeting.begins) for meeting in islice(ahead, NEXT_MAX)],
            "review": each.review,
        }

    # --- readouts, closing, timeline

    def _readout(self, move: Move) -> Json:
        said, readout = self.said(move), Readout.read(move, self.judged.record)
        return {
            "id": self.id(move.name),
            "side": self.side(move.side),
            "title": said.get("title"),
            "time": rfc3339(move.time),
            "publication": said["publication"],
            "own_text": said["own_text"],
            "agreed_text": said.get("agreed_text"),
            "differences": said.get("differences"),
            "points": [{"text": point.text, "about": [self.id(name) for name in point.about]} for point in readout.points],
        }

    def _compared(self, compared: Compared) -> Json:
        ours, theirs = compared.points if self.talks.own_side == 0 else compared.points[::-1]
        only = {Verdict.ONLY_0: f"only_{self.side(0)}", Verdict.ONLY_1: f"only_{self.side(1)}"}
        return {
            "about": self.id(compared.about),
            "kind": str(compared.kind),
            "title": self._gist_of(compared.about),
            "verdict": only.get(compared.verdict, str(compared.verdict)),
            "ours": None if ours is None else ours.text,
            "theirs": None if theirs is None else theirs.text,
        }

    def _closing(self, round_: Round) -> Json | None:
        slot = round_.closing
        closes = [move for move in self.judged.moves_of(round_) if move.kind == CLOSE and move.name not in self.judged.refused]
        text = slot.agreed or (slot.on_table[-1] if slot.on_table else None)
        if text is None and round_.phase == Phase.ABANDONED:
            text = closes[-1]
        if text is None:
            return None
        said = self.said(text)
        by = {text.side, *([] if slot.acceptance is None else [slot.acceptance.side]), *(move.side for move in slot.on_table)}
        return {
            "outcome": said["outcome"],
            "agreed": self.id(slot.agreed.name) if slot.agreed is not None and slot.certain else None,
            "by": self.sides(by),
            "next": self.when(said.get("next")),
            "reason": said.get("reason"),
        }

    def _timeline(self, round_: Round) -> list[Json]:
        refused = self.judged.refused
        return [
            {
                "id": self.id(move.name),
                "side": self.side(move.side),
                "time": rfc3339(move.time),
                "kind": move.kind,
                "title": self._title(move.kind),
                "text": self._gist(move),
                "counts": move.name not in refused,
                "why": str(refused[move.name]) if move.name in refused else None,
            }
            for move in self.judged.moves_of(round_)
        ]

    def _title(self, form: str) -> str:
        if form not in self._titles:
            known = self.view.desk.catalogue.forms.get(form)
            self._titles[form] = form if known is None else self.view.desk.catalogue.title(known, self.language).text
        return self._titles[form]

    def _gist(self, move: Move) -> str:
        """What a move says, in its author's words."""
        if move.kind == DECLINE:
            return str(move.fields.get(1, ""))
        said = self.said(move)
        return next((str(said[name]) for name in GISTS if said.get(name)), "")

    def _gist_of(self, name: Name) -> str:
        """What people may know an entry by: its first words, or else the title of its form."""
        move = self.judged.record.get(name)
        if move is not None:
            first, _, more = self._gist(move).partition("\n")
            long = more or len(first) > TITLE_CHARACTERS_MAX
            return f"{first[:TITLE_CHARACTERS_MAX]}…" if long else first or self._title(move.kind)
        record = self.talks.entry(name)
        notice = None if record is None else read_notice(record)
        return str(self.id(name)) if notice is None else self._title(notice.form)


def _state_of(slot: Slot, text: Move, standing: Move | None) -> str:
    """What became of one text of a commitment."""
    judged = next(each for each in slot.texts if each.move.name == text.name)
    if slot.agreed is not None and slot.agreed.name == text.name:
        return "proposed" if not slot.certain else "standing" if standing is slot.agreed else "replaced"
    ends = (("withdrawn", judged.withdrawn), ("declined", judged.declined), ("superseded", judged.superseded_by))
    end = next((name for name, by in ends if by is not None), None)
    if end is not None or slot.agreed is None:
        return end or "proposed"
    return "crossed" if text in slot.crossed else "superseded"
