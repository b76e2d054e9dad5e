"""The processes of a measurement: nodes, the floor, whatever else runs beside; each ends with the block that started it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 20.0


class Asked:
    """A process that answers one line on its standard output for each line on its standard input."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, question: str) -> Any:
        """Ask, and wait for the answer, a JSON value."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args!r} has ended")
        return json.loads(answer)


class Floor(Asked):
    """`bench.floor`."""

    def seconds(self, count: int) -> list[float]:
        """So many exchanges, one after the other."""
        found: list[float] = self.ask(str(count))
        return found


class NodeProcess(Asked):
    """`bench.node`."""

    def do(self, what: str, **params: Any) -> Any:
        """Ask the node; see `bench.node.Measured`."""
        return self.ask(json.dumps({"do": what, **params}))

    def cpu(self) -> float:
        """Processor seconds of the node so far."""
        return float(self.do("cpu"))

    def rss_bytes(self) -> int:
        """Memory of the node that is in RAM."""
        return rss_bytes(self.process.pid)


def rss_bytes(pid: int) -> int:
    """Memory of a process that is in RAM."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} has no memory")


@contextmanager
def running(arguments: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a Python module with arguments from the project's root; end it with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def floor(folder: Path) -> Iterator[Floor]:
    """The two processes of the floor, writing into this folder."""
    with running(["bench.floor", str(folder)]) as process:
        yield Floor(process)


@contextmanager
def nodes(homes: Sequence[Path], *, size: int = 1024) -> Iterator[list[NodeProcess]]:
    """A node on each home, their lines up. size: of the notices they send."""
    with ExitStack() as stack:
        started = [NodeProcess(stack.enter_context(running(["bench.node", str(home), str(size)]))) for home in homes]
        for node in started:
            node.do("up")
        yield started
