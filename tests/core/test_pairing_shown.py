"""What evidence shows of a pairing, against whoever puts something else there: a stranger, either desk, or both together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.sample_desks import (
    BEGIN,
    END,
    ROUTES,
    accept,
    certificate,
    identity_key,
    invite,
    paired,
    roster,
    seeded,
    signed_certificate,
    terms,
)
from tests.core.sample_form1 import desk, pair, paired_by_form_1, resigned
from watchline.core.certificate import issue
from watchline.core.encoding import decode, encode
from watchline.core.limits import TERMS_BYTES_MAX
from watchline.core.pairing import complete_invitation
from watchline.core.pairing_files import PAIRING_BYTES_MAX, PURPOSE
from watchline.core.pairing_shown import Parts, read_shown_parts, shown_parts
from watchline.core.persons import PASSKEY_ED25519, Officer, Roster
from watchline.errors import BadSignature, Malformed, PeerError, WrongParty

Change = Callable[[list[object]], object]
PLACES = pytest.mark.parametrize("place", [0, 1, 2], ids=["1.bin", "2.bin", "3.bin"])


def parts() -> Parts:
    return shown_parts(paired()[0])


def with_part(place: int, part: bytes, of: Parts | None = None) -> Parts:
    shown = list(of or parts())
    shown[place] = part
    return shown[0], shown[1], shown[2]


def body_of(shown: Parts, place: int) -> list[object]:
    body: list[object] = decode(shown[0] if place == 0 else decode(shown[place])[0])
    return body


def signed(signer: str, values: list[object], purpose: str = PURPOSE) -> bytes:
    body = encode(values)
    signature = identity_key(signer).sign(purpose, body)
    return encode([body, signature.ed, signature.ml])


def made_by(one: str, other: str, changes: dict[int, Change] | None = None, signers: str | None = None) -> Parts:
    """Three parts as dishonest desks could make them: each change to a body is signed, and the bodies after it name it.

    signers: who signs parts 2 and 3, where it is not who should.
    """
    changed = changes or {}
    signers = signers or other + one
    first, second, third = (body_of(parts(), place) for place in range(3))
    for values, name in ((first, one), (second, other)):
        values[1:4] = [identity_key(name).identity.encode(), certificate(name).encode(), roster(name).encode()]
    changed.get(0, len)(first)
    shown1 = encode(first)
    second[5] = sha256(shown1).digest()
    changed.get(1, len)(second)
    shown2 = signed(signers[0], second)
    third[1] = identity_key(one).identity.id
    third[3:5] = [sha256(shown1).digest(), sha256(encode(second)).digest()]
    changed.get(2, len)(third)
    return shown1, shown2, signed(signers[1], third)


def put(place: int, value: object) -> Change:
    return lambda values: values.__setitem__(place, value)


# What is shown


def test_shown_pairing_names_the_line_both_desks_and_their_terms() -> None:
    shown = read_shown_parts(parts())
    assert (shown.line, shown.terms) == (paired()[1].line, terms())
    for offer, name in ((shown.inviter, "A"), (shown.accepter, "B")):
        assert (offer.identity, offer.certificate) == (identity_key(name).identity, certificate(name))
        assert offer.roster == roster(name)


def test_shown_pairing_hides_routes_xwing_keys_and_sealed_secrets() -> None:
    shown = b"".join(parts())
    lengths = []
    for file in paired()[0]:
        values = decode(decode(file[file.index(b"\n") + 1 :])[3])
        hidden = [value for value in values if isinstance(value, bytes)]
        lengths.append([len(value) for value in hidden])
        assert not [value for value in hidden if value in shown]
    assert lengths == [[1_216, 64, 4_627], [1_216, 64, 4_627, 1_168], [1_168]]
    assert not [route for routes in ROUTES.values() for route in routes if route.address.encode() in shown]
    assert identity_key("A").identity.encode() in shown


def test_parts_that_desks_made_as_they_should_are_taken() -> None:
    assert read_shown_parts(made_by("A", "B")).terms == terms()


# A stranger


@pytest.mark.slow
@PLACES
@settings(max_examples=150)
@given(st.data())
def test_any_changed_byte_of_a_shown_pairing_is_refused(place: int, data: st.DataObject) -> None:
    part = bytearray(parts()[place])
    part[data.draw(st.integers(0, len(part) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(PeerError):
        read_shown_parts(with_part(place, bytes(part)))


@PLACES
def test_part_of_a_pairing_that_is_cut_longer_missing_or_huge_is_refused(place: int) -> None:
    part = parts()[place]
    for bad in (b"", part[:-1], part + b"\0", b"\0" * (PAIRING_BYTES_MAX + 1), encode([]), encode(None)):
        with pytest.raises(PeerError) as refused:
            read_shown_parts(with_part(place, bad))
        assert refused.value.rule == 5


@pytest.mark.parametrize(("place", "other"), [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)])
def test_part_of_a_pairing_in_the_place_of_another_is_refused(place: int, other: int) -> None:
    given_part = parts()[other]
    if place == 0:
        given_part = decode(given_part)[0]
    if other == 0:
        _, ed, ml = decode(parts()[place])
        given_part = encode([given_part, ed, ml])
    with pytest.raises(WrongParty, match=f"this is file {other + 1}") as refused:
        read_shown_parts(with_part(place, given_part))
    assert refused.value.rule == 5


@PLACES
def test_part_of_another_pairing_of_the_same_desks_is_refused(place: int) -> None:
    file1, invitation = invite(label="other")
    file2, _ = accept(file1, label="other")
    others = shown_parts((file1, file2, complete_invitation(invitation, file2, identity_key("A"), seeded("o"))[0]))
    assert read_shown_parts(others).line != read_shown_parts(parts()).line
    with pytest.raises(WrongParty, match="another pairing") as refused:
        read_shown_parts(with_part(place, others[place]))
    assert refused.value.rule == 5


@pytest.mark.parametrize("half", [1, 2], ids=["Ed25519", "ML-DSA-87"])
@pytest.mark.parametrize("place", [1, 2])
def test_shown_pairing_with_one_half_of_a_signature_is_refused(place: int, half: int) -> None:
    values = decode(parts()[place])
    values[half] = bytes(len(values[half]))
    with pytest.raises(BadSignature) as refused:
        read_shown_parts(with_part(place, encode(values)))
    assert refused.value.rule == 5


def test_stranger_who_puts_its_own_identity_into_body_1_is_refused() -> None:
    # Body 1 is shown without a signature of its own: that of A under body 3 has to do.
    with pytest.raises(WrongParty, match="another pairing"):
        read_shown_parts(with_part(0, encode([*body_of(made_by("C", "B"), 0)])))


@pytest.mark.parametrize(("signers", "by"), [("CA", "B"), ("BC", "A"), ("AA", "B"), ("BB", "A")])
def test_body_signed_by_another_identity_than_it_names_is_refused(signers: str, by: str) -> None:
    with pytest.raises(BadSignature) as refused:
        read_shown_parts(made_by("A", "B", signers=signers))
    assert refused.value.rule == 5, by


def test_body_3_that_names_another_inviter_is_refused() -> None:
    for named in (identity_key("C").identity.id, identity_key("B").identity.id, None, b"", 3):
        with pytest.raises(WrongParty, match="another desk") as refused:
            read_shown_parts(made_by("A", "B", {2: put(1, named)}))
        assert refused.value.rule == 5


# A desk alone, or both


def test_line_of_a_desk_with_itself_is_refused() -> None:
    with pytest.raises(WrongParty, match="your own desk's") as refused:
        read_shown_parts(made_by("A", "A"))
    assert refused.value.rule == 5


@pytest.mark.parametrize(("place", "at"), [(1, 5), (2, 3), (2, 4)], ids=["2 names 1", "3 names 1", "3 names 2"])
def test_body_that_names_another_one_before_it_is_refused(place: int, at: int) -> None:
    for named in (bytes(32), None, b""):
        with pytest.raises(WrongParty, match="another pairing") as refused:
            read_shown_parts(made_by("A", "B", {place: put(at, named)}))
        assert refused.value.rule == 5


def test_inviter_cannot_change_its_officers_or_the_terms_after_the_other_desk_signed() -> None:
    for at, value in ((3, replace(roster("A"), version=2).encode()), (5, replace(terms(), body_days=1).encode())):
        first = body_of(parts(), 0)
        first[at] = value
        third = body_of(parts(), 2)
        third[3] = sha256(encode(first)).digest()
        with pytest.raises(WrongParty, match="another pairing"):
            read_shown_parts((encode(first), parts()[1], signed("A", third)))


def test_accepter_cannot_change_what_the_inviter_said_of_itself() -> None:
    first = body_of(parts(), 0)
    first[3] = replace(roster("A"), version=2).encode()
    second = body_of(parts(), 1)
    second[5] = sha256(encode(first)).digest()
    with pytest.raises(WrongParty, match="another pairing"):
        read_shown_parts((encode(first), signed("B", second), parts()[2]))


@pytest.mark.parametrize("place", [0, 1])
def test_certificate_of_another_desk_or_for_one_line_in_a_shown_pairing_is_refused(place: int) -> None:
    name = "AB"[place]
    for bad, rule in ((certificate("C"), 2), (certificate(name, line=bytes(32)), 5)):
        with pytest.raises(WrongParty) as refused:
            read_shown_parts(made_by("A", "B", {place: put(2, bad.encode())}))
        assert refused.value.rule == rule


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(("at", "rules"), [(2, {2, 39}), (3, {3, 39})], ids=["certificate", "roster"])
def test_offer_that_cannot_be_read_is_refused_by_its_own_rule(place: int, at: int, rules: set[int]) -> None:
    for bad in (b"", None, encode([]), bytes(20_000)):
        with pytest.raises(Malformed) as refused:
            read_shown_parts(made_by("A", "B", {place: put(at, bad)}))
        assert refused.value.rule in rules


def large_roster(size: int) -> bytes:
    """A roster whose encoding has so many bytes, about 60,000."""

    def made(letters: int) -> bytes:
        origins = ["https://" + "o" * 240] * 107 + ["https://" + "o" * letters]
        people = [
            Officer(number, PASSKEY_ED25519, number.to_bytes(32, "big"), "duty", None, BEGIN, END, "r" * 251, origin)
            for number, origin in enumerate(origins, start=1)
        ]
        return Roster(1, tuple(people)).encode()

    return made(100 + size - len(made(100)))


def test_body_of_the_largest_size_is_read_and_one_byte_more_is_not() -> None:
    def with_roster(size: int) -> Parts:
        return made_by("A", "B", {0: put(3, large_roster(size))})

    size = 60_000 + PAIRING_BYTES_MAX - len(with_roster(60_000)[0])
    largest = with_roster(size)
    assert len(largest[0]) == PAIRING_BYTES_MAX
    assert len(read_shown_parts(largest).inviter.roster.encode()) == size
    with pytest.raises(Malformed, match="at most 65536 bytes") as refused:
        read_shown_parts(with_roster(size + 1))
    assert refused.value.rule == 5


def test_terms_that_are_longer_than_terms_may_be_are_refused_before_they_are_read() -> None:
    with pytest.raises(Malformed, match="terms must be at most 32768 bytes") as refused:
        read_shown_parts(made_by("A", "B", {0: put(5, bytes(TERMS_BYTES_MAX + 1))}))
    assert refused.value.rule == 39


@PLACES
def test_body_without_the_hash_of_its_undisclosed_part_is_refused(place: int) -> None:
    at = 2 if place == 2 else 4
    for bad in (None, bytes(31), "x" * 32):
        with pytest.raises(Malformed) as refused:
            read_shown_parts(made_by("A", "B", {place: put(at, bad)}))
        assert refused.value.rule == 5


@PLACES
def test_body_with_another_number_of_values_is_refused(place: int) -> None:
    for change in (lambda values: values.append(None), lambda values: values.pop()):
        with pytest.raises(Malformed) as refused:
            read_shown_parts(made_by("A", "B", {place: change}))
        assert refused.value.rule == 5


def test_each_hash_of_an_undisclosed_part_changes_the_line() -> None:
    lines = {read_shown_parts(made_by("A", "B", {place: put(2 if place == 2 else 4, bytes(32))})).line for place in range(3)}
    assert len(lines | {read_shown_parts(made_by("A", "B")).line}) == 4


def test_body_signed_for_the_purpose_of_form_1_is_refused() -> None:
    with pytest.raises(BadSignature):
        read_shown_parts(with_part(2, signed("A", body_of(parts(), 2), "watchline/1 pairing")))


# Form 1


def test_pairing_of_form_1_is_shown_as_its_files_are() -> None:
    files, line = paired_by_form_1()
    shown = read_shown_parts(shown_parts(files))
    assert shown_parts(files) == files
    assert (shown.line, shown.terms) == (line, terms())
    assert (shown.inviter.certificate, shown.accepter.certificate) == (certificate("A"), certificate("B"))


@PLACES
def test_parts_of_both_forms_together_are_refused(place: int) -> None:
    files, _ = paired_by_form_1()
    for one, other in ((files, parts()), (parts(), files)):
        with pytest.raises(PeerError) as refused:
            read_shown_parts(with_part(place, other[place], one))
        assert refused.value.rule == 5


@pytest.mark.slow
@PLACES
@settings(max_examples=100)
@given(st.data())
def test_any_changed_byte_of_a_file_of_form_1_is_refused(place: int, data: st.DataObject) -> None:
    files, _ = paired_by_form_1()
    file = bytearray(files[place])
    file[data.draw(st.integers(0, len(file) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(PeerError):
        read_shown_parts(with_part(place, bytes(file), files))


@PLACES
def test_file_of_form_1_in_the_place_of_another_or_cut_or_too_long_is_refused(place: int) -> None:
    files, _ = paired_by_form_1()
    for bad in (files[(place + 1) % 3], files[place][:-1], files[place] + b"\0", files[place] + bytes(PAIRING_BYTES_MAX)):
        with pytest.raises(PeerError) as refused:
            read_shown_parts(with_part(place, bad, files))
        assert refused.value.rule == 5


def test_file_3_of_form_1_by_another_desk_is_refused() -> None:
    files, _ = paired_by_form_1()
    forged = resigned(files[2], identity_key("C"), put(1, identity_key("C").identity.encode()))
    with pytest.raises(WrongParty, match="another desk") as refused:
        read_shown_parts(with_part(2, forged, files))
    assert refused.value.rule == 5


@pytest.mark.parametrize(("place", "at"), [(1, 6), (2, 2), (2, 3)])
def test_file_of_form_1_that_names_another_one_before_it_is_refused(place: int, at: int) -> None:
    files, _ = paired_by_form_1()
    forged = resigned(files[place], identity_key("B" if place == 1 else "A"), put(at, bytes(32)))
    with pytest.raises(WrongParty, match="another pairing"):
        read_shown_parts(with_part(place, forged, files))


@pytest.mark.parametrize(("at", "value"), [(0, 4), (1, b""), (2, b""), (3, b""), (4, b""), (5, None), (6, b"")])
def test_file_of_form_1_that_its_author_made_wrongly_is_refused(at: int, value: object) -> None:
    files, _ = paired_by_form_1()
    with pytest.raises(PeerError):
        read_shown_parts(with_part(0, resigned(files[0], identity_key("A"), put(at, value)), files))


def test_line_of_form_1_with_itself_or_with_a_certificate_for_one_line_is_refused() -> None:
    with pytest.raises(WrongParty, match="your own desk's"):
        read_shown_parts(paired_by_form_1("A", "A")[0])
    narrow = issue(identity_key("A"), certificate("A", line=bytes(32)))
    key, _, officers, routes = desk("A")
    with pytest.raises(WrongParty, match="every line"):
        read_shown_parts(pair((key, narrow, officers, routes), desk("B"), terms())[0])
    assert signed_certificate("A") != narrow


def test_files_of_both_forms_together_are_not_shown() -> None:
    old, new = paired_by_form_1()[0], paired()[0]
    with pytest.raises(PeerError) as refused:
        shown_parts((new[0], old[1], old[2]))
    assert refused.value.rule == 5
