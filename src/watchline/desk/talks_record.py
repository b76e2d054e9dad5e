"""The record of the talks on one line: its moves, read from the journal once, and afterwards only what was added to it.

A move counts if people of its author released it, and its form is one that this desk knows and that holds. Of an entry that was
issued again the first copy is the move, under the name of the place where it stood first: a copy has seen nothing anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf
from typing import NamedTuple

from watchline.catalogue import Catalogue
from watchline.core.encoding import Value, decode
from watchline.core.entries import Again, Body, Continues, EntryType, Leaf, Notice, Response
from watchline.core.records import EntryRecord, Log, Pair
from watchline.desk.talks_judged import Judged
from watchline.errors import FieldError, PeerError
from watchline.journal import Journal
from watchline.talks.moves import DECLINE, KINDS, STATEMENT, WITHDRAWAL, Move, Name, Record, reference
from watchline.talks.rounds import FIELDS

SAID_BY_PEOPLE = frozenset({EntryType.NOTICE, EntryType.DECLINE, EntryType.CANCEL})
DECLINE_OF, DECLINE_REASON = 1, 2  # fields of the form decline
WITHDRAWAL_OF = 1  # field of the form correction
_ANYWHERE = frozenset({STATEMENT, DECLINE, WITHDRAWAL})  # kinds of moves that are said outside talks as well
_NOTHING = Record({})
_NEVER: tuple[int, float] = (2**53, inf)


class _Copy(NamedTuple):
    """An entry as it stands at one place. first: where it says that it stood first; the place itself if it was not issued
    again. move: None for an entry that talks are not made of.
    """

    place: Name
    first: Name
    nonce: bytes
    number: int | None
    move: Move | None

    @property
    def pair(self) -> int:
        """As `Move.pair`."""
        return self.place.inc + self.place.peer_inc


class LineTalks:
    """The moves of one line that a journal holds. own_side: 0 if this desk has the lower id, else 1."""

    def __init__(self, journal: Journal, catalogue: Catalogue, line: bytes, own_side: int) -> None:
        self.line = line
        self.own_side = own_side
        self.record: Record = _NOTHING
        self.judged = Judged(self.record, catalogue)
        self._journal = journal
        self._catalogue = catalogue
        self._read: dict[Log, int] = {}
        self._is_behind = False  # whether something was read that is not in the record yet
        self._copies: list[_Copy] = []
        self._newest: dict[Name, Name] = {}
        self._numbers: dict[Name, int | None] = {}
        self._begins: dict[tuple[int, int, int], Continues] = {}  # by author's side and the pair before, as its author names it

    def read(self, entries_max: int | None = None) -> bool:
        """Read what was added to the journal; whether all is read. entries_max: read no more than so many, None for all.

        The record and what follows from it change once all is read.
        """
        room = entries_max
        whole = True
        for log in self._journal.logs(self.line):
            start, size = self._read.get(log, 0), self._journal.size(log)
            stop = size if room is None else min(size, start + room)
            whole &= stop == size
            if stop > start:
                self._read_log(log, start, stop)
                self._read[log] = stop
                self._is_behind = True
            room = None if room is None else room - (stop - start)
        if whole and self._is_behind:
            self._build()
        return whole

    def _read_log(self, log: Log, start: int, stop: int) -> None:
        for record in self._journal.entries(log, start, stop):
            if record.type in SAID_BY_PEOPLE and record.released:
                try:
                    copy = self._copy(record, Body.decode(record.body))
                except PeerError:
                    continue  # nobody who keeps to the forms wrote it, or it is gone
                if copy is not None:
                    self._copies.append(copy)
            elif record.type == EntryType.CONTINUES:
                self._note_begin(record)

    def _note_begin(self, record: EntryRecord) -> None:
        """Learn from entry 0 of a log how far the pair before had come, for its author."""
        said = Continues.decode(Body.decode(record.body).content)
        if said.old_pair is not None:
            side = self.side_of(record.log)
            inc, peer_inc = said.old_pair
            self._begins[side, inc, peer_inc] = said

    def _copy(self, record: EntryRecord, body: Body) -> _Copy | None:
        if body.nonce is None or not body.assertions:
            return None
        place = self.place_of(record)
        first = place if body.again is None else Name(place.side, *body.again[:3])
        move = self._move(record, body, place, first)
        if move is None and first == place:
            return None
        return _Copy(place, first, body.nonce, record.number, move)

    def _move(self, record: EntryRecord, body: Body, place: Name, first: Name) -> Move | None:
        if record.type == EntryType.DECLINE:
            return self._decline(record, body, place, first)
        notice = Notice.decode(body.content)
        form = self._catalogue.forms.get(notice.form)
        if notice.form not in KINDS or form is None or form.version != notice.version:
            return None
        if record.type == EntryType.CANCEL and notice.form != WITHDRAWAL:
            return None
        try:
            fields = form.check(notice.fields)
        except FieldError:
            return None
        seen, time = _claims(record)
        move = Move(
            first, notice.form, fields, sum(record.log.pair), record.index, seen, time, body.digest,
            notice.exercise, notice.language, _answered(record, body.again, place),
        )  # fmt: skip
        if notice.form == WITHDRAWAL:
            of = reference(move, fields[WITHDRAWAL_OF])
            return replace(move, of=of) if of.side == place.side else None
        if notice.form == DECLINE:
            reason = fields.get(DECLINE_REASON)
            said: dict[int, Value] = {} if reason is None else {1: reason}
            return replace(move, fields=said, of=reference(move, fields[DECLINE_OF]))
        return move

    def _decline(self, record: EntryRecord, body: Body, place: Name, first: Name) -> Move | None:
        response = Response.decode(body.content)
        of = Name(1 - place.side, response.inc, response.peer_inc, response.index)
        meant = self._journal.entry(self.log_of(of), of.at)
        if meant is not None and not response.names(record.type, Leaf.decode(meant.leaf)):
            return None
        seen, time = _claims(record)
        said: dict[int, Value] = {} if response.reason is None else {1: response.reason}
        return Move(
            first, DECLINE, said, sum(record.log.pair), record.index, seen, time, body.digest,
            language=response.language, of=of,
        )  # fmt: skip

    def _build(self) -> None:
        """Make the record of all copies, whatever the order in which they came.

        Copies of one entry have its release nonce in common. Where two entries claim one first place, as after two machines
        ran from one copy of a home, the later one goes by its own.
        """
        copies: dict[tuple[int, bytes], list[_Copy]] = {}
        for copy in self._copies:
            copies.setdefault((copy.place.side, copy.nonce), []).append(copy)
        entries = sorted((sorted(each, key=_order) for each in copies.values()), key=lambda each: _order(each[0]))
        aliases: dict[Name, Name] = {}
        moves: list[Move] = []
        self._newest, self._numbers = {}, {}
        for same in entries:
            name = same[0].first if same[0].first not in self._newest else same[0].place
            self._newest[name], self._numbers[name] = same[-1].place, same[0].number
            aliases |= {copy.place: name for copy in same if copy.place != name}
            move = same[0].move
            if move is not None:
                arrived = self._arrived(same)
                moves.append(move if (name, arrived) == (move.name, None) else replace(move, name=name, arrived=arrived))
        named = [replace(each, of=aliases[each.of]) if each.of in aliases else each for each in _one_by_one(moves)]
        ends = self._ends(named)
        kept = {each.name: each for each in named if each.place < ends[each.side]}
        self.record = Record(kept, aliases, (self._horizon(0, ends), self._horizon(1, ends)))
        self.judged = Judged(self.record, self._catalogue)
        self._is_behind = False

    def _arrived(self, same: Sequence[_Copy]) -> tuple[int, int] | None:
        """Which copy of an entry the other desk got first: None for the one that stands in its first place."""
        for copy in same:
            if self._came(copy.place) > copy.place.at:
                return None if copy is same[0] else (copy.pair, copy.place.at)
        return None

    def _came(self, place: Name) -> float:
        """How far the other desk had the log of this place when that was over, by its own word; without end while it is not."""
        side = 1 - place.side
        said = self._begins.get((side, place.peer_inc, place.inc))
        if said is not None:
            return said.peer_size
        later = any(begun == side and inc + peer_inc >= place.inc + place.peer_inc for begun, inc, peer_inc in self._begins)
        return 0 if later else inf

    def _ends(self, moves: Sequence[Move]) -> tuple[tuple[int, float], tuple[int, float]]:
        """Up to which place of each side nothing is missing that the peer says there is, and nothing rests on what is."""
        ends: list[tuple[int, float]] = [_NEVER, _NEVER]
        peer = 1 - self.own_side
        for (side, inc, peer_inc), said in self._begins.items():
            logs = (Name(side, inc, peer_inc, said.own_size), Name(1 - side, peer_inc, inc, said.peer_size))
            for named in logs if side == peer else ():
                held = self._read.get(self.log_of(named), 0)
                if held < named.at:
                    ends[named.side] = min(ends[named.side], (inc + peer_inc, held))
        while any(end != _NEVER for end in ends):
            before = list(ends)
            for move in moves:
                if (move.pair, move.seen) > ends[1 - move.side]:
                    ends[move.side] = min(ends[move.side], move.place)
            if ends == before:
                break
        return ends[0], ends[1]

    def _horizon(self, side: int, ends: Sequence[tuple[int, float]]) -> tuple[int, int, int] | None:
        """The newest entry of one side before its end, as (pair, index, seen)."""
        for log, size in sorted(self._read.items(), key=lambda each: sum(each[0].pair), reverse=True):
            if self.side_of(log) != side or (pair := sum(log.pair)) > ends[side][0]:
                continue
            stop = size if pair < ends[side][0] else int(min(size, ends[side][1]))
            for leaf, _, _ in self._journal.leaves(log, stop - 1, stop) if stop else ():
                return pair, stop - 1, Leaf.decode(leaf).peer_size
        return None

    # --- what must stay

    def places(self) -> set[tuple[Log, int]]:
        """Where the entries stand that talks are made of, each copy: without their bodies the two desks would no longer find
        the same. Statements outside talks are none of them, nor what declines or withdraws something else.
        """
        moves = self.record.moves
        found = {name for name, move in moves.items() if move.kind not in _ANYWHERE or _is_under(move)}
        found |= {name for name, move in moves.items() if move.of is not None and self.record.canonical(move.of) in found}
        return {(self.log_of(copy.place), copy.place.at) for copy in self._copies if self.record.canonical(copy.place) in found}

    # --- names

    def side_of(self, log: Log) -> int:
        """Whose log it is: 0 for the desk with the lower id."""
        return self.own_side if log.outgoing else 1 - self.own_side

    def log_of(self, name: Name) -> Log:
        """The log that a name is in."""
        own = name.side == self.own_side
        return Log(self.line, Pair(name.inc, name.peer_inc) if own else Pair(name.peer_inc, name.inc), own)

    def place_of(self, record: EntryRecord) -> Name:
        """The place of this copy of an entry, as its author names it."""
        inc, peer_inc = record.log.pair if record.log.outgoing else record.log.pair[::-1]
        return Name(self.side_of(record.log), inc, peer_inc, record.index)

    def name_of(self, record: EntryRecord) -> Name:
        """What an entry is called at both desks."""
        return self.record.canonical(self.place_of(record))

    def entry(self, name: Name) -> EntryRecord | None:
        """The newest copy of an entry; None if it is not held here."""
        place = self._newest.get(name, name)
        return self._journal.entry(self.log_of(place), place.at)

    def id_of(self, name: Name) -> str:
        """What people call an entry, a move or not: `ours:7`, `theirs:7`."""
        side = "ours" if name.side == self.own_side else "theirs"
        number = self._numbers.get(name)
        if number is None:
            held = self.entry(name)
            number = None if held is None else held.number
        return f"{side}:{number}" if number is not None else f"{side}:@{name.at}"


def _is_under(move: Move) -> bool:
    """Whether a statement says that it belongs to a round."""
    return move.kind == STATEMENT and any(number in move.fields for number in FIELDS[STATEMENT].values())


def _order(copy: _Copy) -> tuple[int, int, int]:
    return copy.pair, copy.place.at, copy.place.side


def _claims(record: EntryRecord) -> tuple[int, int]:
    """How much of the other log its author had, and the author's time. The leaf was checked when it came into the journal."""
    leaf = decode(record.leaf)
    return leaf[10], leaf[8]


def _one_by_one(moves: Iterable[Move]) -> list[Move]:
    """The moves, given in the order of their places: none reached the other desk before one that its side made earlier."""
    reached = [(0, 0), (0, 0)]
    found = []
    for move in moves:
        late = reached[move.side] > move.reached
        found.append(replace(move, arrived=reached[move.side]) if late else move)
        reached[move.side] = max(reached[move.side], move.reached)
    return found


def _answered(record: EntryRecord, again: Again | None, place: Name) -> Name | None:
    """What the leaf of an answer refers to; None for what answers nothing."""
    if record.re is not None:
        return Name(1 - place.side, place.peer_inc, place.inc, record.re)
    return None if again is None or again.meant is None else Name(1 - place.side, *again.meant)
