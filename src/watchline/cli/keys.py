"""`keys`: this desk's certificate and incarnations, the identity's custodian, and the spares that were given out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.output import table
from watchline.cli.session import Session, command
from watchline.errors import UsageError

if TYPE_CHECKING:
    from watchline.core.certificate import SignedCertificate
    from watchline.desk.home import Home
    from watchline.desk.local import Caller
    from watchline.desk.medium import Unlocked
    from watchline.desk.own import OwnDesk

CONFIRMERS = 2
NONCE_BYTES = 16

_identity_dir = click.option(
    "--identity-dir", type=click.Path(path_type=Path, file_okay=False), help="Where the identity's medium is now."
)


@click.group(name="keys", epilog="\b\nExample:\n  watchline --home tokyo keys show")
def keys() -> None:
    """The keys of this desk: certificate, incarnations, spares, custodian."""


@command(keys, name="show", example="watchline --home tokyo keys show --json")
def show(session: Session) -> None:
    """Show the incarnation, certificate and spares of this desk.

    For each line also which incarnations of both desks people have confirmed.
    """
    from watchline.desk.ceremony import own_desk

    with session.desk() as (_, caller):
        own = own_desk(caller)
        rows = caller.call("line_rows")["lines"]
        document = {
            **_certificate_document(own.certificate, session.now()),
            "spares": _spares_document(caller, own, {row["line"] for row in rows if row["confirmed"]}),
            "lines": [_line_document(caller, row) for row in rows],
        }
    session.output.result({"desk": own.name, **document}, _shown(own.name, document))


@command(keys, name="renew", example="watchline --home tokyo keys renew --identity-dir /media/usb")
@_identity_dir
def renew(session: Session, identity_dir: Path | None) -> None:
    """Give this desk's certificate a year more.

    The keys stay. A running node takes it at once and offers it to its peers. The identity signs.
    """
    from watchline.desk.ceremony import keep_up_to_date, own_desk
    from watchline.desk.incarnation import renewed

    now = session.now()
    with session.desk() as (home, caller):
        own = own_desk(caller)
        unlocked = _unlock(session, home, identity_dir)(own)
        later = renewed(unlocked, own, now)
        _put(caller, later)
        keep_up_to_date(caller, unlocked.folder, later)
    document = _certificate_document(later.certificate, now)
    session.output.result(document, _certificate_shown(document))


@command(keys, name="rotate", example="watchline --home tokyo keys rotate --identity-dir /media/usb")
@_identity_dir
def rotate(session: Session, identity_dir: Path | None) -> None:
    """Make this home a new incarnation of its desk.

    It gets new keys and begins new logs. For after a home or its machine was set back, after a failover to an older copy, or on
    suspicion. The node must not run. What was not receipted is issued again by itself. The identity signs.
    """
    _rotate(session, identity_dir, None)


@command(keys, name="revoke", example="watchline --home tokyo keys revoke --since 2026-07-01T00:00:00Z")
@click.option("--since", required=True, metavar="TIME", help="When they may have been stolen: RFC 3339 with an offset.")
@_identity_dir
def revoke(session: Session, since: str, identity_dir: Path | None) -> None:
    """Replace keys that somebody may have stolen.

    As `keys rotate`. And what the old keys signed counts from then on only if somebody else dates it before TIME.
    """
    from watchline.catalogue.times import parse_time

    time = parse_time(since)
    if time is None or time > session.now():
        raise UsageError(
            f"{since[:80]!r} is no past time", hint="write it as 2026-07-01T00:00:00Z, with Z or an offset", given=since[:80]
        )
    _rotate(session, identity_dir, time)


@command(keys, name="custodian", example="watchline --home tokyo keys custodian --to /media/other")
@click.option(
    "--to", type=click.Path(path_type=Path, file_okay=False), help="The new medium; else the identity stays where it is."
)
@_identity_dir
def custodian(session: Session, to: Path | None, identity_dir: Path | None) -> None:
    """Hand the identity to another person or medium.

    It gets another passphrase, and with --to another medium. The old file is overwritten and removed once the new one is
    durable and was read back. No key changes.
    """
    from dataclasses import replace

    from watchline.desk.ceremony import keep_up_to_date, own_desk
    from watchline.desk.incarnation import check_medium
    from watchline.desk.medium import KEY_FILE, hand_over

    with session.desk() as (home, caller):
        own = own_desk(caller)
        unlocked = _unlock(session, home, identity_dir)(own)
        check_medium(unlocked.medium, own.certificate)
        target = (to or unlocked.folder).absolute()
        hand_over(unlocked.folder, unlocked.medium, target, session.new_identity_passphrase())
        if to is not None:
            own = replace(own, identity_dir=str(target))
            _put(caller, own)
        keep_up_to_date(caller, target, own)
    session.output.result(
        {"identity": str(target / KEY_FILE), "moved": to is not None},
        [
            f"The identity is in {target / KEY_FILE}, and only the new passphrase opens it.",
            "Destroy every copy of the old medium: whoever has one and the old passphrase still is this desk.",
        ],
    )


@command(keys, name="spare", example="watchline --home tokyo keys spare --out /media/spare --identity-dir /media/usb")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The folder for spare-1 and spare-2."
)
@_identity_dir
def spare(session: Session, out: Path, identity_dir: Path | None) -> None:
    """Make two spares: incarnations that are signed ahead.

    Each is one file, sealed by a passphrase that you choose here. With it one officer starts this desk on an empty machine,
    without the identity: watchline spare FILE. Make new ones after each pairing and change of officers.
    """
    from watchline.desk import spare as spares
    from watchline.desk.ceremony import keep_up_to_date, own_desk
    from watchline.desk.incarnation import check_medium, give_incarnations

    now, files = session.now(), [out / f"spare-{number}" for number in range(1, spares.NUMBER + 1)]
    _check_spare_files(out, files)
    with session.desk() as (home, caller):
        own = own_desk(caller)
        unlocked = _unlock(session, home, identity_dir)(own)
        check_medium(unlocked.medium, own.certificate)
        passphrase = session.spare_passphrase(new=True)
        content = spares.gather(caller, home, own)
        given = give_incarnations(unlocked, spares.NUMBER, now, own.certificate.certificate.revoked)
        for file, each in zip(files, given, strict=True):
            spares.write_spare(file, content, each, passphrase)
            spares.remember(caller, content, each, now)
        keep_up_to_date(caller, unlocked.folder, own)
    made = [
        {"file": str(file), "incarnation": each.certificate.certificate.inc, "serial": each.certificate.certificate.serial}
        for file, each in zip(files, given, strict=True)
    ]
    lines = [f"{each['file']}: incarnation {each['incarnation']}, serial {each['serial']}" for each in made]
    session.output.result(
        {"spares": made, "lines": len(content.lines), "officers": list(content.officers)},
        [
            *lines,
            f"Each knows {len(content.lines)} lines and the keys of {', '.join(content.officers) or 'no officer'}.",
            "Keep each apart from this machine and from its passphrase. To start one: watchline --home NEW spare FILE",
        ],
    )


@command(keys, name="confirm", example="watchline --home tokyo keys confirm beijing --as sato --as suzuki")
@click.argument("line")
@click.option("--as", "signers", multiple=True, required=True, metavar="NAME", help="Who confirms; two different officers.")
@click.option("--of", type=click.Choice(["ours", "theirs"]), help="Whose incarnation. Default: whichever is not confirmed yet.")
def confirm(session: Session, line: str, signers: tuple[str, ...], of: str | None) -> None:
    """Say that a new incarnation on LINE is genuine. Two officers sign.

    Talk to the other desk first, by voice: compare the fingerprint that `keys show` prints on both sides.
    """
    if len(set(signers)) < CONFIRMERS:
        raise UsageError("two people confirm an incarnation", hint="give --as NAME twice, with two names")
    with session.desk() as (home, caller):
        facts = caller.call("line_facts", line=line)
        waiting = [each for each in facts["incarnations"] if not each["confirmed"] and of in (None, each["side"])]
        if waiting:
            officers = session.officers(home, signers)
            for each in waiting:
                _confirm_one(caller, facts, each, officers)
    session.output.result(
        {"line": line, "confirmed": [_incarnation_document(each) | {"confirmed": True} for each in waiting]},
        [f"Confirmed on {line}: {_incarnation_shown(each)}" for each in waiting] or [f"Nothing on {line} waits for that."],
    )


def _confirm_one(caller: Caller, facts: dict[str, Any], incarnation: dict[str, Any], officers: Iterable[Any]) -> None:
    """Put a CONFIRM entry into our log; the same confirmation is the same entry."""
    from watchline.core.encoding import encode
    from watchline.core.entries import Confirmation, EntryType
    from watchline.core.persons import Roster
    from watchline.desk.officers import check_may

    digest = bytes.fromhex(incarnation["fingerprint_of_certificate"])
    content = Confirmation(bytes.fromhex(incarnation["id"]), incarnation["inc"], digest).encode()
    line, own_id = bytes.fromhex(facts["line"]), bytes.fromhex(facts["own_id"])
    roster, nonce = Roster.decode(bytes.fromhex(facts["own_roster"])), os.urandom(NONCE_BYTES)
    for officer in officers:
        check_may(officer, roster, "incarnation")
    assertions = [officer.sign(EntryType.CONFIRM, line, own_id, nonce, content) for officer in officers]
    caller.call(
        "compose",
        line=facts["name"],
        type=int(EntryType.CONFIRM),
        content=content.hex(),
        nonce=nonce.hex(),
        assertions=encode(assertions).hex(),
        once=f"confirm {incarnation['side']} {incarnation['inc']} {digest.hex()[:16]}",
    )


def _rotate(session: Session, identity_dir: Path | None, since: int | None) -> None:
    from watchline.desk import incarnation

    now, home = session.now(), session.home()
    session.output.say(
        "This home gets new keys and begins every log anew. The old ones stay as they are. Each peer shows this desk as "
        "unconfirmed until two people on each side have confirmed it."
    )
    before, own = incarnation.rotate(home, _unlock(session, home, identity_dir), now, since)
    document = {
        "home": str(home.path),
        "before": before.certificate.certificate.inc,
        **_certificate_document(own.certificate, now),
    }
    stolen = (
        [] if since is None else [f"  watchline --home {home.path} renew LINE --out FILE1: the lines' secrets were stolen, too"]
    )
    session.output.result(document, [*_certificate_shown(document), *next_steps(home.path), *stolen])


def next_steps(home: Path) -> list[str]:
    """What people do after a home began a new incarnation."""
    return [
        "Next:",
        f"  watchline --home {home} serve",
        "  Call the other desks: they see the fingerprint above, marked unconfirmed; compare it by voice.",
        f"  watchline --home {home} keys confirm LINE --as NAME --as NAME, here and there",
        f"  watchline --home {home} keys spare --out DIR: those made before are void or know less",
    ]


def _unlock(session: Session, home: Home, identity_dir: Path | None) -> Callable[[OwnDesk], Unlocked]:
    return lambda own: session.unlocked(identity_dir or home.identity_dir(own.identity_dir))


def _put(caller: Caller, own: OwnDesk) -> None:
    from watchline.desk.own import DOCUMENT

    kind, key = DOCUMENT
    caller.call("document_put", kind=kind, key=key, value=own.encode().hex(), sealed=True)
    caller.call("reload")


def _check_spare_files(folder: Path, files: Iterable[Path]) -> None:
    """Raise UsageError before anything is counted."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder cannot be made: {error.strerror}", hint="check --out", path=str(folder)) from error
    for file in files:
        if file.exists():
            raise UsageError(
                "there is a spare already", hint="move it away, or choose another --out; it stays good", path=str(file)
            )


def fingerprint(certificate: SignedCertificate) -> str:
    """SHA-256 of a certificate as two people compare it: its first 160 bits in groups of four hex digits."""
    from hashlib import sha256

    return _grouped(sha256(certificate.encoded).hexdigest())


def _grouped(digits: str) -> str:
    return " ".join(digits[start : start + 4] for start in range(0, 40, 4))


def _certificate_document(signed: SignedCertificate, now: int) -> dict[str, Any]:
    from watchline.catalogue.times import format_time
    from watchline.core.certificate import expiry_remark

    certificate = signed.certificate
    remark = expiry_remark(certificate, now)
    revoked = certificate.revoked
    return {
        "incarnation": certificate.inc,
        "serial": certificate.serial,
        "fingerprint": fingerprint(signed),
        "not_before": format_time(certificate.not_before),
        "not_after": format_time(certificate.not_after),
        "remark": None if remark is None else {"state": remark.state, "seconds": remark.seconds},
        "revoked": None if revoked is None else {"incarnation": revoked[0], "since": format_time(revoked[1])},
    }


def _certificate_shown(document: dict[str, Any]) -> Iterable[str]:
    yield f"Incarnation {document['incarnation']}, serial {document['serial']}"
    yield f"  fingerprint  {document['fingerprint']}"
    yield f"  valid        {document['not_before']} to {document['not_after']}"
    if document["remark"] is not None:
        state, days = document["remark"]["state"], document["remark"]["seconds"] // 86_400
        said = {"early": "begins in {} days: check the clock", "soon": "expires in {} days", "expired": "expired {} days ago"}
        yield f"  WARNING      {said[state].format(days)}" + ("" if state == "early" else "; watchline keys renew")
    if document["revoked"] is not None:
        yield f"  revoked      incarnation {document['revoked']['incarnation']} since {document['revoked']['since']}"


def _spares_document(caller: Caller, own: OwnDesk, lines: set[str]) -> list[dict[str, Any]]:
    """The spares that may still count. state: ready; or outdated, when lines or officers came after it was made."""
    from watchline.catalogue.times import format_time
    from watchline.desk.spare import given_out

    shown = []
    for each in given_out(caller):
        knows = {line.hex() for line in each.lines} >= lines and each.roster == own.roster.version
        void = each.inc <= own.certificate.certificate.inc
        shown.append(
            {
                "incarnation": each.inc,
                "serial": each.serial,
                "made": format_time(each.made),
                "not_after": format_time(each.not_after),
                "state": "void" if void else "ready" if knows else "outdated",
            }
        )
    return shown


def _line_document(caller: Caller, row: dict[str, Any]) -> dict[str, Any]:
    from watchline.core.pairing import line_digits

    incarnations = caller.call("line_facts", line=row["name"]).get("incarnations", []) if row["confirmed"] else []
    return {
        "line": row["name"],
        "confirmed": row["confirmed"],
        "digits": line_digits(bytes.fromhex(row["line"])),
        "incarnations": [_incarnation_document(each) for each in incarnations],
    }


def _incarnation_document(each: dict[str, Any]) -> dict[str, Any]:
    return {
        "side": each["side"],
        "incarnation": each["inc"],
        "fingerprint": _grouped(each["fingerprint_of_certificate"]),
        "confirmed": each["confirmed"],
    }


def _incarnation_shown(each: dict[str, Any]) -> str:
    return f"{each['side']}, incarnation {each['inc']}, {_grouped(each['fingerprint_of_certificate'])}"


def _shown(desk: str, document: dict[str, Any]) -> Iterable[str]:
    yield f"Desk {desk}"
    yield from _certificate_shown(document)
    if document["spares"]:
        rows = [[str(each["incarnation"]), each["state"], each["made"], each["not_after"]] for each in document["spares"]]
        yield from table([["SPARE", "STATE", "MADE", "VALID UNTIL"], *rows])
    else:
        yield "No spare was made: watchline keys spare"
    for line in document["lines"]:
        yield f"Line {line['line']}" + ("" if line["confirmed"] else ": waits for its digits")
        yield f"  digits  {line['digits']}"
        for each in line["incarnations"]:
            state = "confirmed" if each["confirmed"] else "NOT CONFIRMED: watchline keys confirm"
            yield f"  {each['side']}, incarnation {each['incarnation']}, {each['fingerprint']}: {state}"
