"""Nodes that start fast: each is a process of its own, forked from one that has loaded the program and done nothing with it.

Loading takes most of a node's start. What comes after it is what a kill can hurt, and that is the same: the home's lock, the
journal with its recovery, the ports.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

from tests.endtoend.homes import NodeProcess
from watchline.desk.home import Home

Serve = Callable[[Path], int]

_FORKING = multiprocessing.get_context("forkserver")


def serve_home(path: Path) -> int:
    """Run the node of a home as `watchline serve` does; its exit code."""
    from watchline.cli.main import run

    return run(["--home", str(path), "serve"])


SERVE: Serve = serve_home


class ForkedNode(NodeProcess):
    """A node whose `launch` takes a few milliseconds."""

    def __init__(self, home: Home, port: int, serve: Serve) -> None:
        super().__init__(home, port)
        self.serve = serve

    def launch(self) -> None:
        self.process = cast("subprocess.Popen[bytes]", _Forked(self.serve, self.home.path, self.log))


class _Forked:
    """What a `NodeProcess` asks of its process."""

    def __init__(self, serve: Serve, home: Path, log: Path) -> None:
        _FORKING.set_forkserver_preload(["reliability.kills.loaded"])
        self._process = _FORKING.Process(target=_main, args=(serve, home, log), daemon=True)
        self._process.start()

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self._process.pid is not None and self.poll() is None:
            os.kill(self._process.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("the node", timeout or 0.0)
        return self._process.exitcode


def _main(serve: Serve, home: Path, log: Path) -> None:
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.close(written)
    sys.exit(serve(home))
