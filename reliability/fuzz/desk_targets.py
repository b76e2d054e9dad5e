"""What a desk reads on its own machine: settings, sealed files, requests on its socket. Others may have written any of it."""

from __future__ import annotations

import atexit
import json
import os
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import Any

from reliability.fuzz.mutation import behind, mutate_bytes, mutate_cbor, mutate_json, mutate_text
from reliability.fuzz.target import Broken, Check, Target, need
from tests.core.sample_desks import identity_key
from watchline.core.encoding import encode
from watchline.core.keys import Ed25519Key, KemKey
from watchline.desk import secrets
from watchline.desk.config import default_text, read_config
from watchline.desk.home import NODE_KEY_VARIABLE, read_node_key
from watchline.desk.medium import KEY_FILE, Medium, keep_pairing, open_medium, read_pairing
from watchline.desk.officers import OfficerKey, open_officer_key, write_officer_key
from watchline.desk.secrets import Cost, read_passphrase, seal, unseal
from watchline.desk.socket import REQUEST_BYTES_MAX, RemoteError, _answer
from watchline.errors import PeerError, SecretError, UsageError

CHEAP = Cost(8, 1, 1)
PASSPHRASE = "passphrase"  # noqa: S105 - of files that live as long as this process
_KIND = "watchline fuzz"


@cache
def _folder() -> Path:
    """A folder in memory, where the system has one, that goes with the process."""
    stack = ExitStack()
    atexit.register(stack.close)
    memory = Path("/dev/shm")
    return Path(stack.enter_context(tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)))


def _file(name: str, data: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(data)
    return path


# --- settings and secrets in files


def _check_config() -> Check:
    def check(data: bytes) -> None:
        read_config(_file("watchline.toml", data))

    return check


def _genuine_configs() -> Mapping[str, bytes]:
    in_force = "\n".join(line.removeprefix("# ") if " = " in line else line for line in default_text().splitlines())
    return {"default": default_text().encode(), "in-force": in_force.encode(), "list": b'listen = ["192.0.2.7:7400"]\n'}


def _check_sealed_file() -> Check:
    """A sealed file from elsewhere. One whose own cost is high is only read: a passphrase may cost a second by intent."""

    def check(data: bytes) -> None:
        cost = secrets._read(_KIND, data, "a secret")[0]
        need(all(one <= most for one, most in zip(cost, secrets.COST_MAX, strict=True)), "a file sets a cost above the bound")
        if cost.memory_kib <= 64 and cost.iterations * cost.lanes <= 8:
            need(unseal(_KIND, data, PASSPHRASE, what="a secret") == b"content", "another content opens")

    return check


def _genuine_sealed_files() -> Mapping[str, bytes]:
    return {"sealed": seal(_KIND, b"content", PASSPHRASE, CHEAP), "costly": secrets.MAGIC + encode(["k", [65_536, 3, 4]])}


def _check_officer_file() -> Check:
    """What the passphrase opens, as an officer's key file."""

    def check(data: bytes) -> None:
        _file("duty.key", seal("watchline officer", data, PASSPHRASE, CHEAP))
        officer = open_officer_key(_folder(), "duty", PASSPHRASE)
        need(encode([officer.number, officer.name, officer.key.seed]) == data, "a key file is written as other bytes")

    return check


def _genuine_officer_files() -> Mapping[str, bytes]:
    officer = OfficerKey(3, "duty", Ed25519Key(bytes(32)))
    path = _folder() / "genuine"
    path.mkdir()
    write_officer_key(path, officer, PASSPHRASE, CHEAP)
    return {"duty": unseal("watchline officer", (path / "duty.key").read_bytes(), PASSPHRASE, what="a key")}


def _check_medium() -> Check:
    """What the passphrase opens, as the identity's medium; and the whole of a pairing that is kept beside it."""
    medium = Medium(identity_key("A"), KemKey(bytes(32)), 1, 1)
    line = bytes(32)

    def check(data: bytes) -> None:
        _file(f"line-{line.hex()[:32]}.pairing", data)
        with suppress(SecretError, PeerError):
            read_pairing(_folder(), medium, line)
        _file(KEY_FILE, seal("watchline identity", data, PASSPHRASE, CHEAP))
        need(open_medium(_folder(), PASSPHRASE).encode() == data, "a medium is written as other bytes")

    return check


def _genuine_media() -> Mapping[str, bytes]:
    medium = Medium(identity_key("A"), KemKey(bytes(32)), 1, 1)
    _file(KEY_FILE, b"sealed")
    keep_pairing(_folder(), medium.archive.public, bytes(32), b"pairing")
    return {"medium": medium.encode(), "pairing": (_folder() / f"line-{'0' * 32}.pairing").read_bytes()}


def _check_key_files() -> Check:
    """The passphrase file and the node key file: the fuzzed one, not one that this machine's environment names."""
    os.environ.pop(NODE_KEY_VARIABLE, None)

    def check(data: bytes) -> None:
        path = _file("node.key", data)
        readers: tuple[Callable[[], object], ...] = (lambda: read_passphrase(path), lambda: read_node_key(_folder()))
        for read in readers:
            with suppress(SecretError):
                read()

    return check


def _genuine_key_files() -> Mapping[str, bytes]:
    return {"node": b"00" * 32 + b"\n", "passphrase": "pass phrase 氣球\r\n".encode()}


# --- the socket


def _run(answering: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """What an answer is that waits for nothing."""
    try:
        answering.send(None)
    except StopIteration as done:
        value: dict[str, Any] = done.value
        return value
    answering.close()
    raise Broken("an answer that has nothing to wait for waits")


def _check_request() -> Check:
    """The bytes of one request, as a process of this user may send them, and its answer as a command reads it."""

    async def repeat(method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method.startswith("refuse"):
            raise UsageError(method[:80], hint="hint", given=str(params)[:80])
        return {"method": method, "params": params}

    def check(data: bytes) -> None:
        need(len(data) <= REQUEST_BYTES_MAX, "an input is no request")
        reply = json.loads(json.dumps(_run(_answer(data, repeat))))
        if "error" in reply:
            RemoteError(reply["error"])

    return check


def _genuine_requests() -> Mapping[str, bytes]:
    asked: tuple[tuple[str, dict[str, Any]], ...] = (
        ("desk", {}),
        ("entries", {"line": "tokyo", "direction": "both", "limit": 5}),
        ("refuse", {"a": [1, None, 2.5]}),
    )
    return {method: json.dumps({"method": method, "params": params}).encode() for method, params in asked}


_sealed = behind(secrets.MAGIC, mutate_cbor)

TARGETS = (
    Target("config", _check_config, _genuine_configs, mutate_text, (UsageError,), 500),
    Target("sealed-file", _check_sealed_file, _genuine_sealed_files, _sealed, (SecretError,), 500),
    Target("officer-file", _check_officer_file, _genuine_officer_files, mutate_cbor, (SecretError,), 300),
    Target("medium-files", _check_medium, _genuine_media, mutate_cbor, (SecretError,), 50),
    Target("key-files", _check_key_files, _genuine_key_files, mutate_bytes, (SecretError,), 500),
    Target("request", _check_request, _genuine_requests, mutate_json, (), 1_000),
)
