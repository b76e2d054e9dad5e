"""The dialling end of the direct route: one dialler for one peer at one address, again and again. See routes.tls."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

from watchline.routes import Attempt, Outcome
from watchline.routes.address import Address
from watchline.routes.connection import WELCOME, Connection, Gate, Stage
from watchline.routes.retries import Backoff, Retries

_FURTHEST: Sequence[Outcome] = ("unreachable", "refused", "timeout", "tls", "connected")


class TlsDialer:
    """Dials one peer at one address for as long as it exists: connects, and after a failure or a loss waits and dials again.

    Each attempt is reported once:

    - `connected`: the peer proved its key and let us in; the owner was told `opened` just before;
    - `refused`: the port is closed, or whoever is there hung up before showing a key (a crowded listener, an unknown door);
    - `timeout`: no answer in time;
    - `unreachable`: the name is unknown or there is no way to the host;
    - `tls`: something is there, but it is not this peer, does not accept our key, or speaks another TLS.

    Where a name has several addresses they are tried in turn, and the outcome told is the one that got furthest. A link that
    its owner closes is dialled again like a lost one: to be rid of it, close the dialler. Where the owner accepts a new key
    that the peer introduces, the dialler is that key's from then on, and `peer` is its fingerprint.
    """

    def __init__(
        self,
        gate: Gate,
        peer: bytes,
        door: str,
        address: Address,
        *,
        attempt: Attempt,
        uniform: Callable[[float, float], float],
        backoff: Backoff,
        attempt_seconds: float,
    ) -> None:
        """Not for others to call: see TlsRoute.dial."""
        self.peer = peer
        self.door = door
        self.address = address
        self._gate = gate
        self._attempt = attempt
        self._retries = Retries(backoff, uniform)
        self._attempt_seconds = attempt_seconds
        self._connection: Dialled | None = None
        self.task = asyncio.get_running_loop().create_task(self._run())
        self.task.add_done_callback(report_failure)

    def hurry(self) -> None:
        """Skip the present wait, or the next one, and start again from the shortest: someone needs the line now."""
        self._retries.hurry()

    def close(self) -> None:
        """Dial no more and close the link, if there is one. A second call does nothing."""
        self.task.cancel()
        if self._connection is not None:
            self._connection.end("closed here")

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            outcome = await self._connect()
            self._attempt(self.address, outcome)
            lived_seconds = None
            if self._connection is not None:
                since = loop.time()
                await asyncio.wait([self._connection.lost])
                self._connection, lived_seconds = None, loop.time() - since
            await self._retries.pause(lived_seconds)

    async def _connect(self) -> Outcome:
        """Make one attempt over every address of the host; a link stays in `_connection`."""
        outcomes: list[Outcome] = []
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._attempt_seconds):
                found = await loop.getaddrinfo(self.address.host, self.address.port, type=socket.SOCK_STREAM)
                for family, _, _, _, where in found:
                    outcome = await self._connect_to(family, str(where[0]))
                    if outcome == "connected":
                        return outcome
                    outcomes.append(outcome)
        except TimeoutError:
            outcomes.append("timeout")
        except OSError:
            outcomes.append("unreachable")
        return max(outcomes, key=_FURTHEST.index, default="unreachable")

    async def _connect_to(self, family: int, host: str) -> Outcome:
        connection = Dialled(self._gate, self)
        try:
            await asyncio.get_running_loop().create_connection(lambda: connection, host, self.address.port, family=family)
            outcome = await connection.settled
        except (ConnectionRefusedError, ConnectionResetError):
            return "refused"
        except TimeoutError:
            return "timeout"
        except OSError:
            return "unreachable"
        except asyncio.CancelledError:
            connection.drop()
            if not connection.peer:  # uvloop tells no loss where it was cancelled while connecting, so nobody may wait for it
                self._gate.connections.discard(connection)
            raise
        if outcome == "connected":
            self._connection = connection
        return outcome


class Dialled(Connection):
    """A connection that we made to somebody."""

    outbound = True

    def __init__(self, gate: Gate, dialer: TlsDialer) -> None:
        super().__init__(gate, dialer.door)
        self.settled: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._dialer = dialer
        self._outcome: Outcome = "refused"  # what it comes to if it ends now

    def accepts(self, fingerprint: bytes) -> bool:
        return fingerprint == self._dialer.peer and self._gate.admits(fingerprint, self.door)

    def _is_introduced(self, introduction: bytes) -> bool:
        before = self._dialer.peer
        if not self._gate.admits(before, self.door):
            return False
        self._dialer.peer = self.shown  # now, since an owner that dismisses the old key thereby closes the diallers of it
        is_introduced = False
        try:
            is_introduced = self._gate.is_introduced(self.shown, self.door, introduction)
        finally:
            if not is_introduced:
                self._dialer.peer = before
        return is_introduced

    def _begin(self) -> None:
        self.address = str(self._dialer.address)
        self._start_tls()
        self._tls.set_connect_state()
        self._tls.set_tlsext_host_name(self.door.encode("ascii"))
        self._settle(b"")

    def _agreed(self, plain: bytes) -> None:
        self._stage = Stage.WELCOME
        self._outcome = "tls"
        if not plain:
            return
        if plain[:1] != WELCOME:
            self._fail()
            return
        self._outcome = "connected"
        self._open()
        self._give(plain[1:])

    def _fail(self) -> None:
        self._outcome = "tls"
        super()._fail()

    def _late(self) -> None:
        self._outcome = "timeout"

    def _hung_up(self) -> None:
        self._released()

    def _released(self) -> None:
        if not self.settled.done():
            self.settled.set_result(self._outcome)


def report_failure(task: asyncio.Task[None]) -> None:
    """Give an exception of the attempt callback to the event loop, like those of any other callback."""
    if not task.cancelled() and (failure := task.exception()) is not None:
        task.get_loop().call_exception_handler({"message": "a dialler ended", "exception": failure, "task": task})
