"""Which logs a witness serves. A checkpoint does not carry its log's key, so a witness must have been given it.

`Listed` takes them from a file that the operator keeps; `Anyone` takes the first key that is brought for an origin, and holds
to it. Origins are hashes that tell nothing (rule 9), and a desk has a new one with each incarnation of either side.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import structlog

from watchline.core.checkpoint import ED25519, VerifierKey
from watchline.core.witnessing import parse_log_keys
from watchline.errors import Malformed, UsageError
from watchline.witness.store import Store

LOGS_MAX = 10_000
LIST_BYTES_MAX = 2 * 1024 * 1024

log = structlog.get_logger()


class Logs(Protocol):
    """What a witness asks of its list."""

    def key(self, origin: str) -> VerifierKey | None:
        """The key of the log of this origin; None if it is not served."""

    def offer(self, vkey: str) -> tuple[int, str]:
        """A log offers its key: the status and the words of the answer."""


class Listed:
    """The logs of a file, read again when it has changed and an origin is asked for that was not in it."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError for a file that is no list of verifier keys."""
        self._path = path
        self._stamp = (-1, -1)
        self._keys: dict[str, VerifierKey] = {}
        self._read()

    def key(self, origin: str) -> VerifierKey | None:
        if origin not in self._keys:
            try:
                self._read()
            except UsageError as error:
                log.warning("witness.list", message=error.message, hint=error.hint)
        return self._keys.get(origin)

    def offer(self, vkey: str) -> tuple[int, str]:
        return 404, "the operator of this witness lists the logs that it serves"

    def _read(self) -> None:
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp == self._stamp:
                return
            self._stamp = stamp  # a list that is broken is told of once
            if found.st_size > LIST_BYTES_MAX:
                raise UsageError(f"{self._path} is longer than {LIST_BYTES_MAX} bytes", hint="check the path")
            keys = parse_log_keys(self._path.read_text("utf-8"))
        except OSError as error:
            raise UsageError(f"{self._path} cannot be read: {error.strerror}", hint="check the path") from None
        except (Malformed, UnicodeDecodeError) as error:
            raise UsageError(
                f"{self._path} is no list of logs: {error}", hint="one key a line, from watchline witness logs"
            ) from None
        if len(keys) > LOGS_MAX:
            raise UsageError(f"{self._path} lists more than {LOGS_MAX} logs", hint="leave out those that are over")
        self._keys = keys


class Anyone:
    """Every log that brings its key, up to a number; the first key of an origin stays."""

    def __init__(self, store: Store, logs_max: int = LOGS_MAX) -> None:
        self._store = store
        self._logs_max = logs_max

    def key(self, origin: str) -> VerifierKey | None:
        return self._store.log_key(origin)

    def offer(self, vkey: str) -> tuple[int, str]:
        try:
            key = VerifierKey.parse(vkey)
        except Malformed as error:
            return 400, error.message
        if key.algorithm != ED25519:
            return 400, "this is no key that signs checkpoints"
        known = self._store.log_key(key.name)
        if known is not None:
            return (200, "known") if known == key else (409, "this origin has another key")
        if self._store.count_logs() >= self._logs_max:
            return 503, "this witness serves as many logs as it can"
        self._store.add_log(key)
        return 200, "taken"
