"""The simulator repeats itself, finds nothing in the real desks, and finds the broken desk planted for each invariant."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeGuard

import pytest

from reliability.simulator import KIND, Outcome, run, simulate
from reliability.simulator.__main__ import main as show
from reliability.simulator.swarm import (
    DEEP_FROM,
    MIXED_FROM,
    REBIRTHS,
    RENEWED_FROM,
    STORMS_FROM,
    TROUBLES,
    Rebirth,
    Swarm,
    draw_life,
    draw_swarm,
)
from reliability.simulator.trace import Trace
from reliability.simulator.watch import INVARIANTS
from reliability.simulator.world import HEALING_SECONDS
from watchline.core.changeover import Changeover
from watchline.core.entries import Body, EntryType, Leaf
from watchline.core.line import Phase
from watchline.core.line_keys import LineKeys
from watchline.core.line_parts import LineParts
from watchline.core.line_secrets import LineSecrets
from watchline.core.outgoing import Draft
from watchline.core.pairing import Pairing
from watchline.core.records import (
    CheckpointRecord,
    EntryRecord,
    Log,
    ReceiptRecord,
    Record,
    RemovalRecord,
    StatementRecord,
    StateRecord,
)
from watchline.core.setting import LineSetup, Moment
from watchline.core.silence import Claim, Silence, SilenceKind
from watchline.core.stubs import UNKNOWN
from watchline.core.terms import Terms
from watchline.desk import removal
from watchline.desk.body_archive import sealed_archive
from watchline.desk.desk import Desk
from watchline.desk.lines import OpenLine
from watchline.journal import LineRecord
from watchline.journal.sqlite import SqliteJournal

pytestmark = pytest.mark.slow

QUIET = Swarm(
    desks=("Tokyo", "Beijing"),
    lines=(("Tokyo", "Beijing"),),
    pace="calm",
    entries=60,
    burst=4,
    checkpoint=256,
    long_bodies=0.0,
    released=0.5,
    compose_seconds=15.0,
    weather=(0.0, 0.0, 0.0, 0.0, 0.0),
    slow=False,
    late=False,
    troubles=(),
    trouble_seconds=1.0,
    rollback=False,
    rebirths=(),
    confirming="soon",
    amending=0.0,
    manned=False,
    liar=None,
    lies=(),
)
# Much is lost on the way, so that new incarnations find much without a receipt.
REBORN = replace(QUIET, released=1.0, weather=(0.6, 0.0, 0.3, 0.0, 0.2), troubles=("weather", "reconnect"))
# Clocks run out, people come and go, and consoles sound.
MANNED = replace(QUIET, released=1.0, pace="urgent", manned=True)
# People carry files all the time.
RENEWING = replace(QUIET, entries=40, compose_seconds=60.0, renewing=1.5, renewals=6)
SEEDS = range(900_000, 900_003)


def rule_broken(outcome: Outcome) -> str | None:
    return None if outcome.violation is None else outcome.violation.split(":")[0]


def reborn(outcome: Outcome) -> bool:
    return outcome.counts["incarnations"] > 0


def rules_broken(swarm: Swarm, seeds: Iterable[int] = range(8), **planted: Any) -> set[str | None]:
    return {rule_broken(simulate(seed, swarm=swarm, **planted)) for seed in seeds}


# --- the real desks


def test_slice_of_seeds_finds_nothing_and_counts_what_it_did() -> None:
    found = run(SEEDS)
    assert found.failures == ()
    assert (found.kind, found.seeds, found.counts["runs"]) == (KIND, SEEDS, len(SEEDS))
    assert found.counts["delivered"] >= found.counts["entries"] > 10
    assert found.counts["faults"] > 2 * found.counts["entries"]
    assert found.counts["simulated_seconds"] > 30


@pytest.mark.parametrize("seed", [4, 17])
def test_one_seed_is_one_run(seed: int) -> None:
    first, again = Trace(keep=True), Trace(keep=True)
    outcomes = simulate(seed, trace=first), simulate(seed, trace=again)
    assert first.lines == again.lines
    assert outcomes[0] == outcomes[1]
    assert simulate(seed + 1).digest != outcomes[0].digest


def test_quiet_world_delivers_everything() -> None:
    outcome = simulate(1, swarm=QUIET)
    assert outcome.violation is None
    assert outcome.counts["delivered"] >= 0.8 * QUIET.entries
    assert outcome.counts["injected"] == 0


def test_seeds_draw_each_trouble_alone_and_with_others() -> None:
    drawn = [draw_swarm(random.Random(seed)) for seed in range(300)]
    for trouble in TROUBLES:
        assert {trouble in swarm.troubles for swarm in drawn} == {True, False}
    assert {len(swarm.desks) for swarm in drawn} == {2, 3, 4, 5}
    assert {swarm.rollback for swarm in drawn} == {True, False}
    assert {swarm.pace for swarm in drawn} == {"calm", "busy", "urgent"}
    assert {swarm.manned for swarm in drawn} == {swarm.amending > 0 for swarm in drawn} == {True, False}
    assert {swarm.confirming for swarm in drawn} == {"soon", "late", "never"}
    assert {kind for swarm in drawn for kind in swarm.rebirths} == set(REBIRTHS)
    assert any(not swarm.rebirths for swarm in drawn)


def test_deep_lives_are_drawn_beside_the_others_and_old_seeds_stay_what_they_were() -> None:
    pairs = [
        (draw_life(seed, random.Random(seed)), draw_swarm(random.Random(seed))) for seed in range(DEEP_FROM, DEEP_FROM + 300)
    ]
    deep = [life for life, drawn in pairs if life != drawn]
    assert 60 < len(deep) < 150
    assert min(life.entries for life in deep) >= 1_000
    assert {life.pace for life in deep} == {"calm", "busy", "urgent"}
    for seed in (0, 15, 4250, DEEP_FROM - 1):
        assert draw_life(seed, random.Random(seed)) == draw_swarm(random.Random(seed))


def test_storms_are_drawn_and_old_seeds_stay_what_they_were() -> None:
    lives = [draw_life(seed, random.Random(seed)) for seed in range(MIXED_FROM, MIXED_FROM + 1_000)]
    storms = [life for life in lives if life.entries >= 10_000]
    assert 25 < len(storms) < 80
    assert all(len(life.lines) == 1 and life.liar is None and not life.stolen for life in storms)
    assert any(life.rebirths for life in storms)
    assert any(life.removing is not None for life in storms)
    assert 25 < sum(1_000 <= life.entries < 10_000 for life in lives) < 80
    before = [draw_life(seed, random.Random(seed)) for seed in range(STORMS_FROM - 1_000, STORMS_FROM)]
    assert max(life.entries for life in before) < 10_000


def test_removals_and_liars_that_are_reborn_are_drawn_and_old_seeds_stay_what_they_were() -> None:
    lives = [draw_life(seed, random.Random(seed)) for seed in range(MIXED_FROM, MIXED_FROM + 400)]
    assert 60 < sum(life.removing is not None for life in lives) < 140
    liars = [life for life in lives if life.liar is not None and life.rebirths]
    assert {life.stolen for life in liars} == {True, False}
    assert not any(life.stolen for life in lives if life not in liars)
    before = [draw_life(seed, random.Random(seed)) for seed in range(MIXED_FROM - 400, MIXED_FROM)]
    assert not any(life.removing is not None or (life.liar is not None and life.rebirths) for life in before)


@pytest.mark.parametrize("seed", [13_994, 14_288])
def test_lives_that_found_a_fault_of_the_product_are_lived_without_one(seed: int) -> None:
    assert simulate(seed).violation is None


def test_deep_life_delivers_hundreds_of_entries_that_met_faults() -> None:
    outcome = simulate(300_057)
    assert outcome.violation is None
    assert outcome.counts["entries"] > 500


@pytest.mark.slow
def test_storm_delivers_thousands_of_entries_that_met_faults() -> None:
    outcome = simulate(16_205)
    assert outcome.violation is None
    assert outcome.counts["entries"] > 3_000


def test_what_a_slow_link_has_taken_may_come_after_the_faults() -> None:
    """The watch gave everything the same time, however much still lay in a link of 2 kB/s."""
    slow = replace(QUIET, long_bodies=1.0, slow=True, burst=30, troubles=("weather",))
    outcome = simulate(1, swarm=slow)
    assert outcome.violation is None
    assert outcome.counts["simulated_seconds"] > QUIET.compose_seconds + HEALING_SECONDS


@pytest.mark.parametrize("trouble", TROUBLES)
def test_each_trouble_alone_is_borne(trouble: str) -> None:
    weather = (0.3, 0.3, 0.3, 0.2, 0.2) if trouble == "weather" else QUIET.weather
    outcome = simulate(5, swarm=replace(QUIET, troubles=(trouble,), weather=weather))
    assert outcome.violation is None
    assert outcome.counts["injected"] > 0


@pytest.mark.parametrize("kind", REBIRTHS)
@pytest.mark.parametrize("confirming", ["soon", "never"])
def test_new_incarnation_of_each_kind_is_borne(kind: Rebirth, confirming: Any) -> None:
    outcomes = [simulate(seed, swarm=replace(REBORN, rebirths=(kind,), confirming=confirming)) for seed in range(2)]
    assert [outcome.violation for outcome in outcomes] == [None, None]
    assert sum(outcome.counts["incarnations"] for outcome in outcomes) >= 1
    assert all((outcome.counts["confirmations"] > 0) is (confirming == "soon") for outcome in outcomes if reborn(outcome))


# Each end of a line loses what the other has lost too. The draw found the first seed, this plan the others.
@pytest.mark.parametrize(("seed", "planned"), [(4250, False), (1, True), (2, True), (13, True)])
def test_both_ends_set_back_and_nobody_noticing_is_borne(seed: int, planned: bool) -> None:
    unnoticed = replace(QUIET, entries=30, compose_seconds=12.0, rollback=True, rebirths=("unnoticed",) * 3)
    outcome = simulate(seed, swarm=replace(unnoticed, weather=(0.2, 0.0, 0.3, 0.0, 0.1)) if planned else None)
    assert outcome.violation is None
    assert outcome.counts["said_anew"] > 0


def test_old_machine_that_goes_on_is_told_that_it_was_replaced() -> None:
    outcomes = [simulate(seed, swarm=replace(REBORN, rebirths=("clone",))) for seed in range(4)]
    assert {outcome.violation for outcome in outcomes} == {None}
    assert sum(outcome.counts["clones_told"] for outcome in outcomes) >= 2


def test_what_was_lost_comes_back_and_what_was_open_is_issued_again() -> None:
    outcomes = [simulate(seed, swarm=replace(REBORN, rebirths=("restore",))) for seed in range(4)]
    assert {outcome.violation for outcome in outcomes} == {None}
    assert sum(outcome.counts["recovered"] for outcome in outcomes) > 10
    assert sum(outcome.counts["issued_again"] for outcome in outcomes) > 0


def test_clocks_that_run_out_are_certified_and_terms_amended() -> None:
    outcomes = [simulate(seed, swarm=replace(MANNED, amending=0.3)) for seed in range(3)]
    assert {outcome.violation for outcome in outcomes} == {None}
    counts = sum((outcome.counts for outcome in outcomes), Counter[str]())
    assert counts["silence: unanswered"] > 0
    assert counts["silence: unmanned"] > 0
    assert counts["terms_amended"] > 0


@pytest.mark.parametrize("lie", ["fork", "two heads", "deny custody"])
def test_lie_that_shows_another_log_stops_the_line_with_an_alarm(lie: str) -> None:
    outcomes = [simulate(seed, swarm=replace(QUIET, liar="Tokyo", lies=(lie,))) for seed in range(4)]
    assert all(outcome.violation is None for outcome in outcomes)
    assert sum(outcome.counts["lines_stopped"] for outcome in outcomes) >= 3
    assert sum(outcome.counts["alarms"] for outcome in outcomes) >= 3


def test_lie_after_a_new_incarnation_may_stop_the_line_that_it_had_mended() -> None:
    """The watch waited for a line that an old copy had spoiled and a new incarnation mended, and that was lied on later."""
    swarm = replace(QUIET, liar="Tokyo", lies=("fork",), rebirths=("unnoticed",))
    outcomes = [simulate(seed, swarm=swarm) for seed in range(4)]
    assert {outcome.violation for outcome in outcomes} == {None}
    assert sum(outcome.counts["lines_stopped"] for outcome in outcomes) > 0


@pytest.mark.parametrize("kind", ["rotate", "clone"])
def test_line_works_again_once_stolen_keys_are_those_of_an_earlier_incarnation(kind: Rebirth) -> None:
    """Whoever stole them goes on lying beside the new incarnation, if it is a clone, and costs no more than alarms."""
    swarm = replace(QUIET, liar="Tokyo", lies=("fork", "two heads", "deny custody"), rebirths=(kind,) * 4, stolen=True)
    outcomes = [simulate(seed, swarm=swarm) for seed in range(4)]
    assert {outcome.violation for outcome in outcomes} == {None}
    assert sum(outcome.counts["lines_mended"] for outcome in outcomes) > 0
    assert sum(outcome.counts["alarms"] for outcome in outcomes) > 0


def test_bodies_are_removed_while_machines_die_and_become_others() -> None:
    swarm = replace(REBORN, troubles=TROUBLES, trouble_seconds=0.7, removing=1.0, rebirths=("restore", "rotate"))
    outcomes = [simulate(seed, swarm=swarm) for seed in range(4)]
    assert {outcome.violation for outcome in outcomes} == {None}
    counts = sum((outcome.counts for outcome in outcomes), Counter[str]())
    assert counts["removed"] > counts["archived"] > 0
    assert counts["withheld"] > 0


def test_renewals_are_drawn_and_old_seeds_stay_what_they_were() -> None:
    lives = [draw_life(seed, random.Random(seed)) for seed in range(RENEWED_FROM, RENEWED_FROM + 400)]
    renewing = [life for life in lives if life.renewing is not None]
    assert 100 < len(renewing) < 180
    assert {bool(life.rebirths) for life in renewing} == {life.liar is None for life in renewing} == {True, False}
    before = [draw_life(seed, random.Random(seed)) for seed in range(RENEWED_FROM - 400, RENEWED_FROM)]
    assert not any(life.renewing is not None for life in before)


def test_secrets_are_renewed_while_files_go_astray_and_commands_are_killed() -> None:
    outcomes = [simulate(seed, swarm=replace(RENEWING, troubles=("kill", "disk operation"))) for seed in range(3)]
    assert {outcome.violation for outcome in outcomes} == {None}
    counts = sum((outcome.counts for outcome in outcomes), Counter[str]())
    assert counts["renewals_through"] > 0
    assert min(counts[f"renewal: {each}"] for each in ("step 1", "step 2", "step 3", "refused", "interrupted")) > 0
    assert counts["frames of a thief"] > 5


@pytest.mark.parametrize("kind", REBIRTHS)
def test_desk_that_comes_back_in_the_middle_of_renewals_finds_the_other_one(kind: Rebirth) -> None:
    """Unless its file 3 was not taken, and cannot be any more: then it says that the line has to be paired anew."""
    outcomes = [simulate(seed, swarm=replace(RENEWING, rebirths=(kind,) * 2)) for seed in range(3)]
    assert {outcome.violation for outcome in outcomes} == {None}
    counts = sum((outcome.counts for outcome in outcomes), Counter[str]())
    assert min(counts["renewal: step 3"], counts["incarnations"]) > 0


@pytest.mark.parametrize("lie", ["withhold receipts", "replay", "old incarnation", "flood"])
def test_lie_that_shows_no_other_log_costs_nothing_but_time(lie: str) -> None:
    outcome = simulate(2, swarm=replace(QUIET, liar="Tokyo", lies=(lie,)))
    assert outcome.violation is None
    assert outcome.counts[f"fault: lie: {lie}"] > 0
    assert outcome.counts["alarms"] == 0


def test_run_can_be_shown_event_by_event(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(["4"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("Swarm(")
    assert any(" heal " in line for line in shown)
    assert shown[-1].endswith("all well")


# --- planted: what each invariant is for


def test_every_invariant_has_a_planted_violation() -> None:
    planted = {name.removeprefix("test_planted_").split("_")[0] for name in globals() if name.startswith("test_planted_")}
    assert planted == set(INVARIANTS)


class SpeaksFirst(Desk):
    """Sends first and commits later."""

    def turn(self) -> None:
        moment = self.moment()
        touched, self._dirty = self._dirty, {}
        self._turn_scheduled = False
        for opened in touched:
            effect = opened.line.turn(moment)
            self._waiting += effect.records
            if effect.frames and opened.link is not None:
                opened.link.send(effect.frames)
            for event in effect.events:
                self._tell(opened, event)
        self._commit()


def test_planted_speak_before_commit() -> None:
    assert rules_broken(QUIET, desk_type=SpeaksFirst) == {"speak"}


class ReceiptsFirst(Desk):
    """Commits what it says itself, and only later what it heard."""

    def _commit(self) -> bool:
        heard = [record for record in self._waiting if isinstance(record, EntryRecord) and not record.log.outgoing]
        self._waiting = [record for record in self._waiting if record not in heard]
        done = super()._commit()
        self._waiting = [*heard]
        return done


def test_planted_receipt_before_commit() -> None:
    # Which of the two is seen first is chance: the receipt, or the log that is not where its state says.
    assert "receipt" in rules_broken(QUIET, desk_type=ReceiptsFirst)


def without_fsync(journal: SqliteJournal) -> SqliteJournal:
    journal._disk._connection.pragma("synchronous", "OFF")
    return journal


def test_planted_durable_is_a_word() -> None:
    swarm = replace(QUIET, troubles=("power cut",))
    assert rules_broken(swarm, range(3)) == {None}
    assert "durable" in rules_broken(swarm, range(3), journal_of=without_fsync)


class Altering(SqliteJournal):
    """Keeps another body than the one that came."""

    def commit(self, records: Iterable[Record]) -> None:
        super().commit([_altered(record) for record in records])


def _altered(record: Record) -> Record:
    return replace(record, body=record.body + b"?") if _is_heard(record, 7) else record


def _is_heard(record: Record, index: int) -> TypeGuard[EntryRecord]:
    return isinstance(record, EntryRecord) and not record.log.outgoing and record.index == index


def altering(journal: SqliteJournal) -> SqliteJournal:
    return Altering(journal._disk, journal._seal)


def test_planted_durable_copy_is_altered() -> None:
    assert rules_broken(QUIET, range(3), journal_of=altering) == {"durable"}


class Forgery(Desk):
    """Takes the peer's text and keeps its own version of it."""

    def _commit(self) -> bool:
        for record in self._waiting:
            if _is_heard(record, 5):
                record.body += b"?"
        return super()._commit()


def test_planted_custody_of_something_else() -> None:
    assert rules_broken(QUIET, desk_type=Forgery) == {"custody"}


class Hasty(Desk):
    """Speaks as soon as it starts, without asking whether its home is an old copy."""

    def open_line(self, row: LineRecord) -> OpenLine:
        opened = super().open_line(row)
        opened.line.phase = Phase.OPEN
        opened.line._spoken.after = None
        return opened


def test_planted_key_is_used_twice() -> None:
    swarm = replace(QUIET, rollback=True)
    assert rules_broken(swarm, range(4)) == {None}
    assert "key" in rules_broken(swarm, range(4), desk_type=Hasty)


class OneNonce(Desk):
    """Has a random source that repeats itself."""

    def run(self, loop: Any) -> None:
        real = self.moment
        self.moment = lambda: Moment(real().wall, real().running, random.Random(5).randbytes)
        super().run(loop)


def test_planted_nonce_is_used_twice() -> None:
    assert rules_broken(QUIET, desk_type=OneNonce) == {"nonce"}


class TwoRoots(Desk):
    """Gives another receipt for a size that it has receipted."""

    def _commit(self) -> bool:
        again = [
            replace(record, root=bytes(32))
            for record in self._waiting
            if isinstance(record, ReceiptRecord) and not record.log.outgoing
        ]
        self._waiting += again
        return super()._commit()


class Credulous(SqliteJournal):
    """Holds nothing that is signed against what it has stored."""

    def _head(self, record: CheckpointRecord | ReceiptRecord, ours: bool) -> int:
        return super()._head(record, False)


def credulous(journal: SqliteJournal) -> SqliteJournal:
    return Credulous(journal._disk, journal._seal)


def test_planted_fork_of_receipts() -> None:
    assert rules_broken(QUIET, desk_type=TwoRoots, journal_of=credulous) == {"fork"}


def test_receipt_on_another_root_than_is_stored_ends_at_the_journal_before_anyone_sees_it() -> None:
    assert rules_broken(QUIET, desk_type=TwoRoots) == {"durable"}


class Fading(SqliteJournal):
    """Finds no receipt any more once it has been asked a few times."""

    asked = 0

    def latest_receipt(self, log: Log) -> ReceiptRecord | None:
        self.asked += 1
        return super().latest_receipt(log) if self.asked < 5 else None


def fading(journal: SqliteJournal) -> SqliteJournal:
    return Fading(journal._disk, journal._seal)


def test_planted_rung_falls() -> None:
    assert "rung" in rules_broken(QUIET, range(4), journal_of=fading)


class Slanderer(Desk):
    """Takes any status for a rollback after a while."""

    def open_line(self, row: LineRecord) -> OpenLine:
        opened = super().open_line(row)
        opened.line._freshness.signed_size = 1_000
        return opened


def test_planted_accused_without_cause() -> None:
    assert rules_broken(QUIET, desk_type=Slanderer) == {"accused"}


class LooksAway(Desk):
    """Never minds what the peer signed elsewhere."""

    def open_line(self, row: LineRecord) -> OpenLine:
        opened = super().open_line(row)
        opened.line._alarm = lambda *_: None  # type: ignore[method-assign]
        return opened


def test_planted_silent_fork() -> None:
    swarm = replace(QUIET, liar="Tokyo", lies=("fork",))
    assert rules_broken(swarm, range(3)) == {None}
    assert "silent" in rules_broken(swarm, range(3), desk_type=LooksAway)


class Deaf(Desk):
    """Hears nothing of what is said after the first minute of its log."""

    def frames_received(self, opened: OpenLine, frames: Any) -> None:
        if opened.line.incoming.edge.size < 10:
            super().frames_received(opened, frames)


def test_planted_live_line_goes_dead() -> None:
    assert rules_broken(QUIET, range(2), desk_type=Deaf) == {"live"}


def test_planted_live_and_what_was_lost_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    swarm = replace(REBORN, rebirths=("restore",))
    assert rules_broken(swarm, range(4)) == {None}
    monkeypatch.setattr(Changeover, "ask", lambda *_: [])
    assert "live" in rules_broken(swarm, range(4))


class KeepsLate(Desk):
    """Puts what comes too late into the log where it would have stood."""

    def _late(self, opened: OpenLine, record: EntryRecord) -> None:
        self.journal.commit([record])


def test_planted_closed_log_grows() -> None:
    swarm = replace(REBORN, rebirths=("rotate",))
    assert rules_broken(swarm, range(6)) == {None}
    assert "closed" in rules_broken(swarm, range(6), desk_type=KeepsLate)


REMOVING = replace(QUIET, removing=1.0)


class Hoarder(SqliteJournal):
    """Says that bodies have gone, and keeps them."""

    def commit(self, records: Iterable[Record]) -> None:
        super().commit([record for record in records if not isinstance(record, RemovalRecord)])


def test_planted_removed_bodies_stay() -> None:
    assert rules_broken(REMOVING, range(3)) == {None}
    assert "removed" in rules_broken(REMOVING, range(3), journal_of=lambda journal: Hoarder(journal._disk, journal._seal))


def test_planted_removed_with_what_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "stub", lambda _: UNKNOWN)
    assert "removed" in rules_broken(REMOVING, range(3))


def test_planted_removed_while_a_clock_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal._Waiting, "holds", lambda *_: False)
    assert "removed" in rules_broken(REMOVING, range(3))


def test_planted_removed_and_the_archive_does_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    write = sealed_archive
    monkeypatch.setattr(removal, "sealed_archive", lambda key, about, entries: write(key, about, reversed(list(entries))))
    assert "removed" in rules_broken(REMOVING, range(3))


def test_planted_again_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    def issue_nothing(self: Changeover, *_: Any) -> tuple[list[Draft], Record]:
        self._issued = True
        return [], StateRecord(self._line, self._again_part, b"issued")

    monkeypatch.setattr(Changeover, "issue_again", issue_nothing)
    assert "again" in rules_broken(replace(REBORN, rebirths=("rotate",)), range(4))


def _is_again(record: Record) -> TypeGuard[EntryRecord]:
    return isinstance(record, EntryRecord) and Body.decode(record.body).again is not None


class Miscounts(Desk):
    """Gives what it issues again a number of its own."""

    def _commit(self) -> bool:
        for record in self._waiting:
            if _is_again(record) and record.log.outgoing and record.number is not None:
                record.number += 1
        return super()._commit()


def test_planted_number_is_another() -> None:
    assert "number" in rules_broken(replace(REBORN, rebirths=("rotate",)), range(4), desk_type=Miscounts)


class Doubter(Desk):
    """Takes what is issued again for a release that was used before."""

    def _commit(self) -> bool:
        for record in self._waiting:
            if _is_again(record) and not record.log.outgoing:
                record.released = False
        return super()._commit()


def test_planted_lost_release() -> None:
    assert "lost" in rules_broken(replace(REBORN, rebirths=("rotate",)), range(4), desk_type=Doubter)


class ClaimsTooSoon(Desk):
    """Certifies a silence with each notice, whose clock has only just begun."""

    def compose(self, opened: OpenLine, draft: Draft) -> EntryRecord:
        record = super().compose(opened, draft)
        if record.type == EntryType.NOTICE:
            leaf = Leaf.decode(record.leaf)
            about = leaf.direction.inc, leaf.direction.peer_inc, leaf.index, leaf.commitment
            claimed = Silence(SilenceKind.LINE_DOWN, 0, *about, None, (), Claim(0, None))
            super().compose(opened, Draft(EntryType.SILENCE, claimed.encode()))
        return record


def test_planted_silence_that_does_not_follow() -> None:
    assert rules_broken(QUIET, range(2), desk_type=ClaimsTooSoon) == {"silence"}


def test_planted_silence_about_what_the_peer_had_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that lists what its people have answered, and a judge at both desks that does not look."""
    assert "silence: unanswered" in simulate(3, swarm=MANNED).counts
    monkeypatch.setattr("watchline.core.silence_logs.Ends.closed", lambda *_, **__: None)
    monkeypatch.setattr("watchline.core.reply_clocks.ReplyClocks.judge", lambda *_: None)
    monkeypatch.setattr("watchline.core.reply_clocks.ReplyClocks._close", lambda *_: None)
    assert "silence" in rules_broken(MANNED, range(4))


def test_planted_accused_by_a_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that leaves out of its statuses what waits at it."""
    monkeypatch.setattr("watchline.core.reply_clocks.ReplyClocks.listed", lambda *_: ((), 0))
    monkeypatch.setattr("watchline.core.reply_clocks.ReplyClocks.judge", lambda *_: None)
    assert "accused" in rules_broken(MANNED, range(3))


def test_planted_terms_hold_at_one_desk_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_sided(line: LineParts) -> Terms:
        history = line.incoming.history
        return history.latest if line.setup.own_id < line.setup.peer_identity.id else history.base

    swarm = replace(QUIET, amending=0.5)
    assert rules_broken(swarm, range(3)) == {None}
    monkeypatch.setattr(LineParts, "terms", property(one_sided))
    assert "terms" in rules_broken(swarm, range(3))


class Replacing(SqliteJournal):
    """Keeps no status for good."""

    def commit(self, records: Iterable[Record]) -> None:
        super().commit([replace(each, keep=False) if isinstance(each, StatementRecord) else each for each in records])


def replacing(journal: SqliteJournal) -> SqliteJournal:
    return Replacing(journal._disk, journal._seal)


def test_planted_kept_statuses_are_replaced() -> None:
    assert rules_broken(QUIET, range(2), journal_of=replacing) == {"kept"}


def test_planted_rung_of_statuses_is_forgotten_at_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    swarm = replace(MANNED, troubles=("kill",))
    assert rules_broken(swarm, range(4)) == {None}
    monkeypatch.setattr("watchline.desk.watch._pair_key", lambda opened: f"{id(opened)}")
    assert "rung" in rules_broken(swarm, range(4))


def test_planted_secret_is_spoken_before_the_other_desk_has_file_3(monkeypatch: pytest.MonkeyPatch) -> None:
    def hasty(self: LineSecrets, secret: bytes, file3: bytes) -> LineSecrets:
        return replace(self, next=secret, known=False, file3=file3).restored()

    assert rules_broken(RENEWING, range(2)) == {None}
    monkeypatch.setattr(LineSecrets, "offered", hasty)
    assert "secret" in rules_broken(RENEWING, range(2))


def test_planted_secret_is_forgotten_while_the_other_desk_speaks_under_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(self: LineSecrets) -> LineSecrets:
        assert self.next is not None
        return LineSecrets(self.next, earlier=(*self.earlier, self.mark))

    monkeypatch.setattr(LineSecrets, "_moved", forgetful)
    assert "secret" in rules_broken(RENEWING, range(2))


def test_planted_secret_that_was_left_behind_opens_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[bytes, list[Any]] = {}
    begin = LineKeys.__init__

    def hoard(keys: LineKeys, setup: LineSetup) -> None:
        begin(keys, setup)
        keys.opening += kept.setdefault(setup.line + setup.own_id, [])
        kept[setup.line + setup.own_id] += [pair for pair in keys.opening if pair not in kept[setup.line + setup.own_id]]

    monkeypatch.setattr(LineKeys, "__init__", hoard)
    assert "secret" in rules_broken(RENEWING, range(2))


class Talkative(SqliteJournal):
    """Writes beside each line under what it speaks."""

    def put_line(self, row: LineRecord, records: Iterable[Record] = ()) -> None:
        super().put_line(row, records)
        self.put_document("spoken", row.line.hex(), Pairing.decode(row.pairing).ps, False)


def test_planted_secret_stands_in_clear_on_the_disk() -> None:
    assert "secret" in rules_broken(RENEWING, range(3), journal_of=lambda journal: Talkative(journal._disk, journal._seal))


def test_planted_medium_learns_of_no_renewal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchline.desk.renewal_ceremony.keep_pairing", lambda *_: None)
    assert rules_broken(RENEWING, range(2)) == {"medium"}


def test_planted_live_renewal_is_never_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LineSecrets, "changed", lambda self: self)
    assert "live" in rules_broken(RENEWING, range(2))
