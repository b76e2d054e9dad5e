"""`init` and `identity`: a desk begins, and says who it is."""

from __future__ import annotations

from pathlib import Path

import click

from watchline.cli.session import Session, command

IDENTITY_MAGIC = b"watchline identity 1\n"
IDENTITY_FILE_BYTES_MAX = 4_096


@command(name="init", example="watchline --home tokyo init --desk Tokyo --lang ja --zone Asia/Tokyo --identity-dir /media/usb")
@click.option("--desk", required=True, metavar="NAME", help="The desk's name, as its peers will see it. It is for ever.")
@click.option("--lang", required=True, metavar="LANG", help="The language of this desk: en, ja, zh-Hans, ...")
@click.option("--zone", default="UTC", show_default=True, help="Its time zone, shown after UTC: Asia/Tokyo, ...")
@click.option("--officer", default="duty", show_default=True, metavar="NAME", help="Its first officer, of the role duty.")
@click.option(
    "--identity-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the identity's secret goes: best a medium that is taken out. Default: a folder of the home.",
)
def init(session: Session, desk: str, lang: str, zone: str, officer: str, identity_dir: Path | None) -> None:
    """Make a desk: home, identity, first officer, empty journal.

    Two passphrases are chosen here: the identity's, needed again only to pair or to change officers
    (WATCHLINE_PASSPHRASE_FILE), and the officer's, needed for each release (WATCHLINE_OFFICER_FILE).
    """
    from watchline.desk.home import Home, Passphrases, check_new
    from watchline.desk.medium import KEY_FILE

    path, now = session.path(), session.now()
    check_new(path, desk=desk, language=lang, zone=zone, officer=officer, identity_dir=identity_dir)
    passphrases = Passphrases(session.identity_passphrase(new=True), session.officer_passphrase(officer, new=True))
    home, identity = Home.create(
        path,
        desk=desk,
        language=lang,
        zone=zone,
        officer=officer,
        passphrases=passphrases,
        now=now,
        identity_dir=identity_dir,
    )
    folder = identity_dir or path / "identity"
    if identity_dir is None:
        session.output.say(
            f"Warning: the identity's secret is in the home, {folder}. Whoever takes this machine and the passphrase is this "
            "desk. Move the folder to a medium that is taken out, and name it with --identity-dir when it is needed."
        )
    session.output.result(
        {
            "home": str(home.path),
            "desk": identity.desk,
            "id": identity.id.hex(),
            "fingerprint": identity.fingerprint,
            "officer": officer,
            "identity": str(folder / KEY_FILE),
        },
        [
            f"Desk {identity.desk}, fingerprint {identity.fingerprint}",
            f"  home      {home.path}",
            f"  identity  {folder / KEY_FILE}",
            f"  officer   {officer} (duty)",
            f"Next: watchline --home {path} invite --address HOST:PORT --out FILE, or accept a FILE you were given.",
        ],
    )


@command(name="identity", example="watchline --home tokyo identity --out tokyo.identity")
@click.option("--out", type=click.Path(path_type=Path), help="Write the public identity to this file, for publication.")
def identity(session: Session, out: Path | None) -> None:
    """Show who this desk is.

    With --out, write its public identity to a file, for those who verify evidence.
    """
    from watchline.desk.ceremony import own_desk
    from watchline.desk.secrets import write_private_file

    with session.desk() as (_, caller):
        own = own_desk(caller)
    document = {"desk": own.name, "id": own.identity.id.hex(), "fingerprint": own.identity.fingerprint}
    lines = [f"Desk {own.name}", f"  id           {own.identity.id.hex()}", f"  fingerprint  {own.identity.fingerprint}"]
    if out is not None:
        write_private_file(out, IDENTITY_MAGIC + own.identity.encode())
        out.chmod(0o644)
        document["file"] = str(out)
        lines.append(f"  written to   {out}")
    session.output.result(document, lines)
