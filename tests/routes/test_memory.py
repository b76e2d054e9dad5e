"""Faults of the memory route, and its clock."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tests.routes.ends import Owner
from watchline.routes.memory import Faults, MemoryClock, MemoryRoute

FRAMES = [number.to_bytes(2, "big") for number in range(400)]


def received_through(faults: Faults, seed: int = 1) -> list[bytes]:
    clock, near, far = MemoryClock(), Owner(), Owner()
    link, _ = MemoryRoute(clock, random.Random(seed), faults).join(near, b"F" * 32, far, b"N" * 32)
    for frame in FRAMES:
        link.send([frame])
        clock.advance(0.01)
    clock.advance(3600.0)
    return far.frames


def test_loss_loses_some_and_changes_nothing_else() -> None:
    received = received_through(Faults(loss=0.3))
    assert 0 < len(received) < len(FRAMES)
    assert received == sorted(received)
    assert set(received) <= set(FRAMES)


def test_repetition_gives_some_twice() -> None:
    received = received_through(Faults(repetition=0.3))
    assert len(received) > len(FRAMES)
    assert sorted(set(received)) == FRAMES


def test_reordering_changes_the_order_alone() -> None:
    received = received_through(Faults(reordering=0.3, delay_seconds=(0.05, 0.5)))
    assert received != FRAMES
    assert sorted(received) == FRAMES


def test_delay_alone_keeps_the_order() -> None:
    assert received_through(Faults(delay_seconds=(0.0, 2.0))) == FRAMES


def test_everything_lost_is_nothing_received() -> None:
    assert received_through(Faults(loss=1.0)) == []


@given(st.integers())
def test_same_seed_gives_the_same_run(seed: int) -> None:
    faults = Faults(loss=0.2, repetition=0.2, reordering=0.2, delay_seconds=(0.0, 1.0))
    assert received_through(faults, seed) == received_through(faults, seed)


def test_frame_is_under_way_until_its_time_comes() -> None:
    clock, near, far = MemoryClock(), Owner(), Owner()
    link, _ = MemoryRoute(clock, random.Random(1), Faults(delay_seconds=(2.0, 2.0))).join(near, b"F" * 32, far, b"N" * 32)
    link.send([b"x"])
    clock.advance(1.999)
    assert far.frames == []
    clock.advance(0.001)
    assert far.frames == [b"x"]


def test_cut_loses_what_is_under_way_and_is_told_to_both() -> None:
    clock, near, far = MemoryClock(), Owner(), Owner()
    link, _ = MemoryRoute(clock, random.Random(1)).join(near, b"F" * 32, far, b"N" * 32)
    link.send([b"x"])
    link.cut()
    clock.advance(1.0)
    assert far.frames == []
    assert near.reasons == far.reasons == ["the connection was lost"]


def test_links_of_a_refused_introduction_carry_nothing_and_nobody_is_told() -> None:
    clock, near, far = MemoryClock(), Owner(), Owner()
    route = MemoryRoute(clock, random.Random(1))
    links = route.join(near, b"F" * 32, far, b"N" * 32, near_introduction=b"sealed")
    for link in links:
        link.send([b"x"])
        link.close()
    clock.advance(1.0)
    assert far.questions == [("memory", b"N" * 32, b"sealed")]
    assert [(owner.links, owner.frames, owner.ends) for owner in (near, far)] == [([], [], [])] * 2


def test_clock_runs_what_is_due_in_order_and_what_that_asks_for() -> None:
    clock, ran = MemoryClock(), list[tuple[str, float]]()

    def note(name: str) -> None:
        ran.append((name, clock.now_seconds))

    def ask_again() -> None:
        note("first")
        clock.call_at(1.5, lambda: note("asked for"))

    clock.call_at(2.0, lambda: note("second"))
    clock.call_at(1.0, ask_again)
    clock.call_at(2.0, lambda: note("third"))
    clock.call_at(9.0, lambda: note("later"))
    clock.advance(5.0)
    assert ran == [("first", 1.0), ("asked for", 1.5), ("second", 2.0), ("third", 2.0)]
    assert clock.now_seconds == 5.0
    assert clock.step()
    assert not clock.step()
