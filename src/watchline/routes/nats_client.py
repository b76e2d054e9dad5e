"""One connection to a NATS server within bounds: whatever the server says costs bounded memory and time, and ends in an answer.

nats-py speaks the protocol. What it leaves open is closed here: it would gather a message of any announced size, go on to
servers that the server names, wait without end for a connection to close, and speak in the clear to a `tls://` server that
does not ask for TLS.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.errors import ProtocolError
from nats.protocol.parser import Parser

from watchline.core.limits import FRAME_BYTES_MAX
from watchline.routes.address import RelayAddress
from watchline.routes.relays import RelayAccess

BUFFERED_BYTES_MAX = 2 * FRAME_BYTES_MAX  # one frame, its head, and what one read brought behind it
ANSWER_BYTES_MAX = 64 * 1024
CLOSE_SECONDS = 2.0
PING_SECONDS, PINGS_UNANSWERED_MAX = 5, 2


class RelayRefuses(Exception):
    """The server answers, and the answer is no. The text is ours and holds nothing that the server chose."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What JetStream answers to a request: its values, or the number of its error."""

    values: Mapping[str, Any]
    error: int | None


class RelayClient(Client):  # type: ignore[misc, unused-ignore]
    """A connection that ends once, and is then told to `lost` with a reason for people; who wants another makes another."""

    def __init__(self, lost: Callable[[str], None]) -> None:
        super().__init__()
        self._ps = _BoundedParser(self)
        self._told_lost = lost
        self._is_connecting = True
        self._over: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def reach(self, address: RelayAddress, access: RelayAccess, inbox: str, seconds: float) -> None:
        """Connect and prove who we are. Raises OSError, TimeoutError, ssl.SSLError, or whatever nats-py makes of the answer."""
        if access.nkey is not None:
            # nats-py reads seeds with a library of their own; what it sets then is set here, and it signs by our callback.
            self._public_nkey, self._auth_configured = access.nkey.public, True
        await self.connect(
            str(address),
            allow_reconnect=False,
            no_echo=True,
            connect_timeout=seconds,  # type: ignore[arg-type]
            ping_interval=PING_SECONDS,
            max_outstanding_pings=PINGS_UNANSWERED_MAX,
            inbox_prefix=inbox,
            error_cb=self._heard_error,
            user=access.user,
            password=access.password,
            signature_cb=None if access.nkey is None else access.nkey.sign,
            # TLS before the server's first word: else its word alone would decide whether there is TLS.
            tls=_tls(access.ca) if address.encrypted else None,
            tls_handshake_first=address.encrypted,
        )
        self._is_connecting = False

    async def ask(self, subject: str, values: Mapping[str, Any], seconds: float) -> Answer:
        """Ask JetStream. Raises RelayRefuses if we may not ask, or if there is no JetStream."""
        request: asyncio.Future[Any] = asyncio.ensure_future(
            self.request(subject, json.dumps(values).encode(), timeout=seconds)
        )
        try:
            await asyncio.wait([request, self._over], return_when=asyncio.FIRST_COMPLETED)
            if not request.done():
                raise RelayRefuses("the relay hung up, or does not permit what the route needs")
            return read_answer(bytes(request.result().data))
        finally:
            request.cancel()

    async def _heard_error(self, error: Exception) -> None:
        """What the server or the library complains of. While connecting, raising here is what ends the attempt."""
        if self._is_connecting:
            raise error
        if "permissions violation" in str(error):
            self._end("the relay does not permit what the route needs")

    def _end(self, reason: str) -> None:
        if not self._over.done():
            self._over.set_result(None)
            self._told_lost(reason)

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        """The server may name others; nobody is dialled but whom the route names."""

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        """The one way in which a connection ends, whoever ends it."""
        self._end("the connection to the relay was lost")
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await super()._close(status, False)
        except Exception:  # noqa: BLE001, S110 - whatever was broken in it is broken, and now it ends
            pass
        finally:
            writer = getattr(self._transport, "_io_writer", None)
            if writer is not None:
                writer.transport.abort()


class _BoundedParser(Parser):
    """Gathers no more than one message of a size that we may be sent."""

    async def parse(self, data: bytes = b"") -> None:
        await super().parse(data)
        if self.needed > BUFFERED_BYTES_MAX or len(self.buf) > BUFFERED_BYTES_MAX:
            self.reset()
            raise ProtocolError


def read_answer(data: bytes) -> Answer:
    """Read what JetStream answers. Raises RelayRefuses for what is no answer."""
    values: Any = None
    if len(data) <= ANSWER_BYTES_MAX:
        with suppress(ValueError, RecursionError):
            values = json.loads(data)
    if not isinstance(values, dict):
        raise RelayRefuses("the relay's answer cannot be read")
    error = values.get("error")
    if error is None:
        return Answer(values, None)
    number = error.get("err_code") if isinstance(error, dict) else None
    return Answer(values, number if type(number) is int else 0)


def _tls(ca: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
