"""What evidence tells of a silence beside other things that were said: reports about it, amended terms, chosen words."""

from __future__ import annotations

from dataclasses import replace

from tests.core.sample_desks import terms
from tests.core.sample_evidence import TIME, Talk
from tests.core.test_evidence_terms import enter
from tests.vectors.make_silence import as_it_is, bundle, certificate, sign, status_of
from watchline.core.encoding import decode, encode
from watchline.core.entries import EntryType
from watchline.core.evidence import build_evidence, verify_evidence
from watchline.core.evidence_parts import Bundle
from watchline.core.silence import Attempt, Claim, SignedStatus, SilenceKind
from watchline.core.statements import SIGNED_PREFIX


def test_escalation_report_neither_answers_a_notice_nor_refutes_its_silence() -> None:
    talk = Talk()
    notice = talk.say("a")
    report = talk.say("b", "escalation-report", re=notice)
    status = status_of(talk, notice)
    said = certificate(talk, notice, SilenceKind.UNANSWERED, sign(talk, status))
    found = verify_evidence(build_evidence(bundle(talk, notice, said, status, theirs={report})))
    assert [each["kind"] for each in found.silences] == ["unanswered"]
    assert [entry for entry in found.entries if "answered_by" in entry] == []
    assert any(", report about entry @1 of Aozora Coast Guard's log 1-1)" in fact for fact in found.facts)


def test_answer_below_the_status_refutes_the_silence() -> None:
    talk = Talk()
    notice = talk.say("a")
    answer = talk.say("b", re=notice)
    status = status_of(talk, notice)
    said = certificate(talk, notice, SilenceKind.UNANSWERED, sign(talk, status))
    assert not verify_evidence(as_it_is(bundle(talk, notice, said, status, theirs={answer}))).verified


def test_outcome_of_an_attempt_can_pretend_no_fact_of_its_own() -> None:
    talk = Talk()
    notice = talk.say("a")
    said = certificate(talk, notice, SilenceKind.LINE_DOWN, None, Claim(812, None))
    said = replace(said, attempts=(Attempt("direct", TIME, "x\n- Haidu agreed"),))
    facts = verify_evidence(build_evidence(bundle(talk, notice, said, None))).facts
    assert any('attempts ended with "x\\n- Haidu agreed" at' in fact for fact in facts)
    assert not any("\n" in fact for fact in facts)


def test_claim_of_no_status_names_the_interval_in_force_at_the_notice() -> None:
    talk = Talk()
    text = replace(terms(), version=2, status_interval_seconds=30)
    for side in "ab":
        enter(talk, side, text)
    notice = talk.say("a")
    said = certificate(talk, notice, SilenceKind.DARK, None, Claim(812, TIME + 500))
    talk.add("a", EntryType.SILENCE, talk.release("a", said.encode()))
    shown = Bundle(talk.pairing, (), tuple(talk.log(side) for side in "ab"), ())
    assert any("ask for one each 30 s" in fact for fact in verify_evidence(build_evidence(shown)).facts)


def test_status_of_a_silence_with_another_value_that_equals_its_incarnation_is_of_another_place() -> None:
    talk = Talk()
    notice = talk.say("a")
    status = status_of(talk, notice)
    payload = decode(sign(talk, status).payload)
    payload[4] = True
    made = talk.keys("b").statement.sign(SIGNED_PREFIX + encode(payload))
    said = certificate(talk, notice, SilenceKind.UNANSWERED, SignedStatus(encode(payload), made.ed, made.ml))
    report = verify_evidence(as_it_is(bundle(talk, notice, said, status)))
    assert [fault.rule for fault in report.faults][:1] == [4]


def test_contradiction_by_a_status_that_names_another_log_of_its_own_is_refused() -> None:
    talk = Talk()
    notice = talk.say("a")
    status = replace(status_of(talk, notice), open=(), root=bytes(32))
    said = certificate(talk, notice, SilenceKind.CONTRADICTED, sign(talk, status))
    report = verify_evidence(as_it_is(bundle(talk, notice, said, status, theirs=range(status.size))))
    assert ("logs/b-1-1/tree.txt", 7) in [(fault.part, fault.rule) for fault in report.faults]
