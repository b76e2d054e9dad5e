"""What a route through a relay is given: the boxes of its line, and how the relay lets us in. It imports no relay's library."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from watchline.routes.nkey import UserKey


@dataclass(frozen=True, slots=True)
class Boxes:
    """The two opaque names under which a relay keeps a line's frames, one for each direction (docs/protocol.md, rule 19).

    sends: where we put ours. takes: where the peer puts its own.
    """

    sends: str
    takes: str


@dataclass(frozen=True, slots=True)
class RelayAccess:
    """How a relay lets us in, and how we know it. user, password: None where it asks for none. nkey: instead of both.

    ca: a file of certificates in PEM, one of which must stand behind the relay's; None: those that the system trusts.
    """

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    nkey: UserKey | None = None


def server_permissions(lines: Iterable[Boxes]) -> str:
    """What a desk with these lines needs to be allowed at a nats-server: the value of `permissions` in its configuration.

    It may fill its own boxes, empty its peers', and see that both stand; it may not fill a peer's box or empty its own.
    """
    publish, subscribe = [], []
    for boxes in lines:
        ours, theirs = f"watchline-{boxes.sends}", f"watchline-{boxes.takes}"
        publish += [f"watchline.{boxes.sends}"]
        publish += [f"$JS.API.STREAM.{action}.{stream}" for stream in (ours, theirs) for action in ("INFO", "CREATE")]
        publish += [f"$JS.API.CONSUMER.CREATE.{theirs}.desk", f"$JS.ACK.{theirs}.desk.>"]
        subscribe += [f"_INBOX.{boxes.sends}.>"]
    return json.dumps({"publish": publish, "subscribe": subscribe}, indent=2)
