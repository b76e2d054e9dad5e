"""The invariants: what every desk may say and keep, checked at each commit, each frame, each start and at the end.

The watch believes nobody. It knows what was committed because it stands behind each commit, what was said because it opens
each frame, and what is durable because it reads each journal again after a crash. An honest desk that breaks one of these
rules is a `Violation`; of a desk that lies only its peers are watched.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from reliability.simulator.pool import Party, line_id
from reliability.simulator.promises import KeptStatuses
from reliability.simulator.secrecy import Secrecy
from reliability.simulator.violation import Violation
from watchline.core.encoding import decode
from watchline.core.entries import Again, Body, Leaf
from watchline.core.frames import Entries, FullEntry, Item, Receipt, Stated
from watchline.core.records import (
    CheckpointRecord,
    EntryRecord,
    Log,
    Pair,
    PrekeyRecord,
    ReceiptRecord,
    Record,
    RemovalRecord,
    StatementRecord,
)
from watchline.core.statements import StatementType
from watchline.core.succession import ISSUED_AGAIN
from watchline.errors import PeerError
from watchline.journal import Journal, LineRecord

INVARIANTS = {
    "speak": "nothing is said of an entry, an epoch or a prekey before it is durable",
    "receipt": "no receipt, and no word of custody, for more than is durable at the receiver",
    "durable": "what was committed is there after every crash, whole, and nothing else is",
    "custody": "the receiver's log is a prefix of what its author released: nothing lost, repeated, reordered or altered",
    "key": "no entry key, epoch or prekey number is used for two contents",
    "nonce": "no nonce of a frame key is used for two frames",
    "fork": "no log has two heads of one size, and nobody gives receipts for two",
    "rung": "a rung that was shown is not taken back, and none that a status named falls",
    "kept": "a status that is kept as proof is there after every crash",
    "terms": "when the faults have ended, both desks of a line have the same terms in force",
    "silence": "a silence certificate follows at both desks, and none is about what the peer had closed before its status",
    "accused": "nobody is accused, and no line stops, where nobody lied and no old copy was restored",
    "silent": "a lie that left two desks with different logs is alarmed",
    "removed": "a body goes after its time, once its archive is there, and never comes back; what proves its entry stays",
    "live": "when the faults have ended, everything composed arrives and is receipted, and what one desk lost comes back",
    "closed": "in a pair of incarnations that is over nothing is said, appended or receipted; only what was lost comes back",
    "again": "what had no receipt in an earlier pair is issued again, once people have confirmed the peer",
    "number": "an entry that is issued again keeps its number",
    "lost": "what people released is shown to the peer's people exactly once, however many incarnations either desk had",
    "secret": "who speaks under a secret of a line knows that the peer holds it; both end on one; a retired one opens nothing",
    "medium": "a new secret of a line is on the identity's medium before the journal has it",
}


EVER = 1 << 62  # seconds: no clock of a run comes to that

Wire = tuple[object, ...]
"""An entry as it goes over the wire; its ciphertext comes last."""


class Direction(NamedTuple):
    """One log as all desks name it: its line, its author, the author's incarnation and the recipient's."""

    line: bytes
    author: str
    inc: int
    peer_inc: int


class Content(NamedTuple):
    """What an entry is, as its author and its receiver must have it alike."""

    leaf: bytes
    body: bytes
    sealed: bytes | None


class Span(NamedTuple):
    """The entries of one log that a frame has to do with: it carries them, or the receipt for them."""

    direction: Direction
    start: int
    stop: int


@dataclass(slots=True)
class LogWatch:
    """What is known of one log.

    durable: what its author committed. custody: what its receiver committed. believed: how far the author has stored receipts.
    shown: how far people were shown them. known: how much the receiver had when an old copy of the author came back, and still
    has where it was put back itself.
    met: how many faults each entry met on its way. written: what its author ever committed, as (leaf, body) by index; two at
    one index only where a machine was set back. numbers: what people call it. signed: the author's largest head.
    shared: the receiver once had some of it.

    What was once said and may not be said otherwise: `said` the wire form of entries by index, `signatures` of heads and
    `roots` of statuses by size, `cosigned` the roots of receipts, `epochs` their statements, `prekeys` that the receiver gave
    its author. forgotten: sizes of receipts of which the receiver's disk says nothing, or another thing, since it was put back.
    offered: the numbers of prekeys that are on its disk. rung: the last one that a status of the author named.

    gone: the entries whose bodies each desk has no more. withheld: those that a desk once had no body of, so it gave the other
    none.
    """

    durable: list[Content] = field(default_factory=list)
    said: dict[int, Wire] = field(default_factory=dict)
    custody: list[Content] = field(default_factory=list)
    believed: int = 0
    shown: int = 0
    known: int = 0
    met: list[int] = field(default_factory=list)
    written: dict[int, set[tuple[bytes, bytes]]] = field(default_factory=dict)
    numbers: dict[int, int | None] = field(default_factory=dict)
    signed: int = 0
    shared: bool = False
    signatures: dict[int, bytes] = field(default_factory=dict)
    roots: dict[int, bytes] = field(default_factory=dict)
    cosigned: dict[int, bytes] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)
    epochs: dict[int, bytes] = field(default_factory=dict)
    prekeys: dict[int, bytes] = field(default_factory=dict)
    offered: set[int] = field(default_factory=set)
    rung: int = 0
    gone: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    withheld: set[int] = field(default_factory=set)


class Watch:
    """All invariants of one run. liar: the name of the desk that lies, None for none."""

    def __init__(self, parties: Sequence[Party], lines: Sequence[tuple[str, str]], liar: str | None = None) -> None:
        self.liar = liar
        self.logs: dict[Direction, LogWatch] = {}
        self.suspect: set[bytes] = set()  # lines on which accusations are in order: a liar's, and those of an old copy
        self.restored: set[bytes] = set()  # lines of which one end was put back to an old copy, and went on as if it were not
        self.mended: set[bytes] = set()  # suspect ones that a new incarnation has given a pair in which nothing was wrong yet
        self.reborn: set[bytes] = set()  # lines of which one end became a new incarnation
        self.present: dict[tuple[str, bytes], Pair] = {}
        self.counts: Counter[str] = Counter()
        self._statuses = KeptStatuses()
        self._committing: dict[str, list[list[Record]]] = {}
        self.copied: set[bytes] = set()  # lines of which one end was put back to an old copy, whatever it did then
        self._set_back: dict[bytes, set[str]] = {}
        self.released: dict[tuple[str, bytes], set[bytes]] = {}
        self.peers: dict[tuple[str, bytes], str] = {}
        self._nonces: dict[tuple[str, bytes, bytes], bytes] = {}
        for one, other in lines:
            line = line_id(one, other)
            for speaker, hearer in ((one, other), (other, one)):
                self.peers[speaker, line] = hearer
        self.secrecy = Secrecy({party.name: party.id for party in parties}, self.peers)

    def direction(self, desk: str, log: Log) -> Direction:
        """How all desks call what `desk` calls by this name."""
        ours, theirs = log.pair
        if log.outgoing:
            return Direction(log.line, desk, ours, theirs)
        return Direction(log.line, self.peers[desk, log.line], theirs, ours)

    def log(self, direction: Direction) -> LogWatch:
        """What is known of this log."""
        found = self.logs.get(direction)
        if found is None:
            found = self.logs[direction] = LogWatch()
        return found

    def sign(self, direction: Direction, size: int) -> None:
        """The author of a log signed a head of this size."""
        log = self.log(direction)
        log.signed = max(log.signed, size)

    # --- commits

    def storing(self, desk: str, row: LineRecord) -> None:
        """A desk hands its journal what it knows of a line."""
        self.secrecy.storing(desk, row)

    def stored(self, desk: str, row: LineRecord) -> None:
        """That is durable."""
        self.secrecy.stored(desk, row)

    def committing(self, desk: str, records: list[Record]) -> None:
        """A desk hands these to its journal; whether they are durable shows later."""
        self._committing.setdefault(desk, []).append(records)

    def committed(self, desk: str) -> None:
        """The journal said that all of it is durable; so what failed before it is not, and never will be."""
        for record in self._committing.pop(desk)[-1]:
            if isinstance(record, EntryRecord):
                self._append(desk, record)
            elif isinstance(record, ReceiptRecord):
                self._remember(desk, record)
            elif isinstance(record, RemovalRecord):
                self._remove(desk, record)
            elif isinstance(record, CheckpointRecord) and record.log.outgoing:
                self.sign(self.direction(desk, record.log), record.size)
            elif isinstance(record, StatementRecord):
                self._statuses.note(desk, record)
            elif isinstance(record, PrekeyRecord) and record.ours and record.value is not None:
                log = self.log(self.direction(desk, Log(record.line, record.pair, False)))
                log.offered.add(record.pre_id)

    def _append(self, desk: str, record: EntryRecord) -> None:
        direction = self.direction(desk, record.log)
        log, content = self.log(direction), Content(record.leaf, record.body, record.sealed)
        recovered = record.epoch == 0  # epochs count from 1, and what comes back was under none
        if record.gone is not None:
            self._take_withheld(desk, direction, record)
        if record.log.outgoing and record.index == 0 and not recovered:
            self.present[desk, direction.line] = record.log.pair
        self._check_pair(desk, direction, record, recovered=recovered)
        if not record.log.outgoing:
            return self._take(desk, direction, record.index, content, recovered=recovered)
        if record.index != len(log.durable):
            raise Violation("durable", f"{desk} wrote entry {record.index} where {len(log.durable)} was next")
        if recovered:
            self._compare(desk, direction, record.index, content, recovered=True)
        else:
            self.write(direction, record)
        log.durable.append(content)
        del log.met[record.index :]
        return log.met.append(0)

    def _remove(self, desk: str, record: RemovalRecord) -> None:
        direction = self.direction(desk, record.log)
        log = self.log(direction)
        held = log.durable if record.log.outgoing else log.custody
        indexes = {index for index, _ in record.stubs}
        is_present = record.log.outgoing and record.log.pair == self.present.get((desk, direction.line))
        if is_present and any(index >= log.believed for index in indexes):
            raise Violation("removed", f"{desk} removed the body of what {self.peers[desk, direction.line]} may not have")
        for index, stub in record.stubs:
            held[index] = Content(held[index].leaf, stub, None)
        log.gone[desk] |= indexes
        log.withheld |= indexes
        self.counts["removed"] += len(indexes)

    def _check_pair(self, desk: str, direction: Direction, record: EntryRecord, *, recovered: bool) -> None:
        present = self.present.get((desk, direction.line))
        if recovered == (record.log.pair == present) and desk != self.liar and direction.line not in self.restored:
            raise Violation("closed", f"{desk} appended to the log of {record.log.pair}, and is in {present}")
        if recovered:
            self.counts["recovered"] += 1
            if record.index >= self.log(direction).signed and direction.line not in self.suspect:
                raise Violation("closed", f"{desk} took back entry {record.index}, above every head of its author")

    def write(self, direction: Direction, record: EntryRecord, *, for_good: bool = True) -> None:
        """An entry was composed in this log, and is durable. for_good: by a machine that may not lose it."""
        log = self.log(direction)
        log.written.setdefault(record.index, set()).add((record.leaf, record.body))
        if len(log.written[record.index]) > 1 and direction.line not in self.restored:
            raise Violation("fork", f"{direction.author} wrote entry {record.index} twice")
        log.numbers[record.index] = record.number
        again = None if record.log.pair == (1, 1) else Body.decode(record.body).again
        if again is not None:
            self._check_number(direction, record, again)
        if for_good and record.nonce is not None and record.released and record.type in ISSUED_AGAIN:
            self.released.setdefault((direction.author, direction.line), set()).add(record.nonce)

    def _check_number(self, direction: Direction, record: EntryRecord, again: Again) -> None:
        self.counts["issued_again"] += 1
        inc, peer_inc, place, number, _ = again
        first = self.log(direction._replace(inc=inc, peer_inc=peer_inc)).numbers.get(place)
        if (record.number != number or first != number) and direction.line not in self.restored:
            raise Violation("number", f"{direction.author} issued {first} again as {record.number}, marked {number}")

    def _take_withheld(self, desk: str, direction: Direction, record: EntryRecord) -> None:
        """An entry came back without its body: the desk that gave it had none."""
        log = self.log(direction)
        if record.index not in log.withheld and direction.line not in self.suspect:
            raise Violation("removed", f"{desk} took back entry {record.index} of {direction.author} without the body it has")
        log.gone[desk].add(record.index)
        self.counts["withheld"] += 1

    def _take(self, desk: str, direction: Direction, index: int, content: Content, *, recovered: bool) -> None:
        log = self.log(direction)
        if index != len(log.custody):
            raise Violation("custody", f"{desk} took entry {index} of {direction.author} where {len(log.custody)} was next")
        self._compare(desk, direction, index, content, recovered=recovered)
        log.custody.append(content)
        log.shared = True

    def _compare(self, desk: str, direction: Direction, index: int, content: Content, *, recovered: bool) -> None:
        """What comes into custody, or back, is what an honest author has written, and said."""
        log = self.log(direction)
        if direction.line in self.suspect:
            return
        bodiless = index in log.gone[desk] and content.leaf in {leaf for leaf, _ in log.written.get(index, ())}
        if not bodiless and content[:2] not in log.written.get(index, ()):
            raise Violation("custody", f"{desk} took an entry {index} that {direction.author} did not write so")
        if index not in log.said and direction.author != self.liar and not recovered:
            raise Violation("custody", f"{desk} took entry {index}, which {direction.author} never said")

    def _remember(self, desk: str, record: ReceiptRecord) -> None:
        direction = self.direction(desk, record.log)
        log = self.log(direction)
        if record.log.outgoing:
            log.believed = max(log.believed, record.size)
            return
        if desk != self.liar and record.log.pair != self.present.get((desk, direction.line)):
            raise Violation("closed", f"{desk} gave a receipt in {record.log.pair}, which is over")
        if desk != self.liar:
            self._check_receipt(desk, direction, record)

    def _check_receipt(self, desk: str, direction: Direction, record: ReceiptRecord) -> None:
        log, size = self.log(direction), record.size
        if log.cosigned.setdefault(size, record.root) != record.root:
            # Two heads take an author that signs both. Only a receiver that has lost its copy of the first cannot tell.
            if size not in log.forgotten or not self._has_two(direction, size):
                raise Violation("fork", f"{desk} gave receipts for two heads of size {size}")
            log.cosigned[size] = record.root
            self.counts["receipted_anew"] += 1
        log.forgotten.discard(size)

    def _has_two(self, direction: Direction, size: int) -> bool:
        """Whether the author may have signed two logs of this size: it lies, or was put back and wrote other entries."""
        written = self.log(direction).written
        return direction.author == self.liar or any(len(written.get(index, ())) > 1 for index in range(size))

    # --- words

    def spoken(self, desk: str, line: bytes, frame: bytes) -> Span | None:
        """A desk lets go of a frame: everything in it must be true, durable and said before in the same way or not at all.

        Gives the entries that this frame is about; None if it is about none.
        """
        items, span = self.opened(desk, line, frame), None
        for item in items:
            span = self._span(desk, line, item) or span
        if desk != self.liar:
            self.secrecy.spoken(desk, line, frame)
            self._check_nonce(desk, line, frame)
            for item in items:
                self._check_item(desk, line, item)
        return span

    def opened(self, desk: str, line: bytes, frame: bytes) -> tuple[Item, ...]:
        """What a frame of this desk holds."""
        try:
            return tuple(self.secrecy.open(desk, line, frame))
        except PeerError as error:
            if desk == self.liar:
                return ()
            raise Violation("speak", f"{desk} sent a frame that nobody can open: {error.message}") from error

    def _span(self, desk: str, line: bytes, item: Item) -> Span | None:
        if isinstance(item, Entries):
            direction = Direction(line, desk, item.inc, item.peer_inc)
            return Span(direction, item.start, item.start + len(item.entries))
        if isinstance(item, Receipt):
            direction = Direction(line, self.peers[desk, line], item.peer_inc, item.inc)
            return Span(direction, self.log(direction).believed, item.size)
        return None

    def _check_nonce(self, desk: str, line: bytes, frame: bytes) -> None:
        place = desk, line, frame[:12]
        if self._nonces.setdefault(place, frame[12:44]) != frame[12:44]:
            raise Violation("nonce", f"{desk} sealed two frames under one nonce")

    def _check_item(self, desk: str, line: bytes, item: Item) -> None:
        if isinstance(item, Entries | Receipt) and (item.inc, item.peer_inc) != self.present.get((desk, line)):
            raise Violation("closed", f"{desk} spoke in {item.inc, item.peer_inc}, and is in {self.present.get((desk, line))}")
        if isinstance(item, Entries):
            direction = Direction(line, desk, item.inc, item.peer_inc)
            for _, index, wire in wires(desk, line, item):
                self._check_entry(direction, index, wire)
            self._check_head(direction, item.start + len(item.entries), item.signature)
        elif isinstance(item, FullEntry):
            self._check_full(desk, line, item)
        elif isinstance(item, Receipt):
            self._check_custody(desk, Direction(line, self.peers[desk, line], item.peer_inc, item.inc), item.size)
        elif isinstance(item, Stated):
            self._check_statement(desk, line, item)

    def _check_entry(self, direction: Direction, index: int, wire: Wire) -> None:
        self.say(direction, index, wire)
        log = self.log(direction)
        if index >= len(log.durable):
            raise Violation("speak", f"{direction.author} sent entry {index} and has {len(log.durable)} on its disk")
        if log.durable[index].sealed != wire[-1]:
            raise Violation("speak", f"{direction.author} sent another entry {index} than it has on its disk")

    def say(self, direction: Direction, index: int, wire: Wire) -> None:
        """An entry goes over the wire in this form: as it did before, if it did."""
        log = self.log(direction)
        # Before anything else: a key that was used for two contents is the worst that can happen, and may come of the rest.
        said = log.said.setdefault(index, wire)
        if said != wire:
            # The key comes from the leaf, so an old copy may say another thing under an index of which its peer knew nothing.
            if index < log.known or direction.line not in self.restored or said[:-1] == wire[:-1]:
                raise Violation("key", f"{direction.author} sent two contents as entry {index}")
            log.said[index] = wire
            self.counts["said_anew"] += 1

    def _check_head(self, direction: Direction, size: int, signature: bytes) -> None:
        # Ed25519 gives one signature for one text, so another signature is another root.
        signed = self.log(direction).signatures.setdefault(size, signature)
        if signed != signature and direction.line not in self.restored:
            raise Violation("fork", f"{direction.author} signed two heads of size {size}")

    def _check_full(self, desk: str, line: bytes, item: FullEntry) -> None:
        for direction, index, wire in wires(desk, line, item):
            self._check_entry(direction, index, wire)
            self._check_head(direction, index + 1, item.signature)

    def _check_custody(self, desk: str, direction: Direction, size: int) -> None:
        held = len(self.log(direction).custody)
        if size > held:
            raise Violation("receipt", f"{desk} spoke of custody of {size} entries and has {held} on its disk")

    def _check_statement(self, desk: str, line: bytes, item: Stated) -> None:
        kind, inc, peer_inc, *values = decode(item.spoken)
        own, theirs = Direction(line, desk, inc, peer_inc), Direction(line, self.peers[desk, line], peer_inc, inc)
        log, excused = self.log(own), line in self.restored
        if kind == StatementType.STATUS:
            size, root, held = values[1], values[2], values[3]
            if size > len(log.durable):
                raise Violation("speak", f"{desk} named {size} entries of its own and has {len(log.durable)} on its disk")
            if log.roots.setdefault(size, root) != root and not excused:
                raise Violation("fork", f"{desk} named two roots of its log at size {size}")
            self._check_custody(desk, theirs, held)
            rung = values[11]
            if rung < log.rung and not excused:
                raise Violation("rung", f"{desk} named rung {rung} in a status after {log.rung}")
            log.rung = rung
        elif kind == StatementType.EPOCH:
            epoch = values[0]
            if log.epochs.setdefault(epoch, item.spoken) != item.spoken and not excused:
                raise Violation("key", f"{desk} opened epoch {epoch} twice")
        elif kind == StatementType.PREKEYS:
            self._check_prekeys(desk, self.log(theirs), dict(enumerate(values[1], start=values[0])), excused=excused)

    def _check_prekeys(self, desk: str, log: LogWatch, keys: dict[int, bytes], *, excused: bool) -> None:
        for pre_id, key in keys.items():
            if log.prekeys.setdefault(pre_id, key) != key and not excused:
                raise Violation("key", f"{desk} gave two prekeys the number {pre_id}")
            if pre_id not in log.offered:
                raise Violation("speak", f"{desk} offered prekey {pre_id}, which is not on its disk")

    # --- faults

    def met(self, span: Span | None) -> None:
        """A frame met a fault: so did the entries that it is about."""
        if span is None:
            return
        met = self.log(span.direction).met
        for index in range(span.start, min(span.stop, len(met))):
            met[index] += 1

    def shaken(self, *, desk: str | None = None, line: bytes | None = None) -> None:
        """A desk or a line met a fault: so did everything there that is not receipted yet."""
        for direction, log in self.logs.items():
            ends = (direction.author, self.peers[direction.author, direction.line])
            if desk in ends or direction.line == line:
                for index in range(min(log.believed, len(log.met)), len(log.met)):
                    log.met[index] += 1

    # --- starts

    def started(self, desk: str, journal: Journal) -> None:
        """After a crash: what was durable is there, what was being committed is there whole or not at all."""
        self.secrecy.started(desk, journal)
        for doubtful in self._committing.pop(desk, []):
            survived = {each for record in doubtful for each in survivals(journal, record)}
            if len(survived) > 1:
                raise Violation("durable", f"a part of a commit survived at {desk}")
            if survived == {True}:
                self._committing[desk] = [doubtful]
                self.committed(desk)
        self._check_statuses(desk, journal)
        for direction, log in self.logs.items():
            own = direction.author == desk
            if not self.is_of(desk, direction):
                continue
            self._check_start(desk, journal, direction, log.durable if own else log.custody)
            name = log_name(desk, direction)
            self._check_gone(desk, journal, name, log)
            if own:
                self._check_receipts(desk, journal, name, log)
            else:
                log.offered.update(journal.prekeys(direction.line, name.pair, True))

    def _check_statuses(self, desk: str, journal: Journal) -> None:
        if missing := self._statuses.missing(desk, journal):
            raise Violation("kept", f"{desk} has lost {missing} statuses that it kept as proof")

    def _check_start(self, desk: str, journal: Journal, direction: Direction, known: list[Content]) -> None:
        name = log_name(desk, direction)
        size = journal.size(name)
        if size != len(known):
            raise Violation("durable", f"{desk} has {size} entries of {direction.author} on its disk, not {len(known)}")
        last = journal.entry(name, size - 1) if size else None
        if last is not None and (last.leaf, last.body) != known[-1][:2]:
            raise Violation("durable", f"entry {size - 1} of {direction.author} has changed on the disk of {desk}")

    def _check_gone(self, desk: str, journal: Journal, name: Log, log: LogWatch) -> None:
        gone = log.gone[desk]
        if gone and (back := gone & {index for index, _, _ in journal.kept_before(name, EVER)}):
            raise Violation("removed", f"{desk} has bodies again that it removed: {sorted(back)[:5]}")

    def _check_receipts(self, desk: str, journal: Journal, name: Log, log: LogWatch) -> None:
        receipt = journal.latest_receipt(name)
        size = 0 if receipt is None else receipt.size
        if size < log.shown:
            raise Violation("rung", f"{desk} was shown a receipt for {log.shown} entries and has it no more")
        if size < log.believed:
            raise Violation("durable", f"{desk} stored a receipt for {log.believed} entries and has one for {size}")
        log.believed = size

    def is_of(self, desk: str, direction: Direction) -> bool:
        """Whether the desk is the author or the receiver of this log."""
        return direction.author == desk or self.peers.get((desk, direction.line)) == direction.author

    def lines_of(self, desk: str) -> list[bytes]:
        """The lines that end at this desk."""
        return [line for name, line in self.peers if name == desk]

    def lied(self, line: bytes, *, in_force: bool) -> None:
        """A desk showed another log than before: its line may stop until a new pair begins. Once it has, who speaks with the
        keys of an earlier one (in_force: False) may cause alarms, and no more.
        """
        self.suspect.add(line)
        if in_force:
            self.mended.discard(line)

    def become(self, desk: str) -> None:
        """A desk becomes a new incarnation: what was wrong with an old copy of it, and what a liar said in the pair before, is
        over with that pair.
        """
        self.counts["incarnations"] += 1
        for line in self.lines_of(desk):
            self.reborn.add(line)
            back = self._set_back.get(line, set())
            back.discard(desk)
            if line in self.suspect and not back:
                self.mended.add(line)

    def put_back(self, desk: str, journal: Journal, *, reborn: bool = False) -> None:
        """An old copy of a disk was put back: take what it holds for what the desk has. What was said stays said.

        reborn: it goes on as a new incarnation; else as if nothing had happened, and then its lines may stop.
        """
        self._committing.pop(desk, None)
        self._statuses.put_back(desk)
        self.secrecy.replaced(desk, journal, guessed=True)
        for line in self.lines_of(desk):
            pairs = [log.pair for log in journal.logs(line) if log.outgoing and journal.size(log)]
            self.copied.add(line)
            self.present[desk, line] = max(pairs, default=Pair(0, 0))
            if not reborn:
                self.suspect.add(line)
                self.restored.add(line)
                self.mended.discard(line)
                self._set_back.setdefault(line, set()).add(desk)
            released = self.released.get((desk, line), set())
            released -= {nonce for nonce in released if journal.by_nonce(line, nonce, True) is None}
        for direction, log in self.logs.items():
            own = direction.author == desk
            if not self.is_of(desk, direction):
                continue
            name = log_name(desk, direction)
            held = log.durable if own else log.custody
            stored = journal.entries(name, 0, journal.size(name))  # not only shorter: it may be of a life before the last copy
            held[:], log.gone[desk] = [], set()
            for record in stored:
                held.append(Content(record.leaf, record.body, record.sealed))
                if record.gone is not None:
                    log.gone[desk].add(record.index)
            if own:
                log.known = len(log.custody)
                receipt = journal.latest_receipt(name)
                log.believed = log.shown = 0 if receipt is None else receipt.size
            else:
                log.known = min(log.known, len(held))
                log.forgotten.update(
                    size for size, root in log.cosigned.items() if size > len(held) or journal.root_at(name, size) != root
                )

    # --- people

    def looked(self, desk: str, journal: Journal, log: Log) -> None:
        """A person was shown how far the peer's receipts reach."""
        receipt = journal.latest_receipt(log)
        size = 0 if receipt is None else receipt.size
        watched = self.log(self.direction(desk, log))
        if size < watched.shown:
            raise Violation("rung", f"{desk} showed {size} entries as received after it had shown {watched.shown}")
        watched.shown = size

    def alarmed(self, desk: str, line: bytes, kind: str, message: str) -> None:
        """A desk calls its people."""
        self.counts["alarms"] += 1
        if line not in self.suspect and not (kind == "incarnation" and line in self.reborn):
            raise Violation("accused", f"{desk} alarms ({kind}: {message}) and nobody lied")

    # --- the end

    def finished(self, desk: str, journal: Journal) -> None:
        """Read everything back: each log is what was written and taken, and is a log of its own head."""
        self._check_statuses(desk, journal)
        for direction, log in self.logs.items():
            own = direction.author == desk
            if not self.is_of(desk, direction):
                continue
            known, name = (log.durable if own else log.custody), log_name(desk, direction)
            self._check_gone(desk, journal, name, log)
            stored = [(record.leaf, record.body) for record in journal.entries(name, 0, journal.size(name))]
            if stored != [content[:2] for content in known]:
                raise Violation("durable", f"the log of {direction.author} has changed on the disk of {desk}")
            if journal.verify(name) != len(known):
                raise Violation("durable", f"the log of {direction.author} does not verify at {desk}")

    def undelivered(self, healthy: Callable[[bytes], bool], whole: Callable[[bytes], bool] = lambda _: True) -> list[str]:
        """What is not where it belongs, on healthy lines only: both desks are in one pair, its logs are in custody and
        receipted, and those of earlier pairs are the same at both desks, unless one of them never heard of that pair.

        whole: whether what was lost on a line can come back at all.
        """
        late = []
        for direction, log in self.logs.items():
            if not healthy(direction.line):
                continue
            peer = self.peers[direction.author, direction.line]
            pair = Pair(direction.inc, direction.peer_inc)
            sizes = f"{len(log.durable)} written, {len(log.custody)} in custody, {log.believed} receipted"
            if pair in (self.present.get((direction.author, direction.line)), self._present_at(peer, direction.line)):
                good = len(log.durable) == len(log.custody) == log.believed
            else:
                lost = log.shared and whole(direction.line) and direction.line not in self.mended
                good = not lost or len(log.durable) == len(log.custody)
            if not good:
                late.append(f"{direction.author} to {peer}, {tuple(pair)}: {sizes}")
        return late

    def _present_at(self, peer: str, line: bytes) -> Pair | None:
        """The peer's present pair, as the other desk names it."""
        pair = self.present.get((peer, line))
        return None if pair is None else Pair(pair.theirs, pair.ours)

    def differing(self, line: bytes) -> bool:
        """Whether a receiver on this line holds another entry than its author has under the same index."""
        return any(
            [content.leaf for content in log.custody[: len(log.durable)]]
            != [content.leaf for content in log.durable[: len(log.custody)]]
            for direction, log in self.logs.items()
            if direction.line == line
        )

    def totals(self) -> Counter[str]:
        """What was delivered: all entries that are in custody and receipted, and those of them that met two faults or more."""
        totals = Counter(self.counts)
        for log in self.logs.values():
            delivered = min(len(log.custody), log.believed, len(log.met))
            totals["delivered"] += delivered
            totals["entries"] += sum(met >= 2 for met in log.met[:delivered])
            totals["faults"] += sum(log.met[:delivered])
        return totals


def wires(desk: str, line: bytes, item: Item) -> Iterator[tuple[Direction, int, Wire]]:
    """The entries in an item that a desk says: of which log, at which index, and how."""
    if isinstance(item, Entries):
        direction = Direction(line, desk, item.inc, item.peer_inc)
        for index, entry in enumerate(item.entries, start=item.start):
            yield direction, index, (entry.type, entry.time, entry.commitment, entry.peer_size, entry.re, entry.sealed)
    elif isinstance(item, FullEntry):
        leaf = Leaf.decode(item.leaf)
        direction = Direction(line, desk, leaf.direction.inc, leaf.direction.peer_inc)
        yield direction, leaf.index, (leaf.type, leaf.time, leaf.commitment, leaf.peer_size, leaf.re, item.sealed)


def survivals(journal: Journal, record: Record) -> Iterator[bool]:
    """Of each thing in a record, whether it is on the disk; nothing of what tells nothing of that."""
    if isinstance(record, EntryRecord):
        yield journal.size(record.log) > record.index
    elif isinstance(record, RemovalRecord):
        for index, _ in record.stubs:
            stored = journal.entry(record.log, index)
            yield stored is not None and stored.gone is not None


def log_name(desk: str, direction: Direction) -> Log:
    """How a desk calls a log of its own line."""
    if direction.author == desk:
        return Log(direction.line, Pair(direction.inc, direction.peer_inc), True)
    return Log(direction.line, Pair(direction.peer_inc, direction.inc), False)
