"""The kept inputs of each target: `corpus/TARGET/` to begin from, `regressions/TARGET/` what once broke it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from reliability.fuzz.target import Target

CORPUS = Path(__file__).parent / "corpus"
REGRESSIONS = Path(__file__).parent / "regressions"
FILES_MAX = 40
GENUINE_BYTES_MAX = 70_000


def inputs(name: str) -> list[bytes]:
    """What a run begins from: corpus and regressions, in the order of their names."""
    return [path.read_bytes() for path in files(name)]


def files(name: str) -> list[Path]:
    """The files of a target, in the order of their names, the corpus first."""
    folders = (CORPUS / name, REGRESSIONS / name)
    return [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]


def write_genuine(target: Target) -> int:
    """Write the target's genuine inputs into its corpus; files of other names stay. Gives how many there are."""
    folder = CORPUS / target.name
    folder.mkdir(parents=True, exist_ok=True)
    genuine = target.genuine()
    for name, data in genuine.items():
        (folder / name).write_bytes(data)
    return len(genuine)


def keep_regression(name: str, data: bytes) -> Path:
    """Keep an input that broke a target; named by its hash."""
    folder = REGRESSIONS / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / sha256(data).hexdigest()[:16]
    path.write_bytes(data)
    return path
