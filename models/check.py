"""Check the Spin models against `expected.toml`: what must hold is searched to the end, what is broken must be found broken."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

HERE = Path(__file__).parent
PROGRAMS = ("spin", "cc")
DEPTH_MAX = 100_000
MEBIBYTES, MEBIBYTES_FULL = 2_000, 12_000  # memory a search may take

Mode = Literal["safety", "liveness"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one model; the fields are those of `expected.toml`. breaks: None if everything must hold."""

    name: str
    model: str
    shows: str
    defines: tuple[str, ...]
    full: tuple[str, ...] | None
    mode: Mode
    breaks: str | None
    states: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a search found. violated: the assertion's or formula's name, None if nothing was. complete: nothing was left out."""

    violated: str | None
    complete: bool
    states: int
    depth: int
    seconds: float


def read_expected(path: Path = HERE / "expected.toml") -> tuple[Run, ...]:
    """Read the table of runs. Raises KeyError or TypeError where a row lacks something or says too much."""
    return tuple(_run(row) for row in tomllib.loads(path.read_text("utf-8"))["run"])


def _run(row: dict[str, Any]) -> Run:
    full = row.pop("full", None)
    defaults: dict[str, Any] = {"mode": "safety", "breaks": None, "states": 0}
    return Run(defines=tuple(row.pop("defines")), full=None if full is None else tuple(full), **(defaults | row))


def search(run: Run, *, full: bool = False) -> Verdict:
    """Search a model's states. full: with the larger bounds.

    Raises RuntimeError, with what spin, cc or pan said, if one fails.
    """
    with tempfile.TemporaryDirectory(prefix="watchline-models-") as folder:
        defines = [f"-D{each}" for each in ((run.full if full else None) or run.defines)]
        if run.mode == "liveness":
            defines.append("-DLIVENESS")
        _call(folder, ["spin", "-a", *defines, str(HERE / f"{run.model}.pml")], expect="pan.c")
        _call(folder, ["cc", "-O2" if full else "-O1", "-w", *_pan_options(run, full=full), "-o", "pan", "pan.c"], expect="pan")
        claim = ["-a", "-f"] if run.mode == "liveness" else []
        return read_verdict(_call(folder, ["./pan", f"-m{DEPTH_MAX}", *claim]))


def _pan_options(run: Run, *, full: bool) -> list[str]:
    """Broken runs go breadth first: their counterexample is a shortest one, so it is the one meant."""
    options = [f"-DMEMLIM={MEBIBYTES_FULL if full else MEBIBYTES}"]
    if run.mode == "liveness":
        return [*options, "-DNFAIR=3"]
    return [*options, "-DSAFETY", *([] if run.breaks is None else ["-DBFS"])]


def _call(folder: str, command: list[str], expect: str | None = None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    if expect is not None and (done.returncode != 0 or not (Path(folder) / expect).exists()):
        raise RuntimeError(f"{' '.join(command)}:\n{said}")
    return said


def read_verdict(said: str) -> Verdict:
    """Read what pan printed. Raises RuntimeError if it is no report of a search."""
    errors = re.search(r"depth reached (\d+), errors: (\d+)", said)
    states = re.search(r"(\d+) states, stored", said)
    if errors is None or states is None:
        raise RuntimeError(said)
    seconds = re.search(r"elapsed time ([\d.]+) seconds", said)
    return Verdict(
        violated=_violated(said) if int(errors[2]) else None,
        complete="Search not completed" not in said and "max search depth too small" not in said,
        states=int(states[1]),
        depth=int(errors[1]),
        seconds=float(seconds[1]) if seconds else 0.0,
    )


def _violated(said: str) -> str:
    """Name what was violated: the models assert `!name`, and a cycle is against the formula."""
    assertion = re.search(r"assertion violated\s+!\(+(\w+)\)", said)
    if assertion is not None:
        return assertion[1]
    formula = re.search(r"never claim\s+\+ \((\w+)\)", said)
    if "acceptance cycle" in said and formula is not None:
        return formula[1]
    found = re.search(r"pan:1: (.*)", said)
    return found[1] if found else "something that pan does not name"


def complaint(run: Run, verdict: Verdict) -> str | None:
    """Say what is not as expected; None if all of it is."""
    if verdict.violated != run.breaks:
        return f"expected {run.breaks or 'nothing'} to be violated, found {verdict.violated or 'nothing'}"
    if run.breaks is None and not verdict.complete:
        return "the search did not end: more memory or depth is needed"
    if run.breaks is None and 2 * verdict.states < run.states:
        return f"only {verdict.states:,} of about {run.states:,} states: the model does not do what it did"
    return None


def missing_programs() -> list[str]:
    """Name the programs that are needed and not there."""
    return [program for program in PROGRAMS if shutil.which(program) is None]
