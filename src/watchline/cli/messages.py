"""`send`, `reply`, `acknowledge`: what a desk says, with an officer's own signature.

The form is checked and signed in this process, where the officer types; the node gets content and signatures, never a key.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.session import Session, command
from watchline.errors import FieldError, UsageError

if TYPE_CHECKING:
    from watchline.catalogue import Form
    from watchline.core.encoding import Value
    from watchline.desk.home import Home
    from watchline.desk.local import Caller
    from watchline.desk.officers import OfficerKey
    from watchline.desk.saying import Said

_PRECEDENCES = ("ROUTINE", "PRIORITY", "IMMEDIATE", "FLASH")
_ANSWER_SECONDS = 15.0  # the node's own time to answer, beyond what it was asked to wait

_line = click.argument("line")
_signers = click.option(
    "--as", "signers", multiple=True, metavar="NAME", help="Who signs; may be repeated where the terms ask for more than one."
)
_once = click.option("--once", metavar="KEY", help="The same KEY is the same entry: a script may send again after exit code 3.")
_wait = click.option(
    "--wait",
    type=click.Choice(["received", "acknowledged", "answered"]),
    help="Wait until it has come so far; else exit code 1.",
)
_timeout = click.option(
    "--timeout", default=30.0, show_default=True, type=click.FloatRange(0.1, 86_400), help="Seconds to wait."
)
_precedence = click.option("--precedence", type=click.Choice(_PRECEDENCES, case_sensitive=False), help="How urgent it is.")
_exercise = click.option("--exercise", is_flag=True, help="Mark it as part of an exercise.")
_text = click.option("--text", help="Send these words as a free-text form.")
_unconfirmed = click.option(
    "--unconfirmed", is_flag=True, help="Say it to an incarnation of the peer that nobody here has confirmed yet."
)


@command(
    name="send",
    example="watchline --home tokyo send beijing airspace-object object=balloon seen=2023-02-15T01:00:00Z ours=asking",
)
@_line
@click.argument("form", required=False)
@click.argument("fields", nargs=-1, metavar="[FIELD=VALUE]...")
@_text
@_precedence
@_exercise
@_once
@_wait
@_timeout
@_unconfirmed
@_signers
def send(
    session: Session,
    line: str,
    form: str | None,
    fields: tuple[str, ...],
    text: str | None,
    precedence: str | None,
    exercise: bool,
    once: str | None,
    wait: str | None,
    timeout: float,
    unconfirmed: bool,
    signers: tuple[str, ...],
) -> None:
    """Send a form on LINE, released by an officer.

    FORM is filled in with FIELD=VALUE; `watchline forms` lists the forms and their fields. Lists are JSON, positions LAT,LON,
    times RFC 3339, languages BCP 47.
    """
    from watchline.desk import saying

    with session.desk() as (home, caller):
        facts = caller.call("line_facts", line=line)
        chosen, assignments = _chosen_form(form, fields, text)
        rank = _PRECEDENCES.index(precedence.upper()) if precedence else 0
        said = saying.notice(facts, chosen, assignments, _resolver(caller, line), precedence=rank, exercise=exercise)
        _say(session, home, caller, facts, said, signers, once=once, wait=wait, timeout=timeout, unconfirmed=unconfirmed)


@command(name="reply", example="watchline --home beijing reply tokyo theirs:1 holding-reply answer_by=2023-02-15T05:00:00Z")
@_line
@click.argument("id")
@click.argument("form", required=False)
@click.argument("fields", nargs=-1, metavar="[FIELD=VALUE]...")
@_text
@_precedence
@_exercise
@_once
@_wait
@_timeout
@_unconfirmed
@_signers
def reply(
    session: Session,
    line: str,
    id: str,  # noqa: A002 - what the entry is called everywhere
    form: str | None,
    fields: tuple[str, ...],
    text: str | None,
    precedence: str | None,
    exercise: bool,
    once: str | None,
    wait: str | None,
    timeout: float,
    unconfirmed: bool,
    signers: tuple[str, ...],
) -> None:
    """Answer their notice ID on LINE, or decline to.

    FORM is filled in as by `send`; the form `decline` says that there will be no answer. By default an answer has the
    precedence of what it answers, and is part of an exercise if that is.
    """
    from watchline.desk import saying

    with session.desk() as (home, caller):
        facts = caller.call("line_facts", line=line)
        entry = _their_notice(caller, facts, id, "answered")
        chosen, assignments = _chosen_form(form, fields, text)
        saying.check_answers(chosen, entry)
        if any(field.name == "of" and field.type == "reference" for field in chosen.fields):
            assignments.setdefault("of", id)
        rank = _PRECEDENCES.index(precedence.upper()) if precedence else entry["precedence"] or 0
        if exercise and not entry["exercise"]:
            raise UsageError(
                f"{id} is no exercise, so its answer is none",
                hint="leave out --exercise",
                id=id,
            )
        resolve, drill = _resolver(caller, line), entry["exercise"]
        said = saying.notice(facts, chosen, assignments, resolve, precedence=rank, exercise=drill, answered=entry)
        if chosen.code == "decline":
            said = saying.decline(facts, entry, assignments.get("reason"))
        _say(session, home, caller, facts, said, signers, once=once, wait=wait, timeout=timeout, unconfirmed=unconfirmed)


@command(name="acknowledge", example="watchline --home beijing acknowledge tokyo theirs:1")
@_line
@click.argument("id")
@_once
@click.option("--wait", type=click.Choice(["received"]), help="Wait until the other side has it; else exit code 1.")
@_timeout
@_unconfirmed
@_signers
def acknowledge(
    session: Session,
    line: str,
    id: str,  # noqa: A002 - as in `reply`
    once: str | None,
    wait: str | None,
    timeout: float,
    unconfirmed: bool,
    signers: tuple[str, ...],
) -> None:
    """Say that a person has read their notice ID on LINE.

    That person signs. It is no answer.
    """
    from watchline.desk import saying

    with session.desk() as (home, caller):
        facts = caller.call("line_facts", line=line)
        said = saying.acknowledgement(facts, _their_notice(caller, facts, id, "acknowledged"))
        _say(session, home, caller, facts, said, signers, once=once, wait=wait, timeout=timeout, unconfirmed=unconfirmed)


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


def _resolver(caller: Caller, line: str) -> Callable[[str], Sequence[int]]:
    """How a reference that was typed becomes the integers of the wire: the other side's log, or with a fourth, our own."""

    def resolve(text: str) -> Sequence[int]:
        entry = caller.call("resolve", line=line, entry=text)
        place = (entry["inc"], entry["peer_inc"], entry["index"])
        return (*place, 1) if entry["own"] else place

    return resolve


def _their_notice(caller: Caller, facts: dict[str, Any], id: str, what: str) -> dict[str, Any]:  # noqa: A002 - as in `reply`
    from watchline.desk.saying import check_theirs

    entry = caller.call("resolve", line=facts["name"], entry=id)
    check_theirs(facts, entry, id, what)
    return entry


def _say(
    session: Session,
    home: Home,
    caller: Caller,
    facts: dict[str, Any],
    said: Said,
    signers: tuple[str, ...],
    *,
    once: str | None,
    wait: str | None,
    timeout: float,
    unconfirmed: bool,
) -> None:
    """Have it signed by as many people as it needs, and hand it to the node."""
    from watchline.cli.reading import rungs_shown
    from watchline.core.entries import NONCE_BYTES
    from watchline.desk import saying
    from watchline.desk.local import no_node

    if not caller.running:
        raise no_node(home)
    keys = session.officers(home, signers) if said.people or signers else []
    nonce = os.urandom(NONCE_BYTES) if keys else None
    signatures = [_signature(session, key, facts, said, nonce) for key in keys if nonce is not None]
    saying.check_people(said, len(keys))
    answer = caller.call(
        "compose",
        timeout + _ANSWER_SECONDS,
        **saying.compose_parameters(facts, said, nonce, signatures),
        once=once,
        wait=wait,
        wait_seconds=timeout,
        unconfirmed=unconfirmed,
    )
    document = {name: answer[name] for name in ("line", "id", "rung", "times")}
    shown = [f"{answer['id']} on {answer['line']}:", *rungs_shown(answer["times"], facts["language"], facts.get("zone"))]
    session.output.result(document, shown)


def _signature(session: Session, key: OfficerKey, facts: dict[str, Any], said: Said, nonce: bytes) -> Value:
    from watchline.core.certificate import validity_remark
    from watchline.desk.saying import signature

    officer, signed = signature(key, facts, said, nonce)
    remark = validity_remark(officer.not_before, officer.not_after, session.now())
    if remark is not None and remark.state != "early":
        days = remark.seconds // 86_400
        when = f"expires in {days} days" if remark.state == "soon" else f"expired {days} days ago"
        session.output.say(f"Warning: the key of officer {key.name} {when}. Give them a new one: watchline officer add")
    return signed
