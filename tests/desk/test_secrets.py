from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.desk.sample_homes import CHEAP
from watchline.core.encoding import decode, encode
from watchline.desk.secrets import (
    COST,
    COST_MAX,
    MAGIC,
    PASSPHRASE_BYTES_MAX,
    Cost,
    read_passphrase,
    read_secret_file,
    seal,
    unseal,
    write_private_file,
)
from watchline.errors import SecretError, UsageError

SEALED = seal("kind", b"content", "passphrase", CHEAP)
COST_PLACE = SEALED.index(encode(list(CHEAP)))


def test_sealed_content_comes_back() -> None:
    assert unseal("kind", SEALED, "passphrase", what="it") == b"content"


def test_two_seals_of_one_content_differ() -> None:
    assert seal("kind", b"content", "passphrase", CHEAP) != SEALED


def test_wrong_passphrase_is_refused_with_what_to_do() -> None:
    with pytest.raises(SecretError, match="this passphrase does not open it") as caught:
        unseal("kind", SEALED, "Passphrase", what="it")

    assert caught.value.hint


def test_passphrase_typed_in_decomposed_characters_is_the_same() -> None:
    sealed = seal("kind", b"content", "ガード é", CHEAP)

    assert unseal("kind", sealed, "ガード e\u0301", what="it") == b"content"


def test_file_of_another_kind_is_refused() -> None:
    with pytest.raises(SecretError, match="does not hold"):
        unseal("other", SEALED, "passphrase", what="it")


def test_kind_cannot_be_exchanged() -> None:
    values = decode(SEALED[len(MAGIC) :])
    values[0] = "other"

    with pytest.raises(SecretError):
        unseal("other", MAGIC + encode(values), "passphrase", what="it")


@pytest.mark.parametrize("length", range(len(SEALED)))
def test_sealed_file_cut_short_is_refused(length: int) -> None:
    with pytest.raises(SecretError):
        unseal("kind", SEALED[:length], "passphrase", what="it")


def test_sealed_file_with_bytes_left_over_is_refused() -> None:
    with pytest.raises(SecretError):
        unseal("kind", SEALED + b"\0", "passphrase", what="it")


@given(st.integers(len(MAGIC), len(SEALED) - 1), st.integers(1, 255))
def test_sealed_file_with_one_byte_changed_is_refused(place: int, change: int) -> None:
    # The cost is left alone: another one is refused, too, but may take its time. Its bounds have a test of their own.
    assume(not COST_PLACE <= place < COST_PLACE + len(encode(list(CHEAP))))
    changed = bytearray(SEALED)
    changed[place] ^= change

    with pytest.raises(SecretError):
        unseal("kind", bytes(changed), "passphrase", what="it")


@pytest.mark.parametrize(
    "cost",
    [
        Cost(COST_MAX.memory_kib + 1, 1, 1),
        Cost(8, COST_MAX.iterations + 1, 1),
        Cost(1_024, 1, COST_MAX.lanes + 1),
        Cost(0, 1, 1),
        Cost(8, 0, 1),
        Cost(8, 1, 0),
        Cost(15, 1, 2),
    ],
)
def test_cost_out_of_bounds_is_refused_before_it_is_spent(cost: Cost) -> None:
    values = decode(SEALED[len(MAGIC) :])
    values[1] = list(cost)

    with pytest.raises(SecretError, match="damaged"):
        unseal("kind", MAGIC + encode(values), "passphrase", what="it")


def test_cost_of_new_files_is_within_the_bounds() -> None:
    assert all(1 <= chosen <= bound for chosen, bound in zip(COST, COST_MAX, strict=True))
    assert COST.memory_kib >= 65_536


@pytest.mark.parametrize("passphrase", ["", "x" * (PASSPHRASE_BYTES_MAX + 1)])
def test_passphrase_without_or_beyond_length_is_refused(passphrase: str) -> None:
    with pytest.raises(SecretError):
        seal("kind", b"", passphrase, CHEAP)


@pytest.mark.parametrize(
    ("content", "passphrase"), [(b"word", "word"), (b"word\n", "word"), (b"word\r\n", "word"), (b" word \n", " word ")]
)
def test_passphrase_file_is_read_without_its_line_end(tmp_path: Path, content: bytes, passphrase: str) -> None:
    (tmp_path / "file").write_bytes(content)

    assert read_passphrase(tmp_path / "file") == passphrase


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines\n", b"\xff\xfe", b"x" * 2_000])
def test_file_that_holds_no_passphrase_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)

    with pytest.raises(SecretError):
        read_passphrase(tmp_path / "file")


def test_secret_file_that_is_not_there_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(SecretError) as caught:
        read_secret_file(tmp_path / "gone", what="it")

    assert caught.value.facts["path"] == str(tmp_path / "gone")


def test_private_file_is_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        write_private_file(tmp_path / "file", b"content")
    finally:
        os.umask(previous)

    assert (tmp_path / "file").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_private_file_replaces_nothing_unless_told(tmp_path: Path) -> None:
    write_private_file(tmp_path / "file", b"first")

    with pytest.raises(UsageError, match="there already"):
        write_private_file(tmp_path / "file", b"second")

    assert (tmp_path / "file").read_bytes() == b"first"
    write_private_file(tmp_path / "file", b"third", replace=True)
    assert (tmp_path / "file").read_bytes() == b"third"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
