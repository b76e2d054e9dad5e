"""Silence certificates: the size of a file that shows one, and how long both verifiers take for it.

The silence is a real one: two nodes, a notice with a clock of one second, and nobody at the other desk.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.bench import Bench
from bench.footprint import serving
from bench.homes import MACHINE_FORM, content_of, make_pair
from bench.processes import PATIENCE_SECONDS, ROOT
from bench.report import Figure, Skipped, Target, median
from watchline.core.archive import pack, unpack
from watchline.core.entries import EntryType
from watchline.core.evidence import verify_evidence
from watchline.core.keys import IdentityKey
from watchline.core.terms import Clocks
from watchline.desk.home import Home
from watchline.desk.socket import RemoteError, call

CONTENT_BYTES = 120
SILENCE_BYTES = 40 * 1_024  # without the notice's body
PURPOSE, MESSAGE = "bench", bytes(512)
RUNNER = ROOT / "verifier" / "run.mjs"


def measure(bench: Bench) -> Iterator[Figure]:
    """Sizes, then the two verifiers on the same file."""
    with_body, without_body = _certified(bench)
    for name, data in (("with the notice's body", with_body), ("without it", without_body)):
        pairing = len(data) - len(_without_pairing(data))
        note = f"{pairing} of them the pairing, the same for every file of the line"
        target = Target(SILENCE_BYTES) if data is without_body else None
        yield Figure(f"file of one silence, {name}", len(data), "bytes", target=target, note=note)
        yield Figure("  without the pairing", len(data) - pairing, "bytes")
    rounds = bench.scale.rounds
    unit = median(_signature_seconds(rounds))
    python = median([_python_seconds(with_body) for _ in range(rounds)])
    yield Figure("check of both signatures, Ed25519 and ML-DSA-65", unit * 1e3, "ms")
    note = f"{python / unit:.0f} times the check of both signatures"
    yield Figure("verification of the silence in Python", python * 1e3, "ms", note=note)
    node = shutil.which("node")
    if node is None:
        raise Skipped("the browser's verifier: Node.js is not installed")
    page = median([_page_seconds(node, with_body) for _ in range(bench.scale.starts)])
    note = f"{page / python:.0f} times Python; by Node.js, the first file of a new process"
    yield Figure("verification of the silence by the browser's verifier", page * 1e3, "ms", note=note)


def _certified(bench: Bench) -> tuple[bytes, bytes]:
    """Let a clock run out, and export the silence with the notice's body and without it."""
    changes = {"form_clocks": {MACHINE_FORM: Clocks(1, None)}, "status_interval_seconds": 1}
    homes = make_pair(bench.new_folder(), terms_changes=changes)
    near = Home.open(homes[0])
    with serving(homes[0]), serving(homes[1]):
        content = content_of(CONTENT_BYTES).hex()
        notice = call(near.socket, "compose", {"line": "peer", "type": int(EntryType.NOTICE), "content": content})["id"]
        _until(lambda: _has_certificate(near, notice), "a certificate")
        files = [near.path / f"silence-{hide_body}" for hide_body in (False, True)]
        _until(lambda: _exported(near, notice, files[0], hide_body=False), "complete evidence")
        _until(lambda: _exported(near, notice, files[1], hide_body=True), "complete evidence")
    return files[0].read_bytes(), files[1].read_bytes()


def _has_certificate(near: Home, notice: str) -> bool:
    with suppress(RemoteError):
        return bool(call(near.socket, "silence", {"line": "peer", "id": notice})["certificates"])
    return False


def _exported(near: Home, notice: str, file: Path, *, hide_body: bool) -> bool:
    params = {"line": "peer", "ids": [], "out": str(file), "silence": notice, "hide_body": hide_body}
    return bool(call(near.socket, "export", params)["complete"])


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"no {what} within {PATIENCE_SECONDS:g} s")
        time.sleep(0.05)


def _without_pairing(data: bytes) -> bytes:
    """The same archive without what is shown of the pairing. Nobody can verify it."""
    return pack({name: part for name, part in unpack(data).items() if not name.startswith("pairing/")})


def _signature_seconds(count: int) -> list[float]:
    key = IdentityKey.generate("Bench", os.urandom)
    signature = key.sign(PURPOSE, MESSAGE)
    found = []
    for _ in range(count):
        started = time.perf_counter()
        key.identity.verify(PURPOSE, MESSAGE, signature)
        found.append(time.perf_counter() - started)
    return found


def _python_seconds(data: bytes) -> float:
    started = time.perf_counter()
    report = verify_evidence(data)
    seconds = time.perf_counter() - started
    if not _shows_silence(report.as_json()):
        raise RuntimeError(f"the evidence does not show a silence: {report.faults[:3]}")
    return seconds


def _page_seconds(node: str, data: bytes) -> float:
    """Of a new process each time: the page's script remembers no signature then, as in a browser."""
    warm = {"ed25519": ["00" * 32, "00" * 64, ""]}  # answered once the script has been read
    with subprocess.Popen([node, str(RUNNER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        request = json.dumps({"base64": b64encode(data).decode()})
        print(json.dumps(warm), file=process.stdin, flush=True)
        process.stdout.readline()
        started = time.perf_counter()
        print(request, file=process.stdin, flush=True)
        answer = process.stdout.readline()
        seconds = time.perf_counter() - started
        process.stdin.close()
    if not _shows_silence(report := json.loads(answer)):
        raise Skipped(f"the browser's verifier shows no silence: {report['faults'][:1]}")
    return seconds


def _shows_silence(report: dict[str, Any]) -> bool:
    return bool(report["verified"] and report["silences"])
