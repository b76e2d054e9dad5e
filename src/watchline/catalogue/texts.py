"""Text that people write and read: what is allowed in it, how to show what is not, how many words it has.

Refused are control characters (a terminal would obey them), bidirectional overrides and isolates (they make a screen show
another order of words than was signed), line and paragraph separators, and lone surrogates, which UTF-8 does not have.
"""

from __future__ import annotations

import re

_BIDI = "\u202a-\u202e\u2066-\u2069"
_FORBIDDEN = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029{_BIDI}\ud800-\udfff]")
_FORBIDDEN_IN_A_LINE = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029{_BIDI}\ud800-\udfff]")

# Han characters and kana, also the half-width ones: scripts written without spaces, where two characters make about one word.
# Compiled at its first use: few commands count words, and it is the slowest of all to compile.
_IDEOGRAPH = "[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
_WORD_CHARACTERS_MAX = 30  # a longer run counts again: other scripts without spaces, and words glued together

GIVEN_CHARACTERS_MAX = 80  # how much of a wrong value an error repeats


def is_clean(text: str, *, lines: bool) -> bool:
    """Whether the text holds only what may be sent. lines: whether tabs and newlines may be in it."""
    return (_FORBIDDEN if lines else _FORBIDDEN_IN_A_LINE).search(text) is None


def visible(text: str) -> str:
    """The text with what may not be in it made visible by its number in Unicode; newlines and tabs stay."""
    return _FORBIDDEN.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def one_line(text: str, characters_max: int) -> str:
    """The text fit for one line of a terminal, log or error: what is not allowed becomes visible, the rest is cut."""
    shown = _FORBIDDEN_IN_A_LINE.sub(lambda match: f"\\u{ord(match.group()):04x}", text[: characters_max + 1])
    return shown if len(shown) <= characters_max else shown[: characters_max - 1] + "…"


def word_count(text: str) -> int:
    """Words of a text, one rule for all scripts.

    Two Han characters or kana are one word, rounded up; anything else between spaces that has a letter or digit is one word
    for each 30 characters begun.
    """
    rest, ideographs = re.subn(_IDEOGRAPH, " ", text)
    runs = (len(run) for run in rest.split() if any(character.isalnum() for character in run))
    return (ideographs + 1) // 2 + sum(-(-length // _WORD_CHARACTERS_MAX) for length in runs)
