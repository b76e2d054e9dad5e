r"""Files sealed by a passphrase, and how every secret file is read and written.

    file = "watchline sealed 1\n" || dCBOR[kind, [memory KiB, iterations, lanes], salt, nonce, ciphertext]

The key is Argon2id (RFC 9106) of the passphrase, the cipher AES-256-GCM-SIV (RFC 8452) with all that stands before the
ciphertext as associated data. `kind` says what the file holds, so that none is taken for another. The cost stands in the file,
so it is bounded when it is read: a file from elsewhere may not eat the machine's memory or its day.
"""

from __future__ import annotations

import os
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from watchline.errors import SecretError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

MAGIC = b"watchline sealed 1\n"
SEALED_BYTES_MAX = 1024 * 1024
PASSPHRASE_BYTES_MAX = 1_024
SALT_BYTES, NONCE_BYTES = 16, 12


class Cost(NamedTuple):
    """What one try at a passphrase costs (RFC 9106, section 3.1): memory in KiB, passes over it, lanes."""

    memory_kib: int
    iterations: int
    lanes: int


COST = Cost(65_536, 3, 4)  # the second recommended choice of RFC 9106, section 4: about a quarter of a second
COST_MAX = Cost(1_048_576, 16, 16)


def seal(kind: str, content: bytes, passphrase: str, cost: Cost = COST) -> bytes:
    """Seal `content` as a file of this kind. Raises SecretError for a passphrase that is empty or too long."""
    from watchline.core.encoding import encode

    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    cipher = _cipher(_passphrase_bytes(passphrase), salt, cost)
    return MAGIC + encode([
        kind,
        list(cost),
        salt,
        nonce,
        cipher.encrypt(nonce, content, _associated(kind, cost, salt, nonce)),
    ])  # fmt: skip


def unseal(kind: str, data: bytes, passphrase: str, *, what: str) -> bytes:
    """Give what `seal` sealed. `what` names the file's content for people, such as "the identity".

    Raises SecretError for a wrong passphrase, and for a file that is none of this kind or is damaged.
    """
    from cryptography.exceptions import InvalidTag

    cost, salt, nonce, ciphertext = _read(kind, data, what)
    cipher = _cipher(_passphrase_bytes(passphrase), salt, cost)
    try:
        return cipher.decrypt(nonce, ciphertext, _associated(kind, cost, salt, nonce))
    except InvalidTag:
        # No cipher can tell the one from the other.
        raise SecretError(
            f"this passphrase does not open {what}, or its file is damaged",
            hint="give the passphrase it was sealed with; if that is right, bring the file back from a copy",
        ) from None


def sealed_cost(kind: str, data: bytes, *, what: str) -> Cost:
    """What one try at this file's passphrase costs, so that new content can be sealed like the old. Raises as `unseal`."""
    return _read(kind, data, what)[0]


def read_secret_file(path: Path, *, what: str, bytes_max: int = SEALED_BYTES_MAX) -> bytes:
    """The whole of a small file. Raises SecretError if it cannot be read or is too long."""
    try:
        with path.open("rb") as file:
            data = file.read(bytes_max + 1)
    except OSError as error:
        raise SecretError(
            f"{what} cannot be read: {error.strerror}", hint="check the path and who may read it", path=str(path)
        ) from error
    if len(data) > bytes_max:
        raise SecretError(
            f"{what} is longer than {bytes_max} bytes", hint="this is another file: check the path", path=str(path)
        )
    return data


def read_passphrase(path: Path) -> str:
    """The passphrase in a file: its one line, without the line's end. Raises SecretError."""
    data = read_secret_file(path, what="the passphrase file", bytes_max=PASSPHRASE_BYTES_MAX + 2)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\n\n"
    text = text.removesuffix("\n").removesuffix("\r")
    if not text or "\n" in text:
        raise SecretError("a passphrase file holds one line of text", hint="write the passphrase into it", path=str(path))
    return text


def write_private_file(path: Path, data: bytes, *, replace: bool = False) -> None:
    """Write a file that only its owner may read (0600), whole or not at all; durable on return.

    Raises UsageError if it is there and must not be replaced, or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    try:
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                temporary.replace(path)
            else:
                # A link, unlike a rename, never replaces what is there.
                path.hardlink_to(temporary)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()
        sync_folder(path.parent)
    except FileExistsError:
        raise UsageError(
            "this file is there already", hint="choose another name, or move the file away", path=str(path)
        ) from None
    except OSError as error:
        raise UsageError(
            f"the file cannot be written: {error.strerror}", hint="check the folder, its space and its rights", path=str(path)
        ) from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(kind: str, data: bytes, what: str) -> tuple[Cost, bytes, bytes, bytes]:
    from watchline.core import shapes
    from watchline.core.encoding import decode
    from watchline.errors import Malformed

    damaged = SecretError(f"the file of {what} is damaged, or another file", hint="bring it back from a copy")
    if not data.startswith(MAGIC) or len(data) > SEALED_BYTES_MAX:
        raise damaged
    try:
        found, numbers, salt, nonce, ciphertext = shapes.array(decode(data[len(MAGIC) :]), "sealed file", length=5)
        parts = zip(shapes.array(numbers, "cost", length=3), COST_MAX, strict=True)
        cost = Cost(*(shapes.integer(number, "cost", at_least=1, at_most=at_most) for number, at_most in parts))
        shapes.octets(salt, "salt", length=SALT_BYTES)
        shapes.octets(nonce, "nonce", length=NONCE_BYTES)
        shapes.octets(ciphertext, "ciphertext", at_most=SEALED_BYTES_MAX)
    except Malformed:
        raise damaged from None
    if cost.memory_kib < 8 * cost.lanes:  # RFC 9106, section 3.1
        raise damaged
    if found != kind:
        raise SecretError(f"this sealed file does not hold {what}", hint="check the path")
    return cost, salt, nonce, ciphertext


def _passphrase_bytes(passphrase: str) -> bytes:
    # One passphrase, whatever keyboard typed it: composed characters (NFC), as RFC 8265 has it.
    data = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogateescape")
    if not 1 <= len(data) <= PASSPHRASE_BYTES_MAX:
        raise SecretError(f"a passphrase has 1 to {PASSPHRASE_BYTES_MAX} bytes", hint="choose another one")
    return data


def _associated(kind: str, cost: Cost, salt: bytes, nonce: bytes) -> bytes:
    from watchline.core.encoding import encode

    return MAGIC + encode([kind, list(cost), salt, nonce])


def _cipher(passphrase: bytes, salt: bytes, cost: Cost) -> AESGCMSIV:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    memory, iterations, lanes = cost
    return AESGCMSIV(Argon2id(salt=salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory).derive(passphrase))
