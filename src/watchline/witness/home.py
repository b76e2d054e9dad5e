"""A witness's folder: its key, and the memory that belongs to this key. Both are made together."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from pathlib import Path

from watchline.core.checkpoint import COSIGNATURE
from watchline.core.keys import Ed25519Key
from watchline.core.witnessing import WitnessKey
from watchline.desk.secrets import write_private_file
from watchline.errors import SecretError, UsageError
from watchline.witness.store import Store

KEY_FILE, STORE_FILE = "witness.key", "witness.db"
_PREFIX = "PRIVATE+KEY+"  # as golang.org/x/mod/sumdb/note writes a signer's key
_KEY_BYTES_MAX = 1_024


def make_witness(folder: Path, name: str) -> WitnessKey:
    """Make a witness of this name. Raises UsageError for a name that no key has, and if there is a witness."""
    key = WitnessKey(name, Ed25519Key(os.urandom(32)))
    try:
        encoded = _encode(key)
    except ValueError:
        raise UsageError(
            "that is no name for a witness", hint="give a word without + and spaces: witness.example.org/w1"
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / KEY_FILE).exists():
        raise UsageError(f"{folder} has a witness's key already", hint="leave --name out to see it")
    Store(folder / STORE_FILE, create=True).close()
    write_private_file(folder / KEY_FILE, encoded)
    return key


def read_witness(folder: Path) -> WitnessKey:
    """The key in this folder. Raises SecretError if there is none, or if the file holds none."""
    path = folder / KEY_FILE
    try:
        with path.open("rb") as file:
            text = file.read(_KEY_BYTES_MAX)
    except OSError as error:
        raise SecretError(
            f"{path} cannot be read: {error.strerror}", hint=f"make one: watchline witness key --dir {folder} --name NAME"
        ) from None
    try:
        name, _, encoded = text.decode().strip().removeprefix(_PREFIX).split("+", 2)
        key = WitnessKey(name, Ed25519Key(b64decode(encoded, validate=True)[1:]))
        if _encode(key) == text:
            return key
    except ValueError:
        pass
    raise SecretError(f"{path} holds no witness's key", hint="bring the file back as it was made")


def _encode(key: WitnessKey) -> bytes:
    name, key_id, _ = key.verifier.to_text().split("+", 2)
    return f"{_PREFIX}{name}+{key_id}+{b64encode(bytes((COSIGNATURE,)) + key.key.seed).decode()}\n".encode()
