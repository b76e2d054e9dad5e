"""What people and consoles ask about the watch: `desk.watch` and `desk.handover`, as methods of the api."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchline.core.clocks import ACKNOWLEDGE, RunningClock
from watchline.core.encoding import Value, decode
from watchline.core.terms import PRECEDENCES
from watchline.desk.clock import rfc3339
from watchline.desk.handover import (
    keep_handover,
    listed_handovers,
    make_record,
    off_statement,
    officer_value,
    on_statement,
    record_value,
)
from watchline.desk.lines import OpenLine
from watchline.desk.references import reference_to
from watchline.desk.rungs import read_notice
from watchline.errors import PeerError, UsageError

if TYPE_CHECKING:
    from watchline.desk.api import Api, Method

Json = dict[str, Any]
ALARMS_MAX = 64
HANDOVERS_MAX = 100


def methods(api: Api) -> dict[str, Method]:
    """The methods about the watch, by name."""
    answers = _WatchMethods(api)
    return {name: getattr(answers, name) for name in NAMES}


NAMES = (
    "watch_nonce",
    "watch_on",
    "watch_off",
    "watch_who",
    "watch_handover_draft",
    "watch_handover",
    "watch_handovers",
    "console_arm",
    "console_disarm",
    "console_sounded",
    "alarms",
)


class _WatchMethods:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._desk = api.desk
        self._watch = api.desk.watch
        self._signatures = api.desk.watch_signatures

    async def watch_nonce(self) -> Json:
        """The nonce for one signature of a watch."""
        return {"nonce": self._signatures.ask().hex()}

    async def watch_on(self, number: int, role: str, until: int, nonce: str, assertion: str) -> Json:
        """Officer `number` is on watch; the assertion is theirs."""
        statement = on_statement(*_values((int, number), (str, role), (int, until)))
        if self._signatures.verify(_octets(nonce), statement, [_value(assertion)], 1) != [number]:
            raise UsageError("an officer signs in with their own key", hint="sign with --as that officer", officer=number)
        self._watch.sign_in(number, role, self._desk.moment().wall, until)
        return await self.watch_who()

    async def watch_off(self, number: int, nonce: str, assertion: str) -> Json:
        """Officer `number` is on watch no longer; the assertion is theirs, or of one who is on watch."""
        statement = off_statement(*_values((int, number)))
        (signer,) = self._signatures.verify(_octets(nonce), statement, [_value(assertion)], 1)
        on_watch = {person.number for person in self._watch.people}
        if number not in on_watch:
            raise UsageError(f"officer {number} is not on watch", hint="see watchline watch who", officer=number)
        if signer != number and signer not in on_watch:
            raise UsageError(
                "an officer is signed out by themselves, or by another who is on watch",
                hint="sign in first: watchline watch on",
                officer=signer,
            )
        self._watch.sign_out(number)
        return await self.watch_who()

    async def watch_who(self) -> Json:
        """Who is on watch, how many consoles can make noise, and for how long nobody, or none, was there."""
        _, armed, alone = self._watch.counts(self._desk.moment())
        people = [
            {
                **officer_value(self._desk, person.number),
                "role": person.role,
                "since": rfc3339(person.since),
                "until": rfc3339(person.until),
            }
            for person in self._watch.people
        ]
        return {"people": people, "armed": armed if self._api.live else 0, "seconds_alone": alone}

    async def watch_handover_draft(self, leaving: int, relief: int, role: str | None, until: int) -> Json:
        """The record that both officers sign, and the nonce for it; warned of: what nobody has tested."""
        on_watch = {person.number: person for person in self._watch.people}
        _values((int, leaving), (int, relief), (int, until))
        if leaving not in on_watch:
            raise UsageError(f"officer {leaving} is not on watch", hint="see watchline watch who", officer=leaving)
        if leaving == relief:
            raise UsageError("a watch is handed to another officer", hint="give --to another name", officer=relief)
        untested = self._desk.escalation.untested()
        record = make_record(self._desk, leaving, relief, role or on_watch[leaving].role, until, untested)
        nonce = self._signatures.ask(record)
        return {"record": record.hex(), "nonce": nonce.hex(), "handover": record_value(self._desk, record)}

    async def watch_handover(self, record: str, nonce: str, assertions: str) -> Json:
        """The watch is handed over: the record is kept, one officer is off and the other on watch."""
        statement, spent, signatures = _octets(record), _octets(nonce), _value(assertions)
        if not isinstance(signatures, list):
            raise UsageError("assertions are a list")
        signers = self._signatures.verify(spent, statement, signatures, 2)
        _, _, leaving, relief, role, until, *_ = decode(statement)  # ours: the nonce is good for no other
        if sorted(signers) != sorted((leaving, relief)):
            raise UsageError("both officers sign a handover, and nobody else", hint="sign with --as and --to")
        wall = self._desk.moment().wall
        self._watch.check(role, wall, until)
        keep_handover(self._desk, statement, spent, signatures)
        self._watch.hand_over(leaving, relief, role, wall, until)
        return {"handover": record_value(self._desk, statement)}

    async def watch_handovers(self, limit: int = 10) -> Json:
        """The newest handovers."""
        (limit,) = _values((int, limit))
        return {"handovers": listed_handovers(self._desk, max(1, min(limit, HANDOVERS_MAX)))}

    # --- consoles

    async def console_arm(self, console: str) -> Json:
        """A console can make noise; asked again within 30 seconds."""
        self._api.need_node()
        _values((str, console))
        self._watch.arm(console, self._desk.moment())
        return {"armed": self._watch.armed}

    async def console_disarm(self, console: str) -> Json:
        """A console is silent."""
        self._api.need_node()
        _values((str, console))
        self._watch.disarm(console)
        return {"armed": self._watch.armed}

    async def console_sounded(self, console: str, line: str, id: str) -> Json:  # noqa: A002 - as everywhere
        """An armed console has sounded for a notice of the peer."""
        opened = self._api.open(line)
        record = self._api.view(line).find(id)
        _values((str, console))
        if not self._watch.is_armed(console, self._desk.moment()):
            raise UsageError("a console that is not armed cannot have sounded", hint="arm it first", console=console[:64])
        if record.log != opened.line.setup.incoming_log:
            raise UsageError(f"{id} is no notice of the peer's present log", hint="only such a notice sounds", id=id)
        self._watch.sounded(opened, record.index, self._desk.moment())
        return {"rung": opened.line.statuses.rung}

    async def alarms(self) -> Json:
        """The notices of all peers that no person here has acknowledged: what a console sounds for, the most urgent first."""
        moment = self._desk.moment()
        clocks = [
            (opened, clock)
            for opened in self._desk.lines.values()
            for clock in opened.running_clocks(False, moment)
            if clock.kind == ACKNOWLEDGE
        ]
        clocks.sort(key=lambda each: (-each[1].precedence, -each[1].seconds))
        alarms = [alarm for each in clocks[:ALARMS_MAX] if (alarm := self._alarm(*each)) is not None]
        return {"alarms": alarms, "left_out": max(0, len(clocks) - ALARMS_MAX)}

    def _alarm(self, opened: OpenLine, clock: RunningClock) -> Json | None:
        record = self._desk.journal.entry(opened.line.setup.incoming_log, clock.index)
        notice = None if record is None else read_notice(record)
        if record is None or notice is None:
            return None
        return {
            "line": opened.record.name,
            "id": reference_to(record),
            "form": notice.form,
            "precedence": PRECEDENCES[clock.precedence],
            "exercise": notice.exercise,
            "seconds": clock.seconds,
            "allowed": clock.allowed,
            "sounded": self._watch.has_sounded(opened, clock.index),
            "steps": self._desk.escalation.steps_run(opened, clock.index),
        }


def _values(*typed: tuple[type, Any]) -> list[Any]:
    """Values that a caller gave, each of the type it must have. Raises UsageError."""
    for wanted, value in typed:
        if type(value) is not wanted:
            raise UsageError(f"{str(value)[:64]!r} is not what is asked for", hint="use the commands of the node's version")
    return [value for _, value in typed]


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except (ValueError, TypeError):
        raise UsageError("bytes are asked for in hexadecimal") from None


def _value(encoded: str) -> Value:
    try:
        return decode(_octets(encoded))
    except PeerError as error:
        raise UsageError(f"an assertion is {error.message}") from None
