"""What a node weighs, and how fast the program is there: memory with one line and with many, starts of command and node."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.bench import Bench
from bench.homes import add_silent_lines, make_pair
from bench.processes import PATIENCE_SECONDS, ROOT, rss_bytes, running
from bench.report import Figure, Target, median
from watchline.desk.home import Home
from watchline.desk.socket import call
from watchline.errors import RouteError

SETTLING_SECONDS = 3.0  # status, prekeys and the second epoch have passed


def measure(bench: Bench) -> Iterator[Figure]:
    """Memory, then starts."""
    near, far = make_pair(bench.new_folder())
    with serving(near) as (first, _), serving(far):
        time.sleep(SETTLING_SECONDS)
        yield Figure("memory of a node with 1 line, linked", rss_bytes(first) / 1e6, "MB", target=Target(90))
        yield from _commands(bench, near)
    add_silent_lines(near, bench.scale.lines - 1)
    with serving(near) as (first, seconds):
        time.sleep(SETTLING_SECONDS)
        name = f"{bench.scale.lines} lines, peers silent"
        yield Figure(f"memory of a node with {name}", rss_bytes(first) / 1e6, "MB", target=Target(90))
        yield Figure(f"start of a node with {name}", seconds, "s")
    starts = []
    for _ in range(bench.scale.starts):
        with serving(far) as (_, seconds):
            starts.append(seconds)
    yield Figure("start of a node with 1 line, until it answers", median(starts), "s")


def _commands(bench: Bench, home: Path) -> Iterator[Figure]:
    python = median([_run([sys.executable, "-c", "pass"]) for _ in range(bench.scale.starts)])
    yield Figure("start of Python alone", python, "s")
    for name, arguments in (("--version", ["--version"]), ("lines, asked of a running node", ["--home", str(home), "lines"])):
        seconds = median([_run([sys.executable, "-m", "watchline", *arguments]) for _ in range(bench.scale.starts)])
        note = f"{seconds / python:.1f} times Python alone"
        yield Figure(f"watchline {name}", seconds, "s", target=Target(0.25), note=note)


def _run(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - started


@contextmanager
def serving(path: Path) -> Iterator[tuple[int, float]]:
    """Run `watchline serve`; give its process id and the seconds until it answered."""
    home = Home.open(path)
    started = time.perf_counter()
    with running(["watchline", "--home", str(path), "serve"], stderr=subprocess.DEVNULL) as process:
        while not _answers(home):
            if process.poll() is not None or time.perf_counter() - started > PATIENCE_SECONDS:
                raise RuntimeError(f"the node on {path} does not serve")
            time.sleep(0.005)
        yield process.pid, time.perf_counter() - started
        process.terminate()


def _answers(home: Home) -> bool:
    try:
        call(home.socket, "desk", {}, timeout_seconds=PATIENCE_SECONDS)
    except RouteError:
        return False
    return True
