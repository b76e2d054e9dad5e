"""One input under the bounds that hold for any: no crash, 50 ms of processor time, 64 MiB.

Time is that of this process and not of the clock on the wall, and an input is too slow only if it is so each of four times:
a busy machine or a garbage collection makes no failure. Memory is the growth of the largest size that the process ever had,
which a first use of a library moves too; so what exceeds it is tried again under tracemalloc, which sees this input alone.
"""

from __future__ import annotations

import gc
import resource
import sys
import time
import traceback
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from reliability.fuzz.target import Check, Target

CPU_SECONDS_MAX = 0.05
MEMORY_BYTES_MAX = 64 * 1024 * 1024
TRIES = 4
BEYOND_DOUBT = 10  # what takes so many times the bound is not tried again
_ROOM_BYTES = 512 * 1024 * 1024  # what a whole slice may take beside its inputs; above it, an allocation fails at once
_RSS_UNIT = 1024 if sys.platform != "darwin" else 1


@dataclass(frozen=True, slots=True)
class Finding:
    """What an input broke. place: what makes two findings the same one; text: what a person reads."""

    place: str
    text: str


class Judge:
    """Gives inputs to one target and says what they break. taken: how many inputs were not refused."""

    def __init__(self, target: Target, *, cpu_seconds_max: float = CPU_SECONDS_MAX) -> None:
        self.target = target
        self.taken = 0
        self._cpu_seconds_max = cpu_seconds_max
        self._refusals = target.refusals
        self._check: Check = target.make()
        self._started = 0.0
        _forget_peak()
        self._peak = _peak_bytes()

    def try_input(self, data: bytes) -> Finding | None:
        """None if the target took or refused the input within its bounds."""
        try:
            self._give(data)
            self.taken += 1
        except self._refusals:
            pass
        except MemoryError:
            return self._again_alone(data)
        except Exception as error:  # noqa: BLE001 - whatever else comes out of a parser is what is looked for
            return Finding(
                f"{type(error).__name__} {_place(error)}", f"{type(error).__name__}: {error} ({_place(error)})"[:400]
            )
        used = time.process_time() - self._started
        if used > self._cpu_seconds_max:
            slow = used if used > BEYOND_DOUBT * self._cpu_seconds_max else self._is_slow(data)
            if slow:
                return Finding("slow", f"{slow * 1000:.0f} ms of processor time")
        peak = _peak_bytes()
        if peak - self._peak > MEMORY_BYTES_MAX:
            self._peak = peak
            return self._again_alone(data)
        self._peak = peak
        return None

    def measure_memory(self, data: bytes) -> Finding | None:
        """The same bound with tracemalloc, which is slow and sees every Python allocation: for what is replayed."""
        tracemalloc.start()
        try:
            self._give(data)
        except self._refusals:
            pass
        except Exception as error:  # noqa: BLE001 - as in try_input
            return Finding(f"{type(error).__name__} {_place(error)}", f"{type(error).__name__}: {error}"[:400])
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return Finding("memory", f"{peak:,} bytes at once") if peak > MEMORY_BYTES_MAX else None

    def _give(self, data: bytes) -> None:
        self._started = time.process_time()
        bounded = self._check(data)
        if bounded is not None:
            self._started = time.process_time()
            bounded()

    def _is_slow(self, data: bytes) -> float | None:
        """The least time of some more tries, if even that is too long."""
        times = []
        gc.collect()
        for _ in range(TRIES - 1):
            with suppress(*self._refusals):
                self._give(data)
            times.append(time.process_time() - self._started)
            if times[-1] <= self._cpu_seconds_max:
                return None
        return min(times)

    def _again_alone(self, data: bytes) -> Finding | None:
        gc.collect()
        with bounded_memory():
            return self.measure_memory(data)


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Within it, what asks for much more memory than a slice needs gets a MemoryError, touched or not."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else None
    if pages is not None:
        wanted = pages * resource.getpagesize() + _ROOM_BYTES
        if before[0] == resource.RLIM_INFINITY or wanted < before[0]:
            resource.setrlimit(resource.RLIMIT_AS, (wanted, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _forget_peak() -> None:
    """Let the peak begin anew, where the system can: after a high one nothing would show below it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT


def _place(error: BaseException) -> str:
    """Where it was raised: the innermost frame of the project, else of all."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/watchline/" in frame.filename] or list(frames)
    frame = ours[-1]
    return f"{Path(frame.filename).parent.name}/{Path(frame.filename).name}:{frame.name}"
