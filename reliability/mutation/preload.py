"""Loads, once and before the trials, those of our modules that a fault in another one cannot reach: most of what a trial would
load is the same for every mutant. What imports the mutated module, itself or by way of others, each trial loads for itself.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

from reliability.mutation.modules import ROOT

_SOURCE = ROOT / "src"
_LOADED = ("watchline/core", "watchline/journal")  # what nearly every test of core loads


def load_unaffected(module: str) -> None:
    """Load what does not depend on this module of core, and forget what was loaded for another one."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "watchline"]:
        del sys.modules[name]
    if str(_SOURCE) not in sys.path[:1]:  # this tree, whatever is installed
        sys.path.insert(0, str(_SOURCE))
    for name in sorted(unaffected(module)):
        importlib.import_module(name)


def unaffected(module: str) -> set[str]:
    """The names of the modules that import this one of core neither themselves nor by way of others."""
    imports = {_name(path): set(_imported(path)) for folder in _LOADED for path in (_SOURCE / folder).rglob("*.py")}
    affected, more = set[str](), {f"watchline.core.{module}"}
    while more:
        affected |= more
        more = {name for name, found in imports.items() if found & affected} - affected
    return imports.keys() - affected


def _name(path: Path) -> str:
    return ".".join(path.relative_to(_SOURCE).with_suffix("").parts).removesuffix(".__init__")


def _imported(path: Path) -> Iterator[str]:
    """All that a file may import, wherever in it; to import a module imports the packages above it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
    yield _name(path).rpartition(".")[0]
