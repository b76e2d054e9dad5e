"""Bodies go after their time, proofs stay: which entries of a line are due, and how their bodies are archived or erased.

An entry may go once it is older than the days that the terms of the line agree on (`body_days`), and nothing waits for it: a
notice of ours must have the peer's receipt, and none with an open reply clock may be the entry itself, refer to it or be
referred to by it. Of earlier incarnations everything may go, ours once what was unsettled there was issued again: people must
have confirmed the peer for that. What talks are made of stays for good: a commitment outlives its round, and both desks judge
by the same words. What stays of all others is what proves that it happened, and a stub (`core.stubs`).

An archive is durable before any body goes: a power cut leaves the body here, in the archive, or in both.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from watchline.core.amendments import journal_history
from watchline.core.changeover import AGAIN_PART
from watchline.core.entries import EntryType, Leaf
from watchline.core.records import EntryRecord, Log, RemovalRecord
from watchline.core.reply_clocks import ReplyClocks
from watchline.core.setting import LineSetup, Moment
from watchline.core.stubs import ARCHIVED, ERASED, REMOVABLE, stub
from watchline.core.terms import Terms
from watchline.desk.body_archive import KIND, About, sealed_archive
from watchline.desk.past import first_leaf
from watchline.desk.sealed_files import write_pieces
from watchline.desk.shown_terms import Reference
from watchline.errors import UsageError
from watchline.journal import Journal, LineRecord

if TYPE_CHECKING:
    from watchline.desk.desk import Desk

DAY_SECONDS = 86_400
COUNTED_MAX = 1_000  # bodies that are due are counted up to this: a status is asked for often, and must cost little
BATCH_ENTRIES = 256  # in one transaction: some milliseconds, for which the lines wait

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of the bodies that were due. file, sha256: of the archive; None where none was written."""

    entries: int
    file: Path | None = None
    sha256: str | None = None


class Removal:
    """Finds and removes the bodies of one desk's lines that are due; each day by itself, if `archive_dir` is set."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._busy = False
        self._daily: Iterator[None] | None = None
        self._next_daily = 0.0

    # --- what is due

    def count(self, row: LineRecord, days: int | None = None) -> int:
        """How many bodies of a line are due, at most COUNTED_MAX. days: as in `steps`."""
        return sum(1 for _ in islice(self._due(row, self._checked(row, days)), COUNTED_MAX))

    def _checked(self, row: LineRecord, days: int | None) -> int:
        """The days that bodies are kept for. Raises UsageError for fewer than the terms in force say."""
        agreed = self._terms(row).body_days
        if days is not None and days < agreed:
            raise UsageError(
                f"the terms of this line keep bodies for {agreed} days",
                hint="leave out --older-than, or agree on fewer: watchline terms propose LINE --set body_days=DAYS",
                body_days=agreed,
                given=days,
            )
        return agreed if days is None else days

    def _terms(self, row: LineRecord) -> Terms:
        opened = self._desk.lines.get(row.line)
        if opened is not None:
            return opened.line.terms
        return journal_history(self._desk.setup_of(row)[0], self._desk.journal).latest

    def _due(self, row: LineRecord, days: int) -> Iterator[Reference]:
        journal, opened = self._desk.journal, self._desk.lines.get(row.line)
        setup = self._desk.setup_of(row)[0] if opened is None else opened.line.setup
        if not journal.size(setup.outgoing_log):
            return  # the pair has not begun: what is unsettled in the one before is still to be issued again
        before = max(0, self._desk.moment().wall - days * DAY_SECONDS)
        waiting, receipt = self._waiting(row, setup), journal.latest_receipt(setup.outgoing_log)
        received = 0 if receipt is None else receipt.size
        is_issued_again = journal.state(row.line, setup.part(AGAIN_PART)) is not None
        talks: set[Reference] | None = None
        for entries in journal.logs(row.line):
            if entries.outgoing and entries.pair != setup.pair and not is_issued_again:
                continue
            for index, kind, meant in journal.kept_before(entries, before):
                if kind not in REMOVABLE:
                    continue
                unreceived = entries.outgoing and index >= received
                if entries.pair == setup.pair and (unreceived or waiting.holds(entries.outgoing, index, kind, meant)):
                    continue
                if talks is None:
                    talks = self._desk.talks.places(row)
                    if talks is None:
                        return
                if (entries, index) not in talks:
                    yield entries, index

    def _waiting(self, row: LineRecord, setup: LineSetup) -> _Waiting:
        journal, opened = self._desk.journal, self._desk.lines.get(row.line)
        logs = {True: setup.outgoing_log, False: setup.incoming_log}
        if opened is None:
            clocks = _stored_clocks(journal, setup, self._desk.moment())
            sizes = journal.size(logs[True]), journal.size(logs[False])
        else:
            clocks, sizes = opened.line.clocks, (opened.line.outgoing.edge.size, opened.line.incoming.edge.size)
        found = {True: set(clocks.open_of_ours(*sizes)), False: set(clocks.open_of_theirs(*sizes))}
        meant: dict[bool, set[int]] = {True: set(), False: set()}
        for own, indexes in found.items():
            for index in indexes:
                for _, _, refers_to in journal.leaves(logs[own], index, index + 1):
                    meant[not own] |= set() if refers_to is None else {refers_to}
        return _Waiting(found, meant)

    # --- removing

    def steps(self, row: LineRecord, folder: Path | None, days: int | None = None) -> Generator[None, None, Removed]:
        """Remove what is due, a step at a time, so that lines go on; everything is durable, and gone, when it ends.

        folder: where an archive is written first; None erases. days: keep what is younger; None: as the terms say.

        Raises UsageError for fewer days than the terms', for a folder that cannot be written, and while another one runs;
        JournalError.
        """
        if self._busy:
            raise UsageError("bodies are being removed already", hint="wait until that has ended")
        days = self._checked(row, days)
        self._busy = True
        try:
            yield from self._desk.talks.reading(row)
            chosen = yield from self._chosen(row, days)
            removed = Removed(0)
            if chosen and folder is not None:
                removed = yield from self._archive(row, folder, chosen)
            for start in range(0, len(chosen), BATCH_ENTRIES):
                self._remove(chosen[start : start + BATCH_ENTRIES], ERASED if folder is None else ARCHIVED)
                yield
            if chosen:
                self._desk.journal.compact()
            return Removed(len(chosen), removed.file, removed.sha256)
        finally:
            self._busy = False

    def _chosen(self, row: LineRecord, days: int) -> Generator[None, None, list[Reference]]:
        """What is due, a step at a time; each log by index, as an archive has it, whatever the clock said at each."""
        due, chosen = self._due(row, days), list[Reference]()
        while piece := list(islice(due, COUNTED_MAX)):
            chosen += piece
            yield
        return [place for _, of_one_log in groupby(chosen, itemgetter(0)) for place in sorted(of_one_log)]

    def _archive(self, row: LineRecord, folder: Path, chosen: list[Reference]) -> Generator[None, None, Removed]:
        """Write these into an archive, durably."""
        facts, now = self._desk.facts, self._desk.moment().wall
        peer = self._desk.setup_of(row)[0].peer_identity.desk
        about = About(facts.name, facts.identity.id, peer, row.line, row.name, facts.language, facts.zone, now)
        out = _free_path(folder, row.name, now)
        pieces = sealed_archive(facts.archive, about, (self._stored(*place) for place in chosen))
        sha256, _ = yield from write_pieces(KIND, out, pieces)
        return Removed(len(chosen), out, sha256)

    def _stored(self, entries: Log, index: int) -> EntryRecord:
        record = self._desk.journal.entry(entries, index)
        assert record is not None
        return record

    def _remove(self, batch: list[Reference], gone: str) -> None:
        stubs: dict[Log, list[tuple[int, bytes]]] = {}
        for entries, index in batch:
            stubs.setdefault(entries, []).append((index, stub(self._stored(entries, index))))
        self._desk.journal.commit(RemovalRecord(entries, gone, tuple(each)) for entries, each in stubs.items())

    # --- each day

    def on_time(self, moment: Moment) -> None:
        """Archive what is due once a day, a step each time; raises JournalError."""
        if self._daily is not None:
            if next(self._daily, self) is self:
                self._daily = None
        elif self._desk.config.archive_dir and moment.running >= self._next_daily and not self._busy:
            self._next_daily = moment.running + DAY_SECONDS
            self._daily = self._all_lines(Path(self._desk.config.archive_dir))

    def _all_lines(self, folder: Path) -> Iterator[None]:
        for row in self._desk.journal.lines():
            try:
                removed = yield from self.steps(row, folder)
            except UsageError as error:  # status shows what is due as long as it is
                log.warning("archive.failed", line=row.name, message=error.message, hint=error.hint)
                continue
            if removed.entries:
                log.info("archive.written", line=row.name, entries=removed.entries, file=str(removed.file))


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Notices with an open clock, and what they refer to, by whether our desk is the author."""

    notices: dict[bool, set[int]]
    meant: dict[bool, set[int]]

    def holds(self, own: bool, index: int, kind: int, refers_to: int | None) -> bool:
        """Whether an entry is such a notice, refers to one, or is referred to by one."""
        of = own if kind == EntryType.CANCEL else not own
        return index in self.notices[own] or index in self.meant[own] or refers_to in self.notices[of]


def _stored_clocks(journal: Journal, setup: LineSetup, moment: Moment) -> ReplyClocks:
    """The clocks of a line that no node runs."""
    logs = {True: setup.outgoing_log, False: setup.incoming_log}

    def leaf_at(own: bool, index: int) -> Leaf | None:
        stored = next(journal.leaves(logs[own], index, index + 1), None)
        return None if stored is None else Leaf.decode(stored[0])

    def first_of(own: bool, index: int) -> Leaf | None:
        record = journal.entry(logs[own], index)
        return None if record is None else first_leaf(journal, record)

    clocks = ReplyClocks(setup, leaf_at, first_of, journal_history(setup, journal).of)
    clocks.restore(journal, moment)
    return clocks


def _free_path(folder: Path, name: str, now: int) -> Path:
    """A new file in the folder, named after the line and the time."""
    if not folder.is_dir():
        raise UsageError("there is no such folder for archives", hint="make it first", path=str(folder))
    stem = f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)}-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"
    paths = (folder / f"{stem}{more}.archive" for more in ("", *(f"-{number}" for number in range(2, 1_000))))
    return next(path for path in paths if not path.exists())
