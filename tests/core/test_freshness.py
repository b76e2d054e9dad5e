"""Which nonces are remembered, and how many: enough to know an answer and a repetition, and never more."""

from __future__ import annotations

from tests.line_pair import START
from watchline.core.freshness import HEARD_KEPT, NONCES_KEPT, Freshness
from watchline.core.statements import Status


def nonce(number: int) -> bytes:
    return number.to_bytes(16, "big")


def status(number: int) -> Status:
    return Status(START, 1, bytes(32), 1, bytes(32), 1, 30, 1, 1, (), 0, 0, (0, 0, 0), nonce(number), None)


def test_nonce_of_ours_is_known_until_64_newer_ones_were_made() -> None:
    freshness = Freshness()
    for number in range(NONCES_KEPT + 1):
        freshness.make(nonce(number), number, asked=False)
    assert freshness.made_for(nonce(0)) is None
    oldest = freshness.made_for(nonce(1))
    assert oldest is not None
    assert (oldest.number, oldest.sent) == (2, 1)


def test_nonce_of_the_peer_is_known_until_256_newer_ones_were_heard() -> None:
    freshness = Freshness()
    for number in range(HEARD_KEPT):
        freshness.hear(status(number), None)
    assert freshness.was_heard(nonce(0))
    freshness.hear(status(HEARD_KEPT), None)
    assert not freshness.was_heard(nonce(0))
    assert all(freshness.was_heard(nonce(number)) for number in range(1, HEARD_KEPT + 1))


def test_what_is_no_nonce_was_neither_made_nor_heard() -> None:
    freshness = Freshness()
    for other in (None, 7, "x", [bytes(16)]):
        assert freshness.made_for(other) is None
        assert not freshness.was_heard(other)
