"""What core can be offered, read from core itself: a new kind there is unknown to the matrix until somebody adds it here.

Each function gives (what core has, what the matrix knows); a test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import fields
from pathlib import Path
from typing import get_args

import watchline
from reliability.parties.desks import right
from reliability.parties.files import IDENTITY_PURPOSES, SIGNED, readables, signed_for
from reliability.parties.hearer import Hearer
from reliability.parties.medium_files import medium_files
from reliability.parties.objects import MAKERS, UNSIGNED, facts_of
from reliability.parties.sealed import KINDS, PLACES
from watchline.core import frames
from watchline.core.entries import EntryType
from watchline.core.keys import DeskPublic
from watchline.core.persons import PURPOSES
from watchline.core.statements import StatementType

SOURCE = Path(watchline.__file__).parent

NOBODY_STANDS_BEHIND = {EntryType.CONTINUES, EntryType.FILE, EntryType.COMPLETE}
"""Entries that a node makes alone, and types that are reserved."""

LABELS = {
    "certificate", "pairing", "renewal", "roster",  # purposes of identities
    "person", "statement", "pairing secret", "renewal secret", "line", "digits", "rk", "ck",
    # above: what goes into a hash or a context
    "kept pairing", "kept desk", *medium_files(),  # what goes into the context of what is sealed for a medium
    "identity key", "desk keys", "pending invitation", "pending acceptance", "begun renewal",
    # above: encodings that are sealed and never signed
}  # fmt: skip
"""Every text `watchline/1 ...` or `watchline/2 ...` that keeps one use of a key or of a hash apart from another."""

Compared = tuple[AbstractSet[object], AbstractSet[object]]


def item_kinds(hearer: Hearer) -> Compared:
    """The kinds of items that a frame is read as."""
    made = {make(right(), facts_of(hearer))[0] for make in MAKERS.values()}
    return set(frames._READERS), made | set(UNSIGNED)


def item_classes(hearer: Hearer) -> Compared:
    """The classes of items; an unknown kind is offered too."""
    values = [*(make(right(), facts_of(hearer)) for make in MAKERS.values()), *UNSIGNED.values(), [99]]
    return set(get_args(frames.Item)), {type(frames._from_wire(value)) for value in values}


def statement_types() -> Compared:
    """The types of statements."""
    return {kind.name for kind in StatementType}, {name for name in MAKERS if name.isupper()}


def purposes_of_people() -> Compared:
    """What officers sign for."""
    return set(PURPOSES), {signed_for(name)[0] for name in SIGNED} | {"watch"}


def entry_types() -> Compared:
    """The types of entries, and the bodies of the matrix."""
    bodies = {EntryType.SILENCE} if "silence certificate" in readables() else set()
    bodies |= {SIGNED[name.removeprefix("body of ")][0] for name in readables() if name.startswith("body of ")}
    return set(EntryType), bodies | NOBODY_STANDS_BEHIND


def keys_of_a_certificate() -> Compared:
    """The public keys of a desk: those that sign are among the signers, the other two are sealed to or recognised."""
    own = set(right().sign) - {"peer log", "witness"}
    known = {purpose.split()[0] for purpose in own} | {"kem", "tls_fingerprint"}
    return {each.name for each in fields(DeskPublic) if each.init}, known


def labels() -> Compared:
    """Every label in core and desk."""
    texts = [path.read_text() for path in sorted(SOURCE.glob("core/*.py")) + sorted(SOURCE.glob("desk/*.py"))]
    found = {label for text in texts for label in re.findall(r'b?"watchline/[12] ([a-z]+(?: [a-z]+)?)(?:\\0)? ?"', text)}
    return found, set(LABELS)


def identity_purposes() -> Compared:
    """What identities sign for: every constant that is called a purpose."""
    texts = [path.read_text() for path in sorted(SOURCE.glob("**/*.py"))]
    found = {purpose for text in texts for purpose in re.findall(r'^[A-Z_]*PURPOSE = "([^"]+)"', text, re.MULTILINE)}
    return found, set(IDENTITY_PURPOSES)


def sealed_kinds() -> Compared:
    """The kinds of files that a passphrase seals."""
    texts = [path.read_text() for path in sorted(SOURCE.glob("desk/*.py"))]
    return {kind for text in texts for kind in re.findall(r'^_KIND = "([^"]+)"', text, re.MULTILINE)}, set(KINDS)


def journal_places() -> Compared:
    """The tables of the journal in which something is sealed."""
    texts = [path.read_text() for path in sorted(SOURCE.glob("journal/*.py"))]
    found = {table for text in texts for table in re.findall(r'place_of\("(\w+)"', text)}
    return found, {table for table, *_ in PLACES.values()}
