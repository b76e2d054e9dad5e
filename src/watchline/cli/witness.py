"""`witness`: run a witness for other desks, and show what the witnesses of this desk have to know and have said."""

from __future__ import annotations

from pathlib import Path

import click

from watchline.cli.output import table
from watchline.cli.session import Session, command
from watchline.errors import UsageError

_dir = click.option(
    "--dir", "folder", required=True, type=click.Path(path_type=Path, file_okay=False), help="The witness's folder."
)


@click.group(name="witness", epilog="\b\nExample:\n  watchline witness key --dir witness --name witness.example.org/w1")
def witness() -> None:
    """Third parties that cosign what desks have signed, with their own clock."""


@command(witness, name="key", example="watchline witness key --dir witness --name witness.example.org/w1")
@_dir
@click.option("--name", help="Make the witness, under this name: best a URL without its scheme. It is for ever.")
def key(session: Session, folder: Path, name: str | None) -> None:
    """Print a witness's verifier key, or make a witness.

    Desks name this key in the terms of their lines. The secret stays in the folder.
    """
    from watchline.witness.home import make_witness, read_witness

    found = read_witness(folder) if name is None else make_witness(folder, name)
    vkey = found.verifier.to_text()
    session.output.result({"dir": str(folder), "name": found.name, "vkey": vkey}, [vkey])


@command(witness, name="serve", example="watchline witness serve --dir witness --listen 0.0.0.0:7410 --origins logs.txt")
@_dir
@click.option("--listen", required=True, metavar="HOST:PORT", help="Where to listen for HTTP.")
@click.option(
    "--origins", type=click.Path(path_type=Path, dir_okay=False), help="Serve the logs of this list: one verifier key a line."
)
@click.option("--any", "anyone", is_flag=True, help="Serve every log that brings its key, up to 10,000.")
def serve(session: Session, folder: Path, listen: str, origins: Path | None, anyone: bool) -> int:
    """Run a witness until it is told to stop.

    It signs only what goes on from what it signed before, and that is on its disk before the signature leaves.
    """
    from watchline.cli.service import log_to_standard_error
    from watchline.routes import parse_address
    from watchline.witness.service import serve as run_witness

    if (origins is None) != anyone:
        raise UsageError("which logs does this witness serve?", hint="give one of --origins FILE and --any")
    address = parse_address(listen)
    log_to_standard_error("info")

    def ready(host: str, port: int) -> None:
        import os

        document = {"dir": str(folder), "host": host, "port": port, "pid": os.getpid()}
        session.output.result(document, [f"Witnessing on {host} port {port}; stop with Ctrl-C."])

    return run_witness(folder, address.host, address.port, origins, ready=ready)


@command(witness, name="logs", example="watchline --home tokyo witness logs")
def logs(session: Session) -> None:
    """List this desk's logs, and what its witnesses saw last.

    The key of a log changes with each new incarnation of either desk.
    """
    from watchline.desk.clock import rfc3339

    with session.desk() as (_, caller):
        document = caller.call("witness_logs")
    lines = []
    for found in document["logs"]:
        lines.append(f"{found['vkey']}  # {found['line']}")
        rows = [
            [
                f"#   {each['name']}",
                "its key cannot be used"
                if not each["usable"]
                else "nothing yet"
                if each["size"] is None
                else f"saw {each['size']} of {found['size']} at {rfc3339(each['time'])} by its clock",
            ]
            for each in found["witnesses"]
        ]
        if rows:
            lines += table(rows)
    session.output.result(document, lines or ["# No line yet."])
