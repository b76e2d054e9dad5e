"""Rounds of talks: the table, what becomes of moves that crossed, and the day of the first talks after four years."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.talks.two_desks import SOME_DAY, TwoDesks, refer
from watchline.core.encoding import Value
from watchline.talks.agreement import Why
from watchline.talks.moves import (
    ACCEPTANCE,
    ARRANGEMENT,
    CLOSE,
    COMMITMENT,
    COUNTER,
    DECLINE,
    ITEM,
    NOTED,
    PROPOSAL,
    READOUT,
    STATEMENT,
    WITHDRAWAL,
    Move,
    Name,
    Record,
)
from watchline.talks.phases import OVER, TABLE, Act, Phase, Whose
from watchline.talks.rounds import REST_SECONDS, Item, Offer, Round, _Course, _Standing, offered, possible, rounds, why_not

DAY = 86_400
SPRING = [19_417, 19_508, {"en": "around spring", "ja": "春頃"}]  # 1 March to 31 May 2023
TALKS_DAY = SOME_DAY + 30 * DAY

TOKYO, BEIJING = 0, 1


class Talks(TwoDesks):
    """Two desks in one round of talks that side 0 proposes, and the moves they make in it."""

    def __init__(self, *, dates: Sequence[Value] = (TALKS_DAY,), exercise: bool = False) -> None:
        super().__init__()
        fields = {1: "the security of both", 2: "vice_minister", 3: list(dates), 4: "visit", 5: "Tokyo"}
        self.proposal = self.say(0, PROPOSAL, fields, exercise=exercise)
        self.exercise = exercise
        self.deliver_all()

    def arranged(self) -> Talks:
        self.accept(1, self.proposal)
        self.deliver_all()
        return self

    def opened(self) -> Talks:
        self.arranged().speak(0, self.proposal)
        self.deliver_all()
        return self

    def counter(self, side: int, text: Move, **parts: Value) -> Move:
        numbers = {"dates": 2, "mode": 3, "place": 4, "level": 5, "topic": 6}
        fields = {1: refer(side, text.name), **{numbers[part]: value for part, value in parts.items()}}
        return self.say(side, COUNTER, fields, exercise=self.exercise)

    def item(self, side: int, subject: str = "the islands", notices: Sequence[Name] = ()) -> Move:
        fields = {1: refer(side, self.proposal.name), 2: subject}
        if notices:
            fields[4] = [refer(side, notice) for notice in notices]
        return self.say(side, ITEM, fields, exercise=self.exercise)

    def note(self, side: int, item: Move) -> Move:
        return self.say(side, NOTED, {1: refer(side, item.name), 2: "heard"}, item.name, exercise=self.exercise)

    def speak(self, side: int, under: Move, *, to: Move | None = None) -> Move:
        fields = {1: "words", 4: refer(side, under.name), **({} if to is None else {5: refer(side, to.name)})}
        return self.say(side, STATEMENT, fields, exercise=self.exercise)

    def reply(self, side: int, to: Move) -> Move:
        return self.say(side, STATEMENT, {1: "words", 5: refer(side, to.name)}, exercise=self.exercise)

    def commit(self, side: int, terms: str = "a hotline", item: Move | None = None, due: Value = None) -> Move:
        fields = {1: terms, 2: "agreed_to_try", 5: refer(side, self.proposal.name)}
        if item is not None:
            fields[6] = refer(side, item.name)
        return self.say(side, COMMITMENT, {**fields, **({} if due is None else {3: due})}, exercise=self.exercise)

    def read_out(self, side: int, about: Sequence[Name] = ()) -> Move:
        points = [[None, [refer(side, name) for name in about]]]
        fields = {1: refer(side, self.proposal.name), 4: points, 7: "published"}
        return self.say(side, READOUT, fields, exercise=self.exercise)

    def close(self, side: int, outcome: str = "concluded", next_: Value = None) -> Move:
        fields = {1: refer(side, self.proposal.name), 2: outcome, **({} if next_ is None else {3: next_})}
        return self.say(side, CLOSE, fields, exercise=self.exercise)

    def round(self, desk: int = 0) -> Round:
        return rounds(self.record(desk))[0]

    def settled(self) -> Round:
        """The round after everything has arrived; it is the same at both desks."""
        self.deliver_all()
        assert self.round(0) == self.round(1)
        return self.round(0)


def reasons(round_: Round) -> dict[Name, Why]:
    return {refused.move.name: refused.why for refused in round_.refused}


def states(round_: Round) -> list[str]:
    return [item.state for item in round_.items]


# The table


def test_table_has_an_entry_for_every_phase_act_and_whose() -> None:
    whose: tuple[Whose, ...] = ("own", "other")
    assert set(TABLE) == {(phase, act, side) for phase in Phase for act in Act for side in whose}


def test_no_phase_follows_one_that_is_over() -> None:
    assert {TABLE[key] for key in TABLE if key[0] in OVER} - {None} == {Phase.CONCLUDED, Phase.ADJOURNED, Phase.ABANDONED}
    assert all(TABLE[key] in {None, key[0]} for key in TABLE if key[0] in OVER)


def test_every_phase_but_interrupted_can_be_reached() -> None:
    reached, found = {Phase.PROPOSED}, set[Phase]()
    while reached != found:
        found = set(reached)
        reached |= {after for (phase, _, _), after in TABLE.items() if phase in found and after is not None}
    assert found == set(Phase) - {Phase.INTERRUPTED}


# From the proposal to the agenda


def test_proposal_waits_for_the_other_side() -> None:
    round_ = Talks().settled()
    assert (round_.phase, round_.waits_for) == (Phase.PROPOSED, frozenset({1}))
    assert (round_.date, round_.next, round_.resumes) == (None, None, None)


def test_accepted_proposal_is_arranged_and_both_may_speak() -> None:
    talks = Talks().arranged()
    round_ = talks.settled()
    assert (round_.phase, round_.waits_for, round_.date) == (Phase.ARRANGED, frozenset({0, 1}), TALKS_DAY)
    assert possible(round_, 1) == {ITEM, STATEMENT, COMMITMENT, ARRANGEMENT, CLOSE}


def test_counter_proposal_keeps_what_it_leaves_out_and_is_accepted_by_the_proposer() -> None:
    talks = Talks(dates=[TALKS_DAY, TALKS_DAY + DAY])
    counter = talks.counter(1, talks.proposal, dates=[TALKS_DAY + 7 * DAY], place="Beijing")
    assert talks.settled().waits_for == {0}
    assert offered(talks.record(0), counter) == Offer(
        "the security of both", "vice_minister", (TALKS_DAY + 7 * DAY,), "visit", "Beijing"
    )
    talks.accept(0, counter)
    talks.deliver_all()
    talks.word(1)
    assert talks.settled().date == TALKS_DAY + 7 * DAY


def test_acceptance_names_one_of_several_dates_offered() -> None:
    talks = Talks(dates=[TALKS_DAY, SPRING])
    open_date, other_date = talks.accept(1, talks.proposal), talks.accept(1, talks.proposal, TALKS_DAY + 1)
    assert reasons(talks.settled()) == {open_date.name: Why.NO_SUCH_DATE, other_date.name: Why.NO_SUCH_DATE}
    talks.accept(1, talks.proposal, SPRING)
    assert talks.settled().date == SPRING


def test_declined_proposal_ends_the_round_unless_another_text_is_on_the_table() -> None:
    talks = Talks()
    counter = talks.counter(1, talks.proposal, mode="video")
    talks.deliver_all()
    talks.decline(0, counter)
    assert (talks.settled().phase, talks.settled().waits_for) == (Phase.PROPOSED, frozenset({1}))
    talks.decline(1, talks.proposal)
    assert (talks.settled().phase, talks.settled().waits_for) == (Phase.DECLINED, frozenset())
    late = talks.counter(1, talks.proposal, mode="text")
    assert reasons(talks.settled()) == {late.name: Why.AFTER_THE_CLOSE}


def test_withdrawn_proposal_ends_the_round() -> None:
    talks = Talks()
    talks.withdraw(0, talks.proposal)
    assert talks.settled().phase == Phase.WITHDRAWN


def test_counter_proposal_that_crossed_with_the_decline_keeps_the_round_alive() -> None:
    talks = Talks()
    talks.decline(1, talks.proposal)
    assert talks.round(1).phase == Phase.DECLINED
    talks.counter(0, talks.proposal, mode="text")
    assert talks.settled().phase == Phase.PROPOSED


def test_item_before_the_round_is_arranged_does_not_count() -> None:
    talks = Talks()
    item = talks.item(0)
    talks.speak(1, talks.proposal)
    talks.deliver_all()
    talks.accept(1, item)
    round_ = talks.settled()
    assert set(reasons(round_).values()) == {Why.NOT_IN_THIS_PHASE, Why.UNKNOWN}
    assert round_.items == ()


def test_move_that_names_no_talks_is_refused_and_one_that_is_no_business_of_rounds_is_not() -> None:
    talks = Talks().arranged()
    nowhere = Name(0, 7, 7, 7)
    assert talks.say(1, ITEM, {1: refer(1, nowhere), 2: "?"}) is not None
    outside = [
        talks.say(1, COMMITMENT, {1: "to talk", 2: "intended"}),
        talks.say(1, STATEMENT, {1: "good day"}),
    ]
    record = talks.record(1)
    assert why_not(record, talks.said[1][-3]) == Why.UNKNOWN_ROUND
    assert [why_not(record, move) for move in outside] == [None, None]
    assert talks.settled().commitments == ()


def test_move_of_an_exercise_does_not_count_in_real_talks_nor_the_other_way_round() -> None:
    for exercise in (False, True):
        talks = Talks(exercise=exercise).opened()
        talks.exercise = not exercise
        moves = [talks.item(0), talks.speak(1, talks.proposal), talks.close(0), talks.close(0, "abandoned")]
        assert reasons(talks.settled()) == dict.fromkeys((move.name for move in moves), Why.EXERCISE)
        assert talks.settled().phase == Phase.OPEN


# Items, statements, commitments


def test_item_is_raised_until_it_is_answered_and_the_last_answer_counts() -> None:
    talks = Talks().arranged()
    item = talks.item(0)
    assert (talks.settled().phase, talks.settled().waits_for, states(talks.settled())) == (
        Phase.OPEN,
        frozenset({1}),
        ["raised"],
    )
    noted = talks.note(1, item)
    assert talks.settled().items == (Item(item, "noted", noted, (), (), ()),)
    declined = talks.decline(1, item)
    assert talks.settled().items == (Item(item, "noted", declined, (), (), ()),)
    agreed = talks.accept(1, item)
    late = [talks.note(1, item), talks.decline(1, item)]
    assert talks.settled().items == (Item(item, "agreed", agreed, (), (), ()),)
    assert reasons(talks.settled()) == dict.fromkeys((move.name for move in late), Why.SETTLED)


def test_item_is_withdrawn_by_its_author_before_it_was_agreed() -> None:
    talks = Talks().arranged()
    first, second = talks.item(0, "one"), talks.item(0, "two")
    talks.deliver_all()
    talks.accept(1, second)
    talks.deliver_all()
    talks.withdraw(0, first)
    late = talks.withdraw(0, second)
    talks.deliver_all()
    unheard = talks.note(1, first)
    assert states(talks.settled()) == ["withdrawn", "agreed"]
    assert reasons(talks.settled()) == {late.name: Why.SETTLED, unheard.name: Why.WITHDRAWN}


def test_withdrawal_of_an_item_that_crossed_with_its_acceptance_comes_too_late() -> None:
    talks = Talks().arranged()
    item = talks.item(0)
    talks.deliver_all()
    agreed = talks.accept(1, item)
    talks.withdraw(0, item)
    assert states(talks.round(0)) == ["withdrawn"]
    assert talks.settled().items == (Item(item, "agreed", agreed, (), (), ()),)


def test_own_item_can_be_neither_agreed_nor_noted() -> None:
    talks = Talks().arranged()
    item = talks.item(0)
    moves = [talks.accept(0, item), talks.note(0, item), talks.decline(0, item)]
    assert reasons(talks.settled()) == dict.fromkeys((move.name for move in moves), Why.OWN_TEXT)


def test_acceptance_of_an_item_with_another_digest_does_not_count() -> None:
    talks = Talks().arranged()
    item = talks.item(0)
    talks.deliver_all()
    wrong = talks.say(1, ACCEPTANCE, {1: refer(1, item.name), 2: bytes(32)}, item.name)
    assert reasons(talks.settled()) == {wrong.name: Why.WRONG_DIGEST}


def test_statement_belongs_to_the_item_that_it_is_under_or_that_what_it_replies_to_is_under() -> None:
    talks = Talks().arranged()
    item = talks.item(0, notices=[Name(0, 1, 1, 700)])
    talks.deliver_all()
    under = talks.speak(1, item)
    talks.deliver_all()
    reply = talks.reply(0, under)
    talks.deliver_all()
    reply_to_reply = talks.reply(1, reply)
    elsewhere = talks.speak(1, talks.proposal, to=reply)
    commitment = talks.commit(0, item=item)
    round_ = talks.settled()
    assert round_.items[0].statements == (under, reply, reply_to_reply)
    assert round_.items[0].commitments == round_.commitments == (commitment.name,)
    assert round_.items[0].notices == (Name(0, 1, 1, 700),)
    assert set(round_.statements) == {under, reply, reply_to_reply, elsewhere}


def test_open_round_waits_for_who_has_an_item_or_a_commitment_to_answer() -> None:
    talks = Talks().arranged()
    item, commitment = talks.item(0), talks.commit(1)
    assert talks.settled().waits_for == {0, 1}
    talks.note(1, item)
    assert talks.settled().waits_for == {0}
    talks.accept(0, commitment)
    assert talks.settled().waits_for == {0, 1}
    assert reasons(talks.settled()) == {}


def test_later_text_of_a_commitment_is_no_commitment_of_its_own() -> None:
    talks = Talks().arranged()
    first = talks.commit(0)
    talks.deliver_all()
    fields = {1: "two hotlines", 2: "agreed", 5: refer(1, talks.proposal.name)}
    talks.say(1, COMMITMENT, {**fields, 7: refer(1, first.name)})
    talks.say(1, COMMITMENT, fields, first.name)
    assert talks.settled().commitments == (first.name,)
    assert talks.settled().waits_for == {0}


def test_standing_arrangement_that_names_the_round_is_offered_in_it() -> None:
    talks = Talks().arranged()
    arrangement = talks.say(1, ARRANGEMENT, {1: "dialogue", 9: refer(1, talks.proposal.name)})
    assert talks.settled().arrangements == (arrangement.name,)


def test_note_of_what_is_no_item_does_not_count() -> None:
    talks = Talks().opened()
    moves = [talks.note(1, talks.proposal), talks.note(1, talks.said[0][-1]), talks.accept(1, talks.said[0][-1])]
    assert reasons(talks.settled()) == dict.fromkeys((move.name for move in moves), Why.UNKNOWN)


# Closing


def test_round_is_concluded_by_both_sides_alone() -> None:
    talks = Talks().opened()
    close = talks.close(0)
    assert (talks.settled().phase, talks.settled().waits_for) == (Phase.CLOSING, frozenset({1}))
    talks.accept(1, close)
    assert (talks.settled().phase, talks.settled().waits_for) == (Phase.CONCLUDED, frozenset())


def test_who_says_concluded_knowing_that_the_other_side_did_has_accepted() -> None:
    talks = Talks().opened()
    close = talks.close(0)
    talks.deliver_all()
    talks.close(1)
    assert talks.settled().phase == Phase.CONCLUDED
    assert talks.settled().closing.stands == close


def test_two_closings_that_crossed_wait_for_both_and_either_accepts() -> None:
    talks = Talks().opened()
    talks.close(0)
    close = talks.close(1)
    assert (talks.settled().phase, talks.settled().waits_for) == (Phase.CLOSING, frozenset({0, 1}))
    talks.accept(0, close)
    assert talks.settled().phase == Phase.CLOSING  # side 1 may have accepted the other one meanwhile
    assert talks.round(0).waits_for == frozenset()
    assert possible(talks.round(0), 0) == {READOUT}
    late = talks.item(0)  # however side 1 has answered, the round is closed
    assert reasons(talks.round(0)) == {late.name: Why.AFTER_THE_CLOSE}
    talks.word(1)
    assert talks.settled().phase == Phase.CONCLUDED


def test_adjourned_round_says_when_it_goes_on_and_needs_one_text() -> None:
    talks = Talks().opened()
    talks.close(0, "adjourned", SPRING)
    talks.deliver_all()
    other = talks.close(1, "adjourned", TALKS_DAY)
    assert (talks.settled().phase, talks.settled().waits_for) == (Phase.CLOSING, frozenset({0}))
    talks.accept(0, other)
    talks.deliver_all()
    talks.word(1)
    assert (talks.settled().phase, talks.settled().next) == (Phase.ADJOURNED, TALKS_DAY)


def test_declined_closing_opens_the_round_again() -> None:
    talks = Talks().opened()
    close = talks.close(0)
    talks.deliver_all()
    unready = talks.item(1)
    talks.decline(1, close)
    item = talks.item(1)
    round_ = talks.settled()
    assert round_.phase == Phase.OPEN
    assert reasons(round_) == {unready.name: Why.NOT_IN_THIS_PHASE}
    assert [each.move for each in round_.items] == [item]


def test_withdrawn_closing_opens_the_round_again() -> None:
    talks = Talks().opened()
    talks.withdraw(0, talks.close(0))
    assert talks.settled().phase == Phase.OPEN


def test_of_two_closings_one_declined_or_withdrawn_leaves_the_other() -> None:
    talks = Talks().opened()
    ours, theirs = talks.close(0), talks.close(1, "adjourned", SPRING)
    talks.deliver_all()
    talks.decline(0, theirs)
    assert (talks.settled().phase, talks.settled().waits_for) == (Phase.CLOSING, frozenset({1}))
    talks.withdraw(0, ours)
    assert talks.settled().phase == Phase.OPEN


@pytest.mark.parametrize("side", [0, 1])
def test_one_sides_word_abandons_the_round(side: int) -> None:
    talks = Talks().opened()
    word = talks.close(side, "abandoned")
    talks.deliver_all()
    late = [talks.speak(1 - side, talks.proposal), talks.close(1 - side), talks.accept(1 - side, word)]
    assert talks.settled().phase == Phase.ABANDONED
    assert reasons(talks.settled()) == dict.fromkeys((move.name for move in late), Why.AFTER_THE_CLOSE)


def test_round_that_both_closed_is_closed_although_one_abandoned_it_unknowing() -> None:
    talks = Talks().opened()
    close = talks.close(0)
    talks.deliver_all()
    talks.accept(1, close)
    talks.close(0, "abandoned")
    assert talks.round(0).phase == Phase.ABANDONED
    assert talks.settled().phase == Phase.CONCLUDED


def test_nothing_but_readouts_counts_after_the_close() -> None:
    talks = Talks().opened()
    item = talks.item(0)
    talks.close(0)
    talks.deliver_all()
    talks.close(1)
    talks.deliver_all()
    readout = talks.read_out(1)
    late = [talks.item(0), talks.speak(1, item), talks.note(1, item), talks.commit(0), talks.close(0, "abandoned")]
    round_ = talks.settled()
    assert round_.readouts == (readout,)
    assert reasons(round_) == dict.fromkeys((move.name for move in late), Why.AFTER_THE_CLOSE)
    assert possible(round_, 0) == possible(round_, 1) == {READOUT}


# What crossed


def test_two_proposals_crossing_are_two_rounds_and_two_counter_proposals_crossing_are_settled_once() -> None:
    talks = Talks()
    own = talks.say(1, PROPOSAL, {1: "trade", 2: "expert", 3: [TALKS_DAY], 4: "video"})
    other = talks.say(0, PROPOSAL, {1: "trade", 2: "expert", 3: [TALKS_DAY], 4: "visit"})
    talks.deliver_all()
    assert [each.name for each in rounds(talks.record(0))] == [talks.proposal.name, other.name, own.name]
    assert rounds(talks.record(0)) == rounds(talks.record(1))
    by_0, by_1 = talks.counter(0, talks.proposal, mode="video"), talks.counter(1, talks.proposal, mode="text")
    assert talks.settled().waits_for == {0, 1}
    talks.accept(0, by_1)
    assert talks.round(0).date is None
    talks.accept(1, by_0)
    assert talks.round(1).arrangement.stands == by_0
    assert talks.settled().arrangement.stands == by_0
    assert talks.settled().phase == Phase.ARRANGED


def test_acceptance_of_a_superseded_proposal_counts_only_if_it_crossed_with_the_newer_one() -> None:
    talks, knowing = Talks(), Talks()
    talks.counter(0, talks.proposal, mode="video")
    talks.accept(1, talks.proposal)
    assert talks.settled().arrangement.stands == talks.proposal
    knowing.counter(0, knowing.proposal, mode="video")
    knowing.deliver_all()
    late = knowing.accept(1, knowing.proposal)
    assert reasons(knowing.settled()) == {late.name: Why.SUPERSEDED}
    assert knowing.settled().phase == Phase.PROPOSED


def test_amendment_after_acceptance_does_not_change_what_was_arranged() -> None:
    talks = Talks()
    talks.accept(1, talks.proposal)
    crossed = talks.counter(0, talks.proposal, mode="video")
    talks.deliver_all()
    knowing = talks.counter(0, talks.proposal, mode="text")
    round_ = talks.settled()
    assert round_.arrangement.stands == talks.proposal
    assert round_.arrangement.crossed == (crossed,)
    assert reasons(round_) == {knowing.name: Why.SETTLED}


def test_item_added_while_the_other_side_closes_counts_and_stays_open() -> None:
    talks = Talks().opened()
    close = talks.close(0)
    item = talks.item(1)
    talks.deliver_all()
    talks.withdraw(0, close)
    again = talks.close(0)
    talks.deliver_all()
    talks.accept(1, again)
    last = talks.item(0, "unheard")  # crossed with the acceptance, but after this side's own word to close
    round_ = talks.settled()
    assert round_.phase == Phase.CONCLUDED
    assert [(each.move, each.state) for each in round_.items] == [(item, "raised")]
    assert reasons(round_) == {last.name: Why.NOT_IN_THIS_PHASE}


# Time


@pytest.mark.parametrize("phase", [Phase.PROPOSED, Phase.OPEN, Phase.CLOSING])
def test_round_in_which_nothing_is_said_for_long_is_interrupted(phase: Phase) -> None:
    talks = Talks(dates=[SOME_DAY])
    if phase != Phase.PROPOSED:
        talks.opened()
    if phase == Phase.CLOSING:
        talks.close(1)
    round_ = talks.settled()
    since = round_.last.time + REST_SECONDS
    assert (round_.phase, round_.at(since - 1), round_.interrupted_since(since - 1)) == (phase, phase, None)
    assert (round_.at(since), round_.interrupted_since(since + DAY)) == (Phase.INTERRUPTED, since)


def test_round_arranged_for_a_day_far_ahead_is_not_interrupted_before_it() -> None:
    talks = Talks(dates=[SPRING]).arranged()
    round_ = talks.settled()
    last_second = 19_509 * DAY + 12 * 3600 - 1
    assert round_.rests_at == last_second + REST_SECONDS


def test_round_that_is_over_is_never_interrupted() -> None:
    talks = Talks().opened()
    talks.close(0, "abandoned")
    assert talks.settled().at(SOME_DAY + 10_000 * DAY) == Phase.ABANDONED


def test_adjourned_round_is_interrupted_when_the_time_agreed_is_over_and_no_round_resumes_it() -> None:
    talks = Talks().opened()
    close = talks.close(0, "adjourned", SPRING)
    talks.deliver_all()
    talks.accept(1, close)
    round_ = talks.settled()
    over = 19_509 * DAY + 12 * 3600
    assert (round_.at(over - 1), round_.at(over)) == (Phase.ADJOURNED, Phase.INTERRUPTED)


def test_four_years_without_talks_end_with_an_arranged_round_that_resumes_them() -> None:
    talks = Talks(dates=[SOME_DAY]).opened()
    later = talks.settled().last.time + 4 * 365 * DAY
    assert talks.settled().at(later) == Phase.INTERRUPTED
    talks.time = later
    fields = {1: "the security of both", 2: "vice_minister", 3: [later + DAY], 4: "visit"}
    again = talks.say(1, PROPOSAL, {**fields, 6: refer(1, talks.proposal.name)})
    assert talks.settled().at(later) == Phase.INTERRUPTED
    talks.deliver_all()
    talks.accept(0, again)
    talks.deliver_all()
    before, resumed = rounds(talks.record(1))
    assert (before.resumed_by, resumed.resumes) == (resumed.name, before.name)
    assert (before.at(later), before.interrupted_since(later)) == (Phase.OPEN, None)


def test_talks_are_not_resumed_by_an_exercise_or_by_talks_that_they_resume_themselves() -> None:
    talks = Talks(dates=[SOME_DAY]).opened()
    fields = {1: "again", 2: "expert", 3: [TALKS_DAY], 4: "text", 6: refer(1, talks.proposal.name)}
    drill = talks.say(1, PROPOSAL, fields, exercise=True)
    loop = talks.say(1, PROPOSAL, {**fields, 6: refer(1, Name(1, 1, 1, len(talks.said[1])))})
    talks.deliver_all()
    talks.accept(0, drill)
    talks.accept(0, loop)
    assert talks.settled().resumed_by is None
    assert [each.resumed_by for each in rounds(talks.record(0))] == [None, None, None]


# The day


def test_the_first_talks_after_four_years_from_proposal_to_two_readouts() -> None:
    """22 February 2023, Tokyo: what each side raised, the two commitments, and each side's readout."""
    talks = Talks(dates=[SOME_DAY, SPRING])
    talks.accept(BEIJING, talks.proposal, SOME_DAY)
    talks.deliver_all()
    by_tokyo = ["balloons", "engagement rules", "live-fire closure", "drills with Russia", "the islands", "Taiwan Strait"]
    by_beijing = ["defence spending", "one-China principle", "water of Fukushima", "supply chains", "Cold War mentality"]
    sighting = Name(TOKYO, 1, 1, 900)
    items = {name: talks.item(TOKYO, name, [sighting] if name == "balloons" else []) for name in by_tokyo}
    items |= {name: talks.item(BEIJING, name) for name in by_beijing}
    assert talks.settled().waits_for == {TOKYO, BEIJING}
    for name in by_tokyo:
        talks.note(BEIJING, items[name])
    for name in by_beijing:
        talks.note(TOKYO, items[name])
    talks.accept(TOKYO, items["supply chains"])
    concern = talks.speak(TOKYO, items["balloons"])
    talks.deliver_all()
    talks.reply(BEIJING, concern)
    talks.speak(BEIJING, talks.proposal)
    hotline = talks.commit(TOKYO, "to try to establish a direct communication hotline", due=SPRING)
    dialogue = talks.commit(BEIJING, "to strengthen dialogue between senior security officials")
    talks.deliver_all()
    talks.accept(BEIJING, hotline)
    talks.accept(TOKYO, dialogue)
    talks.deliver_all()
    readout = talks.read_out(TOKYO, [items["Taiwan Strait"].name, hotline.name, dialogue.name])
    other = talks.read_out(BEIJING, [items["one-China principle"].name, items["supply chains"].name])
    close = talks.close(TOKYO)
    talks.deliver_all()
    talks.accept(BEIJING, close)

    round_ = talks.settled()
    assert (round_.phase, round_.date, round_.refused) == (Phase.CONCLUDED, SOME_DAY, ())
    assert {item.move.fields[2]: item.state for item in round_.items} == {
        **dict.fromkeys([*by_tokyo, *by_beijing], "noted"),
        "supply chains": "agreed",
    }
    assert set(round_.commitments) == {hotline.name, dialogue.name}
    assert set(round_.readouts) == {readout, other}
    assert len(round_.statements) == 3
    balloons = next(item for item in round_.items if item.move == items["balloons"])
    assert (len(balloons.statements), balloons.notices) == (2, (sighting,))


def test_round_of_50_items_and_500_statements_judges_few_phases(monkeypatch: pytest.MonkeyPatch) -> None:
    """A phase is judged once for all moves whose authors had seen the same of what it depends on."""
    judged: list[_Standing] = []
    stand = _Course.stand

    def counted(course: _Course, moves: Iterable[Move]) -> _Standing:
        judged.append(stand(course, moves))
        return judged[-1]

    monkeypatch.setattr(_Course, "stand", counted)
    talks = Talks().arranged()
    items = [talks.item(at % 2) for at in range(50)]
    talks.deliver_all()
    for at in range(500):
        talks.speak(at % 2, items[at % 50])
        if at % 7 == 0:
            talks.deliver_all()
    talks.deliver_all()
    round_ = talks.round()
    assert (len(round_.items), len(round_.statements), round_.refused) == (50, 500, ())
    assert len(judged) < 10


# Any history. One step: who, what, and a number to choose by.

ACTS = (
    COUNTER,
    ITEM,
    NOTED,
    STATEMENT,
    COMMITMENT,
    READOUT,
    CLOSE,
    "accept",
    "accept",
    DECLINE,
    WITHDRAWAL,
    "deliver",
    "deliver",
)
STEPS = st.lists(st.tuples(st.integers(0, 1), st.sampled_from((*ACTS, "pair", "word")), st.integers(0, 11)), max_size=40)
OUTCOMES = ("concluded", "adjourned", "concluded", "abandoned")


def play(talks: Talks, side: int, act: str, choice: int) -> Move | None:
    held = [move for move in talks.record(side).moves.values() if move.kind in {PROPOSAL, COUNTER, ITEM, CLOSE}]
    held.sort(key=lambda move: move.time)
    chosen = held[-1 - choice % len(held)]
    talks.exercise = choice == 11
    texts = [move for move in held if move.kind in {PROPOSAL, COUNTER}]
    if act == "deliver":
        talks.deliver(side, 1 + choice)
    elif act == "word":
        talks.word(side)
    elif act == "pair":
        talks.begin_pair(copied=choice % 3)
    elif act == COUNTER:
        return talks.counter(side, texts[-1 - choice % len(texts)], mode="video")
    elif act == CLOSE:
        return talks.close(side, OUTCOMES[choice % 4])
    elif act == "accept":
        theirs = [move for move in held if move.side != side]
        return talks.accept(side, theirs[-1 - choice // 3 % len(theirs)], exercise=talks.exercise) if theirs else None
    elif act in {DECLINE, WITHDRAWAL}:
        return (talks.decline if act == DECLINE else talks.withdraw)(side, chosen)
    elif act == ITEM:
        return talks.item(side)
    elif act == NOTED:
        return talks.note(side, chosen)
    elif act == STATEMENT:
        return talks.speak(side, chosen if chosen.kind == ITEM else talks.proposal)
    elif act == COMMITMENT:
        return talks.commit(side)
    else:
        return talks.read_out(side)
    return None


def histories(steps: list[tuple[int, str, int]]) -> Iterator[Talks]:
    talks = Talks()
    for step in steps:
        play(talks, *step)
        yield talks
    for _ in range(2):
        talks.deliver_all()
        yield talks
        talks.word(0)
        talks.word(1)
    talks.deliver_all()
    yield talks


def shuffled(record: Record) -> Record:
    moves = list(record.moves.items())
    random.Random(len(moves)).shuffle(moves)
    return Record(dict(moves), record.aliases, record.horizon)


def agreements(round_: Round) -> dict[object, object]:
    """Everything that a desk shows as agreed in a round."""
    found: dict[object, object] = {item.move.name: "agreed" for item in round_.items if item.state == "agreed"}
    if round_.arrangement.stands is not None:
        found["arrangement"] = round_.arrangement.stands.name, round_.date
    if round_.closing.stands is not None:
        found["closing"] = round_.closing.stands.name, round_.phase, round_.next
    return found


@pytest.mark.slow
@settings(max_examples=60)
@given(STEPS)
def test_what_a_desk_shows_as_agreed_or_refused_stays_so_at_both_desks(steps: list[tuple[int, str, int]]) -> None:
    check_round(steps)


@pytest.mark.slow
@settings(max_examples=500)
@given(STEPS)
def test_what_is_agreed_or_refused_stays_so_in_many_more_histories(steps: list[tuple[int, str, int]]) -> None:
    check_round(steps)


def check_round(steps: list[tuple[int, str, int]]) -> None:
    agreed: dict[object, object] = {}
    judged: dict[Name, Why | None] = {}
    talks = None
    for talks in histories(steps):
        for desk in (0, 1):
            round_ = talks.round(desk)
            shown = agreements(round_)
            assert all(agreed.setdefault(what, how) == how for what, how in shown.items())
            why = reasons(round_)
            for name, move in talks.record(desk).moves.items():
                if name != move.name or move.kind != PROPOSAL:
                    assert judged.setdefault(name, why.get(name)) == why.get(name)
    assert talks is not None
    last = talks.round(0)
    assert last == talks.round(1) == rounds(shuffled(talks.record(1)))[0]
    assert agreements(last) == agreed  # what either desk showed as agreed ever
    assert last.closing.certain == (last.closing.agreed is not None)
    assert last.arrangement.certain == (last.arrangement.agreed is not None)
    assert bool(last.waits_for) == (last.phase not in OVER)


@pytest.mark.slow
@settings(max_examples=80)
@given(STEPS)
def test_moves_that_do_not_cross_go_by_the_table_and_by_what_is_possible(steps: list[tuple[int, str, int]]) -> None:
    talks = Talks()
    for side, act, choice in steps:
        before = talks.round()
        move = play(talks, side, act, choice)
        if move is None:
            continue
        for _ in range(2):
            talks.deliver_all()
            talks.word(0)
            talks.word(1)
        talks.deliver_all()
        after = talks.round()
        if move.name in reasons(after):
            assert agreements(after) == agreements(before)
            assert after.phase == before.phase
        else:
            assert move.kind in possible(before, side)
            whose: tuple[Whose, ...] = ("own", "other")
            assert after.phase in {TABLE[before.phase, act_, of] for act_ in Act for of in whose}


DOINGS: dict[str, Callable[[Talks, int], Move]] = {
    COUNTER: lambda talks, side: talks.counter(side, talks.proposal, mode="text"),
    ITEM: lambda talks, side: talks.item(side),
    STATEMENT: lambda talks, side: talks.speak(side, talks.proposal),
    COMMITMENT: lambda talks, side: talks.commit(side),
    ARRANGEMENT: lambda talks, side: talks.say(side, ARRANGEMENT, {1: "dialogue", 9: refer(side, talks.proposal.name)}),
    READOUT: lambda talks, side: talks.read_out(side),
    CLOSE: lambda talks, side: talks.close(side),
}


@pytest.mark.slow
@settings(max_examples=50)
@given(STEPS, st.integers(0, 1))
def test_what_is_possible_counts_and_what_is_not_does_not(steps: list[tuple[int, str, int]], side: int) -> None:
    talks = Talks()
    for step in steps:
        play(talks, *step)
    talks.deliver_all()
    talks.exercise = False
    record, can = talks.record(side), possible(talks.round(side), side)
    for kind, make in DOINGS.items():
        move = make(talks, side)
        assert (why_not(record, move) is None) == (kind in can)
        talks.said[side].remove(move)
