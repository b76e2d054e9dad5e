"""Homes that come back after a renewal, or in the middle of one, know the secret that the other desk knows (rules 5 and 28)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.desk.open_homes import journal_of, unlocked
from tests.desk.sample_homes import NOW, unlock
from tests.desk.test_backup import backed_up
from tests.desk.test_incarnation import rotated
from watchline.core.line_secrets import LineSecrets
from watchline.core.pairing import Pairing
from watchline.desk.ceremony import own_desk
from watchline.desk.home import Home
from watchline.desk.kept_secrets import KIND
from watchline.desk.local import connect
from watchline.desk.renewal_ceremony import Renewing
from watchline.desk.restore import restore_backup, restore_identity
from watchline.errors import SecretError, UsageError, WrongParty

LATER = NOW + 3_600


def step(desks: Path, name: str, file: Path | None, out: Path | None) -> None:
    """One desk begins, or takes a file of the other one."""
    home = Home.open(desks / name)
    with connect(home) as caller:
        line = "beijing" if name == "tokyo" else "tokyo"
        renewing = Renewing(caller, home, own_desk(caller), unlock(home), line, None)
        if file is not None:
            renewing.go_on(file.read_bytes(), out)
        else:
            assert out is not None
            renewing.begin(out)


def offer(desks: Path, label: str = "r") -> Path:
    """Tokyo has made file 3."""
    one, two, three = (desks / f"{label}{number}" for number in (1, 2, 3))
    step(desks, "tokyo", None, one)
    step(desks, "beijing", one, two)
    step(desks, "tokyo", two, three)
    return three


def secrets(home: Path) -> LineSecrets:
    with journal_of(home) as journal:
        [row] = journal.lines()
        return Pairing.decode(row.pairing).secrets


def put(home: Path, after: LineSecrets) -> None:
    with journal_of(home) as journal:
        [row] = journal.lines()
        journal.put_line(replace(row, pairing=Pairing.decode(row.pairing).with_secrets(after).encode()))


def change(desks: Path) -> bytes:
    """A whole renewal, and the change-over of both; give the secret that both speak under."""
    step(desks, "beijing", offer(desks, f"{secrets(desks / 'tokyo').renewals}-"), None)
    for name in ("tokyo", "beijing"):
        before = secrets(desks / name)
        assert before.next is not None
        put(desks / name, before.heard(before.next).changed().heard(before.next))
    assert secrets(desks / "tokyo") == secrets(desks / "beijing")
    return secrets(desks / "tokyo").spoken


def medium_of(desks: Path) -> Path:
    return desks / "tokyo" / "identity"


def restored(desks: Path, medium: Path | None = None) -> LineSecrets:
    restore_backup(desks / "new", desks / "backup", unlocked(medium or medium_of(desks)), (), LATER)
    return secrets(desks / "new")


@pytest.mark.slow
def test_backup_from_before_two_renewals_is_restored_with_the_secret_of_the_medium(desks: Path) -> None:
    backed_up(desks / "tokyo", desks / "backup")
    change(desks)
    spoken = change(desks)
    found = restored(desks)
    assert (found.spoken, found.renewals) == (spoken, 2)


@pytest.mark.slow
def test_medium_alone_gives_the_renewed_secret(desks: Path) -> None:
    spoken = change(desks)
    restore_identity(desks / "new", unlocked(medium_of(desks)), None, None, (), LATER)
    assert secrets(desks / "new").spoken == spoken


@pytest.mark.slow
def test_home_that_comes_back_while_file_3_is_under_way_speaks_the_new_secret_and_can_give_file_3_again(desks: Path) -> None:
    file3 = offer(desks).read_bytes()
    backed_up(desks / "tokyo", desks / "backup")
    before = secrets(desks / "tokyo")
    found = restored(desks)
    assert (found.spoken, found.previous) == (before.next, before.spoken)
    home = Home.open(desks / "new")
    with connect(home) as caller:
        Renewing(caller, home, own_desk(caller), unlock(home), "beijing", medium_of(desks)).again(desks / "again")
    assert (desks / "again").read_bytes() == file3


@pytest.mark.slow
def test_restored_desk_that_took_file_3_speaks_under_what_it_brought(desks: Path) -> None:
    step(desks, "beijing", offer(desks), None)
    shutil.copytree(desks / "beijing" / "identity", desks / "medium")
    restore_identity(desks / "new", unlocked(desks / "medium"), None, None, (), LATER)
    assert secrets(desks / "new").spoken == secrets(desks / "tokyo").next


@pytest.mark.slow
def test_old_copy_of_the_medium_is_refused_for_a_backup_that_knows_a_later_secret(desks: Path) -> None:
    shutil.copytree(medium_of(desks), desks / "old")
    change(desks)
    backed_up(desks / "tokyo", desks / "backup")
    with pytest.raises(SecretError, match="was renewed since"):
        restored(desks, desks / "old")
    assert not (desks / "new").exists()


@pytest.mark.slow
def test_backup_with_a_secret_from_which_the_medium_s_does_not_follow_is_refused(desks: Path) -> None:
    honest = secrets(desks / "tokyo")
    put(desks / "tokyo", LineSecrets(bytes(32)))
    backed_up(desks / "tokyo", desks / "backup")
    put(desks / "tokyo", honest)
    change(desks)
    with pytest.raises(UsageError, match="is not the one that the identity's medium keeps"):
        restored(desks)


@pytest.mark.slow
def test_home_that_was_set_back_takes_the_secret_of_the_medium_when_it_is_rotated(desks: Path) -> None:
    before = secrets(desks / "tokyo")
    spoken = change(desks)
    put(desks / "tokyo", before)
    rotated(desks / "tokyo")
    assert secrets(desks / "tokyo").spoken == spoken


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["asks", "answers", "takes", "gives again"])
def test_home_that_was_set_back_makes_no_step_of_a_renewal_and_the_medium_keeps_the_secret(desks: Path, kind: str) -> None:
    """An old file 1, answered by a home that was set back, put the old secret on the medium: the line was lost (seed 22399)."""
    step(desks, "beijing", None, desks / "stray")
    step(desks, "tokyo", desks / "stray", desks / "answer")
    step(desks, "beijing", desks / "answer", desks / "lost")
    before = secrets(desks / "tokyo")
    if kind == "gives again":
        offer(desks)
        before = secrets(desks / "tokyo")
    spoken = change(desks)
    put(desks / "tokyo", before)
    home, out = Home.open(desks / "tokyo"), desks / "out"
    steps: dict[str, Callable[[Renewing], object]] = {
        "asks": lambda renewing: renewing.begin(out),
        "answers": lambda renewing: renewing.go_on((desks / "stray").read_bytes(), out),
        "takes": lambda renewing: renewing.go_on((desks / "0-3").read_bytes(), out),
        "gives again": lambda renewing: renewing.again(out),
    }
    with connect(home) as caller:
        renewing = Renewing(caller, home, own_desk(caller), unlock(home), "beijing", None)
        with pytest.raises(UsageError, match="is an old copy"):
            steps[kind](renewing)
    assert not out.exists()
    rotated(desks / "tokyo")
    assert spoken in secrets(desks / "tokyo").all


@pytest.mark.slow
def test_home_whose_medium_was_written_for_a_step_that_never_came_is_not_taken_for_an_old_copy(desks: Path) -> None:
    medium = medium_of(desks)
    change(desks)
    held = secrets(desks / "tokyo")
    line = next(medium.glob("line-*.newest"))
    assert line.read_bytes() == held.mark
    line.unlink()
    change(desks)
    assert line.read_bytes() == secrets(desks / "tokyo").mark


def test_home_that_is_not_old_goes_on_with_its_renewal_when_it_is_rotated(desks: Path) -> None:
    offer(desks)
    before = secrets(desks / "tokyo")
    rotated(desks / "tokyo")
    assert secrets(desks / "tokyo") == before


@pytest.mark.slow
def test_backup_from_before_file_3_was_replaced_is_restored_with_the_secret_that_the_peer_took(desks: Path) -> None:
    offer(desks, "in-vain-")
    backed_up(desks / "tokyo", desks / "backup")
    spoken = change(desks)
    assert restored(desks).spoken == spoken


@pytest.mark.slow
def test_home_that_was_set_back_to_before_file_3_was_replaced_takes_the_secret_that_the_peer_took(desks: Path) -> None:
    offer(desks, "in-vain-")
    before = secrets(desks / "tokyo")
    spoken = change(desks)
    put(desks / "tokyo", before)
    rotated(desks / "tokyo")
    assert secrets(desks / "tokyo").spoken == spoken


def test_home_that_knows_that_its_peer_has_the_new_secret_begins_its_new_logs_under_it(desks: Path) -> None:
    """Else a home that was set back to before the change-over would wait for ever for a peer that forgot the old secret."""
    offer(desks)
    offered = secrets(desks / "tokyo")
    assert offered.next is not None
    put(desks / "tokyo", offered.heard(offered.next))
    rotated(desks / "tokyo")
    found = secrets(desks / "tokyo")
    assert (found.spoken, found.previous) == (offered.next, offered.spoken)


@pytest.mark.slow
def test_old_copy_of_the_medium_does_not_bring_back_what_was_offered_in_vain(desks: Path) -> None:
    offer(desks, "in-vain-")
    shutil.copytree(medium_of(desks), desks / "old")
    offer(desks)
    offered = secrets(desks / "tokyo")
    assert offered.next is not None
    put(desks / "tokyo", offered.heard(offered.next))
    shutil.copytree(desks / "old", medium_of(desks), dirs_exist_ok=True)
    rotated(desks / "tokyo")
    assert secrets(desks / "tokyo").spoken == offered.next


def test_restored_home_says_that_file_3_may_still_be_wanted(desks: Path) -> None:
    offer(desks)
    backed_up(desks / "tokyo", desks / "backup")
    restored(desks)
    home = Home.open(desks / "new")
    with connect(home) as caller:
        renewing = Renewing(caller, home, own_desk(caller), unlock(home), "beijing", medium_of(desks))
        assert (renewing.standing.state, renewing.standing.renewals) == ("offered", 1)


@pytest.mark.slow
def test_restored_home_whose_file_3_is_under_way_asks_for_that_instead_of_another_renewal(desks: Path) -> None:
    offer(desks)
    step(desks, "beijing", None, desks / "anew")
    backed_up(desks / "tokyo", desks / "backup")
    restored(desks)
    home = Home.open(desks / "new")
    with connect(home) as caller:
        renewing = Renewing(caller, home, own_desk(caller), unlock(home), "beijing", medium_of(desks))
        with pytest.raises(WrongParty) as refused:
            renewing.go_on((desks / "anew").read_bytes(), desks / "2")
        with pytest.raises(UsageError, match="not through") as not_begun:
            renewing.begin(desks / "1")
    assert "--again" in refused.value.hint
    assert "--again" in not_begun.value.hint


def test_what_waits_for_a_file_does_not_come_back_from_a_backup(desks: Path) -> None:
    step(desks, "tokyo", None, desks / "1")
    with journal_of(desks / "tokyo") as journal:
        assert len(journal.documents(KIND)) == 1
    backed_up(desks / "tokyo", desks / "backup")
    restored(desks)
    with journal_of(desks / "new") as journal:
        assert journal.documents(KIND) == {}


@pytest.mark.slow
def test_secret_before_the_renewal_is_gone_from_the_home_s_files(desks: Path) -> None:
    before = secrets(desks / "tokyo")
    change(desks)
    with journal_of(desks / "tokyo") as journal:
        journal.compact()
        [row] = journal.lines()
        assert before.spoken not in row.pairing
