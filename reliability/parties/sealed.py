"""The matrix of what is sealed: files under a passphrase, values of the journal, and what is sealed to a key (HPKE).

Those are no peer's objects, so they are refused with the error of their layer: a secret, the journal, or rule 12.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product

from reliability.parties.alterations import changes, flipped
from reliability.parties.attempts import Attempt, ReaderSlot, of
from tests.core.sample_desks import desk_keys, identity_key, paired, seeded
from tests.journal.sample_records import LINE, PAIR
from watchline.core.encoding import decode, encode
from watchline.core.keys import KemKey, seal_to
from watchline.desk import medium, officers
from watchline.desk.secrets import MAGIC, Cost, seal, unseal
from watchline.journal.sealing import Seal, place_of

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
}
"""A place of each table of the journal that holds something sealed, and its neighbours: the table, and what names the row."""


def all_of_sealed() -> Iterator[Attempt]:
    """Everything of this module."""
    yield from sealed_files()
    yield from journal_values()
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


def values_sealed_to_keys() -> Iterator[Attempt]:
    """What is sealed to a KEM key, for each other purpose and key, and with each region flipped (rule 12)."""
    line, content = paired()[1].line, bytes(32)
    archive = KemKey(seeded("archive")(32))
    purposes = {
        "a kept pairing": medium._INFO + line,
        "a kept pairing of another line": medium._INFO + bytes(32),
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
