"""The items of a frame, part by part: each is read at its bounds, refused beyond them, and written again as it was read."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from watchline.core.encoding import Value, encode
from watchline.core.frames import (
    ENTRIES_ROOM,
    FRAME_OVERHEAD_BYTES,
    ITEMS_MAX,
    PAYLOAD_BYTES_MAX,
    Entries,
    FrameKey,
    Item,
    Probe,
    Recovered,
    Stated,
    UnknownItem,
    WireEntry,
    bundled,
    entry_room,
)
from watchline.core.limits import (
    BODY_BYTES_MAX,
    FRAME_BYTES_MAX,
    FRAME_ENTRIES_MAX,
    INTEGER_MAX,
    LEAF_BYTES_MAX,
    NOTE_SIGNATURES_MAX,
    PROOF_HASHES_MAX,
    STATEMENT_BYTES_MAX,
)
from watchline.errors import BadSignature, Malformed

KEY = FrameKey(bytes(range(32)))
NONCE = bytes(12)


@dataclass(frozen=True)
class Part:
    """What one part of an item may be, the smallest first, and what it may not be."""

    good: list[Value]
    bad: list[Value]


def number(least: int = 0) -> Part:
    return Part([least, INTEGER_MAX], [least - 1, True, None, b""])


def exactly(length: int) -> Part:
    return Part([bytes(length)], [bytes(length - 1), bytes(length + 1), "x" * length, None])


def up_to(length: int) -> Part:
    return Part([b"", bytes(length)], [bytes(length + 1), "x", None])


def maybe(part: Part) -> Part:
    return Part([None, *part.good], [each for each in part.bad if each is not None])


def record(*parts: Part) -> Part:
    """An array with one value for each part."""
    least = [part.good[0] for part in parts]

    def with_each(of: str) -> list[Value]:
        return [[*least[:at], each, *least[at + 1 :]] for at, part in enumerate(parts) for each in getattr(part, of)]

    return Part(with_each("good"), [*with_each("bad"), least[:-1], [*least, least[-1]], None])


def several(part: Part, least: int, most: int) -> Part:
    """An array of so many of one kind."""
    fewest = [part.good[0]] * least
    bad = [*([each] for each in part.bad), [part.good[0]] * (most + 1), None]
    return Part([fewest, *([each] for each in part.good), [part.good[0]] * most], [*bad, fewest[:-1]] if least else bad)


def kind(of: int) -> Part:
    return Part([of], [])


FLAG = Part([False, True], [0, 1, None])
HASH, SIGNATURE = exactly(32), exactly(64)
SEALED = up_to(BODY_BYTES_MAX + 16)
WIRE_ENTRY = record(number(), number(), HASH, number(), maybe(number()), SEALED)
PROVEN_ENTRY = record(up_to(LEAF_BYTES_MAX), HASH, up_to(BODY_BYTES_MAX))
COSIGNATURE = record(exactly(4), number(), SIGNATURE)
ITEMS = {
    "probe": record(kind(0), maybe(number()), maybe(number()), number()),
    "entries": record(
        kind(1), number(), number(), number(1), number(), several(WIRE_ENTRY, 1, FRAME_ENTRIES_MAX), SIGNATURE
    ),
    "receipt": record(kind(2), number(), number(), number(1), number(), SIGNATURE),
    "stated": record(kind(3), up_to(STATEMENT_BYTES_MAX), SIGNATURE, maybe(up_to(8_192))),
    "full entry": record(kind(4), number(1), up_to(LEAF_BYTES_MAX), SEALED, HASH, SIGNATURE),
    "refusal": record(kind(6), number(), number(), number()),
    "cosigned": record(
        kind(7), number(), number(), number(1), HASH, SIGNATURE, several(COSIGNATURE, 1, NOTE_SIGNATURES_MAX)
    ),
    "shown checkpoint": record(kind(8), number(), number(), number(), HASH, SIGNATURE),
    "certificate": record(kind(9), up_to(STATEMENT_BYTES_MAX)),
    "lost request": record(kind(10), FLAG, number(1), number(1), number()),
    "recovered": record(
        kind(11), FLAG, number(1), number(1), number(), several(PROVEN_ENTRY, 1, FRAME_ENTRIES_MAX),
        record(number(1), HASH, SIGNATURE), several(HASH, 0, PROOF_HASHES_MAX),
    ),
}  # fmt: skip


def frame(*items: Value) -> bytes:
    """A frame with these items under a good tag."""
    return NONCE + KEY._cipher.encrypt(NONCE, encode([1, *items]) + b"\x80", None)


@pytest.mark.parametrize("name", ITEMS)
def test_item_with_every_part_at_its_bounds_is_read_and_written_again(name: str) -> None:
    for value in ITEMS[name].good:
        items = KEY.open(frame(value))
        assert not isinstance(items[0], UnknownItem)
        assert KEY.seal(items, NONCE, padded=False) == frame(value)


@pytest.mark.parametrize("name", ITEMS)
def test_item_with_any_part_beyond_its_bounds_is_refused(name: str) -> None:
    for value in ITEMS[name].bad:
        with pytest.raises(Malformed) as refused:
            KEY.open(frame(value))
        assert refused.value.rule in (19, 39)


def test_item_without_kind_is_refused_and_one_of_an_unknown_kind_has_up_to_16_parts() -> None:
    assert KEY.open(frame([77, *[0] * 15])) == [UnknownItem(77)]
    for bad in ([], [77, *[0] * 16], [None], [-1], ["1"]):
        with pytest.raises(Malformed):
            KEY.open(frame(bad))


def test_frame_has_up_to_64_items() -> None:
    probe: Value = [0, 1, None, 0]
    assert KEY.open(frame(*[probe] * ITEMS_MAX)) == [Probe(1, None, 0)] * 64
    with pytest.raises(Malformed):
        KEY.open(frame(*[probe] * (ITEMS_MAX + 1)))


def test_frame_without_version_or_items_is_refused_or_empty() -> None:
    assert KEY.open(frame()) == []
    with pytest.raises(Malformed) as refused:
        KEY.open(NONCE + KEY._cipher.encrypt(NONCE, encode([]) + b"\x80", None))
    assert refused.value.rule == 37


def test_frame_of_the_largest_bucket_is_made_and_read_and_one_byte_more_is_not() -> None:
    def items(size: int) -> list[Item]:
        return [Stated(bytes(STATEMENT_BYTES_MAX), bytes(64), None), Stated(bytes(size), bytes(64), None)]

    size = 60_000 + FRAME_BYTES_MAX - len(KEY.seal(items(60_000), NONCE, padded=False))
    largest = KEY.seal(items(size), NONCE)
    assert len(largest) == FRAME_BYTES_MAX
    assert KEY.open(largest) == items(size)
    with pytest.raises(ValueError, match="fit"):
        KEY.seal(items(size + 1), NONCE)
    with pytest.raises(Malformed):
        KEY.open(largest + b"\0")


@pytest.mark.parametrize(("size", "error"), [(FRAME_OVERHEAD_BYTES - 1, Malformed), (FRAME_OVERHEAD_BYTES, BadSignature)])
def test_bytes_shorter_than_any_frame_are_no_matter_of_the_tag(size: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        KEY.open(bytes(size))


@pytest.mark.parametrize(("spare", "bucket"), [(0, 512), (1, 1_024)])
def test_frame_is_padded_to_the_smallest_bucket_that_holds_it(spare: int, bucket: int) -> None:
    bare = len(KEY.seal([Stated(bytes(300), bytes(64), None)], NONCE, padded=False))
    items = [Stated(bytes(300 + 512 - bare + spare), bytes(64), None)]
    assert len(KEY.seal(items, NONCE)) == bucket
    assert KEY.open(KEY.seal(items, NONCE)) == items


def test_entries_weigh_what_they_hold_and_something_each() -> None:
    entry = WireEntry(1, 0, bytes(32), 0, None, bytes(20))
    item = Entries(1, 1, 1, 0, (entry, entry), bytes(64))
    assert item.weight_bytes == 2 * (20 + 128)


def test_entries_that_fill_a_frame_to_the_last_byte_share_it() -> None:
    def item(size: int) -> Entries:
        return Entries(1, 1, 1, 0, (WireEntry(1, 0, bytes(32), 0, None, bytes(size)),), bytes(64))

    first = item(60_000)
    room = PAYLOAD_BYTES_MAX - 2 * 200 - entry_room(first.entries[0]) - 80
    assert [len(bundle) for bundle in bundled([first, item(room)])] == [2]
    assert [len(bundle) for bundle in bundled([first, item(room + 1)])] == [1, 1]
    assert [len(bundle) for bundle in bundled([Probe(1, None, 0), first, item(room)])] == [1, 2]


def test_room_for_entries_leaves_the_items_own_head_and_signature() -> None:
    """With the largest numbers that an item can have, in as many entries as it can have."""

    def wire(size: int) -> WireEntry:
        return WireEntry(INTEGER_MAX, INTEGER_MAX, bytes(32), INTEGER_MAX, INTEGER_MAX, bytes(size))

    spare = ENTRIES_ROOM - FRAME_ENTRIES_MAX * entry_room(wire(0))
    entries = [wire(spare // FRAME_ENTRIES_MAX)] * FRAME_ENTRIES_MAX
    item = Entries(INTEGER_MAX, INTEGER_MAX, INTEGER_MAX, INTEGER_MAX, tuple(entries), bytes(64))
    assert KEY.open(KEY.seal([item], NONCE)) == [item]


def test_recovered_entry_without_blinding_and_body_is_read_and_written_again() -> None:
    value: Value = [11, True, 1, 1, 0, [[b"leaf", None, None]], [1, bytes(32), bytes(64)], []]
    items = KEY.open(frame(value))
    assert items == [Recovered(True, 1, 1, 0, ((b"leaf", None, None),), 1, bytes(32), bytes(64), ())]
    assert KEY.seal(items, NONCE, padded=False) == frame(value)
