"""A stop at every effect, followed by a restart from the journal, compared with a run that never stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest

from tests.core.test_line_properties import no_one_is_accused, verify_all_received
from tests.line_pair import Death, LinePair, Side, joined
from watchline.core.entries import Body, Notice, Precedence, Response
from watchline.core.records import EntryRecord
from watchline.core.setting import Effects


def do_once(side: Side, key: str, compose: Callable[[], EntryRecord]) -> EntryRecord:
    """What a person or a program does who was not told whether it worked: again, with the same key."""
    while (place := side.journal.by_once(side.setup.line, key)) is None:
        compose()
        side.turn()
    record = side.journal.entry(*place)
    assert record is not None
    return record


def play(pair: LinePair) -> tuple[list[object], ...]:
    """Questions, an acknowledgement and answers, from the first connection into a later epoch; gives both logs in plain."""
    a, b = pair.a, pair.b
    pair.connect()
    pair.settle(seconds=1)
    question = Notice("airspace-object", 1, Precedence.FLASH, False, "en", {1: "what is it?"})
    asked = do_once(a, "question", lambda: a.notice(question, once="question"))
    pair.settle(seconds=1)
    do_once(b, "read", lambda: b.acknowledge(asked, once="read"))
    do_once(b, "answer", lambda: b.say("a balloon", once="answer", re=asked.index))
    pair.settle(seconds=1)
    do_once(a, "thanks", lambda: a.say("thank you", once="thanks"))
    pair.settle(seconds=9)
    no_one_is_accused(pair)
    verify_all_received(a, b)
    verify_all_received(b, a)
    return tuple([in_plain(entry) for entry in whole_log(side)] for side in (a, b))


def whole_log(side: Side) -> list[EntryRecord]:
    return list(side.journal.entries(side.setup.outgoing_log, 0, 1 << 30))


def in_plain(entry: EntryRecord) -> object:
    content = Body.decode(entry.body).content
    read = Notice.decode(content).fields if entry.type == 1 else Response.decode(content).index if entry.type else None
    return entry.type, entry.re, entry.number, entry.once, read


class Doom:
    """Dies once, at the effect with this number of those that this death can hurt; shared by both sides."""

    def __init__(self, number: int, death: Death) -> None:
        self.number = number
        self.death = death
        self.seen = 0

    def __call__(self, effects: Effects) -> Death | None:
        self.seen += len(effects.frames) > 1 if self.death == "half sent" else bool(effects.records)
        if self.seen < self.number:
            return None
        self.number = 1 << 30
        return self.death


@pytest.fixture(scope="module")
def unstopped() -> tuple[list[object], ...]:
    """Both logs of a run that never stopped."""
    with joined(connect=False) as pair:
        logs = play(pair)
        assert pair.a.line.outgoing.chain.epoch > 1
    return logs


@pytest.mark.slow
@pytest.mark.parametrize("death", get_args(Death))
def test_stop_at_every_effect_loses_and_doubles_nothing(death: Death, unstopped: tuple[list[object], ...]) -> None:
    deaths = 0
    while True:
        doom = Doom(deaths + 1, death)
        with joined(connect=False) as pair:
            pair.a.fate = pair.b.fate = doom
            assert play(pair) == unstopped, f"after death {deaths + 1}"
        if doom.seen <= deaths:
            break
        deaths += 1
    assert deaths >= 3
