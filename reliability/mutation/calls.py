"""Which functions of a module each test calls: a fault in a function is shown to those that call it, and to no other test."""

from __future__ import annotations

import functools
import gc
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any


@dataclass(slots=True)
class Calls:
    """What was called. everywhere: while the tests were loaded, or for more than one of them; by_test: by each test.

    Names are those of `Mutant.where`. A class stands among what was called where it is defined, "" for the module.
    """

    everywhere: list[str] = field(default_factory=list)
    by_test: dict[str, list[str]] = field(default_factory=dict)

    def sees(self, test: str, where: str) -> bool:
        """Whether a fault there can make a difference to this test."""
        return where in self.everywhere or where in self.by_test.get(test, ())

    def is_seen(self, where: str) -> bool:
        """Whether it can make one to any."""
        return where in self.everywhere or any(where in called for called in self.by_test.values())


class CallWatch:
    """Watches the calls of one module's functions in this thread, from now on. path: the module's file."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._everywhere: set[str] = set()
        self._by_test: dict[str, set[str]] = {}
        self._now = self._everywhere
        self._kept: set[int] = set()
        self._kept_depth = 0  # how many functions whose results are kept are being called
        self._names: dict[int, str] = {}
        self._before = sys.gettrace()
        sys.settrace(self._see)

    @contextmanager
    def during(self, test: str | None) -> Iterator[None]:
        """What is called meanwhile, is called by this test; None: for more than one of them."""
        before, self._kept = self._now, _whose_results_are_kept()
        self._now = self._everywhere if test is None else self._by_test.setdefault(test, set())
        try:
            yield
        finally:
            self._now = before

    def end(self) -> Calls:
        """Watch no more, and give what was seen."""
        sys.settrace(self._before)
        return Calls(sorted(self._everywhere), {test: sorted(called) for test, called in self._by_test.items()})

    def _see(self, frame: FrameType, _event: str, _argument: object) -> Any:
        code = frame.f_code
        kept = id(code) in self._kept
        self._kept_depth += kept
        if code.co_filename == self._path:
            name = self._names.get(id(code)) or self._names.setdefault(id(code), _where(code))
            (self._everywhere if self._kept_depth else self._now).add(name)
        return self._leave if kept else None

    def _leave(self, _frame: FrameType, event: str, _argument: object) -> Any:
        self._kept_depth -= event == "return"
        return self._leave


def _where(code: CodeType) -> str:
    """As `Mutant.where` names it: what is nested without a name counts as the function around it."""
    return re.sub(r"\.?<\w+>", "", code.co_qualname)


def _whose_results_are_kept() -> set[int]:
    """The id of the code of each function whose results are kept for the next caller."""
    alive = gc.get_objects()
    kept = [each.__wrapped__ for each in alive if type(each) is functools._lru_cache_wrapper]
    kept += [each.func for each in alive if type(each) is functools.cached_property]
    return {id(function.__code__) for function in kept if hasattr(function, "__code__")}
