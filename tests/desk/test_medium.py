from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.sample_desks import identity_key
from tests.desk.sample_homes import CHEAP
from watchline.core.keys import KemKey
from watchline.desk.medium import KEY_FILE, Medium, create_medium, drop_pairing, keep_pairing, open_medium, read_pairing
from watchline.errors import BadSignature, Malformed, SecretError, UsageError

MEDIUM = Medium(identity_key("A"), KemKey(bytes(range(32))), inc=3, serial=7)
LINE = b"l" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_medium(tmp_path / "medium", MEDIUM, "passphrase", CHEAP)
    return tmp_path / "medium"


def test_medium_opens_with_what_was_counted(folder: Path) -> None:
    assert open_medium(folder, "passphrase") == MEDIUM


def test_second_identity_on_one_medium_is_refused(folder: Path) -> None:
    before = (folder / KEY_FILE).read_bytes()

    with pytest.raises(UsageError, match="identity already"):
        create_medium(folder, MEDIUM, "passphrase", CHEAP)

    assert (folder / KEY_FILE).read_bytes() == before


def test_medium_that_is_not_there_is_refused_before_anybody_types(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="medium is not there") as caught:
        keep_pairing(tmp_path, MEDIUM.archive.public, LINE, b"pairing")

    assert "--identity-dir" in caught.value.hint


def test_pairing_is_kept_without_the_passphrase_and_read_with_it(folder: Path) -> None:
    keep_pairing(folder, MEDIUM.archive.public, LINE, b"old")
    keep_pairing(folder, MEDIUM.archive.public, LINE, b"pairing")

    assert read_pairing(folder, open_medium(folder, "passphrase"), LINE) == b"pairing"


def test_kept_pairing_of_another_line_or_changed_is_refused(folder: Path) -> None:
    keep_pairing(folder, MEDIUM.archive.public, LINE, b"pairing")
    (kept,) = folder.glob("*.pairing")
    sealed = kept.read_bytes()

    kept.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(BadSignature):
        read_pairing(folder, MEDIUM, LINE)
    kept.write_bytes(sealed)
    kept.rename(kept.with_name(f"line-{'6d' * 16}.pairing"))
    with pytest.raises(BadSignature):
        read_pairing(folder, MEDIUM, b"m" * 32)


def test_pairing_that_ended_is_forgotten(folder: Path) -> None:
    keep_pairing(folder, MEDIUM.archive.public, LINE, b"pairing")

    drop_pairing(folder, LINE)
    drop_pairing(folder, LINE)

    assert [path.name for path in folder.iterdir()] == [KEY_FILE]
    with pytest.raises(SecretError):
        read_pairing(folder, MEDIUM, LINE)


def test_medium_cut_short_or_longer_is_refused() -> None:
    encoded = MEDIUM.encode()

    for damaged in [*(encoded[:length] for length in range(len(encoded))), encoded + b"\0"]:
        with pytest.raises(Malformed):
            Medium.decode(damaged)
