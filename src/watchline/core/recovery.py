"""What one desk lost and the other one holds comes back (rule 31): entries of earlier pairs of incarnations, with their bodies.

Leaf 0 of the peer's log says how far the last pair came as the peer knows it. What we hold less of, of its log or of our own,
we ask for, one piece at a time and below everything else on the line. A piece proves itself: its leaves continue our copy, and
lead by a Merkle path to a head that the log's own author signed when it was alive. So nobody can put words into a lost log.

Bodies that have gone at the peer do not come back: their entries are kept with a stub, and say that the peer withheld it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from watchline.core.amendments import TermsHistory, journal_history
from watchline.core.checkpoint import Checkpoint, origin
from watchline.core.encoding import encode
from watchline.core.entries import NUMBERED, Body, Continues, EntryType, Leaf, verify_commitment
from watchline.core.frames import LostRequest, Recovered, RecoveredEntry
from watchline.core.keys import verify_ed25519
from watchline.core.limits import FRAME_ENTRIES_MAX
from watchline.core.merkle import Edge, leaf_hash, verify_consistency
from watchline.core.part_heads import PartHeads
from watchline.core.records import FIRST_PAIR, CheckpointRecord, EntryRecord, Log, Pair, Record, ReleaseRecord
from watchline.core.release import is_released
from watchline.core.setting import LineSetup, Moment, Reader
from watchline.core.stubs import REMOVABLE, UNKNOWN, WITHHELD
from watchline.core.terms import Terms
from watchline.errors import Contradiction, PeerError, WrongParty

PIECE_BYTES = 100_000  # of leaves, blindings and bodies: with its head and path it fits into a frame
ASK_AGAIN_SECONDS = 10.0
ANSWERS_MAX = 1_024  # looked at for one piece: nobody answers so much, and a dishonest peer may
TRIES = 6  # for what the peer did not say it holds


@dataclass(frozen=True, slots=True)
class Lost:
    """A part of an old log that we do not hold.

    said: up to what size the peer says that it holds it: that is asked for as long as it takes. named: up to what size anything
    names it, a lost entry 0 of our own and the author's head too: above `said` it is asked for `tries` times more.
    """

    log: Log
    said: int
    named: int
    tries: int = TRIES


class Recovery:
    """What is to be recovered on one line, and what the peer is given of what it lost."""

    def __init__(self, setup: LineSetup, reader: Reader) -> None:
        self._setup = setup
        self._reader = reader
        self._heads = PartHeads(setup.line, reader)
        self._lost: list[Lost] = []
        self._edge: Edge | None = None  # of the log that is being recovered, as far as it is committed or in this turn
        self._number: int | None = 0
        self._asked_at: float | None = None
        self._request: LostRequest | None = None
        self._history: tuple[Pair, TermsHistory] | None = None

    @property
    def due_at(self) -> float | None:
        """When to ask (again), in seconds of the running clock; None if nothing is lost."""
        if not self._lost:
            return None
        return 0.0 if self._asked_at is None else self._asked_at + ASK_AGAIN_SECONDS

    # --- what we lost

    def compare(self, content: bytes, *, own: bool = False) -> None:
        """Learn from a CONTINUES of the peer, or from one of our own that came back, what we hold less of than its author did.

        What only our own lost log names, the peer may never have held: so it is asked for a few times and then left.
        Raises Contradiction (rule 28) if the peer names another root of a log than ours at a size that we hold.
        """
        said = Continues.decode(content)
        if said.old_pair is None or said.own_root is None or said.peer_root is None:
            return
        pair = Pair(*said.old_pair) if own else Pair(said.old_pair[1], said.old_pair[0])
        if pair == self._setup.pair:
            return
        for outgoing, size, root in ((own, said.own_size, said.own_root), (not own, said.peer_size, said.peer_root)):
            log = Log(self._setup.line, pair, outgoing)
            held = self._reader.size(log)
            if held < size and self._setup.log_key(log) is not None:
                self._note(Lost(log, 0 if own else size, size))
            elif held >= size and not own and self._reader.root_at(log, size) != root:
                raise self._differs(content, log)

    def _note(self, lost: Lost) -> None:
        for place, known in enumerate(self._lost):
            if known.log == lost.log:
                self._lost[place] = replace(known, said=max(known.said, lost.said), named=max(known.named, lost.named))
                return
        self._lost.append(lost)

    def ask(self, moment: Moment) -> LostRequest | None:
        """The next request, if one is due."""
        due_at = self.due_at
        if due_at is None or moment.running < due_at:
            return None
        if self._asked_at is not None:  # the peer does not answer for this one: try another first
            self._put_off()
            if not self._lost:
                self._asked_at = None
                return None
        log = self._lost[0].log
        self._asked_at = moment.running
        self._take_up(log)
        assert self._edge is not None
        direction = self._setup.direction(log)
        return LostRequest(log.outgoing, direction.inc, direction.peer_inc, self._edge.size)

    def _put_off(self) -> None:
        lost = self._lost.pop(0)
        assert self._edge is not None
        left = lost.tries if self._edge.size < lost.said else lost.tries - 1
        if left:
            self._lost.append(replace(lost, tries=left))
        if not self._lost or self._lost[0].log != lost.log:
            self._edge = None

    def take(self, item: Recovered, moment: Moment) -> list[Record]:
        """Verify a piece that we asked for; give what to commit. Nothing for one that we did not ask for.

        Raises PeerError (rules 7, 8, 31, 39) for one that does not continue our copy, or does not lead to its author's head.
        """
        if not self._lost or self._edge is None or self._named(item) != self._lost[0].log:
            return []
        lost = self._lost[0]
        if item.start != self._edge.size:
            return []
        number, self._history = self._number, None
        try:
            edge, kept = self._follow(lost.log, self._edge, item, moment)
        except PeerError:
            self._number = number
            raise
        self._edge, self._asked_at = edge, None
        named = max(lost.named, item.size)  # the author may have signed more than anyone spoke of
        if edge.size < named:
            self._lost[0] = replace(lost, named=named, tries=TRIES)
        else:
            self._lost.pop(0)
            self._edge = None
        return kept

    def _follow(self, log: Log, edge: Edge, item: Recovered, moment: Moment) -> tuple[Edge, list[Record]]:
        direction, kept = self._setup.direction(log), list[EntryRecord]()
        for index, (encoded, blinding, body) in enumerate(item.entries, start=item.start):
            leaf = Leaf.decode(encoded)
            leaf.verify_direction(direction)
            if leaf.index != index:
                raise WrongParty("a recovered entry stands at another index", rule=31, index=leaf.index)
            if blinding is not None and body is not None:
                verify_commitment(leaf, blinding, body)
                target = self._target(leaf, log, item)
                kept.append(self._record(log, leaf, encoded, blinding, body, target, moment))
            else:
                kept.append(self._withheld(log, leaf, encoded, moment))
            edge = edge.append(leaf_hash(encoded))
        if edge.size > item.size:
            raise WrongParty("recovered entries go on above their head", rule=31, size=item.size)
        self._verify_head(log, item)
        verify_consistency(edge.size, edge.root(), item.size, item.root, item.path)
        head = self._heads.take(edge, CheckpointRecord(log, item.size, item.root, item.signature), item.path)
        return edge, [*kept, head, *self._released_now(log, kept)]

    def _released_now(self, log: Log, kept: Sequence[EntryRecord]) -> Iterator[ReleaseRecord]:
        """Answers in the other log that came back before what they answer: only the mark of what was issued again says what
        their officers signed about.
        """
        other = log._replace(outgoing=not log.outgoing)
        for target, index in islice(self._answered(other, kept), ANSWERS_MAX):
            record = self._reader.entry(other, index)
            if record is None or record.released or record.gone is not None or record.type != EntryType.NOTICE:
                continue
            if self._is_released(other, Leaf.decode(record.leaf), record.read(), target):
                yield ReleaseRecord(other, index)

    def _answered(self, other: Log, kept: Sequence[EntryRecord]) -> Iterator[tuple[Body, int]]:
        for entry in kept:
            target = None if entry.gone is not None else Body.decode(entry.body)
            if target is not None and target.again is not None:
                yield from ((target, index) for index in self._reader.referring(other, entry.index))

    def _is_released(self, log: Log, leaf: Leaf, body: Body, target: Body | None) -> bool:
        roster = self._setup.own_roster if log.outgoing else self._setup.peer_roster
        return is_released(leaf, body, target, roster, self._terms(log, leaf), leaf.time)

    def _take_up(self, log: Log) -> None:
        if self._edge is not None:
            return
        edge, self._number = Edge.EMPTY, 0
        for record in self._reader.entries(log, 0, self._reader.size(log)):
            edge = edge.append(leaf_hash(record.leaf))
            self._count(log, record.type, None if record.gone == WITHHELD else record.body)
        self._edge = edge

    def _count(self, log: Log, kind: int, encoded: bytes | None) -> int | None:
        """The number of the next entry of a log, as `incoming` counts; None also where it cannot be known.

        encoded: None for one whose body was withheld. It may have been issued again, under the number that it had: so after one
        that has a number, those of the rest of the log are not known. In the first pair nothing was issued again.
        """
        if encoded is None and log.pair != FIRST_PAIR:
            self._number = None if kind in NUMBERED else self._number
            return None
        body = Body.decode(encoded or UNKNOWN)
        if kind == EntryType.CONTINUES:
            self._number = Continues.decode(body.content).last_number
        if body.again is not None:
            return body.again.number
        if self._number is None or kind not in NUMBERED:
            return None
        self._number += 1
        return self._number

    def _target(self, leaf: Leaf, log: Log, item: Recovered) -> Body | None:
        """What an answer or a cancel refers to, as far as we hold it or it comes in the same piece.

        In the first pair of a line nothing was issued again, so there nobody needs it.
        """
        if leaf.re is None or log.pair == FIRST_PAIR:
            return None
        own = leaf.type == EntryType.CANCEL
        if own and item.start <= leaf.re < leaf.index:
            _, _, body = item.entries[leaf.re - item.start]
            return None if body is None else Body.decode(body)
        record = self._reader.entry(log if own else log._replace(outgoing=not log.outgoing), leaf.re)
        return None if record is None else Body.decode(record.body)

    def _record(
        self, log: Log, leaf: Leaf, encoded: bytes, blinding: bytes, body: bytes, target: Body | None, moment: Moment
    ) -> EntryRecord:
        read = Body.decode(body)
        return EntryRecord(
            log=log,
            index=leaf.index,
            type=leaf.type,
            leaf=encoded,
            body=body,
            blinding=blinding,
            sealed=None,
            epoch=0,
            time=moment.wall,
            re=leaf.re,
            number=self._count(log, leaf.type, body),
            nonce=read.nonce,
            released=self._is_released(log, leaf, read, target),
        )

    def _withheld(self, log: Log, leaf: Leaf, encoded: bytes, moment: Moment) -> EntryRecord:
        """An entry whose body the peer holds no more, by its own word: whether it was time for that, nobody can tell."""
        if leaf.type not in REMOVABLE:
            raise WrongParty("an entry of this type keeps its body", rule=31, index=leaf.index, type=leaf.type)
        return EntryRecord(
            log=log,
            index=leaf.index,
            type=leaf.type,
            leaf=encoded,
            body=UNKNOWN,
            blinding=b"",
            sealed=None,
            epoch=0,
            time=moment.wall,
            re=leaf.re,
            number=self._count(log, leaf.type, None),
            gone=WITHHELD,
        )

    def _terms(self, log: Log, leaf: Leaf) -> Terms:
        """The terms at the place of an entry of an earlier pair, as far as they are back."""
        if self._history is None or self._history[0] != log.pair:
            self._history = log.pair, journal_history(self._setup.at(log.pair), self._reader)
        return self._history[1].at(log.outgoing, leaf.index, leaf.peer_size)

    def _verify_head(self, log: Log, item: Recovered) -> None:
        key, direction = self._setup.log_key(log), self._setup.direction(log)
        assert key is not None
        name = origin(direction.line, direction.sender, direction.inc, direction.peer_inc)
        verify_ed25519(key, item.signature, Checkpoint(name, item.size, item.root).text())

    def _differs(self, content: bytes, log: Log) -> PeerError:
        contradiction = Contradiction(
            "the peer continues another log than the one that was kept here", rule=28, hint="call the other desk"
        )
        held = self._reader.latest_checkpoint(log)
        head = None if held is None else [held.size, held.root, held.signature]
        contradiction.evidence = encode([content, log.outgoing, head])
        return contradiction

    # --- what the peer lost

    def hear(self, request: LostRequest) -> None:
        """Remember what the peer asks for, its last request only: it is answered when the line has nothing else to say."""
        self._request = request

    def answer(self) -> Recovered | None:
        """A piece of what the peer asked for; None if it asks for nothing, or for what we hold no more of."""
        request, self._request = self._request, None
        log = None if request is None else self._named(request)
        if request is None or log is None or log.pair == self._setup.pair:
            return None
        held = self._heads.held(log)
        if held is None or request.start >= held.size:
            return None
        entries = tuple(self._piece(log, request.start, held.size))
        end = request.start + len(entries)

        def subtree(start: int, stop: int) -> bytes:
            return self._reader.subtree(log, start, stop)

        head, path = held.head, tuple(held.path_from(end, subtree))
        return Recovered(
            log.outgoing, request.inc, request.peer_inc, request.start, entries, head.size, head.root, head.signature, path
        )

    def _piece(self, log: Log, start: int, size: int) -> Iterator[RecoveredEntry]:
        room = PIECE_BYTES
        for record in self._reader.entries(log, start, min(size, start + FRAME_ENTRIES_MAX)):
            room -= len(record.leaf) + len(record.blinding) + len(record.body) + 16
            if room < 0 and record.index > start:
                return
            yield (record.leaf, record.blinding, record.body) if record.gone is None else (record.leaf, None, None)

    def _named(self, item: LostRequest | Recovered) -> Log:
        """The log that an item of the peer means. Both kinds say `own` of the log of whoever sends the item."""
        outgoing = not item.own
        pair = Pair(item.inc, item.peer_inc) if outgoing else Pair(item.peer_inc, item.inc)
        return Log(self._setup.line, pair, outgoing)
