"""Officers of this desk: their sealed key files, their signatures, and changes of the roster (rule 3).

A key file is `officers/NAME.key` in the home, sealed by the officer's own passphrase. It is opened in the process in which the
officer types, for one signature; no node ever holds it. A changed roster goes to the peers as an entry signed by the identity.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from watchline.core import shapes
from watchline.core.encoding import Value, decode, encode
from watchline.core.entries import Body, Place
from watchline.core.keys import SEED_BYTES, Ed25519Key, IdentityKey
from watchline.core.persons import (
    ED25519,
    MAY,
    OFFICER_NUMBER_MAX,
    Officer,
    Roster,
    assertion_challenge,
    sign_assertion,
    sign_roster,
)
from watchline.core.release import asserted
from watchline.desk.secrets import COST, Cost, read_secret_file, seal, unseal, write_private_file
from watchline.errors import Malformed, SecretError, UsageError

VALIDITY_SECONDS = 366 * 24 * 3600
_KIND = "watchline officer"
_NAME_BYTES_MAX = 64


@dataclass(frozen=True, slots=True)
class OfficerKey:
    """An officer's secret. number: the one in the roster that stands for this key for ever."""

    number: int
    name: str
    key: Ed25519Key = field(repr=False)

    def officer(self, role: str, now: int) -> Officer:
        """What the roster says of this officer. Raises Malformed (rule 3) for a role that does not exist."""
        return Officer(self.number, ED25519, self.key.public, role, self.name, now, now + VALIDITY_SECONDS)

    def sign(
        self, kind: int, line: bytes, own_id: bytes, nonce: bytes | None, content: bytes, meant: Place | None = None
    ) -> Value:
        """Stand for an entry of this type: one of the assertions of its body.

        meant: of an answer or a cancel, where the entry that it refers to stood first, as `resolve` tells.
        """
        purpose, what = asserted(kind, Body(content), meant)
        challenge = assertion_challenge(purpose, line, own_id, nonce, what)
        return sign_assertion(self.number, self.key, challenge).to_value()


def new_officer_key(roster: Roster | None, name: str) -> OfficerKey:
    """Make a key for a new officer, with a number that was never used. Raises UsageError for a name that no file can have."""
    check_officer_name(name)
    number = 1 + max((officer.number for officer in roster.officers), default=0) if roster else 1
    if number > OFFICER_NUMBER_MAX:
        raise UsageError("this desk has given out all officer numbers", hint="ask for a new identity")
    return OfficerKey(number, name, Ed25519Key(os.urandom(SEED_BYTES)))


def write_officer_key(folder: Path, officer: OfficerKey, passphrase: str, cost: Cost = COST) -> Path:
    """Seal a key file; UsageError if the name has one already."""
    content = encode([officer.number, officer.name, officer.key.seed])
    path = officer_path(folder, officer.name)
    write_private_file(path, seal(_KIND, content, passphrase, cost))
    return path


def open_officer_key(folder: Path, name: str, passphrase: str) -> OfficerKey:
    """Open a key file. Raises UsageError for an officer without one here, SecretError for a wrong passphrase."""
    path = officer_path(folder, name)
    if not path.exists():
        raise _no_officer(folder, name)
    what = f"the key of officer {name}"
    content = unseal(_KIND, read_secret_file(path, what=what), passphrase, what=what)
    try:
        number, found, seed = shapes.array(decode(content), "officer key", length=3)
        return OfficerKey(
            shapes.integer(number, "number", at_least=1, at_most=OFFICER_NUMBER_MAX),
            shapes.text(found, "name", at_most=_NAME_BYTES_MAX),
            Ed25519Key(shapes.octets(seed, "seed", length=SEED_BYTES)),
        )
    except Malformed as error:
        raise SecretError(f"{what} cannot be read: {error.message}", hint="use the version that wrote it") from None


def officer_names(folder: Path) -> list[str]:
    """Who has a key file here, in order of the names."""
    return sorted(path.stem for path in folder.glob("*.key"))


def officer_path(folder: Path, name: str) -> Path:
    """Where the key file of this name is. Raises UsageError for a name no file can have."""
    check_officer_name(name)
    return folder / f"{name}.key"


def check_officer_name(name: str) -> None:
    """Raise UsageError unless the name can stand in the roster and be a file's: letters, digits, `-`, `_` and `.`."""
    good = name[:1].isalnum() and all(character.isalnum() or character in "-_." for character in name)
    if not good or len(name.encode("utf-8")) > _NAME_BYTES_MAX:
        raise UsageError(
            f"an officer's name has 1 to {_NAME_BYTES_MAX} bytes of letters, digits, '-', '_' and '.', a letter or digit first",
            hint="choose another name, such as duty or sato",
            given=name[:80],
        )


_DEEDS = {"roster": "change the roster", "terms": "amend the terms", "incarnation": "confirm an incarnation"}


def check_may(officer: OfficerKey, roster: Roster, purpose: str) -> Officer:
    """What the roster, as the peer knows it, says of this officer. Raises UsageError if it does not let them do this.

    Dates are not judged: an expired key is a warning, never a cut (rule 36).
    """
    known = roster.officer(officer.number)
    if known is None or known.key != officer.key.public:
        raise UsageError(
            f"officer {officer.name} is not in the roster of this line",
            hint="see who is: watchline officer list",
            officer=officer.name,
        )
    if known.role not in MAY[purpose]:
        raise UsageError(
            f"officer {officer.name} has the role {known.role}, which may not {_DEEDS.get(purpose, purpose)}",
            hint=f"let one of these do it: {', '.join(MAY[purpose])}",
            officer=officer.name,
            role=known.role,
        )
    return known


def with_officer(roster: Roster, officer: Officer) -> Roster:
    """The next version of a roster, with one officer more."""
    return Roster(roster.version + 1, (*roster.officers, officer))


def without_officer(roster: Roster, name: str, now: int) -> Roster:
    """The next version of a roster, in which the officer of this name may do nothing any more.

    The entry stays, so that its number is never given to another key: as an auditor's, valid until now. Raises UsageError if
    there is no such officer, or none who may release would be left.
    """
    revoked = [officer for officer in roster.officers if officer.name == name and officer.not_after > now]
    if not revoked:
        names = [officer.name or str(officer.number) for officer in roster.officers if officer.not_after > now]
        raise UsageError(f"no officer in force is called {name[:80]!r}", hint=f"there are {', '.join(names)}", allowed=names)
    ended = tuple(_ended(officer, now) if officer in revoked else officer for officer in roster.officers)
    if not any(officer.role in MAY["release"] for officer in ended):
        raise UsageError("nobody would be left who may release a notice", hint="add another officer first")
    return Roster(roster.version + 1, ended)


def sign_roster_change(key: IdentityKey, line: bytes, roster: Roster) -> bytes:
    """The content of a ROSTER entry: dCBOR[roster, ed, ml], signed by the identity for this line."""
    signature = sign_roster(key, line, roster)
    return encode([roster.encode(), signature.ed, signature.ml])


def _ended(officer: Officer, now: int) -> Officer:
    # Dates alone would not do: past its dates a key is only remarked on.
    return replace(officer, role="auditor", not_before=min(officer.not_before, now), not_after=now)


def _no_officer(folder: Path, name: str) -> UsageError:
    names = officer_names(folder)
    return UsageError(
        f"no officer of this desk is called {name[:80]!r}",
        hint=f"there are {', '.join(names)}" if names else "make one: watchline officer add",
        allowed=names,
    )
