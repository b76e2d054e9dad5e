"""Our notes and trees, judged by Go's sumdb packages; and theirs, judged by ours."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from watchline.core.checkpoint import ED25519, Checkpoint, VerifierKey, format_note, origin, parse_note
from watchline.core.keys import Ed25519Key
from watchline.core.merkle import (
    consistency_path,
    inclusion_path,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from watchline.core.witnessing import AddCheckpoint, WitnessKey

pytestmark = pytest.mark.needs("go", "/usr/share/gocode/src/golang.org/x/mod/sumdb/note")

Json = dict[str, Any]
Ask = Callable[[list[Json]], list[Json]]

VECTORS = Path(__file__).parents[1] / "vectors"
NOTES = json.loads((VECTORS / "notes.json").read_text("utf-8"))
MERKLE = json.loads((VECTORS / "merkle.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Put questions to the Go program; its source says which there are."""
    folder = tmp_path_factory.mktemp("notes")
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode",
        "GOCACHE": os.environ.get("GOCACHE", str(folder / "cache")),
        "GOFLAGS": "",
    }
    source = Path(__file__).with_name("notes.go")
    go = shutil.which("go") or "go"
    built = subprocess.run([go, "build", "-o", folder / "notes", source], env=environment, capture_output=True, check=False)
    assert built.returncode == 0, built.stderr.decode()

    def put(questions: list[Json]) -> list[Json]:
        done = subprocess.run([folder / "notes"], input=json.dumps(questions).encode(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        answers: list[Json] = json.loads(done.stdout)
        assert len(answers) == len(questions)
        return answers

    return put


@pytest.mark.slow
def test_notes_of_ours_verify_there(ask: Ask) -> None:
    # The library has no cosignatures, and drops further signatures of one key.
    cases = [case for case in NOTES["good"] if any(algorithm == ED25519 for _, algorithm, _ in case["verified"])]
    assert len(cases) >= 6
    answers = ask([{"kind": "note", "note": case["note"], "keys": case["keys"]} for case in cases])
    for case, answer in zip(cases, answers, strict=True):
        assert "error" not in answer, case["name"]
        assert answer["verified"] == [name for name, algorithm, _ in case["verified"] if algorithm == ED25519], case["name"]
        assert answer["text"].encode() == parse_note(case["note"].encode()).text


@pytest.mark.slow
def test_notes_that_we_refuse_are_refused_there(ask: Ask) -> None:
    keys = NOTES["good"][1]["keys"]
    cases = [case for case in NOTES["bad"] if "note" in case and "ours" not in case]
    cases += [case for case in NOTES["unverified"] if case["name"] != "one holds and one does not"]
    answers = ask([{"kind": "note", "note": case["note"], "keys": case.get("keys", keys)} for case in cases])
    assert [case["name"] for case, answer in zip(cases, answers, strict=True) if "error" not in answer] == []


def test_note_signed_there_is_the_one_that_we_write_and_verifies_here(ask: Ask) -> None:
    for seed in (bytes(32), bytes(range(32))):
        private = Ed25519PrivateKey.from_private_bytes(seed)
        name = origin(bytes(32), seed, 1, 7)
        key = VerifierKey(name, ED25519, private.public_key().public_bytes_raw())
        text = Checkpoint(name, 9, root_of([leaf_hash(seed)] * 9)).text()
        signer = f"PRIVATE+KEY+{name}+{key.key_id.hex()}+{b64encode(bytes([ED25519]) + seed).decode()}"
        [answer] = ask([{"kind": "sign", "text": text.decode(), "signer": signer}])
        note = answer["note"].encode()
        assert note == format_note(text, [(key, private.sign(text))])
        assert parse_note(note).verify([VerifierKey.parse(key.to_text())]) == [(key, None)]


def test_proofs_of_ours_verify_there(ask: Ask) -> None:
    # The library knows no proof from the empty tree.
    cases = [{"kind": "inclusion", **case} for case in MERKLE["inclusion"]]
    cases += [{"kind": "consistency", **case} for case in MERKLE["consistency"] if case["old_size"]]
    assert [case for case, answer in zip(cases, ask(cases), strict=True) if "error" in answer] == []


def test_proofs_that_we_refuse_are_refused_there(ask: Ask) -> None:
    cases = [{"kind": "inclusion", **case} for case in MERKLE["bad_inclusion"]]
    cases += [{"kind": "consistency", **case} for case in MERKLE["bad_consistency"]]
    answers = ask(cases)
    assert [case["name"] for case, answer in zip(cases, answers, strict=True) if "error" not in answer] == []


def test_roots_and_paths_are_the_same_there(ask: Ask) -> None:
    draw = random.Random(6962)
    trees = []
    for size in [*range(1, 18), 31, 32, 33, 100, 255, 256, 257]:
        leaves = [draw.randbytes(draw.randrange(60)) for _ in range(size)]
        index, old_size = draw.randrange(size), draw.randint(1, size)
        trees.append((leaves, index, old_size))
    answers = ask(
        [
            {"kind": "tree", "leaves": [leaf.hex() for leaf in leaves], "index": index, "old_size": old_size}
            for leaves, index, old_size in trees
        ]
    )
    for (leaves, index, old_size), answer in zip(trees, answers, strict=True):
        hashes = [leaf_hash(leaf) for leaf in leaves]
        size, root = len(leaves), root_of(hashes)

        def subtree(start: int, end: int, hashes: list[bytes] = hashes) -> bytes:
            return root_of(hashes[start:end])

        inclusion = [bytes.fromhex(each) for each in answer.get("inclusion", [])]
        consistency = [bytes.fromhex(each) for each in answer.get("consistency", [])]
        assert answer["root"] == root.hex()
        assert inclusion == inclusion_path(index, size, subtree)
        assert consistency == consistency_path(old_size, size, subtree)
        verify_inclusion(hashes[index], index, size, inclusion, root)
        verify_consistency(old_size, root_of(hashes[:old_size]), size, root, consistency)


def test_checkpoint_that_is_brought_to_a_witness_verifies_there_beside_its_cosignature(ask: Ask) -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    key = VerifierKey("sample/log", ED25519, private.public_key().public_bytes_raw())
    text = Checkpoint(key.name, 9, root_of([leaf_hash(b"leaf")] * 9)).text()
    asked = AddCheckpoint.parse(AddCheckpoint(0, (), format_note(text, [(key, private.sign(text))])).to_bytes())
    cosigned = asked.note + WitnessKey("witness.example.org/w1", Ed25519Key(bytes(32))).cosign(text, 1_700_000_000)

    answers = ask([{"kind": "note", "note": note.decode(), "keys": [key.to_text()]} for note in (asked.note, cosigned)])

    assert [answer["verified"] for answer in answers] == [[key.name], [key.name]]
