"""What an attacker cannot do to a line: a thief of the pairing secret, a relay, a dishonest desk, an old backup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dishonest import Forged, carry, forge, goes_on, notice_body, only, sign_head, state, status_of
from tests.line_pair import LinePair, Side, joined
from watchline.core.allowance import PERIOD_SECONDS
from watchline.core.checkpoint import Checkpoint
from watchline.core.encoding import decode, encode
from watchline.core.entries import EntryType, Notice, Precedence
from watchline.core.frames import (
    Entries,
    FrameKey,
    FullEntry,
    Item,
    OfferedCertificate,
    Probe,
    Receipt,
    Refusal,
    ShownCheckpoint,
    Stated,
    WireEntry,
)
from watchline.core.gate import CHECKS
from watchline.core.keys import verify_ed25519
from watchline.core.limits import EARLY_ENTRIES_MAX, INTEGER_MAX
from watchline.core.line import Phase
from watchline.core.merkle import Edge
from watchline.core.probes import ANSWERS
from watchline.core.statements import StatementType, read_statement

ENTRIES_AND_QUESTIONS = (Entries, FullEntry, Refusal, Receipt)


@pytest.fixture
def pair() -> Iterator[LinePair]:
    with joined() as made:
        yield made


# --- a thief of the pairing secret


def test_stolen_pairing_secret_makes_no_entry(pair: LinePair) -> None:
    before = pair.b.line.incoming.edge
    forged = forge(pair.a, notice_body("forged"))
    junk = bytes(64)
    pair.b.hear(replace(forged.entries(), signature=junk), by=pair.a)
    asked = only(Refusal, pair.b.sent())
    assert (asked.rule, asked.at) == (22, before.size)
    pair.b.hear(replace(forged.full(), signature=junk), by=pair.a)
    assert pair.b.line.incoming.edge == before
    assert goes_on(pair)


def test_genuine_leaf_and_signature_with_junk_ciphertext_is_junk_until_the_genuine_one_comes(pair: LinePair) -> None:
    size = pair.b.line.incoming.edge.size
    pair.a.say("genuine")
    pair.a.turn()
    genuine = only(Entries, pair.a.sent())
    pair.a.out.clear()
    wire = replace(genuine.entries[0], sealed=bytes(len(genuine.entries[0].sealed)))
    pair.b.hear(replace(genuine, entries=(wire,)), by=pair.a)
    pair.a.hear(only(Refusal, pair.b.sent()), by=pair.b)
    full = only(FullEntry, pair.a.sent())
    pair.b.hear(replace(full, sealed=bytes(len(full.sealed))), by=pair.a)
    pair.b.hear(replace(full, sealed=b""), by=pair.a)
    pair.b.hear(replace(full, epoch=INTEGER_MAX), by=pair.a)
    assert pair.b.line.incoming.edge.size == size
    pair.b.hear(full, by=pair.a)
    assert pair.b.line.incoming.edge.size == size + 1
    assert goes_on(pair)


def test_full_form_that_nobody_asked_for_costs_no_signature_check(pair: LinePair) -> None:
    forged = forge(pair.a, notice_body("unasked"))
    pair.b.hear(forged.full(), by=pair.a)
    assert pair.b.line.incoming.edge.size == forged.leaf.index
    assert pair.b.line.incoming.dropped == 1


def test_checkpoint_shown_under_another_key_or_of_our_own_log_stops_nothing(pair: LinePair) -> None:
    pair.a.say("one")
    pair.settle()
    size, root = 10_000, bytes(32)
    pair.a.hear(ShownCheckpoint(1, 1, size, root, sign_head(pair.b, size, root)), by=pair.b)
    known = pair.a.journal.latest_checkpoint(pair.a.setup.outgoing_log)
    assert known is not None
    pair.a.hear(ShownCheckpoint(1, 1, known.size, known.root, known.signature), by=pair.b)
    assert goes_on(pair)


def test_requests_for_full_forms_are_answered_twice_a_second_at_most(pair: LinePair) -> None:
    pair.a.say("long" * 1000)
    pair.settle()
    pair.a.hear(*[Refusal(22, 1, 1)] * 60, by=pair.b)
    pair.a.hear(*[Refusal(22, 1, 1)] * 60, by=pair.b)
    assert sum(isinstance(item, FullEntry) for item in pair.a.sent()) == 1


def test_refusals_make_one_alarm_an_hour_and_hide_no_other(pair: LinePair) -> None:
    for _ in range(50):
        pair.a.hear(Refusal(8, 1, 1), Refusal(39, 1, 1), by=pair.b)
    assert [alarm.kind for alarm in pair.a.alarms()] == ["refused"]
    omitted = replace(status_of(pair, pair.b), left_out=1)
    pair.a.hear(state(StatementType.STATUS, pair.b, *omitted.values()), by=pair.b)
    assert [alarm.kind for alarm in pair.a.alarms()] == ["refused", "contradiction"]
    pair.clock.advance(3601)
    pair.a.hear(Refusal(8, 1, 1), by=pair.b)
    assert [alarm.kind for alarm in pair.a.alarms()] == ["refused", "contradiction", "refused"]
    assert pair.a.line.phase is Phase.OPEN


def test_probes_are_answered_a_bounded_number_of_times_a_second(pair: LinePair) -> None:
    for _ in range(3):
        pair.a.line.receive(pair.b.seal(*[Probe(n, None, 0) for n in range(60)]), pair.a.clock.moment())
        pair.a.turn()
    assert sum(isinstance(item, Probe) for item in pair.a.sent()) == ANSWERS


NUMBERS = st.sampled_from([0, 1, 2, 3, 7, 22, 26, 37, 1000, INTEGER_MAX])
OCTETS = st.binary(max_size=40)
HASHES = st.sampled_from([bytes(32), bytes(31) + b"\1"])
SIGNATURES = st.sampled_from([bytes(64), bytes(63) + b"\1"])
MAYBE = st.none() | NUMBERS
JUNK_ITEMS = st.one_of(
    st.builds(Probe, MAYBE, MAYBE, NUMBERS),
    st.builds(
        Entries,
        st.sampled_from([1, 2]),
        st.sampled_from([1, 2]),
        st.integers(1, 4),
        st.integers(0, 6) | NUMBERS,
        st.lists(st.builds(WireEntry, NUMBERS, NUMBERS, HASHES, NUMBERS, MAYBE, OCTETS), min_size=1, max_size=3).map(tuple),
        SIGNATURES,
    ),
    st.builds(Receipt, st.sampled_from([1, 2]), st.sampled_from([1, 2]), st.integers(1, 9), NUMBERS, SIGNATURES),
    st.builds(Stated, OCTETS | st.lists(NUMBERS | HASHES, max_size=20).map(encode), SIGNATURES, st.none() | OCTETS),
    st.builds(
        lambda kind, rest: Stated(encode([kind, 1, 1, *rest]), bytes(64), bytes(2420)),
        st.integers(0, 5),
        st.lists(NUMBERS | HASHES | st.none() | st.lists(NUMBERS, max_size=3), max_size=15),
    ),
    st.builds(FullEntry, NUMBERS.filter(bool), OCTETS, OCTETS, HASHES, SIGNATURES),
    st.builds(Refusal, NUMBERS, st.sampled_from([1, 2]), NUMBERS),
    st.builds(ShownCheckpoint, st.sampled_from([1, 2]), st.sampled_from([1, 2]), NUMBERS, HASHES, SIGNATURES),
    st.builds(OfferedCertificate, OCTETS),
)


def well_formed_junk(pair: LinePair) -> list[list[Item]]:
    """What would stop the line, or be taken, if the peer had signed it."""
    status, forged = status_of(pair, pair.a), forge(pair.a, notice_body("by a thief"))
    claims = [
        replace(status, size=1, root=bytes(32)),
        replace(status, size=status.size + 1, root=bytes(32)),
        replace(status, held_size=status.held_size + 1),
        replace(status, left_out=status.left_out + 1),
    ]
    said = [state(StatementType.STATUS, pair.a, *claim.values()) for claim in claims]
    other = replace(forged.leaf, index=0, peer_size=0, peer_root=Edge.EMPTY.root())
    known = replace(forged.entries(), start=0, signature=bytes(64))
    unsigned: list[list[Item]] = [[replace(each, ed=bytes(64), ml=bytes(2420))] for each in said]
    return [
        *unsigned,
        [known, replace(forged.full(), leaf=other.encode(), root=bytes(32), signature=bytes(64))],
        [replace(forged.entries(), signature=bytes(64)), replace(forged.full(), signature=bytes(64))],
        [ShownCheckpoint(1, 1, 10_000, bytes(32), bytes(64))],
    ]


@pytest.mark.slow
def test_stolen_pairing_secret_stops_no_line() -> None:
    """Whatever is put under a good outer tag without the peer's signatures is counted and dropped, in any phase."""
    with joined() as pair:
        pair.a.say("one")
        pair.settle()

        @settings(max_examples=80, database=None)
        @given(st.lists(JUNK_ITEMS, min_size=1, max_size=6), st.integers(0, 3), st.booleans())
        def offer(items: list[Item], composed: int, restart: bool) -> None:
            if restart:
                pair.b.restart(connected=True)
            for _ in range(composed):
                pair.b.say("not yet durable")
            pair.clock.advance(0.7)
            edge, received = pair.b.line.incoming.edge, pair.b.line.outgoing.received
            pair.b.hear(*items, by=pair.a)
            assert (pair.b.line.incoming.edge, pair.b.line.outgoing.received) == (edge, received)
            assert pair.b.line.phase is not Phase.STOPPED
            assert {alarm.kind for alarm in pair.b.alarms()} <= {"refused"}
            pair.b.out.clear()

        offer()
        for items in well_formed_junk(pair):
            pair.clock.advance(2)
            before = pair.b.line.incoming.edge, pair.b.line.outgoing.received
            pair.b.hear(*items, by=pair.a)
            assert (pair.b.line.incoming.edge, pair.b.line.outgoing.received) == before
            assert pair.b.line.phase is not Phase.STOPPED
            assert {alarm.kind for alarm in pair.b.alarms()} <= {"refused"}
            pair.b.out.clear()
        pair.connect()
        pair.settle(seconds=70)
        pair.a.say("two")
        pair.settle()
        assert pair.b.texts() == ["one", "two"]


def test_full_entry_at_the_largest_index_is_dropped(pair: LinePair) -> None:
    leaf = replace(forge(pair.a, notice_body("far")).leaf, index=INTEGER_MAX)
    pair.b.hear(FullEntry(2, leaf.encode(), bytes(40), bytes(32), bytes(64)), by=pair.a)
    assert goes_on(pair)


@pytest.mark.slow
def test_buffer_for_early_entries_is_bounded_and_keeps_the_lowest(pair: LinePair) -> None:
    start = pair.b.line.incoming.edge.size
    forged = forge(pair.a, notice_body("early")).entries()
    for n in reversed(range(1, 2 * EARLY_ENTRIES_MAX)):
        pair.clock.advance(PERIOD_SECONDS)  # no more than an honest peer would bring
        pair.b.line.receive(pair.a.seal(replace(forged, start=start + n)), pair.b.clock.moment())
    early = pair.b.line.incoming._early
    assert sorted(early) == list(range(start + 1, start + 1 + EARLY_ENTRIES_MAX))
    large = replace(forged, entries=(replace(forged.entries[0], sealed=bytes(65_000)),))
    for n in range(1, 120):
        pair.clock.advance(PERIOD_SECONDS)
        pair.b.line.receive(pair.a.seal(replace(large, start=start + n)), pair.b.clock.moment())
    assert sum(len(entry.sealed) for item in early.values() for entry in item.entries) <= 4 * 1024 * 1024
    assert goes_on(pair)


def test_frame_of_another_version_is_refused_once_a_second(pair: LinePair) -> None:
    cipher = FrameKey(pair.a.setup.outer_keys()[0])._cipher
    frame = bytes(12) + cipher.encrypt(bytes(12), encode([2, [0, 1, None, 0]]) + b"\x80", None)
    for _ in range(5):
        pair.b.line.receive(frame, pair.b.clock.moment())
    pair.b.turn()
    assert [item.rule for item in pair.b.sent() if isinstance(item, Refusal)] == [37]
    pair.b.out.clear()
    assert [alarm.rule for alarm in pair.b.alarms()] == [37]
    pair.a.say("still here")
    pair.settle()
    assert pair.b.texts() == ["still here"]


# --- a relay


def script(pair: LinePair, heard: dict[str, list[bytes]]) -> None:
    """Some minutes of a line's life, of which a relay keeps every frame."""

    def carry_all() -> None:
        for _ in range(4):
            for side, other, name in ((pair.a, pair.b, "b"), (pair.b, pair.a, "a")):
                side.line.tick(side.clock.moment())
                side.turn()
                frames, side.out[:] = list(side.out), []
                heard[name] += frames
                for frame in frames:
                    other.line.receive(frame, other.clock.moment())
                other.turn()
        pair.clock.advance(31)

    for n in range(4):
        carry_all()
        notice = pair.a.notice(Notice("airspace-object", 1, Precedence.FLASH, False, "en", {1: f"question {n}"}))
        carry_all()
        pair.b.acknowledge(notice)
        carry_all()
        pair.b.say(f"answer {n}", re=notice.index)
        if n == 2:
            pair.a.cancel(notice.index)
        carry_all()
    carry_all()


@pytest.mark.slow
@pytest.mark.parametrize("restarted", [False, True])
def test_relay_that_holds_a_status_back_and_repeats_old_ones_never_stops_a_line(restarted: bool) -> None:
    heard: dict[str, list[bytes]] = {"a": [], "b": []}
    with joined() as pair:
        pair.a.line.connected(pair.a.clock.moment())
        script(pair, heard)
        for side in (pair.a, pair.b):
            if restarted:
                side.restart(connected=True)
                side.turn()
        for side, name in ((pair.a, "a"), (pair.b, "b")):
            for frame in [*heard[name], *reversed(heard[name])]:
                side.line.receive(frame, side.clock.moment())
                side.turn()
                side.out.clear()
                assert side.line.phase is not Phase.STOPPED
        assert pair.a.alarms() == pair.b.alarms() == []
        pair.connect()
        pair.settle()
        assert goes_on(pair)


def test_flood_of_old_statuses_does_not_crowd_out_the_one_that_opens_the_line() -> None:
    heard: dict[str, list[bytes]] = {"a": [], "b": []}
    with joined() as pair:
        script(pair, heard)
        old = [frame for frame in heard["a"] if any(isinstance(item, Stated) for item in opened(pair.b, frame))]
        assert len(old) > 2 * CHECKS
        pair.a.restart(connected=True)
        pair.a.turn()
        for frame in pair.a.out:
            pair.b.line.receive(frame, pair.b.clock.moment())
        pair.b.line.connected(pair.b.clock.moment())
        pair.b.turn()
        for frame in [*old, *pair.b.out]:
            pair.a.line.receive(frame, pair.a.clock.moment())
        pair.a.turn()
        assert pair.a.line.phase is Phase.OPEN


def opened(sender: Side, frame: bytes) -> list[Item]:
    return FrameKey(sender.setup.outer_keys()[0]).open(frame)


# --- a restored backup


def no_entry_left(items: list[Item]) -> bool:
    return not any(isinstance(item, Entries | FullEntry) for item in items)


def set_back(pair: LinePair, folder: Path) -> None:
    """A says three things, loses them to its last backup, and has something new to say."""
    pair.a.backup(folder / "backup.db")
    pair.connect()
    pair.settle()
    for n in range(3):
        pair.a.say(str(n))
    pair.settle()
    pair.a.restart_from(folder / "backup.db")
    pair.cut()
    pair.a.say("after the restore")


def test_restored_backup_is_detected_before_the_first_word(pair: LinePair, tmp_path: Path) -> None:
    set_back(pair, tmp_path)
    pair.connect()
    spoken: list[Item] = []
    for _ in range(200):
        spoken += pair.a.sent()
        pair.deliver()
        pair.clock.advance(0.5)
        for side in (pair.a, pair.b):
            side.line.tick(side.clock.moment())
            side.turn()
    assert no_entry_left(spoken)
    assert [(side.line.phase, side.alarms()[0].kind) for side in (pair.a, pair.b)] == [(Phase.STOPPED, "rollback")] * 2
    shown, size, root = decode(pair.a.alarms()[0].evidence)
    verify_ed25519(pair.a.party.keys.log.public, shown[2], Checkpoint(pair.a.line.outgoing.origin, *shown[:2]).text())
    assert (size, root) == (pair.a.line.outgoing.edge.size, pair.a.line.outgoing.edge.root())
    pair.a.restart(connected=True)
    assert pair.a.line.phase is Phase.STOPPED


@pytest.mark.slow
@pytest.mark.parametrize("lost", range(6))
def test_restored_backup_is_detected_before_the_first_word_when_the_network_loses_a_frame(lost: int, tmp_path: Path) -> None:
    with joined(lost) as pair:
        set_back(pair, tmp_path)
        pair.connect()
        spoken: list[Item] = []
        carried = 0
        for _ in range(300):
            spoken += pair.a.sent()
            for side, other in ((pair.a, pair.b), (pair.b, pair.a)):
                frames, side.out[:] = list(side.out), []
                for frame in frames:
                    if carried != lost:
                        other.line.receive(frame, other.clock.moment())
                    carried += 1
                other.turn()
            pair.clock.advance(0.5)
            for side in (pair.a, pair.b):
                side.line.tick(side.clock.moment())
                side.turn()
        assert carried > lost
        assert no_entry_left(spoken)
        assert pair.a.line.phase is Phase.STOPPED


def test_request_for_a_full_form_gets_no_entry_out_of_a_restored_backup(pair: LinePair, tmp_path: Path) -> None:
    set_back(pair, tmp_path)
    pair.a.turn()
    pair.a.line.connected(pair.a.clock.moment())
    pair.a.hear(Refusal(22, 1, pair.a.line.outgoing.edge.size - 1), by=pair.b)
    assert no_entry_left(pair.a.sent())


def test_peer_that_lost_what_it_receipted_stops_the_line(pair: LinePair, tmp_path: Path) -> None:
    pair.b.backup(tmp_path / "backup.db")
    pair.connect()
    pair.settle()
    pair.a.say("receipted")
    pair.settle()
    assert pair.a.line.outgoing.received == pair.a.line.outgoing.edge.size
    pair.b.restart_from(tmp_path / "backup.db")
    pair.cut()
    pair.connect()
    pair.settle()
    assert pair.a.line.phase is Phase.STOPPED
    alarm = pair.a.alarms()[0]
    assert (alarm.kind, alarm.rule) == ("rollback", 26)
    assert decode(alarm.evidence)[2][0] == pair.a.line.outgoing.received


def test_peer_that_lost_what_only_its_status_had_signed_stops_the_line(pair: LinePair, tmp_path: Path) -> None:
    pair.b.backup(tmp_path / "backup.db")
    pair.connect()
    pair.settle()
    pair.b.say("signed by a status, never delivered")
    pair.b.turn()
    pair.a.hear(only(Stated, pair.b.sent()), by=pair.b)
    pair.a.restart()
    pair.b.restart_from(tmp_path / "backup.db")
    pair.connect()
    pair.settle()
    assert pair.a.line.phase is Phase.STOPPED
    assert pair.a.alarms()[0].kind == "rollback"


def test_flood_of_junk_checkpoints_hides_no_rollback(pair: LinePair, tmp_path: Path) -> None:
    """What proves it is crowded out; that none was heard with a fresh status must not be taken for there being none."""
    set_back(pair, tmp_path)
    junk = [ShownCheckpoint(1, 1, 10_000, bytes(32), bytes(63) + bytes([n])) for n in range(CHECKS)]
    pair.connect()
    for flooded in (True, False):
        for _ in range(10):
            pair.clock.advance(1.5)
            for side, other in ((pair.a, pair.b), (pair.b, pair.a)):
                side.line.tick(side.clock.moment())
                side.turn()
                frames, side.out[:] = list(side.out), []
                for frame in [pair.b.seal(*junk), *frames] if flooded and other is pair.a else frames:
                    other.line.receive(frame, other.clock.moment())
                other.turn()
        assert pair.a.line.phase is (Phase.OPENING if flooded else Phase.STOPPED)
        assert not [alarm for alarm in pair.a.alarms() if alarm.kind == "contradiction"]


def test_two_stopped_lines_do_not_talk_without_end(pair: LinePair, tmp_path: Path) -> None:
    set_back(pair, tmp_path)
    pair.connect()
    pair.settle(seconds=60)
    assert pair.a.line.phase is pair.b.line.phase is Phase.STOPPED
    said = 0
    for _ in range(100):
        pair.clock.advance(PERIOD_SECONDS)
        for side in (pair.a, pair.b):
            side.line.tick(side.clock.moment())
            side.turn()
        said += pair.deliver()
    assert said <= 4  # in ten seconds


# --- a fork


def other_life(pair: LinePair, folder: Path) -> None:
    """A dishonest desk goes on from an old copy of its journal as if nothing had happened, and hides its statuses."""
    pair.a.backup(folder / "backup.db")
    pair.connect()
    pair.settle()
    pair.a.say("to one")
    pair.settle()
    pair.a.restart_from(folder / "backup.db")
    pair.a.line.phase = Phase.OPEN
    pair.a.line.reachable = True
    pair.a.say("to another")


def test_log_key_that_signs_two_entries_at_one_index_stops_the_line_with_both_checkpoints(
    pair: LinePair, tmp_path: Path
) -> None:
    other_life(pair, tmp_path)
    carry(pair, ENTRIES_AND_QUESTIONS, until=lambda: pair.b.line.phase is Phase.STOPPED)
    assert pair.b.line.phase is Phase.STOPPED
    (alarm,) = pair.b.alarms()
    assert (alarm.kind, alarm.rule) == ("fork", 22)
    offered, leaf, held, known, root = decode(alarm.evidence)
    for size, signed_root, signature in (offered, held):
        verify_ed25519(
            pair.a.party.keys.log.public, signature, Checkpoint(pair.b.line.incoming.origin, size, signed_root).text()
        )
    assert offered[0] == held[0]
    assert offered[1] != held[1] == root
    assert leaf != known
    assert pair.b.texts() == ["to one"]


def test_second_entry_at_one_index_without_its_signature_is_junk(pair: LinePair, tmp_path: Path) -> None:
    other_life(pair, tmp_path)
    pair.a.turn()
    entries = only(Entries, pair.a.sent())
    pair.b.hear(replace(entries, signature=bytes(64)), by=pair.a)
    asked = only(Refusal, pair.b.sent())
    pair.a.hear(asked, by=pair.b)
    full = only(FullEntry, pair.a.sent())
    pair.b.hear(replace(full, signature=bytes(64)), by=pair.a)
    assert pair.b.line.phase is Phase.OPEN
    assert pair.b.alarms() == []


def test_status_that_names_another_root_of_its_own_log_is_a_fork(pair: LinePair) -> None:
    pair.a.say("one")
    pair.settle()
    forked = replace(status_of(pair, pair.a), root=bytes(32))
    pair.b.hear(state(StatementType.STATUS, pair.a, *forked.values()), by=pair.a)
    assert pair.b.line.phase is Phase.STOPPED
    assert (pair.b.alarms()[0].kind, pair.b.alarms()[0].rule) == ("fork", 26)


@pytest.mark.slow
@pytest.mark.parametrize("restarted", [False, True])
def test_entries_that_lead_to_another_root_than_a_status_named_are_a_fork(pair: LinePair, restarted: bool) -> None:
    size = pair.a.line.outgoing.edge.size
    promised = replace(status_of(pair, pair.a), size=size + 1, root=bytes(32))
    pair.b.hear(state(StatementType.STATUS, pair.a, *promised.values()), by=pair.a)
    assert pair.b.alarms() == []
    if restarted:
        pair.b.restart(connected=True)
    pair.a.say("another")
    pair.a.turn()
    pair.b.hear(only(Entries, pair.a.sent()), by=pair.a)
    assert pair.b.line.phase is Phase.STOPPED
    assert pair.b.alarms()[0].kind == "fork"
    assert pair.b.line.incoming.edge.size == size


# --- a peer that breaks a rule in what it signs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        (8, lambda side: forge(side, notice_body("x"), commitment=bytes(32))),
        (39, lambda side: forge(side, b"no body")),
        (28, lambda side: forge(side, notice_body("x"), type=EntryType.CONTINUES)),
        (7, lambda side: forge(side, notice_body("x"), peer_size=0, peer_root=Edge.EMPTY.root())),
    ],
    ids=["commitment", "body", "second CONTINUES", "knows less than before"],
)
def test_signed_entry_that_breaks_a_rule_is_kept_as_evidence_and_stops_the_line(
    pair: LinePair, rule: int, broken: Callable[[Side], Forged]
) -> None:
    pair.a.say("one")
    pair.settle()
    pair.b.say("two")
    pair.settle()
    pair.a.say("knows of two")
    pair.settle()
    before = pair.b.line.incoming.edge
    forged = broken(pair.a)
    pair.b.hear(forged.entries(), by=pair.a)
    assert pair.b.line.phase is Phase.STOPPED
    assert pair.b.line.incoming.edge == before
    alarm = pair.b.alarms()[0]
    assert alarm.rule == rule
    head, leaves, index, *_ = decode(alarm.evidence)
    assert (head[1:], leaves, index) == ([forged.root, forged.signature], [forged.leaf.encode()], forged.leaf.index)
    sent = pair.b.sent()
    assert [item.rule for item in sent if isinstance(item, Refusal)] == [rule]
    assert not any(isinstance(item, Receipt) for item in sent)


def test_same_entry_without_the_signature_stops_nothing(pair: LinePair) -> None:
    forged = forge(pair.a, b"no body")
    pair.b.hear(replace(forged.entries(), signature=bytes(64)), by=pair.a)
    assert goes_on(pair)


def test_entry_that_names_a_head_of_ours_that_never_was_is_a_contradiction_and_the_line_goes_on(pair: LinePair) -> None:
    forged = forge(pair.a, notice_body("x"), peer_root=bytes(32))
    pair.b.hear(forged.entries(), by=pair.a)
    pair.b.hear(forged.full(), by=pair.a)
    assert pair.b.line.incoming.edge.size == forged.leaf.index + 1
    assert [alarm.kind for alarm in pair.b.alarms()] == ["contradiction"]
    assert pair.b.line.phase is Phase.OPEN


def test_peer_that_claims_more_of_our_log_and_cannot_show_it_is_contradicted_and_the_line_goes_on(pair: LinePair) -> None:
    pair.a.restart(connected=True)
    pair.a.turn()
    made = len(pair.a.line._freshness._made)
    for _ in range(2):
        claimed = replace(status_of(pair, pair.b), held_size=50, held_root=bytes(32))
        pair.a.hear(state(StatementType.STATUS, pair.b, *claimed.values()), by=pair.b)
        assert pair.a.line.phase is Phase.OPENING or made == 0
        made = 0
        pair.clock.advance(5)
        pair.a.line.tick(pair.a.clock.moment())
        pair.a.turn()
    assert [alarm.kind for alarm in pair.a.alarms()] == ["contradiction"]
    assert pair.a.line.phase is Phase.OPEN


def test_status_that_leaves_out_an_open_notice_is_a_contradiction_each_time_and_the_line_goes_on(pair: LinePair) -> None:
    pair.a.notice(Notice("airspace-object", 1, Precedence.FLASH, False, "en", {1: "?"}))
    pair.settle()
    for _ in range(2):
        honest = status_of(pair, pair.b)
        assert len(honest.open) == 2
        pair.a.hear(state(StatementType.STATUS, pair.b, *replace(honest, open=honest.open[:1]).values()), by=pair.b)
        pair.clock.advance(10)
        pair.settle()
    assert [alarm.kind for alarm in pair.a.alarms()] == ["contradiction"]
    told = [event for event in pair.a.events if type(event).__name__ == "AlarmRaised"]
    assert len(told) == 2
    payload, ed, ml = decode(pair.a.alarms()[0].evidence)
    assert read_statement(payload, ed, ml, pair.b.party.keys.public.statement).direction == pair.b.setup.outgoing
    pair.a.say("on")
    pair.settle()
    assert pair.b.texts()[-1] == "on"
