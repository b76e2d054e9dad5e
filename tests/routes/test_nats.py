"""The route through a relay: what holds when the relay dies, hangs, refuses, or lies."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.routes.certificates import make_certificates
from tests.routes.conftest import Play
from tests.routes.ends import FAR, NEAR, Owner, at_once, join
from tests.routes.hostile_server import HostileServer, frame_message
from tests.routes.nats_server import NatsServer
from tests.routes.test_nkey import SEED
from watchline.core.keys import Ed25519Key
from watchline.core.limits import FRAME_BYTES_MAX
from watchline.routes import Link, is_relay
from watchline.routes.nats import WINDOW_FRAMES, sequence_of
from watchline.routes.nats_client import BUFFERED_BYTES_MAX, RelayRefuses, read_answer
from watchline.routes.nkey import UserKey
from watchline.routes.relays import Boxes, RelayAccess, server_permissions

pytestmark = pytest.mark.slow

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    made = NatsServer(tmp_path / "relay")
    made.start()
    yield made
    made.kill()


def new_boxes() -> Boxes:
    return Boxes(os.urandom(16).hex(), os.urandom(16).hex())


def turned(boxes: Boxes) -> Boxes:
    return Boxes(boxes.takes, boxes.sends)


async def until_taken(owner: Owner, link: Link) -> None:
    """Come back once the relay keeps all that was sent."""
    done: list[bool] = []

    def took() -> None:
        done.append(True)
        owner.changed.set()

    assert is_relay(link)
    link.when_taken(took)
    await owner.until(lambda: bool(done))


def test_frames_wait_at_the_relay_for_an_end_that_is_not_there_and_are_not_live(play: Play, relay: NatsServer) -> None:
    async def scene() -> None:
        boxes, near, far = new_boxes(), Owner(), Owner()
        sender = join(relay.address, near, FAR, boxes)
        await near.until(lambda: bool(near.links))
        link = near.links[0]
        link.send([b"first", b"second"])
        await until_taken(near, link)
        receiver = join(relay.address, far, NEAR, turned(boxes))
        await far.until(lambda: len(far.frames) == 2)
        waited = far.links[0]
        assert is_relay(waited)
        assert (far.frames, waited.is_live) == ([b"first", b"second"], False)
        link.send([b"third"])
        await far.until(lambda: len(far.frames) == 3)
        assert waited.is_live
        await sender.close()
        await receiver.close()

    play(scene())


@pytest.mark.slow
def test_frames_that_the_owner_did_not_take_come_again(play: Play, relay: NatsServer) -> None:
    class Failing(Owner):
        def received(self, link: object, frames: list[bytes]) -> None:
            self.links[-1].close()  # as a desk whose disk failed: nothing is acknowledged
            self.reads.append(frames)
            self.changed.set()

    async def scene() -> None:
        boxes, near, failing, far = new_boxes(), Owner(), Failing(), Owner()
        sender = join(relay.address, near, FAR, boxes)
        first = join(relay.address, failing, NEAR, turned(boxes))
        await near.until(lambda: bool(near.links))
        await failing.until(lambda: bool(failing.links))
        near.links[0].send([b"kept"])
        await failing.until(lambda: bool(failing.ends))
        assert failing.frames == [b"kept"]
        await first.close()
        second = join(relay.address, far, NEAR, turned(boxes))
        async with asyncio.timeout(30):  # the relay gives the first end its time to acknowledge
            while not far.frames:
                far.changed.clear()
                await far.changed.wait()
        assert far.frames == [b"kept"]
        await sender.close()
        await second.close()

    play(scene())


def test_what_a_relay_acknowledged_survives_its_being_killed(play: Play, server: NatsServer) -> None:
    async def scene() -> None:
        boxes, near, far = new_boxes(), Owner(), Owner()
        sender = join(server.address, near, FAR, boxes, uniform=lambda low, high: 0.05)
        await near.until(lambda: bool(near.links))
        frames = [bytes([number]) * 1_000 for number in range(1, 100)]
        link = near.links[0]
        link.send(frames)
        await until_taken(near, link)
        server.kill()
        await near.until(lambda: bool(near.ends))
        assert near.reasons == ["the connection to the relay was lost"]
        await near.until(lambda: "refused" in near.outcomes)
        server.start()
        await near.until(lambda: len(near.links) == 2)
        receiver = join(server.address, far, NEAR, turned(boxes))
        await far.until(lambda: len(far.frames) == len(frames))
        assert far.frames == frames
        await sender.close()
        await receiver.close()

    play(scene())


def test_relay_that_answers_nothing_any_more_ends_the_link_in_time(play: Play, server: NatsServer) -> None:
    async def scene() -> None:
        near = Owner()
        sender = join(server.address, near, FAR, new_boxes(), answer_seconds=3.0)
        await near.until(lambda: bool(near.links))
        server.pause()
        near.links[0].send([b"unheard"])
        await near.until(lambda: bool(near.ends))
        assert near.reasons == ["the relay does not answer"]
        server.go_on()
        await sender.close()

    play(scene())


def test_relay_that_hangs_before_its_first_word_is_a_timeout(play: Play, server: NatsServer) -> None:
    async def scene() -> None:
        near = Owner()
        server.pause()
        sender = join(server.address, near, FAR, new_boxes(), answer_seconds=0.3)
        await near.until(lambda: bool(near.outcomes))
        assert (near.outcomes, near.links) == (["timeout"], [])
        server.go_on()
        await sender.close()

    play(scene())


def test_relay_that_is_not_there_is_refused_and_tried_again(play: Play, server: NatsServer) -> None:
    async def scene() -> None:
        near = Owner()
        server.kill()
        sender = join(server.address, near, FAR, new_boxes(), uniform=at_once)
        await near.until(lambda: len(near.outcomes) == 3)
        assert set(near.outcomes) == {"refused"}
        await sender.close()

    play(scene())


def test_name_that_nobody_has_is_unreachable(play: Play) -> None:
    async def scene() -> None:
        near = Owner()
        sender = join("nats://relay.invalid:4222", near, FAR, new_boxes())
        await near.until(lambda: bool(near.outcomes))
        assert near.outcomes == ["unreachable"]
        await sender.close()

    play(scene())


# Who is let in.


def test_relay_without_jetstream_is_refused(play: Play, tmp_path: Path) -> None:
    plain = NatsServer(tmp_path / "plain", jetstream=False)
    plain.start()

    async def scene() -> None:
        near = Owner()
        sender = join(plain.address, near, FAR, new_boxes())
        await near.until(lambda: bool(near.outcomes))
        assert (near.outcomes, near.links) == (["refused"], [])
        await sender.close()

    try:
        play(scene())
    finally:
        plain.kill()


def test_desks_with_permissions_for_their_boxes_alone_reach_each_other_and_nothing_else(play: Play, tmp_path: Path) -> None:
    boxes, strange = new_boxes(), new_boxes()
    near_may, far_may = server_permissions([boxes]), server_permissions([turned(boxes)])
    users = f"""authorization {{ users = [
        {{ user: near, password: near-secret, permissions: {near_may} }}
        {{ user: far, password: far-secret, permissions: {far_may} }}
    ] }}"""
    guarded = NatsServer(tmp_path / "guarded", users)
    guarded.start()

    async def scene() -> None:
        near, far, stranger, wrong = Owner(), Owner(), Owner(), Owner()
        known, other = RelayAccess("near", "near-secret"), RelayAccess("far", "far-secret")
        joiners = [
            join(guarded.address, near, FAR, boxes, access=known),
            join(guarded.address, far, NEAR, turned(boxes), access=other),
            join(guarded.address, stranger, FAR, strange, access=known),
            join(guarded.address, wrong, FAR, boxes, access=RelayAccess("near", "guessed")),
            join(guarded.address, wrong, FAR, boxes),
        ]
        await stranger.until(lambda: bool(stranger.outcomes))
        await wrong.until(lambda: len(wrong.outcomes) == 2)
        assert (stranger.outcomes, wrong.outcomes) == (["refused"], ["refused", "refused"])
        await near.until(lambda: bool(near.links))
        await far.until(lambda: bool(far.links))
        near.links[0].send([b"there"])
        far.links[0].send([b"back"])
        await near.until(lambda: near.frames == [b"back"])
        await far.until(lambda: far.frames == [b"there"])
        for joiner in joiners:
            await joiner.close()

    try:
        play(scene())
    finally:
        guarded.kill()


def test_relay_shows_a_certificate_that_we_trust_or_is_not_used(play: Play, tmp_path: Path) -> None:
    ca, certificate, key = make_certificates(tmp_path)
    stranger_ca, _, _ = make_certificates(tmp_path / "stranger")
    tls = f'tls {{ cert_file: "{certificate}", key_file: "{key}", handshake_first: true }}'
    sealed = NatsServer(tmp_path / "sealed", tls)
    sealed.start()

    async def scene() -> None:
        near, wrong, system = Owner(), Owner(), Owner()
        address = sealed.address.replace("nats://", "tls://")
        joiners = [
            join(address, near, FAR, new_boxes(), access=RelayAccess(ca=ca)),
            join(address, wrong, FAR, new_boxes(), access=RelayAccess(ca=stranger_ca)),
            join(address, system, FAR, new_boxes()),
        ]
        for owner in (near, wrong, system):
            await owner.until(lambda owner=owner: bool(owner.outcomes))  # type: ignore[misc]
        assert (near.outcomes, wrong.outcomes, system.outcomes) == (["connected"], ["tls"], ["tls"])
        for joiner in joiners:
            await joiner.close()

    try:
        play(scene())
    finally:
        sealed.kill()


def test_file_of_certificates_that_is_none_is_tls_and_tried_again(play: Play, relay: NatsServer, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")

    async def scene() -> None:
        near = Owner()
        address = relay.address.replace("nats://", "tls://")
        sender = join(address, near, FAR, new_boxes(), access=RelayAccess(ca=tmp_path / "ca.pem"), uniform=at_once)
        await near.until(lambda: len(near.outcomes) == 2)
        assert near.outcomes == ["tls", "tls"]
        await sender.close()

    play(scene())


def test_desk_is_let_in_by_its_nkey_and_nobody_by_another_one(play: Play, tmp_path: Path) -> None:
    boxes = new_boxes()
    known = UserKey.read(SEED)
    other = UserKey(known.public, Ed25519Key(bytes(32)))
    users = f"authorization {{ users = [ {{ nkey: {known.public}, permissions: {server_permissions([boxes])} }} ] }}"
    guarded = NatsServer(tmp_path / "guarded", users)
    guarded.start()

    async def scene() -> None:
        near, wrong = Owner(), Owner()
        joiners = [
            join(guarded.address, near, FAR, boxes, access=RelayAccess(nkey=known)),
            join(guarded.address, wrong, FAR, boxes, access=RelayAccess(nkey=other)),
        ]
        await wrong.until(lambda: bool(wrong.outcomes))
        await near.until(lambda: bool(near.links))
        assert (near.outcomes, wrong.outcomes[0]) == (["connected"], "refused")
        for joiner in joiners:
            await joiner.close()

    try:
        play(scene())
    finally:
        guarded.kill()


def test_password_is_never_said_to_a_relay_that_speaks_in_the_clear_where_tls_was_asked_for(play: Play) -> None:
    async def scene() -> None:
        near, hostile = Owner(), HostileServer()
        address = (await hostile.open()).replace("nats://", "tls://")
        access = RelayAccess("desk", "the password")
        sender = join(address, near, FAR, new_boxes(), access=access, answer_seconds=0.5)
        await near.until(lambda: bool(near.outcomes))
        assert near.outcomes[0] in ("tls", "timeout", "refused")
        assert b"password" not in hostile.heard
        assert "the password" not in repr(access)
        await sender.close()
        await hostile.close()

    play(scene())


def test_configuration_for_operators_is_one_by_which_a_desk_is_let_in(play: Play, tmp_path: Path) -> None:
    """The block of docs/operations.md, with files and a user of this test in their places."""
    text = OPERATIONS.read_text()
    block = text[text.index('   listen: "0.0.0.0:4222"') :]
    block = block[: block.index("   ```")].replace('   listen: "0.0.0.0:4222"\n', "")
    ca, certificate, key = make_certificates(tmp_path)
    boxes = new_boxes()
    for shown, here in {
        "/etc/nats/relay.pem": str(certificate),
        "/etc/nats/relay.key": str(key),
        "/var/lib/nats": str(tmp_path / "store"),
        "$2a$11$...": "a secret",
        "{ ... }": server_permissions([boxes]),
    }.items():
        assert shown in block
        block = block.replace(shown, here)
    shown_server = NatsServer(tmp_path / "shown", block, jetstream=False)
    shown_server.start()

    async def scene() -> None:
        near = Owner()
        address = shown_server.address.replace("nats://", "tls://")
        sender = join(address, near, FAR, boxes, access=RelayAccess("tokyo", "a secret", ca))
        await near.until(lambda: bool(near.outcomes))
        assert near.outcomes == ["connected"]
        link = near.links[0]
        link.send([bytes(FRAME_BYTES_MAX)])
        await until_taken(near, link)
        await sender.close()

    try:
        play(scene())
    finally:
        shown_server.kill()


# A server that is an enemy.


@pytest.mark.parametrize(
    "greeting",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"INFO {\r\n",
        b"INFO []\r\n",
        b'INFO {"max_payload": "much", "headers": 7}\r\n',
        b'INFO {"connect_urls": ["127.0.0.1:1", 7], "tls_required": true}\r\n',
        b"INFO " + b"[" * 100_000 + b"\r\n",
        b"INFO " + b"x" * 1_000_000,
        b"-ERR 'no'\r\n",
        os.urandom(1_000),
    ],
    ids=range(10),
)
def test_server_with_any_greeting_is_no_relay_in_bounded_time(play: Play, greeting: bytes) -> None:
    async def scene() -> None:
        near, hostile = Owner(), HostileServer(greeting)
        sender = join(await hostile.open(), near, FAR, new_boxes(), answer_seconds=0.5)
        await near.until(lambda: bool(near.outcomes))
        assert near.outcomes[0] in ("refused", "timeout", "tls") or greeting.startswith(b'INFO {"max')
        await sender.close()
        await hostile.close()

    play(scene())


@pytest.mark.parametrize(
    "said",
    [
        b"MSG box.frames 2 99999999999\r\n" + bytes(4 * BUFFERED_BYTES_MAX),
        b"HMSG box.frames 2 12 99999999999\r\n" + bytes(4 * BUFFERED_BYTES_MAX),
        b"MSG " + b"x" * (4 * BUFFERED_BYTES_MAX),
        b"INFO " + b"x" * (4 * BUFFERED_BYTES_MAX),
        b"nonsense\r\n",
    ],
    ids=["message", "headers", "head", "info", "nonsense"],
)
def test_server_that_announces_more_than_a_frame_is_left(play: Play, said: bytes) -> None:
    async def scene() -> None:
        near, hostile = Owner(), HostileServer(joined=lambda sid: said)
        sender = join(await hostile.open(), near, FAR, new_boxes(), answer_seconds=2.0)
        await near.until(lambda: bool(near.ends or near.outcomes not in ([], ["connected"])))
        assert near.frames == []
        await sender.close()
        await hostile.close()

    play(scene())


def test_server_that_sends_more_at_once_than_the_window_is_not_kept(play: Play) -> None:
    async def scene() -> None:
        flood = 50 * WINDOW_FRAMES
        near = Owner()
        hostile = HostileServer(
            joined=lambda sid: b"".join(frame_message(sid, b"%d" % number, number) for number in range(flood)) + b"PING\r\n"
        )
        sender = join(await hostile.open(), near, FAR, new_boxes())
        await near.until(lambda: bool(near.links))
        near.links[0].send([b"and now?"])
        await near.until(lambda: bool(near.reads))
        assert max(map(len, near.reads)) <= 2 * WINDOW_FRAMES
        await sender.close()
        await hostile.close()

    play(scene())


def test_frames_out_of_bounds_never_reach_the_owner(play: Play) -> None:
    async def scene() -> None:
        near = Owner()
        hostile = HostileServer(
            joined=lambda sid: (
                frame_message(sid, b"")
                + frame_message(sid, bytes(FRAME_BYTES_MAX + 1))
                + frame_message(sid, bytes(FRAME_BYTES_MAX))
            )
        )
        sender = join(await hostile.open(), near, FAR, new_boxes())
        await near.until(lambda: bool(near.frames))
        assert near.frames == [bytes(FRAME_BYTES_MAX)]
        await sender.close()
        await hostile.close()

    play(scene())


def test_answer_that_is_no_acknowledgement_ends_the_link(play: Play, server: NatsServer) -> None:
    """A box that was taken away: the server answers, and takes nothing."""

    async def scene() -> None:
        import nats

        boxes, near = new_boxes(), Owner()
        sender = join(server.address, near, FAR, boxes)
        await near.until(lambda: bool(near.links))
        operator = await nats.connect(server.address)
        await operator.jetstream().delete_stream(f"watchline-{boxes.sends}")
        await operator.close()
        near.links[0].send([b"into nothing"])
        await near.until(lambda: bool(near.ends))
        assert near.reasons[0] in ("the relay does not take what is sent", "the relay does not answer")
        await sender.close()

    play(scene())


@given(
    st.binary() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
@example(b"[" * 60_000)
@example(b'{"error": 7}')
@example(b'{"error": {"err_code": "x"}}')
def test_any_bytes_are_an_answer_or_refused(data: bytes) -> None:
    try:
        answer = read_answer(data)
    except RelayRefuses:
        return
    assert answer.error is None or type(answer.error) is int


@given(st.text())
def test_any_subject_gives_a_number_or_none(reply: str) -> None:
    assert sequence_of(reply) >= 0


@pytest.mark.parametrize(
    ("reply", "number"),
    [
        ("$JS.ACK.watchline-x.desk.1.77.3.1.0", 77),
        ("$JS.ACK.hub.account.watchline-x.desk.1.77.3.1.0.random", 77),
        ("$JS.ACK.watchline-x.desk.1.minus.3.1.0", 0),
        ("$JS.ACK.watchline-x.desk.1." + "9" * 40 + ".3.1.0", 0),
        ("", 0),
    ],
)
def test_number_of_a_frame_in_its_box_is_read_or_is_none(reply: str, number: int) -> None:
    assert sequence_of(reply) == number
