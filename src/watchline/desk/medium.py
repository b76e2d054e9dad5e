"""The identity's medium: the folder, best on removable media, with what a running node never has (rules 1 and 5).

`identity.key` is the identity's secret, sealed by its passphrase, with the incarnation and serial that were given out last, so
that a restored backup of the home never counts again what was counted. `line-*.pairing` is each line's pairing, sealed to the
archive key, whose secret half is in `identity.key`: keeping a pairing needs no passphrase, reading it does.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from watchline.core import shapes
from watchline.core.encoding import decode, encode
from watchline.core.keys import SEED_BYTES, IdentityKey, KemKey, seal_to
from watchline.desk.secrets import COST, Cost, read_secret_file, seal, unseal, write_private_file
from watchline.errors import Malformed, SecretError, UsageError

KEY_FILE = "identity.key"
_KIND = "watchline identity"
_WHAT = "the identity"
_INFO = b"watchline/1 kept pairing"


@dataclass(frozen=True, slots=True)
class Medium:
    """What `identity.key` holds. inc, serial: the last that the identity gave to a certificate of the desk."""

    key: IdentityKey
    archive: KemKey = field(repr=False)
    inc: int
    serial: int

    def encode(self) -> bytes:
        """Give the secrets as bytes, to be sealed."""
        return encode([self.key.encode(), self.archive.seed, self.inc, self.serial])

    @classmethod
    def decode(cls, data: bytes) -> Medium:
        """Read what `encode` gave. Raises Malformed (rule 39)."""
        key, archive, inc, serial = shapes.array(decode(data), "identity's medium", length=4)
        return cls(
            IdentityKey.decode(shapes.octets(key, "identity key", at_most=1_024)),
            KemKey(shapes.octets(archive, "archive key", length=SEED_BYTES)),
            shapes.integer(inc, "inc", at_least=1),
            shapes.integer(serial, "serial", at_least=1),
        )


def create_medium(folder: Path, medium: Medium, passphrase: str, cost: Cost = COST) -> None:
    """Write `identity.key`; the folder is made if need be. Raises UsageError if an identity is there already."""
    refuse_second_identity(folder)
    sealed = seal(_KIND, medium.encode(), passphrase, cost)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the folder of the identity cannot be made: {error.strerror}", hint="check --identity-dir", path=str(folder)
        ) from error
    write_private_file(folder / KEY_FILE, sealed)


def refuse_second_identity(folder: Path) -> None:
    """Raise UsageError if an identity is in this folder already: two would be taken for one another."""
    if (folder / KEY_FILE).exists():
        raise UsageError(
            "this folder holds an identity already", hint="give each desk a medium of its own", path=str(folder / KEY_FILE)
        )


def open_medium(folder: Path, passphrase: str) -> Medium:
    """Open `identity.key`. Raises SecretError if it is not there, damaged, or the passphrase is wrong."""
    data = read_medium(folder)
    try:
        return Medium.decode(unseal(_KIND, data, passphrase, what=_WHAT))
    except Malformed as error:
        raise SecretError(f"{_WHAT} cannot be read: {error.message}", hint="use the version that wrote it") from None


def read_medium(folder: Path) -> bytes:
    """The sealed bytes of `identity.key`, to know that the medium is there before anybody types. Raises SecretError."""
    if not (folder / KEY_FILE).exists():
        raise SecretError(
            "the identity's medium is not there",
            hint="put it in, or give the folder it is in now with --identity-dir",
            path=str(folder / KEY_FILE),
        )
    return read_secret_file(folder / KEY_FILE, what=_WHAT)


def keep_pairing(folder: Path, archive: bytes, line: bytes, pairing: bytes) -> None:
    """Keep a line's pairing, sealed to the archive key (1,216 bytes, public). Raises SecretError or UsageError."""
    read_medium(folder)
    write_private_file(_pairing_path(folder, line), seal_to(archive, pairing, _INFO + line), replace=True)


def read_pairing(folder: Path, medium: Medium, line: bytes) -> bytes:
    """What `keep_pairing` kept. Raises SecretError if it is not there, BadSignature if it was changed."""
    sealed = read_secret_file(_pairing_path(folder, line), what="the kept pairing")
    return medium.archive.open(sealed, _INFO + line)


def drop_pairing(folder: Path, line: bytes) -> None:
    """Forget the pairing of a line that never came to be; nothing happens where the medium is not there."""
    with suppress(OSError):
        _pairing_path(folder, line).unlink()


def _pairing_path(folder: Path, line: bytes) -> Path:
    return folder / f"line-{line.hex()[:32]}.pairing"
