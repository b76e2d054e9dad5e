"""Who is let in over the direct route, and what a link over it does besides the contract."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeAlias, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from OpenSSL import SSL, crypto

from tests.routes.conftest import Play
from tests.routes.ends import (
    DOOR,
    FAR_SEED,
    LOOPBACK,
    NEAR_SEED,
    OTHER_SEED,
    PATIENCE_SECONDS,
    Owner,
    TlsEnds,
    dial,
    never_again,
    paired_routes,
    until,
)
from tests.routes.strangers import Stranger, byte_by_byte, library_context, stranger
from watchline.core.limits import FRAME_BYTES_MAX
from watchline.errors import RouteError
from watchline.routes import Address, Link, Outcome, connection, parse_address
from watchline.routes.connection import FRAMES_AT_ONCE, WELCOME, Connection
from watchline.routes.tls import TlsListener, TlsRoute, key_fingerprint, self_signed_certificate

Scene: TypeAlias = Callable[[TlsEnds], Awaitable[None]]


class Outcomes:
    """What a dialer reported."""

    def __init__(self) -> None:
        self.list: list[Outcome] = []
        self._changed = asyncio.Event()

    def __call__(self, address: Address, outcome: Outcome) -> None:
        self.list.append(outcome)
        self._changed.set()

    async def first(self, count: int) -> list[Outcome]:
        await until(self._changed, lambda: len(self.list) >= count)
        return self.list[:count]


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[TlsEnds, TlsListener]]:
    """Two paired routes; the far one listens, and nobody has dialled."""
    ends = TlsEnds()
    try:
        yield ends, await ends.far_route.listen(LOOPBACK)
    finally:
        await ends.close()


async def linked(scene: Scene) -> None:
    ends = TlsEnds()
    try:
        await ends.open()
        await scene(ends)
    finally:
        await ends.close()


# Keys and certificates.


def test_same_seed_gives_the_same_certificate() -> None:
    first, second = self_signed_certificate(NEAR_SEED), self_signed_certificate(NEAR_SEED)
    assert first.public_bytes(Encoding.DER) == second.public_bytes(Encoding.DER)
    assert key_fingerprint(first) != key_fingerprint(self_signed_certificate(FAR_SEED))


def test_fingerprint_is_sha256_of_the_public_key_info() -> None:
    public = Ed25519PrivateKey.from_private_bytes(NEAR_SEED).public_key()
    info = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert key_fingerprint(self_signed_certificate(NEAR_SEED)) == hashlib.sha256(info).digest()


def test_each_side_sees_the_others_fingerprint(play: Play) -> None:
    async def scene(ends: TlsEnds) -> None:
        assert ends.near_link.peer == ends.far_route.fingerprint
        assert ends.far_link.peer == ends.near_route.fingerprint

    play(linked(scene))


def test_dialled_link_bears_the_address_as_it_was_dialled(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        listener = await ends.far_route.listen(Address("localhost", 0))
        dial(ends.near_route, ends.far_route, listener, ends.near.attempt)
        await ends.until(lambda: bool(ends.near.links and ends.far.links))
        assert ends.near.links[0].address == f"localhost:{listener.address.port}"
        assert parse_address(ends.far.links[0].address).port != listener.address.port
        await ends.close()

    play(scene())


# Who is let in.


def judges_nothing(tls: SSL.Connection, certificate: crypto.X509, _error: int, _depth: int, _ok: int) -> bool:
    cast("Connection", tls.get_app_data()).shown = key_fingerprint(certificate.to_cryptography())
    return True


@pytest.fixture(params=["during the handshake", "after it"])
def one_barrier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key is judged twice; of the two barriers only this one stands, so each must hold by itself."""
    if request.param == "after it":
        monkeypatch.setattr(connection, "_judge", judges_nothing)
    else:
        monkeypatch.setattr(Connection, "_is_with_peer", lambda _: True)


@pytest.mark.usefixtures("one_barrier")
def test_unpaired_client_key_is_refused(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (ends, listener):
            intruder, told = TlsRoute(OTHER_SEED, ends.near), Outcomes()
            intruder.admit(ends.far_route.fingerprint, DOOR)
            dial(intruder, ends.far_route, listener, told, never_again)
            assert await told.first(1) == ["tls"]
            assert listener.strangers.failed == 1
            assert ends.near.links == ends.far.links == []
            await intruder.close()

    play(scene())


@pytest.mark.usefixtures("one_barrier")
def test_unpaired_server_key_is_refused(play: Play) -> None:
    async def scene() -> None:
        owner, told = Owner(), Outcomes()
        near, impostor = TlsRoute(NEAR_SEED, owner), TlsRoute(OTHER_SEED, owner)
        real = key_fingerprint(self_signed_certificate(FAR_SEED))
        near.admit(real, DOOR)
        impostor.admit(near.fingerprint, DOOR)
        listener = await impostor.listen(LOOPBACK)
        near.dial(real, DOOR, listener.address, attempt=told, uniform=never_again)
        assert await told.first(1) == ["tls"]
        assert owner.links == []
        await near.close()
        await impostor.close()

    play(scene())


@pytest.mark.usefixtures("one_barrier")
def test_paired_server_that_is_not_the_one_dialled_is_refused(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (ends, listener):
            told = Outcomes()
            wanted = key_fingerprint(self_signed_certificate(OTHER_SEED))
            ends.near_route.admit(wanted, DOOR)
            ends.near_route.dial(wanted, DOOR, listener.address, attempt=told, uniform=never_again)
            assert await told.first(1) == ["tls"]
            assert ends.near.links == ends.far.links == []

    play(scene())


@pytest.mark.usefixtures("one_barrier")
def test_paired_key_by_the_door_of_another_is_refused(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (ends, listener):
            told = Outcomes()
            ends.far_route.admit(bytes(32), "another")
            ends.near_route.admit(ends.far_route.fingerprint, "another")
            ends.near_route.dial(ends.far_route.fingerprint, "another", listener.address, attempt=told, uniform=never_again)
            assert await told.first(1) == ["tls"]
            assert listener.strangers.failed == 1

    play(scene())


def test_unknown_door_is_refused_before_any_tls(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (ends, listener):
            told = Outcomes()
            ends.near_route.admit(ends.far_route.fingerprint, "unknown")
            ends.near_route.dial(ends.far_route.fingerprint, "unknown", listener.address, attempt=told, uniform=never_again)
            assert await told.first(1) == ["refused"]
            assert listener.strangers.without_door == 1

    play(scene())


def test_peer_admitted_while_running_is_let_in(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (ends, listener):
            newcomer, told = TlsRoute(OTHER_SEED, ends.near), Outcomes()
            newcomer.admit(ends.far_route.fingerprint, "newdoor")
            ends.far_route.admit(newcomer.fingerprint, "newdoor")
            newcomer.dial(ends.far_route.fingerprint, "newdoor", listener.address, attempt=told, uniform=never_again)
            assert await told.first(1) == ["connected"]
            await newcomer.close()

    play(scene())


def test_dismissed_peer_loses_its_links_and_is_not_let_in_again(play: Play) -> None:
    async def scene(ends: TlsEnds) -> None:
        ends.far_route.dismiss(ends.near_route.fingerprint, DOOR)
        await ends.until(lambda: bool(ends.near.ends and ends.far.ends))
        assert ends.far.reasons == ["the peer is no longer paired"]
        ends.dialer.hurry()
        await ends.until(lambda: ends.near.outcomes == ["connected", "refused"])

    play(linked(scene))


def test_dismissing_at_the_dialling_side_ends_the_dialer(play: Play) -> None:
    async def scene(ends: TlsEnds) -> None:
        ends.near_route.dismiss(ends.far_route.fingerprint, DOOR)
        await ends.until(lambda: bool(ends.near.ends and ends.far.ends))
        await asyncio.wait([ends.dialer.task], timeout=PATIENCE_SECONDS)
        assert ends.dialer.task.cancelled()

    play(linked(scene))


def test_links_of_other_peers_stay_when_one_is_dismissed(play: Play) -> None:
    async def scene(ends: TlsEnds) -> None:
        ends.far_route.admit(bytes(32), DOOR)
        ends.far_route.dismiss(bytes(32), DOOR)
        ends.near_link.send([b"still here"])
        await ends.until(lambda: bool(ends.far.frames))

    play(linked(scene))


@pytest.mark.parametrize("fingerprint", [b"", bytes(31), bytes(33)])
def test_fingerprint_of_another_length_is_a_bug_of_the_caller(play: Play, fingerprint: bytes) -> None:
    async def scene() -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            TlsRoute(NEAR_SEED, Owner()).admit(fingerprint, DOOR)

    play(scene())


def test_dialled_peer_that_is_not_admitted_is_refused(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (ends, listener):
            told = Outcomes()
            ends.near_route.dismiss(ends.far_route.fingerprint, DOOR)
            dial(ends.near_route, ends.far_route, listener, told, never_again)
            assert await told.first(1) == ["tls"]
            assert ends.near.links == []

    play(scene())


def test_connection_without_a_judged_key_is_refused(play: Play) -> None:
    """As it would be if a session were resumed after all: the handshake is done, and no certificate was shown."""

    async def scene() -> None:
        async with listening() as (ends, listener):
            told = Outcomes()
            ends.far_route._gate.context(DOOR).set_verify(SSL.VERIFY_NONE)
            dial(ends.near_route, ends.far_route, listener, told, never_again)
            assert await told.first(1) == ["tls"]
            assert (listener.strangers.failed, ends.far.links) == (1, [])

    play(scene())


# No weaker handshake.


def test_tls_1_2_is_refused(play: Play, tmp_path: Path) -> None:
    async def scene() -> None:
        async with listening() as (ends, listener):
            context = library_context(NEAR_SEED, tmp_path, server=False)
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
                await asyncio.open_connection(listener.address.host, listener.address.port, ssl=context, server_hostname=DOOR)
            assert listener.strangers.failed == 1
            assert ends.far.links == []

    play(scene())


def test_paired_client_without_the_hybrid_group_is_refused(play: Play, tmp_path: Path) -> None:
    async def scene() -> None:
        async with listening() as (ends, listener):
            host, port = listener.address.host, listener.address.port
            context = library_context(NEAR_SEED, tmp_path, server=False)
            reader, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=DOOR)
            assert await Stranger(reader, writer).hear_all() == b""
            assert listener.strangers.failed == 1
            assert ends.far.links == []
            writer.close()

    play(scene())


def test_paired_server_without_the_hybrid_group_is_refused(play: Play, tmp_path: Path) -> None:
    async def scene() -> None:
        async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(WELCOME)
            with suppress(ConnectionError):
                await reader.read()
            writer.close()

        owner, told = Owner(), Outcomes()
        near = TlsRoute(NEAR_SEED, owner)
        peer = key_fingerprint(self_signed_certificate(FAR_SEED))
        near.admit(peer, DOOR)
        context = library_context(FAR_SEED, tmp_path, server=True)
        server = await asyncio.start_server(welcome, "127.0.0.1", 0, ssl=context)
        address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
        near.dial(peer, DOOR, address, attempt=told, uniform=never_again)
        assert await told.first(1) == ["tls"]
        assert owner.links == []
        await near.close()
        server.close()

    play(scene())


def test_session_is_never_resumed(play: Play) -> None:
    """A resumed session would show no certificate, so that the pin would not be asked."""

    async def scene() -> None:
        near, far = paired_routes(Owner(), Owner())
        kept: list[SSL.Connection] = []  # OpenSSL gives up the session of a connection that goes away unclosed
        session = None
        for _ in range(2):
            client, server = SSL.Connection(near._gate.context(DOOR)), SSL.Connection(far._gate.context(DOOR))
            judge_client, judge_server = Shown(), Shown()
            kept += [client, server]
            client.set_app_data(judge_client)
            server.set_app_data(judge_server)
            client.set_connect_state()
            server.set_accept_state()
            if session is not None:
                client.set_session(session)
            shake_hands(client, server)
            assert judge_client.shown == far.fingerprint
            assert judge_server.shown == near.fingerprint
            session = client.get_session()

    play(scene())


class Shown:
    shown = b""

    def accepts(self, fingerprint: bytes) -> bool:
        return True


def shake_hands(client: SSL.Connection, server: SSL.Connection) -> None:
    for _ in range(3):
        for end, other in ((client, server), (server, client)):
            with suppress(SSL.WantReadError):
                end.do_handshake()
                end.recv(1)
            with suppress(SSL.WantReadError):
                other.bio_write(end.bio_read(65_536))
    assert client.get_group_name() == server.get_group_name() == "X25519MLKEM768"


def test_dialer_that_speaks_before_it_is_let_in_is_refused(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (ends, listener):
            client = SSL.Connection(ends.near_route._gate.context(DOOR))
            client.set_app_data(Shown())
            client.set_connect_state()
            client.set_tlsext_host_name(DOOR.encode())
            async with stranger(listener.address) as end:
                with pytest.raises(SSL.WantReadError):
                    client.do_handshake()
                end.say(client.bio_read(65_536))
                while client.get_group_name() is None or not client.get_finished():
                    client.bio_write(await end.hear_something())
                    try:
                        client.do_handshake()
                    except SSL.WantReadError:
                        continue
                client.send(b"\x00\x00\x00\x01x")
                end.say(client.bio_read(65_536))
                await end.hear_all()
            assert listener.strangers.failed == 1
            assert ends.far.links == []

    play(scene())


def test_listener_of_another_version_is_refused(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        async with listening() as (ends, listener):
            told = Outcomes()
            monkeypatch.setattr("watchline.routes.listener.WELCOME", b"\x02")
            dial(ends.near_route, ends.far_route, listener, told, never_again)
            assert await told.first(1) == ["tls"]
            assert ends.near.links == []

    play(scene())


# Links.


class Greeting(Owner):
    def opened(self, link: Link) -> None:
        super().opened(link)
        link.send([b"hello"])


class Unwilling(Owner):
    def opened(self, link: Link) -> None:
        super().opened(link)
        link.close()


def test_link_closed_when_it_opens_receives_nothing(play: Play) -> None:
    async def scene() -> None:
        changed = asyncio.Event()
        near, far = Unwilling(changed), Greeting(changed)
        near_route, far_route = paired_routes(near, far)
        dial(near_route, far_route, await far_route.listen(LOOPBACK), near.attempt)
        await near.until(lambda: bool(near.ends and far.ends))
        assert (near.frames, near.reasons) == ([], ["closed here"])
        await near_route.close()
        await far_route.close()

    play(scene())


@pytest.mark.slow
def test_single_bytes_arrive_as_whole_frames(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (ends, listener), byte_by_byte(listener.address) as proxy:
            dialer = ends.near_route.dial(
                ends.far_route.fingerprint, DOOR, proxy, attempt=ends.near.attempt, uniform=never_again
            )
            await ends.until(lambda: bool(ends.near.links and ends.far.links))
            frames = [bytes([number]) * (number + 1) for number in range(40)]
            ends.near.links[0].send(frames)
            ends.far.links[0].send(frames)
            await ends.until(lambda: ends.near.frames == ends.far.frames == frames)
            dialer.close()
            await ends.until(lambda: bool(ends.near.ends and ends.far.ends))

    play(scene())


@pytest.mark.parametrize("length", [0, FRAME_BYTES_MAX + 1, 2**32 - 1])
def test_peer_that_announces_a_frame_out_of_bounds_is_closed_with_a_reason(play: Play, length: int) -> None:
    async def scene(ends: TlsEnds) -> None:
        assert isinstance(ends.near_link, Connection)
        ends.near_link._seal(length.to_bytes(4, "big"))
        await ends.until(lambda: bool(ends.near.ends and ends.far.ends))
        assert ends.far.reasons == [f"a frame has 1 to 131072 bytes, not {length}"]
        assert ends.near.reasons == ["closed by the peer"]

    play(linked(scene))


def test_broken_record_closes_the_link(play: Play) -> None:
    async def scene(ends: TlsEnds) -> None:
        assert isinstance(ends.near_link, Connection)
        ends.near_link._transport.write(b"\x17\x03\x03\x00\x20" + bytes(32))
        await ends.until(lambda: bool(ends.near.ends and ends.far.ends))
        assert ends.far.reasons == ["the peer broke TLS"]

    play(linked(scene))


def test_many_frames_of_one_read_are_handed_over_in_bounded_portions(play: Play) -> None:
    async def scene(ends: TlsEnds) -> None:
        frames = [number.to_bytes(4, "big") for number in range(10 * FRAMES_AT_ONCE)]
        ends.near_link.send(frames)
        await ends.until(lambda: len(ends.far.frames) == len(frames))
        assert ends.far.frames == frames
        assert max(map(len, ends.far.reads)) == FRAMES_AT_ONCE
        ends.near_link.send([b"one more"])
        await ends.until(lambda: ends.far.frames[-1] == b"one more")

    play(linked(scene))


def test_many_frames_of_one_read_arrive_before_the_close_that_follows_them(play: Play) -> None:
    async def scene(ends: TlsEnds) -> None:
        frames = [number.to_bytes(4, "big") for number in range(10 * FRAMES_AT_ONCE)]
        ends.near_link.send(frames)
        ends.near_link.close()
        await ends.until(lambda: bool(ends.far.ends))
        assert ends.far.frames == frames

    play(linked(scene))


def test_link_closed_while_frames_wait_receives_no_more(play: Play) -> None:
    async def scene(ends: TlsEnds) -> None:
        ends.near_link.send([b"frame"] * (10 * FRAMES_AT_ONCE))
        await ends.until(lambda: bool(ends.far.frames))
        assert isinstance(ends.far_link, Connection)
        ends.far_link.close()
        received = len(ends.far.frames)
        assert 0 < received < 10 * FRAMES_AT_ONCE
        ends.far_link._hand_over()  # as the event loop will
        assert len(ends.far.frames) == received

    play(linked(scene))


def test_lost_connection_is_told_as_lost(play: Play) -> None:
    async def scene(ends: TlsEnds) -> None:
        assert isinstance(ends.near_link, Connection)
        ends.near_link._transport.abort()
        await ends.until(lambda: bool(ends.near.ends and ends.far.ends))
        assert ends.near.reasons == ends.far.reasons == ["the connection was lost"]

    play(linked(scene))


def test_both_sides_dialling_at_once_gives_two_links(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        near_listener = await ends.near_route.listen(LOOPBACK)
        far_listener = await ends.far_route.listen(LOOPBACK)
        dial(ends.near_route, ends.far_route, far_listener, ends.near.attempt)
        dial(ends.far_route, ends.near_route, near_listener, ends.far.attempt)
        await ends.until(lambda: len(ends.near.links) == len(ends.far.links) == 2)
        for owner in (ends.near, ends.far):
            assert {link.outbound for link in owner.links} == {True, False}
            for link in owner.links:
                link.send([b"over each"])
        await ends.until(lambda: len(ends.near.frames) == len(ends.far.frames) == 2)
        await ends.close()

    play(scene())


def test_half_open_connections_are_noticed_by_the_system(play: Play) -> None:
    async def scene(ends: TlsEnds) -> None:
        for link in (ends.near_link, ends.far_link):
            assert isinstance(link, Connection)
            connected = link._transport.get_extra_info("socket")
            assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000

    play(linked(scene))


def test_closing_the_route_tells_every_owner(play: Play) -> None:
    async def scene(ends: TlsEnds) -> None:
        await ends.near_route.close()
        assert ends.near.reasons == ["closed here"]
        await ends.until(lambda: bool(ends.far.ends))

    play(linked(scene))


# Listening.


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_listens_on_ipv4_names_and_ipv6(play: Play, host: str) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        listener = await ends.far_route.listen(Address(host, 0))
        dial(ends.near_route, ends.far_route, listener, ends.near.attempt)
        await ends.until(lambda: bool(ends.near.links and ends.far.links))
        await ends.close()

    play(scene())


def test_port_in_use_is_a_clear_error(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (ends, listener):
            with pytest.raises(RouteError, match="the port is in use") as refused:
                await ends.near_route.listen(listener.address)
            assert refused.value.facts["address"] == str(listener.address)
            assert isinstance(refused.value.facts["errno"], int)
            assert "another port" in refused.value.hint

    play(scene())


@pytest.mark.parametrize(("host", "problem"), [("nowhere.invalid", "unknown"), ("192.0.2.1", "no such address")])
def test_host_that_is_not_ours_is_a_clear_error(play: Play, host: str, problem: str) -> None:
    async def scene() -> None:
        with pytest.raises(RouteError, match=problem):
            await TlsRoute(NEAR_SEED, Owner()).listen(Address(host, 0))

    play(scene())


def test_port_is_free_once_its_listener_is_closed_and_links_stay(play: Play) -> None:
    async def scene() -> None:
        async with listening() as (ends, listener):
            dial(ends.near_route, ends.far_route, listener, ends.near.attempt)
            await ends.until(lambda: bool(ends.near.links and ends.far.links))
            listener.close()
            await asyncio.sleep(0)
            again = await ends.far_route.listen(listener.address)
            ends.near.links[0].send([b"still here"])
            await ends.until(lambda: bool(ends.far.frames))
            again.close()

    play(scene())
