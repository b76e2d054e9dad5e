"""Allowances: so much in a period and no more, and as much again in the next one."""

from __future__ import annotations

from watchline.core.allowance import Allowance
from watchline.core.setting import Moment


def at(running: float) -> Moment:
    return Moment(0, running, bytes)


def test_so_many_may_be_taken_in_a_period_and_as_many_again_in_the_next() -> None:
    allowance = Allowance(2, 0.5)
    taken = [allowance.take(at(1000.0 + tenths / 10)) for tenths in (0, 1, 2, 4, 5, 6, 9)]
    assert taken == [True, True, False, False, True, True, False]


def test_what_was_left_over_is_not_saved_up() -> None:
    allowance = Allowance(2, 0.5)
    assert allowance.take(at(1000.0))
    assert [allowance.take(at(1007.0)) for _ in range(3)] == [True, True, False]


def test_what_costs_more_than_is_left_is_paid_within_its_period() -> None:
    allowance = Allowance(3, 0.5)
    assert allowance.is_left(at(1000.0))
    allowance.spend(2)
    assert allowance.is_left(at(1000.1))
    allowance.spend(5)
    assert not allowance.is_left(at(1000.4))
    assert allowance.is_left(at(1000.5))


def test_what_is_refused_costs_nothing() -> None:
    allowance = Allowance(1, 0.5)
    assert [allowance.take(at(1000.0)) for _ in range(3)] == [True, False, False]
    allowance.spend(-1)
    assert allowance.take(at(1000.0))
