"""The two kinds of time a field can hold: an exact one, and one that may be approximate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import ClassVar

from watchline.catalogue import times
from watchline.catalogue.given import Allowed, Json, NotAllowed, structure, typed, within
from watchline.catalogue.kinds import Language, NameReference, Reader, ResolveReference, Text
from watchline.catalogue.languages import serving
from watchline.core.encoding import Value

WORDS_LANGUAGES_MAX = 16

# A date is a day on both sides' calendars: it begins where days begin first (UTC+14), and is over where they end last (UTC-12).
_DAY_SECONDS, _EARLIEST_ZONE_SECONDS, _LATEST_ZONE_SECONDS = 86_400, 14 * 3_600, 12 * 3_600


def is_over_before(one: Value, other: Value) -> bool:
    """Whether a checked value of the types utc, when or int is over before another one of its type begins."""
    if isinstance(one, list | tuple):
        one = (one[1] + 1) * _DAY_SECONDS + _LATEST_ZONE_SECONDS - 1
    if isinstance(other, list | tuple):
        other = other[0] * _DAY_SECONDS - _EARLIEST_ZONE_SECONDS
    return bool(one < other)


class Time:
    """An exact time."""

    translation: ClassVar[str | None] = None

    @property
    def allowed(self) -> Allowed:
        return "a time of RFC 3339 with its offset, in whole seconds, such as 2025-12-06T16:32:00+09:00"

    def parse(self, given: Json, resolve: ResolveReference) -> Value:
        value = times.parse_time(typed(given, self.allowed))
        self.check(value)
        return value

    def check(self, value: Value) -> None:
        if type(value) is not int or not 0 <= value <= times.SECONDS_MAX:
            raise NotAllowed(self.allowed)

    def to_json(self, value: Value, name: NameReference) -> Json:
        return times.format_time(value)

    def show(self, value: Value, reader: Reader) -> str:
        return times.show_time(value, reader.zone)


class When:
    """An exact time, or a window of two dates with the words as agreed.

    On the wire: seconds, or [first day, last day, words]. The words are text, or a map from language to text where both sides
    agreed on them in several; a reader sees those of their own language.
    """

    translation: ClassVar[str | None] = "original"
    _exact: ClassVar[Time] = Time()
    _words: ClassVar[Text] = Text(200)
    _language: ClassVar[Language] = Language()
    _begins_with_language: ClassVar[re.Pattern[str]] = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,6}\s*=")

    @property
    def allowed(self) -> Allowed:
        return (
            f"{self._exact.allowed}; or two dates and the words as agreed, such as 2023-03-01/2023-05-31 around spring, "
            "or 2023-03-01/2023-05-31 en=around spring; ja=春頃"
        )

    def parse(self, given: Json, resolve: ResolveReference) -> Value:
        given = structure(given, self.allowed)
        if isinstance(given, dict):
            if set(given) != {"from", "to", "words"} or not all(type(given[key]) is str for key in ("from", "to")):
                raise NotAllowed(f"{self.allowed}; as JSON, an object with from, to and words")
            return self._window(given["from"], given["to"], self._words_of_json(given["words"], resolve))
        text = typed(given, self.allowed)
        dates, _, said = text.partition(" ")
        first, slash, last = dates.partition("/")
        if not slash:
            return self._exact_time(text)
        return self._window(first, last, self._words_as_typed(said.strip(), resolve))

    def check(self, value: Value) -> None:
        if type(value) is int and 0 <= value <= times.SECONDS_MAX:
            return
        if type(value) not in (list, tuple) or len(value) != 3:
            raise NotAllowed(self.allowed)
        first, last, words = value
        if type(first) is not int or type(last) is not int or not 0 <= first <= last <= times.DAYS_MAX:
            raise NotAllowed(f"{self.allowed}; the first date not after the second")
        if not isinstance(words, Mapping):
            self._check_text(words)
            return
        if not 1 <= len(words) <= WORDS_LANGUAGES_MAX:
            raise NotAllowed(f"{self.allowed}; the words in 1 to {WORDS_LANGUAGES_MAX} languages")
        for language, text in words.items():
            within("[language]", language, self._language.check)
            within(f"[{language}]", text, self._check_text)

    def to_json(self, value: Value, name: NameReference) -> Json:
        if type(value) is int:
            return times.format_time(value)
        words = value[2]
        said = {tag: words[tag] for tag in sorted(words)} if isinstance(words, Mapping) else words
        return {"from": times.format_day(value[0]), "to": times.format_day(value[1]), "words": said}

    def show(self, value: Value, reader: Reader) -> str:
        if type(value) is int:
            return times.show_time(value, reader.zone)
        return f"{times.format_day(value[0])} – {times.format_day(value[1])} {self._shown_words(value[2], reader.tag)}"

    @staticmethod
    def texts(value: Value) -> list[str]:
        """The author's words in it, in all languages; none in an exact time."""
        if type(value) is int:
            return []
        return list(value[2].values()) if isinstance(value[2], Mapping) else [value[2]]

    @staticmethod
    def _shown_words(words: str | Mapping[str, str], tag: str) -> str:
        """The words in the reader's language; where it has none in English, else in the first there is, with its tag."""
        if isinstance(words, str):
            return f"“{words}”"
        languages = sorted(words)
        own = serving(tag, languages)
        if own is not None:
            return f"“{words[own]}”"
        other = serving("en", languages) or languages[0]
        return f"“{words[other]}” ({other})"

    def _check_text(self, text: Value) -> None:
        try:
            self._words.check(text)
        except NotAllowed:
            raise NotAllowed(f"{self.allowed}; the words 1 to {self._words.at_most} characters") from None

    def _words_of_json(self, words: Json, resolve: ResolveReference) -> Value:
        if isinstance(words, str):
            return words.strip()
        if not isinstance(words, dict):
            raise NotAllowed(f"{self.allowed}; as JSON, the words are text, or an object of texts by language")
        return self._by_language(words.items(), resolve)

    def _words_as_typed(self, said: str, resolve: ResolveReference) -> Value:
        """`en=around spring; ja=春頃` by language, anything else as one text. A semicolon inside such words needs JSON."""
        if not self._begins_with_language.match(said):
            return said
        pairs = [part.partition("=") for part in said.split(";")]
        if not all(equals for _, equals, _ in pairs):
            raise NotAllowed(f"{self.allowed}; every part LANGUAGE=WORDS")
        return self._by_language([(language, text) for language, _, text in pairs], resolve)

    def _by_language(self, pairs: Iterable[tuple[Json, Json]], resolve: ResolveReference) -> dict[str, Value]:
        words: dict[str, Value] = {}
        for tag, text in pairs:
            language = within("[language]", tag, lambda given: self._language.parse(given, resolve))
            if language in words:
                raise NotAllowed(f"{self.allowed}; each language once", "[language]", tag)
            words[language] = within(f"[{language}]", text, lambda given: self._words.parse(given, resolve))
        return words

    def _window(self, first: str, last: str, words: Value) -> Value:
        window = [times.parse_day(first), times.parse_day(last), words]
        self.check(window)
        return window

    def _exact_time(self, text: str) -> int:
        seconds = times.parse_time(text)
        if seconds is None:
            raise NotAllowed(self.allowed)
        return seconds
