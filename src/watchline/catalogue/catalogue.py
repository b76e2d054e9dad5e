"""The catalogue as a whole: its forms by code, its words, its places, and the digest that both desks' terms name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from watchline.catalogue.forms import Form, Row, WireFields, no_such, raw_json, raw_rows
from watchline.catalogue.given import Json
from watchline.catalogue.kinds import NameReference
from watchline.catalogue.places import PlaceName
from watchline.catalogue.positions import Position, box_around
from watchline.catalogue.texts import GIVEN_CHARACTERS_MAX, one_line
from watchline.core.encoding import encode
from watchline.errors import FieldError

if TYPE_CHECKING:
    from watchline.catalogue.loading import Loaded


class Shown(NamedTuple):
    """Words for a reader, and the English beside them; None where the language is English or signed by a linguist."""

    text: str
    english: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a peer sent, as a reader sees it.

    form: None if this desk does not know the form in this version. finding: what a reader must be told, None if the form is
    known and holds; with one, rows and fields are as they came, except where only the words are too many.
    fault: what in a known form is not allowed.
    """

    form: Form | None
    title: Shown
    rows: list[Row]
    fields: dict[str, Json]
    finding: Shown | None
    fault: FieldError | None


class Catalogue:
    """Everything the data files hold. Made by `load_catalogue`; nothing in it changes."""

    def __init__(self, loaded: Loaded) -> None:
        self.version: int = loaded.version
        self.forms: Mapping[str, Form] = loaded.forms
        self.languages: Mapping[str, str] = loaded.language_names
        self.reviews: Mapping[str, str] = loaded.reviews
        self._loaded = loaded
        self._dictionary = loaded.dictionary

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over the deterministic encoding of all that gives meaning on a line.

        That is every form and shared field with all texts, the two-name places and the words inside values. How a file is laid
        out, review states and the product's own words do not count.
        """
        return sha256(encode(self._loaded.meaning)).digest()

    def form(self, code: str) -> Form:
        """The form of this code; raises UsageError, with near codes as the hint, if there is none."""
        if code not in self.forms:
            raise no_such("form", code, list(self.forms))
        return self.forms[code]

    def language_for(self, tag: str) -> str:
        """The shipped language that serves a reader of this BCP 47 tag; "en" if none does."""
        return self._dictionary.language_for(tag)

    def word(self, topic: str, key: str, language: str) -> Shown:
        """A word of the product: topics are the files of words/. Raises KeyError for one that is not there: our own bug."""
        return self._shown(self._loaded.words[topic][key], language)

    def words(self, topic: str) -> Mapping[str, Mapping[str, str]]:
        """All words of a topic: key -> language -> text, in the file's order."""
        return self._loaded.words[topic]

    def title(self, form: Form, language: str) -> Shown:
        """A form's title for a reader."""
        return self._shown(form.title, language)

    def place_names(self, position: Position) -> tuple[PlaceName, ...]:
        """Both names of the place at this position (as on the wire), none where there is no dispute over the name."""
        box = box_around([position])
        return tuple(name for place in self._dictionary.places if place.touches(box) for name in place.names)

    def read(
        self,
        code: str,
        version: int,
        fields: WireFields,
        *,
        language: str,
        zone: str | None = None,
        precedence: int = 0,
        name_reference: NameReference | None = None,
    ) -> Reading:
        """What came from a peer, for a reader: the form's own rows if it is known and holds, else the fields as they are.

        precedence: 0 to 3. Never raises for anything a peer can send.
        """
        form = self.forms.get(code)
        if form is None or form.version != version:
            title = Shown(one_line(code, GIVEN_CHARACTERS_MAX), None)
            finding = self.word("findings", "unknown_form" if form is None else "unknown_version", language)
            return Reading(None, title, raw_rows(fields), raw_json(fields), finding, None)
        try:
            typed = form.check(fields)
        except FieldError as fault:
            finding = self.word("findings", "bad_form", language)
            return Reading(form, self.title(form, language), raw_rows(fields), raw_json(fields), finding, fault)
        rows, as_json = form.render(typed, language, zone, name_reference), form.as_json(typed, name_reference)
        try:
            form.check(fields, precedence=precedence)
        except FieldError as fault:
            # Said, and still shown in the reader's own words: the more urgent, the more they matter.
            finding = self.word("findings", "too_many_words", language)
            return Reading(form, self.title(form, language), rows, as_json, finding, fault)
        return Reading(form, self.title(form, language), rows, as_json, None, None)

    def _shown(self, texts: Mapping[str, str], language: str) -> Shown:
        chosen = self.language_for(language)
        return Shown(texts[chosen], texts["en"] if chosen in self._dictionary.drafts else None)


@lru_cache(maxsize=1)
def load_catalogue() -> Catalogue:
    """The packaged catalogue, read and checked once in the life of the process."""
    # Most commands read no form, and the start of each counts.
    from importlib.resources import files

    from watchline.catalogue.loading import load

    folder = files("watchline.catalogue")
    names = {
        f"{prefix}{file.name}": file
        for prefix, place in (("", folder), ("forms/", folder / "forms"), ("words/", folder / "words"))
        for file in place.iterdir()
        if file.name.endswith(".json")
    }
    return Catalogue(load({name: file.read_text(encoding="utf-8") for name, file in names.items()}))
