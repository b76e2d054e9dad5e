"""One TCP connection with TLS 1.3 in memory, from its first byte to its last, for both ends of the direct route.

`Gate` is what all connections of a desk share, `Connection` what both ends of one do. How a connection begins and what
becomes of a failure is in routes.listener and routes.dialer. See routes.tls for what holds for an open link.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Sequence
from enum import Enum, auto
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from OpenSSL import SSL, crypto

from watchline.errors import Malformed
from watchline.routes import CONGESTED_BYTES, DIRECT, WAITING_BYTES_MAX, LinkOwner
from watchline.routes.address import Address
from watchline.routes.certificate import FINGERPRINT_BYTES, key_fingerprint, read_introduction, self_signed_certificate
from watchline.routes.framing import FrameParser, format_frames
from watchline.routes.hello import check_door

GROUP = "X25519MLKEM768"
WELCOME = b"\x01"
HANDSHAKE_BYTES_MAX = 16_384  # each end hears one certificate, the longest of 12,544 bytes, and about 1,700 bytes besides
INTRODUCTIONS_PER_SECOND = 4  # by one door: each may cost the owner work with public keys

FRAMES_AT_ONCE = 128  # handed to the owner; what else has come waits while the other connections have their turn
REST_SECONDS = 0.004

_RECORD_BYTES = 16_384
_RECORD_OVERHEAD = 22  # head, content type and tag of one TLS record
_KEEPALIVE_IDLE_SECONDS = 15
_KEEPALIVE_EVERY_SECONDS = 5
_KEEPALIVE_PROBES = 3
_UNANSWERED_SECONDS = 30  # sent, not acknowledged by the other host's TCP: the link is dead


class Gate:
    """What all connections of one desk share: its key, its owner, who is let in, and the connections themselves."""

    def __init__(self, seed: bytes, owner: LinkOwner, handshake_seconds: float, close_seconds: float) -> None:
        certificate = self_signed_certificate(seed)
        self.fingerprint = key_fingerprint(certificate)
        self._seed = seed
        self._context = _context(seed, certificate)  # of every door but these
        self._introducing: dict[str, SSL.Context] = {}
        self.owner = owner
        self.handshake_seconds = handshake_seconds
        self.close_seconds = close_seconds
        self.connections: set[Connection] = set()
        self._admitted: set[tuple[bytes, str]] = set()
        self._questions: dict[str, deque[float]] = {}  # when the owner was last asked about a door of ours, by the loop's time

    def admit(self, peer: bytes, door: str) -> None:
        if len(peer) != FINGERPRINT_BYTES:
            raise ValueError("a peer is named by the 32 bytes of its key's fingerprint")
        self._admitted.add((peer, check_door(door)))

    def dismiss(self, peer: bytes, door: str) -> None:
        self._admitted.discard((peer, door))
        for connection in [each for each in self.connections if (each.shown, each.door) == (peer, door)]:
            connection.end("the peer is no longer paired")

    def replace_door(self, peer: bytes, door: str, successor: str) -> None:
        self._admitted.discard((peer, door))
        self._introducing.pop(door, None)
        for connection in [each for each in self.connections if (each.shown, each.door) == (peer, door)]:
            connection.door = successor

    def is_door(self, door: str) -> bool:
        """Whether any admission has this door."""
        return any(door == known for _, known in self._admitted)

    def admits(self, peer: bytes, door: str) -> bool:
        """Whether the holder of this key is let in by this door."""
        return (peer, door) in self._admitted

    def introduce(self, door: str, introduction: bytes | None) -> None:
        if introduction is None:
            self._introducing.pop(check_door(door), None)
        else:
            self._introducing[check_door(door)] = _context(self._seed, self_signed_certificate(self._seed, introduction))

    def context(self, door: str) -> SSL.Context:
        """What TLS runs with by this door."""
        return self._introducing.get(door, self._context)

    def is_introduced(self, peer: bytes, door: str, introduction: bytes) -> bool:
        """Ask the owner whether the holder of this key is to be let in by this door; False if it was asked too often."""
        if not self.may_ask(door, asyncio.get_running_loop().time()):
            return False
        return self.owner.introduced(door, peer, introduction) and self.admits(peer, door)

    def may_ask(self, door: str, now_seconds: float) -> bool:
        """Whether the owner may be asked about a key by this door now; if so, that counts as a question."""
        asked = self._questions.setdefault(door, deque(maxlen=INTRODUCTIONS_PER_SECOND))
        if len(asked) == INTRODUCTIONS_PER_SECOND and now_seconds - asked[0] < 1.0:
            return False
        asked.append(now_seconds)
        return True


class Stage(Enum):
    """How far a connection has come; it goes down this list and never up."""

    CONNECTING = auto()
    DOOR = auto()  # a listener waits for the whole ClientHello
    HANDSHAKE = auto()
    WELCOME = auto()  # a dialler waits to be let in
    OPEN = auto()
    CLOSED = auto()  # nothing is read or written any more; the socket may still be sending what was queued


class Connection(asyncio.Protocol):
    """A Link while its stage is OPEN. On the way of a frame there are no tasks and no futures: one read becomes one
    `received`, one `send` becomes one write.
    """

    kind = DIRECT
    outbound: bool
    _tls: SSL.Connection
    _transport: asyncio.Transport

    def __init__(self, gate: Gate, door: str) -> None:
        self.peer = b""  # empty until the handshake is done
        self.door = door
        self.address = ""
        self.congested = False
        self.shown = b""  # the fingerprint of the key that the other end shows, before it is judged
        self.introduction: bytes | None = None  # what it shows besides, if the key alone does not let it in
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gate = gate
        self._stage = Stage.CONNECTING
        self._reason = "the connection was lost"
        self._frames = FrameParser()
        self._arrived: list[bytes] = []  # whole frames that the owner was not given yet; while there are any, nothing is read
        self._handshake_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    # What the owner calls.

    def send(self, frames: Sequence[bytes]) -> None:
        data = format_frames(frames)
        if self._stage is not Stage.OPEN or not data:
            return
        self._seal(data)
        if self._transport.get_write_buffer_size() > WAITING_BYTES_MAX:
            self._reason = "the peer takes nothing"
            self.drop()

    def close(self) -> None:
        self.end("closed here")

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._gate.connections.add(self)
        if self._stage is Stage.CLOSED:  # dropped while it was being made
            self._transport.abort()
            return
        self.address = _shown_address(self._transport)
        _tune(transport.get_extra_info("socket"))
        self._transport.set_write_buffer_limits(high=CONGESTED_BYTES, low=CONGESTED_BYTES // 4)
        self._wait(self._gate.handshake_seconds)
        self._begin()

    def data_received(self, data: bytes) -> None:
        if self._stage is Stage.OPEN:
            self._take(data)
        elif self._stage is not Stage.CLOSED:
            self._settle(data)

    def pause_writing(self) -> None:
        self.congested = True

    def resume_writing(self) -> None:
        self.congested = False
        if self._stage is Stage.OPEN:
            self._gate.owner.drained(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if not self.peer and self._stage is not Stage.CLOSED:
            self._hung_up()
        self._stage = Stage.CLOSED
        self._gate.connections.discard(self)
        self.lost.set_result(None)
        if self.peer:
            self._gate.owner.closed(self, self._reason)

    # How it ends.

    def end(self, reason: str) -> None:
        """Close once what is queued has left, at the latest after `close_seconds`; the owner is told when it is closed."""
        if self._stage is Stage.CLOSED:
            return
        if self._stage is not Stage.OPEN:
            self.drop()
            return
        self._reason = reason
        self._stage = Stage.CLOSED
        with contextlib.suppress(SSL.Error):  # broken already; the socket is closed all the same
            self._tls.shutdown()
            self._flush()
        self._close_softly()

    def drop(self) -> None:
        """Close now, whatever is queued."""
        is_made = self._stage is not Stage.CONNECTING
        self._stage = Stage.CLOSED
        self._released()
        if is_made:
            self._transport.abort()

    def _close_softly(self) -> None:
        self._transport.close()
        self._wait(self._gate.close_seconds)

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._waited)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _waited(self) -> None:
        if self._stage is not Stage.CLOSED:
            self._late()
        self.drop()

    # The handshake: what the two ends do differently.

    def accepts(self, fingerprint: bytes) -> bool:
        """Whether the holder of this key may be at the other end."""
        raise NotImplementedError

    def _is_introduced(self, introduction: bytes) -> bool:
        """Whether the key that was shown may be at the other end from now on; the owner is asked."""
        raise NotImplementedError

    def _begin(self) -> None:
        """The TCP connection stands."""
        raise NotImplementedError

    def _agreed(self, plain: bytes) -> None:
        """The handshake holds on our side; `plain` is what the other end has said since."""
        raise NotImplementedError

    def _late(self) -> None:
        """It was not done in time, and is dropped after this call."""
        raise NotImplementedError

    def _hung_up(self) -> None:
        """The other end closed the connection before it was a link."""
        raise NotImplementedError

    def _released(self) -> None:
        """It does not count as a handshake under way any more."""
        raise NotImplementedError

    # The handshake: what both do.

    def _start_tls(self) -> None:
        self._tls = SSL.Connection(self._gate.context(self.door))
        self._tls.set_app_data(self)
        self._stage = Stage.HANDSHAKE

    def _settle(self, data: bytes) -> None:
        """Go on towards an open link with what the other end has said."""
        if self._stage is Stage.HANDSHAKE:
            self._handshake_bytes += len(data)
            if self._handshake_bytes > HANDSHAKE_BYTES_MAX:
                self._fail()
                return
        if data:
            self._tls.bio_write(data)
        if self._stage is Stage.HANDSHAKE and not self._has_shaken_hands():
            return
        plain, end = self._open_records()
        self._flush()
        self._agreed(plain)
        if end is not None:
            self._ended_by_peer(end)

    def _has_shaken_hands(self) -> bool:
        """Whether the handshake is done and is what routes.tls promises; if not, more must come or the connection ends."""
        try:
            self._tls.do_handshake()
        except SSL.WantReadError:
            self._flush()
            return False
        except SSL.Error:
            self._flush()
            self._fail()
            return False
        try:
            is_with_peer = self._is_with_peer()
        except BaseException:  # the owner's bug, and for the event loop; nothing stays open
            self._refuse()
            raise
        if not is_with_peer:
            self._refuse()
        return is_with_peer

    def _is_with_peer(self) -> bool:
        """Judge a handshake that is done. The other end has proved its key by now, which it had not when OpenSSL asked."""
        if self._tls.get_group_name() != GROUP or self._tls.get_protocol_version() != SSL.TLS1_3_VERSION:
            return False
        if self.accepts(self.shown):  # OpenSSL asks only when certificates are shown; this holds even if none were
            return True
        if self.introduction is None or not self._is_introduced(self.introduction):
            return False
        return self._stage is Stage.HANDSHAKE and self.accepts(self.shown)  # the owner may have closed it meanwhile

    def _refuse(self) -> None:
        """Close without a word: what TLS still has to say may be our certificate, which a stranger who was dialled gets not."""
        if self._stage is not Stage.CLOSED:
            self._fail()

    def _fail(self) -> None:
        """TLS does not hold, or is not with a peer: let an alert leave, then close."""
        self._stage = Stage.CLOSED
        self._released()
        self._close_softly()

    def _open(self) -> None:
        self._stop_waiting()
        self._stage = Stage.OPEN
        self.peer = self.shown
        self._released()
        self._gate.owner.opened(self)

    # The way of a frame.

    def _take(self, data: bytes) -> None:
        self._tls.bio_write(data)
        plain, end = self._open_records()
        self._flush()  # an answer to a key update, or an alert
        self._give(plain)
        if end is not None:
            self._ended_by_peer(end)

    def _give(self, plain: bytes) -> None:
        """Hand the whole frames in these bytes to the owner."""
        if not plain or self._stage is not Stage.OPEN:
            return
        try:
            frames = self._frames.feed(plain)
        except Malformed as error:
            self.end(error.message)
            return
        if not self._arrived and frames:
            self._arrived = frames
            self._hand_over()
        else:
            self._arrived += frames

    def _hand_over(self) -> None:
        """Give the owner what has come, so many frames at a time; while more wait nothing is read, so that a flood backs up."""
        if self._stage is not Stage.OPEN:
            return
        frames, self._arrived = self._arrived[:FRAMES_AT_ONCE], self._arrived[FRAMES_AT_ONCE:]
        if self._arrived:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(REST_SECONDS, self._hand_over)
        else:
            self._transport.resume_reading()
        self._gate.owner.received(self, frames)

    def _ended_by_peer(self, end: SSL.Error) -> None:
        if self._stage is Stage.OPEN:
            if self._arrived:
                self._gate.owner.received(self, self._arrived)
            self.end("closed by the peer" if isinstance(end, SSL.ZeroReturnError) else "the peer broke TLS")
        elif self._stage is not Stage.CLOSED:
            self._fail()

    def _open_records(self) -> tuple[bytes, SSL.Error | None]:
        """All the plain bytes that have come, and why no more will come; None while more may."""
        parts: list[bytes] = []
        end: SSL.Error | None = None
        try:
            while True:
                parts.append(self._tls.recv(_RECORD_BYTES))
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            end = error
        return parts[0] if len(parts) == 1 else b"".join(parts), end

    def _seal(self, data: bytes) -> None:
        try:
            self._tls.sendall(data)
        except SSL.Error:
            self.end("TLS is broken")
            return
        self._flush(len(data) + _RECORD_OVERHEAD * (len(data) // _RECORD_BYTES + 1))

    def _flush(self, expected_bytes: int = 0) -> None:
        """Write what TLS has made; with the right expectation that is one write."""
        size = max(expected_bytes + 1, _RECORD_BYTES)  # one more than expected, so that a short read means all was read
        while True:
            try:
                sealed = self._tls.bio_read(size)
            except SSL.WantReadError:
                return
            self._transport.write(sealed)
            if len(sealed) < size:
                return


def _context(seed: bytes, certificate: x509.Certificate) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_max_proto_version(SSL.TLS1_3_VERSION)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)  # OpenSSL still hands out tickets, but they open nothing
    context.use_certificate(certificate)
    context.use_privatekey(Ed25519PrivateKey.from_private_bytes(seed))
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _judge)
    return context


def _judge(tls: SSL.Connection, certificate: crypto.X509, _error: int, depth: int, _ok: int) -> bool:
    """Answer OpenSSL's question about each certificate of a chain: ours are chains of one, and only the key counts.

    A key with an introduction passes for now: that its holder has the private key is proved only later in the handshake.
    """
    connection = cast("Connection", tls.get_app_data())
    if depth != 0:
        return False
    try:
        shown = certificate.to_cryptography()
        connection.shown = key_fingerprint(shown)
        if connection.accepts(connection.shown):
            return True
        connection.introduction = read_introduction(shown)
    except Exception:  # noqa: BLE001 - whatever a stranger's certificate makes a parser raise, it holds no paired key
        return False
    return connection.introduction is not None


def _tune(connected: socket.socket) -> None:
    """No delay for small writes; notice within about half a minute that the other host is gone, where the system can."""
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (
        ("TCP_KEEPIDLE", _KEEPALIVE_IDLE_SECONDS),
        ("TCP_KEEPALIVE", _KEEPALIVE_IDLE_SECONDS),  # what macOS calls the first
        ("TCP_KEEPINTVL", _KEEPALIVE_EVERY_SECONDS),
        ("TCP_KEEPCNT", _KEEPALIVE_PROBES),
        ("TCP_USER_TIMEOUT", _UNANSWERED_SECONDS * 1000),
    ):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    with contextlib.suppress(OSError):  # some systems refuse on a connection that was reset meanwhile; its loss is told anyway
        for level, option, value in options:
            connected.setsockopt(level, option, value)


def _shown_address(transport: asyncio.Transport) -> str:
    name = transport.get_extra_info("peername")
    return str(Address(name[0], name[1])) if name else "unknown"
