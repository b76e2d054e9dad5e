"""Readouts side by side: the rule point by point, the talks of February 2023, and that nothing is lost or said twice."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.talks.said import Said, refer
from watchline.core.encoding import Value
from watchline.talks.commitments import commitments
from watchline.talks.moves import COMMITMENT, READOUT, WITHDRAWAL, Move, Name, Record
from watchline.talks.readouts import Compared, Point, Readout, Subject, Thing, Verdict, agenda, compare, counted
from watchline.talks.rounds import rounds

ROUND = Name(0, 1, 1, 0)
Given = tuple[str | None, Sequence[Name]]  # a point: its words, and what it is about
SWAPPED = {Verdict.ONLY_0: Verdict.ONLY_1, Verdict.ONLY_1: Verdict.ONLY_0}


def readout(side: int, points: Sequence[Given], *, at: int = 100, publication: str = "published") -> Move:
    wire = [[text, [refer(side, name) for name in about]] for text, about in points]
    fields: dict[int, Value] = {1: refer(side, ROUND), 7: publication}
    if wire:
        fields[4] = wire
    return Move(Name(side, 1, 1, at), READOUT, fields, 1, at, 100, 1_677_000_000 + at, bytes(32))


def compared(things: Sequence[Thing], ours: Sequence[Given], theirs: Sequence[Given]) -> tuple[Compared, ...]:
    moves = [readout(0, ours), readout(1, theirs)]
    return compare(things, counted(Record.of(moves), moves))


def verdicts(rows: Sequence[Compared]) -> dict[Name, str]:
    return {row.about: row.verdict.value for row in rows}


A, B, C = Name(0, 1, 1, 3), Name(1, 1, 1, 4), Name(0, 1, 1, 5)
ONE = [Thing(A, Subject.ITEM)]


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        ([(None, [A])], [(None, [A])], "both"),
        ([("They spoke.", [A])], [("They spoke.", [A])], "both"),
        ([("They  spoke.\n", [A])], [("They spoke.", [A])], "both"),
        ([("They spoke.", [A])], [("They listened.", [A])], "differently"),
        ([("They spoke.", [A])], [(None, [A])], "differently"),
        ([(None, [A])], [], "only_0"),
        ([], [("They spoke.", [A])], "only_1"),
        ([("  ", [A])], [(None, [A])], "both"),
    ],
)
def test_one_thing_gets_the_verdict_of_the_rule(
    low: list[tuple[str | None, list[Name]]], high: list[tuple[str | None, list[Name]]], verdict: str
) -> None:
    assert verdicts(compared(ONE, low, high)) == {A: verdict}


def test_what_was_agreed_and_stands_in_no_readout_is_said_to_be_in_neither() -> None:
    things = [Thing(A, Subject.COMMITMENT, agreed=True), Thing(B, Subject.ITEM)]
    assert verdicts(compare(things, (None, None))) == {A: "neither"}


def test_point_about_two_things_counts_for_each() -> None:
    rows = compared([Thing(A, Subject.ITEM), Thing(B, Subject.STATEMENT)], [("Both.", [A, B])], [("Both.", [B])])
    assert verdicts(rows) == {A: "only_0", B: "both"}


def test_several_points_about_one_thing_are_read_together() -> None:
    (row,) = compared(ONE, [("First.", [A]), (None, [A]), ("Second.", [A]), ("First.", [A])], [])
    assert row.points == (Point("First.\nSecond.", (A,)), None)


def test_point_about_a_later_text_or_a_carried_notice_is_about_the_thing() -> None:
    things = [Thing(A, Subject.COMMITMENT, also=(B,)), Thing(C, Subject.ITEM, also=(Name(0, 1, 1, 9),))]
    assert verdicts(compared(things, [(None, [B])], [(None, [A]), (None, [Name(0, 1, 1, 9)])])) == {A: "both", C: "only_1"}


def test_notice_that_two_items_carry_counts_for_both() -> None:
    things = [Thing(A, Subject.ITEM, also=(C,)), Thing(B, Subject.ITEM, also=(C,))]
    assert verdicts(compared(things, [(None, [C])], [])) == {A: "only_0", B: "only_0"}


def test_what_is_none_of_the_things_is_listed_last_and_by_itself() -> None:
    rows = compared(ONE, [("Elsewhere.", [B]), (None, [A])], [(None, [C])])
    assert [(row.about, row.kind, row.verdict) for row in rows] == [
        (A, Subject.ITEM, Verdict.ONLY_0),
        (C, Subject.OTHER, Verdict.ONLY_1),
        (B, Subject.OTHER, Verdict.ONLY_0),
    ]


def test_entry_that_was_issued_again_is_the_same_thing() -> None:
    again = Name(1, 2, 1, 0)
    moves = [readout(0, [(None, [A])]), readout(1, [(None, [Name(0, 2, 1, 7)])])]
    record = Record({move.name: move for move in moves}, {Name(0, 2, 1, 7): A, again: B})
    assert verdicts(compare(ONE, counted(record, moves))) == {A: "both"}


def test_newer_readout_replaces_the_one_before() -> None:
    moves = [readout(0, [(None, [A])], at=5), readout(0, [(None, [B])], at=9)]
    assert verdicts(compare(ONE, counted(Record.of(moves), reversed(moves)))) == {B: "only_0"}


def test_confidential_readout_is_compared_until_one_is_published() -> None:
    confidential = readout(0, [("In confidence.", [A])], at=9, publication="confidential")
    published = readout(0, [("In public.", [A])], at=5)

    def chosen(*moves: Move) -> Readout | None:
        return counted(Record.of(moves), moves)[0]

    assert chosen(confidential) == Readout(confidential, (Point("In confidence.", (A,)),), published=False)
    assert chosen(confidential, published) == Readout(published, (Point("In public.", (A,)),), published=True)


def withdrawal(side: int, of: Name, at: int) -> Move:
    fields: dict[int, Value] = {1: refer(side, of), 2: "A mistake."}
    return Move(Name(side, 1, 1, at), WITHDRAWAL, fields, 1, at, 100, 1_677_000_000, bytes(32), of=of)


def test_withdrawn_readout_counts_no_longer_and_does_not_bring_back_what_it_replaced() -> None:
    first, second = readout(0, [(None, [A])], at=5), readout(0, [(None, [B])], at=9)
    record = Record.of([first, second, withdrawal(0, second.name, 11)])
    assert counted(record, [first, second]) == (None, None)


def test_nobody_withdraws_the_readout_of_the_other_side() -> None:
    first = readout(0, [(None, [A])], at=5)
    record = Record.of([first, withdrawal(1, first.name, 11)])
    assert counted(record, [first])[0] == Readout.read(first, record)


# Any agenda and any two readouts. Names are few, so that things meet.
names = st.builds(Name, st.sampled_from([0, 1]), st.just(1), st.just(1), st.integers(0, 7))
points = st.tuples(st.none() | st.sampled_from(["x", "y", " x ", ""]), st.lists(names, min_size=1, max_size=3))
readouts = st.none() | st.lists(points, max_size=6)
things = st.lists(
    st.builds(
        Thing,
        names,
        st.sampled_from([Subject.ITEM, Subject.STATEMENT, Subject.COMMITMENT]),
        st.booleans(),
        st.lists(names, max_size=2).map(tuple),
    ),
    max_size=6,
    unique_by=lambda thing: thing.name,
)


def read(side: int, given: list[tuple[str | None, list[Name]]] | None) -> Readout | None:
    return None if given is None else Readout.read(readout(side, given), Record.of([]))


@pytest.mark.slow
@given(things, readouts, readouts)
def test_swapping_the_sides_swaps_the_verdicts_and_nothing_else(
    agenda: list[Thing], low: list[tuple[str | None, list[Name]]] | None, high: list[tuple[str | None, list[Name]]] | None
) -> None:
    one, other = read(0, low), read(1, high)
    rows, swapped = compare(agenda, (one, other)), compare(agenda, (other, one))
    assert swapped == tuple(
        Compared(row.about, row.kind, SWAPPED.get(row.verdict, row.verdict), (row.points[1], row.points[0])) for row in rows
    )


@pytest.mark.slow
@given(things, readouts, readouts)
def test_each_thing_agreed_or_mentioned_stands_in_the_comparison_exactly_once(
    agenda: list[Thing], low: list[tuple[str | None, list[Name]]] | None, high: list[tuple[str | None, list[Name]]] | None
) -> None:
    rows = compare(agenda, (read(0, low), read(1, high)))
    listed = [row.about for row in rows]
    own = [thing.name for thing in agenda]
    mentioned = {name for given in (low, high) for _, about in given or () for name in about}
    meant = {thing.name for thing in agenda if mentioned & ({thing.name} | (set(thing.also) - set(own)))}
    beside = mentioned - set(own) - {name for thing in agenda for name in thing.also}
    assert sorted(listed) == sorted(meant | beside | {thing.name for thing in agenda if thing.agreed})
    assert [name for name in listed if name in own] == [name for name in own if name in listed]


@pytest.mark.slow
@given(things, readouts, readouts)
def test_no_word_of_either_readout_is_lost(
    agenda: list[Thing], low: list[tuple[str | None, list[Name]]] | None, high: list[tuple[str | None, list[Name]]] | None
) -> None:
    rows = compare(agenda, (read(0, low), read(1, high)))
    for side, given_points in enumerate((low, high)):
        told = [point.text or "" for row in rows if (point := row.points[side]) is not None]
        for text, _ in given_points or ():
            assert any(text in each.split("\n") for each in told) or not (text or "").strip()


# The talks of 22 February 2023: Japan is side 0, China side 1.
STRAIT, BALLOONS, RUSSIA, ISLANDS = (Name(0, 1, 1, at) for at in range(10, 14))
WATER, CHAINS = Name(1, 1, 1, 20), Name(1, 1, 1, 21)
PRINCIPLE, HISTORY, TRACK = (Name(1, 1, 1, at) for at in range(30, 33))
HOTLINE, DIALOGUE = Name(0, 1, 1, 40), Name(1, 1, 1, 41)
SIGHTING = Name(0, 1, 1, 2)
AGENDA = [
    Thing(STRAIT, Subject.ITEM, agreed=True),
    Thing(PRINCIPLE, Subject.STATEMENT),
    Thing(BALLOONS, Subject.ITEM, also=(SIGHTING,)),
    Thing(RUSSIA, Subject.ITEM),
    Thing(ISLANDS, Subject.ITEM),
    Thing(WATER, Subject.ITEM),
    Thing(CHAINS, Subject.ITEM, agreed=True),
    Thing(HISTORY, Subject.STATEMENT),
    Thing(TRACK, Subject.STATEMENT),
    Thing(HOTLINE, Subject.COMMITMENT, agreed=True),
    Thing(DIALOGUE, Subject.COMMITMENT, agreed=True),
]


def test_readouts_of_february_2023_are_told_apart_point_by_point() -> None:
    japan = [
        ("台湾海峡の平和と安定の重要性を強調した。", [STRAIT]),
        ("気球について抗議した。", [SIGHTING]),
        ("ロシアとの軍事協力に懸念を表明した。", [RUSSIA]),
        (None, [ISLANDS]),
        ("ホットラインを春頃に設置すべく努める。", [HOTLINE]),
        (None, [DIALOGUE]),
    ]
    china = [
        (None, [PRINCIPLE]),
        (None, [HISTORY]),
        ("对核污染水排海表示关切。", [WATER]),
        ("要求畅通供应链。", [CHAINS]),
        ("推动两国关系行稳致远，并就直通电话作出努力。", [TRACK, HOTLINE]),
    ]
    rows = compared(AGENDA, japan, china)
    assert verdicts(rows) == {
        STRAIT: "only_0",
        PRINCIPLE: "only_1",
        BALLOONS: "only_0",
        RUSSIA: "only_0",
        ISLANDS: "only_0",
        WATER: "only_1",
        CHAINS: "only_1",
        HISTORY: "only_1",
        TRACK: "only_1",
        HOTLINE: "differently",
        DIALOGUE: "only_0",
    }
    assert [row.about for row in rows] == [thing.name for thing in AGENDA]


def test_readouts_that_both_name_the_hotline_as_it_stands_say_the_same_of_it() -> None:
    rows = compared(AGENDA, [(None, [HOTLINE])], [(None, [HOTLINE])])
    assert verdicts(rows) == {STRAIT: "neither", CHAINS: "neither", HOTLINE: "both", DIALOGUE: "neither"}


def test_agenda_of_a_round_has_each_item_with_what_belongs_under_it_and_then_the_rest() -> None:
    said = Said()
    proposal = said.arranged()
    opening = said.state(0, proposal)
    strait, balloons = said.item(0, proposal), said.item(0, proposal, SIGHTING)
    answer = said.state(1, strait)
    terms: dict[int, Value] = {1: "To try to open a hotline", 2: "agreed_to_try"}
    hotline = said.say(1, COMMITMENT, {**terms, 5: refer(1, proposal.name), 6: refer(1, strait.name)})
    dialogue = said.say(0, COMMITMENT, {**terms, 5: refer(0, proposal.name)})
    said.accept(1, strait)
    counter = said.say(0, COMMITMENT, {**terms, 2: "agreed", 7: refer(0, hotline.name)})
    said.accept(1, counter)
    amended = said.say(1, COMMITMENT, {**terms, 2: "intended", 7: refer(1, counter.name)})
    (round_,) = rounds(said.record)

    assert agenda(round_, [each.history for each in commitments(said.record)]) == (
        Thing(strait.name, Subject.ITEM, agreed=True),
        Thing(answer.name, Subject.STATEMENT),
        Thing(hotline.name, Subject.COMMITMENT, agreed=True, also=(counter.name, amended.name)),
        Thing(balloons.name, Subject.ITEM, also=(SIGHTING,)),
        Thing(opening.name, Subject.STATEMENT),
        Thing(dialogue.name, Subject.COMMITMENT),
    )


def test_readouts_of_a_round_are_compared_over_its_agenda() -> None:
    said = Said()
    proposal = said.arranged()
    strait, water = said.item(0, proposal), said.item(1, proposal)
    said.accept(1, strait)
    said.accept(0, water)
    said.conclude(proposal)
    for side in (0, 1):
        points = [[None, [refer(side, strait.name)]]]
        said.say(side, READOUT, {1: refer(side, proposal.name), 4: points, 7: "published"})
    (round_,) = rounds(said.record)
    assert verdicts(compare(agenda(round_), counted(said.record, round_.readouts))) == {
        strait.name: "both",
        water.name: "neither",
    }
