"""The silence certificates that evidence shows: each judged from what is shown with it, and told (rule 33)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watchline.core.evidence_parts import LogName
from watchline.core.evidence_reading import Faults
from watchline.core.evidence_shown import EntryReading, Reading, ShownSilence
from watchline.core.silence import Grounds, Judgement, Later, judge_silence, later

_Entries = dict[int, EntryReading]


@dataclass(frozen=True, slots=True)
class SilenceReading:
    """A certificate that holds. notice: the entry that it is about."""

    shown: ShownSilence
    judgement: Judgement
    notice: EntryReading


def judge_silences(reading: Reading, faults: Faults) -> tuple[SilenceReading, ...]:
    """Judge every certificate that is shown. One whose claim does not follow is a fault of the part that holds it."""
    by_log: dict[LogName, _Entries] = {}
    if reading.silences:
        for entry in reading.entries:
            by_log.setdefault(entry.name, {})[entry.leaf.index] = entry
    found = []
    for shown in reading.silences:
        with faults.of(shown.part):
            own, theirs = by_log.get(shown.name, {}), by_log.get(shown.name.reverse, {})
            notice = own.get(shown.silence.index)
            judged = judge_silence(shown.silence, _grounds(reading, shown, notice, own, theirs))
            assert notice is not None  # else it is refused
            found.append(SilenceReading(shown, judged, notice))
    return tuple(found)


def _grounds(reading: Reading, shown: ShownSilence, notice: EntryReading | None, own: _Entries, theirs: _Entries) -> Grounds:
    desks = reading.desks
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
        _later(own.values(), notice),
        _later(theirs.values(), notice),
    )


def _later(entries: Iterable[EntryReading], notice: EntryReading | None) -> dict[int, Later]:
    if notice is None:
        return {}
    return {entry.leaf.index: later(entry.leaf, entry.body, entry.released, notice.leaf, notice.body) for entry in entries}
