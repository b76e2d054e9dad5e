"""`console`: an address that signs one browser in at the desk's screen."""

from __future__ import annotations

import os

import click

from watchline.cli.session import Session, command
from watchline.errors import UsageError


@command(name="console", example="watchline --home tokyo console")
@click.option("--open", "opens", is_flag=True, help="Open it in this machine's browser, too.")
def console(session: Session, opens: bool) -> None:
    """Print a link to this desk's console.

    It signs one browser on this machine in, once, within a minute. The node has to run.
    """
    with session.desk() as (_, caller):
        document = caller.call("console_link")
    said = f"It works once, within {document['seconds']} seconds, in a browser on this machine."
    session.output.result(document, [document["url"]])
    session.output.say(said)
    if opens and not open_page(document["url"]):
        raise UsageError("no browser can be opened from here", hint="open the link yourself")


def open_page(url: str) -> bool:
    """Open a page in this machine's browser; False where there is no screen: a browser in a terminal would take that over."""
    import webbrowser

    has_screen = any(os.environ.get(variable) for variable in ("DISPLAY", "WAYLAND_DISPLAY"))
    return has_screen and webbrowser.open(url)
