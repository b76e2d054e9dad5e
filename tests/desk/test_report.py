"""The statistics of a line: what they count, that both desks count the same, and that they hold no content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.amending import releasers
from tests.desk.desk_pair import DeskEnd, DeskPair
from tests.line_pair import START, party, terms
from watchline.cli.report_page import render
from watchline.core.entries import Body, EntryType, Notice, Place, Precedence
from watchline.core.outgoing import Draft
from watchline.core.persons import assertion_challenge, sign_assertion
from watchline.core.records import AttemptRecord
from watchline.core.release import asserted
from watchline.core.terms import Terms
from watchline.desk.figures import Span
from watchline.desk.report import make_report
from watchline.desk.views import LineView

SLOT = 900
AGREED = replace(terms(), test_interval_seconds=SLOT, unreleased_forms=("airspace-object", "free-text", "statement", "test"))
SECRET = "three balloons over the bay <script>"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    joined = DeskPair(tmp_path, agreed=AGREED)
    joined.join()
    joined.advance(3)
    yield joined
    joined.close()


def report_of(end: DeskEnd, start: int = START, end_at: int = START + 6 * SLOT) -> dict[str, Any]:
    end.desk.flush()
    return make_report(LineView(end.desk, end.line.record), Span(start, end_at))


def say(end: DeskEnd, precedence: Precedence = Precedence.ROUTINE, re: int | None = None) -> int:
    """The desk's officer says it."""
    content = Notice("statement", 1, precedence, False, "en", {1: SECRET}).encode()
    setup, nonce = end.line.line.setup, end.scheduler.random.randbytes(16)
    meant = None if re is None else Place(1, 1, re)
    purpose, what = asserted(EntryType.NOTICE, Body(content), meant)
    challenge = assertion_challenge(purpose, setup.line, setup.own_id, nonce, what)
    signed = sign_assertion(1, party(setup.own_identity.desk).officers[0], challenge).to_value()
    return end.desk.compose(end.line, Draft(EntryType.NOTICE, content, nonce, (signed,), re, None, True)).index


@pytest.mark.slow
def test_scheduled_tests_of_both_desks_are_due_kept_and_missed(pair: DeskPair) -> None:
    pair.advance(3 * SLOT)
    pair.cut()
    pair.advance(SLOT + 200)  # a test that waits for the cable is answered once it is back, and too late
    pair.join()
    pair.advance(2 * SLOT - 200)
    tests = report_of(pair.a)["tests"]
    assert [tests[side]["due"] for side in ("ours", "theirs")] == [3, 3]
    first_slot, while_cut = 1, 1  # the first slot had begun before the nodes did
    assert tests["ours"]["missed"] + tests["theirs"]["missed"] == first_slot + while_cut
    assert tests["ours"]["answered"] + tests["theirs"]["answered"] == 5
    assert tests["ours"]["round_trip_seconds"]["number"] == tests["ours"]["answered"]


@pytest.mark.slow
def test_both_desks_compute_the_same_tests_and_notices_from_the_same_logs(pair: DeskPair) -> None:
    for _ in range(3):
        asked = say(pair.a, Precedence.FLASH)
        pair.advance(90)
        say(pair.b, re=asked)
        pair.advance(SLOT)
    ours, theirs = report_of(pair.a), report_of(pair.b)
    assert ours["tests"]["ours"]["kept"] == theirs["tests"]["theirs"]["kept"] > 0
    assert ours["notices"]["ours"]["FLASH"]["sent"] == theirs["notices"]["theirs"]["FLASH"]["sent"] == 3
    assert ours["notices"]["ours"]["FLASH"]["rungs"]["answered"] == theirs["notices"]["theirs"]["FLASH"]["rungs"]["answered"]
    roots = [{(log["author"], log["size"], log["root"]) for log in report["logs"]} for report in (ours, theirs)]
    assert roots[0] == roots[1]


@pytest.mark.slow
def test_notice_that_nobody_answered_is_overdue_and_one_that_was_answered_has_its_time(pair: DeskPair) -> None:
    asked = say(pair.a, Precedence.FLASH)
    say(pair.a, Precedence.FLASH)
    pair.advance(90)
    say(pair.b, re=asked)
    pair.advance(SLOT)
    flash = report_of(pair.a)["notices"]["ours"]["FLASH"]
    assert (flash["sent"], flash["overdue"]) == (2, 1)
    assert flash["rungs"]["received"]["number"] == 2
    assert flash["rungs"]["answered"]["number"] == 1
    assert 89 <= flash["rungs"]["answered"]["median"] <= 92


@pytest.mark.slow
def test_what_began_outside_the_period_is_not_counted_and_the_logs_end_with_it(pair: DeskPair) -> None:
    say(pair.a)
    pair.advance(SLOT)
    say(pair.a)
    pair.advance(SLOT)
    say(pair.a)
    pair.advance(60)
    between = report_of(pair.a, START + SLOT // 2, START + SLOT + SLOT // 2)
    assert between["notices"]["ours"]["ROUTINE"]["sent"] == 1
    whole = report_of(pair.a)
    assert between["logs"][0]["size"] < whole["logs"][0]["size"]
    journal, log = pair.a.journal, pair.a.line.line.setup.outgoing_log
    sizes = {each["author"]: each for each in between["logs"]}
    assert sizes["Tokyo"]["root"] == journal.root_at(log, sizes["Tokyo"]["size"]).hex()


def test_route_carried_from_each_connection_to_its_end_or_the_next_attempt(pair: DeskPair) -> None:
    row, pair_of = pair.a.line.record.line, pair.a.line.line.setup.pair
    told = ((0, "connected"), (60, "closed"), (90, "timeout"), (100, "connected"), (150, "refused"), (160, "connected"))
    pair.a.desk.note_attempts([AttemptRecord(row, START + at, "direct x:1", outcome, 0, pair_of) for at, outcome in told])
    pair.cut()
    pair.a.desk.flush()
    heard = pair.a.line.line.statuses.peer_status
    assert heard is not None
    (route,) = report_of(pair.a, START, START + 200)["routes"]
    assert route["route"] == "direct x:1"
    assert route["carried_seconds"] == 60 + 50
    assert route["attempts"] == {"closed": 1, "connected": 3, "refused": 1, "timeout": 1}


def test_route_through_a_relay_goes_on_carrying_when_the_relay_keeps_frames(pair: DeskPair) -> None:
    row, pair_of = pair.a.line.record.line, pair.a.line.line.setup.pair
    told = ((0, "connected"), (10, "sent"), (11, "relayed"), (20, "relayed"), (60, "closed"), (90, "timeout"))
    pair.a.desk.note_attempts([AttemptRecord(row, START + at, "nats tls://r:1", outcome, 0, pair_of) for at, outcome in told])
    pair.a.desk.flush()
    (route,) = report_of(pair.a, START, START + 200)["routes"]
    assert route["carried_seconds"] == 60
    assert route["attempts"] == {"closed": 1, "connected": 1, "timeout": 1}


@pytest.mark.slow
def test_report_and_its_page_hold_no_content_and_load_nothing(pair: DeskPair) -> None:
    say(pair.a, Precedence.FLASH)
    pair.advance(2 * SLOT)
    report = report_of(pair.a)
    assert SECRET[:8] not in json.dumps(report)
    for language in ("en", "ja", "zh-Hans", "fr"):
        page = render(report, language)
        assert "<script" not in page
        assert "http://" not in page.replace("http://www.w3.org", "")
        assert "https://" not in page
        assert page.count("<svg") == page.count("</svg>") == 2
    assert 'lang="ja"' in render(report, "ja")
    assert 'lang="en"' in render(report, "fr")


@pytest.mark.slow
def test_name_of_a_desk_cannot_become_markup_of_the_page(pair: DeskPair) -> None:
    pair.advance(SLOT)
    report = report_of(pair.a)
    report["desks"]["theirs"] = "<b onload=x>"
    assert "<b onload" not in render(report, "en")


def test_line_without_entries_in_the_period_reports_nothing_rather_than_failing(pair: DeskPair) -> None:
    report = report_of(pair.a, START - 10 * SLOT, START - 9 * SLOT)
    assert report["notices"] == {"ours": {}, "theirs": {}}
    assert report["tests"]["ours"]["due"] == 0
    assert {log["size"] for log in report["logs"]} == {0}
    assert "<svg" not in render(report, "en")


@pytest.mark.slow
def test_tests_fall_due_by_the_interval_that_was_in_force_when_their_slot_began(pair: DeskPair) -> None:
    for end in (pair.a, pair.b):
        line = end.line.line
        own, peer = releasers(line.setup.own_roster), releasers(line.setup.peer_roster)
        line.take_setup(replace(line.setup, own_roster=own, peer_roster=peer))
    pair.advance(4 * SLOT)
    slower = replace(AGREED, version=2, test_interval_seconds=2 * SLOT)
    for end in (pair.a, pair.b):
        enter_terms(end, slower)
        pair.advance(2)
    pair.advance(8 * SLOT)
    report = report_of(pair.a, start=START + SLOT, end_at=START + 12 * SLOT)
    tests = report["tests"]
    # Ours at 1, 3 | 6, 10 quarters of an hour, theirs at 2, 4 | 8: from the bar on each takes half an hour.
    assert [tests[side]["due"] for side in ("ours", "theirs")] == [4, 3]
    assert [tests[side]["missed"] for side in ("ours", "theirs")] == [0, 0]
    assert sum(day["tests_due"] for day in report["days"]) == 7


def enter_terms(end: DeskEnd, text: Terms) -> None:
    """Two officers of the desk enter a text of the terms."""
    setup, nonce, body = end.line.line.setup, end.scheduler.random.randbytes(16), Body(text.encode())
    challenge = assertion_challenge("terms", setup.line, setup.own_id, nonce, body.digest)
    keys = party(setup.own_identity.desk).officers[:2]
    signed = tuple(sign_assertion(n, key, challenge).to_value() for n, key in enumerate(keys, start=1))
    end.desk.compose(end.line, Draft(EntryType.TERMS, body.content, nonce, signed, None, None, True))
