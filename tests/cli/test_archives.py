"""`archive` and `erase` from the command line, on homes whose two desks talked long ago."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Shell
from tests.endtoend.homes import IDENTITY
from tests.upgrades.earlier import EARLIEST, unpack
from watchline.cli import archives
from watchline.cli import session as sessions
from watchline.core.entries import Body, Direction, EntryType, Leaf, verify_commitment
from watchline.core.evidence import verify_evidence
from watchline.core.limits import INTEGER_MAX
from watchline.core.records import EntryRecord, Log, Pair
from watchline.desk import home as homes
from watchline.desk.body_archive import About

OLD = 1_577_836_800  # 2020-01-01


@pytest.fixture
def talked(shell: Shell) -> Shell:
    """tokyo, whose line with beijing has entries that are all of 2020, and its identity's medium beside it."""
    unpack(EARLIEST, shell.folder)
    home = homes.Home.open(shell.folder / "tokyo")
    journal = home.open_journal()
    journal._disk.cursor.execute("UPDATE bodies SET time = ?", (OLD,))
    journal.close()
    (shell.folder / "archives").mkdir()
    (shell.folder / "identity.passphrase").write_text(IDENTITY + "\n")
    return shell


def log_of(shell: Shell) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shell.at("tokyo", "log", "beijing", "--json").document["entries"]
    return found


@pytest.mark.slow
def test_archived_entries_are_shown_as_such_and_read_back_from_the_file(talked: Shell) -> None:
    before = {entry["id"]: entry for entry in log_of(talked)}
    due = talked.at("tokyo", "status", "--json").document["lines"][0]["bodies_due"]
    assert "bodies due" in talked.at("tokyo", "status").out

    done = talked.at("tokyo", "archive", "beijing", "--to", "archives", "--json").document

    assert list(done) == ["line", "entries", "file", "sha256"]
    assert done["entries"] == due > 5
    assert sha256(Path(done["file"]).read_bytes()).hexdigest() == done["sha256"]
    after = log_of(talked)
    gone = [entry for entry in after if entry["gone"] == "archived"]
    assert len(gone) > 5
    assert {entry["id"] for entry in after} == set(before)
    for entry in gone:
        assert (entry["fields"], entry["text"]) == ({}, None)
        assert entry["rungs"] == before[entry["id"]]["rungs"]
    assert "it was archived" in talked.at("tokyo", "show", "beijing", gone[0]["id"]).out
    medium = "tokyo/identity"
    read = talked("archive", "--open", done["file"], "--identity-dir", medium, "--json").document
    assert list(read) == ["desk", "peer", "line", "made", "entries"]
    assert len(read["entries"]) == done["entries"]
    for entry in read["entries"]:
        verify_commitment(
            Leaf.decode(bytes.fromhex(entry["leaf"])), bytes.fromhex(entry["blinding"]), bytes.fromhex(entry["body"])
        )
        if entry["id"] in before and before[entry["id"]]["form"] == "free-text":
            assert entry["text"] == before[entry["id"]]["text"]
    (one,) = [entry for entry in gone if before[entry["id"]]["text"] == "Text: By an officer who was added.\nLanguage: en"]
    shown = talked("archive", "--open", done["file"], "--identity-dir", medium, "--entry", one["id"])
    assert "By an officer who was added." in shown.out
    assert "The first words." in next(entry for entry in after if entry["id"] == "ours:1")["text"]  # nobody acknowledged it
    assert talked.at("tokyo", "archive", "beijing", "--to", "archives", "--json").document["file"] is None


@pytest.mark.slow
def test_evidence_of_before_still_verifies_and_what_is_exported_later_shows_leaves(talked: Shell) -> None:
    def export(name: str, *words: str) -> bytes:
        assert talked.at("tokyo", "export", "beijing", *words, "--out", name).code == 0
        return Path(name).read_bytes()

    one, whole = export("one", "ours:2"), export("whole")
    assert talked.at("tokyo", "erase", "beijing", "--yes").code == 0
    later, later_whole = export("later", "ours:2"), export("later-whole", "--cover", "cover.html")
    assert verify_evidence(one).verified
    assert verify_evidence(whole).verified
    for data in (later, later_whole):
        report = verify_evidence(data)
        assert report.verified
        assert {entry["type"] for entry in report.entries if not entry["shown"]} >= {"notice"}


def test_erase_says_what_would_go_and_does_nothing_without_yes(talked: Shell) -> None:
    refused = talked.at("tokyo", "erase", "beijing", "--json")
    assert refused.code == 2
    assert refused.error["facts"]["entries"] > 5
    assert not [entry for entry in log_of(talked) if entry["gone"]]

    done = talked.at("tokyo", "erase", "beijing", "--yes", "--json")

    assert done.document == {"line": "beijing", "entries": refused.error["facts"]["entries"]}
    assert {entry["gone"] for entry in log_of(talked)} == {"erased", None}
    assert talked.at("tokyo", "erase", "beijing", "--yes", "--json").document["entries"] == 0


def test_younger_than_the_terms_say_is_refused_with_the_reason(talked: Shell) -> None:
    for words in (("archive", "beijing", "--to", "archives"), ("erase", "beijing", "--yes"), ("erase", "beijing")):
        refused = talked.at("tokyo", *words, "--older-than", "89", "--json")
        assert refused.code == 2
        assert "keep bodies for 90 days" in refused.error["message"]
    assert list(Path("archives").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("archive",), "which line"),
        (("archive", "beijing"), "which line"),
        (("archive", "beijing", "--to", "missing"), "no such folder"),
        (("archive", "beijing", "--open", "x"), "changes nothing"),
        (("archive", "beijing", "--to", "archives", "--entry", "ours:1"), "for reading"),
        (("archive", "--open", "x"), "identity's medium"),
        (("archive", "--open", "x", "--identity-dir", "tokyo/identity"), "cannot be read"),
        (("archive", "--open", "identity.passphrase", "--identity-dir", "tokyo/identity"), "no archive"),
        (("archive", "nobody", "--to", "archives"), "no line"),
        (("erase", "nobody", "--yes"), "no line"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(talked: Shell, words: tuple[str, ...], says: str) -> None:
    refused = talked.at("tokyo", *words, "--json")
    assert refused.code == 2
    assert says in refused.error["message"]
    assert refused.error["hint"]


def test_damaged_archive_and_an_entry_that_is_not_in_it_are_refused(talked: Shell) -> None:
    file = Path(talked.at("tokyo", "archive", "beijing", "--to", "archives", "--json").document["file"])
    reading = ("archive", "--open", file, "--identity-dir", "tokyo/identity", "--json")
    assert "no entry" in talked(*reading, "--entry", "ours:99").error["message"]
    whole = file.read_bytes()
    for data in (whole[:-1], whole[:-20] + b"x" + whole[-19:]):
        file.write_bytes(data)
        refused = talked(*reading)
        assert refused.code == 2
        assert "damaged" in refused.error["message"]


def test_archiving_needs_no_passphrase_and_a_daily_folder_is_a_setting(talked: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(sessions.IDENTITY_VARIABLE)
    assert talked.at("tokyo", "archive", "beijing", "--to", "archives").code == 0
    settings = Path("tokyo/watchline.toml")
    settings.write_text(settings.read_text() + f"\narchive_dir = {json.dumps('away')}\n")
    assert homes.Home.open(Path("tokyo")).config.archive_dir == str(Path("tokyo/away").absolute())


def test_entry_whose_author_claims_a_time_beyond_every_calendar_is_shown_all_the_same() -> None:
    direction = Direction(bytes(32), b"a" * 32, b"b" * 32, 1, 1)
    leaf = Leaf(direction, 3, int(EntryType.NOTICE), INTEGER_MAX, bytes(32), 0, bytes(32), None).encode()
    record = EntryRecord(Log(bytes(32), Pair(1, 1), True), 3, 1, leaf, Body(b"").encode(), bytes(32), None, 0, OLD)
    about = About("Tokyo", b"a" * 32, "Beijing", bytes(32), "beijing", "ja", "Asia/Tokyo", OLD)

    entry = archives._entry(about, record)

    assert entry["time"] == "9999-12-31T23:59:59Z"
    document = {"desk": "Tokyo", "peer": "Beijing", "line": "beijing", "made": entry["time"], "entries": [entry]}
    assert any("ours:@3" in line for line in archives._shown(document, "Asia/Tokyo"))
