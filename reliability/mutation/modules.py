"""Which modules of core are mutated, and which tests have to notice: a module's own tests first, then what stands on it."""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = ROOT / "src" / "watchline" / "core"

_CORE, _ATTACKS = "tests/core", "tests/attacks"
TESTS: dict[str, tuple[str, ...]] = {
    "encoding": (f"{_CORE}/test_encoding.py", f"{_CORE}/test_vectors.py"),
    "shapes": (f"{_CORE}/test_shapes.py",),
    "keys": (f"{_CORE}/test_keys.py", f"{_CORE}/test_vectors.py", f"{_CORE}/test_vectors_line.py"),
    "merkle": (f"{_CORE}/test_merkle.py", f"{_CORE}/test_vectors.py"),
    "checkpoint": (f"{_CORE}/test_checkpoint.py", f"{_CORE}/test_vectors_line.py"),
    "entries": (f"{_CORE}/test_entries.py", f"{_CORE}/test_vectors_line.py"),
    "epochs": (f"{_CORE}/test_epochs.py", f"{_CORE}/test_vectors_line.py"),
    "frames": (f"{_CORE}/test_frames.py", f"{_CORE}/test_vectors_line.py"),
    "release": (f"{_CORE}/test_release.py", f"{_CORE}/test_persons.py", f"{_CORE}/test_vectors_line.py"),
    "evidence_parts": (f"{_CORE}/test_evidence.py", f"{_ATTACKS}/test_evidence_attacks.py"),
    "evidence_reading": (f"{_CORE}/test_evidence.py", f"{_ATTACKS}/test_evidence_attacks.py"),
    "statements": (f"{_CORE}/test_statements.py", f"{_CORE}/test_vectors_line.py"),
    "certificate": (f"{_CORE}/test_certificate.py", f"{_CORE}/test_vectors_line.py"),
    "persons": (f"{_CORE}/test_persons.py", f"{_CORE}/test_vectors_line.py"),
    "pairing": (f"{_CORE}/test_pairing.py",),
    "pairing_files": (f"{_CORE}/test_pairing.py", f"{_CORE}/test_pairing_shown.py"),
    "pairing_form1": (f"{_CORE}/test_pairing_shown.py",),
    "pairing_shown": (f"{_CORE}/test_pairing_shown.py",),
    "terms": (f"{_CORE}/test_terms.py",),
    "archive": (f"{_CORE}/test_archive.py",),
    "freshness": (f"{_CORE}/test_line.py", f"{_ATTACKS}/test_line_attacks.py"),
    "gate": (f"{_CORE}/test_line.py", f"{_ATTACKS}/test_line_attacks.py", f"{_ATTACKS}/test_line_slots.py"),
    "incoming": (f"{_CORE}/test_line.py", f"{_ATTACKS}/test_line_attacks.py", f"{_ATTACKS}/test_line_slots.py"),
    "outgoing": (f"{_CORE}/test_line.py", f"{_ATTACKS}/test_line_attacks.py", f"{_ATTACKS}/test_forward_secrecy.py"),
    "line": (f"{_CORE}/test_line.py", f"{_ATTACKS}/test_line_attacks.py", f"{_ATTACKS}/test_line_slots.py"),
}


def path_of(module: str) -> Path:
    """Where the module's source is."""
    return CORE / f"{module}.py"


def source_of(module: str) -> str:
    """The module's source."""
    return path_of(module).read_text(encoding="utf-8")


def source_hash(module: str) -> str:
    """SHA-256 of the module's source, in hex."""
    return hashlib.sha256(path_of(module).read_bytes()).hexdigest()


def tests_hash(module: str) -> str:
    """SHA-256 over the module's tests, in hex: with other tests, a survivor has to be tried again."""
    digest = hashlib.sha256()
    for test in TESTS[module]:
        digest.update((ROOT / test).read_bytes())
    return digest.hexdigest()
