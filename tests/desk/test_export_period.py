"""Evidence of a period, and that a journal gives the same file each time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.desk.test_exporting import paired, row_of, shown
from tests.line_pair import LinePair, Side
from tests.silence_cases import certify, held_by, say, signed, silence, verify, waited
from watchline.core.evidence import Report
from watchline.desk.exporting import entries_of_period, export_aside, export_evidence
from watchline.desk.figures import Span
from watchline.errors import UsageError

HOUR = 3_600


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[LinePair]:
    joined = LinePair(tmp_path, line=paired()[0].line)
    yield joined
    joined.close()


def export(side: Side, period: Span, *, hide_body: bool = False) -> bytes:
    beside = entries_of_period(side.journal, side.setup.line, period)
    return export_evidence(side.journal, row_of(side), side.setup, beside=beside, hide_body=hide_body)[0]


def report_of(side: Side, period: Span) -> Report:
    report = verify(export(side, period))
    assert report.verified, report.faults
    return report


def now(pair: LinePair) -> int:
    return pair.clock.moment().wall


@pytest.mark.slow
def test_period_shows_what_was_said_in_it_with_what_it_refers_to_and_what_answers_it(pair: LinePair) -> None:
    asked, unrelated = say(pair), say(pair)
    pair.clock.advance(HOUR)
    begin = now(pair)
    early_answer = pair.b.say("an answer to what was asked before", re=asked.index)
    pair.settle(3)
    within = say(pair)
    end = now(pair) + 1
    pair.clock.advance(HOUR)
    pair.settle(3)
    late_answer = pair.b.say("an answer that came after", re=within.index)
    after = say(pair)
    pair.settle(3)
    for side in (pair.a, pair.b):
        found = shown(report_of(side, Span(begin, end)))
        expected = {
            ("a-1-1", asked.index),
            ("a-1-1", within.index),
            ("b-1-1", early_answer.index),
            ("b-1-1", late_answer.index),
        }
        assert set(found) == expected
        assert ("a-1-1", unrelated.index) not in found
        assert ("a-1-1", after.index) not in found


def test_bounds_of_a_period_are_its_first_second_and_the_one_after_it(pair: LinePair) -> None:
    pair.clock.advance(HOUR)
    record = say(pair)
    at = record.time
    line, journal = pair.a.setup.line, pair.a.journal
    assert entries_of_period(journal, line, Span(at, at + 1)) == [(record.log, record.index)]
    for empty in (Span(at - 60, at), Span(at + 1, at + 60)):
        with pytest.raises(UsageError, match="nothing was said"):
            entries_of_period(journal, line, empty)


@pytest.mark.slow
@pytest.mark.parametrize("period", [Span(10, 10), Span(20, 10), Span(-5, 10)])
def test_period_that_is_none_is_refused(pair: LinePair, period: Span) -> None:
    with pytest.raises(UsageError, match="ends before it begins"):
        entries_of_period(pair.a.journal, pair.a.setup.line, period)


def test_period_shows_the_certificates_about_its_notices(pair: LinePair) -> None:
    begin = now(pair)
    notice = say(pair)
    end = now(pair) + 1
    certificate = certify(pair, silence(notice, signed(waited(pair), pair)))
    report = report_of(pair.a, Span(begin, end))
    assert [each["index"] for each in report.silences] == [certificate.index]


@pytest.mark.slow
def test_certificate_that_shows_nothing_spoils_no_period(pair: LinePair) -> None:
    notice = say(pair)
    before = waited(pair)
    pair.b.acknowledge(held_by(pair.b, notice))
    pair.settle(3)
    holds = certify(pair, silence(notice, signed(before, pair)))
    shows_nothing = certify(pair, silence(notice, signed(waited(pair, 60), pair)))  # that status does not list the notice
    report = report_of(pair.a, Span(notice.time, now(pair) + 1))
    assert [each["index"] for each in report.silences] == [holds.index]
    content_shown = {entry["index"]: entry["shown"] for entry in report.entries if entry["type"] == "silence"}
    assert content_shown == {holds.index: True, shows_nothing.index: False}


def test_period_without_contents_shows_no_silence_and_is_no_error(pair: LinePair) -> None:
    begin = now(pair)
    notice = say(pair)
    certify(pair, silence(notice, signed(waited(pair), pair)))
    report = verify(export(pair.a, Span(begin, now(pair) + 1), hide_body=True))
    assert report.verified
    assert {entry["type"] for entry in report.entries if not entry["shown"]} >= {"notice"}


@pytest.mark.slow
def test_export_beside_running_lines_gives_the_same_and_refuses_the_same(pair: LinePair) -> None:
    notice = say(pair)
    before = waited(pair)
    nobody = replace(pair.a.setup.peer_roster, officers=())  # a desk that knows less than the pairing files show
    pair.a.line.take_setup(replace(pair.a.setup, peer_roster=nobody))
    pair.b.acknowledge(held_by(pair.b, notice))
    pair.settle(3)
    status = signed(replace(waited(pair), open=before.open), pair)
    certificate = certify(pair, silence(notice, status))

    def aside(index: int) -> bytes:
        return asyncio.run(export_aside(pair.a.journal, row_of(pair.a), pair.a.setup, [(notice.log, index)]))[0]

    once = export_evidence(pair.a.journal, row_of(pair.a), pair.a.setup, [(notice.log, notice.index)])[0]
    assert aside(notice.index) == once
    with pytest.raises(UsageError, match="bears out no silence"):
        aside(certificate.index)


@pytest.mark.slow
def test_same_journal_gives_the_same_bytes_again_and_after_a_restart(pair: LinePair) -> None:
    begin = now(pair)
    first, second = say(pair), say(pair)
    status = waited(pair)
    certify(pair, silence(second, signed(status, pair)))
    certify(pair, silence(first, signed(status, pair)))
    pair.b.acknowledge(held_by(pair.b, first))
    pair.settle(3)
    period = Span(begin, now(pair) + 1)
    once = export(pair.a, period)
    assert export(pair.a, period) == once
    pair.a.restart()
    assert export(pair.a, period) == once
