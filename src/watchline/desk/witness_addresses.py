"""Where witnesses are asked: `[[witness]]` in watchline.toml. The terms name a witness by its key; its address is this desk's
own affair, and two desks may reach one witness in two ways.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from watchline.core.checkpoint import COSIGNATURE, VerifierKey
from watchline.desk.config import read_toml, refuse_unknown
from watchline.errors import Malformed, UsageError

ADDRESSES_MAX = 64
URL_CHARACTERS_MAX = 2_048


class WitnessAddress(NamedTuple):
    """A witness's verifier key as text, and the URL before `/add-checkpoint`, without a slash at its end."""

    vkey: str
    url: str


def read_witness_addresses(path: Path) -> tuple[WitnessAddress, ...]:
    """The witnesses of a settings file. Raises UsageError, which says what is wrong with which."""
    tables = read_toml(path).get("witness", [])
    if type(tables) is not list or len(tables) > ADDRESSES_MAX:
        raise _wrong(path, 0, f"there are at most {ADDRESSES_MAX}, each begun by [[witness]]")
    found = tuple(_read(path, number, table) for number, table in enumerate(tables, start=1))
    if len({address.vkey for address in found}) != len(found):
        raise _wrong(path, 0, "a vkey stands there twice")
    return found


def _read(path: Path, number: int, table: Any) -> WitnessAddress:
    if type(table) is not dict:
        raise _wrong(path, number, "it is begun by [[witness]]")
    refuse_unknown(table, WitnessAddress._fields, where=f"{path.name}: witness {number}")
    vkey, url = table.get("vkey"), table.get("url")
    if type(vkey) is not str or type(url) is not str:
        raise _wrong(path, number, "it has a vkey and a url")
    try:
        if VerifierKey.parse(vkey).algorithm != COSIGNATURE:
            raise _wrong(path, number, "its vkey is no key of a witness")
    except Malformed as error:
        raise _wrong(path, number, f"its vkey: {error.message}") from None
    if not _is_url(url):
        raise _wrong(path, number, "its url is http:// or https://, a host, and a path if need be")
    return WitnessAddress(vkey, url.rstrip("/"))


def _is_url(url: str) -> bool:
    if len(url) > URL_CHARACTERS_MAX or not all("!" <= character <= "~" for character in url):
        return False
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and not (parts.query or parts.fragment or parts.port == 0)
        )
    except ValueError:
        return False


def _wrong(path: Path, number: int, what: str) -> UsageError:
    where = f"{path.name}: witness {number}" if number else f"{path.name}: the witnesses"
    return UsageError(f"{where}: {what}", hint='write [[witness]], then vkey = "..." and url = "https://..."')
