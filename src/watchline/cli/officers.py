"""`officer`: who may speak for this desk. The identity signs each change of the roster, and every peer is told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.output import table
from watchline.cli.session import Session, command
from watchline.errors import UsageError, WatchlineError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchline.core.persons import Roster
    from watchline.desk.home import Home
    from watchline.desk.local import Caller
    from watchline.desk.medium import Medium
    from watchline.desk.own import OwnDesk

_identity_dir = click.option(
    "--identity-dir", type=click.Path(path_type=Path, file_okay=False), help="Where the identity's medium is now."
)


@click.group(name="officer", epilog="\b\nExample:\n  watchline --home tokyo officer add sato --role releaser")
def officer() -> None:
    """The people who may speak for this desk."""


@command(officer, name="add", example="watchline --home tokyo officer add sato --role releaser")
@click.argument("name")
@click.option(
    "--role",
    default="duty",
    show_default=True,
    type=click.Choice(["duty", "releaser", "admin", "auditor"]),
    help="duty and releaser send and acknowledge; admin changes the roster; auditor only reads.",
)
@_identity_dir
def add(session: Session, name: str, role: str, identity_dir: Path | None) -> None:
    """Give NAME a key of their own.

    It is sealed by a passphrase that NAME chooses. The identity signs, and every peer is told.
    """
    from dataclasses import replace

    from watchline.desk import officers
    from watchline.desk.ceremony import keep_up_to_date, own_desk

    now = session.now()
    with session.desk() as (home, caller):
        own = own_desk(caller)
        if officers.officer_path(home.officers, name).exists():
            raise UsageError(f"officer {name} has a key here already", hint="choose another name", officer=name)
        if any(each.name == name and each.not_after > now for each in own.roster.officers):
            raise UsageError(
                f"officer {name} is in force already, with a key that is not here",
                hint=f"bring the key file back; or, if it is lost: watchline officer revoke {name}, after adding somebody else",
                officer=name,
            )
        _need_node_for_lines(home, caller)
        medium = session.unlock(home, identity_dir)(own)
        person = officers.new_officer_key(own.roster, name)
        roster = officers.with_officer(own.roster, person.officer(role, now))
        path = officers.write_officer_key(home.officers, person, session.officer_passphrase(name, new=True))
        try:
            _change_roster(caller, own, roster, medium)
        except BaseException:
            path.unlink()
            raise
        keep_up_to_date(caller, identity_dir or home.identity_dir(own.identity_dir), replace(own, roster=roster))
    _show(session, roster, now)


@command(officer, name="list", example="watchline --home tokyo officer list")
def list_(session: Session) -> None:
    """List this desk's officers, their roles and validity."""
    from watchline.desk.ceremony import own_desk

    with session.desk() as (_, caller):
        _show(session, own_desk(caller).roster, session.now())


@command(officer, name="revoke", example="watchline --home tokyo officer revoke sato")
@click.argument("name")
@_identity_dir
def revoke(session: Session, name: str, identity_dir: Path | None) -> None:
    """End the validity of the key of NAME.

    What it signed before stays good. The identity signs, and every peer is told.
    """
    from dataclasses import replace

    from watchline.desk import officers
    from watchline.desk.ceremony import keep_up_to_date, own_desk

    now = session.now()
    with session.desk() as (home, caller):
        own = own_desk(caller)
        roster = officers.without_officer(own.roster, name, now)
        _need_node_for_lines(home, caller)
        medium = session.unlock(home, identity_dir)(own)
        _change_roster(caller, own, roster, medium)
        keep_up_to_date(caller, identity_dir or home.identity_dir(own.identity_dir), replace(own, roster=roster))
        officers.officer_path(home.officers, name).unlink(missing_ok=True)
    _show(session, roster, now)


def _need_node_for_lines(home: Home, caller: Caller) -> None:
    """A peer that is not told would refuse the new officer's signatures: no change before a node can tell."""
    from watchline.desk.local import no_node

    if not caller.running and any(row["confirmed"] for row in caller.call("line_rows")["lines"]):
        raise no_node(home)


def _change_roster(caller: Caller, own: OwnDesk, roster: Roster, medium: Medium) -> None:
    """Put the roster in force here, and tell every peer. If the first cannot be told, all is as it was."""
    from dataclasses import replace

    told = 0
    _put(caller, replace(own, roster=roster))
    try:
        for row in caller.call("line_rows")["lines"]:
            if row["confirmed"]:
                _tell(caller, row, medium, roster)
                told += 1
    except WatchlineError:
        if not told:
            _put(caller, own)
        raise
    if told:
        caller.call("reload")


def _put(caller: Caller, own: OwnDesk) -> None:
    from watchline.desk.own import DOCUMENT

    kind, key = DOCUMENT
    caller.call("document_put", kind=kind, key=key, value=own.encode().hex(), sealed=True)


def _tell(caller: Caller, row: dict[str, Any], medium: Medium, roster: Roster) -> None:
    """Say it on one line: an entry signed by the identity; the same change is the same entry."""
    from watchline.core.entries import EntryType
    from watchline.desk.officers import sign_roster_change

    content = sign_roster_change(medium.key, bytes.fromhex(row["line"]), roster)
    once = f"roster {roster.version}"
    caller.call("compose", line=row["name"], type=int(EntryType.ROSTER), content=content.hex(), once=once)


def _show(session: Session, roster: Roster, now: int) -> None:
    from watchline.catalogue.times import format_time

    listed: list[dict[str, Any]] = [
        {
            "number": each.number,
            "name": each.name,
            "role": each.role,
            "valid": each.not_before <= now < each.not_after,
            "not_after": format_time(each.not_after),
        }
        for each in roster.officers
    ]
    session.output.result({"version": roster.version, "officers": listed}, _shown(listed))


def _shown(listed: list[dict[str, Any]]) -> Iterable[str]:
    head = ["NUMBER", "NAME", "ROLE", "VALID UNTIL"]
    rows = [
        [str(each["number"]), each["name"] or "-", each["role"], each["not_after"] + ("" if each["valid"] else "  NOT VALID")]
        for each in listed
    ]
    return table([head, *rows])
