"""What people are told of the terms of a line, and what a desk refuses to enter for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.amending import releasers
from tests.desk.desk_pair import DeskEnd, DeskPair
from tests.line_pair import party, terms
from watchline.cli import terms as command
from watchline.core.encoding import encode
from watchline.core.entries import Body, EntryType
from watchline.core.persons import assertion_challenge, sign_assertion
from watchline.core.terms import Clocks, Terms
from watchline.desk.api import Api
from watchline.desk.terms_questions import differences, terms_document
from watchline.errors import UsageError


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    joined = DeskPair(tmp_path)
    joined.join()
    for end in (joined.a, joined.b):
        line = end.line.line
        own, peer = releasers(line.setup.own_roster), releasers(line.setup.peer_roster)
        line.take_setup(replace(line.setup, own_roster=own, peer_roster=peer))
    joined.advance(3)
    yield joined
    joined.close()


def ask(end: DeskEnd, method: str, **params: Any) -> dict[str, Any]:
    line = end.line.record.name
    return asyncio.run(Api(end.desk, live=True).call(method, {"line": line, **params}))


def enter(pair: DeskPair, end: DeskEnd, text: Terms, people: int = 2) -> str:
    setup, content = end.line.line.setup, text.encode()
    nonce = sha256(setup.own_id + bytes((end.line.line.outgoing.edge.size,))).digest()[:16]
    challenge = assertion_challenge("terms", setup.line, setup.own_id, nonce, Body(content).digest)
    keys = party(end.desk.facts.name).officers[:people]
    signed = encode([sign_assertion(n, key, challenge).to_value() for n, key in enumerate(keys, start=1)]).hex()
    said = ask(end, "compose", type=int(EntryType.TERMS), content=content.hex(), nonce=nonce.hex(), assertions=signed)
    pair.advance(2)
    return str(said["id"])


def text(**changes: Any) -> Terms:
    return replace(terms(), **{"version": 2, **changes})


def states(end: DeskEnd) -> list[tuple[str, str | None]]:
    return [(entry["state"], entry["waits_for"]) for entry in ask(end, "terms_show")["entries"]]


def test_proposal_is_shown_with_what_it_changes_and_who_can_accept_it(pair: DeskPair) -> None:
    said = enter(pair, pair.a, text(body_days=7))
    (own,) = ask(pair.a, "terms_show")["entries"]
    (seen,) = ask(pair.b, "terms_show")["entries"]
    assert (own["id"], own["waits_for"], seen["waits_for"], seen["by"]) == (said, "theirs", "ours", "Tokyo")
    assert seen["differs"] == [{"setting": "body_days", "before": 90, "after": 7}]
    assert [officer["number"] for officer in seen["officers"]] == [1, 2]


@pytest.mark.slow
def test_accepted_text_is_in_force_since_both_entered_it_and_stays_so_after_a_restart(pair: DeskPair) -> None:
    agreed = text(body_days=7)
    places = [enter(pair, end, agreed) for end in (pair.a, pair.b)]
    for end in (pair.a, pair.b):
        end.restart()
        shown = ask(end, "terms_show")
        assert (shown["in_force"]["version"], shown["in_force"]["body_days"]) == (2, 7)
        assert len(shown["in_force"]["since"]["entries"]) == len(places)
        assert states(end) == [("accepted", None), ("accepted", None)]
        assert ask(end, "line_facts")["terms"] == agreed.encode().hex()


def test_crossing_proposals_name_who_can_accept_which(pair: DeskPair) -> None:
    low, high = sorted((pair.a, pair.b), key=lambda end: end.line.line.setup.own_id)
    pair.cut()
    first, second = text(body_days=5), text(body_days=6)
    enter(pair, low, first)
    enter(pair, high, second)
    pair.join()
    pair.advance(10)
    assert {state for state, _ in states(low)} == {"proposed"}
    enter(pair, low, second)
    for end, side in ((low, "theirs"), (high, "ours")):
        waits = {entry["digest"]: entry["waits_for"] for entry in ask(end, "terms_show")["entries"]}
        assert waits[second.digest.hex()] == side
    enter(pair, high, second)
    assert [ask(end, "terms_show")["in_force"]["body_days"] for end in (low, high)] == [6, 6]
    assert sorted(state for state, _ in states(low)) == ["accepted", "accepted", "accepted", "superseded"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "people", "named"),
    [
        ({"version": 1}, 2, "version 2"),
        ({"status_interval_seconds": 7_200}, 2, "status_interval_seconds"),
        ({"body_days": 7}, 1, "too few officers"),
        ({"body_days": 7}, 0, "nonce|too few"),
    ],
)
def test_text_that_would_count_for_nothing_is_not_entered(
    pair: DeskPair, changes: dict[str, Any], people: int, named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        enter(pair, pair.a, text(**changes), people)
    assert ask(pair.a, "terms_show")["entries"] == []


def test_terms_are_told_in_words_that_a_file_of_changes_takes() -> None:
    document = terms_document(terms())
    assert document["clocks"]["FLASH"] == {"acknowledge_seconds": 600, "answer_seconds": 3_600}
    assert document["forms"]["statement"] == {"acknowledge_seconds": "by-precedence", "answer_seconds": "none"}
    changed = replace(terms(), form_clocks={**terms().form_clocks, "statement": Clocks(60, None)}, languages=("en",))
    assert differences(terms(), changed) == [
        {"setting": "languages", "before": ["en", "ja"], "after": ["en"]},
        {"setting": "forms.statement.acknowledge_seconds", "before": "by-precedence", "after": 60},
    ]


def test_people_read_proposals_of_every_kind(pair: DeskPair, capsys: pytest.CaptureFixture[str]) -> None:
    enter(pair, pair.a, text(body_days=5))
    enter(pair, pair.b, text(body_days=5))
    enter(pair, pair.b, text(version=3, release_people=(1, 1, 1, 2)))
    shown = "\n".join(command._shown(ask(pair.a, "terms_show")))
    assert "Terms of beijing: version 2, in force since" in shown
    assert "waits for this desk: watchline terms accept" in shown
    assert "release_people.FLASH  1  ->  2" in shown
