"""How text stands in columns of one width, as a terminal and a printed text file have them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

COLUMNS = 78


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
