"""What every command that says something has in common: who signs, for what it waits, and the way to the node.

The form is checked and signed in this process, where the officer types; the node gets content and signatures, never a key.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.session import Session

if TYPE_CHECKING:
    from watchline.core.encoding import Value
    from watchline.desk.home import Home
    from watchline.desk.local import Caller
    from watchline.desk.officers import OfficerKey
    from watchline.desk.saying import Said

PRECEDENCES = ("ROUTINE", "PRIORITY", "IMMEDIATE", "FLASH")
_ANSWER_SECONDS = 15.0  # the node's own time to answer, beyond what it was asked to wait

line_argument = click.argument("line")
precedence_option = click.option("--precedence", type=click.Choice(PRECEDENCES, case_sensitive=False), help="How urgent it is.")
exercise_option = click.option("--exercise", is_flag=True, help="Mark it as part of an exercise.")


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an entry is said. signers: who signs, in this order; none for the officer of this desk. once: the caller's key.

    wait: the rung that is waited for, None for none, for so many seconds. unconfirmed: it may go to an incarnation that nobody
    here stands for.
    """

    signers: tuple[str, ...]
    once: str | None
    wait: str | None
    timeout: float
    unconfirmed: bool


def delivery_options(
    *, rungs: Sequence[str] = ("received", "acknowledged", "answered"), waits: str = "it has come so far"
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--once`, `--wait`, `--timeout`, `--unconfirmed`, `--as`: a command that says something gets them as `delivery`."""
    once = "The same KEY is the same entry: a script may send again after exit code 3."
    options = (
        click.option("--once", metavar="KEY", help=once),
        click.option("--wait", type=click.Choice(rungs), help=f"Wait until {waits}; else exit code 1."),
        click.option("--timeout", default=30.0, show_default=True, type=click.FloatRange(0.1, 86_400), help="Seconds to wait."),
        click.option(
            "--unconfirmed", is_flag=True, help="Say it to an incarnation of the peer that nobody here has confirmed yet."
        ),
        click.option(
            "--as",
            "signers",
            multiple=True,
            metavar="NAME",
            help="Who signs; may be repeated where the terms ask for more than one.",
        ),
    )

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def gathered(*args: Any, **given: Any) -> Any:
            return function(*args, delivery=Delivery(**{each.name: given.pop(each.name) for each in fields(Delivery)}), **given)

        made: Callable[..., Any] = gathered
        for option in reversed(options):
            made = option(made)
        return made

    return decorate


def resolver(caller: Caller, line: str) -> Callable[[str], Sequence[int]]:
    """How a reference that was typed becomes the integers of the wire: the other side's log, or with a fourth, our own."""

    def resolve(text: str) -> Sequence[int]:
        entry = caller.call("resolve", line=line, entry=text)
        place = (entry["inc"], entry["peer_inc"], entry["index"])
        return (*place, 1) if entry["own"] else place

    return resolve


def their_notice(caller: Caller, facts: dict[str, Any], id: str, what: str) -> dict[str, Any]:  # noqa: A002 - as in `reply`
    """What the node tells of an entry. Raises UsageError unless it is a notice of theirs. what: what people do with it."""
    from watchline.desk.saying import check_theirs

    entry = caller.call("resolve", line=facts["name"], entry=id)
    check_theirs(facts, entry, id, what)
    return entry


def say(
    session: Session,
    home: Home,
    caller: Caller,
    facts: dict[str, Any],
    said: Said,
    delivery: Delivery,
) -> None:
    """Have it signed by as many people as it needs, and hand it to the node."""
    from watchline.cli.reading import rungs_shown
    from watchline.core.entries import NONCE_BYTES
    from watchline.desk import saying
    from watchline.desk.local import no_node

    if not caller.running:
        raise no_node(home)
    keys = session.officers(home, delivery.signers) if said.people or delivery.signers else []
    nonce = os.urandom(NONCE_BYTES) if keys else None
    signatures = [_signature(session, key, facts, said, nonce) for key in keys if nonce is not None]
    saying.check_people(said, len(keys))
    answer = caller.call(
        "compose",
        delivery.timeout + _ANSWER_SECONDS,
        **saying.compose_parameters(facts, said, nonce, signatures),
        once=delivery.once,
        wait=delivery.wait,
        wait_seconds=delivery.timeout,
        unconfirmed=delivery.unconfirmed,
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
