"""A line turn by turn over amended terms, a changed roster, and what witnesses say."""

from __future__ import annotations

import pytest

from tests.amending import agree, amending, ask
from tests.core.test_line_rosters import change, without_the_first
from tests.core.test_witnessed import AGREED, cosigned
from tests.line_pair import LINE, joined
from tests.turns import Turn, cross, in_words, turn, wait
from watchline.core.line import Phase


def test_amended_terms_are_in_force_after_a_restart_and_in_a_new_incarnation() -> None:
    with amending("turn by turn") as pair:
        agreed = agree(pair, body_days=7, status_interval_seconds=120)
        pair.a.restart()
        assert pair.a.line.terms == agreed
        assert turn(pair.a) == Turn(next=120.0)
        pair.a.reincarnate()
        assert pair.a.line.terms == agreed
        pair.connect()
        pair.settle(2)
        assert pair.a.line.terms == pair.b.line.terms == agreed


def test_what_is_said_again_is_released_as_the_terms_of_the_new_pair_ask() -> None:
    with amending("turn by turn") as pair:
        ask(pair.b)
        pair.settle(1)
        agree(pair, release_people=(2, 2, 2, 2))
        pair.b.reincarnate()
        pair.settle(2)
        (again,) = (record for record in pair.a.arrived if record.log == pair.a.setup.incoming_log and record.index)
        assert again.released is False
        held = pair.b.journal.entry(pair.b.setup.outgoing_log, again.index)
        assert held is not None
        assert held.released is False


def test_roster_that_the_peer_changed_is_the_one_of_the_line_from_then_on() -> None:
    with joined("turn by turn") as pair:
        change(pair.a, pair.a.party.identity)
        assert turn(pair.a) == Turn(
            keeps="entry 1 of ours, head 2 of ours, state outgoing, said status",
            sends="entries 1-1 | status 2:1",
            lazy=False,
            next=2.0,
        )
        cross(pair)
        assert turn(pair.b) == Turn(
            keeps=(
                "entry 1 of theirs, head 2 of theirs, state peer-roster, receipt 2 on theirs, state incoming, "
                "heard status for good, said status"
            ),
            sends="receipt 2 | status 1:2",
            tells="arrived 1, fresh status",
            lazy=False,
            next=54.0,
        )
        assert pair.b.line.setup.peer_roster == without_the_first(pair.a)


def test_what_a_witness_said_is_told_kept_and_bound_into_the_nonces_that_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.line_pair.terms", lambda: AGREED)
    with joined("turn by turn") as pair:
        pair.a.line.take_cosignatures([cosigned(pair.a)])
        assert turn(pair.a) == Turn(keeps="cosigned 1 of ours", sends="cosigned 1", lazy=False, next=49.5)
        cross(pair)
        assert turn(pair.b) == Turn(keeps="head 1 of theirs, cosigned 1 of theirs", next=49.5)
        pair.a.say("one")
        turn(pair.a)
        cross(pair)
        assert turn(pair.b) == Turn(
            keeps=(
                "entry 1 of theirs, head 2 of theirs, receipt 2 on theirs, state incoming, heard status for good, said status"
            ),
            sends="receipt 2 | status 1:2",
            tells="arrived 1, fresh status",
            lazy=False,
            next=54.0,
        )
        cross(pair)
        assert turn(pair.a) == Turn(
            keeps="receipt 2 on ours, heard status for good, nonce",
            tells="received 2, fresh status",
            next=54.0,
        )
        wait(pair, 60)
        turn(pair.a)
        cross(pair)
        turn(pair.b)
        cross(pair)
        assert turn(pair.a) == Turn(keeps="heard status", tells="fresh status", next=54.0)
        pair.a.restart()
        assert pair.a.line.witnessed.nonce(LINE, bytes(16)) != bytes(16)
        pair.connect()
        turn(pair.b)
        assert [in_words(item) for item in pair.a.sent()] == ["status 2:1"]
        cross(pair)
        turn(pair.b)
        cross(pair)
        assert turn(pair.a) == Turn(
            keeps="heard status for good, state phase, heard status, said status",
            sends="cosigned 1 | status 2:1",
            tells="status, open, fresh status",
            next=2.0,
        )
        assert pair.a.line.phase is Phase.OPEN
