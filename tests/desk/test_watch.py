"""Who is on watch, which consoles are armed, what has sounded: who may say so, what survives, and what the peer is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.desk.desk_pair import DeskEnd, DeskPair
from tests.desk.watch_samples import AGREED, acknowledge, ask, officer_key, say, sign_off, sign_on
from watchline.core.encoding import encode
from watchline.core.entries import Precedence
from watchline.core.statements import Status
from watchline.desk.handover import on_statement, sign_watch
from watchline.desk.views import LineView
from watchline.desk.watch import ARMED_SECONDS, CONSOLES_MAX, TOLD_SECONDS, WATCH_SECONDS_MAX
from watchline.errors import RouteError, UsageError


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    joined = DeskPair(tmp_path, agreed=AGREED)
    joined.join()
    joined.advance(3)
    yield joined
    joined.close()


def heard(end: DeskEnd) -> Status:
    """What the peer of this end has last said."""
    status = end.line.line.statuses.peer_status
    assert status is not None
    return status


def numbers(end: DeskEnd) -> list[int]:
    return [person.number for person in end.desk.watch.people]


# --- people


def test_officer_who_signs_in_is_on_watch_and_the_peer_hears_of_one_more_within_seconds(pair: DeskPair) -> None:
    shown = sign_on(pair.b, "Beijing", 1, role="supervisor")
    pair.advance(TOLD_SECONDS + 3)

    assert [(person["number"], person["role"]) for person in shown["people"]] == [(1, "supervisor")]
    assert heard(pair.a).watch[:2] == (1, 0)


def test_people_on_watch_survive_a_restart_and_consoles_do_not(pair: DeskPair) -> None:
    sign_on(pair.b, "Beijing", 1)
    pair.b.desk.watch.arm("bell", pair.b.scheduler.moment())
    assert pair.b.desk.watch.armed == 1

    pair.cut()
    pair.b.restart()

    assert numbers(pair.b) == [1]
    assert pair.b.desk.watch.armed == 0


@pytest.mark.slow
def test_watch_ends_by_itself_when_its_time_is_over(pair: DeskPair) -> None:
    sign_on(pair.b, "Beijing", 1, hours=0.1)
    pair.advance(359)
    assert numbers(pair.b) == [1]
    pair.advance(TOLD_SECONDS + 5)
    assert numbers(pair.b) == []
    assert heard(pair.a).watch[0] == 0


def test_officer_cannot_sign_in_another(pair: DeskPair) -> None:
    with pytest.raises(UsageError, match="own key"):
        sign_on(pair.b, "Beijing", 1, signer=2)
    assert numbers(pair.b) == []


def test_officer_of_another_desk_cannot_sign_in(pair: DeskPair) -> None:
    with pytest.raises(UsageError, match="nobody who may has signed this"):
        sign_on(pair.b, "Tokyo", 1)
    assert numbers(pair.b) == []


def test_signature_that_was_used_before_signs_nobody_in(pair: DeskPair) -> None:
    until = pair.b.scheduler.moment().wall + 3600
    nonce = ask(pair.b, "watch_nonce")["nonce"]
    statement = on_statement(1, "duty", until)
    signed = sign_watch(officer_key("Beijing", 1), pair.b.desk.facts.identity.id, bytes.fromhex(nonce), statement)
    asked = {"number": 1, "role": "duty", "until": until, "nonce": nonce, "assertion": encode(signed).hex()}
    ask(pair.b, "watch_on", **asked)
    sign_off(pair.b, "Beijing", 1, signer=1)

    with pytest.raises(UsageError, match="answers no question"):
        ask(pair.b, "watch_on", **asked)
    assert numbers(pair.b) == []


def test_signature_for_eight_hours_is_none_for_more(pair: DeskPair) -> None:
    until = pair.b.scheduler.moment().wall + 3600
    nonce = ask(pair.b, "watch_nonce")["nonce"]
    statement = on_statement(1, "duty", until)
    signed = sign_watch(officer_key("Beijing", 1), pair.b.desk.facts.identity.id, bytes.fromhex(nonce), statement)

    with pytest.raises(UsageError, match="nobody who may"):
        ask(pair.b, "watch_on", number=1, role="duty", until=until + 1, nonce=nonce, assertion=encode(signed).hex())


@pytest.mark.slow
def test_nonce_that_is_old_signs_nobody_in(pair: DeskPair) -> None:
    until = pair.b.scheduler.moment().wall + 3600
    nonce = ask(pair.b, "watch_nonce")["nonce"]
    signed = sign_watch(
        officer_key("Beijing", 1), pair.b.desk.facts.identity.id, bytes.fromhex(nonce), on_statement(1, "duty", until)
    )
    pair.advance(601)

    with pytest.raises(UsageError, match="answers no question"):
        ask(pair.b, "watch_on", number=1, role="duty", until=until, nonce=nonce, assertion=encode(signed).hex())


def test_officer_whom_the_roster_lets_acknowledge_nothing_counts_no_longer(pair: DeskPair) -> None:
    sign_on(pair.b, "Beijing", 1)
    facts = pair.b.desk.facts
    revoked = replace(facts.roster.officers[0], role="auditor")
    pair.b.desk.facts = replace(facts, roster=replace(facts.roster, officers=(revoked, *facts.roster.officers[1:])))

    assert numbers(pair.b) == []
    with pytest.raises(UsageError, match="nobody who may"):
        sign_on(pair.b, "Beijing", 1)


def test_officer_is_signed_out_by_themselves_or_by_one_on_watch_and_by_nobody_else(pair: DeskPair) -> None:
    sign_on(pair.b, "Beijing", 1)
    with pytest.raises(UsageError, match="who is on watch"):
        sign_off(pair.b, "Beijing", 1, signer=2)
    assert numbers(pair.b) == [1]

    sign_on(pair.b, "Beijing", 2)
    sign_off(pair.b, "Beijing", 1, signer=2)
    assert numbers(pair.b) == [2]
    sign_off(pair.b, "Beijing", 2, signer=2)
    assert numbers(pair.b) == []
    with pytest.raises(UsageError, match="not on watch"):
        sign_off(pair.b, "Beijing", 2, signer=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        {"role": ""},
        {"role": "a" * 33},
        {"role": "line\nbreak"},
        {"until": 0},
        {"until": 2**52},
        {"number": "1"},
        {"nonce": "zz"},
        {"nonce": 7},
        {"assertion": "ff"},
        {"assertion": "zz"},
    ],
    ids=str,
)
def test_sign_in_that_is_asked_wrongly_is_refused(pair: DeskPair, wrong: dict[str, Any]) -> None:
    role, until = wrong.get("role", "duty"), wrong.get("until", pair.b.scheduler.moment().wall + 60)
    nonce = ask(pair.b, "watch_nonce")["nonce"]
    signed = sign_watch(
        officer_key("Beijing", 1), pair.b.desk.facts.identity.id, bytes.fromhex(nonce), on_statement(1, role, until)
    )
    asked = {"number": 1, "role": role, "until": until, "nonce": nonce, "assertion": encode(signed).hex()}
    with pytest.raises(UsageError):
        ask(pair.b, "watch_on", **{**asked, **wrong})
    assert numbers(pair.b) == []


def test_watch_is_bounded_in_time(pair: DeskPair) -> None:
    with pytest.raises(UsageError, match="within 168 hours"):
        sign_on(pair.b, "Beijing", 1, hours=WATCH_SECONDS_MAX / 3600 + 1)


# --- consoles


def test_console_that_does_not_renew_counts_no_longer_and_the_peer_hears_it(pair: DeskPair) -> None:
    sign_on(pair.b, "Beijing", 1)
    pair.b.desk.watch.arm("bell", pair.b.scheduler.moment())
    pair.advance(TOLD_SECONDS + 3)
    assert heard(pair.a).watch == (1, 1, 0)

    pair.advance(ARMED_SECONDS + 2)
    assert pair.b.desk.watch.armed == 0
    pair.advance(60)
    people, armed, alone = heard(pair.a).watch
    assert (people, armed) == (1, 0)
    assert 30 <= alone <= 70


@pytest.mark.slow
def test_how_long_the_desk_has_been_without_a_watch_goes_on_over_a_restart(pair: DeskPair) -> None:
    sign_on(pair.b, "Beijing", 1)
    pair.b.desk.watch.arm("bell", pair.b.scheduler.moment())
    pair.advance(1)
    pair.b.desk.watch.disarm("bell")
    pair.advance(100)

    pair.cut()
    pair.b.restart()

    assert pair.b.desk.watch.counts(pair.b.scheduler.moment())[2] in (100, 101, 102)


def test_desk_whose_console_flaps_makes_few_statuses(pair: DeskPair) -> None:
    pair.advance(10)
    before = pair.b.line.line.statuses.freshness.made
    for _ in range(120):
        pair.b.desk.watch.arm("flapping", pair.b.scheduler.moment())
        pair.advance(0.25)
        pair.b.desk.watch.disarm("flapping")
        pair.advance(0.25)
    assert 2 <= pair.b.line.line.statuses.freshness.made - before <= 60 / TOLD_SECONDS + 2


def test_consoles_are_bounded_and_need_names(pair: DeskPair) -> None:
    for number in range(CONSOLES_MAX):
        ask(pair.b, "console_arm", console=f"console {number}")
    with pytest.raises(UsageError, match="armed already"):
        ask(pair.b, "console_arm", console="one more")
    assert ask(pair.b, "console_arm", console="console 3") == {"armed": CONSOLES_MAX}
    assert ask(pair.b, "console_disarm", console="console 3") == {"armed": CONSOLES_MAX - 1}
    for name in ("", "x" * 65, "a\nb", 7):
        with pytest.raises(UsageError):
            ask(pair.b, "console_arm", console=name)


def test_no_console_is_armed_without_a_node(pair: DeskPair) -> None:
    with pytest.raises(RouteError):
        ask(pair.b, "console_arm", live=False, console="bell")


# --- what has sounded


def sound(end: DeskEnd, index: int) -> int:
    """An armed console of this end sounds for entry `index` of the peer; what the statuses then say."""
    ask(end, "console_arm", console="bell")
    rung = ask(end, "console_sounded", console="bell", line="tokyo", id=f"theirs:@{index}")["rung"]
    assert isinstance(rung, int)
    return rung


def test_notice_that_sounded_is_told_to_its_author_as_rung(pair: DeskPair) -> None:
    notice = say(pair.a)
    pair.advance(2)
    assert [alarm["sounded"] for alarm in ask(pair.b, "alarms")["alarms"]] == [False]
    sound(pair.b, notice.index)
    pair.advance(3)

    assert heard(pair.a).rung == notice.index + 1
    assert [alarm["sounded"] for alarm in ask(pair.b, "alarms")["alarms"]] == [True]


def test_rung_rises_only_over_notices_that_all_sounded(pair: DeskPair) -> None:
    first, second = say(pair.a), say(pair.a)
    pair.advance(2)
    sound(pair.b, second.index)
    pair.advance(2)
    assert pair.b.line.line.statuses.rung <= first.index
    sound(pair.b, first.index)
    pair.advance(2)
    assert heard(pair.a).rung == second.index + 1


def test_notice_acknowledged_before_it_could_sound_stands_in_nobodys_way(pair: DeskPair) -> None:
    first, second = say(pair.a), say(pair.a)
    pair.advance(2)
    acknowledge(pair.b, "Beijing", first.index)
    pair.advance(2)
    sound(pair.b, second.index)
    pair.advance(2)
    assert heard(pair.a).rung == second.index + 1


def test_rung_is_shown_of_no_notice_that_nobody_was_called_for_nor_of_one_that_a_person_took_up_before(pair: DeskPair) -> None:
    silent, taken, sounding = pair.a.desk.tests.start(pair.a.line), say(pair.a), say(pair.a)
    pair.advance(3)
    acknowledge(pair.b, "Beijing", taken.index)
    pair.advance(3)
    sound(pair.b, sounding.index)
    pair.advance(3)
    assert heard(pair.a).rung == sounding.index + 1
    for end in (pair.a, pair.b):
        view = LineView(end.desk, end.line.record)
        own = end is pair.a
        setup = end.line.line.setup
        log = setup.outgoing_log if own else setup.incoming_log
        shown = [end.journal.entry(log, each.index) for each in (silent, taken, sounding)]
        assert ["rung" in view.times(record) for record in shown if record is not None] == [False, False, True]


def test_rung_never_falls_over_a_restart(pair: DeskPair) -> None:
    notice = say(pair.a)
    pair.advance(2)
    sound(pair.b, notice.index)
    pair.cut()
    pair.b.restart()
    pair.join()
    pair.advance(3)

    assert heard(pair.a).rung == notice.index + 1
    assert pair.a.journal.alarms(pair.a.line.record.line) == []


def test_console_that_is_not_armed_cannot_have_sounded(pair: DeskPair) -> None:
    notice = say(pair.a)
    pair.advance(2)
    with pytest.raises(UsageError, match="not armed"):
        ask(pair.b, "console_sounded", console="bell", line="tokyo", id=f"theirs:@{notice.index}")
    pair.b.desk.watch.arm("bell", pair.b.scheduler.moment())
    pair.advance(ARMED_SECONDS + 1)
    with pytest.raises(UsageError, match="not armed"):
        ask(pair.b, "console_sounded", console="bell", line="tokyo", id=f"theirs:@{notice.index}")
    pair.advance(2)
    assert heard(pair.a).rung == 0


def test_entry_that_asks_nobody_never_raises_what_has_rung(pair: DeskPair) -> None:
    pair.a.desk.tests.start(pair.a.line)
    pair.advance(2)
    assert sound(pair.b, pair.a.line.last_test.index if pair.a.line.last_test else 0) == 0


def test_alarms_stand_in_order_of_urgency_and_go_when_a_person_acknowledges(pair: DeskPair) -> None:
    routine, flash = say(pair.a, Precedence.ROUTINE), say(pair.a, Precedence.FLASH, exercise=True)
    pair.advance(2)
    alarms = ask(pair.b, "alarms")["alarms"]
    assert [(alarm["precedence"], alarm["exercise"], alarm["allowed"]) for alarm in alarms] == [
        ("FLASH", True, 600),
        ("ROUTINE", False, 86_400),
    ]
    for record in (routine, flash):
        acknowledge(pair.b, "Beijing", record.index)
    pair.advance(1)
    assert ask(pair.b, "alarms") == {"alarms": [], "left_out": 0}


# --- handover


def draft(pair: DeskPair, leaving: int = 1, relief: int = 2) -> dict[str, Any]:
    until = pair.b.scheduler.moment().wall + 8 * 3600
    return ask(pair.b, "watch_handover_draft", leaving=leaving, relief=relief, role=None, until=until)


def hand_over(pair: DeskPair, drafted: dict[str, Any], signers: tuple[int, ...] = (1, 2), record: str | None = None) -> Any:
    statement = bytes.fromhex(record or drafted["record"])
    own, nonce = pair.b.desk.facts.identity.id, bytes.fromhex(drafted["nonce"])
    signed = [sign_watch(officer_key("Beijing", number), own, nonce, statement) for number in signers]
    return ask(pair.b, "watch_handover", record=statement.hex(), nonce=drafted["nonce"], assertions=encode(signed).hex())


@pytest.mark.slow
def test_handover_signed_by_both_is_kept_with_the_clocks_of_both_directions(pair: DeskPair) -> None:
    sign_on(pair.b, "Beijing", 1, role="supervisor")
    ours, theirs = say(pair.b), say(pair.a)
    pair.b.desk.tests.start(pair.b.line)
    pair.advance(5)
    done = hand_over(pair, draft(pair))["handover"]

    assert numbers(pair.b) == [2]
    pair.cut()
    pair.b.restart()
    assert numbers(pair.b) == [2]
    (kept,) = ask(pair.b, "watch_handovers")["handovers"]
    assert {name: value for name, value in kept.items() if name != "signed"} == done
    (line,) = kept["lines"]
    assert (kept["leaving"]["number"], kept["relief"]["number"], kept["role"]) == (1, 2, "supervisor")
    assert (
        {clock["clock"] for clock in line["ours"]} == {clock["clock"] for clock in line["theirs"]} == {"acknowledge", "answer"}
    )
    assert {clock["id"] for clock in line["ours"] + line["theirs"]} == {f"ours:{ours.number}", f"theirs:{theirs.number}"}
    assert line["last_test"]["ok"] is True
    assert kept["untested"] == ["sound-again", "next-officer", "last-call"]


@pytest.mark.slow
@pytest.mark.parametrize("signers", [(1,), (2,), (1, 1), (2, 1, 1)])
def test_handover_needs_the_signatures_of_both(pair: DeskPair, signers: tuple[int, ...]) -> None:
    sign_on(pair.b, "Beijing", 1)
    with pytest.raises(UsageError, match="nobody who may has signed this"):
        hand_over(pair, draft(pair), signers)
    assert numbers(pair.b) == [1]
    assert ask(pair.b, "watch_handovers")["handovers"] == []


def test_handover_record_that_the_node_did_not_draft_is_refused(pair: DeskPair) -> None:
    sign_on(pair.b, "Beijing", 1)
    say(pair.a)
    pair.advance(2)
    drafted = draft(pair)
    without_open_items = encode(["handover", pair.b.scheduler.moment().wall, 1, 2, "duty", 2**40, [], []]).hex()
    with pytest.raises(UsageError, match="answers no question"):
        hand_over(pair, drafted, record=without_open_items)
    assert numbers(pair.b) == [1]


def test_watch_is_handed_over_by_one_who_is_on_it_to_another(pair: DeskPair) -> None:
    with pytest.raises(UsageError, match="not on watch"):
        draft(pair)
    sign_on(pair.b, "Beijing", 1)
    with pytest.raises(UsageError, match="to another officer"):
        draft(pair, relief=1)
