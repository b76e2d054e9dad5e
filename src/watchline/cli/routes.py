"""`route`: the addresses at which this desk can be reached, and its relays.

A change is signed to every peer; no new pairing is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from watchline.cli.session import Session, command
from watchline.errors import UsageError

if TYPE_CHECKING:
    from watchline.desk.local import Caller


@click.group(name="route", epilog="\b\nExample:\n  watchline --home tokyo route add desk.example.org:7400")
def route() -> None:
    """The addresses at which other desks reach this one."""


@command(route, name="add", example="watchline --home tokyo route add desk.example.org:7400")
@click.argument("address", metavar="ADDRESS")
def add(session: Session, address: str) -> None:
    """Add an address, and sign it to every peer.

    HOST:PORT is a way to this desk: a running node listens there at once. nats://HOST:PORT or tls://HOST:PORT is a relay: the
    nodes of both desks use it.
    """
    from watchline.cli.pairing import dialled_routes
    from watchline.desk import ceremony

    (wanted,) = dialled_routes((address,))
    with session.desk() as (_, caller):
        ceremony.put_own_routes(caller, ceremony.with_routes(ceremony.own_routes(caller), (wanted,)))
        _show(session, caller)


@command(route, name="remove", example="watchline --home tokyo route remove 192.0.2.7:7400")
@click.argument("address", metavar="ADDRESS")
def remove(session: Session, address: str) -> None:
    """Take an address back.

    Other addresses, and connections that this desk dials, go on.
    """
    from watchline.desk import ceremony

    with session.desk() as (_, caller):
        routes = ceremony.own_routes(caller)
        if address not in {known.address for known in routes}:
            there = [known.address for known in routes]
            raise UsageError(
                f"{address[:80]} is no address of this desk",
                hint=f"there are {', '.join(there)}" if there else "there is none",
                addresses=there,
            )
        ceremony.put_own_routes(caller, tuple(known for known in routes if known.address != address))
        _show(session, caller)


@command(route, name="list", example="watchline --home tokyo route list --json")
def list_(session: Session) -> None:
    """List this desk's own addresses.

    `watchline status` shows those of the peers.
    """
    with session.desk() as (_, caller):
        _show(session, caller)


@command(route, name="relay", example="watchline --home tokyo route relay")
def relay(session: Session) -> None:
    """Print what a relay's operator has to permit this desk.

    It is the value of `permissions` of this desk's user in the configuration of nats-server. It names the boxes of each line,
    which are no secret to the relay and say nothing of who uses them.
    """
    with session.desk() as (_, caller):
        answer = caller.call("relay_permissions")
        session.output.result(answer, [answer["permissions"]])


def _show(session: Session, caller: Caller) -> None:
    from watchline.desk import ceremony

    routes = ceremony.own_routes(caller)
    document = {"routes": [{"kind": known.kind, "address": known.address} for known in routes]}
    session.output.result(
        document, [f"{known.kind}  {known.address}" for known in routes] or ["No address: this desk only dials."]
    )
