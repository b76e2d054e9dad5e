"""What is signed or sealed and read from a file, a body or the disk: each with its reader, and changed in each place.

The desks are A and B, who share a line and have paired once before; the third desk is C, which paired with each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial

from reliability.parties.alterations import changes, flipped
from reliability.parties.attempts import Attempt, ReaderSlot, of
from reliability.parties.promises import STATEMENTS, read_certificate, read_sworn, sworn
from reliability.parties.promises import certificate as certificate_of_silence
from reliability.parties.renewals import genuine as genuine_renewal
from reliability.parties.renewals import read_step
from tests.core.sample_desks import (
    BEGIN,
    END,
    accept,
    desk_keys,
    identity_key,
    invite,
    officer,
    officer_key,
    paired,
    seeded,
    signed_certificate,
    terms,
)
from tests.core.sample_form1 import desk, pair
from watchline.core import certificate as certificates
from watchline.core import pairing as pairings
from watchline.core import pairing_form1, persons, release
from watchline.core import renewal as renewals
from watchline.core.certificate import Certificate, choose_certificate, issue, parse_certificate
from watchline.core.encoding import Value, decode, encode
from watchline.core.entries import Body, Direction, EntryType, Notice, Place, Precedence, Response
from watchline.core.keys import IdentityKey
from watchline.core.pairing import MAGIC, complete_acceptance, complete_invitation, read_invitation
from watchline.core.pairing_shown import Parts, read_shown_parts, shown_parts
from watchline.core.persons import MAY, Roster, assertion_challenge, read_roster_change, sign_assertion, sign_roster
from watchline.core.release import PURPOSE_OF, verify_roster_entry
from watchline.core.terms import Terms
from watchline.errors import WrongParty

NOW = BEGIN + 1_000
ROLES = ("duty", "releaser", "admin", "admin", "auditor")
ROSTER = Roster(1, tuple(officer("A", number, role) for number, role in enumerate(ROLES, start=1)))
MEANT = Place(1, 1, 3)  # what the answer and the cancel of this module are released for
SIGNED: dict[str, tuple[EntryType, Place | None]] = {
    **{kind.name: (kind, MEANT if kind == EntryType.CANCEL else None) for kind in EntryType if kind in PURPOSE_OF},
    "ANSWER": (EntryType.NOTICE, MEANT),
}
"""Every entry that people stand behind, and what its release names."""
IDENTITY_PURPOSES = (
    certificates.PURPOSE,
    pairings.PURPOSE,
    pairing_form1.PURPOSE,
    renewals.PURPOSE,
    persons.ROSTER_PURPOSE,
)


@dataclass(frozen=True)
class Readable:
    """One kind of object that is read as bytes. read: raises for what it refuses. prefix: bytes before the encoding.

    signed, malformed: how it ends when a value is changed that still has its form, and that has not.
    """

    name: str
    genuine: bytes
    read: Callable[[Value], object]
    signed: frozenset[str]
    malformed: frozenset[str]
    prefix: bytes = b""

    @property
    def slot(self) -> ReaderSlot:
        return ReaderSlot(self.read)

    @property
    def value(self) -> Value:
        """The genuine object as a value."""
        return decode(self.genuine[len(self.prefix) :])

    def encode(self, value: Value) -> bytes:
        """A changed value as bytes of this kind."""
        return self.prefix + encode(value)


def line() -> bytes:
    """LINE of A and B."""
    return paired()[1].line


@cache
def other_line() -> bytes:
    """LINE of another pairing of A and B."""
    return other_pairing()[1].line


@cache
def other_pairing(one: str = "A", other: str = "B") -> tuple[tuple[bytes, bytes, bytes], pairings.Pairing]:
    """Another pairing, of the same or other desks: its three files and the line."""
    file1, invitation = invite(one, "other")
    file2, _ = accept(file1, other, "other")
    file3, made = complete_invitation(invitation, file2, identity_key(one), seeded(f"other {one} {other}"))
    return (file1, file2, file3), made


# --- certificates


@cache
def renewed(*, desk: str = "A", inc: int = 1, keys: int = 1, on: bytes | None = None, revoked: bool = False) -> Certificate:
    """The next certificate of a desk; with other incarnations, keys, line and a revocation where they are given."""
    public = desk_keys(desk, keys).public
    revocation = (1, BEGIN) if revoked else None
    return Certificate(identity_key(desk).identity.id, on, 2, inc, public, BEGIN, END, revocation)


def certificate_reader(known: Certificate | None = None) -> Callable[[Value], None]:
    """How a line of B with A reads an offered certificate, where this one counts, or the first; no newer one is refused too."""
    current = signed_certificate("A") if known is None else issue(identity_key("A"), known)

    def read(data: Value) -> None:
        offered = parse_certificate(data, identity_key("A").identity)
        if choose_certificate(current, offered, line()) is current:
            raise WrongParty("this certificate is no newer one", rule=2)

    return read


def signed_as(key: IdentityKey, purpose: str, body: bytes, *more: Value) -> bytes:
    """dCBOR[body, ed, ml, ...], as certificates and pairing files are signed."""
    signature = key.sign(purpose, body)
    return encode([body, signature.ed, signature.ml, *more])


# --- people


def content_of(kind: EntryType) -> bytes:
    """The content of an entry that people stand behind."""
    if kind in (EntryType.NOTICE, EntryType.CANCEL):
        return Notice("statement", 1, Precedence.FLASH, False, "ja", {1: "気球"}).encode()
    if kind == EntryType.ROSTER:
        return encode([next_roster().encode(), None, None])
    if kind == EntryType.TERMS:
        return terms().encode()
    return Response(kind, 1, 1, 3, bytes(32), "ja").encode()


def next_roster() -> Roster:
    """The roster that follows `ROSTER`, with one officer more."""
    return Roster(2, (*ROSTER.officers, officer("A", 6, "duty")))


NONCE = bytes(range(16))


def signed_for(name: str, meant: Place | None = None) -> tuple[str, bytes]:
    """What officers sign for an entry: (purpose, `what`). meant: another reference than that of the genuine one."""
    kind, named = SIGNED[name]
    purpose, what = release.asserted(kind, Body(content_of(kind)), meant or named)
    return purpose, next_roster().digest if kind == EntryType.ROSTER else what


def asserted(
    name: str, *, purpose: str | None = None, on: bytes | None = None, desk: str = "A", nonce: bytes = NONCE,
    what: bytes | None = None, signers: tuple[int, ...] | None = None, keys_of: str = "A", shown_nonce: bytes = NONCE,
) -> bytes:  # fmt: skip
    """The body of an entry with the assertions that it needs; each argument is one thing that they can be made wrongly for."""
    right_purpose, right_what = signed_for(name)
    sender = identity_key(desk).identity.id
    challenge = assertion_challenge(purpose or right_purpose, on or line(), sender, nonce, what or right_what)
    numbers = signers or right_signers(name)
    assertions = tuple(sign_assertion(number, officer_key(keys_of, number), challenge).to_value() for number in numbers)
    return Body(content_of(SIGNED[name][0]), shown_nonce, assertions).encode()


def right_signers(name: str) -> tuple[int, ...]:
    """Officers who may, as many as are needed."""
    needed = 2 if name in ("ROSTER", "TERMS", "CONFIRM") else 1
    return tuple(each.number for each in ROSTER.officers if each.role in MAY[signed_for(name)[0]])[:needed]


def reader_of_entry(name: str) -> Callable[[Value], object]:
    """How B judges who stands behind an entry of A."""
    kind, meant = SIGNED[name]

    def read(data: Value) -> object:
        body = Body.decode(data)
        own = identity_key("A").identity
        if kind == EntryType.ROSTER:
            return verify_roster_entry(body, ROSTER, own, line(), NOW)
        direction = Direction(line(), own.id, identity_key("B").identity.id, 1, 1)
        return release.verify_release(kind, body, meant, direction, ROSTER, terms(), NOW)

    return read


def roster_by_identity(*, on: bytes | None = None, desk: str = "A", roster: Roster | None = None) -> bytes:
    """dCBOR[roster, ed, ml], signed by an identity."""
    changed = roster or next_roster()
    signature = sign_roster(identity_key(desk), on or line(), changed)
    return encode([changed.encode(), signature.ed, signature.ml])


def read_roster(data: Value) -> Roster:
    """How B takes a roster that A's identity signed."""
    return read_roster_change(data, ROSTER, identity_key("A").identity, line())


# --- what there is


@cache
def readables() -> dict[str, Readable]:
    """Everything of this module, by name."""
    (file1, file2, file3), _, _ = paired()
    _, invitation = invite()
    _, acceptance = accept(file1)
    found = [
        Readable(
            "certificate", issue(identity_key("A"), renewed()).encoded, certificate_reader(),
            of("bad-signature 2", "wrong-party 2"), of("malformed 39", "malformed 2"),
        ),
        Readable(
            "certificate with a revocation", issue(identity_key("A"), renewed(inc=2, keys=2, revoked=True)).encoded,
            certificate_reader(), of("bad-signature 2", "wrong-party 2"), of("malformed 39", "malformed 2"),
        ),
        Readable(
            "pairing file 1", file1, read_invitation, of("bad-signature 5", "wrong-party 5"), of("malformed 5"), MAGIC
        ),
        Readable(
            "pairing file 2", file2, lambda data: complete_invitation(invitation, data, identity_key("A"), seeded("again")),
            of("bad-signature 5", "wrong-party 5"), of("malformed 5"), MAGIC,
        ),
        Readable(
            "pairing file 3", file3, lambda data: complete_acceptance(acceptance, data),
            of("bad-signature 5", "wrong-party 5"), of("malformed 5"), MAGIC,
        ),
        *(
            Readable(
                f"renewal file {number}", file, partial(read_step, number),
                of("bad-signature 5", "wrong-party 5"), of("malformed 5"), renewals.MAGIC,
            )
            for number, file in enumerate(genuine_renewal().files, start=1)
        ),
        Readable(
            "roster by identity", roster_by_identity(), read_roster,
            of("bad-signature 4", "wrong-party 3"), of("malformed 39", "malformed 3"),
        ),
        Readable(
            "silence certificate", certificate_of_silence().encode(), read_certificate,
            of("bad-signature 4", "wrong-party 4", "wrong-party 25", "wrong-party 33", "bad-proof 33"),
            of("malformed 33", "malformed 39", "malformed 4", "malformed 25"),
        ),
        *(
            Readable(
                f"{word} of a watch", sworn(statement), read_sworn,
                of("bad-signature 3", "wrong-party 3"), of("malformed 39", "malformed 3", "bad-signature 4"),
            )
            for word, statement in STATEMENTS.items()
        ),
        *(
            Readable(
                f"body of {name}", asserted(name), reader_of_entry(name),
                of("bad-signature 3", "wrong-party 3", "wrong-party 8"), of("malformed 39", "malformed 3", "bad-signature 4"),
            )
            for name in SIGNED
        ),
    ]  # fmt: skip
    return {each.name: each for each in found}


def changed_files() -> Iterator[Attempt]:
    """Each object with each single change, the signatures as they were."""
    for each in readables().values():
        for change in changes(each.value):
            if each.name.startswith("body") and change.name == "2: reversed":
                continue  # officers stand beside each other, in no order
            if (each.name, change.name) == ("silence certificate", "6.2: null"):
                continue  # a status with Ed25519 alone is allowed, and told (rule 4)
            yield Attempt(
                f"{each.name}, {change.name}", each.slot, each.encode(change.value), each.signed | each.malformed, each.genuine
            )
        data = each.genuine
        for bit in range(0, 8 * len(data), 8 * max(1, len(data) // 64) + 1):
            yield Attempt(f"{each.name}, bit {bit}", each.slot, flipped(data, bit), each.signed | each.malformed, data)
        for about, other in (("cut by one byte", data[:-1]), ("one byte longer", data + b"\0"), ("nothing", b"")):
            yield Attempt(f"{each.name}, {about}", each.slot, other, each.malformed, data)


def shown_by(form: int, one: str = "A", other: str = "B", *, again: bool = False) -> Parts:
    """What evidence shows of a pairing by files of this form. again: another one of the same desks."""
    if form == 2:
        return shown_parts(other_pairing(one, other)[0] if again or (one, other) != ("A", "B") else paired()[0])
    agreed = replace(terms(), body_days=terms().body_days + 1) if again else terms()
    return _form_1(one, other, agreed.encode())


@cache
def _form_1(one: str, other: str, agreed: bytes) -> Parts:
    return pair(desk(one), desk(other), Terms.decode(agreed))[0]


def read_three(number: int, form: int) -> Callable[[Value], object]:
    """The reader of evidence, with one of the three parts that show a pairing replaced."""

    def read(data: Value) -> object:
        shown = list(shown_by(form))
        shown[number - 1] = data
        return read_shown_parts((shown[0], shown[1], shown[2]))

    return read
