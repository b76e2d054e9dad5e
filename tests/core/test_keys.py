from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import fields, replace
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from tests.core.sample_desks import desk_keys, identity_key, seeded
from watchline.core.encoding import decode, encode
from watchline.core.keys import (
    ED25519_PUBLIC_BYTES,
    ED25519_SIGNATURE_BYTES,
    KEM_ENCAPSULATION_BYTES,
    KEM_OVERHEAD_BYTES,
    KEM_PUBLIC_BYTES,
    MLDSA44_PUBLIC_BYTES,
    MLDSA44_SIGNATURE_BYTES,
    MLDSA87_PUBLIC_BYTES,
    MLDSA87_SIGNATURE_BYTES,
    DeskKeys,
    DeskPublic,
    Ed25519Key,
    HybridSignature,
    Identity,
    IdentityKey,
    KemKey,
    StatementKey,
    StatementPublic,
    check_name,
    hkdf_expand,
    hkdf_extract,
    hmac256,
    seal_to,
    tls_fingerprint,
    verify_ed25519,
)
from watchline.errors import BadSignature, Malformed, PeerError, UsageError

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "keys.json").read_text())
XWING_SEED = bytes.fromhex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26")
seeds = st.binary(min_size=32, max_size=32)


def changed(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


# HMAC and HKDF


def test_hkdf_of_rfc_5869_case_1() -> None:
    prk = hkdf_extract(bytes.fromhex("000102030405060708090a0b0c"), b"\x0b" * 22)
    assert prk.hex() == "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
    okm = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    assert hkdf_expand(prk, bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"), 42).hex() == okm


@given(seeds, st.binary(max_size=40), st.binary(max_size=80), st.integers(1, 200))
def test_hkdf_and_hmac_agree_with_other_implementations(salt: bytes, info: bytes, ikm: bytes, length: int) -> None:
    prk = hkdf_extract(salt, ikm)
    assert prk == HKDF.extract(hashes.SHA256(), salt, ikm)
    assert hkdf_expand(prk, info, length) == HKDFExpand(hashes.SHA256(), length, info).derive(prk)
    assert hmac256(salt, ikm) == hmac.new(salt, ikm, sha256).digest()


def test_hkdf_gives_no_more_than_it_can() -> None:
    assert len(hkdf_expand(bytes(32), b"", 8_160)) == 8_160
    with pytest.raises(ValueError, match=r"8,160"):
        hkdf_expand(bytes(32), b"", 8_161)


# Ed25519


@given(seeds, st.binary(max_size=300))
def test_ed25519_agrees_with_another_implementation(seed: bytes, message: bytes) -> None:
    key, other = Ed25519Key(seed), Ed25519PrivateKey.from_private_bytes(seed)
    assert key.public == other.public_key().public_bytes_raw()
    assert key.sign(message) == other.sign(message)
    verify_ed25519(key.public, key.sign(message), message)


@pytest.mark.parametrize("at", range(64))
def test_ed25519_signature_with_a_changed_byte_is_refused(at: int) -> None:
    key = Ed25519Key(bytes(32))
    with pytest.raises(BadSignature) as refused:
        verify_ed25519(key.public, changed(key.sign(b"m"), at), b"m")
    assert refused.value.rule == 4


def test_ed25519_signature_over_another_message_or_by_another_key_is_refused() -> None:
    key, other = Ed25519Key(bytes(32)), Ed25519Key(bytes(31) + b"\x01")
    for public, message in ((key.public, b"n"), (other.public, b"m")):
        with pytest.raises(BadSignature):
            verify_ed25519(public, key.sign(b"m"), message)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_ed25519_key_of_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(BadSignature):
        verify_ed25519(bytes(length), bytes(64), b"m")


@pytest.mark.parametrize("length", [0, 63, 65, 128])
def test_ed25519_signature_of_wrong_length_is_refused(length: int) -> None:
    key = Ed25519Key(bytes(32))
    with pytest.raises(BadSignature):
        verify_ed25519(key.public, (key.sign(b"m") * 2)[:length], b"m")


def test_ed25519_key_of_small_order_that_signs_everything_is_refused() -> None:
    # The neutral element: R = the neutral element and S = 0 would hold for any message.
    neutral = b"\x01" + bytes(31)
    with pytest.raises(BadSignature):
        verify_ed25519(neutral, neutral + bytes(32), b"anything")


def test_seed_of_wrong_length_is_our_own_mistake() -> None:
    makers: list[Callable[[bytes], object]] = [Ed25519Key, KemKey, lambda seed: StatementKey(bytes(32), seed)]
    for make in makers:
        with pytest.raises(ValueError, match="32 bytes"):
            make(bytes(31))


# Statement keys


def test_statement_needs_both_halves() -> None:
    key = desk_keys("A").statement
    good, other = key.sign(b"m"), key.sign(b"n")
    key.public.verify(b"m", good.ed, good.ml)
    for ed, ml in ((good.ed, other.ml), (other.ed, good.ml), (good.ed, good.ml[:-1]), (good.ed, b""), (b"", good.ml)):
        with pytest.raises(BadSignature):
            key.public.verify(b"m", ed, ml)


def test_statement_with_ed25519_alone_holds_only_where_the_caller_says_so() -> None:
    key = desk_keys("A").statement
    key.public.verify(b"m", key.sign_ed(b"m"), None)
    with pytest.raises(BadSignature):
        key.public.verify(b"n", key.sign_ed(b"m"), None)


def test_statement_signed_outside_our_context_is_refused() -> None:
    key = desk_keys("A").statement
    with pytest.raises(BadSignature):
        key.public.verify(b"m", key.sign_ed(b"m"), key._ml.sign(b"m", b"another protocol"))


def test_statement_of_another_desk_is_refused() -> None:
    signature = desk_keys("A").statement.sign(b"m")
    with pytest.raises(BadSignature):
        desk_keys("B").statement.public.verify(b"m", signature.ed, signature.ml)


@pytest.mark.parametrize(("ed", "ml"), [(31, 1_312), (33, 1_312), (32, 1_311), (32, 1_313), (32, 0)])
def test_statement_key_of_wrong_length_is_refused(ed: int, ml: int) -> None:
    with pytest.raises(Malformed):
        StatementPublic(bytes(ed), bytes(ml))


# Identities


def test_identity_and_its_secret_come_back_from_their_bytes() -> None:
    key = identity_key("B")
    assert IdentityKey.decode(key.encode()) == key
    assert Identity.decode(key.identity.encode()) == key.identity
    assert hash(key) == hash(IdentityKey.decode(key.encode()))
    assert key.identity.id == sha256(encode([key.desk, key.identity.ed, key.identity.ml])).digest()


def test_identity_fingerprint_is_ten_groups_of_four_hex_digits_of_its_id() -> None:
    identity = identity_key("A").identity
    groups = identity.fingerprint.split(" ")
    assert [len(group) for group in groups] == [4] * 10
    assert identity.id.hex().startswith("".join(groups))


def test_identity_signature_for_one_purpose_does_not_hold_for_another() -> None:
    key = identity_key("A")
    signature = key.sign("watchline/1 certificate", b"m")
    key.identity.verify("watchline/1 certificate", b"m", signature)
    for purpose, message in (
        ("watchline/1 pairing", b"m"),
        ("watchline/1 certificate", b"n"),
        ("watchline/1", b"certificate\0m"),
    ):
        with pytest.raises(BadSignature):
            key.identity.verify(purpose, message, signature)


def test_identity_signature_needs_both_halves() -> None:
    key = identity_key("A")
    good, other = key.sign("p", b"m"), key.sign("p", b"n")
    for signature in (HybridSignature(good.ed, other.ml), HybridSignature(other.ed, good.ml), HybridSignature(good.ed, b"")):
        with pytest.raises(BadSignature):
            key.identity.verify("p", b"m", signature)


def test_identity_signature_of_another_desk_is_refused() -> None:
    with pytest.raises(BadSignature):
        identity_key("B").identity.verify("p", b"m", identity_key("A").sign("p", b"m"))


def test_identity_with_another_name_has_another_id() -> None:
    identity = identity_key("A").identity
    assert Identity("Someone else", identity.ed, identity.ml).id != identity.id


@pytest.mark.parametrize(
    "name", ["", "a\nb", "a\x00", "\x7f", "a\u2028b", " a", "a ", "a\u202eb", "a\u2066b", "x" * 129, "海" * 43]
)
def test_desk_name_that_does_not_show_as_it_is_is_refused(name: str) -> None:
    identity = identity_key("A").identity
    with pytest.raises(Malformed) as refused:
        Identity.decode(encode([name, identity.ed, identity.ml]))
    assert refused.value.rule in (1, 39)
    with pytest.raises(UsageError):
        IdentityKey.generate(name, seeded("name"))


@pytest.mark.parametrize("name", ["x", "海上保安庁 運用司令センター", "مركز العمليات", "x" * 128])
def test_desk_name_in_any_language_is_taken(name: str) -> None:
    assert IdentityKey.generate(name, seeded("name")).identity.desk == name


def test_lone_surrogate_in_desk_name_is_refused() -> None:
    with pytest.raises(UsageError):
        IdentityKey.generate("a\ud800", seeded("name"))


# X-Wing and HPKE


def test_xwing_public_key_is_that_of_draft_vector_1() -> None:
    assert KemKey(XWING_SEED).public[:16].hex() == "e2236b35a8c24b39b10aa1323a96a919"
    assert len(KemKey(XWING_SEED).public) == 1_216


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_what_is_sealed_opens(plaintext: bytes, info: bytes) -> None:
    key = KemKey(XWING_SEED)
    sealed = seal_to(key.public, plaintext, info)
    assert len(sealed) == len(plaintext) + KEM_OVERHEAD_BYTES
    assert key.open(sealed, info) == plaintext


def test_sealed_value_for_another_key_or_purpose_does_not_open() -> None:
    key = KemKey(XWING_SEED)
    for sealed in (seal_to(key.public, b"secret", b"another"), seal_to(KemKey(bytes(32)).public, b"secret", b"info")):
        with pytest.raises(BadSignature):
            key.open(sealed, b"info")


@pytest.mark.parametrize("at", [0, 500, 1_087, 1_088, 1_119, 1_120, -1])
def test_sealed_value_with_a_changed_byte_does_not_open(at: int) -> None:
    key = KemKey(XWING_SEED)
    sealed = seal_to(key.public, b"secret", b"info")
    with pytest.raises(BadSignature):
        key.open(changed(sealed, at % len(sealed)), b"info")


def test_sealed_value_cut_short_or_with_bytes_left_over_does_not_open() -> None:
    key = KemKey(XWING_SEED)
    sealed = seal_to(key.public, b"secret", b"info")
    for length in (0, 1, 1_088, 1_120, 1_135):
        with pytest.raises(Malformed):
            key.open(sealed[:length], b"info")
    for bad in (sealed[:-1], sealed + b"\x00"):
        with pytest.raises(BadSignature):
            key.open(bad, b"info")


def test_sealed_value_with_an_x25519_part_of_small_order_does_not_open() -> None:
    key = KemKey(XWING_SEED)
    sealed = seal_to(key.public, b"secret", b"info")
    with pytest.raises(BadSignature):
        key.open(sealed[:1_088] + bytes(32) + sealed[1_120:], b"info")


@pytest.mark.parametrize("length", [0, 32, 1_184, 1_215, 1_217])
def test_xwing_key_of_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(Malformed):
        seal_to((KemKey(XWING_SEED).public * 2)[:length], b"secret", b"info")


def test_xwing_key_that_is_none_is_refused() -> None:
    public = KemKey(XWING_SEED).public
    for bad in (b"\xff" * 1_184 + public[1_184:], public[:1_184] + bytes(32)):
        with pytest.raises(Malformed) as refused:
            seal_to(bad, b"secret", b"info")
        assert refused.value.rule == 12


# Desk keys


def test_desk_keys_come_back_from_their_bytes() -> None:
    keys = desk_keys("A")
    again = DeskKeys.decode(keys.encode())
    assert again == keys
    assert hash(again) == hash(keys)
    assert again.public == keys.public
    assert desk_keys("B") != keys


def test_tls_fingerprint_is_that_of_the_subject_public_key_info() -> None:
    public = Ed25519PrivateKey.from_private_bytes(desk_keys("A").tls).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert desk_keys("A").public.tls_fingerprint == sha256(der).digest() == tls_fingerprint(public.public_bytes_raw())


def test_no_key_serves_two_purposes() -> None:
    keys = desk_keys("A").public
    repeated = [(keys.log, keys.log), (keys.statement.ed, keys.custody), (keys.log, keys.statement.ed)]
    for log, custody in repeated:
        with pytest.raises(Malformed, match="two purposes"):
            DeskPublic(keys.statement, log, custody, keys.kem, keys.tls_fingerprint)
    with pytest.raises(Malformed, match="two purposes"):
        DeskPublic(keys.statement, keys.log, keys.custody, keys.kem, tls_fingerprint(keys.log))


def test_no_secret_stands_in_a_repr() -> None:
    keys, identity = desk_keys("A"), identity_key("A")
    shown = repr(keys) + repr(identity) + repr(keys.kem) + repr(keys.statement) + repr(keys.log)
    secrets = [item for item in [*decode(keys.encode()), *decode(identity.encode())] if isinstance(item, bytes)]
    assert len(secrets) == 9
    for secret in secrets:
        assert repr(secret) not in shown
        assert secret.hex() not in shown


SECRETS: list[tuple[bytes, Callable[[bytes], object]]] = [
    (desk_keys("A").encode(), DeskKeys.decode),
    (identity_key("A").encode(), IdentityKey.decode),
]


@pytest.mark.parametrize(("data", "read"), SECRETS, ids=["desk keys", "identity key"])
def test_secrets_cut_short_or_with_bytes_left_over_are_refused(data: bytes, read: Callable[[bytes], object]) -> None:
    for bad in [data[:end] for end in range(len(data))] + [data + b"\x00"]:
        with pytest.raises(Malformed):
            read(bad)


def test_secret_of_another_kind_is_refused() -> None:
    key = identity_key("A")
    with pytest.raises(Malformed, match="no identity key"):
        IdentityKey.decode(encode(["watchline/1 desk keys", "A", key.ed_seed, key.ml_seed]))
    with pytest.raises(Malformed, match="no desk keys"):
        DeskKeys.decode(encode(["watchline/1 identity key", *[bytes(32)] * 7]))


def test_identity_cut_short_or_with_bytes_left_over_is_refused() -> None:
    data = identity_key("A").identity.encode()
    for bad in [data[:end] for end in range(len(data))] + [data + b"\x00"]:
        with pytest.raises(Malformed):
            Identity.decode(bad)


@given(st.binary(max_size=100))
def test_any_bytes_are_an_identity_or_refused(data: bytes) -> None:
    with pytest.raises(PeerError):
        Identity.decode(data)


# Vectors


def test_vectors_of_keys_hold() -> None:
    for desk in VECTORS["desks"]:
        keys = DeskKeys.decode(bytes.fromhex(desk["secret"]))
        public = keys.public
        assert public.statement.ed.hex() == desk["statement_ed"]
        assert sha256(public.statement.ml).hexdigest() == desk["statement_ml_sha256"]
        assert [public.log.hex(), public.custody.hex()] == [desk["log"], desk["custody"]]
        assert sha256(public.kem).hexdigest() == desk["kem_sha256"]
        assert public.tls_fingerprint.hex() == desk["tls_fingerprint"]
        assert keys.kem.open(bytes.fromhex(desk["sealed"]), b"info") == b"secret"
        message, signature = desk["message"].encode(), desk["signature"]
        assert keys.statement.sign_ed(message).hex() == signature["ed"]
        public.statement.verify(message, bytes.fromhex(signature["ed"]), bytes.fromhex(signature["ml"]))


def test_vectors_of_identities_hold() -> None:
    for vector in VECTORS["identities"]:
        identity = IdentityKey.decode(bytes.fromhex(vector["secret"])).identity
        assert identity.encode().hex() == vector["public"]
        assert (identity.id.hex(), identity.fingerprint) == (vector["id"], vector["fingerprint"])
        signature = HybridSignature(bytes.fromhex(vector["signature"]["ed"]), bytes.fromhex(vector["signature"]["ml"]))
        identity.verify(vector["purpose"], vector["message"].encode(), signature)


# Lengths, rules and limits that others rely on


def test_signatures_and_sealed_values_have_the_lengths_that_are_published() -> None:
    statement, identity = desk_keys("A").statement, identity_key("A")
    signed, by_identity = statement.sign(b"m"), identity.sign("purpose", b"m")
    assert (len(signed.ed), len(signed.ml)) == (ED25519_SIGNATURE_BYTES, MLDSA44_SIGNATURE_BYTES) == (64, 2_420)
    assert (len(by_identity.ed), len(by_identity.ml)) == (ED25519_SIGNATURE_BYTES, MLDSA87_SIGNATURE_BYTES) == (64, 4_627)
    assert (len(statement.public.ed), len(statement.public.ml)) == (ED25519_PUBLIC_BYTES, MLDSA44_PUBLIC_BYTES) == (32, 1_312)
    assert len(identity.identity.ml) == MLDSA87_PUBLIC_BYTES == 2_592
    key = KemKey(XWING_SEED)
    assert len(key.public) == KEM_PUBLIC_BYTES == 1_216
    assert len(seal_to(key.public, b"", b"")) == KEM_OVERHEAD_BYTES == KEM_ENCAPSULATION_BYTES + 16 == 1_136


def refused_by(make: Callable[[], object]) -> tuple[int, object]:
    """The rule that is named, and the length that was found."""
    with pytest.raises(PeerError) as refused:
        make()
    return refused.value.rule, refused.value.facts.get("length")


def test_key_of_another_length_is_refused_by_its_rule() -> None:
    keys, identity = desk_keys("A").public, identity_key("A").identity
    assert refused_by(lambda: StatementPublic(bytes(31), keys.statement.ml)) == (2, 31)
    assert refused_by(lambda: StatementPublic(keys.statement.ed, bytes(1_311))) == (2, 1_311)
    assert refused_by(lambda: Identity("x", bytes(33), identity.ml)) == (1, 33)
    assert refused_by(lambda: Identity("x", identity.ed, bytes(2_591))) == (1, 2_591)
    assert refused_by(lambda: replace(keys, log=bytes(31))) == (2, 31)
    assert refused_by(lambda: replace(keys, custody=bytes(33))) == (2, 33)
    assert refused_by(lambda: replace(keys, kem=bytes(1_215))) == (2, 1_215)
    assert refused_by(lambda: replace(keys, tls_fingerprint=bytes(31))) == (2, 31)
    assert refused_by(lambda: seal_to(bytes(1_215), b"", b"")) == (12, 1_215)
    assert refused_by(lambda: KemKey(XWING_SEED).open(bytes(1_135), b"")) == (12, 1_135)
    assert refused_by(lambda: KemKey(XWING_SEED).open(bytes(1_136), b"")) == (12, None)


def test_signature_that_does_not_hold_is_refused_by_rule_4() -> None:
    statement, identity = desk_keys("A").statement, identity_key("A")
    signed, by_identity = statement.sign(b"m"), identity.sign("purpose", b"m")
    assert refused_by(lambda: statement.public.verify(b"n", signed.ed, signed.ml)) == (4, None)
    assert refused_by(lambda: statement.public.verify(b"m", signed.ed, bytes(2_420))) == (4, None)
    assert refused_by(lambda: identity.identity.verify("other", b"m", by_identity)) == (4, None)
    assert refused_by(lambda: verify_ed25519(bytes(31), bytes(64), b"")) == (4, None)


def test_two_purposes_of_one_key_and_another_label_are_refused_by_their_rules() -> None:
    keys = desk_keys("A")
    assert refused_by(lambda: replace(keys.public, custody=keys.public.log))[0] == 2
    assert refused_by(lambda: replace(keys.public, tls_fingerprint=tls_fingerprint(keys.public.log)))[0] == 2
    assert refused_by(lambda: DeskKeys.decode(encode(["watchline/1 other keys", *[bytes(32)] * 7]))) == (39, None)
    assert refused_by(lambda: IdentityKey.decode(encode(["watchline/1 other key", "x", bytes(32), bytes(32)]))) == (39, None)


@pytest.mark.parametrize("place", range(1, 8))
@pytest.mark.parametrize("seed", [bytes(31), bytes(33), "x" * 32])
def test_stored_seed_of_another_length_is_refused(place: int, seed: object) -> None:
    values: list[object] = ["watchline/1 desk keys", *(bytes((number,)) * 32 for number in range(1, 8))]
    DeskKeys.decode(encode(values))
    values[place] = seed
    assert refused_by(lambda: DeskKeys.decode(encode(values))) == (39, None)


@pytest.mark.parametrize(("place", "wrong"), [(1, ""), (1, "x" * 129), (1, 7), (2, bytes(31)), (2, bytes(33)), (3, bytes(31))])
def test_stored_identity_with_a_part_of_another_kind_or_length_is_refused(place: int, wrong: object) -> None:
    secret: list[object] = ["watchline/1 identity key", "x" * 128, bytes(32), bytes(32)]
    IdentityKey.decode(encode(secret))
    secret[place] = wrong
    assert refused_by(lambda: IdentityKey.decode(encode(secret))) == (39, None)


@pytest.mark.parametrize(
    ("place", "wrong"), [(0, ""), (0, "x" * 129), (0, 7), (1, bytes(31)), (1, bytes(33)), (2, bytes(2_591)), (2, bytes(2_593))]
)
def test_identity_with_a_part_of_another_kind_or_length_is_refused(place: int, wrong: object) -> None:
    identity = identity_key("A").identity
    values: list[object] = ["x" * 128, identity.ed, identity.ml]
    assert Identity.decode(encode(values)).desk == "x" * 128
    values[place] = wrong
    assert refused_by(lambda: Identity.decode(encode(values))) == (39, None)


def test_name_that_cannot_be_shown_is_refused_by_the_rule_of_whose_it_is_with_advice() -> None:
    check_name("x" * 128, "a name", rule=3)
    for name in ("", "x" * 129, "字" * 43, " x", "x ", "a\nb", "a\u2028b", "a\u2029b", "a\u202eb", "a\u2069b"):
        with pytest.raises(Malformed, match="a name has 1 to 128 bytes") as refused:
            check_name(name, "a name", rule=3)
        assert refused.value.rule == 3
        assert refused.value.hint
    with pytest.raises(UsageError, match="a desk's name has") as asked:
        IdentityKey.generate("", seeded("x"))
    assert asked.value.hint


def test_hkdf_refuses_a_length_below_zero_and_gives_nothing_for_zero() -> None:
    assert hkdf_expand(bytes(32), b"", 0) == b""
    with pytest.raises(ValueError, match=r"8,160"):
        hkdf_expand(bytes(32), b"", -1)


def test_bytes_moved_between_signature_and_message_are_refused() -> None:
    key = Ed25519Key(bytes(32))
    signature = key.sign(b"message")
    for cut in (63, 65):
        moved = (signature + b"message")[:cut], (signature + b"message")[cut:]
        with pytest.raises(BadSignature):
            verify_ed25519(key.public, *moved)


@pytest.mark.parametrize(
    ("kind", "shown", "compared"),
    [
        (Ed25519Key, "public", "seed"),
        (StatementPublic, "ed", "ed ml"),
        (StatementKey, "public", "ed_seed ml_seed"),
        (Identity, "desk ed id", "desk ed ml"),
        (IdentityKey, "desk identity", "desk ed_seed ml_seed"),
        (KemKey, "", "seed"),
        (DeskPublic, "statement log custody tls_fingerprint", "statement log custody kem tls_fingerprint"),
        (DeskKeys, "statement log custody kem public", "statement log custody kem tls hedge"),
    ],
)
def test_key_shows_what_is_public_and_short_and_is_the_same_by_what_it_is_made_from(
    kind: type[Ed25519Key], shown: str, compared: str
) -> None:
    assert " ".join(field.name for field in fields(kind) if field.repr) == shown
    assert " ".join(field.name for field in fields(kind) if field.compare) == compared


def test_stored_identity_may_have_a_name_of_one_byte_and_no_part_more() -> None:
    identity = identity_key("A").identity
    assert Identity.decode(encode(["x", identity.ed, identity.ml])).desk == "x"
    assert refused_by(lambda: Identity.decode(encode(["x", identity.ed, identity.ml, 0]))) == (39, None)
    assert IdentityKey.decode(encode(["watchline/1 identity key", "x", bytes(32), bytes(32)])).desk == "x"
    more = encode(["watchline/1 identity key", "x", bytes(32), bytes(32), 0])
    assert refused_by(lambda: IdentityKey.decode(more)) == (39, None)
    assert refused_by(lambda: DeskKeys.decode(encode(["watchline/1 desk keys", *[bytes(32)] * 8]))) == (39, None)
