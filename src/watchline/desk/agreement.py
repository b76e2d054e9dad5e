"""The terms that an invitation proposes: those the catalogue and the settings give, changed by a TOML file of people.

languages = ["ja", "en"]
body_days = 30
[clocks.FLASH]
acknowledge_seconds = 300
answer_seconds = 1800
[forms.airspace-object]
answer_seconds = "by-precedence"      # or seconds, or "none"
[release_people]
FLASH = 2
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from watchline.catalogue import load_catalogue
from watchline.core.terms import BY_PRECEDENCE, PEOPLE_MAX, PRECEDENCES, Clocks, Expectation, Terms, Witness, default_terms
from watchline.desk.config import Config, read_toml, refuse_unknown
from watchline.errors import Malformed, UsageError

_KEY = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){0,2}")
_CLOCK_WORDS = {"none": None, "by-precedence": BY_PRECEDENCE}


def proposed_terms(language: str, config: Config, file: Path | None = None) -> Terms:
    """The terms of a new line as this desk proposes them. file: changes to them, None for none.

    Raises UsageError, which names what in the file is wrong and what is allowed.
    """
    terms = _terms_of_the_catalogue(tuple(dict.fromkeys((language, "en"))))
    terms = replace(
        terms,
        status_interval_seconds=config.status_interval_seconds,
        test_interval_seconds=config.test_interval_seconds,
    )
    return terms if file is None else changed_terms(terms, read_toml(file), file.name)


def _terms_of_the_catalogue(languages: tuple[str, ...]) -> Terms:
    """Terms to begin with, whose forms are those of the catalogue that this version has."""
    catalogue = load_catalogue()
    expectations = cast(Mapping[str, Expectation], {code: form.expects for code, form in catalogue.forms.items()})
    machine = tuple(code for code, form in catalogue.forms.items() if form.machine)
    return default_terms(languages, catalogue.digest, expectations, machine)


def amended_terms(before: Terms, file: Path | None, settings: Sequence[str]) -> Terms:
    """The next version after terms that are in force. file: changes to them, None for none. settings: more, as KEY=VALUE.

    KEY is a name of the file with its table before it, such as clocks.FLASH.acknowledge_seconds; VALUE is written as in the
    file, where a word needs no quotes. Raises UsageError, which names what is wrong and what is allowed, or says that nothing
    changes.
    """
    after = before if file is None else changed_terms(before, read_toml(file), file.name)
    if settings:
        after = changed_terms(after, _settings_table(settings), "--set")
    if after == before:
        raise UsageError(
            "this changes nothing: the terms in force say the same", hint="see `watchline terms show`", version=before.version
        )
    return replace(after, version=before.version + 1)


def _settings_table(settings: Sequence[str]) -> dict[str, Any]:
    lines = []
    for setting in settings:
        key, equals, value = (part.strip() for part in setting.partition("="))
        if not equals or not _KEY.fullmatch(key):
            raise UsageError(
                f"{setting[:80]!r} is no setting", hint="write KEY=VALUE, such as clocks.FLASH.acknowledge_seconds=300"
            )
        lines.append(f"{key} = {value if _is_toml(value) else json.dumps(value)}")
    try:
        return tomllib.loads("\n".join(lines))
    except (tomllib.TOMLDecodeError, RecursionError):
        raise UsageError("these settings do not go together", hint="give each KEY once, with --set KEY=VALUE") from None


def _is_toml(value: str) -> bool:
    try:
        tomllib.loads(f"value = {value}")
    except (tomllib.TOMLDecodeError, RecursionError):  # nested by the thousand it is no value of a setting, but text
        return False
    return "\n" not in value


def changed_terms(terms: Terms, table: Mapping[str, Any], where: str) -> Terms:
    """The terms with what a table of a file changes in them. where: the file, for errors. Raises UsageError."""
    refuse_unknown(table, _CHANGES, where=where)
    changes: dict[str, Any] = {}
    for name, value in table.items():
        field, read = _CHANGES[name]
        try:
            changes[field] = read(value, terms)
        except (TypeError, ValueError) as error:
            raise _wrong(where, name, str(error)) from None
    if "catalogue" in table:  # Forms that the line has not had yet get the clocks that the catalogue gives them.
        changes["form_clocks"] = {**_clocks_of_the_catalogue(), **changes.get("form_clocks", terms.form_clocks)}
    try:
        return replace(terms, **changes)
    except Malformed as error:
        raise _wrong(where, "", error.message) from None
    except (TypeError, AttributeError):
        raise _wrong(where, "", "a value is of another type than it must be") from None


def _languages(value: Any, _terms: Terms) -> tuple[str, ...]:
    from watchline.desk.home import check_language

    return tuple(check_language(tag) for tag in _texts(value))


def _texts(value: Any) -> list[str]:
    if type(value) is not list or not all(type(item) is str for item in value):
        raise ValueError("a list of texts is wanted")
    return value


def _plain(wanted: type) -> Callable[[Any, Terms], Any]:
    names = {int: "a whole number", bool: "true or false"}

    def read(value: Any, _terms: Terms) -> Any:
        if type(value) is not wanted:
            raise ValueError(f"{names[wanted]} is wanted")
        return value

    return read


def _clocks(value: Any, terms: Terms) -> tuple[Clocks, ...]:
    tables = _tables(value, PRECEDENCES, "clocks")
    return tuple(
        _changed_clocks(tables.get(name, {}), before, f"clocks.{name}", words={"none": None})
        for name, before in zip(PRECEDENCES, terms.clocks, strict=True)
    )


def _form_clocks(value: Any, terms: Terms) -> dict[str, Clocks]:
    known = {**_clocks_of_the_catalogue(), **terms.form_clocks}
    tables = _tables(value, list(known), "forms")
    return {
        form: _changed_clocks(tables.get(form, {}), before, f"forms.{form}", words=_CLOCK_WORDS)
        for form, before in known.items()
        if form in tables or form in terms.form_clocks
    }


def _clocks_of_the_catalogue() -> Mapping[str, Clocks]:
    return _terms_of_the_catalogue(("en",)).form_clocks


def _catalogue(value: Any, _terms: Terms) -> bytes:
    if value != "current":
        raise ValueError('"current" is wanted: the catalogue of the version that this desk runs')
    return load_catalogue().digest


def _changed_clocks(table: Mapping[str, Any], before: Clocks, where: str, *, words: Mapping[str, int | None]) -> Clocks:
    refuse_unknown(table, ("acknowledge_seconds", "answer_seconds"), where=where)
    values = {}
    for name, value in table.items():
        worded = type(value) is str and value in words
        if not worded and (type(value) is not int or value < 1):
            raise ValueError(f"{where}.{name} must be whole seconds from 1, or one of {', '.join(words)}")
        values[name.removesuffix("_seconds")] = words[value] if worded else value
    return before._replace(**values)


def _release_people(value: Any, terms: Terms) -> tuple[int, ...]:
    if type(value) is not dict:
        raise ValueError("a table is wanted, such as FLASH = 2")
    refuse_unknown(value, PRECEDENCES, where="release_people")
    for name, people in value.items():
        if type(people) is not int or not 1 <= people <= PEOPLE_MAX:
            raise ValueError(f"release_people.{name} must be a whole number from 1 to {PEOPLE_MAX}")
    return tuple(value.get(name, before) for name, before in zip(PRECEDENCES, terms.release_people, strict=True))


def _unreleased(value: Any, _terms: Terms) -> tuple[str, ...]:
    forms = load_catalogue().forms
    for code in _texts(value):
        if code not in forms or not forms[code].machine:
            raise ValueError(f"{code[:64]!r} is no form that a machine may send")
    return tuple(sorted(set(value)))


def _witnesses(value: Any, _terms: Terms) -> tuple[Witness, ...]:
    if type(value) is not list or not all(type(item) is dict and set(item) == {"name", "vkey"} for item in value):
        raise ValueError("each witness has a name and a vkey")
    return tuple(Witness(*_texts([item["name"], item["vkey"]])) for item in value)


def _tables(value: Any, known: Any, where: str) -> Mapping[str, Mapping[str, Any]]:
    if type(value) is not dict or not all(type(item) is dict for item in value.values()):
        raise ValueError("a table of tables is wanted")
    refuse_unknown(value, known, where=where)
    return value


def _wrong(where: str, name: str, what: str) -> UsageError:
    return UsageError(
        f"{where}: {name + ': ' if name else ''}{what}",
        hint="correct the terms file, or leave the setting out for its default",
        setting=name,
    )


# What may stand in the file: the field of Terms it becomes, and how it is read.
_CHANGES: Mapping[str, tuple[str, Callable[[Any, Terms], Any]]] = {
    "languages": ("languages", _languages),
    "catalogue": ("catalogue_digest", _catalogue),
    "clocks": ("clocks", _clocks),
    "forms": ("form_clocks", _form_clocks),
    "status_interval_seconds": ("status_interval_seconds", _plain(int)),
    "test_interval_seconds": ("test_interval_seconds", _plain(int)),
    "lower_id_tests_even_hours": ("lower_id_tests_even_hours", _plain(bool)),
    "release_people": ("release_people", _release_people),
    "unreleased_forms": ("unreleased_forms", _unreleased),
    "witnesses": ("witnesses", _witnesses),
    "body_days": ("body_days", _plain(int)),
    "show_third_parties": ("show_third_parties", _plain(bool)),
}
