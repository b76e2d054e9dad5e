"""Which modules of core are mutated, and which tests have to notice: a module's own tests first, then what stands on it."""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = ROOT / "src" / "watchline" / "core"

_CORE, _ATTACKS = "tests/core", "tests/attacks"
_LINE = (f"{_CORE}/test_line.py", f"{_ATTACKS}/test_line_attacks.py")
_EVIDENCE = (f"{_CORE}/test_evidence.py", f"{_ATTACKS}/test_evidence_attacks.py")
TESTS: dict[str, tuple[str, ...]] = {
    "encoding": (f"{_CORE}/test_encoding.py", f"{_CORE}/test_vectors.py"),
    "shapes": (f"{_CORE}/test_shapes.py",),
    "keys": (f"{_CORE}/test_keys.py", f"{_CORE}/test_vectors.py", f"{_CORE}/test_vectors_line.py"),
    "merkle": (f"{_CORE}/test_merkle.py", f"{_CORE}/test_vectors.py"),
    "checkpoint": (f"{_CORE}/test_checkpoint.py", f"{_CORE}/test_vectors_line.py"),
    "entries": (f"{_CORE}/test_entries.py", f"{_CORE}/test_entry_contents.py", f"{_CORE}/test_vectors_line.py"),
    "epochs": (f"{_CORE}/test_epochs.py", f"{_CORE}/test_line_keys.py", f"{_CORE}/test_vectors_line.py"),
    "line_secrets": (f"{_CORE}/test_line_secrets.py", f"{_CORE}/test_renewal.py"),
    "line_keys": (f"{_CORE}/test_line_keys.py",),
    "renewal": (f"{_CORE}/test_renewal.py",),
    "frames": (f"{_CORE}/test_frame_items.py", f"{_CORE}/test_frames.py", f"{_CORE}/test_vectors_line.py"),
    "release": (f"{_CORE}/test_stood_for.py", f"{_CORE}/test_release.py"),
    "statements": (f"{_CORE}/test_statements.py", f"{_CORE}/test_vectors_line.py"),
    "certificate": (f"{_CORE}/test_certificate.py", f"{_CORE}/test_vectors_line.py"),
    "introduction": (f"{_CORE}/test_introduction.py",),
    "confirmations": (f"{_CORE}/test_confirmations.py", f"{_CORE}/test_state_parts.py"),
    "persons": (f"{_CORE}/test_persons.py", f"{_CORE}/test_vectors_line.py"),
    "pairing": (f"{_CORE}/test_pairing.py",),
    "pairing_files": (f"{_CORE}/test_pairing.py", f"{_CORE}/test_pairing_shown.py"),
    "pairing_form1": (f"{_CORE}/test_pairing_shown.py",),
    "pairing_shown": (f"{_CORE}/test_pairing_shown.py",),
    "terms": (f"{_CORE}/test_terms.py",),
    "amendments": (f"{_CORE}/test_amendments.py",),
    "archive": (f"{_CORE}/test_archive.py",),
    "witnessing": (f"{_CORE}/test_witnessing.py", f"{_CORE}/test_log_witnesses.py"),
    "witnessed": (f"{_CORE}/test_witnessed.py",),
    "clocks": (f"{_CORE}/test_clocks.py",),
    "reply_clocks": (f"{_CORE}/test_reply_clocks.py", f"{_CORE}/test_state_parts.py"),
    "silence": (f"{_CORE}/test_silence_judged.py", f"{_CORE}/test_silence.py"),
    "silence_logs": (f"{_CORE}/test_silence_closed.py", f"{_CORE}/test_silence_judged.py", f"{_CORE}/test_silence_logs.py"),
    "evidence": (f"{_CORE}/test_evidence_report.py",),
    "evidence_parts": (f"{_CORE}/test_evidence_parts.py", *_EVIDENCE, f"{_CORE}/test_evidence_report.py"),
    "evidence_reading": (
        *_EVIDENCE,
        f"{_CORE}/test_evidence_report.py",
        f"{_CORE}/test_evidence_incarnations.py",
        f"{_CORE}/test_evidence_terms.py",
        f"{_CORE}/test_evidence_witnessed.py",
        f"{_CORE}/test_evidence_amended_witnesses.py",
        f"{_CORE}/test_silence_told.py",
        f"{_CORE}/test_silence.py",
        f"{_ATTACKS}/test_compromised_keys.py",
    ),
    "evidence_shown": (f"{_CORE}/test_evidence_report.py", f"{_CORE}/test_evidence_incarnations.py"),
    "evidence_silences": (f"{_CORE}/test_silence_logs.py", f"{_ATTACKS}/test_silence_certificates.py"),
    "evidence_terms": (f"{_CORE}/test_shown_terms.py",),
    "evidence_witnesses": (f"{_CORE}/test_log_witnesses.py",),
    "allowance": (f"{_CORE}/test_allowance.py",),
    "probes": (f"{_CORE}/test_probes.py",),
    "freshness": (f"{_CORE}/test_freshness.py",),
    "gate": (f"{_CORE}/test_gate.py",),
    "spoken": (f"{_CORE}/test_spoken.py", f"{_CORE}/test_state_parts.py"),
    "announced": (f"{_CORE}/test_announced.py",),
    "kept_statements": (f"{_CORE}/test_announced.py",),
    "line_notices": (f"{_CORE}/test_line_notices.py", f"{_CORE}/test_state_parts.py"),
    "leaves": (f"{_CORE}/test_leaves.py",),
    "stubs": (f"{_CORE}/test_stubs.py",),
    "succession": (f"{_CORE}/test_recovery.py", f"{_CORE}/test_quarantine.py"),
    "quarantine": (f"{_CORE}/test_quarantine.py",),
    "part_heads": (f"{_CORE}/test_part_heads.py", f"{_CORE}/test_state_parts.py", f"{_CORE}/test_recovery.py"),
    "recovery": (f"{_CORE}/test_recovery.py",),
    "incoming": (
        f"{_CORE}/test_custody.py",
        f"{_CORE}/test_incoming.py",
        f"{_CORE}/test_amendments.py",
        *_LINE,
        f"{_ATTACKS}/test_line_slots.py",
    ),
    "outgoing": (f"{_CORE}/test_outgoing.py", *_LINE, f"{_ATTACKS}/test_forward_secrecy.py"),
    "line": (
        *(f"{_CORE}/test_line_{name}.py" for name in ("by_value", "stops", "pairs", "amended")),
        f"{_CORE}/test_incarnations.py",
    ),
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
