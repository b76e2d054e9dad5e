"""The direct route: TCP and TLS 1.3 between two desks that hold each other's key fingerprint.

What holds for every link that its owner is told of:

- TLS 1.3 with X25519MLKEM768 and nothing else: whatever else was negotiated is refused after the handshake. No session is
  resumed, so every link has run the key exchange and shown its keys.
- Both sides present a self-signed Ed25519 certificate. Its key alone counts: SHA-256 of the SubjectPublicKeyInfo must be that
  of a peer we are paired with - for a dialler, of the very peer it dialled. Names and dates in it mean nothing, so a wrong
  clock cuts no line.
- A key that is new to the other end may be let in by an introduction: bytes in the certificate, sealed by the desk that shows
  them and judged by the owner of the other end (LinkOwner.introduced). It is asked after the handshake, when the holder has
  proved the key, so a copied certificate comes to nothing; and before a dialler shows its own certificate.
- After its checks the listener says one byte, WELCOME. In TLS 1.3 a client's handshake ends before the server has judged its
  key; the byte is how a dialler knows that it was let in, and that a reported `connected` is true.

A stranger gets nothing, not even a byte of ours before its ClientHello named a door (see routes.hello, and there what a door
word does not protect from). At most 16 handshakes wait, for at most five seconds and 16 KiB of input each. When a
seventeenth comes, the one that has waited longest without naming a door makes room; if all have named one, the newcomer is
closed. So idle connections do not keep a peer out, and strangers are counted, not logged. Somebody who watches the path and
repeats a door word can: while that goes on, links that stand are safe, but new ones are a matter of luck. That holds for
introductions too: the owner is asked about four a second and door, whoever shows them.

    route = TlsRoute(seed, owner)
    route.admit(peer, door)
    listener = await route.listen(Address("192.0.2.7", 7400))
    dialer = route.dial(peer, door, Address("desk.example.org", 7400), attempt=note, uniform=random.uniform)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from watchline.routes import Attempt, LinkOwner
from watchline.routes.address import Address
from watchline.routes.certificate import INTRODUCTION_BYTES_MAX, key_fingerprint, self_signed_certificate
from watchline.routes.connection import Gate
from watchline.routes.dialer import TlsDialer
from watchline.routes.hello import check_door
from watchline.routes.listener import Strangers, TlsListener
from watchline.routes.retries import Backoff

__all__ = [
    "INTRODUCTION_BYTES_MAX",
    "Backoff",
    "Strangers",
    "TlsDialer",
    "TlsListener",
    "TlsRoute",
    "key_fingerprint",
    "self_signed_certificate",
]

HANDSHAKE_SECONDS = 5.0
CLOSE_SECONDS = 5.0  # what was queued before a close may take this long to leave
ATTEMPT_SECONDS = 10.0


class TlsRoute:
    """One desk's end of all its direct routes: its key, the peers it is paired with, and every link of theirs."""

    def __init__(
        self,
        seed: bytes,
        owner: LinkOwner,
        *,
        handshake_seconds: float = HANDSHAKE_SECONDS,
        close_seconds: float = CLOSE_SECONDS,
    ) -> None:
        """seed: the desk's TLS key (Ed25519, 32 bytes). owner: told about every link, dialled or accepted."""
        self._gate = Gate(seed, owner, handshake_seconds, close_seconds)
        self._listeners: list[TlsListener] = []
        self._dialers: list[TlsDialer] = []

    @property
    def fingerprint(self) -> bytes:
        """What peers know this desk's TLS key by, 32 bytes."""
        return self._gate.fingerprint

    def admit(self, peer: bytes, door: str) -> None:
        """Let the holder of the key with this fingerprint in by this door; a key may have several doors, a door several keys.

        door: 1 to 63 characters a-z and 0-9, the same at both ends, which derive it from what they agreed on in pairing.
        """
        self._gate.admit(peer, door)

    def dismiss(self, peer: bytes, door: str) -> None:
        """Take an admission back, and close every link and dialler that rests on it.

        Called while the owner is asked about a key that the peer introduced, this leaves the dialler and the connection alone
        over which it did so; diallers of the old key at other addresses are closed.
        """
        for dialer in self._dialers:
            if (dialer.peer, dialer.door) == (peer, door):
                dialer.close()
        self._gate.dismiss(peer, door)

    def replace_door(self, peer: bytes, door: str, successor: str) -> None:
        """Let the peer in by this door no more, and show nothing there. Links that came by it stay, as if by its successor."""
        self._gate.replace_door(peer, door, check_door(successor))

    def introduce(self, door: str, introduction: bytes | None) -> None:
        """Show these bytes on every new connection by this door, dialled or accepted, until None takes them back.

        introduction: 1 to INTRODUCTION_BYTES_MAX bytes, sealed by the caller: a stranger who knows the door word reads them as
        they are, and sees their length. Raises ValueError for another length. Each door with an introduction has TLS settings
        of its own, made by this call; the others share one.
        """
        self._gate.introduce(door, introduction)

    async def listen(self, address: Address) -> TlsListener:
        """Accept connections; on return the port is open.

        Raises RouteError if the host is unknown or not this machine's, or the port is taken or not allowed (facts: `address`,
        and `errno`, which is None for an unknown host).
        """
        listener = TlsListener(self._gate)
        await listener.open(address)
        self._listeners = [each for each in self._listeners if not each.is_closed] + [listener]
        return listener

    def dial(
        self,
        peer: bytes,
        door: str,
        address: Address,
        *,
        attempt: Attempt,
        uniform: Callable[[float, float], float],
        backoff: Backoff | None = None,
        attempt_seconds: float = ATTEMPT_SECONDS,
    ) -> TlsDialer:
        """Keep a link to one admitted peer at one address, from now until the dialler is closed; see TlsDialer.

        attempt: told the outcome of every attempt. uniform: a random number between two bounds, as `random.uniform`.
        """
        dialer = TlsDialer(
            self._gate,
            peer,
            check_door(door),
            address,
            attempt=attempt,
            uniform=uniform,
            backoff=backoff or Backoff(),
            attempt_seconds=attempt_seconds,
        )
        self._dialers = [each for each in self._dialers if not each.task.done()] + [dialer]
        return dialer

    async def close(self) -> None:
        """Stop listening and dialling and close every link; on return all sockets are closed and the owner was told."""
        for listener in self._listeners:
            listener.close()
        for dialer in self._dialers:
            dialer.close()
        if self._dialers:
            await asyncio.wait([dialer.task for dialer in self._dialers])
        open_connections = list(self._gate.connections)
        for connection in open_connections:
            connection.end("closed here")
        if open_connections:
            await asyncio.wait([connection.lost for connection in open_connections])
