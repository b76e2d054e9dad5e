from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from watchline.errors import Malformed
from watchline.routes.hello import HELLO_BYTES_MAX, check_door, read_door


def client_hello(name: bytes | None = b"k3v9q2") -> bytes:
    """A genuine one, as OpenSSL makes it."""
    client = SSL.Connection(SSL.Context(SSL.TLS_METHOD))
    client.set_connect_state()
    if name is not None:
        client.set_tlsext_host_name(name)
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    return client.bio_read(65_536)


def vector(size: int, content: bytes) -> bytes:
    return len(content).to_bytes(size, "big") + content


def server_name(name: bytes, kind: int = 0) -> bytes:
    return b"\x00\x00" + vector(2, vector(2, bytes([kind]) + vector(2, name)))


def hello_with(extensions: bytes, *, message: int = 1, end: bytes = b"") -> bytes:
    body = b"\x03\x03" + bytes(32) + vector(1, b"") + vector(2, b"\x13\x01") + vector(1, b"\x00") + vector(2, extensions) + end
    return b"\x16\x03\x01" + vector(2, bytes([message]) + vector(3, body))


def test_door_of_a_genuine_hello_is_read() -> None:
    assert read_door(client_hello()) == "k3v9q2"


def test_door_of_the_smallest_hello_is_read() -> None:
    assert read_door(hello_with(server_name(b"a"))) == "a"


def test_hello_cut_short_needs_more() -> None:
    hello = client_hello()
    for cut in range(len(hello)):
        assert read_door(hello[:cut]) is None


@pytest.mark.parametrize(
    ("hello", "problem"),
    [
        (client_hello() + b"\x00", "goes past|left over"),
        (client_hello(None), "no server name"),
        (client_hello(b"desk.example.org"), "not a door word"),
        (hello_with(b""), "no server name"),
        (hello_with(server_name(b"")), "not a door word"),
        (hello_with(server_name(b"a" * 64)), "not a door word"),
        (hello_with(server_name(b"A")), "not a door word"),
        (hello_with(server_name(b"a") * 2), "two server names"),
        (hello_with(server_name(b"a", kind=1)), "not a host name"),
        (hello_with(server_name(b"a")[:-1]), "past the end"),
        (hello_with(server_name(b"a") + b"\x00"), "past the end"),
        (hello_with(b"\x00\x00" + vector(2, vector(2, b"\x00" + vector(2, b"a")) + b"\x00")), "left over"),
        (hello_with(b"\x00\x00" + vector(2, vector(2, b"\x00" + vector(2, b"a") + b"\x00"))), "left over"),
        (hello_with(server_name(b"a"), end=b"\x00"), "left over"),
        (hello_with(server_name(b"a"), message=2), "not a ClientHello"),
        (b"\x16\x03\x01" + vector(2, b""), "past the end"),
        (b"\x16\x03\x01" + (HELLO_BYTES_MAX - 4).to_bytes(2, "big"), "too long"),
        (b"\x15", "not a TLS handshake record"),
        (b"\x16\x02", "not a TLS handshake record"),
        (b"GET / HTTP/1.1\r\n", "not a TLS handshake record"),
    ],
)
def test_anything_but_one_hello_with_one_door_is_refused(hello: bytes, problem: str) -> None:
    with pytest.raises(Malformed, match=problem):
        read_door(hello)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_door_or_unfinished_or_refused(data: bytes) -> None:
    for read in (data, b"\x16\x03\x01" + vector(2, data), hello_with(data), hello_with(server_name(data))):
        try:
            door = read_door(read)
        except Malformed:
            continue
        assert door is None or check_door(door) == door


@pytest.mark.parametrize("door", ["", "A", "a.b", "a b", "a" * 64, "ü"])
def test_door_word_that_no_hello_carries_is_a_bug_of_the_caller(door: str) -> None:
    with pytest.raises(ValueError, match="a door word"):
        check_door(door)
