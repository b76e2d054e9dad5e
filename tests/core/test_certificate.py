from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.sample_desks import BEGIN, END, certificate, desk_keys, identity_key, signed_certificate
from watchline.core.certificate import (
    Certificate,
    ExpiryRemark,
    choose_certificate,
    counts_after,
    expiry_remark,
    issue,
    parse_certificate,
)
from watchline.core.encoding import decode, encode
from watchline.core.keys import DeskPublic, Identity, StatementPublic
from watchline.errors import BadSignature, Contradiction, Malformed, PeerError, UsageError, WrongParty

LINE, OTHER_LINE = bytes(32), b"\x01" * 32
DAY = 24 * 3600


def identity(desk: str = "A") -> Identity:
    return identity_key(desk).identity


@pytest.mark.slow
@given(
    st.none() | st.binary(min_size=32, max_size=32),
    st.integers(1, 2**53 - 1),
    st.integers(1, 2**40),
    st.integers(0, 2**40),
    st.integers(1, 2**40),
    st.integers(0, 2**40),
)
def test_certificate_comes_back_from_its_bytes(line: bytes, serial: int, inc: int, begin: int, days: int, time: int) -> None:
    made = Certificate(identity().id, line, serial, inc, desk_keys("A").public, begin, begin + days, (inc, time))
    body = made.encode()
    signature = identity_key("A").sign("watchline/1 certificate", body)
    encoded = encode([body, signature.ed, signature.ml])
    parsed = parse_certificate(encoded, identity())
    assert (parsed.certificate, parsed.encoded) == (made, encoded)


def test_issued_certificate_is_parsed_and_is_small() -> None:
    issued = signed_certificate("A")
    assert parse_certificate(issued.encoded, identity()) == issued
    assert len(issued.encoded) < 7_700


def test_bytes_of_a_certificate_fill_no_log() -> None:
    assert len(repr(signed_certificate("A"))) < len(repr(signed_certificate("A").certificate)) + 100


def test_certificate_is_not_issued_by_another_identity() -> None:
    with pytest.raises(UsageError):
        issue(identity_key("B"), certificate("A"))


def test_certificate_of_another_desk_is_refused() -> None:
    with pytest.raises(WrongParty):
        parse_certificate(signed_certificate("A").encoded, identity("B"))


def test_certificate_that_another_identity_signed_is_refused() -> None:
    body = certificate("A").encode()
    signature = identity_key("B").sign("watchline/1 certificate", body)
    with pytest.raises(BadSignature) as refused:
        parse_certificate(encode([body, signature.ed, signature.ml]), identity())
    assert refused.value.rule == 2


def test_certificate_with_one_half_of_another_is_refused() -> None:
    body, ed, ml = decode(signed_certificate("A").encoded)
    other = issue(identity_key("A"), certificate("A", serial=2))
    _, other_ed, other_ml = decode(other.encoded)
    for signature in ([ed, other_ml], [other_ed, ml]):
        with pytest.raises(BadSignature):
            parse_certificate(encode([body, *signature]), identity())


def test_signature_for_another_purpose_makes_no_certificate() -> None:
    body = certificate("A").encode()
    signature = identity_key("A").sign("watchline/1 pairing", body)
    with pytest.raises(BadSignature):
        parse_certificate(encode([body, signature.ed, signature.ml]), identity())


def test_certificate_cut_short_or_with_bytes_left_over_is_refused() -> None:
    encoded = signed_certificate("A").encoded
    for bad in [encoded[:end] for end in range(len(encoded))] + [encoded + b"\x00", encoded + bytes(16_384)]:
        with pytest.raises(Malformed):
            parse_certificate(bad, identity())


@given(st.data())
def test_certificate_with_any_changed_byte_is_refused(data: st.DataObject) -> None:
    encoded = bytearray(signed_certificate("A").encoded)
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(PeerError):
        parse_certificate(bytes(encoded), identity())


@pytest.mark.parametrize(
    "change",
    [
        {"desk": bytes(31)},
        {"line": bytes(31)},
        {"serial": 0},
        {"inc": 0},
        {"not_before": -1},
        {"not_after": BEGIN},
        {"not_after": BEGIN - 1},
        {"revoked": (2, BEGIN)},
        {"revoked": (0, BEGIN)},
        {"revoked": (1, -1)},
    ],
)
def test_certificate_with_an_impossible_value_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        replace(certificate("A"), **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [{"not_after": BEGIN + 1}, {"not_before": 0}, {"revoked": (1, 0)}, {"inc": 2, "revoked": (2, BEGIN)}, {"line": LINE}],
)
def test_certificate_with_a_value_at_its_bound_is_made_and_read_back(change: dict[str, object]) -> None:
    made = replace(certificate("A"), **change)  # type: ignore[arg-type]
    issued = issue(identity_key("A"), made)
    assert parse_certificate(issued.encoded, identity()).certificate == made


def signed(values: list[object]) -> bytes:
    """What the identity signs of these values, whatever they are."""
    body = encode(values)
    signature = identity_key("A").sign("watchline/1 certificate", body)
    return encode([body, signature.ed, signature.ml])


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (2, "1"),
        (4, bytes(31)),
        (5, bytes(1_311)),
        (6, bytes(33)),
        (7, bytes(31)),
        (8, bytes(1_215)),
        (9, bytes(31)),
        (10, "first"),
        (11, "last"),
        (12, [1]),
        (12, [1, BEGIN, 0]),
        (12, [0, BEGIN]),
        (12, [1, -1]),
    ],
)
def test_certificate_that_its_own_identity_signed_with_an_impossible_value_is_refused(at: int, value: object) -> None:
    values = decode(certificate("A").encode())
    values[at] = value
    with pytest.raises(Malformed) as refused:
        parse_certificate(signed(values), identity())
    assert refused.value.rule == 39


def test_certificate_with_fewer_or_more_values_is_refused() -> None:
    values = decode(certificate("A").encode())
    parts = decode(signed_certificate("A").encoded)
    for encoded in (signed(values[:-1]), signed([*values, None]), encode(parts[:-1]), encode([*parts, None])):
        with pytest.raises(Malformed) as refused:
            parse_certificate(encoded, identity())
        assert refused.value.rule == 39


def test_certificate_of_the_largest_size_is_looked_at_and_a_larger_one_is_not() -> None:
    size = 16_384 - len(encode([b"", bytes(64), bytes(3_309)])) - 2  # 2 more bytes say how long that is
    largest = encode([bytes(size), bytes(64), bytes(3_309)])
    assert len(largest) == 16_384
    for encoded, rule in ((largest, 39), (largest + b"\0", 2)):
        with pytest.raises(Malformed) as refused:
            parse_certificate(encoded, identity())
        assert refused.value.rule == rule
    with pytest.raises(Malformed) as refused:
        parse_certificate(encode([certificate("A").encode(), bytes(63), bytes(3_309)]), identity())
    assert refused.value.rule == 39


def test_refusals_of_a_certificate_name_rule_2() -> None:
    first, other = signed_certificate("A"), signed_certificate("B")
    for_line = issue(identity_key("A"), certificate("A", serial=2, line=LINE))
    changed = issue(identity_key("A"), replace(certificate("A", serial=2), public=desk_keys("A", 2).public))
    old_key = replace(certificate("A", serial=2, inc=2), public=desk_keys("A").public)
    of_one_serial = issue(identity_key("A"), certificate("A", not_after=END + DAY))
    with pytest.raises(WrongParty) as refused:
        parse_certificate(first.encoded, identity("B"))
    rules = [refused.value.rule]
    with pytest.raises(Malformed) as malformed:
        replace(certificate("A"), not_after=BEGIN)
    rules.append(malformed.value.rule)
    for offered in (for_line, other, changed, issue(identity_key("A"), old_key), of_one_serial):
        with pytest.raises(PeerError) as not_chosen:
            choose_certificate(first, offered, OTHER_LINE)
        rules.append(not_chosen.value.rule)
    assert rules == [2] * 7


# Which certificate counts


def test_first_certificate_counts() -> None:
    offered = signed_certificate("A")
    assert choose_certificate(None, offered, LINE) is offered
    assert counts_after(None, offered.certificate, LINE)


def test_highest_serial_wins() -> None:
    first = signed_certificate("A")
    renewed = issue(identity_key("A"), certificate("A", serial=2, not_after=END + DAY))
    assert choose_certificate(first, renewed, LINE) is renewed
    assert choose_certificate(renewed, first, LINE) is renewed


def test_certificate_signed_again_changes_nothing() -> None:
    first = signed_certificate("A")
    again = issue(identity_key("A"), first.certificate)
    assert choose_certificate(first, again, LINE) is first


def test_certificate_for_this_line_counts_and_for_another_line_is_refused() -> None:
    offered = issue(identity_key("A"), certificate("A", serial=2, line=LINE))
    assert choose_certificate(signed_certificate("A"), offered, LINE) is offered
    for current in (None, signed_certificate("A")):
        with pytest.raises(WrongParty):
            choose_certificate(current, offered, OTHER_LINE)


def test_certificate_of_another_desk_does_not_replace_ours() -> None:
    with pytest.raises(WrongParty):
        choose_certificate(signed_certificate("A"), issue(identity_key("B"), certificate("B", serial=2)), LINE)


def test_certificate_of_another_desk_is_no_contradiction_to_ours() -> None:
    with pytest.raises(WrongParty):
        choose_certificate(signed_certificate("A"), signed_certificate("B"), LINE)


def test_two_certificates_of_one_serial_are_a_contradiction() -> None:
    offered = issue(identity_key("A"), certificate("A", not_after=END + DAY))
    with pytest.raises(Contradiction):
        choose_certificate(signed_certificate("A"), offered, LINE)


def test_incarnation_never_falls() -> None:
    current = issue(identity_key("A"), certificate("A", serial=2, inc=2))
    renewed = issue(identity_key("A"), certificate("A", serial=3, inc=1))
    assert choose_certificate(current, renewed, LINE) is current


def test_certificate_signed_ahead_for_a_spare_beats_a_later_renewal_of_what_it_replaces() -> None:
    spare = issue(identity_key("A"), certificate("A", serial=2, inc=2))
    renewed = issue(identity_key("A"), certificate("A", serial=3, inc=1))
    assert choose_certificate(renewed, spare, LINE) is spare


def test_other_keys_come_only_with_a_new_incarnation() -> None:
    changed = replace(certificate("A", serial=2), public=desk_keys("A", 2).public)
    with pytest.raises(WrongParty, match="without a new incarnation"):
        choose_certificate(signed_certificate("A"), issue(identity_key("A"), changed), LINE)
    offered = issue(identity_key("A"), certificate("A", serial=2, inc=2))
    assert choose_certificate(signed_certificate("A"), offered, LINE) is offered


@pytest.mark.parametrize("kept", ["statement ed", "statement ml", "log", "custody", "kem", "tls"])
def test_new_incarnation_with_an_old_key_is_refused(kept: str) -> None:
    old, new = desk_keys("A").public, desk_keys("A", 2).public
    public = DeskPublic(
        StatementPublic(
            old.statement.ed if kept == "statement ed" else new.statement.ed,
            old.statement.ml if kept == "statement ml" else new.statement.ml,
        ),
        old.log if kept == "log" else new.log,
        old.custody if kept == "custody" else new.custody,
        old.kem if kept == "kem" else new.kem,
        old.tls_fingerprint if kept == "tls" else new.tls_fingerprint,
    )
    offered = issue(identity_key("A"), replace(certificate("A", serial=2, inc=2), public=public))
    with pytest.raises(WrongParty, match="old key"):
        choose_certificate(signed_certificate("A"), offered, LINE)


# Dates


@pytest.mark.parametrize(
    ("now", "remark"),
    [
        (BEGIN - 1, ExpiryRemark("early", 1)),
        (BEGIN, None),
        (END - 30 * DAY, None),
        (END - 30 * DAY + 1, ExpiryRemark("soon", 30 * DAY - 1)),
        (END, ExpiryRemark("soon", 0)),
        (END + 1, ExpiryRemark("expired", 1)),
    ],
)
def test_dates_are_remarked_from_30_days_ahead(now: int, remark: ExpiryRemark | None) -> None:
    assert expiry_remark(certificate("A"), now) == remark


def test_expired_certificate_is_still_parsed_and_chosen() -> None:
    expired = issue(identity_key("A"), certificate("A", serial=2, not_after=BEGIN + 1))
    assert parse_certificate(expired.encoded, identity()) == expired
    assert choose_certificate(signed_certificate("A"), expired, LINE) is expired


def test_vector_of_a_certificate_holds() -> None:
    vectors = json.loads((Path(__file__).parents[1] / "vectors" / "keys.json").read_text())
    vector = vectors["certificate"]
    assert certificate("A").encode().hex() == vector["body"]
    assert parse_certificate(bytes.fromhex(vector["encoded"]), identity()).certificate == certificate("A")
