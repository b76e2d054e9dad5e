"""`fallback`: whom to call when the other desk does not answer on its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from watchline.cli.session import Session, command


@click.group(name="fallback", epilog="\b\nExample:\n  watchline --home tokyo fallback set beijing --file card.toml")
def fallback() -> None:
    """The fallback card of a line: telephone numbers and other lines."""


@command(fallback, name="set", example="watchline --home tokyo fallback set beijing --file card.toml")
@click.argument("line")
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The card, as TOML.")
def set_(session: Session, line: str, file: Path) -> None:
    """Keep the fallback card of LINE.

    It is shown here, and in `watchline status`, once a clock of a notice of yours has run out. It never leaves this desk.
    """
    from watchline.desk.fallback import read_card

    card = read_card(file)
    with session.desk() as (_, caller):
        document = caller.call("fallback_set", line=line, card=card)
    session.output.result(document, card_shown(document["card"]))


@command(fallback, name="show", example="watchline --home tokyo fallback show beijing")
@click.argument("line")
def show(session: Session, line: str) -> None:
    """Show the fallback card of LINE."""
    with session.desk() as (_, caller):
        document = caller.call("fallback", line=line)
    card = document["card"]
    nobody = [f"No card is set for {line}: watchline fallback set {line} --file CARD.toml"]
    session.output.result(document, nobody if card is None else card_shown(card))


def card_shown(card: dict[str, Any], indent: str = "") -> Iterator[str]:
    """A card as lines for people."""
    for row in card["telephone"]:
        languages = f" ({', '.join(row['languages'])})" if row["languages"] else ""
        yield f"{indent}telephone  {row['number']}  {row['name']}{languages}"
    for row in card["other"]:
        yield f"{indent}other      {row['name']}: {row['how']}"
