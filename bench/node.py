"""A real node, told over its standard input what to measure: `python -m bench.node HOME`.

One JSON object a line asks, one JSON value a line answers. Besides what it measures it is what `watchline serve` runs: the same
node on the same loop, with TLS, journal and socket.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

import structlog
import uvloop

from bench.homes import OFFICER, OFFICER_FORM, OFFICER_PASSPHRASE, content_of
from bench.junk import Flood
from watchline.core.encoding import encode
from watchline.core.entries import EntryType
from watchline.core.line import Phase
from watchline.core.outgoing import Draft
from watchline.desk.home import Home
from watchline.desk.lines import OpenLine
from watchline.desk.node import Node
from watchline.desk.officers import open_officer_key

WINDOW_ENTRIES = 2048  # under way without a receipt while throughput is measured
BURST_ENTRIES = 256
NONCE_BYTES = 16
PATIENCE_SECONDS = 20.0


class Measured:
    """A node and its line `peer`, with the questions that a measurement asks."""

    def __init__(self, node: Node, size: int) -> None:
        self._node = node
        self._content = content_of(size)
        self._signed_content = content_of(size, OFFICER_FORM)
        self._officer = open_officer_key(node.home.officers, OFFICER, OFFICER_PASSPHRASE)
        self._awaited = 0
        self._numbered = 0
        self._verified: asyncio.Future[float] | None = None
        self._flood: Flood | None = None

    @property
    def line(self) -> OpenLine:
        """The measured line."""
        return self._node.desk.line_named("peer")

    async def answer(self, do: str, **params: Any) -> Any:
        """Answer one question by its name."""
        return await getattr(self, f"do_{do}")(**params)

    async def do_up(self) -> None:
        """Wait until entries flow, and the first epoch under a single-use key has begun. Raises TimeoutError."""
        self.line.on_verified = self._receipt_came
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._until_up()

    async def _until_up(self) -> None:
        while self.line.line.phase is not Phase.OPEN or self.line.line.outgoing.chain.epoch < 2:
            if self.line.line.reachable and self.line.line.outgoing.next_held:
                await self.do_latency("desk", 1)
            await asyncio.sleep(0.02)

    async def do_pin(self, core: int) -> None:
        """Run on this core only."""
        os.sched_setaffinity(0, {core})

    async def do_cpu(self) -> float:
        """Processor seconds so far."""
        return time.process_time()

    async def do_facts(self) -> dict[str, Any]:
        """Where strangers would knock, and how long our log is."""
        return {
            "door": self._node.desk.door(self.line),
            "address": self._node.home.config.listen[0],
            "size": self.line.line.outgoing.edge.size,
        }

    async def do_latency(self, way: str, count: int) -> list[list[float]]:
        """Send so many notices one after the other; for each, seconds until [our commit, the verified receipt]."""
        once = {"desk": self._by_desk, "api": self._by_api, "officer": self._by_officer}[way]
        return [await once() for _ in range(count)]

    async def do_flood(self, kind: str) -> None:
        """Send junk of this kind on our link from now on."""
        assert self.line.link is not None
        self._flood = Flood(self.line.line, self._node.desk.journal, self.line.link, kind)

    async def do_calm(self) -> float:
        """Send no more of it; how many frames a second it was."""
        assert self._flood is not None
        return self._flood.stop()

    async def do_flow(self, seconds: float = 0.0, count: int = 0) -> dict[str, float]:
        """Send for so long, or so many, with the window full; until all is receipted."""
        outgoing = self.line.line.outgoing
        first, started, cpu = outgoing.edge.size, time.perf_counter(), time.process_time()
        last = first + count
        while outgoing.edge.size < last or time.perf_counter() - started < seconds:
            if outgoing.edge.size - outgoing.received > WINDOW_ENTRIES - BURST_ENTRIES:
                await self._receipt_of(outgoing.received)
                continue
            for _ in range(min(BURST_ENTRIES, last - outgoing.edge.size) if count else BURST_ENTRIES):
                self._node.desk.compose(self.line, Draft(EntryType.NOTICE, self._new(self._content), released=True))
            await asyncio.sleep(0)
        while outgoing.received < outgoing.edge.size:
            await self._receipt_of(outgoing.edge.size - 1)
        return {
            "count": outgoing.edge.size - first,
            "seconds": time.perf_counter() - started,
            "cpu": time.process_time() - cpu,
        }

    def _new(self, content: bytes) -> bytes:
        """The content with a number in it: no notice is the same as one before, so nothing can be remembered of it."""
        self._numbered += 1
        return content.replace(b"x" * 8, b"%08d" % self._numbered, 1)

    async def _by_desk(self) -> list[float]:
        verified = self._receipt_of(self.line.line.outgoing.edge.size)
        started = time.perf_counter()
        self._node.desk.compose(self.line, Draft(EntryType.NOTICE, self._new(self._content), released=True))
        return [0.0, await verified - started]

    async def _by_api(self) -> list[float]:
        return await self._ask(content=self._new(self._content).hex())

    async def _by_officer(self) -> list[float]:
        setup, nonce = self.line.line.setup, os.urandom(NONCE_BYTES)
        content = self._new(self._signed_content)
        signed = self._officer.sign(EntryType.NOTICE, setup.line, setup.own_id, nonce, content)
        return await self._ask(content=content.hex(), nonce=nonce.hex(), assertions=encode([signed]).hex())

    async def _ask(self, **params: str) -> list[float]:
        verified = self._receipt_of(self.line.line.outgoing.edge.size)
        started = time.perf_counter()
        await self._node.api.call("compose", {"line": "peer", "type": int(EntryType.NOTICE), **params})
        durable = time.perf_counter()
        return [durable - started, await verified - started]

    def _receipt_of(self, index: int) -> asyncio.Future[float]:
        """When the receipt that covers this entry of ours has been verified."""
        self._awaited = index
        self._verified = asyncio.get_running_loop().create_future()
        return self._verified

    def _receipt_came(self, size: int) -> None:
        if size > self._awaited and self._verified is not None and not self._verified.done():
            self._verified.set_result(time.perf_counter())


async def _serve(home: Home, size: int) -> None:
    journal = home.open_journal()
    node = Node(home, journal)
    await node.start()
    measured = Measured(node, size)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while line := await reader.readline():
            print(json.dumps(await measured.answer(**json.loads(line))), flush=True)
    finally:
        await node.stop()
        journal.close()


def main() -> None:
    """Serve a home until standard input ends."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    home = Home.open(Path(sys.argv[1]))
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 1024
    with home.lock(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(home, size))


if __name__ == "__main__":
    main()
