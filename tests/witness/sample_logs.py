"""A log that asks a witness, and a witness over a real file under a clock that the test sets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from watchline.core.checkpoint import ED25519, Checkpoint, VerifierKey, format_note
from watchline.core.keys import Ed25519Key
from watchline.core.merkle import consistency_path, leaf_hash, root_of
from watchline.core.witnessing import AddCheckpoint, WitnessKey
from watchline.witness.logs import Logs
from watchline.witness.service import Witness
from watchline.witness.store import Store

START = 1_700_000_000
KEY = WitnessKey("witness.example.org/w1", Ed25519Key(b"w" * 32))


class SampleLog:
    """One log with its key; `branch` gives another one that differs from leaf 5 on."""

    def __init__(self, name: str = "sample/log", branch: str = "") -> None:
        self._key = Ed25519Key(b"l" * 32)
        self.key = VerifierKey(name, ED25519, self._key.public)
        self._leaves = [leaf_hash(f"{number} {branch if number >= 5 else ''}".encode()) for number in range(64)]

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(self.key.name, size, root_of(self._leaves[:size]))

    def request(self, old: int, size: int) -> bytes:
        proof = consistency_path(old, size, lambda start, stop: root_of(self._leaves[start:stop]))
        text = self.checkpoint(size).text()
        return AddCheckpoint(old, tuple(proof), format_note(text, [(self.key, self._key.sign(text))])).to_bytes()


class Given:
    """Serves the logs it was given."""

    def __init__(self, *logs: SampleLog) -> None:
        self._keys = {log.key.name: log.key for log in logs}

    def key(self, origin: str) -> VerifierKey | None:
        return self._keys.get(origin)

    def offer(self, vkey: str) -> tuple[int, str]:
        return 404, "not here"


@dataclass
class Wall:
    """The witness's clock."""

    now: int = START

    def __call__(self) -> int:
        return self.now


def witness_of(path: Path, logs: Logs, wall: Wall | None = None, *, create: bool = True, vfs: str | None = None) -> Witness:
    return Witness(KEY, Store(path, create=create, vfs=vfs), logs, wall or Wall())
