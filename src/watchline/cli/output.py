"""The one place that prints: data to standard output, conversation to standard error, each error in one shape.

With --json the data is one object, and an error is `{"error": {kind, message, hint, facts}}`, on standard output as well: a
script reads one stream. What a peer wrote is shown with nothing in it that a terminal obeys.
"""

from __future__ import annotations

import codecs
import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from watchline.errors import WatchlineError

COLUMNS = 78
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


def columns(text: str) -> int:
    """How wide a text stands in a terminal: Chinese and Japanese characters take two columns (UAX 11), marks none."""
    return sum(
        2 if unicodedata.east_asian_width(character) in "WF" else 0 if unicodedata.combining(character) else 1
        for character in text
    )


def padded(text: str, width: int) -> str:
    """The text with spaces up to this many columns."""
    return text + " " * max(0, width - columns(text))


def wrapped(text: str, *, indent: str = "", width: int = COLUMNS) -> Iterator[str]:
    """The text in lines of at most `width` columns; its own line breaks stay, what follows a break is indented as its start."""
    for paragraph in text.split("\n"):
        lead = indent + paragraph[: len(paragraph) - len(paragraph.lstrip(" "))]
        line = lead
        for piece in _pieces(paragraph.strip(" ")):
            if columns(line + piece.rstrip(" ")) > width and line.strip():
                yield line.rstrip(" ")
                line = lead
                if not piece.strip(" "):
                    continue
            line += piece
        yield line.rstrip(" ")


def table(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Rows with their columns aligned."""
    listed = [list(row) for row in rows]
    widths = [max(columns(row[at]) for row in listed) for at in range(len(listed[0]))] if listed else []
    for row in listed:
        yield "  ".join(padded(text, width) for text, width in zip(row, widths, strict=True)).rstrip(" ")


def _pieces(text: str) -> Iterator[str]:
    """Where a line may be broken: behind spaces, and on either side of a wide character."""
    word = ""
    for character in text:
        if unicodedata.east_asian_width(character) in "WF":
            if word:
                yield word
                word = ""
            yield character
        else:
            word += character
            if character == " " or columns(word) >= COLUMNS // 2:
                yield word
                word = ""
    if word:
        yield word


def _print_json(document: dict[str, Any]) -> None:
    # What a terminal's encoding lacks must be escaped as JSON does it, not as Python does.
    everything = codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"
    _print(json.dumps(document, ensure_ascii=not everything, indent=2), sys.stdout)


def _print(text: str, stream: TextIO) -> None:
    text = _OBEYED.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
    encoding = stream.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
