"""The demo is played for real, once to its end and once interrupted; it may leave nothing behind."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import pytest

from watchline.demo.forgery import with_mended_checksums
from watchline.demo.page import COLUMNS, Page, columns, wrapped
from watchline.errors import NegativeAnswer

pytestmark = pytest.mark.slow

SOURCES = Path(__file__).parents[1] / "src"
COMMAND = ("-m", "watchline", "demo", "--json")
UNPACED = ("-c", "from watchline.demo import run; run(pace_seconds=0)")


def play(folder: Path, arguments: Sequence[str]) -> subprocess.Popen[str]:
    """Start the demo with `folder` as its place for temporary files."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCES), "TMPDIR": str(folder), "PYTHONIOENCODING": "utf-8"}
    return subprocess.Popen(
        ["env", "--default-signal=INT", sys.executable, *arguments],  # whoever runs the tests may ignore it
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


def processes_in(folder: Path) -> list[str]:
    """The command lines of running processes that name this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
        except OSError:
            continue  # it has just ended
        if bytes(folder) in command:
            found.append(command.decode("utf-8", "replace"))
    return found


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("stage")
    with play(folder, COMMAND) as process:
        out, error = process.communicate(timeout=180)
    assert process.returncode == 0, error
    assert list(folder.iterdir()) == []
    assert processes_in(folder) == []
    assert error == ""
    document: dict[str, Any] = json.loads(out)
    return document


def claims(document: dict[str, Any], title: str) -> list[dict[str, Any]]:
    scene = next(scene for scene in document["demo"] if scene["title"] == title)
    return [claim["seen"] for claim in scene["claims"]]


def views(document: dict[str, Any], title: str, desk: str) -> list[dict[str, Any]]:
    scene = next(scene for scene in document["demo"] if scene["title"] == title)
    return [view for view in scene["views"] if view["desk"] == desk]


def rungs(view: dict[str, Any], reference: str) -> Sequence[str]:
    return list(next(entry["rungs"] for entry in view["entries"] if entry["id"] == reference))


def test_scenes_are_numbered_and_each_claims_something(played: dict[str, Any]) -> None:
    scenes = played["demo"]
    assert [scene["number"] for scene in scenes] == list(range(1, 26))
    assert all(scene["claims"] for scene in scenes)


def test_both_desks_read_the_same_sixty_digits(played: dict[str, Any]) -> None:
    digits = claims(played, "Pairing: three files, sixty digits")[0]["digits"]
    assert digits[0] == digits[1]
    assert len(digits[0].replace(" ", "")) == 60


def test_each_desk_sees_a_notice_in_its_own_language_with_english_beside(played: dict[str, Any]) -> None:
    for desk, title in (("Tokyo", "空域内の物体"), ("Beijing", "空域内物体")):
        entry = views(played, "The balloons", desk)[0]["entries"][0]
        assert (entry["title"], entry["title_en"]) == (title, "Object in airspace")
        assert [row["label_en"] for row in entry["rows"]][:2] == ["Object", "Seen"]


def test_acknowledgement_by_a_person_stands_above_the_receipt_and_only_on_its_notice(played: dict[str, Any]) -> None:
    seen = claims(played, "The balloons")[-1]
    last = views(played, "The balloons", "Tokyo")[-1]
    assert rungs(last, seen["acknowledged"]) == ["composed", "attempted", "received", "acknowledged"]
    assert seen["acknowledged"] != seen["not_acknowledged"]


def test_question_is_held_another_declined_and_a_statement_answered(played: dict[str, Any]) -> None:
    held = claims(played, "The closure that was missing")[0]
    question = rungs(views(played, "The closure that was missing", "Tokyo")[0], held["question"])
    assert "acknowledged" in question
    assert "answered" not in question
    declined = views(played, "A question declined", "Beijing")[0]
    assert "declined" in rungs(declined, declined["entries"][0]["id"])
    assert [len(view["entries"]) for view in views(played, "A statement from each side", "Tokyo")] == [2]


def test_round_of_talks_is_arranged_and_stands_alike_at_both_desks(played: dict[str, Any]) -> None:
    proposed, arranged = claims(played, "February 2023: a round of talks")
    assert (proposed["phase"], proposed["waits_for"]) == ("proposed", ["theirs"])
    assert arranged["arrangement"]["date"] == {"exact": "2023-02-22T01:00:00Z"}
    for desk in ("Tokyo", "Beijing"):
        [shown] = views(played, "February 2023: a round of talks", desk)
        assert shown["round"]["phase"] == "arranged"


def test_agenda_carries_what_was_sent_and_each_item_has_an_answer(played: dict[str, Any]) -> None:
    states, water = claims(played, "The agenda")
    assert sorted(states["states"]) == ["agreed"] * 4 + ["noted"] * 6
    assert [(each["form"], each["declined"]) for each in water["notices"]] == [
        ("request-clarification", True),
        ("planned-discharge", False),
    ]
    [shown] = views(played, "The agenda", "Tokyo")
    forms = {notice["form"] for item in shown["round"]["items"] for notice in item["notices"]}
    assert forms == {
        "airspace-object",
        "engagement-rules",
        "exercise-notice",
        "military-spending",
        "planned-discharge",
        "request-clarification",
        "statement",
        "supply-notice",
        "unusual-activity-query",
    }


def test_commitment_stands_by_the_digest_of_the_text_that_was_accepted(played: dict[str, Any]) -> None:
    standing, words, refused = claims(played, "Two commitments")
    assert len(set(standing["digests"])) == 2
    assert words["words"] == ["春頃", "春季前后"]
    assert refused["why"] == "settled"
    [shown] = views(played, "Two commitments", "Beijing")
    hotline, _ = shown["round"]["commitments"]
    assert [(each["side"], each["id"] == hotline["text_id"]) for each in hotline["versions"]] == [
        ("theirs", False),
        ("ours", True),
    ]
    assert hotline["versions"][1]["state"] == "standing"


def test_readouts_are_compared_with_every_verdict_there_is(played: dict[str, Any]) -> None:
    compared, concluded, left = claims(played, "Two readouts")
    assert set(compared["comparison"].values()) == {"both", "only_ours", "only_theirs", "differently", "neither"}
    assert concluded["steps"] > 30
    assert left["open"]


def test_hotline_is_kept_once_both_sides_say_so_and_the_line_itself_is_the_evidence(played: dict[str, Any]) -> None:
    reminded, said, kept, no_more = claims(played, "Spring 2023: a commitment is kept")
    assert reminded["reminded"] == [["overdue"], ["overdue"]]
    assert (said["state"], kept["state"]) == ("said_kept", "kept")
    assert [len(report["evidence"]) for report in kept["reports"]] == [2, 0]
    assert no_more["reminded"] == [[], []]


def test_line_test_comes_back_with_its_round_trip(played: dict[str, Any]) -> None:
    [test] = claims(played, "A test of the line")
    assert test["ok"] is True
    assert test["round_trip_seconds"] > 0


def test_notice_composed_while_the_line_is_cut_is_queued_and_delivered_once(played: dict[str, Any]) -> None:
    down, queued, delivered, _ = claims(played, "The line is cut")
    assert down["states"] == ["line_down", "line_down"]
    assert queued["rungs"] == ["composed"]
    assert queued["unreceipted"] >= 1
    assert (delivered["copies"], delivered["after"]) == (1, delivered["before"] + 1)


def test_nothing_is_lost_when_both_nodes_are_killed(played: dict[str, Any]) -> None:
    dead, taken, kept, mirrored = claims(played, "Both machines fail")
    assert dead["state"] == "terminal_down"
    assert taken["rung"] == "composed"
    assert kept["entries"] == mirrored["entries"] > 0


def test_evidence_is_verified_and_each_forgery_is_named(played: dict[str, Any]) -> None:
    trusted, stranger = claims(played, "Evidence for a stranger")
    assert trusted["entries"] > 0
    assert stranger["fact"].startswith("if these fingerprints are theirs")
    simple, better, _ = claims(played, "Tampering")
    for forgery in (simple, better):
        assert forgery["bytes_changed"] == 1
        assert forgery["faults"][0]["part"].startswith("logs/")
    assert better["faults"][0]["rule"] == 8


def test_each_desk_sees_by_its_lamps_that_somebody_signed_in(played: dict[str, Any]) -> None:
    [seen] = claims(played, "The watch")
    assert "green" not in seen["before"]
    assert seen["after"] == ["green", "green"]
    for desk in ("Tokyo", "Beijing"):
        [shown] = views(played, "The watch", desk)
        assert list(shown["status"]["lamps"]) == ["line", "machine", "human", "test"]


def test_proposed_terms_bind_nobody_until_the_other_desk_accepts_them(played: dict[str, Any]) -> None:
    proposed, accepted = claims(played, "Other terms")
    assert proposed["version"] == 1
    assert accepted["digests"][0] == accepted["digests"][1]


def test_notice_that_nobody_answers_is_told_from_one_that_nobody_could(played: dict[str, Any]) -> None:
    ladder, state, unanswered, card = claims(played, "6 December 2025, 16:32")
    assert ladder["rungs"][-2:] == ["rung", "overdue"]
    assert state["state"] == unanswered["silence"]["kind"] == "unanswered"
    assert unanswered["silence"]["seconds"] >= unanswered["silence"]["allowed"] == 2
    assert card["card"]["telephone"]
    human, unmanned = claims(played, "18:37: nobody is there")
    assert human["lamp"]["colour"] == "red"
    assert unmanned["silence"]["kind"] == "unmanned"


def test_certificate_of_a_silence_is_verified_and_no_changed_one_is(played: dict[str, Any]) -> None:
    shown, forged, flipped = claims(played, "Proof of a silence")
    [silence] = shown["silences"]
    assert (silence["kind"], silence["said_by"], silence["author"], silence["peer"]) == (
        "unanswered",
        "peer",
        "Tokyo",
        "Beijing",
    )
    assert forged["faults"][0]["rule"] == 8
    assert len(flipped["places"]) == 24


def test_demo_that_is_interrupted_leaves_nothing_behind(tmp_path: Path) -> None:
    told = []
    with play(tmp_path, UNPACED) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told.append(line.rstrip("\n"))
            if "17. The line is cut" in line:
                break
        running = processes_in(tmp_path)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert len(running) == 2
    assert all(columns(line) <= COLUMNS for line in told)
    assert process.returncode == -signal.SIGINT
    assert processes_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_claim_that_does_not_hold_ends_the_play_with_exit_code_1() -> None:
    out = io.StringIO()
    page = Page(out, 0)
    page.scene("A scene")
    with pytest.raises(NegativeAnswer, match=r"scene 1 \(A scene\).* two and two are five") as refusal:
        page.claim(2 + 2 == 5, "two and two are five", sum=4)
    assert refusal.value.exit_code == 1
    assert refusal.value.facts["seen"] == "{'sum': 4}"
    assert "holds" not in out.getvalue()


def test_page_has_no_colour_where_it_is_not_a_terminal() -> None:
    out = io.StringIO()
    page = Page(out, 0)
    page.scene("A scene")
    page.claim(True, "it holds")
    assert out.getvalue() == " 1. A scene\n    [holds] it holds\n"


@pytest.mark.parametrize("width", [12, 20, 80])
def test_wrapped_text_loses_nothing_and_stays_in_its_columns(width: int) -> None:
    text = "位置 | Position: 25°45.0'N [钓鱼岛 (中方) / 尖阁诸岛 (日方)]、実弾訓練のロケットが水域に落下した。"
    lines = list(wrapped(text, indent="  ", width=width))
    assert all(columns(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert not any(line.strip()[0] in "、。)" for line in lines)


def test_columns_count_wide_characters_twice() -> None:
    text = "気球 balloon"
    assert columns(text) == len(text) + sum(unicodedata.east_asian_width(character) == "W" for character in text)


def test_better_forger_mends_every_checksum_and_nothing_else() -> None:
    data = BytesIO()
    with ZipFile(data, "w", ZIP_STORED) as archive:
        archive.writestr("one.txt", "4 August 2022")
        archive.writestr("two.txt", "unchanged")
    genuine = data.getvalue()
    changed = genuine.replace(b"4 August", b"7 August", 1)
    with ZipFile(BytesIO(changed)) as archive, pytest.raises(BadZipFile):
        archive.read("one.txt")
    with ZipFile(BytesIO(with_mended_checksums(changed))) as archive:
        assert (archive.read("one.txt"), archive.read("two.txt")) == (b"7 August 2022", b"unchanged")
    assert with_mended_checksums(genuine) == genuine
