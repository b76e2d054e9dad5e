"""The pairing ceremony on real homes: what is kept, what is refused, and what an interrupted step leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.core.sample_form1 import paired_by_form_1
from tests.desk.sample_homes import IDENTITY, OFFICER, Ceremony, Side, make_home, unlock
from watchline.core.encoding import decode, encode
from watchline.core.pairing import MAGIC, PURPOSE, Pairing
from watchline.desk import ceremony
from watchline.desk.agreement import proposed_terms
from watchline.desk.local import connect
from watchline.desk.medium import Medium, open_medium, read_pairing
from watchline.errors import Malformed, PeerError, SecretError, UsageError, WrongParty

WRONG = " ".join(["00000"] * 12)


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Ceremony]:
    with ExitStack() as stack:
        yield Ceremony(tmp_path, stack)


def test_three_files_make_one_line_with_the_same_digits(desks: Ceremony) -> None:
    digits = desks.pair()

    assert (desks.tokyo.names(), desks.beijing.names()) == (["beijing"], ["tokyo"])
    for side, name in ((desks.tokyo, "beijing"), (desks.beijing, "tokyo")):
        assert ceremony.line_row(side.caller, name)["confirmed"] is False
        side.confirm(name, digits)
        assert ceremony.line_row(side.caller, name)["confirmed"] is True
        assert side.pending() == []


def test_own_addresses_are_kept_and_told(desks: Ceremony) -> None:
    desks.pair()

    row = ceremony.line_row(desks.beijing.caller, "tokyo")
    assert Pairing.decode(bytes.fromhex(row["pairing"])).peer_routes == ceremony.own_routes(desks.tokyo.caller)


def test_pairing_is_also_kept_sealed_on_the_identitys_medium(desks: Ceremony) -> None:
    desks.pair()

    for side in (desks.tokyo, desks.beijing):
        folder = side.home.identity_dir(side.own.identity_dir)
        row = side.caller.call("line_rows")["lines"][0]
        pairing = Pairing.decode(bytes.fromhex(row["pairing"]))
        medium = open_medium(folder, IDENTITY)
        assert Pairing.decode(read_pairing(folder, medium, pairing.line)) == pairing
        assert not any(pairing.ps in path.read_bytes() for path in folder.iterdir())


def test_digits_are_read_with_any_spacing(desks: Ceremony) -> None:
    digits = desks.pair()

    desks.tokyo.confirm("beijing", digits.replace(" ", "-\n"))

    assert ceremony.line_row(desks.tokyo.caller, "beijing")["confirmed"] is True


def test_three_wrong_entries_end_the_pairing(desks: Ceremony) -> None:
    digits = desks.pair()

    for left in (2, 1):
        with pytest.raises(WrongParty, match="not the digits") as caught:
            desks.tokyo.confirm("beijing", WRONG)
        assert caught.value.facts["entries_left"] == left
    with pytest.raises(WrongParty, match="this pairing is ended"):
        desks.tokyo.confirm("beijing", WRONG)

    assert (desks.tokyo.names(), desks.tokyo.pending(), desks.tokyo.kept()) == ([], [], [])
    with pytest.raises(UsageError, match="there is no line"):
        desks.tokyo.confirm("beijing", digits)


def test_wrong_entries_are_counted_across_restarts(tmp_path: Path) -> None:
    with ExitStack() as stack:
        desks = Ceremony(tmp_path, stack)
        desks.pair()
        home = desks.tokyo.home
        with pytest.raises(WrongParty):
            desks.tokyo.confirm("beijing", WRONG)

    for _ in range(2):
        with connect(home) as caller, pytest.raises(WrongParty):
            Side(home, caller).confirm("beijing", WRONG)

    with connect(home) as caller:
        assert Side(home, caller).names() == []


def test_digits_that_are_too_few_count_as_a_wrong_entry(desks: Ceremony) -> None:
    desks.pair()

    with pytest.raises(UsageError, match="sixty digits") as caught:
        desks.tokyo.confirm("beijing", "12345")

    assert caught.value.facts["entries_left"] == 2


def test_digits_that_differ_end_the_pairing_at_once(desks: Ceremony) -> None:
    desks.pair()

    desks.tokyo.end("beijing")

    assert (desks.tokyo.names(), desks.tokyo.pending(), desks.tokyo.kept()) == ([], [], [])


def test_confirmed_line_cannot_be_ended_by_wrong_digits(desks: Ceremony) -> None:
    desks.tokyo.confirm("beijing", desks.pair())

    for _ in range(4):
        with pytest.raises(WrongParty):
            desks.tokyo.confirm("beijing", WRONG)
    with pytest.raises(UsageError, match="confirmed already"):
        desks.tokyo.end("beijing")

    assert desks.tokyo.names() == ["beijing"]


def test_same_file_2_gives_the_same_file_3_again(desks: Ceremony) -> None:
    file2 = desks.beijing.accept(desks.tokyo.invite(desks.table / "1"), desks.table / "2")

    first = desks.tokyo.complete(file2, desks.table / "3")
    again = desks.tokyo.complete(file2, desks.table / "3 again")

    assert again == first
    assert (desks.table / "3 again").read_bytes() == first.file3
    assert desks.tokyo.names() == ["beijing"]


def test_same_file_3_gives_the_same_line_again(desks: Ceremony) -> None:
    desks.pair()

    again = desks.beijing.complete((desks.table / "3").read_bytes())

    assert again.name == "tokyo"
    assert desks.beijing.names() == ["tokyo"]


def test_line_has_the_name_that_was_asked_for(desks: Ceremony) -> None:
    file2 = desks.beijing.accept(desks.tokyo.invite(desks.table / "1"), desks.table / "2")

    assert desks.tokyo.complete(file2, desks.table / "3", name="red").name == "red"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["", "a b", "-a", "a/b", "x" * 41, "a\n"])
def test_line_name_that_cannot_be_typed_is_refused_and_nothing_is_done(desks: Ceremony, name: str) -> None:
    file2 = desks.beijing.accept(desks.tokyo.invite(desks.table / "1"), desks.table / "2")

    with pytest.raises(UsageError, match="name"):
        desks.tokyo.complete(file2, desks.table / "3", name=name)

    assert (desks.tokyo.names(), desks.tokyo.pending(), desks.tokyo.kept()) == ([], ["invitation"], [])


def test_own_invitation_is_refused(desks: Ceremony) -> None:
    file1 = desks.tokyo.invite(desks.table / "1")

    with pytest.raises(WrongParty, match="your own"):
        desks.tokyo.accept(file1, desks.table / "2")

    assert not (desks.table / "2").exists()


def test_file_of_another_pairing_is_refused(desks: Ceremony) -> None:
    desks.tokyo.invite(desks.table / "1")
    home = make_home(desks.table, "seoul")
    with connect(home) as caller:
        seoul = Side(home, caller)
        foreign = desks.beijing.accept(seoul.invite(desks.table / "other 1"), desks.table / "other 2")

    with pytest.raises(WrongParty):
        desks.tokyo.complete(foreign, desks.table / "3")

    assert (desks.tokyo.names(), desks.tokyo.pending()) == ([], ["invitation"])
    assert not (desks.table / "3").exists()


@pytest.mark.slow
@pytest.mark.parametrize("damage", [slice(0, 10), slice(0, 100), slice(0, -1)], ids=str)
def test_damaged_file_is_refused_at_every_step(desks: Ceremony, damage: slice) -> None:
    file1 = desks.tokyo.invite(desks.table / "1")
    with pytest.raises(PeerError):
        desks.beijing.accept(file1[damage], desks.table / "2")
    file2 = desks.beijing.accept(file1, desks.table / "2")
    with pytest.raises(PeerError):
        desks.tokyo.complete(file2[damage], desks.table / "3")
    file3 = desks.tokyo.complete(file2, desks.table / "3").file3
    assert file3 is not None
    with pytest.raises(PeerError):
        desks.beijing.complete(file3[damage])

    assert desks.beijing.pending() == ["acceptance"]
    assert desks.beijing.complete(file3).name == "tokyo"


def test_file_that_is_no_pairing_file_is_refused(desks: Ceremony) -> None:
    with pytest.raises(PeerError, match="not a pairing file"):
        desks.tokyo.complete(b"GIF89a", desks.table / "3")


def test_file_1_given_to_complete_is_refused_with_what_to_do(desks: Ceremony) -> None:
    file1 = desks.tokyo.invite(desks.table / "1")

    with pytest.raises(WrongParty, match="file 1") as caught:
        desks.beijing.complete(file1)

    assert "accept" in caught.value.hint


def test_wrong_passphrase_leaves_nothing_half_done(desks: Ceremony) -> None:
    tokyo = desks.tokyo
    with pytest.raises(SecretError):
        ceremony.invite(
            tokyo.caller,
            tokyo.own,
            lambda own: open_medium(tokyo.home.identity_dir(own.identity_dir), OFFICER),
            proposed_terms("ja", tokyo.home.config),
            (),
            desks.table / "1",
        )

    assert tokyo.pending() == []
    assert not (desks.table / "1").exists()


def test_file_that_is_there_is_not_written_over(desks: Ceremony) -> None:
    (desks.table / "1").write_text("mine")

    with pytest.raises(UsageError, match="there already"):
        desks.tokyo.invite(desks.table / "1")

    assert (desks.table / "1").read_text() == "mine"
    assert desks.tokyo.pending() == []


def test_medium_that_is_taken_out_stops_the_ceremony_before_there_is_a_line(desks: Ceremony) -> None:
    file2 = desks.beijing.accept(desks.tokyo.invite(desks.table / "1"), desks.table / "2")
    file3 = desks.tokyo.complete(file2, desks.table / "3").file3
    assert file3 is not None
    folder = desks.beijing.home.path / "identity"
    folder.rename(desks.table / "in a safe")

    with pytest.raises(SecretError, match="medium is not there"):
        desks.beijing.complete(file3)
    assert (desks.beijing.names(), desks.beijing.pending()) == ([], ["acceptance"])

    (desks.table / "in a safe").rename(folder)
    assert desks.beijing.complete(file3).name == "tokyo"


def test_file_3_needs_no_passphrase(desks: Ceremony) -> None:
    file2 = desks.beijing.accept(desks.tokyo.invite(desks.table / "1"), desks.table / "2")
    file3 = desks.tokyo.complete(file2, desks.table / "3").file3
    assert file3 is not None

    def refuse(own: object) -> Medium:
        raise AssertionError("nothing is signed here")

    done = ceremony.complete(
        desks.beijing.caller, desks.beijing.home, desks.beijing.own, refuse, file3, 1_800_000_000, name=None, out=None
    )

    assert done.name == "tokyo"
    assert unlock(desks.beijing.home)(desks.beijing.own).key.desk == "Beijing"


def test_file_of_an_earlier_version_is_refused_at_each_step_and_leaves_nothing(desks: Ceremony) -> None:
    files, _ = paired_by_form_1()
    desks.tokyo.invite(desks.table / "1")

    with pytest.raises(Malformed, match="earlier version"):
        desks.beijing.accept(files[0], desks.table / "2")
    for file in files[1:]:
        with pytest.raises(Malformed, match="earlier version") as refused:
            desks.tokyo.complete(file, desks.table / "3")
        assert "both begin the pairing anew" in refused.value.hint

    assert (desks.tokyo.names(), desks.tokyo.pending()) == ([], ["invitation"])
    assert desks.beijing.pending() == []
    assert not (desks.table / "2").exists()
    assert not (desks.table / "3").exists()


def as_an_earlier_version_kept_it(side: Side) -> None:
    """Label what waits as an earlier version did, which answered with other files."""
    for key, value in side.caller.call("documents", kind="pending")["values"].items():
        label, *values = decode(bytes.fromhex(value))
        older = encode([label.replace("watchline/2", "watchline/1"), *values]).hex()
        assert older != value
        side.caller.call("document_put", kind="pending", key=key, value=older, sealed=True)


def test_pairing_that_an_earlier_version_began_is_refused_with_what_to_do(desks: Ceremony) -> None:
    file2 = desks.beijing.accept(desks.tokyo.invite(desks.table / "1"), desks.table / "2")
    as_an_earlier_version_kept_it(desks.tokyo)

    with pytest.raises(WrongParty, match="begun with an earlier version") as refused:
        desks.tokyo.complete(file2, desks.table / "3")

    assert "begin the pairing anew" in refused.value.hint
    assert desks.tokyo.names() == []


def test_pairing_that_an_earlier_version_began_is_in_nobodys_way(desks: Ceremony) -> None:
    desks.beijing.accept(desks.tokyo.invite(desks.table / "old 1"), desks.table / "old 2")
    as_an_earlier_version_kept_it(desks.tokyo)
    as_an_earlier_version_kept_it(desks.beijing)

    desks.pair()

    assert (desks.tokyo.names(), desks.beijing.names()) == (["beijing"], ["tokyo"])


def test_file_3_that_its_maker_signed_once_more_changes_nothing_of_the_line_that_it_made(desks: Ceremony) -> None:
    """LINE is over what is signed, not over the signatures; this desk was killed before it forgot what waited for file 3."""
    file1 = desks.tokyo.invite(desks.table / "1")
    file3 = desks.tokyo.complete(desks.beijing.accept(file1, desks.table / "2"), desks.table / "3").file3
    assert file3 is not None
    waiting = desks.beijing.caller.call("documents", kind="pending")["values"]
    done = desks.beijing.complete(file3)
    desks.beijing.confirm("tokyo", done.pairing.digits)
    before = ceremony.line_row(desks.beijing.caller, "tokyo")
    for key, value in waiting.items():
        desks.beijing.caller.call("document_put", kind="pending", key=key, value=value, sealed=True)
    body, _, _, undisclosed = decode(file3[len(MAGIC) :])
    signature = unlock(desks.tokyo.home)(desks.tokyo.own).key.sign(PURPOSE, body)
    again = MAGIC + encode([body, signature.ed, signature.ml, undisclosed])
    assert again != file3

    assert desks.beijing.complete(again) == done
    assert ceremony.line_row(desks.beijing.caller, "tokyo") == before
    assert desks.beijing.pending() == []
