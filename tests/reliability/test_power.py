"""Power cuts and failing disks: a short slice holds, and each planted fault is found out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import pytest

from reliability.medium import MediumFile
from reliability.power import run
from reliability.power.camera import Camera
from reliability.power.scenarios import SCENARIOS
from tests.reliability.planted import HastyDisk
from watchline.core.records import Record
from watchline.errors import JournalError
from watchline.journal.disk import Disk
from watchline.journal.secrets import Secrets
from watchline.journal.sqlite import SqliteJournal, open_journal

pytestmark = pytest.mark.slow


def seed_of(scenario: str) -> range:
    """The even seed that takes this scenario first."""
    number = next(number for number, each in enumerate(SCENARIOS) if each.name == scenario)
    return range(2 * number, 2 * number + 1)


ONE = seed_of("one entry at a time")


def opening(journal_type: type[SqliteJournal]) -> Callable[..., SqliteJournal]:
    def open_as(*arguments: Any, **options: Any) -> SqliteJournal:
        journal = open_journal(*arguments, **options)
        return journal_type(journal._disk, journal._seal)

    return open_as


def test_scenarios_each_have_their_name() -> None:
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS) == 21


@pytest.mark.parametrize(
    "seeds",
    [seed_of("a later version's schema"), seed_of("archived bodies go"), range(1, 2), range(999_983, 999_984)],
    ids=["migration", "archived bodies go", "random life", "another random life"],
)
def test_every_cut_and_every_failing_operation_keeps_what_was_promised(seeds: range) -> None:
    found = run(seeds)
    assert found.failures == ()
    assert found.counts["cuts"] > 100


def test_same_seed_does_the_same_and_its_first_round_fails_every_operation() -> None:
    first, second = run(ONE), run(ONE)
    assert first == second
    assert first.failures == ()
    assert first.counts["cuts"] > 100
    assert first.counts["errors"] > 50


class LyingDisk(Camera):
    """Says that an fsync is done, and does nothing: as `synchronous=OFF` would."""

    def settle(self, file: MediumFile) -> None:
        pass


def test_disk_that_ignores_every_fsync_is_found_out() -> None:
    assert run(ONE, camera=LyingDisk).failures


class HastyJournal(SqliteJournal):
    def __init__(self, disk: Disk, *parts: Any) -> None:
        super().__init__(disk, *parts)
        disk.__class__ = HastyDisk


def test_journal_that_acknowledges_before_it_commits_is_found_out() -> None:
    failures = run(ONE, open_as=opening(HastyJournal)).failures
    assert any("neither the state before nor the one after" in failure for failure in failures)


class TearingJournal(SqliteJournal):
    """Stores each record in a transaction of its own."""

    def commit(self, records: Iterable[Record]) -> None:
        for record in records:
            super().commit([record])


def test_journal_that_stores_half_a_turn_is_found_out() -> None:
    failures = run(ONE, open_as=opening(TearingJournal)).failures
    assert any("neither the state before nor the one after" in failure for failure in failures)
    assert all(f"python -m reliability power --seeds {ONE.start}:{ONE.stop}" in failure for failure in failures)


class SilentJournal(SqliteJournal):
    """Keeps it to itself when a commit fails."""

    def commit(self, records: Iterable[Record]) -> None:
        with suppress(JournalError):
            super().commit(records)


def test_journal_that_hides_an_error_is_found_out() -> None:
    failures = run(ONE, open_as=opening(SilentJournal)).failures
    assert any("fault" in failure for failure in failures)


class LeavingSecrets(Secrets):
    """Gives a slot back as it is."""

    def clear(self, slot: int) -> None:
        self._disk.cursor.execute("UPDATE secrets SET free = 1 WHERE slot = ?", (slot,))


class LeavingJournal(SqliteJournal):
    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._secrets = LeavingSecrets(*parts)


class LazyJournal(SqliteJournal):
    """Says that what was deleted is gone from the files."""

    def compact(self) -> None:
        pass


def test_compact_that_wipes_nothing_is_found_out() -> None:
    failures = run(seed_of("what was deleted is compacted away"), open_as=opening(LazyJournal)).failures
    assert any("a secret that was deleted stands in the files" in failure for failure in failures)


def test_secret_that_is_left_in_the_files_is_found_out() -> None:
    failures = run(seed_of("prekeys are made and deleted"), open_as=opening(LeavingJournal)).failures
    assert any("a secret that was deleted stands in the files" in failure for failure in failures)
