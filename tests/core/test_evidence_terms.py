"""Evidence over an amendment: each entry is judged by the terms in force at its place, as far as they are shown."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from tests.core.sample_desks import certificate, identity_key, officer_key, terms
from tests.core.sample_evidence import DESK_OF, Talk
from watchline.core.archive import pack, unpack
from watchline.core.certificate import issue
from watchline.core.entries import Body, Continues, EntryType, Leaf, Precedence, commitment
from watchline.core.evidence import build_evidence, verify_evidence
from watchline.core.evidence_parts import Bundle
from watchline.core.persons import assertion_challenge, sign_assertion
from watchline.core.terms import Terms
from watchline.errors import Malformed

AMENDED = replace(terms(), version=2, release_people=(1, 1, 1, 2))


def enter(talk: Talk, side: str, text: Terms = AMENDED, officers: tuple[int, ...] = (2, 3)) -> int:
    """A TERMS entry that these officers signed."""
    content = text.encode()
    nonce = sha256(b"terms" + side.encode() + len(talk.entries[side]).to_bytes(4, "big")).digest()[:16]
    challenge = assertion_challenge("terms", talk.line, talk.sender(side), nonce, Body(content).digest)
    signed = tuple(sign_assertion(n, officer_key(DESK_OF[side], n), challenge).to_value() for n in officers)
    return talk.add(side, EntryType.TERMS, Body(content, nonce, signed))


def amended() -> Talk:
    """A FLASH of one person before an amendment and one after it, of each desk."""
    talk = Talk()
    talk.say("a", precedence=Precedence.FLASH)
    enter(talk, "a")
    talk.say("a", precedence=Precedence.FLASH)
    enter(talk, "b")
    for side in "ab":
        talk.say(side, precedence=Precedence.FLASH)
    return talk


def released(data: bytes) -> list[object]:
    return [entry["released"] for entry in verify_evidence(data).entries if entry["type"] == "notice"]


def test_entries_are_judged_by_the_terms_in_force_at_their_places() -> None:
    data = build_evidence(amended().bundle())
    report = verify_evidence(data)
    assert report.verified
    assert released(data) == [True, True, False, False]
    told = "version 2 of the terms came into force with entry @2 of Aozora Coast Guard's log 1-1 and entry @1 of"
    assert [fact for fact in report.facts if told in fact]


def test_text_of_one_person_is_shown_not_released_and_judges_nothing() -> None:
    talk = Talk()
    enter(talk, "a")
    enter(talk, "b", officers=(2,))
    talk.say("a")
    data = build_evidence(talk.bundle())
    assert released(data) == [True]
    assert [entry["released"] for entry in verify_evidence(data).entries if entry["type"] == "terms"] == [True, False]


def test_text_whose_nonce_was_used_before_judges_nothing() -> None:
    talk = Talk()
    enter(talk, "a")
    body = Body.decode(talk.entries["a"][1].body or b"")
    enter(talk, "b", replace(AMENDED, body_days=3))
    talk.add("a", EntryType.NOTICE, Body(b"\x80", body.nonce))
    talk.say("a")
    assert released(build_evidence(talk.bundle()))[-1] is True


def test_hidden_content_and_an_entry_0_that_says_nothing_leave_the_amendment_as_it_is() -> None:
    talk = Talk()
    talk.entries["b"].clear()
    talk.add("b", EntryType.CONTINUES, Body(b"\xff no entry 0"))
    closed = {side: [talk.say(side)] for side in "ab"}
    for side in "ab":
        enter(talk, side)
    for side in "ab":
        talk.say(side, precedence=Precedence.FLASH)
    report = verify_evidence(build_evidence(talk.bundle(closed=closed)))
    assert report.verified
    assert [entry.get("released") for entry in report.entries if entry["type"] == "notice"] == [None, False, None, False]


def test_content_that_nobody_can_read_is_no_evidence() -> None:
    """No desk takes such an entry into custody."""
    talk = Talk()
    entry, junk = talk.entries["a"][talk.say("a")], b"\xff no body"
    assert entry.blinding is not None
    leaf = replace(Leaf.decode(entry.leaf), commitment=commitment(entry.blinding, junk))
    talk.entries["a"][1] = replace(entry, leaf=leaf.encode(), body=junk)
    with pytest.raises(Malformed) as refused:
        build_evidence(talk.bundle())
    assert (refused.value.rule, refused.value.facts["part"]) == (39, "logs/a-1-1/entries")


def test_terms_that_are_not_shown_judge_nothing() -> None:
    """What is hidden cannot be judged by: the sentences name the terms that are shown, and no others."""
    talk = amended()
    bundle = talk.bundle({"a": [4], "b": [2]})
    report = verify_evidence(build_evidence(bundle))
    assert report.verified
    assert not [fact for fact in report.facts if "came into force" in fact]


def test_terms_of_the_pair_before_go_on_to_the_end_that_both_entries_0_name() -> None:
    first, second = amended(), Talk(incs=(1, 2))
    for side, (own, peer) in {"a": (5, 3), "b": (3, 5)}.items():
        pair = (1, 1)
        roots = first.root(side, own), first.root("b" if side == "a" else "a", peer)
        second.entries[side].clear()
        second.add(side, EntryType.CONTINUES, Body(Continues(pair, own, roots[0], peer, roots[1], 3).encode()))
    second.say("b", precedence=Precedence.FLASH)
    later = issue(identity_key("B"), certificate("B", serial=2, inc=2))
    old, new = first.bundle({"a": [2], "b": [1]}), second.bundle()
    both = Bundle(old.pairing, (("b", 2, later.encoded),), (*old.logs, *new.logs), (*old.statuses, *new.statuses))
    assert released(build_evidence(both)) == [False]
    alone = Bundle(old.pairing, (("b", 2, later.encoded),), new.logs, new.statuses)
    assert released(build_evidence(alone)) == [True]


def test_release_that_counted_in_a_pair_before_counts_no_more_though_other_content_there_is_hidden() -> None:
    first, second = Talk(), Talk(incs=(1, 2))
    first.say("a")
    body = Body.decode(first.entries["a"][first.say("a")].body or b"")
    second.add("a", EntryType.NOTICE, body)
    later = issue(identity_key("B"), certificate("B", serial=2, inc=2))
    old, new = first.bundle({"a": [1, 2]}, closed={"a": [1]}), second.bundle({"a": [1]})
    both = Bundle(old.pairing, (("b", 2, later.encoded),), (*old.logs, *new.logs), (*old.statuses, *new.statuses))
    notices = [entry for entry in verify_evidence(build_evidence(both)).entries if entry["type"] == "notice"]
    assert [(entry["log"], entry["index"], entry.get("released")) for entry in notices] == [
        ("a-1-1", 1, None), ("a-1-1", 2, True), ("a-1-2", 1, False),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("log", ["a-1-1", "b-1-1"])
def test_any_change_in_an_amendment_falls(log: str) -> None:
    parts = dict(unpack(build_evidence(amended().bundle())))
    name = f"logs/{log}/entries/{0:016d}.bin"
    at = parts[name].index(AMENDED.encode())
    for offset in range(0, len(AMENDED.encode()), 7):
        changed = bytearray(parts[name])
        changed[at + offset] ^= 1
        report = verify_evidence(pack(parts | {name: bytes(changed)}))
        assert not report.verified
        assert report.faults[0].part == name


def test_summary_that_hides_an_amendment_falls() -> None:
    parts = dict(unpack(build_evidence(amended().bundle())))
    parts["readme.txt"] = parts["readme.txt"].replace(b"version 2 of the terms", b"version 1 of the terms")
    report = verify_evidence(pack(parts))
    assert [fault.part for fault in report.faults] == ["readme.txt"]
