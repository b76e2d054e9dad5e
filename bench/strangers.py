"""Latency of a paired desk's notices while strangers knock at the receiver 200 times a second.

`python -m bench.strangers HOST PORT DOOR` is the strangers: a connection every 5 ms, each with a ClientHello.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import suppress

from OpenSSL import SSL

from bench.bench import Bench
from bench.homes import make_pair
from bench.processes import NodeProcess, nodes, running
from bench.report import Figure, Target, median

RATE = 200
STAYING_SECONDS = 0.5
UNKNOWN_DOOR = "0" * 32


def measure(bench: Bench) -> Iterator[Figure]:
    """Without strangers, with those that know nothing, and with those that have overheard the door word."""
    rounds, count = bench.scale.rounds, bench.scale.notices_a_round
    with nodes(make_pair(bench.new_folder())) as (near, far):
        facts = far.do("facts")
        quiet: list[float] = []
        for name, door in (("who know nothing", UNKNOWN_DOOR), ("who overheard the door", facts["door"])):
            alone: list[float] = []
            beside: list[float] = []
            for _ in range(max(3, rounds // 3)):
                alone += _seconds(near, count)
                with running(["bench.strangers", *facts["address"].rsplit(":", 1), door]) as process:
                    assert process.stdout is not None
                    process.stdout.readline()
                    beside += _seconds(near, count)
            quiet += alone
            ratio = median(beside) / median(alone)
            yield Figure(f"p50 under {RATE} strangers a second {name}", median(beside) * 1e6, "us")
            yield Figure("  times that without them", ratio, "", target=Target(2.0))
        yield Figure("p50 without strangers", median(quiet) * 1e6, "us", median(quiet) / bench.floor_median())


def _seconds(near: NodeProcess, count: int) -> list[float]:
    return [times[1] for times in near.do("latency", way="desk", count=count)]


async def _knock(host: str, port: int, hello: bytes) -> None:
    with suppress(OSError):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(hello)
        await asyncio.sleep(STAYING_SECONDS)
        writer.close()


async def _knock_on(host: str, port: int, door: str) -> None:
    """Knock until standard input ends."""
    hello = _client_hello(door)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    knocking: set[asyncio.Task[None]] = set()
    due, started = loop.time(), False
    while not reader.at_eof():
        task = asyncio.create_task(_knock(host, port, hello))
        knocking.add(task)
        task.add_done_callback(knocking.discard)
        due += 1 / RATE
        await asyncio.sleep(max(0.0, due - loop.time()))
        if not started and len(knocking) > RATE * STAYING_SECONDS / 2:
            started = True
            print(json.dumps("knocking"), flush=True)


def _client_hello(door: str) -> bytes:
    """What any TLS 1.3 client says first; the same bytes each time, which a listener cannot know."""
    client = SSL.Connection(SSL.Context(SSL.TLS_METHOD))
    client.set_connect_state()
    client.set_tlsext_host_name(door.encode())
    with suppress(SSL.WantReadError):
        client.do_handshake()
    return client.bio_read(65_536)


if __name__ == "__main__":
    asyncio.run(_knock_on(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
