"""The wire between the two desks: a TCP relay before each node, in a thread of its own, that can be cut and healed.

Cut, it breaks what is connected and lets new connections hang, as a dead line does; it never hangs up on them, which would
look like a machine that refuses. A node that is not there is another thing: there the relay hangs up.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self, TypeVar

CHUNK_BYTES = 65_536
POLL_SECONDS = 0.05
LOOPBACK = "127.0.0.1"

T = TypeVar("T")


class Wire:
    """All relays of one play. As a context manager it leaves no thread and no socket behind."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="demo wire", daemon=True)
        self._servers: list[asyncio.Server] = []
        self._transports: set[asyncio.WriteTransport] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._carries = asyncio.Event()
        self._carries.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def relay(self) -> Relay:
        """Open a relay on a port of the system's choice."""
        return self._run(self._open())

    def cut(self) -> None:
        """Break the line; on return no byte passes any more."""
        self._run(self._set(carries=False))

    def heal(self) -> None:
        """Let the line carry again."""
        self._run(self._set(carries=True))

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _open(self) -> Relay:
        relay = Relay()

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                await self._carry(relay, reader, writer)
            finally:
                self._tasks.discard(task)

        server = await asyncio.start_server(carry, LOOPBACK, 0)
        relay.port = server.sockets[0].getsockname()[1]
        self._servers.append(server)
        return relay

    async def _carry(self, relay: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = {writer.transport}
        self._transports |= ends
        try:
            await self._carries.wait()
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, relay.node_port)
            ends.add(far_writer.transport)
            if not self._carries.is_set():
                return  # it was cut meanwhile
            self._transports |= ends
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        except OSError:
            pass  # a broken connection ends both its ends, below
        finally:
            self._transports -= ends
            for transport in ends:
                transport.abort()

    async def _set(self, *, carries: bool) -> None:
        if carries:
            self._carries.set()
            return
        self._carries.clear()
        for transport in self._transports:
            transport.abort()

    async def _close(self) -> None:
        """Let every task end by itself: a cancelled one would be told about as an error by asyncio's streams."""
        for server in self._servers:
            server.close()
        while self._tasks:
            self._carries.set()  # those that hang on a cut line come to their ends, too
            for transport in self._transports:
                transport.abort()
            await asyncio.wait(self._tasks, timeout=POLL_SECONDS)


class Relay:
    """One way in. port: where it listens. node_port: where the node that it stands before listens now."""

    def __init__(self) -> None:
        self.port = 0
        self.node_port = 0


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()
    with suppress(OSError):
        writer.write_eof()
