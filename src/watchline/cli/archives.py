"""`archive`, `erase`: what was said goes after its time, the proofs stay."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.session import Session, command
from watchline.errors import UsageError

if TYPE_CHECKING:
    from watchline.core.records import EntryRecord
    from watchline.desk.body_archive import About

PATIENCE_SECONDS = 3_600.0
_older_than = click.option(
    "--older-than",
    metavar="DAYS",
    type=click.IntRange(1, 36_525),
    help="Only what is older than so many days. Default, and the least: body_days of the line's terms.",
)


@command(name="archive", example="watchline --home tokyo archive beijing --to /media/archive")
@click.argument("line", required=False)
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), help="The folder for the new file.")
@_older_than
@click.option("--open", "file", type=click.Path(path_type=Path, dir_okay=False), help="Read this archive instead.")
@click.option(
    "--identity-dir", type=click.Path(path_type=Path, file_okay=False), help="With --open: where the identity's medium is."
)
@click.option("--entry", metavar="ID", help="With --open: this entry only, such as theirs:7.")
def archive(
    session: Session,
    line: str | None,
    folder: Path | None,
    older_than: int | None,
    file: Path | None,
    identity_dir: Path | None,
    entry: str | None,
) -> None:
    """Move what was said long ago into a file, or read one.

    Leaves, receipts and all other proofs stay in the home. Only the identity's medium opens the file, with --open FILE: so
    making it needs no passphrase, and the machine that made it cannot read it. What waits for a receipt or a person stays.
    """
    if file is not None:
        if line is not None or folder is not None or older_than is not None:
            raise UsageError("--open reads a file and changes nothing", hint="leave out LINE, --to and --older-than")
        _read(session, file, identity_dir, entry)
        return
    if line is None or folder is None:
        raise UsageError("which line, and into which folder?", hint="give LINE and --to DIR, or --open FILE")
    if identity_dir is not None or entry is not None:
        raise UsageError("--identity-dir and --entry are for reading an archive", hint="give --open FILE")
    with session.desk() as (_, caller):
        done = caller.call("archive", PATIENCE_SECONDS, line=line, folder=str(folder.absolute()), older_than_days=older_than)
    document = {"line": line, "entries": done["entries"], "file": done["file"], "sha256": done["sha256"]}
    if done["file"] is None:
        session.output.result(document, ["Nothing is due: no file was written."])
        return
    shown = [
        f"{done['file']}: {done['entries']} entries, SHA-256 {done['sha256']}",
        f"To read it: watchline archive --open {done['file']} --identity-dir DIR",
    ]
    session.output.result(document, shown)


@command(name="erase", example="watchline --home tokyo erase beijing --yes")
@click.argument("line")
@_older_than
@click.option("--yes", is_flag=True, help="Do it: nothing of this home brings it back.")
def erase(session: Session, line: str, older_than: int | None, yes: bool) -> None:
    """Remove what was said on LINE long ago, without a copy.

    Leaves, receipts and all other proofs stay. What waits for a receipt or a person stays. Older backups still hold it.
    """
    from watchline.desk.removal import COUNTED_MAX

    with session.desk() as (_, caller):
        if not yes:
            due = caller.call("bodies_due", line=line, older_than_days=older_than)["entries"]
            raise UsageError(
                f"{due}{' or more' if due == COUNTED_MAX else ''} entries of {line} would lose what they said, for good",
                hint="say so with --yes, or keep a copy: watchline archive",
                entries=due,
            )
        done = caller.call("erase", PATIENCE_SECONDS, line=line, older_than_days=older_than)
    document = {"line": line, "entries": done["entries"]}
    session.output.result(document, [f"{done['entries']} entries of {line} say nothing any more; their proofs are still here."])


def _read(session: Session, file: Path, identity_dir: Path | None, wanted: str | None) -> None:
    from watchline.desk.body_archive import open_archive
    from watchline.desk.clock import rfc3339

    if identity_dir is None:
        raise UsageError("only the identity's medium opens an archive", hint="give --identity-dir DIR")
    unlocked = session.unlocked(identity_dir)
    with open_archive(file, unlocked.medium.archive) as opened:
        about = opened.about
        entries = [shown for record in opened.entries() if (shown := _entry(about, record))["id"] == (wanted or shown["id"])]
    if wanted is not None and not entries:
        raise UsageError(f"there is no entry {wanted[:80]} in this archive", hint="leave out --entry to see all of them")
    document = {
        "desk": about.desk,
        "peer": about.peer,
        "line": about.name,
        "made": rfc3339(about.made),
        "entries": entries,
    }
    session.output.result(document, _shown(document, about.zone))


def _entry(about: About, record: EntryRecord) -> dict[str, Any]:
    """One entry of an archive: what it said, and what proves that it said so."""
    from watchline.catalogue import load_catalogue
    from watchline.core.entries import Body, EntryType, Leaf, Response
    from watchline.desk.clock import rfc3339
    from watchline.desk.references import reference_to
    from watchline.desk.rungs import read_notice
    from watchline.errors import PeerError

    notice, leaf = read_notice(record), Leaf.decode(record.leaf)
    shown: dict[str, Any] = {
        "id": reference_to(record),
        "incarnations": list(record.log.pair),
        "index": record.index,
        "author": about.desk if record.log.outgoing else about.peer,
        "type": EntryType(record.type).name.lower() if record.type in EntryType.__members__.values() else str(record.type),
        "time": rfc3339(leaf.time),
        "form": None,
        "title": None,
        "fields": {},
        "text": None,
        "leaf": record.leaf.hex(),
        "blinding": record.blinding.hex(),
        "body": record.body.hex(),
    }
    if notice is not None:
        reading = load_catalogue().read(
            notice.form,
            notice.version,
            notice.fields,
            language=about.language,
            zone=about.zone or None,
            precedence=notice.precedence,
            name_reference=lambda place: "/".join(map(str, place)),
        )
        text = "\n".join(f"{row.label}: {row.text}" for row in reading.rows)
        shown |= {"form": notice.form, "title": reading.title.text, "fields": reading.fields, "text": text}
    elif record.type == EntryType.DECLINE:
        with suppress(PeerError):  # what cannot be read stands in `body`
            shown["text"] = Response.decode(Body.decode(record.body).content).reason
    return shown


def _shown(document: dict[str, Any], zone: str) -> Iterable[str]:
    from watchline.cli.output import wrapped
    from watchline.cli.reading import shown_time

    yield f"{document['desk']}, line {document['line']} to {document['peer']}, archived {shown_time(document['made'], zone)}"
    yield f"{len(document['entries'])} entries; each is the one that its leaf in the log commits to."
    for entry in document["entries"]:
        yield ""
        yield from wrapped(f"{entry['id']}  {entry['title'] or entry['type']}")
        yield from wrapped(f"  {entry['author']}, {shown_time(entry['time'], zone)}")
        if entry["text"]:
            yield from wrapped(entry["text"], indent="  ")
