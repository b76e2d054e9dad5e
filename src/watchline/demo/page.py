"""How the demo tells: numbered scenes in 80 columns, every claim checked before it is printed, and the same as JSON.

Chinese and Japanese characters take two columns (UAX 11). Colour only on a terminal, and never where NO_COLOR is set.
"""

from __future__ import annotations

import os
import time
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from watchline.errors import NegativeAnswer

COLUMNS = 80
_BOLD, _GREEN = "1", "32"
_NEVER_FIRST, _NEVER_LAST = "、。，；：！？）」』”/,.;:!?)]", "（「『“([/"


class Page:
    """Where the play is told. out: None for a play that is only recorded. scenes: what was seen, as JSON values."""

    def __init__(self, out: TextIO | None, pace_seconds: float) -> None:
        self.scenes: list[dict[str, Any]] = []
        self._out = out
        self._pace_seconds = pace_seconds
        self._last = ""
        self._after_view = False
        self._colour = out is not None and out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def scene(self, title: str, *paragraphs: str) -> None:
        """Begin a scene, once the reader had time for the last one."""
        if self.scenes:
            self.pause()
        self._after_view = False
        self.scenes.append({"number": len(self.scenes) + 1, "title": title, "claims": [], "views": []})
        self._line()
        self._line(self._painted(f"{len(self.scenes):>2}. {title}", _BOLD))
        self.tell(*paragraphs)

    def tell(self, *paragraphs: str) -> None:
        """Say something in plain words."""
        for paragraph in paragraphs:
            self.lines(wrapped(paragraph, indent="    "))

    def item(self, text: str) -> None:
        """Say one of several things."""
        first, *rest = wrapped(text, indent=" " * 6)
        self.lines([f"    - {first.lstrip(' ')}", *rest])

    def view(self, lines: Iterable[str], seen: dict[str, Any]) -> None:
        """Show what a desk sees. seen: the same for programs."""
        self.scenes[-1]["views"].append(seen)
        self._after_view = False
        self.lines(["", *lines])
        self._after_view = True

    def lines(self, lines: Iterable[str]) -> None:
        """Print lines as they are, what is told apart from what is seen."""
        if self._after_view:
            self._after_view = False
            self._line()
        for line in lines:
            self._line(line)

    def claim(self, holds: bool, claim: str, **seen: Any) -> None:
        """Say that something holds, and what was seen. Raises NegativeAnswer if it does not: that ends the play."""
        if not holds:
            scene = self.scenes[-1]
            raise NegativeAnswer(
                f"scene {scene['number']} ({scene['title']}): it does not hold that {claim}",
                hint="this is a fault of the program or of this machine; run the demo again, and report it if it stays",
                scene=scene["number"],
                seen=repr(seen)[:2_000],
            )
        self.scenes[-1]["claims"].append({"claim": claim, "seen": seen})
        mark = self._painted("[holds]", _GREEN)
        first, *rest = wrapped(claim, indent=" " * 12)
        self.lines([f"    {mark} {first.lstrip(' ')}", *rest])

    def pause(self) -> None:
        """Let the reader read."""
        time.sleep(self._pace_seconds)

    def _painted(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def _line(self, text: str = "") -> None:
        if self._out is not None and (text or self._last):
            self._last = text
            encoding = self._out.encoding or "utf-8"
            print(text.encode(encoding, "backslashreplace").decode(encoding), file=self._out, flush=True)


def columns(text: str) -> int:
    """How wide a text stands on a terminal."""
    return sum(map(_width, text))


def padded(text: str, width: int) -> str:
    """The text with spaces behind it, up to this many columns."""
    return text + " " * max(0, width - columns(text))


def wrapped(text: str, *, indent: str = "", width: int = COLUMNS) -> Iterator[str]:
    """The text in lines of at most `width` columns, each behind the indent; broken behind spaces and wide characters."""
    line = indent
    for piece in _pieces(text):
        if columns(line + piece.rstrip(" ")) > width and line != indent:
            yield line.rstrip(" ")
            line = indent
        line += piece if line != indent else piece.lstrip(" ")
    yield line.rstrip(" ")


def _pieces(text: str) -> Iterator[str]:
    """The smallest parts between which a line may be broken."""
    piece = ""
    for character in text:
        if piece and character != " " and _may_break(piece[-1], character):
            yield piece
            piece = ""
        piece += character
    yield piece


def _may_break(before: str, after: str) -> bool:
    wide = 2 in (_width(before), _width(after))
    return before == " " or (wide and before not in _NEVER_LAST and after not in _NEVER_FIRST)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
