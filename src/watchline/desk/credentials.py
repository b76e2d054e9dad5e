"""The files with which a server, a relay or one for mail, lets this desk in."""

from __future__ import annotations

from pathlib import Path

from watchline.errors import SecretError

CREDENTIALS_BYTES_MAX = 4_096
LOOPBACK = ("127.0.0.1", "::1", "localhost")  # where a password may travel in the clear

_NUMBERS = {1: "one line", 2: "two lines"}


def read_credentials(path: Path) -> tuple[str, str]:
    """The user and the password in a file: two lines, for its owner's eyes only. Raises SecretError."""
    user, password = read_private_lines(path, 2, "write the user on the first line, the password on the second")
    return user, password


def read_private_lines(path: Path, count: int, hint: str) -> list[str]:
    """The so many lines of a file that only its owner may read. hint: what to write into it. Raises SecretError."""
    try:
        with path.open("rb") as file:
            is_open_to_others = bool(path.stat().st_mode & 0o077)
            lines = file.read(CREDENTIALS_BYTES_MAX).decode("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise SecretError(f"{path} cannot be read", hint=hint, path=str(path)) from error
    if is_open_to_others:
        raise SecretError(f"{path} can be read by others", hint=f"chmod 600 {path}", path=str(path))
    if len(lines) != count or not all(lines):
        raise SecretError(f"{path} is not {_NUMBERS[count]}", hint=hint, path=str(path))
    return lines
