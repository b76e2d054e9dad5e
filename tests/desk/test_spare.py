from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.desk.open_homes import journal_of, own_of, unlocked
from tests.desk.sample_homes import CHEAP, NOW, OFFICER
from tests.desk.test_incarnation import rotated
from watchline.core.pairing import Pairing
from watchline.core.records import CertificateRecord
from watchline.desk.ceremony import own_desk, own_routes
from watchline.desk.home import Home
from watchline.desk.incarnation import Incarnation, give_incarnations
from watchline.desk.local import connect
from watchline.desk.officers import open_officer_key
from watchline.desk.spare import (
    MAGIC,
    GivenOut,
    Spare,
    check_spare,
    gather,
    given_out,
    read_spare,
    remember,
    start_spare,
    write_spare,
)
from watchline.errors import Malformed, SecretError, UsageError, WatchlineError

PASSPHRASE = "spare passphrase"


@pytest.fixture
def made(desks: Path) -> tuple[Spare, Incarnation]:
    """Spares of tokyo, `spare-1` and `spare-2` in the folder of the homes; what is in the first."""
    home = Home.open(desks / "tokyo")
    with connect(home) as caller:
        content = gather(caller, home, own_desk(caller))
        first, second = give_incarnations(unlocked(desks / "tokyo" / "identity"), 2, NOW, None)
        for name, given in (("spare-1", first), ("spare-2", second)):
            write_spare(desks / name, content, given, PASSPHRASE, CHEAP)
            remember(caller, content, given, NOW)
    return content, first


@pytest.mark.slow
def test_spare_starts_the_desk_as_its_next_incarnation(desks: Path, made: tuple[Spare, Incarnation]) -> None:
    before, given = own_of(desks / "tokyo"), made[1]

    start_spare(desks / "new", read_spare(desks / "spare-1", PASSPHRASE), ())

    assert own_of(desks / "new") == replace(before, keys=given.keys, certificate=given.certificate)
    assert given.certificate.certificate.inc == 2
    assert open_officer_key(desks / "new" / "officers", "duty", OFFICER).name == "duty"
    with journal_of(desks / "new") as new, journal_of(desks / "tokyo") as old:
        assert new.lines() == old.lines()
        assert new.logs(new.lines()[0].line) == []


def test_second_spare_is_the_incarnation_after_with_other_keys(desks: Path, made: tuple[Spare, Incarnation]) -> None:
    first, second = (read_spare(desks / name, PASSPHRASE).own for name in ("spare-1", "spare-2"))

    assert [own.certificate.certificate.inc for own in (first, second)] == [2, 3]
    assert [own.certificate.certificate.serial for own in (first, second)] == [2, 3]
    assert first.keys != second.keys
    assert unlocked(desks / "tokyo" / "identity").medium.inc == 3


def test_spare_knows_the_peer_as_the_home_knew_it_last(desks: Path) -> None:
    with journal_of(desks / "tokyo") as journal:
        (row,) = journal.lines()
        key = unlocked(desks / "beijing" / "identity")
        (newer,) = give_incarnations(key, 1, NOW, None)
        journal.commit([CertificateRecord(row.line, False, newer.certificate.certificate.serial, newer.certificate.encoded)])
    home = Home.open(desks / "tokyo")
    with connect(home) as caller:
        content = gather(caller, home, own_desk(caller))

    start_spare(desks / "new", replace(content, own=own_of(desks / "tokyo")), ())

    with journal_of(desks / "new") as journal:
        assert journal.certificates(row.line, False)[-1].encoded == newer.certificate.encoded


def test_spare_knows_the_certificates_of_earlier_incarnations(desks: Path) -> None:
    before = rotated(desks / "tokyo")[0]
    home = Home.open(desks / "tokyo")
    with connect(home) as caller:
        content = gather(caller, home, own_desk(caller))

    (line,) = Spare.decode(content.encode()).lines

    assert line.certificates == ((True, before.certificate), (True, content.own.certificate))


def test_line_that_nobody_confirmed_is_not_in_a_spare(desks: Path) -> None:
    with journal_of(desks / "tokyo") as journal:
        (row,) = journal.lines()
        journal.put_line(replace(row, confirmed=False))
    home = Home.open(desks / "tokyo")
    with connect(home) as caller:
        assert gather(caller, home, own_desk(caller)).lines == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("listen", "told", "setting"),
    [
        ((), [["direct", "127.0.0.1:7411"]], (True, ())),
        (("192.0.2.9:7400",), [["direct", "192.0.2.9:7400"]], (False, ("192.0.2.9:7400",))),
        (("0.0.0.0:7400",), [["direct", "127.0.0.1:7411"]], (False, ("0.0.0.0:7400",))),
        (
            ("[::]:7400", "desk.example.org:7400"),
            [["direct", "desk.example.org:7400"]],
            (False, ("[::]:7400", "desk.example.org:7400")),
        ),
    ],
)
def test_spare_listens_where_it_was_told_and_else_only_dials(
    desks: Path,
    made: tuple[Spare, Incarnation],
    listen: tuple[str, ...],
    told: list[list[str]],
    setting: tuple[bool, tuple[str, ...]],
) -> None:
    home = start_spare(desks / "new", read_spare(desks / "spare-1", PASSPHRASE), listen)

    assert (home.config.dial_only, home.config.listen) == setting
    with connect(home) as caller:
        peers = caller.call("peers")["peers"]
        assert [list(route) for route in own_routes(caller)] == told
    assert [peer["routes"] for peer in peers] == [[["direct", "127.0.0.1:7412"]]]


def test_wrong_passphrase_opens_nothing(desks: Path, made: tuple[Spare, Incarnation]) -> None:
    with pytest.raises(SecretError, match="does not open the spare"):
        read_spare(desks / "spare-1", "another")


def test_spare_shows_nothing_without_its_passphrase(desks: Path, made: tuple[Spare, Incarnation]) -> None:
    data, keys = (desks / "spare-1").read_bytes(), made[1].keys

    pairing = Pairing.decode(made[0].lines[0].record.pairing)
    for secret in (b"Tokyo", b"beijing", pairing.ps, keys.tls, keys.log.seed):
        assert secret not in data
    assert (desks / "spare-1").stat().st_mode & 0o077 == 0


def test_spare_cut_short_longer_or_changed_is_refused(desks: Path, made: tuple[Spare, Incarnation]) -> None:
    whole = (desks / "spare-1").read_bytes()
    cuts = [0, 5, len(MAGIC), len(MAGIC) + 2, len(MAGIC) + 40, 300, len(whole) // 2, len(whole) - 1]
    flipped = [len(MAGIC) + 3, len(MAGIC) + 30, 150, 400, len(whole) // 2, len(whole) - 1]

    changed = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in flipped]
    for damaged in [*(whole[:cut] for cut in cuts), whole + b"\0", *changed]:
        (desks / "damaged").write_bytes(damaged)
        with pytest.raises(UsageError):
            read_spare(desks / "damaged", PASSPHRASE)


def test_file_that_is_no_spare_is_known_before_anybody_types(desks: Path) -> None:
    (desks / "newer").write_bytes(MAGIC.replace(b"1", b"2"))
    (desks / "photo").write_bytes(b"photo")

    for name, what in (("newer", "newer version"), ("photo", "no spare"), ("gone", "cannot be read")):
        with pytest.raises(UsageError, match=what):
            check_spare(desks / name)


def test_content_of_a_spare_cut_short_or_longer_is_refused(made: tuple[Spare, Incarnation]) -> None:
    encoded = made[0].encode()

    assert Spare.decode(encoded) == made[0]
    for damaged in [*(encoded[:length] for length in range(0, len(encoded), 997)), encoded + b"\0"]:
        with pytest.raises(WatchlineError):
            Spare.decode(damaged)


def test_officers_name_that_leads_elsewhere_is_refused(desks: Path, made: tuple[Spare, Incarnation]) -> None:
    with pytest.raises(UsageError):
        Spare.decode(replace(made[0], officers={"../duty": b"key"}).encode())


def test_home_that_is_there_is_not_touched(desks: Path, made: tuple[Spare, Incarnation]) -> None:
    before = own_of(desks / "tokyo")

    with pytest.raises(UsageError, match="there already"):
        start_spare(desks / "tokyo", read_spare(desks / "spare-1", PASSPHRASE), ())

    assert own_of(desks / "tokyo") == before


def test_spare_that_is_there_is_not_replaced(desks: Path, made: tuple[Spare, Incarnation]) -> None:
    before = (desks / "spare-1").read_bytes()

    with pytest.raises(UsageError, match="there already"):
        write_spare(desks / "spare-1", made[0], made[1], PASSPHRASE, CHEAP)

    assert (desks / "spare-1").read_bytes() == before


def test_home_remembers_what_it_gave_out(desks: Path, made: tuple[Spare, Incarnation]) -> None:
    with connect(Home.open(desks / "tokyo")) as caller:
        found = given_out(caller)

    lines = tuple(each.record.line for each in made[0].lines)
    assert [(each.inc, each.serial, each.made, each.roster, each.lines) for each in found] == [
        (2, 2, NOW, 1, lines),
        (3, 3, NOW, 1, lines),
    ]
    encoded = found[0].encode()
    for damaged in [*(encoded[:length] for length in range(len(encoded))), encoded + b"\0"]:
        with pytest.raises(Malformed):
            GivenOut.decode(damaged)
