"""Who is on watch at this desk, which consoles can make noise now, and which notices have sounded (rule 25).

People sign in and out with their own keys, with a role and until when; that survives a restart. A console that is armed says so
again and again, and counts no longer once it has not: no restart keeps one. What the peer is told of both is in every status.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchline.core import shapes
from watchline.core.clocks import ACKNOWLEDGE
from watchline.core.encoding import decode, encode
from watchline.core.persons import MAY, OFFICER_NUMBER_MAX
from watchline.core.setting import Moment
from watchline.desk.lines import OpenLine
from watchline.errors import Malformed, UsageError

if TYPE_CHECKING:
    from watchline.desk.desk import Desk

DOCUMENT_KIND, RUNG_DOCUMENT_KIND = "watch", "rung"
ARMED_SECONDS = 30.0  # a console that has not renewed for so long is silent
CONSOLES_MAX, CONSOLE_CHARACTERS_MAX = 64, 64
TOLD_SECONDS = 5.0  # between two statuses that only a change of the counts has made
KEPT_SECONDS = 60.0  # how often it is kept that the watch is whole: after a kill the count begins at most so much too early
WATCH_SECONDS_MAX = 7 * 24 * 3600
ROLE_CHARACTERS_MAX = 32


@dataclass(frozen=True, slots=True)
class OnWatch:
    """One officer who is signed in. number: in this desk's roster. since, until: seconds since 1970."""

    number: int
    role: str
    since: int
    until: int


class Watch:
    """The watch of one desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._people = {person.number: person for person in _read_people(desk.journal.document(DOCUMENT_KIND, "people"))}
        self._consoles: dict[str, float] = {}
        moment = desk.moment()
        kept = desk.journal.document(DOCUMENT_KIND, "whole")
        away = 0 if kept is None else max(0, moment.wall - shapes.integer(decode(kept), "whole"))
        self._whole_at = moment.running - away  # when there last was one of each; never: since this process began
        self._kept_at: float | None = None
        self._told: tuple[int, int] = (0, 0)
        self._told_at = moment.running - TOLD_SECONDS
        self._sounded: dict[OpenLine, _Sounded] = {}

    # --- people

    @property
    def people(self) -> tuple[OnWatch, ...]:
        """Who is signed in, by their numbers: those whose time has not run out, and whom the roster still lets acknowledge."""
        return self._on_watch(self._desk.moment().wall)

    def _on_watch(self, wall: int) -> tuple[OnWatch, ...]:
        return tuple(self._people[number] for number in sorted(self._people) if self._counts(self._people[number], wall))

    def _counts(self, person: OnWatch, wall: int) -> bool:
        officer = self._desk.facts.roster.officer(person.number)
        return wall < person.until and officer is not None and officer.role in MAY["watch"]

    def sign_in(self, number: int, role: str, wall: int, until: int) -> None:
        """Officer `number` is on watch from `wall` to `until`; durable on return. Who stands behind it was judged before.

        Raises UsageError for a role or times that nobody can have.
        """
        self.check(role, wall, until)
        self._enter(number, role, wall, until)
        self._keep_people(wall)

    def check(self, role: str, wall: int, until: int) -> None:
        """Raise UsageError for a role or times that nobody can have."""
        if not role.strip() or len(role) > ROLE_CHARACTERS_MAX or not role.isprintable():
            raise UsageError(f"a role has 1 to {ROLE_CHARACTERS_MAX} characters", hint="give --role WORD", given=role[:80])
        if not wall < until <= wall + WATCH_SECONDS_MAX:
            raise UsageError(
                f"a watch ends after now and within {WATCH_SECONDS_MAX // 3600} hours", hint="give another --hours", until=until
            )

    def hand_over(self, leaving: int, relief: int, role: str, wall: int, until: int) -> None:
        """Officer `relief` is on watch and `leaving` no longer, both at once; durable on return."""
        self._people.pop(leaving, None)
        self._enter(relief, role, wall, until)
        self._keep_people(wall)

    def _enter(self, number: int, role: str, wall: int, until: int) -> None:
        known = self._people.get(number)
        since = known.since if known is not None and self._counts(known, wall) else wall
        self._people[number] = OnWatch(number, role, since, until)

    def sign_out(self, number: int) -> None:
        """Officer `number` is on watch no longer; durable on return. Nothing happens if they were not."""
        if self._people.pop(number, None) is not None:
            self._keep_people(self._desk.moment().wall)

    def _keep_people(self, wall: int) -> None:
        kept = self._on_watch(wall)
        self._people = {person.number: person for person in kept}
        value = encode([[person.number, person.role, person.since, person.until] for person in kept])
        self._desk.keep_document(DOCUMENT_KIND, "people", value)

    # --- consoles

    def arm(self, console: str, moment: Moment) -> None:
        """A console can make noise now; it says so again within ARMED_SECONDS. Raises UsageError for too many."""
        if not 1 <= len(console) <= CONSOLE_CHARACTERS_MAX or not console.isprintable():
            raise UsageError(f"a console has a name of 1 to {CONSOLE_CHARACTERS_MAX} characters", hint="give it another")
        self._forget_silent(moment)
        if console not in self._consoles and len(self._consoles) >= CONSOLES_MAX:
            raise UsageError(f"{CONSOLES_MAX} consoles are armed already", hint="close some", armed=len(self._consoles))
        self._consoles[console] = moment.running

    def disarm(self, console: str) -> None:
        """A console is silent from now on."""
        self._consoles.pop(console, None)

    def is_armed(self, console: str, moment: Moment) -> bool:
        """Whether this console can make noise now."""
        self._forget_silent(moment)
        return console in self._consoles

    @property
    def armed(self) -> int:
        """How many consoles can make noise now."""
        self._forget_silent(self._desk.moment())
        return len(self._consoles)

    def _forget_silent(self, moment: Moment) -> None:
        self._consoles = {name: at for name, at in self._consoles.items() if moment.running < at + ARMED_SECONDS}

    # --- what has sounded

    def sounded(self, opened: OpenLine, index: int, moment: Moment) -> None:
        """An armed console has sounded for this notice of the peer: raise the size below which all have; durable on return.

        A notice that a person acknowledged before any console could sound stands in nobody's way. An index that waits for
        nobody changes nothing.
        """
        waiting = {clock.index for clock in opened.running_clocks(False, moment) if clock.kind == ACKNOWLEDGE}
        if index not in waiting:
            return
        known = self._known(opened)
        known.indexes.add(index)
        size = min([max(known.indexes) + 1, *(waiting - known.indexes)])
        if size > known.size:
            known.size = size
            self._desk.keep_document(RUNG_DOCUMENT_KIND, _pair_key(opened), encode(size))
            opened.line.statuses.rung = size
            opened.line.statuses.soon(moment)
            self._desk.touch(opened)
        known.indexes = {each for each in known.indexes if each in waiting or each >= known.size}

    def has_sounded(self, opened: OpenLine, index: int) -> bool:
        """Whether an armed console has sounded for this notice of the peer."""
        known = self._known(opened)
        return index < known.size or index in known.indexes

    def _known(self, opened: OpenLine) -> _Sounded:
        known, key = self._sounded.get(opened), _pair_key(opened)
        if known is None or known.key != key:  # another pair of incarnations begins anew
            kept = self._desk.journal.document(RUNG_DOCUMENT_KIND, key)
            known = _Sounded(key, 0 if kept is None else shapes.integer(decode(kept), "rung"), set())
            self._sounded[opened] = known
        return known

    # --- what the peer is told

    def counts(self, moment: Moment) -> tuple[int, int, int]:
        """(people signed in, armed consoles, seconds since there was one of each), as statuses say them."""
        self._forget_silent(moment)
        people, armed = len(self._on_watch(moment.wall)), len(self._consoles)
        if people and armed:
            self._whole_at = moment.running
        return people, armed, max(0, int(moment.running - self._whole_at))

    def speak(self, lines: Sequence[OpenLine], moment: Moment) -> None:
        """Let the status that these lines are about to say tell how things stand."""
        if not lines:
            return
        counts = self.counts(moment)
        for opened in lines:
            opened.line.statuses.watch = counts
            opened.line.statuses.rung = self._known(opened).size

    def on_time(self, moment: Moment) -> None:
        """Tell every peer soon when a count has changed, and keep since when the watch is not whole."""
        people, armed, alone = self.counts(moment)
        self._keep_whole(moment, whole=alone == 0 and people > 0 and armed > 0)
        if (people, armed) == self._told or moment.running < self._told_at + TOLD_SECONDS:
            return
        self._told, self._told_at = (people, armed), moment.running
        for opened in self._desk.lines.values():
            opened.line.statuses.soon(moment)
            self._desk.touch(opened)

    def _keep_whole(self, moment: Moment, *, whole: bool) -> None:
        due = self._kept_at is None or moment.running >= self._kept_at + KEPT_SECONDS
        if whole and due:
            self._desk.keep_document(DOCUMENT_KIND, "whole", encode(moment.wall))
            self._kept_at = moment.running
        elif not whole and self._kept_at is not None:
            at = moment.wall - int(moment.running - self._whole_at)
            self._desk.keep_document(DOCUMENT_KIND, "whole", encode(max(0, at)))
            self._kept_at = None


@dataclass(slots=True)
class _Sounded:
    """What has sounded on one pair of incarnations: all below `size`, and these indexes above it."""

    key: str
    size: int
    indexes: set[int]


def _pair_key(opened: OpenLine) -> str:
    pair = opened.line.setup.pair
    return f"{opened.record.line.hex()}-{pair.ours}-{pair.theirs}"


def _read_people(document: bytes | None) -> list[OnWatch]:
    if document is None:
        return []
    people = []
    for value in shapes.array(decode(document), "people on watch"):
        number, role, since, until = shapes.array(value, "one on watch", length=4)
        people.append(
            OnWatch(
                shapes.integer(number, "number", at_least=1, at_most=OFFICER_NUMBER_MAX),
                shapes.text(role, "role", at_most=ROLE_CHARACTERS_MAX * 4),
                shapes.integer(since, "since"),
                shapes.integer(until, "until"),
            )
        )
    if len({person.number for person in people}) != len(people):
        raise Malformed("one officer is on watch twice", rule=25)
    return people
