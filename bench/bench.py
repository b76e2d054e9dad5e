"""What every part of a run has at hand: a folder on the measured disk, how long to measure, and the floor of the same run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Floor, floor
from bench.report import median


@dataclass(frozen=True, slots=True)
class Scale:
    """How long to measure. log_sizes: entries of a log at which a notice is measured; the first is the one compared with."""

    rounds: int
    notices_a_round: int
    flow_seconds: float
    log_sizes: tuple[int, ...]
    evidence_entries: int
    lines: int
    starts: int


QUICK = Scale(6, 25, 3.0, (1_000, 5_000), 2_000, 100, 3)
NORMAL = Scale(20, 50, 8.0, (1_000, 100_000), 100_000, 100, 7)
FULL = Scale(40, 50, 20.0, (1_000, 10_000, 100_000, 1_000_000), 100_000, 100, 9)


@dataclass(slots=True)
class Bench:
    """One run. Each part measures the floor between its own samples, so that a busy machine slows both alike."""

    folder: Path
    scale: Scale
    floor: Floor

    def new_folder(self) -> Path:
        """An empty folder on the measured disk."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    def floor_median(self) -> float:
        """Seconds of one exchange at the floor, now."""
        return median(self.floor.seconds(self.scale.notices_a_round * 4))


@contextmanager
def begin(scale: Scale, disk: Path | None) -> Iterator[Bench]:
    """Begin a run. disk: a folder on the disk to be measured; None for the folder of temporary files."""
    with tempfile.TemporaryDirectory(dir=disk, prefix="watchline-bench-") as name:
        folder = Path(name)
        with floor(folder) as started:
            yield Bench(folder, scale, started)
