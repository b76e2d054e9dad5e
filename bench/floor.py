"""The floor: what no durable exchange on this machine can be faster than. Everything else is given as a ratio to it.

Blocking sockets, no cryptography, two processes: append 1 KiB and fdatasync, send it, append it there and fdatasync, answer.
`python -m bench.floor FOLDER` is the near process; the far one is its child.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path

MESSAGE_BYTES = 1024
ANSWER_BYTES = 128


def main() -> None:
    """Answer each line on standard input, a count, with a JSON list of so many durations in seconds."""
    folder = Path(sys.argv[1])
    listening = socket.create_server(("127.0.0.1", 0))
    child = os.fork()
    if child == 0:
        _be_far(listening.accept()[0], _open(folder / "floor-far"))
        os._exit(0)
    with socket.create_connection(listening.getsockname()) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        file = _open(folder / "floor-near")
        for line in sys.stdin:
            print(json.dumps([_exchange(connection, file) for _ in range(int(line))]), flush=True)
    os.waitpid(child, 0)


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _exchange(connection: socket.socket, file: int) -> float:
    message = bytes(MESSAGE_BYTES)
    started = time.perf_counter()
    os.write(file, message)
    os.fdatasync(file)
    connection.sendall(message)
    connection.recv(ANSWER_BYTES, socket.MSG_WAITALL)
    return time.perf_counter() - started


def _be_far(connection: socket.socket, file: int) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while message := connection.recv(MESSAGE_BYTES, socket.MSG_WAITALL):
        os.write(file, message)
        os.fdatasync(file)
        connection.sendall(bytes(ANSWER_BYTES))


if __name__ == "__main__":
    main()
