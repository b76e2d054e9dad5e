"""What the entries at hand say of a notice's clocks: the same as a walk over the log says, without walking it each time."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import takewhile
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from tests.core.sample_evidence import Talk
from watchline.core.archive import unpack
from watchline.core.clocks import ACKNOWLEDGE, ANSWER
from watchline.core.entries import Body, EntryType, Leaf
from watchline.core.evidence import build_evidence
from watchline.core.evidence_reading import Faults, read_evidence
from watchline.core.evidence_silences import judge_silences
from watchline.core.silence import Claim, Silence, SilenceKind
from watchline.core.silence_logs import Ends, Later, LeavesAtHand

SAMPLE = Leaf.decode(Talk().entries["a"][0].leaf)
SIZES = st.integers(0, 14)


@st.composite
def leaves(draw: st.DrawFn) -> list[Leaf]:
    """Some leaves of a log. The peer sizes of a liar may fall."""
    indexes = sorted(draw(st.sets(SIZES)))
    heard = draw(st.lists(SIZES, min_size=len(indexes), max_size=len(indexes)))
    return leaves_of(*zip(indexes, heard, strict=True))


def leaves_of(*places: tuple[int, int]) -> list[Leaf]:
    """The leaves at these indexes, with these peer sizes."""
    return [replace(SAMPLE, index=index, peer_size=size) for index, size in places]


@given(leaves(), SIZES, SIZES)
@example(leaves_of((3, 0)), 0, 9)
@example(leaves_of((3, 0), (4, 9), (5, 0)), 2, 9)
@example(leaves_of((3, 0), (4, 9), (5, 0), (6, 0), (7, 0)), 2, 9)
@example(leaves_of((3, 9), (4, 0), (5, 0)), 2, 9)
def test_last_leaf_without_a_notice_is_what_a_walk_finds(shown: list[Leaf], index: int, size: int) -> None:
    walked = takewhile(lambda leaf: leaf.peer_size <= index, shown)
    before = [leaf.index for leaf in walked if leaf.index < size]
    assert LeavesAtHand(shown).last_without(index, size) == max(before, default=0)


@given(leaves(), SIZES, SIZES)
@example(leaves_of((0, 0), (2, 0)), 1, 5)
def test_first_hidden_leaf_is_what_a_walk_finds(shown: list[Leaf], start: int, stop: int) -> None:
    present = {leaf.index for leaf in shown}
    hidden = next((index for index in range(start, stop) if index not in present), None)
    assert LeavesAtHand(shown).first_hidden(range(start, stop)) == hidden


@given(
    st.lists(st.tuples(st.sampled_from([None, (), (ACKNOWLEDGE,), (ACKNOWLEDGE, ANSWER)]), st.none() | st.integers(1, 9))),
    SIZES,
    st.sampled_from([ACKNOWLEDGE, ANSWER]),
    st.booleans(),
)
def test_ends_of_a_clock_are_what_a_walk_finds(
    said: list[tuple[tuple[int, ...] | None, int | None]], size: int, clock: int, surely: bool
) -> None:
    entries = [Later(replace(SAMPLE, index=2 * at), closes, promised) for at, (closes, promised) in enumerate(said)]
    below = [each for each in entries if each.leaf.index < size]
    closed = [each.leaf.index for each in below if (not surely if each.closes is None else clock in each.closes)]
    promised = [each.promised for each in below if each.promised is not None]
    ends = Ends(entries)
    assert ends.closed(clock, size, surely=surely) == next(iter(closed), None)
    assert ends.promised(size) == next(iter(promised), None)


def work(certificates: int, entries: int) -> int:
    """How many calls it takes to judge so many certificates about one notice, with so many entries that refer to it."""
    talk = Talk()
    notice = talk.say("a")
    for _ in range(entries):
        talk.add("b", EntryType.ACKNOWLEDGE, Body(b"not by people"), re=notice)
    commitment = Leaf.decode(talk.entries["a"][notice].leaf).commitment
    claimed = Silence(SilenceKind.LINE_DOWN, ACKNOWLEDGE, 1, 1, notice, commitment, None, (), Claim(2**40, None))
    for _ in range(certificates):
        talk.add("a", EntryType.SILENCE, Body(claimed.encode()))
    faults = Faults()
    reading = read_evidence(unpack(build_evidence(talk.bundle())), faults)
    assert reading is not None
    calls = 0

    def count(_: Any, event: str, __: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        found = judge_silences(reading, faults)
    finally:
        sys.setprofile(None)
    assert len(found) == certificates
    return calls


def test_work_for_hostile_certificates_grows_with_what_is_shown_and_not_with_its_square() -> None:
    once, twice = work(20, 100), work(40, 200)
    assert 20 < once < twice < 2.2 * once
