"""`forms`: the agreed forms, and how each is filled in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.output import padded, table, wrapped
from watchline.cli.session import Session, command

if TYPE_CHECKING:
    from watchline.catalogue import Catalogue, Field, Form

# A value that is right for a field of this type; a choice takes its first word, a number its least.
_EXAMPLES = {
    "text": '"..."',
    "bool": "yes",
    "yes-no-unknown": "unknown",
    "utc": "2023-02-15T01:00:00Z",
    "when": "2023-02-15T01:00:00Z",
    "position": "25.75,123.45",
    "area": '"25.75,123.45; 5 NM"',
    "reference": "theirs:1",
    "hash": "0" * 64,
    "language": "en",
    "decimal": "1.5",
}


@command(name="forms", example="watchline forms airspace-object --lang ja")
@click.argument("form", required=False)
@click.option("--lang", metavar="LANG", help="The language to show it in. Default: the desk's, else en.")
def forms(session: Session, form: str | None, lang: str | None) -> None:
    """List the agreed forms, or describe FORM.

    A description has the fields, what each allows, and an example to send.
    """
    from watchline.catalogue import load_catalogue

    language = lang or _desk_language(session)
    catalogue = load_catalogue()
    if form is None:
        listed = [_summary(catalogue, each, language) for each in catalogue.forms.values()]
        rows = ([each["form"], each["title"], each["expects"]] for each in listed)
        session.output.result({"forms": listed}, table([["FORM", "TITLE", "EXPECTS"], *rows]))
        return
    chosen = catalogue.form(form)
    document = {
        **_summary(catalogue, chosen, language),
        "help": chosen.help[catalogue.language_for(language)],
        "version": chosen.version,
        "answers": list(chosen.answers),
        "fields": [_field(catalogue, each, language) for each in chosen.fields],
        "example": _example(chosen),
    }
    session.output.result(document, _described(document))


def _desk_language(session: Session) -> str:
    """The language of the home's desk; English where there is no home."""
    if session.home_path is None:
        return "en"
    with session.desk() as (_, caller):
        language: str = caller.call("desk")["language"]
    return language


def _summary(catalogue: Catalogue, form: Form, language: str) -> dict[str, Any]:
    title = catalogue.title(form, language)
    return {"form": form.code, "title": title.text, "title_en": form.title["en"], "expects": form.expects}


def _field(catalogue: Catalogue, field: Field, language: str) -> dict[str, Any]:
    chosen = catalogue.language_for(language)
    return {
        "field": field.name,
        "type": field.type,
        "required": field.required,
        "unit": field.unit,
        "label": field.label[chosen],
        "help": field.help[chosen],
        "allowed": field.kind.allowed,
    }


def _example(form: Form) -> str:
    """A command that sends this form, with every required field that the command does not fill in by itself."""
    wanted = [field for field in form.fields if field.required and (field.name, field.type) not in _FILLED_IN]
    given = [f"{field.name}={_example_value(field)}" for field in wanted]
    start = (
        "reply LINE theirs:1" if any((field.name, field.type) == ("of", "reference") for field in form.fields) else "send LINE"
    )
    return " ".join(["watchline", start, form.code, *given])


_FILLED_IN = {("language", "language"), ("of", "reference")}


def _example_value(field: Field) -> str:
    if field.type == "list":
        return """'["..."]'"""
    if field.type in _EXAMPLES:
        return _EXAMPLES[field.type]
    allowed = field.kind.allowed
    return allowed[0] if isinstance(allowed, list) else str(getattr(field.kind, "at_least", 1))


def _described(document: dict[str, Any]) -> Iterable[str]:
    english = f" ({document['title_en']})" if document["title_en"] != document["title"] else ""
    yield f"{document['form']}: {document['title']}{english}"
    yield from wrapped(document["help"], indent="  ")
    yield f"  expects: {document['expects']}"
    if document["answers"]:
        yield from wrapped(f"  answered by: {', '.join(document['answers'])}")
    yield ""
    width = max(len(field["field"]) for field in document["fields"])
    for field in document["fields"]:
        allowed = field["allowed"] if isinstance(field["allowed"], str) else "one of " + ", ".join(field["allowed"])
        required = "" if field["required"] else " (may be left out)"
        yield from wrapped(f"  {padded(field['field'], width)}  {field['label']}{required}")
        yield from wrapped(f"{field['help']}. {allowed}", indent=" " * (width + 4))
    yield ""
    yield from wrapped(document["example"], indent="  ")
