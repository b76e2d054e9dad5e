"""A line that is alive goes from one secret to the next, and loses nothing on the way (rule 5)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.desk.desk_pair import DeskEnd, DeskPair
from tests.line_pair import Party, party
from watchline.core.entries import Body, EntryType, Notice, Precedence
from watchline.core.epochs import outer_key
from watchline.core.frames import FrameKey
from watchline.core.line_secrets import LineSecrets
from watchline.core.outgoing import Draft
from watchline.core.pairing import Pairing
from watchline.core.renewal import (
    BegunRenewal,
    RenewalLine,
    answer_renewal,
    ask_renewal,
    complete_renewal,
    take_renewal,
)
from watchline.desk.relays import boxes_of
from watchline.desk.renewals import doors
from watchline.errors import BadSignature, WrongParty
from watchline.routes.memory import MemoryLink


@dataclass
class People:
    """Those at one desk who carry files: what they keep between two of them."""

    end: DeskEnd
    party: Party
    begun: BegunRenewal | None = None

    @property
    def at(self) -> RenewalLine:
        pairing = self.pairing
        return RenewalLine(pairing.line, self.party.identity.identity, pairing.peer, pairing.secrets)

    @property
    def pairing(self) -> Pairing:
        """As it is on the disk."""
        [row] = self.end.journal.lines()
        return Pairing.decode(row.pairing)

    @property
    def secrets(self) -> LineSecrets:
        return self.pairing.secrets

    def put(self, secrets: LineSecrets) -> None:
        [row] = self.end.journal.lines()
        self.end.desk.renewals.put(row, Pairing.decode(row.pairing).with_secrets(secrets))

    def ask(self) -> bytes:
        file1, self.begun = ask_renewal(self.at, self.party.identity, os.urandom)
        return file1

    def answer(self, file1: bytes) -> bytes:
        file2, self.begun = answer_renewal(self.at, self.begun, file1, self.party.identity, os.urandom)
        return file2

    def complete(self, file2: bytes) -> bytes:
        assert self.begun is not None
        file3, renewed = complete_renewal(self.at, self.begun, file2, self.party.identity, os.urandom)
        self.put(self.secrets.offered(renewed.secret, file3))
        return file3

    def take(self, file3: bytes) -> None:
        assert self.begun is not None
        self.put(self.secrets.taken(take_renewal(self.at, self.begun, file3).secret))

    def say(self, text: str) -> None:
        notice = Notice("free-text", 1, Precedence.ROUTINE, False, "en", {1: text})
        self.end.desk.compose(self.end.line, Draft(EntryType.NOTICE, notice.encode()))

    def heard(self) -> list[str]:
        """What the other desk said, in order, from the journal."""
        log = self.end.line.line.setup.incoming_log
        entries = self.end.journal.entries(log, 0, self.end.journal.size(log))
        return [
            str(Notice.decode(Body.decode(entry.body).content).fields.get(1))
            for entry in entries
            if entry.type == EntryType.NOTICE
        ]


@dataclass
class Two:
    """Both desks and their people."""

    pair: DeskPair
    tokyo: People
    beijing: People

    def offer(self) -> bytes:
        """Tokyo asks, Beijing answers, Tokyo makes file 3."""
        return self.tokyo.complete(self.beijing.answer(self.tokyo.ask()))

    def renew(self) -> None:
        self.beijing.take(self.offer())
        self.pair.advance(130)

    @property
    def both(self) -> tuple[People, People]:
        return self.tokyo, self.beijing

    def assert_changed(self, renewals: int = 1) -> None:
        """Both speak under one secret, hold no other, and what they said has come."""
        tokyo, beijing = self.tokyo.secrets, self.beijing.secrets
        assert tokyo.all == beijing.all == (tokyo.spoken,)
        assert tokyo.renewals == beijing.renewals == renewals


def two(pair: DeskPair) -> Two:
    return Two(pair, People(pair.a, party("Tokyo")), People(pair.b, party("Beijing")))


@pytest.fixture
def desks(tmp_path: Path) -> Callable[[], Two]:
    def make() -> Two:
        pair = DeskPair(tmp_path)
        pair.join()
        pair.advance(10)
        return two(pair)

    return make


@pytest.mark.slow
def test_line_goes_on_under_the_new_secret_and_forgets_the_old(desks: Callable[[], Two]) -> None:
    made = desks()
    old = made.tokyo.secrets.spoken
    made.tokyo.say("before")
    made.renew()
    made.tokyo.say("after")
    made.beijing.say("heard")
    made.pair.advance(5)

    made.assert_changed()
    assert made.beijing.heard() == ["before", "after"]
    assert made.tokyo.heard() == ["heard"]
    assert made.tokyo.secrets.spoken != old
    for people in made.both:
        people.end.journal.compact()
        assert people.secrets.file3 is None
        people.end.restart()
        assert people.end.line.line.setup.secrets == people.secrets


@pytest.mark.slow
def test_desk_that_made_file_3_speaks_under_the_old_secret_until_it_hears_the_new(desks: Callable[[], Two]) -> None:
    made = desks()
    old = made.tokyo.secrets.spoken
    file3 = made.offer()
    made.tokyo.say("file 3 is on its way")
    made.pair.advance(130)
    assert (made.tokyo.secrets.spoken, made.beijing.secrets.all) == (old, (old,))
    assert made.beijing.heard() == ["file 3 is on its way"]

    made.beijing.take(file3)
    made.pair.advance(130)
    made.assert_changed()


@pytest.mark.slow
def test_lost_file_3_costs_nothing_and_another_renewal_may_begin_at_either_desk(desks: Callable[[], Two]) -> None:
    made = desks()
    lost = made.offer()
    made.renew()
    made.assert_changed()
    with pytest.raises(WrongParty):
        made.beijing.take(lost)

    made.offer()
    made.tokyo.take(made.beijing.complete(made.tokyo.answer(made.beijing.ask())))
    made.pair.advance(130)
    made.assert_changed(2)


@pytest.mark.slow
def test_file_3_that_was_taken_while_the_line_was_cut_is_followed_when_it_is_back(desks: Callable[[], Two]) -> None:
    made = desks()
    file3 = made.offer()
    made.pair.cut()
    made.beijing.take(file3)
    made.tokyo.say("into the dark")
    made.pair.advance(600)
    for people in made.both:
        people.end.restart()
    made.pair.join()
    made.pair.advance(130)

    made.assert_changed()
    assert made.beijing.heard() == ["into the dark"]


def _overhear(link: MemoryLink, taken: list[bytes]) -> None:
    """Keep every frame that is put on this link."""
    send = link.send

    def overheard(frames: Sequence[bytes]) -> None:
        taken.extend(frames)
        send(frames)

    link.send = overheard  # type: ignore[method-assign]


@pytest.mark.slow
def test_thief_of_the_old_secret_opens_no_frame_that_is_sent_under_the_new(desks: Callable[[], Two]) -> None:
    made = desks()
    old = made.tokyo.secrets.spoken
    made.renew()
    taken: list[bytes] = []
    assert made.pair.joined is not None
    for link in made.pair.joined:
        _overhear(link, taken)
    made.tokyo.say("what the thief must not see")
    made.beijing.say("nor this")
    made.pair.advance(70)

    assert len(taken) > 4
    ids = [people.party.identity.identity.id for people in made.both]
    keys = [FrameKey(outer_key(old, *pair)) for pair in (ids, ids[::-1])]
    for frame in taken:
        for key in keys:
            with pytest.raises(BadSignature):
                key.open(frame)


@pytest.mark.slow
def test_frame_under_the_old_secret_is_junk_once_it_is_forgotten(desks: Callable[[], Two]) -> None:
    made = desks()
    old = made.tokyo.secrets.spoken
    made.renew()
    line = made.pair.b.line.line
    junk = line.junk
    ids = [people.party.identity.identity.id for people in made.both]
    frame = FrameKey(outer_key(old, *ids)).seal([], bytes(12))
    line.receive(frame, made.pair.scheduler.moment())
    assert line.junk == junk + 1


@pytest.mark.slow
def test_thief_of_the_old_secret_cannot_drive_the_change_over(desks: Callable[[], Two]) -> None:
    made = desks()
    old = made.tokyo.secrets.spoken
    file3 = made.offer()
    made.pair.cut()
    made.beijing.take(file3)
    made.pair.advance(5)
    ids = [people.party.identity.identity.id for people in made.both]
    for people, key in zip(made.both, (outer_key(old, ids[1], ids[0]), outer_key(old, ids[0], ids[1])), strict=True):
        before = people.secrets
        people.end.line.line.receive(FrameKey(key).seal([], bytes(12)), made.pair.scheduler.moment())
        people.end.desk.touch(people.end.line, now=True)
        made.pair.advance(5)
        assert people.secrets == before


@pytest.mark.slow
def test_doors_and_boxes_change_with_the_secret_and_both_are_open_on_the_way(desks: Callable[[], Two]) -> None:
    made = desks()
    tokyo, beijing = made.pair.a.line, made.pair.b.line
    first, boxes = list(doors(tokyo)), boxes_of(tokyo)
    file3 = made.offer()
    assert next(iter(doors(tokyo))) == first[0]
    made.beijing.take(file3)
    assert set(doors(tokyo)) == set(doors(beijing))
    assert len(doors(tokyo)) == 2
    made.pair.advance(130)
    assert list(doors(tokyo)) == list(doors(beijing)) != first
    assert boxes_of(tokyo) != boxes
    assert (boxes_of(tokyo).sends, boxes_of(tokyo).takes) == (boxes_of(beijing).takes, boxes_of(beijing).sends)


def test_line_goes_through_the_boxes_of_what_it_speaks_under_where_a_link_to_them_stands(desks: Callable[[], Two]) -> None:
    pair = desks().pair
    assert pair.joined is not None
    direct, line = pair.joined[0], pair.a.line
    old, new = (MemoryLink(pair.route, pair.a, bytes(32), f"relay-{name}", outbound=True, kind="nats") for name in "ab")
    line.links, line.standby = [old], [old]
    assert line.link is old
    line.links = [old, new]
    assert line.link is new
    line.links = [old, new, direct]
    assert line.link is direct
    line.standby = []


@pytest.mark.slow
def test_next_epoch_goes_by_the_new_secret_and_both_agree(desks: Callable[[], Two]) -> None:
    made = desks()
    made.renew()
    epoch = made.pair.a.line.line.outgoing.chain.epoch
    for number in range(120):
        made.tokyo.say(f"notice {number}")
    made.pair.advance(10)
    made.tokyo.say("under another epoch")
    made.pair.advance(5)
    assert made.pair.a.line.line.outgoing.chain.epoch > epoch
    assert made.beijing.heard()[-1] == "under another epoch"


@pytest.mark.slow
def test_renewal_while_an_epoch_is_under_way_waits_for_it(desks: Callable[[], Two]) -> None:
    made = desks()
    made.beijing.say("in the epoch that was ready")
    made.pair.advance(5)
    file3 = made.offer()
    made.pair.cut()
    line = made.pair.b.line.line
    assert line.outgoing.next_chain is None
    line.outgoing.prepare_epoch(made.pair.scheduler.moment())
    made.pair.b.desk.touch(made.pair.b.line)
    made.pair.advance(1)
    made.beijing.take(file3)
    made.pair.advance(60)
    assert made.beijing.secrets.known
    assert made.beijing.secrets.renewals == 0

    made.pair.join()
    made.pair.advance(130)
    made.beijing.say("under the epoch that waited")
    made.pair.advance(5)
    made.assert_changed()
    assert made.tokyo.heard() == ["in the epoch that was ready", "under the epoch that waited"]
    assert line.outgoing.chain.epoch == made.pair.a.line.line.incoming.epoch == 3


@pytest.mark.slow
def test_epoch_that_the_asker_opened_under_the_old_secret_is_followed_by_a_desk_that_has_changed(
    desks: Callable[[], Two],
) -> None:
    made = desks()
    made.tokyo.say("in the epoch that was ready")
    made.pair.advance(5)
    file3 = made.offer()
    made.pair.cut()
    line = made.pair.a.line.line
    line.outgoing.prepare_epoch(made.pair.scheduler.moment())
    made.pair.a.desk.touch(made.pair.a.line)
    made.beijing.take(file3)
    made.pair.advance(60)
    assert made.beijing.secrets.renewals == 1
    assert made.tokyo.secrets.renewals == 0

    made.pair.join()
    made.pair.advance(130)
    made.tokyo.say("under the epoch of the old secret")
    made.pair.advance(5)
    made.assert_changed()
    assert made.beijing.heard() == ["in the epoch that was ready", "under the epoch of the old secret"]


@pytest.mark.slow
def test_desk_that_goes_on_from_a_copy_finds_the_other_whatever_became_of_file_3(desks: Callable[[], Two]) -> None:
    made = desks()
    file3 = made.offer()
    tokyo = made.tokyo.secrets.restored()
    assert made.tokyo.secrets.file3 == file3 == tokyo.file3
    made.tokyo.put(tokyo)
    made.tokyo.say("from the copy")
    made.pair.advance(130)
    assert made.beijing.heard() == []
    made.beijing.take(file3)
    made.pair.advance(130)
    made.assert_changed()
    assert made.beijing.heard() == ["from the copy"]


STEPS = st.sampled_from(
    [
        "say a",
        "say b",
        "ask",
        "answer",
        "complete",
        "take",
        "wait",
        "moment",
        "kill a",
        "kill b",
        "cut",
        "join",
        "epoch a",
        "epoch b",
    ]
)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=5, max_size=40))
def test_nothing_is_lost_however_sends_files_crashes_and_cuts_fall_into_the_change_over(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    pair = DeskPair(tmp_path_factory.mktemp("desks"))
    try:
        made = two(pair)
        pair.join()
        pair.advance(10)
        _play(made, steps)
    finally:
        pair.close()


def _play(made: Two, steps: list[str]) -> None:
    pair = made.pair
    said: dict[str, list[str]] = {"a": [], "b": []}
    people = {"a": made.tokyo, "b": made.beijing}
    files: dict[str, bytes] = {}
    for number, step in enumerate(steps):
        word, _, side = step.partition(" ")
        if word == "say":
            people[side].say(f"{side} {number}")
            people[side].end.desk.flush()
            said[side].append(f"{side} {number}")
        elif word == "kill":
            people[side].end.restart()
            pair.cut()
            pair.join()
        elif word == "cut":
            pair.cut()
        elif word == "join" and pair.joined is None:
            pair.join()
        elif word in ("wait", "moment"):
            pair.advance(90 if word == "wait" else 0.002)
        elif word == "epoch":
            line = people[side].end.line.line
            if line.outgoing.next_statement is None and line.outgoing.next_chain is None and line.outgoing.prekeys:
                line.outgoing.prepare_epoch(people[side].end.scheduler.moment())
                people[side].end.desk.touch(people[side].end.line)
        else:
            _carry(made, word, files)
    if pair.joined is None:
        pair.join()
    pair.advance(200)
    for one, other in ("ab", "ba"):
        assert people[other].heard() == said[one]
    tokyo, beijing = made.tokyo.secrets, made.beijing.secrets
    assert tokyo.spoken == beijing.spoken
    assert not tokyo.is_changing
    assert not beijing.is_changing


def _carry(made: Two, step: str, files: dict[str, bytes]) -> None:
    """One step of the people, where it is theirs to make; each file is new, so that the one before is worthless."""
    if step == "ask" and not (made.tokyo.secrets.is_changing or made.beijing.secrets.is_changing):
        files.clear()
        files["1"] = made.tokyo.ask()
    elif step == "answer" and "1" in files:
        files["2"] = made.beijing.answer(files.pop("1"))
    elif step == "complete" and "2" in files:
        files["3"] = made.tokyo.complete(files.pop("2"))
    elif step == "take" and "3" in files:
        made.beijing.take(files.pop("3"))


def test_secrets_of_a_line_are_not_shown_with_what_is_known_of_it(desks: Callable[[], Two]) -> None:
    made = desks()
    made.offer()
    shown = repr(made.pair.a.line.line.setup) + repr(made.tokyo.pairing)
    assert len(made.tokyo.secrets.all) == 2
    assert not any(repr(secret) in shown or secret.hex() in shown for secret in made.tokyo.secrets.all)
