from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from tests.cli.commands import Shell
from watchline.cli.proof import PAGE

MEMBERS = {"verified", "complete", "identities", "facts", "faults"}


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + bytes(40)])
def test_garbage_gives_the_same_shape_as_evidence(shell: Shell, content: bytes) -> None:
    Path("garbage").write_bytes(content)

    done = shell("verify", "garbage", "--json")

    assert done.code == 1
    assert done.document.keys() >= MEMBERS
    assert done.document["verified"] is False
    assert done.document["faults"]
    assert "NOT VERIFIED" in shell("verify", "garbage").out


def test_verify_needs_no_home(shell: Shell) -> None:
    Path("garbage").write_bytes(b"")

    assert shell("--home", "nowhere", "verify", "garbage").code == 1


def test_evidence_that_is_not_there_is_wrong_usage(shell: Shell) -> None:
    assert shell("verify", "gone", "--json").error["kind"] == "usage"


def test_identity_file_that_holds_none_is_refused(shell: Shell) -> None:
    Path("garbage").write_bytes(b"watchline identity 1\n\x83")

    assert shell("verify", "garbage", "--identity", "garbage", "--json").error["kind"] == "usage"


@pytest.mark.slow
def test_export_writes_over_nothing(shell: Shell) -> None:
    shell.pair()
    Path("evidence").write_text("mine")

    assert shell.at("tokyo", "export", "beijing", "--out", "evidence", "--json").error["kind"] == "usage"
    assert Path("evidence").read_text() == "mine"


def test_export_of_a_line_that_does_not_exist_is_refused(shell: Shell) -> None:
    shell.make("tokyo")

    assert shell.at("tokyo", "export", "beijing", "--out", "evidence", "--json").error["kind"] == "usage"
    assert not Path("evidence").exists()


def test_page_is_written_once_and_is_the_one_that_is_shipped(shell: Shell) -> None:
    done = shell("verify", "--page", "verify.html", "--json")

    assert done.code == 0
    page = Path("verify.html").read_bytes()
    assert page == PAGE.read_bytes()
    assert done.document == {"file": "verify.html", "sha256": sha256(page).hexdigest()}
    assert shell("verify", "--page", "verify.html", "--json").error["kind"] == "usage"


def test_page_is_not_written_where_there_is_no_folder_nor_beside_a_check(shell: Shell) -> None:
    Path("garbage").write_bytes(b"")

    for words in (("--page", "gone/verify.html"), ("garbage", "--page", "verify.html"), ()):
        assert shell("verify", *words, "--json").error["kind"] == "usage"
    assert not Path("verify.html").exists()
