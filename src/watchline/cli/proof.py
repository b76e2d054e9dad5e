"""`export` and `verify`: evidence leaves the desk in one file, and anyone checks it, without a home and without a network."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.output import wrapped
from watchline.cli.period import seconds_of
from watchline.cli.session import Session, command, read_file
from watchline.errors import NegativeAnswer, UsageError

if TYPE_CHECKING:
    from watchline.core.keys import Identity

EXPORT_SECONDS = 600.0
PAGE = Path(__file__).parents[1] / "verifier" / "verify.html"  # written by scripts/build_verifier.py


@command(name="export", example="watchline --home tokyo export beijing ours:1 --out balloon.evidence")
@click.argument("line")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--from", "start", metavar="TIME", help="Show what was said from then on: a date or a time of RFC 3339.")
@click.option("--to", "end", metavar="TIME", help="Where that period ends. [now]")
@click.option("--silence", metavar="ID", help="Show the silence certificates about this notice, or this certificate.")
@click.option("--hide-body", is_flag=True, help="Show what notices and answers commit to, and not what they say.")
@click.option(
    "--cover", type=click.Path(path_type=Path), metavar="FILE.html", help="Write a cover page in this desk's language too."
)
def export(
    session: Session,
    line: str,
    ids: tuple[str, ...],
    out: Path,
    start: str | None,
    end: str | None,
    silence: str | None,
    hide_body: bool,
    cover: Path | None,
) -> None:
    """Write the evidence of entries of LINE to one file.

    It holds the entries that are named or fall into the period, or all, with their answers, receipts and all that proves them.
    """
    check_new(out, "--out")
    if cover is not None:
        check_new(cover, "--cover")
    period = _period(session, start, end)
    with session.desk() as (_, caller):
        made = caller.call(
            "export",
            EXPORT_SECONDS,
            line=line,
            ids=list(ids),
            out=str(out.absolute()),
            silence=silence,
            hide_body=hide_body,
            period=None if period is None else list(period),
        )
        desk = caller.call("desk")
    document = {"file": str(out), "sha256": made["sha256"], "complete": made["complete"], "cover": None}
    lines = [f"Evidence is {out}, SHA-256 {made['sha256']}"]
    if not made["complete"]:
        lines.append("It is provisional: no full status covers all of it yet. Export again later for the complete one.")
    if cover is not None:
        write_cover(out, cover, desk["language"], desk["zone"])
        document["cover"] = str(cover)
        lines.append(f"Its cover page is {cover}")
    session.output.result(document, lines)


def _period(session: Session, start: str | None, end: str | None) -> tuple[int, int] | None:
    if start is None and end is None:
        return None
    if start is None:
        raise UsageError("from when?", hint="give --from too")
    until = session.now() + 1 if end is None else seconds_of(end, "--to")  # what was said in this second, too
    return seconds_of(start, "--from"), until


def check_new(path: Path, option: str) -> None:
    """Raise UsageError unless a new file can be made there."""
    if path.exists():
        raise UsageError("this file is there already", hint=f"choose another name for {option}", path=str(path))
    if not path.absolute().parent.is_dir():
        raise UsageError("there is no such folder", hint=f"make it first, or choose another {option}", path=str(path))


def write_cover(evidence: Path, cover: Path, language: str, zone: str | None) -> None:
    """Write the cover page of a file of evidence. Raises NegativeAnswer if that is not verified, UsageError if it cannot."""
    from watchline.cli.cover_page import render_cover
    from watchline.core.limits import EVIDENCE_BYTES_MAX

    page = render_cover(read_file(evidence, bytes_max=EVIDENCE_BYTES_MAX), evidence.name, language, zone or None)
    try:
        cover.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {cover}: {error.strerror}", hint="choose another --cover") from None


@command(name="verify", example="watchline verify balloon.evidence --identity tokyo.identity --identity beijing.identity")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="OUT.html",
    help="Write the page with which anybody checks evidence in a browser, and do nothing else.",
)
@click.option(
    "--cover", type=click.Path(path_type=Path), metavar="OUT.html", help="Write a cover page for the file, if it is verified."
)
@click.option("--language", default="en", metavar="TAG", help="The language of the cover page.", show_default=True)
@click.option(
    "--identity",
    "identity_files",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A public identity that you know to be genuine, as `watchline identity` writes it; may be repeated.",
)
def verify(
    session: Session, file: Path | None, page: Path | None, cover: Path | None, language: str, identity_files: tuple[Path, ...]
) -> int:
    """Check FILE of evidence, offline.

    Exit code 0 if it holds and names every identity that was given, else 1. It needs no home and no network.
    """
    if page is not None:
        return _write_page(session, page, alone=file is None and cover is None and not identity_files)
    if file is None:
        raise UsageError("which file of evidence?", hint="watchline verify FILE, or --page OUT.html for the page")
    from watchline.core.evidence import verify_evidence
    from watchline.core.limits import EVIDENCE_BYTES_MAX

    if cover is not None:
        check_new(cover, "--cover")
    trusted = [_identity(path) for path in identity_files]
    report = verify_evidence(read_file(file, bytes_max=EVIDENCE_BYTES_MAX), trusted).as_json()
    if cover is not None and report["verified"]:
        write_cover(file, cover, language, None)
    session.output.result(report, _report_shown(report))
    missing = {each.fingerprint for each in trusted} - {each["fingerprint"] for each in report["identities"]}
    if report["verified"] and missing:
        session.output.say("Warning: an identity that you gave is not in this evidence: it is not about that desk.")
    return 0 if report["verified"] and not missing else NegativeAnswer.exit_code


def _write_page(session: Session, out: Path, *, alone: bool) -> int:
    if not alone:
        raise UsageError("--page stands alone", hint="write the page first, and check the file with another command")
    check_new(out, "--page")
    page = PAGE.read_bytes()
    out.write_bytes(page)
    digest = sha256(page).hexdigest()
    session.output.result({"file": str(out), "sha256": digest}, [f"The page is {out}, SHA-256 {digest}"])
    return 0


def _identity(path: Path) -> Identity:
    """A published identity. Raises UsageError for a file that holds none."""
    from watchline.cli.homes import IDENTITY_FILE_BYTES_MAX, IDENTITY_MAGIC
    from watchline.core.keys import Identity
    from watchline.errors import Malformed

    data = read_file(path, bytes_max=IDENTITY_FILE_BYTES_MAX)
    try:
        if data.startswith(IDENTITY_MAGIC):
            return Identity.decode(data[len(IDENTITY_MAGIC) :])
        problem = "is no public identity"
    except Malformed:
        problem = "is damaged"
    raise UsageError(f"{path} {problem}", hint="give a file that watchline identity --out wrote", path=str(path))


def _report_shown(report: dict[str, Any]) -> Iterable[str]:
    if not report["verified"]:
        yield "NOT VERIFIED"
        for fault in report["faults"]:
            part = f"{fault['part']}: " if fault["part"] else ""
            yield from wrapped(f"  {part}{fault['message']} (rule {fault['rule']})")
        return
    yield "VERIFIED" if report["complete"] else "VERIFIED, provisional"
    for identity in report["identities"]:
        trusted = "trusted" if identity["trusted"] else "not known to you: compare the fingerprint"
        yield from wrapped(f"  {identity['desk']}  {identity['fingerprint']}  {trusted}")
    for fact in report["facts"]:
        yield from wrapped(f"  - {fact}")
