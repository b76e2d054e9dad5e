"""A key that is new to the other end is let in by an introduction that the owner there accepts, and by no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from tests.routes.conftest import Play
from tests.routes.ends import (
    DOOR,
    FAR,
    FAR_SEED,
    INTRODUCTION,
    LOOPBACK,
    NEAR,
    NEAR_SEED,
    NEW_FAR,
    NEW_FAR_SEED,
    NEW_NEAR,
    NEW_NEAR_SEED,
    OTHER_SEED,
    Owner,
    TlsEnds,
    at_once,
    in_place_of,
    never_again,
)
from tests.routes.strangers import Impostor, byte_by_byte
from watchline.errors import Malformed
from watchline.routes import Address
from watchline.routes.certificate import INTRODUCTION_BYTES_MAX, key_fingerprint, read_introduction, self_signed_certificate
from watchline.routes.connection import INTRODUCTIONS_PER_SECOND, WELCOME, Connection
from watchline.routes.tls import TlsDialer, TlsListener, TlsRoute

OTHER = key_fingerprint(self_signed_certificate(OTHER_SEED))


@asynccontextmanager
async def listening(ends: TlsEnds) -> AsyncIterator[TlsListener]:
    """The far end listens, and nobody has dialled."""
    try:
        yield await ends.far_route.listen(LOOPBACK)
    finally:
        await ends.close()


def dial_far(ends: TlsEnds, address: Address) -> TlsDialer:
    return ends.near_route.dial(FAR, DOOR, address, attempt=ends.near.attempt, uniform=never_again)


def der(tag: int, content: bytes) -> bytes:
    size = (len(content).bit_length() + 7) // 8
    return (
        bytes([tag]) + (b"" if len(content) < 128 else bytes([0x80 + size])) + len(content).to_bytes(size or 1, "big") + content
    )


INTRODUCTION_OID_DER = bytes.fromhex("061369d8d7a0c1e0dbbaa5bb82a1d6908b8ad8930b")
ED25519_OID_DER = bytes.fromhex("06032b6570")
BASIC_CONSTRAINTS_DER = bytes.fromhex("0603551d13")


def extension(oid_der: bytes, value: bytes) -> bytes:
    return der(0x30, oid_der + der(0x04, value))


def certificate_with(extensions: bytes) -> x509.Certificate:
    """A certificate of the OTHER key that no builder makes. Its signature is made up: nobody looks at it."""
    plain = self_signed_certificate(OTHER_SEED).tbs_certificate_bytes
    assert plain[:2] == b"\x30\x81"
    content = der(0x30, plain[3:] + der(0xA3, der(0x30, extensions)))
    return x509.load_der_x509_certificate(der(0x30, content + der(0x30, ED25519_OID_DER) + der(0x03, bytes(65))))


MALFORMED = {
    "empty": extension(INTRODUCTION_OID_DER, b""),
    "too long": extension(INTRODUCTION_OID_DER, bytes(INTRODUCTION_BYTES_MAX + 1)),
    "twice": extension(INTRODUCTION_OID_DER, INTRODUCTION) * 2,
}


# The certificate.


def test_introduction_is_one_extension_that_is_not_critical_and_holds_its_bytes() -> None:
    certificate = self_signed_certificate(NEW_NEAR_SEED, INTRODUCTION)
    (only,) = certificate.extensions
    assert (only.critical, only.value.public_bytes()) == (False, INTRODUCTION)
    assert certificate.public_bytes(Encoding.DER).count(INTRODUCTION_OID_DER + der(0x04, INTRODUCTION)) == 1
    assert key_fingerprint(certificate) == NEW_NEAR


def test_same_seed_and_introduction_give_the_same_certificate() -> None:
    first, second = (self_signed_certificate(NEW_NEAR_SEED, INTRODUCTION).public_bytes(Encoding.DER) for _ in range(2))
    assert first == second


def test_certificate_without_an_introduction_has_no_extension() -> None:
    certificate = self_signed_certificate(NEW_NEAR_SEED)
    assert list(certificate.extensions) == []
    assert read_introduction(certificate) is None


@pytest.mark.parametrize("size", [0, INTRODUCTION_BYTES_MAX + 1])
def test_introduction_out_of_bounds_is_a_bug_of_the_caller(size: int) -> None:
    with pytest.raises(ValueError, match="an introduction has"):
        self_signed_certificate(NEW_NEAR_SEED, bytes(size))


@given(st.binary(min_size=1, max_size=300) | st.just(bytes(INTRODUCTION_BYTES_MAX)))
def test_any_introduction_is_read_as_it_was_given(introduction: bytes) -> None:
    assert read_introduction(self_signed_certificate(NEW_NEAR_SEED, introduction)) == introduction


@pytest.mark.parametrize("content", [b"\x30\x00", b"?"], ids=["parses", "does not parse"])
def test_introduction_is_read_beside_another_extension_that_is_left_alone(content: bytes) -> None:
    other = extension(BASIC_CONSTRAINTS_DER, content)
    assert read_introduction(certificate_with(other + extension(INTRODUCTION_OID_DER, INTRODUCTION))) == INTRODUCTION
    assert read_introduction(certificate_with(other)) is None


@pytest.mark.parametrize("extensions", MALFORMED.values(), ids=MALFORMED)
def test_malformed_introduction_is_refused_by_rule(extensions: bytes) -> None:
    with pytest.raises(Malformed) as refused:
        read_introduction(certificate_with(extensions))
    assert refused.value.rule == 39


def test_certificate_of_the_first_version_is_refused_by_rule() -> None:
    plain = self_signed_certificate(OTHER_SEED).tbs_certificate_bytes
    content = der(0x30, plain[3:].removeprefix(bytes.fromhex("a003020102")))
    certificate = x509.load_der_x509_certificate(der(0x30, content + der(0x30, ED25519_OID_DER) + der(0x03, bytes(65))))
    with pytest.raises(Malformed, match="does not parse"):
        read_introduction(certificate)


@given(st.data())
def test_damaged_extensions_are_no_certificate_or_refused_or_an_introduction_within_bounds(data: st.DataObject) -> None:
    extensions = bytearray(extension(INTRODUCTION_OID_DER, INTRODUCTION) + extension(BASIC_CONSTRAINTS_DER, b"\x30\x00"))
    for place in data.draw(st.lists(st.integers(0, len(extensions) - 1), min_size=1, max_size=4)):
        extensions[place] = data.draw(st.integers(0, 255))
    cut = bytes(extensions[: data.draw(st.integers(1, len(extensions)))])
    try:
        certificate = certificate_with(cut)
    except ValueError:
        return
    try:
        introduction = read_introduction(certificate)
    except Malformed:
        return
    assert introduction is None or 1 <= len(introduction) <= INTRODUCTION_BYTES_MAX


# Who is let in.


def test_longest_introductions_of_both_ends_fit_the_handshake(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds(introducing=("near", "far"))
        longest = bytes(INTRODUCTION_BYTES_MAX)
        ends.near_route.introduce(DOOR, longest)
        ends.far_route.introduce(DOOR, longest)
        await ends.open()
        assert ends.near.questions == [(DOOR, NEW_FAR, longest)]
        assert ends.far.questions == [(DOOR, NEW_NEAR, longest)]
        assert ends.near.outcomes == ["connected"]
        await ends.close()

    play(scene())


@pytest.mark.parametrize("end", ["near", "far"])
def test_new_key_without_an_introduction_is_refused_and_nobody_is_asked(play: Play, end: str) -> None:
    async def scene() -> None:
        ends = TlsEnds(introducing=("near",) if end == "near" else ("far",))
        (ends.near_route if end == "near" else ends.far_route).introduce(DOOR, None)
        await ends.open()
        assert ends.near.outcomes == ["tls"]
        assert ends.near.questions == ends.far.questions == []
        assert ends.near.links == ends.far.links == []
        await ends.close()

    play(scene())


def test_refused_introduction_is_counted_as_a_stranger(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds(introducing=("near",), refusing=("far",))
        async with listening(ends) as listener:
            dial_far(ends, listener.address)
            await ends.until(lambda: ends.near.outcomes == ["tls"])
            assert (listener.strangers.failed, listener.pending) == (1, 0)

    play(scene())


def test_admitted_keys_are_never_asked_about_even_if_they_show_an_introduction(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        ends.near_route.introduce(DOOR, INTRODUCTION)
        ends.far_route.introduce(DOOR, INTRODUCTION)
        await ends.open()
        assert ends.near.outcomes == ["connected"]
        assert ends.near.questions == ends.far.questions == []
        await ends.close()

    play(scene())


def test_admitted_key_with_a_malformed_introduction_is_let_in_by_its_key(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        ends.far_route.admit(OTHER, DOOR)
        async with listening(ends) as listener:
            peer = Impostor(certificate_with(MALFORMED["twice"]), OTHER_SEED)
            knocking = asyncio.ensure_future(peer.knock(listener.address))
            await ends.until(lambda: [link.peer for link in ends.far.links] == [OTHER])
            ends.far.links[0].close()
            await knocking
            assert ends.far.questions == []

    play(scene())


@pytest.mark.slow
def test_key_admitted_during_its_handshake_is_let_in_and_nobody_is_asked(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        async with listening(ends) as listener, byte_by_byte(listener.address) as proxy:
            newcomer = Impostor(self_signed_certificate(NEW_NEAR_SEED, INTRODUCTION), NEW_NEAR_SEED)
            knocking = asyncio.ensure_future(newcomer.knock(proxy))
            for _ in range(100_000):  # the rest of its flight comes byte by byte, over hundreds of turns of the loop
                if NEW_NEAR in [connection.shown for connection in ends.far_route._gate.connections]:
                    break
                await asyncio.sleep(0)
            assert ends.far.links == []
            ends.far_route.admit(NEW_NEAR, DOOR)
            await ends.until(lambda: [link.peer for link in ends.far.links] == [NEW_NEAR])
            ends.far.links[0].close()
            await knocking
            assert ends.far.questions == []

    play(scene())


def test_owner_that_says_yes_without_admitting_lets_nobody_in(play: Play) -> None:
    async def scene(introducing: TlsEnds) -> None:
        introducing.near.lets_in = introducing.far.lets_in = lambda door, fingerprint: True
        await introducing.open()
        assert introducing.near.outcomes == ["tls"]
        assert len(introducing.near.questions + introducing.far.questions) == 1
        assert introducing.near.links == introducing.far.links == []
        assert introducing.dialer.peer == FAR
        await introducing.close()

    async def scenes() -> None:
        await scene(TlsEnds(introducing=("near",)))
        await scene(TlsEnds(introducing=("far",)))

    play(scenes())


def test_owner_is_asked_by_a_dialler_about_an_admitted_key_other_than_the_one_dialled(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds(introducing=("far",))
        ends.near_route.admit(NEW_FAR, DOOR)
        await ends.open()
        assert ends.near.questions == [(DOOR, NEW_FAR, INTRODUCTION)]
        assert ends.near.outcomes == ["connected"]
        await ends.close()

    play(scene())


# Strangers.


def test_stranger_with_a_copied_introduction_is_asked_about_by_his_own_fingerprint(play: Play) -> None:
    """He can show it under no key but his own; the owner, whose check binds the fingerprint, says no."""

    async def scene() -> None:
        ends = TlsEnds()
        ends.near.lets_in = ends.far.lets_in = lambda door, fingerprint: False
        thief = Impostor(self_signed_certificate(OTHER_SEED, INTRODUCTION), OTHER_SEED)
        async with listening(ends) as listener, thief.listening() as address:
            await thief.knock(listener.address)
            assert ends.far.questions == [(DOOR, OTHER, INTRODUCTION)]
            dial_far(ends, address)
            await ends.until(lambda: ends.near.outcomes == ["tls"])
            assert ends.near.questions == [(DOOR, OTHER, INTRODUCTION)]
            assert ends.near.links == ends.far.links == []
            assert thief.heard == b""

    play(scene())


def test_copied_certificate_without_its_private_key_never_reaches_the_owner(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        copied = self_signed_certificate(OTHER_SEED, INTRODUCTION)
        as_near = Impostor(copied, OTHER_SEED, holder=NEW_NEAR_SEED)
        as_far = Impostor(copied, OTHER_SEED, holder=NEW_FAR_SEED)
        async with listening(ends) as listener, as_far.listening() as address:
            await as_near.knock(listener.address)
            assert listener.strangers.failed == 1
            dial_far(ends, address)
            await ends.until(lambda: ends.near.outcomes == ["tls"])
            assert ends.near.questions == ends.far.questions == []
            assert ends.near.links == ends.far.links == []

    play(scene())


def test_copied_certificate_is_what_the_owner_would_be_asked_about_if_it_were_proved(play: Play) -> None:
    """The same as above with the private key, so that it is this key's absence that counts there."""

    async def scene() -> None:
        ends = TlsEnds()
        genuine = Impostor(self_signed_certificate(NEW_NEAR_SEED, INTRODUCTION), NEW_NEAR_SEED, holder=NEW_NEAR_SEED)
        async with listening(ends) as listener:
            knocking = asyncio.ensure_future(genuine.knock(listener.address))
            await ends.until(lambda: [link.peer for link in ends.far.links] == [NEW_NEAR])
            ends.far.links[0].close()
            await knocking

    play(scene())


@pytest.mark.parametrize("extensions", MALFORMED.values(), ids=MALFORMED)
def test_malformed_introduction_fails_the_handshake_and_is_counted(play: Play, extensions: bytes) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        someone = Impostor(certificate_with(extensions), OTHER_SEED)
        async with listening(ends) as listener, someone.listening() as address:
            await someone.knock(listener.address)
            assert (listener.strangers.failed, listener.pending) == (1, 0)
            dial_far(ends, address)
            await ends.until(lambda: ends.near.outcomes == ["tls"])
            assert ends.near.questions == ends.far.questions == []

    play(scene())


def test_refused_listener_never_sees_the_certificate_of_who_dialled(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds(introducing=("near",))
        ends.near.lets_in = lambda door, fingerprint: False
        impostor = Impostor(self_signed_certificate(OTHER_SEED, INTRODUCTION), OTHER_SEED)
        accepted = Impostor(self_signed_certificate(FAR_SEED), FAR_SEED)
        async with impostor.listening() as address, accepted.listening() as genuine_address:
            dial_far(ends, address)
            await ends.until(lambda: ends.near.outcomes == ["tls"])
            dial_far(ends, genuine_address)
            await ends.until(lambda: ends.near.outcomes == ["tls", "connected"])
            await ends.close()
        assert impostor.seen == []
        assert {key_fingerprint(certificate) for certificate in accepted.seen} == {NEW_NEAR}

    play(scene())


def test_owner_may_be_asked_four_times_in_any_second_by_each_door() -> None:
    gate = TlsRoute(NEAR_SEED, Owner())._gate
    asked = [gate.may_ask(DOOR, now) for now in (7.0, 7.5, 7.5, 7.75, 7.75, 7.99, 8.0, 8.49, 8.5, 8.5, 8.5)]
    assert asked == [True, True, True, True, False, False, True, False, True, True, False]
    assert gate.may_ask("another", 8.5)


def test_nobody_is_let_in_by_a_door_whose_owner_was_just_asked_too_often(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds(introducing=("near",))
        later = asyncio.get_running_loop().time() + 3600.0  # so that it is not a second ago during the test
        for _ in range(INTRODUCTIONS_PER_SECOND):
            ends.far_route._gate.may_ask(DOOR, later)
        ends.far_route.admit(NEAR, "another")
        ends.near_route.admit(FAR, "another")
        ends.near_route.introduce("another", INTRODUCTION)
        async with listening(ends) as listener:
            dial_far(ends, listener.address)
            await ends.until(lambda: ends.near.outcomes == ["tls"])
            assert (ends.far.questions, listener.strangers.failed) == ([], 1)
            ends.near_route.dial(FAR, "another", listener.address, attempt=ends.near.attempt, uniform=never_again)
            await ends.until(lambda: ends.near.outcomes == ["tls", "connected"])
            assert ends.far.questions == [("another", NEW_NEAR, INTRODUCTION)]

    play(scene())


# Afterwards.


def test_dialler_goes_on_with_the_new_key_and_asks_no_more(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds(introducing=("far",))
        async with listening(ends) as listener:
            dialer = ends.near_route.dial(FAR, DOOR, listener.address, attempt=ends.near.attempt, uniform=at_once)
            for count in (1, 2, 3):
                await ends.until(lambda count=count: len(ends.near.links) == len(ends.far.links) == count)  # type: ignore[misc]
                ends.far.links[-1].close()
            assert dialer.peer == NEW_FAR
            assert {link.peer for link in ends.near.links} == {NEW_FAR}
            assert ends.near.questions == [(DOOR, NEW_FAR, INTRODUCTION)]

    play(scene())


def test_diallers_of_the_old_key_at_other_addresses_end(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds(introducing=("far",))
        async with listening(ends) as listener:
            elsewhere = dial_far(ends, Address("127.0.0.1", 1))
            await ends.until(lambda: ends.near.outcomes == ["refused"])
            dial_far(ends, listener.address)
            await ends.until(lambda: ends.near.outcomes == ["refused", "connected"])
            await asyncio.wait([elsewhere.task])
            assert elsewhere.task.cancelled()

    play(scene())


def test_link_of_the_old_key_ends_when_the_new_one_is_let_in(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        await ends.open()
        renewed = TlsRoute(NEW_NEAR_SEED, ends.near)
        renewed.admit(FAR, DOOR)
        renewed.introduce(DOOR, INTRODUCTION)
        renewed.dial(FAR, DOOR, Address(*address_of(ends)), attempt=ends.near.attempt, uniform=never_again)
        await ends.until(lambda: len(ends.far.links) == 2 and bool(ends.far.ends))
        assert ends.far.ends == [(ends.far_link, "the peer is no longer paired")]
        await renewed.close()
        await ends.close()

    play(scene())


@pytest.mark.parametrize("introduction", [None, INTRODUCTION], ids=["without", "with"])
def test_old_key_that_was_dismissed_cannot_come_back(play: Play, introduction: bytes | None) -> None:
    async def scene() -> None:
        ends = TlsEnds(introducing=("near", "far"))
        await ends.open()
        ends.near.lets_in = ends.far.lets_in = lambda door, fingerprint: False
        old_near = Impostor(self_signed_certificate(NEAR_SEED, introduction), NEAR_SEED)
        old_far = Impostor(self_signed_certificate(FAR_SEED, introduction), FAR_SEED)
        await old_near.knock(Address(*address_of(ends)))
        async with old_far.listening() as address:
            ends.near_route.dial(NEW_FAR, DOOR, address, attempt=ends.near.attempt, uniform=never_again)
            await ends.until(lambda: ends.near.outcomes == ["connected", "tls"])
        assert (len(ends.near.links), len(ends.far.links)) == (1, 1)
        asked = [] if introduction is None else [(DOOR, NEAR, introduction)]
        assert ends.far.questions == [(DOOR, NEW_NEAR, INTRODUCTION), *asked]
        await ends.close()

    play(scene())


def test_dialler_of_a_dismissed_key_asks_nobody(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds(introducing=("far",))
        ends.near_route.dismiss(FAR, DOOR)
        await ends.open()
        assert (ends.near.outcomes, ends.near.questions) == (["tls"], [])
        await ends.close()

    play(scene())


def test_nobody_is_asked_about_a_door_that_was_closed_during_the_handshake(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        newcomer = Impostor(self_signed_certificate(NEW_NEAR_SEED, INTRODUCTION), NEW_NEAR_SEED)
        newcomer.when_shown = lambda: ends.far_route.dismiss(NEAR, DOOR)
        async with listening(ends) as listener:
            await newcomer.knock(listener.address)
            assert newcomer.seen
            assert (ends.far.questions, listener.strangers.failed) == ([], 1)

    play(scene())


def test_dialler_dismissed_while_it_waits_to_be_welcomed_opens_no_link(play: Play) -> None:
    async def scene() -> None:
        ends = TlsEnds()
        slow = Impostor(self_signed_certificate(FAR_SEED), FAR_SEED)
        async with slow.listening(greeting=b"") as address:
            dial_far(ends, address)
            await slow.is_talking.wait()
            (waiting,) = ends.near_route._gate.connections
            (talk,) = slow.talks
            talk.send(WELCOME)
            ends.near_route.dismiss(FAR, DOOR)
            waiting.data_received(talk.bio_read(65_536))
            assert ends.near.links == []
            await ends.close()

    play(scene())


# What goes wrong at the owner.


@pytest.mark.parametrize("end", ["near", "far"])
def test_exception_of_the_owner_is_told_to_the_loop_and_leaves_nothing_open(play: Play, end: str) -> None:
    async def scene() -> None:
        told: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        ends = TlsEnds(introducing=("near",) if end == "near" else ("far",))
        failure = RuntimeError("the owner's bug")

        def fail(door: str, fingerprint: bytes) -> bool:
            raise failure

        ends.near.lets_in = ends.far.lets_in = fail
        async with listening(ends) as listener:
            dialer = dial_far(ends, listener.address)
            await ends.until(lambda: ends.near.outcomes == ["tls"])
            await asyncio.gather(*(connection.lost for connection in connections(ends)))
            assert connections(ends) == []
            assert listener.pending == 0
            assert ends.near.links == ends.far.links == []
            assert [context["exception"] for context in told] == [failure]
            assert dialer.peer == FAR

    play(scene())


@pytest.mark.parametrize("end", ["near", "far"])
def test_connection_that_is_closed_while_its_owner_is_asked_opens_no_link(play: Play, end: str) -> None:
    async def scene() -> None:
        ends = TlsEnds(introducing=("near",) if end == "near" else ("far",))

        def admit_and_close(route: TlsRoute, old: bytes, door: str, fingerprint: bytes) -> bool:
            for connection in route._gate.connections:
                connection.drop()
            return in_place_of(old, route)(door, fingerprint)

        ends.near.lets_in = lambda door, fingerprint: admit_and_close(ends.near_route, FAR, door, fingerprint)
        ends.far.lets_in = lambda door, fingerprint: admit_and_close(ends.far_route, NEAR, door, fingerprint)
        async with listening(ends) as listener:
            dial_far(ends, listener.address)
            await ends.until(lambda: bool(ends.near.outcomes))
            assert ends.near.outcomes != ["connected"]
            assert len(ends.near.questions + ends.far.questions) == 1
        assert ends.near.links == ends.far.links == []

    play(scene())


# What is shown by which door.


def test_introduction_is_shown_by_its_door_alone_until_it_is_taken_back(play: Play) -> None:
    async def shown(listener: TlsListener, door: str) -> bytes | None:
        visitor = Impostor(self_signed_certificate(OTHER_SEED), OTHER_SEED)
        await visitor.knock(listener.address, door)
        (seen,) = {certificate.public_bytes(Encoding.DER): certificate for certificate in visitor.seen}.values()
        return read_introduction(seen)

    async def scene() -> None:
        ends = TlsEnds()
        for door in ("another", "third"):
            ends.far_route.admit(NEAR, door)
        async with listening(ends) as listener:
            ends.far_route.introduce(DOOR, INTRODUCTION)
            ends.far_route.introduce("another", b"for another peer")
            assert [await shown(listener, door) for door in (DOOR, "another", "third")] == [
                INTRODUCTION,
                b"for another peer",
                None,
            ]
            ends.far_route.introduce(DOOR, None)
            ends.far_route.introduce(DOOR, None)
            assert [await shown(listener, door) for door in (DOOR, "another")] == [None, b"for another peer"]

    play(scene())


def test_doors_without_an_introduction_share_their_tls_settings() -> None:
    route = TlsRoute(NEAR_SEED, Owner())
    route.introduce("a", INTRODUCTION)
    gate = route._gate
    assert gate.context("a") is gate.context("a") is not gate.context("b")
    assert gate.context("b") is gate.context("c")
    route.introduce("a", None)
    assert gate.context("a") is gate.context("b")


@pytest.mark.parametrize(("door", "introduction"), [("A", b"x"), ("", None), (DOOR, b""), (DOOR, bytes(12_289))])
def test_introducing_by_no_door_or_out_of_bounds_is_a_bug_of_the_caller(door: str, introduction: bytes | None) -> None:
    with pytest.raises(ValueError, match=r"a door word has|an introduction has"):
        TlsRoute(NEAR_SEED, Owner()).introduce(door, introduction)


def connections(ends: TlsEnds) -> list[Connection]:
    return [*ends.near_route._gate.connections, *ends.far_route._gate.connections]


def address_of(ends: TlsEnds) -> tuple[str, int]:
    (listener,) = ends.far_route._listeners
    return listener.address.host, listener.address.port
