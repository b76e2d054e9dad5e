"""`python -m reliability.soak --hours N`: go on where the record ends, and add every finished slice to it.

What is furthest from its goal goes first. Each slice is a process of its own with a time limit, so that one that crashes or
hangs is a failure in the record and not the end of the run. What changed in the tree since its last commit is not hidden:
such slices carry the commit with `-dirty`.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

from reliability.record import DOCS, GOALS, RECORD, Record, load, write_table
from reliability.slices import KINDS, Slice, command, from_json, is_there

ROOT = Path(__file__).parents[1]
SLICE_SECONDS = 60.0  # what a slice should take: long beside its start, short beside a run
LIMIT_SECONDS = 20 * SLICE_SECONDS
GROWTH = 8  # a slice has at most so many times the seeds of the one before: a kind's pace is known only by running it


def main() -> int:
    """Run slices until the time is over; exit code 1 if one of them failed."""
    options = _options()
    folder = os.open(RECORD.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("another soak is adding to the record", file=sys.stderr)
        return 2
    kinds = [kind for kind in options.kinds if is_there(kind)]
    for kind in sorted(set(options.kinds) - set(kinds)):
        print(f"left out: this checkout has no reliability/{kind}")
    print(*load().lines(), sep="\n", flush=True)
    failed = soak(kinds, time.monotonic() + options.hours * 3600, options.jobs) if kinds else 0
    print(*load().lines(), sep="\n")
    write_table(load())
    return 1 if failed else 0


def soak(kinds: list[str], end: float, jobs: int) -> int:
    """Run slices until `end` (monotonic seconds), `jobs` at once; give the number of failures."""
    failed = 0
    last: dict[str, tuple[int, float]] = {}
    running: dict[Future[tuple[Slice, str, float]], tuple[str, range]] = {}
    with ThreadPoolExecutor(jobs) as pool:
        while running or time.monotonic() < end:
            while len(running) < jobs and (left := end - time.monotonic()) > 0:
                record = load()
                kind, start = choose(record, kinds, list(running.values()))
                length = slice_length(*(last.get(kind) or known_pace(record, kind)), min(left, SLICE_SECONDS))
                seeds = range(start, start + length)
                running[pool.submit(run_slice, kind, seeds)] = kind, seeds
            try:
                done = wait(running, return_when=FIRST_COMPLETED).done
            except KeyboardInterrupt:
                end = time.monotonic()
                print("no more slices; waiting for those that run", flush=True)
                continue
            for finished in done:
                del running[finished]
                found, commit, seconds = finished.result()
                record = load()
                record.kinds[found.kind].add(found, commit, seconds)
                record.save()
                last[found.kind] = len(found.seeds), seconds
                failed += len(found.failures)
                print(f"{record.line(found.kind)} (+{len(found.seeds)} seeds in {seconds:.0f} s, {commit})", flush=True)
                for failure in found.failures:
                    print(f"FAILED {failure}", flush=True)
    return failed


def choose(record: Record, kinds: list[str], running: list[tuple[str, range]]) -> tuple[str, int]:
    """What is next: the kind that is furthest from its goal, one that is not running before one that is, and its first seed."""
    busy = [kind for kind, _ in running]
    kind = min(kinds, key=lambda kind: (busy.count(kind), record.progress(kind)))
    return kind, max([record.kinds[kind].next_seed(), *(seeds.stop for other, seeds in running if other == kind)])


def slice_length(seeds: int, took_seconds: float, wanted_seconds: float) -> int:
    """How many seeds should take so long, if the last so many took so long; at most GROWTH times as many."""
    return max(1, int(seeds * min(GROWTH, wanted_seconds / max(took_seconds, 1e-3))))


def known_pace(record: Record, kind: str) -> tuple[int, float]:
    """How many seeds took how many seconds when the kind was run last; one seed if it never was."""
    known = [stretch for stretch in record.kinds[kind].stretches if stretch.counts]
    return (len(known[-1].seeds), known[-1].seconds) if known else (1, SLICE_SECONDS)


def run_slice(kind: str, seeds: range) -> tuple[Slice, str, float]:
    """Run one slice in a process of its own: what it found, at which commit, in how many seconds."""
    before, started = commit_of(ROOT), time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "reliability", kind, "--seeds", f"{seeds.start}:{seeds.stop}", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        output = errors = ""
        try:
            output, errors = process.communicate(timeout=LIMIT_SECONDS)
            found = from_json(output.splitlines()[-1])
        except subprocess.TimeoutExpired:
            found = unfinished(kind, seeds, f"not done after {LIMIT_SECONDS:.0f} s")
        except (IndexError, KeyError, TypeError, ValueError):
            found = unfinished(kind, seeds, f"ended with {process.returncode}: {errors.strip()[-2000:]}")
        finally:
            end_session(process)
    after = commit_of(ROOT)
    return found, before if before == after else f"{before.removesuffix('-dirty')}-dirty", time.monotonic() - started


def unfinished(kind: str, seeds: range, what: str) -> Slice:
    """A slice that counts nothing, with the reason as its failure."""
    return Slice(kind, seeds, {}, (f"{what}; repeat: {command(kind, seeds)}",))


def end_session(process: subprocess.Popen[str]) -> None:
    """End what the slice started and left behind, and the slice itself if it still runs."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def commit_of(root: Path) -> str:
    """The tree's commit; with `-dirty` if anything but the record and its table differs from it."""
    head = _git(root, "rev-parse", "--short=12", "HEAD")
    ours = [f":!{path.relative_to(ROOT).as_posix()}" for path in (RECORD, RECORD.with_suffix(".new"), DOCS)]
    changed = _git(root, "status", "--porcelain", "--", ".", *ours)
    return f"{head}-dirty" if changed else head


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def _kinds(text: str) -> list[str]:
    kinds = text.split(",")
    if unknown := set(kinds) - set(KINDS):
        raise argparse.ArgumentTypeError(f"no such kind: {', '.join(sorted(unknown))}")
    return kinds


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="reliability.soak", description="Run slices and add them to the record.")
    parser.add_argument("--hours", type=float, required=True)
    parser.add_argument("--kinds", type=_kinds, default=list(GOALS), metavar="A,B", help="these only")
    parser.add_argument("--jobs", type=int, default=2, help="how many slices at once (2)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
