"""Terms are amended by both desks together (rule 6), and judge every entry alike on both sides, whatever crosses on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.amending import agree, amending, ask, both_agree, by_id, enter, judgements, next_text
from tests.line_pair import LinePair, terms
from watchline.core.amendments import Entered, TermsHistory, check_amendment, common_end, entered_in, possible_bases
from watchline.core.clocks import ACKNOWLEDGE
from watchline.core.entries import Body, Continues, EntryType
from watchline.core.outgoing import Draft
from watchline.core.records import Pair
from watchline.core.statements import OpenItem
from watchline.core.terms import Clocks, Terms
from watchline.errors import JournalError, Malformed


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with amending() as made:
        yield made


def flash_in(seconds: int) -> tuple[Clocks, ...]:
    return (*terms().clocks[:3], Clocks(seconds, 3_600))


def text(version: int, days: int) -> Terms:
    return replace(terms(), version=version, body_days=days)


# --- proposal and acceptance


def test_proposal_alone_changes_nothing(pair: LinePair) -> None:
    enter(pair.a, next_text(pair.a, body_days=7))
    pair.settle(1)
    assert (pair.a.line.terms, pair.b.line.terms) == (terms(), terms())


def test_text_that_both_logs_hold_is_in_force_on_both_sides(pair: LinePair) -> None:
    agreed = agree(pair, body_days=7)
    assert (agreed.version, agreed.body_days) == (2, 7)
    agree(pair, body_days=8)
    both_agree(pair)


def test_what_was_said_before_the_acceptance_arrived_is_judged_by_the_terms_before(pair: LinePair) -> None:
    two = (1, 1, 1, 2)
    agreed = next_text(pair.a, release_people=two)
    enter(pair.a, agreed)
    pair.settle(1)
    enter(pair.b, agreed)
    pair.b.turn()
    before, after = ask(pair.a), ask(pair.b)
    pair.settle(2)
    assert pair.b.line.terms_at(before).version == 1
    assert (before.released, after.released) == (True, False)
    both_agree(pair)


def test_one_frame_may_bring_an_acceptance_and_what_is_said_under_it(pair: LinePair) -> None:
    agreed = next_text(pair.a, release_people=(1, 1, 1, 2))
    enter(pair.a, agreed)
    pair.settle(1)
    enter(pair.b, agreed)
    said = [ask(pair.b, people) for people in (1, 2)]
    pair.settle(1)
    assert [record.released for record in pair.a.arrived[-2:]] == [record.released for record in said] == [False, True]
    both_agree(pair)


def test_amended_clock_counts_for_notices_after_it_and_not_for_those_before(pair: LinePair) -> None:
    ask(pair.a)
    pair.settle(1)
    agree(pair, clocks=flash_in(120))
    ask(pair.a)
    pair.settle(2)
    for side, own in ((pair.a, True), (pair.b, False)):
        sizes = side.line.outgoing.edge.size, side.line.incoming.edge.size
        running = side.line.clocks.running(own, *sizes, side.clock.moment())
        assert [clock.allowed for clock in running if clock.kind == ACKNOWLEDGE] == [600, 120]
    both_agree(pair)


def test_amended_status_interval_is_kept_at_once(pair: LinePair) -> None:
    agree(pair, status_interval_seconds=5)
    before = pair.a.line.statuses.peer_status_at
    pair.settle(7)
    assert before is not None
    assert (pair.a.line.statuses.peer_status_at or 0) >= before + 4


def test_restart_finds_the_same_terms(pair: LinePair) -> None:
    agree(pair, body_days=7)
    enter(pair.a, next_text(pair.a, body_days=8))
    pair.settle(1)
    for side in (pair.a, pair.b):
        history = side.line.incoming.history
        side.restart(connected=True)
        assert side.line.incoming.history == history
        assert side.line.terms.body_days == 7
    pair.settle(1)
    both_agree(pair)


# --- what counts for nothing


def test_one_person_alone_amends_nothing_and_is_shown_not_released(pair: LinePair) -> None:
    agreed = next_text(pair.a, body_days=7)
    enter(pair.a, agreed, people=1)
    pair.settle(1)
    assert [record.released for record in pair.b.arrived if record.type == EntryType.TERMS] == [False]
    enter(pair.b, agreed)
    pair.settle(1)
    assert pair.a.line.terms == pair.b.line.terms == terms()
    both_agree(pair)


@pytest.mark.parametrize(("people", "purpose"), [(0, "terms"), (2, "release"), (2, "incarnation")])
def test_stolen_statement_key_makes_no_terms(pair: LinePair, people: int, purpose: str) -> None:
    """Whoever has the node has every key of it, and signatures that people made for something else."""
    agreed = next_text(pair.a, body_days=7)
    enter(pair.b, agreed)
    pair.settle(1)
    enter(pair.a, agreed, people=people, purpose=purpose)
    pair.settle(1)
    assert pair.b.line.terms == terms()
    assert pair.a.line.terms == terms()


def test_signatures_of_one_desk_make_no_terms_for_the_other(pair: LinePair) -> None:
    """What Tokyo's people signed, copied into Beijing's log by its node, is nobody's word there."""
    record = enter(pair.a, next_text(pair.a, body_days=7))
    pair.settle(1)
    body = Body.decode(record.body)
    pair.b.line.compose(Draft(EntryType.TERMS, body.content, body.nonce, body.assertions), pair.b.clock.moment())
    pair.settle(1)
    assert pair.a.line.terms == terms()


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"\xff", b"\x80", terms().encode()[:-1]])
def test_text_that_cannot_be_read_is_kept_and_counts_for_nothing(pair: LinePair, content: bytes) -> None:
    for side in (pair.a, pair.b):
        enter(side, content)
    pair.settle(1)
    assert pair.a.line.terms == pair.b.line.terms == terms()
    agree(pair, body_days=7)
    both_agree(pair)


@pytest.mark.parametrize("version", [1, 3])
def test_text_of_another_version_than_the_next_counts_for_nothing(pair: LinePair, version: int) -> None:
    for side in (pair.a, pair.b):
        enter(side, text(version, 7))
        pair.settle(1)
    assert pair.a.line.terms == pair.b.line.terms == terms()
    both_agree(pair)


def test_acceptance_of_a_superseded_text_changes_nothing(pair: LinePair) -> None:
    late = next_text(pair.a, body_days=5)
    enter(pair.a, late)
    pair.settle(1)
    agreed = agree(pair, body_days=7)
    enter(pair.b, late)
    pair.settle(1)
    assert pair.a.line.terms == pair.b.line.terms == agreed
    both_agree(pair)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"version": 3}, "version 2"),
        ({"status_interval_seconds": 3_601}, "status_interval_seconds"),
        ({"test_interval_seconds": 8 * 86_400}, "test_interval_seconds"),
        ({"clocks": (*terms().clocks[:3], Clocks(None, None))}, "clocks.FLASH.acknowledge_seconds"),
        ({"clocks": flash_in(86_401)}, "clocks.FLASH.acknowledge_seconds"),
    ],
)
def test_what_no_amendment_may_loosen_is_refused_by_rule_6(pair: LinePair, changes: dict[str, object], named: str) -> None:
    loosened = replace(terms(), **{"version": 2, **changes})  # type: ignore[arg-type]
    with pytest.raises(Malformed, match=named) as refused:
        check_amendment(terms(), loosened)
    assert refused.value.rule == 6
    for side in (pair.a, pair.b):
        enter(side, loosened)
        pair.settle(1)
    assert pair.a.line.terms == pair.b.line.terms == terms()


def test_bounds_are_for_what_changes_so_a_line_paired_beyond_them_can_be_amended() -> None:
    slow = replace(terms(), status_interval_seconds=80_000)
    check_amendment(slow, replace(slow, version=2, body_days=7))


# --- crossing


def test_crossing_proposals_leave_the_terms_until_the_higher_id_enters_the_other_text(pair: LinePair) -> None:
    low, high = by_id(pair)
    first, second = next_text(low, body_days=5), next_text(high, body_days=6)
    enter(low, first)
    enter(high, second)
    pair.settle(1)
    assert low.line.terms == high.line.terms == terms()
    enter(high, first)
    pair.settle(1)
    assert low.line.terms == high.line.terms == first
    both_agree(pair)


def test_after_crossing_the_lower_id_may_take_the_other_text_and_the_higher_confirms_it(pair: LinePair) -> None:
    low, high = by_id(pair)
    enter(low, next_text(low, body_days=5))
    second = next_text(high, body_days=6)
    enter(high, second)
    pair.settle(1)
    enter(low, second)
    pair.settle(1)
    assert low.line.terms == high.line.terms == terms()
    enter(high, second)
    pair.settle(1)
    assert low.line.terms == high.line.terms == second
    both_agree(pair)


def test_crossing_acceptances_leave_both_with_one_text(pair: LinePair) -> None:
    """Each takes the other's text at the same time: two logs have no common order, so the higher id's gives it."""
    low, high = by_id(pair)
    first, second = next_text(low, body_days=5), next_text(high, body_days=6)
    enter(low, first)
    enter(high, second)
    pair.settle(1)
    enter(low, second)
    enter(high, first)
    said = [ask(side) for side in (low, high)]
    pair.settle(2)
    assert low.line.terms == high.line.terms == first
    assert [record.released for record in said] == [True, True]
    both_agree(pair)


def test_same_text_proposed_by_both_at_a_time_is_in_force(pair: LinePair) -> None:
    same = next_text(pair.a, body_days=5)
    enter(pair.a, same)
    enter(pair.b, same)
    pair.settle(1)
    assert pair.a.line.terms == pair.b.line.terms == same
    both_agree(pair)


ACTIONS = st.tuples(
    st.sampled_from(["propose", "accept", "ask", "ask of two", "carry", "carry one", "lose", "restart", "wait", "one person"]),
    st.booleans(),
    st.integers(1, 3),
)


def play(pair: LinePair, steps: list[tuple[str, bool, int]]) -> None:
    for action, is_a, choice in steps:
        side, other = (pair.a, pair.b) if is_a else (pair.b, pair.a)
        people = (1, 1, 1, choice % 2 + 1)
        if action == "propose":
            enter(side, next_text(side, body_days=choice, release_people=people, clocks=flash_in(100 * choice)))
        elif action == "one person":
            enter(side, next_text(side, body_days=choice), people=1)
        elif action == "accept":
            heard = side.line.incoming.history.theirs
            if heard:
                enter(side, heard[-min(choice, len(heard))].terms)
        elif action in ("ask", "ask of two"):
            ask(side, 2 if action == "ask of two" else 1)
        elif action == "carry":
            pair.deliver_one(side, other)
        elif action == "carry one" and side.out:
            other.line.receive(side.out.pop(0), other.clock.moment())
            other.turn()
        elif action == "lose":
            side.out.clear()
        elif action == "restart":
            side.turn()
            side.restart(connected=True)
            other.line.connected(other.clock.moment())
        elif action == "wait":
            pair.settle(1)
        side.turn()


@pytest.mark.slow
@settings(max_examples=60)
@given(st.lists(ACTIONS, max_size=30), st.integers(0, 3))
def test_any_interleaving_leaves_both_desks_with_the_same_terms_and_judgements(
    steps: list[tuple[str, bool, int]], seed: int
) -> None:
    with amending(seed) as pair:
        play(pair, steps)
        pair.connect()
        pair.settle(70)
        both_agree(pair)
        before = [side.line.incoming.history for side in (pair.a, pair.b)]
        for side in (pair.a, pair.b):
            side.restart()
        assert [side.line.incoming.history for side in (pair.a, pair.b)] == before


PLACES = st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 4)), max_size=14)


@pytest.mark.slow
@given(PLACES, st.booleans())
def test_what_is_in_force_at_a_place_never_changes_by_what_comes_later(steps: list[tuple[bool, int, int]], lower: bool) -> None:
    """Two logs grow, each seeing more and more of the other; the terms at each place are those of all that it saw."""
    sizes = {True: 0, False: 0}
    saw = {True: 0, False: 0}
    history = TermsHistory(terms(), lower)
    places: list[tuple[bool, int, int]] = []
    entered: list[tuple[bool, Entered]] = []
    for own, lag, days in steps:
        saw[own] = max(saw[own], sizes[not own] - lag)
        place = own, sizes[own], saw[own]
        version = history.at(*place).version + 1
        entered.append((own, Entered(sizes[own], saw[own], text(version, days + 1))))
        places.append(place)
        history = history.with_entry(*entered[-1])
        sizes[own] += 1
    for own, index, peer_size in places:
        seen = TermsHistory(terms(), lower)
        for side, each in entered:
            if each.index < (index if side == own else peer_size):
                seen = seen.with_entry(side, each)
        assert seen.latest == history.at(own, index, peer_size)
    mirrored = TermsHistory(terms(), not lower, history.theirs, history.ours)
    assert [each.terms for each in mirrored.amendments] == [each.terms for each in history.amendments]


# --- from pair to pair


@pytest.mark.slow
def test_terms_in_force_go_on_in_a_new_incarnation(pair: LinePair) -> None:
    agreed = agree(pair, body_days=7, clocks=flash_in(120))
    ask(pair.a)
    pair.settle(1)
    pair.a.reincarnate()
    assert pair.a.line.terms == agreed
    pair.settle(2)
    pair.b.confirm()
    pair.settle(2)
    assert pair.b.setup.pair == (1, 2)
    assert pair.a.line.terms == pair.b.line.terms == agreed
    for side in (pair.a, pair.b):
        side.restart(connected=True)
        assert side.line.terms == agreed
    pair.settle(2)
    both_agree(pair)
    later = agree(pair, body_days=9)
    pair.b.reincarnate()
    pair.settle(2)
    assert pair.a.line.terms == pair.b.line.terms == later
    assert later.version == 3


def test_acceptance_that_did_not_arrive_before_the_new_incarnation_is_issued_again_as_a_proposal(pair: LinePair) -> None:
    agreed = next_text(pair.a, body_days=7)
    enter(pair.a, agreed)
    pair.settle(1)
    enter(pair.b, agreed)
    pair.b.turn()
    pair.b.out.clear()
    assert pair.b.line.terms == agreed
    pair.b.reincarnate()
    assert pair.b.line.terms == agreed  # by its own word; the peer's entry 0 says what both hold
    pair.settle(2)
    assert pair.a.line.terms == pair.b.line.terms == terms()
    pair.a.confirm()
    pair.settle(2)
    enter(pair.a, agreed)
    pair.settle(1)
    assert pair.a.line.terms == pair.b.line.terms == agreed
    both_agree(pair)


def test_notice_said_before_the_peers_entry_0_is_judged_by_what_both_hold(pair: LinePair) -> None:
    agreed = next_text(pair.a, clocks=flash_in(120))
    enter(pair.a, agreed)
    pair.settle(1)
    enter(pair.b, agreed)
    pair.b.turn()
    pair.b.out.clear()
    pair.b.reincarnate()
    asked = ask(pair.b)
    cancelled = ask(pair.b)
    pair.b.cancel(cancelled.index)
    pair.b.turn()
    pair.b.restart(connected=True)
    pair.settle(3)
    assert pair.b.line.terms_at(asked).version == 1
    running = pair.b.line.clocks.running(
        True, pair.b.line.outgoing.edge.size, pair.b.line.incoming.edge.size, pair.b.clock.moment()
    )
    assert {(clock.index, clock.allowed) for clock in running if clock.kind == ACKNOWLEDGE} == {(asked.index, 600)}
    both_agree(pair)


def test_peer_that_lists_clocks_by_what_both_hold_is_not_accused_before_its_entry_0_came(pair: LinePair) -> None:
    """Found by the simulator: it had the notice, and the terms that its list was judged by were those of our word alone."""
    pair.settle(1)
    heard = pair.b.line.statuses.peer_status
    assert heard is not None
    agreed = next_text(pair.a, clocks=flash_in(120))
    enter(pair.a, agreed)
    pair.settle(1)
    enter(pair.b, agreed)
    pair.b.turn()
    pair.b.out.clear()
    pair.b.reincarnate()
    asked = ask(pair.b)

    def contradicts(allowed: int) -> bool:
        line = pair.b.line
        sizes = line.outgoing.edge.size, line.incoming.edge.size
        items = (OpenItem(asked.index, ACKNOWLEDGE, 0, allowed),)
        said = replace(heard, held_size=sizes[0], size=sizes[1], open=items, left_out=0)
        return line.clocks.judge(said, *sizes) is not None

    assert not contradicts(600)
    assert not contradicts(120)  # what both hold is not known yet
    pair.settle(2)
    assert contradicts(120)
    assert not contradicts(600)
    both_agree(pair)


def test_restored_backup_from_before_an_amendment_falls_back_on_both_sides(pair: LinePair, tmp_path: Path) -> None:
    pair.b.backup(tmp_path / "old.db")
    pair.connect()
    pair.settle(1)
    agree(pair, body_days=7)
    pair.cut()
    pair.b.restart_from(tmp_path / "old.db")
    pair.b.reincarnate()
    pair.connect()
    pair.settle(3)
    assert pair.a.line.terms == pair.b.line.terms == terms()
    pair.a.confirm()
    pair.settle(12)  # what was lost is back, and changes nothing of that
    assert pair.a.line.terms == pair.b.line.terms == terms()
    agree(pair, body_days=7)
    both_agree(pair)


def test_notice_issued_again_is_judged_by_the_terms_where_it_stands_now(pair: LinePair) -> None:
    pair.cut()
    ask(pair.b)
    pair.b.turn()
    pair.b.out.clear()
    pair.connect()
    pair.settle(1)
    agree(pair, release_people=(1, 1, 1, 2))
    pair.b.reincarnate()
    pair.settle(2)
    pair.a.confirm()
    pair.settle(2)
    both_agree(pair)
    again = [record for record in pair.a.arrived if record.type == EntryType.NOTICE][-1]
    assert again.released is False


def test_both_entries_0_must_name_the_same_pair_before() -> None:
    def said(pair: tuple[int, int], own: int, peer: int) -> Continues:
        return Continues(pair, own, bytes(32), peer, bytes(32))

    now = Pair(2, 2)
    assert common_end(now, said((1, 1), 5, 3), said((1, 1), 4, 4)) == (Pair(1, 1), 4, 3)
    assert common_end(now, said((1, 1), 5, 3), None) == (Pair(1, 1), 5, 3)
    assert common_end(now, said((1, 2), 5, 3), said((1, 1), 4, 4)) is None
    assert common_end(now, said((1, 1), 5, 3), Continues()) is None
    assert common_end(now, said((3, 1), 5, 3), None) is None
    assert common_end(now, said((2, 2), 5, 3), None) is None


@pytest.mark.slow
@settings(max_examples=20)
@given(
    st.lists(st.one_of(ACTIONS, st.tuples(st.sampled_from(["reincarnate", "confirm"]), st.booleans(), st.just(1))), max_size=20)
)
def test_any_interleaving_over_incarnations_leaves_both_desks_with_the_same_terms(steps: list[tuple[str, bool, int]]) -> None:
    with amending() as pair:
        for step in steps:
            side, other = (pair.a, pair.b) if step[1] else (pair.b, pair.a)
            if step[0] == "reincarnate":
                side.turn()
                side.reincarnate()
                other.line.connected(other.clock.moment())
                pair.settle(1)
            elif step[0] == "confirm":
                if "theirs" in side.line.unconfirmed:
                    side.confirm()
            else:
                play(pair, [step])
        pair.connect()
        pair.settle(70)
        assert pair.a.line.terms == pair.b.line.terms
        for author, reader in ((pair.a, pair.b), (pair.b, pair.a)):
            said, heard = judgements(author, outgoing=True), judgements(reader, outgoing=False)
            assert [version for *_, version in said] == [version for *_, version in heard]
            assert [alarm.message for alarm in author.alarms()] == []


# --- what a journal holds that is no text


def test_entry_of_a_journal_that_holds_no_text_counts_for_nothing(pair: LinePair) -> None:
    record = pair.a.say("no terms")
    entered = replace(record, type=EntryType.TERMS, body=Body(text(2, 7).encode()).encode(), released=True)
    assert [each.terms for each in entered_in([entered])] == [text(2, 7)]
    for change in ({"type": EntryType.NOTICE}, {"body": b"junk"}, {"body": record.body}, {"released": False}):
        assert entered_in([replace(entered, **change), entered]) == entered_in([entered])
    with pytest.raises(JournalError):
        entered_in([entered, None])


def test_new_pair_may_begin_with_any_version_until_the_peers_entry_0_is_here(pair: LinePair) -> None:
    """Seed 14288: a silence was claimed by terms that the pair turned out not to begin with."""
    first = pair.a.line.terms
    agreed = [agree(pair, status_interval_seconds=seconds) for seconds in (30, 40)]
    pair.a.reincarnate()
    assert not pair.a.line.clocks.settled
    assert possible_bases(pair.a.setup, pair.a.journal) == [first, first, *agreed]


def test_first_pair_begins_with_the_terms_of_the_pairing(pair: LinePair) -> None:
    agree(pair, status_interval_seconds=30)
    assert [terms.version for terms in possible_bases(pair.a.setup, pair.a.journal)] == [1]
