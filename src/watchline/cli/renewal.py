"""`renew`: two desks leave the secret of their line behind, by three files, while the line goes on."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watchline.cli.session import Session, command, read_file
from watchline.errors import UsageError

if TYPE_CHECKING:
    from watchline.desk.renewal_ceremony import RenewalStep, Standing


@command(name="renew", example="watchline --home tokyo renew beijing --out for-beijing.r1")
@click.argument("line")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path), help="The next file, to be carried to the other desk.")
@click.option("--again", is_flag=True, help="Write this desk's file 3 once more: the other desk did not get it.")
@click.option("--identity-dir", type=click.Path(path_type=Path, file_okay=False), help="Where the identity's medium is now.")
def renew(session: Session, line: str, file: Path | None, out: Path | None, again: bool, identity_dir: Path | None) -> None:
    """Renew the secret of a line that may have been stolen.

    Without FILE it begins, and writes file 1. FILE is what the other desk brought: of file 1 comes file 2, of file 2 comes file
    3, and file 3 ends it. The line goes on meanwhile. Without FILE and --out it says how far the renewal is.
    """
    from watchline.core.line_secrets import FILE_BYTES_MAX
    from watchline.desk import ceremony
    from watchline.desk.renewal_ceremony import Renewing

    if again and (file is not None or out is None):
        raise UsageError("--again writes file 3, and takes no file", hint="watchline renew LINE --again --out FILE")
    data = None if file is None else read_file(file, bytes_max=FILE_BYTES_MAX)
    with session.desk() as (home, caller):
        own = ceremony.own_desk(caller)
        renewing = Renewing(caller, home, own, session.unlock(home, identity_dir), line, identity_dir)
        if data is None and out is None:
            standing = renewing.standing
            document = {"line": line, "state": standing.state, "renewals": standing.renewals}
            session.output.result(document, [_standing_line(line, standing)])
            return
        if data is not None:
            step = renewing.go_on(data, out)
        else:
            assert out is not None
            step = renewing.again(out) if again else renewing.begin(out)
    session.output.result(_document(line, step, out), _lines(line, step, out))


def _document(line: str, step: RenewalStep, out: Path | None) -> dict[str, Any]:
    document: dict[str, Any] = {"line": line, "renewal": step.number, "step": step.step}
    if step.file is not None:
        document |= {"file": str(out), "sha256": sha256(step.file).hexdigest()}
    if step.digits is not None:
        document["digits"] = step.digits
    return document


def _lines(line: str, step: RenewalStep, out: Path | None) -> Iterable[str]:
    if step.file is not None:
        yield f"File {step.step} of renewal {step.number} of line {line} is {out}, SHA-256 {sha256(step.file).hexdigest()}"
    if step.step == 1:
        yield f"Carry it to the other desk by hand. What comes back is file 2: watchline renew {line} FILE2 --out FILE3"
    elif step.step == 2:
        yield f"Carry it back by hand. What comes then is file 3: watchline renew {line} FILE3"
    elif step.file is not None:
        yield "Carry it to the other desk by hand. The line changes by itself once that desk has taken it."
        yield "Where a relay allows each desk its boxes only: watchline route relay, before the other desk takes file 3"
    else:
        yield f"Taken: renewal {step.number} of line {line}. The line changes by itself."
    if step.digits is not None:
        yield "Both desks have these digits now; two people may compare them by voice:"
        groups = step.digits.split(" ")
        for start in range(0, len(groups), 4):
            yield "    " + "  ".join(groups[start : start + 4])
    if step.step == 3:
        yield "Copies of the medium and spares made before know the old secret only: copy it again, and watchline keys spare"


def _standing_line(line: str, standing: Standing) -> str:
    said = {
        "none": "none is under way",
        "asked": "this desk asked, and waits for file 2",
        "answered": "this desk answered, and waits for file 3",
        "offered": "file 3 is made, and the other desk was not heard under the new secret yet",
        "changing": "both desks have the new secret; the line changes as soon as they have heard each other",
    }
    return f"Renewals of line {line}: {standing.renewals}; {said[standing.state]}."
