"""Every cause that makes a line silent or a notice wait, and the one state, side and proof that it is told by."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchline.core.lamps import LastTest, judge_lamps
from watchline.core.line_state import (
    DECLINED_SECONDS,
    LineFacts,
    OverdueClock,
    RouteFacts,
    State,
    Suspension,
    judge,
)

NOW = 1_765_000_000
LINKED = RouteFacts(linked=True, outcome="connected")
RELAY = RouteFacts(relay=True, linked=True, outcome="connected", carries=True)
LOST_RELAY = RouteFacts(relay=True, outcome="timeout", carries=False)
REFUSED, TIMEOUT, UNREACHABLE, OTHER_KEY = (
    RouteFacts(outcome=outcome) for outcome in ("refused", "timeout", "unreachable", "tls")
)
TRIED = RouteFacts()
WELL = LineFacts(NOW, 60, 20.0, linked_seconds=9000.0, routes=(LINKED,), watch=(2, 1, 0))
SILENT = replace(WELL, silent_seconds=117.0)
GONE = replace(WELL, linked_seconds=None, silent_seconds=30.0)
LATE = OverdueClock(700, 600)

CAUSES = {
    "all is well": (WELL, "up", None, "status", "strong"),
    "all is well through a relay": (replace(WELL, routes=(RELAY,)), "up", None, "status", "strong"),
    "a link that the peer opened beside a dead address": (
        replace(WELL, routes=(TIMEOUT, LINKED)),
        "up",
        None,
        "status",
        "strong",
    ),
    "one status missed": (replace(WELL, silent_seconds=63.0), "degraded", None, "status_late", "weak"),
    "the cable was cut this second": (replace(GONE, routes=(TRIED,)), "degraded", None, "link_lost", "weak"),
    "cable cut, direct": (replace(GONE, routes=(TIMEOUT,)), "line_down", "unknown", "no_answer", "weak"),
    "cable cut on their side": (
        replace(GONE, routes=(TIMEOUT,), others_carry=True),
        "line_down",
        "theirs",
        "no_answer",
        "weak",
    ),
    "cable cut, nothing can be tried": (
        replace(SILENT, linked_seconds=None, routes=()),
        "line_down",
        "unknown",
        "no_link",
        "weak",
    ),
    "relay gone": (replace(GONE, routes=(LOST_RELAY,)), "line_down", "unknown", "relay_unreachable", "weak"),
    "relay and address gone": (
        replace(GONE, routes=(LOST_RELAY, TIMEOUT)),
        "line_down",
        "unknown",
        "relay_unreachable",
        "weak",
    ),
    "our own cable cut": (replace(GONE, routes=(UNREACHABLE,)), "line_down", "ours", "unreachable", "strong"),
    "our own cable cut, relay in use": (
        replace(GONE, routes=(replace(LOST_RELAY, outcome="unreachable"), UNREACHABLE)),
        "line_down",
        "ours",
        "unreachable",
        "strong",
    ),
    "no way to this peer alone": (
        replace(GONE, routes=(UNREACHABLE,), others_carry=True),
        "line_down",
        "theirs",
        "no_answer",
        "weak",
    ),
    "our own cable cut right after a receipt": (
        replace(SILENT, linked_seconds=None, routes=(UNREACHABLE,), received_since=True),
        "line_down",
        "ours",
        "unreachable",
        "strong",
    ),
    "node killed, direct": (replace(GONE, routes=(REFUSED,)), "terminal_down", "theirs", "refused", "weak"),
    "another key at its address": (replace(GONE, routes=(OTHER_KEY,)), "terminal_down", "theirs", "other_key", "weak"),
    "node killed, relay up": (replace(SILENT, routes=(RELAY,)), "terminal_down", "theirs", "relay_took", "strong"),
    "node killed, relay up, its address refuses": (
        replace(SILENT, routes=(RELAY, REFUSED)),
        "terminal_down",
        "theirs",
        "relay_took",
        "strong",
    ),
    "node hangs on a link that stands": (SILENT, "terminal_down", "theirs", "no_status", "weak"),
    "frames come through the relay, and no status": (
        replace(SILENT, routes=(replace(RELAY, peer_seen_seconds=5.0),)),
        "terminal_down",
        "theirs",
        "no_status",
        "weak",
    ),
    "the last frame came before the last status was due": (
        replace(SILENT, routes=(replace(RELAY, peer_seen_seconds=100.0),)),
        "terminal_down",
        "theirs",
        "relay_took",
        "strong",
    ),
    "a link came back a moment ago": (replace(SILENT, linked_seconds=0.5), "degraded", None, "status_late", "weak"),
    "receipt, then nothing, link stands": (
        replace(SILENT, received_since=True),
        "dark",
        "theirs",
        "receipt_then_nothing",
        "weak",
    ),
    "receipt, then nothing, relay up": (
        replace(SILENT, routes=(RELAY,), received_since=True),
        "dark",
        "theirs",
        "receipt_then_nothing",
        "weak",
    ),
    "receipt, then nothing, no way carries": (
        replace(SILENT, linked_seconds=None, routes=(TIMEOUT,), received_since=True),
        "dark",
        "theirs",
        "receipt_then_nothing",
        "weak",
    ),
    "nobody signed in": (
        replace(WELL, overdue=(LATE,), watch=(0, 0, 800)),
        "unmanned",
        "theirs",
        "nobody_there",
        "strong",
    ),
    "nobody signed in, clock runs": (replace(WELL, watch=(0, 0, 800)), "up", None, "status", "strong"),
    "they left after our notice came": (
        replace(WELL, overdue=(LATE,), watch=(0, 0, 650)),
        "unanswered",
        "theirs",
        "listed_open",
        "strong",
    ),
    "a desk that counts nobody": (
        replace(WELL, overdue=(LATE,), watch=(0, 0, 0)),
        "unanswered",
        "theirs",
        "listed_open",
        "strong",
    ),
    "console muted": (
        replace(WELL, overdue=(LATE,), watch=(1, 0, 800)),
        "unanswered",
        "theirs",
        "listed_open_muted",
        "strong",
    ),
    "officer ignores": (replace(WELL, overdue=(LATE,)), "unanswered", "theirs", "listed_open", "strong"),
    "officer declines": (replace(WELL, declined_at=NOW - 60), "declined", "theirs", "decline", "strong"),
    "officer declined a shift ago": (replace(WELL, declined_at=NOW - DECLINED_SECONDS), "up", None, "status", "strong"),
    "declined, another one waits": (
        replace(WELL, declined_at=NOW - 60, overdue=(LATE,)),
        "unanswered",
        "theirs",
        "listed_open",
        "strong",
    ),
    "suspended by them, then silent": (
        replace(GONE, routes=(TIMEOUT,), suspension=Suspension("theirs", NOW - 99)),
        "suspended",
        "theirs",
        "suspension",
        "strong",
    ),
    "suspended by us": (replace(WELL, suspension=Suspension("ours", NOW)), "suspended", "ours", "suspension", "strong"),
    "maintenance": (replace(WELL, maintenance=True), "degraded", None, "announced", "strong"),
    "their status lies": (replace(WELL, contradicted_at=NOW - 5), "contradicted", "theirs", "contradiction", "strong"),
    "this node has just started": (replace(WELL, opening=True), "degraded", None, "opening", "weak"),
    "a new incarnation": (replace(WELL, unconfirmed=True), "degraded", None, "unconfirmed", "weak"),
    "a fork": (
        replace(WELL, stopped=True, suspension=Suspension("theirs", NOW), overdue=(LATE,)),
        "stopped",
        None,
        "kept_alarm",
        "strong",
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_is_told_by_its_own_state_side_and_proof(cause: str) -> None:
    facts, *told = CAUSES[cause]
    standing = judge(facts)
    assert [standing.state.value, standing.side, standing.proof, standing.strength] == told


def test_every_state_of_the_design_has_a_cause() -> None:
    assert {judge(facts).state for facts, *_ in CAUSES.values()} == set(State)


@pytest.mark.parametrize("interval", [1, 2, 10, 60, 600])
def test_one_missed_status_is_amber_and_two_are_red_before_two_intervals_are_over(interval: int) -> None:
    def missed(seconds: float) -> int:
        return judge(replace(WELL, interval_seconds=interval, silent_seconds=seconds)).missed

    assert missed(0.9 * interval) == 0
    assert missed(1.05 * interval + 2) >= 1
    assert missed(interval) == 0
    assert missed(0.9 * 2 * interval) < 2
    if interval >= 20:
        assert missed(1.95 * interval) == 2


def test_silence_begins_with_the_last_status_and_overdue_when_the_clock_ran_out() -> None:
    assert judge(SILENT).since == NOW - 117
    assert judge(replace(WELL, overdue=(LATE, OverdueClock(900, 600)))).since == NOW - 20 - 300
    assert judge(WELL).since is None


ROUTES = st.builds(
    RouteFacts,
    st.booleans(),
    st.sampled_from([None, "connected", "refused", "timeout", "unreachable", "tls"]),
    st.booleans(),
    st.sampled_from([None, True, False]),
)
FACTS = st.builds(
    LineFacts,
    wall=st.just(NOW),
    interval_seconds=st.sampled_from([1, 60]),
    silent_seconds=st.floats(0, 500),
    stopped=st.booleans(),
    opening=st.booleans(),
    linked_seconds=st.none() | st.floats(0, 500),
    routes=st.lists(ROUTES, max_size=3).map(tuple),
    others_carry=st.booleans(),
    received_since=st.booleans(),
    contradicted_at=st.none() | st.just(NOW),
    suspension=st.none() | st.just(Suspension("theirs", NOW)),
    declined_at=st.none() | st.just(NOW),
    overdue=st.sampled_from([(), (LATE,)]),
    watch=st.none() | st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 900)),
)


@pytest.mark.slow
@given(FACTS)
def test_no_state_is_told_without_its_proof(facts: LineFacts) -> None:
    standing = judge(facts)
    carries = any(route.is_carrying for route in facts.routes)
    holds = {
        State.STOPPED: facts.stopped,
        State.SUSPENDED: facts.suspension is not None,
        State.LINE_DOWN: not carries,
        State.TERMINAL_DOWN: facts.missed >= 2 or any(route.outcome in ("refused", "tls") for route in facts.routes),
        State.DARK: facts.received_since and facts.missed >= 2,
        State.CONTRADICTED: facts.contradicted_at is not None,
        State.UNMANNED: bool(facts.overdue) and facts.watch is not None and facts.watch[0] == 0,
        State.UNANSWERED: bool(facts.overdue),
        State.DECLINED: facts.declined_at is not None,
        State.DEGRADED: True,
        State.UP: carries and facts.missed == 0,
    }
    assert holds[standing.state]
    if standing.side == "ours" and standing.state is State.LINE_DOWN:
        assert all(route.outcome == "unreachable" for route in facts.routes)


@pytest.mark.slow
@given(FACTS, st.none() | st.builds(LastTest, st.booleans(), st.integers(0, 20_000), st.just(3600)))
def test_lamps_never_contradict_the_state(facts: LineFacts, test: LastTest | None) -> None:
    standing = judge(facts)
    lamps = judge_lamps(facts, standing, test)
    if standing.state is State.UP:
        assert (lamps.line.colour, lamps.machine.colour) == ("green", "green")
    if standing.state is State.LINE_DOWN:
        assert lamps.line.colour == "red"
        assert lamps.machine.colour == "grey" or facts.contradicted_at is not None
    if standing.state in (State.TERMINAL_DOWN, State.DARK):
        assert lamps.machine.colour == "red"
        assert lamps.human.colour == "grey"
    if standing.state in (State.UNMANNED, State.UNANSWERED):
        assert lamps.human.colour == "red" or facts.is_unheard


def test_overdue_notice_says_nothing_of_people_whose_machine_refuses_while_another_route_is_untried() -> None:
    facts = replace(WELL, linked_seconds=None, routes=(TRIED, REFUSED), overdue=(LATE,))
    standing = judge(facts)
    assert standing.state is State.TERMINAL_DOWN
    assert judge_lamps(facts, standing, None).human.colour == "grey"


def test_lamps_tell_apart_who_is_there() -> None:
    shown = {
        watch: judge_lamps(facts, judge(facts), None).human.colour
        for watch, facts in (
            (watch, replace(WELL, watch=watch)) for watch in [(2, 1, 0), (1, 0, 60), (0, 0, 60), (0, 0, 0), None]
        )
    }
    assert list(shown.values()) == ["green", "amber", "red", "grey", "grey"]


@pytest.mark.parametrize(("ok", "age", "colour"), [(True, 7000, "green"), (True, 9001, "amber"), (False, 5, "red")])
def test_lamp_of_the_last_test_says_how_it_ended_and_whether_it_is_too_long_ago(ok: bool, age: int, colour: str) -> None:
    assert judge_lamps(WELL, judge(WELL), LastTest(ok, age, 3600)).test.colour == colour


def test_every_proof_lamp_side_and_strength_has_words() -> None:
    from watchline.catalogue import load_catalogue

    catalogue = load_catalogue()
    for facts, *_ in CAUSES.values():
        standing = judge(facts)
        assert standing.proof in catalogue.words("proofs")
        assert standing.side is None or standing.side in catalogue.words("sides")
        assert standing.strength in catalogue.words("strengths")
    assert list(catalogue.words("lamps")) == list(catalogue.words("lamp-texts"))
    tests = (None, LastTest(True, 5, 60), LastTest(False, 5, 60), LastTest(True, 500, 60))
    for (facts, *_), test in product(CAUSES.values(), tests):
        lamps = judge_lamps(facts, judge(facts), test)
        for lamp in (lamps.line, lamps.machine, lamps.human, lamps.test):
            assert lamp.code in catalogue.words("lamps")
