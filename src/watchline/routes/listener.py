"""The listening end of the direct route: at most 16 handshakes wait, and a stranger costs little. See routes.tls."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from dataclasses import dataclass
from typing import Any

from watchline.errors import Malformed, RouteError
from watchline.routes.address import Address
from watchline.routes.connection import WELCOME, Connection, Gate, Stage
from watchline.routes.hello import read_door

PENDING_MAX = 16

_BACKLOG = 128


@dataclass(slots=True)
class Strangers:
    """How many connections ended before they were a link, by why. Genuine peers on a bad network are counted too."""

    crowded: int = 0  # closed to keep to PENDING_MAX
    without_door: int = 0  # sent anything but a ClientHello with a known door, or hung up before
    late: int = 0  # not done in time
    failed: int = 0  # named a door, then: wrong key, version or group, broken TLS, too many bytes, or hung up


class TlsListener:
    """Listens at one address; `address` has the port that the system chose if 0 was asked for."""

    def __init__(self, gate: Gate) -> None:
        """Not for others to call: see TlsRoute.listen."""
        self.address = Address("", 0)
        self.strangers = Strangers()
        self.is_closed = False
        self._gate = gate
        self._servers: list[asyncio.Server] = []
        self._doorless: dict[Accepted, None] = {}  # in order of arrival
        self._authorised: set[Accepted] = set()

    async def open(self, address: Address) -> None:
        loop = asyncio.get_running_loop()
        for bound in await _bind(address):
            self._servers.append(await loop.create_server(lambda: Accepted(self._gate, self), sock=bound))
        self.address = Address(address.host, self._servers[0].sockets[0].getsockname()[1])

    @property
    def pending(self) -> int:
        """How many handshakes are under way, at most PENDING_MAX."""
        return len(self._doorless) + len(self._authorised)

    def close(self) -> None:
        """Accept no more and drop handshakes under way; links stay."""
        self.is_closed = True
        for server in self._servers:
            server.close()
        for connection in [*self._doorless, *self._authorised]:
            connection.drop()

    def has_room_for(self, newcomer: Accepted) -> bool:
        """Whether a new connection may begin its handshake, where need be in place of the oldest that has named no door."""
        if self.is_closed:  # accepted by the event loop just before
            return False
        if self.pending >= PENDING_MAX:
            self.strangers.crowded += 1
            if not self._doorless:
                return False
            next(iter(self._doorless)).drop()
        self._doorless[newcomer] = None
        return True

    def named_a_door(self, connection: Accepted) -> None:
        del self._doorless[connection]
        self._authorised.add(connection)

    def released(self, connection: Accepted) -> None:
        self._doorless.pop(connection, None)
        self._authorised.discard(connection)


class Accepted(Connection):
    """A connection that somebody made to us."""

    outbound = False

    def __init__(self, gate: Gate, listener: TlsListener) -> None:
        super().__init__(gate, door="")
        self._listener = listener
        self._hello = b""

    def accepts(self, fingerprint: bytes) -> bool:
        return self._gate.admits(fingerprint, self.door)

    def _is_introduced(self, introduction: bytes) -> bool:
        return self._gate.is_door(self.door) and self._gate.is_introduced(self.shown, self.door, introduction)

    def data_received(self, data: bytes) -> None:
        if self._stage is Stage.DOOR:
            self._come_to_door(data)
        else:
            super().data_received(data)

    def _begin(self) -> None:
        self._stage = Stage.DOOR
        if not self._listener.has_room_for(self):
            self.drop()

    def _come_to_door(self, data: bytes) -> None:
        """Wait for the whole ClientHello, and let OpenSSL see it only if it names a door of ours."""
        self._hello += data
        try:
            door = read_door(self._hello)
        except Malformed:
            door = ""
        if door is None:
            return
        if not self._gate.is_door(door):
            self._listener.strangers.without_door += 1
            self.drop()
            return
        self.door = door
        self._listener.named_a_door(self)
        self._start_tls()
        self._tls.set_accept_state()
        self._settle(self._hello)

    def _agreed(self, plain: bytes) -> None:
        if plain:  # a dialler has nothing to say before it is let in
            self._fail()
            return
        self._seal(WELCOME)
        self._open()

    def _fail(self) -> None:
        self._listener.strangers.failed += 1
        super()._fail()

    def _late(self) -> None:
        self._listener.strangers.late += 1

    def _hung_up(self) -> None:
        if self._stage is Stage.DOOR:
            self._listener.strangers.without_door += 1
        else:
            self._listener.strangers.failed += 1
        self._released()

    def _released(self) -> None:
        self._listener.released(self)


async def _bind(address: Address) -> list[socket.socket]:
    """Listening sockets for every address of the host that this machine has, at least one."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise RouteError(
            f"cannot listen on {address}: the host name is unknown",
            hint="check the name, or give an IP address of this machine",
            address=str(address),
            errno=None,
        ) from error
    bound: list[socket.socket] = []
    absent: OSError | None = None
    for family, kind, protocol, _, where in found:
        try:
            bound.append(_bound_socket(family, kind, protocol, where))
        except OSError as error:
            # A name such as localhost may stand for an IPv6 address on a machine that has none.
            if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                for each in bound:
                    each.close()
                raise _cannot_listen(address, error) from error
            absent = error
    if absent is not None and not bound:
        raise _cannot_listen(address, absent) from absent
    return bound


def _bound_socket(family: int, kind: int, protocol: int, where: Any) -> socket.socket:
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.setblocking(False)
        bound.bind(where)
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


_REASONS = {
    errno.EADDRINUSE: ("the port is in use", "another node may be running; stop it or choose another port"),
    errno.EADDRNOTAVAIL: ("this machine has no such address", "give an address of this machine, or 0.0.0.0 or [::] for all"),
    errno.EACCES: ("the port is not allowed", "choose a port above 1023"),
}


def _cannot_listen(address: Address, error: OSError) -> RouteError:
    number = error.errno or 0
    problem, hint = _REASONS.get(number, (os.strerror(number), "choose another address"))
    return RouteError(f"cannot listen on {address}: {problem}", hint=hint, address=str(address), errno=error.errno)
