"""The renewal of a line's secret (rule 5): its files fit one line, desk, number, direction and run; both desks follow it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.sample_desks import identity_key, paired, seeded
from tests.core.sample_renewals import LINE, PS, Run, at, changed, run, signed, vector
from watchline.core.encoding import decode, encode
from watchline.core.keys import KemKey, hkdf_extract
from watchline.core.line_secrets import RENEWALS_MAX, LineSecrets, secret_mark
from watchline.core.pairing import Pairing
from watchline.core.renewal import (
    MAGIC,
    BegunRenewal,
    RenewalLine,
    answer_renewal,
    ask_renewal,
    complete_renewal,
    is_answer_to,
    renewal_step,
    take_renewal,
)
from watchline.errors import BadSignature, Malformed, PeerError, UsageError, WrongParty


def give(step: int, made: Run, file: bytes) -> None:
    """Give a file to the desk that waits for file `step` of this run."""
    if step == 1:
        answer_renewal(at("B", "A"), None, file, identity_key("B"), seeded("x"))
    elif step == 2:
        complete_renewal(at("A"), made.asked, file, identity_key("A"), seeded("x"))
    else:
        take_renewal(at("B", "A"), made.answered, file)


# --- what it gives


def test_both_desks_have_the_same_new_secret_and_the_same_digits() -> None:
    made = run()
    assert made.ours == made.theirs
    assert made.ours.secret != PS
    assert made.ours.digits == made.theirs.digits
    assert [renewal_step(file) for file in made.files] == [1, 2, 3]
    assert is_answer_to(made.files[2], made.files[1])
    assert not is_answer_to(made.files[2], run(label="other").files[1])


def test_another_run_gives_another_secret_and_other_digits() -> None:
    one, other = run(), run(label="other")
    assert one.ours.secret != other.ours.secret
    assert one.ours.digits != other.ours.digits


def test_new_secret_comes_from_the_one_before_both_sealed_secrets_and_the_whole_run() -> None:
    """Written from docs/protocol.md, rule 5; so who opened both sealed secrets still needs the secret before."""
    made, ids = run(), {desk: identity_key(desk).identity.id for desk in "AB"}
    sealed = decode(decode(made.files[2][len(MAGIC) :])[0])[7]
    info = b"watchline/1 renewal secret" + ids["A"] + ids["B"] + sha256(made.files[0]).digest()
    assert made.answered.secret is not None
    secrets = {"A": KemKey(made.answered.kem_seed).open(sealed, info), "B": made.answered.secret}
    of_both = b"".join(secrets[desk] for desk in sorted("AB", key=ids.__getitem__))
    whole = b"watchline/1 renewal" + LINE + b"".join(sha256(file).digest() for file in made.files)
    assert made.ours.run == sha256(whole).digest()
    assert made.ours.secret == hkdf_extract(made.ours.run, PS + of_both)
    assert made.ours.secret != hkdf_extract(made.ours.run, bytes(32) + of_both)


def test_files_name_the_secret_only_by_a_mark_that_gives_nothing_away() -> None:
    made = run()
    assert all(PS not in file and made.ours.secret not in file for file in made.files)
    assert all(secret_mark(PS) in file for file in made.files)


def test_renewal_that_our_file_3_ended_is_over_though_its_state_is_still_there() -> None:
    made = run()
    offered = at("A", secrets=LineSecrets(PS).offered(made.ours.secret, made.files[2]))
    assert not made.asked.is_of(offered)
    with pytest.raises(WrongParty, match="is over"):
        complete_renewal(offered, made.asked, made.files[1], identity_key("A"), seeded("x"))
    assert run(label="other").asked.is_of(offered)


def test_begun_renewal_is_read_as_it_was_written() -> None:
    made = run()
    for begun in (made.asked, made.answered):
        assert BegunRenewal.decode(begun.encode()) == begun
        assert begun.is_of(at("A") if begun is made.asked else at("B", "A"))
    with pytest.raises(Malformed):
        BegunRenewal.decode(encode(["watchline/1 begun renewal", b"", bytes(32), b"", None]))


def test_vector_of_a_renewal_holds() -> None:
    made = vector()
    assert take_renewal(at("B", "A"), made.answered, made.files[2]) == made.theirs
    assert secret_mark(PS) == decode(decode(made.files[0][len(MAGIC) :])[0])[4]
    kept = json.loads((Path(__file__).parents[1] / "vectors" / "renewal.json").read_text())
    assert (kept["line"], kept["ps"], kept["digits"]) == (LINE.hex(), PS.hex(), made.theirs.digits)
    with pytest.raises(PeerError):  # each call draws another secret, and file 2 is read before
        complete_renewal(at("A"), made.answered, made.files[1], identity_key("A"), seeded("x"))
    file3, _ = complete_renewal(at("A"), made.asked, made.files[1], identity_key("A"), seeded("x"))
    assert file3 != made.files[2]


# --- what is refused


def test_file_of_another_line_is_refused() -> None:
    made = run(at("A", line=bytes(32)), at("B", "A", line=bytes(32)))
    with pytest.raises(WrongParty, match="another line"):
        answer_renewal(at("B", "A"), None, made.files[0], identity_key("B"), seeded("x"))
    with pytest.raises(WrongParty, match="another line"):
        complete_renewal(at("A"), made.asked, made.files[1], identity_key("A"), seeded("x"))
    with pytest.raises(WrongParty, match="another line"):
        take_renewal(at("B", "A"), made.answered, made.files[2])


def test_file_of_our_own_desk_is_refused() -> None:
    made = run()
    with pytest.raises(WrongParty, match="your own"):
        answer_renewal(at("A"), None, made.files[0], identity_key("A"), seeded("x"))
    with pytest.raises(WrongParty, match="your own"):
        complete_renewal(at("B", "A"), made.asked, made.files[1], identity_key("B"), seeded("x"))


def test_file_of_a_third_desk_is_refused() -> None:
    made = run()
    from_third = changed(made.files[0], 2, identity_key("C").identity.id, identity_key("C"))
    with pytest.raises(WrongParty, match="another desk"):
        answer_renewal(at("B", "A"), None, from_third, identity_key("B"), seeded("x"))


def test_file_that_a_third_desk_signed_in_our_peers_name_is_refused() -> None:
    made = run()
    forged = changed(made.files[0], 2, identity_key("A").identity.id, identity_key("C"))
    with pytest.raises(BadSignature, match="changed on its way"):
        answer_renewal(at("B", "A"), None, forged, identity_key("B"), seeded("x"))


def test_file_signed_for_another_purpose_is_refused() -> None:
    body = decode(decode(run().files[0][len(MAGIC) :])[0])
    for purpose in ("watchline/1 pairing", "watchline/1 certificate", "watchline/1 roster"):
        file = signed(identity_key("A"), body, purpose)
        with pytest.raises(BadSignature):
            answer_renewal(at("B", "A"), None, file, identity_key("B"), seeded("x"))


@pytest.mark.parametrize("wanted", [1, 2, 3])
def test_file_in_the_wrong_slot_is_refused(wanted: int) -> None:
    made = run()
    for step, file in enumerate(made.files, start=1):
        if step == wanted:
            continue
        with pytest.raises(WrongParty):
            give(wanted, made, file)


def test_file_of_another_run_is_refused() -> None:
    one, other = run(), run(label="other")
    with pytest.raises(WrongParty, match="another renewal"):
        complete_renewal(at("A"), one.asked, other.files[1], identity_key("A"), seeded("x"))
    with pytest.raises(WrongParty, match="another renewal"):
        take_renewal(at("B", "A"), one.answered, other.files[2])


def test_sealed_secret_of_another_run_is_refused() -> None:
    one, other = run(), run(label="other")
    sealed = {step: decode(decode(other.files[step - 1][len(MAGIC) :])[0])[7] for step in (2, 3)}
    file2 = changed(one.files[1], 7, sealed[2], identity_key("B"))
    with pytest.raises(WrongParty, match="sealed to another"):
        complete_renewal(at("A"), one.asked, file2, identity_key("A"), seeded("x"))
    with pytest.raises(WrongParty, match="sealed to another"):
        take_renewal(at("B", "A"), one.answered, changed(one.files[2], 7, sealed[3], identity_key("A")))


def test_file_of_an_earlier_number_is_refused() -> None:
    made = run()
    renewed = LineSecrets(PS).offered(made.ours.secret, made.files[2]).heard(made.ours.secret).changed()
    later = replace(renewed, previous=None)
    with pytest.raises(WrongParty, match="does not renew the secret") as refused:
        answer_renewal(at("B", "A", secrets=later), None, made.files[0], identity_key("B"), seeded("x"))
    assert (refused.value.facts["number"], refused.value.facts["wanted"]) == (1, 2)
    with pytest.raises(WrongParty):
        complete_renewal(at("A", secrets=later), made.asked, made.files[1], identity_key("A"), seeded("x"))
    with pytest.raises(WrongParty):
        take_renewal(at("B", "A", secrets=later), made.answered, made.files[2])


def test_desks_that_hold_different_secrets_are_refused_before_anything_changes() -> None:
    file1, _ = ask_renewal(at("A", secrets=LineSecrets(bytes(32))), identity_key("A"), seeded("x"))
    with pytest.raises(WrongParty, match="does not renew the secret"):
        answer_renewal(at("B", "A"), None, file1, identity_key("B"), seeded("x"))


def test_desk_that_answered_takes_no_file_2_and_one_that_asked_takes_no_file_3() -> None:
    random = seeded("crossed")
    lower, higher = sorted("AB", key=lambda name: identity_key(name).identity.id)
    theirs, _ = ask_renewal(at(lower, higher), identity_key(lower), random)
    _, answered = answer_renewal(at(higher, lower), None, theirs, identity_key(higher), random)
    ours, _asked = ask_renewal(at(higher, lower), identity_key(higher), random)
    file2, _ = answer_renewal(at(lower, higher), None, ours, identity_key(lower), random)
    with pytest.raises(WrongParty, match="waits for file 3"):
        complete_renewal(at(higher, lower), answered, file2, identity_key(higher), random)
    made = run()
    with pytest.raises(WrongParty, match="waits for file 2"):
        take_renewal(at("B", "A"), replace(made.asked, file2=None), made.files[2])


def test_where_both_desks_asked_the_request_of_the_lower_id_goes_on() -> None:
    lower, higher = sorted("AB", key=lambda name: identity_key(name).identity.id)
    random = seeded("both")
    of_lower, lower_asked = ask_renewal(at(lower, higher), identity_key(lower), random)
    of_higher, higher_asked = ask_renewal(at(higher, lower), identity_key(higher), random)
    with pytest.raises(UsageError, match="both desks began"):
        answer_renewal(at(lower, higher), lower_asked, of_higher, identity_key(lower), random)
    file2, _ = answer_renewal(at(higher, lower), higher_asked, of_lower, identity_key(higher), random)
    complete_renewal(at(lower, higher), lower_asked, file2, identity_key(lower), random)


def test_line_that_was_renewed_as_often_as_it_may_be_is_paired_anew() -> None:
    worn = LineSecrets(PS, earlier=(secret_mark(b"earlier"),) * RENEWALS_MAX)
    with pytest.raises(UsageError, match="at most 1000 times") as refused:
        ask_renewal(at(secrets=worn), identity_key("A"), seeded("worn"))
    assert "pair the two desks anew" in refused.value.hint


def test_no_step_is_made_while_the_last_renewal_is_not_through() -> None:
    made = run()
    changing = LineSecrets(PS).taken(made.theirs.secret).changed()
    with pytest.raises(UsageError, match="not through"):
        ask_renewal(at("B", "A", secrets=changing), identity_key("B"), seeded("x"))
    file1, _ = ask_renewal(at("A", secrets=replace(changing, previous=None)), identity_key("A"), seeded("x"))
    with pytest.raises(UsageError, match="not through"):
        answer_renewal(at("B", "A", secrets=changing), None, file1, identity_key("B"), seeded("x"))


def test_other_identity_cannot_sign() -> None:
    with pytest.raises(UsageError, match="another desk"):
        ask_renewal(at("A"), identity_key("B"), seeded("x"))


@pytest.mark.parametrize("step", [1, 2, 3])
def test_changed_byte_is_refused(step: int) -> None:
    made = run()
    file = made.files[step - 1]
    for place in range(0, len(file), 97):
        damaged = file[:place] + bytes([file[place] ^ 1]) + file[place + 1 :]
        with pytest.raises(PeerError):
            give(step, made, damaged)


def test_file_that_is_none_or_too_long_is_refused_without_reading_it() -> None:
    for file in (b"", b"watchline pairing 1\n", MAGIC, MAGIC + bytes(20_000)):
        with pytest.raises(Malformed):
            renewal_step(file)


# --- the secrets of a line


def test_secrets_are_read_as_they_were_written_and_the_pairing_keeps_them() -> None:
    first = LineSecrets(PS)
    steps = [first, first.offered(b"n" * 32, b"file"), first.taken(b"n" * 32), first.taken(b"n" * 32).changed()]
    for secrets in steps:
        assert LineSecrets.decode(secrets.spoken, secrets.encode()) == secrets
        pairing = paired()[1].with_secrets(secrets)
        assert Pairing.decode(pairing.encode()) == pairing
        assert (pairing.ps, pairing.secrets) == (secrets.spoken, secrets)


def test_line_that_was_never_renewed_is_kept_as_before() -> None:
    pairing = paired()[1]
    assert pairing.renewed is None
    assert len(decode(pairing.encode())) == 11
    assert Pairing.decode(pairing.encode()) == pairing


def test_secrets_and_their_marks_are_never_shown() -> None:
    secrets = LineSecrets(PS).taken(b"n" * 32).changed()
    assert repr(PS)[2:-1] not in repr(secrets)
    assert "nnn" not in repr(secrets)


def test_secrets_that_follow_from_others_are_known_as_such() -> None:
    first = LineSecrets(PS)
    offered = first.offered(b"1" * 32, b"file")
    second = replace(offered.heard(b"1" * 32).changed(), previous=None)
    third = replace(second.taken(b"2" * 32).changed(), previous=None)
    assert third.renewals == 2
    for newer, older in ((offered, first), (second, first), (second, offered), (third, first), (third, second), (first, first)):
        assert newer.follows(older)
    assert not first.follows(second)
    made_up = LineSecrets(b"x" * 32)
    assert not any(secrets.follows(made_up) for secrets in (first, offered, second, third))


# --- two desks and their people


@dataclass
class Desk:
    """What one desk holds, and the files that its people were given."""

    name: str
    peer: str
    secrets: LineSecrets = field(default_factory=lambda: LineSecrets(PS))
    begun: BegunRenewal | None = None
    inbox: list[bytes] = field(default_factory=list)
    opened: bytes | None = None  # the secret of an epoch of ours that the other desk does not hold yet

    @property
    def at(self) -> RenewalLine:
        return at(self.name, self.peer, secrets=self.secrets)

    @property
    def under_way(self) -> BegunRenewal | None:
        return self.begun if self.begun is not None and self.begun.is_of(self.at) else None


def step(desk: Desk, other: Desk, action: str, pick: int, random: object) -> None:
    """One thing that people or a node do; what is refused changes nothing."""
    key, source = identity_key(desk.name), seeded(str(random))
    file = desk.inbox[pick % len(desk.inbox)] if desk.inbox else b""
    try:
        if action == "ask":
            made, desk.begun = ask_renewal(desk.at, key, source)
            other.inbox.append(made)
        elif action == "file" and renewal_step(file) == 1:
            made, desk.begun = answer_renewal(desk.at, desk.under_way, file, key, source)
            other.inbox.append(made)
        elif action == "file" and renewal_step(file) == 2 and desk.under_way is not None:
            made, renewed = complete_renewal(desk.at, desk.under_way, file, key, source)
            desk.secrets, desk.begun = desk.secrets.offered(renewed.secret, made), None
            other.inbox.append(made)
        elif action == "file" and renewal_step(file) == 3 and desk.under_way is not None:
            renewed = take_renewal(desk.at, desk.under_way, file)
            desk.secrets, desk.begun = desk.secrets.taken(renewed.secret), None
    except (PeerError, UsageError):
        pass
    if action == "epoch":
        desk.opened = desk.opened or desk.secrets.spoken
    elif action == "speak":  # a frame arrives: the other desk hears the secret, and holds what was opened
        assert desk.secrets.spoken in other.secrets.all, "a frame that the other desk cannot open"
        assert desk.opened is None or desk.opened in other.secrets.all, "an epoch that the other desk cannot follow"
        other.secrets = other.secrets.heard(desk.secrets.spoken)
        desk.opened = None if desk.opened in other.secrets.all else desk.opened
    elif action == "change" and desk.opened is None:
        desk.secrets = desk.secrets.changed()


ACTIONS = st.tuples(
    st.booleans(), st.sampled_from(["ask", "file", "file", "file", "epoch", "speak", "speak", "change"]), st.integers(0, 11)
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(ACTIONS, max_size=40))
def test_whatever_people_do_with_files_neither_desk_speaks_under_a_secret_that_the_other_does_not_hold(
    actions: list[tuple[bool, str, int]],
) -> None:
    a, b = Desk("A", "B"), Desk("B", "A")
    for number, (first, action, pick) in enumerate(actions):
        desk, other = (a, b) if first else (b, a)
        step(desk, other, action, pick, number)
        for one, two in ((a, b), (b, a)):
            assert one.secrets.spoken in two.secrets.all
            assert one.opened is None or one.opened in two.secrets.all
            assert len(one.secrets.all) <= 2
    for _ in range(5):  # left alone, the desks come to rest: whoever took a file 3 has taken the other along
        for desk, other in ((a, b), (b, a)):
            step(desk, other, "speak", 0, 0)
            step(desk, other, "change", 0, 0)
    assert not a.secrets.is_changing
    assert not b.secrets.is_changing
    assert a.secrets.spoken == b.secrets.spoken
    assert a.secrets.earlier == b.secrets.earlier


def test_people_who_do_it_right_are_through_after_one_word_each_way() -> None:
    a, b = Desk("A", "B"), Desk("B", "A")
    step(a, b, "ask", 0, 1)
    step(b, a, "file", 0, 2)
    step(a, b, "file", 0, 3)
    step(b, a, "file", 1, 4)
    assert (a.secrets.spoken, a.secrets.known, b.secrets.known) == (PS, False, True)
    step(b, a, "change", 0, 0)
    step(b, a, "speak", 0, 0)
    step(a, b, "change", 0, 0)
    step(a, b, "speak", 0, 0)
    step(b, a, "speak", 0, 0)
    assert a.secrets.all == b.secrets.all != (PS,)
    assert a.secrets.renewals == b.secrets.renewals == 1
