"""The Merkle tree: its vectors, RFC 9162's own recursive definition, and that no changed proof ever verifies."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchline.core.limits import INTEGER_MAX, PROOF_HASHES_MAX
from watchline.core.merkle import (
    EMPTY_ROOT,
    Edge,
    Subtree,
    consistency_path,
    earlier_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    root_at,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from watchline.errors import BadProof, Malformed

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/merkle.json").read_text("utf-8"))
HASHES = [leaf_hash(index.to_bytes(2, "big")) for index in range(300)]

# The roots over the first one to eight leaves of the vectors, as certificate logs have published them since 2013.
PUBLISHED_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

sizes = st.integers(1, len(HASHES))


def _subtree(start: int, end: int) -> bytes:
    width = end - start
    assert width > 0
    assert width & (width - 1) == 0
    assert start % width == 0
    return root_of(HASHES[start:end])


def _definition(hashes: list[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1, word for word."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = max(1 << power for power in range(20) if 1 << power < len(hashes))
    return node_hash(_definition(hashes[:split]), _definition(hashes[split:]))


def _inclusion(case: dict[str, Any]) -> tuple[bytes, int, int, list[bytes], bytes]:
    path = [bytes.fromhex(each) for each in case["path"]]
    return bytes.fromhex(case["leaf_hash"]), case["index"], case["size"], path, bytes.fromhex(case["root"])


def _consistency(case: dict[str, Any]) -> tuple[int, bytes, int, bytes, list[bytes]]:
    path = [bytes.fromhex(each) for each in case["path"]]
    return case["old_size"], bytes.fromhex(case["old_root"]), case["new_size"], bytes.fromhex(case["new_root"]), path


def test_roots_are_those_that_certificate_logs_publish() -> None:
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
    assert [root_of(hashes[:size]).hex() for size in range(1, 9)] == PUBLISHED_ROOTS
    assert VECTORS["roots"] == [EMPTY_ROOT.hex(), *PUBLISHED_ROOTS]
    assert sha256(b"").digest() == EMPTY_ROOT


def test_good_vectors_verify() -> None:
    for case in VECTORS["inclusion"]:
        verify_inclusion(*_inclusion(case))
        assert case["root"] == VECTORS["roots"][case["size"]]
    for case in VECTORS["consistency"]:
        verify_consistency(*_consistency(case))
    assert len(VECTORS["inclusion"]) == 36
    assert len(VECTORS["consistency"]) == 45


@pytest.mark.parametrize("case", VECTORS["bad_inclusion"], ids=lambda case: case["name"])
def test_bad_inclusion_vector_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(BadProof) as caught:
        verify_inclusion(*_inclusion(case))
    assert caught.value.rule == 7
    assert "step" in caught.value.facts


@pytest.mark.parametrize("case", VECTORS["bad_consistency"], ids=lambda case: case["name"])
def test_bad_consistency_vector_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(BadProof) as caught:
        verify_consistency(*_consistency(case))
    assert caught.value.rule == 7
    assert "step" in caught.value.facts


def test_path_longer_than_its_limit_or_with_a_hash_of_another_length_is_refused_before_hashing() -> None:
    root = root_of(HASHES[:2])
    for path, why in (([bytes(32)] * 64, "at most 63 hashes"), ([bytes(33)], "has 32 bytes"), ([b""], "has 32 bytes")):
        with pytest.raises(BadProof, match=why):
            verify_inclusion(HASHES[0], 0, 2, path, root)
        with pytest.raises(BadProof, match=why):
            verify_consistency(1, HASHES[0], 2, root, path)


def test_path_of_63_hashes_is_followed_to_the_root_of_the_largest_tree() -> None:
    root = HASHES[0]
    for sibling in HASHES[1:64]:
        root = node_hash(root, sibling)
    verify_inclusion(HASHES[0], 0, 2**63, HASHES[1:64], root)
    with pytest.raises(BadProof, match="at most 63 hashes") as caught:
        verify_inclusion(HASHES[0], 0, 2**64, HASHES[1:65], node_hash(root, HASHES[64]))
    assert caught.value.facts["step"] == 0


@pytest.mark.parametrize("wrong", [bytes(31), bytes(33), b""])
def test_leaf_hash_or_root_of_another_length_is_refused(wrong: bytes) -> None:
    root = root_of(HASHES[:2])
    for check in (
        partial(verify_inclusion, wrong, 0, 2, [HASHES[1]], root),
        partial(verify_inclusion, HASHES[0], 0, 2, [HASHES[1]], wrong),
        partial(verify_consistency, 1, wrong, 2, root, [HASHES[1]]),
        partial(verify_consistency, 1, HASHES[0], 2, wrong, [HASHES[1]]),
    ):
        with pytest.raises(BadProof, match="leaf hash or root has 32 bytes") as caught:
            check()
        assert (caught.value.rule, caught.value.facts["step"]) == (7, 0)


ROOTS = [root_of(HASHES[:size]) for size in range(9)]
PATH, JOIN = inclusion_path(2, 8, _subtree), consistency_path(3, 8, _subtree)
OTHER = bytes(32)


@pytest.mark.parametrize(
    ("step", "why", "check"),
    [
        (0, "no leaf 8", lambda: verify_inclusion(HASHES[2], 8, 8, PATH, ROOTS[8])),
        (1, "each hash of a path", lambda: verify_inclusion(HASHES[2], 2, 8, [PATH[0], b"", PATH[2]], ROOTS[8])),
        (3, "above the root", lambda: verify_inclusion(HASHES[2], 2, 8, [*PATH, OTHER], ROOTS[8])),
        (2, "below the root", lambda: verify_inclusion(HASHES[2], 2, 8, PATH[:2], ROOTS[8])),
        (3, "another root", lambda: verify_inclusion(HASHES[2], 2, 8, PATH, OTHER)),
        (0, "cannot begin", lambda: verify_consistency(9, OTHER, 8, ROOTS[8], [])),
        (0, "empty tree", lambda: verify_consistency(0, OTHER, 8, ROOTS[8], [])),
        (0, "empty tree", lambda: verify_consistency(0, ROOTS[0], 0, OTHER, [])),
        (0, "must be empty", lambda: verify_consistency(0, ROOTS[0], 8, ROOTS[8], [OTHER])),
        (0, "must be empty", lambda: verify_consistency(8, ROOTS[8], 8, ROOTS[8], [OTHER])),
        (0, "same size", lambda: verify_consistency(8, OTHER, 8, ROOTS[8], [])),
        (0, "below the root", lambda: verify_consistency(3, ROOTS[3], 8, ROOTS[8], [])),
        (4, "above the root", lambda: verify_consistency(3, ROOTS[3], 8, ROOTS[8], [*JOIN, OTHER])),
        (
            1,
            "above the root",
            lambda: verify_consistency(4, ROOTS[4], 8, ROOTS[8], [*inclusion_path(0, 8, _subtree)[2:], OTHER]),
        ),
        (3, "below the root", lambda: verify_consistency(3, ROOTS[3], 8, ROOTS[8], JOIN[:3])),
        (4, "begin with the old root", lambda: verify_consistency(3, OTHER, 8, ROOTS[8], JOIN)),
        (4, "another new root", lambda: verify_consistency(3, ROOTS[3], 8, OTHER, JOIN)),
    ],
)
def test_refusal_names_its_reason_rule_and_step(step: int, why: str, check: Callable[[], None]) -> None:
    with pytest.raises(BadProof, match=why) as caught:
        check()
    assert (caught.value.rule, caught.value.facts["step"]) == (7, step)


def test_root_of_every_size_is_the_recursive_definition() -> None:
    edge = Edge.EMPTY
    for size in range(130):
        assert edge.size == size
        assert edge.root() == root_at(size, _subtree) == root_of(HASHES[:size]) == _definition(HASHES[:size])
        edge = edge.append(HASHES[size])


def test_every_proof_of_small_trees_verifies() -> None:
    for size in range(1, 34):
        root = root_of(HASHES[:size])
        for index in range(size):
            verify_inclusion(HASHES[index], index, size, inclusion_path(index, size, _subtree), root)
        for old_size in range(size + 1):
            verify_consistency(old_size, root_of(HASHES[:old_size]), size, root, consistency_path(old_size, size, _subtree))


def test_appending_leaves_the_edge_before_as_it_was() -> None:
    before = Edge.EMPTY.append(HASHES[0]).append(HASHES[1]).append(HASHES[2])
    root = before.root()
    assert before.append(HASHES[3]).append(HASHES[4]) == before.append(HASHES[3]).append(HASHES[4])
    assert (before.size, before.root()) == (3, root)


@given(st.integers(0, 2**60))
def test_edge_comes_back_from_its_bytes_and_from_no_other_length(size: int) -> None:
    edge = Edge(size, tuple(sha256(bytes([place])).digest() for place in range(size.bit_count())))
    blob = edge.to_bytes()
    assert Edge.from_bytes(size, blob) == edge
    for wrong in (blob[:-1], blob + b"\x00", blob + bytes(32), blob[:-32]):
        if len(wrong) != len(blob):
            with pytest.raises(Malformed) as caught:
                Edge.from_bytes(size, wrong)
            assert caught.value.rule == 7


def test_edge_of_negative_size_is_refused() -> None:
    with pytest.raises(Malformed, match="negative") as caught:
        Edge.from_bytes(-1, bytes(32))
    assert caught.value.rule == 7


@pytest.mark.slow
@given(sizes, st.data())
def test_proof_for_changed_leaf_never_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda other: other != index) if size > 1 else st.just(size))
    path, root = inclusion_path(index, size, _subtree), root_of(HASHES[:size])
    verify_inclusion(HASHES[index], index, size, path, root)
    for changed in (HASHES[other], leaf_hash(b"changed"), root):
        if changed != HASHES[index]:
            with pytest.raises(BadProof):
                verify_inclusion(changed, index, size, path, root)
    with pytest.raises(BadProof):
        verify_inclusion(HASHES[index], other, size, path, root)


@pytest.mark.slow
@given(sizes, st.data())
def test_inclusion_path_with_a_changed_missing_or_further_hash_never_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path, root = inclusion_path(index, size, _subtree), root_of(HASHES[:size])
    for changed in _changes(path, data):
        with pytest.raises(BadProof):
            verify_inclusion(HASHES[index], index, size, changed, root)


@pytest.mark.slow
@given(sizes, st.data())
def test_consistency_with_another_history_never_verifies(size: int, data: st.DataObject) -> None:
    old_size = data.draw(st.integers(1, size))
    place = data.draw(st.integers(0, old_size - 1))
    path, root = consistency_path(old_size, size, _subtree), root_of(HASHES[:size])
    old_root = root_of(HASHES[:old_size])
    verify_consistency(old_size, old_root, size, root, path)
    rewritten = root_of([*HASHES[:place], leaf_hash(b"rewritten"), *HASHES[place + 1 : old_size]])
    with pytest.raises(BadProof):
        verify_consistency(old_size, rewritten, size, root, path)
    for changed in _changes(path, data):
        with pytest.raises(BadProof):
            verify_consistency(old_size, old_root, size, root, changed)


@given(sizes, st.data())
def test_part_of_a_tree_and_the_path_above_it_give_the_path_from_every_place_in_it(size: int, data: st.DataObject) -> None:
    known_size = data.draw(st.integers(1, size))
    old_size = data.draw(st.integers(0, known_size))

    def held(start: int, end: int) -> bytes:
        assert end <= known_size
        return _subtree(start, end)

    path = consistency_path(known_size, size, _subtree)
    assert earlier_path(old_size, known_size, size, path, held) == consistency_path(old_size, size, _subtree)
    with pytest.raises(ValueError, match="zip"):
        earlier_path(known_size, known_size, size, [*path, bytes(32)], held)
    with pytest.raises(ValueError, match="cannot show"):
        earlier_path(known_size + 1, known_size, size, path, held)


def _changes(path: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    changes = [[*path, path[-1] if path else bytes(32)], [bytes(32), *path]]
    if path:
        step = data.draw(st.integers(0, len(path) - 1))
        bit = data.draw(st.integers(0, 255))
        flipped = (int.from_bytes(path[step], "big") ^ 1 << bit).to_bytes(32, "big")
        changes += [path[:step] + path[step + 1 :], [*path[:step], flipped, *path[step + 1 :]]]
    return changes


def _uniform() -> Subtree:
    """A tree as large as one likes, all of whose leaves are alike."""
    levels = [leaf_hash(b"the same")]
    for _ in range(53):
        levels.append(node_hash(levels[-1], levels[-1]))
    return lambda start, end: levels[(end - start).bit_length() - 1]


@given(st.integers(1, INTEGER_MAX), st.data())
def test_proofs_of_trees_of_any_size_that_a_leaf_may_name_verify(size: int, data: st.DataObject) -> None:
    subtree = _uniform()
    index, old_size = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    asked: list[tuple[int, int]] = []

    def counted(start: int, end: int) -> bytes:
        asked.append((start, end))
        return subtree(start, end)

    root = root_at(size, subtree)
    path = inclusion_path(index, size, counted)
    assert len(path) <= PROOF_HASHES_MAX
    verify_inclusion(leaf_hash(b"the same"), index, size, path, root)
    path = consistency_path(old_size, size, counted)
    assert len(path) <= PROOF_HASHES_MAX
    verify_consistency(old_size, root_at(old_size, subtree), size, root, path)
    assert len(asked) <= 4 * 53
    assert all(start % (end - start) == 0 and (end - start).bit_count() == 1 for start, end in asked)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 4), (5, 4)])
def test_inclusion_path_of_no_leaf_is_our_bug(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_path(index, size, _subtree)


@pytest.mark.parametrize(("old_size", "new_size"), [(1, 0), (5, 4), (-1, 4)])
def test_consistency_path_from_a_larger_tree_is_our_bug(old_size: int, new_size: int) -> None:
    with pytest.raises(ValueError, match="cannot begin with"):
        consistency_path(old_size, new_size, _subtree)


def test_leaf_that_looks_like_a_node_has_another_hash() -> None:
    left, right = HASHES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)
    assert leaf_hash(b"\x01" + left + right) != node_hash(left, right)
