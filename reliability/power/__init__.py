"""Power cuts and failing disks under the real journal.

An even seed takes one of the scenarios, cuts the power at every operation of it, and lets operations fail in every way: each of
them where the scenario comes for the first time, and some by chance later.

An odd seed lives a random life: some steps, the power cut at every operation of them, and on from one of the cuts.
"""

from __future__ import annotations

import itertools
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reliability.medium import Fault, Image, MediumVFS
from reliability.power.camera import Camera
from reliability.power.contents import Broken
from reliability.power.lives import THOROUGH_SHARE, Life, Place, State, expect_wiped, fail, live, recover
from reliability.power.scenarios import ANY_TIME, SCENARIOS, Scenario, confirmed, line, other_line
from reliability.slices import Slice, command
from watchline.journal.sqlite import SqliteJournal, open_journal

KIND = "power"
FAULTS: tuple[Fault, ...] = ("io", "full", "short", "fsync", "read")
GENERATIONS = 4  # of a random life
STEPS_MAX = 4  # in each of them
COPIES = 3  # how often the power is cut at each operation of a scenario, and leaves something else
SAMPLES, SAMPLED = 4, 120  # how many operations fail, and of how many
FAILURES_MAX = 5  # a slice that finds so many has said enough


def run(
    seeds: range, *, camera: Callable[[str], Camera] = Camera, open_as: Callable[..., SqliteJournal] = open_journal
) -> Slice:
    """Run the seeds. camera, open_as: the disk and the journal under attack; a test gives broken ones, which must be found out.

    Counts: cuts, and of them those `cut_again` while a start was recovering from one; errors, injected one at a time.
    """
    counts: Counter[str] = Counter(cuts=0, cut_again=0, errors=0)
    failures: list[str] = []
    with _place(camera, open_as) as place:
        for seed in seeds:
            again = command(KIND, range(seed, seed + 1))
            try:
                for what in Attack(place, seed, counts).found():
                    failures.append(f"seed {seed}, {what}; repeat: {again}")  # noqa: PERF401 - kept if the next raises
            except Exception as error:  # noqa: BLE001 - a journal that raises anything but what it promises is a finding
                failures.append(f"seed {seed}, {type(error).__name__}: {error}; repeat: {again}")
            if len(failures) >= FAILURES_MAX:
                return Slice(KIND, range(seeds.start, seed + 1), dict(counts), tuple(failures[:FAILURES_MAX]))
    return Slice(KIND, seeds, dict(counts), tuple(failures))


@contextmanager
def _place(camera: Callable[[str], Camera], open_as: Callable[..., SqliteJournal]) -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        path.touch()
        disks = camera("power-written"), MediumVFS("power-read")
        try:
            yield Place(path, *disks, open_as)
        finally:
            for disk in disks:
                disk.unregister()


class Attack:
    """What one seed does to the journal."""

    def __init__(self, place: Place, seed: int, counts: Counter[str]) -> None:
        self.place = place
        self.seed = seed
        self.counts = counts
        self.chance = random.Random(seed)
        place.written.copies = 1
        place.written.chance = random.Random(seed + 1)
        place.read.chance = random.Random(seed + 2)

    def found(self) -> Iterator[str]:
        """A text for each thing that is not as promised."""
        if self.seed % 2:
            yield from self._random_life()
            return
        scenario = SCENARIOS[self.seed // 2 % len(SCENARIOS)]
        image, first = self._prepared(scenario)
        steps = self.chance.getrandbits(64)
        self.place.written.copies = COPIES
        states = self._photographed(image, scenario, random.Random(steps), first)
        yield from self._cut_everywhere(scenario.name, states)
        yield from self._fail_everywhere(scenario, image, states, steps)

    def _prepared(self, scenario: Scenario) -> tuple[Image, State]:
        """The disk on which a scenario begins, and the state of its journal."""
        disk = self.place.written
        disk.photographs = None
        disk.restore({str(self.place.path): b""})
        if scenario.fresh:
            return disk.snapshot(), State(None, None)
        life = Life(self.place, self.chance, State(None, None))
        life.begin()
        for step in scenario.before:
            life.play(step)
        life.end()
        return disk.snapshot(), life.states[-1]

    def _photographed(self, image: Image, scenario: Scenario, chance: random.Random, first: State) -> list[State]:
        """Play the scenario's steps on this disk, with photographs; the states they went through."""
        disk = self.place.written
        disk.restore(image)
        disk.photographs = []
        return live(self.place, scenario, chance, first)

    def _cut_everywhere(self, name: str, states: Sequence[State]) -> Iterator[str]:
        """Look at what each photograph shows."""
        photographs = self.place.written.photographs or []
        self.place.written.photographs = None
        for photograph in photographs:
            try:
                expect_wiped(photograph.image, states[photograph.moment].erased, self.chance)
                self.place.read.restore(photograph.image)
                self._recover(self.place.read, states[photograph.moment : photograph.moment + 2])
            except Broken as broken:
                yield f"{name}, power cut at operation {photograph.operation}: {broken}"

    def _recover(self, disk: MediumVFS, allowed: Sequence[State]) -> State:
        thorough = self.chance.random() < THOROUGH_SHARE
        state, cuts = recover(self.place, disk, allowed, self.chance, thorough=thorough)
        self.counts["cuts"] += 1 + cuts
        self.counts["cut_again"] += cuts
        return state

    def _fail_everywhere(self, scenario: Scenario, image: Image, states: Sequence[State], steps: int) -> Iterator[str]:
        everywhere = self.seed < 2 * len(SCENARIOS)
        for fault in FAULTS:
            for at in itertools.count(1) if everywhere else sorted(self.chance.sample(range(1, SAMPLED), SAMPLES)):
                self.place.written.restore(image)
                try:
                    struck, cuts = fail(self.place, scenario, states, random.Random(steps), fault, at)
                except Broken as broken:
                    yield f"{scenario.name}, fault {fault!r} at its operation {at}: {broken}"
                    break
                self.counts["cuts"] += cuts
                if not struck:
                    break
                self.counts["errors"] += 1

    def _random_life(self) -> Iterator[str]:
        disk = self.place.written
        image, state = self._prepared(Scenario("", (line, confirmed, other_line), ()))
        for generation in range(GENERATIONS):
            steps = tuple(self.chance.choices(ANY_TIME, k=self.chance.randint(1, STEPS_MAX)))
            scenario = Scenario(f"generation {generation}", (), steps)
            states = self._photographed(image, scenario, self.chance, state)
            taken = self.chance.choice(disk.photographs or [])
            yield from self._cut_everywhere(scenario.name, states)
            self.place.read.restore(taken.image)
            state, _ = recover(self.place, self.place.read, states[taken.moment : taken.moment + 2], self.chance)
            image = self.place.read.snapshot()
