"""From a cause to the right lamp, in intervals of the status: a node that is killed, one that freezes, a line that is cut.

Real nodes at a status interval of two seconds. All bytes run through the demo's wire, which can be cut: it breaks what is
connected and lets new connections hang. A node tries a lost line again each second at the latest, so that rounds are short.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.bench import Bench
from bench.footprint import serving
from bench.homes import make_pair
from bench.processes import PATIENCE_SECONDS
from bench.report import Figure, Target, median
from watchline.core.line_state import GRACE, GRACE_SECONDS_MIN, RED_MISSED
from watchline.core.status_exchange import AHEAD
from watchline.demo.relay import Wire
from watchline.desk.config import read_config
from watchline.desk.home import Home
from watchline.desk.socket import call

INTERVAL_SECONDS = 2
ROUNDS = 3
POLL_SECONDS = 0.02
SETTINGS = "reconnect_first_seconds = 0.1\nreconnect_last_seconds = 1"
SLACK = 0.25  # of an interval: for this measurement itself
# When two statuses are missing at the latest, counted from the last one that came.
RED_INTERVALS = (
    max(GRACE * INTERVAL_SECONDS, GRACE_SECONDS_MIN) + RED_MISSED * (1 - AHEAD) * INTERVAL_SECONDS
) / INTERVAL_SECONDS


def measure(bench: Bench) -> Iterator[Figure]:
    """Each cause a few times; the median and the slowest."""
    with Wire() as wire:
        relays = wire.relay(), wire.relay()
        changes = {"status_interval_seconds": INTERVAL_SECONDS}
        homes = make_pair(bench.new_folder(), settings=SETTINGS, shown=(relays[0].port, relays[1].port), terms_changes=changes)
        for relay, home in zip(relays, homes, strict=True):
            relay.node_port = int(read_config(home / "watchline.toml").listen[0].rpartition(":")[2])
        with serving(homes[0]):
            causes: tuple[tuple[str, str, str, Callable[[int], None]], ...] = (
                ("peer's node killed", "terminal_down", "machine", lambda pid: os.kill(pid, signal.SIGKILL)),
                ("peer's node frozen", "terminal_down", "machine", lambda pid: os.kill(pid, signal.SIGSTOP)),
                ("line cut", "line_down", "line", lambda _: wire.cut()),
            )
            for name, state, lamp, cause in causes:
                found = []
                for _ in range(ROUNDS):
                    found.append(_seconds_until_red(homes, state, lamp, cause) / INTERVAL_SECONDS)
                    wire.heal()
                target = Target(round(RED_INTERVALS + SLACK, 2))
                yield Figure(f"{name}: until {state} and its lamp, median", median(found), "intervals", target=target)
                yield Figure("  slowest", max(found), "intervals", note=f"of {ROUNDS}; the interval is {INTERVAL_SECONDS} s")


def _seconds_until_red(homes: tuple[Path, Path], state: str, lamp: str, cause: Callable[[int], None]) -> float:
    """One round, with a new process of the peer."""
    near = Home.open(homes[0])
    with serving(homes[1]) as (pid, _):
        try:
            _wait(near, lambda line: line["state"] == "up" and line["lamps"]["machine"]["colour"] == "green")
            started = time.perf_counter()
            cause(pid)
            _wait(near, lambda line: line["state"] == state and line["lamps"][lamp]["colour"] == "red")
            return time.perf_counter() - started
        finally:
            os.kill(pid, signal.SIGKILL)


def _wait(near: Home, holds: Callable[[dict[str, Any]], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds(line := call(near.socket, "status", {"line": "peer"})["lines"][0]):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the line stays {line['state']}")
        time.sleep(POLL_SECONDS)
