"""What a desk does by itself: statuses, tests of the line, commits before frames, honest ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.desk.desk_pair import LINE, DeskEnd, DeskPair
from tests.journal.faulty_disk import FaultyDisk
from tests.line_pair import START, party, terms
from watchline.core.encoding import encode
from watchline.core.entries import Body, EntryType, Leaf, Notice, Precedence, Response
from watchline.core.keys import Ed25519Key
from watchline.core.outgoing import Draft
from watchline.core.persons import Officer, assertion_challenge, sign_assertion
from watchline.core.records import EntryRecord
from watchline.desk.desk import VERIFY_SECONDS
from watchline.desk.line_tests import ANSWER_SECONDS, ANSWERS_AT_ONCE
from watchline.desk.officers import sign_roster_change, with_officer
from watchline.desk.own import DOCUMENT
from watchline.desk.rungs import read_notice
from watchline.desk.views import LineView
from watchline.errors import JournalError

AGREED = replace(terms(), unreleased_forms=("free-text", "test"))


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[DeskPair]:
    joined = DeskPair(tmp_path, agreed=AGREED)
    joined.join()
    joined.advance(3)
    yield joined
    joined.close()


def draft(text: str) -> Draft:
    content = Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: text}).encode()
    return Draft(EntryType.NOTICE, content, released=True)


def texts(end: object) -> list[str]:
    journal, log = end.journal, end.line.line.setup.incoming_log  # type: ignore[attr-defined]
    notices = [read_notice(record) for record in journal.entries(log, 0, journal.size(log))]
    return [str(notice.fields[1]) for notice in notices if notice is not None and notice.form == "free-text"]


@pytest.mark.slow
def test_two_joined_desks_are_up_and_stay_up_by_their_statuses(pair: DeskPair) -> None:
    for _ in range(20):
        pair.advance(30)
        assert pair.a.line.state(pair.scheduler.moment()) == "up"
        assert pair.b.line.state(pair.scheduler.moment()) == "up"


def test_a_desk_whose_peer_falls_silent_sees_degraded_and_then_terminal_down(pair: DeskPair) -> None:
    pair.b.desk.stop()
    pair.advance(100)
    assert pair.a.line.state(pair.scheduler.moment()) == "degraded"
    pair.advance(60)
    assert pair.a.line.state(pair.scheduler.moment()) == "terminal_down"


def test_notice_composed_while_cut_is_delivered_once_when_the_line_heals(pair: DeskPair) -> None:
    pair.cut()
    pair.a.desk.compose(pair.a.line, draft("while cut"))
    pair.advance(120)
    assert pair.a.line.state(pair.scheduler.moment()) == "line_down"
    assert texts(pair.b) == []
    pair.join()
    pair.advance(5)
    assert texts(pair.b) == ["while cut"]


def test_both_desks_killed_with_a_notice_under_way_deliver_it_once(pair: DeskPair) -> None:
    pair.a.desk.compose(pair.a.line, draft("before the kill"))
    pair.a.desk.flush()
    pair.cut()
    pair.a.restart()
    pair.b.restart()
    pair.join()
    pair.advance(5)
    assert texts(pair.b) == ["before the kill"]
    assert pair.a.line.line.outgoing.received == pair.a.line.line.outgoing.edge.size


@pytest.mark.slow
def test_scheduled_tests_alternate_between_the_desks_and_are_answered(pair: DeskPair) -> None:
    pair.advance(4 * 3600)
    ours = [notice_tests(end) for end in (pair.a, pair.b)]
    assert ours == [(2, 2), (2, 2)]
    for end in (pair.a, pair.b):
        assert outcome(end) is True


def outcome(end: DeskEnd) -> bool | None:
    """How the last test ended; None if there was none."""
    return None if end.line.last_test is None else end.line.last_test.ok


def notice_tests(end: object) -> tuple[int, int]:
    """(tests that this desk began, answers that it gave)."""
    journal, log = end.journal, end.line.line.setup.outgoing_log  # type: ignore[attr-defined]
    found = [record for record in journal.entries(log, 0, journal.size(log)) if is_test(record)]
    return sum(record.re is None for record in found), sum(record.re is not None for record in found)


def is_test(record: EntryRecord) -> bool:
    notice = read_notice(record)
    return notice is not None and notice.form == "test"


@pytest.mark.slow
def test_a_test_without_an_answer_fails_and_is_remembered_over_a_restart(pair: DeskPair) -> None:
    pair.cut()
    pair.a.desk.tests.start(pair.a.line)
    pair.advance(120)
    assert outcome(pair.a) is False
    pair.a.restart()
    assert outcome(pair.a) is False


@pytest.mark.slow
def test_peer_that_tests_without_end_gets_a_receipt_for_each_and_an_answer_every_five_seconds(pair: DeskPair) -> None:
    seconds = 60
    for _ in range(10 * seconds):
        pair.a.desk.tests.start(pair.a.line)
        pair.advance(0.1)
    begun, _ = notice_tests(pair.a)
    _, answered = notice_tests(pair.b)
    assert begun == 10 * seconds
    assert answered == ANSWERS_AT_ONCE + seconds // ANSWER_SECONDS - 1
    assert pair.a.line.line.outgoing.received == pair.a.line.line.outgoing.edge.size


@pytest.mark.slow
def test_person_who_tests_again_at_once_gets_an_answer_and_so_does_a_test_a_minute_after_a_flood(pair: DeskPair) -> None:
    for _ in range(ANSWERS_AT_ONCE):
        pair.a.desk.tests.start(pair.a.line)
        pair.advance(1)
        assert outcome(pair.a) is True
    for _ in range(100):
        pair.a.desk.tests.start(pair.a.line)
        pair.advance(0.1)
    pair.advance(60)
    pair.a.desk.tests.start(pair.a.line)
    pair.advance(1)
    assert outcome(pair.a) is True


def test_routes_signed_to_the_peer_replace_its_addresses_over_a_restart_too(pair: DeskPair) -> None:
    pair.a.journal.put_document("own-routes", "self", encode([["direct", "192.0.2.9:7400"]]), False)
    pair.a.desk.announce_routes()
    pair.advance(1)
    assert list(pair.b.line.routes) == ["192.0.2.9:7400"]
    pair.b.restart()
    assert list(pair.b.line.routes) == ["192.0.2.9:7400"]


def test_a_failed_fsync_releases_no_frame_tells_nothing_and_ends_the_desk(tmp_path: Path) -> None:
    disk = FaultyDisk("desk-fsync")
    pair = DeskPair(tmp_path, agreed=AGREED, vfs="desk-fsync")
    pair.join()
    pair.advance(3)
    failed: list[JournalError] = []
    pair.a.desk.on_failure = failed.append
    size = pair.b.line.line.incoming.edge.size
    disk.strike("fsync")
    pair.a.desk.compose(pair.a.line, draft("never durable"))
    with pytest.raises(JournalError):
        pair.a.desk.flush()
    pair.advance(10)
    assert [error.facts["reason"] for error in failed] == ["io"]
    assert pair.b.line.line.incoming.edge.size == size
    assert texts(pair.b) == []


def test_a_leaf_that_rots_on_the_disk_ends_the_desk_within_a_day(pair: DeskPair) -> None:
    pair.a.desk.compose(pair.a.line, draft("will rot"))
    pair.advance(2)
    failed: list[JournalError] = []
    pair.a.desk.on_failure = failed.append
    pair.a.desk._next_verify = pair.a.desk.moment().running + 1
    pair.advance(2)
    assert failed == []
    assert pair.a.desk._next_verify == pytest.approx(pair.a.desk.moment().running + VERIFY_SECONDS, abs=2)
    pair.a.desk._next_verify = pair.a.desk.moment().running + 1
    pair.a.journal._disk.cursor.execute("UPDATE leaves SET leaf = zeroblob(length(leaf)) WHERE key & 1 = 1")
    pair.advance(2)
    assert [error.facts["reason"] for error in failed] == ["damaged"]


def test_a_journal_that_rotted_is_found_at_the_start_and_said_so(pair: DeskPair) -> None:
    pair.a.desk.compose(pair.a.line, draft("will rot"))
    pair.advance(2)
    pair.a.journal._disk.cursor.execute("UPDATE leaves SET leaf = zeroblob(length(leaf)) WHERE key & 1 = 1")
    with pytest.raises(JournalError) as caught:
        pair.a.restart()
    assert caught.value.facts["reason"] == "damaged"


@pytest.mark.slow
def test_without_room_nothing_is_accepted_or_taken_and_it_goes_on_once_there_is(
    pair: DeskPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.b.journal.reserve(2**60)
    pair.advance(6)
    assert not pair.b.desk.has_room
    with pytest.raises(JournalError):
        pair.b.desk.compose(pair.b.line, draft("no room"))
    pair.a.desk.compose(pair.a.line, draft("waits"))
    pair.advance(10)
    assert texts(pair.b) == []
    pair.b.journal.reserve(0)
    pair.advance(70)
    assert texts(pair.b) == ["waits"]


def test_rungs_of_a_delivered_notice_climb_with_their_times(pair: DeskPair) -> None:
    record = pair.a.desk.compose(pair.a.line, draft("climbs"))
    pair.advance(1)
    pair.a.desk.flush()
    view = LineView(pair.a.desk, pair.a.line.record)
    assert list(view.rungs(record)) == ["composed", "attempted", "received"]
    assert view.entry(record)["text"].endswith("climbs")
    assert Body.decode(record.body).nonce is None


def add_officer(end: DeskEnd, name: str, number: int) -> Ed25519Key:
    """A new officer, whom the identity signs in and every peer is told of."""
    identity, key = party(name).identity, Ed25519Key(bytes([number]) * 32)
    roster = with_officer(end.desk.facts.roster, Officer(number, 0, key.public, "duty", None, START - 9, START + 86400))
    content = sign_roster_change(identity, LINE, roster)
    end.desk.compose(end.line, Draft(EntryType.ROSTER, content, released=True))
    end.desk.flush()
    end.journal.put_document(*DOCUMENT, replace(end.desk.facts, roster=roster).encode(), sealed=True)
    end.desk.reload()
    return key


def released_by(end: DeskEnd, key: Ed25519Key, number: int, text: str) -> Draft:
    content = Notice("statement", 1, Precedence.ROUTINE, False, "en", {1: text}).encode()
    nonce = bytes([number]) * 8 + text.encode()[:8].ljust(8)
    challenge = assertion_challenge("release", LINE, end.desk.facts.identity.id, nonce, Body(content).digest)
    return Draft(EntryType.NOTICE, content, nonce, (sign_assertion(number, key, challenge).to_value(),), released=True)


def last_released(end: DeskEnd) -> bool:
    log = end.line.line.setup.incoming_log
    record = end.journal.entry(log, end.journal.size(log) - 1)
    assert record is not None
    return record.released


@pytest.mark.slow
def test_an_officer_added_later_is_known_to_the_peer_from_the_next_entry_on_and_after_its_restart(pair: DeskPair) -> None:
    key = add_officer(pair.a, "Tokyo", 7)
    pair.a.desk.compose(pair.a.line, released_by(pair.a, key, 7, "at once"))
    pair.advance(2)
    assert last_released(pair.b)
    pair.b.restart()
    pair.cut()
    pair.a.links.clear()
    pair.join()
    pair.a.desk.compose(pair.a.line, released_by(pair.a, key, 7, "later"))
    pair.advance(10)
    assert pair.b.line.line.incoming.edge.size == pair.a.line.line.outgoing.edge.size
    assert last_released(pair.b)


def test_a_roster_that_another_identity_signed_makes_no_officers(pair: DeskPair) -> None:
    key = Ed25519Key(bytes([8]) * 32)
    roster = with_officer(pair.a.desk.facts.roster, Officer(8, 0, key.public, "duty", None, START - 9, START + 86400))
    content = sign_roster_change(party("Beijing").identity, LINE, roster)
    pair.a.desk.compose(pair.a.line, Draft(EntryType.ROSTER, content, released=True))
    pair.a.desk.compose(pair.a.line, released_by(pair.a, key, 8, "forged"))
    pair.advance(2)
    assert not last_released(pair.b)
    assert pair.b.line.line.setup.peer_roster.version == 1


def test_an_acknowledgement_of_one_entry_that_refers_to_another_lifts_neither(pair: DeskPair) -> None:
    first, second = (pair.a.desk.compose(pair.a.line, draft(text)) for text in ("read", "not read"))
    pair.advance(2)
    leaf = Leaf.decode(first.leaf)
    content = Response(EntryType.ACKNOWLEDGE, 1, 1, leaf.index, leaf.commitment, "en").encode()
    nonce = b"a nonce, 16 byte"
    challenge = assertion_challenge("acknowledge", LINE, pair.b.desk.facts.identity.id, nonce, Body(content).digest)
    signed = (sign_assertion(1, party("Beijing").officers[0], challenge).to_value(),)
    pair.b.desk.compose(pair.b.line, Draft(EntryType.ACKNOWLEDGE, content, nonce, signed, second.index, released=True))
    pair.advance(2)
    view = LineView(pair.a.desk, pair.a.line.record)
    assert "acknowledged" not in view.rungs(second)
    assert "acknowledged" not in view.rungs(first)
    pair.b.desk.compose(
        pair.b.line, Draft(EntryType.ACKNOWLEDGE, content, b"another one, too", signed, first.index, released=True)
    )
    pair.advance(2)
    assert "acknowledged" not in view.rungs(first), "the nonce is not the one that was signed"


def test_a_second_link_takes_over_from_one_that_closed_while_it_was_congested(pair: DeskPair) -> None:
    first = pair.joined
    pair.join()
    pair.advance(1)
    assert first is not None
    pair.a.line.line.outgoing.flowing = False
    first[0].cut()
    pair.advance(1)
    pair.a.desk.compose(pair.a.line, draft("over the second link"))
    pair.advance(3)
    assert texts(pair.b) == ["over the second link"]


def test_an_address_that_the_peer_still_has_keeps_its_state_when_another_is_added(pair: DeskPair) -> None:
    [route] = pair.b.line.routes.values()
    route.outcome, route.linked = "connected", True
    pair.a.journal.put_document("own-routes", "self", encode([["direct", route.address], ["direct", "192.0.2.9:7400"]]), False)
    pair.a.desk.announce_routes()
    pair.advance(1)
    assert list(pair.b.line.routes) == [route.address, "192.0.2.9:7400"]
    assert pair.b.line.routes[route.address] is route
