"""Certificates, marks and people's words at the change of incarnations: what a line takes, and what not (rules 28-30)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import pytest

from tests.dishonest import goes_on, only
from tests.line_pair import LINE, START, LinePair, Party, Side, joined, party
from watchline.core.certificate import Certificate, SignedCertificate, issue
from watchline.core.changeover import REMIND_SECONDS
from watchline.core.entries import Again, Body, Confirmation, Continues, EntryType
from watchline.core.frames import Item, LostRequest, OfferedCertificate, Recovered, Stated
from watchline.core.line import Line, Phase
from watchline.core.merkle import Edge
from watchline.core.outgoing import Draft
from watchline.core.persons import assertion_challenge, sign_assertion
from watchline.core.records import CheckpointRecord, Log, Pair
from watchline.core.release import verify_release
from watchline.core.statements import StatementType, sign_statement
from watchline.errors import WrongParty


@pytest.fixture
def pair() -> Iterator[LinePair]:
    """Tokyo has said one thing and is in its second incarnation, and Beijing knows."""
    with joined() as made:
        made.a.say("one")
        made.settle(1)
        made.a.reincarnate()
        made.settle(2)
        assert made.b.setup.pair == Pair(1, 2)
        yield made


def renewed(name: str, inc: int, serial: int, *, line: bytes | None = None, until: int = START + 86_400) -> SignedCertificate:
    """Another certificate of the same incarnation: the same keys, another serial, line or end."""
    desk = party(name, inc)
    return issue(desk.identity, Certificate(desk.identity.identity.id, line, serial, inc, desk.keys.public, START, until))


# --- certificates


def test_certificate_of_our_own_incarnation_that_is_over_changes_nothing(pair: LinePair) -> None:
    pair.a.hear(OfferedCertificate(party("Tokyo", 1).certificate.encoded), by=pair.b)
    assert pair.a.setup.pair == Pair(2, 1)
    assert pair.a.line.junk == 0
    assert goes_on(pair)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shown", "replaces"),
    [
        (renewed("Tokyo", 3, 3), True),
        (renewed("Tokyo", 2, 3), True),
        (renewed("Tokyo", 3, 3, line=LINE), True),
        (renewed("Tokyo", 3, 3, line=bytes(32)), False),
        (renewed("Tokyo", 2, 2), False),
        (renewed("Tokyo", 1, 9), False),
    ],
    ids=["of a later one", "renewed", "for this line", "for another line", "of the same serial", "of an earlier one"],
)
def test_node_that_is_shown_a_certificate_of_its_own_desk_stops_if_it_is_newer(
    pair: LinePair, shown: SignedCertificate, replaces: bool
) -> None:
    pair.a.hear(OfferedCertificate(shown.encoded), by=pair.b)
    assert (pair.a.line.phase is Phase.STOPPED) is replaces
    assert [alarm.rule for alarm in pair.a.alarms()] == [28] * replaces


def test_two_certificates_of_the_peer_under_one_serial_are_a_contradiction_and_the_first_stays(pair: LinePair) -> None:
    other = renewed("Tokyo", 2, 2)
    pair.b.hear(OfferedCertificate(other.encoded), by=pair.a)
    assert [(alarm.kind, alarm.rule) for alarm in pair.b.alarms()] == [("contradiction", 2)]
    assert pair.b.line.setup.peer_certificate == party("Tokyo", 2).certificate
    assert pair.b.line.phase is Phase.OPEN


def test_renewed_certificate_that_was_lost_on_its_way_is_offered_again_when_the_peers_status_names_the_older(
    pair: LinePair,
) -> None:
    pair.cut()
    pair.a.setup = replace(pair.a.setup, own_certificate=renewed("Tokyo", 2, 3))
    pair.a.line.take_setup(pair.a.setup)
    pair.a.turn()
    pair.connect()
    pair.a.out.clear()
    assert pair.b.line.setup.peer_certificate.certificate.serial == 2
    pair.settle(2)
    assert pair.b.line.setup.peer_certificate.certificate.serial == 3
    assert pair.b.line.setup.pair == Pair(1, 2)
    pair.a.out.clear()
    assert goes_on(pair)


def offered(items: list[Item]) -> list[bytes]:
    return [item.encoded for item in items if isinstance(item, OfferedCertificate)]


def of_incarnations(side: Side, inc: int, peer_inc: int) -> Stated:
    """A status as this desk would make it in another pair."""
    direction = side.setup.outgoing._replace(inc=inc, peer_inc=peer_inc)
    return sign_statement(StatementType.STATUS, direction, (), side.party.keys.statement).stated()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inc", "peer_inc", "told"),
    [(1, 1, party("Tokyo", 2)), (2, 0, party("Beijing")), (1, 0, party("Tokyo", 2)), (3, 1, None), (2, 2, None)],
    ids=["the peer's earlier one", "ours", "both earlier", "a later one of the peer", "a later one of ours"],
)
def test_who_speaks_of_an_earlier_pair_is_told_the_certificate_that_it_lacks(
    pair: LinePair, inc: int, peer_inc: int, told: Party | None
) -> None:
    pair.b.hear(of_incarnations(pair.a, inc, peer_inc), by=pair.a)
    assert offered(pair.b.sent()) == ([] if told is None else [told.certificate.encoded])
    assert pair.b.line.junk == 1


def test_who_speaks_of_an_earlier_pair_is_told_once_a_second(pair: LinePair) -> None:
    def told() -> int:
        pair.b.out.clear()
        pair.b.hear(of_incarnations(pair.a, 1, 1), by=pair.a)
        return len(offered(pair.b.sent()))

    assert [told(), told()] == [1, 0]
    pair.clock.advance(REMIND_SECONDS / 2)
    assert told() == 0
    pair.clock.advance(REMIND_SECONDS / 2)
    assert [told(), told()] == [1, 0]


# --- the first leaf


def begun_with(pair: LinePair, continues: Continues) -> list[Item]:
    """What Tokyo's node would say first in its present pair, with a first leaf of its choice."""
    line = Line(pair.a.setup, pair.a.journal)
    line.outgoing.begin(pair.a.clock.moment(), Edge.EMPTY, continues)
    return line.outgoing.turn(pair.a.clock.moment())[1]


def test_peer_whose_first_leaf_does_not_say_what_it_continues_is_stopped() -> None:
    with joined(connect=False) as pair:
        pair.b.line.connected(pair.b.clock.moment())
        pair.b.hear(*begun_with(pair, Continues((1, 1))), by=pair.a)
        assert pair.b.line.phase is Phase.STOPPED
        assert [alarm.rule for alarm in pair.b.alarms()] == [28]
        assert pair.b.journal.size(pair.b.setup.incoming_log) == 0


@pytest.mark.parametrize("agrees", [True, False])
def test_peer_whose_first_leaf_names_another_root_than_ours_is_contradicted_and_the_line_goes_on(agrees: bool) -> None:
    with joined() as pair:
        pair.a.say("before")
        pair.settle(1)
        theirs, log, new = pair.b.setup, pair.a.setup.outgoing_log, party("Tokyo", 2)
        own_size = pair.a.journal.size(log)
        own_root = pair.a.journal.root_at(log, own_size)
        pair.cut()
        pair.a.party, pair.a.setup = new, replace(pair.a.setup, own_keys=new.keys, own_certificate=new.certificate)
        pair.b.succeed(replace(theirs, peer_certificate=new.certificate, past=(theirs.peer_certificate,)))
        held = pair.b.journal.root_at(log._replace(outgoing=True), 1)
        claims = Continues((1, 1), own_size, own_root if agrees else bytes(32), 1, held, 1)
        pair.b.hear(*begun_with(pair, claims), by=pair.a)
        assert [(alarm.kind, alarm.rule) for alarm in pair.b.alarms()] == ([] if agrees else [("contradiction", 28)])
        assert pair.b.journal.size(pair.b.setup.incoming_log) == 1
        assert pair.b.line.phase is Phase.OPENING


# --- marks of what is issued again


@pytest.mark.slow
@pytest.mark.parametrize(
    "again",
    [
        Again(2, 1, 0, 1, None),
        Again(3, 1, 0, 1, None),
        Again(1, 2, 0, 1, None),
        Again(1, 1, 1, 2, None),
        Again(1, 1, 1, None, None),
    ],
    ids=["in the same pair", "in a later one", "with a later one of the peer", "with a number to come", "without a number"],
)
def test_mark_that_names_no_earlier_place_stops_the_line(pair: LinePair, again: Again) -> None:
    """One number was given in the first pair, so a mark may name number 1 of an entry there, and nothing else."""
    put(pair.a, EntryType.NOTICE, again)
    pair.settle(1)
    assert pair.b.line.phase is Phase.STOPPED
    assert [alarm.rule for alarm in pair.b.alarms()] == [30]


def test_mark_with_a_number_on_an_entry_that_has_none_stops_the_line(pair: LinePair) -> None:
    put(pair.a, EntryType.ACKNOWLEDGE, Again(1, 1, 1, 1, None))
    pair.settle(1)
    assert [alarm.rule for alarm in pair.b.alarms()] == [30]


def test_mark_that_names_an_earlier_place_is_taken_with_its_number(pair: LinePair) -> None:
    put(pair.a, EntryType.NOTICE, Again(1, 1, 1, 1, None))
    put(pair.a, EntryType.ACKNOWLEDGE, Again(1, 1, 2, None, None))
    pair.settle(1)
    assert [record.number for record in pair.b.arrived[-2:]] == [1, None]
    assert pair.b.alarms() == []


def put(side: Side, kind: EntryType, again: Again) -> None:
    side.line.compose(Draft(kind, b"words", again=again), side.clock.moment())


# --- people's words


def confirmation(side: Side, people: int) -> Draft:
    """A CONFIRM of the peer's present incarnation, signed by so many people of this desk."""
    signed = side.setup.peer_certificate
    content = Confirmation(signed.certificate.desk, signed.certificate.inc, sha256(signed.encoded).digest()).encode()
    nonce = side.clock.random.randbytes(16)
    challenge = assertion_challenge("incarnation", LINE, side.setup.own_id, nonce, Body(content).digest)
    officers = list(enumerate(side.party.officers, start=1))[:people]
    assertions = tuple(sign_assertion(number, key, challenge).to_value() for number, key in officers)
    return Draft(EntryType.CONFIRM, content, nonce, assertions, released=True)


@pytest.mark.slow
@pytest.mark.parametrize("people", [0, 1, 2])
def test_confirmation_is_released_by_two_people_and_by_no_fewer(pair: LinePair, people: int) -> None:
    draft, setup = confirmation(pair.b, people), pair.b.setup
    body = Body(draft.content, draft.nonce, draft.assertions)
    if people == 2:
        signers = verify_release(draft.type, body, None, setup.outgoing, setup.own_roster, setup.terms, START)
        assert [signer.officer.number for signer in signers] == [1, 2]
    else:
        with pytest.raises(WrongParty):
            verify_release(draft.type, body, None, setup.outgoing, setup.own_roster, setup.terms, START)
    pair.b.line.compose(draft, pair.b.clock.moment())
    pair.settle(1)
    assert (pair.a.arrived[-1].type, pair.a.arrived[-1].released) == (EntryType.CONFIRM, people == 2)


def test_confirmation_by_the_peers_people_is_no_word_of_ours(pair: LinePair) -> None:
    pair.b.confirm()
    pair.settle(1)
    assert (pair.a.line.unconfirmed, pair.b.line.unconfirmed) == (("ours",), ())


# --- what was lost


def test_line_that_is_not_open_neither_gives_nor_takes_what_was_lost(pair: LinePair) -> None:
    request = LostRequest(True, 1, 1, 0)
    pair.b.hear(request, by=pair.a)
    piece = only(Recovered, pair.b.sent())
    assert piece.start == 0
    pair.b.restart(connected=True)
    assert pair.b.line.phase is Phase.OPENING
    for item in (request, replace(piece, own=True)):
        pair.b.hear(item, by=pair.a)
    assert not any(isinstance(item, Recovered) for item in pair.b.sent())
    assert pair.b.line.junk == 0


def test_log_of_which_only_a_head_is_here_recalls_nothing() -> None:
    with joined("only a head") as pair:
        pair.a.say("before")
        pair.settle(2)
        log = Log(pair.a.setup.line, Pair(1, 7), False)
        pair.a.journal.commit([CheckpointRecord(log, 0, bytes(32), bytes(64))])
        assert log in pair.a.journal.logs(pair.a.setup.line)
        pair.cut()
        pair.a.restart()
        pair.connect()
        pair.a.say("after")
        pair.settle(2)
        assert pair.b.texts() == ["before", "after"]
        assert pair.a.alarms() == []
