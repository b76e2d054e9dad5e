"""`invite`, `accept`, `complete`, `confirm`: two desks that have never met make a line, by three files and sixty digits."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.session import Session, command, read_file
from watchline.errors import UsageError

if TYPE_CHECKING:
    from watchline.core.certificate import SignedCertificate
    from watchline.core.pairing import RouteAddress
    from watchline.core.terms import Terms

_file = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_addresses = click.option(
    "--address", "addresses", multiple=True, metavar="HOST:PORT", help="Where the other desk reaches this one; may be repeated."
)
_dial_only = click.option("--dial-only", is_flag=True, help="This desk only dials: it is behind a one-way firewall.")
_identity_dir = click.option(
    "--identity-dir", type=click.Path(path_type=Path, file_okay=False), help="Where the identity's medium is now."
)


@command(name="invite", example="watchline --home tokyo invite --address desk.example.org:7400 --out for-beijing.1")
@_addresses
@_dial_only
@click.option("--terms", type=click.Path(path_type=Path, dir_okay=False), help="A TOML file that changes the default terms.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File 1, to be carried to the other desk.")
@_identity_dir
def invite(
    session: Session, addresses: tuple[str, ...], dial_only: bool, terms: Path | None, out: Path, identity_dir: Path | None
) -> None:
    """Begin a pairing: write file 1.

    It holds this desk's keys and addresses, and the terms that it proposes. The identity signs.
    """
    from watchline.desk import ceremony
    from watchline.desk.agreement import proposed_terms

    routes = dialled_routes(addresses, dial_only=dial_only)
    now = session.now()
    with session.desk() as (home, caller):
        own = ceremony.own_desk(caller)
        proposed = proposed_terms(own.language, home.config, terms)
        _warn_of_dates(session, own.certificate, "this desk's", now)
        file1 = ceremony.invite(caller, own, session.unlock(home, identity_dir), proposed, routes, out)
    document = {
        "file": str(out),
        "sha256": sha256(file1).hexdigest(),
        "desk": own.name,
        "fingerprint": own.identity.fingerprint,
    }
    session.output.result(
        {**document, "terms": _terms_document(proposed)},
        [
            f"File 1 is {out}, SHA-256 {document['sha256']}",
            *_terms_lines(proposed),
            "Carry it to the other desk by hand. What comes back is file 2: watchline complete FILE2 --out FILE3",
        ],
    )


@command(
    name="accept", example="watchline --home beijing accept from-tokyo.1 --address desk.example.net:7400 --out for-tokyo.2"
)
@_file
@_addresses
@_dial_only
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File 2, to be carried back.")
@_identity_dir
def accept(
    session: Session, file: Path, addresses: tuple[str, ...], dial_only: bool, out: Path, identity_dir: Path | None
) -> None:
    """Accept an invitation with its terms: write file 2.

    FILE is file 1, from the other desk. The identity signs.
    """
    from watchline.catalogue import load_catalogue
    from watchline.core.pairing import PAIRING_BYTES_MAX
    from watchline.desk import ceremony

    file1 = read_file(file, bytes_max=PAIRING_BYTES_MAX)
    routes = dialled_routes(addresses, dial_only=dial_only)
    now = session.now()
    with session.desk() as (home, caller):
        own = ceremony.own_desk(caller)
        invitation, file2 = ceremony.accept(caller, own, session.unlock(home, identity_dir), file1, routes, out)
        reachable = bool(invitation.offer.routes or ceremony.own_routes(caller))
    offer = invitation.offer
    _warn_of_dates(session, offer.certificate, f"{offer.identity.desk}'s", now)
    if invitation.terms.catalogue_digest != load_catalogue().digest:
        session.output.say(
            "Warning: the other desk has another catalogue: some forms may be shown as they are. Compare versions."
        )
    if not reachable:
        session.output.say("Warning: neither desk gives an address, so neither can dial. Add one: watchline route add")
    session.output.result(
        {
            "file": str(out),
            "sha256": sha256(file2).hexdigest(),
            "peer": offer.identity.desk,
            "fingerprint": offer.identity.fingerprint,
            "terms": _terms_document(invitation.terms),
        },
        [
            f"Accepted: {offer.identity.desk}, fingerprint {offer.identity.fingerprint}",
            *_terms_lines(invitation.terms),
            f"File 2 is {out}, SHA-256 {sha256(file2).hexdigest()}",
            "Carry it back by hand. What comes then is file 3: watchline complete FILE3",
        ],
    )


@command(name="complete", example="watchline --home tokyo complete from-beijing.2 --out for-beijing.3")
@_file
@click.option("--out", type=click.Path(path_type=Path), help="File 3, to be carried to the other desk; wanted with file 2.")
@click.option("--name", help="What this desk calls the line. Default: made from the other desk's name.")
@_identity_dir
def complete(session: Session, file: Path, out: Path | None, name: str | None, identity_dir: Path | None) -> None:
    """Take file 2 and write file 3, or take file 3.

    Both desks then have the same sixty digits, which two people compare by voice. Given again, the same file does the same.
    """
    from watchline.core.pairing import PAIRING_BYTES_MAX
    from watchline.desk import ceremony

    data = read_file(file, bytes_max=PAIRING_BYTES_MAX)
    now = session.now()
    with session.desk() as (home, caller):
        own = ceremony.own_desk(caller)
        unlock = session.unlock(home, identity_dir)
        done = ceremony.complete(caller, home, own, unlock, data, now, name=name, out=out, identity_dir=identity_dir)
    pairing = done.pairing
    _warn_of_dates(session, pairing.peer_certificate, f"{pairing.peer.desk}'s", now)
    document: dict[str, Any] = {
        "line": done.name,
        "state": "pairing",
        "peer": pairing.peer.desk,
        "fingerprint": pairing.peer.fingerprint,
        "digits": pairing.digits,
    }
    lines = [f"Line {done.name} to {pairing.peer.desk}, fingerprint {pairing.peer.fingerprint}"]
    if done.file3 is not None and out is not None:
        document |= {"file": str(out), "sha256": sha256(done.file3).hexdigest()}
        lines.append(f"File 3 is {out}, SHA-256 {document['sha256']}. Carry it to the other desk.")
    session.output.result(document, [*lines, *_digits_lines(done.name, pairing.digits)])


@command(name="confirm", example='watchline --home tokyo confirm beijing --digits "01234 56789 ..."')
@click.argument("line")
@click.option("--digits", help="The sixty digits, as the person at the other desk reads them out.")
@click.option("--differs", is_flag=True, help="The digits differ: end this pairing, nothing of it remains.")
@_identity_dir
def confirm(session: Session, line: str, digits: str | None, differs: bool, identity_dir: Path | None) -> None:
    """Say that two people compared the digits of LINE.

    With the right digits the line begins. Three wrong entries end the pairing, and so does --differs, at once.
    """
    from watchline.desk import ceremony

    if (digits is None) == (not differs):
        raise UsageError("give either --digits or --differs", hint='watchline confirm LINE --digits "..." or --differs')
    with session.desk() as (home, caller):
        own = ceremony.own_desk(caller)
        if digits is None:
            ceremony.end_pairing(caller, home, own, line, identity_dir=identity_dir)
            session.output.result({"line": line, "state": "ended"}, [f"The pairing {line} is ended; nothing of it remains."])
            return
        ceremony.confirm(caller, home, own, line, digits, identity_dir=identity_dir)
        state = next(row["state"] for row in caller.call("lines")["lines"] if row["name"] == line)
        running = caller.running
    lines = [f"Line {line} is paired."]
    if not running:
        lines.append(f"Next: watchline --home {session.path()} serve")
    session.output.result({"line": line, "state": state}, lines)


def dialled_routes(addresses: tuple[str, ...], *, dial_only: bool = False) -> tuple[RouteAddress, ...]:
    """The addresses as routes. Raises UsageError for what nobody can dial, and for none where one is wanted."""
    from watchline.core.pairing import RouteAddress
    from watchline.routes.address import is_relay_address, parse_address, parse_relay_address

    relays = tuple(RouteAddress("nats", str(parse_relay_address(text))) for text in addresses if is_relay_address(text))
    addresses = tuple(text for text in addresses if not is_relay_address(text))
    if dial_only and addresses:
        raise UsageError("a desk that only dials gives no address", hint="leave out either --address or --dial-only")
    routes = []
    for text in addresses:
        address = parse_address(text)
        if address.host in ("0.0.0.0", "::"):  # noqa: S104 - refused here
            raise UsageError(
                f"nobody can dial {text}",
                hint='give the address that the other desk reaches, and set listen = ["0.0.0.0:PORT"] in watchline.toml',
                address=text,
            )
        routes.append(RouteAddress("direct", str(address)))
    return (*routes, *relays)


def _warn_of_dates(session: Session, certificate: SignedCertificate, whose: str, now: int) -> None:
    """Dates are remarks, never cuts; but a certificate from the future says that one of two clocks is wrong."""
    from watchline.core.certificate import expiry_remark

    remark = expiry_remark(certificate.certificate, now)
    if remark is None or (remark.state == "early" and remark.seconds < 3600):
        return
    days = remark.seconds // 86_400
    said = {
        "early": f"begins in {days} days: one of the two clocks is wrong",
        "soon": f"expires in {days} days",
        "expired": f"expired {days} days ago, or a clock is wrong",
    }
    session.output.say(f"Warning: {whose} certificate {said[remark.state]}.")


def _digits_lines(name: str, digits: str) -> Iterable[str]:
    groups = digits.split(" ")
    yield "Compare these digits with the other desk by voice, both people reading:"
    for start in range(0, len(groups), 4):
        yield "    " + "  ".join(groups[start : start + 4])
    yield f'Same: watchline confirm {name} --digits "..."   Different: watchline confirm {name} --differs'


def _terms_document(terms: Terms) -> dict[str, Any]:
    from watchline.core.terms import PRECEDENCES

    return {
        "languages": list(terms.languages),
        "status_interval_seconds": terms.status_interval_seconds,
        "test_interval_seconds": terms.test_interval_seconds,
        "clocks": {
            name: {"acknowledge_seconds": clocks.acknowledge, "answer_seconds": clocks.answer}
            for name, clocks in zip(PRECEDENCES, terms.clocks, strict=True)
        },
        "release_people": dict(zip(PRECEDENCES, terms.release_people, strict=True)),
        "witnesses": [witness.name for witness in terms.witnesses],
        "body_days": terms.body_days,
        "show_third_parties": terms.show_third_parties,
    }


def _terms_lines(terms: Terms) -> Iterable[str]:
    from watchline.core.terms import PRECEDENCES

    shown = "may" if terms.show_third_parties else "may not"
    yield f"Terms: languages {', '.join(terms.languages)}; evidence {shown} be shown to third parties"
    yield f"  tests every {terms.test_interval_seconds} s, a status at least every {terms.status_interval_seconds} s"
    for name, clocks, people in zip(PRECEDENCES, terms.clocks, terms.release_people, strict=True):
        acknowledge, answer = (f"{seconds} s" if seconds else "no clock" for seconds in clocks)
        yield f"  {name:<9}  acknowledge {acknowledge}, answer {answer}, released by {people}"
