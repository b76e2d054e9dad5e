"""Approximate time: "around spring" is a window of two dates, and the words as agreed in each language.

A date is a day on both sides' calendars, wherever they are. So a window begins when its first day begins anywhere (UTC+14), and
is over when its last day is over everywhere (UTC-12): nobody is late before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from watchline.core.encoding import Value

DueState = Literal["none", "not_yet", "due", "overdue"]

DAY_SECONDS = 86_400
EARLIEST_ZONE_SECONDS = 14 * 3_600  # days begin this much before they do in UTC
LATEST_ZONE_SECONDS = 12 * 3_600  # and end this much after
SECONDS_MAX = 253_402_300_799  # the end of the year 9999, the last that the catalogue's times can be
DAYS_MAX = SECONDS_MAX // DAY_SECONDS

NO_LANGUAGE = ""  # of words that were agreed in one text for all
SHOWN_OTHERWISE = "en"


@dataclass(frozen=True, order=True, slots=True)
class Approximate:
    """A time as agreed: exact, or a window with words. Ordered by when it is over, then by when it begins, then by its words.

    last, first: the last and the first second of it, since 1970; the same of an exact time. A window takes two days at least,
    so the two kinds are never equal; its first second is before 1970 if its first day is 1970-01-01. all_words: of a window,
    pairs of language and words, by language, the language "" if it has one text for all; of an exact time, none.
    """

    last: int
    first: int
    all_words: tuple[tuple[str, str], ...] = ()

    @classmethod
    def exactly(cls, seconds: int) -> Approximate:
        """That second."""
        return cls(seconds, seconds)

    @classmethod
    def read(cls, value: Value) -> Approximate:
        """What the catalogue's type `when` holds: seconds, or [first day, last day, words], words a text or a map of language
        to text.

        Raises ValueError for anything else: the catalogue has checked what a peer sent, so that is a bug of the caller.
        """
        if _is_number(value, SECONDS_MAX):
            return cls.exactly(value)
        if type(value) not in (list, tuple) or len(value) != 3:
            raise ValueError("neither seconds nor [first day, last day, words]")
        first, last, words = value
        if not _is_number(first, DAYS_MAX) or not _is_number(last, DAYS_MAX) or first > last:
            raise ValueError("no window of days: two days since 1970, the first not after the second")
        return cls(
            (last + 1) * DAY_SECONDS + LATEST_ZONE_SECONDS - 1,
            first * DAY_SECONDS - EARLIEST_ZONE_SECONDS,
            tuple(sorted(_checked_words(words))),
        )

    @property
    def is_exact(self) -> bool:
        """Whether it is one second, and no window."""
        return not self.all_words

    @property
    def days(self) -> tuple[int, int] | None:
        """The first and the last day of a window, in days since 1970; None for an exact time."""
        if self.is_exact:
            return None
        first = (self.first + EARLIEST_ZONE_SECONDS) // DAY_SECONDS
        return first, (self.last + 1 - LATEST_ZONE_SECONDS) // DAY_SECONDS - 1

    def due(self, now_seconds: int) -> DueState:
        """How what is due then stands now: due from the first second to the last, overdue after it."""
        if now_seconds < self.first:
            return "not_yet"
        return "due" if now_seconds <= self.last else "overdue"

    def words(self, language: str) -> str | None:
        """The words for a reader of this language (BCP 47); None for an exact time.

        Where none are in it: those of its nearest parent, then of a relative (zh for zh-Hans, or zh-Hans for zh), then in
        English, then the first. Words that are one text for all are for everyone.
        """
        if self.is_exact:
            return None
        found = {key.lower(): words for key, words in self.all_words}
        for wanted in _nearest(language.lower(), found):
            if wanted in found:
                return found[wanted]
        return self.all_words[0][1]


def due_state(due: Approximate | None, now_seconds: int) -> DueState:
    """As `Approximate.due`; "none" where nothing was agreed about when."""
    return "none" if due is None else due.due(now_seconds)


def _nearest(language: str, known: dict[str, str]) -> Iterator[str]:
    """The languages to try, best first, as RFC 4647, section 3.4 looks up, and then by the primary subtag alone."""
    subtags = language.split("-")
    for length in range(len(subtags), 0, -1):
        yield "-".join(subtags[:length])
    yield from (key for key in known if key.split("-")[0] == subtags[0])
    yield from (NO_LANGUAGE, SHOWN_OTHERWISE)


def _is_number(value: Value, at_most: int) -> bool:
    return type(value) is int and 0 <= value <= at_most


def _checked_words(words: Value) -> list[tuple[str, str]]:
    pairs = [(NO_LANGUAGE, words)] if type(words) is str else list(words.items()) if isinstance(words, Mapping) else []
    if not pairs or not all(type(key) is str and type(text) is str and text for key, text in pairs):
        raise ValueError("no words: a text, or a map of language to text")
    return pairs
