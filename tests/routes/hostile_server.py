"""A server that speaks enough of NATS to be joined, and then does to a desk what no honest one would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

INFO = {"server_id": "x", "version": "2.15.1", "proto": 1, "headers": True, "max_payload": 1_048_576}


class HostileServer:
    """greeting: its first bytes. joined: what it sends once a desk has asked for the peer's box, given the desk's inbox."""

    def __init__(self, greeting: bytes | None = None, joined: Callable[[str], bytes] = lambda inbox: b"") -> None:
        self.port = 0
        self.heard = bytearray()
        self.acknowledged = 0
        self.acknowledges = True
        self._greeting = b"INFO " + json.dumps(INFO).encode() + b"\r\n" if greeting is None else greeting
        self._joined = joined
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return f"nats://127.0.0.1:{self.port}"

    async def close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            writer.write(self._greeting)
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the desk has gone, or the test is over
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        subscriptions: dict[str, str] = {}
        while line := await reader.readline():
            self.heard += line
            words = line.decode("latin-1").split() or [""]
            if words[0] == "PING":
                writer.write(b"PONG\r\n")
            elif words[0] == "SUB":
                subscriptions[words[1]] = words[-1]
            elif words[0] in ("PUB", "HPUB"):
                await reader.readexactly(int(words[-1]) + 2)
                self._published(words, subscriptions, writer)

    def _published(self, words: list[str], subscriptions: dict[str, str], writer: asyncio.StreamWriter) -> None:
        subject, reply = words[1], words[2] if len(words) > 3 else ""
        if subject.startswith("$JS.ACK"):
            self.acknowledged += 1
        elif subject.startswith("$JS.API"):
            self._send(writer, subscriptions, reply, json.dumps({"state": {"last_seq": 0}}).encode())
            if "CONSUMER" in subject:
                inbox = next(name for name in subscriptions if name.endswith(".frames"))
                writer.write(self._joined(subscriptions[inbox]))
        elif reply and self.acknowledges:
            self._send(writer, subscriptions, reply, b'{"stream": "s", "seq": 1}')

    def _send(self, writer: asyncio.StreamWriter, subscriptions: dict[str, str], subject: str, data: bytes) -> None:
        name = next(known for known in subscriptions if known == subject or known == subject.rpartition(".")[0] + ".*")
        writer.write(f"MSG {subject} {subscriptions[name]} {len(data)}\r\n".encode() + data + b"\r\n")


def frame_message(sid: str, data: bytes, number: int = 1) -> bytes:
    reply = f"$JS.ACK.watchline-x.desk.1.{number}.{number}.1.0"
    return f"MSG box.frames {sid} {reply} {len(data)}\r\n".encode() + data + b"\r\n"
