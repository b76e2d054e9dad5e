"""`watch`: who is on watch at this desk. Officers sign with their own keys; the peers are told the counts alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.output import table
from watchline.cli.session import Session, command
from watchline.errors import UsageError

if TYPE_CHECKING:
    from watchline.desk.local import Caller
    from watchline.desk.officers import OfficerKey
    from watchline.desk.own import OwnDesk

_signer = click.option("--as", "signer", metavar="NAME", help="Who signs.")
_role = click.option(
    "--role", metavar="WORD", help="What they are on this watch, in your own words; else their role at the desk."
)
_hours = click.option(
    "--hours", default=8.0, show_default=True, type=click.FloatRange(0.01, 168), help="How long the watch is, from now."
)


@click.group(name="watch", epilog="\b\nExample:\n  watchline --home tokyo watch on --as sato")
def watch() -> None:
    """Who is on watch at this desk."""


@command(watch, name="on", example="watchline --home tokyo watch on --as sato --role supervisor --hours 8")
@_signer
@_role
@_hours
def on(session: Session, signer: str | None, role: str | None, hours: float) -> None:
    """Sign in: an officer is on watch from now on.

    The officer signs. It ends by itself after --hours; every peer's desk sees how many are on watch, not who.
    """
    from watchline.core.encoding import encode
    from watchline.desk.handover import on_statement, sign_watch

    with session.desk() as (home, caller):
        own = _own(caller)
        (key,) = session.officers(home, (signer,) if signer else ())
        chosen = role or _may_watch(key, own)
        until = session.now() + int(hours * 3600)
        nonce = caller.call("watch_nonce")["nonce"]
        assertion = sign_watch(key, own.identity.id, bytes.fromhex(nonce), on_statement(key.number, chosen, until))
        document = caller.call(
            "watch_on", number=key.number, role=chosen, until=until, nonce=nonce, assertion=encode(assertion).hex()
        )
        zone = own.zone
    session.output.result(document, _who_shown(document, zone))


@command(watch, name="off", example="watchline --home tokyo watch off --as sato")
@click.argument("officer", required=False)
@_signer
def off(session: Session, officer: str | None, signer: str | None) -> None:
    """Sign out: OFFICER is on watch no longer; else whoever signs.

    The officer signs, or another who is on watch.
    """
    from watchline.core.encoding import encode
    from watchline.desk.handover import off_statement, sign_watch

    with session.desk() as (home, caller):
        own = _own(caller)
        (key,) = session.officers(home, (signer,) if signer else ())
        _may_watch(key, own)
        number = key.number if officer is None else _number(caller, officer)
        nonce = caller.call("watch_nonce")["nonce"]
        assertion = sign_watch(key, own.identity.id, bytes.fromhex(nonce), off_statement(number))
        document = caller.call("watch_off", number=number, nonce=nonce, assertion=encode(assertion).hex())
        zone = own.zone
    session.output.result(document, _who_shown(document, zone))


@command(watch, name="who", example="watchline --home tokyo watch who --json")
def who(session: Session) -> None:
    """Say who is on watch.

    Beside it how many consoles can make noise now, and how the watch was handed over last.
    """
    with session.desk() as (_, caller):
        zone = caller.call("desk")["zone"]
        document = {**caller.call("watch_who"), **caller.call("watch_handovers", limit=1)}
    session.output.result(document, [*_who_shown(document, zone), *_handovers_shown(document["handovers"], zone)])


@command(watch, name="handover", example="watchline --home tokyo watch handover --as sato --to tanaka")
@_signer
@click.option("--to", "relief", metavar="NAME", help="Who takes over. Without it the last handovers are listed.")
@_role
@_hours
def handover(session: Session, signer: str | None, relief: str | None, role: str | None, hours: float) -> None:
    """Hand the watch over to another officer, with what is open.

    Both sign a record of the clocks that run, the last test and drill of each line, and the escalation steps that nobody has
    tested. Without --to, list the last ten.
    """
    if relief is None:
        if signer is not None or role is not None:
            raise UsageError("to whom is the watch handed over?", hint="give --to NAME")
        with session.desk() as (_, caller):
            zone = caller.call("desk")["zone"]
            listed = caller.call("watch_handovers", limit=10)
        session.output.result(listed, _handovers_shown(listed["handovers"], zone) if listed["handovers"] else ["None yet."])
        return
    if signer is None:
        raise UsageError("who hands the watch over?", hint="give --as NAME")
    done, zone = _hand_over(session, (signer, relief), role, hours)
    if done["untested"]:
        session.output.say(
            f"Nobody has tested: {', '.join(done['untested'])}. Test them: watchline --home {session.path()} escalation test"
        )
    session.output.result({"handover": done}, _handovers_shown([done], zone))


def _hand_over(session: Session, names: tuple[str, str], role: str | None, hours: float) -> tuple[dict[str, Any], str]:
    """Let both sign the record that the node drafts; give it with the desk's time zone."""
    from watchline.core.encoding import encode
    from watchline.desk.handover import sign_watch

    with session.desk() as (home, caller):
        own = _own(caller)
        keys = session.officers(home, names)
        for key in keys:
            _may_watch(key, own)
        leaving, relief = (key.number for key in keys)
        until = session.now() + int(hours * 3600)
        draft = caller.call("watch_handover_draft", leaving=leaving, relief=relief, role=role, until=until)
        nonce, record = bytes.fromhex(draft["nonce"]), bytes.fromhex(draft["record"])
        assertions = encode([sign_watch(key, own.identity.id, nonce, record) for key in keys])
        done = caller.call("watch_handover", record=draft["record"], nonce=draft["nonce"], assertions=assertions.hex())
        value: dict[str, Any] = done["handover"]
        return value, own.zone


def _own(caller: Caller) -> OwnDesk:
    from watchline.desk.ceremony import own_desk

    return own_desk(caller)


def _may_watch(key: OfficerKey, own: OwnDesk) -> str:
    """The officer's role at the desk. Raises UsageError if it lets them acknowledge nothing."""
    from watchline.desk.officers import check_may

    return check_may(key, own.roster, "watch").role


def _number(caller: Caller, name: str) -> int:
    people = caller.call("watch_who")["people"]
    for person in people:
        if person["name"] == name:
            number: int = person["number"]
            return number
    names = [person["name"] or str(person["number"]) for person in people]
    hint = f"there are {', '.join(names)}" if names else "nobody is"
    raise UsageError(f"{name[:80]!r} is not on watch", hint=hint, allowed=names)


def _who_shown(document: dict[str, Any], zone: str) -> Iterable[str]:
    from watchline.cli.reading import shown_time

    rows = [
        [person["name"] or f"officer {person['number']}", person["role"], shown_time(person["until"], zone)]
        for person in document["people"]
    ]
    if rows:
        yield from table([["ON WATCH", "ROLE", "UNTIL"], *rows])
    else:
        yield "Nobody is on watch."
    yield f"Armed consoles: {document['armed']}"


def _handovers_shown(handovers: list[dict[str, Any]], zone: str) -> Iterator[str]:
    from watchline.cli.reading import shown_time

    for each in handovers:
        names = [each[side]["name"] or f"officer {each[side]['number']}" for side in ("leaving", "relief")]
        yield f"Handover from {names[0]} to {names[1]}, {shown_time(each['at'], zone)}"
        for line in each["lines"]:
            yield from _line_shown(line, zone)
        if each["untested"]:
            yield f"  untested escalation: {', '.join(each['untested'])}"


def _line_shown(line: dict[str, Any], zone: str) -> Iterator[str]:
    from watchline.cli.reading import shown_time

    yield f"  {line['line']}"
    for side in ("ours", "theirs"):
        for clock in line[side]:
            yield f"    {clock['id']} {clock['precedence']}: {clock['clock']}, {clock['seconds']} of {clock['allowed']} s"
        if line[f"{side}_left_out"]:
            yield f"    and {line[f'{side}_left_out']} more of {side}"
    for due in line["due"]:
        yield f"    commitment {due['id']}: {due['kind'].replace('_', ' ')}, {shown_time(due['at'], zone)}"
    for kind in ("test", "drill"):
        last = line[f"last_{kind}"]
        result = "none yet"
        if last is not None:
            word = "awaited" if last["ok"] is None else "ok" if last["ok"] else "FAILED"
            result = f"{word}, {shown_time(last['at'], zone)}"
        yield f"    last {kind}: {result}"
