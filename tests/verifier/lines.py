"""Lines between desks of many kinds, for evidence of many kinds: their names, officers, terms and certificates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from random import Random

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.core.sample_desks import BEGIN, END, ROUTES, desk_keys, officer_key, seeded, terms
from tests.core.sample_form1 import pair
from watchline.core.certificate import Certificate, SignedCertificate, issue
from watchline.core.checkpoint import ED25519 as SIGNS_LOGS
from watchline.core.checkpoint import VerifierKey
from watchline.core.keys import Ed25519Key, IdentityKey
from watchline.core.pairing import accept_invitation, complete_invitation, make_invitation
from watchline.core.persons import (
    ED25519,
    PASSKEY_ED25519,
    PASSKEY_ES256,
    Assertion,
    Officer,
    PasskeyProof,
    Roster,
    client_data_json,
    sign_assertion,
)
from watchline.core.terms import Clocks, Terms, Witness
from watchline.core.witnessing import WitnessKey

NAMES = (
    ("Aozora Coast Guard", "Haidu 海渡"),
    ("Tokyo", "Tokyo"),
    ("<script>alert(1)</script>", '"; {facts} & \\u0041'),
    ("ｱｵｿﾞﾗ\u200fאב", "e\u0301🛟\u00adx"),
    ("a", "b"),
    ("x" * 128, "\ufeffmark"),
)
ORIGIN = "https://desk.example"
FORM_CLOCKS = {"airspace-object": Clocks(0, 0), "free-text": Clocks(45, None), "holding-reply": Clocks(None, None)}
# The same name, so that the key id orders them; then keys that no verifier of this version takes.
WITNESSES = tuple(WitnessKey("witness.example/w", Ed25519Key(bytes((number,)) * 32)) for number in (1, 2, 3))
CALLED = ("Geneva", "not a, 海 name")
LEFT_OUT = (
    Witness("another kind", VerifierKey("log.example", SIGNS_LOGS, WITNESSES[0].key.public).to_text()),
    Witness("no key", "log.example+x"),
    Witness("another id", WITNESSES[0].verifier.to_text().replace("example/w", "example/v")),
)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True)
class SampleLine:
    """A line and all that its desks hold. certificates: by desk and incarnation, as they could be shown."""

    line: bytes
    files: tuple[bytes, bytes, bytes]
    identities: dict[str, IdentityKey]
    rosters: dict[str, Roster]
    terms: Terms
    witnesses: tuple[WitnessKey, ...]
    later: tuple[tuple[str, int, bytes], ...]


def keys_of(witnesses: tuple[WitnessKey, ...]) -> list[str]:
    return [each.verifier.to_text() for each in witnesses]


@cache
def es256_key(label: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(seeded(f"es256 {label}")(32), "big") % (P256_ORDER - 1) + 1, ec.SECP256R1())


def officers(desk: str) -> tuple[Officer, ...]:
    """Numbers 1 to 8: two at duty, two administrators, a releaser and an auditor, and both kinds of passkeys."""
    plain = [("duty", "Sato"), ("admin", None), ("admin", 'Wu "the" \\'), ("releaser", "李"), ("auditor", None), ("duty", None)]
    people = [
        Officer(number, ED25519, officer_key(desk, number).public, role, name, BEGIN, END)
        for number, (role, name) in enumerate(plain, 1)
    ]
    es256 = es256_key(desk).public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    people.append(Officer(7, PASSKEY_ES256, es256, "duty", "passkey", BEGIN + 2_000, END, "desk.example", ORIGIN))
    ed = officer_key(desk, 8).public
    people.append(Officer(8, PASSKEY_ED25519, ed, "releaser", None, BEGIN, BEGIN + 500, "desk.example", ORIGIN))
    return tuple(people)


def asserted_by(desk: str, officer: Officer, challenge: bytes, random: Random) -> Assertion:
    """This officer's signature on a challenge, as their kind of key makes it."""
    if officer.kind == ED25519:
        return sign_assertion(officer.number, officer_key(desk, officer.number), challenge)
    appended = random.choice([None, b',"other":"\xe6\xb5\xb7"}', b",}"])
    flags, counter = random.choice([0x05, 0x1D]), random.choice([0, 7, 2**32 - 1])
    data = client_data_json(challenge, ORIGIN)
    data = data if appended is None else data[:-1] + appended
    signed = sha256(b"desk.example").digest() + bytes((flags,)) + counter.to_bytes(4, "big") + sha256(data).digest()
    proof = PasskeyProof(flags, counter, appended)
    if officer.kind == PASSKEY_ED25519:
        return Assertion(officer.number, officer.kind, officer_key(desk, officer.number).sign(signed), proof)
    r, s = decode_dss_signature(es256_key(desk).sign(signed, ec.ECDSA(hashes.SHA256())))
    s = P256_ORDER - s if random.random() < 0.5 else s  # both count
    return Assertion(officer.number, officer.kind, r.to_bytes(32, "big") + s.to_bytes(32, "big"), proof)


@cache
def sample_line(number: int) -> SampleLine:
    """Line `number` of a few; each differs in names, terms and what was certified later."""
    names = dict(zip("ab", NAMES[number % len(NAMES)], strict=True))
    identities = {side: IdentityKey.generate(name, seeded(f"verifier {number} {side}")) for side, name in names.items()}
    rosters = {side: Roster(1, officers(desk)) for side, desk in (("a", "A"), ("b", "B"))}
    witnesses = WITNESSES[: number % 3]  # the third one only comes by an amendment
    agreed = replace(
        terms(),
        witnesses=(*(Witness(*named) for named in zip(CALLED, keys_of(witnesses), strict=False)), *LEFT_OUT[: number % 4]),
        form_clocks={**terms().form_clocks, **FORM_CLOCKS},
    )
    agreed = replace(agreed, show_third_parties=number % 3 != 1, release_people=(1, 1, 1, 2) if number % 2 else (1, 1, 1, 1))
    first = {side: certified(identities[side], side, 1, 1) for side in "ab"}
    _, pending = make_invitation(identities["a"], first["a"], rosters["a"], agreed, ROUTES["A"], seeded(f"v1 {number}"))
    file2, _ = accept_invitation(pending.file1, identities["b"], first["b"], rosters["b"], ROUTES["B"], seeded(f"v2 {number}"))
    file3, paired = complete_invitation(pending, file2, identities["a"], seeded(f"v3 {number}"))
    later: list[tuple[str, int, bytes]] = []
    if number % 4 == 1:
        later.append(("a", 2, certified(identities["a"], "a", 2, 1, not_after=2**53 - 1).encoded))
    revoked = (1, BEGIN + 400) if number % 4 == 2 else None
    later.append(("b", 2 + number % 3, certified(identities["b"], "b", 2 + number % 3, 2, revoked=revoked).encoded))
    files, line = (pending.file1, file2, file3), paired.line
    if number % 5 == 4:  # an earlier version paired these
        a, b = ((identities[side], first[side], rosters[side], ROUTES[side.upper()]) for side in "ab")
        files, line = pair(a, b, agreed)
    return SampleLine(line, files, identities, rosters, agreed, witnesses, tuple(later))


def certified(
    key: IdentityKey, side: str, serial: int, inc: int, *, not_after: int = END, revoked: tuple[int, int] | None = None
) -> SignedCertificate:
    public = desk_keys({"a": "A", "b": "B"}[side], inc).public
    return issue(key, Certificate(key.identity.id, None, serial, inc, public, BEGIN, not_after, revoked))
