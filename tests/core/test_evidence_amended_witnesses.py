"""Evidence over amendments that name other witnesses: each entry is dated by those of its place, and of the newest terms."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from tests.core.sample_desks import ROUTES, accept, identity_key, roster, seeded, signed_certificate, terms
from tests.core.sample_evidence import TIME, Talk
from tests.core.test_evidence_terms import enter
from watchline.core.archive import unpack
from watchline.core.checkpoint import (
    COSIGNATURE,
    Checkpoint,
    VerifierKey,
    cosignature_message,
    custody_name,
    origin,
    parse_note,
)
from watchline.core.evidence import build_evidence, verify_evidence
from watchline.core.evidence_parts import Bundle, Head
from watchline.core.keys import Ed25519Key
from watchline.core.pairing import complete_invitation, make_invitation
from watchline.core.terms import Terms, Witness
from watchline.core.witnessing import Cosignature, WitnessKey
from watchline.errors import Malformed

FIRST, SECOND, THIRD = (WitnessKey(f"{name}.example.org/w", Ed25519Key(name.encode() * 32)) for name in "xyz")
BEGUN = replace(terms(), witnesses=(Witness("Geneva", FIRST.verifier.to_text()),))


@cache
def files() -> tuple[bytes, tuple[bytes, bytes, bytes]]:
    file1, invitation = make_invitation(
        identity_key("A"), signed_certificate("A"), roster("A"), BEGUN, ROUTES["A"], seeded("amended witnesses")
    )
    file2, _ = accept(file1)
    file3, ours = complete_invitation(invitation, file2, identity_key("A"), seeded("amended witnesses too"))
    return ours.line, (file1, file2, file3)


def named(before: Terms, *witnesses: tuple[str, WitnessKey | VerifierKey]) -> Terms:
    """The next version, with these witnesses."""
    keys = ((name, key.verifier if isinstance(key, WitnessKey) else key) for name, key in witnesses)
    return replace(before, version=before.version + 1, witnesses=tuple(Witness(name, key.to_text()) for name, key in keys))


def talk(*versions: Terms) -> Talk:
    """A notice of desk a, and for each further version both texts and another notice: at 1, 3, 5 and so on."""
    found = Talk(*files())
    found.say("a")
    for text in versions:
        enter(found, "a", text)
        enter(found, "b", text)
        found.say("a")
    return found


def head(found: Talk, size: int, *keys: WitnessKey) -> Head:
    """Desk a's head of this size, as these witnesses saw it."""
    line, sender, _, inc, peer_inc = found.direction("a")
    text = Checkpoint(origin(line, sender, inc, peer_inc), size, found.root("a", size)).text()
    said = ((key, TIME + size, cosignature_message(TIME + size, text)) for key in keys)
    cosignatures = tuple(Cosignature(key.verifier, time, key.key.sign(message)) for key, time, message in said)
    return replace(found.head("a", size), cosignatures=cosignatures)


def bundle(found: Talk, *heads: Head) -> Bundle:
    return found.bundle(make=lambda side: heads if side == "a" else None)


def witnesses(data: bytes) -> dict[int, list[str]]:
    """Who dates each notice of desk a."""
    report = verify_evidence(data)
    assert report.verified
    entries = [entry for entry in report.entries if entry["log"] == "a-1-1" and entry["type"] == "notice"]
    return {entry["index"]: [seen["witness"] for seen in entry.get("witnessed", [])] for entry in entries}


def test_witness_that_came_dates_what_is_below_its_head_and_one_that_left_nothing_after_the_amendment() -> None:
    found = talk(named(BEGUN, ("Bern", SECOND)))
    data = build_evidence(bundle(found, head(found, 4, FIRST, SECOND)))
    assert witnesses(data) == {1: ["Geneva", "Bern"], 3: ["Bern"]}


def test_witness_that_came_and_left_dates_only_what_its_own_terms_judge() -> None:
    second = named(BEGUN, ("Bern", SECOND))
    found = talk(second, named(second, ("Geneva", FIRST)))
    data = build_evidence(bundle(found, head(found, 6, FIRST, SECOND)))
    assert witnesses(data) == {1: ["Geneva"], 3: ["Bern", "Geneva"], 5: ["Geneva"]}


def test_witness_is_called_as_the_terms_of_the_entry_name_it() -> None:
    found = talk(named(BEGUN, ("Bern", SECOND), ("Geneva anew", FIRST)))
    data = build_evidence(bundle(found, head(found, 4, FIRST, SECOND)))
    assert witnesses(data) == {1: ["Geneva", "Bern"], 3: ["Bern", "Geneva anew"]}


def test_cosignature_of_a_witness_that_no_shown_terms_name_is_refused() -> None:
    found = talk(named(BEGUN, ("Bern", SECOND)))
    for keys in ((THIRD,), (FIRST, THIRD)):
        with pytest.raises(Malformed) as refused:
            build_evidence(bundle(found, head(found, 4, *keys)))
        assert (refused.value.facts["part"], refused.value.rule) == ("logs/a-1-1/heads/0000000000000004.txt", 23)
    hidden = found.bundle({"a": [3]}, make=lambda side: (head(found, 4, SECOND),) if side == "a" else None)
    with pytest.raises(Malformed):
        build_evidence(hidden)


@pytest.mark.parametrize("sides", ["a", "b"])
def test_text_that_one_desk_alone_entered_lets_no_witness_in(sides: str) -> None:
    found = Talk(*files())
    found.say("a")
    enter(found, sides, named(BEGUN, ("Bern", SECOND)))
    size = len(found.entries["a"])
    with pytest.raises(Malformed):
        build_evidence(bundle(found, head(found, size, SECOND)))
    assert witnesses(build_evidence(bundle(found, head(found, size, FIRST)))) == {1: ["Geneva"]}


def test_key_of_receipts_that_terms_name_as_a_witness_gives_receipts_only() -> None:
    probe = talk()
    line, sender, _, inc, peer_inc = probe.direction("a")
    receipts = VerifierKey(custody_name(origin(line, sender, inc, peer_inc)), COSIGNATURE, probe.keys("b").public.custody)
    found = talk(named(BEGUN, ("Bern", receipts)))
    data = build_evidence(bundle(found, head(found, 4)))
    assert len(parse_note(unpack(data)["logs/a-1-1/heads/0000000000000004.txt"]).signatures) == 2
    assert witnesses(data) == {1: [], 3: []}
    assert all(entry["received"] for entry in verify_evidence(data).entries if entry["log"] == "a-1-1")


def test_entry_is_dated_by_the_witnesses_of_two_versions_at_most_however_often_the_terms_were_amended() -> None:
    keys = [WitnessKey(f"w{number}.example.org/w", Ed25519Key(bytes((number,)) * 32)) for number in range(8)]
    versions = [BEGUN]
    for number, key in enumerate(keys):
        versions.append(named(versions[-1], (f"witness {number}", key)))
    found = talk(*versions[1:])
    data = build_evidence(bundle(found, head(found, 18, *keys)))
    assert witnesses(data) == {
        1: ["witness 7"],
        **{2 * number + 3: [f"witness {number}", "witness 7"] for number in range(7)},
        17: ["witness 7"],
    }
