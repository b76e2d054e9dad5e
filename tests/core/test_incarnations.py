"""A new incarnation of either desk on a real pair of lines: what goes on, what is said again, what comes back, what not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.line_pair import LinePair, Side, joined, party
from watchline.core.entries import Body, Continues, EntryType, Notice, Precedence
from watchline.core.frames import OfferedCertificate, Recovered
from watchline.core.line import Phase
from watchline.core.records import EntryRecord, Log, Pair
from watchline.core.setting import EntriesRecovered, LateEntry
from watchline.errors import WrongParty


def leaf_zero(side: Side, *, own: bool) -> Continues:
    record = side.journal.entry(side.setup.outgoing_log if own else side.setup.incoming_log, 0)
    assert record is not None
    return Continues.decode(Body.decode(record.body).content)


def everything(side: Side, *, outgoing: bool = False) -> list[tuple[Pair, int, str]]:
    """(pair, number, text) of every notice in one direction, over all pairs, as this side holds them."""
    found = []
    for log in side.journal.logs(side.setup.line):
        if log.outgoing is outgoing:
            records = side.journal.entries(log, 0, side.journal.size(log))
            notices = (record for record in records if record.type == EntryType.NOTICE)
            found += [(log.pair, record.number or 0, text_of(record)) for record in notices]
    return found


def text_of(record: EntryRecord) -> str:
    return str(Notice.decode(Body.decode(record.body).content).fields[1])


def asking(text: str) -> Notice:
    return Notice("statement", 1, Precedence.FLASH, False, "en", {1: text})


def restored(pair: LinePair, backup: Path) -> None:
    """Tokyo comes back from an old copy of its journal, as a new incarnation."""
    pair.a.restart_from(backup)
    pair.a.reincarnate()
    pair.settle()


def test_new_incarnation_begins_both_logs_anew_and_the_line_goes_on() -> None:
    with joined("anew") as pair:
        pair.a.say("one")
        pair.settle()
        pair.a.reincarnate()
        pair.settle()
        assert (pair.a.setup.pair, pair.b.setup.pair) == (Pair(2, 1), Pair(1, 2))
        assert pair.a.line.phase is pair.b.line.phase is Phase.OPEN
        pair.a.say("two")
        pair.settle()
        assert everything(pair.b) == [(Pair(1, 1), 1, "one"), (Pair(1, 2), 2, "two")]
        assert not pair.a.alarms()
        assert not pair.b.alarms()


@pytest.mark.slow
def test_first_leaf_says_how_far_the_last_pair_came() -> None:
    with joined("leaf zero") as pair:
        pair.a.say("one")
        pair.b.say("other")
        pair.settle()
        sizes = pair.a.journal.size(pair.a.setup.outgoing_log), pair.a.journal.size(pair.a.setup.incoming_log)
        pair.a.reincarnate()
        pair.settle()
        own, heard = leaf_zero(pair.a, own=True), leaf_zero(pair.a, own=False)
        assert (own.old_pair, own.own_size, own.peer_size, own.last_number) == ((1, 1), *sizes, 1)
        assert (heard.old_pair, heard.own_size, heard.peer_size, heard.last_number) == ((1, 1), *sizes[::-1], 1)
        assert (own.own_root, own.peer_root) == (heard.peer_root, heard.own_root)


def test_new_incarnation_is_unconfirmed_until_two_people_of_each_desk_stand_for_it() -> None:
    with joined("confirm") as pair:
        pair.a.reincarnate()
        pair.settle()
        assert (pair.a.line.unconfirmed, pair.b.line.unconfirmed) == (("ours",), ("theirs",))
        pair.a.confirm("ours")
        pair.b.confirm("theirs")
        pair.settle()
        assert (pair.a.line.unconfirmed, pair.b.line.unconfirmed) == ((), ())
        for side in (pair.a, pair.b):
            side.restart(connected=True)
        pair.settle()
        assert (pair.a.line.unconfirmed, pair.b.line.unconfirmed) == ((), ())


def test_confirmation_of_another_incarnation_or_certificate_is_refused() -> None:
    with joined("confirm other") as pair:
        pair.a.reincarnate()
        pair.settle()
        setup = pair.b.setup
        for other in (party("Tokyo", 1), party("Tokyo", 3)):
            pair.b.setup = replace(setup, peer_certificate=other.certificate)
            with pytest.raises(WrongParty) as refused:
                pair.b.confirm("theirs")
            assert refused.value.rule == 29


def test_what_had_no_receipt_is_said_again_under_its_number_and_both_old_logs_become_whole() -> None:
    with joined("again") as pair:
        pair.a.say("received")
        pair.settle()
        pair.cut()
        pair.a.line.disconnected()
        pair.a.say("not yet received")
        pair.a.turn()
        pair.a.reincarnate()
        pair.connect()
        pair.settle()
        assert everything(pair.b) == [
            (Pair(1, 1), 1, "received"),
            (Pair(1, 1), 2, "not yet received"),
            (Pair(1, 2), 2, "not yet received"),
        ]
        last = pair.b.arrived[-1]
        assert last.released
        assert Body.decode(last.body).again == (1, 1, 2, 2, None)
        pair.a.say("next")
        pair.settle()
        assert everything(pair.b)[-1] == (Pair(1, 2), 3, "next")


def test_open_notice_is_said_again_on_a_new_clock_and_is_released_though_its_nonce_was_seen() -> None:
    with joined("open") as pair:
        pair.a.notice(asking("answer me"))
        pair.a.say("nothing to answer")
        pair.settle()
        pair.a.reincarnate()
        pair.settle()
        assert [text for at, _, text in everything(pair.b) if at == Pair(1, 2)] == ["answer me"]
        again = pair.b.arrived[-1]
        assert again.released
        assert pair.b.line.unacknowledged == 1
        pair.b.acknowledge(again)
        pair.settle()
        assert pair.b.line.unacknowledged == 0
        assert not pair.a.alarms()


def test_peer_says_again_only_after_its_people_have_confirmed() -> None:
    with joined("peer again") as pair:
        pair.b.notice(asking("from Beijing"))
        pair.settle()
        pair.a.reincarnate()
        pair.settle()
        log = pair.a.setup.incoming_log
        assert pair.a.journal.size(log) == 1
        pair.b.confirm()
        pair.settle()
        kinds = [record.type for record in pair.a.journal.entries(log, 0, 9)]
        assert kinds == [EntryType.CONTINUES, EntryType.CONFIRM, EntryType.NOTICE]
        pair.b.restart(connected=True)
        pair.settle()
        assert pair.a.journal.size(log) == 3


def test_acknowledgement_that_was_on_its_way_closes_the_notice_that_is_said_again() -> None:
    with joined("late acknowledgement") as pair:
        notice = pair.a.notice(asking("read me"))
        pair.settle()
        pair.cut()
        pair.b.acknowledge(pair.b.arrived[-1])
        pair.b.turn()
        pair.a.reincarnate()
        pair.connect()
        pair.settle()
        assert pair.b.line.unacknowledged == 1
        pair.b.confirm()
        pair.settle()
        assert pair.b.line.unacknowledged == 0
        heard = pair.a.arrived[-1]
        assert (heard.type, heard.released) == (EntryType.ACKNOWLEDGE, True)
        assert not pair.a.alarms()
        assert notice.number == 1


@pytest.mark.slow
def test_restored_backup_gets_back_what_it_lost_of_both_logs(tmp_path: Path) -> None:
    with joined("recovery") as pair:
        pair.a.say("before")
        pair.settle()
        pair.a.backup(tmp_path / "backup.db")
        pair.connect()
        pair.settle()
        for n in range(40):
            pair.a.say(f"mine {n} " + "x" * 4000)
            pair.b.say(f"yours {n} " + "y" * 4000)
        pair.settle(10)
        ours, theirs = everything(pair.a, outgoing=True), everything(pair.a)
        assert len(ours) == 41
        restored(pair, tmp_path / "backup.db")
        pair.settle(30)
        assert everything(pair.a, outgoing=True)[:41] == ours
        assert everything(pair.a)[:40] == theirs
        for log in pair.a.journal.logs(pair.a.setup.line):
            pair.a.journal.verify(log)
        assert not pair.a.alarms()
        recovered = [event for event in pair.a.events if isinstance(event, EntriesRecovered)]
        assert sum(len(event.records) for event in recovered) == 80
        assert all(record.released for event in recovered for record in event.records)


@pytest.mark.slow
def test_pair_that_only_our_own_lost_log_names_comes_back_too(tmp_path: Path) -> None:
    """Both desks were new at once, so the peer's first leaf does not name the pair in which we spoke alone (seed 503)."""
    with joined("own lost") as pair:
        pair.b.say("before")
        pair.settle()
        pair.b.backup(tmp_path / "backup.db")
        past = pair.b.setup
        pair.cut()
        pair.b.reincarnate()
        pair.b.say("alone")
        pair.b.turn()
        pair.b.out.clear()
        pair.a.reincarnate()
        pair.connect()
        pair.settle(30)
        assert (Pair(1, 2), 2, "alone") in everything(pair.a)
        newest, pair.b.setup = pair.b.setup, past
        pair.b.restart_from(tmp_path / "backup.db")
        pair.b.setup = newest
        pair.b.reincarnate()
        pair.settle(30)
        assert (Pair(2, 1), 2, "alone") in everything(pair.b, outgoing=True)


@pytest.mark.slow
def test_recovery_goes_on_after_a_restart_in_the_middle(tmp_path: Path) -> None:
    with joined("recovery restart") as pair:
        pair.a.backup(tmp_path / "backup.db")
        pair.connect()
        for n in range(60):
            pair.b.say(f"yours {n} " + "y" * 8000)
        pair.settle(10)
        theirs = everything(pair.a)
        pair.a.restart_from(tmp_path / "backup.db")
        pair.a.reincarnate()
        for _ in range(200):
            if 1 < pair.a.journal.size(Log(pair.a.setup.line, Pair(1, 1), False)) < 61:
                break
            for side in (pair.a, pair.b):
                side.line.tick(side.clock.moment())
                side.turn()
            pair.deliver()
            pair.clock.advance(0.2)
        assert len(everything(pair.a)) not in (0, 60)
        pair.a.restart(connected=True)
        pair.settle(30)
        assert everything(pair.a)[:60] == theirs


@pytest.mark.slow
def test_recovery_goes_on_in_the_next_pair_of_incarnations(tmp_path: Path) -> None:
    """The next pair began before all had come, and the process that lived on asked no more (seed 1137)."""
    with joined("recovery next pair") as pair:
        pair.a.backup(tmp_path / "backup.db")
        pair.connect()
        for n in range(60):
            pair.b.say(f"yours {n} " + "y" * 8000)
        pair.settle(10)
        theirs = everything(pair.a)
        pair.a.restart_from(tmp_path / "backup.db")
        pair.a.reincarnate()
        for _ in range(200):
            if pair.a.journal.size(pair.a.setup.incoming_log):
                break
            for side in (pair.a, pair.b):
                side.line.tick(side.clock.moment())
                side.turn()
            pair.deliver()
            pair.clock.advance(0.2)
        assert len(everything(pair.a)) < 60
        pair.b.reincarnate()
        pair.settle(30)
        assert everything(pair.a)[:60] == theirs


@pytest.mark.slow
def test_recovered_entry_that_its_author_did_not_sign_is_refused(tmp_path: Path) -> None:
    with joined("recovery lie") as pair:
        pair.a.backup(tmp_path / "backup.db")
        pair.connect()
        pair.b.say("true words")
        pair.a.say("my words")
        pair.settle()
        pair.a.restart_from(tmp_path / "backup.db")
        pair.a.reincarnate()
        pieces: list[Recovered] = []
        for _ in range(100):
            frames, pair.b.out[:] = list(pair.b.out), []
            for frame in frames:
                items, _ = pair.a.line._keys.open(frame)
                pieces += [item for item in items if isinstance(item, Recovered)]
                if not any(isinstance(item, Recovered) for item in items):
                    pair.a.line.receive(frame, pair.a.clock.moment())
            pair.a.turn()
            pair.deliver_one(pair.a, pair.b)
            for side in (pair.a, pair.b):
                side.line.tick(side.clock.moment())
                side.turn()
            pair.clock.advance(0.5)
            if pieces:
                break
        piece = pieces[0]
        leaf, blinding, body = piece.entries[-1]
        assert body is not None
        flipped = bytes((piece.signature[0] ^ 1, *piece.signature[1:]))
        forged = [
            replace(piece, entries=(*piece.entries[:-1], (leaf, blinding, body[:-1] + b"\xf5"))),
            replace(piece, entries=(*piece.entries[:-1], (leaf, bytes(32), body))),
            replace(piece, signature=flipped),
            replace(piece, root=bytes(32)),
            replace(piece, size=piece.size + 1),
            replace(piece, own=not piece.own),
            replace(piece, path=(bytes(32), *piece.path)),
        ]
        log = Log(pair.a.setup.line, Pair(1, 1), not piece.own)
        before = pair.a.journal.size(log)
        for item in forged:
            pair.a.hear(item, by=pair.b)
            assert pair.a.journal.size(log) == before
            pair.clock.advance(1)
        pair.a.hear(piece, by=pair.b)
        assert pair.a.journal.size(log) == before + len(piece.entries)


def test_both_desks_new_at_once_meet_in_the_higher_incarnations() -> None:
    with joined("both new") as pair:
        pair.a.say("one")
        pair.settle()
        pair.cut()
        pair.a.reincarnate()
        pair.b.reincarnate()
        pair.settle()
        assert (pair.a.setup.pair, pair.b.setup.pair) == (Pair(2, 2), Pair(2, 2))
        pair.b.say("still here")
        pair.settle()
        assert everything(pair.a)[-1] == (Pair(2, 2), 1, "still here")


def test_second_incarnation_after_the_first_says_again_what_two_pairs_left_open() -> None:
    with joined("twice new") as pair:
        pair.cut()
        pair.a.say("first words")
        pair.a.turn()
        pair.a.reincarnate()
        pair.a.out.clear()
        pair.a.say("second words")
        pair.a.turn()
        pair.a.out.clear()
        pair.a.reincarnate()
        pair.connect()
        pair.settle()
        assert [(number, text) for _, number, text in everything(pair.b)] == [(1, "first words"), (2, "second words")]
        assert all(record.released for record in pair.b.arrived if record.type == EntryType.NOTICE)


@pytest.mark.slow
def test_old_machine_that_still_runs_learns_that_it_was_replaced_and_stops(tmp_path: Path) -> None:
    with joined("replaced") as pair:
        pair.a.backup(tmp_path / "old.db")
        pair.connect()
        pair.settle()
        new, old_setup, old_party = pair.a, pair.a.setup, pair.a.party
        pair.a.reincarnate()
        pair.settle()
        old = LinePair._side(pair, tmp_path / "clone.db", old_setup, old_party, "clone")
        old.restart_from(tmp_path / "old.db")
        old.line.connected(old.clock.moment())
        old.turn()
        pair.deliver_one(old, pair.b)
        replies, pair.b.out[:] = list(pair.b.out), []
        for frame in replies:
            old.line.receive(frame, old.clock.moment())
        old.turn()
        assert old.line.phase is Phase.STOPPED
        assert [alarm.rule for alarm in old.alarms()] == [28]
        assert new.line.phase is pair.b.line.phase is Phase.OPEN
        old.journal.close()


def test_late_frames_of_the_old_incarnation_are_shown_and_never_appended(tmp_path: Path) -> None:
    with joined("late") as pair:
        kept, log = lost_frames(pair, tmp_path)
        size, receipts = pair.b.journal.size(log), pair.b.journal.latest_receipt(log)
        for frame in kept:
            pair.b.line.receive(frame, pair.b.clock.moment())
        pair.b.turn()
        late = [event.record for event in pair.b.events if isinstance(event, LateEntry)]
        assert [text_of(record) for record in late] == ["late words"]
        assert (pair.b.journal.size(log), pair.b.journal.latest_receipt(log)) == (size, receipts)
        for frame in kept:
            pair.b.line.receive(frame, pair.b.clock.moment())
        pair.b.turn()
        assert len([event for event in pair.b.events if isinstance(event, LateEntry)]) == 1


def lost_frames(pair: LinePair, folder: Path) -> tuple[list[bytes], Log]:
    """What Tokyo said last is still under way, and a backup from before it is all that is left of Tokyo."""
    pair.a.say("in time")
    pair.settle()
    pair.a.backup(folder / "backup.db")
    pair.connect()
    pair.settle()
    pair.a.say("late words")
    pair.a.turn()
    kept, log = list(pair.a.out), pair.b.setup.incoming_log
    restored(pair, folder / "backup.db")
    return kept, log


def test_chains_of_the_old_pair_are_gone_after_thirty_days(tmp_path: Path) -> None:
    with joined("thirty days") as pair:
        kept, _ = lost_frames(pair, tmp_path)
        pair.clock.advance(31 * 86400)
        pair.b.restart(connected=True)
        pair.settle()
        for frame in kept:
            pair.b.line.receive(frame, pair.b.clock.moment())
        pair.b.turn()
        assert not [event for event in pair.b.events if isinstance(event, LateEntry)]


def test_known_certificate_that_a_relay_repeats_keeps_no_newer_one_out() -> None:
    """Each cost a share of what is looked at in a period, and the one that mattered was dropped (seed 1280)."""
    with joined("repeated certificate") as pair:
        known = OfferedCertificate(pair.a.setup.peer_certificate.encoded)
        newer = party(pair.b.party.identity.identity.desk, 2).certificate
        pair.a.hear(*[known] * 8, OfferedCertificate(newer.encoded), by=pair.b)
        pair.a.turn()
        assert pair.a.setup.pair == Pair(1, 2)


def test_certificate_of_a_new_incarnation_by_another_identity_changes_nothing() -> None:
    with joined("foreign certificate") as pair:
        pair.b.hear(OfferedCertificate(party("Seoul", 2).certificate.encoded), by=pair.a)
        assert pair.b.setup.pair == Pair(1, 1)
        assert pair.b.line.junk == 1


def test_stopped_line_goes_on_in_the_new_incarnation(tmp_path: Path) -> None:
    with joined("stopped") as pair:
        pair.a.backup(tmp_path / "backup.db")
        pair.connect()
        pair.a.say("lost")
        pair.settle()
        pair.a.restart_from(tmp_path / "backup.db")
        pair.connect()
        pair.settle()
        assert Phase.STOPPED in (pair.a.line.phase, pair.b.line.phase)
        pair.a.reincarnate()
        pair.settle(20)
        assert pair.a.line.phase is pair.b.line.phase is Phase.OPEN
        assert ("lost" in [text for _, _, text in everything(pair.a, outgoing=True)]) is True


def test_single_use_keys_of_the_pair_before_are_deleted() -> None:
    with joined("prekeys") as pair:
        pair.settle()
        old = pair.a.setup.pair
        assert pair.a.journal.prekeys(pair.a.setup.line, old, ours=True)
        pair.a.reincarnate()
        pair.settle()
        assert not pair.a.journal.prekeys(pair.a.setup.line, old, ours=True)
        assert not pair.b.journal.prekeys(pair.b.setup.line, old, ours=True)
