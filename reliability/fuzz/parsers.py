"""Which functions of the program read foreign bytes, found by their names, and which of them the kept inputs get to.

So a new parser is missing until a target reaches it, or until `ELSEWHERE` says who else tries it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import watchline
from reliability.fuzz.corpus import inputs
from reliability.fuzz.target import Target

SOURCE = Path(watchline.__file__).parent
LAYERS = ("core", "desk", "routes", "witness", "console")
_NAME = re.compile(r"(decode|parse|parse_\w+|read_\w+|from_value)")

_OF_PARTS = "of a body and a content that have targets of their own"
_OUR_JOURNAL = "of this desk's own journal, whose content has a target"
_OUR_SEAL = "opens only under a key of this desk, which sealed it"

ELSEWHERE = {
    "desk/rungs.py read_withdrawal": _OF_PARTS,
    "desk/incarnation.py read_own": _OUR_JOURNAL,
    "desk/backup.py Contents.decode": _OUR_SEAL,
    "desk/medium.py KeptDesk.decode": _OUR_SEAL,
    "desk/medium.py read_route": _OUR_SEAL,
    "desk/spare.py GivenOut.decode": _OUR_SEAL,
    "desk/spare.py Spare.decode": _OUR_SEAL,
    "desk/spare.py read_spare": _OUR_SEAL,
    "witness/home.py read_witness": "opens only under the passphrase of the witness's operator, as `sealed-file` does",
}
"""Parsers that no target reaches: why not."""


def parsers() -> frozenset[str]:
    """Every function or method of these layers that is called as one that reads, as `core/silence.py Silence.decode`."""
    found = set()
    for layer in LAYERS:
        for path in sorted((SOURCE / layer).glob("*.py")):
            name = path.relative_to(SOURCE).as_posix()
            found |= {f"{name} {function}" for function in _functions(ast.parse(path.read_text()).body, "")}
    return frozenset(found)


def _functions(body: Iterable[ast.stmt], prefix: str) -> Iterable[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef) and _NAME.fullmatch(node.name):
            yield prefix + node.name
        elif isinstance(node, ast.ClassDef) and not prefix:
            yield from _functions(node.body, f"{node.name}.")


def reached(targets: Iterable[Target]) -> frozenset[str]:
    """Every function of the program that runs when the kept inputs of these targets are tried."""
    found: set[str] = set()

    def enter(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(str(SOURCE)):
            found.add(f"{Path(code.co_filename).relative_to(SOURCE).as_posix()} {code.co_qualname}")

    for target in targets:
        check = target.make()
        before = sys.getprofile()
        sys.setprofile(enter)
        try:
            for data in inputs(target.name):
                with suppress(*target.refusals):
                    bounded = check(data)
                    if bounded is not None:
                        bounded()
        finally:
            sys.setprofile(before)
    return frozenset(found)
