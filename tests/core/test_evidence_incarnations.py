"""Evidence of a later pair of incarnations, in which entries were issued again (rule 30)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.sample_desks import certificate, identity_key
from tests.core.sample_evidence import Talk
from watchline.core.certificate import issue
from watchline.core.entries import Again, Body, EntryType, Notice, Place, Precedence
from watchline.core.evidence import build_evidence, verify_evidence
from watchline.core.evidence_parts import Bundle
from watchline.errors import Malformed

WORDS = Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: "we mean it"}).encode()


def test_what_is_issued_again_keeps_its_number_and_is_acknowledged_by_its_first_place() -> None:
    first, again = Talk(), Talk(incs=(1, 2))
    asked = first.say("b", "airspace-object")
    first.say("b", "airspace-object")
    body = Body.decode(first.entries["b"][asked].body or b"")
    place = again.add("b", EntryType.NOTICE, replace(body, again=Again(1, 1, asked, 1, None)))
    again.add("b", EntryType.NOTICE, again.release("b", body.content))
    first.respond("a", asked)
    response = Body.decode(first.entries["a"].pop().body or b"")
    again.add("a", EntryType.ACKNOWLEDGE, response, place)
    later = issue(identity_key("B"), certificate("B", serial=2, inc=2))
    for shown, counts in (({"a": [1], "b": range(3)}, False), (None, True)):
        old, new = first.bundle() if shown is None else Bundle(first.pairing, (), (), ()), again.bundle(shown)
        both = Bundle(old.pairing, (("b", 2, later.encoded),), (*old.logs, *new.logs), (*old.statuses, *new.statuses))
        entries = {(entry["log"], entry["index"]): entry for entry in verify_evidence(build_evidence(both)).entries}
        assert entries["b-2-1", place]["acknowledged_by"] == [{"log": "a-1-2", "index": 1, "counts": counts}]
        assert [entries["b-2-1", index]["number"] for index in range(3)] == [None, 1, 1]
    hidden = again.bundle(closed={"b": [1]})
    hidden = Bundle(hidden.pairing, (("b", 2, later.encoded),), hidden.logs, hidden.statuses)
    numbers = [entry["number"] for entry in verify_evidence(build_evidence(hidden)).entries if entry["log"] == "b-2-1"]
    assert numbers == [None, None, None]


def test_evidence_tells_whether_an_answer_names_the_first_place_of_what_was_issued_again() -> None:
    talk = Talk(incs=(1, 2))
    issued = talk.release("b", WORDS)
    asked_again = talk.add("b", EntryType.NOTICE, replace(issued, again=Again(1, 1, 1, 1, None)))
    for meant in (Place(2, 1, asked_again), Place(1, 1, 1)):
        talk.add("a", EntryType.NOTICE, talk.release("a", WORDS, EntryType.NOTICE, meant), asked_again)
    plain = talk.bundle()
    later = issue(identity_key("B"), certificate("B", serial=2, inc=2))
    report = verify_evidence(build_evidence(replace(plain, certificates=(("b", 2, later.encoded),))))
    assert report.verified
    released = [entry["released"] for entry in report.entries if entry["log"] == "a-1-2"]
    assert released == [None, False, True]


def test_rule_8_a_release_that_a_later_pair_repeats_without_its_mark_or_with_other_words_does_not_count_again() -> None:
    first, again = Talk(), Talk(incs=(1, 2))
    said = [first.say("b"), first.say("b"), first.say("b")]
    bodies = [Body.decode(first.entries["b"][index].body or b"") for index in said]
    again.add("b", EntryType.NOTICE, replace(bodies[0], again=Again(1, 1, said[0], 1, None)))
    again.add("b", EntryType.NOTICE, bodies[1])
    other = again.release("b", WORDS)
    again.add("b", EntryType.NOTICE, replace(other, nonce=bodies[2].nonce, again=Again(1, 1, said[2], 3, None)))
    again.add("b", EntryType.NOTICE, replace(bodies[0], again=Again(1, 1, said[0], 1, None)))
    later = issue(identity_key("B"), certificate("B", serial=2, inc=2))
    old, new = first.bundle(), again.bundle()
    both = Bundle(old.pairing, (("b", 2, later.encoded),), (*old.logs, *new.logs), (*old.statuses, *new.statuses))
    report = verify_evidence(build_evidence(both))
    assert report.verified
    released = {log: [entry["released"] for entry in report.entries if entry["log"] == log] for log in ("b-1-1", "b-2-1")}
    assert released == {"b-1-1": [None, True, True, True], "b-2-1": [None, True, False, False, False]}


def test_entry_of_a_later_pair_whose_body_cannot_be_read_is_refused_and_releases_no_answer() -> None:
    """Its author signed it so; what refers to it is judged as if it had not been issued again."""
    talk = Talk(incs=(1, 2))
    asked = talk.add("b", EntryType.NOTICE, Body(WORDS))
    talk.add("a", EntryType.NOTICE, talk.release("a", WORDS, EntryType.NOTICE, Place(2, 1, asked)), asked)
    unreadable = UnreadableTalk(incs=(1, 2))
    assert unreadable.add("b", EntryType.NOTICE, Body(WORDS)) == asked
    later = (("b", 2, issue(identity_key("B"), certificate("B", serial=2, inc=2)).encoded),)
    assert verify_evidence(build_evidence(replace(talk.bundle(), certificates=later))).verified
    with pytest.raises(Malformed) as refused:
        build_evidence(replace(unreadable.bundle(), certificates=later))
    assert refused.value.facts["part"] == "logs/b-2-1/entries"


class UnreadableTalk(Talk):
    """A talk in which desk B's notices are no bodies."""

    def add(self, side: str, kind: int, body: Body, re: int | None = None) -> int:
        return super().add(side, kind, Unreadable(body.content) if kind == EntryType.NOTICE else body, re)


class Unreadable(Body):
    """What a node could commit to and sign in the place of a body."""

    def encode(self) -> bytes:
        return b"\xff"
