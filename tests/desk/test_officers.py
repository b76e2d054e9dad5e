from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.core.sample_desks import identity_key
from tests.desk.sample_homes import CHEAP, NOW
from watchline.core.entries import Body, EntryType
from watchline.core.keys import Ed25519Key
from watchline.core.persons import Assertion, Roster, read_roster_change, verify_people
from watchline.desk.officers import (
    OfficerKey,
    check_may,
    new_officer_key,
    open_officer_key,
    sign_roster_change,
    with_officer,
    without_officer,
    write_officer_key,
)
from watchline.errors import BadSignature, PeerError, SecretError, UsageError, WrongParty

LINE, DESK, NONCE = b"l" * 32, b"d" * 32, b"n" * 16
DUTY = new_officer_key(None, "duty")
ROSTER = Roster(1, (DUTY.officer("duty", NOW),))


def grown() -> tuple[Roster, OfficerKey]:
    sato = new_officer_key(ROSTER, "sato")
    return with_officer(ROSTER, sato.officer("releaser", NOW)), sato


def test_key_file_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    write_officer_key(tmp_path, DUTY, "right", CHEAP)

    assert open_officer_key(tmp_path, "duty", "right") == DUTY
    with pytest.raises(SecretError, match="officer duty"):
        open_officer_key(tmp_path, "duty", "wrong")


def test_officer_without_a_key_file_is_refused_with_those_there_are(tmp_path: Path) -> None:
    write_officer_key(tmp_path, DUTY, "right", CHEAP)

    with pytest.raises(UsageError) as caught:
        open_officer_key(tmp_path, "sato", "right")

    assert caught.value.facts["allowed"] == ["duty"]


def test_signature_of_an_officer_counts_at_the_other_side() -> None:
    value = DUTY.sign(EntryType.NOTICE, LINE, DESK, NONCE, b"content")

    (signer,) = verify_people(
        [Assertion.from_value(value)],
        ROSTER,
        purpose="release",
        line=LINE,
        sender_id=DESK,
        nonce=NONCE,
        what=Body(b"content").digest,
        now=NOW,
        needed=1,
    )

    assert signer.officer.name == "duty"


def test_revoked_officer_counts_no_more_and_keeps_the_number() -> None:
    roster, sato = grown()
    value = sato.sign(EntryType.NOTICE, LINE, DESK, NONCE, b"content")

    after = without_officer(roster, "sato", NOW + 1)

    with pytest.raises(WrongParty, match="may not release"):
        verify_people(
            [Assertion.from_value(value)],
            after,
            purpose="release",
            line=LINE,
            sender_id=DESK,
            nonce=NONCE,
            what=Body(b"content").digest,
            now=NOW + 2,
            needed=1,
        )
    assert new_officer_key(after, "suzuki").number == sato.number + 1


def test_officer_who_may_not_is_refused_before_anything_is_signed() -> None:
    auditor = new_officer_key(ROSTER, "audit")
    roster = with_officer(ROSTER, auditor.officer("auditor", NOW))

    with pytest.raises(UsageError, match="may not release"):
        check_may(auditor, roster, "release")
    with pytest.raises(UsageError, match="not in the roster"):
        check_may(auditor, ROSTER, "release")
    with pytest.raises(UsageError, match="not in the roster"):
        check_may(OfficerKey(DUTY.number, "duty", Ed25519Key(os.urandom(32))), ROSTER, "release")


def test_roster_change_that_the_identity_signed_is_taken() -> None:
    roster, _ = grown()
    content = sign_roster_change(identity_key("A"), LINE, roster)

    assert read_roster_change(content, ROSTER, identity_key("A").identity, LINE) == roster


def test_roster_change_for_another_line_or_by_another_desk_is_refused() -> None:
    roster, _ = grown()
    content = sign_roster_change(identity_key("A"), LINE, roster)

    with pytest.raises(BadSignature):
        read_roster_change(content, ROSTER, identity_key("A").identity, b"m" * 32)
    with pytest.raises(BadSignature):
        read_roster_change(content, ROSTER, identity_key("B").identity, LINE)
    with pytest.raises(WrongParty):
        read_roster_change(content, roster, identity_key("A").identity, LINE)


def test_roster_change_cut_short_or_longer_is_refused() -> None:
    content = sign_roster_change(identity_key("A"), LINE, grown()[0])

    for damaged in [*(content[:length] for length in range(len(content))), content + b"\0"]:
        with pytest.raises(PeerError):
            read_roster_change(damaged, ROSTER, identity_key("A").identity, LINE)
