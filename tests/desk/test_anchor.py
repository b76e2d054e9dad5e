from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from watchline.core.encoding import encode
from watchline.core.records import Pair
from watchline.desk.anchor import MAGIC, Anchor, Anchored, judge
from watchline.errors import Rollback, UsageError

LINE, OTHER = b"L" * 32, b"M" * 32
AT = Anchored(Pair(2, 3), 10, b"o" * 32, 20, b"p" * 32)


def test_what_was_written_last_is_read(tmp_path: Path) -> None:
    anchor = Anchor(tmp_path / "anchor")
    anchor.write({LINE: AT})
    anchor.write({LINE: replace(AT, own_size=11), OTHER: AT})

    assert Anchor(tmp_path / "anchor").read() == {LINE: replace(AT, own_size=11), OTHER: AT}
    assert [path.name for path in tmp_path.iterdir()] == ["anchor"]


def test_anchor_that_is_missing_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read") as caught:
        Anchor(tmp_path / "gone" / "anchor").read()

    assert "watchline.toml" in caught.value.hint


def test_anchor_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        Anchor(tmp_path / "gone" / "anchor").write({LINE: AT})


def test_anchor_cut_short_longer_or_changed_is_no_anchor(tmp_path: Path) -> None:
    anchor = Anchor(tmp_path / "anchor")
    anchor.write({LINE: AT})
    whole = anchor.path.read_bytes()
    changed = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]

    for damaged in [*(whole[:length] for length in range(len(whole))), whole + b"\0", *changed]:
        anchor.path.write_bytes(damaged)
        with pytest.raises(UsageError, match="damaged"):
            anchor.read()


@pytest.mark.parametrize(
    "content",
    [
        [[LINE, 2, 3, 10, b"o" * 32, 20]],
        [[LINE, 0, 3, 10, b"o" * 32, 20, b"p" * 32]],
        [[LINE, 2, 3, -1, b"o" * 32, 20, b"p" * 32]],
        [[LINE, 2, 3, 10, b"o" * 31, 20, b"p" * 32]],
        [[LINE[:31], 2, 3, 10, b"o" * 32, 20, b"p" * 32]],
        7,
    ],
)
def test_anchor_of_another_shape_is_no_anchor(tmp_path: Path, content: list[object]) -> None:
    data = encode(content)
    (tmp_path / "anchor").write_bytes(MAGIC + sha256(data).digest() + data)

    with pytest.raises(UsageError, match="damaged"):
        Anchor(tmp_path / "anchor").read()


def test_more_lines_than_an_anchor_holds_are_refused(tmp_path: Path) -> None:
    lines = {number.to_bytes(32, "big"): AT for number in range(4_097)}

    with pytest.raises(UsageError, match="at most 4096 lines"):
        Anchor(tmp_path / "anchor").write(lines)


def judged(
    pair: Pair = AT.pair, own: int = 10, peer: int = 20, *, own_root: bytes = b"o", peer_root: bytes = b"p"
) -> Rollback | None:
    own_roots, peer_roots = {10: own_root * 32}, {20: peer_root * 32}
    return judge(AT, pair, own, peer, own_roots.__getitem__, peer_roots.__getitem__)


@pytest.mark.parametrize(("own", "peer"), [(10, 20), (11, 20), (10, 999)])
def test_journal_that_holds_what_the_anchor_shows_or_more_is_no_old_copy(own: int, peer: int) -> None:
    assert judged(own=own, peer=peer) is None


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (judged(own=9), "fewer entries of our log"),
        (judged(peer=19), "fewer entries of the peer's log"),
        (judged(own_root=b"x"), "other entries of our log"),
        (judged(own=12, own_root=b"x"), "other entries of our log"),
        (judged(peer_root=b"x"), "other entries of the peer's log"),
        (judged(Pair(1, 3)), "an earlier incarnation"),
        (judged(Pair(1, 4)), "an earlier incarnation"),
        (judged(Pair(2, 2)), "an earlier incarnation"),
    ],
)
def test_journal_behind_or_beside_its_anchor_is_an_old_copy(found: Rollback | None, what: str) -> None:
    assert found is not None
    assert what in found.message
    assert (found.rule, found.hint != "") == (32, True)


@pytest.mark.parametrize("pair", [Pair(3, 3), Pair(3, 1), Pair(2, 4)])
def test_later_incarnation_owes_its_anchor_nothing(pair: Pair) -> None:
    assert judged(pair, 0, 0) is None
