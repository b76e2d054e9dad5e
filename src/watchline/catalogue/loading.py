"""The packaged data files, read strictly: every key known and there, every text in every language, every number unique.

A file that breaks a rule is our own bug, found before a release by the tests: ValueError names the file and the rule.

- `catalogue.json`: version, languages with their own name and review state ("source", "draft" or "signed").
- `common.json`: optional fields that most forms share, numbered from 101.
- `forms/CODE.json`: one form. `places.json`: places with two names. `words/TOPIC.json`: words of the product by key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from watchline.catalogue.forms import Dictionary, Field, Form
from watchline.catalogue.kinds import (
    INDEX_MAX,
    UNITS,
    Area,
    Boolean,
    Choice,
    Code,
    Decimal,
    Hash,
    Integer,
    Kind,
    Language,
    ListOf,
    Point,
    Reference,
    Text,
)
from watchline.catalogue.moments import Time, When
from watchline.catalogue.places import Place, PlaceName
from watchline.catalogue.positions import LONGITUDE_MAX, parse_position
from watchline.catalogue.records import Part, Record, RecordList

Data = Any  # what a JSON file holds

EXPECTS = ("none", "acknowledgement", "answer")
REVIEWS = ("source", "draft", "signed")
COMMON_NUMBER_MIN = 101
TEXT_CHARACTERS_MAX = 20_000  # of three bytes each they still fit a body
_SIMPLE: dict[str, Kind] = {
    "bool": Boolean(),
    "utc": Time(),
    "when": When(),
    "position": Point(),
    "area": Area(),
    "reference": Reference(),
    "hash": Hash(),
    "language": Language(),
}
_PARAMETERS = {
    "int": {"unit", "at_least", "at_most"},
    "decimal": {"unit"},
    "text": {"at_most"},
    "choice": {"values"},
    "code": {"pattern", "example"},
    "record": {"parts", "unique"},  # only of a list
}
_ANY_PARAMETER = {"of"}.union(*_PARAMETERS.values())
_FIELD_KEYS = {"name", "type", "required", "label", "help"}
_SHARED_WORDS = {"yes", "no", "unknown", "polygon", "circle", "radius"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """All data files, checked. meaning: what of them both desks must have alike, for the digest."""

    version: int
    language_names: Mapping[str, str]
    reviews: Mapping[str, str]
    forms: Mapping[str, Form]
    words: Mapping[str, Mapping[str, Mapping[str, str]]]
    dictionary: Dictionary
    meaning: Data


def load(files: Mapping[str, str]) -> Loaded:
    """Check the data files, given as relative name to text; see the module for the rules. Raises ValueError."""
    data = {name: _read(name, text) for name, text in files.items()}
    for name in ("catalogue.json", "common.json", "places.json", "words/values.json"):
        _require(name in data, name, "is missing")
    version, names, reviews = _languages(data["catalogue.json"])
    languages = tuple(names)
    words = {_stem(name): _words(data[name], languages, name) for name in data if name.startswith("words/")}
    _require(set(words["values"]) == _SHARED_WORDS, "words/values.json", f"must have {sorted(_SHARED_WORDS)}")
    places = tuple(_place(place, languages, "places.json") for place in _list(data["places.json"], "places.json"))
    dictionary = Dictionary(languages, frozenset(c for c in reviews if reviews[c] == "draft"), words["values"], places)
    common = _fields(data["common.json"], dictionary, "common.json")
    _require(all(one.number >= COMMON_NUMBER_MIN for one in common), "common.json", f"numbers begin at {COMMON_NUMBER_MIN}")
    forms: dict[str, Form] = {}
    for name in sorted(data):
        if name.startswith("forms/"):
            form = _form(data[name], common, dictionary, name)
            _require(form.code == _stem(name), name, "code must be the file's name")
            forms[form.code] = form
    for form in forms.values():
        for answer in form.answers:
            _require(answer in forms, f"forms/{form.code}.json", f"answer {answer} is no form")
    # Review states and the product's own words mean nothing on a line, and may change without asking the peer.
    agreed = [name for name in sorted(data) if name.startswith("forms/")] + ["common.json", "places.json", "words/values.json"]
    meaning = {"version": version, **{name: data[name] for name in agreed}}
    return Loaded(version, names, reviews, forms, words, dictionary, meaning)


def _form(data: Data, common: tuple[Field, ...], dictionary: Dictionary, where: str) -> Form:
    _keys(data, {"code", "version", "title", "help", "expects", "answers", "machine", "common", "fields"}, set(), where)
    _require(re.fullmatch(r"[a-z]+(-[a-z]+)*", _text(data["code"], where)) is not None, where, "code must be kebab case")
    own = _fields(data["fields"], dictionary, where)
    _require(all(one.number < COMMON_NUMBER_MIN for one in own), where, f"numbers are below {COMMON_NUMBER_MIN}")
    fields = own + (common if _boolean(data["common"], where) else ())
    _require(len({one.name for one in fields}) == len(fields), where, "a field name stands twice")
    _require(data["expects"] in EXPECTS, where, f"expects must be one of {EXPECTS}")
    answers = tuple(_text(answer, where) for answer in _list(data["answers"], where))
    _require(len(set(answers)) == len(answers), where, "an answer stands twice")
    _require(bool(answers) or data["expects"] != "answer", where, "expects an answer and has none")
    return Form(
        code=data["code"],
        version=_integer(data["version"], where, 1),
        title=_texts(data["title"], dictionary.languages, where),
        help=_texts(data["help"], dictionary.languages, where),
        expects=data["expects"],
        answers=answers,
        machine=_boolean(data["machine"], where),
        fields=fields,
        dictionary=dictionary,
    )


def _fields(data: Data, dictionary: Dictionary, where: str) -> tuple[Field, ...]:
    fields = tuple(_field(one, dictionary, where) for one in _list(data, where))
    names = {one.name: one for one in fields}
    _require(len(names) == len(fields), where, "a field name stands twice")
    _require(len({one.number for one in fields}) == len(fields), where, "a field number stands twice")
    for one in fields:
        if one.not_before is not None:
            first = names.get(one.not_before)
            comparable = first is not None and first.type == one.type and one.type in ("utc", "when", "int")
            _require(comparable, where, f"{one.name}: not_before must name a field of the same type, utc, when or int")
    return fields


def _field(data: Data, dictionary: Dictionary, where: str) -> Field:
    _keys(data, _FIELD_KEYS | {"number"}, _ANY_PARAMETER | {"not_before"}, where)
    where = f"{where}: {_text(data['name'], where)}"
    _require(isinstance(data.get("not_before", ""), str), where, "not_before must be text")
    part = _part({key: value for key, value in data.items() if key not in ("number", "not_before")}, dictionary, where)
    return Field(
        number=_integer(data["number"], where, 1),
        name=part.name,
        type=part.type,
        kind=part.kind,
        required=part.required,
        label=part.label,
        help=part.help,
        unit=part.unit,
        not_before=data.get("not_before"),
    )


def _part(data: Data, dictionary: Dictionary, where: str) -> Part:
    """What a field has in common with a part of a record."""
    _keys(data, _FIELD_KEYS, _ANY_PARAMETER, where)
    for key in ("type", "of", "unit"):  # before any of them is looked up in a table
        _require(key not in data or isinstance(data[key], str), where, f"{key} must be text")
    name = _text(data["name"], where)
    _require(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) is not None, where, "name must be lower case with underscores")
    _keys(data, _FIELD_KEYS, _parameters(data["type"], data.get("of")), where)
    return Part(
        name=name,
        type=_text(data["type"], where),
        kind=_kind(data["type"], data, dictionary, where),
        required=_boolean(data["required"], where),
        label=_texts(data["label"], dictionary.languages, where),
        help=_texts(data["help"], dictionary.languages, where),
        unit=data.get("unit"),
    )


def _records(data: Data, dictionary: Dictionary, where: str) -> RecordList:
    parts = tuple(_part(one, dictionary, f"{where}: a part") for one in _list(data.get("parts"), where))
    names = [part.name for part in parts]
    _require(len(set(names)) == len(names), where, "the name of a part stands twice")
    _require(any(part.required for part in parts), where, "a record has a part that is required")
    _require(not any(isinstance(part.kind, RecordList) for part in parts), where, "a record holds no records")
    unique = data.get("unique")
    if unique is not None:
        comparable = any(part.name == unique and part.required and type(part.kind) in (Code, Language, Text) for part in parts)
        _require(comparable, where, "unique must name a required part that is text, a code or a language")
    return RecordList(Record(parts), unique)


def _parameters(kind: str, of: str | None = None) -> set[str]:
    """Which keys besides the common ones a field of this type has."""
    if kind == "list" and of is not None and of != "list":
        return {"of"} | _parameters(of)
    return _PARAMETERS.get(kind, set())


def _kind(name: str, data: Data, dictionary: Dictionary, where: str) -> Kind:
    unit = data.get("unit")
    _require(unit is None or unit in UNITS, where, f"unit must be one of {sorted(UNITS)}")
    if name in _SIMPLE:
        return _SIMPLE[name]
    if name == "text":
        return Text(_integer(data.get("at_most"), where, 1, TEXT_CHARACTERS_MAX))
    if name == "int":
        at_least = _integer(data.get("at_least"), where, -INDEX_MAX)
        return Integer(unit, at_least, _integer(data.get("at_most"), where, at_least))
    if name == "decimal":
        return Decimal(unit)
    if name == "yes-no-unknown":
        return Choice({key: dictionary.words[key] for key in ("yes", "no", "unknown")})
    if name == "choice":
        values = data.get("values")
        _require(isinstance(values, dict) and len(values) >= 2, where, "a choice has two values or more")
        return Choice({_text(value, where): _texts(labels, dictionary.languages, where) for value, labels in values.items()})
    if name == "code":
        pattern, example = _text(data.get("pattern"), where), _text(data.get("example"), where)
        _require(re.fullmatch(pattern, example) is not None, where, "the example must match the pattern")
        return Code(pattern, example)
    _require(name == "list" and data.get("of") not in (None, "list"), where, f"type {name} is not known")
    if data["of"] == "record":
        return _records(data, dictionary, where)
    return ListOf(_kind(data["of"], data, dictionary, where))


def _place(data: Data, languages: tuple[str, ...], where: str) -> Place:
    _keys(data, {"south_west", "north_east", "names"}, set(), where)
    corners = parse_position(_text(data["south_west"], where)), parse_position(_text(data["north_east"], where))
    if corners[0] is None or corners[1] is None:
        raise ValueError(f"{where}: a corner is no position")
    south, west = corners[0]
    north, east = corners[1]
    east += 2 * LONGITUDE_MAX if east < west else 0
    _require(south < north, where, "the box is empty")
    names = []
    for name in _list(data["names"], where):
        _keys(name, {"side", "language", "names"}, set(), where)
        _require(name["language"] in languages, where, "a side's language must be a language of the catalogue")
        side, called = _texts(name["side"], languages, where), _texts(name["names"], languages, where)
        names.append(PlaceName(side, name["language"], called))
    _require(len(names) >= 2, where, "a place stands here because it has two names or more")
    return Place((south, west, north, east), tuple(sorted(names, key=lambda name: name.side["en"])))


def _languages(data: Data) -> tuple[int, dict[str, str], dict[str, str]]:
    where = "catalogue.json"
    _keys(data, {"version", "languages"}, set(), where)
    _require(isinstance(data["languages"], dict), where, "languages must be an object")
    names, reviews = {}, {}
    for code, language in data["languages"].items():
        _keys(language, {"name", "review"}, set(), where)
        names[code] = _text(language["name"], where)
        _require(language["review"] in REVIEWS, where, f"review must be one of {REVIEWS}")
        reviews[code] = language["review"]
    sources = [code for code, review in reviews.items() if review == "source"]
    _require(sources == ["en"], where, "the one source language is en")
    return _integer(data["version"], where, 1), names, reviews


def _words(data: Data, languages: tuple[str, ...], where: str) -> dict[str, Mapping[str, str]]:
    _require(isinstance(data, dict) and bool(data), where, "must be an object with words")
    return {key: _texts(texts, languages, f"{where}: {key}") for key, texts in data.items()}


def _read(name: str, text: str) -> Data:
    def unique(pairs: list[tuple[str, Data]]) -> dict[str, Data]:
        _require(len({key for key, _ in pairs}) == len(pairs), name, "a key stands twice")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=unique)
    except RecursionError:
        raise ValueError(f"{name}: nested too deeply") from None


def _stem(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".json")


def _require(holds: bool, where: str, rule: str) -> None:
    if not holds:
        raise ValueError(f"{where}: {rule}")


def _keys(data: Data, required: set[str], optional: set[str], where: str) -> None:
    _require(isinstance(data, dict), where, "must be an object")
    missing, unknown = required - set(data), set(data) - required - optional
    _require(not missing and not unknown, where, f"missing {sorted(missing)}, unknown {sorted(unknown)}")


def _list(value: Data, where: str) -> list[Data]:
    _require(isinstance(value, list), where, "must be a list")
    return list(value)


def _texts(value: Data, languages: tuple[str, ...], where: str) -> dict[str, str]:
    _keys(value, set(languages), set(), where)
    return {language: _text(value[language], where) for language in languages}


def _text(value: Data, where: str) -> str:
    if isinstance(value, str) and value and value == value.strip():
        return value
    raise ValueError(f"{where}: {value!r} must be text")


def _boolean(value: Data, where: str) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"{where}: {value!r} must be true or false")


def _integer(value: Data, where: str, at_least: int, at_most: int = INDEX_MAX) -> int:
    if type(value) is int and at_least <= value <= at_most:
        return value
    raise ValueError(f"{where}: {value!r} must be {at_least} to {at_most}")
