"""A TCP proxy that counts what passes: the bytes that a network really carries, TLS and length prefixes included."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class CountingProxy:
    """Listens on a free port and carries every connection to another. toward, back: payload bytes of TCP, so far."""

    def __init__(self) -> None:
        self.toward = 0
        self.back = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])

    def start(self, target: int) -> None:
        """Carry connections to this port from now on."""
        threading.Thread(target=self._accept, args=(target,), daemon=True).start()

    def close(self) -> None:
        """Take no more connections; those that stand end with their ends."""
        self._listening.close()

    def _accept(self, target: int) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", target))
                except OSError:
                    near.close()
                    continue
                threading.Thread(target=self._carry, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self._carry, args=(far, near, False), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, toward: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if toward:
                    self.toward += len(data)
                else:
                    self.back += len(data)
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
