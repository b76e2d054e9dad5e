"""Probes: questions that measure a route, answered once each, and bounded on both sides."""

from __future__ import annotations

import random

import pytest

from watchline.core.frames import Probe
from watchline.core.probes import Probes
from watchline.core.setting import Moment

RANDOM = random.Random(7)


def at(running: float) -> Moment:
    return Moment(0, running, RANDOM.randbytes)


def answer_to(question: Probe, held_ms: int = 0) -> Probe:
    return Probe(None, question.nonce, held_ms)


def test_question_has_a_nonce_of_48_bits_and_answers_nothing() -> None:
    assert Probes().ask(Moment(0, 10.0, lambda length: bytes(range(1, length + 1)))) == Probe(0x010203040506, None, 0)


def test_answer_gives_the_round_trip_without_the_time_that_the_peer_held_it() -> None:
    probes = Probes()
    question = probes.ask(at(10.0))
    seconds, answer = probes.receive(answer_to(question, held_ms=250), at(11.0))
    assert seconds == pytest.approx(0.75)
    assert answer is None


def test_answer_that_claims_to_have_been_held_longer_than_it_took_gives_no_negative_time() -> None:
    probes = Probes()
    question = probes.ask(at(10.0))
    assert probes.receive(answer_to(question, held_ms=5_000), at(11.0))[0] == 0.0


def test_answer_counts_once_and_only_for_a_question_of_ours() -> None:
    probes = Probes()
    question = probes.ask(at(10.0))
    assert probes.receive(Probe(None, (question.nonce or 0) ^ 1, 0), at(11.0)) == (None, None)
    assert probes.receive(answer_to(question), at(11.0))[0] == 1.0
    assert probes.receive(answer_to(question), at(12.0)) == (None, None)


def test_oldest_question_is_forgotten_when_more_than_16_wait() -> None:
    probes = Probes()
    questions = [probes.ask(at(float(second))) for second in range(17)]
    assert probes.receive(answer_to(questions[0]), at(100.0)) == (None, None)
    assert probes.receive(answer_to(questions[1]), at(100.0))[0] == 99.0


def test_16_questions_a_second_are_answered_with_their_nonce() -> None:
    probes = Probes()
    asked = [Probe(number, None, 0) for number in range(17)]
    answers = [probes.receive(each, at(0.0)) for each in asked]
    assert answers[:-1] == [(None, Probe(None, number, 0)) for number in range(16)]
    assert answers[-1] == (None, None)
    assert probes.receive(asked[-1], at(0.9)) == (None, None)
    assert probes.receive(asked[-1], at(1.0)) == (None, Probe(None, 16, 0))
