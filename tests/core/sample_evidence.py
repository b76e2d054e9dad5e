"""A talk between the sample desks A and B, with everything that two nodes would have signed about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from hashlib import sha256

from tests.core.sample_desks import BEGIN, accept, desk_keys, identity_key, invite, officer_key, paired, seeded
from watchline.core.checkpoint import Checkpoint, cosignature_message, origin
from watchline.core.entries import (
    Body,
    Continues,
    Direction,
    EntryType,
    Leaf,
    Notice,
    Place,
    Precedence,
    Response,
    commitment,
    first_place,
)
from watchline.core.evidence_parts import Bundle, Head, LogName, ShownEntry, ShownLog, ShownStatus, hidden_spans
from watchline.core.keys import DeskKeys
from watchline.core.merkle import leaf_hash, root_of
from watchline.core.pairing import complete_invitation
from watchline.core.pairing_shown import shown_parts
from watchline.core.persons import assertion_challenge, sign_assertion
from watchline.core.release import asserted
from watchline.core.statements import StatementType, Status, sign_statement

DESK_OF = {"a": "A", "b": "B"}
TIME = BEGIN + 1_000


def other(side: str) -> str:
    return "b" if side == "a" else "a"


class Talk:
    """Both logs of one line as they grow. Indexes are those of the author's log."""

    def __init__(
        self, line: bytes | None = None, files: tuple[bytes, bytes, bytes] | None = None, incs: tuple[int, int] = (1, 1)
    ) -> None:
        self.files = files or paired()[0]
        self.line = line or paired()[1].line
        self.incs = {"a": incs[0], "b": incs[1]}
        self.entries: dict[str, list[ShownEntry]] = {"a": [], "b": []}
        for side in "ab":
            self.add(side, EntryType.CONTINUES, Body(Continues().encode()))

    @property
    def pairing(self) -> tuple[bytes, bytes, bytes]:
        """What evidence shows of the three files."""
        return shown_parts(self.files)

    def name(self, side: str) -> LogName:
        return LogName(side, self.incs[side], self.incs[other(side)])

    def sender(self, side: str) -> bytes:
        return identity_key(DESK_OF[side]).identity.id

    def direction(self, side: str) -> Direction:
        return Direction(self.line, self.sender(side), self.sender(other(side)), self.incs[side], self.incs[other(side)])

    def keys(self, side: str) -> DeskKeys:
        return desk_keys(DESK_OF[side], self.incs[side])

    def hashes(self, side: str) -> list[bytes]:
        return [leaf_hash(entry.leaf) for entry in self.entries[side]]

    def root(self, side: str, size: int) -> bytes:
        return root_of(self.hashes(side)[:size])

    def add(self, side: str, kind: int, body: Body, re: int | None = None) -> int:
        index, peer_size = len(self.entries[side]), len(self.entries[other(side)])
        encoded = body.encode()
        blinding = sha256(b"blinding" + side.encode() + index.to_bytes(4, "big")).digest()
        committed = commitment(blinding, encoded)
        peer_root = self.root(other(side), peer_size)
        leaf = Leaf(self.direction(side), index, int(kind), TIME + index, committed, peer_size, peer_root, re)
        self.entries[side].append(ShownEntry(index, leaf.encode(), blinding, encoded))
        return index

    def release(
        self, side: str, content: bytes, kind: int = EntryType.NOTICE, meant: Place | None = None, number: int = 1
    ) -> Body:
        """A body that an officer stands for. meant: what an answer or a cancel names."""
        purpose, what = asserted(kind, Body(content), meant)
        pair = b"" if set(self.incs.values()) == {1} else repr(self.incs).encode()
        nonce = sha256(b"nonce" + side.encode() + len(self.entries[side]).to_bytes(4, "big") + pair).digest()[:16]
        challenge = assertion_challenge(purpose, self.line, self.sender(side), nonce, what)
        assertion = sign_assertion(number, officer_key(DESK_OF[side], number), challenge)
        return Body(content, nonce, (assertion.to_value(),))

    def say(
        self,
        side: str,
        form: str = "statement",
        precedence: Precedence = Precedence.FLASH,
        *,
        exercise: bool = False,
        released: bool = True,
        re: int | None = None,
    ) -> int:
        content = Notice(form, 1, precedence, exercise, "ja", {1: "気球", 2: [b"\x01", {3: True}]}).encode()
        meant = None if re is None else self.place(other(side), re)
        return self.add(side, EntryType.NOTICE, self.release(side, content, meant=meant) if released else Body(content), re)

    def place(self, side: str, index: int) -> Place:
        """Where an entry stood first."""
        body = self.entries[side][index].body
        return first_place(self.direction(side), index, None if body is None else Body.decode(body))

    def respond(self, side: str, index: int, kind: EntryType = EntryType.ACKNOWLEDGE, about: int | None = None) -> int:
        """An officer acknowledges or declines entry `index` of the other log; about: the entry that is really signed for."""
        peer = self.direction(other(side))
        meant = Leaf.decode(self.entries[other(side)][index if about is None else about].leaf)
        content = Response(kind, peer.inc, peer.peer_inc, meant.index, meant.commitment, "zh-Hans").encode()
        return self.add(side, kind, self.release(side, content, kind), index)

    def head(self, side: str, size: int, *, receipt: bool = True, time: int = TIME + 500) -> Head:
        log, custody = self.keys(side).log, self.keys(other(side)).custody
        line, sender, _, inc, peer_inc = self.direction(side)
        root = self.root(side, size)
        text = Checkpoint(origin(line, sender, inc, peer_inc), size, root).text()
        return Head(size, root, log.sign(text), (time, custody.sign(cosignature_message(time, text))) if receipt else None)

    def status(self, side: str) -> ShownStatus:
        own, held = len(self.entries[side]), len(self.entries[other(side)])
        roots = self.root(side, own), self.root(other(side), held)
        status = Status(TIME + 900, own, roots[0], held, roots[1], 1, 32, 1, 1, (), 0, 0, (1, 1, 0), bytes(16), None)
        made = sign_statement(StatementType.STATUS, self.direction(side), status.values(), self.keys(side).statement)
        assert made.ml is not None
        return ShownStatus(self.name(side), made.payload, made.ed, made.ml)

    def log(
        self,
        side: str,
        shown: Collection[int] | None = None,
        *,
        closed: Collection[int] = (),
        heads: tuple[Head, ...] | None = None,
        sizes: Collection[int] = (),
    ) -> ShownLog:
        """shown: None for all entries. closed: those of them without content. sizes: that statuses name."""
        hashes = self.hashes(side)
        heads = heads if heads is not None else (self.head(side, len(hashes)),)
        indexes = sorted(range(len(hashes)) if shown is None else shown)
        entries = tuple(self._show(side, index, closed) for index in indexes)
        spans = hidden_spans(indexes, sorted({head.size for head in heads} | set(sizes)))
        hidden = tuple((start, end, root_of(hashes[start:end])) for start, end in spans)
        return ShownLog(self.name(side), entries, heads, hidden)

    def _show(self, side: str, index: int, closed: Collection[int]) -> ShownEntry:
        entry = self.entries[side][index]
        return ShownEntry(index, entry.leaf, None, None) if index in closed else entry

    def bundle(
        self,
        shown: Mapping[str, Collection[int]] | None = None,
        *,
        statuses: str = "ab",
        closed: Mapping[str, Collection[int]] | None = None,
        make: Callable[[str], tuple[Head, ...] | None] = lambda _: None,
    ) -> Bundle:
        logs = tuple(
            self.log(
                side,
                None if shown is None else shown[side],
                closed=(closed or {}).get(side, ()),
                heads=make(side),
                sizes=[len(self.entries[side])] if statuses else (),
            )
            for side in "ab"
            if shown is None or side in shown
        )
        return Bundle(self.pairing, (), logs, tuple(self.status(side) for side in statuses))


def sample_talk(talk: Talk | None = None) -> Talk:
    """A notice acknowledged and answered, an exercise declined, a notice not released, a test by a machine."""
    talk = talk or Talk()
    first = talk.say("a", "airspace-object")
    talk.respond("b", first)
    talk.say("b", "statement", Precedence.PRIORITY, re=first)
    talk.respond("b", talk.say("a", "live-fire-closure", exercise=True), EntryType.DECLINE)
    talk.say("a", "statement", released=False)
    talk.say("a", "test", Precedence.ROUTINE, released=False)
    return talk


@cache
def another_line() -> Talk:
    """The same two desks on a second line, paired with the same certificates, saying the same."""
    file1, invitation = invite(label="2")
    file2, _ = accept(file1, label="2")
    file3, ours = complete_invitation(invitation, file2, identity_key("A"), seeded("complete 2"))
    return sample_talk(Talk(ours.line, (file1, file2, file3)))
