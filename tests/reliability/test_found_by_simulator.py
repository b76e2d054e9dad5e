"""What the simulator found, each as small as it could be made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.dishonest import state, status_of
from tests.line_pair import joined
from watchline.core.entries import Notice, Precedence
from watchline.core.line import Phase
from watchline.core.statements import StatementType

QUESTION = Notice("statement", 1, Precedence.FLASH, False, "en", {1: "?"})


def test_line_stopped_for_a_fork_by_status_starts_again_and_stays_stopped() -> None:
    """The stopped line had kept the next status that forks as the peer's last word, and no start bore it (seed 15)."""
    with joined() as pair:
        pair.a.say("one")
        pair.settle()
        for _ in range(2):
            forked = replace(status_of(pair, pair.a), root=bytes(32))
            pair.b.hear(state(StatementType.STATUS, pair.a, *forked.values()), by=pair.a)
        assert pair.b.line.phase is Phase.STOPPED
        pair.b.restart(connected=True)
        assert pair.b.line.phase is Phase.STOPPED
        assert [alarm.kind for alarm in pair.b.alarms()] == ["fork"]


def test_acknowledged_answer_that_nobody_released_stays_acknowledged_across_a_restart() -> None:
    """A restart started its clock anew, and the peer was accused of a false list of open notices (seed 2)."""
    with joined() as pair:
        asked = pair.b.notice(QUESTION)
        pair.settle()
        answer = pair.a.notice(QUESTION, released=False, re=asked.index)
        pair.settle()
        pair.b.acknowledge(answer)
        pair.settle()
        assert pair.b.line.unacknowledged == 0
        for side in (pair.a, pair.b):
            side.restart(connected=True)
        pair.settle(seconds=70)
        assert pair.b.line.unacknowledged == 0
        assert pair.a.alarms() == pair.b.alarms() == []


def test_what_both_desks_have_lost_is_known_to_neither(tmp_path: Path) -> None:
    """The watch took a second receipt of one size for a fork, and nobody was left who could tell (seed 4250).

    Whose home alone is set back is told by the other one: see `test_restored_backup_is_detected_before_the_first_word`.
    """
    with joined() as pair:
        for side in (pair.a, pair.b):
            side.backup(tmp_path / side.party.identity.identity.desk)
        pair.connect()
        pair.settle()
        pair.a.say("one")
        pair.settle()
        lost = pair.a.journal.latest_receipt(pair.a.setup.outgoing_log)
        pair.cut()
        for side in (pair.a, pair.b):
            side.restart_from(tmp_path / side.party.identity.identity.desk)
        pair.connect()
        pair.a.say("another")
        pair.settle()
        given = pair.a.journal.latest_receipt(pair.a.setup.outgoing_log)
        assert lost is not None
        assert given is not None
        assert (lost.size, lost.root) != (given.size, given.root) == (lost.size, given.root)
        assert pair.b.texts() == ["another"]
        assert pair.a.alarms() == pair.b.alarms() == []
