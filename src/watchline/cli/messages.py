"""`send`, `reply`, `acknowledge`: what a desk says, with an officer's own signature.

The form is checked and signed in this process, where the officer types; the node gets content and signatures, never a key.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.session import Session, command
from watchline.errors import FieldError, UsageError

if TYPE_CHECKING:
    from watchline.catalogue import Form
    from watchline.core.encoding import Value
    from watchline.core.entries import Place
    from watchline.desk.home import Home
    from watchline.desk.local import Caller
    from watchline.desk.officers import OfficerKey

NONCE_BYTES = 16
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


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be said: an entry's content, and what it refers to in the other log.

    meant: of an answer, where the notice that it answers stood first; its release names that.
    """

    type: int
    content: bytes
    people: int
    re: int | None = None
    meant: Place | None = None


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
    with session.desk() as (home, caller):
        facts = caller.call("line_facts", line=line)
        chosen, assignments = _chosen_form(form, fields, text)
        rank = _PRECEDENCES.index(precedence.upper()) if precedence else 0
        said = _notice(caller, facts, chosen, assignments, rank, exercise)
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
    with session.desk() as (home, caller):
        facts = caller.call("line_facts", line=line)
        entry = _their_notice(caller, facts, id, "answered")
        chosen, assignments = _chosen_form(form, fields, text)
        _check_answers(chosen, entry)
        if any(field.name == "of" and field.type == "reference" for field in chosen.fields):
            assignments.setdefault("of", id)
        rank = _PRECEDENCES.index(precedence.upper()) if precedence else entry["precedence"] or 0
        if exercise and not entry["exercise"]:
            raise UsageError(
                f"{id} is no exercise, so its answer is none",
                hint="leave out --exercise",
                id=id,
            )
        said = _notice(caller, facts, chosen, assignments, rank, entry["exercise"], answered=entry)
        if chosen.code == "decline":
            said = _decline(facts, entry, assignments)
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
    from watchline.core.entries import EntryType

    with session.desk() as (home, caller):
        facts = caller.call("line_facts", line=line)
        entry = _their_notice(caller, facts, id, "acknowledged")
        content = _response(EntryType.ACKNOWLEDGE, facts, entry, None)
        said = Said(EntryType.ACKNOWLEDGE, content, 1, entry["index"])
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


def _notice(
    caller: Caller,
    facts: dict[str, Any],
    form: Form,
    assignments: dict[str, str],
    precedence: int,
    exercise: bool,
    answered: dict[str, Any] | None = None,
) -> Said:
    """A notice made of a form; every field is checked here, before anything is signed. Raises FieldError.

    answered: the notice of theirs that it answers, as `resolve` tells of it.
    """
    from watchline.core.entries import EntryType, Notice, Place, Precedence
    from watchline.core.terms import Terms

    if any(field.name == "language" and field.type == "language" for field in form.fields):
        assignments = {"language": facts["language"], **assignments}
    fields = form.parse(assignments, _resolver(caller, facts["name"]), precedence=precedence)
    content = Notice(form.code, form.version, Precedence(precedence), exercise, facts["language"], fields).encode()
    people = Terms.decode(bytes.fromhex(facts["terms"])).people_needed(form.code, precedence)
    if answered is None:
        return Said(EntryType.NOTICE, content, people)
    return Said(EntryType.NOTICE, content, people, answered["index"], Place(*answered["first"]))


def _decline(facts: dict[str, Any], entry: dict[str, Any], assignments: dict[str, str]) -> Said:
    from watchline.core.entries import EntryType

    reason = assignments.get("reason")
    content = _response(EntryType.DECLINE, facts, entry, reason.strip() if reason else None)
    return Said(EntryType.DECLINE, content, 1, entry["index"])


def _response(kind: int, facts: dict[str, Any], entry: dict[str, Any], reason: str | None) -> bytes:
    from watchline.core.entries import EntryType, Response

    commitment = bytes.fromhex(entry["commitment"])
    language = facts["language"]
    return Response(EntryType(kind), entry["inc"], entry["peer_inc"], entry["index"], commitment, language, reason).encode()


def _resolver(caller: Caller, line: str) -> Callable[[str], Sequence[int]]:
    """How a reference that was typed becomes the integers of the wire: the other side's log, or with a fourth, our own."""

    def resolve(text: str) -> Sequence[int]:
        entry = caller.call("resolve", line=line, entry=text)
        place = (entry["inc"], entry["peer_inc"], entry["index"])
        return (*place, 1) if entry["own"] else place

    return resolve


def _their_notice(caller: Caller, facts: dict[str, Any], id: str, what: str) -> dict[str, Any]:  # noqa: A002 - as in `reply`
    line = facts["name"]
    entry = caller.call("resolve", line=line, entry=id)
    if entry["own"] or entry["form"] is None:
        said = "your own" if entry["own"] else "no notice"
        raise UsageError(
            f"{id} is {said}: only a notice of the other desk is {what}",
            hint=f"see what they sent: watchline inbox {line}",
            id=id,
        )
    if (entry["peer_inc"], entry["inc"]) != (facts["our_inc"], facts["their_inc"]):
        raise UsageError(
            f"{id} was said in an earlier incarnation, and its log is closed",
            hint="send a notice of its own; what is still open there is issued again by its author",
            id=id,
        )
    return entry


def _check_answers(form: Form, entry: dict[str, Any]) -> None:
    """Raise UsageError if the catalogue does not let this form answer that one; a form unknown here may be answered by any."""
    from watchline.catalogue import load_catalogue

    answered = load_catalogue().forms.get(entry["form"])
    if answered is not None and form.code not in answered.answers:
        allowed = list(answered.answers)
        raise UsageError(
            f"{form.code} does not answer {answered.code}",
            hint=f"answer with one of {', '.join(allowed)}"
            if allowed
            else "acknowledge it instead, or send a notice of its own",
            form=form.code,
            allowed=allowed,
        )


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
    from watchline.core.encoding import encode
    from watchline.desk.local import no_node

    if not caller.running:
        raise no_node(home)
    keys = session.officers(home, signers) if said.people or signers else []
    nonce = os.urandom(NONCE_BYTES) if keys else None
    assertions = [_signature(session, key, facts, said, nonce) for key in keys]
    if len(keys) < said.people:
        raise UsageError(
            f"the terms of this line ask for {said.people} people to release this",
            hint=f"name them all: --as NAME, {said.people} times",
            needed=said.people,
            given=len(keys),
        )
    answer = caller.call(
        "compose",
        timeout + _ANSWER_SECONDS,
        line=facts["name"],
        type=int(said.type),
        content=said.content.hex(),
        nonce=None if nonce is None else nonce.hex(),
        assertions=encode(assertions).hex() if keys else None,
        re=said.re,
        once=once,
        wait=wait,
        wait_seconds=timeout,
        unconfirmed=unconfirmed,
    )
    document = {name: answer[name] for name in ("line", "id", "rung", "times")}
    shown = [f"{answer['id']} on {answer['line']}:", *rungs_shown(answer["times"], facts["language"], facts.get("zone"))]
    session.output.result(document, shown)


def _signature(session: Session, key: OfficerKey, facts: dict[str, Any], said: Said, nonce: bytes | None) -> Value:
    from watchline.core.certificate import validity_remark
    from watchline.core.entries import Body
    from watchline.core.persons import Roster
    from watchline.core.release import asserted
    from watchline.desk.officers import check_may

    purpose, _ = asserted(said.type, Body(said.content), said.meant)
    officer = check_may(key, Roster.decode(bytes.fromhex(facts["own_roster"])), purpose)
    remark = validity_remark(officer.not_before, officer.not_after, session.now())
    if remark is not None and remark.state != "early":
        days = remark.seconds // 86_400
        when = f"expires in {days} days" if remark.state == "soon" else f"expired {days} days ago"
        session.output.say(f"Warning: the key of officer {key.name} {when}. Give them a new one: watchline officer add")
    line, own_id = bytes.fromhex(facts["line"]), bytes.fromhex(facts["own_id"])
    return key.sign(said.type, line, own_id, nonce, said.content, said.meant)
