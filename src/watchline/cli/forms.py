"""`forms`: the agreed forms, and how each is filled in."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.output import padded, table, wrapped
from watchline.cli.session import Session, command

if TYPE_CHECKING:
    from watchline.catalogue import Catalogue, Field, Form
    from watchline.catalogue.kinds import Kind
    from watchline.catalogue.records import Part


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
        "example": _example(catalogue, chosen),
    }
    session.output.result(document, _described(document))


def _desk_language(session: Session) -> str:
    """The language of the home's desk; English where there is no home."""
    if session.home_path is None:
        return "en"
    with session.desk() as (_, caller):
        language: str = caller.call("desk")["language"]
    return language


_OWN = {("correction", "of")}  # a reference that can only be to an entry of one's own


def _summary(catalogue: Catalogue, form: Form, language: str) -> dict[str, Any]:
    title = catalogue.title(form, language)
    return {"form": form.code, "title": title.text, "title_en": form.title["en"], "expects": form.expects}


def _field(catalogue: Catalogue, field: Field | Part, language: str) -> dict[str, Any]:
    from watchline.catalogue.records import RecordList

    chosen = catalogue.language_for(language)
    described = {
        "field": field.name,
        "type": field.type,
        "required": field.required,
        "unit": field.unit,
        "label": field.label[chosen],
        "help": field.help[chosen],
        "allowed": field.kind.allowed,
    }
    if isinstance(field.kind, RecordList):
        described["parts"] = [_field(catalogue, part, language) for part in field.kind.item.parts]
    return described


def _example(catalogue: Catalogue, form: Form) -> str:
    """A command that sends this form, with every required field that the command does not fill in by itself."""
    is_reply = any(form.code in other.answers for other in catalogue.forms.values() if other is not form) and any(
        (field.name, field.type) == ("of", "reference") for field in form.fields
    )
    filled_in = {("language", "language")} | ({("of", "reference")} if is_reply else set())
    given = []
    for field in form.fields:
        if field.required and (field.name, field.type) not in filled_in:
            value = "ours:1" if (form.code, field.name) in _OWN else _example_value(field.kind)
            typed = value if isinstance(value, str) else json.dumps(value)
            given.append(f"{field.name}=" + ('"..."' if typed == "..." else shlex.quote(typed)))
    return " ".join(["watchline", "reply LINE theirs:1" if is_reply else "send LINE", form.code, *given])


def _example_value(kind: Kind) -> Any:
    """A value that is right for this kind, as JSON has it; a choice takes its first word, a number its least."""
    from watchline.catalogue import kinds, moments, records

    if isinstance(kind, kinds.ListOf):
        return [_example_value(kind.item)]
    if isinstance(kind, records.Record):
        return {part.name: _example_value(part.kind) for part in kind.parts if part.required}
    if isinstance(kind, kinds.Choice):
        return next(iter(kind.values))
    if isinstance(kind, kinds.Integer):
        return str(kind.at_least)
    if isinstance(kind, kinds.Code):
        return kind.example
    examples: dict[type, str] = {
        kinds.Text: "...",
        kinds.Boolean: "yes",
        kinds.Decimal: "1.5",
        moments.Time: "2023-02-15T01:00:00Z",
        moments.When: "2023-02-15T01:00:00Z",
        kinds.Point: "25.75,123.45",
        kinds.Area: "25.75,123.45; 5 NM",
        kinds.Reference: "theirs:1",
        kinds.Hash: "0" * 64,
        kinds.Language: "en",
    }
    return examples[type(kind)]


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
        for part in field.get("parts", ()):
            optional = "" if part["required"] else " (may be left out)"
            yield from wrapped(f"{part['field']}: {part['label']}{optional}. {part['help']}", indent=" " * (width + 6))
    yield ""
    yield from wrapped(document["example"], indent="  ")
