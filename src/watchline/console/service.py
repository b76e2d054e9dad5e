"""The console beside its node: it listens on loopback, on the node's event loop, until the node stops.

A port that somebody has does not stop the node: a line without a console is better than no line. It is said in the node's log
and whenever somebody asks for a link.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import structlog

from watchline.desk.node import Node
from watchline.errors import RouteError, UsageError, WatchlineError

if TYPE_CHECKING:
    from watchline.console.app import Console

CONNECTIONS_MAX = 64
IDLE_SECONDS = 15
HEADER_BYTES_MAX = 16_384
STOP_SECONDS = 1

log = structlog.get_logger()


@asynccontextmanager
async def console(node: Node) -> AsyncIterator[None]:
    """Serve the console while this lasts, if `console_port` says so; the node then answers `console_link`."""
    port = node.home.config.console_port
    if port == 0:
        _offer(
            node, UsageError("this desk has no console", hint="set console_port in watchline.toml, and start the node again")
        )
        yield
        return
    try:
        sockets = _listen(port)
    except OSError as error:
        log.warning("console.off", port=port, reason=error.strerror)
        hint = "end what listens there, or set another console_port in watchline.toml; then start the node again"
        _offer(node, RouteError(f"the console has no port {port}: {error.strerror}", hint=hint, port=port))
        yield
        return
    async with _serving(node, port, sockets):
        log.info("console.serving", port=port)
        yield


@asynccontextmanager
async def _serving(node: Node, port: int, sockets: list[socket.socket]) -> AsyncIterator[None]:
    import uvicorn

    from watchline.console.app import Console

    made = Console(node.api.call, node.home.officers, node.desk.moment, port)
    await made.take_up()
    node.desk.listeners.append(lambda _, __: made.live.touch())
    _offer(node, made)
    config = uvicorn.Config(
        made.app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        http="h11",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
    )
    server = _server(config)
    tasks = [asyncio.create_task(made.live.run()), asyncio.create_task(server.serve(sockets))]
    for task in tasks:
        task.add_done_callback(_note_end)
    try:
        yield
    finally:
        tasks[0].cancel()
        made.live.stop()
        server.should_exit = True
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


def _offer(node: Node, source: Console | WatchlineError) -> None:
    """Let the node answer `console_link`: with an address that signs in once, or with why there is none."""

    async def console_link() -> dict[str, Any]:
        if isinstance(source, WatchlineError):
            raise source
        from watchline.console.sessions import LINK_SECONDS

        return {"url": source.link(), "seconds": int(LINK_SECONDS)}

    node.api.offer({"console_link": console_link})


def _listen(port: int) -> list[socket.socket]:
    """Both loopback addresses: browsers ask `localhost` on either, and nobody else may answer on the other."""
    sockets = []
    try:
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            if family == socket.AF_INET6 and not _has_ipv6_loopback():
                continue
            listening = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(listening)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((address, port))
            listening.listen(CONNECTIONS_MAX)
            listening.setblocking(False)
    except OSError:
        for listening in sockets:
            listening.close()
        raise
    return sockets


def _has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _server(config: Any) -> Any:
    import uvicorn

    class Server(uvicorn.Server):
        """Leaves the signals to the node."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return Server(config)


def _note_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("console.failed", error=type(error).__name__, message=str(error)[:200])
