"""A round of talks between two running desks: both show the same, whatever happens to the line meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import vobject

from tests.desk.desk_pair import DeskPair
from tests.desk.talking import Talker, swapped, talkers, theirs
from tests.desk.test_new_incarnation import confirm, introduce, reincarnate
from watchline.desk.handover import make_record, record_value
from watchline.errors import FieldError, UsageError

DATES = ["2023-04-22T01:00:00Z", "2023-04-23/2023-04-24 en=the day after; ja=翌日"]
PROPOSAL: dict[str, Any] = {"topic": "Airspace", "level": "director", "dates": DATES, "mode": "video", "place": "Tokyo"}
SPRING = "2023-06-01/2023-08-31 en=around summer; ja=夏頃"
TERMS: dict[str, Any] = {"terms": "A hotline is opened.", "strength": "agreed_to_try", "due": SPRING}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    desks = DeskPair(tmp_path)
    desks.join()
    desks.advance(5)
    yield desks
    desks.close()


def both_show_the_same(pair: DeskPair) -> dict[str, Any]:
    """The newest round as Tokyo shows it; Beijing shows it too, with ours and theirs the other way round."""
    tokyo, beijing = (talker.round() for talker in talkers(pair))
    other = swapped(beijing)
    for shown in (tokyo, other):
        shown.pop("possible")  # each side's own
        sides = [shown["waits_for"], *(each["waits_for"] for each in shown["commitments"])]
        for names in [*sides, *([] if shown["closing"] is None else [shown["closing"]["by"]])]:
            names.sort()
    assert other == tokyo
    return tokyo


def arrange(pair: DeskPair) -> str:
    """Tokyo proposes and Beijing accepts the second date; the round as Tokyo calls it."""
    tokyo, beijing = talkers(pair)
    round_ = tokyo.say("talks-proposal", **PROPOSAL)
    pair.advance(2)
    offered = beijing.round(theirs(round_))["arrangement"]["on_table"][0]["dates"]
    assert offered[1]["words"] == "the day after"
    beijing.accept(theirs(round_), date=DATES[1])
    pair.advance(2)
    return round_


@pytest.mark.slow
def test_whole_round_with_cuts_between_is_the_same_at_both_desks(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    round_ = arrange(pair)
    shown = both_show_the_same(pair)
    assert (shown["phase"], shown["arrangement"]["date"]["from"]) == ("arranged", "2023-04-23")

    pair.cut()
    one = tokyo.say("agenda-item", meeting=round_, subject="Balloons")
    other = beijing.say("agenda-item", meeting=theirs(round_), subject="Supply chains")
    pair.join()
    pair.advance(5)
    beijing.accept(theirs(one))
    tokyo.say("noted", answers=theirs(other), of=theirs(other), remark="noted")
    first = tokyo.say("statement", speaker_role="director", text="We ask.", under=one)
    pair.advance(2)
    beijing.say(
        "statement", answers=theirs(first), speaker_role="director", text="We answer.", under=theirs(one),
        replies_to=theirs(first),
    )  # fmt: skip
    pair.cut()
    promise = tokyo.say("commitment", item=one, meeting=round_, **TERMS)
    pair.join()
    pair.advance(5)
    beijing.accept(theirs(promise))
    pair.advance(2)
    shown = both_show_the_same(pair)
    assert [item["state"] for item in sorted(shown["items"], key=lambda item: item["id"])] == ["agreed", "noted"]
    assert [(each["state"], each["certain"]) for each in shown["commitments"]] == [("standing", True)]
    assert shown["commitments"][0]["due"]["words"] == "around summer"

    said: dict[str, Any] = {"event": round_, "own_text": "They met.", "publication": "published"}
    tokyo.say("readout", **said, points=[{"about": [promise]}, {"text": "Balloons were raised.", "about": [one]}])
    beijing.say(
        "readout", event=theirs(round_), own_text="双方会谈。", publication="published", points=[{"about": [theirs(promise)]}]
    )
    tokyo.say("close", of=round_, outcome="concluded")
    pair.advance(2)
    shown = both_show_the_same(pair)
    assert (shown["phase"], shown["waits_for"]) == ("closing", ["theirs"])
    beijing.say("close", of=theirs(round_), outcome="concluded")
    pair.advance(2)

    shown = both_show_the_same(pair)
    assert shown["phase"] == "concluded"
    assert shown["closing"]["by"] == ["ours", "theirs"]
    assert {(each["kind"], each["verdict"]) for each in shown["comparison"]} == {
        ("commitment", "both"),
        ("item", "only_ours"),
    }
    assert all(move["counts"] for move in shown["timeline"])
    assert [each["phase"] for each in tokyo.call("talks_list", line=tokyo.line)["rounds"]] == ["concluded"]


@pytest.mark.slow
def test_restart_in_the_middle_changes_nothing_that_is_shown(pair: DeskPair) -> None:
    round_ = arrange(pair)
    Talker(pair.a).say("agenda-item", meeting=round_, subject="Balloons")
    pair.advance(2)
    before = both_show_the_same(pair)
    pair.cut()
    pair.a.restart()
    pair.b.restart()
    pair.join()
    pair.advance(5)

    assert both_show_the_same(pair) == before


@pytest.mark.slow
def test_new_incarnation_in_the_middle_of_a_round_loses_nothing_of_it(pair: DeskPair) -> None:
    round_ = arrange(pair)
    pair.cut()
    lost = Talker(pair.a).say("agenda-item", meeting=round_, subject="said while the line was cut")
    reincarnate(pair.a)
    introduce(pair.a, pair.b)
    pair.join()
    pair.advance(30)
    confirm(pair.a, "ours")
    confirm(pair.b, "theirs")
    tokyo, beijing = talkers(pair)
    beijing.accept(theirs(lost))
    pair.advance(2)
    tokyo.say("close", of=round_, outcome="concluded")
    pair.advance(2)
    close = beijing.round(theirs(round_))["timeline"][-1]["id"]
    beijing.accept(close)
    pair.advance(5)

    shown = both_show_the_same(pair)
    assert [(item["id"], item["state"]) for item in shown["items"]] == [(lost, "agreed")]
    assert shown["phase"] == "concluded"


def test_step_that_would_not_count_is_refused_with_whose_move_it_is(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    round_ = tokyo.say("talks-proposal", **PROPOSAL)
    pair.advance(2)

    with pytest.raises(UsageError, match=r"nobody accepts or declines their own word.*it is the move of Beijing") as refused:
        tokyo.say("acceptance", of=round_, digest="00" * 32)
    assert refused.value.facts["possible"] == ["correction", "counter-proposal"]
    with pytest.raises(UsageError, match=r"it has to name one of the dates offered.*it is this desk's move"):
        beijing.accept(theirs(round_))
    with pytest.raises(UsageError, match="not the one that stands there"):
        beijing.say("acceptance", of=theirs(round_), digest="00" * 32, date=DATES[0])
    with pytest.raises(UsageError, match="not for this phase"):
        tokyo.say("agenda-item", meeting=round_, subject="too early")
    with pytest.raises(FieldError, match="field meeting"):
        tokyo.say("agenda-item", subject="of nothing")
    with pytest.raises(UsageError, match="no step of talks"):
        tokyo.call("talks_check", line=tokyo.line, kind="airspace-object", fields={})


def test_report_on_what_is_no_commitment_is_refused(pair: DeskPair) -> None:
    tokyo, _ = talkers(pair)
    round_ = tokyo.say("talks-proposal", **PROPOSAL)

    with pytest.raises(UsageError, match="would not count"):
        tokyo.say("commitment-report", of=round_, digest="00" * 32, judged="kept")


def test_move_that_does_not_count_is_shown_with_the_reason(pair: DeskPair) -> None:
    tokyo, _ = talkers(pair)
    round_ = tokyo.say("talks-proposal", **PROPOSAL)
    tokyo.say("agenda-item", meeting=round_, subject="too early", checked=False)
    pair.advance(2)

    shown = both_show_the_same(pair)

    assert [(move["kind"], move["counts"], move["why"]) for move in shown["timeline"]] == [
        ("talks-proposal", True, None),
        ("agenda-item", False, "not_in_this_phase"),
    ]
    assert shown["items"] == []


def test_withdrawn_proposal_ends_the_round_and_its_clock(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    round_ = tokyo.say("talks-proposal", **PROPOSAL)
    pair.advance(2)
    assert beijing.call("status")["lines"][0]["unacknowledged"] == 1
    tokyo.withdraw(round_)
    pair.advance(2)

    assert both_show_the_same(pair)["phase"] == "withdrawn"
    assert beijing.call("status")["lines"][0]["unacknowledged"] == 0


@pytest.mark.slow
def test_declined_proposal_ends_the_round(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    round_ = tokyo.say("talks-proposal", **PROPOSAL)
    pair.advance(2)
    beijing.decline(theirs(round_), "not now")
    pair.advance(2)

    shown = both_show_the_same(pair)

    assert shown["phase"] == "declined"
    assert shown["timeline"][-1]["text"] == "not now"


@pytest.mark.slow
def test_item_carries_its_notices_and_stays_open_until_they_are_answered(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    sighting = tokyo.say("airspace-object", checked=False, object="balloon", seen="2023-02-15T01:00:00Z", ours="asking")
    round_ = arrange(pair)
    item = tokyo.say("agenda-item", meeting=round_, subject="Balloons", notices=[sighting])
    pair.advance(2)
    beijing.accept(theirs(item))
    pair.advance(2)

    shown = both_show_the_same(pair)["items"][0]
    assert shown["open"]
    assert [(each["id"], each["open"]) for each in shown["notices"]] == [(sighting, True)]
    (listed,) = beijing.call("talks_open", line=beijing.line)["items"]
    assert (listed["id"], listed["round"], listed["remains"]) == (theirs(item), theirs(round_), ["notice_open"])

    beijing.say("free-text", checked=False, answers=theirs(sighting), text="It was a civil balloon.")
    pair.advance(2)
    shown = both_show_the_same(pair)["items"][0]
    assert not shown["open"]
    assert [answer["form"] for answer in shown["notices"][0]["answers"]] == ["free-text"]
    assert tokyo.call("talks_open", line=tokyo.line)["items"] == []


@pytest.mark.slow
def test_amended_commitment_shows_its_versions_and_both_reports(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    first = tokyo.say("commitment", **TERMS)
    pair.advance(2)
    beijing.accept(theirs(first))
    pair.advance(2)
    second = beijing.say("commitment", **TERMS | {"terms": "Two hotlines are opened."}, replaces=theirs(first))
    pair.advance(2)
    tokyo.accept(theirs(second))
    pair.advance(2)
    (shown,) = tokyo.call("talks_commitments", line=tokyo.line)["commitments"]
    assert [version["state"] for version in shown["versions"]] == ["replaced", "standing"]
    assert shown["text_id"] == theirs(second)

    for talker, judged in ((tokyo, "kept"), (beijing, "not_kept")):
        (held,) = talker.call("talks_commitments", line=talker.line)["commitments"]
        talker.say("commitment-report", of=held["text_id"], digest=held["digest"], judged=judged)
    pair.advance(2)
    (shown,) = tokyo.call("talks_commitments", line=tokyo.line)["commitments"]
    (other,) = beijing.call("talks_commitments", line=beijing.line)["commitments"]

    assert shown["state"] == other["state"] == "disputed"
    assert swapped(other) == shown


def test_arrangement_lists_its_next_meetings(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    proposed = tokyo.say(
        "arrangement", name="Yearly", level="director", every="year", first="2023-11-01T01:00:00Z", mode="video", review=True
    )
    pair.advance(2)
    beijing.accept(theirs(proposed))
    pair.advance(2)

    (shown,) = tokyo.call("talks_arrangements", line=tokyo.line)["arrangements"]

    assert (shown["state"], shown["next"][:2]) == ("standing", ["2023-11-01T01:00:00Z", "2024-11-01T01:00:00Z"])
    assert swapped(beijing.call("talks_arrangements", line=beijing.line)["arrangements"]) == [shown]


def test_line_without_talks_says_how_to_begin(pair: DeskPair) -> None:
    tokyo, _ = talkers(pair)

    assert tokyo.call("talks_list", line=tokyo.line)["rounds"] == []
    with pytest.raises(UsageError, match="no talks") as refused:
        tokyo.round()
    assert "watchline talks propose" in refused.value.hint


# --- what was promised is not forgotten

DAY = 86_400


def undertake(pair: DeskPair, **changes: Any) -> str:
    """A commitment of Tokyo's that stands."""
    tokyo, beijing = talkers(pair)
    promise = tokyo.say("commitment", **TERMS | changes)
    pair.advance(2)
    beijing.accept(theirs(promise))
    pair.advance(2)
    return promise


def later(pair: DeskPair, days: float) -> None:
    """Both desks' clocks go on while neither node runs."""
    pair.cut()
    for end in (pair.a, pair.b):
        end.scheduler.wall += int(days * DAY)
        end.restart()
    pair.join()
    pair.advance(3)


def reminded(talker: Talker) -> list[tuple[str, str]]:
    found = talker.call("talks_due", line=talker.line)["reminders"]
    return [(each["id"], each["kind"]) for each in found]


def told_of(captured: Any) -> list[str]:
    """Where the log goes is for whoever set it up last in this process to say."""
    return [line for stream in captured.readouterr() for line in stream.splitlines() if "talks.due" in line]


@pytest.mark.slow
def test_commitment_reminds_both_desks_once_when_its_time_begins_and_when_it_is_over(
    pair: DeskPair, capsys: pytest.CaptureFixture[str]
) -> None:
    promise = undertake(pair)
    tokyo, beijing = talkers(pair)
    assert reminded(tokyo) == reminded(beijing) == []
    told_of(capsys)

    later(pair, 70)
    assert reminded(tokyo) == [(promise, "begins")]
    assert reminded(beijing) == [(theirs(promise), "begins")]
    assert len(told_of(capsys)) == 2
    assert [talker.call("status")["lines"][0]["due"] for talker in (tokyo, beijing)] == [1, 1]

    later(pair, 1)
    pair.advance(120)
    assert told_of(capsys) == []

    later(pair, 100)
    assert reminded(tokyo) == [(promise, "overdue")]
    assert len(told_of(capsys)) == 2

    (held,) = tokyo.call("talks_commitments", line=tokyo.line)["commitments"]
    tokyo.say("commitment-report", of=promise, digest=held["digest"], judged="kept")
    beijing.say("commitment-report", of=theirs(promise), digest=held["digest"], judged="kept")
    pair.advance(2)
    assert reminded(tokyo) == reminded(beijing) == []
    assert tokyo.call("status")["lines"][0]["due"] == 0


@pytest.mark.slow
def test_handover_names_what_is_due(pair: DeskPair) -> None:
    promise = undertake(pair)
    later(pair, 70)

    record = make_record(pair.a.desk, 1, 2, "duty", 0, [])

    (line,) = record_value(pair.a.desk, record)["lines"]
    assert [(each["id"], each["kind"]) for each in line["due"]] == [(promise, "begins")]


@pytest.mark.slow
def test_commitment_of_an_exercise_reminds_nobody(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    promise = tokyo.say("commitment", exercise=True, **TERMS)
    pair.advance(2)
    digest = beijing.call("resolve", line=beijing.line, entry=theirs(promise))["digest"]
    beijing.say("acceptance", answers=theirs(promise), exercise=True, of=theirs(promise), digest=digest)
    pair.advance(2)
    assert tokyo.call("talks_commitments", line=tokyo.line)["commitments"][0]["state"] == "standing"

    later(pair, 70)

    assert reminded(tokyo) == []


@pytest.mark.slow
def test_review_gathers_what_was_agreed_and_what_is_open(pair: DeskPair) -> None:
    tokyo, _ = talkers(pair)
    promise = undertake(pair)
    round_ = arrange(pair)
    item = tokyo.say("agenda-item", meeting=round_, subject="Balloons")
    pair.advance(60)
    now = pair.a.desk.moment().wall

    shown = tokyo.call("talks_review", line=tokyo.line, start=now - DAY, end=now)

    assert [each["id"] for each in shown["agreed"]] == [promise]
    assert [(each["id"], each["state"]) for each in shown["due"]] == [(promise, "not_yet")]
    assert [each["id"] for each in shown["open_items"]] == [item]
    assert shown["figures"]["notices"]["ours"]
    with pytest.raises(UsageError, match="period"):
        tokyo.call("talks_review", line=tokyo.line, start=now, end=now + DAY)


@pytest.mark.slow
def test_calendar_has_the_same_events_at_both_desks(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    undertake(pair)

    ours, other = (talker.call("talks_calendar", line=talker.line)["ics"] for talker in (tokyo, beijing))

    assert ours == other
    assert "A hotline is opened. (around summer)" in ours


@pytest.mark.slow
def test_calendar_has_the_date_of_a_round_once_agreed_and_when_it_goes_on_and_nothing_of_an_abandoned_one(
    pair: DeskPair,
) -> None:
    tokyo, beijing = talkers(pair)

    def events() -> list[tuple[str, str]]:
        ours, other = (talker.call("talks_calendar", line=talker.line)["ics"] for talker in (tokyo, beijing))
        assert ours == other
        found = vobject.readOne(ours).contents.get("vevent", [])
        return [(each.summary.value, str(each.dtstart.value)[:10]) for each in found]

    proposed = tokyo.say("talks-proposal", **PROPOSAL)
    pair.advance(2)
    assert events() == []
    tokyo.withdraw(proposed)
    round_ = arrange(pair)
    beijing.acknowledge(theirs(round_))
    pair.advance(2)
    assert events() == [("Airspace (the day after)", "2023-04-23")]
    closing = tokyo.say("close", of=round_, outcome="adjourned", next="2023-07-01T01:00:00Z")
    pair.advance(2)
    beijing.accept(theirs(closing))
    pair.advance(2)
    tokyo.acknowledge(tokyo.round()["timeline"][-1]["id"])
    pair.advance(2)
    assert events() == [("Airspace (the day after)", "2023-04-23"), ("Airspace", "2023-07-01")]
    again = arrange(pair)
    pair.advance(2)
    tokyo.say("close", of=again, outcome="abandoned")
    pair.advance(2)
    assert len(events()) == 2


@pytest.mark.slow
def test_text_that_a_later_one_took_the_place_of_is_superseded_and_did_not_cross(pair: DeskPair) -> None:
    tokyo, beijing = talkers(pair)
    round_ = arrange(pair)
    first = tokyo.say("commitment", meeting=round_, **TERMS)
    pair.advance(2)
    other = beijing.say("commitment", replaces=theirs(first), **{**TERMS, "terms": "Two hotlines are opened."})
    pair.advance(2)
    tokyo.accept(theirs(other))
    pair.advance(2)
    (shown,) = tokyo.round()["commitments"]
    assert [each["state"] for each in shown["versions"] if each["id"] == first] == ["superseded"]
