"""Both verifiers over the same bundles: the one in Python, and the one in the page, run by Node.js."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from watchline.core.evidence import verify_evidence
from watchline.core.keys import Identity

RUNNER = Path(__file__).parents[2] / "verifier" / "run.mjs"
COMPARED = ("verified", "complete", "identities", "facts", "entries", "silences", "meaning")


class Page:
    """The page's script in one process of Node.js; a context manager."""

    def __enter__(self) -> Self:
        command = ["node", str(RUNNER)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def verify(self, data: bytes, trusted: Sequence[Identity] = ()) -> dict[str, Any]:
        """What it reports of a bundle."""
        request = {"base64": b64encode(data).decode(), "trusted": [identity.fingerprint for identity in trusted]}
        answer: dict[str, Any] = self._ask(request)
        return answer

    def verify_ed25519(self, key: str, signature: str, message: str) -> bool:
        """Whether it takes this signature, all in hex."""
        answer: bool = self._ask({"ed25519": [key, signature, message]})
        return answer

    def _ask(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def faulted(report: dict[str, Any]) -> list[tuple[str, int]]:
    """Which parts are at fault, and by which rules."""
    return [(fault["part"], fault["rule"]) for fault in report["faults"]]


def differences(page: Page, data: bytes, trusted: Sequence[Identity] = ()) -> dict[str, tuple[Any, Any]]:
    """What the two say differently of a bundle: (Python's, the page's) by member. Parts and rules are compared apart."""
    return compare(page, data, trusted)[1]


def compare(page: Page, data: bytes, trusted: Sequence[Identity] = ()) -> tuple[dict[str, Any], dict[str, tuple[Any, Any]]]:
    """Python's report of a bundle, and `differences`."""
    ours, theirs = verify_evidence(data, trusted).as_json(), page.verify(data, trusted)
    found = {member: (ours[member], theirs[member]) for member in COMPARED if ours[member] != theirs[member]}
    here, there = faulted(ours), faulted(theirs)
    if [part for part, _ in here] != [part for part, _ in there]:
        found["parts"] = (here, there)
    elif here != there:
        found["rules"] = (here, there)
    return ours, found
