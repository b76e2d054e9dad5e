"""A desk whose line passes a relay: which link carries, what is known of the peer, and a relay that is an enemy."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.desk.desk_pair import LINE, DeskEnd, DeskPair
from tests.desk.test_desk import AGREED, draft, texts
from watchline.desk.lines import RouteState
from watchline.desk.relays import RelayedLine, boxes_of, keep_alive
from watchline.errors import JournalError
from watchline.routes.framing import format_frames
from watchline.routes.memory import Faults

ADDRESS = "nats://relay.example:4222"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    made = DeskPair(tmp_path, agreed=AGREED)
    yield made
    made.close()


def say(end: DeskEnd, text: str) -> None:
    end.desk.compose(end.line, draft(text))


def attempts(end: DeskEnd) -> list[tuple[str, str]]:
    end.desk.flush()
    return [(attempt.route.partition(" ")[0], attempt.outcome) for attempt in end.journal.attempts(LINE, 0)]


class EvilRelay:
    """Keeps every frame for ever, and hands on what `judge` makes of each, whenever it likes. Each desk has one link to it."""

    def __init__(self, pair: DeskPair) -> None:
        self.pair = pair
        self.kept: dict[str, list[bytes]] = {"a": [], "b": []}
        self.takes = True
        self.a, self.b = EvilLink(self, "a"), EvilLink(self, "b")
        self.routes = {name: RouteState("nats", ADDRESS, relay=True) for name in "ab"}
        self.owners = {name: RelayedLine(end.desk, end.line, self.routes[name]) for name, end in (("a", pair.a), ("b", pair.b))}
        self.judge: Callable[[str, bytes], Sequence[bytes]] = lambda _, frame: [frame]

    def join(self) -> None:
        for name, link in (("a", self.a), ("b", self.b)):
            self.owners[name].opened(link)

    def put(self, sender: str, frames: Sequence[bytes]) -> None:
        self.kept[sender] += frames
        for frame in frames:
            for handed in self.judge(sender, frame):
                self.hand(sender, handed)

    def hand(self, sender: str, frame: bytes, delay_seconds: float = 0.01, *, live: bool = True) -> None:
        """Give a frame to the desk at the other end, as if `sender` had sent it."""
        name, link = ("b", self.b) if sender == "a" else ("a", self.a)

        def arrive() -> None:
            if not link.is_closed:
                link.is_live = live
                self.owners[name].received(link, [frame])

        self.pair.clock.call_at(self.pair.clock.now_seconds + delay_seconds, arrive)


class EvilLink:
    kind = "nats"
    outbound = True
    congested = False
    address = ADDRESS
    peer = bytes(32)

    def __init__(self, relay: EvilRelay, name: str) -> None:
        self.relay = relay
        self.name = name
        self.is_live = True
        self.is_closed = False

    def send(self, frames: Sequence[bytes]) -> None:
        format_frames(frames)
        self.relay.put(self.name, frames)

    def when_taken(self, action: Callable[[], None]) -> None:
        if self.relay.takes:
            self.relay.pair.clock.call_at(self.relay.pair.clock.now_seconds, action)

    def close(self) -> None:
        self.is_closed = True


def test_both_desks_name_each_box_alike_and_the_two_directions_differently(pair: DeskPair) -> None:
    ours, theirs = boxes_of(pair.a.line), boxes_of(pair.b.line)
    assert (ours.sends, ours.takes) == (theirs.takes, theirs.sends)
    assert ours.sends != ours.takes
    assert pair.a.desk.door(pair.a.line) in (ours.sends, ours.takes)


def test_new_direct_link_takes_over_from_a_relay_and_gives_back_to_it(pair: DeskPair) -> None:
    ends = [link.peer.certificate.certificate.public.tls_fingerprint for link in (pair.a, pair.b)]
    relayed = pair.route.join(pair.a, ends[0], pair.b, ends[1], kind="nats")
    pair.advance(3)
    assert pair.a.line.link is relayed[0]
    pair.join()
    assert pair.joined is not None
    assert pair.a.line.link is pair.joined[0]
    assert pair.a.line.links[0] is relayed[0]
    pair.cut()
    assert pair.a.line.link is relayed[0]
    pair.advance(3)
    assert pair.a.line.state(pair.scheduler.moment()) == "up"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_or_repeated_when_links_change_between_relay_and_direct(tmp_path: Path, seed: int) -> None:
    faults = Faults(loss=0.1, repetition=0.2, reordering=0.2, delay_seconds=(0.01, 0.8))
    pair = DeskPair(tmp_path, agreed=AGREED, faults=faults)
    source = random.Random(seed)
    ends = [end.peer.certificate.certificate.public.tls_fingerprint for end in (pair.a, pair.b)]
    pair.route.join(pair.a, ends[0], pair.b, ends[1], kind="nats")
    pair.advance(10)
    for number in range(40):
        say(pair.a, f"there {number}")
        say(pair.b, f"back {number}")
        pair.advance(source.uniform(0.0, 1.0))
        if pair.joined is None and source.random() < 0.3:
            pair.join()
        elif source.random() < 0.3:
            pair.cut()
    pair.advance(300)
    assert texts(pair.b) == [f"there {number}" for number in range(40)]
    assert texts(pair.a) == [f"back {number}" for number in range(40)]
    assert pair.a.journal.alarms(LINE) == pair.b.journal.alarms(LINE) == []
    pair.close()


def test_direct_link_that_opens_beside_a_direct_one_changes_nothing(pair: DeskPair) -> None:
    pair.join()
    first = pair.a.line.link
    pair.join()
    assert pair.a.line.link is first


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_relay_that_drops_repeats_reorders_corrupts_and_replays_changes_nothing_that_arrives(pair: DeskPair, seed: int) -> None:
    source, relay = random.Random(seed), EvilRelay(pair)

    def judge(sender: str, frame: bytes) -> Sequence[bytes]:
        handed = [] if source.random() < 0.2 else [frame] * source.choice((1, 1, 2, 5))
        if source.random() < 0.3:
            spoilt = bytearray(frame)
            spoilt[source.randrange(len(spoilt))] ^= 1 << source.randrange(8)
            handed.append(bytes(spoilt))
        if source.random() < 0.3:
            relay.hand(sender, source.choice(relay.kept[sender]), source.uniform(0.0, 60.0))
        if source.random() < 0.2:  # what the other desk said, back to itself
            other = "b" if sender == "a" else "a"
            relay.hand(other, frame)
        if source.random() < 0.1:
            handed.append(source.randbytes(source.randrange(1, 2_000)))
        if source.random() < 0.2:
            for late in handed:
                relay.hand(sender, late, source.uniform(0.0, 20.0))
            return []
        return handed

    relay.judge = judge
    relay.join()
    pair.advance(20)
    for number in range(15):
        say(pair.a, f"there {number}")
        say(pair.b, f"back {number}")
        pair.advance(source.uniform(0.0, 3.0))
    pair.advance(400)
    assert texts(pair.b) == [f"there {number}" for number in range(15)]
    assert texts(pair.a) == [f"back {number}" for number in range(15)]
    assert pair.a.journal.alarms(LINE) == pair.b.journal.alarms(LINE) == []


@pytest.mark.slow
def test_relay_that_replays_all_it_ever_carried_to_a_desk_whose_peer_is_gone_shows_no_peer(pair: DeskPair) -> None:
    relay = EvilRelay(pair)
    relay.join()
    pair.advance(10)
    say(pair.b, "said once")
    pair.advance(10)
    assert pair.a.line.state(pair.scheduler.moment()) == "up"
    pair.b.desk.stop()
    relay.judge = lambda sender, frame: []
    for _ in range(20):
        for frame in relay.kept["b"]:
            relay.hand("b", frame)
        pair.advance(30)
    assert pair.a.line.state(pair.scheduler.moment()) == "terminal_down"
    assert texts(pair.a) == ["said once"]


def test_taken_by_the_relay_is_kept_as_an_attempt_and_never_as_a_receipt(pair: DeskPair) -> None:
    relay = EvilRelay(pair)
    relay.join()
    pair.advance(10)
    relay.judge = lambda sender, frame: []  # takes everything, hands on nothing
    say(pair.a, "into the void")
    pair.advance(10)
    assert ("nats", "sent") in attempts(pair.a)
    assert ("nats", "relayed") in attempts(pair.a)
    line = pair.a.line.line
    assert line.outgoing.received < line.outgoing.edge.size


def test_relay_that_takes_nothing_is_no_relayed_attempt_and_does_not_carry(pair: DeskPair) -> None:
    relay = EvilRelay(pair)
    relay.takes = False
    relay.join()
    pair.advance(10)
    say(pair.a, "not taken")
    pair.advance(10)
    assert ("nats", "relayed") not in attempts(pair.a)
    assert relay.routes["a"].carries is None
    relay.owners["a"].closed(relay.a, "the relay does not answer")
    pair.a.desk.flush()
    assert ("nats", "closed") in attempts(pair.a)
    assert relay.routes["a"].carries is False


def test_peer_is_seen_by_a_frame_that_opens_and_reached_the_relay_just_now(pair: DeskPair) -> None:
    relay = EvilRelay(pair)
    relay.judge = lambda sender, frame: []
    relay.join()
    pair.advance(1)
    route = relay.routes["a"]
    assert (route.carries, route.peer_seen_at) == (True, None)
    relay.hand("b", b"junk of a stranger" * 40)
    relay.hand("b", relay.kept["a"][0])  # sealed, but by this desk
    relay.hand("b", relay.kept["b"][0], live=False)  # it lay there before
    pair.advance(1)
    assert route.peer_seen_at is None
    relay.hand("b", relay.kept["b"][0])
    pair.advance(1)
    assert route.peer_seen_at == pytest.approx(pair.scheduler.moment().running - 0.99)


def test_relay_that_stands_by_is_kept_warm_with_frames_that_ask_for_nothing(pair: DeskPair) -> None:
    pair.join()
    pair.advance(3)
    relay = EvilRelay(pair)
    relay.join()
    pair.advance(3)
    before = len(relay.kept["a"]), len(relay.kept["b"])
    keep_alive(pair.a.line, pair.a.desk)
    pair.advance(3)
    assert (len(relay.kept["a"]), len(relay.kept["b"])) == (before[0] + 1, before[1])
    assert relay.routes["b"].peer_seen_at is not None


def test_frames_that_a_desk_could_not_commit_are_not_acknowledged_to_the_relay(pair: DeskPair) -> None:
    relay = EvilRelay(pair)
    relay.join()
    pair.advance(10)
    pair.a.desk.failed = JournalError("the disk is gone", hint="mend it")
    relay.owners["a"].received(relay.a, [relay.kept["b"][0]])
    assert relay.a.is_closed


def test_peer_that_refuses_at_the_relay_is_not_taken_for_a_peer_that_refuses(pair: DeskPair) -> None:
    pair.a.line.routes = {ADDRESS: RouteState("nats", ADDRESS, outcome="refused", relay=True)}
    assert pair.a.line.state(pair.scheduler.moment()) == "line_down"
    pair.a.line.routes = {ADDRESS: replace(pair.a.line.routes[ADDRESS], kind="direct", relay=False)}
    assert pair.a.line.state(pair.scheduler.moment()) == "terminal_down"


@pytest.mark.slow
def test_libraries_of_relays_witnesses_and_the_console_are_not_loaded_by_a_node_without_them() -> None:
    code = "import sys, watchline.desk.node, watchline.console.service; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=source_environment())
    assert not {"nats", "httpx", "starlette", "uvicorn", "jinja2"} & set(done.stdout.split())


def source_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
