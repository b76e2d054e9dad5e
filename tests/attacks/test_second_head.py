"""A copy of a home that is started twice before it hears of the peer signs nothing in public that it may have signed before."""

from __future__ import annotations

from pathlib import Path

from tests.line_pair import Side, joined
from watchline.core.frames import Stated
from watchline.core.line import Phase
from watchline.core.records import StateRecord
from watchline.core.setting import Effects
from watchline.core.spoken import SPOKEN_PART
from watchline.core.statements import StatementType, read_status, verify_statement


def heads_said(side: Side) -> list[tuple[int, bytes]]:
    """(size, root) of each status that waits to be carried."""
    statements = [
        verify_statement(item, side.setup.outgoing, side.setup.own_certificate.certificate.public.statement)
        for item in side.sent()
        if isinstance(item, Stated)
    ]
    statuses = [read_status(each) for each in statements if each.type is StatementType.STATUS]
    return [(status.size, status.root) for status in statuses]


def test_old_copy_that_is_started_twice_signs_no_second_head(tmp_path: Path) -> None:
    with joined() as pair:
        a, b = pair.a, pair.b
        a.backup(tmp_path / "copy")
        pair.connect()
        pair.settle()
        a.say("first")
        pair.settle()
        held = b.line.incoming.edge
        pair.cut()
        a.restart_from(tmp_path / "copy")
        while a.line.outgoing.edge.size < held.size:
            a.say("composed while opening")
            a.turn()
        a.restart(connected=True)
        a.turn()
        said = heads_said(a)
        assert said
        assert all(root == held.root() for size, root in said if size == held.size)


def test_line_forgets_how_far_it_had_spoken_only_durably_before_it_says_more() -> None:
    with joined() as pair:
        a, turns = pair.a, list[Effects]()
        pair.cut()
        a.restart()
        a.say("composed while opening")
        a.turn()

        def watched(effects: Effects) -> None:
            turns.append(effects)

        a.fate = watched
        pair.connect()
        pair.settle()
        assert a.line.phase is Phase.OPEN
        forgetting = [
            effects
            for effects in turns
            if any(isinstance(record, StateRecord) and record.part == SPOKEN_PART for record in effects.records)
        ]
        assert len(forgetting) == 1
        assert not forgetting[0].lazy  # else a power cut after it, and the line would say less than it has said
