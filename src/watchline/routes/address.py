"""Addresses: `HOST:PORT` of a direct route, where HOST is a name, an IPv4 address or an IPv6 address in brackets; and those
of relays, `nats://HOST:PORT` and `tls://HOST:PORT`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from watchline.errors import UsageError

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_SHAPE = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<host>[^\[\]:]{1,254})):(?P<port>[0-9]{1,5})")
_HINT = "write HOST:PORT, for example desk.example.org:7400, 192.0.2.7:7400 or [2001:db8::7]:7400"


@dataclass(frozen=True, slots=True)
class Address:
    """A host - a name, or an IP address without brackets - and a port; port 0, to listen only, lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Read `HOST:PORT` with a port from 1 to 65535. An IPv6 address comes out in its shortest form, a name in lower case.

    Raises UsageError, which says what is wrong; an address that a peer sent is refused by the same rules.
    """
    match = _SHAPE.fullmatch(text)
    if match is None:
        problem = "an IPv6 address needs brackets" if text.count(":") > 1 and "[" not in text else "not of the form HOST:PORT"
        raise _refuse(problem, text)
    port = int(match["port"])
    if not 1 <= port <= 65_535:
        raise _refuse("the port must be from 1 to 65535", text)
    if match["v6"] is not None:
        try:
            return Address(ipaddress.IPv6Address(match["v6"]).compressed, port)
        except ValueError:
            raise _refuse("no such IPv6 address", text) from None
    return Address(_host(match["host"], text), port)


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """Where a relay is. encrypted: whether TLS stands between us and it; frames are sealed either way."""

    at: Address
    encrypted: bool

    def __str__(self) -> str:
        return f"{'tls' if self.encrypted else 'nats'}://{self.at}"


def is_relay_address(text: str) -> bool:
    """Whether this text means a relay, and not a desk."""
    return "://" in text


def parse_relay_address(text: str) -> RelayAddress:
    """Read `nats://HOST:PORT` or `tls://HOST:PORT`; it holds no name and no password. Raises UsageError."""
    scheme, _, rest = text.partition("://")
    if scheme not in ("nats", "tls"):
        raise UsageError(
            f"the address {text[:80]!r} is not usable: a relay is nats:// or tls://",
            hint="write nats://HOST:PORT, or tls://HOST:PORT if the relay has a certificate",
            address=text[:80],
        )
    if "@" in rest:
        raise UsageError(
            "an address is announced to peers and shown: it holds no name and no password",
            hint="name a file with them in watchline.toml, under [[relay]]",
        )
    return RelayAddress(parse_address(rest), encrypted=scheme == "tls")


def _host(host: str, text: str) -> str:
    labels = host.removesuffix(".").split(".")
    if labels[-1].isdigit():  # a name never ends in a number, so that 10.0.0.256 or 127.1 is an error and not a look-up
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise _refuse("no such IPv4 address", text) from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _refuse("no possible host name; names outside ASCII are written in their xn-- form", text)
    return host.lower()


def _refuse(problem: str, text: str) -> UsageError:
    shown = text[:80]
    return UsageError(f"the address {shown!r} is not usable: {problem}", hint=_HINT, address=shown)
