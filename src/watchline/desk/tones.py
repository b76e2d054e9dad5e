"""The sounds of a bell: one family of tones for each urgency, as WAV data, computed here so that no file can be missing.

Heard from another room the three differ in rhythm and not in pitch alone: two pitches that chase each other without a pause,
pulses in threes, and one soft stroke.
"""

from __future__ import annotations

import array
import io
import math
import sys
import wave
from typing import NamedTuple

from watchline.core.terms import PRECEDENCES

SAMPLES_PER_SECOND = 22_050
PEAK = 0.8  # of full scale: loud, and no player clips it
_EDGE_SECONDS = 0.01  # each tone swells and fades so long, so that loudspeakers do not click


class Tone(NamedTuple):
    """One tone, or a pause where the pitch is 0."""

    hertz: float
    seconds: float


FLASH = (Tone(960, 0.25), Tone(770, 0.25)) * 6
IMMEDIATE = (*((Tone(880, 0.18), Tone(0, 0.12)) * 3), Tone(0, 0.5), *((Tone(880, 0.18), Tone(0, 0.12)) * 3))
ROUTINE = (Tone(660, 0.5), Tone(0, 0.2), Tone(528, 0.7))
FAMILIES = {"ROUTINE": ROUTINE, "PRIORITY": ROUTINE, "IMMEDIATE": IMMEDIATE, "FLASH": FLASH}
assert tuple(FAMILIES) == PRECEDENCES


def samples(tones: tuple[Tone, ...]) -> array.array[int]:
    """The tones as 16-bit samples at SAMPLES_PER_SECOND, one channel."""
    found = array.array("h")
    for tone in tones:
        count = round(tone.seconds * SAMPLES_PER_SECOND)
        edge = max(1, round(_EDGE_SECONDS * SAMPLES_PER_SECOND))
        for at in range(count):
            loudness = PEAK * min(1.0, at / edge, (count - 1 - at) / edge)
            found.append(round(32_767 * loudness * math.sin(2 * math.pi * tone.hertz * at / SAMPLES_PER_SECOND)))
    return found


def wav(precedence: str) -> bytes:
    """The sound for a precedence, one of PRECEDENCES, as the bytes of a WAV file."""
    data = samples(FAMILIES[precedence])
    if sys.byteorder == "big":
        data.byteswap()  # WAV is little-endian
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(SAMPLES_PER_SECOND)
        written.writeframes(data.tobytes())
    return file.getvalue()
