"""`backup`, `restore`, `spare`: a home is copied, brought back, or begun on another machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from watchline.cli.session import Session, command
from watchline.errors import UsageError

if TYPE_CHECKING:
    from watchline.desk.restore import Restored


@command(name="backup", example="watchline --home tokyo backup --out /backup/tokyo-monday")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The new file.")
def backup(session: Session, out: Path) -> None:
    """Write one file with all that this home holds.

    The node may run meanwhile. Only the identity's medium opens the file, so making it needs no passphrase, and a thief of it
    gets nothing. The medium itself is not in it.
    """
    from watchline.catalogue.times import format_time
    from watchline.desk.backup import make_backup
    from watchline.desk.ceremony import own_desk
    from watchline.desk.medium import KEY_FILE

    now = session.now()
    with session.desk() as (home, caller):
        own = own_desk(caller)
        medium = home.identity_dir(own.identity_dir)
        if (medium / KEY_FILE).exists() and medium.resolve().is_relative_to(home.path.resolve()):
            session.output.say(
                f"Warning: the identity's medium is in this home, {medium}, and not in the backup. "
                "If this disk is lost, nothing opens the backup: watchline keys custodian --to DIR"
            )
        written = make_backup(caller, home, own, out, now)
    session.output.result(
        {
            "file": str(out),
            "sha256": written.sha256,
            "bytes": written.size,
            "desk": own.name,
            "incarnation": written.contents.inc,
            "made": format_time(now),
        },
        [f"{out}: {written.size} bytes, SHA-256 {written.sha256}", f"To bring it back: watchline --home NEW restore {out}"],
    )


@command(name="restore", example="watchline --home tokyo restore /backup/tokyo-monday --identity-dir /media/usb")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--from-identity", is_flag=True, help="No backup is left: bring the lines back from the identity's medium alone.")
@click.option(
    "--identity-dir", required=True, type=click.Path(path_type=Path, file_okay=False), help="Where the identity's medium is."
)
@click.option(
    "--officer-key",
    "officer_keys",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="An officer's key file, NAME.key, to take into the home; may be repeated.",
)
@click.option("--lang", metavar="LANG", help="With --from-identity: the desk's language. Default: what the medium keeps.")
@click.option("--zone", help="With --from-identity: its time zone. Default: what the medium keeps, else UTC.")
def restore(
    session: Session,
    file: Path | None,
    from_identity: bool,
    identity_dir: Path,
    officer_keys: tuple[Path, ...],
    lang: str | None,
    zone: str | None,
) -> None:
    """Bring a desk back in a new home.

    From the backup FILE, or from the identity's medium alone. It becomes a new incarnation: new keys, new logs. The other desks
    see that, and two people on each side confirm it. What was said after the backup comes back from the other desks. The
    identity signs.
    """
    from watchline.desk.home import check_free
    from watchline.desk.restore import restore_backup, restore_identity

    if (file is None) == (not from_identity):
        raise UsageError("give either a backup FILE or --from-identity", hint="see watchline restore --help")
    if file is not None and (lang is not None or zone is not None):
        raise UsageError("the backup says the language and the time zone", hint="leave out --lang and --zone")
    path, now = session.path(), session.now()
    check_free(path.absolute())
    session.output.say(
        f"This makes {path} the desk's home, as a new incarnation: the identity counts it on its medium and signs new keys. "
        "The old home, wherever it is, must not run again. Each peer shows this desk as unconfirmed until two people on each "
        "side have confirmed it. Notices flow before that."
    )
    unlocked = session.unlocked(identity_dir)
    if file is not None:
        restored = restore_backup(path, file, unlocked, officer_keys, now)
    else:
        restored = restore_identity(path, unlocked, lang, zone, officer_keys, now)
    _show(session, restored)


@command(name="spare", example="watchline --home tokyo-2 spare /media/spare/spare-1 --listen 192.0.2.9:7400")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--listen", "listen", multiple=True, metavar="HOST:PORT", help="Where this machine listens. Default: it only dials."
)
def spare(session: Session, file: Path, listen: tuple[str, ...]) -> None:
    """Start this desk on an empty machine, from the spare FILE.

    One officer and the spare's passphrase are enough. The desk's old machine must not run again.
    """
    from watchline.cli.keys import fingerprint, next_steps
    from watchline.desk.home import check_free
    from watchline.desk.spare import check_spare, read_spare, start_spare
    from watchline.routes.address import parse_address

    path, addresses = session.path(), tuple(str(parse_address(address)) for address in listen)
    check_free(path.absolute())
    check_spare(file)
    try:
        session.now()
    except UsageError as error:  # the line must come up even so
        session.output.say(f"Warning: {error.message}: {error.hint}")
    content = read_spare(file, session.spare_passphrase())
    home = start_spare(path, content, addresses)
    certificate, names = content.own.certificate, [each.record.name for each in content.lines]
    document = {
        "home": str(home.path),
        "desk": content.own.name,
        "incarnation": certificate.certificate.inc,
        "fingerprint": fingerprint(certificate),
        "lines": names,
        "officers": list(content.officers),
        "listen": list(addresses),
    }
    session.output.result(
        document,
        [
            f"Desk {content.own.name}, incarnation {document['incarnation']}, lines {', '.join(names) or 'none'}",
            f"  fingerprint  {document['fingerprint']}",
            f"  listens on   {', '.join(addresses) or 'nothing, it only dials; listen in watchline.toml changes that'}",
            *next_steps(home.path),
        ],
    )


def _show(session: Session, restored: Restored) -> None:
    from watchline.cli.keys import fingerprint, next_steps
    from watchline.core.pairing import line_digits
    from watchline.desk.officers import officer_names

    certificate, names = restored.own.certificate, officer_names(restored.home.officers)
    waiting = [row for row in restored.lines if not row.confirmed]
    document = {
        "home": str(restored.home.path),
        "desk": restored.own.name,
        "incarnation": certificate.certificate.inc,
        "serial": certificate.certificate.serial,
        "fingerprint": fingerprint(certificate),
        "lines": [{"line": row.name, "confirmed": row.confirmed, "digits": line_digits(row.line)} for row in restored.lines],
        "officers": names,
    }
    shown = [
        f"Desk {restored.own.name}, incarnation {document['incarnation']}, serial {document['serial']}",
        f"  fingerprint  {document['fingerprint']}",
        f"  lines        {', '.join(row.name for row in restored.lines) or 'none'}",
        f"  officers     {', '.join(names) or 'no key is here'}",
        *next_steps(restored.home.path),
    ]
    if len(names) < 2:
        shown.append("  Two officers confirm. With the node running: watchline officer add NAME")
    for row in waiting:
        shown += [
            f'  {row.name} was never confirmed: watchline confirm {row.name} --digits "..."; the digits are',
            f"    {line_digits(row.line)}",
        ]
    session.output.result(document, shown)
