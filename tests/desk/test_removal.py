"""Bodies go after their time and proofs stay: which are due, what an archive holds, and how the line goes on without them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.desk.desk_pair import DeskEnd, DeskPair
from tests.desk.talking import talkers, theirs
from tests.desk.test_new_incarnation import confirm, introduce, reincarnate
from tests.desk.test_report import SECRET, report_of, say
from tests.desk.test_talks import TERMS, arrange, both_show_the_same
from tests.desk.watch_samples import acknowledge, ask, sign_on
from tests.line_pair import terms
from watchline.core.encoding import encode
from watchline.core.entries import EntryType, Leaf, Notice, Precedence, verify_commitment
from watchline.core.keys import KemKey
from watchline.core.outgoing import Draft
from watchline.core.records import EntryRecord, Log, Pair
from watchline.core.stubs import ARCHIVED, ERASED, REMOVABLE, WITHHELD
from watchline.core.terms import Clocks
from watchline.desk.body_archive import KIND, open_archive
from watchline.desk.clock import rfc3339
from watchline.desk.own import DOCUMENT
from watchline.desk.removal import DAY_SECONDS
from watchline.desk.sealed_files import sealed, with_length, write_file
from watchline.errors import UsageError

DAYS = 30
SAMPLE = terms()
AGREED = replace(
    SAMPLE,
    body_days=DAYS,
    form_clocks={**SAMPLE.form_clocks, "escalation-report": Clocks(None, None)},
    unreleased_forms=("airspace-object", "escalation-report", "statement", "test"),
)
KEY = KemKey(b"a" * 32)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    joined = DeskPair(tmp_path, agreed=AGREED)
    for end in (joined.a, joined.b):
        facts = replace(end.desk.facts, archive=KEY.public)
        end.journal.put_document(*DOCUMENT, facts.encode(), sealed=True)
        end.restart()
    joined.join()
    joined.advance(3)
    yield joined
    joined.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "archives"
    made.mkdir()
    return made


def pass_days(pair: DeskPair, days: int) -> None:
    """Wall clocks move on, as over a weekend on which nobody looked; the test need not wait through it."""
    for end in (pair.a, pair.b):
        end.scheduler.wall += days * DAY_SECONDS
    pair.advance(3)


def note(end: DeskEnd) -> int:
    """What nobody has to acknowledge."""
    content = Notice("escalation-report", 1, Precedence.ROUTINE, False, "en", {1: SECRET}).encode()
    return end.desk.compose(end.line, Draft(EntryType.NOTICE, content, released=True)).index


def exchange(pair: DeskPair) -> tuple[int, int]:
    """One notice of Tokyo that Beijing acknowledged and answered, and one that waits for it."""
    answered = say(pair.a, Precedence.FLASH)
    pair.advance(2)
    acknowledge(pair.b, "Beijing", answered)
    answer = say(pair.b, re=answered)
    pair.advance(2)
    acknowledge(pair.a, "Tokyo", answer)
    waits = say(pair.a, Precedence.FLASH)
    pair.advance(3)
    return answered, waits


def name(end: DeskEnd) -> str:
    return end.line.record.name


def entries_of(end: DeskEnd) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(end, "entries", line=name(end))["entries"]
    return found


def due(end: DeskEnd) -> int:
    (shown,) = ask(end, "status", line=name(end))["lines"]
    assert shown["bodies_due"] == ask(end, "bodies_due", line=name(end))["entries"]
    return int(shown["bodies_due"])


def gone_of(end: DeskEnd) -> dict[tuple[bool, int], str]:
    journal = end.journal
    logs = journal.logs(end.line.record.line)
    records = (record for log in logs for record in journal.entries(log, 0, journal.size(log)))
    return {(record.log.outgoing, record.index): record.gone for record in records if record.gone is not None}


def stamp(end: DeskEnd) -> str:
    return rfc3339(end.desk.moment().wall).replace("-", "").replace(":", "")


def read(file: Path) -> list[EntryRecord]:
    with open_archive(file, KEY) as opened:
        return list(opened.entries())


# Which are due.


@pytest.mark.slow
def test_bodies_are_due_after_the_days_of_the_terms_and_not_while_a_clock_is_open(pair: DeskPair, folder: Path) -> None:
    answered, waits = exchange(pair)
    pass_days(pair, DAYS - 1)
    assert due(pair.a) == 0
    pass_days(pair, 1)
    assert due(pair.a) == due(pair.b) > 0
    ask(pair.a, "archive", line=name(pair.a), folder=str(folder))
    gone = gone_of(pair.a)
    assert gone[True, answered] == ARCHIVED
    assert (True, waits) not in gone
    assert due(pair.a) == 0
    acknowledge(pair.b, "Beijing", waits)
    pair.advance(3)
    assert due(pair.a) == 1  # what acknowledges it is young


@pytest.mark.slow
def test_answer_and_what_it_answers_stay_while_the_clock_of_either_is_open(pair: DeskPair, folder: Path) -> None:
    asked = say(pair.a)
    pair.advance(2)
    question_back = say(pair.b, Precedence.FLASH, re=asked)
    pair.advance(2)
    pass_days(pair, DAYS + 1)
    ask(pair.a, "archive", line=name(pair.a), folder=str(folder))
    assert not {(True, asked), (False, question_back)} & set(gone_of(pair.a))
    acknowledge(pair.a, "Tokyo", question_back)
    pair.advance(2)
    ask(pair.a, "archive", line=name(pair.a), folder=str(folder))
    assert {(True, asked), (False, question_back)} <= set(gone_of(pair.a))


@pytest.mark.slow
def test_what_nobody_has_receipted_stays(pair: DeskPair) -> None:
    pair.cut()
    unreceived = say(pair.a, Precedence.ROUTINE)
    pair.advance(2)
    pass_days(pair, DAYS + 1)
    ask(pair.a, "erase", line=name(pair.a))
    assert (True, unreceived) not in gone_of(pair.a)
    pair.join()
    pair.advance(5)
    record = pair.b.journal.entry(pair.b.line.line.setup.incoming_log, unreceived)
    assert record is not None
    assert record.gone is None


@pytest.mark.slow
def test_what_is_still_to_be_issued_again_stays_until_people_have_confirmed_the_peer(pair: DeskPair) -> None:
    """Found by the simulator: the pair had begun, nobody had confirmed the peer, and what it never had was erased."""
    pair.cut()
    number = say(pair.a)
    pair.advance(1)
    reincarnate(pair.b)
    assert introduce(pair.b, pair.a)
    pair.join()
    pair.advance(3)
    assert pair.a.line.line.unconfirmed == ("theirs",)
    pass_days(pair, DAYS + 1)
    assert ask(pair.a, "erase", line=name(pair.a)) == {"entries": 0}
    confirm(pair.a, "theirs")
    pair.advance(3)
    assert any(SECRET in (entry["text"] or "") for entry in entries_of(pair.b))
    ask(pair.a, "erase", line=name(pair.a))
    first = pair.a.journal.entry(Log(pair.a.line.record.line, Pair(1, 1), True), number)
    assert first is not None
    assert first.gone == ERASED


@pytest.mark.slow
def test_entries_that_the_line_is_judged_by_keep_their_bodies(pair: DeskPair) -> None:
    exchange(pair)
    pass_days(pair, DAYS + 1)
    ask(pair.a, "erase", line=name(pair.a))
    kept = [record for log in pair.a.journal.logs(pair.a.line.record.line) for record in pair.a.journal.entries(log, 0, 99)]
    assert {record.type for record in kept if record.gone is not None} <= REMOVABLE
    assert [record.gone for record in kept if record.type == EntryType.CONTINUES] == [None, None]


@pytest.mark.slow
def test_what_talks_are_made_of_stays_and_both_desks_go_on_finding_the_same(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    round_ = arrange(pair)
    item = tokyo.say("agenda-item", meeting=round_, subject="Balloons")
    pair.advance(2)
    beijing.accept(theirs(item))
    spoken = beijing.say("statement", speaker_role="director", text="We answer.", under=theirs(item))
    promise = tokyo.say("commitment", item=item, meeting=round_, **TERMS)
    pair.advance(2)
    beijing.accept(theirs(promise))
    elsewhere = say(pair.a)  # a statement in no round
    pair.advance(3)
    for talker, end in ((tokyo, pair.a), (beijing, pair.b)):
        for entry in ask(end, "entries", line=name(end), direction="in")["entries"]:
            if entry["type"] == "notice":
                talker.acknowledge(entry["id"])
        pair.advance(2)
    before = both_show_the_same(pair)
    pass_days(pair, DAYS + 1)
    for end in (pair.a, pair.b):
        ask(end, "erase", line=name(end))
    assert (True, elsewhere) in gone_of(pair.a)
    for end in (pair.a, pair.b):
        end.restart()
    after = both_show_the_same(pair)
    assert [each["state"] for each in after["commitments"]] == ["standing"]
    assert after["items"][0]["statements"][0]["id"] == theirs(spoken)
    assert {**after, "phase": None, "since": None} == {**before, "phase": None, "since": None}


@pytest.mark.slow
def test_desk_without_a_node_finds_the_same_due(pair: DeskPair) -> None:
    exchange(pair)
    pass_days(pair, DAYS + 1)
    count = due(pair.a)
    row = pair.a.line.record
    pair.a.desk.flush()
    del pair.a.desk.lines[row.line]
    assert pair.a.desk.removal.count(row) == count > 0


@pytest.mark.slow
@pytest.mark.parametrize("method", ["archive", "erase", "bodies_due"])
def test_younger_than_the_terms_say_is_refused(pair: DeskPair, folder: Path, method: str) -> None:
    more: dict[str, Any] = {"folder": str(folder)} if method == "archive" else {}
    with pytest.raises(UsageError, match="keep bodies for 30 days") as refused:
        ask(pair.a, method, line=name(pair.a), older_than_days=DAYS - 1, **more)
    assert refused.value.facts == {"body_days": DAYS, "given": DAYS - 1}
    for days in (DAYS + 1, 2**53 - 1):  # the most that a question can say
        assert ask(pair.a, "bodies_due", line=name(pair.a), older_than_days=days) == {"entries": 0}


# What an archive holds.


@pytest.mark.slow
def test_archive_gives_every_body_back_with_what_proves_it(pair: DeskPair, folder: Path) -> None:
    exchange(pair)
    pair.a.desk.flush()
    logs = pair.a.journal.logs(pair.a.line.record.line)
    before = {(log, record.index): record for log in logs for record in pair.a.journal.entries(log, 0, 99)}
    pass_days(pair, DAYS + 1)
    done = ask(pair.a, "archive", line=name(pair.a), folder=str(folder))
    records = read(Path(done["file"]))
    assert len(records) == done["entries"] == len(gone_of(pair.a)) > 3
    for record in records:
        was = before[record.log, record.index]
        verify_commitment(Leaf.decode(was.leaf), record.blinding, record.body)
        for part in ("leaf", "body", "blinding", "time", "re", "number", "type"):
            assert getattr(record, part) == getattr(was, part)
    assert SECRET.encode() not in Path(done["file"]).read_bytes()
    assert Path(done["file"]).stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_archive_opens_though_the_clock_was_set_back_between_two_entries(pair: DeskPair, folder: Path) -> None:
    """Entries were archived in the order of their times and read in that of their indexes: what had gone was out of reach."""
    first = note(pair.a)
    pair.advance(1)
    for end in (pair.a, pair.b):
        end.scheduler.wall -= 3_600
    second = note(pair.a)
    pair.advance(3)
    pass_days(pair, DAYS + 1)
    file = ask(pair.a, "archive", line=name(pair.a), folder=str(folder))["file"]
    kept = [record for record in read(Path(file)) if record.log.outgoing and record.index in (first, second)]
    assert [record.index for record in kept] == [first, second]
    assert kept[0].time > kept[1].time


@pytest.mark.slow
def test_nothing_due_writes_no_file(pair: DeskPair, folder: Path) -> None:
    assert ask(pair.a, "archive", line=name(pair.a), folder=str(folder)) == {"entries": 0, "file": None, "sha256": None}
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_second_archive_of_the_same_second_replaces_nothing(pair: DeskPair, folder: Path) -> None:
    note(pair.a)
    pair.advance(2)
    pass_days(pair, DAYS - 1)
    note(pair.a)
    pair.advance(2)
    pass_days(pair, 1)
    first = Path(ask(pair.a, "archive", line=name(pair.a), folder=str(folder))["file"])
    content = first.read_bytes()
    pair.a.scheduler.wall += DAYS * DAY_SECONDS
    later = first.with_name(first.name.replace(first.name[-24:-8], f"{stamp(pair.a)}"))
    first.rename(later)
    second = Path(ask(pair.a, "archive", line=name(pair.a), folder=str(folder))["file"])
    assert second.name == later.name.replace(".archive", "-2.archive")
    assert later.read_bytes() == content
    assert read(second)


@pytest.mark.slow
def test_folder_that_is_not_there_is_refused_and_nothing_goes(pair: DeskPair, folder: Path) -> None:
    exchange(pair)
    pass_days(pair, DAYS + 1)
    with pytest.raises(UsageError, match="no such folder"):
        ask(pair.a, "archive", line=name(pair.a), folder=str(folder / "missing"))
    folder.chmod(0o500)
    assert gone_of(pair.a) == {}
    assert due(pair.a) > 0


def archived(pair: DeskPair, folder: Path) -> Path:
    exchange(pair)
    pass_days(pair, DAYS + 1)
    return Path(ask(pair.a, "archive", line=name(pair.a), folder=str(folder))["file"])


@pytest.mark.slow
def test_cut_or_damaged_archive_is_refused_and_says_so(pair: DeskPair, folder: Path) -> None:
    file = archived(pair, folder)
    whole = file.read_bytes()
    for damaged in (whole[:-1], whole[: len(whole) // 2], whole[:20], whole[:-5] + b"x" + whole[-4:], whole + b"x"):
        file.write_bytes(damaged)
        with pytest.raises(UsageError, match="archive is damaged"):
            read(file)
    for other, says in (
        (b"watchline backup 1\n", "no archive"),
        (b"watchline archive 2\n", "newer version"),
        (b"", "no archive"),
    ):
        file.write_bytes(other)
        with pytest.raises(UsageError, match=says):
            read(file)
    file.write_bytes(whole)
    with pytest.raises(UsageError, match="another identity"), open_archive(file, KemKey(b"b" * 32)):
        pass


@pytest.mark.slow
def test_archive_whose_writer_put_in_another_body_is_refused(pair: DeskPair, folder: Path) -> None:
    """Whoever has the desk's public archive key can seal a file: what it says is held against the leaves."""
    file = archived(pair, folder)
    record = read(file)[0]
    with open_archive(file, KEY) as opened:
        about = opened.about
    forged = encode([1, 1, True, record.leaf, record.blinding, record.body + b"", record.time, record.number])
    other = encode(
        [1, 1, True, record.leaf, record.blinding, b"\x83" + record.body[1:-1] + b"\x00", record.time, record.number]
    )
    for number, (entry, refused) in enumerate(((forged, False), (other, True))):
        out = folder / f"forged-{number}"
        write_file(KIND, out, sealed(KIND, KEY.public, [with_length(about.encode()), with_length(entry)]))
        if refused:
            with pytest.raises(UsageError, match="archive is damaged"):
                read(out)
        else:
            assert len(read(out)) == 1


@pytest.mark.slow
def test_archive_whose_writer_filed_an_entry_under_another_log_or_twice_is_refused(pair: DeskPair, folder: Path) -> None:
    """A genuine entry proves itself, and under another name, on another line or again it would pass for what it is not."""
    file = archived(pair, folder)
    record = read(file)[0]
    with open_archive(file, KEY) as opened:
        about = opened.about
    proof = [record.leaf, record.blinding, record.body, record.time, record.number]
    ours, theirs = record.log.pair
    genuine = encode([ours, theirs, record.log.outgoing, *proof])
    for number, (head, entries) in enumerate(
        (
            (about, [encode([ours, theirs, not record.log.outgoing, *proof])]),
            (about, [encode([ours + 1, theirs, record.log.outgoing, *proof])]),
            (about, [encode([ours, theirs + 1, record.log.outgoing, *proof])]),
            (replace(about, line=bytes(32)), [genuine]),
            (replace(about, id=bytes(32)), [genuine]),
            (about, [genuine, genuine]),
        )
    ):
        out = folder / f"misfiled-{number}"
        write_file(KIND, out, sealed(KIND, KEY.public, [with_length(each) for each in (head.encode(), *entries)]))
        with pytest.raises(UsageError, match="archive is damaged"):
            read(out)


# What stays, and how it goes on.


def shown(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries without what goes."""
    names = (
        "id",
        "type",
        "author",
        "time",
        "again",
        "released",
        "re",
        "form",
        "version",
        "precedence",
        "exercise",
        "language",
        "rungs",
    )
    return [{each: entry[each] for each in names} for entry in entries]


@pytest.mark.slow
def test_everything_but_the_content_is_shown_as_before_and_after_a_restart(pair: DeskPair) -> None:
    exchange(pair)
    pass_days(pair, DAYS + 1)
    before, report = entries_of(pair.a), report_of(pair.a)
    ask(pair.a, "erase", line=name(pair.a))
    for _ in range(2):
        after = entries_of(pair.a)
        assert shown(after) == shown(before)
        assert report_of(pair.a)["notices"] == report["notices"]
        gone = [entry for entry in after if entry["gone"]]
        assert {entry["gone"] for entry in gone} == {ERASED}
        assert len(gone) > 2
        for entry in gone:
            assert (entry["fields"], entry["text"], entry["content"], entry["officers"]) == ({}, None, None, [])
            assert "erased" in entry["finding"]
        assert len([entry for entry in after if SECRET in str(entry)]) == 1  # the one that waits
        pair.cut()
        pair.a.restart()
        pair.join()
        pair.advance(5)
    pair.a.journal.verify(pair.a.line.line.setup.outgoing_log)
    assert not pair.a.journal.alarms(pair.a.line.record.line)
    number = say(pair.a)
    pair.advance(2)
    assert pair.b.journal.entry(pair.b.line.line.setup.incoming_log, number) is not None


@pytest.mark.slow
def test_watch_is_handed_over_and_the_screen_is_drawn_with_bodies_gone(pair: DeskPair) -> None:
    exchange(pair)
    pass_days(pair, DAYS + 1)
    for end, desk in ((pair.a, "Tokyo"), (pair.b, "Beijing")):
        sign_on(end, desk, 1)
        until = end.desk.moment().wall + 3600
        before = ask(end, "watch_handover_draft", leaving=1, relief=2, role=None, until=until)
        ask(end, "erase", line=name(end))
        assert ask(end, "watch_handover_draft", leaving=1, relief=2, role=None, until=until)["record"] == before["record"]
        (shown,) = ask(end, "screen")["lines"]
        gone = [notice for side in ("ours", "theirs") for notice in shown[side] if notice["gone"]]
        assert gone
        assert not [notice for notice in gone if SECRET in str(notice)]


@pytest.mark.slow
def test_node_archives_each_day_into_its_folder_by_itself(pair: DeskPair, folder: Path) -> None:
    exchange(pair)
    pass_days(pair, DAYS + 1)
    assert list(folder.iterdir()) == []
    pair.cut()
    pair.a.config = replace(pair.a.config, archive_dir=str(folder))
    pair.a.restart()
    pair.join()
    pair.advance(5)
    (file,) = folder.iterdir()
    assert len(read(file)) == len(gone_of(pair.a)) > 3
    assert due(pair.a) == 0


@pytest.mark.slow
def test_daily_archive_that_cannot_be_written_stops_nothing_and_stays_due(pair: DeskPair, folder: Path) -> None:
    exchange(pair)
    pass_days(pair, DAYS + 1)
    pair.cut()
    pair.a.config = replace(pair.a.config, archive_dir=str(folder / "missing"))
    pair.a.restart()
    pair.join()
    pair.advance(5)
    assert due(pair.a) > 0
    assert pair.a.desk.failed is None


@pytest.mark.slow
def test_wherever_the_process_ends_each_body_is_here_or_in_an_archive(pair: DeskPair, folder: Path) -> None:
    for _ in range(150):
        note(pair.b)
        note(pair.a)
    exchange(pair)
    pass_days(pair, DAYS + 1)
    pair.cut()
    row = pair.a.line.record
    pair.a.desk.talks.of(row)
    bodies = {(log, index) for log, index in pair.a.desk.removal._due(row, DAYS)}
    assert len(bodies) > 300
    for survived in range(1, 100):
        steps = pair.a.desk.removal.steps(row, folder)
        ended = False
        for _ in range(survived):
            try:
                next(steps)
            except StopIteration:
                ended = True
                break
        del steps
        pair.a.restart()
        for left in folder.glob(".*"):
            left.unlink()
        kept = {(record.log, record.index) for file in folder.iterdir() for record in read(file)}
        for log, index in bodies:
            record = pair.a.journal.entry(log, index)
            assert record is not None
            assert record.gone is None or (log, index) in kept
        if ended:
            break
    assert survived > 4
    assert len(gone_of(pair.a)) == len(bodies)


@pytest.mark.slow
def test_only_one_removal_runs_at_a_time(pair: DeskPair) -> None:
    row = pair.a.line.record
    note(pair.a)
    pair.advance(2)
    pass_days(pair, DAYS + 1)
    steps = pair.a.desk.removal.steps(row, None)
    next(steps)
    with pytest.raises(UsageError, match="already"):
        ask(pair.a, "erase", line=name(pair.a))
    for _ in steps:
        pass
    assert ask(pair.a, "erase", line=name(pair.a)) == {"entries": 0}


# The other desk loses what this one has removed.


@pytest.mark.slow
def test_desk_that_lost_its_journal_gets_back_proofs_without_the_bodies_that_went(pair: DeskPair, tmp_path: Path) -> None:
    """The end of a life: bodies go at Beijing, Tokyo comes back from an old backup, and the line goes on."""
    backup = tmp_path / "backup.db"
    pair.cut()
    pair.a.backup(backup)
    pair.join()
    pair.advance(3)
    answered, _ = exchange(pair)
    pass_days(pair, DAYS + 1)
    ask(pair.b, "erase", line=name(pair.b))
    whole = {log: pair.b.journal.size(log) for log in pair.b.journal.logs(pair.b.line.record.line)}
    pair.cut()
    pair.a.restart_from(backup)
    reincarnate(pair.a)
    assert introduce(pair.a, pair.b)
    pair.join()
    pair.advance(60)
    old = Log(pair.a.line.record.line, Pair(1, 1), True)
    for log in (old, old._replace(outgoing=False)):
        assert pair.a.journal.size(log) == whole[log._replace(outgoing=not log.outgoing)]
        pair.a.journal.verify(log)
    record = pair.a.journal.entry(old, answered)
    assert record is not None
    assert record.gone == WITHHELD
    (entry,) = [each for each in entries_of(pair.a) if each["gone"] == WITHHELD and each["id"] == f"ours:{record.number}"]
    assert (entry["released"], entry["form"], entry["text"], entry["fields"]) == (None, None, None, {})
    assert "did not give it back" in entry["finding"]
    pair.a.restart()
    pair.b.restart()
    pair.join()
    pair.advance(5)
    number = say(pair.a)
    pair.advance(3)
    heard = pair.b.journal.entry(pair.b.line.line.setup.incoming_log, number)
    assert heard is not None
    assert heard.released
