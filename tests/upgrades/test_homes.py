"""Homes that earlier versions wrote: today's code opens them, reads in them what stood there, and talks."""

from __future__ import annotations

import io
import lzma
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw
import pytest

import watchline.journal
from tests.endtoend.homes import NodeProcess, select_wait
from tests.journal.faulty_disk import FaultyDisk
from tests.upgrades.earlier import BEIJING, EARLIEST, HOMES, SAME_SCHEMA, TOKYO, VERSIONS, listing, nodes, unpack
from tests.upgrades.make_home import packed
from watchline.desk.home import read_node_key
from watchline.errors import JournalError
from watchline.journal.sqlite import SqliteJournal, open_journal

pytestmark = pytest.mark.slow

SCHEMA = len(list((Path(watchline.journal.__file__).parent / "schema").glob("[0-9]*.sql")))
PATIENCE_STEPS = 600
CUT_STEP = 13  # operations between two cuts: some hundred of them are the zeros of the log of writes

# What a journal from before schema 4 has sealed under a key that is gone afterwards; what it says is compared below.
SEALED_ANEW = {
    "node_key": {"salt", "proof"},
    "secrets": {"blob"},
    "bodies": {"secret"},
    "alarms": {"evidence"},
}

ADDED = {"d202c1b": ["second", "kato", "sato"]}  # officers of Tokyo, beside duty, if it is not only "second"
PAIRS = {"dc55a94": {(1, 1), (1, 2)}}  # of incarnations, if it is not only the first


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def homes(version: str, tmp_path: Path) -> Path:
    unpack(version, tmp_path)
    return tmp_path


@pytest.fixture
def running(homes: Path) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    both = nodes(homes)
    for node in both:
        node.start()
    for node, line in zip(both, (BEIJING, TOKYO), strict=True):
        node.wait_until_it_works(line)
    yield both
    for node in both:
        node.kill()


def rows(home: Path) -> dict[str, list[dict[str, Any]]]:
    """Everything in a journal as it lies in the file, by table."""
    connection = apsw.Connection(str(home / "journal.db"))
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    found = {}
    for table in tables:
        names = [column[1] for column in connection.execute(f"PRAGMA table_info({table})")]
        every = f"SELECT * FROM {table}"  # noqa: S608 - the name comes from the schema
        found[table] = [dict(zip(names, row, strict=True)) for row in connection.execute(every)]
    connection.close()
    return found


def schema_of(home: Path) -> int:
    connection = apsw.Connection(str(home / "journal.db"))
    version = int(connection.pragma("user_version"))
    connection.close()
    return version


def wait_until(found: Callable[[], bool]) -> None:
    for _ in range(PATIENCE_STEPS):
        if found():
            return
        select_wait(0.05)
    raise AssertionError("it did not come so far in time")


def log_of(node: NodeProcess, line: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = node.command("log", line)["entries"]
    return entries


def said(node: NodeProcess, line: str, *words: str) -> str:
    answer = node.command("send", line, *words, "--as", "duty", "--wait", "received")
    assert answer["rung"] == "received"
    return str(answer["id"])


def known(entries: list[dict[str, Any]], fields: set[str]) -> list[dict[str, Any]]:
    """Entries as far as another version tells of them, too; whether a clock has run out depends on the day."""
    cut = [{name: value for name, value in entry.items() if name in fields} for entry in entries]
    for entry in cut:
        entry["rungs"] = {rung: at for rung, at in entry["rungs"].items() if rung != "overdue"}
    return cut


@pytest.mark.parametrize("desk", [TOKYO, BEIJING])
def test_migration_keeps_every_row_of_the_journal(version: str, homes: Path, desk: str) -> None:
    before = rows(homes / desk)
    assert (schema_of(homes / desk) == SCHEMA) == (version in SAME_SCHEMA)

    nodes(homes)[0 if desk == TOKYO else 1].journal().close()

    after = rows(homes / desk)
    assert schema_of(homes / desk) == SCHEMA
    del before["documents"], after["documents"]  # the addresses were changed here
    assert len(before["leaves"]) > 10
    if version in SAME_SCHEMA:
        assert after == before
        return
    salt, body = before["node_key"][0]["salt"], before["bodies"][-1]["secret"]
    files = b"".join(file.read_bytes() for file in (homes / desk).iterdir() if file.name.startswith("journal"))
    assert salt not in files  # without which nobody can derive the key that bodies were sealed under
    assert body not in files
    used = {row["slot"] for row in before["secrets"] if not row["free"]}  # the keys of the bodies take the others
    for every in (before, after):
        every["secrets"] = [row for row in every["secrets"] if row["slot"] in used]
    for table, old in before.items():
        sealed = SEALED_ANEW.get(table, set())
        names = set(old[0]) - sealed if old else set()
        kept = [[{name: row[name] for name in names} for row in side] for side in (old, after[table])]
        assert kept[0] == kept[1], table
        assert not [name for name in sealed for one, other in zip(old, after[table], strict=True) if one[name] == other[name]]


def contents(journal: SqliteJournal) -> list[object]:
    """Everything that was sealed, opened."""
    found: list[object] = []
    for row in journal.lines():
        found += [row, journal.states(row.line), journal.alarms(row.line)]
        for log in journal.logs(row.line):
            found += [list(journal.entries(log, 0, journal.size(log))), journal.verify(log)]
            found.append(journal.prekeys(row.line, log.pair, ours=True))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("version", [version for version in VERSIONS if version not in SAME_SCHEMA])
def test_power_cut_while_a_home_is_sealed_anew_loses_nothing(homes: Path, tmp_path: Path) -> None:
    key = read_node_key(homes / BEIJING)
    expected: list[object] | None = None
    cut = 0
    while True:
        folder = tmp_path / f"cut-{cut}"
        folder.mkdir()
        for file in (homes / BEIJING).glob("journal.db*"):
            shutil.copy(file, folder)
        disk = FaultyDisk("faulty", cut)
        disk.strike("power", cut + 1)
        with suppress(JournalError):
            open_journal(folder / "journal.db", key, False, vfs="faulty").close()
        survived = not disk.dead
        disk.unregister()
        journal = open_journal(folder / "journal.db", key, False)
        held = contents(journal)
        journal.close()
        expected = expected or held
        assert held == expected
        shutil.rmtree(folder)
        if survived:
            break
        cut += CUT_STEP
    assert cut > 20 * CUT_STEP


@pytest.mark.parametrize(("desk", "line"), [(TOKYO, BEIJING), (BEIJING, TOKYO)])
def test_log_reads_as_the_version_that_wrote_it_read_it(homes: Path, desk: str, line: str) -> None:
    old = listing(homes, desk)
    node = nodes(homes)[0 if desk == TOKYO else 1]

    new = log_of(node, line)

    fields = set(old[0])
    assert fields <= set(new[0])
    assert known(new, fields) == known(old, fields)
    assert {entry["unconfirmed"] for entry in new} == {False}
    assert {"notice", "acknowledge", "decline", "roster"} <= {entry["type"] for entry in listing(homes, TOKYO)}


def test_alarms_officers_and_attempts_are_still_there(version: str, homes: Path) -> None:
    tokyo, _ = nodes(homes)
    (line,) = tokyo.command("status", code=3)["lines"]
    officers = tokyo.command("officer", "list")["officers"]
    journal = tokyo.journal()
    (row,) = journal.lines()
    attempts = journal.attempts(row.line, 0)
    journal.close()
    assert [alarm["kind"] for alarm in line["alarms"]][-1] == "refused"
    assert line["unreceipted"] == 1
    assert [officer["name"] for officer in officers] == ["duty", *ADDED.get(version, ["second"])]
    assert {tuple(attempt.pair) for attempt in attempts} == PAIRS.get(version, {(1, 1)})


def test_second_incarnation_of_then_is_confirmed_today(tmp_path: Path) -> None:
    unpack("dc55a94", tmp_path)
    for node, side in zip(nodes(tmp_path), ("theirs", "ours"), strict=True):
        (line,) = node.command("status", code=3)["lines"]
        (second,) = [each for each in line["incarnations"] if each["side"] == side]
        assert (second["inc"], second["confirmed"]) == (2, True)


@pytest.mark.slow
def test_terms_watch_certificate_and_cosignatures_of_then_hold_today(tmp_path: Path) -> None:
    unpack("d202c1b", tmp_path)
    tokyo, beijing = nodes(tmp_path)
    for node, line in ((tokyo, BEIJING), (beijing, TOKYO)):
        in_force = node.command("terms", "show", line)["in_force"]
        assert (in_force["version"], len(in_force["since"]["entries"])) == (2, 2)
    (flash,) = [entry for entry in log_of(tokyo, BEIJING) if entry["precedence"] == "FLASH"]
    (certificate,) = [entry["silence"] for entry in log_of(tokyo, BEIJING) if entry["silence"]]
    assert (certificate["notice"], certificate["follows"]) == (flash["id"], True)
    assert tokyo.command("witness", "logs")["logs"][0]["witnesses"][0]["size"]
    journal = beijing.journal()
    (row,) = journal.lines()
    held = [each for log in journal.logs(row.line) for each in journal.latest_cosignatures(log, 9)]
    handovers = journal.documents("watch-handover")
    journal.close()
    assert held
    assert handovers
    report = tokyo.command("verify", tmp_path / "whole.evidence")
    assert [silence["kind"] for silence in report["silences"]] == [certificate["kind"]]


def test_talks_commitments_and_what_was_archived_then_are_shown_the_same_today(tmp_path: Path) -> None:
    unpack("5b48177", tmp_path)
    for node, line, side in zip(nodes(tmp_path), (BEIJING, TOKYO), ("ours", "theirs"), strict=True):
        shown = node.command("talks", "show", line)["round"]
        (commitment,) = shown["commitments"]
        assert (shown["phase"], [item["state"] for item in shown["items"]]) == ("concluded", ["noted"])
        assert (commitment["state"], commitment["certain"], commitment["side"]) == ("kept", True, side)
        assert {readout["side"] for readout in shown["readouts"]} == {"ours", "theirs"}
        assert all(move["counts"] for move in shown["timeline"])
        gone = [entry["gone"] for entry in log_of(node, line) if entry["gone"]]
        assert gone == (["archived"] * 2 if line == TOKYO else [])


def test_renewed_secret_and_a_long_text_of_then_are_there_today(tmp_path: Path) -> None:
    unpack("43edcb1", tmp_path)
    for node, line in zip(nodes(tmp_path), (BEIJING, TOKYO), strict=True):
        assert node.command("renew", line)["renewals"] == 1
        said = [(entry["text"] or "").count("Under another secret. ") for entry in log_of(node, line)]
        assert [times for times in said if times] == [499]


@pytest.mark.slow
def test_lines_talk_and_what_had_no_receipt_arrives(running: tuple[NodeProcess, NodeProcess], homes: Path) -> None:
    tokyo, beijing = running
    old = {desk: listing(homes, desk) for desk in (TOKYO, BEIJING)}

    wait_until(lambda: "Nobody has receipted this." in str(beijing.command("inbox", TOKYO)))
    again = tokyo.command("send", BEIJING, "--text", "Nobody has receipted this.", "--as", "duty", "--once", "unreceipted")
    (before,) = [entry for entry in old[TOKYO] if "Nobody has receipted this." in str(entry["text"])]
    assert again["id"] == before["id"]
    said(tokyo, BEIJING, "--text", "from a home of then")
    question = said(beijing, TOKYO, "request-clarification", 'question=["and back?"]')
    number = question.rpartition(":")[2]
    tokyo.command("acknowledge", BEIJING, f"theirs:{number}", "--as", "duty", "--wait", "received")
    tokyo.command("reply", BEIJING, f"theirs:{number}", "--text", "yes", "--as", "second", "--wait", "received")
    beijing.command("acknowledge", TOKYO, "theirs:1", "--as", "duty", "--wait", "received")
    assert tokyo.command("test", BEIJING, "--wait")["ok"]
    assert beijing.command("test", TOKYO, "--wait")["ok"]

    (asked,) = beijing.command("show", TOKYO, f"ours:{number}")["entries"]
    assert {"received", "acknowledged", "answered"} <= set(asked["rungs"])
    (first,) = tokyo.command("show", BEIJING, "ours:1")["entries"]
    assert "acknowledged" in first["rungs"]
    for desk, node, line in ((TOKYO, tokyo, BEIJING), (BEIJING, beijing, TOKYO)):
        now = [(entry["id"], entry["text"], entry["released"]) for entry in log_of(node, line)]
        assert now[: len(old[desk])] == [(entry["id"], entry["text"], entry["released"]) for entry in old[desk]]


@pytest.mark.slow
def test_keys_rotate_on_a_home_of_then(running: tuple[NodeProcess, NodeProcess], homes: Path, tmp_path: Path) -> None:
    tokyo, beijing = running
    if "second" not in [officer["name"] for officer in beijing.command("officer", "list")["officers"]]:
        beijing.command("officer", "add", "second")
    tokyo.stop()

    assert tokyo.command("keys", "rotate")["incarnation"] == 2
    tokyo.start()

    wait_until(lambda: any(not each["confirmed"] for each in beijing.ask("status")["lines"][0]["incarnations"]))
    tokyo.command("keys", "confirm", BEIJING, "--as", "duty", "--as", "second")
    beijing.command("keys", "confirm", TOKYO, "--as", "duty", "--as", "second")
    for node, line in ((tokyo, BEIJING), (beijing, TOKYO)):
        node.wait_until_it_works(line)
        said(node, line, "--text", f"new keys, {line}")
        node.command("export", line, "--out", tmp_path / f"{line}.evidence")
        assert node.command("verify", tmp_path / f"{line}.evidence")["verified"]
    texts = {entry["text"] for entry in listing(homes, TOKYO) if entry["form"] == "free-text"}
    archived = {"Text: Of long ago.\nLanguage: en"} & texts
    assert texts - {entry["text"] for entry in log_of(beijing, TOKYO)} == archived


def test_evidence_of_then_is_verified_by_todays_program(homes: Path) -> None:
    node, _ = nodes(homes)
    report = node.command("verify", homes / "first.evidence")
    assert report["verified"]


def test_evidence_of_then_that_shows_an_answer_is_verified_by_todays_program(version: str, homes: Path) -> None:
    """What the release of an answer says has changed since the earliest version: one that was released before counts no more,
    and what the evidence says of it is found not to follow.
    """
    node, _ = nodes(homes)
    if version != EARLIEST:
        assert node.command("verify", homes / "whole.evidence")["verified"]
        return
    report = node.command("verify", homes / "whole.evidence", code=1)
    assert [(fault["part"], fault["rule"]) for fault in report["faults"]] == [("readme.txt", 41), ("summary.json", 41)]


def test_archives_are_small_and_hold_nothing_that_packing_them_again_would_change(version: str, homes: Path) -> None:
    for archive in sorted((HOMES / version).glob("*.tar.xz")):
        tar = lzma.decompress(archive.read_bytes())
        assert archive.stat().st_size < 350_000
        with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
            assert {(member.mtime, member.uid, member.uname) for member in opened} == {(0, 0, "")}
            tops = sorted({member.name.partition("/")[0] for member in opened})
        assert packed([homes / top for top in tops], homes) == tar


def test_home_of_a_newer_schema_is_refused_and_untouched(homes: Path) -> None:
    tokyo, _ = nodes(homes)
    connection = apsw.Connection(str(tokyo.home.path / "journal.db"))
    connection.pragma("user_version", SCHEMA + 1)
    connection.close()
    before = {path: path.read_bytes() for path in tokyo.home.path.rglob("*") if path.is_file()}

    for words in (["log", BEIJING], ["serve"], ["backup", "--out", str(homes / "backup")]):
        refused = tokyo.command(*words, code=4)["error"]
        assert refused["facts"]["reason"] == "newer"

    left = {path: path.read_bytes() for path in tokyo.home.path.rglob("*") if path in before}
    assert left == before
