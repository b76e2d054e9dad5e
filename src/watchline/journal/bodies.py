"""Bodies, sealed so that they can go: what is removed stays closed to whoever has the files and the node key.

SQLite leaves copies of rows behind when pages split or join, so overwriting a row is not enough. Each 64 neighbouring bodies of
a log (a block) are sealed under a random key of their own, which stands in a slot (`secrets`): that is overwritten where it is.
When bodies of a block go, the others are sealed anew under another key, in the same transaction, and the old key is no more.

A long body whose ciphertext is kept anyway is not written a second time: what is sealed in its place is the key to that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import groupby

from watchline.core.epochs import open_body
from watchline.core.records import EntryRecord, RemovalRecord
from watchline.errors import BadSignature, JournalError
from watchline.journal.disk import DAMAGED_HINT, Disk
from watchline.journal.sealing import NODE_KEY_BYTES, SEAL_BYTES, Seal, place_of
from watchline.journal.secrets import Secrets
from watchline.journal.tree import INDEX_BITS

BLINDING_BYTES = 32
BLOCK_BITS = 6
LONG_BYTES = 256  # of a ciphertext from which on its key is kept; a body that is kept itself makes a longer secret
_BY_KEY, _BY_KEY_BYTES = b"by key", SEAL_BYTES + BLINDING_BYTES + 32
_CHUNK_ROWS = 2048
_END_OF_TIME = (1 << 63) - 1
_OPEN_BLOCKS = 64  # blocks whose keys are kept at hand


class Bodies:
    """The bodies of all logs, by key: a log's number << 40 | index. `place`: what the entries of the log are bound to."""

    def __init__(self, disk: Disk, secrets: Secrets) -> None:
        self._disk = disk
        self._secrets = secrets
        self._seals: dict[int, Seal] = {}

    def forget(self) -> None:
        """After a rollback the keys at hand may be others than those in the file."""
        self._seals.clear()

    def store(self, key: int, place: bytes, record: EntryRecord) -> None:
        """Inside a transaction."""
        if len(record.blinding) != (0 if record.gone else BLINDING_BYTES):
            raise RuntimeError(f"a blinding of {len(record.blinding)} bytes")
        block = key >> BLOCK_BITS
        seal = self._seal_of(block) or self._new_seal(block)
        sealed = record.sealed
        if record.message_key is not None and sealed is not None and len(sealed) >= LONG_BYTES:
            secret = seal.seal(self.place_at(place, key) + _BY_KEY, record.blinding + record.message_key)
        else:
            secret = seal.seal(self.place_at(place, key), record.blinding + record.body)
            sealed = sealed if record.log.outgoing else None  # ours is sent again; nobody asks for the peer's
        self._disk.cursor.execute(
            "INSERT INTO bodies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key, secret, sealed, record.epoch, record.time, record.number,
                record.nonce, record.once, record.released, record.gone,
            ),
        )  # fmt: skip

    def open(
        self, key: int, place: bytes, secret: bytes, leaf: bytes, sealed: bytes | None, *, is_gone: bool
    ) -> tuple[bytes, bytes]:
        """(blinding, body) of what stands in a row; the stub, for one that is gone. JournalError if it was changed."""
        seal, at = self._known_seal(key >> BLOCK_BITS), self.place_at(place, key)
        if sealed is not None and _is_by_key(secret, len(sealed)):
            opened = seal.open(at + _BY_KEY, secret)
            return opened[:BLINDING_BYTES], _open_body(opened[BLINDING_BYTES:], leaf, sealed)
        opened = seal.open(at, secret)
        cut = 0 if is_gone else BLINDING_BYTES
        return opened[:cut], opened[cut:]

    def release(self, key: int) -> None:
        """Mark an entry as released, which it was not when it was stored."""
        self._disk.cursor.execute("UPDATE bodies SET released = 1 WHERE key = ?", (key,))

    def remove(self, log: int, place: bytes, record: RemovalRecord) -> None:
        """Inside a transaction; the entries are stored."""
        stubs = sorted((log << INDEX_BITS | index, stub) for index, stub in record.stubs)
        for block, of_block in groupby(stubs, lambda each: each[0] >> BLOCK_BITS):
            self._remove_from(block, place, dict(of_block), record.gone)

    def _remove_from(self, block: int, place: bytes, stubs: dict[int, bytes], gone: str) -> None:
        old = self._known_seal(block)
        new = self._new_seal(block)
        execute = self._disk.cursor.execute
        first, end = block << BLOCK_BITS, (block + 1) << BLOCK_BITS
        for key, secret, sealed_bytes, was_gone in self._disk.rows(
            "SELECT key, secret, length(sealed), gone FROM bodies WHERE key >= ? AND key < ?", (first, end)
        ):
            at = self.place_at(place, key)
            stub = stubs.get(key)
            if stub is None or was_gone is not None:
                at += _BY_KEY if _is_by_key(secret, sealed_bytes) else b""
                execute("UPDATE bodies SET secret = ? WHERE key = ?", (new.seal(at, old.open(at, secret)), key))
            else:
                execute("UPDATE bodies SET secret = ?, sealed = NULL, gone = ? WHERE key = ?", (new.seal(at, stub), gone, key))

    def kept_before(self, log: int | None, time: int) -> Iterator[tuple[int, int, int | None]]:
        """(key, type, re) of what is there and was stored before this time, the oldest first."""
        last = (0, -1)
        while found := self._disk.rows(
            "SELECT bodies.key, bodies.time, type, re FROM bodies JOIN leaves USING (key) WHERE bodies.key >> 40 = ?1"
            " AND gone IS NULL AND time < ?2 AND time >= ?3 AND (time > ?3 OR bodies.key > ?4)"
            f" ORDER BY time, bodies.key LIMIT {_CHUNK_ROWS}",
            (log, time, *last),
        ):
            last = found[-1][1], found[-1][0]
            for key, _, kind, re in found:
                yield key, kind, re

    def newest(self, log: int | None, limit: int, before: tuple[int, int] | None) -> list[tuple[int, int]]:
        """(time, index) of at most `limit` entries of a log, the newest first; before: only those below that."""
        first = (log or 0) << INDEX_BITS  # numbers begin at 1
        time, index = before or (_END_OF_TIME, 0)
        found = self._disk.rows(
            "SELECT time, key - ?1 FROM bodies WHERE key >= ?1 AND key < ?2 AND (time < ?3 OR time = ?3 AND key < ?4)"
            " ORDER BY time DESC, key DESC LIMIT ?5",
            (first, first + (1 << INDEX_BITS), time, first + index, limit),
        )
        return [(at, place) for at, place in found]

    def seal_again(self, key: int, place: bytes, value: bytes) -> None:
        """Put back what stood in a row that no key of a block has sealed yet. In a transaction."""
        block = key >> BLOCK_BITS
        seal = self._seal_of(block) or self._new_seal(block)
        sealed = seal.seal(self.place_at(place, key), value)
        self._disk.cursor.execute("UPDATE bodies SET secret = ? WHERE key = ?", (sealed, key))

    @staticmethod
    def place_at(place: bytes, key: int) -> bytes:
        """What the body of one entry is bound to."""
        return place + (key & (1 << INDEX_BITS) - 1).to_bytes(8, "big")

    def drop_keys(self, log: int) -> None:
        """Give back the slots of a log that is deleted. In a transaction."""
        span = log << INDEX_BITS - BLOCK_BITS, (log + 1 << INDEX_BITS - BLOCK_BITS) - 1
        for (slot,) in self._disk.rows("SELECT slot FROM body_keys WHERE block BETWEEN ? AND ?", span):
            self._secrets.clear(slot)
        self._disk.cursor.execute("DELETE FROM body_keys WHERE block BETWEEN ? AND ?", span)
        self.forget()

    def _seal_of(self, block: int) -> Seal | None:
        seal = self._seals.get(block)
        if seal is None:
            found = self._disk.rows("SELECT blob FROM body_keys JOIN secrets USING (slot) WHERE block = ?", (block,))
            if not found:
                return None
            seal = self._remember(block, self._secrets.open(_key_place(block), found[0][0]))
        return seal

    def _known_seal(self, block: int) -> Seal:
        seal = self._seal_of(block)
        if seal is None:
            raise JournalError("the key of a body is missing", hint=DAMAGED_HINT, reason="damaged")
        return seal

    def _new_seal(self, block: int) -> Seal:
        """Give the block another key; in a transaction, in which all its bodies are sealed under that."""
        key = os.urandom(NODE_KEY_BYTES)
        found = self._disk.rows("SELECT slot FROM body_keys WHERE block = ?", (block,))
        slot = self._secrets.put(_key_place(block), key, found[0][0] if found else None)
        self._disk.cursor.execute("INSERT OR REPLACE INTO body_keys VALUES (?, ?)", (block, slot))
        return self._remember(block, key)

    def _remember(self, block: int, key: bytes) -> Seal:
        self._seals.pop(block, None)
        if len(self._seals) >= _OPEN_BLOCKS:
            del self._seals[next(iter(self._seals))]
        seal = self._seals[block] = Seal(key, b"bodies")
        return seal


def _is_by_key(secret: bytes, sealed_bytes: int | None) -> bool:
    return sealed_bytes is not None and sealed_bytes >= LONG_BYTES and len(secret) == _BY_KEY_BYTES


def _open_body(message_key: bytes, leaf: bytes, sealed: bytes) -> bytes:
    try:
        return open_body(message_key, leaf, sealed)
    except BadSignature as error:
        raise JournalError("a body in the journal was changed or moved", hint=DAMAGED_HINT, reason="damaged") from error


def _key_place(block: int) -> bytes:
    return place_of("bodies", block)
