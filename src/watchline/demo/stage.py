"""The stage: a folder of its own, two homes, two node processes, and the certainty that nothing of it remains.

Nodes run in sessions of their own, so that Ctrl-C reaches the demo alone, which then ends them in order. Signals that come
while a process is being started or ended wait until its fate is known.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from watchline.demo.relay import LOOPBACK, Relay, Wire
from watchline.desk.config import default_text
from watchline.desk.home import NODE_KEY_VARIABLE, Home
from watchline.desk.local import NodeCaller
from watchline.errors import RouteError, WatchlineError

START_SECONDS, STOP_SECONDS = 30.0, 10.0
POLL_SECONDS = 0.05
_LOG_LINES_SHOWN, _LOG_CHARACTERS_SHOWN = 5, 400
# A line is told to be down at once, and up soon after: the demo's reader does not wait as a node on a bad line may.
_SETTINGS = """
reserve_bytes = 0
status_interval_seconds = 2
reconnect_first_seconds = 0.1
reconnect_last_seconds = 0.4
handshake_seconds = 1
"""


@contextmanager
def stage() -> Iterator[Stage]:
    """Give the stage, and clear it away whatever ended the play."""
    signals = Signals()
    with signals.taken(), _without_variables(NODE_KEY_VARIABLE):
        made = Stage(signals)
        try:
            with signals.held():
                made.folder = Path(tempfile.mkdtemp(prefix="watchline-demo-"))
            with Wire() as made.wire:
                yield made
        except WatchlineError as error:
            error.facts["nodes"] = made.last_words()
            raise
        finally:
            with signals.held():
                made.clear()


class Stage:
    """What the play is played with. folder: throwaway."""

    folder: Path
    wire: Wire

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._nodes: list[Node] = []

    def node(self, home: Home, relay: Relay) -> Node:
        """The node of a home, not yet started. relay: the way to it."""
        node = Node(home, relay, self._signals)
        self._nodes.append(node)
        return node

    def last_words(self) -> list[str]:
        """The ends of the nodes' logs, which go with the folder."""
        return [line for node in self._nodes for line in node.last_words()]

    def clear(self) -> None:
        """End every process and remove the folder."""
        for node in self._nodes:
            node.end()
        for node in self._nodes:
            node.wait_for_end()
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder, ignore_errors=True)


class Node:
    """One node as a process: `python -m watchline --home HOME serve`."""

    def __init__(self, home: Home, relay: Relay, signals: Signals) -> None:
        self.caller = NodeCaller(home)
        self._home = home
        self._relay = relay
        self._signals = signals
        self._log = home.path.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None
        self._console_port = _free_port()
        self._settle()

    @property
    def pid(self) -> int | None:
        """The process, None if there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it, on a new port of the system's choice. It serves once `wait_until_it_serves` returns."""
        self._settle()
        command = [sys.executable, "-m", "watchline", "--home", str(self._home.path), "serve"]
        with self._signals.held(), self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def wait_until_it_serves(self) -> None:
        """Raises RouteError with what it said if it does not."""
        if not came_true(self._answers, seconds=START_SECONDS):
            raise RouteError(
                f"the node of {self._home.path.name} does not serve within {START_SECONDS:g} s",
                hint="see whether this machine is overloaded",
            )

    def _settle(self) -> None:
        """Write the settings of the home, with a port that is free now, and point the relay to it."""
        self._relay.node_port = _free_port()
        settings = f'{default_text()}\nlisten = ["{LOOPBACK}:{self._relay.node_port}"]\n{_SETTINGS}'
        settings += f"console_port = {self._console_port}\n"
        (self._home.path / "watchline.toml").write_text(settings, encoding="utf-8")

    def kill(self) -> None:
        """End it with kill -9: no farewell, no last write."""
        assert self._process is not None
        with self._signals.held():
            self._process.kill()
            self._process.wait()
            self._process = None

    def last_words(self) -> list[str]:
        """The end of its log."""
        if not self._log.exists():
            return []
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line[:_LOG_CHARACTERS_SHOWN] for line in lines[-_LOG_LINES_SHOWN:]]

    def end(self) -> None:
        """Ask it to end, if it runs."""
        if self._process is not None:
            self._process.terminate()

    def wait_for_end(self) -> None:
        """Wait until it has ended; make it end if it does not."""
        if self._process is None:
            return
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RouteError(
                f"the node of {self._home.path.name} ended as soon as it was started",
                hint="it said: " + " | ".join(self.last_words()),
            )
        try:
            return bool(self.caller.call("desk", START_SECONDS)["pid"] == self._process.pid)
        except RouteError:
            return False


class Signals:
    """What ends the play from outside: Ctrl-C, SIGTERM, SIGHUP. The first one breaks off the play, but no `held` part of it."""

    def __init__(self) -> None:
        self._holds = 0
        self._waiting: int | None = None
        self._ended = False

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Handle the signals, where the program can: in its main thread. A signal that was ignored stays ignored."""
        before: dict[signal.Signals, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(each) is not signal.SIG_IGN:
                    before[each] = signal.signal(each, self._arrived)
        try:
            yield
        finally:
            for each, before_it in before.items():
                signal.signal(each, before_it)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let signals wait until this part is over; an error of the part itself goes before them."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
        if self._waiting is not None and self._holds == 0:
            self._end(self._waiting)

    def _arrived(self, number: int, _frame: object) -> None:
        if self._ended:
            return  # who presses Ctrl-C twice must not leave half of the stage behind
        if self._holds:
            self._waiting = number
        else:
            self._end(number)

    def _end(self, number: int) -> None:
        self._waiting, self._ended = None, True
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)


def came_true(holds: Callable[[], bool], *, seconds: float) -> bool:
    """Look again and again; whether it came to hold in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@contextmanager
def _without_variables(*names: str) -> Iterator[None]:
    """What the caller's environment says about its own desk must not reach the desks of the play."""
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)
