from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.desk.open_homes import journal_of, own_of, unlocked
from tests.desk.sample_homes import NOW
from watchline.core.certificate import choose_certificate, parse_certificate
from watchline.desk import incarnation
from watchline.desk.home import CERTIFICATE_SECONDS, Home
from watchline.desk.incarnation import begin_incarnation, check_medium, give_incarnations, keep_from_journal, renewed, rotate
from watchline.desk.medium import Unlocked, kept_desk
from watchline.desk.own import OwnDesk
from watchline.errors import SecretError, UsageError

LATER = NOW + 86_400


def rotated(path: Path, since: int | None = None, now: int = LATER) -> tuple[OwnDesk, OwnDesk]:
    return rotate(Home.open(path), lambda own: unlocked(path / own.identity_dir), now, since)


def keys_of(own: OwnDesk) -> set[bytes]:
    keys = own.keys
    statement = keys.statement
    return {statement.ed_seed, statement.ml_seed, keys.log.seed, keys.custody.seed, keys.kem.seed, keys.tls, keys.hedge}


def test_rotated_home_has_only_new_keys_and_the_next_numbers(desks: Path) -> None:
    before, own = rotated(desks / "tokyo")

    certificate = own.certificate.certificate
    assert (certificate.inc, certificate.serial, certificate.revoked) == (2, 2, None)
    assert (certificate.not_before, certificate.not_after) == (LATER, LATER + CERTIFICATE_SECONDS)
    assert certificate.public == own.keys.public
    assert keys_of(before).isdisjoint(keys_of(own))
    assert own_of(desks / "tokyo") == own
    assert (own.roster, own.identity, own.created) == (before.roster, before.identity, before.created)


def test_each_line_keeps_the_old_and_the_new_certificate(desks: Path) -> None:
    before, own = rotated(desks / "tokyo")

    with journal_of(desks / "tokyo") as journal:
        (line,) = [row.line for row in journal.lines()]
        kept = [parse_certificate(record.encoded, own.identity) for record in journal.certificates(line, True)]
    assert kept == [before.certificate, own.certificate]
    assert choose_certificate(kept[0], kept[1], line) == own.certificate


def test_old_keys_are_gone_from_the_files_of_the_home(desks: Path) -> None:
    with journal_of(desks / "tokyo") as journal:
        sealed_before = journal._disk.rows("SELECT blob FROM documents JOIN secrets USING (slot)")[0][0]
    rotated(desks / "tokyo")

    files = b"".join(path.read_bytes() for path in (desks / "tokyo").glob("journal.db*"))
    assert sealed_before not in files


def test_numbers_are_never_given_twice_even_by_a_home_that_was_set_back(desks: Path) -> None:
    shutil.copy(desks / "tokyo" / "journal.db", desks / "old.db")
    first = rotated(desks / "tokyo")[1].certificate.certificate
    shutil.copy(desks / "old.db", desks / "tokyo" / "journal.db")
    (desks / "tokyo" / "journal.db-wal").unlink(missing_ok=True)

    second = rotated(desks / "tokyo")[1].certificate.certificate

    assert [(each.inc, each.serial) for each in (first, second)] == [(2, 2), (3, 3)]


@pytest.mark.slow
def test_revocation_names_the_old_incarnation_and_stays_in_later_certificates(desks: Path) -> None:
    assert rotated(desks / "tokyo", since=NOW - 60)[1].certificate.certificate.revoked == (1, NOW - 60)
    assert rotated(desks / "tokyo")[1].certificate.certificate.revoked == (1, NOW - 60)
    assert rotated(desks / "tokyo", since=NOW)[1].certificate.certificate.revoked == (3, NOW)


def test_revocation_that_only_the_medium_remembers_is_carried_on(desks: Path) -> None:
    own = own_of(desks / "tokyo")
    rotated(desks / "tokyo", since=NOW - 60)

    assert begin_incarnation(unlocked(desks / "tokyo" / "identity"), own, LATER).certificate.certificate.revoked == (
        1,
        NOW - 60,
    )


def test_home_in_use_is_not_rotated_and_nothing_is_counted(desks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incarnation, "LOCK_SECONDS", 0.0)

    with Home.open(desks / "tokyo").lock(), pytest.raises(UsageError, match="another node runs"):
        rotated(desks / "tokyo")

    assert unlocked(desks / "tokyo" / "identity").medium.inc == 1


def test_rotation_that_was_interrupted_after_counting_is_simply_made_again(desks: Path) -> None:
    give_incarnations(unlocked(desks / "tokyo" / "identity"), 1, NOW, None)  # and then the power went

    own = rotated(desks / "tokyo")[1].certificate.certificate

    assert (own.inc, own.serial) == (3, 3)


def test_renewal_gives_the_same_keys_later_dates(desks: Path) -> None:
    own = own_of(desks / "tokyo")

    later = renewed(unlocked(desks / "tokyo" / "identity"), own, LATER)

    certificate = later.certificate.certificate
    assert (certificate.inc, certificate.serial) == (1, 2)
    assert (certificate.not_before, certificate.not_after) == (LATER, LATER + CERTIFICATE_SECONDS)
    assert later.keys == own.keys
    assert choose_certificate(own.certificate, later.certificate, b"L" * 32) == later.certificate


def test_renewal_of_a_home_that_another_one_replaced_is_refused(desks: Path) -> None:
    own = own_of(desks / "tokyo")
    rotated(desks / "tokyo")

    with pytest.raises(UsageError, match="another home is incarnation 2") as caught:
        renewed(unlocked(desks / "tokyo" / "identity"), own, LATER)

    assert "keys rotate" in caught.value.hint
    assert unlocked(desks / "tokyo" / "identity").medium.serial == 2


def test_spare_signed_ahead_counts_more_than_a_later_renewal(desks: Path) -> None:
    own, medium = own_of(desks / "tokyo"), desks / "tokyo" / "identity"
    spare, second = give_incarnations(unlocked(medium), 2, NOW, None)
    later = renewed(unlocked(medium), own, LATER)

    assert [each.certificate.certificate.inc for each in (spare, second)] == [2, 3]
    assert later.certificate.certificate.serial == 4
    assert choose_certificate(later.certificate, spare.certificate, b"L" * 32) == spare.certificate
    assert choose_certificate(spare.certificate, later.certificate, b"L" * 32) == spare.certificate


@pytest.mark.parametrize("sign", [begin_incarnation, renewed])
def test_medium_of_another_desk_signs_nothing(desks: Path, sign: Callable[[Unlocked, OwnDesk, int], OwnDesk]) -> None:
    medium = desks / "beijing" / "identity"

    with pytest.raises(SecretError, match="another desk's: Beijing"):
        sign(unlocked(medium), own_of(desks / "tokyo"), NOW)

    assert unlocked(medium).medium.serial == 1


def test_old_copy_of_the_medium_signs_nothing(desks: Path) -> None:
    shutil.copytree(desks / "tokyo" / "identity", desks / "copy")
    own = rotated(desks / "tokyo")[1]

    with pytest.raises(SecretError, match="old copy"):
        check_medium(unlocked(desks / "copy").medium, own.certificate)
    check_medium(unlocked(desks / "tokyo" / "identity").medium, own.certificate)


def test_medium_keeps_what_another_machine_has_to_know(desks: Path) -> None:
    own = rotated(desks / "tokyo")[1]
    medium = unlocked(desks / "tokyo" / "identity")
    with journal_of(desks / "tokyo") as journal:
        keep_from_journal(medium, journal, own)
        (row,) = journal.lines()

    kept = kept_desk(medium.folder, medium.medium)

    assert kept is not None
    assert (kept.certificate, kept.roster, kept.language, kept.zone) == (own.certificate, own.roster, "ja", "Asia/Tokyo")
    assert (kept.routes, kept.lines) == ((("direct", "127.0.0.1:7411"),), {row.line: "beijing"})
