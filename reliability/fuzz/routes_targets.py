"""What a stranger or a peer can send to the direct route: its first bytes, its stream, its TLS, and addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from reliability.fuzz.mutation import mutate_bytes, mutate_text
from reliability.fuzz.target import Check, Target, need
from watchline.errors import Malformed, PeerError, UsageError
from watchline.routes import Link
from watchline.routes.address import parse_address
from watchline.routes.certificate import INTRODUCTION_BYTES_MAX, read_introduction, self_signed_certificate
from watchline.routes.connection import HANDSHAKE_BYTES_MAX, WELCOME, Gate, Stage
from watchline.routes.framing import FrameParser, format_frames
from watchline.routes.hello import read_door
from watchline.routes.listener import Accepted, TlsListener

DOOR = "k3v9q2"
OWN_SEED, PEER_SEED = bytes([1]) * 32, bytes([2]) * 32


def client_hello(door: str = DOOR) -> bytes:
    """A whole one, as any TLS 1.3 client sends it."""
    client = SSL.Connection(SSL.Context(SSL.TLS_METHOD))
    client.set_connect_state()
    client.set_tlsext_host_name(door.encode())
    with suppress(SSL.WantReadError):
        client.do_handshake()
    return client.bio_read(65_536)


# --- addresses, the door, the stream


def _check_address() -> Check:
    def check(data: bytes) -> None:
        address = parse_address(data.decode("utf-8", "surrogateescape"))
        need(parse_address(str(address)) == address, "an address is written as another one")

    return check


def _genuine_addresses() -> Mapping[str, bytes]:
    texts = ("desk.example.org:7400", "192.0.2.7:7400", "[2001:db8::7]:7400", "localhost:1", "[::ffff:192.0.2.1]:65535")
    return {f"{number}": text.encode() for number, text in enumerate(texts)}


def _check_door() -> Check:
    """What is read must be what OpenSSL reads, as far as it takes the message at all."""
    names: list[bytes | None] = []
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_tlsext_servername_callback(lambda connection: names.append(connection.get_servername()))

    def check(data: bytes) -> None:
        door = read_door(data)
        if door is not None:
            names.clear()
            server = SSL.Connection(context)
            server.set_accept_state()
            server.bio_write(data)
            with suppress(SSL.Error):
                server.do_handshake()
            need(names in ([], [door.encode()]), "OpenSSL reads another server name")
            for end in (0, 1, 4, 5, len(data) // 2, len(data) - 1):
                need(read_door(data[:end]) is None, "a door is read before the message is whole")

    return check


def _genuine_hellos() -> Mapping[str, bytes]:
    return {"hello": client_hello(), "long-door": client_hello("d" * 63), "cut": client_hello()[:700], "empty": b""}


def _check_stream() -> Check:
    """The first byte is the size of the pieces in which the rest comes."""

    def check(data: bytes) -> None:
        size, stream = max(1, data[0] if data else 1), data[1:]
        whole, pieces = FrameParser(), FrameParser()
        frames: list[bytes] = []
        broken = False
        try:
            for at in range(0, len(stream), size):
                frames += pieces.feed(stream[at : at + size])
        except Malformed:
            broken = True
        need(stream.startswith(format_frames(frames)), "other frames come out than went in")
        try:
            taken = whole.feed(stream)
        except Malformed:
            need(broken, "one piece is refused and many are not")
            raise
        need(not broken and taken == frames, "the pieces of a stream decide what its frames are")

    return check


def _genuine_streams() -> Mapping[str, bytes]:
    return {
        "three": b"\x07" + format_frames([b"a", b"b" * 300, b"c" * 20]),
        "large": b"\xff" + format_frames([b"d" * 5_000]),
        "cut": b"\x01" + format_frames([b"e" * 40])[:-5],
    }


# --- TLS


class _Loop:
    """As much of an event loop as a connection asks of it; no timer ever fires."""

    def create_future(self) -> Any:
        return _Future()

    def call_later(self, delay: float, call: Callable[..., object], *args: object) -> Any:
        return _Future()


class _Future:
    def set_result(self, result: object) -> None: ...

    def cancel(self) -> None: ...


class _Transport:
    """Keeps what is written. None of it leaves."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.closed = True

    abort = close

    def get_extra_info(self, name: str) -> Any:
        return _Socket() if name == "socket" else ("192.0.2.9", 4_000)

    def set_write_buffer_limits(self, high: int, low: int) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0


class _Socket:
    def setsockopt(self, level: int, option: int, value: int) -> None: ...


class _Owner:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.links = 0
        self.frames: list[bytes] = []
        self.ends: list[str] = []

    def opened(self, link: Link) -> None:
        self.links += 1

    def received(self, link: Link, frames: list[bytes]) -> None:
        self.frames += frames

    def drained(self, link: Link) -> None: ...

    def introduced(self, door: str, fingerprint: bytes, introduction: bytes) -> bool:
        return False

    def closed(self, link: Link, reason: str) -> None:
        self.ends.append(reason)


class _Front:
    """A listener with one peer and one door; each `accept` is a new connection."""

    def __init__(self) -> None:
        self.owner = _Owner()
        self.gate = Gate(OWN_SEED, self.owner, 5.0, 5.0)
        self.peer = Gate(PEER_SEED, _Owner(), 5.0, 5.0)
        self.gate.admit(self.peer.fingerprint, DOOR)
        self.listener = TlsListener(self.gate)
        self.transport = _Transport()

    def accept(self) -> Accepted:
        self.owner.links, self.owner.frames, self.owner.ends = 0, [], []
        connection = Accepted(self.gate, self.listener)
        self.transport = _Transport()
        connection.connection_made(cast("asyncio.BaseTransport", self.transport))
        return connection

    def leave(self, connection: Accepted) -> None:
        connection.connection_lost(None)
        need(not self.gate.connections and not self.listener.pending, "a connection that is gone is still counted")
        need(len(self.owner.ends) == self.owner.links, "the owner is not told the end of a link")

    def dial(self, connection: Accepted, change: Callable[[int, bytes], bytes]) -> SSL.Connection:
        """Shake hands as the peer does. change: what becomes of each flight of the dialler, by its number."""
        client = SSL.Connection(self.peer.context(DOOR))
        client.set_app_data(_Anybody())
        client.set_connect_state()
        client.set_tlsext_host_name(DOOR.encode())
        for flight in range(2):
            with suppress(SSL.WantReadError, SSL.Error):
                client.do_handshake()
            connection.data_received(change(flight, _read(client)))
            for sealed in self.transport.written:
                client.bio_write(sealed)
            self.transport.written.clear()
        return client


class _Anybody:
    """What the context of the dialler asks about the listener's key."""

    shown = b""

    def accepts(self, fingerprint: bytes) -> bool:
        return True


def _read(connection: SSL.Connection) -> bytes:
    try:
        return connection.bio_read(1 << 20)
    except SSL.WantReadError:
        return b""


def _fed(connection: Accepted, pieces: Sequence[bytes]) -> None:
    for piece in pieces:
        if piece:
            connection.data_received(piece)


def _on_a_loop(check: Check) -> Check:
    """The same check while a loop seems to run in this thread: connections ask for theirs."""
    loop = cast("asyncio.AbstractEventLoop", _Loop())

    def run(data: bytes) -> None:
        asyncio._set_running_loop(loop)
        try:
            check(data)
        finally:
            asyncio._set_running_loop(None)

    return run


def _check_front() -> Check:
    """A stranger's bytes from the first one on. The first byte of the input says where it is cut in two."""
    front = _Front()

    def check(data: bytes) -> None:
        cut, stream = (data[0] if data else 0) * 8, data[1:]
        connection = front.accept()
        _fed(connection, (stream[:cut], stream[cut:]))
        need(front.owner.links == 0, "a stranger has a link")
        sent = sum(map(len, front.transport.written))
        need(sent <= max(4_096, 3 * HANDSHAKE_BYTES_MAX), "a stranger is answered with more than a handshake")
        front.leave(connection)

    return _on_a_loop(check)


def _genuine_fronts() -> Mapping[str, bytes]:
    hello = client_hello()
    return {"hello": b"\0" + hello, "halves": b"\x40" + hello, "junk": b"\0GET / HTTP/1.1\r\n\r\n", "twice": b"\0" + hello * 2}


def _check_flight() -> Check:
    """The dialler's second flight, its certificate and Finished, XORed with the input from the byte on that it begins with."""
    front = _Front()

    def check(data: bytes) -> None:
        at = int.from_bytes(data[:2], "big") % 1_200
        pattern = data[2:]

        def change(flight: int, sent: bytes) -> bytes:
            if flight == 0:
                return sent
            mask = bytes(at)[: len(sent)] + pattern[: max(0, len(sent) - at)]
            return bytes(one ^ other for one, other in zip(sent, mask.ljust(len(sent), b"\0"), strict=False))

        connection = front.accept()
        front.dial(connection, change)
        changed = any(pattern[: max(0, 1_200 - at)])
        need(not changed or front.owner.links <= 1, "one connection is two links")
        need(bool(front.owner.links) or changed, "a genuine dialler is not let in")
        front.leave(connection)

    return _on_a_loop(check)


def _genuine_flights() -> Mapping[str, bytes]:
    return {"as-it-is": b"", "first": b"\0\0\x01", "middle": b"\x01\x00\x80\x80", "last": b"\x04\x00" + b"\xff" * 200}


def _check_link() -> Check:
    """An open link. First byte 0: the rest comes sealed by the peer, as a stream of frames; else it comes as it is."""
    front = _Front()

    def check(data: bytes) -> None:
        connection = front.accept()
        client = front.dial(connection, lambda _, sent: sent)
        need(front.owner.links == 1, "a genuine dialler is not let in")
        need(client.recv(16) == WELCOME, "a dialler that was let in is not told so")
        if data[:1] == b"\0":
            client.send(data[1:] or b"\0")
            connection.data_received(_read(client))
            need(data[1:].startswith(format_frames(front.owner.frames)), "other frames come out than went in")
        else:
            _fed(connection, [data[1:]])
            need(front.owner.frames == [], "frames come out of what nobody sealed")
        need(connection._stage in (Stage.OPEN, Stage.CLOSED), "a link goes back to its handshake")
        front.leave(connection)

    return _on_a_loop(check)


def _genuine_links() -> Mapping[str, bytes]:
    frames = format_frames([b"a" * 512, b"b"])
    return {"frames": b"\0" + frames, "zero": b"\0" + bytes(4), "record": b"\x01\x17\x03\x03\x00\x20" + bytes(32)}


def _check_introduction() -> Check:
    """The certificate that a stranger shows, once the library has read it."""

    def check(data: bytes) -> None:
        try:
            certificate = x509.load_der_x509_certificate(data)
        except (ValueError, x509.InvalidVersion):  # neither is a certificate to `connection._judge`
            return
        found = read_introduction(certificate)
        need(found is None or 1 <= len(found) <= INTRODUCTION_BYTES_MAX, "an introduction out of its bounds")

    return check


def _genuine_introductions() -> Mapping[str, bytes]:
    made = {"none": None, "one": b"introduction", "longest": bytes(INTRODUCTION_BYTES_MAX)}
    return {name: self_signed_certificate(bytes(32), said).public_bytes(Encoding.DER) for name, said in made.items()}


TARGETS = (
    Target("address", _check_address, _genuine_addresses, mutate_text, (UsageError,), inputs=4_000),
    Target("door", _check_door, _genuine_hellos, mutate_bytes, inputs=6_000),
    Target("stream", _check_stream, _genuine_streams, mutate_bytes, inputs=3_000),
    Target("tls-front", _check_front, _genuine_fronts, mutate_bytes, (PeerError,), 2_000),
    Target("tls-flight", _check_flight, _genuine_flights, mutate_bytes, (PeerError,), 50),
    Target("introduction", _check_introduction, _genuine_introductions, mutate_bytes, (PeerError,), 2_000),
    Target("tls-link", _check_link, _genuine_links, mutate_bytes, (PeerError,), 50),
)
