"""What the operator of a relay has to be told about a desk: see `route relay`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchline.desk.relays import boxes_between
from watchline.routes.relays import server_permissions

if TYPE_CHECKING:
    from watchline.desk.api import Api, Method


def methods(api: Api) -> dict[str, Method]:
    """The questions about relays."""

    async def relay_permissions() -> dict[str, Any]:
        desk = api.desk
        boxes = {}
        for row in desk.journal.lines():
            setup, pairing = desk.setup_of(row)
            boxes[row.name] = boxes_between(pairing.ps, setup.own_id, setup.peer_identity.id)
        lines = [{"line": name, "sends": each.sends, "takes": each.takes} for name, each in boxes.items()]
        return {"lines": lines, "permissions": server_permissions(boxes.values())}

    return {"relay_permissions": relay_permissions}
