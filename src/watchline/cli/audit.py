"""`audit`: all that an auditor is given of a line's year, in one folder."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path

import click

from watchline.cli.proof import EXPORT_SECONDS, write_cover
from watchline.cli.session import Session, command
from watchline.errors import UsageError

SUMS = "SHA256SUMS"


@command(name="audit", example="watchline --home tokyo audit beijing --year 2023 --out beijing-2023")
@click.argument("line")
@click.option("--year", required=True, type=click.IntRange(1970, 9998), help="The calendar year, in UTC.")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The folder to make.")
@click.option("--hide-body", is_flag=True, help="Show what notices and answers commit to, and not what they say.")
def audit(session: Session, line: str, year: int, out: Path, hide_body: bool) -> None:
    """Pack the year of LINE for an auditor.

    A new folder gets statistics, the evidence of all that was said with its cover page, and SHA-256 sums.

    A year that is not over ends now. `sha256sum -c SHA256SUMS` checks the folder, `watchline verify` the evidence.
    """
    if out.exists():
        raise UsageError("this folder is there already", hint="choose another name for --out", path=str(out))
    start, end = _begin(year), min(_begin(year + 1), session.now() + 1)  # what was said in this second, too
    if end <= start:
        raise UsageError(f"{year} has not begun", hint="choose a year that has")
    made = out.with_name(f".{out.name}.{os.urandom(6).hex()}")  # the folder is there whole or not at all
    try:
        made.mkdir(mode=0o700)
        complete = _fill(session, made, line, (start, end), hide_body=hide_body)
        files = _sum_up(made)
        made.rename(out)
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}", hint="choose another --out") from None
    finally:
        shutil.rmtree(made, ignore_errors=True)
    ended = end == _begin(year + 1)
    document = {"folder": str(out), "year": year, "ended": ended, "complete": complete, "files": files}
    lines = [f"The year {year} of {line} is in {out}: {', '.join(files)}"]
    if not ended:
        lines.append("The year is not over: this ends now.")
    if not complete:
        lines.append("The evidence is provisional: no full status covers all of it yet.")
    session.output.result(document, lines)


def _begin(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())


def _fill(session: Session, folder: Path, line: str, period: tuple[int, int], *, hide_body: bool) -> bool:
    """Write report, evidence and cover; give whether the evidence is complete."""
    from watchline.cli.report_page import render

    evidence = folder / "year.evidence"
    with session.desk() as (_, caller):
        desk = caller.call("desk")
        report = caller.call("report", EXPORT_SECONDS, line=line, start=period[0], end=period[1])
        made = caller.call(
            "export", EXPORT_SECONDS, line=line, out=str(evidence.absolute()), period=list(period), hide_body=hide_body
        )
    told = json.dumps(report, ensure_ascii=False, indent=2) + "\n"
    (folder / "report.json").write_text(told, encoding="utf-8")
    (folder / "report.html").write_text(render(report, desk["language"]), encoding="utf-8")
    write_cover(evidence, folder / "cover.html", desk["language"], desk["zone"])
    return bool(made["complete"])


def _sum_up(folder: Path) -> dict[str, str]:
    """List the files with their SHA-256, as `sha256sum` does, and give the same by name."""
    sums = {}
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            sums[path.name] = file_digest(file, "sha256").hexdigest()
    (folder / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()), encoding="utf-8")
    return sums
