from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path

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
from tests.core.sample_form1 import paired_by_form_1
from watchline.core.certificate import SignedCertificate, issue
from watchline.core.encoding import decode, encode
from watchline.core.keys import KemKey, hkdf_extract
from watchline.core.pairing import (
    MAGIC,
    PURPOSE,
    Pairing,
    PendingAcceptance,
    PendingInvitation,
    RouteAddress,
    accept_invitation,
    complete_acceptance,
    complete_invitation,
    line_digits,
    make_invitation,
    own_offer,
    read_invitation,
    verify_digits,
)
from watchline.core.pairing_files import file_step
from watchline.core.persons import ED25519, Officer, Roster
from watchline.core.terms import Clocks
from watchline.errors import BadSignature, Malformed, PeerError, UsageError, WrongParty

VECTOR = json.loads((Path(__file__).parents[1] / "vectors" / "pairing.json").read_text())


def take_file1(file: bytes) -> object:
    return read_invitation(file)


def take_file2(file: bytes) -> object:
    return complete_invitation(invite()[1], file, identity_key("A"), seeded("x"))


def take_file3(file: bytes) -> object:
    (file1, file2, _), _, _ = paired()
    acceptance = PendingAcceptance(file1, file2, seeded_kem().seed, bytes(32))
    return complete_acceptance(acceptance, file)


def seeded_kem() -> KemKey:
    return KemKey(seeded("accept B 1")(32))


TAKERS: list[Callable[[bytes], object]] = [take_file1, take_file2, take_file3]
EACH_FILE = pytest.mark.parametrize("place", [0, 1, 2], ids=["file 1", "file 2", "file 3"])


@EACH_FILE
def test_unchanged_file_is_taken(place: int) -> None:
    TAKERS[place](paired()[0][place])


def resign(
    file: bytes, desk: str, change: Callable[[list[object]], None], undisclose: Callable[[list[object]], None] | None = None
) -> bytes:
    """Change a file's body, and its undisclosed part, and sign it again, as its dishonest author could."""
    encoded, _, _, hidden = decode(file[len(MAGIC) :])
    body = decode(encoded)
    if undisclose is not None:
        values = decode(hidden)
        undisclose(values)
        hidden = encode(values)
        body[2 if body[0] == 3 else 4] = sha256(hidden).digest()
    change(body)
    signature = identity_key(desk).sign(PURPOSE, encode(body))
    return MAGIC + encode([encode(body), signature.ed, signature.ml, hidden])


def put(place: int, value: object) -> Callable[[list[object]], None]:
    def change(body: list[object]) -> None:
        body[place] = value

    return change


def leave(body: list[object]) -> None:
    """Change nothing."""


def body_of(file: bytes) -> bytes:
    body = decode(file[len(MAGIC) :])[0]
    assert isinstance(body, bytes)
    return body


# What comes of it


def test_both_desks_have_the_same_line() -> None:
    (file1, file2, file3), ours, theirs = paired()
    assert (ours.line, ours.ps, ours.digits, ours.files) == (theirs.line, theirs.ps, theirs.digits, theirs.files)
    assert (ours.inviter, theirs.inviter) == (True, False)
    assert (ours.terms, theirs.terms) == (terms(), terms())
    assert ours.files == (file1, file2, file3)


def test_each_desk_knows_the_other() -> None:
    _, ours, theirs = paired()
    for pairing, own, peer in ((ours, "A", "B"), (theirs, "B", "A")):
        assert pairing.own_id == identity_key(own).identity.id
        assert pairing.peer == identity_key(peer).identity
        assert pairing.peer_certificate == signed_certificate(peer)
        assert pairing.peer_roster == roster(peer)
        assert pairing.peer_routes == ROUTES[peer]


def test_line_and_ps_are_those_of_rule_5() -> None:
    files, ours, _ = paired()
    a, b = identity_key("A").identity.id, identity_key("B").identity.id
    hashes = b"".join(sha256(body_of(file)).digest() for file in files)
    assert ours.line == sha256(b"watchline/2 line" + min(a, b) + max(a, b) + hashes).digest()
    random_a, random_b = seeded("complete"), seeded("accept B 1")
    random_b(32)
    secrets = {a: random_a(32), b: random_b(32)}
    assert ours.ps == hkdf_extract(ours.line, secrets[min(a, b)] + secrets[max(a, b)] + bytes(64))


def test_secrets_that_people_brought_count() -> None:
    file1, invitation = invite()
    file2, acceptance = accept(file1)
    brought = (b"\x01" * 32, b"\x02" * 32)
    file3, ours = complete_invitation(invitation, file2, identity_key("A"), seeded("complete"), brought=brought)
    assert complete_acceptance(acceptance, file3, brought=brought).ps == ours.ps
    assert complete_acceptance(acceptance, file3).ps != ours.ps
    with pytest.raises(UsageError):
        complete_acceptance(acceptance, file3, brought=(b"", bytes(32)))


def test_pairing_again_gives_another_line() -> None:
    file1, invitation = invite()
    file2, _ = accept(file1)
    lines = {complete_invitation(invitation, file2, identity_key("A"), seeded(label))[1].line for label in "xyz"}
    assert len(lines) == 3


def test_states_between_the_files_come_back_from_their_bytes() -> None:
    file1, invitation = invite()
    file2, acceptance = accept(file1)
    again = PendingInvitation.decode(invitation.encode())
    assert again == invitation
    file3, ours = complete_invitation(again, file2, identity_key("A"), seeded("complete"))
    accepted_again = PendingAcceptance.decode(acceptance.encode())
    assert accepted_again == acceptance
    assert complete_acceptance(accepted_again, file3).ps == ours.ps


def test_pairing_comes_back_from_its_bytes() -> None:
    for pairing in paired()[1:]:
        assert Pairing.decode(pairing.encode()) == pairing


def test_invitation_is_shown_before_it_is_accepted() -> None:
    file1, _ = invite()
    invitation = read_invitation(file1)
    assert invitation.offer.identity == identity_key("A").identity
    assert invitation.offer.certificate == signed_certificate("A")
    assert (invitation.offer.roster, invitation.offer.routes) == (roster("A"), ROUTES["A"])
    assert (invitation.terms, invitation.digest) == (terms(), sha256(body_of(file1)).digest())


def test_no_secret_of_a_pairing_stands_in_a_repr() -> None:
    file1, invitation = invite()
    _, acceptance = accept(file1)
    _, ours, theirs = paired()
    shown = repr((invitation, acceptance, ours, theirs))
    for secret in (ours.ps, invitation.kem_seed, acceptance.kem_seed, acceptance.secret):
        assert repr(secret) not in shown


# Digits


def test_digits_are_twelve_groups_of_five() -> None:
    digits = paired()[1].digits
    assert [len(group) for group in digits.split(" ")] == [5] * 12
    number = int.from_bytes(sha256(b"watchline/1 digits" + paired()[1].line).digest(), "big")
    assert int(digits.replace(" ", "")) == number % 10**60


def test_digits_are_taken_however_they_are_spaced() -> None:
    line = bytes(32)
    digits = line_digits(line)
    for typed in (digits, digits.replace(" ", ""), digits.replace(" ", "-"), digits.replace(" ", "\n") + "\n"):
        verify_digits(line, typed)


@pytest.mark.parametrize("typed", ["", "12345", "1" * 59, "1" * 61, "x" * 60, "\u0661" * 60])
def test_anything_but_sixty_digits_is_asked_for_again(typed: str) -> None:
    with pytest.raises(UsageError):
        verify_digits(bytes(32), typed)


@given(st.integers(0, 59), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(place: int, by: int) -> None:
    digits = line_digits(bytes(32)).replace(" ", "")
    wrong = digits[:place] + str((int(digits[place]) + by) % 10) + digits[place + 1 :]
    with pytest.raises(WrongParty) as refused:
        verify_digits(bytes(32), wrong)
    assert refused.value.hint


# Damage


@pytest.mark.slow
@EACH_FILE
@settings(max_examples=120)
@given(st.data())
def test_any_changed_byte_is_refused(place: int, data: st.DataObject) -> None:
    file = bytearray(paired()[0][place])
    file[data.draw(st.integers(0, len(file) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises((Malformed, BadSignature, WrongParty)) as refused:  # the last by another step, or another id in file 3
        TAKERS[place](bytes(file))
    assert refused.value.rule == 5
    assert refused.value.hint


@EACH_FILE
def test_file_with_a_changed_signature_is_told_as_changed(place: int) -> None:
    body, ed, ml, hidden = decode(paired()[0][place][len(MAGIC) :])
    for signature in ((bytes(64), ml), (ed, bytes(4_627))):
        with pytest.raises(BadSignature, match="changed on its way"):
            TAKERS[place](MAGIC + encode([body, *signature, hidden]))


@EACH_FILE
def test_undisclosed_part_that_was_not_signed_is_told_as_changed(place: int) -> None:
    body, ed, ml, _ = decode(paired()[0][place][len(MAGIC) :])
    other = decode(other_pairing()[place][len(MAGIC) :])[3]
    for hidden in (other, b""):
        with pytest.raises(BadSignature, match=r"changed on its way.*undisclosed part") as refused:
            TAKERS[place](MAGIC + encode([body, ed, ml, hidden]))
        assert refused.value.rule == 5


@cache
def other_pairing() -> tuple[bytes, bytes, bytes]:
    file1, invitation = invite(label="other")
    file2, _ = accept(file1, label="other")
    return file1, file2, complete_invitation(invitation, file2, identity_key("A"), seeded("other"))[0]


@pytest.mark.slow
@EACH_FILE
def test_file_cut_short_is_refused(place: int) -> None:
    file = paired()[0][place]
    for end in [*range(60), *range(60, len(file), 97), len(file) - 1]:
        with pytest.raises(Malformed) as refused:
            TAKERS[place](file[:end])
        assert refused.value.hint


@EACH_FILE
def test_file_with_bytes_left_over_is_refused(place: int) -> None:
    for more in (b"\x00", b"\n", paired()[0][place]):
        with pytest.raises(Malformed, match="left over"):
            TAKERS[place](paired()[0][place] + more)


@EACH_FILE
def test_file_above_64_kib_is_refused(place: int) -> None:
    with pytest.raises(Malformed, match="65536"):
        TAKERS[place](MAGIC + bytes(65_536))


@EACH_FILE
@pytest.mark.parametrize("other", [b"", b"%PDF-1.7", b"watchline pairing x\n", b"\xff" * 100])
def test_file_of_another_kind_is_told_apart_from_a_damaged_one(place: int, other: bytes) -> None:
    with pytest.raises(Malformed, match="not a pairing file"):
        TAKERS[place](other)


@EACH_FILE
def test_file_of_an_earlier_version_is_refused_with_who_must_do_what(place: int) -> None:
    with pytest.raises(Malformed, match="earlier version") as refused:
        TAKERS[place](paired_by_form_1()[0][place])
    assert refused.value.rule == 5
    assert "the other desk updates" in refused.value.hint
    assert "anew" in refused.value.hint


@EACH_FILE
def test_file_of_a_later_version_is_refused_with_who_must_do_what(place: int) -> None:
    with pytest.raises(Malformed, match="later version") as refused:
        TAKERS[place](b"watchline pairing 3\n" + paired()[0][place][len(MAGIC) :])
    assert "update this desk's" in refused.value.hint


@pytest.mark.slow
@EACH_FILE
@given(rest=st.binary(max_size=200))
def test_any_bytes_behind_the_magic_are_refused(place: int, rest: bytes) -> None:
    with pytest.raises(PeerError):
        TAKERS[place](MAGIC + rest)


@pytest.mark.parametrize(("wanted", "given_file"), [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)])
def test_another_steps_file_is_named(wanted: int, given_file: int) -> None:
    with pytest.raises(WrongParty, match=f"this is file {given_file}; file {wanted} is wanted here") as refused:
        TAKERS[wanted - 1](paired()[0][given_file - 1])
    assert refused.value.hint


@EACH_FILE
def test_step_of_a_file_is_told_before_anything_of_it_is_verified(place: int) -> None:
    file = paired()[0][place]
    assert file_step(file) == file_step(resign(file, "C", leave)) == place + 1
    for bad in (b"", file[:-1], MAGIC + encode([]), paired_by_form_1()[0][place]):
        with pytest.raises(Malformed) as refused:
            file_step(bad)
        assert refused.value.rule == 5


# The wrong party


def test_ones_own_invitation_is_refused() -> None:
    with pytest.raises(WrongParty, match="your own desk's"):
        accept(invite("A")[0], "A")


def test_ones_own_acceptance_is_refused() -> None:
    _, invitation = invite("A")
    file2, _ = accept(invite("B")[0], "A")
    with pytest.raises(WrongParty, match="your own desk's"):
        complete_invitation(invitation, file2, identity_key("A"), seeded("x"))


def test_file_2_for_another_invitation_is_refused() -> None:
    file2, _ = accept(invite(label="earlier")[0])
    with pytest.raises(WrongParty, match="belongs to another pairing"):
        take_file2(file2)


def test_file_3_for_another_acceptance_is_refused() -> None:
    file1, invitation = invite()
    _, acceptance = accept(file1, label="first")
    file2, _ = accept(file1, label="second")
    file3, _ = complete_invitation(invitation, file2, identity_key("A"), seeded("x"))
    with pytest.raises(WrongParty, match="belongs to another pairing"):
        complete_acceptance(acceptance, file3)


def test_file_3_for_another_invitation_is_refused() -> None:
    _, acceptance = accept(invite(label="other")[0])
    with pytest.raises(WrongParty, match="belongs to another pairing"):
        complete_acceptance(acceptance, paired()[0][2])


@pytest.mark.parametrize("place", [3, 4], ids=["file 1", "file 2"])
def test_file_3_that_names_another_file_before_it_is_refused(place: int) -> None:
    with pytest.raises(WrongParty, match="belongs to another pairing"):
        take_file3(resign(paired()[0][2], "A", put(place, bytes(32))))


def test_file_3_by_another_desk_is_refused() -> None:
    file3 = paired()[0][2]
    forged = resign(file3, "C", put(1, identity_key("C").identity.id))
    with pytest.raises(WrongParty, match="another desk"):
        take_file3(forged)
    with pytest.raises(BadSignature):
        take_file3(resign(file3, "C", lambda body: None))


def test_secret_sealed_by_one_desk_is_not_passed_on_by_another() -> None:
    # C takes the sealed secret out of B's file and signs it as its own: the ids in the HPKE info give it away.
    file2 = paired()[0][1]
    certified = decode(signed_certificate("C").encoded)
    offered = [identity_key("C").identity.encode(), certified[0], roster("C").encode()]
    forged = resign(
        file2,
        "C",
        lambda body: body.__setitem__(slice(1, 4), offered),
        lambda hidden: hidden.__setitem__(slice(2, 4), certified[1:]),
    )
    with pytest.raises(WrongParty, match="sealed to another pairing"):
        take_file2(forged)


def test_secret_sealed_to_another_key_is_refused() -> None:
    _, invitation = invite()
    with pytest.raises(WrongParty, match="sealed to another pairing"):
        complete_invitation(replace(invitation, kem_seed=bytes(32)), paired()[0][1], identity_key("A"), seeded("x"))


def _certified(certified: SignedCertificate) -> bytes:
    """File 1 of A with this certificate."""
    body, *signature = decode(certified.encoded)
    return resign(invite()[0], "A", put(2, body), lambda hidden: hidden.__setitem__(slice(2, 4), signature))


def test_certificate_of_another_desk_in_a_file_is_refused() -> None:
    with pytest.raises(WrongParty):
        read_invitation(_certified(signed_certificate("B")))


def test_certificate_whose_own_signature_does_not_hold_is_refused() -> None:
    with pytest.raises(BadSignature, match="certificate"):
        read_invitation(resign(invite()[0], "A", leave, put(3, bytes(4_627))))
    with pytest.raises(BadSignature, match="certificate"):
        read_invitation(resign(invite()[0], "A", put(2, certificate("A", serial=2).encode())))


def test_certificate_for_one_line_in_a_file_is_refused() -> None:
    narrow = issue(identity_key("A"), certificate("A", line=bytes(32)))
    with pytest.raises(WrongParty, match="every line"):
        read_invitation(_certified(narrow))
    with pytest.raises(UsageError):
        make_invitation(identity_key("A"), narrow, roster("A"), terms(), (), seeded("x"))


@pytest.mark.parametrize(("place", "value"), [(1, b""), (2, b""), (3, b""), (4, b""), (5, b""), (0, 4), (0, None), (0, True)])
def test_invitation_that_its_author_made_wrongly_is_refused(place: int, value: object) -> None:
    with pytest.raises(PeerError):
        read_invitation(resign(invite()[0], "A", put(place, value)))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, bytes(1_215)),
        (1, [["Direct", "x"]]),
        (1, [["direct", "a b"]]),
        (1, [["direct", ""]]),
        (1, [["direct", "x"]] * 17),
        (1, None),
        (2, b""),
        (3, None),
    ],
)
def test_undisclosed_part_that_its_author_made_wrongly_is_refused(place: int, value: object) -> None:
    with pytest.raises(PeerError):
        read_invitation(resign(invite()[0], "A", leave, put(place, value)))


@EACH_FILE
def test_undisclosed_part_of_another_length_is_refused(place: int) -> None:
    for change in (lambda hidden: hidden.append(b""), lambda hidden: hidden.clear()):
        with pytest.raises(Malformed, match="undisclosed part"):
            TAKERS[place](resign(paired()[0][place], "B" if place == 1 else "A", leave, change))


def test_invitation_with_an_xwing_key_that_is_none_is_refused() -> None:
    with pytest.raises(Malformed):
        accept(resign(invite()[0], "A", leave, put(0, b"\xff" * 1_216)))


def test_empty_body_is_refused() -> None:
    with pytest.raises(Malformed):
        read_invitation(resign(invite()[0], "A", lambda body: body.clear()))


# Our own part


def test_another_identity_does_not_complete_the_invitation() -> None:
    with pytest.raises(UsageError, match="another identity"):
        complete_invitation(invite()[1], paired()[0][1], identity_key("C"), seeded("x"))


def test_invitation_with_the_certificate_of_another_desk_is_not_made() -> None:
    with pytest.raises(UsageError):
        make_invitation(identity_key("A"), signed_certificate("B"), roster("A"), terms(), (), seeded("x"))


def test_new_line_begins_with_terms_of_version_1() -> None:
    later = replace(terms(), version=2)
    with pytest.raises(UsageError):
        make_invitation(identity_key("A"), signed_certificate("A"), roster("A"), later, (), seeded("x"))
    assert read_invitation(invite()[0]).terms.version == 1


def test_invitation_that_would_be_too_long_is_not_made() -> None:
    officers = tuple(Officer(n, ED25519, n.to_bytes(32, "big"), "duty", "n" * 128, BEGIN, END) for n in range(1, 257))
    long = replace(terms(), form_clocks={f"a-form-with-quite-a-long-name-{n}": Clocks(600, 600) for n in range(256)})
    with pytest.raises(UsageError, match="65536") as refused:
        make_invitation(identity_key("A"), signed_certificate("A"), Roster(1, officers), long, (), seeded("x"))
    assert refused.value.hint


def test_route_that_nobody_could_read_is_not_offered() -> None:
    for route in (RouteAddress("direct", "two words"), RouteAddress("DIRECT", "x"), RouteAddress("direct", "x" * 257)):
        with pytest.raises(UsageError):
            accept_invitation(invite()[0], identity_key("B"), signed_certificate("B"), roster("B"), (route,), seeded("x"))


# Stored states

STATES: list[tuple[bytes, Callable[[bytes], object]]] = [
    (invite()[1].encode(), PendingInvitation.decode),
    (accept(invite()[0])[1].encode(), PendingAcceptance.decode),
    (paired()[1].encode(), Pairing.decode),
]


@pytest.mark.parametrize(("data", "read"), STATES, ids=["invitation", "acceptance", "pairing"])
def test_stored_state_cut_short_or_with_bytes_left_over_is_refused(data: bytes, read: Callable[[bytes], object]) -> None:
    for bad in [data[:end] for end in [*range(60), *range(60, len(data), 97), len(data) - 1]] + [data + b"\x00"]:
        with pytest.raises(PeerError):
            read(bad)


@pytest.mark.parametrize("place", range(3))
def test_stored_state_of_another_kind_is_refused(place: int) -> None:
    data, _ = STATES[place]
    for other, (_, read) in enumerate(STATES):
        if other != place:
            with pytest.raises(Malformed):
                read(data)


@pytest.mark.parametrize(("data", "read"), STATES, ids=["invitation", "acceptance", "pairing"])
def test_stored_state_with_another_label_is_refused(data: bytes, read: Callable[[bytes], object]) -> None:
    _, *values = decode(data)
    with pytest.raises(Malformed, match="this is no ") as refused:
        read(encode(["watchline/1 something else", *values]))
    assert refused.value.rule == 39


@pytest.mark.parametrize(("data", "read"), STATES[:2], ids=["invitation", "acceptance"])
def test_pairing_that_an_earlier_version_began_is_begun_anew(data: bytes, read: Callable[[bytes], object]) -> None:
    label, *values = decode(data)
    with pytest.raises(WrongParty, match="earlier version") as refused:
        read(encode([label.replace("watchline/2", "watchline/1"), *values]))
    assert refused.value.rule == 5
    assert "begin the pairing anew" in refused.value.hint


# What a desk said of itself


def test_desk_finds_in_its_pairing_what_it_said_of_itself() -> None:
    _, ours, theirs = paired()
    for pairing, desk in ((ours, "A"), (theirs, "B")):
        own = own_offer(pairing)
        assert (own.identity, own.certificate) == (identity_key(desk).identity, signed_certificate(desk))
        assert (own.roster, own.routes) == (roster(desk), ROUTES[desk])


def test_desk_of_a_line_that_an_earlier_version_paired_finds_what_it_said_of_itself() -> None:
    files, line = paired_by_form_1()
    for pairing, desk in zip(paired()[1:], "AB", strict=True):
        stored = Pairing.decode(replace(pairing, line=line, files=files).encode())
        assert own_offer(stored).certificate == signed_certificate(desk)
        assert own_offer(stored).routes == ROUTES[desk]


# Vectors


def test_vector_of_a_pairing_holds() -> None:
    _, file2, file3 = (b64decode(file) for file in VECTOR["files"])
    acceptance = PendingAcceptance.decode(b64decode(VECTOR["pending_acceptance"]))
    pairing = complete_acceptance(acceptance, file3)
    assert (pairing.line.hex(), pairing.ps.hex(), pairing.digits) == (VECTOR["line"], VECTOR["ps"], VECTOR["digits"])
    invitation = PendingInvitation.decode(b64decode(VECTOR["pending_invitation"]))
    _, ours = complete_invitation(invitation, file2, identity_key("A"), seeded("complete"))
    assert (ours.peer, ours.terms) == (identity_key("B").identity, pairing.terms)
