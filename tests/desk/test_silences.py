"""A desk certifies that it was not answered: the strongest silence that its journal can show, once, and then a stronger one."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desk.desk_pair import DeskPair
from tests.line_pair import party
from watchline.core.clocks import OpenNotices
from watchline.core.entries import Body, EntryType, Leaf, Notice, Precedence, Response
from watchline.core.limits import OPEN_LISTED_MAX
from watchline.core.outgoing import Draft
from watchline.core.persons import assertion_challenge, sign_assertion
from watchline.core.records import AttemptRecord, EntryRecord
from watchline.core.silence import SignedStatus, Silence, SilenceKind
from watchline.core.silence_logs import LeavesAtHand
from watchline.core.statements import StatementType, status_in
from watchline.desk.api import Api
from watchline.desk.lines import RouteState
from watchline.desk.silence_grounds import CertificatesOf, EveryLeaf, certificates_about, reverse
from watchline.desk.watch import ARMED_SECONDS
from watchline.errors import NegativeAnswer, RouteError, UsageError

FLASH_ACKNOWLEDGE, FLASH_ANSWER = 600, 3_600


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    joined = DeskPair(tmp_path)
    joined.join()
    sign_in(joined)
    keep_armed(joined)
    joined.advance(3)
    yield joined
    joined.close()


@pytest.fixture
def unarmed(tmp_path: Path) -> Iterator[DeskPair]:
    """Beijing's officer is signed in, and no console has ever been armed there."""
    joined = DeskPair(tmp_path)
    joined.join()
    sign_in(joined)
    joined.advance(3)
    yield joined
    joined.close()


def sign_in(pair: DeskPair) -> None:
    """Beijing's officer is on watch."""
    wall = pair.b.scheduler.moment().wall
    pair.b.desk.watch.sign_in(1, "duty", wall, wall + 86_400)


def keep_armed(pair: DeskPair) -> None:
    """A console at Beijing can sound for as long as its node lives."""
    end = pair.b

    def arm() -> None:
        end.desk.watch.arm("console", end.scheduler.moment())
        end.scheduler.call_later(ARMED_SECONDS / 2, arm)

    arm()


def leave(pair: DeskPair) -> None:
    """Nobody is signed in at Beijing any more."""
    pair.b.desk.watch.sign_out(1)


def ask(pair: DeskPair, method: str, *, live: bool = True, **params: Any) -> dict[str, Any]:
    return asyncio.run(Api(pair.a.desk, live=live).call(method, params))


def say(pair: DeskPair, form: str = "statement") -> EntryRecord:
    """A FLASH of Tokyo that its officer releases."""
    content = Notice(form, 1, Precedence.FLASH, False, "en", {1: "a balloon"}).encode()
    return release(pair, EntryType.NOTICE, "release", content)


def release(
    pair: DeskPair, kind: EntryType, purpose: str, content: bytes, *, by: str = "Tokyo", re: int | None = None
) -> EntryRecord:
    end = pair.a if by == "Tokyo" else pair.b
    setup = end.line.line.setup
    nonce = end.scheduler.random.randbytes(16)
    challenge = assertion_challenge(purpose, setup.line, setup.own_id, nonce, Body(content).digest)
    assertion = sign_assertion(1, party(by).officers[0], challenge).to_value()
    return end.desk.compose(end.line, Draft(kind, content, nonce, (assertion,), re, None, True))


def acknowledge(pair: DeskPair, notice: EntryRecord) -> None:
    """Beijing's officer reads it."""
    leaf = Leaf.decode(notice.leaf)
    content = Response(EntryType.ACKNOWLEDGE, 1, 1, leaf.index, leaf.commitment, "en").encode()
    release(pair, EntryType.ACKNOWLEDGE, "acknowledge", content, by="Beijing", re=leaf.index)


def certificates(pair: DeskPair) -> list[Silence]:
    """Every certificate in Tokyo's log."""
    log, journal = pair.a.line.line.setup.outgoing_log, pair.a.journal
    records = journal.entries(log, 0, journal.size(log))
    return [Silence.decode(Body.decode(record.body).content) for record in records if record.type == EntryType.SILENCE]


def kinds(pair: DeskPair) -> list[tuple[SilenceKind, int]]:
    return [(silence.kind, silence.clock) for silence in certificates(pair)]


def run_out(pair: DeskPair, notice: EntryRecord) -> None:
    """What the desk does when it is told that a clock ran out."""
    for clock in pair.a.line.running_clocks(True, pair.a.desk.moment()):
        if clock.index == notice.index and clock.seconds >= clock.allowed:
            pair.a.desk.silences.on_clock_ran_out(pair.a.line, clock)
    pair.a.desk.flush()


@pytest.mark.slow
def test_clock_that_the_peer_lists_as_run_out_is_certified_once_without_being_asked(pair: DeskPair) -> None:
    notice = say(pair)
    pair.advance(FLASH_ACKNOWLEDGE - 60)
    assert kinds(pair) == []
    pair.advance(180)
    assert kinds(pair) == [(SilenceKind.UNANSWERED, 0)]
    pair.advance(600)
    run_out(pair, notice)
    assert kinds(pair) == [(SilenceKind.UNANSWERED, 0)]


@pytest.mark.slow
def test_certificate_rests_on_a_full_status_that_lists_the_notice_beyond_what_is_allowed(pair: DeskPair) -> None:
    notice = say(pair)
    pair.advance(FLASH_ACKNOWLEDGE + 120)
    (silence,) = certificates(pair)
    assert silence.status is not None
    assert silence.status.ml is not None
    (item,) = status_in(silence.status.payload).open
    assert (item.index, item.kind, item.allowed) == (notice.index, 0, FLASH_ACKNOWLEDGE)
    assert item.seconds >= item.allowed
    assert (silence.index, silence.commitment) == (notice.index, Leaf.decode(notice.leaf).commitment)


@pytest.mark.slow
def test_each_clock_of_a_notice_has_its_own_certificate(pair: DeskPair) -> None:
    say(pair, "airspace-object")
    pair.advance(FLASH_ANSWER + 120)
    assert kinds(pair) == [(SilenceKind.UNANSWERED, 0), (SilenceKind.UNANSWERED, 1)]


@pytest.mark.slow
def test_certificate_is_not_made_again_after_a_restart(pair: DeskPair) -> None:
    say(pair)
    pair.advance(FLASH_ACKNOWLEDGE + 120)
    pair.cut()
    pair.a.restart()
    pair.join()
    pair.advance(300)
    assert kinds(pair) == [(SilenceKind.UNANSWERED, 0)]


@pytest.mark.slow
def test_acknowledged_notice_is_never_certified(pair: DeskPair) -> None:
    notice = say(pair)
    pair.advance(60)
    acknowledge(pair, notice)
    pair.advance(FLASH_ACKNOWLEDGE + 300)
    run_out(pair, notice)
    assert kinds(pair) == []
    with pytest.raises(NegativeAnswer, match="was closed"):
        ask(pair, "silence", line="beijing", id="ours:1")


@pytest.mark.slow
def test_notice_without_a_clock_is_never_certified(pair: DeskPair) -> None:
    say(pair, "free-text")
    pair.advance(FLASH_ANSWER)
    assert kinds(pair) == []


@pytest.mark.slow
def test_nobody_there_for_as_long_makes_it_unmanned_and_follows_a_weaker_certificate(unarmed: DeskPair) -> None:
    pair = unarmed
    notice = say(pair)
    pair.advance(FLASH_ACKNOWLEDGE + 120)
    assert kinds(pair) == [(SilenceKind.UNANSWERED, 0)]  # somebody is signed in, though no console sounds
    assert pair.a.line.state(pair.a.desk.moment()) == "unanswered"
    leave(pair)
    pair.advance(120)
    assert kinds(pair) == [(SilenceKind.UNANSWERED, 0), (SilenceKind.UNMANNED, 0)]
    assert pair.a.line.state(pair.a.desk.moment()) == "unmanned"
    pair.advance(120)
    run_out(pair, notice)
    assert len(kinds(pair)) == 2


@pytest.mark.slow
def test_people_who_left_after_the_notice_came_make_it_unanswered_not_unmanned(pair: DeskPair) -> None:
    say(pair)
    pair.advance(60)
    leave(pair)
    pair.advance(FLASH_ACKNOWLEDGE + 120)
    assert kinds(pair) == [(SilenceKind.UNANSWERED, 0)]
    assert pair.a.line.state(pair.a.desk.moment()) == "unanswered"


def attempted(pair: DeskPair, outcome: str) -> None:
    """An attempt to reach Beijing ends so, and no other one does."""
    desk, line = pair.a.desk, pair.a.line
    route = line.routes.setdefault("192.0.2.2:7400", RouteState("direct", "192.0.2.2:7400"))
    route.outcome = outcome
    desk.note_attempts(
        [AttemptRecord(line.record.line, desk.moment().wall, f"direct {route.address}", outcome, 0, line.line.setup.pair)]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("outcome", "kind"),
    [("timeout", SilenceKind.LINE_DOWN), ("unreachable", SilenceKind.LINE_DOWN), ("refused", SilenceKind.TERMINAL_DOWN)],
)
def test_cut_line_is_claimed_by_its_attempts_and_proven_once_the_peer_speaks_again(
    pair: DeskPair, outcome: str, kind: SilenceKind
) -> None:
    notice = say(pair)
    pair.advance(10)
    pair.cut()
    attempted(pair, outcome)
    pair.advance(FLASH_ACKNOWLEDGE)
    run_out(pair, notice)
    assert kinds(pair) == [(kind, 0)]
    assert pair.a.line.state(pair.a.desk.moment()) == kind.value
    (claimed,) = certificates(pair)
    assert claimed.claim is not None
    assert claimed.claim.seconds >= FLASH_ACKNOWLEDGE
    pair.join()
    pair.advance(120)
    assert kinds(pair) == [(kind, 0), (SilenceKind.UNANSWERED, 0)]


@pytest.mark.slow
def test_link_without_statuses_after_one_that_held_the_notice_is_terminal_down(pair: DeskPair) -> None:
    notice = say(pair)
    pair.advance(10)
    die(pair)
    pair.advance(FLASH_ACKNOWLEDGE + 60)
    run_out(pair, notice)
    assert kinds(pair) == [(SilenceKind.TERMINAL_DOWN, 0)]


@pytest.mark.slow
def test_receipt_and_no_status_after_it_is_dark_also_while_the_line_is_cut(pair: DeskPair) -> None:
    notice = receive_without_a_status(pair)
    pair.cut()
    attempted(pair, "timeout")
    pair.advance(FLASH_ACKNOWLEDGE + 60)
    run_out(pair, notice)
    assert kinds(pair) == [(SilenceKind.DARK, 0)]
    assert pair.a.line.state(pair.a.desk.moment()) == "dark"


def die(pair: DeskPair) -> None:
    """Beijing's node says and hears nothing more; its host goes on holding the link."""
    pair.b.scheduler.alive = False
    pair.b.links.clear()


def receive_without_a_status(pair: DeskPair) -> EntryRecord:
    """Beijing gives its receipt for a notice and dies before its next status, which comes a second after the last one."""
    say(pair, "free-text")
    pair.advance(0.2)
    notice = say(pair)
    for _ in range(100):
        pair.advance(0.01)
        if pair.a.line.line.outgoing.received == pair.a.line.line.outgoing.edge.size:
            break
    status = pair.a.line.line.statuses.peer_status
    assert status is not None
    assert status.held_size < pair.a.line.line.outgoing.received
    die(pair)
    return notice


@pytest.mark.slow
def test_notice_that_never_came_to_the_peer_is_claimed_once_its_time_has_passed(pair: DeskPair) -> None:
    pair.cut()
    attempted(pair, "refused")
    say(pair)
    pair.advance(FLASH_ACKNOWLEDGE - 10)
    assert kinds(pair) == []
    pair.advance(20)
    assert kinds(pair) == [(SilenceKind.TERMINAL_DOWN, 0)]
    (claimed,) = certificates(pair)
    assert claimed.claim is not None
    assert claimed.claim.received is None
    pair.advance(600)
    assert len(kinds(pair)) == 1


@pytest.mark.slow
def test_clock_that_runs_out_before_the_silence_is_sure_is_certified_once_it_is(pair: DeskPair) -> None:
    say(pair)
    pair.advance(FLASH_ACKNOWLEDGE - 30)
    die(pair)
    pair.advance(60)
    assert kinds(pair) == []  # one status is missing: its next one may prove it
    pair.advance(120)
    assert kinds(pair) == [(SilenceKind.TERMINAL_DOWN, 0)]
    assert pair.a.line.state(pair.a.desk.moment()) == "terminal_down"


@pytest.mark.slow
def test_nothing_is_claimed_while_the_peer_speaks(pair: DeskPair) -> None:
    notice = say(pair)
    pair.advance(FLASH_ACKNOWLEDGE - 30)
    clock = next(iter(pair.a.line.running_clocks(True, pair.a.desk.moment())))
    late = type(clock)(clock.index, clock.precedence, clock.kind, clock.allowed + 5, clock.allowed)
    assert pair.a.desk.silences.on_clock_ran_out(pair.a.line, late) is None
    assert kinds(pair) == []
    assert notice.index == clock.index


@pytest.mark.slow
def test_peer_that_leaves_out_an_open_notice_is_certified_as_contradicted(pair: DeskPair) -> None:
    notice = say(pair)
    pair.advance(10)
    pair.b.line.line.clocks._theirs = OpenNotices()  # a node that lies, or has lost it
    pair.advance(120)
    assert kinds(pair) == [(SilenceKind.CONTRADICTED, 0)]
    assert certificates(pair)[0].index == notice.index


@pytest.mark.slow
def test_what_a_full_status_leaves_out_is_no_contradiction(pair: DeskPair) -> None:
    for _ in range(OPEN_LISTED_MAX + 3):
        say(pair)
    pair.advance(FLASH_ACKNOWLEDGE + 120)
    assert kinds(pair) == [(SilenceKind.UNANSWERED, 0)] * OPEN_LISTED_MAX


@pytest.mark.slow
def test_certificates_are_found_by_their_notice_as_the_log_grows(pair: DeskPair) -> None:
    log, journal = pair.a.line.line.setup.outgoing_log, pair.a.journal
    found = CertificatesOf(journal, log)
    first, second = say(pair), say(pair)
    assert found.about(first.index) == []
    pair.advance(FLASH_ACKNOWLEDGE + 120)
    made = [record for record in journal.entries(log, 0, journal.size(log)) if record.type == EntryType.SILENCE]
    assert [found.about(notice.index) for notice in (first, second)] == [[record] for record in made]
    assert [certificates_about(journal, log, notice.index) for notice in (first, second)] == [[record] for record in made]


@pytest.mark.slow
def test_whole_log_hides_nothing_and_is_searched_as_its_leaves_are(pair: DeskPair) -> None:
    for _ in range(4):
        acknowledge(pair, say(pair))
        pair.advance(3)
    log, journal = pair.b.line.line.setup.outgoing_log, pair.b.journal
    size = journal.size(log)
    every, shown = EveryLeaf(journal, log), LeavesAtHand(Leaf.decode(leaf) for leaf, _, _ in journal.leaves(log, 0, size))
    for index in range(journal.size(reverse(log)) + 1):
        for below in range(1, size + 1):
            assert every.last_without(index, below) == shown.last_without(index, below)
    assert every.first_hidden(range(1, size)) is None
    assert every.first_hidden(range(1, size + 2)) == shown.first_hidden(range(1, size + 2)) == size


@pytest.mark.slow
def test_status_that_admits_a_silence_is_kept_for_good_once(pair: DeskPair) -> None:
    say(pair)
    pair.advance(FLASH_ACKNOWLEDGE + 600)
    kept = pair.a.journal.statements(pair.a.line.record.line, False, StatementType.STATUS, pair.a.line.line.setup.pair)
    statuses = [status_in(record.payload) for record in kept if record.ml is not None]
    admitting = [status for status in statuses if any(item.seconds >= item.allowed for item in status.open)]
    assert len(admitting) == 2  # the first that admits it, and the first that holds the certificate


@pytest.mark.slow
def test_command_says_what_remains_while_no_clock_has_run_out(pair: DeskPair) -> None:
    say(pair)
    pair.advance(100)
    with pytest.raises(NegativeAnswer, match="remain to acknowledge") as refused:
        ask(pair, "silence", line="beijing", id="ours:1")
    remaining = refused.value.facts["remaining_seconds"]
    assert isinstance(remaining, int)
    assert FLASH_ACKNOWLEDGE - 102 <= remaining <= FLASH_ACKNOWLEDGE - 99


@pytest.mark.slow
def test_command_lists_what_was_made_and_makes_nothing_twice(pair: DeskPair) -> None:
    say(pair)
    pair.advance(FLASH_ACKNOWLEDGE + 120)
    told = ask(pair, "silence", line="beijing", id="ours:1")
    assert told["notice"] == "ours:1"
    (certificate,) = told["certificates"]
    assert certificate["kind"] == "unanswered"
    assert certificate["said_by"] == "peer"
    assert (certificate["clock"], certificate["allowed"]) == ("acknowledge", FLASH_ACKNOWLEDGE)
    assert certificate["seconds"] >= FLASH_ACKNOWLEDGE
    assert (certificate["provisional"], certificate["new"]) == (False, False)
    assert ask(pair, "silence", line="beijing", id="ours:1") == told


@pytest.mark.slow
def test_command_makes_one_where_the_node_has_not(pair: DeskPair) -> None:
    say(pair)
    pair.cut()
    pair.a.desk.silences._next_look = math.inf
    pair.advance(FLASH_ACKNOWLEDGE + 60)
    (certificate,) = ask(pair, "silence", line="beijing", id="ours:1")["certificates"]
    assert (certificate["kind"], certificate["said_by"], certificate["new"]) == ("line_down", "author", True)


def test_command_is_about_a_notice_of_this_desk(pair: DeskPair) -> None:
    for entry in ("ours:@0", "theirs:@0"):
        with pytest.raises(UsageError, match="about a notice of this desk"):
            ask(pair, "silence", line="beijing", id=entry)
    with pytest.raises(RouteError):
        ask(pair, "silence", live=False, line="beijing", id="ours:@0")


def test_people_cannot_say_a_certificate_themselves(pair: DeskPair) -> None:
    with pytest.raises(UsageError, match="not for people"):
        ask(pair, "compose", line="beijing", type=int(EntryType.SILENCE), content="80")


@pytest.mark.slow
def test_peer_is_shown_the_certificate_and_can_answer_it(pair: DeskPair) -> None:
    say(pair)
    pair.advance(FLASH_ACKNOWLEDGE + 120)
    (silence,) = (entry for entry in entries_of(pair, "theirs:@2"))
    assert silence["type"] == "silence"
    assert silence["author"] == party("Tokyo").identity.identity.desk
    assert (silence["silence"]["kind"], silence["silence"]["notice"]) == ("unanswered", "theirs:1")
    assert (silence["silence"]["follows"], silence["silence"]["said_by"]) == (True, "peer")
    assert silence["text"].startswith("Silence, unanswered: nobody would acknowledge theirs:1 for 6")
    content = Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: "we were there"}).encode()
    answer = pair.b.desk.compose(pair.b.line, Draft(EntryType.NOTICE, content, re=2))
    pair.advance(5)
    stored = pair.a.journal.entry(pair.a.line.line.setup.incoming_log, answer.index)
    assert stored is not None
    assert stored.re == 2
    assert [clock.kind for clock in pair.a.line.running_clocks(True, pair.a.desk.moment())] == [0]


def entries_of(pair: DeskPair, entry: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = asyncio.run(Api(pair.b.desk, live=True).call("entries", {"line": "tokyo", "entry": entry}))[
        "entries"
    ]
    return found


@pytest.mark.slow
def test_false_certificate_of_the_peer_is_shown_as_one_that_does_not_follow(pair: DeskPair) -> None:
    notice = say(pair)
    pair.advance(60)
    acknowledge(pair, notice)
    pair.advance(120)
    leaf = Leaf.decode(notice.leaf)
    record = pair.a.journal.statement(pair.a.line.record.line, False, StatementType.STATUS)
    assert record is not None
    lie = Silence(
        SilenceKind.UNANSWERED, 0, 1, 1, leaf.index, leaf.commitment, SignedStatus(record.payload, record.ed, record.ml)
    )
    made = pair.a.desk.compose(pair.a.line, Draft(EntryType.SILENCE, lie.encode()))
    pair.advance(5)
    (shown,) = entries_of(pair, f"theirs:@{made.index}")
    assert shown["silence"]["follows"] is False
    assert "does not follow" in shown["finding"]
