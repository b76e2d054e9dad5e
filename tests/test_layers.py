"""Imports point down only, and core cannot touch the world: no files, sockets, clock, randomness, threads or console."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "watchline"

# What a part may import besides itself. The demo plays on the command line, and the command line starts it.
BELOW = {
    "errors": set[str](),
    "core": {"errors"},
    "journal": {"core", "errors"},
    "routes": {"core", "errors"},
    "catalogue": {"core", "errors"},
    "talks": {"core", "errors"},
    "desk": {"journal", "routes", "catalogue", "talks", "core", "errors"},
    "witness": {"desk", "journal", "routes", "catalogue", "core", "errors"},
    "console": {"desk", "catalogue", "core", "errors"},
    "demo": {"cli", "desk", "journal", "routes", "catalogue", "core", "errors"},
    "cli": {"demo", "witness", "console", "desk", "journal", "routes", "catalogue", "core", "errors"},
    "__main__": {"cli"},
    "__init__": set[str](),
}

# Core may use these and nothing else, so that what is new has to be looked at once.
PURE = {
    "__future__", "abc", "array", "base64", "binascii", "bisect", "collections", "contextlib", "copy", "cryptography",
    "dataclasses", "datetime", "enum", "fractions", "functools", "hashlib", "heapq", "hmac", "io", "ipaddress", "itertools",
    "json", "math", "nacl", "operator", "re", "string", "struct", "textwrap", "types", "typing", "unicodedata", "zlib",
}  # fmt: skip

# Names that reach the world through a module that is pure otherwise.
WORLDLY_CALLS = {"open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__"}
WORLDLY_ATTRIBUTES = {
    "now", "utcnow", "today", "FileIO", "open_code", "urandom", "generate", "generate_key", "random_serial_number",
}  # fmt: skip
WORLDLY_NAMES = {"nacl.utils", "io.open"}


def imported_modules(tree: ast.AST) -> Iterator[str]:
    """Every name that an import may load: of `from a import b` both `a` and `a.b`, as `b` may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield "." * node.level + (node.module or "")
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def refusals(part: str, source: str) -> list[str]:
    """Why a module of `part` with this text breaks the layers; empty where it does not."""
    tree = ast.parse(source)
    return [*upward_imports(part, tree), *(worldly_uses(tree) if part == "core" else ())]


def upward_imports(part: str, tree: ast.AST) -> Iterator[str]:
    for name in imported_modules(tree):
        if name.startswith("."):
            yield f"{name} is relative: its layer cannot be seen"
        root, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        if root == "watchline" and target and target not in {part, "__version__"} | BELOW[part]:
            yield f"{part} may not import {name}"


def worldly_uses(tree: ast.AST) -> Iterator[str]:
    for name in imported_modules(tree):
        if name.partition(".")[0] not in PURE | {"watchline"} or name in WORLDLY_NAMES:
            yield f"core may not import {name}"
        if name.rpartition(".")[2] in WORLDLY_ATTRIBUTES and name.partition(".")[0] != "watchline":
            yield f"core may not take {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in WORLDLY_CALLS and isinstance(node.ctx, ast.Load):
            yield f"line {node.lineno}: core may not use {node.id}"
        elif isinstance(node, ast.Attribute) and (node.attr in WORLDLY_ATTRIBUTES or ast.unparse(node) in WORLDLY_NAMES):
            yield f"line {node.lineno}: core may not use {ast.unparse(node)}"


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


MODULES = sorted(PACKAGE.rglob("*.py"))


def test_every_part_of_the_package_has_its_place() -> None:
    assert {part_of(path) for path in MODULES} <= BELOW.keys()
    assert {"core", "errors"} <= {part_of(path) for path in MODULES}


@pytest.mark.slow
@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    assert refusals(part_of(path), path.read_text()) == []


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("errors", "import watchline.core.encoding"),
        ("core", "from watchline.journal import store"),
        ("core", "from watchline import desk"),
        ("core", "def late():\n    import watchline.cli.main"),
        ("core", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from watchline.desk import node"),
        ("journal", "from watchline.routes import direct"),
        ("routes", "from watchline import catalogue"),
        ("catalogue", "import watchline.journal.store"),
        ("desk", "from watchline.cli import main"),
        ("desk", "from watchline.console import service"),
        ("console", "from watchline.cli import main"),
        ("desk", "from ..cli import main"),
        ("desk", "from . import node"),
        ("journal", "from watchline.desk.node import Node"),
    ],
)
def test_import_that_points_up_or_sideways_is_refused(part: str, source: str) -> None:
    assert refusals(part, source)


@pytest.mark.parametrize(
    "module",
    [
        "os", "os.path", "socket", "ssl", "time", "random", "secrets", "uuid", "asyncio", "threading", "multiprocessing",
        "pathlib", "subprocess", "tempfile", "shutil", "logging", "sqlite3", "importlib", "builtins", "sys", "apsw", "OpenSSL",
        "uvloop", "click", "structlog", "nacl.utils",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["import {}", "import {} as pure", "from {} import thing", "def late():\n    import {}"])
def test_core_that_imports_what_touches_the_world_is_refused(module: str, form: str) -> None:
    assert refusals("core", form.format(module))
    assert not refusals("desk", form.format(module))


@pytest.mark.parametrize(
    "source",
    [
        "import datetime\nat = datetime.datetime.now(datetime.UTC)",
        "from datetime import date\nday = date.today()",
        "from datetime import datetime\nclock = datetime.utcnow",
        "text = open('/etc/hostname').read()",
        "import io\ntext = io.open('/etc/hostname').read()",
        "from io import open as bring",
        "from nacl.utils import random",
        "import nacl\nseed = nacl.utils.random(32)",
        "print('here')",
        "show = print",
        "exec('import os')",
        "os = __import__('os')",
        "from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey\nkey = Ed25519PrivateKey.generate()",
        "from cryptography.hazmat.primitives.ciphers.aead import AESGCM\nkey = AESGCM.generate_key(256)",
    ],
)
def test_core_that_reaches_the_world_through_a_pure_module_is_refused(source: str) -> None:
    assert refusals("core", source)


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("core", "import hashlib\nimport struct, zlib\nfrom dataclasses import dataclass"),
        ("core", "from watchline.core.encoding import decode\nfrom watchline.errors import Malformed"),
        ("core", "from datetime import UTC, datetime\nat = datetime.fromtimestamp(0, UTC)"),
        ("core", "def due(now: int) -> bool:\n    return now > 0"),
        ("core", "def seed(moment):\n    return moment.random(32)"),
        ("core", "class Status:\n    open: tuple[str, ...]\n\ndef first(key):\n    return key.open(b'sealed')"),
        ("desk", "import asyncio, os, time\nfrom watchline.journal import store"),
        ("desk", "from watchline import __version__"),
        ("demo", "from watchline.cli import main"),
        ("cli", "from watchline.demo import play"),
    ],
)
def test_import_that_points_down_is_allowed(part: str, source: str) -> None:
    assert refusals(part, source) == []
