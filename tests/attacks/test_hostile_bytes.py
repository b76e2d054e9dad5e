"""Hostile bytes on an authenticated connection: what they cost is counted in public-key operations, not measured in seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import ceil
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from nacl.bindings import crypto_sign_open

from tests.dishonest import forge, goes_on, notice_body, state, status_of
from tests.line_pair import LinePair, joined, party
from watchline.core import keys
from watchline.core.encoding import encode
from watchline.core.frames import (
    FRAME_OVERHEAD_BYTES,
    ITEMS_MAX,
    FrameKey,
    OfferedCertificate,
    Receipt,
    ShownCheckpoint,
    WireEntry,
)
from watchline.core.gate import CHECKS, ITEM_COST, VAIN_NEXT, VAIN_OTHER
from watchline.core.incoming import FULL_FORMS_PER_TURN
from watchline.core.limits import (
    ARRAY_MAX,
    BODY_BYTES_MAX,
    DEPTH_MAX,
    FRAME_BYTES_MAX,
    FRAME_ENTRIES_MAX,
    INTEGER_MAX,
    LEAF_BYTES_MAX,
    STATEMENT_BYTES_MAX,
)
from watchline.core.statements import StatementType
from watchline.errors import BadSignature, Malformed

FRAMES = 10_000


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        yield made


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts every public-key operation that is made to check or open something: the libraries' own functions, counted."""
    counted: Counter[str] = Counter()

    def counting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            counted[name] += 1
            return function(*arguments)

        return call

    monkeypatch.setattr(keys, "crypto_sign_open", counting("Ed25519", crypto_sign_open))
    monkeypatch.setattr(keys, "_verify_mldsa", counting("ML-DSA", keys._verify_mldsa))
    monkeypatch.setattr(keys.KemKey, "open", counting("KEM", keys.KemKey.open))
    return counted


def sealed(pair: LinePair, payload: bytes) -> bytes:
    """A frame to B with any payload, under the right frame key."""
    nonce = pair.a.clock.random.randbytes(12)
    return nonce + AESGCMSIV(pair.a.setup.outer_keys()[0]).encrypt(nonce, payload, None)


def nested(depth: int) -> bytes:
    return b"\x81" * depth + b"\x00"


# --- bytes that are no frame, or no item


@pytest.mark.slow
def test_ten_thousand_junk_frames_cost_no_public_key_operation_and_answer_nothing(pair: LinePair, spent: Counter[str]) -> None:
    random = pair.a.clock.random
    genuine = pair.a.seal(Receipt(1, 1, 1, 1, bytes(64)))
    for number in range(FRAMES):
        frame = random.randbytes(512) if number % 2 else bytes(12) + genuine[12:-1] + bytes([number % 256])
        pair.b.line.receive(frame, pair.b.clock.moment())
    assert pair.b.line.junk == FRAMES
    pair.b.turn()
    assert (spent, pair.b.sent(), pair.b.alarms()) == (Counter(), [], [])
    assert goes_on(pair)


@pytest.mark.slow
@pytest.mark.parametrize(
    "payload",
    [
        nested(DEPTH_MAX + 1),
        nested(60_000),
        b"\xa1" * 60_000 + b"\x00",
        b"\x82\x01" + b"\x98\x00",  # a length longer than needed
        b"\x9f\x01\xff",  # indefinite
        b"\x82\x01\xfb" + bytes(8),  # a float
        b"\x82\x01\xc0\x00",  # a tag
        b"\x82\x01\xa2\x01\x00\x01\x00",  # a key twice
        b"\x82\x01\x9b" + b"\xff" * 8,  # an array of 2**64 elements
        b"\x82\x01\x5b" + b"\x7f" + b"\xff" * 7,  # a byte string of 2**63 bytes
        b"\x82\x01\x61\xff",  # text that is no UTF-8
        b"\x82\x01\x1b" + bytes(3) + b"\x20" + bytes(4),  # an integer of 2**53 or more
        encode([1, *[[0, 1, None, 0]] * (ITEMS_MAX + 1)]),
        b"",
    ],
    ids=lambda payload: payload[:6].hex() or "nothing",
)
def test_deep_large_or_other_than_the_one_encoding_is_refused_before_any_signature(
    pair: LinePair, spent: Counter[str], payload: bytes
) -> None:
    frame = sealed(pair, payload + b"\x80")
    with pytest.raises(Malformed) as refused:
        FrameKey(pair.a.setup.outer_keys()[0]).open(frame)
    assert refused.value.rule in (19, 39)
    pair.b.line.receive(frame, pair.b.clock.moment())
    assert (pair.b.line.junk, spent) == (1, Counter())
    assert goes_on(pair)


# --- the limits, and one above


def entry_item(commitment: int = 32, sealed_bytes: int = 16, count: int = 1) -> list[object]:
    return [1, 1, 1, 1, 1, [[1, 0, bytes(commitment), 0, None, bytes(sealed_bytes)]] * count, bytes(64)]


LARGEST: dict[str, tuple[int, Callable[[int], object]]] = {
    "entries of an item": (FRAME_ENTRIES_MAX, lambda n: entry_item(count=n)),
    "ciphertext": (BODY_BYTES_MAX + 16, lambda n: entry_item(sealed_bytes=n)),
    "statement": (STATEMENT_BYTES_MAX, lambda n: [3, bytes(n), bytes(64), None]),
    "ML-DSA half": (8_192, lambda n: [3, b"", bytes(64), bytes(n)]),
    "leaf": (LEAF_BYTES_MAX, lambda n: [4, 1, bytes(n), b"", bytes(32), bytes(64)]),
    "certificate": (STATEMENT_BYTES_MAX, lambda n: [9, bytes(n)]),
    "index": (INTEGER_MAX, lambda n: [6, 22, 1, n]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGEST)
def test_value_at_its_limit_is_read_and_one_above_is_refused(pair: LinePair, name: str) -> None:
    limit, item = LARGEST[name]
    key = FrameKey(pair.a.setup.outer_keys()[0])
    assert len(key.open(sealed(pair, encode([1, item(limit)]) + b"\x80"))) == 1
    above = encode([1, item(limit + 1)]) if limit != INTEGER_MAX else b"\x82\x01\x84\x06\x16\x01\x1b\x00\x20" + bytes(6)
    with pytest.raises(Malformed) as refused:
        key.open(sealed(pair, above + b"\x80"))
    assert refused.value.rule == 39
    pair.b.line.receive(sealed(pair, above + b"\x80"), pair.b.clock.moment())
    assert pair.b.line.junk == 1
    assert goes_on(pair)


def test_frame_at_its_limits_is_opened_and_one_byte_outside_is_refused_without_opening(pair: LinePair) -> None:
    key = FrameKey(pair.a.setup.outer_keys()[0])
    assert len(sealed(pair, bytes(1))) == FRAME_OVERHEAD_BYTES
    largest = sealed(pair, b"\x81\x01\x80" + bytes(FRAME_BYTES_MAX - FRAME_OVERHEAD_BYTES - 2))
    assert (len(largest), key.open(largest)) == (FRAME_BYTES_MAX, [])
    for frame in (largest + b"\0", bytes(FRAME_OVERHEAD_BYTES - 1), b""):
        with pytest.raises(Malformed) as refused:
            key.open(frame)
        assert refused.value.rule == 19
    with pytest.raises(BadSignature):
        key.open(bytes(FRAME_BYTES_MAX))


def test_encoding_at_its_limits_is_read_and_one_above_is_refused(pair: LinePair) -> None:
    key = FrameKey(pair.a.setup.outer_keys()[0])
    unknown = 99
    deepest = nested(DEPTH_MAX - 2)  # the payload and the item are two arrays themselves
    widest = b"\x99" + ARRAY_MAX.to_bytes(2, "big") + bytes(ARRAY_MAX)
    wider = b"\x99" + (ARRAY_MAX + 1).to_bytes(2, "big") + bytes(ARRAY_MAX + 1)
    head = b"\x82\x01\x82\x18" + bytes([unknown])
    for good, bad in ((deepest, b"\x81" + deepest), (widest, wider)):
        assert len(key.open(sealed(pair, head + good + b"\x80"))) == 1
        with pytest.raises(Malformed):
            key.open(sealed(pair, head + bad + b"\x80"))


# --- junk under a good tag: who has the pairing secret, or a peer gone mad


def bounded(pair: LinePair, spent: Counter[str], frames: list[bytes]) -> int:
    """How many public-key operations are spent on these frames, each read by itself but within one period; none is taken."""
    edge, received, phase = pair.b.line.incoming.edge, pair.b.line.outgoing.received, pair.b.line.phase
    spent.clear()
    for frame in frames:
        pair.b.line.receive(frame, pair.b.clock.moment())
        pair.b.turn()
    assert (pair.b.line.incoming.edge, pair.b.line.outgoing.received, pair.b.line.phase) == (edge, received, phase)
    return spent.total()


@pytest.mark.slow
def test_flood_of_junk_statements_costs_four_checks_of_each_kind_in_a_period(pair: LinePair, spent: Counter[str]) -> None:
    status = status_of(pair, pair.a)
    frames = []
    for number in range(100):
        values = {
            StatementType.STATUS: replace(status, nonce=number.to_bytes(16, "big")).values(),
            StatementType.ROUTES: (10**9 + number, []),
            StatementType.EPOCH: (10 + number, 1, bytes(32), bytes(1168)),
            StatementType.PREKEYS: (1000 + number, [bytes(1216)]),
        }
        for kind, said in values.items():
            genuine = state(kind, pair.a, *said)
            frames += [pair.a.seal(replace(genuine, ed=bytes(64))), pair.a.seal(replace(genuine, ml=bytes(2420)))]
    kinds = len(StatementType) + 1  # a status that answers our nonce is a kind of its own
    assert 0 < bounded(pair, spent, frames) <= 2 * CHECKS * kinds
    assert goes_on(pair)


def test_flood_of_junk_entries_costs_no_signature_check(pair: LinePair, spent: Counter[str]) -> None:
    forged = forge(pair.a, notice_body("junk")).entries()
    junk = WireEntry(1, 0, bytes(32), 0, None, bytes(64))
    frames = [pair.a.seal(replace(forged, start=forged.start + n % 3, entries=(junk,) * 8)) for n in range(500)]
    assert bounded(pair, spent, frames) == 0
    assert goes_on(pair)


def test_flood_of_junk_full_forms_costs_four_checks_in_a_period(pair: LinePair, spent: Counter[str]) -> None:
    forged = forge(pair.a, notice_body("junk"))
    pair.b.hear(replace(forged.entries(), signature=bytes(64)), by=pair.a)
    pair.b.out.clear()
    frames = [pair.a.seal(*[replace(forged.full(), signature=bytes(63) + bytes([n]))] * 8) for n in range(60)]
    assert 0 < bounded(pair, spent, frames) <= 2 * FULL_FORMS_PER_TURN  # of the first read, and then no more
    assert goes_on(pair)


def test_flood_of_certificates_costs_one_check_in_a_period(pair: LinePair, spent: Counter[str]) -> None:
    certificate = party("Tokyo", 2).certificate.encoded
    junk = [certificate[:-1] + bytes([n]) for n in range(200)]
    frames = [pair.a.seal(OfferedCertificate(each)) for each in junk if each != certificate]
    assert bounded(pair, spent, frames) <= 2  # its two halves
    assert goes_on(pair)


@pytest.mark.parametrize("kind", ["receipt", "shown checkpoint"])
def test_flood_of_junk_receipts_or_shown_checkpoints_costs_a_bounded_number_of_checks_in_a_period(
    pair: LinePair, spent: Counter[str], kind: str
) -> None:
    pair.b.say("without a receipt")
    pair.b.turn()
    size = pair.b.line.outgoing.edge.size
    junk = Receipt(1, 1, size, 7, bytes(64)) if kind == "receipt" else ShownCheckpoint(1, 1, size + 9, bytes(32), bytes(64))
    frames = [pair.a.seal(*[junk] * ITEMS_MAX) for _ in range(20)]
    assert bounded(pair, spent, frames) <= 2 * CHECKS


def test_flood_of_statements_of_types_that_nobody_knows_costs_no_check_and_no_memory(
    pair: LinePair, spent: Counter[str]
) -> None:
    genuine = state(StatementType.ROUTES, pair.a, 10**9, [])
    spoken = [encode([100 + number, 1, 1, 10**9, []]) for number in range(100)]
    assert bounded(pair, spent, [pair.a.seal(replace(genuine, spoken=each)) for each in spoken]) == 0
    assert len(pair.b.line._gate._checks) <= 2 * len(StatementType)
    assert goes_on(pair)


def test_flood_of_entries_that_open_under_no_signed_head_costs_a_bounded_number_of_checks_in_a_period(
    pair: LinePair, spent: Counter[str]
) -> None:
    forged = forge(pair.a, notice_body("not signed")).entries()
    frames = [pair.a.seal(replace(forged, signature=number.to_bytes(64, "big"))) for number in range(100)]
    assert bounded(pair, spent, frames) == ceil(VAIN_NEXT / (ITEM_COST + 1))
    assert goes_on(pair)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["known", "early"])
def test_flood_of_entries_out_of_their_turn_is_looked_at_a_bounded_number_of_times_in_a_period(
    pair: LinePair, spent: Counter[str], where: str
) -> None:
    forged = forge(pair.a, notice_body("out of turn")).entries()
    start = 0 if where == "known" else forged.start + 1
    frames = [pair.a.seal(replace(forged, start=start)) for _ in range(200)]
    assert bounded(pair, spent, frames) == 0
    assert pair.b.line.junk == len(frames) - ceil(VAIN_OTHER / (ITEM_COST + 1))
    assert goes_on(pair)
