"""What the operator of a relay has to be told about a desk: see `route relay`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchline.desk.relays import boxes_between
from watchline.routes.relays import Boxes, server_permissions

if TYPE_CHECKING:
    from watchline.desk.api import Api, Method


def methods(api: Api) -> dict[str, Method]:
    """The questions about relays."""

    async def relay_permissions() -> dict[str, Any]:
        desk = api.desk
        boxes: list[tuple[str, Boxes]] = []
        for row in desk.journal.lines():
            setup, pairing = desk.setup_of(row)
            # While a renewal is under way a line has the boxes of two secrets; those into which it puts its frames come first.
            boxes += [(row.name, boxes_between(secret, setup.own_id, setup.peer_identity.id)) for secret in pairing.secrets.all]
        lines = [{"line": name, "sends": each.sends, "takes": each.takes} for name, each in boxes]
        return {"lines": lines, "permissions": server_permissions(each for _, each in boxes)}

    return {"relay_permissions": relay_permissions}
