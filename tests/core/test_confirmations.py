"""Which incarnations a desk's people stand for: by the digits that were compared, and by each CONFIRM entry since."""

from __future__ import annotations

import pytest

from tests.line_pair import LINE
from watchline.core.confirmations import STATE_PART, Confirmed
from watchline.core.encoding import encode
from watchline.core.records import Pair
from watchline.errors import Malformed


def test_line_that_keeps_nothing_was_paired_by_two_first_incarnations() -> None:
    assert Confirmed.decode(None).lacking(Pair(1, 1)) == ()
    assert Confirmed.decode(None).lacking(Pair(2, 2)) == ("ours", "theirs")


def test_comparing_the_digits_confirms_the_incarnations_that_were_paired_and_no_earlier_ones() -> None:
    confirmed = Confirmed.paired(Pair(3, 2))
    assert confirmed.lacking(Pair(3, 2)) == ()
    assert confirmed.lacking(Pair(1, 2)) == ("ours",)
    assert confirmed.lacking(Pair(3, 1)) == ("theirs",)


def test_each_confirmation_adds_one_incarnation_of_one_desk_and_is_kept() -> None:
    confirmed = Confirmed().with_one("theirs", 2).with_one("ours", 3)
    record = confirmed.record(LINE)
    assert (record.line, record.part) == (LINE, STATE_PART)
    kept = Confirmed.decode(record.blob)
    assert kept == confirmed
    assert [kept.lacking(Pair(ours, theirs)) for ours, theirs in ((1, 1), (3, 2), (2, 2), (3, 3))] == [
        (), (), ("ours",), ("theirs",),
    ]  # fmt: skip


@pytest.mark.parametrize("value", [[[1]], [[1], [1], [1]], [[0], [1]], [1, 1], [["1"], [1]]])
def test_kept_confirmations_of_another_shape_are_refused(value: list[object]) -> None:
    with pytest.raises(Malformed):
        Confirmed.decode(encode(value))
