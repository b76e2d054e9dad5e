"""Agreement in one slot: each rule by name, and what holds for any interleaving of both sides' words."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.talks.two_desks import TwoDesks, refer
from watchline.talks.agreement import Slot, Why, answered, replies, settle
from watchline.talks.moves import ACCEPTANCE, COMMITMENT, WITHDRAWAL, Move, Name, Record, in_order


def text(desks: TwoDesks, side: int, terms: str = "an open line", *, exercise: bool = False) -> Move:
    return desks.say(side, COMMITMENT, {1: terms, 2: "agreed"}, exercise=exercise)


def same_terms(new: Move, old: Move) -> bool:
    return bool(new.fields[1] == old.fields[1] == "the same")


def slot_of(record: Record) -> Slot:
    return settle(record, list(record.of_kind(COMMITMENT)), same=same_terms)


def seen_by(desks: TwoDesks, desk: int) -> Slot:
    return slot_of(desks.record(desk))


def reasons(slot: Slot) -> dict[Name, Why]:
    return {refused.move.name: refused.why for refused in slot.refused}


@pytest.fixture
def desks() -> TwoDesks:
    return TwoDesks()


def test_slot_without_texts_is_empty() -> None:
    assert settle(Record.of([]), []) == Slot()


@pytest.mark.parametrize("proposer", [0, 1])
def test_text_that_the_other_side_accepts_stands_at_both_desks_at_once(desks: TwoDesks, proposer: int) -> None:
    offer = text(desks, proposer)
    desks.deliver_all()
    assert seen_by(desks, 0).waits_for == seen_by(desks, 1).waits_for == {1 - proposer}
    acceptance = desks.accept(1 - proposer, offer)
    assert seen_by(desks, 1 - proposer).stands == offer  # its own text would have to be accepted unseen: it has none
    assert seen_by(desks, proposer).agreed is None
    desks.deliver_all()
    for desk in (0, 1):
        slot = seen_by(desks, desk)
        assert (slot.stands, slot.acceptance, slot.since) == (offer, acceptance, acceptance.time)
        assert (slot.on_table, slot.crossed, slot.waits_for) == ((), (), frozenset())


def test_withdrawal_that_crossed_with_the_acceptance_comes_too_late(desks: TwoDesks) -> None:
    offer = text(desks, 0)
    desks.deliver_all()
    acceptance, withdrawal = desks.accept(1, offer), desks.withdraw(0, offer)
    assert seen_by(desks, 0).on_table == ()
    assert seen_by(desks, 0).since is None
    desks.deliver_all()
    slot = seen_by(desks, 0)
    assert slot.stands == offer
    assert slot.acceptance == acceptance
    assert slot.crossed == (withdrawal,)
    assert slot.texts[0].withdrawn is None


def test_acceptance_of_a_text_that_was_seen_withdrawn_does_not_count(desks: TwoDesks) -> None:
    offer = text(desks, 0)
    desks.withdraw(0, offer)
    desks.deliver_all()
    late = desks.accept(1, offer)
    assert reasons(seen_by(desks, 1)) == {late.name: Why.WITHDRAWN}
    assert seen_by(desks, 1).agreed is None


def test_acceptance_of_a_superseded_text_does_not_count_if_the_newer_one_was_seen(desks: TwoDesks) -> None:
    old = text(desks, 0, "by spring")
    new = text(desks, 0, "by summer")
    desks.deliver_all()
    late = desks.accept(1, old)
    slot = seen_by(desks, 1)
    assert reasons(slot) == {late.name: Why.SUPERSEDED}
    assert slot.on_table == (new,)
    assert slot.texts[0].superseded_by == new


def test_acceptance_of_a_superseded_text_counts_if_it_crossed_with_the_newer_one(desks: TwoDesks) -> None:
    old = text(desks, 0, "by spring")
    desks.deliver_all()
    new = text(desks, 0, "by summer")
    desks.accept(1, old)
    desks.deliver_all()
    for desk in (0, 1):
        slot = seen_by(desks, desk)
        assert slot.stands == old
        assert slot.crossed == (new,)


def test_text_made_after_the_slot_was_seen_settled_is_none_of_it(desks: TwoDesks) -> None:
    offer = text(desks, 0)
    desks.deliver_all()
    desks.accept(1, offer)
    desks.deliver_all()
    amendment = text(desks, 0, "by summer")
    desks.deliver_all()
    again = desks.accept(1, amendment)
    slot = seen_by(desks, 1)
    assert slot.stands == offer
    assert reasons(slot) == {amendment.name: Why.SETTLED, again.name: Why.SETTLED}


def test_two_crossing_texts_wait_for_both_sides(desks: TwoDesks) -> None:
    ours, theirs = text(desks, 0, "by spring"), text(desks, 1, "by summer")
    desks.deliver_all()
    slot = seen_by(desks, 0)
    assert slot.on_table == (ours, theirs)
    assert slot.waits_for == {0, 1}


def test_counter_text_waits_for_the_side_that_it_answers(desks: TwoDesks) -> None:
    text(desks, 0, "by spring")
    desks.deliver_all()
    text(desks, 1, "by summer")
    assert seen_by(desks, 1).waits_for == {0}


def test_of_two_acceptances_that_crossed_that_of_side_1_counts_and_the_other_was_never_certain(desks: TwoDesks) -> None:
    of_0, of_1 = text(desks, 0, "by spring"), text(desks, 1, "by summer")
    desks.deliver_all()
    by_0 = desks.accept(0, of_1)
    assert (seen_by(desks, 0).agreed, seen_by(desks, 0).certain) == (of_1, False)
    by_1 = desks.accept(1, of_0)
    assert seen_by(desks, 1).stands == of_0
    desks.deliver_all()
    for desk in (0, 1):
        slot = seen_by(desks, desk)
        assert (slot.stands, slot.acceptance, slot.crossed) == (of_0, by_1, (by_0,))


def test_acceptance_by_side_0_with_a_text_of_its_own_is_certain_when_side_1_has_seen_it(desks: TwoDesks) -> None:
    text(desks, 0, "by spring")
    of_1 = text(desks, 1, "by summer")
    desks.deliver_all()
    desks.accept(0, of_1)
    desks.deliver(0)
    assert seen_by(desks, 1).stands is None
    desks.word(1)
    assert seen_by(desks, 1).stands == of_1
    assert seen_by(desks, 0).stands is None
    desks.deliver(1)
    assert seen_by(desks, 0).stands == of_1


def test_acceptance_by_side_0_is_certain_when_side_1_has_seen_its_own_text_withdrawn(desks: TwoDesks) -> None:
    own, of_1 = text(desks, 0, "by spring"), text(desks, 1, "by summer")
    desks.deliver_all()
    desks.withdraw(0, own)
    desks.accept(0, of_1)
    assert not seen_by(desks, 0).certain
    desks.deliver(0, 1)  # the withdrawal alone
    desks.word(1)
    desks.deliver(1)
    assert seen_by(desks, 0).certain


def test_acceptance_by_side_0_is_not_certain_when_side_1_had_seen_all_but_that(desks: TwoDesks) -> None:
    own, of_1 = text(desks, 0, "by spring"), text(desks, 1, "by summer")
    desks.deliver_all()
    desks.accept(0, of_1)
    desks.word(1)
    desks.deliver(1)
    assert not seen_by(desks, 0).certain
    desks.accept(1, own)
    desks.deliver_all()
    assert seen_by(desks, 0).stands == own


def test_acceptance_by_side_0_is_certain_when_side_1_has_declined_its_text(desks: TwoDesks) -> None:
    own, of_1 = text(desks, 0, "by spring"), text(desks, 1, "by summer")
    desks.deliver_all()
    desks.decline(1, own)
    desks.accept(0, of_1)
    assert not seen_by(desks, 0).certain
    desks.deliver(1)
    assert seen_by(desks, 0).certain


def test_who_declined_a_text_cannot_accept_it_any_more_but_offer_the_same(desks: TwoDesks) -> None:
    offer = text(desks, 0, "by spring")
    desks.deliver_all()
    decline = desks.decline(1, offer)
    late = desks.accept(1, offer)
    slot = seen_by(desks, 1)
    assert slot.on_table == ()
    assert slot.texts[0].declined == decline
    assert reasons(slot) == {late.name: Why.DECLINED}
    again = text(desks, 1, "by spring")
    desks.deliver_all()
    desks.accept(0, again)
    assert seen_by(desks, 0).stands == again


def test_own_text_can_be_neither_accepted_nor_declined_and_the_other_sides_not_withdrawn(desks: TwoDesks) -> None:
    offer = text(desks, 0)
    desks.deliver_all()
    accepted, declined, withdrawn = desks.accept(0, offer), desks.decline(0, offer), desks.withdraw(1, offer)
    desks.deliver_all()
    slot = seen_by(desks, 0)
    assert reasons(slot) == {accepted.name: Why.OWN_TEXT, declined.name: Why.OWN_TEXT, withdrawn.name: Why.NOT_YOURS}
    assert slot.on_table == (offer,)


def test_acceptance_of_other_words_than_the_text_has_does_not_count(desks: TwoDesks) -> None:
    offer = text(desks, 0)
    desks.deliver_all()
    other = desks.say(1, ACCEPTANCE, {1: refer(1, offer.name), 2: bytes(32)}, offer.name)
    assert reasons(seen_by(desks, 1)) == {other.name: Why.WRONG_DIGEST}
    assert seen_by(desks, 1).agreed is None


def test_acceptance_of_a_text_that_its_author_did_not_have_does_not_count(desks: TwoDesks) -> None:
    text(desks, 1)
    desks.deliver_all()
    offer = text(desks, 0)
    guessed = desks.accept(1, offer)
    desks.deliver_all()
    assert reasons(seen_by(desks, 1)) == {guessed.name: Why.UNKNOWN}


def test_exercise_and_the_real_thing_never_accept_each_other(desks: TwoDesks) -> None:
    offer = text(desks, 0)
    drill = text(desks, 0, "as a drill", exercise=True)
    desks.deliver_all()
    as_drill = desks.accept(1, offer, exercise=True)
    of_drill = desks.accept(1, drill)
    slot = seen_by(desks, 1)
    assert reasons(slot) == {drill.name: Why.EXERCISE, as_drill.name: Why.EXERCISE, of_drill.name: Why.EXERCISE}
    assert slot.on_table == (offer,)


def test_decline_in_an_exercise_is_as_the_text_is_that_it_names(desks: TwoDesks) -> None:
    drill = text(desks, 0, exercise=True)
    desks.deliver_all()
    decline = desks.decline(1, drill)
    assert not decline.exercise
    assert seen_by(desks, 1).texts[0].declined == decline


def test_withdrawal_that_names_two_things_withdraws_neither(desks: TwoDesks) -> None:
    first, second = text(desks, 0), text(desks, 0)
    odd = desks.say(0, WITHDRAWAL, {1: refer(0, first.name), 2: "?"}, second.name)
    assert answered(desks.record(0), odd) is None
    assert replies(desks.record(0)) == {}


def test_text_that_says_what_the_other_sides_text_says_accepts_it_where_that_is_the_rule(desks: TwoDesks) -> None:
    offer = text(desks, 0, "the same")
    desks.deliver_all()
    echo = text(desks, 1, "the same")
    slot = seen_by(desks, 1)
    assert (slot.stands, slot.acceptance) == (offer, echo)
    plain = settle(desks.record(1), [offer, echo])
    assert plain.on_table == (offer, echo)


def test_texts_that_say_the_same_and_crossed_accept_nothing(desks: TwoDesks) -> None:
    text(desks, 0, "the same")
    text(desks, 1, "the same")
    desks.deliver_all()
    assert seen_by(desks, 0).agreed is None
    assert seen_by(desks, 0).waits_for == {0, 1}


def test_further_reason_of_the_caller_refuses_an_acceptance(desks: TwoDesks) -> None:
    offer = text(desks, 0)
    desks.deliver_all()
    acceptance = desks.accept(1, offer)
    slot = settle(desks.record(1), [offer], fits=lambda *_: Why.NO_SUCH_DATE)
    assert reasons(slot) == {acceptance.name: Why.NO_SUCH_DATE}


def test_acceptance_issued_again_in_a_new_pair_is_judged_by_what_its_author_had_seen_first(desks: TwoDesks) -> None:
    """Side 1 accepted, and then got the withdrawal; the acceptance itself arrived only as a copy."""
    offer = text(desks, 0)
    desks.deliver_all()
    desks.withdraw(0, offer)
    desks.accept(1, offer)
    assert seen_by(desks, 1).stands == offer
    desks.deliver(0)
    desks.begin_pair(copied=1)
    assert seen_by(desks, 1).stands == offer
    desks.deliver_all()
    assert seen_by(desks, 0).stands == seen_by(desks, 1).stands == offer


def test_acceptance_that_arrived_holds_when_the_text_is_issued_again_for_its_clock(desks: TwoDesks) -> None:
    offer = text(desks, 0)
    desks.deliver_all()
    desks.accept(1, offer)
    desks.deliver_all()
    desks.begin_pair(copied=1)
    desks.deliver_all()
    assert seen_by(desks, 0).stands == seen_by(desks, 1).stands == offer


def test_reference_to_a_copy_names_the_entry(desks: TwoDesks) -> None:
    offer = text(desks, 0)
    desks.begin_pair()
    desks.deliver_all()
    copy = Name(0, 2, 2, 0)
    acceptance = desks.say(1, ACCEPTANCE, {1: refer(1, copy), 2: offer.digest}, copy)
    slot = seen_by(desks, 1)
    assert slot.acceptance == acceptance
    assert slot.stands is not None
    assert slot.stands.name == offer.name


# Any history. One step: who, what, and a number to choose by.

ACTS = ("text", "accept", "accept", "accept", "decline", "withdraw", "word", "deliver", "deliver", "bad", "pair")
STEPS = st.lists(st.tuples(st.integers(0, 1), st.sampled_from(ACTS), st.integers(0, 7)), max_size=40)


def play(desks: TwoDesks, side: int, act: str, choice: int) -> None:
    texts = list(desks.record(side).of_kind(COMMITMENT))
    chosen = texts[-1 - choice % len(texts)]
    if act == "text":
        text(desks, side, ("by spring", "the same")[choice % 2], exercise=choice == 7)
    elif act == "accept":
        theirs = [offer for offer in texts if offer.side != side]
        if theirs:
            desks.accept(side, theirs[-1 - choice // 3 % len(theirs)])
    elif act == "decline":
        desks.decline(side, chosen)
    elif act == "withdraw":
        desks.withdraw(side, chosen)
    elif act == "word":
        desks.word(side)
    elif act == "deliver":
        desks.deliver(side, 1 + choice)
    elif act == "pair":
        desks.begin_pair(copied=choice % 3)
    else:
        play_bad(desks, side, chosen, choice)


def play_bad(desks: TwoDesks, side: int, chosen: Move, choice: int) -> None:
    """Moves that no honest desk makes."""
    unheard = [*desks.said[1 - side], chosen][-1]
    odd = (
        {1: refer(side, chosen.name), 2: bytes(32)},
        {1: refer(side, Name(1 - side, 1, 1, 10_000 + choice)), 2: chosen.digest},
        {1: refer(side, unheard.name), 2: unheard.digest},
        {1: refer(side, chosen.name), 2: chosen.digest},
    )
    desks.say(side, ACCEPTANCE, odd[choice % 4], exercise=choice == 7)


def histories(steps: list[tuple[int, str, int]], first: int) -> Iterator[TwoDesks]:
    """The desks after each step; a first text is known to both."""
    desks = TwoDesks()
    text(desks, first)
    desks.deliver_all()
    for step in steps:
        play(desks, *step)
        yield desks
    for _ in range(2):
        desks.deliver_all()
        yield desks
        desks.word(0)
        desks.word(1)
    desks.deliver_all()
    yield desks


def shuffled(record: Record, seed: int) -> Record:
    moves = list(record.moves.items())
    random.Random(seed).shuffle(moves)
    return Record(dict(moves), record.aliases, record.horizon)


@pytest.mark.slow
@settings(max_examples=100)
@given(STEPS, st.integers(0, 1))
@example([(0, "text", 0), (1, "text", 0), (0, "deliver", 7), (1, "deliver", 7), (0, "accept", 0), (1, "accept", 0)], 0)
def test_what_is_certain_at_one_desk_is_never_otherwise_at_either(steps: list[tuple[int, str, int]], first: int) -> None:
    check_certain(steps, first)


@pytest.mark.slow
@settings(max_examples=2000)
@given(STEPS, st.integers(0, 1))
def test_what_is_certain_is_never_otherwise_in_many_more_histories(steps: list[tuple[int, str, int]], first: int) -> None:
    check_certain(steps, first)


def check_certain(steps: list[tuple[int, str, int]], first: int) -> None:
    certain: set[tuple[Name, Name]] = set()
    was_certain = [False, False]
    held: list[set[Name]] = [set(), set()]
    desks = None
    for desks in histories(steps, first):
        for desk in (0, 1):
            slot = seen_by(desks, desk)
            if slot.stands is not None and slot.acceptance is not None:
                certain.add((slot.stands.name, slot.acceptance.name))
            assert slot.certain or not was_certain[desk]
            was_certain[desk] = slot.certain
            refused = set(reasons(slot))
            assert held[desk] <= refused  # what does not count never counts later
            held[desk] = refused
        assert len(certain) <= 1
    assert desks is not None
    last = seen_by(desks, 0)
    assert last == seen_by(desks, 1)  # both desks hold the same
    assert last == slot_of(shuffled(desks.record(1), len(steps)))
    assert last.certain == (last.agreed is not None)  # each said one more word: nothing stays uncertain
    assert last.waits_for == frozenset() if last.agreed else last.waits_for == waiting(last)
    assert len({offer.side for offer in last.on_table}) == len(last.on_table)


def waiting(slot: Slot) -> frozenset[int]:
    """Said another way: who has not spoken last of the two that have a text on the table."""
    if len(slot.on_table) < 2:
        return frozenset(1 - offer.side for offer in slot.on_table)
    one, other = slot.on_table
    return frozenset({1 - other.side}) if other.saw(one) else frozenset({0, 1})


@pytest.mark.slow
@given(STEPS, st.integers(0, 1))
def test_moves_stand_in_one_order_in_which_none_comes_before_what_it_had_seen(
    steps: list[tuple[int, str, int]], first: int
) -> None:
    for desks in histories(steps, first):
        for desk in (0, 1):
            ordered = in_order(shuffled(desks.record(desk), 1).moves.values())
            assert ordered == in_order(desks.record(desk).moves.values())
            assert list(desks.record(desk).of_kind(ACCEPTANCE)) == [move for move in ordered if move.kind == ACCEPTANCE]
            for at, move in enumerate(ordered):
                assert not any(earlier.saw(move) for earlier in ordered[:at])
