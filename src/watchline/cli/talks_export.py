"""A published readout leaves the desk as a folder: a page, the same as plain text, and the evidence that its side signed it."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchline.cli.session import Session, read_file
from watchline.errors import UsageError

if TYPE_CHECKING:
    from watchline.desk.local import Caller

EXPORT_SECONDS = 600.0
PAGE_NAME, TEXT_NAME, EVIDENCE_NAME = "readout.html", "readout.txt", "readout.evidence"
Json = dict[str, Any]


def export_readout(session: Session, line: str, id: str, directory: Path) -> None:  # noqa: A002 - as everywhere
    """Write a readout to a new folder, in the desk's language, and say so. The api tells `readout` and `round` by its id.

    Raises UsageError if there is no such readout, if it is confidential, or if no new folder can be made there.
    """
    check_new_folder(directory)
    with session.desk() as (_, caller):
        told = caller.call("talks_readout", line=line, id=id)
        document = write_readout(caller, line, told["readout"], told["round"], directory)
    lines = [f"The readout is in {directory}", f"Its evidence is {EVIDENCE_NAME}, SHA-256 {document['sha256']}"]
    if not document["complete"]:
        lines.append("It is provisional: no full status covers all of it yet. Export again later for the complete one.")
    session.output.result(document, lines)


def write_readout(caller: Caller, line: str, readout: Json, round_: Json, directory: Path) -> Json:
    """Make the folder, whole or not at all; give what `--json` prints. readout, round_: as `talks_show` has them.

    Raises as `export_readout` does, and NegativeAnswer if the evidence shows another readout than the desk tells of.
    """
    from watchline.core.limits import EVIDENCE_BYTES_MAX
    from watchline.desk.talks_readout import Signed, check_published, page, text

    check_published(readout)
    desk = caller.call("desk")
    reader = {"language": desk["language"], "zone": desk["zone"] or None}
    with _new_folder(directory) as folder:
        evidence = folder / EVIDENCE_NAME
        made = caller.call("export", EXPORT_SECONDS, line=line, ids=[readout["id"]], out=str(evidence.absolute()))
        signed = Signed.read(read_file(evidence, bytes_max=EVIDENCE_BYTES_MAX), EVIDENCE_NAME, readout)
        (folder / PAGE_NAME).write_text(page(readout, round_, signed, **reader), encoding="utf-8")
        (folder / TEXT_NAME).write_text(text(readout, round_, signed, **reader), encoding="utf-8")
    return {
        "id": readout["id"],
        "directory": str(directory),
        "files": [PAGE_NAME, TEXT_NAME, EVIDENCE_NAME],
        "sha256": made["sha256"],
        "complete": made["complete"],
    }


def check_new_folder(directory: Path) -> None:
    """Raise UsageError unless a new folder can be made there."""
    if directory.exists() or directory.is_symlink():
        raise UsageError("this is there already", hint="choose another name for --to", path=str(directory))
    if not directory.absolute().parent.is_dir():
        raise UsageError("there is no such folder", hint="make it first, or choose another --to", path=str(directory))


@contextmanager
def _new_folder(directory: Path) -> Iterator[Path]:
    """A folder to fill, which gets its name once it is full; if that fails, nothing of it stays."""
    check_new_folder(directory)
    folder = directory.absolute().with_name(f".{directory.name}.{secrets.token_hex(4)}")
    try:
        folder.mkdir()
        yield folder
        check_new_folder(directory)
        folder.rename(directory)
    except OSError as error:
        message = f"cannot write {directory}: {error.strerror}"
        raise UsageError(message, hint="choose another --to", path=str(directory)) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
