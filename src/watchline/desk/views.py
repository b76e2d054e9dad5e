"""What people and programs are shown of lines and entries: plain JSON values, the ladder with its times, never a secret.

Each rung says when, and the words beside the ladder in docs/concepts.md say who vouches for it; two rungs are never merged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from watchline.core.amendments import TermsHistory, journal_history
from watchline.core.clocks import ACKNOWLEDGE
from watchline.core.confirmations import STATE_PART as CONFIRMED_PART
from watchline.core.confirmations import Confirmed
from watchline.core.entries import Body, EntryType, Leaf, Response
from watchline.core.persons import Assertion
from watchline.core.records import EntryRecord, Log, Pair
from watchline.core.setting import LineSetup, Moment
from watchline.core.silence import Silence
from watchline.core.statements import StatementType, kept_rung
from watchline.core.stubs import WITHHELD
from watchline.core.terms import Terms
from watchline.desk.clock import rfc3339
from watchline.desk.desk import Desk
from watchline.desk.drills import stored_drill
from watchline.desk.fallback import card_status
from watchline.desk.line_tests import stored_test
from watchline.desk.lines import OpenLine
from watchline.desk.past import first_copy, first_leaf, without_earlier_copies
from watchline.desk.references import Names, find, reference_to
from watchline.desk.rungs import read_notice, read_withdrawal, rung_from, withdrawn_by
from watchline.desk.silence_grounds import judge_record, read_silence
from watchline.desk.standing import line_standing
from watchline.errors import PeerError
from watchline.journal import Journal, LineRecord

CONTENT_OF_MACHINES = frozenset({EntryType.CONTINUES, EntryType.CANCEL, EntryType.ROSTER, EntryType.CONFIRM, EntryType.TERMS})
PRECEDENCES = ("ROUTINE", "PRIORITY", "IMMEDIATE", "FLASH")
Json = dict[str, Any]


class LineView:
    """One line's entries, for readers; works on a running desk and on a journal alone."""

    def __init__(self, desk: Desk, row: LineRecord) -> None:
        self.desk = desk
        self.row = row
        opened = desk.lines.get(row.line)
        self.setup: LineSetup = opened.line.setup if opened is not None else desk.setup_of(row)[0]
        self.opened: OpenLine | None = opened
        self._histories: dict[Pair, TermsHistory] = {}

    @property
    def journal(self) -> Journal:
        """Where the entries are."""
        return self.desk.journal

    @property
    def names(self) -> Names:
        """What references are read against."""
        setup = self.setup
        return Names(setup.line, self.desk.facts.name, setup.peer_identity.desk, setup.outgoing_log, setup.incoming_log)

    def find(self, text: str) -> EntryRecord:
        """The entry a person means; UsageError if none or several."""
        return find(self.journal, self.names, text)

    def author(self, record: EntryRecord) -> str:
        """The desk that wrote an entry."""
        return self.desk.facts.name if record.log.outgoing else self.setup.peer_identity.desk

    def referring(self, record: EntryRecord) -> list[EntryRecord]:
        """The entries that acknowledge, answer or decline this one, in the order of the other log."""
        other = record.log._replace(outgoing=not record.log.outgoing)
        found = (self.journal.entry(other, index) for index in self.journal.referring(other, record.index))
        return [entry for entry in found if entry is not None and entry.type != EntryType.CANCEL]

    def rungs(self, record: EntryRecord) -> dict[str, str]:
        """The rungs that an entry has reached, with their times as RFC 3339; those not reached are left out."""
        return {rung: rfc3339(at) for rung, at in self.times(record).items()}

    def times(self, record: EntryRecord) -> dict[str, int]:
        """The rungs that an entry has reached, with their times in seconds since 1970.

        `composed` and `attempted` are the author's word, `received` and `rung` the receiver's signed clock, the rest the other
        desk's entries that people there stand behind, by the time they came into custody. `overdue` is when the first clock
        that nobody has closed ran out: by the peer's own status where that lists the notice.
        """
        first = first_copy(self.journal, record)
        times = {} if first is None else self._climbed(first)
        own = self._climbed(record)
        times.update({rung: at for rung, at in own.items() if rung not in times})
        self._add_overdue(record, times, own.get("received"))
        return times

    def terms_of(self, pair: Pair) -> TermsHistory:
        """The terms of one pair of incarnations, the present one or an earlier one."""
        if self.opened is not None and pair == self.setup.pair:
            return self.opened.line.incoming.history
        if pair not in self._histories:
            self._histories[pair] = journal_history(self.setup.at(pair), self.journal)
        return self._histories[pair]

    @property
    def terms(self) -> Terms:
        """The terms in force now."""
        return self.terms_of(self.setup.pair).latest

    def terms_at(self, record: EntryRecord) -> Terms:
        """The terms by which an entry is judged."""
        return self.terms_of(record.log.pair).of(record)

    def _climbed(self, record: EntryRecord) -> dict[str, int]:
        """The rungs that one copy of an entry has reached, in seconds since 1970."""
        journal, log = self.journal, record.log
        times: dict[str, int] = {"composed": Leaf.decode(record.leaf).time}
        if log.outgoing:
            attempt = journal.first_attempt(self.row.line, log.pair, record.index + 1)
            if attempt is not None:
                times["attempted"] = attempt.time
        receipt = journal.first_receipt_covering(log, record.index + 1)
        if receipt is not None:
            times["received"] = receipt.time
        lifting = [(entry, rung_from(entry, record, first_leaf(journal, record))) for entry in self.referring(record)]
        closed = min((entry.index for entry, rung in lifting if rung is not None), default=None)
        if receipt is not None and self._sounds(record):
            rung_at = self._rung_at(log, record.index, closed)
            if rung_at is not None:
                times["rung"] = rung_at
        for entry, rung in lifting:
            if rung is not None:
                times.setdefault(rung, entry.time)
        return times

    def _sounds(self, record: EntryRecord) -> bool:
        """Whether consoles sound for an entry: a notice that waits for an acknowledgement. `rung` says nothing of others."""
        notice = read_notice(record)
        return notice is not None and (
            self.terms_at(record).clocks_for(notice.form, notice.precedence)[ACKNOWLEDGE] is not None
        )

    def _rung_at(self, log: Log, index: int, closed: int | None) -> int | None:
        """When the receiver first signed that a console of its sounded for every notice up to this one; None if it did not.

        closed: the entry of the receiver by which a person took the notice up. What it signs of consoles only after that may be
        because of that (rule 25).
        """
        ours = not log.outgoing
        last = self.journal.statement(self.row.line, ours, StatementType.STATUS)
        if last is None or (last.pair == log.pair and kept_rung(last.payload) <= index):
            return None  # most often so, and it saves a search
        for kept in self.journal.statements(self.row.line, ours, StatementType.STATUS, log.pair):
            held, said = (kept.their_size, kept.our_size) if ours else (kept.our_size, kept.their_size)
            if held > index and kept_rung(kept.payload) > index:
                return kept.time if closed is None or said <= closed else None
        return None

    def _add_overdue(self, record: EntryRecord, times: dict[str, int], received: int | None) -> None:
        """received: when this copy of the entry was; what is issued again is under a new clock."""
        if received is None or "answered" in times or "declined" in times:
            return
        now = self.desk.moment()
        opened = self.opened
        if opened is not None and record.log.pair == opened.line.setup.pair:
            due = opened.due_times(record.log.outgoing, record.index, now)
        else:
            due = self._due_by_journal(record, times, received)
        if due and min(due) <= now.wall:
            times["overdue"] = min(due)

    def _due_by_journal(self, record: EntryRecord, times: dict[str, int], received: int) -> list[int]:
        """When the clocks that nobody has closed run out, by the receipt and the terms alone: no node runs the line."""
        notice = read_notice(record)
        if notice is None or withdrawn_by(self.journal, record) is not None:
            return []
        clocks = self.terms_at(record).clocks_for(notice.form, notice.precedence)
        due = [] if clocks.acknowledge is None or "acknowledged" in times else [received + clocks.acknowledge]
        if clocks.answer is not None:
            due.append(received + clocks.answer)
        return due

    def entry(self, record: EntryRecord) -> Json:
        """One entry as `inbox`, `log` and `show` give it."""
        shown: Json = {
            "id": reference_to(record),
            "line": self.row.name,
            "type": _type_name(record.type),
            "number": record.number,
            "author": self.author(record),
            "time": rfc3339(Leaf.decode(record.leaf).time),
            "incarnations": list(record.log.pair),
            "unconfirmed": self._is_unconfirmed(record),
            "again": self._again(record),
            "released": None if record.gone == WITHHELD else record.released,
            "gone": record.gone,
            "officers": self._officers(record),
            "re": self._refers_to(record),
            "withdrawn": None if (by := withdrawn_by(self.journal, record)) is None else reference_to(by),
            "form": None,
            "version": None,
            "fields": {},
            "text": None,
            "content": None,
            "precedence": None,
            "exercise": False,
            "language": None,
            "silence": None,
            "rungs": self.rungs(record),
        }
        self._add_content(record, shown)
        if record.gone is not None:
            finding = self.desk.catalogue.word("findings", f"gone_{record.gone}", self.desk.facts.language)
            shown |= {"fields": {}, "text": None, "content": None, "rows": [], "finding": finding.text}
        return shown

    def _is_unconfirmed(self, record: EntryRecord) -> bool:
        """Whether nobody of this desk stands for the incarnation that wrote it, or that it was written to (rule 29)."""
        confirmed = Confirmed.decode(self.journal.state(self.row.line, CONFIRMED_PART))
        return bool(confirmed.lacking(record.log.pair))

    def _again(self, record: EntryRecord) -> str | None:
        """Where the entry stood first, as DESK/INC/NUMBER, if it was issued again."""
        again = Body.decode(record.body).again
        if again is None:
            return None
        number = f"@{again.place}" if again.number is None else str(again.number)
        return f"{self.author(record)}/{again.inc}/{number}"

    def _add_content(self, record: EntryRecord, shown: Json) -> None:
        notice = read_notice(record) or read_withdrawal(record)
        if notice is not None:
            reading = self.desk.catalogue.read(
                notice.form,
                notice.version,
                notice.fields,
                language=self.desk.facts.language,
                zone=self.desk.facts.zone or None,
                precedence=notice.precedence,
                name_reference=self.name_reference(record),
            )
            shown.update(
                form=notice.form,
                version=notice.version,
                fields=reading.fields,
                text="\n".join(f"{row.label}: {row.text}" for row in reading.rows),
                title=reading.title.text,
                title_en=reading.title.english,
                rows=[
                    {"label": row.label, "text": row.text, "label_en": row.label_en, "text_en": row.text_en}
                    for row in reading.rows
                ],
                finding=None if reading.finding is None else reading.finding.text,
                precedence=PRECEDENCES[notice.precedence],
                exercise=notice.exercise,
                language=notice.language,
            )
        elif (response := _read_response(record)) is not None:
            shown["language"] = response.language
            shown["form"] = "acknowledgement" if record.type == EntryType.ACKNOWLEDGE else "decline"
            shown["text"] = response.reason
        elif (silence := read_silence(record)) is not None:
            self._add_silence(record, silence, shown)
        elif record.type not in CONTENT_OF_MACHINES:  # a newer version wrote it, or nobody who keeps to the forms
            finding = self.desk.catalogue.word("findings", "unknown_content", self.desk.facts.language)
            shown.update(content=Body.decode(record.body).content.hex(), finding=finding.text)

    def _add_silence(self, record: EntryRecord, silence: Silence, shown: Json) -> None:
        """A silence certificate: what it says, and whether that follows from what this desk holds."""
        meant = self.journal.entry(record.log, silence.index)
        notice = None if meant is None else reference_to(meant)
        told: Json = {"notice": notice, "kind": silence.kind.value, "clock": silence.clock_word, "follows": True}
        try:
            judged = judge_record(self.journal, self.setup, record)
            told |= {name: getattr(judged, name) for name in ("seconds", "allowed", "said_by", "provisional")}
        except PeerError as error:
            told |= {"seconds": None, "allowed": None, "said_by": "author", "provisional": False, "follows": False}
            shown["finding"] = f"This certificate does not follow from what this desk holds: {error.message}"
        shown.update(silence=told, text=silence_text(told, self.author(record)))

    def _officers(self, record: EntryRecord) -> list[Json]:
        """Who stands behind the entry, by the author's roster: number, role, and the name where the desk gives one."""
        roster = self.setup.own_roster if record.log.outgoing else self.setup.peer_roster
        found = []
        try:
            for value in Body.decode(record.body).assertions:
                officer = roster.officer(Assertion.from_value(value).number)
                if officer is not None:
                    found.append({"number": officer.number, "role": officer.role, "name": officer.name})
        except PeerError:
            return []
        return found

    def _refers_to(self, record: EntryRecord) -> str | None:
        if record.re is None:
            return None
        outgoing = record.log.outgoing if record.type == EntryType.CANCEL else not record.log.outgoing
        meant = self.journal.entry(record.log._replace(outgoing=outgoing), record.re)
        return None if meant is None else reference_to(meant)

    def name_reference(self, record: EntryRecord) -> Callable[[Sequence[int]], str]:
        """How to name the references inside a form: [inc, peer_inc, i] is in the other desk's log, as its author counts, and
        with a fourth element 1 in the writer's own.
        """

        def name(value: Sequence[int]) -> str:
            inc, peer_inc, index, *own = value
            outgoing = record.log.outgoing if own else not record.log.outgoing
            pair = Pair(inc, peer_inc) if outgoing else Pair(peer_inc, inc)
            meant = self.journal.entry(Log(record.log.line, pair, outgoing), index)
            return "/".join(map(str, value)) if meant is None else reference_to(meant)

        return name

    def current_logs(self) -> tuple[Log, Log]:
        """(ours, theirs) of the pair of incarnations that is in use."""
        return self.setup.outgoing_log, self.setup.incoming_log

    def listed(self, limit: int) -> list[EntryRecord]:
        """The newest entries of all pairs, oldest first, without the machine's own (CONTINUES); what was issued again stands
        there once, at its newest place.

        For the screen, which asks often: the end of each log is read alone, so that a clock which was set back may leave out an
        entry at the edge. `listing.newest_page` leaves out none.
        """
        records: list[EntryRecord] = []
        for log in self.journal.logs(self.row.line):
            size = self.journal.size(log)
            newest = self.journal.entries(log, max(0, size - limit), size)
            records += [record for record in newest if record.type != EntryType.CONTINUES]
        records.sort(key=lambda record: (record.time, not record.log.outgoing, record.index))
        return without_earlier_copies(records)[-limit:]

    def incarnations(self) -> list[Json]:
        """Both desks' present incarnations, the certificate's digest that people compare, and whether people stand for them."""
        lacking = Confirmed.decode(self.journal.state(self.row.line, CONFIRMED_PART)).lacking(self.setup.pair)
        sides = (
            ("ours", self.desk.facts.name, self.setup.own_certificate),
            ("theirs", self.setup.peer_identity.desk, self.setup.peer_certificate),
        )
        return [
            {
                "side": side,
                "desk": name,
                "id": signed.certificate.desk.hex(),
                "inc": signed.certificate.inc,
                "fingerprint_of_certificate": sha256(signed.encoded).hexdigest(),
                "confirmed": side not in lacking,
            }
            for side, name, signed in sides
        ]


def silence_text(told: Json, author: str) -> str:
    """A silence certificate in one line."""
    waited = "" if told["seconds"] is None else f" for {told['seconds']} s"
    allowed = "" if told["allowed"] is None else f" ({told['allowed']} s allowed)"
    by = "by the own word of the desk that was asked" if told["said_by"] == "peer" else f"by the word of {author} alone"
    return f"Silence, {told['kind']}: nobody would {told['clock']} {told['notice']}{waited}{allowed}, {by}"


def _read_response(record: EntryRecord) -> Response | None:
    """What an acknowledgement or a decline says; None for other entries, and for content that says nothing of the kind."""
    if record.type not in (EntryType.ACKNOWLEDGE, EntryType.DECLINE):
        return None
    try:
        return Response.decode(Body.decode(record.body).content)
    except PeerError:
        return None


def _type_name(kind: int) -> str:
    return EntryType(kind).name.lower() if kind in EntryType.__members__.values() else str(kind)


def rung_of(rungs: dict[str, str]) -> str:
    """The highest rung of a ladder."""
    order = ("composed", "attempted", "received", "rung", "acknowledged", "answered", "declined")
    return [rung for rung in order if rung in rungs][-1]


def line_summary(desk: Desk, row: LineRecord) -> Json:
    """One line as `lines` gives it; the digits stand there until two people have compared them."""
    setup, pairing = desk.setup_of(row)
    shown: Json = {"name": row.name, "peer": setup.peer_identity.desk, "line": row.line.hex(), **line_standing(desk, row)}
    if not row.confirmed:
        shown["digits"] = pairing.digits
    return shown


def line_status(desk: Desk, row: LineRecord) -> Json:
    """One line as `status` gives it."""
    opened = desk.lines.get(row.line)
    view = LineView(desk, row)
    ours, theirs = view.current_logs()
    receipt = desk.journal.latest_receipt(ours)
    shown = line_summary(desk, row)
    test = None
    last = stored_test(desk.journal, row.line) if opened is None else opened.last_test
    if last is not None:
        test = {"at": rfc3339(last.at), "ok": bool(last.ok), "round_trip_seconds": last.round_trip_seconds}
    drill = stored_drill(desk.journal, row.line) if opened is None else desk.drills.last(opened)
    shown.update(
        last_test=test,
        last_drill=None if drill is None else {"at": rfc3339(drill.at), "ok": drill.ok, "seconds": drill.seconds},
        fallback=card_status(desk.journal, row, opened, desk.moment()),
        incarnations=[
            {"side": each["side"], "inc": each["inc"], "confirmed": each["confirmed"]} for each in view.incarnations()
        ],
        bodies_due=desk.removal.count(row),
        unreceipted=desk.journal.size(ours) - (receipt.size if receipt is not None else 0),
        unacknowledged=_unacknowledged(view, theirs) if opened is None else opened.line.unacknowledged,
        due=len(desk.talks.due(row)),
        routes=_routes(opened, desk.moment()),
        alarms=[
            {"at": rfc3339(alarm.time), "kind": alarm.kind, "message": alarm.message}
            for alarm in desk.journal.alarms(row.line)[-5:]
        ],
    )
    return shown


def _unacknowledged(view: LineView, theirs: Log) -> int:
    """How many notices of the peer wait for a person here, counted from the journal alone."""
    count = 0
    for record in view.journal.entries(theirs, 0, view.journal.size(theirs)):
        notice = read_notice(record)
        if notice is None or view.terms_at(record).clocks_for(notice.form, notice.precedence)[ACKNOWLEDGE] is None:
            continue
        count += not any(rung_from(entry, record) for entry in view.referring(record)) and not withdrawn_by(
            view.journal, record
        )
    return count


def _routes(opened: OpenLine | None, moment: Moment) -> list[Json]:
    if opened is None:
        return []
    shown = [
        {
            "kind": route.kind,
            "address": route.address,
            "state": _route_state(route),
            "round_trip_seconds": route.seconds,
            "carries": route.carries,
            "peer_seen_seconds": None if route.peer_seen_at is None else round(moment.running - route.peer_seen_at, 1),
        }
        for route in opened.routes.values()
    ]
    dialled_by_peer = [link.address for link in opened.links if not link.outbound]
    return shown + [
        {
            "kind": "direct",
            "address": address,
            "state": "up, dialled by the peer",
            "round_trip_seconds": None,
            "carries": None,
            "peer_seen_seconds": None,
        }
        for address in dialled_by_peer
    ]


def _route_state(route: Any) -> str:
    if route.linked:
        return "up"
    return "untried" if route.outcome is None else str(route.outcome)
