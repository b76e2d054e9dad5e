"""`send`, `reply`, `acknowledge`, `withdraw`: what a desk says, with an officer's own signature.

The form is checked and signed in this process, where the officer types; the node gets content and signatures, never a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from watchline.cli.saying import (
    PRECEDENCES,
    Delivery,
    delivery_options,
    exercise_option,
    line_argument,
    precedence_option,
    resolver,
    say,
    their_notice,
)
from watchline.cli.session import Session, command
from watchline.errors import FieldError, UsageError

if TYPE_CHECKING:
    from watchline.catalogue import Form

_text = click.option("--text", help="Send these words as a free-text form.")


@command(
    name="send",
    example="watchline --home tokyo send beijing airspace-object object=balloon seen=2023-02-15T01:00:00Z ours=asking",
)
@line_argument
@click.argument("form", required=False)
@click.argument("fields", nargs=-1, metavar="[FIELD=VALUE]...")
@_text
@precedence_option
@exercise_option
@delivery_options()
def send(
    session: Session,
    line: str,
    form: str | None,
    fields: tuple[str, ...],
    text: str | None,
    precedence: str | None,
    exercise: bool,
    delivery: Delivery,
) -> None:
    """Send a form on LINE, released by an officer.

    FORM is filled in with FIELD=VALUE; `watchline forms` lists the forms and their fields. Lists are JSON, positions LAT,LON,
    times RFC 3339, languages BCP 47.
    """
    from watchline.desk import saying

    with session.desk() as (home, caller):
        facts = caller.call("line_facts", line=line)
        chosen, assignments = _chosen_form(form, fields, text)
        rank = PRECEDENCES.index(precedence.upper()) if precedence else 0
        said = saying.notice(facts, chosen, assignments, resolver(caller, line), precedence=rank, exercise=exercise)
        say(session, home, caller, facts, said, delivery)


@command(name="reply", example="watchline --home beijing reply tokyo theirs:1 holding-reply answer_by=2023-02-15T05:00:00Z")
@line_argument
@click.argument("id")
@click.argument("form", required=False)
@click.argument("fields", nargs=-1, metavar="[FIELD=VALUE]...")
@_text
@precedence_option
@exercise_option
@delivery_options()
def reply(
    session: Session,
    line: str,
    id: str,  # noqa: A002 - what the entry is called everywhere
    form: str | None,
    fields: tuple[str, ...],
    text: str | None,
    precedence: str | None,
    exercise: bool,
    delivery: Delivery,
) -> None:
    """Answer their notice ID on LINE, or decline to.

    FORM is filled in as by `send`; the form `decline` says that there will be no answer. By default an answer has the
    precedence of what it answers, and is part of an exercise if that is.
    """
    from watchline.desk import saying

    with session.desk() as (home, caller):
        facts = caller.call("line_facts", line=line)
        entry = their_notice(caller, facts, id, "answered")
        chosen, assignments = _chosen_form(form, fields, text)
        saying.check_answers(chosen, entry)
        if any(field.name == "of" and field.type == "reference" for field in chosen.fields):
            assignments.setdefault("of", id)
        rank = PRECEDENCES.index(precedence.upper()) if precedence else entry["precedence"] or 0
        if exercise and not entry["exercise"]:
            raise UsageError(
                f"{id} is no exercise, so its answer is none",
                hint="leave out --exercise",
                id=id,
            )
        resolve, drill = resolver(caller, line), entry["exercise"]
        said = saying.notice(facts, chosen, assignments, resolve, precedence=rank, exercise=drill, answered=entry)
        if chosen.code == "decline":
            said = saying.decline(facts, entry, assignments.get("reason"))
        say(session, home, caller, facts, said, delivery)


@command(name="acknowledge", example="watchline --home beijing acknowledge tokyo theirs:1")
@line_argument
@click.argument("id")
@delivery_options(rungs=("received",), waits="the other side has it")
def acknowledge(
    session: Session,
    line: str,
    id: str,  # noqa: A002 - as in `reply`
    delivery: Delivery,
) -> None:
    """Say that a person has read their notice ID on LINE.

    That person signs. It is no answer.
    """
    from watchline.desk import saying

    with session.desk() as (home, caller):
        facts = caller.call("line_facts", line=line)
        said = saying.acknowledgement(facts, their_notice(caller, facts, id, "acknowledged"))
        say(session, home, caller, facts, said, delivery)


@command(name="withdraw", example='watchline --home tokyo withdraw beijing ours:3 --reason "sent in error"')
@line_argument
@click.argument("id")
@click.option("--reason", required=True, help="Why; the other desk reads it.")
@click.option("--new", metavar="ID", help="What is said in its place, if that was said already.")
@delivery_options(rungs=("received",), waits="the other side has it")
def withdraw(
    session: Session,
    line: str,
    id: str,  # noqa: A002 - as in `reply`
    reason: str,
    new: str | None,
    delivery: Delivery,
) -> None:
    """Withdraw a notice ID of this desk's own on LINE.

    It stays in both logs, marked as withdrawn; nobody is asked to answer it any more.
    """
    from watchline.desk import saying

    with session.desk() as (home, caller):
        facts = caller.call("line_facts", line=line)
        entry = caller.call("resolve", line=line, entry=id)
        assignments = {"reason": reason} if new is None else {"reason": reason, "new": new}
        said = saying.withdrawal(facts, entry, assignments, resolver(caller, line))
        say(session, home, caller, facts, said, delivery)


def _chosen_form(form: str | None, fields: Sequence[str], text: str | None) -> tuple[Form, dict[str, str]]:
    """The form and what was typed into it. Raises UsageError for no form, an unknown one, and what is no FIELD=VALUE."""
    from watchline.catalogue import load_catalogue

    if text is not None:
        if form is not None and "=" not in form:
            raise UsageError("give either a form or --text", hint="--text is the form free-text")
        fields = [*([form] if form is not None else []), *fields, f"text={text}"]
        form = "free-text"
    if form is None:
        raise UsageError("which form?", hint='give one, see watchline forms; or --text "..."')
    chosen = load_catalogue().form(form)
    assignments: dict[str, str] = {}
    for field in fields:
        name, equals, value = field.partition("=")
        if not equals:
            raise FieldError(
                f"{field[:80]!r} is no FIELD=VALUE",
                hint=f"see watchline forms {chosen.code}",
                field=field[:80],
                given=field[:80],
                allowed=[known.name for known in chosen.fields],
            )
        if name in assignments:
            raise FieldError(
                f"field {name} is given twice", hint="give it once", field=name, given=value[:80], allowed="one value"
            )
        assignments[name] = value
    return chosen, assignments
