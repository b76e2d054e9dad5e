from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from tests.core.sample_desks import BEGIN, END, identity_key, officer, officer_key, roster
from watchline.core.certificate import ExpiryRemark
from watchline.core.encoding import decode, encode
from watchline.core.keys import Ed25519Key, HybridSignature
from watchline.core.persons import (
    ASSERTIONS_MAX,
    ED25519,
    KIND_NAMES,
    MAY,
    PASSKEY_ED25519,
    PASSKEY_ES256,
    PURPOSES,
    ROLES,
    Assertion,
    Officer,
    PasskeyProof,
    Roster,
    Signer,
    assertion_challenge,
    client_data_json,
    read_roster_change,
    sign_assertion,
    sign_roster,
    verify_assertion,
    verify_people,
    verify_roster_change,
    verify_signed_roster,
)
from watchline.errors import BadSignature, Malformed, PeerError, WrongParty

LINE, WHAT, NONCE, NOW = b"\x01" * 32, b"\x02" * 32, b"\x03" * 16, BEGIN + 1
RP_ID, ORIGIN = "desk.example", "https://desk.example:8443"
USER_VERIFIED = 0x05
ES256 = ec.derive_private_key(0x1234567890ABCDEF, ec.SECP256R1())
PASSKEY_SEED = Ed25519Key(b"\x07" * 32)
CHALLENGE = assertion_challenge("release", LINE, bytes(32), NONCE, WHAT)
APPENDED = b',"other_keys_can_be_added_here":"do not compare"}'

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "keys.json").read_text())


def passkey_officer(kind: int, role: str = "duty", number: int = 7) -> Officer:
    compressed = ES256.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    key = compressed if kind == PASSKEY_ES256 else PASSKEY_SEED.public
    return Officer(number, kind, key, role, None, BEGIN, END, RP_ID, ORIGIN)


def authenticate(
    kind: int,
    client_data: bytes,
    *,
    flags: int = USER_VERIFIED,
    counter: int = 9,
    rp_id: str = RP_ID,
    appended: bytes | None = None,
) -> Assertion:
    """What an authenticator makes of a browser's clientDataJSON. appended: what the proof says that the browser appended."""
    signed = sha256(rp_id.encode()).digest() + bytes((flags,)) + counter.to_bytes(4, "big") + sha256(client_data).digest()
    if kind == PASSKEY_ES256:
        r, s = decode_dss_signature(ES256.sign(signed, ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    else:
        signature = PASSKEY_SEED.sign(signed)
    return Assertion(7, kind, signature, PasskeyProof(flags, counter, appended))


def people(assertions: list[Assertion], known: Roster, *, purpose: str = "release", needed: int = 1) -> tuple[Signer, ...]:
    return verify_people(
        assertions,
        known,
        purpose=purpose,
        line=LINE,
        sender_id=bytes(32),
        nonce=NONCE,
        what=WHAT,
        now=NOW,
        needed=needed,
    )


def sign(number: int, purpose: str = "release", desk: str = "A") -> Assertion:
    return sign_assertion(number, officer_key(desk, number), assertion_challenge(purpose, LINE, bytes(32), NONCE, WHAT))


def duty_roster(*numbers: int, role: str = "duty") -> Roster:
    return Roster(1, tuple(officer("A", number, role) for number in numbers))


# Rosters


def test_roster_comes_back_from_its_one_encoding() -> None:
    made = Roster(3, (*roster("A").officers, passkey_officer(PASSKEY_ES256), passkey_officer(PASSKEY_ED25519, number=65_535)))
    again = Roster.decode(made.encode())
    assert again == made
    assert again.digest == sha256(made.encode()).digest()
    assert again.officer(1) == made.officers[0]
    assert again.officer(5) is None
    assert "_by_number" not in repr(again)


def test_roster_of_256_officers_is_taken_and_of_257_refused() -> None:
    officers = tuple(
        Officer(number, ED25519, number.to_bytes(32, "big"), "duty", "n" * 128, BEGIN, END) for number in range(1, 258)
    )
    assert Roster.decode(Roster(1, officers[:256]).encode()).officers == officers[:256]
    with pytest.raises(Malformed) as refused:
        Roster(1, officers)
    assert refused.value.rule == 3


def test_roster_of_61_440_bytes_is_taken_and_of_one_more_refused_with_advice() -> None:
    plain = replace(passkey_officer(PASSKEY_ED25519), rp_id="r" * 253)

    def officers(letters: int) -> tuple[Officer, ...]:
        origins = ["https://" + "o" * 240] * 109 + ["https://" + "o" * letters]
        return tuple(
            replace(plain, number=number, key=number.to_bytes(32, "big"), origin=origin)
            for number, origin in enumerate(origins, start=1)
        )

    largest = Roster(1, officers(209))
    assert len(largest.encode()) == 61_440
    assert Roster.decode(largest.encode()) == largest
    with pytest.raises(Malformed) as too_long:
        Roster.decode(largest.encode() + b"\0")
    assert too_long.value.rule == 3
    with pytest.raises(Malformed, match="61440 bytes") as refused:
        Roster(1, officers(210))
    assert refused.value.rule == 3
    assert refused.value.hint


@pytest.mark.parametrize("numbers", [(1, 1), (2, 1)])
def test_officers_twice_or_out_of_order_are_refused(numbers: tuple[int, ...]) -> None:
    officers = [[number, 0, bytes((place,)) * 32, "duty", None, 0, 1, None, None] for place, number in enumerate(numbers)]
    with pytest.raises(Malformed, match="each once"):
        Roster.decode(encode([1, officers]))


def test_one_key_never_counts_as_two_people() -> None:
    twice = replace(officer("A", 1), number=2)
    with pytest.raises(Malformed, match="two officers"):
        Roster(1, (officer("A", 1), twice))


@pytest.mark.parametrize(
    "change",
    [
        {"number": 0},
        {"number": 65_536},
        {"kind": 3},
        {"kind": PASSKEY_ES256},
        {"key": bytes(31)},
        {"role": "king"},
        {"name": ""},
        {"name": "a\nb"},
        {"not_before": -1},
        {"not_after": BEGIN - 1},
        {"rp_id": RP_ID},
        {"origin": ORIGIN},
        {"kind": PASSKEY_ED25519, "rp_id": RP_ID},
        {"kind": PASSKEY_ED25519, "rp_id": "Desk", "origin": ORIGIN},
        {"kind": PASSKEY_ED25519, "rp_id": RP_ID, "origin": 'https://a"b'},
        {"kind": PASSKEY_ED25519, "rp_id": RP_ID, "origin": "https://a\\b"},
        {"kind": PASSKEY_ED25519, "rp_id": RP_ID, "origin": "https://é"},
        {"kind": PASSKEY_ED25519, "rp_id": RP_ID, "origin": "desk.example"},
        {"kind": PASSKEY_ES256, "key": b"\x02" + b"\xff" * 32, "rp_id": RP_ID, "origin": ORIGIN},
        {"kind": PASSKEY_ES256, "key": b"\x04" + bytes(32), "rp_id": RP_ID, "origin": ORIGIN},
    ],
)
def test_officer_with_an_impossible_value_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as refused:
        replace(officer("A", 1), **change)
    assert refused.value.rule in (3, 39)


def test_roster_cut_short_or_with_bytes_left_over_is_refused() -> None:
    encoded = roster("A").encode()
    for bad in [encoded[:end] for end in range(len(encoded))] + [encoded + b"\x00", bytes(70_000)]:
        with pytest.raises(Malformed):
            Roster.decode(bad)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_roster_or_refused(data: bytes) -> None:
    with suppress(PeerError):
        assert Roster.decode(data).encode() == data


# Assertions of command-line keys


def test_assertion_of_a_command_line_key_holds_and_adds_at_most_70_bytes() -> None:
    assertion = sign(1)
    assert verify_assertion(assertion, duty_roster(1), CHALLENGE, NOW) == Signer(officer("A", 1), None)
    assert len(encode(assertion.to_value())) <= 70


@given(
    st.integers(1, 65_535),
    st.binary(min_size=64, max_size=64),
    st.none()
    | st.builds(
        PasskeyProof,
        st.integers(0, 255),
        st.integers(0, 2**32 - 1),
        st.none() | st.binary(max_size=1_022).map(lambda members: b"," + members + b"}"),
    ),
    st.sampled_from([PASSKEY_ES256, PASSKEY_ED25519]),
)
def test_assertion_comes_back_from_its_value(number: int, signature: bytes, proof: PasskeyProof | None, kind: int) -> None:
    made = Assertion(number, kind if proof else ED25519, signature, proof)
    assert Assertion.from_value(decode(encode(made.to_value()))) == made


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        [1, 0],
        [1, 0, bytes(64), 1],
        [0, 0, bytes(64)],
        [65_536, 0, bytes(64)],
        [1, 3, bytes(64)],
        [1, 0, bytes(63)],
        [1, 0, [bytes(64)]],
        [1, 1, bytes(64)],
        [1, 1, [5, 1]],
        [1, 1, [256, 1, bytes(64)]],
        [1, 1, [5, 2**32, bytes(64)]],
        [1, 1, [5, 1, bytes(65)]],
        [1, 1, [5, 1, bytes(64), None]],
        [1, 1, [5, 1, bytes(64), b"," + bytes(1_023) + b"}"]],
        [1, 1, [5, 1, bytes(64), b',"x":1}', 1]],
        [1, 1, [5, 1, bytes(64), b""]],
        [1, 1, [5, 1, bytes(64), b"}"]],
        [1, 1, [5, 1, bytes(64), b'"x":1}']],
        [1, 1, [5, 1, bytes(64), b',"x":1']],
        [1, True, bytes(64)],
    ],
)
def test_value_that_is_no_assertion_is_refused(value: Any) -> None:
    with pytest.raises(Malformed):
        Assertion.from_value(value)


@pytest.mark.parametrize(
    "other",
    [
        assertion_challenge("acknowledge", LINE, bytes(32), NONCE, WHAT),
        assertion_challenge("release", bytes(32), bytes(32), NONCE, WHAT),
        assertion_challenge("release", LINE, LINE, NONCE, WHAT),
        assertion_challenge("release", LINE, bytes(32), None, WHAT),
        assertion_challenge("release", LINE, bytes(32), bytes(16), WHAT),
        assertion_challenge("release", LINE, bytes(32), NONCE, LINE),
    ],
    ids=["purpose", "line", "desk", "no nonce", "nonce", "content"],
)
def test_assertion_for_another_purpose_line_desk_nonce_or_content_is_refused(other: bytes) -> None:
    with pytest.raises(BadSignature):
        verify_assertion(sign(1), duty_roster(1), other, NOW)


def test_assertion_of_an_unknown_officer_is_refused() -> None:
    with pytest.raises(WrongParty):
        verify_assertion(sign(2), duty_roster(1), CHALLENGE, NOW)


def test_assertion_of_another_officer_under_this_number_is_refused() -> None:
    with pytest.raises(BadSignature):
        verify_assertion(replace(sign(2), number=1), duty_roster(1), CHALLENGE, NOW)


def test_assertion_of_the_other_desks_officer_is_refused() -> None:
    with pytest.raises(BadSignature):
        verify_assertion(sign(1, desk="B"), duty_roster(1), CHALLENGE, NOW)


def test_expired_key_is_remarked_on_and_not_cut() -> None:
    assert verify_assertion(sign(1), duty_roster(1), CHALLENGE, END + 5).remark == ExpiryRemark("expired", 5)
    assert verify_assertion(sign(1), duty_roster(1), CHALLENGE, BEGIN - 5).remark == ExpiryRemark("early", 5)


def test_unknown_purpose_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="purpose"):
        assertion_challenge("dance", LINE, bytes(32), NONCE, WHAT)


# Passkeys

KINDS = pytest.mark.parametrize("kind", [PASSKEY_ES256, PASSKEY_ED25519])


def test_client_data_is_rebuilt_as_browsers_write_it() -> None:
    client_data = client_data_json(CHALLENGE, ORIGIN)
    encoded = client_data.split(b'"challenge":"')[1].split(b'"')[0]
    assert urlsafe_b64decode(encoded + b"=") == CHALLENGE
    assert client_data == b'{"type":"webauthn.get","challenge":"' + encoded + (
        b'","origin":"https://desk.example:8443","crossOrigin":false}'
    )


@KINDS
def test_passkey_holds_and_adds_at_most_90_bytes(kind: int) -> None:
    known = Roster(1, (passkey_officer(kind),))
    assertion = authenticate(kind, client_data_json(CHALLENGE, ORIGIN), counter=2**32 - 1)
    assert verify_assertion(assertion, known, CHALLENGE, NOW).officer.number == 7
    assert len(encode(assertion.to_value())) <= 90


@KINDS
def test_passkey_whose_browser_appends_members_carries_those_alone(kind: int) -> None:
    known = Roster(1, (passkey_officer(kind),))
    longer = client_data_json(CHALLENGE, ORIGIN)[:-1] + APPENDED
    assertion = authenticate(kind, longer, appended=APPENDED)
    assert verify_assertion(assertion, known, CHALLENGE, NOW).officer.number == 7
    assert len(encode(assertion.to_value())) <= 90 + len(APPENDED)
    for other in (None, b',"y":1}', b",}"):
        with pytest.raises(BadSignature):
            verify_assertion(authenticate(kind, longer, appended=other), known, CHALLENGE, NOW)


@KINDS
def test_passkey_carries_nothing_appended_where_the_browser_appended_nothing(kind: int) -> None:
    known = Roster(1, (passkey_officer(kind),))
    with pytest.raises(BadSignature):
        verify_assertion(authenticate(kind, client_data_json(CHALLENGE, ORIGIN), appended=b",}"), known, CHALLENGE, NOW)


@KINDS
@pytest.mark.parametrize(
    "client_data",
    [
        client_data_json(bytes(32), ORIGIN),
        client_data_json(CHALLENGE, "https://evil.example"),
        client_data_json(CHALLENGE, ORIGIN).replace(b"webauthn.get", b"webauthn.create"),
        client_data_json(CHALLENGE, ORIGIN).replace(b"false", b"true"),
        b"{}",
    ],
    ids=["challenge", "origin", "type", "cross origin", "empty"],
)
def test_passkey_that_signed_other_client_data_is_refused(kind: int, client_data: bytes) -> None:
    known = Roster(1, (passkey_officer(kind),))
    for assertion in (
        authenticate(kind, client_data),
        authenticate(kind, client_data[:-1] + APPENDED, appended=APPENDED),
    ):
        with pytest.raises(BadSignature):
            verify_assertion(assertion, known, CHALLENGE, NOW)


@KINDS
@pytest.mark.parametrize("flags", [0x00, 0x01, 0x04])
def test_passkey_used_without_verifying_its_user_is_refused(kind: int, flags: int) -> None:
    known = Roster(1, (passkey_officer(kind),))
    with pytest.raises(BadSignature, match="verifying its user"):
        verify_assertion(authenticate(kind, client_data_json(CHALLENGE, ORIGIN), flags=flags), known, CHALLENGE, NOW)


@KINDS
@pytest.mark.parametrize("flags", [0x45, 0x85])
def test_passkey_with_attestation_or_extensions_is_refused(kind: int, flags: int) -> None:
    known = Roster(1, (passkey_officer(kind),))
    with pytest.raises(Malformed):
        verify_assertion(authenticate(kind, client_data_json(CHALLENGE, ORIGIN), flags=flags), known, CHALLENGE, NOW)


@KINDS
def test_passkey_for_another_site_flags_or_counter_is_refused(kind: int) -> None:
    known = Roster(1, (passkey_officer(kind),))
    client_data = client_data_json(CHALLENGE, ORIGIN)
    good = authenticate(kind, client_data)
    changed = [
        authenticate(kind, client_data, rp_id="evil.example"),
        replace(good, passkey=PasskeyProof(0x1D, 9)),
        replace(good, passkey=PasskeyProof(USER_VERIFIED, 10)),
        replace(good, signature=bytes(64)),
        replace(good, signature=good.signature[32:] + good.signature[:32]),
    ]
    for assertion in changed:
        with pytest.raises(BadSignature):
            verify_assertion(assertion, known, CHALLENGE, NOW)


def test_passkeys_proof_for_a_command_line_key_is_refused() -> None:
    known = duty_roster(1)
    with pytest.raises(Malformed, match="no passkey's proof"):
        verify_assertion(replace(sign(1), passkey=PasskeyProof(USER_VERIFIED, 0)), known, CHALLENGE, NOW)


def test_assertion_of_another_kind_than_the_officers_key_is_refused() -> None:
    known = Roster(1, (passkey_officer(PASSKEY_ED25519),))
    wrong = [
        sign_assertion(7, PASSKEY_SEED, CHALLENGE),
        authenticate(PASSKEY_ES256, client_data_json(CHALLENGE, ORIGIN)),
    ]
    for assertion in wrong:
        with pytest.raises(WrongParty):
            verify_assertion(assertion, known, CHALLENGE, NOW)


# People


def test_enough_people_of_the_right_role_are_named() -> None:
    signers = people([sign(1), sign(2)], duty_roster(1, 2), needed=2)
    assert [signer.officer.number for signer in signers] == [1, 2]


def test_too_few_people_are_refused() -> None:
    for given_assertions in ([], [sign(1)]):
        with pytest.raises(WrongParty, match="too few"):
            people(given_assertions, duty_roster(1, 2), needed=2)


def test_one_person_never_counts_twice() -> None:
    with pytest.raises(WrongParty, match="twice"):
        people([sign(1), sign(1)], duty_roster(1, 2), needed=2)


def test_one_bad_assertion_spoils_the_others() -> None:
    with pytest.raises(BadSignature):
        people([sign(1), replace(sign(2), signature=bytes(64))], duty_roster(1, 2), needed=1)


def test_sixteen_assertions_are_taken_and_more_are_refused_unread() -> None:
    numbers = tuple(range(1, 17))
    assert len(people([sign(number) for number in numbers], duty_roster(*numbers))) == ASSERTIONS_MAX == 16
    with pytest.raises(Malformed) as refused:
        people([sign(1)] * 17, duty_roster(1))
    assert refused.value.rule == 3


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("role", ROLES)
def test_each_role_asserts_only_what_it_may(purpose: str, role: str) -> None:
    known, assertions = duty_roster(1, role=role), [sign(1, purpose)]
    if role in MAY[purpose]:
        assert people(assertions, known, purpose=purpose)[0].officer.role == role
    else:
        with pytest.raises(WrongParty, match=f"role {role} may not {purpose}"):
            people(assertions, known, purpose=purpose)


@pytest.mark.parametrize(
    ("role", "purposes"),
    [
        ("duty", {"release", "answer", "cancel", "acknowledge", "decline", "incarnation", "watch"}),
        ("releaser", {"release", "answer", "cancel", "acknowledge", "decline", "terms", "incarnation", "watch"}),
        ("admin", {"roster", "terms", "incarnation"}),
        ("auditor", set()),
    ],
)
def test_each_role_may_what_the_protocol_says(role: str, purposes: set[str]) -> None:
    assert {purpose for purpose in PURPOSES if role in MAY[purpose]} == purposes
    assert set(MAY) == set(PURPOSES)


def test_kinds_of_keys_have_their_names() -> None:
    names = {ED25519: "ed25519", PASSKEY_ES256: "passkey-es256", PASSKEY_ED25519: "passkey-ed25519"}
    assert {kind: KIND_NAMES[kind] for kind in names} == names


def test_auditor_asserts_nothing_and_only_an_admin_changes_the_roster() -> None:
    assert all("auditor" not in roles for roles in MAY.values())
    assert MAY["roster"] == ("admin",)


# Changing the roster

CURRENT = roster("A")
NEXT = Roster(2, (*CURRENT.officers, officer("A", 4)))


def change(proposed: Roster, assertions: list[Assertion], current: Roster = CURRENT) -> tuple[Signer, ...]:
    return verify_roster_change(current, proposed, assertions, line=LINE, sender_id=bytes(32), nonce=None, now=NOW)


def vote(number: int, proposed: Roster = NEXT, purpose: str = "roster") -> Assertion:
    challenge = assertion_challenge(purpose, LINE, bytes(32), None, proposed.digest)
    return sign_assertion(number, officer_key("A", number), challenge)


def test_two_administrators_change_the_roster() -> None:
    assert [signer.officer.number for signer in change(NEXT, [vote(2), vote(3)])] == [2, 3]


@pytest.mark.parametrize(
    "assertions",
    [[], [vote(2)], [vote(2), vote(2)], [vote(1), vote(2)], [vote(2), vote(3, purpose="terms")], [vote(2), vote(3, CURRENT)]],
    ids=["none", "one", "one twice", "a duty officer", "another purpose", "another roster"],
)
def test_stolen_statement_key_makes_no_officers(assertions: list[Assertion]) -> None:
    with pytest.raises(PeerError) as refused:
        change(NEXT, assertions)
    assert refused.value.rule == 3


def test_administrators_of_the_new_roster_do_not_vote_themselves_in() -> None:
    proposed = Roster(2, (officer("A", 5, "admin"), officer("A", 6, "admin")))
    with pytest.raises(WrongParty):
        change(proposed, [vote(5, proposed), vote(6, proposed)])


@pytest.mark.parametrize("version", [1, 3])
def test_roster_that_is_not_the_next_version_is_refused(version: int) -> None:
    proposed = replace(NEXT, version=version)
    with pytest.raises(WrongParty, match="next version"):
        change(proposed, [vote(2, proposed), vote(3, proposed)])


def test_officers_number_is_never_given_to_another_key() -> None:
    proposed = Roster(2, (replace(officer("A", 9), number=1), *CURRENT.officers[1:]))
    with pytest.raises(WrongParty, match="another key"):
        change(proposed, [vote(2, proposed), vote(3, proposed)])


def test_identity_changes_the_roster_of_one_line() -> None:
    key = identity_key("A")
    signature = sign_roster(key, LINE, NEXT)
    verify_signed_roster(CURRENT, NEXT, key.identity, LINE, signature)
    wrong: list[tuple[Roster, bytes, HybridSignature]] = [
        (NEXT, bytes(32), signature),
        (Roster(2, CURRENT.officers), LINE, signature),
        (NEXT, LINE, sign_roster(identity_key("B"), LINE, NEXT)),
    ]
    for proposed, line, given_signature in wrong:
        with pytest.raises(BadSignature):
            verify_signed_roster(CURRENT, proposed, key.identity, line, given_signature)
    with pytest.raises(WrongParty):
        verify_signed_roster(NEXT, NEXT, key.identity, LINE, signature)


def roster_change(proposed: Roster, desk: str = "A", line: bytes = LINE) -> list[Any]:
    signature = sign_roster(identity_key(desk), line, proposed)
    return [proposed.encode(), signature.ed, signature.ml]


def test_roster_entry_that_the_identity_signed_gives_the_new_roster() -> None:
    content = encode(roster_change(NEXT))
    assert read_roster_change(content, CURRENT, identity_key("A").identity, LINE) == NEXT


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (roster_change(NEXT, desk="B"), 4),
        (roster_change(NEXT, line=WHAT), 4),
        (roster_change(replace(NEXT, version=3)), 3),
        ([Roster(2, (*NEXT.officers, officer("A", 5))).encode(), *roster_change(NEXT)[1:]], 4),
        (roster_change(NEXT)[:2], 39),
        ([*roster_change(NEXT), None], 39),
        ([None, *roster_change(NEXT)[1:]], 39),
        ([roster_change(NEXT)[0], bytes(63), roster_change(NEXT)[2]], 39),
        ([roster_change(NEXT)[0], roster_change(NEXT)[1], bytes(4_626)], 39),
    ],
    ids=["desk", "line", "version", "roster", "too few", "too many", "no roster", "short ed", "short ml"],
)
def test_roster_entry_that_says_anything_else_changes_no_roster(content: list[Any], rule: int) -> None:
    with pytest.raises(PeerError) as refused:
        read_roster_change(encode(content), CURRENT, identity_key("A").identity, LINE)
    assert refused.value.rule == rule


def test_vectors_of_roster_and_assertion_hold() -> None:
    assert roster("A").encode().hex() == VECTORS["roster"]["encoded"]
    assert roster("A").digest.hex() == VECTORS["roster"]["digest"]
    vector = VECTORS["assertion"]
    line, nonce, what = (bytes.fromhex(vector[name]) for name in ("line", "nonce", "what"))
    challenge = assertion_challenge(vector["purpose"], line, identity_key("A").identity.id, nonce, what)
    assert challenge.hex() == vector["challenge"]
    assertion = Assertion.from_value(decode(bytes.fromhex(vector["encoded"])))
    assert verify_assertion(assertion, roster("A"), challenge, NOW).officer.name == "Sato"
