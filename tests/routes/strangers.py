"""Peers that break the rules: plain sockets, other TLS stacks and certificates, a proxy that delivers single bytes."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from OpenSSL import SSL, crypto

from tests.routes.ends import DOOR, PATIENCE_SECONDS
from watchline.routes import Address
from watchline.routes.connection import WELCOME
from watchline.routes.tls import self_signed_certificate


class Stranger:
    """A plain TCP connection to an address."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def hear_all(self) -> bytes:
        """Everything up to the other side's closing, however it closes."""
        heard = b""
        async with asyncio.timeout(PATIENCE_SECONDS):
            with suppress(ConnectionResetError):
                while more := await self.reader.read(65_536):
                    heard += more
        return heard

    async def hear_something(self) -> bytes:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.read(65_536)

    @property
    def is_cut_off(self) -> bool:
        return self.reader.at_eof() or self.reader.exception() is not None


@asynccontextmanager
async def stranger(address: Address) -> AsyncIterator[Stranger]:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        yield Stranger(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def client_hello(door: str) -> bytes:
    """A whole one, as any TLS 1.3 client sends it that has overheard the door word."""
    client = SSL.Connection(SSL.Context(SSL.TLS_METHOD))
    client.set_connect_state()
    client.set_tlsext_host_name(door.encode())
    with suppress(SSL.WantReadError):
        client.do_handshake()
    return client.bio_read(65_536)


def library_context(seed: bytes, folder: Path, *, server: bool) -> ssl.SSLContext:
    """Python's own TLS with the certificate of this seed; it trusts anybody, and knows no X25519MLKEM768."""
    key = Ed25519PrivateKey.from_private_bytes(seed).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = folder / "certificate.pem"
    file.write_bytes(key + self_signed_certificate(seed).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(file)
    context.set_ecdh_curve("X25519")
    return context


class Impostor:
    """TLS as routes.tls wants it, with any certificate; it trusts anybody, and remembers what the others showed and said."""

    def __init__(self, certificate: x509.Certificate, seed: bytes, *, holder: bytes | None = None) -> None:
        """seed: of the certificate's key. holder: seed of the key that the certificate is made to name instead, unproved."""
        self.seen: list[x509.Certificate] = []
        self.heard = b""
        self.talks: list[SSL.Connection] = []  # those whose handshake is done
        self.is_talking = asyncio.Event()
        self.when_shown: Callable[[], None] = lambda: None  # done when the other side shows its certificate
        self._context = SSL.Context(SSL.TLS_METHOD)
        self._context.set_verify(SSL.VERIFY_PEER, self._see)
        shown = crypto.X509.from_cryptography(certificate)
        with (
            warnings.catch_warnings()
        ):  # deprecated, and the only way to a certificate that names another key than the context's
            warnings.simplefilter("ignore", DeprecationWarning)
            self._context.use_certificate(shown)
            self._context.use_privatekey(Ed25519PrivateKey.from_private_bytes(seed))
            if holder is not None:
                named = Ed25519PrivateKey.from_private_bytes(holder).public_key()
                shown.set_pubkey(crypto.PKey.from_cryptography_key(named))

    def _see(self, _tls: SSL.Connection, certificate: crypto.X509, *_: int) -> bool:
        self.seen.append(certificate.to_cryptography())
        self.when_shown()
        return True

    async def knock(self, address: Address, door: str = DOOR) -> None:
        """Dial, and listen until the other side hangs up."""
        tls = SSL.Connection(self._context)
        tls.set_connect_state()
        tls.set_tlsext_host_name(door.encode())
        async with stranger(address) as end:
            await self._talk(tls, end)

    @asynccontextmanager
    async def listening(self, greeting: bytes = WELCOME) -> AsyncIterator[Address]:
        """Accept connections; each is greeted once its handshake is done, as by a listener of routes.tls."""
        talks: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tls = SSL.Connection(self._context)
            tls.set_accept_state()
            talks.add(asyncio.ensure_future(self._talk(tls, Stranger(reader, writer), greeting)))

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        try:
            yield Address("127.0.0.1", server.sockets[0].getsockname()[1])
        finally:
            server.close()
            for talk in talks:
                talk.cancel()
            await asyncio.gather(*talks, return_exceptions=True)

    async def _talk(self, tls: SSL.Connection, end: Stranger, greeting: bytes = b"") -> None:
        try:
            while True:
                try:
                    tls.do_handshake()
                    if tls not in self.talks:
                        self.talks.append(tls)
                        self.is_talking.set()
                        if greeting:
                            tls.send(greeting)
                    self.heard += tls.recv(65_536)
                except SSL.WantReadError:
                    with suppress(SSL.WantReadError):
                        end.say(tls.bio_read(65_536))
                    data = await end.hear_something()
                    if not data:
                        return
                    tls.bio_write(data)
        except (SSL.Error, ConnectionError):
            return
        finally:
            end.writer.close()


@asynccontextmanager
async def byte_by_byte(address: Address) -> AsyncIterator[Address]:
    """A proxy that hands on every byte by itself, both ways."""
    tasks: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1):
                writer.write(data)
                await asyncio.sleep(0)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(address.host, address.port)
        tasks.update(asyncio.create_task(carry(*way)) for way in ((reader, far_writer), (far_reader, writer)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await asyncio.wait(tasks)
