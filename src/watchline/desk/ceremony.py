"""The pairing ceremony (rule 5): three files carried by hand, then two people compare digits.

The identity signs in this process; what waits for the next file is kept, sealed, in the journal. Each step stores before it
gives a file away, so a step that was interrupted is simply made again: it gives the same file, never a second line. A line that
nobody confirmed carries nothing; three wrong entries of digits, or one "they differ", end it for good.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Container
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

from watchline.core import shapes
from watchline.core.encoding import decode, encode
from watchline.core.pairing import (
    ROUTES_MAX,
    Invitation,
    Pairing,
    PendingAcceptance,
    PendingInvitation,
    RouteAddress,
    accept_invitation,
    complete_acceptance,
    complete_invitation,
    make_invitation,
    read_invitation,
    verify_digits,
)
from watchline.core.pairing_files import file_step
from watchline.core.terms import Terms
from watchline.desk.home import Home
from watchline.desk.local import Caller
from watchline.desk.medium import Medium, drop_pairing, keep_desk, keep_pairing
from watchline.desk.own import DOCUMENT, OwnDesk
from watchline.desk.secrets import write_private_file
from watchline.errors import UsageError, WatchlineError, WrongParty
from watchline.journal import LineRecord

ENTRIES_MAX = 3  # of digits; whoever tries to guess sixty digits has three tries, a person who misreads has two more
PENDING_MAX = 64
_INVITATION, _ACCEPTANCE, _LINE = "invitation-", "acceptance-", "line-"
_LINE_NAME = re.compile(r"[^\W_]([\w-]{0,38}[^\W_])?")

Unlock = Callable[[OwnDesk], Medium]


@dataclass(frozen=True, slots=True)
class Completed:
    """What `complete` made: a line, still to be confirmed, and what this desk calls it."""

    name: str
    pairing: Pairing

    @property
    def file3(self) -> bytes | None:
        """What the other desk still needs; None where it made the invitation and so has everything."""
        return self.pairing.files[2] if self.pairing.inviter else None


def own_desk(caller: Caller) -> OwnDesk:
    """The desk's own record. Raises UsageError for a home without one."""
    kind, key = DOCUMENT
    value = caller.call("document_get", kind=kind, key=key)["value"]
    if value is None:
        raise UsageError("this home has no desk in it", hint="make another one with watchline init")
    return OwnDesk.decode(bytes.fromhex(value))


def invite(caller: Caller, own: OwnDesk, unlock: Unlock, terms: Terms, addresses: tuple[RouteAddress, ...], out: Path) -> bytes:
    """Write file 1 and give it back. addresses: more of our own. Raises UsageError for what cannot be written or sent."""
    check_out(out)
    _check_pending(caller)
    routes = with_routes(own_routes(caller), addresses)
    file1, pending = make_invitation(unlock(own).key, own.certificate, own.roster, terms, routes, os.urandom)
    put_own_routes(caller, routes)
    _give(caller, _INVITATION + _digest(file1), pending.encode(), out, file1)
    return file1


def accept(
    caller: Caller, own: OwnDesk, unlock: Unlock, file1: bytes, addresses: tuple[RouteAddress, ...], out: Path
) -> tuple[Invitation, bytes]:
    """Take file 1 and write file 2; give what was accepted, and file 2. Raises PeerError for file 1, UsageError as `invite`."""
    invitation = read_invitation(file1)
    if invitation.offer.identity.id == own.identity.id:
        raise WrongParty("this file is your own desk's", rule=5, hint="give the file that the other desk made")
    check_out(out)
    _check_pending(caller)
    routes = with_routes(own_routes(caller), addresses)
    file2, pending = accept_invitation(file1, unlock(own).key, own.certificate, own.roster, routes, os.urandom)
    put_own_routes(caller, routes)
    _give(caller, _ACCEPTANCE + _digest(file2), pending.encode(), out, file2)
    return invitation, file2


def complete(
    caller: Caller,
    home: Home,
    own: OwnDesk,
    unlock: Unlock,
    file: bytes,
    now: int,
    *,
    name: str | None,
    out: Path | None,
    identity_dir: Path | None = None,
) -> Completed:
    """Take file 2, and write file 3 to `out`; or take file 3. Either gives the line, which still is to be confirmed.

    name: what this desk calls the line, None for one made from the peer's name. identity_dir: where the identity's medium is
    now, None for where it was. The same file gives the same line again.
    Raises PeerError for a file that is damaged or not of a pairing under way here, UsageError for the other arguments.
    """
    step = file_step(file)
    if step == 1:
        raise WrongParty("this is file 1 of a pairing", rule=5, hint="accept it: watchline accept FILE --out FILE")
    if step == 2 and out is None:
        raise UsageError("file 3 needs a name", hint="complete FILE --out FILE3, and bring FILE3 to the other desk")
    if out is not None and step == 2:
        check_out(out)
    known = _line_made_of(caller, file, step)
    if known is None:
        if name is not None:
            _check_line_name(name)
        known = _pair(caller, home, own, unlock, file, step, now, name, identity_dir)
    if out is not None and known.file3 is not None:
        write_private_file(out, known.file3)
    return known


def confirm(caller: Caller, home: Home, own: OwnDesk, name: str, digits: str, *, identity_dir: Path | None = None) -> None:
    """Two people compared the digits: the line begins. Raises WrongParty (rule 5) if they differ, UsageError if too few came.

    Either counts as a wrong entry; the third ends the pairing.
    """
    row = line_row(caller, name)
    pairing = Pairing.decode(bytes.fromhex(row["pairing"]))
    try:
        verify_digits(pairing.line, digits)
    except (UsageError, WrongParty) as error:
        if not row["confirmed"]:
            _count_wrong_entry(caller, identity_dir or home.identity_dir(own.identity_dir), pairing, error)
        raise
    if not row["confirmed"]:
        caller.call("line_put", **{**row, "confirmed": True})
        _put(caller, _LINE + row["line"], None)
        keep_up_to_date(caller, identity_dir or home.identity_dir(own.identity_dir), own)


def end_pairing(caller: Caller, home: Home, own: OwnDesk, name: str, *, identity_dir: Path | None = None) -> None:
    """The digits differ, or one side does not want the line any more: nothing of it remains. UsageError once confirmed."""
    row = line_row(caller, name)
    if row["confirmed"]:
        raise UsageError(
            f"line {name} is confirmed already and stays",
            hint="if the digits differ after all, stop the node and call both desks' officers",
        )
    _end(caller, identity_dir or home.identity_dir(own.identity_dir), bytes.fromhex(row["line"]))


def keep_up_to_date(caller: Caller, medium: Path, own: OwnDesk) -> None:
    """Bring what the medium keeps of the desk up to date: roster, certificate, addresses, confirmed lines.

    A medium that is not there, or cannot be written, misses it until the next time.
    """
    rows = (_line_record(row) for row in caller.call("line_rows")["lines"])
    past = {encoded for peer in caller.call("peers")["peers"] for is_own, encoded in peer["certificates"] if is_own}
    with suppress(UsageError):
        keep_desk(medium, own, own_routes(caller), rows, map(bytes.fromhex, past))


def waiting_for_digits(line: bytes) -> tuple[str, str, bytes]:
    """The document, (kind, key, value), that lets two people compare the digits of a line that was restored unconfirmed."""
    return "pending", _LINE + line.hex(), encode(ENTRIES_MAX)


def line_row(caller: Caller, name: str) -> dict[str, Any]:
    """The journal's row of a line. Raises UsageError for a line that does not exist."""
    rows: list[dict[str, Any]] = caller.call("line_rows")["lines"]
    for row in rows:
        if row["name"] == name:
            return row
    names = [row["name"] for row in rows]
    raise UsageError(
        f"there is no line {name[:80]!r}",
        hint=f"there are {', '.join(names)}" if names else "pair with another desk first: watchline invite",
        lines=names,
    )


def own_routes(caller: Caller) -> tuple[RouteAddress, ...]:
    """The addresses at which this desk says it can be reached."""
    value = caller.call("document_get", kind="own-routes", key="self")["value"]
    return () if value is None else tuple(RouteAddress(kind, address) for kind, address in decode(bytes.fromhex(value)))


def with_routes(routes: tuple[RouteAddress, ...], more: tuple[RouteAddress, ...]) -> tuple[RouteAddress, ...]:
    """Both lists, each address once. Raises UsageError for more than a pairing file takes."""
    joined = tuple(dict.fromkeys((*routes, *more)))
    if len(joined) > ROUTES_MAX:
        raise UsageError(f"a desk has at most {ROUTES_MAX} addresses", hint="take one back: watchline route remove")
    return joined


def put_own_routes(caller: Caller, routes: tuple[RouteAddress, ...]) -> None:
    """Change them, and have a running node listen there and sign them to every peer; a port in use changes nothing."""
    before = own_routes(caller)
    if routes == before:
        return
    _store_routes(caller, routes)
    if not caller.running:
        return
    try:
        caller.call("routes_changed")
    except WatchlineError:
        _store_routes(caller, before)
        raise


def _store_routes(caller: Caller, routes: tuple[RouteAddress, ...]) -> None:
    value = encode([list(route) for route in routes]).hex()
    caller.call("document_put", kind="own-routes", key="self", value=value, sealed=False)


def _pair(
    caller: Caller,
    home: Home,
    own: OwnDesk,
    unlock: Unlock,
    file: bytes,
    step: int,
    now: int,
    name: str | None,
    identity_dir: Path | None,
) -> Completed:
    key, pairing = _make_line(caller, own, unlock, file, step)
    for row in caller.call("line_rows")["lines"]:
        if row["line"] == pairing.line.hex():  # whoever made file 3 signed it once more; the line may have gone on since
            _put(caller, key, None)
            return Completed(row["name"], Pairing.decode(bytes.fromhex(row["pairing"])))
    name = _checked_name(caller, name, pairing.peer.desk)
    # Whoever stops between two of these lines finds the pending state, and begins again; after the last it is a line.
    keep_pairing(identity_dir or home.identity_dir(own.identity_dir), own.archive, pairing.line, pairing.encode())
    line = pairing.line.hex()
    _put(caller, _LINE + line, encode(ENTRIES_MAX))
    caller.call("line_put", line=line, name=name, created=now, confirmed=False, pairing=pairing.encode().hex())
    _put(caller, key, None)
    return Completed(name, pairing)


def _make_line(caller: Caller, own: OwnDesk, unlock: Unlock, file: bytes, step: int) -> tuple[str, Pairing]:
    """Find the pending state that this file answers, and complete it; give the state's key and what came of it."""
    prefix = _INVITATION if step == 2 else _ACCEPTANCE
    pending = {key: value for key, value in _pending(caller).items() if key.startswith(prefix)}
    medium = unlock(own) if step == 2 and pending else None
    refusal: WrongParty | None = None
    for key, value in pending.items():
        try:
            if medium is not None:
                return key, complete_invitation(PendingInvitation.decode(value), file, medium.key, os.urandom)[1]
            return key, complete_acceptance(PendingAcceptance.decode(value), file)
        except WrongParty as error:
            refusal = error
    if refusal is not None and len(pending) == 1:
        raise refusal
    raise WrongParty(
        "this file belongs to no pairing that is under way here",
        rule=5,
        hint="give the file that answers the one you sent, or begin anew with watchline invite",
    )


def _line_made_of(caller: Caller, file: bytes, step: int) -> Completed | None:
    """The line that this very file made before, if there is one."""
    for row in caller.call("line_rows")["lines"]:
        pairing = Pairing.decode(bytes.fromhex(row["pairing"]))
        if pairing.files[step - 1] == file:
            return Completed(row["name"], pairing)
    return None


def _line_record(row: dict[str, Any]) -> LineRecord:
    line, pairing = bytes.fromhex(row["line"]), bytes.fromhex(row["pairing"])
    return LineRecord(line, row["name"], row["created"], row["confirmed"], pairing)


def _count_wrong_entry(caller: Caller, medium: Path, pairing: Pairing, error: UsageError | WrongParty) -> None:
    """Take one try away; at the last the pairing ends. The error that is raised anyway says what is left."""
    key = _LINE + pairing.line.hex()
    left = shapes.integer(decode(_pending(caller)[key]), "entries left", at_least=1, at_most=ENTRIES_MAX) - 1
    if left == 0:
        _end(caller, medium, pairing.line)
        raise WrongParty(
            f"{ENTRIES_MAX} wrong entries: this pairing is ended, and nothing of it remains",
            rule=5,
            hint="begin anew with watchline invite, and find out who stood between the desks",
            entries_left=0,
        )
    _put(caller, key, encode(left))
    error.facts["entries_left"] = left
    error.hint = f"{error.hint}; {left} {'entry is' if left == 1 else 'entries are'} left"


def _end(caller: Caller, medium: Path, line: bytes) -> None:
    caller.call("line_drop", line=line.hex())
    _put(caller, _LINE + line.hex(), None)
    drop_pairing(medium, line)


def _give(caller: Caller, key: str, pending: bytes, out: Path, file: bytes) -> None:
    """Store, then give away: a file whose secret was lost would be of no use to the other desk."""
    _put(caller, key, pending)
    try:
        write_private_file(out, file)
    except UsageError:
        _put(caller, key, None)
        raise


def _pending(caller: Caller) -> dict[str, bytes]:
    values: dict[str, str] = caller.call("documents", kind="pending")["values"]
    return {key: bytes.fromhex(value) for key, value in values.items()}


def _put(caller: Caller, key: str, value: bytes | None) -> None:
    caller.call("document_put", kind="pending", key=key, value=None if value is None else value.hex(), sealed=True)


def _check_pending(caller: Caller) -> None:
    if len(_pending(caller)) >= PENDING_MAX:
        raise UsageError(
            f"{PENDING_MAX} pairings are under way already",
            hint="complete them, or end them with watchline confirm LINE --differs",
        )


def check_out(out: Path) -> None:
    """Raise UsageError for a file that is there, or a folder that is not, before anything is signed."""
    if out.exists():
        raise UsageError("this file is there already", hint="choose another name for --out", path=str(out))
    if not out.absolute().parent.is_dir():
        raise UsageError("there is no such folder", hint="make it first, or choose another --out", path=str(out))


def _check_line_name(name: str) -> None:
    if not _LINE_NAME.fullmatch(name):
        raise UsageError(
            "a line's name has 1 to 40 letters, digits, '-' and '_', and begins and ends with a letter or digit",
            hint="choose another --name, such as beijing",
            given=name[:80],
        )


def free_line_name(desk: str, taken: Container[str]) -> str:
    """What a line with this desk is called where nobody chose a name."""
    name = _slug(desk)
    if name not in taken:
        return name
    return next(other for number in count(2) if (other := f"{name[:36]}-{number}") not in taken)


def _slug(desk: str) -> str:
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", desk).lower())
    return "-".join(words)[:40].strip("-") or "line"


def _checked_name(caller: Caller, name: str | None, desk: str) -> str:
    taken = {row["name"] for row in caller.call("line_rows")["lines"]}
    if name is None:
        return free_line_name(desk, taken)
    if name in taken:
        raise UsageError(f"a line is called {name!r} already", hint="choose another --name", lines=sorted(taken))
    return name


def _digest(file: bytes) -> str:
    return sha256(file).hexdigest()[:32]
