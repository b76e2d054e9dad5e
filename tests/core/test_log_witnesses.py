"""Which witnesses may stand on the heads of one log, and which of its entries they date: read from values alone."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from hashlib import sha256

import pytest

from tests.core.sample_desks import terms
from watchline.core.checkpoint import COSIGNATURE, ED25519, Checkpoint, Note, VerifierKey, parse_note
from watchline.core.evidence_witnesses import LogWitnesses
from watchline.core.keys import Ed25519Key
from watchline.core.terms import Terms, Witness
from watchline.core.witnessing import WitnessKey
from watchline.errors import BadSignature, PeerError, WrongParty

ORIGIN = "watchline/1/0123456789abcdef0123456789abcdef"
FIRST, SECOND, THIRD, STRANGER = (WitnessKey(f"{name}.example.org/w", Ed25519Key(name.encode() * 32)) for name in "xyzs")


def named(version: int, *witnesses: tuple[str, WitnessKey | VerifierKey]) -> Terms:
    keys = ((name, key.verifier if isinstance(key, WitnessKey) else key) for name, key in witnesses)
    return replace(terms(), version=version, witnesses=tuple(Witness(name, key.to_text()) for name, key in keys))


BEGUN = named(1, ("Geneva", FIRST), ("Oslo", SECOND))
MIDDLE = named(2, ("Vienna", THIRD))
NEWEST = named(3, ("Genève", FIRST))


def note(size: int, *seen: tuple[WitnessKey, int]) -> Note:
    """What these witnesses say of the head of this size, each at its time."""
    text = Checkpoint(ORIGIN, size, bytes([size]) * 32).text()
    return parse_note(text + b"\n" + b"".join(key.cosign(text, time) for key, time in seen))


def witnesses(*versions: Terms, heads: tuple[tuple[int, tuple[tuple[WitnessKey, int], ...]], ...] = ()) -> LogWitnesses:
    made = LogWitnesses(versions, ORIGIN)
    for size, seen in heads:
        made.read(size, note(size, *seen), by_author=True)
    return made


def keys_of(*versions: Terms) -> list[VerifierKey]:
    return list(LogWitnesses(versions, ORIGIN).keys.values())


# --- whose word is let in


def test_witnesses_of_every_version_are_known_by_their_texts() -> None:
    found = LogWitnesses((BEGUN, MIDDLE, NEWEST), ORIGIN).keys
    assert found == {key.verifier.to_text(): key.verifier for key in (FIRST, SECOND, THIRD)}


def test_desks_own_names_and_keys_of_another_kind_are_no_witnesses() -> None:
    """Terms that are agreed later could name these: a receipt is no word of a witness."""
    public = FIRST.verifier.public
    own = VerifierKey(ORIGIN, COSIGNATURE, public), VerifierKey(f"{ORIGIN}/custody", COSIGNATURE, public)
    other = VerifierKey("log.example.org", ED25519, public)
    assert keys_of(named(1, ("own log", own[0]), ("own receipts", own[1]), ("a log", other), ("Oslo", SECOND))) == [
        SECOND.verifier
    ]


@cache
def alike() -> tuple[VerifierKey, VerifierKey]:
    """Two keys of one name that nobody can tell apart on a note: their ids of 4 bytes are the same."""
    seen: dict[bytes, VerifierKey] = {}
    for number in range(1_000_000):
        key = VerifierKey("w.example.org/w", COSIGNATURE, sha256(number.to_bytes(4, "big")).digest())
        if key.key_id in seen:
            return seen[key.key_id], key
        seen[key.key_id] = key
    raise AssertionError("no two alike")


@pytest.mark.slow
def test_of_two_keys_that_look_alike_the_one_that_was_named_first_counts() -> None:
    one, two = alike()
    assert keys_of(named(1, ("one", one)), named(2, ("two", two))) == [one]
    assert keys_of(named(1, ("two", two)), named(2, ("one", one))) == [two]
    assert keys_of(named(1, ("one", one)), named(2, ("again", one))) == [one]


def test_what_witnesses_say_is_given_in_the_order_of_the_note() -> None:
    made = LogWitnesses((BEGUN,), ORIGIN)
    found = made.read(3, note(3, (SECOND, 50), (FIRST, 40)), by_author=True)
    assert [(each.witness, each.time) for each in found] == [(SECOND.verifier, 50), (FIRST.verifier, 40)]
    assert [each.signature for each in found] == [blob[8:] for _, _, blob in note(3, (SECOND, 50), (FIRST, 40)).signatures]


def test_line_of_anybody_else_is_refused() -> None:
    for stranger in (STRANGER, replace(FIRST, key=STRANGER.key), replace(STRANGER, key=FIRST.key)):
        with pytest.raises(WrongParty) as refused:
            LogWitnesses((BEGUN,), ORIGIN).read(3, note(3, (FIRST, 40), (stranger, 50)), by_author=True)
        assert refused.value.rule == 23


def test_cosignature_of_another_head_is_refused() -> None:
    wrong = Note(Checkpoint(ORIGIN, 4, bytes(32)).text(), note(3, (FIRST, 40)).signatures)
    with pytest.raises(BadSignature):
        LogWitnesses((BEGUN,), ORIGIN).read(4, wrong, by_author=True)


def test_what_a_witness_saw_without_the_authors_signature_is_refused() -> None:
    with pytest.raises(PeerError) as refused:
        LogWitnesses((BEGUN,), ORIGIN).read(3, note(3, (FIRST, 40)), by_author=False)
    assert (type(refused.value), refused.value.rule) == (BadSignature, 27)


# --- which entries it dates


def test_entry_is_dated_by_the_first_head_above_it_of_each_witness() -> None:
    made = witnesses(BEGUN, heads=((2, ((FIRST, 20),)), (4, ((FIRST, 40), (SECOND, 41))), (5, ((SECOND, 50),))))
    dated = [made.dating(BEGUN, index) for index in range(6)]
    assert dated == [
        (("Geneva", 20), ("Oslo", 41)),
        (("Geneva", 20), ("Oslo", 41)),
        (("Geneva", 40), ("Oslo", 41)),
        (("Geneva", 40), ("Oslo", 41)),
        (("Oslo", 50),),
        (),
    ]


def test_nobody_who_was_dismissed_dates_what_was_written_afterwards() -> None:
    heads = ((9, ((FIRST, 90), (SECOND, 91), (THIRD, 92))),)
    made = witnesses(BEGUN, MIDDLE, NEWEST, heads=heads)
    assert made.dating(BEGUN, 0) == (("Geneva", 90), ("Oslo", 91))
    assert made.dating(MIDDLE, 3) == (("Vienna", 92), ("Genève", 90))
    assert made.dating(NEWEST, 5) == (("Genève", 90),)


def test_witness_that_said_nothing_dates_nothing() -> None:
    assert witnesses(BEGUN).dating(BEGUN, 0) == ()
    assert witnesses(BEGUN, heads=((3, ((SECOND, 30),)),)).dating(BEGUN, 0) == (("Oslo", 30),)


def test_witness_whose_key_cannot_be_used_dates_nothing() -> None:
    odd = replace(BEGUN, witnesses=(*BEGUN.witnesses, Witness("odd", "mldsa+1234+xyz")))
    assert witnesses(odd, heads=((3, ((SECOND, 30),)),)).dating(odd, 0) == (("Oslo", 30),)
