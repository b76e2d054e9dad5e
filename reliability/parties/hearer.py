"""The desk that hears: a real line over a real journal, whose whole state is compared before and after each attempt.

What is offered is always sealed under the frame key of the direction in which it is offered, so the outer tag holds and refuses
nothing. The state is everything that the line's objects hold, without a list of what to look at: what is left out is listed in
`COUNTERS`, so that whatever a later version adds is state until somebody says that it is not.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, is_dataclass, replace
from enum import Enum
from itertools import count
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from reliability.parties.attempts import CHANGED, TAKEN, named
from reliability.parties.desks import WITNESS
from tests.line_pair import Clock, LinePair, Party, Side, setup_of, terms
from watchline.core.encoding import Value, encode
from watchline.core.frames import FrameKey, Item, Refusal
from watchline.core.line import Line
from watchline.core.records import AlarmRecord
from watchline.core.setting import LineSetup, Moment
from watchline.core.terms import Witness
from watchline.errors import PeerError

QUIET_SECONDS = 1.1  # between two attempts: the line asks for a full form and refuses once a second at most

COUNTERS = {
    "Line": {"junk", "refused", "_alarms", "_refused_at", "_probes", "_reader", "_keys"},
    "Incoming": {"dropped", "_asked", "_early", "_early_bytes", "_reader", "_roots"},  # what waits for its turn: rule 20
    "Outgoing": {"_reader", "_shown_full_at", "_roots"},
    "StatementGate": {"_checks", "_certificates", "_shown", "_failures", "_next", "_known", "_early"},
    "Witnessed": {"_reader", "_keys", "_made"},  # the keys of the terms, and what our own nonces were made of
    "Changeover": {"_reminded_at"},  # when a certificate was last told to who speaks as an earlier incarnation: rule 28
}
"""What an attempt may change, by class: counters, the pace of questions and alarms, what waits; and what is no
state: the journal, and roots that were looked up in it."""


class WatchedLine(Line):
    """A line that also says with which rule it refused an item."""

    def __init__(self, setup: LineSetup, reader: object, **options: object) -> None:
        super().__init__(setup, reader, **options)  # type: ignore[arg-type]
        self.refused: list[PeerError] = []

    def _receive_item(self, item: Item, moment: Moment) -> None:
        try:
            super()._receive_item(item, moment)
        except PeerError as error:
            self.refused.append(error)
            raise


def frozen(value: object) -> object:
    """The state behind an object, as values that can be compared."""
    kind = type(value)
    if value is None or kind in (int, float, str, bytes, bool):
        return value
    if kind in (list, tuple, deque):
        return tuple(map(frozen, value))  # type: ignore[call-overload]
    if isinstance(value, Counter | dict):
        return tuple((frozen(key), frozen(item)) for key, item in value.items())
    if kind in (set, frozenset):
        return frozenset(map(frozen, value))  # type: ignore[call-overload]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, LineSetup):
        return id(value)  # nothing changes one: another setup is another object
    if is_dataclass(value) and not isinstance(value, type) and kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        return value
    if kind.__module__.startswith(("watchline.", __name__)) and not callable(value):
        left_out = {name for base in kind.__mro__ for name in COUNTERS.get(base.__name__, ())}
        return kind.__name__, tuple((name, frozen(getattr(value, name))) for name in _attributes(value) if name not in left_out)
    if isinstance(value, tuple):
        return tuple(map(frozen, value))
    return None  # functions, ciphers


def _attributes(value: object) -> list[str]:
    slots = [name for base in type(value).__mro__ for name in getattr(base, "__slots__", ())]
    return [*getattr(value, "__dict__", {}), *slots]


class Joined(LinePair):
    """Any two parties, joined, as `LinePair` joins Tokyo and Beijing. The second one's line is watched."""

    def __init__(self, folder: Path, one: Party, other: Party, line: bytes) -> None:
        folder.mkdir(parents=True)
        self.clock = Clock()
        self.padded = False
        agreed = replace(terms(), witnesses=(Witness("the witness", WITNESS.verifier.to_text()),))
        own, theirs = (replace(setup_of(*ends, line), terms=agreed) for ends in ((one, other), (other, one)))
        self.a = self._side(folder / "a.db", own, one, (line, "a"))
        self.b = self._side(folder / "b.db", theirs, other, (line, "b"))
        self.a.peer, self.b.peer = self.b, self.a
        self.talk()
        self.watch(self.b)
        self.connect()
        self.settle()

    def talk(self) -> None:
        """Some words each way, and epochs that were followed; at the end both desks hold all."""
        self.connect()
        self.settle()
        for number in range(3):
            self.b.acknowledge(self.a.say(f"from one, {number}"))
            self.b.say(f"from the other, {number}")
            self.settle()

    @staticmethod
    def watch(side: Side) -> None:
        """Start one side again, with a line that says what it refuses."""
        side.line = WatchedLine.restore(side.setup, side.journal, side.clock.moment())
        side.out.clear()


def _waiting(line: Line) -> set[int]:
    """The entries that wait for their turn, each told from an equal one."""
    return set(map(id, line.incoming._early.values()))


class Hearer:
    """The slot of one frame item, at the second desk of a line; its peer could send each object of `Facts` next.

    It has an entry of its own under way without a receipt, has just said a status, and has asked for the next entry in full.
    """

    def __init__(self, folder: Path, one: Party, other: Party, line: bytes) -> None:
        self._made_of = folder, one, other, line
        self._lives = count()
        self._begin()

    def _begin(self) -> None:
        folder, one, other, line = self._made_of
        self.pair = Joined(folder / str(next(self._lives)), one, other, line)
        self.side = self.pair.b
        self._cipher = AESGCMSIV(self.side.setup.outer_keys()[1])
        assert isinstance(self.side.line, WatchedLine)
        self.line = self.side.line
        self.side.say("without a receipt")
        for _ in range(2):
            self.pair.clock.advance(2)
            self.side.turn()
        self._before = frozen(self.line)
        assert self.offer(self._junk_entry()) == "asked 22"

    @property
    def _next_index(self) -> int:
        return self.line.incoming.edge.size

    def _junk_entry(self) -> Value:
        epoch = self.line.incoming.epoch
        return [1, *self.side.setup.pair[::-1], epoch, self._next_index, [[1, 0, bytes(32), 0, None, bytes(32)]], bytes(64)]

    def renew(self) -> None:
        self.close()
        self._begin()

    def close(self) -> None:
        """Close both journals."""
        self.pair.close()

    def seal(self, payload: bytes) -> bytes:
        """A frame to this desk with any payload, under the key of its peer's direction."""
        nonce = self.side.clock.random.randbytes(12)
        return nonce + self._cipher.encrypt(nonce, payload, None)

    def offer(self, value: Value) -> str:
        """Offer one item in a frame of its own; before a full entry, have it ask for the next entry."""
        if isinstance(value, list) and value[:1] == [4] and (self.line.incoming._asked or (0,))[0] != self._next_index:
            self.hear(self.seal(encode([1, self._junk_entry()]) + b"\x80"))
        return self.hear(self.seal(encode([1, value]) + b"\x80"))

    def takes(self, value: Value) -> str:
        """Offer something genuine: nothing to say if it was taken, else how it ended. What waited may be asked for with it."""
        outcome = self.offer(value)
        self._before = frozen(self.line)
        return "" if outcome.startswith((TAKEN, CHANGED)) and not self.line.refused else outcome

    def hear(self, frame: bytes) -> str:
        """Offer a frame, and say how it ended as `Slot.offer` does."""
        line = self.line
        self.pair.clock.advance(QUIET_SECONDS)
        line.refused.clear()
        junk, dropped, waiting = line.junk, line.incoming.dropped, _waiting(line)
        line.receive(frame, self.side.clock.moment())
        if line.refused:
            outcome = named(line.refused[-1])
        elif line.junk > junk:
            outcome = self._unopened(frame)
        elif line.incoming.dropped > dropped:
            outcome = "dropped 20"
        elif _waiting(line) - waiting:
            outcome = "waits 20"
        else:
            outcome = ""
        effects = line.turn(self.side.clock.moment())
        answers = [self._answer(item) for frame in effects.frames for item in self._own_key().open(frame)]
        outcome = outcome or (answers[0] if answers else "")
        kept = [record for record in effects.records if not isinstance(record, AlarmRecord)]
        if frozen(line) == self._before and not kept:
            return outcome or "ignored -"
        return f"{CHANGED} after {outcome}" if outcome and not outcome.startswith("answered") else TAKEN

    def _unopened(self, frame: bytes) -> str:
        """Why a frame was only counted: by the rule of the frame, or because it names other incarnations or an unknown kind."""
        try:
            FrameKey(self.side.setup.outer_keys()[1]).open(frame)
        except PeerError as error:
            return named(error)
        return "counted 20"

    def _own_key(self) -> FrameKey:
        return FrameKey(self.side.setup.outer_keys()[0])

    @property
    def frames(self) -> FrameSlot:
        """The same desk as the slot of whole frames."""
        return FrameSlot(self)

    @staticmethod
    def _answer(item: Item) -> str:
        return f"asked {item.rule}" if isinstance(item, Refusal) else f"answered {type(item).__name__}"


@dataclass(frozen=True, slots=True)
class FrameSlot:
    """The same desk, where it takes a whole frame."""

    hearer: Hearer

    def offer(self, value: Value) -> str:
        assert isinstance(value, bytes)
        return self.hearer.hear(value)

    def renew(self) -> None:
        self.hearer.renew()
