"""What each turn of a line wanted done, in words: so a test writes down the whole of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from functools import singledispatch
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from tests.dishonest import state, status_of
from tests.line_pair import LinePair, Side
from watchline.core import frames, records, setting
from watchline.core.encoding import Value, encode
from watchline.core.entries import Leaf
from watchline.core.frames import Item
from watchline.core.records import Log
from watchline.core.setting import Effects
from watchline.core.statements import StatementType, preview
from watchline.journal.sqlite import open_journal


@dataclass(frozen=True)
class Turn:
    """One turn. keeps: its records. sends: its frames, parted by " | ". tells: its events. lazy: the commit may wait. next: in
    how many seconds the line has something to do of itself, 0 for at once.
    """

    keeps: str = ""
    sends: str = ""
    tells: str = ""
    lazy: bool = True
    next: float = 0.0

    def __repr__(self) -> str:
        said = (
            f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if getattr(self, each.name) != each.default
        )
        return f"Turn({', '.join(said)})"


def turn(side: Side) -> Turn:
    """Close a turn of this side as a desk does, and give what it was."""
    seen: list[Effects] = []

    def watch(effects: Effects) -> None:
        seen.append(effects)

    fate, side.fate = side.fate, watch
    sealed_with = frames.FrameKey(side.setup.outer_keys()[0])
    side.turn()
    side.fate = fate
    moment = side.clock.moment()
    return Turn(
        _listed(map(in_words, seen[0].records)),
        " | ".join(_listed(map(in_words, sealed_with.open(frame))) for frame in seen[0].frames),
        _listed(map(in_words, seen[0].events)),
        seen[0].lazy,
        round(max(0.0, side.line.next_tick_at(moment) - moment.running), 3),
    )


@contextmanager
def copy_of(pair: LinePair) -> Iterator[LinePair]:
    """Another pair that stands where this one does, over copies of its journals: that is sooner made than one of its own."""
    with TemporaryDirectory(dir=pair.a.path.parents[1]) as folder:
        known: dict[int, object] = {}
        for side in (pair.a, pair.b):
            for file in side.path.parent.glob(side.path.name + "*"):
                shutil.copy(file, folder)
            path = Path(folder) / side.path.name
            known |= {id(side.path): path, id(side.journal): open_journal(path, bytes(32), create=False)}
            known |= {id(same): same for same in (side.setup, side.party, side.line._keys)}
        made = deepcopy(pair, known)
        try:
            yield made
        finally:
            made.close()


def cross(pair: LinePair) -> None:
    """Carry over what waits on both sides; neither closes its turn."""
    from_a, pair.a.out[:] = list(pair.a.out), []
    from_b, pair.b.out[:] = list(pair.b.out), []
    for side, waiting in ((pair.b, from_a), (pair.a, from_b)):
        for frame in waiting:
            side.line.receive(frame, side.clock.moment())


def wait(pair: LinePair, seconds: float) -> None:
    """Let so much time pass at once; neither closes its turn."""
    pair.clock.advance(seconds)
    for side in (pair.a, pair.b):
        side.line.tick(side.clock.moment())


def take(side: Side, *items: Item, by: Side) -> None:
    """Take items that `by`, or a thief of the pairing secret, put into a frame; the turn stays open."""
    side.line.receive(by.seal(*items), side.clock.moment())


def hear_status(side: Side, pair: LinePair, **changes: Any) -> None:
    """Take a fresh status of the other desk, true but for these changes; the turn stays open."""
    speaker = pair.a if side is pair.b else pair.b
    status = replace(status_of(pair, speaker), **changes)
    take(side, state(StatementType.STATUS, speaker, *status.values()), by=speaker)


def with_payload(side: Side, payload: Value) -> bytes:
    """A frame of this side that opens under the line's secret, whatever is in it."""
    return bytes(12) + AESGCMSIV(side.setup.outer_keys()[0]).encrypt(bytes(12), encode(payload) + b"\x80", None)


def _listed(words: Iterable[str]) -> str:
    """The same word again and again stands once, with how often."""
    counted = ((word, len(list(same))) for word, same in groupby(words))
    return ", ".join(word if count == 1 else f"{count} x {word}" for word, count in counted)


@singledispatch
def in_words(thing: object) -> str:
    """A record, an item or an event."""
    return type(thing).__name__


def _whose(log: Log) -> str:
    return "ours" if log.outgoing else "theirs"


def _kind(number: int) -> str:
    return StatementType(number).name.lower()


# --- records


@in_words.register
def _(record: records.EntryRecord) -> str:
    return f"entry {record.index} of {_whose(record.log)}"


@in_words.register
def _(record: records.CheckpointRecord) -> str:
    return f"head {record.size} of {_whose(record.log)}"


@in_words.register
def _(record: records.ReceiptRecord) -> str:
    return f"receipt {record.size} on {_whose(record.log)}"


@in_words.register
def _(record: records.CosignatureRecord) -> str:
    return f"cosigned {record.size} of {_whose(record.log)}"


@in_words.register
def _(_: records.NonceRecord) -> str:
    return "nonce"


@in_words.register
def _(record: records.StateRecord) -> str:
    return f"state {record.part}"


@in_words.register
def _(record: records.PrekeyRecord) -> str:
    return f"prekey of {'ours' if record.ours else 'theirs'}{' used' if record.value is None else ''}"


@in_words.register
def _(record: records.StatementRecord) -> str:
    return f"{'said' if record.ours else 'heard'} {_kind(record.type)}{' for good' if record.keep else ''}"


@in_words.register
def _(record: records.CertificateRecord) -> str:
    return f"certificate {record.serial} of {'ours' if record.ours else 'theirs'}"


@in_words.register
def _(record: records.AlarmRecord) -> str:
    return f"alarm {record.kind} {record.rule}"


# --- items


@in_words.register
def _(item: frames.Entries) -> str:
    return f"entries {item.start}-{item.start + len(item.entries) - 1}"


@in_words.register
def _(item: frames.FullEntry) -> str:
    return f"full entry {Leaf.decode(item.leaf).index}"


@in_words.register
def _(item: frames.Receipt) -> str:
    return f"receipt {item.size}"


@in_words.register
def _(item: frames.Stated) -> str:
    kind, values = preview(item)
    sizes = f" {values[1]}:{values[3]}" if kind == StatementType.STATUS else ""
    return _kind(kind) + sizes


@in_words.register
def _(item: frames.Refusal) -> str:
    return f"refusal {item.rule} at {item.at} of {item.inc}"


@in_words.register
def _(item: frames.ShownCheckpoint) -> str:
    return f"shown head {item.size}"


@in_words.register
def _(item: frames.Cosigned) -> str:
    return f"cosigned {item.size}"


@in_words.register
def _(item: frames.OfferedCertificate) -> str:
    return "certificate"


@in_words.register
def _(item: frames.Probe) -> str:
    return "answer" if item.nonce is None and item.echo is not None else "probe" if item.nonce is not None else "sign of life"


@in_words.register
def _(item: frames.LostRequest) -> str:
    return f"lost {'ours' if item.own else 'yours'} {item.inc}.{item.peer_inc} from {item.start}"


@in_words.register
def _(item: frames.Recovered) -> str:
    span = f"{item.start}-{item.start + len(item.entries) - 1}"
    return f"recovered {'ours' if item.own else 'yours'} {item.inc}.{item.peer_inc} {span}"


# --- events


@in_words.register
def _(event: setting.EntryArrived) -> str:
    return f"arrived {event.record.index}"


@in_words.register
def _(event: setting.EntriesRecovered) -> str:
    return f"recovered {len(event.records)}"


@in_words.register
def _(event: setting.ReceiptArrived) -> str:
    return f"received {event.size}"


@in_words.register
def _(event: setting.StatusArrived) -> str:
    return "fresh status" if event.fresh else "status"


@in_words.register
def _(event: setting.RoutesArrived) -> str:
    return f"routes {len(event.routes)}"


@in_words.register
def _(event: setting.ProbeAnswered) -> str:
    return f"answered after {event.seconds}"


@in_words.register
def _(event: setting.AlarmRaised) -> str:
    return f"alarm {event.kind}"


@in_words.register
def _(_: setting.SecretHeard) -> str:
    return "secret heard"


@in_words.register
def _(event: setting.PhaseChanged) -> str:
    return event.phase


@in_words.register
def _(event: setting.IncarnationArrived) -> str:
    return f"incarnation {event.certificate.certificate.inc}"


@in_words.register
def _(event: setting.LateEntry) -> str:
    return f"late {event.record.index}"


@in_words.register
def _(event: setting.ClockRanOut) -> str:
    return f"ran out {event.index} of {'ours' if event.own else 'theirs'} after {event.seconds}"
