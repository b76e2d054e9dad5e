"""Long runs guided by coverage, with atheris: one process a target, as libFuzzer never gives its process back.

`cover` starts them, reads how many inputs each executed, looks at everything they found again without instrumentation, keeps
what breaks a target under `regressions/`, and takes the best of the new inputs into the corpus.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import Any

from reliability.fuzz import KIND
from reliability.fuzz.bounds import Judge
from reliability.fuzz.corpus import CORPUS, FILES_MAX, files, keep_regression
from reliability.fuzz.mutation import INPUT_BYTES_MAX
from reliability.fuzz.target import Target
from reliability.slices import Slice

_NEW_BYTES_MAX = 20_000  # of one input that is taken into the corpus
_LOOKED_AT_MAX = 2_000
_EXECUTED = re.compile(r"stat::number_of_executed_units:\s*([0-9]+)")
_ROOT = Path(__file__).parents[2]


def cover(targets: Sequence[Target], seconds: int, record: bool) -> int:
    """Run each target for so long; exit code 1 where one broke, 2 where atheris is missing."""
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed here: `make fuzz` installs it from requirements/fuzz.txt", file=sys.stderr)
        return 2
    started = time.monotonic()
    executed: dict[str, int] = {}
    failures: list[str] = []
    for target in targets:
        executed[target.name], broken = _cover_one(target, seconds)
        failures += broken
        print(
            f"{target.name:20} {executed[target.name]:11,} inputs, {executed[target.name] / seconds:9,.0f} a second", flush=True
        )
        for text in broken:
            print(f"  FAILED {text}", flush=True)
    if record:
        add_to_record(executed, failures, time.monotonic() - started)
    return 1 if failures else 0


def as_slice(executed: dict[str, int], failures: Sequence[str], seed: int) -> Slice:
    """What was executed under coverage, as a slice with one seed that no other slice has."""
    counts = {"inputs": sum(executed.values()), **executed}
    return Slice(KIND, range(seed, seed + 1), counts, tuple(failures))


def add_to_record(executed: dict[str, int], failures: Sequence[str], seconds: float) -> None:
    """Add a run to reliability/record.json, under the next seed that is free."""
    from reliability.record import load

    record = load()
    commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=_ROOT, capture_output=True, text=True, check=True)
    kind = record.kinds[KIND]
    kind.add(as_slice(executed, failures, kind.next_seed()), commit.stdout.strip(), seconds)
    record.save()


def _cover_one(target: Target, seconds: int) -> tuple[int, list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        grown, found = Path(folder) / "grown", Path(folder) / "found"
        grown.mkdir()
        found.mkdir()
        kept = sorted({str(path.parent) for path in files(target.name)})
        largest = max((path.stat().st_size for path in files(target.name)), default=0)
        done = _run(
            target.name, found, f"-max_total_time={seconds}", f"-max_len={min(INPUT_BYTES_MAX, 4_096 + 2 * largest)}",
            "-print_final_stats=1", "-timeout=20", "-rss_limit_mb=2048", f"-artifact_prefix={found}/", str(grown), *kept,
        )  # fmt: skip
        executed = _EXECUTED.search(done.stderr)
        broken = [] if executed else [f"{target.name}: the run ended early: {done.stderr[-600:]}"]
        judge = Judge(target)
        places: set[str] = set()
        for path in [*sorted(found.iterdir()), *sorted(grown.iterdir())]:
            data = path.read_bytes()
            finding = judge.try_input(data) or (judge.measure_memory(data) if path.parent == grown else None)
            if finding is not None and finding.place not in places:
                places.add(finding.place)
                broken.append(f"{target.name}: {finding.text}; kept as {keep_regression(target.name, data).name}")
        _grow_corpus(judge, grown)
        return int(executed[1]) if executed else 0, broken


def _grow_corpus(judge: Judge, grown: Path) -> None:
    """Take into the corpus what reaches lines that nothing kept does, the shortest first, up to FILES_MAX."""
    name = judge.target.name
    reached = Reached()
    for path in files(name):
        reached.adds(judge, path.read_bytes())
    room = FILES_MAX - len(list((CORPUS / name).iterdir()))
    for path in sorted(grown.iterdir(), key=lambda path: path.stat().st_size)[:_LOOKED_AT_MAX]:
        data = path.read_bytes()
        if room > 0 and len(data) <= _NEW_BYTES_MAX and reached.adds(judge, data):
            (CORPUS / name / sha256(data).hexdigest()[:16]).write_bytes(data)
            room -= 1


class Reached:
    """The steps from line to line of the project that some inputs have taken."""

    def __init__(self) -> None:
        self._steps: set[tuple[str, int, int]] = set()

    def adds(self, judge: Judge, data: bytes) -> bool:
        """Run an input; whether it took a step that none before it took."""
        known = len(self._steps)
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            judge.try_input(data)
        finally:
            sys.settrace(before)
        return len(self._steps) > known

    def _enter(self, frame: FrameType, _event: str, _argument: object) -> Any:
        file = frame.f_code.co_filename
        if "/watchline/" not in file:
            return None
        last = frame.f_lineno

        def step(frame: FrameType, _event: str, _argument: object) -> Any:
            nonlocal last
            self._steps.add((file, last, frame.f_lineno))
            last = frame.f_lineno
            return step

        return step


def _run(name: str, found: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reliability.fuzz.guided", name, str(found), *arguments]
    return subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, errors="replace", check=False)
