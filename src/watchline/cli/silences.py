"""`silence`: make certificates now about a notice whose reply clock has run out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from watchline.cli.output import wrapped
from watchline.cli.session import Session, command


@command(name="silence", example="watchline --home tokyo silence beijing ours:1")
@click.argument("line")
@click.argument("id")
def silence(session: Session, line: str, id: str) -> None:  # noqa: A002 - what the entry is called everywhere
    """Certify that a notice of ours went unanswered.

    The node does so by itself; this makes now what can be shown now, and lists all that there is. Exit code 1, with the seconds
    that remain, if no clock of the notice has run out.
    """
    with session.desk() as (_, caller):
        document = caller.call("silence", line=line, id=id)
    session.output.result(document, _shown(document))


def _shown(document: dict[str, Any]) -> Iterable[str]:
    for each in document["certificates"]:
        allowed = "" if each["allowed"] is None else f" of {each['allowed']} s"
        waited = "" if each["seconds"] is None else f", {each['seconds']} s{allowed}"
        by = "the other desk's own word" if each["said_by"] == "peer" else "this desk's word alone"
        half = ", provisional" if each["provisional"] else ""
        made = "made now" if each["new"] else "made before"
        yield from wrapped(
            f"{each['id']}  {each['kind']} (to {each['clock']} {document['notice']}){waited}: {by}{half}, {made}"
        )
    yield from wrapped(f"Show it to others: watchline export {document['line']} --silence {document['notice']} --out FILE")
