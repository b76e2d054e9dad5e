"""One mutant against the tests: in a forked process, under a bound of processor time and memory, until the first test fails.

The parent has loaded every library that the tests load, and of ours what the fault cannot reach; the child loads the rest, with
the fault in it, and nothing is written to the working tree. So thousands of mutants cost little more than the tests that notice
them.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import io
import itertools
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import hypothesis
import pytest

from reliability.mutation.calls import Calls, CallWatch
from reliability.mutation.modules import ROOT, path_of
from reliability.mutation.operators import Change
from reliability.mutation.preload import load_unaffected

MEMORY_BYTES_MAX = 4 * 1024**3
_BASELINE_SECONDS_MAX = 600
EXAMPLES = 30  # of each property; more find nothing here that the plain tests do not, and take longer
_LIBRARIES = (
    "apsw", "cbor2", "cryptography.hazmat.primitives.asymmetric.mldsa", "cryptography.hazmat.primitives.asymmetric.mlkem",
    "cryptography.hazmat.primitives.hpke", "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.kdf.argon2", "cryptography.x509", "hypothesis.strategies", "nacl.bindings", "nacl.signing",
    "unittest.mock", "zipfile",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial ended: "killed" by the test of that id, "timeout" (it ran too long or took too much memory; it counts as
    killed), or "survived". seconds: of processor time.
    """

    result: str
    by: str
    seconds: float

    @property
    def is_killed(self) -> bool:
        """Whether the tests noticed."""
        return self.result != "survived"


@dataclass(slots=True)
class Order:
    """Which tests run first: those that noticed most faults before, then the quickest. It changes no result, only the time."""

    seconds: dict[str, float] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=dict)

    def rank(self, test: str) -> tuple[int, float]:
        """What to sort by."""
        return -self.kills.get(test, 0), self.seconds.get(test, 0.0)


class _WithFault(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads the one module with its fault; everything else as it is."""

    def __init__(self, module: str, code: CodeType) -> None:
        self._name, self._code, self._path = f"watchline.core.{module}", code, path_of(module)

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)  # noqa: S102 - the fault is our own


def load_libraries(cache: Path) -> None:
    """Load what every child needs, so that none of them has to; what is not installed, the tests will miss by themselves.

    cache: where compiled tests and modules go, as they are loaded again for every mutant.
    """
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(cache)
    for name in _LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def try_all(
    module: str, tests: Sequence[str], changes: Sequence[Change], note: Callable[[Change, Outcome], None], *, jobs: int = 1
) -> None:
    """Try each change with the first file of tests, those that survive with the next, and so on; `note` gets each outcome as
    it comes. jobs: trials at once. Raises RuntimeError if tests do not pass without a fault, or could not be run.
    """
    left = list(changes)
    load_unaffected(module)
    for test in tests[:-1]:
        left = _survivors(module, test, left, note, jobs)
    _try_with(module, tests[-1], left, note, jobs)


def _survivors(
    module: str, test: str, changes: Sequence[Change], note: Callable[[Change, Outcome], None], jobs: int
) -> list[Change]:
    survivors: list[Change] = []

    def tell(change: Change, outcome: Outcome) -> None:
        if outcome.is_killed:
            note(change, outcome)
        else:
            survivors.append(change)

    _try_with(module, test, changes, tell, jobs)
    return survivors


def _try_with(module: str, test: str, changes: Sequence[Change], note: Callable[[Change, Outcome], None], jobs: int) -> None:
    if not changes:
        return
    trials = _Trials(module, changes, note, jobs)
    quiet = ("-q", "--no-header", "--no-summary", "--tb=no", "-p", "no:cacheprovider", "--assert=plain", "--exitfirst")
    # The libraries are loaded before pytest begins, and it would warn of that.
    parent = os.getpid()
    try:
        with contextlib.chdir(ROOT), contextlib.redirect_stdout(io.StringIO()):
            pytest.main([*quiet, "-W", "ignore::pytest.PytestAssertRewriteWarning", test], plugins=[trials])
    finally:
        if os.getpid() != parent:  # a child whose session could not end as it should, as where its parent is gone
            os._exit(1)
    if trials.failure:
        raise RuntimeError(trials.failure)


class _Trials:
    """A pytest plugin. The parent stops before the collection, and forks there for each trial; the child loads the module with
    its fault, goes on with the collection, and ends with the session.
    """

    def __init__(self, module: str, changes: Sequence[Change], note: Callable[[Change, Outcome], None], jobs: int) -> None:
        self.failure = "pytest did not start"
        self._module, self._changes, self._note, self._jobs = module, changes, note, jobs
        self._order = Order()
        self._calls = Calls()
        self._watch: CallWatch | None = None  # in the child that tries no fault
        self._where = ""
        self._saw = _Seen()
        self._parent = os.getpid()
        self._told = -1  # the child's end of the pipe to its parent

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        """Draw the same few examples each time, and do not look for smaller ones."""
        drawn = hypothesis.settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.settings.register_profile("mutation", drawn)
        hypothesis.settings.load_profile("mutation")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> bool | None:
        """The parent makes its trials and collects nothing; None in a child, which goes on."""
        if f"watchline.core.{self._module}" in sys.modules:  # by a conftest, say: no trial would have its fault
            self.failure = f"{self._module} was loaded before the trials began"
            return True
        self.failure = ""
        child = self._begin(None, cpu_seconds_max=_BASELINE_SECONDS_MAX)
        if child is None:
            self._watch = CallWatch(path_of(self._module))
            return None
        seen, cpu_seconds = child.end()
        if seen is None or seen.failed or not seen.seconds:
            self.failure = f"the tests of {self._module} do not pass without a fault: {seen.failed if seen else 'no result'}"
            return True
        self._order = Order(seen.seconds)
        self._calls = Calls(seen.everywhere, seen.by_test)
        return None if self._try_changes(int(3 + 2 * cpu_seconds)) else True

    def _try_changes(self, cpu_seconds_max: int) -> bool:
        """Whether this is a child now."""
        for change in self._changes:
            if not self._calls.is_seen(change.mutant.where):
                self._note(change, Outcome("survived", "", 0.0))
        waiting = iter([change for change in self._changes if self._calls.is_seen(change.mutant.where)])
        running: dict[int, tuple[Change, _Child]] = {}
        while True:
            for change in itertools.islice(waiting, self._jobs - len(running)):
                child = self._begin(change, cpu_seconds_max=cpu_seconds_max)
                if child is None:
                    return True
                running[child.pipe] = change, child
            if not running:
                return False
            ready, _, _ = select.select(list(running), [], [], 1.0)
            late = [pipe for pipe, (_, child) in running.items() if child.is_late()]
            for pipe in {*ready, *late}:
                change, child = running.pop(pipe)
                outcome = child.outcome()
                self._order.kills[outcome.by] = self._order.kills.get(outcome.by, 0) + 1
                self._note(change, outcome)

    def _begin(self, change: Change | None, *, cpu_seconds_max: int) -> _Child | None:
        """Fork; None in the child, which has the fault, its bounds and its pipe."""
        pipe, self._told = os.pipe()
        pid = os.fork()
        if pid:
            os.close(self._told)
            return _Child(pid, pipe, cpu_seconds_max)
        quiet = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(quiet, stream)
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds_max, cpu_seconds_max))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if change is not None:
            self._where = change.mutant.where
            sys.meta_path.insert(0, _WithFault(self._module, change.compiled(str(path_of(self._module)))))
        return None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self._watch is None:
            items[:] = [item for item in items if self._calls.sees(item.nodeid, self._where)]
            items.sort(key=lambda item: self._order.rank(item.nodeid))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        with self._watching(item.nodeid):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        if fixturedef.scope == "function":
            return (yield)
        with self._watching(None):
            return (yield)

    def _watching(self, test: str | None) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self._watch is None else self._watch.during(test)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._saw.failed = self._saw.failed or report.nodeid

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._saw.seconds[report.nodeid] = self._saw.seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self._saw.failed = self._saw.failed or report.nodeid

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """The child says what it saw and is gone; the parent goes on to its end."""
        if os.getpid() == self._parent:
            return
        if self._watch is not None:
            calls = self._watch.end()
            self._saw.everywhere, self._saw.by_test = calls.everywhere, calls.by_test
        if not self._saw.failed and exitstatus != pytest.ExitCode.OK:
            self._saw.failed = f"pytest ended with {exitstatus}"
        told = memoryview(json.dumps(asdict(self._saw)).encode())
        while told:
            told = told[os.write(self._told, told) :]
        os._exit(0)


@dataclass(slots=True)
class _Seen:
    """What a child tells its parent. failed: the first test or file that failed, "" for none; seconds: by test.

    everywhere, by_test: as `Calls` has them, of the trial without a fault.
    """

    failed: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    everywhere: list[str] = field(default_factory=list)
    by_test: dict[str, list[str]] = field(default_factory=dict)


class _Child:
    """The parent's hold on one trial."""

    def __init__(self, pid: int, pipe: int, cpu_seconds_max: int) -> None:
        self.pipe = pipe
        self._pid = pid
        self._latest = time.monotonic() + 120 + 20 * cpu_seconds_max  # for one that waits for ever, without the processor

    def is_late(self) -> bool:
        return time.monotonic() > self._latest

    def end(self) -> tuple[_Seen | None, float]:
        """Wait for what the child says, or stop it if it is late: that, None if it said nothing, and its processor time."""
        written = b""
        while select.select([self.pipe], [], [], max(0.0, self._latest - time.monotonic()))[0]:
            piece = os.read(self.pipe, 65_536)
            written += piece
            if not piece:
                break
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.close(self.pipe)
        _, _, used = os.wait4(self._pid, 0)
        return _Seen(**json.loads(written)) if written.endswith(b"}}") else None, used.ru_utime + used.ru_stime

    def outcome(self) -> Outcome:
        """How the trial ended."""
        seen, seconds = self.end()
        if seen is None:
            return Outcome("timeout", "", seconds)
        return Outcome("killed" if seen.failed else "survived", seen.failed, seconds)
