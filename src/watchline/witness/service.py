"""The witness as an HTTP service (C2SP tlog-witness): `POST /add-checkpoint`, `POST /add-log` for one that serves anyone.

All of one request's decision, its write and its signature happen in one step of one event loop in one process, so no other
request comes between (C2SP asks for that). The answer is made only after the write is durable.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from watchline.core.witnessing import REQUEST_BYTES_MAX, TEXT_TYPE, Accept, Refuse, WitnessKey, add, read_request
from watchline.errors import JournalError, RouteError
from watchline.witness.home import STORE_FILE, read_witness
from watchline.witness.logs import Anyone, Listed, Logs
from watchline.witness.store import Store

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

REQUESTS_AT_A_TIME = 64
BODY_SECONDS = 10.0  # for all of a request's body to arrive
LOG_KEY_BYTES_MAX = 1_024
STOP_SECONDS = 5

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its status, media type and body."""

    status: int
    content_type: str
    body: bytes


class Witness:
    """What the service does, without HTTP."""

    def __init__(self, key: WitnessKey, store: Store, logs: Logs, clock: Callable[[], int]) -> None:
        self.key, self.store, self._logs, self._clock = key, store, logs, clock

    def add_checkpoint(self, body: bytes) -> Answer:
        """Judge a request; when a cosignature is given, its head is durable. Raises JournalError where that cannot be."""
        read = read_request(body)
        if isinstance(read, Refuse):
            return _refusal(read)
        request, note, checkpoint = read
        known = self.store.known(checkpoint.origin)
        decided = add(known and known.head, self._logs.key(checkpoint.origin), request, note, checkpoint)
        if isinstance(decided, Refuse):
            if decided.suspect:
                log.error("witness.suspect", origin=checkpoint.origin, status=decided.status, note=request.note.decode())
            return _refusal(decided)
        return self._cosign(checkpoint.origin, decided, 0 if known is None else known.time)

    def _cosign(self, origin: str, accepted: Accept, last: int) -> Answer:
        now = self._clock()
        if now < last:
            log.critical("witness.clock", now=now, signed=last)
            return _said(503, "the clock of this witness was set back: it signs no time before one that it signed")
        self.store.advance(origin, accepted.head, now)
        log.info("witness.cosigned", origin=origin, size=accepted.head.size)
        return Answer(200, TEXT_TYPE, self.key.cosign(accepted.text, now))

    def add_log(self, body: bytes) -> Answer:
        """A log offers its key. Raises JournalError where it cannot be kept."""
        try:
            status, words = self._logs.offer(body.decode("ascii").strip())
        except UnicodeDecodeError:
            status, words = 400, "a verifier key is one line of ASCII"
        return _said(status, words)


def _refusal(refuse: Refuse) -> Answer:
    return Answer(refuse.status, refuse.content_type, refuse.body)


def _said(status: int, words: str) -> Answer:
    return Answer(status, TEXT_TYPE, f"{words}\n".encode())


def make_app(witness: Witness, on_failure: Callable[[JournalError], None] = lambda _: None) -> Starlette:
    """The service. on_failure: told once the witness's disk cannot be trusted; nothing is signed from then on."""
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    busy = asyncio.Semaphore(REQUESTS_AT_A_TIME)

    def route(path: str, bytes_max: int, act: Callable[[bytes], Answer]) -> Route:
        async def answer(request: Request) -> Response:
            if busy.locked():
                return _response(_said(503, "too many requests at a time: come again"))
            async with busy:
                body = await _read_body(request, bytes_max)
            return _response(body if isinstance(body, Answer) else _judge(act, body))

        return Route(path, answer, methods=["POST"])

    def _judge(act: Callable[[bytes], Answer], body: bytes) -> Answer:
        try:
            return act(body)
        except JournalError as error:
            log.critical("witness.disk", message=error.message, hint=error.hint)
            if witness.store.failed is not None:
                on_failure(error)
            return _said(503, "this witness cannot keep what it would sign: nothing is signed")

    def _response(answer: Answer) -> Response:
        return Response(answer.body, answer.status, {"content-type": answer.content_type})  # media_type would add a charset

    return Starlette(
        routes=[
            route("/add-checkpoint", REQUEST_BYTES_MAX, witness.add_checkpoint),
            route("/add-log", LOG_KEY_BYTES_MAX, witness.add_log),
        ]
    )


async def _read_body(request: Request, bytes_max: int) -> bytes | Answer:
    """The whole body, or the answer to one that is too long or too slow."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > bytes_max:
                    return _said(413, f"a request has at most {bytes_max} bytes")
    except TimeoutError:
        return _said(408, "the request came too slowly")
    return bytes(body)


def serve(folder: Path, host: str, port: int, origins: Path | None, *, ready: Callable[[str, int], None]) -> int:
    """Serve until SIGTERM or SIGINT; give the exit code. origins: the list of logs, None to serve anyone.

    ready: called with the address and port once it listens. Raises SecretError, UsageError, JournalError, and RouteError for a
    port that is not to be had.
    """
    import uvicorn

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # its own would end the process by the signal that stopped it, and not with an exit code

    key = read_witness(folder)
    logs_listed = None if origins is None else Listed(origins)
    store = Store(folder / STORE_FILE)
    try:
        witness = Witness(key, store, logs_listed or Anyone(store), lambda: int(time.time()))

        def stop(_: JournalError) -> None:
            server.should_exit = True

        config = uvicorn.Config(
            make_app(witness, stop),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            limit_concurrency=4 * REQUESTS_AT_A_TIME,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        server = Server(config)
        with _listen(host, port) as listening:
            asyncio.run(_run(server, listening, ready))
        if store.failed is not None:
            raise store.failed
    finally:
        store.close()
    return 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise RouteError(
            f"{host}:{port} cannot be listened on: {error.strerror}", hint="choose another address or port"
        ) from None


async def _run(server: uvicorn.Server, listening: socket.socket, ready: Callable[[str, int], None]) -> None:
    def stop() -> None:
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    host, port = listening.getsockname()[:2]
    log.info("witness.serving", host=host, port=port)
    ready(host, port)
    await server.serve(sockets=[listening])
    log.info("witness.stopped")
