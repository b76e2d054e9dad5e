"""Any order, loss, repetition, delay and damage of frames, with restarts, cuts and wrong clocks in between: once the network
heals, every entry has arrived once and in order, every receipt holds, and nobody was accused of anything.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.line_pair import LinePair, Side, joined
from watchline.core.checkpoint import Checkpoint, cosignature_message
from watchline.core.entries import EntryType, Notice, Precedence
from watchline.core.keys import verify_ed25519
from watchline.core.line import Phase

FIFTY_YEARS = 50 * 365 * 86400
NETWORK_MAX = 400


def verify_all_received(author: Side, reader: Side) -> None:
    """Both journals hold the author's log, the same to the byte, and each receipt in them verifies."""
    own, theirs = author.setup.outgoing_log, reader.setup.incoming_log
    size = author.journal.size(own)
    assert reader.journal.size(theirs) == size
    assert list(author.journal.leaves(own, 0, size)) == list(reader.journal.leaves(theirs, 0, size))
    assert author.journal.root_at(own, size) == reader.journal.root_at(theirs, size)
    bodies = [entry.body for entry in author.journal.entries(own, 0, size)]
    assert bodies == [entry.body for entry in reader.journal.entries(theirs, 0, size)]
    assert author.line.outgoing.received == size
    receipt = author.journal.latest_receipt(own)
    assert receipt is not None
    assert receipt.size == size
    text = Checkpoint(author.line.outgoing.origin, receipt.size, receipt.root).text()
    verify_ed25519(reader.party.keys.public.custody, receipt.signature, cosignature_message(receipt.time, text))
    assert receipt.root == author.journal.root_at(own, size)


def no_one_is_accused(pair: LinePair) -> None:
    for side in (pair.a, pair.b):
        assert side.alarms() == []
        assert side.line.phase is not Phase.STOPPED


class Network(RuleBasedStateMachine):
    """Two lines, and a network that does as it likes with their frames."""

    def __init__(self) -> None:
        super().__init__()
        self._joined = joined(connect=False)
        self.pair = self._joined.__enter__()
        self.sides = (self.pair.a, self.pair.b)
        self.said: tuple[list[str], list[str]] = ([], [])
        self.frames: list[tuple[int, bytes]] = []  # (who is to get it, frame)

    def collect(self) -> None:
        for number, side in enumerate(self.sides):
            self.frames += [(1 - number, frame) for frame in side.out]
            side.out.clear()
        del self.frames[:-NETWORK_MAX]

    def turn(self, number: int) -> None:
        side = self.sides[number]
        side.turn()
        sizes = [side.journal.size(log) for log in (side.setup.outgoing_log, side.setup.incoming_log)]
        assert sizes == [side.line.outgoing.edge.size, side.line.incoming.edge.size]
        self.collect()

    @rule(number=st.integers(0, 1))
    def connect(self, number: int) -> None:
        self.sides[number].line.connected(self.sides[number].clock.moment())
        self.turn(number)

    @rule(number=st.integers(0, 1))
    def cut(self, number: int) -> None:
        self.sides[number].line.disconnected()

    @rule(number=st.integers(0, 1), count=st.sampled_from([1, 2, 60]), turn=st.booleans())
    def say(self, number: int, count: int, turn: bool) -> None:
        for _ in range(count):
            text = str(len(self.said[number]))
            self.sides[number].say(text, once=text, released=count == 1)
            self.said[number].append(text)
        if turn:
            self.turn(number)

    @rule(number=st.integers(0, 1), form=st.sampled_from(["statement", "airspace-object"]))
    def ask(self, number: int, form: str) -> None:
        text = str(len(self.said[number]))
        self.sides[number].notice(Notice(form, 1, Precedence.FLASH, False, "en", {1: text}), once=text)
        self.said[number].append(text)
        self.turn(number)

    @precondition(lambda self: any(side.arrived for side in self.sides))
    @rule(data=st.data(), kind=st.sampled_from([EntryType.ACKNOWLEDGE, EntryType.DECLINE, EntryType.NOTICE, EntryType.CANCEL]))
    def respond(self, data: st.DataObject, kind: EntryType) -> None:
        number = data.draw(st.sampled_from([n for n in (0, 1) if self.sides[n].arrived]))
        side = self.sides[number]
        if kind is EntryType.CANCEL:
            side.cancel(data.draw(st.integers(0, side.line.outgoing.edge.size)))
        elif kind is EntryType.NOTICE:
            text = str(len(self.said[number]))
            side.say(text, once=text, re=data.draw(st.sampled_from(side.arrived)).index)
            self.said[number].append(text)
        else:
            side.acknowledge(data.draw(st.sampled_from(side.arrived)), kind=kind)
        if data.draw(st.booleans()):
            self.turn(number)

    @precondition(lambda self: self.frames)
    @rule(data=st.data(), keep=st.booleans(), turn=st.booleans())
    def deliver_any(self, data: st.DataObject, keep: bool, turn: bool) -> None:
        at = data.draw(st.integers(0, len(self.frames) - 1))
        number, frame = self.frames[at] if keep else self.frames.pop(at)
        self.sides[number].line.receive(frame, self.sides[number].clock.moment())
        if turn:
            self.turn(number)

    @precondition(lambda self: self.frames)
    @rule(data=st.data(), count=st.integers(1, 8), backwards=st.booleans())
    def deliver_some(self, data: st.DataObject, count: int, backwards: bool) -> None:
        taken, self.frames[:count] = self.frames[:count], []
        for number, frame in reversed(taken) if backwards else taken:
            self.sides[number].line.receive(frame, self.sides[number].clock.moment())
        for number in (0, 1):
            self.turn(number)

    @precondition(lambda self: self.frames)
    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        number, frame = data.draw(st.sampled_from(self.frames))
        bit = data.draw(st.integers(0, 8 * len(frame) - 1))
        damaged = bytearray(frame)
        damaged[bit // 8] ^= 1 << bit % 8
        line = self.sides[number].line
        junk = line.junk
        line.receive(bytes(damaged), self.sides[number].clock.moment())
        assert line.junk == junk + 1

    @rule(count=st.integers(1, 40))
    def lose(self, count: int) -> None:
        del self.frames[:count]

    @rule(number=st.integers(0, 1))
    def restart(self, number: int) -> None:
        side = self.sides[number]
        self.collect()
        side.restart(connected=side.line.reachable)
        kept = [entry.once for entry in side.journal.entries(side.setup.outgoing_log, 0, 1 << 30)]
        self.said[number][:] = [text for text in self.said[number] if text in kept]
        self.turn(number)

    @rule(seconds=st.sampled_from([0.3, 1.1, 5.0, 61.0, 90_000.0]))
    def wait(self, seconds: float) -> None:
        self.pair.clock.advance(seconds)
        for number, side in enumerate(self.sides):
            side.line.tick(side.clock.moment())
            self.turn(number)

    @rule(number=st.integers(0, 1), jump=st.sampled_from([-FIFTY_YEARS, 0, FIFTY_YEARS]))
    def set_clock(self, number: int, jump: int) -> None:
        self.sides[number].clock.jump = jump

    @invariant()
    def what_arrived_was_said_in_this_order(self) -> None:
        for number in (0, 1):
            arrived = self.sides[1 - number].texts()
            assert arrived == self.said[number][: len(arrived)]

    @invariant()
    def no_one_is_accused(self) -> None:
        no_one_is_accused(self.pair)

    def teardown(self) -> None:
        try:
            for side in self.sides:
                side.turn()
            self.collect()
            self.pair.connect()
            self.pair.settle(seconds=70)
            self.verify()
        finally:
            self._joined.__exit__(None, None, None)

    def verify(self) -> None:
        no_one_is_accused(self.pair)
        for number, side in enumerate(self.sides):
            assert side.line.phase is Phase.OPEN
            assert self.sides[1 - number].texts() == self.said[number]
            verify_all_received(side, self.sides[1 - number])
            assert side.line.statuses.peer_status is not None
            assert side.line.statuses.peer_status.size == self.sides[1 - number].line.outgoing.edge.size
            assert side.line.outgoing.chain.epoch > 1 or side.line.outgoing.next_held
            assert len(side.line.outgoing.prekeys) > 16


Network.TestCase.settings = settings(
    max_examples=20, stateful_step_count=40, suppress_health_check=list(HealthCheck), print_blob=True
)
test_any_network_delivers_every_entry_once_and_in_order_when_it_heals = Network.TestCase
