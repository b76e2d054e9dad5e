"""The parts of an evidence file one by one: their names, their one form, and which hashes of a tree are written."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from watchline.core.checkpoint import COSIGNATURE, ED25519, VerifierKey, custody_name, origin, parse_note
from watchline.core.encoding import decode, encode
from watchline.core.entries import Direction
from watchline.core.evidence_parts import (
    CHUNK_ENTRIES,
    Bundle,
    Head,
    LogKeys,
    LogName,
    ShownEntry,
    ShownLog,
    ShownStatus,
    hidden_spans,
    log_keys,
    read_chunk,
    read_hidden,
    roots_of,
    write_head,
    write_parts,
)
from watchline.core.limits import BODY_BYTES_MAX, LEAF_BYTES_MAX
from watchline.core.merkle import root_of
from watchline.core.witnessing import Cosignature
from watchline.errors import BadProof, Malformed

OURS, THEIRS = LogName("a", 1, 2), LogName("b", 2, 1)
DIRECTION = Direction(b"L" * 32, b"a" * 32, b"b" * 32, 1, 2)
KEYS = log_keys(DIRECTION, b"l" * 32, b"c" * 32)
ROOT, HASH = b"r" * 32, b"h" * 32
ENTRY = (b"leaf", bytes(32), b"body")


def entry(index: int) -> ShownEntry:
    return ShownEntry(index, b"leaf %d" % index, None, None)


def shown(*entries: ShownEntry, name: LogName = OURS, heads: tuple[Head, ...] = ()) -> ShownLog:
    return ShownLog(name, entries, heads, ((0, 4, HASH), (8, 10, ROOT)))


def written(*logs: ShownLog, statuses: tuple[ShownStatus, ...] = ()) -> dict[str, bytes]:
    return write_parts(Bundle((b"1", b"2", b"3"), (("a", 7, b"later"),), logs, statuses), lambda _: KEYS)


# Names


def test_log_knows_its_recipient_and_the_log_of_the_other_direction() -> None:
    assert (str(OURS), OURS.folder, OURS.recipient, OURS.reverse) == ("a-1-2", "logs/a-1-2", "b", THEIRS)
    assert (THEIRS.recipient, THEIRS.reverse) == ("a", OURS)


def test_keys_of_a_log_are_the_authors_log_key_and_the_recipients_custody_key_under_its_origin() -> None:
    name = origin(DIRECTION.line, DIRECTION.sender, 1, 2)
    assert KEYS.log == VerifierKey(name, ED25519, b"l" * 32)
    assert KEYS.custody == VerifierKey(custody_name(name), COSIGNATURE, b"c" * 32)


def test_every_part_has_its_name_and_content() -> None:
    head = Head(12, ROOT, b"s" * 64, None)
    statuses = tuple(ShownStatus(name, said, b"ed", b"ml") for name, said in ((OURS, b"x"), (THEIRS, b"y"), (OURS, b"z")))
    parts = written(shown(entry(4), entry(9), heads=(head,)), statuses=statuses)
    assert parts == {
        "pairing/1.bin": b"1",
        "pairing/2.bin": b"2",
        "pairing/3.bin": b"3",
        "certificates/a/0000000000000007.bin": b"later",
        "logs/a-1-2/log.vkey": KEYS.log.to_text().encode() + b"\n",
        "logs/a-1-2/custody.vkey": KEYS.custody.to_text().encode() + b"\n",
        "logs/a-1-2/tree.txt": b"0 4 " + b64encode(HASH) + b"\n8 10 " + b64encode(ROOT) + b"\n",
        "logs/a-1-2/heads/0000000000000012.txt": write_head(head, KEYS),
        "logs/a-1-2/entries/0000000000000004.bin": encode([[b"leaf 4", None, None], [b"leaf 9", None, None]]),
        "statuses/a-1-2/0000000000000000.bin": encode([b"x", b"ed", b"ml"]),
        "statuses/b-2-1/0000000000000000.bin": encode([b"y", b"ed", b"ml"]),
        "statuses/a-1-2/0000000000000001.bin": encode([b"z", b"ed", b"ml"]),
    }


@pytest.mark.parametrize(
    ("count", "sizes"), [(1_023, [1_023]), (1_024, [1_024]), (1_025, [1_024, 1]), (2_049, [1_024, 1_024, 1])]
)
def test_entries_are_written_in_chunks_named_by_their_first(count: int, sizes: list[int]) -> None:
    parts = written(shown(*map(entry, range(5, 5 + count))))
    chunks = {name: decode(part) for name, part in parts.items() if "/entries/" in name}
    assert [len(chunk) for chunk in chunks.values()] == sizes
    assert list(chunks) == [f"logs/a-1-2/entries/{5 + 1_024 * at:016}.bin" for at in range(len(sizes))]
    assert [leaf for chunk in chunks.values() for leaf, _, _ in chunk] == [b"leaf %d" % index for index in range(5, 5 + count)]


# Heads


def witness(name: str, key: bytes, time: int = 1) -> Cosignature:
    return Cosignature(VerifierKey(name, COSIGNATURE, key * 32), time, key * 64)


def signers(head: Head) -> list[tuple[str, bytes]]:
    return [(name, blob) for name, _, blob in parse_note(write_head(head, KEYS)).signatures]


def test_head_is_signed_by_author_recipient_and_witnesses_in_one_order() -> None:
    said = [witness("west.example", b"1"), witness("east.example", b"2"), witness("east.example", b"3", 258)]
    by_key = sorted(said, key=lambda each: (each.witness.name, each.witness.key_id))
    for given in (said, said[::-1]):
        assert signers(Head(3, ROOT, b"s" * 64, (257, b"t" * 64), tuple(given))) == [
            (KEYS.log.name, b"s" * 64),
            (KEYS.custody.name, bytes(6) + b"\1\1" + b"t" * 64),
            *((each.witness.name, each.time.to_bytes(8, "big") + each.signature) for each in by_key),
        ]


def test_head_without_its_authors_signature_or_without_a_receipt_is_written_so() -> None:
    assert signers(Head(3, ROOT, b"s" * 64, None)) == [(KEYS.log.name, b"s" * 64)]
    assert signers(Head(3, ROOT, None, (257, b"t" * 64))) == [(KEYS.custody.name, bytes(6) + b"\1\1" + b"t" * 64)]


# Entries as they are read


@pytest.mark.parametrize(
    "good",
    [ENTRY, (b"leaf", None, None), (bytes(LEAF_BYTES_MAX), bytes(32), bytes(BODY_BYTES_MAX)), (b"", bytes(32), b"")],
    ids=["small", "hidden", "largest", "empty"],
)
def test_entry_at_its_bounds_is_read(good: tuple[bytes, bytes | None, bytes | None]) -> None:
    assert read_chunk(encode([list(good), list(ENTRY)])) == [good, ENTRY]


@pytest.mark.parametrize(
    "bad",
    [
        (b"leaf", None), (*ENTRY, None), (bytes(LEAF_BYTES_MAX + 1), None, None), (None, None, None),
        (b"leaf", None, b"body"), (b"leaf", bytes(32), None), (b"leaf", bytes(31), b"body"), (b"leaf", bytes(33), b"body"),
        (b"leaf", bytes(32), bytes(BODY_BYTES_MAX + 1)),
    ],
    ids=["short", "long", "large leaf", "no leaf", "only body", "only r", "short r", "long r", "large body"],
)  # fmt: skip
def test_entry_beyond_its_bounds_is_refused(bad: tuple[Any, ...]) -> None:
    with pytest.raises(Malformed):
        read_chunk(encode([list(ENTRY), list(bad)]))


def test_part_has_as_many_entries_as_are_written_into_one_and_no_more() -> None:
    most = [[b"", None, None]] * CHUNK_ENTRIES
    assert len(read_chunk(encode(most))) == CHUNK_ENTRIES == 1_024
    with pytest.raises(Malformed):
        read_chunk(encode([*most, most[0]]))


# The tree


def test_lines_of_a_tree_are_read() -> None:
    digest = b64encode(HASH)
    assert read_hidden(b"") == []
    assert read_hidden(b"0 4 " + digest + b"\n8 10 " + digest + b"\n") == [(0, 4, HASH), (8, 10, HASH)]


@pytest.mark.parametrize(
    "line", [b"0 4", b"0 4 AAAA AAAA", b"x 4 AAAA", b"0 x AAAA", b"0 4 AA*AA", b"0 4 A", b"\n", b"10000000000000000 4 AAAA"]
)
def test_line_that_is_none_of_a_tree_is_refused_by_rule_41(line: bytes) -> None:
    with pytest.raises(Malformed, match="two numbers and a hash") as refused:
        read_hidden(line)
    assert refused.value.rule == 41


@pytest.mark.parametrize(
    ("indexes", "sizes", "spans"),
    [
        ([], [], []),
        ([], [8], [(0, 8)]),
        ([], [1], [(0, 1)]),
        ([0], [1], []),
        ([3], [8], [(0, 2), (2, 3), (4, 8)]),
        ([0], [8], [(1, 2), (2, 4), (4, 8)]),
        ([7], [8], [(0, 4), (4, 6), (6, 7)]),
        ([4], [8], [(0, 4), (5, 6), (6, 8)]),
        ([], [4, 8], [(0, 4), (4, 8)]),
        ([], [5, 8], [(0, 4), (4, 5), (5, 6), (6, 8)]),
        ([], [7], [(0, 4), (4, 6), (6, 7)]),
        ([2, 5], [7], [(0, 2), (3, 4), (4, 5), (6, 7)]),
    ],
)
def test_largest_subtrees_with_neither_a_shown_leaf_nor_a_signed_end_are_written(
    indexes: list[int], sizes: list[int], spans: list[tuple[int, int]]
) -> None:
    assert hidden_spans(indexes, sizes) == spans


def test_tree_of_no_signed_size_has_no_root() -> None:
    assert roots_of({}, [], []) == {}
    with pytest.raises(BadProof, match="leads nowhere"):
        roots_of({}, [], [(0, 1, HASH)])


@pytest.mark.parametrize(
    "hidden", [(0, 2, HASH), (2, 4, HASH), (1, 2, HASH[1:]), (1, 2, HASH + b"h"), (1, 3, HASH), (0, 1, HASH)]
)
def test_hash_of_another_place_or_length_is_refused_by_rule_7(hidden: tuple[int, int, bytes]) -> None:
    assert roots_of({0: ROOT}, [2], [(1, 2, HASH)]) == {2: root_of([ROOT, HASH])}
    with pytest.raises(BadProof, match="from 1 to before 2") as refused:
        roots_of({0: ROOT}, [2], [hidden])
    assert refused.value.rule == 7


def test_root_of_each_signed_size_follows_from_hidden_hashes_alone() -> None:
    leaves = [bytes((at,)) * 32 for at in range(8)]
    hidden = [(start, end, root_of(leaves[start:end])) for start, end in hidden_spans([], [5, 6, 8])]
    assert roots_of({}, [5, 6, 8], hidden) == {size: root_of(leaves[:size]) for size in (5, 6, 8)}


def test_keys_are_asked_for_by_the_name_of_their_log() -> None:
    asked: list[LogName] = []

    def keys(name: LogName) -> LogKeys:
        asked.append(name)
        return KEYS

    write_parts(Bundle((b"", b"", b""), (), (shown(), shown(name=THEIRS)), ()), keys)
    assert asked == [OURS, THEIRS]
