"""One form of the catalogue: typed assignments to fields, fields to JSON, fields to rows that a person reads.

Everything that a peer sent goes through `Form.check` before `as_json` or `render` sees it; a form that is unknown or does not
hold is shown by `raw_rows` as it is, with nothing in it that a terminal obeys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from watchline.catalogue.given import Allowed, Json, NotAllowed, described
from watchline.catalogue.kinds import Kind, ListOf, NameReference, ResolveReference, Text
from watchline.catalogue.languages import serving
from watchline.catalogue.moments import When, is_over_before
from watchline.catalogue.places import Place
from watchline.catalogue.positions import Box
from watchline.catalogue.records import Record
from watchline.catalogue.texts import GIVEN_CHARACTERS_MAX, one_line, word_count
from watchline.core.encoding import Value, encode
from watchline.errors import FieldError, UsageError

URGENT_FROM = 2  # precedences IMMEDIATE (2) and FLASH (3)
URGENT_WORDS_MAX = 200
FORM_BYTES_MAX = 61_440  # of all fields: what is left of a body is for the rest of the notice and the signatures under it
_RAW_CHARACTERS_MAX = 2_000
_RAW_ROWS_MAX = 128

WireFields = Mapping[int, Value] | Mapping[int | str, Value]  # what arrives: a peer may use any key the encoding has


class Row(NamedTuple):
    """One line of a notice as a reader sees it.

    label_en, text_en: the English beside it; None where the reader's language is English or signed by a linguist, and text_en
    also where it says the same. field: the field's name. translation: "agreed" for words of the catalogue, "original" for the
    author's own, None where there are no words.
    """

    label: str
    text: str
    label_en: str | None
    text_en: str | None
    field: str
    translation: str | None


@dataclass(frozen=True, slots=True)
class Field:
    """One field. number: its key on the wire, never used for another.

    not_before: the name of a field it may not be below; a window may not be over before that one begins.
    """

    number: int
    name: str
    type: str
    kind: Kind
    required: bool
    label: Mapping[str, str]
    help: Mapping[str, str]
    unit: str | None = None
    not_before: str | None = None


@dataclass(frozen=True, slots=True)
class Dictionary:
    """What forms need of the catalogue to show values: languages under review, and the words and names they share.

    drafts: languages that no linguist has signed. words: word -> language -> text. places: see places.py.
    """

    languages: tuple[str, ...]
    drafts: frozenset[str]
    words: Mapping[str, Mapping[str, str]]
    places: tuple[Place, ...]

    def language_for(self, tag: str) -> str:
        """The shipped language that serves a reader of `tag` (see languages.py), English if none does."""
        return serving(tag, self.languages) or "en"


@dataclass(frozen=True, slots=True)
class Form:
    """One form.

    version: raised when a field comes to mean something else, or a required one comes or goes. A further field that may be left
    out raises nothing, as it does not change what the others mean; a desk that does not know it yet shows all as it came.
    expects: "none", "acknowledgement" or "answer". answers: codes that may answer it. machine: a node may send it unreleased.
    """

    code: str
    version: int
    title: Mapping[str, str]
    help: Mapping[str, str]
    expects: str
    answers: tuple[str, ...]
    machine: bool
    fields: tuple[Field, ...]
    dictionary: Dictionary = field(repr=False)
    _by_number: Mapping[int, Field] = field(init=False, repr=False, compare=False)
    _has_order: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_number", {known.number: known for known in self.fields})
        object.__setattr__(self, "_has_order", any(known.not_before is not None for known in self.fields))

    def parse(self, assignments: Mapping[str, Json], resolve: ResolveReference, *, precedence: int = 0) -> dict[int, Value]:
        """Fields for the wire from what was typed: name to text, or to what the json module reads.

        resolve: makes the integers of a reference from its text, or raises UsageError. precedence: 0 to 3, as on the wire.
        Raises FieldError for the first field that is unknown, not allowed or missing, or if all of it does not fit a notice.
        """
        for name, given in assignments.items():
            if all(name != known.name for known in self.fields):
                raise self._unknown(str(name), given)
        fields: dict[int, Value] = {}
        for known in self.fields:
            if known.name in assignments:
                given = assignments[known.name]
                try:
                    fields[known.number] = known.kind.parse(given, resolve)
                except NotAllowed as error:
                    raise self._refusal(known.name, given, error) from None
        self.check(fields, precedence=precedence)
        self._check_size(fields)
        return fields

    def check(self, fields: WireFields, *, precedence: int = 0) -> dict[int, Value]:
        """Give the fields back if they are as `parse` would have made them; else raise FieldError."""
        for number, value in fields.items():
            if type(number) is not int or number not in self._by_number:
                raise self._unknown(str(number), value)
        checked: dict[int, Value] = {}
        for known in self.fields:
            if known.number in fields:
                checked[known.number] = fields[known.number]
                try:
                    known.kind.check(fields[known.number])
                except NotAllowed as error:
                    raise self._refusal(known.name, fields[known.number], error) from None
            elif known.required:
                raise self._error(known.name, "nothing", known.kind.allowed)
        if self._has_order:
            self._check_order(checked)
        if precedence >= URGENT_FROM:
            self._check_brevity(checked)
        return checked

    def as_json(self, fields: Mapping[int, Value], name_reference: NameReference | None = None) -> dict[str, Json]:
        """Checked fields by name: positions as {"lat", "lon"} in degrees, times in RFC 3339, references as text.

        `parse` makes the same fields of it again, given a `resolve` that undoes `name_reference` (None: "inc/peer_inc/i").
        """
        name = name_reference or plain_reference
        return {known.name: known.kind.to_json(fields[known.number], name) for known in self.fields if known.number in fields}

    def render(
        self, fields: Mapping[int, Value], language: str, zone: str | None, name_reference: NameReference | None = None
    ) -> list[Row]:
        """Checked fields as rows for a reader, in the form's order.

        language: a BCP 47 tag; one that is not shipped reads English.
        zone: an IANA time zone, shown after UTC; None for UTC alone. Raises UsageError if this machine does not know it.
        """
        name = name_reference or plain_reference
        chosen = self.dictionary.language_for(language)
        reader = _Reader(self.dictionary, chosen, language, zone, name)
        english = _Reader(self.dictionary, "en", "en", zone, name)
        beside = chosen in self.dictionary.drafts and chosen != "en"
        rows = []
        for known in self.fields:
            if known.number not in fields:
                continue
            value = fields[known.number]
            text, text_en = known.kind.show(value, reader), known.kind.show(value, english)
            rows.append(
                Row(
                    known.label[chosen],
                    text,
                    known.label["en"] if beside else None,
                    text_en if beside and text_en != text else None,
                    known.name,
                    _translation(known.kind, value),
                )
            )
        return rows

    def _check_order(self, fields: Mapping[int, Value]) -> None:
        by_name = {known.name: fields[known.number] for known in self.fields if known.number in fields}
        for known in self.fields:
            if known.name not in by_name or known.not_before not in by_name:
                continue
            value = by_name[known.name]
            if is_over_before(value, by_name[known.not_before]):
                shown = known.kind.to_json(value, plain_reference)
                given = f"{shown['from']}/{shown['to']}" if isinstance(shown, dict) else str(shown)
                raise self._error(known.name, given, f"a value not below that of {known.not_before}")

    def _check_size(self, fields: Mapping[int, Value]) -> None:
        sizes = {known.name: len(encode(fields[known.number])) for known in self.fields if known.number in fields}
        if sum(sizes.values()) > FORM_BYTES_MAX:
            longest = max(sizes, key=lambda name: sizes[name])
            raise self._error(longest, f"{sizes[longest]} bytes", f"at most {FORM_BYTES_MAX} bytes in all fields of one notice")

    def _check_brevity(self, fields: Mapping[int, Value]) -> None:
        words, longest, longest_name = 0, 0, ""
        for known in self.fields:
            count = sum(word_count(text) for text in _free_texts(known.kind, fields.get(known.number)))
            words += count
            if count > longest:
                longest, longest_name = count, known.name
        if words > URGENT_WORDS_MAX:
            allowed = f"at most {URGENT_WORDS_MAX} words of free text in all fields of a FLASH or IMMEDIATE notice"
            raise self._error(longest_name, f"{words} words in all", f"{allowed} (two Han characters or kana are one word)")

    def _unknown(self, name: str, given: Value) -> FieldError:
        names = [known.name for known in self.fields]
        shown = one_line(name, GIVEN_CHARACTERS_MAX)
        return FieldError(
            f"{self.code} has no field {shown!r}; it has {', '.join(names)}",
            hint=_near(name, names) or f"See the fields of {self.code} in the catalogue.",
            field=shown,
            given=described(given),
            allowed=names,
        )

    def _refusal(self, name: str, given: Value, error: NotAllowed) -> FieldError:
        return self._error(name + error.at, described(given if error.given is None else error.given), error.allowed)

    def _error(self, name: str, given: str, allowed: Allowed) -> FieldError:
        wanted = allowed if isinstance(allowed, str) else "one of " + ", ".join(allowed)
        return FieldError(
            f"{self.code}: field {name} was given {given!r}; allowed is {wanted}",
            hint=("" if isinstance(allowed, str) else _near(given, allowed)) or f"Correct {name} and try again.",
            field=name,
            given=given,
            allowed=allowed,
        )


@dataclass(frozen=True, slots=True)
class _Reader:
    dictionary: Dictionary
    language: str  # shipped
    tag: str
    zone: str | None
    reference: NameReference

    def word(self, key: str) -> str:
        return self.dictionary.words[key][self.language]

    def choice(self, labels: Mapping[str, str]) -> str:
        return labels[self.language]

    def places(self, box: Box) -> str:
        return "".join(f" [{place.shown(self.language)}]" for place in self.dictionary.places if place.touches(box))


def plain_reference(value: Sequence[int]) -> str:
    """A reference where nobody knows a better name: "inc/peer_inc/i"."""
    return "/".join(map(str, value))


def raw_rows(fields: WireFields) -> list[Row]:
    """Fields of a form that is unknown here or does not hold, as they are: key and value, 2,000 characters each, 128 rows."""
    rows = []
    for number, value in list(fields.items())[:_RAW_ROWS_MAX]:
        key = one_line(str(number), GIVEN_CHARACTERS_MAX)
        text = value if isinstance(value, str) else str(raw_json({0: value})["0"])
        rows.append(Row(key, one_line(text, _RAW_CHARACTERS_MAX), None, None, key, "original"))
    return rows


def raw_json(fields: WireFields) -> dict[str, Json]:
    """The same fields for JSON: keys as text, byte strings as hex."""

    def plain(value: Value) -> Json:
        if isinstance(value, bytes):
            return value.hex()
        if isinstance(value, list | tuple):
            return [plain(part) for part in value]
        return {str(key): plain(part) for key, part in value.items()} if isinstance(value, dict) else value

    return {str(key): plain(value) for key, value in fields.items()}


def no_such(what: str, given: str, known: list[str]) -> UsageError:
    """The error for a name that is not in a list, with the near ones as the hint."""
    shown = one_line(given, GIVEN_CHARACTERS_MAX)
    return UsageError(
        f"there is no {what} {shown!r}; there are {', '.join(known)}",
        hint=_near(given, known) or f"Give one of {', '.join(known)}.",
        given=shown,
        allowed=known,
    )


def _near(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name[:GIVEN_CHARACTERS_MAX].lower(), known, n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(near)}?" if near else ""


def _translation(kind: Kind, value: Value) -> str | None:
    """What a reader is told of the words in a value; an exact time has none, though another of its kind may."""
    return None if kind.translation == "original" and not _free_texts(kind, value) else kind.translation


def _free_texts(kind: Kind, value: Value) -> list[str]:
    """The author's own words in a value, None for no value."""
    if value is None:
        return []
    if isinstance(kind, Text):
        return [value]
    if isinstance(kind, When):
        return kind.texts(value)
    if isinstance(kind, Record):
        return [text for part, one in zip(kind.parts, value, strict=True) for text in _free_texts(part.kind, one)]
    return [text for part in value for text in _free_texts(kind.item, part)] if isinstance(kind, ListOf) else []
