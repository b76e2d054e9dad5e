"""The vector files are what their script writes: nobody mends one and forgets the other."""

from __future__ import annotations

from pathlib import Path

from tests.vectors import make


def test_vector_files_are_what_their_script_writes() -> None:
    folder = Path(make.__file__).parent
    written = make.vectors()
    assert {path.name for path in folder.glob("*.json")} >= set(written)
    for name, content in written.items():
        assert (folder / name).read_text("utf-8") == content, f"{name}: run tests/vectors/make.py"
