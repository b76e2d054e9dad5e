"""Two real desks under a simulated clock play what may go wrong on a line; each cause is told by its own state, soon enough,
and never by another one's on the way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.desk.desk_pair import LINE, DeskPair
from tests.line_pair import START, party, terms
from watchline.core.entries import Body, EntryType, Leaf, Notice, Place, Precedence, Response
from watchline.core.line_notices import LINE_STATUS
from watchline.core.outgoing import Draft
from watchline.core.persons import assertion_challenge, sign_assertion
from watchline.core.records import EntryRecord
from watchline.core.release import asserted
from watchline.core.setting import ClockRanOut, Event
from watchline.desk.lines import OpenLine, RouteState
from watchline.desk.views import LineView, line_status

ALONE = ("airspace-object", "free-text", "holding-reply", "line-status", "test")
AGREED = replace(terms(), unreleased_forms=ALONE)
SOON_SECONDS = 120
ACKNOWLEDGE_SECONDS = AGREED.clocks[Precedence.FLASH].acknowledge or 0


@dataclass
class Watched:
    """Tokyo looks at its line every second; Beijing's statuses say who is there."""

    pair: DeskPair
    armed: bool = True
    seen: list[tuple[float, str, str]] = field(default_factory=list)

    @property
    def now(self) -> float:
        return self.pair.clock.now_seconds

    def leave(self, people: int) -> None:
        """Of Beijing's watch so many stay, and no console can sound."""
        self.armed = False
        self.pair.b.desk.watch.disarm("console")
        if people == 0:
            self.pair.b.desk.watch.sign_out(1)

    def advance(self, seconds: int) -> None:
        for _ in range(seconds):
            if self.armed:
                self.pair.b.desk.watch.arm("console", self.pair.scheduler.moment())
            self.pair.advance(1)
            standing = self.pair.a.line.standing(self.pair.scheduler.moment())
            self.seen.append((self.now, standing.state.value, standing.proof))

    def first(self, state: str) -> float:
        """When the state was first seen."""
        return next(at for at, seen, _ in self.seen if seen == state)

    def states(self) -> set[str]:
        return {state for _, state, _ in self.seen}

    def notice(self) -> EntryRecord:
        content = Notice("airspace-object", 1, Precedence.FLASH, False, "en", {1: "balloon"}).encode()
        return self.pair.a.desk.compose(self.pair.a.line, Draft(EntryType.NOTICE, content, released=True))

    def answer(self, kind: EntryType, record: EntryRecord) -> EntryRecord:
        """Beijing's officer acknowledges or declines a notice."""
        leaf = Leaf.decode(record.leaf)
        content = Response(kind, 1, 1, leaf.index, leaf.commitment, "zh-Hans").encode()
        nonce = self.pair.scheduler.moment().random(16)
        purpose = "acknowledge" if kind == EntryType.ACKNOWLEDGE else "decline"
        desk = self.pair.b.desk
        challenge = assertion_challenge(purpose, LINE, desk.facts.identity.id, nonce, Body(content).digest)
        signed = (sign_assertion(1, party("Beijing").officers[0], challenge).to_value(),)
        return desk.compose(self.pair.b.line, Draft(kind, content, nonce, signed, leaf.index, released=True))

    def hold(self, record: EntryRecord, promised: int) -> EntryRecord:
        """Beijing promises an answer by `promised`, in seconds since 1970."""
        content = Notice("holding-reply", 1, Precedence.FLASH, False, "en", {1: [1, 1, record.index], 2: promised}).encode()
        desk, nonce = self.pair.b.desk, self.pair.scheduler.moment().random(16)
        purpose, what = asserted(EntryType.NOTICE, Body(content), Place(1, 1, record.index))
        challenge = assertion_challenge(purpose, LINE, desk.facts.identity.id, nonce, what)
        signed = sign_assertion(1, party("Beijing").officers[0], challenge).to_value()
        return desk.compose(self.pair.b.line, Draft(EntryType.NOTICE, content, nonce, (signed,), record.index, released=True))

    def line_status(self, state: str, by: str = "b", until: int | None = None) -> None:
        fields: dict[int, object] = {1: state, 2: START + int(self.now)}
        if until is not None:
            fields[3] = until
        content = Notice(LINE_STATUS, 1, Precedence.ROUTINE, False, "en", fields).encode()
        end = getattr(self.pair, by)
        end.desk.compose(end.line, Draft(EntryType.NOTICE, content, released=True))

    def through_relay(self) -> RouteState:
        """The link that both desks have is a relay's, as a relay route would say."""
        opened = self.pair.a.line
        assert opened.link is not None
        route = RouteState("nats", opened.link.address, "connected", linked=True, relay=True, carries=True)
        opened.routes = {route.address: route}
        return route

    def attempts_end(self, outcome: str) -> None:
        """What Tokyo's dialler finds at Beijing's addresses."""
        for route in self.pair.a.line.routes.values():
            route.outcome = outcome


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    pair = DeskPair(tmp_path, agreed=AGREED)
    pair.join()
    pair.b.desk.watch.sign_in(1, "duty", START, START + 86_400)
    pair.advance(3)
    made = Watched(pair)
    made.advance(150)
    assert made.states() == {"up"}
    made.seen.clear()
    yield made
    pair.close()


@pytest.mark.slow
def test_cable_cut_is_line_down_with_the_first_attempt_that_nobody_answers(watched: Watched) -> None:
    watched.pair.cut()
    watched.advance(10)
    assert {seen[1:] for seen in watched.seen} == {("degraded", "link_lost")}
    watched.attempts_end("timeout")
    watched.advance(300)
    assert watched.states() == {"degraded", "line_down"}
    assert watched.seen[-1][1:] == ("line_down", "no_answer")


@pytest.mark.slow
def test_cable_cut_where_nothing_can_be_dialled_is_line_down_within_two_minutes(watched: Watched) -> None:
    fact = watched.now
    watched.pair.a.line.routes.clear()
    watched.pair.cut()
    watched.advance(300)
    assert watched.states() == {"degraded", "line_down"}
    assert watched.first("line_down") - fact <= SOON_SECONDS


@pytest.mark.slow
def test_our_own_cable_cut_is_our_side(watched: Watched) -> None:
    watched.notice()
    watched.pair.cut()
    watched.attempts_end("unreachable")
    watched.advance(200)
    assert watched.states() == {"line_down"}
    standing = watched.pair.a.line.standing(watched.pair.scheduler.moment())
    assert (standing.side, standing.proof, standing.strength) == ("ours", "unreachable", "strong")


@pytest.mark.slow
def test_node_killed_on_a_direct_route_is_terminal_down_by_a_refusal_and_weak(watched: Watched) -> None:
    watched.pair.cut()
    watched.attempts_end("refused")
    watched.advance(200)
    assert watched.states() == {"terminal_down"}
    assert watched.pair.a.line.standing(watched.pair.scheduler.moment()).strength == "weak"


@pytest.mark.slow
@pytest.mark.parametrize("waits", range(0, 60, 13))
def test_relay_up_and_node_killed_is_terminal_down_within_two_minutes_whenever_it_died(watched: Watched, waits: int) -> None:
    watched.through_relay()
    watched.advance(1 + waits)
    watched.seen.clear()
    fact = watched.now
    watched.pair.b.desk.stop()
    watched.advance(SOON_SECONDS)
    assert watched.states() <= {"up", "degraded", "terminal_down"}
    assert 50 < watched.first("terminal_down") - fact <= SOON_SECONDS
    assert watched.seen[-1][1:] == ("terminal_down", "relay_took")
    assert watched.first("degraded") < watched.first("terminal_down")


@pytest.mark.slow
def test_relay_itself_gone_is_line_down(watched: Watched) -> None:
    route = watched.through_relay()
    fact = watched.now
    watched.pair.cut()
    route.linked, route.carries, route.outcome = False, False, "timeout"
    watched.advance(SOON_SECONDS)
    assert watched.states() == {"line_down"}
    assert watched.first("line_down") - fact <= SOON_SECONDS
    assert watched.seen[-1][2] == "relay_unreachable"


@pytest.mark.slow
def test_peer_that_gives_its_receipt_and_no_status_any_more_is_dark(watched: Watched) -> None:
    watched.through_relay()
    watched.pair.b.line.line.statuses.due_at = math.inf  # it says none, and still takes and receipts what comes
    fact = watched.now
    watched.notice()
    watched.advance(SOON_SECONDS)
    assert watched.states() == {"up", "degraded", "dark"}
    assert watched.first("dark") - fact <= SOON_SECONDS
    watched.pair.b.desk.stop()
    watched.advance(30)
    assert watched.seen[-1][1:] == ("dark", "receipt_then_nothing")
    watched.notice()
    watched.advance(5)
    assert watched.seen[-1][1:] == ("terminal_down", "relay_took")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("people", "state", "proof"), [(0, "unmanned", "nobody_there"), (1, "unanswered", "listed_open_muted")]
)
def test_nobody_signed_in_is_unmanned_and_a_muted_console_is_not(watched: Watched, people: int, state: str, proof: str) -> None:
    watched.leave(people)
    watched.advance(70)
    watched.notice()
    fact = watched.now + ACKNOWLEDGE_SECONDS
    watched.advance(ACKNOWLEDGE_SECONDS + SOON_SECONDS)
    assert watched.states() == {"up", state}
    assert fact <= watched.first(state) <= fact + SOON_SECONDS
    assert watched.seen[-1][2] == proof


@pytest.mark.slow
def test_officer_who_ignores_a_notice_is_unanswered_by_the_peers_own_word_until_it_is_acknowledged(watched: Watched) -> None:
    record = watched.notice()
    fact = watched.now + ACKNOWLEDGE_SECONDS
    watched.advance(ACKNOWLEDGE_SECONDS + SOON_SECONDS)
    assert watched.states() == {"up", "unanswered"}
    assert fact <= watched.first("unanswered") <= fact + SOON_SECONDS
    view = LineView(watched.pair.a.desk, watched.pair.a.line.record)
    assert "overdue" in view.rungs(record)
    watched.answer(EntryType.ACKNOWLEDGE, record)
    watched.advance(5)
    assert watched.seen[-1][1] == "up"
    assert "overdue" not in view.rungs(record)


@pytest.mark.slow
def test_officer_who_declines_is_shown_until_our_next_notice_and_over_a_restart(watched: Watched) -> None:
    record = watched.notice()
    watched.advance(5)
    watched.answer(EntryType.DECLINE, record)
    watched.advance(5)
    assert watched.states() == {"up", "declined"}
    watched.pair.cut()
    watched.pair.a.restart()
    watched.pair.join()
    watched.advance(5)
    assert watched.seen[-1][1] == "declined"
    watched.notice()
    watched.advance(5)
    assert watched.seen[-1][1] == "up"


@pytest.mark.slow
def test_signed_suspension_holds_through_silence_and_restarts_until_its_author_resumes(watched: Watched) -> None:
    watched.line_status("suspended")
    watched.advance(2)
    watched.pair.cut()
    watched.attempts_end("timeout")
    watched.advance(200)
    assert watched.states() == {"suspended"}
    watched.pair.a.restart()
    watched.pair.join()
    watched.advance(5)
    assert watched.seen[-1][1] == "suspended"
    watched.line_status("resumed", by="a")
    watched.advance(5)
    assert watched.seen[-1][1] == "suspended", "only its author takes it back"
    watched.line_status("resumed")
    watched.advance(5)
    assert watched.seen[-1][1] == "up"


@pytest.mark.slow
def test_silence_is_never_taken_for_suspension_and_a_suspension_ends_at_its_time(watched: Watched) -> None:
    watched.line_status("suspended", until=START + int(watched.now) + 30)
    watched.advance(20)
    assert watched.seen[-1][1] == "suspended"
    watched.advance(20)
    assert watched.seen[-1][1] == "up"
    watched.line_status("maintenance")
    watched.advance(5)
    assert watched.seen[-1][1:] == ("degraded", "announced")
    watched.pair.cut()
    watched.attempts_end("timeout")
    watched.advance(200)
    assert watched.seen[-1][1] == "line_down"


@pytest.mark.slow
def test_another_line_of_the_desk_that_carries_says_that_our_own_network_works(watched: Watched, tmp_path: Path) -> None:
    desk = watched.pair.a.desk
    watched.pair.cut()
    watched.attempts_end("unreachable")
    watched.advance(1)
    assert watched.pair.a.line.standing(watched.pair.scheduler.moment()).side == "ours"
    (tmp_path / "other").mkdir()
    other = DeskPair(tmp_path / "other", agreed=AGREED)
    other.join()
    desk.lines[bytes(32)] = other.a.line
    watched.advance(1)
    standing = watched.pair.a.line.standing(watched.pair.scheduler.moment())
    assert (standing.state.value, standing.side, standing.proof) == ("line_down", "theirs", "no_answer")
    del desk.lines[bytes(32)]
    other.close()


# --- reply clocks and the ladder


def ran_out(end: object) -> list[ClockRanOut]:
    """Listen to a desk from now on."""
    told: list[ClockRanOut] = []

    def listen(_: OpenLine, event: Event) -> None:
        if isinstance(event, ClockRanOut):
            told.append(event)

    end.desk.listeners.append(listen)  # type: ignore[attr-defined]
    return told


@pytest.mark.slow
def test_each_clock_that_runs_out_is_told_once_at_both_desks(watched: Watched) -> None:
    ours, theirs = ran_out(watched.pair.a), ran_out(watched.pair.b)
    record = watched.notice()
    watched.advance(3600 + 2 * SOON_SECONDS)
    for told, own in ((ours, True), (theirs, False)):
        assert [(event.own, event.index, event.kind, event.allowed) for event in told] == [
            (own, record.index, 0, 600),
            (own, record.index, 1, 3600),
        ]
        assert all(event.seconds >= event.allowed for event in told)


@pytest.mark.slow
def test_without_the_peers_word_our_own_clock_tells_and_only_what_was_received(watched: Watched) -> None:
    told = ran_out(watched.pair.a)
    record = watched.notice()
    watched.advance(5)
    watched.pair.cut()
    never = watched.notice()
    watched.advance(ACKNOWLEDGE_SECONDS + 5)
    assert [event.index for event in told] == [record.index]
    running = watched.pair.a.line.running_clocks(True, watched.pair.scheduler.moment())
    assert never.index not in {clock.index for clock in running}


@pytest.mark.slow
def test_holding_reply_restarts_the_answer_clock_once_at_both_desks_and_after_a_restart(watched: Watched) -> None:
    record = watched.notice()
    watched.advance(100)
    watched.hold(record, START + int(watched.now) + 900)
    watched.advance(30)
    watched.hold(record, START + int(watched.now) + 3000)
    watched.advance(10)
    for _ in range(2):
        moment = watched.pair.scheduler.moment()
        for end, own in ((watched.pair.a, True), (watched.pair.b, False)):
            [clock] = end.line.running_clocks(own, moment)
            assert (clock.index, clock.kind, clock.allowed) == (record.index, 1, 900)
            assert 38 <= clock.seconds <= 45
        assert watched.pair.a.journal.alarms(LINE) == []
        watched.pair.cut()
        watched.pair.a.restart()
        watched.pair.b.restart()
        watched.pair.join()
        watched.advance(2)


@pytest.mark.slow
def test_rung_is_the_first_status_that_says_so_by_the_peers_clock_and_it_never_falls(watched: Watched) -> None:
    record = watched.notice()
    watched.advance(30)
    sounded = START + int(watched.now)
    watched.pair.b.desk.watch.sounded(watched.pair.b.line, record.index, watched.pair.scheduler.moment())
    watched.advance(130)
    views = [LineView(end.desk, end.line.record) for end in (watched.pair.a, watched.pair.b)]
    theirs = watched.pair.b.journal.entry(watched.pair.b.line.line.setup.incoming_log, record.index)
    assert theirs is not None
    times = [views[0].rungs(record)["rung"], views[1].rungs(theirs)["rung"]]
    assert times[0] == times[1]
    moment = int(views[0].rungs(record)["rung"][14:16]) * 60 + int(views[0].rungs(record)["rung"][17:19])
    assert 0 <= moment - (sounded % 3600) <= 60
    watched.pair.cut()
    watched.pair.b.restart()
    watched.pair.join()
    watched.advance(60)
    assert watched.pair.b.line.line.statuses.rung == record.index + 1
    assert views[0].rungs(record)["rung"] == times[0]
    assert "rung" not in views[0].rungs(watched.notice())


@pytest.mark.slow
def test_status_shows_state_proof_and_lamps_in_the_desks_language(watched: Watched) -> None:
    desk = watched.pair.a.desk
    desk.facts = replace(desk.facts, language="ja")
    watched.pair.cut()
    watched.attempts_end("refused")
    watched.advance(1)
    shown = line_status(desk, watched.pair.a.line.record)
    assert (shown["state"], shown["side"], shown["proof"], shown["strength"]) == ("terminal_down", "theirs", "refused", "weak")
    assert shown["words"]["state"] == "相手装置停止"
    assert [shown["lamps"][name]["colour"] for name in ("line", "machine", "human", "test")] == ["red", "red", "grey", "grey"]
    assert shown["lamps"]["line"]["word"] == "断"
