"""What is exported of silences: by the notice, by the certificate, with all, and with contents left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.desk.test_exporting import paired, row_of
from tests.line_pair import LinePair
from tests.silence_cases import certify, export, held_by, only_silence, say, signed, silence, verify, waited
from watchline.core.records import RemovalRecord
from watchline.core.silence import SilenceKind
from watchline.core.stubs import stub
from watchline.desk.exporting import export_evidence, silences_named
from watchline.desk.silence_grounds import judge_record
from watchline.errors import UsageError


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[LinePair]:
    joined = LinePair(tmp_path, line=paired()[0].line)
    yield joined
    joined.close()


def test_silence_is_named_by_its_notice_or_by_itself(pair: LinePair) -> None:
    notice = say(pair)
    other = say(pair)
    certificate = certify(pair, silence(notice, signed(waited(pair), pair)))
    meant = [(certificate.log, certificate.index)]
    assert silences_named(pair.a.journal, notice) == meant
    assert silences_named(pair.a.journal, certificate) == meant
    with pytest.raises(UsageError, match="no silence certificate about this entry"):
        silences_named(pair.a.journal, other)


def test_other_notices_and_their_certificates_stay_hidden(pair: LinePair) -> None:
    first, second = say(pair), say(pair)
    status = waited(pair)
    certify(pair, silence(first, signed(status, pair)))
    certify(pair, silence(second, signed(status, pair)))
    report = verify(export(pair, first))
    assert only_silence(report)["notice"]["index"] == first.index
    assert [entry["index"] for entry in report.entries if entry["log"] == "a-1-1"] == [first.index, first.index + 2]


def test_whole_line_is_exported_with_every_silence(pair: LinePair) -> None:
    notice = say(pair)
    status = waited(pair)
    certify(pair, silence(notice, signed(status, pair)))
    data, complete = export_evidence(pair.a.journal, row_of(pair.a), pair.a.setup)
    report = verify(data)
    assert complete
    assert only_silence(report)["kind"] == SilenceKind.UNANSWERED.value


def test_bodies_are_left_out_of_any_export(pair: LinePair) -> None:
    notice = say(pair)
    report = verify(export(pair, notice, hide_body=True))
    assert report.verified
    assert [entry["shown"] for entry in report.entries] == [False]


def test_certificate_that_the_shown_parts_do_not_bear_out_spoils_no_export(pair: LinePair) -> None:
    notice = say(pair)
    before = waited(pair)
    nobody = replace(pair.a.setup.peer_roster, officers=())  # a desk that knows less than the pairing files show
    pair.a.line.take_setup(replace(pair.a.setup, peer_roster=nobody))
    pair.b.acknowledge(held_by(pair.b, notice))
    pair.settle(3)
    certificate = certify(pair, silence(notice, signed(replace(waited(pair), open=before.open), pair)))
    report = verify(export(pair, notice))
    assert report.verified
    assert report.silences == ()
    assert [entry["shown"] for entry in report.entries if entry["type"] == "silence"] == [False]
    with pytest.raises(UsageError, match="bears out no silence"):
        export(pair, certificate)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [SilenceKind.UNANSWERED, SilenceKind.CONTRADICTED])
def test_silence_about_a_notice_whose_body_went_still_follows_here_and_in_what_is_exported(
    pair: LinePair, kind: SilenceKind
) -> None:
    """A contradiction needs the notice's content: of that the leaf is shown, and evidence of before goes on proving it."""
    notice = say(pair)
    status = waited(pair)
    said = status if kind is SilenceKind.UNANSWERED else replace(status, open=(), left_out=0)
    certificate = certify(pair, silence(notice, signed(said, pair), kind))
    before = export(pair, notice)
    judged = judge_record(pair.a.journal, pair.a.setup, certificate)
    pair.a.journal.commit([RemovalRecord(notice.log, "archived", ((notice.index, stub(notice)),))])
    assert judge_record(pair.a.journal, pair.a.setup, certificate) == judged
    report = verify(export(pair, notice))
    assert report.verified
    assert [entry["shown"] for entry in report.entries if entry["type"] == "notice"] == [False]
    assert [told["kind"] for told in report.silences] == ([kind.value] if kind is SilenceKind.UNANSWERED else [])
    assert only_silence(verify(before))["kind"] == kind.value
