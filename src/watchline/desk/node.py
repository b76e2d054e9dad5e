"""A running node: one desk, its lines, its routes and its local socket, on one event loop, until it is told to stop.

Two nodes on one home would use one log key for two logs: the home's lock refuses the second. A journal that cannot promise
durability ends the process with exit code 4; what has no receipt yet is sent by the next start.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from typing import Any

import structlog

from watchline.core.introduction import NONCE_BYTES, open_introduction, seal_introduction
from watchline.core.records import AttemptRecord
from watchline.desk.actions import Actions
from watchline.desk.api import Api
from watchline.desk.desk import Desk
from watchline.desk.home import CONFIG, Home
from watchline.desk.lines import FROM_PEER, OpenLine, RouteState
from watchline.desk.relay_settings import read_relays
from watchline.desk.relays import Relays, keep_alive
from watchline.desk.renewals import doors
from watchline.desk.socket import serve_api
from watchline.desk.witness_addresses import read_witness_addresses
from watchline.desk.witnesses import Witnesses
from watchline.errors import JournalError, PeerError, UsageError, WatchlineError
from watchline.journal import Journal
from watchline.routes import Address, Link, parse_address
from watchline.routes.retries import Backoff
from watchline.routes.tls import TlsDialer, TlsListener, TlsRoute

PROBE_SECONDS = 30.0
HURRY_SECONDS = 5.0
LOCK_SECONDS = 10.0  # a supervisor starts the next node while the last one still puts its journal away

log = structlog.get_logger()

Companion = Callable[["Node"], AbstractAsyncContextManager[None]]
"""What runs beside a node in its process, from when the node serves until it stops: the layers above bring theirs."""


class Node:
    """Joins the desk to its routes. It is the owner of every direct link: each is one line's, by the peer's TLS key."""

    def __init__(self, home: Home, journal: Journal) -> None:
        self.home = home
        self.desk = Desk(journal, home.config)
        self.api = Api(self.desk, live=True)
        self.stopping = asyncio.Event()
        self._route = TlsRoute(self.desk.facts.keys.tls, self, handshake_seconds=home.config.handshake_seconds)
        self._by_peer: dict[bytes, OpenLine] = {}
        self._by_door: dict[str, tuple[OpenLine, bytes]] = {}
        self._dialers: dict[tuple[OpenLine, str], TlsDialer] = {}
        self._listeners: dict[str, TlsListener] = {}
        self._server: asyncio.Server | None = None
        self._backoff = Backoff(home.config.reconnect_first_seconds, home.config.reconnect_last_seconds)
        self._relays = Relays(self.desk, read_relays(home.path), self._backoff)
        self.desk.on_line_opened = self._line_opened
        self.desk.on_routes_changed = self._dial
        self.desk.on_peer_keys_changed = self._peer_keys_changed
        self.desk.anchoring.run = self._write_anchor
        self.desk.on_secrets_changed = self._secrets_changed
        self.desk.on_wanted = self._hurry
        self.desk.on_failure = self._failed
        self.api.on_routes_changed = self._own_routes_changed
        self._witnesses = Witnesses(self.desk, read_witness_addresses(home.path / CONFIG))
        self._actions = Actions(now=lambda: self.desk.moment().wall, uniform=random.uniform)
        self.desk.escalation.perform = self._actions.start
        self._probe_timer: asyncio.TimerHandle | None = None
        self._anchor_write: Callable[[], None] | None = None
        self._anchor_task: asyncio.Task[None] | None = None

    # --- life

    async def start(self) -> None:
        """Open the ports, then the lines, then the socket; on return the node serves. Raises RouteError for a port in use."""
        loop = asyncio.get_running_loop()
        await self._listen()
        self.desk.run(loop)
        self._witnesses.start()
        self._server = await serve_api(self.home.socket, self.api.call)
        self._probe_timer = loop.call_later(1.0, self._probe)
        log.info("node.serving", desk=self.desk.facts.name, lines=len(self.desk.lines), listen=list(self._listeners))

    async def stop(self) -> None:
        """Close every route and the socket, and make durable what waits; nothing is lost that had been accepted."""
        if self._probe_timer is not None:
            self._probe_timer.cancel()
        if self._server is not None:
            self._server.close()
        with suppress(FileNotFoundError):
            self.home.socket.unlink()
        if self._anchor_task is not None:
            await self._anchor_task
        await self._witnesses.stop()
        await self._actions.close()
        await self._relays.close()
        await self._route.close()
        self.desk.stop()
        log.info("node.stopped", desk=self.desk.facts.name)

    def _failed(self, error: JournalError) -> None:
        self.stopping.set()

    def callback_raised(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What a callback of the event loop raised: a journal that cannot be read ends the node, whoever met it first."""
        error = context.get("exception")
        if isinstance(error, JournalError):
            self.desk.fail(error)
        else:
            loop.default_exception_handler(context)

    def _write_anchor(self, write: Callable[[], None]) -> None:
        """Write beside the event loop: the anchor's medium may be slow. While one runs, only the last that waits counts."""
        self._anchor_write = write
        if self._anchor_task is None:
            self._anchor_task = asyncio.get_running_loop().create_task(self._write_anchors())

    async def _write_anchors(self) -> None:
        while self._anchor_write is not None:
            write, self._anchor_write = self._anchor_write, None
            await asyncio.to_thread(write)
        self._anchor_task = None

    # --- ports and dialling

    async def _own_routes_changed(self) -> None:
        await self._listen()
        for opened in self.desk.lines.values():
            self._relays.dial(opened)

    async def _listen(self) -> None:
        """Open the ports of our own addresses, and close those that were taken back. With --dial-only none is open."""
        told = [address for kind, address in self.desk.own_routes() if kind == "direct"]
        wanted = [] if self.home.config.dial_only else list(self.home.config.listen) or told
        for text in [text for text in self._listeners if text not in wanted]:
            self._listeners.pop(text).close()
        for text in wanted:
            if text not in self._listeners:
                self._listeners[text] = await self._route.listen(parse_address(text))

    def _line_opened(self, opened: OpenLine) -> None:
        self._by_peer[opened.line.setup.peer_certificate.certificate.public.tls_fingerprint] = opened
        self._open_doors(opened)
        self._dial(opened)

    def _open_doors(self, opened: OpenLine) -> None:
        """Let the peer in by the door of each secret that we hold, and by no other any more."""
        peer, wanted = opened.line.setup.peer_certificate.certificate.public.tls_fingerprint, doors(opened)
        for door in [door for door, (line, _) in self._by_door.items() if line is opened and door not in wanted]:
            del self._by_door[door]
            self._route.replace_door(peer, door, next(iter(wanted)))
        for door, secret in wanted.items():
            if door not in self._by_door:
                self._by_door[door] = opened, secret
                self._route.introduce(door, self._introduction(opened, secret))
                self._route.admit(peer, door)

    def _secrets_changed(self, opened: OpenLine) -> None:
        """A step of a renewal: other doors, other boxes. Links that stand, stay; the next attempt is made by the new door."""
        spoken = self.desk.door(opened)
        for (line, _), dialer in self._dialers.items():
            if line is opened:
                dialer.door = spoken
        self._open_doors(opened)
        self._relays.dial(opened)

    def _introduction(self, opened: OpenLine, secret: bytes) -> bytes | None:
        """What lets the peer know a new incarnation of ours by its certificate; None for the first, whose key it holds."""
        setup = opened.line.setup
        if setup.pair.ours == 1:
            return None
        peer, nonce = setup.peer_identity.id, self.desk.moment().random(NONCE_BYTES)
        return seal_introduction(secret, setup.own_id, peer, setup.own_certificate, nonce)

    def _peer_keys_changed(self, opened: OpenLine, before: bytes) -> None:
        """The peer is another incarnation: only its new key is let in, and looked for, from now on."""
        peer = opened.line.setup.peer_certificate.certificate.public.tls_fingerprint
        self._by_peer[peer] = opened  # links of the old key are still to be told closed, so that it stays known
        for door in doors(opened):
            self._route.admit(peer, door)
            self._route.dismiss(before, door)
        for key, dialer in list(self._dialers.items()):
            if key[0] is opened and dialer.peer != peer:
                self._dialers.pop(key).close()
        self._dial(opened)

    def _dial(self, opened: OpenLine) -> None:
        """Dial each address that the peer gave, and each relay; a dialler for an address that it took back is closed."""
        self._relays.dial(opened)
        for key in [key for key in self._dialers if key[0] is opened and key[1] not in opened.routes]:
            self._dialers.pop(key).close()
        for route in opened.routes.values():
            if route.kind != "direct" or (opened, route.address) in self._dialers:
                continue
            try:
                address = parse_address(route.address)
            except UsageError:
                log.warning("route.unusable", line=opened.record.name, address=route.address[:256])
                continue
            self._dialers[opened, route.address] = self._route.dial(
                opened.line.setup.peer_certificate.certificate.public.tls_fingerprint,
                self.desk.door(opened),
                address,
                attempt=self._attempted(opened, route),
                uniform=random.uniform,
                backoff=self._backoff,
            )

    def _hurry(self, opened: OpenLine) -> None:
        """Somebody says something on a line without a route: dial at once, but not for each of many."""
        running = self.desk.moment().running
        if running < opened.hurried_at + HURRY_SECONDS:
            return
        opened.hurried_at = running
        for (line, _), dialer in self._dialers.items():
            if line is opened:
                dialer.hurry()
        self._relays.hurry(opened)

    def _attempted(self, opened: OpenLine, route: RouteState) -> Callable[[Address, str], None]:
        def note(_: Address, outcome: str) -> None:
            changed, route.outcome = route.outcome != outcome, outcome
            if changed:
                log.info("route.attempt", line=opened.record.name, address=route.address, outcome=outcome)
            self._note(opened, f"direct {route.address}", outcome)

        return note

    def _note(self, opened: OpenLine, route: str, outcome: str) -> None:
        wall, pair = self.desk.moment().wall, opened.line.setup.pair
        self.desk.note_attempts([AttemptRecord(opened.record.line, wall, route, outcome, 0, pair)])

    # --- the owner of links (watchline.routes.LinkOwner)

    def opened(self, link: Link) -> None:
        """A link proved its peer's key: it is this line's."""
        opened = self._by_peer[link.peer]
        if link.outbound:
            self._mark(opened, link, linked=True)
        else:
            self._note(opened, FROM_PEER, "connected")
        self.desk.link_opened(opened, link)

    def received(self, link: Link, frames: list[bytes]) -> None:
        """Every whole frame of one read."""
        self.desk.frames_received(self._by_peer[link.peer], frames)

    def drained(self, link: Link) -> None:
        """A congested link has room again."""
        self.desk.link_drained(self._by_peer[link.peer], link)

    def introduced(self, door: str, fingerprint: bytes, introduction: bytes) -> bool:
        """Whether this key is the one that the peer's newest certificate names; the line then goes on with that incarnation."""
        known = self._by_door.get(door)
        if known is None:
            return False
        opened, secret = known
        setup = opened.line.setup
        try:
            certificate = open_introduction(secret, setup.peer_identity, setup.own_id, introduction)
        except PeerError:
            return False
        if certificate.certificate.public.tls_fingerprint != fingerprint:
            return False
        return self.desk.introduce_peer(opened, certificate)

    def closed(self, link: Link, reason: str) -> None:
        """A link is gone."""
        opened = self._by_peer[link.peer]
        if link.outbound:
            self._mark(opened, link, linked=False)
        log.info("link.closed", line=opened.record.name, address=link.address, reason=reason)
        self._note(opened, f"{link.kind} {link.address}" if link.outbound else FROM_PEER, "closed")
        self.desk.link_closed(opened, link)

    def _mark(self, opened: OpenLine, link: Link, *, linked: bool) -> None:
        route = opened.routes.get(link.address)
        if route is not None:
            route.linked = linked

    def _probe(self) -> None:
        """Measure each line's route now and then."""
        for opened in self.desk.lines.values():
            if opened.link is not None:
                opened.link.send([opened.line.probe(self.desk.moment())])
                keep_alive(opened, self.desk)
        self._probe_timer = asyncio.get_running_loop().call_later(PROBE_SECONDS, self._probe)


async def _run(home: Home, journal: Journal, ready: Callable[[], None] | None, companions: Sequence[Companion]) -> int:
    node = Node(home, journal)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(node.callback_raised)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, node.stopping.set)
    try:
        await node.start()
        async with AsyncExitStack() as beside:
            for companion in companions:
                await beside.enter_async_context(companion(node))
            if ready is not None:
                ready()
            await node.stopping.wait()
    except WatchlineError:
        await node.stop()
        raise
    await node.stop()
    if node.desk.failed is not None:
        raise node.desk.failed
    return 0


def serve(
    home: Home,
    *,
    ready: Callable[[], None] | None = None,
    on_wait: Callable[[int | None], None] = lambda _: None,
    companions: Sequence[Companion] = (),
) -> int:
    """Run a node on this home until it is signalled; give the exit code. `ready` is called once it serves.

    on_wait: called with its process, None if it did not say, before this waits up to LOCK_SECONDS for another node that may be
    ending. companions: what runs beside it, such as the console.

    Raises UsageError if another node runs on the home, RouteError for a port in use, JournalError when durability is at an end.
    """
    import uvloop

    with home.lock(LOCK_SECONDS, on_wait):
        journal = home.open_journal()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(_run(home, journal, ready, companions))
        finally:
            journal.close()
