"""What strangers cost a link that stands: round trips of 1 KiB over the direct route, calm and under 200 connections a second.

    python -m bench.strangers [--seconds 3] [--rate 200]

Three processes: an echoing desk, its peer that measures, and the strangers - on one machine, so that the strangers' own work
is in the figures too. Calm and busy rounds alternate; the ratio is to the median of the calm ones. Aim: p50 at most doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import statistics
import time
from collections.abc import Coroutine
from multiprocessing.connection import Connection as Pipe

import uvloop
from OpenSSL import SSL

from watchline.routes import Address, Link, Outcome
from watchline.routes.tls import TlsRoute, key_fingerprint, self_signed_certificate

DOOR = "k3v9q2"
DESK_SEED, PEER_SEED = bytes([1]) * 32, bytes([2]) * 32
FRAME = bytes(1024)
KINDS = ("calm", "garbage", "calm", "idle", "calm", "overheard door", "calm")


class Echo:
    """Sends back whatever comes."""

    def opened(self, link: Link) -> None:
        pass

    def received(self, link: Link, frames: list[bytes]) -> None:
        link.send(frames)

    def drained(self, link: Link) -> None:
        pass

    def closed(self, link: Link, reason: str) -> None:
        pass


class Pinger(Echo):
    """Measures round trips, one at a time, in seconds."""

    def __init__(self) -> None:
        self.link: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
        self.trips: list[float] = []
        self._sent = 0.0

    def opened(self, link: Link) -> None:
        self.link.set_result(link)

    def received(self, link: Link, frames: list[bytes]) -> None:
        self.trips.append(time.perf_counter() - self._sent)
        self.ping(link)

    def ping(self, link: Link) -> None:
        self._sent = time.perf_counter()
        link.send([FRAME])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each round")
    parser.add_argument("--rate", type=int, default=200, help="strange connections a second")
    options = parser.parse_args()
    processes = multiprocessing.get_context("spawn")
    ours, theirs = processes.Pipe()
    desk = processes.Process(target=_serve, args=(theirs,), daemon=True)
    desk.start()
    address = Address("127.0.0.1", ours.recv())
    rounds = uvloop.run(_measure(address, options.seconds, options.rate))
    ours.send("stop")
    counts = ours.recv()
    desk.join()
    calm = statistics.median(p50 for kind, p50, _ in rounds if kind == "calm")
    print(f"{'round':<16}{'p50 µs':>8}{'p99 µs':>8}{'p50 / calm':>12}")
    for kind, p50, p99 in rounds:
        print(f"{kind:<16}{p50:>8.0f}{p99:>8.0f}{p50 / calm:>12.2f}")
    print(counts)


async def _measure(address: Address, seconds: float, rate: int) -> list[tuple[str, float, float]]:
    pinger = Pinger()
    route = TlsRoute(PEER_SEED, pinger)
    desk = key_fingerprint(self_signed_certificate(DESK_SEED))
    route.admit(desk, DOOR)
    route.dial(desk, DOOR, address, attempt=_ignore, uniform=random.uniform)
    pinger.ping(await pinger.link)
    rounds: list[tuple[str, float, float]] = []
    for kind in KINDS:
        flood = multiprocessing.get_context("spawn").Process(
            target=_flood, args=(kind, address, seconds + 1.0, rate), daemon=True
        )
        flood.start()
        await asyncio.sleep(1.0)  # until the strangers are under way
        pinger.trips.clear()
        await asyncio.sleep(seconds)
        trips = sorted(pinger.trips)
        rounds.append((kind, trips[len(trips) // 2] * 1e6, trips[len(trips) * 99 // 100] * 1e6))
        await asyncio.to_thread(flood.join)
    await route.close()
    return rounds


def _ignore(address: Address, outcome: Outcome) -> None:
    pass


def _serve(pipe: Pipe) -> None:
    async def serve() -> None:
        route = TlsRoute(DESK_SEED, Echo())
        route.admit(key_fingerprint(self_signed_certificate(PEER_SEED)), DOOR)
        listener = await route.listen(Address("127.0.0.1", 0))
        pipe.send(listener.address.port)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_reader(pipe.fileno(), stop.set)
        await stop.wait()
        pipe.send(repr(listener.strangers))
        await route.close()

    uvloop.run(serve())


def _flood(kind: str, address: Address, seconds: float, rate: int) -> None:
    said = {"garbage": b"GET / HTTP/1.1\r\n\r\n", "overheard door": _hello()}.get(kind, b"")

    async def flood() -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        visits: set[asyncio.Task[None]] = set()
        for number in range(int(seconds * rate) if kind != "calm" else 0):
            await asyncio.sleep(max(0.0, start + number / rate - loop.time()))
            visits.add(loop.create_task(_visit(loop.create_connection(asyncio.Protocol, address.host, address.port), said)))
        if visits:
            await asyncio.wait(visits)

    uvloop.run(flood())


async def _visit(connecting: Coroutine[None, None, tuple[asyncio.Transport, asyncio.Protocol]], said: bytes) -> None:
    transport, _ = await connecting
    transport.write(said)
    await asyncio.sleep(0.5)
    transport.close()


def _hello() -> bytes:
    client = SSL.Connection(SSL.Context(SSL.TLS_METHOD))
    client.set_connect_state()
    client.set_tlsext_host_name(DOOR.encode())
    try:
        client.do_handshake()
    except SSL.WantReadError:
        return client.bio_read(65_536)
    raise AssertionError("a handshake needs an answer")


if __name__ == "__main__":
    main()
