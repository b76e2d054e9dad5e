"""The matrix of a line: each object in a frame, by each wrong party, with each wrong key, changed in each place, in each slot.

The outcomes that are expected come from docs/protocol.md: an entry that does not hold is asked for in full (rules 20 and 22), a
receipt or a shown checkpoint is refused by its signature (4) or counted for its incarnations (20), and so on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from reliability.parties.alterations import KEEPS_FORM, Change, Path, changes, flipped, path_name, places, put
from reliability.parties.attempts import Attempt, of
from reliability.parties.desks import AUTHOR, RECIPIENT, Spec, ed25519_keys, right, statement_keys, wrong_parties
from reliability.parties.hearer import Hearer
from reliability.parties.objects import MAKERS, SIGNED_BY, UNSIGNED, Facts
from watchline.core.encoding import Value, decode, encode
from watchline.core.frames import _READERS
from watchline.core.limits import FRAME_BYTES_MAX, INTEGER_MAX
from watchline.core.statements import StatementType

Expected = frozenset[str]

FORM = of("malformed 39", "malformed 19", "counted 20")
"""How bytes end that are no item: by the encoding, by the layout of the frame's items, or as a kind that is not known."""

STATEMENTS = tuple(kind.name for kind in StatementType)

WRONG_SIGNATURE: dict[str, Expected] = {
    "entries": of("asked 22"),
    "full entry": of("bad-signature 4"),
    "receipt": of("bad-signature 4"),
    "cosigned": of("bad-signature 4"),
    "shown checkpoint": of("bad-signature 4"),
    "certificate": of("bad-signature 2"),
    **dict.fromkeys(STATEMENTS, of("bad-signature 4")),
}
"""How an object ends that is whole, and whose signature is another's."""

WRONG_INCARNATIONS: dict[str, Expected] = {
    "entries": of("counted 20"),
    "full entry": of("wrong-party 7"),
    "receipt": of("counted 20"),
    "cosigned": of("wrong-party 27"),
    "shown checkpoint": of("counted 20"),
    **dict.fromkeys(STATEMENTS, of("wrong-party 20")),
}
"""How an object ends that says of itself that it is of another pair; a certificate is judged by its own incarnation."""

CHANGED: dict[str, dict[str, Expected]] = {
    "entries": {
        "": of("asked 22"),
        "1": of("counted 20"),
        "2": of("counted 20"),
        "3": of("waits 20", "ignored -"),  # an epoch to come, or one whose chain is gone (rules 14 and 20)
        "4": of("waits 20", "asked 22"),  # an index to come, or a known one with another leaf (rules 20 and 22)
    },
    "full entry": {
        "": of("bad-proof 22"),  # under the signed root, another leaf
        "1": of("dropped 20"),
        "2": of("malformed 39", "bad-proof 22", "wrong-party 7"),
        "2.*.0": of("malformed 39"),
        **{f"2.*.{place}": of("wrong-party 7") for place in range(1, 6)},
        "2.*.6": of("dropped 20"),  # another index than was asked for
        "3": of("bad-signature 17"),
        "4": of("bad-signature 4"),
        "5": of("bad-signature 4"),
    },
    "receipt": {
        "": of("bad-signature 4"),
        "1": of("counted 20"),
        "2": of("counted 20"),
        "3": of("bad-signature 23", "bad-signature 4", "ignored -"),  # never sent; or no more than is receipted (rule 23)
    },
    "cosigned": {
        "": of("bad-signature 4"),
        "1": of("wrong-party 27"),
        "2": of("wrong-party 27"),
        "3": of("malformed 27", "bad-signature 4"),  # a head that has not arrived; or another one
        "6.0.0": of("ignored -"),  # by a witness that the terms do not name
    },
    "shown checkpoint": {"": of("bad-signature 4"), "1": of("counted 20"), "2": of("counted 20")},
    "certificate": {
        "": of("bad-signature 2"),
        "1": of("malformed 39", "bad-signature 2"),
        "1.*.0.*.0": of("wrong-party 2"),
        "1.*.0": of("malformed 39", "bad-signature 2"),
    },
    **{
        kind: {
            "": of("bad-signature 4"),
            "1": of("malformed 39", "bad-signature 4"),
            "1.*.0": of("bad-signature 4", "ignored -", "malformed 4", "malformed 39"),  # another TYPE
            "1.*.1": of("wrong-party 20"),
            "1.*.2": of("wrong-party 20"),
        }
        for kind in STATEMENTS
    },
}
"""By object and place: how it ends when that is changed and the signatures stay; the longest place that fits counts."""

ANOTHERS = "another object's"

KNOWN: dict[str, tuple[str, ...]] = {"EPOCH": ("1.*.3",), "PREKEYS": ("1.*", "1.*.3", "1.*.4"), "ROUTES": ("1.*.3",)}
"""Where a lower number, or none, makes it an older one: left alone without a signature check (rules 10, 14, 19 and 20)."""


def expected(name: str, change: Change) -> Expected:
    """How an object ends with this change."""
    place = path_name(change.path)
    found = CHANGED[name][""]
    for known in sorted(CHANGED[name], key=len):
        if known and (place == known or place.startswith(known + ".")):
            found = CHANGED[name][known]
    if change.kind == ANOTHERS and place == "1" and name in STATEMENTS:
        found |= of("ignored -")  # read as a statement, what stands where its number would be looks old
    if any(place == known or (known != "1.*" and place.startswith(known + ".")) for known in KNOWN.get(name, ())):
        found |= of("ignored -")
    if change.kind not in KEEPS_FORM:
        found |= FORM | of("malformed 2", "malformed 4", "malformed 17", "malformed 39") | WRONG_SIGNATURE[name]
        if name == "certificate":
            found |= of("wrong-party 2")
    return found


def changed_items(hearer: Hearer, facts: Facts) -> Iterator[Attempt]:
    """Each object with each single change, the signatures as they were."""
    for name, make in MAKERS.items():
        genuine = make(right(), facts)
        for change in changes(genuine):
            if name == "STATUS" and change.path == (3,) and change.kind == "null":
                continue  # a status with Ed25519 alone is allowed, as provisional (rule 4)
            if name == "cosigned" and change.name == "6: last one twice":
                continue  # whoever says the same twice has said it
            if change.path == (0,):
                continue  # the kind of the item: see `items_of_other_kinds`
            yield Attempt(f"{name}, {change.name}", hearer, change.value, expected(name, change), genuine)


def items_with_other_keys(hearer: Hearer, facts: Facts) -> Iterator[Attempt]:
    """Each object signed with each key that is not the one for it."""
    for name, make in MAKERS.items():
        for purpose in SIGNED_BY[name]:
            keys = statement_keys() if purpose == "statement ml" else ed25519_keys()
            for owner, key in keys.items():
                if owner == RIGHT_OWNER[purpose]:
                    continue
                value = make(right().with_key(purpose, key), facts)
                yield Attempt(f"{name} signed as {purpose} by {owner}", hearer, value, WRONG_SIGNATURE[name])


RIGHT_OWNER = {
    "log": f"{AUTHOR} 1 log",
    "custody": f"{AUTHOR} 1 custody",
    "peer log": f"{RECIPIENT} 1 log",
    "witness": "a witness",
    "statement": f"{AUTHOR} 1 statement",
    "statement ml": f"{AUTHOR} 1 statement",
}


def items_of_wrong_parties(hearer: Hearer, facts: Facts) -> Iterator[Attempt]:
    """Each object of another line, direction or incarnation, whole, with the keys that make it; and those half right."""
    for name, make in MAKERS.items():
        genuine = make(right(), facts)
        for about, spec in wrong_parties().items():
            if make(spec, facts) == genuine or (name == "certificate" and _is_right_certificate(spec)):
                continue  # it names nothing that is wrong: a head names no recipient, a certificate no peer
            if name == "certificate" and _is_later_certificate(spec):
                continue  # a new incarnation, rightly certified, is what begins the new pair (rule 28)
            if name == "certificate":
                outcomes = _certificate_outcomes(spec)
            elif spec.declared != (1, 1) or (name == "full entry" and spec.inner != right().inner):
                outcomes = WRONG_INCARNATIONS[name]
            else:
                outcomes = WRONG_SIGNATURE[name]
            yield Attempt(f"{name} of {about}", hearer, make(spec, facts), outcomes)
            if name in ("entries", "full entry") and spec.declared == (1, 1):
                half = make(replace(spec, inner=right().inner), facts)
                if half != genuine:
                    yield Attempt(f"{name} with a head of {about}", hearer, half, WRONG_SIGNATURE[name])
            if name in ("entries", "full entry", "EPOCH") and spec.inner != right().inner:
                half = replace(right(), inner=spec.inner)
                yield Attempt(f"{name} sealed for {about}", hearer, make(half, facts), _SEALED_FOR_OTHERS[name])


_SEALED_FOR_OTHERS = {"entries": of("asked 22"), "full entry": of("wrong-party 7"), "EPOCH": of("bad-signature 12")}


def _certificate_outcomes(spec: Spec) -> Expected:
    """A certificate is refused for its desk, for its line, or for its incarnation and keys (rules 2 and 28)."""
    if spec.direction.sender != right().direction.sender or spec.direction.line != right().direction.line:
        return of("wrong-party 2", "bad-signature 2", "ignored -")  # ignored: our own identity's, for another line
    return of("malformed 39", "bad-signature 2", "contradiction 2")


def _is_later_certificate(spec: Spec) -> bool:
    """Also one of the hearer's own identity: it says that this machine was replaced."""
    line, sender, recipient, *_ = right().direction
    if spec.direction.line != line:
        return False
    return spec.direction.sender == recipient or (spec.direction.sender == sender and spec.direction.inc > 1)


def _is_right_certificate(spec: Spec) -> bool:
    return (*spec.direction[:2], spec.direction.inc) == (*right().direction[:2], 1)


def items_of_other_kinds(hearer: Hearer, facts: Facts) -> Iterator[Attempt]:
    """The parts of each object as an item of each other kind, and of the kinds that are reserved."""
    for name, make in MAKERS.items():
        own_kind, *parts = make(right(), facts)
        for kind in (*_READERS, 5, 99):
            if kind != own_kind:
                outcomes = of("counted 20") if kind not in _READERS else FORM
                yield Attempt(f"{name} as an item of kind {kind}", hearer, [kind, *parts], outcomes, [own_kind, *parts])


def pieces_in_other_places(hearer: Hearer, facts: Facts) -> Iterator[Attempt]:
    """Each byte string of each object in the place of each byte string of each other: signatures, texts, leaves, keys."""
    genuine = {name: make(right(), facts) for name, make in MAKERS.items()}
    for name, value in genuine.items():
        for path, old in places(value):
            if type(old) is not bytes or len(path) > 1:
                continue
            for other, piece_path, piece in _pieces(genuine):
                if other != name and piece != old:
                    change = Change(path, ANOTHERS, put(value, path, piece))
                    about = f"{name}, {path_name(path)}: {path_name(piece_path)} of {other}"
                    yield Attempt(about, hearer, change.value, expected(name, change))


def _pieces(genuine: dict[str, Value]) -> Iterator[tuple[str, Path, bytes]]:
    for other, value in genuine.items():
        for path, piece in places(value):
            if type(piece) is bytes and len(piece) >= 32 and len(path) <= 3:
                yield other, path, piece


def pairs_of_signatures(hearer: Hearer, facts: Facts) -> Iterator[Attempt]:
    """Both signatures of each statement under each other, and the signatures of identities under statements."""
    genuine = {name: make(right(), facts) for name, make in MAKERS.items() if name in STATEMENTS}
    for name, value in genuine.items():
        for other, given in genuine.items():
            if other != name:
                yield Attempt(
                    f"{name} with both signatures of {other}", hearer, [*value[:2], *given[2:]], WRONG_SIGNATURE[name]
                )
        for kind in StatementType:
            if kind.name != name:
                spoken = put(value, (1, "*", 0), int(kind))
                outcomes = of("bad-signature 4", "ignored -")  # left alone where the number that follows looks old
                yield Attempt(f"{name} said to be {kind.name}", hearer, spoken, outcomes, value)


def unsigned_items(hearer: Hearer, facts: Facts) -> Iterator[Attempt]:
    """Every byte string of every object in each place of the items that nobody signs."""
    genuine = {name: make(right(), facts) for name, make in MAKERS.items()}
    for kind, value in UNSIGNED.items():
        for place in range(1, len(value)):
            for other, path, piece in _pieces(genuine):
                about = f"{path_name(path)} of {other} in item {kind}, {place}"
                yield Attempt(about, hearer, put(value, (place,), piece), of("malformed 39"))


def items_elsewhere(facts: Facts, elsewhere: dict[str, Hearer]) -> Iterator[Attempt]:
    """Each object, unchanged and whole, at the desks and on the lines that it was not made for."""
    for where, other in elsewhere.items():
        for name, make in MAKERS.items():
            outcomes = WRONG_SIGNATURE[name]
            if name == "full entry":
                outcomes = of("wrong-party 7")
            elif name == "certificate":
                if where in ("another line of the same desks", "its own sender"):
                    continue  # it is for every line of its desk (rule 2); its own sender was replaced (rule 28)
                outcomes = of("wrong-party 2")
            yield Attempt(f"{name} at {where}", other, make(right(), facts), outcomes)


def frames(hearer: Hearer, facts: Facts, elsewhere: dict[str, Hearer]) -> Iterator[Attempt]:
    """Frames under other keys, with each region flipped, of other versions, lengths and paddings (rules 19, 37 and 39)."""
    slot = hearer.frames
    payload = encode([1, MAKERS["receipt"](right(), facts)])
    good = hearer.seal(payload + b"\x80")
    for about, key in _other_frame_keys(hearer, elsewhere).items():
        sealed = AESGCMSIV(key).encrypt(bytes(12), payload + b"\x80", None)
        yield Attempt(f"frame under {about}", slot, bytes(12) + sealed, of("bad-signature 19"))
    for bit in range(0, 8 * len(good), 7):
        yield Attempt(f"frame with bit {bit} turned", slot, flipped(good, bit), of("bad-signature 19"), good)
    for length in (0, 1, 12, 28, 29, len(good) - 1):
        yield Attempt(f"frame cut to {length}", slot, good[:length], of("malformed 19", "bad-signature 19"), good)
    yield Attempt("frame with more behind it", slot, good + b"\0", of("bad-signature 19"), good)
    yield Attempt("frame of 131,073 bytes", slot, good + bytes(FRAME_BYTES_MAX + 1 - len(good)), of("malformed 19"))
    for version in (0, 2, INTEGER_MAX, None, True, "1", b"\1"):
        other = encode([version, *decode(payload)[1:]]) + b"\x80"
        yield Attempt(f"frame of version {version!r}", slot, hearer.seal(other), of("malformed 37"))
    paddings = {
        "no mark": payload,
        "another mark": payload + b"\x81",
        "bytes behind the mark": payload + b"\x80\1",
    }
    for about, padded in paddings.items():
        yield Attempt(f"padding with {about}", slot, hearer.seal(padded), of("malformed 19"))
    payloads = {"bytes left over": payload + b"\0\0", "a long form": b"\x98\x02" + payload[1:], "nothing": b""}
    for about, other in payloads.items():
        yield Attempt(f"payload with {about}", slot, hearer.seal(other + b"\x80"), of("malformed 39"))


def _other_frame_keys(hearer: Hearer, elsewhere: dict[str, Hearer]) -> dict[str, bytes]:
    """Each other frame key of this world, and keys of other kinds in the place of one; none is the right one."""
    own, right_one = hearer.side.setup.outer_keys()
    keys = {"the key of the other direction": own, "the pairing secret": hearer.side.setup.secret, "no key": bytes(32)}
    for where, other in elsewhere.items():
        for name, key in zip(("own key", "peer's key"), other.side.setup.outer_keys(), strict=True):
            keys[f"the {name} at {where}"] = key
    return {name: key for name, key in keys.items() if key != right_one}


def all_of_line(hearer: Hearer, facts: Facts, elsewhere: dict[str, Hearer]) -> Iterator[Attempt]:
    """Everything above."""
    for part in (
        changed_items, items_with_other_keys, items_of_wrong_parties, items_of_other_kinds,
        pieces_in_other_places, pairs_of_signatures, unsigned_items,
    ):  # fmt: skip
        yield from part(hearer, facts)
    yield from items_elsewhere(facts, elsewhere)
    yield from frames(hearer, facts, elsewhere)
