"""A journal of an earlier version is sealed anew, once: there, bodies were sealed under the node's own key, which stays.

What SQLite had left of them in free places of the file could be opened for as long as that key can be derived. So the salt that
it is derived with is replaced as well, and all that was sealed under it is sealed again. Everything is one transaction.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from watchline.journal.bodies import Bodies
from watchline.journal.disk import Disk
from watchline.journal.sealing import SALT_BYTES, Seal, place_of
from watchline.journal.secrets import Secrets

_CHUNK_ROWS = 64


def is_of_one_key(disk: Disk) -> bool:
    """Whether the bodies are sealed as versions before schema 4 did."""
    return bool(disk.rows("SELECT 1 FROM bodies LIMIT 1")) and not disk.rows("SELECT 1 FROM body_keys LIMIT 1")


def sealed_anew(disk: Disk, node_key: bytes, old: Seal) -> Seal:
    """Seal everything under a key that is derived with another salt; give that. Durable, and compacted, on return."""
    salt = os.urandom(SALT_BYTES)
    new = Seal(node_key, salt)
    with disk.transaction() as cursor:
        before, after = Secrets(disk, old), Secrets(disk, new)
        for place, slot in list(_slots(disk)):
            (blob,) = disk.rows("SELECT blob FROM secrets WHERE slot = ?", (slot,))[0]
            after.put(place, before.open(place, blob), slot)
        _seal_bodies(disk, old, Bodies(disk, after))
        for number, line, *shown, sealed in _in_chunks(
            disk, "SELECT alarms.number, line, time, kind, rule, message, evidence FROM alarms", "alarms.number"
        ):
            place = place_of("alarm", _line(disk, line), *shown)
            value = new.seal(place, old.open(place, sealed))
            cursor.execute("UPDATE alarms SET evidence = ? WHERE number = ?", (value, number))
        cursor.execute("UPDATE node_key SET salt = ?, proof = ?", (salt, new.proof()))
    disk.compact()
    return new


def _seal_bodies(disk: Disk, old: Seal, bodies: Bodies) -> None:
    for log, line, ours, theirs, outgoing in disk.rows("SELECT number, line, ours, theirs, outgoing FROM logs"):
        place = place_of("entry", _line(disk, line), ours, theirs, bool(outgoing))
        for key, secret in _in_chunks(disk, "SELECT key, secret FROM bodies", "key", f"key < {log + 1 << 40}", log << 40):
            bodies.seal_again(key, place, old.open(bodies.place_at(place, key), secret))


def _slots(disk: Disk) -> Iterator[tuple[bytes, int]]:
    """Where each secret is that stands in a slot, and what it is bound to."""
    for line, slot in disk.rows("SELECT line, pairing FROM lines"):
        yield place_of("line", line), slot
    for line, part, slot in disk.rows("SELECT line, part, slot FROM states"):
        yield place_of("state", _line(disk, line), part), slot
    for line, ours, theirs, own, pre_id, slot in disk.rows("SELECT line, ours, theirs, own, pre_id, slot FROM prekeys"):
        yield place_of("prekey", _line(disk, line), ours, theirs, bool(own), pre_id), slot
    for kind, key, slot in disk.rows("SELECT kind, key, slot FROM documents WHERE slot IS NOT NULL"):
        yield place_of("document", kind, key), slot


def _line(disk: Disk, number: int) -> bytes:
    line: bytes = disk.rows("SELECT line FROM lines WHERE number = ?", (number,))[0][0]
    return line


def _in_chunks(disk: Disk, select: str, key: str, where: str = "1", first: int = 0) -> Iterator[tuple[Any, ...]]:
    """All rows of a query that begin with this key, some at a time: bodies are long, and no query may stay open."""
    while found := disk.rows(f"{select} WHERE {where} AND {key} >= ? ORDER BY {key} LIMIT {_CHUNK_ROWS}", (first,)):
        yield from found
        first = found[-1][0] + 1
