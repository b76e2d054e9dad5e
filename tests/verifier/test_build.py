"""The page is what its sources give, the libraries in it are the ones that were looked at, and it reaches for nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from watchline.core.archive import unpack

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "verifier" / "vendor"
PAGE = ROOT / "src" / "watchline" / "verifier" / "verify.html"
OURS = sorted((ROOT / "verifier").glob("*.js"))
REACHING = re.compile(
    r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts|innerHTML|outerHTML|eval|document\.write)\b"
)


def test_page_is_what_its_sources_give() -> None:
    checked = subprocess.run([sys.executable, ROOT / "scripts" / "build_verifier.py", "--check"], check=False)
    assert checked.returncode == 0, "run scripts/build_verifier.py"


def test_vendored_files_are_those_that_are_listed() -> None:
    lines = [line.split("  ") for line in (VENDOR / "SHA256SUMS").read_text().splitlines()]
    listed = {name: digest for digest, name in lines}
    found = {path.relative_to(VENDOR).as_posix(): path for path in VENDOR.rglob("*") if path.is_file()}
    del found["SHA256SUMS"]
    assert {name: sha256(path.read_bytes()).hexdigest() for name, path in found.items()} == listed
    assert all((folder / "LICENSE").is_file() for folder in VENDOR.iterdir() if folder.is_dir())


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_module_reaches_for_no_network_and_writes_no_markup(path: Path) -> None:
    assert REACHING.findall(path.read_text()) == []


def test_page_names_no_address_but_that_of_its_policy() -> None:
    head = PAGE.read_text().partition("<style>")[0]
    assert "default-src 'none'" in head
    assert not re.search(r"(?:src|href)\s*=", head)
    assert head.count("'sha256-") == 2


def test_documents_hold_the_words_of_the_readme() -> None:
    document = (ROOT / "docs" / "evidence-words.md").read_text()
    block = document[document.index("    EVIDENCE OF A WATCHLINE LINE") :]
    words = "".join(f"{line[4:]}\n" for line in block.splitlines())
    readme = unpack((ROOT / "tests" / "vectors" / "evidence" / "one.zip").read_bytes())["readme.txt"].decode()
    before, between, after = re.split("IDENTITIES|FACTS", words)
    assert readme.startswith(before)
    assert between in readme
    assert readme.endswith(after)
