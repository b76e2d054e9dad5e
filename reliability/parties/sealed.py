"""The matrix of what is sealed: files under a passphrase, values of the journal, and what is sealed to a key (HPKE).

Those are no peer's objects, so they are refused with the error of their layer: a secret, the journal, or rule 12.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import cast

from reliability.parties.alterations import changes, flipped
from reliability.parties.attempts import Attempt, ReaderSlot, of
from tests.core.sample_desks import desk_keys, identity_key, paired, seeded
from tests.journal.sample_records import LINE, OTHER_LINE, PAIR
from watchline.core.encoding import decode, encode
from watchline.core.keys import KemKey, seal_to
from watchline.desk import backup, body_archive, medium, officers
from watchline.desk.secrets import MAGIC, Cost, seal, unseal
from watchline.journal.bodies import BLOCK_BITS, Bodies
from watchline.journal.disk import Disk
from watchline.journal.sealing import Seal, place_of
from watchline.journal.secrets import Secrets

CHEAP = Cost(8, 1, 1)
KINDS = {medium._KIND: "the identity", officers._KIND: "the key of an officer"}
"""The kinds of sealed files, as the desk layer names them."""

PLACES = {
    "line": ("line", LINE),
    "document": ("document", "home", b"key"),
    "state": ("state", LINE, "outgoing"),
    "another part of the state": ("state", LINE, "incoming"),
    "prekey": ("prekey", LINE, *PAIR, True, 7),
    "the peer's prekey": ("prekey", LINE, *PAIR, False, 7),
    "alarm": ("alarm", LINE, 5, "fork", 22, "message"),
    "entry": ("entry", LINE, *PAIR, True),
    "entry of the other direction": ("entry", LINE, *PAIR, False),
    "key of a block of bodies": ("bodies", 3),
    "key of the next block of bodies": ("bodies", 4),
}
"""A place of each table of the journal that holds something sealed, and its neighbours: the table, and what names the row."""


def all_of_sealed() -> Iterator[Attempt]:
    """Everything of this module."""
    yield from sealed_files()
    yield from journal_values()
    yield from bodies()
    yield from values_sealed_to_keys()


def sealed_files() -> Iterator[Attempt]:
    """Each kind of sealed file as each other, with another passphrase, and with each change (docs of `desk.secrets`)."""
    refused = of("secret -")
    for kind, what in KINDS.items():
        data = seal(kind, b"content", "right", CHEAP)
        slot = ReaderSlot(partial(_unseal, kind, what))
        for other in (*KINDS, "watchline something else"):
            if other != kind:
                yield Attempt(f"{other} where {kind} is read", slot, seal(other, b"content", "right", CHEAP), refused)
        for passphrase in ("wrong", "right ", "Right"):
            yield Attempt(f"{kind} under {passphrase!r}", slot, seal(kind, b"content", passphrase, CHEAP), refused)
        for change in changes(decode(data[len(MAGIC) :])):
            yield Attempt(f"{kind}, {change.name}", slot, MAGIC + encode(change.value), refused, data)
        for bit in range(0, 8 * len(data), 5):
            if not _costs_much(data, flipped(data, bit)):
                yield Attempt(f"{kind}, bit {bit}", slot, flipped(data, bit), refused, data)


def _unseal(kind: str, what: str, data: bytes) -> bytes:
    return unseal(kind, data, "right", what=what)


def _costs_much(data: bytes, other: bytes) -> bool:
    """Whether the changed bit is in the numbers of the cost: a file may ask for more work, and is refused only after it."""
    end = data.index(encode(list(CHEAP))) + len(encode(list(CHEAP)))
    return data[:end] != other[:end] and data[:end].startswith(other[: end - len(encode(list(CHEAP)))])


def journal_values() -> Iterator[Attempt]:
    """A value of each place where that of another is opened, under another node key or salt, and with each region flipped."""
    seals = {
        "this journal": Seal(bytes(32), bytes(16)),
        "another node key": Seal(bytes(31) + b"\1", bytes(16)),
        "another journal": Seal(bytes(32), bytes(15) + b"\1"),
    }
    refused = of("journal damaged")
    places = {name: place_of(*key) for name, key in PLACES.items()}
    own = seals["this journal"]
    for (name, place), (other, other_place) in product(places.items(), repeat=2):
        slot = ReaderSlot(partial(own.open, place))
        if name != other:
            yield Attempt(f"journal: {other} in the place of {name}", slot, own.seal(other_place, b"value"), refused)
    for name, place in places.items():
        slot = ReaderSlot(partial(own.open, place))
        for about, seal_ in seals.items():
            if seal_ is not own:
                yield Attempt(f"journal: {name} of {about}", slot, seal_.seal(place, b"value"), refused)
        data = own.seal(place, b"value")
        for bit in range(0, 8 * len(data), 3):
            yield Attempt(f"journal: {name}, bit {bit}", slot, flipped(data, bit), refused, data)
        for cut in (0, 11, 12, 27, len(data) - 1):
            yield Attempt(f"journal: {name}, cut to {cut}", slot, data[:cut], refused, data)


def bodies() -> Iterator[Attempt]:
    """A body where that of another entry, log or line is opened, under the key of another block or of the node, and flipped.

    The key that a block had before bodies of it went is another one too: what was sealed under it stays closed.
    """
    refused = of("journal damaged")
    seals = {block: Seal(bytes([block]) * 32, b"bodies") for block in (0, 1)}
    opening = Bodies(cast(Disk, None), cast(Secrets, None))  # it has the keys of these blocks at hand
    opening._seals.update(seals)
    logs = {
        "the log": place_of("entry", LINE, *PAIR, True),
        "the peer's log": place_of("entry", LINE, *PAIR, False),
        "the log of another pair": place_of("entry", LINE, PAIR.ours + 1, PAIR.theirs, True),
        "the log of another line": place_of("entry", OTHER_LINE, *PAIR, True),
    }
    keys = {"5": 5, "6 of the same block": 6, "64 of the next block": 64}
    places = {f"{log}, entry {name}": (place, key) for log, place in logs.items() for name, key in keys.items()}
    value = bytes(32) + b"body"

    def put(place: bytes, key: int, seal_: Seal) -> bytes:
        return seal_.seal(Bodies.place_at(place, key), value)

    for (name, (place, key)), is_gone in product(places.items(), (False, True)):
        slot = ReaderSlot(partial(_open_body, opening, key, place, is_gone))
        own = seals[key >> BLOCK_BITS]
        for other, (other_place, other_key) in places.items():
            for about, seal_ in {"its own key": seals[other_key >> BLOCK_BITS], "the key of this block": own}.items():
                if other != name:
                    moved = put(other_place, other_key, seal_)
                    yield Attempt(f"body: {other} under {about} in the place of {name}", slot, moved, refused)
        for about, seal_ in {
            "the key of another block": seals[1 - (key >> BLOCK_BITS)],
            "the key that the block had before": Seal(b"k" * 32, b"bodies"),
            "the key of the block as if it was the node's": Seal(bytes([key >> BLOCK_BITS]) * 32, bytes(16)),
            "the node key": Seal(bytes(32), bytes(16)),
        }.items():
            yield Attempt(f"body: {name} under {about}", slot, put(place, key, seal_), refused)
        yield Attempt(f"body: {name} bound to the log alone", slot, own.seal(place, value), refused)
        data = put(place, key, own)
        for bit in range(0, 8 * len(data), 7):
            yield Attempt(f"body: {name}, bit {bit}", slot, flipped(data, bit), refused, data)
        for cut in (0, 11, 12, 27, len(data) - 1):
            yield Attempt(f"body: {name}, cut to {cut}", slot, data[:cut], refused, data)


def _open_body(opening: Bodies, key: int, place: bytes, is_gone: bool, secret: bytes) -> tuple[bytes, bytes]:
    return opening.open(key, place, secret, b"", None, is_gone=is_gone)


def values_sealed_to_keys() -> Iterator[Attempt]:
    """What is sealed to a KEM key, for each other purpose and key, and with each region flipped (rule 12)."""
    line, content = paired()[1].line, bytes(32)
    archive = KemKey(seeded("archive")(32))
    purposes = {
        "a kept pairing": medium._INFO + line,
        "a kept pairing of another line": medium._INFO + bytes(32),
        "a kept desk": b"watchline/1 kept desk",
        "a backup": backup.KIND.info,
        "an archive": body_archive.KIND.info,
        "a pairing secret": b"watchline/1 pairing secret" + identity_key("A").identity.id + identity_key("B").identity.id,
        "an epoch": encode(["EPOCH", line, bytes(32), bytes(32), 1, 1, 2, 3, bytes(32)]),
        "nothing": b"",
    }
    refused = of("bad-signature 12", "malformed 12")
    for (name, info), (other, other_info) in product(purposes.items(), repeat=2):
        slot = ReaderSlot(partial(_open, archive, info))
        if name != other:
            value = seal_to(archive.public, content, other_info)
            yield Attempt(f"sealed for {other} where {name} is opened", slot, value, refused)
    for name, info in purposes.items():
        slot = ReaderSlot(partial(_open, archive, info))
        for desk in "AB":
            value = seal_to(desk_keys(desk).kem.public, content, info)
            yield Attempt(f"{name} sealed to {desk}'s key", slot, value, refused)
        data = seal_to(archive.public, content, info)
        for bit in range(0, 8 * len(data), 301):
            yield Attempt(f"{name}, bit {bit}", slot, flipped(data, bit), refused, data)
        for cut in (0, 1135, len(data) - 1):
            yield Attempt(f"{name}, cut to {cut}", slot, data[:cut], refused, data)


def _open(key: KemKey, info: bytes, sealed: bytes) -> bytes:
    return key.open(sealed, info)
