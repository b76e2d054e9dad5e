"""The addresses that each desk has signed for the other to find it by; the latest by its author's time counts."""

from __future__ import annotations

from collections.abc import Sequence

from watchline.core.frames import Item
from watchline.core.kept_statements import statement_record, stored_statement
from watchline.core.records import StatementRecord
from watchline.core.setting import LineSetup, Moment, Reader, RoutesArrived
from watchline.core.statements import Statement, StatementType, read_routes, sign_statement


class AnnouncedRoutes:
    """What both desks of one line announced last. peer_time: of the peer's newest, 0 before the first."""

    def __init__(self) -> None:
        self.peer_time = 0
        self._ours: Statement | None = None

    def restore(self, reader: Reader, setup: LineSetup) -> None:
        """Take up what was announced before the start."""
        announced = stored_statement(reader, setup, StatementType.ROUTES, ours=False)
        if announced is not None:
            self.peer_time = read_routes(announced)[0]
        self._ours = stored_statement(reader, setup, StatementType.ROUTES, ours=True)

    def announce(self, routes: Sequence[tuple[str, str]], setup: LineSetup, moment: Moment) -> StatementRecord:
        """Sign our addresses; a clock that was set back does not make this older than the last one."""
        last = 0 if self._ours is None else read_routes(self._ours)[0]
        time = max(moment.wall, last + 1)
        values = (time, [list(route) for route in routes])
        self._ours = sign_statement(StatementType.ROUTES, setup.outgoing, values, setup.own_keys.statement)
        return statement_record(setup, self._ours, time, ours=True)

    def said(self) -> list[Item]:
        """What to say at each connection."""
        return [] if self._ours is None else [self._ours.stated()]

    def hear(self, statement: Statement, setup: LineSetup) -> tuple[StatementRecord, RoutesArrived]:
        """Take the peer's newer addresses. Raises Malformed (rule 19)."""
        time, routes = read_routes(statement)
        self.peer_time = time
        return statement_record(setup, statement, time, ours=False), RoutesArrived(time, routes)
