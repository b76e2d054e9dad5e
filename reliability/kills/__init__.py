"""`kill -9` of real nodes under load: nothing accepted or receipted is lost, nothing arrives twice, both logs are the same.

Each seed is a pair of desks with homes of their own; some pairs run at once. The seed decides who is killed and when, but these
are real processes: no two runs are the same.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reliability.kills.nodes import SERVE, Serve
from reliability.kills.session import Session
from reliability.slices import Slice, command

KIND = "kills"
PAIRS = 4  # at once: while one starts, others talk
KILLS = 50  # of processes, for each pair


def run(seeds: range, *, kills: int = KILLS, serve: Serve = SERVE) -> Slice:
    """Run the seeds. kills: at least so many for each. serve: the node under attack; a test gives one that loses things.

    Counts: kills, and of them those `at_start` (within 0.2 s of it) and `linked` (the line had just been up); `entries` that
    the nodes had accepted in the meantime.
    """
    counts: Counter[str] = Counter(kills=0, at_start=0, linked=0, entries=0)
    failures: list[str] = []
    with ThreadPoolExecutor(PAIRS) as pool:
        for found, failure in pool.map(lambda seed: _one(seed, kills, serve), seeds):
            counts.update(found)
            if failure:
                failures.append(failure)
    return Slice(KIND, seeds, dict(counts), tuple(failures))


def _one(seed: int, kills: int, serve: Serve) -> tuple[Counter[str], str | None]:
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        session = Session(Path(folder), random.Random(seed), serve)
        try:
            session.run(kills)
        except Exception as error:  # noqa: BLE001 - whatever two killed nodes come to is a finding
            again = command(KIND, range(seed, seed + 1))
            return session.counts, f"seed {seed}, {type(error).__name__}: {error}; {session.logs()}; repeat: {again}"
        return session.counts, None
