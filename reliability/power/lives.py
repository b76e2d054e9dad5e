"""A journal's life on a disk that is photographed or fails, and what has to be found on the disk afterwards.

A state is what the journal held after a step that had returned. Whatever happened in the middle of a step, afterwards the
journal opens and holds exactly the state before that step or the one after it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import apsw

from reliability.medium import Fault, Image, MediumVFS
from reliability.power.camera import Camera
from reliability.power.contents import Broken, Contents, Rows, check, check_file, contents, rows, secrets
from reliability.power.scenarios import Scenario, Step, compacted
from tests.journal.sample_records import NODE_KEY
from watchline.core.records import Log
from watchline.errors import JournalError
from watchline.journal.disk import apply_migrations, read_migrations
from watchline.journal.sqlite import SqliteJournal, open_journal

WAL_BYTES = 65_536  # so short that scenarios also write it back
RECUT_SHARE = 0.2  # of the recoveries, those that lose the power on their way, and again
RECUT_OPERATIONS = 40  # within so many operations
CLOSING_OPERATIONS = 12
GONE_MAX = 2  # of the secrets that must be gone, so many are searched for each time
THOROUGH_SHARE = 0.1  # of the recoveries, those that are read through the journal's verbs, and written to

# A later version's change of the schema, with rows that must come all or not at all.
MIGRATION = "CREATE TABLE later (key INTEGER PRIMARY KEY, leaf BLOB) STRICT; INSERT INTO later SELECT key, leaf FROM leaves;"


@dataclass(frozen=True, slots=True)
class State:
    """What a journal held between two steps, as its verbs give it and as the rows of its file; None: there is no journal yet.

    gone: the nonces of secrets that were deleted or replaced by then. erased: those of them that a start or a `compact` had
    then wiped from the files. migrated: a later version's change was made.
    """

    held: Contents | None
    rows: Rows | None
    gone: frozenset[bytes] = frozenset()
    erased: frozenset[bytes] = frozenset()
    migrated: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where journals lie: at `path`, by name only, on one disk to write on and one to read back from."""

    path: Path
    written: Camera
    read: MediumVFS
    open_as: Callable[..., SqliteJournal] = open_journal

    def opened(self, disk: MediumVFS, *, create: bool = False) -> SqliteJournal:
        return self.open_as(self.path, NODE_KEY, create, vfs=disk.name, wal_bytes=WAL_BYTES)


class Life:
    """Steps played on the place's photographed disk. states[n] is the state after n steps, so step n leads to states[n + 1]."""

    def __init__(self, place: Place, chance: random.Random, first: State) -> None:
        self.place = place
        self.chance = chance
        self.states = [first]
        self.journal: SqliteJournal | None = None
        self._kept = frozenset[bytes]()
        place.written.moment = 0

    def begin(self) -> None:
        """Open the journal, or create it if there was none: a step too."""
        create = self.states[-1].held is None
        self.journal = self.place.opened(self.place.written, create=create)
        self._kept = secrets(self.journal)
        self._promise(erasing=True)

    def play(self, step: Step) -> None:
        assert self.journal is not None
        step(self.journal, self.chance)
        self._promise(erasing=step is compacted)

    def end(self) -> None:
        if self.journal is not None:
            self.journal.close()
            self.journal = None
            self.place.written.take()

    def migrate(self) -> None:
        """As a later version does on its first start."""
        self.end()
        last = self.states[-1]
        connection = _raw(self.place, self.place.written)
        apply_migrations(connection, [*read_migrations(), MIGRATION])
        self._reach(replace(last, migrated=True))
        connection.close()

    def _promise(self, *, erasing: bool) -> None:
        """A step has returned: from now on the journal holds what it holds now."""
        assert self.journal is not None
        kept = secrets(self.journal)
        last = self.states[-1]
        gone = (last.gone | self._kept) - kept
        self._kept = kept
        check(self.journal)
        self._reach(State(contents(self.journal), rows(self.journal), gone, gone if erasing else last.erased))

    def _reach(self, state: State) -> None:
        self.states.append(state)
        self.place.written.moment = len(self.states) - 1
        self.place.written.take()


def live(place: Place, scenario: Scenario, chance: random.Random, first: State) -> list[State]:
    """Play a scenario's steps on the photographed disk as it stands; the states it went through."""
    life = Life(place, chance, first)
    life.begin()
    for step in scenario.steps:
        life.play(step)
    if scenario.reopened:
        life.end()
        life.begin()
        life.play(scenario.steps[-1])
    if scenario.migrated:
        life.migrate()
    life.end()
    return life.states


def recover(
    place: Place,
    disk: MediumVFS,
    allowed: Sequence[State],
    chance: random.Random,
    *,
    same_run: bool = True,
    thorough: bool = False,
) -> tuple[State, int]:
    """Start on a disk after a failure: the state that is found there, and how often the power was cut on the way.

    same_run: the states are of the run that left this disk, so that each row must be the same to the byte. Else only what the
    verbs give can be: sealed values differ from run to run. thorough: look at everything, and see that the journal goes on.
    Broken if the state is none of those allowed, or anything is wrong with it.
    """
    cuts = 0
    while True:
        if chance.random() < RECUT_SHARE:
            disk.strike("power", chance.randint(1, RECUT_OPERATIONS))
        try:
            journal = place.opened(disk)
        except JournalError as error:
            if not disk.dead:
                return _recover_without(place, disk, allowed, error), cuts
            cuts += 1
            disk.boot()
            continue
        disk.heal()
        try:
            state = _judged(journal, [state for state in allowed if not state.migrated], same_run)
            check_file(journal)
            expect_wiped(disk.snapshot(), state.gone, chance)  # a start moves the log into the file and empties it
            if thorough:
                _look_at_everything(journal, state)
            return state, cuts
        finally:
            disk.kill()  # closing would do more work on the disk than a check needs
            journal.close()
            disk.boot()


def _judged(journal: SqliteJournal, allowed: Sequence[State], same_run: bool) -> State:
    """The state that is found. Before it was one of a run's states, `check` has looked at it."""
    if same_run:
        found = rows(journal)
        state = next((state for state in allowed if state.rows == found), None)
    else:
        held = contents(journal)
        state = next((state for state in allowed if state.held == held), None)
    if state is None:
        raise Broken(f"neither the state before nor the one after: {_differences(contents(journal), allowed)}")
    return state


def expect_wiped(image: Image, nonces: frozenset[bytes], chance: random.Random) -> None:
    """Broken if a secret with one of these nonces stands anywhere in the files; some of them are searched for."""
    searched = chance.sample(sorted(nonces), min(len(nonces), GONE_MAX))
    if any(nonce in content for content in image.values() for nonce in searched):
        raise Broken("a secret that was deleted stands in the files")


def _look_at_everything(journal: SqliteJournal, state: State) -> None:
    if contents(journal) != state.held:
        raise Broken("the rows are those that were stored, and the journal reads them in another way")
    check(journal)
    journal.put_document("after", "the failure", b"it goes on", sealed=True)


def _recover_without(place: Place, disk: MediumVFS, allowed: Sequence[State], error: JournalError) -> State:
    """There is no journal yet, or a later version's: what each of them allows."""
    disk.heal()
    absent = next((state for state in allowed if state.held is None), None)
    if error.facts["reason"] == "missing" and absent is not None:
        place.opened(disk, create=True).close()
        return absent
    migrated = next((state for state in allowed if state.migrated), None)
    if error.facts["reason"] == "newer" and migrated is not None:
        _undo_migration(place, disk)
        journal = place.opened(disk)
        try:
            return _judged(journal, [migrated], same_run=True)
        finally:
            journal.close()
    raise Broken(f"the journal does not open: {error.facts}")


def _undo_migration(place: Place, disk: MediumVFS) -> None:
    """Look at what the later version's change made, and take it back, so that the rest can be read by this version."""
    connection = _raw(place, disk)
    missing = connection.execute(
        "SELECT count(*) FROM leaves LEFT JOIN later USING (key) WHERE later.leaf IS NOT leaves.leaf"
    ).get
    if missing:
        raise Broken(f"{missing} rows of a migration are missing")
    with connection:
        connection.execute("DROP TABLE later")
        connection.pragma("user_version", len(read_migrations()))
    connection.close()


def _raw(place: Place, disk: MediumVFS) -> apsw.Connection:
    connection = apsw.Connection(str(place.path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=disk.name)
    connection.pragma("locking_mode", "EXCLUSIVE")
    connection.pragma("journal_mode", "WAL")
    return connection


def _differences(found: Contents, allowed: Sequence[State]) -> str:
    texts = []
    for state in allowed:
        held = state.held or {}
        keys = [key for key in {**found, **held} if found.get(key) != held.get(key)]
        texts.append(", ".join(dict.fromkeys("a log" if isinstance(key, Log) else key[0] for key in keys)))
    return "; ".join(f"other {text} than in state {number}" for number, text in enumerate(texts))


def fail(
    place: Place, scenario: Scenario, states: Sequence[State], chance: random.Random, fault: Fault, at: int
) -> tuple[bool, int]:
    """Play a scenario on the disk as it stands, with one fault at its `at`-th operation that the fault can strike.

    states: what the same steps with the same chance led to without a fault. Gives whether the fault struck at all, and how
    often the power was cut afterwards. Broken if a step returned whose state is not there afterwards, if what was stored
    before is not, or if the journal says anything but JournalError.
    """
    disk = place.written
    disk.forgive()
    disk.strike(fault, at)
    reached, certain = _play_until_refused(place, scenario, states, chance)
    disk.heal()
    struck = disk.struck_by is not None
    cut = disk.dead
    if not cut and chance.random() < 0.5:
        disk.cut_power()
        cut = True
    disk.boot()
    allowed = states[reached : reached + (1 if certain else 2)]
    _, cuts = recover(place, disk, allowed, chance, same_run=False)
    return struck, cuts + cut


def _play_until_refused(place: Place, scenario: Scenario, states: Sequence[State], chance: random.Random) -> tuple[int, bool]:
    """The number of the last state that was promised, and whether nothing more can have been stored."""
    reached = 0
    try:
        journal = place.opened(place.written, create=scenario.fresh)
    except JournalError:
        return reached, False
    reached += 1
    try:
        for step in scenario.steps:
            kept = chance.getstate()
            try:
                step(journal, chance)
            except JournalError as error:
                if error.facts["reason"] != "disk-full":
                    _expect_stopped(journal)
                    if chance.random() < 0.5:  # a journal that failed must not go on writing while it is closed
                        place.written.strike("power", chance.randint(1, CLOSING_OPERATIONS))
                    return reached, False
                if contents(journal) != states[reached].held:
                    raise Broken("a step that a full disk refused left something") from error
                place.written.heal()
                chance.setstate(kept)
                step(journal, chance)
            reached += 1
    finally:
        journal.close()
    return reached, True


def _expect_stopped(journal: SqliteJournal) -> None:
    try:
        journal.put_document("after", "the failure", b"", sealed=False)
    except JournalError as error:
        if error.facts["reason"] == "stopped":
            return
    raise Broken("a journal that had failed took more")
