"""Homes that earlier versions wrote, and the code of those versions where this is a clone with its history."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.endtoend.homes import SOURCE, NodeProcess, free_port
from watchline.desk.home import Home

ROOT = Path(__file__).parents[2]
HOMES = Path(__file__).parent / "homes"
VERSIONS = sorted(folder.name for folder in HOMES.iterdir() if folder.is_dir())
EARLIEST = "62dc3cf"
SAME_SCHEMA = ("5b48177", "43edcb1")  # versions whose journals are of today's schema
TOKYO, BEIJING = "tokyo", "beijing"

# Run by the version that owns a home: opening a journal brings it to the schema of the version that opens it.
MOVE = """
import sys
from pathlib import Path
from watchline.core.encoding import encode
from watchline.desk.home import Home

home, own, peer = sys.argv[1:]
journal = Home.open(Path(home)).open_journal()
journal.put_document("own-routes", "self", encode([["direct", own]]), False)
journal.put_document("peer-routes", journal.lines()[0].line.hex(), encode([0, [["direct", peer]]]), False)
journal.close()
"""


def unpack(version: str, folder: Path) -> None:
    """Lay out all that is kept of a version: tokyo, beijing, their listings, and the files of evidence."""
    for packed in sorted((HOMES / version).glob("*.tar.xz")):
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="tar")


def listing(folder: Path, desk: str) -> list[dict[str, Any]]:
    """What the version that wrote a home said of it."""
    entries: list[dict[str, Any]] = json.loads((folder / f"{desk}.json").read_text())["entries"]
    return entries


def nodes(folder: Path, tokyo: Path = SOURCE, beijing: Path = SOURCE) -> tuple[NodeProcess, NodeProcess]:
    """Both homes as nodes that reach each other on this machine, each run by the code that is given."""
    ports = {TOKYO: free_port(), BEIJING: free_port()}
    sources = {TOKYO: tokyo, BEIJING: beijing}
    for desk, peer in ((TOKYO, BEIJING), (BEIJING, TOKYO)):
        addresses = (f"127.0.0.1:{ports[name]}" for name in (desk, peer))
        environment = {**os.environ, "PYTHONPATH": str(sources[desk])}
        subprocess.run([sys.executable, "-c", MOVE, str(folder / desk), *addresses], env=environment, check=True)
    made = [NodeProcess(Home.open(folder / desk), ports[desk], sources[desk]) for desk in (TOKYO, BEIJING)]
    return made[0], made[1]


def source_of(version: str, folder: Path) -> Path:
    """The code of an earlier version, from the history of this repository; skips the test where there is none."""
    packed = subprocess.run(["git", "-C", str(ROOT), "archive", version, "src"], capture_output=True, check=False)
    if packed.returncode:
        said = packed.stderr.decode(errors="replace").strip()
        pytest.skip(f"needs commit {version} to run its code: clone the repository with its history ({said})")
    folder.mkdir(exist_ok=True)
    file = folder / "src.tar"
    file.write_bytes(packed.stdout)
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="tar")
    return folder / "src"
