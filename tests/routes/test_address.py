from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchline.errors import UsageError
from watchline.routes import Address, parse_address
from watchline.routes.address import RelayAddress, is_relay_address, parse_relay_address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("desk.example.org:7400", "desk.example.org", 7400),
        ("Desk-2.Example.ORG:1", "desk-2.example.org", 1),
        ("localhost:65535", "localhost", 65535),
        ("192.0.2.7:7400", "192.0.2.7", 7400),
        ("[2001:DB8:0::7]:7400", "2001:db8::7", 7400),
        ("[::]:7400", "::", 7400),
    ],
)
def test_address_is_read(text: str, host: str, port: int) -> None:
    assert parse_address(text) == Address(host, port)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "HOST:PORT"),
        ("desk.example.org", "HOST:PORT"),
        (":7400", "HOST:PORT"),
        ("desk:", "HOST:PORT"),
        ("desk:74o0", "HOST:PORT"),
        ("desk:0", "from 1 to 65535"),
        ("desk:65536", "from 1 to 65535"),
        ("2001:db8::7:7400", "brackets"),
        ("[2001:db8::7]", "HOST:PORT"),
        ("[2001:db8::7::1]:7400", "IPv6"),
        ("[192.0.2.7]:7400", "IPv6"),
        ("192.0.2.256:7400", "IPv4"),
        ("127.1:7400", "IPv4"),
        ("-desk:7400", "host name"),
        ("desk..org:7400", "host name"),
        ("a" * 64 + ":7400", "host name"),
        ("bürö.example:7400", "xn--"),
        ("desk :7400", "host name"),
        ("desk\n:7400", "host name"),
        ("desk:7400\n", "HOST:PORT"),
        ("desk:\N{ARABIC-INDIC DIGIT SEVEN}", "HOST:PORT"),
    ],
)
def test_unusable_address_is_refused_with_what_to_write(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as refused:
        parse_address(text)
    assert "HOST:PORT" in refused.value.hint


def test_refusal_repeats_only_the_start_of_a_long_address() -> None:
    with pytest.raises(UsageError) as refused:
        parse_address("x" * 100_000)
    assert len(refused.value.message) < 300


@given(st.ip_addresses(), st.integers(1, 65535))
def test_written_address_is_read_as_itself(host: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> None:
    address = Address(host.compressed, port)
    assert parse_address(str(address)) == address


@given(st.text())
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except UsageError:
        return
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("text", "host", "encrypted"),
    [
        ("nats://Relay.Example.org:4222", "relay.example.org", False),
        ("tls://192.0.2.7:4222", "192.0.2.7", True),
        ("tls://[2001:DB8::7]:4222", "2001:db8::7", True),
    ],
)
def test_relay_address_is_read(text: str, host: str, encrypted: bool) -> None:
    address = parse_relay_address(text)
    assert address == RelayAddress(Address(host, 4222), encrypted)
    assert parse_relay_address(str(address)) == address
    assert is_relay_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "relay.example.org:4222", "http://relay.example.org:4222", "nats://", "nats://relay.example.org", "nats://:4222",
        "NATS://relay.example.org:4222", "nats://relay.example.org:4222/", "nats://a:1,nats://b:1", "nats://relay.example.org:0",
    ],
)  # fmt: skip
def test_what_is_no_relay_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_relay_address(text)


@pytest.mark.parametrize("text", ["nats://tokyo:secret@relay.example.org:4222", "tls://tokyo@relay.example.org:4222"])
def test_relay_address_with_a_name_or_a_password_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(UsageError, match="no password") as caught:
        parse_relay_address(text)
    assert "secret" not in str(caught.value.message) + str(caught.value.hint) + str(caught.value.facts)
