"""The four lamps of a line: does it carry, does the other side's machine work, is a person there, did the last test come back.

Each lamp is judged for itself, from the same facts as the state, and says nothing that it does not know: then it is grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from watchline.core.line_state import AMBER_MISSED, LineFacts, Standing, State

Colour = Literal["green", "amber", "red", "grey"]
TEST_LATE_INTERVALS = 2.5  # each desk tests in every second interval; half of one more is grace


@dataclass(frozen=True, slots=True)
class Lamp:
    """One lamp. code: of its word and its text in the catalogue."""

    colour: Colour
    code: str


@dataclass(frozen=True, slots=True)
class Lamps:
    """The lamps of one line."""

    line: Lamp
    machine: Lamp
    human: Lamp
    test: Lamp


@dataclass(frozen=True, slots=True)
class LastTest:
    """Our last test of the line that ended. age_seconds: since it began. interval_seconds: by the terms."""

    ok: bool
    age_seconds: int
    interval_seconds: int


UNKNOWN = Lamps(*(Lamp("grey", f"{name}_unknown") for name in ("line", "machine", "human", "test")))


def judge_lamps(facts: LineFacts, standing: Standing, test: LastTest | None) -> Lamps:
    """Give the lamps of a line that stands so. test: None if none has ended yet."""
    return Lamps(_line(facts, standing), _machine(facts, standing), _human(facts, standing), _test(test))


def _line(facts: LineFacts, standing: Standing) -> Lamp:
    if standing.state is State.STOPPED:
        return Lamp("red", "line_stopped")
    if facts.is_carrying:
        return Lamp("green", "line_carries")
    if facts.is_silent or facts.all_failed:
        return Lamp("red", "line_down")
    return Lamp("amber", "line_lost")


def _machine(facts: LineFacts, standing: Standing) -> Lamp:
    if standing.state in (State.TERMINAL_DOWN, State.DARK):
        return Lamp("red", "machine_silent")
    if facts.contradicted_at is not None and not facts.is_unheard:
        return Lamp("red", "machine_contradicted")
    if facts.is_unheard:
        return Lamp("grey", "machine_unknown")
    if facts.opening or facts.unconfirmed or facts.missed >= AMBER_MISSED:
        return Lamp("amber", "machine_unsure")
    return Lamp("green", "machine_works")


def _human(facts: LineFacts, standing: Standing) -> Lamp:
    if facts.is_unheard or standing.state in (State.TERMINAL_DOWN, State.DARK):
        return Lamp("grey", "human_unknown")
    if facts.overdue:
        return Lamp("red", "human_absent" if standing.state is State.UNMANNED else "human_overdue")
    if facts.watch is None:
        return Lamp("grey", "human_unknown")
    people, armed, alone = facts.watch
    if people == 0:
        return Lamp("red", "human_absent") if alone else Lamp("grey", "human_unknown")
    if armed == 0:
        return Lamp("amber", "human_muted")
    return Lamp("green", "human_there")


def _test(test: LastTest | None) -> Lamp:
    if test is None:
        return Lamp("grey", "test_unknown")
    if not test.ok:
        return Lamp("red", "test_failed")
    if test.age_seconds > TEST_LATE_INTERVALS * test.interval_seconds:
        return Lamp("amber", "test_late")
    return Lamp("green", "test_ok")
