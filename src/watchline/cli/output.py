"""The one place that prints: data to standard output, conversation to standard error, each error in one shape.

With --json the data is one object, and an error is `{"error": {kind, message, hint, facts}}`, on standard output as well: a
script reads one stream. What a peer wrote is shown with nothing in it that a terminal obeys.
"""

from __future__ import annotations

import codecs
import json
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from watchline.desk.columns import COLUMNS, columns, padded, wrapped
from watchline.errors import WatchlineError

__all__ = ["COLUMNS", "Output", "columns", "padded", "table", "wrapped"]

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Output:
    """Where a command's results go. json: for programs."""

    def __init__(self) -> None:
        self.json = False

    def result(self, document: dict[str, Any], lines: Iterable[str]) -> None:
        """Print what was asked for: the document for programs, the lines for people."""
        if self.json:
            _print_json(document)
        else:
            for line in lines:
                _print(line, sys.stdout)

    def say(self, text: str) -> None:
        """Tell the person who typed something that is not the result."""
        for line in wrapped(text):
            _print(line, sys.stderr)

    def error(self, kind: str, message: str, hint: str, facts: dict[str, Any]) -> None:
        """Print an error, in the one shape there is."""
        if self.json:
            error = {"kind": kind, "message": message, "hint": hint, "facts": facts}
            _print_json({"error": error})
        else:
            self.say(f"watchline: {message}")
            if hint:
                self.say(f"  {hint}")

    def refuse(self, error: WatchlineError) -> int:
        """Print one of our own errors; give the exit code it ends with."""
        self.error(error.kind, error.message, error.hint, dict(error.facts))
        return error.exit_code


def table(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Rows with their columns aligned."""
    listed = [list(row) for row in rows]
    widths = [max(columns(row[at]) for row in listed) for at in range(len(listed[0]))] if listed else []
    for row in listed:
        yield "  ".join(padded(text, width) for text, width in zip(row, widths, strict=True)).rstrip(" ")


def _print_json(document: dict[str, Any]) -> None:
    # What a terminal's encoding lacks must be escaped as JSON does it, not as Python does.
    everything = codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"
    _print(json.dumps(document, ensure_ascii=not everything, indent=2), sys.stdout)


def _print(text: str, stream: TextIO) -> None:
    text = _OBEYED.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
    encoding = stream.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
