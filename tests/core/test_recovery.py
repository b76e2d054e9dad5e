"""What a desk lost and its peer still holds: what is asked for, what is given, and which pieces are refused (rule 31).

Tokyo was put back to an old copy of its journal and is in its second incarnation; Beijing holds the whole of both logs. Both
sides are the real ones over real journals; what a dishonest Beijing would send instead is made from its honest pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.line_pair import LinePair, joined, party
from watchline.core.checkpoint import Checkpoint, origin
from watchline.core.encoding import decode
from watchline.core.entries import Body, Continues, EntryType, Leaf, Notice, Precedence
from watchline.core.frames import LostRequest, Recovered
from watchline.core.merkle import EMPTY_ROOT, consistency_path
from watchline.core.records import CheckpointRecord, EntryRecord, Log, Pair, Record, RemovalRecord
from watchline.core.recovery import ASK_AGAIN_SECONDS, TRIES, Recovery
from watchline.core.stubs import ARCHIVED, UNKNOWN, WITHHELD, stub
from watchline.core.succession import Succession
from watchline.errors import BadProof, BadSignature, Contradiction, PeerError, WrongParty
from watchline.journal.sqlite import open_journal


class Ends:
    """Both sides of a recovery, as their lines would build them."""

    def __init__(self, pair: LinePair) -> None:
        self.pair = pair
        self.old = pair.a.setup
        inc = self.old.pair.ours + 1
        new = party("Tokyo", inc)
        known = self.old.own_certificate
        self.ours = replace(self.old, own_keys=new.keys, own_certificate=new.certificate, past=(*self.old.past, known))
        theirs = pair.b.setup
        self.theirs = replace(theirs, peer_certificate=new.certificate, past=(*theirs.past, known))
        self.asks = Recovery(self.ours, pair.a.journal)
        self.gives = Recovery(self.theirs, pair.b.journal)
        self.says = Succession(self.theirs, pair.b.journal).continues()

    def learn(self) -> None:
        """Tokyo hears from leaf 0 of Beijing's new log how far the last pair came."""
        self.asks.compare(self.says.encode())

    def ask(self) -> LostRequest:
        request = self.asks.ask(self.pair.a.clock.moment())
        assert request is not None
        return request

    def piece(self) -> Recovered:
        """What Tokyo asks for next, as Beijing gives it."""
        self.gives.hear(self.ask())
        piece = self.gives.answer()
        assert piece is not None
        return piece

    def take(self, piece: Recovered) -> list[Record]:
        """What Tokyo would commit of a piece; the journal stays as it is."""
        return self.asks.take(piece, self.pair.a.clock.moment())

    def recover(self) -> list[EntryRecord]:
        """Take and commit everything that is lost; give the entries in the order in which they came."""
        found: list[Record] = []
        while self.asks.due_at is not None:
            records = self.take(self.piece())
            self.pair.a.journal.commit(records)
            found += records
        return [record for record in found if isinstance(record, EntryRecord)]


@contextmanager
def set_back() -> Iterator[LinePair]:
    """Tokyo has lost two entries of its own and two of Beijing's."""
    with joined() as made, TemporaryDirectory() as folder:
        made.a.backup(Path(folder) / "backup.db")
        made.connect()
        for number in range(2):
            made.a.say(f"ours {number}")
            made.b.say(f"theirs {number}")
            made.settle(1)
        made.a.restart_from(Path(folder) / "backup.db")
        yield made


@pytest.fixture(scope="module")
def pair() -> Iterator[LinePair]:
    """Both journals, which no test writes to."""
    with set_back() as made:
        yield made


@pytest.fixture
def ends(pair: LinePair) -> Ends:
    return Ends(pair)


def log_of(ends: Ends, *, outgoing: bool) -> Log:
    return Log(ends.ours.line, ends.old.pair, outgoing)


# --- what is asked for


def test_desk_asks_for_what_it_holds_less_of_and_gets_back_both_logs() -> None:
    with set_back() as made:
        ends = Ends(made)
        ends.learn()
        recovered = ends.recover()
        assert [(record.log.outgoing, record.index) for record in recovered] == [(False, 1), (False, 2), (True, 1), (True, 2)]
        for outgoing in (False, True):
            log = log_of(ends, outgoing=outgoing)
            kept, whole = made.a.journal, made.b.journal
            assert kept.root_at(log, 3) == whole.root_at(log._replace(outgoing=not outgoing), 3)
            head = kept.latest_checkpoint(log)
            assert head is not None
            assert head.size == 3
            kept.verify(log)
        assert ends.asks.ask(made.a.clock.moment()) is None


def test_desk_that_has_lost_nothing_asks_for_nothing(ends: Ends) -> None:
    held = Succession(ends.ours, ends.pair.a.journal).continues()
    same = replace(held, own_size=held.peer_size, own_root=held.peer_root, peer_size=held.own_size, peer_root=held.own_root)
    for said in (same, Continues(), Continues((1, 2), 9, bytes(32), 9, bytes(32), 1)):
        ends.asks.compare(said.encode())
    assert ends.asks.due_at is None
    assert ends.asks.ask(ends.pair.a.clock.moment()) is None


def test_what_two_first_leaves_of_the_peer_name_is_asked_for_once(ends: Ends) -> None:
    for _ in range(2):
        ends.learn()
    for _ in range(2):
        assert ends.take(ends.piece())
    assert ends.asks.due_at is None


def test_log_of_an_incarnation_whose_key_is_not_known_is_not_asked_for(ends: Ends) -> None:
    unknown = Recovery(replace(ends.ours, past=()), ends.pair.a.journal)
    unknown.compare(ends.says.encode())
    request = unknown.ask(ends.pair.a.clock.moment())
    assert request == LostRequest(False, 1, 1, 1)  # the peer's own; the key of our own log is not known
    ends.pair.clock.advance(ASK_AGAIN_SECONDS)
    assert unknown.ask(ends.pair.a.clock.moment()) == request


def test_what_is_not_answered_is_asked_for_again_after_the_other_log(ends: Ends) -> None:
    ends.learn()
    first = ends.ask()
    ends.pair.clock.advance(ASK_AGAIN_SECONDS - 0.1)
    assert ends.asks.ask(ends.pair.a.clock.moment()) is None
    ends.pair.clock.advance(0.1)
    second = ends.ask()
    ends.pair.clock.advance(ASK_AGAIN_SECONDS)
    assert [first.own, second.own, ends.ask().own] == [False, True, False]


def mirrored(said: Continues) -> Continues:
    """The same as a leaf of our own says it."""
    return replace(said, own_size=said.peer_size, own_root=said.peer_root, peer_size=said.own_size, peer_root=said.own_root)


def asked_for(ends: Ends, times: int) -> int:
    """How often something is asked for that is never answered."""
    asked = 0
    for _ in range(times):
        asked += ends.asks.ask(ends.pair.a.clock.moment()) is not None
        ends.pair.clock.advance(ASK_AGAIN_SECONDS)
    return asked


def test_what_only_our_own_lost_leaf_names_is_asked_for_a_few_times_and_left(ends: Ends) -> None:
    ends.asks.compare(mirrored(ends.says).encode(), own=True)
    assert asked_for(ends, 5 * TRIES) == 2 * TRIES
    assert ends.asks.due_at is None


def test_what_is_heard_of_after_all_else_was_given_up_is_asked_for(ends: Ends) -> None:
    ends.asks.compare(mirrored(ends.says).encode(), own=True)
    asked_for(ends, 5 * TRIES)
    ends.learn()
    assert asked_for(ends, 3) == 3


def test_what_the_peer_says_it_holds_is_asked_for_as_long_as_it_takes(ends: Ends) -> None:
    ends.asks.compare(mirrored(ends.says).encode(), own=True)
    ends.learn()
    ends.asks.compare(mirrored(ends.says).encode(), own=True)
    assert asked_for(ends, 5 * TRIES) == 5 * TRIES


@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize("held", [False, True])
def test_peer_that_continues_another_log_than_ours_is_contradicted_with_our_head(ends: Ends, ours: bool, held: bool) -> None:
    """Whichever log it misnames; where we hold nothing of that pair, there is no head to show."""
    if not held:
        said = Continues((4, 4), 0, EMPTY_ROOT, 0, EMPTY_ROOT, 0)
    else:
        said = replace(ends.says, own_size=1, peer_size=1)
        roots = [ends.pair.a.journal.root_at(log_of(ends, outgoing=outgoing), 1) for outgoing in (False, True)]
        said = replace(said, own_root=roots[0], peer_root=roots[1])
    ends.asks.compare(said.encode())  # as it is, it agrees
    lie = replace(said, peer_root=bytes(32)) if ours else replace(said, own_root=bytes(32))
    with pytest.raises(Contradiction) as refused:
        ends.asks.compare(lie.encode())
    assert refused.value.rule == 28
    content, outgoing, head = decode(refused.value.evidence)
    assert (content, outgoing) == (lie.encode(), ours)
    kept = ends.pair.a.journal.latest_checkpoint(log_of(ends, outgoing=ours))
    assert kept is not None
    assert head == ([kept.size, kept.root, kept.signature] if held else None)


def test_what_comes_back_of_a_later_pair_has_its_numbers_and_releases() -> None:
    """Two incarnations on: what was issued again, what was said then, and cancels of entries kept, lost and not yet said."""
    with joined() as made, TemporaryDirectory() as folder:
        made.cut()
        made.a.say("issued again")
        made.a.turn()
        made.a.reincarnate()
        made.connect()
        made.settle(1)
        kept = made.a.say("kept")
        made.settle(1)
        made.a.backup(Path(folder) / "backup.db")
        made.connect()
        made.settle(1)
        asked = made.b.say("a question")
        made.settle(1)
        made.a.cancel(kept.index)
        lost = made.a.say("lost")
        made.a.cancel(lost.index)
        made.a.say("an answer", re=asked.index)
        made.settle(1)
        made.a.restart_from(Path(folder) / "backup.db")
        ends = Ends(made)
        assert ends.old.pair == Pair(2, 1)
        ends.learn()
        recovered = [record for record in ends.recover() if record.log.outgoing]
        assert [record.re for record in recovered] == [kept.index, None, lost.index, asked.index]
        assert [record.number for record in recovered] == [3, 4, 5, 6]
        assert all(record.released for record in recovered)


def test_answer_that_comes_back_before_what_it_answers_is_released_when_that_is_back() -> None:
    """What it answers was issued again: only its mark says what the officer signed about. Both logs were lost (seed 10370)."""
    with joined() as made, TemporaryDirectory() as folder:
        made.a.backup(Path(folder) / "backup.db")
        made.cut()
        made.a.say("issued again")
        made.a.turn()
        made.a.reincarnate()
        made.connect()
        made.settle()
        (asked,) = (each for each in made.b.arrived if each.type == EntryType.NOTICE)
        made.b.say("an answer", re=asked.index)
        unsigned = made.b.say("nobody stands behind this one", re=asked.index, released=False)
        made.b.acknowledge(asked)
        made.settle(1)
        made.a.journal.close()
        made.a.journal = open_journal(Path(folder) / "backup.db", bytes(32), create=False)  # knows nothing of this pair
        ends = Ends(made)
        ends.learn()
        answer = next(record for record in ends.recover() if record.re == asked.index)
        assert (answer.log.outgoing, answer.released) == (False, False)
        back = made.a.journal.entry(answer.log, answer.index)
        assert back is not None
        assert back.released
        other = made.a.journal.entry(answer.log, unsigned.index)
        assert other is not None
        assert not other.released


# --- what is given


def test_request_for_the_present_pair_or_beyond_the_head_or_of_no_pair_is_not_answered(ends: Ends) -> None:
    present = ends.theirs.pair
    for request in (
        LostRequest(False, present.ours, present.theirs, 0),
        LostRequest(True, present.theirs, present.ours, 0),
        LostRequest(False, 1, 1, 3),
        LostRequest(True, 1, 1, 2**53 - 1),
        LostRequest(True, 7, 7, 0),
    ):
        ends.gives.hear(request)
        assert ends.gives.answer() is None
    assert present == Pair(1, 2)


def test_each_request_is_answered_once_and_only_the_last_one(ends: Ends) -> None:
    ends.gives.hear(LostRequest(True, 1, 1, 1))
    ends.gives.hear(LostRequest(False, 1, 1, 2))
    piece = ends.gives.answer()
    assert piece is not None
    assert (piece.own, piece.start, len(piece.entries)) == (True, 2, 1)
    assert ends.gives.answer() is None


# --- which pieces are refused


def reencoded(change: Callable[[Leaf], None]) -> Callable[[Recovered], Recovered]:
    """The first entry of a piece with another leaf."""

    def changed(piece: Recovered) -> Recovered:
        encoded, blinding, body = piece.entries[0]
        leaf = Leaf.decode(encoded)
        change(leaf)
        return replace(piece, entries=((leaf.encode(), blinding, body), *piece.entries[1:]))

    return changed


def of_another_line(leaf: Leaf) -> None:
    leaf.direction = leaf.direction._replace(line=bytes(32))


def of_the_other_direction(leaf: Leaf) -> None:
    leaf.direction = leaf.direction._replace(sender=leaf.direction.recipient, recipient=leaf.direction.sender)


def of_the_present_incarnation(leaf: Leaf) -> None:
    leaf.direction = leaf.direction._replace(peer_inc=2)


def of_another_index(leaf: Leaf) -> None:
    leaf.index += 1


def told_later(leaf: Leaf) -> None:
    leaf.time += 1


def other_words(piece: Recovered) -> Recovered:
    leaf, blinding, _ = piece.entries[0]
    words = Body(Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: "forged"}).encode()).encode()
    return replace(piece, entries=((leaf, blinding, words), *piece.entries[1:]))


def lower_head(piece: Recovered) -> Recovered:
    return replace(piece, size=piece.start + len(piece.entries) - 1)


FORGED: dict[str, tuple[Callable[[Recovered], Recovered], type[PeerError], int]] = {
    "of another line": (reencoded(of_another_line), WrongParty, 7),
    "of the other direction": (reencoded(of_the_other_direction), WrongParty, 7),
    "of the present incarnation": (reencoded(of_the_present_incarnation), WrongParty, 7),
    "whose leaf says another index": (reencoded(of_another_index), WrongParty, 31),
    "that leaves out an entry": (lambda piece: replace(piece, entries=piece.entries[1:]), WrongParty, 31),
    "with an entry twice": (lambda piece: replace(piece, entries=(piece.entries[0], *piece.entries)), WrongParty, 31),
    "with other words": (other_words, BadProof, 8),
    "that goes on above its head": (lower_head, WrongParty, 31),
    "with a head that was not signed": (lambda piece: replace(piece, size=piece.size + 1), BadSignature, 4),
    "with a root that was not signed": (lambda piece: replace(piece, root=bytes(32)), BadSignature, 4),
    "with another leaf under a true head": (reencoded(told_later), BadProof, 7),
    "with hashes left over": (lambda piece: replace(piece, path=(*piece.path, bytes(32))), BadProof, 7),
}


@pytest.mark.parametrize("own", [False, True], ids=["of our log", "of the peer's log"])
@pytest.mark.parametrize("name", FORGED)
def test_forged_piece_is_refused_and_the_true_one_still_taken(ends: Ends, name: str, own: bool) -> None:
    forge, error, rule = FORGED[name]
    ends.learn()
    piece = ends.piece()
    if not own:
        ends.pair.clock.advance(ASK_AGAIN_SECONDS)
        piece = ends.piece()
    assert piece.own is own
    assert len(piece.entries) == 2
    with pytest.raises(error) as refused:
        ends.take(forge(piece))
    assert refused.value.rule == rule
    assert [record.number for record in ends.take(piece) if isinstance(record, EntryRecord)] == [1, 2]


def test_head_of_the_log_under_the_key_of_another_incarnation_is_refused(ends: Ends) -> None:
    """Beijing cannot sign for a lost log of Tokyo, nor can Tokyo's next incarnation."""
    ends.learn()
    ends.ask()
    ends.pair.clock.advance(ASK_AGAIN_SECONDS)
    piece = ends.piece()
    assert not piece.own
    text = Checkpoint(origin(ends.ours.line, ends.ours.own_id, 1, 1), piece.size, piece.root).text()
    for keys in (party("Beijing").keys, party("Tokyo", 2).keys):
        with pytest.raises(BadSignature):
            ends.take(replace(piece, signature=keys.log.sign(text)))
    assert ends.take(replace(piece, signature=party("Tokyo").keys.log.sign(text)))


def test_piece_that_was_not_asked_for_is_dropped(ends: Ends) -> None:
    genuine = Ends(ends.pair)
    genuine.learn()
    piece = genuine.piece()
    assert ends.take(piece) == []  # nothing is lost as far as Tokyo knows
    ends.learn()
    assert ends.take(piece) == []  # nothing was asked for yet
    ends.ask()
    assert ends.take(replace(piece, own=not piece.own)) == []  # of the other log
    assert ends.take(replace(piece, inc=2)) == []  # of another pair
    assert ends.take(replace(piece, start=0)) == []  # from another place
    assert ends.take(replace(piece, start=2, entries=piece.entries[1:])) == []
    assert ends.take(piece)
    assert ends.take(piece) == []  # it came already


def test_piece_below_the_head_is_kept_without_a_checkpoint_and_the_rest_is_asked_for(ends: Ends) -> None:
    ends.learn()
    ends.gives.hear(ends.ask())
    whole = ends.gives.answer()
    assert whole is not None
    journal = ends.pair.b.journal
    log = ends.theirs.at(Pair(1, 1)).outgoing_log
    head = journal.checkpoint_at(log, 2)
    assert head is not None
    first = replace(whole, entries=whole.entries[:1], size=2, root=head.root, signature=head.signature, path=())
    assert [type(record) for record in ends.take(first)] == [EntryRecord, CheckpointRecord]
    rest = ends.piece()
    assert rest.start == 2
    assert [type(record) for record in ends.take(rest)] == [EntryRecord, CheckpointRecord]


# --- a part of a lost log


def less(ends: Ends) -> Continues:
    """What Beijing said before it got back more: two entries of its own, and the one of ours that we hold."""
    root = ends.pair.a.journal.root_at(log_of(ends, outgoing=True), 1)
    return replace(ends.says, own_size=2, peer_size=1, peer_root=root)


def test_what_the_head_of_a_piece_shows_beyond_what_was_named_is_asked_for_too(ends: Ends) -> None:
    """Seed 13994: the peer had got back more than it named; the rest stayed there."""
    ends.asks.compare(less(ends).encode())
    assert ends.take(part_of(ends.piece(), ends.pair, log_of(ends, outgoing=True), 2))
    rest = ends.piece()
    assert (rest.start, len(rest.entries)) == (2, 1)
    assert ends.take(rest)
    assert ends.asks.due_at is None


def test_what_the_head_of_a_piece_shows_and_the_peer_has_not_is_asked_for_a_few_times_and_left(ends: Ends) -> None:
    ends.asks.compare(less(ends).encode())
    ends.take(part_of(ends.piece(), ends.pair, log_of(ends, outgoing=True), 2))
    assert asked_for(ends, 5 * TRIES) == TRIES
    assert ends.asks.due_at is None


@pytest.mark.slow
@pytest.mark.parametrize("own", [False, True])
def test_larger_one_of_two_sizes_that_are_named_of_a_log_is_asked_for(own: bool) -> None:
    """Seed 13994 again: our own lost leaf named more than a leaf of the peer; and a leaf of the peer than another one."""
    with set_back() as made:
        ends = Ends(made)
        ends.asks.compare(less(ends).encode())
        ends.asks.compare((mirrored(ends.says) if own else ends.says).encode(), own=own)
        ends.asks.compare(less(ends).encode())
        whole = ends.piece()
        head = made.b.journal.checkpoint_at(log_of(ends, outgoing=True), 2)
        assert head is not None
        piece = replace(whole, entries=whole.entries[:1], size=2, root=head.root, signature=head.signature, path=())
        made.a.journal.commit(ends.take(piece))
        assert asked_for(ends, 5 * TRIES) == (2 * TRIES if own else 5 * TRIES)


def part_of(piece: Recovered, pair: LinePair, log: Log, stop: int) -> Recovered:
    """The same answer of Beijing, with the entries below `stop` only."""
    path = consistency_path(stop, piece.size, lambda start, end: pair.b.journal.subtree(log, start, end))
    return replace(piece, entries=piece.entries[: stop - piece.start], path=tuple(path))


def test_part_of_a_lost_log_is_given_back_as_far_as_it_came_when_the_other_desk_has_lost_it_too(tmp_path: Path) -> None:
    with joined() as made:
        for side, name in ((made.a, "a.db"), (made.b, "b.db")):
            side.backup(tmp_path / name)
        made.connect()
        for number in range(4):
            made.b.say(f"theirs {number}" + 40_000 * ".")  # two of them fill a piece
            made.settle(1)
        made.a.restart_from(tmp_path / "a.db")
        ends, log = Ends(made), Log(made.a.setup.line, made.a.setup.pair, outgoing=False)
        ends.learn()
        for _ in range(2):
            piece = ends.piece()
            stop = min(4, piece.start + len(piece.entries))
            made.a.journal.commit(ends.take(part_of(piece, made, log._replace(outgoing=True), stop)))
        assert made.a.journal.size(log) == 4  # of five

        made.b.restart_from(tmp_path / "b.db")
        gives, asks = Recovery(ends.ours, made.a.journal), Recovery(ends.theirs, made.b.journal)
        asks.compare(Succession(ends.ours, made.a.journal).continues().encode())
        for start, stop in ((1, 3), (3, 4)):
            request = asks.ask(made.b.clock.moment())
            assert request is not None
            gives.hear(request)
            given = gives.answer()
            assert given is not None
            assert (given.start, given.start + len(given.entries), given.size) == (start, stop, 5)
            made.b.journal.commit(asks.take(given, made.b.clock.moment()))
        assert made.b.journal.root_at(log._replace(outgoing=True), 4) == made.a.journal.root_at(log, 4)


# --- bodies that have gone at the peer


def remove(pair: LinePair, *indexes: int, outgoing: bool) -> None:
    """Beijing archives some of its entries of the old pair."""
    journal = pair.b.journal
    log = pair.b.setup.outgoing_log if outgoing else pair.b.setup.incoming_log
    records = [record for index in indexes if (record := journal.entry(log, index)) is not None]
    journal.commit([RemovalRecord(log, ARCHIVED, tuple((record.index, stub(record)) for record in records))])


def test_body_that_went_at_the_peer_comes_back_as_a_stub_and_the_tree_is_whole() -> None:
    with set_back() as made:
        remove(made, 1, outgoing=True)
        remove(made, 2, outgoing=False)
        ends = Ends(made)
        ends.learn()
        recovered = ends.recover()
        assert ends.asks.due_at is None  # it asks no more for what is nowhere any more
        found = {(record.log.outgoing, record.index): record for record in recovered}
        assert [place for place, record in found.items() if record.gone == WITHHELD] == [(False, 1), (True, 2)]
        assert [found[place].number for place in sorted(found)] == [1, 2, 1, 2]
        for place in ((False, 1), (True, 2)):
            assert (found[place].body, found[place].blinding, found[place].released) == (UNKNOWN, b"", False)
        for outgoing in (False, True):
            log = log_of(ends, outgoing=outgoing)
            assert made.a.journal.root_at(log, 3) == made.b.journal.root_at(log._replace(outgoing=not outgoing), 3)
            made.a.journal.verify(log)
        assert made.a.journal.entry(log_of(ends, outgoing=True), 2) == found[True, 2]


def test_what_came_back_without_its_body_is_given_on_without_it() -> None:
    with set_back() as made:
        remove(made, 1, outgoing=True)
        ends = Ends(made)
        ends.learn()
        ends.recover()
        log = log_of(ends, outgoing=False)
        given = Recovery(ends.ours, made.a.journal)
        given.hear(LostRequest(True, log.pair.theirs, log.pair.ours, 1))
        piece = given.answer()
        assert piece is not None
        assert [body is None for _, _, body in piece.entries] == [True, False]


def test_dishonest_peer_cannot_withhold_what_the_line_is_judged_by(tmp_path: Path) -> None:
    with joined() as made:
        made.a.backup(tmp_path / "backup.db")
        made.connect()
        made.settle(1)
        made.b.confirm("ours")
        made.settle(1)
        made.a.restart_from(tmp_path / "backup.db")
        ends = Ends(made)
        ends.learn()
        piece = ends.piece()
        withheld = replace(piece, entries=tuple((leaf, None, None) for leaf, _, _ in piece.entries))
        with pytest.raises(WrongParty, match="keeps its body") as refused:
            ends.take(withheld)
        assert refused.value.rule == 31
        assert ends.take(piece)


def test_body_that_a_dishonest_peer_withholds_too_early_is_kept_as_gone_by_its_word(ends: Ends) -> None:
    ends.learn()
    piece = ends.piece()
    withheld = replace(piece, entries=tuple((leaf, None, None) for leaf, _, _ in piece.entries))
    records = ends.take(withheld)
    assert {record.gone for record in records if isinstance(record, EntryRecord)} == {WITHHELD}
    assert ends.asks.due_at is not None  # the other log is next; this one is not asked for again
    assert ends.ask().own


def test_numbers_behind_a_withheld_one_of_a_later_pair_are_not_known() -> None:
    with joined() as made, TemporaryDirectory() as folder:
        made.a.reincarnate()
        made.connect()
        made.settle(1)
        made.a.backup(Path(folder) / "backup.db")
        made.connect()
        made.settle(1)
        said = [made.a.say(f"number {number}") for number in range(3)]
        made.a.cancel(said[0].index)
        made.settle(1)
        remove(made, said[1].index, outgoing=False)
        made.a.restart_from(Path(folder) / "backup.db")
        ends = Ends(made)
        ends.learn()
        recovered = [record for record in ends.recover() if record.log.outgoing]
        assert [record.number for record in recovered] == [1, None, None, None]
