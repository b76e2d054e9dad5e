"""Evidence with witnesses: each one of the terms is told with its own clock, and nobody else's signature is let in."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from tests.core.sample_desks import ROUTES, accept, identity_key, roster, seeded, signed_certificate, terms
from tests.core.sample_evidence import TIME, Talk, sample_talk
from watchline.core.archive import pack, unpack
from watchline.core.checkpoint import Checkpoint, cosignature_message, origin, parse_note
from watchline.core.evidence import build_evidence, verify_evidence
from watchline.core.evidence_parts import Head
from watchline.core.keys import Ed25519Key
from watchline.core.pairing import complete_invitation, make_invitation
from watchline.core.terms import Witness
from watchline.core.witnessing import Cosignature, WitnessKey
from watchline.errors import Malformed

FIRST, SECOND, STRANGER = (WitnessKey(f"{name}.example.org/w", Ed25519Key(name.encode() * 32)) for name in "ztx")
NAMED = (Witness("Geneva", FIRST.verifier.to_text()), Witness("not a, name", SECOND.verifier.to_text()))
HEAD = "logs/a-1-1/heads/0000000000000003.txt"
A, B = identity_key("A").identity, identity_key("B").identity


@cache
def talk() -> Talk:
    agreed = replace(terms(), witnesses=NAMED)
    file1, invitation = make_invitation(
        identity_key("A"), signed_certificate("A"), roster("A"), agreed, ROUTES["A"], seeded("witnessed")
    )
    file2, _ = accept(file1)
    file3, ours = complete_invitation(invitation, file2, identity_key("A"), seeded("witnessed too"))
    return sample_talk(Talk(ours.line, (file1, file2, file3)))


def said(size: int, key: WitnessKey, time: int) -> Cosignature:
    line, sender, _, inc, peer_inc = talk().direction("a")
    text = Checkpoint(origin(line, sender, inc, peer_inc), size, talk().root("a", size)).text()
    return Cosignature(key.verifier, time, key.key.sign(cosignature_message(time, text)))


def heads(*cosignatures: Cosignature) -> tuple[Head, ...]:
    """Tokyo's heads: one in the middle that witnesses saw, and the last one."""
    return replace(talk().head("a", 3), cosignatures=cosignatures), talk().head("a", 5)


def evidence(*cosignatures: Cosignature) -> bytes:
    return build_evidence(talk().bundle(make=lambda side: heads(*cosignatures) if side == "a" else None))


def test_entry_is_told_with_each_witness_that_saw_it_and_its_clock() -> None:
    report = verify_evidence(evidence(said(3, FIRST, TIME + 40), said(3, SECOND, TIME + 50)), [A, B])

    assert report.verified
    seen = [fact for fact in report.facts if "witness Geneva saw a signed tree head that covers it" in fact]
    assert [fact.split(" entry ")[1].split(" ")[0] for fact in seen] == ["@0", "@1", "@2"]
    assert all('; witness "not a, name" saw' in fact for fact in seen)
    witnessed = [entry.get("witnessed") for entry in report.entries if entry["log"] == "a-1-1"]
    assert [None if each is None else [one["witness"] for one in each] for each in witnessed] == [
        *[["Geneva", "not a, name"]] * 3,
        *[None] * 2,
    ]


def test_entry_is_dated_by_the_first_head_that_a_witness_saw() -> None:
    later = replace(talk().head("a", 5), cosignatures=(said(5, FIRST, TIME + 90),))
    both = replace(talk().head("a", 3), cosignatures=(said(3, FIRST, TIME + 40),)), later

    report = verify_evidence(build_evidence(talk().bundle(make=lambda side: both if side == "a" else None)), [A, B])

    times = [entry["witnessed"][0]["time"] for entry in report.entries if entry["log"] == "a-1-1"]
    assert times == sorted(times)
    assert len(set(times)) == 2


def test_cosignatures_stand_in_one_order_behind_those_of_the_desks() -> None:
    one = evidence(said(3, FIRST, TIME), said(3, SECOND, TIME))

    assert unpack(one)[HEAD] == unpack(evidence(said(3, SECOND, TIME), said(3, FIRST, TIME)))[HEAD]
    names = [name for name, _, _ in parse_note(unpack(one)[HEAD]).signatures]
    assert names[2:] == [SECOND.name, FIRST.name]


def test_cosignature_of_another_root_or_time_or_by_a_stranger_is_refused() -> None:
    good = said(3, FIRST, TIME)
    for bad in (good._replace(time=TIME + 1), said(5, FIRST, TIME), said(3, STRANGER, TIME)):
        with pytest.raises(Malformed):
            evidence(bad)


@pytest.mark.parametrize("change", ["twice", "swapped", "alone"])
def test_note_with_cosignatures_in_another_form_is_refused(change: str) -> None:
    parts = unpack(evidence(said(3, FIRST, TIME), said(3, SECOND, TIME)))
    text, _, signed = parts[HEAD].decode().rpartition("\n\n")
    log, custody, *witnesses = signed.splitlines()
    lines = {
        "twice": [log, custody, *witnesses, witnesses[0]],
        "swapped": [log, custody, *witnesses[::-1]],
        "alone": witnesses,
    }[change]

    report = verify_evidence(pack({**parts, HEAD: f"{text}\n\n{''.join(line + chr(10) for line in lines)}".encode()}), [A, B])

    assert not report.verified
    assert report.faults
