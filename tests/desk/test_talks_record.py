"""The record of the talks, as two desks read it from their journals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desk.desk_pair import LINE, DeskEnd, DeskPair
from tests.desk.talking import Talker, talkers, theirs
from tests.desk.test_new_incarnation import confirm, introduce, reincarnate
from watchline.catalogue import load_catalogue
from watchline.core.entries import EntryType, Notice, Precedence
from watchline.core.outgoing import Draft
from watchline.desk.talks_record import LineTalks
from watchline.errors import UsageError
from watchline.talks.moves import ITEM, WITHDRAWAL, Record, in_order

PROPOSAL: dict[str, Any] = {"topic": "Airspace", "level": "director", "dates": ["2023-04-22T01:00:00Z"], "mode": "video"}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    desks = DeskPair(tmp_path)
    desks.join()
    desks.advance(5)
    yield desks
    desks.close()


def fresh(end: DeskEnd) -> LineTalks:
    """The record of an end, read as after a start."""
    setup = end.line.line.setup
    talks = LineTalks(end.journal, load_catalogue(), LINE, int(setup.own_id > setup.peer_identity.id))
    end.desk.flush()
    talks.read()
    return talks


def records(pair: DeskPair) -> tuple[Record, Record]:
    return fresh(pair.a).record, fresh(pair.b).record


def propose(talker: Talker) -> str:
    return talker.say("talks-proposal", checked=False, **PROPOSAL)


def item(talker: Talker, meeting: str, subject: str) -> str:
    return talker.say("agenda-item", checked=False, meeting=meeting, subject=subject)


@pytest.mark.slow
def test_both_desks_read_the_same_moves_under_the_same_names(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    proposal = propose(tokyo)
    pair.advance(2)
    beijing.accept(theirs(proposal), checked=False, date="2023-04-22T01:00:00Z")
    item(tokyo, proposal, "Balloons")
    pair.advance(2)
    beijing.decline(theirs("ours:2"), "not today")
    pair.advance(5)

    ours, theirs_ = records(pair)

    assert ours == theirs_
    assert sorted(move.kind for move in ours.moves.values()) == ["acceptance", "agenda-item", "decline", "talks-proposal"]


def test_what_crossed_says_so_and_what_came_after_saw_it(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    proposal = propose(tokyo)
    pair.advance(2)
    pair.cut()
    item(tokyo, proposal, "from Tokyo")
    item(beijing, theirs(proposal), "from Beijing")
    pair.join()
    pair.advance(5)

    first, one, other = sorted(records(pair)[0].moves.values(), key=lambda move: move.time)

    assert one.saw(first)
    assert other.saw(first)
    assert not one.saw(other)
    assert not other.saw(one)


@pytest.mark.slow
def test_record_read_in_pieces_is_the_record_read_at_once(pair: DeskPair) -> None:
    tokyo, _ = talkers(pair)
    proposal = propose(tokyo)
    setup = pair.a.line.line.setup
    pieces = LineTalks(pair.a.journal, load_catalogue(), LINE, int(setup.own_id > setup.peer_identity.id))
    for subject in ("one", "two", "three"):
        item(tokyo, proposal, subject)
        pair.advance(2)
        while not pieces.read(1):
            pass

    assert pieces.record == fresh(pair.a).record


def test_unreleased_unknown_and_broken_forms_are_no_moves(pair: DeskPair) -> None:
    tokyo, _ = talkers(pair)
    proposal = propose(tokyo)
    for notice in (
        Notice("agenda-item", 1, Precedence.ROUTINE, False, "en", {1: [1, 1, 1, 1], 2: "nobody released it"}),
        Notice("agenda-item", 99, Precedence.ROUTINE, False, "en", {1: [1, 1, 1, 1], 2: "of a later version"}),
    ):
        pair.a.desk.compose(pair.a.line, Draft(EntryType.NOTICE, notice.encode(), None, (), None, None, True))
    pair.advance(2)

    assert [move.kind for move in records(pair)[1].moves.values()] == ["talks-proposal"]
    assert proposal == "ours:1"


def test_withdrawal_names_what_it_withdraws_at_both_desks(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    proposal = propose(tokyo)
    pair.advance(2)
    tokyo.withdraw(proposal)
    pair.advance(2)

    ours, other = records(pair)
    (withdrawal,) = ours.of_kind(WITHDRAWAL)

    assert ours == other
    assert ours.get(withdrawal.of) in list(ours.of_kind("talks-proposal"))
    (shown,) = beijing.call("entries", line=beijing.line, entry=theirs(proposal))["entries"]
    assert shown["withdrawn"] == "theirs:2"
    (cancel,) = beijing.call("entries", line=beijing.line, entry="theirs:2")["entries"]
    assert (cancel["form"], cancel["re"], cancel["fields"]["reason"]) == ("correction", "theirs:1", "said in error")


@pytest.mark.slow
def test_what_a_new_incarnation_issues_again_is_one_move_made_where_it_was_made_first(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    proposal = propose(tokyo)
    pair.advance(2)
    pair.cut()
    lost = item(tokyo, proposal, "said while the line was cut")
    crossing = item(beijing, theirs(proposal), "crossed with it")
    reincarnate(pair.a)
    introduce(pair.a, pair.b)
    pair.join()
    pair.advance(30)
    confirm(pair.b, "theirs")
    confirm(pair.a, "ours")
    item(Talker(pair.b), theirs(proposal), "after it")
    pair.advance(5)

    ours, other = records(pair)
    by_subject = {move.fields[2]: move for move in ours.of_kind(ITEM)}
    again, crossed, after = (by_subject[name] for name in ("said while the line was cut", "crossed with it", "after it"))

    assert ours == other
    assert again.arrived is not None
    assert not crossed.saw(again)
    assert not again.saw(crossed)
    assert after.saw(again)
    assert fresh(pair.b).id_of(again.name) == theirs(lost)
    assert fresh(pair.b).id_of(crossed.name) == crossing


@pytest.mark.slow
def test_withdrawal_after_a_new_incarnation_is_a_notice_of_its_own(pair: DeskPair) -> None:
    tokyo, _ = talkers(pair)
    proposal = propose(tokyo)
    pair.advance(2)
    talkers(pair)[1].acknowledge(theirs(proposal))
    talkers(pair)[1].decline(theirs(proposal))
    pair.advance(2)
    pair.cut()
    reincarnate(pair.a)
    introduce(pair.a, pair.b)
    pair.join()
    pair.advance(30)
    confirm(pair.a, "ours")
    confirm(pair.b, "theirs")
    Talker(pair.a).withdraw(proposal)
    pair.advance(5)

    ours, other = records(pair)
    (withdrawal,) = ours.of_kind(WITHDRAWAL)

    assert ours == other
    assert withdrawal.of in ours.moves


@pytest.mark.slow
def test_record_is_at_any_time_a_beginning_of_what_the_other_desk_said(pair: DeskPair) -> None:
    tokyo, _ = talkers(pair)
    proposal = propose(tokyo)
    pair.advance(2)
    pair.cut()
    for number in range(3):
        item(tokyo, proposal, f"said while the line was cut: {number}")
    reincarnate(pair.a)
    confirm(pair.a, "ours")
    item(Talker(pair.a), proposal, "said by the new incarnation")
    introduce(pair.a, pair.b)
    pair.join()
    seen = []
    for _ in range(300):
        pair.advance(0.02)
        seen.append(in_order(fresh(pair.b).record.moves.values()))
    pair.advance(60)
    whole = in_order(fresh(pair.b).record.moves.values())

    assert len(whole) == 5
    assert records(pair)[0] == records(pair)[1]
    assert [held for held in seen if held != whole[: len(held)]] == []


def test_nobody_withdraws_what_the_other_side_said(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    proposal = propose(tokyo)
    pair.advance(2)
    beijing.say("correction", checked=False, of=theirs(proposal), reason="not mine to take back")
    pair.advance(2)

    assert [move.kind for move in records(pair)[0].moves.values()] == ["talks-proposal"]
    with pytest.raises(UsageError, match="no notice of this desk"):
        beijing.withdraw(theirs(proposal))


def test_decline_said_as_a_notice_is_a_decline(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    proposal = propose(tokyo)
    pair.advance(2)
    beijing.say("decline", checked=False, of=theirs(proposal), reason="not now")
    pair.advance(2)

    ours, other = records(pair)
    (decline,) = ours.of_kind("decline")

    assert ours == other
    assert (decline.of, decline.fields) == (next(ours.of_kind("talks-proposal")).name, {1: "not now"})
