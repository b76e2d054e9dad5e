"""`terms`: what both desks agreed on for a line, and its amendment: one desk proposes, the other accepts, two people each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.output import table
from watchline.cli.session import Session, command
from watchline.errors import UsageError

if TYPE_CHECKING:
    from watchline.desk.home import Home
    from watchline.desk.local import Caller

PEOPLE = 2
NONCE_BYTES = 16
_DIGEST_DIGITS = 40

_signers = click.option("--as", "signers", multiple=True, required=True, metavar="NAME", help="Who signs; two officers.")
_unconfirmed = click.option(
    "--unconfirmed", is_flag=True, help="Say it also to an incarnation of the peer that nobody here has confirmed."
)


@click.group(name="terms", epilog="\b\nExample:\n  watchline --home tokyo terms show beijing")
def terms() -> None:
    """The terms of a line: what is in force, and how to amend it."""


@command(terms, name="show", example="watchline --home tokyo terms show beijing --json")
@click.argument("line")
def show(session: Session, line: str) -> None:
    """Show the terms in force on LINE, and every proposal.

    Of a proposal also who made it, in what it differs, and whose people can accept it.
    """
    with session.desk() as (_, caller):
        shown = caller.call("terms_show", line=line)
    session.output.result(shown, _shown(shown))


@command(
    terms,
    name="propose",
    example="watchline --home tokyo terms propose beijing --set release_people.FLASH=2 --as sato --as suzuki",
)
@click.argument("line")
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="A TOML file with the changes, as for `invite`.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="One change; may be repeated.")
@_signers
@_unconfirmed
def propose(
    session: Session, line: str, file: Path | None, settings: tuple[str, ...], signers: tuple[str, ...], unconfirmed: bool
) -> None:
    """Propose the next version of the terms of LINE. Two officers sign.

    It begins with the terms in force and is in force once the other desk has accepted it. What changes is shown first.
    """
    from watchline.core.terms import Terms
    from watchline.desk.agreement import amended_terms

    if file is None and not settings:
        raise UsageError("what is to change?", hint="give --set KEY=VALUE or --file FILE; `watchline terms show` has the names")
    with session.desk() as (home, caller):
        before = caller.call("terms_show", line=line)
        text = amended_terms(Terms.decode(bytes.fromhex(before["in_force"]["encoded"])), file, settings)
        _check_not_there(before, text)
        _sign(session, home, caller, before, text, signers, unconfirmed=unconfirmed)


@command(terms, name="accept", example="watchline --home beijing terms accept tokyo --as chen --as li")
@click.argument("line")
@click.argument("id", required=False)
@click.option("--digest", metavar="HEX", help="Accept only the text with this digest, as the other desk reads it out.")
@_signers
@_unconfirmed
def accept(
    session: Session,
    line: str,
    id: str | None,  # noqa: A002 - the word of the other commands
    digest: str | None,
    signers: tuple[str, ...],
    unconfirmed: bool,
) -> None:
    """Accept what the other desk of LINE proposes. Two officers sign.

    ID names the proposal where there are several. What changes is shown first. From then on both desks are held to it.
    """
    from watchline.core.terms import Terms

    with session.desk() as (home, caller):
        before = caller.call("terms_show", line=line)
        proposal = _waiting(before, id)
        if digest is not None and not _is_digest(digest, proposal["digest"]):
            raise UsageError(
                f"the text of {proposal['id']} has another digest",
                hint="call the other desk: see `watchline terms show` on both sides",
                digest=proposal["digest"],
            )
        text = Terms.decode(bytes.fromhex(proposal["encoded"]))
        _sign(session, home, caller, before, text, signers, unconfirmed=unconfirmed)


def _waiting(shown: dict[str, Any], id: str | None) -> dict[str, Any]:  # noqa: A002 - as in `accept`
    """The proposal that people mean. Raises UsageError if there is none, or there are several."""
    waiting: list[dict[str, Any]] = [each for each in shown["entries"] if not each["own"] and each["waits_for"] == "ours"]
    if id is not None:
        named = [each for each in shown["entries"] if id in (each["id"], each["digest"])]
        waiting = [each for each in waiting if each in named]
        if named and not waiting:
            raise UsageError(f"{id} {_why_not(named[0], shown)}", hint=f"see `watchline terms show {shown['line']}`", id=id)
    allowed = [each["id"] for each in waiting]
    if len({each["digest"] for each in waiting}) == 1:
        return waiting[-1]
    if waiting:
        raise UsageError(
            "several proposals wait", hint=f"name one: {', '.join(allowed)}; see `watchline terms show`", allowed=allowed
        )
    raise UsageError(
        f"nothing on {shown['line']} waits to be accepted here" + ("" if id is None else f" as {id[:80]}"),
        hint=f"see `watchline terms show {shown['line']}`",
    )


def _why_not(entry: dict[str, Any], shown: dict[str, Any]) -> str:
    if entry["state"] == "proposed":
        return f"waits for {shown['peer']}, not for this desk"
    return _STATES[entry["state"]]


_STATES = {
    "proposed": "is proposed",
    "accepted": "is accepted",
    "superseded": "is superseded: its version is in force with other words, or was",
    "not_released": "is NOT RELEASED: two people must sign it",
    "unreadable": "cannot be read as terms",
    "refused": "breaks rule 6: it is not the next version, or loosens what no amendment may loosen",
    "ended": "ended with its pair of incarnations",
}


def _check_not_there(shown: dict[str, Any], text: Any) -> None:
    for each in shown["entries"]:
        if each["digest"] == text.digest.hex() and each["state"] == "proposed":
            other = "accept it: watchline terms accept" if each["waits_for"] == "ours" else f"{shown['peer']} has to accept it"
            raise UsageError(f"{each['id']} proposes just this", hint=other, id=each["id"])


def _sign(
    session: Session,
    home: Home,
    caller: Caller,
    before: dict[str, Any],
    text: Any,
    signers: tuple[str, ...],
    *,
    unconfirmed: bool,
) -> None:
    """Show what changes, have two officers sign it, and enter it into our log."""
    from watchline.core.encoding import encode
    from watchline.core.entries import EntryType
    from watchline.core.persons import Roster
    from watchline.core.terms import Terms
    from watchline.desk.local import no_node
    from watchline.desk.officers import check_may
    from watchline.desk.terms_questions import check_text, differences

    if len(set(signers)) < PEOPLE:
        raise UsageError("two people amend the terms", hint="give --as NAME twice, with two names")
    now, content = Terms.decode(bytes.fromhex(before["in_force"]["encoded"])), text.encode()
    check_text(now, content)
    if not caller.running:
        raise no_node(home)
    facts = caller.call("line_facts", line=before["line"])
    differs = differences(now, text)
    for said in (f"Version {text.version} of the terms of {before['line']}, {_digest(text.digest.hex())}:", *_diff(differs)):
        session.output.say(said)
    officers = session.officers(home, signers)
    roster, nonce = Roster.decode(bytes.fromhex(facts["own_roster"])), os.urandom(NONCE_BYTES)
    for officer in officers:
        check_may(officer, roster, "terms")
    line, own_id = bytes.fromhex(facts["line"]), bytes.fromhex(facts["own_id"])
    answer = caller.call(
        "compose",
        line=before["line"],
        type=int(EntryType.TERMS),
        content=content.hex(),
        nonce=nonce.hex(),
        assertions=encode([officer.sign(EntryType.TERMS, line, own_id, nonce, content) for officer in officers]).hex(),
        unconfirmed=unconfirmed,
    )
    after = caller.call("terms_show", line=before["line"])
    in_force = after["in_force"]["digest"] == text.digest.hex()
    document = {
        "line": answer["line"],
        "id": answer["id"],
        "version": text.version,
        "digest": text.digest.hex(),
        "in_force": in_force,
        "differs": differs,
    }
    told = "is in force" if in_force else f"is in force once {before['peer']} has accepted it: watchline terms accept"
    session.output.result(document, [f"{answer['id']} on {answer['line']}: version {text.version} {told}"])


def _is_digest(given: str, digest: str) -> bool:
    """Whether digits that were read out name a digest: all of it, or as much as `terms show` prints."""
    digits = "".join(given.split()).lower()
    return len(digits) >= _DIGEST_DIGITS and digest.startswith(digits)


def _digest(digits: str) -> str:
    return "digest " + " ".join(digits[start : start + 4] for start in range(0, _DIGEST_DIGITS, 4))


def _shown(shown: dict[str, Any]) -> Iterable[str]:
    now = shown["in_force"]
    by = f" by {' and '.join(now['since']['entries'])}" if now["since"]["entries"] else ", as paired"
    yield f"Terms of {shown['line']}: version {now['version']}, in force since {now['since']['at']}{by}"
    yield f"  {_digest(now['digest'])}"
    settings = {name: value for name, value in now.items() if name not in ("version", "digest", "encoded", "since", "forms")}
    yield from table([["", name, _text(value)] for name, value in _flat(settings)])
    yield from table([["", f"forms.{form}", _text_of_clocks(clocks)] for form, clocks in now["forms"].items()])
    for each in shown["entries"]:
        yield from _entry_shown(each, shown)


def _entry_shown(entry: dict[str, Any], shown: dict[str, Any]) -> Iterable[str]:
    people = ", ".join(str(officer["name"] or officer["number"]) for officer in entry["officers"]) or "nobody"
    version = "terms" if entry["version"] is None else f"version {entry['version']}"
    yield f"{entry['id']}: {version}, entered {entry['at']} by {entry['by']}, signed by {people}; {_STATES[entry['state']]}"
    if entry["state"] == "proposed":
        who = "this desk: watchline terms accept" if entry["waits_for"] == "ours" else shown["peer"]
        yield f"  {_digest(entry['digest'])}; waits for {who}"
        yield from _diff(entry["differs"])


def _diff(differs: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield from table([["", each["setting"], _text(each["before"]), "->", _text(each["after"])] for each in differs])


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _text_of_clocks(clocks: dict[str, Any]) -> str:
    return ", ".join(f"{name.removesuffix('_seconds')} {_text(seconds)}" for name, seconds in clocks.items())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_text(each["name"]) if isinstance(each, dict) else str(each) for each in value) or "none"
    return "none" if value is None else str(value)
