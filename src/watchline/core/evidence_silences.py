"""The silence certificates that evidence shows: each judged from what is shown with it, and told (rule 33)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from watchline.core.evidence_parts import LogName
from watchline.core.evidence_reading import Faults
from watchline.core.evidence_shown import EntryReading, Reading, ShownSilence
from watchline.core.silence import Grounds, Judgement, judge_silence
from watchline.core.silence_logs import Ends, LeavesAtHand, LogAtHand, later


@dataclass(frozen=True, slots=True)
class SilenceReading:
    """A certificate that holds. notice: the entry that it is about."""

    shown: ShownSilence
    judgement: Judgement
    notice: EntryReading


def judge_silences(reading: Reading, faults: Faults) -> tuple[SilenceReading, ...]:
    """Judge every certificate that is shown. One whose claim does not follow is a fault of the part that holds it."""
    logs = _read_logs(reading.entries) if reading.silences else {}
    found = []
    for shown in reading.silences:
        with faults.of(shown.part):
            own, theirs = (logs.get(name) or _Log([]) for name in (shown.name, shown.name.reverse))
            notice = own.entries.get(shown.silence.index)
            judged = judge_silence(shown.silence, _grounds(reading, shown, notice, own, theirs))
            assert notice is not None  # else it is refused
            found.append(SilenceReading(shown, judged, notice))
    return tuple(found)


class _Log:
    """The shown entries of one log, read once for all certificates."""

    def __init__(self, entries: Sequence[EntryReading]) -> None:
        self.entries = {entry.leaf.index: entry for entry in entries}
        self._leaves = LeavesAtHand(entry.leaf for entry in entries)
        self._referring: dict[int, list[EntryReading]] = {}
        for entry in entries:
            if entry.leaf.re is not None:
                self._referring.setdefault(entry.leaf.re, []).append(entry)
        self._ends: dict[tuple[LogName, int], Ends] = {}

    def about(self, notice: EntryReading) -> LogAtHand:
        """What it shows about a notice of this log or of the other."""
        place = notice.name, notice.leaf.index
        if place not in self._ends:
            referring = self._referring.get(notice.leaf.index, ())
            self._ends[place] = Ends(
                later(entry.leaf, entry.body, entry.released, notice.leaf, notice.body) for entry in referring
            )
        return LogAtHand(self._leaves, self._ends[place])


def _read_logs(entries: Iterable[EntryReading]) -> dict[LogName, _Log]:
    by_log: dict[LogName, list[EntryReading]] = {}
    for entry in entries:
        by_log.setdefault(entry.name, []).append(entry)
    return {name: _Log(shown) for name, shown in by_log.items()}


def _grounds(reading: Reading, shown: ShownSilence, notice: EntryReading | None, own: _Log, theirs: _Log) -> Grounds:
    desks = reading.desks
    nothing = LogAtHand(LeavesAtHand(), Ends())
    return Grounds(
        desks.direction(shown.name),
        shown.leaf.index,
        shown.leaf.peer_size,
        None if notice is None else notice.leaf,
        None if notice is None else notice.notice,
        None if notice is None else notice.released,
        (None if notice is None else notice.terms) or desks.paired.terms,
        shown.status,
        None if notice is None else notice.received,
        nothing if notice is None else own.about(notice),
        nothing if notice is None else theirs.about(notice),
    )
