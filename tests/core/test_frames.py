"""Frames: sealed, padded to buckets, strictly read; and how many bytes an entry costs on the wire."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dishonest import only
from tests.line_pair import LinePair, joined
from watchline.core.encoding import Value, encode
from watchline.core.entries import Body, EntryType
from watchline.core.frames import (
    ENTRIES_ROOM,
    FRAME_OVERHEAD_BYTES,
    Cosigned,
    Entries,
    FrameKey,
    FullEntry,
    Item,
    OfferedCertificate,
    Probe,
    Receipt,
    Recovered,
    Refusal,
    ShownCheckpoint,
    Stated,
    UnknownItem,
    WireEntry,
    _to_wire,
    bundled,
    entry_room,
)
from watchline.core.limits import BODY_BYTES_MAX, FRAME_BYTES_MAX, FRAME_ENTRIES_MAX, INTEGER_MAX, LEAF_BYTES_MAX
from watchline.core.outgoing import Draft
from watchline.core.persons import Assertion, PasskeyProof, sign_assertion
from watchline.errors import BadSignature, Malformed, PeerError

KEY = FrameKey(bytes(32))
NONCE = bytes(12)

NUMBERS = st.integers(0, INTEGER_MAX)
OCTETS = st.binary(max_size=64)
HASHES = st.binary(min_size=32, max_size=32)
SIGNATURES = st.binary(min_size=64, max_size=64)
MAYBE = st.none() | NUMBERS
WIRE_ENTRIES = st.builds(WireEntry, NUMBERS, NUMBERS, HASHES, NUMBERS, MAYBE, OCTETS)
ITEMS = st.one_of(
    st.builds(Probe, MAYBE, MAYBE, NUMBERS),
    st.builds(
        Entries, NUMBERS, NUMBERS, st.integers(1, INTEGER_MAX), NUMBERS,
        st.lists(WIRE_ENTRIES, min_size=1, max_size=4).map(tuple), SIGNATURES,
    ),
    st.builds(Receipt, NUMBERS, NUMBERS, st.integers(1, INTEGER_MAX), NUMBERS, SIGNATURES),
    st.builds(Stated, OCTETS, SIGNATURES, st.none() | OCTETS),
    st.builds(FullEntry, st.integers(1, INTEGER_MAX), OCTETS, OCTETS, HASHES, SIGNATURES),
    st.builds(Refusal, NUMBERS, NUMBERS, NUMBERS),
    st.builds(
        Cosigned, NUMBERS, NUMBERS, st.integers(1, INTEGER_MAX), HASHES, SIGNATURES,
        st.lists(st.tuples(st.binary(min_size=4, max_size=4), NUMBERS, SIGNATURES), min_size=1, max_size=16).map(tuple),
    ),
    st.builds(ShownCheckpoint, NUMBERS, NUMBERS, NUMBERS, HASHES, SIGNATURES),
    st.builds(OfferedCertificate, OCTETS),
)  # fmt: skip


def seal_payload(payload: bytes) -> bytes:
    return NONCE + KEY._cipher.encrypt(NONCE, payload, None)


@pytest.mark.slow
@given(st.lists(ITEMS, max_size=5), st.binary(min_size=12, max_size=12), st.booleans())
def test_items_come_out_as_they_went_in(items: list[Item], nonce: bytes, padded: bool) -> None:
    frame = KEY.seal(items, nonce, padded=padded)
    assert KEY.open(frame) == items
    if padded:
        assert len(frame) >= 512
        assert len(frame).bit_count() == 1
    else:
        assert len(frame) == FRAME_OVERHEAD_BYTES + len(encode([1, *map(_to_wire, items)]))


@given(st.binary(max_size=600))
def test_any_bytes_give_items_or_a_refusal(junk: bytes) -> None:
    with pytest.raises(PeerError):
        KEY.open(junk)


PLAIN = NUMBERS | OCTETS | st.none() | st.booleans() | st.text(max_size=4)


@given(PLAIN | st.lists(PLAIN | st.lists(PLAIN, max_size=7), max_size=8))
def test_any_value_under_a_good_tag_gives_items_or_a_refusal(value: object) -> None:
    shapes = ([1, value], [1, [4, value]], value, [1, [1, 1, 1, 1, 1, [value], bytes(64)]])
    for payload in map(encode, shapes):
        try:
            items = KEY.open(seal_payload(payload + b"\x80"))
        except PeerError:
            continue
        assert KEY.open(seal_payload(payload + b"\x80\0\0")) == items


def test_item_of_cosignatures_has_one_to_sixteen() -> None:
    said = [b"abcd", 1, bytes(64)]
    for count, good in ((0, False), (1, True), (16, True), (17, False)):
        payload = seal_payload(encode([1, [7, 1, 1, 1, bytes(32), bytes(64), [said] * count]]) + b"\x80")
        if good:
            assert isinstance(KEY.open(payload)[0], Cosigned)
        else:
            with pytest.raises(Malformed):
                KEY.open(payload)


@pytest.mark.slow
@given(st.lists(ITEMS, min_size=1, max_size=3), st.data())
def test_any_flipped_bit_is_refused(items: list[Item], data: st.DataObject) -> None:
    frame = bytearray(KEY.seal(items, NONCE, padded=False))
    bit = data.draw(st.integers(0, 8 * len(frame) - 1))
    frame[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BadSignature):
        KEY.open(bytes(frame))


def test_frame_cut_at_every_byte_or_with_bytes_left_over_is_refused() -> None:
    frame = KEY.seal([Probe(1, None, 0)], NONCE, padded=False)
    for length in range(len(frame)):
        with pytest.raises(PeerError):
            KEY.open(frame[:length])
    with pytest.raises(PeerError):
        KEY.open(frame + b"\0")


def test_payload_cut_at_every_byte_or_with_bytes_left_over_is_refused_under_a_good_tag() -> None:
    entry = WireEntry(1, 1, bytes(32), 0, None, bytes(20))
    payload = encode([1, [1, 1, 1, 1, 0, [[1, 1, bytes(32), 0, None, bytes(20)]], bytes(64)]])
    assert KEY.open(seal_payload(payload + b"\x80")) == [Entries(1, 1, 1, 0, (entry,), bytes(64))]
    for length in range(len(payload)):
        with pytest.raises(Malformed):
            KEY.open(seal_payload(payload[:length] + b"\x80"))
    with pytest.raises(Malformed):
        KEY.open(seal_payload(payload + b"\0\x80"))


@pytest.mark.parametrize("payload", [b"", b"\0\0", b"\x81\x01", b"\x80", b"\x81\x01\x80\x01"])
def test_wrong_padding_is_refused(payload: bytes) -> None:
    with pytest.raises(Malformed):
        KEY.open(seal_payload(payload))


@pytest.mark.parametrize("version", [0, 2, True, None, "1"])
def test_another_version_is_refused_by_its_own_rule(version: object) -> None:
    with pytest.raises(Malformed) as refused:
        KEY.open(seal_payload(encode([version]) + b"\x80"))
    assert refused.value.rule == 37


def test_item_of_an_unknown_kind_is_read_as_such() -> None:
    assert KEY.open(seal_payload(encode([1, [77, "news"], [0, 1, None, 0]]) + b"\x80")) == [UnknownItem(77), Probe(1, None, 0)]


@pytest.mark.parametrize("count", [0, FRAME_ENTRIES_MAX + 1])
def test_item_with_no_entries_or_too_many_is_refused(count: int) -> None:
    entries = [[1, 1, bytes(32), 0, None, b""]] * count
    with pytest.raises(Malformed):
        KEY.open(seal_payload(encode([1, [1, 1, 1, 1, 0, entries, bytes(64)]]) + b"\x80"))


@pytest.mark.parametrize("count", [0, 1, FRAME_ENTRIES_MAX, FRAME_ENTRIES_MAX + 1])
def test_item_of_recovered_entries_has_one_to_256(count: int) -> None:
    entry, head = [b"", bytes(32), b""], [1, bytes(32), bytes(64)]
    payload = encode([1, [11, True, 1, 1, 0, [entry] * count, head, []]]) + b"\x80"
    if 1 <= count <= FRAME_ENTRIES_MAX:
        (item,) = KEY.open(seal_payload(payload))
        assert isinstance(item, Recovered)
        assert len(item.entries) == count
    else:
        with pytest.raises(Malformed):
            KEY.open(seal_payload(payload))


@pytest.mark.parametrize(
    ("proof", "is_read"),
    [((bytes(32), b"body"), True), ((None, None), True), ((None, b"body"), False), ((bytes(32), None), False)],
)
def test_recovered_entry_has_its_blinding_and_body_or_neither(proof: tuple[Value, Value], is_read: bool) -> None:
    value = [1, [11, True, 1, 1, 0, [[b"leaf", *proof]], [1, bytes(32), bytes(64)], []]]
    sealed = seal_payload(encode(value) + b"\x80")
    if not is_read:
        with pytest.raises(Malformed):
            KEY.open(sealed)
        return
    (item,) = KEY.open(sealed)
    assert item == Recovered(True, 1, 1, 0, ((b"leaf", *proof),), 1, bytes(32), bytes(64), ())
    assert KEY.open(KEY.seal([item], NONCE)) == [item]


def test_frame_beyond_the_largest_bucket_is_not_made() -> None:
    with pytest.raises(ValueError, match="fit"):
        KEY.seal([Stated(bytes(65_000), bytes(64), None)] * 3, NONCE)
    with pytest.raises(Malformed):
        KEY.open(bytes(FRAME_BYTES_MAX + 1))


def test_largest_entries_fit_as_counted() -> None:
    largest = WireEntry(INTEGER_MAX, INTEGER_MAX, bytes(32), INTEGER_MAX, INTEGER_MAX, bytes(BODY_BYTES_MAX + 16))
    assert len(encode([largest.type, largest.time, largest.commitment, largest.peer_size, largest.re, largest.sealed])) <= (
        entry_room(largest)
    )
    room = ENTRIES_ROOM - entry_room(largest)
    second = replace(largest, sealed=bytes(room - entry_room(replace(largest, sealed=b""))))
    item = Entries(INTEGER_MAX, INTEGER_MAX, INTEGER_MAX, INTEGER_MAX, (largest, second), bytes(64))
    assert KEY.open(KEY.seal([item], NONCE)) == [item]
    full = FullEntry(INTEGER_MAX, bytes(LEAF_BYTES_MAX), bytes(BODY_BYTES_MAX + 16), bytes(32), bytes(64))
    assert KEY.open(KEY.seal([full], NONCE)) == [full]


# --- sizes on the wire

CONTENT = bytes(120)
# What Chrome now and then appends to a passkey's clientDataJSON, so that nobody compares it whole.
APPENDED = b',"other_keys_can_be_added_here":"do not compare clientDataJSON against a template. See https://goo.gl/yabPex"}'


def frame_bytes(pair: LinePair, *, nonce: bytes | None, assertions: tuple[object, ...], large: bool) -> int:
    """Bytes of the entry's frame and of its receipt's, unpadded, without the content. large: indexes around 100,000."""
    pair.a.line.compose(Draft(EntryType.NOTICE, CONTENT, nonce, assertions), pair.a.clock.moment())
    pair.a.turn()
    entries = only(Entries, pair.a.sent())
    pair.deliver_one(pair.a, pair.b)
    receipt = only(Receipt, pair.b.sent())
    pair.settle()
    if large:
        wire = tuple(replace(entry, peer_size=100_000, re=100_000) for entry in entries.entries)
        entries = replace(entries, start=100_000, epoch=2_000, entries=wire)
        receipt = replace(receipt, size=100_001)
    assert len(entries.entries) == 1
    sizes = [len(KEY.seal([item], NONCE, padded=False)) for item in (entries, receipt)]
    return sum(sizes) - len(CONTENT)


@pytest.mark.parametrize("large", [False, True])
def test_entry_and_receipt_cost_at_most_310_bytes_and_a_person_90_or_with_a_passkey_280_more(large: bool) -> None:
    with joined() as pair:
        bare = frame_bytes(pair, nonce=None, assertions=(), large=large)
        nonce, assertion = bytes(16), sign_assertion(1, pair.a.party.officers[0], bytes(32))
        signed = frame_bytes(pair, nonce=nonce, assertions=(replace(assertion, number=300).to_value(),), large=large)
        passkey = Assertion(300, 1, assertion.signature, PasskeyProof(5, 100_000, APPENDED))
        with_passkey = frame_bytes(pair, nonce=nonce, assertions=(passkey.to_value(),), large=large)
    assert bare <= 310
    assert signed - bare <= 90
    assert with_passkey - bare <= 280
    assert len(Body(CONTENT).encode()) == len(CONTENT) + 5


@pytest.mark.slow
@given(sizes=st.lists(st.one_of(st.none(), st.integers(1, 65_000)), max_size=40))
def test_entries_share_frames_that_they_fit_and_everything_else_goes_by_itself(sizes: list[int | None]) -> None:
    items: list[Item] = [
        Probe(number, None, 0)
        if size is None
        else Entries(1, 1, 1, number, (WireEntry(1, 2**53 - 1, bytes(32), 2**53 - 1, 2**53 - 1, bytes(size)),), bytes(64))
        for number, size in enumerate(sizes)
    ]
    bundles = list(bundled(items))
    assert [item for bundle in bundles for item in bundle] == items
    for bundle in bundles:
        assert len(bundle) == 1 or all(isinstance(item, Entries) for item in bundle)
        assert FrameKey(bytes(32)).open(FrameKey(bytes(32)).seal(bundle, bytes(12))) == bundle


def test_no_frame_has_more_items_than_a_receiver_takes() -> None:
    items: list[Item] = [Entries(1, 1, 1, n, (WireEntry(1, 0, bytes(32), 0, None, bytes(16)),), bytes(64)) for n in range(200)]
    assert [len(bundle) for bundle in bundled(items)] == [64, 64, 64, 8]


def test_item_of_an_unknown_type_is_never_sent() -> None:
    with pytest.raises(ValueError, match="never sent"):
        KEY.seal([UnknownItem(77)], NONCE)
