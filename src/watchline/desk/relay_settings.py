"""The [[relay]] tables of watchline.toml: how each relay lets this desk in, and whose certificate it must show.

    [[relay]]
    address = "tls://relay.example.org:4222"
    credentials = "relay.credentials"   # two lines: the user, the password; readable by its owner only
    nkey = "relay.nk"                   # instead of credentials: the seed of a user's NKey, readable by its owner only
    ca = "relay-ca.pem"                 # empty or missing: what the system trusts

Files are taken from the home's folder if relative. A relay that asks for nothing needs no table.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from watchline.desk.config import read_toml, refuse_unknown
from watchline.desk.credentials import LOOPBACK, read_credentials, read_private_lines
from watchline.errors import SecretError, UsageError
from watchline.routes.address import RelayAddress, parse_relay_address
from watchline.routes.nkey import UserKey
from watchline.routes.relays import RelayAccess

RELAYS_MAX = 16
_NAMES = ("address", "credentials", "nkey", "ca")


def read_relays(home: Path) -> Mapping[str, RelayAccess]:
    """What watchline.toml says of relays, by address. Raises UsageError; SecretError for a file of credentials or an NKey."""
    tables = read_toml(home / "watchline.toml").get("relay", [])
    if type(tables) is not list or len(tables) > RELAYS_MAX or not all(type(table) is dict for table in tables):
        raise UsageError(f"watchline.toml: relay must be at most {RELAYS_MAX} tables", hint="head each with [[relay]]")
    return dict(_read(home, table) for table in tables)


def _read(home: Path, table: Mapping[str, Any]) -> tuple[str, RelayAccess]:
    refuse_unknown(table, _NAMES, where="watchline.toml, [[relay]]")
    given = {name: table.get(name, "") for name in _NAMES}
    for name, value in given.items():
        if type(value) is not str or "\0" in value or len(value) > 4_096:
            raise UsageError(f"watchline.toml: {name} of a relay must be text", hint=f"correct {name}", setting=name)
    address = parse_relay_address(given["address"])
    user, password = _credentials(home / given["credentials"], address) if given["credentials"] else (None, None)
    if given["credentials"] and given["nkey"]:
        raise UsageError("watchline.toml: a relay has credentials or nkey, not both", hint="leave one out", setting="nkey")
    nkey = _nkey(home / given["nkey"]) if given["nkey"] else None
    ca = home / given["ca"] if given["ca"] else None
    if ca is not None and not ca.is_file():
        raise UsageError(f"there is no file {ca}", hint="give the relay's certificates in PEM, or leave ca out", path=str(ca))
    return str(address), RelayAccess(user, password, ca, nkey)


def _credentials(path: Path, address: RelayAddress) -> tuple[str, str]:
    if not address.encrypted and address.at.host not in LOOPBACK:
        raise UsageError(f"a password would travel in the clear to {address}", hint="use tls://, or no credentials")
    return read_credentials(path)


def _nkey(path: Path) -> UserKey:
    (seed,) = read_private_lines(path, 1, "write the seed of a user's NKey, as `nk -gen user` prints it")
    try:
        return UserKey.read(seed)
    except ValueError as error:
        raise SecretError(f"{path}: {error}", hint="make one with `nk -gen user`", path=str(path)) from None
