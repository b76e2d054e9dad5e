"""The bell's sounds, by their samples: whole WAV files, of the length and loudness meant, and three that differ."""

from __future__ import annotations

import io
import wave
from array import array
from itertools import pairwise

import pytest

from watchline.core.terms import PRECEDENCES
from watchline.desk.tones import FAMILIES, FLASH, PEAK, SAMPLES_PER_SECOND, Tone, samples, wav


def pulses(data: array[int]) -> int:
    """How many stretches of sound there are, told apart by 50 ms of silence."""
    silent, count, quiet = SAMPLES_PER_SECOND // 20, 0, SAMPLES_PER_SECOND
    for sample in data:
        if abs(sample) > 300:
            count += quiet >= silent
            quiet = 0
        else:
            quiet += 1
    return count


def pitch(data: array[int]) -> float:
    """The pitch of one tone, from how often it crosses zero upwards."""
    rising = sum(before < 0 <= after for before, after in pairwise(data))
    return rising * SAMPLES_PER_SECOND / len(data)


@pytest.mark.slow
@pytest.mark.parametrize("precedence", PRECEDENCES)
def test_sound_of_a_precedence_is_a_whole_wav_file(precedence: str) -> None:
    with wave.open(io.BytesIO(wav(precedence))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SAMPLES_PER_SECOND)
        read = array("h", file.readframes(file.getnframes()))
    assert read == samples(FAMILIES[precedence])
    assert len(read) == sum(round(tone.seconds * SAMPLES_PER_SECOND) for tone in FAMILIES[precedence])


@pytest.mark.slow
@pytest.mark.parametrize("precedence", PRECEDENCES)
def test_sound_is_loud_and_never_clipped(precedence: str) -> None:
    loudest = max(map(abs, samples(FAMILIES[precedence])))
    assert 0.95 * PEAK * 32_767 < loudest <= PEAK * 32_767 + 1


@pytest.mark.parametrize("tone", FLASH[:2])
def test_tone_has_its_pitch_and_begins_and_ends_softly(tone: Tone) -> None:
    data = samples((tone,))
    assert abs(pitch(data) - tone.hertz) < 10
    assert abs(data[0]) < 100
    assert abs(data[-1]) < 100


def test_pause_is_silent() -> None:
    assert not any(samples((Tone(0, 0.1),)))


@pytest.mark.slow
def test_three_families_differ_in_rhythm() -> None:
    counted = {precedence: pulses(samples(FAMILIES[precedence])) for precedence in PRECEDENCES}
    assert counted == {"ROUTINE": 2, "PRIORITY": 2, "IMMEDIATE": 6, "FLASH": 1}
