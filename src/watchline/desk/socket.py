"""The local socket between a node and its commands: one request, one answer, JSON with a length before it.

The socket lies in the home and only its owner may open it: who can reach it is who can read the home. The address of a Unix
socket is at most 107 bytes, and a home may lie deeper: both ends reach it through an open descriptor of its folder.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from watchline.errors import RouteError, UsageError, WatchlineError

REQUEST_BYTES_MAX = 16 * 1024 * 1024
Answer = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


class RemoteError(WatchlineError):
    """An error that the node answered with: told here as it was told there."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error.get("message", "")), hint=str(error.get("hint", "")), **dict(error.get("facts", {})))
        self.kind = str(error.get("kind", "error"))  # type: ignore[misc]
        self.exit_code = int(error.get("exit_code", 1))  # type: ignore[misc]


def error_value(error: WatchlineError) -> dict[str, Any]:
    """An error as the socket carries it."""
    return {
        "kind": error.kind,
        "message": error.message,
        "hint": error.hint,
        "facts": error.facts,
        "exit_code": error.exit_code,
    }


@contextmanager
def address_of(path: Path) -> Iterator[str]:
    """A path to the socket that fits into its address, however deep the home lies."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


async def serve_api(path: Path, answer: Answer) -> asyncio.Server:
    """Listen on the home's socket; a stale one of a process that is gone is replaced. The home's lock must be held."""
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - the loop is not serving anybody yet
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    previous = os.umask(0o177)
    try:
        with address_of(path) as short:
            listening.bind(short)
    finally:
        os.umask(previous)
    listening.setblocking(False)

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                size = int.from_bytes(await reader.readexactly(4), "big")
                if size > REQUEST_BYTES_MAX:
                    break
                body = json.dumps(await _answer(await reader.readexactly(size), answer)).encode()
                writer.write(len(body).to_bytes(4, "big") + body)
                await writer.drain()
        writer.close()

    return await asyncio.start_unix_server(serve_one, sock=listening, limit=REQUEST_BYTES_MAX)


async def _answer(body: bytes, answer: Answer) -> dict[str, Any]:
    try:
        return {"result": await answer(*_request(body))}
    except WatchlineError as error:
        return {"error": error_value(error)}


def _request(body: bytes) -> tuple[str, dict[str, Any]]:
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        request = None
    match request:
        case {"method": str(method), "params": dict(params)}:
            return method, params
    raise UsageError("this is no request", hint="use the commands of the same version as the node")


def call(path: Path, method: str, params: dict[str, Any], timeout_seconds: float | None = None) -> dict[str, Any]:
    """Ask the node of this home, and wait for its answer; None waits for as long as the node does.

    Raises RouteError if no node listens or it goes away; and whatever the node answers with, as RemoteError.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_seconds)
        try:
            with address_of(path) as short:
                connection.connect(short)
            body = json.dumps({"method": method, "params": params}).encode()
            connection.sendall(len(body).to_bytes(4, "big") + body)
            reply = json.loads(_read(connection, int.from_bytes(_read(connection, 4), "big")))
        except OSError as error:
            raise RouteError(
                "no node answers in this home", hint="start one with `watchline serve`", errno=error.errno
            ) from None
    if "error" in reply:
        raise RemoteError(reply["error"])
    result: dict[str, Any] = reply["result"]
    return result


def _read(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = connection.recv(min(1 << 20, size - len(data)))
        if not part:
            raise ConnectionResetError("the node hung up")
        data += part
    return bytes(data)
